"""Instants that are wrong, and rows that come late, again, in another order, or not for a while."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from assay.testing.faults.cells import choice, chosen, column_of, count_of, role
from assay.testing.faults.fault import Fault, Layer, NotApplicable, Operator

__all__ = ["TIMES"]


def _in_time(frame: pl.DataFrame, name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the places of the rows from the oldest to the newest; those without an instant come first."""
    return frame[name].arg_sort(nulls_last=False).to_numpy().astype(np.int64)


def _stale_batch(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    time = role(frame, fault, "time", "instant")
    stamps = choice(fault.settings.get("stamps", "old"), "stamps", ("old", "new"))
    order = _in_time(frame, time.name)
    count = min(count_of(fault.severity, frame.height), frame.height // 2)
    if not count:
        raise NotApplicable("one row has no older one that could come again")
    newest, before = order[-count:], order[-2 * count : -count]
    source = np.arange(frame.height)
    source[newest] = before
    again = frame[source]
    return again if stamps == "old" else again.with_columns(time)


def _time_shift(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    column = column_of(frame, fault.column, "instant")
    how = choice(fault.settings.get("how", "hours"), "how", ("hours", "summer", "day and month"))
    if how == "day and month":
        return frame.with_columns(_day_and_month(column).alias(column.name))
    hours = timedelta(hours=fault.severity)
    dated = column.dtype == pl.Date
    moved = (column.cast(pl.Datetime("us")) + hours).cast(pl.Date) if dated else column + hours
    if how == "summer":  # an hour between the last Sundays of March and October, as in Europe
        summer = column.dt.month().is_between(4, 10).fill_null(False)
        moved = pl.DataFrame({"old": column, "new": moved, "summer": summer}).select(
            pl.when("summer").then("new").otherwise("old")
        ).to_series()  # fmt: skip
    return frame.with_columns(moved.alias(column.name))


def _day_and_month(column: pl.Series) -> pl.Series:
    """Return each instant with its day read as its month and the other way round, where both are at most 12."""
    swapped = (
        column.cast(pl.Datetime("us", getattr(column.dtype, "time_zone", None))) if column.dtype == pl.Date else column
    )
    frame = pl.DataFrame({"at": swapped})
    at = pl.col("at")
    both = at.dt.day() <= 12
    day = pl.when(both).then(at.dt.month().cast(pl.Int8)).otherwise(at.dt.day().cast(pl.Int8))
    month = pl.when(both).then(at.dt.day().cast(pl.Int8)).otherwise(at.dt.month().cast(pl.Int8))
    return frame.select(at.dt.replace(day=day, month=month)).to_series().cast(column.dtype)


def _out_of_order(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    places = np.flatnonzero(chosen(frame.height, fault.severity, rng))
    order = np.arange(frame.height)
    order[places] = rng.permutation(places)
    return frame[order]


def _gap(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    time = role(frame, fault, "time", "instant")
    order = _in_time(frame, time.name)
    count = count_of(fault.severity, frame.height)
    if count >= frame.height - 1:
        raise NotApplicable("a gap has a row before it and one behind it; this one would swallow all")
    # The middle stays where it is, so that a longer gap swallows a shorter one.
    middle = 0.25 + 0.5 * rng.uniform()
    first = min(max(int(middle * frame.height) - count // 2, 1), frame.height - count - 1)
    kept = np.ones(frame.height, dtype=bool)
    kept[order[first : first + count]] = False
    return frame.filter(pl.Series(kept))


TIMES: dict[str, Operator] = {
    "stale_batch": Operator(
        "stale_batch", Layer.DATA, "yesterday's rows come again in place of today's", "the loader read the old folder once more",
        _stale_batch, ladder=(0.1, 0.25, 0.5), unit="share of the rows, the newest, that the ones before them replace", needs=("time",),
        settings={"stamps": "old"}, caught_by="fresh, unique, duplicates, no_gaps",
    ),
    "time_shift": Operator(
        "time_shift", Layer.DATA, "instants are off by some hours", "a time zone was dropped, or day and month were exchanged",
        _time_shift, ladder=(1.0, 5.0, 24.0, 720.0), unit="hours by which the instants are later", columns=("instant",),
        settings={"how": "hours"}, caught_by="no_future, between, compare, hour_drift",
    ),
    "out_of_order": Operator(
        "out_of_order", Layer.DATA, "rows come in another order", "late events, or a parallel reader", _out_of_order,
        ladder=(0.05, 0.2, 1.0), unit="share of the rows that change places", needs=("time",), keeps=("rows", "marginals"),
        caught_by="rising, and the contract row_order of a feature",
    ),
    "gap": Operator(
        "gap", Layer.DATA, "a stretch of time is missing", "an outage that nobody filled up afterwards", _gap,
        ladder=(0.05, 0.2, 0.5), unit="share of the rows that lay in the gap", needs=("time",), keeps=(),
        caught_by="no_gaps, row_count, and the contract looks_back of a feature",
    ),
}  # fmt: skip
