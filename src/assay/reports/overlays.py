"""Where the places of an overlay lie and how tall they stand, the same for every kind of drawing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from statistics import median

from assay.reports.page import Overlay

__all__ = ["heights_of", "is_to_scale", "lefts_of", "top_of"]

# A place this many times narrower than its fair part of the scale cannot be seen on it.
SQUEEZED = 8


def is_to_scale(edges: Sequence[float], n: int) -> bool:
    """Return whether n places can be drawn as wide as they are; otherwise each is drawn equally wide.

    >>> is_to_scale((0, 1, 2, 4), 3), is_to_scale((0, 1, 2, 1000), 3), is_to_scale((), 3)
    (True, False, False)
    """
    return bool(_widths(edges, n))


def lefts_of(block: Overlay) -> list[float]:
    """Return the ends of the places in [0, 1], one more than there are places; the last one ends at 1.

    >>> lefts_of(Overlay("", (0.5, 0.5), (0.5, 0.5), edges=(0, 1, 4)))
    [0.0, 0.25, 1.0]
    """
    n = len(block.reference)
    widths = _widths(block.edges, n) or [1.0] * n
    total, lefts = sum(widths), [0.0]
    for width in widths:
        lefts.append(lefts[-1] + width / total)
    return [*lefts[:-1], 1.0] if widths else [0.0]


def heights_of(block: Overlay) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return how tall each place stands in the reference and in the current data, in [0, 1] of the tallest.

    On a scale areas are shares, so that places of unequal width tell the truth.

    >>> heights_of(Overlay("", (0.5, 0.5), (0.25, 0.75), edges=(0, 1, 2)))
    ((0.6666666666666666, 0.6666666666666666), (0.3333333333333333, 1.0))
    """
    widths = [right - left for left, right in pairwise(lefts_of(block))]
    if not _widths(block.edges, len(block.reference)):
        widths = [1.0] * len(widths)
    sides = [
        [share / width for share, width in zip(side, widths, strict=True)] for side in (block.reference, block.current)
    ]
    top = max((height for side in sides for height in side), default=0.0) or 1.0
    first, second = (tuple(height / top for height in side) for side in sides)
    return first, second


def top_of(block: Overlay) -> float:
    """Return the share that is drawn as the longest bar: 1 where bars are parts of the whole, or the greatest there is.

    >>> top_of(Overlay("", (0.1,), (0.4,))), top_of(Overlay("", (0.1,), (0.4,), whole=True))
    (0.4, 1.0)
    """
    return 1.0 if block.whole else max((*block.reference, *block.current), default=0.0) or 1.0


def _widths(edges: Sequence[float], n: int) -> list[float]:
    """Return the width of each place on a scale, an open end as wide as its fellows; none where they cannot be drawn so."""
    if n == 0 or len(edges) != n + 1 or not all(map(isfinite, edges[1:-1])):
        return []
    # Halves, as the span of finite edges may be more than a float holds.
    widths = [right / 2 - left / 2 for left, right in pairwise(edges)]
    closed = [width for width in widths if isfinite(width)]
    if not closed:
        return []
    widths = [width if isfinite(width) else median(closed) for width in widths]
    fair = sum(widths) / n
    return widths if isfinite(fair) and min(widths) * SQUEEZED >= fair > 0 else []
