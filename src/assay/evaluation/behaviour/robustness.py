"""How a model's figures hold where its features are noisy, missing, unseen or out of range: curves of metric against severity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl

from assay.errors import AssayError, nearest
from assay.evaluation.behaviour.perturbations import PERTURBATIONS, Perturbation, kinds_of
from assay.evaluation.bounds import kept
from assay.evaluation.metrics.measuring import drawn, unsuited
from assay.evaluation.metrics.metric import Metric
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import FAMILY, Part, Trial, some_rows
from assay.stats.resampling import Draws, Resamples, bca
from assay.verdict import Estimate, Exhibit, Outcome, Verdict

__all__ = ["RobustnessBound", "RobustnessSettings", "robustness"]


class RobustnessBound(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """By how much the metric may be worse under a perturbation, at one severity (default: the mildest that is tried)."""

    worse_at_most: float
    severity: float | None = None

    def __post_init__(self) -> None:
        if self.worse_at_most < 0:
            raise ValueError(f"worse_at_most is {self.worse_at_most}; it is 0 or more, in the metric's own unit")


class RobustnessSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which perturbations are tried, on which features, on how many rows, and how much worse the metric may get.

    `metric` is the leading one by default. `perturbations` are names of the table (default: all that suit the features);
    `severities` are other severities of one. `each` tries, beside all features together, every feature emptied by itself.
    At most `rows` rows are asked about. `bounds` are about perturbations, by name.
    """

    metric: str = ""
    perturbations: tuple[str, ...] = ()
    severities: dict[str, tuple[float, ...]] = {}
    features: tuple[str, ...] = ()
    each: bool = True
    rows: int = 5000
    bounds: dict[str, RobustnessBound] = {}

    def __post_init__(self) -> None:
        for place, names in (
            ("perturbations", self.perturbations),
            ("severities", self.severities),
            ("bounds", self.bounds),
        ):
            for name in names:
                if name not in PERTURBATIONS:
                    raise ValueError(
                        f"{place} names {name!r}, which is no perturbation; {nearest(name, PERTURBATIONS)}"
                    )
        if self.rows < 50:
            raise ValueError(f"rows is {self.rows}; it is 50 or more")


@dataclass(frozen=True, slots=True)
class _Point:
    """One point of a curve: the metric under a perturbation, by how much it changed, and by how much it is worse."""

    name: str
    feature: str
    severity: float
    value: Estimate
    change: Estimate
    worse: Estimate


def robustness(trial: Trial, settings: RobustnessSettings) -> Part:
    """Return the metric under each perturbation at each severity, beside what it is on the same rows as they are.

    The change is that of the same rows (paired over the resamples), so that a small one shows. A model that refuses a
    perturbed row, or fails on it, is said so with its own words: undefined, not the same as before. Nothing is said where
    there is no model, or it looks at no feature.
    """
    metric = trial.metric(settings.metric or trial.lead)
    if trial.again is None or not _features(trial, settings) or unsuited(metric, trial.rows):
        return Part()
    rows, units = some_rows(trial, settings.rows)
    clean = drawn(metric, rows, units)
    points = tuple(_points(trial, settings, metric, rows, units, clean))
    outcomes = tuple(_judged(points, settings, name, rows.n) for name in settings.bounds)
    shown = _exhibit(points, settings.metric or trial.lead, rows.n)
    return Part((*outcomes, *_worst(points, settings, rows.n)), (shown,))


def _features(trial: Trial, settings: RobustnessSettings) -> dict[str, str]:
    takes = trial.model.features if trial.model is not None and trial.model.features else trial.rows.features
    wanted = [name for name in settings.features or takes if name in trial.rows.frame.columns]
    return dict(kinds_of(trial.rows.frame, wanted))


def _points(
    trial: Trial, settings: RobustnessSettings, metric: Metric, rows: Predictions, units: Resamples, clean: Draws
) -> Iterator[_Point]:  # fmt: skip
    kinds = _features(trial, settings)

    def point(name: str, columns: Sequence[str], severity: float, feature: str = "") -> _Point:
        change = PERTURBATIONS[name].change
        frame = rows.frame.with_columns(
            change(rows.frame.get_column(column), severity, trial.rng).alias(column) for column in columns
        )
        return _measured(trial, metric, frame, units, clean, (name, feature, severity))

    for name in settings.perturbations or PERTURBATIONS:
        columns = [column for column, kind in kinds.items() if _suits(PERTURBATIONS[name], kind)]
        for severity in settings.severities.get(name, PERTURBATIONS[name].severities) if columns else ():
            yield point(name, columns, severity)
    if settings.each and len(kinds) > 1 and "missing" in (settings.perturbations or PERTURBATIONS):
        for column in kinds:
            yield point("missing", [column], 1.0, column)


