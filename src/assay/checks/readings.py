"""Statistics: which there are, of which columns, what they are read from, and their intervals.

Adding a statistic is one entry of the table below: the check, its documentation and its laws follow from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, Literal, NamedTuple, TypeAlias

import polars as pl

from assay.checks.bounds import shown
from assay.data.kinds import Kind
from assay.profiles.physical import number_of, scale_of
from assay.profiles.sketches import Quantiles
from assay.profiles.states import Moments
from assay.stats import intervals
from assay.stats.intervals import Interval, Sample

__all__ = ["NUMBERS", "SCALE", "STATISTICS", "WORDS", "Number", "Reading", "Seen", "Statistic", "enclosing"]

Number: TypeAlias = Fraction | float
NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
SPANS = NUMBERS | {Kind.DURATION}
SCALE = SPANS | {Kind.DATE, Kind.DATETIME, Kind.TIME}
WORDS = frozenset({Kind.TEXT, Kind.CATEGORY, Kind.BOOLEAN, Kind.INTEGER})
SIZED = frozenset({Kind.TEXT, Kind.CATEGORY, Kind.BINARY, Kind.LIST})


@dataclass(frozen=True, slots=True)
class Seen:
    """The states of a column that a statistic is read from, by name, and the column's type."""

    states: Mapping[str, Any]
    dtype: pl.DataType
    q: Decimal = Decimal("0.5")

    @property
    def moments(self) -> Moments:
        """Return the moments: of the values, or of their lengths."""
        state = self.states["lengths"].moments if "lengths" in self.states else self.states["moments"]
        assert isinstance(state, Moments)
        return state

    @property
    def sample(self) -> Sample:
        """Return what an interval needs."""
        m = self.moments
        return Sample(m.n, m.mean, m.std or 0.0, m.kurtosis or 0.0)


class Reading(NamedTuple):
    """A statistic as it was read: its number (None with the reason), how many values it is of, and a remark."""

    number: Number | None
    n: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Statistic:
    """One entry of the table of statistics.

    `needs` are states with their parameters; `read` makes the number of them; `interval` its interval at a confidence,
    None where there is none. `scale` says what the number is counted in, and so what a bound of it is: a "value" of
    the column's type, a "spread" (a difference of two values), or a plain "number".
    """

    name: str
    summary: str
    kinds: frozenset[Kind]
    needs: tuple[tuple[str, Any], ...]
    read: Callable[[Seen], Reading]
    interval: Callable[[Seen, float], Interval] | None = None
    scale: Literal["value", "spread", "number"] = "number"


def _exact_mean(seen: Seen) -> Reading:
    if "total" not in seen.states:
        return _of_moments(seen, seen.moments.mean, 1)
    total = seen.states["total"]
    if total.n == 0:
        return Reading(None, 0, "no row has a value")
    return Reading(Fraction(total.sum, total.n) / 10 ** scale_of(seen.dtype), total.n)


def _of_moments(seen: Seen, number: float | None, least: int) -> Reading:
    m = seen.moments
    if m.n < least:
        few = "no row has a value" if m.n == 0 else f"{m.n} {'value' if m.n == 1 else 'values'}; it takes {least}"
        return Reading(None, m.n, few if _left_out(seen) == "" else f"{few}: {_left_out(seen)}")
    if number is None or not math.isfinite(number):
        constant = "all values are equal" if m.m2 == 0 and m.m4 == 0 else "the values are too large or too close for it"
        return Reading(None, m.n, constant)
    return Reading(number, m.n, _left_out(seen))


def _left_out(seen: Seen) -> str:
    signs, counts = seen.states.get("signs"), seen.states.get("counts")
    if counts is not None and (out := counts.present - seen.moments.n):
        return f"{out:,} {'value' if out == 1 else 'values'} without a logarithm left out"
    infinite = 0 if signs is None else signs.plus_inf + signs.minus_inf
    return f"{infinite:,} infinite {'value' if infinite == 1 else 'values'} left out" if infinite else ""


def _sum(seen: Seen) -> Reading:
    mean = _exact_mean(seen)
    return mean if mean.number is None else mean._replace(number=mean.number * mean.n)


def _share(part: Callable[[Seen], int], n: Callable[[Seen], int], seen: Seen) -> Reading:
    whole = n(seen)
    return Reading(Fraction(part(seen), whole), whole) if whole else Reading(None, 0, "no row has a value")


def _share_interval(read: Callable[[Seen], Reading], seen: Seen, confidence: float) -> Interval:
    reading = read(seen)
    part = 0.0 if reading.number is None else float(reading.number * reading.n)
    return intervals.share(part, reading.n, confidence=confidence)


def _uncounted(seen: Seen) -> Reading | None:
    frequent = seen.states["frequent"]
    if frequent.n == 0:
        return Reading(None, 0, "no row has a value")
    if not frequent.exact:
        return Reading(
            None, frequent.n, f"more than {len(frequent.counts)} different values are too many to count exactly"
        )
    return None


def _entropy(seen: Seen) -> Reading:
    if (undefined := _uncounted(seen)) is not None:
        return undefined
    counts, n = seen.states["frequent"].counts.values(), seen.states["frequent"].n
    return Reading(max(0.0, math.fsum(-c / n * math.log2(c / n) for c in counts)), n)


def _rarest(seen: Seen) -> Reading:
    if (undefined := _uncounted(seen)) is not None:
        return undefined
    frequent = seen.states["frequent"]
    if len(frequent.counts) == 1:
        return Reading(None, frequent.n, f"the only label is {shown(next(iter(frequent.counts)))}")
    label, count = frequent.top(len(frequent.counts))[-1]
    return Reading(Fraction(count, frequent.n), frequent.n, f"the rarest label is {shown(label)}")


