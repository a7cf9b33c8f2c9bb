"""Try suggested checks on rows that they were not made from.

The rows are cut twice: into stretches in order (of time, where there is one), and at random into four groups. Suites made
from all stretches but one are judged on that one; suites made from two groups are judged on the other two. The first
says how a suite bears the ordinary ups and downs of the data, the second how it bears a fresh sample of half the size.
One scan profiles all parts; a second one judges all trials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import msgspec
import numpy as np
import polars as pl

from assay.checks.check import Check, Context, Pending, RowTest, StateTest
from assay.checks.judge import Planned, measurement_of, plan_checks
from assay.checks.rows import rows_judged
from assay.checks.suite import Suite
from assay.data.engine import Batch
from assay.data.names import cols
from assay.data.sample import row_keys
from assay.profiles.column import Need
from assay.profiles.kernel import Failed, Measured, Measurement

__all__ = ["GROUPS", "HALVES", "Cut", "Part", "Parts", "PartsPlan", "Result", "Tried", "results"]

GROUPS = 4
HALVES = (
    (0, 1),
    (2, 3),
    (0, 2),
    (1, 3),
    (0, 3),
    (1, 2),
)  # pairs of groups: each is judged by a suite made from the other two
WHOLE = "whole"
OF_ALL = frozenset({"fresh"})  # what only the newest rows can show
Part: TypeAlias = tuple[str, int]


@dataclass(frozen=True)
class Cut:
    """How rows are cut: `stretches` of equal size, by row number or by `edges` of the column `time`; groups by a seed.

    Rows without a time belong to the last stretch.
    """

    stretches: int
    rows: int
    seed: int
    time: str | None = None
    edges: tuple[object, ...] = ()

    def parts(self, batch: Batch) -> Iterator[tuple[Part, Batch]]:
        """Yield the parts of a batch: the whole, its stretches, its groups; those that have no row are left out."""
        yield (WHOLE, 0), batch
        yield from self._by_row(batch) if self.time is None else self._by_time(batch, self.time)
        numbers = np.arange(batch.offset, batch.offset + batch.frame.height)
        groups = pl.Series(row_keys(numbers, seed=self.seed) % GROUPS)
        for group in range(GROUPS):
            rows = batch.frame.filter(groups == group)
            if rows.height:
                yield ("group", group), Batch(rows, batch.offset)

    def _by_row(self, batch: Batch) -> Iterator[tuple[Part, Batch]]:
        stop = batch.offset + batch.frame.height
        for place in range(self.stretches):
            low, high = (max(self.rows * at // self.stretches, 0) for at in (place, place + 1))
            high = stop if place == self.stretches - 1 else high
            low, high = max(low, batch.offset), min(high, stop)
            if low < high:
                yield ("stretch", place), Batch(batch.frame.slice(low - batch.offset, high - low), low)

    def _by_time(self, batch: Batch, time: str) -> Iterator[tuple[Part, Batch]]:
        when = batch.frame.get_column(time).alias("when")
        edges = pl.Series(self.edges, dtype=when.dtype)
        last = pl.lit(self.stretches - 1)
        places = pl.select(
            pl.when(when.is_null()).then(last).otherwise(edges.search_sorted(when, side="left"))
        ).to_series()
        for place in places.unique().sort().to_list():
            yield ("stretch", place), Batch(batch.frame.filter(places == place), batch.offset)


class Parts(msgspec.Struct, frozen=True):
    """What was measured of each part; several measurements a part, each known by a number."""

    measured: dict[tuple[Part, int], Measured] = {}

    def merge(self, other: Parts) -> Parts:
        """Return the measurements of both."""
        both = dict(self.measured)
        for key, state in other.measured.items():
            both[key] = both[key].merge(state) if key in both else state
        return Parts(both)


@dataclass(frozen=True)
class PartsPlan:
    """The plan that measures parts of the rows, each its own needs."""

    cut: Cut
    wanted: Mapping[Part, Sequence[tuple[int, Measurement]]]

    @cached_property
    def columns(self) -> list[str] | None:
        """Return the columns that must be read; None where there is none."""
        every = [name for plans in self.wanted.values() for _, plan in plans for name in plan.columns or ()]
        every += [self.cut.time] if self.cut.time is not None else []
        return list(dict.fromkeys(every)) or None

    def empty(self) -> Parts:
        """Return the measurements of no rows."""
        return Parts({(part, number): plan.empty() for part, plans in self.wanted.items() for number, plan in plans})

    def measure(self, batch: Batch) -> Parts:
        """Return the measurements of one batch."""
        return Parts(
            {
                (part, number): plan.measure(_read(rows, plan))
                for part, rows in self.cut.parts(batch)
                for number, plan in self.wanted.get(part, ())
            }
        )


def _read(batch: Batch, plan: Measurement) -> Batch:
    return batch if plan.columns is None else Batch(batch.frame.select(cols(plan.columns)), batch.offset)


class Result(msgspec.Struct, frozen=True):
    """What became of a check on one part: whether it held (None where that could not be said), and rows that broke it."""

    check: Check
    holds: bool | None
    judged: int = 0
    failing: int = 0
    why: str = ""


@dataclass(frozen=True)
class Tried:
    """A suite on trial: its checks as they were planned, and the measurement that judges them without asking questions."""

    suite: Suite
    planned: tuple[Planned, ...]
    measurement: Measurement

    @staticmethod
    def of(suite: Suite, context: Context, *, known: frozenset[Need], in_order: bool) -> Tried:
        """Return a suite on trial; what needs the rows in their order is left out unless they are in it."""
        planned = [p for p in plan_checks(suite, context) if isinstance(p.test, RowTest | StateTest)]
        if not in_order:
            planned = [p for p in planned if not _reads_order(p) and p.check.rule not in OF_ALL]
        full = measurement_of(planned, context)
        # What was measured before any value was known to stand for missing does not serve its column.
        needs = tuple(need for need in full.needs if need not in known or suite.missing.keys() & set(need.columns))
        return Tried(suite, tuple(planned), Measurement(full.schema, needs, full.rules, full.sentinels))


def _reads_order(planned: Planned) -> bool:
    return isinstance(planned.test, StateTest) and any(need.state == "order" for need in planned.test.needs)


def results(tried: Tried, measured: Measured, *, known: Measured | None = None) -> list[Result]:
    """Return what became of each check, from what was measured for the trial and what was known of the part before."""
    states = {**(known.states if known is not None else {}), **measured.states}
    full = Measured(measured.rows, states, measured.counts, measured.tallies)
    return [_result(one, str(place), full) for place, one in enumerate(tried.planned)]


def _result(planned: Planned, place: str, measured: Measured) -> Result:
    check, test = planned.check, planned.test
    if isinstance(test, RowTest):
        tally = measured.tallies.get(place)
        if tally is None or tally.error:
            return Result(check, None, why=tally.error if tally else "no row")
        judged = rows_judged(check, test.expected, judged=tally.judged, failing=tally.failing, examples=())
        return Result(check, judged.holds, tally.judged, tally.failing)
    assert isinstance(test, StateTest)
    if any(isinstance(measured.states.get(need), Failed | None) for need in test.needs):
        return Result(check, None, why="not measured")
    alone = test.judge(measured)
    concluded = alone.conclude(alone.p_value, 1) if isinstance(alone, Pending) else alone
    return Result(check, concluded.holds)
