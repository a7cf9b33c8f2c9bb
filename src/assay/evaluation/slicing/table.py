"""Measured slices as rows of a table, as outcomes under bounds, and in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assay.evaluation.bounds import expected, shown
from assay.evaluation.slicing.measuring import Measured
from assay.evaluation.slicing.settings import SliceSettings
from assay.evaluation.trial import FAMILY
from assay.stats.corrections import adjusted
from assay.stats.intervals import normal_quantile
from assay.verdict import Estimate, Exhibit, Outcome, Verdict

__all__ = ["Row", "corrected", "explain", "judged", "table"]


@dataclass(frozen=True, slots=True)
class Row:
    """One metric in one slice: what was measured, how many rows it has, and its share of all rows and of all loss.

    `how` is "asked" or "found"; `units` is how many entities or blocks of time the rows come from, None where each row
    stands for itself; `adjusted` is the p-value corrected over all rows of the table.
    """

    slice: str
    metric: str
    n: int
    measured: Measured
    share_of_rows: float
    share_of_errors: float | None
    how: str = "asked"
    units: int | None = None
    adjusted: float | None = None
    verdict: Verdict = Verdict.SKIP


def corrected(rows: Sequence[Row]) -> list[Row]:
    """Return rows with their p-values adjusted over all of them (Holm)."""
    p_values = adjusted("holm", [row.measured.p_value for row in rows])
    return [replace(row, adjusted=p) for row, p in zip(rows, p_values, strict=True)]


def explain(row: Row, *, against: str = "rest", loss: str = "loss") -> str:
    """Return one sentence: what the metric is in the slice, how much worse than beside it, and what share of all loss it has."""
    value, deficit = row.measured.value, row.measured.deficit
    if value.value is None:
        return f"{row.metric} is undefined where {row.slice}: {value.why}"
    said = f"{row.metric} is {shown(value)} where {row.slice}"
    if isinstance(deficit.value, int | float):
        size = shown(_turned(deficit, abs(deficit.value)) if deficit.value < 0 else deficit)
        said += f": {size} {'worse' if deficit.value >= 0 else 'better'} than the {against}"
    elif deficit.why:
        said += f": how much worse than the {against} is undefined, as {deficit.why}"
    if row.share_of_errors is not None:
        said += f"; {row.share_of_rows:.1%} of rows hold {row.share_of_errors:.1%} of all {loss}"
    return said


def _turned(seen: Estimate, value: float) -> Estimate:
    """Return an estimate of the other sign, its ends turned with it."""
    low, high = (None if end is None else -end for end in (seen.high, seen.low))
    return Estimate(value, n=seen.n, low=low, high=high, confidence=seen.confidence)


# Bounds ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """A bound of one row: of its value, or (`of` is "deficit") of how much worse it is."""

    at: int
    seen: Estimate
    at_least: float | None
    at_most: float | None
    of: str = ""


def judged(
    rows: Sequence[Row], settings: SliceSettings, *, confidence: float, loss: str = "loss"
) -> tuple[list[Row], list[Outcome]]:
    """Return rows with the verdict of their bounds, and an outcome for each row, and for each bound of a deficit.

    PASS where the whole interval keeps the bound. FAIL where it is beyond the bound by more than chance explains, corrected
    over all bounds (Holm): at a single bound, where the whole interval is beyond it. INCONCLUSIVE otherwise, and where there
    are too few rows or units to judge by, with the number that would do. SKIP where nothing is asked.
    """
    asked = [one for i, row in enumerate(rows) for one in _asked(i, row, settings)]
    few = [_too_few(rows[one.at], settings.min_rows) for one in asked]
    p_values = [None if short else _beyond(one, confidence) for one, short in zip(asked, few, strict=True)]
    level = (1 - confidence) / 2
    verdicts: dict[int, list[Verdict]] = {}
    outcomes: list[Outcome] = []
    told = {one.at for one in asked if not one.of}
    for i, row in enumerate(rows):
        if i not in told:
            outcomes.append(
                _outcome(row, Verdict.SKIP, row.measured.value, explain(row, against=settings.against, loss=loss))
            )
    for one, short, p in zip(asked, few, adjusted("holm", p_values), strict=True):
        row = rows[one.at]
        verdict, why = _verdict(one, short, p is not None and p <= level)
        verdicts.setdefault(one.at, []).append(verdict)
        sentence = f"{explain(row, against=settings.against, loss=loss)}; {why}"
        asks = expected(one.at_least, one.at_most) if not one.of else f"worse by at most {one.at_most:.4g}"
        outcomes.append(_outcome(row, verdict, one.seen, sentence, asks=asks, of=one.of))
    return [replace(row, verdict=max(verdicts.get(i, [Verdict.SKIP]))) for i, row in enumerate(rows)], outcomes


def _asked(i: int, row: Row, settings: SliceSettings) -> list[_Asked]:
    low, high = settings.at_least.get(row.metric), settings.at_most.get(row.metric)
    found = [_Asked(i, row.measured.value, low, high)] if low is not None or high is not None else []
    worse = settings.worse_at_most.get(row.metric)
    return found + ([_Asked(i, row.measured.deficit, None, worse, "deficit")] if worse is not None else [])


LEAST_UNITS = 10  # entities, or blocks of time: the spread of fewer says little of their own kind


def _too_few(row: Row, min_rows: int) -> str:
    if row.n < min_rows:
        return f"it has {row.n} row{'' if row.n == 1 else 's'}, and at least {min_rows} are needed"
    if row.units is not None and row.units < LEAST_UNITS:
        return f"its rows come from {row.units} entities or blocks of time, and at least {LEAST_UNITS} are needed"
    return ""


def _beyond(one: _Asked, confidence: float) -> float | None:
    """Return a one-sided p-value of a bound being kept: as the interval has it, its half on that side taken for a normal law's."""
    seen, z = one.seen, normal_quantile((1 + confidence) / 2)
    if not isinstance(seen.value, int | float) or (seen.low is None and seen.high is None):
        return None
    found = [1.0]
    for bound, end, sign in ((one.at_least, seen.high, 1), (one.at_most, seen.low, -1)):
        away = 0.0 if bound is None else sign * (bound - seen.value)
        if away > 0 and end is not None:
            half = abs(end - seen.value)
            found.append(math.erfc(z * away / half / math.sqrt(2)) / 2 if half > 0 else 0.0)
    return min(found)


