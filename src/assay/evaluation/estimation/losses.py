"""The losses of a regression, and the metrics that are their means."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.columns import Measured
from assay.stats import intervals
from assay.verdict import Estimate

__all__ = ["LOSSES", "Loss", "OfRows", "realised_losses"]

Floats = NDArray[np.float64]
OfRows = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Loss:
    """One metric of a regression: the mean of a loss over rows, then its root where `root` says so.

    `of` is the loss of labels and predictions, NaN where it is undefined; `undefined` says when that is.
    """

    of: OfRows
    root: bool = False
    undefined: str = "there are no rows"

    def metric(self, mean: Floats) -> Floats:
        """Return the metric of mean losses."""
        return np.asarray(np.sqrt(np.maximum(mean, 0.0))) if self.root else mean


def _absolute(label: Floats, prediction: Floats) -> Floats:
    return np.abs(label - prediction)


def _squared(label: Floats, prediction: Floats) -> Floats:
    return (label - prediction) ** 2


def _relative(label: Floats, prediction: Floats) -> Floats:
    size = np.abs(label)
    undefined = np.full(len(label), np.nan)
    return np.asarray(np.divide(np.abs(label - prediction), size, out=undefined, where=size > 0))


LOSSES: dict[str, Loss] = {
    "mae": Loss(_absolute),
    "mse": Loss(_squared),
    "rmse": Loss(_squared, root=True),
    "mape": Loss(_relative, undefined="a label is 0, which an error has no ratio to"),
}


def realised_losses(rows: Measured, metrics: tuple[str, ...], *, confidence: float) -> dict[str, Estimate]:
    """Return metrics of labelled rows with Student's interval of the mean loss, or its root."""
    return {name: _realised(rows, LOSSES[name], confidence) for name in metrics}


def _realised(rows: Measured, loss: Loss, confidence: float) -> Estimate:
    if rows.labels is None or not rows.n:
        return Estimate(None, n=0, why="there is no labelled row")
    losses = loss.of(rows.labels, rows.predictions)
    if np.isnan(losses).any():
        return Estimate(None, n=rows.n, why=loss.undefined)
    spread = float(losses.std(ddof=1)) if rows.n > 1 else 0.0
    low, high = intervals.mean(intervals.Sample(rows.n, float(losses.mean()), spread), confidence=confidence)
    low, value, high = (float(x) for x in loss.metric(np.array([max(low, 0.0), losses.mean(), high])))
    return Estimate(value, n=rows.n, low=low, high=high if math.isfinite(high) else None, confidence=confidence)
