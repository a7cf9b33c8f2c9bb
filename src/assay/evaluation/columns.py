"""Which columns of a table hold the label, the prediction, the scores and the features, and those columns as arrays."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError, UsageError, nearest

__all__ = [
    "Columns", "Measured", "Scored", "Table", "Task", "as_frame", "binary_classes", "check_columns", "codes_of", "complete",
    "known_codes", "measured",
    "scored",
]  # fmt: skip

Task = Literal["binary", "multiclass", "multilabel", "regression", "quantile", "ranking"]
Table: TypeAlias = "pl.DataFrame | pl.LazyFrame | Mapping[str, object]"
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Columns:
    """The roles of a table's columns.

    `label` is the truth, in the reference; `prediction` what the model said: a class, or a number. `score` is the
    probability that the model gave to the positive class (binary), `scores` names the column of each class's
    (multiclass); both lie in [0, 1]. `positive` says which label is the positive class where labels are not 0 and 1.
    `features` are what a model of the loss may look at (regression), or what a score has to mean the same whatever they
    are (classification). With `time` the reference is taken in its order,
    and tried on its own history; without it the rows have no order.

    An evaluation reads more: `scores` names the score of each label's column (multilabel, with `labels` the columns of 0
    and 1, and `predictions` those of what the model said), or the forecast of each level (quantile); `query` groups the
    documents of a ranking, whose `score` may be any number; `weight` says how much a row counts; rows of one `entity` are
    drawn together in a resample.

    >>> Columns(label="y", prediction="said", score="p").names
    ('said', 'p')
    """

    label: str
    prediction: str = ""
    score: str = ""
    scores: Mapping[Hashable, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    positive: Hashable = None
    time: str = ""
    labels: tuple[str, ...] = ()
    predictions: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    weight: str = ""
    entity: str = ""

    def __post_init__(self) -> None:
        given: object = self.features  # whatever the annotation says
        if isinstance(given, str):
            raise UsageError(f"features is the text {given!r}; it is a list of columns", hint="write it in brackets")
        object.__setattr__(self, "features", tuple(self.features))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns that a window without labels must have."""
        named = (self.prediction, self.score, *self.scores.values(), *self.features)
        return tuple(dict.fromkeys(name for name in named if name))


