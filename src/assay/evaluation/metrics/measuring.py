"""A metric of predictions with its interval: by the formula where there is one, else by the resamples.

How often the intervals of functions of the confusion matrix hold the truth, where 0.95 is stated: the least and the mean over
20 cases (F1, MCC, kappa, balanced accuracy of two classes; macro F1 and MCC of three and of five), the mean width, and the
share of samples for which the method has no interval, as all resamples are equal or too many are undefined.

| rows  | "smoothed" (what `measure` takes) | BCa                          | percentiles                  |
| ----- | --------------------------------- | ---------------------------- | ---------------------------- |
| 20    | 0.925, 0.970, width 0.62, none    | 0.867, 0.967, 0.58, 0.36     | 0.719, 0.942, 0.53, 0.36     |
| 50    | 0.950, 0.969, width 0.41, none    | 0.751, 0.962, 0.40, 0.12     | 0.740, 0.938, 0.36, 0.12     |
| 200   | 0.948, 0.962, width 0.18, none    | 0.676, 0.947, 0.18, 0.00     | 0.661, 0.934, 0.17, 0.00     |
| 1,000 | 0.940, 0.957, width 0.08, none    | 0.932, 0.955, 0.08, 0.00     | 0.932, 0.953, 0.08, 0.00     |

A base rate of 0.1 or 0.5, a recall of 0.75 or 0.95; 400 samples of each (250 of 1,000 rows), known to about a point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.forms import PLACES, forms_of, places_of
from assay.evaluation.metrics.metric import Cells, Curves, Metric, Sums, Whole
from assay.evaluation.predictions import Predictions
from assay.stats import intervals
from assay.stats.intervals import Interval
from assay.stats.resampling import (
    ENOUGH,
    FEWEST_UNITS,
    Draws,
    Resamples,
    as_one,
    bca,
    bootstrap_t,
    bounded,
    jackknife,
    percentile,
    smoothed,
)
from assay.verdict import Estimate

__all__ = ["Method", "drawn", "measure", "unsuited", "value_of"]

Floats = NDArray[np.float64]
Value = Callable[[Floats], Floats]
Method = Literal["auto", "bca", "percentile"]

MOST_CELLS = 1 << 25  # cells of confusion matrices, one for each unit, that are held at once: 256 MiB


def unsuited(metric: Metric, rows: Predictions) -> str:
    """Return why a metric cannot be had of these predictions; empty where it can."""
    if rows.task not in metric.tasks:
        return f"it is a metric of {' and '.join(metric.tasks)}, not of {rows.task}"
    if metric.needs == "predictions" and rows.predictions is None and rows.task != "ranking":
        return "there are no predictions, only scores"
    if metric.needs in ("scores", "probabilities") and rows.scores is None:
        return "there are no scores"
    if metric.needs == "probabilities" and not rows.probabilities:
        return "the scores are no probabilities: they are not in [0, 1], or do not add up to 1"
    return "" if metric.refuse is None else metric.refuse(rows)


def measure(
    metric: Metric, rows: Predictions, *, units: Resamples, confidence: float = 0.95, method: Method = "auto"
) -> Estimate:
    """Return a metric of predictions with its interval at the stated confidence, or why it is undefined.

    The value is exact. The interval is by what the metric is a function of, and `method` of the estimate names it:

    - a share of rows has Wilson's ("wilson"), an area under a ROC curve DeLong's ("delong"); some have a formula of their own;
    - other functions of the confusion matrix have the outer ends of draws that leave room for errors not seen yet and of the
      jackknife on the scale of the log-odds ("smoothed"): a perfect F1 on five positives is not [1, 1];
    - functions of sums have the bootstrap-t's ("bootstrap-t"), curves the outer ends of BCa's and of the jackknife's ("bca");
    - what is none of these has the percentiles of the resamples ("percentile").

    Rows that are drawn together (entities, blocks) leave the formulas' ground: theirs are the bootstrap's. Weighted rows
    count as Kish's effective number, (Σw)²/Σw². `method` asks for the plain bootstrap whatever the metric. Where the rows do
    not tell how far the value may be off, both ends are None, and `why` says so and how many would be needed.
    """
    n = rows.n
    why = unsuited(metric, rows) or ("" if n else "there are no rows")
    value = math.nan if why else value_of(metric, rows)
    if math.isnan(value):
        return Estimate(None, n=n, why=why or metric.undefined, unit=metric.unit)
    found = _interval(metric, rows, units, confidence=confidence, method=method)
    remark = "" if metric.remark is None else metric.remark(rows)
    if found.why:
        why = "; ".join(part for part in (found.why, remark) if part)
        return Estimate(value, n=n, confidence=confidence, unit=metric.unit, why=why, method=found.method)
    low, high = max(min(found.low, value), metric.span.low), min(max(found.high, value), metric.span.high)
    return Estimate(
        value, n=n, low=low if math.isfinite(low) else None, high=high if math.isfinite(high) else None, confidence=confidence,
        unit=metric.unit, method=found.method, why=remark,
    )  # fmt: skip


def value_of(metric: Metric, rows: Predictions) -> float:
    """Return a metric of all rows, exactly; NaN where it is undefined."""
    if isinstance(metric.of, Whole):
        return float(metric.of.value(rows, rows.own_weights))
    sums, value = _aggregate(metric, rows, as_one(rows.n), most=0)
    return float(np.asarray(value(sums)).ravel()[0])


def drawn(metric: Metric, rows: Predictions, units: Resamples) -> Draws:
    """Return a metric of the rows, of each resample, and of all units but one; two of the same units may be subtracted.

    Scores are binned to a few hundred places for the draws, which are then moved by what that changed the value.
    """
    if isinstance(metric.of, Whole):
        return _of_whole(metric.of, rows, units) if metric.of.draws is None else metric.of.draws(rows, units)
    if isinstance(metric.of, Cells) and units.size * len(rows.classes) ** 2 > MOST_CELLS and rows.task != "multilabel":
        return _of_many_classes(metric.of.of_task(rows.task), rows, units)
    sums, value = _aggregate(metric, rows, units, most=PLACES)
    found = units.draws(sums, value)
    if not isinstance(metric.of, Curves):
        return found
    exact = value_of(metric, rows)
    moved = exact - found.value
    return Draws(exact, found.replicates + moved, found.left_out + moved)


def _aggregate(metric: Metric, rows: Predictions, units: Resamples, *, most: int) -> tuple[Floats, Value]:
    """Return what a metric is a function of, summed up per unit, and the function."""
    match metric.of:
        case Cells():
            return _cells(rows, units), metric.of.of_task(rows.task)
        case Sums(rows=numbers, value=value):
            per_row = numbers(rows)
            return units.per_unit(per_row if rows.weights is None else per_row * rows.weights[:, None]), value
        case Curves(value=value, average=average, view=view, smooth=smooth):
            rows = rows if view is None else view(rows)
            value = smooth if most and smooth is not None else value
            places = [places_of(rows, c, most=most) for c in forms_of(rows)]
            sums = [one.sums(units, rows.weights).reshape(units.size, -1) for one in places]
            ends = np.cumsum([part.shape[1] for part in sums])

            def of_all(flat: Floats) -> Floats:
                parts = np.split(flat, ends[:-1], axis=-1)
                forms = [
                    one.form(part.reshape(*part.shape[:-1], 2, -1)) for one, part in zip(places, parts, strict=True)
                ]
                values = np.stack([np.asarray(value(form)) for form in forms], axis=-1)
                return _mean(values, np.stack([form.inside.sum(-1) for form in forms], axis=-1), average)

            return np.concatenate(sums, axis=1), of_all
        case Whole():
            raise TypeError("a metric of whole rows has no sums")


def _cells(rows: Predictions, units: Resamples) -> Floats:
    """Return the confusion matrix per unit: size by label by prediction; of multilabel, size by k by 2 by 2."""
    if rows.predictions is None:
        raise ValueError("there are no predictions")
    k = len(rows.classes)
    if rows.task != "multilabel":
        places = np.asarray(rows.labels * k + rows.predictions, dtype=np.int64)
        return units.per_place(places, k * k, rows.weights).reshape(units.size, k, k)
    each = [
        units.per_place(np.asarray(rows.labels[:, c] * 2 + rows.predictions[:, c], dtype=np.int64), 4, rows.weights)
        for c in range(k)
    ]
    return np.stack(each, axis=1).reshape(units.size, k, 2, 2)


def _of_many_classes(value: Value, rows: Predictions, units: Resamples) -> Draws:
    """Return the draws of a function of a matrix that is too large to be held for each unit: one for each resample in turn.

    What is left out in turn is not measured: an interval of these draws is corrected for bias, and not for skew.
    """
    k = len(rows.classes)
    places = np.asarray(rows.labels * k + rows.said, dtype=np.int64)
    own = rows.own_weights

    def of(weights: Floats) -> float:
        cells = np.asarray(np.bincount(places, weights=weights, minlength=k * k), dtype=np.float64).reshape(1, k, k)
        return float(np.asarray(value(cells))[0])

    return Draws(of(own), np.array([of(own * times[units.of_row]) for times in units.times]), np.zeros(0))


def _mean(values: Floats, sizes: Floats, average: str) -> Floats:
    """Return the mean over the classes for which a metric is defined, NaN where it is for none."""
    weights = np.where(np.isnan(values), 0.0, sizes if average == "weighted" else 1.0)
    total = weights.sum(-1)
    sums = np.where(np.isnan(values), 0.0, values * weights).sum(-1)
    return np.asarray(np.divide(sums, total, out=np.full(np.shape(total), np.nan), where=total > 0))


def _of_whole(of: Whole, rows: Predictions, units: Resamples) -> Draws:
    own = rows.own_weights
    replicates = [of.value(rows, own * times[units.of_row]) for times in units.times]
    return Draws(float(of.value(rows, own)), np.asarray(replicates, dtype=np.float64), np.zeros(0))


# Intervals -----------------------------------------------------------------------------------------------------------


_UNITS = {"rows": "rows", "groups": "rows", "entities": "entities", "blocks": "blocks of time"}


class _Found(NamedTuple):
    """An interval and how it was had; or why there is none."""

    low: float
    high: float
    method: str
    why: str = ""


def _interval(metric: Metric, rows: Predictions, units: Resamples, *, confidence: float, method: Method) -> _Found:
    if method == "auto":
        closed = _closed(metric, rows, units, confidence)
        if closed is not None:
            return closed
        if isinstance(metric.of, Cells) and rows.task != "multilabel" and units.kind in ("rows", "groups"):
            cells = _cells(rows, as_one(rows.n))[0]
            return _of_cells(
                metric, rows, units, cells if rows.weights is None else cells * _kish(rows.weights), confidence
            )
    present = int(np.count_nonzero(np.bincount(units.of_row, minlength=units.size)))
    if present < FEWEST_UNITS:
        return _none(f"an interval takes at least {FEWEST_UNITS} {_UNITS[units.kind]}: there are {present}", method)
    if method == "auto" and isinstance(metric.of, Sums) and not metric.centred:
        found = units.studentised(*_aggregate(metric, rows, units, most=PLACES))
        return _told(bootstrap_t(found, confidence=confidence), found.draws, "bootstrap-t", rows.n)
    draws = drawn(metric, rows, units)
    if metric.centred:
        high = percentile(draws, confidence=confidence).high
        return _told((2 * draws.value - high, high), draws, "centred", rows.n)
    if method == "percentile" or isinstance(metric.of, Whole):
        # Of rows as a whole, what BCa asks for beside, the value without each unit, would take a pass for each.
        return _told(percentile(draws, confidence=confidence), draws, "percentile", rows.n)
    ends = bca(draws, confidence=confidence)
    if method == "bca" or not len(draws.known):
        if method == "auto" and isinstance(metric.of, Cells):
            cells = _cells(rows, as_one(rows.n))[0]
            total = cells.sum((-2, -1)).max()  # of labels, each has a table of all rows
            return _of_cells(metric, rows, units, cells * (present / total), confidence)
        return _told(ends, draws, "bca", rows.n)
    return _told(_outer(ends, jackknife(draws, span=metric.span, confidence=confidence)), draws, "bca", rows.n)


def _closed(metric: Metric, rows: Predictions, units: Resamples, confidence: float) -> _Found | None:
    """Return the interval that a formula gives, and the formula's name; None where there is none, or rows are drawn together."""
    together = units.kind in ("entities", "blocks")
    if isinstance(metric.of, Cells) and metric.of.share is not None and rows.task != "multilabel" and not together:
        part, whole = (float(np.asarray(x).ravel()[0]) for x in metric.of.share(_cells(rows, as_one(rows.n))))
        scale = 1.0 if rows.weights is None else _kish(rows.weights)
        return _Found(*intervals.share(part * scale, whole * scale, confidence=confidence), "wilson")
    if metric.closed is None:
        return None
    takes_all = metric.method == "delong" or metric.centred  # takes weights, and rows that are drawn together
    if (rows.weights is not None or together) and not takes_all:
        return None
    low, high = metric.closed(replace(rows, entity=units.of_row if together else None), confidence)
    if math.isnan(low) or math.isnan(high):
        return _none(f"an interval takes at least 2 {_UNITS[units.kind]} of each class", metric.method)
    return _Found(low, high, metric.method)


