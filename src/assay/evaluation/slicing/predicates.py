"""Slices by a person's own predicate: SQL text, or a Polars expression from Python."""

from __future__ import annotations

import numpy as np
import polars as pl

from assay.data.dataset import first_line
from assay.data.sql import of_single_rows, rowwise
from assay.errors import UsageError
from assay.evaluation.slicing.cuts import Slice

__all__ = ["slice_where"]


def slice_where(frame: pl.DataFrame, predicate: str | pl.Expr, *, name: str = "") -> Slice:
    """Return the rows for which a predicate is true: SQL text, or a Polars expression; `name` is what reports call it.

    Missing values are null in it (NaN too), so that a comparison with one is not true, and the row is not in the slice.
    A column's name with spaces or points stands in double quotes. Raises UsageError where the text is no SQL expression,
    or the predicate names an unknown column, is not boolean, reads the clock, or looks at more than one row at a time.

    >>> slice_where(
    ...     pl.DataFrame({"age": [70, 20, None], "sex": ["F", "F", "F"]}), "age >= 60 AND sex = 'F'"
    ... ).rows.tolist()
    [True, False, False]
    """
    told = repr(predicate) if isinstance(predicate, str) else f"the predicate {name or str(predicate)!r}"
    if isinstance(predicate, str):
        parsed = rowwise(predicate, frame.columns, hint="write the instant, so that the slice is the same tomorrow")
    else:
        parsed = of_single_rows(predicate, frame.columns, told=told)
    names = list(dict.fromkeys(parsed.meta.root_names()))
    return Slice(name or str(predicate), tuple(names), _rows(frame.select(names), parsed, told))


def _rows(frame: pl.DataFrame, parsed: pl.Expr, told: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    hint = "write a date as DATE '2013-01-31', and a cast as TRY_CAST(x AS DOUBLE)"
    try:
        floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
        found = frame.lazy().with_columns(pl.col(floats).fill_nan(None)).select(parsed.alias("is")).collect()["is"]
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"{told} does not fit the columns' types: {first_line(error)}", hint=hint) from None
    if found.dtype != pl.Boolean:
        raise UsageError(
            f"{told} gives {str(found.dtype).lower()} values; true or false is expected",
            hint="compare it with something",
        )
    if len(found) != frame.height:
        raise UsageError(f"{told} gives {len(found)} values of {frame.height} rows; one for each is expected")
    return found.fill_null(False).to_numpy()
