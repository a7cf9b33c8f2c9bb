"""Rows as two matrices of floats, and what a comparison of them answers.

A row of a matrix is a row of the data, a column is a feature; NaN is missing. What is done to both sides before they
are compared is learned on both together: then rows that come from one population stay exchangeable, and a comparison
that permutes them keeps its level exactly. Learned on one side alone, the other would differ by that alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_ROWS", "Floats", "RowsCompared", "Sides", "filled", "normal_scores", "undefined_rows", "usable"]

Floats = NDArray[np.float64]

LEAST_ROWS = 30  # a side: below, no model that tells rows apart has learned anything, and no tail is exact
GREATEST = 1e150


class RowsCompared(NamedTuple):
    """What a comparison of whole rows answers; all numbers None where it is undefined, and `why` then says so.

    `p_value` is how likely a `statistic` at least as far from no difference is where both sides are drawn from one
    population; `size` says how far apart the two are, in the unit of the table's entry, from `size_low` to `size_high`
    at a confidence of 0.95. `n_reference` and `n` count the rows that were compared.
    """

    statistic: float | None
    p_value: float | None
    size: float | None
    size_low: float | None
    size_high: float | None
    why: str
    n_reference: int
    n: int


class Sides(NamedTuple):
    """Two matrices that can be compared, the places of their columns in what was given, or why they cannot be."""

    reference: Floats
    current: Floats
    kept: tuple[int, ...]
    why: str = ""

    def undefined(self, why: str = "") -> RowsCompared:
        """Return that this comparison has no answer: for the reason given, or for the one known already."""
        return undefined_rows(why or self.why, n_reference=len(self.reference), n=len(self.current))


def undefined_rows(why: str, *, n_reference: int, n: int) -> RowsCompared:
    """Return that a comparison of rows has no answer, and why.

    >>> undefined_rows("no rows", n_reference=0, n=9).p_value is None
    True
    """
    return RowsCompared(None, None, None, None, None, why, n_reference, n)


def usable(reference: Floats, current: Floats) -> Sides:
    """Return the columns that can tell the two sides apart, or why there is nothing to compare.

    A column goes where no row of either side has a value, or all have the same one. Values beyond ±1e150, infinite ones
    too, count as that: their squares could not be added up.

    Raises `ValueError` where the two are not matrices of equal width.
    """
    x, y = np.array(reference, dtype=np.float64), np.array(current, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"the rows have the shapes {x.shape} and {y.shape}; give two matrices of equal width")
    why = ""
    for side, n in (("the reference", len(x)), ("the current data", len(y))):
        if n < LEAST_ROWS:
            why = why or f"{side} has {n} row{'' if n == 1 else 's'}; rows are compared from {LEAST_ROWS} a side"
    if why:
        return Sides(x, y, (), why)
    both = np.clip(np.concatenate([x, y]), -GREATEST, GREATEST)
    missing = np.isnan(both)
    told = np.where(missing, -np.inf, both).max(axis=0) > np.where(missing, np.inf, both).min(axis=0)
    kept = np.flatnonzero(told | (missing.any(axis=0) & ~missing.all(axis=0)))
    if not len(kept):
        why = "no column has two different values" if both.shape[1] else "there is no column to compare"
        return Sides(x, y, (), why)
    both = both[:, kept]
    return Sides(both[: len(x)], both[len(x) :], tuple(kept.tolist()))


def filled(reference: Floats, current: Floats) -> tuple[Floats, Floats]:
    """Return both sides without missing values: the median of both stands in, and a column of 0 and 1 says where.

    The flags come last, one for each column with a missing value on either side, in their order.

    >>> filled(np.array([[1.0], [3.0]]), np.array([[np.nan], [8.0]]))[1].tolist()
    [[3.0, 1.0], [8.0, 0.0]]
    """
    both = np.concatenate([reference, current])
    missing = np.isnan(both)
    holes = np.flatnonzero(missing.any(axis=0))
    if len(holes):
        middles = np.array([np.median(both[~missing[:, hole], hole]) for hole in holes])
        both[:, holes] = np.where(missing[:, holes], middles, both[:, holes])
        both = np.concatenate([both, missing[:, holes].astype(np.float64)], axis=1)
    return both[: len(reference)], both[len(reference) :]


def normal_scores(reference: Floats, current: Floats) -> tuple[Floats, Floats]:
    """Return each column as normal scores of its ranks among both sides: Φ⁻¹((rank - ½) / n), ties at their mean rank.

    Units, logarithms and outliers no longer matter; what the columns have to do with each other does.
    No value may be missing. Source: van der Waerden 1952.

    >>> [round(x, 4) for x in normal_scores(np.array([[1.0], [9.0]]), np.array([[5.0]]))[0].ravel().tolist()]
    [-0.9674, 0.9674]
    """
    from scipy.special import ndtri

    both = np.concatenate([reference, current])
    scores = np.empty_like(both)
    for place in range(both.shape[1]):
        _, codes, counts = np.unique(both[:, place], return_inverse=True, return_counts=True)
        middles = np.cumsum(counts) - counts / 2  # the mean of (rank - ½) over the values that tie
        scores[:, place] = ndtri(middles / len(both))[codes]
    return scores[: len(reference)], scores[len(reference) :]
