"""The plugin inside a run of pytest that is repeated with one fault after another, in one warm process.

The tests are collected once. Clean runs come first; then each fault is put into a fixture, a function, or what a function
returns, all tests that could notice are run, everything is torn down, and one line is written for it. `pytest_runner` starts
such processes, and starts the next where one ends before its time.
"""

from __future__ import annotations

import copy
import importlib
import os
import pickle
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.errors import AssayError, UsageError
from assay.testing.contract import ContractBroken, recording
from assay.testing.faults.fault import Attempt, Caught, Fault, NoEffect, NotApplicable
from assay.testing.faults.plan import Wanted
from assay.testing.faults.points import Point, injected, planned_at, point_of
from assay.testing.faults.proxies import MistakenFunction
from assay.verdict import Verdict

__all__ = ["Line", "Order", "Source", "pytest_addoption", "pytest_configure"]

_RUNNER = "pytest"
# How often what caught something is run again without a fault, so that a test that fails now and then is found out.
_AGAIN = 8


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One point of injection: a fixture by its name, or `module:name` of a function (`kind` "function", "loader")."""

    name: str
    kind: str = "fixture"


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a worker is told: where to inject, what to try, how many clean runs come first, and which attempts are done.

    `faults` are those planned by an earlier worker; empty where this one plans. `suspects` are tests that caught something there.
    `lines` is the file of answers.
    """

    sources: tuple[Source, ...]
    lines: str
    wanted: Wanted
    clean: int = 2
    done: int = 0
    faults: tuple[Fault, ...] = ()
    first_only: bool = False
    suspects: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a worker's answer: how many tests there are, a plan, an attempt, that all is done, or why nothing can be."""

    attempt: Attempt | None = None
    faults: tuple[Fault, ...] | None = None
    error: str = ""
    tests: tuple[str, ...] | None = None
    ended: bool = False


