"""Columns of words that nearly follow from another: a zip code and its city, a code and its name, with a few slips."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import polars as pl

from assay.checks.domains import CODES, name_words
from assay.data.kinds import Kind
from assay.data.names import col

__all__ = ["determined", "nearly_determined"]

LEAST_ROWS = 100
DIFFERENT = 5  # values at least on either side
SLIPS = 0.05  # rows at most that have another value than most rows with the same key
USUAL = 0.5  # a value that this share of all rows has follows from anything
TRIED = 10
MOST = 8


def nearly_determined(rows: pl.DataFrame, kinds: Mapping[str, Kind]) -> list[tuple[str, str]]:
    """Return pairs (key, value): rows with the same key nearly all have the same value, and some few don't.

    Each value is given the key that it follows best. Nothing is said of fewer than 100 rows.

    >>> zips = [f"z{i % 20}" for i in range(200)]
    >>> cities = [f"city {i % 20 // 2}" if i else "slip" for i in range(200)]
    >>> nearly_determined(pl.DataFrame({"zip": zips, "city": cities}), {"zip": Kind.TEXT, "city": Kind.TEXT})
    [('zip', 'city')]
    """
    if rows.height < LEAST_ROWS:
        return []
    names = _names(rows, kinds)
    best: dict[str, tuple[float, str]] = {}
    for key, value in permutations(names, 2):
        slips = _slips(rows, key, value)
        if slips is not None and 0 < slips <= SLIPS and slips < best.get(value, (1.0, ""))[0]:
            best[value] = (slips, key)
    pairs = sorted((slips, key, value) for value, (slips, key) in best.items())
    return [(key, value) for _, key, value in pairs[:MOST]]


def determined(rows: pl.DataFrame, kinds: Mapping[str, Kind]) -> list[tuple[str, tuple[str, ...]]]:
    """Return keys with all that follows from them without an exception; what follows from several stands with the first.

    The key that most follows from comes first. Nothing is said of fewer than 100 rows.
    """
    if rows.height < LEAST_ROWS:
        return []
    names = _names(rows, kinds)
    follows = {key: [value for value in names if value != key and _slips(rows, key, value) == 0] for key in names}
    found: list[tuple[str, tuple[str, ...]]] = []
    told: set[str] = set()
    for key in sorted(names, key=lambda name: -len(follows[name])):
        values = tuple(value for value in follows[key] if value not in told)
        if values and key not in told:
            found.append((key, values))
            told |= {key, *values}
    return found[:MOST]


def _names(rows: pl.DataFrame, kinds: Mapping[str, Kind]) -> list[str]:
    """Return the columns that may be keys or follow from one: words, and numbers that are called codes."""
    fitting = [
        name for name, kind in kinds.items() if kind.is_text or (kind is Kind.INTEGER and name_words(name) & CODES)
    ]
    return [name for name in fitting if _repeats(rows, name)][:TRIED]


def _repeats(rows: pl.DataFrame, name: str) -> bool:
    values = rows.select(col(name)).to_series().alias("values").drop_nulls()
    different = values.n_unique()
    if not DIFFERENT <= different <= rows.height / 3 or len(values) < LEAST_ROWS:
        return False
    most = values.value_counts(name="n")["n"].max()
    return isinstance(most, int) and most <= USUAL * len(values)


def _slips(rows: pl.DataFrame, key: str, value: str) -> float | None:
    """Return the share of rows that have another value than most with their key, of those whose key repeats."""
    pairs = rows.lazy().select(col(key).alias("key"), col(value).alias("value")).drop_nulls()
    counted = (
        pairs.group_by("key", "value")
        .len("n")
        .group_by("key")
        .agg(pl.col("n").sum().alias("rows"), pl.col("n").max().alias("most"))
    )
    seen = (
        counted.filter(pl.col("rows") > 1)
        .select(pl.col("rows").sum(), pl.col("most").sum(), pl.len().alias("keys"))
        .collect()
        .row(0)
    )
    if seen[0] < 0.8 * rows.height or seen[2] < DIFFERENT:
        return None
    return 1 - float(seen[1]) / float(seen[0])
