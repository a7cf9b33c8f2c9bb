"""How scores lie to the shares that came true: bins with bands, the decomposition of the Brier score, and what chance shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.calibration.isotonic import brier_of, isotonic
from assay.evaluation.figures import cell, too_few
from assay.evaluation.metrics.calibrated import place_of_mass
from assay.stats.intervals import Interval
from assay.stats.resampling import Resamples

__all__ = [
    "MURPHY", "Bins", "Chance", "View", "bands", "bins_of", "by_chance", "murphy", "noise", "per_unit", "view_of",
]  # fmt: skip

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MURPHY = ("brier", "reliability", "resolution", "uncertainty", "within_bin_variance", "within_bin_covariance")
FINE = 4000  # groups of rows that chance is drawn for
_CHANCE = 400  # times that chance is drawn for the calibration error
_ISOTONIC = 100  # and for the isotonic fit


@dataclass(frozen=True)
class View:
    """A question with two answers and its forecasts: n rows in rising order of the score.

    `labels` are 1 where it came true, else 0; `units` says which rows are drawn together. `name` is empty where there is
    only one question. `even` says that all rows count the same.
    """

    name: str
    scores: Floats
    labels: Floats
    weights: Floats
    units: Resamples
    even: bool

    @property
    def n(self) -> int:
        """Return how many rows there are."""
        return len(self.scores)

    @property
    def together(self) -> bool:
        """Return whether rows are drawn together, so that formulas for independent rows do not hold."""
        return self.units.kind in ("entities", "blocks")

    @cached_property
    def few(self) -> str:
        """Return why rows that are drawn together do not tell how far a figure may be off; empty where they do."""
        return too_few(self.units) if self.together else ""

    @cached_property
    def share(self) -> float:
        """Return the share of the weight that came true."""
        return float((self.labels * self.weights).sum() / self.weights.sum())

    @cached_property
    def one_sided(self) -> str:
        """Return why calibration cannot be told from the labels; empty where there are both."""
        return "" if 0 < self.share < 1 else "all labels are the same"


def view_of(scores: Floats, labels: Floats, *, name: str, weights: Floats | None, units: Resamples) -> View:
    """Return a view of rows in any order."""
    order = np.argsort(scores)
    counted = np.ones(len(scores)) if weights is None else weights[order]
    return View(name, scores[order], labels[order].astype(np.float64), counted, units.of(order), weights is None)


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins of about the same weight: the number of the first row of each, and sums over their rows.

    `of_row` is the bin of each row; `mass`, `scores`, `labels`, `squares` and `products` are Σw, Σwf, Σwy, Σwf² and Σwfy.
    """

    starts: Codes
    of_row: Codes
    rows: Codes
    mass: Floats
    scores: Floats
    labels: Floats
    squares: Floats
    products: Floats

    @property
    def share(self) -> Floats:
        """Return the share of each bin that came true."""
        return self.labels / self.mass

    @property
    def score(self) -> Floats:
        """Return the mean score of each bin."""
        return self.scores / self.mass

    @property
    def sums(self) -> Floats:
        """Return the five sums of all bins, one after the other."""
        return np.concatenate([self.mass, self.scores, self.labels, self.squares, self.products])


def bins_of(view: View, most: int) -> Bins:
    """Return at most so many bins of about the same weight, those of the metric `ece_mass`; equal scores are never parted."""
    first = np.flatnonzero(np.concatenate([[True], view.scores[1:] != view.scores[:-1]]))
    place = place_of_mass(np.add.reduceat(view.weights, first), most)
    starts = first[np.concatenate([[True], place[1:] != place[:-1]])]
    rows = np.diff(np.concatenate([starts, [view.n]]))
    w, f, y = view.weights, view.scores, view.labels
    sums = [
        np.array([part.sum() for part in np.split(column, starts[1:])])
        for column in (w, w * f, w * y, w * f * f, w * f * y)
    ]
    of_row = np.repeat(np.arange(len(starts)), rows)
    return Bins(starts, of_row, rows, *sums)


def per_unit(view: View, bins: Bins) -> Floats:
    """Return the five sums of each bin per unit: size by 5·bins."""
    w, f, y = view.weights, view.scores, view.labels
    k = len(bins.starts)
    return np.hstack([view.units.per_place(bins.of_row, k, c) for c in (w, w * f, w * y, w * f * f, w * f * y)])


def murphy(sums: Floats) -> Floats:
    """Return the Brier score and what it is made of, [..., 6] from the five sums of bins [..., 5·bins]; NaN without rows.

    Brier = reliability - resolution + uncertainty + within-bin variance - within-bin covariance. With πₖ the share of the
    weight in bin k, fₖ its mean score and oₖ the share that came true, o that of all:
    reliability Σ πₖ(fₖ - oₖ)², resolution Σ πₖ(oₖ - o)², uncertainty o(1 - o), variance Σ (f - fₖ)² / n and covariance
    2·Σ (f - fₖ)(y - oₖ) / n over rows. The last two are what the bins leave out; without them the first three do not add up.
    Sources: Murphy 1973; Stephenson, Coelho & Jolliffe 2008.
    """
    mass, f, y, ff, fy = np.split(sums, 5, axis=-1)
    total = mass.sum(-1)
    total = np.where(total > 0, total, np.nan)
    under = np.where(mass > 0, mass, 1.0)
    score, came = f / under, y / under
    o = y.sum(-1) / total
    brier = (ff - 2 * fy + y).sum(-1) / total
    reliability = (mass * (score - came) ** 2).sum(-1) / total
    resolution = (mass * (came - o[..., None]) ** 2).sum(-1) / total
    variance = (ff - f * score).sum(-1) / total
    covariance = 2 * (fy - y * score).sum(-1) / total
    return np.stack([brier, reliability, resolution, o * (1 - o), variance, covariance], axis=-1)


