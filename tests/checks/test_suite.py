"""Three ways to write a suite give the same frozen data, and a file that breaks a rule says where."""

from datetime import date, datetime, time
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from assay import Suite, Table, Verdict, check, col, column, dump_suite, load_suite, parse_suite, save_suite, table
from assay.api import Options
from assay.checks.table import load_rules
from assay.errors import ConfigError, DataError, UsageError

WRITTEN = """
format: 1
suite: People
columns:
  age:
    missing: [-1]
    required: true
    type_is: integer
    between: [0, 120]
  height:
    required: true
    type_is: float
    no_missing: true
    between: {at_least: 0.3, at_most: 2.75, level: warn, tolerate_share: 0.001}
"""


class People(Table):
    age: int | None = col(between=(0, 120), missing=[-1])
    height: float = col(between={"at_least": 0.3, "at_most": 2.75, "level": "warn", "tolerate_share": 0.001})


CALLED = Suite(
    (
        column("age").required(), column("age").type_is("integer"), column("age").between(0, 120),
        column("height").required(), column("height").type_is("float"), column("height").no_missing(),
        column("height").between(0.3, 2.75, level="warn", tolerate_share=0.001),
    ),
    "People",
    {"age": (-1,)},
)  # fmt: skip


def test_yaml_a_class_and_calls_give_the_same_suite():
    assert parse_suite(WRITTEN) == People.suite() == CALLED


def test_a_suite_survives_being_written_and_read(tmp_path):
    save_suite(CALLED, tmp_path / "people.yaml")

    assert load_suite(tmp_path / "people.yaml") == CALLED


def test_a_suite_reads_as_a_person_would_write_it():
    assert dump_suite(CALLED) == (
        "format: 1\n"
        "suite: People\n"
        "columns:\n"
        "  age: {missing: [-1], required: true, type_is: integer, between: [0, 120]}\n"
        "  height:\n"
        "    required: true\n"
        "    type_is: float\n"
        "    no_missing: true\n"
        "    between: {at_least: 0.3, at_most: 2.75, level: warn, tolerate_share: 0.001}\n"
    )


def test_one_check_may_stand_twice():
    suite = Suite((column("age").between(0, 120), column("age").between(0, 100, level="warn")), "twice")

    assert parse_suite(dump_suite(suite)) == suite


def test_checks_of_the_table_and_of_several_columns_are_written_under_table():
    suite = Suite((table().row_count(at_least=1), column("a", "b").key(), column("a").in_table(other="c")), "whole")

    assert parse_suite(dump_suite(suite)) == suite
    assert "  key: [a, b]\n" in dump_suite(suite)


@pytest.mark.parametrize(
    "name", ["a b", "a.b", "a: b", "#a", "1", "on", "null", "é", "a\nb", '"', "'", "{a}", "-", "*", "^a$", "\u2028", ""]
)
def test_a_column_may_have_any_name(name):
    suite = Suite((column(name).no_missing(),), "odd", {name: ("",)})

    assert parse_suite(dump_suite(suite)) == suite


def test_bounds_keep_their_type():
    suite = parse_suite("columns: {a: {between: [1.10, 9007199254740993]}}")

    told = suite.checks[0].arguments

    assert (told.at_most, told.at_least) == (9007199254740993, Decimal("1.10"))
    assert str(told.at_least) == "1.10"
    assert parse_suite(dump_suite(suite)) == suite


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "columns: {age: {betwen: [0, 1]}}",
            "s.yaml:1: columns.age.betwen: there is no check called 'betwen'; did you mean 'between'?",
        ),
        (
            "columns: {age: {between: [0]}}",
            "s.yaml:1: columns.age.between: between is given [0]; expected a list of 2: at_least, at_most",
        ),
        ("columns: {age: {between: {at_lest: 0}}}", "s.yaml:1: columns.age.between: between has no argument 'at_lest'"),
        (
            "columns: {age: {between: {at_least: 0, level: loud}}}",
            "s.yaml:1: columns.age.between: level is 'loud'; expected warn or fail",
        ),
        (
            "columns: {age: {between: {at_least: 0, tolerate_share: 5}}}",
            "tolerate_share is 5; shares lie in [0, 1]; one percent is 0.01",
        ),
        (
            "columns: {age: {between: {at_least: 0, tolerate_rows: -1}}}",
            "tolerate_rows is -1; rows are counted from 0 up",
        ),
        (
            "columns: {age: {between: {at_least: 0, tolerate_share: .nan}}}",
            "tolerate_share is NaN; shares lie in [0, 1]",
        ),
        (
            "table: {unique_together: [2013, a]}",
            "s.yaml:1: table.unique_together: 2013 is no column's name; names are texts",
        ),
        ("table: {unique_together: {columns: 5}}", "5 is no column's name"),
        ("columns: {age: between}", "s.yaml: columns.age: expected checks as a mapping"),
        ("table: {between: [0, 1]}", "s.yaml:1: table.between: between is about one column; write it under columns:"),
        ("format: 2", "s.yaml: format: format is 2; this assay reads format 1"),
        ("colums: {}", "s.yaml:1: colums: there is no key 'colums'; did you mean 'columns'?"),
        ("columns: [", "s.yaml:2: this is not YAML"),
    ],
)
def test_a_file_that_breaks_a_rule_says_where(text, message):
    with pytest.raises(ConfigError) as error:
        parse_suite(text, file="s.yaml")

    assert str(error.value).startswith(message) or message in str(error.value)


