"""Comparisons of two samples by order alone: no position counts, only which values lie below which.

All stand on the counts at each place, so that ties are counted as they are. With N = m + n values in both samples (m of the
reference, n of the current data), lₖ of them at place k, the mid-distribution of the pooled values at place k is
uₖ = (values below + lₖ/2) / N.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.stats import tails
from assay.stats.compared import Compared, too_few
from assay.stats.pair import Pair

__all__ = [
    "anderson_darling",
    "components",
    "cramer_von_mises",
    "mann_whitney",
    "smooth",
]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MOMENTS = ("location", "spread", "skew", "tails")
ONE_PLACE = "all values lie at one place"


def anderson_darling(pair: Pair) -> Compared:
    """Return the two-sample comparison of Anderson & Darling, its midrank form for ties.

    A² = (N - 1)/N · Σₖ lₖ/N · mn/N · (F̄ₖ - Ḡₖ)² / (uₖ(1 - uₖ) - lₖ/4N), with F̄ and Ḡ the mid-distribution functions of
    the two: the squared distance, each place in units of its own variance, so that the tails count as much as the
    middle. It is ≥ 0 and about 1 by chance. The p-value is that of the law that A² tends to at these places:
    Σ χ²₁/(j(j + 1)) of many places, other weights of few. All values equal: A² = 0, p = 1.
    Sources: Pettitt 1976; Scholz & Stephens 1987, eq. 7.

    >>> from assay.stats.pair import of_samples
    >>> round(anderson_darling(of_samples([1, 2, 3, 4], [3, 4, 5, 6])).statistic, 4)
    2.0308
    """
    if (few := too_few(pair)) is not None:
        return few
    pooled, u, gap = _mid(pair)
    total = pair.n_reference + pair.n
    if len(pooled) == 1:
        return Compared(0.0, 1.0, ONE_PLACE)
    mass = pooled / total
    weight = mass / (u * (1 - u) - mass / 4)
    statistic = float((weight * gap * gap).sum() * (total - 1) / total)
    if _is_heavy(mass):
        return Compared(statistic, _of_places(statistic, _Places(mass, u, weight), pair))
    spread = _darling_spread(pair.n_reference, pair.n)
    return Compared(statistic, tails.anderson_darling(1 + (statistic - 1) * spread))


def cramer_von_mises(pair: Pair) -> Compared:
    """Return the two-sample comparison of Cramér & von Mises.

    T = mn/N² · Σₖ lₖ (F̄ₖ - Ḡₖ)² + 1/(4N), with F̄ and Ḡ the mid-distribution functions: without ties Anderson's T, the
    squared distance of the two functions over the pooled values. It is ≥ 0 and about 1/6 by chance. The p-value is that
    of the law that T tends to at these places: Σ χ²₁/(πj)² of many places, other weights of few.
    All values equal: T = 1/(4N), p = 1. Source: Anderson 1962.

    >>> from assay.stats.pair import of_samples
    >>> round(cramer_von_mises(of_samples([1, 2, 3, 7], [4, 5, 6, 8])).statistic, 4)
    0.3125
    """
    if (few := too_few(pair)) is not None:
        return few
    pooled, u, gap = _mid(pair)
    m, n = pair.n_reference, pair.n
    total = m + n
    offset = 1 / (4 * total)
    statistic = float((pooled / total * gap * gap).sum()) + offset
    if len(pooled) == 1:
        return Compared(statistic, 1.0, ONE_PLACE)
    mass = pooled / total
    if _is_heavy(mass):
        return Compared(statistic, _of_places((statistic - offset) * (total - 1) / total, _Places(mass, u, mass), pair))
    mean = (1 + 1 / total) / 6
    variance = (total + 1) / (45 * total * total) * (total - 0.75 * (m / n + n / m) - 0.5)
    return Compared(statistic, tails.cramer_von_mises(1 / 6 + (statistic - mean) / math.sqrt(45 * variance)))


def mann_whitney(pair: Pair) -> Compared:
    """Return the comparison of Mann & Whitney (Wilcoxon's rank sum), two-sided.

    U is the number of pairs, one value of each sample, in which the current one is greater, equal ones half: in
    [0, mn], mn/2 by chance. z = (|U - mn/2| - 1/2) / σ, σ² = mn/12 · (N + 1 - Σ (lₖ³ - lₖ) / (N(N - 1))), normal.
    It sees whether values of one sample tend to be greater, not another spread. All values equal: p = 1.
    Source: Mann & Whitney 1947; Lehmann 1975 for ties.

    >>> from assay.stats.pair import of_samples
    >>> mann_whitney(of_samples([1, 2, 3, 4], [3, 4, 5, 6])).statistic
    14.0
    """
    if (few := too_few(pair)) is not None:
        return few
    pooled, u, _ = _mid(pair)
    m, n = pair.n_reference, pair.n
    total = m + n
    below = np.cumsum(pair.reference) - pair.reference
    found = int((pair.current * (2 * below + pair.reference)).sum()) / 2
    if len(pooled) == 1:
        return Compared(found, 1.0, ONE_PLACE)
    ties = float((pooled * (pooled - 1) * (pooled + 1)).sum()) / (total * (total - 1))
    sigma = math.sqrt(m * n / 12 * (total + 1 - ties))
    z = max(abs(found - m * n / 2) - 0.5, 0.0) / sigma
    mass = pooled / total
    spread = float(np.dot(mass, (u - 0.5) ** 2))
    variance = _variance(float(np.dot(mass, (u - 0.5) ** 4)) / spread**2, 1.0, 1.0, (m, n))
    return Compared(found, _raised(tails.normal(z), z * z, (1.0, variance, 2.0)))


def smooth(pair: Pair) -> Compared:
    """Return Neyman's smooth comparison on the pooled ranks: location, spread, skew and tails at once.

    S = Σ Zⱼ², Zⱼ = (mean of hⱼ in the current data - in the reference) / √((1/m + 1/n) N/(N - 1)), with hⱼ the polynomial
    of degree j in uₖ, orthonormal over the pooled values, j = 1 to 4 (one less than there are places, where those are
    fewer). Under chance each Zⱼ has mean 0 and variance 1 and none is correlated with another, ties or not: S is about
    χ² with so many degrees of freedom; the p-value is that of the gamma distribution with S's own mean and variance
    under permutation, which tends to it. All values equal: S = 0, p = 1. `components` returns the Zⱼ.
    Sources: Neyman 1937; Janic-Wróblewska & Ledwina 2000; Rayner, Thas & Best 2009.

    >>> from assay.stats.pair import of_samples
    >>> round(smooth(of_samples([1, 2, 3, 4], [3, 4, 5, 6])).statistic, 4)
    3.1111
    """
    if (few := too_few(pair)) is not None:
        return few
    found = _smooth(pair)
    statistic, freedom = float(np.dot(found.z, found.z)), len(found.z)
    if freedom == 0:
        return Compared(0.0, 1.0, ONE_PLACE, 0.0)
    squares = float(np.dot(found.mass, (found.functions**2).sum(0) ** 2))
    variance = _variance(squares, freedom, freedom, (pair.n_reference, pair.n))
    scale = 2 * freedom / variance if variance > 0 else 1.0  # gamma: χ² of mean · scale degrees, over scale
    return Compared(statistic, tails.chi_squared(statistic * scale, freedom * scale), freedom=float(freedom))


def _variance(squares: float, mean: float, product: float, sizes: tuple[int, int]) -> float:
    """Return the variance, under permutation, of a sum of squares Q = |Σ v|² of n of N vectors that add up to nothing.

    In units in which Q has the mean Σ|v|²/N: `squares` is Σ|v|⁴/N, and `product` is Σ(v·w)²/N², the sum of the squared
    weights of the χ²₁ that Q tends to. E Q² is the chances to draw one, two, three and four of the vectors, times the sums
    over so many different ones of products of two and two.
    """
    m, n = sizes
    total = m + n
    one = n / total
    two = one * (n - 1) / (total - 1)
    three = two * (n - 2) / (total - 2)
    four = three * (n - 3) / (total - 3)
    a, b, c = squares / total, mean**2, product
    fourth = one * a + two * (b + 2 * c - 7 * a) + three * (12 * a - 2 * b - 4 * c) + four * (b + 2 * c - 6 * a)
    return fourth / (one - two) ** 2 - mean**2


def _raised(p: float, x: float, law: tuple[float, float, float]) -> float:
    """Return p raised where x varies more than the law that it tends to: by how much more likely x is of a gamma so.

    `law` is the mean, the variance, and that of the law. It matters where few values lie off a common one: then a chance
    value or two in the smaller sample are many standard deviations.
    """
    mean, variance, limit = law
    if variance <= limit:
        return p
    now, then = (tails.chi_squared(2 * x * mean / v, 2 * mean**2 / v) for v in (variance, limit))
    return min(1.0, max(p * now / then, p) if then > 0 else max(now, p))


def omnibus(pair: Pair) -> Compared:
    """Return the comparison that sees shifts and changes of spread alike: Anderson-Darling and smooth, the smaller p twice.

    p = min(1, 2 · min(p of A², p of S)): it keeps its rate however the two depend on each other (Bonferroni). A² is the
    stronger where values have moved, S where their spread, skew or tails have changed; doubling costs little of either.
    The statistic is the smaller p-value of the two.

    >>> from assay.stats.pair import of_samples
    >>> pair = of_samples([1, 2, 3, 4], [3, 4, 5, 6])
    >>> omnibus(pair).p_value == 2 * min(anderson_darling(pair).p_value, smooth(pair).p_value)
    True
    """
    if (few := too_few(pair)) is not None:
        return few
    found = [one.p_value for one in (anderson_darling(pair), smooth(pair)) if one.p_value is not None]
    if not found:
        return Compared(None, None, ONE_PLACE)
    return Compared(min(found), min(1.0, 2 * min(found)))


def components(pair: Pair) -> dict[str, float]:
    """Return what the smooth comparison consists of: Zⱼ by what it sees, each standard normal by chance.

    Positive `location`: current values are greater; positive `spread`: they lie further out; `skew` and `tails` are the
    third and the fourth polynomial. Fewer than five places have one component less than places; both samples must have
    values.

    >>> from assay.stats.pair import of_samples
    >>> {name: round(z, 2) for name, z in components(of_samples([2, 3, 2, 3], [1, 4, 1, 4])).items()}
    {'location': 0.0, 'spread': 2.65, 'skew': 0.0}
    """
    return {name: float(z) for name, z in zip(MOMENTS, _smooth(pair).z, strict=False)}


class _Smooth(NamedTuple):
    """The standardised components, the share of each place, and the value there of each function."""

    z: Floats
    mass: Floats
    functions: Floats


def _smooth(pair: Pair) -> _Smooth:
    pooled, u, _ = _mid(pair)
    m, n = pair.n_reference, pair.n
    total = m + n
    reference, current = _sides(pair)
    functions = _polynomials(u, pooled / total)[1:]
    unit = math.sqrt((1 / m + 1 / n) * total / (total - 1))
    return _Smooth((functions @ (current / n - reference / m)) / unit, pooled / total, functions)


def _polynomials(u: Floats, mass: Floats) -> Floats:
    """Return the orthonormal polynomials of degree 0 to 4 (one less than places) at u, by Stieltjes' recursion."""
    x = 2 * u - 1
    before, now = np.zeros_like(x), np.ones_like(x)
    rows, norm = [now], 0.0
    for _ in range(min(len(MOMENTS), len(u) - 1)):
        following = (x - (mass * x * now * now).sum()) * now - norm * before
        for row in rows:  # once more, against rounding
            following = following - (mass * following * row).sum() * row
        norm = math.sqrt(float((mass * following * following).sum()))
        before, now = now, following / norm
        rows.append(now)
    return np.array(rows)


def _ordered(pair: Pair) -> None:
    if not pair.is_scale:
        raise ValueError("the places are categories, which have no order; compare them by chi_squared")


def _sides(pair: Pair) -> tuple[Counts, Counts]:
    """Return the two counts at the places where either sample has a value."""
    some = pair.reference + pair.current > 0
    return pair.reference[some], pair.current[some]


def _mid(pair: Pair) -> tuple[Floats, Floats, Floats]:
    """Return of each place with values: their number, u, and (F̄ - Ḡ) · √(mn/N)."""
    _ordered(pair)
    m, n = pair.n_reference, pair.n
    reference, current = _sides(pair)
    pooled = reference + current
    u = (np.cumsum(pooled) - pooled / 2) / (m + n)
    twice = (2 * np.cumsum(current) - current) * m - (2 * np.cumsum(reference) - reference) * n
    return pooled.astype(np.float64), u, twice / (2 * math.sqrt(m * n * (m + n)))


FEW, HEAVY = 48, 1 / 24


class _Places(NamedTuple):
    """The share and the mid-distribution of each place, and the weight of the squared distance there."""

    mass: Floats
    u: Floats
    weight: Floats


def _is_heavy(mass: Floats) -> bool:
    """Return whether places are so few, or one so heavy, that the law is not that of continuous values."""
    return len(mass) <= FEW or float(mass.max()) >= HEAVY


def _of_places(x: float, places: _Places, pair: Pair) -> float:
    """Return how likely a squared distance is at least x by chance, at these places.

    It tends to Σ w χ²₁ with the eigenvalues w of the covariance of the weighted distances at the places; for that, light
    neighbours are taken together to about a 48th.
    """
    mass, u, weight = places
    by_variance = weight is not mass
    weights = _weights(mass if len(mass) <= FEW else _together(mass), by_variance=by_variance)
    mean = float(np.dot(weight, u * (1 - u) - mass / 4))
    x *= float(weights.sum()) / mean  # 1, but for what taking together loses
    above, below = weight * (1 - u) ** 2, weight * u**2
    own = (
        weight * (0.5 - u) ** 2
    )  # |v|² of a value: its squared distances from the mean at the places above, below, its own
    lengths = (above.sum() - np.cumsum(above)) + (np.cumsum(below) - below) + own
    product = float((weights**2).sum())
    variance = _variance(float(np.dot(mass, lengths**2)), mean, product, (pair.n_reference, pair.n))
    return _raised(tails.quadratic(x, weights), x, (mean, variance, 2 * product))


def _weights(mass: Floats, *, by_variance: bool) -> Floats:
    """Return the weights of the χ²₁ that a squared distance tends to at places of this mass."""
    u = np.cumsum(mass) - mass / 2
    covariance = np.minimum.outer(u, u) - np.outer(u, u) - np.diag(mass / 4)
    scale = np.sqrt(mass / np.diag(covariance)) if by_variance else np.sqrt(mass)
    found = np.linalg.eigvalsh(covariance * np.outer(scale, scale))
    kept: Floats = found[found > 1e-9 * found[-1]]
    return kept


def _together(mass: Floats) -> Floats:
    """Return the mass of runs of light places, each about 1/48, heavy places alone."""
    groups: list[int] = []
    group, held = 0, 0.0
    for heavy, part in zip(mass >= HEAVY / 2, mass, strict=True):
        if groups and (heavy or held + part > HEAVY / 2):
            group, held = group + 1, 0.0
        groups.append(group)
        held += 1.0 if heavy else part
    return np.bincount(groups, weights=mass).astype(np.float64)


def _darling_spread(m: int, n: int) -> float:
    """Return σ∞/σ of A²: its standard deviation at sizes without end over that at these (Scholz & Stephens 1987, eq. 4)."""
    total = m + n
    if total > 2000:
        return 1.0
    i = np.arange(1, total)
    h, both = float((1 / i).sum()), 1 / m + 1 / n
    g = float((np.cumsum(1 / (total - i[:-1])) / (i[:-1] + 1)).sum())
    a = (4 * g - 6) + (10 - 6 * g) * both
    b = (2 * g - 4) * 4 + 8 * h * 2 + (2 * g - 14 * h - 4) * both - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * both + 4 * h
    d = (2 * h + 6) * 4 - 4 * h * 2
    variance = (a * total**3 + b * total**2 + c * total + d) / ((total - 1) * (total - 2) * (total - 3))
    return math.sqrt(2 * (math.pi**2 - 9) / 3 / variance)
