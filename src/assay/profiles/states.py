"""Mergeable states that are exact: counts, moments, extremes, order, tallies of failing rows.

Each is frozen; `merge` is pure, associative and commutative, and the state of no rows is its identity.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from assay.verdict import Example

__all__ = [
    "Calendar",
    "Comoments",
    "Counts",
    "Extremes",
    "Lengths",
    "Moments",
    "Order",
    "Ranks",
    "Segment",
    "Signs",
    "Tally",
    "Total",
    "Trues",
]

EXAMPLES = 5


class Counts(msgspec.Struct, frozen=True):
    """How many rows there are, and how many hold no value: null, NaN, or a declared sentinel."""

    n: int = 0
    nulls: int = 0
    nans: int = 0
    sentinels: int = 0

    def merge(self, other: Counts) -> Counts:
        """Return the counts of both."""
        return Counts(
            self.n + other.n, self.nulls + other.nulls, self.nans + other.nans, self.sentinels + other.sentinels
        )

    @property
    def missing(self) -> int:
        """Return how many rows hold no value."""
        return self.nulls + self.nans + self.sentinels

    @property
    def present(self) -> int:
        """Return how many rows hold a value."""
        return self.n - self.missing


class Moments(msgspec.Struct, frozen=True):
    """Count, mean and the sums of the 2nd, 3rd and 4th powers of the differences from it, of the finite values.

    Merged by the pairwise formulas of Chan, Golub & LeVeque (1983) and Pébay (2008, SAND2008-6212, eq. 2.1 and 3.1).
    `mean_rest` is what the mean has beyond the digits of `mean`, so that a tiny spread far from zero survives merging.
    A power too large or too small for a float is not finite or 0, and what is made of it None: spreads beyond 1e77 or
    below 1e-81 have no kurtosis, beyond 1e154 or below 1e-162 no standard deviation.

    >>> a, b = Moments.of([1.0, 3.0]), Moments.of([2.0, 4.0])
    >>> a.merge(b).variance  # of 1, 2, 3, 4, with n - 1 below
    1.6666666666666667
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0
    m3: float = 0.0
    m4: float = 0.0
    mean_rest: float = 0.0

    @staticmethod
    def of(values: list[float]) -> Moments:
        """Return the moments of a few values."""
        n = len(values)
        if n == 0 or min(values) == max(values):
            return Moments(n, values[0] if values else 0.0)
        mean = math.fsum(values) / n
        differences = [v - mean for v in values]
        rest = math.fsum(differences) / n
        m2, m3, m4 = (math.fsum(math.prod([d - rest] * k) for d in differences) for k in (2, 3, 4))
        return Moments(n, mean, m2, m3, m4, rest)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both."""
        if self.n == 0:
            return other
        if other.n == 0:
            return self
        a, b, n = self.n, other.n, self.n + other.n
        d = (other.mean - self.mean) + (other.mean_rest - self.mean_rest)
        if not math.isfinite(d):
            return Moments(n, self.mean * (a / n) + other.mean * (b / n), math.inf, math.nan, math.inf)
        dn = d / n
        m2 = self.m2 + other.m2 + d * dn * a * b
        m3 = self.m3 + other.m3 + d * dn * dn * a * b * (a - b) + 3 * dn * (a * other.m2 - b * self.m2)
        m4 = (
            self.m4 + other.m4 + d * dn * dn * dn * a * b * (a * a - a * b + b * b)
            + 6 * dn * dn * (a * a * other.m2 + b * b * self.m2) + 4 * dn * (a * other.m3 - b * self.m3)
        )  # fmt: skip
        step = dn * b + self.mean_rest
        mean = self.mean + step
        return Moments(n, mean, m2, m3, m4, step - (mean - self.mean))

    @property
    def sum(self) -> float:
        """Return the sum of the values."""
        return self.mean * self.n

    @property
    def variance(self) -> float | None:
        """Return the variance with n - 1 below; None for fewer than two values, or where no float can hold it."""
        return self.m2 / (self.n - 1) if self.n > 1 and math.isfinite(self.m2) else None

    @property
    def std(self) -> float | None:
        """Return the standard deviation with n - 1 below; None where there is no variance."""
        variance = self.variance
        return None if variance is None else math.sqrt(max(variance, 0.0))

    @property
    def skewness(self) -> float | None:
        """Return the biased skewness m3/n / (m2/n)^1.5; None where all values are equal, or no float can hold it."""
        s = math.sqrt(self.m2 / self.n) if self.n and 0 < self.m2 < math.inf else 0.0
        return _finite(self.m3 / self.n / s / s / s) if s > 0 and (self.m3 or self.m4 > 0) else None

    @property
    def kurtosis(self) -> float | None:
        """Return the biased excess kurtosis n·m4/m2² - 3; None where all values are equal, or no float can hold it."""
        v = self.m2 / self.n if self.n and 0 < self.m2 < math.inf else 0.0
        return _finite(self.m4 / self.n / v / v - 3) if v > 0 and self.m4 > 0 else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


class Total(msgspec.Struct, frozen=True):
    """The exact sum of whole numbers, of any size: integers, decimals in their last digit, instants in their unit."""

    n: int = 0
    sum: int = 0

    def merge(self, other: Total) -> Total:
        """Return the sum of both."""
        return Total(self.n + other.n, self.sum + other.sum)


class Signs(msgspec.Struct, frozen=True):
    """How many values are zero, negative, and infinite on either side."""

    zeros: int = 0
    negatives: int = 0
    plus_inf: int = 0
    minus_inf: int = 0

    def merge(self, other: Signs) -> Signs:
        """Return the counts of both."""
        return Signs(
            self.zeros + other.zeros, self.negatives + other.negatives,
            self.plus_inf + other.plus_inf, self.minus_inf + other.minus_inf,
        )  # fmt: skip


class Trues(msgspec.Struct, frozen=True):
    """How many values of a boolean column are true, of how many that are there."""

    n: int = 0
    trues: int = 0

    def merge(self, other: Trues) -> Trues:
        """Return the counts of both."""
        return Trues(self.n + other.n, self.trues + other.trues)


class Extremes(msgspec.Struct, frozen=True):
    """The least and the greatest value, in the column's own type; None where no value is there."""

    low: Any = None
    high: Any = None

    def merge(self, other: Extremes) -> Extremes:
        """Return the extremes of both."""
        lows = [v for v in (self.low, other.low) if v is not None]
        highs = [v for v in (self.high, other.high) if v is not None]
        return Extremes(min(lows, default=None), max(highs, default=None))


