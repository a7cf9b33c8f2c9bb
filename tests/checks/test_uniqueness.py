"""Keys and duplicates: the first row is left alone, each later one that repeats it fails."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.data.polars_engine import PolarsEngine
from assay.errors import ConfigError
from assay.verdict import Verdict
from checks.asked import check_of, failing_rows, outcome_of, rows_of

INF = float("inf")
NAN = float("nan")


def test_each_later_row_with_a_value_that_was_there_before_fails():
    outcome = outcome_of({"id": [7, 8, 7, 9, 7]}, check_of("unique", "id"))

    assert outcome.verdict is Verdict.FAIL
    assert (outcome.n_rows, outcome.n_failing) == (5, 2)
    assert [(e.row, e.values, e.why) for e in outcome.examples] == [
        (2, {"id": 7}, "repeats row 0"),
        (4, {"id": 7}, "repeats row 0"),
    ]


def test_missing_values_do_not_repeat_one_another_unless_told():
    frame = {"id": [1.0, None, NAN, None]}

    apart = outcome_of(frame, check_of("unique", "id"))
    equal = outcome_of(frame, check_of("unique", "id", missing_equal=True))

    assert (apart.verdict, apart.n_rows) == (Verdict.PASS, 1)
    assert (equal.verdict, rows_of(equal)) == (Verdict.FAIL, [2, 3])


def test_a_value_that_stands_for_missing_does_not_repeat_itself():
    outcome = outcome_of({"id": [5, -1, 4, -1]}, check_of("unique", "id"), missing={"id": (-1,)})

    assert (outcome.verdict, outcome.n_rows) == (Verdict.PASS, 2)


def test_only_the_rows_of_the_filter_are_looked_at():
    frame = {"id": [1, 1, 2, 2], "live": [True, False, True, True]}

    outcome = outcome_of(frame, check_of("unique", "id", where="live"))

    assert (outcome.n_rows, rows_of(outcome)) == (3, [3])


def test_zero_is_one_value_and_infinity_is_a_value():
    outcome = outcome_of({"x": [0.0, -0.0, INF, -INF, INF]}, check_of("unique", "x"))

    assert rows_of(outcome) == [1, 4]


@pytest.mark.parametrize("values", [[1, 2, 5], [5, 2, 1], [1, None, 2]])
def test_a_strictly_ordered_column_is_known_to_be_unique_from_the_first_scan(values):
    engine = PolarsEngine()

    outcome = outcome_of({"id": values}, check_of("unique", "id"), engine=engine)

    assert (outcome.verdict, engine.scans) == (Verdict.PASS, 1)


@pytest.mark.parametrize("values", [[1, 3, 2], ["a", "b", "c"]])
def test_any_other_column_takes_a_second_scan(values):
    engine = PolarsEngine()

    outcome = outcome_of({"id": values}, check_of("unique", "id"), engine=engine)

    assert (outcome.verdict, engine.scans) == (Verdict.PASS, 2)


def test_a_rising_key_with_a_missing_value_is_no_key():
    outcome = outcome_of({"id": [1, 2, None, 4]}, check_of("key", "id"))

    assert outcome.verdict is Verdict.FAIL
    assert [(e.row, e.why) for e in outcome.examples] == [(2, "a part of the key is missing")]


def test_a_key_fails_where_it_repeats_and_where_a_part_is_missing():
    frame = {"day": [1, 1, 1, 2], "hour": [1, 2, 2, None]}

    outcome = outcome_of(frame, check_of("key", "day", "hour"))

    assert (outcome.n_rows, outcome.n_failing) == (4, 2)
    assert [(e.row, e.why) for e in outcome.examples] == [(2, "repeats row 1"), (3, "a part of the key is missing")]


def test_columns_together_may_repeat_apart():
    frame = {"day": [1, 1, 2, 2], "hour": [1, 2, 1, None]}

    outcome = outcome_of(frame, check_of("unique_together", "day", "hour"))

    assert (outcome.verdict, outcome.n_rows) == (Verdict.PASS, 3)


def test_whole_rows_repeat_where_every_value_does_and_missing_ones_too():
    frame = pl.DataFrame({"a": [1.0, NAN, None, 1.0], "b": [["x"], None, None, ["x"]]}).with_columns(
        c=pl.Series(["u", "v", "v", "u"], dtype=pl.Categorical)
    )

    outcome = outcome_of(frame, check_of("duplicates"))

    assert (outcome.n_failing, rows_of(outcome)) == (2, [2, 3])


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({}, Verdict.FAIL),
        ({"at_most_rows": 1}, Verdict.FAIL),
        ({"at_most_rows": 2}, Verdict.PASS),
        ({"at_most_share": 0.49}, Verdict.FAIL),
        ({"at_most_share": 0.5}, Verdict.PASS),
        ({"at_most_rows": 0, "at_most_share": 0.5}, Verdict.PASS),
        ({"tolerate_rows": 2}, Verdict.PASS),
    ],
)
def test_two_of_four_rows_may_repeat_where_the_bound_says_so(told, verdict):
    assert outcome_of({"a": [1, 1, 1, 2]}, check_of("duplicates", **told)).verdict is verdict


@pytest.mark.parametrize("told", [{"at_most_share": 5}, {"at_most_rows": -1}])
def test_a_bound_that_is_no_bound_is_refused(told):
    with pytest.raises(ConfigError, match=r"at_most_(share|rows) is (5|-1)"):
        check_of("duplicates", **told)


def test_near_rows_are_equal_after_case_space_punctuation_and_rounding():
    frame = {
        "name": ["O'Neil  Inc.", "oneil inc", "O'Neil Ltd", "ONEIL-INC", "v1.5", "v15"],
        "price": [9.991, 9.989, 9.99, 9.9, 1.0, 1.0],
    }

    outcome = outcome_of(frame, check_of("near_duplicates"))

    # 9.991 and 9.989 are both 9.99; the fourth row's 9.9 is not; a decimal point is not punctuation.
    assert rows_of(outcome) == [1]


def test_compatible_letters_are_near():
    assert rows_of(outcome_of({"name": ["ﬁle №1", "FILE NO1"]}, check_of("near_duplicates"))) == [1]


def test_rounding_is_as_coarse_as_told():
    frame = {"x": [1.26, 1.34, 1.36]}  # 1.3, 1.3, 1.4

    assert rows_of(outcome_of(frame, check_of("near_duplicates", decimals=1))) == [1]
    assert rows_of(outcome_of(frame, check_of("near_duplicates", decimals=0))) == [1, 2]


def test_columns_differ_within_a_row_where_no_two_are_equal():
    frame = {"home": [1, 2, 3, None], "away": [2, 2, 4, 1], "third": [3.0, 5.0, 3.0, NAN]}

    outcome = outcome_of(frame, check_of("differ_in_row", "home", "away", "third"))

    assert (outcome.n_rows, rows_of(outcome)) == (3, [1, 2])


def test_columns_that_cannot_be_equal_cannot_be_told_to_differ():
    outcome = outcome_of({"a": [1], "b": ["x"]}, check_of("differ_in_row", "a", "b"))

    assert outcome.verdict is Verdict.ERROR
    assert "'a' holds integer values (Int64) and 'b' text values (String)" in outcome.why


@pytest.mark.parametrize("rule", ["unique", "key", "unique_together"])
def test_a_table_without_rows_is_not_unique_but_inconclusive(rule):
    assert outcome_of(pl.DataFrame(schema={"a": pl.Int64}), check_of(rule, "a")).verdict is Verdict.INCONCLUSIVE


def test_names_that_read_as_patterns_are_names():
    frame = {"*": [1, 1], "^a$": ["x", "y"], "b c": [1, 1]}

    assert outcome_of(frame, check_of("unique_together", "*", "b c")).n_failing == 1
    assert outcome_of(frame, check_of("unique_together", "*", "^a$")).n_failing == 0


CELLS = st.one_of(st.none(), st.integers(0, 3))
ROWS = st.lists(st.tuples(CELLS, st.sampled_from(["a", "b", None])), max_size=12)


def later(keys: list[object]) -> list[int]:
    """Return the rows whose key was there before, by a plain set."""
    seen: set[object] = set()
    repeated = []
    for row, key in enumerate(keys):
        if key in seen:
            repeated.append(row)
        seen.add(key)
    return repeated


def frame_of(rows):
    return pl.DataFrame(rows, schema={"n": pl.Int64, "s": pl.String}, orient="row")


@given(ROWS)
def test_duplicates_are_what_a_plain_set_finds(rows):
    assert failing_rows(frame_of(rows), check_of("duplicates")) == later(rows)


@given(ROWS)
def test_unique_is_what_a_plain_counter_finds(rows):
    outcome = outcome_of(frame_of(rows), check_of("unique", "n"))

    present = [n for n, _ in rows if n is not None]
    surplus = sum(count - 1 for count in Counter(present).values())
    assert ((outcome.n_rows or 0), (outcome.n_failing or 0)) == (len(present), surplus)


@given(ROWS)
def test_a_key_is_what_plain_sets_find(rows):
    whole = [(place, row) for place, row in enumerate(rows) if None not in row]
    repeated = {whole[i][0] for i in later([row for _, row in whole])}
    missing = {place for place, row in enumerate(rows) if None in row}

    assert failing_rows(frame_of(rows), check_of("key", "n", "s")) == sorted(repeated | missing)
