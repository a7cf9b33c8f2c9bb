"""Intervals from draws, and what a history of misses adds to them."""

from __future__ import annotations

import numpy as np
import pytest

from assay.codec import dump_json, load_yaml
from assay.evaluation.estimation.estimates import POSITIVE, Condition, Estimated, Estimation, interval, widened
from assay.verdict import Estimate


def test_the_ends_are_values_that_were_drawn():
    draws = np.repeat([0.0, 0.5, 1.0], [3, 94, 3])

    assert interval(0.5, draws, confidence=0.95) == (0.0, 1.0)
    assert interval(0.5, draws, confidence=0.90) == (0.5, 0.5)


def test_an_interval_holds_its_own_value():
    assert interval(0.2, np.array([0.4, 0.5]), confidence=0.95) == (0.2, 0.5)


def test_a_spread_is_added_in_squares_and_stops_at_the_end_of_the_scale():
    # 3 and 4·1.96 / 1.96 make 5 in the units of the draws; an error cannot be below 0.
    draws = np.array([97.0, 103.0])

    low, high = interval(100.0, draws, confidence=0.95, spread=4 / 1.959964, span=POSITIVE)

    assert (low, high) == pytest.approx((95.0, 105.0), abs=1e-4)
    assert interval(1.0, np.array([0.5, 1.5]), confidence=0.95, spread=10.0, span=POSITIVE)[0] == 0.0


def test_misses_that_chance_explains_widen_nothing():
    assert widened(np.array([0.01, -0.01, 0.02, 0.0]), np.full(4, 0.01)) == 0.0  # Σ(e/s)² = 6, and χ²₄ has 9.5 at 95 %


def test_misses_beyond_chance_widen_by_what_is_left():
    # Σ(e/s)² = 36 > 9.49; mean(e²) - s² = 0.0009 - 0.0001 = 0.0008.
    assert widened(np.array([0.03, -0.03, 0.03, -0.03]), np.full(4, 0.01)) == pytest.approx(np.sqrt(0.0008))


def test_two_windows_are_no_history():
    assert widened(np.array([0.5, 0.5, np.nan]), np.array([0.01, 0.01, 0.0])) == 0.0


def test_a_steady_history_rarely_widens(rng: np.random.Generator):
    widths = [widened(rng.normal(0, 0.01, 10), np.full(10, 0.01)) for _ in range(2_000)]

    # One in twenty by construction: the binomial's 99.98 % interval is 0.033 to 0.069.
    assert 0.033 < np.mean(np.array(widths) > 0) < 0.069


def test_an_estimation_is_data():
    one = Estimated("auc", Estimate(0.8, n=5, low=0.7, high=0.9, confidence=0.95), Estimate(0.81, n=90))
    seen = Estimation("binary", 5, 90, 0.95, (one,), (Condition("enough labels", False, "too few"),))

    assert load_yaml(dump_json(seen), Estimation) == seen
    assert (seen["auc"].value, [c.name for c in seen.broken]) == (0.8, ["enough labels"])
