"""Intervals: how far a number measured on a sample may be from that of the population it was drawn from.

Every interval has two sides and a stated confidence: of many samples, at least about that share give an interval that
holds the population's value. What each takes for granted, and how well it then keeps its word, stands in its docstring.
Rows are taken as drawn independently: rows that resemble their neighbours (a series in time) say less than they count.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

__all__ = [
    "Interval",
    "Sample",
    "correlation",
    "difference",
    "exact_share",
    "ks_distance",
    "log_std",
    "mean",
    "mean_difference",
    "normal_quantile",
    "quantile_shares",
    "ratio",
    "share",
    "std",
    "student_quantile",
    "variance",
]


class Interval(NamedTuple):
    """The two ends of an interval; infinite where the sample says nothing of that side."""

    low: float
    high: float


class Sample(NamedTuple):
    """What an interval needs of a sample: its size, mean, standard deviation (n - 1 below), and excess kurtosis."""

    n: int
    mean: float
    std: float
    kurtosis: float = 0.0


def share(part: float, n: float, *, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval of a share: `part` of `n` rows, in [0, 1].

    (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n), with p = part / n. Its coverage is near the stated one
    for any p and n (Brown, Cai & DasGupta 2001); it dips to 0.92, where 0.95 is stated, where about one row is
    expected. No rows give [0, 1].
    Source: Wilson 1927.

    >>> low, high = share(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    """
    if n <= 0:
        return Interval(0.0, 1.0)
    z = normal_quantile((1 + confidence) / 2)
    p, zz = part / n, z * z / n
    half = z * math.sqrt(max(p * (1 - p), 0.0) / n + zz / (4 * n))
    low, high = (p + zz / 2 - half) / (1 + zz), (p + zz / 2 + half) / (1 + zz)
    return Interval(0.0 if part <= 0 else max(low, 0.0), 1.0 if part >= n else min(high, 1.0))


