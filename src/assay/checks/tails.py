"""How far a fresh sample may reach beyond a reference: tails, shares, and round numbers to write down.

A reference's own extremes are no bound: of two samples of one size, each holds the greater maximum half of the time.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.profiles.sketches import Quantiles
from assay.stats.intervals import normal_quantile, share

__all__ = ["Reach", "poisson_most", "reach", "round_out", "share_at_most"]

BULK = 0.1  # the tail is fitted on the outermost tenth, and again on the outermost fiftieth
FAR = 0.02
LEAST_IN_TAIL = 20
HEAVY = 1.3  # the mean excess grows by this factor, or by two standard errors, from one threshold to the next: heavier than exponential
LIGHT = 0.85  # it falls to this share: lighter than exponential
OUTLIER = 3.0  # mean excesses by which the extreme passes what an exponential tail expects of it (1 in 20 does)
LEAST_ROWS = 50

Numbers = NDArray[np.float64]


class Reach(NamedTuple):
    """How far one tail reaches: `bound` is passed by a fresh sample of the same size with at most the asked probability.

    A `heavy` tail has no such bound that would say anything: its `bound` is the extreme that was seen.
    """

    bound: float
    heavy: bool


class _Tail(NamedTuple):
    threshold: float
    excess: float
    share: float


def reach(quantiles: Quantiles, extreme: float, *, alarm: float, upper: bool = True) -> Reach | None:
    """Return how far a tail reaches; None of fewer than 50 values, or where the extreme is not finite.

    Beyond a threshold u the excess of most tails is close to exponential with mean b (Balkema & de Haan 1974, with the
    shape taken as 0, which errs to the wide side for lighter tails such as the normal one). The maximum of n rows stands
    near u + b·ln(n·s), s being the share above u; n fresh rows pass a level b·ln(1 / alarm) further with probability
    `alarm`. `b` is raised by two of its standard errors, b / sqrt(rows in the tail). Where the mean excess grows with u,
    or the extreme lies far beyond what it should be, the tail is heavy.

    >>> rows = np.sort(np.random.default_rng(0).normal(size=1000))
    >>> 4 < reach(Quantiles.of(rows), rows[-1], alarm=0.01).bound < 6
    True
    """
    n = quantiles.n
    if n < LEAST_ROWS or not quantiles.levels or not math.isfinite(extreme):
        return None
    kept, cumulative = quantiles.cumulative()
    weights, values = np.diff(cumulative, prepend=0).astype(float), kept.astype(float)
    if not upper:
        values, weights, extreme = -values[::-1], weights[::-1], -extreme
    far = _tail(values, weights, max(FAR, LEAST_IN_TAIL / n))
    near = _tail(values, weights, min(0.5, max(BULK, 3 * LEAST_IN_TAIL / n)))
    growth = far.excess / near.excess if near.excess > 0 else 1.0
    outlying = near.excess > 0 and extreme > _expected(near, n) + OUTLIER * near.excess
    if growth > max(HEAVY, 1 + 2 / math.sqrt(max(n * far.share, 1))) or outlying:
        return Reach(extreme if upper else -extreme, heavy=True)
    ends = [_end(tail, extreme, n, alarm) for tail in ([far] if growth < LIGHT else [near, far])]
    return Reach(max(ends) if upper else -max(ends), heavy=False)


def _tail(values: Numbers, weights: Numbers, share_above: float) -> _Tail:
    """Return a threshold, the mean excess over it with two standard errors added, and the share of rows above it."""
    total = float(weights.sum())
    first = int(np.searchsorted(np.cumsum(weights), total * (1 - share_above)))
    first = max(min(first, len(values) - 2), 0)
    weight = weights[first + 1 :]
    rows = float(weight.sum())
    if rows == 0:
        return _Tail(float(values[first]), 0.0, 0.0)
    mean = float(((values[first + 1 :] - values[first]) * weight).sum() / rows)
    return _Tail(float(values[first]), mean * (1 + 2 / math.sqrt(rows)), rows / total)


def _expected(tail: _Tail, n: int) -> float:
    return tail.threshold + tail.excess * math.log(max(n * tail.share, 1.0))


def _end(tail: _Tail, extreme: float, n: int, alarm: float) -> float:
    return max(extreme, _expected(tail, n)) + tail.excess * math.log(1 / alarm)


def share_at_most(part: int, n: int, *, rows: int, alarm: float) -> float:
    """Return the share that `rows` fresh rows exceed with at most about the asked probability, after `part` of `n`.

    Wilson's upper limit for the share behind the sample, then the same quantile of what `rows` rows would show of it.

    >>> round(share_at_most(100, 10_000, rows=10_000, alarm=0.01), 4)
    0.0158
    """
    high = share(part, n, confidence=1 - alarm).high
    z = normal_quantile(1 - alarm / 2)
    return min(1.0, high + z * math.sqrt(high * (1 - high) / max(rows, 1)))


def poisson_most(mean: float, *, alarm: float) -> int:
    """Return the least count that a Poisson variable of this mean exceeds with at most the asked probability.

    >>> poisson_most(0.0, alarm=0.01), poisson_most(1.0, alarm=0.01)
    (0, 4)
    """
    term = total = math.exp(-mean)
    count = 0
    while total < 1 - alarm and count < 10_000:
        count += 1
        term *= mean / count
        total += term
    return count


def round_out(value: float, *, spread: float, up: bool) -> Decimal:
    """Return a round number at or beyond a value, away from it by at most a twentieth of the spread.

    >>> round_out(167.3, spread=160, up=True), round_out(41.664, spread=0.4, up=False)
    (Decimal('170'), Decimal('41.66'))
    """
    step = _step(spread / 20) if spread > 0 and math.isfinite(spread) else _step(abs(value) / 100 or 1.0)
    units = (Decimal(repr(float(value))) / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
    rounded = units * step
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded.normalize()


def _step(width: float) -> Decimal:
    """Return the greatest of 1, 2, 5, 10, 20, … (and 0.5, 0.2, …) that is not above a width."""
    power = math.floor(math.log10(width))
    times = max(m for m in (1, 2, 5) if m * 10.0**power <= width * (1 + 1e-9)) if 10.0**power <= width else 1
    return Decimal(times).scaleb(power)
