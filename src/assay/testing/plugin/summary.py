"""The section at the end of a run: what was judged, by verdict, and what could not be."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from assay.testing.explaining import explained
from assay.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from assay.testing.plugin.gathering import Gathered, Told

__all__ = ["summary"]

_NAMED = 10  # outcomes that are named one by one
_FAMILIES = {"contract": "contracts", "baseline": "baselines", "budget": "budgets"}


def summary(terminal: Any, tests: Sequence[Told], gathered: Gathered) -> None:
    """Write the section to the terminal."""
    terminal.section("assay", sep="=")
    for line in _counted(tests):
        terminal.write_line(line)
    named = _named(tests, updated=gathered.settings.update)
    for told, outcome in named[:_NAMED]:
        if outcome.family == "baseline" and outcome.verdict is Verdict.WARN and outcome.examples:
            terminal.write_line(explained(outcome))
        else:
            terminal.write_line(
                f"{outcome.verdict.value.upper()} {_what(outcome, told)}: {outcome.why or outcome.expected}"
            )
    if len(named) > _NAMED:
        terminal.write_line(f"… and {len(named) - _NAMED} more")
    for path in gathered.written:
        terminal.write_line(f"report: {os.path.relpath(path, gathered.config.invocation_params.dir)}")
    if gathered.trouble:
        terminal.write_line(f"the report was not written: {gathered.trouble}", red=True)


def _counted(tests: Sequence[Told]) -> Iterator[str]:
    families: dict[str, list[Outcome]] = {}
    for told in tests:
        for outcome in told.outcomes:
            families.setdefault(_FAMILIES.get(outcome.family, "checks"), []).append(outcome)
    for family, outcomes in families.items():
        counts = Counter(outcome.verdict for outcome in outcomes)
        parts = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
        yield f"{family}: {len(outcomes)} judged: {parts}"
        unmeasured = [
            outcome.why for outcome in outcomes if outcome.family == "budget" and outcome.verdict is Verdict.SKIP
        ]
        if unmeasured:
            yield f"{len(unmeasured)} of them were {unmeasured[0]}"
    unheard = sum(
        outcome.verdict is not Verdict.SKIP and not outcome for t in tests if not t.failed for outcome in t.outcomes
    )
    if unheard:
        yield f"{unheard} of all these did not pass, in tests that did: the test expects it, or asserts nothing"


def _named(tests: Sequence[Told], *, updated: bool) -> list[tuple[Told, Outcome]]:
    """Return what no failure shows: what could not be judged, and baselines that were written."""
    return [
        (told, outcome)
        for told in tests
        for outcome in told.outcomes
        if outcome.verdict is Verdict.INCONCLUSIVE
        or (updated and outcome.family == "baseline" and outcome.verdict is Verdict.WARN)
    ]


def _what(outcome: Outcome, told: Told) -> str:
    return f"{outcome.check} of {outcome.subject}" + (f" ({told.nodeid})" if outcome.subject != told.nodeid else "")
