"""For every survivor the check that would have caught it, seen to: proposed, tried on clean draws, and tried on the fault itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from assay.checks.check import Check
from assay.checks.suite import Suite
from assay.testing.contract import Judgement
from assay.testing.faults.candidates import candidate_checks, flow
from assay.testing.faults.fault import Caught, Fault, NotApplicable, Result
from assay.testing.faults.injecting import inject
from assay.testing.faults.judges import Judge, name_of, names_of, profile_of, suite_judge
from assay.testing.faults.runner_checks import Batches
from assay.testing.faults.scoring import SHARE, cells_of, is_harmless
from assay.testing.faults.table import OPERATORS
from assay.verdict import Verdict

__all__ = ["advised", "check_advice", "contract_advice", "promised"]

NAME = "advice"
CLEAN = 10
_OF_ROWS = ("unique", "key", "rising", "no_gaps", "regular", "fresh", "no_missing")
# Looks at every column, several times; only what an operator says that it catches is worth that.
_DEAR = "too_good"
SURVIVED = (Caught.SURVIVED, Caught.WARNING, Caught.CRASH, Caught.FLAKY)


def advised(
    results: Sequence[Result], judge: Judge, texts: Mapping[str, str], draw: Callable[[int], Any], *, clean: int = CLEAN,
    narrow: Callable[[Result], Judge] | None = None,
) -> tuple[Result, ...]:  # fmt: skip
    """Return the results, each survivor with the advice that works: the mildest severity that it catches stands in `advised`.

    `texts` says for the name of each check or contract that `judge` runs (see `name_of`) what a person writes down to have it,
    the plainest first. Advice is given only where the check passed all `clean` draws, and caught a severity of the fault in at
    least 80 % of its seeds, by failing. Of several, the one that catches the mildest severity is taken; of those, one that the
    operator's `caught_by` names; of those, one about the column itself; of those the plainest. `narrow` gives a judge of fewer checks,
    those that could have to do with a survivor, by the same names.
    """
    survivors = [one for one in results if one.least is None and one.caught in SURVIVED and not is_harmless(one)]
    if not survivors or not texts:
        return tuple(results)
    base = _Clean(judge, draw)
    alarming = frozenset().union(*(base.failing(number) for number in range(clean)))
    sound = [name for name in texts if name not in alarming]
    told: dict[int, tuple[str, float]] = {}
    for one in survivors:
        found = _told(one, base if narrow is None else _Clean(narrow(one), draw, base), sound, texts)
        if found is not None:
            told[id(one)] = found
    return tuple(
        msgspec.structs.replace(one, advice=told[id(one)][0], advised=told[id(one)][1]) if id(one) in told else one
        for one in results
    )


class _Clean:
    """Clean draws, and what fails in each: asked once for a draw, and once for all where they are one and the same object."""

    def __init__(self, judge: Judge, draw: Callable[[int], Any], wider: _Clean | None = None) -> None:
        """Take what judges and what is drawn; `wider` has the same checks and more, and knows what fails in these draws."""
        self.judge, self.draw, self.wider = judge, draw, wider
        self.known: dict[int, frozenset[str]] = {}
        self.last: tuple[Any, frozenset[str]] | None = None

    def failing(self, number: int) -> frozenset[str]:
        """Return the names of the checks that fail in a draw."""
        if self.wider is not None:
            return self.wider.failing(number)
        if number not in self.known:
            target = self.draw(number)
            if self.last is None or self.last[0] is not target:
                self.last = target, _failing(self.judge, target)
            self.known[number] = self.last[1]
        return self.known[number]

    def new(self, fault: Fault) -> frozenset[str]:
        """Return the names of the checks that fail in a draw with a fault in it, and not in the draw itself."""
        target = self.draw(fault.seed)
        try:
            return _failing(self.judge, inject(target, fault)) - self.failing(fault.seed)
        except NotApplicable:
            return frozenset()


def _told(result: Result, base: _Clean, sound: Sequence[str], texts: Mapping[str, str]) -> tuple[str, float] | None:
    """Return the advice for one survivor, and the mildest severity that it catches; None where nothing sound catches any."""
    caught: defaultdict[float, Counter[str]] = defaultdict(Counter)
    tried: Counter[float] = Counter()
    for attempt in result.attempts:
        if attempt.fault is not None and (attempt.caught in SURVIVED or attempt.caught.counts):
            tried[attempt.fault.severity] += 1
            caught[attempt.fault.severity].update(base.new(attempt.fault))
    order = [cell.severity for cell in cells_of(result.attempts) if cell.severity in tried]
    found = []
    for place, name in enumerate(sound):
        rung = next((i for i, s in enumerate(order) if caught[s][name] >= SHARE * tried[s]), None)
        if rung is not None:
            found.append((rung, _preference(name, result), place, name))
    if not found:
        return None
    rung, _, _, name = min(found)
    return texts[name], order[rung]


def _failing(judge: Judge, target: Any) -> frozenset[str]:
    return frozenset(name_of(judge.name, one) for one in judge.judge(target) if one.verdict is Verdict.FAIL)


def _preference(name: str, result: Result) -> tuple[int, bool]:
    """Return the smaller, the more a check is meant for this mistake: by the operator's own words, then by the column."""
    rule = name.partition(": ")[2].partition("(")[0]
    meant = [word.strip() for word in OPERATORS[result.operator].caught_by.split(",")]
    return meant.index(rule) if rule in meant else len(meant), not _about(name, result.column)


