"""The table of states: each entry says what it measures, of which columns, and how."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl

from assay.data.kinds import Kind, kind_of
from assay.data.names import col as column
from assay.profiles.column import Column, Facts, Need, StateKind, physical
from assay.profiles.physical import local_numbers, number_of, scale_of, unit_of, value_of
from assay.profiles.sketches import HASHES, SIZE_EDGES, VALUES, Distinct, Frequent, Histogram, Quantiles
from assay.profiles.states import (
    EXAMPLES,
    Calendar,
    Comoments,
    Counts,
    Extremes,
    Lengths,
    Moments,
    Order,
    Ranks,
    Segment,
    Signs,
    Total,
    Trues,
)

__all__ = ["SCHEME", "STATES"]

SCHEME = f"polars-{pl.__version__}"
_ORDERABLE = (
    Kind.INTEGER,
    Kind.FLOAT,
    Kind.DECIMAL,
    Kind.BOOLEAN,
    Kind.TEXT,
    Kind.DATE,
    Kind.DATETIME,
    Kind.TIME,
    Kind.DURATION,
)


def _counts(need: Need, facts: Sequence[Facts]) -> Counts:
    f = facts[0]
    return Counts(f.n, f.nulls, f.nans, f.sentinels)


def _moments(need: Need, view: Column) -> Moments:
    floats = view.floats
    if need.parameter == "log":
        floats = pl.Series(np.log(_positive(view).to_numpy()))
    elif len(floats) and (whole := _whole(view)) is not None:
        centre = int(floats.mean())  # type: ignore[arg-type]
        if abs(centre) > _EXACT:  # beyond what floats tell apart: the difference is taken before the cast
            return _centred(
                (whole.cast(pl.Int128) - pl.Series([centre], dtype=pl.Int128)).cast(pl.Float64), float(centre)
            )
    return series_moments(floats)


def _positive(view: Column) -> pl.Series:
    """Return the positive finite values: where the column is sorted already, the end of it."""
    if "ordered" not in vars(view):
        floats = view.floats
        return floats.filter(floats > 0)
    ordered = view.ordered
    last = len(ordered) - view.facts.plus_inf
    return pl.Series(ordered[np.searchsorted(ordered, 0, side="right") : last]).cast(pl.Float64)


_EXACT = 2**53


def _whole(view: Column) -> pl.Series | None:
    return view.physical if view.physical.dtype in (pl.Int64, pl.UInt64) else None


def series_moments(floats: pl.Series) -> Moments:
    """Return the moments of a series of finite floats."""
    n = len(floats)
    if n == 0:
        return Moments()
    mean, variance = floats.mean(), floats.var(ddof=0)
    assert isinstance(mean, float)
    assert isinstance(variance, float)
    if not math.isfinite(mean):
        mean = float((floats / n).sum())
    if mean * mean <= _FAR * variance:
        return moments_of(n, mean, variance, floats.skew(), floats.kurtosis())
    if floats.min() == floats.max():
        return Moments(n, float(floats.item(0)))
    return _centred(floats - mean, mean)


_FAR = 1e4  # squared means beyond so many variances cost digits, unless differences are taken first


def _centred(differences: pl.Series, centre: float) -> Moments:
    rest = float(differences.mean())  # type: ignore[arg-type]
    around = moments_of(len(differences), rest, differences.var(ddof=0), differences.skew(), differences.kurtosis())  # type: ignore[arg-type]
    mean = centre + rest
    return Moments(around.n, mean, around.m2, around.m3, around.m4, rest - (mean - centre))


def moments_of(
    n: int, mean: float | None, variance: float | None, skew: float | None, kurtosis: float | None
) -> Moments:
    """Return the sums of powers behind a count, a mean, and the standardised moments."""
    if not n or mean is None:
        return Moments()
    v = variance or 0.0
    s = math.sqrt(v)
    m3 = 0.0 if skew is None or skew != skew else skew * s * s * s * n
    m4 = 0.0 if kurtosis is None or kurtosis != kurtosis else (kurtosis + 3.0) * v * v * n
    return Moments(n, mean, v * n, m3, m4)


def _sign_scalars(need: Need, facts: Sequence[Facts]) -> list[pl.Expr]:
    x = column(need.columns[0])
    return [(x == 0).sum(), (x < 0).sum()]


def _read_signs(need: Need, values: Sequence[Any], facts: Sequence[Facts]) -> Signs:
    return Signs(values[0] or 0, values[1] or 0, facts[0].plus_inf, facts[0].minus_inf)


def _extreme_scalars(need: Need, facts: Sequence[Facts]) -> list[pl.Expr]:
    x = column(need.columns[0])
    x = x.to_physical() if facts[0].kind.is_temporal else x  # Python's own dates end in the year 9999
    return [x.min(), x.max()]


def _read_extremes(need: Need, values: Sequence[Any], facts: Sequence[Facts]) -> Extremes:
    if not facts[0].kind.is_temporal:
        return Extremes(*values)
    return Extremes(*(None if v is None else value_of(Fraction(v), facts[0].dtype) for v in values))


def _total_scalars(need: Need, facts: Sequence[Facts]) -> list[pl.Expr]:
    """Return the sums of the high and of the low parts: together they are exact, and neither can overflow."""
    fact, x = facts[0], column(need.columns[0])
    if fact.kind.is_temporal or fact.kind is Kind.DECIMAL:
        x = x.to_physical()
    if fact.kind is Kind.DECIMAL or fact.dtype in (pl.Int128, pl.UInt128):
        return [x.count(), (x // _LOW).cast(pl.Int128).sum(), (x % _LOW).cast(pl.Int128).sum()]
    return [x.count(), pl.lit(0), x.cast(pl.Int128).sum()]


_LOW = 2**40


def _read_total(need: Need, values: Sequence[Any], facts: Sequence[Facts]) -> Total:
    return Total(values[0], (values[1] or 0) * _LOW + (values[2] or 0))


def _rank_scalars(need: Need, facts: Sequence[Facts]) -> list[pl.Expr]:
    dtype, x = facts[0].dtype, column(need.columns[0])
    below = [_under(x, point, dtype, closed=False).sum() for point in need.parameter]
    upto = [_under(x, point, dtype, closed=True).sum() for point in need.parameter]
    return [*below, *upto, x.count()]


def _under(x: pl.Expr, point: Any, dtype: pl.DataType, *, closed: bool) -> pl.Expr:
    """Return where values lie below a point (`closed`: or at it), compared exactly whatever type the point has."""
    kind = kind_of(dtype)
    if kind.is_text or kind in (Kind.BOOLEAN, Kind.FLOAT):
        at = pl.lit(point if kind is not Kind.FLOAT else float(point))
        return x <= at if closed else x < at
    number = number_of(point, dtype)
    if not isinstance(number, Fraction):
        return x.is_not_null() & pl.lit(value=number > 0)
    stored = number * 10 ** scale_of(dtype)
    last = stored.__floor__() if closed else stored.__ceil__() - 1  # the greatest stored number that still counts
    inside = x.to_physical() if kind is not Kind.INTEGER else x
    low, high = _RANGES[kind] if kind in _RANGES else _range(dtype)
    if not low <= last <= high:
        return x.is_not_null() & pl.lit(value=last > high)
    return inside <= pl.lit(last, dtype=_STORED.get(kind, dtype if kind is Kind.INTEGER else pl.Int64()))


_RANGES = {Kind.DATE: (-(2**31), 2**31 - 1), Kind.DECIMAL: (-(2**127), 2**127 - 1)}
_STORED: dict[Kind, pl.DataType] = {Kind.DATE: pl.Int32(), Kind.DECIMAL: pl.Int128()}


def _range(dtype: pl.DataType) -> tuple[int, int]:
    bits = int("".join(c for c in str(dtype) if c.isdigit())) if dtype.is_integer() else 64
    return (0, 2**bits - 1) if dtype.is_unsigned_integer() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _read_ranks(need: Need, values: Sequence[Any], facts: Sequence[Facts]) -> Ranks:
    k = len(need.parameter)
    return Ranks(
        need.parameter, tuple(v or 0 for v in values[:k]), tuple(v or 0 for v in values[k : 2 * k]), values[2 * k]
    )


def _comoment_scalars(need: Need, facts: Sequence[Facts]) -> list[pl.Expr]:
    a, b = (column(name).cast(pl.Float64) for name in need.columns)
    both = a.is_finite() & b.is_finite()
    a, b = a.filter(both), b.filter(both)
    da, db = a - a.mean(), b - b.mean()
    ends = [a.min(), a.max(), b.min(), b.max()]
    return [a.count(), a.mean(), b.mean(), da.sum(), db.sum(), (da * da).sum(), (db * db).sum(), (da * db).sum(), *ends]


def _read_comoments(need: Need, values: Sequence[Any], facts: Sequence[Facts]) -> Comoments:
    n, mean_a, mean_b, rest_a, rest_b, aa, bb, ab, *ends = values
    if not n:
        return Comoments()
    if ends[0] == ends[1]:  # what is left of a constant after its rounded mean is taken away is not spread
        mean_a, rest_a, aa, ab = ends[0], 0.0, 0.0, 0.0
    if ends[2] == ends[3]:
        mean_b, rest_b, bb, ab = ends[2], 0.0, 0.0, 0.0
    rest_a, rest_b = rest_a / n, rest_b / n
    aa, bb, ab = aa - n * rest_a * rest_a, bb - n * rest_b * rest_b, ab - n * rest_a * rest_b
    return Comoments(n, mean_a + rest_a, mean_b + rest_b, max(aa, 0.0), max(bb, 0.0), ab)


def _quantiles(need: Need, view: Column) -> Quantiles:
    return Quantiles.of(view.ordered)


def _histogram(need: Need, view: Column) -> Histogram:
    return Histogram.of(view.ordered, np.asarray(need.parameter))


def _distinct(need: Need, view: Column) -> Distinct:
    if view.counted is not None:
        return Distinct.of(view.counted[0].hash(seed=0).to_numpy(), scheme=SCHEME)
    hashes = _different(view)
    n = len(hashes)
    if n > 4 * HASHES:  # most large columns have mostly different values: the least hashes lie below a threshold
        every = hashes.to_numpy()
        least = Distinct.of(every[every < np.uint64(2**64 * (1.25 * HASHES / n))], scheme=SCHEME)
        if least.full:
            return least
    return Distinct.of(hashes.unique().to_numpy(), scheme=SCHEME)


def _different(view: Column) -> pl.Series:
    """Return hashes of the column's values, of each run only once where sorted values have long runs."""
    if not view.is_scale or len(view.ordered) == 0:
        return view.hashes
    starts = np.append(True, view.ordered[1:] != view.ordered[:-1])
    if 2 * np.count_nonzero(starts) > len(starts):
        return view.hashes
    return pl.Series(view.ordered[starts]).hash(seed=0)


