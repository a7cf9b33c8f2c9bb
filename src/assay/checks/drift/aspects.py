"""Aspects: in what two columns are compared, each as a pair of samples made from two profiles.

Adding an aspect is one entry of the table: which columns have it, what it needs measured, how its pair is made, and by
what it is judged where nobody says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.checks.check import NotCompared
from assay.checks.drift.arguments import Drift
from assay.data.kinds import Kind
from assay.profiles.profile import ColumnProfile, edges_of
from assay.profiles.sketches import Frequent, Histogram
from assay.profiles.states import Moments
from assay.stats.binning import OTHER, pooled
from assay.stats.intervals import Sample
from assay.stats.pair import Pair, of_categories, of_histograms

__all__ = ["ASPECTS", "FEW", "Aspect", "Defaults", "Sides", "is_categories", "is_identifier", "is_listed"]

FEW = 20  # a column of at most so many different whole numbers is compared as categories
OFTEN = 10  # times that a value occurs in the reference before it is told apart from all others there
OUTER = 0.005  # of the reference's values lie in either of its ends
TOP = 50  # categories that are told apart where there are more than a profile lists
NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
SCALE = NUMBERS | {Kind.TIME, Kind.DURATION}
TEXTS = frozenset({Kind.TEXT, Kind.CATEGORY})
INSTANTS = frozenset({Kind.DATE, Kind.DATETIME})


@dataclass(frozen=True, slots=True)
class Sides:
    """The two samples of an aspect, or why there are none; with exact moments where they are at hand."""

    pair: Pair | None
    why: str = ""
    moments: tuple[Sample, Sample] | None = None
    logs: tuple[Sample, Sample] | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """By what an aspect is judged where nobody says otherwise; `rises` where only more of it is drift.

    `detectable_at_most` is None where only a few texts of each batch are looked at, however many rows there are.
    """

    comparison: str
    distance: str
    at_least: float
    detectable_at_most: float | None
    rises: bool = False


@dataclass(frozen=True, slots=True)
class Aspect:
    """One entry of the table of aspects.

    `kinds` are the kinds of column that have it (None: any, and `refuse` says of which not). `refuse` says why a column
    of the reference is not compared in this, or nothing; `needs` names the states (with their parameters) that its pair
    is made of, and `sides` makes it. `defaults` depends on how the column is treated.
    """

    name: str
    summary: str
    kinds: frozenset[Kind] | None
    refuse: Callable[[ColumnProfile, Drift], str]
    needs: Callable[[ColumnProfile, Drift], tuple[tuple[str, Any], ...]]
    sides: Callable[[ColumnProfile, ColumnProfile, Drift], Sides]
    defaults: Callable[[ColumnProfile, Drift], Defaults]


def is_listed(column: ColumnProfile) -> bool:
    """Return whether a profile lists all values of a column, and each often enough that they are categories."""
    words = column.frequent
    if column.kind is Kind.BOOLEAN:
        return True
    return words is not None and words.exact and 2 * len(words.counts) <= max(words.n, 4)


def is_categories(column: ColumnProfile, told: Drift) -> bool:
    """Return whether a column of the reference is compared as categories: as told, or texts, truths, few whole numbers."""
    if told.treat:
        return told.treat == "categories"
    if column.kind in TEXTS or column.kind is Kind.BOOLEAN:
        return True
    words = column.frequent
    return column.kind is Kind.INTEGER and words is not None and words.exact and 0 < len(words.counts) <= FEW


def is_identifier(column: ColumnProfile) -> bool:
    """Return whether whole numbers count up: (nearly) all differ, and they are dense or stand in strict order."""
    if column.kind is not Kind.INTEGER or column.distinct is None or column.counts.present < 100:
        return False
    if column.distinct.count < 0.98 * column.counts.present:
        return False
    ends = column.extremes
    if ends is not None and ends.low is not None and ends.high - ends.low < 4 * column.counts.present:
        return True
    whole = column.order.segments[0] if column.order is not None and len(column.order.segments) == 1 else None
    return whole is not None and not whole.ties and not (whole.falls and whole.rises)


def _no_reason(reference: ColumnProfile, told: Drift) -> str:
    return ""


def _refuse_distribution(reference: ColumnProfile, told: Drift) -> str:
    if not reference.counts.present:
        return "the reference has no value"
    if reference.kind not in SCALE | TEXTS | INSTANTS | {Kind.BOOLEAN}:
        return f"{reference.kind.value} values have no scale and are no categories; --rows compares whole rows"
    if told.treat == "scale" and reference.kind in TEXTS | {Kind.BOOLEAN}:
        return f"{reference.kind.value} values have no scale"
    if reference.kind not in INSTANTS and not is_categories(reference, told) and not _has_edges(reference):
        return "the reference has no finite value"
    if told.treat == "scale":
        return ""
    if reference.kind in INSTANTS:
        return "instants move on by their nature; their hours and weekdays are compared"
    if is_identifier(reference):
        return "nearly all values differ and count up, as an identifier's do"
    if is_categories(reference, told) and not is_listed(reference):
        return "it has more different values than categories have; lengths, shapes and words are compared"
    return ""


def _has_edges(column: ColumnProfile) -> bool:
    return bool(column.histogram is not None and len(column.histogram.edges)) or bool(edges_of(column))


def _distribution_needs(reference: ColumnProfile, told: Drift) -> tuple[tuple[str, Any], ...]:
    if is_categories(reference, told):
        return (("trues", None),) if reference.kind is Kind.BOOLEAN else (("frequent", None),)
    logs = (("moments", "log"),) if told.distance == "log_mean_shift" else ()
    return (("histogram", edges_of(reference)), ("extremes", None), ("moments", None), *logs)


def _distribution(reference: ColumnProfile, current: ColumnProfile, told: Drift) -> Sides:
    if is_categories(reference, told):
        return _listed(_categories(reference), _categories(current))
    return _scale(reference, current)


def _categories(column: ColumnProfile) -> Frequent | None:
    if column.kind is not Kind.BOOLEAN:
        return column.frequent
    trues = column.trues
    if trues is None:
        return None
    return Frequent.of(
        {value: count for value, count in ((False, trues.n - trues.trues), (True, trues.trues)) if count}
    )


def _listed(reference: Frequent | None, current: Frequent | None) -> Sides:
    """Return categories side by side; where not all are listed, the reference's most frequent ones and all others."""
    if reference is None or current is None or not reference.n or not current.n:
        return Sides(None, _none_of(reference.n if reference else 0))
    if reference.exact and current.exact:
        return Sides(pooled(of_categories(reference.counts, current.counts)))
    return _most_frequent(reference, current)


