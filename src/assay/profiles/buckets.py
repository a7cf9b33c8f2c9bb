"""States per bucket of time, from one scan: what a dataset was like each day, each hour.

A bucket's number says which one it is, so that states of any two batches merge, in whatever order the rows come. A window
is then a merge of buckets, and nothing is read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl

from assay.codec import format_duration
from assay.data.dataset import Dataset
from assay.data.engine import Batch, Engine, Progress
from assay.data.kinds import kind_of
from assay.errors import DataError, UsageError, nearest
from assay.profiles.column import Need
from assay.profiles.edges import Edges, sample_edges
from assay.profiles.kernel import Measured, Measurement, present
from assay.profiles.physical import Whole, local_numbers, unit_of, value_of
from assay.profiles.profile import Profile, chosen_needs, from_measured, profile_needs

__all__ = ["MOST", "Bucketed", "Buckets", "History", "profile_history"]

MOST = 4096  # buckets
CELLS = 65_536  # buckets times columns, so that their states fit in memory
DAY, CENTURY = timedelta(days=1), timedelta(days=36_525)
MICROSECOND = timedelta(microseconds=1)


class Buckets(msgspec.Struct, frozen=True):
    """What was measured in each bucket that has rows, by its number, and how many rows have no time."""

    measured: dict[int, Measured] = {}
    undated: int = 0
    limit: Limit | None = None

    def merge(self, other: Buckets) -> Buckets:
        """Return the buckets of both; raise `DataError` where they are too many to keep."""
        both = dict(self.measured)
        for number, state in other.measured.items():
            both[number] = both[number].merge(state) if number in both else state
        limit = self.limit or other.limit
        if limit is not None:
            limit.hold(len(both))
        return Buckets(both, self.undated + other.undated, limit)


class Limit(msgspec.Struct, frozen=True):
    """How many buckets may be kept, and whose they are."""

    most: int
    time: str
    every: timedelta

    def hold(self, buckets: int) -> None:
        """Raise `DataError` where there are more buckets than may be kept."""
        if buckets > self.most:
            raise DataError(
                f"the times in {self.time!r} lie in more than {self.most:,} buckets; every is {format_duration(self.every)}",
                hint="give a longer `every`, or fewer columns",
            )


@dataclass(frozen=True)
class Bucketed:
    """The plan that measures another plan in each bucket of a column of instants or dates.

    Buckets of whole days begin at midnight in the column's zone (in UTC where it has none), so that a day on which
    clocks change has 23 or 25 hours; they are counted from the first of January 1970, those of whole weeks from the
    Monday after. All others have the same length, and are counted from 1970 in UTC; a date is its midnight there.

    Rows of a bucket need not follow one another, so that no order can be measured, and no row be pointed to. Raises
    `UsageError` where that is asked for, there is no such column of time, or `every` is below a second or beyond a century.
    """

    plan: Measurement
    time: str
    every: timedelta

    def __post_init__(self) -> None:
        schema = self.plan.schema
        if self.time not in schema:
            raise UsageError(f"there is no column {self.time!r}", hint=nearest(self.time, schema))
        if not kind_of(schema[self.time]).is_instant:
            kind = kind_of(schema[self.time]).value
            raise UsageError(f"{self.time!r} holds {kind} values; buckets are of a column of dates or instants")
        if not timedelta(seconds=1) <= self.every <= CENTURY:
            raise UsageError(f"every is {format_duration(self.every)}; a bucket is a second to a hundred years long")
        if self.plan.rules or any(need.state == "order" for need in self.plan.needs):
            raise UsageError("the rows of a bucket need not follow one another; leave out row rules and order")

    @cached_property
    def columns(self) -> list[str]:
        """Return the columns that must be read, in the order of the schema."""
        return [name for name in self.plan.schema if name == self.time or name in (self.plan.columns or ())]

    @cached_property
    def limit(self) -> Limit:
        """Return how many buckets may be kept."""
        return Limit(max(min(MOST, CELLS // len(self.columns)), 2), self.time, self.every)

    def empty(self) -> Buckets:
        """Return the buckets of no rows."""
        return Buckets(limit=self.limit)

    def measure(self, batch: Batch) -> Buckets:
        """Return the states of each bucket that a batch has rows of; raise `DataError` where these are too many."""
        dtype = batch.frame.schema[self.time]
        there = present(self.time, dtype, (self.plan.sentinels or {}).get(self.time, ()))
        when = batch.frame.select(there.alias("when")).to_series()
        undated = when.null_count()
        dated = batch.frame.filter(when.is_not_null()) if undated else batch.frame
        parts = list(self._parts(dated, self.numbers(when.drop_nulls())))
        return Buckets(
            {number: self.plan.measure(Batch(rows, batch.offset)) for number, rows in parts}, undated, self.limit
        )

    def _parts(self, rows: pl.DataFrame, numbers: Whole) -> Iterator[tuple[int, pl.DataFrame]]:
        if np.any(numbers[1:] < numbers[:-1]):
            order = np.argsort(numbers, kind="stable")
            rows, numbers = rows[order], numbers[order]
        found, starts = np.unique(numbers, return_index=True)
        self.limit.hold(len(found))
        sizes = np.diff(starts, append=len(numbers))
        for number, start, size in zip(found.tolist(), starts.tolist(), sizes.tolist(), strict=True):
            yield number, rows.slice(start, size)

    @property
    def _whole_days(self) -> int:
        return self.every // DAY if self.every % DAY == timedelta() else 0

    @property
    def _first_day(self) -> int:
        return 4 if self._whole_days % 7 == 0 else 0  # the fifth of January 1970 was a Monday

    def numbers(self, instants: pl.Series) -> Whole:
        """Return the number of each instant's bucket; none may be null."""
        dtype = instants.dtype
        if self._whole_days:
            local = local_numbers(instants)
            days = local if dtype == pl.Date else local // int(Fraction(DAY // MICROSECOND) / unit_of(dtype))
            return (days - self._first_day) // self._whole_days
        length = Fraction(self.every // MICROSECOND) / unit_of(dtype)
        stored: Whole = instants.to_physical().to_numpy().astype(np.int64)
        if dtype == pl.Date:  # the parts of a length in days are too large for 64 bits, and the days are few
            days, which = np.unique(stored, return_inverse=True)
            return np.array([day // length for day in days.tolist()], dtype=np.int64)[which]
        whole = stored // length.numerator
        numbers: Whole = whole * length.denominator
        if length.denominator > 1:
            numbers += (stored - whole * length.numerator) * length.denominator // length.numerator
        return numbers

    def start(self, number: int) -> datetime:
        """Return the instant at which a bucket begins: of whole days in the column's zone, else in UTC.

        A midnight that clocks leap over stands for the instant at which they do. What lies beyond Python's own dates is
        the first or the last that there is.
        """
        days = self._whole_days
        if not days:
            micros = number * (self.every // MICROSECOND)
            started: datetime = value_of(Fraction(micros), pl.Datetime("us", "UTC"))
            return started
        zone = getattr(self.plan.schema[self.time], "time_zone", None)
        day: date = value_of(Fraction(number * days + self._first_day), pl.Date())
        return datetime.combine(day, time(), tzinfo=UTC if zone in (None, "UTC") else ZoneInfo(zone))


class History(msgspec.Struct, frozen=True):
    """The profiles of a dataset's buckets by the instant at which each begins, in order; empty ones are left out.

    `undated` rows have no time, and are in none.
    """

    every: timedelta
    windows: tuple[tuple[datetime, Profile], ...]
    undated: int = 0


def profile_history(
    dataset: Dataset, *, time: str, every: timedelta, engine: Engine, edges: Edges | None = None,
    needs: Sequence[Need] | None = None, progress: Progress | None = None,
) -> History:  # fmt: skip
    """Return the profiles of a dataset's buckets of time, from one scan: together they merge to that of all dated rows.

    `time` is a column of dates or instants, `every` the length of a bucket (see `Bucketed` for where they begin). All
    histograms of a column stand on the same edges: those of its need, else of `edges`, else the quantiles of the first
    rows. `needs` are as in `profile_dataset`; by default all states but order. What is only seen in a sample of each
    batch (shapes and words of texts) is sampled in each bucket of it.

    Raises `UsageError` where a column is not there or does not fit, `DataError` where there are more than 4,096 buckets,
    or fewer where the columns are many: 65,536 buckets times columns.
    """
    if edges is None:
        bare = None if needs is None else {n.columns[0] for n in needs if n.state == "histogram" and not n.parameter}
        edges = sample_edges(dataset, columns=bare)
    if needs is None:
        needs = (*profile_needs(dataset.schema, edges=edges), *(Need("counts", (name,)) for name in dataset.schema))
        needs = tuple(need for need in needs if need.state != "order")
    chosen = chosen_needs(dataset, needs, edges=edges)
    names = tuple(dict.fromkeys(need.columns[0] for need in needs))
    plan = Measurement(dataset.schema, (*chosen, *(Need("counts", (name,)) for name in names)))
    bucketed = Bucketed(plan, time, every)
    found = engine.fold(dataset, bucketed, progress=progress)
    windows = (
        (bucketed.start(number), from_measured(dataset, found.measured[number], columns=names))
        for number in sorted(found.measured)
    )
    return History(every, tuple(windows), found.undated)
