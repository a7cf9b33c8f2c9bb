"""Gaps between groups: the difference of the greatest and the least, the ratio of the least to the greatest.

Both are biased: of groups without a difference some group is still the greatest. So a gap's near end is that of the range of as
many groups (Tukey's), not of two; and beside it stands what groups without a difference would have shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.fairness.ground import ByGroup
from assay.stats.intervals import normal_quantile

__all__ = ["KINDS", "Against", "Gap", "Kind", "against", "chance", "gap", "range_quantile", "range_tail"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Kind = Literal["difference", "ratio"]
Lower = Callable[[ByGroup, Mask, float], Floats]

KINDS: tuple[Kind, ...] = ("difference", "ratio")
_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Gap:
    """The gap between the groups that can be told of: `value` in [`low`, `high`], between the groups `least` and `greatest`.

    Of several measures it is that of the one at place `leading`.
    `p_value` takes a bound and says how likely a gap at least as far beyond it is where the groups keep the bound.
    """

    kind: Kind
    value: float
    low: float
    high: float
    least: int
    greatest: int
    p_value: Callable[[float], float]
    leading: int = 0


def gap(found: Sequence[ByGroup], kept: Mask, *, kind: Kind, confidence: float = 0.95) -> Gap | None:
    """Return the gap between the kept groups in a measure, or the worst gap in one of several; None where there is none.

    A pair of groups has the interval of Zou & Donner (MOVER): of a difference or of a ratio, from the interval of each group. The
    near end of the gap is the nearest that all pairs leave, each at the confidence that the range of G normal numbers needs in
    place of one number's (Tukey & Kramer: conservative where groups differ in size); over several measures the error is shared
    out. The far end is the farthest end of any pair, each at the plain confidence: the gap lies beyond it only where its own
    pair's does. Of groups without a difference, the near end of at most 1 - `confidence` lies off 0 (or off 1).

    Sources: Zou & Donner 2008; Donner & Zou 2012; Tukey 1953; Kramer 1956; Hayter 1984.
    """
    g = int(kept.sum())
    if g < 2:
        return None
    gaps = [one for each in found if (one := _of_one(each, kept, kind, confidence, len(found))) is not None]
    if len(gaps) < len(found):
        return None
    ends = max if kind == "difference" else min
    place = gaps.index(ends(gaps, key=lambda one: one.value))
    leading = gaps[place]
    low, high = ends(one.low for one in gaps), ends(one.high for one in gaps)
    return Gap(
        kind, leading.value, low, high, leading.least, leading.greatest,
        lambda bound: min(1.0, len(gaps) * min(one.p_value(bound) for one in gaps)), place,
    )  # fmt: skip


def _of_one(found: ByGroup, kept: Mask, kind: Kind, confidence: float, among: int) -> Gap | None:
    places = np.flatnonzero(kept)
    values, g = found.values[places], len(places)
    least, greatest = int(places[values.argmin()]), int(places[values.argmax()])
    low_of, bottom, top = _LOWER[kind], float(values.min()), float(values.max())
    if kind == "ratio" and top <= 0:
        return None
    near = range_quantile(g, (1 - confidence) / among) / math.sqrt(2)
    far = normal_quantile((1 + confidence) / 2)
    value = top - bottom if kind == "difference" else bottom / top
    if kind == "difference":
        low, high = max(float(low_of(found, kept, near).max()), 0.0), -float(low_of(found, kept, far).min())
        return Gap(kind, value, low, max(high, value), least, greatest, lambda bound: _p(found, kept, kind, bound))
    off = float(low_of(found, kept, near).max())
    low, high = float(low_of(found, kept, far).min()), 1 / max(off, 1.0)
    return Gap(kind, value, min(low, value), high, least, greatest, lambda bound: _p(found, kept, kind, bound))


def _p(found: ByGroup, kept: Mask, kind: Kind, bound: float) -> float:
    """Return at which error rate the near end of a gap reaches the bound."""
    low_of, g = _LOWER[kind], int(kept.sum())
    limit = bound if kind == "difference" else 1 / bound

    def beyond(z: float) -> bool:
        return float(low_of(found, kept, z).max()) > limit

    if not beyond(0.0):
        return 1.0
    low, high = 0.0, 38.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) else (low, middle)
    return range_tail(low * math.sqrt(2), g)


# Pairs -------------------------------------------------------------------------------------------------------------------


def _ends(found: ByGroup, kept: Mask, z: float) -> tuple[Floats, Floats, Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = (end[kept] for end in found.interval(z))
    g = len(low)
    correlation = np.zeros((g, g)) if found.correlation is None else found.correlation[np.ix_(kept, kept)]
    return found.values[kept], low, high, correlation


def _difference(found: ByGroup, kept: Mask, z: float) -> Floats:
    """Return the lower end of each row's group less each column's; minus infinity where it is not known, 0 on the diagonal."""
    v, low, high, r = _ends(found, kept, z)
    down, up = (v - low)[:, None], (high - v)[None, :]
    ends = v[:, None] - v[None, :] - np.sqrt(np.maximum(down**2 + up**2 - 2 * r * down * up, 0.0))
    ends = np.where(np.isnan(ends), -np.inf, ends)
    np.fill_diagonal(ends, 0.0)
    return ends


def _ratio(found: ByGroup, kept: Mask, z: float) -> Floats:
    """Return the lower end of each row's group over each column's: the R at which 0 leaves the interval of a - R·b; 1 on the diagonal."""
    v, low, high, r = _ends(found, kept, z)
    a, b = v[:, None], v[None, :]
    down, up = a - low[:, None], high[None, :] - b
    middle = a * b - r * down * up
    first, last = a**2 - down**2, b**2 - up**2
    with np.errstate(invalid="ignore", divide="ignore"):
        under = middle + np.sqrt(np.maximum(middle**2 - first * last, 0.0))
        ends = np.where(under > 0, first / under, 0.0)
    ends = np.where(np.isnan(ends), 0.0, np.maximum(ends, 0.0))
    np.fill_diagonal(ends, 1.0)
    return ends


_LOWER: dict[Kind, Lower] = {"difference": _difference, "ratio": _ratio}


@dataclass(frozen=True, slots=True)
class Against:
    """Every group beside one of them: its difference and its ratio with their ends, each G numbers, and the p-value of no difference."""

    difference: Floats
    low: Floats
    high: Floats
    ratio: Floats
    ratio_low: Floats
    ratio_high: Floats
    p_value: Floats


def against(found: ByGroup, reference: int, *, confidence: float = 0.95) -> Against:
    """Return every group less the reference, and over it, with the interval of each pair by itself.

    NaN where either is undefined. The p-value is the error rate at which the interval of the difference reaches 0.
    """
    every = np.ones(len(found.values), dtype=np.bool_)
    z = normal_quantile((1 + confidence) / 2)
    difference = found.values - found.values[reference]
    lower = _difference(found, every, z)
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient = np.where(found.values[reference] > 0, found.values / found.values[reference], np.nan)
        below = _ratio(found, every, z)
        above = np.where(below[reference] > 0, 1 / below[reference], np.inf)
        p_values = _p_of_pairs(found, reference, difference)
    known = ~np.isnan(difference)
    p_values[reference] = 1.0
    return Against(
        difference, np.where(known, lower[:, reference], np.nan), np.where(known, -lower[reference], np.nan), quotient,
        np.where(np.isnan(quotient), np.nan, below[:, reference]), np.where(np.isnan(quotient), np.nan, above),
        np.where(known, p_values, np.nan),
    )  # fmt: skip


def _p_of_pairs(found: ByGroup, reference: int, difference: Floats) -> Floats:
    """Return for each group at which error rate the interval of its difference from the reference reaches 0."""
    v, g = found.values, len(found.values)
    r = np.zeros(g) if found.correlation is None else found.correlation[:, reference]
    rising, every = difference > 0, np.arange(g)
    low, high = np.zeros(g), np.full(g, 38.0)
    for _ in range(30):
        z = (low + high) / 2
        bottom, top = found.interval(z[:, None])  # of each group at the z of each
        down = np.where(rising, v - bottom[every, every], v[reference] - bottom[:, reference])
        up = np.where(rising, top[:, reference] - v[reference], top[every, every] - v)
        apart = np.abs(difference) > np.sqrt(np.maximum(down**2 + up**2 - 2 * r * down * up, 0.0))
        low, high = np.where(apart, z, low), np.where(apart, high, z)
    return np.array([math.erfc(z / math.sqrt(2)) for z in low])


# What chance shows -------------------------------------------------------------------------------------------------------


def chance(
    found: Sequence[ByGroup],
    kept: Mask,
    *,
    kinds: Sequence[Kind] = KINDS,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> dict[Kind, float | None]:
    """Return the gap that groups of these sizes exceed in 1 - `confidence` of cases though all share the pooled value.

    Of shares by binomial draws of each group's rows, of anything else by normal draws with each group's standard error: the
    quantile of 2,000 gaps at `confidence`, of ratios at 1 - `confidence`. None where there is no gap.
    """
    if int(kept.sum()) < 2:
        return dict.fromkeys(kinds)
    drawn = [_drawn(each, kept, rng) for each in found]
    ends = [(values.min(1), values.max(1)) for values in drawn]
    usual: dict[Kind, float | None] = {}
    for kind in kinds:
        worst = np.max([top - low for low, top in ends], axis=0) if kind == "difference" else _ratios(ends)
        known = worst[~np.isnan(worst)]
        at = confidence if kind == "difference" else 1 - confidence
        usual[kind] = float(np.quantile(known, at)) if len(known) else None
    return usual


def _ratios(ends: Sequence[tuple[Floats, Floats]]) -> Floats:
    each = [np.divide(np.maximum(low, 0.0), top, out=np.full(len(low), np.nan), where=top > 0) for low, top in ends]
    return np.asarray(np.min(each, axis=0))


def _drawn(found: ByGroup, kept: Mask, rng: np.random.Generator) -> Floats:
    """Return draws of the values of the kept groups that share the pooled value, 2,000 by groups."""
    g = int(kept.sum())
    if math.isnan(found.pooled):
        return np.full((_DRAWS, g), np.nan)
    if found.sizes is not None and found.correlation is None:
        n = np.maximum(np.rint(found.sizes[kept]), 1).astype(np.int64)
        return np.asarray(rng.binomial(n, min(max(found.pooled, 0.0), 1.0), size=(_DRAWS, g)) / n)
    spread = np.nan_to_num(found.spread[kept])
    if found.sizes is not None:
        spread = np.sqrt(found.pooled * (1 - found.pooled) / found.sizes[kept])
    noise = rng.standard_normal((_DRAWS, g))
    if found.correlation is not None:
        values_of, vectors = np.linalg.eigh(found.correlation[np.ix_(kept, kept)])
        noise = noise @ (vectors * np.sqrt(np.maximum(values_of, 0.0))).T
    return np.asarray(found.pooled + noise * spread)


def range_tail(q: float, g: int) -> float:
    """Return how likely the range of g standard normal numbers is above q.

    1 - g·∫ φ(t)·(Φ(t) - Φ(t - q))^(g - 1) dt, by the trapezoid rule, whose error is below 1e-12 there; of tails below 1e-9 the
    sum over pairs, which is at least the tail. Source: Tippett 1925.

    >>> round(range_tail(3.3145, 3), 4), round(range_tail(2.7718, 2), 4)
    (0.05, 0.05)
    """
    if q <= 0:
        return 1.0
    pairs = g * (g - 1) / 2 * math.erfc(q / 2)
    if g == 2 or pairs < 1e-9:
        return min(pairs, 1.0)
    from scipy.special import ndtr

    t = np.linspace(-9.0, 9.0, 2001)
    inside = np.exp(-t * t / 2) / math.sqrt(2 * math.pi) * (ndtr(t) - ndtr(t - q)) ** (g - 1)
    return float(min(max(1 - g * inside.sum() * (t[1] - t[0]), 0.0), pairs, 1.0))


@lru_cache(maxsize=256)
def range_quantile(g: int, alpha: float) -> float:
    """Return the number that the range of g standard normal numbers exceeds with probability alpha.

    >>> round(range_quantile(5, 0.05), 3)
    3.858
    """
    low, high = 0.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if range_tail(middle, g) > alpha else (low, middle)
    return (low + high) / 2
