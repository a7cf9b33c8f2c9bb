"""One comparison of two samples: its picture, its size against its bound, and its facts in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import isfinite

from msgspec.structs import replace

from assay.reports import words
from assay.reports.overlays import is_to_scale
from assay.reports.page import Block, Cell, Grid, KeyValues, Overlay, RangeBar, Text
from assay.reports.sentences import estimate_text, quantity_text, sentence
from assay.reports.subjects import examples_of
from assay.verdict import Estimate, Evidence, Outcome, Shape

__all__ = [
    "amount_text", "missing_shares", "name_text", "overlay", "p_text", "question", "range_bar", "relative", "size_of", "size_text",
    "told", "unit_text",
]  # fmt: skip

CATEGORIES = 10
LABEL_CHARS = 40
LARGEST = 1e300  # beyond this a float cannot hold the scale that a number is drawn on
SMALLEST_P = 1e-300
_QUESTIONS = {
    "missing_drift": "missing values",
    "new_category_drift": "new categories",
    "pattern_drift": "patterns",
    "hour_drift": "hour of the day",
    "weekday_drift": "day of the week",
    "row_drift": "whole rows",
}
_CORRECTIONS = {
    "benjamini_hochberg": "Benjamini–Hochberg", "benjamini_yekutieli": "Benjamini–Yekutieli", "holm": "Holm",
    "bonferroni": "Bonferroni", "none": "",
}  # fmt: skip
# As the tables of comparisons and distances call them; those load numpy, which a page doesn't need.
_NAMES = {
    "ks": "Kolmogorov-Smirnov", "anderson_darling": "Anderson-Darling", "cramer_von_mises": "Cramér-von Mises",
    "mann_whitney": "Mann-Whitney", "smooth": "Neyman's smooth comparison",
    "omnibus": "Anderson-Darling or smooth", "welch": "Welch's t", "brown_forsythe": "Brown-Forsythe",
    "levene": "Levene", "psi": "population stability index", "chi_squared": "chi-squared", "g_test": "G-test",
    "fisher": "Fisher's exact comparison", "wasserstein": "Wasserstein distance", "wasserstein_std": "Wasserstein distance",
    "energy": "energy distance", "mean_shift": "shift of the mean", "log_mean_shift": "shift of the mean logarithm",
    "std_change": "change of the standard deviation", "kl": "Kullback-Leibler divergence",
    "jensen_shannon": "Jensen-Shannon distance", "hellinger": "Hellinger distance", "l_infinity": "greatest change of a share",
    "cramers_v": "Cramér's V", "share_change": "change of a share",
}  # fmt: skip
_SHORT = {"ks": "KS", "psi": "PSI", "kl": "KL", "jensen_shannon": "Jensen-Shannon", "hellinger": "Hellinger"}
_OTHERS = re.compile(r"other \(\d+\)")  # all categories that a shape has no place for
NONE = "none"
# What the place is called that says nothing beside the others, where a check compares shares of the whole.
_REST = {"missing_drift": "present", "new_category_drift": "seen", "range_drift": "inside"}
_HOURS = tuple(f"{hour:02}" for hour in range(24))
_SIDES = ("inside", "below", "above")
_WHOLE = re.compile(r"-?\d{1,18}")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def question(outcome: Outcome) -> str:
    """Return what was asked about a column, in words.

    >>> from assay.verdict import Verdict
    >>> question(Outcome("range_drift", "age", Verdict.PASS)), question(Outcome("missing_drift", "age", Verdict.PASS))
    ('range', 'missing values')
    """
    plain = words.clean(outcome.check).removesuffix("_drift").replace("_", " ")
    return _QUESTIONS.get(outcome.check, plain)


def size_of(outcome: Outcome) -> float | None:
    """Return the size of a difference as a number; None where it is undefined."""
    seen = outcome.observed
    if outcome.evidence is not None and outcome.evidence.distance == NONE:
        return None
    if seen is None or isinstance(seen.value, str | bool | None) or not abs(seen.value) < LARGEST:
        return None
    return float(seen.value)


def relative(outcome: Outcome) -> float | None:
    """Return the size of a difference as a multiple of the size that counts as drift; None where there is no such size."""
    size, told = size_of(outcome), outcome.evidence
    if size is None or told is None or not told.at_least or not 0 < told.at_least < LARGEST:
        return None
    return abs(size) / told.at_least


def size_text(outcome: Outcome) -> str:
    """Return the size of a difference without its unit."""
    seen = outcome.observed
    if outcome.evidence is not None and outcome.evidence.distance == NONE:
        return "–"  # what was observed is the p-value, which is no size
    if seen is None or seen.value is None:
        return "undefined"
    return quantity_text(seen.value, seen.unit)


def amount_text(amount: float | None, outcome: Outcome) -> str:
    """Return an amount that is measured as the difference is, without its unit."""
    if amount is None:
        return "–"
    return quantity_text(amount, outcome.observed.unit if outcome.observed is not None else "")


def unit_text(outcome: Outcome) -> str:
    """Return what a difference is measured in: its unit, or the name of the distance where it has none."""
    unit = words.clean(_plainly(outcome.observed).unit) if outcome.observed is not None else ""
    if unit.startswith("share"):
        return unit.removeprefix("share").strip() or "share"
    return unit or (_short(outcome.evidence.distance) if outcome.evidence is not None else "")


def p_text(p: float | None) -> str:
    """Return a p-value as it is written: three digits, or its power of ten; never 0.

    >>> [p_text(p) for p in (0.25, 0.0123, 3.2e-12, 0.0, None)]
    ['0.25', '0.0123', '3e-12', '<1e-300', '–']
    """
    if p is None:
        return "–"
    if p < SMALLEST_P:
        return "<1e-300"
    return f"{p:.0e}" if p < 1e-3 else f"{p:.3g}"


def told(outcome: Outcome, *, missing: tuple[float, float] | None = None, drawn: bool = True) -> tuple[Block, ...]:
    """Return all that one comparison has to show beside its sentence; its overlay only where it is to be `drawn`."""
    picture = overlay(outcome, missing=missing) if drawn else None
    bar, facts = range_bar(outcome), tuple(_facts(outcome, sentence(outcome)))
    words_of = ((bar,) if bar is not None else ()) + ((KeyValues(facts, inline=picture is None),) if facts else ())
    blocks: list[Block] = [Grid((picture, Grid(words_of)))] if picture is not None else list(words_of)
    blocks += [Text(words.clean(f"Why it is checked: {outcome.note}."), quiet=True)] if outcome.note else []
    blocks += [examples_of(outcome)] if outcome.examples else []
    return tuple(blocks)


def overlay(outcome: Outcome, *, missing: tuple[float, float] | None = None, most: int = CATEGORIES) -> Overlay | None:
    """Return the reference against the current data in one picture, of the `most` categories that changed most.

    None where there is nothing to draw.
    """
    shape = outcome.evidence.shape if outcome.evidence is not None else None
    if shape is None or not _fits(shape):
        return None
    title = f"{question(outcome).capitalize()} of {words.name(outcome.subject)}"
    shape = _in_order(shape)
    if not shape.labels:
        start, end = _ends(shape.edges)
        note = "" if is_to_scale(shape.edges, len(shape.reference)) else "Each place is drawn equally wide."
        return Overlay(
            title, shape.reference, shape.current, edges=shape.edges, start=start, end=end, missing=missing, note=note
        )
    # Of a column's rows with and without something, those with it say all.
    hidden = [_REST[outcome.check]] if outcome.check in _REST else []
    hidden += [shape.labels[-1]] if _OTHERS.fullmatch(shape.labels[-1]) else []
    kept = _most_changed(shape, most, hidden=hidden)
    if not kept:
        return None
    return Overlay(
        title,
        tuple(shape.reference[i] for i in kept),
        tuple(shape.current[i] for i in kept),
        labels=tuple(words.value(shape.labels[i], most=LABEL_CHARS) for i in kept),
        missing=missing,
        more=sum(label not in hidden for label in shape.labels) - len(kept),
        whole=outcome.check in _REST,
        note=_others(shape),
    )


def _others(shape: Shape) -> str:
    if not _OTHERS.fullmatch(shape.labels[-1]):
        return ""
    return f"{shape.labels[-1]}: {words.share(shape.reference[-1])} → {words.share(shape.current[-1])}"


def missing_shares(outcomes: Iterable[Outcome]) -> tuple[float, float] | None:
    """Return the shares of missing values that one of a column's outcomes compared; None where neither side has any."""
    for outcome in outcomes:
        shape = outcome.evidence.shape if outcome.evidence is not None else None
        if outcome.check == "missing_drift" and shape is not None and _fits(shape) and "missing" in shape.labels:
            at = shape.labels.index("missing")
            shares = shape.reference[at], shape.current[at]
            return shares if any(shares) else None
    return None


