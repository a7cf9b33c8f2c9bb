"""Expressions of people: SQL text that judges one row at a time, read once and refused with a reason where it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from assay.checks.check import CannotJudge, Context
from assay.data.dataset import first_line
from assay.errors import nearest

__all__ = ["expression", "may_stop"]

_CLOCKS = re.compile(r"\b(?:now|today)\s*\(|\bcurrent_(?:date|time|timestamp)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_SELECTOR = re.compile(r'"(\*|\^(?:[^"]|"")*\$)"')


def expression(text: str, context: Context) -> pl.Expr:
    """Return SQL text as a Polars expression that is true, false or null for each row.

    Missing values are null in it, so that a comparison with one is null, and the row is not judged. A name with spaces
    or points stands in double quotes. Raises `CannotJudge` where the text is no SQL expression, names an unknown
    column, is not boolean, or looks at more than one row at a time.
    """
    if clock := _CLOCKS.search(_QUOTED.sub("''", text)):
        raise CannotJudge(
            f"{text!r} reads the clock by {clock.group(0)!r}", hint="use fresh or no_future, which are told the time"
        )
    if odd := _SELECTOR.search(text):
        raise CannotJudge(
            f"SQL reads the name {odd.group(0)} as a pattern", hint="rename the column to use it in an expression"
        )
    parsed = _parsed(text)
    for name in parsed.meta.root_names():
        if name not in context.kinds:
            hint = f'{nearest(name, context.kinds)}. A name with spaces or points is written in double quotes: "a.b"'
            raise CannotJudge(f"{text!r} names {name!r}, and there is no such column", hint=hint)
    if not parsed.meta.root_names():
        raise CannotJudge(f"{text!r} names no column")
    if not _is_rowwise(parsed):
        raise CannotJudge(f"{text!r} looks at more than one row at a time", hint="write an expression of single rows")
    _expect_boolean(text, parsed, context)
    return parsed


def _parsed(text: str) -> pl.Expr:
    try:
        parsed = pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        raise CannotJudge(f"{text!r} is not an SQL expression: {first_line(error)}") from None
    assert isinstance(parsed, pl.Expr)
    return parsed


def _expect_boolean(text: str, parsed: pl.Expr, context: Context) -> None:
    try:
        dtype = pl.LazyFrame(schema=dict(context.schema)).select(parsed.alias("x")).collect_schema()["x"]
    except pl.exceptions.PolarsError as error:
        hint = "write a date as DATE '2013-01-31', and a cast as TRY_CAST(x AS DOUBLE)"
        raise CannotJudge(f"{text!r} does not fit the columns' types: {first_line(error)}", hint=hint) from None
    if dtype != pl.Boolean:
        raise CannotJudge(
            f"{text!r} gives {str(dtype).lower()} values; true or false is expected", hint="compare it with something"
        )


def _nodes(parsed: pl.Expr) -> Iterator[pl.Expr]:
    yield parsed
    for child in parsed.meta.pop():
        yield from _nodes(child)


def _is_rowwise(parsed: pl.Expr) -> bool:
    for node in _nodes(parsed):
        try:
            separable = node.meta.is_literal() or node.meta.is_row_separable()
        except pl.exceptions.PolarsError:  # IN (…) is asked about its columns' types, which it does not know here
            separable = True
        if not separable:
            return False
    return True


def may_stop(parsed: pl.Expr) -> bool:
    """Return whether an expression may fail on a value that it meets, as a strict cast does, and so must be asked alone."""
    return any(word in str(parsed) for word in (".strict_cast(", ".str.strptime(", ".str.strict"))
