"""Whole rows by the distances between them: maximum mean discrepancy, and energy distance.

Both ask whether two rows of one side lie nearer to each other than rows of different sides do. The p-value is that of
rows drawn anew to the two sides, all else equal: its level is exact, whatever the data. Of many rows, random bins of
them are drawn anew instead of each: that too is a permutation, so the level stays exact, and it costs no more than one
look at all pairs (Domingo-Enrich, Dwivedi & Mackey 2025).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from assay.stats.intervals import normal_quantile
from assay.stats.matrix import Floats, RowsCompared, Sides, filled, normal_scores, usable

__all__ = ["bandwidth", "energy", "mmd"]

PERMUTATIONS = 999
MOST_PAIRED = 2_000  # rows a side of which all pairs are looked at: a second or so
MOST_TIMES = 20  # as many rows on one side as on the other; more tell no more
FREQUENCIES = 256  # random ones that stand for the kernel of more rows
BINS, BINS_A_SIDE = 1_024, 64
BLOCK = 512  # rows whose distances to all others are held at a time

Kernel = Callable[[Floats], Floats]


def mmd(
    reference: Floats, current: Floats, *, rng: np.random.Generator, permutations: int = PERMUTATIONS,
    ranked: bool = True, most_paired: int = MOST_PAIRED,
) -> RowsCompared:  # fmt: skip
    """Return the maximum mean discrepancy of two samples of rows under a Gaussian kernel, with its permutation p-value.

    MMD² = mean k(x, x') + mean k(y, y') - 2·mean k(x, y) over pairs of different rows, unbiased: its mean is 0 where both
    sides are drawn from one population. k(a, b) = exp(-|a - b|² / 2σ²), σ the median distance between rows of both
    sides. The statistic is MMD²; p = (1 + permutations at least as great) / (1 + permutations); the size is
    MMD = √max(MMD², 0), in [0, √2]. With `ranked` each column is taken as the normal scores of its ranks; without, the
    rows are taken as they stand, as embeddings should be whose distances mean something. Missing values are filled in
    and flagged. Above `most_paired` rows a side the kernel is that of 256 random frequencies, and the p-value is that of
    the statistic so computed. At most 20 times as many rows of one side as of the other are looked at.

    Undefined below 30 rows a side, and where no column has two different values.
    Sources: Gretton et al. 2012; Rahimi & Recht 2007 for the frequencies; Phipson & Smyth 2010 for the p-value.

    >>> rng = np.random.default_rng(1)
    >>> mmd(rng.normal(size=(100, 2)), rng.normal(size=(100, 2)) + 1, rng=rng).p_value
    0.001
    """
    sides = usable(reference, current)
    if sides.why:
        return sides.undefined()
    x, y = _prepared(sides, ranked=ranked, most=None, rng=rng)
    width = bandwidth(_drawn(np.concatenate([x, y]), MOST_PAIRED, rng))
    bins = _bins(len(x), len(y))
    if max(len(x), len(y)) <= most_paired:
        sums = _of_pairs(x, y, bins, lambda squares: np.exp(squares / (-2 * width * width)))
    else:
        sums = _of_waves(x, y, bins, rng.normal(scale=1 / width, size=(x.shape[1], FREQUENCIES)))
    found = _compared(sums, bins, rng=rng, permutations=permutations)
    low, value, high = (math.sqrt(max(end, 0.0)) for end in (found.low, found.statistic, found.high))
    return RowsCompared(found.statistic, found.p_value, value, low, high, "", len(x), len(y))


def energy(
    reference: Floats, current: Floats, *, rng: np.random.Generator, permutations: int = PERMUTATIONS,
    ranked: bool = True, most_paired: int = MOST_PAIRED,
) -> RowsCompared:  # fmt: skip
    """Return the energy distance of two samples of rows, with its permutation p-value.

    E = 2·mean |x - y| - mean |x - x'| - mean |y - y'| over pairs of different rows; 0 on average where both sides are
    drawn from one population. The size is H = max(E, 0) / (2·mean |x - y|), in [0, 1], without a unit. Otherwise as
    `mmd`, with no width to choose; above `most_paired` rows a side, so many are drawn from it.

    Undefined below 30 rows a side, and where no column has two different values.
    Sources: Székely & Rizzo 2013; Phipson & Smyth 2010 for the p-value.

    >>> rng = np.random.default_rng(1)
    >>> energy(rng.normal(size=(100, 2)), rng.normal(size=(100, 2)) + 1, rng=rng).p_value
    0.001
    """
    sides = usable(reference, current)
    if sides.why:
        return sides.undefined()
    x, y = _prepared(sides, ranked=ranked, most=most_paired, rng=rng)
    bins = _bins(len(x), len(y))
    sums = _of_pairs(x, y, bins, lambda squares: -np.sqrt(squares))
    found = _compared(sums, bins, rng=rng, permutations=permutations)
    across = -2 * float(sums.to_y[: bins.m].mean()) / bins.n
    if across <= 0:
        return sides.undefined("the rows that were drawn are all the same")
    low, value, high = (min(max(end, 0.0) / across, 1.0) for end in (found.low, found.statistic, found.high))
    return RowsCompared(found.statistic, found.p_value, value, low, high, "", len(x), len(y))


def bandwidth(rows: Floats) -> float:
    """Return the median distance between two different rows; where over half are equal, the median of the others.

    >>> round(bandwidth(np.array([[0.0], [1.0], [4.0]])), 6)  # distances 1, 3 and 4
    3.0
    """
    apart = np.sqrt(_squares(rows, rows))[np.triu_indices(len(rows), k=1)]
    middle = float(np.median(apart))
    if middle > 0:
        return middle
    apart = apart[apart > 0]
    return float(np.median(apart)) if len(apart) else 1.0


def _prepared(sides: Sides, *, ranked: bool, most: int | None, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the rows to be paired, in a random order, as whole bins."""
    x, y = filled(sides.reference, sides.current)
    if ranked:
        x, y = normal_scores(x, y)
    most = MOST_TIMES * min(len(x), len(y)) if most is None else most
    x, y = (_drawn(side, most, rng) for side in (x, y))
    size = _bins(len(x), len(y)).size
    return x[: len(x) // size * size], y[: len(y) // size * size]


def _drawn(rows: Floats, most: int, rng: np.random.Generator) -> Floats:
    return rows[rng.permutation(len(rows))[:most]]


class _Bins(NamedTuple):
    """Bins of `size` rows each: the first m rows are one side, the n after them the other."""

    size: int
    m: int
    n: int


def _bins(m: int, n: int) -> _Bins:
    """Return bins of one size: at most about a thousand, at least 64 a side unless there are fewer rows."""
    return _Bins(max(1, min((m + n) // BINS, min(m, n) // BINS_A_SIDE)), m, n)


class _Sums(NamedTuple):
    """Sums of a kernel over pairs of different rows: between bins, and of each row with all of either side."""

    between: Floats
    to_x: Floats
    to_y: Floats


def _of_pairs(x: Floats, y: Floats, bins: _Bins, kernel: Kernel) -> _Sums:
    """Return the sums over all pairs, some rows at a time; `kernel` takes squared distances."""
    rows = np.concatenate([x, y])
    per_bin = np.empty((len(rows), len(rows) // bins.size))
    to_x, to_y = np.empty(len(rows)), np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        part = slice(start, min(start + BLOCK, len(rows)))
        near = kernel(_squares(rows[part], rows))
        near[np.arange(part.stop - start), np.arange(start, part.stop)] = 0.0
        to_x[part], to_y[part] = near[:, : bins.m].sum(axis=1), near[:, bins.m :].sum(axis=1)
        per_bin[part] = near.reshape(len(near), -1, bins.size).sum(axis=2)
    return _Sums(per_bin.reshape(-1, bins.size, per_bin.shape[1]).sum(axis=1), to_x, to_y)


def _of_waves(x: Floats, y: Floats, bins: _Bins, frequencies: Floats) -> _Sums:
    """Return the sums of k(a, b) = mean cos(w·(a - b)) over frequencies w, without ever pairing two rows."""
    waves = np.concatenate([x, y]) @ frequencies
    phi = np.concatenate([np.cos(waves), np.sin(waves)], axis=1) / math.sqrt(frequencies.shape[1])
    per_bin = phi.reshape(-1, bins.size, phi.shape[1]).sum(axis=1)
    between = per_bin @ per_bin.T
    between[np.diag_indices(len(between))] -= bins.size  # each row with itself: 1
    own = np.concatenate([np.ones(bins.m), np.zeros(bins.n)])
    return _Sums(between, phi @ phi[: bins.m].sum(axis=0) - own, phi @ phi[bins.m :].sum(axis=0) - (1 - own))


def _squares(a: Floats, b: Floats) -> Floats:
    """Return the squared distance of each row of a to each of b; from their middle, so that little cancels."""
    middle = b.mean(axis=0)
    a, b = a - middle, b - middle
    squares = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)[None, :] - 2 * (a @ b.T)
    return np.asarray(np.maximum(squares, 0.0))


class _Found(NamedTuple):
    statistic: float
    p_value: float
    low: float
    high: float


def _compared(sums: _Sums, bins: _Bins, *, rng: np.random.Generator, permutations: int) -> _Found:
    """Return U = mean within x + mean within y - 2·mean across, its p-value, and its ends.

    The variance of U has two parts: that of its projection, 4·(var h(x)/m + var h(y)/n), which is all for sides far
    apart, and the variance over permutations, which is all for sides alike.
    """
    _, m, n = bins
    each, total = sums.between.sum(axis=1), float(sums.between.sum())

    def discrepancy(sides: Floats) -> Floats:
        within = np.einsum("ij,ij->i", sides @ sums.between, sides)
        touched = sides @ each
        beyond = total - 2 * touched + within
        return np.asarray(within / (m * (m - 1)) + beyond / (n * (n - 1)) - 2 * (touched - within) / (m * n))

    given = np.concatenate([np.ones(m // bins.size), np.zeros(n // bins.size)])
    statistic = float(discrepancy(given[None, :])[0])
    null = discrepancy(rng.permuted(np.tile(given, (permutations, 1)), axis=1))
    # Sums in another order differ in their last digits: a draw equal to the one seen counts as one.
    slack = 1e-9 * float(np.abs(null).max() + abs(statistic))
    p_value = (1 + int((null >= statistic - slack).sum())) / (1 + permutations)
    h_x = sums.to_x[:m] / (m - 1) - sums.to_y[:m] / n
    h_y = sums.to_y[m:] / (n - 1) - sums.to_x[m:] / m
    variance = 4 * (float(h_x.var(ddof=1)) / m + float(h_y.var(ddof=1)) / n) + float(null.var())
    half = normal_quantile(0.975) * math.sqrt(variance)
    return _Found(statistic, p_value, statistic - half, statistic + half)
