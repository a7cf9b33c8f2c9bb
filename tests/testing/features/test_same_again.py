"""The same rows again, alone, at the edge; known outputs, a reference, and the schema of what comes out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.features.edges import EDGES, edge_cases
from assay.testing.features.feature import feature
from assay.testing.features.known import KINDS, agrees_with_reference, known_outputs, output_schema
from assay.testing.features.sameness import idempotent, keeps_input, repeatable, row_by_row
from assay.verdict import Verdict

SHOP = pl.DataFrame({"city": ["x", "y", "x", "y"], "sales": [1.0, 2.0, 3.0, 4.0], "visits": [10, 20, 30, 40]})
SALES = pl.col("sales")


# The same again -----------------------------------------------------------------------------------------------------------


def test_a_random_number_without_a_seed_is_not_repeatable():
    rng = np.random.default_rng(0)

    seen = repeatable(feature(lambda rows: rows["sales"] + rng.normal(size=rows.height), name="noisy"), SHOP)

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith("asked a second time, sales of row 0 is")
    assert seen.n_failing == 4


def test_a_state_that_outlives_the_call_is_found_by_asking_for_other_rows_between():
    state = {"mean": 0.0, "rows": 4}

    def remembers(rows: pl.DataFrame) -> pl.Series:
        if rows.height != state["rows"]:  # it learns anew when the number of rows changes
            state.update(mean=state["mean"] + 1, rows=rows.height)
        return rows["sales"] - state["mean"]

    seen = repeatable(feature(remembers, name="remembers"), SHOP)

    assert seen.verdict is Verdict.FAIL
    assert "again after half of the rows" in seen.why


def test_a_seeded_number_is_repeatable():
    seeded = feature(lambda rows: rows["sales"] + np.random.default_rng(7).normal(size=rows.height))

    assert repeatable(seeded, SHOP).verdict is Verdict.PASS


def test_a_statistic_of_the_batch_is_shown_beside_one_other_row():
    centred = feature(lambda rows: rows["sales"] - rows["sales"].mean(), name="centred", fixed=True)

    seen = row_by_row(centred, SHOP)

    assert seen.verdict is Verdict.FAIL
    assert "0.0 alone and" in seen.why
    assert "beside 1 other row" in seen.why
    assert len(seen.examples) == 2


def test_one_row_is_too_few_to_see_company():
    assert row_by_row(feature(lambda rows: rows["sales"], fixed=True), SHOP.head(1)).verdict is Verdict.INCONCLUSIVE


def test_a_feature_that_is_not_fixed_has_no_need_of_it():
    with pytest.raises(UsageError, match="needs fixed="):
        row_by_row(feature(lambda rows: rows["sales"], fixed=False), SHOP)


def add_column(rows: pd.DataFrame) -> pd.Series:
    rows["twice"] = 2 * rows["sales"]
    return rows["twice"]


def fill_in_place(rows: pd.DataFrame) -> pd.Series:
    rows.loc[1, "sales"] = 9.0
    return rows["sales"]


def sort_in_place(rows: pd.DataFrame) -> pd.Series:
    order = rows["sales"].to_numpy().argsort()[::-1]
    rows.iloc[:] = rows.iloc[order].to_numpy()
    rows.index = order
    return rows["sales"]


def drop_column(rows: pd.DataFrame) -> pd.Series:
    return rows.pop("visits")


def make_text(rows: pd.DataFrame) -> pd.Series:
    rows["visits"] = rows["visits"].astype("float64")
    return rows["visits"]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (add_column, "it added the column 'twice' to the rows"),
        (fill_in_place, "it changed sales of row 1 of the rows that it was given from 2.0 to 9.0"),
        (sort_in_place, "it changed the index of the rows"),
        (drop_column, "it took the column 'visits' from the rows"),
        (make_text, "it made visits float64 (it was int64) in the rows"),
    ],
)
def test_a_change_of_the_callers_frame_is_named(function, said):
    seen = keeps_input(feature(function), SHOP.to_pandas())

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith(said)


def test_a_change_of_polars_records_and_arrays_is_found_as_well():
    def insert(rows: pl.DataFrame) -> pl.Series:
        return rows.insert_column(0, pl.Series("i", range(rows.height)))["i"]

    def scale(rows: np.ndarray) -> np.ndarray:
        rows *= 2
        return rows[:, 0]

    def put(rows: list[dict[str, float]]) -> list[float]:
        rows[0]["sales"] = 0.0
        return [row["sales"] for row in rows]

    given = SHOP.clone()
    assert keeps_input(feature(insert), given).why.startswith("it added the column 'i'")
    assert given.columns == SHOP.columns
    assert keeps_input(feature(scale), np.ones((3, 2))).why.startswith("it changed 0 of row 0")
    assert keeps_input(feature(put), SHOP.to_dicts()).why.startswith("it changed sales of row 0")


def test_a_function_that_works_on_a_copy_keeps_its_input():
    assert keeps_input(feature(lambda rows: add_column(rows.copy())), SHOP.to_pandas()).verdict is Verdict.PASS


def test_a_step_that_eats_more_each_time_is_not_idempotent():
    clip = feature(lambda rows: rows.with_columns(SALES.clip(upper_bound=3)), name="clip", idempotent=True)
    ratio = feature(lambda rows: rows.with_columns(SALES / SALES.sum()), name="ratio", idempotent=True)
    halve = feature(lambda rows: rows.with_columns(SALES / 2), name="halve", idempotent=True)

    assert idempotent(clip, SHOP).verdict is Verdict.PASS
    assert idempotent(ratio, SHOP).verdict is Verdict.PASS
    seen = idempotent(halve, SHOP)
    assert seen.why == "computed on its own result, sales of row 0 goes from 0.5 to 0.25"


def test_a_result_of_another_kind_can_not_be_given_again():
    listed = feature(lambda rows: rows["sales"].to_list(), idempotent=True)

    assert idempotent(listed, SHOP).verdict is Verdict.INCONCLUSIVE


# Edge cases ---------------------------------------------------------------------------------------------------------------


def test_every_edge_case_is_tried_where_the_data_allow_it():
    data = SHOP.with_columns(
        day=pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(4)), balance=pl.Series([-1.0, 0.0, 1.0, 2.0])
    )
    plain = feature(lambda rows: rows.select(value=pl.col("balance")), time="day", entity="city")

    assert edge_cases(plain, data).why.startswith(
        f"{len(EDGES) - 2} edge cases"
    )  # city is the entity, not a text that is read
    with_text = feature(lambda rows: rows.select(value=pl.col("balance")), time="day", entity="visits")
    assert edge_cases(with_text, data).why.startswith(f"{len(EDGES)} edge cases")


def crashes_on_none(rows: pl.DataFrame) -> pl.Series:
    return rows["sales"] - rows["sales"][0]


def knows_two_cities(rows: pl.DataFrame) -> list[int]:
    return [{"x": 0, "y": 1, None: -1}[city] for city in rows["city"]]


def infinite_at_zero(rows: pl.DataFrame) -> pl.Series:
    spread = (rows["sales"].max() or 0) - (rows["sales"].min() or 0)  # none, where all rows are alike
    return rows["sales"] / pl.Series([spread] * rows.height, dtype=pl.Float64)


def drops_nulls(rows: pl.DataFrame) -> pl.Series:
    return rows["sales"].drop_nulls()


def changes_its_columns(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("city").to_dummies()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (crashes_on_none, "no row: raised IndexError"),
        (knows_two_cities, "unseen category: raised KeyError: 'never seen before'"),
        (infinite_at_zero, "all lowest: made sales infinite"),
        (drops_nulls, "all null: 0 rows came out of 4, and nothing says which is whose"),
        (changes_its_columns, "one row: returned no column 'city_y'"),
    ],
)
def test_a_case_that_breaks_a_feature_is_named(function, said):
    seen = edge_cases(feature(function), SHOP.filter(SALES > 1) if function is infinite_at_zero else SHOP)

    assert seen.verdict is Verdict.FAIL
    assert said in seen.why


def test_the_rows_of_a_broken_case_are_shrunk():
    seen = edge_cases(feature(knows_two_cities, name="codes"), SHOP)

    assert [row.values["city"] for row in seen.examples] == ["never seen before"]
    assert [row.why for row in seen.examples] == ["unseen category"]


def test_a_case_can_be_left_out_and_an_unknown_one_is_refused():
    refusing = feature(crashes_on_none)

    assert edge_cases(refusing, SHOP, but=["no row"]).verdict is Verdict.PASS
    assert edge_cases(refusing, SHOP, only=["one row", "two rows"]).verdict is Verdict.PASS
    with pytest.raises(UsageError, match="there is no edge case 'empty'"):
        edge_cases(refusing, SHOP, but=["empty"])


def test_nothing_tried_is_no_pass():
    assert edge_cases(feature(lambda rows: rows["sales"]), SHOP, only=["one entity"]).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("kind", ["pandas", "records", "array", "pyarrow"])
def test_edge_cases_are_made_in_the_kind_of_the_data(kind):
    numbers = SHOP.select("sales", pl.col("visits").cast(pl.Float64))
    made = {
        "pandas": numbers.to_pandas,
        "records": numbers.to_dicts,
        "array": numbers.to_numpy,
        "pyarrow": numbers.to_arrow,
    }[kind]()
    functions = {
        "pandas": lambda rows: rows["sales"] * 2,
        "records": lambda rows: [row["sales"] for row in rows],
        "array": lambda rows: rows[:, 0] * 2,
        "pyarrow": lambda rows: rows["sales"],
    }

    assert edge_cases(feature(functions[kind], name=kind), made).verdict is Verdict.PASS


# What is known ------------------------------------------------------------------------------------------------------------


def test_known_outputs_show_the_row_that_differs():
    given = pl.DataFrame({"sales": [10.0, 20.0, 30.0]})
    mean = lambda rows: rows["sales"].rolling_mean(2, min_samples=1)  # noqa: E731

    assert known_outputs(feature(mean, examples=[(given, [10.0, 15.0, 25.0])])).verdict is Verdict.PASS
    seen = known_outputs(feature(mean, examples=[(given, [10.0, 15.0, 25.0]), (given, [10.0, 15.0, 20.0])]))
    assert seen.why == "example 2: sales of row 2 is 25.0, not the known 20.0"
    assert seen.examples[2].values == {"sales": "30.0", "expected": "20.0", "got": "25.0"}


def test_known_outputs_may_be_frames_and_need_one_row_each():
    given = [{"a": 1}, {"a": 2}]
    both = lambda rows: pd.DataFrame({"b": [row["a"] for row in rows], "c": ["x"] * len(rows)})  # noqa: E731

    assert (
        known_outputs(feature(both, examples=[(given, pl.DataFrame({"b": [1, 2], "c": ["x", "x"]}))])).verdict
        is Verdict.PASS
    )
    missing = known_outputs(feature(both, examples=[(given, pl.DataFrame({"d": [1, 2]}))]))
    assert missing.why == "example 1: d of row 0 is no such column, not the known 1"
    with pytest.raises(UsageError, match="has 2 rows and 1 outputs"):
        known_outputs(feature(both, examples=[(given, [1])]))


def test_a_median_for_a_mean_differs_from_its_reference_in_the_fewest_rows():
    data = pl.DataFrame({"sales": [float(value * value % 17) for value in range(50)]})
    median = feature(
        lambda rows: rows["sales"].rolling_median(7, min_samples=1), name="average",
        reference=lambda rows: [rows["sales"][max(0, i - 6) : i + 1].mean() for i in range(rows.height)],
    )  # fmt: skip

    seen = agrees_with_reference(median, data)

    assert seen.verdict is Verdict.FAIL
    assert len(seen.examples) == 3  # a mean and a median of two values are the same


def test_a_fast_path_that_is_the_slow_one_agrees_with_it():
    fast = feature(lambda rows: rows["sales"].cum_sum(), reference=lambda rows: np.cumsum(rows["sales"].to_numpy()))

    assert agrees_with_reference(fast, SHOP).verdict is Verdict.PASS


@pytest.mark.parametrize("word", ["float64", "float", "number", "Float64"])
def test_a_dtype_has_its_exact_name_and_its_kind(word):
    assert output_schema(feature(lambda rows: rows["sales"] / 2, schema={"sales": word}), SHOP).verdict is Verdict.PASS


def test_a_dtype_that_depends_on_the_data_is_found_in_one_row_alone():
    def nullable(rows: pd.DataFrame) -> pd.Series:
        return rows["visits"].where(rows["visits"] < 25)  # integers, until one is missing

    seen = output_schema(feature(nullable, schema={"visits": "float64"}), SHOP.to_pandas())

    assert seen.why == "for row 0 alone visits is Int64, not float64"


def test_columns_that_are_missing_or_too_many_break_the_schema():
    two = feature(lambda rows: rows.select(a=SALES, b=SALES), schema={"a": "float", "c": "float"})
    more = feature(lambda rows: rows.select(a=SALES, b=SALES), schema={"a": "float"})

    assert "there is no column 'c'; there are a, b" in output_schema(two, SHOP).why
    assert "there is a column 'b', which the schema does not name" in output_schema(more, SHOP).why


def test_a_dtype_that_is_not_known_is_refused():
    with pytest.raises(UsageError, match="there is no dtype 'flaot'"):
        output_schema(feature(lambda rows: rows["sales"] / 2, schema={"sales": "flaot"}), SHOP)


def test_every_kind_knows_its_dtypes():
    samples = {
        "number": pl.Int8(), "float": pl.Float32(), "integer": pl.UInt16(), "text": pl.String(), "boolean": pl.Boolean(),
        "instant": pl.Datetime("us"), "date": pl.Date(),
    }  # fmt: skip

    assert set(samples) == set(KINDS)
    assert all(KINDS[kind](dtype) for kind, dtype in samples.items())
    assert not KINDS["integer"](pl.Float64())


def test_an_infinite_value_of_the_data_as_they_are_is_said():
    rate = feature(lambda rows: rows["sales"] / (rows["visits"] - 10), name="rate")

    seen = edge_cases(rate, SHOP)

    assert seen.verdict is Verdict.FAIL
    assert "as they are: made sales infinite" in seen.why
    assert [example.row for example in seen.examples] == [0]
    assert edge_cases(rate, SHOP, but=["as they are"]).verdict is Verdict.PASS


def test_infinite_inputs_may_come_out_as_they_went_in():
    data = SHOP.with_columns(sales=pl.Series([1.0, float("inf"), 3.0, 4.0]))

    assert edge_cases(feature(lambda rows: rows["sales"] * 2, name="twice"), data).verdict is Verdict.PASS


@pytest.mark.parametrize("kind", ["frame", "array"])
def test_a_cache_by_the_id_of_what_it_is_given_is_seen(kind):
    known: dict[int, object] = {}

    def cached(rows):
        if id(rows) not in known:
            known[id(rows)] = (
                rows,
                (rows["sales"] if kind == "frame" else rows[:, 0]) * 2,
            )  # kept alive: no id comes again
        return known[id(rows)][1]

    table = SHOP.select("sales", "visits").to_pandas()

    seen = repeatable(feature(cached), table if kind == "frame" else table.to_numpy(dtype=float))

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith(f"asked with the same {kind}, now filled with other rows,")