class Lengths(msgspec.Struct, frozen=True):
    """Lengths of texts in characters (of lists in items, of binary values in bytes): moments, extremes, empty ones."""

    moments: Moments = Moments()
    low: int | None = None
    high: int | None = None
    empty: int = 0

    def merge(self, other: Lengths) -> Lengths:
        """Return the lengths of both."""
        ends = Extremes(self.low, self.high).merge(Extremes(other.low, other.high))
        return Lengths(self.moments.merge(other.moments), ends.low, ends.high, self.empty + other.empty)


class Calendar(msgspec.Struct, frozen=True):
    """How many instants lie in each hour of the day (24 counts from midnight) and on each weekday (7, Monday first).

    Both are read off the clock of the column's own zone, off UTC where it has none. Dates have no hours, and a column
    without values may have neither.

    >>> monday, sunday = Calendar((), (3, 0, 0, 0, 0, 0, 0)), Calendar((), (0, 0, 0, 0, 0, 0, 1))
    >>> monday.merge(sunday).weekdays
    (3, 0, 0, 0, 0, 0, 1)
    """

    hours: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()

    def merge(self, other: Calendar) -> Calendar:
        """Return the counts of both, which must be of one zone."""
        return Calendar(_added(self.hours, other.hours), _added(self.weekdays, other.weekdays))


def _added(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True)) if a and b else a or b


class Ranks(msgspec.Struct, frozen=True):
    """How many values lie below, and at or below, each of some given points: exact where a quantile sketch is not.

    The q-quantile, the least value with at least q·n values at or below it (q above 0), is at least b exactly where
    fewer than q·n values lie below b, and at most b exactly where at least q·n lie at or below b.
    """

    points: tuple[Any, ...] = ()
    below: tuple[int, ...] = ()
    at_or_below: tuple[int, ...] = ()
    n: int = 0

    def merge(self, other: Ranks) -> Ranks:
        """Return the counts of both, which must be about the same points."""
        if not self.points:
            return other
        if not other.points:
            return self
        below = tuple(a + b for a, b in zip(self.below, other.below, strict=True))
        upto = tuple(a + b for a, b in zip(self.at_or_below, other.at_or_below, strict=True))
        return Ranks(self.points, below, upto, self.n + other.n)


