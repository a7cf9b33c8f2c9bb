"""Estimated performance, judged: an outcome for each metric, and one for each condition that the estimates rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from assay.errors import UsageError, nearest
from assay.evaluation.bounds import Bound, expected, kept, shown
from assay.evaluation.estimation.confidence_based import METRICS
from assay.evaluation.estimation.estimates import Condition, Estimated, Estimation
from assay.verdict import Outcome, Verdict

__all__ = ["judged"]

FAMILY = "estimation"


def judged(
    estimation: Estimation, *, bounds: Mapping[str, Bound], level: Literal["warn", "fail"] = "fail"
) -> tuple[Outcome, ...]:
    """Return an outcome for each metric and for each condition.

    A metric fails (or warns, by `level`) only where its whole interval is beyond the bound, and passes only where all
    of it keeps the bound. Where the bound lies inside, where the metric is undefined, or where a condition does not hold,
    it is INCONCLUSIVE; without a bound it is skipped. A condition that does not hold is INCONCLUSIVE, one that cannot be
    known without labels is skipped.

    Raises UsageError for a bound on a metric that was not estimated.
    """
    names = [one.metric for one in estimation.metrics]
    for name in bounds:
        if name not in names:
            raise UsageError(f"there is a bound on {name!r}, which was not estimated", hint=nearest(name, names))
    metrics = (_metric(one, bounds.get(one.metric), estimation, level) for one in estimation.metrics)
    return (*metrics, *(_condition(one, estimation) for one in estimation.conditions))


def _metric(one: Estimated, bound: Bound | None, estimation: Estimation, level: Literal["warn", "fail"]) -> Outcome:
    seen, before = one.estimate, one.reference
    low, high, asked = _ends(one, bound)
    verdict, why = kept(seen, at_least=low, at_most=high)
    if estimation.broken and verdict is not Verdict.SKIP and seen.value is not None:
        broken = estimation.broken[0]
        verdict, why = Verdict.INCONCLUSIVE, f"{broken.name} does not hold: {broken.why}"
    if bound is not None and not asked:
        verdict, why = Verdict.INCONCLUSIVE, f"the bound is undefined on the reference: {before.why}"
    if verdict is Verdict.FAIL and level == "warn":
        verdict = Verdict.WARN
    beside = f"the reference has {shown(before)}" if before.value is not None else f"on the reference: {before.why}"
    return Outcome(
        "estimated_performance", one.metric, verdict, expected=asked, observed=seen, why=f"{why}; {beside}",
        n_rows=estimation.n, level=level, family=FAMILY, id=f"estimated_performance.{one.metric}",
    )  # fmt: skip


def _ends(one: Estimated, bound: Bound | None) -> tuple[float | None, float | None, str]:
    """Return what a bound asks of a metric: the least and the greatest value, and both in words."""
    if bound is None:
        return None, None, ""
    low, high, words = bound.at_least, bound.at_most, ""
    if bound.worse_at_most is not None:
        if one.reference.value is None:
            return None, None, ""
        before = float(one.reference.value)
        sign = -1 if _higher_is_better(one.metric) else 1
        end = before * (1 + sign * bound.worse_at_most)
        low, high = (end, None) if sign < 0 else (None, end)
        words = f", {bound.worse_at_most:.4g} of the reference's {before:.4g} worse"
    return low, high, expected(low, high) + words


def _higher_is_better(metric: str) -> bool:
    return any(metric in table and table[metric].better == "higher" for table in METRICS.values())


def _condition(one: Condition, estimation: Estimation) -> Outcome:
    verdict = {True: Verdict.PASS, False: Verdict.INCONCLUSIVE, None: Verdict.SKIP}[one.holds]
    return Outcome(
        "estimation_condition", one.name, verdict, expected="the condition holds", why=one.why, n_rows=estimation.n,
        family=FAMILY, id=f"estimation_condition.{one.name}",
    )  # fmt: skip
