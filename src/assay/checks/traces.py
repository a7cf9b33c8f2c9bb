"""Streams and charts in a few hundred points, so that a picture of them can travel with the findings."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.verdict import Trace

__all__ = ["MOST", "Curve", "trace_of_points"]

Floats = NDArray[np.float64]
MOST = 300
DIGITS = 6


class Curve:
    """A stream in at most 300 points, however long it gets: each is the mean of `every` values.

    Whenever there would be more points, neighbours become one and `every` doubles, so that memory stays the same.

    >>> curve = Curve(most=2)
    >>> curve.add(np.array([1.0, 3.0, 5.0]), np.array([2]))
    >>> curve.trace().values, curve.trace().marks, curve.every
    ((2.0, 5.0), (1,), 2)
    """

    def __init__(self, *, most: int = MOST) -> None:
        self.every = 1
        self.n = 0
        self._most = most
        self._sums = np.zeros(most)
        self._counts = np.zeros(most, dtype=np.int64)
        self._marked = np.zeros(most, dtype=bool)

    def add(self, values: Floats, marks: NDArray[np.int64]) -> None:
        """Add values that follow those so far; `marks` are places among them."""
        while self.n + len(values) > self.every * self._most:
            self._halve()
        places = (self.n + np.arange(len(values))) // self.every
        with np.errstate(over="ignore", invalid="ignore"):
            self._sums += np.bincount(places, values, self._most)
        self._counts += np.bincount(places, minlength=self._most)
        self._marked[places[marks]] = True
        self.n += len(values)

    @property
    def mean(self) -> float | None:
        """Return the mean of all values; None where there is none, or it is too large."""
        mean = float(self._sums.sum()) / self.n if self.n else math.nan
        return mean if math.isfinite(mean) else None

    def _halve(self) -> None:
        self.every *= 2
        for whole in (self._sums, self._counts, self._marked):
            pairs = np.zeros(self._most + self._most % 2, dtype=whole.dtype)
            pairs[: self._most] = whole
            merged = pairs[::2] | pairs[1::2] if whole.dtype == bool else pairs[::2] + pairs[1::2]
            whole[:] = 0
            whole[: len(merged)] = merged

    def trace(self, *, centre: float | None = None, start: str = "", end: str = "") -> Trace:
        """Return the curve as findings carry it."""
        used = -(-self.n // self.every)
        means = self._sums[:used] / self._counts[:used]
        marks = tuple(np.flatnonzero(self._marked[:used]).tolist())
        return Trace(
            _short(means), marks, None if centre is None else _digits(centre), every=self.every, start=start, end=end
        )


def trace_of_points(
    values: Floats, lows: Floats, highs: Floats, *, out: NDArray[np.bool_], centre: float, ends: tuple[str, str]
) -> Trace:  # fmt: skip
    """Return the points of a chart as findings carry them, with each one's limits; of many, those farthest out.

    Where several points share a place, one out of control stands for all, or else the one farthest from the centre.

    >>> far = trace_of_points(
    ...     np.array([1.0, 5.0]), np.zeros(2), np.full(2, 4.0), out=np.array([False, True]), centre=2, ends=("", "")
    ... )
    >>> far.values, far.high, far.marks
    ((1.0, 5.0), (4.0,), (1,))
    """
    every = max(1, -(-len(values) // MOST))
    if every > 1:
        with np.errstate(invalid="ignore"):
            far = np.where(np.isnan(values), -1.0, np.abs(values - centre))
        order = np.lexsort((far, out, np.arange(len(values)) // every))
        last = np.append(np.flatnonzero(np.diff(np.arange(len(values)) // every)), len(values) - 1)
        kept = order[last]
        values, lows, highs, out = values[kept], lows[kept], highs[kept], out[kept]
    marks = tuple(np.flatnonzero(out).tolist())
    return Trace(
        _short(values), marks, _digits(centre), _limit(lows), _limit(highs), every=every, start=ends[0], end=ends[1]
    )


def _limit(limits: Floats) -> tuple[float | None, ...]:
    short = _short(limits)
    return short[:1] if len(set(short)) == 1 else short


def _short(values: Floats) -> tuple[float | None, ...]:
    return tuple(_digits(value) for value in values.tolist())


def _digits(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
