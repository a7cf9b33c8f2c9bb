"""Calibration of every group: the slope of a logistic regression, and the error over bins of scores."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.fairness.ground import ByGroup, Ground, correlation_of, wald
from assay.evaluation.metrics.metric import Span, ratio

__all__ = ["error_by_group", "slope_by_group"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_LEAST_SCORE = 1e-6  # the log-odds of 0 and 1 are infinite
_STEPS, _EXACT_STEPS, _PLACES = 30, 8, 256


def slope_by_group(ground: Ground) -> ByGroup:
    """Return the slope of the label on the log-odds of the score in every group, with the sandwich variance of White 1982.

    A score of 0 or 1 counts as 1e-6 from it. NaN where a group has one class, or one score, or the scores separate its classes.
    """
    score = np.clip(np.asarray(ground.view.score, dtype=np.float64), _LEAST_SCORE, 1 - _LEAST_SCORE)
    x, y = np.log(score / (1 - score)), ground.view.label.astype(np.float64)
    g = ground.n_groups
    # First on a few hundred places of the log-odds, then a few steps on the rows themselves.
    edges = np.unique(np.quantile(x, np.linspace(0, 1, _PLACES + 1)[1:-1]))
    flat = ground.group * (len(edges) + 1) + np.searchsorted(edges, x)
    there, flat = np.unique(flat, return_inverse=True)
    own = np.ones(len(x)) if ground.weights is None else ground.weights
    weight, xs, ys = (np.bincount(flat, weights=own * v).astype(np.float64) for v in (np.ones(len(x)), x, y))
    known = weight > 0
    coarse = (there // (len(edges) + 1))[known], (xs / weight)[known], (ys / weight)[known], weight[known]
    beta = _logistic(*coarse, beta=np.zeros((g, 2)), steps=_STEPS)
    beta = _logistic(ground.group, x, y, own, beta=beta, steps=_EXACT_STEPS)
    p = 1 / (1 + np.exp(-(beta[ground.group, 0] + beta[ground.group, 1] * x)))
    information = _information(ground.group, x, own * p * (1 - p), g)
    determinant = information[:, 0] * information[:, 2] - information[:, 1] ** 2
    influence = (
        own * (y - p) * (information[ground.group, 0] * x - information[ground.group, 1]) / determinant[ground.group]
    )
    rows = np.minimum(ground.total(y, power=0), ground.total(1 - y, power=0))
    values = np.where((rows > 0) & (determinant > 1e-9 * information[:, 0] ** 2), beta[:, 1], np.nan)
    influence = np.nan_to_num(np.where(np.isnan(values)[ground.group], 0.0, influence))
    sizes = ground.total(power=0)
    correlation, freedom = None, sizes - 2
    if ground.together:
        covariance = ground.covariance(ground.units.per_place(ground.group, g, influence))
        variance, correlation, freedom = np.diag(covariance), correlation_of(covariance), ground.units_of_groups - 1
    else:
        variance = np.bincount(ground.group, weights=influence**2, minlength=g) * sizes / (sizes - 2)
    spread = np.sqrt(np.where(np.isnan(values), np.nan, variance))
    ends = wald(values, spread, freedom, Span(-math.inf, math.inf))
    pooled = float(np.nansum(values * sizes) / np.nansum(np.where(np.isnan(values), np.nan, sizes)))
    return ByGroup(values, rows.astype(np.int64), spread, ends, correlation, pooled=pooled)


def _information(group: Codes, x: Floats, weight: Floats, g: int) -> Floats:
    sums = [np.bincount(group, weights=v, minlength=g) for v in (weight, weight * x, weight * x * x)]
    return np.column_stack(sums).astype(np.float64)


def _logistic(group: Codes, x: Floats, y: Floats, weight: Floats, *, beta: Floats, steps: int) -> Floats:
    """Return the intercept and slope of a logistic regression in each group, by Newton's steps; NaN where they run away."""
    g, step = len(beta), np.zeros_like(beta)
    for _ in range(steps):
        line = beta[group, 0] + beta[group, 1] * x
        p = 1 / (1 + np.exp(-np.clip(line, -500, 500)))
        away = weight * (y - p)
        slope = np.column_stack([np.bincount(group, weights=v, minlength=g) for v in (away, away * x)])
        information = _information(group, x, weight * p * (1 - p), g)
        determinant = information[:, 0] * information[:, 2] - information[:, 1] ** 2
        step = np.column_stack([
            information[:, 2] * slope[:, 0] - information[:, 1] * slope[:, 1],
            information[:, 0] * slope[:, 1] - information[:, 1] * slope[:, 0],
        ]) / determinant[:, None]  # fmt: skip
        beta = beta + np.clip(step, -4, 4)
        if not (np.abs(np.nan_to_num(step)) > 1e-10).any():
            break
    lost = np.abs(step).max(1, keepdims=True) > 1e-6 * (1 + np.abs(beta).max(1, keepdims=True))
    return np.where(lost, np.nan, beta)


