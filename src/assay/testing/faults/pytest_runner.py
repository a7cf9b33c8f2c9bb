"""A person's own pytest suite as what must notice: start workers, follow what they write, and go on where one died."""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from assay.errors import UsageError
from assay.testing.faults.command import end_group
from assay.testing.faults.fault import Attempt, Caught, Fault
from assay.testing.faults.plan import Wanted
from assay.testing.faults.pytest_worker import Line, Order, Source

__all__ = ["PytestRun", "Seen", "run_tests", "sources_of"]

_WORKER = "assay.testing.faults.pytest_worker"
_TICK = 0.05
_TAIL = 12
# What would run the tests elsewhere, in another order, or for the sake of something else.
_OFF = {
    "xdist": ("-n", "0"), "pytest_cov": ("--no-cov",), "pytest_randomly": ("-p", "no:randomly"),
    "pytest_rerunfailures": ("--reruns", "0"), "pytest_benchmark": ("--benchmark-disable",),
}  # fmt: skip


@dataclass(frozen=True)
class PytestRun:
    """A run of tests under faults: pytest's own arguments, where to inject, and how long one attempt may take, in seconds.

    `clean` runs without a fault come first. `first_only` ends an attempt at the first test that catches it; all tests run
    otherwise, so that it is known which of them catch what. `folder` is where pytest starts.

    >>> PytestRun(("tests/",), sources_of(["train"], ["churn.features:rolling_avg_7d"])).sources[1].kind
    'function'
    """

    arguments: tuple[str, ...]
    sources: tuple[Source, ...]
    clean: int = 2
    limit: float = 120.0
    first_only: bool = False
    folder: Path = Path()


@dataclass(frozen=True)
class Seen:
    """What runs of tests brought: every attempt, and the names of all tests.

    Clean attempts come first, and have no fault. Last come clean ones of the tests that caught something, once more.

    `held` are the rows that a source gave, as Polars sees them, or that a function was given, in their own kind.
    """

    attempts: tuple[Attempt, ...]
    names: tuple[str, ...] = ()
    held: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tests(self) -> int:
        """Return how many tests there are."""
        return len(self.names)


def run_tests(tests: PytestRun, wanted: Wanted, *, tell: Callable[[int, int], None] | None = None) -> Seen:
    """Return what the tests made of clean runs and of every fault that was planned.

    The tests are collected once in a process of their own; a process that dies or hangs under a fault makes that attempt a
    crash, and the next process goes on after it. `tell(done, all)` is told how far it is.

    Raises UsageError where no test could be collected, no test uses a source, a source holds what no fault fits, or the process
    died before the first attempt.
    """
    with tempfile.TemporaryDirectory(prefix="assay-faults-") as scratch:
        lines = Path(scratch) / "lines.jsonl"
        lines.touch()
        clean: list[Attempt] = []
        again: list[Attempt] = []
        faults: tuple[Fault, ...] = ()
        done: list[Attempt] = []
        names: tuple[str, ...] = ()
        while True:
            order = Order(
                tests.sources, str(lines), wanted, tests.clean, len(done), faults, tests.first_only, _catchers(done)
            )
            seen = _Followed(tests, order, Path(scratch))
            for line in seen:
                if line.error:
                    raise UsageError(
                        line.error,
                        hint="name what gives the tests rows, splits, a file or a model: --fixture NAME or --function module:name",
                    )
                faults = line.faults if line.faults is not None else faults
                names = line.tests if line.tests is not None else names
                if line.attempt is not None:
                    late = again if faults else clean
                    (late if line.attempt.fault is None else done).append(line.attempt)
                if tell is not None and faults:
                    tell(len(done), len(faults))
            if seen.ended_well or (faults and order.done >= len(faults)):
                return Seen((*clean, *done, *again), names, _held(tests, Path(scratch)))
            if not faults:
                raise UsageError(f"pytest could not run: {seen.said()}", hint="run the same tests by hand first")
            if len(done) < len(faults):
                done.append(Attempt(faults[len(done)], Caught.CRASH, why=seen.said(), runner="pytest"))


def _catchers(attempts: Sequence[Attempt]) -> tuple[str, ...]:
    return tuple(sorted({name for one in attempts if one.caught.counts for name in one.by}))


def _held(tests: PytestRun, scratch: Path) -> dict[str, Any]:
    """Return the rows that a worker wrote down, by source."""
    kept = {source.name: scratch / f"held-{place}.pickle" for place, source in enumerate(tests.sources)}
    # Written a moment ago, into a folder of our own, by a process of our own.
    return {name: pickle.loads(path.read_bytes()) for name, path in kept.items() if path.is_file()}  # noqa: S301


class _Followed:
    """One worker process, and the lines that it writes, as they come."""

    def __init__(self, tests: PytestRun, order: Order, scratch: Path) -> None:
        self.limit = tests.limit
        self.lines = Path(order.lines)
        self.output = scratch / "output.txt"
        self.ended_well = False
        self.late = False
        self.start = self.lines.stat().st_size
        told = scratch / "order.json"
        told.write_bytes(msgspec.json.encode(order))
        self.command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests.arguments, "-p", _WORKER,
            "--assay-fault-order", str(told), *_off(),
        ]  # fmt: skip
        self.folder = tests.folder

    def __iter__(self) -> Iterator[Line]:
        with self.output.open("wb") as out:
            worker = subprocess.Popen(  # noqa: S603 - the tests are the person's own
                self.command,
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                yield from self._lines(worker)
            finally:
                end_group(worker)
                worker.wait()

    def said(self) -> str:
        """Return why the process ended, as far as its last lines tell."""
        if self.late:
            return f"it did not end within {self.limit:g} s"
        text = self.output.read_text(encoding="utf-8", errors="replace").splitlines()
        last = [line.strip() for line in text if line.strip() and not set(line) <= set("=-_ ")]
        return " / ".join(last[-_TAIL:]) or "it said nothing"

    def _lines(self, worker: subprocess.Popen[bytes]) -> Iterator[Line]:
        heard = time.monotonic()
        with self.lines.open("rb") as source:
            source.seek(self.start)
            rest = b""
            while True:
                ended = worker.poll() is not None
                rest += source.read()
                *whole, rest = rest.split(b"\n")
                for text in whole:
                    heard = time.monotonic()
                    line = msgspec.json.decode(text, type=Line)
                    self.ended_well = self.ended_well or line.ended
                    yield line
                if ended and not whole:
                    return
                if time.monotonic() - heard > self.limit:
                    self.late = True
                    return
                if not whole:
                    time.sleep(_TICK)


def _off() -> list[str]:
    return [part for module, parts in _OFF.items() if importlib.util.find_spec(module) is not None for part in parts]


def sources_of(
    fixtures: Sequence[str], functions: Sequence[str] = (), loaders: Sequence[str] = ()
) -> tuple[Source, ...]:
    """Return the points of injection that options name."""
    return (
        *(Source(name) for name in fixtures),
        *(Source(name, "function") for name in functions),
        *(Source(name, "loader") for name in loaders),
    )
