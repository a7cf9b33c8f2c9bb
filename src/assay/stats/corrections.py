"""Corrections of p-values that were looked at together: of twenty columns without drift one is below 0.05 by chance.

An adjusted p-value is compared with the same level as the p-value itself. A new correction is one function and one entry of
`CORRECTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assay.errors import member
from assay.stats.pair import Floats

__all__ = [
    "CORRECTIONS",
    "Correction",
    "adjusted",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "bonferroni",
    "get_correction",
    "holm",
    "simes",
    "uncorrected",
]


@dataclass(frozen=True, slots=True)
class Correction:
    """One member of the table: what it computes, what it keeps at the level, and what of the p-values it takes for granted.

    `keeps` is "fdr" (of those called drift, the expected share of false ones), "fwer" (the probability of any false one)
    or "each" (each on its own).
    """

    name: str
    title: str
    formula: str
    keeps: str
    holds: str
    source: str
    adjust: Callable[[Floats], Floats]


def adjusted(name: str, p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return the adjusted p-values in the given order; None, where a comparison was undefined, stays and is not counted.

    Raises ConfigError where there is no such correction, and ValueError where a p-value is not in [0, 1].

    >>> adjusted("holm", [0.01, None, 0.04, 0.03])
    (0.03, None, 0.06, 0.06)
    """
    correction = get_correction(name)
    known = [i for i, p in enumerate(p_values) if p is not None]
    answers: list[float | None] = [None] * len(p_values)
    p = np.array([p_values[i] for i in known], dtype=np.float64)
    for i, value in zip(known, correction.adjust(p).tolist(), strict=True):
        answers[i] = value
    return tuple(answers)


def get_correction(name: str, *, place: str = "") -> Correction:
    """Return a correction by its name; raises ConfigError, with the nearest name, where there is none.

    >>> get_correction("benjamini_hochberg").keeps
    'fdr'
    """
    return member(CORRECTIONS, name, what="correction", place=place)


def benjamini_hochberg(p: Floats) -> Floats:
    """Return p-values adjusted so that of those at most α, the expected share of false ones is at most α.

    Sorted upwards, p₍ᵢ₎ becomes min over j ≥ i of m · p₍ⱼ₎ / j, with m their number. Holds where the p-values are
    independent or positively dependent, as those of columns that rise together are. Source: Benjamini & Hochberg 1995;
    Benjamini & Yekutieli 2001.

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    m = len(p)
    return _stepped_up(p, m / np.arange(1, m + 1))


def benjamini_yekutieli(p: Floats) -> Floats:
    """Return p-values adjusted as by `benjamini_hochberg`, times 1 + 1/2 + … + 1/m: it holds whatever the dependence.

    Source: Benjamini & Yekutieli 2001.

    >>> benjamini_yekutieli(np.array([0.01, 0.02])).round(4).tolist()
    [0.03, 0.03]
    """
    rank = np.arange(1, len(p) + 1)
    return _stepped_up(p, len(p) / rank * (1 / rank).sum())


def holm(p: Floats) -> Floats:
    """Return p-values adjusted so that the probability of even one false among those at most α is at most α.

    Sorted upwards, p₍ᵢ₎ becomes max over j ≤ i of (m - j + 1) · p₍ⱼ₎, at most 1. Holds whatever the dependence, and
    rejects all that `bonferroni` does. Source: Holm 1979.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    p = _checked(p)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _in_order(stepped, order)


def bonferroni(p: Floats) -> Floats:
    """Return each p-value times their number, at most 1: the family keeps its level whatever the dependence.

    >>> bonferroni(np.array([0.01, 0.6])).tolist()
    [0.02, 1.0]
    """
    return np.minimum(_checked(p) * len(p), 1.0)


def uncorrected(p: Floats) -> Floats:
    """Return the p-values as they are: each keeps its own level, and many together cry wolf."""
    return _checked(p).copy()


def simes(p: Floats) -> float | None:
    """Return one p-value for the statement that none of the comparisons found anything: min of m · p₍ᵢ₎ / i.

    It is the least value of `benjamini_hochberg`, and holds where that holds. None where there are no p-values.
    Source: Simes 1986.

    >>> simes(np.array([0.01, 0.04, 0.03]))
    0.03
    """
    return float(benjamini_hochberg(p).min()) if len(p) else None


def _checked(p: Floats) -> Floats:
    p = np.asarray(p, dtype=np.float64)
    outside = p[~((p >= 0) & (p <= 1))]
    if len(outside):
        raise ValueError(f"a p-value is {outside[0]}; each is in [0, 1], and None where it is undefined")
    return p


def _stepped_up(p: Floats, factors: Floats) -> Floats:
    p = _checked(p)
    order = np.argsort(p, kind="stable")
    return _in_order(np.minimum.accumulate((p[order] * factors)[::-1])[::-1], order)


def _in_order(sorted_values: Floats, order: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Floats:
    values = np.empty(len(order), dtype=np.float64)
    values[order] = np.minimum(sorted_values, 1.0)
    return values


CORRECTIONS: dict[str, Correction] = {
    correction.name: correction
    for correction in (
        Correction("benjamini_hochberg", "Benjamini-Hochberg", "min over j ≥ i of m · p₍ⱼ₎ / j", "fdr",
                   "independent or positively dependent p-values", "Benjamini & Hochberg 1995", benjamini_hochberg),
        Correction("benjamini_yekutieli", "Benjamini-Yekutieli", "min over j ≥ i of m · (1 + … + 1/m) · p₍ⱼ₎ / j", "fdr",
                   "any dependence", "Benjamini & Yekutieli 2001", benjamini_yekutieli),
        Correction("holm", "Holm", "max over j ≤ i of (m - j + 1) · p₍ⱼ₎", "fwer", "any dependence", "Holm 1979", holm),
        Correction("bonferroni", "Bonferroni", "m · p", "fwer", "any dependence", "Bonferroni 1936", bonferroni),
        Correction("none", "none", "p", "each", "one comparison alone", "", uncorrected),
    )
}  # fmt: skip
