"""A metric in every slice, and how much worse it is there than in the rest, from one pass over the rows a cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.evaluation.figures import estimate, joint
from assay.evaluation.metrics.forms import Places, forms_of, places_of
from assay.evaluation.metrics.measuring import drawn, measure, unsuited
from assay.evaluation.metrics.metric import Cells, Curves, Metric, Sums, Whole, ratio
from assay.evaluation.metrics.table import metric_of
from assay.evaluation.predictions import Predictions
from assay.evaluation.slicing.cuts import Cut
from assay.stats import intervals, tails
from assay.stats.intervals import Interval, normal_quantile
from assay.stats.resampling import Draws, Resamples, as_one
from assay.verdict import Estimate

__all__ = ["Ground", "Measured", "measured"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
_AT_ONCE = 2048  # sums a unit of which all resamples are held at once
_PLACES = 128  # of scores, for the spread of a metric
_WEIGHED = 2e8  # rows that are weighed anew, over all resamples, for a metric that has no sums
_ONE_SIDED = "neither way of this metric is better"


@dataclass(frozen=True, slots=True)
class Ground:
    """What slices are measured on. `against` says what each is set beside: the rest of the rows, or the whole."""

    rows: Predictions
    units: Resamples
    confidence: float = 0.95
    is_whole: bool = False

    @property
    def is_independent(self) -> bool:
        """Return whether each row stands for itself: none are weighted or drawn together."""
        return self.units.kind in ("rows", "groups") and self.rows.weights is None


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of one slice: its `value`, what it is `beside` (of the rest, or the whole), and the `deficit`, above 0 where worse.

    `p_value` is one-sided: how often a slice like the rest would be as much worse. None where the deficit is undefined.
    """

    value: Estimate
    beside: float | None
    deficit: Estimate
    p_value: float | None


Told = tuple[float | None, Estimate, float | None]  # beside, deficit, p-value


def measured(ground: Ground, cut: Cut, *, metric: Metric) -> list[Measured]:
    """Return a metric in each slice of a cut, in the cut's order.

    The value has the interval that `measure` gives it. The deficit is the gain (the metric turned so that more is better) of
    the rest less that of the slice. Where rows stand for themselves, a share of rows has Newcombe's interval and Fisher's
    exact p-value (mid-p), an area under the curve DeLong's two intervals joined (Zou & Donner 2008). Everything else has the
    bootstrap's (BCa), from resamples that slice and rest share, and the p-value of a normal law with their standard deviation.
    """
    bare = replace(ground, rows=replace(ground.rows, frame=pl.DataFrame()))
    parts = [np.flatnonzero(cut.codes == place) for place in range(len(cut.names))]
    values = [
        measure(metric, bare.rows.at(part), units=bare.units.of(part), confidence=ground.confidence) for part in parts
    ]
    told: Sequence[Told]
    if why := unsuited(metric, bare.rows):
        told = [_undefined(len(part), why) for part in parts]
    elif metric.better == "neither":
        told = [_undefined(len(part), _ONE_SIDED) for part in parts]
    else:
        told = _way(bare, metric)(_Job(bare, cut, metric, parts, values))
    return [
        Measured(value, *one) if value.value is not None else _without(value, one)
        for value, one in zip(values, told, strict=True)
    ]


def _without(value: Estimate, told: Told) -> Measured:
    return Measured(value, told[0], Estimate(None, n=value.n, why=value.why), None)


def _undefined(n: int, why: str, beside: float | None = None) -> Told:
    return beside, Estimate(None, n=n, why=why), None


@dataclass(frozen=True, slots=True)
class _Job:
    """What the ways share: the ground, the cut, the metric, and for each slice its rows and its value."""

    ground: Ground
    cut: Cut
    metric: Metric
    parts: list[Codes]
    values: list[Estimate]


Way = Callable[[_Job], Sequence[Told]]


def _way(ground: Ground, metric: Metric) -> Way:
    """Return the way to the deficits: by a formula where there is one, by sums where the metric has them, else part by part."""
    rows = ground.rows
    if ground.is_independent and not ground.is_whole:
        if isinstance(metric.of, Cells) and metric.of.share is not None and rows.task != "multilabel":
            return _by_counts
        if metric is metric_of("auc"):
            return _by_ranks
    if isinstance(metric.of, Curves):
        return _by_curves
    if isinstance(metric.of, Cells):
        return _by_sums
    # A ranking's sums are of whole queries, which a slice may cut; a sum that is undefined for one row is so for all.
    is_summed = isinstance(metric.of, Sums) and rows.task != "ranking" and not np.isnan(metric.of.rows(rows)).any()
    return _by_sums if is_summed else _by_parts


