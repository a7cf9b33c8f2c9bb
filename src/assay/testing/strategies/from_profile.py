"""Rows with the marginals of a profile: its categories at their shares, its quantiles, its missing values, its shapes of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import polars as pl

from assay.data.kinds import Kind
from assay.errors import UsageError, nearest
from assay.profiles.profile import ColumnProfile, Profile
from assay.profiles.sketches import Frequent
from assay.testing.strategies.patterns import shaped_like

__all__ = ["resembling"]

Rng: TypeAlias = np.random.Generator


def resembling(profile: Profile, *, rows: int, rng: Rng, columns: Sequence[str] = ()) -> pl.DataFrame:
    """Return rows whose columns, each by itself, are like those that were profiled; a profile does not say how they go together.

    A value that is listed comes as often as it did; other numbers and instants follow the quantiles, and the least and the
    greatest are among them; other texts have the shapes that were seen. Values are missing as often as they were.

    Raises UsageError, which names the column, where the profile does not say what is in it (lists, structs, bytes).
    """
    for name in columns:
        if name not in profile.columns:
            raise UsageError(
                f"columns= names {name!r}, which is not in the profile", hint=nearest(name, profile.columns)
            )
    wanted = columns or tuple(profile.columns)
    if not wanted:
        raise UsageError("the profile has no columns", hint="profile data that has")
    return pl.DataFrame({name: _column(profile.columns[name], rows, rng) for name in wanted})


def _column(column: ColumnProfile, rows: int, rng: Rng) -> pl.Series:
    dtype = _dtype(column)
    counts = column.counts
    if not counts.present:
        return pl.Series(column.name, [None] * rows, dtype=dtype)
    values = _values(column, dtype, rows, rng).alias("value")
    draw = rng.random(rows)
    gone = (counts.nulls + counts.sentinels) / counts.n
    made = pl.select(pl.when(pl.Series(draw >= gone)).then(values).otherwise(None).alias(column.name)).to_series()
    if counts.nans:
        nan = pl.Series((draw >= gone) & (draw < gone + counts.nans / counts.n))
        made = pl.select(pl.when(nan).then(float("nan")).otherwise(made).alias(column.name)).to_series()
    return made.cast(dtype)


def _values(column: ColumnProfile, dtype: pl.DataType, rows: int, rng: Rng) -> pl.Series:
    if column.trues is not None:
        return pl.Series(rng.random(rows) < column.trues.trues / max(column.trues.n, 1))
    listed = column.frequent
    if listed is not None and listed.counts and listed.exact:
        return _listed(listed, dtype, rows, rng)
    if column.kind.is_text:
        return _texts(column, dtype, rows, rng)
    if column.quantiles is not None and column.quantiles.n:
        return _numbers(column, dtype, rows, rng)
    raise UsageError(
        f"the profile does not say what {column.name!r} holds: {column.kind.value} values",
        hint="give rows like those that the code will see, or name the other columns with columns=",
    )


def _listed(listed: Frequent, dtype: pl.DataType, rows: int, rng: Rng) -> pl.Series:
    values = [value for value, _ in listed.top(len(listed.counts))]
    shares = np.array([listed.counts[value] for value in values], dtype=float)
    places = rng.choice(len(values), rows, p=shares / shares.sum())
    places[rng.permutation(rows)[: len(values)]] = np.arange(
        min(len(values), rows)
    )  # each value once, where there is room
    return pl.Series(values, dtype=dtype, strict=False)[places]


def _numbers(column: ColumnProfile, dtype: pl.DataType, rows: int, rng: Rng) -> pl.Series:
    quantiles = column.quantiles
    assert quantiles is not None
    numbers = quantiles.many(rng.random(rows))
    assert numbers is not None
    stored = pl.Series(numbers)
    if dtype.is_decimal():
        made = stored.cast(pl.Float64).cast(dtype)
    elif column.kind.is_temporal:
        made = stored.cast(pl.Int64).cast(dtype)
    else:
        made = stored.cast(dtype)
    ends = [] if column.extremes is None else [e for e in (column.extremes.low, column.extremes.high) if e is not None]
    if len(ends) == 2 and rows >= 4:
        try:
            made = made.scatter([rows // 3, 2 * rows // 3], pl.Series(ends, dtype=dtype, strict=True))
        except (pl.exceptions.PolarsError, TypeError, OverflowError):
            return made  # an end that Python shows in another type, beyond its own calendar
    return made


def _texts(column: ColumnProfile, dtype: pl.DataType, rows: int, rng: Rng) -> pl.Series:
    """Return listed texts as often as they came, and for the rest texts of the shapes that were seen."""
    listed = column.frequent.top(512) if column.frequent is not None else []
    share = sum(count for _, count in listed) / column.counts.present
    shapes = column.patterns.top(64) if column.patterns is not None else []
    weights = np.array([count for _, count in shapes], dtype=float)
    known = [str(value) for value, _ in listed]
    often = np.array([count for _, count in listed], dtype=float)
    made = []
    for chance in rng.random(rows):
        if known and (chance < share or not shapes):
            made.append(known[int(rng.choice(len(known), p=often / often.sum()))])
        elif shapes:
            made.append(shaped_like(str(shapes[int(rng.choice(len(shapes), p=weights / weights.sum()))][0]), rng))
        else:
            made.append(shaped_like("a+", rng))
    if column.lengths is not None and column.lengths.empty:
        made[:1] = [""]
    return pl.Series(made, dtype=pl.String).cast(dtype)


# A Polars type from its text, as profiles save it.

_PLAIN: dict[str, pl.DataType] = {
    str(dtype()): dtype()
    for dtype in (
        pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Float32, pl.Float64,
        pl.Boolean, pl.String, pl.Categorical, pl.Date, pl.Time, pl.Null,
    )
}  # fmt: skip
_READ: tuple[tuple[str, Callable[[re.Match[str]], pl.DataType]], ...] = (
    (r"Datetime\(time_unit='(ms|us|ns)', time_zone=(?:None|'([^']*)')\)", lambda m: pl.Datetime(m[1], m[2])),  # type: ignore[arg-type]
    (r"Duration\(time_unit='(ms|us|ns)'\)", lambda m: pl.Duration(m[1])),  # type: ignore[arg-type]
    (
        r"Decimal\(precision=(\d+|None), scale=(\d+)\)",
        lambda m: pl.Decimal(None if m[1] == "None" else int(m[1]), int(m[2])),
    ),
    (r"Categorical(?:\(.*\))?", lambda m: pl.Categorical()),
    (r"Enum\(.*\)", lambda m: pl.Categorical()),
    (r"Float16", lambda m: pl.Float32()),
)
_KINDS: dict[Kind, pl.DataType] = {
    Kind.INTEGER: pl.Int64(), Kind.FLOAT: pl.Float64(), Kind.TEXT: pl.String(), Kind.BOOLEAN: pl.Boolean(),
    Kind.CATEGORY: pl.Categorical(), Kind.NULL: pl.Null(),
}  # fmt: skip


def _dtype(column: ColumnProfile) -> pl.DataType:
    if column.type in _PLAIN:
        return _PLAIN[column.type]
    for pattern, read in _READ:
        found = re.fullmatch(pattern, column.type, re.DOTALL)
        if found is not None:
            return read(found)
    if column.kind in _KINDS:
        return _KINDS[column.kind]
    raise UsageError(
        f"the profile does not say what {column.name!r} holds: {column.type}",
        hint="give rows like those that the code will see, or name the other columns with columns=",
    )
