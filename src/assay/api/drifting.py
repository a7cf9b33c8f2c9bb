"""Compare current data with a reference, once or window after window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from assay.api.options import DEFAULTS, Options, inputs_of, instant
from assay.api.profiling import engine, is_profile, profile, refuse_no_rows
from assay.codec import format_duration
from assay.data.dataset import Dataset
from assay.data.sources import dataset
from assay.errors import UsageError, nearest

if TYPE_CHECKING:
    from assay.checks.drift.settings import DriftSettings
    from assay.checks.suite import Suite
    from assay.profiles.profile import Profile
    from assay.stats.budget import Budget
    from assay.verdict import Findings

__all__ = ["drift", "drift_window"]


def drift(
    reference: object, current: object, *, preset: str = "default", settings: DriftSettings | str | Path | None = None,
    importances: Mapping[str, float] | object = None, rows: bool = False, options: Options = DEFAULTS,
) -> Findings:  # fmt: skip
    """Compare two datasets, or saved profiles of them, column by column, and return the findings.

    A column has drifted where a comparison rejects after correction over all that are judged, and the size of the
    difference is at least a stated one; a sample too small to have shown a large difference is inconclusive. `settings`
    (or their file) say otherwise, for all columns or for one; the preset "classic" has the textbook's fixed thresholds.
    Where the reference has a time column (its role), what counts is calibrated on windows of its own history.
    `importances` (of columns, or a fitted model that has them) rank the drift; `rows` also compares whole rows, which
    takes the data of both sides.

    >>> import polars as pl
    >>> then = pl.DataFrame({"age": [a % 60 for a in range(3000)]})
    >>> drift(then, then.with_columns(age=pl.col("age") + 20)).verdict
    <Verdict.FAIL: 'fail'>
    """
    from assay.checks.drift.compare import compare, with_importances
    from assay.checks.drift.settings import drift_suite

    told = _drift_settings(settings, preset)
    about, known = _reference(reference, told, options)
    now = _current(current)
    suite = drift_suite(known, told)
    shares = _importances(importances, known)
    suite = suite if shares is None else with_importances(suite, shares)
    suite, known = _calibrated(suite, about, known, now)
    findings = compare(
        suite, now, inputs_of(options, known, seed=options.seed), engine=engine(), progress=options.progress
    )
    return _with_rows(findings, about, now, told, options) if rows else findings


def drift_window(
    reference: object, current: object, *, budget: Budget, settings: DriftSettings | str | Path | None = None,
    importances: Mapping[str, float] | object = None, options: Options = DEFAULTS,
) -> tuple[Findings, Budget]:  # fmt: skip
    """Compare one of many windows with a reference at the level that an alarm budget allows it, as `drift` does.

    Return the findings and the budget afterwards, which the next window is judged by: of windows in which nothing changed,
    no more alarm in the budget's period than it has. `options.now` is the instant of the window. Sizes still have to count:
    a window whose p-value is spent on may pass.

    >>> from datetime import UTC, datetime, timedelta
    >>> import polars as pl
    >>> from assay.api import Options
    >>> from assay.stats.budget import Spending
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> then = pl.DataFrame({"age": [a % 60 for a in range(3000)]})
    >>> tomorrow = Options(now=noon + timedelta(days=1))
    >>> findings, left = drift_window(then, then, budget=Spending(at=noon, alarms=1), options=tomorrow)
    >>> findings.verdict, round(left.saved, 4)
    (<Verdict.PASS: 'pass'>, 0.0167)
    """
    from assay.checks.drift.budgeted import level_of, spent_on, with_level

    at = instant(options)
    told = with_level(_drift_settings(settings, "default"), budget, at=at)
    timed = replace(options, now=at)
    findings = drift(reference, current, settings=told, importances=importances, options=timed)
    spent, after = spent_on(findings, budget, at=at)
    note = f"judged at the level {level_of(budget, at=at):.3g} that the alarm budget allows this window: {spent.why}"
    return _findings_noted(findings, note), after


def _drift_settings(settings: DriftSettings | str | Path | None, preset: str) -> DriftSettings:
    from assay.checks.drift.settings import PRESETS, DriftSettings, load_settings

    if preset not in PRESETS:
        raise UsageError(f"there is no preset called {preset!r}", hint=nearest(preset, PRESETS))
    if isinstance(settings, str | Path):
        return load_settings(settings)
    return settings if settings is not None else DriftSettings(preset="classic" if preset == "classic" else "default")


def _reference(reference: object, told: DriftSettings, options: Options) -> tuple[Dataset | None, Profile]:
    """Return the reference's data, where it is data, and its profile: as much of it as drift looks at."""
    from assay.checks.drift.compare import reference_needs
    from assay.profiles.profile import profile_dataset

    about = None if is_profile(reference) else dataset(reference, part="reference")
    if about is None:
        known = _marked(profile(reference))
    else:
        needs = reference_needs(about.schema, told)
        known = profile_dataset(about, engine=engine(), needs=needs, progress=options.progress)
    refuse_no_rows(known)
    return about, known


