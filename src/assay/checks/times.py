"""Checks of time: order, gaps, frequency, freshness, overlaps. The clock is told: `now` is an aware instant in UTC.

Instants without a zone are taken as UTC where they meet the clock, and the outcome says so.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, Literal

import msgspec
import polars as pl

from assay.checks.bounds import above, check_range, phrase, shown
from assay.checks.check import (
    Arguments,
    Bound,
    CannotJudge,
    Check,
    Context,
    Judged,
    QuestionTest,
    RowTest,
    Rule,
    Shortcut,
    StateTest,
    rules,
)  # fmt: skip
from assay.checks.questions import look
from assay.checks.rows import rows_judged
from assay.checks.sequences import Gaps, Ordered, Overlaps, Regular, Series, judge_gaps, judge_regular
from assay.codec import format_duration, parse_duration
from assay.data.kinds import Kind
from assay.data.names import col as column
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.profiles.physical import number_of, unit_of
from assay.profiles.states import Order, Segment
from assay.verdict import Estimate

__all__ = ["RULES", "By", "Every", "Fresh", "MostGap", "NoFuture", "Rising", "Span", "Weekday", "Zone"]

INSTANTS = frozenset({Kind.DATE, Kind.DATETIME})
SCALE = INSTANTS | {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL, Kind.TIME, Kind.DURATION}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Told(Arguments, frozen=True):
    """Arguments of which some are spans of time, as `5m` or a timedelta."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name in _SPANS and value is not None:
                msgspec.structs.force_setattr(self, name, _span(name, value))
            if name == "by" and isinstance(value, str):
                msgspec.structs.force_setattr(self, name, (value,))


_SPANS = frozenset({"at_least", "at_most", "every", "max_age", "slack"})


def _span(name: str, value: Any) -> timedelta:
    span = parse_duration(value) if isinstance(value, str) else value
    if not isinstance(span, timedelta):
        raise ValueError(f"{name} is {shown(value)}; a span of time is expected, such as 5m or 24h")  # noqa: TRY004 - the record is refused
    return span


class By(_Told, frozen=True):
    """The columns that tell entities apart, each of which is looked at by itself; none where all rows are one."""

    by: str | tuple[str, ...] = ()


class Rising(By, frozen=True):
    """How values follow one another; `strict` forbids equal neighbours."""

    strict: bool = False


class MostGap(By, frozen=True, kw_only=True):
    """The widest gap that may lie between one instant and the next."""

    at_most: Bound

    def __post_init__(self) -> None:
        super().__post_init__()
        _positive("at_most", self.at_most)


class Every(By, frozen=True, kw_only=True):
    """How far apart instants are expected to be."""

    every: Bound

    def __post_init__(self) -> None:
        super().__post_init__()
        _positive("every", self.every)


def _positive(name: str, span: timedelta) -> None:
    if span <= timedelta(0):
        raise ValueError(f"{name} is {format_duration(span)}; a span above 0 is expected")


class Fresh(_Told, frozen=True, kw_only=True):
    """How old the newest value may be."""

    max_age: Bound


class NoFuture(_Told, frozen=True):
    """How far beyond the clock a value may lie."""

    slack: Bound = timedelta(0)


class Span(_Told, frozen=True):
    """A range for the time from the first instant to the last."""

    at_least: Bound = None
    at_most: Bound = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self.at_least, self.at_most)


class Zone(Arguments, frozen=True):
    """The zone that instants are kept in; None for instants without one."""

    zone: str | None = None


class Weekday(Arguments, frozen=True, kw_only=True):
    """Days of the week: mon, tue, wed, thu, fri, sat, sun."""

    days: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        for day in self.days:
            if day not in DAYS:
                raise ValueError(f"{day!r} is no day of the week; they are {', '.join(DAYS)}")


def _plan_order(direction: Literal["rising", "falling"], check: Check, context: Context) -> QuestionTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, Rising)
    series = _series(check, context, told)
    words = {
        ("rising", False): "at or after",
        ("rising", True): "after",
        ("falling", False): "at or before",
        ("falling", True): "before",
    }
    if not context.kind(name).is_instant:
        words = {
            ("rising", False): "at least",
            ("rising", True): "above",
            ("falling", False): "at most",
            ("falling", True): "below",
        }
    of_whom = f" with the same {' and '.join(series.by)}" if series.by else ""
    expected = f"{words[direction, told.strict]} the one before{of_whom}"
    question = Ordered(series, direction, told.strict)
    return QuestionTest(
        question, expected, shortcut=_shortcut(check, told, partial(_in_order, check, direction, told.strict, expected))
    )


def _series(check: Check, context: Context, told: By) -> Series:
    name, by = check.columns[0], tuple(told.by)
    return Series(look(check, context, (name, *by)), name, by)


