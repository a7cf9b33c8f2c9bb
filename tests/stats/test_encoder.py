"""Frames become matrices by what their columns are, learned on both sides; what a model must not go by is named."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from assay.errors import UsageError
from assay.stats.encoder import CODES, encode, learn

Rng = np.random.Generator


def column(frame: pl.DataFrame, name: str = "a") -> list[float | None]:
    """Return a column as its encoder gives it, None for missing."""
    matrix = learn([frame], columns=[name]).matrix(frame)
    assert matrix.shape[1] == 1
    return [None if np.isnan(value) else value for value in matrix[:, 0].tolist()]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None, 3], [1.0, None, 3.0]),
        ([1.5, float("nan"), None], [1.5, None, None]),
        ([Decimal("1.25"), None, Decimal(3)], [1.25, None, 3.0]),
        ([dt.timedelta(minutes=1), None, dt.timedelta(milliseconds=500)], [60.0, None, 0.5]),
        ([True, False, True, None], [0.0, 1.0, 0.0, None]),
        ([dt.date(2024, 1, 1), None, dt.date(2024, 1, 7)], [1.0, None, 7.0]),  # a Monday and a Sunday
        ([dt.time(23, 59), None, dt.time(0)], [23.0, None, 0.0]),
    ],
)
def test_values_become_numbers(values: list[object], expected: list[float | None]):
    assert column(pl.DataFrame({"a": values})) == expected


def test_words_have_codes_by_how_often_they_occur_on_both_sides_together():
    reference = pl.DataFrame({"a": ["x", "x", "y", "z", None]})
    current = pl.DataFrame({"a": ["z", "z", "w", None]})

    sides = encode(reference, current)

    # z occurs three times, x twice, w and y once: those in the order of the alphabet.
    assert sides.encoder.codings[0].words == ("z", "x", "w", "y")
    assert sides.reference[:, 0].tolist()[:4] == [1.0, 1.0, 3.0, 0.0]
    assert sides.current[:, 0].tolist()[:3] == [0.0, 0.0, 2.0]
    assert np.isnan([sides.reference[4, 0], sides.current[3, 0]]).all()


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["x", "y", "z"])])
def test_words_are_the_same_whatever_type_holds_them(dtype: pl.DataType):
    assert column(pl.DataFrame({"a": ["y", "y", "x"]}, schema={"a": dtype})) == [0.0, 0.0, 1.0]


def test_rare_words_and_words_that_were_never_seen_share_one_code():
    words = [f"w{place:03}" for place in range(CODES + 10)]
    frame = pl.DataFrame({"a": [word for word in words for _ in range(2)]})
    encoder = learn([frame])

    codes = encoder.matrix(pl.DataFrame({"a": [words[0], words[CODES - 1], words[CODES], "never seen"]}))[:, 0]

    assert codes.tolist() == [0.0, CODES - 1.0, CODES, CODES]


def test_an_instant_is_its_hour_and_its_weekday_where_it_stands():
    at = pl.Series([dt.datetime(2024, 1, 1, 23, 30)]).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    frame = pl.DataFrame({"a": at})

    encoder = learn([frame])

    assert encoder.features == ("hour of a", "weekday of a")
    assert encoder.columns == ("a", "a")
    assert encoder.matrix(frame).tolist() == [[8.0, 2.0]]  # 8 o'clock on Tuesday, in Tokyo


@pytest.mark.parametrize("dtype", [pl.List(pl.Float32), pl.Array(pl.Int16, 2)])
def test_a_vector_is_a_feature_for_each_place(dtype: pl.DataType):
    frame = pl.DataFrame({"a": [[1, 2], None, [3, 4]]}, schema={"a": dtype})

    encoder = learn([frame])
    matrix = encoder.matrix(frame)

    assert encoder.features == ("a[0]", "a[1]")
    assert matrix[[0, 2]].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert np.isnan(matrix[1]).all()


def test_a_vector_of_another_length_is_missing_in_a_frame_that_comes_later():
    encoder = learn([pl.DataFrame({"a": [[1.0, 2.0]]})])

    matrix = encoder.matrix(pl.DataFrame({"a": [[1.0, 2.0, 3.0], [5.0, 6.0]]}))

    assert np.isnan(matrix[0]).all()
    assert matrix[1].tolist() == [5.0, 6.0]


LEFT_OUT = [
    ([f"id {n}" for n in range(40)], "40 of 40 values differ, as an identifier's or a free text's do"),
    (list(range(40)), "every row has another whole number, as an identifier has"),
    ([None] * 40, "it holds nothing, of which no model is made"),
    (pl.Series([None] * 40, dtype=pl.Float64), "no row has a value"),
    (pl.Series([None] * 40, dtype=pl.String), "no row has a value"),
    (pl.Series([None] * 40, dtype=pl.Date), "no row has a value"),
    (pl.Series([None] * 40, dtype=pl.List(pl.Float64)), "no row has a value"),
    ([[1.0], [1.0, 2.0]] * 20, "its lists have 2 different lengths"),
    (pl.Series([[]] * 40, dtype=pl.List(pl.Float64)), "its lists are empty"),
    ([["x"]] * 40, "it holds lists of other things than numbers, of which no model is made"),
    ([{"x": 1}] * 40, "it holds structs, of which no model is made"),
    ([b"x"] * 40, "it holds binary, of which no model is made"),
]


@pytest.mark.parametrize(("values", "why"), LEFT_OUT)
def test_what_no_model_should_go_by_is_left_out_with_the_reason(values: object, why: str):
    encoder = learn([pl.DataFrame({"a": values, "b": [1.0] * 40})])

    assert encoder.features == ("b",)
    assert dict(encoder.left_out) == {"a": why}


def test_numbers_with_a_fraction_are_no_identifier_although_all_differ(rng: Rng):
    assert learn([pl.DataFrame({"a": rng.normal(size=100)})]).features == ("a",)


def test_an_identifier_is_told_by_both_sides_together():
    # Each side counts from 0: no row is named alike within a side, but every one is in the other.
    one = pl.DataFrame({"a": range(40)})

    assert encode(one, one + 40).encoder.features == ()
    assert encode(one, one).encoder.features == ("a",)


def test_a_column_that_only_one_side_has_or_that_changed_its_kind_is_left_out():
    reference = pl.DataFrame({"a": [1.0], "b": [1.0], "c": ["x"]})
    current = pl.DataFrame({"a": [1.0], "c": [1.0], "d": [1]})

    encoder = encode(reference, current).encoder

    assert encoder.features == ("a",)
    assert dict(encoder.left_out) == {
        "b": "the current data has no such column",
        "c": "it holds words in the reference and numbers in the current data",
        "d": "the reference has no such column",
    }


def test_a_frame_without_a_column_that_was_learned_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="there is no column 'amount'; did you mean 'amounts'"):
        learn([pl.DataFrame({"amount": [1.0]})]).matrix(pl.DataFrame({"amounts": [1.0]}))


def test_columns_whose_names_are_patterns_are_read_by_their_names():
    frame = pl.DataFrame({"*": [1.0, 2.0], "^a$": ["x", "x"], "a": [3.0, 4.0]})

    assert learn([frame]).matrix(frame).tolist() == [[1.0, 0.0, 3.0], [2.0, 0.0, 4.0]]


def test_codes_are_spread_over_columns_where_distances_are_measured():
    frame = pl.DataFrame({"a": ["x", "x", "y", None], "n": [5.0, 6.0, 7.0, 8.0]})
    encoder = learn([frame])

    spread = encoder.spread(encoder.matrix(frame))

    # x, y and any other; then the number.
    assert spread[:3].tolist() == [[1.0, 0.0, 0.0, 5.0], [1.0, 0.0, 0.0, 6.0], [0.0, 1.0, 0.0, 7.0]]
    assert np.isnan(spread[3, :3]).all()


def test_at_most_eight_words_of_a_column_are_spread():
    frame = pl.DataFrame({"a": [f"w{place}" for place in range(12)] * 2})
    encoder = learn([frame])

    spread = encoder.spread(encoder.matrix(frame))

    assert spread.shape == (24, 9)
    assert spread.sum(axis=0).tolist() == [2.0] * 8 + [8.0]
