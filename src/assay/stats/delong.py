"""Areas under ROC curves: their variance, how they vary together, and comparisons of them, by DeLong's placements.

The placement of a row is the share of the other class that its score is on the right side of, a tie counted half. The mean
of the placements of either class is the area; the spread of both says how well it is known, whatever the shape of the
scores. All placements come from one sort of the scores, so that a million rows take a quarter of a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.stats.intervals import Interval, normal_quantile, student_quantile

__all__ = [
    "Area", "Areas", "AreasCompared", "Sorted", "area_of", "areas", "interval", "moves", "paired", "part",
    "placements_of", "sort",
]  # fmt: skip

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

WELL_KNOWN = 20  # rows of the smaller class that may be placed wrongly: from here DeLong's variance is known well
FEWEST = 2  # rows of a class (entities that have some): of one alone there is no spread


class Area(NamedTuple):
    """An area under a ROC curve, in [0, 1], and its variance.

    `positives` and `negatives` are how many independent rows stand behind it: rows, what rows of entities are worth by their
    design effect, or Kish's (Σw)²/Σw² of rows with weights. Both numbers are NaN where a class has no row, the variance where one has fewer
    than two. `freedom` is how well the variance is known, in degrees of freedom, by Satterthwaite's rule for the two classes.
    """

    value: float
    variance: float
    positives: float
    negatives: float
    freedom: float = math.inf


class Areas(NamedTuple):
    """Areas of k models on the same rows, and their covariances, k by k; the rest as of `Area`."""

    values: Floats
    covariance: Floats
    positives: float
    negatives: float
    freedom: Floats

    def one(self, model: int) -> Area:
        """Return one of the areas."""
        variance = float(self.covariance[model, model])
        return Area(float(self.values[model]), variance, self.positives, self.negatives, float(self.freedom[model]))


class AreasCompared(NamedTuple):
    """The difference of two areas with its standard error, interval, statistic (z or t) and two-sided p-value.

    The statistic is 0 and the p-value 1 where the difference is 0. All but the difference are NaN where the areas are not
    defined, or differ without a spread that tells by how much they might (all right beside all wrong).
    """

    difference: float
    error: float
    low: float
    high: float
    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Sorted:
    """Rows in the order of their scores: `order` has their numbers, `starts` whether a score is above the one before it.

    Sorting is most of the work, and a part of the rows needs no sort of its own (`at`).
    """

    order: Codes
    starts: Mask

    def at(self, rows: Mask) -> Sorted:
        """Return some of the rows, by a mask; the numbers stay those of all rows.

        >>> sort(np.array([3.0, 1.0, 2.0])).at(np.array([True, True, False])).order.tolist()
        [1, 0]
        """
        kept = rows[self.order]
        group = np.cumsum(self.starts)[kept]
        return Sorted(self.order[kept], np.concatenate([np.ones(min(len(group), 1), bool), group[1:] != group[:-1]]))


def sort(scores: Floats) -> Sorted:
    """Return rows in the order of their scores, n floats without NaN."""
    order = np.argsort(scores)
    ordered = scores[order]
    return Sorted(order, np.concatenate([np.ones(min(len(ordered), 1), bool), ordered[1:] != ordered[:-1]]))


def placements_of(rows: Sorted, inside: Mask, *, weights: Floats | None = None) -> Floats:
    """Return the placement of each row, in the order of `rows`: of a positive the share of negatives below it.

    Of a negative it is the share of positives above it; a tie counts half, and a share is of weight where there are
    weights. `inside` says which rows are positive, in the order of the data. NaN where the other class has no row.

    >>> scores, inside = np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, True, False, True])
    >>> placements_of(sort(scores), inside).tolist()
    [1.0, 0.75, 0.75, 1.0]
    """
    mine = inside[rows.order]
    own = None if weights is None else weights[rows.order]
    upto_in = _upto(mine, own)
    upto_out = np.arange(1, len(mine) + 1) - upto_in if own is None else _upto(~mine, own)
    if not len(mine):
        return np.zeros(0)
    last = np.flatnonzero(np.concatenate([rows.starts[1:], [True]]))  # of each group of equal scores
    tied = len(last) < len(mine)
    ends = (upto_in[last], upto_out[last]) if tied else (upto_in, upto_out)
    below_in, below_out = (end - np.diff(end, prepend=0) / 2 for end in ends)
    if tied:
        group = np.cumsum(rows.starts) - 1
        below_in, below_out = below_in[group], below_out[group]
    total_in, total_out = float(upto_in[-1]), float(upto_out[-1])
    under_in = total_in if total_in > 0 else math.nan
    under_out = total_out if total_out > 0 else math.nan
    return np.asarray(np.where(mine, below_out / under_out, 1 - below_in / under_in), dtype=np.float64)


def _upto(mine: Mask, weights: Floats | None) -> NDArray[np.int64] | Floats:
    if weights is None:
        return np.cumsum(mine, dtype=np.int64)
    return np.cumsum(np.where(mine, weights, 0.0))


def area_of(scores: Floats, inside: Mask, *, weights: Floats | None = None, entities: Codes | None = None) -> Area:
    """Return the area under the ROC curve of scores, n floats, for the rows that `inside` says are positive.

    Its variance is DeLong's: s²(placements of positives)/m + s²(placements of negatives)/n, with n - 1 below. Rows that come
    in `entities` are not independent: the placements are then summed up per entity (Obuchowski 1997). Weights count rows
    as so much each, with Kish's effective numbers in place of m and n.
    Sources: DeLong, DeLong & Clarke-Pearson 1988; Sun & Xu 2014 for the time n log n; Obuchowski 1997.

    >>> found = area_of(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]))
    >>> found.value, found.variance  # placements 1/2, 1 and 1, 1/2: s² = 1/8 each, of two rows each
    (0.75, 0.125)
    """
    return part(sort(scores), inside, weights=weights, entities=entities)


def part(rows: Sorted, inside: Mask, *, weights: Floats | None = None, entities: Codes | None = None) -> Area:
    """Return the area of rows that are sorted already: of all, or of a part of them (`Sorted.at`)."""
    placed = placements_of(rows, inside, weights=weights)
    mine = inside[rows.order]
    own = None if weights is None else weights[rows.order]
    value, moved = _moves(placed, mine, own)
    found = _covariance(moved[:, None], mine, own, None if entities is None else entities[rows.order])
    return Areas(np.array([value]), *found).one(0)


def areas(scores: Floats, inside: Mask, *, weights: Floats | None = None, entities: Codes | None = None) -> Areas:
    """Return the areas of k models on the same rows, `scores` n by k, and their covariances; see `area_of`.

    >>> scores = np.array([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0], [4.0, 4.0]])
    >>> found = areas(scores, np.array([False, True, False, True]))
    >>> found.values.tolist(), found.covariance.tolist()
    ([0.75, 1.0], [[0.125, 0.0], [0.0, 0.0]])
    """
    moved = np.empty(scores.shape)
    values = np.empty(scores.shape[1])
    for model, column in enumerate(scores.T):
        rows = sort(column)
        placed = np.empty(len(column))
        placed[rows.order] = placements_of(rows, inside, weights=weights)
        values[model], moved[:, model] = _moves(placed, inside, weights)
    return Areas(values, *_covariance(moved, inside, weights, entities))


def _moves(placed: Floats, mine: Mask, weights: Floats | None) -> tuple[float, Floats]:
    """Return the area, and by how much each row moves it: (placement - area) times the row's share of its class."""
    own = np.ones(len(placed)) if weights is None else weights
    of_in, of_out = float(own[mine].sum()), float(own[~mine].sum())
    if of_in <= 0 or of_out <= 0:
        return math.nan, np.full(len(placed), math.nan)
    value = min(max(float((own[mine] * placed[mine]).sum()) / of_in, 0.0), 1.0)
    return value, (placed - value) * own / np.where(mine, of_in, of_out)


