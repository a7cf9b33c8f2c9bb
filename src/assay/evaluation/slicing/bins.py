"""Cuts of a scale: bins of numbers and instants, parts of the calendar, lengths of texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.kinds import kind_of
from assay.errors import UsageError, nearest
from assay.evaluation.slicing.cuts import Cut, cut_by_values, present
from assay.evaluation.slicing.names import column_name, literal, shortest

__all__ = [
    "BINS", "PARTS", "Edges", "Part", "bin_edges", "cut_by_bins", "cut_by_length", "cut_by_part", "whole_days",
]  # fmt: skip

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Edges: TypeAlias = Sequence[float | str]
Part = Literal["hour", "weekday", "day", "month", "quarter", "year"]

BINS = 4

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PARTS: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "hour": lambda at: at.dt.hour(),
    "weekday": lambda at: (at.dt.weekday() - 1).replace_strict(list(range(7)), _WEEKDAYS, return_dtype=pl.Enum(_WEEKDAYS)),
    "day": lambda at: at.dt.day(),
    "month": lambda at: at.dt.month(),
    "quarter": lambda at: at.dt.quarter(),
    "year": lambda at: at.dt.year(),
}  # fmt: skip


def cut_by_bins(frame: pl.DataFrame, column: str, *, bins: int | Edges = BINS) -> Cut:
    """Return the rows told apart by bins of a column of numbers or instants.

    `bins` is the rising inner edges (of instants as texts, "2013-02-01"), each the first value of the bin above it; or how
    many bins with about the same number of rows there are to be: fewer where many rows have the same value. Missing values
    are a place of their own; bins without rows are left out. Raises UsageError where the column or the edges do not fit.
    """
    values = present(frame, column)
    if not (kind_of(values.dtype).is_number or kind_of(values.dtype).is_instant):
        raise UsageError(
            f"the column {column!r} has values of type {str(values.dtype).lower()}, which have no bins",
            hint="slice by its values",
        )
    numbers, missing = _numbers(values)
    if isinstance(bins, int):
        if bins < 1:
            raise UsageError(f"the column {column!r} is to have {bins} bins; at least 1")
        edges = bin_edges(numbers[~missing], bins=bins)
        if values.dtype.is_temporal():
            edges = whole_days(edges, values.dtype)
    else:
        edges = _given(values, bins, column)
    codes = np.searchsorted(edges, numbers, side="right").astype(np.int64)
    return _without_empty(column, codes, missing, _ranges(column_name(column), edges, values.dtype))


def _numbers(values: pl.Series) -> tuple[Floats, NDArray[np.bool_]]:
    """Return values as floats (of instants, units since 1970), 0 where missing, and which are missing."""
    missing = values.is_null().to_numpy()
    physical = values.to_physical() if values.dtype.is_temporal() else values
    return physical.fill_null(0).cast(pl.Float64).to_numpy(), missing


def bin_edges(numbers: Floats, *, bins: int = BINS) -> Floats:
    """Return the inner edges of bins with about the same number of rows each, at numbers with few digits.

    A bin holds its lower edge. For fewer digits an edge may move by a twenty-fifth of a bin's rows. A value that more than
    one bin's worth of rows have gets a bin of its own, so that a column of mostly zeros still has two.

    >>> bin_edges(np.array([0.0] * 7 + [1.5, 2.25, 3.125]), bins=2).tolist()
    [1.0]
    """
    if not len(numbers) or bins < 2:
        return np.zeros(0)
    ordered = np.sort(numbers)
    n = len(ordered)
    first = ordered[(np.arange(1, bins) * n) // bins]  # the value at each inner quantile
    starts = np.searchsorted(ordered, first, side="left")  # where its run begins, and where it ends
    ends = np.searchsorted(ordered, first, side="right")
    heavy = ends - starts > n / bins
    slack = n // (25 * bins)
    rounded = [
        shortest(float(ordered[max(at - slack, 1) - 1]), float(ordered[min(at + slack, n - 1)]))
        for at in starts[~heavy]
    ]
    exact = np.concatenate([starts[heavy], ends[heavy]])
    exact = exact[(exact > 0) & (exact < n)]
    split = [shortest(float(ordered[at - 1]), float(ordered[at])) for at in exact]
    edges = np.unique(np.array([*rounded, *split], dtype=np.float64))
    return np.asarray(edges[(edges > ordered[0]) & (edges <= ordered[-1])])


def whole_days(edges: Floats, dtype: pl.DataType) -> Floats:
    """Return edges of instants at midnight, where they lie many days apart."""
    if dtype == pl.Date or len(edges) < 1:
        return np.unique(np.floor(edges))
    days = pl.Series(edges).cast(pl.Int64).cast(dtype).dt.truncate("1d").to_physical().cast(pl.Float64).to_numpy()
    moved = np.abs(edges - days).max()
    return np.unique(days) if len(edges) > 1 and np.diff(days).min() > 10 * moved else np.unique(np.floor(edges))


def _given(values: pl.Series, edges: Edges, column: str) -> Floats:
    """Return edges that a person gave as the floats that the column's values are compared as."""
    try:
        told = pl.Series(list(edges))
        if kind_of(values.dtype).is_instant and told.dtype == pl.String:
            zone = getattr(values.dtype, "time_zone", None)
            told = told.str.to_datetime(strict=True) if values.dtype != pl.Date else told.str.to_date(strict=True)
            told = told if zone is None or told.dtype == pl.Date else told.dt.replace_time_zone(zone)
        told = told.cast(values.dtype).to_physical() if kind_of(values.dtype).is_instant else told.cast(pl.Float64)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise UsageError(
            f"the edges {list(edges)!r} do not fit the column {column!r} of type {str(values.dtype).lower()}",
            hint=str(error).splitlines()[0],
        ) from None
    found = told.cast(pl.Float64).to_numpy()
    if not (np.isfinite(found).all() and (np.diff(found) > 0).all()):
        raise UsageError(f"the edges of {column!r} are {list(edges)!r}; they must rise")
    return np.asarray(found, dtype=np.float64)


