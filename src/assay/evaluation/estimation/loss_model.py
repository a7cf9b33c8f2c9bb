"""A loss learnt from features, cross-fitted: what it is expected to be elsewhere, and how far that may be off."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assay.errors import require

__all__ = ["Learnt", "Model", "learn"]

Floats = NDArray[np.float64]

ROWS_AT_MOST = 100_000  # that one model is fitted on
MANY = 100_000  # rows of a window, of which not every model need see every one
DRAWS = 1_000
TREES = 50
LEAVES = 8


class Model(Protocol):
    """What gives a loss for each row of features."""

    def predict(self, x: Floats) -> Floats:
        """Return the loss of each row."""
        ...


@dataclass(frozen=True, slots=True)
class Learnt:
    """A loss learnt on the reference: one model for each fold, fitted on the rest.

    `held_out` is what each row was given by the model that had not seen it, `means` what each model gives all of the
    reference on average.
    """

    models: tuple[Model, ...]
    means: Floats
    losses: Floats
    held_out: Floats
    folds: NDArray[np.int64]

    def moment(self, order: int) -> float:
        """Return the moment of what chance adds to a loss, relative to the loss expected."""
        expected = _ratio(self.losses, self.held_out)[0] * self.held_out
        return float(((self.losses - expected) ** order).sum() / (expected**order).sum())

    def forecast(self, x: Floats) -> tuple[Floats, float]:
        """Return the losses expected of rows, and the relative standard error of their mean.

        They are what the models give on average, times the ratio of losses to what was given on rows not seen. The ratio
        has its own standard error. Where the rows are not those of the reference, the models answer for the difference:
        what that is off by is how much they differ on it, by the jackknife over the folds that each did without.
        """
        folds, given, moves = len(self.models), np.zeros(len(x)), []
        step = max(1, len(x) // MANY)
        with _one_thread():
            for fold, (model, mean) in enumerate(zip(self.models, self.means, strict=True)):
                some = model.predict(x[::step])
                moves.append(float(some.mean()) / float(mean))
                if step == 1:
                    given += some / folds
                else:  # of so many rows, each model takes its share
                    given[fold::folds] = model.predict(x[fold::folds])
        ratio, error = _ratio(self.losses, self.held_out)
        moved = (folds - 1) / math.sqrt(folds) * float(np.std(moves, ddof=1)) / float(np.mean(moves))
        return ratio * given, math.hypot(error, moved)

    def drawn(self, x: Floats, rng: np.random.Generator) -> tuple[float, Floats]:
        """Return the mean loss expected of a window, and draws of the mean that its labels will give.

        Chance adds to each loss in proportion to what is expected of it, with the variance and skewness that it had on
        rows of the reference that the model had not seen; a sum of many such has about a gamma distribution with its
        moments. The mean expected is off by its own standard error.
        """
        expected, off_by = self.forecast(x)
        n, mean = len(expected), float(expected.mean())
        deviation = math.sqrt(self.moment(2) * float((expected**2).sum())) / n
        third = self.moment(3) * float((expected**3).sum()) / n**3
        off = rng.standard_normal(DRAWS) * off_by
        return mean, np.maximum(mean * (1 + off) + _skewed(rng, deviation, third), 0.0)

    def held(self, fold: int) -> tuple[float, float, float]:
        """Return the mean loss of a fold, what the rest of the reference expected it to be, and its standard deviation."""
        mine = self.folds == fold
        ratio, error = _ratio(self.losses[~mine], self.held_out[~mine])
        expected = ratio * self.held_out[mine]
        chance = self.moment(2) * float((expected**2).sum()) / int(mine.sum()) ** 2
        off = error * float(expected.mean())
        return float(self.losses[mine].mean()), float(expected.mean()), math.hypot(math.sqrt(chance), off)


def _ratio(losses: Floats, given: Floats) -> tuple[float, float]:
    """Return the ratio of the losses to what was given for them, and its relative standard error."""
    ratio = float(losses.sum() / given.sum())
    return ratio, math.sqrt(float(((losses - ratio * given) ** 2).sum())) / float(losses.sum())


def learn(
    x: Floats, losses: Floats, *, folds: NDArray[np.int64], is_categorical: list[bool], rng: np.random.Generator
) -> Learnt:
    """Return a loss learnt from features by boosted trees (scikit-learn's), one model without each fold."""
    held_out, models, means = np.empty(len(losses)), [], []
    with _one_thread():
        for fold in range(int(folds.max()) + 1):
            rest = np.flatnonzero(folds != fold)
            if len(rest) > ROWS_AT_MOST:
                rest = rng.choice(rest, ROWS_AT_MOST, replace=False)
            models.append(_trees(x[rest], losses[rest], is_categorical, rng))
            given = models[-1].predict(x)
            means.append(given.mean())
            held_out[folds == fold] = given[folds == fold]
    return Learnt(tuple(models), np.array(means), losses, held_out, folds)


def _one_thread() -> AbstractContextManager[object]:
    """Return what keeps the trees to one thread: several that wait for each other on a busy machine take 50 times as long."""
    require("sklearn.ensemble", extra="drift")  # a library that is loaded later would not be kept to anything
    limits: AbstractContextManager[object] = require("threadpoolctl", extra="drift").threadpool_limits(
        1, user_api="openmp"
    )
    return limits


def _trees(x: Floats, losses: Floats, is_categorical: list[bool], rng: np.random.Generator) -> Model:
    ensemble, size = require("sklearn.ensemble", extra="drift"), float(losses.mean()) or 1.0
    # Poisson's deviance asks for the mean of a loss that is never negative, on the scale of its logarithm.
    trees = ensemble.HistGradientBoostingRegressor(
        loss="poisson", max_iter=TREES, max_leaf_nodes=LEAVES, min_samples_leaf=min(20, len(losses) // 4), early_stopping=False,
        categorical_features=is_categorical, random_state=int(rng.integers(2**31)),
    )  # fmt: skip
    return _Scaled(trees.fit(x, losses / size), size)


@dataclass(frozen=True, slots=True)
class _Scaled:
    """A model of losses that were divided by their mean; what it gives is above 0."""

    model: Model
    size: float

    def predict(self, x: Floats) -> Floats:
        return np.maximum(np.asarray(self.model.predict(x), dtype=np.float64), 1e-9) * self.size


def _skewed(rng: np.random.Generator, deviation: float, third: float) -> Floats:
    """Return draws of mean 0 with a standard deviation and a third moment: of a shifted gamma distribution."""
    skewness = third / deviation**3 if deviation > 0 else 0.0
    if skewness < 1e-3:
        return rng.standard_normal(DRAWS) * deviation
    shape = 4 / skewness**2
    return (rng.standard_gamma(shape, DRAWS) - shape) * deviation * skewness / 2