def _frequent(need: Need, view: Column) -> Frequent:
    """Return the counts of all values, or of those that an evenly spaced sample of the sorted values sees twice."""
    n = len(view.words)
    if view.counted is not None:
        values, counts = view.counted
        return _listed(values, counts, view, n)
    if n == 0:
        return Frequent()
    keys = view.ordered if view.is_scale else view.hashes.sort().to_numpy()
    step = max(n // (8 * VALUES), 1)
    points = keys[::step]
    heavy = np.unique(points[1:][points[1:] == points[:-1]])
    counts = (np.searchsorted(keys, heavy, side="right") - np.searchsorted(keys, heavy, side="left")).tolist()
    listed = _typed(pl.Series(heavy) if view.is_scale else _first_words(heavy, view), view)
    return Frequent.of(dict(zip(listed, counts, strict=True)), n=n, error=2 * step)


def _listed(values: pl.Series, counts: list[int], view: Column, n: int) -> Frequent:
    if len(counts) <= 2 * VALUES:
        return Frequent.of(dict(zip(_typed(values, view), counts, strict=True)))
    order = np.argsort(np.asarray(counts), kind="stable")[::-1][: VALUES + 1]
    kept = dict(zip(_typed(values.gather(order), view), (counts[i] for i in order), strict=True))
    return Frequent.of(kept, n=n, error=0)


def _typed(words: pl.Series, view: Column) -> list[Any]:
    """Return words (see `Column.words`) as values of the column's own type."""
    dtype = view.facts.dtype
    if view.facts.kind.is_temporal:
        try:
            return words.cast(view.physical.dtype).cast(dtype).to_list()
        except (ValueError, OverflowError):  # Python's own dates end in the year 9999
            return [value_of(Fraction(word), dtype) for word in words.to_list()]
    if isinstance(dtype, pl.Decimal):
        return [Decimal(word).scaleb(-dtype.scale) for word in words.to_list()]
    return words.to_list()


def _first_words(hashes: Any, view: Column) -> pl.Series:
    """Return for each hash a word that has it."""
    found = pl.DataFrame({"h": view.hashes, "v": view.words}).filter(pl.col("h").is_in(pl.Series(hashes).implode()))
    by_hash = dict(found.unique("h", keep="any").iter_rows())
    return pl.Series([by_hash[h] for h in hashes.tolist()], dtype=view.words.dtype)


def _trues(need: Need, view: Column) -> Trues:
    return Trues(len(view.values), int(view.values.sum() or 0))


def _lengths(need: Need, view: Column) -> Lengths:
    sizes, counts = view.sized
    if len(sizes) == 0:
        return Lengths()
    empty = int(counts[0]) if sizes[0] == 0 else 0
    return Lengths(counted_moments(sizes, counts), int(sizes[0]), int(sizes[-1]), empty)


def counted_moments(values: Any, counts: Any) -> Moments:
    """Return the moments of whole numbers below 2^53 that rise, each with how often it occurs."""
    n = int(counts.sum())
    if len(values) == 1:
        return Moments(n, float(values[0]))
    mean = float(values @ counts) / n
    differences = values - mean
    rest = float(differences @ counts) / n
    differences = differences - rest
    m2, m3, m4 = (float(differences**k @ counts) for k in (2, 3, 4))
    return Moments(n, mean, m2, m3, m4, rest)


def _size_histogram(need: Need, view: Column) -> Histogram:
    return Histogram.of_counted(*view.sized, edges=SIZE_EDGES)


def _patterns(need: Need, view: Column) -> Frequent:
    """Return the shapes of an evenly spaced sample of the texts."""
    shapes: Counter[str] = Counter()
    for word, count in Counter(view.sampled.to_list()).items():
        shapes[shape(word)] += count
    return Frequent.of(dict(shapes))


def shape(word: str) -> str:
    """Return the shape of a text: A for capitals, a for other letters, 9 for digits, + after what repeats.

    >>> shape("N725 MQ"), shape("oz. 12")
    ('A9+ A+', 'a+. 9+')
    """
    return _REPEATS.sub("+", word[:64].translate(_CLASSES))


def _tokens(need: Need, view: Column) -> Frequent:
    """Return the words of an evenly spaced sample of the texts: runs of letters and digits, in lower case."""
    found = pl.col("value").str.slice(0, _TEXT).str.to_lowercase().str.extract_all(_TOKEN).list.explode()
    tokens = view.sampled.to_frame("value").select_seq(found.str.slice(0, _WORD).drop_nulls())
    return Frequent.of(dict(Counter(tokens.to_series().to_list())))


_TOKEN = r"[\p{L}\p{M}\p{N}]+"
_TEXT, _WORD = 1024, 32  # characters of a text, and of a word in it, that are looked at


class _Classes(dict[int, str]):
    def __missing__(self, code: int) -> str:
        sign = chr(code)
        self[code] = "A" if sign.isupper() else "a" if sign.isalpha() else "9" if sign.isdecimal() else sign
        return self[code]


_CLASSES = _Classes()
_REPEATS = re.compile(r"(?<=([Aa9]))\1+")  # a group in what is put in its place would cost ten times as much


def _calendar(need: Need, view: Column) -> Calendar:
    """Return the counts of hours and weekdays: the first of January 1970 was a Thursday."""
    local, micros = local_numbers(view.values), unit_of(view.facts.dtype)
    if view.facts.kind is Kind.DATE:
        return Calendar((), tuple(np.bincount((local + _THURSDAY) % 7, minlength=7).tolist()))
    of_week = (local // int(_HOUR / micros) + 24 * _THURSDAY) % 168
    week = np.bincount(of_week, minlength=168).reshape(7, 24)
    return Calendar(tuple(week.sum(axis=0).tolist()), tuple(week.sum(axis=1).tolist()))


_THURSDAY = 3
_HOUR = 3_600_000_000


def _order(need: Need, view: Column) -> Order:
    series, start = view.series, view.offset
    stop = start + len(series)
    whole = view.facts.kind is Kind.DECIMAL or series.dtype in _WIDE  # floats would not tell neighbours apart
    values = series.to_physical() if whole else physical(series, view.facts.kind)
    rows = None
    if values.null_count():
        keep = values.is_not_null()
        rows, values = keep.arg_true(), values.filter(keep)
    n = len(values)
    if n == 0:
        return Order((Segment(start, stop),) if stop > start else ())
    before, after = values.head(n - 1), values.tail(n - 1)
    steps = {"fall": after < before, "tie": after == before, "rise": after > before}
    places = {
        name: [start + _row(rows, i + 1) for i in mask.arg_true().head(EXAMPLES).to_list()]
        for name, mask in steps.items()
    }
    count = {name: int(mask.sum()) for name, mask in steps.items()}
    widest, widest_row = _widest(before, after, count["rise"])
    segment = Segment(
        start, stop, n, values.item(0), values.item(n - 1), start + _row(rows, 0),
        count["fall"], count["tie"], count["rise"], widest, None if widest_row is None else start + _row(rows, widest_row),
        tuple(places["fall"]), tuple(places["tie"]), tuple(places["rise"]),
    )  # fmt: skip
    return Order((segment,))


def _row(rows: pl.Series | None, place: int) -> int:
    return place if rows is None else int(rows.item(place))


def _widest(before: pl.Series, after: pl.Series, rises: int) -> tuple[int | float, int | None]:
    if not rises:
        return 0, None
    ends = [end for side in (before, after) for end in (side.min(), side.max())]
    # A step between whole numbers is whole, where it and they fit the widest type that there is.
    whole = before.dtype.is_integer() and max(ends) < 2**127 and max(ends) - min(ends) < 2**127  # type: ignore[type-var, operator]
    steps = (
        after.cast(pl.Int128) - before.cast(pl.Int128) if whole else after.cast(pl.Float64) - before.cast(pl.Float64)
    )
    place = steps.arg_max() if whole else steps.fill_nan(0.0).arg_max()
    return (0, None) if place is None else (steps.item(place), place + 1)


_WIDE = (pl.Int128, pl.UInt128)


def _only(*kinds: Kind) -> Any:
    return lambda kind: kind in kinds


_NUMBER = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
_SCALE = (*_NUMBER, Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION)
_WHOLE = (Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION)
_COUNTABLE = (*_SCALE, Kind.BOOLEAN, Kind.TEXT, Kind.CATEGORY, Kind.BINARY)

_LINEAR = (*_NUMBER, Kind.BOOLEAN)
_TEXT_KINDS = (Kind.TEXT, Kind.CATEGORY)
_SIZED = (Kind.TEXT, Kind.CATEGORY, Kind.BINARY, Kind.LIST)

STATES: dict[str, StateKind] = {
    kind.name: kind
    for kind in (
        StateKind("counts", "rows, nulls, NaN, sentinels", Counts, lambda _: True, lambda *_: [], lambda n, _, f: _counts(n, f)),
        StateKind("moments", "count, mean, powers to the 4th", Moments, _only(*_SCALE, Kind.BOOLEAN), measure=_moments),
        StateKind("total", "exact sum of whole numbers", Total, _only(*_WHOLE), _total_scalars, _read_total),
        StateKind("signs", "zeros, negatives, infinities", Signs, _only(*_NUMBER), _sign_scalars, _read_signs),
        StateKind("extremes", "least and greatest value", Extremes, _only(*_ORDERABLE), _extreme_scalars, _read_extremes),
        StateKind("ranks", "values below given points", Ranks, _only(*_ORDERABLE), _rank_scalars, _read_ranks),
        StateKind("comoments", "joint moments of two columns", Comoments, _only(*_LINEAR), _comoment_scalars, _read_comoments),
        StateKind("quantiles", "evenly spaced order statistics", Quantiles, _only(*_SCALE), measure=_quantiles),
        StateKind("histogram", "counts on given edges", Histogram, _only(*_SCALE), measure=_histogram),
        StateKind("distinct", "different values", Distinct, _only(*_COUNTABLE), measure=_distinct),
        StateKind("frequent", "most frequent values", Frequent, _only(*_COUNTABLE), measure=_frequent),
        StateKind("trues", "true values", Trues, _only(Kind.BOOLEAN), measure=_trues),
        StateKind("lengths", "lengths of texts, lists, binary values", Lengths, _only(*_SIZED), measure=_lengths),
        StateKind("sizes", "lengths of texts on fixed edges", Histogram, _only(*_TEXT_KINDS), measure=_size_histogram),
        StateKind("patterns", "shapes of texts", Frequent, _only(*_TEXT_KINDS), measure=_patterns),
        StateKind("tokens", "words of texts", Frequent, _only(*_TEXT_KINDS), measure=_tokens),
        StateKind("calendar", "hours of the day, weekdays", Calendar, _only(Kind.DATE, Kind.DATETIME), measure=_calendar),
        StateKind("order", "how values follow one another", Order, _only(*_SCALE), measure=_order),
    )
}  # fmt: skip
