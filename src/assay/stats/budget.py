"""Alarms across time: a budget of false alarms is spent window by window, whatever their number.

A p-value below 0.05 in each hourly window is an alarm and more each day though nothing happened. A `Budget` says instead at
which level the next window is judged, so that the false alarms of a month, or the share of alarms that are false, stay what
was asked for. It is a frozen value that saves as plain data: `advance` returns the decision and the budget afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

import msgspec

__all__ = ["Budget", "Lord", "Spending", "Spent", "advance", "advance_all"]


class Spent(NamedTuple):
    """What was decided of one window: whether it is an alarm, the level that it was judged at, and why in a sentence."""

    alarm: bool
    level: float
    why: str


class Spending(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="spending", tag_field="procedure"):
    """A number of false alarms in a period, spent as time passes: one in thirty days unless told otherwise.

    Until each window, `alarms` · (time since the one before) / `period` is saved, up to `saved_at_most`. A window is judged
    at the level min(`spend` · saved, `level_at_most`), which is then no longer saved. Windows at regular times so come to
    spend what accrues; where they are so rare that more than `level_at_most` accrues, there are fewer false alarms than
    allowed.

    The proof in a sentence: a window without a change is an alarm with a probability of at most its level, a level depends
    on times alone (and on which windows had a p-value), and expectations add up whatever the dependence between windows, so
    from the start on the expected false alarms are at most the levels' sum, which is at most `alarms` · time / `period`; in
    any stretch of time at most `saved_at_most` more.

    `at` is the instant until which time was counted: give the start of the first window. A window that is late gets no
    time of its own, as that was counted for a later one, but a share of what is saved; so does the second of two at one
    instant: `advance_all` judges them alike. After a long gap a window has at most `saved_at_most` to spend from. A window
    without a p-value spends nothing.

    Raises ValueError where a number makes no budget, or `at` has no time zone.

    >>> from datetime import timezone
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    >>> budget = Spending(at=noon, alarms=1, period=timedelta(days=30))
    >>> spent, budget = advance(budget, 0.0001, at=noon + timedelta(days=1))
    >>> spent.alarm, round(spent.level, 4), round(budget.saved, 4)
    (True, 0.0167, 0.0167)
    """

    at: datetime
    alarms: float = 1.0
    period: timedelta = timedelta(days=30)
    saved_at_most: float = 1.0
    level_at_most: float = 0.05
    spend: float = 0.5
    saved: float = 0.0

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"at is {self.at}, which has no time zone; give an instant, such as 2026-01-01T00:00:00Z")
        if not (0 < self.alarms < math.inf) or self.period <= timedelta(0):
            raise ValueError(f"{self.alarms} alarms in {self.period} is no budget; both are more than 0")
        if not (0 < self.level_at_most < 1 and 0 < self.spend <= 1):
            raise ValueError(
                f"level_at_most is {self.level_at_most}, spend {self.spend}; in (0, 1), and more than 0 up to 1"
            )
        if not 0 <= self.saved <= self.saved_at_most < math.inf:
            raise ValueError(f"saved is {self.saved} of at most {self.saved_at_most}; both are at least 0")

    def levels(self, count: int, *, at: datetime) -> tuple[float, Spending]:
        """Return the level of each of `count` windows at one instant, and the budget with time counted until then."""
        if at.tzinfo is None:
            raise ValueError(f"at is {at}, which has no time zone; give an instant, such as 2026-01-01T00:00:00Z")
        passed = max(at - self.at, timedelta(0))
        saved = min(self.saved + self.alarms * (passed / self.period), self.saved_at_most)
        after = msgspec.structs.replace(self, at=max(at, self.at), saved=saved)
        return min(self.spend * saved, self.level_at_most) / max(count, 1), after


class Lord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lord", tag_field="procedure"):
    """A share of alarms that may be false, kept over a stream of windows without end: LORD++.

    The t-th window is judged at γₜ·w + (q - w)·γₜ₋τ₁ + q·Σⱼ≥₂ γₜ₋τⱼ, with τ₁ < τ₂ < … the windows of the alarms so far, w
    = q/2, and γⱼ ∝ ln(max(j, 2)) / (j·exp(√ln j)), which sums to 1. So each alarm earns levels for the windows after it,
    and a long quiet time lowers them: it suits a stream in which some windows do change. Time plays no part; windows count
    in the order in which they arrive, late or at one instant.

    The expected share of false alarms among all alarms until any window is at most q where the p-values of windows without
    a change are independent of all others. Windows judged against one and the same reference are only nearly so.
    Only the last 1,000 alarms are kept, which lowers levels and so keeps the promise. A window without a p-value is not
    counted. Source: Ramdas, Yang, Wainwright & Jordan 2017; γ: Javanmard & Montanari 2018.

    Raises ValueError where q is not in (0, 1).

    >>> spent, budget = advance(Lord(q=0.1), 0.2, at=datetime(2026, 1, 1))
    >>> round(spent.level, 5), spent.alarm, budget.seen
    (0.00274, False, 1)
    """

    q: float = 0.05
    seen: int = 0
    found: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.q < 1:
            raise ValueError(f"q is {self.q}; the share of alarms that may be false is in (0, 1)")

    @property
    def level(self) -> float:
        """Return the level of the next window."""
        t, half = self.seen + 1, self.q / 2
        earned = sum(_gamma(t - alarm) for alarm in self.found)
        first = half * _gamma(t - self.found[0]) if self.found else 0.0
        return half * _gamma(t) + self.q * earned - first


# 1 / Σ ln(max(j, 2)) / (j·exp(√ln j)): ten million terms, and the rest as the integral 2·Γ(4, √ln N).
_GAMMA_SCALE = 0.0790819
_MOST_FOUND = 1_000


def _gamma(j: int) -> float:
    log = math.log(j)
    return _GAMMA_SCALE * max(log, math.log(2)) / (j * math.exp(math.sqrt(log)))


Budget: TypeAlias = Spending | Lord


def advance(budget: Budget, p_value: float | None, *, at: datetime) -> tuple[Spent, Budget]:
    """Return the decision on one window that was judged at an instant, and the budget afterwards.

    `p_value` is that of the whole window: of a table with many columns, `corrections.simes` of theirs. None, where it is
    undefined, is no alarm and costs nothing. Raises ValueError where it is not in [0, 1], or the instant has no time zone
    and the budget goes by time.
    """
    (spent,), after = advance_all(budget, [p_value], at=at)
    return spent, after


def advance_all(budget: Budget, p_values: Sequence[float | None], *, at: datetime) -> tuple[tuple[Spent, ...], Budget]:
    """Return the decisions on several windows at one instant, in the given order, and the budget afterwards.

    `Spending` gives each the same part of the level that one window would have had; `Lord` judges them one by one.
    Raises as `advance`.
    """
    for p in p_values:
        if p is not None and not 0 <= p <= 1:
            raise ValueError(f"a p-value is {p}; it is in [0, 1], and None where it is undefined")
    if isinstance(budget, Spending):
        count = sum(p is not None for p in p_values)
        level, after = budget.levels(count, at=at)
        left = max(after.saved - level * count, 0.0)
        return tuple(_judged(p, level) for p in p_values), msgspec.structs.replace(after, saved=left)
    decisions: list[Spent] = []
    for p in p_values:
        decisions.append(_judged(p, budget.level))
        if p is not None:
            found = (*budget.found, budget.seen + 1) if decisions[-1].alarm else budget.found
            budget = msgspec.structs.replace(budget, seen=budget.seen + 1, found=found[-_MOST_FOUND:])
    return tuple(decisions), budget


def _judged(p: float | None, level: float) -> Spent:
    if p is None:
        return Spent(False, 0.0, "the window has no p-value; what it could have spent is kept")
    if p <= level:
        return Spent(True, level, f"p = {p:.3g} is at most this window's level of {level:.3g}")
    if level == 0:
        return Spent(False, 0.0, "nothing is saved to spend: no time has passed that was not counted for other windows")
    return Spent(False, level, f"p = {p:.3g} is above this window's level of {level:.3g}")
