"""Edges of histograms: quantiles of the first rows, and of all rows where the first were not like the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.data.dataset import Dataset
from assay.data.polars_engine import PolarsEngine
from assay.data.sources import dataset
from assay.errors import UsageError
from assay.profiles.column import Need
from assay.profiles.edges import quantile_edges, sample_edges, sketch_edges
from assay.profiles.profile import Profile, profile_dataset
from assay.profiles.sketches import Histogram, Quantiles

N = 40_000


@pytest.fixture(autouse=True)
def few_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.profiles.edges.SAMPLE_ROWS", 2048)


class Watched(PolarsEngine):
    """An engine that remembers which columns each of its scans read."""

    def __init__(self) -> None:
        super().__init__(batch_rows=4096)
        self.read: list[list[str]] = []

    def fold(self, dataset: Dataset, plan: Any, **told: Any) -> Any:
        self.read.append(list(plan.columns))
        return super().fold(dataset, plan, **told)


def profiled(frame: pl.DataFrame, **told: Any) -> tuple[Profile, list[list[str]]]:
    engine = Watched()
    profile = profile_dataset(dataset(frame, name="data"), engine=engine, **told)
    assert engine.scans == len(engine.read)
    return profile, engine.read


def widest(histogram: Histogram) -> int:
    return max(int(histogram.counts.max()), histogram.below, histogram.above)


# A second scan, where it is needed.


def test_a_column_that_rises_with_the_rows_is_scanned_again(rng: np.random.Generator):
    frame = pl.DataFrame({"id": range(N), "x": rng.normal(size=N), "t": ["a"] * N})

    profile, read = profiled(frame)

    histogram = profile.columns["id"].histogram
    assert read == [["id", "x", "t"], ["id"]]
    assert (histogram.n, widest(histogram) < N / 64) == (N, True)
    assert profile.columns["x"].histogram.n == N


def test_each_way_of_moving_with_the_rows_is_mended(rng: np.random.Generator):
    trend = np.linspace(0, 10, N)
    frame = pl.DataFrame(
        {
            "falls": -trend,
            "drifts": rng.normal(size=N) + trend,
            "widens": rng.normal(size=N) * (1 + trend),
            "steps": np.repeat([0, 1, 2, 3], N // 4),
            "at": pl.Series(range(N)).cast(pl.Datetime("us", "UTC")),
        }
    )

    profile, read = profiled(frame)

    assert read[1] == ["falls", "drifts", "widens", "steps", "at"]
    assert all(widest(profile.columns[name].histogram) < N / 64 for name in ("falls", "drifts", "widens", "at"))
    assert profile.columns["steps"].histogram.counts.tolist() == [N // 4] * 4


def test_a_column_without_a_value_in_the_first_rows_gets_its_histogram_from_the_second_scan(rng: np.random.Generator):
    late = pl.Series(rng.normal(size=N)).set(pl.Series(range(N)) < N // 2, None)

    profile, read = profiled(pl.DataFrame({"late": late, "never": [None] * N}, schema_overrides={"never": pl.Float64}))

    assert read == [["late", "never"], ["late"]]
    assert (profile.columns["late"].histogram.n, profile.columns["never"].histogram) == (N // 2, None)


def test_ordinary_columns_are_scanned_once(rng: np.random.Generator):
    frame = pl.DataFrame(
        {
            "normal": rng.normal(size=N),
            "tail": rng.standard_t(1.5, N),
            "zeros": np.where(rng.random(N) < 0.9, 0.0, rng.exponential(size=N)),
            "rating": rng.integers(1, 6, N),
            "price": np.round(rng.gamma(3, 10, N), 2),
            "constant": np.full(N, 7),
            "infinite": np.where(rng.random(N) < 0.2, np.inf, rng.normal(size=N)),
            "missing": pl.Series(rng.normal(size=N)).set(pl.Series(rng.random(N) < 0.5), None),
        }
    )

    _, read = profiled(frame)

    assert len(read) == 1


def test_a_value_that_takes_most_rows_does_not_hide_that_the_rest_move():
    values = np.where(np.arange(N) % 10 == 0, np.arange(N), 0)

    profile, read = profiled(pl.DataFrame({"x": values}))

    counts = profile.columns["x"].histogram.counts
    assert len(read) == 2
    assert np.sort(counts)[-2] < N / 64  # all but that of the zeros


def test_edges_that_were_given_are_kept_whatever_lies_beyond_them():
    profile, read = profiled(pl.DataFrame({"id": range(N)}), edges={"id": (0.0, 1.0, 2.0)})

    assert (len(read), profile.columns["id"].histogram.above) == (1, N - 3)


def test_a_need_keeps_the_edges_that_it_names():
    needs = [Need("quantiles", ("id",)), Need("histogram", ("id",), (0.0, 1.0, 2.0))]

    profile, read = profiled(pl.DataFrame({"id": range(N)}), needs=needs)

    assert (len(read), profile.columns["id"].histogram.above) == (1, N - 3)


def test_missing_values_stay_missing_in_the_second_scan():
    values = [-1 if i % 2 else i for i in range(N)]

    profile, read = profiled(pl.DataFrame({"id": values}), sentinels={"id": (-1,)})

    assert (len(read), profile.columns["id"].histogram.n) == (2, N // 2)


def test_a_source_that_grows_between_the_scans_keeps_what_the_first_one_saw():
    class Growing(PolarsEngine):
        def fold(self, dataset: Dataset, plan: Any, **told: Any) -> Any:
            return super().fold(longer if self.scans else dataset, plan, **told)

    short, longer = (dataset(pl.DataFrame({"id": range(rows)}), name="data") for rows in (N, N + 1))
    engine = Growing(batch_rows=4096)

    profile = profile_dataset(short, engine=engine)

    assert (engine.scans, profile.rows, profile.columns["id"].histogram.n) == (2, N, N)


# Needs.


def test_a_profile_of_needs_holds_these_states_and_no_other(rng: np.random.Generator):
    frame = pl.DataFrame({"x": rng.normal(size=N), "y": rng.normal(size=N), "t": ["a"] * N})
    needs = [
        Need("moments", ("x",)),
        Need("moments", ("x",), "log"),
        Need("histogram", ("x",)),
        Need("frequent", ("t",)),
    ]

    profile, read = profiled(frame, needs=needs)

    whole = profile_dataset(dataset(frame, name="data"), engine=PolarsEngine(batch_rows=4096))
    x, t = profile.columns["x"], profile.columns["t"]
    assert read == [["x", "t"]]
    assert list(profile.columns) == ["x", "t"]
    assert (x.counts, x.moments) == (whole.columns["x"].counts, whole.columns["x"].moments)
    assert x.log_moments.n == N - whole.columns["x"].signs.negatives
    assert x.histogram.counts.tolist() == whole.columns["x"].histogram.counts.tolist()
    assert (x.quantiles, x.distinct, x.extremes, t.lengths, t.sizes) == (None,) * 5
    assert t.frequent.counts == {"a": N}


def test_a_histogram_alone_is_not_scanned_again_as_nothing_says_where_the_rest_lies():
    _, read = profiled(pl.DataFrame({"id": range(N)}), needs=[Need("histogram", ("id",))])
    _, again = profiled(pl.DataFrame({"id": range(N)}), needs=[Need("histogram", ("id",)), Need("quantiles", ("id",))])

    assert (len(read), len(again)) == (1, 2)


def test_a_column_without_numbers_has_no_histogram_however_it_is_needed():
    profile, _ = profiled(pl.DataFrame({"x": [None, float("nan")]}), needs=[Need("histogram", ("x",))])

    assert (profile.columns["x"].histogram, profile.columns["x"].counts.missing) == (None, 2)


@pytest.mark.parametrize(
    ("need", "said"),
    [
        (Need("moments", ("age",)), "data has no column 'age'; there are: x, t"),
        (Need("ranks", ("x",), (1,)), "a profile does not hold 'ranks' of 'x'"),
        (Need("moments", ("t",)), "a profile does not hold 'moments' of 't', a column of text values"),
    ],
)
def test_what_no_profile_holds_is_refused_in_one_sentence(need: Need, said: str):
    with pytest.raises(UsageError, match=said):
        profiled(pl.DataFrame({"x": [1], "t": ["a"]}), needs=[need])


# Quantiles as edges.


def test_edges_share_the_values_evenly():
    assert quantile_edges(np.arange(9), bins=4) == (0, 2, 4, 6, 8)


def test_a_value_counts_as_often_as_it_weighs():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    repeated = np.repeat(values, [8, 1, 1, 8])

    assert quantile_edges(values, weights=np.array([8, 1, 1, 8]), bins=2) == (1, 2, 4)
    assert quantile_edges(repeated, bins=2)[:3] == (1, 2, 4)


def test_infinite_values_are_no_edges():
    assert quantile_edges(np.array([-np.inf, 1.0, 2.0, np.inf]), weights=np.array([5, 1, 1, 5])) == (1, 2)
    assert quantile_edges(np.array([np.inf])) == ()


def test_the_sketch_of_few_values_gives_the_edges_of_the_values(rng: np.random.Generator):
    values = np.sort(rng.integers(0, 400, 900))

    assert sketch_edges(Quantiles.of(values)) == quantile_edges(values)


def test_a_sketch_of_many_sorted_batches_gives_even_bins():
    sketch = Quantiles()
    for start in range(0, 1_000_000, 40_000):
        sketch = sketch.merge(Quantiles.of(np.arange(start, start + 40_000)))

    histogram = Histogram.of(np.arange(1_000_000), np.array(sketch_edges(sketch)))

    # An even bin has 977 rows; each end is off by at most the sketch's error.
    assert widest(histogram) <= 977 + 2 * sketch.error + 1


def test_only_columns_that_are_asked_for_have_edges():
    frame = pl.DataFrame({"a": [1, 2], "b": [1, 2], "t": ["x", "y"]})

    assert list(sample_edges(dataset(frame), columns={"b", "t"})) == ["b"]
