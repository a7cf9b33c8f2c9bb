"""`assay score`: the ML Test Score of a repository."""

from __future__ import annotations

from typing import Any

import click

from assay.cli.options import output_options, show
from assay.errors import UsageError

__all__ = ["command"]


@click.command("score")
@click.argument("folder", default=".")
@click.option("--run", is_flag=True, help="First run what assay.yaml and the tests declare, and keep the findings.")
@click.option("--at-least", type=click.FloatRange(0, 7), metavar="X", help="Fail where the score is less.")
@click.option("--days", type=click.IntRange(1), default=30, show_default=True, help="How long a run counts.")
@click.option(
    "--by-hand-days", type=click.IntRange(1), default=365, show_default=True, help="How long a person's report counts."
)
@click.option("--badge", metavar="FILE", help="Write the badge, an SVG picture, to a file.")
@output_options
def command(folder: str, **told: Any) -> int:
    """Score the repository in FOLDER by Google's 28 tests for production readiness.

    Each test is worth 1 point where continuous integration runs it and a run is on record, half a point where it was run by
    hand; the score is the least of the four sections. The most valuable next step is said.
    """
    from assay.api import score
    from assay.testing.score.badge import badge
    from assay.testing.score.scoring import Terms

    if told["badge"] and not told["badge"].lower().endswith(".svg"):
        raise UsageError(f"the badge is an SVG picture, and {told['badge']!r} is no name for one", hint="name it x.svg")
    terms = Terms(told["days"], told["by_hand_days"], at_least=told["at_least"])
    findings = score(folder, run=told["run"], terms=terms)
    if told["badge"]:
        from assay.codec import atomic

        value = findings["score"].value
        with atomic(told["badge"]) as file:
            file.write(badge(float(value) if isinstance(value, int | float) else 0.0))
    show(findings, format=told["format"], output=told["output"])
    return findings.exit_code
