"""What a model costs: how long a row and a batch take, how large it is, what memory it needs, how many features it asks for."""

from __future__ import annotations

import ctypes
import math
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.codec import parse_duration
from assay.evaluation.bounds import kept, shown
from assay.evaluation.models.model import Model, Sized
from assay.evaluation.trial import FAMILY, Part, Trial
from assay.verdict import Estimate, Exhibit, Outcome, Verdict

__all__ = ["CostSettings", "Memory", "cost", "cost_of", "memory_of", "quantile"]

Timer = Callable[[], float]
Meter = Callable[[Callable[[], object]], "Memory"]
MILLISECONDS, BYTES = "ms", "bytes"


class CostSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a model's cost is measured, and what it may be.

    The latency of a row is timed by up to `rows` calls of one row each, after `warm_up` calls that are dropped; that of
    a batch by `repeats` calls of each size in `batches`. `budget` is the time after which no more calls begin. Bounds:
    `latency_at_most` on the 95th centile of the latency of a row (`50ms`), `size_at_most` and `memory_at_most` in
    bytes.
    """

    rows: int = 400
    warm_up: int = 10
    batches: tuple[int, ...] = (1, 32, 1024)
    repeats: int = 7
    budget: str = "20s"
    latency_at_most: str = ""
    size_at_most: int | None = None
    memory_at_most: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("rows", 1), ("warm_up", 0), ("repeats", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it is at least {least}")
        if any(size < 1 for size in self.batches):
            raise ValueError(f"batches are {list(self.batches)}; a batch holds at least 1 row")
        for name in ("budget", "latency_at_most"):
            if getattr(self, name):
                parse_duration(getattr(self, name))
        if not self.budget:
            raise ValueError("budget is empty; it is a span of time, such as 20s")

    @property
    def bounds(self) -> dict[str, tuple[float, str]]:
        """Return the bounds that were asked for, in the unit of what they bound, and in words."""
        found: dict[str, tuple[float, str]] = {}
        if self.latency_at_most:
            span = parse_duration(self.latency_at_most)
            found["latency"] = (span.total_seconds() * 1000, f"95th centile at most {self.latency_at_most}")
        if self.size_at_most is not None:
            found["size"] = (self.size_at_most, f"at most {self.size_at_most:,} bytes")
        if self.memory_at_most is not None:
            found["memory"] = (self.memory_at_most, f"at most {self.memory_at_most:,} bytes")
        return found


class Memory(NamedTuple):
    """How many bytes more a piece of work needed at its peak than there were before it, and how that was measured."""

    bytes: int
    how: str


JUDGED = {"latency": "latency p95", "size": "model size", "memory": "memory"}


def cost(trial: Trial, settings: CostSettings, *, timer: Timer = time.perf_counter, meter: Meter | None = None) -> Part:
    """Return the outcomes latency, size and memory, and the exhibit `cost` with everything measured by `cost_of`.

    Where there are only predictions and no model, a bound is INCONCLUSIVE, and without one nothing is said.
    """
    bounds = settings.bounds
    if trial.model is None:
        return Part(tuple(_unjudged(name, words) for name, (_, words) in bounds.items()))
    seen = cost_of(
        trial.model, trial.rows.frame, settings, rng=trial.rng, confidence=trial.confidence, timer=timer, meter=meter
    )
    outcomes = tuple(
        _outcome(name, seen[measure], bounds.get(name)) for name, measure in JUDGED.items() if measure in seen
    )
    return Part(outcomes, (_exhibit(trial.model, seen, trial.confidence),))


def cost_of(
    model: Model,
    frame: pl.DataFrame,
    settings: CostSettings,
    *,
    rng: np.random.Generator,
    confidence: float = 0.95,
    timer: Timer = time.perf_counter,
    meter: Meter | None = None,
) -> dict[str, Estimate]:
    """Return what a model costs on these rows, each by its name, with the unit in the estimate.

    - `latency p50`, `latency p95`, `latency p99`: milliseconds of a call with one row, by `quantile`; `n` counts the calls.
    - `batch of 32`: milliseconds of a call with so many rows, the median; `rows per second at 32` is what follows from it.
    - `model size`: bytes of its file, folder, or pickled object, which `method` says.
    - `memory`: how much more memory the first call with the largest batch needed at its peak, by `memory_of`.
    - `features`: how many columns it takes.

    What Assay does to feed the model (columns by their names, and their types) is timed with it. Calls follow each
    other on one thread; the intervals take them for independent, and a machine that is busy with something else shows
    in them.
    """
    frame = _fed(model, frame)
    if not frame.height:
        return {"latency p95": Estimate(None, n=0, unit=MILLISECONDS, why="there are no rows to time")}
    order = rng.permutation(frame.height)
    ends = timer() + parse_duration(settings.budget).total_seconds()
    largest = frame[np.resize(order, max(settings.batches, default=1))]
    peak = (meter or memory_of)(lambda: model.predict(largest))
    calls = [frame[int(row) : int(row) + 1] for row in np.resize(order, settings.rows + settings.warm_up)]
    times = list(_timed(model, calls, timer=timer, ends=ends, dropped=settings.warm_up))
    found = {
        f"latency p{round(p * 100)}": _milliseconds(quantile(times, p, confidence=confidence))
        for p in (0.5, 0.95, 0.99)
    }
    for size in settings.batches:
        batch = frame[np.resize(order, size)]
        times = list(_timed(model, [batch] * (settings.repeats + 1), timer=timer, ends=ends, dropped=1))
        found |= _of_batch(size, times, settings, confidence)
    found["model size"] = _size(model)
    found["memory"] = Estimate(peak.bytes, n=largest.height, confidence=1.0, unit=BYTES, method=peak.how)
    found["features"] = Estimate(len(model.features) or frame.width, n=1, confidence=1.0)
    return found


def quantile(times: Sequence[float], p: float, *, confidence: float = 0.95) -> Estimate:
    """Return the p-quantile of a sample, and its distribution-free interval between two order statistics.

    The value is the ⌈p·n⌉-th smallest. The interval goes from the l-th to the u-th smallest, with l the greatest rank
    for which P(B < l) ≤ (1 - c)/2 and u the least for which P(B ≥ u) ≤ (1 - c)/2, where B is binomial (n, p): it counts
    the values below the population's quantile, whatever the distribution. An end for which there is no such rank is
    None, and `why` says how many values have both. Source: Thompson 1936.

    >>> quantile(range(1, 11), 0.5)
    Estimate(5 [2, 9], n=10)
    """
    n = len(times)
    if not n:
        return Estimate(None, n=0, why="no call was timed within the budget")
    from scipy.special import bdtr  # 0.15 s that only a cost needs

    ordered = sorted(times)
    miss = (1 - confidence) / 2
    upto: NDArray[np.float64] = np.asarray(bdtr(np.arange(n, dtype=np.float64), n, p))  # P(B ≤ k) for k = 0 ... n - 1
    lower = int(np.count_nonzero(upto <= miss))
    beyond = np.flatnonzero(1 - upto <= miss)
    low = ordered[lower - 1] if lower else None
    high = ordered[int(beyond[0])] if len(beyond) else None
    why = ""
    if low is None or high is None:
        needed = max(math.ceil(math.log(miss) / math.log(p)), math.ceil(math.log(miss) / math.log(1 - p)))
        why = f"{n} values do not bound it on both sides, {needed} do"
    return Estimate(
        ordered[math.ceil(p * n) - 1],
        n=n,
        low=low,
        high=high,
        confidence=confidence,
        why=why,
        method="order statistics",
    )


def memory_of(work: Callable[[], object]) -> Memory:
    """Return how much more memory this process needed at the peak of a piece of work than before it.

    Where the system tells (Linux with glibc), it is the peak of resident memory, which sees every library; of what a
    library keeps for itself and uses again nothing is seen. Elsewhere it is the peak of what Python and NumPy allocate,
    by tracemalloc.
    """
    before = _resident(reset=True)
    if before is not None:
        work()
        peak = _resident(reset=False)
        if peak is not None:
            return Memory(max(peak - before, 0), "peak of resident memory")
    begun = not tracemalloc.is_tracing()
    if begun:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        start = tracemalloc.get_traced_memory()[0]
        work()
        return Memory(max(tracemalloc.get_traced_memory()[1] - start, 0), "peak of Python's allocations")
    finally:
        if begun:
            tracemalloc.stop()


def _resident(*, reset: bool) -> int | None:
    """Return the resident memory now, from which on the peak is counted, or the peak since; None where it is not told."""
    try:
        if reset:
            # What was freed goes back to the system first, so that it counts when it is used again.
            ctypes.CDLL(None).malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
    except (OSError, AttributeError, TypeError):
        return None  # another system, or another C library
    wanted = "VmRSS:" if reset else "VmHWM:"
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(wanted)), None)


def _fed(model: Model, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that the model takes, so that leaving out the others is not timed with it."""
    there = model.features and all(name in frame.columns for name in model.features)
    return frame.select(model.features) if there else frame


