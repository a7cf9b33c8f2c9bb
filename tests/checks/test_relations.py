"""Keys that point into another dataset, and two datasets that ought to hold the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verdict import Verdict
from checks.asked import check_of, failing_rows, outcome_of, rows_of

NAN = float("nan")
INF = float("inf")
TWO_53 = 9007199254740992


def planes(*names, **more):
    return {"planes": {"tail": list(names), **more}}


def test_a_key_that_the_other_dataset_lacks_is_an_orphan_and_a_missing_one_is_not():
    flights = {"tail": ["N1", "N9", None, "N2", "N9"]}

    outcome = outcome_of(flights, check_of("in_table", "tail", other="planes"), others=planes("N1", "N2", None))

    assert (outcome.verdict, outcome.n_rows, rows_of(outcome)) == (Verdict.FAIL, 4, [1, 4])
    assert outcome.expected == "in planes (tail)"


def test_a_key_of_two_columns_is_looked_up_whole_under_other_names():
    flights = {"origin": ["JFK", "JFK", "LGA"], "hour": [1, 2, 1]}
    weather = {"weather": {"place": ["JFK", "LGA"], "at": [1, 2]}}

    check = check_of("in_table", "origin", "hour", other="weather", other_columns=["place", "at"])

    assert rows_of(outcome_of(flights, check, others=weather)) == [1, 2]


def test_only_the_rows_of_the_filter_need_a_partner():
    flights = {"tail": ["N9", "N9"], "year": [2012, 2013]}

    outcome = outcome_of(
        flights, check_of("in_table", "tail", other="planes", where="year = 2013"), others=planes("N1")
    )

    assert (outcome.n_rows, rows_of(outcome)) == (1, [1])


def test_examples_are_the_first_five_orphans_in_the_order_of_the_rows():
    outcome = outcome_of(
        {"tail": [f"N{i}" for i in range(9, 0, -1)]}, check_of("in_table", "tail", other="planes"), others=planes("N8")
    )

    assert (outcome.n_failing, rows_of(outcome)) == (8, [0, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (pl.Series([1, 2], dtype=pl.Int32), pl.Series([1, 3], dtype=pl.Int64)),
        (pl.Series([1, 2], dtype=pl.UInt64), pl.Series([1, -3], dtype=pl.Int64)),
        (pl.Series([1, 2]), pl.Series([1.0, 2.5, INF, NAN])),
        (pl.Series([1.0, 2.5]), pl.Series([1, 2])),
        (pl.Series([1, 2]), pl.Series([Decimal("1.00"), Decimal("2.50")])),
        (pl.Series([Decimal("1.0"), Decimal("1.1")]), pl.Series([Decimal("1.000")])),
        (pl.Series(["a", "b"], dtype=pl.Categorical), pl.Series(["z", "a"])),
        (pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])), pl.Series(["a", "c"], dtype=pl.Categorical)),
        (
            pl.Series([datetime(2013, 1, 1), datetime(2013, 1, 2)], dtype=pl.Datetime("ms")),
            pl.Series([datetime(2013, 1, 1)], dtype=pl.Datetime("ns")),
        ),
        (pl.Series([date(2013, 1, 1), date(2013, 1, 2)]), pl.Series([datetime(2013, 1, 1), datetime(2013, 1, 2, 1)])),
        (
            pl.Series([datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 1, 2, tzinfo=UTC)]),
            pl.Series([datetime(2013, 1, 1, tzinfo=UTC)]).dt.convert_time_zone("America/New_York"),
        ),
        (pl.Series([True, False]), pl.Series([True])),
        (pl.Series([b"a", b"b"]), pl.Series([b"a"])),
    ],
    ids=str,
)  # fmt: skip
def test_equal_values_of_different_types_find_each_other(here, there):
    outcome = outcome_of(
        pl.DataFrame({"k": here}), check_of("in_table", "k", other="o"), others={"o": pl.DataFrame({"k": there})}
    )

    assert rows_of(outcome) == [1]


def test_whole_numbers_meet_floats_without_a_detour_through_floats():
    check = check_of("in_table", "k", other="o")

    assert rows_of(outcome_of({"k": [TWO_53 + 1, TWO_53]}, check, others={"o": {"k": [float(TWO_53)]}})) == [0]


@pytest.mark.parametrize(
    ("here", "there", "why"),
    [
        ([1], ["1"], "here.k holds integer values (Int64) and o.k text values (String)"),
        ([True], [1], "here.k holds boolean values (Boolean) and o.k integer values (Int64)"),
        (
            [datetime(2013, 1, 1)],
            [datetime(2013, 1, 1, tzinfo=UTC)],
            "they cannot be compared; give both the same type",
        ),
    ],
)
def test_keys_of_kinds_that_are_never_equal_cannot_be_judged(here, there, why):
    outcome = outcome_of({"k": here}, check_of("in_table", "k", other="o"), others={"o": {"k": there}})

    assert outcome.verdict is Verdict.ERROR
    assert why in outcome.why


def test_another_dataset_that_was_not_given_cannot_be_judged():
    outcome = outcome_of({"k": [1]}, check_of("in_table", "k", other="planed"), others=planes("N1"))

    assert outcome.verdict is Verdict.ERROR
    assert "the dataset 'planed' was not given" in outcome.why
    assert "did you mean 'planes'?" in outcome.why


def test_a_column_that_the_other_dataset_lacks_cannot_be_judged():
    outcome = outcome_of({"tale": ["N1"]}, check_of("in_table", "tale", other="planes"), others=planes("N1"))

    assert outcome.why == "planes has no column 'tale'; did you mean 'tail'? There are: tail"


def test_every_key_of_the_other_dataset_is_looked_for_here():
    outcome = outcome_of(
        {"tail": ["N1", "N1"]}, check_of("covers", "tail", other="planes"), others=planes("N1", None, "N7")
    )

    assert (outcome.verdict, outcome.n_rows, rows_of(outcome)) == (Verdict.FAIL, 2, [2])
    assert outcome.examples[0].values == {"tail": "N7"}


LEFT = {"id": [1, 2, 3, 4], "price": [1.0, 2.0, None, NAN], "name": ["a", "b", "c", "d"]}


def test_the_same_rows_in_another_order_are_the_same():
    other = pl.DataFrame(LEFT).with_columns(pl.col("id").cast(pl.Int16)).reverse()

    outcome = outcome_of(LEFT, check_of("same_rows", other="copy", key="id"), others={"copy": other})

    assert (outcome.verdict, outcome.n_rows) == (Verdict.PASS, 4)


def test_rows_that_differ_are_named_with_the_columns_they_differ_in():
    other = {"id": [1, 2, 3, 5], "price": [1.5, 2.0, None, 1.0], "name": ["a", "B", "c", "e"]}

    outcome = outcome_of(LEFT, check_of("same_rows", other="copy", key="id"), others={"copy": other})

    assert outcome.why == "2 rows differ, 1 are only here, 1 only in copy, of 5"
    assert [(e.row, e.why) for e in outcome.examples] == [
        (0, "differs in price"),
        (1, "differs in name"),
        (3, "not in copy"),
        (None, "only in copy: row 3"),
    ]


@pytest.mark.parametrize(("tolerance", "verdict"), [(0.5, Verdict.PASS), (0.49, Verdict.FAIL)])
def test_numbers_may_differ_by_the_tolerance(tolerance, verdict):
    check = check_of("same_rows", "price", other="copy", key="id", tolerance=tolerance)

    assert (
        outcome_of({"id": [1], "price": [1.0]}, check, others={"copy": {"id": [1], "price": [1.5]}}).verdict is verdict
    )


def test_the_difference_of_unsigned_numbers_does_not_wrap_around():
    here = pl.DataFrame({"id": [1], "n": pl.Series([1], dtype=pl.UInt8)})
    check = check_of("same_rows", other="copy", key="id", tolerance=2)

    assert outcome_of(here, check, others={"copy": here.with_columns(n=pl.lit(3, pl.UInt8))}).verdict is Verdict.PASS


def test_a_missing_value_is_not_within_any_tolerance_of_a_number():
    check = check_of("same_rows", other="copy", key="id", tolerance=100)

    assert outcome_of({"id": [1], "n": [1]}, check, others={"copy": {"id": [1], "n": [None]}}).n_failing == 1


def test_a_key_that_does_not_tell_rows_apart_cannot_match_them():
    outcome = outcome_of(
        {"id": [1, 1], "n": [1, 2]},
        check_of("same_rows", other="copy", key="id"),
        others={"copy": {"id": [1], "n": [1]}},
    )

    assert outcome.verdict is Verdict.ERROR
    assert "the key does not tell rows apart" in outcome.why


def test_a_row_without_a_key_matches_nothing():
    here = {"id": [1, None], "n": [1, 2]}

    outcome = outcome_of(here, check_of("same_rows", other="copy", key="id"), others={"copy": here})

    assert (outcome.n_rows, outcome.n_failing) == (3, 2)


@pytest.mark.parametrize(
    ("stat", "here", "there", "verdict"),
    [
        ("sum", [1, 2, None], [3], Verdict.PASS),
        ("sum", [2**62, 2**62, 1], [2**62, 2**62], Verdict.FAIL),
        ("sum", [0.1, 0.2, 0.3], [0.3, 0.2, 0.1], Verdict.PASS),
        ("sum", [Decimal("0.1"), Decimal("0.2")], [Decimal("0.30")], Verdict.PASS),
        ("sum", [], [], Verdict.INCONCLUSIVE),
        ("mean", [1, 2], [1.5, NAN], Verdict.PASS),
        ("min", [date(2013, 1, 1)], [date(2013, 1, 2)], Verdict.FAIL),
        ("max", [1, 9], [9], Verdict.PASS),
        ("distinct", ["a", "b", None], ["x", "y"], Verdict.PASS),
        ("missing", [1, None], [1], Verdict.FAIL),
        ("mean", ["a"], ["a"], Verdict.ERROR),
    ],
)
def test_a_number_of_a_column_is_compared_with_that_of_another_dataset(stat, here, there, verdict):
    kind = None if here else pl.Int64
    frames = [pl.DataFrame({"x": pl.Series(values, dtype=kind)}) for values in (here, there)]

    assert (
        outcome_of(frames[0], check_of("same_stat", "x", other="o", stat=stat), others={"o": frames[1]}).verdict
        is verdict
    )


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({}, Verdict.FAIL),
        ({"tolerance": 5}, Verdict.PASS),
        ({"tolerance": 4}, Verdict.FAIL),
        ({"tolerance_share": 0.05}, Verdict.PASS),
    ],
)
def test_a_sum_may_miss_the_other_by_a_number_or_by_a_share_of_it(told, verdict):
    check = check_of("same_stat", "x", other="o", stat="sum", **told)

    assert outcome_of({"x": [105]}, check, others={"o": {"x": [100]}}).verdict is verdict


def test_as_many_rows_as_another_dataset():
    same = outcome_of({"x": [1, 2]}, check_of("row_count_equals", other="o"), others={"o": {"y": [1, 2]}})
    more = outcome_of({"x": [1, 2]}, check_of("row_count_equals", other="o"), others={"o": {"y": [1]}})

    assert same.verdict is Verdict.PASS
    assert (more.verdict, more.why) == (Verdict.FAIL, "the number of rows is 2 here and 1 in o")


def test_a_schema_is_compared_without_reading_a_row():
    outcome = outcome_of(
        {"a": [1], "b": ["x"]}, check_of("same_schema", other="o"), others={"o": {"a": [1.0], "c": [1]}}
    )

    assert outcome.why == "'c' is missing here; 'b' is not in o; 'a' is Int64 here and Float64 in o"


@pytest.mark.parametrize(
    ("told", "verdict"),
    [({}, Verdict.FAIL), ({"types": "kind"}, Verdict.PASS), ({"types": "kind", "order": True}, Verdict.FAIL)],
)
def test_a_schema_is_as_strict_as_told(told, verdict):
    here = pl.DataFrame({"a": [1], "b": ["x"]})
    other = here.select("b", pl.col("a").cast(pl.Int8))

    assert outcome_of(here, check_of("same_schema", other="o", **told), others={"o": other}).verdict is verdict


KEYS = st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 4)), st.sampled_from(["a", "b", None])), max_size=10)


@given(KEYS, KEYS)
def test_orphans_are_what_a_plain_set_finds(here, there):
    frames = [pl.DataFrame(rows, schema={"n": pl.Int32, "s": pl.String}, orient="row") for rows in (here, there)]
    known = {row for row in there if None not in row}
    orphans = [place for place, row in enumerate(here) if None not in row and row not in known]

    found = failing_rows(
        frames[0],
        check_of("in_table", "n", "s", other="o"),
        others={"o": frames[1].with_columns(pl.col("n").cast(pl.Float64))},
    )

    assert found == orphans
