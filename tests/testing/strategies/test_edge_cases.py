"""The table of edge cases: values of the column's own type, next to those that it has."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from assay.data.kinds import Kind, kind_of
from assay.profiles.schema import Field
from assay.testing.strategies.allowed import allowed
from assay.testing.strategies.edge_cases import EDGES, edge_cases, edge_names

SPRING = datetime(2024, 5, 1, 12)
COLUMNS = {
    "int8": pl.Series([18, 64], dtype=pl.Int8),
    "uint64": pl.Series([1, 2], dtype=pl.UInt64),
    "int128": pl.Series([1, 2], dtype=pl.Int128),
    "float32": pl.Series([1.5, 2.5], dtype=pl.Float32),
    "float64": pl.Series([1.5, 2.5, math.nan, math.inf]),
    "decimal": pl.Series([Decimal("1.50"), Decimal("9.99")], dtype=pl.Decimal(6, 2)),
    "boolean": pl.Series([True, None]),
    "text": pl.Series(["Rome", "Oslo"]),
    "categorical": pl.Series(["a", "a", "b"], dtype=pl.Categorical),
    "enum": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b", "c"])),
    "date": pl.Series([date(2024, 5, 1), date(2024, 6, 1)]),
    "instant": pl.Series([SPRING]),
    "instant in ns": pl.Series([SPRING]).cast(pl.Datetime("ns")),
    "instant in ms": pl.Series([SPRING]).cast(pl.Datetime("ms")),
    "instant in a zone": pl.Series([SPRING]).dt.replace_time_zone("Europe/Berlin"),
    "instant in UTC": pl.Series([SPRING]).dt.replace_time_zone("UTC"),
    "time": pl.Series([3_600 * 10**9]).cast(pl.Time),
    "span": pl.Series([timedelta(hours=1)]),
    "bytes": pl.Series([b"abc"]),
    "list": pl.Series([[1, 2]]),
    "struct": pl.Series([{"a": 1}]),
    "nothing": pl.Series([None, None]),
    "no rows": pl.Series([], dtype=pl.Float64),
}


def named(column: str) -> dict[str, object]:
    cases = edge_cases(COLUMNS[column])
    return dict(zip(cases.names, cases.values.to_list(), strict=True))


@pytest.mark.parametrize("column", COLUMNS)
def test_edge_cases_are_of_the_columns_type_and_each_has_a_name_of_its_own(column: str):
    cases = edge_cases(COLUMNS[column])

    assert cases.values.dtype == COLUMNS[column].dtype
    assert len(cases.names) == len(set(cases.names)) == len(cases.values)
    assert cases.names[0] == "missing"
    assert cases.values.null_count() == 1


def test_every_kind_of_the_table_is_tried():
    assert {kind_of(series.dtype) for series in COLUMNS.values()} >= set(EDGES)
    assert set(edge_names()) == {kind.value for kind in EDGES}
    assert {kind.value for kind in Kind} - set(edge_names()) == {"struct", "null", "other"}


def test_whole_numbers_stay_in_their_type():
    assert set(named("int8").values()) == {None, 0, 1, -1, 18, 64, 17, 65, -128, 127}
    assert named("uint64")["the greatest of its type"] == 2**64 - 1
    assert "minus one" not in named("uint64")


def test_the_neighbour_of_a_float_is_the_next_that_its_type_can_hold():
    assert named("float32")["just above the greatest"] == float(np.nextafter(np.float32(2.5), np.float32(np.inf)))
    assert named("float64")["just below the least"] == math.nextafter(1.5, -math.inf)
    assert math.isnan(named("float64")["NaN"])


def test_a_decimals_neighbour_is_one_of_its_last_digit_away():
    assert named("decimal")["just above the greatest"] == Decimal("10.00")
    assert named("decimal")["the greatest of its type"] == Decimal("9999.99")


def test_an_enum_has_only_its_own_words():
    assert set(named("enum").values()) <= {None, "a", "b", "c"}
    assert "new" in named("categorical").values()


def test_texts_have_accents_in_both_forms():
    told = named("text")

    assert told["an accent in one character"] != told["an accent in two characters"]
    assert len(told["very long"]) == 1000
    assert {"", " ", " Rome", "Rome ", "ROME", "rome"} <= set(told.values())


def test_a_zone_has_the_hours_that_its_clocks_skip_and_repeat():
    told = named("instant in a zone")

    # Berlin's clocks went from 2:00 to 3:00 on 31 March 2024, and from 3:00 back to 2:00 on 27 October.
    assert told["just after clocks go forward"].astimezone(UTC) == datetime(2024, 3, 31, 1, tzinfo=UTC)
    first, second = (told[f"the {word} of an hour that comes twice"] for word in ("first", "second"))
    assert (first.hour, first.minute) == (second.hour, second.minute) == (2, 30)
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)
    assert not any("clocks" in name for name in named("instant in UTC"))


def test_an_instant_without_a_zone_has_an_hour_that_clocks_skip():
    assert named("instant")["an hour that clocks skip"] == datetime(2024, 3, 31, 2, 30)


def test_instants_have_a_leap_day_and_the_ends_of_the_calendar():
    assert named("date")["a leap day"] == date(2024, 2, 29)
    assert named("date")["the last date there is"] == date(9999, 12, 31)
    assert (
        "the last date there is" not in edge_cases(COLUMNS["instant in ns"]).names
    )  # a 64-bit number of ns ends in 2262


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ([-1, 0, 5, 6, None], Field(between=(0, 5)), [False, True, True, False, True]),
        ([0, 1], Field(above=0), [False, True]),
        ([1, 2, None], Field(one_of=(1, 3), missing_share_at_most=0), [True, False, False]),
        (["A1", "a", "A12"], Field(type="text", matches=r"[A-Z]\d"), [True, False, False]),
        (["", "ab", "abc"], Field(type="text", length=(1, 2)), [False, True, False]),
        ([0.1, 0.1 + 2**-56, math.nan], Field(at_most=0.1), [True, False, True]),
        (["NA", "x"], Field(type="text", missing=("NA",), missing_share_at_most=0), [False, True]),
        ([9007199254740993, 9007199254740992], Field(at_most=9007199254740992), [False, True]),
    ],
)
def test_what_a_schema_allows_is_judged_as_checks_judge_it(values: list[object], field: Field, expected: list[bool]):
    assert allowed(pl.Series(values), field, name="x").to_list() == expected
