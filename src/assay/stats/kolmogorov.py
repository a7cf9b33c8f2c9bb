"""The comparison of Kolmogorov & Smirnov: the greatest distance of two distribution functions, with or without ties."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.stats import tails
from assay.stats.bridges import HEAVY, OVERSHOOT, leaves, stretches
from assay.stats.compared import Compared, too_few
from assay.stats.pair import Pair

__all__ = ["EXACT", "beside", "exact", "ks", "near", "steps"]

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

EXACT = 500  # values in both samples together, up to which the exact law is cheap
SKEWED = 25.0  # below so many times u(1 - u), a small sample's count at a place is no longer about normal


def ks(pair: Pair) -> Compared:
    """Return the two-sample comparison of Kolmogorov & Smirnov.

    D = max |F(x) - G(x)|, the greatest distance of the two distribution functions, in [0, 1]. The p-value is the exact
    one given the ties up to 500 values in both samples (`exact`), or beside the commonest (`beside`), and beyond that of
    a Brownian bridge over the places (`near`): within some 3 % of the exact one.
    All values equal: D = 0, p = 1. Sources: Smirnov 1939; Schröer & Trenkler 1995.

    >>> from assay.stats.pair import of_samples
    >>> ks(of_samples([1, 2, 3, 4], [3, 4, 5, 6])).statistic
    0.5
    """
    if (few := too_few(pair)) is not None:
        return few
    if not pair.is_scale:
        raise ValueError("the places are categories, which have no order; compare them by chi_squared")
    m, n = pair.n_reference, pair.n
    gap = int(np.abs(np.cumsum(pair.reference) * n - np.cumsum(pair.current) * m).max())
    pooled = pair.reference + pair.current
    find = exact if m + n <= EXACT else beside if m + n - int(pooled.max()) <= EXACT else near
    return Compared(gap / (m * n), find(pooled[pooled > 0], m, gap) if gap else 1.0)


def exact(pooled: Counts, m: int, gap: int) -> float:
    """Return P(D·m·n ≥ gap) over all ways to deal m of the pooled values to the one side, the places given.

    A deal is a path over a grid of m by n. Paths are counted value by value; those that are outside the band at the end
    of a place are taken out, times the ways to go on from there. All is added, so that small p-values are exact too.
    For at most a thousand values, beyond which there are more paths than floats. Source: Schröer & Trenkler 1995.

    >>> round(exact(np.array([1, 1, 1, 1]), 2, 4), 4)  # of six deals, AABB and BBAA are 4/4 apart
    0.3333
    """
    from scipy.special import gammaln

    total = int(pooled.sum())
    m = min(m, total - m)
    n = total - m
    paths = np.zeros(m + 2)
    paths[0] = 1.0
    least, most, t = 0, 0, 0  # no path stands below or above, after t values
    out: list[tuple[int, int, float]] = []
    for end in np.cumsum(pooled).tolist():
        while t < end:
            paths[least + 1 : most + 2] += paths[least : most + 1]
            t, most = t + 1, min(most + 1, m)
        # i values of the smaller sample are outside where |i·n - (t - i)·m| = |i·total - t·m| ≥ gap
        low, high = max((t * m - gap) // total, t - n - 1), -((-t * m - gap) // total)
        for i in (*range(least, low + 1), *range(high, most + 1)):
            out.append((t, i, float(paths[i])))
            paths[i] = 0.0
        least, most = max(least, low + 1), min(most, high - 1)
    if not out:
        return 0.0
    ends, i, ways = np.array(out).T
    some = ways > 0
    ends, i, ways = ends[some], i[some], ways[some]
    onwards = gammaln(total - ends + 1) - gammaln(m - i + 1) - gammaln(total - ends - m + i + 1)
    whole = gammaln(total + 1) - gammaln(m + 1) - gammaln(n + 1)
    return min(float(np.exp(np.log(ways) + onwards - whole).sum()), 1.0)


def beside(pooled: Counts, m: int, gap: int) -> float:
    """Return P(D·m·n ≥ gap) as `exact` does, of samples that are large only by one common value.

    Paths are counted up to the common value, and from the end back to it; how many of its own are dealt to the one side
    is what is left.

    >>> round(beside(np.array([1, 1, 1, 1]), 2, 4), 4)
    0.3333
    """
    from scipy.special import gammaln

    total, common = int(pooled.sum()), int(np.argmax(pooled))
    before, after = pooled[:common].tolist(), pooled[:common:-1].tolist()
    (first, first_in), (last, last_in) = (_paths(side, m, total, gap) for side in (before, after))
    i = np.arange(len(first) + len(last) - 1)
    rest = total - sum(before) - sum(after)
    own = np.clip(m - i, 0, rest)  # how many of the common value go to the one side
    ways = gammaln(rest + 1) - gammaln(own + 1) - gammaln(rest - own + 1) - tails.log_choose(total, m)
    ways[(m - i < 0) | (m - i > rest)] = -np.inf
    both = np.add.outer(np.arange(len(first)), np.arange(len(last)))
    share = np.exp(first[:, None] + last + ways[both])
    return min(float((share * ((1 - first_in)[:, None] + np.outer(first_in, 1 - last_in))).sum()), 1.0)


def _paths(places: list[int], m: int, total: int, gap: int) -> tuple[Floats, Floats]:
    """Return of every i how many ways there are to deal i values of these places, as a logarithm, and the share never outside."""
    n = sum(places)
    paths, every, t = np.zeros(n + 1), np.zeros(n + 1), 0
    paths[0] = every[0] = 1.0
    for count in places:
        for _ in range(count):
            paths[1:] += paths[:-1]
            every[1:] += every[:-1]
        t += count
        low, high = (t * m - gap) // total, -((-t * m - gap) // total)  # outside from here on, below and above
        paths[: max(low + 1, 0)] = 0.0
        paths[high:] = 0.0
    return np.log(every), paths / every


def near(pooled: Counts, m: int, gap: int) -> float:
    """Return about P(D·m·n ≥ gap) of any number of values: that of a Brownian bridge seen at the end of each place.

    Of many light places it is Kolmogorov's law with the level further off by 0.5826 √(share of a place), or by the steps of
    the two functions where those are more. A heavy place is a step of its own. A level lies half a count before the first
    distance of at least `gap` that can be reached there. Where so few values of the smaller sample lie off the commonest
    that their number is no normal variable, the answer is greater by as much as the exact probability on both sides of the
    commonest is.
    """
    total = int(pooled.sum())
    n = total - m
    scale = math.sqrt(m * n / total)
    unit = scale / (m * n)
    mass = pooled / total
    ends = np.cumsum(pooled)
    up, down = ((reached - total / 2) * unit for reached in _reached(ends, m, total, gap))
    light = mass < HEAVY
    offset = float(np.dot(mass[light], (up + down)[light] / 2 - gap * unit)) / max(float(mass[light].sum()), 1e-300)
    # A value that is a place of its own is no normal step but 1/m or 1/n: there the shift is the known one.
    shifts = np.maximum(OVERSHOOT * np.sqrt(mass) + offset, scale * steps(m, n))
    if light.all():
        return tails.kolmogorov(gap * unit + float(np.dot(mass, shifts)))
    p = leaves(stretches(mass, gap * unit, shifts, lambda k: (float(up[k]), float(down[k]))))
    commonest = int(np.argmax(pooled))
    sides = np.array([k for k in (commonest - 1, commonest) if 0 <= k < len(pooled) - 1])
    u = ends[sides] / total
    if float((u * (1 - u)).max()) * min(m, n) >= SKEWED:
        return p
    counted = [_at(int(ends[k]), m, total, gap) for k in sides]
    std = np.sqrt(u * (1 - u))
    normal = sum(_above(float(bound)) for bound in (*(up[sides] / std), *(down[sides] / std)))
    return min(1.0, max(*counted, p * max(1.0, sum(counted) / normal) if normal > 0 else sum(counted)))


def _reached(ends: Counts, m: int, total: int, gap: int) -> tuple[Counts, Counts]:
    """Return the least distances of at least `gap` that i·total - t·m can have, above and below 0, after t values."""
    above = -((-gap - ends * m) // total) * total - ends * m
    below = ends * m - ((ends * m - gap) // total) * total
    return above, below


def _above(z: float) -> float:
    """Return P(Z ≥ z) of a standard normal Z."""
    return tails.normal(z) / 2 if z > 0 else 1 - tails.normal(z) / 2


def _at(t: int, m: int, total: int, gap: int) -> float:
    """Return P(|i·total - t·m| ≥ gap) of the count i of m among the first t values: two hypergeometric tails."""
    high, low = -((-gap - t * m) // total), (t * m - gap) // total
    above = tails.hypergeometric(high, marked=t, others=total - t, drawn=m)
    return above + tails.hypergeometric(t - low, marked=t, others=total - t, drawn=total - m)


def steps(m: int, n: int) -> float:
    """Return how much further apart the two functions would have been without their steps of 1/m and 1/n.

    The walk that the difference of the functions makes passes a level by part of a step before it is seen beyond it: by
    nothing where both steps are equal, by a sixth of 1/m, on average of both directions, where n has no end.

    >>> steps(50, 50), round(steps(50, 10**9), 5)
    (0.0, 0.00333)
    """
    small, large = min(m, n), max(m, n)
    return (1 / small - 1 / large) / 6 + (1 - math.gcd(m, n) / small) / (2 * large)
