"""What a measure of groups stands on, and what it answers.

A share, a mean, an area or a slope is to first order a sum over rows: value + Σ of each row's influence. Its variance is that
sum's, with the rows that are drawn together (entities, blocks of time) added up first: what a bootstrap over the same units
tends to, without its draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.fairness.measures import View
from assay.evaluation.metrics.metric import Span
from assay.stats.resampling import Resamples

__all__ = ["ByGroup", "Ends", "Ground", "correlation_of", "student", "wald"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Ends = Callable[[Floats], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class ByGroup:
    """One measure of G groups, NaN where a group has none of the rows it is of.

    `rows` counts those rows; `sizes` is how many independent rows would tell as much, of a share; `spread` is the standard
    error; `ends` gives both ends of each group's interval for a number of standard errors. `correlation`, G by G, is None
    where the groups are independent.
    """

    values: Floats
    rows: Codes
    spread: Floats
    ends: Ends
    correlation: Floats | None = None
    sizes: Floats | None = None
    pooled: float = math.nan

    def interval(self, z: float | Floats) -> tuple[Floats, Floats]:
        """Return the ends for z standard errors, G numbers each, or of any shape that z makes with them; they hold the value."""
        with np.errstate(invalid="ignore", divide="ignore"):
            low, high = self.ends(np.asarray(z, dtype=np.float64))
        return np.minimum(low, self.values), np.maximum(high, self.values)


@dataclass(frozen=True)
class Ground:
    """The rows that groups are measured on: a view of them, the group of each, n weights or None, and what is drawn together.

    `memo` keeps what several measures are made of.
    """

    view: View
    group: Codes
    n_groups: int
    weights: Floats | None
    units: Resamples
    memo: dict[str, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def together(self) -> bool:
        """Return whether rows are drawn together."""
        return self.units.kind in ("entities", "blocks")

    def total(self, numbers: Floats | None = None, *, power: int = 1) -> Floats:
        """Return the sum of n numbers over the rows of each group, each times the row's weight to a power."""
        weights = None if self.weights is None or power == 0 else self.weights**power
        every = numbers if weights is None else weights if numbers is None else weights * numbers
        return np.bincount(self.group, weights=every, minlength=self.n_groups).astype(np.float64)

    @cached_property
    def cell(self) -> Codes:
        """Return the cell of each row; rows without a prediction count as predicted negative."""
        said = np.zeros(len(self.view.label), np.bool_) if self.view.said is None else self.view.said
        return np.asarray(2 * self.view.label.astype(np.int64) + said.astype(np.int64), dtype=np.int64)

    def cells(self, *, power: int) -> Floats:
        """Return the weights, to a power, of the rows in each cell: G by 4."""
        weights = None if self.weights is None or power == 0 else self.weights**power
        flat = np.bincount(self.group * 4 + self.cell, weights=weights, minlength=4 * self.n_groups)
        return flat.astype(np.float64).reshape(self.n_groups, 4)

    @cached_property
    def counted(self) -> tuple[Floats, Floats, Floats]:
        """Return the rows in each cell, their weights, and the squares of these: each G by 4."""
        rows = self.cells(power=0)
        return (rows, rows, rows) if self.weights is None else (rows, self.cells(power=1), self.cells(power=2))

    @cached_property
    def units_of_groups(self) -> Floats:
        """Return how many units have a row in each group."""
        return np.asarray((self.units.per_place(self.group, self.n_groups) > 0).sum(0), dtype=np.float64)

    @cached_property
    def places(self) -> tuple[Codes, int]:
        """Return the place of each row's score in rising order, and how many places there are."""
        if self.view.score is None:
            raise ValueError("there are no scores")
        distinct, place = np.unique(self.view.score, return_inverse=True)
        return np.asarray(place, dtype=np.int64), len(distinct)

    @cached_property
    def rows(self) -> tuple[Codes, ...]:
        """Return the rows of each group."""
        order = np.argsort(self.group, kind="stable")
        return tuple(np.split(order, np.searchsorted(self.group[order], np.arange(1, self.n_groups))))

    def covariance(self, influence: Floats, among: Floats | None = None) -> Floats:
        """Return the covariance, G by G, of sums over units of influences, units by G; `among` so many units in each group."""
        n = np.maximum(self.units_of_groups if among is None else among, 1.0)
        scale = np.sqrt(np.divide(n, n - 1, out=np.full_like(n, np.nan), where=n > 1))
        return np.asarray(influence.T @ influence * np.outer(scale, scale))


def wald(values: Floats, spread: Floats, freedom: Floats, span: Span) -> Ends:
    """Return ends at Student's number of standard errors to both sides, within the span."""

    def ends(z: Floats) -> tuple[Floats, Floats]:
        half = student(z, freedom) * spread
        return np.maximum(values - half, span.low), np.minimum(values + half, span.high)

    return ends


def student(z: Floats, freedom: Floats) -> Floats:
    """Return Student's quantile that goes with a normal one, to two terms of its expansion; NaN below one degree of freedom.

    Source: Abramowitz & Stegun 1964, 26.7.5.
    """
    if np.isposinf(freedom).all():
        return np.asarray(z + np.zeros_like(freedom))
    v = np.where(freedom >= 1, freedom, np.nan)
    return np.asarray(z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2))


def correlation_of(covariance: Floats) -> Floats:
    """Return the correlations of a covariance, 0 where one does not vary."""
    spread = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.clip(np.nan_to_num(covariance / np.outer(spread, spread)), -1.0, 1.0))
