"""Gaps, flips and proxies judged by their bounds: by the whole interval, and together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from assay.evaluation.bounds import expected, kept, shown
from assay.evaluation.fairness.flips import Flip
from assay.evaluation.fairness.gaps import KINDS, Gap, Kind
from assay.evaluation.fairness.proxies import Proxy
from assay.evaluation.fairness.readings import Reading
from assay.evaluation.fairness.settings import FairnessSettings, GapBound
from assay.evaluation.trial import FAMILY
from assay.stats.corrections import adjusted
from assay.verdict import Estimate, Outcome, Verdict

__all__ = ["Judgement", "judged", "of_flip", "of_proxy"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is concluded of one gap of a reading."""

    reading: Reading
    kind: Kind
    outcome: Outcome


def judged(readings: Sequence[Reading], settings: FairnessSettings, *, confidence: float) -> tuple[Judgement, ...]:
    """Return a judgement of each gap that has a bound, and of those that a criterion of fairness is about, skipped.

    FAIL: the interval lies beyond the bound, and so it does with the error rate shared out over all bounds (the p-value is adjusted).
    PASS: the whole interval keeps the bound, and every group is estimable. Else INCONCLUSIVE. A gap between the estimable groups is at
    most the gap between all: it may fail the bound without the rest, and never pass it.
    """
    asked = list(_asked(readings, settings))
    bounded = [(reading, kind, bound) for reading, kind, bound in asked if bound is not None]
    p_values = [_p_value(reading.gaps[kind], bound) for reading, kind, bound in bounded]
    corrected = dict(zip(range(len(bounded)), adjusted(settings.correction, p_values), strict=True))
    found, place = [], 0
    for reading, kind, bound in asked:
        p = None
        if bound is not None:
            p, place = corrected[place], place + 1
        found.append(Judgement(reading, kind, _outcome(reading, kind, bound, p, settings, confidence, len(bounded))))
    return tuple(found)


def _asked(readings: Sequence[Reading], settings: FairnessSettings) -> Iterator[tuple[Reading, Kind, float | None]]:
    bounds = settings.all_bounds
    for reading in readings:
        told = bounds.get(reading.name)
        if told is None:
            if reading.measure.criterion:
                yield reading, "difference", None
            continue
        for kind in KINDS:
            bound = told.at_most if kind == "difference" else told.at_least
            if bound is not None and kind in reading.gaps:
                yield reading, kind, bound


def _p_value(found: Gap | None, bound: float) -> float | None:
    return None if found is None else found.p_value(bound)


def _outcome(
    reading: Reading,
    kind: Kind,
    bound: float | None,
    p: float | None,
    settings: FairnessSettings,
    confidence: float,
    among: int,
) -> Outcome:
    seen = _estimate(reading, kind, confidence)
    verdict, why = _verdict(reading, kind, seen, bound=bound, p=p, settings=settings, among=among)
    at_most, at_least = (bound, None) if kind == "difference" else (None, bound)
    subject = f"{reading.title} {kind} of {reading.column}"
    return Outcome(
        "fairness", subject, verdict, expected=expected(at_least, at_most), observed=seen, why=why, n_rows=len(reading.cut.codes),
        family=FAMILY, id=f"fairness.{subject}",
    )  # fmt: skip


def _estimate(reading: Reading, kind: Kind, confidence: float) -> Estimate:
    one, n = reading.gaps[kind], int(reading.rows[reading.kept].sum())
    if one is None:
        few = int(reading.kept.sum())
        why = f"{few or 'no'} group{'' if few == 1 else 's'} of {reading.column} can be told of"
        if few > 1:
            why = f"no group of {reading.column} has a value above 0"
        return Estimate(None, n=n, why=why)
    return Estimate(one.value, n=n, low=one.low, high=one.high, confidence=confidence, method="mover")