# Noise of the bins ---------------------------------------------------------------------------------------------------


def noise(view: View, bins: Bins) -> tuple[Floats, Floats]:
    """Return the standard errors of (share - mean score) and of the share, in each bin.

    Over rows: Σw²(y - f - d)² / (Σw)²; over units where rows are drawn together. A bin with fewer than five rows of a kind
    shows too little of its own noise: there the forecasts' own, Σw²f(1 - f) / (Σw)², is the least.
    """
    gap = bins.share - bins.score
    if view.together:
        mass, f, y, _, _ = np.split(per_unit(view, bins), 5, axis=1)
        m = (mass > 0).sum(0)
        grown = m / np.maximum(m - 1, 1)
        errors = [(((part - mean * mass) ** 2).sum(0) * grown) for part, mean in ((y - f, gap), (y, bins.share))]
    else:
        w, f, y = view.weights, view.scores, view.labels
        parts = ((w * (y - f - gap[bins.of_row])) ** 2, (w * (y - bins.share[bins.of_row])) ** 2)
        errors = [np.add.reduceat(part, bins.starts) for part in parts]
    own = np.add.reduceat(view.weights**2 * view.scores * (1 - view.scores), bins.starts)
    hits = np.add.reduceat(view.labels, bins.starts)
    few = np.minimum(hits, bins.rows - hits) < 5
    errors = [np.where(few, np.maximum(error, own), error) for error in errors]
    return np.sqrt(errors[0]) / bins.mass, np.sqrt(errors[1]) / bins.mass


def bands(view: View, bins: Bins, *, confidence: float) -> list[Interval]:
    """Return the intervals of the share in all bins, that hold together: exact ones, each at 1 - (1 - c) / bins.

    Wilson's would not do: so far out in the tail, and of a few rows that come true in a hundred, it misses several times as
    often as it says. Of weighted rows, and of rows drawn together, n is the number of independent rows that would vary as much.
    NaN where there are too few of the units that rows are drawn together in. Source: Clopper & Pearson 1934.
    """
    from scipy.special import betaincinv

    if view.few:
        return [Interval(math.nan, math.nan)] * len(bins.starts)
    miss = (1 - confidence) / len(bins.starts)
    kish = bins.mass**2 / np.add.reduceat(view.weights**2, bins.starts)
    if view.together:
        error = noise(view, bins)[1]
        spread = bins.share * (1 - bins.share)
        kish = np.minimum(kish, np.divide(spread, error**2, out=kish.copy(), where=(error > 0) & (spread > 0)))
        kish = np.maximum(kish, 1.0)
    part = np.clip(bins.share, 0.0, 1.0) * kish
    none, every = bins.share <= 0, bins.share >= 1
    tail = np.where(none | every, miss, miss / 2)
    low = np.where(none, 0.0, betaincinv(np.where(none, 1.0, part), kish - part + 1, tail))
    high = np.where(every, 1.0, betaincinv(part + 1, np.where(every, 1.0, kish - part), 1 - tail))
    return [Interval(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True)]


# What chance alone shows ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chance:
    """What forecasts like these show where each of them is right: the calibration error, and the miscalibration of the Brier score."""

    errors: Floats
    miscalibration: Floats

    @staticmethod
    def range(drawn: Floats, confidence: float) -> tuple[float, float | None, float | None]:
        """Return the mean of what was drawn, and the ends between which so much of it lies."""
        low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
        return float(drawn.mean()), cell(float(low)), cell(float(high))


def by_chance(view: View, bins: Bins, *, rng: np.random.Generator, fits: int = _ISOTONIC) -> Chance:
    """Return what is seen of forecasts that are right, for labels drawn by the scores, independently.

    Labels are drawn for up to four thousand groups of neighbouring rows: each a binomial of the group's mean score.
    `fits` is how many of the draws an isotonic curve is fitted to.
    """
    fine = FINE if fits else FINE // 4
    cuts = np.unique(np.concatenate([np.linspace(0, view.n, fine, endpoint=False).astype(np.int64), bins.starts]))
    rows = np.diff(np.concatenate([cuts, [view.n]]))
    mass = np.add.reduceat(view.weights, cuts)
    p = np.clip(np.add.reduceat(view.weights * view.scores, cuts) / mass, 0.0, 1.0)
    scale = np.sqrt(np.add.reduceat(view.weights**2, cuts) * rows) / mass  # 1 where all rows count the same
    shares = rng.binomial(rows, p, size=(_CHANCE, len(cuts))) / rows
    gaps = (shares - p) * scale * mass
    of_bins = np.add.reduceat(gaps, np.searchsorted(cuts, bins.starts), axis=1)
    errors = np.abs(of_bins).sum(1) / bins.mass.sum()
    lost = [brier_of(p, one, mass) - brier_of(isotonic(one, mass), one, mass) for one in shares[:fits]]
    return Chance(errors, np.asarray(lost))
