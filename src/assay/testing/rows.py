"""A person's rows, kept in the kind that their code takes, and seen as Polars sees them.

Contracts and faults change rows as Polars frames; the code under test gets them back as what it knows: pandas with its index
and dtypes, Polars, pyarrow, a numpy array, or a list of dicts.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import UsageError, nearest, require

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["Rows", "refuse_columns", "rows_of"]

_KINDS = "a pandas, Polars or pyarrow frame, a numpy array of rows and columns, or a list of dicts"


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows in their own kind. `numbers` are the rows' numbers in the data they were first taken from, the first row being 0.

    Every method returns new rows and leaves these as they are.
    """

    native: Any
    kind: str
    numbers: NDArray[np.int64] = field(repr=False)

    @property
    def height(self) -> int:
        """Return how many rows there are."""
        return len(self.numbers)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns' names; those of an array are its places: "0", "1" and so on."""
        return tuple(self.frame.columns)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Return the rows as Polars sees them."""
        if self.kind == "array":
            # Of an array of objects, the values' own types; Polars would keep objects, with which it can do nothing.
            taken = [column.tolist() if column.dtype == object else column for column in self.native.T]
            return pl.DataFrame({str(i): pl.Series(values, strict=False) for i, values in enumerate(taken)})
        if self.kind == "records":
            return pl.DataFrame(self.native, infer_schema_length=None) if self.native else pl.DataFrame()
        try:
            return self._wide().to_polars()
        except Exception as error:  # pyarrow and Polars have errors of their own
            mixed = self.kind == "pandas" and next((n for n in self.native if not _readable(self.native[[n]])), None)
            if not mixed:
                raise
            raise UsageError(f"the column {mixed!r} holds values of several types", hint="give it one type") from error

    def handed(self) -> Any:
        """Return the rows as code under test may have them: a copy where the kind can be changed in place."""
        if self.kind == "polars":
            return self.native.clone()  # its insert_column changes it in place
        return self.native.copy() if self.kind in ("pandas", "array") else copy.deepcopy(self.native)

    def take(self, places: Sequence[int] | NDArray[Any]) -> Rows:
        """Return some of the rows, in the order given; `places` count from 0 among these rows, or are a mask."""
        found = np.asarray(places)
        found = np.flatnonzero(found) if found.dtype == bool else found.astype(np.int64)
        if self.kind == "array":
            taken: Any = self.native[found]
        elif self.kind == "records":
            taken = [self.native[i] for i in found]
        else:
            taken = self._wide()[found.tolist(), :].to_native()
        return Rows(taken, self.kind, self.numbers[found])

    def put(self, column: str, values: pl.Series) -> Rows:
        """Return the rows with a column's values in place of its old ones; its dtype stays where it can hold the values."""
        if column not in self.columns:
            raise UsageError(f"there is no column {column!r}", hint=nearest(column, self.columns))
        return Rows(_PUT[self.kind](self.native, column, values, self), self.kind, self.numbers)

    def changed(self, column: str, places: Sequence[int] | NDArray[Any], values: Sequence[object] | pl.Series) -> Rows:
        """Return the rows with some cells of one column changed: the values stand for the rows at `places`."""
        series = self.frame[column]
        new = values if isinstance(values, pl.Series) else pl.Series(values, strict=False)
        if new.dtype != series.dtype:
            series, new = _one_type(series, new)
        mask = np.zeros(self.height, dtype=bool)
        spread = np.zeros(self.height, dtype=np.int64)
        mask[places], spread[places] = True, np.arange(len(new))
        picked = new[spread] if len(new) else series
        return self.put(
            column, pl.select(pl.when(pl.Series(mask)).then(picked).otherwise(series).alias(column)).to_series()
        )

    def select(self, columns: Sequence[str]) -> Rows:
        """Return the rows with these columns only, in this order."""
        if self.kind == "array":
            return Rows(self.native[:, [int(name) for name in columns]], self.kind, self.numbers)
        if self.kind == "records":
            return Rows([{n: row[n] for n in columns if n in row} for row in self.native], self.kind, self.numbers)
        return Rows(self._wide().select(*columns).to_native(), self.kind, self.numbers)

    def rebuilt(self, frame: pl.DataFrame) -> Any:
        """Return another frame as this kind of data: what a fault made of these rows, for the code that they were read for.

        Where a column has the values and the height that it had here, its native form is kept.
        """
        if self.kind == "polars":
            return frame
        if self.kind == "array":
            return frame.to_numpy()
        if self.kind == "records":
            return frame.to_dicts()
        if self.kind == "pyarrow":
            return frame.to_arrow()
        return _pandas_of(frame, self)

    def _wide(self) -> nw.DataFrame[Any]:
        found: nw.DataFrame[Any] = require("narwhals", extra="testing").from_native(self.native, eager_only=True)
        return found


