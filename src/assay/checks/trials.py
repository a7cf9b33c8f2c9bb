"""Decide which proposals stay, after what became of them on rows that they were not made from, and say so in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeAlias

import msgspec

from assay.checks.check import Check
from assay.checks.heldout import Cut, Result
from assay.checks.proposals import Learned
from assay.checks.suite import Suite
from assay.checks.tails import round_out
from assay.profiles.profile import ColumnProfile
from assay.stats.intervals import exact_share

__all__ = ["Decided", "Trial", "decide", "notes"]

KEPT_SHARE = 0.1  # a check that breaks on more of its trials than this is left out …
FEW_ROWS = 3  # … unless so few rows of a part broke it, or so small a share of them, that they can be tolerated
FEW_SHARE = 0.005
SHOWN = 6
_Place: TypeAlias = tuple[
    str, tuple[str, ...], str
]  # a check is known by its rule, its columns, and what it relates them to


@dataclass(frozen=True)
class Trial:
    """What became of a suite's checks: on all rows, on a stretch, or on a random half; and of how many rows that was."""

    on: str
    results: tuple[Result, ...]
    rows: int = 0

    def result(self, check: Check) -> Result | None:
        """Return what became of this check, or of the one that stands in its place here."""
        return self._by_place.get(_place(check))

    @cached_property
    def _by_place(self) -> dict[_Place, Result]:
        return {_place(one.check): one for one in reversed(self.results)}


@dataclass(frozen=True, slots=True)
class Decided:
    """The checks that stay, those left out, those that alarmed, and on how many stretches and halves any of them did."""

    checks: tuple[Check, ...]
    left_out: tuple[tuple[Check, int, int], ...]
    broken: tuple[tuple[Check, int, int], ...]
    alarms: tuple[int, ...]
    tried: tuple[int, ...]


def _place(check: Check) -> _Place:
    relation = getattr(check.arguments, "relation", "") or getattr(check.arguments, "total", "")
    return check.rule, check.columns, relation


def decide(proposed: Suite, trials: Sequence[Trial]) -> Decided:
    """Return which proposals stay; the first trial is that of the proposals themselves on all rows.

    What alarmed on the parts is counted as it was tried, before anything was widened; only checks left out don't count.
    """
    whole, held_out = trials[0], trials[1:]
    kept: list[Check] = []
    left_out: list[tuple[Check, int, int]] = []
    for check in proposed.checks:
        own = whole.result(check)
        outcomes = [one for trial in held_out if (one := trial.result(check)) is not None]
        breaks = [one for one in outcomes if one.holds is False]
        broke = [*breaks, *([own] if own is not None and own.holds is False else [])]
        amended = _amended(check, broke, len(outcomes)) if broke else check
        if amended is None:
            left_out.append((check, len(breaks), len(outcomes)))
        else:
            kept.append(amended)
    gone = {_place(check) for check, _, _ in left_out}
    stretches, halves = ([t for t in held_out if t.on == on] for on in ("stretch", "group"))
    alarms = tuple(sum(bool(_alarms(trial, gone)) for trial in part) for part in (stretches, halves))
    return Decided(tuple(kept), tuple(left_out), _counted(held_out, gone), alarms, (len(stretches), len(halves)))


def _alarms(trial: Trial, gone: AbstractSet[_Place]) -> list[Check]:
    return [one.check for one in trial.results if one.holds is False and _place(one.check) not in gone]


def _counted(trials: Sequence[Trial], gone: AbstractSet[_Place]) -> tuple[tuple[Check, int, int], ...]:
    """Return the checks that alarmed, on how many parts, of how many; the most frequent first."""
    alarmed = [check for trial in trials for check in _alarms(trial, gone)]
    counts = Counter(_place(check) for check in alarmed)
    by_place = {_place(check): check for check in alarmed}
    return tuple((by_place[place], times, len(trials)) for place, times in counts.most_common())


