"""What is usual: how far windows of the reference itself lie from all of it, and the bounds that follow.

A reference that has time moves by nature: by day, by season. Windows as long as the one to be judged, at the same hours
of the day, are slid over it, each is compared with the whole, and what those sizes let expect of one more window is the
least that counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from assay.checks.check import Check, NotCompared
from assay.checks.drift.arguments import NONE, Drift
from assay.checks.drift.aspects import ASPECTS
from assay.checks.drift.weigh import asked, measure
from assay.checks.suite import Suite
from assay.data.dataset import Dataset
from assay.data.engine import Engine, Progress
from assay.data.kinds import Kind
from assay.data.names import col as column
from assay.profiles.buckets import profile_history
from assay.profiles.column import Need
from assay.profiles.profile import Profile
from assay.stats import intervals
from assay.stats.distances import get_distance

__all__ = ["LEAST", "History", "Stretch", "calibrated", "history_of", "limit"]

LEAST = 5  # windows side by side before their sizes say what is usual
STRIDES = 4  # a window of several days moves by this part of its length, a day at least
MOST = 400  # steps of time that are kept: of a longer reference the last ones
CELLS = 60_000  # steps times columns that are kept
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time that data covers: its first and its last instant (a date: the midnights of both days)."""

    first: datetime
    last: datetime
    whole_days: bool = False

    @property
    def length(self) -> timedelta:
        """Return how long it is; of dates the last day counts too."""
        return self.last - self.first + (DAY if self.whole_days else timedelta())

    @property
    def window(self) -> timedelta:
        """Return how long a window like it is: as it is up to half a day, else whole days."""
        return self.length if self.length <= DAY / 2 else DAY * max(round(self.length / DAY), 1)


@dataclass(frozen=True, slots=True)
class History:
    """Windows of a reference; `apart` of them stand side by side, and the others share rows with these."""

    windows: tuple[Profile, ...]
    apart: int


@dataclass(frozen=True, slots=True)
class Usual:
    """The bound that a reference's own windows let expect, and how many they were."""

    bound: float
    windows: int


