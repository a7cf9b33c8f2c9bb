"""For whom a challenger is worse: the difference of a metric in every slice, corrected over all of them."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl

from assay.evaluation.challenge.paired import Paired, Side, paired
from assay.evaluation.challenge.policy import Policy
from assay.evaluation.metrics.metric import Metric
from assay.evaluation.slicing.cuts import Slice
from assay.evaluation.slicing.slices import cuts_of
from assay.evaluation.trial import Trial
from assay.stats.corrections import adjusted
from assay.verdict import Estimate

__all__ = ["Change", "changes", "slices_of"]

MOST = 60  # slices that are looked at where none were asked for: the largest
MOST_TEXTS = 200  # different texts of a column, from which on it names rows rather than kinds of them


@dataclass(frozen=True, slots=True)
class Change:
    """A slice with the metric of both models on it; `simultaneous` is the difference at the confidence that holds for all slices."""

    name: str
    n: int
    found: Paired
    simultaneous: Estimate
    adjusted: float | None


def slices_of(trial: Trial, policy: Policy) -> tuple[Slice, ...]:
    """Return the slices that the policy asks for; the values and bins of the features, the largest 60, where it asks for none."""
    told, frame = policy.slices, trial.rows.frame
    if told.columns or told.bins or told.calendar or told.lengths or told.crosses or told.where:
        return tuple(one for cut in cuts_of(frame, told) for one in cut.slices)
    columns = tuple(
        name for name in trial.rows.features if name in frame.columns and _tells_apart(frame.get_column(name))
    )
    cuts = cuts_of(frame, msgspec.structs.replace(told, columns=columns))
    found = [one for cut in cuts if len(cut.names) > 1 for one in cut.slices]
    return tuple(sorted(found, key=lambda one: -int(one.rows.sum()))[:MOST])


def _tells_apart(values: pl.Series) -> bool:
    if values.dtype.is_nested() or values.dtype == pl.Object:
        return False
    return values.dtype != pl.String or values.n_unique() <= MOST_TEXTS


def changes(metric: Metric, name: str, side: Side, slices: tuple[Slice, ...], *, alpha: float) -> tuple[Change, ...]:
    """Return the difference of a metric in each slice, the worst for the challenger first.

    p-values are corrected over the slices (Holm); simultaneous intervals hold for all of them at 1 - alpha (Bonferroni).
    Slices in which the difference is undefined come last: they are listed, not dropped.
    """
    sides = [(one.name, side.at(one.rows)) for one in slices]
    all_of_them = 1 - alpha / max(len(sides), 1)
    found = [(title, part, paired(metric, name, part, confidence=1 - alpha)) for title, part in sides]
    corrected = adjusted("holm", [one.p_value for _, _, one in found])
    sign = -1.0 if metric.better == "lower" else 1.0
    made = [
        Change(title, part.champion.n, one, paired(metric, name, part, confidence=all_of_them).difference, p)
        for (title, part, one), p in zip(found, corrected, strict=True)
    ]

    def gain(change: Change) -> float:
        value = change.found.difference.value
        return np.inf if value is None else sign * float(value)

    return tuple(sorted(made, key=gain))
