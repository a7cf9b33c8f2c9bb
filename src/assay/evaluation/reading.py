"""From a frame and the roles of its columns to predictions: classes, codes, scores, weights, and the rows that are left out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError, UsageError, nearest
from assay.evaluation.columns import Columns, Task, binary_classes, codes_of, complete, known_codes
from assay.evaluation.predictions import Predictions

__all__ = ["labelled_of", "named", "predictions_of"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
LARGEST = 1e100  # sums of squares, and their squares, are numbers
MANY = 100  # classes that are numbers between whole ones: they are measured, not named
SUM_OFF = 1e-3  # by how much probabilities that were written with few digits miss 1


def named(columns: Columns) -> tuple[str, ...]:
    """Return every column that has a role, once each."""
    single = (
        columns.label,
        columns.prediction,
        columns.score,
        columns.query,
        columns.weight,
        columns.entity,
        columns.time,
    )
    many = (*columns.labels, *columns.predictions.values(), *columns.scores.values(), *columns.features)
    return tuple(dict.fromkeys(name for name in (*single, *many) if name))


def predictions_of(
    frame: pl.DataFrame, columns: Columns, *, task: Task, name: str = "the data", threshold: float = 0.5,
    block: timedelta | None = None,
) -> Predictions:  # fmt: skip
    """Return the rows of a frame that have a label and a prediction, as arrays.

    Where no column says what a classifier predicted, it is the positive class from `threshold` up, or the class of the
    highest score; only probabilities have a threshold. With a time column the rows are in its order, and those within one
    `block` of time are drawn together in a resample. Rows without a label, prediction, score or weight are left out and
    counted.

    Raises UsageError for a column that is missing and for roles that do not fit the task, DataError for a label that is no
    class, a weight below 0, a relevance below 0, and where no row is left.
    """
    for column in named(columns):
        if column not in frame.columns:
            raise UsageError(f"{name} has no column {column!r}", hint=nearest(column, frame.columns))
    if columns.time:
        frame = frame.sort(columns.time, maintain_order=True)
    roles = [c for c in named(columns) if c not in (*columns.features, columns.time, columns.entity)]
    kept = frame.filter(complete(frame, roles))
    if not kept.height:
        raise DataError(
            f"{name}: no row has all of {', '.join(map(repr, roles))}",
            hint="labels that are not there yet: assay estimate",
        )
    read = READERS[task](kept, columns, name, threshold)
    query = _groups(kept, columns.query)
    return replace(
        read, weights=_weights(kept, columns, name), query=query, entity=_groups(kept, columns.entity) if columns.entity else query,
        block=_blocks(kept, columns.time, block, name), frame=kept, features=columns.features, missing=frame.height - kept.height,
    )  # fmt: skip


def labelled_of(frame: pl.DataFrame, columns: Columns, like: Predictions, *, name: str) -> Predictions:
    """Return the labelled rows that a model was fitted on, in the classes of `like`: labels and features, no predictions.

    Rows without a label, and rows of a class that `like` does not have, are left out. Raises UsageError where the column of
    the label is missing, DataError where no row is left.
    """
    labels = columns.labels or (columns.label,)
    for column in labels:
        if column not in frame.columns:
            raise UsageError(f"{name} has no column {column!r}", hint=nearest(column, frame.columns))
    kept = frame.filter(complete(frame, labels))
    codes: NDArray[np.int64] | NDArray[np.float64]
    if like.task in ("binary", "multiclass"):
        known = known_codes(kept.get_column(columns.label), like.classes)
        kept, codes = kept.filter(known >= 0), known[known >= 0]
    elif like.task == "multilabel":
        codes = np.column_stack([_zeros_and_ones(kept, label, name) for label in labels])
    else:
        codes = _finite(kept, columns.label, name)
    if not kept.height:
        raise DataError(f"{name}: no row has a label that is known", hint="leave it out, or see its labels")
    weights = _weights(kept, columns, name) if columns.weight in kept.columns else None
    return Predictions(
        like.task, codes, None, None, like.classes, weights=weights, frame=kept, features=columns.features,
        missing=frame.height - kept.height,
    )  # fmt: skip


# One reader for each task -----------------------------------------------------------------------------------------------


def _binary(frame: pl.DataFrame, columns: Columns, name: str, threshold: float) -> Predictions:
    _one_of(columns.prediction or columns.score, "a binary classification", "prediction=... or score=...")
    roles = [c for c in (columns.label, columns.prediction) if c]
    classes = binary_classes(frame, columns, roles, name=name)
    labels = codes_of(frame.get_column(columns.label), classes, name=name)
    said = codes_of(frame.get_column(columns.prediction), classes, name=name) if columns.prediction else None
    if not columns.score:
        return Predictions("binary", labels, said, None, classes)
    score = _numbers(frame, columns.score, name)
    probabilities = bool(((score >= 0) & (score <= 1)).all())
    scores = np.column_stack([1 - score if probabilities else -score, score])
    if said is None and probabilities:
        said = (score >= threshold).astype(np.int64)
    return Predictions("binary", labels, said, scores, classes, probabilities=probabilities)


def _multiclass(frame: pl.DataFrame, columns: Columns, name: str, threshold: float) -> Predictions:
    _one_of(
        columns.prediction or columns.scores, "a multiclass classification", "prediction=..., or a score for each class"
    )
    roles = [c for c in (columns.label, columns.prediction) if c]
    classes = tuple(columns.scores) or _classes(frame, roles)
    if len(classes) > MANY and any(isinstance(each, float) and not each.is_integer() for each in classes):
        raise UsageError(
            f"{name}: {' and '.join(map(repr, roles))} have {len(classes):,} different values, and not all are whole numbers",
            hint="the task of numbers is regression",
        )
    labels = codes_of(frame.get_column(columns.label), classes, name=name)
    said = codes_of(frame.get_column(columns.prediction), classes, name=name) if columns.prediction else None
    if not columns.scores:
        return Predictions("multiclass", labels, said, None, classes)
    scores = np.column_stack([_numbers(frame, c, name) for c in columns.scores.values()])
    total = scores.sum(1)
    probabilities = bool((scores >= 0).all() and (np.abs(total - 1) <= SUM_OFF).all())
    if probabilities:
        scores = scores / total[:, None]
    said = scores.argmax(1).astype(np.int64) if said is None else said
    return Predictions("multiclass", labels, said, scores, classes, probabilities=probabilities)


def _multilabel(frame: pl.DataFrame, columns: Columns, name: str, threshold: float) -> Predictions:
    names = columns.labels or tuple(str(key) for key in (*columns.predictions, *columns.scores))
    names = tuple(dict.fromkeys(names))
    if len(names) < 2:
        raise UsageError(
            "a multilabel classification has two columns of labels or more",
            hint="give --labels A,B, or labels=(...) in Python",
        )
    for given, what in ((columns.predictions, "prediction"), (columns.scores, "score")):
        left = [n for n in names if given and n not in given]
        if left:
            raise UsageError(f"the label {left[0]!r} has no {what}, and others do")
        strange = [str(key) for key in given if str(key) not in names]
        if strange:
            raise UsageError(f"a {what} is of {strange[0]!r}, which is no label", hint=nearest(strange[0], names))
    _one_of(
        columns.predictions or columns.scores, "a multilabel classification", "a prediction or score for each label"
    )
    labels = np.column_stack([_zeros_and_ones(frame, n, name) for n in names])
    said = (
        np.column_stack([_zeros_and_ones(frame, columns.predictions[n], name) for n in names])
        if columns.predictions
        else None
    )
    if not columns.scores:
        return Predictions("multilabel", labels, said, None, names)
    scores = np.column_stack([_numbers(frame, columns.scores[n], name) for n in names])
    probabilities = bool(((scores >= 0) & (scores <= 1)).all())
    if said is None and probabilities:
        said = (scores >= threshold).astype(np.int64)
    return Predictions("multilabel", labels, said, scores, names, probabilities=probabilities)


def _regression(frame: pl.DataFrame, columns: Columns, name: str, threshold: float) -> Predictions:
    _one_of(columns.prediction, "a regression", "prediction=...")
    labels, said = (_finite(frame, c, name) for c in (columns.label, columns.prediction))
    return Predictions("regression", labels, said)


def _quantile(frame: pl.DataFrame, columns: Columns, name: str, threshold: float) -> Predictions:
    _one_of(columns.scores, "a quantile forecast", "scores={0.1: ..., 0.9: ...}")
    try:
        levels = sorted((float(str(level)), column) for level, column in columns.scores.items())
    except ValueError:
        raise UsageError(
            f"the levels are {', '.join(map(str, columns.scores))}; they are numbers between 0 and 1"
        ) from None
    if not all(0 < level < 1 for level, _ in levels):
        raise UsageError(f"the levels are {', '.join(f'{level:g}' for level, _ in levels)}; they lie between 0 and 1")
    twice = [level for (level, _), (after, _) in pairwise(levels) if level == after]
    if twice:
        raise UsageError(f"the level {twice[0]:g} is given twice", hint="name one column for each level")
    said = np.column_stack([_finite(frame, column, name) for _, column in levels])
    return Predictions("quantile", _finite(frame, columns.label, name), said, None, tuple(level for level, _ in levels))


def _ranking(frame: pl.DataFrame, columns: Columns, name: str, threshold: float) -> Predictions:
    _one_of(columns.score and columns.query, "a ranking", "score=... and query=...")
    labels = _finite(frame, columns.label, name)
    if (labels < 0).any():
        raise DataError(f"{name}: {columns.label!r} holds {labels.min():g}; a relevance is 0 or more")
    score = _numbers(frame, columns.score, name)
    return Predictions("ranking", labels, None, score[:, None], ("relevant",), probabilities=False)


READERS: Mapping[Task, Callable[[pl.DataFrame, Columns, str, float], Predictions]] = {
    "binary": _binary,
    "multiclass": _multiclass,
    "multilabel": _multilabel,
    "regression": _regression,
    "quantile": _quantile,
    "ranking": _ranking,
}


def _one_of(given: object, what: str, hint: str) -> None:
    if not given:
        raise UsageError(f"{what} needs to know what the model said", hint=f"give {hint}")


def _classes(frame: pl.DataFrame, roles: Sequence[str]) -> tuple[Hashable, ...]:
    """Return the values of labels and predictions in their order, numbers by size and anything else by its text."""
    series = [frame.get_column(role) for role in roles]
    if not all(one.dtype.is_numeric() for one in series):
        series = [one.cast(pl.String) for one in series]
    together = pl.concat([one.to_frame("class") for one in series], how="vertical_relaxed")
    return tuple(together.to_series().unique().sort().to_list())


def _numbers(frame: pl.DataFrame, column: str, name: str) -> Floats:
    series = frame.get_column(column)
    if not series.dtype.is_numeric() and series.dtype != pl.Boolean:
        raise DataError(f"{name}: the column {column!r} holds {series.dtype} values; scores are numbers")
    return np.asarray(series.cast(pl.Float64).to_numpy(), dtype=np.float64)


def _finite(frame: pl.DataFrame, column: str, name: str) -> Floats:
    series = frame.get_column(column)
    if not series.dtype.is_numeric():
        raise DataError(f"{name}: the column {column!r} holds {series.dtype} values; they have to be numbers")
    numbers = np.asarray(series.cast(pl.Float64).to_numpy(), dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise DataError(f"{name}: the column {column!r} holds {(~np.isfinite(numbers)).sum():,} infinite values")
    if (np.abs(numbers) > LARGEST).any():
        raise DataError(
            f"{name}: the column {column!r} holds {numbers[np.abs(numbers).argmax()]:g}, whose square is too large for a number",
            hint="measure in a larger unit",
        )
    return numbers


def _zeros_and_ones(frame: pl.DataFrame, column: str, name: str) -> Codes:
    return codes_of(frame.get_column(column), (0, 1), name=name)


def _weights(frame: pl.DataFrame, columns: Columns, name: str) -> Floats | None:
    if not columns.weight:
        return None
    weights = _finite(frame, columns.weight, name)
    if (weights < 0).any() or not weights.sum() > 0:
        ends = f"{weights.min():g} to {weights.max():g}"
        raise DataError(
            f"{name}: the weights in {columns.weight!r} go from {ends}; all are 0 or more, and one is above"
        )
    return weights


def _groups(frame: pl.DataFrame, column: str) -> Codes | None:
    if not column:
        return None
    ranks = frame.select(pl.col(column).rank("dense").fill_null(0)).to_series()  # rows without one are drawn together
    return np.asarray(np.unique(ranks.to_numpy(), return_inverse=True)[1], dtype=np.int64)


def _blocks(frame: pl.DataFrame, column: str, length: timedelta | None, name: str) -> Codes | None:
    if length is None:
        return None
    if not column:
        raise UsageError("blocks of time need a time column", hint="give --time COL, or time=... in Python")
    if not frame.schema[column].is_temporal():
        raise UsageError(
            f"{name}: the time column {column!r} holds {frame.schema[column]} values; blocks of time need instants"
        )
    since = frame.get_column(column) - frame.get_column(column).min()
    return np.asarray(
        (since.dt.total_microseconds() // (length // timedelta(microseconds=1))).to_numpy(), dtype=np.int64
    )
