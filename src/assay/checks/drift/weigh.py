"""Weigh one aspect of one column: how large the difference is, how sure, and what so small a sample could have missed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from assay.checks.check import Judged, Pending
from assay.checks.drift.arguments import NONE, Drift
from assay.checks.drift.aspects import Defaults, Sides
from assay.stats import intervals
from assay.stats.binning import shape
from assay.stats.compared import Compared
from assay.stats.comparisons import get_comparison
from assay.stats.distances import Measure, get_distance, mean_shift
from assay.stats.intervals import Interval
from assay.stats.pair import Pair
from assay.stats.positions import welch_of_samples
from assay.stats.power import detectable
from assay.stats.tables import fisher, share_rises
from assay.verdict import Estimate, Evidence

__all__ = ["Asked", "asked", "measure", "weigh"]

POWER = 0.8
PLACES = 24  # categories that a picture shows: the hours of a day


@dataclass(frozen=True, slots=True)
class Asked:
    """A drift check with its aspect's defaults filled in; bounds as floats."""

    comparison: str
    distance: str
    at_least: float
    alpha: float
    correction: str
    detectable_at_most: float | None
    rises: bool
    told: Drift

    @property
    def bound(self) -> float:
        """Return the least size that counts as drift: the stated one, or what the reference's history let expect."""
        return max(self.at_least, float(self.told.usual or 0))


def asked(told: Drift, defaults: Defaults) -> Asked:
    """Return what a check asks, with what it leaves out taken from the aspect.

    A size counts from the aspect's own on only where it is measured by the aspect's own distance; by another it must be
    told, and counts from 0 where it is not. Raises `ConfigError` where a comparison or distance is not known.
    """
    comparison, distance = told.comparison or defaults.comparison, told.distance or defaults.distance
    own = distance == defaults.distance
    if comparison != NONE:
        get_comparison(comparison)
    if distance != NONE:
        get_distance(distance)
    least = float(told.at_least) if told.at_least is not None else defaults.at_least if own else 0.0
    literal = NONE in (comparison, distance)  # a bare bound says nothing of power
    most = None if literal or not own else defaults.detectable_at_most
    if told.detectable_at_most is not None:
        most = float(told.detectable_at_most)
    return Asked(
        comparison, distance, least, float(told.alpha), told.correction, most,
        defaults.rises, told,
    )  # fmt: skip


def weigh(asks: Asked, sides: Sides) -> Judged | Pending:
    """Return the judgement of one aspect, which waits for its corrected p-value where there is a comparison."""
    pair = sides.pair
    if pair is None:
        return Judged(None, Estimate(None, n=0, why=sides.why), f"the two cannot be compared: {sides.why}")
    size = measure(asks, sides)
    compared = _compared(asks, sides)
    correction = "none" if asks.comparison == NONE else asks.correction
    return Pending(compared.p_value, correction, partial(_conclude, asks, sides, size, compared))


def measure(asks: Asked, sides: Sides) -> Measure:
    """Return the size of a difference by the check's distance, from exact moments where they are at hand."""
    assert sides.pair is not None
    if asks.distance == NONE:
        return Measure(None, "only the comparison was asked for")
    if asks.distance == "mean_shift" and sides.moments is not None:
        return mean_shift(*sides.moments)
    if asks.distance == "log_mean_shift" and sides.logs is not None:
        return Measure(sides.logs[1].mean - sides.logs[0].mean)
    size = get_distance(asks.distance).measure(_two(sides.pair) if asks.distance == "share_change" else sides.pair)
    if asks.rises and size.value is not None and size.value < 0:
        return Measure(0.0, "there are fewer")
    return size


def _two(pair: Pair) -> Pair:
    """Return the first place and all others."""
    reference, current = (np.array([side[0], side[1:].sum()]) for side in (pair.reference, pair.current))
    return Pair(reference, current)


def _compared(asks: Asked, sides: Sides) -> Compared:
    assert sides.pair is not None
    if asks.comparison == NONE:
        return Compared(None, None, "no comparison was asked for")
    if asks.rises and asks.comparison == "fisher":
        return share_rises(sides.pair)
    if asks.comparison == "welch" and sides.moments is not None:
        return welch_of_samples(*sides.moments)
    found = get_comparison(asks.comparison).compare(sides.pair)
    if found.p_value is not None or sides.pair.is_scale:
        return found
    return _exact(sides.pair) or found


def _exact(pair: Pair) -> Compared | None:
    """Return Fisher's comparison of the most frequent category with all others, where all others are too rare to tell apart."""
    if len(pair.reference) < 2 or not pair.n or not pair.n_reference:
        return None
    top = int(np.argmax(pair.reference + pair.current))
    reference, current = (np.array([side[top], side.sum() - side[top]]) for side in (pair.reference, pair.current))
    exact = fisher(Pair(reference, current))
    return Compared(exact.statistic, exact.p_value, "rare categories together, by Fisher's exact comparison")


