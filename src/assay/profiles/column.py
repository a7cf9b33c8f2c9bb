"""One column of one batch, as the states see it: its values without the missing ones, sorted, hashed, counted once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import polars as pl

from assay.data.kinds import Kind

__all__ = ["Column", "Facts", "Need", "StateKind", "is_wide", "physical", "sorted_numbers"]


class Need(msgspec.Struct, frozen=True):
    """A state that somebody needs: its name in the table of states, its columns, and what else it must be told."""

    state: str
    columns: tuple[str, ...] = ()
    parameter: Any = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one column of one batch before it is measured."""

    kind: Kind
    dtype: pl.DataType
    n: int
    nulls: int
    nans: int = 0
    sentinels: int = 0
    plus_inf: int = 0
    minus_inf: int = 0

    @property
    def infinite(self) -> int:
        """Return how many values are infinite."""
        return self.plus_inf + self.minus_inf


class Column:
    """One column of one batch without its missing values, with what several states share: sorted, hashed."""

    def __init__(self, series: pl.Series, facts: Facts, offset: int) -> None:
        self.series = series
        self.facts = facts
        self.offset = offset

    @cached_property
    def values(self) -> pl.Series:
        """Return the values that are there, in the order of the rows."""
        series = self.series
        return series.drop_nulls() if series.null_count() else series

    @cached_property
    def physical(self) -> pl.Series:
        """Return the values as plain numbers: instants in their unit, decimals and wide integers as floats."""
        return physical(self.values, self.facts.kind)

    @cached_property
    def floats(self) -> pl.Series:
        """Return the finite values as floats, in the order of the rows."""
        floats = self.physical.cast(pl.Float64)
        return floats.filter(floats.is_finite()) if self.facts.infinite else floats

    @cached_property
    def ordered(self) -> Any:
        """Return the physical values in ascending order, as a numpy array."""
        return sorted_numbers(self.physical)

    @property
    def is_scale(self) -> bool:
        """Return whether sorting the values is how they are counted: numbers, instants and spans of time.

        Decimals and 128-bit integers are not: as the floats that are sorted, different ones may be equal.
        """
        return (self.facts.kind.is_number or self.facts.kind.is_temporal) and not is_wide(self.values.dtype)

    @cached_property
    def words(self) -> pl.Series:
        """Return the values in the form in which they are hashed and counted: categories as text, instants as numbers."""
        if self.facts.kind is Kind.CATEGORY:
            return self.values.cast(pl.String)
        if is_wide(self.values.dtype):
            return self.values.to_physical()
        return self.physical if self.is_scale else self.values

    @cached_property
    def sampled(self) -> pl.Series:
        """Return an evenly spaced sample of the words: all of them below twice `SAMPLE`, else less than that."""
        step = len(self.words) // SAMPLE
        return self.words.gather_every(step) if step > 1 else self.words

    @cached_property
    def hashes(self) -> pl.Series:
        """Return a 64-bit hash of each value."""
        return self.words.hash(seed=0)

    @cached_property
    def sized(self) -> tuple[Any, Any]:
        """Return the different lengths with how often each occurs: texts in characters, lists in items, binary in bytes."""
        if self.facts.kind.is_text and (counted := vars(self).get("counted")):
            values, counts = counted
            return _tallied(values.str.len_chars(), np.asarray(counts))
        return _tallied(_sizes(self))

    @cached_property
    def counted(self) -> tuple[pl.Series, list[int]] | None:
        """Return the different values with how often each occurs; None where they are too many to be worth listing."""
        n = len(self.words)
        if self.facts.kind is Kind.BOOLEAN:
            trues = int(self.words.sum() or 0)
            found = [(value, count) for value, count in ((False, n - trues), (True, trues)) if count]
            return pl.Series([value for value, _ in found], dtype=pl.Boolean), [count for _, count in found]
        if self.is_scale:
            return _runs(self.ordered) if n else None
        if n > _MANY and self.hashes.approx_n_unique() > n // 8:  # type: ignore[operator]
            return None
        counted = self.words.alias("value").value_counts(name="count")
        return counted["value"], counted["count"].to_list()


SAMPLE = 256  # texts of a batch whose shape and words are looked at
_MANY = 4096


def _sizes(view: Column) -> pl.Series:
    values = view.values
    if view.facts.kind is Kind.LIST:
        return values.list.len() if isinstance(values.dtype, pl.List) else values.arr.to_list().list.len()
    return values.bin.size() if view.facts.kind is Kind.BINARY else view.words.str.len_chars()


def _tallied(sizes: pl.Series, weights: Any = None) -> tuple[Any, Any]:
    """Return different sizes in ascending order with how often each occurs, in `weights` rows each where they are given."""
    array = sizes.to_numpy().astype(np.int64)
    if len(array) == 0 or array.max() > _WIDE_SIZE:
        values, where = np.unique(array, return_inverse=True)
        return values, np.bincount(where, weights=weights, minlength=len(values)).astype(np.int64)
    counts = np.bincount(array, weights=weights).astype(np.int64)
    values = np.flatnonzero(counts)
    return values, counts[values]


_WIDE_SIZE = 2**16  # sizes above this are too far apart to be counted in an array of all sizes


def _runs(ordered: Any) -> tuple[pl.Series, list[int]] | None:
    n = len(ordered)
    step = max(n // 1024, 1)
    if n > _MANY and len(np.unique(ordered[::step])) > 512:
        return None
    starts = np.append(0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1)
    if n > _MANY and len(starts) > n // 8:
        return None
    return pl.Series(ordered[starts]), np.diff(np.append(starts, n)).tolist()


def sorted_numbers(series: pl.Series) -> Any:
    """Return numbers in ascending order, as a numpy array; there must be no null and no NaN.

    Floats are sorted as the integers whose order is the same (their bits, with those of negative numbers flipped),
    which takes half the time.
    """
    if series.dtype != pl.Float64:
        return series.sort(multithreaded=False).to_numpy()
    bits = series.to_numpy().view(np.int64)
    keys = pl.Series(bits ^ ((bits >> 63) & _MAGNITUDE)).sort(multithreaded=False).to_numpy()
    return (keys ^ ((keys >> 63) & _MAGNITUDE)).view(np.float64)


_MAGNITUDE = np.int64(2**63 - 1)


def is_wide(dtype: pl.DataType) -> bool:
    """Return whether a type's values have more digits than a float tells apart, or than numpy holds."""
    return dtype.is_decimal() or dtype in (pl.Int128, pl.UInt128)


def physical(series: pl.Series, kind: Kind) -> pl.Series:
    """Return a series of plain numbers: instants in their unit, decimals and wide integers as floats."""
    if is_wide(series.dtype):
        return series.cast(pl.Float64)
    if kind is Kind.BOOLEAN:
        return series.cast(pl.UInt8)
    return series.to_physical() if kind.is_temporal else series


class StateKind(msgspec.Struct, frozen=True):
    """One entry of the table of states: how it starts, and how it is measured.

    `scalars` gives the expressions that a fused query computes and `read` makes the state of their values; a kind
    without them has `measure`, which makes the state of a whole column. `applies` says to which kinds of column.
    """

    name: str
    summary: str
    empty: Callable[[], Any]
    applies: Callable[[Kind], bool]
    scalars: Callable[[Need, Sequence[Facts]], list[pl.Expr]] | None = None
    read: Callable[[Need, Sequence[Any], Sequence[Facts]], Any] | None = None
    measure: Callable[[Need, Column], Any] | None = None
