"""The check of sentinels: a spike at one value (-1, 999, 0, 1900-01-01, "unknown") that stands for missing.

A value that occurs often is no evidence: counts are naturally full of zeros, and prices of 9.99. What is judged is
whether it stands apart; `sentinel_spike` passes where it cannot show that. The rule, in the order in which it is tried:

- A value in `suspects` is always one, a value in `ignore` never is. Nothing is suspected that occurs in `at_most` of the
  values or less, or fewer than `LEAST` times; nor a number or a date among fewer than `VARIETY` other values.
- Texts: the words for nothing ("unknown", "N/A", "?", "null", ""), whatever their case. Words that are also values ("none",
  "-", "NA", which is Namibia) only among at least `MANY` others, most of them of another length.
- Numbers: -1, -9, -99, -999 ... where they are the only values below 0, with a spike: at least `SPIKE` times as frequent as
  the most frequent of the values next to them; and never in a scale around 0, such as -1, 0, 1.
- Numbers: 0, and sentinels on either side (-999, 999, 9999), where they are the least or the greatest value and detached:
  as far from the rest as the rest is wide (from its 5th to its 95th percentile; for 0 half of that), and 5 of its usual
  steps. A zero in more than `COMMON` of the values is taken for what it says: sparse columns are full of them.
- Any other least or greatest value that is detached by more than the whole width of the rest, of at least `MANY` values.
- Dates and instants: 1900-01-01, 1970-01-01, 9999-12-31 ... that occur `SPIKE` times as often as any other value,
  or are detached.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from assay.checks.bounds import shown
from assay.checks.check import Arguments, Bound, Check, Context, Judged, Rule, StateTest, rules
from assay.checks.shares import Share, check_shares, percent
from assay.data.kinds import Kind
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.profiles.sketches import Frequent, Quantiles
from assay.profiles.states import Signs
from assay.verdict import Estimate

__all__ = ["RULES", "SentinelSpike", "Spike", "find_spike"]

LEAST = 5
VARIETY = 3
MANY = 20
SPIKE = 3
COMMON = 0.2

NEGATIVES = frozenset({-1, -9, -99, -999, -9999, -99999, -999999, -88, -888, -77, -777, -8888, -32768, -2147483648})
EXTREMES = frozenset(
    {
        0,
        99,
        999,
        9999,
        99999,
        999999,
        9999999,
        99999999,
        999999999,
        888,
        8888,
        88888,
        32767,
        65535,
        2147483647,
        4294967295,
    }
)
DATES = frozenset(
    {
        (1, 1, 1),
        (1582, 10, 15),
        (1753, 1, 1),
        (1899, 12, 30),
        (1899, 12, 31),
        (1900, 1, 1),
        (1970, 1, 1),
        (2099, 12, 31),
        (9999, 12, 31),
    }
)
WORDS = frozenset(
    {
        "",
        "?",
        "??",
        "???",
        "n/a",
        "#n/a",
        "n.a.",
        "<na>",
        "null",
        "(null)",
        "<null>",
        "nan",
        "nil",
        "missing",
        "(missing)",
        "unknown",
        "(unknown)",
        "unk",
        "undefined",
        "not available",
        "not applicable",
        "not known",
        "not specified",
        "unspecified",
        "no data",
        "tbd",
        "nat",
        "-999",
        "-9999",
        "-99999",
        "9999-12-31",
        "1900-01-01",
        "0000-00-00",
    }
)
MAYBE = frozenset(
    {
        "na",
        "none",
        "-",
        "--",
        "---",
        ".",
        "x",
        "xx",
        "xxx",
        "blank",
        "empty",
        "other",
        "default",
        "test",
        "-1",
        "0",
        "999",
        "9999",
    }
)


class SentinelSpike(Arguments, frozen=True):
    """How large a share of the values a suspicious one may be; further suspects; and values that are meant."""

    at_most: Share = Decimal("0.005")
    suspects: tuple[Bound, ...] = ()
    ignore: tuple[Bound, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shares(at_most=self.at_most)


@dataclass(frozen=True, slots=True)
class Spike:
    """A value that seems to stand for missing, how often it occurs, and what gives it away."""

    value: Any
    count: int
    why: str


@dataclass(frozen=True, slots=True)
class _Column:
    """What is known of a column's values: often ones, quantiles (of numbers and instants), signs (of numbers)."""

    frequent: Frequent
    quantiles: Quantiles | None = None
    signs: Signs | None = None


