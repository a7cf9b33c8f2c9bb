"""What became of each operator on each column, and what that says of those who should have noticed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from assay.stats.intervals import share as wilson
from assay.testing.faults.fault import Attempt, Caught, Result
from assay.testing.faults.injecting import operator_of
from assay.testing.faults.table import OPERATORS
from assay.verdict import Estimate

__all__ = ["SHARE", "Cell", "Killer", "Score", "cells_of", "is_harmless", "results_of", "score_of"]

SHARE = 0.8
_EXCLUDED = (Caught.NO_EFFECT, Caught.NOT_APPLICABLE, Caught.FAILED, Caught.NOT_RUN)


class Cell(msgspec.Struct, frozen=True):
    """One severity of one operator on one column: in how many of its seeds it was caught, by what, and what else it was.

    `share` counts only seeds that could be judged; where none could, it is undefined.
    """

    operator: str
    column: str
    severity: float
    share: Estimate
    kind: Caught
    by: tuple[str, ...] = ()
    why: str = ""
    first: int | None = None
    seconds: float = 0.0
    source: str = ""


class Killer(msgspec.Struct, frozen=True):
    """One test or check: how many results it caught, how many that nothing else did, and how many clean runs it alarmed in."""

    name: str
    kills: int
    unique: int
    alarms: int


class Score(msgspec.Struct, frozen=True):
    """What the tests are worth: caught ÷ (caught + survived) over results, with Wilson's interval; undefined for 0 of 0.

    `layers` is the same for each layer that was tried, and `weakest` the layer of the least share: the score of the whole, as
    in the ML Test Score, is no better than that. `alarms` is the share of clean runs that something failed in. `harmless` are
    results whose fault does the model no measurable harm; they count on neither side. `excluded` could not be judged.
    """

    share: Estimate
    alarms: Estimate
    layers: dict[str, Estimate]
    weakest: str
    caught: int
    survived: int
    harmless: int
    excluded: int
    killers: tuple[Killer, ...]
    idle: tuple[str, ...]


def _estimate(part: int, n: int, why: str) -> Estimate:
    if not n:
        return Estimate(None, n=0, why=why)
    low, high = wilson(part, n)
    return Estimate(part / n, n=n, low=low, high=high, confidence=0.95, unit="share", method="wilson")


def cells_of(attempts: Iterable[Attempt]) -> tuple[Cell, ...]:
    """Return what became of each severity of each operator on each column, in the order in which they were first tried."""
    groups: defaultdict[tuple[str, str, str, float], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.fault is not None:
            fault = attempt.fault
            groups[fault.source, fault.operator, fault.column, fault.severity].append(attempt)
    return tuple(_cell(group) for group in groups.values())


def _cell(group: Sequence[Attempt]) -> Cell:
    fault = group[0].fault
    assert fault is not None
    judged = [one for one in group if one.caught not in _EXCLUDED]
    caught = [one for one in judged if one.caught.counts]
    share = _estimate(len(caught), len(judged), "no attempt could be judged")
    shown = caught or judged or list(group)
    kind = Counter(one.caught for one in shown).most_common(1)[0][0]
    if caught and len(caught) < SHARE * len(judged):
        kind = Caught.FLAKY
    by = tuple(name for name, _ in Counter(name for one in shown for name in one.by).most_common())
    told = next((one for one in shown if one.why), shown[0])
    firsts = sorted(one.first for one in caught if one.first is not None)
    seconds = sorted(one.seconds for one in shown)[len(shown) // 2]
    first = firsts[len(firsts) // 2] if firsts else None
    return Cell(fault.operator, fault.column, fault.severity, share, kind, by, told.why, first, seconds, fault.source)


def results_of(attempts: Iterable[Attempt]) -> tuple[Result, ...]:
    """Return one result for each operator on each column: the least severity caught in at least 80 % of its seeds, or none.

    Where none was, `caught` says what became of the strongest severity that could be judged: a crash, a warning, flaky where
    some seeds were caught, or survived.

    >>> from assay.testing.faults.fault import Fault
    >>> tried = [
    ...     Attempt(Fault("nulls", "age", 0.05), Caught.SURVIVED),
    ...     Attempt(Fault("nulls", "age", 0.5), Caught.CHECK, ("a",)),
    ... ]
    >>> [(result.caught.value, result.least) for result in results_of(tried)]
    [('check', 0.5)]
    """
    groups: defaultdict[tuple[str, str, str], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.fault is not None:
            groups[attempt.fault.source, attempt.fault.operator, attempt.fault.column].append(attempt)
    return tuple(_result(source, name, column, group) for (source, name, column), group in groups.items())


def _result(source: str, name: str, column: str, group: Sequence[Attempt]) -> Result:
    ladder = _in_order(cells_of(group))
    judged = [cell for cell in ladder if cell.share.value is not None]
    strong = [cell for cell in judged if _is_caught(cell)]
    layer = operator_of(_fault(group)).layer.value
    if strong:
        caught, least = strong[0].kind, strong[0].severity
    else:
        caught, least = (judged or ladder)[-1].kind, None
    return Result(name, layer, column, tuple(group), caught, least, source=source)


def _fault(group: Sequence[Attempt]) -> Any:
    return group[0].fault


def _is_caught(cell: Cell) -> bool:
    return isinstance(cell.share.value, float) and cell.share.value >= SHARE


def _in_order(cells: Sequence[Cell]) -> list[Cell]:
    """Return cells of one operator from the mildest to the strongest: as its ladder has them, others by their size."""
    ladder = OPERATORS[cells[0].operator].ladder
    return sorted(
        cells, key=lambda c: (ladder.index(c.severity) if c.severity in ladder else len(ladder), abs(c.severity))
    )


def is_harmless(result: Result) -> bool:
    """Return whether a fault was measured to do the model no harm: the interval of its harm does not lie above 0."""
    return result.harm is not None and (result.harm_low is None or result.harm_low <= 0)


def score_of(results: Sequence[Result], attempts: Sequence[Attempt], *, names: Sequence[str] = ()) -> Score:
    """Return what the tests are worth. `names` are all tests and checks that ran, so that those that catch nothing show."""
    judged = [one for one in results if one.caught not in _EXCLUDED]
    counted = [one for one in judged if not is_harmless(one)]
    layers: dict[str, list[bool]] = defaultdict(list)
    for one in counted:
        layers[one.layer].append(one.least is not None)
    shares = {layer: _estimate(sum(each), len(each), "") for layer, each in layers.items()}
    caught = sum(one.least is not None for one in counted)
    clean = [one for one in attempts if one.fault is None]
    alarmed = sum(one.caught.counts or one.caught is Caught.CRASH for one in clean)
    killers = _killers(judged, clean, names)
    return Score(
        share=_estimate(caught, len(counted), "no fault could be judged that does harm: 0 of 0 is no score"),
        alarms=_estimate(alarmed, len(clean), "there was no clean run"),
        layers=shares,
        weakest=min(shares, key=lambda layer: float(shares[layer].value or 0.0), default=""),
        caught=caught, survived=len(counted) - caught, harmless=len(judged) - len(counted), excluded=len(results) - len(judged),
        killers=killers, idle=tuple(name for name in dict.fromkeys(names) if name not in {k.name for k in killers if k.kills}),
    )  # fmt: skip


def _killers(results: Sequence[Result], clean: Sequence[Attempt], names: Sequence[str]) -> tuple[Killer, ...]:
    """Return the tests and checks, those that catch what nothing else does first.

    A check catches a result where it caught any attempt of it, and the result counts as caught.
    """
    kills: Counter[str] = Counter()
    unique: Counter[str] = Counter()
    for one in results:
        if one.least is None:
            continue
        by = {name for attempt in one.attempts if attempt.caught.counts for name in attempt.by}
        kills.update(by)
        if len(by) == 1:
            unique.update(by)
    alarms = Counter(name for one in clean if one.caught.counts or one.caught is Caught.CRASH for name in one.by)
    found = dict.fromkeys((*kills, *alarms, *names))
    made = [Killer(name, kills[name], unique[name], alarms[name]) for name in found]
    return tuple(sorted(made, key=lambda one: (-one.unique, -one.kills, one.name)))
