"""`assay config`: check assay.yaml, or print its JSON Schema."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.group("config")
def command() -> None:
    """Check assay.yaml, or print its JSON Schema."""


@command.command("check")
@click.argument("file", default="assay.yaml")
def check(file: str) -> int:
    """Read FILE strictly and say what it ties together; an error names the line and the key."""
    from assay.config import describe, load_config

    click.echo(describe(load_config(file)), nl=False)
    return 0


@command.command("schema")
def schema() -> int:
    """Print the JSON Schema of assay.yaml, for editors."""
    from assay.codec import dump_json
    from assay.config import config_schema

    click.echo(dump_json(config_schema()), nl=False)
    return 0
