"""Metrics whose name ends in a number: `f2`, `ndcg@10`, `recall@precision>=0.9`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from assay.errors import UsageError
from assay.evaluation.metrics.metric import Metric

__all__ = ["Numbered"]

_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Numbered:
    """One family of metrics: what stands before the number, and the metric of a number.

    A number is at least `low` and at most `high` (`open_low`: above it; `open_high`: below it), and whole where `whole` says so.
    `symbol` stands for it in formulas and in messages; `examples` are numbers that tests and the docs use.
    """

    before: str
    of: Callable[[float], Metric]
    symbol: str
    examples: tuple[float, ...]
    low: float = 0.0
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    whole: bool = False

    @property
    def name(self) -> str:
        """Return the name with the symbol in the number's place: `ndcg@k`."""
        return f"{self.before}{self.symbol}"

    @property
    def rule(self) -> str:
        """Return in words which numbers there may be.

        >>> Numbered("ndcg@", lambda k: None, "k", (10,), low=1, whole=True).rule
        'a whole number of at least 1'
        """
        what = "a whole number" if self.whole else "a number"
        least = f"above {self.low:g}" if self.open_low else f"of at least {self.low:g}"
        most = f" and {'below' if self.open_high else 'at most'} {self.high:g}" if math.isfinite(self.high) else ""
        return f"{what} {least}{most}"

    def number(self, name: str) -> float | None:
        """Return the number that a name ends in; None where the name is not of this family.

        Raises UsageError where the number is not one that may stand there.
        """
        told = name[len(self.before) :] if name.startswith(self.before) else ""
        if not _NUMBER.fullmatch(told):
            return None
        number = float(told)
        above = number > self.low if self.open_low else number >= self.low
        below = number < self.high if self.open_high else number <= self.high
        if not (above and below and (number.is_integer() or not self.whole)):
            raise UsageError(f"{name!r}: {self.symbol} is {told}; it is {self.rule}")
        return number
