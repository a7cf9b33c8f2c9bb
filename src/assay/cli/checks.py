"""`assay checks`: the checks there are."""

from __future__ import annotations

import click

from assay.errors import UsageError, closest

__all__ = ["command"]


@click.command("checks")
@click.argument("name", required=False)
@click.option("--format", "format", type=click.Choice(("text", "markdown")), default="text", help="How to list them.")
def command(name: str | None, format: str) -> int:
    """List the checks there are, or explain the one called NAME."""
    from assay.checks.manual import explain, listing, page
    from assay.checks.table import find_rule, load_rules

    if name is None:
        click.echo((page if format == "markdown" else listing)(load_rules()), nl=False)
        return 0
    rule = find_rule(name)
    if rule is None:
        raise UsageError(f"there is no check called {name!r}", hint=closest(name, load_rules(), lists="assay checks"))
    click.echo(explain(rule), nl=False)
    return 0
