"""What is accepted of a number, read from the words of its bound."""

from __future__ import annotations

import re

from assay.reports import words
from assay.reports.page import RangeBar
from assay.reports.sentences import quantity_text
from assay.verdict import Outcome

__all__ = ["accepted", "range_of"]

LARGEST = 1e300  # beyond this a float cannot hold the scale that a number is drawn on
_NUMBER = r"(-?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?)(%?)"
_BOUND = re.compile(
    rf"(?:between {_NUMBER} and {_NUMBER}|(at least|above|at most|below|exactly) {_NUMBER}(?: and at most {_NUMBER})?)"
)


def accepted(expected: str) -> tuple[float | None, float | None] | None:
    """Return the least and the greatest number that a bound accepts; None where it does not begin with a range of numbers.

    >>> (
    ...     accepted("at least 0.8"),
    ...     accepted("between 5% and 10%"),
    ...     accepted("at least 1 and at most 2"),
    ...     accepted("no gap"),
    ... )
    ((0.8, None), (0.05, 0.1), (1.0, 2.0), None)
    """
    match = _BOUND.match(expected)
    if match is None:
        return None
    low, low_percent, high, high_percent, word, only, only_percent, most, most_percent = match.groups()
    if low:
        return _bound(low, low_percent), _bound(high, high_percent)
    bound = _bound(only, only_percent)
    greatest = _bound(most, most_percent) if most else None if word in ("at least", "above") else bound
    return None if word in ("at most", "below") else bound, greatest


def _bound(text: str, percent: str) -> float:
    return float(text.replace(",", "")) / (100 if percent else 1)


def range_of(outcome: Outcome, *, text: str = "") -> RangeBar | None:
    """Return the observed number against its bound, where the bound begins with a plain range of numbers.

    `text` says it in words (default: what was observed, and what is accepted).
    """
    seen, bound = outcome.observed, accepted(outcome.expected)
    if bound is None or seen is None or isinstance(seen.value, str | bool | None):
        return None
    at_least, at_most = bound
    ends = (seen.low, seen.high) if seen.low is not None and seen.high is not None else (None, None)
    if not all(abs(end) < LARGEST for end in (seen.value, at_least, at_most, *ends) if end is not None):
        return None
    seen_text = quantity_text(seen.value, seen.unit, beside=outcome.expected)
    return RangeBar(
        title="", value=float(seen.value), low=ends[0], high=ends[1], at_least=at_least, at_most=at_most, verdict=outcome.verdict,
        text=text or f"observed {seen_text}, accepted {words.clean(outcome.expected)}",
    )  # fmt: skip
