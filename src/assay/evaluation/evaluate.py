"""An evaluation from end to end: rows and a model in, every part's outcomes and exhibits out, as findings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zlib import crc32

import msgspec
import numpy as np
import polars as pl
import polars.selectors as cs

from assay.codec import parse_duration
from assay.data.dataset import Dataset
from assay.data.kinds import Kind
from assay.data.polars_engine import batches
from assay.errors import UsageError
from assay.evaluation.baselines.baselines import baselines
from assay.evaluation.behaviour.cost import cost
from assay.evaluation.behaviour.explanations import explanations
from assay.evaluation.behaviour.robustness import robustness
from assay.evaluation.bounds import Bound
from assay.evaluation.calibration.calibration import calibration
from assay.evaluation.calibration.thresholds import thresholds
from assay.evaluation.columns import Columns, Task
from assay.evaluation.confusion import confusion
from assay.evaluation.curves import curves
from assay.evaluation.fairness.fairness import fairness
from assay.evaluation.judging import metrics
from assay.evaluation.ledger import Entry, append, looked, read
from assay.evaluation.metrics.custom import by_function
from assay.evaluation.metrics.measuring import unsuited
from assay.evaluation.metrics.quantiles import of_levels
from assay.evaluation.metrics.table import defaults, metric_of
from assay.evaluation.models.model import Model
from assay.evaluation.outputs import SAID, with_output
from assay.evaluation.predictions import Predictions
from assay.evaluation.reading import labelled_of, named, predictions_of
from assay.evaluation.residuals.residuals import residuals
from assay.evaluation.settings import EvaluationSettings
from assay.evaluation.slicing.search import search
from assay.evaluation.slicing.slices import slices
from assay.evaluation.trial import Part, Trial
from assay.stats.resampling import resamples
from assay.verdict import Findings, Mark, Provenance

__all__ = ["PARTS", "Asked", "evaluate", "features_of", "trial_of", "trial_of_frame"]

FEATURES = frozenset(
    {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL, Kind.BOOLEAN, Kind.TEXT, Kind.CATEGORY, Kind.DATE, Kind.DATETIME}
)

# What each part says of a trial; a part that has nothing to say of it returns nothing.
PARTS: Mapping[str, Callable[[Trial, EvaluationSettings], Part]] = {
    "metrics": lambda trial, told: metrics(
        trial, {name: Bound(b.at_least, b.at_most) for name, b in told.bounds.items()}
    ),
    "baselines": lambda trial, told: baselines(trial, told.baselines, train=trial.train),
    "confusion": lambda trial, told: confusion(trial),
    "curves": lambda trial, told: curves(trial),
    "calibration": lambda trial, told: calibration(trial, told.calibration),
    "thresholds": lambda trial, told: thresholds(trial, told.thresholds),
    "residuals": lambda trial, told: residuals(trial, told.residuals),
    "slices": lambda trial, told: slices(trial, told.slices),
    "search": lambda trial, told: search(trial, told.slices),
    "fairness": lambda trial, told: fairness(trial, told.fairness),
    "explanations": lambda trial, told: explanations(trial, told.explanations),
    "robustness": lambda trial, told: robustness(trial, told.robustness),
    "cost": lambda trial, told: cost(trial, told.cost),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be evaluated: which task, in which columns, by which settings, and the model where it is at hand.

    `functions` are metrics of a user's own: each takes a frame of the rows and returns one number. `train` is what the model was
    fitted on: constant baselines, and the rule of one feature, are taken from there.
    """

    task: Task
    columns: Columns
    settings: EvaluationSettings
    model: Model | None = None
    functions: Mapping[str, Callable[[pl.DataFrame], float | None]] = field(default_factory=dict)
    train: Dataset | None = None

    @property
    def told(self) -> EvaluationSettings:
        """Return the settings with what the columns say of the parts: the order of time for the last value."""
        if self.settings.baselines.time or not self.columns.time:
            return self.settings
        timed = msgspec.structs.replace(self.settings.baselines, time=self.columns.time)
        return msgspec.structs.replace(self.settings, baselines=timed)


def evaluate(
    dataset: Dataset, asked: Asked, *, seed: int, now: datetime, version: str, progress: Callable[[int], None] | None = None
) -> Findings:  # fmt: skip
    """Return the findings about a model's predictions on labelled data.

    There is an outcome for each metric, judged by its bound where there is one, and what each part says; exhibits hold their
    tables. With a ledger, this look at the labelled set is written down before the findings are returned.

    Raises UsageError for a column that is missing and roles that do not fit the task, DataError for data that cannot be read
    and predictions that are none, ConfigError for settings that name what is not there.
    """
    begun = time.perf_counter()
    before = read(asked.settings.ledger.path) if asked.settings.ledger.path else ()
    dataset.refuse_unknown(_asked_about(asked.settings))
    trial, mark = trial_of(dataset, asked, seed=seed)
    wanted = [name for name in PARTS if name not in asked.settings.without]
    found = []
    for i, name in enumerate(wanted):
        own = np.random.default_rng((seed, crc32(name.encode())))  # leaving a part out changes no other
        found.append(PARTS[name](trial.with_chance(own) if i else trial, asked.told))
        if progress is not None:
            progress(i + 1)
    if asked.settings.ledger.path:
        found.append(_written_down(trial, dataset, asked, before, now))
    provenance = Provenance(
        assay=version, started_at=now.isoformat(), seconds=round(time.perf_counter() - begun, 3), scans=1, seed=seed,
        datasets=(msgspec.structs.replace(mark, rows=trial.rows.n + trial.rows.missing),), versions={"polars": pl.__version__},
    )  # fmt: skip
    outcomes = tuple(outcome for part in found for outcome in part.outcomes)
    exhibits = tuple(exhibit for part in found for exhibit in part.exhibits if any(exhibit.columns.values()))
    return Findings(dataset.name, outcomes, provenance, exhibits=exhibits)


