"""Distances on a scale: how far the values moved, how far the curves are apart, and how mean and spread changed.

On bins the values are spread evenly over their bin, and `Measure.error` states how far that can be from the samples' own
value: never more than the bins' width.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from assay.stats.binning import finite_ends
from assay.stats.intervals import Sample
from assay.stats.measure import Measure, measured, why_not
from assay.stats.pair import Counts, Floats, Pair

__all__ = [
    "energy",
    "ks",
    "log_mean_shift",
    "mean_shift",
    "mean_shift_of",
    "samples",
    "std_change",
    "std_change_of",
    "wasserstein",
    "wasserstein_std",
]


class _Curves(NamedTuple):
    """F - G (reference less current) before and at the end of each place, its ends, and the heavier side's share of it."""

    before: Floats
    after: Floats
    low: Floats
    high: Floats
    heavier: Floats
    bounded: bool

    @staticmethod
    def of(pair: Pair) -> _Curves:
        low, high = finite_ends(pair)
        n, m = pair.n, pair.n_reference
        after = np.cumsum(pair.reference) / m - np.cumsum(pair.current) / n
        before = np.concatenate([[0.0], after[:-1]])
        heavier = np.maximum(*pair.shares)
        unknown = np.isinf(np.asarray(pair.low)) | np.isinf(np.asarray(pair.high))
        return _Curves(before, after, low, high, heavier, not bool((heavier[unknown] > 0).any()))

    @property
    def why(self) -> str:
        """Return why positions can't be subtracted, or an empty text."""
        infinite = np.isinf(self.low) | np.isinf(self.high)
        return "a value is infinite" if bool((self.heavier[infinite] > 0).any()) else ""

    @property
    def widths(self) -> tuple[Floats, Floats]:
        """Return how wide each place is, and the gap after it (0 after the last)."""
        return self.high - self.low, np.append(self.low[1:] - self.high[:-1], 0.0)


def ks(pair: Pair) -> Measure:
    """Return the Kolmogorov-Smirnov distance: the greatest difference of the two cumulative shares, in [0, 1].

    D = sup |F(x) - G(x)|, with F the reference's and G the current data's. Exact where each place is one value; on bins
    the samples' own D is at least the one here, and more by at most `error`, which is no more than the greatest share
    that one bin holds. `where` is the value at which it is reached. Undefined on categories and where a sample has no
    values. Source: Smirnov 1939.

    >>> from assay.stats.pair import of_samples
    >>> ks(of_samples([1, 2, 3, 4], [3, 4, 5, 6]))
    Measure(value=0.5, why='', where='2', error=0.0)
    """
    if why := why_not(pair, scale=True):
        return Measure(None, why)
    m, n = pair.n_reference, pair.n
    after = np.cumsum(pair.reference) / m - np.cumsum(pair.current) / n
    at = int(np.argmax(np.abs(after)))
    value = float(abs(after[at]))
    low, high = np.asarray(pair.low), np.asarray(pair.high)
    before = np.concatenate([[0.0], after[:-1]])
    reference, current = pair.shares
    # Inside a bin all of one side's values may come before those of the other.
    inside = np.where(low < high, np.maximum(before + reference, current - before), 0.0)
    error = max(float(inside.max()) - value, 0.0)
    return Measure(value, where=f"{high[at] if np.isfinite(high[at]) else low[at]:.6g}", error=error)


def wasserstein(pair: Pair) -> Measure:
    """Return the Wasserstein-1 distance: how far the values have to move, on average, in the unit of the column.

    W = ∫ |F(x) - G(x)| dx ≥ 0. On bins both curves are straight inside a bin; the samples' own value is within `error` =
    Σ wᵢ · max(rᵢ, cᵢ), with wᵢ a bin's width and rᵢ, cᵢ its shares. Values below the first or above the last edge of bins
    whose end is not known count as at that edge, and `error` is then None. Undefined on categories, where a sample has no
    values, and where a value is infinite. Source: Vallender 1974.

    >>> from assay.stats.pair import of_samples
    >>> wasserstein(of_samples([0, 1, 3], [5, 6, 8])).value
    5.0
    """
    if why := why_not(pair, scale=True):
        return Measure(None, why)
    curves = _Curves.of(pair)
    if curves.why:
        return Measure(None, curves.why)
    a, b = np.abs(curves.before), np.abs(curves.after)
    crossed = curves.before * curves.after < 0
    mean = np.where(crossed, (a * a + b * b) / np.maximum(2 * (a + b), np.finfo(float).tiny), (a + b) / 2)
    with np.errstate(over="ignore", invalid="ignore"):
        widths, gaps = curves.widths
        value = float(np.dot(widths, mean) + np.dot(gaps, b))
        error = float(np.dot(widths, curves.heavier))
    return measured(value, error=error if curves.bounded else None)


