"""Findings about performance without labels: what is estimated, what it rests on, and what labels that are there say."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
import polars as pl

from assay.data.dataset import Dataset
from assay.data.kinds import Kind
from assay.data.polars_engine import batches
from assay.errors import UsageError, nearest
from assay.evaluation.bounds import Bound
from assay.evaluation.columns import Columns, Task
from assay.evaluation.estimation.confidence_based import METRICS
from assay.evaluation.estimation.estimates import Estimated, Estimation, Estimator
from assay.evaluation.estimation.estimator import METRICS_OF, compared, fit, realised
from assay.evaluation.estimation.judging import FAMILY, judged
from assay.evaluation.estimation.truth import Realised
from assay.verdict import Estimate, Findings, Mark, Outcome, Provenance, Verdict

__all__ = ["LEAD", "WORSE_AT_MOST", "Asked", "bounds_of", "performance"]

LEAD: Mapping[Task, str] = {"binary": "auc", "multiclass": "macro_auc", "regression": "mae"}
WORSE_AT_MOST = 0.10
FEATURES = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL, Kind.BOOLEAN, Kind.TEXT, Kind.CATEGORY})


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be estimated: of which task, in which columns, by which metrics (none: all that can be), in what bounds."""

    task: Task
    columns: Columns
    metrics: tuple[str, ...] = ()
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    confidence: float = 0.95


def bounds_of(
    task: Task, metrics: Sequence[str] = (), *, worse_at_most: float | None = None,
    at_least: Mapping[str, float] | None = None, at_most: Mapping[str, float] | None = None,
) -> dict[str, Bound]:  # fmt: skip
    """Return the bounds that a few words say.

    `at_least` and `at_most` are about the metrics that they name. `worse_at_most`, a share of the metric on the reference,
    is about the other `metrics`, or where none is named about the task's leading one: the area under the curve, or the mean
    absolute error. Where nothing at all is said, the leading metric may be worse by a tenth.

    >>> bounds_of("binary")
    {'auc': Bound(at_least=None, at_most=None, worse_at_most=0.1)}
    """
    if task not in LEAD:
        raise UsageError(f"{task!r} is no task", hint=nearest(str(task), LEAD))
    least, most = dict(at_least or {}), dict(at_most or {})
    found = {name: Bound(least.get(name), most.get(name)) for name in (*least, *(n for n in most if n not in least))}
    if worse_at_most is None and not found:
        worse_at_most = WORSE_AT_MOST
        metrics = metrics if LEAD[task] not in metrics else ()
    if worse_at_most is not None:
        found |= {name: Bound(worse_at_most=worse_at_most) for name in metrics or (LEAD[task],) if name not in found}
    return found


def performance(
    reference: Dataset, current: Dataset, asked: Asked, *, seed: int, started_at: str, version: str
) -> Findings:  # fmt: skip
    """Return the findings about a model's performance on current data that has no labels, by a labelled reference.

    There is an outcome for each metric, judged by its bound, and for each condition that the estimates rest on. Where the
    current data has labels after all, in some rows or in all, there are two more for each metric: the realised one, judged
    by the same bound, and whether the estimate's interval, on the labelled rows, held it.

    Raises `UsageError` for a column that is missing and for roles that do not fit the task, `DataError` for data that
    cannot be read, and for scores and labels that are none.
    """
    begun = time.perf_counter()
    asked = _filled(asked, reference, current)
    columns = asked.columns
    known = _frame(reference, [columns.label, *columns.names, columns.time])
    labelled = columns.label in current.schema
    window = _frame(current, [*columns.names, *([columns.label] if labelled else [])])
    rng = np.random.default_rng(seed)
    estimator = fit(known, columns=columns, task=asked.task, rng=rng, metrics=asked.metrics)
    estimation = estimator.estimate(window, rng=rng, confidence=asked.confidence)
    outcomes = _quieter(judged(estimation, bounds=asked.bounds), asked)
    notes: tuple[str, ...] = ()
    if labelled:
        found, notes = _truth(window, estimation, estimator, asked, rng)
        outcomes = (*found, *outcomes)
    provenance = Provenance(
        assay=version, started_at=started_at, seconds=round(time.perf_counter() - begun, 3), scans=2, seed=seed,
        datasets=(_marked(current, window.height, notes), _marked(reference, known.height, ())), versions={"polars": pl.__version__},
    )  # fmt: skip
    return Findings(current.name, outcomes, provenance)


def _marked(dataset: Dataset, rows: int, notes: tuple[str, ...]) -> Mark:
    mark = dataset.mark(rows)
    return msgspec.structs.replace(mark, notes=(*mark.notes, *notes))


