"""Relations between columns that may hold: an order, an equality, a sum. Found in the profile, proved on every row.

A pair is only looked at where its names or its types say that the two are of one kind, as any two columns of positive
numbers of different size would otherwise stand in an order that means nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations
from typing import Any

import numpy as np

from assay.checks.check import Check
from assay.checks.crosscolumn import Compare
from assay.checks.domains import name_words
from assay.checks.suite import make_check
from assay.data.kinds import Kind
from assay.profiles.profile import ColumnProfile, Profile

__all__ = ["relation_candidates", "telling"]

LOWER = frozenset({"min", "low", "lower", "start", "begin", "first", "from", "lo", "in"})
UPPER = frozenset({"max", "high", "upper", "end", "stop", "last", "to", "hi", "out"})
LEAST_ROWS = 100
SUMMED = 24  # numeric columns at most that are tried as parts of a sum
MOST = 40
TOLD = 8
LEAST_BROKEN = 20  # rows that would break an order by chance: where fewer would, that none does shows nothing


def relation_candidates(profile: Profile) -> list[Check]:
    """Return relations that the profile does not rule out and that its ranges do not already imply."""
    if profile.rows < LEAST_ROWS:
        return []
    columns = {name: c for name, c in profile.columns.items() if c.counts.present >= LEAST_ROWS and _spreads(c)}
    sums = list(_sums({name: c for name, c in columns.items() if c.kind.is_number}))
    orders = [_compared(a, b, "<=") for a, b in _orders(columns)]
    return [*orders[:MOST], *sums[:MOST]]


def telling(proven: Sequence[Check]) -> list[Check]:
    """Return proven relations without those that follow from others: a <= c from a <= b and b <= c.

    Columns each at most the other are equal, which is said once.
    """
    orders = {ends for check in proven if (ends := _ends_of(check)) is not None}
    equal = [(a, b) for a, b in sorted(orders) if a < b and (b, a) in orders]
    stands_for: dict[str, str] = {}
    for a, b in equal:
        stands_for.setdefault(b, stands_for.get(a, a))
    rest = {(a, b) for a, b in orders if a not in stands_for and b not in stands_for}
    middles = {name for pair in rest for name in pair}
    direct = [(a, c) for a, c in sorted(rest) if not any((a, b) in rest and (b, c) in rest for b in middles)]
    equalities = [_compared(first, name, "==") for name, first in stands_for.items()]
    return [
        *equalities,
        *(_compared(a, b, "<=") for a, b in direct[:TOLD]),
        *(check for check in proven if _ends_of(check) is None),
    ]


def _ends_of(check: Check) -> tuple[str, str] | None:
    told = check.arguments
    if not isinstance(told, Compare):
        return None
    left, _, right = told.relation.partition(" <= ")
    return (left, right) if told.relation else (told.left, told.right)


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
        if _by_chance(left, right) * min(left.counts.present, right.counts.present) >= LEAST_BROKEN:
            yield a, b


def _by_chance(left: ColumnProfile, right: ColumnProfile) -> float:
    """Return the share of rows in which the first would lie above the second if the two had nothing to do with each other."""
    spread = left.quantiles.many(np.linspace(0.005, 0.995, 100)) if left.quantiles is not None else None
    if spread is None or right.quantiles is None or not right.quantiles.levels:
        return 0.0
    values, upto = right.quantiles.cumulative()
    places = np.searchsorted(values, spread, side="left")
    below = np.where(places > 0, upto[np.maximum(places - 1, 0)], 0)
    return float((below / upto[-1]).mean())


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