def moves(scores: Floats, inside: Mask) -> tuple[float, Floats]:
    """Return the area, and by how much each row moves it: their squares add up to DeLong's variance.

    Of a mean of areas on the same rows (each class against the others) the variance is the sum of squares of the mean moves.
    A class of one row moves nothing, as it shows no spread.

    >>> area, moved = moves(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]))
    >>> area, round(float((moved**2).sum()), 9)
    (0.75, 0.125)
    """
    rows = sort(scores)
    placed = np.empty(len(scores))
    placed[rows.order] = placements_of(rows, inside)
    value, moved = _moves(placed, inside, None)
    for side in (inside, ~inside):
        m = float(side.sum())
        moved[side] *= math.sqrt(m / (m - 1)) if m >= FEWEST else 1.0
    return value, moved


class _Covariance(NamedTuple):
    covariance: Floats
    positives: float
    negatives: float
    freedom: Floats


def _covariance(moved: Floats, mine: Mask, weights: Floats | None, entities: Codes | None) -> _Covariance:
    """Return the covariances of areas by how much rows move them, n by k, and how many independent rows tell them."""
    by_rows = np.zeros(moved.shape[1])
    if entities is None:
        of_in, of_out = moved[mine], moved[~mine]
        m, n = (_effective(side, weights) for side in (mine, ~mine))
        across = np.zeros((moved.shape[1], moved.shape[1]))
    else:
        codes = np.asarray(np.unique(entities, return_inverse=True)[1], dtype=np.int64)
        size = int(codes.max()) + 1 if len(codes) else 0
        of_in, of_out = (_per_entity(moved[side], codes[side], size) for side in (mine, ~mine))
        m, n = (float((np.bincount(codes[side], minlength=size) > 0).sum()) for side in (mine, ~mine))
        mixed = _unbiased(float(size)) * (of_in.T @ of_out)
        across = mixed + mixed.T
        by_rows = np.diag(_covariance(moved, mine, weights, None).covariance)
    a, b = _unbiased(m) * (of_in.T @ of_in), _unbiased(n) * (of_out.T @ of_out)
    under = np.diag(a) ** 2 / max(m - 1, 1) + np.diag(b) ** 2 / max(n - 1, 1)
    total = (np.diag(a) + np.diag(b)) ** 2
    freedom = np.maximum(np.divide(total, under, out=np.full(len(a), math.inf), where=under > 0), 1.0)
    covariance = a + b + across
    if entities is not None and min(m, n) >= FEWEST:
        m, n = (_worth(rows, side, by_rows, np.diag(covariance)) for rows, side in ((m, mine), (n, ~mine)))
    return _Covariance(covariance, m, n, freedom)


