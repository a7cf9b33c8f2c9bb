"""Changes: how far one number of a column has moved from that of the reference, and how sure that is.

Adding a change is one function here and one entry in `assay.checks.against`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import polars as pl

from assay.checks.bounds import shown
from assay.checks.check import Arguments
from assay.checks.readings import enclosing
from assay.checks.shares import percent
from assay.codec import format_duration
from assay.profiles.physical import number_of, unit_of, value_of
from assay.profiles.profile import ColumnProfile
from assay.profiles.sketches import Quantiles
from assay.profiles.states import Extremes, Moments
from assay.stats import intervals
from assay.stats.intervals import Interval, Sample

__all__ = [
    "Asked", "Change", "Moved", "category_share", "distinct_ratio", "log_mean_shift", "mean_shift", "missing_share",
    "new_pattern_share", "quantile_shift", "std_ratio",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moved:
    """A change: its number (None with the reason), its interval, of how many values here and in the reference, and a remark."""

    number: float | None
    n: int
    n_reference: int
    interval: Interval | None = None
    why: str = ""


States: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a change is asked for: the check's arguments, the column's type, and the confidence of the interval."""

    told: Arguments
    dtype: pl.DataType
    confidence: float


Change: TypeAlias = Callable[[ColumnProfile, States, Asked], Moved]


def _sample(moments: Moments) -> Sample:
    return Sample(moments.n, moments.mean, moments.std or 0.0, moments.kurtosis or 0.0)


def _shift(reference: Moments | None, current: Moments, asked: Asked, dtype: pl.DataType) -> Moved:
    """Return (mean - mean of the reference) / standard deviation of the reference, with Welch's interval."""
    n = 0 if reference is None else reference.n
    if reference is None or not reference.std or current.std is None:
        if reference is not None and reference.m2 == 0 and n > 1:
            return Moved(
                None,
                current.n,
                n,
                why=f"the reference does not vary (all its values are {_words(reference.mean, dtype)})",
            )
        return Moved(None, current.n, n, why="there are too few values")
    now, then = _sample(current), _sample(reference)
    low, high = intervals.mean_difference(now, then, confidence=asked.confidence)
    moved = (current.mean - reference.mean) + (current.mean_rest - reference.mean_rest)
    why = f"the mean went from {_words(reference.mean, dtype)} to {_words(current.mean, dtype)}"
    return Moved(moved / then.std, current.n, n, Interval(low / then.std, high / then.std), why)


def _words(number: float, dtype: pl.DataType, *, spread: bool = False) -> str:
    if not dtype.is_temporal() or not math.isfinite(number):
        return f"{number:.6g}"
    if spread or isinstance(dtype, pl.Duration):
        return format_duration(timedelta(seconds=round(float(number * unit_of(dtype)) / 1e6)))
    return shown(value_of(Fraction(number), dtype)).partition(".")[0]


def mean_shift(reference: ColumnProfile, states: States, asked: Asked) -> Moved:
    """Return how many of the reference's standard deviations the mean has moved."""
    if getattr(asked.told, "scale", "linear") == "log":
        return log_mean_shift(reference, states, asked)
    return _shift(reference.moments, states["moments"], asked, asked.dtype)


def log_mean_shift(reference: ColumnProfile, states: States, asked: Asked) -> Moved:
    """Return the same of the natural logarithms of the positive values."""
    return _shift(reference.log_moments, states["moments log"], asked, pl.Float64())


def std_ratio(reference: ColumnProfile, states: States, asked: Asked) -> Moved:
    """Return the standard deviation divided by the reference's, with Bonett's intervals of both."""
    current, then = states["moments"], reference.moments or Moments()
    if not then.std or current.std is None:
        constant = then.n > 1 and then.m2 == 0
        return Moved(
            None, current.n, then.n, why="the reference does not vary" if constant else "there are too few values"
        )
    why = (
        f"it went from {_words(then.std, asked.dtype, spread=True)} to {_words(current.std, asked.dtype, spread=True)}"
    )
    if current.std == 0:  # nothing is left of the spread: no interval of its logarithm, and no doubt either
        return Moved(0.0, current.n, then.n, Interval(0.0, 0.0), why)
    interval = intervals.ratio(_sample(current), _sample(then), confidence=asked.confidence)
    return Moved(current.std / then.std, current.n, then.n, interval, why)


