"""How well one feature alone predicts the label, on rows that it was not fitted on: what gives leakage away.

A feature is cut into bins, each bin's label is learnt from one half of the rows and scored on the other half, and the
other way round: an id that is different in every row learns nothing of use, however many values it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from assay.data.kinds import kind_of
from assay.stats import intervals

__all__ = ["CLASSES", "Power", "Powers", "powers"]

BINS = 64
VALUES = 256  # a number with no more different values than this is taken value by value,
ROWS = 20  # as long as a value, as a bin, has this many rows on average
CLASSES = 50
LEVELS = 10  # a numeric label with more different values than this is a quantity
LEAST = 25  # rows of a class, or of a quantity, in each half


@dataclass(frozen=True, slots=True)
class Power:
    """A feature's power in [0, 1] with the low end of its interval: the area under the ROC curve, or R²."""

    feature: str
    value: float
    low: float


@dataclass(frozen=True, slots=True)
class Powers:
    """The power of every feature, best first; `n` rows were looked at, and `why` says where none could be measured."""

    measure: str
    n: int
    powers: tuple[Power, ...]
    why: str = ""


def powers(frame: pl.DataFrame, halves: pl.Series, *, label: str, features: Sequence[str], confidence: float) -> Powers:
    """Return the power of each feature over the label, best first.

    For classes it is the area under the ROC curve, averaged over the classes by their size (one against the rest): 0.5
    says nothing, 1 gives the label away. For a quantity it is R², from the bins' means or a straight line, whichever is
    better, at least 0. `halves` says in which half each row is. The interval's low end holds at `confidence`: Wilson's
    with 1 / (1/positives + 1/negatives) rows for the former, Fisher's for the latter.
    """
    target, half = frame.get_column(label), halves.to_numpy()
    is_quantity = target.dtype.is_numeric() and target.n_unique() > LEVELS
    classes = [] if is_quantity else target.unique().sort().to_list()
    measure = "R²" if is_quantity else "AUC"
    if why := _too_little(target, half, classes, is_quantity=is_quantity):
        return Powers(measure, frame.height, (), why)
    truth = _quantity(target) if is_quantity else _one_hot(target)
    score: Callable[..., tuple[float, float]] = _r2 if is_quantity else _auc
    found = []
    for feature in features:
        binned = _binned(frame.get_column(feature))
        value, low = score(binned, _line(frame.get_column(feature)), truth, half, confidence)
        found.append(Power(feature, value, low))
    return Powers(measure, frame.height, tuple(sorted(found, key=lambda p: (-p.value, p.feature))))


def _too_little(target: pl.Series, half: Any, classes: Sequence[Any], *, is_quantity: bool) -> str:
    if len(classes) > CLASSES:
        return f"the label has {len(classes)} classes; at most {CLASSES} are looked at"
    if is_quantity:
        few = min(int((half == side).sum()) for side in (0, 1))
        return f"{2 * LEAST} rows with a label are needed and there are {len(target)}" if few < LEAST else ""
    if len(classes) < 2:
        return "the label has only one value" if classes else "no row has a label"
    smallest = min(int(((target == value).to_numpy() & (half == side)).sum()) for value in classes for side in (0, 1))
    if smallest < LEAST:
        counts = min(int((target == value).sum()) for value in classes)
        return f"about {2 * LEAST} rows of each class are needed, and the rarest class has {counts}"
    return ""


def _quantity(target: pl.Series) -> Any:
    return target.cast(pl.Float64).to_numpy()


def _one_hot(target: pl.Series) -> Any:
    codes = target.rank("dense").to_numpy().astype(np.int64) - 1
    width = int(codes.max()) + 1
    one = np.zeros((len(codes), width), dtype=np.float32)
    one[np.arange(len(codes)), codes] = 1.0
    return one[:, 1:] if width == 2 else one  # of two classes one says it all


def _line(series: pl.Series) -> Any | None:
    """Return a feature's values as floats where it has an order, or None."""
    kind = kind_of(series.dtype)
    if not (kind.is_number or kind.is_temporal):
        return None
    values = series.to_physical() if kind.is_temporal else series
    return values.cast(pl.Float64).fill_null(math.nan).to_numpy()


