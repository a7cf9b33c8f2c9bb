"""Metrics of numbers that compare variances: how much of the labels' spread predictions explain, and how both rise together."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.metric import Sums, ratio
from assay.evaluation.predictions import Predictions

__all__ = ["EXPLAINED", "PEARSON", "R2", "SPEARMAN"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_ONE = 20.0  # tanh 20 is 1


def _scaled(values: Floats) -> tuple[Floats, float]:
    """Return values less their median, over the greatest of these distances, which is returned beside them.

    Sums of squares then lose no digits and do not overflow, and equal values are exactly 0.
    """
    centred = values - (np.median(values) if len(values) else 0.0)
    scale = float(np.abs(centred).max(initial=0.0)) or 1.0
    return centred / scale, scale


def _both(rows: Predictions) -> tuple[Floats, Floats]:
    return np.asarray(rows.said, dtype=np.float64), np.asarray(rows.labels, dtype=np.float64)


def _spread(n: Floats, s: Floats, squares: Floats) -> Floats:
    """Return Σ(x - x̄)² of the sums of 1, x and x²; 0 where it is only what rounding left."""
    spread = squares - ratio(s * s, n)
    return np.where(spread > 1e-12 * squares, spread, 0.0)


def _error_sums(rows: Predictions) -> Floats:
    y, scale = _scaled(_both(rows)[1])
    e = rows.errors / scale
    return np.column_stack([np.ones(rows.n), y, y * y, e, e * e])


def _r2(s: Floats) -> Floats:
    return 1 - ratio(s[..., 4], _spread(s[..., 0], s[..., 1], s[..., 2]))


def _explained(s: Floats) -> Floats:
    return 1 - ratio(s[..., 4] - ratio(s[..., 3] ** 2, s[..., 0]), _spread(s[..., 0], s[..., 1], s[..., 2]))


def _pair_sums(rows: Predictions) -> Floats:
    x, y = (_scaled(values)[0] for values in _both(rows))
    return np.column_stack([np.ones(rows.n), x, y, x * x, y * y, x * y])


def _pearson(s: Floats) -> Floats:
    spreads = np.sqrt(_spread(s[..., 0], s[..., 1], s[..., 3])) * np.sqrt(_spread(s[..., 0], s[..., 2], s[..., 4]))
    together = s[..., 5] - ratio(s[..., 1] * s[..., 2], s[..., 0])
    return np.clip(ratio(together, spreads), -1.0, 1.0)


def _midranks(values: Floats, weights: Floats) -> tuple[Floats, Codes]:
    """Return for each value the share of the weight below it and half of that at it, less ½; and its place."""
    place = np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)
    mass = np.bincount(place, weights=weights)
    return (np.cumsum(mass) - mass / 2)[place] - 0.5, place


def _above(place: Codes, numbers: Floats) -> Floats:
    """Return for each row the sum of the numbers of the rows above its place, and half of that of those at it."""
    at = np.bincount(place, weights=numbers)
    return np.asarray((at.sum() - np.cumsum(at) + at / 2)[place])


def _spearman_rows(rows: Predictions) -> Floats:
    """Return pseudo-values, whose mean is artanh ρ: artanh ρ plus the influence of each row on it.

    The ranks of a resample are not those of the sample; the influence of a row is also what it does to ρ through the ranks
    of the others. The value of all rows is exact, as influences add up to 0. Source: Croux & Dehon 2010, with ties.
    """
    w = rows.own_weights
    w = w / w.sum() if w.sum() > 0 else w
    (u, i), (v, j) = (_midranks(values, w) for values in _both(rows))
    uv, uu, vv = (float((w * a * b).sum()) for a, b in ((u, v), (u, u), (v, v)))
    if not (uu > 1e-15 and vv > 1e-15):
        return np.column_stack([np.full(rows.n, np.nan), np.ones(rows.n)])
    rho = uv / math.sqrt(uu * vv)
    if abs(rho) > 1 - 1e-15:
        return np.column_stack([np.full(rows.n, math.copysign(_ONE, rho)), np.ones(rows.n)])
    d_uv = u * v + _above(i, w * v) + _above(j, w * u) - 3 * uv
    d_uu, d_vv = u * u + 2 * _above(i, w * u) - 3 * uu, v * v + 2 * _above(j, w * v) - 3 * vv
    influence = d_uv / math.sqrt(uu * vv) - rho / 2 * (d_uu / uu + d_vv / vv)
    return np.column_stack([math.atanh(rho) + influence / (1 - rho * rho), np.ones(rows.n)])


R2 = Sums(_error_sums, _r2)
EXPLAINED = Sums(_error_sums, _explained)
PEARSON = Sums(_pair_sums, _pearson)
SPEARMAN = Sums(_spearman_rows, lambda s: np.tanh(ratio(s[..., 0], s[..., 1])))
