"""What a model has to beat: the table of baselines, and what each says of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import UsageError, nearest
from assay.evaluation.baselines.one_feature import one_feature, usable
from assay.evaluation.columns import Task, codes_of
from assay.evaluation.metrics.metric import Need
from assay.evaluation.predictions import Predictions

__all__ = ["BASELINES", "Baseline", "BaselineSettings", "Field", "StandIn", "constants"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_ROWS = 4_000_000  # that the rows and what each could be said to be may come to


class BaselineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a model is set beside.

    `metrics` are judged over the baselines (default: the leading one; every other is shown). `only` and `ignore` choose
    baselines by name. `time` is the column in whose order the last label of a row's entity is known
    (of all rows, where there are no entities); `period` asks for the label so many rows before too ("the same hour yesterday":
    24). `previous` is the column of a previous model's predictions, `previous_score` that of its scores.
    """

    metrics: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    time: str = ""
    period: int = 0
    previous: str = ""
    previous_score: str = ""

    def __post_init__(self) -> None:
        if self.period < 0 or self.period == 1:
            raise ValueError(f"period is {self.period}; it is a number of rows, 2 or more")
        for name in (*self.only, *self.ignore):
            if name not in BASELINES:
                raise ValueError(f"there is no baseline {name!r}; {nearest(name, BASELINES, most=len(BASELINES))}")


@dataclass(frozen=True, slots=True)
class Field:
    """What a baseline may look at: the rows, the settings, chance, training rows and another model's predictions where given.

    `framed` says whether a metric looks at the columns of the dataset, so that rows that are repeated have to keep them.
    """

    rows: Predictions
    settings: BaselineSettings
    rng: np.random.Generator
    train: Predictions | None = None
    previous: Predictions | None = None
    framed: bool = False

    @property
    def known(self) -> Predictions:
        """Return the rows that constants are taken from: training rows where given, else those that are evaluated."""
        return self.rows if self.train is None else self.train


@dataclass(frozen=True, slots=True)
class StandIn:
    """What a baseline says, as predictions: `serves` which metrics, by what they need.

    `of` is the row that each of its rows stands for, where these are not all rows once each; `kept` the rows of which it
    says something, where these are not all. `once` is one draw of a baseline by chance, for metrics that cannot be had of rows
    that count in part; `says` is what it found, for a reader.
    """

    rows: Predictions
    serves: frozenset[Need]
    of: Codes | None = None
    kept: Bools | None = None
    once: Predictions | None = None
    says: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """One member of the table: what it says in words, of which tasks, and its predictions, or why there are none."""

    title: str
    tasks: tuple[Task, ...]
    make: Callable[[Field], StandIn | str]


PREDICTIONS: frozenset[Need] = frozenset({"predictions", "labels"})
PROBABILITIES: frozenset[Need] = frozenset({"probabilities"})
SCORES: frozenset[Need] = frozenset({"scores"})
ALL: frozenset[Need] = frozenset({"predictions", "labels", "scores", "probabilities"})


# By chance --------------------------------------------------------------------------------------------------------------


def _frequencies(rows: Predictions) -> Floats:
    """Return the share of each class (of several labels: of the rows that have it)."""
    w = rows.own_weights
    if rows.task == "multilabel":
        return np.asarray((rows.labels * w[:, None]).sum(0) / w.sum())
    counts = np.bincount(np.asarray(rows.labels, dtype=np.int64), weights=w, minlength=len(rows.classes))
    return np.asarray(counts / w.sum(), dtype=np.float64)


def _bare(field: Field) -> Predictions:
    return field.rows if field.framed else replace(field.rows, frame=pl.DataFrame(), features=())


def _repeated(
    rows: Predictions, times: int, said: NDArray[np.int64] | NDArray[np.float64], shares: Floats
) -> tuple[Predictions, Codes]:
    """Return each row so many times, with what is said of it and the share of the row that this counts."""
    of = np.repeat(np.arange(rows.n), times)
    more = rows.at(of)
    weights = shares if more.weights is None else more.weights * shares
    return replace(more, predictions=said, weights=weights), of


