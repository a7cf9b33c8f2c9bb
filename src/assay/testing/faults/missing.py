"""Values that are not there, or that stand for one that is not: nulls and sentinels."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.testing.faults.cells import choice, column_of, count_of, mixed, numbers_of, some
from assay.testing.faults.fault import Fault, Layer, NotApplicable, Operator

__all__ = ["MISSING"]

MECHANISMS = ("mcar", "mar", "mnar")


def _nulls(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    column = column_of(frame, fault.column)
    mask = _missing(frame, fault, rng)
    empty = pl.Series(fault.column, [None] * frame.height, dtype=column.dtype)
    return frame.with_columns(mixed(column, mask, empty).alias(fault.column))


def _sentinel(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    column = column_of(frame, fault.column, "number", "text")
    token = fault.settings.get("token", -1 if column.dtype.is_numeric() else "")
    mask = _missing(frame, fault, rng)
    return frame.with_columns(mixed(column, mask, token).alias(fault.column))


def _missing(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which rows lose their value: by chance, more where another column is high (mar), or where it is itself (mnar)."""
    how = choice(fault.settings.get("mechanism", "mcar"), "mechanism", MECHANISMS)
    present = frame[fault.column].is_not_null().to_numpy()
    if how == "mcar":
        return some(present, fault.severity, rng)
    by = str(fault.settings.get("by", "")) if how == "mar" else fault.column
    if how == "mar" and not by:
        raise NotApplicable("mar needs by=, the column that says where values are missing")
    weights = _weights(column_of(frame, by))
    # The keys of Efraimidis and Spirakis (2006): the smallest are a sample without replacement that follows the weights.
    keys = np.where(present, rng.exponential(size=frame.height) / weights, np.inf)
    mask = np.zeros(frame.height, dtype=bool)
    mask[np.argsort(keys, kind="stable")[: count_of(fault.severity, int(present.sum()))]] = True
    return mask


def _weights(column: pl.Series) -> NDArray[np.float64]:
    """Return 20 for the highest value, falling to 1 for the lowest, by rank; texts rank by how often they stand there."""
    if column.dtype == pl.String or isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = pl.DataFrame({"a": column}).select(pl.len().over("a")).to_series()
    numbers = numbers_of(column.to_physical()) if not column.dtype.is_numeric() else numbers_of(column)
    ranks = numbers.rank("average").fill_null(1).to_numpy()
    return np.asarray(1 + 19 * (ranks - 1) / max(len(ranks) - 1, 1), dtype=np.float64)


MISSING: dict[str, Operator] = {
    "nulls": Operator(
        "nulls", Layer.DATA, "values of a column are missing", "a source was down, or a join found no partner", _nulls,
        ladder=(0.01, 0.05, 0.2, 0.5, 1.0), unit="share of the values that are gone", columns=("any",),
        settings={"mechanism": "mcar"}, caught_by="no_missing, missing_share, missing_drift",
    ),
    "sentinel": Operator(
        "sentinel", Layer.DATA, "missing values are written as -1, 9999 or an empty text",
        "a person, or a loader, filled in what a form demanded", _sentinel, ladder=(0.01, 0.05, 0.2, 0.5),
        unit="share of the values that became the sentinel", columns=("number", "text"),
        caught_by="one_of, sentinel_spike, between, range_drift, distribution_drift",
    ),
}  # fmt: skip
