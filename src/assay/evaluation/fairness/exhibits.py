"""The tables of fairness: every group, every gap, and every group beside one of its column."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.fairness.flips import Flip
from assay.evaluation.fairness.gaps import against
from assay.evaluation.fairness.groups import group_of
from assay.evaluation.fairness.judging import Judgement
from assay.evaluation.fairness.measures import Worst
from assay.evaluation.fairness.readings import Reading
from assay.evaluation.fairness.settings import FairnessSettings
from assay.stats.corrections import adjusted
from assay.stats.intervals import normal_quantile
from assay.verdict import Exhibit, Outcome, Verdict

__all__ = ["differences_exhibit", "gaps_exhibit", "groups_exhibit"]

Cell = float | int | str | None
Floats = NDArray[np.float64]

CALIBRATED = 0.05  # scores count as calibrated where no group is shown to be farther off


def groups_exhibit(
    readings: Sequence[Reading], positives: Sequence[Floats | None], *, min_rows: int, confidence: float
) -> Exhibit:
    """Return the exhibit `groups`: each measure of each group, with its interval.

    `positives` counts the positive labels of each group, for each reading; None where there are none to count.
    """
    rows: list[tuple[Cell, ...]] = []
    z = normal_quantile((1 + confidence) / 2)
    for reading, positive in zip(readings, positives, strict=True):
        if isinstance(reading.measure.of, Worst):
            continue
        found = reading.found[0]
        low, high = found.interval(z)
        sizes = reading.cut.sizes
        for g, name in enumerate(reading.cut.names):
            of_label = None if positive is None else int(positive[g])
            rows.append(
                (
                    reading.column,
                    name,
                    int(sizes[g]),
                    of_label,
                    reading.title,
                    *map(_cell, (found.values[g], low[g], high[g])),
                )
            )
    note = (
        f"Intervals hold at {confidence:.0%} for each group by itself. Where a measure is of fewer than {min_rows} rows of a group, "
        "it is shown here and left out of the gaps."
    )
    return Exhibit("groups", "Groups", _columns("column group n positives measure value low high", rows), note=note)


def gaps_exhibit(
    readings: Sequence[Reading],
    judgements: Sequence[Judgement],
    flips: Sequence[tuple[str, Flip, Outcome]],
    *,
    alpha: float,
    confidence: float,
) -> Exhibit:
    """Return the exhibit `gaps`: the difference and the ratio of every measure between the groups of every column, and flips."""
    verdicts = {(id(j.reading), j.kind): j.outcome.verdict.value for j in judgements}
    rows: list[tuple[Cell, ...]] = []
    for reading in readings:
        for kind, one in reading.gaps.items():
            verdict = verdicts.get((id(reading), kind), Verdict.SKIP.value)
            numbers = (None,) * 3 if one is None else (_cell(one.value), _cell(one.low), _cell(one.high))
            ends = (None, None) if one is None else reading.ends_of(one)
            rows.append((reading.column, reading.title, kind, *numbers, _cell(reading.chance[kind]), *ends, verdict))
    for column, flip, outcome in flips:
        e = flip.estimate
        rows.append(
            (
                column,
                flip.measure,
                "flip",
                _cell(e.value),
                _cell(e.low),
                _cell(e.high),
                None,
                None,
                None,
                outcome.verdict.value,
            )
        )
    note = (
        f"The least gap is at {confidence:.0%} what so many groups leave of chance; `chance` is what groups of these sizes without a "
        f"difference show in {1 - confidence:.0%} of cases."
    )
    said = " ".join((note, *_impossible(readings, alpha=alpha, confidence=confidence)))
    names = "column measure kind value low high chance worst best verdict"
    return Exhibit("gaps", "Gaps between groups", _columns(names, rows), note=said)


def _impossible(readings: Sequence[Reading], *, alpha: float, confidence: float) -> list[str]:
    """Return a sentence for each partition whose base rates differ though the model means the same in each group.

    Sources: Chouldechova 2017; Kleinberg, Mullainathan & Raghavan 2016.
    """
    known = {(one.column, one.of, one.name): one for one in readings}
    said, z = [], normal_quantile((1 + confidence) / 2)
    for (column, of, name), base in known.items():
        gap = base.gaps["difference"] if name == "base_rate" else None
        if gap is None or gap.p_value(0.0) > alpha:
            continue
        where = f"{column}{f' for {of!r}' if of else ''}"
        calibration, parity = known.get((column, of, "calibration_error")), known.get((column, of, "ppv"))
        if calibration is not None:
            least = calibration.found[0].interval(z)[0][calibration.kept]
            if len(least) and float(least.max()) <= CALIBRATED:
                said.append(
                    f"The base rates of {where} differ and the scores are calibrated in each group, as far as can be told: unless "
                    "the model is perfect, the mean scores of positives and of negatives cannot both be equal too (Kleinberg, "
                    "Mullainathan & Raghavan 2016), and neither can false positive and false negative rates where precision is "
                    "(Chouldechova 2017)."
                )
        elif parity is not None and (found := parity.gaps["difference"]) is not None and found.p_value(0.0) > alpha:
            said.append(
                f"The base rates of {where} differ and the precision does not show to: where it is equal, false positive and false "
                "negative rates cannot both be equal too, unless the model is perfect (Chouldechova 2017)."
            )
    return said


def differences_exhibit(readings: Sequence[Reading], settings: FairnessSettings, *, confidence: float) -> Exhibit:
    """Return the exhibit `group_differences`: each estimable group beside the reference of its column, in each measure that is judged.

    The reference is the group that the settings name, the largest, or the best in the measure. P-values are adjusted over the
    groups of one measure and column.
    """
    rows: list[tuple[Cell, ...]] = []
    for reading in readings:
        if isinstance(reading.measure.of, Worst) or not reading.measure.judged or reading.kept.sum() < 2:
            continue
        reference = _reference(reading, settings)
        if not reading.kept[reference]:
            continue
        found = against(reading.found[0], reference, confidence=confidence)
        others = [g for g in np.flatnonzero(reading.kept).tolist() if g != reference]
        corrected = adjusted(settings.correction, [_cell(found.p_value[g]) for g in others])
        for g, p in zip(others, corrected, strict=True):
            quotient = (
                (found.ratio[g], found.ratio_low[g], found.ratio_high[g]) if reading.measure.ratio else (math.nan,) * 3
            )
            numbers = map(_cell, (found.difference[g], found.low[g], found.high[g], *quotient, found.p_value[g]))
            rows.append(
                (reading.column, reading.title, reading.cut.names[g], reading.cut.names[reference], *numbers, p)
            )
    names = "column measure group reference difference low high ratio ratio_low ratio_high p_value adjusted"
    note = f"Each interval holds at {confidence:.0%} by itself; p-values are adjusted over the groups of a measure and column."
    return Exhibit("group_differences", "Groups beside a reference", _columns(names, rows), note=note)


def _reference(reading: Reading, settings: FairnessSettings) -> int:
    if reading.column in settings.references:
        return group_of(reading.cut, settings.references[reading.column])
    if settings.reference == "largest":
        return int(reading.cut.sizes.argmax())
    values = np.where(reading.kept, reading.found[0].values, np.nan)
    better = reading.measure.better
    return int(
        np.nanargmax(values) if better == "higher" else np.nanargmin(np.abs(values) if better == "zero" else values)
    )


def _cell(value: float | str | None) -> float | None:
    """Return a number of a table; None where it is undefined or unbounded."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _columns(names: str, rows: Sequence[tuple[Cell, ...]]) -> dict[str, tuple[Cell, ...]]:
    return {name: tuple(row[place] for row in rows) for place, name in enumerate(names.split())}
