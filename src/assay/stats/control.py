"""Control charts: limits that a process keeps to while nothing changes, learned from a reference, and the rules that judge.

A chart follows one number a window: a value (individuals), a mean or a share of so many rows. `learn` gives its `Limits`,
`judge` says which rule fires at which point and why. The rules' `RULE_SETS` state how often they fire by chance alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.errors import ConfigError, member, nearest
from assay.stats.intervals import student_quantile
from assay.stats.pair import Floats
from assay.stats.runs import RULE_SETS, RULES

__all__ = [
    "CHARTS",
    "Chart",
    "Limits",
    "Signal",
    "Signals",
    "get_chart",
    "judge",
    "learn",
]

Method = Literal["prediction", "sigma"]
Values = Sequence[float | None] | Floats


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The centre of a chart and how far points stray from it; both None where they are undefined, and `why` says so.

    `std` is the deviation of one row (of one point where each is a single value). A point that is the mean of `size` rows
    has the deviation d = std · √(1/size + 1/n), with n the rows that the centre was learned from; the second part is 0
    where n is 0: the centre is known. The limits are centre ± `width` · d. `since` and `note` say from when on they hold
    and what for. Known limits need no learning:

    >>> limits = Limits(centre=0.9, std=0.01)
    >>> round(limits.low(), 4), round(limits.high(), 4), round(limits.low(size=4), 4)
    (0.87, 0.93, 0.885)
    """

    centre: float | None
    std: float | None
    chart: str = "individuals"
    width: float = 3.0
    n: int = 0
    points: int = 0
    spread: str = ""
    method: Method = "prediction"
    since: datetime | None = None
    note: str = ""
    why: str = ""

    def deviation(self, *, size: float = 1) -> float | None:
        """Return the deviation of a point that `size` rows are behind; None where the limits are undefined."""
        if self.std is None:
            return None
        return self.std * math.sqrt(1 / size + (1 / self.n if self.n else 0.0))

    def low(self, *, size: float = 1) -> float | None:
        """Return the lower limit, never below the least value that the chart's number can have."""
        return self._limit(-1, size)

    def high(self, *, size: float = 1) -> float | None:
        """Return the upper limit, never above the greatest value that the chart's number can have."""
        return self._limit(1, size)

    def _limit(self, side: int, size: float) -> float | None:
        d = self.deviation(size=size)
        if d is None or self.centre is None:
            return None
        least, most = get_chart(self.chart).range
        return min(max(self.centre + side * self.width * d, least), most)


class Signal(NamedTuple):
    """A rule that fires: at which point (the first is 0), its value, how far out, and why in a sentence.

    `deviations` are thirds of the way from the centre to the limit, below 0 where the point is below.
    """

    at: int
    rule: str
    value: float
    deviations: float
    why: str


class Signals(NamedTuple):
    """What was found: the signals in the order of the points, how many points were judged, and why none was.

    Nothing judged is no good news: `why` then says what was missing.
    """

    signals: tuple[Signal, ...]
    n: int
    why: str = ""


def learn(
    values: Values,
    *,
    chart: str = "individuals",
    sizes: Values | None = None,
    stds: Values | None = None,
    spread: str | None = None,
    method: Method = "prediction",
    since: datetime | None = None,
) -> Limits:
    """Return the limits of a chart, learned from the points of a reference.

    `values` are one number a window; means and shares need `sizes`, the rows behind each, which may differ. `spread` says
    where the deviation comes from. "between", the default of both, is that of the windows themselves, so that what moves
    from window to window anyway stays inside. "within" is the textbook's: it takes all windows for drawn alike, from the
    chance of a share or the `stds` of the rows in each window (between them after all where no window has two rows), and
    where they are not, most windows are outside.
    Individuals have "std", the default, or "moving_range", the textbook's: of neighbours alone, so that a slow trend in
    the reference does not widen it, but too narrow where neighbours are alike.

    `method` "prediction", the default, sets limits that the next point of an unchanged normal process crosses once in 370
    times, however few points the reference has: t · s · √(1 + 1/m), with t Student's quantile at Φ(3) = 0.99865. "sigma" is
    the textbook's 3 · s, which with 6 points is crossed once in 25 times; both agree when the points are many. By moving
    ranges "prediction" is crossed less often than stated: once in about 1,200, 570 and 430 times from 6, 10 and 20 points.

    A point without a value (None, NaN) is left out. Fewer than two points leave the limits undefined. Points that are all
    equal give limits without width, and every other value is outside of them; a share that was always 0 or 1 is taken as
    half a row away from it.

    Raises ConfigError where there is no such chart or spread, ValueError where sizes are missing, of another length, or
    less than 1.

    >>> limits = learn([9.0, 10.0, 11.0, 10.0, 9.0, 11.0], method="sigma")
    >>> round(limits.low(), 3), limits.centre, round(limits.high(), 3)
    (7.317, 10.0, 12.683)
    """
    kind = get_chart(chart)
    spread = spread or kind.spreads[0]
    if spread not in kind.spreads:
        raise ConfigError(f"the chart {chart!r} has no spread {spread!r}", hint=nearest(spread, kind.spreads))
    points = _points(values, chart=chart, sizes=sizes, stds=stds, spread=spread)
    m = len(points.values)
    if m < 2:
        why = f"limits are learned from at least 2 points; the reference has {m}"
        return Limits(None, None, chart, points=m, spread=spread, method=method, since=since, why=why)
    centre, std, freedom = kind.learn(points, spread)
    if not (math.isfinite(centre) and math.isfinite(std)):
        why = "a point of the reference is infinite, or too large to square"
        return Limits(None, None, chart, points=m, spread=spread, method=method, since=since, why=why)
    exact = method == "prediction"
    width = _width(freedom, spread) if exact else 3.0
    n = int(points.sizes.sum()) if exact else 0
    return Limits(centre, std, chart, width, n, m, spread, method, since)


