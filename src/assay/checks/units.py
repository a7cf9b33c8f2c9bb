"""The check of units: whether values came in another unit than the reference's (metres for feet, cents for euros).

A change of unit moves every quantile by one and the same factor, or along one line; a change of the world does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.checks.check import Arguments, CannotJudge, Check, Context, Judged, Rule, StateTest, rules
from assay.data.kinds import Kind
from assay.profile.kernel import Measured, Need
from assay.profile.profile import ColumnProfile
from assay.profile.sketches import Quantiles
from assay.verdict import Estimate

__all__ = ["RULES", "UNITS", "Unit", "UnitChange"]

NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL, Kind.DURATION})
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LEAST = 30  # values on either side, below which quantiles say too little
NEAR = 0.04  # how far a factor may be from a unit's, and a decile from the line
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Unit:
    """One change of unit: current = factor · reference + shift, as which units it is known."""

    factor: float
    shift: float
    words: str


def _both_ways(factor: float, one: str, other: str, shift: float = 0.0) -> tuple[Unit, Unit]:
    back = Unit(1 / factor, -shift / factor, f"{other} to {one}")
    return Unit(factor, shift, f"{one} to {other}"), back


UNITS: tuple[Unit, ...] = (
    Unit(-1.0, 0.0, "one sign to the other"),
    *_both_ways(10, "centimetres", "millimetres"),
    *_both_ways(100, "fractions (or metres, or euros)", "percent (or centimetres, or cents)"),
    *_both_ways(1000, "kilo-units", "units"),
    *_both_ways(1_000_000, "millions", "units"),
    *_both_ways(1_000_000_000, "seconds", "nanoseconds"),
    *_both_ways(60, "hours (or minutes)", "minutes (or seconds)"),
    *_both_ways(3600, "hours", "seconds"),
    *_both_ways(24, "days", "hours"),
    *_both_ways(1440, "days", "minutes"),
    *_both_ways(86_400, "days", "seconds"),
    *_both_ways(7, "weeks", "days"),
    *_both_ways(12, "years (or feet)", "months (or inches)"),
    *_both_ways(365.25, "years", "days"),
    *_both_ways(2.54, "inches", "centimetres"),
    *_both_ways(25.4, "inches", "millimetres"),
    *_both_ways(3.28084, "metres", "feet"),
    *_both_ways(1.609344, "miles", "kilometres"),
    *_both_ways(1.852, "knots", "kilometres an hour"),
    *_both_ways(3.6, "metres a second", "kilometres an hour"),
    *_both_ways(2.236936, "metres a second", "miles an hour"),
    *_both_ways(2.204623, "kilograms", "pounds"),
    *_both_ways(28.349523, "ounces", "grams"),
    *_both_ways(3.785412, "gallons", "litres"),
    *_both_ways(4.184, "calories", "joules"),
    *_both_ways(33.8639, "inches of mercury", "hectopascals"),
    *_both_ways(57.29578, "radians", "degrees"),
    *_both_ways(1.8, "degrees Celsius", "degrees Fahrenheit", 32.0),
    *_both_ways(1.0, "degrees Celsius", "kelvin", 273.15),
)


class UnitChange(Arguments, frozen=True):
    """How many values either side must have before their quantiles are believed."""

    least: int = LEAST

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.least < 10:
            raise ValueError(f"least is {self.least}; nine deciles need at least 10 values")


def _unit_change(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, UnitChange)
    known = context.needs_reference().columns.get(name)
    if not isinstance(known, ColumnProfile) or known.quantiles is None:
        raise CannotJudge(f"the reference has no column {name!r} of numbers to compare with")
    need, before = Need("quantiles", (name,)), known.quantiles

    def judge(measured: Measured) -> Judged:
        after: Quantiles = measured.states[need]
        few = min(before.n, after.n)
        if few < told.least:
            why = f"{after.n:,} values here and {before.n:,} in the reference; at least {told.least} are needed"
            return Judged(None, Estimate(None, n=after.n, why=why), why)
        return _compared(_deciles(before), _deciles(after), after.n, before.n)

    return StateTest((need,), judge, "in the reference's unit")


def _deciles(quantiles: Quantiles) -> Numbers:
    values = quantiles.many(list(SHARES))
    assert values is not None
    return values.astype(np.float64)


def _compared(before: Numbers, after: Numbers, n: int, n_before: int) -> Judged:
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        why = "a decile is infinite"
        return Judged(None, Estimate(None, n=n, why=why), why)
    changed = find_unit(before, after, n=min(n, n_before))
    middle = len(SHARES) // 2
    moved = f"the median is {after[middle]:.6g} and was {before[middle]:.6g}"
    ratio = after[middle] / before[middle] if before[middle] else math.nan
    observed = (
        Estimate(float(ratio), n=n, unit="median by the reference's")
        if math.isfinite(ratio)
        else Estimate(None, n=n, why="the reference's median is 0")
    )
    if changed is None:
        return Judged(True, observed, f"{moved}; the deciles do not differ as by a change of unit")
    line = f"{changed.factor:.6g} times the reference's" + (f", plus {changed.shift:.6g}" if changed.shift else "")
    return Judged(False, observed, f"{moved}: every decile is about {line}, as from {changed.words}")


def find_unit(before: Any, after: Any, *, n: int) -> Unit | None:
    """Return the change of unit that leads from some deciles to others, or None.

    The deciles must differ from the reference's by more than their sampling error and more than by a tenth, and lie on
    the unit's line to within `NEAR` of their spread and that error; of several units the nearest is returned.

    >>> find_unit([1.5, 1.6, 1.7, 1.8, 1.9], [150, 160, 170, 180, 190], n=1000).factor
    100
    >>> find_unit([1.5, 1.6, 1.7, 1.8, 1.9], [1.8, 1.9, 2.0, 2.1, 2.2], n=1000)
    """
    old, new = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    spread = float(old[-1] - old[0])
    if spread <= 0 or float(new[-1] - new[0]) == 0:
        return None
    # The standard error of a decile of a normal column is about 1.7 σ/√n, and its spread from 0.1 to 0.9 is 2.56 σ.
    noise = 3 * 1.7 / 2.56 / math.sqrt(n)
    best: tuple[float, Unit] | None = None
    stays = float(np.abs(new - old).max()) / spread
    if stays <= noise + 2 * NEAR:
        return None
    for unit in UNITS:
        line = unit.factor * (old if unit.factor > 0 else old[::-1]) + unit.shift
        width = abs(unit.factor) * spread
        off = float(np.abs(new - line).max()) / width
        tilt = abs((new[-1] - new[0]) / width - 1)
        slack = NEAR + (noise if is_far(unit) else min(noise, NEAR))
        if off <= slack and tilt <= slack and (best is None or off < best[0]):
            best = (off, unit)
    return best[1] if best else None


def is_far(unit: Unit) -> bool:
    """Return whether a unit is so far from the reference's that few other causes lead there."""
    return bool(unit.shift) or not 1 / 5 < abs(unit.factor) < 5


RULES = rules(
    Rule(
        "unit_change",
        "values",
        "The deciles do not differ from the reference's as they would after a change of unit.",
        _unit_change,
        UnitChange,
        kinds=NUMBERS,
        needs_reference=True,
    ),
)
