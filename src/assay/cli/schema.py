"""`assay schema`: infer a schema, or say what changed between two."""

from __future__ import annotations

from typing import Any

import click

from assay.cli.options import data_options, opened, output_options, progress_of, show

__all__ = ["command"]


@click.group("schema")
def command() -> None:
    """Infer a schema, or say what changed between two."""


@command.command("infer")
@click.argument("data", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", help="Write the schema to a file instead of the terminal.")
@data_options
def infer(data: tuple[str, ...], output: str | None, **told: Any) -> int:
    """Write the schema that DATA suggests; several datasets stand in one file."""
    from assay.api import infer_schema
    from assay.profiles.schema import dump_schema, join_schemas, save_schema

    schemas = []
    for source in data:
        current = opened(source, told)
        with progress_of(f"reading {current.name}", current.n_rows) as progress:
            schemas.append(infer_schema(current, progress=progress))
    schema = join_schemas(schemas)
    if output:
        save_schema(schema, output)
        click.echo(f"wrote {output}", err=True)
    else:
        click.echo(dump_schema(schema), nl=False)
    return 0


@command.command("diff")
@click.argument("old")
@click.argument("new")
@output_options
def diff(old: str, new: str, format: str | None, output: str | None) -> int:
    """Say what changed from OLD to NEW (schema files, or data) and whom it breaks; exits 1 where it breaks someone."""
    from assay.api import schema_diff

    findings = schema_diff(old, new)
    show(findings, format=format, output=output)
    return findings.exit_code
