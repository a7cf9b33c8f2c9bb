"""Ranges of a statistic: a bound in the units that the statistic is counted in, and what was seen in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import polars as pl

from assay.checks.bounds import check_range, fit, phrase, shown
from assay.checks.check import Arguments, Bound, CannotJudge, Judged
from assay.checks.readings import Number, Reading
from assay.checks.shares import check_shares
from assay.codec import format_duration, parse_duration
from assay.profiles.physical import number_of, unit_of, value_of
from assay.stats.intervals import Interval
from assay.verdict import Estimate

__all__ = ["Ends", "Quantile", "Range", "Ranged"]


class Range(Arguments, frozen=True):
    """A range for a statistic; `confidence` in (0, 1) judges the population instead of the rows that are there."""

    at_least: Bound = None
    at_most: Bound = None
    confidence: Decimal | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self.at_least, self.at_most)
        if self.confidence is not None and not 0 < self.confidence < 1:
            raise ValueError(f"confidence is {self.confidence}; it lies between 0 and 1, such as 0.95")


class Quantile(Range, frozen=True, kw_only=True):
    """A range for the q-quantile: the least value with at least a share q of the values at or below it."""

    q: Decimal

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shares(q=self.q)


Ends: TypeAlias = tuple[Number | None, Number | None]
Scale: TypeAlias = Literal["value", "spread", "number"]


@dataclass(frozen=True, slots=True)
class Ranged:
    """A statistic's range, ready to judge: what was told, and its ends as numbers of the kind that is measured.

    `scale` says what is measured: a "value" of the column's type (instants as numbers of their unit), a "spread" (a
    difference of two values), or a plain "number". `called` is what the statistic is called in a sentence.
    """

    told: Range
    dtype: pl.DataType
    scale: Scale
    called: str
    ends: Ends
    phrase: str

    @staticmethod
    def of(told: Range, dtype: pl.DataType, *, column: str, scale: Scale, called: str) -> Ranged:
        """Return the range of a statistic of a column; raise `CannotJudge` where a bound does not fit."""
        least, most = (_fitted(bound, dtype, scale, column) for bound in (told.at_least, told.at_most))
        low = None if least is None else _placed(least, dtype, upper=False)
        high = None if most is None else _placed(most, dtype, upper=True)
        spoken = (_span_words(told.at_least, least), _span_words(told.at_most, most))
        return Ranged(told, dtype, scale, called, (low, high), phrase(*spoken))

    @property
    def expected(self) -> str:
        """Return the range in words, with the confidence that is asked for."""
        confidence = self.told.confidence
        return self.phrase + ("" if confidence is None else f" with {float(confidence * 100):g}% confidence")

    @property
    def confidence(self) -> float:
        """Return the confidence of the interval that is shown."""
        return float(self.told.confidence or Decimal("0.95"))

    def judge(self, reading: Reading, interval: Interval | None) -> Judged:
        """Return the judgement of a reading: of the rows that are there, or with `confidence` of the population."""
        if reading.number is None:
            return self.undefined(reading)
        if self.told.confidence is None or interval is None:
            return self.conclude(self._has(reading.number), reading, interval, self.confidence)
        return self.conclude(self._surely_has(interval), reading, interval, self.confidence)

    def undefined(self, reading: Reading) -> Judged:
        """Return the judgement where there is no number: none."""
        return Judged(None, Estimate(None, n=reading.n, why=reading.why), f"{self.called} is undefined: {reading.why}")

    def _has(self, number: Number) -> bool:
        low, high = self.ends
        # A sum of floats is right to its last few digits: a bound that lies within them is met.
        sizes = [abs(float(end)) for end in (number, *self.ends) if end is not None]
        close = 0.0 if isinstance(number, Fraction) else 16 * math.ulp(max(sizes))
        return (low is None or number >= low or low - number <= close) and (
            high is None or number <= high or number - high <= close
        )

    def _surely_has(self, interval: Interval) -> bool | None:
        low, high = self.ends
        if (low is not None and interval.high < low) or (high is not None and interval.low > high):
            return False
        sure = (low is None or interval.low >= low) and (high is None or interval.high <= high)
        return True if sure else None

    def conclude(self, holds: bool | None, reading: Reading, interval: Interval | None, confidence: float) -> Judged:
        """Return a judgement with its estimate and its sentence; a `confidence` of 1 is certainty."""
        assert reading.number is not None
        value = self._shown(reading.number)
        if interval is None or isinstance(value, str) or not all(math.isfinite(end) for end in interval):
            estimate = Estimate(value, n=reading.n)
        else:
            estimate = Estimate(value, n=reading.n, low=interval.low, high=interval.high, confidence=confidence)
        sentence = f"{self.called} {'may be' if holds is None else 'is'} {_text(value)}{self._interval_words(interval, confidence)}"
        if holds is False:
            sentence += f", not {self.expected}"
        elif holds is None:
            sentence += f", which does not tell whether it is {self.phrase}{self._needed(reading, interval)}"
        return Judged(holds, estimate, f"{sentence}; {reading.why}" if reading.why else sentence)

    def _needed(self, reading: Reading, interval: Interval | None) -> str:
        """Return about how many values would tell: an interval narrows with the root of their number."""
        if interval is None or reading.number is None or not all(math.isfinite(end) for end in interval):
            return ""
        away = min(abs(float(reading.number - end)) for end in self.ends if end is not None)
        half = (interval.high - interval.low) / 2
        return (
            f"; about {math.ceil(reading.n * (half / away) ** 2):,} values would"
            if 0 < away < half < away * 1e4
            else ""
        )

    def _interval_words(self, interval: Interval | None, confidence: float) -> str:
        if interval is None:
            return ""
        if not all(math.isfinite(end) for end in interval):
            return ""
        low, high = (self._rough(_text(self._shown(end))) for end in interval)
        return f" (surely {low} to {high})" if confidence == 1 else f" ({low} to {high} at {confidence * 100:g}%)"

    def _rough(self, text: str) -> str:
        return text.partition(".")[0] if self.dtype.is_temporal() and self.scale == "value" else text

    def _shown(self, number: Number) -> int | float | str:
        """Return a number as an estimate holds it: plain where JSON can, else as text in the column's own words."""
        if isinstance(number, float) and not math.isfinite(number):
            return str(number)
        if self.scale == "spread" and self.dtype.is_temporal():
            return format_duration(_span(number, self.dtype))
        if self.scale == "value" and (self.dtype.is_temporal() or self.dtype.is_decimal()):
            value = value_of(number, self.dtype)
            return value if isinstance(value, float) else shown(value)
        if not isinstance(number, Fraction) or number.denominator != 1:
            return float(number)
        if abs(number) >= 2**53:
            return str(int(number))
        return int(number) if self.scale == "value" else float(number)


