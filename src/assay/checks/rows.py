"""Counted rows become a judgement: how many may break a check, and the sentence that says how many did."""

from __future__ import annotations

from decimal import Decimal

from assay.checks.check import Check, Judged
from assay.checks.shares import percent
from assay.verdict import Estimate, Example

__all__ = ["rows_judged", "tolerated"]


def rows_judged(check: Check, expected: str, *, judged: int, failing: int, examples: tuple[Example, ...]) -> Judged:
    """Return the judgement of counted rows: it holds while no more fail than the check tolerates."""
    if judged == 0:
        return Judged(None, Estimate(None, n=0, why="no row was judged"), f"no row to judge: {_nothing(check)}", 0, 0)
    share = failing / judged
    holds = failing <= tolerated(check, judged)
    observed = Estimate(share, n=judged, unit="share of rows failing")
    return Judged(holds, observed, _row_sentence(check, expected, failing, judged), judged, failing, examples)


def tolerated(check: Check, judged: int) -> int:
    """Return how many failing rows still pass: the greater of `tolerate_rows` and `tolerate_share` of those judged."""
    by_share = int(Decimal(judged) * check.tolerate_share) if check.tolerate_share is not None else 0
    return max(by_share, check.tolerate_rows or 0)


def _nothing(check: Check) -> str:
    return f"none has a value in {check.subject}" + (f" where {check.where}" if check.where else "")


def _row_sentence(check: Check, expected: str, failing: int, judged: int) -> str:
    rows = f"{judged:,} row" + ("s" if judged != 1 else "")
    where = f" where {check.where}" if check.where else ""
    if failing == 0:
        return f"all {rows}{where} are {expected}" if judged > 1 else f"the one row{where} is {expected}"
    allowed = tolerated(check, judged)
    tail = f"; {allowed:,} are tolerated" if allowed else ""
    return f"{failing:,} of {rows}{where} ({percent(failing, judged)}) {'are' if failing > 1 else 'is'} not {expected}{tail}"
