"""Which rows a fault touches, and how new values get into a column: what the operators on frames share.

Rows are chosen from one order that the seed gives: a stronger severity touches the rows of a milder one, and more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.kinds import kind_of
from assay.errors import nearest
from assay.testing.faults.fault import Fault, NotApplicable

__all__ = ["choice", "chosen", "column_of", "count_of", "kind_word", "mixed", "numbers_of", "role", "some"]

Mask = NDArray[np.bool_]


def kind_word(dtype: pl.DataType) -> str:
    """Return the word by which operators ask for a kind of column: number, text, instant, boolean, or other.

    >>> kind_word(pl.Float32()), kind_word(pl.Date()), kind_word(pl.List(pl.Int8))
    ('number', 'instant', 'other')
    """
    kind = kind_of(dtype)
    if kind.is_number:
        return "number"
    if kind.is_text:
        return "text"
    if kind.is_instant:
        return "instant"
    return "boolean" if dtype == pl.Boolean else "other"


def column_of(frame: pl.DataFrame, name: str, *kinds: str) -> pl.Series:
    """Return a column; raise `NotApplicable` where it is not there, or is none of these kinds (none given: any)."""
    if name not in frame.columns:
        raise NotApplicable(f"there is no column {name!r}; {nearest(name, frame.columns)}")
    series = frame[name]
    kind = kind_word(series.dtype)
    if kinds and kind not in kinds:
        raise NotApplicable(f"the column {name!r} holds {series.dtype} values; it takes {' or '.join(kinds)}")
    return series


def role(frame: pl.DataFrame, fault: Fault, name: str, *kinds: str) -> pl.Series:
    """Return the column that a setting of the fault names ("time", "label"); raise `NotApplicable` where there is none."""
    told = fault.settings.get(name)
    if not told:
        raise NotApplicable(f"{fault.operator} needs the {name} column to be named")
    return column_of(frame, str(told), *kinds)


def choice(told: object, name: str, allowed: Sequence[str]) -> str:
    """Return a setting that is one of a few words; raise `NotApplicable`, with the words, where it is not."""
    if told not in allowed:
        raise NotApplicable(f"{name} is {told!r}; it is one of: {', '.join(allowed)}")
    return str(told)


def count_of(share: float, n: int) -> int:
    """Return how many of n rows a share is: at least one where the share is above 0 and there is a row.

    Raises NotApplicable where the share does not lie in (0, 1], or there are no rows.

    >>> count_of(0.001, 200), count_of(0.25, 200), count_of(1, 3)
    (1, 50, 3)
    """
    if not 0 < share <= 1:
        raise NotApplicable(f"the severity is {share:g}; it is a share of rows, above 0 and at most 1")
    if not n:
        raise NotApplicable("there is no row to change")
    return min(n, max(1, round(share * n)))


def chosen(n: int, share: float, rng: np.random.Generator) -> Mask:
    """Return a mask of that share of n rows, all alike likely; of one generator, a larger share holds the smaller one's."""
    mask = np.zeros(n, dtype=bool)
    mask[rng.permutation(n)[: count_of(share, n)]] = True
    return mask


def some(candidates: Mask, share: float, rng: np.random.Generator) -> Mask:
    """Return a mask of that share of the candidates; raise `NotApplicable` where there are none."""
    places = np.flatnonzero(candidates)
    mask = np.zeros(len(candidates), dtype=bool)
    mask[places[chosen(len(places), share, rng)]] = True
    return mask


def numbers_of(series: pl.Series) -> pl.Series:
    """Return a column of numbers as floats, in which NaN is null."""
    return series.cast(pl.Float64).fill_nan(None)


def mixed(series: pl.Series, mask: Mask, values: pl.Series | object) -> pl.Series:
    """Return a column with other values in the rows of the mask; its dtype stays where it holds them all.

    Whole numbers stay whole where each new one is; else the column becomes one of floats. What is no number in a column of
    numbers makes it a column of texts, as a file would.
    """
    new = values if isinstance(values, pl.Series) else pl.Series([values], strict=False)
    if len(new) == 1 and len(series) != 1:
        new = pl.select(pl.repeat(new[0], len(series), dtype=new.dtype)).to_series()
    if new.dtype == pl.Null:
        new = new.cast(series.dtype)
    old, new = _one_type(series, new, mask)
    picked = pl.DataFrame({"old": old, "new": new, "mask": mask})
    return picked.select(pl.when("mask").then("new").otherwise("old").alias(series.name)).to_series()


def _one_type(series: pl.Series, new: pl.Series, mask: Mask) -> tuple[pl.Series, pl.Series]:
    if series.dtype == new.dtype:
        return series, new
    used = new.filter(pl.Series(mask))
    if isinstance(series.dtype, pl.Categorical):
        return series, new.cast(pl.String).cast(series.dtype)
    if isinstance(series.dtype, pl.Enum):
        return series.cast(pl.String), new.cast(pl.String)
    if series.dtype.is_numeric() and new.dtype.is_numeric():
        back = used.cast(series.dtype, strict=False)
        exact = back.null_count() == used.null_count() and bool(
            (back.cast(pl.Float64) == used.cast(pl.Float64)).fill_null(True).all()
        )
        if exact or series.dtype.is_float():
            return series, new.cast(series.dtype, strict=False)
        return series.cast(pl.Float64), new.cast(pl.Float64)
    if used.null_count() == len(used):
        return series, new.cast(series.dtype, strict=False)
    return series.cast(pl.String), new.cast(pl.String)
