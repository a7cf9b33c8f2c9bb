"""Groups, pools and shapes of a pair: whole places, nothing lost, and edges that a person can read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.profiles.sketches import Histogram
from assay.stats.binning import OTHER, finite_ends, grouped, pooled, shape
from assay.stats.pair import Pair, of_categories, of_histograms, of_samples

WHOLE = st.lists(st.integers(-20, 20).map(float), min_size=0, max_size=40)
REAL = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40)


def test_groups_have_equal_shares_of_a_reference_without_ties():
    pair = grouped(of_samples(range(1_000), [1.5]))

    assert pair.reference.tolist() == [100] * 10
    assert pair.current.tolist() == [1] + [0] * 9


def test_a_place_with_more_than_a_groups_share_stands_alone():
    # 2 of 10 below, 6 at 5, 2 above: the middles of the five places are 0.05, 0.15, 0.5, 0.85, 0.95
    pair = grouped(of_samples([1, 2, 5, 5, 5, 5, 5, 5, 8, 9], [5]), groups=4)

    assert pair.reference.tolist() == [2, 6, 2]
    assert (pair.low.tolist(), pair.high.tolist()) == ([1.0, 5.0, 8.0], [2.0, 5.0, 9.0])


def test_a_value_between_two_groups_joins_the_lower():
    pair = grouped(of_samples([1, 2, 3, 4], [2.5, 2.9]), groups=2)

    assert pair.current.tolist() == [2, 0]


def test_what_left_the_references_range_stays_in_the_end_groups():
    pair = grouped(of_samples([1, 2, 3, 4], [-9, 0, 9]), groups=2)

    assert pair.current.tolist() == [2, 1]


def test_what_left_the_references_range_is_apart_when_asked():
    pair = grouped(of_samples([1, 2, 3, 4], [-9, 0, 9]), groups=2, ends_apart=True)

    assert pair.reference.tolist() == [0, 2, 2, 0]
    assert pair.current.tolist() == [2, 0, 0, 1]


def test_a_reference_without_values_gives_one_group():
    assert grouped(of_samples([], [1, 2, 3])).current.tolist() == [3]


def test_no_places_give_no_groups():
    assert len(grouped(of_samples([], [])).reference) == 0


def test_bins_of_histograms_are_grouped_whole():
    edges = np.arange(0.0, 101.0)
    reference = Histogram.of(np.arange(0.0, 100.0, 0.5), edges)
    current = Histogram.of(np.array([-3.0, 50.0, 100.0, 200.0]), edges)

    pair = grouped(of_histograms(reference, current), groups=4)

    assert pair.reference.tolist() == [50, 50, 50, 50]
    assert pair.current.tolist() == [1, 0, 1, 2]
    assert (pair.low[0], pair.high[-1]) == (-math.inf, math.inf)


@given(WHOLE, WHOLE, st.integers(1, 12), st.booleans())
def test_groups_lose_nothing_and_keep_the_order(a: list[float], b: list[float], groups: int, apart: bool):
    pair = of_samples(a, b)

    cells = grouped(pair, groups=groups, ends_apart=apart)

    assert (cells.n_reference, cells.n) == (len(a), len(b))
    assert len(cells.reference) <= groups + 2 * apart
    assert (cells.low <= cells.high).all()
    assert (cells.low[1:] > cells.high[:-1]).all()


@given(WHOLE.filter(bool), st.integers(1, 12))
def test_no_group_is_further_from_its_share_than_the_heaviest_place(a: list[float], groups: int):
    cells = grouped(of_samples(a, []), groups=groups)

    heaviest = np.unique(a, return_counts=True)[1].max()
    assert (cells.reference > 0).all()
    assert cells.reference.max() <= len(a) / groups + heaviest


@given(WHOLE.filter(bool), WHOLE, st.integers(2, 12))
def test_only_ends_apart_may_be_without_a_reference(a: list[float], b: list[float], groups: int):
    cells = grouped(of_samples(a, b), groups=groups, ends_apart=True)

    assert (cells.reference[1:-1] > 0).all()


def test_categories_have_no_groups():
    with pytest.raises(
        ValueError, match="the places are categories, which have no order; put the rare ones together: pooled"
    ):
        grouped(of_categories({"a": 1}, {"a": 1}))


def test_groups_are_at_least_one():
    with pytest.raises(ValueError, match="groups is 0; at least 1"):
        grouped(of_samples([1], [1]), groups=0)


def test_rare_categories_are_one_place():
    # 100 rows against 50: a category is expected (r + c)·50/150 times in the smaller; "b" 2.3, "c" 1.3, "d" 0.3
    pair = pooled(of_categories({"a": 90, "b": 6, "c": 4}, {"a": 48, "b": 1, "d": 1}))

    assert pair.labels == ("a", OTHER)
    assert (pair.reference.tolist(), pair.current.tolist()) == ([90, 10], [48, 2])


def test_one_rare_category_keeps_its_name():
    pair = of_categories({"a": 90, "b": 1}, {"a": 48})

    assert pooled(pair) is pair


def test_a_category_that_swapped_with_all_others_is_still_seen():
    pair = pooled(of_categories({"a": 10_000}, {"b": 100}))

    assert (pair.reference.tolist(), pair.current.tolist()) == ([10_000, 0], [0, 100])


def test_categories_that_are_all_rare_leave_one_place():
    pair = pooled(of_categories(dict.fromkeys(range(50), 1), dict.fromkeys(range(50, 90), 1)))

    assert pair.labels == (OTHER,)
    assert (pair.n_reference, pair.n) == (50, 40)


def test_a_real_category_called_other_is_not_the_others():
    assert OTHER != "other"
    assert str(OTHER) == "other"


def test_rare_categories_join_the_others_that_are_there():
    # "c" is expected half a time, "a" 49.5 times
    pair = pooled(of_categories({OTHER: 90, "a": 10, "c": 0}, {OTHER: 10, "a": 89, "c": 1}))

    assert pair.labels == ("a", OTHER)
    assert (pair.reference.tolist(), pair.current.tolist()) == ([10, 90], [89, 11])


def test_a_sample_without_values_pools_nothing():
    pair = of_categories({"a": 1, "b": 2}, {})

    assert pooled(pair) is pair


def test_places_on_a_scale_are_not_pooled():
    with pytest.raises(ValueError, match="the places are on a scale; put neighbours together: grouped"):
        pooled(of_samples([1], [1]))


COUNTS = st.dictionaries(st.integers(0, 30), st.integers(1, 200), min_size=1, max_size=25)


@given(COUNTS, COUNTS)
def test_all_places_but_the_others_are_expected_often_enough(a: dict[int, int], b: dict[int, int]):
    pair = of_categories(a, b)

    cells = pooled(pair)

    expected = (cells.reference + cells.current) * min(pair.n, pair.n_reference) / (pair.n + pair.n_reference)
    named = [label is not OTHER for label in cells.labels]
    assert (cells.n_reference, cells.n) == (pair.n_reference, pair.n)
    assert np.count_nonzero(expected[named] < 5) <= 1
    assert len(cells.labels) == len(cells.reference)


def test_unknown_ends_become_their_neighbours():
    pair = Pair(np.array([1, 2, 3]), np.array([1, 1, 1]), np.array([-np.inf, 0, 5]), np.array([0, 5, np.inf]))

    low, high = finite_ends(pair)

    assert (low.tolist(), high.tolist()) == ([0, 0, 5], [0, 5, 5])
    assert pair.low[0] == -np.inf


def test_whole_numbers_get_a_bin_each_where_they_are_few():
    seen = shape(of_samples([1, 2, 2, 3], [3, 3]))

    assert seen.edges == (1.0, 2.0, 3.0, 4.0)
    assert (seen.reference, seen.current) == ((0.25, 0.5, 0.25), (0.0, 0.0, 1.0))


def test_decimals_fall_in_the_bins_that_their_digits_say():
    seen = shape(of_samples([0.1, 0.2, 0.3, 0.6, 0.7], []))

    assert seen.edges == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    assert seen.reference == (0.2, 0.2, 0.2, 0.0, 0.0, 0.2, 0.2)


def test_the_far_ends_are_in_the_end_bins():
    values = np.concatenate([np.linspace(0, 10, 10_001), [1e9]])

    seen = shape(of_samples(values, [1e9]))

    assert seen.edges[-1] > 1e8  # all of the small current sample is out there, and counts as much as the reference
    assert seen.current[-1] == 1.0
    assert shape(of_samples(values, values)).edges[-1] == 10.0


def test_the_bins_stand_on_the_central_share():
    # a quarter of 0 to 999 is left out on each side; the end bins, up to 300 and from 700, hold it too
    seen = shape(of_samples(range(1_000), range(1_000)), central=0.5, bins=10)

    assert (seen.edges[0], seen.edges[-1]) == (250.0, 750.0)
    assert (seen.reference[0], seen.reference[1], seen.reference[-1]) == (0.3, 0.05, 0.3)


def test_a_constant_is_one_bin():
    assert shape(of_samples([5, 5], [5])).reference == (1.0,)


def test_a_spike_with_a_rare_tail_shows_the_whole_range():
    seen = shape(of_samples([0.0] * 10_000 + [7.0], [0.0]))

    assert (seen.edges[0], seen.edges[-1]) == (0.0, 10.0)
    assert seen.reference[0] == 0.9999


def test_nothing_has_no_shape():
    assert shape(of_samples([], [])).edges == ()
    assert shape(of_categories({}, {})).labels == ()
    assert shape(of_samples([math.inf], [math.inf])).reference == ()


def test_a_side_without_values_is_drawn_as_zeros():
    assert shape(of_samples([1, 2], [])).current == (0.0, 0.0)


def test_values_are_spread_evenly_over_their_bin():
    pair = Pair(np.array([4, 0]), np.array([0, 2]), np.array([0.0, 8.0]), np.array([8.0, 10.0]))

    seen = shape(pair, bins=5)

    assert seen.edges == (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)
    assert (seen.reference, seen.current) == ((0.25, 0.25, 0.25, 0.25, 0.0), (0.0, 0.0, 0.0, 0.0, 1.0))


def test_categories_show_the_largest_first_and_count_the_rest():
    reference = {f"c{i}": 20 - i for i in range(15)}

    seen = shape(of_categories(reference, {"new": 5}), categories=3)

    assert seen.labels == ("new", "c0", "c1", "other (13)")
    assert seen.current == (1.0, 0.0, 0.0, 0.0)
    assert sum(seen.reference) == pytest.approx(1, abs=1e-5)


def test_one_category_beyond_the_most_is_shown_by_name():
    assert shape(of_categories({"a": 3, "b": 2, "c": 1}, {}), categories=2).labels == ("a", "b", "c")


@given(REAL, REAL, st.integers(2, 24))
def test_a_shape_has_few_rising_edges_and_all_values(a: list[float], b: list[float], bins: int):
    seen = shape(of_samples(a, b), bins=bins)

    assert 1 <= len(seen.reference) == len(seen.current) == len(seen.edges) - 1 <= bins
    assert (np.diff(seen.edges) > 0).all()
    assert sum(seen.reference) == pytest.approx(1, abs=1e-4)
    assert sum(seen.current) == pytest.approx(1, abs=1e-4)


@given(REAL, REAL)
def test_a_shape_counts_as_numpys_histogram(a: list[float], b: list[float]):
    seen = shape(of_samples(a, b), central=1.0)

    edges = np.array(seen.edges)
    edges[[0, -1]] = -np.inf, np.inf
    assert seen.reference == pytest.approx(np.histogram(a, edges)[0] / len(a), abs=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        [-1.7e308, 1.7e308],
        [1e18, 1e18 + 128],
        [0, 5e-324],
        [1e-310, 3e-310],
        [-math.inf, 1, 2, math.inf],
        [1e300, 1e-300],
    ],
)
def test_extreme_values_have_a_shape(values: list[float]):
    seen = shape(of_samples(values, values))

    assert np.isfinite(seen.edges).all()
    assert (np.diff(seen.edges) > 0).all()
    assert sum(seen.reference) == pytest.approx(1, abs=1e-4)
