"""What a feature function returned, and which row of the input each value belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError
from assay.testing.rows import Rows

__all__ = ["Computed", "aligned", "differing", "frame_of"]

RESULT = "result"


@dataclass(frozen=True, eq=False)
class Computed:
    """The values that a function computed. Row i of `values` belongs to the row with number `rows[i]` of the data.

    `how` says how that is known: "index" (pandas), "key" (the columns in `key`), or "position" (as many rows as went in).
    `whole` is False where the values belong to groups, each named by its last row, rather than to rows.
    """

    values: pl.DataFrame
    rows: NDArray[np.int64]
    how: str
    whole: bool = True

    def of(self, numbers: NDArray[np.int64]) -> pl.DataFrame:
        """Return the values of these rows, in their order; rows for which nothing was computed are null."""
        places = {int(number): place for place, number in enumerate(self.rows)}
        found = [places.get(int(number)) for number in numbers]
        return self.values[pl.Series(found, dtype=pl.UInt32)] if self.values.height else _nulls(self.values, len(found))


def aligned(result: Any, rows: Rows, *, key: Sequence[str] = ()) -> Computed:
    """Return what a function made of these rows, each value with the number of its row.

    By `key` where the result has those columns; else by a pandas index, where both have the same labels once each; else by
    position, where as many rows came out as went in. Where the key names fewer rows than went in, each value belongs to the
    last row of its group.

    Raises DataError where none of these tells.
    """
    values = frame_of(result)
    if key and set(key) <= set(values.columns):
        return _by_key(values, rows, key)
    by_index = _by_index(result, rows)
    if by_index is not None:
        return Computed(values, by_index, "index")
    if values.height == rows.height:
        return Computed(values, rows.numbers, "position")
    raise DataError(
        f"{values.height} rows came out of {rows.height}, and nothing says which is whose",
        hint="declare key=, the columns that the result and the data share, or return pandas with the data's index",
    )


def frame_of(result: Any) -> pl.DataFrame:
    """Return a frame, a series, an array, or a list, as a frame; a column without a name is called "result".

    Raises DataError where it is none of these.

    >>> frame_of([1, 2]).to_dict(as_series=False)
    {'result': [1, 2]}
    """
    module = type(result).__module__.partition(".")[0]
    if isinstance(result, pl.LazyFrame):
        result = result.collect()
    if isinstance(result, pl.DataFrame):
        return result
    if isinstance(result, pl.Series):
        return result.alias(result.name or RESULT).to_frame()
    if module == "pandas":
        wide = result.to_frame(RESULT if result.name is None else str(result.name)) if result.ndim == 1 else result
        flat = wide.reset_index(drop=True).set_axis([str(name) for name in wide.columns], axis=1)
        return pl.from_pandas(flat)
    if module == "pyarrow":
        made = pl.from_arrow(result)
        return made if isinstance(made, pl.DataFrame) else made.alias(RESULT).to_frame()
    if hasattr(result, "toarray"):  # a sparse matrix of SciPy
        result = result.toarray()
    if isinstance(result, np.ndarray | list | tuple):
        array = np.asarray(result)
        if array.ndim == 1:
            return pl.DataFrame({RESULT: pl.Series(array.tolist() if array.dtype == object else array, strict=False)})
        if array.ndim == 2:
            return pl.DataFrame({f"{RESULT}_{i}": array[:, i] for i in range(array.shape[1])})
    raise DataError(
        f"{type(result).__module__}.{type(result).__qualname__} came out, which holds no values of rows",
        hint="return a frame, a series, an array, or a list: one value for each row",
    )


def differing(
    before: pl.DataFrame, after: pl.DataFrame, *, rtol: float = 1e-9, atol: float = 1e-12
) -> NDArray[np.bool_]:
    """Return which cells differ, as rows by columns of `before`; null equals null, NaN equals NaN, numbers to a tolerance.

    Two numbers a and b are the same where |a - b| <= atol + rtol max(|a|, |b|). A column that is missing on one side, or is a
    number on one side only, differs in every row.

    >>> differing(pl.DataFrame({"x": [1.0, 2.0]}), pl.DataFrame({"x": [1.0, 2.5]})).ravel().tolist()
    [False, True]
    """
    found = np.zeros((before.height, before.width), dtype=bool)
    for place, name in enumerate(before.columns):
        if name not in after.columns:
            found[:, place] = True
            continue
        found[:, place] = _unequal(before[name], after[name], rtol, atol)
    return found


def _unequal(one: pl.Series, other: pl.Series, rtol: float, atol: float) -> NDArray[np.bool_]:
    if one.dtype.is_numeric() and other.dtype.is_numeric():
        a, b = one.cast(pl.Float64).to_numpy(), other.cast(pl.Float64).to_numpy()
        null = (one.is_null() != other.is_null()).to_numpy()
        with np.errstate(invalid="ignore", over="ignore"):
            near = np.abs(a - b) <= atol + rtol * np.maximum(np.abs(a), np.abs(b))
        return np.asarray(null | ~(near | (a == b) | (np.isnan(a) & np.isnan(b))))
    if one.dtype != other.dtype and (one.null_count() == len(one)) != (other.null_count() == len(other)):
        return (one.is_null() != other.is_null()).to_numpy()
    if one.dtype != other.dtype:
        one, other = _texts(one), _texts(other)
    return np.asarray(~one.eq_missing(other))


def _texts(series: pl.Series) -> pl.Series:
    return pl.Series(series.name, [None if value is None else str(value) for value in series], dtype=pl.String)


def _by_index(result: Any, rows: Rows) -> NDArray[np.int64] | None:
    """Return the number of each result's row by pandas labels; None where they do not tell."""
    if rows.kind != "pandas" or not hasattr(result, "index") or type(result).__module__.partition(".")[0] != "pandas":
        return None
    labels = rows.native.index
    if not (labels.is_unique and result.index.is_unique):
        return None
    places = labels.get_indexer(result.index)
    return rows.numbers[places] if bool((places >= 0).all()) else None


def _by_key(values: pl.DataFrame, rows: Rows, key: Sequence[str]) -> Computed:
    keys = rows.frame.select(key).with_columns(pl.Series("__number", rows.numbers))
    last = keys.group_by(key, maintain_order=True).agg(pl.col("__number").last(), pl.len().alias("__many"))
    named = values.select(key).cast({name: keys.schema[name] for name in key})
    found = named.join(last, on=list(key), how="left", nulls_equal=True, maintain_order="left")
    if found["__number"].null_count():
        stray = values.filter(found["__number"].is_null()).row(0, named=True)
        raise DataError(
            f"a result has the key {[stray[name] for name in key]}, which no row of the data has",
            hint="declare another key=",
        )
    if found["__number"].n_unique() < found.height:
        raise DataError(
            f"several results share a value of the key {', '.join(key)}",
            hint="declare the columns that tell the results apart",
        )
    whole = bool((last["__many"] == 1).all())
    return Computed(values.drop(key), found["__number"].to_numpy(), "key", whole)


def _nulls(like: pl.DataFrame, height: int) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series([None] * height, dtype=dtype) for name, dtype in like.schema.items()})
