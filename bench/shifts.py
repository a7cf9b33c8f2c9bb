"""Shifts of graded size, put into one column of a window that has none: what an alarm should find.

A shift is a pure function of the column's values, of what is known of the column in the reference, and of a generator.
A number that is shifted keeps the column's own decimals (rounded up or down at random, so that the mean is kept): an
age that grows by a tenth of a standard deviation is still a whole number, and no tool finds it by its new decimals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

DECIMALS = 6
LEAST_DISTINCT = 20  # below, a number is a code and a shift of it means nothing
NEW = "never seen before"


@dataclass(frozen=True)
class About:
    """What the reference says of a column: where its values lie, to how many decimals, and its two commonest."""

    kind: str
    null_share: float
    distinct: int
    top_share: float = 0.0
    top: object = None
    second: object = None
    mean: float = 0.0
    sd: float = 0.0
    decimals: int | None = None


Apply = Callable[[pl.Series, About, float, np.random.Generator], pl.Series]


@dataclass(frozen=True)
class Shift:
    """One shift of one size; `kind` says what columns it can be put into: number, text or any."""

    family: str
    grade: float
    kind: str
    apply: Apply

    @property
    def name(self) -> str:
        """Return the name of the shift with its grade, such as `mean +0.25 sd`."""
        return WORDS[self.family].format(self.grade)

    def into(self, values: pl.Series, about: About, rng: np.random.Generator) -> pl.Series:
        """Return the values with the shift in them."""
        return self.apply(values, about, self.grade, rng).alias(values.name)

    def suits(self, about: About) -> bool:
        """Return whether a column has what this shift needs."""
        if about.null_share > 0.5 or about.distinct < 2:
            return False
        if self.kind == "number":
            return (
                about.kind == "number" and about.distinct >= LEAST_DISTINCT and about.top_share <= 0.5 and about.sd > 0
            )
        if self.family == "swap":
            return about.kind == "text" and about.top_share >= 0.25
        return self.kind in ("any", about.kind)


def about(values: pl.Series) -> About:
    """Return what is known of a column of the reference."""
    seen = values.drop_nulls()
    counts = seen.value_counts(sort=True)
    kind = "number" if values.dtype.is_numeric() else "text"
    share = float(counts["count"][0]) / len(seen) if len(seen) else 0.0
    common = [*counts[values.name].to_list()[:2], None, None]
    known = About(kind, values.null_count() / max(len(values), 1), len(counts), share, common[0], common[1])
    if kind == "text" or not len(seen):
        return known
    numbers = seen.cast(pl.Float64).to_numpy()
    return About(
        kind, known.null_share, known.distinct, share, common[0], common[1],
        float(numbers.mean()), float(numbers.std()), decimals_of(numbers),
    )  # fmt: skip


def decimals_of(numbers: np.ndarray) -> int | None:
    """Return how many decimals nearly all of the numbers have, None where more than six."""
    for decimals in range(DECIMALS + 1):
        scaled = numbers * 10.0**decimals
        if np.mean(np.abs(scaled - np.round(scaled)) < 1e-6 + 1e-12 * np.abs(scaled)) >= 0.999:
            return decimals
    return None


def moved(values: pl.Series, numbers: np.ndarray, about: About, rng: np.random.Generator) -> pl.Series:
    """Return numbers to the column's decimals, up or down at random so that the mean is kept; nulls stay."""
    if about.decimals is not None:
        step = 10.0**-about.decimals
        numbers = np.round(np.floor(numbers / step + rng.random(len(numbers))) * step, about.decimals)
    return pl.select(pl.when(values.is_not_null()).then(pl.Series(numbers, nan_to_null=True))).to_series()


def numbers_of(values: pl.Series) -> np.ndarray:
    """Return the values as floats, null as NaN."""
    return values.cast(pl.Float64).to_numpy()


def rows_of(values: pl.Series, share: float, rng: np.random.Generator, among: pl.Series | None = None) -> pl.Series:
    """Return a mask of a share of all rows, taken at random from those that `among` marks (all of them by default)."""
    places = np.arange(len(values)) if among is None else among.fill_null(False).arg_true().to_numpy()
    chosen = rng.choice(places, min(round(share * len(values)), len(places)), replace=False)
    mask = np.zeros(len(values), dtype=bool)
    mask[chosen] = True
    return pl.Series(mask)


def replaced(values: pl.Series, mask: pl.Series, value: object) -> pl.Series:
    """Return the values with those that the mask marks replaced by one value."""
    return pl.select(pl.when(mask).then(pl.lit(value, dtype=values.dtype)).otherwise(values)).to_series()


def mean(values: pl.Series, about: About, grade: float, rng: np.random.Generator) -> pl.Series:
    """Add a multiple of the reference's standard deviation to every number."""
    return moved(values, numbers_of(values) + grade * about.sd, about, rng)


def scale(values: pl.Series, about: About, grade: float, rng: np.random.Generator) -> pl.Series:
    """Spread the numbers about the reference's mean, which stays."""
    return moved(values, about.mean + (numbers_of(values) - about.mean) * grade, about, rng)


def tail(values: pl.Series, about: About, grade: float, rng: np.random.Generator) -> pl.Series:
    """Make a share of the rows ten times as large."""
    far = rows_of(values, grade, rng, values.is_not_null()).to_numpy()
    return moved(values, np.where(far, 10.0, 1.0) * numbers_of(values), about, rng)


def unit(values: pl.Series, about: About, grade: float, rng: np.random.Generator) -> pl.Series:
    """Multiply every number, as another unit does."""
    return moved(values, numbers_of(values) * grade, about, rng)


def swap(values: pl.Series, about: About, grade: float, rng: np.random.Generator) -> pl.Series:
    """Move a share of the rows from the commonest category to the second."""
    return replaced(values, rows_of(values, grade, rng, values == about.top), about.second)


def new(values: pl.Series, about: About, grade: float, rng: np.random.Generator) -> pl.Series:
    """Give a share of the rows a category that the reference never had."""
    return replaced(values, rows_of(values, grade, rng, values.is_not_null()), NEW)


def nulls(values: pl.Series, about: About, grade: float, rng: np.random.Generator) -> pl.Series:
    """Empty a share of the rows."""
    return replaced(values, rows_of(values, grade, rng, values.is_not_null()), None)


WORDS = {
    "mean": "mean +{:g} sd", "scale": "scale ×{:g}", "tail": "{:.0%} of rows ×10", "swap": "{:.0%} swap category",
    "new": "{:.0%} new category", "nulls": "{:.0%} null", "unit": "unit ×{:g}",
}  # fmt: skip
SHIFTS = tuple(
    Shift(apply.__name__, grade, kind, apply)
    for apply, kind, grades in (
        (mean, "number", (0.1, 0.25, 0.5)),
        (scale, "number", (1.1, 1.25, 1.5)),
        (tail, "number", (0.01, 0.02)),
        (swap, "text", (0.05, 0.1, 0.2)),
        (new, "text", (0.01, 0.05)),
        (nulls, "any", (0.01, 0.05, 0.2)),
        (unit, "number", (1.609, 100.0)),
    )
    for grade in grades
)
