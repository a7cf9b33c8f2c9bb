"""Numbers that are no longer what they were: another unit, a shift, a scale, a sensor that stands still."""

from __future__ import annotations

import numpy as np
import polars as pl

from assay.testing.faults.cells import choice, chosen, column_of, count_of, mixed, numbers_of, some
from assay.testing.faults.fault import Fault, Layer, NotApplicable, Operator

__all__ = ["NUMERIC"]


def _unit_change(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    column = column_of(frame, fault.column, "number")
    share, offset = float(fault.settings.get("share", 1.0)), float(fault.settings.get("offset", 0.0))
    if fault.severity <= 0:
        raise NotApplicable(f"the severity is {fault.severity:g}; it is a factor above 0")
    mask = some(column.is_not_null().to_numpy(), share, rng)
    changed = mixed(column, mask, numbers_of(column) * fault.severity + offset)
    return frame.with_columns(changed.alias(fault.column))


def _shift_scale(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    column = column_of(frame, fault.column, "number")
    how = choice(fault.settings.get("how", "shift"), "how", ("shift", "scale"))
    numbers = numbers_of(column)
    if how == "scale":
        moved = numbers * (1 + fault.severity)
    else:
        spread = numbers.std()
        if not isinstance(spread, float) or not spread > 0:
            raise NotApplicable(f"the column {fault.column!r} does not vary, so that a standard deviation is no shift")
        moved = numbers + fault.severity * spread
    if column.dtype.is_integer():
        moved = moved.round()
    return frame.with_columns(mixed(column, column.is_not_null().to_numpy(), moved).alias(fault.column))


def _constant(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    column = column_of(frame, fault.column)
    how = choice(fault.settings.get("value", "last"), "value", ("last", "mode", "mean"))
    n = frame.height
    first = n - count_of(fault.severity, n)
    known = column.drop_nulls()
    if not len(known):
        raise NotApplicable(f"the column {fault.column!r} has no value to stand still at")
    if how == "mean":
        numbers = numbers_of(column_of(frame, fault.column, "number"))
        value: object = numbers.mean()
    elif how == "mode":
        value = known.value_counts(sort=True)[fault.column][0]
    else:  # the last value before the sensor died; of a column that is dead from its start, the first one
        before = column.head(first + 1).drop_nulls()
        value = before[-1] if len(before) else known[0]
    mask = np.arange(n) >= first
    same = pl.Series(fault.column, [value] * n, dtype=pl.Float64 if how == "mean" else column.dtype, strict=False)
    if how == "mean" and column.dtype.is_integer():
        same = same.round()
    return frame.with_columns(mixed(column, mask, same).alias(fault.column))


def _shuffle(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    column = column_of(frame, fault.column)
    mask = chosen(frame.height, fault.severity, rng)
    places = np.flatnonzero(mask)
    within = fault.settings.get("within")
    order = np.arange(frame.height)
    if within:
        groups = column_of(frame, str(within)).rank("dense").fill_null(0).to_numpy()
        for group in np.unique(groups[places]):
            inside = places[groups[places] == group]
            order[inside] = rng.permutation(inside)
    else:
        order[places] = rng.permutation(places)
    return frame.with_columns(column.gather(order).alias(fault.column))


NUMERIC: dict[str, Operator] = {
    "unit_change": Operator(
        "unit_change", Layer.DATA, "numbers come in another unit", "cents for dollars, feet for metres, thousands in one region",
        _unit_change, ladder=(1.8, 3.2808, 100.0, 1000.0), unit="factor by which the numbers are multiplied", columns=("number",),
        settings={"share": 1.0, "offset": 0.0}, caught_by="between, mean, unit_change, distribution_drift",
    ),
    "shift_scale": Operator(
        "shift_scale", Layer.DATA, "numbers are shifted, or scaled, by a little", "a sensor ages; a price list is raised",
        _shift_scale, ladder=(0.1, 0.25, 0.5, 1.0, 2.0), unit="standard deviations of shift (how: scale: a share of each number)",
        columns=("number",), settings={"how": "shift"}, caught_by="distribution_drift, mean_shift",
    ),
    "constant_column": Operator(
        "constant_column", Layer.DATA, "a column stands still", "a dead sensor repeats its last value; a default is filled in",
        _constant, ladder=(0.2, 0.5, 1.0), unit="share of the rows, at the end, that hold one value", columns=("any",),
        settings={"value": "last"}, caught_by="top_value, not_constant, distribution_drift",
    ),
    "column_shuffle": Operator(
        "column_shuffle", Layer.DATA, "values stand in other rows", "a join by the wrong key, or by position after a sort",
        _shuffle, ladder=(0.1, 0.5, 1.0), unit="share of the rows whose values change places", columns=("any",),
        settings={"within": ""}, keeps=("rows", "marginals"),
        caught_by="correlation, association, determines, quality of the model",
    ),
}  # fmt: skip
