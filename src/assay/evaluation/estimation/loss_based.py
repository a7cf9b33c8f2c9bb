"""Performance of a regression without labels: a model of its losses, learnt on a labelled reference.

The loss of a prediction is learnt from the features and the prediction itself, cross-fitted; the losses expected in a
window are averaged, after a correction by what came true of rows that the model had not seen. It holds as long as the losses
depend on the features as they did: no concept drift.
Sources: NannyML's direct loss estimation; Zrnic & Candès 2024 (cross-prediction-powered inference) for the correction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.columns import Columns, Measured, Table, measured
from assay.evaluation.estimation import conditions
from assay.evaluation.estimation.encoding import Encoding, encoding_of
from assay.evaluation.estimation.estimates import POSITIVE, Condition, Estimated, Estimation, chosen, interval, widened
from assay.evaluation.estimation.loss_model import Learnt, learn
from assay.evaluation.estimation.losses import LOSSES, OfRows, realised_losses
from assay.verdict import Estimate

__all__ = ["LossBased", "fit_loss_based"]

Floats = NDArray[np.float64]

FOLDS = 5


@dataclass(frozen=True, slots=True)
class LossBased:
    """A reference whose losses have been learnt; `estimate` says what they are expected to be in a window."""

    columns: Columns
    metrics: tuple[str, ...]
    reference: Measured
    encoding: Encoding
    learnt: Mapping[OfRows, Learnt]
    spreads: Mapping[str, float] = field(default_factory=dict)
    history: tuple[int, int] = (0, 0)
    why: str = ""

    def estimate(self, current: Table, *, rng: np.random.Generator, confidence: float = 0.95) -> Estimation:
        """Return the expected performance on a window, with the interval of what its labels will give.

        Raises UsageError where a column is missing, DataError where a prediction is no number.
        """
        window = measured(current, self.columns, labelled=False, name="current")
        before = realised_losses(self.reference, self.metrics, confidence=confidence)
        found = self._estimates(window, rng, confidence)
        metrics = tuple(
            Estimated(name, found[name], before[name], self.spreads.get(name, 0.0)) for name in self.metrics
        )
        return Estimation(
            "regression", window.n, self.reference.n, confidence, metrics, conditions=tuple(self._conditions(window))
        )

    def _estimates(self, window: Measured, rng: np.random.Generator, confidence: float) -> dict[str, Estimate]:
        why = self.why or ("" if window.n else "the window has no row with a prediction")
        if why:
            return {name: Estimate(None, n=window.n, why=why) for name in self.metrics}
        x = self.encoding.numbers(window.frame)
        drawn = {of: learnt.drawn(x, rng) for of, learnt in self.learnt.items()}
        return {name: self._one(name, drawn, window.n, confidence) for name in self.metrics}

    def _one(
        self,
        name: str,
        drawn: Mapping[OfRows, tuple[float, Floats]],
        n: int,
        confidence: float,
    ) -> Estimate:
        loss = LOSSES[name]
        if loss.of not in drawn:
            exact = not np.isnan(loss.of(_labels(self.reference), self.reference.predictions)).any()
            return Estimate(None, n=n, why=f"in the reference, {'no prediction is off' if exact else loss.undefined}")
        mean, draws = drawn[loss.of]
        value = float(loss.metric(np.float64(mean)))  # type: ignore[arg-type]
        low, high = interval(
            value, loss.metric(draws), confidence=confidence, spread=self.spreads.get(name, 0.0), span=POSITIVE
        )
        return Estimate(value, n=n, low=low, high=high, confidence=confidence)

    def _conditions(self, window: Measured) -> list[Condition]:
        outside = None
        if window.n and self.reference.n:
            low, high = self.reference.predictions.min(), self.reference.predictions.max()
            outside = float(((window.predictions < low) | (window.predictions > high)).mean())
        return [
            conditions.enough_labels(self.reference.n),
            conditions.complete(window.n, window.missing),
            conditions.region("predictions", outside),
            conditions.feature_region(self.encoding, window.frame),
            conditions.held_before(*self.history, in_time=bool(self.columns.time)),
            conditions.no_concept_drift("losses have to depend on the features"),
        ]


def fit_loss_based(
    reference: Table, *, columns: Columns, metrics: tuple[str, ...] | None, rng: np.random.Generator
) -> LossBased:
    """Return the estimator of a labelled reference; it takes scikit-learn.

    Five models of each loss are fitted, each on four parts of the reference: the fifth says what they are off by.
    The parts are stretches of time where a column of time is named, drawn by chance otherwise.
    """
    names = chosen(metrics, LOSSES)
    rows = measured(reference, columns, labelled=True, name="reference")
    features = (columns.prediction, *(f for f in columns.features if f != columns.prediction))
    encoding = encoding_of(rows.frame, features)
    if rows.n < 4 * FOLDS:
        why = f"the reference has {rows.n} labelled rows; it takes {4 * FOLDS} to learn a loss"
        return LossBased(columns, names, rows, encoding, {}, why=why)
    folds = np.arange(rows.n) * FOLDS // rows.n
    if not columns.time:
        rng.shuffle(folds)
    x = encoding.numbers(rows.frame)
    learnt = {}
    for of in dict.fromkeys(LOSSES[name].of for name in names):
        losses = of(_labels(rows), rows.predictions)
        if not np.isnan(losses).any() and losses.sum() > 0:
            learnt[of] = learn(x, losses, folds=folds, is_categorical=encoding.is_categorical, rng=rng)
    spreads, history = _tried(learnt, names) if columns.time else ({}, (0, 0))
    return LossBased(columns, names, rows, encoding, learnt, spreads, history)


def _tried(learnt: Mapping[OfRows, Learnt], names: tuple[str, ...]) -> tuple[dict[str, float], tuple[int, int]]:
    """Return how far estimates missed on each fold beyond chance, and how many of how many were within two deviations."""
    spreads, inside, tried = {}, 0, 0
    for name in (name for name in names if LOSSES[name].of in learnt):
        loss = LOSSES[name]
        real, value, deviation = np.array([learnt[loss.of].held(fold) for fold in range(FOLDS)]).T
        of_metric = deviation / (2 * np.sqrt(value)) if loss.root else deviation
        misses = loss.metric(real) - loss.metric(value)
        spreads[name] = widened(misses, of_metric)
        inside, tried = inside + int((np.abs(misses) <= 1.96 * of_metric).sum()), tried + FOLDS
    return spreads, (inside, tried)


def _labels(rows: Measured) -> Floats:
    if rows.labels is None:
        raise ValueError("the rows have no labels")
    return rows.labels