def _verdict(
    reading: Reading,
    kind: Kind,
    seen: Estimate,
    *,
    bound: float | None,
    p: float | None,
    settings: FairnessSettings,
    among: int,
) -> tuple[Verdict, str]:
    one, lost = reading.gaps[kind], _lost(reading, settings.min_rows)
    if one is None or seen.value is None:
        return Verdict.SKIP if bound is None else Verdict.INCONCLUSIVE, f"{seen.why}{'; ' + lost if lost else ''}"
    said = f"{shown(seen)} between {reading.cut.names[one.least]} and {reading.cut.names[one.greatest]}{_by_chance(reading, kind)}"
    if bound is None:
        return Verdict.SKIP, f"{said}{'; ' + lost if lost else ''}"
    also = f"; {lost}" if lost else ""
    verdict = seen.below(bound) if kind == "difference" else seen.above(bound)
    if verdict is Verdict.FAIL:
        together = f", adjusted over {among} bounds" if among > 1 else ""
        if p is not None and p <= settings.alpha:
            return verdict, f"{said}: beyond the bound (p = {p:.2g}{together}){also}"
        return Verdict.INCONCLUSIVE, f"{said}: beyond the bound by itself, and not surely (p = {p:.2g}{together}){also}"
    if lost:
        return Verdict.INCONCLUSIVE, said + also
    if verdict is Verdict.PASS:
        return verdict, f"{said}: all of it keeps the bound"
    return verdict, f"{said}: the bound lies inside{_needed(seen, bound)}"


def _by_chance(reading: Reading, kind: Kind) -> str:
    usual = reading.chance[kind]
    if usual is None:
        return ""
    return f"; groups without a difference show {'up' if kind == 'difference' else 'down'} to {usual:.3g}"


def _lost(reading: Reading, min_rows: int) -> str:
    """Return in words which groups are not estimable, and how many rows they would need; empty where all are."""
    names, rows, lost = reading.cut.names, reading.rows, np.flatnonzero(~reading.kept)
    few = [f"{names[g]} ({rows[g]:,})" for g in lost if rows[g] < min_rows]
    rest = [names[g] for g in lost if rows[g] >= min_rows]
    said = (
        [f"not estimable for want of {reading.measure.rows}, at least {min_rows} of each: {_listed(few)}"]
        if few
        else []
    )
    said += [f"not estimable, as their rows do not vary or cannot be fitted: {_listed(rest)}"] if rest else []
    return "; ".join(said)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _needed(seen: Estimate, bound: float) -> str:
    """Return in words how many times as many rows would decide it, were the gap what it seems to be."""
    value, low, high = float(seen.value or 0.0), float(seen.low or 0.0), float(seen.high or 0.0)
    side = (high - value) if value < bound else (value - low)
    if value == bound or side <= 0:
        return ""
    times = (side / abs(value - bound)) ** 2
    return (
        f"; about {math.ceil(seen.n * max(times, 1.0)):,} rows would tell, {seen.n:,} were seen" if times < 1000 else ""
    )


def of_flip(column: str, found: Flip, bound: GapBound | None) -> Outcome:
    """Return the outcome of a flip: judged by the interval where there is a bound."""
    return _measured(f"{found.measure} of {column}", found.estimate, bound, found.says)


def of_proxy(column: str, found: Proxy, bound: GapBound | None) -> Outcome:
    """Return the outcome of a proxy check: judged by the interval where there is a bound."""
    says = f"the other features tell {found.group} from all others" if found.group else ""
    if found.columns:
        says += f", most by {', '.join(found.columns)}"
    return _measured(f"proxy_auc of {column}", found.estimate, bound, says)


def _measured(subject: str, seen: Estimate, bound: GapBound | None, says: str) -> Outcome:
    at_most = None if bound is None else bound.at_most
    verdict, why = kept(seen, at_least=None, at_most=at_most)
    if at_most is None:
        verdict, why = Verdict.SKIP, shown(seen) if seen.value is not None else f"it is undefined: {seen.why}"
    return Outcome(
        "fairness", subject, verdict, expected=expected(None, at_most), observed=seen, why="; ".join(w for w in (why, says) if w),
        n_rows=seen.n, family=FAMILY, id=f"fairness.{subject}",
    )  # fmt: skip
