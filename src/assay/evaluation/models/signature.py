"""The columns that a model takes, in its order, and how the columns of a frame become them: by name, and with their types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError, UsageError, nearest

__all__ = [
    "ANY",
    "Field",
    "Signature",
    "cast_column",
    "coded_as",
    "fields",
    "fit",
    "holds_text",
    "matrix",
    "named",
    "positional",
]

What = Literal["any", "number", "text", "category"]


@dataclass(frozen=True, slots=True)
class Field:
    """A column that a model takes: numbers, texts, categories (texts or whole numbers), or anything."""

    name: str
    takes: What = "any"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model takes, in its order; without fields it takes whatever it is given. `note` is what to say of it.

    `called` is what the model would call a column of the frame: some libraries change names when they are trained.
    """

    fields: tuple[Field, ...] = ()
    note: str = ""
    called: Callable[[str], str] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(field.name for field in self.fields)


ANY = Signature()


def fields(names: Iterable[str], takes: What = "any") -> tuple[Field, ...]:
    """Return fields that all take the same."""
    return tuple(Field(str(name), takes) for name in names)


def named(names: Sequence[str], features: Sequence[str] | None, *, takes: What, model: str) -> Signature:
    """Return the signature of a model that names its columns; refuse given features that are others.

    Raises UsageError where `features` names a column that the model does not have, or leaves one out.
    """
    if features is not None and set(features) != set(names):
        strange = [f for f in features if f not in names]
        lacking = [n for n in names if n not in features]
        said = f"does not take {_listed(strange)}" if strange else f"also takes {_listed(lacking)}"
        raise UsageError(
            f"{model} {said}; it takes {_listed(names)}", hint="leave features out: the model names its own"
        )
    return Signature(fields(names, takes))


def positional(size: int | None, features: Sequence[str] | None, *, takes: What, model: str) -> Signature:
    """Return the signature of a model that knows its columns by their places only: `features`, in their order.

    Raises UsageError where there are no features, or not as many as the model takes.
    """
    count = "its columns" if size is None else f"its {size} columns" if size != 1 else "its one column"
    if features is None:
        raise UsageError(
            f"{model} does not name {count}", hint="give features: the names, in the order of its training"
        )
    if size is not None and len(features) != size:
        raise UsageError(f"{model} takes {size} columns, and features names {len(features)}: {_listed(features)}")
    return Signature(
        fields(features, takes), note="the model does not name its columns: they are fed in the order of features"
    )


def fit(frame: pl.DataFrame, signature: Signature, *, model: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the columns that a model takes, in its order and by its names, and notes on what was done.

    Raises DataError, naming all of them, where columns are missing, or hold what the model cannot take.
    """
    if not signature.fields:
        return frame, ()
    place = {name: name for name in frame.columns}
    if signature.called is not None:
        place = {signature.called(name): name for name in frame.columns} | place
    missing = [f.name for f in signature.fields if f.name not in place and not f.optional]
    if missing:
        raise DataError(
            f"{model} takes {_listed(missing, most=20)}, which the data does not have", hint=_instead(missing, frame)
        )
    there = [f for f in signature.fields if f.name in place]
    for what, verdict in (("number", _is_number), ("text", holds_text), ("category", _is_category)):
        wrong = [place[f.name] for f in there if f.takes == what and not verdict(frame.schema[place[f.name]])]
        if wrong:
            found = ", ".join(f"{name!r} holds {frame.schema[name]}" for name in wrong[:20])
            raise DataError(f"{model} takes {_KINDS[what]} there: {found}", hint=_WAYS[what])
    taken = {place[f.name] for f in there}
    extra = [name for name in frame.columns if name not in taken]
    notes = [signature.note] if signature.note else []
    if extra:
        s = "s" if len(extra) > 1 else ""
        notes.append(f"left out {len(extra)} column{s} that the model does not take: {_listed(extra)}")
    return frame.select(pl.col(place[f.name]).alias(f.name) for f in there), tuple(notes)


_KINDS = {"number": "numbers", "text": "texts", "category": "categories (texts or whole numbers)"}
_WAYS = {
    "number": "encode it as the training did, or give the whole pipeline as the model",
    "text": "cast it to text",
    "category": "cast it to text, or to whole numbers",
}


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)


def holds_text(dtype: pl.DataType) -> bool:
    """Return whether a column holds texts, or categories that are texts."""
    return dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)


def _is_category(dtype: pl.DataType) -> bool:
    return holds_text(dtype) or dtype.is_integer() or dtype == pl.Boolean


def _listed(names: Sequence[str], *, most: int = 8) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _instead(missing: Sequence[str], frame: pl.DataFrame) -> str:
    """Return a hint: for each missing column the nearest that is there."""
    if len(missing) == 1:
        return nearest(missing[0], frame.columns)
    close = {name: nearest(name, frame.columns, most=0) for name in missing[:20]}
    said = [
        f"for {name!r} {hint.partition('?')[0]}?" for name, hint in close.items() if hint.startswith("did you mean")
    ]
    return " ".join([*said, f"The data has: {_listed(frame.columns)}"])


def matrix(frame: pl.DataFrame, dtype: type[np.floating] = np.float64) -> NDArray[np.floating]:
    """Return columns of numbers as one matrix, n by d; a missing value is NaN."""
    if not frame.width:
        return np.zeros((frame.height, 0), dtype=dtype)
    numbers = frame.select(pl.all().cast(pl.Float64)).to_numpy()
    return np.ascontiguousarray(numbers, dtype=dtype)


def cast_column(column: pl.Series, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    """Return a column as the type that a model asks for.

    Raises DataError where a value does not fit it, or is missing and the type is a whole number, a boolean or a text.
    """
    wanted = dtype if isinstance(dtype, pl.DataType) else dtype()
    try:
        cast = column.cast(wanted)
    except pl.exceptions.PolarsError:
        raise DataError(
            f"it takes {wanted} there: {column.name!r} holds {column.dtype}, and values that are none"
        ) from None
    if cast.null_count() and not wanted.is_float():
        raise DataError(
            f"it takes {wanted} there, which has no missing values: {column.name!r} has {cast.null_count():,}",
            hint="fill them as the training did",
        )
    return cast


def coded_as(column: pl.Series, categories: Sequence[object]) -> pl.Series:
    """Return the place of each value among the categories, null where it is none of them.

    >>> coded_as(pl.Series(["b", "a", "c"]), ["a", "b"]).to_list()
    [1.0, 0.0, None]
    """
    numbers = all(isinstance(c, int | float) and not isinstance(c, bool) for c in categories)
    values = column.cast(pl.Float64, strict=False) if numbers else column.cast(pl.String)
    known = [float(str(c)) if numbers else str(c).lower() if isinstance(c, bool) else str(c) for c in categories]
    places = dict(zip(known, range(len(known)), strict=True))
    return values.replace_strict(places, default=None, return_dtype=pl.Float64).alias(column.name)
