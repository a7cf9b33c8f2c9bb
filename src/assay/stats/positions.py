"""Comparisons of two samples by where their values lie: means (Welch) and spreads (Levene, Brown & Forsythe).

A bin stands at its middle. A place whose far end is not known stands at the end that is: all values beyond are pulled in
to it, on both sides alike, so that the comparison stays fair and only says less of how far they lie.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from assay.stats import tails
from assay.stats.compared import Compared, too_few, undefined
from assay.stats.intervals import Sample
from assay.stats.pair import Pair

__all__ = ["brown_forsythe", "levene", "positions", "welch", "welch_of_samples"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def welch(pair: Pair) -> Compared:
    """Return Welch's comparison of two means, two-sided; of bins, with each at its middle.

    See `welch_of_samples` for the formula: with exact moments at hand, it is the one to call. Source: Welch 1947.

    >>> from assay.stats.pair import of_samples
    >>> result = welch(of_samples([1, 2, 3], [2, 4, 6, 8]))
    >>> round(result.statistic, 4), round(result.freedom, 2)
    (2.1213, 4.08)
    """
    if (few := too_few(pair)) is not None:
        return few
    x = positions(pair)
    if len(x) == 0:
        return Compared(0.0, 1.0, "all values lie at one place")
    return welch_of_samples(_sample(pair.reference, x), _sample(pair.current, x))


def welch_of_samples(a: Sample, b: Sample) -> Compared:
    """Return Welch's comparison of two means from their moments, two-sided.

    t = (mean b - mean a) / √(va + vb), v = s²/n, against Student's distribution with
    (va + vb)² / (va²/(na - 1) + vb²/(nb - 1)) degrees of freedom: the variances may differ. It is positive where b's
    mean is greater. It takes the means for about normal: of 30 exponential values beside 10,000 it finds a difference
    by chance in 0.07 where 0.05 is stated, of 100 in 0.06; of samples of like size it keeps its rate. Where one
    side does not spread the pooled variance stands for both. Undefined for fewer than two values on a side, and where
    neither side spreads but the means differ; where they are equal then, t = 0 and p = 1. Source: Welch 1947.

    >>> result = welch_of_samples(Sample(10, 5.0, 2.0), Sample(40, 6.0, 3.0))
    >>> round(result.statistic, 3), round(result.p_value, 3)
    (1.265, 0.22)
    """
    if a.n < 2 or b.n < 2:
        return undefined(f"the sides have {a.n} and {b.n} values; a comparison needs 2 on each side")
    va, vb = a.std * a.std / a.n, b.std * b.std / b.n
    total, apart = va + vb, b.mean - a.mean
    if not math.isfinite(total) or not math.isfinite(apart):
        return undefined("the mean or the spread is not finite")
    if total == 0:
        return Compared(0.0, 1.0, "neither side spreads") if apart == 0 else undefined("neither side spreads")
    if va == 0 or vb == 0:  # a few rare values that one side happens to have none of: no sign that it never has
        freedom = float(a.n + b.n - 2)
        total = (a.std**2 * (a.n - 1) + b.std**2 * (b.n - 1)) / freedom * (1 / a.n + 1 / b.n)
    else:
        freedom = 1 / ((va / total) ** 2 / (a.n - 1) + (vb / total) ** 2 / (b.n - 1))
    t = apart / math.sqrt(total)
    return Compared(t, tails.student(t, freedom), freedom=freedom)


def levene(pair: Pair) -> Compared:
    """Return Levene's comparison of two spreads: how far values lie from their own sample's mean.

    F = t² of Student's comparison (one variance) of |x - mean| in the two samples, ≥ 0, with 1 and N - 2 degrees of
    freedom. It finds spreads too often where values are skewed (one in seven exponential samples at 0.05, whatever their
    size) and where a small sample of few values stands beside a large one: `brown_forsythe` does not. Undefined where
    the distances do not spread within a sample but differ. Source: Levene 1960.

    >>> from assay.stats.pair import of_samples
    >>> round(levene(of_samples([1, 2, 3, 4, 5], [1, 4, 7, 10, 13])).statistic, 4)
    4.1143
    """
    return _spreads(pair, _mean)


def brown_forsythe(pair: Pair) -> Compared:
    """Return Brown & Forsythe's comparison of two spreads: how far values lie from their own sample's median.

    F = t² of Student's comparison (one variance) of |x - median| in the two samples, ≥ 0, with 1 and N - 2 degrees of
    freedom. It keeps its rate for skewed values and for heavy tails, and is conservative for few values in equal shares
    (0.02 where 0.05 is stated, of four). Undefined where the distances do not spread within a sample but differ.
    Source: Brown & Forsythe 1974.

    >>> from assay.stats.pair import of_samples
    >>> round(brown_forsythe(of_samples([1, 2, 3, 4, 5], [1, 4, 7, 10, 13])).statistic, 4)
    4.1143
    """
    return _spreads(pair, _median)


def positions(pair: Pair) -> Floats:
    """Return where each place stands: its value, its bin's middle, or its finite end where the other is not known.

    None of the places is left out; the array is empty where no place has a finite end.

    >>> from assay.stats.pair import Pair
    >>> counts = np.array([1, 1])
    >>> positions(Pair(counts, counts, np.array([-np.inf, 2.0]), np.array([2.0, 3.0]))).tolist()
    [2.0, 2.5]
    """
    if pair.low is None or pair.high is None:
        raise ValueError("the places are categories, which have no position; compare them by chi_squared")
    finite = np.concatenate([end[np.isfinite(end)] for end in (pair.low, pair.high)])
    if len(finite) == 0:
        return finite
    low = np.clip(pair.low, finite.min(), finite.max())
    high = np.clip(pair.high, finite.min(), finite.max())
    low, high = np.where(np.isfinite(pair.low), low, high), np.where(np.isfinite(pair.high), high, low)
    middle: Floats = low + (high - low) / 2
    return middle


def _spreads(pair: Pair, centre: Callable[[Counts, Floats], float]) -> Compared:
    if (few := too_few(pair)) is not None:
        return few
    x = positions(pair)
    if len(x) == 0:
        return Compared(0.0, 1.0, "all values lie at one place")
    a, b = (_sample(counts, np.abs(x - centre(counts, x))) for counts in (pair.reference, pair.current))
    freedom = a.n + b.n - 2
    within = ((a.n - 1) * a.std**2 + (b.n - 1) * b.std**2) / freedom
    apart = b.mean - a.mean
    if not math.isfinite(within):
        return undefined("the spread is not finite")
    if within == 0:
        if apart == 0:
            return Compared(0.0, 1.0, "all values lie equally far out", float(freedom))
        return undefined("all values of each side lie equally far out")
    t = apart / math.sqrt(within * (1 / a.n + 1 / b.n))
    return Compared(t * t, tails.student(t, freedom), freedom=float(freedom))


def _sample(counts: Counts, x: Floats) -> Sample:
    n = int(counts.sum())
    mean = _mean(counts, x)
    away = x - mean
    return Sample(n, mean, math.sqrt(float((counts * away * away).sum()) / (n - 1)))


def _mean(counts: Counts, x: Floats) -> float:
    return float((counts * x).sum()) / int(counts.sum())


def _median(counts: Counts, x: Floats) -> float:
    """Return the median, halfway between the two in the middle of an even number."""
    order = np.cumsum(counts)
    n = int(order[-1])
    lower, upper = (x[np.searchsorted(order, rank, side="left")] for rank in ((n + 1) // 2, n // 2 + 1))
    return float(lower + (upper - lower) / 2)
