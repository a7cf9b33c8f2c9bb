"""Values that stand for a missing one (-1 among ages, 999 among days, "unknown" among words), taken out of a profile."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from assay.checks.check import exact
from assay.checks.spikes import TOLD, SentinelSpike, find_spike
from assay.data.kinds import Kind
from assay.profiles.profile import ColumnProfile
from assay.profiles.sketches import Frequent, Quantiles
from assay.profiles.states import Counts, Extremes, Moments

__all__ = ["stand_ins", "without"]

LEAST_ROWS = 50
MOST = 3
NEVER = (0, Decimal("Infinity"), Decimal("-Infinity"))


def stand_ins(column: ColumnProfile) -> tuple[Any, ...]:
    """Return the values of a column that stand for a missing one, as far as its profile shows; often none.

    They are those that `sentinel_spike` finds, but for 0: a zero that stands apart may be a fault as well as a value, and
    declaring it would hide it.
    """
    if column.frequent is None or column.kind not in TOLD or column.counts.present < LEAST_ROWS:
        return ()
    found: list[Any] = []
    while len(found) < MOST:
        spike = find_spike(
            column.frequent, column.quantiles, column.signs, SentinelSpike(ignore=(*NEVER, *map(exact, found)))
        )
        if spike is None:
            break
        found.append(spike.value)
    return tuple(int(value) if isinstance(value, float) and value.is_integer() else exact(value) for value in found)


def without(column: ColumnProfile, values: tuple[Any, ...]) -> ColumnProfile:
    """Return a column's profile as if these values were missing: exact counts and moments, extremes to the sketch's error."""
    if not values or column.frequent is None:
        return column
    counts = {value: column.frequent.counts.get(value, 0) for value in values}
    taken = sum(counts.values())
    c, f = column.counts, column.frequent
    changed: dict[str, Any] = {
        "counts": Counts(c.n, c.nulls, c.nans, c.sentinels + taken),
        "frequent": Frequent({v: times for v, times in f.counts.items() if v not in counts}, f.n - taken, f.error),
    }
    if column.kind.is_number and column.quantiles is not None:
        changed |= _numbers_without(column, {float(value): count for value, count in counts.items()})
    return msgspec.structs.replace(column, **changed)


def _numbers_without(column: ColumnProfile, counts: dict[float, int]) -> dict[str, Any]:
    assert column.quantiles is not None
    levels = tuple((values[~np.isin(values, list(counts))], weight) for values, weight in column.quantiles.levels)
    levels = tuple((values, weight) for values, weight in levels if len(values))
    quantiles = Quantiles(levels, max(column.quantiles.n - sum(counts.values()), 0), column.quantiles.error)
    changed: dict[str, Any] = {"quantiles": quantiles}
    if levels:
        ends = [min(values[0] for values, _ in levels), max(values[-1] for values, _ in levels)]
        typed = [int(end) if column.kind is Kind.INTEGER else float(end) for end in ends]
        kept = (
            [end for end in (column.extremes.low, column.extremes.high) if float(end) not in counts]
            if column.extremes
            else []
        )
        changed["extremes"] = Extremes(min([typed[0], *kept]), max([typed[1], *kept]))
    moments = column.moments
    for value, count in counts.items():
        moments = _taken_out(moments, value, count) if moments is not None else None
    return changed | {"moments": moments}


def _taken_out(moments: Moments, value: float, count: int) -> Moments:
    """Return the moments without some equal values: the merge of Chan, Golub & LeVeque (1983) turned round."""
    rest = moments.n - count
    if rest <= 0:
        return Moments()
    mean = (moments.n * moments.mean - count * value) / rest
    m2 = max(moments.m2 - (value - mean) ** 2 * rest * count / moments.n, 0.0)
    return Moments(rest, mean, m2)
