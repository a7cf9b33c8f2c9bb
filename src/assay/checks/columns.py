"""One column as a stream: its values in the order of the rows, batch by batch, with the row and the time of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.checks.bounds import shown
from assay.data.dataset import Dataset
from assay.data.engine import Progress
from assay.data.kinds import Kind
from assay.data.polars_engine import batches
from assay.errors import UsageError

__all__ = ["Reading", "Values", "check_column"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Values:
    """The values that some rows have, in their order: the numbers, each one's row in the dataset, and the row's others."""

    numbers: Floats
    rows: NDArray[np.int64]
    beside: pl.DataFrame

    def about(self, place: int) -> dict[str, object]:
        """Return what stands beside one value, by column."""
        return self.beside.row(place, named=True) if self.beside.width else {}


def check_column(dataset: Dataset, column: str, *others: str) -> None:
    """Raise `UsageError` where a dataset has no such columns, or the first of them no numbers."""
    dataset.refuse_unknown((column, *others))
    kind = dataset.columns[column]
    if not (kind.is_number or kind is Kind.BOOLEAN):
        said = f"the column {column!r} holds {kind.value} values; a stream is of numbers, or of bits (1 is an error)"
        raise UsageError(said, place=dataset.name, hint=_numbers(dataset))


class Reading:
    """A column being read; afterwards it says how many rows there were and how many had no value.

    `beside` are columns to read with it; `time` is one of them, whose steps back are counted.

    Raises `UsageError` where a column is not there or the column has no numbers.
    """

    def __init__(self, dataset: Dataset, column: str, *, time: str | None = None, beside: Sequence[str] = ()) -> None:
        check_column(dataset, column, *beside, *([time] if time else []))
        self.dataset, self.column, self.time = dataset, column, time
        self.rows = self.missing = self.backwards = 0
        self.remarks: list[str] = []
        self._beside = list(dict.fromkeys((*([time] if time else []), *beside)))
        self._ordered = bool(time) and (
            dataset.columns[time or ""].is_temporal or dataset.columns[time or ""].is_number
        )
        self._last: object = None

    def parts(self, progress: Progress | None = None) -> Iterator[Values]:
        """Yield the values, batch by batch; raise `DataError` where a row cannot be read."""
        names = list(dict.fromkeys((self.column, *self._beside)))
        for batch in batches(self.dataset, columns=names):
            series = batch.frame.get_column(self.column).cast(pl.Float64)
            there = (series.is_not_null() & series.is_not_nan()).fill_null(value=False)
            places = np.flatnonzero(there.to_numpy())
            self.rows += len(series)
            self.missing += len(series) - len(places)
            if self._ordered and self.time is not None:
                self._step(batch.frame.get_column(self.time))
            beside = pl.DataFrame([batch.frame.get_column(name) for name in self._beside])
            kept = beside if len(places) == len(series) or not self._beside else beside[places]
            yield Values(series.to_numpy()[places], places + batch.offset, kept)
            if progress is not None:
                progress(batch.offset + len(series))

    def numbers(self) -> Floats:
        """Return all values at once."""
        return np.concatenate([part.numbers for part in self.parts()])

    def notes(self) -> tuple[str, ...]:
        """Return what a person should know about the values that were read."""
        notes = []
        if self.missing:
            notes.append(f"{self.missing:,} of {self.rows:,} values of {self.column!r} are missing and were left out")
        if self.backwards:
            times = "once" if self.backwards == 1 else f"{self.backwards:,} times"
            notes.append(f"{self.time!r} steps back {times}; the rows were taken in their own order")
        return (*notes, *self.remarks)

    def place(self, row: int, about: dict[str, object]) -> str:
        """Return where a row stands, in words: its number, and its time where one is read."""
        when = f" ({shown(about[self.time])})" if self.time is not None and about.get(self.time) is not None else ""
        return f"row {row:,}{when}"

    def _step(self, times: pl.Series) -> None:
        known = times.drop_nulls()
        if not len(known):
            return
        self.backwards += int((known.shift(1) > known).sum())
        first: object = known[0]
        self.backwards += int(self._last is not None and bool(self._last > first))  # type: ignore[operator]
        self._last = known[-1]


def _numbers(dataset: Dataset) -> str:
    names = [name for name, kind in dataset.columns.items() if kind.is_number or kind is Kind.BOOLEAN]
    return f"columns of numbers: {', '.join(names[:8])}" if names else "it has no column of numbers"
