"""Edge cases of a column: the values next to those that it has, on which code breaks. One table, by kind of column."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from assay.data.kinds import Kind, kind_of

__all__ = ["EDGES", "EdgeCases", "edge_cases", "edge_names"]

Named = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_UNITS = {"ms": (1, 1000), "us": (1, 1), "ns": (1000, 1)}  # units in a microsecond: times the first, by the second
_LONG = 1_000


@dataclass(frozen=True)
class EdgeCases:
    """Values of a column's own type, each with a name that says what is special about it; plain ones first."""

    names: tuple[str, ...]
    values: pl.Series

    def __len__(self) -> int:
        return len(self.names)

    def only(self, kept: pl.Series) -> EdgeCases:
        """Return those that a mask keeps."""
        chosen = kept.fill_null(value=False)
        return EdgeCases(tuple(n for n, k in zip(self.names, chosen, strict=True) if k), self.values.filter(chosen))


def edge_cases(series: pl.Series) -> EdgeCases:
    """Return the edge cases next to a column's values: a missing one, its ends and what lies just beyond, and the rest.

    Of numbers: 0, 1, -1, the least and the greatest and their neighbours (the next number that the type can hold), the ends of
    the type; of floats also NaN, the infinities and the smallest number above 0. Of instants: the ends and their neighbours, a
    leap day, the turn of a year, 1970, far dates, and the hours that a change of clocks skips and repeats. Of text: none at all,
    white space, other case, accents in two forms, words that mean "missing", quotes, line ends, a long one. Values that
    the column's type cannot hold are left out, as are lists and structs, of which only the missing one is known.

    >>> cases = edge_cases(pl.Series("age", [18, 64], dtype=pl.Int8))
    >>> dict(zip(cases.names, cases.values.to_list(), strict=True))["just above the greatest"]
    65
    """
    kind = kind_of(series.dtype)
    plain = series.alias("value")  # methods of a series would read a name such as '^a$' as a pattern
    found = EDGES[kind](plain) if kind in EDGES else {}
    made = _MADE.get(kind, _as_is)(found, series.dtype)
    names = ["missing", *made[0]]
    missing = pl.Series(series.name, [None], dtype=series.dtype)
    return EdgeCases(tuple(names), missing.append(made[1].alias(series.name)) if len(made[1]) else missing)


def edge_names() -> Mapping[str, tuple[str, ...]]:
    """Return for each kind of column the names that its edge cases may have, as a table for a person."""
    shown = {
        Kind.INTEGER: pl.Series([1, 2]), Kind.FLOAT: pl.Series([1.0, 2.0]), Kind.TEXT: pl.Series(["a", "b"]),
        Kind.DECIMAL: pl.Series(["1.0", "2.0"]).cast(pl.Decimal(10, 2)), Kind.BOOLEAN: pl.Series([True]),
        Kind.CATEGORY: pl.Series(["a"], dtype=pl.Categorical), Kind.DATE: pl.Series([date(2024, 5, 1)]),
        Kind.DATETIME: pl.Series([datetime(2024, 5, 1)]), Kind.DURATION: pl.Series([timedelta(1)]),
        Kind.TIME: pl.Series([0]).cast(pl.Time), Kind.BINARY: pl.Series([b"a"]), Kind.LIST: pl.Series([[1]]),
    }  # fmt: skip
    return {kind.value: edge_cases(series).names for kind, series in shown.items()}


# What each kind has. Numbers and instants are given as the plain numbers that the column stores.


def _ends(series: pl.Series) -> Iterator[tuple[str, Any]]:
    """Yield the least and the greatest stored number, where there are values."""
    stored = series.drop_nulls()
    if series.dtype.is_float():
        stored = stored.filter(stored.is_finite())
    stored = stored.to_physical()
    if len(stored):
        yield "the least", stored.min()
        yield "the greatest", stored.max()


