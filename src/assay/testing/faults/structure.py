"""Columns that change places, types or names, and rows that come twice or not at all."""

from __future__ import annotations

import numpy as np
import polars as pl

from assay.testing.faults.cells import choice, chosen, column_of, count_of, kind_word, mixed, role, some
from assay.testing.faults.fault import Fault, Layer, NotApplicable, Operator

__all__ = ["STRUCTURE"]

TYPES = ("text", "comma", "single", "whole")


def _column_swap(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    one, other = column_of(frame, fault.column), role(frame, fault, "other")
    if one.name == other.name:
        raise NotApplicable(f"{one.name!r} cannot be swapped with itself")
    mask = chosen(frame.height, fault.severity, rng)
    return frame.with_columns(
        mixed(one, mask, other.rename(one.name)).alias(one.name),
        mixed(other, mask, one.rename(other.name)).alias(other.name),
    )


def _drop_column(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    column_of(frame, fault.column)
    new = str(fault.settings.get("renamed", ""))
    if new in frame.columns:
        raise NotApplicable(f"there is a column {new!r} already")
    return frame.rename({fault.column: new}) if new else frame.drop(fault.column)


def _dtype_change(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    column = column_of(frame, fault.column, "number", "boolean", "instant")
    word = kind_word(column.dtype)
    to = choice(fault.settings.get("to", "whole" if word == "boolean" else "text"), "to", TYPES)
    if to in ("comma", "single") and word != "number":
        raise NotApplicable(f"to: {to} is for numbers; the column {fault.column!r} holds {column.dtype} values")
    if to == "whole" and not (word == "boolean" or column.dtype.is_float()):
        raise NotApplicable(f"the column {fault.column!r} holds {column.dtype} values, of which none is rounded")
    if to == "text":
        changed = column.cast(pl.String)
    elif to == "comma":
        changed = column.cast(pl.String).str.replace(".", ",", literal=True)
    elif to == "single":
        changed = column.cast(pl.Float32)
    else:
        changed = column.cast(pl.Int64) if word == "boolean" else column.fill_nan(None).round().cast(pl.Int64)
    return frame.with_columns(changed.alias(fault.column))


def _duplicate_rows(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    again = frame.filter(pl.Series(chosen(frame.height, fault.severity, rng)))
    near = fault.settings.get("near")
    if near:  # the same event once more, with another value of one column: another id, another instant
        column = column_of(again, str(near))
        values = frame[column.name].gather(rng.integers(frame.height, size=again.height))
        again = again.with_columns(values.alias(column.name))
    return pl.concat([frame, again])


def _drop_rows(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    how = choice(fault.settings.get("how", "random"), "how", ("random", "tail", "slice"))
    n = frame.height
    if how == "tail":
        return frame.head(n - count_of(fault.severity, n))
    if how == "random":
        return frame.filter(pl.Series(~chosen(n, fault.severity, rng)))
    by = column_of(frame, str(fault.settings.get("by") or ""))
    values = by.drop_nulls().unique().sort()
    if len(values) < 2:
        raise NotApplicable(f"the column {by.name!r} has one value, so that there is no slice to drop")
    gone = (by == values[int(rng.integers(len(values)))]).fill_null(False).to_numpy()
    return frame.filter(pl.Series(~some(gone, fault.severity, rng)))


STRUCTURE: dict[str, Operator] = {
    "column_swap": Operator(
        "column_swap", Layer.DATA, "two columns hold each other's values", "a form, or a positional loader, was reordered",
        _column_swap, ladder=(0.05, 0.2, 1.0), unit="share of the rows in which both are swapped", columns=("any",),
        needs=("other",), caught_by="between, one_of, compare, distribution_drift",
    ),
    "drop_column": Operator(
        "drop_column", Layer.DATA, "a column is gone, or is called otherwise", "the source was refactored", _drop_column,
        ladder=(1.0,), unit="the column", columns=("any",), settings={"renamed": ""}, caught_by="required, columns, a schema",
    ),
    "dtype_change": Operator(
        "dtype_change", Layer.DATA, "a column has another type", "a round trip through CSV, or a decimal comma", _dtype_change,
        ladder=(1.0,), unit="the whole column", columns=("number", "boolean", "instant"), caught_by="type_is, a schema",
    ),
    "duplicate_rows": Operator(
        "duplicate_rows", Layer.DATA, "rows come twice", "a message was delivered at least once, or a job ran again",
        _duplicate_rows, ladder=(0.01, 0.1, 0.5, 1.0), unit="share of the rows that come once more", settings={"near": ""}, keeps=(),
        caught_by="unique, key, duplicates, row_count",
    ),
    "drop_rows": Operator(
        "drop_rows", Layer.DATA, "rows are missing, or all of them", "a load broke off; a filter was wrong; the batch is empty",
        _drop_rows, ladder=(0.1, 0.5, 0.9, 1.0), unit="share of the rows that are gone", settings={"how": "random"}, keeps=(),
        caught_by="row_count, row_count_change",
    ),
}  # fmt: skip