def _suits(perturbation: Perturbation, kind: str) -> bool:
    return perturbation.of in ("any", kind)


def _measured(
    trial: Trial, metric: Metric, frame: pl.DataFrame, units: Resamples, clean: Draws, at: tuple[str, str, float]
) -> _Point:  # fmt: skip
    n, (name, feature, severity) = frame.height, at
    try:
        assert trial.again is not None
        changed = drawn(metric, trial.again(frame), units)
    except AssayError as error:
        failed = Estimate(None, n=n, why=f"the model does not answer: {error}")
        return _Point(name, feature, severity, failed, failed, failed)
    return _Point(
        name, feature, severity, _estimate(changed, n, metric, trial.confidence),
        _estimate(changed.less(clean), n, metric, trial.confidence),
        _estimate(metric.gains(clean).less(metric.gains(changed)), n, metric, trial.confidence),
    )  # fmt: skip


def _estimate(draws: Draws, n: int, metric: Metric, confidence: float) -> Estimate:
    if np.isnan(draws.value):
        return Estimate(None, n=n, why=metric.undefined)
    low, high = bca(draws, confidence=confidence)
    if np.isnan(low):  # every resample has the same: nothing changed in any of them
        same = bool((draws.replicates == draws.value).all())
        low = high = draws.value if same else float("nan")
    ends = (None, None) if np.isnan(low) else (min(low, draws.value), max(high, draws.value))
    return Estimate(draws.value, n=n, low=ends[0], high=ends[1], confidence=confidence, method="bca")


def _judged(points: Sequence[_Point], settings: RobustnessSettings, name: str, n: int) -> Outcome:
    bound = settings.bounds[name]
    curve = [point for point in points if point.name == name and not point.feature]
    severity = bound.severity if bound.severity is not None else min((p.severity for p in curve), default=0.0)
    expected = f"at most {bound.worse_at_most:.4g} worse at a severity of {severity:g}"
    at = [point for point in curve if point.severity == severity]
    if not at:
        known = ", ".join(f"{p.severity:g}" for p in curve)
        why = (
            f"a severity of {severity:g} was not tried; there are {known}" if curve else "no feature can be changed so"
        )
        return _outcome(name, Verdict.INCONCLUSIVE, expected, None, why, n)
    worse = at[0].worse
    verdict, why = kept(worse, at_least=None, at_most=bound.worse_at_most)
    return _outcome(name, verdict, expected, worse, why, n)


def _worst(points: Sequence[_Point], settings: RobustnessSettings, n: int) -> Iterator[Outcome]:
    """Yield, for each perturbation without a bound, what its worst severity does; skipped, as nothing was asked of it."""
    for name in dict.fromkeys(point.name for point in points):
        if name in settings.bounds:
            continue
        curve = [point for point in points if point.name == name and not point.feature]
        failed = [point for point in curve if point.worse.value is None]
        if failed:
            yield _outcome(name, Verdict.SKIP, "", failed[0].worse, failed[0].worse.why, n)
            continue
        last = max(curve, key=lambda point: point.severity)
        worse = last.worse
        said = (
            f"{float(worse.value or 0.0):.4g} worse at a severity of {last.severity:g} ({PERTURBATIONS[name].severity})"
        )
        yield _outcome(name, Verdict.SKIP, "", worse, said, n)


def _outcome(name: str, verdict: Verdict, expected: str, seen: Estimate | None, why: str, n: int) -> Outcome:
    return Outcome(
        "robustness", PERTURBATIONS[name].title, verdict, expected=expected, observed=seen, why=why, n_rows=n, family=FAMILY,
        id=f"robustness.{name}",
    )  # fmt: skip


def _exhibit(points: Sequence[_Point], metric: str, n: int) -> Exhibit:
    columns: Mapping[str, tuple[float | int | str | None, ...]] = {
        "perturbation": tuple(point.name for point in points),
        "feature": tuple(point.feature for point in points),
        "severity": tuple(point.severity for point in points),
        "value": tuple(point.value.value for point in points),
        "low": tuple(point.value.low for point in points),
        "high": tuple(point.value.high for point in points),
        "change": tuple(point.change.value for point in points),
        "change_low": tuple(point.change.low for point in points),
        "change_high": tuple(point.change.high for point in points),
        "why": tuple(point.value.why for point in points),
    }
    said = "; ".join(
        f"{name}: {one.severity}" for name, one in PERTURBATIONS.items() if name in columns["perturbation"]
    )
    return Exhibit(
        "robustness", f"{metric} under perturbations of {n:,} rows", dict(columns), note=f"Severity of {said}."
    )
