"""A challenge from end to end: one labelled dataset, a champion, challengers, and findings."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

import msgspec
import numpy as np
import polars as pl

from assay.data.dataset import Dataset
from assay.data.polars_engine import batches
from assay.evaluation.challenge.challenge import challenge
from assay.evaluation.challenge.policy import Policy
from assay.evaluation.columns import Columns, Task, complete
from assay.evaluation.evaluate import features_of, trial_of_frame
from assay.evaluation.models.model import Model
from assay.evaluation.reading import named
from assay.evaluation.settings import EvaluationSettings
from assay.verdict import Findings, Provenance

__all__ = ["Contender", "Contest", "Said", "contest"]


@dataclass(frozen=True, slots=True)
class Said:
    """The columns that hold what one model said: its class or number, its score, or the score of each class (level, label)."""

    prediction: str = ""
    score: str = ""
    scores: Mapping[Hashable, str] = field(default_factory=dict)
    predictions: Mapping[str, str] = field(default_factory=dict)

    def of(self, columns: Columns) -> Columns:
        """Return the roles of a dataset's columns with these for what the model said."""
        return replace(
            columns, prediction=self.prediction, score=self.score, scores=self.scores, predictions=self.predictions
        )


Contender: TypeAlias = "Model | Said"


@dataclass(frozen=True, slots=True)
class Contest:
    """What is to be compared: which task, the roles that both share (label, weight, time, …), who, and by which policy."""

    task: Task
    columns: Columns
    champion: Contender
    challengers: Mapping[str, Contender]
    settings: EvaluationSettings
    policy: Policy


def contest(dataset: Dataset, asked: Contest, *, seed: int, now: datetime, version: str) -> Findings:
    """Return the findings of a challenge: decisions with their reasons, every metric, every slice, and what flips.

    All are judged on the rows that have a label and a prediction of every one of them; the others are left out and counted.

    Raises UsageError for a column that is missing, and where there is no challenger.
    """
    begun = time.perf_counter()
    everyone = {"champion": asked.champion, **asked.challengers}
    frame = pl.concat([batch.frame for batch in batches(dataset, columns=list(dataset.schema))])
    kept = frame.filter(complete(frame, _needed(asked, everyone, dataset)))
    trials = {}
    for name, contender in everyone.items():
        model = None if isinstance(contender, Said) else contender
        columns = contender.of(asked.columns) if isinstance(contender, Said) else asked.columns
        columns = _featured(columns, everyone, dataset, model)
        trials[name] = trial_of_frame(
            kept, columns, name=dataset.name, task=asked.task, told=asked.settings, model=model, seed=seed
        )
    champion = trials.pop("champion")
    trials = {name: replace(trial, units=champion.units) for name, trial in trials.items()}
    part = challenge(champion, trials, asked.policy)
    mark = dataset.mark(frame.height)
    if kept.height < frame.height:
        note = f"{frame.height - kept.height:,} rows have no label, or no prediction of one of the models, and were left out"
        mark = msgspec.structs.replace(mark, notes=(*mark.notes, note))
    provenance = Provenance(
        assay=version, started_at=now.isoformat(), seconds=round(time.perf_counter() - begun, 3), scans=1, seed=seed,
        datasets=(mark,), versions={"polars": pl.__version__, "numpy": np.__version__},
    )  # fmt: skip
    exhibits = tuple(exhibit for exhibit in part.exhibits if any(exhibit.columns.values()))
    return Findings(dataset.name, part.outcomes, provenance, exhibits=exhibits)


def _needed(asked: Contest, everyone: Mapping[str, Contender], dataset: Dataset) -> list[str]:
    """Return the columns without which a row cannot be judged; raise UsageError where one is not there."""
    common = [
        n for n in named(asked.columns) if n not in (*asked.columns.features, asked.columns.time, asked.columns.entity)
    ]
    said = [name for one in everyone.values() if isinstance(one, Said) for name in named(one.of(Columns("")))]
    dataset.refuse_unknown((*named(asked.columns), *said))
    return list(dict.fromkeys((*common, *said)))


def _featured(
    columns: Columns, everyone: Mapping[str, Contender], dataset: Dataset, model: Model | None
) -> Columns:  # fmt: skip
    """Return the roles with the features: what no model said, and what has no role."""
    said = {name for one in everyone.values() if isinstance(one, Said) for name in named(one.of(Columns("")))}
    found = features_of(columns, dataset, model)
    return replace(columns, features=tuple(name for name in found if name not in said))
