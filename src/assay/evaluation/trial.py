"""A trial of a model: what its metrics are measured on. And what each part of an evaluation returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl

from assay.evaluation.metrics.measuring import measure
from assay.evaluation.metrics.metric import Metric
from assay.evaluation.metrics.table import metric_of
from assay.evaluation.models.model import Model
from assay.evaluation.predictions import Predictions
from assay.stats.resampling import Resamples, resamples
from assay.verdict import Estimate, Exhibit, Outcome

__all__ = ["FAMILY", "Part", "Trial", "some_rows"]

FAMILY = "evaluation"


@dataclass(frozen=True)
class Trial:
    """Predictions with their labels, the resamples of these rows, the metrics that are asked for, and the model if it is there.

    `metrics` are names of the table of metrics (or forms with a number, `ndcg@10`); the first one leads: slices, robustness
    and importances are in its terms. `model` is None where only its predictions are known; where it is there, `again`
    returns the predictions of rows whose features were changed: it takes a frame of `rows`, or of some of them. `custom` are
    metrics by a user's formula, by name; `train` the labelled rows that the model was fitted on, where they are at hand.
    """

    rows: Predictions
    units: Resamples
    metrics: tuple[str, ...]
    rng: np.random.Generator
    confidence: float = 0.95
    model: Model | None = None
    custom: dict[str, Metric] = field(default_factory=dict)
    again: Callable[[pl.DataFrame], Predictions] | None = None
    train: Predictions | None = None

    @property
    def lead(self) -> str:
        """Return the metric that leads."""
        return self.metrics[0]

    def at(self, *, confidence: float) -> Trial:
        """Return the same trial with intervals at another confidence."""
        return replace(self, confidence=confidence)

    def with_chance(self, rng: np.random.Generator) -> Trial:
        """Return the same trial with chance of its own; what was measured already stays measured."""
        made = replace(self, rng=rng)
        if "estimates" in self.__dict__:
            made.__dict__["estimates"] = self.estimates
        return made

    def metric(self, name: str) -> Metric:
        """Return a metric by its name; raise UsageError where there is none."""
        return self.custom[name] if name in self.custom else metric_of(name)

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """Return every metric that was asked for, on all rows, with its interval."""
        return {
            name: measure(self.metric(name), self.rows, units=self.units, confidence=self.confidence)
            for name in self.metrics
        }


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of an evaluation says: outcomes (judged, or skipped where nothing was asked of them), and exhibits."""

    outcomes: tuple[Outcome, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()


FEW_UNITS, FEW_REPLICATES = 512, 400  # for what is asked again and again: the spread of 512 groups is known to 3 %


def some_rows(trial: Trial, most: int) -> tuple[Predictions, Resamples]:
    """Return at most so many rows of a trial, drawn by chance, with coarser resamples of their own.

    It is for what asks a model about the same rows many times over.
    """
    rows = trial.rows
    if rows.n > most:
        rows = rows.at(np.sort(trial.rng.choice(rows.n, most, replace=False)))
    units = resamples(
        rows.n, rng=trial.rng, replicates=FEW_REPLICATES, entities=rows.entity, blocks=rows.block, most=FEW_UNITS
    )
    return rows, units
