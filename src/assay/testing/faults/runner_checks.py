"""Try faults in one process: clean draws first, then each fault in a draw of its seed, judged by everything that must notice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from assay.errors import AssayError, UsageError, nearest
from assay.testing.contract import FAMILY
from assay.testing.faults.fault import Attempt, Caught, Fault, NoEffect, NotApplicable
from assay.testing.faults.injecting import inject
from assay.testing.faults.judges import Judge, name_of
from assay.verdict import Outcome, Verdict

__all__ = ["CLEAN", "Batches", "run_checks", "run_target"]

CLEAN = 20
SHARE = 0.8
MOST = 10_000
RUNNER = "checks"


@dataclass(frozen=True)
class Batches:
    """Clean draws of a frame: without replacement and in the rows' order, so that no key is there twice.

    A draw has `rows` rows (default: 80 % of them, at most 10,000). With `time`, it is an unbroken stretch of time, so that a
    draw has no gaps of its own. The draw of a number is the same each time.

    >>> Batches(pl.DataFrame({"a": range(10)})).draw(0).height
    8
    """

    frame: pl.DataFrame
    rows: int = 0
    time: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.frame.height:
            raise UsageError("there are no rows to draw from")
        if self.rows > self.frame.height or self.rows < 0:
            raise UsageError(f"rows is {self.rows} and there are {self.frame.height:,}", hint="draw fewer")
        if self.time and self.time not in self.frame.columns:
            raise UsageError(f"there is no column {self.time!r}", hint=nearest(self.time, self.frame.columns))

    @property
    def height(self) -> int:
        """Return how many rows a draw has."""
        return self.rows or max(1, min(MOST, int(SHARE * self.frame.height)))

    def draw(self, number: int) -> pl.DataFrame:
        """Return the draw of a number, from 0 up."""
        rng = np.random.default_rng([self.seed, number])
        n = self.frame.height
        if not self.time:
            return self.frame[np.sort(rng.permutation(n)[: self.height])]
        first = int(rng.integers(n - self.height + 1))
        order = self.frame[self.time].arg_sort(nulls_last=False).to_numpy()
        return self.frame[np.sort(order[first : first + self.height])]


def run_checks(
    judges: Sequence[Judge], batches: Batches, faults: Sequence[Fault], *, clean: int = CLEAN, inconclusive: bool = False,
    tell: Callable[[int, int], None] | None = None,
) -> tuple[Attempt, ...]:  # fmt: skip
    """Return what the judges made of clean draws (those come first, and have no fault), then of every fault.

    A fault of seed s is put into draw s. A check that did not pass that draw without the fault has not caught it: what only
    fails everything catches nothing. FAIL is a catch (of a contract, a check, or an assertion); WARN is a warning; ERROR is a
    crash. INCONCLUSIVE is a warning too, unless `inconclusive` says that it counts. `tell(done, all)` is told how far it is.

    Raises UsageError where there is no judge, or `clean` is below 1.

    >>> from assay.testing.faults.judges import function_judge
    >>> def validate(batch: pl.DataFrame) -> None:
    ...     assert batch["age"].null_count() == 0, "an age is null"
    >>> batches = Batches(pl.DataFrame({"age": range(50)}))
    >>> tried = run_checks([function_judge(validate)], batches, [Fault("nulls", "age", 0.1)], clean=2)
    >>> [attempt.caught.value for attempt in tried], tried[2].why
    (['survived', 'survived', 'assertion'], 'an age is null')
    """
    return run_target(judges, batches.draw, faults, clean=clean, inconclusive=inconclusive, tell=tell)


def run_target(
    judges: Sequence[Judge], draw: Callable[[int], Any], faults: Sequence[Fault], *, clean: int = CLEAN, inconclusive: bool = False,
    tell: Callable[[int, int], None] | None = None,
) -> tuple[Attempt, ...]:  # fmt: skip
    """Return what `run_checks` returns, for a target of any kind: a function, a model, frames; `draw(s)` is the one of seed s.

    Raises UsageError where there is no judge, or clean is below 1.
    """
    if not judges:
        raise UsageError("there is nothing that must notice", hint="give a suite, a schema, a reference, or a function")
    if clean < 1:
        raise UsageError(f"clean is {clean}; at least one clean run comes first")
    todo = clean + len(faults)
    seen: dict[int, frozenset[tuple[str, str]]] = {}
    attempts: list[Attempt] = []
    for number in range(clean):
        outcomes, ran, seconds = _judged(judges, draw(number))
        seen[number] = _keys(outcomes)
        attempts.append(_attempt(None, outcomes, ran, seconds, inconclusive))
        if tell is not None:
            tell(len(attempts), todo)
    for fault in faults:
        attempts.append(_tried(judges, draw, fault, seen, inconclusive))
        if tell is not None:
            tell(len(attempts), todo)
    return tuple(attempts)


def _tried(
    judges: Sequence[Judge], draw: Callable[[int], Any], fault: Fault, seen: dict[int, frozenset[tuple[str, str]]], inconclusive: bool
) -> Attempt:  # fmt: skip
    base = draw(fault.seed)
    try:
        target = inject(base, fault)
    except NoEffect as reason:
        return Attempt(fault, Caught.NO_EFFECT, why=str(reason), runner=RUNNER)
    except NotApplicable as reason:
        return Attempt(fault, Caught.NOT_APPLICABLE, why=str(reason), runner=RUNNER)
    except (pl.exceptions.PolarsError, ArithmeticError, TypeError, ValueError, KeyError, IndexError) as error:
        said = str(error).strip().splitlines()
        return Attempt(fault, Caught.FAILED, why=f"{type(error).__name__}: {said[0] if said else ''}", runner=RUNNER)
    if fault.seed not in seen:
        seen[fault.seed] = _keys(_judged(judges, base)[0])
    outcomes, ran, seconds = _judged(judges, target)
    new = [(name, place, one) for name, place, one in outcomes if (name, one.verdict.value) not in seen[fault.seed]]
    return _attempt(fault, new, ran, seconds, inconclusive)


_Judged = list[tuple[str, int, Outcome]]


def _judged(judges: Sequence[Judge], target: Any) -> tuple[_Judged, int, float]:
    """Return what did not pass, by its check's name and its place among those that ran; how many ran; and the seconds."""
    begun, ran = time.perf_counter(), 0
    found: _Judged = []
    for judge in judges:
        try:
            outcomes = judge.judge(target)
        except AssayError as error:  # a suite that cannot even be planned on this target
            outcomes = [Outcome(judge.name, "table", Verdict.ERROR, why=str(error))]
        for one in outcomes:
            if one.verdict is Verdict.SKIP:
                continue
            if one.verdict is not Verdict.PASS:
                found.append((name_of(judge.name, one), ran, one))
            ran += 1
    return found, ran, time.perf_counter() - begun


