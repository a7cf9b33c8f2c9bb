"""Metrics of classes from a few sums over rows: of labels they are realised, of probabilities they are expected.

One formula serves both, since every sum is linear in the label (0 or 1) or in its probability; draws of the sums give the
distribution of the metric that labels still to come will have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINARY", "MULTICLASS", "Metric", "Tally", "midranks", "of_labels", "of_probabilities", "ranks"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over n rows for each of k classes, on the last axis; draws of them stand on an axis before it.

    `hits` is the rows of the class that were also predicted as it, `actual` the rows of the class, `predicted` the rows
    predicted as it. With r the midrank of a row's score among all rows, `rank_sum` is Σ y·(r - 1) over the labels y of
    the class, and `squares` Σ y²: that is `actual` where y is 0 or 1, and less where it is a probability.
    """

    n: int
    hits: Floats
    actual: Floats
    predicted: Floats
    rank_sum: Floats
    squares: Floats


def of_probabilities(p: Floats, *, predictions: Codes | None, ranks: Floats) -> Tally:
    """Return the expected tally of rows whose labels have the probabilities p, n by k; or the tally of labels as 0 and 1."""
    n, k = p.shape
    hits: Floats = np.zeros(k)
    predicted: Floats = np.zeros(k)
    if predictions is not None:
        hits = np.asarray(np.bincount(predictions, weights=p[np.arange(n), predictions], minlength=k), dtype=np.float64)
        predicted = np.asarray(np.bincount(predictions, minlength=k), dtype=np.float64)
    rank_sum = np.einsum("nk,nk->k", p, ranks - 1)
    return Tally(n, hits, p.sum(0), predicted, rank_sum, np.einsum("nk,nk->k", p, p))


def of_labels(labels: Codes, *, predictions: Codes | None, ranks: Floats) -> Tally:
    """Return the tally of labelled rows."""
    return of_probabilities(
        (labels[:, None] == np.arange(ranks.shape[1])).astype(np.float64), predictions=predictions, ranks=ranks
    )


def ranks(scores: Floats) -> Floats:
    """Return the midranks of each class's scores, n by k: 1 is the lowest, equal scores share the mean of their ranks."""
    if scores.shape[1] == 2 and np.array_equal(scores[:, 0], 1 - scores[:, 1]):
        of_positive = midranks(scores[:, 1])
        return np.column_stack([len(scores) + 1 - of_positive, of_positive])
    return np.column_stack([midranks(column) for column in scores.T])


def midranks(values: Floats) -> Floats:
    """Return the rank of each value from 1, ties at the mean of their ranks.

    >>> midranks(np.array([0.2, 0.7, 0.2])).tolist()
    [1.5, 3.0, 1.5]
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(values) else np.zeros(0, int)
    sizes = np.diff(np.concatenate([first, [len(values)]]))
    result = np.empty(len(values))
    result[order] = np.repeat(first + (sizes + 1) / 2, sizes)
    return result


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of classes: a function of a tally, NaN where undefined, the sentence that then says why.

    `better` says which way it gets better; `needs` is the column without which it cannot be had.
    """

    value: Callable[[Tally], Floats]
    undefined: str
    needs: Literal["prediction", "score"] = "prediction"
    better: Literal["higher", "lower"] = "higher"


def _ratio(over: Floats, under: Floats) -> Floats:
    undefined = np.full(np.broadcast_shapes(np.shape(over), np.shape(under)), np.nan)
    return np.asarray(np.divide(over, under, out=undefined, where=under > 0))


def _accuracy(tally: Tally) -> Floats:
    return _ratio(tally.hits.sum(-1), np.float64(tally.n))  # type: ignore[arg-type]


def _precisions(tally: Tally) -> Floats:
    return _ratio(tally.hits, tally.predicted)


def _recalls(tally: Tally) -> Floats:
    return _ratio(tally.hits, tally.actual)


def _f1s(tally: Tally) -> Floats:
    return _ratio(2 * tally.hits, tally.predicted + tally.actual)


def _aucs(tally: Tally) -> Floats:
    """Return the expected concordance: Σᵢ≠ⱼ pᵢ(1 - pⱼ)·φᵢⱼ / Σᵢ≠ⱼ pᵢ(1 - pⱼ), φ = 1 where i scores above j, ½ where equal.

    As φᵢⱼ + φⱼᵢ = 1, the pairs' products sum to ((Σp)² - Σp²)/2, and only the ranks need a sort. With labels as p it is
    Mann and Whitney's statistic over the number of pairs.
    """
    p = tally.actual
    pairs = (tally.n - 1) * p - p * p + tally.squares
    return _ratio(tally.rank_sum - (p * p - tally.squares) / 2, np.where(pairs > 1e-9, pairs, 0.0))


def _positive(of_classes: Callable[[Tally], Floats]) -> Callable[[Tally], Floats]:
    return lambda tally: of_classes(tally)[..., -1]


def _macro(of_classes: Callable[[Tally], Floats]) -> Callable[[Tally], Floats]:
    """Return the mean over the classes for which the metric is defined."""

    def mean(tally: Tally) -> Floats:
        values = of_classes(tally)
        defined = ~np.isnan(values)
        return _ratio(np.where(defined, values, 0.0).sum(-1), defined.sum(-1))

    return mean


_NO_ROWS = "there are no rows"
BINARY: dict[str, Metric] = {
    "auc": Metric(_positive(_aucs), "it takes rows of both classes", needs="score"),
    "accuracy": Metric(_accuracy, _NO_ROWS),
    "precision": Metric(_positive(_precisions), "no row is predicted positive"),
    "recall": Metric(_positive(_recalls), "no row is positive"),
    "f1": Metric(_positive(_f1s), "no row is positive, or predicted so"),
}
MULTICLASS: dict[str, Metric] = {
    "macro_auc": Metric(_macro(_aucs), "it takes rows of two classes", needs="score"),
    "accuracy": Metric(_accuracy, _NO_ROWS),
    "macro_precision": Metric(_macro(_precisions), _NO_ROWS),
    "macro_recall": Metric(_macro(_recalls), _NO_ROWS),
    "macro_f1": Metric(_macro(_f1s), _NO_ROWS),
}
