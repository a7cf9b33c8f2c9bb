"""A uniform sample of a dataset's rows, from one scan, in bounded memory, the same whatever the engine and its batches.

Each row has a key that depends on the seed and on its number alone. The n rows with the least keys are the sample: of two
samples of parts, the n least of both are the sample of the whole, so that a sample is a state like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.dataset import Dataset
from assay.data.engine import Batch, Engine, Progress
from assay.data.names import cols
from assay.errors import UsageError

__all__ = ["Sample", "SamplePlan", "row_keys", "take_sample"]

Keys: TypeAlias = NDArray[np.uint64]
Numbers: TypeAlias = NDArray[np.int64]

GAMMA = np.uint64(0x9E3779B97F4A7C15)


def row_keys(numbers: Numbers | range, *, seed: int) -> Keys:
    """Return a key for each row number: 64 bits that look random, and differ wherever the numbers do.

    The key of row i is the i-th number of the generator SplitMix64 started at a mix of the seed: mix(s + i·γ) with γ the
    odd 64-bit golden ratio. Adding i·γ and mixing are both one-to-one, so no two rows of a dataset share a key. It is
    plain integer arithmetic: another engine, machine or version gives the same keys.
    Source: Steele, Lea & Flood 2014.

    >>> row_keys(range(3), seed=0).tolist() == row_keys(range(2), seed=0).tolist() + row_keys(
    ...     range(2, 3), seed=0
    ... ).tolist()
    True
    >>> row_keys(range(2), seed=1).tolist() == row_keys(range(2), seed=2).tolist()
    False
    """
    start = _mixed(np.array([seed % 2**64], dtype=np.uint64) + GAMMA)
    return _mixed(start + np.asarray(numbers, dtype=np.uint64) * GAMMA)


def _mixed(bits: Keys) -> Keys:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _no_keys() -> Keys:
    return np.empty(0, dtype=np.uint64)


def _no_numbers() -> Numbers:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Sample:
    """The state of a sample of at most `most` rows: their key, their number in the dataset, and the rows, in its order.

    `seen` counts the rows that it is a sample of. A frame of None is that of no rows, before any was seen.
    """

    most: int
    seen: int = 0
    keys: Keys = field(default_factory=_no_keys)
    numbers: Numbers = field(default_factory=_no_numbers)
    frame: pl.DataFrame | None = None

    def merge(self, other: Sample) -> Sample:
        """Return the sample of the rows of both: those with the least keys, in the order of the dataset."""
        most = min(self.most, other.most)
        seen = self.seen + other.seen
        sides = [side for side in (self, other) if side.frame is not None]
        keys = np.concatenate([self.keys, other.keys])
        if len(sides) < 2 and len(keys) <= most:
            one = sides[0] if sides else self
            return Sample(most, seen, one.keys, one.numbers, one.frame)
        bound = np.partition(keys, most - 1)[most - 1] if len(keys) > most else None
        kept = [side if bound is None else side.up_to(bound) for side in sides]
        if len(kept) == 2 and kept[0].starts_after(kept[1]):
            kept.reverse()
        keys = np.concatenate([side.keys for side in kept])
        numbers = np.concatenate([side.numbers for side in kept])
        frame = pl.concat([side.frame for side in kept if side.frame is not None], rechunk=True)
        if np.any(numbers[1:] < numbers[:-1]):
            order = np.argsort(numbers)
            keys, numbers, frame = keys[order], numbers[order], _rows(frame, order)
        return Sample(most, seen, keys, numbers, frame)

    def up_to(self, bound: np.uint64) -> Sample:
        """Return the rows whose key is at most this one."""
        assert self.frame is not None
        places = np.flatnonzero(self.keys <= bound)
        if len(places) == len(self.keys):
            return self
        return Sample(self.most, self.seen, self.keys[places], self.numbers[places], _rows(self.frame, places))

    def starts_after(self, other: Sample) -> bool:
        """Return whether the first row of this sample comes after the first of the other."""
        return bool(len(self.numbers) and len(other.numbers) and self.numbers[0] > other.numbers[0])

    @property
    def rows(self) -> pl.DataFrame:
        """Return the rows of the sample in the order of the dataset."""
        return pl.DataFrame() if self.frame is None else self.frame


def _rows(frame: pl.DataFrame, places: NDArray[np.int64]) -> pl.DataFrame:
    # A frame without columns has a height but nothing to take rows from.
    return frame[places] if frame.width else pl.DataFrame(height=len(places))


@dataclass(frozen=True)
class SamplePlan:
    """The plan that samples at most `most` rows of a dataset; `columns` is None where all are wanted."""

    most: int
    seed: int
    columns: Sequence[str] | None = None

    def empty(self) -> Sample:
        """Return the sample of no rows."""
        return Sample(self.most)

    def measure(self, batch: Batch) -> Sample:
        """Return the sample of one batch: its rows with the least keys."""
        n = batch.frame.height
        numbers = np.arange(batch.offset, batch.offset + n, dtype=np.int64)
        keys = row_keys(numbers, seed=self.seed)
        frame = batch.frame if self.columns is None else batch.frame.select(cols(self.columns))
        if n <= self.most:
            return Sample(self.most, n, keys, numbers, frame)
        places = np.sort(np.argpartition(keys, self.most - 1)[: self.most])
        return Sample(self.most, n, keys[places], numbers[places], _rows(frame, places))


def take_sample(
    dataset: Dataset, n: int, *, engine: Engine, seed: int, columns: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Sample:  # fmt: skip
    """Return a uniform sample, without replacement, of at most n rows of a dataset, with their numbers, from one scan.

    Every set of n rows is as likely as any other, over seeds. The same seed gives the same rows, whatever the engine and
    the size of its batches; a dataset of at most n rows is returned whole. Memory holds some n rows, whatever the
    dataset's length. `columns` are the columns to keep, in this order (default: all).

    Raises `UsageError` where n is below 1 or a column is not there, `DataError` where a row cannot be read.
    Source: bottom-k sampling, Cohen & Kaplan 2007.

    >>> from assay.data.polars_engine import PolarsEngine
    >>> from assay.data.sources import dataset
    >>> data = dataset(pl.DataFrame({"n": range(1_000)}))
    >>> few = take_sample(data, 5, engine=PolarsEngine(), seed=7).rows
    >>> few.height, few["n"].is_sorted()
    (5, True)
    >>> few.equals(take_sample(data, 5, engine=PolarsEngine(batch_rows=64), seed=7).rows)
    True
    """
    if n < 1:
        raise UsageError(f"a sample of {n} rows was asked for; it has at least 1")
    dataset.refuse_unknown(columns or ())
    return engine.fold(dataset, SamplePlan(n, seed, columns), progress=progress)
