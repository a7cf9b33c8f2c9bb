"""How each verdict is shown: a shape, a word, a phrase; never by colour alone."""

from __future__ import annotations

import msgspec

from assay.verdict import Findings, Verdict

__all__ = ["SIGNS", "WORST_FIRST", "Sign", "summary", "tally"]


class Sign(msgspec.Struct, frozen=True):
    """One verdict's shape for text, emoji for Markdown, style for terminals, fill for bars without colour, and phrases."""

    shape: str
    emoji: str
    style: str
    fill: str
    one: str
    many: str


SIGNS: dict[Verdict, Sign] = {
    Verdict.ERROR: Sign("■", "💥", "bold magenta", "▓", "could not run", "could not run"),
    Verdict.FAIL: Sign("✗", "❌", "bold red", "█", "failed", "failed"),
    Verdict.INCONCLUSIVE: Sign("?", "❔", "bold blue", "▒", "could not be judged", "could not be judged"),
    Verdict.WARN: Sign("▲", "⚠️", "yellow", "░", "warned", "warned"),
    Verdict.PASS: Sign("✓", "✅", "green", "━", "passed", "passed"),
    Verdict.SKIP: Sign("–", "➖", "bright_black", "╌", "was skipped", "were skipped"),
}
WORST_FIRST = tuple(SIGNS)


def tally(findings: Findings) -> tuple[tuple[Verdict, int], ...]:
    """Return how many outcomes concluded what, worst first, without the verdicts that none has."""
    counts = dict.fromkeys(WORST_FIRST, 0)
    for outcome in findings.outcomes:
        counts[outcome.verdict] += 1
    return tuple((verdict, n) for verdict, n in counts.items() if n)


def summary(counts: tuple[tuple[Verdict, int], ...]) -> str:
    """Return the counts as one sentence.

    >>> summary(((Verdict.FAIL, 2), (Verdict.WARN, 1), (Verdict.PASS, 27)))
    'Of 30 checks, 2 failed, 1 warned and 27 passed.'
    >>> summary(((Verdict.PASS, 3),)), summary(())
    ('All 3 checks passed.', 'No check was run, so nothing was judged.')
    """
    total = sum(n for _, n in counts)
    if not counts:
        return "No check was run, so nothing was judged."
    if len(counts) == 1:
        return _unanimous(counts[0][0], total)
    parts = [f"{n:,} {SIGNS[verdict].one if n == 1 else SIGNS[verdict].many}" for verdict, n in counts]
    return f"Of {total:,} checks, {', '.join(parts[:-1])} and {parts[-1]}."


def _unanimous(verdict: Verdict, total: int) -> str:
    who = "The one check" if total == 1 else "Both checks" if total == 2 else f"All {total:,} checks"
    after = ", so nothing was judged" if verdict is Verdict.SKIP else ""
    return f"{who} {SIGNS[verdict].one if total == 1 else SIGNS[verdict].many}{after}."
