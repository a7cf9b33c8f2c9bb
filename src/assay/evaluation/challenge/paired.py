"""The difference of a metric between two models on the same rows, with its interval and p-value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.forms import of_class
from assay.evaluation.metrics.measuring import drawn, unsuited
from assay.evaluation.metrics.metric import Metric
from assay.evaluation.predictions import Predictions
from assay.stats import delong, intervals
from assay.stats.intervals import normal_quantile
from assay.stats.resampling import Draws, Resamples, bca
from assay.verdict import Estimate

__all__ = ["Paired", "Side", "mcnemar", "paired", "paired_share", "rows_needed"]

Mask = NDArray[np.bool_]


class Side(NamedTuple):
    """Two models on the same rows, and the resamples of these rows."""

    champion: Predictions
    challenger: Predictions
    units: Resamples

    def at(self, rows: Mask) -> Side:
        """Return both models on some of the rows."""
        return Side(self.champion.at(rows), self.challenger.at(rows), self.units.of(rows))


class Paired(NamedTuple):
    """A metric of the champion and of the challenger, the difference (challenger less champion), and its two-sided p-value.

    `error` is the standard error that the p-value rests on; both are None where they are undefined.
    """

    champion: float | None
    challenger: float | None
    difference: Estimate
    p_value: float | None
    error: float | None


def paired(metric: Metric, name: str, side: Side, *, confidence: float = 0.95) -> Paired:
    """Return the difference of a metric between two models on the same rows.

    An area under the ROC curve has DeLong's comparison, accuracy McNemar's (its mid-p, and Newcombe's interval for paired
    shares); every other metric, and rows that are weighted or drawn together, the paired bootstrap: both models on the same
    resamples, a BCa interval, and the p-value of the normal law with the resamples' standard deviation.
    Where either model's metric is undefined, so is the difference. Of a metric that is better the nearer it is to a target,
    the difference is by how much the challenger is nearer.
    Sources: DeLong, DeLong & Clarke-Pearson 1988; McNemar 1947; Fagerland, Lydersen & Laake 2013; Newcombe 1998; Efron 1987.
    """
    n = side.champion.n
    why = unsuited(metric, side.champion) or unsuited(metric, side.challenger) or ("" if n else "there are no rows")
    if why:
        return Paired(None, None, Estimate(None, n=n, why=why), None, None)
    plain = side.units.kind in ("rows", "groups") and side.champion.weights is None
    found = EXACT[name](side, confidence) if plain and name in EXACT else None
    return found if found is not None else _bootstrap(metric, side, confidence)


def _bootstrap(metric: Metric, side: Side, confidence: float) -> Paired:
    champion, challenger = (drawn(metric, rows, side.units) for rows in (side.champion, side.challenger))
    old, new = (None if math.isnan(draws.value) else draws.value for draws in (champion, challenger))
    if metric.better == "nearest":
        champion, challenger = metric.gains(champion), metric.gains(challenger)
    n, moved = side.champion.n, challenger.less(champion)
    if math.isnan(moved.value):
        whose = "the champion" if old is None else "the challenger"
        return Paired(old, new, Estimate(None, n=n, why=f"it is undefined for {whose}: {metric.undefined}"), None, None)
    return Paired(old, new, *_difference(moved, n, confidence))


def _difference(moved: Draws, n: int, confidence: float) -> tuple[Estimate, float | None, float | None]:
    """Return the estimate of a difference of draws, its p-value and its standard error."""
    known = moved.replicates[~np.isnan(moved.replicates)]
    if not len(known):
        return Estimate(moved.value, n=n, why="no resample tells the difference"), None, None
    error = float(known.std(ddof=1))
    if error == 0:  # no resample differs: the models say the same of every row, as far as this metric sees
        same = Estimate(moved.value, n=n, low=moved.value, high=moved.value, confidence=confidence, method="bca")
        return same, 1.0 if moved.value == 0 else None, 0.0
    low, high = bca(moved, confidence=confidence)
    p_value = math.erfc(abs(moved.value) / error / math.sqrt(2))
    if math.isnan(low):
        return Estimate(moved.value, n=n, why="too few rows of a kind"), p_value, error
    return (
        Estimate(moved.value, n=n, low=min(low, moved.value), high=max(high, moved.value), confidence=confidence, method="bca"),
        p_value, error,
    )  # fmt: skip


# Comparisons that have a formula ---------------------------------------------------------------------------------------


def _auc(side: Side, confidence: float) -> Paired | None:
    place = len(side.champion.classes) - 1
    (one, inside), (other, _) = of_class(side.champion, place), of_class(side.challenger, place)
    found = delong.areas(np.column_stack([other, one]), inside)
    if np.isnan(found.values).any():
        why = "it takes rows of both classes"
        return Paired(None, None, Estimate(None, n=side.champion.n, why=why), None, None)
    told = delong.paired(found, confidence=confidence)
    if math.isnan(told.low):
        return None
    seen = Estimate(
        told.difference, n=side.champion.n, low=told.low, high=told.high, confidence=confidence, method="delong"
    )
    return Paired(float(found.values[1]), float(found.values[0]), seen, told.p_value, told.error)


def _accuracy(side: Side, confidence: float) -> Paired | None:
    if side.champion.task not in ("binary", "multiclass"):
        return None
    old, new = (np.asarray(rows.said == rows.labels) for rows in (side.champion, side.challenger))
    n, gained, lost = len(old), int((new & ~old).sum()), int((old & ~new).sum())
    both = int((old & new).sum())
    seen = paired_share(both, lost, gained, n, confidence=confidence)
    error = math.sqrt(max(gained + lost - (gained - lost) ** 2 / n, 0.0)) / n
    return Paired((both + lost) / n, (both + gained) / n, seen, mcnemar(lost, gained), error)


EXACT: dict[str, Callable[[Side, float], Paired | None]] = {"auc": _auc, "accuracy": _accuracy}


def mcnemar(lost: int, gained: int) -> float:
    """Return McNemar's two-sided mid-p-value: of rows that one model gets right and the other wrong, both ways alike.

    Twice the binomial tail of min(b, c) among b + c at ½, less half the probability of exactly min(b, c); 1 where no row
    differs. Up to 1,000 rows that differ it is exact, above it by the normal law.
    Sources: McNemar 1947; Fagerland, Lydersen & Laake 2013.

    >>> round(mcnemar(1, 8), 4)
    0.0215
    """
    n, least = lost + gained, min(lost, gained)
    if not n:
        return 1.0
    if n > 1000:
        return math.erfc(abs(lost - gained) / math.sqrt(2 * n))
    tail = sum(math.comb(n, k) for k in range(least + 1)) - math.comb(n, least) / 2
    return min(1.0, float(2 * tail / 2**n))


def paired_share(both: int, lost: int, gained: int, n: int, *, confidence: float = 0.95) -> Estimate:
    """Return the difference of two shares of the same n rows, (gained - lost) / n, with Newcombe's interval.

    From Wilson's intervals [l, u] of each share, d - √((p₂ - l₂)² - 2φ(p₂ - l₂)(u₁ - p₁) + (u₁ - p₁)²) below, and the mirror
    of it above, with φ the correlation of the two. It is wide where no row differs, as few rows do not show that none will.
    Source: Newcombe 1998 (paired, method 10, without its continuity correction).

    >>> seen = paired_share(36, 2, 7, 50)
    >>> round(seen.value, 2), round(seen.low, 3), round(seen.high, 3)
    (0.1, -0.017, 0.22)
    """
    neither = n - both - lost - gained
    old, new = (both + lost) / n, (both + gained) / n
    a, b = (
        intervals.share(both + lost, n, confidence=confidence),
        intervals.share(both + gained, n, confidence=confidence),
    )
    product = float(both + lost) * (gained + neither) * (both + gained) * (lost + neither)
    phi = (both * neither - lost * gained) / math.sqrt(product) if product > 0 else 0.0

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0.0))

    d = new - old
    low, high = d - reach(new - b.low, a.high - old), d + reach(b.high - new, old - a.low)
    return Estimate(d, n=n, low=max(low, -1.0), high=min(high, 1.0), confidence=confidence, method="newcombe")


def rows_needed(difference: float, error: float, n: int, *, margin: float, confidence: float) -> int | None:
    """Return about how many rows would show that a difference is beyond a margin; None where it is not beyond it here.

    n·(z·s / |d - margin|)², with s the standard error on n rows: half the samples of that size do.
    """
    away = abs(difference - margin)
    if not error or not away:
        return None
    return math.ceil(n * (normal_quantile((1 + confidence) / 2) * error / away) ** 2)