def _binned(series: pl.Series) -> Any:
    """Return a bin for each row: its quantile, or its value where there are few or no order; missing ones are a bin too."""
    line = _line(series)
    if line is not None and series.n_unique() > min(VALUES, len(series) // ROWS):
        known = line[np.isfinite(line)]
        cuts = np.linspace(0, 1, max(min(BINS, len(known) // ROWS), 2) + 1)[1:-1]
        edges = np.unique(np.quantile(known, cuts, method="lower")) if len(known) else np.zeros(0)
        bins = np.searchsorted(edges, line, side="right") + 1
        bins[np.isnan(line)] = 0
        return bins
    words = series.hash(seed=0) if kind_of(series.dtype).is_nested else series
    return words.rank("dense").fill_null(0).to_numpy().astype(np.int64)


def _fitted(bins: Any, truth: Any, learn: Any, width: int) -> Any:
    """Return each bin's mean label, learnt from some rows; pulled to the overall mean by the weight of one row."""
    overall = float(truth[learn].mean())
    count = np.bincount(bins[learn], minlength=width)
    total = np.bincount(bins[learn], weights=truth[learn], minlength=width)
    return (total + overall) / (count + 1.0)


def _auc(bins: Any, line: Any, truth: Any, half: Any, confidence: float) -> tuple[float, float]:
    width = int(bins.max()) + 1
    values, lows, weights = [], [], []
    for k in range(truth.shape[1]):
        one = truth[:, k]
        parts = [
            _area(_fitted(bins, one, half == 1 - side, width), bins[half == side], one[half == side], width)
            for side in (0, 1)
        ]
        positives, n = float(one.sum()), len(one)
        value = sum(parts) / 2
        rows = max(int(positives * (n - positives) / n), 1)
        values.append(value)
        lows.append(intervals.share(value * rows, rows, confidence=confidence).low)
        weights.append(positives)
    return float(np.average(values, weights=weights)), float(np.average(lows, weights=weights))


def _area(score: Any, bins: Any, truth: Any, width: int) -> float:
    """Return the area under the ROC curve of binned rows: P(a positive scores higher) + P(a tie) / 2."""
    positives = np.bincount(bins, weights=truth, minlength=width)
    negatives = np.bincount(bins, minlength=width) - positives
    _, level = np.unique(score, return_inverse=True)
    up, down = np.bincount(level, weights=positives), np.bincount(level, weights=negatives)
    below = np.concatenate(([0.0], np.cumsum(down)[:-1]))
    return float((up * (below + down / 2)).sum() / (up.sum() * down.sum()))


def _r2(bins: Any, line: Any, truth: Any, half: Any, confidence: float) -> tuple[float, float]:
    width = int(bins.max()) + 1
    missed = spread = straight = 0.0
    for side in (0, 1):
        learn, test = half != side, half == side
        centred = truth[test] - truth[learn].mean()
        spread += float((centred**2).sum())
        missed += float(((truth[test] - _fitted(bins, truth, learn, width)[bins[test]]) ** 2).sum())
        straight += _missed_by_line(line, truth, learn, test) if line is not None else math.inf
    value = max(1.0 - min(missed, straight) / spread, 0.0) if spread > 0 else 0.0
    root = math.sqrt(value)
    if root >= 1.0:
        return value, 1.0
    low = intervals.correlation(root, len(truth), confidence=confidence).low
    return value, max(low, 0.0) ** 2


def _missed_by_line(line: Any, truth: Any, learn: Any, test: Any) -> float:
    known = learn & np.isfinite(line)
    x = line[known]
    centred = x - x.mean() if len(x) else x
    size = float((centred**2).sum())
    if size <= 0:
        return math.inf
    slope = float((centred * (truth[known] - truth[known].mean())).sum()) / size
    guess = truth[known].mean() + slope * (np.where(np.isfinite(line[test]), line[test], x.mean()) - x.mean())
    return float(((truth[test] - guess) ** 2).sum())
