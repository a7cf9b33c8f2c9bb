"""The axes of a search for slices: each feature as a few places, and the ranges of places that may be a slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.kinds import Kind, kind_of
from assay.evaluation.slicing.bins import PARTS, bin_edges, whole_days
from assay.evaluation.slicing.cuts import literals, present
from assay.evaluation.slicing.names import column_name, literal

__all__ = ["FINE", "MOST_PLACES", "Axis", "axes_of"]

Floats = NDArray[np.float64]
Places = NDArray[np.int16]

FINE = 10  # bins of a number, any run of which may be a slice
FEW = 24  # distinct numbers up to which each is a place of its own
MOST_PLACES = 50  # categories that may be a slice
Kinds = Literal["values", "bins", "days"]

SAMPLE = 100_000  # rows that the edges of bins are found on

_CALENDAR = ("hour", "weekday", "month")


@dataclass(frozen=True, slots=True)
class Axis:
    """One way to tell rows apart, and which of its places together may be a slice.

    `codes` is the place of each row; `runs` is r by 2: a slice is the rows at places first to last - 1, of all r runs. Places
    on a scale make runs of any length, categories and missing values only of length 1. `told` is how each place reads (of bins,
    their lower edges), `title` what they are places of, and `kind` what kind of places they are.
    """

    column: str
    title: str
    codes: Places
    told: tuple[str, ...]
    runs: NDArray[np.int64]
    kind: Kinds = "values"

    @property
    def places(self) -> int:
        """Return how many places there are."""
        return len(self.told)

    @property
    def members(self) -> Floats:
        """Return which places each run has, r by places of 0 and 1: sums over places become sums over runs by a product."""
        at = np.arange(self.places)
        return ((at >= self.runs[:, :1]) & (at < self.runs[:, 1:])).astype(np.float64)

    def name(self, run: int) -> str:
        """Return how a run reads as a predicate."""
        first, last = self.runs[run].tolist()
        told, top = self.told, self.places - (self.told[-1] == "missing")
        if told[first] == "missing":
            return f"{self.title} is missing"
        if first == 0 and last == top < self.places:
            return f"{self.title} is not missing"
        if last - first == 1 and self.kind != "bins":
            return f"{self.title} {told[first]}" if told[first].startswith("in ") else f"{self.title} = {told[first]}"
        if self.kind == "days":
            return f"{self.title} from {told[first]} to {told[last - 1]}"
        if last == top:
            return f"{self.title} >= {told[first]}"
        return f"{self.title} < {told[last]}" if first == 0 else f"{self.title} in [{told[first]}, {told[last]})"

    def at(self, rows: NDArray[np.int64]) -> Axis:
        """Return the axis of some of the rows."""
        return replace(self, codes=self.codes[rows])

    def mask(self, run: int) -> NDArray[np.bool_]:
        """Return the rows of a run."""
        first, last = self.runs[run].tolist()
        return np.asarray((self.codes >= first) & (self.codes < last))


def axes_of(
    frame: pl.DataFrame, columns: Sequence[str], *, rows_at_least: int, rng: np.random.Generator
) -> tuple[tuple[Axis, ...], tuple[str, ...]]:
    """Return the axes of columns, and a sentence for each column that has none.

    Numbers and instants are told apart by bins of equal size, or by value where there are few; instants also by hour,
    weekday and month; texts by value where values repeat, else by length. Identifiers, and what has one value only, are
    left out.
    """
    sample = rng.permutation(frame.height)[:SAMPLE] if frame.height > SAMPLE else np.arange(frame.height)
    axes: list[Axis] = []
    notes: list[str] = []
    for column in columns:
        found = _axes_of(frame, column, sample, rows_at_least)
        if isinstance(found, str):
            notes.append(f"{column} was not searched: {found}")
        else:
            axes += [axis for axis in found if axis.places > 1]
            if not any(axis.places > 1 for axis in found):
                notes.append(f"{column} was not searched: all rows have the same value")
    return tuple(axes), tuple(notes)


def _axes_of(frame: pl.DataFrame, column: str, sample: NDArray[np.int64], rows_at_least: int) -> list[Axis] | str:
    values = present(frame, column)
    kind, title = kind_of(values.dtype), column_name(column)
    if kind.is_nested or kind in (Kind.BINARY, Kind.OTHER, Kind.NULL):
        return f"its values are of type {str(values.dtype).lower()}"
    if kind.is_number:
        return [_of_numbers(values, column, title, sample)]
    if kind.is_instant:
        parts = [part for part in _CALENDAR if part != "hour" or kind is Kind.DATETIME]
        told = frame.select(PARTS[part](pl.col(column)).alias(part) for part in parts)
        calendar = [_of_calendar(told[part], column, f"{part} of {title}") for part in parts]
        return [_of_numbers(values, column, title, sample), *calendar]
    if kind in (Kind.TIME, Kind.DURATION):
        return [_of_numbers(values, column, title, sample)]
    return _of_texts(values, column, title, sample, rows_at_least)


def _of_numbers(values: pl.Series, column: str, title: str, sample: NDArray[np.int64]) -> Axis:
    """Return the axis of a scale: runs of neighbouring places, and the place of missing values alone."""
    physical = values.to_physical() if values.dtype.is_temporal() else values
    missing = values.is_null().to_numpy()
    numbers = physical.fill_null(0).cast(pl.Float64).to_numpy()
    seen = numbers[sample][~missing[sample]]
    distinct = np.unique(seen)
    is_binned = len(distinct) > FEW
    if is_binned:
        edges = bin_edges(seen, bins=FINE)
        edges = whole_days(edges, values.dtype) if kind_of(values.dtype).is_instant else edges
        starts = np.concatenate([[seen.min() if len(seen) else 0.0], edges])
    else:
        edges, starts = distinct[1:], distinct
    codes = np.searchsorted(edges, numbers, side="right").astype(np.int16)
    back = pl.Series(starts).cast(pl.Int64).cast(values.dtype) if values.dtype.is_temporal() else pl.Series(starts)
    told = [literal(value) for value in back]
    return _with_missing(codes, missing, told, (column, title), kind="bins" if is_binned else "values")


def _of_calendar(told: pl.Series, column: str, title: str) -> Axis:
    """Return the axis of a part of the calendar, in its order."""
    missing = told.is_null().to_numpy()
    if isinstance(told.dtype, pl.Enum):
        codes = told.to_physical().fill_null(0).cast(pl.Int16).to_numpy()
        return _with_missing(
            codes, missing, [literal(day) for day in told.dtype.categories], (column, title), kind="days"
        )
    numbers = told.cast(pl.Int64).fill_null(-1).to_numpy()
    distinct = np.unique(numbers[~missing])
    codes = np.searchsorted(distinct, numbers).astype(np.int16)
    return _with_missing(codes, missing, [literal(value) for value in distinct.tolist()], (column, title))


def _with_missing(
    codes: Places, missing: NDArray[np.bool_], told: list[str], named: tuple[str, str], *, kind: Kinds = "values"
) -> Axis:
    """Return the axis of places in order, of which every run but all may be a slice, and of missing values, a place alone."""
    k = len(told)
    first, last = np.triu_indices(k)
    runs = np.column_stack([first, last + 1])
    runs = runs[(runs[:, 1] - runs[:, 0]) < k]
    if missing.any():
        codes = np.where(missing, k, codes).astype(np.int16)
        whole = [[0, k]] if k else []  # whatever is not missing
        runs, told = np.concatenate([runs, np.array([*whole, [k, k + 1]])]), [*told, "missing"]
    return Axis(*named, codes, tuple(told), runs.astype(np.int64), kind)


def _of_texts(
    values: pl.Series, column: str, title: str, sample: NDArray[np.int64], rows_at_least: int
) -> list[Axis] | str:
    """Return the axis of categories, each a place; of texts of which most hardly repeat, that of their lengths."""
    texts = values.cast(pl.String) if kind_of(values.dtype).is_text else values
    counted = (
        texts.drop_nulls().alias("value").value_counts(name="rows").sort("rows", "value", descending=[True, False])
    )
    kept = counted.filter(pl.col("rows") >= rows_at_least).head(MOST_PLACES)
    if not kept.height and (not kind_of(values.dtype).is_text or counted.height < 2):
        return f"none of its {counted.height} values has {rows_at_least} rows"
    found: list[Axis] = []
    if kind_of(values.dtype).is_text and 2 * int(kept["rows"].sum()) < int(counted["rows"].sum()):
        lengths = texts.str.len_chars()
        if lengths.drop_nulls().n_unique() > 2:
            found.append(_of_numbers(lengths, column, f"length of {title}", sample))
    if not kept.height:
        return found or f"its {counted.height} values hardly repeat, as those of an identifier do"
    told, n_others = literals(kept["value"]), counted.height - kept.height
    known = kept.select("value").with_columns(place=pl.int_range(pl.len(), dtype=pl.Int16))
    codes = pl.DataFrame({"value": texts}).join(known, on="value", how="left", maintain_order="left")["place"]
    places = codes.fill_null(len(told)).to_numpy().copy()
    told += [f"in {n_others} other values"] if n_others else []
    missing = texts.is_null().to_numpy()
    if missing.any():
        places[missing] = len(told)
        told.append("missing")
    singles = np.arange(len(told))
    return [Axis(column, title, places, tuple(told), np.column_stack([singles, singles + 1])), *found]