class Comoments(msgspec.Struct, frozen=True):
    """Joint moments of two columns over the rows where both are finite; gives Pearson's correlation."""

    n: int = 0
    mean_a: float = 0.0
    mean_b: float = 0.0
    m2_a: float = 0.0
    m2_b: float = 0.0
    m_ab: float = 0.0

    def merge(self, other: Comoments) -> Comoments:
        """Return the joint moments of both (Pébay 2008, eq. 3.3)."""
        if self.n == 0:
            return other
        if other.n == 0:
            return self
        n = self.n + other.n
        da, db, w = other.mean_a - self.mean_a, other.mean_b - self.mean_b, self.n * other.n / n
        return Comoments(
            n, self.mean_a + da * other.n / n, self.mean_b + db * other.n / n,
            self.m2_a + other.m2_a + da * da * w, self.m2_b + other.m2_b + db * db * w, self.m_ab + other.m_ab + da * db * w,
        )  # fmt: skip

    @property
    def correlation(self) -> float | None:
        """Return Pearson's correlation in [-1, 1]; None where either column does not vary."""
        spread = math.sqrt(self.m2_a) * math.sqrt(self.m2_b) if self.n > 1 and self.m2_a > 0 and self.m2_b > 0 else 0.0
        if not 0 < spread < math.inf or not math.isfinite(self.m_ab):
            return None
        return max(-1.0, min(1.0, self.m_ab / spread))


class Segment(msgspec.Struct, frozen=True):
    """Consecutive rows [start, stop) of a column read in order; values are physical numbers (instants in their unit).

    `falls` counts steps down, `ties` steps of nothing, `rises` steps up between neighbouring values that are there;
    `widest` is the widest step up and `widest_row` the row it ends in; `fall_rows` are the rows of the first falls.
    """

    start: int
    stop: int
    n: int = 0
    first: int | float | None = None
    last: int | float | None = None
    first_row: int | None = None
    falls: int = 0
    ties: int = 0
    rises: int = 0
    widest: int | float = 0
    widest_row: int | None = None
    fall_rows: tuple[int, ...] = ()
    tie_rows: tuple[int, ...] = ()
    rise_rows: tuple[int, ...] = ()

    def joined(self, after: Segment) -> Segment:
        """Return this segment with the one that starts where it stops."""
        if self.n == 0 or after.n == 0:
            full = after if self.n == 0 else self
            return msgspec.structs.replace(full, start=self.start, stop=after.stop)
        before, behind = self.last, after.first
        assert before is not None
        assert behind is not None
        falls, ties, rises = behind < before, behind == before, behind > before
        row = () if after.first_row is None else (after.first_row,)
        step = (behind - before, after.first_row) if rises else (0, None)
        widest = max((self.widest, self.widest_row), step, (after.widest, after.widest_row), key=lambda pair: pair[0])
        return Segment(
            self.start, after.stop, self.n + after.n, self.first, after.last, self.first_row,
            self.falls + after.falls + falls, self.ties + after.ties + ties, self.rises + after.rises + rises,
            widest[0], widest[1],
            _rows(self.fall_rows, row if falls else (), after.fall_rows),
            _rows(self.tie_rows, row if ties else (), after.tie_rows),
            _rows(self.rise_rows, row if rises else (), after.rise_rows),
        )  # fmt: skip


def _rows(*parts: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(row for part in parts for row in part)[:EXAMPLES]


class Order(msgspec.Struct, frozen=True):
    """How a column's values follow one another in the order of the rows.

    Segments are kept apart until they touch, so that batches may be merged in any order.
    """

    segments: tuple[Segment, ...] = ()

    def merge(self, other: Order) -> Order:
        """Return the order over both."""
        merged: list[Segment] = []
        for segment in sorted((*self.segments, *other.segments), key=lambda s: (s.start, s.stop)):
            if segment.start == segment.stop:
                continue  # of no rows: it touches nothing, and would stand between segments that do
            if merged and merged[-1].stop == segment.start:
                merged[-1] = merged[-1].joined(segment)
            else:
                merged.append(segment)
        return Order(tuple(merged))

    @property
    def whole(self) -> Segment:
        """Return the single segment; raises ValueError where rows between the segments were never seen."""
        if len(self.segments) > 1:
            raise ValueError(f"rows {self.segments[0].stop} to {self.segments[1].start} were never seen")
        return self.segments[0] if self.segments else Segment(0, 0)


class Tally(msgspec.Struct, frozen=True):
    """How many rows a row check judged, how many broke it, and the first few that did."""

    judged: int = 0
    failing: int = 0
    examples: tuple[Example, ...] = ()
    error: str = ""

    def merge(self, other: Tally) -> Tally:
        """Return the tally of both, with the examples of the lowest row numbers; an error in either stays."""
        examples = sorted((*self.examples, *other.examples), key=lambda e: -1 if e.row is None else e.row)
        return Tally(
            self.judged + other.judged,
            self.failing + other.failing,
            tuple(examples[:EXAMPLES]),
            self.error or other.error,
        )
