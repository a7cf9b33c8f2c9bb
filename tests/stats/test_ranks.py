"""Ranks: areas, their intervals and p-values agree with counting by hand, with SciPy, and with the law they state."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import optimize, stats

from assay.stats.ranks import area, area_interval, placements, rank_sum

Rng = np.random.Generator


def draw(rng: Rng, m: int, n: int, *, tied: bool) -> tuple[np.ndarray, np.ndarray]:
    x, y = rng.normal(size=m), rng.normal(size=n) + 0.3
    return (x.round(), y.round()) if tied else (x, y)


def test_an_area_counts_pairs_and_half_of_the_ties():
    # Pairs above: (1, 2), (1, 3), (2, 3); a tie: (2, 2); so 3.5 of 4.
    assert area(np.array([1.0, 2.0]), np.array([2.0, 3.0])) == 0.875


def test_both_placements_have_the_area_as_their_mean(rng: Rng):
    found = placements(*draw(rng, 30, 20, tied=True))

    assert found.reference.mean() == pytest.approx(found.current.mean())


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("m", "n"), [(80, 60), (400, 150)])
def test_many_values_are_compared_as_scipy_does(m: int, n: int, tied: bool, rng: Rng):
    x, y = draw(rng, m, n, tied=tied)

    for two_sided, alternative in ((True, "two-sided"), (False, "greater")):
        expected = stats.mannwhitneyu(y, x, alternative=alternative, method="asymptotic").pvalue
        assert rank_sum(x, y, two_sided=two_sided) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("m", "n"), [(3, 4), (15, 15), (40, 8)])
def test_few_values_without_ties_are_counted_as_scipy_does(m: int, n: int, rng: Rng):
    x, y = draw(rng, m, n, tied=False)

    for two_sided, alternative in ((True, "two-sided"), (False, "greater")):
        expected = stats.mannwhitneyu(y, x, alternative=alternative, method="exact").pvalue
        assert rank_sum(x, y, two_sided=two_sided) == pytest.approx(expected, rel=1e-9)


def test_few_values_with_ties_are_compared_over_all_ways_to_draw_them():
    x, y = np.array([1.0, 2.0, 2.0, 3.0, 5.0]), np.array([2.0, 3.0, 3.0, 4.0])
    ranks = stats.rankdata(np.concatenate([x, y]))
    sums = np.array([sum(ranks[list(drawn)]) for drawn in combinations(range(9), 4)])
    observed = ranks[5:].sum()

    assert rank_sum(x, y, two_sided=False) == pytest.approx((sums >= observed).mean())
    assert rank_sum(x, y) == pytest.approx(2 * min((sums >= observed).mean(), (sums <= observed).mean()))


@pytest.mark.parametrize("n", [20, 200])
def test_values_that_are_all_equal_show_nothing(n: int):
    assert rank_sum(np.ones(n), np.ones(n)) == 1.0


def test_a_p_value_is_never_0():
    assert 0 < rank_sum(np.arange(9_000.0), np.arange(9_000.0) + 9_000) < 1e-300


def test_the_interval_of_an_area_holds_newcombes_ends():
    found = placements(np.arange(40.0), np.arange(40.0) + 60)

    low, high = area_interval(found)

    # All above: DeLong's variance is 0, and only Newcombe's ends are left. His equation, solved by SciPy.
    def beyond(theta: float) -> float:
        variance = theta * (1 - theta) * (1 + 39 * (1 - theta) / (2 - theta) + 39 * theta / (1 + theta)) / 1_600
        return 1 - theta - stats.norm.isf(0.025) * variance**0.5

    assert low == pytest.approx(optimize.brentq(beyond, 0.5, 0.999), abs=1e-6)
    assert high == 1.0


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.5, 1.0), (2.0, 1.0), (0.5, 4.0)])
@pytest.mark.parametrize(("m", "n"), [(20, 20), (60, 15)])
def test_intervals_of_areas_cover(shift: float, scale: float, m: int, n: int, rng: Rng):
    truth = stats.norm.cdf(shift / (1 + scale**2) ** 0.5)
    ends = [area_interval(placements(rng.normal(size=m), rng.normal(size=n) * scale + shift)) for _ in range(500)]
    covered = sum(low <= truth <= high for low, high in ends)

    assert covered >= stats.binom.ppf(0.001, 500, 0.94)