def _sentinel_spike(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, SentinelSpike)
    kind = context.kind(name)
    needs = [Need("frequent", (name,))]
    needs += [Need("quantiles", (name,))] if kind.is_number or kind.is_instant else []
    needs += [Need("signs", (name,))] if kind.is_number else []

    def judge(measured: Measured) -> Judged:
        column = _Column(*(measured.states[need] for need in needs))
        n = column.frequent.n
        if n == 0:
            return Judged(None, Estimate(None, n=0, why="no row has a value"), "no row has a value to judge", 0)
        spike = find_spike(column.frequent, column.quantiles, column.signs, told)
        if spike is None:
            return Judged(
                True,
                Estimate(0, n=n, unit="share of values"),
                f"no value among {n:,} stands apart as one that means missing does",
                n,
                0,
            )
        way_out = (
            f"if it means missing, declare missing: [{_yaml(spike.value)}]; if not, ignore: [{_yaml(spike.value)}]"
        )
        why = f"{_told(spike.value)} stands in {spike.count:,} of {n:,} values ({percent(spike.count, n)}): {spike.why}; {way_out}"
        return Judged(False, Estimate(spike.count / n, n=n, unit="share of values"), why, n, spike.count)

    return StateTest(
        tuple(needs), judge, f"without a value that stands for missing in more than {percent(float(told.at_most))}"
    )


def _told(value: Any) -> str:
    return shown(int(value)) if isinstance(value, float) and value.is_integer() else shown(value)


def _yaml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else _told(value)


def find_spike(
    frequent: Frequent, quantiles: Quantiles | None, signs: Signs | None, told: SentinelSpike
) -> Spike | None:
    """Return the most frequent value that seems to stand for missing, or None; the module says by which rule."""
    least = max(LEAST, math.floor(float(told.at_most) * frequent.n) + 1)
    often = {
        value: count for value, count in frequent.counts.items() if count >= least and not _among(value, told.ignore)
    }
    others = len(frequent.counts) - 1 if frequent.exact else MANY * 10
    for value, count in sorted(often.items(), key=lambda item: -item[1]):
        why = "it is one of the suspects" if _among(value, told.suspects) else ""
        if not why and others >= (1 if isinstance(value, str) else VARIETY):
            why = _why(value, count, others, _Column(frequent, quantiles, signs))
        if why:
            return Spike(value, count, why)
    return None


def _among(value: Any, given: Sequence[Any]) -> bool:
    if isinstance(value, str):
        return value in given
    return any(type(one) is not str and _is(value, one) for one in given)


def _is(value: Any, one: Any) -> bool:
    if isinstance(value, datetime) and not isinstance(one, datetime):
        return bool(value.date() == one) and value.time() == datetime.min.time()
    return bool(value == one) or (isinstance(value, float) and isinstance(one, Decimal) and value == float(one))


def _why(value: Any, count: int, others: int, column: _Column) -> str:
    if isinstance(value, str):
        return _word(value, others, column.frequent)
    if column.quantiles is None or isinstance(value, bool):
        return ""
    if isinstance(value, date):
        return _date(value, count, column)
    return _number(float(value), count, others, column) if isinstance(value, int | float) else ""


def _word(value: str, others: int, frequent: Frequent) -> str:
    word = value.strip().casefold()
    if word in WORDS:
        return "the text is empty" if not word else "the word says that nothing is known"
    if word not in MAYBE or others < MANY:
        return ""
    alike = sum(count for text, count in frequent.counts.items() if text != value and len(text) == len(value))
    rest = sum(count for text, count in frequent.counts.items() if text != value)
    return "the word may say that nothing is known" if alike < rest / 2 else ""


