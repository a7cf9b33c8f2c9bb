"""Edits of rows that should leave a prediction as it is, or move it one way: CheckList's INV and DIR for tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from assay.errors import UsageError, nearest

__all__ = ["Edit", "adding", "edit_of", "renaming", "resampling", "scaling", "setting"]


@dataclass(frozen=True)
class Edit:
    """A change of rows: what it is called, and a function of a Polars frame and a generator that returns the changed frame."""

    name: str
    apply: Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]


def renaming(column: str, mapping: Mapping[object, object]) -> Edit:
    """Return the edit that puts other values in place of some: `renaming("gender", {"M": "F", "F": "M"})` swaps two.

    >>> frame = pl.DataFrame({"g": ["M", "F", "X"]})
    >>> renaming("g", {"M": "F", "F": "M"}).apply(frame, np.random.default_rng(0))["g"].to_list()
    ['F', 'M', 'X']
    """
    shown = ", ".join(f"{old!r} to {new!r}" for old, new in mapping.items())

    def apply(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        return frame.with_columns(_column(frame, column).replace(dict(mapping)).alias(column))

    return Edit(f"{column}: {shown}", apply)


def setting(column: str, value: object) -> Edit:
    """Return the edit that sets a column to one value in every row.

    >>> setting("x", 3).apply(pl.DataFrame({"x": [1.5, 2.5]}), np.random.default_rng(0))["x"].to_list()
    [3.0, 3.0]
    """

    def apply(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        dtype = _column(frame, column).dtype
        return frame.with_columns(pl.lit(value).cast(dtype).alias(column))

    return Edit(f"{column}: set to {value!r}", apply)


def adding(column: str, amount: float) -> Edit:
    """Return the edit that adds an amount to a column of numbers.

    >>> adding("debt", 1000).apply(pl.DataFrame({"debt": [1, 2]}), np.random.default_rng(0))["debt"].to_list()
    [1001, 1002]
    """

    def apply(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        return frame.with_columns((_number(frame, column) + amount).alias(column))

    return Edit(f"{column}: {amount:+g}", apply)


def scaling(column: str, factor: float) -> Edit:
    """Return the edit that multiplies a column of numbers by a factor.

    >>> scaling("x", 2).apply(pl.DataFrame({"x": [1.5, 2.5]}), np.random.default_rng(0))["x"].to_list()
    [3.0, 5.0]
    """

    def apply(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        return frame.with_columns((_number(frame, column) * factor).alias(column))

    return Edit(f"{column}: times {factor:g}", apply)


def resampling(column: str, *, within: str | Sequence[str] = ()) -> Edit:
    """Return the edit that gives each row another row's value of a column: real values, in their real shares.

    `within` names columns whose values both rows share, so that no row is made that could not be (a pregnant man).

    >>> frame = pl.DataFrame({"x": [1, 2, 3]})
    >>> sorted(resampling("x").apply(frame, np.random.default_rng(0))["x"].to_list())
    [1, 2, 3]
    """
    groups = (within,) if isinstance(within, str) else tuple(within)

    def apply(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        _column(frame, column)
        seed = int(rng.integers(2**31))
        drawn = pl.col(column).shuffle(seed=seed)
        return frame.with_columns(drawn.over(*groups) if groups else drawn)

    of = f" among rows of the same {', '.join(groups)}" if groups else ""
    return Edit(f"{column}: another row's{of}", apply)


def edit_of(given: object) -> Edit:
    """Return an edit: as it is, of a mapping from a column to its swapped values, or of a function of a Polars frame.

    Raises UsageError for anything else.

    >>> edit_of({"gender": {"M": "F"}}).name
    "gender: 'M' to 'F'"
    """
    if isinstance(given, Edit):
        return given
    if isinstance(given, Mapping) and len(given) == 1:
        [(column, mapping)] = given.items()
        if isinstance(mapping, Mapping):
            return renaming(str(column), mapping)
    if callable(given):
        function: Callable[[pl.DataFrame], pl.DataFrame] = given
        return Edit(getattr(given, "__name__", "edit"), lambda frame, rng: function(frame))
    raise UsageError(
        f"{given!r} is no edit",
        hint='give assay.testing.models.edits\' renaming, setting, adding, scaling, resampling, a mapping like {"gender": '
        '{"M": "F", "F": "M"}}, or a function of a Polars frame',
    )


def _column(frame: pl.DataFrame, column: str) -> pl.Series:
    if column not in frame.columns:
        raise UsageError(f"there is no column {column!r} to edit", hint=nearest(column, frame.columns))
    return frame[column]


def _number(frame: pl.DataFrame, column: str) -> pl.Series:
    series = _column(frame, column)
    if not series.dtype.is_numeric():
        raise UsageError(f"{column!r} holds {series.dtype}, to which no number can be added")
    return series