def _timed(model: Model, calls: Sequence[pl.DataFrame], *, timer: Timer, ends: float, dropped: int) -> Iterator[float]:
    """Yield the seconds of each call but the first ones; stop where the budget ends, but not before one was timed."""
    timed = False
    for i, call in enumerate(calls):
        begun = timer()
        warm = i < dropped and begun < ends
        if begun >= ends and timed:
            return
        model.predict(call)
        if not warm:
            timed = True
            yield timer() - begun


def _milliseconds(seen: Estimate) -> Estimate:
    def scaled(end: float | int | str | None) -> float | None:
        return None if end is None else float(end) * 1000

    return msgspec.structs.replace(
        seen, value=scaled(seen.value), low=scaled(seen.low), high=scaled(seen.high), unit=MILLISECONDS
    )


def _of_batch(size: int, times: Sequence[float], settings: CostSettings, confidence: float) -> dict[str, Estimate]:
    seen = quantile(times, 0.5, confidence=confidence)
    rate = Estimate(None, n=seen.n, unit="rows/s", why=seen.why or "no time passed")
    if isinstance(seen.value, int | float) and seen.value > 0:
        rate = msgspec.structs.replace(
            seen, value=size / float(seen.value), unit="rows/s",
            low=size / seen.high if seen.high else None, high=size / seen.low if seen.low else None,
        )  # fmt: skip
    return {f"batch of {size:,}": _milliseconds(seen), f"rows per second at {size:,}": rate}


