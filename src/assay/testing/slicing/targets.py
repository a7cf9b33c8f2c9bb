"""What a small dataset has to have of a large one: one axis for each thing to cover, as an expression over its rows.

Every axis gives each row a code, or none; each code that occurs is a target. The table `ASPECTS` says what kinds there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from assay.data.kinds import Kind, kind_of
from assay.data.names import col
from assay.profiles.physical import value_of
from assay.profiles.profile import ColumnProfile, Profile

__all__ = ["ASPECTS", "CATEGORIES", "Aspect", "Axis", "axes_of", "label_of"]

Mask: TypeAlias = tuple[str, pl.Expr]  # what an edge case is called, and where it is

CATEGORIES = 256  # values of a column of which each is a target
WHOLE = 24  # whole numbers of which each is a target
EACH = 5  # rows that each value has on average; of a column with fewer, and more than WHOLE values, they are names
PARTS = 10  # of a range
PAIRS = 10  # of columns whose corners are covered
RELATED = 0.3  # the least rank correlation of such a pair, in size
CROSSED = 16  # values of a label, and of a category, whose combinations are covered
BITS = 63  # columns whose missing values make up a pattern
LONG = 255


@dataclass(frozen=True)
class Axis:
    """One thing to cover: its aspect, its columns, and the code of each row (null: none). A flag's code is true or null.

    `name` says what a code is in words.
    """

    aspect: str
    columns: tuple[str, ...]
    code: pl.Expr
    name: Callable[[Any], str]
    flag: bool = True


@dataclass(frozen=True)
class Aspect:
    """A kind of axis: what it covers, in words, and the weight of one target where rows are scarce."""

    name: str
    title: str
    weight: float
    axes: Callable[[Profile, pl.DataFrame], Iterator[Axis]]


def axes_of(profile: Profile, first: pl.DataFrame) -> tuple[Axis, ...]:
    """Return the axes of a dataset, by its profile and its first rows (by which related columns are found)."""
    return tuple(axis for aspect in ASPECTS.values() for axis in aspect.axes(profile, first))


def _flag(aspect: str, name: str, what: str, mask: pl.Expr) -> Axis:
    return Axis(aspect, (name,), pl.when(mask).then(pl.lit(value=True)), lambda _: what)


def _present(column: ColumnProfile) -> pl.Expr:
    x = col(column.name)
    return x.is_not_null() & x.is_not_nan() if column.kind is Kind.FLOAT else x.is_not_null()


def _columns(profile: Profile, first: pl.DataFrame) -> Iterator[Axis]:
    for name, column in profile.columns.items():
        if column.counts.present:
            yield _flag("column", name, "a value", _present(column))


def _missing(profile: Profile, first: pl.DataFrame) -> Iterator[Axis]:
    for name, column in profile.columns.items():
        if column.counts.nulls:
            yield _flag("missing", name, "null", col(name).is_null())
        if column.counts.nans:
            yield _flag("missing", name, "NaN", col(name).is_nan())
    holed = [name for name, column in profile.columns.items() if column.counts.missing][:BITS]
    if len(holed) > 1:
        bits = [(~_present(profile.columns[name])).cast(pl.Int64) * 2**i for i, name in enumerate(holed)]
        yield Axis("missing", tuple(holed), pl.sum_horizontal(bits), lambda code: _pattern(holed, code), flag=False)


def _pattern(names: Sequence[str], code: Any) -> str:
    held = [name for i, name in enumerate(names) if int(code) >> i & 1]
    if len(held) == 1:
        return f"only {held[0]} missing"
    return f"missing together: {', '.join(held)}" if held else "none missing"


def _extremes(profile: Profile, first: pl.DataFrame) -> Iterator[Axis]:
    for name, column in profile.columns.items():
        ends = column.extremes
        if ends is not None and ends.low is not None and (column.kind.is_number or column.kind.is_temporal):
            x = _rough(name, first.schema[name])
            for what, value in (("the least", ends.low), ("the greatest", ends.high)):
                yield _flag("extreme", name, f"{what}: {value}", x == pl.lit(value))
        lengths = column.lengths
        if lengths is not None and column.kind.is_text and lengths.low is not None and lengths.low != lengths.high:
            size = col(name).cast(pl.String).str.len_chars()
            yield _flag("extreme", name, f"the shortest: {lengths.low} characters", size == lengths.low)
            yield _flag("extreme", name, f"the longest: {lengths.high} characters", size == lengths.high)


def _rough(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as Python tells its values apart: instants and spans to a microsecond."""
    fine = getattr(dtype, "time_unit", "") == "ns"
    return col(name).dt.cast_time_unit("us") if fine else col(name)


