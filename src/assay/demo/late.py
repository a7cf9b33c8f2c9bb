"""Two plain models of late arrivals: how often flights like this one were late from January to June."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

__all__ = ["scored"]

LATE = 15  # minutes after the schedule
PRIOR = 50  # flights like the average one that each kind of flight is mixed with
KEEP = ("carrier", "origin", "dest", "hour", "distance")


def scored(known: Path, new: Path) -> pl.DataFrame:
    """Return flights with whether they were late, and what two models say of that by what is known before departure.

    `by_hour` goes by the hour; `by_route` by origin, carrier and hour. Flights that never arrived have no label.
    """
    before = _labelled(pl.read_parquet(known)).drop_nulls("late")
    rows = _labelled(pl.read_parquet(new)).with_row_index("flight")
    for name, by in (("by_hour", ["hour"]), ("by_route", ["origin", "carrier", "hour"])):
        rows = rows.join(_shares(before, by, name), on=by, how="left", maintain_order="left")
        rows = rows.with_columns(pl.col(name).fill_null(before["late"].mean()))
    return rows


def _labelled(flights: pl.DataFrame) -> pl.DataFrame:
    return flights.select(*KEEP, (pl.col("arr_delay") > LATE).cast(pl.Int64).alias("late"))


def _shares(before: pl.DataFrame, by: Sequence[str], name: str) -> pl.DataFrame:
    """Return the share of late flights of each kind, drawn towards the average where there are few of them."""
    average = float(before["late"].mean())  # type: ignore[arg-type]
    return before.group_by(by).agg(((pl.col("late").sum() + PRIOR * average) / (pl.len() + PRIOR)).alias(name))
