"""Metrics that are the mean of one number for each row, or the share of the rows of which something is true."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.metric import Sums, mean_of_sums
from assay.evaluation.predictions import Predictions
from assay.stats import intervals
from assay.stats.intervals import Interval

__all__ = ["counted", "mean_of", "share_of", "wilson_of"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def mean_of(number: Callable[[Predictions], Floats]) -> Sums:
    """Return the weighted mean of a number for each row as sums: NaN where it is NaN of any row."""
    return Sums(lambda rows: np.column_stack([number(rows), np.ones(rows.n)]), mean_of_sums)


def share_of(is_so: Callable[[Predictions], Bools]) -> Sums:
    """Return the weighted share of the rows of which something is true as sums."""
    return mean_of(lambda rows: is_so(rows).astype(np.float64))


def wilson_of(is_so: Callable[[Predictions], Bools]) -> Callable[[Predictions, float], Interval]:
    """Return what gives Wilson's interval of that share."""

    def closed(rows: Predictions, confidence: float) -> Interval:
        return intervals.share(float(np.count_nonzero(is_so(rows))), rows.n, confidence=confidence)

    return closed


def counted(wrong: Bools, says: str) -> str:
    """Return how many rows something is true of, and what it is; empty where it is true of none.

    >>> counted(np.array([True, False, True]), "labels are 0")
    '2 of 3 labels are 0'
    """
    count = int(np.count_nonzero(wrong))
    return f"{count:,} of {len(wrong):,} {says}" if count else ""
