"""Two samples side by side: how many values of each lie at the same places.

Every comparison and distance is a function of a `Pair`. A place is one value, so that nothing is lost, or one bin of two
histograms on the same edges: the same function serves both, and says of bins what it can be wrong by.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.profiles.sketches import Histogram

__all__ = ["Pair", "of_categories", "of_histograms", "of_samples"]

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """Counts of the reference and of the current data at the same k places.

    On a scale the places rise, and `low` and `high` are the ends of each: equal where a place is one value, the first
    `low` and the last `high` infinite where they are not known. Of categories both are None and `labels` names them.
    Missing values are in neither.

    >>> pair = of_samples([1.0, 2.0, 2.0], [2.0, 3.0])
    >>> pair.reference.tolist(), pair.current.tolist(), pair.low.tolist()
    ([1, 2, 0], [0, 1, 1], [1.0, 2.0, 3.0])
    """

    reference: Counts
    current: Counts
    low: Floats | None = None
    high: Floats | None = None
    labels: tuple[Hashable, ...] = ()

    def __post_init__(self) -> None:
        if self.reference.shape != self.current.shape or self.reference.ndim != 1:
            raise ValueError(
                f"the counts have the shapes {self.reference.shape} and {self.current.shape}; one each place"
            )

    @property
    def n_reference(self) -> int:
        """Return how many values the reference has."""
        return int(self.reference.sum())

    @property
    def n(self) -> int:
        """Return how many values the current data has."""
        return int(self.current.sum())

    @property
    def is_scale(self) -> bool:
        """Return whether the places have an order and a position."""
        return self.low is not None

    @property
    def is_exact(self) -> bool:
        """Return whether each place is one value, so that nothing was lost by counting."""
        return self.low is None or self.high is None or bool(np.array_equal(self.low, self.high))

    @property
    def shares(self) -> tuple[Floats, Floats]:
        """Return the share of each place in the reference and in the current data; both must have values."""
        return self.reference / self.n_reference, self.current / self.n

    @property
    def swapped(self) -> Pair:
        """Return the same with the two samples in each other's place."""
        return Pair(self.current, self.reference, self.low, self.high, self.labels)


def of_samples(reference: Any, current: Any) -> Pair:
    """Return the pair of two samples of numbers, each distinct value a place; NaN is missing and left out."""
    sides = [np.asarray(side, dtype=np.float64).ravel() for side in (reference, current)]
    sides = [side[~np.isnan(side)] for side in sides]
    places = np.unique(np.concatenate(sides))
    counts = [np.bincount(np.searchsorted(places, side), minlength=len(places)).astype(np.int64) for side in sides]
    return Pair(counts[0], counts[1], places, places)


def of_categories(reference: Mapping[Any, int], current: Mapping[Any, int]) -> Pair:
    """Return the pair of two counts of categories, those of the reference first, in its order."""
    labels = tuple(dict.fromkeys((*reference, *current)))
    counts = [np.array([side.get(label, 0) for label in labels], dtype=np.int64) for side in (reference, current)]
    return Pair(counts[0], counts[1], labels=labels)


def of_histograms(reference: Histogram, current: Histogram, *, ends: tuple[float, float] = (-np.inf, np.inf)) -> Pair:
    """Return the pair of two histograms on the same edges; `ends` are the least and greatest value of both samples.

    What lies below the first and above the last edge are places of their own, left out where neither sample has any.
    Raises ValueError where the edges differ.
    """
    if not np.array_equal(reference.edges, current.edges):
        raise ValueError("the histograms stand on different edges")
    edges = np.asarray(reference.edges, dtype=np.float64)
    inner = edges if len(edges) == 1 else edges[:-1]
    low = np.concatenate([[min(ends[0], edges[0])], inner, [edges[-1]]])
    high = np.concatenate([[edges[0]], edges[1:] if len(edges) > 1 else edges, [max(ends[1], edges[-1])]])
    sides = [
        np.concatenate([[side.below], side.counts, [side.above]]).astype(np.int64) for side in (reference, current)
    ]
    kept = np.ones(len(low), dtype=bool)
    kept[[0, -1]] = [sides[0][place] + sides[1][place] > 0 for place in (0, -1)]
    return Pair(sides[0][kept], sides[1][kept], low[kept], high[kept])
