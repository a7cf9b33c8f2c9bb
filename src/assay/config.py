"""assay.yaml: the datasets of a project, their roles, and what is judged by what, as one typed, strict record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from assay.codec import dump_yaml, json_schema, load_yaml, plain, read_text, refuse_other_format
from assay.data.dataset import Roles
from assay.errors import ConfigError, nearest

__all__ = [
    "FORMAT",
    "Config",
    "DatasetConfig",
    "DriftConfig",
    "EvaluationConfig",
    "Judgement",
    "ReportConfig",
    "config_schema",
    "describe",
    "dump_config",
    "load_config",
]

FORMAT = 1


class DatasetConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a dataset comes from: `source` is a path, folder, glob or URL (relative to this file), `query` for a database."""

    source: str
    query: str | None = None
    roles: Roles = Roles()


class Judgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One dataset and what it is judged by: a suite or schema file, a reference dataset, or both."""

    dataset: str
    suite: str | None = None
    reference: str | None = None
    others: tuple[str, ...] = ()
    stage: str = ""
    quarantine: str | None = None


class DriftConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One dataset and the reference that it is compared with; `settings` and `importances` are files, `rows` compares whole rows."""

    dataset: str
    reference: str
    settings: str | None = None
    importances: str | None = None
    rows: bool = False


class EvaluationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One labelled dataset and the predictions, or the model, that is evaluated on it; `settings` is a file.

    `task` is what the model does; the columns are those of `assay evaluate` (`by` is the query of a ranking, `scores` and `said`
    go by class, label or level). `model` is a file, a folder, a URL or `package.module:function`, whose code may run where
    `trust` is true; `train` is the dataset that it was fitted on.
    """

    dataset: str
    task: Literal["binary", "multiclass", "multilabel", "regression", "quantile", "ranking"]
    label: str = ""
    prediction: str = ""
    score: str = ""
    scores: dict[str, str] = {}
    labels: tuple[str, ...] = ()
    said: dict[str, str] = {}
    positive: str | int | float | bool | None = None
    by: str = ""
    weight: str = ""
    entity: str = ""
    features: tuple[str, ...] = ()
    model: str | None = None
    trust: bool = False
    train: str | None = None
    settings: str | None = None


class ReportConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where reports are written, in which formats (json, markdown, html, junit, text)."""

    folder: str = "reports"
    formats: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person writes: `Config` without the folder, which is where the file lies."""

    datasets: dict[str, DatasetConfig]
    format: int = FORMAT
    checks: tuple[Judgement, ...] = ()
    drift: tuple[DriftConfig, ...] = ()
    evaluate: tuple[EvaluationConfig, ...] = ()
    report: ReportConfig = ReportConfig()


class Config(_File, frozen=True):
    """The whole of assay.yaml. Every key but `datasets` has a default."""

    folder: str = "."

    def path(self, source: str) -> str:
        """Return a path of the file as seen from here; URLs and absolute paths stay."""
        return source if "://" in source else str(Path(self.folder) / source)


def load_config(path: str | Path) -> Config:
    """Return a project's configuration; raise `ConfigError` with file, line and key where it breaks a rule."""
    from assay.reports.render import FORMATS

    told = load_yaml(read_text(path), _File, file=str(path))
    refuse_other_format(told.format, FORMAT, place=f"{path}: format", older=f"write format: {FORMAT}")
    for where, name in _named(told):
        if name not in told.datasets:
            raise ConfigError(
                f"there is no dataset {name!r}", place=f"{path}: {where}", hint=nearest(name, told.datasets)
            )
    for place, one in enumerate(told.checks):
        if one.quarantine is not None and one.quarantine in (other.quarantine for other in told.checks[:place]):
            why = f"{one.quarantine!r} is the quarantine of another check too"
            raise ConfigError(
                why, place=f"{path}: checks[{place}].quarantine", hint="give each check a folder of its own"
            )
    for format in told.report.formats:
        if format not in FORMATS:
            raise ConfigError(
                f"there is no format {format!r}", place=f"{path}: report.formats", hint=nearest(format, FORMATS)
            )
    return Config(
        told.datasets, told.format, told.checks, told.drift, told.evaluate, told.report, str(Path(path).parent)
    )


def _named(told: _File) -> Iterator[tuple[str, str]]:
    """Yield every place that names a dataset, and the name."""
    for i, one in enumerate(told.checks):
        yield f"checks[{i}].dataset", one.dataset
        if one.reference is not None:
            yield f"checks[{i}].reference", one.reference
        yield from ((f"checks[{i}].others", other) for other in one.others)
    for i, pair in enumerate(told.drift):
        yield f"drift[{i}].dataset", pair.dataset
        yield f"drift[{i}].reference", pair.reference
    for i, each in enumerate(told.evaluate):
        yield f"evaluate[{i}].dataset", each.dataset
        if each.train is not None:
            yield f"evaluate[{i}].train", each.train


def dump_config(config: Config) -> str:
    """Return a configuration as YAML that `load_config` reads back."""
    told = plain(_File(config.datasets, config.format, config.checks, config.drift, config.evaluate, config.report))
    return dump_yaml({"format": FORMAT, **told})


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of assay.yaml (draft 2020-12)."""
    return json_schema(_File)


def describe(config: Config) -> str:
    """Return in words what a configuration ties together."""
    lines = [f"{len(config.datasets)} datasets, {len(config.checks)} checks of them"]
    lines += [f"  {one.dataset} is compared with {one.reference} for drift" for one in config.drift]
    lines += [f"  {one.model or 'predictions'} of {one.task} are evaluated on {one.dataset}" for one in config.evaluate]
    for one in config.checks:
        by = (
            f"by {one.suite}"
            if one.suite
            else "by the suite its reference suggests"
            if one.reference
            else "by a first look"
        )
        against = f", against {one.reference}" if one.reference else ""
        lines.append(f"  {one.dataset} is judged {by}{against}")
    if config.report.formats:
        lines.append(f"  reports go to {config.path(config.report.folder)} as {', '.join(config.report.formats)}")
    return "\n".join(lines) + "\n"
