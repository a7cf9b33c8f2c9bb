"""What a comparison answers, and the reasons why it has no answer that all of them share."""

from __future__ import annotations

from typing import NamedTuple

from assay.stats.pair import Pair

__all__ = ["Compared", "too_few", "undefined"]


class Compared(NamedTuple):
    """The statistic of a comparison and its p-value; both None where it is undefined, and `why` then says so.

    `freedom` are the degrees of freedom of the law that the p-value comes from, where it has any; `why` may also say
    what was done to get an answer, such as places pooled.

    >>> Compared(0.1, 0.2).p_value
    0.2
    """

    statistic: float | None
    p_value: float | None
    why: str = ""
    freedom: float | None = None


def undefined(why: str) -> Compared:
    """Return that a comparison has no answer, and why.

    >>> undefined("the reference has no values").p_value is None
    True
    """
    return Compared(None, None, why)


def too_few(pair: Pair, *, least: int = 2) -> Compared | None:
    """Return that a side has too few values to compare, or None where both have at least `least`."""
    for side, n in (("the reference", pair.n_reference), ("the current data", pair.n)):
        if n < least:
            return undefined(f"{side} has {n} value{'' if n == 1 else 's'}; a comparison needs {least} on each side")
    return None
