"""`assay check`: judge a dataset."""

from __future__ import annotations

from typing import Any

import click

from assay.cli.options import (
    CONFIG,
    data_options,
    named,
    opened,
    output_options,
    progress_of,
    refuse_options,
    report_quarantine,
    show,
    timed,
)
from assay.errors import UsageError

__all__ = ["command"]


@click.command("check")
@click.argument("data", required=False)
@click.option("--suite", "suite_path", metavar="FILE", help="The suite (or schema) to judge by.")
@click.option(
    "--reference", metavar="DATA", help="Data or a saved profile to compare with; without a suite, it suggests one."
)
@click.option(
    "--other", multiple=True, metavar="NAME=DATA", help="Another table that checks refer to; may be given again."
)
@click.option(
    "--stage", default="", help="Where the data is used (train, serving, …): chooses the checks that are only for it."
)
@click.option(
    "--quarantine", metavar="DIR", help="Set the failing rows apart, each with its reasons, and the clean ones too."
)
@click.option("--now", metavar="INSTANT", help="The instant that counts as now, for checks of freshness.")
@click.option(
    "--config",
    "config_path",
    metavar="FILE",
    default=CONFIG,
    show_default=True,
    help="What to judge where no DATA is given.",
)
@data_options
@output_options
def command(data: str | None, suite_path: str | None, reference: str | None, **told: Any) -> int:
    """Judge DATA: a file, folder, glob or URL.

    With --suite it is judged by those checks; with --reference alone, by the suite that the reference suggests; with
    neither, by a first look that needs to know nothing. Without DATA, every check of assay.yaml is run.
    """
    from assay.api import Options, check, quarantine

    if data is None:
        from assay.cli.project import check_project

        said = {name: told[name] for name in told if name not in ("config_path", "format", "output", "now")}
        refuse_options({"suite": suite_path, "reference": reference, **said})
        return check_project(told["config_path"], format=told["format"], output=told["output"], now=timed(told["now"]))
    if told["config_path"] != CONFIG:
        raise UsageError("--config is for a run without DATA", hint="leave out one of them")
    current = opened(data, told)
    with progress_of(f"checking {current.name}", current.n_rows) as progress:
        options = Options(
            others=named(told["other"], "--other"), stage=told["stage"], now=timed(told["now"]), progress=progress
        )
        findings = check(current, suite_path, reference=reference, options=options)
    show(findings, format=told["format"], output=told["output"])
    if told["quarantine"]:
        apart = quarantine(current, suite_path, told["quarantine"], reference=reference, options=options)
        report_quarantine(apart)
    return findings.exit_code
