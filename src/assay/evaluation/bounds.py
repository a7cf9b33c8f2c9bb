"""What a metric has to keep, and whether its whole interval does."""

from __future__ import annotations

from dataclasses import dataclass

from assay.errors import UsageError
from assay.verdict import Estimate, Verdict

__all__ = ["Bound", "expected", "kept", "shown"]


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


def expected(at_least: float | None, at_most: float | None) -> str:
    """Return a bound in words; empty where there is none.

    >>> expected(0.8, None)
    'at least 0.8'
    """
    asked = [f"at least {at_least:.4g}"] if at_least is not None else []
    asked += [f"at most {at_most:.4g}"] if at_most is not None else []
    return " and ".join(asked)


def kept(seen: Estimate, *, at_least: float | None, at_most: float | None) -> tuple[Verdict, str]:
    """Return whether an estimate keeps a bound, and why: PASS or FAIL only by its whole interval.

    INCONCLUSIVE where the bound lies inside the interval, and where the estimate is undefined; SKIP where there is no bound.
    """
    if seen.value is None:
        return Verdict.INCONCLUSIVE, f"it is undefined: {seen.why}"
    if at_least is None and at_most is None:
        return Verdict.SKIP, "no bound was given"
    found = [] if at_least is None else [seen.above(at_least)]
    found += [] if at_most is None else [seen.below(at_most)]
    if Verdict.FAIL in found:
        return Verdict.FAIL, f"all of {shown(seen)} is beyond the bound"
    if all(found):
        return Verdict.PASS, f"all of {shown(seen)} keeps the bound"
    if seen.low is None and seen.high is None:
        return Verdict.INCONCLUSIVE, f"{shown(seen)} has no interval{f': {seen.why}' if seen.why else ''}"
    return Verdict.INCONCLUSIVE, f"the bound lies inside {shown(seen)}: the rows cannot tell"


def shown(estimate: Estimate) -> str:
    """Return an estimate in words: the value, and its interval where it has one.

    >>> shown(Estimate(0.912, n=4210, low=0.897, high=0.926))
    '0.912 [0.897, 0.926]'
    """
    if not isinstance(estimate.value, int | float):
        return "undefined" if estimate.value is None else str(estimate.value)
    if estimate.low is None and estimate.high is None:
        return f"{estimate.value:.4g}"
    ends = [f"{end:.4g}" if end is not None else "?" for end in (estimate.low, estimate.high)]
    return f"{estimate.value:.4g} [{ends[0]}, {ends[1]}]"