def _ranges(title: str, edges: Floats, dtype: pl.DataType) -> list[str]:
    """Return how each bin reads, the one below the first edge first."""
    if not len(edges):
        return [f"{title} is not missing"]
    at = pl.Series(edges)
    told = [literal(edge) for edge in (at.cast(pl.Int64).cast(dtype) if dtype.is_temporal() else at)]
    inner = [f"{title} in [{low}, {high})" for low, high in pairwise(told)]
    return [f"{title} < {told[0]}", *inner, f"{title} >= {told[-1]}"]


def _without_empty(column: str, codes: Codes, missing: NDArray[np.bool_], names: list[str]) -> Cut:
    codes = np.where(missing, len(names), codes)
    names = [*names, f"{column_name(column)} is missing"]
    there = np.bincount(codes, minlength=len(names)) > 0
    kept = tuple(name for name, is_there in zip(names, there.tolist(), strict=True) if is_there)
    return Cut((column,), np.asarray((np.cumsum(there) - 1)[codes], dtype=np.int64), kept)


def cut_by_part(frame: pl.DataFrame, column: str, *, part: Part = "month") -> Cut:
    """Return the rows told apart by a part of the calendar of instants: hour, weekday, day, month, quarter or year.

    Raises UsageError where the column has no instants, or dates have no hour.

    >>> from datetime import date
    >>> cut_by_part(pl.DataFrame({"day": [date(2013, 1, 7), date(2013, 1, 6)]}), "day", part="weekday").names
    ("weekday of day = 'Mon'", "weekday of day = 'Sun'")
    """
    if part not in PARTS:
        raise UsageError(f"there is no part of the calendar {part!r}", hint=nearest(part, PARTS))
    values = present(frame, column)
    if not kind_of(values.dtype).is_instant or (part == "hour" and values.dtype == pl.Date):
        raise UsageError(f"the column {column!r} has values of type {str(values.dtype).lower()}, which have no {part}")
    told = frame.select(PARTS[part](pl.col(column)).alias(column)).get_column(column)
    if part == "weekday":
        codes = told.to_physical().fill_null(len(_WEEKDAYS)).cast(pl.Int64).to_numpy()
        found = [f"weekday of {column_name(column)} = {literal(day)}" for day in _WEEKDAYS]
        return _without_empty(column, codes, told.is_null().to_numpy(), found)
    return _renamed(cut_by_values(told.to_frame(), column, most=31), f"{part} of ")


def cut_by_length(frame: pl.DataFrame, column: str, *, bins: int | Edges = BINS) -> Cut:
    """Return the rows told apart by the length of their texts, in characters, as `cut_by_bins` tells numbers apart.

    >>> cut_by_length(pl.DataFrame({"name": ["Al", "Bo", "Cleopatra"]}), "name", bins=[5]).names
    ('length of name < 5', 'length of name >= 5')
    """
    values = present(frame, column)
    if not kind_of(values.dtype).is_text:
        raise UsageError(f"the column {column!r} has values of type {str(values.dtype).lower()}, which have no length")
    lengths = values.cast(pl.String).str.len_chars().to_frame()
    return _renamed(cut_by_bins(lengths, column, bins=bins), "length of ")


def _renamed(cut: Cut, before: str) -> Cut:
    missing = f"{column_name(cut.columns[0])} is missing"
    return Cut(cut.columns, cut.codes, tuple(name if name == missing else before + name for name in cut.names))
