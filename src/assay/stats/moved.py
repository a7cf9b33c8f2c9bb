"""The power of comparisons on a scale where a normal distribution has moved by δ of its standard deviations.

The squared distances are sums of squares of components, each about normal whatever δ is, with a mean and a covariance that
follow from the two distributions: to leading order in the sizes, but for any δ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.stats import tails
from assay.stats.bridges import lift
from assay.stats.intervals import normal_quantile, student_quantile
from assay.stats.kolmogorov import steps

__all__ = ["MOVED", "moved"]

Floats = NDArray[np.float64]
Power = Callable[[float], float]

TERMS = 10  # components looked at of a sum without end; the others add their mean
EXACT_SIZES = 200
FURTHEST = 16.0  # standard deviations that a distribution is moved at most


def moved(comparison: str, m: int, n: int, *, alpha: float, power: float) -> float | None:
    """Return the δ at which a comparison rejects at `alpha` with that probability; None where none does.

    Sizes from 200 are taken by their first two digits, and δ by how much more the true ones say: within a percent, and
    found once for all columns of a table.

    >>> round(moved("welch", 64, 64, alpha=0.05, power=0.8), 2)  # 2.8 √(2/64)
    0.5
    """
    near = _near(m), _near(n)
    found = _moved(comparison, *near, alpha, power)
    return None if found is None else found * math.sqrt((1 / m + 1 / n) / (1 / near[0] + 1 / near[1]))


def _near(n: int) -> int:
    return n if n < EXACT_SIZES else round(n, 2 - len(str(n)))


@lru_cache(maxsize=4096)
def _moved(comparison: str, m: int, n: int, alpha: float, power: float) -> float | None:
    if comparison == "omnibus":  # that of both halves together is at least the power of the stronger, at half the level
        halves = [_moved(half, m, n, alpha / 2, power) for half in ("anderson_darling", "smooth")]
        return min((half for half in halves if half is not None), default=None)
    if comparison == "ks":
        d = _ks_size(m, n, alpha, power)
        return None if d is None or d >= 1 else 2 * normal_quantile((1 + d) / 2)
    return _where(MOVED[comparison](m, n, alpha), power, start=3 / math.sqrt(m * n / (m + n)))


def _where(find: Power, power: float, *, start: float) -> float | None:
    """Return where a power is reached: by secants of its normal quantile, which is nearly straight, inside a bracket."""

    def height(delta: float) -> float:
        return normal_quantile(min(max(find(delta), 1e-6), 1 - 1e-6)) - normal_quantile(power)

    low, at_low, high = 0.0, -6.0, start
    at_high = height(high)
    while at_high < 0:
        low, at_low, high = high, at_high, 1.5 * high
        if high > FURTHEST:
            return None
        at_high = height(high)
    while high - low > 1e-3 * high and at_high > 1e-3:
        middle = high - at_high * (high - low) / (at_high - at_low)
        middle = min(max(middle, low + 0.1 * (high - low)), high - 0.001 * (high - low))
        at = height(middle)
        if abs(at) < 1e-3:
            return middle
        low, at_low, high, at_high = (middle, at, high, at_high) if at < 0 else (low, at_low, middle, at)
    return high


def _welch(m: int, n: int, alpha: float) -> Power:
    from scipy.special import nctdtr

    freedom = 1 / ((n / (m + n)) ** 2 / (m - 1) + (m / (m + n)) ** 2 / (n - 1))
    limit, unit = student_quantile(1 - alpha / 2, freedom), math.sqrt(1 / m + 1 / n)
    return lambda delta: 1 - float(nctdtr(freedom, delta / unit, limit))


def _mann_whitney(m: int, n: int, alpha: float) -> Power:
    limit = normal_quantile(1 - alpha / 2)
    sigma = math.sqrt(m * n * (m + n + 1) / 12)

    def power(delta: float) -> float:
        apart = m * n * math.erf(delta / 2) / 2 - 0.5  # P(a current value is greater) - 1/2 = Φ(δ/√2) - 1/2
        return 1 - tails.normal(apart / sigma - limit) / 2 if apart > limit * sigma else 0.0

    return power


def _smooth(m: int, n: int, alpha: float) -> Power:
    from scipy.special import chdtri

    return _quadratic(float(chdtri(4, alpha)), np.ones(4), _components(m, n, _legendre))


def _anderson_darling(m: int, n: int, alpha: float) -> Power:
    j = np.arange(1.0, TERMS + 1)
    weights = 1 / (j * (j + 1))
    limit = _limit(tails.anderson_darling, alpha) - (1 - float(weights.sum()))
    return _quadratic(limit, weights, _components(m, n, _legendre))


def _cramer_von_mises(m: int, n: int, alpha: float) -> Power:
    weights = 1 / (np.pi * np.arange(1.0, TERMS + 1)) ** 2
    limit = _limit(tails.cramer_von_mises, alpha) - (1 / 6 - float(weights.sum()))
    return _quadratic(limit, weights, _components(m, n, _cosines))


MOVED: dict[str, Callable[[int, int, float], Power]] = {
    "anderson_darling": _anderson_darling,
    "cramer_von_mises": _cramer_von_mises,
    "mann_whitney": _mann_whitney,
    "smooth": _smooth,
    "welch": _welch,
}


@lru_cache(maxsize=1024)
def _limit(tail: Callable[[float], float], alpha: float) -> float:
    """Return where a falling tail is alpha."""
    low, high = 0.0, 1.0
    while tail(high) > alpha:
        high *= 2
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > alpha else (low, middle)
    return high


class _Functions(NamedTuple):
    """Orthonormal functions on [0, 1] at some points, and their derivatives: a row for each function."""

    values: Floats
    slopes: Floats


def _legendre(u: Floats, count: int) -> _Functions:
    """Return Legendre's polynomials of degree 1 to `count`: the components of A² and S."""
    x = 2 * u - 1
    rows = np.polynomial.legendre.legvander(x, count).T
    slopes = np.zeros_like(rows)
    for j in range(1, count + 1):  # P'ⱼ = j Pⱼ₋₁ + x P'ⱼ₋₁
        slopes[j] = j * rows[j - 1] + x * slopes[j - 1]
    unit = np.sqrt(2 * np.arange(1, count + 1) + 1)[:, None]
    return _Functions(*(np.asarray(part[1:] * unit, dtype=np.float64) for part in (rows, 2 * slopes)))


