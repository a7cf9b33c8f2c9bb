"""Quantiles of the absolute error: the median error, and the error that a share of the predictions is within."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError
from assay.evaluation.metrics.metric import NON_NEGATIVE, Metric, Whole, ratio
from assay.evaluation.predictions import Predictions
from assay.stats import intervals
from assay.stats.intervals import Interval
from assay.stats.resampling import Draws, Resamples

__all__ = ["error_quantile"]

Floats = NDArray[np.float64]
PLACES = 1024  # the draws see the errors in so many bins; the value never does


def error_quantile(q: float) -> Metric:
    """Return the metric that a share q of the absolute errors are at most; q in (0, 1).

    Midway between two errors where q falls between them, so that of 0.5 it is the median. The interval lies between two
    order statistics, whatever the errors' distribution. Raises UsageError where q is not in (0, 1).
    Source: Woodruff 1952.

    >>> error_quantile(0.9).title
    '0.9-quantile of the absolute error'
    """
    if not 0 < q < 1:
        raise UsageError(
            f"error_quantile@{q:g} is no metric: a quantile is of a share between 0 and 1", hint="as error_quantile@0.9"
        )

    def value(rows: Predictions, weights: Floats) -> float:
        sizes = np.abs(rows.errors)
        order = np.argsort(sizes, kind="stable")
        return float(_at_share(q, sizes[order], weights[order])) if rows.n else math.nan

    def closed(rows: Predictions, confidence: float) -> Interval:
        shares = intervals.quantile_shares(q, rows.n, confidence=confidence)
        low, high = np.quantile(np.abs(rows.errors), shares, method="inverted_cdf")
        return Interval(float(low), float(high))

    def draws(rows: Predictions, units: Resamples) -> Draws:
        exact = value(rows, rows.own_weights)
        found = _draws(q, rows, units)
        moved = exact - found.value
        return Draws(exact, found.replicates + moved, found.left_out + moved)

    return Metric(
        "median absolute error" if q == 0.5 else f"{q:g}-quantile of the absolute error", ("regression",), Whole(value, draws),
        "there are no rows", f"the least x with |y - ŷ| ≤ x in a share {q:g} of the rows", "Woodruff 1952", better="lower",
        span=NON_NEGATIVE, closed=closed, method="order statistics",
    )  # fmt: skip


def _draws(q: float, rows: Predictions, units: Resamples) -> Draws:
    sizes = np.abs(rows.errors)
    if len(sizes) <= PLACES:
        distinct, place = np.unique(sizes, return_inverse=True)
        sums = units.per_place(np.asarray(place, dtype=np.int64), len(distinct), rows.weights)
        return units.draws(sums, lambda mass: _at_share(q, distinct, mass))
    edges = np.unique(np.quantile(sizes, np.linspace(0, 1, PLACES + 1)[1:-1], method="lower"))
    ends = np.concatenate([[sizes.min()], edges, [sizes.max()]])
    place = np.searchsorted(edges, sizes, side="left")
    sums = units.per_place(np.asarray(place, dtype=np.int64), len(edges) + 1, rows.weights)
    return units.draws(sums, lambda mass: _inside(q, ends, mass))


def _at_share(q: float, values: Floats, mass: Floats) -> Floats:
    """Return the q-quantile of rising values with the masses [..., k]; NaN where there is no mass."""
    upto = np.cumsum(mass, axis=-1)
    total = upto[..., -1:]
    reached = np.argmax(upto >= total * (q - 1e-12), axis=-1)
    passed = np.argmax(upto > total * (q + 1e-12), axis=-1)
    middle = values[reached] + (values[np.maximum(reached, passed)] - values[reached]) / 2
    return np.where(total[..., 0] > 0, middle, np.nan)


def _inside(q: float, ends: Floats, mass: Floats) -> Floats:
    """Return the q-quantile of the masses of the bins between `ends`, [..., k], along a straight line within its bin."""
    upto = np.cumsum(mass, axis=-1)
    goal = upto[..., -1] * q
    place = np.argmax(upto >= goal[..., None] * (1 - 1e-12), axis=-1)
    here = np.take_along_axis(mass, place[..., None], -1)[..., 0]
    before = np.take_along_axis(upto, place[..., None], -1)[..., 0] - here
    return np.asarray(ends[place] + (ends[place + 1] - ends[place]) * np.clip(ratio(goal - before, here), 0.0, 1.0))
