"""SQL text of people that says something of one row at a time, read once and refused with a reason where it does not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import polars as pl

from assay.data.dataset import first_line
from assay.errors import UsageError, nearest

__all__ = ["of_single_rows", "rowwise"]

_CLOCKS = re.compile(r"\b(?:now|today)\s*\(|\bcurrent_(?:date|time|timestamp)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_SELECTOR = re.compile(r'"(\*|\^(?:[^"]|"")*\$)"')


def rowwise(text: str, columns: Collection[str], *, hint: str = "write the instant") -> pl.Expr:
    """Return SQL text as a Polars expression of single rows.

    A name with spaces or points stands in double quotes. `hint` is the way out where the text reads the clock. Raises
    UsageError where it does, is no SQL expression, names no column or an unknown one, or looks at more than one row.

    >>> rowwise("amount * 2", ["amount"]).meta.root_names()
    ['amount']
    """
    if clock := _CLOCKS.search(_QUOTED.sub("''", text)):
        raise UsageError(f"{text!r} reads the clock by {clock.group(0)!r}", hint=hint)
    if odd := _SELECTOR.search(text):
        raise UsageError(
            f"SQL reads the name {odd.group(0)} as a pattern", hint="rename the column to use it in an expression"
        )
    return of_single_rows(_parsed(text), columns, told=repr(text))


def of_single_rows(parsed: pl.Expr, columns: Collection[str], *, told: str) -> pl.Expr:
    """Return a Polars expression that is over these columns and one row at a time; `told` is what errors call it.

    Raises UsageError where it names no column or an unknown one, or looks at more than one row.
    """
    for name in parsed.meta.root_names():
        if name not in columns:
            way = f'{nearest(name, columns)}. A name with spaces or points is written in double quotes: "a.b"'
            raise UsageError(f"{told} names {name!r}, and there is no such column", hint=way)
    if not parsed.meta.root_names():
        raise UsageError(f"{told} names no column")
    if not _is_rowwise(parsed):
        raise UsageError(f"{told} looks at more than one row at a time", hint="write an expression of single rows")
    return parsed


def _parsed(text: str) -> pl.Expr:
    try:
        parsed = pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"{text!r} is not an SQL expression: {first_line(error)}") from None
    assert isinstance(parsed, pl.Expr)  # one text gives one expression
    return parsed


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
