"""The rules of control charts: Western Electric's and Nelson's, as functions of standardised points.

A point z is in deviations from the centre: beyond 3 is beyond the limit. A rule answers for each point whether it fires
there, as the last of the points that it looks at. A point on the centre is on neither side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.errors import member
from assay.stats.pair import Floats

__all__ = ["RULES", "RULE_SETS", "Rule", "RuleSet", "get_rule_set"]

Fires = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it says, how many points it looks at, and the function that answers where it fires."""

    name: str
    title: str
    points: int
    fires: Callable[[Floats], Fires]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that are used together, and after how many points one of them fires by chance, on average.

    The average run length is that of independent normal points on known limits; neighbours that are alike shorten it, and
    so does a centre learned from few points where rules look at one side of it.
    """

    name: str
    title: str
    rules: tuple[str, ...]
    average_run_length: float
    source: str


def get_rule_set(name: str, *, place: str = "") -> RuleSet:
    """Return a set of rules by its name; raises ConfigError, with the nearest name, where there is none.

    >>> get_rule_set("western_electric").average_run_length
    91.75
    """
    return member(RULE_SETS, name, what="set of rules", place=place)


def _beyond(z: Floats) -> Fires:
    return np.asarray(np.abs(z) > 3, dtype=np.bool_)


def _of_last(condition: Fires, *, count: int, among: int) -> Fires:
    """Return where a condition holds, and did so at `count` of the last `among` points."""
    total = np.concatenate([np.zeros(among, dtype=np.int64), np.cumsum(condition)])
    return np.asarray(condition & (total[among:] - total[:-among] >= count), dtype=np.bool_)


def _in_a_row(condition: Fires, count: int) -> Fires:
    return _of_last(condition, count=count, among=count)


def _on_a_side(out: float, *, count: int, among: int) -> Callable[[Floats], Fires]:
    def fires(z: Floats) -> Fires:
        above, below = _of_last(z > out, count=count, among=among), _of_last(z < -out, count=count, among=among)
        return np.asarray(above | below, dtype=np.bool_)

    return fires


def _rising_or_falling(z: Floats) -> Fires:
    """Six points in a row make five steps up, or five down."""
    up, down = _steps(z)
    return _in_a_row(up, 5) | _in_a_row(down, 5)


def _alternating(z: Floats) -> Fires:
    """Fourteen points make thirteen steps, twelve of which turn from the one before."""
    up, down = _steps(z)
    turned = np.zeros(len(z), dtype=bool)
    turned[1:] = (up[1:] & down[:-1]) | (down[1:] & up[:-1])
    return _in_a_row(turned, 12)


def _steps(z: Floats) -> tuple[Fires, Fires]:
    up, down = np.zeros(len(z), dtype=bool), np.zeros(len(z), dtype=bool)
    up[1:], down[1:] = z[1:] > z[:-1], z[1:] < z[:-1]
    return up, down


def _within(z: Floats) -> Fires:
    return _in_a_row(np.abs(z) < 1, 15)


def _outside(z: Floats) -> Fires:
    return _in_a_row(np.abs(z) > 1, 8)


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("beyond_3", "one point beyond 3 deviations", 1, _beyond),
        Rule("two_of_three_beyond_2", "two of three points beyond 2 deviations on one side", 3,
             _on_a_side(2, count=2, among=3)),
        Rule("four_of_five_beyond_1", "four of five points beyond 1 deviation on one side", 5,
             _on_a_side(1, count=4, among=5)),
        Rule("eight_on_a_side", "eight points in a row on one side of the centre", 8, _on_a_side(0, count=8, among=8)),
        Rule("nine_on_a_side", "nine points in a row on one side of the centre", 9, _on_a_side(0, count=9, among=9)),
        Rule("six_rising_or_falling", "six points in a row that rise, or fall", 6, _rising_or_falling),
        Rule("fourteen_alternating", "fourteen points in a row that go up and down in turn", 14, _alternating),
        Rule("fifteen_within_1", "fifteen points in a row within 1 deviation: the limits are too wide", 15, _within),
        Rule("eight_outside_1", "eight points in a row with none within 1 deviation", 8, _outside),
    )
}  # fmt: skip

RULE_SETS: dict[str, RuleSet] = {
    rules.name: rules
    for rules in (
        RuleSet("shewhart", "Shewhart's rule", ("beyond_3",), 370.4, "Shewhart 1931"),
        RuleSet("western_electric", "Western Electric's rules 1 to 4",
                ("beyond_3", "two_of_three_beyond_2", "four_of_five_beyond_1", "eight_on_a_side"), 91.75,
                "Western Electric 1956; run length: Champ & Woodall 1987"),
        # In Nelson's order.
        RuleSet("nelson", "Nelson's rules 1 to 8",
                ("beyond_3", "nine_on_a_side", "six_rising_or_falling", "fourteen_alternating", "two_of_three_beyond_2",
                 "four_of_five_beyond_1", "fifteen_within_1", "eight_outside_1"), 73.5,
                "Nelson 1984; run length: 871,000 simulated runs, 73.46 with a standard error of 0.07"),
    )
}  # fmt: skip
