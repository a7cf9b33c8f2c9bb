"""`assay metrics`: the metrics there are."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("metrics")
@click.argument("name", required=False)
@click.option("--format", "format", type=click.Choice(("text", "markdown")), default="text", help="How to list them.")
def command(name: str | None, format: str) -> int:
    """List the metrics there are, or explain the one called NAME (which may end in a number: f2, ndcg@10)."""
    from assay.evaluation.metrics.catalogue import explain, listing, metrics_markdown

    if name is not None:
        click.echo(explain(name), nl=False)
        return 0
    click.echo(metrics_markdown() if format == "markdown" else listing(), nl=False)
    return 0
