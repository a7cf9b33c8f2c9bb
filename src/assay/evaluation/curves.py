"""Curves over all thresholds: ROC, precision against recall, and cumulative gain, in so few points that the eye sees no loss."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.figures import Cell, cells, counted, most_frequent, named, too_few
from assay.evaluation.metrics.forms import Places, forms_of, places_of
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Part, Trial
from assay.stats.resampling import Resamples
from assay.verdict import Exhibit

__all__ = ["MOST_CLASSES", "MOST_POINTS", "Curve", "corners", "curve_of", "curves"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Columns = dict[str, list[Cell]]

MOST_CLASSES = 12
MOST_POINTS = 200
_PIXELS = 1000  # a side of the drawing
_ROC = ("class", "threshold", "fpr", "tpr", "low", "high")
_PR = ("class", "threshold", "recall", "precision", "low", "high")
_GAIN = ("class", "share", "captured")


@dataclass(frozen=True, slots=True)
class Curve:
    """What lies at or above each threshold, from the highest score down: the weight of the class, and of the others.

    The first place is above all scores: its threshold is infinite, and nothing lies there.
    """

    thresholds: Floats
    inside: Floats
    outside: Floats

    @property
    def tpr(self) -> Floats:
        """Return the share of the class that lies at or above each threshold: the recall."""
        return np.asarray(self.inside / self.inside[-1])

    @property
    def fpr(self) -> Floats:
        """Return the share of the others that lies at or above each threshold."""
        return np.asarray(self.outside / self.outside[-1])

    @property
    def flagged(self) -> Floats:
        """Return the share of all that lies at or above each threshold."""
        return np.asarray((self.inside + self.outside) / (self.inside[-1] + self.outside[-1]))

    @property
    def precision(self) -> Floats:
        """Return the share of the class among all that lies at or above each threshold; NaN where nothing does."""
        both = self.inside + self.outside
        return np.asarray(np.divide(self.inside, both, out=np.full(len(both), np.nan), where=both > 0))


def curve_of(places: Places, weights: Floats | None = None) -> Curve:
    """Return the exact curve of a class: a threshold at each distinct score.

    >>> places = Places(np.array([0, 1, 1]), np.array([0.2, 0.7]), np.array([False, True, False]))
    >>> curve = curve_of(places)
    >>> curve.thresholds.tolist(), curve.tpr.tolist(), curve.fpr.tolist()
    ([inf, 0.7, 0.2], [0.0, 1.0, 1.0], [0.0, 0.5, 1.0])
    """
    k = len(places.scores)
    both = np.bincount(places.place + k * places.inside, weights=weights, minlength=2 * k).astype(np.float64)
    above = [np.concatenate([[0.0], np.cumsum(side[::-1])]) for side in (both[:k], both[k:])]
    return Curve(np.concatenate([[np.inf], places.scores[::-1]]), inside=above[1], outside=above[0])


def curves(trial: Trial) -> Part:
    """Return the exhibits roc, pr and gain: one curve for the positive class, or one against the rest for each class.

    A curve has at most 200 points, which are points of the exact curve: those without which the drawing would change by
    a pixel, and the ones that matter most where even 200 do not suffice. ROC and precision-recall carry a band: at the
    same false-positive rate (recall), the interval of the true-positive rate (precision) over the resamples, each point
    for itself. Of more than 12 classes the most frequent are drawn. There is nothing where there are no scores.
    Sources: Fawcett 2006; Davis & Goadrich 2006 (points of a precision-recall curve are not joined by lines).
    """
    trial = counted(trial)
    rows = trial.rows
    if rows.task not in ("binary", "multiclass", "multilabel") or rows.scores is None or not rows.n:
        return Part()
    classes = list(forms_of(rows))
    sizes = np.array([(rows.labels[:, c] if rows.task == "multilabel" else rows.labels == c).sum() for c in classes])
    drawn = [classes[i] for i in most_frequent(sizes, MOST_CLASSES)]
    most = MOST_POINTS if len(drawn) < 4 else MOST_POINTS // 2
    roc, pr, gain = (_empty(names) for names in (_ROC, _PR, _GAIN))
    missing = []
    for c in drawn:
        if not _add(rows, trial, c, most, (roc, pr, gain)):
            missing.append(named(rows.classes[c]))
    note = f"{len(drawn)} of {len(classes)} classes, the most frequent" if len(drawn) < len(classes) else ""
    lost = f"no curve of {', '.join(missing)}: it takes rows of the class and others" if missing else ""
    band = f"each point's band holds with {trial.confidence:.0%}; the whole curve leaves it more often"
    return Part(
        exhibits=(
            _exhibit("roc", "Receiver operating characteristic", roc, (note, lost, band)),
            _exhibit("pr", "Precision and recall", pr, (note, lost, band)),
            _exhibit("gain", "Cumulative gain", gain, (note, lost)),
        )
    )


def _empty(names: tuple[str, ...]) -> Columns:
    return {name: [] for name in names}


def _exhibit(name: str, title: str, columns: Columns, notes: tuple[str, ...]) -> Exhibit:
    note = "; ".join(part for part in notes if part)
    return Exhibit(name, title, {key: tuple(column) for key, column in columns.items()}, note=note)


def _add(rows: Predictions, trial: Trial, c: int, most: int, to: tuple[Columns, Columns, Columns]) -> bool:
    """Add the points of one class; return whether it has curves."""
    places = places_of(rows, c)
    curve = curve_of(places, rows.weights)
    if not curve.inside[-1] or not curve.outside[-1]:
        return False
    name, (roc, pr, gain) = named(rows.classes[c]), to
    first = int(np.argmax(curve.inside + curve.outside > 0))  # above it precision is undefined
    points = {
        "roc": corners(curve.fpr, curve.tpr, most=most),
        "pr": first + corners(curve.tpr[first:], curve.precision[first:], most=most),
        "gain": corners(curve.flagged, curve.tpr, most=most),
    }
    bands = _bands(curve, places, points, rows, trial)
    for key, columns, x, y in (("roc", roc, curve.fpr, curve.tpr), ("pr", pr, curve.tpr, curve.precision)):
        at = points[key]
        low, high = bands[key]
        parts = (cells(curve.thresholds[at]), cells(x[at]), cells(y[at]), cells(low), cells(high))
        for column, part in zip(columns, ([name] * len(at), *parts), strict=True):
            columns[column].extend(part)
    gain["class"].extend([name] * len(points["gain"]))
    gain["share"].extend(cells(curve.flagged[points["gain"]]))
    gain["captured"].extend(cells(curve.tpr[points["gain"]]))
    return True


def corners(x: Floats, y: Floats, *, most: int) -> Codes:
    """Return the numbers of the points that a drawn line needs, at most `most`, in their order.

    First, of the points in one column of pixels only those at its ends and extremes stay. Then, from the two ends of the line
    on, the point farthest from the line drawn so far is added, until none is a pixel away. Source: Douglas & Peucker 1973.

    >>> corners(np.array([0.0, 0.25, 0.5, 1.0]), np.array([0.0, 0.5, 1.0, 1.0]), most=10).tolist()
    [0, 2, 3]
    """
    if len(x) < 3:
        return np.arange(len(x), dtype=np.int64)
    kept = _extremes(x, y)
    px, py = x[kept], y[kept]
    chosen = {0, len(kept) - 1}
    waiting = [_farthest(px, py, 0, len(kept) - 1)]
    while waiting and len(chosen) < most:
        distance, at, first, last = heapq.heappop(waiting)
        if -distance * _PIXELS < 0.5:
            break
        chosen.add(at)
        for ends in ((first, at), (at, last)):
            if ends[1] - ends[0] > 1:
                heapq.heappush(waiting, _farthest(px, py, *ends))
    return np.asarray(kept[np.array(sorted(chosen))])


def _extremes(x: Floats, y: Floats) -> Codes:
    """Return the first, last, lowest and highest point of each column of pixels; x rises."""
    if len(x) <= 4 * _PIXELS:
        return np.arange(len(x), dtype=np.int64)
    column = np.floor(x * _PIXELS).astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1]]))
    ends = np.concatenate([starts[1:], [len(x)]])
    found = [starts, ends - 1]
    for extreme in (np.minimum, np.maximum):
        best = np.repeat(extreme.reduceat(y, starts), ends - starts)
        hits = np.flatnonzero(y == best)
        found.append(hits[np.unique(column[hits], return_index=True)[1]])
    return np.unique(np.concatenate(found)).astype(np.int64)


def _farthest(x: Floats, y: Floats, first: int, last: int) -> tuple[float, int, int, int]:
    """Return the point between two that is farthest from the line through them: minus its distance, and its number."""
    dx, dy = x[last] - x[first], y[last] - y[first]
    length = float(np.hypot(dx, dy))
    between = slice(first + 1, last)
    if not length:
        away = np.hypot(x[between] - x[first], y[between] - y[first])
    else:
        away = np.abs(dx * (y[between] - y[first]) - dy * (x[between] - x[first])) / length
    at = int(away.argmax())
    return -float(away[at]), first + 1 + at, first, last


# Bands ---------------------------------------------------------------------------------------------------------------

Band = tuple[Floats, Floats]


def _bands(curve: Curve, places: Places, points: dict[str, Codes], rows: Predictions, trial: Trial) -> dict[str, Band]:
    """Return the bands of the points of ROC and precision-recall, over resamples counted at these points alone."""
    at = np.unique(np.concatenate([points["roc"], points["pr"]]))
    at = at[at > 0]
    above = _resampled(curve, places, at, rows.weights, trial.units)
    outside, inside = above[:, 0], above[:, 1]
    alive = (inside[:, -1] > 0) & (outside[:, -1] > 0)
    if alive.mean() < 0.9 or too_few(trial.units):
        nothing = {key: np.full(len(points[key]), np.nan) for key in ("roc", "pr")}
        return {key: (empty, empty) for key, empty in nothing.items()}
    inside, outside = inside[alive], outside[alive]
    tpr, fpr, both = inside / inside[:, -1:], outside / outside[:, -1:], inside + outside
    first = np.argmax(both > 0, axis=1)  # a resample may lack the highest scores: its curve starts lower
    precision = np.divide(inside, both, out=np.zeros_like(inside), where=both > 0)
    precision = np.where(both > 0, precision, precision[np.arange(len(both)), first][:, None])
    zero = np.zeros((len(tpr), 1))
    roc = _between(np.hstack([zero, fpr]), np.hstack([zero, tpr]), curve.fpr[points["roc"]], trial.confidence)
    pr = _between(tpr, precision, curve.tpr[points["pr"]], trial.confidence)
    return {
        "roc": _holding(roc, curve.tpr[points["roc"]]),
        "pr": _holding(pr, curve.precision[points["pr"]]),
    }


def _resampled(curve: Curve, places: Places, at: Codes, weights: Floats | None, units: Resamples) -> Floats:
    """Return the weights at or above some points of the curve in each resample: replicates by 2 by points.

    Point p of the curve is place k - p, and the last of `at` is the end of the curve. A row counts at every point whose
    threshold is not above its score: it is counted at the first of them, and the counts are added up.
    """
    k, m = len(places.scores), len(at)
    first = np.searchsorted(at, k - np.arange(k), side="left")
    sums = units.per_place(first[places.place] + m * places.inside, 2 * m, weights)
    return np.asarray(np.cumsum((units.times @ sums).reshape(-1, 2, m), axis=2))


def _between(x: Floats, y: Floats, at: Floats, confidence: float) -> Band:
    """Return the quantiles of y at some x over curves, one a row; where a curve is upright, of its upper end."""
    found = np.stack([np.interp(at, one, other) for one, other in zip(x, y, strict=True)])
    found.sort(axis=0)
    low, high = (_quantile(found, p) for p in ((1 - confidence) / 2, (1 + confidence) / 2))
    return low, high


def _quantile(ordered: Floats, p: float) -> Floats:
    place = p * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return np.asarray(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def _holding(band: Band, y: Floats) -> Band:
    """Return the band, widened to the curve itself where that is upright."""
    return np.minimum(band[0], y), np.maximum(band[1], y)