def _asked_about(told: EvaluationSettings) -> tuple[str, ...]:
    """Return the columns that settings name: one that is not there is refused before anything is measured."""
    sliced = told.slices
    crossed = (column for pair in sliced.crosses for column in pair)
    groups = (*told.fairness.columns, *told.fairness.bins)
    return (*sliced.columns, *sliced.bins, *sliced.calendar, *sliced.lengths, *crossed, *groups)


def trial_of(dataset: Dataset, asked: Asked, *, seed: int) -> tuple[Trial, Mark]:
    """Return a dataset's predictions as a trial, and the dataset's mark with what was noted on the way."""
    columns = replace(asked.columns, features=features_of(asked.columns, dataset, asked.model))
    frame = pl.concat([batch.frame for batch in batches(dataset, columns=list(dataset.schema))])
    trial = trial_of_frame(
        frame, columns, name=dataset.name, task=asked.task, told=asked.settings, model=asked.model, seed=seed
    )
    if asked.functions:
        own = {name: by_function(name, function) for name, function in asked.functions.items()}
        trial = replace(trial, custom={**trial.custom, **own}, metrics=(*trial.metrics, *own))
    if asked.train is not None:
        known = pl.concat([batch.frame for batch in batches(asked.train, columns=list(asked.train.schema))])
        trial = replace(trial, train=labelled_of(known, columns, trial.rows, name=asked.train.name))
    mark = dataset.mark(frame.height)
    mark = msgspec.structs.replace(mark, notes=(*mark.notes, *trial.rows.notes))
    if trial.rows.missing:
        note = f"{trial.rows.missing:,} rows have no label, prediction, score or weight, and were left out"
        mark = msgspec.structs.replace(mark, notes=(*mark.notes, note))
    return trial, mark


def trial_of_frame(
    frame: pl.DataFrame, columns: Columns, *, name: str, task: Task, told: EvaluationSettings, model: Model | None, seed: int
) -> Trial:  # fmt: skip
    """Return the rows of a frame, and what a model says of them where it is at hand, as a trial."""
    block = parse_duration(told.block) if told.block else None

    def read(rows: pl.DataFrame) -> Predictions:
        rows, said, notes = with_output(rows, columns, model, task=task)
        found = predictions_of(rows, said, task=task, name=name, threshold=told.threshold, block=block)
        return replace(found, notes=notes)

    def again(changed: pl.DataFrame) -> Predictions:
        return read(changed.select(~cs.starts_with(SAID)))

    rows, rng = read(frame), np.random.default_rng(seed)
    units = resamples(rows.n, rng=rng, replicates=told.replicates, entities=rows.entity, blocks=rows.block)
    custom = {name: formula.metric(name) for name, formula in told.formulas.items()}
    names = tuple(dict.fromkeys((*(told.metrics or _usual(rows)), *told.bounds, *custom)))
    trial = Trial(rows, units, names, rng, told.confidence, model, custom, again if model is not None else None)
    for asked in names:
        if task not in trial.metric(asked).tasks:
            tasks = " and ".join(trial.metric(asked).tasks)
            raise UsageError(
                f"{asked} is a metric of {tasks}, not of {task}", hint=f"such as {', '.join(_usual(rows)[:5])}"
            )
    return trial


def _usual(rows: Predictions) -> tuple[str, ...]:
    """Return the metrics of a task where none was asked for: first those that can be had of these predictions."""
    levels = tuple(float(str(q)) for q in rows.classes) if rows.task == "quantile" else ()
    names = defaults(rows.task) + (of_levels(levels) if levels else ())
    return tuple(sorted(names, key=lambda name: bool(unsuited(metric_of(name), rows))))


def features_of(columns: Columns, dataset: Dataset, model: Model | None) -> tuple[str, ...]:
    """Return the features: those named, else the model's own, else every column that has no role and is no id.

    Raises UsageError where a column that has a role is not there.
    """
    dataset.refuse_unknown(named(columns))
    if columns.features:
        return columns.features
    if model is not None and model.features:
        return tuple(name for name in model.features if name in dataset.schema)
    left = {*named(columns), *dataset.roles.names()} - set(dataset.roles.sensitive)
    return tuple(n for n, kind in dataset.columns.items() if kind in FEATURES and n not in left)


def _written_down(trial: Trial, dataset: Dataset, asked: Asked, before: tuple[Entry, ...], now: datetime) -> Part:
    told = asked.settings.ledger
    figures = {name: None if e.value is None else float(e.value) for name, e in trial.estimates.items()}
    name = asked.model.name if asked.model is not None else asked.columns.prediction or asked.columns.score
    entry = Entry(now.isoformat(), dataset.fingerprint, told.use, dataset.name, trial.rows.n, name, figures)
    append(entry, told.path)
    return looked(before, entry, settings=told, confidence=trial.confidence)
