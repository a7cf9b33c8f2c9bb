"""Distances against independent oracles, sums done by hand, and the laws that all of the table keep."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from assay.errors import ConfigError
from assay.profiles.sketches import Histogram
from assay.stats import distances
from assay.stats.distances import DISTANCES, Distance, get_distance, psi_bound, psi_cells
from assay.stats.intervals import Sample
from assay.stats.pair import Pair, of_categories, of_histograms, of_samples

ALL = list(DISTANCES.values())
ON_A_SCALE = [d for d in ALL if d.on == "scale"]
OF_SHARES = [d for d in ALL if d.on == "both"]
FROM_ZERO = [d for d in ALL if not d.is_signed]
METRICS = [DISTANCES[name] for name in ("jensen_shannon", "hellinger", "total_variation", "l_infinity")]

WHOLE = st.lists(st.integers(-20, 20).map(float), min_size=2, max_size=30)
COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 50), min_size=1).filter(lambda d: sum(d.values()))
POSITIVE = st.lists(st.integers(1, 60).map(float), min_size=2, max_size=30)
TINY = 1e-9


def by_name(distance: Distance) -> str:
    return distance.name


def pair_for(distance: Distance, a: list[float], b: list[float]) -> Pair:
    """Return a pair that the distance is of: values, or whether they are above 0."""
    if distance.on != "share":
        return of_samples(a, b)
    return of_categories(*({"no": sum(v <= 0 for v in side), "yes": sum(v > 0 for v in side)} for side in (a, b)))


def value(distance: Distance, pair: Pair) -> float:
    measured = distance.measure(pair).value
    assert measured is not None
    return measured


# Oracles --------------------------------------------------------------------------------------------------------------


@given(WHOLE, WHOLE)
def test_ks_is_scipys(a: list[float], b: list[float]):
    assert distances.ks(of_samples(a, b)).value == pytest.approx(scipy.stats.ks_2samp(a, b, method="asymp").statistic)


@given(WHOLE, WHOLE)
def test_wasserstein_is_scipys(a: list[float], b: list[float]):
    assert distances.wasserstein(of_samples(a, b)).value == pytest.approx(
        scipy.stats.wasserstein_distance(a, b), abs=TINY
    )


@given(WHOLE, WHOLE)
def test_energy_is_scipys(a: list[float], b: list[float]):
    assert distances.energy(of_samples(a, b)).value == pytest.approx(scipy.stats.energy_distance(a, b), abs=1e-7)


@given(COUNTS, COUNTS)
def test_jensen_shannon_is_scipys(a: dict[str, int], b: dict[str, int]):
    pair = of_categories(a, b)

    theirs = scipy.spatial.distance.jensenshannon(*pair.shares, base=2)

    assert distances.jensen_shannon(pair).value == pytest.approx(theirs, abs=1e-7)


@given(COUNTS, COUNTS)
def test_cramers_v_is_that_of_scipys_table(a: dict[str, int], b: dict[str, int]):
    pair = of_categories(a, b)
    seen = pair.reference + pair.current > 0
    assume(seen.sum() > 1)
    table = np.array([pair.reference[seen], pair.current[seen]])

    assert distances.cramers_v(pair).value == pytest.approx(scipy.stats.contingency.association(table), abs=TINY)


@given(WHOLE, WHOLE)
def test_moments_are_numpys(a: list[float], b: list[float]):
    for values, sample in zip((a, b), distances.samples(of_samples(a, b)), strict=True):
        assert sample == pytest.approx((len(values), np.mean(values), np.std(values, ddof=1), 0.0), abs=TINY)


def test_values_spread_over_a_bin_have_the_variance_of_a_uniform():
    # 12²/12 = 12 over one bin, with n - 1 = 4 below 5 values
    pair = Pair(np.array([5]), np.array([5]), np.array([0.0]), np.array([12.0]))

    assert distances.samples(pair)[0] == pytest.approx((5, 6.0, math.sqrt(12 * 5 / 4), 0.0))


@given(WHOLE, WHOLE)
def test_the_log_mean_shift_is_numpys(a: list[float], b: list[float]):
    logs = [np.log([v for v in side if v > 0]) for side in (a, b)]
    assume(len(logs[0]) and len(logs[1]))

    assert distances.log_mean_shift(of_samples(a, b)).value == pytest.approx(logs[1].mean() - logs[0].mean(), abs=TINY)


# By hand --------------------------------------------------------------------------------------------------------------


def test_psi_moves_a_quarter_of_the_rows():
    # (7500.5 - 5000.5)/10001 · ln(7500.5/5000.5) + (2500.5 - 5000.5)/10001 · ln(2500.5/5000.5) = 0.10135 + 0.17325
    assert distances.psi(of_categories({"a": 5000, "b": 5000}, {"a": 7500, "b": 2500})).value == pytest.approx(
        2500 / 10001 * (math.log(7500.5 / 5000.5) - math.log(2500.5 / 5000.5))
    )


def test_psi_with_an_empty_place_adds_half_a_row():
    # half a row in each of three places makes 41.5 rows of 40, and 21.5 of 20
    r, c = (20.5 / 41.5, 20.5 / 41.5, 0.5 / 41.5), (10.5 / 21.5, 0.5 / 21.5, 10.5 / 21.5)
    by_hand = sum((y - x) * math.log(y / x) for x, y in zip(r, c, strict=True))

    assert distances.psi(of_categories({"a": 20, "b": 20}, {"a": 10, "c": 10})).value == pytest.approx(by_hand)


def test_kl_weighs_by_the_current_data():
    # half a row in each of two places: a quarter becomes 10.5 of 41, a half stays a half
    forth = 0.5 * math.log(20.5 / 10.5) + 0.5 * math.log(20.5 / 30.5)

    assert distances.kl(of_categories({"a": 10, "b": 30}, {"a": 20, "b": 20})).value == pytest.approx(forth)


def test_hellinger_of_a_half_and_a_whole():
    # Σ √(r·c) = √½
    assert distances.hellinger(of_categories({"a": 1, "b": 1}, {"a": 4})).value == pytest.approx(
        math.sqrt(1 - 0.5**0.5)
    )


def test_energy_of_two_points():
    # 2·E|X - Y| - E|X - X'| - E|Y - Y'| of {0, 1} and {2}: twice 1.5, less 0.5, less 0
    assert distances.energy(of_samples([0, 1], [2])).value == pytest.approx(math.sqrt(2.5))


def test_wasserstein_on_bins_follows_straight_lines_that_cross():
    # One bin of width 2; F - G runs from +½ (a place before it) to -½: two triangles of ½·1·½
    pair = Pair(np.array([1, 0, 1]), np.array([0, 2, 0]), np.array([0.0, 0.0, 2.0]), np.array([0.0, 2.0, 2.0]))

    assert distances.wasserstein(pair).value == pytest.approx(0.5)
    assert distances.energy(pair).value == pytest.approx(math.sqrt(2 * 2 * (0.25 - 0.25 + 0.25) / 3))


def test_the_mean_shift_is_in_deviations_of_the_reference():
    # mean 2 to 5, deviation 1
    assert distances.get_distance("mean_shift").measure(of_samples([1, 2, 3], [5])).value == pytest.approx(3.0)


def test_a_log_mean_shift_of_bins_averages_the_logarithm():
    # mean of ln over [1, e] is (e·1 - 0)/(e - 1) - 1 = 1/(e - 1); over [0, 1] it is -1
    one = Pair(np.array([3, 0]), np.array([0, 5]), np.array([0.0, 1.0]), np.array([1.0, math.e]))

    found = distances.log_mean_shift(one)

    assert found.value == pytest.approx(1 / (math.e - 1) + 1)
    assert found.error is None


def test_l_infinity_names_the_place():
    found = distances.l_infinity(of_samples([1, 2], [1, 1, 1, 2]))

    assert (found.value, found.where) == (0.25, "1")


def test_l_infinity_names_a_group_by_its_ends():
    edges = np.array([0.0, 1.0, 2.0])
    pair = of_histograms(Histogram.of(np.array([0.5, 1.5]), edges), Histogram.of(np.array([0.5, 1.2, 1.5, 9.0]), edges))

    assert distances.l_infinity(pair).where == "0 to 1"
    assert distances.l_infinity(Pair(pair.reference[1:], pair.current[1:], pair.low[1:], pair.high[1:])).where == (
        "1 to 2"
    )


def test_ks_names_the_value_at_which_the_curves_are_furthest_apart():
    assert distances.ks(of_samples([1, 2, 3], [3, 4])).where == "2"


def test_a_share_change_is_of_the_second_place():
    change = DISTANCES["share_change"].measure

    assert change(of_categories({"there": 95, "null": 5}, {"there": 80, "null": 20})).value == 0.15
    assert change(of_categories({"there": 80, "null": 20}, {"there": 95, "null": 5})).value == -0.15


def test_the_documents_example_has_the_distance_that_its_distributions_have(rng: np.random.Generator):
    # 100,000 values leave each curve within 0.009 of its own but once in five million times (Massart 1990)
    a, b = rng.beta(2, 5, 100_000), rng.beta(2.5, 4.5, 100_000)
    x = np.linspace(0, 1, 10_001)
    true = np.abs(scipy.stats.beta.cdf(x, 2, 5) - scipy.stats.beta.cdf(x, 2.5, 4.5)).max()

    assert true == pytest.approx(0.173, abs=5e-4)
    assert distances.ks(of_samples(a, b)).value == pytest.approx(true, abs=2 * 0.009)


# Laws -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", ALL, ids=by_name)
@given(a=WHOLE)
def test_equal_samples_are_at_no_distance(distance: Distance, a: list[float]):
    measured = distance.measure(pair_for(distance, a, a))

    assert measured.value is None or measured.value == pytest.approx(0, abs=TINY)
    assert measured.value is not None or measured.why


@pytest.mark.parametrize("distance", ALL, ids=by_name)
@given(a=WHOLE, b=WHOLE)
def test_a_distance_is_in_its_range_or_says_why_not(distance: Distance, a: list[float], b: list[float]):
    measured = distance.measure(pair_for(distance, a, b))

    low, high = distance.range
    assert (measured.value is None) == bool(measured.why)
    assert measured.value is None or (math.isfinite(measured.value) and low <= measured.value <= high)


@pytest.mark.parametrize("distance", OF_SHARES, ids=by_name)
@given(a=COUNTS, b=COUNTS)
def test_a_distance_of_shares_is_finite_whatever_places_are_empty(
    distance: Distance, a: dict[str, int], b: dict[str, int]
):
    measured = distance.measure(of_categories(a, b))

    assert measured.value is None or (math.isfinite(measured.value) and measured.value >= 0)
    assert measured.value is not None or "rare" in measured.why


@pytest.mark.parametrize("distance", [d for d in ALL if d.symmetric], ids=by_name)
@given(a=COUNTS, b=COUNTS, x=WHOLE, y=WHOLE)
def test_a_symmetric_distance_changes_at_most_its_sign_when_swapped(
    distance: Distance, a: dict[str, int], b: dict[str, int], x: list[float], y: list[float]
):
    pair = of_categories(a, b) if distance.on == "both" else pair_for(distance, x, y)

    forth, back = distance.measure(pair).value, distance.measure(pair.swapped).value

    assert (forth is None) == (back is None)
    sign = -1 if distance.is_signed else 1
    assert forth is None or back is None or forth == pytest.approx(sign * back, abs=TINY)


def test_a_distance_that_is_not_symmetric_says_so():
    pair = of_samples([1, 2, 3, 4, 9, 9, 9], [2, 3, 20])
    uneven = [d for d in ON_A_SCALE if abs(value(d, pair)) != pytest.approx(abs(value(d, pair.swapped)))]

    assert {d.name for d in uneven} == {d.name for d in ON_A_SCALE if not d.symmetric}
    assert not DISTANCES["kl"].symmetric


SCALED: dict[str, float] = {"wasserstein": 4.0, "energy": 2.0}


@pytest.mark.parametrize("distance", [d for d in ALL if d.name != "log_mean_shift" and d.on != "share"], ids=by_name)
@given(a=WHOLE, b=WHOLE)
def test_another_unit_changes_only_distances_in_that_unit(distance: Distance, a: list[float], b: list[float]):
    before = distance.measure(of_samples(a, b)).value
    after = distance.measure(of_samples([4 * v + 32 for v in a], [4 * v + 32 for v in b])).value

    factor = SCALED.get(distance.name, 1.0)
    assert (before is None) == (after is None)
    assert before is None or after == pytest.approx(factor * before, abs=1e-7)
    assert (distance.name in SCALED) == ("column" in distance.unit)


@given(a=st.lists(st.integers(1, 50), min_size=1), b=st.lists(st.integers(1, 50), min_size=1))
def test_another_unit_leaves_the_shift_of_logarithms(a: list[int], b: list[int]):
    before = distances.log_mean_shift(of_samples(a, b)).value
    after = distances.log_mean_shift(of_samples([v * 1000 for v in a], [v * 1000 for v in b])).value

    assert after == pytest.approx(before, abs=TINY)


@pytest.mark.parametrize("distance", OF_SHARES, ids=by_name)
@given(a=COUNTS, b=COUNTS)
def test_the_names_and_order_of_categories_do_not_matter(distance: Distance, a: dict[str, int], b: dict[str, int]):
    pair = of_categories(a, b)
    turned = Pair(pair.reference[::-1], pair.current[::-1], labels=tuple(range(len(pair.labels))))

    before, after = distance.measure(pair).value, distance.measure(turned).value

    assert after == (before if before is None else pytest.approx(before, abs=TINY))


@pytest.mark.parametrize("distance", METRICS, ids=by_name)
@given(a=COUNTS, b=COUNTS, c=COUNTS)
def test_a_metric_takes_no_detour(distance: Distance, a: dict[str, int], b: dict[str, int], c: dict[str, int]):
    way = value(distance, of_categories(a, b)) + value(distance, of_categories(b, c))

    assert value(distance, of_categories(a, c)) <= way + TINY


@pytest.mark.parametrize("distance", [DISTANCES[n] for n in ("ks", "wasserstein", "energy")], ids=by_name)
@given(a=WHOLE, b=WHOLE, c=WHOLE)
def test_a_metric_on_a_scale_takes_no_detour(distance: Distance, a: list[float], b: list[float], c: list[float]):
    way = value(distance, of_samples(a, b)) + value(distance, of_samples(b, c))

    assert value(distance, of_samples(a, c)) <= way + 1e-7


@pytest.mark.parametrize("distance", ALL, ids=by_name)
def test_a_side_without_values_has_no_distance(distance: Distance):
    assert distance.measure(pair_for(distance, [], [1.0, 2.0])).why == "the reference has no values"
    assert distance.measure(pair_for(distance, [1.0, 2.0], [])).why == "the current data has no values"
    assert distance.measure(pair_for(distance, [], [])).value is None


@pytest.mark.parametrize("distance", ON_A_SCALE, ids=by_name)
def test_categories_have_no_distance_on_a_scale(distance: Distance):
    assert (
        distance.measure(of_categories({"a": 1}, {"a": 1})).why == "the values are categories, which have no position"
    )


def test_a_share_change_of_more_than_two_places_is_undefined():
    assert distances.share_change(of_samples([1, 2, 3], [1])).why == (
        "there are 3 places; a share needs two, without and with"
    )


def test_every_distance_is_held_by_a_law():
    assert {d.name for d in ON_A_SCALE + OF_SHARES} == set(DISTANCES) - {"share_change"}
    assert [d.name for d in ALL] == list(DISTANCES)
    assert all(d.title and d.formula and d.undefined for d in ALL)


def test_an_unknown_distance_names_the_nearest():
    with pytest.raises(ConfigError, match=r"there is no distance 'wassertein'; did you mean 'wasserstein'\?"):
        get_distance("wassertein")


# Bins -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", ON_A_SCALE, ids=by_name)
@given(a=POSITIVE, b=POSITIVE, edges=st.sets(st.integers(1, 60).map(float), min_size=2))
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_a_distance_of_bins_is_within_its_error_of_the_samples_own(
    distance: Distance, a: list[float], b: list[float], edges: set[float]
):
    at = np.array(sorted(edges))
    sides = [Histogram.of(np.sort(np.array(side)), at) for side in (a, b)]
    exact = distance.measure(of_samples(a, b))
    binned = distance.measure(of_histograms(*sides, ends=(min(a + b), max(a + b))))
    assume(exact.value is not None and binned.value is not None and binned.error is not None)

    assert abs(binned.value - exact.value) <= binned.error + TINY


@pytest.mark.parametrize("name", ["wasserstein", "energy", "mean_shift", "wasserstein_std", "std_change", "ks"])
def test_a_thousand_bins_are_as_good_as_the_values(name: str, rng: np.random.Generator):
    a, b = rng.normal(0, 1, 40_000), rng.normal(0.2, 1.1, 10_000)
    edges = np.unique(np.quantile(a, np.linspace(0, 1, 1025)))
    sides = [Histogram.of(np.sort(side), edges) for side in (a, b)]
    both = np.concatenate([a, b])

    binned = DISTANCES[name].measure(of_histograms(*sides, ends=(both.min(), both.max())))

    # The mean width of a bin that a value lies in is about 8 deviations / 1024, twice that for the few wide ones outside.
    assert binned.value == pytest.approx(value(DISTANCES[name], of_samples(a, b)), abs=0.016)


@pytest.mark.parametrize("distance", OF_SHARES, ids=by_name)
def test_shares_on_the_groups_own_edges_lose_nothing(distance: Distance, rng: np.random.Generator):
    a, b = rng.integers(0, 200, 20_000).astype(float), rng.integers(0, 220, 3_000).astype(float)
    sides = [Histogram.of(np.sort(side), np.arange(0.0, 222.0)) for side in (a, b)]

    binned = distance.measure(of_histograms(*sides))

    assert binned.value == pytest.approx(value(distance, of_samples(a, b)), abs=TINY)
    assert binned.error == 0.0


def test_values_beyond_an_end_that_is_not_known_lie_at_the_edge_and_have_no_bound():
    edges = np.array([0.0, 1.0, 2.0])
    sides = [Histogram.of(np.array(side), edges) for side in ([0.5, 1.5], [1.5, 900.0])]

    # The 900 counts as 2: from the middles 0.5 and 1.5 to 1.5 and 2 on straight lines, F - G = ½ on [1, 1] and at 2
    found = distances.wasserstein(of_histograms(*sides))

    assert found.error is None
    assert found.value == pytest.approx(0.25 + 0.5)


def test_infinite_values_have_a_place_but_no_position():
    pair = of_samples([1.0, 2.0, math.inf], [1.0, 2.0, 3.0])

    assert distances.ks(pair).value == pytest.approx(1 / 3)
    assert [d.measure(pair).why for d in ON_A_SCALE if d.name != "ks"] == ["a value is infinite"] * 6


@pytest.mark.parametrize("distance", ON_A_SCALE, ids=by_name)
def test_a_difference_beyond_floats_is_said(distance: Distance):
    measured = distance.measure(of_samples([-1.7e308, -1.6e308], [1.7e308, 1.6e308]))

    assert measured.value is None or math.isfinite(measured.value)


# Constants ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mean_shift", "wasserstein_std", "std_change"])
def test_a_constant_that_stays_has_not_moved(name: str):
    assert DISTANCES[name].measure(of_samples([0.1] * 10, [0.1] * 7)).value == 0.0


@pytest.mark.parametrize("name", ["mean_shift", "wasserstein_std"])
def test_no_number_of_deviations_reaches_what_left_a_constant(name: str):
    assert DISTANCES[name].measure(of_samples([5, 5], [7, 7])).why == (
        "all values of the reference are the same: it has no spread"
    )


@pytest.mark.parametrize("distance", OF_SHARES, ids=by_name)
def test_a_constant_that_became_another_is_seen_by_its_share(distance: Distance):
    assert value(distance, of_samples([5] * 100, [7] * 100)) > 0.9


def test_a_constant_category_that_stays_is_at_no_distance():
    assert [value(d, of_categories({"a": 9}, {"a": 2})) for d in OF_SHARES] == [0.0] * len(OF_SHARES)


def test_a_reference_of_one_value_has_no_deviation():
    assert distances.mean_shift(Sample(1, 3.0, 0.0), Sample(5, 3.0, 1.0)).why == (
        "the reference has one value; a standard deviation needs two"
    )


def test_far_values_keep_their_spread():
    far = [1e12 + v for v in (1.0, 2.0, 3.0)]

    assert value(DISTANCES["mean_shift"], of_samples(far, [1e12 + 3.0])) == pytest.approx(1.0)


# The law of PSI -------------------------------------------------------------------------------------------------------


def test_psi_tends_to_the_plain_index():
    # ¼·ln 1.5 + ¼·ln 2 of shares ½, ½ against ¾, ¼; half a row of n moves it by less than 2/n
    plain = 0.25 * math.log(1.5) + 0.25 * math.log(2)
    sizes = (100, 10_000, 1_000_000)
    found = [value(DISTANCES["psi"], of_categories({0: n // 2, 1: n // 2}, {0: 3 * n // 4, 1: n // 4})) for n in sizes]

    assert [abs(psi - plain) < 2 / n for psi, n in zip(found, sizes, strict=True)] == [True] * 3


@pytest.mark.parametrize("groups", [2, 10, 20])
@pytest.mark.parametrize("alpha", [0.001, 0.05])
def test_the_bound_of_psi_is_scipys_quantile(groups: int, alpha: float):
    bound = psi_bound(5_000, 300, groups=groups, alpha=alpha)

    assert bound == pytest.approx(scipy.stats.chi2.isf(alpha, groups - 1) * (1 / 5_000 + 1 / 300))


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n_reference": 0}, {"groups": 1}, {"alpha": 0.0}, {"alpha": 1.0}])
def test_a_bound_of_nothing_is_refused(wrong: dict[str, float]):
    with pytest.raises(ValueError, match=r"at least 1, 1, 2, and in \(0, 1\)"):
        psi_bound(**({"n_reference": 100, "n": 100, "groups": 10, "alpha": 0.05} | wrong))


Draw = Callable[[np.random.Generator, int, bool], np.ndarray]


def alarms(rng: np.random.Generator, draw: Draw, n: int, bound: Callable[[Pair], float]) -> int:
    """Return in how many of 1,000 windows, each on a reference of 2,000 of its own, PSI is above its bound."""
    pairs = (of_samples(draw(rng, 2_000, False), draw(rng, n, True)) for _ in range(1_000))
    return sum(value(DISTANCES["psi"], pair) > bound(pair) for pair in pairs)


def of_both_sizes(pair: Pair) -> float:
    return psi_bound(pair.n_reference, pair.n, groups=len(psi_cells(pair).reference))


def normal(shift: float) -> Draw:
    return lambda rng, n, current: rng.normal(shift if current else 0.0, 1, n)


def tied(rng: np.random.Generator, n: int, current: bool) -> np.ndarray:
    return rng.poisson(4, n)


# A binomial of 1,000 at 0.05 stays in [29, 75] but once in a thousand.
FEWEST, MOST = scipy.stats.binom.ppf([0.0005, 0.9995], 1_000, 0.05)


@pytest.mark.parametrize("draw", [normal(0.0), tied], ids=["continuous", "tied"])
@pytest.mark.parametrize("n", [100, 1_000, 10_000])
def test_psi_exceeds_its_bound_as_often_as_stated(n: int, draw: Draw, rng: np.random.Generator):
    assert FEWEST <= alarms(rng, draw, n, of_both_sizes) <= MOST


def test_the_fixed_bound_is_noise_in_a_small_window(rng: np.random.Generator):
    # 10 groups on a reference of 2,000: P(χ²₉ > 0.2 / (1/100 + 1/2000)) = P(χ²₉ > 19.05) = 0.025
    fewest, most = scipy.stats.binom.ppf([0.0005, 0.9995], 1_000, scipy.stats.chi2.sf(0.2 / (1 / 100 + 1 / 2_000), 9))

    assert fewest <= alarms(rng, normal(0.0), 100, lambda pair: 0.2) <= most


def test_the_fixed_bound_is_deaf_to_what_the_bound_of_both_sizes_hears(rng: np.random.Generator):
    # A quarter of a deviation is a PSI of about 0.06 at any size
    assert alarms(rng, normal(0.25), 1_000, lambda pair: 0.2) == 0
    assert alarms(rng, normal(0.25), 1_000, of_both_sizes) > 950


def test_psi_of_many_rare_categories_does_not_cry_wolf(rng: np.random.Generator):
    # 300 categories of Zipf's law; a binomial of 400 at 0.05 stays in [7, 36] but once in a thousand
    share = 1 / np.arange(1, 301)
    share /= share.sum()
    count = 0
    for _ in range(400):
        sides = [dict(enumerate(rng.multinomial(n, share).tolist())) for n in (5_000, 500)]
        pair = of_categories(*sides)
        count += distances.psi(pair).value > psi_bound(5_000, 500, groups=len(psi_cells(pair).reference))

    assert 7 <= count <= 36


def test_categories_that_are_all_rare_have_no_psi():
    pair = of_categories(dict.fromkeys(range(100), 1), dict.fromkeys(range(100, 200), 1))

    assert (
        distances.psi(pair).why == "every category is so rare that the smaller sample would expect fewer than 5 of it"
    )
    assert distances.total_variation(pair).value == pytest.approx(1)