def _date(value: date, count: int, column: _Column) -> str:
    at_midnight = not isinstance(value, datetime) or value.time() == datetime.min.time()
    if (value.year, value.month, value.day) not in DATES or not at_midnight:
        return ""
    listed, error = column.frequent.counts, column.frequent.error
    rest = max((times for other, times in listed.items() if other != value), default=error)
    if count >= SPIKE * max(rest, error):
        return f"it is a date that systems fill in, and {count // max(rest, 1):,} times as frequent as any other"
    values, _ = column.quantiles.cumulative()  # type: ignore[union-attr]
    if value not in (min(listed), max(listed)):
        return ""
    end = float(values[-1] if value == max(listed) else values[0])
    apart = _Rest.of(column, end)
    if apart is not None and max(end - apart.high, apart.low - end) >= max(apart.inner, 5 * apart.step):
        return "it is a date that systems fill in, and far from all others"
    return ""


def _number(value: float, count: int, others: int, column: _Column) -> str:
    rest = _Rest.of(column, value)
    if rest is None:
        return ""
    if value in NEGATIVES and value < 0 and _only_negative(value, count, rest.high, column):
        return "no other value is below 0" if column.frequent.exact else "hardly any other value is below 0"
    if not (value <= rest.low or value >= rest.high):
        return ""
    gap = rest.low - value if value <= rest.low else value - rest.high
    known = value in NEGATIVES or value in EXTREMES
    if value == 0 and count > COMMON * column.frequent.n:
        return ""
    enough = MANY if not known else MANY // 2 if value == 0 else VARIETY
    if others < enough or gap < 5 * rest.step:
        return ""
    if gap > rest.width if not known else gap >= (rest.inner / 2 if value == 0 else rest.inner):
        side = "below" if value <= rest.low else "above"
        return f"it lies far {side} all other values, which go from {rest.low:.6g} to {rest.high:.6g}"
    return ""


@dataclass(frozen=True, slots=True)
class _Rest:
    """The values other than the suspected one: ends, the width from the 5th to the 95th percentile, the usual step."""

    low: float
    high: float
    inner: float
    step: float

    @property
    def width(self) -> float:
        return self.high - self.low

    @staticmethod
    def of(column: _Column, value: float) -> _Rest | None:
        """Return the rest of a column; None where there is none, or it is all alike."""
        if column.quantiles is None or not column.quantiles.levels:
            return None
        values, cumulative = column.quantiles.cumulative()
        weights = np.diff(cumulative, prepend=0)
        keep = (values != value) & np.isfinite(values.astype(float))
        places, weights = values[keep].astype(float), weights[keep].astype(float)
        if len(places) == 0 or places[0] == places[-1]:
            return None
        shares = np.cumsum(weights) / weights.sum()
        inner = places[np.searchsorted(shares, 0.95)] - places[np.searchsorted(shares, 0.05)]
        steps = np.diff(np.unique(places))
        return _Rest(places[0], places[-1], float(inner), float(np.median(steps)))


def _nearby(frequent: Frequent, value: float) -> int:
    """Return how often the most frequent of the three listed values nearest to one occurs."""
    near = sorted((abs(float(other) - value), -count) for other, count in frequent.counts.items() if other != value)[:3]
    return max((-count for _, count in near), default=0)


def _only_negative(value: float, count: int, high: float, column: _Column) -> bool:
    if column.signs is None:
        return False
    codes = sum(times for other, times in column.frequent.counts.items() if other in NEGATIVES)
    stray = column.signs.negatives - codes
    around_zero = high < 3 * abs(value)
    spiked = count >= SPIKE * max(_nearby(column.frequent, value), column.frequent.error)
    return stray <= column.frequent.error and (spiked and not around_zero)


TOLD = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL, Kind.TEXT, Kind.CATEGORY, Kind.DATE, Kind.DATETIME})

RULES = rules(
    Rule(
        "sentinel_spike",
        "completeness",
        "No value that stands apart, such as -1, 999, 1900-01-01 or 'unknown', is as frequent as one that means missing.",
        _sentinel_spike,
        SentinelSpike,
        bare=("at_most",),
        kinds=TOLD,
    ),
)