def quantile_shift(reference: ColumnProfile, states: States, asked: Asked) -> Moved:
    """Return how many of the reference's interquartile ranges the q-quantile has moved."""
    q, now, then = (
        float(getattr(asked.told, "q", Decimal("0.5"))),
        states["quantiles"],
        reference.quantiles or Quantiles(),
    )
    quartiles = then.many([0.25, 0.75])
    if quartiles is None or now.n == 0:
        return Moved(None, now.n, then.n, why="there are too few values")
    width = float(quartiles[1] - quartiles[0])
    if not 0 < width < math.inf:
        why = f"the middle half of the reference is one value ({_words(float(quartiles[0]), asked.dtype)})"
        return Moved(None, now.n, then.n, why=why if width == 0 else "the reference's middle half is not finite")
    a, of_a = _quantile(now, q, states["extremes"], asked)
    b, of_b = _quantile(then, q, reference.extremes, asked)
    low, high = intervals.difference(a, of_a, b, of_b)
    why = f"the {q:g}-quantile went from {_words(b, asked.dtype)} to {_words(a, asked.dtype)}"
    return Moved((a - b) / width, now.n, then.n, Interval(low / width, high / width), why)


def _quantile(sketch: Quantiles, q: float, ends: Extremes | None, asked: Asked) -> tuple[float, Interval]:
    values = sketch.many([q])
    assert values is not None
    least, greatest = (-math.inf, math.inf)
    if ends is not None and ends.low is not None:
        least, greatest = (float(number_of(end, asked.dtype)) for end in (ends.low, ends.high))
    shares = intervals.quantile_shares(q, sketch.n, confidence=asked.confidence)
    return float(values[0]), enclosing(sketch, shares, least, greatest)


def missing_share(reference: ColumnProfile, states: States, asked: Asked) -> Moved:
    """Return the share of missing values minus the reference's, with Newcombe's interval."""
    now, then = states["counts"], reference.counts
    if now.n == 0 or then.n == 0:
        return Moved(None, now.n, then.n, why="there is no row")
    interval = _share_difference(now.missing, now.n, then.missing, then.n, asked.confidence)
    why = f"the missing share went from {percent(then.missing, then.n)} to {percent(now.missing, now.n)}"
    return Moved(now.missing / now.n - then.missing / then.n, now.n, then.n, interval, why)


def _share_difference(a: float, n: int, b: float, m: int, confidence: float) -> Interval:
    of_a, of_b = intervals.share(a, n, confidence=confidence), intervals.share(b, m, confidence=confidence)
    return intervals.difference(a / n, of_a, b / m, of_b)


def distinct_ratio(reference: ColumnProfile, states: States, asked: Asked) -> Moved:
    """Return how many different values there are, divided by the reference's."""
    now, then = states["distinct"], reference.distinct
    n, m = states["counts"].present, reference.counts.present
    if then is None or not then.count or not n:
        return Moved(None, n, m, why="there are too few values")
    ratio = now.count / then.count
    error = intervals.normal_quantile((1 + asked.confidence) / 2) * math.hypot(now.relative_error, then.relative_error)
    interval = Interval(ratio * math.exp(-error), ratio * math.exp(error)) if error else None
    return Moved(
        ratio, n, m, interval, f"{now.count:,} different values of {n:,}, {then.count:,} of {m:,} in the reference"
    )


def category_share(reference: ColumnProfile, states: States, asked: Asked) -> Moved:
    """Return the change of that category's share which changed most (L∞), with its interval among all categories'."""
    now, then = states["frequent"], reference.frequent
    if then is None or not then.n or not now.n:
        return Moved(None, now.n, 0 if then is None else then.n, why="there are too few values")
    values = dict.fromkeys((*now.counts, *then.counts))
    moved = {value: now.counts.get(value, 0) / now.n - then.counts.get(value, 0) / then.n for value in values}
    most = max(moved, key=lambda value: (abs(moved[value]), str(value)))
    each = 1 - (1 - asked.confidence) / len(values)  # one of many was chosen as the largest: Bonferroni
    low, high = _share_difference(now.counts.get(most, 0), now.n, then.counts.get(most, 0), then.n, each)
    interval = Interval(low - then.error / then.n, high + now.error / now.n)
    before, after = percent(then.counts.get(most, 0), then.n), percent(now.counts.get(most, 0), now.n)
    return Moved(moved[most], now.n, then.n, interval, f"the share of {shown(most)} went from {before} to {after}")


def new_pattern_share(reference: ColumnProfile, states: States, asked: Asked) -> Moved:
    """Return the share of sampled texts whose shape the reference's sample does not show."""
    now, then = states["patterns"], reference.patterns
    if then is None or not then.n or not now.n:
        return Moved(None, now.n, 0 if then is None else then.n, why="there is no text")
    if not then.exact:
        return Moved(None, now.n, then.n, why=f"the reference has more than {len(then.counts)} shapes of text")
    fresh = {shape: count for shape, count in now.counts.items() if shape not in then.counts}
    # Shapes too many to list are new: the reference lists all of its own.
    new = sum(fresh.values()) + now.n - sum(now.counts.values())
    first = max(fresh, key=lambda shape: (fresh[shape], shape), default="")
    why = f"the most frequent new shape is {first!r}" if fresh else "every sampled text has a shape of the reference"
    return Moved(new / now.n, now.n, then.n, intervals.share(new, now.n, confidence=asked.confidence), why)
