"""One measure of the groups of one partition, the gaps between them, and which groups are too small to be told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError
from assay.evaluation.fairness.gaps import KINDS, Gap, Kind, chance, gap
from assay.evaluation.fairness.ground import ByGroup, Ground
from assay.evaluation.fairness.groups import title_of
from assay.evaluation.fairness.groupwise import by_group
from assay.evaluation.fairness.measures import MEASURES, Measure, View, Worst, suits, views_of, whole_view
from assay.evaluation.fairness.settings import FairnessSettings
from assay.evaluation.slicing.cuts import Cut
from assay.evaluation.trial import Trial

__all__ = ["Reading", "chosen", "readings_of"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reading:
    """A measure of the groups of a cut: `found` holds it by group, or the measures that it is the worst of.

    `name` is its entry in the table, `of` the class that it looks at where there are several. `kept` says which groups are
    estimable; `gaps` and `chance` have an entry for each kind that means something, None where there is no gap.
    """

    cut: Cut
    name: str
    of: str
    found: tuple[ByGroup, ...]
    kept: Mask
    gaps: Mapping[Kind, Gap | None]
    chance: Mapping[Kind, float | None]

    @property
    def measure(self) -> Measure:
        """Return the entry of the table."""
        return MEASURES[self.name]

    @property
    def title(self) -> str:
        """Return what reports call the measure."""
        return f"{self.name} of {self.of!r}" if self.of else self.name

    @property
    def column(self) -> str:
        """Return what reports call the groups."""
        return title_of(self.cut)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Return how many rows of each group the measure is of; of several measures the fewest."""
        return np.asarray(np.min([each.rows for each in self.found], axis=0), dtype=np.int64)

    def ends_of(self, one: Gap) -> tuple[str, str]:
        """Return the worst and the best group of a gap, by the direction of what leads it."""
        of = self.measure.of
        better = MEASURES[of.of[one.leading]].better if isinstance(of, Worst) else self.measure.better
        least, greatest = self.cut.names[one.least], self.cut.names[one.greatest]
        if better == "zero":
            low, high = (abs(float(self.found[one.leading].values[g])) for g in (one.least, one.greatest))
            better = "lower" if high >= low else "higher"
        return (least, greatest) if better == "higher" else (greatest, least)


def chosen(trial: Trial, settings: FairnessSettings) -> tuple[str, ...]:
    """Return the measures that are asked for and that the predictions have, in the order of the table.

    Raises UsageError where one that a person named cannot be had.
    """
    for name in settings.measures:
        if why := suits(MEASURES[name], trial.rows):
            raise UsageError(f"{name} cannot be measured: {why}", hint="take it out of measures")
    wanted = (
        {*settings.measures, *(name for name in settings.all_bounds if name in MEASURES)}
        if settings.measures
        else MEASURES
    )
    return tuple(name for name in MEASURES if name in wanted and not suits(MEASURES[name], trial.rows))


def readings_of(trial: Trial, cut: Cut, settings: FairnessSettings) -> tuple[Reading, ...]:
    """Return every measure that is asked for of the groups of a cut, for each class that is looked at."""
    rows, found = trial.rows, []
    names = chosen(trial, settings)
    views: list[tuple[View, bool]] = [(view, True) for view in views_of(rows, settings.positive)]
    if rows.task == "multiclass" and rows.predictions is not None:
        views.append((whole_view(rows), False))
    for view, per_class in views:
        ground = Ground(view, cut.codes, len(cut.names), rows.weights, trial.units)
        known: dict[str, ByGroup] = {}
        for name in names:
            if rows.task == "multiclass" and MEASURES[name].per_class is not per_class:
                continue
            of = MEASURES[name].of
            for part in of.of if isinstance(of, Worst) else (name,):
                if part not in known:
                    known[part] = by_group(MEASURES[part], ground)
            parts = tuple(known[part] for part in (of.of if isinstance(of, Worst) else (name,)))
            found.append(_reading(trial, cut, name, of=view.of, found=parts, min_rows=settings.min_rows))
    return tuple(found)


def _reading(trial: Trial, cut: Cut, name: str, *, of: str, found: Sequence[ByGroup], min_rows: int) -> Reading:
    kept = np.ones(len(cut.names), dtype=np.bool_)
    for each in found:
        low, high = each.interval(1.0)
        kept &= (each.rows >= min_rows) & ~np.isnan(each.values) & ~np.isnan(low) & ~np.isnan(high)
    kinds = KINDS if MEASURES[name].ratio else KINDS[:1]
    gaps = {kind: gap(found, kept, kind=kind, confidence=trial.confidence) for kind in kinds}
    drawn = chance(found, kept, kinds=kinds, rng=trial.rng, confidence=trial.confidence)
    by_chance = {kind: None if gaps[kind] is None else drawn[kind] for kind in kinds}
    return Reading(cut, name, of, tuple(found), kept, gaps, by_chance)
