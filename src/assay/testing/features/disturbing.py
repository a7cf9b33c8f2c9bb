"""Other values for cells, by which is seen whether a function looks at them: far off, or as the data's own (gentle)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.testing.rows import Rows

__all__ = ["disturbed", "holed", "integer_bounds", "other_values"]


def disturbed(
    rows: Rows, places: NDArray[np.int64], columns: Sequence[str], rng: np.random.Generator, *, gentle: bool = False
) -> dict[str, pl.Series]:
    """Return other values for some rows, by column; `places` are the rows, and row i of each series is for `places[i]`.

    Every new value differs from the old one. Numbers go above the data's range or, as far as their sign allows, below it;
    texts become others of the column, some of them never seen. `gentle` values are all of the data's own.
    """
    frame = rows.frame
    found = {name: other_values(frame[name], places, rng, gentle=gentle) for name in columns}
    return {name: values for name, values in found.items() if values is not None}


def other_values(
    series: pl.Series, places: NDArray[np.int64], rng: np.random.Generator, *, gentle: bool = False
) -> pl.Series | None:
    """Return another value for each of the places of a column; None where nothing else is known for its kind of data."""
    old = series[places.tolist()] if len(places) else series[:0]
    if series.dtype == pl.Boolean:
        return (~old).fill_null(value=True)
    if series.dtype == pl.Null:
        return pl.Series(series.name, rng.uniform(1, 10, len(places)))
    if series.dtype.is_numeric() and not series.dtype.is_decimal() and not gentle:
        return _far_numbers(series, old, rng)
    if isinstance(series.dtype, pl.Categorical | pl.Enum | pl.String) and not gentle:
        return _other_texts(series, old, rng)
    return _of_its_own(series, old, rng)


def holed(rows: Rows, columns: Sequence[str], rng: np.random.Generator, *, share: float = 0.1) -> Rows:
    """Return rows in which a share of each column's cells is null, of columns that can hold one in the kind of the rows."""
    made = rows
    for name in columns:
        dtype = rows.frame.schema[name]
        if rows.kind in ("pandas", "array") and not (
            dtype.is_float() or (dtype == pl.String and rows.kind == "pandas")
        ):
            continue  # an integer that becomes a float would be another kind of input
        places = np.flatnonzero(rng.random(rows.height) < share)
        if len(places):
            made = made.changed(name, places, pl.Series([None] * len(places), dtype=dtype))
    return made


def _far_numbers(series: pl.Series, old: pl.Series, rng: np.random.Generator) -> pl.Series:
    values = series.cast(pl.Float64)
    finite = values.filter(values.is_finite()).to_numpy()
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    span = max(high - low, abs(high), 1.0) if high == low else high - low
    up = high + span * rng.uniform(0.5, 3.0, len(old))
    down = low - span * rng.uniform(0.5, 3.0, len(old))
    if low >= 0:  # what is positive may have to be; near the range, so that no sum is drowned by float noise
        down = np.where(down >= 0, down, low * rng.uniform(0.0, 0.9, len(old)))
    new = np.where(rng.random(len(old)) < (0.5 if low != 0 else 0.8), up, down)
    if series.dtype.is_integer():
        least, most = integer_bounds(series.dtype)
        new = np.clip(np.round(new), max(least, -(2**53)), min(most, 2**53))  # what a float holds exactly
        before = old.cast(pl.Float64).fill_null(-0.5).to_numpy()
        new = np.where(new == before, np.where(before < most, before + 1, before - 1), new)
        return pl.Series(series.name, [int(value) for value in new], dtype=series.dtype)
    new = np.round(new, 1) if span > 5 else new
    before = old.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return pl.Series(series.name, np.where(new == before, new + 1, new)).cast(series.dtype)


def integer_bounds(dtype: pl.DataType) -> tuple[int, int]:
    """Return the least and the greatest number that an integer dtype holds."""
    bits, signed = int(str(dtype).removeprefix("U").removeprefix("Int")), not str(dtype).startswith("U")
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def _other_texts(series: pl.Series, old: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Return other texts of the column; a third of them, and all where there is only one, were never seen."""
    known = [str(value) for value in series.cast(pl.String).drop_nulls().unique().sort()]
    never = not isinstance(series.dtype, pl.Enum)
    new = []
    for value in old.cast(pl.String).to_list():
        others = [each for each in known[:50] if each != value]
        if never and (not others or rng.random() < 1 / 3):
            new.append(f"{value}~" if value is not None else "other")
        else:
            new.append(others[int(rng.integers(len(others)))] if others else value)
    return pl.Series(series.name, new, dtype=series.dtype if isinstance(series.dtype, pl.Enum) else pl.String)


def _of_its_own(series: pl.Series, old: pl.Series, rng: np.random.Generator) -> pl.Series | None:
    """Return values of the column itself, each another than the old one; None where it has only one, or none is known."""
    if series.dtype.is_nested() or series.dtype in (pl.Object, pl.Binary):
        return None
    known = series.drop_nulls().unique().sort()
    if series.dtype.is_float():
        known = known.filter(known.is_finite())
    if len(known) < 2:
        return None
    drawn = rng.integers(len(known), size=len(old))
    picked = known[drawn.tolist()]
    same = picked.eq_missing(old).to_numpy()
    made: pl.Series = known[np.where(same, (drawn + 1) % len(known), drawn).tolist()]
    return made.alias(series.name)
