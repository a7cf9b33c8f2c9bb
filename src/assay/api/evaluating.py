"""Say what a model is worth on labelled data, and which of several is better."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import msgspec

from assay.api.options import DEFAULTS, Options, instant
from assay.data.sources import dataset
from assay.errors import UsageError, nearest
from assay.verdict import Findings, Verdict

if TYPE_CHECKING:
    from assay.data.dataset import Dataset
    from assay.evaluation.challenge.contest import Contender
    from assay.evaluation.challenge.policy import Policy
    from assay.evaluation.columns import Columns, Task
    from assay.evaluation.models.model import Model
    from assay.evaluation.settings import EvaluationSettings

__all__ = ["PredictionColumns", "challenge", "evaluate"]


class PredictionColumns(TypedDict, total=False):
    """The columns of labels and predictions, as `evaluate` takes them; `assay.evaluation.columns.Columns` says what each is."""

    label: str
    prediction: str
    score: str
    scores: Mapping[Hashable, str]
    labels: Sequence[str]
    predictions: Mapping[str, str]
    positive: Hashable
    query: str
    weight: str
    entity: str
    time: str
    features: Sequence[str]


def evaluate(
    data: object, *, task: Task, model: Model | Callable[..., object] | str | Path | None = None,
    settings: EvaluationSettings | str | Path | None = None, train: object = None, options: Options = DEFAULTS,
    **columns: Unpack[PredictionColumns],
) -> Findings:  # fmt: skip
    """Evaluate a model on labelled data and return the findings: metrics with intervals, against baselines, per slice and group.

    `data` has the labels, and what the model said (`prediction`, `score`, …); or `model` is at hand, as an object, a function
    of a frame, or a path or URL (`open_model` opens one that needs trust). `settings` are a record, or a YAML file. Where `train`,
    the data that the model was fitted on, is given, and shares rows with `data`, nothing is evaluated: the figures would
    flatter. Bounds are judged by whole intervals; the findings' tables are frames: `findings.table("slices")`. The `functions` of
    `options` are metrics of your own: each takes a frame of the rows, with `label`, `prediction` and `score`, and returns a number.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"y": [0, 1] * 50, "p": [0.2, 0.8] * 45 + [0.8, 0.2] * 5})
    >>> seen = evaluate(rows, task="binary", label="y", score="p")["auc"]
    >>> seen.value, seen.low < 0.9 < seen.high
    (0.9, True)
    """
    from assay import __version__
    from assay.evaluation.evaluate import Asked
    from assay.evaluation.evaluate import evaluate as evaluated

    tested = dataset(data)
    told = _settings(settings, tested)
    shared = _shared(tested, train, options) if train is not None else None
    if shared is not None and not shared:
        return _refused(shared)
    roles = _roles(columns, tested)
    fitted = None if train is None else dataset(train, part="train")
    asked = Asked(task, roles, told, _model(model, told, roles.features), options.functions, fitted)
    found = evaluated(
        tested, asked, seed=options.seed, now=instant(options), version=__version__, progress=options.progress
    )
    if shared is None:
        return found
    origin = msgspec.structs.replace(
        found.provenance, datasets=(*found.provenance.datasets, *shared.provenance.datasets[1:])
    )
    return msgspec.structs.replace(found, outcomes=(*shared.outcomes, *found.outcomes), provenance=origin)


def challenge(
    data: object, champion: object, challengers: Mapping[str, object], *, task: Task, policy: Policy | str | Path | None = None,
    settings: EvaluationSettings | None = None, options: Options = DEFAULTS, **columns: Unpack[PredictionColumns],
) -> Findings:  # fmt: skip
    """Compare challengers with the champion on the same labelled rows, and return the findings: who is to serve, and why.

    `champion` and each of the `challengers`, by name, is a model (an object, a function of a frame, a path or URL), or a mapping
    that names the columns of `data` with what it said: `{"score": "p_old"}`, `{"prediction": "said_new"}`. `policy` is a record
    or a YAML file. Findings PASS where a challenger shows all that the policy asks by whole intervals, FAIL where none can, and
    are INCONCLUSIVE where the rows do not tell.

    >>> import numpy as np, polars as pl
    >>> y = np.random.default_rng(1).integers(0, 2, 2_000)
    >>> rows = pl.DataFrame(
    ...     {
    ...         "y": y,
    ...         "old": y + np.random.default_rng(2).normal(0, 2, 2_000),
    ...         "new": y + np.random.default_rng(3).normal(0, 1, 2_000),
    ...     }
    ... )
    >>> challenge(rows, {"score": "old"}, {"new": {"score": "new"}}, task="binary", label="y").verdict
    <Verdict.PASS: 'pass'>
    """
    from assay import __version__
    from assay.codec import load_yaml, read_text
    from assay.evaluation.challenge.contest import Contest, contest
    from assay.evaluation.challenge.policy import Policy

    tested = dataset(data)
    told = (
        load_yaml(read_text(policy), Policy, file=str(policy)) if isinstance(policy, str | Path) else policy or Policy()
    )
    if "champion" in challengers:
        raise UsageError("a challenger is called 'champion'", hint="give it a name of its own")
    how, roles = _settings(settings, tested), _roles(columns, tested)
    everyone = {
        name: _contender(each, name, how, roles) for name, each in {**challengers, "champion": champion}.items()
    }
    asked = Contest(task, roles, everyone.pop("champion"), everyone, how, told)
    return contest(tested, asked, seed=options.seed, now=instant(options), version=__version__)


def _contender(given: object, name: str, how: EvaluationSettings, roles: Columns) -> Contender:
    """Return a model, or the columns that hold what one said."""
    from assay.evaluation.challenge.contest import Said
    from assay.evaluation.models.opening import open_model

    if isinstance(given, Said):
        return given
    if not isinstance(given, Mapping):
        return open_model(given, features=roles.features or None, options=how.model)
    known = ("prediction", "score", "scores", "predictions")
    for key in given:
        if key not in known:
            raise UsageError(
                f"{name} is told {key!r}, which says nothing of predictions", hint=nearest(str(key), known)
            )
    return Said(**{str(key): value for key, value in given.items()})


def _roles(columns: PredictionColumns, tested: Dataset) -> Columns:
    """Return the roles of columns: those that were named, else those of the dataset."""
    from assay.evaluation.columns import Columns

    roles = tested.roles
    for name in columns:
        if name not in PredictionColumns.__annotations__:
            raise UsageError(f"{name!r} is no role of a column", hint=nearest(name, PredictionColumns.__annotations__))
    told = {"label": roles.label or "", "prediction": roles.prediction or "", "time": roles.time or "", **columns}
    for name in ("labels", "features"):
        if name in told:
            told[name] = tuple(told[name])  # type: ignore[arg-type]
    made = Columns(**told)  # type: ignore[arg-type]
    if not made.label and not made.labels:
        raise UsageError("the label is not named", hint="give label=..., the column that holds the truth")
    return made


def _settings(given: EvaluationSettings | str | Path | None, tested: Dataset) -> EvaluationSettings:
    from assay.evaluation.settings import EvaluationSettings, load_settings

    told = load_settings(given) if isinstance(given, str | Path) else given or EvaluationSettings()
    if tested.roles.sensitive and not told.fairness.columns:
        fairness = msgspec.structs.replace(told.fairness, columns=tested.roles.sensitive)
        told = msgspec.structs.replace(told, fairness=fairness)
    return told


def _model(given: object, told: EvaluationSettings, features: tuple[str, ...]) -> Model | None:
    from assay.evaluation.models.opening import open_model

    return None if given is None else open_model(given, features=features or None, options=told.model)


def _shared(tested: Dataset, train: object, options: Options) -> Findings:
    """Return what the test set shares with the data that the model was fitted on: keys, and rows.

    A shared key is a FAIL, and where rows have no key, a shared row: rows that a model was fitted on make it look better than
    it is. Rows that are alike and have keys of their own are a WARN: common values, or copies.
    """
    from assay.api.checking import check
    from assay.checks.suite import make_check

    keyed = bool(tested.roles.id)
    sides = [make_check("no_shared_rows", (), {"other": "train", "level": "warn" if keyed else "fail"})]
    sides += [make_check("no_shared_keys", (), {"other": "train"})] if keyed else []
    return check(tested, sides, options=replace(options, others={**options.others, "train": train}, progress=None))


def _refused(shared: Findings) -> Findings:
    """Return the findings that refuse to evaluate."""
    why = "nothing was evaluated: rows that a model was fitted on make it look better than it is"
    outcomes = tuple(
        o if o.verdict in (Verdict.PASS, Verdict.WARN) else msgspec.structs.replace(o, why=f"{o.why}; {why}")
        for o in shared.outcomes
    )
    return msgspec.structs.replace(shared, outcomes=outcomes)
