"""`assay suggest`: write the suite that a reference suggests."""

from __future__ import annotations

from typing import Any

import click

from assay.cli.options import data_options, opened, timed

__all__ = ["command"]


@click.command("suggest")
@click.argument("reference")
@click.option("-o", "--output", metavar="FILE", help="Write the suite to a file instead of the terminal.")
@click.option("--seed", type=int, default=None, help="The seed of the held-out slices.")
@click.option("--now", metavar="INSTANT", help="The instant that counts as now.")
@data_options
def command(reference: str, output: str | None, seed: int | None, **told: Any) -> int:
    """Write the suite that REFERENCE suggests: it passes on it, and on fresh samples of it.

    How often it alarmed when it was tried on held-out slices stands in the file.
    """
    from assay.api import SEED, Options, suggest
    from assay.checks.suite import dump_suite, save_suite

    suite = suggest(
        opened(reference, told), options=Options(now=timed(told["now"])), seed=SEED if seed is None else seed
    )
    if output:
        save_suite(suite, output)
        click.echo(f"wrote {output}: {len(suite)} checks", err=True)
    else:
        click.echo(dump_suite(suite), nl=False)
    return 0
