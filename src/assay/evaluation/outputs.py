"""What a model said, as columns of the frame that it said it of."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError, UsageError
from assay.evaluation.columns import Columns, Task
from assay.evaluation.models.model import Model, Output
from assay.evaluation.models.predicting import predicted

__all__ = ["SAID", "with_output"]

Made = tuple[dict[str, NDArray[Any]], Columns]
SAID = "assay:said"  # no column of a dataset is called so


def with_output(
    frame: pl.DataFrame, columns: Columns, model: Model | None, *, task: Task
) -> tuple[pl.DataFrame, Columns, tuple[str, ...]]:
    """Return the frame with what the model says of each row, the columns that this stands in, and notes on how it was asked.

    A model that does not say what it takes is given the features, and never the label. Without a model, frame and columns
    are as they were given. Raises UsageError where predictions are named beside a model, and for a task whose output this is
    not; DataError where the model fails.
    """
    if model is None:
        return frame, columns, ()
    if columns.prediction or columns.score or columns.scores or columns.predictions:
        raise UsageError(
            "the model says what it predicts, and a column of predictions is named too", hint="give one of them"
        )
    fed = frame if model.features or not columns.features else frame.select(columns.features)
    output = predicted(model, fed)
    made, told = attached(frame, columns, output, task=task, name=model.name)
    return made, told, output.notes


def attached(
    frame: pl.DataFrame, columns: Columns, output: Output, *, task: Task, name: str
) -> tuple[pl.DataFrame, Columns]:
    """Return the frame with a model's output as columns, and the columns' roles with it."""
    made, told = READERS[task](columns, output, name)
    return frame.with_columns(pl.Series(f"{SAID}:{key}", values) for key, values in made.items()), told


def _column(key: object) -> str:
    return f"{SAID}:{key}"


def _binary(columns: Columns, output: Output, name: str) -> Made:
    made: dict[str, NDArray[Any]] = {}
    positive = columns.positive
    if output.scores is not None:
        scores = output.scores if output.scores.ndim == 2 else output.scores[:, None]
        if scores.shape[1] > 2:
            raise DataError(
                f"{name} scores {scores.shape[1]} classes; a binary classification has two", hint="task multiclass"
            )
        place = scores.shape[1] - 1
        if positive is not None and output.classes and scores.shape[1] == 2:
            known = [str(c) for c in output.classes]
            if str(positive) not in known:
                raise UsageError(f"{name} knows the classes {', '.join(known)}, and {positive!r} is none of them")
            place = known.index(str(positive))
        elif positive is None and len(output.classes) == 2:
            positive = output.classes[1]
        made["score"] = scores[:, place]
    if output.predictions is not None:
        made["prediction"] = output.predictions
    if positive is not None and str(positive) in ("0", "1", "0.0", "1.0", "True", "False"):
        positive = None if str(positive) in ("1", "1.0", "True") else positive
    score, said = (_column(role) if role in made else "" for role in ("score", "prediction"))
    return made, replace(columns, score=score, prediction=said, positive=positive)


def _multiclass(columns: Columns, output: Output, name: str) -> Made:
    made: dict[str, NDArray[Any]] = {}
    scores: dict[Hashable, str] = {}
    if output.scores is not None:
        if not output.classes:
            raise DataError(
                f"{name} does not say which classes its {output.scores.shape[1]} scores are of", hint="give predictions"
            )
        for place, each in enumerate(output.classes):
            made[f"score:{each}"] = output.scores[:, place]
            scores[each] = _column(f"score:{each}")
    if output.predictions is not None:
        made["prediction"] = output.predictions
    return made, replace(columns, scores=scores, prediction=_column("prediction") if "prediction" in made else "")


def _multilabel(columns: Columns, output: Output, name: str) -> Made:
    made: dict[str, NDArray[Any]] = {}
    said: dict[str, str] = {}
    scores: dict[Hashable, str] = {}
    for array, kind in ((output.predictions, "prediction"), (output.scores, "score")):
        if array is None:
            continue
        if array.ndim != 2 or array.shape[1] != len(columns.labels):
            raise DataError(f"{name} gives {kind}s of the shape {array.shape}; there are {len(columns.labels)} labels")
        for place, label in enumerate(columns.labels):
            made[f"{kind}:{label}"] = array[:, place]
            (said if kind == "prediction" else scores)[label] = _column(f"{kind}:{label}")
    return made, replace(columns, predictions=said, scores=scores)


def _number(columns: Columns, output: Output, name: str) -> Made:
    if output.predictions is None:
        raise DataError(f"{name} gives no predictions, and a regression needs them")
    return {"prediction": np.asarray(output.predictions, dtype=np.float64)}, replace(
        columns, prediction=_column("prediction")
    )


def _levels(columns: Columns, output: Output, name: str) -> Made:
    said = output.predictions if output.scores is None else output.scores
    levels = output.classes
    if said is None or said.ndim != 2 or not levels:
        raise DataError(
            f"{name} gives no forecast for each level",
            hint="a callable may return a frame with a column for each level",
        )
    made = {f"level:{level}": np.asarray(said[:, place], dtype=np.float64) for place, level in enumerate(levels)}
    return made, replace(columns, scores={level: _column(f"level:{level}") for level in levels})


def _order(columns: Columns, output: Output, name: str) -> Made:
    score = output.predictions if output.scores is None else output.scores[:, -1]
    if score is None:
        raise DataError(f"{name} gives no scores, and a ranking needs them")
    return {"score": np.asarray(score, dtype=np.float64)}, replace(columns, score=_column("score"))


READERS: Mapping[Task, Callable[[Columns, Output, str], Made]] = {
    "binary": _binary,
    "multiclass": _multiclass,
    "multilabel": _multilabel,
    "regression": _number,
    "quantile": _levels,
    "ranking": _order,
}
