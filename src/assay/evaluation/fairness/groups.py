"""Groups of rows by sensitive columns: the values of each, bins of numbers, and crosses of columns.

A group is a slice; its name reads as a predicate ("sex = 'F'"). Every row is in one group of a column: a missing value makes a
group of its own, and the rarest of very many values are pooled.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import reduce

import polars as pl

from assay.data.kinds import kind_of
from assay.errors import UsageError, nearest
from assay.evaluation.slicing.bins import cut_by_bins
from assay.evaluation.slicing.cuts import MOST_VALUES, Cut, crossed, cut_by_values, present
from assay.evaluation.slicing.names import column_name, literal

__all__ = ["CROSS", "MOST_GROUPS", "cut_of", "cuts_of", "group_of", "title_of"]

CROSS = " × "
MOST_GROUPS = 1_000  # every two groups are compared: a million pairs
MOST_ALONE = 50  # values of a column by itself that are groups of their own
FEW = 10  # numbers with so many values are groups as they are


def title_of(cut: Cut) -> str:
    """Return what reports call the groups of a cut: its columns."""
    return CROSS.join(cut.columns)


def cut_of(
    frame: pl.DataFrame, column: str, *, edges: Sequence[float] = (), quantiles: int = 4, most: int = MOST_ALONE
) -> Cut:
    """Return the groups of a column: its values, or bins of a column of numbers or instants.

    It is cut at `edges` where there are some; without, into groups of about equal size where it has more than ten numbers.
    Of more than `most` values the rarest are one group.
    Raises UsageError where the column is not there, or has no bins though edges are given.

    >>> cut_of(pl.DataFrame({"sex": ["m", "f", None, "f"]}), "sex").names
    ("sex = 'f'", "sex = 'm'", 'sex is missing')
    >>> cut_of(pl.DataFrame({"age": [20, 30, 50]}), "age", edges=[25, 45]).names
    ('age < 25', 'age in [25, 45)', 'age >= 45')
    """
    values = present(frame, column)
    if edges:
        return cut_by_bins(frame, column, bins=list(edges))
    kind = kind_of(values.dtype)
    if (kind.is_number or kind.is_instant) and values.drop_nulls().n_unique() > FEW:
        return cut_by_bins(frame, column, bins=quantiles)
    return cut_by_values(frame, column, most=most)


def cuts_of(
    frame: pl.DataFrame, columns: Sequence[str], *, crosses: int, bins: Mapping[str, Sequence[float]], quantiles: int
) -> tuple[Cut, ...]:
    """Return the groups of each column, then of every pair and of every three, up to `crosses` columns together.

    Raises UsageError where a column is not there, or a cross makes more than a thousand groups.

    >>> frame = pl.DataFrame({"sex": ["m", "f"], "old": [True, True]})
    >>> [title_of(cut) for cut in cuts_of(frame, ["sex", "old"], crosses=2, bins={}, quantiles=4)]
    ['sex', 'old', 'sex × old']
    """
    for name in bins:
        if name not in columns:
            raise UsageError(f"bins are given for {name!r}, which is no sensitive column", hint=nearest(name, columns))
    single = [cut_of(frame, c, edges=bins.get(c, ()), quantiles=quantiles) for c in dict.fromkeys(columns)]
    parts = [
        cut if len(cut.names) <= MOST_VALUES else cut_of(frame, cut.columns[0], most=MOST_VALUES) for cut in single
    ]
    several = [
        reduce(crossed, some)
        for depth in range(2, min(crosses, len(single)) + 1)
        for some in itertools.combinations(parts, depth)
    ]
    for cut in several:
        if len(cut.names) > MOST_GROUPS:
            raise UsageError(
                f"{title_of(cut)} makes {len(cut.names):,} groups; up to {MOST_GROUPS:,} are compared",
                hint="give bins, or set crosses to less",
            )
    return (*single, *several)


def group_of(cut: Cut, value: str) -> int:
    """Return the place of a group that a person named: by its whole name, or by the value alone.

    Raises UsageError where there is no such group.

    >>> group_of(cut_of(pl.DataFrame({"sex": ["m", "f"]}), "sex"), "m")
    1
    """
    title = column_name(cut.columns[0])
    for name in (value, f"{title} = {literal(value)}", f"{title} = {value}", f"{title} {value}"):
        if name in cut.names:
            return cut.names.index(name)
    raise UsageError(f"{title_of(cut)} has no group {value!r}", hint=nearest(value, cut.names))