def _filled(asked: Asked, reference: Dataset, current: Dataset) -> Asked:
    """Return what is asked with what was left open: the metrics that can be estimated, the features that are there."""
    if asked.task not in METRICS_OF:
        raise UsageError(f"{asked.task!r} is no task", hint=nearest(str(asked.task), METRICS_OF))
    columns = asked.columns
    for name in asked.metrics:
        if not _can(name, asked):
            said = f"the metric {name!r} is about what the model said, and no column of predictions is named"
            raise UsageError(said, hint="give the prediction's column, or leave the metric out")
    metrics = asked.metrics or tuple(name for name in METRICS_OF[asked.task] if _can(name, asked))
    if asked.task == "regression" and not columns.features:
        left = {columns.label, columns.prediction, columns.time, *reference.roles.id, *current.roles.id}
        shared = [
            name
            for name, kind in reference.columns.items()
            if kind in FEATURES and current.columns.get(name) in FEATURES
        ]
        columns = replace(columns, features=tuple(name for name in shared if name not in left))
    return replace(asked, metrics=metrics, columns=columns)


def _can(metric: str, asked: Asked) -> bool:
    """Return whether a metric can be estimated from the columns that were named."""
    known = METRICS.get(asked.task, {})
    return metric not in known or known[metric].needs == "score" or bool(asked.columns.prediction)


def _frame(dataset: Dataset, names: Sequence[str]) -> pl.DataFrame:
    """Return some columns of a dataset, all of their rows; raise `UsageError` where one is not there."""
    wanted = list(dict.fromkeys(name for name in names if name))
    for name in wanted:
        if name not in dataset.schema:
            raise UsageError(f"{dataset.name} has no column {name!r}", hint=nearest(name, dataset.schema))
    return pl.concat([batch.frame for batch in batches(dataset, columns=wanted)])


def _quieter(outcomes: Sequence[Outcome], asked: Asked) -> tuple[Outcome, ...]:
    """Return outcomes in which a metric that is undefined, and that nothing was asked of, is skipped."""

    def asked_of(outcome: Outcome) -> bool:
        return outcome.observed is None or outcome.observed.value is not None or outcome.subject in asked.bounds

    return tuple(one if asked_of(one) else msgspec.structs.replace(one, verdict=Verdict.SKIP) for one in outcomes)


# Labels that are there after all --------------------------------------------------------------------------------------


def _truth(
    window: pl.DataFrame, estimation: Estimation, estimator: Estimator, asked: Asked, rng: np.random.Generator
) -> tuple[tuple[Outcome, ...], tuple[str, ...]]:
    """Return what the labels say, and a note on how many there are."""
    label = window.get_column(asked.columns.label)
    there = label.is_not_null() & (label.is_not_nan().fill_null(value=False) if label.dtype.is_float() else True)
    rows = window.filter(there)
    if not rows.height:
        return (), (f"the column {label.name!r} holds no label yet",)
    note = f"{rows.height:,} of {window.height:,} rows have a label already, and are compared with the estimate"
    if rows.height < window.height:
        estimation = estimator.estimate(rows, rng=rng, confidence=asked.confidence)
    columns = replace(asked.columns, time="")  # the order of the rows is nothing to a metric
    truth = realised(rows, columns=columns, task=asked.task, metrics=asked.metrics, confidence=asked.confidence)
    held = tuple(_held(one, asked) for one in compared(estimation, truth))
    return (*_realised(estimation, truth, asked), *held), (note,)


def _realised(estimation: Estimation, truth: Mapping[str, Estimate], asked: Asked) -> tuple[Outcome, ...]:
    """Return the realised metrics judged by the bounds of the estimated ones; they rest on no condition."""
    metrics = tuple(Estimated(one.metric, truth[one.metric], one.reference) for one in estimation.metrics)
    real = msgspec.structs.replace(estimation, metrics=metrics, conditions=())
    renamed = (
        msgspec.structs.replace(one, check="realised_performance", id=f"realised_performance.{one.subject}")
        for one in judged(real, bounds=asked.bounds)
    )
    return _quieter(tuple(renamed), asked)


def _held(one: Realised, asked: Asked) -> Outcome:
    """Return whether the estimate's interval held the truth; a miss is a warning, as one in twenty misses by chance."""
    low, high = one.estimated.low, one.estimated.high
    if one.inside is None:
        verdict, why = Verdict.SKIP, f"there is nothing to compare: {one.estimated.why or one.realised.why}"
        ends = ""
    else:
        ends = f"{low:.4g} to {high:.4g}"
        said = f"it came to {float(one.realised.value or 0.0):.4g}, {'inside' if one.inside else 'outside'} of the estimated {ends}"
        misses = f"by chance alone 1 in {1 / (1 - asked.confidence):.0f} estimates misses; more say that a condition does not hold"
        verdict, why = (Verdict.PASS, said) if one.inside else (Verdict.WARN, f"{said}; {misses}")
    return Outcome(
        "estimate_held", one.metric, verdict, expected=f"inside {ends}" if ends else "", observed=one.realised, why=why,
        n_rows=one.realised.n, level="warn", family=FAMILY, id=f"estimate_held.{one.metric}",
    )  # fmt: skip