@dataclass(frozen=True, slots=True)
class Scored:
    """The rows of a classifier's table that can be used: n rows, k classes (the positive one is the last of two).

    `labels` and `predictions` are places in `classes`; `labels` is None where there is no label, `predictions` where
    no such column was named. `scores` is n by k; `features` are as they were given. `missing` rows were left out, as a
    score, prediction or label was missing.
    """

    classes: tuple[Hashable, ...]
    scores: Floats
    predictions: Codes | None
    labels: Codes | None
    features: pl.DataFrame = field(default_factory=pl.DataFrame)
    missing: int = 0

    @property
    def n(self) -> int:
        """Return how many rows can be used."""
        return len(self.scores)

    def at(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Scored:
        """Return some of the rows, without their features."""
        said = None if self.predictions is None else self.predictions[rows]
        labels = None if self.labels is None else self.labels[rows]
        return Scored(self.classes, self.scores[rows], said, labels)


@dataclass(frozen=True, slots=True)
class Measured:
    """The rows of a regression's table that can be used; `labels` is None where there is no label."""

    frame: pl.DataFrame
    predictions: Floats
    labels: Floats | None
    missing: int = 0

    @property
    def n(self) -> int:
        """Return how many rows can be used."""
        return len(self.predictions)


def as_frame(table: Table, columns: Sequence[str], *, name: str) -> pl.DataFrame:
    """Return the named columns of a Polars frame, or of a mapping from names to arrays.

    Raises UsageError where it is neither, or a column is not there.
    """
    if isinstance(table, Mapping):
        known = [str(key) for key in table]
    elif isinstance(table, pl.DataFrame | pl.LazyFrame):
        known = table.collect_schema().names()
    else:
        raise UsageError(
            f"{name} is a {type(table).__name__}; it is a Polars frame, or a mapping from names to arrays",
            hint="pl.from_pandas(...) makes a frame of a pandas one",
        )
    for column in columns:
        if column not in known:
            raise UsageError(f"{name} has no column {column!r}", hint=nearest(column, known))
    return _of_arrays(table, columns, name) if isinstance(table, Mapping) else table.lazy().select(columns).collect()


def _of_arrays(table: Mapping[str, object], columns: Sequence[str], name: str) -> pl.DataFrame:
    arrays = {column: np.asarray(table[column]) for column in columns}
    wide = {column: array.shape for column, array in arrays.items() if array.ndim != 1}
    if wide:
        raise UsageError(f"{name}: the arrays have the shapes {wide}; each column has one dimension")
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = {column: len(array) for column, array in arrays.items()}
        raise UsageError(f"{name}: the arrays have the lengths {lengths}; all have the same")
    return pl.DataFrame({column: pl.Series(column, array) for column, array in arrays.items()})


def check_columns(columns: Columns, task: Task) -> None:
    """Raise UsageError where the roles do not fit the task."""
    if task == "regression":
        if not columns.prediction:
            raise UsageError(
                "a regression needs the column of its predictions",
                hint="give --prediction COL, or prediction=... in Python",
            )
    elif task == "binary":
        if not columns.score or columns.scores:
            raise UsageError(
                "a binary classification has one column of scores", hint="give --score COL, or score=... in Python"
            )
    elif columns.score or len(columns.scores) < 2:
        raise UsageError(
            "a multiclass classification has a column of scores for each class",
            hint="give --score CLASS=COL for each, or scores={class: column, ...} in Python",
        )


def scored(
    table: Table, columns: Columns, *, task: Task, labelled: bool, name: str, classes: tuple[Hashable, ...] = ()
) -> Scored:
    """Return the usable rows of a classifier's table, in the order of time where a column of time is named.

    `classes` are those of the reference, where it is known. Raises UsageError where a column is missing, DataError where
    a score is not in [0, 1] or a label or prediction is no class.
    """
    wanted = list(columns.names)
    wanted += [n for n in ((columns.label, columns.time) if labelled else ()) if n and n not in wanted]
    frame = as_frame(table, wanted, name=name)
    if labelled and columns.time:
        frame = frame.sort(columns.time, maintain_order=True)
    said = [columns.prediction] if columns.prediction else []
    roles = said + ([columns.label] if labelled else [])
    given = [columns.score] if task == "binary" else list(columns.scores.values())
    kept = frame.filter(complete(frame, [*given, *roles]))
    classes = classes or (
        tuple(columns.scores) if task == "multiclass" else binary_classes(kept, columns, roles, name=name)
    )
    scores = np.column_stack([_scores(kept.get_column(c), name=name) for c in given])
    if task == "binary":
        scores = np.column_stack([1 - scores[:, 0], scores[:, 0]])
    codes = {role: codes_of(kept.get_column(role), classes, name=name) for role in roles}
    return Scored(
        classes, scores, codes.get(columns.prediction), codes[columns.label] if labelled else None,
        features=kept.select(columns.features), missing=frame.height - kept.height,
    )  # fmt: skip


def measured(table: Table, columns: Columns, *, labelled: bool, name: str) -> Measured:
    """Return the usable rows of a regression's table, in the order of time where a column of time is named.

    A missing feature is left to the model of the loss; a row without its prediction, or label, is left out. Raises
    UsageError where a column is missing, DataError where a prediction or label is no number.
    """
    wanted = [columns.prediction, *(f for f in columns.features if f != columns.prediction)]
    wanted += [n for n in ((columns.label, columns.time) if labelled else ()) if n and n not in wanted]
    frame = as_frame(table, wanted, name=name)
    if labelled and columns.time:
        frame = frame.sort(columns.time, maintain_order=True)
    roles = [columns.prediction, *([columns.label] if labelled else [])]
    for role in roles:
        if not frame.schema[role].is_numeric():
            raise DataError(
                f"{name}: the column {role!r} holds {frame.schema[role]} values; a regression's are numbers"
            )
    finite = pl.all_horizontal(pl.col(role).cast(pl.Float64).is_finite().fill_null(value=False) for role in roles)
    kept = frame.filter(finite)
    numbers = {role: kept.get_column(role).cast(pl.Float64).to_numpy() for role in roles}
    return Measured(
        kept, numbers[columns.prediction], numbers[columns.label] if labelled else None, frame.height - kept.height
    )


def complete(frame: pl.DataFrame, names: Sequence[str]) -> pl.Expr:
    """Return whether a row has a value in each of these columns; NaN is none."""
    floats = [name for name in names if frame.schema[name].is_float()]
    there = [pl.col(name).is_not_null() for name in names]
    return pl.all_horizontal(there + [pl.col(name).is_not_nan().fill_null(value=False) for name in floats])


def _scores(column: pl.Series, *, name: str) -> Floats:
    if not len(column):
        return np.zeros(0)
    if not column.dtype.is_numeric():
        raise DataError(f"{name}: the column {column.name!r} holds {column.dtype} values; scores are numbers in [0, 1]")
    scores = column.cast(pl.Float64).to_numpy()
    outside = np.flatnonzero((scores < 0) | (scores > 1))
    if len(outside):
        raise DataError(
            f"{name}: {len(outside):,} of {len(scores):,} scores in {column.name!r} are outside [0, 1], "
            f"the first is {scores[outside[0]]:g}; scores are probabilities",
            hint="give the model's probabilities, or 1 / (1 + exp(-score)) of its log-odds",
        )
    return np.asarray(scores, dtype=np.float64)


def binary_classes(frame: pl.DataFrame, columns: Columns, roles: Sequence[str], *, name: str) -> tuple[Hashable, ...]:
    """Return the two classes of labels and predictions, the positive one last; raise UsageError where it is not said."""
    given = [frame.get_column(role) for role in roles]
    numbers = all(column.dtype.is_numeric() for column in given)
    kind = pl.Float64 if numbers else pl.String
    seen = [str(v) for v in pl.concat([column.cast(kind) for column in given]).unique().sort().to_list()]
    seen = [value.removesuffix(".0") for value in seen] if numbers else seen  # 1, 1.0 and 1.00 are one class
    usual = {"0", "1", "0.0", "1.0", "false", "true"}
    if columns.positive is None and usual.issuperset(seen):
        return (0, 1)
    if columns.positive is None:
        raise UsageError(
            f"{name}: the classes are {', '.join(map(repr, seen[:5]))}, and which is positive is not said",
            hint="give --positive VALUE, or positive=... in Python",
        )
    positive = _positive(columns.positive, seen, numbers=numbers)
    others = [value for value in seen if value != str(positive)]
    if len(others) > 1 and str(positive) not in seen:
        raise UsageError(
            f"{name}: no row is of the class {columns.positive!r}, which is to be the positive one",
            hint=f"the classes are {', '.join(map(repr, seen[:5]))}",
        )
    if len(others) > 1:
        raise DataError(
            f"{name}: beside {columns.positive!r} there are {', '.join(map(repr, others[:5]))}; a binary label has two values",
            hint="the task of more is multiclass",
        )
    return (others[0] if others else f"not {columns.positive}", positive)


def _positive(given: Hashable, seen: Sequence[str], *, numbers: bool) -> Hashable:
    """Return the positive class as it stands among those that were seen: 1.0 is 1, and True is true."""
    text = str(given)
    if text in seen:
        return given
    if numbers:
        return next((value for value in seen if _number(value) == _number(text)), given)
    return text.lower() if set(seen) <= {"false", "true"} else given


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def codes_of(column: pl.Series, classes: tuple[Hashable, ...], *, name: str) -> Codes:
    """Return the place of each value in the classes: numbers by their value, anything else by its text.

    Raises DataError where one is no class.
    """
    codes = known_codes(column, classes)
    strange = np.flatnonzero(codes < 0)
    if len(strange):
        raise DataError(
            f"{name}: {column.name!r} holds {column[int(strange[0])]!r}, which is no class; "
            f"the classes are {', '.join(repr(c) for c in classes[:8])}",
        )
    return codes


def known_codes(column: pl.Series, classes: tuple[Hashable, ...]) -> Codes:
    """Return the place of each value in the classes, as `codes_of` does; -1 for a value that is no class."""
    counted = all(isinstance(c, int | float) for c in classes)
    numbers = column.dtype.is_numeric() or (counted and column.dtype == pl.Boolean)
    values = column.cast(pl.Float64 if numbers else pl.String)
    codes = np.full(len(values), -1, dtype=np.int64)
    for place, each in enumerate(classes):
        value = (
            str(each) if not numbers else float(each) if isinstance(each, bool | int | float) else _number(str(each))
        )
        if value is not None:
            codes[(values == value).to_numpy()] = place
    return codes
