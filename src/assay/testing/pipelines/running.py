"""Run a path, in this process: what each step returned, and what the model answers."""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from assay.errors import DataError, UsageError
from assay.testing.contract import Crashed, Undeclared, call
from assay.testing.outputs import frame_of
from assay.testing.pipelines.counting import counted
from assay.testing.pipelines.estimators import RAW, Fitting
from assay.testing.pipelines.pipeline import Pipeline, Step
from assay.testing.rows import Rows, rows_of

__all__ = [
    "Run",
    "Stage",
    "StepCrashed",
    "answers",
    "asked",
    "built",
    "handed",
    "model_rows",
    "rows_in",
    "run",
    "score_of",
]


class StepCrashed(Crashed):
    """Say which step raised an error."""

    def __init__(self, error: Exception, step: Step) -> None:
        super().__init__(error, f"the step {step.name!r}")
        self.step = step


@dataclass(frozen=True, eq=False)
class Stage:
    """What one step returned, and how long it took."""

    name: str
    value: Any
    seconds: float


@dataclass(frozen=True, eq=False)
class Run:
    """A path that was run: what each step returned. `given` is what the last step was given, `data` the raw data."""

    stages: tuple[Stage, ...]
    given: Any
    data: Any

    @property
    def model(self) -> Any:
        """Return what the last step returned; None where there is no step."""
        return self.stages[-1].value if self.stages else None


def run(
    subject: Pipeline, data: Any, *, seed: int, watch: Callable[[Stage], object] | None = None, copied: bool = True
) -> Run:
    """Return what each step makes of the data, or of a copy of them; `watch` is told of each when it is done.

    Raises StepCrashed where a step raises an error.
    """
    value = given = handed(data) if copied else data
    stages = []
    for step in subject.steps:
        given, begun = value, time.perf_counter()
        chance = {"seed": seed} if _takes_seed(step.function) else {}
        try:
            value = call(step.function, value, what=step.name, **chance)
        except Crashed as crash:
            raise StepCrashed(crash.error, step) from crash.error
        stages.append(Stage(step.name, value, time.perf_counter() - begun))
        if watch is not None:
            watch(stages[-1])
    return Run(tuple(stages), given, data)


def built(subject: Pipeline, data: Any, *, seed: int) -> Run:
    """Return the run on this data, which is not run again while contracts ask for the same."""
    last = subject.kept.get("run")
    if last is not None and last.data is data and subject.kept.get("seed") == seed:
        found: Run = last
        return found
    own = subject.model
    made = run(subject, data, seed=seed) if own is None else Run((Stage("model", own, 0.0),), data, data)
    subject.kept.update(run=made, seed=seed)
    return made


def handed(data: Any) -> Any:
    """Return data as code under test may have it: a copy, as far as it can be copied."""
    if isinstance(data, Mapping):
        return {name: handed(each) for name, each in data.items()}
    if isinstance(data, tuple):
        return tuple(handed(each) for each in data)
    try:
        return rows_of(data).handed()
    except UsageError:
        return copy.deepcopy(data) if isinstance(data, list | np.ndarray) else data


def rows_in(data: Any) -> Rows | None:
    """Return data as rows; None where it is none: a path, several frames, anything else."""
    try:
        return rows_of(data)
    except UsageError:
        return None


def model_rows(subject: Pipeline, made: Run) -> Rows:
    """Return the rows that the model is asked with.

    Those that were declared; else what the last step was given (the first of several: X of X and y), without the label.

    Raises UsageError where that is no rows.
    """
    given = subject.inputs
    if given is None or (isinstance(given, str) and given == RAW):
        given = made.data if given == RAW or subject.model is not None else made.given
    if isinstance(given, Fitting):
        given = given.rows
    if isinstance(given, tuple) and given and rows_in(given[0]) is not None:
        given = given[0]
    rows = rows_in(given)
    if rows is None or not rows.height:
        kind = f"{type(given).__module__}.{type(given).__qualname__}" if rows is None else "a frame without rows"
        raise Undeclared(
            f"{subject.name}: what its model is asked with is not known; its last step was given {kind}",
            hint="declare inputs=, rows as the model takes them",
        )
    return rows.select([n for n in rows.columns if n != subject.label]) if subject.label in rows.columns else rows


def answers(subject: Pipeline, model: Any) -> bool:
    """Return whether the model can be asked: it predicts, can be called, or how to ask it was declared."""
    ways = (subject.predict, getattr(model, "predict_proba", None), getattr(model, "predict", None), model)
    return any(callable(way) for way in ways)


def asked(subject: Pipeline, model: Any, rows: Rows) -> pl.DataFrame:
    """Return what the model answers, a row for each row.

    Raises Crashed where it raises an error, DataError where it does not answer each row.
    """
    if subject.predict is not None:
        said = call(subject.predict, model, rows.handed(), what=f"predict of {subject.name}")
    else:
        way = next((w for n in ("predict_proba", "predict") if callable(w := getattr(model, n, None))), model)
        if not callable(way):
            raise Undeclared(
                f"the model of {subject.name} is {type(model).__qualname__}, which does not predict",
                hint="declare predict=, a function of the model and rows, or return the model from the last step",
            )
        said = call(way, rows.handed(), what=f"the model of {subject.name}")
    answer = frame_of(said)
    if answer.height != rows.height:
        raise DataError(
            f"the model of {subject.name} gave {counted(answer.height, 'answer')} for {counted(rows.height, 'row')}"
        )
    return answer


def score_of(subject: Pipeline, made: Run) -> float | None:
    """Return the score of the model on what the last step was given; None where no score was declared."""
    if subject.score is None:
        return None
    return float(call(subject.score, made.model, made.given, what=f"score of {subject.name}"))


def _takes_seed(function: Callable[..., Any]) -> bool:
    try:
        return "seed" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function of C that does not say
        return False