def rows_of(data: object) -> Rows:
    """Return a person's data as rows of their own kind.

    Raises UsageError where it is none of the kinds that are known.

    >>> rows = rows_of([{"a": 1}, {"a": 2}, {"a": 3}])
    >>> rows.take([2, 0]).native, rows.take([2, 0]).numbers.tolist()
    ([{'a': 3}, {'a': 1}], [2, 0])
    """
    if isinstance(data, Rows):
        return data
    if isinstance(data, pl.LazyFrame):
        data = data.collect()
    if isinstance(data, pl.DataFrame):
        return Rows(data, "polars", np.arange(data.height))
    if isinstance(data, np.ndarray):
        if data.ndim != 2:
            raise UsageError(
                f"an array of {data.ndim} dimensions is no table", hint="give rows and columns: shape (n, k)"
            )
        return Rows(data, "array", np.arange(len(data)))
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        return Rows(data, "records", np.arange(len(data)))
    kind = type(data).__module__.partition(".")[0]
    if kind in ("pandas", "pyarrow") and type(data).__name__ in ("DataFrame", "Table"):
        height = len(data) if kind == "pandas" else data.num_rows  # type: ignore[arg-type,attr-defined]
        return Rows(data, kind, np.arange(height))
    raise UsageError(f"{type(data).__module__}.{type(data).__qualname__} holds no rows", hint=f"give {_KINDS}")


def refuse_columns(rows: Rows) -> None:
    """Raise UsageError where columns cannot be told apart by their names, or a name is no text.

    >>> refuse_columns(rows_of([{"a": 1}]))
    """
    names = list(rows.native.columns) if rows.kind == "pandas" else list(rows.columns)
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise UsageError(f"the rows have {names.count(twice[0])} columns named {twice[0]!r}", hint="name each once")
    odd = next((name for name in names if not isinstance(name, str)), None)
    if odd is not None:
        way = "rows.columns.map('_'.join)" if isinstance(odd, tuple) else "rows.columns.astype(str)"
        raise UsageError(f"a column is named {odd!r}, which is no text", hint=f"rows.columns = {way}")


def _readable(one_column: Any) -> bool:
    try:
        Rows(one_column, "pandas", np.arange(len(one_column)))._wide().to_polars()
    except Exception:  # as above: any error says that it is not
        return False
    return True


def _one_type(series: pl.Series, new: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return both as the first's dtype where that holds every value, else as a dtype that holds both."""
    try:
        return series, new.cast(series.dtype, strict=True)
    except pl.exceptions.PolarsError:
        pass
    if series.dtype.is_numeric() and new.dtype.is_numeric():
        return series.cast(pl.Float64), new.cast(pl.Float64)
    return series.cast(pl.String), new.cast(pl.String)


def _put_wide(native: Any, column: str, values: pl.Series, rows: Rows) -> Any:
    return native.with_columns(values.alias(column))


def _put_arrow(native: Any, column: str, values: pl.Series, rows: Rows) -> Any:
    return native.set_column(native.column_names.index(column), column, values.to_arrow())


def _put_array(native: Any, column: str, values: pl.Series, rows: Rows) -> Any:
    if native.dtype == object:
        held = native.copy()
        held[:, int(column)] = values.to_list()  # a missing value among whole numbers leaves them whole
        return held
    new = values.to_numpy()
    held = native.astype(np.result_type(native.dtype, new.dtype))
    held[:, int(column)] = new
    return held


def _put_records(native: Any, column: str, values: pl.Series, rows: Rows) -> Any:
    return [{**row, column: value} for row, value in zip(native, values.to_list(), strict=True)]


def _put_pandas(native: Any, column: str, values: pl.Series, rows: Rows) -> Any:
    return native.assign(**{column: _pandas_series(values, native[column], native.index)})


_PUT = {"polars": _put_wide, "pyarrow": _put_arrow, "array": _put_array, "records": _put_records, "pandas": _put_pandas}


def _pandas_series(values: pl.Series, old: Any, index: Any) -> Any:
    """Return values as a pandas series of the old one's dtype, where that dtype holds them."""
    pandas = require("pandas", extra="pandas")
    new = values.to_pandas()
    new.index = index
    if isinstance(old.dtype, pandas.CategoricalDtype):
        texts = new.astype(object)
        more = [value for value in pandas.unique(texts.dropna()) if value not in old.cat.categories]
        return texts.astype(pandas.CategoricalDtype([*old.cat.categories, *more], ordered=old.cat.ordered))
    if new.dtype == old.dtype:
        return new
    if values.dtype.is_integer() and pandas.api.types.is_extension_array_dtype(old.dtype):
        new = pandas.Series(values.to_list(), index=index, dtype=object)  # not as floats, which do not hold all of them
    try:
        with np.errstate(invalid="ignore"):  # a missing value has no whole number; whether all fit is asked below
            kept = new.astype(old.dtype)
    except (TypeError, ValueError, OverflowError):
        return new
    same = (kept == new) | (kept.isna() & new.isna())
    return kept if bool(same.all()) else new


def _pandas_of(frame: pl.DataFrame, rows: Rows) -> Any:
    """Return a frame as pandas; columns, dtypes and index are the rows' own wherever they still fit."""
    pandas = require("pandas", extra="pandas")
    native, before = rows.native, rows.frame
    index = native.index if frame.height == rows.height else pandas.RangeIndex(frame.height)
    made = {}
    for name in frame.columns:
        same_place = frame.height == rows.height and name in before.columns
        if same_place and frame[name].dtype == before[name].dtype and frame[name].equals(before[name], null_equal=True):
            made[name] = native[name]
        elif name in before.columns and frame[name].dtype == before[name].dtype:
            made[name] = _pandas_series(frame[name], native[name], index)
        else:
            made[name] = frame[name].to_pandas().set_axis(index)
    return pandas.DataFrame(made, index=index)
