"""Run every check of assay.yaml."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assay.cli.options import progress_of, report_quarantine, show
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.config import Config
    from assay.data.dataset import Dataset
    from assay.verdict import Findings

__all__ = ["check_project"]


def check_project(path: str, *, format: str | None, output: str | None, now: datetime | None) -> int:
    """Judge every dataset that assay.yaml says, show the findings as one, and write the reports that it asks for."""
    from assay.config import load_config
    from assay.verdict import joined

    if not Path(path).exists():
        raise UsageError(
            "no DATA was given and there is no such file",
            place=path,
            hint="name the data, or write the file with: assay init",
        )
    config = load_config(path)
    if not config.checks:
        raise UsageError("the file asks for no checks", place=path, hint="add an entry under checks:")
    findings = [_judge(config, i, now) for i in range(len(config.checks))]
    merged = joined(findings)
    show(merged, format=format, output=output)
    if config.report.formats:
        _write(config, merged)
    return merged.exit_code


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


def _write(config: Config, merged: Findings) -> None:
    from assay.reports.render import SUFFIXES, write

    folder = Path(config.path(config.report.folder))
    folder.mkdir(parents=True, exist_ok=True)
    suffixes = {format: suffix for suffix, format in reversed(SUFFIXES.items())}
    for format in config.report.formats:
        write(merged, folder / f"findings{suffixes[format]}", format=format)
