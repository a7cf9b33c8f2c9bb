"""A sample is uniform, the same rows for the same seed however they come, and a state that merges."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from assay.data.engine import Batch
from assay.data.polars_engine import PolarsEngine
from assay.data.sample import Sample, SamplePlan, row_keys, take_sample
from assay.data.sources import dataset
from assay.errors import UsageError

FRAME = pl.DataFrame({"n": range(1_000), "word": [f"row {n}" for n in range(1_000)]})
MASK = 2**64 - 1


def splitmix(state: int, count: int) -> list[int]:
    """Return the first numbers of SplitMix64, in plain integers, as its authors publish it."""
    numbers = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        numbers.append(z ^ (z >> 31))
    return numbers


def same(a: Sample, b: Sample) -> bool:
    return (
        a.seen == b.seen
        and np.array_equal(a.keys, b.keys)
        and np.array_equal(a.numbers, b.numbers)
        and a.rows.equals(b.rows)
    )


def measured(plan: SamplePlan, cuts: Sequence[int]) -> list[Sample]:
    return [plan.measure(Batch(FRAME[low:high], low)) for low, high in pairwise([0, *cuts, FRAME.height])]


def merged(plan: SamplePlan, parts: Sequence[Sample]) -> Sample:
    whole = plan.empty()
    for part in parts:
        whole = whole.merge(part)
    return whole


def test_the_keys_are_those_of_splitmix64():
    # 6457827717110365317 is the first number that its authors' program prints for the seed 1234567.
    start = splitmix(3, 1)[0]

    keys = row_keys(range(5), seed=3)

    assert splitmix(1234567, 1) == [6457827717110365317]
    assert keys.tolist()[1:] == splitmix(start, 4)


def test_no_two_rows_share_a_key():
    assert len(np.unique(row_keys(range(300_000), seed=1))) == 300_000


@pytest.mark.parametrize("seed", [0, -1, 2**64 + 5, 2**70])
def test_any_whole_number_is_a_seed(seed: int):
    assert row_keys(range(3), seed=seed).tolist() == row_keys(range(3), seed=seed % 2**64).tolist()


def test_every_row_is_as_likely_as_any_other():
    draws, rows, n = 4_000, 50, 5
    data = FRAME[:rows]

    counts = np.zeros(rows)
    for seed in range(draws):
        counts[SamplePlan(n, seed).measure(Batch(data, 0)).numbers] += 1

    # Counts of a sample without replacement: Σ(O - E)²/E · (N - 1)/(N - n) is chi-squared with N - 1 degrees of freedom.
    expected = draws * n / rows
    chi = ((counts - expected) ** 2 / expected).sum() * (rows - 1) / (rows - n)
    assert stats.chi2.isf(0.9999, rows - 1) < chi < stats.chi2.isf(0.0001, rows - 1)


def test_neighbours_are_drawn_together_as_often_as_any_two_rows():
    draws, rows, n = 4_000, 50, 5
    together = sum(
        int((np.diff(SamplePlan(n, seed).measure(Batch(FRAME[:rows], 0)).numbers) == 1).sum()) for seed in range(draws)
    )

    # 49 pairs of neighbours, each with the probability 5·4 / (50·49); about Poisson's spread.
    expected = draws * 49 * (n * (n - 1)) / (rows * (rows - 1))
    assert abs(together - expected) < 4 * expected**0.5


@pytest.mark.parametrize("batch_rows", [1, 7, 64, 999, 1_000, 5_000])
def test_the_sample_does_not_depend_on_the_batches(batch_rows: int):
    whole = SamplePlan(20, seed=7).measure(Batch(FRAME, 0))

    found = take_sample(dataset(FRAME), 20, engine=PolarsEngine(batch_rows=batch_rows), seed=7)

    assert same(found, whole)


@given(st.lists(st.integers(0, 1_000), max_size=6), st.integers(1, 60), st.randoms(use_true_random=False))
def test_samples_merge_in_any_order_and_grouping(cuts: list[int], n: int, chance):
    plan = SamplePlan(n, seed=5)
    parts = measured(plan, sorted(cuts))
    shuffled = chance.sample(parts, len(parts))
    middle = len(parts) // 2

    whole = plan.measure(Batch(FRAME, 0))

    assert same(merged(plan, shuffled), whole)
    assert same(merged(plan, shuffled[:middle]).merge(merged(plan, shuffled[middle:])), whole)


def test_the_sample_of_no_rows_changes_nothing():
    plan = SamplePlan(20, seed=5)
    sample = plan.measure(Batch(FRAME, 0))

    assert same(plan.empty().merge(sample), sample)
    assert same(sample.merge(plan.empty()), sample)


def test_a_sample_never_holds_more_rows_than_asked_for():
    plan = SamplePlan(20, seed=5)
    parts = measured(plan, range(100, 1_000, 100))

    assert max(part.rows.height for part in parts) == 20
    assert merged(plan, parts).rows.height == 20
    assert merged(plan, parts).seen == 1_000


def test_a_dataset_of_no_more_rows_is_its_own_sample():
    assert take_sample(dataset(FRAME), 1_000, engine=PolarsEngine(batch_rows=64), seed=3).rows.equals(FRAME)
    assert take_sample(dataset(FRAME), 9_999, engine=PolarsEngine(batch_rows=64), seed=3).rows.equals(FRAME)


def test_the_sampled_rows_keep_their_order_and_their_values():
    sample = take_sample(dataset(FRAME), 20, engine=PolarsEngine(batch_rows=64), seed=3)

    assert sample.rows.equals(FRAME[sample.numbers.tolist()])
    assert sample.rows["n"].is_sorted()


def test_another_seed_draws_other_rows():
    first, second = (take_sample(dataset(FRAME), 20, engine=PolarsEngine(), seed=seed).rows for seed in (1, 2))

    assert not first.equals(second)


def test_a_sample_takes_one_scan():
    engine = PolarsEngine(batch_rows=64)

    take_sample(dataset(FRAME), 20, engine=engine, seed=3)

    assert engine.scans == 1


def test_only_the_columns_asked_for_are_kept_in_their_order():
    data = dataset(FRAME.with_columns(double=pl.col("n") * 2))

    some = take_sample(data, 20, engine=PolarsEngine(batch_rows=64), seed=3, columns=["double", "n"]).rows

    assert some.columns == ["double", "n"]
    assert some.equals(take_sample(data, 20, engine=PolarsEngine(), seed=3).rows.select("double", "n"))


def test_a_sample_of_no_columns_still_counts_its_rows():
    assert take_sample(dataset(FRAME), 20, engine=PolarsEngine(batch_rows=64), seed=3, columns=[]).rows.shape == (20, 0)


def test_a_sample_of_an_empty_dataset_is_empty_and_has_its_columns():
    found = take_sample(dataset(FRAME.clear()), 20, engine=PolarsEngine(), seed=3).rows

    assert found.shape == (0, 2)
    assert found.schema == FRAME.schema


def test_a_sample_of_fewer_than_one_row_is_refused():
    with pytest.raises(UsageError, match="a sample of 0 rows was asked for; it has at least 1"):
        take_sample(dataset(FRAME), 0, engine=PolarsEngine(), seed=3)


def test_a_column_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="data has no column 'wrod'; did you mean 'word'"):
        take_sample(dataset(FRAME), 5, engine=PolarsEngine(), seed=3, columns=["wrod"])
