"""Slices of a trial: those that are asked for, what each metric is in them, and what they have to keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.kinds import kind_of
from assay.evaluation.slicing.bins import cut_by_bins, cut_by_length, cut_by_part
from assay.evaluation.slicing.cuts import (
    MOST_VALUES,
    Cut,
    Slice,
    crossed,
    cut_by_slices,
    cut_by_values,
    present,
)
from assay.evaluation.slicing.losses import LOSSES, loss_for, loss_of
from assay.evaluation.slicing.measuring import Ground, measured
from assay.evaluation.slicing.predicates import slice_where
from assay.evaluation.slicing.settings import SliceSettings
from assay.evaluation.slicing.table import Row, corrected, judged, table
from assay.evaluation.trial import Part, Trial

__all__ = [
    "MOST_VALUES", "Cut", "Slice", "crossed", "cut_by_slices", "cut_by_values", "cuts_of", "present", "rows_of",
    "slices",
]  # fmt: skip

Floats = NDArray[np.float64]

_FEW = 12  # distinct numbers up to which each is a slice


def slices(trial: Trial, settings: SliceSettings, given: Sequence[Slice] = ()) -> Part:
    """Return what each metric is in the slices that are asked for: outcomes, and the exhibit `slices`.

    `given` are slices made in Python, beside those of the settings. P-values of deficits are corrected over the table (Holm).

    Raises UsageError where a column, a predicate or a metric is not there, or does not fit.
    """
    cuts = (*cuts_of(trial.rows.frame, settings), *cut_by_slices(given))
    if not cuts:
        return Part()
    names = metrics_of(trial, settings)
    loss = loss_for(trial.metric(trial.lead), trial.rows)
    losses, whole = (loss_of(loss, trial.rows), LOSSES[loss].whole) if loss else (None, "")
    ground = Ground(trial.rows, trial.units, trial.confidence, is_whole=settings.against == "whole")
    found = [row for name in names for cut in cuts for row in rows_of(trial, ground, cut, name, losses)]
    rows, outcomes = judged(corrected(found), settings, confidence=trial.confidence, loss=whole)
    note = (
        f"The deficit is how much worse a slice is than the {settings.against}; its p-value is one-sided, and corrected over "
        f"the {len(rows)} rows of this table (Holm). Share of errors is that of all {whole or 'errors'}."
    )
    return Part(tuple(outcomes), (table(rows, name="slices", title="Slices", note=note),))


def metrics_of(trial: Trial, settings: SliceSettings) -> tuple[str, ...]:
    """Return the metrics that slices are measured by: the one that leads, those asked for, those with a bound."""
    names = tuple(dict.fromkeys((trial.lead, *settings.metrics, *settings.bounded)))
    for name in names:
        trial.metric(name)  # raises where there is none
    return names


def rows_of(
    trial: Trial, ground: Ground, cut: Cut, metric: str, losses: Floats | None, *, how: str = "asked"
) -> list[Row]:
    """Return a metric in each slice of a cut as rows of the table; `losses` are those that shares of all errors are of."""
    weights = ground.rows.own_weights
    inside = cut.codes >= 0
    codes, k = cut.codes[inside], len(cut.names)
    shares = np.bincount(codes, weights=weights[inside], minlength=k) / max(float(weights.sum()), 1e-300)
    errors: list[float | None] = [None] * k
    if losses is not None and (total := float((weights * losses).sum())) > 0:
        errors = list((np.bincount(codes, weights=(weights * losses)[inside], minlength=k) / total).tolist())
    units: list[int | None] = [None] * k
    if ground.units.kind in ("entities", "blocks"):
        units = [len(np.unique(ground.units.of_row[cut.codes == place])) for place in range(k)]
    return [
        Row(name, metric, int(size), one, float(share), error, how, unit)
        for name, size, one, share, error, unit in zip(
            cut.names, cut.sizes, measured(ground, cut, metric=trial.metric(metric)), shares, errors, units, strict=True
        )
    ]


def cuts_of(frame: pl.DataFrame, settings: SliceSettings) -> tuple[Cut, ...]:
    """Return the cuts that settings ask for, in their order: columns, bins, the calendar, lengths, crosses, predicates."""
    columns = tuple(dict.fromkeys((*settings.columns, *settings.bins)))
    found = [_of_column(frame, column, settings) for column in columns]
    found += [cut_by_part(frame, column, part=part) for column, parts in settings.calendar.items() for part in parts]
    found += [cut_by_length(frame, column) for column in settings.lengths]
    for first, second in settings.crosses:
        found.append(crossed(*(_of_column(frame, column, settings) for column in (first, second))))
    return (*found, *cut_by_slices([slice_where(frame, text, name=name) for name, text in settings.where.items()]))


def _of_column(frame: pl.DataFrame, column: str, settings: SliceSettings) -> Cut:
    values = present(frame, column)
    kind = kind_of(values.dtype)
    if column in settings.bins:
        return cut_by_bins(frame, column, bins=settings.bins[column])
    if kind.is_instant or (kind.is_number and values.drop_nulls().n_unique() > _FEW):
        return cut_by_bins(frame, column)
    return cut_by_values(frame, column, most=settings.most_values)