def _edges(profile: Profile, first: pl.DataFrame) -> Iterator[Axis]:
    for name, column in profile.columns.items():
        masks = list(_edge_masks(column))
        for what, mask in _possible(masks, column, first.schema[name]):
            yield _flag("edge case", name, what, mask)


def _possible(masks: Sequence[Mask], column: ColumnProfile, dtype: pl.DataType) -> Sequence[Mask]:
    """Return the edge cases that one of a column's values is, where its profile lists them all; else each of them."""
    listed = column.frequent
    if not masks or listed is None or not listed.exact or not listed.counts:
        return masks
    try:
        values = pl.DataFrame({column.name: pl.Series(list(listed.counts), dtype=dtype, strict=True)})
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        return masks  # values that Python shows in another type
    seen = values.select([mask.any().alias(str(i)) for i, (_, mask) in enumerate(masks)]).row(0)
    return [mask for mask, there in zip(masks, seen, strict=True) if there]


_MEANS_MISSING = ("na", "n/a", "nan", "null", "none", "nil", "-", "?", "unknown", "missing", "#n/a")


def _edge_masks(column: ColumnProfile) -> Iterator[Mask]:
    """Yield the edge cases of a kind of column that its profile does not rule out, each with where it is."""
    x, kind, signs = col(column.name), column.kind, column.signs
    if kind.is_number and signs is not None:
        yield from ((what, mask) for what, mask, n in _sign_masks(x, signs) if n)
    if kind is Kind.INTEGER:
        yield "beyond what a float tells apart", x.cast(pl.Int128).abs() > 2**53
    if kind.is_text:
        text = x.cast(pl.String)
        yield "empty", text == ""
        yield "only white space", (text != "") & (text.str.strip_chars() == "")
        yield "white space at an end", (text.str.strip_chars() != text) & (text.str.strip_chars() != "")
        yield "not ASCII", text.str.len_bytes() != text.str.len_chars()
        yield "several lines", text.str.contains("[\r\n]")
        yield "a word for missing", text.str.to_lowercase().is_in(_MEANS_MISSING)
        yield f"longer than {LONG}", text.str.len_chars() > LONG
    if kind.is_instant:
        yield "29 February", (x.dt.month() == 2) & (x.dt.day() == 29)
        yield "31 December", (x.dt.month() == 12) & (x.dt.day() == 31)
        yield "1 January", (x.dt.month() == 1) & (x.dt.day() == 1)
        yield "the last day of a month", x.dt.month_end().dt.day() == x.dt.day()
        yield "a weekend", x.dt.weekday() >= 6
        yield "before 1970", x.to_physical() < 0
    if kind is Kind.DATETIME:
        yield "midnight", (x.dt.hour() == 0) & (x.dt.minute() == 0) & (x.dt.second() == 0)
    if kind is Kind.DURATION:
        yield "zero", x.to_physical() == 0
        yield "negative", x.to_physical() < 0
    if kind is Kind.LIST and column.type.startswith("List"):
        yield "empty", x.list.len() == 0
    if kind is Kind.BINARY:
        yield "empty", x.bin.size() == 0


def _sign_masks(x: pl.Expr, signs: Any) -> tuple[tuple[str, pl.Expr, int], ...]:
    return (
        ("zero", x == 0, signs.zeros), ("negative", x < 0, signs.negatives),
        ("infinite", x == float("inf"), signs.plus_inf), ("minus infinite", x == float("-inf"), signs.minus_inf),
    )  # fmt: skip


