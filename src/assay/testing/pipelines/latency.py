"""The latency of an answer, against budgets: quantiles with intervals, beside a reference workload that shows a slow machine."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from assay.testing.contract import broken, call, contract, held, seeded, undecided
from assay.testing.pipelines.counting import counted
from assay.testing.pipelines.pipeline import Pipeline
from assay.testing.pipelines.requests import body_of, inference_target
from assay.testing.pipelines.running import asked, built, model_rows
from assay.testing.pipelines.ways import opened
from assay.testing.rows import Rows
from assay.verdict import Estimate, Example, Outcome, Verdict

__all__ = ["Clock", "Machine", "Pace", "calls_needed", "latency", "reference_workload"]

BUSY_SHARE, BUSY_SPREAD = 0.10, 2.0
Timer = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Clock:
    """The two timers of a measurement: of time that passes, and of time that this thread was at work. Both in seconds."""

    passed: Timer = time.perf_counter
    worked: Timer = time.thread_time


@dataclass(frozen=True, slots=True)
class Pace:
    """How many calls are timed (0: what the highest quantile needs), how many before them are not, and when to stop."""

    calls: int = 0
    warm_up: int = 20
    seconds: float = 30.0


class Machine(NamedTuple):
    """What the reference workload says of the machine: its median and 95th centile in seconds, and the share of time at other work."""

    median: float
    slow: float
    elsewhere: float

    @property
    def busy(self) -> str:
        """Return why the machine is busy; empty where it is not."""
        if self.elsewhere > BUSY_SHARE:
            return f"the machine was at other work for {self.elsewhere:.0%} of the reference workload's time"
        if self.slow > BUSY_SPREAD * self.median:
            return f"the reference workload's slow runs took {self.slow / self.median:.1f} times its median"
        return ""


@contract(
    "pipeline",
    title="answers come within the latency that was declared, by the whole interval of each quantile",
    catches="a model or a feature that became slower; a connection for each request; a rare stall that a mean hides",
    needs=("latency",),
    rubric=("O6",),
)
def latency(
    subject: Pipeline, data: object, /, *, rows: int = 1, through: Literal["", "predict", "serve"] = "", pace: Pace = Pace(),
    clock: Clock = Clock(), seed: int = 0,
) -> Outcome:  # fmt: skip
    """Judge that requests of `rows` rows are answered within the budgets of `latency`, through the service where one is declared.

    Each quantile has a distribution-free interval of 95 %, between two order statistics (Thompson 1936); p99 needs 368 calls for both ends.
    PASS where all of it is within the budget, FAIL where all of it is above, else INCONCLUSIVE. Above the budget on a machine that
    is busy, or that shares its cores with other workers of a test run, is INCONCLUSIVE too: it says nothing of the code.

    A reference workload (a fixed sum of numbers and of Python objects) runs between the calls. Where the pipeline declares how long it
    takes on the `machine` that the budgets are for, budgets grow or shrink by how much longer or shorter it took here.

    >>> import assay
    >>> from itertools import count
    >>> def ticking():  # a clock on which every call takes a millisecond
    ...     return Clock(count(0, 0.001).__next__, count(0, 0.001).__next__)
    >>> def half(rows):
    ...     return [0.5 for _ in rows]
    >>> told = assay.pipeline(None, model=half, latency={"p50": "5ms"})
    >>> latency(told, [{"x": 1.0}], clock=ticking()).verdict.value
    'pass'
    >>> told = assay.pipeline(None, model=half, latency={"p50": "500us"})
    >>> print(latency(told, [{"x": 1.0}], clock=ticking()).why)
    p50 of 200 calls of 1 row is 1 ms [1, 1]; the budget is 0.5 ms; the reference workload took 1 ms...
    """
    made = built(subject, data, seed=seed)
    given = model_rows(subject, made)
    order = seeded("latency", seed).integers(0, given.height, size=(64, rows))
    batches = [given.take(places) for places in order]
    needed = max(calls_needed(q) for q in subject.latency)
    calls = pace.calls or max(needed + needed // 10, 200)
    if (through or ("serve" if subject.serve else "predict")) == "predict":
        works = [partial(asked, subject, made.model, batch) for batch in batches]
        times, machine = _timed(works, calls, pace, clock)
    else:
        times, machine = _through_service(subject, batches, calls, pace, clock)
    if not times:
        return undecided(
            f"not one call ended within {pace.seconds:g} s", note="Give it more time: pace=Pace(seconds=…)."
        )
    return _judged(subject, times, machine, rows)


def calls_needed(quantile: float, *, confidence: float = 0.95) -> int:
    """Return how many calls bound a quantile on both sides: the least n with q^n and (1-q)^n at most (1-c)/2.

    >>> calls_needed(0.5), calls_needed(0.95), calls_needed(0.99)
    (6, 72, 368)
    """
    miss = (1 - confidence) / 2
    return max(math.ceil(math.log(miss) / math.log(q)) for q in (quantile, 1 - quantile))


def reference_workload() -> float:
    """Do a fixed piece of work, of about a millisecond: sums of Python's numbers, a dict, and products of small matrices.

    >>> reference_workload() == reference_workload()
    True
    """
    total = 0.0
    counts: dict[int, int] = {}
    for i in range(4_000):
        total += (i * i) % 7
        counts[i % 97] = counts.get(i % 97, 0) + i
    square = np.arange(3_600, dtype=np.float64).reshape(60, 60) / 3_600
    for _ in range(10):
        square = np.tanh(square @ square)
    return total + len(counts) + float(square.sum())


def _timed(works: Sequence[Callable[[], object]], calls: int, pace: Pace, clock: Clock) -> tuple[list[float], Machine]:
    """Return the seconds of each call, and what the reference workload says of the machine meanwhile."""
    begun = clock.passed()
    for i in range(pace.warm_up):
        works[i % len(works)]()
    times: list[float] = []
    passed, worked = [], []
    every = max(calls // 40, 1)
    for i in range(calls):
        if i % every == 0:
            wall, own = clock.passed(), clock.worked()
            reference_workload()
            passed.append(clock.passed() - wall)
            worked.append(clock.worked() - own)
        start = clock.passed()
        works[i % len(works)]()
        times.append(clock.passed() - start)
        if clock.passed() - begun > pace.seconds:
            break
    total = sum(passed)
    elsewhere = max(1 - sum(worked) / total, 0.0) if total > 0 else 0.0
    return times, Machine(float(np.median(passed)), float(np.quantile(passed, 0.95)), elsewhere)


def _through_service(
    subject: Pipeline, batches: Sequence[Rows], calls: int, pace: Pace, clock: Clock
) -> tuple[list[float], Machine]:
    assert subject.serve is not None
    told = subject.serve
    with opened(told) as transport:
        bodies = [body_of(told, batch.frame, transport) for batch in batches]
        target = inference_target(told)

        def send(body: bytes) -> None:
            reply = transport.send(target, body)
            if reply.status != 200:
                raise RuntimeError(f"it answered {reply.status}")

        works = [partial(call, send, body, what=f"the service of {subject.name}") for body in bodies]
        return _timed(works, calls, pace, clock)


def _judged(subject: Pipeline, times: Sequence[float], machine: Machine, rows: int) -> Outcome:
    from assay.evaluation.behaviour.cost import quantile

    factor = machine.median / subject.machine.total_seconds() if subject.machine else 1.0
    verdicts, shown, leading = [], [], None
    for share, budget in sorted(subject.latency.items()):
        seen = _milliseconds(quantile(times, share))
        bound = budget.total_seconds() * 1000 * factor
        verdicts.append(seen.below(bound) if seen.high is not None or seen.low is not None else Verdict.INCONCLUSIVE)
        if leading is None or verdicts[-1] > max(verdicts[:-1], default=Verdict.SKIP):
            leading = (share, seen, bound)
        shown.append(_row(share, seen, bound, verdicts[-1]))
    assert leading is not None
    share, seen, bound = leading
    scaled = f" ({factor:.2f} times what was declared, as this machine is)" if subject.machine else ""
    of = counted(rows, "row")
    why = (
        f"p{share * 100:g} of {len(times):,} calls of {of} is {_span(seen)}; the budget is {bound:.4g} ms{scaled}; "
        f"the reference workload took {machine.median * 1000:.3g} ms"
    )
    verdict = max(verdicts)
    busy = machine.busy or _shared()
    if verdict is Verdict.PASS:
        return held(why, observed=seen, n_rows=len(times))
    if verdict is Verdict.FAIL and not busy:
        note = "The rows show each quantile; the reference workload ran between the calls, and shows no busy machine."
        return broken(why, examples=shown, observed=seen, n_rows=len(times), note=note)
    if busy:
        return _open(
            f"{why}: not measured, {busy}", shown, seen, "Measure it alone: in a process and on cores of its own."
        )
    short = seen.why or "the interval lies on both sides of the budget"
    return _open(f"{why}: {short}", shown, seen, f"Time more calls: pace=Pace(calls={4 * len(times)}, seconds=…).")


def _open(why: str, shown: Sequence[Example], seen: Estimate, note: str) -> Outcome:
    return msgspec.structs.replace(undecided(why, n_rows=seen.n, note=note), examples=tuple(shown), observed=seen)


def _shared() -> str:
    """Return that other workers of a test run share the machine, where they do."""
    workers = os.environ.get("PYTEST_XDIST_WORKER_COUNT", "")
    return f"{workers} workers of a test run share the machine" if workers.isdigit() and int(workers) > 1 else ""


def _milliseconds(seen: Estimate) -> Estimate:
    def scaled(end: float | int | str | None) -> float | None:
        return None if end is None else float(end) * 1000

    return msgspec.structs.replace(
        seen, value=scaled(seen.value), low=scaled(seen.low), high=scaled(seen.high), unit="ms"
    )


def _row(share: float, seen: Estimate, bound: float, verdict: Verdict) -> Example:
    ends = {"low": seen.low, "high": seen.high}
    cells = {name: None if end is None else float(f"{end:.4g}") for name, end in ends.items()}
    value = None if seen.value is None else float(f"{float(seen.value):.4g}")
    return Example(
        None, {"quantile": f"p{share * 100:g}", "ms": value, **cells, "budget": float(f"{bound:.4g}")}, verdict.value
    )


def _span(seen: Estimate) -> str:
    low, high = ("?" if end is None else f"{end:.3g}" for end in (seen.low, seen.high))
    return f"{float(seen.value or 0):.3g} ms [{low}, {high}]"
