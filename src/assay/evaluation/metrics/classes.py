"""Metrics of classes: functions of the confusion matrix.

A mean over classes is taken over those for which the metric is defined: a class that is never predicted has no precision, and
one without rows no recall. It is how `assay estimate` takes it before the labels arrive, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.counts import Counts, OfClasses, Tallied, f_betas, macro, precisions, recalls
from assay.evaluation.metrics.metric import SIGNED, Cells, Metric, Sums, mean_of_sums, ratio
from assay.evaluation.metrics.numbered import Numbered
from assay.evaluation.predictions import Predictions
from assay.stats.intervals import Interval, share

__all__ = ["CLASSES", "NUMBERED"]

Floats = NDArray[np.float64]
Of = Callable[[Floats], Floats]

_NO_ROWS = "there are no rows"


# Two classes ----------------------------------------------------------------------------------------------------------


def _cell(label: int, prediction: int) -> Of:
    return lambda cells: np.asarray(cells[..., label, prediction])


TP, FN, FP, TN = _cell(1, 1), _cell(1, 0), _cell(0, 1), _cell(0, 0)


def _share(part: Of, *others: Of) -> Cells:
    """Return the share of `part` in itself and the others together: a share of rows."""

    def of(cells: Floats) -> tuple[Floats, Floats]:
        return part(cells), np.asarray(sum(other(cells) for other in (part, *others)))

    return Cells(lambda cells: ratio(*of(cells)), share=of)


def _selected(cells: Floats) -> tuple[Floats, Floats]:
    return np.asarray(cells[..., 1].sum(-1)), np.asarray(cells.sum((-2, -1)))


def _f_beta(beta: float, cells: Floats) -> Floats:
    hits = (1 + beta**2) * TP(cells)
    return ratio(hits, hits + beta**2 * FN(cells) + FP(cells))


def _base_rate(rows: Predictions, confidence: float) -> Interval:
    return share(float(np.count_nonzero(rows.labels == 1)), rows.n, confidence=confidence)


# Any number of classes ------------------------------------------------------------------------------------------------


def _counts(cells: Floats) -> Counts:
    """Return the counts of [..., label, prediction]."""
    hits = np.diagonal(cells, axis1=-2, axis2=-1)
    return Counts(np.asarray(hits), np.asarray(cells.sum(-1)), np.asarray(cells.sum(-2)))


def _counts_labelwise(cells: Floats) -> Counts:
    """Return the counts of multilabel cells [..., k, 2, 2]."""
    return Counts(np.asarray(cells[..., 1, 1]), np.asarray(cells[..., 1, :].sum(-1)), np.asarray(cells[..., 1].sum(-1)))


def _weighted(of: OfClasses) -> OfClasses:
    def mean(counts: Tallied) -> Floats:
        values = of(counts)
        weights = np.where(np.isnan(values), 0.0, counts.actual)
        return ratio(np.where(np.isnan(values), 0.0, values * weights).sum(-1), weights.sum(-1))

    return mean


def _micro(of: OfClasses) -> OfClasses:
    return lambda counts: of(Counts(counts.hits.sum(-1), counts.actual.sum(-1), counts.predicted.sum(-1)))


def _of_counts(of: OfClasses, *, share: bool = False) -> Cells:
    """Return a function of each class's counts; of several classes (not labels) a `share` is that of rows predicted right."""
    return Cells(
        lambda cells: of(_counts(cells)), share=_right if share else None, labelwise=lambda cells: of(_counts_labelwise(cells))
    )  # fmt: skip


def _right(cells: Floats) -> tuple[Floats, Floats]:
    return np.asarray(np.trace(cells, axis1=-2, axis2=-1)), np.asarray(cells.sum((-2, -1)))


def _balanced(cells: Floats) -> Floats:
    found = recalls(_counts(cells))
    classes = (~np.isnan(found)).sum(-1)
    total = np.where(np.isnan(found), 0.0, found).sum(-1)
    return ratio(total, np.where(classes > 1, classes, 0).astype(np.float64))


