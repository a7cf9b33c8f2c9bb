"""The table of what is measured of each group: shares of a confusion matrix, means, areas under the curve, calibration.

One entry each. What an entry is a function of says how it is measured, with which interval: see `by_group`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.columns import Task
from assay.evaluation.metrics.metric import NON_NEGATIVE, REAL, SIGNED, UNIT, Span
from assay.evaluation.predictions import Predictions

__all__ = [
    "CELLS", "MEASURES", "Areas", "Binned", "Mean", "Measure", "Of", "Share", "Slope", "View", "Worst", "suits", "views_of",
    "whole_view",
]  # fmt: skip

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Cell = Literal["tn", "fp", "fn", "tp"]
Need = Literal["labels", "predictions", "scores", "probabilities"]

CELLS: tuple[Cell, ...] = ("tn", "fp", "fn", "tp")  # a row's place is 2 · label + prediction


@dataclass(frozen=True, slots=True)
class View:
    """The rows as fairness looks at them: of classes, one class against all others; of a regression, the numbers.

    `label` and `said` are n booleans of a class (whether it is it), or n floats; `said` is None where there are only scores,
    `score` where there are none. `of` names the class, empty where there is one to speak of.
    """

    label: NDArray[np.bool_] | Floats
    said: NDArray[np.bool_] | Floats | None
    score: Floats | None
    of: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """The share that the rows in the cells of `part` have of those in the cells of `whole`, which hold `part`."""

    part: tuple[Cell, ...]
    whole: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a number over the rows of a group, or over those of them that `of` says; `of` is their name where it is not all."""

    number: Callable[[View], Floats]
    of: Callable[[View], Mask] | None = None
    rows: str = "rows"


@dataclass(frozen=True, slots=True)
class Areas:
    """Areas under the curve, signed and added up: how often a positive of one side scores above a negative of another.

    Each term is (sign, side of the positives, side of the negatives): the group, or the rest of the rows.
    """

    terms: tuple[tuple[int, Literal["group", "rest"], Literal["group", "rest"]], ...]


@dataclass(frozen=True, slots=True)
class Slope:
    """The slope of a logistic regression of the label on the log-odds of the score."""


@dataclass(frozen=True, slots=True)
class Binned:
    """The calibration error over bins of scores with about equal numbers of rows, freed of what chance adds."""

    bins: int


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst gap of several measures."""

    of: tuple[str, ...]


Of: TypeAlias = Share | Mean | Areas | Slope | Binned | Worst


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of groups: its title, what it is a function of, and the fairness criterion that asks it to be equal.

    `criterion` is empty where nobody asks for it; what is not `judged` is shown and takes no bound. `better` says which group
    is worst ("zero": the one farther from it), `ratio` whether the ratio of two groups means anything: the measure is never
    below 0. `per_class` is false for what does not depend on which of several classes is looked at. `rows` are those that a
    group needs to have.
    """

    title: str
    tasks: tuple[Task, ...]
    of: Of
    formula: str
    source: str
    criterion: str = ""
    needs: Need = "predictions"
    better: Literal["higher", "lower", "zero"] = "higher"
    rows: str = "rows"
    judged: bool = True
    ratio: bool = True
    per_class: bool = True
    span: Span = UNIT


def suits(measure: Measure, rows: Predictions) -> str:
    """Return why a measure cannot be had of these predictions; empty where it can."""
    if rows.task not in measure.tasks:
        return f"it is a measure of {' and '.join(measure.tasks)}, not of {rows.task}"
    if measure.needs == "predictions" and rows.predictions is None:
        return "there are no predictions, only scores"
    if measure.needs in ("scores", "probabilities") and rows.scores is None:
        return "there are no scores"
    if measure.needs == "probabilities" and not rows.probabilities:
        return "the scores are no probabilities"
    return ""


def views_of(rows: Predictions, positive: tuple[str, ...] = ()) -> tuple[View, ...]:
    """Return the rows as each class sees them: of two classes the positive one, of more those named, or all; of numbers one.

    >>> rows = Predictions("multiclass", np.array([0, 2, 1]), np.array([0, 2, 2]), classes=("a", "b", "c"))
    >>> [(view.of, view.label.tolist()) for view in views_of(rows, ("c",))]
    [('c', [False, True, False])]
    """
    if rows.task == "regression":
        return (View(np.asarray(rows.labels, np.float64), np.asarray(rows.said, np.float64), None),)
    if rows.task == "binary":
        said = None if rows.predictions is None else rows.predictions == 1
        return (View(rows.labels == 1, said, None if rows.scores is None else rows.positive),)
    several = [place for place, name in enumerate(rows.classes) if not positive or str(name) in positive]
    return tuple(_of_class(rows, place) for place in several)


