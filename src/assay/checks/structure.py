"""Checks of structure: which columns there are, of which types, and how many rows. Most read no value at all."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

import polars as pl

from assay.checks.bounds import listed, phrase
from assay.checks.check import Arguments, Check, Context, Judged, Rule, StateTest, rules
from assay.checks.patterns import check_pattern, whole
from assay.checks.shares import CountRange, count_in
from assay.data.kinds import Kind, kind_of
from assay.errors import nearest
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.profiles.schema import NUMBER, type_words
from assay.verdict import Estimate

__all__ = ["RULES", "Columns", "NamesMatch", "TypeIs"]

VARIED = frozenset(Kind) - {Kind.STRUCT, Kind.LIST, Kind.OTHER}


class TypeIs(Arguments, frozen=True):
    """A kind of column (`integer`, `text`, `datetime`; `number` for any number), or a Polars type (`Int64`); or several."""

    type: str | tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        for word in self.words:
            if word not in type_words() and _outer(word) not in _types():
                raise ValueError(
                    f"there is no type {word!r}; {nearest(word, [*type_words(), *_types()], most=len(type_words()))}"
                )
        if not self.words:
            raise ValueError("no type is given")

    @property
    def words(self) -> tuple[str, ...]:
        """Return the types that are allowed."""
        return (self.type,) if isinstance(self.type, str) else self.type


@cache
def _types() -> dict[str, str]:
    """Return the names of Polars types, with the name that each has today (Utf8 is String)."""
    found = {name: getattr(pl, name) for name in dir(pl)}
    return {
        name: kind.__name__ for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, pl.DataType)
    }


def _outer(word: str) -> str:
    return word.partition("(")[0].strip()


def _is_type(dtype: pl.DataType, word: str) -> bool:
    kind = kind_of(dtype)
    if word in type_words():
        return kind.is_number if word == NUMBER else kind.value == word
    name = _types()[_outer(word)]
    return (
        type(dtype).__name__ == name
        if "(" not in word
        else _bare(str(dtype)) == _bare(name + word.strip()[len(_outer(word)) :])
    )


def _bare(text: str) -> str:
    """Return a type's text without spaces and quotes, and without the names of its arguments."""
    return re.sub(r"[\s'\"]|\b\w+=", "", text)


def _type_is(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, TypeIs)
    dtype = context.dtype(name)
    holds = any(_is_type(dtype, word) for word in told.words)
    called = f"{name!r} holds {kind_of(dtype).value} values ({dtype})"
    expected = " or ".join(told.words)

    def judge(measured: Measured) -> Judged:
        why = called if holds else f"{called}, not {expected}"
        return Judged(holds, Estimate(str(dtype), n=measured.rows), why)

    return StateTest((), judge, f"of type {expected}")


def _required(check: Check, context: Context) -> StateTest:
    name = check.columns[0]
    here = name in context.schema

    def judge(measured: Measured) -> Judged:
        why = f"{name!r} is there" if here else f"there is no column {name!r}; {nearest(name, context.schema)}"
        return Judged(here, Estimate(int(here), n=measured.rows, unit="columns"), why)

    return StateTest((), judge, "present")


