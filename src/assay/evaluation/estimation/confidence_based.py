"""Performance of a classifier without labels, from calibrated scores.

A labelled reference says how often each score comes true; the scores of a window then say how many of its predictions
are expected to. It holds as long as a score means what it meant: no concept drift.
Sources: Garg et al. 2022 (arXiv 2201.04234) and Białek et al. 2024 (arXiv 2401.08348) discuss when it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.columns import Columns, Scored, Table, Task, scored
from assay.evaluation.estimation import conditions
from assay.evaluation.estimation import tally as sums
from assay.evaluation.estimation.calibrators import Basis, Calibrator, basis_of, fitted
from assay.evaluation.estimation.encoding import Encoding, encoding_of
from assay.evaluation.estimation.estimates import Condition, Estimated, Estimation, chosen, interval, widened
from assay.evaluation.estimation.forecast import forecast
from assay.evaluation.estimation.meaning import Meaning, meaning_of, same_meaning
from assay.evaluation.estimation.tally import Metric, Tally
from assay.evaluation.estimation.truth import realised_classes
from assay.verdict import Estimate

__all__ = ["METRICS", "ConfidenceBased", "fit_confidence_based"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

METRICS: dict[Task, dict[str, Metric]] = {"binary": sums.BINARY, "multiclass": sums.MULTICLASS}

FOLDS = 5
STRETCHES = 10  # of time, where it is known: as many trials of the estimates
_KNOTS = (0, 4, 6)
_ROWS_OF_A_KNOT = 25


@dataclass(frozen=True, slots=True)
class ConfidenceBased:
    """A calibrated reference; `estimate` says what the performance on a window is expected to be."""

    task: Task
    columns: Columns
    metrics: tuple[str, ...]
    reference: Scored
    calibrator: Calibrator | None
    encoding: Encoding | None = None
    meanings: tuple[Meaning, ...] = ()
    spreads: Mapping[str, float] = field(default_factory=dict)
    history: tuple[int, int] = (0, 0)
    why: str = ""

    def estimate(self, current: Table, *, rng: np.random.Generator, confidence: float = 0.95) -> Estimation:
        """Return the expected performance on a window, with the interval of what its labels will give.

        Raises UsageError where a column is missing, DataError where a score is not in [0, 1].
        """
        window = scored(
            current, self.columns, task=self.task, labelled=False, name="current", classes=self.reference.classes
        )
        table = METRICS[self.task]
        before = realised_classes(self.reference, {name: table[name] for name in self.metrics}, confidence=confidence)
        found = self._estimates(window, rng, confidence)
        metrics = tuple(
            Estimated(name, found[name], before[name], self.spreads.get(name, 0.0)) for name in self.metrics
        )
        return Estimation(
            self.task, window.n, self.reference.n, confidence, metrics, conditions=tuple(self._conditions(window))
        )

    def _estimates(self, window: Scored, rng: np.random.Generator, confidence: float) -> dict[str, Estimate]:
        why = self.why or ("" if window.n else "the window has no row with scores")
        if why or self.calibrator is None:
            return {name: Estimate(None, n=window.n, why=why) for name in self.metrics}
        expected, drawn = forecast(self.calibrator, window, rng=rng)
        return {name: self._one(name, expected, drawn, confidence, window) for name in self.metrics}

    def _one(self, name: str, expected: Tally, drawn: Tally, confidence: float, window: Scored) -> Estimate:
        metric = METRICS[self.task][name]
        if metric.needs == "prediction" and window.predictions is None:
            return Estimate(None, n=window.n, why="no column of predictions was named")
        value, draws = float(metric.value(expected)), metric.value(drawn)
        draws = draws[~np.isnan(draws)]
        if np.isnan(value) or not len(draws):
            return Estimate(None, n=window.n, why=metric.undefined)
        low, high = interval(value, draws, confidence=confidence, spread=self.spreads.get(name, 0.0))
        return Estimate(value, n=window.n, low=low, high=high, confidence=confidence)

    def _conditions(self, window: Scored) -> list[Condition]:
        counts = np.bincount(_labels(self.reference), minlength=len(self.reference.classes))
        return [
            conditions.labels_of_each_class(self.reference, counts),
            conditions.complete(window.n, window.missing),
            conditions.score_region(self.reference, window),
            *([conditions.feature_region(self.encoding, window.features)] if self.encoding else []),
            same_meaning(self.meanings, window.features),
            conditions.held_before(*self.history, in_time=bool(self.columns.time)),
            conditions.no_concept_drift("a score has to come true as often"),
        ]


def fit_confidence_based(
    reference: Table, *, columns: Columns, task: Task, metrics: tuple[str, ...] | None, rng: np.random.Generator
) -> ConfidenceBased:
    """Return the estimator of a labelled reference.

    The curve from score to probability is chosen by its likelihood on rows that it was not fitted on, part by part:
    ten stretches of time where a column of time is named, five parts drawn by chance otherwise.
    """
    names = chosen(metrics, METRICS[task])
    rows = scored(reference, columns, task=task, labelled=True, name="reference")
    why = _too_few(rows)
    if why:
        return ConfidenceBased(task, columns, names, rows, None, why=why)
    n_folds = STRETCHES if columns.time else FOLDS
    folds = np.arange(rows.n) * n_folds // rows.n
    if not columns.time:
        rng.shuffle(folds)
    condensed = _condensed(rows, folds) if len(rows.classes) == 2 else _sampled(rows, folds, rng)
    candidates = [
        basis_of(rows.scores, rows.predictions, _labels(rows), n_knots=knots)
        for knots in _KNOTS
        if knots * _ROWS_OF_A_KNOT <= _least_class(rows)
    ]
    parts = [[_without(basis, condensed, fold) for fold in range(n_folds)] for basis in candidates]
    losses = [sum(_loss(part[fold], condensed, fold) for fold in range(n_folds)) for part in parts]
    best = int(np.argmin(losses))
    whole = fitted(candidates[best], condensed.scores, condensed.predictions, condensed.counts)
    residues = _residues(parts[best], rows, folds)
    meanings = tuple(meaning_of(rows.features.get_column(feature), residues) for feature in columns.features)
    encoding = encoding_of(rows.features, columns.features) if columns.features else None
    tried = {name: METRICS[task][name] for name in names} if columns.time else {}
    spreads, history = _tried(parts[best], rows, folds, tried, rng) if tried else ({}, (0, 0))
    return ConfidenceBased(task, columns, names, rows, whole, encoding, meanings, spreads, history)


# The reference tried on itself ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Condensed:
    """Rows of the reference with about the same score, prediction and fold taken as one: labels are counted."""

    scores: Floats
    predictions: Codes | None
    counts: Floats
    folds: Codes


def _condensed(rows: Scored, folds: Codes, *, bins: int = 1_024) -> _Condensed:
    """Return the reference of two classes for fitting: its rows, or cells of about equal scores where they are many."""
    labels, score = _labels(rows), rows.scores[:, 1]
    if rows.n <= bins * STRETCHES:
        return _Condensed(rows.scores, rows.predictions, (labels[:, None] == np.arange(2)).astype(np.float64), folds)
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)))
    place = np.searchsorted(edges, score, side="right")
    said = np.zeros(rows.n, dtype=np.int64) if rows.predictions is None else rows.predictions
    cell, where = np.unique((place * 2 + said) * STRETCHES + folds, return_inverse=True)
    sizes = np.bincount(where)
    mean = np.bincount(where, weights=score) / sizes
    positive = np.bincount(where, weights=labels)
    return _Condensed(
        np.column_stack([1 - mean, mean]), None if rows.predictions is None else cell // STRETCHES % 2,
        np.column_stack([sizes - positive, positive]), cell % STRETCHES,
    )  # fmt: skip


def _sampled(rows: Scored, folds: Codes, rng: np.random.Generator) -> _Condensed:
    """Return the reference of many classes for fitting: its rows, or as many drawn ones as a fit in seconds can take."""
    labels, k = _labels(rows), len(rows.classes)
    most = max(10_000, 600_000 // k**2)
    some = np.arange(rows.n) if rows.n <= most else rng.choice(rows.n, most, replace=False)
    said = None if rows.predictions is None else rows.predictions[some]
    return _Condensed(rows.scores[some], said, (labels[some, None] == np.arange(k)).astype(np.float64), folds[some])


def _without(basis: Basis, rows: _Condensed, fold: int) -> Calibrator:
    rest = rows.folds != fold
    said = None if rows.predictions is None else rows.predictions[rest]
    return fitted(basis, rows.scores[rest], said, rows.counts[rest])


def _loss(calibrator: Calibrator, rows: _Condensed, fold: int) -> float:
    """Return minus the log-likelihood of a fold that the calibrator was not fitted on."""
    mine = rows.folds == fold
    said = None if rows.predictions is None else rows.predictions[mine]
    p = calibrator.probabilities(rows.scores[mine], said)
    return -float((rows.counts[mine] * np.log(np.maximum(p, 1e-300))).sum())


def _residues(parts: Sequence[Calibrator], rows: Scored, folds: Codes) -> Floats:
    """Return, for each row, whether its prediction came true less the probability of that by a fit without the row.

    Without predictions, it is the last class that is taken to have been predicted.
    """
    labels, result = _labels(rows), np.empty(rows.n)
    said = np.full(rows.n, len(rows.classes) - 1) if rows.predictions is None else rows.predictions
    for fold, calibrator in enumerate(parts):
        mine = np.flatnonzero(folds == fold)
        p = calibrator.probabilities(rows.scores[mine], None if rows.predictions is None else said[mine])
        result[mine] = (labels[mine] == said[mine]) - p[np.arange(len(mine)), said[mine]]
    return result


def _tried(
    parts: Sequence[Calibrator], rows: Scored, folds: Codes, metrics: Mapping[str, Metric], rng: np.random.Generator
) -> tuple[dict[str, float], tuple[int, int]]:
    """Return how far estimates missed on each fold beyond chance, and how many of how many intervals held the truth."""
    misses = {name: np.full(len(parts), np.nan) for name in metrics}
    deviations = {name: np.zeros(len(parts)) for name in metrics}
    inside = tried = 0
    for fold, calibrator in enumerate(parts):
        window = rows.at(folds == fold)
        expected, drawn = forecast(calibrator, window, rng=rng, times=200, cells=256)
        truth = sums.of_labels(_labels(window), predictions=window.predictions, ranks=sums.ranks(window.scores))
        for name, metric in metrics.items():
            if metric.needs == "prediction" and window.predictions is None:
                continue
            value, real, draws = float(metric.value(expected)), float(metric.value(truth)), metric.value(drawn)
            draws = draws[~np.isnan(draws)]
            if np.isnan(value) or np.isnan(real) or len(draws) < 2:
                continue
            misses[name][fold], deviations[name][fold] = real - value, draws.std()
            low, high = interval(value, draws, confidence=0.95)
            inside, tried = inside + (low <= real <= high), tried + 1
    return {name: widened(misses[name], deviations[name]) for name in metrics}, (inside, tried)


def _labels(rows: Scored) -> Codes:
    if rows.labels is None:
        raise ValueError("the rows have no labels")
    return rows.labels


def _least_class(rows: Scored) -> int:
    return int(np.bincount(_labels(rows), minlength=len(rows.classes)).min())


def _too_few(rows: Scored) -> str:
    if rows.n == 0:
        return "the reference has no labelled row with scores"
    counts = np.bincount(_labels(rows), minlength=len(rows.classes))
    absent = [c for c, count in zip(rows.classes, counts, strict=True) if count == 0]
    return f"the reference has no row of class {conditions.classes(absent)}" if absent else ""
