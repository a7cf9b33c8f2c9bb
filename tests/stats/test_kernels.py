"""Distances between rows: the statistics are those of their formulas, pair by pair, and the shortcuts change nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from assay.stats import kernels
from assay.stats.kernels import bandwidth, energy, mmd
from assay.stats.matrix import filled, normal_scores

Rng = np.random.Generator


def pair(rng: Rng, m: int = 40, n: int = 32) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(m, 3)), rng.normal(size=(n, 3)) + 0.5


def mean_over_pairs(x: np.ndarray, y: np.ndarray, kernel) -> float:
    """Return the mean within x, plus that within y, minus twice that across, pair by pair."""

    def within(rows: np.ndarray) -> float:
        pairs = [kernel(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
        return sum(pairs) / len(pairs)

    across = [kernel(a, b) for a in x for b in y]
    return within(x) + within(y) - 2 * sum(across) / len(across)


def test_the_discrepancy_is_that_of_its_formula_pair_by_pair(rng: Rng):
    x, y = pair(rng)
    width = np.median(pdist(np.concatenate([x, y])))

    found = mmd(x, y, rng=rng, ranked=False)

    expected = mean_over_pairs(x, y, lambda a, b: np.exp(-((a - b) ** 2).sum() / (2 * width**2)))
    assert found.statistic == pytest.approx(expected, rel=1e-9)
    assert found.size == pytest.approx(expected**0.5)


def test_the_energy_distance_is_that_of_its_formula_pair_by_pair(rng: Rng):
    x, y = pair(rng)

    found = energy(x, y, rng=rng, ranked=False)

    expected = mean_over_pairs(x, y, lambda a, b: -(((a - b) ** 2).sum() ** 0.5))
    assert found.statistic == pytest.approx(expected, rel=1e-9)
    assert found.size == pytest.approx(expected / (2 * cdist(x, y).mean()))


def test_ranked_rows_are_compared_by_their_normal_scores(rng: Rng):
    x, y = pair(rng)

    as_ranked = energy(x, y, rng=np.random.default_rng(1))
    by_hand = energy(*normal_scores(x, y), rng=np.random.default_rng(1), ranked=False)

    assert as_ranked == by_hand


def test_a_unit_or_a_logarithm_changes_nothing_of_ranked_rows(rng: Rng):
    x, y = (np.exp(side) for side in pair(rng))

    for compare in (mmd, energy):
        plain = compare(x, y, rng=np.random.default_rng(1))
        assert compare(np.log(x) * 1_000, np.log(y) * 1_000, rng=np.random.default_rng(1)) == plain


def test_missing_values_are_compared_by_where_they_are(rng: Rng):
    x, y = rng.normal(size=(200, 2)), rng.normal(size=(200, 2))
    x[rng.random(200) < 0.1, 0] = np.nan
    y[rng.random(200) < 0.5, 0] = np.nan

    assert mmd(x, y, rng=rng).p_value <= 0.01
    assert energy(x, y, rng=rng).p_value <= 0.01


def test_missing_values_are_filled_with_the_middle_of_both_sides_and_flagged():
    x, y = filled(np.array([[1.0, 5.0], [np.nan, 5.0]]), np.array([[3.0, 5.0]]))

    assert x.tolist() == [[1.0, 5.0, 0.0], [2.0, 5.0, 1.0]]
    assert y.tolist() == [[3.0, 5.0, 0.0]]


def test_the_p_value_counts_the_rows_as_they_are_among_the_permutations(rng: Rng):
    x, y = pair(rng)

    assert mmd(x, y + 50, rng=rng, permutations=99).p_value == 0.01
    assert energy(x, y + 50, rng=rng, permutations=99).p_value == 0.01


def test_sides_that_are_the_same_rows_show_nothing(rng: Rng):
    x, _ = pair(rng)

    for compare in (mmd, energy):
        found = compare(x, x, rng=rng)
        assert found.p_value > 0.9
        assert found.size == found.size_low == 0.0


def test_bins_change_the_permutations_and_nothing_else(rng: Rng, monkeypatch: pytest.MonkeyPatch):
    x, y = pair(rng, 64, 32)
    each = energy(x, y, rng=rng, ranked=False)
    monkeypatch.setattr(kernels, "BINS", 12)
    monkeypatch.setattr(kernels, "BINS_A_SIDE", 4)

    binned = energy(x, y, rng=rng, ranked=False)  # bins of eight

    assert binned.statistic == pytest.approx(each.statistic)
    assert binned.size == pytest.approx(each.size)


def test_random_frequencies_stand_for_the_kernel(rng: Rng):
    x, y = rng.normal(size=(300, 3)), rng.normal(size=(200, 3)) + 0.5

    exact = mmd(x, y, rng=rng)
    by_waves = [mmd(x, y, rng=rng, most_paired=100, permutations=9).statistic for _ in range(30)]

    # The mean over frequencies is unbiased; four standard errors of the mean of 30.
    assert abs(np.mean(by_waves) - exact.statistic) < 4 * np.std(by_waves, ddof=1) / 30**0.5
    assert np.std(by_waves) < 0.2 * exact.statistic


def test_more_than_twenty_times_as_many_rows_are_not_looked_at(rng: Rng):
    x, y = rng.normal(size=(2_000, 2)), rng.normal(size=(30, 2))

    found = mmd(x, y, rng=rng, permutations=99)

    assert (found.n_reference, found.n) == (600, 30)


def test_energy_looks_at_so_many_rows_as_it_is_told(rng: Rng):
    x, y = pair(rng, 100, 40)

    found = energy(x, y, rng=rng, most_paired=50)

    assert (found.n_reference, found.n) == (50, 40)


def test_a_width_is_found_where_most_rows_are_equal():
    # Six rows at 0, one at 3, one at 4: 15 of 28 distances are 0; of the others 6 are 3, 6 are 4, 1 is 1.
    rows = np.array([[0.0]] * 6 + [[3.0], [4.0]])

    assert bandwidth(rows) == pytest.approx(3.0)
    assert bandwidth(np.zeros((5, 1))) == 1.0


def test_intervals_of_the_discrepancy_cover(rng: Rng):
    # N(0, 1) and N(1, 1) under a kernel of width s: E k = s / √(s² + 2) · exp(-d² / 2(s² + 2)), d the distance of the means.
    covered = 0
    for _ in range(200):
        x, y = rng.normal(size=(60, 1)), rng.normal(size=(50, 1)) + 1
        s = bandwidth(np.concatenate([x, y]))
        truth = (2 * s / (s * s + 2) ** 0.5 * (1 - np.exp(-1 / (2 * (s * s + 2))))) ** 0.5
        found = mmd(x, y, rng=rng, ranked=False, permutations=99)
        covered += found.size_low <= truth <= found.size_high

    assert covered >= 181  # of 200 at 0.95, fewer would come once in about five hundred times


def test_intervals_of_the_energy_distance_reach_0_where_nothing_differs(rng: Rng):
    ends = [energy(*rng.normal(size=(2, 50, 2)), rng=rng, permutations=99) for _ in range(200)]

    assert sum(found.size_low == 0 for found in ends) >= 187  # of 200 at 0.975: once in about five hundred times