def _width(freedom: float, spread: str) -> float:
    """Return how many deviations the next point stays within but once in 370 times."""
    if freedom == math.inf:
        return 3.0
    t = student_quantile(_PHI_3, freedom)
    if spread != "moving_range":
        return t
    # Student's divisor is χ/√freedom, whose mean is c₄; that of the ranges was scaled to have the mean 1.
    c4 = math.sqrt(2 / freedom) * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    return t * c4


def judge(
    limits: Limits, values: Values, *, sizes: Values | None = None, rules: str | Sequence[str] = "shewhart"
) -> Signals:
    """Return which rules fire at which points.

    `rules` is the name of a set of `RULE_SETS` or names of `RULES`. Each point is measured in thirds of the way from the
    centre to its own limit, which goes by its size; a rule that looks at several points fires at the last of them. A
    point without a value is left out: it neither fires nor ends a run. Points beyond the limits by chance are once in 370
    for the one rule that is the default; more rules see smaller changes and fire more often: `RULE_SETS` says how often.

    Raises ConfigError where there is no such rule, ValueError as `learn` does.

    >>> found = judge(Limits(centre=10.0, std=1.0), [10.5, 13.5, 9.8])
    >>> [(signal.at, signal.rule) for signal in found.signals], found.n
    ([(1, 'beyond_3')], 3)
    >>> found.signals[0].why
    '13.5 is 3.5 deviations above the centre of 10: one point beyond 3 deviations'
    """
    names = _rules(rules)
    if limits.centre is None or limits.std is None:
        return Signals((), 0, limits.why or "the limits are undefined")
    needs = limits.chart if sizes is None or limits.chart != "individuals" else "means"
    points = _points(values, chart=needs, sizes=sizes, stds=None, spread="")
    if len(points.values) == 0:
        return Signals((), 0, "no point has a value")
    z = _standardised(limits, points)
    found = [
        Signal(int(points.at[i]), name, float(points.values[i]), float(z[i]), _why(limits, float(points.values[i]), float(z[i]), name))
        for name in names
        for i in np.flatnonzero(RULES[name].fires(z))
    ]  # fmt: skip
    order = {name: place for place, name in enumerate(names)}
    return Signals(tuple(sorted(found, key=lambda signal: (signal.at, order[signal.rule]))), len(points.values))


