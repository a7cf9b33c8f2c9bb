"""Checks against a reference: how far the data has moved from the profile of what a model was trained on.

A change fails only where it is beyond its bound and its interval excludes the bound; where the interval straddles it,
or there are fewer than thirty values on a side, it is inconclusive. The interval is of one change at its stated
confidence: in a suite of many columns ask for more of it, such as 0.999.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, Literal

import polars as pl

from assay.checks import changes
from assay.checks.bounds import above, below, check_range, equals_any, fit, listed, phrase, shown
from assay.checks.changes import Asked, Change, Moved
from assay.checks.check import Arguments, Bound, CannotJudge, Check, Context, Judged, RowTest, Rule, StateTest, rules
from assay.checks.shares import Share, check_shares, percent
from assay.data.kinds import Kind
from assay.data.names import col as column
from assay.errors import nearest
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.profiles.physical import number_of, value_of
from assay.profiles.profile import ColumnProfile
from assay.profiles.sketches import Frequent
from assay.profiles.states import Order, Segment
from assay.verdict import Estimate, Example

__all__ = ["LEAST", "RULES", "Columns", "Lost", "NewRange", "QuantileShift", "Ratio", "Scaled", "ShareChange", "Shift"]

LEAST = 30  # values that a side must have before a change is judged
NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
SCALE = NUMBERS | {Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION}
LISTED = frozenset({Kind.TEXT, Kind.CATEGORY, Kind.BOOLEAN, Kind.INTEGER, Kind.DATE})
TEXTS = frozenset({Kind.TEXT, Kind.CATEGORY})


class Sure(Arguments, frozen=True):
    """How sure a change must be before it fails."""

    confidence: Decimal = Decimal("0.95")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence is {self.confidence}; it lies between 0 and 1, such as 0.95")


class Shift(Sure, frozen=True):
    """How far a number may move either way, in standard deviations of the reference."""

    at_most: Share = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at_most < 0:
            raise ValueError(f"at_most is {self.at_most}; a change has a size of 0 or more, whichever way it goes")


class Scaled(Shift, frozen=True):
    """How far the mean may move; on the log scale it is the mean of the logarithms of the positive values."""

    scale: Literal["linear", "log"] = "linear"


class QuantileShift(Sure, frozen=True):
    """How far a quantile may move either way, in interquartile ranges of the reference."""

    at_most: Share = 1
    q: Decimal = Decimal("0.5")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shares(q=self.q)


class ShareChange(Sure, frozen=True):
    """How far a share may move, as a fraction of all rows."""

    at_most: Share = Decimal("0.05")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shares(at_most=self.at_most)


class Ratio(Sure, frozen=True):
    """Between which ratios to the reference a number may lie."""

    at_least: Share = Decimal("0.5")
    at_most: Share = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self.at_least, self.at_most)


class NewRange(Arguments, frozen=True):
    """Which range of the reference values may not leave: all of it ("extremes"), or its 0.1 to 99.9 % ("central").

    `margin` widens it on both sides by that share of its width.
    """

    of: Literal["extremes", "central"] = "extremes"
    margin: Share = 0


class Lost(Sure, frozen=True):
    """How many of the reference's categories may be gone; only those of at least this share there are judged."""

    at_most: int = 0
    share_at_least: Share = Decimal("0.001")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shares(share_at_least=self.share_at_least)


