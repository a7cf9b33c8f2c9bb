"""What a dataset is compared with its reference by, where nobody has said: new words, shifted means, other units, gaps.

These are the checks that need the reference beside the data; what the reference suggests by itself is `suggest`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from assay.checks.check import Check
from assay.checks.suite import make_check
from assay.data.kinds import Kind
from assay.profiles.profile import ColumnProfile, Profile

__all__ = ["comparisons"]

CLOSED = 200  # a column of at most so many words is a set, to which a new one is worth a word
ENOUGH = 30  # values below which a mean is not compared
FEW = 300  # values below which a shift of units cannot be told from chance


def comparisons(reference: Profile) -> tuple[Check, ...]:
    """Return the checks that compare a dataset with a reference, column by column, all but the shifted mean as warnings.

    A column that counts up (an id, a time) moves by its nature and is not compared. The mean may move by two of the
    reference's standard deviations, the share of missing values by 0.05.
    """
    checks = [check for name, column in reference.columns.items() for check in _of(name, column)]
    return (*checks, make_check("new_columns", (), {"level": "warn"}))


def _of(name: str, column: ColumnProfile) -> Iterator[Check]:
    present = column.counts.present
    if present == 0 or _counts_up(column):
        return
    yield make_check("missing_share_change", (name,), {"level": "warn"})
    words = column.frequent
    if column.kind.is_text and words is not None and words.exact and len(words.counts) <= min(CLOSED, present // 10):
        yield make_check("new_categories", (name,), {"level": "warn"})
    if column.kind.is_number and not _is_calendar(column) and column.moments is not None and column.moments.m2 > 0:
        if present >= ENOUGH:
            yield make_check("mean_shift", (name,), True)
        if present >= FEW:
            yield make_check("unit_change", (name,), {"level": "warn"})


def _is_calendar(column: ColumnProfile) -> bool:
    """Return whether a column holds few whole numbers, as months, hours, years and codes do: their mean says nothing."""
    low, high = (column.extremes.low, column.extremes.high) if column.extremes is not None else (None, None)
    if column.kind is not Kind.INTEGER or column.distinct is None or low is None or high is None:
        return False
    return column.distinct.count <= 60 and ((low >= 0 and high <= 366) or (low >= 1900 and high <= 2100))


def _counts_up(column: ColumnProfile) -> bool:
    """Return whether nearly every value differs from all others, as in an id or an instant."""
    if column.kind.is_temporal:
        return True
    return (
        column.kind.is_number
        and column.type.startswith(("Int", "UInt"))
        and column.distinct is not None
        and column.distinct.count > 0.9 * column.counts.present
    )
