"""The record of what was judged: who wants to hear of it. Nothing heavy is imported here, as the plugin of pytest is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.verdict import Outcome

__all__ = ["Record", "heard", "noted", "recording"]


class Record:
    """The outcomes that were judged while this was listening, in their order.

    `answer` gives the code that asked for a judgement the outcome in its place (default: as it is); `outer` is the record that
    listened before this one, which hears of everything too.
    """

    __slots__ = ("answer", "outcomes", "outer")

    def __init__(self, *, answer: Callable[[Outcome], Outcome] | None = None, outer: Record | None = None) -> None:
        self.outcomes: list[Outcome] = []
        self.answer = answer
        self.outer = outer

    def add(self, outcome: Outcome) -> Outcome:
        """Keep an outcome, and return what the code that asked for it is told."""
        self.outcomes.append(outcome)
        told = outcome if self.outer is None else self.outer.add(outcome)
        return told if self.answer is None else self.answer(told)


_RECORD: ContextVar[Record | None] = ContextVar("assay_record", default=None)


@contextmanager
def heard(record: Record) -> Iterator[Record]:
    """Let a record hear of everything that is judged inside the block."""
    token = _RECORD.set(record)
    try:
        yield record
    finally:
        _RECORD.reset(token)


@contextmanager
def recording() -> Iterator[list[Outcome]]:
    """Collect the outcome of every contract that is judged inside the block, in their order.

    >>> with recording() as seen:
    ...     pass
    >>> seen
    []
    """
    with heard(Record(outer=_RECORD.get())) as record:
        yield record.outcomes


def noted(outcome: Outcome) -> Outcome:
    """Tell the record that listens of an outcome, where one does, and return what it answers."""
    record = _RECORD.get()
    return outcome if record is None else record.add(outcome)
