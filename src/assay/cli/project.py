"""Run every check of assay.yaml, every comparison for drift, or every evaluation."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.cli.options import progress_of, report_quarantine, show
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.config import Config, DriftConfig, EvaluationConfig
    from assay.data.dataset import Dataset
    from assay.verdict import Findings

__all__ = ["check_project", "drift_project", "evaluate_project"]


def check_project(path: str, *, format: str | None, output: str | None, now: datetime | None) -> int:
    """Judge every dataset that assay.yaml says, show the findings as one, and write the reports that it asks for."""
    config = _loaded(path)
    if not config.checks:
        raise UsageError("the file asks for no checks", place=path, hint="add an entry under checks:")
    return _shown(config, [_judge(config, i, now) for i in range(len(config.checks))], "findings", format, output)


def drift_project(path: str, *, format: str | None, output: str | None) -> int:
    """Compare every dataset that assay.yaml says with its reference, show the findings as one, and write the reports."""
    config = _loaded(path)
    if not config.drift:
        raise UsageError("the file asks for no comparison", place=path, hint="add an entry under drift:")
    return _shown(config, [_compared(config, one) for one in config.drift], "drift", format, output)


def evaluate_project(path: str, *, format: str | None, output: str | None) -> int:
    """Evaluate every model that assay.yaml says, show the findings as one, and write the reports."""
    config = _loaded(path)
    if not config.evaluate:
        raise UsageError("the file asks for no evaluation", place=path, hint="add an entry under evaluate:")
    return _shown(config, [_evaluated(config, one) for one in config.evaluate], "evaluation", format, output)


def _evaluated(config: Config, one: EvaluationConfig) -> Findings:
    from assay.api import Options, evaluate
    from assay.cli.evaluate import opened_model
    from assay.evaluation.evaluate import PARTS
    from assay.evaluation.settings import EvaluationSettings, load_settings

    source = one.model
    if source is not None and Path(config.path(source)).exists():
        source = config.path(source)
    settings = load_settings(config.path(one.settings)) if one.settings else EvaluationSettings()
    model = opened_model(source, one.features, trust=one.trust, options=settings.model)
    train = _dataset(config, one.train) if one.train is not None else None
    with progress_of(f"evaluating {one.dataset}", len(PARTS), unit="parts") as progress:
        return evaluate(
            _dataset(config, one.dataset), task=one.task, model=model, settings=settings, train=train,
            options=Options(progress=progress), **_columns(one),
        )  # fmt: skip


def _columns(one: EvaluationConfig) -> dict[str, Any]:
    """Return the columns that an entry names; roles of the dataset stand for those that it does not."""
    named: dict[str, Any] = {
        "label": one.label, "prediction": one.prediction, "score": one.score, "scores": one.scores, "labels": one.labels,
        "predictions": one.said, "positive": one.positive, "query": one.by, "weight": one.weight, "entity": one.entity,
        "features": one.features,
    }  # fmt: skip
    return {name: value for name, value in named.items() if value not in ("", None, {}, ())}


def _loaded(path: str) -> Config:
    from assay.config import load_config

    if not Path(path).exists():
        raise UsageError(
            "no DATA was given and there is no such file",
            place=path,
            hint="name the data, or write the file with: assay init",
        )
    return load_config(path)


def _shown(config: Config, findings: list[Findings], name: str, format: str | None, output: str | None) -> int:
    from assay.verdict import joined

    merged = joined(findings)
    show(merged, format=format, output=output)
    if config.report.formats:
        _write(config, merged, name)
    return merged.exit_code


def _compared(config: Config, one: DriftConfig) -> Findings:
    from assay.api import Options, drift
    from assay.cli.drift import load_importances

    current = _side(config, one.dataset)
    with progress_of(f"comparing {one.dataset}") as progress:
        importances = load_importances(config.path(one.importances)) if one.importances else None
        settings = config.path(one.settings) if one.settings else None
        options = Options(progress=progress)
        return drift(
            _side(config, one.reference),
            current,
            settings=settings,
            importances=importances,
            rows=one.rows,
            options=options,
        )


def _side(config: Config, name: str) -> Dataset | str:
    """Return a dataset by its name, or the path of the saved profile that stands for it."""
    from assay.profiles.saved import is_profile

    path = config.path(config.datasets[name].source)
    return path if is_profile(path) else _dataset(config, name)


def _judge(config: Config, place: int, now: datetime | None) -> Findings:
    from assay.api import Options, check, quarantine

    one = config.checks[place]
    current = _dataset(config, one.dataset)
    reference = _dataset(config, one.reference) if one.reference else None
    suite = config.path(one.suite) if one.suite else None
    with progress_of(f"checking {current.name}", current.n_rows) as progress:
        others = {name: _dataset(config, name) for name in one.others}
        options = Options(others=others, stage=one.stage, now=now, progress=progress)
        findings = check(current, suite, reference=reference, options=options)
    if one.quarantine:
        apart = quarantine(current, suite, config.path(one.quarantine), reference=reference, options=options)
        report_quarantine(apart)
    return findings


def _dataset(config: Config, name: str) -> Dataset:
    from assay.data.sources import dataset

    told = config.datasets[name]
    return dataset(config.path(told.source), name=name, query=told.query, roles=told.roles)


def _write(config: Config, merged: Findings, name: str) -> None:
    from assay.reports.render import SUFFIXES, write

    folder = Path(config.path(config.report.folder))
    suffixes = {format: suffix for suffix, format in reversed(SUFFIXES.items())}
    for format in config.report.formats:
        write(merged, folder / f"{name}{suffixes[format]}", format=format)