def _mcc(cells: Floats) -> Floats:
    """Return Gorodkin's correlation of labels and predictions, as 0 and 1 for each class; of two classes it is Matthews's."""
    total = cells.sum((-2, -1))
    cells = ratio(cells, total[..., None, None])  # so that products neither overflow nor vanish
    _, actual, predicted = _counts(cells)
    if cells.shape[-1] == 2:  # the general form takes the difference of nearly equal numbers where a class is rare
        over = TP(cells) * TN(cells) - FP(cells) * FN(cells)
        under = np.sqrt(actual.prod(-1)) * np.sqrt(predicted.prod(-1))
        return np.clip(ratio(over, under), -1, 1)
    over = np.trace(cells, axis1=-2, axis2=-1) - (actual * predicted).sum(-1)
    return np.clip(ratio(over, np.sqrt(_spread(actual)) * np.sqrt(_spread(predicted))), -1, 1)


def _spread(shares: Floats) -> Floats:
    """Return Σᵢ pᵢ(1 - pᵢ): exactly 0 where all is in one class."""
    others = shares.sum(-1, keepdims=True) - shares
    return np.asarray((shares * np.maximum(others, 0.0)).sum(-1))


def _kappa(cells: Floats, *, squared: bool = False) -> Floats:
    """Return 1 - Σ d·c / Σ d·e, with d how far label and prediction are apart and e the cells if they were independent."""
    k = cells.shape[-1]
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    apart = apart**2 if squared else np.minimum(apart, 1.0)
    cells = ratio(cells, cells.sum((-2, -1))[..., None, None])
    expected = cells.sum(-1)[..., :, None] * cells.sum(-2)[..., None, :]
    return 1 - ratio((apart * cells).sum((-2, -1)), (apart * expected).sum((-2, -1)))


# The table ------------------------------------------------------------------------------------------------------------


def _of_two(title: str, of: Cells, undefined: str, formula: str, *, better: str = "higher") -> Metric:
    return Metric(
        title, ("binary",), of, undefined, formula, "Sokolova & Lapalme 2009",
        better="lower" if better == "lower" else "neither" if better == "neither" else "higher",
    )  # fmt: skip


_AVERAGES = (
    ("macro", macro, "mean over the classes for which it is defined"),
    ("weighted", _weighted, "mean over the classes for which it is defined, each weighted by its rows"),
    ("micro", _micro, "all classes pooled; of several classes (not labels) it is the accuracy"),
)


def _averages(what: str, title: str, of: OfClasses, undefined: str, formula: str) -> dict[str, Metric]:
    """Return the macro, weighted and micro average of a metric of each class."""
    return {
        f"{how}_{what}": Metric(
            f"{how} {title}", ("multiclass", "multilabel"), _of_counts(average(of), share=how == "micro"), undefined,
            f"{formula}; {words}", "Sokolova & Lapalme 2009",
        )
        for how, average, words in _AVERAGES
    }  # fmt: skip


def _f(beta: float) -> Metric:
    return Metric(
        f"F{beta:g} score", ("binary",), Cells(lambda cells: _f_beta(beta, cells)), "no row is positive, or predicted so",
        "(1 + β²)·TP / ((1 + β²)·TP + β²·FN + FP)" if beta != 1 else "2·TP / (2·TP + FN + FP)", "van Rijsbergen 1979",
    )  # fmt: skip


def _macro_f(beta: float) -> Metric:
    return _averages(
        f"f{beta:g}", f"F{beta:g}", f_betas(beta), "no class has rows, or is predicted",
        "(1 + β²)·TP / ((1 + β²)·TP + β²·FN + FP) of each class",
    )[f"macro_f{beta:g}"]  # fmt: skip


