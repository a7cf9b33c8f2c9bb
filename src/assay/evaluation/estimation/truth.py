"""What the labels say once they are there: the realised metric with its interval, beside what had been estimated."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.evaluation.columns import Scored
from assay.evaluation.estimation import tally as sums
from assay.evaluation.estimation.estimates import Estimation
from assay.evaluation.estimation.tally import Metric, Tally
from assay.stats import delong, intervals
from assay.stats.intervals import Interval
from assay.verdict import Estimate

__all__ = ["Realised", "compared", "coverage", "realised_classes"]

Floats = NDArray[np.float64]


class Realised(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """An estimate and what came true: `difference` is realised less estimated, `inside` whether the interval held it.

    Both are None where one of the two is undefined.
    """

    metric: str
    estimated: Estimate
    realised: Estimate
    difference: float | None = None
    inside: bool | None = None


def compared(estimation: Estimation, truth: Mapping[str, Estimate]) -> tuple[Realised, ...]:
    """Return each estimate beside the truth: the difference, and whether the estimate's interval held it.

    `truth` is what `realised` says of the same window with its labels. Metrics that only one of the two has are left out.

    >>> from assay.evaluation.estimation.estimates import Estimated
    >>> auc = Estimated("auc", Estimate(0.80, n=500, low=0.77, high=0.83), Estimate(0.81, n=9000))
    >>> seen = Estimation("binary", 500, 9000, 0.95, (auc,))
    >>> (one,) = compared(seen, {"auc": Estimate(0.75, n=500)})
    >>> round(one.difference, 2), one.inside
    (-0.05, False)
    """
    return tuple(
        _realised(one.metric, one.estimate, truth[one.metric]) for one in estimation.metrics if one.metric in truth
    )


def _realised(metric: str, estimated: Estimate, truth: Estimate) -> Realised:
    if estimated.value is None or truth.value is None or estimated.low is None or estimated.high is None:
        return Realised(metric, estimated, truth)
    real = float(truth.value)
    inside = estimated.low - 1e-12 <= real <= estimated.high + 1e-12
    return Realised(metric, estimated, truth, real - float(estimated.value), inside)


def coverage(history: Iterable[Realised], *, confidence: float = 0.95) -> dict[str, Estimate]:
    """Return, for each metric, in what share of a history the estimate's interval held the truth, with Wilson's interval.

    A share well below the confidence that the estimates state says that they rest on something that does not hold: the
    relation of scores to labels moves (concept drift), or labels are not independent of each other.

    >>> e = Estimate(0.8, n=100)
    >>> coverage([Realised("auc", e, e, 0.0, True), Realised("auc", e, e, 0.2, False), Realised("auc", e, e)])
    {'auc': Estimate(0.5 [0.0945..., 0.9054...], n=2)}
    """
    held: dict[str, list[bool]] = {}
    for one in history:
        held.setdefault(one.metric, []).extend([] if one.inside is None else [one.inside])
    return {metric: _share(sum(found), len(found), confidence) for metric, found in held.items()}


def _share(part: int, n: int, confidence: float) -> Estimate:
    if n == 0:
        return Estimate(None, n=0, why="no estimate has been compared with its truth")
    low, high = intervals.share(part, n, confidence=confidence)
    return Estimate(part / n, n=n, low=low, high=high, confidence=confidence, unit="share")


# Classes -------------------------------------------------------------------------------------------------------------


def realised_classes(rows: Scored, metrics: Mapping[str, Metric], *, confidence: float) -> dict[str, Estimate]:
    """Return metrics of labelled rows, each with the interval of the same metric among all rows like these.

    Shares (accuracy, precision, recall) have Wilson's interval, F1 = 2J/(1 + J) that of the share J = TP/(TP + FP + FN),
    the area under the ROC curve DeLong's; means over classes combine these.
    """
    if rows.labels is None or not rows.n:
        return {name: Estimate(None, n=0, why="there is no labelled row") for name in metrics}
    order = sums.ranks(rows.scores)
    tally = sums.of_labels(rows.labels, predictions=rows.predictions, ranks=order)
    return {name: _metric(name, metric, rows, tally, confidence) for name, metric in metrics.items()}


def _metric(name: str, metric: Metric, rows: Scored, tally: Tally, confidence: float) -> Estimate:
    if metric.needs == "prediction" and rows.predictions is None:
        return Estimate(None, n=rows.n, why="no column of predictions was named")
    value = float(metric.value(tally))
    if math.isnan(value):
        return Estimate(None, n=rows.n, why=metric.undefined)
    low, high = INTERVALS[name](rows, tally, confidence)
    return Estimate(value, n=rows.n, low=min(low, value), high=max(high, value), confidence=confidence)


def _of_accuracy(rows: Scored, tally: Tally, confidence: float) -> Interval:
    return intervals.share(float(tally.hits.sum()), tally.n, confidence=confidence)


def _of_precision(rows: Scored, tally: Tally, confidence: float) -> Interval:
    return intervals.share(float(tally.hits[-1]), int(tally.predicted[-1]), confidence=confidence)


def _of_recall(rows: Scored, tally: Tally, confidence: float) -> Interval:
    return intervals.share(float(tally.hits[-1]), int(tally.actual[-1]), confidence=confidence)


def _of_f1(rows: Scored, tally: Tally, confidence: float) -> Interval:
    either = tally.predicted[-1] + tally.actual[-1] - tally.hits[-1]
    low, high = intervals.share(float(tally.hits[-1]), int(either), confidence=confidence)
    return Interval(2 * low / (1 + low), 2 * high / (1 + high))


def _of_auc(rows: Scored, tally: Tally, confidence: float) -> Interval:
    """Return DeLong's interval; of a class with a single row, that of a share of one row."""
    positive = len(rows.classes) - 1
    area = delong.area_of(rows.scores[:, positive], np.asarray(rows.labels == positive))
    ends = delong.interval(area, confidence=confidence)
    return intervals.share(area.value, 1, confidence=confidence) if math.isnan(ends.low) else ends


