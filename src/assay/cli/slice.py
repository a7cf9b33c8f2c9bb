"""`assay slice`: pick the small dataset that represents a large one."""

from __future__ import annotations

from typing import Any

import click

from assay.cli.options import FORMATS, data_options, opened, progress_of, show, timed
from assay.errors import UsageError

__all__ = ["command"]


@click.command("slice")
@click.argument("data")
@click.option("--rows", type=int, default=200, show_default=True, help="How many rows the slice has at most.")
@click.option("--seed", type=int, default=None, help="The seed of what is drawn by chance.")
@click.option("-o", "--output", metavar="FILE", help="Write the rows: .parquet, .csv, .jsonl or .arrow.")
@click.option(
    "--report", metavar="FILE", help="Write what the slice covers to a file: .html, .md, .json, .xml or .txt."
)
@click.option(
    "--format",
    "format",
    type=click.Choice(FORMATS),
    default=None,
    help="How to show what the slice covers (default: text).",
)
@click.option("--now", metavar="INSTANT", help="The instant that counts as now.")
@data_options
def command(data: str, rows: int, seed: int | None, output: str | None, **told: Any) -> int:
    """Pick the few rows of DATA that have all that it has: every category, missing value, extreme and edge case.

    The rest is drawn by chance. The same seed picks the same rows. What the slice covers is shown, and what it has no room for.
    """
    from assay.api import SEED, Options
    from assay.api.slicing import slice as sliced
    from assay.cli.options import refuse_output
    from assay.testing.slicing.writing import refuse_path, write_rows

    if rows < 1:
        raise UsageError(f"--rows is {rows}; a slice has at least 1 row")
    if seed is not None and seed < 0:
        raise UsageError(f"--seed is {seed}; it is a whole number of at least 0")
    if output is not None:
        refuse_path(output)
    refuse_output(told["report"], told["format"])
    current = opened(data, told)
    with progress_of(f"slicing {current.name}", current.n_rows) as progress:
        options = Options(now=timed(told["now"]), progress=progress)
        small = sliced(current, rows=rows, seed=SEED if seed is None else seed, options=options)
    if output is not None:
        write_rows(small.frame, output)
        click.echo(f"wrote {output}: {small.frame.height:,} rows", err=True)
    show(small.findings, format=told["format"], output=told["report"])
    return small.findings.exit_code
