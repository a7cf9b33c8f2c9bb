"""Judge data by a suite, suggest one, and set the rows apart that break it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from assay.api.options import DEFAULTS, SEED, Options, inputs_of, instant
from assay.api.profiling import engine, is_profile, profile, refuse_no_rows
from assay.data.dataset import Dataset
from assay.data.sources import dataset
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.checks.check import Check
    from assay.checks.judge import Inputs
    from assay.checks.quarantine import Quarantined
    from assay.checks.suite import Suite
    from assay.checks.typed import Table
    from assay.profiles.profile import Profile
    from assay.verdict import Findings

__all__ = ["SuiteLike", "check", "quarantine", "suggest"]

SuiteLike: TypeAlias = "Suite | str | Path | type[Table] | Check | Iterable[Check] | None"


def check(
    data: object, suite: SuiteLike = None, *, reference: object = None, options: Options = DEFAULTS
) -> Findings:  # fmt: skip
    """Judge a dataset by a suite and return the findings.

    `suite` is a suite, the path of a suite or schema file, a typed class, or checks. Without one, the suite that the
    reference suggests is used, and what compares with it (new words, shifted means, other units); without a reference
    too, a first look: checks that need to know nothing beforehand.

    >>> import polars as pl
    >>> from assay import column
    >>> check(pl.DataFrame({"age": [1, 200]}), [column("age").between(0, 120)]).verdict
    <Verdict.FAIL: 'fail'>
    """
    from assay.checks.judge import judge

    current = dataset(data)
    asked, inputs = _asked(current, suite, reference, options)
    return judge(asked, current, inputs, engine=engine(), progress=options.progress)


def quarantine(
    data: object, suite: SuiteLike, folder: str | Path, *, reference: object = None, options: Options = DEFAULTS
) -> Quarantined:  # fmt: skip
    """Set the rows that break a suite apart from the clean ones, each with its reasons, as two Parquet files."""
    from assay.checks.quarantine import quarantine as set_apart

    current = dataset(data)
    asked, inputs = _asked(current, suite, reference, options)
    return set_apart(asked, current, inputs, folder=folder)


def suggest(reference: object, *, options: Options = DEFAULTS, seed: int = SEED) -> Suite:
    """Return a suite that a reference passes, and fresh samples of it; its notes say how often it alarmed when tried."""
    import numpy as np

    from assay.checks.suggest import suggest as suggested

    rng = np.random.default_rng(seed)
    return suggested(dataset(reference), engine=engine(), now=instant(options), rng=rng)


def _asked(current: Dataset, suite: SuiteLike, reference: object, options: Options) -> tuple[Suite, Inputs]:
    """Return the suite that is meant and what it may look at; the reference is read by the suite's missing values."""
    from assay.checks.comparisons import comparisons
    from assay.checks.firstlook import first_look

    others = {name: dataset(other, name=name, part="other") for name, other in options.others.items()}
    about = None if reference is None or is_profile(reference) else dataset(reference, part="reference")
    if about is not None:
        others.setdefault("reference", about)
    asked = _given(suite, current, options) if suite is not None else _proposed(about, reference, options)
    known = _profile_of(about, reference, asked)
    if suite is None and known is not None:
        refuse_no_rows(known)
    if asked is None:
        asked = first_look(current)
    elif suite is None and known is not None:
        asked = asked.with_checks((*asked.checks, *comparisons(known)))
    return asked, inputs_of(options, known, others=others)


def _given(suite: SuiteLike, current: Dataset, options: Options) -> Suite:
    from assay.checks.check import Check
    from assay.checks.suite import Suite
    from assay.checks.typed import Table

    if isinstance(suite, Suite):
        return suite
    if isinstance(suite, str | Path):
        return _suite_file(suite, current, options)
    if isinstance(suite, type):
        if issubclass(suite, Table):
            return suite.suite()
        raise UsageError(f"{suite.__name__} is no Table", hint="subclass assay.Table, or give checks")
    given: tuple[object, ...] = tuple(suite) if isinstance(suite, Iterable) else (suite,)
    checks = tuple(check for check in given if isinstance(check, Check))
    if len(checks) < len(given):
        odd = next(check for check in given if not isinstance(check, Check))
        hint = 'give a suite, its path, a Table, or checks such as column("age").between(0, 120)'
        raise UsageError(f"{odd!r} is no check", hint=hint)
    return Suite(checks, "checks")


def _suite_file(path: str | Path, current: Dataset, options: Options) -> Suite:
    from assay.checks.of_schema import schema_suite
    from assay.checks.suite import load_suite
    from assay.profiles.schema import is_schema, load_schema

    if is_schema(path):
        return schema_suite(load_schema(path), current.name, environment=options.stage, columns=current.schema)
    return load_suite(path)


def _proposed(about: Dataset | None, reference: object, options: Options) -> Suite | None:
    """Return what a reference suggests, where it is data and not only its profile; None where there is no reference."""
    from assay.checks.suite import Suite

    if about is not None:
        return suggest(about, options=options)
    return None if reference is None else Suite(name="comparison")


def _profile_of(about: Dataset | None, reference: object, suite: Suite | None) -> Profile | None:
    from assay.profiles.profile import profile_dataset

    if about is not None:
        return profile_dataset(about, engine=engine(), sentinels=suite.missing if suite is not None else None)
    return None if reference is None else profile(reference)
