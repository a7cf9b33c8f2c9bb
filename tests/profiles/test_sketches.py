"""Sketches keep their stated bounds on hostile distributions, however their batches are merged; numpy is the oracle."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assay.profiles.sketches import HASHES, POINTS, VALUES, Distinct, Frequent, Histogram, Quantiles, pack, unpack

Rng = np.random.Generator

HOSTILE: dict[str, Callable[[Rng, int], Any]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy tail": lambda rng, n: rng.standard_cauchy(n),
    "lognormal": lambda rng, n: rng.lognormal(0, 5, n),
    "point masses": lambda rng, n: np.where(rng.random(n) < 0.9, 0.0, rng.normal(size=n)),
    "tiny range far away": lambda rng, n: 1e9 + rng.random(n) * 1e-6,
    "constant": lambda rng, n: np.full(n, 3.5),
    "two values": lambda rng, n: rng.integers(0, 2, n),
    "sorted": lambda rng, n: np.arange(n),
    "reversed": lambda rng, n: np.arange(n)[::-1],
    "few huge outliers": lambda rng, n: np.append(rng.normal(size=n - 3), [1e300, -1e300, 1e299]),
    "zipf": lambda rng, n: rng.zipf(1.5, n).clip(max=10**12),
    "infinities": lambda rng, n: np.where(rng.random(n) < 0.01, np.inf, rng.normal(size=n)),
}


def in_line(states: list[Any], rng: Rng) -> Any:
    return reduce(lambda a, b: a.merge(b), states)


def backwards(states: list[Any], rng: Rng) -> Any:
    return reduce(lambda a, b: b.merge(a), reversed(states))


def as_a_tree(states: list[Any], rng: Rng) -> Any:
    while len(states) > 1:
        states = [a.merge(b) for a, b in zip(states[::2], states[1::2], strict=False)] + (
            [states[-1]] if len(states) % 2 else []
        )
    return states[0]


def at_random(states: list[Any], rng: Rng) -> Any:
    states = list(states)
    while len(states) > 1:
        a, b = (states.pop(int(rng.integers(len(states)))) for _ in range(2))
        states.append(a.merge(b))
    return states[0]


SHAPES = [in_line, backwards, as_a_tree, at_random]


def uneven(values: Any, parts: int, rng: Rng) -> list[Any]:
    """Return the values in consecutive parts of very different sizes, some of them empty."""
    cuts = np.sort((rng.random(parts - 1) ** 2 * len(values)).astype(int)) if parts > 1 else []
    return np.split(values, cuts)


# Quantiles.


def assert_ranks_hold(sketch: Quantiles, values: Any) -> None:
    """Every rank and every quantile lies within the stated error of the truth."""
    ordered = np.sort(values)
    n, kept, cumulative = len(ordered), *sketch.cumulative()
    assert sketch.n == n == cumulative[-1]

    probes = np.unique(np.concatenate([kept, ordered[:: max(n // 2000, 1)], ordered[-1:]]))
    place = np.searchsorted(kept, probes, side="right")
    told = np.append(0, cumulative)[place]
    true = np.searchsorted(ordered, probes, side="right")
    assert (told - true).max(initial=0) <= sketch.over
    assert (true - told).max(initial=0) <= sketch.under

    shares = np.linspace(0, 1, 1001)
    found = sketch.many(shares)
    wanted = np.maximum(np.ceil(shares * n - 1e-6), 1)
    first, last = np.searchsorted(ordered, found, side="left") + 1, np.searchsorted(ordered, found, side="right")
    assert (first - wanted).max() <= sketch.error
    assert (wanted - last).max() <= sketch.error


@pytest.mark.parametrize("merged", SHAPES)
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("parts", [1, 2, 37])
def test_quantiles_stay_within_their_stated_error(name: str, parts: int, merged: Callable[..., Any], rng: Rng):
    values = HOSTILE[name](rng, 40_001)

    sketch = merged([Quantiles.of(np.sort(part)) for part in uneven(values, parts, rng)], rng)

    assert_ranks_hold(sketch, values)
    assert sketch.rank_error <= (math.log2(len(values) / POINTS) + 2) / (2 * POINTS)


@pytest.mark.parametrize("merged", SHAPES)
@pytest.mark.parametrize("size", [1, 7, 300, 2047, 2049])
def test_quantiles_of_500_batches_stay_within_their_stated_error(size: int, merged: Callable[..., Any], rng: Rng):
    values = rng.lognormal(0, 3, 500 * size)

    sketch = merged([Quantiles.of(np.sort(part)) for part in np.split(values, 500)], rng)

    assert_ranks_hold(sketch, values)
    assert len(sketch.cumulative()[0]) < 2 * POINTS * (math.log2(len(values)) + 1)


@pytest.mark.parametrize("n", [1, 2, 3, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 131_071, 131_072, 131_073, 999_983])
def test_every_length_of_one_run_is_within_half_a_step(n: int):
    sketch = Quantiles.of(np.arange(n))

    assert_ranks_hold(sketch, np.arange(n))
    assert sketch.rank_error <= 1 / (2 * POINTS)


def test_few_values_are_exact_and_a_quantile_is_the_least_value_with_that_share_at_or_below_it():
    sketch = Quantiles.of(np.array([1, 2])).merge(Quantiles.of(np.array([3, 10])))

    assert (sketch.error, sketch.n) == (0, 4)
    assert [sketch.at(share) for share in (0, 0.25, 0.26, 0.5, 0.75, 0.76, 1)] == [1, 1, 2, 2, 3, 10, 10]
    assert [sketch.rank(value) for value in (0.5, 1, 2.5, 10)] == [0.0, 0.25, 0.5, 1.0]


def test_a_share_that_floats_cannot_hold_still_names_its_row():
    sketch = Quantiles.of(np.arange(1, 11))

    assert [sketch.at(k / 10) for k in range(1, 11)] == list(range(1, 11))


def test_no_rows_have_no_quantile():
    nothing = Quantiles.of(np.empty(0))

    assert nothing.at(0.5) is None
    assert math.isnan(nothing.rank(1.0))
    assert nothing.merge(Quantiles.of(np.array([7]))).at(0.5) == 7


def test_merging_quantiles_does_not_ask_who_comes_first(rng: Rng):
    a, b = (Quantiles.of(np.sort(rng.normal(size=n))) for n in (50_000, 3_001))

    one, other = a.merge(b), b.merge(a)

    assert [v.tolist() for v, _ in one.levels] == [v.tolist() for v, _ in other.levels]
    assert (one.under, one.over) == (other.under, other.over)


def test_whole_numbers_far_from_zero_stay_whole():
    values = np.arange(2**60, 2**60 + 5000)

    assert Quantiles.of(values).many([0.5])[0] in values  # a float would be off by up to 128


# Different values.


def hashes(rng: Rng, n: int) -> Any:
    return rng.integers(0, 2**64, n, dtype=np.uint64)


@pytest.mark.parametrize("n", [5_000, 20_000, 200_000])
def test_distinct_counts_are_within_four_standard_errors_and_right_on_average(n: int, rng: Rng):
    counts = np.array([Distinct.of(hashes(rng, n), scheme="a").count for _ in range(60)])
    errors = counts / n - 1
    stated = 1 / math.sqrt(HASHES - 2)

    assert np.abs(errors).max() < 4 * stated
    assert abs(errors.mean()) < 4 * stated / math.sqrt(60)


@pytest.mark.parametrize("n", [0, 1, 100, HASHES - 1, HASHES])
def test_distinct_counts_are_exact_up_to_the_size_of_the_sketch(n: int, rng: Rng):
    seen = np.repeat(hashes(rng, n), 3)

    sketch = Distinct.of(seen, scheme="a")

    assert (sketch.count, sketch.full, sketch.relative_error) == (n, False, 0.0)


@pytest.mark.parametrize("merged", SHAPES)
@pytest.mark.parametrize("n", [100, HASHES, HASHES + 1, 50_000])
def test_merged_distinct_sketches_are_that_of_the_union(n: int, merged: Callable[..., Any], rng: Rng):
    seen = hashes(rng, n)[rng.integers(0, n, 3 * n)]

    sketch = merged([Distinct.of(part, scheme="a") for part in uneven(seen, 37, rng)], rng)

    whole = Distinct.of(seen, scheme="a")
    assert sketch.hashes.tolist() == whole.hashes.tolist()
    assert sketch.full == whole.full


@pytest.mark.parametrize(
    "values",
    [
        pl.int_range(300_000, eager=True),
        pl.Series(np.random.default_rng(5).normal(size=300_000)),
        pl.int_range(300_000, eager=True).cast(pl.String),
    ],
    ids=["numbers in a row", "floats", "texts"],
)
def test_the_hashes_of_the_engine_are_even_enough(values: pl.Series):
    sketch = Distinct.of(values.hash(seed=0).to_numpy(), scheme="a")

    assert abs(sketch.count / 300_000 - 1) < 4 * sketch.relative_error


def test_sketches_of_two_hash_functions_do_not_merge():
    a, b = (Distinct.of(np.array([1, 2], dtype=np.uint64), scheme=scheme) for scheme in ("one", "two"))

    with pytest.raises(ValueError, match="hashed by one and by two"):
        a.merge(b)
    assert a.merge(Distinct()).count == Distinct().merge(a).count == 2


# Frequent values.


def assert_counts_hold(sketch: Frequent, values: list[Any]) -> None:
    true = Counter(values)
    assert sketch.n == len(values)
    for value, count in sketch.counts.items():
        assert count <= true[value] <= sketch.upper(value) <= count + sketch.error
    assert all(count <= sketch.error for value, count in true.items() if value not in sketch.counts)
    assert sketch.error <= len(values) / 400
    assert len(sketch.counts) <= VALUES


@pytest.mark.parametrize("merged", SHAPES)
@pytest.mark.parametrize("name", ["zipf", "point masses", "two values", "sorted", "constant", "normal"])
@pytest.mark.parametrize("parts", [1, 2, 37])
def test_frequent_values_are_within_their_stated_error(name: str, parts: int, merged: Callable[..., Any], rng: Rng):
    values = HOSTILE[name](rng, 30_000)

    sketch = merged([Frequent.of(dict(Counter(part.tolist()))) for part in uneven(values, parts, rng)], rng)

    assert_counts_hold(sketch, values.tolist())


@pytest.mark.parametrize("merged", SHAPES)
def test_a_value_in_each_hundred_rows_is_never_lost(merged: Callable[..., Any], rng: Rng):
    values = np.where(np.arange(50_000) % 100 == 0, -1, rng.permutation(50_000))

    sketch = merged([Frequent.of(dict(Counter(part.tolist()))) for part in np.split(values, 50)], rng)

    assert sketch.counts[-1] <= 500 <= sketch.upper(-1)
    assert_counts_hold(sketch, values.tolist())


def test_a_value_that_was_always_listed_keeps_its_exact_count():
    # One value in half of the rows, beside 1,000 others in each of 20 batches.
    batches = [{"often": 1000} | {f"{batch}-{i}": 1 + i % 3 for i in range(1000)} for batch in range(20)]

    sketch = reduce(Frequent.merge, map(Frequent.of, batches))

    assert sketch.error > 0
    assert sketch.counts["often"] == sketch.upper("often") == 20_000


def test_batches_of_one_value_each_do_not_wash_the_others_away():
    # As in a file sorted by day: each batch brings one new value, 600 of them.
    heavy = Frequent.of({f"heavy {i}": 200 for i in range(VALUES)})

    sketch = reduce(Frequent.merge, [Frequent.of({i: 100}) for i in range(600)], heavy)

    assert sketch.error <= sketch.n / 400


def test_few_values_are_counted_exactly_in_any_order():
    a, b = Frequent.of({"x": 2, "y": 1}), Frequent.of({"x": 1, None: 4})

    assert a.merge(b).top(3) == b.merge(a).top(3) == [(None, 4), ("x", 3), ("y", 1)]
    assert a.merge(b).exact


# Histograms.


@pytest.mark.parametrize("name", HOSTILE)
def test_a_histogram_is_that_of_numpy(name: str, rng: Rng):
    values = HOSTILE[name](rng, 20_000)
    edges = np.unique(np.quantile(values[np.isfinite(values)][:5000].astype(float), np.linspace(0.01, 0.99, 50)))

    parts = [Histogram.of(np.sort(part), edges) for part in np.array_split(values, 7)]
    merged = reduce(Histogram.merge, parts)

    inside = values[(values >= edges[0]) & (values <= edges[-1])]
    expected = np.histogram(inside, bins=edges)[0] if len(edges) > 1 else [len(inside)]
    assert merged.counts.tolist() == list(expected)
    assert (merged.below, merged.above) == ((values < edges[0]).sum(), (values > edges[-1]).sum())
    assert merged.n == len(values)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u8"])
def test_whole_numbers_and_edges_between_them_or_beyond_their_type_are_counted_exactly(dtype: str):
    values = np.array([0, 1, 1, 2, 3, 100], dtype=dtype)

    assert Histogram.of(values, np.array([0.5, 2.5])).counts.tolist() == [3]
    assert Histogram.of(values, np.array([-1e30, 1.0, 1.5, 1e30])).counts.tolist() == [1, 2, 3]


def test_histograms_on_other_edges_do_not_merge():
    a, b = (Histogram.of(np.array([1.0]), np.array(edges)) for edges in ([0.0, 1.0], [0.0, 2.0]))

    with pytest.raises(ValueError, match="different edges"):
        a.merge(b)
    assert a.merge(Histogram()).n == Histogram().merge(a).n == 1


# Arrays as text.

NUMBERS = st.sampled_from(["u8", "i8", "i4", "u1", "f8", "f4", "bool"])


@given(NUMBERS.flatmap(lambda dtype: arrays(dtype, st.integers(0, 50))))
def test_a_packed_array_is_the_same_again(array: Any):
    again = unpack(pack(array))

    assert again.dtype == array.dtype
    assert again.tobytes() == array.tobytes()


THREE_BYTES = pack(np.array([1, 2, 3], dtype="u1"))["data"]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"type": "f8"},
        {"type": "f8", "data": "?"},
        {"type": "O", "data": ""},
        {"type": "f8", "data": THREE_BYTES},
        {"type": 3, "data": ""},
    ],
)
def test_what_is_no_packed_array_is_refused(broken: dict[str, Any]):
    with pytest.raises(ValueError, match="not a packed array"):
        unpack(broken)