def energy(pair: Pair) -> Measure:
    """Return the energy distance, in the square root of the unit of the column.

    E = √(2 ∫ (F(x) - G(x))² dx) = √(2·E|X - Y| - E|X - X'| - E|Y - Y'|) ≥ 0. On bins both curves are straight inside a
    bin; the samples' own value is within `error` = √(2 Σ wᵢ · max(rᵢ, cᵢ)²). Ends that are not known, and what is
    undefined, are as in `wasserstein`. Source: Székely & Rizzo 2013.

    >>> from assay.stats.pair import of_samples
    >>> round(energy(of_samples([0], [2])).value, 6)  # √(2·2)
    2.0
    """
    if why := why_not(pair, scale=True):
        return Measure(None, why)
    curves = _Curves.of(pair)
    if curves.why:
        return Measure(None, curves.why)
    a, b = curves.before, curves.after
    with np.errstate(over="ignore", invalid="ignore"):
        widths, gaps = curves.widths
        value = math.sqrt(2 * float(np.dot(widths, (a * a + a * b + b * b) / 3) + np.dot(gaps, b * b)))
        error = math.sqrt(2 * float(np.dot(widths, curves.heavier**2)))
    return measured(value, error=error if curves.bounded else None)


# By moments -----------------------------------------------------------------------------------------------------------


def samples(pair: Pair) -> tuple[Sample, Sample]:
    """Return size, mean and standard deviation of the reference and of the current data; both must have values.

    Exact where each place is one value. On bins the values are spread evenly over their bin: the mean goes by the bins'
    middles, and the variance of each adds w²/12.

    >>> from assay.stats.pair import of_samples
    >>> samples(of_samples([1, 2, 3], [4]))[0]
    Sample(n=3, mean=2.0, std=1.0, kurtosis=0.0)
    """
    low, high = finite_ends(pair)
    with np.errstate(over="ignore", invalid="ignore"):
        width = high - low
        middle = low + width / 2
        reference = _sample(pair.reference, middle, width)
        return reference, _sample(pair.current, middle, width)


def _sample(counts: Counts, middle: Floats, width: Floats) -> Sample:
    there = counts > 0
    counts, middle, width = counts[there], middle[there], width[there]
    n = int(counts.sum())
    origin = float(middle[0])  # the mean is found from there, so that values far from 0 lose no digits
    from_there = middle - origin
    mean = float(np.dot(counts, from_there)) / n
    squares = float(np.dot(counts, (from_there - mean) ** 2 + width * width / 12))
    return Sample(n, origin + mean, math.sqrt(squares / (n - 1)) if n > 1 else 0.0)


def mean_shift(reference: Sample, current: Sample) -> Measure:
    """Return how far the mean moved, in standard deviations of the reference; above 0 is up.

    (m_current - m_reference) / s_reference, with n - 1 below s. From a `Pair`, as the table measures it, the moments are
    those of `samples`. Undefined where a sample has no values, the reference has fewer than two, or all of the reference
    is one value and the mean moved: no number of standard deviations reaches it. Source: Cohen 1988, with the
    reference's own deviation (Glass 1976).

    >>> mean_shift(Sample(100, 10.0, 2.0), Sample(50, 11.0, 3.0)).value
    0.5
    """
    if why := _why_no_spread(reference, current):
        return Measure(None, why)
    moved = current.mean - reference.mean
    if reference.std == 0:
        return _of_constant(moved)
    return measured(moved / reference.std)


def std_change(reference: Sample, current: Sample) -> Measure:
    """Return the change of the standard deviation, as a share of the reference's: 0.05 is 5 % more, -1 none left.

    s_current / s_reference - 1. Undefined where a sample has fewer than two values, and where all of the reference is one
    value and the current data is not.

    >>> std_change(Sample(100, 0.0, 2.0), Sample(50, 0.0, 3.0)).value
    0.5
    """
    if why := _why_no_spread(reference, current, least=2):
        return Measure(None, why)
    if reference.std == 0:
        return _of_constant(current.std)
    return measured(current.std / reference.std - 1)


def _why_no_spread(reference: Sample, current: Sample, *, least: int = 1) -> str:
    for side, sample, needed in (("the reference", reference, 2), ("the current data", current, least)):
        if sample.n < needed:
            found = "no values" if sample.n == 0 else "one value; a standard deviation needs two"
            return f"{side} has {found}"
        if not (math.isfinite(sample.mean) and math.isfinite(sample.std)):
            return f"{side} has no finite mean and standard deviation"
    return ""


def _of_constant(moved: float) -> Measure:
    return Measure(0.0) if moved == 0 else Measure(None, "all values of the reference are the same: it has no spread")


def mean_shift_of(pair: Pair) -> Measure:
    """Return `mean_shift` of the two samples of a pair, by their `samples`; on bins with the bound of its error."""
    return _of_pair(pair, mean_shift)