def _shortcut(check: Check, told: By, judge: Any) -> Shortcut | None:
    """Return what the order of the whole column may settle, where the check is about all its rows as they stand."""
    if told.by or check.where:
        return None
    return Shortcut(Need("order", (check.columns[0],)), partial(_of_whole, judge))


def _of_whole(judge: Any, state: Order) -> Judged | None:
    if len(state.segments) != 1 or state.segments[0].n == 0:
        return None
    settled = judge(state.segments[0])
    return settled if isinstance(settled, Judged) else None


def _in_order(check: Check, direction: str, strict: bool, expected: str, whole: Segment) -> Judged | None:

    if (whole.falls if direction == "rising" else whole.rises) or (strict and whole.ties):
        return None
    return rows_judged(check, expected, judged=whole.n, failing=0, examples=())


def _plan_no_gaps(check: Check, context: Context) -> QuestionTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, MostGap)
    _whole_days(told.at_most, context.dtype(name), name)
    expected = f"at most {format_duration(told.at_most)} after the one before"
    question = Gaps(_series(check, context, told), told.at_most)
    shortcut = _shortcut(check, told, partial(_no_wider, told.at_most, context.dtype(name)))
    return QuestionTest(question, expected, partial(judge_gaps, check, told.at_most), shortcut)


def _whole_days(span: timedelta, dtype: pl.DataType, name: str) -> None:
    if isinstance(dtype, pl.Date) and span % timedelta(days=1):
        raise CannotJudge(
            f"{name!r} holds dates and {format_duration(span)} is no whole number of days",
            hint="write it like 1d or 7d",
        )


def _no_wider(most: timedelta, dtype: pl.DataType, whole: Segment) -> Judged | None:
    if whole.falls or whole.widest > number_of(most, dtype):
        return None
    widest = format_duration(timedelta(microseconds=float(whole.widest * unit_of(dtype))))
    why = f"the widest gap between {whole.n:,} instants is {widest}"
    return Judged(True, Estimate(widest, n=whole.n), why, whole.n, 0)


def _plan_regular(check: Check, context: Context) -> QuestionTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, Every)
    dtype = context.dtype(name)
    _whole_days(told.every, dtype, name)
    expected = f"one instant every {format_duration(told.every)}"
    shortcut = (
        _shortcut(check, told, partial(_evenly, told.every, dtype)) if not _by_calendar(told.every, dtype) else None
    )
    question = Regular(_series(check, context, told), told.every, local=_by_calendar(told.every, dtype))
    return QuestionTest(question, expected, partial(judge_regular, check, told.every), shortcut)


def _by_calendar(every: timedelta, dtype: pl.DataType) -> bool:
    """Return whether steps are counted by the clock on the wall: whole days, of which some have 23 hours in a zone."""
    return getattr(dtype, "time_zone", None) is not None and every % timedelta(days=1) == timedelta(0)


def _evenly(every: timedelta, dtype: pl.DataType, whole: Segment) -> Judged | None:
    step = number_of(every, dtype)
    assert whole.first is not None
    assert whole.last is not None
    if whole.falls or whole.ties or whole.widest > step or whole.last - whole.first != step * (whole.n - 1):
        return None
    why = f"all {whole.n:,} instants follow one another every {format_duration(every)}"
    return Judged(True, Estimate(0.0, n=whole.n, unit="share of instants missing"), why, whole.n, 0)


def _plan_fresh(check: Check, context: Context) -> StateTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, Fresh)
    needs = (Need("extremes", (name,)), Need("counts", (name,)))
    judge = partial(_judge_fresh, told.max_age, context.now, _naive(context.dtype(name)), needs)
    return StateTest(needs, judge, f"at most {format_duration(told.max_age)} old")