def _near(ends: Named, below: Callable[[Any], Any], above: Callable[[Any], Any]) -> tuple[Named, Named]:
    """Return the least value and what lies just below it, and the greatest and what lies just above it."""
    if not ends:
        return {}, {}
    low, high = ends["the least"], ends["the greatest"]
    return {"the least": low, "just below the least": below(low)}, {
        "the greatest": high,
        "just above the greatest": above(high),
    }


# Neighbours in these lists are alike, as a failing example shrinks from one case to the one before it: from minus infinite to
# minus one, from infinite to the greatest.


def _integers(series: pl.Series) -> Named:
    low, high = _near(dict(_ends(series)), lambda number: number - 1, lambda number: number + 1)
    least, most = _range(series.dtype)
    large = {"beyond 32 bits": 2**31, "beyond what a float tells apart": 2**53 + 1, "the greatest of its type": most}
    return {"zero": 0, "one": 1, **low, "minus one": -1, "the least of its type": least, **high, **large}


def _floats(series: pl.Series) -> Named:
    width: Any = np.float32 if series.dtype == pl.Float32 else np.float64
    limits = np.finfo(width)
    low, high = _near(
        dict(_ends(series)),
        lambda number: float(np.nextafter(width(number), width(-np.inf))),
        lambda number: float(np.nextafter(width(number), width(np.inf))),
    )
    small = {
        "minus zero": -0.0,
        "the smallest above 0": float(limits.smallest_subnormal),
        "a fraction that is not exact": 0.1 + 0.2,
    }
    negative = {"minus one": -1.0, "the least of its type": float(limits.min), "minus infinite": -math.inf}
    large = {"the greatest of its type": float(limits.max), "infinite": math.inf}
    return {"NaN": math.nan, "zero": 0.0, **small, "one": 1.0, **low, **negative, **high, **large}


def _decimals(series: pl.Series) -> Named:
    one = 10 ** (getattr(series.dtype, "scale", 0) or 0)
    low, high = _near(dict(_ends(series)), lambda number: number - 1, lambda number: number + 1)
    least, most = _range(series.dtype)
    negative = {"minus one": -one, "the least of its type": least}
    return {
        "zero": 0,
        "the smallest above 0": 1,
        "one": one,
        **low,
        **negative,
        **high,
        "the greatest of its type": most,
    }


def _booleans(series: pl.Series) -> Named:
    return {"false": False, "true": True}


def _texts(series: pl.Series) -> Named:
    word = next((w for w in series.drop_nulls().cast(pl.String).head(50) if w.strip()), "a")
    longest = max(series.drop_nulls().cast(pl.String).head(1000).to_list(), key=len, default=word)
    return {
        "empty": "", "white space": " ", "no width": "\u200b", "one of its own": word, "a blank before": f" {word}",
        "a blank after": f"{word} ",
        "in capitals": word.upper(), "in small letters": word.lower(), "zero": "0", "minus one": "-1", "the word NULL": "NULL",
        "the word nan": "nan", "a comma": "a,b", "a quotation mark": 'a"b', "an apostrophe": "O'Neil", "two lines": "a\nb",
        "a tab": "a\tb", "an accent in one character": "\u00e9", "an accent in two characters": "e\u0301",
        "a picture": "\U0001f642", "from right to left": "\u05e9\u05dc\u05d5\u05dd","a byte order mark": "\ufeffa",
        "a backslash": "a\\b", "a formula": "=1+1", "a null byte": "a\x00b",
        "longer than all": longest + "a", "very long": (word * _LONG)[:_LONG],
    }  # fmt: skip


def _categories(series: pl.Series) -> Named:
    words = series.drop_nulls().cast(pl.String)
    if not len(words):
        return {"a word that is new": "new"}
    counted = words.alias("w").value_counts().sort("count", "w")
    named: Named = {"the most frequent": counted["w"][-1], "the rarest": counted["w"][0]}
    return named | {"a word that is new": "new", "empty": "", "a blank after": f"{counted['w'][-1]} "}


