"""Estimated performance, judged: an outcome for each metric, and one for each condition that the estimates rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assay.errors import UsageError, nearest
from assay.evaluation.columns import Task
from assay.evaluation.confidence_based import METRICS
from assay.evaluation.estimates import Condition, Estimated, Estimation
from assay.verdict import Estimate, Outcome, Verdict

__all__ = ["CLASSIC", "Bound", "judged"]

FAMILY = "estimation"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a metric has to keep: `at_least`, `at_most`, or `worse_at_most`, a share of what it is on the reference.

    `Bound(worse_at_most=0.10)` asks an AUC of 0.80 on the reference to be at least 0.72, a mean absolute error of 40 to
    be at most 44.
    """

    at_least: float | None = None
    at_most: float | None = None
    worse_at_most: float | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("at_least", "at_most", "worse_at_most") if getattr(self, name) is not None]
        if not given:
            raise UsageError("the bound is empty", hint="give at_least, at_most or worse_at_most")
        if self.worse_at_most is not None and (self.worse_at_most < 0 or len(given) > 1):
            raise UsageError(
                f"worse_at_most is {self.worse_at_most:g} beside {given}; it is a share of 0 or more, and stands alone"
            )


# The area under the curve is down by a tenth of what it was. A regression has no usual bound.
CLASSIC: Mapping[Task, Mapping[str, Bound]] = {
    "binary": {"auc": Bound(worse_at_most=0.10)},
    "multiclass": {"macro_auc": Bound(worse_at_most=0.10)},
    "regression": {},
}


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
    low, high, expected = _ends(one, bound)
    verdict, why = _verdict(seen, low, high, estimation.broken)
    if bound is not None and not expected:
        verdict, why = Verdict.INCONCLUSIVE, f"the bound is undefined on the reference: {before.why}"
    if verdict is Verdict.FAIL and level == "warn":
        verdict = Verdict.WARN
    beside = f"the reference has {_shown(before)}" if before.value is not None else f"on the reference: {before.why}"
    return Outcome(
        "estimated_performance", one.metric, verdict, expected=expected, observed=seen, why=f"{why}; {beside}",
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
    asked = [f"at least {low:.4g}"] if low is not None else []
    asked += [f"at most {high:.4g}"] if high is not None else []
    return low, high, " and ".join(asked) + words


def _higher_is_better(metric: str) -> bool:
    return any(metric in table and table[metric].better == "higher" for table in METRICS.values())


def _verdict(
    seen: Estimate, low: float | None, high: float | None, broken: tuple[Condition, ...]
) -> tuple[Verdict, str]:
    if seen.value is None:
        return Verdict.INCONCLUSIVE, f"it is undefined: {seen.why}"
    if low is None and high is None:
        return Verdict.SKIP, "no bound was given"
    if broken:
        return Verdict.INCONCLUSIVE, f"{broken[0].name} does not hold: {broken[0].why}"
    least, greatest = float(seen.low or 0.0), float("inf") if seen.high is None else seen.high
    if (low is not None and greatest < low) or (high is not None and least > high):
        return Verdict.FAIL, f"all of {_shown(seen)} is beyond the bound"
    if (low is None or least >= low) and (high is None or greatest <= high):
        return Verdict.PASS, f"all of {_shown(seen)} keeps the bound"
    return Verdict.INCONCLUSIVE, f"the bound lies inside {_shown(seen)}: the window's rows cannot tell"


def _shown(estimate: Estimate) -> str:
    ends = [f"{end:.4g}" if end is not None else "?" for end in (estimate.low, estimate.high)]
    return f"{float(estimate.value or 0.0):.4g} [{ends[0]}, {ends[1]}]"


def _condition(one: Condition, estimation: Estimation) -> Outcome:
    verdict = {True: Verdict.PASS, False: Verdict.INCONCLUSIVE, None: Verdict.SKIP}[one.holds]
    return Outcome(
        "estimation_condition", one.name, verdict, expected="the condition holds", why=one.why, n_rows=estimation.n,
        family=FAMILY, id=f"estimation_condition.{one.name}",
    )  # fmt: skip
