"""`assay contracts`: the contracts of code there are."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("contracts")
@click.argument("name", required=False)
@click.option("--format", "format", type=click.Choice(("text", "markdown")), default="text", help="How to list them.")
def command(name: str | None, format: str) -> int:
    """List the contracts there are, or explain the one called NAME ("repeatable", or "model.repeatable")."""
    from assay.testing.catalogue import contracts_markdown, explain, listing

    if name is not None:
        click.echo(explain(name), nl=False)
        return 0
    click.echo(contracts_markdown() if format == "markdown" else listing(), nl=False)
    return 0
