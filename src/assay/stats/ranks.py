"""Two samples by their ranks: how likely a value of the one is above a value of the other, and whether that is chance.

The area under the curve of a classifier, AUC, is the same number: how likely it gives a row of the current data a higher
score than a row of the reference.
"""

from __future__ import annotations

import math
import sys
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.stats import delong
from assay.stats.intervals import Interval

__all__ = ["Placements", "area", "area_interval", "placements", "rank_sum"]

Floats = NDArray[np.float64]

EXACT_ROWS = 100  # of both sides: up to here all ways to draw the ranks are counted


class Placements(NamedTuple):
    """For each value, the share of the other side's that it is on the expected side of, a tie counted half.

    The mean of either is the AUC; their spread says how well it is known. Source: DeLong, DeLong & Clarke-Pearson 1988.
    """

    reference: Floats
    current: Floats


def placements(reference: Floats, current: Floats) -> Placements:
    """Return for each reference value the share of current ones above it, for each current one of reference ones below.

    >>> placements(np.array([1.0, 2.0]), np.array([2.0, 3.0])).current.tolist()
    [0.75, 1.0]
    """
    rows = delong.sort(np.concatenate([reference, current]))
    result = np.empty(len(rows.order))
    result[rows.order] = delong.placements_of(rows, np.arange(len(result)) >= len(reference))
    return Placements(result[: len(reference)], result[len(reference) :])


def area(reference: Floats, current: Floats) -> float:
    """Return AUC = P(current > reference) + P(equal) / 2, in [0, 1]; ½ where neither side tends to be higher.

    >>> area(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    0.875
    """
    return float(placements(reference, current).current.mean())


def area_interval(found: Placements, *, confidence: float = 0.95) -> Interval:
    """Return an interval of an AUC, within [0, 1], from DeLong's variance; see `assay.stats.delong.interval`.

    NaN where a side has fewer than two values.

    >>> low, high = area_interval(placements(np.arange(40.0), np.arange(40.0) + 20))
    >>> round(low, 3), round(high, 3)
    (0.772, 0.933)
    """
    m, n = len(found.reference), len(found.current)
    if min(m, n) < delong.FEWEST:
        return Interval(math.nan, math.nan)
    a, b = float(found.reference.var(ddof=1)) / m, float(found.current.var(ddof=1)) / n
    under = a * a / (m - 1) + b * b / (n - 1)
    freedom = max((a + b) ** 2 / under, 1.0) if under > 0 else math.inf
    return delong.interval(delong.Area(float(found.current.mean()), a + b, n, m, freedom), confidence=confidence)


def rank_sum(reference: Floats, current: Floats, *, two_sided: bool = True) -> float:
    """Return the p-value of the Wilcoxon-Mann-Whitney comparison: of current values above the reference's, or either way.

    Up to 100 values in all, every way to draw the current ranks from all is counted, ties and all: the level is exact.
    Above, the normal law with the variance of tied ranks, corrected for continuity, never below the least positive float.
    Both sides must have a value; where all values are equal the p-value is 1.
    Sources: Mann & Whitney 1947; Streitberg & Röhmel 1986 for the exact law under ties.

    >>> rank_sum(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]), two_sided=False)  # one way in 20
    0.05
    """
    m, n = len(reference), len(current)
    _, codes, counts = np.unique(np.concatenate([reference, current]), return_inverse=True, return_counts=True)
    doubled = 2 * np.cumsum(counts) - counts + 1  # twice the mean rank
    ranks = doubled[codes]
    observed = int(ranks[m:].sum())
    centre = n * (m + n + 1)
    if m + n <= EXACT_ROWS:
        upper, lower = _exact(ranks[m:], ranks[:m]) if n <= m else _exact(ranks[:m], ranks[m:])[::-1]
    else:
        ties = float((counts.astype(np.float64) ** 3 - counts).sum())
        size = float(m + n)
        variance = m * n / 3 * (size + 1 - ties / (size * (size - 1)))  # of twice the rank sum: four times m·n/12·…
        if variance <= 0:
            return 1.0
        upper, lower = (
            math.erfc((away - 1) / math.sqrt(2 * variance)) / 2 for away in (observed - centre, centre - observed)
        )
    return min(1.0, max(2 * min(upper, lower) if two_sided else upper, sys.float_info.min))


def _exact(drawn: NDArray[np.int64], others: NDArray[np.int64]) -> tuple[float, float]:
    """Return the shares of all draws of so many ranks whose sum is at least, and at most, that of those drawn."""
    ranks = np.concatenate([drawn, others]) - min(drawn.min(), others.min())
    ranks //= max(int(np.gcd.reduce(ranks)), 1)
    n, observed = len(drawn), int(ranks[: len(drawn)].sum())
    ranks = np.sort(ranks)
    ways = np.zeros((n + 1, int(ranks[-n:].sum()) + 1))
    ways[0, 0] = 1.0
    for before, rank in enumerate(ranks.tolist()):
        most = min(n, before + 1)
        ways[1 : most + 1, rank:] += ways[:most, : ways.shape[1] - rank].copy()
    every = ways[n].sum()
    return float(ways[n, observed:].sum() / every), float(ways[n, : observed + 1].sum() / every)
