"""How long a chart runs on a clean stream before it cries wolf, and the limit that makes it run so long.

Both hold for independent values: bits of the stated rate, or normal values of the stated mean and spread.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.stats.detectors.charts import Chart, Cusum, Ewma, Shewhart

__all__ = ["average_run_length", "with_run_length"]

Floats = NDArray[np.float64]
C = TypeVar("C", bound=Chart)

PLACES = 300  # of the state between its ends
CELLS = 401  # of the normal distribution, from -8 to 8
NEAR = 1e-9  # sums of bits meet a limit exactly, but for rounding: to meet it is not to pass it
FARTHEST = 1e9
LEAST = 1e-6  # spreads: a limit below is none


def average_run_length(chart: Chart, *, shift: float = 0.0) -> float:
    """Return how many values a chart sees on average up to its first DRIFT, the mean being `shift` spreads off the baseline.

    The statistic's range is cut into 300 places and the expected number of steps from each solved for (Brook & Evans 1972),
    linear between places. Of normal values it is right to about one part in a hundred, of bits to a few.

    >>> round(average_run_length(Shewhart(baseline=0.0, spread=1.0)))  # 1/0.0027
    370
    >>> round(average_run_length(Cusum(baseline=0.0, spread=1.0)) / 465, 2)  # Montgomery's table 9.3
    1.0

    Raises ValueError where bits can't be shifted so far.
    """
    if isinstance(chart, Shewhart):
        from scipy.special import ndtr

        beyond = {"up": float(ndtr(shift - chart.limit)), "down": float(ndtr(-shift - chart.limit))}
        return _inverse(sum(beyond.values()) if chart.direction == "both" else beyond[chart.direction])
    values, chances = _values(chart, shift)
    if isinstance(chart, Ewma):
        return _ewma(chart, values, chances)
    if not isinstance(chart, Cusum):
        raise TypeError(f"no run length is known of {type(chart).__name__}")
    sides = {"up": (values,), "down": (-values,), "both": (values, -values)}[chart.direction]
    # Of two sums that can't both be above 0 for long, the rates of their alarms add up (Van Dobben de Bruyn 1968).
    return _inverse(sum(1 / _cusum(chart, side, chances) for side in sides))


def with_run_length(chart: C, at_least: float) -> C:
    """Return the chart with the smallest limit, to one part in a thousand, whose average run length is at least so many clean values.

    The warning limit keeps its ratio to the limit.

    >>> round(with_run_length(Ewma(baseline=0.0, spread=1.0, weight=0.2), 500).limit, 2)  # Lucas & Saccucci 1990: 2.962
    2.96

    Raises ValueError below 2 and above a thousand million values, and where every limit makes it run longer.
    """
    if not 2 <= at_least <= FARTHEST:
        raise ValueError(f"average_run_length is {at_least}; a limit is found for 2 to {FARTHEST:.0f} values")
    if not isinstance(chart, Cusum | Ewma | Shewhart):
        raise TypeError(f"no run length is known of {type(chart).__name__}")
    ratio = chart.warning_limit / chart.limit

    def widened(limit: float) -> C:
        return msgspec.structs.replace(chart, limit=limit, warning_limit=limit * ratio)

    wanted, low, high = math.log(at_least), 0.0, chart.limit
    at_low, at_high = 0.0, math.log(average_run_length(widened(high)))
    while at_high < wanted:
        low, at_low, high = high, at_high, high * 2
        at_high = math.log(average_run_length(widened(high)))
    while high - low > 1e-3 * high:
        if high < LEAST:
            raise ValueError(
                "the chart runs longer than that whatever its limit: no value lies far enough from the baseline"
            )
        # The logarithm rises about evenly with the limit; of bits it is a stair, so that the ends close in on both sides.
        share = (wanted - at_low) / (at_high - at_low) if at_high < math.inf else 0.5
        middle = low + (high - low) * min(max(share, 0.02), 0.98)
        at_middle = math.log(average_run_length(widened(middle)))
        if at_middle < wanted:
            low, at_low = middle, at_middle
        else:
            high, at_high = middle, at_middle
    return widened(high)


def _values(chart: Chart, shift: float) -> tuple[Floats, Floats]:
    """Return the values of z and the chance of each."""
    if chart.spread is None:
        rate = chart.baseline + shift * chart.scale
        if not 0 <= rate <= 1:
            raise ValueError(f"a shift of {shift} spreads makes the rate {rate}; it lies in [0, 1]")
        ends = (np.array([0.0, 1.0]) - chart.baseline) / chart.scale
        return ends, np.array([1 - rate, rate])
    from scipy.special import ndtr

    edges = np.linspace(-8.0, 8.0, CELLS + 1)
    chances = np.diff(ndtr(edges))
    return (edges[1:] + edges[:-1]) / 2 + shift, chances / chances.sum()


def _cusum(chart: Cusum, values: Floats, chances: Floats) -> float:
    def moved(places: Floats) -> Floats:
        return np.maximum(places[:, None] + values - chart.allowance, 0.0)

    return _steps(moved, chances, np.linspace(0.0, chart.limit, PLACES))


def _ewma(chart: Ewma, values: Floats, chances: Floats) -> float:
    values = -values if chart.direction == "down" else values
    limit = chart.limit * math.sqrt(chart.weight / (2 - chart.weight))
    lowest = -limit if chart.direction == "both" else max(float(values.min()), -4 * limit)

    def moved(places: Floats) -> Floats:
        after = (1 - chart.weight) * places[:, None] + chart.weight * values
        if chart.direction == "both":
            after = np.where(after < lowest - NEAR, math.inf, after)
        return np.maximum(after, lowest)

    return _steps(moved, chances, np.linspace(lowest, limit, PLACES))


def _steps(moved: Callable[[Floats], Floats], chances: Floats, places: Floats) -> float:
    """Return the expected number of steps from 0 up to the first beyond the last place: (1 - Q)⁻¹·1 at 0.

    `moved` gives where a step leads from each place, for each of the `chances`.
    """
    if len(chances) <= 2:
        places = _reached(moved, places)
    n, after = len(places), moved(places)
    alive = after <= places[-1] + NEAR
    after = np.where(alive, after, places[0])
    below = np.clip(np.searchsorted(places, after + NEAR, side="right") - 1, 0, n - 2)
    share = np.clip((after - places[below]) / (places[below + 1] - places[below]), 0.0, 1.0)
    rows = np.broadcast_to(np.arange(n)[:, None], below.shape)
    weights = np.where(alive, chances, 0.0)
    matrix = np.zeros((n, n))
    for column, weight in ((below, weights * (1 - share)), (below + 1, weights * share)):
        matrix += np.bincount((rows * n + column).ravel(), weight.ravel(), n * n).reshape(n, n)
    try:
        solved = np.linalg.solve(np.eye(n) - matrix, np.ones(n))
    except np.linalg.LinAlgError:  # the limit is out of reach
        return math.inf
    return float(np.interp(0.0, places, solved)) if solved.min() >= 1 and solved.max() < 1e12 else math.inf


def _reached(moved: Callable[[Floats], Floats], places: Floats) -> Floats:
    """Return all places that bits can reach from 0, where they are so few that no other is needed, or else `places`."""
    reached = new = np.zeros(1)
    while len(new) and len(reached) <= PLACES:
        after = moved(new).ravel()
        after = np.unique(after[after <= places[-1] + NEAR].round(9))
        new = after[np.abs(after[:, None] - reached).min(axis=1) > NEAR] if len(after) else after
        reached = np.sort(np.concatenate([reached, new]))
    return reached if 1 < len(reached) <= PLACES else places


def _inverse(rate: float) -> float:
    return 1 / rate if rate > 0 else math.inf
