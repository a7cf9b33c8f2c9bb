"""Distances of shares: how differently the rows fall on the same places.

Categories are compared as they are; a scale over at most ten groups with about equal shares of the reference, and groups
are whole places, so nothing is lost by counting in bins.
"""

from __future__ import annotations

import math

import numpy as np

from assay.stats.binning import grouped, pooled
from assay.stats.measure import Measure, measured, why_not
from assay.stats.pair import Floats, Pair

__all__ = [
    "cramers_v",
    "hellinger",
    "jensen_shannon",
    "kl",
    "l_infinity",
    "psi",
    "psi_bound",
    "psi_cells",
    "share_change",
    "total_variation",
]


def _cells(pair: Pair, groups: int = 10) -> Pair:
    """Return the places whose shares are compared: categories as they are, a scale in groups of the reference.

    A reference that fits in one group says nothing of those who left it: then what lies below and above is apart.
    """
    if not pair.is_scale:
        return pair
    cells = grouped(pair, groups=groups)
    return cells if len(cells.reference) > 1 else grouped(pair, groups=groups, ends_apart=True)


def psi_cells(pair: Pair, *, groups: int = 10) -> Pair:
    """Return the places that `psi` and `kl` go by; `psi_bound` asks for their number.

    On a scale: at most `groups` groups with about equal shares of the reference. Categories: with the rare ones pooled.

    >>> from assay.stats.pair import of_categories
    >>> len(psi_cells(of_categories({"a": 50, "b": 50}, {"a": 20, "b": 30})).reference)
    2
    """
    return _cells(pair, groups) if pair.is_scale else pooled(pair)


def _smoothed(pair: Pair, groups: int) -> tuple[Floats, Floats] | str:
    """Return the shares of both sides with half a row added to each place, or why there are none."""
    if why := why_not(pair):
        return why
    cells = psi_cells(pair, groups=groups)
    if len(cells.reference) == 1 < np.count_nonzero(pair.reference + pair.current):
        return "every category is so rare that the smaller sample would expect fewer than 5 of it"
    k = len(cells.reference)
    reference = np.asarray((cells.reference + 0.5) / (pair.n_reference + 0.5 * k), dtype=np.float64)
    return reference, np.asarray((cells.current + 0.5) / (pair.n + 0.5 * k), dtype=np.float64)


def psi(pair: Pair, *, groups: int = 10) -> Measure:
    """Return the population stability index ≥ 0, finite whatever places are empty.

    PSI = Σ (cᵢ - rᵢ) · ln(cᵢ / rᵢ) over the K places of `psi_cells`, with rᵢ = (reference count + ½) / (m + K/2) and cᵢ =
    (current count + ½) / (n + K/2): Jeffreys' half row in each place, which fades as m and n grow and gives the plain PSI
    in the end. Where nothing changed it is about χ² with K - 1 degrees of freedom times (1/m + 1/n), so a fixed bound such
    as 0.2 means something else at each size: see `psi_bound`. Undefined where a sample has no values, and where every
    category is rare. Sources: Lewis 1994; the half row: Jeffreys 1946; its law: Yurdakul & Naranjo 2020.

    >>> from assay.stats.pair import of_categories
    >>> round(psi(of_categories({"a": 5000, "b": 5000}, {"a": 7500, "b": 2500})).value, 3)  # ¼·ln 1.5 + ¼·ln 2
    0.275
    """
    shares = _smoothed(pair, groups)
    if isinstance(shares, str):
        return Measure(None, shares)
    r, c = shares
    return measured(float(np.sum((c - r) * np.log(c / r))))


def kl(pair: Pair, *, groups: int = 10) -> Measure:
    """Return the Kullback-Leibler divergence of the current data from the reference, in nats, ≥ 0.

    KL = Σ cᵢ · ln(cᵢ / rᵢ), over the places of `psi` with its half row in each. Not symmetric: it weighs what the current
    data has much of and the reference had little of. Undefined as `psi`. Source: Kullback & Leibler 1951.

    >>> from assay.stats.pair import of_categories
    >>> round(kl(of_categories({"a": 5000, "b": 5000}, {"a": 7500, "b": 2500})).value, 3)  # ¾·ln 1.5 - ¼·ln 2
    0.131
    """
    shares = _smoothed(pair, groups)
    if isinstance(shares, str):
        return Measure(None, shares)
    r, c = shares
    return measured(max(float(np.sum(c * np.log(c / r))), 0.0))


def psi_bound(n_reference: int, n: int, *, groups: int = 10, alpha: float = 0.05) -> float:
    """Return the PSI that a share `alpha` of windows exceeds though nothing changed: a bound with an error rate.

    χ²_{K-1, 1-α} · (1/m + 1/n), with K = `groups` the number of places that `psi_cells` gave. Both sizes count: the
    same bound without 1/m calls about half of all windows drift where m = n. With ten groups 4 to 5 % of windows exceed
    the bound at 5 % from a hundred values on each side, fewer below: 1 % at 30. Source: Yurdakul & Naranjo 2020.

    Raises ValueError where a size is less than 1, there are fewer than two groups, or alpha is not in (0, 1).

    >>> [round(psi_bound(10_000, n), 4) for n in (100, 1_000, 10_000)]
    [0.1709, 0.0186, 0.0034]
    """
    from scipy.special import chdtri

    if min(n_reference, n) < 1 or groups < 2 or not 0 < alpha < 1:
        raise ValueError(
            f"sizes {n_reference} and {n}, groups {groups}, alpha {alpha}: at least 1, 1, 2, and in (0, 1)"
        )
    return float(chdtri(groups - 1, alpha)) * (1 / n_reference + 1 / n)