def exact_share(part: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return the exact interval of a share (Clopper & Pearson 1934); one-sided where `part` is 0 or n.

    It covers at least at the stated rate, for any p and n, and is wider than Wilson's (`share`) for it.

    >>> [round(end, 3) for end in exact_share(0, 20)], [round(end, 3) for end in exact_share(2, 20)]
    ([0.0, 0.139], [0.012, 0.317])
    """
    miss = 1 - confidence if part in (0, n) else (1 - confidence) / 2
    low = 0.0 if part == 0 else _solve(lambda p: 1 - _upto(part - 1, n, p), miss)
    high = 1.0 if part == n else 1 - _solve(lambda p: _upto(part, n, 1 - p), miss)
    return Interval(low, high)


def _upto(count: int, n: int, p: float) -> float:
    """Return the probability of at most so many of n."""
    return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(count + 1))


def _solve(rising: Callable[[float], float], value: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return (low + high) / 2


def mean(sample: Sample, *, confidence: float = 0.95) -> Interval:
    """Return Student's interval of a mean: m ± t·s/√n with n - 1 degrees of freedom.

    Exact for normal values; near the stated coverage for others once n is some dozens, later where they are very skewed.
    Fewer than two values say nothing.

    >>> low, high = mean(Sample(n=4, mean=2.5, std=1.291))
    >>> round(low, 2), round(high, 2)
    (0.45, 4.55)
    """
    if sample.n < 2:
        return Interval(-math.inf, math.inf)
    half = student_quantile((1 + confidence) / 2, sample.n - 1) * sample.std / math.sqrt(sample.n)
    return Interval(sample.mean - half, sample.mean + half)


def mean_difference(a: Sample, b: Sample, *, confidence: float = 0.95) -> Interval:
    """Return Welch's interval of mean(a) - mean(b): two samples whose variances may differ.

    The degrees of freedom are Welch & Satterthwaite's: (va + vb)² / (va²/(na - 1) + vb²/(nb - 1)), with v = s²/n.
    Fewer than two values on either side say nothing. Source: Welch 1947.
    """
    d = a.mean - b.mean
    if a.n < 2 or b.n < 2:
        return Interval(-math.inf, math.inf)
    va, vb = a.std * a.std / a.n, b.std * b.std / b.n
    total = va + vb
    if not 0 < total < math.inf:
        return Interval(d, d) if total == 0 else Interval(-math.inf, math.inf)
    freedom = 1 / ((va / total) ** 2 / (a.n - 1) + (vb / total) ** 2 / (b.n - 1))
    half = student_quantile((1 + confidence) / 2, freedom) * math.sqrt(total)
    return Interval(d - half, d + half)


def log_std(sample: Sample, *, confidence: float = 0.95) -> Interval:
    """Return Bonett's interval of the natural logarithm of a standard deviation.

    ln(c·s²)/2 ± z·c·√((k - (n - 3)/n) / (n - 1))/2 with k the kurtosis (3 for normal values) and c = n/(n - z): unlike
    the interval of the chi-square distribution it does not take the values for normal. For normal and for flat values
    the coverage is within a point of the stated one from n = 20; a small sample of heavy tails underestimates their
    kurtosis: of exponential values 0.83 at n = 20, 0.92 at 200 and 0.95 at 1,000, where 0.95 is stated. Fewer than four
    values, or a standard deviation of 0, say nothing.
    Source: Bonett 2006, with the moment estimate of the kurtosis.
    """
    n, z = sample.n, normal_quantile((1 + confidence) / 2)
    if n < 4 or n <= z or not 0 < sample.std < math.inf:
        return Interval(-math.inf, math.inf)
    c = n / (n - z)
    excess = max(sample.kurtosis + 3 - (n - 3) / n, 2 / n)
    centre, half = math.log(c) / 2 + math.log(sample.std), z * c * math.sqrt(excess / (n - 1)) / 2
    return Interval(centre - half, centre + half)


def std(sample: Sample, *, confidence: float = 0.95) -> Interval:
    """Return Bonett's interval of a standard deviation; see `log_std` for what it takes for granted."""
    low, high = log_std(sample, confidence=confidence)
    return Interval(_exp(low), _exp(high))


def variance(sample: Sample, *, confidence: float = 0.95) -> Interval:
    """Return Bonett's interval of a variance: that of the standard deviation, squared."""
    low, high = log_std(sample, confidence=confidence)
    return Interval(_exp(2 * low), _exp(2 * high))


def ratio(a: Sample, b: Sample, *, confidence: float = 0.95) -> Interval:
    """Return an interval of std(a) / std(b), from Bonett's of the two logarithms by `difference`."""
    sides = (log_std(a, confidence=confidence), log_std(b, confidence=confidence))
    if math.isinf(sides[0].low) or math.isinf(sides[1].low):
        return Interval(0.0, math.inf)
    low, high = difference(math.log(a.std), sides[0], math.log(b.std), sides[1])
    return Interval(_exp(low), _exp(high))


def difference(a: float, of_a: Interval, b: float, of_b: Interval) -> Interval:
    """Return the interval of a - b, from the interval of each at the same confidence.

    a - b - √((a - low a)² + (high b - b)²) to a - b + √((high a - a)² + (b - low b)²). Two shares with their Wilson
    intervals give Newcombe's hybrid score interval. Sources: Newcombe 1998; Zou & Donner 2008 (MOVER).

    >>> low, high = difference(56 / 70, share(56, 70), 48 / 80, share(48, 80))  # Newcombe's example (a), method 10
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    d = a - b
    return Interval(d - math.hypot(a - of_a.low, of_b.high - b), d + math.hypot(of_a.high - a, b - of_b.low))


def ks_distance(distance: float, n: int, m: int, *, confidence: float = 0.95) -> Interval:
    """Return an interval of sup |F - G| of two populations, in [0, 1], whatever their distributions.

    D ± √(ln(4/(1 - c))/2)·(1/√n + 1/√m): each sample's distribution function lies within Massart's bound of its
    population's with probability 1 - (1 - c)/2. Valid and wide: it covers more often than it states. No values give [0, 1].
    Source: Dvoretzky, Kiefer & Wolfowitz 1956; Massart 1990.

    >>> low, high = ks_distance(0.2, 10_000, 10_000)
    >>> round(low, 3), round(high, 3)
    (0.17, 0.23)
    """
    if n <= 0 or m <= 0:
        return Interval(0.0, 1.0)
    half = math.sqrt(math.log(4 / (1 - confidence)) / 2) * (1 / math.sqrt(n) + 1 / math.sqrt(m))
    return Interval(max(distance - half, 0.0), min(distance + half, 1.0))


def correlation(r: float, n: int, *, confidence: float = 0.95) -> Interval:
    """Return Fisher's interval of Pearson's correlation: tanh(artanh r ± z/√(n - 3)), in [-1, 1].

    Near the stated coverage for two columns that are about normal together; fewer than four pairs say nothing.

    >>> low, high = correlation(0.5, 28)
    >>> round(low, 4), round(high, 4)
    (0.156, 0.7358)
    """
    if n < 4:
        return Interval(-1.0, 1.0)
    if abs(r) >= 1:
        return Interval(r, r)
    half = normal_quantile((1 + confidence) / 2) / math.sqrt(n - 3)
    return Interval(math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))


def quantile_shares(q: float, n: int, *, confidence: float = 0.95) -> Interval:
    """Return two shares: the sample's quantiles there enclose the population's q-quantile, whatever its distribution.

    They are the ends of Wilson's interval of a share q of n rows: the q-quantile lies below x exactly where more than a
    share q of the population does, and what the sample says of that share is Wilson's interval.
    """
    return share(q * n, n, confidence=confidence)


def normal_quantile(p: float) -> float:
    """Return the number below which a share p of the standard normal distribution lies; p in (0, 1).

    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    from statistics import NormalDist  # 10 ms that only a judgement with an interval needs

    return NormalDist().inv_cdf(p)


@lru_cache(maxsize=4096)
def student_quantile(p: float, freedom: float) -> float:
    """Return the number below which a share p of Student's distribution lies; p in [0.5, 1), `freedom` above 0.

    From the incomplete beta function (DLMF 8.17.22), by bisection, to about eight digits; the normal quantile above
    ten million degrees of freedom, where the two agree to seven.

    >>> round(student_quantile(0.975, 9), 4)
    2.2622
    """
    if freedom > 1e7:
        return normal_quantile(p)
    tail = 2 * (1 - p)  # both sides together: I(freedom / (freedom + t²); freedom/2, 1/2)

    def beyond(t: float) -> float:
        return _incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5) - tail

    high = 1.0
    while beyond(high) > 0:
        high *= 2
    return _bisect(beyond, 0.0, high)


def _bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function crosses 0."""
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    return front / _continued_fraction(x, a, b)


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Return 1 + d1/(1 + d2/(1 + …)) of DLMF 8.17.22, by Lentz's method."""
    value = c = 1.0
    d = 0.0
    for step in range(1, 10_000):
        m, odd = divmod(step, 2)
        over = -(a + m) * (a + b + m) / (a + 2 * m + 1) if odd else m * (b - m) / (a + 2 * m - 1)
        term = over * x / (a + 2 * m)
        d = 1 / (1 + term * d)
        c = 1 + term / c
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf
