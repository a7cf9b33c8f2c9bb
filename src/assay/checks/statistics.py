"""Checks of statistics: one number of a column within bounds.

Without `confidence` a check judges the number of the data that is there. With it, it judges the population that the
rows were drawn from: it fails only where the interval excludes the bound, and is inconclusive where it straddles it.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from functools import partial

from assay.checks.association import ASSOCIATIONS
from assay.checks.check import CannotJudge, Check, Context, Judged, Rule, StateTest, rules
from assay.checks.ranges import Quantile, Range, Ranged
from assay.checks.readings import NUMBERS, STATISTICS, Seen, Statistic
from assay.data.kinds import Kind
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.profiles.states import Ranks
from assay.stats import intervals

__all__ = ["RULES"]


def _plan(statistic: Statistic, check: Check, context: Context) -> StateTest:
    name, told = check.columns[0], check.arguments
    assert isinstance(told, Range)
    dtype, kind = context.dtype(name), context.kind(name)
    if told.confidence is not None and statistic.interval is None:
        raise CannotJudge(
            f"{statistic.name} has no interval", hint="leave confidence out to judge the rows that are there"
        )
    ranged = Ranged.of(told, dtype, column=name, scale=statistic.scale, called=_called(statistic, told))
    needs = tuple(Need(state, (name,), parameter) for state, parameter in statistic.needs if _measured_on(state, kind))
    if statistic.name not in _RANKED:
        return StateTest(needs, partial(_judge, statistic, ranged, needs), ranged.expected)
    points = tuple(dict.fromkeys(end for end in ranged.ends if end is not None))
    ranks = Need("ranks", (name,), points)
    return StateTest((*needs, ranks), partial(_judge_ranks, statistic, ranged, needs, ranks), ranged.expected)


_RANKED = {"minimum": Decimal(0), "median": Decimal("0.5"), "maximum": Decimal(1), "quantile": None}


def _measured_on(state: str, kind: Kind) -> bool:
    return not (state == "total" and kind is Kind.FLOAT) and not (state == "signs" and kind not in NUMBERS)


def _called(statistic: Statistic, told: Range) -> str:
    if isinstance(told, Quantile):
        return f"the {told.q}-quantile"
    return statistic.summary[0].lower() + statistic.summary[1:].partition(" (")[0]


def _seen(needs: tuple[Need, ...], measured: Measured, ranged: Ranged, q: Decimal) -> Seen:
    return Seen({need.state: measured.states[need] for need in needs}, ranged.dtype, q)


def _judge(statistic: Statistic, ranged: Ranged, needs: tuple[Need, ...], measured: Measured) -> Judged:
    seen = _seen(needs, measured, ranged, Decimal(0))
    reading = statistic.read(seen)
    return ranged.judge(
        reading, statistic.interval(seen, ranged.confidence) if statistic.interval and reading.n else None
    )


def _judge_ranks(
    statistic: Statistic, ranged: Ranged, needs: tuple[Need, ...], ranked: Need, measured: Measured
) -> Judged:
    """Judge a quantile by how many values lie below its bounds: exact, where a sketch of the values is not."""
    q = ranged.told.q if isinstance(ranged.told, Quantile) else _RANKED[statistic.name] or Decimal(0)
    seen = _seen(needs, measured, ranged, q)
    ranks, reading = measured.states[ranked], statistic.read(seen)
    if reading.number is None:
        return ranged.undefined(reading)
    assert isinstance(ranks, Ranks)
    below = dict(zip(ranks.points, zip(ranks.below, ranks.at_or_below, strict=True), strict=True))
    low, high = ranged.ends
    counts = (None if low is None else below[low][0], None if high is None else below[high][1])
    if ranged.told.confidence is None:
        interval = statistic.interval(seen, 1.0) if statistic.interval and seen.states["quantiles"].error else None
        return ranged.conclude(_holds(q, ranks.n, counts), reading, interval, 1.0)
    interval = statistic.interval(seen, ranged.confidence) if statistic.interval else None
    return ranged.conclude(_surely_holds(q, ranks.n, counts, ranged.confidence), reading, interval, ranged.confidence)


def _holds(q: Decimal, n: int, counts: tuple[int | None, int | None]) -> bool:
    """Return whether the k-th value, k = max(⌈q·n⌉, 1), is at least one bound and at most the other."""
    k = max(math.ceil(Fraction(q) * n), 1)
    below, at_or_below = counts
    return (below is None or below < k) and (at_or_below is None or at_or_below >= k)


def _surely_holds(q: Decimal, n: int, counts: tuple[int | None, int | None], confidence: float) -> bool | None:
    """Return whether Wilson's intervals of the shares below the bounds lie on the right side of q; None where they straddle it."""
    said: list[bool | None] = []
    if counts[0] is not None:
        low, high = intervals.share(counts[0], n, confidence=confidence)
        said.append(True if high < q else False if low >= q else None)
    if counts[1] is not None:
        low, high = intervals.share(counts[1], n, confidence=confidence)
        said.append(True if low >= q else False if high < q else None)
    return False if False in said else None if None in said else True


def _rule(entry: Statistic) -> Rule:
    told, bare = (
        (Range, ("at_least", "at_most")) if entry.name != "quantile" else (Quantile, ("q", "at_least", "at_most"))
    )
    summary = f"{entry.summary} lies in a range."
    return Rule(entry.name, "statistics", summary, partial(_plan, entry), told, bare=bare, kinds=entry.kinds)


RULES = rules(*(_rule(entry) for entry in STATISTICS.values()), *ASSOCIATIONS)
