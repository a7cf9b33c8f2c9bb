"""Metrics of scores: how those of a class lie beside those of the other rows, and how good they are as probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.forms import of_class, places_of
from assay.evaluation.metrics.metric import NON_NEGATIVE, SIGNED, Curves, Form, Metric, Span, Sums, mean_of_sums, ratio
from assay.evaluation.metrics.numbered import Numbered
from assay.evaluation.metrics.thresholds import selected
from assay.evaluation.predictions import Predictions
from assay.stats import delong
from assay.stats.intervals import Interval, share
from assay.stats.resampling import as_one

__all__ = ["LEAST", "NUMBERED", "SCORES"]

Floats = NDArray[np.float64]

LEAST = 2.0**-52  # a label that was given less probability is taken as given this much: 36 nats
_BOTH = "it takes rows of both classes"
_SOME = "it takes rows of a class, and rows of others"


# Ranks ----------------------------------------------------------------------------------------------------------------


def _auc(form: Form) -> Floats:
    outside = form.outside.sum(-1)
    below = np.cumsum(form.outside, axis=-1) - form.outside / 2
    return np.minimum(ratio(ratio((form.inside * below).sum(-1), form.inside.sum(-1)), outside), 1.0)


def _delong(rows: Predictions, confidence: float) -> Interval:
    score, inside = of_class(rows, len(rows.classes) - 1)
    found = delong.area_of(score, inside, weights=rows.weights, entities=rows.entity)
    return delong.interval(found, confidence=confidence)


def _delong_of_gini(rows: Predictions, confidence: float) -> Interval:
    low, high = _delong(rows, confidence)
    return Interval(2 * low - 1, 2 * high - 1)


def _ks(form: Form) -> Floats:
    inside, outside = (np.cumsum(side, axis=-1) for side in (form.inside, form.outside))
    apart = np.abs(ratio(inside, inside[..., -1:]) - ratio(outside, outside[..., -1:]))
    return np.asarray(np.minimum(apart.max(-1), 1.0))


def _kolmogorov(rows: Predictions, confidence: float) -> Interval:
    """Return D ± √(ln(2/(1 - c))/2)·√(1/m + 1/n), m and n being the rows (Kish's number of them) of either class.

    It is the band in which both distribution functions lie together, by the first term of Kolmogorov's law. Rows of one
    entity, or block of time, count as one with their weights.
    """
    inside = of_class(rows, 1)[1]
    weights = np.ones(rows.n) if rows.weights is None else rows.weights / rows.weights.max()
    codes = rows.entity if rows.entity is not None else rows.block
    codes = np.arange(rows.n) if codes is None else codes
    sides = [np.bincount(codes[side], weights=weights[side]) for side in (inside, ~inside)]
    sizes = [float(side.sum()) ** 2 / float((side**2).sum()) for side in sides]
    places = places_of(rows, 1)
    apart = float(_ks(places.form(places.sums(as_one(rows.n), weights)[0])))
    half = math.sqrt(math.log(2 / (1 - confidence)) / 2 * (1 / sizes[0] + 1 / sizes[1]))
    return Interval(max(apart - half, 0.0), min(apart + half, 1.0))


def _average_precision(form: Form) -> Floats:
    at = selected(form)
    precision = np.where(at.rows > 0, ratio(at.hits, at.rows), 0.0)
    return np.minimum(ratio((form.inside[..., ::-1] * precision).sum(-1), at.hits[..., -1]), 1.0)


# Probabilities --------------------------------------------------------------------------------------------------------


def _given(rows: Predictions) -> Floats:
    """Return the probability that each label was given: n floats, of multilabel n by k."""
    if rows.task == "binary":
        return np.where(rows.labels == 1, rows.positive, 1 - rows.positive)
    if rows.task == "multilabel":
        return np.where(rows.labels == 1, rows.given_scores, 1 - rows.given_scores)
    return np.asarray(rows.given_scores[np.arange(rows.n), np.asarray(rows.labels, dtype=np.int64)])


def _log_losses(rows: Predictions) -> Floats:
    losses = -np.log(np.clip(_given(rows), LEAST, 1.0)) + 0.0  # no -0.0
    return np.column_stack([losses.mean(1) if losses.ndim > 1 else losses, np.ones(rows.n)])


def _squares(rows: Predictions) -> Floats:
    """Return the squared distance of each row's probabilities from its label; of several labels their mean."""
    if rows.task == "binary":
        return np.asarray((1 - _given(rows)) ** 2)
    if rows.task == "multilabel":
        return np.asarray(((1 - _given(rows)) ** 2).mean(1))
    scores = rows.given_scores
    return np.asarray((scores**2).sum(1) + 1 - 2 * _given(rows))


def _skill(s: Floats) -> Floats:
    """Return 1 - mean squared error / that of the base rate, from sums of squares, positives and negatives."""
    positives, negatives = s[..., 1], s[..., 2]
    rows = positives + negatives
    return 1 - ratio(ratio(s[..., 0], rows), ratio(positives, rows) * ratio(negatives, rows))


def _in_top(k: int) -> Callable[[Predictions], Floats]:
    """Return for each row how likely its label is among the k classes of the highest scores, ties broken at random."""

    def rows_of(rows: Predictions) -> Floats:
        own = _given(rows)[:, None]
        above, equal = (rows.given_scores > own).sum(1), (rows.given_scores == own).sum(1)
        return np.column_stack([np.clip((k - above) / equal, 0.0, 1.0), np.ones(rows.n)])

    return rows_of


# The table ------------------------------------------------------------------------------------------------------------

_STEPS = "Σₖ (Rₖ - Rₖ₋₁)·Pₖ over the thresholds k, from the highest score down, with Rₖ recall and Pₖ precision at k"
_CLASSES = "each class against the others; mean over the classes for which it is defined"

SCORES: Mapping[str, Metric] = {
    "auc": Metric(
        "area under the ROC curve", ("binary",), Curves(_auc), _BOTH,
        "P(score of a positive > score of a negative) + P(equal) / 2", "Hanley & McNeil 1982", needs="scores", closed=_delong,
        method="delong",
    ),
    "macro_auc": Metric(
        "macro area under the ROC curve", ("multiclass", "multilabel"), Curves(_auc), _SOME,
        f"auc of {_CLASSES}", "Fawcett 2006", needs="scores",
    ),
    "weighted_auc": Metric(
        "weighted area under the ROC curve", ("multiclass", "multilabel"), Curves(_auc, average="weighted"), _SOME,
        f"auc of {_CLASSES}, each weighted by its rows", "Provost & Domingos 2003", needs="scores",
    ),
    "gini": Metric(
        "Gini coefficient", ("binary",), Curves(lambda form: 2 * _auc(form) - 1), _BOTH, "2·auc - 1", "Somers 1962", needs="scores",
        span=SIGNED, closed=_delong_of_gini, method="delong",
    ),
    "ks": Metric(
        "Kolmogorov-Smirnov statistic", ("binary",), Curves(_ks), _BOTH,
        "greatest distance between the shares of positives and of negatives with at most a score", "Smirnov 1939", needs="scores",
        closed=_kolmogorov, method="kolmogorov", centred=True,
        caution="it is as high where low scores tell positives as where high ones do",
    ),
    "pr_auc": Metric(
        "average precision", ("binary",), Curves(_average_precision), "no row is positive", _STEPS, "Davis & Goadrich 2006",
        needs="scores", caution="without skill it is the base rate: it can't be compared between data whose base rates differ",
    ),
    "macro_pr_auc": Metric(
        "macro average precision", ("multiclass", "multilabel"), Curves(_average_precision), "no class has rows",
        f"{_STEPS}; {_CLASSES}", "Davis & Goadrich 2006", needs="scores",
    ),
    "log_loss": Metric(
        "log loss", ("binary", "multiclass", "multilabel"), Sums(_log_losses, mean_of_sums), "there are no rows",
        "-Σ ln p / n, with p the probability that the label was given, taken as 2⁻⁵² where it is less (36.04 nats); of several "
        "labels the mean over them",
        "Good 1952", better="lower", needs="probabilities", span=NON_NEGATIVE,
    ),
    "brier": Metric(
        "Brier score", ("binary", "multiclass", "multilabel"), Sums(lambda r: np.column_stack([_squares(r), np.ones(r.n)]), mean_of_sums),
        "there are no rows",
        "Σ (p - y)² / n of the positive class, y being 1 or 0, in [0, 1]; of several classes Σ Σₖ (pₖ - yₖ)² / n, in [0, 2]; of "
        "several labels the mean over them",
        "Brier 1950", better="lower", needs="probabilities", span=Span(0.0, 2.0),
    ),
    "brier_skill": Metric(
        "Brier skill score", ("binary",), Sums(lambda r: np.column_stack([_squares(r), r.labels == 1, r.labels != 1]), _skill),
        _BOTH, "1 - brier / (b·(1 - b)), with b the base rate: 0 is what the base rate itself would have", "Murphy 1973",
        needs="probabilities", span=Span(-math.inf, 1.0),
    ),
}  # fmt: skip


def _top_accuracy(k: float) -> Metric:
    rows_of = _in_top(int(k))

    def interval(rows: Predictions, confidence: float) -> Interval:
        return share(float(rows_of(rows)[:, 0].sum()), rows.n, confidence=confidence)

    return Metric(
        f"top {k:g} accuracy", ("multiclass",), Sums(rows_of, mean_of_sums), "there are no rows",
        f"rows whose label is among the {k:g} classes with the highest scores / rows; of equal scores at the cut, the share that is "
        "needed",
        "Russakovsky et al. 2015", needs="scores", closed=interval, method="wilson",
    )  # fmt: skip


NUMBERED: tuple[Numbered, ...] = (Numbered("accuracy@", _top_accuracy, "k", (2, 3), low=1, whole=True),)
