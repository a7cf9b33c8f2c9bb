"""Checks of single values: ranges, sets, multiples, pairs. Missing values are not judged here."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl

from assay.checks import distinct, outliers, units
from assay.checks.bounds import above, below, check_range, equals_any, fit, listed, phrase, shown
from assay.checks.check import Arguments, Bound, CannotJudge, Check, Context, RowTest, Rule, rules
from assay.data.kinds import Kind
from assay.data.names import col as column

__all__ = ["RULES", "Between", "MultipleOf", "NoneOf", "OneOf", "PairsIn"]

NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
ORDERED = NUMBERS | {Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION, Kind.TEXT}
COUNTABLE = ORDERED | {Kind.CATEGORY, Kind.BOOLEAN}


class Between(Arguments, frozen=True):
    """A range of values; `at_least` and `at_most` are inside it, `above` and `below` are not."""

    at_least: Bound | None = None
    at_most: Bound | None = None
    above: Bound | None = None
    below: Bound | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self.at_least, self.at_most, above=self.above, below=self.below)


def _between(check: Check, context: Context) -> RowTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, Between)
    x, dtype = column(name), context.dtype(name)
    broken = [
        outside(x, fit(bound, dtype, column=name), dtype, or_equal=strict)
        for bound, outside, strict in _ends(told)
        if bound is not None
    ]
    failing = broken[0] if len(broken) == 1 else pl.any_horizontal(broken)
    expected = phrase(told.at_least, told.at_most, above=told.above, below=told.below)
    return RowTest(failing, expected, judged=x.is_not_null(), show=(name,))


def _ends(told: Between) -> tuple[tuple[Bound, Callable[..., pl.Expr], bool], ...]:
    """Return the ends of a range, each with what lies outside of it, and whether the end itself does."""
    return (
        (told.at_least, below, False),
        (told.above, below, True),
        (told.at_most, above, False),
        (told.below, above, True),
    )


class OneOf(Arguments, frozen=True):
    """A set of values."""

    values: tuple[Bound, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_set(self.values)


class NoneOf(OneOf, frozen=True):
    """A set of values."""


def check_set(values: tuple[Bound, ...]) -> None:
    """Raise ValueError where a set of values is empty, or holds what is no value."""
    if not values:
        raise ValueError("no value is given")
    if None in values:
        raise ValueError("null stands among the values; missing values are judged by no_missing")
    if any(type(value) in (tuple, dict) for value in values):
        raise ValueError("a list stands among the values; expected single values")


def _one_of(check: Check, context: Context) -> RowTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, OneOf)
    x = column(name)
    known = equals_any(x, told.values, context.dtype(name), column=name)
    return RowTest(~known, f"one of {listed(told.values)}", judged=x.is_not_null(), show=(name,))


def _none_of(check: Check, context: Context) -> RowTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, NoneOf)
    x = column(name)
    found = equals_any(x, told.values, context.dtype(name), column=name)
    return RowTest(found, f"other than {listed(told.values)}", judged=x.is_not_null(), show=(name,))


class PairsIn(Arguments, frozen=True):
    """The combinations of values that may stand in the columns: a list of lists, in the order of the columns."""

    pairs: tuple[tuple[Bound, ...], ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.pairs:
            raise ValueError("no pair is given")
        width = len(self.pairs[0])
        if width < 2 or any(len(pair) != width for pair in self.pairs):
            raise ValueError("the pairs differ in length, or hold a single value; give one value a column")
        for pair in self.pairs:
            check_set(pair)


def _pairs_in(check: Check, context: Context) -> RowTest:
    names, told = check.columns, check.arguments
    assert isinstance(told, PairsIn)
    if len(names) != len(told.pairs[0]):
        raise CannotJudge(
            f"{len(names)} columns are named and the pairs hold {len(told.pairs[0])} values each",
            hint="give one value a column",
        )
    judged = pl.all_horizontal([column(name).is_not_null() for name in names])
    shapes = ", ".join(f"({listed(pair)})" for pair in told.pairs[:4]) + (
        f" and {len(told.pairs) - 4:,} more" if len(told.pairs) > 4 else ""
    )
    return RowTest(~_among(names, told.pairs, context), f"one of {shapes}", judged=judged, show=names)


def _among(names: tuple[str, ...], rows: tuple[tuple[Any, ...], ...], context: Context) -> pl.Expr:
    """Return where the columns hold one of the rows of values: a tree with one branch for each value of the first column."""
    x, dtype = column(names[0]), context.dtype(names[0])
    if len(names) == 1:
        return equals_any(x, tuple(row[0] for row in rows), dtype, column=names[0])
    branches: dict[Any, list[tuple[Any, ...]]] = {}
    for row in rows:
        branches.setdefault(row[0], []).append(row[1:])
    found = [
        equals_any(x, (first,), dtype, column=names[0]) & _among(names[1:], tuple(rest), context)
        for first, rest in branches.items()
    ]
    return found[0] if len(found) == 1 else pl.any_horizontal(found)


class MultipleOf(Arguments, frozen=True):
    """A step above zero that values are whole multiples of."""

    step: Decimal | int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (Decimal(self.step).is_finite() and self.step > 0):
            raise ValueError(f"step is {self.step}; expected a number above 0")


def _multiple_of(check: Check, context: Context) -> RowTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, MultipleOf)
    x, kind, dtype = column(name), context.kind(name), context.dtype(name)
    if kind is Kind.FLOAT:
        times = x.cast(pl.Float64) / float(told.step)
        # A float that is printed as a multiple is one: it may be off by half a unit in the last place of each operand.
        failing = (times - times.round()).abs() > times.abs() * _HALF_PLACES.get(str(dtype), 2**-52)
    else:
        scale = getattr(dtype, "scale", 0) or 0
        step = Fraction(told.step) * 10**scale
        # v is a multiple of p/q, in lowest terms, exactly where it is a multiple of p, as v is whole.
        stored = x.cast(pl.Int128) if kind is Kind.INTEGER else x.to_physical()
        failing = stored % pl.lit(step.numerator, dtype=pl.Int128) != 0
    return RowTest(failing, f"a multiple of {shown(told.step)}", judged=x.is_not_null(), show=(name,))


_HALF_PLACES = {"Float16": 2**-10, "Float32": 2**-23}

RULES = (
    rules(
        Rule(
            "between",
            "values",
            "Values lie in a range.",
            _between,
            Between,
            bare=("at_least", "at_most"),
            kinds=ORDERED,
        ),
        Rule("one_of", "values", "Values come from a set.", _one_of, OneOf, bare=("values",), kinds=COUNTABLE),
        Rule("none_of", "values", "No value comes from a set.", _none_of, NoneOf, bare=("values",), kinds=COUNTABLE),
        Rule(
            "pairs_in",
            "values",
            "The values of two or more columns form one of the given pairs.",
            _pairs_in,
            PairsIn,
            on="columns",
            bare=("pairs",),
            kinds=COUNTABLE,
        ),
        Rule(
            "multiple_of",
            "values",
            "Values are whole multiples of a step.",
            _multiple_of,
            MultipleOf,
            bare=("step",),
            kinds=NUMBERS,
        ),
    )
    | distinct.RULES
    | outliers.RULES
    | units.RULES
)
