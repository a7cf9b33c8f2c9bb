"""The check of outliers: how many values lie beyond fences that the data, or a reference, sets."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Literal

from assay.checks.check import Arguments, CannotJudge, Check, Context, Judged, Rule, StateTest, rules
from assay.checks.shares import Share, check_shares, percent, share_in
from assay.data.kinds import Kind
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.profiles.profile import ColumnProfile
from assay.profiles.sketches import Quantiles
from assay.profiles.states import Moments, Ranks
from assay.verdict import Estimate

__all__ = ["RULES", "Outliers"]

NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
Fences = tuple[float, float]


class Outliers(Arguments, frozen=True):
    """Fences and the share of values that may lie beyond them.

    `iqr: k` puts them k interquartile ranges beyond the quartiles (Tukey 1977, with k = 1.5 or 3; the default, 3),
    `sigma: k` puts them k standard deviations from the mean. `of: reference` takes both from the reference.
    """

    at_most: Share = Decimal("0.01")
    iqr: Decimal | int | None = None
    sigma: Decimal | int | None = None
    of: Literal["data", "reference"] = "data"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shares(at_most=self.at_most)
        if self.iqr is not None and self.sigma is not None:
            raise ValueError("give iqr or sigma, not both")
        for name, factor in (("iqr", self.iqr), ("sigma", self.sigma)):
            if factor is not None and not (Decimal(factor).is_finite() and factor > 0):
                raise ValueError(f"{name} is {factor}; expected a number above 0")

    @property
    def words(self) -> str:
        """Return the fences in words."""
        whose = "the reference's " if self.of == "reference" else "the "
        if self.sigma is not None:
            return f"within {self.sigma} standard deviations of {whose}mean"
        return f"within {self.iqr or 3} interquartile ranges of {whose}quartiles"


def _outliers(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, Outliers)
    expected = f"{told.words}, but for at most {percent(float(told.at_most))} of the values"
    if told.of == "reference":
        return _by_reference(told, name, context, expected)
    quantiles, moments = Need("quantiles", (name,)), Need("moments", (name,))

    def judge(measured: Measured) -> Judged:
        seen, powers = measured.states[quantiles], measured.states[moments]
        if seen.n == 0:
            return _undefined(0, "no row has a value")
        fences = _fences(told, seen, powers)
        if isinstance(fences, str):
            return _undefined(seen.n, fences)
        outside = _rank(seen, fences[0], below=True) + 1 - _rank(seen, fences[1], below=False)
        return _judged_share(told, outside, 2 * seen.rank_error, seen.n, fences)

    return StateTest((quantiles, moments), judge, expected)


def _fences(told: Outliers, quantiles: Quantiles, moments: Moments) -> Fences | str:
    """Return the fences, or why there are none."""
    if told.sigma is not None:
        if not moments.std:
            return "all values are equal, so that there is no standard deviation to measure by"
        return moments.mean - float(told.sigma) * moments.std, moments.mean + float(told.sigma) * moments.std
    quartiles = quantiles.many([0.25, 0.75])
    if quartiles is None:
        return "no row has a value"
    low, high = (float(quartile) for quartile in quartiles)
    width = high - low
    if not (math.isfinite(width) and width > 0):
        return "half of the values are equal, so that there is no interquartile range to measure by; use sigma"
    return low - float(told.iqr or 3) * width, high + float(told.iqr or 3) * width


def _rank(quantiles: Quantiles, value: float, *, below: bool) -> float:
    return quantiles.rank(math.nextafter(value, -math.inf) if below else value)


def _judged_share(told: Outliers, share: float, slack: float, n: int, fences: Fences) -> Judged:
    low, high = max(share - slack, 0.0), min(share + slack, 1.0)
    bound = float(told.at_most)
    holds = True if high <= bound else False if low > bound else share <= bound if slack == 0 else None
    about = "" if slack == 0 else "about "
    words = f"{about}{percent(share)} of {n:,} values lie outside {fences[0]:.6g} to {fences[1]:.6g}"
    if holds is None:
        words += f"; the share is known to within {percent(slack)}, which is too near the bound to tell"
    return Judged(holds, Estimate(share, n, low, high, 1, "share of values"), words)


def _undefined(n: int, why: str) -> Judged:
    return Judged(None, Estimate(None, n=n, why=why), why, n)


def _by_reference(told: Outliers, name: str, context: Context, expected: str) -> StateTest:
    known = context.needs_reference().columns.get(name)
    if not isinstance(known, ColumnProfile) or known.quantiles is None or known.moments is None:
        raise CannotJudge(f"the reference has no column {name!r} of numbers", hint="take the fences of: data")
    fences = _fences(told, known.quantiles, known.moments)
    if isinstance(fences, str):
        raise CannotJudge(f"the reference sets no fences for {name!r}: {fences}")
    need = Need("ranks", (name,), fences)

    def judge(measured: Measured) -> Judged:
        ranks: Ranks = measured.states[need]
        if ranks.n == 0:
            return _undefined(0, "no row has a value")
        outside = ranks.below[0] + ranks.n - ranks.at_or_below[1]
        holds = share_in(outside, ranks.n, None, told.at_most)
        words = f"{outside:,} of {ranks.n:,} values ({percent(outside, ranks.n)}) lie outside {fences[0]:.6g} to {fences[1]:.6g}"
        return Judged(holds, Estimate(outside / ranks.n, n=ranks.n, unit="share of values"), words, ranks.n, outside)

    return StateTest((need,), judge, expected)


RULES = rules(
    Rule(
        "outliers",
        "values",
        "Few values lie far beyond the quartiles, or far from the mean, of the data or of a reference.",
        _outliers,
        Outliers,
        bare=("at_most",),
        kinds=NUMBERS,
    ),
)