# Shares of rows -------------------------------------------------------------------------------------------------------


def _by_counts(job: _Job) -> Sequence[Told]:
    ground, cut, metric, parts = job.ground, job.cut, job.metric, job.parts
    assert isinstance(metric.of, Cells)
    assert metric.of.share is not None
    rows, k = ground.rows, len(ground.rows.classes)
    cells = np.asarray(rows.labels * k + rows.said, dtype=np.int64)
    places = np.where(cut.codes < 0, len(parts), cut.codes)
    counts = (
        np.bincount(places * k * k + cells, minlength=(len(parts) + 1) * k * k).reshape(-1, k, k).astype(np.float64)
    )
    part, whole = metric.of.share(counts[:-1])
    rest_part, rest_whole = metric.of.share(counts.sum(0) - counts[:-1])
    is_higher = metric.better == "higher"
    return [
        _of_shares(*(float(x) for x in four), confidence=ground.confidence, is_higher=is_higher)
        for four in zip(part, whole, rest_part, rest_whole, strict=True)
    ]


def _of_shares(
    part: float, whole: float, rest_part: float, rest_whole: float, *, confidence: float, is_higher: bool
) -> Told:
    n = int(whole)
    if not whole or not rest_whole:
        return _undefined(n, "there are no rows of this kind " + ("in the rest" if whole else "in the slice"))
    if not is_higher:  # the share of the other rows is the one that is better when higher
        part, rest_part = whole - part, rest_whole - rest_part
    here, rest = part / whole, rest_part / rest_whole
    ends = [intervals.share(*counts, confidence=confidence) for counts in ((rest_part, rest_whole), (part, whole))]
    low, high = intervals.difference(rest, ends[0], here, ends[1])
    bad, bad_rest = round(whole - part), round(rest_whole - rest_part)
    good = round(part + rest_part)
    at, above = (tails.hypergeometric(x, marked=bad + bad_rest, others=good, drawn=n) for x in (bad, bad + 1))
    deficit = Estimate(rest - here, n=n, low=low, high=high, confidence=confidence, method="newcombe")
    return (rest if is_higher else 1 - rest), deficit, min((at + above) / 2, 1.0)


# Areas under the curve ------------------------------------------------------------------------------------------------


def _by_ranks(job: _Job) -> Sequence[Told]:
    rows = job.ground.rows
    distinct, place = np.unique(rows.positive, return_inverse=True)
    codes = np.asarray(place + len(distinct) * (rows.labels == len(rows.classes) - 1), dtype=np.int64)
    total = np.bincount(codes, minlength=2 * len(distinct))
    told = []
    for part, here in zip(job.parts, job.values, strict=True):
        rest = (total - np.bincount(codes[part], minlength=2 * len(distinct))).reshape(2, -1)
        told.append(_of_areas(here, rest, job.ground.confidence))
    return told


def _of_areas(here: Estimate, rest: Codes, confidence: float) -> Told:
    if int(rest.sum(1).min()) < 2:
        return _undefined(here.n, "the rest has fewer than two rows of a class")
    area, error = _area(rest[0], rest[1])
    if not isinstance(here.value, float) or here.low is None or here.high is None:
        return _undefined(here.n, here.why, area)
    ends = _logit(area, error, confidence)
    low, high = intervals.difference(area, ends, here.value, Interval(here.low, here.high))
    deficit = Estimate(area - here.value, n=here.n, low=low, high=high, confidence=confidence, method="delong")
    side = area - here.value - low if area >= here.value else high - area + here.value
    z = normal_quantile((1 + confidence) / 2) * (area - here.value) / side if side > 0 else 0.0
    return area, deficit, _above(z)


def _area(outside: Codes, inside: Codes) -> tuple[float, float]:
    """Return an area under the curve and DeLong's standard error, from counts of the others and the class at rising scores."""
    m, n = int(outside.sum()), int(inside.sum())
    below = (np.cumsum(outside) - outside / 2) / m
    above = (n - np.cumsum(inside) + inside / 2) / n
    area = float(inside @ below) / n
    spread = float(inside @ (below - area) ** 2) / (n - 1) / n + float(outside @ (above - area) ** 2) / (m - 1) / m
    return area, math.sqrt(spread)


def _logit(area: float, error: float, confidence: float) -> Interval:
    z = normal_quantile((1 + confidence) / 2)
    if not 0 < area < 1:
        return Interval(area, area)
    odds, half = math.log(area / (1 - area)), z * error / (area * (1 - area))
    low, high = (1 / (1 + math.exp(min(-(odds + side * half), 700.0))) for side in (-1, 1))
    return Interval(low, high)


