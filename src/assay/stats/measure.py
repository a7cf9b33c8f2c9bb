"""What a distance answers: a size, or the reason why there is none."""

from __future__ import annotations

import math
from typing import NamedTuple

from assay.stats.pair import Pair

__all__ = ["Measure", "measured", "why_not"]


class Measure(NamedTuple):
    """The size of a difference; None where it is undefined, and `why` then says so.

    `where` names the place that a greatest difference was found at. `error` is how far the value may be from that of the
    samples themselves because they were counted in bins: 0 where nothing was lost, None where it has no bound.
    """

    value: float | None
    why: str = ""
    where: str = ""
    error: float | None = 0.0


def why_not(pair: Pair, *, scale: bool = False) -> str:
    """Return why two samples have no distance, or an empty text; `scale` asks for places that have a position.

    >>> from assay.stats.pair import of_samples
    >>> why_not(of_samples([], [1.0]))
    'the reference has no values'
    """
    for side, n in (("the reference", pair.n_reference), ("the current data", pair.n)):
        if n == 0:
            return f"{side} has no values"
    if scale and not pair.is_scale:
        return "the values are categories, which have no position"
    return ""


def measured(value: float, *, error: float | None = 0.0) -> Measure:
    """Return a size with its error, or that there is none where it is not finite.

    >>> measured(float("inf")).why
    'the difference is more than a float can hold'
    """
    if not math.isfinite(value):
        return Measure(None, "the difference is more than a float can hold")
    return Measure(value, error=error if error is not None and math.isfinite(error) else None)
