"""Shares and means of every group."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.fairness.ground import ByGroup, Ground, correlation_of, student, wald
from assay.evaluation.fairness.measures import CELLS, Mean, Share
from assay.evaluation.metrics.metric import Span, ratio

__all__ = ["mean_by_group", "share_by_group"]

Floats = NDArray[np.float64]


def share_by_group(of: Share, ground: Ground) -> ByGroup:
    """Return a share of rows in every group, with Wilson's interval.

    Its number of rows is that of as many independent ones as have the share's variance: fewer where weights differ (Kish 1965) or
    rows are drawn together (Korn & Graubard 1998), never more than there are.
    """
    part = np.array([cell in of.part for cell in CELLS], dtype=np.float64)
    whole = np.array([cell in of.whole for cell in CELLS], dtype=np.float64)
    counts, weights, squares = ground.counted
    a, b = weights @ part, weights @ whole
    p = ratio(a, b)
    rows = (counts @ whole).astype(np.int64)
    alike = ratio(b**2, squares @ whole)  # Kish's number of rows of one weight
    variance = np.einsum("gc,gc->g", squares, (part - p[:, None] * whole) ** 2) / b**2
    freedom, correlation = np.full(len(p), np.inf) if ground.weights is None else alike - 1, None
    if ground.together:
        found = ground.units.per_place(ground.group * 4 + ground.cell, 4 * ground.n_groups, ground.weights)
        found = found.reshape(ground.units.size, ground.n_groups, 4)
        influence = np.nan_to_num((found @ part - p * (found @ whole)) / b)
        there = np.asarray(((found @ whole) > 0).sum(0), dtype=np.float64)
        covariance = ground.covariance(influence, there)
        variance, correlation = np.diag(covariance), correlation_of(covariance)
        alike, freedom = np.minimum(alike, there), there - 1
    sizes = np.where((p > 0) & (p < 1) & (variance > 0), p * (1 - p) / variance, alike)
    if not ground.together and ground.weights is None:
        sizes = b  # the same, without its rounding
    sizes = np.minimum(sizes, np.maximum(rows, 1))

    def ends(z: Floats) -> tuple[Floats, Floats]:
        return _wilson(p, sizes, student(z, freedom))

    pooled = float(a.sum() / b.sum()) if b.sum() > 0 else math.nan
    return ByGroup(p, rows, np.sqrt(p * (1 - p) / sizes), ends, correlation, sizes, pooled)


def _wilson(p: Floats, n: Floats, z: Floats) -> tuple[Floats, Floats]:
    zz = z * z / n
    half = z * np.sqrt(np.maximum(p * (1 - p), 0.0) / n + zz / (4 * n))
    low, high = (p + zz / 2 - half) / (1 + zz), (p + zz / 2 + half) / (1 + zz)
    return np.where(p <= 0, 0.0, np.maximum(low, 0.0)), np.where(p >= 1, 1.0, np.minimum(high, 1.0))


def mean_by_group(of: Mean, ground: Ground, span: Span) -> ByGroup:
    """Return a mean over the rows of every group, with Student's interval."""
    number = of.number(ground.view)
    inside = np.ones(len(number)) if of.of is None else of.of(ground.view).astype(np.float64)
    b = ground.total(inside)
    m = ratio(ground.total(number * inside), b)
    away = (number - m[ground.group]) * inside
    rows = ground.total(inside, power=0)
    alike = ratio(b**2, ground.total(inside, power=2))
    variance, correlation, freedom = ground.total(away**2, power=2) / b**2 * alike / (alike - 1), None, alike - 1
    if ground.together:
        own = away if ground.weights is None else away * ground.weights
        influence = np.nan_to_num(ground.units.per_place(ground.group, ground.n_groups, np.nan_to_num(own)) / b)
        there = ground.units.per_place(np.where(inside > 0, ground.group, -1), ground.n_groups) > 0
        among = np.asarray(there.sum(0), dtype=np.float64)
        covariance = ground.covariance(influence, among)
        variance, correlation, freedom = np.diag(covariance), correlation_of(covariance), among - 1
    spread = np.sqrt(variance)
    pooled = float(np.nansum(m * b) / b.sum()) if b.sum() > 0 else math.nan
    return ByGroup(m, rows.astype(np.int64), spread, wald(m, spread, freedom, span), correlation, pooled=pooled)
