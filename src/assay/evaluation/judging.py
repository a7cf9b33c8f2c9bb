"""The metrics of a trial, judged by their bounds, and as a table."""

from __future__ import annotations

from collections.abc import Mapping

from assay.errors import UsageError, nearest
from assay.evaluation.bounds import Bound, expected, kept, shown
from assay.evaluation.trial import FAMILY, Part, Trial
from assay.verdict import Estimate, Exhibit, Outcome, Verdict

__all__ = ["metrics"]


def metrics(trial: Trial, bounds: Mapping[str, Bound]) -> Part:
    """Return an outcome for each metric that was asked for, and the exhibit `metrics`.

    A bound passes or fails by the whole interval; where it lies inside, or the metric is undefined, it is INCONCLUSIVE.
    Several bounds are judged together: their intervals are then at the confidence that holds for all of them (Bonferroni).

    Raises UsageError for a bound on a metric that is not measured, and for one by a reference that there is none of.
    """
    for name, bound in bounds.items():
        if name not in trial.metrics:
            raise UsageError(f"there is a bound on {name!r}, which is not measured", hint=nearest(name, trial.metrics))
        if bound.worse_at_most is not None:
            raise UsageError(
                f"the bound of {name!r} is worse_at_most, and an evaluation has no reference",
                hint="assay challenge has one",
            )
    strict = trial.at(confidence=1 - (1 - trial.confidence) / max(len(bounds), 1)).estimates if len(bounds) > 1 else {}
    outcomes = tuple(
        _outcome(name, seen, strict.get(name, seen), bounds.get(name), trial, len(bounds))
        for name, seen in trial.estimates.items()
    )
    return Part(outcomes, (_exhibit(trial),))


def _outcome(name: str, seen: Estimate, judged: Estimate, bound: Bound | None, trial: Trial, among: int) -> Outcome:
    low, high = (None, None) if bound is None else (bound.at_least, bound.at_most)
    verdict, why = kept(judged, at_least=low, at_most=high)
    if bound is None:
        verdict = Verdict.SKIP  # undefined, and nothing was asked of it
        why = shown(seen) if seen.value is not None else f"it is undefined: {seen.why}"
    elif among > 1 and judged.value is not None:
        why += f", at {judged.confidence:.1%} each, so that all {among} bounds hold together at {trial.confidence:.0%}"
    return Outcome(
        "metric", name, verdict, expected=expected(low, high), observed=judged, why=why, n_rows=trial.rows.n, family=FAMILY,
        id=f"metric.{name}",
    )  # fmt: skip


def _exhibit(trial: Trial) -> Exhibit:
    found = [(name, trial.metric(name), seen) for name, seen in trial.estimates.items()]
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "metric": tuple(name for name, _, _ in found),
        "title": tuple(metric.title for _, metric, _ in found),
        "value": tuple(seen.value for _, _, seen in found),
        "low": tuple(seen.low for _, _, seen in found),
        "high": tuple(seen.high for _, _, seen in found),
        "n": tuple(seen.n for _, _, seen in found),
        "method": tuple(seen.method for _, _, seen in found),
        "better": tuple(metric.better for _, metric, _ in found),
        "why": tuple(seen.why for _, _, seen in found),
    }
    drawn = {"rows": "rows", "groups": "random groups of rows", "entities": "entities", "blocks": "blocks of time"}
    note = (
        f"Intervals hold at {trial.confidence:.0%} each. Those of the bootstrap draw {drawn[trial.units.kind]} "
        f"{len(trial.units.times):,} times."
    )
    return Exhibit("metrics", "Metrics", columns, note=note)
