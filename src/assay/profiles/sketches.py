"""Mergeable sketches with stated error bounds: quantiles, distinct values, frequent values, histograms on edges."""

from __future__ import annotations

import base64
import math
import zlib
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["SIZE_EDGES", "Distinct", "Frequent", "Histogram", "Quantiles", "pack", "unpack"]

POINTS = 1024  # least values kept in a full level of a quantile sketch: a rank's error is at most (levels + 1) / (2 · POINTS)
HASHES = 4096  # kept by a distinct sketch: the standard error is 1 / sqrt(HASHES - 2), 1.6 %
VALUES = 512  # kept by a frequent-values sketch: the error is at most n / 400

Numbers = NDArray[Any]

# The one set of edges for lengths of texts, the same for every column, so that any two histograms on it merge and
# compare: each length up to 63 has a bin of its own, then eight bins each time lengths double, up to 2^24.
SIZE_EDGES: Numbers = np.array(
    [*range(65), *(2**octave * (8 + step) // 8 for octave in range(6, 24) for step in range(1, 9))], dtype=np.float64
)
SIZE_EDGES.flags.writeable = False


class Quantiles(msgspec.Struct, frozen=True):
    """Evenly spaced order statistics of sorted runs, in levels of doubling weight (Munro & Paterson 1980).

    A level is (values, weight): each value stands for `weight` rows, and all weights add up to `n`. A level of twice
    `POINTS` values is thinned: every second value stays, with twice the weight. Through every step it is tracked by how
    many rows a rank can be too low (`under`) and too high (`over`); `error` is the greater of the two: certain, not
    probable. Up to `POINTS` values the sketch is exact (`error` is 0).

    >>> q = Quantiles.of(np.arange(1, 101))
    >>> q.at(0.5), q.error
    (50.0, 0)
    """

    levels: tuple[tuple[Numbers, int], ...] = ()
    n: int = 0
    under: int = 0
    over: int = 0

    @staticmethod
    def of(ordered: Numbers) -> Quantiles:
        """Return the sketch of a sorted run: the middle of each `weight` rows, and of halves of that from what is left."""
        values = np.asarray(ordered)
        n = len(values)
        if n == 0:
            return Quantiles()
        weight = 1
        while n >= 2 * POINTS * weight:
            weight *= 2
        whole = n - n % weight
        levels = [(values[weight // 2 : whole : weight].copy(), weight)]
        part = weight // 2
        while part:
            if n & part:
                levels.append((values[whole + part // 2 : whole + part // 2 + 1].copy(), part))
                whole += part
            part //= 2
        return Quantiles(tuple(reversed(levels)), n, weight // 2, max(weight // 2 - 1, 0))

    def merge(self, other: Quantiles) -> Quantiles:
        """Return the sketch of both: the values of each weight together, thinned where they have become too many."""
        under, over = self.under + other.under, self.over + other.over
        pools: dict[int, list[Numbers]] = {}
        for values, weight in (*self.levels, *other.levels):
            pools.setdefault(weight, []).append(values)
        levels = []
        while pools:
            weight = min(pools)
            values = np.sort(np.concatenate(pools.pop(weight)), kind="stable")
            if len(values) >= 2 * POINTS:
                # Keeping the lower of each two lets ranks come out too high, keeping the upper too low: take turns.
                upper = under < over
                whole = len(values) - len(values) % 2
                pools.setdefault(2 * weight, []).append(values[int(upper) : whole : 2])
                under, over = under + weight * upper, over + weight * (not upper)
                values = values[whole:]
            if len(values):
                levels.append((values, weight))
        return Quantiles(tuple(levels), self.n + other.n, under, over)

    @property
    def error(self) -> int:
        """Return the greatest possible error of a rank, in rows."""
        return max(self.under, self.over)

    @property
    def rank_error(self) -> float:
        """Return the greatest possible error of a rank as a share of the rows, in [0, 1]."""
        return min(1.0, self.error / self.n) if self.n else 0.0

    def at(self, share: float) -> float | None:
        """Return a value whose rank is within `rank_error` of `share`, in physical numbers; None of no rows.

        It is the least kept value with at least `share` of the rows at or below it, so the median of an even number of
        values is the lower of the two in the middle.
        """
        values = self.many([share])
        return None if values is None else float(values[0])

    def many(self, shares: list[float] | Numbers) -> Numbers | None:
        """Return the values at several shares in [0, 1]; None of no rows."""
        if not self.levels:
            return None
        values, cumulative = self.cumulative()
        target = np.asarray(shares, dtype=float) * self.n
        place = np.searchsorted(cumulative, target * (1 - 1e-12), side="left")
        return np.asarray(values[np.clip(place, 0, len(values) - 1)])

    def cumulative(self) -> tuple[Numbers, Numbers]:
        """Return the kept values in order, and how many rows lie at or below each."""
        values = np.concatenate([level for level, _ in self.levels])
        weights = np.concatenate([np.full(len(level), weight, dtype=np.int64) for level, weight in self.levels])
        order = np.argsort(values, kind="stable")
        return values[order], np.cumsum(weights[order])

    def rank(self, value: float) -> float:
        """Return the share of rows at or below a value, to within `rank_error`; NaN of no rows."""
        if not self.levels:
            return math.nan
        values, cumulative = self.cumulative()
        place = int(np.searchsorted(values, value, side="right"))
        return float(cumulative[place - 1] / self.n) if place else 0.0


class Distinct(msgspec.Struct, frozen=True):
    """The least hashes of the values seen (bottom-k, Bar-Yossef et al. 2002); exact below `HASHES` distinct values.

    The estimate is (k - 1) / θ, with θ the greatest kept hash as a share of the range (Beyer et al. 2007); its relative
    standard error is 1 / sqrt(k - 2). `scheme` names the hash function: sketches of different schemes do not merge.
    """

    hashes: Numbers = np.empty(0, dtype=np.uint64)
    full: bool = False
    scheme: str = ""

    @staticmethod
    def of(hashes: Numbers, *, scheme: str) -> Distinct:
        """Return the sketch of a column's hashes (64 bits, unsigned, evenly spread)."""
        kept = _sorted_unique(hashes)
        return Distinct(kept[:HASHES], len(kept) > HASHES, scheme)

    @property
    def limit(self) -> int:
        """Return the greatest hash that can still enter."""
        return int(self.hashes[-1]) if self.full else 2**64 - 1

    def merge(self, other: Distinct) -> Distinct:
        """Return the sketch of both; raises ValueError where they were hashed in different ways."""
        if not other.scheme:
            return self
        if not self.scheme:
            return other
        if self.scheme != other.scheme:
            raise ValueError(
                f"distinct values were hashed by {self.scheme} and by {other.scheme}; profile both with one version"
            )
        limit = np.uint64(min(self.limit, other.limit))
        kept = _sorted_unique(np.concatenate([self.hashes, other.hashes]))
        full = self.full or other.full
        if full:
            kept = kept[kept <= limit]
        return Distinct(kept[:HASHES], full or len(kept) > HASHES, self.scheme)

    @property
    def count(self) -> int:
        """Return how many different values there are: exact unless `full`, else estimated."""
        if not self.full:
            return len(self.hashes)
        theta = (int(self.hashes[-1]) + 1) / 2**64
        return round((len(self.hashes) - 1) / theta)

    @property
    def relative_error(self) -> float:
        """Return the relative standard error of `count`: 0 where it is exact."""
        return 1 / math.sqrt(max(len(self.hashes) - 2, 1)) if self.full else 0.0


def _sorted_unique(hashes: Numbers) -> Numbers:
    ordered = np.sort(hashes)  # np.unique hashes first, which is several times slower on what is already a hash
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


class Frequent(msgspec.Struct, frozen=True):
    """Counts of the most frequent values (Misra & Gries 1982, merged as Agarwal et al. 2012).

    A count is never too high, and too low by at most `error` rows (`upper` says by how much at most for each value); a
    value that is not listed occurs at most `error` times. Exact (`error` is 0) while there are at most `VALUES`
    different values. Of n rows the error is at most n / 400.

    `settled` is how much of the error is known not to touch a value: what was thrown away while it was listed.

    >>> Frequent.of({"a": 3, "b": 1}).merge(Frequent.of({"a": 2})).top(1)
    [('a', 5)]
    """

    counts: dict[Any, int] = {}
    n: int = 0
    error: int = 0
    settled: dict[Any, int] = {}

    @staticmethod
    def of(counts: dict[Any, int], *, n: int | None = None, error: int = 0) -> Frequent:
        """Return the sketch of values counted exactly; of `n` rows, where there are others that occur at most `error` times each."""
        total = sum(counts.values()) if n is None else n
        return Frequent(counts, total, error, dict.fromkeys(counts, error) if error else {})._cut()

    def _cut(self) -> Frequent:
        if len(self.counts) <= VALUES:
            return self
        settled = self.settled
        weights = {value: count - settled.get(value, 0) for value, count in self.counts.items()}
        drop = max(sorted(weights.values(), reverse=True)[VALUES], 0)
        kept = [value for value, weight in weights.items() if weight > drop]
        return Frequent(
            {value: self.counts[value] for value in kept},
            self.n,
            self.error + drop,
            {value: settled.get(value, 0) + drop for value in kept},
        )

    def merge(self, other: Frequent) -> Frequent:
        """Return the counts of both."""
        counts, settled = dict(self.counts), dict(self.settled)
        for value, count in other.counts.items():
            counts[value] = counts.get(value, 0) + count
        for value, rows in other.settled.items():
            settled[value] = settled.get(value, 0) + rows
        return Frequent(counts, self.n + other.n, self.error + other.error, settled)._cut()

    def upper(self, value: Any) -> int:
        """Return how many rows can at most hold a value, listed or not."""
        return self.counts.get(value, 0) + self.error - self.settled.get(value, 0)

    def top(self, most: int) -> list[tuple[Any, int]]:
        """Return the most frequent values with their counts, most frequent first, ties in the order of their text."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], str(item[0])))[:most]

    @property
    def exact(self) -> bool:
        """Return whether every count is exact and no value is left out."""
        return self.error == 0


class Histogram(msgspec.Struct, frozen=True):
    """Counts in bins on given edges, and outside them: bin i holds values in [edge i, edge i + 1), the last one closed.

    Edges are the reference's quantiles (or a first sample's), so that every comparison of two histograms on the same
    edges is a function of two integer vectors. Merges by addition where the edges agree.
    """

    edges: Numbers = np.empty(0)
    counts: Numbers = np.empty(0, dtype=np.int64)
    below: int = 0
    above: int = 0

    @staticmethod
    def of(ordered: Numbers, edges: Numbers) -> Histogram:
        """Return the histogram of a sorted run on edges that strictly rise; one edge holds the values equal to it."""
        if len(edges) == 0:
            return Histogram()
        starts, stop = _as_of(edges, ordered.dtype)
        place = np.searchsorted(ordered, starts, side="left")
        last = int(np.searchsorted(ordered, stop, side="right"))
        if len(edges) == 1:
            return Histogram(
                edges, np.array([last - place[0]], dtype=np.int64), int(place[0]), int(len(ordered) - last)
            )
        counts = np.diff(place)
        counts[-1] += last - int(place[-1])
        return Histogram(edges, counts.astype(np.int64), int(place[0]), int(len(ordered) - last))

    @staticmethod
    def of_counted(values: Numbers, counts: Numbers, *, edges: Numbers) -> Histogram:
        """Return the histogram of different values in any order, each with how often it occurs, on at least two edges.

        >>> Histogram.of_counted(
        ...     np.array([3, 0, 9]), np.array([5, 1, 2]), edges=np.array([0.0, 2.0, 4.0])
        ... ).counts.tolist()
        [1, 5]
        """
        place = np.searchsorted(edges, values, side="right")
        place[values == edges[-1]] -= 1
        whole = np.bincount(place, weights=counts, minlength=len(edges) + 1).astype(np.int64)
        return Histogram(edges, whole[1:-1], int(whole[0]), int(whole[-1]))

    def merge(self, other: Histogram) -> Histogram:
        """Return the histogram of both; raises ValueError where the edges differ."""
        if len(self.edges) == 0:
            return other
        if len(other.edges) == 0:
            return self
        if not np.array_equal(self.edges, other.edges):
            raise ValueError("the histograms stand on different edges; give both profiles the same reference")
        return Histogram(self.edges, self.counts + other.counts, self.below + other.below, self.above + other.above)

    @property
    def n(self) -> int:
        """Return how many values there are, inside and outside the edges."""
        return int(self.counts.sum()) + self.below + self.above


def _as_of(edges: Numbers, dtype: np.dtype[Any]) -> tuple[Numbers, Any]:
    """Return edges, and the last one as it closes its bin, in the type of the values: whole numbers need no cast."""
    if dtype.kind not in "iu":
        return edges, edges[-1]
    limits = np.iinfo(dtype)
    if edges[0] < max(limits.min, -(2**53)) or edges[-1] > min(limits.max, 2**53):
        return edges, edges[-1]
    return np.ceil(edges).astype(dtype), np.floor(edges[-1]).astype(dtype)


def pack(values: Numbers) -> dict[str, str]:
    """Return an array as text: its type in numpy's words, and its bytes.

    Whole numbers are stored as differences, and all bytes of one place together (little-endian), which lets zlib find
    what sorted values have in common; then base64.

    >>> unpack(pack(np.array([1.5, 2.5]))).tolist()
    [1.5, 2.5]
    """
    array = np.ascontiguousarray(values)
    array = array.astype(array.dtype.newbyteorder("<"))
    whole = array.view(f"<u{array.dtype.itemsize}") if array.dtype.itemsize in _WIDTHS else array.view("u1")
    steps = np.diff(whole, prepend=whole.dtype.type(0))
    places = np.ascontiguousarray(steps).view("u1").reshape(len(steps), whole.dtype.itemsize).T
    return {"type": array.dtype.str, "data": base64.b64encode(zlib.compress(places.tobytes(), 6)).decode()}


_WIDTHS = (1, 2, 4, 8)


def unpack(packed: dict[str, str]) -> Numbers:
    """Return the array of `pack`; raises ValueError where the text is not one."""
    try:
        dtype = np.dtype(packed["type"])
        width = dtype.itemsize if dtype.itemsize in _WIDTHS else 1
        raw = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"], validate=True)), dtype="u1")
        steps = np.ascontiguousarray(raw.reshape(width, -1).T).view(f"<u{width}").ravel()
        return np.cumsum(steps, dtype=f"<u{width}").view(_number_type(dtype))
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise ValueError(f"this is not a packed array: {error}") from None


def _number_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind not in "biuf":
        raise ValueError(f"{dtype} holds no numbers")
    return dtype
