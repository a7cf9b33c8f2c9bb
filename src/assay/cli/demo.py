"""`assay demo`: the whole story on embedded defaults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from assay.verdict import Outcome

__all__ = ["command"]


@click.command("demo")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    default="assay-demo",
    show_default=True,
    help="Where the data, the suites and the reports are written.",
)
def command(output: str) -> int:
    """Find real trouble in a year of real flights out of New York, with nothing to set up.

    Exits with 0 when the story was told: the trouble it finds is in the data.
    """
    import time

    from assay.demo.story import tell, worst
    from assay.reports.sentences import sentence
    from assay.reports.signs import SIGNS

    begun = time.monotonic()
    folder = Path(output)
    chapters = tell(folder, say=lambda step: click.echo(f"… {step}"))
    for chapter in chapters:
        verdict = chapter.findings.verdict
        loud = [o for o in chapter.findings.outcomes if o.verdict.value not in ("pass", "skip")]
        sign = f"{SIGNS[verdict].shape} {verdict.value.upper()}"
        click.echo(f"\n{chapter.title}: {sign}, {len(loud)} of {len(chapter.findings.outcomes)} checks speak up")
        for outcome in worst(chapter.findings):
            click.echo(f"  {SIGNS[outcome.verdict].shape} {outcome.subject}: {sentence(outcome)}{_first_row(outcome)}")
        if len(loud) > 4:
            click.echo(f"    and {len(loud) - 4} more")
    pages, suite = f"{folder / 'report.html'} and {folder / 'profile.html'}", folder / "suggested.yaml"
    click.echo(
        f"\nTold in {time.monotonic() - begun:.0f} seconds. Open {pages}; the suite that was suggested is {suite}."
    )
    return 0


def _first_row(outcome: Outcome) -> str:
    """Return the first example row in words, where there is one."""
    if not outcome.examples or outcome.examples[0].row is None:
        return ""
    first = outcome.examples[0]
    values = ", ".join(f"{name} {value}" for name, value in first.values.items())
    return f" First: row {first.row:,} ({values})." if values else ""
