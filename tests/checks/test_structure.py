from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from assay.checks.structure import RULES
from assay.checks.suite import make_check
from assay.errors import ConfigError
from checks.judging import judged

PEOPLE = pl.DataFrame({"id": [1, 2], "name": ["a", "b"], "born": [None, None]})


def test_a_missing_column_fails_and_the_nearest_name_is_shown():
    seen = judged(RULES["required"], PEOPLE, "nam")

    assert (seen.holds, seen.why) == (False, "there is no column 'nam'; did you mean 'name'? There are: id, name, born")


def test_a_type_may_be_a_kind_a_polars_type_or_several():
    held = [
        judged(RULES["type_is"], PEOPLE, "id", type=told).holds
        for told in ("integer", "number", "Int64", "Int32", ["text", "integer"])
    ]

    assert held == [True, True, True, False, True]


def test_a_wrong_type_says_what_the_column_holds():
    assert judged(RULES["type_is"], PEOPLE, "name", type="date").why == "'name' holds text values (String), not date"


@pytest.mark.parametrize(
    ("dtype", "word", "held"),
    [
        (pl.Datetime("us", "UTC"), "Datetime", True),
        (pl.Datetime("us", "UTC"), "Datetime(us, UTC)", True),
        (pl.Datetime("us", "UTC"), "Datetime(time_unit='us', time_zone='UTC')", True),
        (pl.Datetime("us", "UTC"), "Datetime('us', 'Asia/Tokyo')", False),
        (pl.Decimal(10, 2), "Decimal(10, 2)", True),
        (pl.Decimal(10, 2), "Decimal(10, 3)", False),
        (pl.List(pl.Int64), "List(Int64)", True),
        (pl.List(pl.Int64), "list", True),
        (pl.String, "Utf8", True),
        (pl.Enum(["a", "b"]), "category", True),
        (pl.Null, "null", True),
    ],
)
def test_a_polars_type_may_be_written_with_or_without_its_arguments(dtype: Any, word: str, held: bool):
    frame = pl.DataFrame({"x": pl.Series([], dtype=dtype)})

    assert judged(RULES["type_is"], frame, "x", type=word).holds is held


def test_an_unknown_type_is_refused_with_the_nearest_one():
    with pytest.raises(ConfigError, match=r"there is no type 'intger'; did you mean 'integer'\?"):
        make_check("type_is", ("x",), "intger")


def test_the_columns_may_be_required_forbidden_and_ordered():
    told = (
        {"require": ["name", "id"]},
        {"require": ["id"], "extra": "forbid"},
        {"require": ["name", "id"], "ordered": True},
        {"require": ["id", "age"]},
    )

    seen = [judged(RULES["columns"], PEOPLE, **one) for one in told]

    assert [one.holds for one in seen] == [True, False, False, False]
    assert [one.why for one in seen] == [
        "all 2 columns are there",
        "'name', 'born' are not expected",
        "'id' stands where 'name' is expected",
        "there is no column 'age'",
    ]


def test_optional_columns_may_be_there_where_others_may_not():
    assert judged(RULES["columns"], PEOPLE, require=["id", "name"], optional=["born", "died"], extra="forbid").holds


def test_columns_without_a_rule_are_refused():
    with pytest.raises(ConfigError, match="nothing is asked; name the columns in require, or say extra: forbid"):
        make_check("columns", (), {"extra": "allow"})


def test_rows_and_columns_are_counted():
    rows = judged(RULES["row_count"], PEOPLE, at_least=3)
    columns = judged(RULES["column_count"], PEOPLE, at_least=3, at_most=3)

    assert (rows.holds, rows.why) == (False, "there are 2 rows, not at least 3 rows")
    assert (columns.holds, columns.why) == (True, "there are 3 columns")


def test_no_rows_are_for_the_row_count_to_judge():
    empty = PEOPLE.clear()

    assert judged(RULES["row_count"], empty, at_least=1).holds is False
    assert judged(RULES["row_count"], empty, at_most=1).holds is True


def test_a_count_below_zero_is_refused():
    with pytest.raises(ConfigError, match="at_least is -1; counts go from 0 up"):
        make_check("row_count", (), {"at_least": -1})


def test_column_names_match_a_pattern_as_a_whole():
    odd = pl.DataFrame({"good_name": [1], "Bad Name": [1], "*": [1]})

    seen = judged(RULES["names_match"], odd, pattern="[a-z_]+")

    assert (seen.holds, seen.why) == (False, "2 of 3 column names do not match '[a-z_]+': 'Bad Name', '*'")


def test_a_table_without_columns_has_no_names_to_judge():
    assert judged(RULES["names_match"], pl.DataFrame(), pattern="a").holds is None


@pytest.mark.parametrize(
    ("values", "dtype", "held"),
    [
        ([1, 1, None], pl.Int64, False),
        ([1, 2], pl.Int64, True),
        ([0.0, -0.0], pl.Float64, False),
        (["a", "a"], pl.Categorical, False),
        (["a", "b"], pl.Enum(["a", "b"]), True),
        ([b"a", b"b"], pl.Binary, True),
        ([True, True], pl.Boolean, False),
        ([1.0, float("nan")], pl.Float64, None),
        ([None, None], pl.Null, None),
        ([], pl.String, None),
    ],
)
def test_a_constant_column_is_found_whatever_its_type(values: list[Any], dtype: Any, held: bool | None):
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})

    assert judged(RULES["not_constant"], frame, "x").holds is held
