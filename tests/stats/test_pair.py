"""Pairs: two samples counted at the same places, whether the places are values, bins or categories."""

from __future__ import annotations

import numpy as np
import pytest

from assay.profiles.sketches import Histogram
from assay.stats.comparisons import COMPARISONS
from assay.stats.pair import Pair, of_categories, of_histograms, of_samples


def histogram(values: np.ndarray, edges: np.ndarray) -> Histogram:
    counts, _ = np.histogram(values, edges)
    return Histogram(
        edges=edges, counts=counts, below=int((values < edges[0]).sum()), above=int((values > edges[-1]).sum())
    )


def test_each_distinct_value_of_two_samples_is_a_place():
    pair = of_samples([3.0, 1.0, 1.0], [2.0, 3.0, 3.0, 3.0])

    assert pair.low.tolist() == pair.high.tolist() == [1.0, 2.0, 3.0]
    assert pair.reference.tolist() == [2, 0, 1]
    assert pair.current.tolist() == [0, 1, 3]
    assert (pair.n_reference, pair.n, pair.is_scale, pair.is_exact) == (3, 4, True, True)


def test_nan_is_missing_and_infinity_is_a_value():
    pair = of_samples([np.nan, 1.0, np.inf], [np.nan, -np.inf])

    assert pair.low.tolist() == [-np.inf, 1.0, np.inf]
    assert (pair.n_reference, pair.n) == (2, 1)


def test_an_empty_sample_makes_a_pair_without_values_on_that_side():
    pair = of_samples([], [1.0])

    assert (pair.n_reference, pair.n) == (0, 1)


def test_categories_keep_the_order_of_the_reference_and_new_ones_come_last():
    pair = of_categories({"b": 2, "a": 1}, {"c": 4, "a": 3})

    assert pair.labels == ("b", "a", "c")
    assert pair.reference.tolist() == [2, 1, 0]
    assert pair.current.tolist() == [0, 3, 4]
    assert not pair.is_scale
    assert pair.is_exact


def test_shares_add_up_to_one_on_each_side():
    reference, current = of_categories({"a": 3, "b": 1}, {"a": 1, "b": 1}).shares

    assert reference.tolist() == [0.75, 0.25]
    assert current.tolist() == [0.5, 0.5]


def test_swapping_the_sides_twice_gives_the_pair_again():
    pair = of_categories({"a": 3, "b": 1}, {"a": 1})

    assert pair.swapped.reference.tolist() == [1, 0]
    assert pair.swapped.swapped.reference.tolist() == pair.reference.tolist()
    assert pair.swapped.labels == pair.labels


def test_counts_of_different_places_are_no_pair():
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\)"):
        Pair(np.array([1, 2]), np.array([1, 2, 3]))


def test_histograms_on_the_same_edges_are_a_pair_with_what_lies_beyond_as_places():
    edges = np.array([0.0, 1.0, 2.0])

    pair = of_histograms(histogram(np.array([0.5, 1.5]), edges), histogram(np.array([-1.0, 0.5, 5.0]), edges))

    assert pair.reference.tolist() == [0, 1, 1, 0]
    assert pair.current.tolist() == [1, 1, 0, 1]
    assert pair.low.tolist() == [-np.inf, 0.0, 1.0, 2.0]
    assert pair.high.tolist() == [0.0, 1.0, 2.0, np.inf]
    assert not pair.is_exact


def test_what_no_value_lies_beyond_is_no_place_and_known_ends_stand_there():
    edges = np.array([0.0, 1.0, 2.0])

    pair = of_histograms(histogram(np.array([0.5]), edges), histogram(np.array([0.5, 5.0]), edges), ends=(0.5, 5.0))

    assert pair.low.tolist() == [0.0, 1.0, 2.0]
    assert pair.high.tolist() == [1.0, 2.0, 5.0]


def test_histograms_on_different_edges_are_refused():
    values = np.array([0.5])

    with pytest.raises(ValueError, match="different edges"):
        of_histograms(histogram(values, np.array([0.0, 1.0])), histogram(values, np.array([0.0, 2.0])))


def test_the_ks_distance_of_histograms_is_that_of_the_samples_within_a_bin_of_the_reference(rng: np.random.Generator):
    reference, current = rng.normal(size=20_000), rng.normal(0.1, 1.2, size=5_000)
    edges = np.quantile(reference, np.linspace(0, 1, 257))

    exact = COMPARISONS["ks"].compare(of_samples(reference, current)).statistic
    binned = COMPARISONS["ks"].compare(of_histograms(histogram(reference, edges), histogram(current, edges))).statistic

    assert (
        exact - 1 / 256 - 0.005 <= binned <= exact
    )  # a bin of the reference, and what the current data has more in it