def _size(model: Model) -> Estimate:
    if not isinstance(model, Sized):
        return Estimate(None, n=0, unit=BYTES, why=f"the {model.kind} model does not say how large it is")
    size = model.size()
    return Estimate(
        size.bytes, n=0 if size.bytes is None else 1, confidence=1.0, unit=BYTES, why=size.why, method=size.of
    )


def _outcome(name: str, seen: Estimate, bound: tuple[float, str] | None) -> Outcome:
    verdict, why = kept(seen, at_least=None, at_most=None if bound is None else bound[0])
    if bound is None:
        verdict = Verdict.SKIP
        why = f"{shown(seen)} {seen.unit}" if seen.value is not None else f"it is undefined: {seen.why}"
    return Outcome(
        "cost", name, verdict, expected="" if bound is None else bound[1], observed=seen, why=why, n_rows=seen.n,
        family=FAMILY, id=f"cost.{name}",
    )  # fmt: skip


def _unjudged(name: str, words: str) -> Outcome:
    why = "there is no model to measure, only its predictions"
    return Outcome(
        "cost", name, Verdict.INCONCLUSIVE, expected=words, observed=Estimate(None, n=0, why=why), why=why, n_rows=0,
        family=FAMILY, id=f"cost.{name}",
    )  # fmt: skip


def _exhibit(model: Model, seen: dict[str, Estimate], confidence: float) -> Exhibit:
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "measure": tuple(seen),
        "value": tuple(e.value for e in seen.values()),
        "low": tuple(e.low for e in seen.values()),
        "high": tuple(e.high for e in seen.values()),
        "unit": tuple(e.unit for e in seen.values()),
    }
    calls = seen["latency p95"].n
    timed = (
        f"The latency of a row is that of {calls:,} calls with one row each, one after the other, with what it takes to feed a "
        f"{model.kind} model; intervals lie between order statistics, at {confidence:.0%} each."
    )
    notes = [timed]
    if (size := seen.get("model size")) is not None:
        notes.append(
            f"The size is of {size.method}." if size.value is not None else f"The size is unknown: {size.why}."
        )
    if (memory := seen.get("memory")) is not None:
        notes.append(f"Memory is the {memory.method}, in the first call with {memory.n:,} rows.")
    return Exhibit("cost", "What the model costs", columns, note=" ".join(notes))