def _cosines(u: Floats, count: int) -> _Functions:
    """Return √2 cos(jπu), j from 1: the components of Cramér & von Mises' W² (Durbin & Knott 1972)."""
    j = np.pi * np.arange(1.0, count + 1)[:, None]
    values, slopes = np.cos(j * u), -j * np.sin(j * u)
    return _Functions(*(np.asarray(math.sqrt(2) * rows, dtype=np.float64) for rows in (values, slopes)))


Components = Callable[[float, int], tuple[Floats, Floats]]


def _components(m: int, n: int, functions: Callable[[Floats, int], _Functions]) -> Components:
    """Return, as a function of δ and how many, the mean and the covariance of the standardised components.

    Zⱼ = √(mn/N) (mean of hⱼ(H) in the current data - in the reference), with H the pooled distribution, which moves with
    both samples: what one value of either adds is hⱼ(H) and ∫ h'ⱼ(H) d(G - F) above it, times its side's share.
    """
    from scipy.special import ndtr

    rows, share = m * n / (m + n), n / (m + n)

    def find(delta: float, count: int) -> tuple[Floats, Floats]:
        x = np.linspace(-7.0, 7.0 + delta, 241)
        unit = (x[1] - x[0]) / math.sqrt(2 * math.pi)
        f, g = np.exp(-x * x / 2) * unit, np.exp(-((x - delta) ** 2) / 2) * unit
        values, slopes = functions((1 - share) * ndtr(x) + share * ndtr(x - delta), count)
        above = np.cumsum((slopes * (g - f))[:, ::-1], axis=1)[:, ::-1]
        covariance = np.zeros((count, count))
        for adds, density, size in ((values + share * above, g, n), (-values + (1 - share) * above, f, m)):
            adds = adds - (adds @ density)[:, None]
            covariance += (adds * density) @ adds.T * (rows / size)
        return np.asarray(values @ (g - f) * math.sqrt(rows), dtype=np.float64), covariance

    return find


def _quadratic(limit: float, weights: Floats, components: Components) -> Power:
    """Return P(Σ wⱼ Zⱼ² ≥ limit) as a function of δ."""
    roots = np.sqrt(weights)

    def power(delta: float) -> float:
        mean, covariance = components(delta, len(weights))
        spreads, turned = np.linalg.eigh(covariance * np.outer(roots, roots))
        spreads = np.maximum(spreads, 1e-12)
        return tails.noncentral_quadratic(limit, spreads, (turned.T @ (roots * mean)) ** 2 / spreads)

    return power


def _ks_size(m: int, n: int, alpha: float, power: float) -> float | None:
    """Return the D that is shown: the level, in D's own steps, and how far a bridge must be lifted to pass it."""
    from scipy.special import kolmogi

    scale, step = math.sqrt(m * n / (m + n)), math.gcd(m, n) / (m * n)
    critical = float(kolmogi(alpha)) / scale - steps(m, n)
    if critical > 1:
        return None
    level = (math.ceil(critical / step - 1e-9) * step + steps(m, n)) * scale
    return lift(round(level, 6), power=power) / scale
