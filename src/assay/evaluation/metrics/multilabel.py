"""Metrics of rows that have several labels, or none: sums over rows, and the cells of each label."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.metric import Cells, Metric, Sums, mean_of_sums, ratio
from assay.evaluation.predictions import Predictions
from assay.stats.intervals import Interval, share

__all__ = ["MULTILABEL"]

Floats = NDArray[np.float64]


def _of_rows(over: Floats, under: Floats) -> Floats:
    """Return over / under of each row with a mark where it is defined: its mean is over these rows."""
    defined = under > 0
    return np.column_stack([np.divide(over, under, out=np.zeros(len(over)), where=defined), defined])


def _sizes(rows: Predictions) -> tuple[Floats, Floats, Floats]:
    """Return for each row how many labels it has that are predicted, how many it has, and how many are predicted."""
    said = rows.said
    both = (rows.labels * said).sum(1, dtype=np.float64)
    return both, rows.labels.sum(1, dtype=np.float64), said.sum(1, dtype=np.float64)


def _precisions(rows: Predictions) -> Floats:
    both, _, predicted = _sizes(rows)
    return _of_rows(both, predicted)


def _recalls(rows: Predictions) -> Floats:
    both, actual, _ = _sizes(rows)
    return _of_rows(both, actual)


def _f1s(rows: Predictions) -> Floats:
    both, actual, predicted = _sizes(rows)
    return _of_rows(2 * both, actual + predicted)


def _jaccards(rows: Predictions) -> Floats:
    both, actual, predicted = _sizes(rows)
    return _of_rows(both, actual + predicted - both)


def _same(rows: Predictions) -> Floats:
    return np.column_stack([(rows.labels == rows.said).all(1), np.ones(rows.n)])


def _same_interval(rows: Predictions, confidence: float) -> Interval:
    return share(float(_same(rows)[:, 0].sum()), rows.n, confidence=confidence)


def _wrong(cells: Floats) -> Floats:
    return ratio((cells[..., 0, 1] + cells[..., 1, 0]).sum(-1), cells.sum((-3, -2, -1)))


def _ranking_precisions(rows: Predictions) -> Floats:
    """Return for each row the mean over its labels of the share of labels, among those scored as high or higher, that it has."""
    if rows.scores is None:
        raise ValueError("there are no scores")
    had = rows.labels == 1
    total = np.zeros(rows.n)
    for c in range(had.shape[1]):
        as_high = rows.scores >= rows.scores[:, c : c + 1]
        total += np.where(had[:, c], (as_high & had).sum(1) / as_high.sum(1), 0.0)
    return _of_rows(total, had.sum(1, dtype=np.float64))


MULTILABEL: Mapping[str, Metric] = {
    "subset_accuracy": Metric(
        "subset accuracy", ("multilabel",), Sums(_same, mean_of_sums), "there are no rows",
        "rows whose labels are all predicted right / rows",
        "Tsoumakas & Katakis 2007", closed=_same_interval, method="wilson",
    ),
    "hamming_loss": Metric(
        "Hamming loss", ("multilabel",), Cells(_wrong), "there are no rows", "(FP + FN of all labels) / (rows × labels)",
        "Schapire & Singer 2000", better="lower",
    ),
    "jaccard": Metric(
        "Jaccard index", ("multilabel",), Sums(_jaccards, mean_of_sums), "no row has a label, or one predicted",
        "mean over rows of |labels ∩ predicted| / |labels ∪ predicted|; rows without either are left out", "Jaccard 1901",
    ),
    "samples_precision": Metric(
        "precision of rows", ("multilabel",), Sums(_precisions, mean_of_sums), "no row has a label predicted",
        "mean over rows of |labels ∩ predicted| / |predicted|; rows without a predicted label are left out", "Godbole & Sarawagi 2004",
    ),
    "samples_recall": Metric(
        "recall of rows", ("multilabel",), Sums(_recalls, mean_of_sums), "no row has a label",
        "mean over rows of |labels ∩ predicted| / |labels|; rows without a label are left out", "Godbole & Sarawagi 2004",
    ),
    "samples_f1": Metric(
        "F1 of rows", ("multilabel",), Sums(_f1s, mean_of_sums), "no row has a label, or one predicted",
        "mean over rows of 2·|labels ∩ predicted| / (|labels| + |predicted|); rows without either are left out",
        "Godbole & Sarawagi 2004",
    ),
    "label_ranking_precision": Metric(
        "label ranking average precision", ("multilabel",), Sums(_ranking_precisions, mean_of_sums), "no row has a label",
        "mean over rows, and over the labels that a row has, of the share of labels, among those scored as high or higher, that it has; "
        "rows without a label are left out",
        "Schapire & Singer 2000", needs="scores",
    ),
}  # fmt: skip
