"""Checks of missing values: null, NaN in floats, and declared sentinels. No other check judges them."""

from __future__ import annotations

from typing import Literal

import polars as pl

from assay.checks import spikes
from assay.checks.bounds import phrase
from assay.checks.check import Arguments, CannotJudge, Check, Context, Judged, RowTest, Rule, StateTest, rules
from assay.checks.shares import CountRange, ShareRange, count_in, percent, share_estimate, share_in
from assay.data.kinds import Kind
from assay.data.names import col as column
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.verdict import Estimate

__all__ = ["RULES", "CompleteRows"]


def _no_missing(check: Check, context: Context) -> RowTest:
    name = check.columns[0]
    context.kind(name)
    return RowTest(column(name).is_null(), "filled in", show=(name,))


def _all_missing(check: Check, context: Context) -> RowTest:
    name = check.columns[0]
    context.kind(name)
    return RowTest(column(name).is_not_null(), "missing", show=(name,))


def _missing_share(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, ShareRange)
    context.kind(name)
    need = Need("counts", (name,))
    expected = f"missing in {_share_phrase(told)} of the rows"

    def judge(measured: Measured) -> Judged:
        counts = measured.states[need]
        if counts.n == 0:
            return _no_rows()
        holds = share_in(counts.missing, counts.n, told.at_least, told.at_most)
        return Judged(
            holds,
            share_estimate(counts.missing, counts.n, "share of rows missing"),
            _missing_words(counts.missing, counts.n, holds, expected),
            counts.n,
        )

    return StateTest((need,), judge, expected)


def _share_phrase(told: ShareRange) -> str:
    low, high = (None if bound is None else percent(float(bound)) for bound in (told.at_least, told.at_most))
    if low and high:
        return f"between {low} and {high}"
    return f"at most {high}" if high else f"at least {low}"


def _missing_rows(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, CountRange)
    context.kind(name)
    need = Need("counts", (name,))
    expected = f"missing in {phrase(told.at_least, told.at_most)} rows"

    def judge(measured: Measured) -> Judged:
        counts = measured.states[need]
        if counts.n == 0:
            return _no_rows()
        holds = count_in(counts.missing, told.at_least, told.at_most)
        words = _missing_words(counts.missing, counts.n, holds, expected)
        return Judged(holds, Estimate(counts.missing, n=counts.n, unit="rows missing"), words, counts.n)

    return StateTest((need,), judge, expected)


def _no_rows() -> Judged:
    return Judged(None, Estimate(None, n=0, why="there is no row"), "there is no row to judge", 0)


def _missing_words(missing: int, n: int, holds: bool, expected: str) -> str:
    return f"{missing:,} of {n:,} rows ({percent(missing, n)}) have no value" + (
        "" if holds else f"; expected {expected}"
    )


class CompleteRows(Arguments, frozen=True):
    """Which of the columns must have a value in each row: all of them, or any."""

    of: Literal["all", "any"] = "all"


def _complete_rows(check: Check, context: Context) -> RowTest:
    told, names = check.arguments, check.columns
    assert isinstance(told, CompleteRows)
    absent = [_absent(name, context) for name in names]
    failing = pl.any_horizontal(absent) if told.of == "all" else pl.all_horizontal(absent)
    return RowTest(failing, "complete" if told.of == "all" else "filled in somewhere", show=names)


def _missing_together(check: Check, context: Context) -> RowTest:
    names = check.columns
    if len(names) < 2:
        raise CannotJudge("missing_together compares columns and only one is named", hint="name at least two")
    absent = [_absent(name, context) for name in names]
    failing = pl.any_horizontal(absent) & ~pl.all_horizontal(absent)
    return RowTest(failing, "missing together or filled in together", show=names)


def _absent(name: str, context: Context) -> pl.Expr:
    context.kind(name)
    return column(name).is_null()


def _finite(check: Check, context: Context) -> RowTest:
    name = check.columns[0]
    x = column(name)
    here = x.is_not_null()
    failing = ~x.is_finite() if context.kind(name) is Kind.FLOAT else here & pl.lit(value=False)
    return RowTest(failing, "finite", judged=here, show=(name,), raw=True)


NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})

RULES = (
    rules(
        Rule("no_missing", "completeness", "Each row has a value.", _no_missing),
        Rule(
            "missing_share",
            "completeness",
            "The share of rows without a value lies in a range.",
            _missing_share,
            ShareRange,
            bare=("at_most",),
        ),
        Rule(
            "missing_rows",
            "completeness",
            "The number of rows without a value lies in a range.",
            _missing_rows,
            CountRange,
            bare=("at_most",),
        ),
        Rule("all_missing", "completeness", "No row has a value.", _all_missing),
        Rule(
            "complete_rows",
            "completeness",
            "Each row has a value in all of the columns, or in any of them.",
            _complete_rows,
            CompleteRows,
            on="columns",
        ),
        Rule(
            "missing_together",
            "completeness",
            "Where one of the columns has no value, none of them has.",
            _missing_together,
            on="columns",
        ),
        Rule("finite", "completeness", "No value is NaN or infinite.", _finite, kinds=NUMBERS),
    )
    | spikes.RULES
)
