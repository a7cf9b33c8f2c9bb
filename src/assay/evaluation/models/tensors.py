"""Columns as the typed tensors that ONNX and the Open Inference Protocol name: one for each column, or one matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError
from assay.evaluation.models.adapted import Opening
from assay.evaluation.models.signature import Field, Signature, What, cast_column, named, positional

__all__ = ["TYPES", "Tensor", "Type", "arrays_of", "signature_of"]

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a tensor's elements: in Polars, and in NumPy."""

    polars: type[pl.DataType]
    numpy: type[np.generic | object]

    @property
    def takes(self) -> What:
        """Return what columns it is made of."""
        return "text" if self.polars is pl.String else "number"


TYPES = {
    "float16": Type(pl.Float32, np.float16), "float32": Type(pl.Float32, np.float32), "float64": Type(pl.Float64, np.float64),
    "int8": Type(pl.Int8, np.int8), "int16": Type(pl.Int16, np.int16), "int32": Type(pl.Int32, np.int32),
    "int64": Type(pl.Int64, np.int64), "uint8": Type(pl.UInt8, np.uint8), "uint16": Type(pl.UInt16, np.uint16),
    "uint32": Type(pl.UInt32, np.uint32), "uint64": Type(pl.UInt64, np.uint64), "bool": Type(pl.Boolean, np.bool_),
    "text": Type(pl.String, object),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input: its name, the type of its elements, and how many columns it is made of; `width` is None where it is [n]."""

    name: str
    type: Type
    width: int | None


def signature_of(inputs: Sequence[Tensor], opening: Opening, *, model: str) -> Signature:
    """Return the columns that inputs are made of: one matrix of the given features, or the inputs' own names.

    Raises DataError where several inputs are not one column each.
    """
    if len(inputs) == 1 and inputs[0].width not in (None, 1):
        only = inputs[0]
        size = only.width if only.width and only.width > 0 else None
        return positional(size, opening.features, takes=only.type.takes, model=model)
    wide = [one for one in inputs if one.width not in (None, 1)]
    if wide:
        raise DataError(
            f"{model} has {len(inputs)} inputs, of which {wide[0].name!r} is made of {wide[0].width} columns",
            hint="Assay feeds one matrix, or one column to each input",
        )
    if len(inputs) == 1 and opening.features is not None and len(opening.features) == 1:
        return positional(1, opening.features, takes=inputs[0].type.takes, model=model)
    names = named([one.name for one in inputs], opening.features, takes="any", model=model)
    return Signature(tuple(Field(one.name, one.type.takes) for one in inputs), names.note)


def arrays_of(frame: pl.DataFrame, inputs: Sequence[Tensor]) -> dict[str, Array]:
    """Return the array of each input, n by its width; raise DataError where a value does not fit its type."""
    if len(inputs) == 1:
        only = inputs[0]
        columns = [_array(column, only.type) for column in frame]
        stacked = np.column_stack(columns) if only.width is not None else columns[0]
        return {only.name: np.ascontiguousarray(stacked)}
    made = {one.name: _array(frame.get_column(one.name), one.type) for one in inputs}
    return {one.name: made[one.name] if one.width is None else made[one.name][:, None] for one in inputs}


def _array(column: pl.Series, type: Type) -> Array:
    cast = cast_column(column, type.polars)
    return np.asarray(cast.to_numpy(), dtype=type.numpy)
