"""The memory that a run needs: the peak of what a fresh process holds, against a budget, and the step that makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.testing.contract import broken, contract, held, undecided
from assay.testing.pipelines.child import Answer, peak_memory
from assay.testing.pipelines.counting import counted
from assay.testing.pipelines.fresh import CannotSend, Work, in_fresh_processes
from assay.testing.pipelines.pipeline import Pipeline
from assay.testing.pipelines.running import Stage, answers, asked, model_rows, rows_in, run
from assay.verdict import Estimate, Example, Outcome, Verdict

__all__ = ["Peaks", "memory", "peaks"]

MIB = 1 << 20


@dataclass(frozen=True)
class Peaks:
    """The most bytes held so far: before the first step, and after each; None where the system does not tell."""

    before: int | None
    after: tuple[tuple[str, int | None], ...]


@contract(
    "pipeline",
    title="a fresh process that runs the path holds at most the memory that was declared, at its peak",
    catches="a join that multiplies rows; a dense copy of a sparse table; data that are kept twice; a budget that grew in silence",
    needs=("steps", "memory"),
    rubric=("O6",),
)
def memory(subject: Pipeline, data: object, /, *, times: int = 3, seconds: float = 600.0, seed: int = 0) -> Outcome:
    """Judge that a run, and one answer for each row, stay within the `memory` that was declared.

    Measured is the peak of resident memory (Linux: VmHWM) of a fresh process: Python, packages and data count, as they do for
    whoever limits a process. It is measured `times` times: PASS where the most is within the budget, FAIL where the least is above, else
    INCONCLUSIVE.

    >>> import assay
    >>> def fit(rows):
    ...     return [0.5] * 1000
    >>> memory(assay.pipeline(fit, memory="4GiB"), [{"x": 1.0}], times=1).verdict.value
    'pass'
    >>> seen = memory(assay.pipeline(fit, memory="1MiB"), [{"x": 1.0}], times=1)
    >>> seen.verdict.value, seen.why
    ('fail', '... MiB at the peak of 1 run ...; the budget is 1 MiB')
    """
    assert subject.memory is not None
    bare = replace(subject, kept={}, serve=None, lock=None, split=None)
    about = (*(step.function for step in subject.steps), subject.predict)
    try:
        works = [Work(peaks, (bare, data, seed), about=about) for _ in range(max(times, 1))]
        told = [in_fresh_processes([work], seconds=seconds)[0] for work in works]
    except CannotSend as error:
        return undecided(
            f"the path cannot be sent to another process: {error}", note="Define steps as functions of a module."
        )
    failed = next((answer for answer in told if answer.error), None)
    if failed is not None:
        return Outcome("", "", Verdict.ERROR, why=f"the path does not run in a fresh process: {failed.error}")
    return _judged(told, subject.memory, rows_in(data))


def peaks(subject: Pipeline, data: Any, seed: int) -> Peaks:
    """Return the peak of memory before and after each step of a run. It is called in a fresh process."""
    before = peak_memory()
    after: list[tuple[str, int | None]] = []

    def watch(stage: Stage) -> None:
        after.append((stage.name, peak_memory()))

    made = run(subject, data, seed=seed, watch=watch)
    if answers(subject, made.model):
        asked(subject, made.model, model_rows(subject, made))
        after.append(("answers", peak_memory()))
    return Peaks(before, tuple(after))


def _judged(told: Sequence[Answer], budget: int, rows: Any) -> Outcome:
    found = [answer.peak for answer in told if answer.peak is not None]
    if not found:
        return undecided("this system does not tell the peak of a process's memory", note="Run it on Linux or macOS.")
    low, high = min(found), max(found)
    worst: Peaks = max(told, key=lambda answer: answer.peak or 0).value
    observed = Estimate(
        high, n=len(found), low=low, high=high, confidence=1.0, unit="bytes", method="peak of resident memory"
    )
    base = worst.before or 0
    shown, last = [Example(None, {"step": "before the first step", "peak": _mib(base), "more": ""})], base
    for name, peak in worst.after:
        shown.append(
            Example(None, {"step": name, "peak": _mib(peak or last), "more": f"+{_mib((peak or last) - last)}"})
        )
        last = peak or last
    said = f"{_mib(high)} at the peak of {counted(len(found), 'run')} (least {_mib(low)}), {_mib(base)} before the first step"
    said += f"; the budget is {_mib(budget)}"
    height = None if rows is None else rows.height
    if high <= budget:
        return held(said, observed=observed, n_rows=height)
    if low <= budget:
        return undecided(
            f"{said}: the runs lie on both sides",
            n_rows=height,
            note="Give the budget more room, or the path less to hold.",
        )
    return broken(
        said,
        examples=tuple(shown),
        observed=observed,
        n_rows=height,
        note="The step with the most beside it makes the peak.",
    )


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f} MiB" if size >= MIB else f"{size:,} bytes"