def _verdict(one: _Asked, short: str, is_beyond: bool) -> tuple[Verdict, str]:
    seen = one.seen
    if short:
        return Verdict.INCONCLUSIVE, short
    if not isinstance(seen.value, int | float):
        return Verdict.INCONCLUSIVE, f"it is undefined: {seen.why}"
    if is_beyond:
        return Verdict.FAIL, f"all of {shown(seen)} is beyond the bound, corrected over all bounds of slices"
    found = [] if one.at_least is None else [seen.above(one.at_least)]
    found += [] if one.at_most is None else [seen.below(one.at_most)]
    if found and all(verdict is Verdict.PASS for verdict in found):
        return Verdict.PASS, f"all of {shown(seen)} keeps the bound"
    if Verdict.FAIL in found:
        return Verdict.INCONCLUSIVE, "it is beyond the bound, but not by more than one of so many slices is by chance"
    return Verdict.INCONCLUSIVE, f"the rows cannot tell{_needed(one)}"


def _needed(one: _Asked) -> str:
    """Return how many rows would do, if the value stayed where it is: the half of an interval falls with √n."""
    seen = one.seen
    if not isinstance(seen.value, int | float) or seen.low is None or seen.high is None:
        return f": {seen.why}" if seen.why else ""
    bounds = [bound for bound in (one.at_least, one.at_most) if bound is not None]
    away = min(abs(seen.value - bound) for bound in bounds)
    half = max(seen.high - seen.value, seen.value - seen.low)
    if away <= 0 or half / away > 1000:
        return ", as it lies at the bound"
    return f"; about {max(math.ceil(seen.n * (half / away) ** 2), seen.n + 1):,} rows of the slice would"


def _outcome(row: Row, verdict: Verdict, seen: Estimate, why: str, *, asks: str = "", of: str = "") -> Outcome:
    subject = f"{row.metric}{f' {of}' if of else ''} where {row.slice}"
    return Outcome(
        "slice", subject, verdict, expected=asks, observed=seen, why=why, n_rows=row.n, family=FAMILY, id=f"slice.{subject}"
    )  # fmt: skip


# Tables ---------------------------------------------------------------------------------------------------------------


def table(rows: Sequence[Row], *, name: str, title: str, note: str) -> Exhibit:
    """Return rows as the exhibit of slices."""
    values = [row.measured.value for row in rows]
    deficits = [row.measured.deficit for row in rows]
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "slice": tuple(row.slice for row in rows),
        "metric": tuple(row.metric for row in rows),
        "value": tuple(value.value for value in values),
        "low": tuple(value.low for value in values),
        "high": tuple(value.high for value in values),
        "n": tuple(row.n for row in rows),
        "share_of_rows": tuple(row.share_of_rows for row in rows),
        "rest": tuple(row.measured.beside for row in rows),
        "deficit": tuple(deficit.value for deficit in deficits),
        "deficit_low": tuple(deficit.low for deficit in deficits),
        "deficit_high": tuple(deficit.high for deficit in deficits),
        "p_value": tuple(row.measured.p_value for row in rows),
        "adjusted": tuple(row.adjusted for row in rows),
        "share_of_errors": tuple(row.share_of_errors for row in rows),
        "how": tuple(row.how for row in rows),
        "verdict": tuple(row.verdict.value for row in rows),
    }
    return Exhibit(name, title, columns, note=note)