def _fitted(bound: Bound, dtype: pl.DataType, scale: Scale, column: str) -> Bound:
    if bound is None:
        return None
    if scale == "value":
        return fit(bound, dtype, column=column)
    return _span_of(bound, column) if scale == "spread" and dtype.is_temporal() else _plain(bound)


def _placed(bound: Bound, dtype: pl.DataType, *, upper: bool) -> Number:
    if isinstance(bound, date) and not isinstance(bound, datetime) and isinstance(dtype, pl.Datetime):
        day = bound + timedelta(days=1) if upper and bound < date.max else bound  # a date stands for its whole day
        start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(dtype.time_zone or "UTC"))
        return number_of(start, dtype) - (Fraction(1, 10**9) if upper else 0)
    return number_of(bound, dtype)


def _span_of(bound: Bound, column: str) -> timedelta:
    if isinstance(bound, str):
        try:
            return parse_duration(bound)
        except ValueError as error:
            raise CannotJudge(str(error)) from None
    if not isinstance(bound, timedelta):
        raise CannotJudge(
            f"the bound {shown(bound)} is no span of time, as a spread of {column!r} is", hint="write it like 5m or 24h"
        )
    return bound


def _plain(bound: Bound) -> int | Decimal:
    if isinstance(bound, bool) or not isinstance(bound, int | Decimal):
        raise CannotJudge(f"the bound {shown(bound)} is no number", hint="write a number")
    return bound


def _span_words(told: Bound, fitted: Bound) -> Bound:
    return fitted if isinstance(fitted, timedelta) else told


def _span(number: Number, dtype: pl.DataType) -> timedelta:
    micros = round(Fraction(number) * unit_of(dtype))
    rough = round(micros, min(6 - len(str(abs(micros))), 0))  # six digits: a spread is an estimate
    span = value_of(Fraction(rough), pl.Duration("us"))
    assert isinstance(span, timedelta)
    return span


def _text(value: int | float | str) -> str:
    return value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