def _most_frequent(reference: Frequent, current: Frequent) -> Sides:
    kept = [value for value, count in reference.top(TOP) if count >= max(OFTEN, reference.n / 500)]
    return Sides(pooled(of_categories(_rest(reference, kept), _rest(current, kept))))


def _rest(words: Frequent, kept: list[Any]) -> Mapping[Any, int]:
    found = {value: words.counts.get(value, 0) for value in kept}
    return found | {OTHER: words.n - sum(found.values())}


def _none_of(n_reference: int) -> str:
    return "the current data has no value" if n_reference else "the reference has no value"


def _scale(reference: ColumnProfile, current: ColumnProfile) -> Sides:
    a, b = reference.histogram, current.histogram
    if a is None or b is None or not a.n or not b.n:
        return Sides(None, _none_of(a.n if a is not None else 0))
    return Sides(
        of_histograms(a, b, ends=_ends(reference, current)), moments=_samples(reference.moments, current.moments),
        logs=_samples(reference.log_moments, current.log_moments),
    )  # fmt: skip


def _ends(*columns: ColumnProfile) -> tuple[float, float]:
    """Return the least and the greatest value of all numbers; infinite where that is not known as a number."""
    seen = [column.extremes for column in columns if column.kind in NUMBERS and column.extremes is not None]
    known = [ends for ends in seen if ends.low is not None]
    if len(known) < len(columns):
        return -math.inf, math.inf
    return min(float(ends.low) for ends in known), max(float(ends.high) for ends in known)


