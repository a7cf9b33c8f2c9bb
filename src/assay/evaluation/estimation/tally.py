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

from assay.evaluation.metrics.counts import f_betas, macro, precisions, recalls
from assay.evaluation.metrics.metric import ratio
from assay.evaluation.metrics.table import METRICS

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


def _accuracy(tally: Tally) -> Floats:
    return ratio(tally.hits.sum(-1), np.asarray(tally.n, dtype=np.float64))


def _aucs(tally: Tally) -> Floats:
    """Return the expected concordance: Σᵢ≠ⱼ pᵢ(1 - pⱼ)·φᵢⱼ / Σᵢ≠ⱼ pᵢ(1 - pⱼ), φ = 1 where i scores above j, ½ where equal.

    As φᵢⱼ + φⱼᵢ = 1, the pairs' products sum to ((Σp)² - Σp²)/2, and only the ranks need a sort. With labels as p it is
    Mann and Whitney's statistic over the number of pairs.
    """
    p = tally.actual
    pairs = (tally.n - 1) * p - p * p + tally.squares
    return ratio(tally.rank_sum - (p * p - tally.squares) / 2, np.where(pairs > 1e-9, pairs, 0.0))


def _positive(of_classes: Callable[[Tally], Floats]) -> Callable[[Tally], Floats]:
    return lambda tally: of_classes(tally)[..., -1]


# A second table beside that of `assay.evaluation.metrics`, with its names and, of labels that are there, its numbers. That one
# goes from a confusion matrix or a curve of counts to the value; of labels still to come there are neither, so this one holds what
# follows from sums that are linear in the label. Precision, recall and F are the same functions in both. The area under the
# curve is not: the expected one pairs each row with all others, never with itself, which takes the squares of probabilities.
def _of(name: str, value: Callable[[Tally], Floats], *, needs: Literal["prediction", "score"] = "prediction") -> Metric:
    return Metric(value, METRICS[name].undefined, needs)


BINARY: dict[str, Metric] = {
    "auc": _of("auc", _positive(_aucs), needs="score"),
    "accuracy": _of("accuracy", _accuracy),
    "precision": _of("precision", _positive(precisions)),
    "recall": _of("recall", _positive(recalls)),
    "f1": _of("f1", _positive(f_betas(1.0))),
}
MULTICLASS: dict[str, Metric] = {
    "macro_auc": _of("macro_auc", macro(_aucs), needs="score"),
    "accuracy": _of("accuracy", _accuracy),
    "macro_precision": _of("macro_precision", macro(precisions)),
    "macro_recall": _of("macro_recall", macro(recalls)),
    "macro_f1": _of("macro_f1", macro(f_betas(1.0))),
}