def jensen_shannon(pair: Pair) -> Measure:
    """Return the Jensen-Shannon distance, in [0, 1]: a metric, 1 where the two have no place in common.

    √((KL₂(r ‖ a) + KL₂(c ‖ a)) / 2) with a = (r + c)/2 and logarithms of base 2: the root of the divergence, of the shares
    as they are. Undefined where a sample has no values. Sources: Lin 1991; Endres & Schindelin 2003.

    >>> from assay.stats.pair import of_categories
    >>> jensen_shannon(of_categories({"a": 3}, {"b": 2})).value
    1.0
    """
    if why := why_not(pair):
        return Measure(None, why)
    r, c = _cells(pair).shares
    middle = (r + c) / 2
    divergence = sum(float(np.sum(s * np.log2(np.divide(s, middle, out=np.ones_like(s), where=s > 0)))) for s in (r, c))
    return Measure(math.sqrt(min(max(divergence / 2, 0.0), 1.0)))


def hellinger(pair: Pair) -> Measure:
    """Return the Hellinger distance, in [0, 1]: a metric, 1 where the two have no place in common.

    √(½ Σ (√rᵢ - √cᵢ)²). Undefined where a sample has no values. Source: Hellinger 1909.

    >>> from assay.stats.pair import of_categories
    >>> round(hellinger(of_categories({"a": 1, "b": 1}, {"a": 1})).value, 4)  # √(1 - √½)
    0.5412
    """
    if why := why_not(pair):
        return Measure(None, why)
    r, c = _cells(pair).shares
    return Measure(min(math.sqrt(float(np.sum((np.sqrt(r) - np.sqrt(c)) ** 2)) / 2), 1.0))


def total_variation(pair: Pair) -> Measure:
    """Return the total variation distance: the share of rows that would have to change their place, in [0, 1].

    ½ Σ |rᵢ - cᵢ|. Undefined where a sample has no values.

    >>> from assay.stats.pair import of_categories
    >>> total_variation(of_categories({"a": 6, "b": 4}, {"a": 3, "b": 4, "c": 3})).value
    0.3
    """
    if why := why_not(pair):
        return Measure(None, why)
    r, c = _cells(pair).shares
    return Measure(min(float(np.abs(r - c).sum()) / 2, 1.0))


def l_infinity(pair: Pair) -> Measure:
    """Return the greatest change of one place's share, in [0, 1]; `where` names the place.

    max |rᵢ - cᵢ|; the first of several that changed as much. Undefined where a sample has no values.

    >>> from assay.stats.pair import of_categories
    >>> l_infinity(of_categories({"a": 5, "b": 5}, {"a": 2, "b": 7, "c": 1}))
    Measure(value=0.3, why='', where='a', error=0.0)
    """
    if why := why_not(pair):
        return Measure(None, why)
    cells = _cells(pair)
    r, c = cells.shares
    at = int(np.argmax(np.round(np.abs(r - c), 12)))
    return Measure(float(abs(r[at] - c[at])), where=_name(cells, at))


def _name(pair: Pair, at: int) -> str:
    if pair.low is None or pair.high is None:
        return str(pair.labels[at]) if pair.labels else f"place {at}"
    low, high = pair.low[at], pair.high[at]
    if low == high:
        return f"{low:.6g}"
    if np.isinf(low) or np.isinf(high):
        return f"{low:.6g} and above" if np.isfinite(low) else f"{high:.6g} and below"
    return f"{low:.6g} to {high:.6g}"


def cramers_v(pair: Pair) -> Measure:
    """Return Cramér's V of sample and place, in [0, 1]: the effect that goes with the chi-squared comparison.

    √(χ² / N) for the table of two samples and K places with N rows in all: χ² = Σ (rᵢ - cᵢ)² · m·n / (Rᵢ + Cᵢ), of shares
    r, c and counts R, C. It is 1 where the two have no place in common; smaller changes weigh less the more unequal the
    samples' sizes. Undefined where a sample has no values. Source: Cramér 1946.

    >>> from assay.stats.pair import of_categories
    >>> round(cramers_v(of_categories({"a": 10, "b": 10}, {"a": 5, "b": 15})).value, 4)  # χ² = 8/3 of 40 rows
    0.2582
    """
    if why := why_not(pair):
        return Measure(None, why)
    cells = _cells(pair)
    r, c = cells.shares
    together = np.maximum(cells.reference + cells.current, 1)
    weight = pair.n_reference * (pair.n / (pair.n_reference + pair.n))
    return Measure(min(math.sqrt(float(np.sum((r - c) ** 2 / together)) * weight), 1.0))


def share_change(pair: Pair) -> Measure:
    """Return the change of the share of the second of two places, in [-1, 1]: of nulls, of new categories, of a label.

    c₂ - r₂. Undefined where there are not two places, and where a sample has no values.

    >>> from assay.stats.pair import of_categories
    >>> share_change(of_categories({"there": 95, "null": 5}, {"there": 80, "null": 20})).value
    0.15
    """
    if why := why_not(pair):
        return Measure(None, why)
    if len(pair.reference) != 2:
        return Measure(None, f"there are {len(pair.reference)} places; a share needs two, without and with")
    # Of counts and not of shares, so that 20/100 - 5/100 is 0.15 and not 0.15000000000000002.
    top = int(pair.current[1]) * pair.n_reference - int(pair.reference[1]) * pair.n
    return Measure(top / (pair.n * pair.n_reference))
