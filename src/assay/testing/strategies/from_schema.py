"""Rows that a schema allows, made up from what it says of each column: its type, set, range, pattern and lengths."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from assay.checks.bounds import fit
from assay.checks.check import CannotJudge
from assay.data.kinds import Kind, kind_of
from assay.errors import UsageError
from assay.profiles.physical import number_of, scale_of
from assay.profiles.schema import DatasetSchema, Field, kinds_of
from assay.testing.strategies.allowed import allowed
from assay.testing.strategies.patterns import texts_like

__all__ = ["MAKERS", "made_up"]

Rng: TypeAlias = np.random.Generator
TRIED = 6  # candidates for each value that is wanted
MISSING = 0.05  # the share of missing values where the schema asks nothing about it
DECIMALS = 2
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


def made_up(schema: DatasetSchema, *, rows: int, rng: Rng, environment: str = "") -> pl.DataFrame:
    """Return `rows` rows that a schema allows; fewer where a set, a pattern or a key leaves no more that differ.

    Columns of one frame are drawn apart from each other: a schema says nothing of how they go together. A column is missing as
    often as it may be, at most in half of the rows; 5 % where nothing is said.

    Raises UsageError, which names the column, where its type does not say what its values are (a list, a struct), or
    where no value that was tried is allowed.
    """
    columns = {
        name: told
        for name, told in schema.columns.items()
        if told.lifecycle != "planned" and told.in_environment(environment)
    }
    if not columns:
        raise UsageError("the schema has no columns", hint="give one that has, or rows")
    keys = {name for key in schema.keys for name in key}
    made = {name: _column(name, told, rows, rng, keyed=name in keys) for name, told in columns.items()}
    height = min(len(series) for series in made.values())
    return pl.DataFrame({name: series.head(height) for name, series in made.items()})


def _column(name: str, told: Field, rows: int, rng: Rng, *, keyed: bool) -> pl.Series:
    dtype = _dtype(name, told)
    if dtype == pl.Null:
        return pl.Series(name, [None] * rows, dtype=dtype)
    try:
        present = _present(name, told, dtype, rows, rng)
    except CannotJudge as error:
        raise UsageError(f"the schema of {name!r}: {error}") from None
    if told.unique or told.rising == "strictly":
        present = present.unique(maintain_order=True)
    if told.rising:
        present = present.sort()
    share = told.missing_share_at_most
    miss = 0.0 if keyed or told.unique or told.rising else MISSING if share is None else min(float(share), 0.5)
    if not miss:
        return present.alias(name)
    gone = np.zeros(len(present), dtype=bool)
    gone[rng.permutation(len(present))[: int(miss * len(present))]] = True
    return pl.select(pl.when(pl.Series(~gone)).then(present).otherwise(None).alias(name)).to_series().cast(dtype)


def _present(name: str, told: Field, dtype: pl.DataType, rows: int, rng: Rng) -> pl.Series:
    """Return values that the schema allows, in the order of chance; at least one of each end of the range."""
    kind = kind_of(dtype)
    for bound in (*told.bounds.values(), *told.one_of):
        fit(bound, dtype, column=name)
    tried = MAKERS[kind](told, dtype, rows * TRIED, rng)
    kept = tried.filter(allowed(tried, told, name=name) & tried.is_not_null())
    if told.missing:
        kept = kept.filter(~kept.is_in(list(told.missing))) if kind is not Kind.CATEGORY else kept
    if not len(kept):
        raise UsageError(
            f"none of the {len(tried):,} values that were tried for {name!r} is allowed by its schema",
            hint="give rows like those that the code will see, or leave it out with columns=",
        )
    if told.unique or told.rising == "strictly":
        return kept.head(rows * TRIED).unique(maintain_order=True).head(rows)
    return kept[np.arange(rows) % len(kept)] if len(kept) < rows else kept.head(rows)


# The type of a column.

_WORDS: dict[Kind, pl.DataType] = {
    Kind.INTEGER: pl.Int64(), Kind.FLOAT: pl.Float64(), Kind.DECIMAL: pl.Decimal(38, DECIMALS), Kind.BOOLEAN: pl.Boolean(),
    Kind.TEXT: pl.String(), Kind.CATEGORY: pl.Categorical(), Kind.DATE: pl.Date(), Kind.DATETIME: pl.Datetime("us"),
    Kind.TIME: pl.Time(), Kind.DURATION: pl.Duration("us"), Kind.BINARY: pl.Binary(), Kind.NULL: pl.Null(),
}  # fmt: skip
_PLAIN = re.compile(r"U?Int(8|16|32|64|128)|Float(32|64)")


def _dtype(name: str, told: Field) -> pl.DataType:
    if _PLAIN.fullmatch(told.type):
        found: pl.DataType = getattr(pl, told.type)()
        return found
    kinds = kinds_of(told.type) if told.type else frozenset({_kind_of_bounds(told)})
    if len(kinds) > 1:  # any number
        return pl.Float64()
    kind = next(iter(kinds))
    if kind not in _WORDS:
        raise UsageError(
            f"the schema says that {name!r} holds {kind.value} values, and not what is in them",
            hint="give rows like those that the code will see, or name the other columns with columns=",
        )
    if kind is Kind.DECIMAL:
        return pl.Decimal(38, max(DECIMALS, *(_digits(bound) for bound in (*told.bounds.values(), *told.one_of, 0))))
    zoned = kind is Kind.DATETIME and any(_zone(bound) for bound in (*told.bounds.values(), *told.one_of))
    return pl.Datetime("us", "UTC") if zoned else _WORDS[kind]


def _digits(bound: Any) -> int:
    """Return how many digits behind the point a column needs to have values on both sides of a bound."""
    exponent = bound.as_tuple().exponent if isinstance(bound, Decimal) else 0
    return min(1 - exponent, 30) if isinstance(exponent, int) and exponent < 0 else 0


def _zone(bound: Any) -> bool:
    if isinstance(bound, str):
        return bound.endswith("Z") or bool(re.search(r"[+-]\d\d:\d\d$", bound))
    return isinstance(bound, datetime) and bound.tzinfo is not None


_BY_BOUND: tuple[tuple[type, Kind], ...] = (
    (bool, Kind.BOOLEAN), (int, Kind.INTEGER), (Decimal, Kind.FLOAT), (float, Kind.FLOAT), (datetime, Kind.DATETIME),
    (date, Kind.DATE), (time, Kind.TIME), (timedelta, Kind.DURATION), (str, Kind.TEXT),
)  # fmt: skip


def _kind_of_bounds(told: Field) -> Kind:
    """Return the kind of a column whose type is not said: that of its set or bounds, text where it has a pattern."""
    values = (*told.one_of, *told.bounds.values())
    if told.matches or told.length is not None or not values:
        return Kind.TEXT if told.matches or told.length is not None else Kind.INTEGER
    kinds = {kind for value in values for kind in [next(k for t, k in _BY_BOUND if isinstance(value, t))]}
    return Kind.FLOAT if kinds == {Kind.INTEGER, Kind.FLOAT} else kinds.pop()


# Candidates, of which the schema's own checks keep those that it allows.


def _ends(told: Field, dtype: pl.DataType) -> tuple[float | None, float | None]:
    """Return the ends of the range as the numbers that the column stores."""

    def place(*names: str) -> float | None:
        bound = next((told.bounds[name] for name in names if name in told.bounds), None)
        return None if bound is None else float(number_of(fit(bound, dtype, column=""), dtype))

    return place("at_least", "above"), place("at_most", "below")


def _scattered(low: float | None, high: float | None, n: int, rng: Rng, *, usual: tuple[float, float]) -> Any:
    """Return numbers in a range: evenly, or where an end is open from the other one outward, mostly near it."""
    if low is not None and high is not None:
        even = low + (high - low) * rng.random(n)
        even[rng.random(n) < 0.02] = low
        even[rng.random(n) < 0.02] = high
        return even
    far = np.exp(rng.uniform(0, math.log(max(usual[1] - usual[0], math.e)), n)) - 1
    if low is None and high is None:
        return np.where(
            rng.random(n) < 0.5,
            usual[0] + (usual[1] - usual[0]) * rng.random(n),
            far * rng.choice([-1, 1], n) + usual[0],
        )
    return low + far if low is not None else high - far


def _numbers(told: Field, dtype: pl.DataType, n: int, rng: Rng) -> pl.Series:
    if told.one_of:
        return _of_set(told, dtype, n, rng)
    low, high = _ends(told, dtype)
    numbers = _scattered(low, high, n, rng, usual=(0.0, 10_000.0))
    if dtype.is_integer():
        whole = [*_whole_ends(told), *np.rint(numbers).tolist()]
        return pl.Series([int(number) for number in whole], strict=False, dtype=pl.Int128).cast(dtype, strict=False)
    if dtype.is_decimal():
        scale = scale_of(dtype)
        places = np.rint(numbers * 10.0**scale).tolist()
        return pl.Series([Decimal(int(place)).scaleb(-scale) for place in places], dtype=dtype)
    digits = rng.integers(0, 6, len(numbers))
    rounded = np.round(numbers * 10.0**digits) / 10.0**digits  # numbers that a person can read
    rounded = np.where(rng.random(len(numbers)) < 0.7, rounded, numbers)
    inside = np.ones(len(numbers), dtype=bool) if low is None else rounded >= low
    return pl.Series(np.where(inside if high is None else inside & (rounded <= high), rounded, numbers)).cast(dtype)


def _whole_ends(told: Field) -> list[int]:
    low = [math.ceil(told.bounds[k]) + (k == "above") for k in ("at_least", "above") if k in told.bounds]
    return low + [math.floor(told.bounds[k]) - (k == "below") for k in ("at_most", "below") if k in told.bounds]


def _instants(told: Field, dtype: pl.DataType, n: int, rng: Rng) -> pl.Series:
    if told.one_of:
        return _of_set(told, dtype, n, rng)
    low, high = _ends(told, dtype)
    start = float(number_of(SINCE, dtype))
    usual = (start, float(number_of(SINCE + timedelta(days=5 * 365), dtype)))
    day = 1.0 if isinstance(dtype, pl.Date) else (usual[1] - usual[0]) / (5 * 365)
    if low is None or high is None:
        reach = usual[1] - usual[0]
        low = usual[0] if low is None and high is None else low
        low, high = (low, low + reach) if low is not None else ((high or 0.0) - reach, high)
    numbers = _scattered(low, high, n, rng, usual=usual)
    if not isinstance(dtype, pl.Date):
        second = day / 86_400
        numbers = np.where(rng.random(n) < 0.9, np.floor(numbers / second) * second, numbers)
    return pl.Series([math.floor(number) for number in numbers], dtype=pl.Int64).cast(dtype, strict=False)


def _spans(told: Field, dtype: pl.DataType, n: int, rng: Rng) -> pl.Series:
    if told.one_of:
        return _of_set(told, dtype, n, rng)
    low, high = _ends(told, dtype)
    usual = (0.0, 86_400e9 - 1 if isinstance(dtype, pl.Time) else 30 * 86_400e6)
    if isinstance(dtype, pl.Time):
        low, high = 0.0 if low is None else low, usual[1] if high is None else high
    whole = 1_000 if isinstance(dtype, pl.Time) else 1  # microseconds: Python and pandas know no finer time of day
    numbers = np.floor(_scattered(low, high, n, rng, usual=usual) / whole) * whole
    return pl.Series(numbers).cast(pl.Int64).cast(dtype, strict=False)


def _texts(told: Field, dtype: pl.DataType, n: int, rng: Rng) -> pl.Series:
    if told.one_of:
        return _of_set(told, dtype, n, rng)
    if told.matches:
        return pl.Series(texts_like(told.matches, n, rng), dtype=pl.String).cast(dtype)
    least, most = told.length or (1, 12)
    lengths = rng.integers(least, min(most, least + 40) + 1, n)
    lengths[rng.random(n) < 0.02], lengths[rng.random(n) < 0.02] = least, min(most, 10_000)
    letters = np.array(list("etaoinshrdlucmfwypvbgkqjxz" * 3 + " -0123456789\u00e9\u00df"))
    words = ("".join(rng.choice(letters, length)) for length in lengths)
    return pl.Series(list(words), dtype=pl.String).cast(dtype)


def _booleans(told: Field, dtype: pl.DataType, n: int, rng: Rng) -> pl.Series:
    return pl.Series(rng.random(n) < 0.5)


def _bytes(told: Field, dtype: pl.DataType, n: int, rng: Rng) -> pl.Series:
    least, most = told.length or (0, 16)
    return pl.Series(
        [rng.bytes(int(length)) for length in rng.integers(least, min(most, 4096) + 1, n)], dtype=pl.Binary
    )


def _of_set(told: Field, dtype: pl.DataType, n: int, rng: Rng) -> pl.Series:
    values = list(_typed(told.one_of, dtype))
    first = pl.Series(values, dtype=dtype, strict=False)
    return first[np.concatenate([np.arange(len(values)), rng.integers(0, len(values), n)])]


def _typed(values: tuple[Any, ...], dtype: pl.DataType) -> Iterator[Any]:
    for value in values:
        yield float(value) if dtype.is_float() and isinstance(value, Decimal) else value


Maker: TypeAlias = Callable[[Field, pl.DataType, int, Rng], pl.Series]
MAKERS: dict[Kind, Maker] = {
    Kind.INTEGER: _numbers, Kind.FLOAT: _numbers, Kind.DECIMAL: _numbers, Kind.BOOLEAN: _booleans, Kind.TEXT: _texts,
    Kind.CATEGORY: _texts, Kind.DATE: _instants, Kind.DATETIME: _instants, Kind.TIME: _spans, Kind.DURATION: _spans,
    Kind.BINARY: _bytes,
}  # fmt: skip
