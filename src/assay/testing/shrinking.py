"""The smallest input that still breaks a contract: fewer rows first, then fewer changed cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["smallest"]

T = TypeVar("T")


def smallest(parts: Sequence[T], breaks: Callable[[Sequence[T]], bool], *, tries: int = 200) -> tuple[T, ...]:
    """Return as few of the parts, in their order, as still break: no part of the answer can be left out by itself.

    `breaks` is asked of a choice of the parts at most `tries` times; what it said of all of them is taken as known to be True.
    When the tries are over, the smallest choice found so far is returned. This is delta debugging (ddmin): halves, quarters,
    … are left out, until single parts are.

    Source: Zeller and Hildebrandt (2002), "Simplifying and isolating failure-inducing input", IEEE TSE 28(2).

    >>> smallest(range(100), lambda rows: 17 in rows and 42 in rows)
    (17, 42)
    """
    kept = list(parts)
    pieces = 2
    while len(kept) > 1 and tries > 0:
        size = -(-len(kept) // pieces)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            tries -= 1
            if rest and breaks(rest):
                kept, pieces = rest, max(pieces - 1, 2)
                break
            if tries <= 0:
                break
        else:
            if size == 1:
                break
            pieces = min(pieces * 2, len(kept))
    return tuple(kept)
