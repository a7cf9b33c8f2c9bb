"""Fewer places: reference-quantile groups, rare categories together, and a few bins for the eye.

Each is a pure function of a `Pair`. A place goes whole into one group, so the counts stay exact whatever the places are.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.stats.pair import Counts, Floats, Pair
from assay.verdict import Shape

__all__ = ["OTHER", "Other", "finite_ends", "grouped", "pooled", "shape"]


class Other(Enum):
    """What stands for the rare categories that `pooled` put together: equal to no value that data can hold."""

    OTHER = "other"

    def __str__(self) -> str:
        return self.value


OTHER = Other.OTHER


def grouped(pair: Pair, *, groups: int = 10, ends_apart: bool = False) -> Pair:
    """Return the pair on at most so many groups of places, each with about the same share of the reference.

    A place goes whole into the group that the middle of its reference mass falls in: ⌊groups · (R - r/2) / n⌋, with r its
    count in the reference and R that of it and all places before. So no group is further from 1/groups than the
    heaviest place in it, and a place with more than 1/groups mostly stands alone. A place that the reference has nothing
    in joins the group before it; the first group begins with the first place. With `ends_apart` what lies below and
    above all of the reference are groups of their own. A reference without values gives one group.

    Raises ValueError where the places have no order, or `groups` is less than 1.

    >>> from assay.stats.pair import of_samples
    >>> pair = grouped(of_samples([1, 2, 3, 4], [0, 2.5, 4, 9]), groups=2)
    >>> pair.reference.tolist(), pair.current.tolist(), pair.low.tolist(), pair.high.tolist()
    ([2, 2], [2, 2], [0.0, 3.0], [2.5, 9.0])
    """
    if pair.low is None or pair.high is None:
        raise ValueError("the places are categories, which have no order; put the rare ones together: pooled")
    if groups < 1:
        raise ValueError(f"groups is {groups}; at least 1")
    if len(pair.reference) == 0:
        return pair
    known = np.flatnonzero(pair.reference)
    starts = np.zeros(1, dtype=np.int64)
    if len(known):
        reference = pair.reference[known].astype(np.int64)
        group = (2 * np.cumsum(reference) - reference) * groups // (2 * reference.sum())
        starts = known[np.flatnonzero(np.diff(group, prepend=-1))]
        if ends_apart:
            beyond = known[-1] + 1
            starts = np.unique([0, *starts, *([beyond] if beyond < len(pair.reference) else [])])
        starts[0] = 0
    stops = np.append(starts[1:], len(pair.reference)) - 1
    return Pair(
        np.add.reduceat(pair.reference, starts),
        np.add.reduceat(pair.current, starts),
        pair.low[starts],
        pair.high[stops],
    )


def pooled(pair: Pair, *, expected_at_least: float = 5.0) -> Pair:
    """Return the categories with the rare ones together as one place, `OTHER`, the last.

    A category is rare where, were both samples drawn alike, the smaller would expect fewer than `expected_at_least` of
    it: (rᵢ + cᵢ) · min(n, m) / (n + m). The rule goes by the two samples together and so favours no side; one rare
    category alone keeps its name, and where all are rare one place is left. `OTHER` may itself expect fewer; where it is
    there already the rare ones join it. Where a sample has no values nothing can be expected, and the pair comes back as
    it is.

    Raises ValueError where the places are on a scale.

    >>> from assay.stats.pair import of_categories
    >>> pair = pooled(of_categories({"a": 90, "b": 6, "c": 4}, {"a": 48, "b": 1, "d": 1}))
    >>> [str(label) for label in pair.labels], pair.reference.tolist(), pair.current.tolist()
    (['a', 'other'], [90, 10], [48, 2])
    """
    if pair.is_scale:
        raise ValueError("the places are on a scale; put neighbours together: grouped")
    least = min(pair.n_reference, pair.n)
    if least == 0:
        return pair
    expected = (pair.reference + pair.current) * (least / (pair.n_reference + pair.n))
    rare = expected < expected_at_least
    if OTHER in pair.labels:
        rare[pair.labels.index(OTHER)] = True
    if rare.sum() < 2:
        return pair
    sides = [np.append(side[~rare], side[rare].sum()) for side in (pair.reference, pair.current)]
    kept = tuple(pair.labels[i] for i in np.flatnonzero(~rare)) if pair.labels else ()
    return Pair(sides[0], sides[1], labels=(*kept, OTHER))


def finite_ends(pair: Pair) -> tuple[Floats, Floats]:
    """Return the ends of the places, the infinite first and last ones replaced by their neighbours.

    What lies below a first edge, and no one knows how far, is taken to lie at that edge; the same above the last.
    """
    low, high = np.array(pair.low, dtype=np.float64), np.array(pair.high, dtype=np.float64)
    if len(low) and np.isneginf(low[0]):
        low[0] = high[0]
    if len(high) and np.isposinf(high[-1]):
        high[-1] = low[-1]
    return low, high


def shape(pair: Pair, *, bins: int = 24, categories: int = 12, central: float = 0.998) -> Shape:
    """Return the shares of both samples at a few places, for the eye: never for a judgement.

    On a scale: at most `bins` bins as wide as a round number (1, 2 or 5 times a power of ten) over the `central` share
    of the values, both samples counted alike however large; the first and last bin hold the rest too. Where each place
    is one value no bin is narrower than the least gap between two of them lets it, so whole numbers leave no comb. Values
    inside a place are spread evenly over it. Of categories: the `categories` with the greatest shares, largest first, and
    the rest as "other (their number)". Shares are rounded to six digits; those of a sample without values are 0.

    >>> from assay.stats.pair import of_samples
    >>> shape(of_samples([0, 0, 1, 1], [0, 1, 1, 1]))
    Shape(reference=(0.5, 0.5), current=(0.25, 0.75), edges=(0.0, 1.0, 2.0), labels=())
    """
    if len(pair.reference) == 0 or pair.n_reference + pair.n == 0:
        return Shape((), ())
    if not pair.is_scale:
        return _of_categories(pair, categories)
    low, high = finite_ends(pair)
    ends = _central(pair, low, high, central)
    if ends is None:
        return Shape((), ())
    with np.errstate(over="ignore"):
        gap = float(np.diff(low).min()) if pair.is_exact and len(low) > 1 else 0.0
    edges = _edges(*ends, bins, gap if math.isfinite(gap) else 0.0, pair.is_exact)
    sides = [_spread(side, low, high, edges) for side in (pair.reference, pair.current)]
    return Shape(_rounded(sides[0]), _rounded(sides[1]), tuple(edges.tolist()))


def _shares(counts: Counts) -> Floats:
    return counts / max(int(counts.sum()), 1)


def _rounded(shares: Floats) -> tuple[float, ...]:
    return tuple(np.round(shares, 6).tolist())


def _of_categories(pair: Pair, most: int) -> Shape:
    sides = [_shares(pair.reference), _shares(pair.current)]
    order = np.argsort(-(sides[0] + sides[1]), kind="stable")
    if len(order) > most + 1:  # one category alone is not worth the word "other"
        first, rest = order[:most], order[most:]
        shares = [np.append(side[first], side[rest].sum()) for side in sides]
        labels = (*(str(pair.labels[i]) for i in first), f"other ({len(rest)})")
    else:
        shares = [side[order] for side in sides]
        labels = tuple(str(pair.labels[i]) for i in order)
    return Shape(_rounded(shares[0]), _rounded(shares[1]), labels=labels)


def _central(pair: Pair, low: Floats, high: Floats, central: float) -> tuple[float, float] | None:
    """Return the range of the central share; all of the range where that has no width; None where nothing is finite."""
    weights = _shares(pair.reference) + _shares(pair.current)
    there = np.flatnonzero((weights > 0) & np.isfinite(low) & np.isfinite(high))
    if len(there) == 0:
        return None
    cumulative = np.cumsum(weights[there])
    tail = (1 - central) / 2 * cumulative[-1]
    first = int(np.searchsorted(cumulative, tail, side="right"))
    last = int(np.searchsorted(cumulative, cumulative[-1] - tail, side="left"))
    ends = float(low[there[min(first, len(there) - 1)]]), float(high[there[min(last, len(there) - 1)]])
    return ends if ends[0] < ends[1] else (float(low[there[0]]), float(high[there[-1]]))


class _Step(NamedTuple):
    """A round number: `digit` (1, 2 or 5) times ten to the `power`."""

    digit: int
    power: int

    def times(self, count: NDArray[np.float64]) -> Floats:
        """Return multiples as the nearest floats to their decimals: 0.3, not 0.30000000000000004."""
        if 0 > self.power >= -22:  # 10²² is the greatest power of ten that a float holds exactly
            return np.asarray(count * self.digit / 10.0**-self.power, dtype=np.float64)
        return np.asarray(count * self.width, dtype=np.float64)

    @property
    def width(self) -> float:
        return float(f"{self.digit}e{self.power}")


def _round_step(width: float) -> _Step:
    """Return the least round number that is not below a width."""
    power = math.floor(math.log10(width)) - 1
    steps = (_Step(digit, power + more) for more in range(3) for digit in (1, 2, 5))
    return next(step for step in steps if step.width >= width * (1 - 1e-12))


def _edges(low: float, high: float, bins: int, gap: float, closed: bool) -> Floats:
    """Return edges that enclose [low, high]; `closed` where a value may stand at `high` itself."""
    finest = max(4 * float(np.spacing(max(abs(low), abs(high)))), 1e-300)
    width = high / bins - low / bins
    if width <= 0:
        return np.array([low, low + max(1.0, finest)])
    step = _round_step(max(width, finest))
    while _round_step(step.width * 1.5).width <= gap * (1 + 1e-9):
        step = _round_step(step.width * 1.5)
    while True:
        first, last = _floor(low / step.width), -_floor(-high / step.width)
        last = max(_floor(high / step.width) + 1 if closed else last, first + 1)
        if last - first <= bins:
            break
        step = _round_step(step.width * 1.5)
    with np.errstate(over="ignore"):
        edges = step.times(np.arange(first, last + 1, dtype=np.float64))
    return np.nan_to_num(edges, posinf=np.finfo(np.float64).max, neginf=np.finfo(np.float64).min)


def _floor(x: float) -> int:
    """Return the whole number below, or the nearest where x is one but for rounding: 0.3 / 0.1 is 3."""
    nearest = round(x)
    return nearest if abs(x - nearest) <= 1e-12 * max(abs(x), 1.0) else math.floor(x)


def _spread(counts: Counts, low: Floats, high: Floats, edges: Floats) -> Floats:
    """Return the share of a sample in each bin, values spread evenly over their place; the end bins take the rest."""
    total = max(int(counts.sum()), 1)
    cumulative = np.concatenate([[0], np.cumsum(counts)])
    inner = edges[1:-1]
    begun = np.searchsorted(
        low, inner, side="left"
    )  # so many places begin below the edge; only the last may reach over
    at = np.maximum(begun - 1, 0)
    width = high[at] / 2 - low[at] / 2
    inside = np.divide(inner / 2 - low[at] / 2, width, out=np.ones(len(inner)), where=(width > 0) & np.isfinite(width))
    over = np.where(begun > 0, counts[at] * (1 - np.clip(inside, 0.0, 1.0)), 0.0)
    below = np.concatenate([[0.0], (cumulative[begun] - over) / total, [cumulative[-1] / total]])
    return np.maximum(np.diff(below), 0.0)
