"""One row through every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import ConfigError, UsageError
from assay.testing.pipelines.pipeline import pipeline
from assay.testing.pipelines.tracing import Passed, RowTrace, load_trace, save_trace, trace, trace_changes, traceable
from assay.verdict import Verdict

ROWS = pd.DataFrame({"id": [7, 8, 9], "x": [1.0, np.nan, 4.0], "y": [0, 1, 1]})


class Twice:
    """A model that answers twice x."""

    def predict(self, rows: Any) -> Any:
        return np.asarray(rows["x"]) * 2


def steps(**more: Any) -> dict[str, Any]:
    return {
        "drop": lambda rows: rows.dropna(),
        "root": lambda rows: rows.assign(x=rows.x**0.5),
        **more,
        "fit": lambda rows: Twice(),
    }


def test_a_row_is_followed_by_its_index_to_its_answer():
    seen = trace(pipeline(steps(), label="y"), ROWS, row=2)

    assert [(step.step, step.values.get("x")) for step in seen.steps[:3]] == [
        ("raw", 4.0),
        ("drop", 4.0),
        ("root", 2.0),
    ]
    assert seen.steps[3].why == "it returns Twice, which has no rows"
    assert seen.steps[4] == Passed("answer", {"result": 4.0})


def test_a_row_that_was_left_out_says_where():
    seen = trace(pipeline(steps(), label="y"), ROWS, row=1)

    assert [step.why for step in seen.steps[1:3]] == ["left out by this step"] * 2
    assert seen.steps[-1].why == "left out before the model"


def test_a_row_is_followed_by_its_key_where_the_order_changes():
    frame = pl.from_pandas(ROWS)
    shuffled = steps() | {
        "drop": lambda rows: rows.drop_nulls().sort("id", descending=True),
        "root": lambda rows: rows.select("id", "x", "y"),
    }

    seen = trace(pipeline(shuffled, label="y", key="id"), frame, row=2)

    assert seen.steps[1].values["id"] == 9
    assert seen.steps[-1].values == {"result": 8.0}


def test_a_row_is_lost_from_sight_where_nothing_says_which_is_whose():
    subject = pipeline({"drop": lambda rows: rows.drop_nulls()})

    seen = trace(subject, pl.from_pandas(ROWS), row=2)

    assert seen.steps[1].why == "lost from sight: 2 rows came out of 3, and nothing says which is whose"
    assert not seen.followed


def test_rows_that_were_sorted_without_a_key_are_lost_from_sight():
    frame = pl.DataFrame({"x": [3.0, 1.0, 2.0]})

    seen = trace(pipeline({"sort": lambda rows: rows.sort("x")}), frame, row=0)

    assert seen.steps[1].why.startswith("lost from sight: 3 rows came out of 3")


def test_a_row_goes_through_each_step_of_an_estimator():
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    rows = pd.DataFrame({"x": [0.0, 5.0, 10.0], "y": [0.0, 1.0, 2.0]})
    seen = trace(pipeline(make_pipeline(MinMaxScaler(), LinearRegression()), label="y"), rows, row=1)

    assert [step.step for step in seen.steps] == ["raw", "label", "minmaxscaler", "linearregression", "answer"]
    assert seen.steps[2].values == {"0": 0.5}
    assert seen.steps[4].values["result"] == pytest.approx(1.0)


def test_two_traces_are_compared_step_by_step(tmp_path: Path):
    one = trace(pipeline(steps(), label="y"), ROWS, row=2)
    save_trace(one, tmp_path / "trace.json")
    other = trace(pipeline(steps(more=lambda rows: rows.assign(x=rows.x + 1)), label="y"), ROWS, row=2)

    found = trace_changes(load_trace(tmp_path / "trace.json"), other)

    assert [change.values for change in found] == [
        {"step": "answer", "column": "result", "before": 4.0, "after": 6.0},
        {"step": "more", "column": "", "before": "is not there", "after": "is there"},
    ]


def test_a_trace_is_the_same_as_itself(tmp_path: Path):
    one = trace(pipeline(steps(), label="y"), ROWS, row=1)  # its x is NaN, which equals itself here
    save_trace(one, tmp_path / "trace.json")

    assert trace_changes(one, one) == ()
    assert trace_changes(load_trace(tmp_path / "trace.json"), one) == ()


def test_columns_that_came_and_went_are_told():
    one = RowTrace("p", 0, (Passed("raw", {"a": 1}), Passed("fit", why="it returns X")))
    other = RowTrace("p", 0, (Passed("raw", {"b": 1}), Passed("fit", why="it returns Y")))

    assert [c.values["before"] for c in trace_changes(one, other)] == [1, "no such column", "it returns X"]


@pytest.mark.parametrize("row", [3, -1])
def test_a_row_that_is_not_there_is_refused(row: int):
    with pytest.raises(UsageError, match=f"there is no row {row} in 3 rows"):
        trace(pipeline(steps()), ROWS, row=row)


def test_a_file_that_holds_no_trace_is_refused(tmp_path: Path):
    (tmp_path / "t.json").write_text("{")

    with pytest.raises(ConfigError, match="no trace"):
        load_trace(tmp_path / "t.json")
    with pytest.raises(UsageError, match="no such file"):
        load_trace(tmp_path / "u.json")


def test_a_path_that_keeps_its_index_is_traceable():
    seen = traceable(pipeline(steps(), label="y"), ROWS)

    assert seen.verdict is Verdict.PASS
    assert seen.why == "3 rows followed through 4 steps, 2 of them to the end"


def test_a_step_that_drops_the_key_is_named():
    def regroup(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.drop_nulls().drop("id")

    seen = traceable(
        pipeline({"regroup": regroup, "fit": lambda rows: Twice()}, label="y", key="id"), pl.from_pandas(ROWS)
    )

    assert seen.verdict is Verdict.FAIL
    assert "rows are lost from sight in the step 'regroup'" in seen.why
    assert "Keep the key in every table" in seen.note


def test_rows_that_nothing_tells_apart_are_inconclusive_until_a_key_is_declared():
    told = {"drop": lambda rows: rows.drop_nulls(), "fit": lambda rows: Twice()}

    without = traceable(pipeline(told, label="y"), pl.from_pandas(ROWS))
    with_key = traceable(pipeline(told, label="y", key="id"), pl.from_pandas(ROWS))

    assert without.verdict is Verdict.INCONCLUSIVE
    assert "Declare key=" in without.note
    assert with_key.verdict is Verdict.PASS


def test_an_index_that_was_begun_anew_is_not_believed():
    subject = pipeline({"drop": lambda rows: rows.dropna().reset_index(drop=True)})

    seen = trace(subject, ROWS, row=1)  # the row with the null: it was dropped, and the label 1 is another row's

    assert seen.steps[1].why.startswith("lost from sight: 2 rows came out of 3")
    assert traceable(pipeline(subject.steps[0].function, key="id"), ROWS).verdict is Verdict.PASS


def test_data_that_are_no_rows_cannot_be_followed():
    assert traceable(pipeline(len), "orders.csv").verdict is Verdict.INCONCLUSIVE