def _current(current: object) -> Dataset | Profile:
    return profile(current) if is_profile(current) else dataset(current)


def _importances(given: object, known: Profile) -> dict[str, float] | None:
    """Return importances by column: as given, or of a fitted model that says them (trees) or has coefficients."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        from assay.checks.drift.importances import importances_of

        given = importances_of(given)
    for name, value in given.items():
        if name not in known.columns:
            raise UsageError(
                f"importances name {name!r}, which the reference does not have", hint=nearest(name, known.columns)
            )
        if not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise UsageError(f"the importance of {name!r} is {value!r}; it is a number from 0 up")
    return {str(name): float(value) for name, value in given.items()}


def _calibrated(
    suite: Suite, about: Dataset | None, known: Profile, current: Dataset | Profile
) -> tuple[Suite, Profile]:  # fmt: skip
    """Return the suite with what is usual in the reference's history, and a note on its profile that says so."""
    from assay.checks.drift.compare import stretch_of, with_usual

    time = about.roles.time if about is not None else None
    if about is None or time is None:
        return suite, known
    like = stretch_of(current, time)
    if like is None:
        return suite, _noted(known, f"not calibrated on its history: the current data has no two instants in {time!r}")
    usual = with_usual(suite, about, known, like, engine=engine())
    windows = max((getattr(check.arguments, "windows", 0) for check in usual.checks), default=0)
    length = format_duration(like.window)
    if not windows:
        return suite, _noted(known, f"not calibrated on its history, which is too short for windows of {length}")
    return usual, _noted(known, f"bounds are calibrated on {windows} windows of {length} of its own history")


def _with_rows(
    findings: Findings, about: Dataset | None, now: Dataset | Profile, told: DriftSettings, options: Options
) -> Findings:  # fmt: skip
    from assay.checks.drift.rows import compare_rows

    if about is None or not isinstance(now, Dataset):
        raise UsageError("whole rows can only be compared where both sides are data", hint="a profile holds no rows")
    ignore = [name for name in about.schema if name in told.ignore or (told.only and name not in told.only)]
    found = compare_rows(about, now, engine=engine(), seed=options.seed, ignore=ignore)
    return msgspec.structs.replace(findings, outcomes=(*findings.outcomes, *found))


def _marked(profile: Profile) -> Profile:
    """Return a saved profile as that of a reference, which its own file does not know."""
    marks = tuple(msgspec.structs.replace(mark, part="reference") for mark in profile.marks)
    return msgspec.structs.replace(profile, marks=marks)


def _noted(profile: Profile, note: str) -> Profile:
    marks = tuple(msgspec.structs.replace(mark, notes=(*mark.notes, note)) for mark in profile.marks)
    return msgspec.structs.replace(profile, marks=marks)


def _findings_noted(findings: Findings, note: str) -> Findings:
    first, *others = findings.provenance.datasets
    marks = (msgspec.structs.replace(first, notes=(*first.notes, note)), *others)
    return msgspec.structs.replace(findings, provenance=msgspec.structs.replace(findings.provenance, datasets=marks))
