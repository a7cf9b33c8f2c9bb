"""Bridges against laws in closed form and walks drawn at random."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from assay.stats import bridges, tails
from assay.stats.bridges import Stretch


def at_ends(level: float, *lengths: float) -> list[Stretch]:
    """Return stretches whose ends alone are seen."""
    return [Stretch(length, level, level, always=False) for length in lengths]


def test_one_place_between_two_is_a_normal_tail():
    # B(0.3) is normal with the variance 0.3 · 0.7
    found = bridges.leaves(at_ends(1.0, 0.3, 0.7))

    assert found == pytest.approx(2 * scipy.stats.norm.sf(1 / math.sqrt(0.21)), rel=1e-9)


def test_the_two_bounds_may_differ():
    found = bridges.leaves([Stretch(0.3, 1.0, 0.5, always=False), Stretch(0.7, 9.0, 9.0, always=False)])

    assert found == pytest.approx(scipy.stats.norm.sf(np.array([1.0, 0.5]) / math.sqrt(0.21)).sum(), rel=1e-9)


@pytest.mark.parametrize("level", [0.8, 1.36, 2.2, 3.4])
def test_two_places_between_three_are_a_normal_tail_in_two_dimensions(level: float):
    u = np.array([0.25, 0.6])
    covariance = np.minimum.outer(u, u) - np.outer(u, u)
    normal = scipy.stats.multivariate_normal(cov=covariance, seed=1)
    # P(|x| ≥ c or |y| ≥ c) = P(|x| ≥ c) + P(|y| ≥ c) - P(both), the last from the four corners
    single = 2 * scipy.stats.norm.sf(level / np.sqrt(np.diag(covariance))).sum()
    flipped = scipy.stats.multivariate_normal(cov=covariance * np.array([[1, -1], [-1, 1]]), seed=1)
    both = 2 * float(normal.cdf([-level, -level])) + 2 * float(flipped.cdf([-level, -level]))

    assert bridges.leaves(at_ends(level, 0.25, 0.35, 0.4)) == pytest.approx(single - both, rel=1e-3)


@pytest.mark.parametrize("level", [0.8, 1.36, 2.2, 3.4])
@pytest.mark.parametrize("parts", [8, 50])
def test_a_bridge_that_is_always_seen_leaves_as_kolmogorov_said(level: float, parts: int):
    found = bridges.leaves([Stretch(1 / parts, level, level, always=True)] * parts)

    assert found == pytest.approx(tails.kolmogorov(level), rel=0.003)


def test_a_bound_that_is_no_distance_away_is_always_passed():
    assert bridges.leaves(at_ends(0.0, 0.5, 0.5)) == 1.0


def test_light_places_go_together_and_heavy_ones_alone():
    mass = np.array([0.005, 0.3, 0.004, 0.2, *[0.01] * 30, 0.191])

    found = bridges.stretches(mass, 1.0, np.full(len(mass), 0.5), lambda k: (float(k), float(k)))

    assert [round(stretch.length, 3) for stretch in found] == [0.005, 0.3, 0.204, 0.13, 0.13, 0.04, 0.191]
    assert [stretch.up for stretch in found] == pytest.approx([1.5, 1.0, 3.0, 1.5, 1.5, 1.5, 34.0])
    assert [stretch.always for stretch in found] == [True, False, False, True, True, True, False]
    assert sum(stretch.length for stretch in found) == pytest.approx(1.0)


@pytest.mark.parametrize("level", [0.7, 1.358, 2.5])
def test_a_bridge_that_is_not_lifted_passes_a_level_as_smirnov_said(level: float):
    assert bridges.passes(level, 0.0) == pytest.approx(math.exp(-2 * level**2), rel=0.002, abs=1e-6)


def test_a_lifted_bridge_passes_a_level_as_often_as_drawn_ones():
    rng = np.random.default_rng(5)
    points, rounds, level, height = 512, 8_000, 1.358, 1.7
    u = np.arange(1, points) / points
    walk = np.cumsum(rng.normal(size=(rounds, points)) / math.sqrt(points), axis=1)
    bridge = walk[:, :-1] - walk[:, -1:] * u
    lifted = bridge + height * np.exp(-(scipy.stats.norm.ppf(u) ** 2) / 2)
    passed = float((lifted.max(axis=1) >= level - 0.5826 / math.sqrt(points)).mean())

    assert bridges.passes(level, height) == pytest.approx(passed, abs=4 * math.sqrt(0.25 / rounds))


@pytest.mark.parametrize("level", [1.0, 1.63, 3.0])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_lift_gives_the_power_back(level: float, power: float):
    assert bridges.passes(level, bridges.lift(level, power=power)) == pytest.approx(power, abs=0.001)