def _drawn_classes(field: Field, shares: Floats, serves: frozenset[Need], says: str) -> StandIn:
    """Return classes by chance, of which every row has each in its share: the expected confusion matrix, without luck."""
    rows, k = _bare(field), len(shares)
    once = replace(rows, predictions=field.rng.choice(k, size=rows.n, p=shares), scores=_level(field.rows))
    if rows.n * k > MOST_ROWS:  # so many rows leave little to luck
        return StandIn(once, serves, once=once, says=f"{says}, drawn once")
    more, of = _repeated(rows, k, np.tile(np.arange(k), rows.n), np.tile(shares, rows.n))
    return StandIn(
        replace(more, scores=None if once.scores is None else once.scores[of]), serves, of=of, once=once, says=says
    )


def _level(rows: Predictions) -> Floats | None:
    """Return scores that order no row before another."""
    return None if rows.scores is None else np.full(rows.scores.shape, 0.5)


def _random(field: Field) -> StandIn:
    rows = field.rows
    if rows.task == "ranking":
        return StandIn(replace(rows, scores=_level(rows)), SCORES, says="every order, on average")
    if rows.task == "regression":
        return _drawn_labels(field)
    if rows.task == "multilabel":
        return _drawn_sets(field)
    k = len(rows.classes)
    return _drawn_classes(field, np.full(k, 1 / k), PREDICTIONS | SCORES, "each class as likely, rows in any order")


def _stratified(field: Field) -> StandIn:
    return _drawn_classes(field, _frequencies(field.known), PREDICTIONS, "on average")