class Columns(Arguments, frozen=True):
    """The columns that must be there; whether others may be too; whether they stand in this order."""

    require: tuple[str, ...] = ()
    extra: Literal["allow", "forbid"] = "allow"
    optional: tuple[str, ...] = ()
    ordered: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.require and self.extra == "allow":
            raise ValueError("nothing is asked; name the columns in require, or say extra: forbid")
        both = [*self.require, *self.optional]
        twice = next((name for name in both if both.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the column {twice!r} is named twice")


def _columns(check: Check, context: Context) -> StateTest:
    told, there = check.arguments, list(context.schema)
    assert isinstance(told, Columns)
    known = {*told.require, *told.optional}
    absent = tuple(name for name in told.require if name not in context.schema)
    extra = tuple(name for name in there if name not in known) if told.extra == "forbid" else ()
    wanted = [name for name in told.require if name in context.schema]
    seen = [name for name in there if name in set(wanted)]
    astray = (
        next((pair for pair in zip(seen, wanted, strict=True) if pair[0] != pair[1]), None) if told.ordered else None
    )
    broken = [f"there is no column {listed(absent)}"] if absent else []
    broken += [f"{listed(extra)} {'is' if len(extra) == 1 else 'are'} not expected"] if extra else []
    broken += [f"{astray[0]!r} stands where {astray[1]!r} is expected"] if astray else []

    def judge(measured: Measured) -> Judged:
        why = "; ".join(broken) or f"all {len(told.require):,} columns are there"
        return Judged(not broken, Estimate(len(there), n=measured.rows, unit="columns"), why)

    parts = [f"with the columns {listed(told.require)}"] if told.require else []
    parts += ["in this order"] if told.ordered else []
    parts += ["and no others"] if told.extra == "forbid" else []
    return StateTest((), judge, " ".join(parts))


def _column_count(check: Check, context: Context) -> StateTest:
    told, n = check.arguments, len(context.schema)
    assert isinstance(told, CountRange)
    expected = f"{phrase(told.at_least, told.at_most)} columns"

    def judge(measured: Measured) -> Judged:
        holds = count_in(n, told.at_least, told.at_most)
        return Judged(
            holds,
            Estimate(n, n=measured.rows, unit="columns"),
            f"there are {n:,} columns" + ("" if holds else f", not {expected}"),
        )

    return StateTest((), judge, expected)


def _row_count(check: Check, context: Context) -> StateTest:
    told = check.arguments
    assert isinstance(told, CountRange)
    expected = f"{phrase(told.at_least, told.at_most)} rows"

    def judge(measured: Measured) -> Judged:
        n = measured.rows
        holds = count_in(n, told.at_least, told.at_most)
        return Judged(
            holds, Estimate(n, n=n, unit="rows"), f"there are {n:,} rows" + ("" if holds else f", not {expected}")
        )

    return StateTest((), judge, expected)


class NamesMatch(Arguments, frozen=True):
    """A regular expression that each column's whole name must match."""

    pattern: str

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pattern(self.pattern)


def _names_match(check: Check, context: Context) -> StateTest:
    told, names = check.arguments, list(context.schema)
    assert isinstance(told, NamesMatch)
    found = pl.Series(names, dtype=pl.String).str.contains(whole(told.pattern))
    odd = [name for name, fits in zip(names, found.to_list(), strict=True) if not fits]

    def judge(measured: Measured) -> Judged:
        if not names:
            return Judged(
                None,
                Estimate(None, n=measured.rows, why="there is no column"),
                "there is no column whose name could be judged",
            )
        why = (
            f"{len(odd):,} of {len(names):,} column names do not match {told.pattern!r}: {listed(odd)}"
            if odd
            else f"all {len(names):,} column names match"
        )
        return Judged(not odd, Estimate(len(odd), n=measured.rows, unit="columns"), why)

    return StateTest((), judge, f"with column names matching {told.pattern!r}")


def _not_constant(check: Check, context: Context) -> StateTest:
    name = check.columns[0]
    kind = context.kind(name)
    counts = Need("counts", (name,))
    if kind in (Kind.CATEGORY, Kind.BINARY):
        spread = Need("distinct", (name,))
    elif kind is Kind.NULL:
        spread = counts
    else:
        spread = Need("extremes", (name,))

    def judge(measured: Measured) -> Judged:
        n = measured.states[counts].present
        if n < 2:
            return Judged(
                None,
                Estimate(None, n=n, why="fewer than two values"),
                f"{n} rows have a value; at least 2 are needed to differ",
            )
        state = measured.states[spread]
        varies = state.low != state.high if spread.state == "extremes" else state.count > 1
        only = f" ({listed((state.low,))})" if spread.state == "extremes" else ""
        return Judged(
            varies,
            Estimate(int(varies) + 1, n=n),
            "the values differ" if varies else f"all {n:,} values are the same{only}",
        )

    return StateTest((counts, spread) if spread != counts else (counts,), judge, "more than one value")


RULES = rules(
    Rule("required", "structure", "The column is there.", _required),
    Rule(
        "type_is",
        "structure",
        "The column has a type: a kind such as `integer` or `text`, or a Polars type such as `Int64`.",
        _type_is,
        TypeIs,
        bare=("type",),
    ),
    Rule(
        "columns",
        "structure",
        "The named columns are there; others may be too, or not; in this order, or any.",
        _columns,
        Columns,
        on="table",
        bare=("require",),
    ),
    Rule(
        "column_count",
        "structure",
        "The number of columns lies in a range.",
        _column_count,
        CountRange,
        on="table",
        bare=("at_least", "at_most"),
    ),
    Rule(
        "names_match",
        "structure",
        "Each column's name matches a pattern.",
        _names_match,
        NamesMatch,
        on="table",
        bare=("pattern",),
    ),
    Rule(
        "row_count",
        "structure",
        "The number of rows lies in a range.",
        _row_count,
        CountRange,
        on="table",
        bare=("at_least", "at_most"),
    ),
    Rule("not_constant", "structure", "The values are not all the same.", _not_constant, kinds=VARIED),
)