def _in_order(shape: Shape) -> Shape:
    """Return a shape whose places have an order in that order: hours as a scale; days, sides of a range, whole numbers."""
    if len(shape.labels) == len(_HOURS) and set(shape.labels) == set(_HOURS):
        ordered = _by(shape, _HOURS.index)
        return Shape(ordered.reference, ordered.current, edges=tuple(float(hour) for hour in range(len(_HOURS) + 1)))
    for names in (_DAYS, _SIDES):
        if shape.labels and set(shape.labels) <= set(names):
            return _by(shape, names.index)
    if shape.labels and all(_WHOLE.fullmatch(label) or _OTHERS.fullmatch(label) for label in shape.labels):
        return _by(shape, lambda label: float("inf") if _OTHERS.fullmatch(label) else int(label))
    return shape


def _by(shape: Shape, place: Callable[[str], float]) -> Shape:
    at = sorted(range(len(shape.labels)), key=lambda i: place(shape.labels[i]))
    sides = [tuple(side[i] for i in at) for side in (shape.reference, shape.current)]
    return Shape(sides[0], sides[1], labels=tuple(shape.labels[i] for i in at))


def _fits(shape: Shape) -> bool:
    """Return whether a shape can be drawn: findings are read from files that anybody may have written."""
    n = len(shape.reference)
    whole = n > 0 and len(shape.current) == n and (len(shape.labels) == n or not shape.labels)
    rises = not shape.edges or (
        len(shape.edges) == n + 1 and all(left <= right for left, right in pairwise(shape.edges))
    )
    return (
        whole
        and rises
        and all(0 <= share <= LARGEST for share in (*shape.reference, *shape.current))
        and any((*shape.reference, *shape.current))
    )


