"""The whole path on a small slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.explaining import explained
from assay.testing.pipelines.pipeline import pipeline
from assay.testing.pipelines.whole import keeps_input, runs, small_part
from assay.testing.rows import rows_of
from assay.verdict import Verdict


class Mean:
    """A model that answers the mean of what it learned from, plus x."""

    def __init__(self, mean: float) -> None:
        self.mean = mean

    def predict(self, rows: Any) -> Any:
        return np.asarray(rows["x"]) + self.mean


def fit(rows: Any) -> Mean:
    return Mean(float(np.asarray(rows["y"]).mean()))


@pytest.fixture
def orders(rng: np.random.Generator) -> pd.DataFrame:
    x = rng.normal(size=1_000)
    return pd.DataFrame({"x": x, "kind": np.where(x > 0, "a", "b"), "y": (x > 0).astype(int)})


def test_a_good_path_runs_and_says_what_it_tried(orders: pd.DataFrame):
    seen = runs(pipeline({"drop": lambda rows: rows.dropna(), "fit": fit}, label="y"), orders)

    assert seen.verdict is Verdict.PASS
    assert seen.why.startswith("200 of 1,000 rows went through drop (")
    assert seen.why.endswith("its model gave 200 finite answers")


def test_the_score_is_told_with_the_rows(orders: pd.DataFrame):
    seen = runs(pipeline(fit, label="y", score=lambda model, rows: 0.75), orders, rows=50)

    assert seen.observed is not None
    assert (seen.observed.value, seen.observed.n) == (0.75, 50)


def test_a_step_that_cannot_take_a_null_fails_on_one_row(orders: pd.DataFrame):
    orders.loc[617, "kind"] = None

    def encode(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(kind=[{"a": 0, "b": 1}[kind] for kind in rows["kind"]])

    seen = runs(pipeline({"encode": encode, "fit": fit}), orders)

    assert seen.verdict is Verdict.FAIL
    assert "the step 'encode' raised KeyError" in seen.why
    assert "test_whole.py:" in seen.why
    assert "1 row is enough for it, of 200 that were tried" in seen.why
    assert [example.row for example in seen.examples] == [617]
    assert next(iter(seen.examples[0].values.items())) == ("kind", None)  # the cell that does it stands first
    assert seen.examples[0].why == "with kind of another row it passes"


def test_steps_that_do_not_fit_together_fail_with_the_later_one(orders: pd.DataFrame):
    seen = runs(pipeline({"narrow": lambda rows: rows[["x"]], "fit": fit}), orders)

    assert "the step 'fit' raised KeyError: 'y'" in seen.why
    assert seen.n_failing == 1


def test_a_crash_that_needs_two_rows_is_shrunk_to_two():
    rows = pl.DataFrame({"x": [1, 2, 3, 2, 5], "y": [0, 1, 0, 1, 0]})

    def unique(frame: pl.DataFrame) -> pl.DataFrame:
        if frame["x"].is_duplicated().any():
            raise ValueError("x is not unique")
        return frame

    seen = runs(pipeline({"unique": unique, "fit": fit}), rows)

    assert [example.row for example in seen.examples] == [1, 3]


def test_a_model_that_loses_rows_is_caught(orders: pd.DataFrame):
    subject = pipeline(fit, label="y", predict=lambda model, rows: model.predict(rows)[:-1])

    assert runs(subject, orders).why == "the model of fit gave 199 answers for 200 rows"


def test_answers_that_are_no_number_are_shown_with_their_rows():
    rows = pl.DataFrame({"x": [1.0, -1.0, 4.0], "y": [0, 0, 1]})
    subject = pipeline(fit, label="y", predict=lambda model, frame: frame["x"].sqrt())

    seen = runs(subject, rows)

    assert seen.why == "1 of 3 answers are null, NaN or infinite"
    assert seen.examples[0].values["x"] == -1.0
    assert "trace follows a row" in explained(seen)


def test_a_score_that_is_no_number_is_caught(orders: pd.DataFrame):
    subject = pipeline(fit, label="y", score=lambda model, rows: float("nan"))

    assert runs(subject, orders).why == "the score is nan on 200 rows"


def test_no_rows_are_inconclusive(orders: pd.DataFrame):
    assert runs(pipeline(fit), orders[:0]).verdict is Verdict.INCONCLUSIVE


def test_data_that_are_no_frame_go_through_whole():
    seen = runs(
        pipeline({"read": lambda path: pl.DataFrame({"x": [1.0], "y": [1]}), "fit": fit}, label="y"), "orders.csv"
    )

    assert seen.verdict is Verdict.PASS
    assert "1 finite answer" in seen.why


def test_a_crash_on_data_that_are_no_frame_is_told_without_rows():
    seen = runs(pipeline({"read": pl.read_csv}), "no-such-file.csv")

    assert seen.verdict is Verdict.FAIL
    assert "the step 'read' raised FileNotFoundError" in seen.why
    assert "no smaller part" in seen.note


def test_what_the_model_is_asked_with_has_to_be_known():
    with pytest.raises(UsageError, match="declare inputs="):
        runs(
            pipeline({"load": lambda rows: {"x": rows}, "fit": lambda parts: fit(parts["x"])}),
            pl.DataFrame({"x": [1.0], "y": [1]}),
        )


def test_x_of_x_and_y_is_what_the_model_is_asked_with():
    subject = pipeline(
        {"split": lambda rows: (rows.select("x"), rows["y"]), "fit": lambda parts: Mean(parts[1].mean())}
    )

    assert runs(subject, pl.DataFrame({"x": [1.0, 2.0], "y": [1, 0]})).verdict is Verdict.PASS


def test_the_slice_holds_nulls_extremes_and_every_category():
    frame = pl.DataFrame({"n": range(5_000), "kind": ["common"] * 4_998 + ["rare", None]})

    places = small_part(rows_of(frame), 20, seed=0)

    assert len(places) == 20
    assert {0, 4_998, 4_999} <= set(places.tolist())
    assert places.tolist() == sorted(places.tolist())


def test_a_path_that_works_on_a_copy_keeps_its_input(orders: pd.DataFrame):
    assert keeps_input(pipeline({"fill": lambda rows: rows.fillna(0), "fit": fit}), orders).verdict is Verdict.PASS


@pytest.mark.parametrize("kind", ["pandas", "array", "records"])
def test_a_step_that_changes_the_raw_data_is_named(kind: str):
    def scale(rows: Any) -> Any:
        if kind == "pandas":
            rows["x"] = rows["x"] * 2
        elif kind == "array":
            rows[:, 0] *= 2
        else:
            rows[0]["x"] = 7.3
        return rows

    data: Any = {
        "pandas": pd.DataFrame({"x": [1.0, 2.0]}),
        "array": np.array([[1.0], [2.0]]),
        "records": [{"x": 1.0}, {"x": 2.0}],
    }[kind]

    seen = keeps_input(pipeline({"scale": scale, "last": len}), data)

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith("the step 'scale' changes the data that it is given")
    assert seen.examples[0].values["before"] == 1.0
    assert seen.examples[0].values["after"] in (2.0, 7.3)


def test_a_column_that_is_added_in_place_is_told():
    def add(rows: pd.DataFrame) -> pd.DataFrame:
        rows["log"] = np.log(rows["x"])
        return rows

    seen = keeps_input(pipeline({"add": add}), pd.DataFrame({"x": [1.0, 2.0]}))

    assert "has its columns others: x before, x, log after" in seen.why