CLASSES: Mapping[str, Metric] = {
    "accuracy": Metric(
        "accuracy", ("binary", "multiclass"), Cells(lambda cells: ratio(*_right(cells)), share=_right),
        _NO_ROWS, "rows predicted as what they are / rows", "Sokolova & Lapalme 2009",
        caution="of rare classes it is high for a model that never predicts them",
    ),
    "balanced_accuracy": Metric(
        "balanced accuracy", ("binary", "multiclass"), Cells(_balanced), "it takes rows of two classes",
        "mean over the classes that have rows of TP / (TP + FN)", "Brodersen et al. 2010",
    ),
    "precision": _of_two("precision", _share(TP, FP), "no row is predicted positive", "TP / (TP + FP)"),
    "recall": _of_two("recall", _share(TP, FN), "no row is positive", "TP / (TP + FN)"),
    "specificity": _of_two("specificity", _share(TN, FP), "no row is negative", "TN / (TN + FP)"),
    "negative_predictive_value": _of_two(
        "negative predictive value", _share(TN, FN), "no row is predicted negative", "TN / (TN + FN)"
    ),
    "false_positive_rate": _of_two(
        "false positive rate", _share(FP, TN), "no row is negative", "FP / (FP + TN)", better="lower"
    ),
    "false_negative_rate": _of_two(
        "false negative rate", _share(FN, TP), "no row is positive", "FN / (FN + TP)", better="lower"
    ),
    "false_discovery_rate": _of_two(
        "false discovery rate", _share(FP, TP), "no row is predicted positive", "FP / (FP + TP)", better="lower"
    ),
    "false_omission_rate": _of_two(
        "false omission rate", _share(FN, TN), "no row is predicted negative", "FN / (FN + TN)", better="lower"
    ),
    "selection_rate": _of_two(
        "selection rate", Cells(lambda cells: ratio(*_selected(cells)), share=_selected), _NO_ROWS, "(TP + FP) / rows",
        better="neither",
    ),
    "base_rate": Metric(
        "base rate", ("binary",), Sums(lambda r: np.column_stack([r.labels == 1, np.ones(r.n)]), mean_of_sums),
        _NO_ROWS, "(TP + FN) / rows", "Sokolova & Lapalme 2009", better="neither", needs="labels", closed=_base_rate,
        method="wilson",
    ),
    "f1": _f(1.0),
    "mcc": Metric(
        "Matthews correlation coefficient", ("binary", "multiclass"), Cells(_mcc), "all labels, or all predictions, are of one class",
        "(Σᵢ cᵢᵢ·n - Σᵢ aᵢ·pᵢ) / √((n² - Σᵢ aᵢ²)(n² - Σᵢ pᵢ²)), with aᵢ the rows of class i and pᵢ those predicted as it",
        "Matthews 1975; Gorodkin 2004", span=SIGNED,
    ),
    "kappa": Metric(
        "Cohen's kappa", ("binary", "multiclass"), Cells(_kappa), "labels and predictions are all of the same class",
        "1 - (share of rows that are wrong) / (that share if predictions had nothing to do with labels)", "Cohen 1960",
        span=SIGNED,
    ),
    "quadratic_kappa": Metric(
        "quadratic weighted kappa", ("multiclass",), Cells(lambda cells: _kappa(cells, squared=True)),
        "labels and predictions are all of the same class",
        "1 - Σᵢⱼ (i - j)²·cᵢⱼ / Σᵢⱼ (i - j)²·aᵢ·pⱼ/n", "Cohen 1968", span=SIGNED,
        caution="it is about classes that have an order, and takes the one that they are named in",
    ),
    **_averages("precision", "precision", precisions, "no class is predicted", "TP / (TP + FP) of each class"),
    **_averages("recall", "recall", recalls, "no class has rows", "TP / (TP + FN) of each class"),
    **_averages("f1", "F1", f_betas(1.0), "no class has rows, or is predicted", "2·TP / (2·TP + FN + FP) of each class"),
}  # fmt: skip

NUMBERED: tuple[Numbered, ...] = (
    Numbered("f", _f, "β", (2, 0.5), open_low=True),
    Numbered("macro_f", _macro_f, "β", (2, 0.5), open_low=True),
)