def _samples(a: Moments | None, b: Moments | None) -> tuple[Sample, Sample] | None:
    if a is None or b is None or a.n < 2 or b.n < 2 or a.std is None or b.std is None:
        return None
    return (Sample(a.n, a.mean, a.std, a.kurtosis or 0.0), Sample(b.n, b.mean, b.std, b.kurtosis or 0.0))


def _distribution_defaults(reference: ColumnProfile, told: Drift) -> Defaults:
    if is_categories(reference, told):
        return Defaults("chi_squared", "total_variation", 0.03, 0.2)
    return Defaults("omnibus", "ks", 0.03, 0.2)


def _missing(reference: ColumnProfile, current: ColumnProfile, told: Drift) -> Sides:
    a, b = reference.counts, current.counts
    if not a.n or not b.n:
        return Sides(None, "there is no row" if not b.n else "the reference has no row")
    return _two(("present", a.present, b.present), ("missing", a.missing, b.missing))


def _two(first: tuple[str, int, int], second: tuple[str, int, int]) -> Sides:
    reference, current = ({first[0]: a, second[0]: b} for a, b in zip(first[1:], second[1:], strict=True))
    return Sides(of_categories(reference, current))


def _refuse_unlisted(reference: ColumnProfile, told: Drift) -> str:
    if not reference.counts.present:
        return "the reference has no value"
    return "" if is_listed(reference) else "the reference's values are too many to be categories"


def _new_categories(reference: ColumnProfile, current: ColumnProfile, told: Drift) -> Sides:
    """Return how many rows hold a value that the other rows don't: of the reference, those whose value is there once."""
    a, b = reference.frequent, current.frequent
    if a is None or b is None or not b.n:
        return Sides(None, _none_of(a.n if a is not None else 0))
    known = sum(count for value, count in b.counts.items() if value in a.counts)
    alone = sum(count == 1 for count in a.counts.values())
    return _two(("seen", a.n - alone, known), ("new", alone, b.n - known))


def _range(reference: ColumnProfile, current: ColumnProfile, told: Drift) -> Sides:
    """Return how many values lie in the middle of the reference, in its outer half percents, and beyond its ends."""
    a, b = reference.histogram, current.histogram
    if a is None or b is None or not b.n:
        return Sides(None, _none_of(a.n if a is not None else 0))
    outer = a.n * OUTER
    low = int(np.searchsorted(a.below + np.cumsum(a.counts), outer, side="right"))
    high = int(np.searchsorted(a.above + np.cumsum(a.counts[::-1]), outer, side="right"))
    stop = max(len(a.counts) - high, low)
    return Sides(of_categories(*(_ends_of(side, low, stop) for side in (a, b))))


def _ends_of(side: Histogram, low: int, stop: int) -> dict[str, int]:
    counts = side.counts
    return {
        "middle": int(counts[low:stop].sum()), "low end": int(counts[:low].sum()), "high end": int(counts[stop:].sum()),
        "below": side.below, "above": side.above,
    }  # fmt: skip


def _refuse_range(reference: ColumnProfile, told: Drift) -> str:
    if not reference.counts.present:
        return "the reference has no value"
    if not _has_edges(reference):
        return "the reference has no finite value"
    return "nearly all values differ and count up, as an identifier's do" if is_identifier(reference) else ""


def _lengths(reference: ColumnProfile, current: ColumnProfile, told: Drift) -> Sides:
    a, b = reference.sizes, current.sizes
    if a is None or b is None or not a.n or not b.n:
        return Sides(None, _none_of(a.n if a is not None else 0))
    return Sides(of_histograms(a, b))


def _patterns(reference: ColumnProfile, current: ColumnProfile, told: Drift) -> Sides:
    return _listed(reference.patterns, current.patterns)


def _vocabulary(reference: ColumnProfile, current: ColumnProfile, told: Drift) -> Sides:
    a, b = reference.tokens, current.tokens
    if a is None or b is None or not a.n or not b.n:
        return Sides(None, _none_of(a.n if a else 0))
    return _most_frequent(a, b)  # every text may bring words of its own: those that are common are compared


