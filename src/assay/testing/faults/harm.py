"""How much worse a model gets by a fault: what tells a mistake that matters from one that does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from assay.errors import AssayError
from assay.evaluation.challenge.flips import flips
from assay.evaluation.challenge.paired import Side, paired
from assay.evaluation.metrics.measuring import unsuited
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Trial, some_rows
from assay.testing.faults.fault import Fault, Layer, NotApplicable, Result
from assay.testing.faults.injecting import inject, operator_of
from assay.verdict import Estimate

__all__ = ["Harm", "harm", "harm_of_training", "harmed"]

ROWS = 5_000


class Harm(msgspec.Struct, frozen=True):
    """What a fault does to a model: by how much a metric is worse, and what share of its decisions are other ones.

    `worse` is in the metric's own unit, above 0 for a loss, with the interval of a paired comparison on the same rows. Either is
    undefined, with the reason, where it cannot be had: rows are gone, or the model refuses what it is given.
    """

    metric: str
    worse: Estimate
    flipped: Estimate


def harm(trial: Trial, fault: Fault, *, metric: str = "") -> Harm:
    """Return how much worse the trial's model does on rows with a fault in them, than on the same rows without it.

    The label is that of the clean rows. `metric` is the trial's leading one by default. A model that refuses the rows, or fails on
    them, does no silent harm: the reason says so.
    """
    name = metric or trial.lead
    rows, units = some_rows(trial.with_chance(np.random.default_rng([fault.seed, 1])), ROWS)
    if trial.again is None:
        return _undefined(name, rows.n, "there is no model to ask")
    if operator_of(fault).layer is not Layer.DATA:
        return _undefined(name, rows.n, "it shows only in a model that is trained on it")
    try:
        frame = inject(rows.frame, fault)
    except NotApplicable as reason:
        return _undefined(name, rows.n, str(reason))
    if frame.height != rows.frame.height:
        return _undefined(name, rows.n, "the fault takes or adds rows, so that there is no pair to compare")
    try:
        changed = trial.again(frame)
    except AssayError as error:
        return _undefined(name, rows.n, f"the model does not answer: {error}")
    if changed.n != rows.n:
        return _undefined(name, rows.n, f"the model answers {changed.n:,} of {rows.n:,} rows")
    return _compared(trial, name, Side(rows, replace(changed, labels=rows.labels), units))


def harm_of_training(
    fit: Callable[[Any], Callable[[], Predictions]], train: Any, fault: Fault, trial: Trial, *, metric: str = ""
) -> Harm:  # fmt: skip
    """Return how much worse a model gets that is trained on rows with a fault in them: of labels, splits, or missing rows.

    `fit(train)` trains, and returns a function that gives the predictions on the trial's rows, in their order; the trial holds
    those of the model that was trained on clean rows.
    """
    name = metric or trial.lead
    try:
        changed = fit(inject(train, fault))()
    except NotApplicable as reason:
        return _undefined(name, trial.rows.n, str(reason))
    except AssayError as error:
        return _undefined(name, trial.rows.n, f"it cannot be trained: {error}")
    if changed.n != trial.rows.n:
        return _undefined(name, trial.rows.n, f"it answers {changed.n:,} of {trial.rows.n:,} rows")
    return _compared(trial, name, Side(trial.rows, changed, trial.units))


def harmed(results: Sequence[Result], measure: Callable[[Fault], Harm]) -> tuple[Result, ...]:
    """Return the results with their harm at the strongest severity that was tried.

    `measure` is asked about faults of data alone: what wrong labels, or leaks into the training set, do to a model shows only in one
    that is trained on them (`harm_of_training`), and what is wrong with a function or a file in nothing that a model is asked.
    """
    return tuple(_harmed(one, measure) for one in results)


def _harmed(result: Result, measure: Callable[[Fault], Harm]) -> Result:
    faults = [attempt.fault for attempt in result.attempts if attempt.fault is not None]
    if not faults or operator_of(faults[0]).on != "frame" or operator_of(faults[0]).layer is not Layer.DATA:
        return result
    ladder = operator_of(faults[0]).ladder
    worst = max(
        faults, key=lambda f: (ladder.index(f.severity) if f.severity in ladder else -1, abs(f.severity), -f.seed)
    )
    found = measure(worst).worse
    if not isinstance(found.value, int | float):
        return result
    return msgspec.structs.replace(result, harm=float(found.value), harm_low=found.low, harm_high=found.high)


def _compared(trial: Trial, name: str, side: Side) -> Harm:
    metric = trial.metric(name)
    if why := unsuited(metric, side.champion):
        return _undefined(name, side.champion.n, why)
    seen = paired(metric, name, side, confidence=trial.confidence).difference
    return Harm(
        name,
        _turned(seen) if metric.better != "lower" else seen,
        flips(side.champion, side.challenger, confidence=trial.confidence),
    )


def _turned(seen: Estimate) -> Estimate:
    """Return a loss of a gain: the same number with the other sign."""
    if not isinstance(seen.value, int | float):
        return seen
    low = None if seen.high is None else 0.0 - seen.high
    high = None if seen.low is None else 0.0 - seen.low
    return msgspec.structs.replace(seen, value=0.0 - seen.value, low=low, high=high)


def _undefined(metric: str, n: int, why: str) -> Harm:
    said = Estimate(None, n=n, why=why)
    return Harm(metric, said, said)
