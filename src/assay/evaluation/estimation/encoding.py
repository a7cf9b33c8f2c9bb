"""Features as the numbers that a model of the loss takes, by what the reference had."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import UsageError

__all__ = ["Encoding", "encoding_of"]

Floats = NDArray[np.float64]

CATEGORIES = 200


@dataclass(frozen=True, slots=True)
class Encoding:
    """How features become numbers: numbers as they are, categories as their places in the reference, missing as NaN.

    `ranges` are the reference's least and greatest values of the numbers, `categories` its categories, the frequent
    ones first; a category that is not among them is missing.
    """

    features: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]]
    categories: Mapping[str, tuple[str, ...]]

    @property
    def is_categorical(self) -> list[bool]:
        """Return which columns are categories."""
        return [feature in self.categories for feature in self.features]

    def numbers(self, frame: pl.DataFrame) -> Floats:
        """Return the features as numbers, rows by columns."""
        columns = [self._column(frame.get_column(feature)) for feature in self.features]
        return np.column_stack([column.to_numpy() for column in columns]).astype(np.float64)

    def _column(self, column: pl.Series) -> pl.Series:
        if column.name not in self.categories:
            return column.cast(pl.Float64).fill_null(float("nan"))
        known = self.categories[column.name]
        codes = column.cast(pl.String).replace_strict(
            list(known), list(range(len(known))), default=None, return_dtype=pl.Float64
        )
        return codes.fill_null(float("nan"))

    def outside(self, frame: pl.DataFrame) -> tuple[str, float]:
        """Return the feature with the greatest share of rows that the reference had nothing like, and that share."""
        shares = {feature: self._share_outside(frame.get_column(feature)) for feature in self.features}
        worst = max(shares, key=lambda feature: shares[feature])
        return worst, shares[worst]

    def _share_outside(self, column: pl.Series) -> float:
        present = column.drop_nulls()
        if not len(present):
            return 0.0
        if column.name in self.categories:
            known = present.cast(pl.String).is_in(list(self.categories[column.name]))
            return float((~known).sum()) / len(column)
        low, high = self.ranges[column.name]
        values = present.cast(pl.Float64)
        return float(((values < low) | (values > high)).sum()) / len(column)


def encoding_of(frame: pl.DataFrame, features: tuple[str, ...]) -> Encoding:
    """Return how the features of a reference become numbers; raise UsageError for a type that has no such form."""
    ranges: dict[str, tuple[float, float]] = {}
    categories: dict[str, tuple[str, ...]] = {}
    for feature in features:
        column = frame.get_column(feature)
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            values = column.cast(pl.Float64).fill_nan(None).drop_nulls()
            ranges[feature] = (float(values.min()), float(values.max())) if len(values) else (math.inf, -math.inf)  # type: ignore[arg-type]
        elif column.dtype in (pl.String, pl.Categorical, pl.Enum):
            counts = column.cast(pl.String).drop_nulls().value_counts(sort=True).head(CATEGORIES)
            categories[feature] = tuple(counts.get_column(feature).to_list())
        else:
            raise UsageError(
                f"the feature {feature!r} holds {column.dtype} values, which the model of the loss cannot take",
                hint="give numbers or categories, such as the hour of an instant",
            )
    return Encoding(features, ranges, categories)