def _hours(reference: ColumnProfile, current: ColumnProfile, told: Drift) -> Sides:
    return _calendar(reference, current, "hours", spans=86_400, name="a day")


def _weekdays(reference: ColumnProfile, current: ColumnProfile, told: Drift) -> Sides:
    return _calendar(reference, current, "weekdays", spans=7 * 86_400, name="a week")


DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _calendar(reference: ColumnProfile, current: ColumnProfile, part: str, *, spans: int, name: str) -> Sides:
    a, b = reference.calendar, current.calendar
    counts = [tuple(getattr(side, part)) if side is not None else () for side in (a, b)]
    if not sum(counts[0]) or not sum(counts[1]):
        return Sides(None, _none_of(sum(counts[0])))
    for side, words in ((reference, "the reference"), (current, "the current data")):
        if _seconds(side) < spans * 0.95:
            raise NotCompared(f"{words} spans less than {name}, so that its {part} are those of when it was taken")
    labels = DAYS if part == "weekdays" else tuple(f"{hour:02}" for hour in range(24))
    return Sides(of_categories(*(dict(zip(labels, side, strict=True)) for side in counts)))


def _seconds(column: ColumnProfile) -> float:
    ends = column.extremes
    if ends is None or ends.low is None:
        return 0.0
    days = 1 if column.kind is Kind.DATE else 0
    try:
        return float((ends.high - ends.low).total_seconds()) + days * 86_400
    except (AttributeError, TypeError, OverflowError):  # instants that Python has no type for are far apart
        return math.inf


def _fixed(*values: Any, **more: Any) -> Callable[[ColumnProfile, Drift], Defaults]:
    return lambda reference, told: Defaults(*values, **more)


def _needing(*states: str) -> Callable[[ColumnProfile, Drift], tuple[tuple[str, Any], ...]]:
    return lambda reference, told: tuple((state, None) for state in states)


def _refuse_empty(reference: ColumnProfile, told: Drift) -> str:
    return "" if reference.counts.present else "the reference has no value"


ASPECTS: dict[str, Aspect] = {
    aspect.name: aspect
    for aspect in (
        Aspect("distribution_drift", "Values are distributed as in the reference.", None,
               _refuse_distribution, _distribution_needs, _distribution, _distribution_defaults),
        Aspect("missing_drift", "As many values are missing as in the reference.", None,
               _no_reason, _needing("counts"), _missing, _fixed("fisher", "share_change", 0.01, 0.1)),
        Aspect("new_category_drift", "No more values are new than the reference lets expect.", TEXTS,
               _refuse_unlisted, _needing("frequent"), _new_categories, _fixed("fisher", "share_change", 0.005, 0.1, rises=True)),
        Aspect("range_drift", "No more values lie at the ends of the reference's range, or beyond, than chance puts there.", SCALE,
               _refuse_range, lambda r, t: (("histogram", edges_of(r)),), _range, _fixed("fisher", "share_change", 0.005, 0.1, rises=True)),
        Aspect("length_drift", "Texts are as long as the reference's.", TEXTS,
               _refuse_empty, _needing("sizes"), _lengths, _fixed("omnibus", "ks", 0.05, 0.2)),
        Aspect("pattern_drift", "Texts have the shapes of the reference's.", TEXTS,
               _refuse_empty, _needing("patterns"), _patterns, _fixed("chi_squared", "total_variation", 0.05, None)),
        Aspect("vocabulary_drift", "Texts use the words of the reference's.", TEXTS,
               _refuse_empty, _needing("tokens"), _vocabulary, _fixed("chi_squared", "total_variation", 0.1, None)),
        Aspect("hour_drift", "Instants fall on the hours of the day as the reference's do.", frozenset({Kind.DATETIME}),
               _refuse_empty, _needing("calendar", "extremes"), _hours, _fixed("chi_squared", "total_variation", 0.1, 0.2)),
        Aspect("weekday_drift", "Instants fall on the days of the week as the reference's do.", INSTANTS,
               _refuse_empty, _needing("calendar", "extremes"), _weekdays, _fixed("chi_squared", "total_variation", 0.1, 0.2)),
    )
}  # fmt: skip
