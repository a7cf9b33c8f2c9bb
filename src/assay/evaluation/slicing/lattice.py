"""All slices of one feature, and of every pair of features, from a few histograms: which of them are worst.

Thousands are looked at, of which the worst are worse by chance alone: what is found here is for other rows to judge.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappush, heappushpop, nlargest
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.slicing.axes import Axis
from assay.evaluation.slicing.sample import Run, Sample, gap

__all__ = ["Candidate", "candidates", "chosen"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

MOST = 10  # slices that the other half is asked about, and the parents of pairs among them
PER_AXES = 3  # of the many runs of one feature, or of one pair of features, that overlap
LEAST = 2.0  # standard errors that a slice must be worse by, to be looked at again
BEYOND_PARENT = 3.0  # standard errors that a pair must be worse by than either of its two alone
ALONE = 2.0  # standard errors that a slice must be worse by without the rows of those before it


@dataclass(frozen=True, slots=True)
class Candidate:
    """A slice that the search came upon: its runs, how many rows it has there, and how far worse, in standard errors."""

    runs: tuple[Run, ...]
    rows: int
    worse: float


def candidates(sample: Sample, *, rows_at_least: int, depth: int = 2, most: int = 200) -> list[Candidate]:
    """Return the worst slices of one feature, and of pairs, that have enough rows, worst first.

    A slice has at most half of all rows, or nine tenths where it is of single values: most rows may be men, but that hours
    from 7 on are worse says that those before are better.

    The measure is z = (S - n·m) / (s·√(n(1 - n/N))), with S the sum of losses of a slice's n rows, and m and s the mean and
    standard deviation of the losses of all N: what Welch's would be if losses were spread alike. A pair must also stand out
    from both of its runs. Sums of all runs come from one histogram of a pair of features, by products with the runs'
    members. A pair of features is passed over where no slice of it can be worse than the `most` found: the excess E of a
    slice is at most the sum of the positive excesses of either run, and at most n times the greatest, so that
    z ≤ √(E · greatest) / (s·√(1 - n/N)).
    Source: after SliceLine, Sagadeeva & Boehm 2021.
    """
    lattice = _Lattice(sample, rows_at_least)
    found = [one for i in range(len(sample.axes)) for one in lattice.of_axis(i)]
    if depth > 1:
        worst = nlargest(most, (one.worse for one in found))
        heapify(worst)  # the floor on top: what a pair has to be worse than
        for i, j in combinations(range(len(sample.axes)), 2):
            for one in lattice.of_pair(i, j, worst[0] if len(worst) >= most else LEAST):
                found.append(one)
                (heappushpop if len(worst) >= most else heappush)(worst, one.worse)
    return nlargest(most, found, key=lambda one: one.worse)


class _Lattice:
    """The sums over all runs of each axis of a sample, from which those of pairs follow."""

    def __init__(self, sample: Sample, rows_at_least: int) -> None:
        self.sample, self.rows_at_least = sample, rows_at_least
        weights = sample.weights
        if weights is None:
            self.mean, scale = float(sample.losses.mean()) if sample.n else 0.0, 1.0
            self.excess = sample.losses - self.mean
        else:
            self.mean, scale = float(np.average(sample.losses, weights=weights)), float(weights.mean())
            self.excess = (sample.losses - self.mean) * weights / scale
        self.std = float(np.sqrt((self.excess**2).mean())) if sample.n else 0.0
        self.greatest = float(self.excess.max(initial=0.0))
        self.members = [axis.members for axis in sample.axes]
        self.most = [_most(axis) for axis in sample.axes]
        above = np.maximum(self.excess, 0.0)
        sums = [self._sums(axis.codes, axis.places, above) for axis in sample.axes]
        self.rows = [members @ counts for members, (counts, _, _) in zip(self.members, sums, strict=True)]
        self.total = [members @ excess for members, (_, excess, _) in zip(self.members, sums, strict=True)]
        self.above = [members @ most for members, (_, _, most) in zip(self.members, sums, strict=True)]

    def _sums(self, codes: NDArray[np.int16] | Codes, places: int, above: Floats | None = None) -> tuple[Floats, ...]:
        weights = (None, self.excess) if above is None else (None, self.excess, above)
        return tuple(np.bincount(codes, weights=w, minlength=places).astype(np.float64) for w in weights)

    def worse(self, rows: Floats, total: Floats, most: Floats) -> Floats:
        """Return z of slices of so many rows, whose losses exceed the mean by so much in all; -inf where too few, or most."""
        n = self.sample.n
        spread = self.std * np.sqrt(np.maximum(rows * (1 - rows / max(n, 1)), 0.0))
        is_part = (rows >= self.rows_at_least) & (rows <= most * n) & (spread > 0)
        return np.asarray(np.divide(total, spread, out=np.full(rows.shape, -np.inf), where=is_part))

    def of_axis(self, i: int) -> Iterator[Candidate]:
        worse = self.worse(self.rows[i], self.total[i], self.most[i])
        runs = self.sample.axes[i].runs
        for _ in range(PER_AXES):
            best = int(worse.argmax()) if len(worse) else 0
            if not len(worse) or worse[best] < LEAST:
                return
            yield Candidate(((i, best),), int(self.rows[i][best]), float(worse[best]))
            worse = np.where(_touch(runs, best), -np.inf, worse)

    def of_pair(self, i: int, j: int, floor: float) -> Iterator[Candidate]:
        first, second = self.sample.axes[i], self.sample.axes[j]
        if first.title == second.title or self._bound(i, j) < floor:
            return
        codes = first.codes.astype(np.int64) * second.places + second.codes
        counts, excess = (
            x.reshape(first.places, second.places) for x in self._sums(codes, first.places * second.places)
        )
        rows, total = (self.members[i] @ x @ self.members[j].T for x in (counts, excess))
        worse = self.worse(rows, total, np.minimum(self.most[i][:, None], self.most[j]))
        for parent_rows, parent in ((self.rows[i][:, None], self.total[i][:, None]), (self.rows[j], self.total[j])):
            worse = np.where(self._beyond(rows, total, parent_rows, parent) >= BEYOND_PARENT, worse, -np.inf)
        for _ in range(PER_AXES):
            a, b = divmod(int(worse.argmax()), worse.shape[1])
            if worse[a, b] < max(floor, LEAST):
                return
            yield Candidate(((i, a), (j, b)), int(rows[a, b]), float(worse[a, b]))
            worse = np.where(_touch(first.runs, a)[:, None] & _touch(second.runs, b), -np.inf, worse)

    def _beyond(self, rows: Floats, total: Floats, parent_rows: Floats, parent: Floats) -> Floats:
        """Return how far slices are worse than the slice that they are a part of, in standard errors."""
        share = np.divide(rows, parent_rows, out=np.ones(rows.shape), where=parent_rows > 0)
        spread = self.std * np.sqrt(np.maximum(rows * (1 - share), 0.0))
        return np.asarray(np.divide(total - share * parent, spread, out=np.zeros(rows.shape), where=spread > 0))

    def _bound(self, i: int, j: int) -> float:
        """Return what no slice of a pair of axes can be worse than."""
        if not self.std:
            return -math.inf
        most = min(float(self.above[axis].max(initial=0.0)) for axis in (i, j))
        share = min(float(self.rows[axis].max(initial=0.0)) for axis in (i, j)) / max(self.sample.n, 1)
        return math.sqrt(most * self.greatest / max(1 - share, 1e-9)) / self.std


def _most(axis: Axis) -> Floats:
    """Return the greatest share of all rows that each run may have."""
    is_value = (axis.runs[:, 1] - axis.runs[:, 0] == 1) & (axis.kind != "bins")
    return np.where(is_value, 0.9, 0.5)


def _touch(runs: NDArray[np.int64], one: int) -> Mask:
    """Return which runs share a place with one of them."""
    return np.asarray((runs[:, 0] < runs[one, 1]) & (runs[:, 1] > runs[one, 0]))


def chosen(sample: Sample, found: Sequence[Candidate], *, rows_at_least: int, most: int = MOST) -> list[Candidate]:
    """Return the candidates that say something of their own, and the runs that a pair among them is made of.

    Worst first, each must still be worse on the rows that those before it leave, and have half of its rows there.
    """
    left = np.ones(sample.n, dtype=bool)
    kept: list[Candidate] = []
    for one in found:
        mask = sample.mask(one.runs)
        alone = mask & left
        own = int(alone.sum())
        if own < max(rows_at_least, mask.sum() / 2) or gap(sample, alone, left).worse < ALONE:
            continue
        kept.append(one)
        left &= ~mask
        if len(kept) == most:
            break
    known = {one.runs for one in kept}
    parents = dict.fromkeys(run for one in kept if len(one.runs) > 1 for run in one.runs)
    beside = [_single(sample, run) for run in parents if (run,) not in known]
    return kept + [one for one in beside if one.rows <= _greatest(sample, one) * sample.n]


def _greatest(sample: Sample, one: Candidate) -> float:
    return min(float(_most(sample.axes[axis])[run]) for axis, run in one.runs)


def _single(sample: Sample, run: Run) -> Candidate:
    mask = sample.mask((run,))
    return Candidate((run,), int(mask.sum()), gap(sample, mask).worse)