def _worth(entities: float, side: Mask, by_rows: Floats, clustered: Floats) -> float:
    """Return how many independent rows the rows of a class are worth that come in entities: rows / design effect.

    The design effect is the variance with entities over that of as many independent rows, the mean over models. Where rows
    show no spread, each entity is worth one row.
    """
    known = (by_rows > 0) & (clustered > 0)
    if not known.any():
        return entities
    effect = float((clustered[known] / by_rows[known]).mean())
    return min(max(float(side.sum()) / effect, FEWEST), float(side.sum()))


def _per_entity(moved: Floats, codes: Codes, size: int) -> Floats:
    summed = [np.bincount(codes, weights=column, minlength=size) for column in moved.T]
    return np.asarray(np.column_stack(summed), dtype=np.float64)


def _effective(side: Mask, weights: Floats | None) -> float:
    if weights is None:
        return float(side.sum())
    own = weights[side] / weights[side].max(initial=0.0) if weights[side].any() else np.zeros(0)
    return float(own.sum()) ** 2 / float((own**2).sum()) if len(own) else 0.0


def _unbiased(n: float) -> float:
    return n / (n - 1) if n >= FEWEST else math.nan


# Intervals and comparisons -------------------------------------------------------------------------------------------


def interval(found: Area, *, confidence: float = 0.95) -> Interval:
    """Return an interval of an area, within [0, 1]; NaN where a class has fewer than two independent rows.

    DeLong's on the scale of the log-odds: ln(A / (1 - A)) ± t·√V / (A(1 - A)). Its variance is badly known where few rows of
    the smaller class are placed wrongly, min(A, 1 - A)·min(m, n) < 20, and 0 where one class is wholly above the other. There
    the ends are the outer ones of DeLong's and of Newcombe's: all θ with |θ - A| ≤ z·√W(θ)
    and W(θ) = θ(1 - θ)(1 + k(1 - θ)/(2 - θ) + kθ/(1 + θ)) / mn, k = (m + n)/2 - 1.

    Measured coverage where 0.95 is stated (least and mean over 25 cases: scores that are normal, of one spread or three times as
    wide or narrow, exponential, or of five values; areas of 0.6 to 0.99), and mean width:

    | rows      | Wald         | DeLong's, log-odds | Newcombe's         | outer ends (these) |
    | --------- | ------------ | ------------------ | ------------------ | ------------------ |
    | 4 + 6     | 0.089, 0.554 | 0.936, 0.976, 0.51 | 0.910, 0.943, 0.46 | 0.947, 0.991, 0.59 |
    | 10 + 30   | 0.322, 0.772 | 0.887, 0.951, 0.25 | 0.871, 0.949, 0.25 | 0.942, 0.979, 0.29 |
    | 5 + 300   |              | 0.638, 0.864, 0.26 | 0.825, 0.947, 0.31 | 0.937, 0.989, 0.41 |
    | 30 + 70   | 0.511, 0.858 | 0.822, 0.935, 0.15 | 0.873, 0.948, 0.14 | 0.938, 0.969, 0.16 |
    | 100 + 100 | 0.743, 0.908 | 0.823, 0.933, 0.09 | 0.916, 0.950, 0.09 | 0.942, 0.962, 0.10 |

    Of two rows beside hundreds they cover at 0.86 in the worst case, and are as wide as 0.7.
    Sources: DeLong, DeLong & Clarke-Pearson 1988; Newcombe 2006, method 5; Pohar Perme & Manevski 2019.

    >>> low, high = interval(Area(0.9, 0.0004, positives=1000, negatives=5000))
    >>> round(low, 3), round(high, 3)
    (0.853, 0.933)
    """
    value, variance, m, n, freedom = found
    if math.isnan(value) or min(m, n) < FEWEST:
        return Interval(math.nan, math.nan)
    z = normal_quantile((1 + confidence) / 2)
    if variance > 0 and min(value, 1 - value) * min(m, n) >= WELL_KNOWN:
        return _on_log_odds(value, variance, student_quantile((1 + confidence) / 2, freedom))
    outer = _newcombe(value, m, n, z)
    if not variance > 0 or not 0 < value < 1:
        return outer
    own = _on_log_odds(value, variance, student_quantile((1 + confidence) / 2, freedom))
    return Interval(min(outer.low, own.low), max(outer.high, own.high))