def _rng(units: Resamples) -> np.random.Generator:
    """Return a generator that follows from the resamples: the same ones give the same draws."""
    return np.random.default_rng(units.times[:, :1].astype(np.int64).ravel())


def _kish(weights: Floats) -> float:
    """Return by what to multiply weights so that they add up to the number of rows of equal weight that tell as much."""
    greatest = float(weights.max())
    shares = weights / greatest  # as squares of tiny weights vanish
    return float(shares.sum()) / float((shares**2).sum()) / greatest


def _of_cells(metric: Metric, rows: Predictions, units: Resamples, cells: Floats, confidence: float) -> _Found:
    """Return the interval of a function of the confusion matrix; of multilabel cells, [k, 2, 2], each label by itself."""
    if not isinstance(metric.of, Cells):
        raise TypeError("it is no function of cells")
    draws, error = smoothed(
        cells, metric.of.of_task(rows.task), rng=_rng(units), replicates=max(len(units.times), 1000)
    )
    own = bounded(draws.value, error, span=metric.span, freedom=float(cells.sum()) - 1, confidence=confidence)
    return _told(_outer(percentile(draws, confidence=confidence), own), draws, "smoothed", rows.n)


def _outer(a: Interval, b: Interval) -> Interval:
    """Return the outer ends of two intervals; of one alone where the other is undefined."""
    if math.isnan(a.low) or math.isnan(b.low):
        return b if math.isnan(a.low) else a
    return Interval(min(a.low, b.low), max(a.high, b.high))


def _told(ends: Sequence[float], draws: Draws, method: str, n: int) -> _Found:
    """Return an interval of resamples, or why they do not tell it."""
    low, high = ends
    if not (math.isnan(low) or math.isnan(high)):
        return _Found(low, high, method)
    undefined = float(np.isnan(draws.replicates).mean())
    if undefined > 1 - ENOUGH:
        # A kind of which there are r rows is missing in about exp(-r) of the resamples.
        needed = (
            f"about {math.ceil(n * math.log(1 - ENOUGH) / math.log(undefined))} rows like these"
            if undefined < 1
            else "more rows"
        )
        return _none(
            f"it is undefined in {undefined:.0%} of the resamples, as rows of a kind are few: it takes {needed}", method
        )
    return _none("all resamples are equal: these rows show no error to tell from how far it may be off", method)


def _none(why: str, method: str) -> _Found:
    return _Found(math.nan, math.nan, "" if method == "auto" else method, why)