def _about(name: str, column: str) -> bool:
    """Return whether the name of a check says that it is about a column."""
    subject = name.partition("(")[2].partition(") where ")[0].removesuffix(")")
    return bool(column) and column in [part.strip() for part in subject.split(",")]


def check_advice(
    results: Sequence[Result], batches: Batches, *, now: datetime, reference: pl.DataFrame | None = None, label: str = "", seed: int = 0,
    clean: int = CLEAN,
) -> tuple[Result, ...]:  # fmt: skip
    """Return the results with advice from checks of data that the reference (default: what draws are from) suggests.

    Advice is a line of YAML that stands in a suite as it is; checks that compare with a reference need it there too.
    """
    frame = batches.frame if reference is None else reference
    known = profile_of(frame)
    checks = candidate_checks(frame, known, rows=batches.height, now=now, seed=seed, time=batches.time, label=label)

    def judged(those: Sequence[Check]) -> Judge:
        return suite_judge(Suite(tuple(those), NAME), now=now, reference=known, name=NAME)

    def narrow(result: Result) -> Judge:
        return judged([check for check in checks if _may_notice(check, result)])

    texts = {names_of(NAME, (check,))[0]: flow(check) for check in checks}
    return advised(results, judged(checks), texts, batches.draw, clean=clean, narrow=narrow)


def _may_notice(check: Check, result: Result) -> bool:
    """Return whether a check could have to do with a fault: it is about its columns, about all, or about how rows come."""
    if check.rule == _DEAR:
        return check.rule in OPERATORS[result.operator].caught_by
    touched = {result.column} if result.column else set()
    for attempt in result.attempts[:1]:
        touched |= (
            {value for value in attempt.fault.settings.values() if isinstance(value, str)} if attempt.fault else set()
        )
    return not check.columns or bool(touched & set(check.columns)) or (not result.column and check.rule in _OF_ROWS)


def contract_advice(
    results: Sequence[Result], judge: Judge, table: Mapping[str, Judgement], draw: Callable[[int], Any], *, subject: str,
    clean: int = 3,
) -> tuple[Result, ...]:  # fmt: skip
    """Return the results with advice from contracts: a line of Python that asserts the one that catches the fault.

    `judge` runs the contracts of the table (see `judges.contracts_judge`); `subject` is what the line calls what is judged.
    """
    texts = {
        f"{judge.name}: {name}({subject})": f"assert assay.check_contracts({subject}, rows, only=[{name!r}])"
        for name in table
    }
    return advised(results, judge, texts, draw, clean=clean)


def promised(results: Iterable[Result]) -> tuple[Result, ...]:
    """Return the results as they will be once all advice is taken: what it catches counts as caught by a check."""
    return tuple(
        msgspec.structs.replace(one, caught=Caught.CHECK, least=one.advised) if one.advised is not None else one
        for one in results
    )
