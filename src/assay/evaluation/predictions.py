"""What is evaluated: labels, what a model said of the same rows, and the columns that rows are told apart by."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.evaluation.columns import Task

__all__ = ["Predictions"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Predictions:
    """n rows that have a label and a prediction, as arrays; every metric is a function of this.

    By task, `labels`, `predictions` (None where the model says only scores, and no threshold applies) and `scores` are:

    - binary, multiclass: places in `classes` (n integers), the same, and one score for each class (n by k; the positive class
      is the last of two). `probabilities` says whether the scores lie in [0, 1] and add up to 1, or only order the rows.
    - multilabel: 0 or 1 for each of the labels that `classes` names (n by k integers), the same, and their scores (n by k).
    - regression: numbers (n floats), the same, and None.
    - quantile: numbers (n floats), the forecast for each level (n by q floats), and None; `classes` are the levels, rising.
    - ranking: relevance (n floats, 0 or more), None, and the score that documents are ordered by (n by 1). `query` groups rows.

    `weights` are how much each row counts (None: the same); `query`, `entity` and `block` are codes of the query, of what
    is drawn together in a resample, and of the stretch of time. `frame` holds every column of the dataset for these rows,
    and `features` names those that a model looks at. `missing` rows were left out, as a label or prediction
    was missing; `notes` say how a model was asked.
    """

    task: Task
    labels: NDArray[np.int64] | NDArray[np.float64]
    predictions: NDArray[np.int64] | NDArray[np.float64] | None
    scores: Floats | None = None
    classes: tuple[Hashable, ...] = ()
    probabilities: bool = True
    weights: Floats | None = None
    query: Codes | None = None
    entity: Codes | None = None
    block: Codes | None = None
    frame: pl.DataFrame = field(default_factory=pl.DataFrame)
    features: tuple[str, ...] = ()
    missing: int = 0
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Return how many rows there are."""
        return len(self.labels)

    @property
    def said(self) -> NDArray[np.int64] | NDArray[np.float64]:
        """Return the predictions; raise ValueError where there are none."""
        if self.predictions is None:
            raise ValueError("there are no predictions")
        return self.predictions

    @property
    def errors(self) -> Floats:
        """Return prediction less label of a regression, n floats."""
        return np.asarray(self.said, dtype=np.float64) - np.asarray(self.labels, dtype=np.float64)

    @property
    def given_scores(self) -> Floats:
        """Return the scores, n by k; raise ValueError where there are none."""
        if self.scores is None:
            raise ValueError("there are no scores")
        return self.scores

    @property
    def positive(self) -> Floats:
        """Return the scores of the positive class of a binary classification, n floats; raise ValueError where there are none."""
        return np.asarray(self.given_scores[:, -1])

    @property
    def own_weights(self) -> Floats:
        """Return how much each row counts, n floats: ones where nothing is said."""
        return np.ones(self.n) if self.weights is None else self.weights

    def at(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Predictions:
        """Return some of the rows, by their numbers or by a mask."""

        def part(array: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            return None if array is None else array[rows]

        def codes(array: Codes | None) -> Codes | None:
            return None if array is None else array[rows]

        frame = self.frame
        if frame.width:
            frame = frame.filter(rows) if rows.dtype == np.bool_ else frame[rows]
        return replace(
            self, labels=self.labels[rows], predictions=None if self.predictions is None else self.predictions[rows],
            scores=part(self.scores), weights=part(self.weights), query=codes(self.query), entity=codes(self.entity),
            block=codes(self.block), frame=frame,
        )  # fmt: skip
