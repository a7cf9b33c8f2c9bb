"""Values as the plain numbers that they are stored as, and back, exactly.

An instant is a number of units since 1970 (UTC), a time of day one of nanoseconds, a span one of its units. Python's
own dates end in the year 9999: what lies beyond is shown as the last one that there is.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.kinds import Kind, kind_of

__all__ = ["local_numbers", "number_of", "scale_of", "unit_of", "value_of"]

Whole = NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PER_UNIT = {"ms": Fraction(1000), "us": Fraction(1), "ns": Fraction(1, 1000)}


def unit_of(dtype: pl.DataType) -> Fraction:
    """Return how many microseconds one unit of a temporal type is.

    >>> unit_of(pl.Datetime("ms")), unit_of(pl.Time())
    (Fraction(1000, 1), Fraction(1, 1000))
    """
    if isinstance(dtype, pl.Date):
        return Fraction(86_400_000_000)
    return Fraction(1, 1000) if isinstance(dtype, pl.Time) else _PER_UNIT[getattr(dtype, "time_unit", "us")]


def scale_of(dtype: pl.DataType) -> int:
    """Return how many digits a decimal type has after its point; 0 for any other type."""
    return getattr(dtype, "scale", 0) or 0


def number_of(value: Any, dtype: pl.DataType) -> Fraction | float:
    """Return the number that a value of a column's type stands for; a number beyond all others is a float.

    >>> number_of(timedelta(seconds=1), pl.Duration("ms")), number_of(Decimal("2.5"), pl.Int64())
    (Fraction(1000, 1), Fraction(5, 2))
    """
    if isinstance(value, timedelta):
        return Fraction(value // _MICROSECOND) / unit_of(dtype)
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return Fraction((aware - _EPOCH) // _MICROSECOND) / unit_of(dtype)
    if isinstance(value, date):
        return Fraction(value.toordinal() - _EPOCH.toordinal()) * 86_400_000_000 / unit_of(dtype)
    if isinstance(value, time):
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        return Fraction(seconds * 1_000_000 + value.microsecond) / unit_of(dtype)
    if isinstance(value, float) or (isinstance(value, Decimal) and not value.is_finite()):
        return float(value)
    return Fraction(value)


def value_of(number: Fraction | float, dtype: pl.DataType) -> Any:
    """Return the value of a column's type that a number stands for; what a type cannot hold is rounded down.

    >>> value_of(Fraction(1), pl.Date()), value_of(Fraction(5, 2), pl.Int64())
    (datetime.date(1970, 1, 2), 2.5)
    """
    kind = kind_of(dtype)
    if kind is Kind.DECIMAL:
        return _decimal(number, scale_of(dtype))
    if not kind.is_temporal:
        whole = isinstance(number, Fraction) and number.denominator == 1 and kind is not Kind.FLOAT
        return int(number) if whole else float(number)
    micros = int(Decimal(float(number)).to_integral_value(ROUND_FLOOR)) if isinstance(number, float) else number
    whole_micros = (Fraction(micros) * unit_of(dtype)).__floor__()
    if kind is Kind.DURATION:
        return _clamped(whole_micros)
    if kind is Kind.TIME:
        return (_EPOCH + _clamped(whole_micros)).time()
    zone = getattr(dtype, "time_zone", None)
    return _instant(whole_micros, zone).date() if kind is Kind.DATE else _instant(whole_micros, zone)


def _decimal(number: Fraction | float, scale: int) -> Decimal | float:
    if isinstance(number, float):
        return number
    shifted = number * 10**scale
    return Decimal(int(shifted)).scaleb(-scale) if shifted.denominator == 1 and abs(shifted) < 10**28 else _wide(number)


def _wide(number: Fraction) -> Decimal:
    from decimal import localcontext

    with localcontext() as context:
        context.prec = 50
        return (Decimal(number.numerator) / Decimal(number.denominator)).normalize()


def _clamped(micros: int) -> timedelta:
    try:
        return timedelta(microseconds=micros)
    except OverflowError:
        return timedelta.max if micros > 0 else timedelta.min


def _instant(micros: int, zone: str | None) -> datetime:
    where = None if zone is None else ZoneInfo(zone)
    try:
        instant = _EPOCH + timedelta(microseconds=micros)
        return instant.replace(tzinfo=None) if where is None else instant.astimezone(where)
    except OverflowError:
        last = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=where)
        return last if micros > 0 else datetime(1, 1, 1, tzinfo=where)


def local_numbers(instants: pl.Series) -> Whole:
    """Return instants as numbers of their unit since 1970 on the clock of their own zone; dates as days. None may be null.

    The calendar repeats every 400 years: where an instant lies outside the years 1 to 9999, the zone's offset is that of
    the instant that many years nearer. (Polars knows no zone's offset there.)

    >>> local_numbers(pl.Series([0]).cast(pl.Datetime("ms", "Asia/Tokyo"))).tolist()  # nine in the morning
    [32400000]
    """
    numbers: Whole = instants.to_physical().to_numpy().astype(np.int64)
    zone = getattr(instants.dtype, "time_zone", None)
    if zone in (None, "UTC") or not len(numbers):
        return numbers
    day = int(_DAY / unit_of(instants.dtype))
    ends = np.iinfo(np.int64)
    numbers = np.clip(numbers, ends.min + 2 * day, ends.max - 2 * day)  # room for what is ahead of UTC
    return numbers + _offsets(numbers, instants.dtype, day=day)


_DAY = 86_400_000_000


def _offsets(numbers: Whole, dtype: pl.DataType, *, day: int) -> Whole:
    """Return what the clock of a zone is ahead of UTC at each instant.

    Polars looks each instant up, which is slow. No zone has ever moved its clock there and back within one day of UTC,
    so that a day with the same offset at its start and at its end has it throughout.
    """
    days = numbers // day
    first, last = int(days.min()), int(days.max())
    if last - first > len(numbers) // 4:
        return _looked_up(numbers, dtype, day=day)
    bounds = _looked_up(np.arange(first, last + 2) * day, dtype, day=day)
    places = days - first
    offsets = bounds[places]
    moved = (bounds[1:] != bounds[:-1])[places]
    offsets[moved] = _looked_up(numbers[moved], dtype, day=day)
    return offsets


def _looked_up(numbers: Whole, dtype: pl.DataType, *, day: int) -> Whole:
    near = numbers
    if _YEAR_10000 * day < np.iinfo(np.int64).max:  # nanoseconds end in the year 2262
        low, high, cycle = (days * day for days in (_YEAR_1, _YEAR_10000, _CYCLE))
        near = np.where(near < low, low + (near - low) % cycle, near)
        near = np.where(near >= high, high - cycle + (near - high) % cycle, near)
    local = pl.Series(near).cast(dtype).dt.replace_time_zone(None).to_physical().to_numpy()
    offsets: Whole = local - near
    return offsets


_YEAR_1, _YEAR_10000, _CYCLE = -719_162, 2_932_897, 146_097  # in days since 1970
