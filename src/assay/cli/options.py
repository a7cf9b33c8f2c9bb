"""Options that several commands share, and how findings and pages leave a command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

import click

from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.checks.quarantine import Quarantined
    from assay.reports.page import Page
    from assay.verdict import Findings

__all__ = [
    "CONFIG", "data_options", "limit_options", "limits_of", "named", "opened", "output_options", "pair_of", "progress_of",
    "refuse_options", "refuse_output", "report_quarantine", "show", "timed",
]  # fmt: skip

CONFIG = "assay.yaml"

Command = TypeVar("Command", bound=Callable[..., Any])
FORMATS = ("text", "json", "markdown", "html", "junit")


def output_options(command: Command) -> Command:
    """Add --format and -o to a command that shows findings."""
    command = click.option(
        "--format",
        "format",
        type=click.Choice(FORMATS),
        default=None,
        help="How to show the findings (default: text, or what the file's suffix says).",
    )(command)
    return click.option(
        "-o", "--output", "output", metavar="FILE", default=None, help="Write to a file instead of the terminal."
    )(command)


def data_options(command: Command) -> Command:
    """Add what says how a dataset is read: --query, --name and the roles of columns."""
    command = click.option("--query", default=None, help="For a database URL: a SELECT, or a table's name.")(command)
    command = click.option("--name", default=None, help="What reports call the dataset.")(command)
    command = click.option(
        "--id", "id_columns", multiple=True, metavar="COL", help="A column that identifies a row; may be given again."
    )(command)
    command = click.option(
        "--time", "time_column", default=None, metavar="COL", help="The column that says when a row happened."
    )(command)
    return click.option("--label", "label_column", default=None, metavar="COL", help="The column to be predicted.")(
        command
    )


def limit_options(command: Command) -> Command:
    """Add --at-least and --at-most to a command that bounds metrics; `limits_of` reads what they are given."""
    for name, way in (("--at-most", "above"), ("--at-least", "below")):
        told = f"Fail where a metric is {way} X; may be given again."
        command = click.option(name, multiple=True, metavar="METRIC=X", help=told)(command)
    return command


def opened(data: str, told: dict[str, Any]) -> Any:
    """Return the dataset that a command's data options describe."""
    from assay.data.dataset import Roles
    from assay.data.sources import dataset

    roles = Roles(id=tuple(told.get("id_columns") or ()), time=told.get("time_column"), label=told.get("label_column"))
    return dataset(data, name=told.get("name"), query=told.get("query"), roles=roles)


def named(pairs: tuple[str, ...], option: str) -> dict[str, str]:
    """Return NAME=VALUE pairs as a mapping; raise `UsageError` where one has no '='."""
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name or not value:
            raise UsageError(
                f"{option} is given {pair!r}; expected NAME=PATH", hint=f"such as: {option} planes=planes.parquet"
            )
        found[name] = value
    return found


def pair_of(text: str, option: str, example: str) -> tuple[str, str]:
    """Return the two words around an =; raise `UsageError` where there are none."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise UsageError(
            f"{option} is given {text!r}; two words around an = are expected", hint=f"such as: {option} {example}"
        )
    return name.strip(), value.strip()


def limits_of(given: tuple[str, ...], option: str) -> dict[str, float]:
    """Return NAME=X pairs as finite numbers by their names; raise `UsageError` where one is none."""
    found = {}
    for name, value in (pair_of(text, option, "auc=0.8") for text in given):
        try:
            found[name] = float(value)
        except ValueError:
            raise UsageError(
                f"{option} {name} is {value!r}; it is a number", hint=f"such as: {option} auc=0.8"
            ) from None
        if not isfinite(found[name]):
            raise UsageError(f"{option} {name} is {value}; it is a finite number")
    return found


def refuse_options(told: dict[str, Any]) -> None:
    """Raise `UsageError` for an option that is about data where none was given: assay.yaml says all that."""
    for name, value in told.items():
        if value:
            option = "--" + name.removesuffix("_columns").removesuffix("_column").removesuffix("_path").replace(
                "_", "-"
            )
            raise UsageError(
                f"{option} is about DATA, and none was given", hint="name the data, or write it in assay.yaml"
            )


def timed(text: str | None) -> datetime | None:
    """Return --now as an instant; raise `UsageError` where it is not one with a zone."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--now is {text!r}, which is not an instant", hint="write it like 2026-01-31T12:00:00Z"
        ) from None
    if instant.tzinfo is None:
        raise UsageError(f"--now is {text!r}, which has no zone", hint="write it like 2026-01-31T12:00:00Z")
    return instant


def report_quarantine(apart: Quarantined) -> None:
    """Say on standard error where the rows went, and how far "clean" can be trusted."""
    rows = f"{apart.n_rejected:,} rows in {apart.rejected}, {apart.n_clean:,} clean ones in {apart.clean}"
    click.echo(f"quarantine: {rows}", err=True)
    if apart.n_unjudged:
        click.echo(
            f"quarantine: {apart.n_unjudged} checks could not be judged, so none of their rows is set apart", err=True
        )


def refuse_output(output: str | None, format: str | None) -> None:
    """Raise `UsageError` for a file whose name says no format, before what takes long has begun."""
    if output is not None:
        from assay.reports.render import format_of

        format_of(output, format=format or "")


def show(shown: Findings | Page, *, format: str | None, output: str | None) -> None:
    """Write findings or a page to the terminal or to a file, in the format that was asked for."""
    if output is not None:
        from assay.reports.render import write

        write(shown, output, format=format or "")
        click.echo(f"wrote {output}", err=True)
        return
    if format in (None, "text"):
        from assay.reports.findings import findings_page
        from assay.reports.terminal import show as to_terminal
        from assay.verdict import Findings

        to_terminal(findings_page(shown) if isinstance(shown, Findings) else shown, sys.stdout)
        return
    from assay.reports.render import render

    click.echo(render(shown, format or "text"), nl=False)


@contextmanager
def progress_of(what: str, rows: int | None = None, *, unit: str = "rows") -> Iterator[Callable[[int], None] | None]:
    """Yield what is called with the rows (or parts) done so far; it draws a bar on a terminal, once that takes a while."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = _Bar(what, rows, unit)
    try:
        yield bar.update
    finally:
        bar.close()


class _Bar:
    """A progress bar that appears after half a second, so that short scans stay quiet."""

    def __init__(self, what: str, rows: int | None, unit: str) -> None:
        import time

        self._clock = time.monotonic
        self._begun = self._clock()
        self._what, self._rows, self._unit = what, rows, unit
        self._progress: Any = None
        self._task: Any = None

    def update(self, rows: int) -> None:
        if self._progress is None:
            if self._clock() - self._begun < 0.5:
                return
            self._start()
        self._progress.update(self._task, completed=rows)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(self._unit),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(self._what, total=self._rows)
        self._progress.start()

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
