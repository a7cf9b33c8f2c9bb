"""When each row happened, when it became known, whose it is, and which place it has among the rows of its entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import UsageError, nearest
from assay.testing.features.feature import Feature
from assay.testing.rows import Rows

__all__ = ["Clock", "clock_of", "instants", "microseconds", "said_span"]


@dataclass(frozen=True, eq=False)
class Clock:
    """Time, knowledge and entity of each row, as numbers.

    `time` and `known` count microseconds, or are the numbers that the data has (`spans` is False); `timed` is False where a row
    has no time. `entity` are codes from 0. Without a time column, `time` is the row's place. `settled` says that rows of one entity
    and instant stand in the order that they come in.
    """

    time: NDArray[np.int64]
    timed: NDArray[np.bool_]
    known: NDArray[np.int64]
    entity: NDArray[np.int64]
    spans: bool
    settled: bool = False

    def take(self, places: NDArray[np.int64]) -> Clock:
        """Return the clock of some of the rows."""
        return Clock(
            self.time[places], self.timed[places], self.known[places], self.entity[places], self.spans, self.settled
        )

    def ranks(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first and the last place, from 0, that each row can have within its entity; they differ among ties."""
        order = np.lexsort((self.time, self.entity))
        entity, time = self.entity[order], self.time[order]
        place = np.arange(len(order))
        new_entity = np.r_[True, entity[1:] != entity[:-1]][: len(order)]
        new_group = new_entity | np.r_[True, time[1:] != time[:-1]][: len(order)] | self.settled
        start = np.maximum.accumulate(np.where(new_entity, place, 0))
        first = np.maximum.accumulate(np.where(new_group, place, 0)) - start
        sizes = np.bincount(np.cumsum(new_group) - 1)
        last = first + np.repeat(sizes, sizes) - 1
        firsts, lasts = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
        firsts[order], lasts[order] = first, last
        return firsts, lasts

    def tied(self) -> NDArray[np.bool_]:
        """Return which rows share their time with another row of their entity."""
        first, last = self.ranks()
        return np.asarray(first != last)

    def sorted_within(self) -> bool:
        """Return whether the rows of each entity come in the order of time."""
        order = np.argsort(self.entity, kind="stable")
        falls = (np.diff(self.time[order]) < 0) & (np.diff(self.entity[order]) == 0)
        return not bool(falls.any())


def clock_of(subject: Feature, rows: Rows) -> Clock:
    """Return the clock of rows by what the feature declares.

    Raises UsageError where a declared column is not there, or holds no instants, and where a look-back is a duration and the
    time is a number.
    """
    frame, height = rows.frame, rows.height
    for name in (subject.time, subject.known_at, *subject.entity, *subject.columns):
        if name and name not in frame.columns:
            raise UsageError(
                f"{subject.name}: there is no column {name!r}",
                hint=nearest(name, frame.columns) + _in_index(rows, name),
            )
    time, timed, spans = np.arange(height), np.ones(height, dtype=bool), False
    if subject.time:
        time, timed, spans = instants(frame[subject.time], subject.time)
    known = time
    if subject.known_at:
        known, known_there, known_spans = instants(frame[subject.known_at], subject.known_at)
        if known_spans != spans:
            raise UsageError(
                f"{subject.name}: {subject.time!r} is {frame.schema[subject.time]}, {subject.known_at!r} is "
                f"{frame.schema[subject.known_at]}",
                hint="give both as instants or both as numbers",
            )
        timed = timed & known_there
    for what in ("lookback", "lag"):
        if isinstance(getattr(subject, what), timedelta) and not spans:
            raise UsageError(
                f"{subject.name}: {what} is a duration, and there are no instants to measure it by",
                hint=f"declare time= of instants, or {what} as a number of rows"
                if what == "lookback"
                else "declare time=",
            )
    entity = np.zeros(height, dtype=np.int64)
    if subject.entity and height:
        entity = _codes(frame, subject.entity)
    return Clock(time, timed, known, entity, spans, subject.order != "any")


def instants(series: pl.Series, name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_], bool]:
    """Return times as whole numbers, which rows have one, and whether the numbers are microseconds.

    Dates and instants count from 1970; text is read as ISO 8601; other numbers keep their order only.

    Raises UsageError where the column holds none of these.
    """
    there = series.is_not_null().to_numpy()
    spans = True
    if series.dtype == pl.String:
        try:
            series = series.str.to_datetime(strict=True)
        except pl.exceptions.PolarsError:
            raise UsageError(f"the time {name!r} is text", hint="give it as instants, or as ISO 8601") from None
    if series.dtype == pl.Date or isinstance(series.dtype, pl.Datetime):
        found = series.cast(pl.Datetime("us", getattr(series.dtype, "time_zone", None))).to_physical()
    elif series.dtype.is_integer():
        found, spans = series, False
    elif series.dtype.is_numeric():
        found, spans = series.rank("dense"), False
    elif series.null_count() == len(series):
        found, spans = pl.Series(np.zeros(len(series), np.int64)), True
    else:
        raise UsageError(f"the time {name!r} is {series.dtype}", hint="give it as instants, dates or numbers")
    return found.cast(pl.Int64).fill_null(0).to_numpy(), there, spans


def _codes(frame: pl.DataFrame, names: Sequence[str]) -> NDArray[np.int64]:
    """Return a number from 0 for each row's entity, by the order in which entities come; null is one of its own."""
    found = frame.select(names).with_row_index("__row")
    first = found.select(pl.col("__row").min().over(*names)).to_series()
    return first.rank("dense").to_numpy().astype(np.int64) - 1


def microseconds(span: timedelta | None) -> int:
    """Return a duration as a whole number of microseconds; 0 where there is none."""
    return 0 if span is None else span // timedelta(microseconds=1)


def said_span(count: int | float, *, spans: bool = True) -> str:
    """Return a span of time in words: "6 days", "90 minutes"; a plain number where it is no time.

    >>> said_span(6 * 86_400_000_000), said_span(5_400_000_000), said_span(3, spans=False)
    ('6 days', '1.5 hours', '3')
    """
    if not spans:
        return f"{count:g}"
    for name, size in (("day", 86_400e6), ("hour", 3_600e6), ("minute", 60e6), ("second", 1e6)):
        if abs(count) >= size:
            many = round(count / size, 2)
            return f"{many:g} {name}{'' if many == 1 else 's'}"
    return f"{count / 1e3:g} ms"


def _in_index(rows: Rows, name: str) -> str:
    index = getattr(rows.native, "index", None) if rows.kind == "pandas" else None
    if index is None or name not in list(index.names):
        return ""
    return f"; {name!r} is the index: give the rows with it as a column, and set it inside the function"
