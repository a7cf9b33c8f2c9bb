"""The shape of a metric: what it is a function of, which way it gets better, what it needs, and when it is undefined."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.columns import Task
from assay.evaluation.predictions import Predictions
from assay.stats.intervals import Interval
from assay.stats.resampling import Draws, Resamples

__all__ = [
    "NON_NEGATIVE", "REAL", "SIGNED", "UNIT", "Cells", "Curves", "Form", "Metric", "Need", "Of", "Span", "Sums", "Whole",
    "mean_of_sums", "ratio",
]  # fmt: skip

Floats = NDArray[np.float64]
Need = Literal["labels", "predictions", "scores", "probabilities"]


class Span(NamedTuple):
    """The least and the greatest value that a metric can have."""

    low: float
    high: float


UNIT = Span(0.0, 1.0)
SIGNED = Span(-1.0, 1.0)
NON_NEGATIVE = Span(0.0, math.inf)
REAL = Span(-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Cells:
    """A function of the confusion matrix: `value` takes counts (or weights) [..., label, prediction], of multilabel [..., k, 2, 2].

    `share` is the (part, whole) of a metric that is a share of rows: it then has Wilson's interval. `labelwise` is the function
    of multilabel cells where a metric has one for these beside that of [..., label, prediction]; no share goes with it, since
    the labels of a row are not independent of one another.
    """

    value: Callable[[Floats], Floats]
    share: Callable[[Floats], tuple[Floats, Floats]] | None = None
    labelwise: Callable[[Floats], Floats] | None = None

    def of_task(self, task: Task) -> Callable[[Floats], Floats]:
        """Return the function of the cells of a task."""
        return self.labelwise if task == "multilabel" and self.labelwise is not None else self.value


@dataclass(frozen=True, slots=True)
class Sums:
    """A function of sums over rows: `rows` gives n by d numbers, `value` takes their weighted sums [..., d].

    A column of ones makes the number of rows (their weight) one of the sums. Where `rows` of a row are not defined (a
    percentage of 0) they are NaN, and so is the metric.
    """

    rows: Callable[[Predictions], Floats]
    value: Callable[[Floats], Floats]


class Form(NamedTuple):
    """What a metric of scores looks at: counts (or weights) of the rows of a class and of the others, at rising scores.

    `inside` and `outside` are [..., places]; `scores` is the score at each place, [places].
    """

    inside: Floats
    outside: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class Curves:
    """A function of each class's scores against its labels: `value` takes one form, means are taken over classes.

    Of a binary classification the positive class is the only one; of several, `average` says how they become one number:
    the plain mean over the classes for which it is defined, or the mean weighted by the rows of each. `view` changes the
    predictions before they are looked at, row for row: to whether the likeliest class was right, as a binary classification. `smooth` is
    what draws are of, where `value` jumps from place to place: it goes from the one to the next in a straight line.
    """

    value: Callable[[Form], Floats]
    average: Literal["macro", "weighted"] = "macro"
    view: Callable[[Predictions], Predictions] | None = None
    smooth: Callable[[Form], Floats] | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A function of rows that is nothing of the above: `value` takes predictions and weights (n floats) and returns one number.

    `draws` are its resamples, where there is a faster or a better way to them than to weigh all rows anew for each.
    """

    value: Callable[[Predictions, Floats], float]
    draws: Callable[[Predictions, Resamples], Draws] | None = None


Of: TypeAlias = Cells | Sums | Curves | Whole
Closed = Callable[[Predictions, float], Interval]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: a function of cells, sums, curves or whole rows, which is NaN where undefined; the sentence then says why.

    `better` says which way it gets better: up, down, or nearer to `target` (a mean error of 0, a coverage of 0.8); `needs`
    what of the predictions it takes; `span` what values it can have; `formula` and `source` stand in the docs, as does
    `caution`, what to know before it is trusted. `refuse` returns why it is undefined on these very rows, with their count
    (empty where it is defined); `remark` what the reader of a value must be told of these rows. `closed` gives its interval
    (method `method`) where there is a formula for one and rows are neither weighted nor drawn together; every other interval
    is the bootstrap's. `centred` says that resamples lie above it, as each adds chance of its own to a mean distance: the interval is
    centred on the value, with their upper quantile as its upper end. `skill` is False
    where a model that knows nothing may well have it better, as the width of an interval: it is not set beside baselines.
    """

    title: str
    tasks: tuple[Task, ...]
    of: Of
    undefined: str
    formula: str
    source: str
    better: Literal["higher", "lower", "nearest", "neither"] = "higher"
    needs: Need = "predictions"
    span: Span = UNIT
    closed: Closed | None = None
    method: str = ""
    unit: str = ""
    target: float = 0.0
    caution: str = ""
    skill: bool = True
    refuse: Callable[[Predictions], str] | None = None
    remark: Callable[[Predictions], str] | None = None
    centred: bool = False

    def gain(self, values: Floats) -> Floats:
        """Return values of the metric so that more is better: as they are, negated, or less their distance from the target.

        NaN where no value is better than another.
        """
        if self.better == "neither":
            return np.full(np.shape(values), np.nan)
        if self.better == "nearest":
            return -np.abs(values - self.target)
        return values if self.better == "higher" else -values

    def gains(self, draws: Draws) -> Draws:
        """Return draws of the metric so that more is better; see `gain`."""
        value, replicates, left_out = (self.gain(np.asarray(part, dtype=np.float64)) for part in draws)
        return Draws(float(value), replicates, left_out)


def ratio(over: Floats, under: Floats) -> Floats:
    """Return over / under, NaN where `under` is not above 0."""
    shape = np.broadcast_shapes(np.shape(over), np.shape(under))
    return np.asarray(np.divide(over, under, out=np.full(shape, np.nan), where=np.broadcast_to(under > 0, shape)))


def mean_of_sums(sums: Floats) -> Floats:
    """Return the first of two sums over the second, [...] from [..., 2]; NaN where the second is not above 0.

    >>> mean_of_sums(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [0.75, nan]
    """
    return ratio(sums[..., 0], sums[..., 1])