def _few(column: ColumnProfile, most: int) -> bool:
    """Return whether a column has so few values that each is worth a row."""
    distinct = column.distinct
    if column.trues is not None:
        return True
    limit = min(most, WHOLE) if column.kind is Kind.INTEGER else most
    plain = column.kind.is_text or column.kind is Kind.INTEGER
    if not plain or distinct is None or distinct.full or not 0 < distinct.count <= limit:
        return False
    return (
        distinct.count <= max(WHOLE, column.counts.present // EACH) and not 2 < distinct.count == column.counts.present
    )


def _categories(profile: Profile, first: pl.DataFrame) -> Iterator[Axis]:
    for name, column in profile.columns.items():
        if _few(column, CATEGORIES):
            yield Axis("category", (name,), _word(column), repr, flag=False)


def _word(column: ColumnProfile) -> pl.Expr:
    return col(column.name).cast(pl.String) if column.kind is Kind.CATEGORY else col(column.name)


def _on_scale(column: ColumnProfile) -> bool:
    scale = column.kind.is_number or column.kind.is_temporal
    return scale and column.quantiles is not None and column.quantiles.n > 0 and not _few(column, CATEGORIES)


def _number(column: ColumnProfile) -> pl.Expr:
    x = col(column.name)
    return (x.to_physical() if column.kind.is_temporal else x).cast(pl.Float64).fill_nan(None)


def _parts(profile: Profile, first: pl.DataFrame) -> Iterator[Axis]:
    for name, column in profile.columns.items():
        if not _on_scale(column):
            continue
        assert column.quantiles is not None
        ends = np.unique(np.asarray(column.quantiles.many(np.linspace(0, 1, PARTS + 1)), dtype=np.float64))
        inner = ends[1:-1].tolist()
        if inner:
            x = _number(column)
            code = pl.sum_horizontal([(x > end).cast(pl.Int32) for end in inner])
            coded = pl.when(x.is_not_null()).then(code)
            told = _bounds(ends, first.schema[name])
            yield Axis("part of the range", (name,), coded, lambda i, told=told: told[int(i)], flag=False)  # type: ignore[misc]


def _bounds(ends: Any, dtype: pl.DataType) -> list[str]:
    temporal = kind_of(dtype).is_temporal
    shown = [str(value_of(float(end), dtype)) if temporal else f"{end:.6g}" for end in ends]
    return [f"{'from' if i == 0 else 'above'} {a} to {b}" for i, (a, b) in enumerate(pairwise(shown))]


def _corners(profile: Profile, first: pl.DataFrame) -> Iterator[Axis]:
    for a, b in _related(profile, first):
        sides = []
        for column in (profile.columns[a], profile.columns[b]):
            assert column.quantiles is not None
            low, high = np.asarray(column.quantiles.many([0.25, 0.75]), dtype=np.float64).tolist()
            x = _number(column)
            sides.append(pl.when(x <= low).then(pl.lit("low")).when(x >= high).then(pl.lit("high")))
        code = pl.concat_str(sides, separator=" ", ignore_nulls=False)
        yield Axis("corner", (a, b), code, lambda c, a=a, b=b: f"{a} {c.split()[0]}, {b} {c.split()[1]}", flag=False)  # type: ignore[misc]


def _related(profile: Profile, first: pl.DataFrame) -> list[tuple[str, str]]:
    """Return the pairs of columns on a scale that rise or fall together the most, by the ranks of the first rows."""
    names = [name for name, column in profile.columns.items() if _on_scale(column)]
    if len(names) < 2 or first.height < 10:
        return []
    ranks = first.select(
        [_number(profile.columns[n]).rank().fill_null(first.height / 2).alias(str(i)) for i, n in enumerate(names)]
    )
    matrix = ranks.to_numpy().T
    moving = [i for i in range(len(names)) if np.ptp(matrix[i]) > 0]
    if len(moving) < 2:
        return []
    related = np.abs(np.corrcoef(matrix[moving]))
    pairs = [(related[i, j], moving[i], moving[j]) for i in range(len(moving)) for j in range(i)]
    kept = sorted((pair for pair in pairs if pair[0] >= RELATED), key=lambda pair: (-pair[0], pair[1:]))
    return [(names[j], names[i]) for _, i, j in kept[:PAIRS]]


def _crossed(profile: Profile, first: pl.DataFrame) -> Iterator[Axis]:
    label = profile.roles.label
    if label is None or not _few(profile.columns[label], CROSSED):
        return
    for name, column in profile.columns.items():
        if name != label and _few(column, CROSSED):
            both = [_word(profile.columns[label]).cast(pl.String), _word(column).cast(pl.String)]
            code = pl.concat_str(both, separator=" and ", ignore_nulls=False)
            yield Axis("label and category", (label, name), code, str, flag=False)


_TABLE = (
    Aspect("column", "each column has a value", 8.0, _columns),
    Aspect("extreme", "the least and the greatest, the shortest and the longest", 4.0, _extremes),
    Aspect("edge case", "zeros, negatives, empty texts, ends of months, and the like", 4.0, _edges),
    Aspect("missing", "each column's missing values, and which are missing together", 3.0, _missing),
    Aspect("category", f"each value of columns that have at most {CATEGORIES}", 2.0, _categories),
    Aspect("label and category", "each class with each category", 1.5, _crossed),
    Aspect("part of the range", "each tenth of the values", 1.0, _parts),
    Aspect("corner", "high and low together, of columns that are related", 1.0, _corners),
)
ASPECTS: dict[str, Aspect] = {aspect.name: aspect for aspect in _TABLE}


def label_of(axis: Axis) -> str:
    """Return the columns of an axis as a report names them."""
    return ", ".join(axis.columns)
