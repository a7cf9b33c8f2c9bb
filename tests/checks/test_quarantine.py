"""Rows that break a suite are set apart with their reasons; the clean ones are kept as they were."""

from datetime import UTC, datetime

import polars as pl
import pytest

from assay import column, quarantine
from assay.api import Options
from assay.errors import UsageError

NOW = Options(now=datetime(2026, 1, 1, tzinfo=UTC), others={"known": pl.DataFrame({"name": ["ann", "bob"]})})
PEOPLE = pl.DataFrame(
    {"name": ["ann", "bob", "bob", "zoe"], "age": [41, 200, 7, -5], "pay": [1.5, float("nan"), None, 2.0]}
)


def apart(tmp_path, *checks, data=PEOPLE):
    made = quarantine(data, checks, tmp_path / "out", options=NOW)
    clean, rejected = pl.read_parquet(made.clean), pl.read_parquet(made.rejected)
    assert (made.n_clean, made.n_rejected) == (clean.height, rejected.height)
    return clean, rejected


def test_a_failing_row_is_set_apart_with_its_number_and_its_reason(tmp_path):
    clean, rejected = apart(tmp_path, column("age").between(0, 120))

    assert clean["name"].to_list() == ["ann", "bob"]
    assert rejected["assay_row"].to_list() == [1, 3]
    assert rejected["assay_reasons"].to_list() == [["age: between: expected between 0 and 120"]] * 2


def test_clean_and_rejected_rows_together_are_all_rows_unchanged(tmp_path):
    clean, rejected = apart(tmp_path, column("age").between(0, 120), column("pay").no_missing())

    assert pl.concat([clean, rejected.select(PEOPLE.columns)]).sort("age").equals(PEOPLE.sort("age"), null_equal=True)


def test_a_row_has_every_reason(tmp_path):
    _, rejected = apart(tmp_path, column("age").between(0, 120), column("pay").no_missing())

    by_row = dict(zip(rejected["assay_row"], rejected["assay_reasons"], strict=True))

    assert {row: len(reasons) for row, reasons in by_row.items()} == {1: 2, 2: 1, 3: 1}


def test_duplicates_and_orphans_are_set_apart_too(tmp_path):
    _, rejected = apart(tmp_path, column("name").unique(), column("name").in_table(other="known"))

    reasons = {
        row: [r.split(":")[1].strip() for r in found]
        for row, found in zip(rejected["assay_row"], rejected["assay_reasons"], strict=True)
    }

    assert reasons == {2: ["unique"], 3: ["in_table"]}  # the first bob stays


def test_a_check_that_only_warns_rejects_no_row(tmp_path):
    clean, rejected = apart(tmp_path, column("age").between(0, 120, level="warn"))

    assert (clean.height, rejected.height) == (4, 0)


def test_without_row_checks_every_row_is_clean(tmp_path):
    clean, _ = apart(tmp_path, column("age").mean(at_most=1))

    assert clean.equals(PEOPLE, null_equal=True)


def test_a_column_of_the_quarantines_own_name_is_refused(tmp_path):
    with pytest.raises(UsageError, match="the column 'assay_row' is there already"):
        apart(tmp_path, column("age").between(0, 1), data=PEOPLE.rename({"name": "assay_row"}))


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "out").write_text("a file")

    with pytest.raises(UsageError, match="cannot write here"):
        apart(tmp_path, column("age").between(0, 1))


def test_the_data_itself_is_never_overwritten(tmp_path):
    (tmp_path / "raw").mkdir()
    PEOPLE.write_parquet(tmp_path / "raw" / "clean.parquet")

    with pytest.raises(UsageError, match="the data lies in this folder"):
        quarantine(str(tmp_path / "raw" / "clean.parquet"), [column("age").between(0, 120)], tmp_path / "raw")

    assert pl.read_parquet(tmp_path / "raw" / "clean.parquet").height == 4


def test_a_filter_of_raw_values_counts_in_the_quarantine_too(tmp_path):
    frame = pl.DataFrame({"a": [float("inf"), float("inf")], "b": [float("nan"), 1.0]})

    _, rejected = apart(tmp_path, column("a").finite(where="b > 0"), data=frame)

    assert rejected["assay_row"].to_list() == [1]


def test_a_column_of_an_internal_name_is_refused_and_not_replaced(tmp_path):
    with pytest.raises(UsageError, match="the column '__flag__0' is there already"):
        apart(tmp_path, column("age").between(0, 1), data=PEOPLE.rename({"name": "__flag__0"}))