def _quantile(seen: Seen) -> Reading:
    sketch: Quantiles = seen.states["quantiles"]
    values = sketch.many([float(seen.q)])
    return Reading(None, 0, "no row has a value") if values is None else Reading(_number(values[0].item()), sketch.n)


def _number(value: Any) -> Number:
    return Fraction(value) if isinstance(value, int) else float(value)


def _quantile_interval(seen: Seen, confidence: float) -> Interval:
    """Return the values between which the quantile lies: with certainty where `confidence` is 1, of these rows."""
    sketch: Quantiles = seen.states["quantiles"]
    q = float(seen.q)
    low, high = (q, q) if confidence == 1 else intervals.quantile_shares(q, sketch.n, confidence=confidence)
    ends = seen.states["extremes"]
    return enclosing(sketch, Interval(low, high), number_of(ends.low, seen.dtype), number_of(ends.high, seen.dtype))


def enclosing(sketch: Quantiles, shares: Interval, least: Number, greatest: Number) -> Interval:
    """Return two values that surely enclose the quantiles at two shares: the sketch's, its error further out."""
    slack = sketch.rank_error + (1 / sketch.n if sketch.error else 0)
    low, high = shares.low - slack, shares.high + slack
    values = sketch.many([max(low, 0.0), min(high, 1.0)])
    assert values is not None
    # A sketch need not have kept the least and the greatest value.
    return Interval(float(least if low <= 0 else values[0]), float(greatest if high >= 1 else values[1]))


def _extreme(seen: Seen, end: str) -> Reading:
    value, n = getattr(seen.states["extremes"], end), seen.states["counts"].present
    return Reading(None, 0, "no row has a value") if value is None else Reading(number_of(value, seen.dtype), n)


_zeros = partial(_share, lambda s: s.states["signs"].zeros, lambda s: s.states["counts"].present)
_negatives = partial(_share, lambda s: s.states["signs"].negatives, lambda s: s.states["counts"].present)
_trues = partial(_share, lambda s: s.states["trues"].trues, lambda s: s.states["trues"].n)


def _mean_interval(seen: Seen, confidence: float) -> Interval:
    return intervals.mean(seen.sample, confidence=confidence)


def _std_interval(seen: Seen, confidence: float) -> Interval:
    return intervals.std(seen.sample, confidence=confidence)


def _variance_interval(seen: Seen, confidence: float) -> Interval:
    return intervals.variance(seen.sample, confidence=confidence)


def _mean(seen: Seen) -> Reading:
    return _of_moments(seen, seen.moments.mean, 1)


def _std(seen: Seen) -> Reading:
    return _of_moments(seen, seen.moments.std, 2)


_VALUES = (("moments", None), ("total", None), ("signs", None))
_LOG = (("moments", "log"), ("counts", None))
_SIGNS = (("signs", None), ("counts", None))
_ENDS = (("extremes", None), ("counts", None))
_SKETCH = (("quantiles", None), ("extremes", None))
_COUNTED = (("frequent", None),)
_BOOLEAN = frozenset({Kind.BOOLEAN})

STATISTICS: dict[str, Statistic] = {
    entry.name: entry
    for entry in (
        Statistic("mean", "The mean", SCALE, _VALUES, _exact_mean, _mean_interval, "value"),
        Statistic("sum", "The sum", SPANS, _VALUES, _sum, None, "value"),
        Statistic("std", "The standard deviation", SCALE, _VALUES, _std, _std_interval, "spread"),
        Statistic("variance", "The variance", NUMBERS, _VALUES, lambda s: _of_moments(s, s.moments.variance, 2), _variance_interval),
        Statistic("skewness", "The skewness", SCALE, _VALUES, lambda s: _of_moments(s, s.moments.skewness, 2)),
        Statistic("kurtosis", "The excess kurtosis (0 for normal values)", SCALE, _VALUES, lambda s: _of_moments(s, s.moments.kurtosis, 2)),
        Statistic("mean_log", "The mean of the natural logarithms of the positive values", NUMBERS, _LOG, _mean, _mean_interval),
        Statistic("std_log", "The standard deviation of the natural logarithms of the positive values", NUMBERS, _LOG, _std, _std_interval),
        Statistic("minimum", "The least value", SCALE, _ENDS, lambda s: _extreme(s, "low"), None, "value"),
        Statistic("maximum", "The greatest value", SCALE, _ENDS, lambda s: _extreme(s, "high"), None, "value"),
        Statistic("median", "The median (the lower of two middle values)", SCALE, _SKETCH, _quantile, _quantile_interval, "value"),
        Statistic("quantile", "The q-quantile", SCALE, _SKETCH, _quantile, _quantile_interval, "value"),
        Statistic("zeros_share", "The share of zeros among the values", NUMBERS, _SIGNS, _zeros, partial(_share_interval, _zeros)),
        Statistic("negatives_share", "The share of values below zero", NUMBERS, _SIGNS, _negatives, partial(_share_interval, _negatives)),
        Statistic("true_share", "The share of true values", _BOOLEAN, (("trues", None),), _trues, partial(_share_interval, _trues)),
        Statistic("entropy", "The entropy of the values, in bits,", WORDS, _COUNTED, _entropy),
        Statistic("label_balance", "The share of the rarest label", WORDS, _COUNTED, _rarest, partial(_share_interval, _rarest)),
        Statistic("mean_length", "The mean length (characters, items, bytes)", SIZED, (("lengths", None),), _mean, _mean_interval),
    )
}  # fmt: skip
