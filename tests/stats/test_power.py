"""The least size that would have been shown, against drawn samples of exactly that size."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from assay.stats.comparisons import COMPARISONS
from assay.stats.distances import DISTANCES
from assay.stats.moved import moved
from assay.stats.pair import Pair, of_samples
from assay.stats.power import detectable

ROUNDS = 600
# Where 0.8 is true, fewer than this of 600 are seen once in 10,000 times; more are once in 10,000.
LEAST, MOST = scipy.stats.binom.ppf([1e-4, 1 - 1e-4], ROUNDS, 0.8) / ROUNDS
SLACK = 0.06  # leading terms, and the rule of five, ask for a little more than is needed: the power may be this much greater


def rejected(name: str, pairs: list[Pair], alpha: float) -> float:
    found = [COMPARISONS[name].compare(pair).p_value for pair in pairs]
    return float(np.mean([p is not None and p <= alpha for p in found]))


@pytest.mark.parametrize(
    "name", ["ks", "anderson_darling", "cramer_von_mises", "mann_whitney", "smooth", "omnibus", "welch"]
)
@pytest.mark.parametrize(
    ("m", "n", "alpha"), [(30, 30, 0.05), (40, 400, 0.005), (5_000, 100, 0.002), (800, 1_000, 0.05)]
)
def test_a_distribution_moved_by_the_size_is_seen_four_times_in_five(
    name: str, m: int, n: int, alpha: float, rng: np.random.Generator
):
    shift = detectable(name, "mean_shift", sizes=(m, n), alpha=alpha)
    assert shift is not None

    power = rejected(name, [of_samples(rng.normal(size=m), rng.normal(shift, 1, size=n)) for _ in range(ROUNDS)], alpha)

    assert LEAST - 0.01 <= power <= MOST + SLACK


@pytest.mark.parametrize("name", ["ks", "smooth", "welch"])
def test_the_size_in_ks_is_that_of_the_shift(name: str):
    shift = detectable(name, "mean_shift", sizes=(500, 300), alpha=0.05)
    d = detectable(name, "ks", sizes=(500, 300), alpha=0.05)

    assert d == pytest.approx(2 * scipy.stats.norm.cdf(shift / 2) - 1, rel=1e-9)
    assert detectable(name, "wasserstein_std", sizes=(500, 300), alpha=0.05) == shift


def drawn(reference: np.ndarray, current: np.ndarray, sizes: tuple[int, int], rng: np.random.Generator) -> list[Pair]:
    labels = tuple(range(len(reference)))
    return [
        Pair(rng.multinomial(sizes[0], reference), rng.multinomial(sizes[1], current), labels=labels)
        for _ in range(ROUNDS)
    ]


@pytest.mark.parametrize("name", ["chi_squared", "g_test", "psi"])
@pytest.mark.parametrize("sizes", [(400, 400), (10_000, 500)])
def test_two_even_shares_moved_by_the_total_variation_are_seen_four_times_in_five(
    name: str, sizes: tuple[int, int], rng: np.random.Generator
):
    d = detectable(name, "total_variation", sizes=sizes, alpha=0.05, groups=2)
    shares = np.array([0.5, 0.5])

    power = rejected(name, drawn(shares, shares + np.array([d, -d]), sizes, rng), 0.05)

    assert LEAST - 0.01 <= power <= MOST + 0.01


def test_uneven_shares_moved_by_the_total_variation_are_seen_at_least_so_often(rng: np.random.Generator):
    sizes = (3_000, 1_000)
    d = detectable("chi_squared", "total_variation", sizes=sizes, alpha=0.01, groups=6)
    shares = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
    moved_shares = shares + d * np.array([-1.0, 0.0, 0.0, 0.5, 0.25, 0.25])

    assert 0.5 * np.abs(moved_shares - shares).sum() == pytest.approx(d)
    assert rejected("chi_squared", drawn(shares, moved_shares, sizes, rng), 0.01) >= LEAST


@pytest.mark.parametrize("distance", ["psi", "jensen_shannon", "hellinger", "cramers_v"])
def test_shares_moved_by_a_small_distance_are_seen_four_times_in_five(distance: str, rng: np.random.Generator):
    sizes = (4_000, 4_000)
    size = detectable("chi_squared", distance, sizes=sizes, alpha=0.05, groups=5)
    shares, way = np.full(5, 0.2), np.array([-0.2, 0.1, 0.1, 0.05, -0.05])

    def distance_of(step: float) -> float:
        n = 1_000_000_000  # so many rows that their shares are the population's
        rows = [np.round(n * side).astype(np.int64) for side in (shares, shares + step * way)]
        return DISTANCES[distance].measure(Pair(*rows, labels=tuple("abcde"))).value - size

    step = scipy.optimize.brentq(distance_of, 1e-4, 0.9)

    assert LEAST - 0.01 <= rejected("chi_squared", drawn(shares, shares + step * way, sizes, rng), 0.05) <= MOST + 0.01


RISES = [(10_000, 300, 0.01), (150, 150, 0.1), (2_000, 1_000, 0.3), (500, 5_000, 0.02)]


@pytest.mark.parametrize(
    ("name", "m", "n", "base"),
    [("fisher", 10_000, 200, 0.0), *(("fisher", *rise) for rise in RISES), *(("chi_squared", *rise) for rise in RISES)],
)
def test_a_share_that_rose_by_the_size_is_seen_four_times_in_five(
    name: str, m: int, n: int, base: float, rng: np.random.Generator
):
    rise = detectable(name, "share_change", sizes=(m, n), alpha=0.01, base=base)
    shares = np.array([1 - base, base])

    power = rejected(name, drawn(shares, shares + np.array([-rise, rise]), (m, n), rng), 0.01)

    assert LEAST - 0.03 <= power <= MOST + SLACK


def test_the_rule_of_five_can_ask_for_more_values_than_there_are():
    assert detectable("chi_squared", "share_change", sizes=(10_000, 200), alpha=0.01, base=0.0) is None


@pytest.mark.parametrize("name", ["ks", "smooth", "omnibus", "welch"])
def test_more_rows_show_less(name: str):
    found = [detectable(name, "ks", sizes=(n, n), alpha=0.05) for n in (20, 100, 199, 201, 1_000, 9_999, 100_000)]

    assert all(a > b for a, b in pairwise(found))


@pytest.mark.parametrize("name", ["ks", "smooth", "omnibus", "welch"])
def test_a_stricter_level_and_more_certainty_show_less(name: str):
    usual = detectable(name, "ks", sizes=(500, 500), alpha=0.05)

    assert detectable(name, "ks", sizes=(500, 500), alpha=0.001) > usual
    assert detectable(name, "ks", sizes=(500, 500), alpha=0.05, power=0.95) > usual


@pytest.mark.parametrize("name", ["ks", "smooth", "anderson_darling", "welch"])
def test_the_sides_can_be_swapped(name: str):
    there = detectable(name, "ks", sizes=(150, 4_321), alpha=0.05)

    assert detectable(name, "ks", sizes=(4_321, 150), alpha=0.05) == pytest.approx(there, rel=0.02)


def test_sizes_by_their_first_digits_are_within_a_percent_of_the_true_ones():
    exact = 2.8016 * math.sqrt(1 / 249 + 1 / 2_449)  # z at 0.975 and 0.8

    assert moved("mann_whitney", 249, 2_449, alpha=0.05, power=0.8) == pytest.approx(
        exact * math.sqrt(math.pi / 3), rel=0.02
    )
    assert moved("welch", 249, 2_449, alpha=0.05, power=0.8) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize(
    ("comparison", "distance", "told"),
    [
        ("ks", "psi", {}),  # not known together
        ("ks", "no such distance", {}),
        ("chi_squared", "total_variation", {}),  # needs groups
        ("chi_squared", "total_variation", {"groups": 1}),
        ("fisher", "share_change", {}),  # needs a base
        ("fisher", "share_change", {"base": 1.0}),  # nothing can rise from all
    ],
)
def test_what_is_not_known_is_none(comparison: str, distance: str, told: dict[str, float]):
    assert detectable(comparison, distance, sizes=(1_000, 1_000), alpha=0.05, **told) is None


@pytest.mark.parametrize(
    ("comparison", "distance"), [("ks", "ks"), ("smooth", "mean_shift"), ("fisher", "share_change")]
)
@pytest.mark.parametrize("sizes", [(0, 100), (100, 1)])
def test_fewer_than_two_values_show_nothing(comparison: str, distance: str, sizes: tuple[int, int]):
    assert detectable(comparison, distance, sizes=sizes, alpha=0.05, base=0.1) is None


def test_samples_too_small_to_reject_at_all_show_nothing():
    assert detectable("ks", "ks", sizes=(3, 3), alpha=0.01) is None
    assert detectable("fisher", "share_change", sizes=(3, 3), alpha=0.01, base=0.1) is None
    assert detectable("chi_squared", "total_variation", sizes=(8, 8), alpha=0.01, groups=2) is None


@pytest.mark.parametrize(("alpha", "power"), [(0.0, 0.8), (1.0, 0.8), (0.05, 0.0), (0.05, 1.0)])
def test_levels_and_powers_lie_between_nothing_and_all(alpha: float, power: float):
    with pytest.raises(ValueError, match="both lie between 0 and 1"):
        detectable("ks", "ks", sizes=(100, 100), alpha=alpha, power=power)
