"""Performance without labels: what a model's metrics are expected to be on a window whose labels are not there yet.

An estimate rests on conditions, and says them: above all that there is no concept drift.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from assay.errors import UsageError, nearest
from assay.evaluation.columns import Columns, Table, Task, check_columns, measured, scored
from assay.evaluation.estimation.confidence_based import METRICS, fit_confidence_based
from assay.evaluation.estimation.estimates import Condition, Estimated, Estimation, Estimator, chosen
from assay.evaluation.estimation.loss_based import fit_loss_based
from assay.evaluation.estimation.losses import LOSSES, realised_losses
from assay.evaluation.estimation.truth import Realised, compared, coverage, realised_classes
from assay.verdict import Estimate

__all__ = [
    "METRICS_OF", "Columns", "Condition", "Estimated", "Estimation", "Estimator", "Realised", "Task", "compared", "coverage", "estimate",
    "fit", "realised",
]  # fmt: skip

METRICS_OF: dict[Task, tuple[str, ...]] = {
    "binary": tuple(METRICS["binary"]),
    "multiclass": tuple(METRICS["multiclass"]),
    "regression": tuple(LOSSES),
}


def fit(
    reference: Table, *, columns: Columns, task: Task, rng: np.random.Generator, metrics: Iterable[str] | None = None
) -> Estimator:
    """Return what a labelled reference teaches of a model's performance; it estimates that of any number of windows.

    The reference has to be data that the model was not trained on: on its own training data a model looks better than it
    is. `metrics` are some of `METRICS_OF[task]`, by default all; MAPE, undefined where a label is 0, is one of them.

    Raises UsageError for a column that is missing or roles that do not fit the task, DataError for scores outside [0, 1]
    and labels that are no class.
    """
    check_columns(columns, _known(task))
    wanted = None if metrics is None else tuple(metrics)
    if task == "regression":
        return fit_loss_based(reference, columns=columns, metrics=wanted, rng=rng)
    return fit_confidence_based(reference, columns=columns, task=task, metrics=wanted, rng=rng)


def estimate(
    reference: Table,
    current: Table,
    *,
    columns: Columns,
    task: Task,
    rng: np.random.Generator,
    metrics: Iterable[str] | None = None,
    confidence: float = 0.95,
) -> Estimation:
    """Return the performance that a window without labels is expected to have, by a labelled reference.

    Of a classifier: scores are calibrated on the reference, and the metric is what labels with these probabilities are
    expected to give. Of a regression: the mean loss that a model of the loss expects. Each has an interval that holds
    the metric that the window's labels will give in a share `confidence` of windows, under the stated conditions.

    >>> rng = np.random.default_rng(7)
    >>> p = rng.uniform(size=6000)
    >>> rows = {"y": rng.binomial(1, p), "score": p, "said": (p > 0.5).astype(int)}
    >>> columns = Columns(label="y", prediction="said", score="score")
    >>> window = {"score": p[:500], "said": rows["said"][:500]}
    >>> seen = estimate(rows, window, columns=columns, task="binary", rng=rng)
    >>> seen["accuracy"].low < 0.75 < seen["accuracy"].high  # E max(p, 1 - p) of a uniform p
    True
    """
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence}; it is a share between 0 and 1")
    return fit(reference, columns=columns, task=task, rng=rng, metrics=metrics).estimate(
        current, rng=rng, confidence=confidence
    )


def realised(
    window: Table, *, columns: Columns, task: Task, metrics: Iterable[str] | None = None, confidence: float = 0.95
) -> dict[str, Estimate]:
    """Return the metrics of a window whose labels have arrived, each with its interval.

    >>> rows = {"y": [0, 1, 1, 0], "said": [0, 1, 0, 0], "p": [0.1, 0.9, 0.4, 0.2]}
    >>> realised(rows, columns=Columns("y", "said", "p"), task="binary")["recall"]
    Estimate(0.5 [0.0945..., 0.9054...], n=4)
    """
    check_columns(columns, _known(task))
    if task == "regression":
        return realised_losses(
            measured(window, columns, labelled=True, name="window"),
            chosen(_told(metrics), LOSSES),
            confidence=confidence,
        )
    names = chosen(_told(metrics), METRICS[task])
    rows = scored(window, columns, task=task, labelled=True, name="window")
    return realised_classes(rows, {name: METRICS[task][name] for name in names}, confidence=confidence)


def _told(metrics: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if metrics is None else tuple(metrics)


def _known(task: Task) -> Task:
    if task not in METRICS_OF:
        raise UsageError(f"{task!r} is no task", hint=nearest(str(task), METRICS_OF))
    return task
