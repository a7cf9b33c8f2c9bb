"""Contracts of what code asked of a fake: that it did, how often, with what, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Protocol, cast

from assay.errors import UsageError
from assay.testing.contract import Judgement, broken, contract, held
from assay.testing.fakes.log import Call, Log
from assay.verdict import Example, Outcome

__all__ = ["FAKE_CONTRACTS", "Fake", "asked_in_order", "was_asked", "was_not_asked"]


class Fake(Protocol):
    """What stands for a part that a test cannot have: it has a name, and a log of what it was asked."""

    @property
    def name(self) -> str:
        """Return what messages call it."""
        ...

    @property
    def log(self) -> Log:
        """Return what it was asked."""
        ...


@contract(
    "fake",
    title="it was asked as often as expected, with what is expected",
    catches="a call that is missing, doubled, or of other values",
)
def was_asked(
    subject: Fake, data: object = "*", /, *, times: int | None = None, at_least: int = 1, at_most: int | None = None,
    given: Mapping[str, Any] | None = None, answered: str = "",
) -> Outcome:  # fmt: skip
    """Judge that a fake was asked `data` `times` times, or between `at_least` and `at_most`.

    `data` is the very text of a call ("SELECT * FROM orders"), or else a pattern of a shell ("POST *"; default: any call).
    `given` are values that the call was made with (others may be there too), `answered` how it was answered: only such calls
    count. The calls that there were are the examples.

    >>> from assay.testing.fakes.store import FakeFeatureStore
    >>> print(was_asked(FakeFeatureStore({}), "get_online_*").why)
    it was asked get_online_* 0 times instead of 1 or more; it was not asked anything
    """
    if times is None and at_most is not None and at_most < at_least:
        raise UsageError(
            f"at_least={at_least} is above at_most={at_most}", hint="give times= where one number is meant"
        )
    pattern = _pattern(data)
    calls = subject.log.calls
    found = [call for call in _matching(calls, pattern) if _fits(call, given or {}, answered)]
    low, high = (times, times) if times is not None else (at_least, at_most)
    if low <= len(found) and (high is None or len(found) <= high):
        return held(f"it was asked {pattern} {_times(len(found))}")
    wanted = f"{low}" if low == high else f"{low} or more" if high is None else f"{low} to {high}"
    named = "".join(f", {name}={value!r}" for name, value in (given or {}).items()) + (
        f", answered {answered}" if answered else ""
    )
    why = f"it was asked {pattern}{named} {_times(len(found))} instead of {wanted}; {_told(calls)}"
    return broken(why, examples=_examples(calls))


@contract(
    "fake",
    title="it was not asked",
    catches="a call to a part that should have been left alone, such as a write in a dry run",
)
def was_not_asked(subject: Fake, data: object = "*", /) -> Outcome:
    """Judge that a fake was not asked anything that fits `data`, a pattern of a shell (default: anything at all).

    >>> from assay.testing.fakes.store import FakeFeatureStore
    >>> was_not_asked(FakeFeatureStore({}), "materialize*").why
    'of 0 calls none was materialize*'
    """
    pattern = _pattern(data)
    calls = subject.log.calls
    found = _matching(calls, pattern)
    if not found:
        return held(f"of {len(calls)} calls none was {pattern}")
    return broken(
        f"it was asked {found[0].what} {_times(len(found))}; it should not have been", examples=_examples(found)
    )


@contract(
    "fake",
    title="it was asked in the expected order",
    catches="a read before the write, a commit that is missing, a retry that is not made",
)
def asked_in_order(subject: Fake, data: Sequence[str], /) -> Outcome:
    """Judge that calls that fit each of `data` were made in this order; others may stand between them.

    >>> from assay.testing.fakes.store import FakeFeatureStore
    >>> asked_in_order(FakeFeatureStore({}), ["materialize", "get_online_features"]).why
    'it was not asked materialize; it was not asked anything'
    """
    if isinstance(data, str) or not data:
        raise UsageError(f"the order is {data!r}", hint="give a list of patterns: ['materialize', 'get_*']")
    calls = subject.log.calls
    at = 0
    for place, pattern in enumerate(data):
        rest = _matching(calls[at:], pattern)
        found = next((i for i in range(at, len(calls)) if calls[i] in rest), None)
        if found is None:
            after = f" after {calls[at - 1].what} (call {at})" if place else ""
            return broken(f"it was not asked {pattern}{after}; {_told(calls)}", examples=_examples(calls))
        at = found + 1
    return held(f"{len(data)} calls came in this order: {', '.join(data)}")


FAKE_CONTRACTS: Mapping[str, Judgement] = {
    each.__name__: cast("Judgement", each) for each in (was_asked, was_not_asked, asked_in_order)
}


def _pattern(data: object) -> str:
    if not isinstance(data, str):
        raise UsageError(f"{data!r} is no pattern of calls", hint="give a text: 'POST */infer', 'get_*', 'SELECT *'")
    return data


def _matching(calls: Sequence[Call], pattern: str) -> list[Call]:
    """Return the calls that are this very text; where none is, those that fit it as a pattern: `*` is common in statements."""
    exact = [call for call in calls if call.what == pattern]
    return exact or [call for call in calls if fnmatchcase(call.what, pattern)]


def _fits(call: Call, given: Mapping[str, Any], answered: str) -> bool:
    alike = not answered or call.answered == answered
    return alike and all(name in call.given and call.given[name] == value for name, value in given.items())


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _told(calls: Sequence[Call]) -> str:
    if not calls:
        return "it was not asked anything"
    kinds = list(dict.fromkeys(call.what for call in calls))
    shown = ", ".join(kinds[:4]) + (f" and {len(kinds) - 4} more" if len(kinds) > 4 else "")
    return f"it was asked {shown}"


def _examples(calls: Sequence[Call]) -> list[Example]:
    return [
        Example(place, {"asked": call.what, "answered": call.answered, **{k: str(v) for k, v in call.given.items()}})
        for place, call in list(enumerate(calls))[-12:]
    ]
