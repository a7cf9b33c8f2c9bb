"""What a model answered, whatever its form, as predictions and scores; and what is refused: too few, too many, NaN."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError, UsageError
from assay.evaluation.models.model import Output
from assay.evaluation.models.options import Meaning
from assay.evaluation.odds import softmax

__all__ = [
    "PREDICTION",
    "answer",
    "array_of",
    "checked",
    "choose",
    "decided",
    "joined",
    "missing",
    "table_of",
    "unsummed",
]

Array = NDArray[np.generic]
PREDICTION = "prediction"  # what a frame calls the column of its predictions, beside those of scores
TOLERANCE = 1e-3  # single precision over a thousand classes


def answer(raw: object, *, classes: Sequence[Hashable] = (), meaning: Meaning = "") -> Output:
    """Return predictions and scores of what a model answered: an array, a list, a series, a frame, or a mapping of columns.

    One number a row is a value, unless `meaning` says that it is a probability of the last class, or two `classes` do
    and it is a float. k numbers a row are the scores of k classes; which class they predict is for the reader to say.
    Of a frame, the column `prediction` is the prediction and every other column the score of the class that it is named
    by.

    >>> answer([0.25, 0.5], classes=("no", "yes")).scores.tolist()
    [[0.75, 0.25], [0.5, 0.5]]

    Raises DataError where the answer has another shape, UsageError where there are not as many classes as scores.
    """
    if isinstance(raw, Output):
        return raw
    columns = table_of(raw)
    if columns is not None:
        return _of_columns(columns, classes, meaning)
    return _of_array(array_of(raw), tuple(classes), meaning)


def table_of(raw: object) -> dict[str, Array] | None:
    """Return the columns of a frame or mapping by their names; None where it is neither."""
    if isinstance(raw, pl.DataFrame):
        return {name: array_of(raw.get_column(name)) for name in raw.columns}
    if isinstance(raw, Mapping):
        return {str(name): array_of(column) for name, column in raw.items()}
    if type(raw).__module__.partition(".")[0] == "pandas" and hasattr(raw, "columns"):
        return {str(name): array_of(raw[name]) for name in raw.columns}  # type: ignore[index]  # pandas has no types here
    if isinstance(raw, list) and raw and all(isinstance(row, Mapping) for row in raw):
        return {str(name): array_of([row.get(name) for row in raw]) for name in raw[0]}
    return None


def array_of(raw: object) -> Array:
    """Return values as an array; raise DataError where rows have different lengths."""
    if isinstance(raw, pl.Series):
        return raw.to_numpy()
    if hasattr(raw, "to_numpy"):
        return np.asarray(raw.to_numpy())
    try:
        array = np.asarray(raw)
    except ValueError:
        raise DataError("the model answered rows of different lengths") from None
    if array.dtype == object and array.ndim == 1:
        return _typed(array)
    return array


def _typed(array: Array) -> Array:
    """Return an array of Python objects with the type that they share: numbers with None are floats with NaN."""
    values = array.ravel().tolist()
    if values and all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values):
        return np.asarray([np.nan if v is None else v for v in values], dtype=np.float64)
    if values and all(isinstance(v, bool) for v in values):
        return np.asarray(values, dtype=np.bool_)
    return np.asarray(values) if values and all(isinstance(v, str) for v in values) else array


def _of_columns(columns: Mapping[str, Array], classes: Sequence[Hashable], meaning: Meaning) -> Output:
    if len(columns) == 1:
        return _of_array(next(iter(columns.values())), tuple(classes), meaning)
    said = columns.get(PREDICTION)
    scores = {name: column for name, column in columns.items() if name != PREDICTION}
    texts = [name for name, column in scores.items() if column.dtype.kind not in "fiub"]
    if texts:
        raise DataError(
            f"the model answered the columns {', '.join(map(repr, columns))}, of which {texts[0]!r} holds no numbers",
            hint=f"call the column of the predictions {PREDICTION!r}; every other one is a class's score",
        )
    if len({len(column) for column in columns.values()}) > 1:
        raise DataError("the model answered columns of different lengths")
    matrix = np.column_stack([column.astype(np.float64) for column in scores.values()])
    named = _of_array(matrix, tuple(classes) or tuple(scores), meaning)
    return named if said is None else replace(named, predictions=said)


def _of_array(array: Array, classes: tuple[Hashable, ...], meaning: Meaning) -> Output:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 1:
        return _of_values(array, classes, meaning)
    if array.ndim != 2:
        raise DataError(f"the model answered an array of the shape {array.shape}; it is n rows, or n rows by k scores")
    if meaning in ("value", "class"):
        return Output(predictions=array, classes=classes)
    if array.dtype.kind not in "fiub":
        raise DataError(f"the model answered {array.shape[1]} values a row that are no numbers")
    if classes and len(classes) != array.shape[1]:
        raise UsageError(f"classes names {len(classes)}, and the model answers {array.shape[1]} scores a row")
    scores = np.asarray(array, dtype=np.float64)
    scores = softmax(scores) if meaning == "logit" else scores
    return Output(scores=scores, classes=classes)


def _of_values(array: Array, classes: tuple[Hashable, ...], meaning: Meaning) -> Output:
    binary = meaning in ("probability", "logit") or (not meaning and len(classes) == 2 and array.dtype.kind == "f")
    if not binary:
        return Output(predictions=array)
    if array.dtype.kind not in "fiub":
        raise DataError("the model answered texts where a probability was promised")
    if classes and len(classes) != 2:
        raise UsageError(f"one score a row tells two classes apart, and classes names {len(classes)}")
    classes = classes or (0, 1)
    p = np.asarray(array, dtype=np.float64)
    p = _sigmoid(p) if meaning == "logit" else p
    scores = np.column_stack([1 - p, p])
    return Output(scores=scores, classes=classes)


def decided(output: Output) -> Output:
    """Return an output whose predictions are the classes of the greatest scores, the first of equal ones."""
    if output.scores is None or not output.classes:
        return output
    scores = output.scores
    places = np.argmax(np.where(np.isnan(scores), -np.inf, scores), axis=1) if scores.size else np.zeros(0, dtype=int)
    return replace(output, predictions=array_of(list(output.classes))[places])


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)))


def choose(
    outputs: Mapping[str, object], *, classes: Sequence[Hashable] = (), meaning: Meaning = "", output: str = ""
) -> Output:
    """Return predictions and scores of a model with several named outputs.

    `output` names the only one to read. Otherwise k numbers a row are scores, as is a mapping from classes to scores
    for each row; whole numbers or texts are predictions; several outputs of one float a row are the scores of the
    classes.

    Raises UsageError where `output` is not there, or what the outputs are cannot be told.
    """
    if output:
        if output not in outputs:
            raise UsageError(f"the model has no output {output!r}; there are {', '.join(map(repr, outputs))}")
        return answer(outputs[output], classes=classes, meaning=meaning)
    if len(outputs) == 1:
        return answer(next(iter(outputs.values())), classes=classes, meaning=meaning)
    found = {name: _mapped(raw, classes) for name, raw in outputs.items()}
    wide = {name: one for name, one in found.items() if one.scores is not None}
    said = {name: one.predictions for name, one in found.items() if name not in wide and one.predictions is not None}
    labels = {name: array for name, array in said.items() if array.dtype.kind != "f"}
    floats = {name: array for name, array in said.items() if array.dtype.kind == "f"}
    if len(wide) == 1 and len(labels) <= 1 and not floats:
        scores = next(iter(wide.values()))
        return replace(scores, predictions=next(iter(labels.values()), scores.predictions))
    if not wide and len(labels) <= 1 and classes and len(floats) == len(classes):
        scores = answer(np.column_stack(list(floats.values())), classes=classes, meaning=meaning)
        return replace(scores, predictions=next(iter(labels.values()), scores.predictions))
    raise UsageError(
        f"which of the model's outputs {', '.join(map(repr, outputs))} are predictions and scores cannot be told",
        hint="name one with output",
    )


def _mapped(raw: object, classes: Sequence[Hashable]) -> Output:
    """Return one of several outputs; rows of mappings from classes to scores keep their classes as they are."""
    if isinstance(raw, list) and raw and isinstance(raw[0], Mapping):
        keys = tuple(raw[0])
        return answer(
            np.asarray([[row[key] for key in keys] for row in raw], dtype=np.float64), classes=classes or keys
        )
    array = array_of(raw)
    if array.ndim == 2 and array.shape[1] > 1:
        return answer(array, classes=classes)
    return answer(array)  # a bare number beside others is no probability


def checked(output: Output, n: int) -> Output:
    """Return an output whose predictions and scores are n, and none of them missing.

    Raises DataError otherwise.
    """
    if output.predictions is None and output.scores is None:
        raise DataError("the model answered neither predictions nor scores")
    for what, array in (("predictions", output.predictions), ("rows of scores", output.scores)):
        if array is None:
            continue
        if len(array) != n:
            raise DataError(f"the model answered {len(array):,} {what} for {n:,} rows")
        lost = np.flatnonzero(missing(array))
        if len(lost):
            raise DataError(
                f"{len(lost):,} of the model's {n:,} {what} are NaN or missing, the first is of row {lost[0]:,}",
                hint="see what these rows have in common: often a missing feature",
            )
    if output.scores is not None and output.classes and len(output.classes) != output.scores.shape[1]:
        raise DataError(f"the model names {len(output.classes)} classes and scores {output.scores.shape[1]}")
    return output


def joined(outputs: Sequence[Output]) -> Output:
    """Return the outputs of several batches as one.

    Raises DataError where some have predictions, scores, or classes that others do not have.
    """
    first = outputs[0]
    if len(outputs) == 1:
        return first
    for other in outputs[1:]:
        if other.classes != first.classes:
            raise DataError(
                f"the model names the classes {list(first.classes)} in one batch, {list(other.classes)} in another"
            )
    said = [o.predictions for o in outputs if o.predictions is not None]
    scores = [o.scores for o in outputs if o.scores is not None]
    for what, arrays in (("predictions", said), ("scores", scores)):
        if arrays and (len(arrays) < len(outputs) or len({array.shape[1:] for array in arrays}) > 1):
            raise DataError(f"the model answers {what} of some batches in another way than of others")
    return Output(
        np.concatenate(said) if said else None, np.concatenate(scores) if scores else None, first.classes,
        notes=tuple(dict.fromkeys(note for o in outputs for note in o.notes)),
    )  # fmt: skip


def missing(array: Array) -> NDArray[np.bool_]:
    """Return which rows hold a NaN or None."""
    if array.dtype.kind == "f":
        lost = np.isnan(array)
    elif array.dtype == object:
        lost = np.frompyfunc(lambda v: v is None or (isinstance(v, float) and v != v), 1, 1)(array).astype(bool)
    else:
        return np.zeros(len(array), dtype=bool)
    return np.asarray(lost.any(axis=1) if lost.ndim > 1 else lost)


def unsummed(output: Output) -> str:
    """Return what to say of scores that are no probabilities of classes of which a row has one; empty where they are."""
    scores = output.scores
    if scores is None or scores.shape[1] < 2 or (output.predictions is not None and output.predictions.ndim > 1):
        return ""
    sums = scores.sum(axis=1)
    off = np.flatnonzero(~(np.abs(sums - 1) <= TOLERANCE) | (scores < 0).any(axis=1))
    if not len(off):
        return ""
    return (
        f"the scores of {len(off):,} of {len(scores):,} rows are no probabilities: they do not add up to 1, or are below 0 "
        f"(row {off[0]:,} adds up to {sums[off[0]]:.4g})"
    )