def test_a_suite_file_that_is_not_there_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="there is no such file"):
        load_suite(tmp_path / "no.yaml")


def test_every_rule_has_a_line_of_documentation_and_a_family():
    for rule in load_rules().values():
        assert rule.summary.endswith(".")
        assert rule.summary[0].isupper()
        assert rule.family


def test_an_annotation_that_is_no_column_type_is_an_error():
    class Odd(Table):
        age: object

    with pytest.raises(ConfigError, match=r"Odd\.age: the annotation <class 'object'> is not a column type"):
        Odd.suite()


def test_a_class_may_have_checks_of_the_whole_table():
    class Orders(Table):
        checks = (table().row_count(at_least=1),)
        id: int = col(unique=True)

    assert [check.rule for check in Orders.suite().checks] == [
        "required",
        "type_is",
        "no_missing",
        "unique",
        "row_count",
    ]


def test_an_optional_column_need_not_be_there():
    class Orders(Table):
        note: str | None = col(optional=True)

    absent, present = (check(pl.DataFrame(columns), Orders) for columns in ({"id": [1]}, {"note": [1]}))

    assert [outcome.verdict for outcome in absent.outcomes] == [Verdict.SKIP]
    assert [outcome.verdict for outcome in present.outcomes] == [Verdict.FAIL]


def test_a_call_with_too_many_values_is_an_error():
    with pytest.raises(ConfigError, match="between takes 2 positional values and 3 were given"):
        column("age").between(0, 1, 2)


def test_a_call_with_one_value_given_twice_is_an_error():
    with pytest.raises(ConfigError, match="at_most is given twice"):
        column("age").between(0, 120, at_most=5)


@pytest.mark.parametrize(
    "values", [range(3), np.arange(3), pl.Series([0, 1, 2]), {0, 1, 2}, (0, 1, 2), [0, np.int64(1), 2]]
)
def test_a_set_of_values_may_be_given_as_python_people_have_it(values):
    assert column("a").one_of(values) == column("a").one_of([0, 1, 2])


def test_the_order_of_a_suite_is_that_of_its_file():
    suite = Suite(
        (table().row_count(at_least=1), column("a").no_missing(), column("b").no_missing(), column("a").between(0, 1))
    )

    assert [(c.rule, c.subject) for c in suite.checks] == [
        ("no_missing", "a"), ("between", "a"), ("no_missing", "b"), ("row_count", "table"),
    ]  # fmt: skip
    assert parse_suite(dump_suite(suite)) == suite


def test_a_time_of_day_survives_being_written_and_read():
    suite = Suite((column("t").between(time(9, 30), time(17)),), "hours")

    assert parse_suite(dump_suite(suite)) == suite


@pytest.mark.parametrize("odd", [5, ["no_missing"], {"a": 1}, str])
def test_what_is_no_suite_is_wrong_usage(odd):
    with pytest.raises(UsageError):
        check(pl.DataFrame({"a": [1]}), odd)


def test_one_check_is_a_suite():
    assert check(pl.DataFrame({"a": [1]}), column("a").no_missing()).verdict is Verdict.PASS


def test_an_unknown_check_is_no_attribute():
    assert not hasattr(column("a"), "shape")


@pytest.mark.parametrize("now", [datetime(2020, 1, 1), "2020-01-01", date(2020, 1, 1)])
def test_now_is_an_instant_with_its_zone(now):
    with pytest.raises(UsageError, match="it is an instant with its zone"):
        Options(now=now)


def test_a_reference_without_rows_compares_nothing():
    frame = pl.DataFrame({"a": [1]})

    with pytest.raises(DataError, match="the reference has no rows"):
        check(frame, reference=frame.clear())
