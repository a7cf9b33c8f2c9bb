"""Strategies: rows like the reference's own, frames that a schema allows, frames with a profile's marginals."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from assay.api import check, infer_schema, profile
from assay.checks.of_schema import schema_suite
from assay.data.polars_engine import PolarsEngine
from assay.errors import UsageError
from assay.profiles.profile import Profile
from assay.profiles.saved import save_profile
from assay.profiles.schema import DatasetSchema, Field, Schema, save_schema
from assay.testing.rows import rows_of
from assay.testing.strategies.frames import frames, pool_from, records, rows_like, series
from assay.testing.strategies.pools import KINDS
from assay.verdict import Verdict

PEOPLE = pl.DataFrame(
    {
        "id": range(6),
        "age": [18, 25, 40, 64, 30, None],
        "income": [1000.0, 2500.5, 4000.25, 6400.0, math.nan, 10.0],
        "city": ["Oslo", "Rome", "Oslo", None, "Bern", "Rome"],
        "since": [date(2020, 1, 1), date(2021, 5, 5), date(2022, 2, 2), date(2023, 3, 3), date(2024, 4, 4), None],
    }
)
ENGINE = PolarsEngine()


def examples_of(strategy: Any, most: int = 60) -> list[Any]:
    """Return what a strategy draws, in a test of its own: the same each time."""
    seen: list[Any] = []

    @settings(max_examples=most, database=None, derandomize=True)
    @given(strategy)
    def look(drawn: Any) -> None:
        seen.append(drawn)

    look()
    return seen


def least(strategy: Any, breaks: Callable[[Any], bool]) -> Any:
    return find(strategy, breaks, settings=settings(max_examples=3_000, database=None, derandomize=True))


# Rows of the reference itself.


def test_a_draw_is_rows_of_the_reference_but_for_three_cells():
    known = {name: [repr(value) for value in PEOPLE[name]] for name in PEOPLE.columns}

    for drawn in examples_of(rows_like(PEOPLE, edits=3)):
        assert drawn.schema == PEOPLE.schema
        assert 1 <= drawn.height <= 20
        # A row that nothing was done to is one of the reference's: at most three are not.
        rows = {repr(row) for row in PEOPLE.rows()}
        assert sum(repr(row) not in rows for row in drawn.rows()) <= 3
        changed = sum(repr(cell) not in known[name] for row in drawn.rows(named=True) for name, cell in row.items())
        assert changed <= 3


def test_without_edits_every_row_is_one_of_the_references():
    rows = {repr(row) for row in PEOPLE.rows()}

    assert all(repr(row) in rows for drawn in examples_of(rows_like(PEOPLE, edits=0)) for row in drawn.rows())


def test_a_failing_example_shrinks_to_one_row_and_one_edited_cell():
    found = least(rows_like(PEOPLE), lambda drawn: (drawn["age"] < 0).any())

    assert found.to_dicts() == [{**PEOPLE.row(0, named=True), "age": -1}]


def test_a_failure_of_real_rows_shrinks_to_the_plainest_of_them():
    # Rows without missing values come first: row 1 is the first from Rome.
    found = least(rows_like(PEOPLE), lambda drawn: (drawn["city"] == "Rome").any())

    assert found.to_dicts() == [PEOPLE.row(1, named=True)]


def test_a_failure_of_two_rows_shrinks_to_two():
    found = least(rows_like(PEOPLE), lambda drawn: drawn["city"].n_unique() > 1)

    assert found.height == 2


@pytest.mark.parametrize("case", ["missing", "just above the greatest", "minus one", "the greatest of its type"])
def test_every_edge_case_is_drawn(case: str):
    pool = pool_from(PEOPLE)
    value = dict(zip(pool.edges["age"].names, pool.edges["age"].values, strict=True))[case]

    assert least(rows_like(PEOPLE, columns=["age"]), lambda drawn: value in drawn["age"].to_list()).height == 1


@pytest.mark.parametrize("kind", KINDS)
def test_rows_come_in_the_kind_that_is_asked_for(kind: str):
    reference = PEOPLE.select("age", "income").fill_null(0) if kind == "array" else PEOPLE

    drawn = examples_of(rows_like(reference, kind=kind), 5)[-1]

    assert rows_of(drawn).kind == kind


@pytest.mark.parametrize(
    "reference",
    [PEOPLE, PEOPLE.to_arrow(), PEOPLE.to_dicts(), PEOPLE.to_pandas(), np.arange(12.0).reshape(4, 3)],
    ids=["polars", "pyarrow", "records", "pandas", "array"],
)
def test_rows_come_in_the_references_own_kind(reference: Any):
    kinds = {type(drawn) for drawn in examples_of(rows_like(reference), 20)}

    assert kinds == {type(reference)}


def test_pandas_keeps_its_dtypes_where_they_can_hold_the_edge_case():
    reference = pd.DataFrame(
        {
            "n": pd.Series([1, 2, 3], dtype="int32"),
            "k": pd.Categorical(["a", "b", "a"]),
            "m": pd.Series([1, None, 3], dtype="Int64"),
        }
    )

    for drawn in examples_of(rows_like(reference), 80):
        assert isinstance(drawn["k"].dtype, pd.CategoricalDtype)
        assert drawn["m"].dtype == "Int64"
        assert drawn["n"].dtype == ("float64" if drawn["n"].isna().any() else "int32")


def test_a_pandas_index_that_only_counts_counts_anew():
    reference = PEOPLE.to_pandas()

    assert all(list(drawn.index) == list(range(len(drawn))) for drawn in examples_of(rows_like(reference), 20))


def test_a_pandas_index_with_labels_goes_with_its_rows():
    reference = pd.DataFrame({"n": [1, 2, 3]}, index=["a", "b", "c"])

    for drawn in examples_of(rows_like(reference, edits=0), 20):
        assert [reference["n"][label] for label in drawn.index] == drawn["n"].tolist()


def test_the_reference_is_left_as_it_was():
    reference = PEOPLE.to_pandas()
    before = reference.copy()

    def spoil(drawn: pd.DataFrame) -> None:
        drawn.loc[:, "age"] = -99.0

    for drawn in examples_of(rows_like(reference), 20):
        spoil(drawn)

    pd.testing.assert_frame_equal(reference, before)


def test_rows_of_a_file_are_drawn_by_its_path(tmp_path: Path):
    PEOPLE.write_parquet(tmp_path / "people.parquet")

    assert examples_of(rows_like(str(tmp_path / "people.parquet")), 3)[-1].columns == PEOPLE.columns


def test_what_was_changed_is_printed_with_a_failing_example():
    @settings(max_examples=1_000, database=None, derandomize=True)
    @given(rows_like(PEOPLE))
    def ages_are_not_negative(rows: pl.DataFrame) -> None:
        assert not (rows["age"] < 0).any()

    with pytest.raises(AssertionError) as caught:
        ages_are_not_negative()

    assert "row 0: age is minus one" in caught.value.__notes__


def test_an_exact_number_of_rows_can_be_asked_for():
    assert {drawn.height for drawn in examples_of(rows_like(PEOPLE, rows=4), 20)} == {4}


def test_no_rows_can_be_asked_for():
    assert least(rows_like(PEOPLE, rows=(0, 3)), lambda drawn: True).schema == PEOPLE.schema


# A schema with the rows.


def test_with_a_schema_only_what_it_allows_is_drawn():
    schema = DatasetSchema(
        columns={"age": Field(type="integer", between=(18, 40)), "city": Field(one_of=("Oslo", "Rome"))}
    )

    for drawn in examples_of(rows_like(PEOPLE, schema=schema), 100):
        assert drawn["age"].drop_nulls().is_between(18, 40).all()
        assert set(drawn["city"].drop_nulls()) <= {"Oslo", "Rome"}


def test_unique_columns_do_not_repeat():
    schema = DatasetSchema(columns={"id": Field(unique=True)})

    assert all(
        drawn["id"].is_unique().all() for drawn in examples_of(rows_like(PEOPLE, schema=schema, rows=(1, 6)), 60)
    )


def test_rows_whose_key_is_missing_or_repeated_are_left_out():
    reference = pl.DataFrame({"k": [1, 1, None, 2], "x": [1, 2, 3, 4]})

    seen = examples_of(
        rows_like(reference, schema=DatasetSchema(columns={"k": Field(), "x": Field()}, keys=(("k",),))), 40
    )

    assert {key for drawn in seen for key in drawn["k"]} == {1, 2}
    assert all(drawn["k"].is_unique().all() for drawn in seen)


def test_a_schema_that_allows_no_row_names_the_column():
    with pytest.raises(UsageError, match=r"none of the 6 rows; of 'age' it allows 0 values"):
        rows_like(PEOPLE, schema=DatasetSchema(columns={"age": Field(at_least=100, missing_share_at_most=0)}))


def test_more_rows_than_keys_are_refused():
    with pytest.raises(UsageError, match="10 rows are asked for, and the schema's keys allow 6"):
        rows_like(PEOPLE, rows=10, schema=DatasetSchema(columns={"id": Field(unique=True)}))


# Frames of a schema.

ORDERS = DatasetSchema(
    columns={
        "id": Field(type="integer", unique=True, missing_share_at_most=0, at_least=1),
        "at": Field(type="datetime", rising=True, at_least=datetime(2024, 1, 1, tzinfo=UTC), missing_share_at_most=0),
        "day": Field(type="date", between=(date(2024, 1, 1), date(2024, 12, 31))),
        "amount": Field(type="decimal", between=(0, 1000), missing_share_at_most=0.25),
        "share": Field(type="number", above=0, below=1),
        "code": Field(type="text", matches=r"\p{Lu}{2}-\d{3,4}", missing_share_at_most=0),
        "note": Field(type="text", length=(0, 20)),
        "state": Field(type="category", one_of=("new", "paid"), missing_share_at_most=0.5),
        "paid": Field(type="boolean"),
        "small": Field(type="UInt8", at_most=200),
        "took": Field(type="duration"),
        "until": Field(type="time"),
        "raw": Field(type="binary"),
        "level": Field(one_of=(1, 2, 3)),
        "anything": Field(),
        "tag": Field(type="text", missing=("NA",), missing_share_at_most=0),
    },
    keys=(("id",),),
)


def test_every_frame_of_a_schema_passes_the_schema():
    suite = schema_suite(Schema(datasets={"orders": ORDERS}), "orders")

    for drawn in examples_of(frames(ORDERS), 40):
        broken = [o for o in check(drawn, suite).outcomes if o.verdict in (Verdict.FAIL, Verdict.ERROR)]
        assert not broken, broken[0].why


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "array"])
def test_frames_of_a_schema_come_in_every_kind(kind: str):
    for drawn in examples_of(frames(ORDERS, kind=kind, edits=2), 25):
        assert rows_of(drawn).kind == kind
        assert set(rows_of(drawn).columns) == set(ORDERS.columns)


@pytest.mark.parametrize(
    "told",
    [
        Field(type="decimal", between=(0.001, 0.002)), Field(type="float", above=0, below=1e-300),
        Field(type="time", between=("09:00", "17:00")),
        Field(type="duration", between=("0s", "1h")), Field(type="datetime", at_least="2024-01-01"), Field(type="null"),
        Field(type="integer", between=(9007199254740993, 9007199254740994)), Field(type="UInt8", at_least=-5),
        Field(type="integer", at_most=-3),
        Field(type="date", at_most=date(1969, 1, 1)), Field(type="integer", rising="strictly"), Field(type="text", length=(3, 3)),
        Field(type="boolean", unique=True, missing_share_at_most=0), Field(type="Categorical", one_of=("a", "b")),
        Field(type="Float32", between=(0, 1)),
    ],
    ids=str,
)  # fmt: skip
def test_narrow_and_odd_columns_are_made_up_too(told: Field):
    schema = DatasetSchema(columns={"x": told})
    suite = schema_suite(Schema(datasets={"x": schema}), "x")

    for drawn in examples_of(frames(schema), 25):
        assert not [o.why for o in check(drawn, suite).outcomes if o.verdict in (Verdict.FAIL, Verdict.ERROR)]


@pytest.mark.parametrize(
    "reference",
    [
        pl.DataFrame({"^a$": [1, 2], "*": [1, 2], "": [3, 4]}), pl.DataFrame({"a": [[1], [2, 3]], "s": [{"k": 1}, {"k": None}]}),
        pl.DataFrame({"a": [None, None]}), [{"a": 1}, {"b": 2}], [{"a": {"x": 1}, "b": [1, 2]}],
        pd.DataFrame({"a": pd.date_range("2024-10-26", periods=5, tz="Europe/Berlin")}), pd.DataFrame({"a": [True, None]}, dtype="boolean"),
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, 2), (3, 4)])),
        pd.DataFrame({"a": pd.to_timedelta([1, 2], unit="D")}),
        pl.DataFrame({"a": pl.Series(["x", "y"], dtype=pl.Enum(["x", "y", "z"]))}), np.array([["a", "b"], ["c", "d"]]),
    ],
    ids=["names", "nested", "missing", "records", "nested records", "zone", "boolean", "index", "spans", "enum", "texts"],
)  # fmt: skip
def test_hostile_references_are_drawn_from(reference: Any):
    assert {type(drawn) for drawn in examples_of(rows_like(reference), 40)} == {type(reference)}


def test_frames_of_a_schema_reach_its_bounds():
    ages = frames(DatasetSchema(columns={"age": Field(type="integer", between=(0, 120))}))

    assert least(ages, lambda drawn: 120 in drawn["age"].to_list()).to_dicts() == [{"age": 120}]


def test_missing_values_keep_to_their_share():
    told = DatasetSchema(columns={"x": Field(type="integer", missing_share_at_most=0.25)})

    drawn = examples_of(frames(told, rows=(1, 12)), 100)

    assert all(frame["x"].null_count() <= frame.height // 4 for frame in drawn)
    assert any(frame["x"].null_count() for frame in drawn)


def test_frames_of_the_schema_of_real_rows_pass_it():
    rng = np.random.default_rng(3)
    n = 2_000
    real = pl.DataFrame(
        {
            "key": np.arange(n), "x": rng.normal(10, 2, n), "hour": rng.integers(0, 24, n), "kind": rng.choice(["a", "b", "c"], n),
            "word": [f"N{i % 900:03d}" for i in range(n)], "hole": [None if chance < 0.3 else chance for chance in rng.random(n)],
        },
        strict=False,
    )  # fmt: skip
    schema = infer_schema(real)
    suite = schema_suite(schema, "data")

    for drawn in examples_of(frames(schema), 40):
        assert not [o.why for o in check(drawn, suite).outcomes if o.verdict in (Verdict.FAIL, Verdict.ERROR)]


@pytest.mark.parametrize("type", ["list", "struct"])
def test_a_type_that_does_not_say_what_is_in_it_is_refused_by_name(type: str):
    with pytest.raises(UsageError, match=f"'tags' holds {type} values, and not what is in them"):
        frames(DatasetSchema(columns={"tags": Field(type=type)}))


def test_such_a_column_can_be_left_out():
    told = DatasetSchema(columns={"tags": Field(type="list"), "n": Field(type="integer")})

    assert examples_of(frames(told, columns=["n"]), 3)[-1].columns == ["n"]


def test_a_pattern_that_cannot_be_made_up_is_refused():
    with pytest.raises(UsageError, match="no texts can be made up for the pattern"):
        frames(DatasetSchema(columns={"x": Field(type="text", matches=r"[a-z&&[^aeiou]]+")}))


def test_a_schema_of_several_datasets_asks_for_one():
    both = Schema(datasets={"a": ORDERS, "b": ORDERS})

    with pytest.raises(UsageError, match="several datasets: a, b"):
        frames(both)


def test_a_schema_file_is_read(tmp_path: Path):
    save_schema(Schema(datasets={"people": DatasetSchema(columns={"age": Field(type="integer")})}), tmp_path / "s.yaml")

    assert examples_of(frames(tmp_path / "s.yaml"), 3)[-1].columns == ["age"]


# Frames of a profile.


@pytest.fixture(scope="module")
def wide() -> pl.DataFrame:
    rng = np.random.default_rng(1)
    n = 5_000
    return pl.DataFrame(
        {
            "x": rng.normal(50, 5, n), "whole": rng.integers(0, 10**6, n), "kind": rng.choice(["a", "b"], n, p=[0.9, 0.1]),
            "on": rng.random(n) < 0.25, "at": pl.Series(rng.integers(0, 10**9, n)).cast(pl.Datetime("ms", "UTC")),
            "code": [f"AB-{i}" for i in rng.integers(100, 999_999, n)], "hole": [None if chance < 0.4 else 1.5 for chance in rng.random(n)],
            "price": pl.Series(rng.integers(100, 9_999, n)).cast(pl.Decimal(10, 0)),
        },
        strict=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def profiled(wide: pl.DataFrame) -> Profile:
    return profile(wide)


def test_frames_of_a_profile_have_its_marginals(wide: pl.DataFrame, profiled: Profile):
    made = pool_from(profiled).rows.frame

    # Of 1,000 rows: within five standard errors.
    assert made["x"].mean() == pytest.approx(50, abs=5 * 5 / math.sqrt(1000))
    assert (made["kind"] == "b").mean() == pytest.approx(0.1, abs=0.05)
    assert made["on"].mean() == pytest.approx(0.25, abs=0.07)
    assert made["hole"].null_count() / 1000 == pytest.approx(0.4, abs=0.08)
    assert made.schema == wide.schema
    assert made["whole"].max() == wide["whole"].max()
    assert made["code"].str.contains(r"^[A-Z]+-\d+$").all()


def test_a_saved_profile_gives_the_same_frames(profiled: Profile, tmp_path: Path):
    save_profile(profiled, tmp_path / "p.json")

    assert pool_from(str(tmp_path / "p.json")).rows.frame.equals(pool_from(profiled).rows.frame)


def test_rows_like_a_profile_are_made_up_by_its_marginals(profiled: Profile):
    assert examples_of(rows_like(profiled), 3)[-1].columns == list(profiled.columns)


def test_edge_cases_next_to_a_profile_lie_outside_its_range(profiled: Profile):
    found = least(frames(profiled, columns=["x"]), lambda drawn: (drawn["x"] < 0).any())

    assert found.to_dicts() == [{"x": -1.0}]


# How columns go together.


def test_columns_of_data_go_together_by_chance_unless_they_are_named():
    linked = pl.DataFrame({"a": range(200), "b": range(200), "c": range(200)})

    apart = pool_from(linked, together=[]).rows.frame
    joined = pool_from(linked, together=[("a", "b")]).rows.frame

    assert (apart["a"] == apart["b"]).mean() < 0.1
    assert (joined["a"] == joined["b"]).all()
    assert (joined["a"] == joined["c"]).mean() < 0.1
    assert sorted(joined["c"]) == list(range(200))


@pytest.mark.parametrize("what", ["profile", "schema"])
def test_a_source_that_does_not_know_how_columns_go_together_says_so(what: str, profiled: Profile):
    source = profiled if what == "profile" else ORDERS

    with pytest.raises(
        UsageError, match=f"a {what} does not say how 'x' and 'kind' go together; give the rows themselves"
    ):
        frames(source, together=[("x", "kind")])


def test_together_names_columns_that_are_there():
    with pytest.raises(UsageError, match="names 'agee', which is no column; did you mean 'age'"):
        frames(PEOPLE, together=[("agee", "city")])
    with pytest.raises(UsageError, match="names 'age' twice"):
        frames(PEOPLE, together=[("age", "city"), ("age", "id")])


def test_pandas_columns_that_are_shuffled_keep_their_dtypes():
    reference = pd.DataFrame({"n": pd.Series([1, 2, 3], dtype="int16"), "k": pd.Categorical(["a", "b", "a"])})

    drawn = examples_of(frames(reference, edits=0), 5)[-1]

    assert dict(drawn.dtypes) == dict(reference.dtypes)


# Series and records.


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (pl.Series("a", [1, 2]), pl.Series),
        (pd.Series([1, 2], name="a"), pd.Series),
        (np.array([1.0, 2.0]), np.ndarray),
        ([1, 2], list),
    ],
    ids=["polars", "pandas", "array", "list"],
)
def test_a_series_comes_back_as_it_was_given(source: Any, kind: type):
    assert {type(drawn) for drawn in examples_of(series(source), 20)} == {kind}


def test_a_series_of_a_frame_is_one_column():
    assert examples_of(series(PEOPLE, "age"), 3)[-1].dtype == pl.Int64
    with pytest.raises(UsageError, match="5 columns"):
        series(PEOPLE)


def test_records_are_dicts_of_plain_values():
    drawn = examples_of(records(PEOPLE), 20)

    assert all(isinstance(row, dict) and set(row) == set(PEOPLE.columns) for rows in drawn for row in rows)


# What makes no sense.


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: rows_like(PEOPLE.head(0)), "the reference has no rows"),
        (lambda: rows_like(PEOPLE, columns=["agee"]), "did you mean 'age'"),
        (lambda: rows_like(PEOPLE, rows=(3, 1)), r"rows is \(3, 1\)"),
        (lambda: rows_like(PEOPLE, edits=-1), "edits is -1"),
        (lambda: rows_like(PEOPLE, kind="excel"), "no kind of rows 'excel'"),
        (lambda: frames(ORDERS, columns=["nope"]), "which is not in the schema"),
        (lambda: frames(DatasetSchema()), "the schema has no columns"),
        (lambda: rows_like(3), "holds no rows"),
        (lambda: rows_like(pd.DataFrame({0: [1]})), "the column 0 has a name that is no text"),
        (lambda: rows_like(pd.DataFrame([[1, 2]], columns=["a", "a"])), "the column 'a' stands twice"),
        (
            lambda: rows_like(pd.DataFrame({"a": [1, "x"]})),
            "the column 'a' holds values of several types; give it one type",
        ),
        (
            lambda: rows_like(pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)})),
            "'a' holds Python objects; leave it out",
        ),
        (
            lambda: frames(DatasetSchema(columns={"a": Field(type="integer", at_least="x")})),
            "the schema of 'a': the bound 'x' is a text",
        ),
    ],
)
def test_a_call_that_makes_no_sense_says_the_way_out(make: Callable[[], object], says: str):
    with pytest.raises(UsageError, match=says):
        make()


def test_a_strategy_can_be_mapped_and_combined_as_any_other():
    pair = st.tuples(rows_like(PEOPLE, rows=1), st.integers(0, 3)).map(lambda both: both[0].height + both[1])

    assert set(examples_of(pair, 30)) <= {1, 2, 3, 4}
    assert json.dumps(examples_of(records([{"a": 1}]), 3)[-1])
    assert isinstance(examples_of(rows_like(pa.table({"a": [1]})), 2)[-1], pa.Table)