def _ends(edges: tuple[float, ...]) -> tuple[str, str]:
    if len(edges) < 2:
        return "", ""
    low = words.number(edges[0]) if isfinite(edges[0]) else f"below {words.number(edges[1])}"
    high = words.number(edges[-1]) if isfinite(edges[-1]) else f"above {words.number(edges[-2])}"
    return low, high


def _most_changed(shape: Shape, most: int, *, hidden: Sequence[str]) -> list[int]:
    """Return the places that changed most, in the order in which they stand, without the hidden ones."""
    changes = [abs(now - before) for before, now in zip(shape.reference, shape.current, strict=True)]
    seen = [i for i, label in enumerate(shape.labels) if label not in hidden]
    return sorted(sorted(seen, key=lambda i: -changes[i])[:most])


def range_bar(outcome: Outcome) -> RangeBar | None:
    """Return the size of a difference against the size that counts as drift; None where one of them is not known."""
    told, size, seen = outcome.evidence, size_of(outcome), outcome.observed
    if told is None or size is None or seen is None or relative(outcome) is None:
        return None
    known = seen.low is not None and seen.high is not None and max(abs(seen.low), abs(seen.high)) < LARGEST
    bound = amount_text(told.at_least, outcome)
    return RangeBar(
        title="", value=size, low=seen.low if known else None, high=seen.high if known else None, at_most=told.at_least,
        verdict=outcome.verdict, text=f"{estimate_text(_plainly(seen), beside=bound)}; drift begins at {bound}",
    )  # fmt: skip


def _plainly(seen: Estimate) -> Estimate:
    """Return an estimate whose unit says no more than its name, without the range that it lies in."""
    return replace(seen, unit=seen.unit.partition(",")[0])


def _facts(outcome: Outcome, said: str) -> Iterator[tuple[str, Cell]]:
    """Yield what neither the sentence nor the bar says."""
    seen = outcome.evidence
    if seen is None:
        return
    if range_bar(outcome) is None and outcome.observed is not None and outcome.observed.value is not None:
        yield from [] if seen.distance == NONE else [("size", estimate_text(_plainly(outcome.observed)))]
    asked = dict.fromkeys((seen.comparison, seen.distance))
    names = [name_text(name) for name in asked if name and name != NONE]
    if names and not all(name.lower() in said.lower() for name in names):
        yield "compared by", " and ".join(names)
    if seen.p_value is not None:
        yield "p", _p(seen)
    if not (words.stands(f"{seen.n:,}", said) and words.stands(f"{seen.n_reference:,}", said)):
        yield "values", f"{seen.n_reference:,} in the reference, {seen.n:,} now"
    if seen.detectable is not None and not words.stands(f"{seen.detectable:.2g}", said):
        yield "could show", f"a size of {amount_text(seen.detectable, outcome)} or more, 4 times in 5"
    if seen.usual is not None:
        windows = words.plural(seen.windows, "window")
        yield "usual", f"up to {amount_text(seen.usual, outcome)} in {windows} of the reference"
    if seen.importance is not None:
        yield "importance", f"{words.share(seen.importance)} of what the model goes by"


def _p(seen: Evidence) -> str:
    alpha = f"; drift at {words.number(seen.alpha)} or less" if seen.alpha is not None else ""
    correction = _CORRECTIONS.get(seen.correction, words.clean(seen.correction))
    if seen.adjusted is None or not correction or seen.among < 2:
        return f"{p_text(seen.p_value if seen.adjusted is None else seen.adjusted)}{alpha}"
    among = words.plural(seen.among, "comparison")
    return f"{p_text(seen.adjusted)}, corrected for {among} by {correction}; {p_text(seen.p_value)} alone{alpha}"


def name_text(name: str) -> str:
    """Return a comparison's or a distance's name as people say it.

    >>> name_text("ks"), name_text("total_variation")
    ('Kolmogorov-Smirnov', 'total variation')
    """
    return _NAMES.get(name) or words.clean(name).replace("_", " ")


def _short(name: str) -> str:
    return _SHORT.get(name) or name_text(name)
