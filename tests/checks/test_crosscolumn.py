"""Comparisons, sums, conditions, dependencies and functions across columns."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.checks.check import Judged
from assay.checks.suite import make_check
from assay.errors import ConfigError
from assay.verdict import Verdict
from checks.asked import check_of, failing_rows, outcome_of, rows_of

NAN, INF = float("nan"), float("inf")
TWO_53 = 9007199254740992


def compares(text: str, frame) -> list[int | None]:
    return rows_of(outcome_of(frame, make_check("compare", (), text)))


def test_a_row_fails_where_the_comparison_does_not_hold_and_both_sides_are_there():
    frame = {"shipped_at": [date(2013, 1, 2), date(2013, 1, 1), None], "created_at": [datetime(2013, 1, 1, 9)] * 3}

    outcome = outcome_of(frame, make_check("compare", (), "shipped_at >= created_at"))

    assert (outcome.n_rows, rows_of(outcome)) == (2, [1])
    assert outcome.examples[0].values == {"shipped_at": date(2013, 1, 1), "created_at": datetime(2013, 1, 1, 9)}


def test_a_comparison_may_be_written_out():
    outcome = outcome_of({"a": [1, 2], "b": [2, 2]}, check_of("compare", left="a", op="<>", right="b"))

    assert rows_of(outcome) == [1]


def test_names_with_spaces_points_and_quotes_are_compared():
    frame = {"nr.employed": [1, 3], 'a "b" >= c': [2, 2], "x y": [2, 2]}

    assert compares("nr.employed <= x y", frame) == [1]
    assert compares('nr.employed <= "a ""b"" >= c"', frame) == [1]


@pytest.mark.parametrize(
    ("op", "failing"),
    [(">=", [4]), (">", [1, 3, 4]), ("<=", [0, 2]), ("<", [0, 1, 2, 3]), ("==", [0, 2, 4]), ("!=", [1, 3])],
)
def test_whole_numbers_compare_with_floats_exactly(op, failing):
    # 2**53 + 1 against 2**53; 2**53 against itself; 3 against 2.5, 3.0 and infinity; a missing value is not judged.
    frame = {"a": [TWO_53 + 1, TWO_53, 3, 3, 3, None, 1], "b": [float(TWO_53), float(TWO_53), 2.5, 3.0, INF, 1.0, NAN]}
    mirrored = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}.get(op, op)

    assert compares(f"a {op} b", frame) == failing
    assert compares(f"b {mirrored} a", frame) == failing


def test_unsigned_and_signed_numbers_compare_exactly():
    frame = pl.DataFrame({"a": pl.Series([2**64 - 1, 0], dtype=pl.UInt64), "b": pl.Series([-1, -1], dtype=pl.Int64)})

    assert compares("a > b", frame) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a > s", "a holds integer values (Int64) and s text values (String); they cannot be compared"),
        ("a > bb", "compares 'bb', and there is no such column; did you mean 'b'?"),
        ("a", "'a' compares nothing"),
        ("c > c", "category and category values have no order; use == or !="),
    ],
)
def test_a_comparison_that_means_nothing_cannot_be_judged(text, why):
    frame = pl.DataFrame({"a": [1], "b": [1], "s": ["x"]}).with_columns(c=pl.col("s").cast(pl.Categorical))

    outcome = outcome_of(frame, make_check("compare", (), text))

    assert outcome.verdict is Verdict.ERROR
    assert why in outcome.why


def test_a_comparison_without_a_side_is_refused():
    with pytest.raises(ConfigError, match="say what is compared"):
        check_of("compare", left="a", op=">")


@pytest.mark.parametrize(
    ("parts", "total", "told", "failing"),
    [
        ([[1, 2], [2, 2]], [3, 5], {}, [1]),
        ([[1, 2], [2, 2]], [3, 5], {"tolerance": 1}, []),
        ([[0.1, 0.1], [0.2, 0.2]], [0.3, 0.31], {}, [1]),
        ([[0.1, 0.1], [0.2, 0.2]], [0.3, 0.31], {"tolerance": 0.02}, []),
        ([[Decimal("0.10")], [Decimal("0.2")]], [Decimal("0.3")], {}, []),
        ([[Decimal("0.10")], [Decimal("0.2")]], [Decimal("0.31")], {"tolerance": 0.01}, []),
        ([[Decimal("0.10")], [Decimal("0.2")]], [Decimal("0.31")], {"tolerance": 0.009}, [0]),
        ([[2**63 - 1], [1]], [2**63 - 1], {"tolerance": 0.5}, [0]),
        ([[INF, INF], [1.0, 1.0]], [INF, 1.0], {}, [1]),
        ([[1, None], [1, 1]], [2, 7], {}, []),
    ],
)
def test_columns_add_up_to_a_total(parts, total, told, failing):
    frame = {"a": parts[0], "b": parts[1], "total": total}

    assert rows_of(outcome_of(frame, check_of("row_sum", "a", "b", total="total", **told))) == failing


def test_texts_do_not_add_up():
    outcome = outcome_of({"a": ["1"], "t": ["1"]}, check_of("row_sum", "a", total="t"))

    assert outcome.why == "'a' holds text values, which cannot be added up"


def test_a_condition_is_judged_where_it_is_true_or_false():
    frame = {"age": [17.0, 40.0, NAN, 15.0], "has pet": [False, True, True, True]}

    outcome = outcome_of(frame, make_check("holds", (), 'age >= 18 or not "has pet"'))

    assert (outcome.n_rows, rows_of(outcome)) == (3, [3])
    assert outcome.expected == 'such that age >= 18 or not "has pet"'


def test_a_condition_sees_no_value_that_stands_for_missing():
    outcome = outcome_of({"age": [-1, 20]}, make_check("holds", (), "age >= 18"), missing={"age": (-1,)})

    assert (outcome.verdict, outcome.n_rows) == (Verdict.PASS, 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a >", "'a >' is not an SQL expression: "),
        ("ab > 1", "'ab > 1' names 'ab', and there is no such column; did you mean 'a'?"),
        ("a + 1", "'a + 1' gives int64 values; true or false is expected"),
        ("1 = 1", "'1 = 1' names no column"),
        ("a > avg(a)", "looks at more than one row at a time"),
        ("a > lag(a) over (order by a)", "looks at more than one row at a time"),
        ("count(*) > a", "looks at more than one row at a time"),
        ("d > now()", "reads the clock by 'now('"),
        ("d > '2013-01-01'", "does not fit the columns' types"),
        ("a; drop table x", "is not an SQL expression"),
        ('"*" > 1', 'reads the name "*" as a pattern'),
    ],
)
def test_a_condition_that_cannot_be_judged_says_why(text, why):
    outcome = outcome_of({"a": [1], "d": [date(2013, 1, 1)]}, make_check("holds", (), text))

    assert outcome.verdict is Verdict.ERROR
    assert why in outcome.why


def test_a_cast_that_stops_at_a_value_is_this_checks_error():
    frame = {"s": ["1", "x"]}

    assert outcome_of(frame, make_check("holds", (), "CAST(s AS INT) > 0")).verdict is Verdict.ERROR
    assert outcome_of(frame, make_check("holds", (), "TRY_CAST(s AS INT) > 0")).n_rows == 1


def test_a_condition_may_name_values_dates_and_patterns():
    frame = {"s": ["ab", "xy"], "d": [date(2013, 1, 1), date(2014, 1, 1)]}

    assert rows_of(outcome_of(frame, make_check("holds", (), "s in ('ab', 'now()') or d < DATE '2013-06-01'"))) == [1]
    assert rows_of(outcome_of(frame, make_check("holds", (), "s like 'x%'"))) == [0]


def test_a_value_that_differs_from_most_of_its_key_fails():
    frame = {"zip": [1, 1, 1, 2, 2, None, 3], "city": ["a", "A", "a", "b", None, "c", "d"]}

    outcome = outcome_of(frame, check_of("determines", "zip", then="city"))

    assert (outcome.n_rows, outcome.n_failing) == (5, 1)
    assert [(e.row, e.why) for e in outcome.examples] == [(1, "2 rows with the same key: a")]


def test_of_values_equally_frequent_the_first_one_leads():
    outcome = outcome_of({"zip": [1, 1], "city": ["b", "a"]}, check_of("determines", "zip", then="city"))

    assert [(e.row, e.why) for e in outcome.examples] == [(1, "1 row with the same key: b")]


def test_several_columns_determine_several():
    frame = {"a": [1, 1, 1, 1], "b": [1, 1, 1, 2], "c": [5, 5, 5, 9], "d": ["x", "x", "y", "y"]}

    assert rows_of(outcome_of(frame, check_of("determines", "a", "b", then=["c", "d"]))) == [2]


def test_what_is_determined_may_be_a_list():
    frame = {"a": [1, 1, 1], "b": [[1], [2], [1]]}

    assert rows_of(outcome_of(frame, check_of("determines", "a", then="b"))) == [1]


def test_a_column_does_not_determine_itself():
    outcome = outcome_of({"a": [1]}, check_of("determines", "a", then="a"))

    assert outcome.why == "'a' stands on both sides; write then: column"


CELLS = st.one_of(st.none(), st.integers(0, 2))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=14))
def test_dependencies_break_where_plain_counters_say(rows):
    frame = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Int64}, orient="row")
    groups: dict[int, list[int]] = {}
    for a, b in rows:
        if a is not None and b is not None:
            groups.setdefault(a, []).append(b)
    usual = {a: Counter(values).most_common(1)[0][0] for a, values in groups.items()}  # the first of equals leads
    broken = [i for i, (a, b) in enumerate(rows) if a is not None and b is not None and b != usual[a]]

    assert failing_rows(frame, check_of("determines", "a", then="b")) == broken


def test_a_function_may_return_an_expression_that_is_true_where_a_row_fails():
    outcome = outcome_of(
        {"x": [1, -2, None]}, make_check("calls", (), "negative"), functions={"negative": lambda rows: pl.col("x") < 0}
    )

    assert (outcome.verdict, outcome.n_rows, rows_of(outcome)) == (Verdict.FAIL, 2, [1])
    assert outcome.expected == "accepted by negative"


def test_a_function_is_given_lazy_rows_without_missing_values_and_filtered():
    seen = {}

    def keep(rows):
        seen["rows"] = rows.collect().rows()
        return True

    frame = {"x": [1.0, NAN, 3.0], "live": [True, True, False]}
    outcome = outcome_of(
        frame, make_check("calls", (), {"function": "keep", "where": "live"}), functions={"keep": keep}
    )

    assert outcome.verdict is Verdict.PASS
    assert seen["rows"] == [(1.0, True), (None, True)]


def test_a_function_may_conclude_by_itself():
    answer = Judged(holds=False, why="the totals differ by 3")

    outcome = outcome_of({"x": [1]}, make_check("calls", (), "totals"), functions={"totals": lambda rows: answer})

    assert (outcome.verdict, outcome.why) == (Verdict.FAIL, "the totals differ by 3")


def stops(rows):
    raise KeyError("no such total")


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (stops, "the function 'f' raised KeyError: 'no such total'"),
        (lambda rows: 3, "the function 'f' returned a int"),
        (lambda rows: pl.col("y") > 1, "y"),
    ],
)
def test_a_function_that_fails_is_this_checks_error(function, why):
    outcome = outcome_of({"x": [1]}, make_check("calls", (), "f"), functions={"f": function})

    assert outcome.verdict is Verdict.ERROR
    assert why in outcome.why


def test_a_function_that_was_not_passed_cannot_be_called():
    outcome = outcome_of({"x": [1]}, make_check("calls", (), "totls"), functions={"totals": stops})

    assert outcome.verdict is Verdict.ERROR
    assert "there is no function 'totls'" in outcome.why
    assert "did you mean 'totals'?" in outcome.why
