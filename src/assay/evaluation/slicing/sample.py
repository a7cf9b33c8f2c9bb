"""Losses of rows, split in two halves, and how much worse a slice of them is than the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.slicing.axes import Axis
from assay.stats import tails
from assay.stats.intervals import student_quantile

__all__ = ["Gap", "Run", "Sample", "gap", "halves"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]
Run = tuple[int, int]  # the number of an axis, and of one of its runs


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows to search or to judge on: their losses, their weights, what is drawn together, and their places on each axis."""

    losses: Floats
    axes: tuple[Axis, ...]
    weights: Floats | None = None
    clusters: Codes | None = None

    @property
    def n(self) -> int:
        """Return how many rows there are."""
        return len(self.losses)

    def at(self, rows: Codes) -> Sample:
        """Return some of the rows."""
        return Sample(
            self.losses[rows], tuple(axis.at(rows) for axis in self.axes),
            None if self.weights is None else self.weights[rows],
            None if self.clusters is None else self.clusters[rows],
        )  # fmt: skip

    def mask(self, runs: Sequence[Run]) -> Mask:
        """Return the rows that are in all of some runs."""
        masks = [self.axes[axis].mask(run) for axis, run in runs]
        return masks[0] if len(masks) == 1 else masks[0] & masks[1]


def halves(n: int, *, clusters: Codes | None, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """Return the rows to discover on, and those to judge on: half of the clusters each, or of the rows."""
    if clusters is None:
        order = rng.permutation(n)
        return np.sort(order[: n // 2]), np.sort(order[n // 2 :])
    groups = np.asarray(np.unique(clusters, return_inverse=True)[1], dtype=np.int64)
    first = np.zeros(int(groups.max(initial=-1)) + 1, dtype=bool)
    first[rng.permutation(len(first))[: len(first) // 2]] = True
    return np.flatnonzero(first[groups]), np.flatnonzero(~first[groups])


@dataclass(frozen=True, slots=True)
class Gap:
    """The mean loss of a slice and of the rest, their difference with its standard error, and p: one-sided, that it is worse.

    `own_error` is the standard error of the slice's mean alone.
    """

    n: int
    value: float
    rest: float
    error: float
    freedom: float
    p_value: float
    own_error: float = math.inf

    @property
    def deficit(self) -> float:
        """Return how much worse the slice is."""
        return self.value - self.rest

    @property
    def worse(self) -> float:
        """Return the deficit in standard errors."""
        return self.deficit / self.error if self.error > 0 else math.copysign(math.inf, self.deficit or -1)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided interval of the deficit."""
        half = student_quantile((1 + confidence) / 2, self.freedom) * self.error
        return self.deficit - half, self.deficit + half


def gap(sample: Sample, inside: Mask, among: Mask | None = None) -> Gap:
    """Return Welch's comparison of the losses of a slice with those of the rest (of the rows `among`).

    Where rows are drawn together, the standard error is that of their sums: √(G/(G - 1) · Σ_g (Σ_{i in g} ψᵢ)²), with
    ψ = w(x - m)/W of the slice, less that of the rest, and G - 1 degrees of freedom. Weighted rows have it too, each row a
    cluster. Fewer than two rows on a side give no p-value below 1.
    Sources: Welch 1947; Liang & Zeger 1986.
    """
    outside = ~inside if among is None else among & ~inside
    inside = inside if among is None else among & inside
    sizes = int(inside.sum()), int(outside.sum())
    if min(sizes) < 2:
        return Gap(sizes[0], math.nan, math.nan, math.inf, 1.0, 1.0)
    if sample.weights is None and sample.clusters is None:
        return _welch(sample.losses[inside], sample.losses[outside])
    return _clustered(sample, inside, outside)


def _welch(a: Floats, b: Floats) -> Gap:
    va, vb = (float(side.var(ddof=1)) / len(side) for side in (a, b))
    means, error = (float(a.mean()), float(b.mean())), math.sqrt(va + vb)
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1)) if error > 0 else 1.0
    return Gap(len(a), *means, error, freedom, _tail(means[0] - means[1], error, freedom), math.sqrt(va))


def _clustered(sample: Sample, inside: Mask, outside: Mask) -> Gap:
    weights = np.ones(sample.n) if sample.weights is None else sample.weights
    clusters = np.arange(sample.n) if sample.clusters is None else sample.clusters
    influence, means = np.zeros(sample.n), []
    for side, sign in ((inside, 1.0), (outside, -1.0)):
        whole = float(weights[side].sum())
        if whole <= 0:
            return Gap(int(inside.sum()), math.nan, math.nan, math.inf, 1.0, 1.0)
        means.append(float((weights[side] * sample.losses[side]).sum()) / whole)
        influence[side] = sign * weights[side] * (sample.losses[side] - means[-1]) / whole
    seen = inside | outside
    groups = np.unique(clusters[seen], return_inverse=True)[1]
    sums = np.bincount(groups, weights=influence[seen])
    inner = len(np.unique(clusters[inside]))  # a slice of few clusters is known no better than they are many
    freedom = max(min(inner, len(sums)) - 1.0, 1.0)
    error = math.sqrt(float((sums**2).sum()) * len(sums) / max(len(sums) - 1, 1)) if inner > 1 else math.inf
    own = np.bincount(groups, weights=np.where(inside, influence, 0.0)[seen])
    own_error = math.sqrt(float((own**2).sum()) * inner / max(inner - 1, 1)) if inner > 1 else math.inf
    p_value = _tail(means[0] - means[1], error, freedom)
    return Gap(int(inside.sum()), means[0], means[1], error, freedom, p_value, own_error)


def _tail(deficit: float, error: float, freedom: float) -> float:
    if error == 0:
        return 0.0 if deficit > 0 else 1.0
    both = tails.student(deficit / error, freedom)
    return both / 2 if deficit > 0 else 1 - both / 2