def _on_log_odds(value: float, variance: float, quantile: float) -> Interval:
    odds, half = math.log(value / (1 - value)), quantile * math.sqrt(variance) / (value * (1 - value))
    low, high = (1 / (1 + math.exp(min(max(-(odds + side * half), -700.0), 700.0))) for side in (-1, 1))
    return Interval(low, high)


def _newcombe(value: float, m: float, n: float, z: float) -> Interval:
    """Return Newcombe's interval with the variance that Hanley and McNeil give an area, by bisection."""
    k = (m + n) / 2 - 1

    def beyond(theta: float) -> bool:
        spread = 1 + k * (1 - theta) / (2 - theta) + k * theta / (1 + theta)
        return abs(theta - value) > z * math.sqrt(max(theta * (1 - theta), 0.0) * spread / (m * n))

    ends = []
    for end in (0.0, 1.0):
        outside, inside = end, value
        for _ in range(60):
            middle = (outside + inside) / 2
            outside, inside = (middle, inside) if beyond(middle) else (outside, middle)
        ends.append(inside)
    return Interval(ends[0], ends[1])


def paired(found: Areas, a: int = 0, b: int = 1, *, confidence: float = 0.95) -> AreasCompared:
    """Return the comparison of the areas of two models on the same rows, a less b.

    z = (A - B) / √(V(A) + V(B) - 2 Cov(A, B)), with the normal law. Models that order the rows alike have no difference:
    z is 0 and p is 1. NaN where a class has fewer than two rows.
    Source: DeLong, DeLong & Clarke-Pearson 1988.

    >>> scores = np.array([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0], [4.0, 4.0]])
    >>> compared = paired(areas(scores, np.array([False, True, False, True])))
    >>> compared.difference, round(compared.error, 4), round(compared.p_value, 4)
    (-0.25, 0.3536, 0.4795)
    """
    from scipy.special import ndtr, ndtri  # 0.15 s that only a comparison needs

    variance = float(found.covariance[a, a] + found.covariance[b, b] - 2 * found.covariance[a, b])
    difference = float(found.values[a] - found.values[b])
    if math.isnan(difference) or math.isnan(variance):
        return AreasCompared(difference, math.nan, math.nan, math.nan, math.nan, math.nan)
    error = math.sqrt(max(variance, 0.0))
    if error <= 1e-15:  # what rounding leaves of a difference of two variances that are equal
        same = (0.0, 0.0, 0.0, 1.0) if difference == 0 else (math.nan,) * 4
        return AreasCompared(difference, 0.0, *same)
    half = float(ndtri((1 + confidence) / 2)) * error
    statistic = difference / error
    tail = float(ndtr(-abs(statistic)))
    return AreasCompared(difference, error, difference - half, difference + half, statistic, min(1.0, 2 * tail))
