"""`assay report`: show saved findings again."""

from __future__ import annotations

import click

from assay.cli.options import output_options, show

__all__ = ["command"]


@click.command("report")
@click.argument("findings", nargs=-1, required=True)
@output_options
def command(findings: tuple[str, ...], format: str | None, output: str | None) -> int:
    """Show FINDINGS (files that `--format json` wrote) in any format; several become one. Exits as they did."""
    from assay.reports.saved import load_findings
    from assay.verdict import joined

    merged = joined([load_findings(path) for path in findings])
    show(merged, format=format, output=output)
    return merged.exit_code
