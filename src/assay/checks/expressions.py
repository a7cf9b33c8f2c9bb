"""Expressions of people: SQL text that judges one row at a time, read once and refused with a reason where it cannot."""

from __future__ import annotations

import polars as pl

from assay.checks.check import CannotJudge, Context
from assay.data.dataset import first_line
from assay.data.sql import rowwise
from assay.errors import UsageError

__all__ = ["expression", "may_stop"]


def expression(text: str, context: Context) -> pl.Expr:
    """Return SQL text as a Polars expression that is true, false or null for each row.

    Missing values are null in it, so that a comparison with one is null, and the row is not judged. A name with spaces
    or points stands in double quotes. Raises `CannotJudge` where the text is no SQL expression, names an unknown
    column, is not boolean, or looks at more than one row at a time.
    """
    try:
        parsed = rowwise(text, context.kinds, hint="use fresh or no_future, which are told the time")
    except UsageError as error:
        raise CannotJudge(error.message, hint=error.hint) from None
    _expect_boolean(text, parsed, context)
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


def may_stop(parsed: pl.Expr) -> bool:
    """Return whether an expression may fail on a value that it meets, as a strict cast does, and so must be asked alone."""
    return any(word in str(parsed) for word in (".strict_cast(", ".str.strptime(", ".str.strict"))