def _of_macro_auc(rows: Scored, tally: Tally, confidence: float) -> Interval:
    """Return the interval of the mean of areas of the same rows, each class against the others, by how rows move it."""
    known = np.flatnonzero((tally.actual > 0) & (tally.actual < tally.n))
    found = [delong.moves(rows.scores[:, c], np.asarray(rows.labels == c)) for c in known]
    moved = np.mean([moves for _, moves in found], axis=0)
    value = float(np.mean([area for area, _ in found]))
    return _on_log_odds(value, float((moved**2).sum()), tally.actual[known].min(), confidence)


def _of_macro_precision(rows: Scored, tally: Tally, confidence: float) -> Interval:
    return _mean_of_shares(tally.hits, tally.predicted, confidence)


def _of_macro_recall(rows: Scored, tally: Tally, confidence: float) -> Interval:
    return _mean_of_shares(tally.hits, tally.actual, confidence)


def _mean_of_shares(parts: Floats, wholes: Floats, confidence: float) -> Interval:
    """Return the interval of the mean of shares of different rows, by squares of Wilson's (Zou & Donner 2008)."""
    ends = [
        (part / n, *intervals.share(float(part), int(n), confidence=confidence))
        for part, n in zip(parts, wholes, strict=True)
        if n
    ]
    shares, lows, highs = np.array(ends).T
    value = float(shares.mean())
    return Interval(
        value - float(np.hypot.reduce(shares - lows)) / len(ends),
        value + float(np.hypot.reduce(highs - shares)) / len(ends),
    )


def _of_macro_f1(rows: Scored, tally: Tally, confidence: float) -> Interval:
    """Return the interval by the first-order variance over the table of labels and predictions, on the log-odds' scale."""
    if rows.labels is None or rows.predictions is None:
        raise ValueError("F1 takes labels and predictions")
    k = len(rows.classes)
    counts = np.bincount(rows.labels * k + rows.predictions, minlength=k * k).reshape(k, k)
    under = tally.predicted + tally.actual
    known = under > 0
    per_error = np.divide(-2 * tally.hits, under**2, out=np.zeros(k), where=known) / known.sum()
    per_hit = np.divide(2.0, under, out=np.zeros(k), where=known) / known.sum()
    slopes = per_error[:, None] + per_error[None, :] + np.diag(per_hit)
    value = float(sums.MULTICLASS["macro_f1"].value(tally))
    return _on_log_odds(value, float((counts * slopes**2).sum()), tally.n, confidence)


def _on_log_odds(value: float, variance: float, n: float, confidence: float) -> Interval:
    """Return the interval of a metric in [0, 1] by the normal approximation of its log-odds; at an end, that of n shares."""
    if variance <= 0 or not 0 < value < 1:
        return intervals.share(round(value * n), int(n), confidence=confidence)
    half = intervals.normal_quantile((1 + confidence) / 2) * math.sqrt(variance) / (value * (1 - value))
    centre = math.log(value) - math.log1p(-value)
    return Interval(*(1 / (1 + math.exp(-min(max(x, -700.0), 700.0))) for x in (centre - half, centre + half)))


# One for each metric of `assay.evaluation.estimation.tally`.
INTERVALS: dict[str, Callable[[Scored, Tally, float], Interval]] = {
    "auc": _of_auc,
    "accuracy": _of_accuracy,
    "precision": _of_precision,
    "recall": _of_recall,
    "f1": _of_f1,
    "macro_auc": _of_macro_auc,
    "macro_precision": _of_macro_precision,
    "macro_recall": _of_macro_recall,
    "macro_f1": _of_macro_f1,
}
