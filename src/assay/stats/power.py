"""The least difference that samples of these sizes would have shown: what a comparison that found nothing still says.

Each answer stands on an alternative that is stated: a normal distribution that moved, shares that changed in the way that is
hardest to find, or a share that rose. It is in the unit of a distance, so that it can be set beside the one measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from assay.stats import tails
from assay.stats.intervals import normal_quantile
from assay.stats.moved import MOVED, moved
from assay.stats.tables import EXPECTED, GROUPS, fisher_p

__all__ = ["detectable"]


MANY = 200  # values of the rarer kind, from which Fisher's comparison finds what chi-squared does


class _Asked(NamedTuple):
    comparison: str
    m: int
    n: int
    alpha: float
    power: float
    groups: int | None
    base: float | None

    @property
    def rows(self) -> float:
        """Return mn/N: how many rows on either side of an endless other say as much."""
        return self.m * self.n / (self.m + self.n)


def detectable(
    comparison: str,
    distance: str,
    *,
    sizes: tuple[int, int],
    alpha: float,
    power: float = 0.8,
    groups: int | None = None,
    base: float | None = None,
) -> float | None:
    """Return the least size that samples as large as these (reference, current) would have shown, with that probability.

    It is in the unit of `distance`; `alpha` is the level that the p-value is judged at.

    - Comparisons on a scale by `ks`, `mean_shift` or `wasserstein_std`: a normal distribution moved by δ standard
      deviations, where D = 2Φ(δ/2) - 1. Of values that are not normal the size is much the same in `ks`.
    - `chi_squared`, `g_test` and `psi` over `groups` places (`psi`: 10 where not told): noncentral χ² with mn/N · Σ d²/p
      as noncentrality, which is exact for `cramers_v`, at least 4 d² mn/N for a `total_variation` or `l_infinity` of d (so
      the power is at least the one asked for), and for changes that are not large mn/N times `psi`, 8 times the square
      of `hellinger`, or 8 ln 2 times that of `jensen_shannon`.
    - `fisher`, `chi_squared` and `g_test` by `share_change`: a rise from the share `base`.

    None where the two are not known together, where `groups` or `base` is needed and not told, where a side has fewer
    than two values, and where samples so small show no size with that probability.

    >>> round(detectable("ks", "ks", sizes=(10_000, 1_000), alpha=0.05), 3)
    0.043
    >>> round(detectable("chi_squared", "total_variation", sizes=(10_000, 1_000), alpha=0.05, groups=5), 3)
    0.057
    """
    if not (0 < alpha < 1 and 0 < power < 1):
        raise ValueError(f"alpha is {alpha} and power {power}; both lie between 0 and 1")
    find = _KNOWN.get((comparison, distance))
    if find is None or min(sizes) < 2:
        return None
    return find(_Asked(comparison, *sizes, alpha, power, groups, base))


def _moved(asked: _Asked) -> float | None:
    """Return the δ that a comparison on a scale shows."""
    return moved(asked.comparison, asked.m, asked.n, alpha=asked.alpha, power=asked.power)


def _moved_ks(asked: _Asked) -> float | None:
    delta = _moved(asked)
    return None if delta is None else math.erf(delta / math.sqrt(8))


def _noncentrality(asked: _Asked) -> float | None:
    from scipy.special import chdtri

    groups = asked.groups if asked.groups is not None else GROUPS if asked.comparison == "psi" else None
    if groups is None or groups < 2 or min(asked.m, asked.n) < 2 * EXPECTED:
        return None
    return tails.noncentrality(float(chdtri(groups - 1, asked.alpha)), groups - 1, power=asked.power)


def _by_root(times: float, most: float) -> Callable[[_Asked], float | None]:
    """Return √(ncp / (times · mn/N)), None above `most`."""

    def find(asked: _Asked) -> float | None:
        ncp = _noncentrality(asked)
        size = None if ncp is None else math.sqrt(ncp / (times * asked.rows))
        return None if size is None or size > most else size

    return find


def _psi(asked: _Asked) -> float | None:
    ncp = _noncentrality(asked)
    return None if ncp is None else ncp / asked.rows


def _cramers_v(asked: _Asked) -> float | None:
    ncp = _noncentrality(asked)
    size = None if ncp is None else math.sqrt(ncp / (asked.m + asked.n))
    return None if size is None or size > 1 else size


def _share(asked: _Asked) -> float | None:
    """Return the rise from the base whose noncentrality is enough: mn/N · d² / (p(1 - p)) with p the pooled share.

    The share must be large enough that, as often, 5 values of it are expected on each side: fewer would be pooled.
    """
    ncp = _noncentrality(asked._replace(groups=2))
    base = asked.base
    if ncp is None or base is None:
        return None
    total, least = asked.m + asked.n, EXPECTED * (asked.m + asked.n) / min(asked.m, asked.n)
    z = normal_quantile(asked.power)

    def enough(d: float) -> bool:
        p = base + d * asked.n / total
        spread = asked.m * base * (1 - base) + asked.n * (base + d) * (1 - base - d)
        common = total * p - z * math.sqrt(max(spread, 0.0)) >= least
        return common and asked.rows * d * d >= ncp * p * (1 - p)

    return _least(enough, 1 - base)


def _fisher(asked: _Asked) -> float | None:
    if asked.base is None or not 0 <= asked.base <= 1:
        return None
    if min(asked.m, asked.n) * min(asked.base, 1 - asked.base) >= MANY:  # its steps no longer show
        return _share(asked)
    return _fisher_rise(asked.m, asked.n, asked.alpha, asked.power, asked.base)


@lru_cache(maxsize=1024)
def _fisher_rise(m: int, n: int, alpha: float, power: float, base: float) -> float | None:
    """Return the rise from `base` that Fisher's comparison shows.

    Over likely counts of the reference: the least count of the current data that it rejects, and how likely so many are.
    """
    from scipy.special import bdtrc, bdtrik

    shares = (np.arange(9) + 0.5) / 9
    counts, often = np.unique(
        np.round(bdtrik(shares, m, base)) if 0 < base < 1 else np.full(9, base * m), return_counts=True
    )
    limits = np.array([_least_count(int(min(count, m)), m, n, alpha) for count in counts])

    def enough(d: float) -> bool:
        return float(np.dot(np.where(limits > n, 0.0, bdtrc(limits - 1, n, min(base + d, 1.0))), often) / 9) >= power

    return _least(enough, 1 - base)


def _least_count(reference: int, m: int, n: int, alpha: float) -> int:
    """Return the least count of n, above the reference's share, that Fisher's comparison rejects; n + 1 if none."""
    low, high = int(reference * n / m), n + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if fisher_p((reference, m - reference), (middle, n - middle)) > alpha else (low, middle)
        )
    return high


def _least(enough: Callable[[float], bool], most: float) -> float | None:
    """Return the least size in [0, most] that is enough; None where none is."""
    if not enough(most):
        return None
    low, high = 0.0, most
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


_SCALE = ("ks", "omnibus", *MOVED)
_SHARES = ("chi_squared", "g_test", "psi")
_BY_SHIFT: dict[str, Callable[[_Asked], float | None]] = {
    "ks": _moved_ks,
    "mean_shift": _moved,
    "wasserstein_std": _moved,
}
_BY_SHARES: dict[str, Callable[[_Asked], float | None]] = {
    "cramers_v": _cramers_v,
    "hellinger": _by_root(8.0, 1.0),
    "jensen_shannon": _by_root(8 * math.log(2), 1.0),
    "l_infinity": _by_root(4.0, 1.0),
    "psi": _psi,
    "total_variation": _by_root(4.0, 1.0),
}
_KNOWN: dict[tuple[str, str], Callable[[_Asked], float | None]] = {
    **{(comparison, distance): find for comparison in _SCALE for distance, find in _BY_SHIFT.items()},
    **{(comparison, distance): find for comparison in _SHARES for distance, find in _BY_SHARES.items()},
    ("chi_squared", "share_change"): _share,
    ("g_test", "share_change"): _share,
    ("fisher", "share_change"): _fisher,
}