def whole_view(rows: Predictions) -> View:
    """Return the rows of a multi-class task by whether the prediction is right: its accuracy is that of all classes."""
    return View(np.ones(rows.n, dtype=np.bool_), rows.said == rows.labels, None)


def _of_class(rows: Predictions, place: int) -> View:
    many = rows.task == "multilabel"
    label = rows.labels[:, place] == 1 if many else rows.labels == place
    said = None
    if rows.predictions is not None:
        said = rows.predictions[:, place] == 1 if many else rows.predictions == place
    return View(label, said, None if rows.scores is None else rows.scores[:, place], str(rows.classes[place]))


def _score(view: View) -> Floats:
    if view.score is None:
        raise ValueError("there are no scores")
    return view.score


def _said(view: View) -> Floats:
    return np.asarray(view.said, dtype=np.float64)


def _label(view: View) -> Floats:
    return np.asarray(view.label, dtype=np.float64)


_CLASSES: tuple[Task, ...] = ("binary", "multiclass", "multilabel")
_NUMBERS: tuple[Task, ...] = ("regression",)

MEASURES: Mapping[str, Measure] = {
    "selection_rate": Measure(
        "share predicted positive",
        _CLASSES,
        Share(("fp", "tp"), CELLS),
        "(tp + fp) / n",
        "Dwork et al. 2012",
        criterion="demographic parity",
    ),
    "tpr": Measure(
        "true positive rate",
        _CLASSES,
        Share(("tp",), ("tp", "fn")),
        "tp / (tp + fn)",
        "Hardt, Price & Srebro 2016",
        criterion="equal opportunity",
        rows="positives",
    ),
    "fpr": Measure(
        "false positive rate",
        _CLASSES,
        Share(("fp",), ("fp", "tn")),
        "fp / (fp + tn)",
        "Corbett-Davies et al. 2017",
        criterion="predictive equality",
        better="lower",
        rows="negatives",
    ),
    "fnr": Measure(
        "false negative rate",
        _CLASSES,
        Share(("fn",), ("tp", "fn")),
        "fn / (tp + fn)",
        "Chouldechova 2017",
        better="lower",
        rows="positives",
    ),
    "tnr": Measure(
        "true negative rate",
        _CLASSES,
        Share(("tn",), ("fp", "tn")),
        "tn / (fp + tn)",
        "Chouldechova 2017",
        rows="negatives",
    ),
    "equalised_odds": Measure(
        "worse of the gaps in true and false positive rates",
        _CLASSES,
        Worst(("tpr", "fpr")),
        "max of the two differences, min of the two ratios",
        "Hardt, Price & Srebro 2016",
        criterion="equalised odds",
        better="lower",
        rows="positives and negatives",
    ),
    "ppv": Measure(
        "precision",
        _CLASSES,
        Share(("tp",), ("tp", "fp")),
        "tp / (tp + fp)",
        "Chouldechova 2017",
        criterion="predictive parity",
        rows="rows predicted positive",
    ),
    "npv": Measure(
        "negative predictive value",
        _CLASSES,
        Share(("tn",), ("tn", "fn")),
        "tn / (tn + fn)",
        "Berk et al. 2018",
        rows="rows predicted negative",
    ),
    "false_discovery_rate": Measure(
        "false discovery rate",
        _CLASSES,
        Share(("fp",), ("tp", "fp")),
        "fp / (tp + fp)",
        "Chouldechova 2017",
        better="lower",
        rows="rows predicted positive",
    ),
    "false_omission_rate": Measure(
        "false omission rate",
        _CLASSES,
        Share(("fn",), ("tn", "fn")),
        "fn / (tn + fn)",
        "Berk et al. 2018",
        better="lower",
        rows="rows predicted negative",
    ),
    "accuracy": Measure(
        "accuracy",
        _CLASSES,
        Share(("tn", "tp"), CELLS),
        "(tp + tn) / n; of several classes, the share predicted right",
        "Berk et al. 2018",
        criterion="overall accuracy equality",
        per_class=False,
    ),
    "base_rate": Measure(
        "share of positive labels",
        _CLASSES,
        Share(("fn", "tp"), CELLS),
        "(tp + fn) / n",
        "Kleinberg, Mullainathan & Raghavan 2016",
        needs="labels",
        judged=False,
    ),
    "mean_score": Measure(
        "mean score", _CLASSES, Mean(_score), "Σs / n", "Kallus & Zhou 2019", needs="scores", ratio=False, span=REAL
    ),
    "score_of_positives": Measure(
        "mean score of positives",
        _CLASSES,
        Mean(_score, lambda view: view.label == 1),
        "mean of s where y = 1",
        "Kleinberg, Mullainathan & Raghavan 2016",
        criterion="balance for the positive class",
        needs="scores",
        rows="positives",
        ratio=False,
        span=REAL,
    ),
    "score_of_negatives": Measure(
        "mean score of negatives",
        _CLASSES,
        Mean(_score, lambda view: view.label == 0),
        "mean of s where y = 0",
        "Kleinberg, Mullainathan & Raghavan 2016",
        criterion="balance for the negative class",
        needs="scores",
        better="lower",
        rows="negatives",
        ratio=False,
        span=REAL,
    ),
    "calibration_in_the_large": Measure(
        "mean score less share of positives",
        _CLASSES,
        Mean(lambda view: _score(view) - _label(view)),
        "Σ(s - y) / n",
        "Cox 1958; Pleiss et al. 2017",
        criterion="calibration within groups",
        needs="probabilities",
        better="zero",
        ratio=False,
        span=SIGNED,
    ),
    "calibration_slope": Measure(
        "calibration slope",
        _CLASSES,
        Slope(),
        "b of logit P(y = 1) = a + b·logit s",
        "Cox 1958",
        needs="probabilities",
        ratio=False,
        span=REAL,
        rows="rows of both classes",
    ),
    "calibration_error": Measure(
        "calibration error",
        _CLASSES,
        Binned(10),
        "√Σ (n_b / n)·((ȳ_b - s̄_b)² - ȳ_b(1 - ȳ_b) / (n_b - 1)), at least 0",
        "Kumar, Liang & Ma 2019",
        needs="probabilities",
        better="lower",
        ratio=False,
    ),
    "auc": Measure(
        "AUC within the group",
        _CLASSES,
        Areas(((1, "group", "group"),)),
        "P(s of a positive > s of a negative), both of the group",
        "Borkan et al. 2019",
        criterion="equal ranking within groups",
        needs="scores",
        rows="positives and negatives",
    ),
    "bpsn_auc": Measure(
        "AUC of the rest's positives over the group's negatives",
        _CLASSES,
        Areas(((1, "rest", "group"),)),
        "P(s of a positive of the rest > s of a negative of the group)",
        "Borkan et al. 2019",
        needs="scores",
        rows="negatives",
    ),
    "bnsp_auc": Measure(
        "AUC of the group's positives over the rest's negatives",
        _CLASSES,
        Areas(((1, "group", "rest"),)),
        "P(s of a positive of the group > s of a negative of the rest)",
        "Borkan et al. 2019",
        needs="scores",
        rows="positives",
    ),
    "xauc": Measure(
        "xAUC disparity: the group's positives over the rest's negatives, less the rest's over the group's",
        _CLASSES,
        Areas(((1, "group", "rest"), (-1, "rest", "group"))),
        "bnsp_auc - bpsn_auc",
        "Kallus & Zhou 2019",
        needs="scores",
        rows="positives and negatives",
        ratio=False,
        span=SIGNED,
    ),
    "mean_prediction": Measure(
        "mean prediction",
        _NUMBERS,
        Mean(_said),
        "Σŷ / n",
        "Agarwal, Dudík & Wu 2019",
        criterion="parity of predictions",
        ratio=False,
        span=REAL,
    ),
    "mean_label": Measure(
        "mean label", _NUMBERS, Mean(_label), "Σy / n", "Calders et al. 2013", judged=False, ratio=False, span=REAL
    ),
    "mean_error": Measure(
        "mean of prediction less label",
        _NUMBERS,
        Mean(lambda view: _said(view) - _label(view)),
        "Σ(ŷ - y) / n",
        "Calders et al. 2013",
        criterion="balanced residuals",
        ratio=False,
        span=REAL,
        better="zero",
    ),
    "mae": Measure(
        "mean absolute error",
        _NUMBERS,
        Mean(lambda view: np.abs(_said(view) - _label(view))),
        "Σ|ŷ - y| / n",
        "Agarwal, Dudík & Wu 2019",
        criterion="bounded group loss",
        better="lower",
        span=NON_NEGATIVE,
    ),
    "mse": Measure(
        "mean squared error",
        _NUMBERS,
        Mean(lambda view: (_said(view) - _label(view)) ** 2),
        "Σ(ŷ - y)² / n",
        "Agarwal, Dudík & Wu 2019",
        better="lower",
        span=NON_NEGATIVE,
    ),
}