def _naive(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is None


_AS_UTC = "; instants without a zone are taken as UTC"


def _judge_fresh(
    max_age: timedelta, now: datetime, naive: bool, needs: tuple[Need, Need], measured: Measured
) -> Judged:
    newest, n = measured.states[needs[0]].high, measured.states[needs[1]].present
    if newest is None:
        return Judged(None, Estimate(None, n=0, why="no row has a value"), "there is no newest row: no row has a value")
    age = now - _as_instant(newest)
    old = (
        format_duration(age - age % timedelta(seconds=1)) + " old"
        if age >= timedelta(0)
        else f"{format_duration(-age)} in the future"
    )
    why = f"the newest value, {shown(newest)}, is {old}{_AS_UTC if naive else ''}"
    return Judged(age <= max_age, Estimate(format_duration(age), n=n), why)


def _as_instant(value: date | datetime) -> datetime:
    """Return a value as an aware instant; a date stands for its whole day, and so is as old as its end."""
    if not isinstance(value, datetime):
        end = value + timedelta(days=1) if value < date.max else value
        return datetime.combine(end, time(), UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _plan_no_future(check: Check, context: Context) -> RowTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, NoFuture)
    x, dtype = column(name), context.dtype(name)
    latest: Any = context.now + told.slack
    expected = f"at or before {shown(latest)}"
    if isinstance(dtype, pl.Date):
        latest = latest.astimezone(UTC).date()
        expected = f"on or before {shown(latest)}"
    elif _naive(dtype):
        latest = latest.astimezone(UTC).replace(tzinfo=None)
        expected = f"at or before {shown(latest)} UTC (there is no zone)"
    return RowTest(above(x, latest, dtype), expected, judged=x.is_not_null(), show=(name,))


def _plan_no_overlap(check: Check, context: Context) -> QuestionTest:
    told = check.arguments
    assert isinstance(told, By)
    if len(check.columns) != 2:
        raise CannotJudge(
            "no_overlap is about two columns, where an interval starts and where it ends",
            hint="write columns: [start, end]",
        )
    start, end = check.columns
    if context.dtype(start) != context.dtype(end):
        raise CannotJudge(
            f"{start!r} holds {context.dtype(start)} and {end!r} {context.dtype(end)}", hint="give both the same type"
        )
    by = tuple(told.by)
    of_whom = f" of the same {' and '.join(by)}" if by else ""
    question = Overlaps(look(check, context, (start, end, *by)), start, end, by)
    return QuestionTest(question, f"an interval that overlaps no other{of_whom}")


def _plan_timezone(check: Check, context: Context) -> StateTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, Zone)
    zone = getattr(context.dtype(name), "time_zone", None)
    seen = f"the instants are in {zone}" if zone else "the instants have no zone"

    def judge(measured: Measured) -> Judged:
        return Judged(zone == told.zone, Estimate(zone or "no zone", n=measured.rows), seen)

    return StateTest((), judge, f"in {told.zone}" if told.zone else "without a zone")


def _plan_weekday(check: Check, context: Context) -> RowTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, Weekday)
    x = column(name)
    allowed = x.dt.weekday().is_in([DAYS.index(day) + 1 for day in told.days])
    return RowTest(~allowed, f"on {', '.join(told.days)}", judged=x.is_not_null(), show=(name,))


def _plan_span(check: Check, context: Context) -> StateTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, Span)
    needs = (Need("extremes", (name,)), Need("counts", (name,)))
    return StateTest(needs, partial(_judge_span, told, needs), phrase(told.at_least, told.at_most))


def _judge_span(told: Span, needs: tuple[Need, Need], measured: Measured) -> Judged:
    ends, n = measured.states[needs[0]], measured.states[needs[1]].present
    if ends.low is None:
        return Judged(None, Estimate(None, n=0, why="no row has a value"), "there is no span: no row has a value")
    seen = ends.high - ends.low
    holds = (told.at_least is None or seen >= told.at_least) and (told.at_most is None or seen <= told.at_most)
    why = f"from {shown(ends.low)} to {shown(ends.high)} it is {format_duration(seen)}"
    return Judged(holds, Estimate(format_duration(seen), n=n), why)


_rising, _falling = partial(_plan_order, "rising"), partial(_plan_order, "falling")
_DATETIME = frozenset({Kind.DATETIME})

RULES = rules(
    Rule("rising", "times", "Each value is at or after (strict: after) the one before.", _rising, Rising, bare=("by",), kinds=SCALE),
    Rule("falling", "times", "Each value is at or before (strict: before) the one before.", _falling, Rising, bare=("by",), kinds=SCALE),
    Rule("no_gaps", "times", "No gap between instants is wider than a bound.", _plan_no_gaps, MostGap, bare=("at_most",), kinds=INSTANTS),
    Rule("regular", "times", "Instants follow at a fixed step; none is missing.", _plan_regular, Every, bare=("every",), kinds=INSTANTS),
    Rule("fresh", "times", "The newest value is not older than a bound.", _plan_fresh, Fresh, bare=("max_age",), kinds=INSTANTS),
    Rule("no_future", "times", "No value lies in the future.", _plan_no_future, NoFuture, bare=("slack",), kinds=INSTANTS),
    Rule("no_overlap", "times", "Intervals between two columns do not overlap.", _plan_no_overlap, By, on="columns", kinds=SCALE),
    Rule("timezone", "times", "Instants are kept in a zone, or without one.", _plan_timezone, Zone, bare=("zone",), kinds=_DATETIME),
    Rule("weekday", "times", "Values fall on given days of the week.", _plan_weekday, Weekday, bare=("days",), kinds=INSTANTS),
    Rule("span", "times", "From first to last it is a given time.", _plan_span, Span, bare=("at_least", "at_most"), kinds=INSTANTS),
)  # fmt: skip