class Columns(Arguments, frozen=True):
    """Columns that are not compared."""

    ignore: tuple[str, ...] = ()
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: its name, what it is called, what it needs, how it is made, its bounds, and in what it is counted."""

    name: str
    summary: str
    called: str
    kinds: frozenset[Kind] | None
    needs: tuple[tuple[str, Any], ...]
    change: Change
    arguments: type[Sure] = Shift
    unit: str = ""
    least: int = LEAST


CHANGES = (
    Entry("mean_shift", "The mean has not moved far from the reference's.", "the mean moved by", SCALE,
          (("moments", None), ("moments", "log")), changes.mean_shift, Scaled, "standard deviations of the reference"),
    Entry("log_mean_shift", "The mean logarithm has not moved far from the reference's.", "the mean logarithm moved by", NUMBERS,
          (("moments", "log"),), changes.log_mean_shift, Shift, "standard deviations of the reference"),
    Entry("std_ratio", "The standard deviation is about the reference's.", "the standard deviation is", SCALE,
          (("moments", None),), changes.std_ratio, Ratio, "times the reference's"),
    Entry("quantile_shift", "A quantile has not moved far from the reference's.", "the quantile moved by", SCALE,
          (("quantiles", None), ("extremes", None)), changes.quantile_shift, QuantileShift, "interquartile ranges of the reference"),
    Entry("missing_share_change", "The share of missing values is about the reference's.", "the missing share moved by", None,
          (("counts", None),), changes.missing_share, ShareChange, "of all rows"),
    Entry("distinct_change", "There are about as many different values as in the reference.", "the number of different values is",
          LISTED | SCALE, (("distinct", None), ("counts", None)), changes.distinct_ratio, Ratio, "times the reference's", 1),
    Entry("category_share_change", "No category's share has moved far from the reference's.", "the share of a category moved by", LISTED,
          (("frequent", None),), changes.category_share, ShareChange, "of all values"),
    Entry("new_patterns", "Texts have the shapes of the reference's.", "the share of texts of a new shape is", TEXTS,
          (("patterns", None),), changes.new_pattern_share, ShareChange, "of the texts sampled"),
)  # fmt: skip


def _reference(check: Check, context: Context) -> ColumnProfile:
    """Return the reference's profile of a check's column; raise `CannotJudge` where the two cannot be compared."""
    name, profile = check.columns[0], context.needs_reference()
    if name not in profile.columns:
        raise CannotJudge(f"the reference has no column {name!r}", hint=nearest(name, profile.columns))
    found: ColumnProfile = profile.columns[name]
    kind, dtype = context.kind(name), str(context.dtype(name))
    if found.kind is not kind or (kind.is_temporal and found.type != dtype):
        raise CannotJudge(
            f"{name!r} holds {kind.value} values ({dtype}), and {found.kind.value} values ({found.type}) in the reference"
        )
    return found


def _plan_change(entry: Entry, check: Check, context: Context) -> StateTest:
    told, reference = check.arguments, _reference(check, context)
    assert isinstance(told, Sure)
    wanted = [(state, parameter) for state, parameter in entry.needs if _is_needed(state, parameter, told)]
    if wanted == [("moments", "log")] and context.kind(check.columns[0]) not in NUMBERS:
        raise CannotJudge(
            f"{check.columns[0]!r} holds {context.kind(check.columns[0]).value} values, which have no logarithm"
        )
    for state, parameter in wanted:
        if why := reference.failed.get("log_moments" if parameter else state):
            raise CannotJudge(f"the reference could not be measured: {why}")
    needs = tuple(Need(state, check.columns, parameter) for state, parameter in wanted)
    asked = Asked(told, context.dtype(check.columns[0]), float(told.confidence))
    return StateTest(needs, partial(_judge_change, entry, asked, reference, needs), f"{_phrase(told)} {entry.unit}")


def _is_needed(state: str, parameter: Any, told: Sure) -> bool:
    return not isinstance(told, Scaled) or (parameter == "log") == (told.scale == "log")


def _ends(told: Sure) -> tuple[float, float]:
    if isinstance(told, Ratio):
        return float(told.at_least), float(told.at_most)
    most = float(getattr(told, "at_most", 0))
    return -most, most


def _phrase(told: Sure) -> str:
    return (
        phrase(told.at_least, told.at_most) if isinstance(told, Ratio) else phrase(at_most=getattr(told, "at_most", 0))
    )


def _judge_change(
    entry: Entry, asked: Asked, reference: ColumnProfile, needs: tuple[Need, ...], measured: Measured
) -> Judged:
    states = {need.state + (" log" if need.parameter else ""): measured.states[need] for need in needs}
    moved = entry.change(reference, states, asked)
    fewer = min(moved.n, moved.n_reference)
    if fewer < entry.least:
        side = "there are" if moved.n <= moved.n_reference else "the reference has"
        why = f"{side} {fewer} {'value' if fewer == 1 else 'values'}; it takes {entry.least}"
        return Judged(None, Estimate(None, n=moved.n, why=why), f"the change cannot be said: {why}")
    if moved.number is None:
        return Judged(None, Estimate(None, n=moved.n, why=moved.why), f"the change is undefined: {moved.why}")
    assert isinstance(asked.told, Sure)
    return _concluded(entry, asked.told, moved)


def _concluded(entry: Entry, told: Sure, moved: Moved) -> Judged:
    assert moved.number is not None
    low, high = _ends(told)
    digits = 1e-12 * max(abs(low), abs(high), 1.0)  # 0.55 - 0.5 is a little more than 0.05 in floats
    within = low - digits <= moved.number <= high + digits
    sure = moved.interval is None or moved.interval.high < low or moved.interval.low > high
    holds = True if within else False if sure else None
    interval, confidence = "", None
    ends: tuple[float | None, float | None] = (None, None)
    if moved.interval is not None and all(math.isfinite(end) for end in moved.interval):
        ends, confidence = (moved.interval.low, moved.interval.high), float(told.confidence)
        interval = f" ({moved.interval.low:.3g} to {moved.interval.high:.3g} at {confidence * 100:g}%)"
    verdict = (
        "" if within else f", not {_phrase(told)}" if sure else f", which is not {_phrase(told)} but may be by chance"
    )
    why = f"{entry.called} {moved.number:.3g}{interval} {entry.unit}{verdict}: {moved.why}"
    return Judged(holds, Estimate(moved.number, moved.n, *ends, confidence, entry.unit), why)


def _plan_new_categories(check: Check, context: Context) -> RowTest:
    name, reference = check.columns[0], _reference(check, context)
    known = _known(name, reference)
    x, dtype = column(name), context.dtype(name)
    values = tuple(known.counts)
    if context.kind(name) is Kind.BOOLEAN:
        found = pl.any_horizontal([x == value for value in values])
    else:
        found = equals_any(x, values, dtype, column=name)
    what = "category" if len(values) == 1 else "categories"
    return RowTest(~found, f"one of the {len(values)} {what} of the reference", judged=x.is_not_null(), show=(name,))


def _known(name: str, reference: ColumnProfile) -> Frequent:
    frequent = reference.frequent
    if frequent is None or frequent.n == 0:
        raise CannotJudge(f"the reference has no value of {name!r}")
    if not frequent.exact:
        raise CannotJudge(
            f"the reference has more different values of {name!r} than a profile lists ({len(frequent.counts)})",
            hint="look the values up in the reference itself, with a check of references",
        )
    return frequent


def _plan_lost_categories(check: Check, context: Context) -> StateTest:
    name, reference, told = check.columns[0], _reference(check, context), check.arguments
    assert isinstance(told, Lost)
    known, need = _known(name, reference), Need("frequent", check.columns)
    expected = (
        "all categories of the reference"
        if told.at_most == 0
        else f"all but {told.at_most} categories of the reference"
    )
    return StateTest((need,), partial(_judge_lost, told, known, need), expected)


def _judge_lost(told: Lost, known: Frequent, need: Need, measured: Measured) -> Judged:
    """Judge which categories are gone: those that so many rows would hold, were they as frequent as in the reference."""
    now = measured.states[need]
    if now.n == 0:
        return Judged(
            None, Estimate(None, n=0, why="no row has a value"), "the categories are unknown: no row has a value"
        )
    gone = [value for value, _ in known.top(len(known.counts)) if value not in now.counts]
    usual = [value for value, count in known.top(len(known.counts)) if count >= told.share_at_least * known.n]
    chance = (1 - float(told.confidence)) / max(len(usual), 1)
    gone = [value for value in usual if value not in now.counts]
    lost = [value for value in gone if now.exact and (1 - known.counts[value] / known.n) ** now.n < chance]
    unsure = [value for value in gone if value not in lost]
    holds = False if len(lost) > told.at_most else True if len(gone) <= told.at_most else None
    rare = len(known.counts) - len(usual)
    said = [f"{len(lost):,} of {len(usual):,} categories are gone" + (f": {listed(lost)}" if lost else "")]
    said += (
        [f"{listed(unsure)} {'is' if len(unsure) == 1 else 'are'} not seen either, but {_rare(now)}"] if unsure else []
    )
    said += [f"{rare:,} rarer than {percent(float(told.share_at_least))} of the reference not judged"] if rare else []
    return Judged(holds, Estimate(len(lost), n=now.n, unit="categories"), "; ".join(said))


def _rare(now: Frequent) -> str:
    return (
        f"so rare that {now.n:,} values may miss them by chance"
        if now.exact
        else "there are too many values to list all"
    )


def _plan_new_range(check: Check, context: Context) -> RowTest:
    name, told, reference = check.columns[0], check.arguments, _reference(check, context)
    assert isinstance(told, NewRange)
    x, dtype = column(name), context.dtype(name)
    if told.of == "central" and check.tolerate_share is None and check.tolerate_rows is None:
        hint = "say how many may, such as tolerate_share: 0.01"
        raise CannotJudge("two in a thousand of the reference's own values lie outside its central range", hint=hint)
    low, high = (fit(end, dtype, column=name) for end in _ends_of(name, reference, told, dtype))
    where = "the range" if told.of == "extremes" else "the central range"
    expected = f"in {where} of the reference, {shown(low)} to {shown(high)}"
    return RowTest(below(x, low, dtype) | above(x, high, dtype), expected, judged=x.is_not_null(), show=(name,))


def _ends_of(name: str, reference: ColumnProfile, told: NewRange, dtype: pl.DataType) -> tuple[Bound, Bound]:
    extremes, sketch = reference.extremes, reference.quantiles
    if extremes is None or extremes.low is None or sketch is None:
        raise CannotJudge(f"the reference has no value of {name!r}")
    ends = (extremes.low, extremes.high)
    if told.of == "central":
        values = sketch.many([0.001, 0.999])
        assert values is not None
        ends = tuple(
            value_of(Fraction(value.item()) if math.isfinite(value) else float(value), dtype) for value in values
        )
    if told.margin:
        low, high = (number_of(end, dtype) for end in ends)
        wider = (high - low) * (Fraction(told.margin) if isinstance(high - low, Fraction) else float(told.margin))
        ends = (value_of(low - wider, dtype), value_of(high + wider, dtype))
    return ends[0], ends[1]


Found = dict[str, str]


def _plan_columns(
    find: Callable[[Context, Columns], Found], expected: str, check: Check, context: Context
) -> StateTest:
    told = check.arguments
    assert isinstance(told, Columns)
    found = {name: text for name, text in find(context, told).items() if name not in told.ignore}
    why = (
        f"{len(found)} {'column' if len(found) == 1 else 'columns'}: {', '.join(found.values())}"
        if found
        else f"there is {expected}"
    )
    judged = Judged(not found, Estimate(len(found), n=len(context.schema), unit="columns"), why)
    return StateTest((), lambda _: judged, expected)


def _new_columns(context: Context, told: Columns) -> Found:
    return {
        name: f"{name} ({dtype})"
        for name, dtype in context.schema.items()
        if name not in context.needs_reference().columns
    }


def _lost_columns(context: Context, told: Columns) -> Found:
    reference = context.needs_reference().columns
    return {name: f"{name} ({then.type})" for name, then in reference.items() if name not in context.schema}


def _type_changed(context: Context, told: Columns) -> Found:
    changed = {}
    for name, then in context.needs_reference().columns.items():
        if name not in context.schema:
            continue
        kind, dtype = context.kind(name), str(context.schema[name])
        if then.kind is not kind or (told.exact and then.type != dtype):
            changed[name] = f"{name} ({then.type} in the reference, {dtype} here)"
    return changed


def _plan_row_count(check: Check, context: Context) -> StateTest:
    told, rows = check.arguments, context.needs_reference().rows
    assert isinstance(told, Ratio)
    return StateTest((), partial(_judge_row_count, told, rows), f"{_phrase(told)} times the reference's rows")


def _judge_row_count(told: Ratio, rows: int, measured: Measured) -> Judged:
    if rows == 0:
        none = "the reference has no row"
        return Judged(None, Estimate(None, n=measured.rows, why=none), f"the change is undefined: {none}")
    ratio = Fraction(measured.rows, rows)
    why = f"{measured.rows:,} rows are {float(ratio):.3g} times the reference's {rows:,}"
    holds = Fraction(told.at_least) <= ratio <= Fraction(told.at_most)
    return Judged(holds, Estimate(float(ratio), n=measured.rows, unit="times the reference's rows"), why)


def _plan_order_kept(check: Check, context: Context) -> StateTest:
    reference = _reference(check, context)
    whole = _whole(reference.order)
    if whole is None or whole.n < 2:
        raise CannotJudge("the order of the reference's rows is not known")
    if whole.falls and whole.rises:
        raise CannotJudge(
            "the reference's values stand in no order", hint="leave this check out, or sort the reference"
        )
    falling, strict = bool(whole.falls), whole.ties == 0
    expected = f"{'strictly ' if strict else ''}{'falling' if falling else 'rising'}, as in the reference"
    need = Need("order", check.columns)
    return StateTest((need,), partial(_judge_order, need, falling, strict), expected)


def _whole(order: Order | None) -> Segment | None:
    return order.segments[0] if order is not None and len(order.segments) == 1 else None


def _judge_order(need: Need, falling: bool, strict: bool, measured: Measured) -> Judged:
    whole = _whole(measured.states[need])
    if whole is None or whole.n < 2:
        n = 0 if whole is None else whole.n
        return Judged(
            None, Estimate(None, n=n, why="it takes two values"), "there is no order: it takes two values", n, 0
        )
    against, rows = (whole.rises, whole.rise_rows) if falling else (whole.falls, whole.fall_rows)
    failing = against + (whole.ties if strict else 0)
    places = sorted({*rows, *(whole.tie_rows if strict else ())})[:5]
    why = f"{failing:,} of {whole.n - 1:,} steps go against the order of the reference"
    examples = tuple(Example(row) for row in places)
    return Judged(failing == 0, Estimate(failing, n=whole.n - 1, unit="steps"), why, whole.n - 1, failing, examples)


_no_new = partial(_plan_columns, _new_columns, "no column that the reference lacks")
_no_lost = partial(_plan_columns, _lost_columns, "no column of the reference gone")
_no_changed = partial(_plan_columns, _type_changed, "no column of another type than in the reference")
_INSTANTS = frozenset({Kind.DATE, Kind.DATETIME})
_rule = partial(Rule, family="against", needs_reference=True)

RULES = rules(
    *(
        _rule(
            name=entry.name, summary=entry.summary, plan=partial(_plan_change, entry), arguments=entry.arguments,
            bare=("at_least", "at_most") if issubclass(entry.arguments, Ratio) else ("at_most",), kinds=entry.kinds,
        )
        for entry in CHANGES
    ),
    _rule(
        name="new_categories", summary="Every category is one of the reference's.", plan=_plan_new_categories, kinds=LISTED,
    ),
    _rule(
        name="lost_categories", summary="No category of the reference is gone.", plan=_plan_lost_categories,
        arguments=Lost, bare=("at_most",), kinds=LISTED,
    ),
    _rule(
        name="new_range", summary="Values stay in the reference's range.", plan=_plan_new_range, arguments=NewRange,
        bare=("of",), kinds=SCALE,
    ),
    _rule(name="order_kept", summary="Values stand in the reference's order.", plan=_plan_order_kept, kinds=_INSTANTS),
    _rule(
        name="new_columns", summary="There is no column that the reference lacks.", plan=_no_new, arguments=Columns, on="table",
    ),
    _rule(name="lost_columns", summary="No column of the reference is gone.", plan=_no_lost, arguments=Columns, on="table"),
    _rule(
        name="type_changed", summary="No column's type is another than in the reference.", plan=_no_changed,
        arguments=Columns, on="table",
    ),
    _rule(
        name="row_count_change", summary="There are about as many rows as in the reference.", plan=_plan_row_count,
        arguments=Ratio, on="table", bare=("at_least", "at_most"),
    ),
)  # fmt: skip