def _conclude(
    asks: Asked, sides: Sides, size: Measure, compared: Compared, adjusted: float | None, among: int
) -> Judged:
    pair = sides.pair
    assert pair is not None
    seen = _detectable(asks, pair, among)
    holds, why = _verdict(asks, size, compared, adjusted, seen)
    evidence = Evidence(
        comparison=asks.comparison, distance=asks.distance, n_reference=pair.n_reference, n=pair.n, statistic=compared.statistic,
        p_value=compared.p_value, adjusted=adjusted, correction=asks.correction, among=among, alpha=asks.alpha,
        at_least=asks.bound if asks.distance != NONE else None, detectable=seen,
        usual=None if asks.told.usual is None else float(asks.told.usual), windows=asks.told.windows,
        importance=None if asks.told.importance is None else float(asks.told.importance),
        shape=shape(pair, central=0.95, categories=PLACES),
    )  # fmt: skip
    return Judged(holds, _estimate(asks, sides, size, compared), f"{why}; {_seen(asks, pair, seen)}", evidence=evidence)


def _verdict(
    asks: Asked, size: Measure, compared: Compared, adjusted: float | None, seen: float | None
) -> tuple[bool | None, str]:
    """Return whether the column is unchanged (None where so small a sample cannot say), and the reason."""
    large, how_large = _large(asks, size)
    sure, how_sure = _sure(asks, compared, adjusted)
    why = "; ".join(part for part in (how_large, how_sure) if part)
    if large and sure:
        return False, why
    if large is None or sure is None:
        return None, why
    if sure and NONE not in (asks.comparison, asks.distance):
        return True, f"{why}: a change that is sure, and small"
    most = asks.detectable_at_most
    if most is not None and (seen is None or seen > most):
        return None, f"{why}: too few values to say more"
    return True, why


def _large(asks: Asked, size: Measure) -> tuple[bool | None, str]:
    if asks.distance == NONE:
        return True, ""
    entry = get_distance(asks.distance)
    if size.value is None:
        return None, f"the {entry.title} is undefined: {size.why}"
    large = size.value >= asks.bound if asks.rises else abs(size.value) >= asks.bound
    place = f" at {size.where}" if size.where else ""
    said = f"the {entry.title} is {size.value:.3g}{_unit(entry.unit)}{place}, {'not ' if large else ''}below {asks.bound:.3g}"
    if asks.told.usual is not None and float(asks.told.usual) >= asks.at_least:
        said += f", the most that {asks.told.windows} windows of the reference let expect"
    return large, said


def _unit(unit: str) -> str:
    return f" {unit}" if unit in _SAID else ""


_SAID = ("standard deviations of the reference",)


def _sure(asks: Asked, compared: Compared, adjusted: float | None) -> tuple[bool | None, str]:
    if asks.comparison == NONE:
        return True, ""
    title = get_comparison(asks.comparison).title
    if compared.p_value is None or adjusted is None:
        return None, f"{title} is undefined: {compared.why}"
    corrected = " after correction" if asks.correction != NONE else ""
    return adjusted <= asks.alpha, f"{title} has p {_p(adjusted)}{corrected}"


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 1e-300 else "below 1e-300"


def _seen(asks: Asked, pair: Pair, seen: float | None) -> str:
    rows = f"{pair.n:,} values against {pair.n_reference:,}"
    return rows if seen is None else f"{rows} would have shown {seen:.2g} four times in five"


def _detectable(asks: Asked, pair: Pair, among: int) -> float | None:
    """Return the least size that would have been found at the strictest level that the correction can ask for."""
    if NONE in (asks.comparison, asks.distance) or not pair.n or not pair.n_reference:
        return None
    alpha = asks.alpha if asks.correction == NONE else asks.alpha / max(among, 1)
    groups = None if pair.is_scale else max(len(pair.reference), 2)
    base = float(pair.reference[1:].sum() / pair.n_reference) if asks.distance == "share_change" else None
    base = 1 - base if base is not None and base > 0.5 else base  # what is there nearly always can only become rarer
    sizes = (pair.n_reference, pair.n)
    return detectable(asks.comparison, asks.distance, sizes=sizes, alpha=alpha, power=POWER, groups=groups, base=base)


def _estimate(asks: Asked, sides: Sides, size: Measure, compared: Compared) -> Estimate:
    assert sides.pair is not None
    n = sides.pair.n
    if asks.distance == NONE:
        return Estimate(compared.p_value, n, unit="p-value", why=compared.why if compared.p_value is None else "")
    unit = get_distance(asks.distance).unit
    if size.value is None:
        return Estimate(None, n, unit=unit, why=size.why)
    ends = _interval(asks.distance, size.value, sides)
    if ends is None or not all(math.isfinite(end) for end in ends):
        return Estimate(size.value, n, unit=unit)
    return Estimate(size.value, n, ends.low, ends.high, 0.95, unit)


def _interval(distance: str, size: float, sides: Sides) -> Interval | None:
    """Return the 95% interval of a size, of those distances that have one."""
    pair = sides.pair
    assert pair is not None
    if distance == "ks":
        return intervals.ks_distance(size, pair.n_reference, pair.n)
    if distance == "share_change":
        a, b = int(pair.reference[1:].sum()), int(pair.current[1:].sum())
        now, then = intervals.share(b, pair.n), intervals.share(a, pair.n_reference)
        ends = intervals.difference(b / pair.n, now, a / pair.n_reference, then)
        return ends if size or b / pair.n >= a / pair.n_reference else None
    if distance == "mean_shift" and sides.moments is not None and sides.moments[0].std:
        then_, now_ = sides.moments
        ends = intervals.mean_difference(now_, then_)
        return Interval(ends.low / then_.std, ends.high / then_.std)
    return None