def _amended(check: Check, breaks: Sequence[Result], tried: int) -> Check | None:
    """Return the check with a tolerance where few rows broke it, as a warning where it broke seldom; None otherwise."""
    rows = max((one.failing for one in breaks), default=0)
    worst = max((one.failing / one.judged for one in breaks if one.judged), default=0.0)
    if 0 < rows <= FEW_ROWS:
        least = max(2 * rows, check.tolerate_rows or 0)
        why = "" if least == check.tolerate_rows else f"{rows} row{'s' * (rows > 1)} broke it where it was tried"
        return msgspec.structs.replace(check, level="warn", tolerate_rows=least, why=why)
    if rows and worst <= FEW_SHARE:
        share = round_out(2 * worst, spread=4 * worst, up=True)
        return msgspec.structs.replace(
            check, level="warn", tolerate_share=share, why="a few rows broke it where it was tried"
        )
    if any(one.check is check for one in breaks) or len(breaks) > KEPT_SHARE * tried:
        return None
    return msgspec.structs.replace(
        check, level="warn", why=f"broke on {len(breaks)} of the {tried} parts it was tried on"
    )


def notes(learned: Learned, decided: Decided, trials: Sequence[Trial], *, cut: Cut) -> tuple[str, ...]:
    """Return what a reader of the suite should know: what it was made from, how it was tried, what that showed."""
    rows, (stretches, halves) = learned.whole.rows, decided.tried
    lines = [
        f"Suggested from {rows:,} rows of {learned.whole.name}{_span(learned, cut)}. Read it, and change what you know better."
    ]
    if not stretches:
        return (
            *lines,
            f"Too few rows to try it on some that it was not made from: {rows:,}, and 50 are needed.",
            *_silent(learned),
        )
    where = "in the order of the file" if cut.time is None else f"by {cut.time}"
    rate = _rate(decided.alarms[0], stretches)
    size, other = rows // stretches, decided.alarms[1] or "none"
    lines.append(
        f"Tried on {stretches} stretches of about {size:,} rows {where}, each by a suite made from the others: {rate}"
    )
    lines.append(
        f"Tried on {halves} random halves of the rows, each by a suite made from the other half: {other} alarmed."
    )
    lines.append(
        f"Ranges and bands are made to alarm on about 1 in 20 fresh samples of {rows:,} rows, or fewer; "
        "a first gap or a first new word alarms too."
    )
    if decided.broken:
        lines.append("What alarmed: " + _listed(decided.broken))
    if decided.left_out:
        lines.append("Left out, as they broke too often: " + _listed(decided.left_out))
    return (*lines, *_silent(learned))


def _span(learned: Learned, cut: Cut) -> str:
    column = learned.whole.columns.get(cut.time) if cut.time is not None else None
    if column is None or column.extremes is None or column.extremes.low is None:
        return ""
    low, high = (
        end.date() if isinstance(end, datetime) else end for end in (column.extremes.low, column.extremes.high)
    )
    return f", {low} to {high}"


def _rate(alarms: int, tried: int) -> str:
    """Return how often a suite alarmed, with the most that this leaves open at 95 %."""
    low, high = exact_share(alarms, tried)
    if alarms == 0:
        return f"none alarmed, so at most {high:.0%} of such batches should (95%; by the rule of three)."
    return f"{alarms} alarmed, so {low:.0%} to {high:.0%} of such batches should (95%)."


def _listed(checks: Sequence[tuple[Check, int, int]]) -> str:
    shown = [f"{check.rule} of {check.subject} ({breaks} of {tried})" for check, breaks, tried in checks[:SHOWN]]
    return ", ".join(shown) + (f", and {len(checks) - SHOWN} more" if len(checks) > SHOWN else "") + "."


def _silent(learned: Learned) -> tuple[str, ...]:
    """Return what is odd in the reference itself: columns that say nothing."""
    columns = learned.whole.columns.values()
    empty = [c.name for c in columns if c.counts.present == 0 and c.counts.n]
    constant = [c.name for c in columns if c.counts.present > 1 and _is_constant(c)]
    lines = [f"No value at all in the reference: {_names(empty)}."] if empty else []
    return tuple(
        lines
        + ([f"One value only in the reference, of which nothing is said: {_names(constant)}."] if constant else [])
    )


def _is_constant(column: ColumnProfile) -> bool:
    if column.extremes is not None:
        return bool(column.extremes.low == column.extremes.high)
    return column.distinct is not None and column.distinct.count == 1


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
