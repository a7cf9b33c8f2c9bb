"""Slices and cuts: parts of the rows that have a name, by the values of a column, and by what two columns share.

A `Cut` tells all rows apart at once, as one small number a row: what is summed up for twenty slices is summed up in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.kinds import Kind, kind_of
from assay.errors import UsageError, nearest
from assay.evaluation.slicing.names import column_name, literal

__all__ = [
    "MOST_VALUES", "Cut", "Slice", "crossed", "cut_by_slices", "cut_by_values", "literals", "present",
]  # fmt: skip

Codes = NDArray[np.int64]

MOST_VALUES = 20  # more categories than a person reads in a table; the rest of them are pooled


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows with a name that says which: `name` reads as a predicate ("sex = 'F'", "age in [30, 45)"), `columns` it is about."""

    name: str
    columns: tuple[str, ...]
    rows: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cut:
    """A way to tell rows apart: `codes` is the place of each row in `names`, or -1 for a row that is at none of them.

    No row is at two places. `columns` are those that the names are about.

    >>> cut = cut_by_values(pl.DataFrame({"sex": ["F", "M", None, "F"]}), "sex")
    >>> cut.names, cut.codes.tolist()
    (("sex = 'F'", "sex = 'M'", 'sex is missing'), [0, 1, 2, 0])
    """

    columns: tuple[str, ...]
    codes: Codes
    names: tuple[str, ...]

    @property
    def sizes(self) -> Codes:
        """Return how many rows are at each place."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))

    @property
    def slices(self) -> tuple[Slice, ...]:
        """Return the slice of each place, as a mask of the rows."""
        return tuple(Slice(name, self.columns, self.codes == place) for place, name in enumerate(self.names))


def cut_by_values(frame: pl.DataFrame, column: str, *, most: int = MOST_VALUES, rows_at_least: int = 1) -> Cut:
    """Return the rows told apart by the values of a column, in the values' order.

    The `most` most frequent values that have `rows_at_least` rows stand for themselves. Two or more that are left are pooled
    as "other values". Missing values (null, and NaN of floats) are a place of their own. Raises UsageError where there is no
    such column, or its values are lists, structs or bytes.
    """
    values = present(frame, column)
    if kind_of(values.dtype).is_nested or kind_of(values.dtype) is Kind.BINARY:
        raise UsageError(
            f"the column {column!r} has values of type {str(values.dtype).lower()}, which make no slices",
            hint="make a column of numbers, texts or instants of it",
        )
    if values.dtype in (pl.Categorical, pl.Enum):
        values = values.cast(pl.String)
    counted = (
        values.drop_nulls().alias("value").value_counts(name="rows").sort("rows", "value", descending=[True, False])
    )
    kept = min(most, int((counted["rows"] >= rows_at_least).sum()))
    if counted.height - kept == 1:
        kept += 1  # a pool of one value is that value
    shown, n_others = counted["value"].head(kept).sort(), counted.height - kept
    title = column_name(column)
    names = [f"{title} = {text}" for text in literals(shown)]
    names += [f"{title} in {n_others} other values"] if n_others else []
    names += [f"{title} is missing"] if values.null_count() else []
    return Cut((column,), _codes(values, shown, n_others), tuple(names))


def literals(values: pl.Series) -> list[str]:
    """Return how each of some distinct values reads in a predicate: long texts cut short, unless two would read the same."""
    short = [literal(value) for value in values]
    return short if len(set(short)) == len(short) else [literal(value, width=0) for value in values]


def _codes(values: pl.Series, shown: pl.Series, n_others: int) -> Codes:
    """Return the place of each value among those shown; after them stand all others, and after these missing ones."""
    known = pl.DataFrame({"value": shown, "place": np.arange(len(shown), dtype=np.int64)})
    told = pl.DataFrame({"value": values}).join(known, on="value", how="left", maintain_order="left")
    places = told["place"].fill_null(len(shown)).to_numpy().copy()
    places[values.is_null().to_numpy()] = len(shown) + (n_others > 0)
    return np.asarray(places, dtype=np.int64)


def present(frame: pl.DataFrame, column: str) -> pl.Series:
    """Return a column with NaN as null; raise UsageError, with the nearest name, where there is no such column."""
    if column not in frame.columns:
        raise UsageError(f"there is no column {column!r} to slice by", hint=nearest(column, frame.columns))
    values = frame[column]
    return values.fill_nan(None) if values.dtype.is_float() else values


def crossed(first: Cut, second: Cut) -> Cut:
    """Return the rows told apart by both of two cuts; places that no row is at are left out.

    >>> frame = pl.DataFrame({"sex": ["F", "M", "F"], "old": [True, True, False]})
    >>> crossed(cut_by_values(frame, "sex"), cut_by_values(frame, "old")).names
    ("sex = 'F' AND old = false", "sex = 'F' AND old = true", "sex = 'M' AND old = true")
    """
    both = np.where((first.codes < 0) | (second.codes < 0), -1, first.codes * len(second.names) + second.codes)
    there = np.bincount(both[both >= 0], minlength=len(first.names) * len(second.names)) > 0
    places = np.where(there, np.cumsum(there) - 1, -1)
    codes = np.where(both < 0, -1, places[both])
    names = [f"{a} AND {b}" for a, b in product(first.names, second.names)]
    kept = tuple(name for name, is_there in zip(names, there.tolist(), strict=True) if is_there)
    return Cut(_united(first.columns, second.columns), codes, kept)


def _united(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def cut_by_slices(slices: Sequence[Slice]) -> tuple[Cut, ...]:
    """Return slices, which may overlap, as cuts of one place each."""
    return tuple(Cut(one.columns, np.where(one.rows, 0, -1), (one.name,)) for one in slices)
