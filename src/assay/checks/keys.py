"""Keys: columns of two sides brought to one type, so that equal values are equal whatever file they came from.

Int32 meets Int64, categories meet text, instants of two units or zones meet in one; a text never equals a number, and
whole numbers meet floats without a detour through floats: 9007199254740993 is not 9007199254740992.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from assay.checks.check import CannotJudge
from assay.data.kinds import Kind, kind_of

__all__ = ["Key", "alike", "near", "plain"]

_WIDEST = pl.Int128()
_Unit = Literal["ms", "us", "ns"]
_UNITS: tuple[_Unit, ...] = ("ms", "us", "ns")


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """One column of a key: its values as an expression, their type, and its name in errors."""

    x: pl.Expr
    dtype: pl.DataType
    name: str


def alike(left: Key, right: Key, *, nulls_equal: bool = False) -> tuple[pl.Expr, pl.Expr]:
    """Return two expressions in one type, in which equal values are equal; raise `CannotJudge` where no type holds both.

    A float that is no whole number becomes null where the other side holds whole numbers, as nothing there equals it;
    with `nulls_equal`, where null would equal a missing value, both become floats.
    """
    kinds = kind_of(left.dtype), kind_of(right.dtype)
    if Kind.NULL in kinds:
        other = right.dtype if kinds[0] is Kind.NULL else left.dtype
        return plain(left.x.cast(other), other), plain(right.x.cast(other), other)
    if left.dtype == right.dtype or (kinds[0].is_text and kinds[1].is_text):
        shared = pl.String() if kinds[0].is_text else left.dtype
        return left.x.cast(shared), right.x.cast(shared)
    if set(kinds) == {Kind.INTEGER, Kind.FLOAT} and not nulls_equal:
        return _exact(left.x, kinds[0]), _exact(right.x, kinds[1])
    shared_type = _shared_type(left.dtype, right.dtype, kinds)
    if shared_type is None:
        raise CannotJudge(
            f"{left.name} holds {kinds[0].value} values ({left.dtype}) and {right.name} {kinds[1].value} values "
            f"({right.dtype}); they cannot be compared",
            hint="give both the same type",
        )
    return left.x.cast(shared_type, strict=False), right.x.cast(shared_type, strict=False)


def _exact(x: pl.Expr, kind: Kind) -> pl.Expr:
    return _whole(x) if kind is Kind.FLOAT else x.cast(_WIDEST)


def _whole(x: pl.Expr) -> pl.Expr:
    exact = x.is_finite() & (x == x.floor()) & (x.abs() < 2.0**126)
    return pl.when(exact).then(x).otherwise(None).cast(_WIDEST, strict=False)


def _shared_type(left: pl.DataType, right: pl.DataType, kinds: tuple[Kind, Kind]) -> pl.DataType | None:
    if kinds == (Kind.INTEGER, Kind.INTEGER):
        return _WIDEST
    if all(kind.is_number for kind in kinds):
        if Kind.FLOAT in kinds:
            return pl.Float64()
        return pl.Decimal(38, max(getattr(left, "scale", 0), getattr(right, "scale", 0)))
    if all(kind.is_instant for kind in kinds):
        return _instant_type(left, right)
    if kinds == (Kind.DURATION, Kind.DURATION):
        return pl.Duration(_finer(left, right))
    return None


def _instant_type(left: pl.DataType, right: pl.DataType) -> pl.DataType | None:
    zones = [getattr(dtype, "time_zone", None) for dtype in (left, right)]
    if (zones[0] is None) != (zones[1] is None):
        return None
    return pl.Datetime(_finer(left, right), "UTC" if zones[0] else None)


def _finer(left: pl.DataType, right: pl.DataType) -> _Unit:
    return max((getattr(dtype, "time_unit", "ms") for dtype in (left, right)), key=_UNITS.index)


def plain(x: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a column in the form in which its own values are told apart: categories as text."""
    return x.cast(pl.String) if kind_of(dtype) is Kind.CATEGORY else x


_POINT = r"(\p{N})\.(\p{N})"
_NO_WORD = r"[^\p{L}\p{N}\x01]+"


def near(x: pl.Expr, dtype: pl.DataType, *, decimals: int) -> pl.Expr:
    """Return the form in which near values are equal.

    Text: Unicode's compatible form (NFKC), in lower case, with everything but letters, digits and decimal points taken
    out, so that "O'Neil  Inc." is "oneilinc". Floats and decimals: rounded to `decimals` places. All else: as it is.
    """
    kind = kind_of(dtype)
    if kind.is_text:
        text = x.cast(pl.String).str.normalize("NFKC").str.to_lowercase()
        for _ in range(2):  # the second time finds 2.3 in 1.2.3
            text = text.str.replace_all(_POINT, "${1}\x01${2}")
        return text.str.replace_all(_NO_WORD, "")
    if kind in (Kind.FLOAT, Kind.DECIMAL):
        return x.round(decimals) + 0 if kind is Kind.FLOAT else x.round(decimals)
    return x
