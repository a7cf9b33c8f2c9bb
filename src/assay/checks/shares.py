"""Shares and counts as bounds: how they are validated, compared exactly, and said in words."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from assay.checks.bounds import check_range
from assay.checks.check import Arguments
from assay.stats.intervals import share
from assay.verdict import Estimate

__all__ = [
    "CountRange",
    "Share",
    "ShareRange",
    "check_counts",
    "check_shares",
    "count_in",
    "percent",
    "share_estimate",
    "share_in",
]

Share: TypeAlias = Decimal | int  # a fraction in [0, 1], exactly as it was written


def check_counts(at_least: int | None = None, at_most: int | None = None) -> None:
    """Raise ValueError where a range of counts is empty or below zero."""
    check_range(at_least, at_most)
    for name, bound in (("at_least", at_least), ("at_most", at_most)):
        if bound is not None and bound < 0:
            raise ValueError(f"{name} is {bound}; counts go from 0 up")


class CountRange(Arguments, frozen=True):
    """A range of counts or lengths, its ends inside."""

    at_least: int | None = None
    at_most: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self.at_least, self.at_most)


class ShareRange(Arguments, frozen=True):
    """A range of shares in [0, 1], its ends inside."""

    at_least: Share | None = None
    at_most: Share | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self.at_least, self.at_most)
        check_shares(at_least=self.at_least, at_most=self.at_most)


def check_shares(**bounds: Share | None) -> None:
    """Raise ValueError where a share is outside [0, 1].

    >>> check_shares(at_most=5)
    Traceback (most recent call last):
    ValueError: at_most is 5; shares lie in [0, 1], and 5 percent is 0.05
    """
    for name, bound in bounds.items():
        if bound is not None and not 0 <= bound <= 1:
            meant = f", and {bound} percent is {Decimal(bound) / 100}" if 1 < bound <= 100 else ""
            raise ValueError(f"{name} is {bound}; shares lie in [0, 1]{meant}")


def count_in(count: int, at_least: int | None, at_most: int | None) -> bool:
    """Return whether a count lies in a range; an end that is None is open."""
    return (at_least is None or count >= at_least) and (at_most is None or count <= at_most)


def share_in(part: int, whole: int, at_least: Share | None, at_most: Share | None) -> bool:
    """Return whether part/whole lies in a range, without rounding.

    >>> share_in(1, 3, Decimal("0.3333333333333333333333333333333334"), None)
    False
    """
    exactly = Fraction(part, whole)
    return (at_least is None or exactly >= Fraction(at_least)) and (at_most is None or exactly <= Fraction(at_most))


def share_estimate(part: int, whole: int, unit: str) -> Estimate:
    """Return a share of rows with its Wilson interval."""
    interval = share(part, whole)
    return Estimate(part / whole, whole, interval.low, interval.high, 0.95, unit)


def percent(part: float, whole: float = 1) -> str:
    """Return a share as percent, with enough digits that a rare thing is not 0% and nearly all not 100%.

    >>> percent(1, 8), percent(3, 100_000), percent(99_999, 100_000), percent(0, 5)
    ('12.5%', '0.003%', '99.999%', '0%')
    """
    percents = part / whole * 100
    if percents in (0, 100):
        return f"{percents:.0f}%"
    if percents > 99:
        return f"{100 - float(f'{100 - percents:.1g}'):.10g}%"
    return f"{percents:.3g}%"
