"""Bounds keep their type: what a bound means on a column of a given type, exactly, or why it cannot be judged.

Whole numbers, decimals, dates, instants, times and spans are compared as the integers that the column stores, so no
rounding, no unit and no width changes a verdict; a bound that falls between two of them is moved to the right one.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from assay.checks.check import Bound, CannotJudge, exact
from assay.codec import format_duration, parse_duration
from assay.data.kinds import Kind, kind_of

__all__ = ["above", "below", "check_range", "equals_any", "fit", "listed", "phrase", "shown"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000  # microseconds
_WIDTHS = {"Float16": np.float16, "Float32": np.float32}
_PER_MICROSECOND = {"ns": Fraction(1000), "us": Fraction(1), "ms": Fraction(1, 1000)}
_WORDS = {
    bool: "a boolean", int: "a number", Decimal: "a number", str: "a text", datetime: "an instant", date: "a date",
    time: "a time of day", timedelta: "a span of time",
}  # fmt: skip


def fit(bound: Bound, dtype: pl.DataType, *, column: str) -> Any:
    """Return a bound as a value of a column's type; raise `CannotJudge` where the two cannot be compared.

    Whole numbers and decimals stay exact. On a column of floats, a number with a point is the float that it prints as.
    A date on a column of instants stands for its whole day, in the column's zone; an instant fits only where both it
    and the column have a zone, or neither has.
    """
    bound, kind = exact(bound), kind_of(dtype)
    if isinstance(bound, Decimal) and bound.is_nan():
        raise CannotJudge("the bound is not a number (NaN), and nothing compares with that")
    fitted: Any = None
    if isinstance(bound, bool) or kind is Kind.BOOLEAN:
        fitted = bound if isinstance(bound, bool) and kind is Kind.BOOLEAN else None
    elif kind.is_number and isinstance(bound, int | Decimal):
        return float(bound) if kind is Kind.FLOAT and isinstance(bound, Decimal) else bound
    elif kind.is_text:
        fitted = bound if isinstance(bound, str) else None
    elif kind.is_temporal:
        fitted = _temporal(bound, kind, dtype, column)
    if fitted is None:
        called = _WORDS.get(type(bound), f"a {type(bound).__name__}")
        raise CannotJudge(
            f"the bound {shown(bound)} is {called} and the column {column!r} holds {kind.value} values",
            hint="write a bound of the column's type",
        )
    return fitted


def _temporal(bound: Bound, kind: Kind, dtype: pl.DataType, column: str) -> Any:
    if kind is Kind.DURATION:
        span = _duration(bound, column) if isinstance(bound, str) else bound
        return span if isinstance(span, timedelta) else None
    if kind is Kind.TIME:
        moment = _time(bound, column) if isinstance(bound, str) else bound
        return moment if isinstance(moment, time) and moment.tzinfo is None else None
    if isinstance(bound, str):
        bound = _instant(bound, column)
    if not isinstance(bound, date):
        return None
    if not isinstance(bound, datetime):
        return bound
    return _zoned(bound, dtype, column) if kind is Kind.DATETIME else None


def _zoned(bound: datetime, dtype: pl.DataType, column: str) -> datetime:
    zone = getattr(dtype, "time_zone", None)
    if (zone is None) == (bound.tzinfo is None):
        return bound
    if zone is None:
        raise CannotJudge(
            f"the bound {bound.isoformat()} has a zone and the column {column!r} has none",
            hint="drop the zone from the bound",
        )
    raise CannotJudge(
        f"the bound {bound.isoformat()} has no zone and the column {column!r} is in {zone}",
        hint="write the bound with its zone, such as 2013-01-01T00:00:00Z",
    )


def _instant(text: str, column: str) -> date | datetime:
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise CannotJudge(
            f"the bound {text!r} is not a date or an instant, as the column {column!r} holds",
            hint="write it like 2013-01-31 or 2013-01-31T12:00:00Z",
        ) from None


def _duration(text: str, column: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CannotJudge(f"the bound of the column {column!r}: {error}") from None


def _time(text: str, column: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise CannotJudge(
            f"the bound {text!r} is not a time of day, as the column {column!r} holds", hint="write it like 09:30"
        ) from None


def below(x: pl.Expr, bound: Any, dtype: pl.DataType, *, or_equal: bool = False) -> pl.Expr:
    """Return where values are below a fitted bound (or equal to it), exactly; null where a value is missing."""
    kind = kind_of(dtype)
    if kind is Kind.FLOAT:
        number, is_exact = _float_at_most(bound, dtype)
        value = pl.lit(number, dtype=dtype)
        return x <= value if or_equal or not is_exact else x < value
    if kind.is_text:
        return x <= pl.lit(bound) if or_equal else x < pl.lit(bound)
    first, last = _places(bound, dtype)
    limit = (
        math.inf
        if last == math.inf
        else -math.inf
        if first == -math.inf
        else math.floor(last)
        if or_equal
        else math.ceil(first) - 1
    )
    return _compare(x, limit, dtype, upper=True)


def above(x: pl.Expr, bound: Any, dtype: pl.DataType, *, or_equal: bool = False) -> pl.Expr:
    """Return where values are above a fitted bound (or equal to it), exactly; null where a value is missing."""
    kind = kind_of(dtype)
    if kind is Kind.FLOAT:
        number, is_exact = _float_at_most(bound, dtype)
        value = pl.lit(number, dtype=dtype)
        return x >= value if or_equal and is_exact else x > value
    if kind.is_text:
        return x >= pl.lit(bound) if or_equal else x > pl.lit(bound)
    first, last = _places(bound, dtype)
    limit = (
        math.inf
        if first == math.inf
        else -math.inf
        if last == -math.inf
        else math.ceil(first)
        if or_equal
        else math.floor(last) + 1
    )
    return _compare(x, limit, dtype, upper=False)


def _float_at_most(bound: int | float, dtype: pl.DataType) -> tuple[float, bool]:
    """Return the greatest float of the column's width at or below a bound, and whether it is the bound itself.

    A bound that was written with a point is the nearest float: it was rounded just as the column's values were.
    """
    width: Any = _WIDTHS.get(str(dtype), np.float64)
    with np.errstate(over="ignore"):
        try:
            nearest = width(bound)
        except OverflowError:
            nearest = width(math.inf if bound > 0 else -math.inf)
    if isinstance(bound, float) or (np.isfinite(nearest) and int(nearest) == bound):
        return float(nearest), True
    if nearest == math.inf or (np.isfinite(nearest) and int(nearest) > bound):
        nearest = np.nextafter(nearest, width(-math.inf))
    return float(nearest), False


Place = Fraction | float  # a float only where it is infinite


def _places(bound: Any, dtype: pl.DataType) -> tuple[Place, Place]:
    """Return where a bound begins and where it ends, on the axis of the integers that a column stores."""
    place = _place(bound, dtype)
    if isinstance(bound, date) and not isinstance(bound, datetime) and kind_of(dtype) is Kind.DATETIME:
        unit = _PER_MICROSECOND[dtype.time_unit]  # type: ignore[attr-defined]
        after = bound + timedelta(days=1) if bound < date.max else None
        end = _place(after, dtype) if after else place + _DAY * unit
        return place, end - Fraction(1, 10**9)  # the last moment of that day
    return place, place


def _place(bound: Any, dtype: pl.DataType) -> Place:
    if isinstance(bound, int | Decimal):
        return _number(bound, getattr(dtype, "scale", 0) or 0)
    if isinstance(bound, time):
        since = timedelta(hours=bound.hour, minutes=bound.minute, seconds=bound.second, microseconds=bound.microsecond)
        return Fraction(since // _MICROSECOND * 1000)
    if isinstance(bound, date) and not isinstance(bound, datetime):
        if isinstance(dtype, pl.Date):
            return Fraction((bound - _EPOCH.date()).days)
        bound = datetime(
            bound.year, bound.month, bound.day, tzinfo=ZoneInfo(getattr(dtype, "time_zone", None) or "UTC")
        )
    if isinstance(bound, datetime):
        bound = (bound if bound.tzinfo else bound.replace(tzinfo=UTC)) - _EPOCH
    unit: Fraction = _PER_MICROSECOND[dtype.time_unit]  # type: ignore[attr-defined]
    micros: int = bound // _MICROSECOND
    return unit * micros


def _number(bound: int | Decimal, scale: int) -> Place:
    units: int = 10**scale
    if isinstance(bound, int):
        return Fraction(bound * units)
    if bound.is_infinite() or bound.adjusted() > 60:  # beyond every type's range
        return math.inf if bound > 0 else -math.inf
    if bound and bound.adjusted() < -60:
        return Fraction(1 if bound > 0 else -1, 10**60)
    return Fraction(bound) * units


def _compare(x: pl.Expr, limit: float, dtype: pl.DataType, *, upper: bool) -> pl.Expr:
    stored = _stored(dtype)
    low, high = _range(stored)
    if limit < low or limit > high:
        return pl.when(x.is_not_null()).then(pl.lit(value=(limit > high) == upper))
    value = pl.lit(int(limit), dtype=stored)
    return _physical(x, dtype) <= value if upper else _physical(x, dtype) >= value


def _stored(dtype: pl.DataType) -> pl.DataType:
    if dtype.is_integer():
        return dtype
    return pl.Int128() if dtype.is_decimal() else pl.Int32() if isinstance(dtype, pl.Date) else pl.Int64()


def _physical(x: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    return x if dtype.is_integer() else x.to_physical()


def _range(dtype: pl.DataType) -> tuple[int, int]:
    bits = int("".join(c for c in str(dtype) if c.isdigit()))
    return (0, 2**bits - 1) if dtype.is_unsigned_integer() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def equals_any(x: pl.Expr, values: tuple[Bound, ...], dtype: pl.DataType, *, column: str) -> pl.Expr:
    """Return where values equal one of the given ones, in the column's own type; null where a value is missing.

    A number that the column's type cannot hold equals nothing; a value of another kind raises `CannotJudge`.
    """
    fitted = [fit(value, dtype, column=column) for value in values]
    kind = kind_of(dtype)
    if kind is Kind.CATEGORY:
        return x.cast(pl.String).is_in(pl.Series(fitted, dtype=pl.String).implode())
    if kind is Kind.FLOAT:
        floats = [number for number, is_exact in (_float_at_most(value, dtype) for value in fitted) if is_exact]
        return x.is_in(pl.Series(floats, dtype=dtype).implode())
    if kind in (Kind.TEXT, Kind.BOOLEAN):
        return x.is_in(pl.Series(fitted, dtype=dtype).implode())
    places = [_places(value, dtype) for value in fitted]
    low, high = _range(_stored(dtype))
    whole = [int(first) for first, last in places if first == last and low <= first <= high and first == int(first)]
    found = _physical(x, dtype).is_in(pl.Series(whole, dtype=_stored(dtype)).implode())
    days = [value for value, (first, last) in zip(fitted, places, strict=True) if first != last]
    within = [above(x, day, dtype, or_equal=True) & below(x, day, dtype, or_equal=True) for day in days]
    return pl.any_horizontal(found, *within) if within else found


def check_range(at_least: Bound = None, at_most: Bound = None, *, above: Bound = None, below: Bound = None) -> None:
    """Raise ValueError where the ends of a range say nothing, contradict each other, or are not a number.

    >>> check_range(5, 3)
    Traceback (most recent call last):
    ValueError: at_least 5 is more than at_most 3; nothing lies between them
    """
    given = {"at_least": at_least, "at_most": at_most, "above": above, "below": below}
    told = {word: bound for word, bound in given.items() if bound is not None}
    if not told:
        raise ValueError("no bound is given; give at_least, at_most, above or below")
    for word, bound in told.items():
        if isinstance(bound, Decimal) and bound.is_nan():
            raise ValueError(f"{word} is not a number (NaN), and nothing compares with that")
        if type(bound) in (tuple, dict):
            raise ValueError(f"{word} is {bound!r}; expected one value")
    for one, other in (("at_least", "above"), ("at_most", "below")):
        if one in told and other in told:
            raise ValueError(f"give {one} or {other}, not both")
    low, high = told.get("at_least", told.get("above")), told.get("at_most", told.get("below"))
    strict = "above" in told or "below" in told
    if low is not None and high is not None and _exceeds(low, high, or_equal=strict):
        names = [word for word in ("at_least", "above", "at_most", "below") if word in told]
        raise ValueError(
            f"{names[0]} {shown(low)} is {'not less' if strict else 'more'} than {names[1]} {shown(high)}; nothing lies between them"
        )


def _exceeds(low: Any, high: Any, *, or_equal: bool) -> bool:
    try:
        return bool(low >= high if or_equal else low > high)
    except TypeError:  # bounds of two types: the column will say which one does not fit
        return False


def shown(bound: Any) -> str:
    """Return a bound as people write it.

    >>> shown(True), shown("a"), shown(Decimal("1.10")), shown(date(2013, 1, 31))
    ('true', "'a'", '1.10', '2013-01-31')
    """
    if isinstance(bound, bool):
        return str(bound).lower()
    if isinstance(bound, timedelta):
        return format_duration(bound)
    if isinstance(bound, datetime | date | time):
        return bound.isoformat()
    if isinstance(bound, Decimal):
        return f"{bound:f}" if bound.is_finite() and -7 < bound.adjusted() < 15 else str(bound)
    return repr(bound) if isinstance(bound, str) else str(bound)


def listed(values: tuple[Any, ...] | list[Any], *, most: int = 8) -> str:
    """Return values as people write them, the first few of many.

    >>> listed(("a", "b", "c"), most=2)
    "'a', 'b' and 1 more"
    """
    rest = f" and {len(values) - most:,} more" if len(values) > most else ""
    return ", ".join(shown(value) for value in values[:most]) + rest


def phrase(at_least: Bound = None, at_most: Bound = None, *, above: Bound = None, below: Bound = None) -> str:
    """Return a range in words.

    >>> phrase(0, 120), phrase(at_most=Decimal("0.01")), phrase(above=0)
    ('between 0 and 120', 'at most 0.01', 'above 0')
    """
    if at_least is not None and at_most is not None:
        return (
            f"exactly {shown(at_least)}" if at_least == at_most else f"between {shown(at_least)} and {shown(at_most)}"
        )
    words = (("at least", at_least), ("above", above), ("at most", at_most), ("below", below))
    return " and ".join(f"{word} {shown(bound)}" for word, bound in words if bound is not None)
