"""Small models made by hand: what they say of a row is plain arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from assay.errors import DataError
from assay.evaluation.columns import Columns, Task
from assay.evaluation.evaluate import trial_of_frame
from assay.evaluation.models.model import Output
from assay.evaluation.settings import EvaluationSettings
from assay.evaluation.trial import Trial


@dataclass(frozen=True)
class Made:
    """A model that answers by a function of the frame."""

    ask: Callable[[pl.DataFrame], Output]
    features: tuple[str, ...]
    name: str = "made"
    kind: str = "function"

    def predict(self, frame: pl.DataFrame) -> Output:
        return self.ask(frame.select(self.features))


def logistic(weights: dict[str, float]) -> Made:
    """Return a classifier whose log-odds are a weighted sum; it refuses missing values, as many do."""

    def ask(frame: pl.DataFrame) -> Output:
        numbers = frame.select(pl.col(name).cast(pl.Float64) for name in weights).to_numpy()
        if np.isnan(numbers).any():
            raise DataError("made: the features hold missing values")
        p = 1 / (1 + np.exp(-(numbers @ np.array(list(weights.values())))))
        return Output(scores=np.column_stack([1 - p, p]), classes=(0, 1))

    return Made(ask, tuple(weights))


def linear(weights: dict[str, float]) -> Made:
    """Return a regression that is a weighted sum; a missing value counts as 0."""

    def ask(frame: pl.DataFrame) -> Output:
        numbers = np.nan_to_num(frame.select(pl.col(name).cast(pl.Float64) for name in weights).to_numpy())
        return Output(predictions=numbers @ np.array(list(weights.values())))

    return Made(ask, tuple(weights))


def tried(model: Made, frame: pl.DataFrame, *, task: Task, metrics: tuple[str, ...]) -> Trial:
    """Return the trial of a model on a frame whose label is `y`."""
    return trial_of_frame(
        frame, Columns("y", features=model.features), name="rows", task=task,
        told=EvaluationSettings(metrics=metrics, replicates=300), model=model, seed=7,
    )  # fmt: skip
