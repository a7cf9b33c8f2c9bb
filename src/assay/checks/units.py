"""The check of units: whether values came in another unit than the reference's (metres for feet, cents for euros).

A change of unit moves every value along one line, and leaves the shape of the distribution as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.checks.check import Arguments, CannotJudge, Check, Context, Judged, Rule, StateTest, rules
from assay.data.kinds import Kind
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.profiles.profile import ColumnProfile
from assay.profiles.sketches import Quantiles
from assay.verdict import Estimate

__all__ = ["RULES", "UNITS", "Unit", "UnitChange"]

NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL, Kind.DURATION})
LEAST = 300  # values on either side, below which two units are too easily mistaken for each other
APART = 0.25
NEAR = 0.03
FAR = 9.5
OFF_ZERO = 0.75
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
            raise ValueError(f"least is {self.least}; expected at least 10 values")


def _unit_change(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, UnitChange)
    known = context.needs_reference().columns.get(name)
    if not isinstance(known, ColumnProfile) or known.quantiles is None:
        raise CannotJudge(f"the reference has no column {name!r} of numbers to compare with")
    need, before = Need("quantiles", (name,)), known.quantiles

    def judge(measured: Measured) -> Judged:
        after: Quantiles = measured.states[need]
        if min(before.n, after.n) < told.least:
            why = f"{after.n:,} values here and {before.n:,} in the reference; at least {told.least} are needed"
            return Judged(None, Estimate(None, n=after.n, why=why), why)
        return _compared(before, after)

    return StateTest((need,), judge, "in the reference's unit")


def _compared(before: Quantiles, after: Quantiles) -> Judged:
    was, now = before.at(0.5) or 0.0, after.at(0.5) or 0.0
    observed = Estimate(now, n=after.n, unit="median")
    moved = f"the median is {now:.6g} and was {was:.6g}"
    changed = find_unit(before, after)
    if changed is None:
        return Judged(True, observed, f"{moved}; the values do not differ as by a change of unit")
    line = f"{changed.factor:.6g} times the reference's" + (f", plus {changed.shift:.6g}" if changed.shift else "")
    return Judged(False, observed, f"{moved}: the values are spread as {line}, as from {changed.words}")


def find_unit(before: Quantiles, after: Quantiles) -> Unit | None:
    """Return the change of unit that leads from one column to another, or None.

    The columns must differ (D, the greatest difference of their distribution functions, is at least `APART`); the unit must
    undo it (D is then at most `NEAR` beyond what chance and the sketches explain, and a third of what it was). A factor
    below `FAR` is believed only of values that lie far from 0 as measured by their own spread: else, and this is common,
    they have only become more or wider. Of several units the nearest is returned.

    >>> heights = np.linspace(1.4, 2.1, 500)
    >>> found = find_unit(Quantiles.of(heights), Quantiles.of(heights * 100))
    >>> found.factor, find_unit(Quantiles.of(heights), Quantiles.of(heights + 0.3))
    (100, None)
    """
    apart = distance(before, after, Unit(1.0, 0.0, ""))
    if apart < APART:
        return None
    # 1.36·√(1/n + 1/m) is the 95 % point of D of two samples of one distribution (Smirnov 1948).
    slack = NEAR + 1.36 * math.sqrt(1 / before.n + 1 / after.n) + before.rank_error + after.rank_error
    low, middle, high = (float(value) for value in before.many([0.1, 0.5, 0.9]))  # type: ignore[union-attr]
    settled = abs(middle) >= OFF_ZERO * (high - low)
    believed = (unit for unit in UNITS if settled or unit.shift or not 1 / FAR < abs(unit.factor) < FAR)
    left, best = min(((distance(before, after, unit), unit) for unit in believed), key=lambda pair: pair[0])
    return best if left <= min(slack, apart / 3) else None


def distance(before: Quantiles, after: Quantiles, unit: Unit) -> float:
    """Return the greatest difference of two distribution functions, the first one's values brought to a unit; in [0, 1].

    Values of the second that are all whole may have been rounded, so that the two need only agree to within a half.
    """
    places, shares = _distribution(*before.cumulative(), unit)
    values, reached = _distribution(*after.cumulative(), Unit(1.0, 0.0, ""))
    whole = bool((values == np.round(values)).all()) and unit.factor != 1
    one = _beyond(places, shares, values, reached, 0.5 if whole else 0.0)
    other = _beyond(values, reached, places, shares, 0.5 if whole else 0.0)
    return max(one, other)


def _distribution(values: Numbers, up_to: Numbers, unit: Unit) -> tuple[Numbers, Numbers]:
    """Return different places in order, and the share of rows at or below each."""
    places = unit.factor * values.astype(np.float64) + unit.shift
    weights = np.diff(up_to, prepend=0)
    if unit.factor < 0:
        places, weights = places[::-1], weights[::-1]
    last = np.append(places[1:] != places[:-1], True)
    return places[last], np.cumsum(weights)[last] / up_to[-1]


def _beyond(places: Numbers, shares: Numbers, values: Numbers, reached: Numbers, half: float) -> float:
    """Return how far the shares at some places are from what the other side reaches there, give or take a half."""
    slack = half + 1e-9 * np.abs(places)
    steps = np.append(0.0, reached)
    low = steps[np.searchsorted(values, places - slack, side="right" if half == 0 else "left")]
    high = steps[np.searchsorted(values, places + slack, side="right")]
    low = np.minimum(low, high) if half else high
    return float(np.maximum(low - shares, shares - high).max(initial=0.0))


RULES = rules(
    Rule(
        "unit_change",
        "values",
        "The values are not spread as the reference's would be in another unit.",
        _unit_change,
        UnitChange,
        kinds=NUMBERS,
        needs_reference=True,
    ),
)