def _instants(series: pl.Series) -> Named:
    ends = dict(_ends(series))
    day = 1 if isinstance(series.dtype, pl.Date) else _stored(timedelta(days=1) // _MICRO, series.dtype)
    named: Named = dict(ends)
    if ends:
        low, high = ends["the least"], ends["the greatest"]
        named |= {"just below the least": low - 1, "just above the greatest": high + 1}
        named |= {"a day before all": low - day, "a day after all": high + day, "a year after all": high + 365 * day}
    calendar = {
        "the start of 1970": (1970, 1, 1), "before 1970": (1969, 12, 31), "a leap day": (2024, 2, 29),
        "the last day of a year": (2023, 12, 31), "the first day of a year": (2024, 1, 1), "the end of February": (2023, 2, 28),
        "1900, which was no leap year": (1900, 3, 1), "2100, which will be none": (2100, 3, 1),
        "beyond 32 bits of seconds": (2038, 1, 20), "the last date there is": (9999, 12, 31),
    }  # fmt: skip
    named |= {name: _place(datetime(*at, tzinfo=UTC), series.dtype) for name, at in calendar.items()}
    return named if isinstance(series.dtype, pl.Date) else named | _clock(series, ends)


def _clock(series: pl.Series, ends: Named) -> Named:
    """Return what only instants have: the last moment of a day, and the hours of a change of clocks."""
    dtype = series.dtype
    zone = getattr(dtype, "time_zone", None)
    midnight = datetime(2024, 1, 1, tzinfo=UTC if zone is None else ZoneInfo(zone))
    named = {"the last moment of a day": _place(midnight, dtype) - 1}
    year = (
        (_EPOCH + timedelta(microseconds=_micros(ends["the greatest"], dtype))).year if _in_years(ends, dtype) else 2024
    )
    if zone is None:
        skipped = datetime(year, 3, 31, 2, 30, tzinfo=UTC)
        skipped -= timedelta(days=(skipped.weekday() + 1) % 7)
        return named | {"an hour that clocks skip": _place(skipped, dtype)}
    for name, at in _changes(ZoneInfo(zone), year):
        named[name] = _place(at, dtype)
    return named


def _in_years(ends: Named, dtype: pl.DataType) -> bool:
    return bool(ends) and 0 <= _micros(ends["the greatest"], dtype) < 250 * 366 * 86_400 * 1_000_000


def _changes(zone: ZoneInfo, year: int) -> Iterator[tuple[str, datetime]]:
    """Yield the first moments after a zone's clocks go forward, and go back, in a year."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(minutes=30 * k) for k in range(366 * 48)] if _changes_at_all(zone, year) else []
    for before, after in pairwise(hours):
        step = (after.astimezone(zone).utcoffset() or _MICRO) - (before.astimezone(zone).utcoffset() or _MICRO)
        if step > timedelta():
            yield "just after clocks go forward", after
        if step < timedelta():
            yield "the first of an hour that comes twice", after - timedelta(minutes=30)
            yield "the second of an hour that comes twice", after + timedelta(minutes=30)


def _changes_at_all(zone: ZoneInfo, year: int) -> bool:
    return len({datetime(year, month, 1, tzinfo=zone).utcoffset() for month in range(1, 13)}) > 1


def _times(series: pl.Series) -> Named:
    day = 86_400_000_000_000  # the last moment is one to a microsecond, as Python and pandas know no finer time of day
    return {"midnight": 0, "noon": day // 2, "the last moment of a day": day - 1_000, **dict(_ends(series))}


def _spans(series: pl.Series) -> Named:
    ends = dict(_ends(series))
    day = _stored(timedelta(days=1) // _MICRO, series.dtype)
    named: Named = {"zero": 0, "one unit": 1, "minus one unit": -1, "a day": day, "minus a day": -day, **ends}
    return named | ({"just above the greatest": ends["the greatest"] + 1} if ends else {})


def _bytes(series: pl.Series) -> Named:
    return {"empty": b"", "a null byte": b"\x00", "no text": b"\xff\xfe"}


def _lists(series: pl.Series) -> Named:
    return {"empty": []}


EDGES: dict[Kind, Callable[[pl.Series], Named]] = {
    Kind.INTEGER: _integers, Kind.FLOAT: _floats, Kind.DECIMAL: _decimals, Kind.BOOLEAN: _booleans, Kind.TEXT: _texts,
    Kind.CATEGORY: _categories, Kind.DATE: _instants, Kind.DATETIME: _instants, Kind.TIME: _times, Kind.DURATION: _spans,
    Kind.BINARY: _bytes, Kind.LIST: _lists,
}  # fmt: skip


# From plain values to a series of the column's own type, without those that it cannot hold.


def _as_is(found: Named, dtype: pl.DataType) -> tuple[list[str], pl.Series]:
    if isinstance(dtype, pl.Enum):
        held = set(dtype.categories)
        found = {name: word for name, word in found.items() if word in held}
    named = _distinct(found)
    return list(named), pl.Series(list(named.values()), dtype=dtype)


def _from_stored(found: Named, dtype: pl.DataType) -> tuple[list[str], pl.Series]:
    low, high = _range(dtype)
    named = _distinct({name: number for name, number in found.items() if low <= number <= high})
    stored = pl.Int128() if dtype.is_decimal() else pl.Int32() if isinstance(dtype, pl.Date) else pl.Int64()
    plain = pl.Series(list(named.values()), dtype=dtype if dtype.is_integer() else stored)
    if dtype.is_integer():
        return list(named), plain
    if not dtype.is_decimal():
        return list(named), plain.cast(dtype)
    from decimal import Decimal

    scale = getattr(dtype, "scale", 0) or 0
    return list(named), pl.Series([Decimal(number).scaleb(-scale) for number in named.values()], dtype=dtype)


_MADE = dict.fromkeys((Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION), _from_stored)


def _distinct(found: Named) -> Named:
    seen: dict[str, str] = {}
    for name, value in found.items():
        seen.setdefault(repr(value), name)
    kept = set(seen.values())
    return {name: value for name, value in found.items() if name in kept}


def _range(dtype: pl.DataType) -> tuple[int, int]:
    """Return the least and the greatest number that a type stores."""
    if dtype.is_integer():
        bits = int("".join(c for c in str(dtype) if c.isdigit()))
        return (0, 2**bits - 1) if dtype.is_unsigned_integer() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if dtype.is_decimal():
        most = 10 ** min(getattr(dtype, "precision", None) or 38, 38) - 1
        return -most, most
    if isinstance(dtype, pl.Time):
        return 0, 86_400_000_000_000 - 1
    if isinstance(dtype, pl.Date):
        return _place(datetime(1, 1, 1, tzinfo=UTC), dtype), _place(datetime(9999, 12, 31, tzinfo=UTC), dtype)
    if isinstance(dtype, pl.Datetime):
        ends = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
        low, high = (_place(at, dtype) for at in ends)
        return max(low, -(2**63) + 1), min(high, 2**63 - 1)
    return -(2**62), 2**62


def _place(at: datetime, dtype: pl.DataType) -> int:
    """Return an instant as the number that a column of this type stores; one without a zone stores its clock."""
    micros = (at - _EPOCH) // _MICRO
    return micros // 86_400_000_000 if isinstance(dtype, pl.Date) else _stored(micros, dtype)


def _stored(micros: int, dtype: pl.DataType) -> int:
    times, by = _UNITS[getattr(dtype, "time_unit", "us")]
    return micros * times // by


def _micros(stored: int, dtype: pl.DataType) -> int:
    if isinstance(dtype, pl.Date):
        return stored * 86_400_000_000
    times, by = _UNITS[getattr(dtype, "time_unit", "us")]
    return stored * by // times
