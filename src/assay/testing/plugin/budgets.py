"""Budgets of tests: how long one may take, and how much memory it may need beyond what the process holds already."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from assay.codec import format_duration, parse_duration
from assay.errors import UsageError
from assay.testing.explaining import explained
from assay.testing.plugin.memory import Meter
from assay.testing.plugin.settings import Settings
from assay.testing.record import noted
from assay.verdict import Estimate, Outcome, Verdict

__all__ = ["FAMILY", "Budget", "budget_of", "bytes_of", "judged", "of_memory", "of_time"]

FAMILY = "budget"
_UNITS = {
    "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Budget:
    """The most that a test may take: `seconds` of wall time, and `size` bytes of memory; None is no bound."""

    seconds: float | None = None
    size: int | None = None


def bytes_of(text: str | int) -> int:
    """Return a number of bytes that is written with its unit: B, kB, MB, GB, TB (1000s) or KiB, MiB, GiB, TiB (1024s).

    Raises ValueError, with the rule, otherwise.

    >>> bytes_of("800MiB"), bytes_of("1.5 GB"), bytes_of(4096)
    (838860800, 1500000000, 4096)
    """
    if isinstance(text, int) and not isinstance(text, bool) and text > 0:
        return text
    found = _SIZE.fullmatch(text) if isinstance(text, str) else None
    size = int(float(found[1]) * _UNITS[found[2].lower()]) if found and found[2].lower() in _UNITS else 0
    if size <= 0:
        raise ValueError(
            f"{text!r} is no amount of memory; write a number above 0 and its unit, such as 800MiB or 1.5GB"
        )
    return size


def budget_of(item: pytest.Item) -> Budget | None:
    """Return the budget of a test: what the mark nearest to it says of time, and what the nearest says of memory; None without.

    Raises UsageError where a mark says something else or nothing.
    """
    said: dict[str, object] = {}
    for mark in item.iter_markers("assay_budget"):
        if mark.args or not mark.kwargs or set(mark.kwargs) - {"time", "memory"}:
            given = ", ".join([*map(repr, mark.args), *(f"{name}=" for name in mark.kwargs)]) or "nothing"
            raise UsageError(f"assay_budget takes time= and memory=, either or both; it was given {given}")
        said = {**mark.kwargs, **said}
    if not said:
        return None
    try:
        return Budget(
            seconds=_seconds_of(said["time"]) if said.get("time") is not None else None,
            size=bytes_of(said["memory"]) if said.get("memory") is not None else None,  # type: ignore[arg-type]
        )
    except ValueError as error:
        raise UsageError(f"assay_budget: {error}") from None


def judged(nodeid: str, budget: Budget, settings: Settings) -> Generator[None, None, None]:
    """Measure what happens while this yields, and fail where it takes more than the budget.

    A test that fails by itself is not judged: how long it took says nothing.
    """
    meter = Meter() if budget.size is not None else None
    started, used = time.perf_counter(), time.process_time()
    result = yield
    seconds, used = time.perf_counter() - started, time.process_time() - used
    outcomes = []
    if budget.seconds is not None:
        outcomes.append(of_time(nodeid, budget.seconds, seconds, used=used, busy=_busy(), settings=settings))
    if budget.size is not None and meter is not None:
        outcomes.append(of_memory(nodeid, budget.size, *meter.read()))
    told = [(outcome, noted(outcome)) for outcome in outcomes]
    broken = [outcome for outcome, answer in told if not answer and answer.verdict is not Verdict.SKIP]
    if broken:
        raise _over(broken)
    return result


def _over(broken: Sequence[Outcome]) -> BaseException:
    """Return the failure of a test: what it says is all there is to see, and no line of the test is to blame."""
    failure = pytest.fail.Exception("\n".join(map(explained, broken)), pytrace=False)
    failure.outcomes = tuple(broken)  # type: ignore[attr-defined]
    return failure


def of_time(
    nodeid: str, bound: float, seconds: float, *, used: float, busy: float | None, settings: Settings
) -> Outcome:
    """Judge the wall time of a test by one run of it.

    It is not measured by a worker of xdist (SKIP), unless `--assay-budgets` asks for that. Where the time is over the bound while
    the processor's time that the process `used` is not, and the machine is `busy` (more processes want to run than it has
    processors; None where that is not known), it is INCONCLUSIVE.
    """
    expected = f"at most {_duration(bound)} of wall time"
    seen = Estimate(seconds, n=1, unit="s", method="one run, wall clock")
    if settings.worker and not settings.loaded:
        why = "not measured: xdist's workers share the machine; run the test without -n, or give --assay-budgets"
        return Outcome("time", nodeid, Verdict.SKIP, expected, why=why, family=FAMILY)
    took = f"it took {_duration(seconds)}, of {_duration(bound)} that it may take"
    if seconds <= bound:
        return Outcome("time", nodeid, Verdict.PASS, expected, seen, took, family=FAMILY)
    if used <= bound and busy is not None and busy > 1:
        why = f"{took}, but used the processor for {_duration(used)} only, while {busy:.1f} processes wanted each processor"
        return Outcome(
            "time", nodeid, Verdict.INCONCLUSIVE, expected, seen, why, family=FAMILY, note="run it on a quiet machine"
        )
    return Outcome("time", nodeid, Verdict.FAIL, expected, seen, took, family=FAMILY)


def of_memory(nodeid: str, bound: int, size: int | None, method: str) -> Outcome:
    """Judge the memory that a test needed beyond what the process held when it began; `method` says how it was measured."""
    expected = f"at most {_size(bound)} of memory beyond what the process held before"
    if size is None:
        return Outcome("memory", nodeid, Verdict.INCONCLUSIVE, expected, why=f"not measured: {method}", family=FAMILY)
    seen = Estimate(size, n=1, unit="bytes", method=method)
    why = f"it needed {_size(size)} ({method}), of {_size(bound)} that it may need"
    verdict = Verdict.PASS if size <= bound else Verdict.FAIL
    return Outcome("memory", nodeid, verdict, expected, seen, why, family=FAMILY)


def _busy() -> float | None:
    """Return how many processes want each processor, over the last minute; None where the system does not say."""
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (OSError, AttributeError):
        return None


def _seconds_of(value: object) -> float:
    seconds = parse_duration(value) if isinstance(value, str) else value
    seconds = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ValueError(f"{value!r} is no duration; write 200ms, 1m30s, a number of seconds above 0, or a timedelta")
    return float(seconds)


def _duration(seconds: float) -> str:
    """Return a duration to three digits.

    >>> [_duration(each) for each in (0.0000304, 0.0421, 1.2345, 83.4)]
    ['30us', '42.1ms', '1.23s', '1m23s']
    """
    if seconds >= 60:
        return format_duration(timedelta(seconds=round(seconds)))
    unit, factor = ("s", 1) if seconds >= 1 else ("ms", 1e3) if seconds >= 1e-3 else ("us", 1e6)
    return f"{seconds * factor:.3g}{unit}" if unit != "us" else f"{seconds * factor:.0f}us"


def _size(size: int) -> str:
    """Return a number of bytes in the unit that reads best.

    >>> [_size(each) for each in (512, 2048, 800 * 2**20, 3 * 2**30)]
    ['512 B', '2 KiB', '800 MiB', '3 GiB']
    """
    unit, name = next(((u, n) for u, n in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")) if size >= u), (1, "B"))
    return f"{size / unit:.4g} {name}"
