"""The confusion of labels with predictions: how many rows of each class were said to be of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.figures import cells, most_frequent, named
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Part, Trial
from assay.verdict import Exhibit

__all__ = ["MOST_CLASSES", "OTHERS", "confusion"]

Floats = NDArray[np.float64]

MOST_CLASSES = 25  # a matrix of more is no longer read
OTHERS = "(all others)"


def confusion(trial: Trial) -> Part:
    """Return the confusion matrix as an exhibit: label, prediction, count, and share of the label's rows.

    Counts are sums of weights where rows are weighted. Of a multilabel classification each label has its own matrix, of
    "is" and "is not"; of very many classes the rarest are one. A share is undefined where the label has no row. There is
    no exhibit where there are no predictions, or the task has no classes.
    """
    rows = trial.rows
    if rows.task not in ("binary", "multiclass", "multilabel") or rows.predictions is None:
        return Part()
    return Part(exhibits=(_of_labels(rows) if rows.task == "multilabel" else _of_classes(rows),))


def _of_classes(rows: Predictions) -> Exhibit:
    names, labels, said = _pooled(rows)
    k = len(names)
    counts = np.bincount(labels * k + said, weights=rows.weights, minlength=k * k).reshape(k, k).astype(np.float64)
    note = f"the {len(rows.classes) - k + 1} rarest classes are one" if OTHERS in names[-1:] else ""
    return _exhibit([names[i] for i in range(k) for _ in range(k)], list(names) * k, counts, note=_said(rows, note))


def _pooled(rows: Predictions) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]:
    """Return the names of the classes, the labels and the predictions; of too many classes the rarest are pooled."""
    labels, said = np.asarray(rows.labels, dtype=np.int64), np.asarray(rows.said, dtype=np.int64)
    k = len(rows.classes)
    if k <= MOST_CLASSES:
        return tuple(map(named, rows.classes)), labels, said
    kept = most_frequent(np.bincount(labels, weights=rows.weights, minlength=k), MOST_CLASSES - 1)
    place = np.full(k, MOST_CLASSES - 1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return (*(named(rows.classes[c]) for c in kept), OTHERS), place[labels], place[said]


def _of_labels(rows: Predictions) -> Exhibit:
    """Return a matrix of two by two for each label, one below the other."""
    weights, labels, said = rows.own_weights, np.asarray(rows.labels), np.asarray(rows.said)
    counts = (
        np.stack(
            [np.bincount(labels[:, c] * 2 + said[:, c], weights=weights, minlength=4) for c in range(len(rows.classes))]
        )
        .reshape(-1, 2)
        .astype(np.float64)
    )
    pairs = [(f"not {named(name)}", named(name)) for name in rows.classes]
    label = [side for pair in pairs for side in pair for _ in (0, 1)]
    prediction = [side for pair in pairs for _ in (0, 1) for side in pair]
    return _exhibit(label, prediction, counts, note=_said(rows, "each label has a matrix of its own"))


def _exhibit(label: list[str], prediction: list[str], counts: Floats, *, note: str) -> Exhibit:
    totals = counts.sum(1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
    whole = np.array_equal(counts, np.rint(counts))
    count = tuple(int(x) if whole else float(x) for x in counts.ravel().tolist())
    columns = {"label": tuple(label), "prediction": tuple(prediction), "count": count, "share": cells(shares.ravel())}
    return Exhibit("confusion", "Labels and predictions", columns, note=note)


def _said(rows: Predictions, note: str) -> str:
    weighted = "rows are counted by their weights" if rows.weights is not None else ""
    return "; ".join(part for part in (note, weighted) if part)