@dataclass
class _Seen:
    """What one run of the tests brought so far."""

    failed: dict[str, tuple[Caught, str]] = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)
    ran: int = 0
    first: int | None = None
    seconds: float = 0.0
    injected: bool = False
    caught: Caught | None = None  # why the fault could not be made
    why_not: str = ""
    mistake: MistakenFunction | None = None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option by which a runner hands over its order."""
    parser.addoption("--assay-fault-order", metavar="FILE", help="What to inject, written by `assay faults`.")


def pytest_configure(config: pytest.Config) -> None:
    """Take over the run of the tests where there is an order."""
    path = config.getoption("--assay-fault-order")
    if path:
        order = msgspec.json.decode(Path(path).read_bytes(), type=Order)
        config.pluginmanager.register(Worker(order), "assay_fault_worker")


class Worker:
    """The state of one process: the order, the fault that is in force, and what the tests said under it."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.sources = {source.name: source for source in order.sources}
        self.points: dict[str, Point] = {}
        self.unfit: dict[str, str] = {}
        self.given: dict[str, Any] = {}
        self.fault: Fault | None = None
        self.seen = _Seen()
        self.started = 0.0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the collected tests once for each attempt, in place of once."""
        if session.testsfailed or not session.items:
            self._write(Line(error="tests could not be collected" if session.testsfailed else "no test was collected"))
            return True
        unknown = [s.name for s in self.order.sources if s.kind == "fixture" and not _users(session.items, s.name)]
        if unknown:
            self._write(Line(error=f"no test uses a fixture {unknown[0]!r}"))
            return True
        if error := self._unreachable():
            self._write(Line(error=error))
            return True
        self._write(Line(tests=tuple(item.nodeid for item in session.items)))
        baseline = [self._run(session.items, None) for _ in range(max(self.order.clean, 1))]
        if self.order.done == 0:
            for seen in baseline:
                self._write(Line(attempt=self._attempt(None, seen, len(session.items))))
        warned = set().union(*(seen.warned for seen in baseline))
        faults = self.order.faults or self._planned()
        self._keep()
        suspects = set(self.order.suspects)
        for fault in faults[self.order.done :]:
            attempt = self._tried(session.items, fault, warned)
            suspects |= set(attempt.by) if attempt.caught.counts else set()
            self._write(Line(attempt=attempt))
        red = set().union(*(seen.failed for seen in baseline))
        self._again([item for item in session.items if item.nodeid in suspects - red], min(_AGAIN, len(faults)))
        self._write(Line(ended=True))
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, object, object]:
        value = yield
        if fixturedef.argname not in self.sources or self.sources[fixturedef.argname].kind != "fixture":
            return value
        changed = self._changed(fixturedef.argname, value)
        fixturedef.cached_result = (changed, *fixturedef.cached_result[1:])
        return changed

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        with recording() as judged:
            try:
                yield
            except AssertionError as error:
                broke = [o for o in judged if o.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)]
                if broke and not isinstance(error, ContractBroken):
                    raise ContractBroken(broke) from error
                raise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "call":
            self.seen.ran += 1
        if report.failed and item.nodeid not in self.seen.failed and call.excinfo is not None:
            self.seen.failed[item.nodeid] = _kind(call.excinfo.value)
            if self.seen.first is None and self.seen.failed[item.nodeid][0].counts:
                self.seen.first, self.seen.seconds = max(self.seen.ran - 1, 0), time.perf_counter() - self.started
        return report

    def pytest_warning_recorded(self, warning_message: Any, nodeid: str) -> None:
        if nodeid:
            self.seen.warned.add(f"{nodeid}: {warning_message.category.__name__}")

    def _unreachable(self) -> str:
        """Return why a function that is a source cannot be replaced; empty where all can."""
        for source in self.order.sources:
            if source.kind == "fixture":
                continue
            try:
                named(source.name)
            except UsageError as error:
                return str(error.message)
            if "." in source.name.partition(":")[2]:
                return f"{source.name!r} is held by a class, and only what a module holds can be replaced"
        return ""

    def _planned(self) -> tuple[Fault, ...]:
        """Return the faults that fit what the sources were seen to hold in the clean runs, and write them down."""
        faults: list[Fault] = []
        for name, source in self.sources.items():
            if name not in self.points:
                why = self.unfit.get(name, "was never used by the tests that ran")
                self._write(Line(error=f"{source.kind} {name!r} {why}"))
                continue
            made = planned_at(self.points[name], self.order.wanted)
            faults += [msgspec.structs.replace(fault, source=name) for fault in made]
        self._write(Line(faults=tuple(faults)))
        return tuple(faults)

    def _keep(self) -> None:
        """Write down the rows that the sources gave, or were given, so that checks of them can be proposed."""
        for place, source in enumerate(self.order.sources):
            point = self.points.get(source.name)
            held = self.given.get(source.name) if point is None or point.frame is None else point.frame
            if held is not None:
                kept = Path(self.order.lines).with_name(f"held-{place}.pickle")
                kept.write_bytes(pickle.dumps(held))

    def _again(self, items: Sequence[pytest.Item], times: int) -> None:
        """Run tests without a fault once more, and write down what came of it as clean runs."""
        for _ in range(times if items else 0):
            seen = self._run(items, None)
            self._write(Line(attempt=self._attempt(None, seen, len(items))))

    def _tried(self, items: Sequence[pytest.Item], fault: Fault, warned: set[str]) -> Attempt:
        source = self.sources[fault.source]
        those = _users(items, fault.source) if source.kind == "fixture" else list(items)
        seen = self._run(those, fault)
        if seen.caught is not None:
            return Attempt(fault, seen.caught, why=seen.why_not, runner=_RUNNER)
        if seen.mistake is not None and not (seen.mistake.made and seen.mistake.differs):
            caught = (
                Caught.NO_EFFECT if seen.mistake.made else Caught.NOT_APPLICABLE if seen.mistake.why else Caught.NOT_RUN
            )
            why = seen.mistake.why if not seen.mistake.made else "no answer was another than the right one"
            return Attempt(fault, caught, why=why or f"no test called {fault.source!r}", ran=seen.ran, runner=_RUNNER)
        if not seen.injected:
            return Attempt(
                fault, Caught.NOT_RUN, why=f"no test that ran used {fault.source!r}", ran=seen.ran, runner=_RUNNER
            )
        return self._attempt(fault, seen, seen.ran, warned)

    def _attempt(self, fault: Fault | None, seen: _Seen, ran: int, warned: set[str] | None = None) -> Attempt:
        counts = {name: kind for name, kind in seen.failed.items() if kind[0].counts}
        new = sorted(seen.warned - (warned if warned is not None else seen.warned))
        shown = counts or seen.failed
        caught, why = next(iter(shown.values()), (Caught.WARNING, new[0]) if new else (Caught.SURVIVED, ""))
        by = tuple(seen.failed if fault is None else shown) or tuple(new)
        seconds = seen.seconds if counts else time.perf_counter() - self.started
        return Attempt(fault, caught, by=by, why=why, first=seen.first, ran=ran, seconds=seconds, runner=_RUNNER)

    def _run(self, items: Sequence[pytest.Item], fault: Fault | None) -> _Seen:
        """Run tests with one fault in force, from a clean start to a clean end: no fixture outlives the run."""
        self.fault, self.seen, self.started = fault, _Seen(), time.perf_counter()
        with self._replaced():
            for place, item in enumerate(items):
                after = items[place + 1] if place + 1 < len(items) else None
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
                stop = self.seen.caught is not None or (
                    self.order.first_only and fault is not None and self.seen.first is not None
                )
                if stop and after is not None:
                    item.session._setupstate.teardown_exact(None)
                    break
        self.fault = None
        return self.seen

    def _changed(self, name: str, value: Any) -> Any:
        """Return what the tests are given in place of a source's value: the value itself in clean runs."""
        if self.fault is None:
            if name not in self.points:
                try:
                    self.points[name] = self._point(name, value)
                except UsageError as error:  # the test goes on; what is wrong is said once all have run
                    self.unfit[name] = f"cannot be used: {error.message}"
                    return value
            return self._watched(name, value) if self.points[name].on == ("function",) else value
        if self.fault.source != name:
            return value
        try:
            made = injected(self._point(name, value), self.fault)
        except NotApplicable as reason:
            self.seen.caught = Caught.NO_EFFECT if isinstance(reason, NoEffect) else Caught.NOT_APPLICABLE
            self.seen.why_not = str(reason)
            return value
        if isinstance(made, MistakenFunction):
            self.seen.mistake = made
        self.seen.injected = True
        return made

    def _watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that remembers the most rows that it was given."""

        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            rows = next((each for each in (*args, *kwargs.values()) if hasattr(each, "columns")), None)
            if rows is not None and len(rows) > len(self.given.get(name, ())):
                self.given[name] = copy.deepcopy(rows)
            return function(*args, **kwargs)

        return called

    def _point(self, name: str, value: Any) -> Point:
        return point_of(value, scratch=Path(self.order.lines).parent, function=self.sources[name].kind == "function")

    @contextmanager
    def _replaced(self) -> Iterator[None]:
        """Put the functions that are sources aside, in every module that holds them, and put them back."""
        undo: list[tuple[dict[str, Any], str, Any]] = []
        try:
            for source in self.sources.values():
                if source.kind != "fixture":
                    undo += self._replace(source)
            yield
        finally:
            for names, name, original in reversed(undo):
                names[name] = original

    def _replace(self, source: Source) -> list[tuple[dict[str, Any], str, Any]]:
        original = named(source.name)
        stand_in = (
            self._loader(source.name, original) if source.kind == "loader" else self._changed(source.name, original)
        )
        if stand_in is original:
            return []
        places = [
            (vars(module), name, original)
            for module in list(sys.modules.values())
            if isinstance(getattr(module, "__dict__", None), dict)
            for name, value in list(vars(module).items())
            if value is original
        ]
        for names, name, _ in places:
            names[name] = stand_in
        return places

    def _loader(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def loaded(*args: Any, **kwargs: Any) -> Any:
            return self._changed(name, original(*args, **kwargs))

        return loaded

    def _write(self, line: Line) -> None:
        with Path(self.order.lines).open("ab") as out:
            out.write(msgspec.json.encode(line) + b"\n")
            out.flush()
            os.fsync(out.fileno())


def named(target: str) -> Any:
    """Return what `module:name` names; raise UsageError where there is none.

    >>> named("math:sqrt")(9.0)
    3.0
    """
    module, _, name = target.partition(":")
    if not name:
        raise UsageError(
            f"{target!r} names no function", hint="write module:name, such as churn.features:rolling_avg_7d"
        )
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"{target!r} cannot be found: {error}", hint="write module:name of what the tests call"
        ) from None
    return found


def _users(items: Sequence[pytest.Item], fixture: str) -> list[pytest.Item]:
    return [item for item in items if fixture in getattr(item, "fixturenames", ())]


def _kind(error: BaseException) -> tuple[Caught, str]:
    """Return how an error of a test counts, and its first line."""
    said = str(error).strip().splitlines()
    why = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
    if isinstance(error, ContractBroken):
        return Caught.CONTRACT, why
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return Caught.ASSERTION, why
    return Caught.CRASH, why if not isinstance(error, AssayError) else f"{type(error).__name__}: {error}"
