"""The bootstrap over units: rows, entities, blocks of time, or random groups of rows, drawn once for everything measured.

A metric is a function of sums over rows. The sums are added up per unit once, and a resample is a weighting of the units:
a thousand resamples of a million rows are one product of two matrices. As all metrics share the same resamples, so do two
models on the same rows: the difference of their draws is the paired bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.stats.intervals import Interval, normal_quantile, student_quantile

__all__ = [
    "ENOUGH", "FEWEST_UNITS", "MOST_UNITS", "Draws", "Kind", "Resamples", "Studentised", "as_one", "bca", "bootstrap_t",
    "bounded", "jackknife", "percentile", "resamples", "smoothed",
]  # fmt: skip

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Kind = Literal["rows", "groups", "entities", "blocks"]
Value = Callable[[Floats], Floats]

MOST_UNITS = 4096  # the variance of so many groups is known to 2.2 %, about as well as a thousand draws show it
FEWEST_UNITS = 10  # of five, percentiles and BCa hold 0.63 to 0.82 of the time where 0.95 is stated
ENOUGH = 0.9  # of the resamples must be defined
_ROUNDING = 1e-12  # of a value: what differs by less is equal
_STEP = 1e-6  # of a sum, for a slope
_WIDE = 64  # classes: above, the row that is added beside the diagonal falls into a single cell
_CHUNK = 1 << 22  # numbers held at once


@dataclass(frozen=True, slots=True)
class Resamples:
    """Units of rows and how often each resample draws each of them.

    `of_row` is the unit of each row, n numbers in [0, size); `times` is replicates by size: how often a resample has a unit.
    `kind` says what the units are: rows, random groups of rows, entities, or blocks of time.
    """

    of_row: Codes
    times: Floats
    kind: Kind

    @property
    def size(self) -> int:
        """Return how many units there are."""
        return int(self.times.shape[1])

    def of(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Resamples:
        """Return the same resamples of some of the rows: what is measured on parts of one sample stays paired."""
        return Resamples(self.of_row[rows], self.times, self.kind)

    def per_unit(self, rows: Floats) -> Floats:
        """Return the sums per unit of rows of numbers, n by d: size by d."""
        return np.column_stack([np.bincount(self.of_row, weights=column, minlength=self.size) for column in rows.T])

    def per_place(self, places: Codes, n_places: int, weights: Floats | None = None) -> Floats:
        """Return how many rows (or how much weight) of each unit stand at each place: size by n_places.

        `places` is a number in [0, n_places) for each row, or -1 for a row that stands nowhere.
        """
        there = places >= 0
        if not there.all():
            places, unit = places[there], self.of_row[there]
            weights = None if weights is None else weights[there]
        else:
            unit = self.of_row
        flat = np.bincount(unit * n_places + places, weights=weights, minlength=self.size * n_places)
        return np.asarray(flat, dtype=np.float64).reshape(self.size, n_places)

    def draws(self, sums: Floats, value: Value) -> Draws:
        """Return a metric of the sums of all units, of each resample, and of all units but one.

        `sums` is size by anything; `value` takes the sums of many samples, on leading axes, and returns one number for each.
        """
        shape = sums.shape[1:]
        flat = sums.reshape(self.size, -1)
        whole = flat.sum(0)
        point = float(np.asarray(value(whole.reshape(1, *shape)))[0])
        drawn = [value(sums.reshape(-1, *shape)) for sums in _products(self.times, flat)]
        left = [value((whole - part).reshape(-1, *shape)) for part in _chunks(flat, flat.shape[1])]
        return Draws(point, np.concatenate(drawn), np.concatenate(left))

    def studentised(self, sums: Floats, value: Value) -> Studentised:
        """Return the same as `draws`, and a standard error of the metric and of each resample's.

        It is of first order: √(gᵀCg), with C the covariance of the units' sums in the sample or the resample, times their
        number, and g the slopes of `value` there.
        """
        shape = sums.shape[1:]
        flat = sums.reshape(self.size, -1)

        def of_flat(parts: Floats) -> Floats:
            return value(parts.reshape(*parts.shape[:-1], *shape))

        sizes = np.abs(flat).sum(0)
        steps = np.where(sizes > 0, sizes * _STEP, 1.0)
        squares = (flat[:, :, None] * flat[:, None, :]).reshape(self.size, -1)
        errors = [
            _first_order(times @ flat, times @ squares, of_flat, steps, self.size)
            for times in (np.ones((1, self.size)), *_chunks(self.times, squares.shape[1]))
        ]
        return Studentised(self.draws(flat, of_flat), float(errors[0][0]), np.concatenate(errors[1:]))


def _first_order(sums: Floats, squares: Floats, value: Value, steps: Floats, units: int) -> Floats:
    """Return the standard errors of a function of sums over units, samples by d, from the sums of products, samples by d·d."""
    d = sums.shape[1]
    slopes = np.stack(
        [(value(sums + e) - value(sums - e)) / (2 * step) for e, step in zip(np.diag(steps), steps, strict=True)], -1
    )
    covariance = squares.reshape(-1, d, d) - sums[:, :, None] * sums[:, None, :] / units
    variance = np.einsum("bi,bij,bj->b", slopes, covariance, slopes)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)), dtype=np.float64)


class Draws(NamedTuple):
    """A metric of the sample, of its resamples, and of the sample without each unit in turn; NaN where undefined."""

    value: float
    replicates: Floats
    left_out: Floats

    def less(self, other: Draws) -> Draws:
        """Return the difference from a metric of the same units: the paired bootstrap."""
        return Draws(self.value - other.value, self.replicates - other.replicates, self.left_out - other.left_out)

    @property
    def known(self) -> Floats:
        """Return the resamples that are defined; none where fewer than 9 in 10 are, or all are equal: they then tell nothing."""
        known = self.replicates[~np.isnan(self.replicates)]
        if not len(known) or len(known) < ENOUGH * len(self.replicates):
            return np.zeros(0)
        return known if np.ptp(known) > _ROUNDING * np.abs(known).max() else np.zeros(0)


class Studentised(NamedTuple):
    """Draws of a metric with its standard error, and that of each resample."""

    draws: Draws
    error: float
    errors: Floats


def resamples(
    n: int,
    *,
    rng: np.random.Generator,
    replicates: int = 1000,
    entities: Codes | None = None,
    blocks: Codes | None = None,
    most: int = MOST_UNITS,
) -> Resamples:
    """Return the units of n rows, and resamples of as many units as there are, with replacement.

    Rows of one entity, or of one block of time, are drawn together. Up to `most` rows are units of their own: it is the
    bootstrap of Efron 1979. More are dealt at random into `most` groups: the cumulants of a sum over rows are those of the
    sum over groups, so that draws of groups spread as draws of rows do.

    >>> drawn = resamples(5, rng=np.random.default_rng(1), replicates=3)
    >>> drawn.times.sum(1).tolist()
    [5.0, 5.0, 5.0]
    """
    kind: Kind
    if entities is not None or blocks is not None:
        kind = "entities" if entities is not None else "blocks"
        codes = entities if entities is not None else blocks
        of_row = np.asarray(np.unique(np.asarray(codes), return_inverse=True)[1], dtype=np.int64)
    elif n <= most:
        kind, of_row = "rows", np.arange(n, dtype=np.int64)
    else:
        kind, of_row = "groups", rng.permutation(np.arange(n, dtype=np.int64) % most)
    size = int(of_row.max()) + 1 if n else 0
    if size > most:  # of many entities: random groups of them, for the same reason
        of_row = rng.permutation(np.arange(size, dtype=np.int64) % most)[of_row]
        size = most
    return Resamples(of_row, _times(size, replicates, rng), kind)


def as_one(n: int) -> Resamples:
    """Return n rows as a single unit that is drawn once: the sums over it are those over all rows."""
    return Resamples(np.zeros(n, dtype=np.int64), np.ones((1, 1)), "groups")


def _times(size: int, replicates: int, rng: np.random.Generator) -> Floats:
    if not size:
        return np.zeros((replicates, 0))
    drawn = rng.integers(0, size, size=(replicates, size)) + np.arange(replicates)[:, None] * size
    return np.bincount(drawn.ravel(), minlength=replicates * size).reshape(replicates, size).astype(np.float64)


def _products(times: Floats, sums: Floats) -> Iterator[Floats]:
    """Yield times @ sums, resamples by d, some resamples after the other.

    Counts are multiplied as 32-bit floats, at half the cost, where no number reaches 2²⁴: up to there they are whole and exact.
    """
    exact = sums.size > 1 << 16 and float(sums.sum(0).max()) * float(times.max()) < 1 << 24
    if exact and bool((sums >= 0).all() and (sums == np.floor(sums)).all()):
        halved = sums.astype(np.float32)
        for some in _chunks(times, sums.shape[1]):
            yield (some.astype(np.float32) @ halved).astype(np.float64)
    else:
        for some in _chunks(times, sums.shape[1]):
            yield some @ sums


def _chunks(rows: Floats, width: int) -> Iterator[Floats]:
    step = max(1, _CHUNK // max(width, 1))
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


# Intervals -----------------------------------------------------------------------------------------------------------


def percentile(draws: Draws, *, confidence: float = 0.95) -> Interval:
    """Return the interval between the quantiles of the resamples at (1 - c)/2 and (1 + c)/2.

    NaN where fewer than 9 in 10 resamples are defined, or all are equal: 5 rows that are all right do not show that
    the next one will be.
    Source: Efron 1981.
    """
    known = draws.known
    if not len(known):
        return Interval(math.nan, math.nan)
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def bca(draws: Draws, *, confidence: float = 0.95) -> Interval:
    """Return the bias-corrected and accelerated interval: quantiles of the resamples, moved for bias and skew.

    At Φ(z₀ + (z₀ + z)/(1 - a(z₀ + z))), with z the normal quantile of (1 ∓ c)/2, z₀ = Φ⁻¹ of the share of resamples below the
    value (ties count half), and a = Σd³ / 6(Σd²)^1.5 of the deviations d of the values without one unit from their mean.
    NaN where fewer than 9 in 10 resamples are defined, or all are equal.
    Source: Efron 1987.
    """
    known = draws.known
    if not len(known):
        return Interval(math.nan, math.nan)
    below = (np.mean(known < draws.value) + np.mean(known <= draws.value)) / 2
    if not 0 < below < 1:
        return percentile(draws, confidence=confidence)
    z0 = normal_quantile(float(below))
    left = draws.left_out[~np.isnan(draws.left_out)]
    d = left.mean() - left if len(left) else np.zeros(1)
    squares = float((d**2).sum())
    a = float((d**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0
    shares = []
    for p in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = z0 + normal_quantile(p)
        shares.append(0.5 * math.erfc(-(z0 + z / (1 - a * z)) / math.sqrt(2)))
    low, high = np.quantile(known, shares)
    return Interval(float(low), float(high))


def bootstrap_t(found: Studentised, *, confidence: float = 0.95) -> Interval:
    """Return the interval value - s·q at the quantiles q of (resample - value)/(its standard error): of (1 ± c)/2.

    It learns from the resamples how the skew of the rows shows in Student's t, and so covers where other bootstraps are too
    short. Of 0.95 stated, it keeps (and BCa, and percentiles):

    | mean of      | 10 values        | 20               | 50               | 200              |
    | ------------ | ---------------- | ---------------- | ---------------- | ---------------- |
    | exponential  | 0.94, 0.87, 0.85 | 0.95, 0.89, 0.88 | 0.95, 0.94, 0.94 | 0.96, 0.95, 0.95 |
    | lognormal    | 0.92, 0.81, 0.81 | 0.92, 0.89, 0.87 | 0.94, 0.91, 0.88 | 0.94, 0.93, 0.92 |
    | squares of t | 0.90, 0.78, 0.72 |                  | 0.92, 0.87, 0.85 | 0.93, 0.90, 0.89 |

    The last is the root of the mean square of errors of Student's law of 5 degrees of freedom; R² has 0.97, 0.91, 0.88 on 10
    rows. NaN where fewer than 9 in 10 resamples are defined, or all are equal.
    Source: Efron 1982; Hall 1988.
    """
    draws, error, errors = found
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(errors > 0, (draws.replicates - draws.value) / errors, np.nan)
    known = t[np.isfinite(t)]
    if not len(draws.known) or len(known) < ENOUGH * len(t) or not error > 0:
        return Interval(math.nan, math.nan)
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(draws.value - high * error), float(draws.value - low * error))


def jackknife(draws: Draws, *, span: tuple[float, float], confidence: float = 0.95) -> Interval:
    """Return the interval by the variance that the values without each unit show, on the log-odds scale of a span.

    s² = (k - 1)/k·Σ(value without a unit - mean)² for k units, and Student's law of k - 1 degrees of freedom; see `bounded`.
    Sources: Tukey 1958; Efron & Stein 1981.
    """
    left = draws.left_out[~np.isnan(draws.left_out)]
    k = len(left)
    error = math.sqrt((k - 1) / k * float(((left - left.mean()) ** 2).sum())) if k > 1 else math.nan
    return bounded(draws.value, error, span=span, freedom=k - 1, confidence=confidence)


def bounded(
    value: float, error: float, *, span: tuple[float, float], freedom: float, confidence: float = 0.95
) -> Interval:
    """Return the interval of a value that lies in a span, from its standard error, on the log-odds scale.

    With u = (value - least)/(greatest - least): ln(u/(1 - u)) ± t·error/(greatest - least)/(u(1 - u)), t Student's quantile. NaN
    where the span has no ends, the value is at one of them, or the error is 0 or not known.

    >>> low, high = bounded(0.9, 0.03, span=(0.0, 1.0), freedom=99)
    >>> round(low, 3), round(high, 3)
    (0.823, 0.946)
    """
    if not error > 0 or freedom < 1:
        return Interval(math.nan, math.nan)
    return _on_log_odds(value, student_quantile((1 + confidence) / 2, freedom) * error, span)


def _on_log_odds(value: float, half: float, span: tuple[float, float]) -> Interval:
    least, greatest = span
    width = greatest - least
    u = (value - least) / width if math.isfinite(width) else math.nan
    if not 0 < u < 1:
        return Interval(math.nan, math.nan)
    odds, half = math.log(u / (1 - u)), half / width / (u * (1 - u))
    low, high = (least + width / (1 + math.exp(min(max(-x, -700.0), 700.0))) for x in (odds - half, odds + half))
    return Interval(low, high)


def smoothed(cells: Floats, value: Value, *, rng: np.random.Generator, replicates: int = 1000) -> tuple[Draws, float]:
    """Return draws of a function of a table of labels by predictions, [..., k, k] counts, and its standard error.

    The draws show errors, too, that no row has made yet. Shares of the cells are drawn from Dirichlet's distribution of the
    counts with 1/(k(k - 1)) of a row added to each: half a row where there are two classes, in all one row beside the
    diagonal. Five rows that are all right so leave room for a sixth that is not. Classes that neither a label nor a prediction
    has stay out; above 64 classes that row falls into a cell at random. Of several tables each is drawn by itself. The error is the
    jackknife's; NaN where the table is too large for it.
    Sources: Perks 1947; Goutte & Gaussier 2005 for F scores.
    """
    alive = (cells.sum(-1) > 0) | (cells.sum(-2) > 0)
    k = np.maximum(alive.sum(-1), 2)
    wide = bool((k > _WIDE).any())
    added = np.where(alive[..., :, None] & alive[..., None, :], (1 / (k * (k - 1)))[..., None, None], 0.0)
    shape = cells if wide else cells + added
    kept = shape > 0
    step = max(1, _CHUNK // cells.size)
    drawn = []
    for start in range(0, replicates, step):
        chances = np.zeros((min(step, replicates - start), *shape.shape))
        chances[:, kept] = rng.standard_gamma(shape[kept], size=(len(chances), int(kept.sum())))
        if wide:
            _add_one(chances, np.flatnonzero(alive), rng)
        drawn.append(value(chances))
    point = float(np.asarray(value(cells[None]))[0])
    return Draws(point, np.concatenate(drawn), np.zeros(0)), _error_of_cells(cells, value)


def _add_one(chances: Floats, classes: Codes, rng: np.random.Generator) -> None:
    """Add what a row is worth to one cell of each table: what many equal shares of a row nearly always come down to."""
    label = rng.integers(0, len(classes), len(chances))
    prediction = (label + rng.integers(1, len(classes), len(chances))) % len(classes)
    chances[np.arange(len(chances)), classes[label], classes[prediction]] += rng.standard_exponential(len(chances))


def _error_of_cells(cells: Floats, value: Value) -> float:
    """Return the jackknife's standard error of a function of cells: all rows of a cell are worth the same."""
    there = np.argwhere(cells > 0)
    if cells.size * len(there) > 4 * _CHUNK:
        return math.nan
    fewer = np.repeat(cells[None], len(there), axis=0)
    fewer[(np.arange(len(there)), *there.T)] -= np.minimum(cells[cells > 0], 1.0)
    left, rows = value(fewer), cells[cells > 0]
    left, rows = left[~np.isnan(left)], rows[~np.isnan(left)]
    n = float(rows.sum())
    if n <= 1:
        return math.nan
    mean = float((rows * left).sum()) / n
    return math.sqrt((n - 1) / n * float((rows * (left - mean) ** 2).sum()))