def history_of(
    reference: Dataset, like: Stretch, *, engine: Engine, needs: Sequence[Need], progress: Progress | None = None
) -> History:
    """Return a reference's windows like a stretch of time, from one scan.

    Up to half a day they are the same hours of each day; from there whole days from midnight, which move by a quarter of
    their length. Of a reference of more than 400 steps the last ones are taken.
    """
    time = reference.roles.time
    assert time is not None
    days = max(like.window // DAY, 1)
    step = max(days // STRIDES, 1)
    sliced = _recent(_same_hours(reference, time, like), time, step * DAY, len({n.columns[0] for n in needs}))
    found = profile_history(sliced, time=time, every=step * DAY, engine=engine, needs=needs, progress=progress)
    wide = max(days // step, 1)
    windows = []
    for place in range(len(found.windows) - wide + 1):
        parts = found.windows[place : place + wide]
        if parts[-1][0] - parts[0][0] <= step * DAY * (wide - 1) + DAY / 12:  # a day may have 25 hours; no gap
            windows.append(_joined([profile for _, profile in parts]))
    return History(tuple(windows), len(windows) // wide)


def _joined(parts: Sequence[Profile]) -> Profile:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.merge(part)
    return whole


def _same_hours(reference: Dataset, time: str, like: Stretch) -> Dataset:
    """Return the rows at the hours of the day that a stretch covers, each day beginning with its first hour."""
    if like.window >= DAY or reference.columns[time] is Kind.DATE:
        return reference
    since = timedelta(hours=like.first.hour, minutes=like.first.minute, seconds=like.first.second)
    moved = column(time).dt.offset_by(f"-{int(since.total_seconds())}s")
    inside = moved - moved.dt.truncate("1d") <= like.window
    return replace(
        reference, open=lambda: reference.scan().with_columns(moved.alias(time)).filter(inside), fingerprint=""
    )


def _recent(reference: Dataset, time: str, step: timedelta, columns: int) -> Dataset:
    """Return the rows of the last steps, where there are more than are kept."""
    most = max(min(MOST, CELLS // max(columns, 1)), LEAST)
    last = reference.scan().select(column(time).max()).collect(engine="streaming").item()
    if last is None:
        return reference
    return replace(reference, open=lambda: reference.scan().filter(column(time) > last - most * step), fingerprint="")


def calibrated(suite: Suite, reference: Profile, history: History) -> Suite:
    """Return the suite with what is usual in its drift checks; as it is where there are too few windows to say.

    Each size is that of a window against the whole reference, less its own part in it. The bound is what one new window
    passes with the probability of the check's alpha, over all checks together, and the size that counts beyond it.
    """
    drifts = [
        check for check in suite.checks if isinstance(check.arguments, Drift) and check.arguments.distance != NONE
    ]
    if history.apart < LEAST:
        return suite
    bounds = {id(check): _usual(check, reference, history, len(drifts)) for check in drifts}
    return suite.with_checks(_with(check, bounds.get(id(check))) for check in suite.checks)


def _with(check: Check, usual: Usual | None) -> Check:
    if usual is None:
        return check
    bound = Decimal(repr(round(usual.bound, 6)))
    told = msgspec.structs.replace(check.arguments, usual=bound, windows=usual.windows)
    return msgspec.structs.replace(check, arguments=told)


def _usual(check: Check, reference: Profile, history: History, among: int) -> Usual | None:
    told, aspect = check.arguments, ASPECTS[check.rule]
    assert isinstance(told, Drift)
    whole = reference.columns[check.columns[0]]
    if aspect.refuse(whole, told):
        return None
    asks = asked(told, aspect.defaults(whole, told))
    sizes = []
    for window in history.windows:
        try:
            sides = aspect.sides(whole, window.columns[whole.name], told)
        except NotCompared:
            return None
        size = None if sides.pair is None else measure(asks, sides).value
        if size is not None:
            # Compared with all rows, its own among them, a window lies nearer than with all others, by its share of them.
            size /= max(1 - window.rows / max(reference.rows, 1), 0.5)
            sizes.append(max(size, 0.0) if asks.rises else abs(size))
    apart = len(sizes) * history.apart // len(history.windows)
    if apart < LEAST:
        return None
    most = get_distance(asks.distance).range[1]
    # Where windows hardly differ from one another the limit is close: what counts must pass it by a size that counts.
    bound = limit(sizes, apart=apart, alpha=asks.alpha / max(among, 1), most=most) + asks.at_least
    return Usual(bound, len(sizes))


def limit(sizes: Sequence[float], *, apart: int, alpha: float, most: float = math.inf) -> float:
    """Return the size that one more window exceeds with a probability of alpha, where it moves as these did.

    g⁻¹(m + t·s·√(1 + 1/k)) with m and s the mean and the standard deviation of g(size), t the (1 - alpha) quantile of
    Student's distribution with k - 1 degrees of freedom, and k the windows that stand `apart` (those between share their
    rows). g is the logarithm, or ln(x / (most - x)) of a size that ends at `most`. Sizes of 0 count as the least one that is
    not, at most 0.001. At least the greatest size seen. Where all are 0: 0.

    >>> round(limit([0.1, 0.2, 0.1, 0.2, 0.1], apart=5, alpha=0.01), 3)
    0.627
    >>> round(limit([0.1, 0.2, 0.1, 0.2, 0.1], apart=5, alpha=0.01, most=1), 3)
    0.488
    """
    least = min((size for size in sizes if size > 0), default=None)
    if least is None:
        return 0.0
    floor = min(least, 1e-3)
    moved = [_open(max(size, floor), most) for size in sizes]
    m = math.fsum(moved) / len(moved)
    s = math.sqrt(math.fsum((x - m) ** 2 for x in moved) / (len(moved) - 1))
    t = intervals.student_quantile(1 - alpha, apart - 1)
    return max(*sizes, _closed(m + t * s * math.sqrt(1 + 1 / apart), most))


def _open(size: float, most: float) -> float:
    return math.log(size) if math.isinf(most) else math.log(size / max(most - size, most * 1e-6))


def _closed(x: float, most: float) -> float:
    return math.exp(min(x, 700.0)) if math.isinf(most) else most / (1 + math.exp(-x))
