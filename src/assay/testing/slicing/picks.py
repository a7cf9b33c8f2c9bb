"""A row for every target, and a uniform sample beside them, from one scan in bounded memory: a state that merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.engine import Batch
from assay.data.sample import Sample, SamplePlan, row_keys
from assay.testing.slicing.targets import Axis

__all__ = ["CODES", "Found", "Picks", "PicksPlan", "codes_of"]

CODES = 512  # targets of one axis: of more, those in most rows are kept
_KEY, _CODE = "__key", "__code"

Target: TypeAlias = tuple[int, Any]  # which axis, and which of its codes


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows have a target, and the one of them whose key is the least."""

    rows: int
    key: int
    number: int

    def merge(self, other: Found) -> Found:
        """Return what is found of both parts."""
        near = self if self.key <= other.key else other
        return Found(self.rows + other.rows, near.key, near.number)


@dataclass(frozen=True)
class Picks:
    """What was found of every target, the rows that were picked for them, and a sample of all rows.

    `cut` counts the targets that were dropped because an axis had too many.
    """

    sample: Sample
    found: dict[Target, Found] = field(default_factory=dict)
    rows: dict[int, tuple[pl.DataFrame, int]] = field(default_factory=dict)  # by number: a frame, and the place in it
    cut: int = 0

    def merge(self, other: Picks) -> Picks:
        """Return the picks of both: of each target the row with the least key."""
        found = dict(self.found)
        for target, one in other.found.items():
            found[target] = found[target].merge(one) if target in found else one
        found, cut = _bounded(found)
        wanted = {one.number for one in found.values()}
        rows = {number: row for part in (self.rows, other.rows) for number, row in part.items() if number in wanted}
        return Picks(self.sample.merge(other.sample), found, _compact(rows), self.cut + other.cut + cut)


def _bounded(found: dict[Target, Found]) -> tuple[dict[Target, Found], int]:
    by_axis: dict[int, list[Target]] = {}
    for target in found:
        by_axis.setdefault(target[0], []).append(target)
    dropped: list[Target] = []
    for targets in by_axis.values():
        if len(targets) > CODES:
            dropped += sorted(targets, key=lambda t: (-found[t].rows, found[t].key))[CODES:]
    for target in dropped:
        del found[target]
    return found, len(dropped)


def _compact(rows: dict[int, tuple[pl.DataFrame, int]]) -> dict[int, tuple[pl.DataFrame, int]]:
    """Return rows in frames that hold little else: a frame most of whose rows went is copied without them."""
    by_frame: dict[int, list[int]] = {}
    for number, (frame, _) in rows.items():
        by_frame.setdefault(id(frame), []).append(number)
    kept = {}
    for numbers in by_frame.values():
        frame = rows[numbers[0]][0]
        if 2 * len(numbers) >= frame.height:
            kept.update({number: rows[number] for number in numbers})
            continue
        small = frame[[rows[number][1] for number in numbers]]
        kept.update({number: (small, place) for place, number in enumerate(numbers)})
    return kept


@dataclass(frozen=True)
class PicksPlan:
    """The plan that finds a row for every target of some axes, and samples at most `most` rows beside them."""

    axes: Sequence[Axis]
    most: int
    seed: int
    columns: Sequence[str] | None = None

    def empty(self) -> Picks:
        """Return the picks of no rows."""
        return Picks(Sample(self.most))

    def measure(self, batch: Batch) -> Picks:
        """Return the picks of one batch."""
        sample = SamplePlan(self.most, self.seed).measure(batch)
        if not batch.frame.height:
            return Picks(sample)
        numbers = np.arange(batch.offset, batch.offset + batch.frame.height, dtype=np.int64)
        keys = row_keys(numbers, seed=self.seed)
        codes = codes_of(batch.frame, self.axes).with_columns(pl.Series(_KEY, keys))
        least = _flags(codes, self.axes)
        for i, axis in enumerate(self.axes):
            if not axis.flag:
                least.update(_coded(codes, i))
        found, cut = _bounded(_placed(least, keys, numbers))
        wanted = sorted({one.number for one in found.values()})
        frame = batch.frame[[number - batch.offset for number in wanted]]
        return Picks(sample, found, {number: (frame, place) for place, number in enumerate(wanted)}, cut)


def codes_of(frame: pl.DataFrame, axes: Sequence[Axis]) -> pl.DataFrame:
    """Return the code of each row on each axis, in columns called by the axes' places."""
    return frame.select([axis.code.alias(str(i)) for i, axis in enumerate(axes)])


Least: TypeAlias = dict[Target, tuple[int, int]]  # how many rows have a target, and the least of their keys


def _flags(codes: pl.DataFrame, axes: Sequence[Axis]) -> Least:
    asked = []
    places = [i for i, axis in enumerate(axes) if axis.flag]
    for i in places:
        mask = pl.col(str(i))
        asked += [mask.sum().alias(f"{i} n"), pl.when(mask).then(pl.col(_KEY)).min().alias(f"{i} key")]
    if not asked:
        return {}
    row = codes.select(asked).row(0, named=True)
    return {(i, True): (row[f"{i} n"], row[f"{i} key"]) for i in places if row[f"{i} n"]}


def _coded(codes: pl.DataFrame, place: int) -> Least:
    few = codes.select(pl.col(str(place)).alias(_CODE), _KEY).drop_nulls(_CODE)
    grouped = few.group_by(_CODE).agg(pl.len().alias("n"), pl.col(_KEY).min())
    return {(place, code): (n, key) for code, n, key in grouped.select(_CODE, "n", _KEY).iter_rows()}


def _placed(least: Least, keys: NDArray[np.uint64], numbers: NDArray[np.int64]) -> dict[Target, Found]:
    """Return what was found with the number of the row that has each key: no two rows share one."""
    order = np.argsort(keys)
    places = np.searchsorted(keys[order], np.array([key for _, key in least.values()], dtype=np.uint64))
    rows = numbers[order[places]].tolist()
    return {target: Found(n, key, row) for (target, (n, key)), row in zip(least.items(), rows, strict=True)}
