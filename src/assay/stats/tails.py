"""Tails of distributions: how likely a statistic is to be at least as large as the one seen, by chance alone.

Each keeps its relative accuracy far into the tail: p-values are corrected over many columns, and a thousandth of a
thousandth still has to be right. Above the greatest value that a float can tell from certain they return 1.0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "anderson_darling",
    "chi_squared",
    "cramer_von_mises",
    "hypergeometric",
    "kolmogorov",
    "log_choose",
    "noncentral_chi_squared",
    "noncentral_quadratic",
    "noncentrality",
    "normal",
    "quadratic",
    "student",
]

Floats = NDArray[np.float64]

NODES = 96  # of each integral: 12 digits where the exponent falls by 100 along it
GAPS = 16  # integrals summed: those beyond are below 1e-16 wherever the sum is below 1
FLOOR_AD, FLOOR_CVM = 0.06, 0.008  # below these the distribution functions are below 1e-9


def normal(z: float) -> float:
    """Return P(|Z| ≥ |z|) of a standard normal Z: both sides.

    >>> round(normal(1.959964), 6)
    0.05
    """
    return math.erfc(abs(z) / math.sqrt(2))


def student(t: float, freedom: float) -> float:
    """Return P(|T| ≥ |t|) of Student's T: both sides; `freedom` above 0.

    >>> round(student(2.262157, 9), 6)
    0.05
    """
    from scipy.special import stdtr

    return 2 * float(stdtr(freedom, -abs(t)))


def chi_squared(x: float, freedom: float) -> float:
    """Return P(X ≥ x) of a chi-squared X; certain where there is no freedom.

    >>> round(chi_squared(3.841459, 1), 6)
    0.05
    """
    from scipy.special import chdtrc

    return float(chdtrc(freedom, x)) if freedom > 0 and x > 0 else 1.0


def kolmogorov(x: float) -> float:
    """Return P(K ≥ x) of Kolmogorov's K, the largest distance of a Brownian bridge from 0: 2 Σ (-1)ʲ⁻¹ exp(-2j²x²).

    Source: Kolmogorov 1933; Smirnov 1939.

    >>> round(kolmogorov(1.358099), 6)
    0.05
    """
    from scipy.special import kolmogorov as survival

    return float(survival(x))


def anderson_darling(x: float) -> float:
    """Return P(A² ≥ x) of Anderson & Darling's A² = Σ χ²₁ / (j (j + 1)), j from 1.

    By Smirnov's formula, see `quadratic`: the product there is -cos(π√(1 + 4u)/2) / (πu). At least ten digits in the
    tail; 1.0 below 0.06. Sources: Anderson & Darling 1952; Smirnov 1937.

    >>> round(anderson_darling(2.492367), 6), round(anderson_darling(3.878125), 6)
    (0.05, 0.01)
    """
    return _alternating(x, _darling_nodes()) if x > FLOOR_AD else 1.0


def cramer_von_mises(x: float) -> float:
    """Return P(W² ≥ x) of Cramér & von Mises' W² = Σ χ²₁ / (πj)², j from 1.

    By Smirnov's formula, see `quadratic`: the product there is sin(√u) / √u. At least ten digits in the tail; 1.0 below
    0.008. Sources: Anderson & Darling 1952; Smirnov 1937.

    >>> round(cramer_von_mises(0.461361), 5), round(cramer_von_mises(0.743460), 5)
    (0.05, 0.01)
    """
    return _alternating(x, _mises_nodes()) if x > FLOOR_CVM else 1.0


def quadratic(x: float, weights: Sequence[float] | Floats) -> float:
    """Return P(Q ≥ x) of Q = Σ wⱼ χ²₁, a weighted sum of independent squares of standard normals; weights above 0.

    Smirnov's formula: with w₁ > w₂ > … and D(u) = Π (1 - u wⱼ),
    P = 1/π Σₖ (-1)ᵏ⁻¹ ∫ exp(-xu/2) / (u √|D(u)|) du, over u from 1/w₂ₖ₋₁ to 1/w₂ₖ, or to infinity where the weights end.
    All that is added has one sign in the first and greatest integral, so the tail keeps its digits. Weights may be
    almost equal in pairs; no two may be equal. Source: Smirnov 1937; Martynov 1975.

    >>> round(quadratic(3.841459, [1.0]), 6)
    0.05
    """
    poles = 1 / np.sort(np.asarray(weights, dtype=np.float64))[::-1]
    if x <= 0:
        return 1.0
    if len(poles) == 1:
        return normal(math.sqrt(x * float(poles[0])))
    return _alternating(x, _finite_nodes(poles, x))


Nodes = tuple[Floats, Floats]


def _alternating(x: float, nodes: Nodes) -> float:
    """Return Σ sign · weight · exp(-xu/2), within [0, 1]."""
    u, weight = nodes
    return float(np.clip((weight * np.exp(-x * u / 2)).sum(), 0.0, 1.0))


def _gaps(ends: Floats, product: Callable[[Floats], Floats]) -> Nodes:
    """Return nodes and signed weights of the integrals over each row of `ends`, both ends square-root poles.

    Chebyshev's rule takes the two poles in: ∫ f(u) / √((u - a)(b - u)) du = π/n Σ f(uᵢ).
    """
    angle = (np.arange(NODES) + 0.5) * np.pi / NODES
    low, high = ends[:, :1], ends[:, 1:]
    below, above = (high - low) * np.sin(angle / 2) ** 2, (high - low) * np.cos(angle / 2) ** 2
    u = low + below
    sign = np.where(np.arange(len(ends)) % 2 == 0, 1.0, -1.0)[:, None]
    weight = sign / NODES * np.sqrt(below * above / np.abs(product(u))) / u
    return u.ravel(), weight.ravel()


@lru_cache(maxsize=1)
def _darling_nodes() -> Nodes:
    j = np.arange(1.0, 2 * GAPS + 1)
    return _gaps((j * (j + 1)).reshape(GAPS, 2), lambda u: np.cos(np.pi / 2 * np.sqrt(1 + 4 * u)) / (np.pi * u))


@lru_cache(maxsize=1)
def _mises_nodes() -> Nodes:
    j = np.arange(1.0, 2 * GAPS + 1)
    return _gaps(((np.pi * j) ** 2).reshape(GAPS, 2), lambda u: np.sin(np.sqrt(u)) / np.sqrt(u))


def _finite_nodes(poles: Floats, x: float) -> Nodes:
    """Return the nodes of Smirnov's formula for finitely many weights, as far as exp(-xu/2) is not below e⁻⁴⁰ of the greatest."""

    def product(u: Floats, of: Floats) -> Floats:
        found: Floats = np.prod(1 - u / of.reshape(-1, *(1,) * u.ndim), axis=0)
        return found

    ends = poles[: len(poles) // 2 * 2].reshape(-1, 2)
    ends = ends[ends[:, 0] <= ends[0, 0] + 80 / x]
    u, weight = _gaps(ends, lambda u: product(u, poles))
    last = poles[-1]
    if len(poles) % 2 and last <= poles[0] + 80 / x:
        # u = last·(1 + s²): an even, smooth function of s, which the trapezoidal rule takes to the last digit.
        step = 0.1
        s = np.arange(0.0, math.sqrt(80 / (x * last)) + 1, step)
        far = last * (1 + s * s)
        part = step / np.pi * 2 / ((1 + s * s) * np.sqrt(np.abs(product(far, poles[:-1]))))
        part[0] /= 2
        sign = 1.0 if len(poles) // 2 % 2 == 0 else -1.0
        u, weight = np.concatenate([u, far]), np.concatenate([weight, sign * part])
    return u, weight


def noncentral_chi_squared(x: float, freedom: float, ncp: float) -> float:
    """Return P(X ≥ x) of a noncentral chi-squared X: Σⱼ Poisson(j; ncp/2) · P(χ² of freedom + 2j ≥ x).

    >>> round(noncentral_chi_squared(3.841459, 1, 7.848879), 4)
    0.8
    """
    from scipy.special import chdtrc, gammaln

    half = ncp / 2
    if half <= 0:
        return chi_squared(x, freedom)
    reach = 12 * math.sqrt(half) + 40
    j = np.arange(max(0.0, math.floor(half - reach)), math.ceil(half + reach))
    poisson = np.exp(j * math.log(half) - half - gammaln(j + 1))
    return float(min(1.0, np.dot(poisson, chdtrc(freedom + 2 * j, x))))


def noncentrality(x: float, freedom: float, *, power: float) -> float:
    """Return the ncp at which a noncentral chi-squared is at least x with a probability of `power`; 0 where any is.

    >>> round(noncentrality(3.841459, 1, power=0.8), 3)
    7.849
    """
    from scipy.special import chndtrinc

    if noncentral_chi_squared(x, freedom, 0.0) >= power:
        return 0.0
    return float(chndtrinc(x, freedom, 1 - power))


def noncentral_quadratic(x: float, weights: Floats, squares: Floats) -> float:
    """Return P(Q ≥ x) of Q = Σ wⱼ (Zⱼ + μⱼ)² with `squares` the μⱼ², to about four decimals where it is not small.

    1/2 + 1/π ∫ sin(θ) / (uρ) du over u from 0, θ = ½ Σ (arctan wu + μ² wu/(1 + w²u²)) - xu/2 and
    ρ = Π (1 + w²u²)^¼ exp(½ Σ μ² w²u²/(1 + w²u²)). For power, not for p-values: its accuracy is absolute.
    Source: Imhof 1961.

    >>> round(noncentral_quadratic(3.841459, np.array([1.0]), np.array([7.848879])), 3)
    0.8
    """
    points = 500
    u = (np.arange(points) + 0.5) * (12 / float(weights.max()) / points)
    wu = np.outer(weights, u)
    over = squares @ (wu / (1 + wu**2)) / 2, squares @ (wu**2 / (1 + wu**2)) / 2
    angle = np.arctan(wu).sum(0) / 2 + over[0] - x * u / 2
    size = np.exp(-np.log1p(wu**2).sum(0) / 4 - over[1]) / u
    return float(np.clip(0.5 + (np.sin(angle) * size).sum() * (u[1] - u[0]) / math.pi, 0.0, 1.0))


def hypergeometric(x: int, *, marked: int, others: int, drawn: int) -> float:
    """Return P(X ≥ x) of the number X of marked ones among so many drawn without replacement.

    From ratios of neighbours outwards, as far as they matter: up to tens of millions, to six digits.

    >>> round(hypergeometric(2, marked=3, others=3, drawn=3), 6)  # (9 + 1) / 20
    0.5
    """
    low, high = max(0, drawn - others), min(drawn, marked)
    if x <= low:
        return 1.0
    if x > high:
        return 0.0
    up = x * (marked + others) > drawn * marked
    start, steps = (x, high - x) if up else (x - 1, x - 1 - low)
    first = log_choose(marked, start) + log_choose(others, drawn - start) - log_choose(marked + others, drawn)
    tail = math.exp(first) * _outwards(start, steps, (marked, others, drawn), 1 if up else -1)
    return min(tail, 1.0) if up else max(1 - tail, 0.0)


def log_choose(n: int, k: int) -> float:
    """Return the natural logarithm of how many ways there are to choose k of n.

    >>> round(math.exp(log_choose(5, 2)), 9)
    10.0
    """
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _outwards(start: int, steps: int, margins: tuple[int, int, int], step: int) -> float:
    """Return the sum of hypergeometric probabilities from `start` outwards, in units of the first."""
    marked, others, drawn = margins
    total, term, done, size = 1.0, 1.0, 0, 256
    while done < steps and term > 1e-17 * total:
        x = start + step * (done + np.arange(min(size, steps - done), dtype=np.float64))
        if step > 0:
            ratios = (marked - x) * (drawn - x) / ((x + 1) * (others - drawn + x + 1))
        else:
            ratios = x * (others - drawn + x) / ((marked - x + 1) * (drawn - x + 1))
        terms = term * np.cumprod(ratios)
        total, term = total + float(terms.sum()), float(terms[-1])
        done, size = done + len(x), 2 * size
    return total