def _keys(outcomes: _Judged) -> frozenset[tuple[str, str]]:
    return frozenset((name, one.verdict.value) for name, _, one in outcomes)


def _attempt(fault: Fault | None, outcomes: _Judged, ran: int, seconds: float, inconclusive: bool) -> Attempt:
    groups: dict[Caught, _Judged] = {}
    for name, place, one in outcomes:
        groups.setdefault(_kind(one, inconclusive), []).append((name, place, one))
    for kind in (Caught.ASSERTION, Caught.CONTRACT, Caught.CHECK, Caught.CRASH, Caught.WARNING):
        if kind not in groups:
            continue
        catches = (
            [each for group, rows in groups.items() if group.counts for each in rows] if kind.counts else groups[kind]
        )
        catches = sorted(catches, key=lambda one: one[1])
        names = tuple(dict.fromkeys(name for name, _, _ in catches))
        first = catches[0][1] if kind.counts else None
        why = catches[0][2].why or catches[0][2].expected
        leading = _kind(catches[0][2], inconclusive)
        return Attempt(fault, leading, names, why, first, ran, seconds, RUNNER)
    return Attempt(fault, Caught.SURVIVED, ran=ran, seconds=seconds, runner=RUNNER)


def _kind(outcome: Outcome, inconclusive: bool) -> Caught:
    if outcome.verdict is Verdict.ERROR:
        return Caught.CRASH
    if outcome.verdict is Verdict.FAIL or (inconclusive and outcome.verdict is Verdict.INCONCLUSIVE):
        if outcome.family == "assertion":
            return Caught.ASSERTION
        return Caught.CONTRACT if outcome.family == FAMILY else Caught.CHECK
    return Caught.WARNING