def std_change_of(pair: Pair) -> Measure:
    """Return `std_change` of the two samples of a pair, by their `samples`; on bins with the bound of its error."""
    return _of_pair(pair, std_change)


def _of_pair(pair: Pair, measure: Callable[[Sample, Sample], Measure]) -> Measure:
    if why := why_not(pair, scale=True):
        return Measure(None, why)
    curves = _Curves.of(pair)
    if curves.why:
        return Measure(None, curves.why)
    reference, current = samples(pair)
    found = measure(reference, current)
    if found.value is None or pair.is_exact:
        return found
    if measure is mean_shift:
        with np.errstate(over="ignore", invalid="ignore"):  # a value is at most half its bin away from the middle
            off = float(np.dot(pair.shares[0] + pair.shares[1], curves.high - curves.low)) / 2
        return measured(found.value, error=_error_of_ratio(pair, abs(found.value), off))
    return measured(found.value, error=_error_of_ratio(pair, found.value + 1, _off(pair.current, *finite_ends(pair))))


def _off(counts: Counts, low: Floats, high: Floats) -> float:
    """Return how far the standard deviation may be from that of the values: each is at most its bin's width away."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.sqrt(float(np.dot(counts, (high - low) ** 2)) / max(int(counts.sum()) - 1, 1))


def _error_of_ratio(pair: Pair, ratio: float, off: float | None) -> float | None:
    """Return how far a / s may be from `ratio`, where a may be `off` by so much and s is the reference's deviation."""
    low, high = finite_ends(pair)
    unknown = np.isinf(np.asarray(pair.low)) | np.isinf(np.asarray(pair.high))
    s, s_off = samples(pair)[0].std, _off(pair.reference, low, high)
    if off is None or s <= s_off or bool((pair.reference + pair.current)[unknown].any()):
        return None
    return (ratio * s + off) / (s - s_off) - ratio


def wasserstein_std(pair: Pair) -> Measure:
    """Return the Wasserstein-1 distance in standard deviations of the reference: it compares columns of any unit.

    W / s_reference, with n - 1 below s. Undefined as `wasserstein`, and as `mean_shift` where the reference has no spread.

    >>> from assay.stats.pair import of_samples
    >>> wasserstein_std(of_samples([1, 2, 3], [2, 3, 4])).value
    1.0
    """
    distance = wasserstein(pair)
    if distance.value is None:
        return distance
    reference, current = samples(pair)
    if why := _why_no_spread(reference, current):
        return Measure(None, why)
    if reference.std == 0:
        return _of_constant(distance.value)
    value = distance.value / reference.std
    return measured(value, error=0.0 if pair.is_exact else _error_of_ratio(pair, value, distance.error))


def log_mean_shift(pair: Pair) -> Measure:
    """Return how far the mean of the natural logarithms moved; 0.1 is about 10 % up, whatever the unit.

    mean(ln x_current) - mean(ln x_reference), of the values above 0. On bins ln is averaged over the bin; the samples' own
    value is within `error` = Σ (rᵢ + cᵢ)(ln highᵢ - ln lowᵢ), which has no bound where a bin with values begins at 0 or
    below: the part of it above 0 counts. Undefined on categories, where a sample has no values above 0, and where a value
    is infinite.

    >>> from assay.stats.pair import of_samples
    >>> round(log_mean_shift(of_samples([1, 10, 100], [2, 20, 200])).value, 4)  # ln 2
    0.6931
    """
    if why := why_not(pair, scale=True):
        return Measure(None, why)
    curves = _Curves.of(pair)
    if curves.why:
        return Measure(None, curves.why)
    up = curves.high > 0
    low, high = curves.low[up], curves.high[up]
    part = np.where(low < 0, 1 / (1 - np.minimum(low, 0.0) / high), 1.0)
    rise = 1 - np.maximum(low, 0.0) / high  # how much of its end a bin is wide: 0 for one value, 1 from 0
    inside = (rise > 0) & (rise < 1)
    safe = np.where(inside, rise, 0.5)
    over_bin = np.where(inside, -(1 - safe) * np.log1p(-safe) / safe - 1, np.where(rise > 0, -1.0, 0.0))
    logs = np.log(high) + over_bin
    weights = [side[up] * part for side in (pair.reference, pair.current)]
    for side, weight in zip(("the reference", "the current data"), weights, strict=True):
        if weight.sum() == 0:
            return Measure(None, f"{side} has no values above 0")
    means = [float(np.dot(weight, logs) / weight.sum()) for weight in weights]
    heavy = sum(weight / weight.sum() for weight in weights)
    known = not bool((heavy[rise >= 1] > 0).any()) and curves.bounded
    error = float(np.dot(heavy, -np.log1p(-np.where(rise < 1, rise, 0.0))))
    return measured(means[1] - means[0], error=error if known else None)
