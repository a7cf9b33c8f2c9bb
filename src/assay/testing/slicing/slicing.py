"""The small dataset that represents a large one: a greedy cover of its targets, and rows by chance for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.dataset import Dataset
from assay.data.engine import Engine, Progress
from assay.data.polars_engine import batches
from assay.data.sample import row_keys
from assay.errors import DataError, UsageError
from assay.profiles.profile import Profile, profile_dataset
from assay.testing.slicing.picks import Found, Picks, PicksPlan, codes_of
from assay.testing.slicing.targets import ASPECTS, Axis, axes_of

__all__ = ["Covered", "Slice", "slice_dataset"]

FIRST = 10_000  # rows by which related columns are found
SPARE = 1_000  # rows of the sample beside those that fill up: common targets are covered by rows that cover several

Keys = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Covered:
    """One target: its aspect, its columns, what it is in words, how many rows of the data have it, and how many of the slice.

    `row` is the number of the first row of the slice that has it; None where none has.
    """

    aspect: str
    columns: tuple[str, ...]
    what: str
    in_data: int
    in_slice: int
    row: int | None = None


@dataclass(frozen=True, eq=False)
class Slice:
    """Some rows of a dataset, in its order, with their numbers in it, and what they cover of it.

    `enough` is how many rows would cover every target: as many as the greedy choice took. `chosen` is how many rows of the
    slice are there for a target; the others came by chance. `cut` counts targets that were too many to be followed.
    """

    frame: pl.DataFrame
    numbers: NDArray[np.int64]
    covered: tuple[Covered, ...]
    rows_in_data: int
    enough: int
    chosen: int
    profile: Profile
    cut: int = 0

    @property
    def left_out(self) -> tuple[Covered, ...]:
        """Return the targets that no row of the slice has."""
        return tuple(one for one in self.covered if not one.in_slice)


def slice_dataset(
    dataset: Dataset, *, rows: int, seed: int, engine: Engine, profile: Profile | None = None, progress: Progress | None = None
) -> Slice:  # fmt: skip
    """Return the small dataset that represents a large one: at most `rows` of its rows, chosen for what they cover.

    Covered are: every column, category, pattern of missing values, extreme, edge case that occurs, part of each range, corner of
    related columns, and each class with each category where the label's role is known (`ASPECTS`). Rows are taken greedily: next
    is always the one that adds the most weight of targets not yet covered. What is left of `rows` is drawn by chance. The same
    seed and profile give the same rows, whatever the engine's batches. One scan beside that of the profile, and memory for some
    thousand rows.

    Greedy cover needs at most 1 + ln(t) times as many rows as the best cover of t targets (Johnson 1974; Chvátal 1979).

    Raises UsageError where `rows` is below 1, DataError where the dataset has no columns or cannot be read.

    >>> from assay.data.polars_engine import PolarsEngine
    >>> from assay.data.sources import dataset
    >>> data = dataset(pl.DataFrame({"n": [*range(1000), None], "kind": ["usual"] * 1000 + ["rare"]}))
    >>> few = slice_dataset(data, rows=20, seed=0, engine=PolarsEngine())
    >>> few.frame.height, "rare" in few.frame["kind"], few.left_out
    (20, True, ())
    """
    if rows < 1:
        raise UsageError(f"a slice of {rows} rows was asked for", hint="it has at least 1")
    if not dataset.schema:
        raise DataError("it has no columns, so that there is nothing to cover", place=dataset.source)
    known = profile if profile is not None else profile_dataset(dataset, engine=engine, progress=progress)
    first = next(batches(dataset, rows=FIRST)).frame
    axes = axes_of(known, first)
    picks = engine.fold(dataset, PicksPlan(axes, rows + SPARE, seed), progress=progress)
    numbers, frame = _candidates(picks)
    keys = row_keys(numbers, seed=seed)
    cover = _Cover(frame, axes, picks.found, keys)
    order = cover.greedy()
    chosen = order[:rows]
    places = _filled(chosen, keys, numbers, picks, rows)
    return Slice(
        frame[places], numbers[places], cover.told(places, numbers), picks.sample.seen, len(order), len(chosen), known, picks.cut
    )  # fmt: skip


def _candidates(picks: Picks) -> tuple[NDArray[np.int64], pl.DataFrame]:
    """Return the rows that were picked or sampled, each once, in the order of the dataset."""
    numbers = [*picks.rows, *picks.sample.numbers.tolist()]
    parts = _frames(picks)
    whole = pl.concat([*parts, picks.sample.rows], rechunk=True) if picks.sample.seen else picks.sample.rows
    unique, places = np.unique(np.asarray(numbers, dtype=np.int64), return_index=True)
    return unique, whole[places]


def _frames(picks: Picks) -> list[pl.DataFrame]:
    """Return the rows that were picked, in the order of `picks.rows`, in as few frames as they stand in."""
    runs: list[tuple[pl.DataFrame, list[int]]] = []
    for frame, place in picks.rows.values():
        if not runs or runs[-1][0] is not frame:
            runs.append((frame, []))
        runs[-1][1].append(place)
    return [frame[places] for frame, places in runs]


def _filled(
    chosen: Sequence[int], keys: Keys, numbers: NDArray[np.int64], picks: Picks, rows: int
) -> NDArray[np.int64]:
    """Return the chosen places and, up to `rows`, those of the sample with the least keys, in the order of the dataset."""
    sampled = np.flatnonzero(np.isin(numbers, picks.sample.numbers))
    others = np.setdiff1d(sampled, np.asarray(chosen, dtype=np.int64))
    more = others[np.argsort(keys[others], kind="stable")][: max(rows - len(chosen), 0)]
    return np.sort(np.concatenate([np.asarray(chosen, dtype=np.int64), more]))


class _Cover:
    """Which candidate has which target, as a matrix; targets in the order of the axes."""

    def __init__(
        self, frame: pl.DataFrame, axes: Sequence[Axis], found: dict[tuple[int, Any], Found], keys: Keys
    ) -> None:
        self.axes, self.found, self.keys = axes, found, keys
        self.targets = sorted(found, key=lambda target: (target[0], -found[target].rows, str(target[1])))
        self.has = np.zeros((frame.height, len(self.targets)), dtype=bool)
        places = {target: i for i, target in enumerate(self.targets)}
        codes = codes_of(frame, axes)
        for axis in range(len(axes)):
            for row, code in enumerate(codes.get_column(str(axis)).to_list()):
                place = places.get((axis, code)) if code is not None else None
                if place is not None:
                    self.has[row, place] = True

    def greedy(self) -> list[int]:
        """Return the places of rows that together have every target, the one that adds the most weight first."""
        weights = np.array([ASPECTS[self.axes[axis].aspect].weight for axis, _ in self.targets])
        by_key = np.argsort(self.keys, kind="stable")  # among rows that add the same, chance decides, by the seed
        has = self.has[by_key]
        gain = has @ weights
        left = np.ones(len(self.targets), dtype=bool)
        order = []
        while left.any() and gain.max(initial=0.0) > 0:
            row = int(np.argmax(gain))
            new = np.flatnonzero(has[row] & left)
            left[new] = False
            gain -= has[:, new] @ weights[new]
            gain[np.abs(gain) < 1e-9] = 0.0
            order.append(int(by_key[row]))
        return order

    def told(self, places: NDArray[np.int64], numbers: NDArray[np.int64]) -> tuple[Covered, ...]:
        """Return what the rows at some places cover."""
        held = self.has[places]
        made = []
        for i, (axis, code) in enumerate(self.targets):
            rows = np.flatnonzero(held[:, i])
            first = int(numbers[places[rows[0]]]) if len(rows) else None
            one = self.axes[axis]
            made.append(Covered(one.aspect, one.columns, one.name(code), self.found[axis, code].rows, len(rows), first))
        return tuple(made)
