"""Precision, recall and F of each class, by the rows of the class: of labels they are counts, of probabilities what is expected.

Each is one formula for both tables of metrics: of labels that are there (`assay.evaluation.metrics`), and of labels still to come
(`assay.evaluation.estimation.tally`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.metric import ratio

__all__ = ["Counts", "OfClasses", "Tallied", "f_betas", "macro", "precisions", "recalls"]

Floats = NDArray[np.float64]
C = TypeVar("C")


class Tallied(Protocol):
    """Rows (their weight, or how many are expected) of each class, [..., k]: predicted as it and of it, of it, predicted as it."""

    @property
    def hits(self) -> Floats: ...
    @property
    def actual(self) -> Floats: ...
    @property
    def predicted(self) -> Floats: ...


class Counts(NamedTuple):
    """What `Tallied` says, of labels that are there."""

    hits: Floats
    actual: Floats
    predicted: Floats


OfClasses = Callable[[Tallied], Floats]


def precisions(counts: Tallied) -> Floats:
    """Return TP / (TP + FP) of each class, [..., k]; NaN for a class that is never predicted.

    >>> precisions(Counts(np.array([1.0, 3.0]), np.array([2.0, 4.0]), np.array([2.0, 4.0]))).tolist()
    [0.5, 0.75]
    """
    return ratio(counts.hits, counts.predicted)


def recalls(counts: Tallied) -> Floats:
    """Return TP / (TP + FN) of each class, [..., k]; NaN for a class that no row is of.

    >>> recalls(Counts(np.array([1.0, 3.0]), np.array([2.0, 4.0]), np.array([1.0, 5.0]))).tolist()
    [0.5, 0.75]
    """
    return ratio(counts.hits, counts.actual)


def f_betas(beta: float) -> OfClasses:
    """Return (1 + β²)·TP / ((1 + β²)·TP + β²·FN + FP) as a function of each class's counts; NaN where all three are 0.

    >>> f_betas(1.0)(Counts(np.array([1.0, 3.0]), np.array([2.0, 4.0]), np.array([1.0, 5.0]))).round(3).tolist()
    [0.667, 0.667]
    """
    return lambda counts: ratio((1 + beta**2) * counts.hits, beta**2 * counts.actual + counts.predicted)


def macro(of: Callable[[C], Floats]) -> Callable[[C], Floats]:
    """Return the mean of what `of` gives over the classes for which it is defined; NaN where it is for none."""

    def mean(counts: C) -> Floats:
        values = of(counts)
        defined = ~np.isnan(values)
        return ratio(np.where(defined, values, 0.0).sum(-1), np.asarray(defined.sum(-1), dtype=np.float64))

    return mean
