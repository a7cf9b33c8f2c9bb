"""Metrics of numbers: how far predictions are from labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.columns import Task
from assay.evaluation.metrics.correlations import EXPLAINED, PEARSON, R2, SPEARMAN
from assay.evaluation.metrics.error_quantiles import error_quantile
from assay.evaluation.metrics.means import counted, mean_of, share_of, wilson_of
from assay.evaluation.metrics.metric import NON_NEGATIVE, REAL, SIGNED, Metric, Span, Sums, Whole, mean_of_sums, ratio
from assay.evaluation.metrics.numbered import Numbered
from assay.evaluation.predictions import Predictions
from assay.stats.intervals import Interval
from assay.stats.resampling import Draws, Resamples

__all__ = ["NUMBERED", "NUMBERS", "within"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_MOST = 0.5  # the part of a mean that a hundredth of the rows may make up before it is said


def _labels(rows: Predictions) -> Floats:
    return np.asarray(rows.labels, dtype=np.float64)


def _said(rows: Predictions) -> Floats:
    return np.asarray(rows.said, dtype=np.float64)


def _size(rows: Predictions) -> Floats:
    return np.abs(rows.errors)


def _squares(rows: Predictions) -> Floats:
    return rows.errors**2


def _root_of(squares: Callable[[Predictions], Floats]) -> Sums:
    mean = mean_of(squares)
    return Sums(mean.rows, lambda s: np.sqrt(np.maximum(mean.value(s), 0.0)))  # slopes are tried from just below 0 too


# Percentages ----------------------------------------------------------------------------------------------------------


def _percentages(rows: Predictions) -> Floats:
    return ratio(_size(rows), np.abs(_labels(rows)))


def _zeros(rows: Predictions) -> str:
    found = counted(_labels(rows) == 0, "labels are 0")
    return f"{found}, and a percentage of 0 is undefined; wape has one divisor for all rows" if found else ""


def _few_make_most(rows: Predictions) -> str:
    """Say where a hundredth of the rows, whose labels are near 0, make up most of the mean percentage."""
    each = _percentages(rows) * (1.0 if rows.weights is None else rows.weights)
    few, total = math.ceil(len(each) / 100), float(each.sum())
    if len(each) < 100 or not total > 0:
        return ""
    greatest = np.argpartition(each, len(each) - few)[-few:]
    part = float(each[greatest].sum()) / total
    label = float(np.median(np.abs(_labels(rows)[greatest])))
    return (
        f"{part:.0%} of it are {few:,} of {len(each):,} rows, with labels of about {label:.3g}" if part > _MOST else ""
    )


def _symmetric(rows: Predictions) -> Floats:
    size = np.abs(_labels(rows)) + np.abs(_said(rows))
    return np.asarray(np.divide(2 * _size(rows), size, out=np.zeros(rows.n), where=size > 0))


def _zeros_of_both(rows: Predictions) -> str:
    zero, said_zero = _labels(rows) == 0, _said(rows) == 0
    told = (
        counted(zero & said_zero, "labels and their predictions are both 0 and count as no error"),
        counted(zero & ~said_zero, "labels are 0 and count as 2, however near the prediction is"),
    )
    return "; ".join(part for part in told if part)


# The greatest error ---------------------------------------------------------------------------------------------------


def _greatest(rows: Predictions, weights: Floats) -> float:
    return float(np.max(_size(rows)[weights > 0])) if (weights > 0).any() else math.nan


def _from_greatest(rows: Predictions, confidence: float) -> Interval:
    """Return the only thing that rows say of the greatest error of all: it is no less than theirs."""
    return Interval(_greatest(rows, np.ones(rows.n)), math.inf)


def _untold(rows: Predictions, units: Resamples) -> Draws:
    """Return draws that say nothing: no resample has a greater error than its sample, and what it was drawn from may."""
    value = _greatest(rows, rows.own_weights)
    return Draws(value, np.full(len(units.times), np.nan), np.full(units.size, np.nan))


# Logarithms and deviances ---------------------------------------------------------------------------------------------


def _log_squares(rows: Predictions) -> Floats:
    y, f = _labels(rows), _said(rows)
    there = (y > -1) & (f > -1)
    return np.where(there, (np.log1p(np.where(there, f, 0.0)) - np.log1p(np.where(there, y, 0.0))) ** 2, np.nan)


def _poisson(rows: Predictions) -> Floats:
    y, f = _labels(rows), _said(rows)
    there = (y >= 0) & (f > 0)
    over = np.where(there & (y > 0), y, 1.0) / np.where(there, f, 1.0)
    return np.where(there, 2 * (np.where(y > 0, y * np.log(over), 0.0) - y + f), np.nan)


def _gamma(rows: Predictions) -> Floats:
    y, f = _labels(rows), _said(rows)
    there = (y > 0) & (f > 0)
    over = np.where(there, y, 1.0) / np.where(there, f, 1.0)
    return np.where(there, 2 * (over - np.log(over) - 1), np.nan)


Test = Callable[[Floats], Bools]


def _no(of_labels: Test, labels: str, of_said: Test, said: str) -> Callable[[Predictions], str]:
    """Return what says how many labels and predictions a metric is undefined of."""

    def refuse(rows: Predictions) -> str:
        told = (
            counted(of_labels(_labels(rows)), f"labels are {labels}"),
            counted(of_said(_said(rows)), f"predictions are {said}"),
        )
        return " and ".join(part for part in told if part)

    return refuse


_no_logarithm = _no(lambda y: y <= -1, "-1 or less", lambda f: f <= -1, "-1 or less")
_no_poisson = _no(lambda y: y < 0, "below 0", lambda f: f <= 0, "0 or less")
_no_gamma = _no(lambda y: y <= 0, "0 or less", lambda f: f <= 0, "0 or less")


# The table ------------------------------------------------------------------------------------------------------------


def within(distance: float) -> Metric:
    """Return the metric that says which share of the predictions is at most so far from the label.

    >>> within(5).title
    'share within 5 of the label'
    """

    def near(rows: Predictions) -> Bools:
        return _size(rows) <= distance

    return Metric(
        f"share within {distance:g} of the label", ("regression",), share_of(near), "there are no rows",
        f"#(|y - ŷ| ≤ {distance:g}) / n", "Wilson 1927", closed=wilson_of(near), method="wilson",
    )  # fmt: skip


_OF: tuple[Task, ...] = ("regression",)
_NO_ROWS = "there are no rows"
_EQUAL = "all labels are equal: there is no variance to explain"
_EITHER_EQUAL = "all labels, or all predictions, are equal"
_UPTO_ONE = Span(-math.inf, 1.0)
_UPTO_TWO = Span(0.0, 2.0)

NUMBERS: Mapping[str, Metric] = {
    "mae": Metric(
        "mean absolute error", _OF, mean_of(_size), _NO_ROWS, "Σ|y - ŷ| / n", "Willmott & Matsuura 2005", better="lower",
        span=NON_NEGATIVE, caution="the constant that is best by it is the median of the labels, not their mean",
    ),
    "mse": Metric(
        "mean squared error", _OF, mean_of(_squares), _NO_ROWS, "Σ(y - ŷ)² / n", "Gauss 1821", better="lower", span=NON_NEGATIVE,
        caution="its unit is the square of the labels', and a few great errors decide it",
    ),
    "rmse": Metric(
        "root mean squared error", _OF, _root_of(_squares), _NO_ROWS, "√(Σ(y - ŷ)² / n)", "Chai & Draxler 2014", better="lower",
        span=NON_NEGATIVE, caution="a few great errors decide it; set beside mae it tells how great they are",
    ),
    "median_error": error_quantile(0.5),
    "max_error": Metric(
        "greatest absolute error", _OF, Whole(_greatest, _untold), _NO_ROWS, "max |y - ŷ|", "Efron & Tibshirani 1993, 7.4", better="lower",
        span=NON_NEGATIVE, closed=_from_greatest, method="greatest seen",
        caution="more rows have a greater one; it has no upper end, and no resample tells it",
    ),
    "bias": Metric(
        "mean error", _OF, mean_of(lambda rows: rows.errors), _NO_ROWS, "Σ(ŷ - y) / n", "Hyndman & Koehler 2006", better="nearest",
        span=REAL, caution="above 0 predictions are too high on average; 0 says nothing of how far each is off",
    ),
    "mape": Metric(
        "mean absolute percentage error", _OF, mean_of(_percentages), "a label is 0", "Σ|y - ŷ| / |y| / n, a fraction: 0.1 is 10 %",
        "Hyndman & Koehler 2006", better="lower", span=NON_NEGATIVE, refuse=_zeros, remark=_few_make_most,
        caution="undefined where a label is 0, and decided by the labels near 0; a prediction that is too low costs 100 % at "
        "most, one that is too high has no limit, so that the best by it are too low",
    ),
    "smape": Metric(
        "symmetric mean absolute percentage error", _OF, mean_of(_symmetric), _NO_ROWS, "Σ 2|y - ŷ| / (|y| + |ŷ|) / n, in [0, 2]",
        "Makridakis 1993; Goodwin & Lawton 1999", better="lower", span=_UPTO_TWO, remark=_zeros_of_both,
        caution="not symmetric in spite of its name: a prediction too low by 10 costs more than one too high by 10; a label of "
        "0 costs 2 whatever is predicted, but for 0",
    ),
    "wape": Metric(
        "weighted absolute percentage error", _OF,
        Sums(lambda rows: np.column_stack([_size(rows), np.abs(_labels(rows))]), mean_of_sums),
        "all labels are 0", "Σ|y - ŷ| / Σ|y|", "Kolassa & Schütz 2007", better="lower", span=NON_NEGATIVE,
        caution="great labels decide it; one label of 0 does no harm",
    ),
    "r2": Metric(
        "share of the variance explained", _OF, R2, _EQUAL, "1 - Σ(y - ŷ)² / Σ(y - ȳ)²", "Kvålseth 1985", span=_UPTO_ONE,
        caution="it rises with the spread of the labels alone: figures of two datasets, or two slices, do not compare",
    ),
    "explained_variance": Metric(
        "share of the variance explained, but for the bias", _OF, EXPLAINED, _EQUAL, "1 - Var(y - ŷ) / Var(y)", "Kvålseth 1985",
        span=_UPTO_ONE, caution="it does not see a prediction that is off by the same in every row; r2 does",
    ),
    "pearson": Metric(
        "linear correlation", _OF, PEARSON, _EITHER_EQUAL, "Cov(y, ŷ) / √(Var(y) · Var(ŷ))", "Pearson 1895", span=SIGNED,
        caution="it sees neither bias nor scale: ŷ = 100 + 3y has 1",
    ),
    "spearman": Metric(
        "rank correlation", _OF, SPEARMAN, _EITHER_EQUAL, "the linear correlation of the ranks, a tie having their mean",
        "Spearman 1904; Croux & Dehon 2010", span=SIGNED, caution="it sees the order of the predictions alone",
    ),
    "msle": Metric(
        "mean squared logarithmic error", _OF, mean_of(_log_squares), "a label or prediction is -1 or less",
        "Σ(ln(1 + ŷ) - ln(1 + y))² / n", "Tofallis 2015", better="lower", span=NON_NEGATIVE, refuse=_no_logarithm,
        caution="a prediction too low costs more than one too high by as much",
    ),
    "rmsle": Metric(
        "root mean squared logarithmic error", _OF, _root_of(_log_squares), "a label or prediction is -1 or less",
        "√(Σ(ln(1 + ŷ) - ln(1 + y))² / n)", "Tofallis 2015", better="lower", span=NON_NEGATIVE, refuse=_no_logarithm,
        caution="a prediction too low costs more than one too high by as much",
    ),
    "poisson_deviance": Metric(
        "mean Poisson deviance", _OF, mean_of(_poisson), "a label is below 0, or a prediction not above it",
        "Σ 2(y ln(y / ŷ) - y + ŷ) / n", "Nelder & Wedderburn 1972", better="lower", span=NON_NEGATIVE, refuse=_no_poisson,
        caution="for counts: an error of 1 costs more where few are expected",
    ),
    "gamma_deviance": Metric(
        "mean gamma deviance", _OF, mean_of(_gamma), "a label or prediction is not above 0",
        "Σ 2(y / ŷ - ln(y / ŷ) - 1) / n", "Nelder & Wedderburn 1972", better="lower", span=NON_NEGATIVE, refuse=_no_gamma,
        caution="for amounts: it looks at the ratio y / ŷ alone",
    ),
}  # fmt: skip

NUMBERED = (
    Numbered("error_quantile@", error_quantile, "q", (0.5, 0.9), high=1, open_low=True, open_high=True),
    Numbered("within@", within, "x", (1, 2.5)),
)
