"""What a fake was asked, and which errors it was told to raise: one log for all fakes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from assay.errors import UsageError

__all__ = ["Call", "Log"]


@dataclass(frozen=True)
class Call:
    """One call of a fake: `what` was asked ("GET /ping", "get_online_features", a statement), with what, and how it was answered.

    `answered` is "ok", the name of an error, or a misbehaviour. `waited` is how many seconds it would have taken: nothing sleeps.
    """

    what: str
    given: Mapping[str, Any] = field(default_factory=dict)
    answered: str = "ok"
    waited: float = 0.0


@dataclass
class _Planned:
    pattern: str
    error: BaseException
    times: int


class Log:
    """The calls of one fake, in their order, and the errors that are still to come. It may be used from several threads.

    >>> log = Log()
    >>> log.fail(TimeoutError("no answer"), what="get_*")
    >>> log.note("get_online_features", {"rows": 1})
    Traceback (most recent call last):
    TimeoutError: no answer
    >>> [(call.what, call.answered) for call in log.calls]
    [('get_online_features', 'TimeoutError')]
    """

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()

    @property
    def calls(self) -> tuple[Call, ...]:
        """Return the calls so far."""
        with self._lock:
            return tuple(self._calls)

    @property
    def waited(self) -> float:
        """Return how many seconds all calls together would have taken."""
        return sum(call.waited for call in self.calls)

    def fail(self, error: BaseException, *, what: str = "*", times: int = 1) -> None:
        """Plan an error for the next `times` calls whose `what` fits the pattern (of a shell: "SELECT *", "get_*")."""
        if times < 1:
            raise UsageError(f"times is {times}", hint="an error comes 1 time or more")
        with self._lock:
            self._planned.append(_Planned(what, error, times))

    def note(self, what: str, given: Mapping[str, Any], *, waited: float = 0.0, answered: str = "ok") -> None:
        """Note a call; raise the error that is planned for it, if one is."""
        with self._lock:
            planned = next(
                (p for p in self._planned if p.times and (what == p.pattern or fnmatchcase(what, p.pattern))), None
            )
            if planned is not None:
                planned.times -= 1
                answered = type(planned.error).__name__
            self._calls.append(Call(what, dict(given), answered, waited))
        if planned is not None:
            raise planned.error

    def clear(self) -> None:
        """Forget the calls; errors that are planned still come."""
        with self._lock:
            self._calls.clear()