def error_by_group(bins: int, ground: Ground) -> ByGroup:
    """Return the calibration error of every group over bins of all scores, with the spread of its resamples.

    The square is freed of what the noise of the labels adds to it (Kumar, Liang & Ma 2019), and may fall below 0: then the
    error is 0. The resamples, which have that noise twice, are moved to have the mean of the square.
    """
    score = np.asarray(ground.view.score, dtype=np.float64)
    edges = np.unique(np.quantile(score, np.arange(1, bins) / bins))
    place, k, g = np.searchsorted(edges, score, side="right"), len(edges) + 1, ground.n_groups
    own = np.ones(len(score)) if ground.weights is None else ground.weights
    label = ground.view.label.astype(np.float64)
    flat = ground.group * k + place
    squares, weight = (
        np.bincount(flat, weights=v, minlength=g * k).astype(np.float64).reshape(g, k) for v in (own**2, own)
    )
    alike = ratio(weight, squares)  # rows of one weight for each unit of weight
    values, draws = np.zeros(g), np.zeros((len(ground.units.times), g))
    step = max(1, 2**24 // (ground.units.size * k))
    for start in range(0, g, step):
        some = slice(start, min(start + step, g))
        inside = np.where((ground.group >= some.start) & (ground.group < some.stop), flat - some.start * k, -1)
        width = (some.stop - some.start) * k
        sums = np.stack(
            [ground.units.per_place(inside, width, own * v) for v in (np.ones(len(own)), score, label)], axis=1
        )
        whole = sums.sum(0).reshape(1, 3, -1, k)
        drawn = (ground.units.times @ sums.reshape(ground.units.size, -1)).reshape(-1, 3, some.stop - some.start, k)
        values[some] = _debiased(whole, alike[some])[0]
        draws[:, some] = _debiased(drawn, alike[some])
    # A draw has the noise of the sample, and its own.
    roots = np.sqrt(np.maximum(draws - _mean(draws) + values, 0.0))
    away = roots - _mean(roots)
    covariance = np.nan_to_num(away).T @ np.nan_to_num(away) / np.maximum((~np.isnan(away)).sum(0) - 1, 1)
    values = np.sqrt(np.maximum(values, 0.0))
    spread = np.sqrt(np.diag(covariance))
    rows = ground.total(power=0)
    correlation = correlation_of(covariance) if ground.together else None
    ends = wald(values, spread, np.full(g, np.inf), Span(0.0, 1.0))
    return ByGroup(
        values, rows.astype(np.int64), spread, ends, correlation, pooled=float(np.nansum(values * rows) / rows.sum())
    )


def _mean(draws: Floats) -> Floats:
    """Return the mean of the draws of each group that are defined."""
    return ratio(np.nan_to_num(draws).sum(0), (~np.isnan(draws)).sum(0).astype(np.float64))


def _debiased(sums: Floats, alike: Floats) -> Floats:
    """Return Σ (n_b / n)·((ȳ_b - s̄_b)² - ȳ_b(1 - ȳ_b) / (n_b - 1)) of sums [..., 3, groups, bins] of weights, scores and labels."""
    weight = sums[..., 0, :, :]
    s, y = ratio(sums[..., 1, :, :], weight), ratio(sums[..., 2, :, :], weight)
    n = weight * alike
    noise = np.where(n > 1.5, y * (1 - y) / np.maximum(n - 1, 0.5), s * (1 - s))
    each = np.where(weight > 0, weight * ((y - s) ** 2 - noise), 0.0)
    return ratio(each.sum(-1), weight.sum(-1))
