"""A profile merges across files to the profile of all rows, and says what it could not merge."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing.parametric import column as any_column
from polars.testing.parametric import dataframes

from assay.data.polars_engine import PolarsEngine
from assay.data.sources import dataset
from assay.errors import DataError
from assay.profiles.edges import sample_edges
from assay.profiles.profile import Profile, edges_of, merge_profiles, profile_dataset


def profile(frame: pl.DataFrame, **told: Any) -> Profile:
    return profile_dataset(dataset(frame, name="data"), engine=PolarsEngine(), **told)


FRAMES = dataframes(
    [
        any_column("i", dtype=pl.Int64, allow_null=True, strategy=st.integers(-(2**53), 2**53)),
        any_column(
            "f",
            dtype=pl.Float64,
            allow_null=True,
            strategy=st.floats(-1e6, 1e6, allow_nan=False, width=32) | st.just(float("nan")),
        ),
        any_column("t", dtype=pl.String, allow_null=True, strategy=st.text("abAB 12", max_size=4)),
        any_column("b", dtype=pl.Boolean, allow_null=True),
        any_column(
            "w",
            dtype=pl.Datetime("us"),
            allow_null=True,
            strategy=st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)),
        ),
    ],
    max_size=40,
)


@given(FRAMES, st.lists(st.integers(0, 40), max_size=3))
@settings(max_examples=60)
def test_the_merged_profile_of_parts_is_that_of_the_whole(frame: pl.DataFrame, cuts: list[int]):
    places = [0, *sorted(min(cut, frame.height) for cut in cuts), frame.height]
    edges = {"i": (-10.0, 0.0, 10.0), "f": (-1.0, 0.0, 1.0), "w": (0.0, 1e15)}
    whole = profile(frame, edges=edges)

    merged = merge_profiles([profile(frame[a:b], edges=edges) for a, b in itertools.pairwise(places)])

    assert merged.rows == whole.rows
    for name, column in whole.columns.items():
        other = merged.columns[name]
        assert other.failed == column.failed == {}
        for exact in ("counts", "signs", "extremes", "frequent", "trues", "patterns", "tokens", "calendar", "order"):
            assert getattr(other, exact) == getattr(column, exact), exact
        for mine, theirs in ((column.moments, other.moments), (column.log_moments, other.log_moments)):
            assert (mine is None) == (theirs is None)
            assert mine is None or (theirs.n, theirs.mean) == (mine.n, pytest.approx(mine.mean, rel=1e-9, abs=1e-3))
        for packed in (("distinct", "hashes"), ("histogram", "counts"), ("sizes", "counts")):
            mine, theirs = (getattr(getattr(each, packed[0]), packed[1], np.empty(0)) for each in (column, other))
            assert mine.tolist() == theirs.tolist()
        if column.quantiles is not None and column.quantiles.n:
            assert np.array_equal(other.quantiles.cumulative()[0], column.quantiles.cumulative()[0])


def test_rows_of_the_second_file_follow_those_of_the_first():
    first, second = (pl.DataFrame({"day": [date(2013, month, day) for day in (1, 2)]}) for month in (1, 2))

    in_order, astray = profile(first).merge(profile(second)), profile(second).merge(profile(first))

    assert (in_order.columns["day"].order.whole.falls, in_order.columns["day"].order.whole.n) == (0, 4)
    assert (astray.columns["day"].order.whole.falls, astray.columns["day"].order.whole.fall_rows) == (1, (2,))


def test_a_column_that_one_file_lacks_is_missing_in_its_rows():
    merged = profile(pl.DataFrame({"a": [1, 2]})).merge(profile(pl.DataFrame({"b": [date(2020, 1, 1)]})))

    assert (merged.columns["a"].counts.n, merged.columns["a"].counts.nulls) == (3, 1)
    assert (merged.columns["b"].counts.n, merged.columns["b"].counts.nulls) == (3, 2)
    assert merged.columns["b"].order.whole.first_row == 2


def test_histograms_of_different_edges_are_left_out_with_the_reason():
    merged = profile(pl.DataFrame({"a": [1.0, 2.0]})).merge(profile(pl.DataFrame({"a": [5.0, 9.0]})))

    assert merged.columns["a"].histogram is None
    assert "different edges" in merged.columns["a"].failed["histogram"]
    assert merged.columns["a"].moments.mean == 4.25  # (1 + 2 + 5 + 9) / 4


def test_histograms_of_parts_that_share_their_edges_merge():
    first = profile(pl.DataFrame({"a": [1.0, 2.0, 3.0]}))

    merged = first.merge(profile(pl.DataFrame({"a": [0.0, 2.5, 9.0]}), edges=first.edges()))

    assert merged.columns["a"].histogram.n == 6
    assert (merged.columns["a"].histogram.below, merged.columns["a"].histogram.above) == (1, 1)


def test_a_state_that_one_side_did_not_measure_is_not_passed_off_as_that_of_both():
    measured, without = profile(pl.DataFrame({"a": [1.0, 2.0]})), profile(pl.DataFrame({"a": [5.0]}), edges={})

    for merged in (measured.merge(without), without.merge(measured)):
        assert merged.columns["a"].histogram is None
        assert "not measured" in merged.columns["a"].failed["histogram"]


def test_hours_of_different_zones_are_not_added_up():
    instants = pl.Series([datetime(2024, 1, 1, 23)]).dt.replace_time_zone("UTC")
    here, there = (profile(pl.DataFrame({"at": instants.dt.convert_time_zone(zone)})) for zone in ("UTC", "Asia/Tokyo"))

    merged = here.merge(there).columns["at"]

    assert merged.calendar is None
    assert "different zones" in merged.failed["calendar"]
    assert merged.extremes.low == merged.extremes.high
    assert here.merge(here).columns["at"].calendar.hours[23] == 2


def test_lengths_of_any_two_columns_stand_on_the_same_edges():
    short, long = (profile(pl.DataFrame({"t": [word]})).columns["t"] for word in ("a", "a" * 5000))

    assert short.merge(long).sizes.n == 2


def test_all_null_columns_merge_with_any_kind():
    merged = profile(pl.DataFrame({"a": [None]})).merge(profile(pl.DataFrame({"a": [3, 4]})))

    assert (merged.columns["a"].type, merged.columns["a"].extremes.high, merged.columns["a"].counts.nulls) == (
        "Int64",
        4,
        1,
    )


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (pl.Series([1]), pl.Series(["1"]), "holds integer values here and text values there"),
        (
            pl.Series([datetime(2020, 1, 1)], dtype=pl.Datetime("ms")),
            pl.Series([datetime(2020, 1, 1)], dtype=pl.Datetime("us")),
            "one unit",
        ),
        (pl.Series([datetime(2020, 1, 1)]), pl.Series([datetime(2020, 1, 1, tzinfo=UTC)]), "with a zone or without"),
    ],
)
def test_columns_that_do_not_mix_are_refused_in_one_sentence(a: pl.Series, b: pl.Series, said: str):
    one, other = (profile(pl.DataFrame({"a": series})) for series in (a, b))

    with pytest.raises(DataError, match=said):
        one.merge(other)


def test_profiles_hashed_in_two_ways_are_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch):
    mine = profile(pl.DataFrame({"a": [1]}))
    monkeypatch.setattr("assay.profiles.table.SCHEME", "another")
    theirs = profile(pl.DataFrame({"a": [1]}))

    with pytest.raises(DataError, match=r"hashed by .* and by another; profile both with one version"):
        mine.merge(theirs)


def test_nothing_to_merge_is_said():
    with pytest.raises(DataError, match="no profile to merge"):
        merge_profiles([])


# Edges.


def test_every_scale_has_a_histogram_on_the_quantiles_of_its_first_rows():
    frame = pl.DataFrame(
        {
            "n": range(5000),
            "t": ["x"] * 5000,
            "d": [Decimal(i) for i in range(5000)],
            "s": [timedelta(seconds=i) for i in range(5000)],
        }
    )

    columns = profile(frame).columns

    assert {name for name, column in columns.items() if column.histogram is not None} == {"n", "d", "s"}
    assert columns["n"].histogram.n == 5000
    assert set(columns["n"].histogram.counts.tolist()) <= {4, 5, 6}  # 5,000 rows in 1,024 bins
    assert edges_of(columns["n"]) == tuple(columns["n"].histogram.edges.tolist())


def test_looking_at_a_sample_is_no_scan_and_costs_few_cells():
    wide = pl.DataFrame({f"c{i}": range(10) for i in range(500)})
    engine = PolarsEngine()

    profile_dataset(dataset(wide), engine=engine)

    assert engine.scans == 1
    assert len(sample_edges(dataset(wide))) == 500


def test_values_that_stand_for_missing_make_no_edges():
    frame = pl.DataFrame({"age": [-999, 20, 30, 40]})

    assert sample_edges(dataset(frame), sentinels={"age": (-999,)})["age"][0] == 20.0


def test_a_greatest_value_that_repeats_has_a_bin_of_its_own():
    histogram = profile(pl.DataFrame({"flag": [0, 0, 0, 1, 1]})).columns["flag"].histogram

    assert histogram.counts.tolist() == [3, 2]


def test_columns_without_any_number_have_no_edges_and_no_histogram():
    frame = pl.DataFrame({"a": [float("nan"), None, float("inf")], "t": ["x", "y", "z"]})

    assert sample_edges(dataset(frame)) == {"a": ()}
    assert profile(frame).columns["a"].histogram is None


# How many different values there are.


def test_a_count_of_different_values_is_exact_while_they_are_few():
    estimate = profile(pl.DataFrame({"a": [1, 1, 2, None]})).columns["a"].distinct_count

    assert (estimate.value, estimate.n, estimate.low, estimate.high, estimate.confidence) == (2, 3, 2, 2, 1.0)


def test_an_estimated_count_has_its_interval_and_never_exceeds_the_rows():
    estimate = profile(pl.DataFrame({"a": np.arange(50_000)})).columns["a"].distinct_count

    assert 4096 <= estimate.low <= estimate.value <= estimate.high <= estimate.n == 50_000
    assert estimate.confidence == 0.95


def test_values_that_are_not_told_apart_have_no_count():
    estimate = profile(pl.DataFrame({"a": [[1], [2]]})).columns["a"].distinct_count

    assert (estimate.value, estimate.why) == (None, "list values are not told apart")
