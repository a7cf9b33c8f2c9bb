"""Metrics of calibration: how far probabilities are from the shares that then come true, in bins of the score.

A share in a bin of n rows is off by chance, and the mean distance |share - score| never falls below what chance alone gives:
a perfectly calibrated model shows 0.043 in ten bins of 500 rows. `ece` and `ece_mass` take that out; those called `_plain` do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.forms import places_of
from assay.evaluation.metrics.metric import SIGNED, Curves, Form, Metric, Sums, mean_of_sums, ratio
from assay.evaluation.predictions import Predictions
from assay.stats.intervals import Interval, normal_quantile
from assay.stats.resampling import as_one

__all__ = ["BINS", "CALIBRATED", "Bins", "by_mass", "by_width", "corrected", "place_of_mass", "plain"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

BINS = 10


class Bins(NamedTuple):
    """Bins of scores, [..., bins]: rows, the share of the class, the mean score less that share, and its variance by chance.

    Empty bins have 0 of each. The variance is Σ p(1 - p) / n² of the bin's n scores p: that of a calibrated model.
    """

    rows: Floats
    share: Floats
    off: Floats
    variance: Floats


def by_width(form: Form) -> Bins:
    """Return ten bins of equal width, from 0 to 1; a score that is an edge stands with those just below it."""
    edges = np.linspace(0, 1, BINS + 1)[1:-1]
    return _binned(form, np.searchsorted(edges, form.scores, side="left"))


def by_mass(form: Form) -> Bins:
    """Return ten bins of about as many rows each, by the place of the middle row of each score; equal scores stay together."""
    return _binned(form, place_of_mass(form.inside + form.outside, BINS))


def place_of_mass(rows: Floats, bins: int) -> Codes:
    """Return which of so many bins of equal mass each score is in, by its middle row: [..., scores], each of so many rows.

    >>> place_of_mass(np.array([1.0, 1.0, 6.0, 1.0, 1.0]), 2).tolist()
    [0, 0, 1, 1, 1]
    """
    middle = np.cumsum(rows, axis=-1) - rows / 2
    place = np.floor(np.nan_to_num(ratio(bins * middle, rows.sum(-1, keepdims=True))) + 1e-9)
    return np.asarray(np.clip(place, 0, bins - 1), dtype=np.int64)


def _binned(form: Form, bin_of: Codes) -> Bins:
    rows = form.inside + form.outside
    sums = (rows, form.inside, rows * form.scores, rows * form.scores * (1 - form.scores))
    n, inside, score, variance = (_sums_of_bins(part, bin_of) for part in sums)

    def per_row(part: Floats) -> Floats:
        return np.asarray(np.divide(part, n, out=np.zeros_like(part), where=n > 0))

    share = per_row(inside)
    return Bins(n, share, np.where(n > 0, per_row(score) - share, 0.0), np.maximum(per_row(per_row(variance)), 0.0))


def _sums_of_bins(part: Floats, bin_of: Codes) -> Floats:
    """Return the sums over each bin, [..., bins]."""
    if bin_of.ndim == 1:  # the same bins in every resample: one product, a fifth of the time
        return np.asarray(part @ (bin_of[:, None] == np.arange(BINS)).astype(np.float64))
    return np.stack([np.where(bin_of == b, part, 0.0).sum(-1) for b in range(BINS)], axis=-1)


def plain(bins: Bins) -> Floats:
    """Return Σ n·|d| / Σ n over the bins, with d how far the mean score is off the share: in [0, 1], NaN where there are no rows."""
    return ratio((bins.rows * np.abs(bins.off)).sum(-1), bins.rows.sum(-1))


def corrected(bins: Bins) -> Floats:
    """Return `plain` without what chance adds to it, at least 0.

    Of each |d| is taken √3·e·exp(-d²/v), with v the variance of d by chance and e = min(√(2v/π), 2nv) the mean of |d| that
    chance alone gives. Where d is normal, the mean of what is taken is then exactly e for a calibrated model, as
    E exp(-d²/v) = 1/√3; and nothing is taken of a bin that is off by far more than chance.
    """
    return np.maximum(_uncut(bins), 0.0)


def _uncut(bins: Bins) -> Floats:
    sizes = np.abs(bins.off)
    by_chance = np.minimum(np.sqrt(2 * bins.variance / math.pi), 2 * bins.rows * bins.variance)
    far = np.divide(sizes**2, bins.variance, out=np.zeros_like(sizes), where=bins.variance > 0)
    kept = sizes - math.sqrt(3) * by_chance * np.exp(-np.minimum(far, 700.0))
    return ratio((bins.rows * kept).sum(-1), bins.rows.sum(-1))


def _greatest(bins: Bins) -> Floats:
    return np.where(bins.rows.sum(-1) > 0, np.abs(bins.off).max(-1), np.nan)


# What is looked at ----------------------------------------------------------------------------------------------------


def _alike(rows: Predictions) -> Predictions:
    """Return rows with weights that add up to how many independent rows say as much: what chance adds depends on that.

    Weights w become w·Σw/Σw², Kish's number of rows in all, divided by the design effect of the entities, or blocks of time,
    that rows are drawn together in.
    """
    codes = rows.entity if rows.entity is not None else rows.block
    weights = rows.own_weights
    if (rows.weights is None and codes is None) or not weights.any():
        return rows
    weights = weights / weights.max()  # so that squares do not vanish
    effect = 1.0 if codes is None else _design_effect(rows, weights, codes)
    return replace(rows, weights=weights * (weights.sum() / (weights**2).sum() / effect))


def _design_effect(rows: Predictions, weights: Floats, codes: Codes) -> float:
    """Return Σ (Σ w·r)² / Σ (w·r)², at least 1: squared sums over what is drawn together beside squares of rows.

    r is score less label of each class, less its mean over the tenth of the rows with about that score.
    Source: Kish 1965, of residuals.
    """
    scores = rows.positive[:, None] if rows.task == "binary" else np.asarray(rows.scores)
    labels = rows.labels if rows.task == "multilabel" else rows.labels[:, None] == np.arange(len(rows.classes))
    together = alone = 0.0
    for score, label in zip(scores.T, np.asarray(labels, dtype=np.float64).T[-scores.shape[1] :], strict=True):
        tenth = np.searchsorted(np.quantile(score, np.linspace(0, 1, BINS + 1)[1:-1]), score)
        mass = np.bincount(tenth, weights=weights, minlength=BINS).astype(np.float64)
        sums = np.bincount(tenth, weights=weights * (score - label), minlength=BINS).astype(np.float64)
        means = ratio(sums, mass)
        off = weights * (score - label - np.nan_to_num(means)[tenth])
        together += float((np.bincount(codes, weights=off) ** 2).sum())
        alone += float((off**2).sum())
    return max(together / alone, 1.0) if alone > 0 else 1.0


def _likeliest(rows: Predictions) -> Predictions:
    """Return of several classes whether the likeliest was right, with its probability."""
    if rows.task == "binary" or rows.scores is None:
        return _alike(rows)
    likeliest = rows.scores.argmax(1)
    score = rows.scores[np.arange(rows.n), likeliest]
    right = np.asarray(likeliest == rows.labels, dtype=np.int64)
    return _alike(replace(
        rows, task="binary", labels=right, predictions=None, scores=np.column_stack([1 - score, score]), classes=(False, True),
    ))  # fmt: skip


def _over(rows: Predictions) -> Floats:
    seen = _likeliest(rows)
    return np.column_stack([seen.positive - (seen.labels == 1), np.ones(rows.n)])


def _interval(bins_of: Callable[[Form], Bins]) -> Callable[[Predictions, float], Interval]:
    """Return the interval of an error, corrected or not: the corrected value ± z·1.2·s, and 0.41·Σ n·√v / Σ n more above.

    s² = Σ n²·v / (Σ n)², v being the greater of the variance of a calibrated model and that of the share itself. What is
    reported of a bin spreads by at most 1.2·√v (where it is off by 2·√v) and is at most 0.41·√v too small on average (where
    it is off by √v); it is never too great by more than 0.02·√v.
    """

    def interval(rows: Predictions, confidence: float) -> Interval:
        bins = _seen(rows, bins_of)
        of_all, spread = bins.rows / bins.rows.sum(), _spread(bins)
        half = normal_quantile((1 + confidence) / 2) * 1.2 * math.sqrt(float(((of_all * spread) ** 2).sum()))
        value = float(_uncut(bins))
        return Interval(
            max(value - half, 0.0), min(max(value, 0.0) + half + 0.41 * float((of_all * spread).sum()), 1.0)
        )

    return interval


def _seen(rows: Predictions, bins_of: Callable[[Form], Bins]) -> Bins:
    """Return the bins of all rows, each of its arrays with one axis."""
    seen = _likeliest(rows)
    places = places_of(seen, 1)
    return bins_of(places.form(places.sums(as_one(seen.n), seen.weights)[0]))


def _spread(bins: Bins) -> Floats:
    """Return how far a bin is off by chance: the greater of what a calibrated model and what the share itself makes likely."""
    own = np.divide(bins.share * (1 - bins.share), bins.rows, out=np.zeros(BINS), where=bins.rows > 0)
    return np.sqrt(np.maximum(bins.variance, own))


def _interval_of_greatest(rows: Predictions, confidence: float) -> Interval:
    """Return the greatest of the lower and of the upper ends of ten intervals that hold together (Šidák): |d| ± z·√v."""
    bins = _seen(rows, by_mass)
    half = normal_quantile((1 + confidence ** (1 / BINS)) / 2) * _spread(bins)
    sizes = np.where(bins.rows > 0, np.abs(bins.off), 0.0)
    return Interval(max(float((sizes - half).max()), 0.0), min(float((sizes + half).max()), 1.0))


# The table ------------------------------------------------------------------------------------------------------------


def _of(bins_of: Callable[[Form], Bins], value: Callable[[Bins], Floats], *, each: bool = False) -> Curves:
    """Return a function of the bins: of the positive or the likeliest class, or the mean of it over `each` class."""
    return Curves(lambda form: value(bins_of(form)), view=_alike if each else _likeliest)


_ROWS = "there are no rows"
_PLAIN = "Σ n·|d| / Σ n over ten bins, with d the mean score less the share of the class"
_LESS = "each |d| less √3·e·exp(-d²/v), with v = Σ p(1 - p) / n² and e = min(√(2v/π), 2nv) what chance alone adds; at least 0"
_LIKELIEST = "of several classes the score of the likeliest, and whether it was right"
_SOURCE = "Naeini, Cooper & Hauskrecht 2015; Guo et al. 2017; bias: Bröcker 2012"


def _error(
    title: str,
    of: Curves,
    formula: str,
    *,
    interval: Callable[[Predictions, float], Interval],
    caution: str = "",
) -> Metric:
    return Metric(
        title, ("binary", "multiclass"), of, _ROWS, f"{formula}; {_LIKELIEST}", _SOURCE, better="lower", needs="probabilities",
        closed=interval, method="normal", caution=caution, centred=True,
    )  # fmt: skip


_BIASED = "chance alone adds to it: 0.043 of a perfectly calibrated model on 500 rows"

CALIBRATED: Mapping[str, Metric] = {
    "ece": _error(
        "expected calibration error", _of(by_width, corrected), f"{_PLAIN}, of equal width; {_LESS}", interval=_interval(by_width)
    ),
    "ece_mass": _error(
        "expected calibration error in bins of equal mass", _of(by_mass, corrected), f"{_PLAIN}, of about as many rows each; {_LESS}",
        interval=_interval(by_mass),
    ),
    "ece_plain": _error(
        "expected calibration error, uncorrected", _of(by_width, plain), f"{_PLAIN}, of equal width",
        interval=_interval(by_width), caution=_BIASED,
    ),
    "ece_mass_plain": _error(
        "expected calibration error in bins of equal mass, uncorrected", _of(by_mass, plain), f"{_PLAIN}, of about as many rows each",
        interval=_interval(by_mass), caution=_BIASED,
    ),
    "macro_ece": Metric(
        "macro expected calibration error", ("multiclass", "multilabel"), _of(by_width, corrected, each=True), _ROWS,
        f"ece of each class's scores against the others; mean over the classes; {_PLAIN}, of equal width; {_LESS}",
        "Kull et al. 2019; bias: Bröcker 2012", better="lower", needs="probabilities", centred=True,
    ),
    "max_calibration_error": Metric(
        "greatest calibration error", ("binary", "multiclass"), _of(by_mass, _greatest), _ROWS,
        f"max |d| over ten bins of about as many rows each, with d the mean score less the share of the class; {_LIKELIEST}", _SOURCE,
        better="lower", needs="probabilities", closed=_interval_of_greatest, method="normal", centred=True,
        caution="chance alone makes it great where there are few rows: it is the worst of ten",
    ),
    "calibration_in_the_large": Metric(
        "calibration in the large", ("binary", "multiclass"), Sums(_over, mean_of_sums), _ROWS,
        f"mean score less share of the class: above 0 the model says too much; {_LIKELIEST}", "Cox 1958",
        better="nearest", needs="probabilities", span=SIGNED,
    ),
}  # fmt: skip
