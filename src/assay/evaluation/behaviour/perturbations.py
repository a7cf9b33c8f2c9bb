"""What can happen to the features of a row, at a severity: noise, missing and unseen values, values out of range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

__all__ = ["PERTURBATIONS", "Perturbation", "kinds_of"]

KindOf = Literal["numbers", "categories", "any"]
Change = Callable[[pl.Series, float, np.random.Generator], pl.Series]
UNSEEN = "assay:unseen"


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One way in which features are changed: which columns it can touch, the severities that are tried, and what they mean.

    `change` returns a column at a severity: the same length and a type that the model takes for the same column. A severity
    of 0 would change nothing.
    """

    title: str
    of: KindOf
    severities: tuple[float, ...]
    severity: str
    change: Change


def kinds_of(frame: pl.DataFrame, features: Sequence[str]) -> dict[str, KindOf]:
    """Return which features are numbers, and which are categories or texts; others are left out."""
    found: dict[str, KindOf] = {}
    for name in features:
        dtype = frame.schema[name]
        if dtype.is_numeric():
            found[name] = "numbers"
        elif dtype in (pl.String, pl.Boolean) or isinstance(dtype, pl.Categorical | pl.Enum):
            found[name] = "categories"
    return found


def _chosen(n: int, share: float, rng: np.random.Generator) -> pl.Series:
    return pl.Series(rng.uniform(size=n) < share)


def _like(changed: pl.Series, column: pl.Series) -> pl.Series:
    """Return changed numbers in the type of the column: of whole numbers the nearest ones, within what the type can hold."""
    if not column.dtype.is_integer():
        return changed.cast(column.dtype)
    least, most = pl.select(column.dtype.min().alias("least"), column.dtype.max().alias("most")).row(0)  # type: ignore[attr-defined]
    return changed.round().clip(float(least), float(np.nextafter(float(most), 0))).cast(column.dtype, strict=False)


def _noise(column: pl.Series, severity: float, rng: np.random.Generator) -> pl.Series:
    spread = float(column.cast(pl.Float64).fill_nan(None).std() or 0.0)  # type: ignore[arg-type]
    return _like(column.cast(pl.Float64) + pl.Series(rng.normal(0.0, 1.0, len(column)) * severity * spread), column)


def _nudge(column: pl.Series, severity: float, rng: np.random.Generator) -> pl.Series:
    return column.cast(pl.Float64) * pl.Series(1 + severity * rng.choice([-1.0, 1.0], len(column)))


def _missing(column: pl.Series, severity: float, rng: np.random.Generator) -> pl.Series:
    return pl.select(pl.when(_chosen(len(column), severity, rng)).then(None).otherwise(column)).to_series()


def _unseen(column: pl.Series, severity: float, rng: np.random.Generator) -> pl.Series:
    if column.dtype == pl.Boolean:
        return pl.select(pl.when(_chosen(len(column), severity, rng)).then(None).otherwise(column)).to_series()
    text = column.cast(pl.String)
    return pl.select(pl.when(_chosen(len(column), severity, rng)).then(pl.lit(UNSEEN)).otherwise(text)).to_series()


def _outside(column: pl.Series, severity: float, rng: np.random.Generator) -> pl.Series:
    numbers = column.cast(pl.Float64).fill_nan(None)
    low, high = (float(end) if end is not None else 0.0 for end in (numbers.min(), numbers.max()))  # type: ignore[arg-type]
    span = (high - low) or abs(high) or 1.0
    beyond = pl.Series(np.where(rng.uniform(size=len(column)) < 0.5, low - span, high + span))
    changed = pl.select(pl.when(_chosen(len(column), severity, rng)).then(beyond).otherwise(numbers)).to_series()
    return _like(changed, column)


def _shuffled(column: pl.Series, severity: float, rng: np.random.Generator) -> pl.Series:
    other = column.gather(rng.permutation(len(column)))
    return pl.select(pl.when(_chosen(len(column), severity, rng)).then(other).otherwise(column)).to_series()


SHARES = (0.05, 0.1, 0.2, 0.5)
PERTURBATIONS: Mapping[str, Perturbation] = {
    "noise": Perturbation(
        "noise on numbers", "numbers", (0.05, 0.1, 0.2, 0.5, 1.0), "standard deviation of the noise, in the column's own", _noise
    ),
    "nudge": Perturbation(
        "small changes of numbers", "numbers", (0.001, 0.01, 0.05), "each number is so much of itself larger or smaller", _nudge
    ),
    "missing": Perturbation("missing values", "any", SHARES, "share of the cells that are emptied", _missing),
    "unseen": Perturbation(
        "categories that were never seen", "categories", SHARES, "share of the cells that hold a new category", _unseen
    ),
    "out_of_range": Perturbation(
        "numbers out of range", "numbers", (0.01, 0.05, 0.1, 0.5), "share of the cells that lie a whole range beyond an end", _outside
    ),
    "shuffled": Perturbation(
        "values of other rows", "any", SHARES, "share of the cells that hold another row's value", _shuffled
    ),
}  # fmt: skip
