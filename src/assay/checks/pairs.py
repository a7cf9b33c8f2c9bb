"""Relations between columns that may hold: an order, an equality, a sum. Found in the profile, proved on every row.

A pair is only looked at where its names or its types say that the two are of one kind, as any two columns of positive
numbers of different size would otherwise stand in an order that means nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations, permutations
from typing import Any

from assay.checks.check import Check
from assay.checks.domains import name_words
from assay.checks.suite import make_check
from assay.data.kinds import Kind
from assay.profile.profile import ColumnProfile, Profile

__all__ = ["relation_candidates"]

LOWER = frozenset({"min", "low", "lower", "start", "begin", "first", "from", "lo", "in"})
UPPER = frozenset({"max", "high", "upper", "end", "stop", "last", "to", "hi", "out"})
LEAST_ROWS = 100
SUMMED = 24  # numeric columns at most that are tried as parts of a sum
MOST = 40


def relation_candidates(profile: Profile) -> list[Check]:
    """Return relations that the profile does not rule out and that its ranges do not already imply."""
    if profile.rows < LEAST_ROWS:
        return []
    columns = {name: c for name, c in profile.columns.items() if c.counts.present >= LEAST_ROWS and _spreads(c)}
    sums = list(_sums({name: c for name, c in columns.items() if c.kind.is_number}))
    orders = [_compared(a, b, "<=") for a, b in _orders(columns)]
    return [*orders[:MOST], *sums[:MOST]]


def _spreads(column: ColumnProfile) -> bool:
    if not (column.kind.is_number or column.kind.is_instant) or column.extremes is None or column.extremes.low is None:
        return False
    return bool(column.extremes.low != column.extremes.high)


def _compared(left: str, right: str, op: str) -> Check:
    odd = any(sign in name for name in (left, right) for sign in '<>=!"')
    told = {"left": left, "op": op, "right": right} if odd else {"relation": f"{left} {op} {right}"}
    return make_check("compare", (), told)


def _orders(columns: Mapping[str, ColumnProfile]) -> Iterator[tuple[str, str]]:
    """Yield pairs whose first may be at most the second in every row."""
    for a, b in permutations(columns, 2):
        left, right = columns[a], columns[b]
        if left.type != right.type or not (left.kind.is_instant or _named_as_ends(a, b)):
            continue
        low, high = left.extremes, right.extremes
        if low is None or high is None or low.low > high.low or low.high > high.high or low.high <= high.low:
            continue
        yield a, b


def _named_as_ends(a: str, b: str) -> bool:
    first, second = name_words(a), name_words(b)
    return bool((first - second) & LOWER and (second - first) & UPPER and first - LOWER == second - UPPER)


def _sums(columns: Mapping[str, ColumnProfile]) -> Iterator[Check]:
    """Yield totals whose mean is the sum of the means of two others: exact where the sum holds in each row."""
    numbers = {name: c for name, c in columns.items() if c.moments is not None and c.counts.missing == 0}
    if not 3 <= len(numbers) <= SUMMED:
        return
    for a, b in combinations(numbers, 2):
        for name, total in numbers.items():
            if name not in (a, b) and _adds_up(numbers[a], numbers[b], total):
                yield make_check("row_sum", (a, b), {"total": name, **_told(total)})


def _told(total: ColumnProfile) -> dict[str, Any]:
    if total.kind is not Kind.FLOAT or total.extremes is None:
        return {}
    size = max(abs(total.extremes.low), abs(total.extremes.high), 1e-300)
    return {"tolerance": float(f"{10.0 ** (math.floor(math.log10(size)) - 6):.0e}")}


def _adds_up(a: ColumnProfile, b: ColumnProfile, total: ColumnProfile) -> bool:
    means = [column.moments.mean for column in (a, b, total) if column.moments is not None]
    spreads = [column.moments.std or 0.0 for column in (a, b, total) if column.moments is not None]
    if min(spreads) == 0:
        return False
    return abs(means[0] + means[1] - means[2]) <= 1e-9 * max(map(abs, means))