def _above(z: float) -> float:
    """Return P(Z ≥ z) of a standard normal Z."""
    return math.erfc(z / math.sqrt(2)) / 2


# Sums, and everything else --------------------------------------------------------------------------------------------


def _by_sums(job: _Job) -> Sequence[Told]:
    ground, cut, metric, parts = job.ground, job.cut, job.metric, job.parts
    per_row, shape, value = _columns(ground.rows, metric)
    d = math.prod(shape)
    total = _totals(ground, per_row, np.zeros(ground.rows.n, dtype=np.int64), 1, d)
    step = max(1, _AT_ONCE // d - 1)
    told: list[Told] = []
    for start in range(0, len(parts), step):
        here = list(range(start, min(start + step, len(parts))))
        inside = (cut.codes >= here[0]) & (cut.codes <= here[-1])
        sums = _totals(ground, per_row, np.where(inside, cut.codes - start, -1), len(here), d)
        both = np.concatenate([sums, total], axis=1)

        sides = _sides(shape, value, ground.is_whole)

        def deficits(flat: Floats, sides: Sides = sides) -> Floats:
            one, other = sides(flat)
            return np.asarray(metric.gain(other) - metric.gain(one))

        values, beside = (side[0].tolist() for side in sides(both.sum(0)[None, :]))
        if not all(_agree(job.values[at], value) for at, value in zip(here, values, strict=True)):
            return _by_parts(job)  # what a row adds depends on the other rows, as ranks do
        draws = joint(ground.units, both, deficits)
        told += [
            _of_draws(one, metric, ground, x, len(parts[at])) for one, x, at in zip(draws, beside, here, strict=True)
        ]
    return told


def _agree(seen: Estimate, value: float) -> bool:
    return not isinstance(seen.value, int | float) or math.isclose(seen.value, value, rel_tol=1e-6, abs_tol=1e-9)


Sides = Callable[[Floats], tuple[Floats, Floats]]


def _sides(shape: tuple[int, ...], value: Callable[[Floats], Floats], is_whole: bool) -> Sides:
    """Return what takes the sums of slices, and last of all rows, and returns the metric of each slice and of its other side."""

    def sides(flat: Floats) -> tuple[Floats, Floats]:
        sums = flat.reshape(*flat.shape[:-1], -1, math.prod(shape))
        one, whole = sums[..., :-1, :], sums[..., -1:, :]
        other = np.broadcast_to(whole, one.shape) if is_whole else whole - one
        return value(one.reshape(*one.shape[:-1], *shape)), value(other.reshape(*one.shape[:-1], *shape))

    return sides


Columns = tuple[Floats | Codes, tuple[int, ...], Callable[[Floats], Floats]]


def _columns(rows: Predictions, metric: Metric) -> Columns:
    """Return what is summed of each row (numbers, or the place of its cell), the shape of the sums, and the metric of them."""
    k = len(rows.classes)
    if isinstance(metric.of, Sums):
        numbers = np.asarray(metric.of.rows(rows), dtype=np.float64)
        return numbers, (numbers.shape[1],), metric.of.value
    assert isinstance(metric.of, Cells)
    value = metric.of.of_task(rows.task)
    if rows.task == "multilabel":
        places = np.arange(k) * 4 + rows.labels * 2 + rows.said
        return np.asarray(places, dtype=np.int64), (k, 2, 2), value
    return np.asarray(rows.labels * k + rows.said, dtype=np.int64)[:, None], (k, k), value


def _totals(ground: Ground, per_row: Floats | Codes, codes: Codes, places: int, d: int) -> Floats:
    """Return the sums of each unit at each place: size by places · d. Rows with a code of -1 are left out."""
    units, weights = ground.units, ground.rows.weights
    if per_row.dtype == np.int64:  # cells: one in each column
        counts = [units.per_place(np.where(codes < 0, -1, codes * d + cell), places * d, weights) for cell in per_row.T]
        return np.asarray(sum(counts), dtype=np.float64)
    columns = [units.per_place(codes, places, column if weights is None else column * weights) for column in per_row.T]
    return np.stack(columns, axis=-1).reshape(units.size, places * d)


def _by_curves(job: _Job) -> Sequence[Told]:
    """Return deficits of a metric of scores: its values from all scores, its spread from scores at a hundred places or so."""
    ground, metric = job.ground, job.metric
    assert isinstance(metric.of, Curves)
    units, rows = ground.units, ground.rows if metric.of.view is None else metric.of.view(ground.rows)
    exact, few = ([places_of(rows, c, most=most) for c in forms_of(rows)] for most in (0, _PLACES))
    total, all_exact = _counts(few, units, rows), _counts(exact, as_one(rows.n), rows)
    drawn_total, whole = units.times @ total, total.sum(0)
    told = []
    for part in job.parts:
        inside = rows.at(part)
        sums = _counts([_at(one, part) for one in few], units.of(part), inside)
        own = _counts([_at(one, part) for one in exact], as_one(len(part)), inside)
        drawn_part, left = units.times @ sums, sums.sum(0) - sums
        if ground.is_whole:
            others = all_exact, drawn_total, whole - total
        else:
            others = all_exact - own, drawn_total - drawn_part, (whole - total) - left
        one, other = (
            _moved(Draws(
                float(_of_places(metric.of, exact, at)[0]), _of_places(metric.of, few, replicates), _of_places(metric.of, few, left_out)
            ))
            for at, replicates, left_out in ((own, drawn_part, left), others)
        )  # fmt: skip
        told.append(_of_draws(_gain(metric, other).less(_gain(metric, one)), metric, ground, other.value, len(part)))
    return told


def _at(places: Places, part: Codes) -> Places:
    return Places(places.place[part], places.scores, places.inside[part])


def _counts(places: Sequence[Places], units: Resamples, rows: Predictions) -> Floats:
    """Return the counts of each unit at the places of every class, side by side."""
    return np.concatenate([one.sums(units, rows.weights).reshape(units.size, -1) for one in places], axis=1)


def _of_places(of: Curves, places: Sequence[Places], counts: Floats) -> Floats:
    """Return a metric of counts at the places of every class: its mean over the classes for which it is defined."""
    ends = np.cumsum([2 * len(one.scores) for one in places])
    forms = [
        one.form(part.reshape(*part.shape[:-1], 2, -1))
        for one, part in zip(places, np.split(counts, ends[:-1], axis=-1), strict=True)
    ]
    values = np.stack([np.asarray(of.value(form)) for form in forms], axis=-1)
    sizes = (
        np.stack([form.inside.sum(-1) for form in forms], axis=-1)
        if of.average == "weighted"
        else np.ones(values.shape)
    )
    return ratio(np.nansum(values * sizes, axis=-1), np.where(np.isnan(values), 0.0, sizes).sum(-1))


def _moved(draws: Draws) -> Draws:
    """Return draws of binned scores moved so that their centre is what the value of the exact scores asks for."""
    off = draws.value - float(np.nanmean(draws.left_out)) if not np.isnan(draws.left_out).all() else 0.0
    return Draws(draws.value, draws.replicates + off, draws.left_out + off)


def _by_parts(job: _Job) -> Sequence[Told]:
    ground, metric, parts = job.ground, job.metric, job.parts
    rows, units, n = ground.rows, ground.units, ground.rows.n
    if isinstance(metric.of, Whole) and metric.of.draws is None:
        most = max(100, int(_WEIGHED / max(n, 1)))
        units = Resamples(units.of_row, units.times[:most], units.kind)
    everything = drawn(metric, rows, units) if ground.is_whole else None
    told = []
    for part in parts:
        outside = np.ones(n, dtype=bool)
        outside[part] = False
        if everything is None and not outside.any():
            told.append(_undefined(len(part), "there is no rest: the slice is all rows"))
            continue
        here = rows.at(part)
        beside = rows if everything is not None else rows.at(outside)
        if why := unsuited(metric, here) or unsuited(metric, beside):
            told.append(_undefined(len(part), why))
            continue
        other = everything or drawn(metric, beside, units.of(outside))
        one = drawn(metric, here, units.of(part))
        gains = _gain(metric, other).less(_gain(metric, one))
        told.append(_of_draws(gains, metric, ground, other.value, len(part)))
    return told


def _gain(metric: Metric, draws: Draws) -> Draws:
    value, replicates, left = (np.asarray(metric.gain(np.asarray(x))) for x in draws)
    return Draws(float(value), replicates, left)


def _of_draws(draws: Draws, metric: Metric, ground: Ground, beside: float, n: int) -> Told:
    if math.isnan(draws.value):
        return _undefined(n, metric.undefined, None if math.isnan(beside) else beside)
    if metric.centred:
        draws = draws._replace(replicates=draws.replicates + draws.value - float(np.nanmean(draws.replicates)))
    deficit = estimate(draws, n=n, confidence=ground.confidence)
    if deficit.low is None:
        return beside, deficit, None
    spread = float(np.nanstd(draws.replicates))
    return beside, deficit, _above(draws.value / spread) if spread > 0 else None