def _rules(rules: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(rules, str) and rules in RULE_SETS:
        return RULE_SETS[rules].rules
    names = (rules,) if isinstance(rules, str) else tuple(dict.fromkeys(rules))
    for name in names:
        if name not in RULES:
            raise ConfigError(f"there is no rule {name!r}", hint=nearest(name, [*RULE_SETS, *RULES], most=20))
    return names


def _standardised(limits: Limits, points: _Points) -> Floats:
    """Return how far each point is from the centre, in thirds of the distance to its limit; infinite where that is 0."""
    centre, std = limits.centre or 0.0, limits.std or 0.0
    third = std * np.sqrt(1 / points.sizes + (1 / limits.n if limits.n else 0.0)) * (limits.width / 3)
    off = points.values - centre
    with np.errstate(over="ignore"):
        z = np.divide(off, third, out=np.where(off == 0, 0.0, np.copysign(np.inf, off)), where=third > 0)
    return np.asarray(z, dtype=np.float64)


def _why(limits: Limits, value: float, z: float, rule: str) -> str:
    side = "above" if z > 0 else "below"
    if limits.std == 0 and z != 0:
        return f"{value:.6g} is {side} {limits.centre:.6g}, the one value that the reference had: {RULES[rule].title}"
    return f"{value:.6g} is {abs(z):.1f} deviations {side} the centre of {limits.centre:.6g}: {RULES[rule].title}"


# Points ---------------------------------------------------------------------------------------------------------------

_PHI_3 = 0.9986501019683699  # the share of a normal distribution below 3 deviations


class _Points(NamedTuple):
    """The points that have a value: where they stood, their values, the rows behind each, the deviation of these rows."""

    at: NDArray[np.intp]
    values: Floats
    sizes: Floats
    stds: Floats


def _points(values: Values, *, chart: str, sizes: Values | None, stds: Values | None, spread: str) -> _Points:
    given = np.array(values, dtype=np.float64)
    counts = np.ones(len(given)) if sizes is None else np.array(sizes, dtype=np.float64)
    deviations = np.full(len(given), np.nan) if stds is None else np.array(stds, dtype=np.float64)
    if sizes is None and chart != "individuals":
        raise ValueError(f"a chart of {chart} needs sizes: how many rows are behind each point")
    if spread == "within" and chart == "means" and stds is None:
        raise ValueError("the spread within windows needs stds: the deviation of the rows in each; or take 'between'")
    for name, other in (("sizes", counts), ("stds", deviations)):
        if len(other) != len(given):
            raise ValueError(f"there are {len(given)} values and {len(other)} {name}; one for each value")
    there = ~np.isnan(given)
    if not (counts[there] >= 1).all():
        raise ValueError(f"a point with a value has the size {counts[there].min():g}; at least 1 row is behind it")
    return _Points(np.flatnonzero(there), given[there], counts[there], deviations[there])


def _of_individuals(points: _Points, spread: str) -> tuple[float, float, float]:
    """Return centre, deviation and its degrees of freedom."""
    values, m = points.values, len(points.values)
    if np.ptp(values) == 0:
        return float(values[0]), 0.0, m - 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        if spread == "std":
            return float(values.mean()), float(values.std(ddof=1)), m - 1.0
        ranges = np.abs(np.diff(values))
        # Neighbouring ranges share a point: Var(mean range / 1.128) = σ²·(0.82648·k - 0.25566)/k² (Cryer & Ryan 1990).
        k = m - 1
        freedom = k * k / (2 * (0.82648 * k - 0.25566))
        return float(values.mean()), float(ranges.mean()) * math.sqrt(math.pi) / 2, freedom


def _of_means(points: _Points, spread: str) -> tuple[float, float, float]:
    if spread == "between":
        return _between(points)
    inside = (points.sizes > 1) & ~np.isnan(points.stds)
    freedom = float((points.sizes[inside] - 1).sum())
    if freedom == 0:
        return _between(points)
    centre = float(np.average(points.values, weights=points.sizes))
    squares = float(np.dot(points.sizes[inside] - 1, points.stds[inside] ** 2))
    return centre, math.sqrt(squares / freedom), freedom


def _of_shares(points: _Points, spread: str) -> tuple[float, float, float]:
    outside = points.values[(points.values < 0) | (points.values > 1)]
    if len(outside):
        raise ValueError(f"a share is {outside[0]:g}; shares are in [0, 1]")
    n = float(points.sizes.sum())
    centre = float(np.average(points.values, weights=points.sizes))
    if centre in (0.0, 1.0):
        centre = (centre * n + 0.5) / (n + 1)
    drawn_alike = math.sqrt(centre * (1 - centre))
    if spread == "within":
        return centre, drawn_alike, math.inf
    _, std, freedom = _between(points)
    return centre, max(std, drawn_alike), freedom


def _between(points: _Points) -> tuple[float, float, float]:
    if np.ptp(points.values) == 0:
        return float(points.values[0]), 0.0, len(points.values) - 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        centre = float(np.average(points.values, weights=points.sizes))
        squares = float(np.dot(points.sizes, (points.values - centre) ** 2))
    return centre, math.sqrt(squares / (len(points.values) - 1)), len(points.values) - 1.0


# The table ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chart:
    """One kind of chart: its number, the deviation of a point, and where that may come from, the default first."""

    name: str
    title: str
    formula: str
    spreads: tuple[str, ...]
    range: tuple[float, float]
    source: str
    learn: Callable[[_Points, str], tuple[float, float, float]]


def get_chart(name: str, *, place: str = "") -> Chart:
    """Return a kind of chart by its name; raises ConfigError, with the nearest name, where there is none.

    >>> get_chart("shares").title
    'p chart'
    """
    return member(CHARTS, name, what="control chart", place=place)


CHARTS: dict[str, Chart] = {
    chart.name: chart
    for chart in (
        Chart("individuals", "individuals chart", "s, or the mean moving range / 1.128", ("std", "moving_range"),
              (-math.inf, math.inf), "Shewhart 1931", _of_individuals),
        Chart("means", "X̄ chart", "s / √n, s = √(Σ nᵢ·(x̄ᵢ - x̄)² / (k - 1)), or pooled from within the windows",
              ("between", "within"), (-math.inf, math.inf), "Shewhart 1931", _of_means),
        # Windows never differ by less than chance: "between" is at least √(p·(1 - p)).
        Chart("shares", "p chart", "s / √n, s = √(Σ nᵢ·(pᵢ - p)² / (k - 1)), or √(p·(1 - p))", ("between", "within"),
              (0.0, 1.0), "Shewhart 1931; Laney 2002", _of_shares),
    )
}  # fmt: skip