def _drawn_labels(field: Field) -> StandIn:
    rows, known = _bare(field), np.asarray(field.known.labels, dtype=np.float64)
    times = int(np.clip(MOST_ROWS // max(rows.n, 1) // 2, 1, 50))
    once = replace(rows, predictions=field.rng.choice(known, size=rows.n))
    more, of = _repeated(rows, times, field.rng.choice(known, size=rows.n * times), np.full(rows.n * times, 1 / times))
    return StandIn(more, PREDICTIONS, of=of, once=once, says=f"the label of any row, {times} draws")


def _drawn_sets(field: Field) -> StandIn:
    rows, k = _bare(field), len(field.rows.classes)
    times = int(np.clip(MOST_ROWS // max(rows.n * k, 1), 1, 20))
    once = replace(rows, predictions=field.rng.integers(0, 2, size=(rows.n, k)), scores=_level(rows))
    more, of = _repeated(
        rows, times, field.rng.integers(0, 2, size=(rows.n * times, k)), np.full(rows.n * times, 1 / times)
    )
    return StandIn(
        replace(more, scores=_level(more)),
        PREDICTIONS | SCORES,
        of=of,
        once=once,
        says=f"each label or not as likely, {times} draws",
    )


# The same for every row -------------------------------------------------------------------------------------------------


def _majority(field: Field) -> StandIn:
    rows, shares = field.rows, _frequencies(field.known)
    if rows.task == "multilabel":
        said = np.tile((shares > 0.5).astype(np.int64), (rows.n, 1))
        return StandIn(replace(rows, predictions=said, scores=None), PREDICTIONS)
    most = int(shares.argmax())
    found = replace(rows, predictions=np.full(rows.n, most), scores=None)
    return StandIn(found, PREDICTIONS, says=f"{rows.classes[most]!r} always")


def _positive(field: Field) -> StandIn | str:
    rows = field.rows
    if int(_frequencies(field.known).argmax()) == 1:
        return "the positive class is the most frequent one"
    found = replace(rows, predictions=np.full(rows.n, 1), scores=None)
    return StandIn(found, PREDICTIONS, says=f"{rows.classes[1]!r} always")


def _prior(field: Field) -> StandIn | str:
    rows, shares = field.rows, _frequencies(field.known)
    if rows.scores is None or not rows.probabilities:
        return "the model says no probabilities"
    k = len(shares)
    said = (
        np.tile((shares > 0.5).astype(np.int64), (rows.n, 1))
        if rows.task == "multilabel"
        else np.full(rows.n, int(shares.argmax()))
    )
    return StandIn(
        replace(rows, predictions=said, scores=np.tile(shares, (rows.n, 1)).reshape(rows.n, k)), PROBABILITIES
    )


def _constant(of: Callable[[Floats], float]) -> Callable[[Field], StandIn]:
    def make(field: Field) -> StandIn:
        value = of(np.asarray(field.known.labels, dtype=np.float64))
        return StandIn(
            replace(field.rows, predictions=np.full(field.rows.n, value)), PREDICTIONS, says=f"{value:.4g} always"
        )

    return make


def _levels(field: Field) -> StandIn:
    levels = [float(str(level)) for level in field.rows.classes]
    values = np.quantile(np.asarray(field.known.labels, dtype=np.float64), levels)
    return StandIn(replace(field.rows, predictions=np.tile(values, (field.rows.n, 1))), PREDICTIONS)


def constants(rows: Predictions) -> Iterator[Predictions]:
    """Yield what can be said without a look at any row: each class always, no label or all of them, the mean, the quantiles."""
    if rows.task in ("binary", "multiclass"):
        shares = np.tile(_frequencies(rows), (rows.n, 1))
        for c in range(len(rows.classes)):
            yield replace(rows, predictions=np.full(rows.n, c), scores=shares, probabilities=True)
    elif rows.task == "multilabel":
        shares = np.tile(_frequencies(rows), (rows.n, 1))
        for c in (0, 1):
            yield replace(rows, predictions=np.full(rows.labels.shape, c), scores=shares, probabilities=True)
    elif rows.task == "regression":
        labels = np.asarray(rows.labels, dtype=np.float64)
        yield replace(rows, predictions=np.full(rows.n, np.average(labels, weights=rows.weights)))
    elif rows.task == "quantile":
        levels = [float(str(level)) for level in rows.classes]
        yield replace(
            rows, predictions=np.tile(np.quantile(np.asarray(rows.labels, dtype=np.float64), levels), (rows.n, 1))
        )


# One feature ------------------------------------------------------------------------------------------------------------


def _one_feature(field: Field) -> StandIn | str:
    rows = field.rows
    names = [n for n in usable(rows) if field.train is None or n in field.train.frame.columns]
    if not names:
        return "no features are known"
    if field.train is None and rows.n < 10:
        return f"{rows.n} rows are too few to fit a rule on some of them and try it on others"
    rule = one_feature(rows, rng=field.rng, train=field.train)
    said, scores = rule.values, None
    probabilities = rows.probabilities
    if rows.task in ("binary", "multiclass"):
        said, scores = rule.values.argmax(1), rule.values
        probabilities = True
    elif rows.task == "multilabel":
        said, scores = (rule.values >= 0.5).astype(np.int64), rule.values
    elif rows.task == "ranking":
        return StandIn(replace(rows, scores=rule.values), SCORES, says=rule.feature)
    elif rows.task == "regression":
        said = rule.values[:, 0]
    return StandIn(replace(rows, predictions=said, scores=scores, probabilities=probabilities), ALL, says=rule.feature)


# The label before -------------------------------------------------------------------------------------------------------


def _before(back: Callable[[BaselineSettings], int]) -> Callable[[Field], StandIn | str]:
    def make(field: Field) -> StandIn | str:
        rows, time, steps = field.rows, field.settings.time, back(field.settings)
        if steps < 1:
            return "no period is named"
        if not time:
            return "no column of time is named"
        if time not in rows.frame.columns:
            raise UsageError(f"baselines: there is no column {time!r} of time", hint=nearest(time, rows.frame.columns))
        entity = np.zeros(rows.n, dtype=np.int64) if rows.entity is None else rows.entity
        rank = np.asarray(rows.frame.get_column(time).rank("dense").fill_null(0).to_numpy(), dtype=np.int64)
        order = np.lexsort((rank, entity))
        e, t = entity[order], rank[order]
        if ((e[1:] == e[:-1]) & (t[1:] == t[:-1])).any():
            told = (
                "of one entity "
                if rows.entity is not None
                else "and no column of an entity is named, which tells them apart; they "
            )
            return f"several rows {told}have the same time"
        source = np.full(rows.n, -1, dtype=np.int64)
        same = e[steps:] == e[:-steps] if steps < rows.n else np.zeros(0, dtype=np.bool_)
        source[order[steps:][same]] = order[:-steps][same] if steps < rows.n else 0
        return _of_labels(rows, source)

    return make


def _of_labels(rows: Predictions, source: Codes) -> StandIn | str:
    """Return the label of another row as what is said of each, -1 where there is none."""
    kept = source >= 0
    if not kept.any():
        return "no row has a label before it"
    found = rows.at(kept)
    labels: NDArray[np.int64] | NDArray[np.float64] = rows.labels[source[kept]]
    scores: Floats | None = None
    if rows.task == "quantile":
        labels = np.tile(np.asarray(labels, dtype=np.float64)[:, None], (1, len(rows.classes)))
    elif rows.task in ("binary", "multiclass"):
        scores = np.asarray(labels[:, None] == np.arange(len(rows.classes)), dtype=np.float64)
    elif rows.task == "multilabel":
        scores = labels.astype(np.float64)
    serves = PREDICTIONS if scores is None else PREDICTIONS | SCORES
    made = replace(found, predictions=labels, scores=scores, probabilities=False)
    return StandIn(made, serves, kept=None if kept.all() else kept)


# Another model ----------------------------------------------------------------------------------------------------------


def _previous(field: Field) -> StandIn | str:
    rows, told = field.rows, field.settings
    if field.previous is not None:
        if field.previous.n != rows.n:
            raise UsageError(
                f"the previous model has {field.previous.n:,} rows, the model {rows.n:,}; they are the same rows"
            )
        return StandIn(field.previous, ALL)
    named = [name for name in (told.previous, told.previous_score) if name]
    if not named:
        return "no previous model is named"
    for name in named:
        if name not in rows.frame.columns:
            raise UsageError(
                f"baselines: there is no column {name!r} of a previous model", hint=nearest(name, rows.frame.columns)
            )
    there = rows.frame.select(pl.all_horizontal(pl.col(n).is_not_null() for n in named)).to_series().to_numpy()
    return (
        replace(_of_columns(rows.at(there), told), kept=None if there.all() else there)
        if there.any()
        else "it says nothing of any row"
    )


def _of_columns(rows: Predictions, told: BaselineSettings) -> StandIn:
    column = rows.frame.get_column
    score = column(told.previous_score).cast(pl.Float64).to_numpy() if told.previous_score else None
    if rows.task == "ranking":
        given = score if score is not None else column(told.previous).cast(pl.Float64).to_numpy()
        return StandIn(replace(rows, scores=np.asarray(given)[:, None]), SCORES)
    if rows.task == "regression":
        given = column(told.previous or told.previous_score).cast(pl.Float64).to_numpy()
        return StandIn(replace(rows, predictions=np.asarray(given)), PREDICTIONS)
    said = codes_of(column(told.previous), rows.classes, name="baselines") if told.previous else None
    if score is None:
        return StandIn(replace(rows, predictions=said, scores=None), PREDICTIONS)
    inside = bool(((score >= 0) & (score <= 1)).all())
    said = (score >= 0.5).astype(np.int64) if said is None and inside else said
    scores = np.column_stack([1 - score if inside else -score, score])
    return StandIn(replace(rows, predictions=said, scores=scores, probabilities=inside), ALL)


# The table --------------------------------------------------------------------------------------------------------------

_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_EVERY: tuple[Task, ...] = ("binary", "multiclass", "multilabel", "regression", "quantile", "ranking")

BASELINES: Mapping[str, Baseline] = {
    "random": Baseline(
        "chance", ("binary", "multiclass", "multilabel", "regression", "ranking"), _random
    ),
    "stratified": Baseline("a class by chance, as often as it occurs", _CLASSES, _stratified),
    "majority": Baseline("the most frequent class", (*_CLASSES, "multilabel"), _majority),
    "positive": Baseline("the positive class, which F1 is high for", ("binary",), _positive),
    "prior": Baseline("the share of each class as its probability", (*_CLASSES, "multilabel"), _prior),
    "mean": Baseline("the mean label", ("regression",), _constant(lambda labels: float(labels.mean()))),
    "median": Baseline("the median label", ("regression",), _constant(lambda labels: float(np.median(labels)))),
    "constant": Baseline("the quantiles of the labels", ("quantile",), _levels),
    "one_feature": Baseline("a rule that looks at the best single feature", _EVERY, _one_feature),
    "last_value": Baseline(
        "the label before it in time", ("binary", "multiclass", "multilabel", "regression", "quantile"), _before(lambda s: 1)
    ),
    "seasonal": Baseline(
        "the label one period before it", ("binary", "multiclass", "multilabel", "regression", "quantile"), _before(lambda s: s.period)
    ),
    "previous": Baseline("the previous model", _EVERY, _previous),
}  # fmt: skip
