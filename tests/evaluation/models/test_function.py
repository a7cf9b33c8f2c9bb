"""Any callable as a model."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.evaluation.models.model import Output
from assay.evaluation.models.opening import open_model
from assay.evaluation.models.options import ModelOptions
from evaluation.models.rows import features, numbers

A = features()["a"].to_numpy()


def of_polars(rows: pl.DataFrame) -> pl.Series:
    return rows["a"] * 2


def of_pandas(rows: pd.DataFrame) -> pd.Series:
    return rows["a"] * 2


def of_numpy(rows: np.ndarray) -> np.ndarray:
    return rows[:, 0] * 2


def of_anything(rows):
    return (rows["a"] * 2).to_list()


class Doubler:
    """A callable object."""

    def __call__(self, rows: pd.DataFrame) -> np.ndarray:
        return rows["a"].to_numpy() * 2


@pytest.mark.parametrize("call", [of_polars, of_pandas, of_numpy, of_anything, Doubler()])
def test_a_callable_gets_the_frame_that_it_is_annotated_with(call: object):
    found = open_model(call).predict(features())

    np.testing.assert_array_equal(found.predictions, A * 2)


def test_a_lambda_is_a_model_of_polars_frames():
    found = open_model(lambda rows: rows["a"]).predict(features())

    np.testing.assert_array_equal(found.predictions, A)


def test_what_it_takes_may_be_said():
    found = open_model(lambda rows: rows.values[:, 1], options=ModelOptions(takes="pandas")).predict(features())

    np.testing.assert_array_equal(found.predictions, features()["b"].to_numpy())


P = 1 / (1 + np.exp(-A))


@pytest.mark.parametrize(
    "returned",
    [
        np.column_stack([1 - P, P]),
        np.column_stack([1 - P, P]).tolist(),
        pl.DataFrame({"no": 1 - P, "yes": P}),
        pd.DataFrame({"no": 1 - P, "yes": P}),
        {"no": 1 - P, "yes": P},
        [{"no": 1 - p, "yes": p} for p in P],
        P,
        P[:, None],
        Output(scores=np.column_stack([1 - P, P]), classes=("no", "yes")),
    ],
    ids=["matrix", "lists", "polars", "pandas", "mapping", "records", "vector", "column", "output"],
)
def test_scores_may_be_returned_in_any_form(returned: object):
    found = open_model(lambda rows: returned, options=ModelOptions(classes=("no", "yes"))).predict(features())

    np.testing.assert_allclose(found.scores, np.column_stack([1 - P, P]))
    assert found.classes == ("no", "yes")


def test_a_frame_may_hold_the_prediction_beside_the_scores():
    said = np.where(P > 0.9, "yes", "no")

    found = open_model(lambda rows: {"prediction": said, "no": 1 - P, "yes": P}).predict(features())

    np.testing.assert_array_equal(found.predictions, said)
    np.testing.assert_array_equal(found.scores[:, 1], P)
    assert found.classes == ("no", "yes")


def test_classes_may_be_returned_as_texts():
    found = open_model(lambda rows: ["yes"] * rows.height).predict(features())

    assert set(found.predictions.tolist()) == {"yes"}


def test_a_forecast_for_each_level_keeps_its_levels():
    told = ModelOptions(classes=(0.1, 0.9), meaning="value")

    found = open_model(lambda rows: np.column_stack([A - 1, A + 1]), options=told).predict(features())

    assert (found.predictions.shape, found.classes, found.scores) == ((240, 2), (0.1, 0.9), None)


def test_only_the_features_are_given_where_they_are_named():
    seen = []

    def model(rows: pl.DataFrame) -> list[int]:
        seen.append(rows.columns)
        return [0] * rows.height

    open_model(model, features=["b", "a"]).predict(numbers())
    open_model(model).predict(numbers())

    assert seen == [["b", "a"], ["id", "a", "b"]]


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match=r"of_polars takes 'c', which the data does not have"):
        open_model(of_polars, features=["a", "c"]).predict(numbers())


def test_a_failure_names_the_function_and_what_it_raised():
    with pytest.raises(DataError, match=r"of_pandas: it failed on 240 rows: KeyError: 'a'"):
        open_model(of_pandas).predict(numbers().drop("a"))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ([1.0, None] * 120, "120 of the model's 240 predictions are NaN or missing, the first is of row 1"),
        ([float("nan")] * 240, "240 of the model's 240 predictions are NaN"),
        (["yes", None] * 120, "120 of the model's 240 predictions are NaN or missing"),
        ([1, 2, 3], "the model answered 3 predictions for 240 rows"),
        ([[1], [2, 3]], "the model answered rows of different lengths"),
        (np.zeros((240, 2, 2)), r"an array of the shape \(240, 2, 2\)"),
        (np.full((240, 2), "x"), "2 values a row that are no numbers"),
        (
            {"no": [0.5] * 240, "why": ["x"] * 240},
            "of which 'why' holds no numbers; call the column of the predictions",
        ),
        ({"no": [0.5] * 240, "yes": [0.5]}, "columns of different lengths"),
        (Output(), "neither predictions nor scores"),
        (Output(scores=np.zeros((240, 2)), classes=("x",)), "names 1 classes and scores 2"),
        (None, r"an array of the shape \(\)"),
    ],
)
def test_an_answer_that_is_none_is_refused(returned: object, message: str):
    with pytest.raises(DataError, match=message):
        open_model(lambda rows: returned).predict(numbers())


def test_as_many_classes_as_scores_are_asked_for():
    with pytest.raises(UsageError, match=r"classes names 3, and the model answers 2 scores a row"):
        open_model(lambda rows: np.zeros((240, 2)), options=ModelOptions(classes=(0, 1, 2))).predict(numbers())


def test_one_column_is_a_value_whatever_its_name():
    found = open_model(lambda rows: pl.DataFrame({"fare": A})).predict(features())

    np.testing.assert_array_equal(found.predictions, A)


def test_truth_values_are_classes():
    found = open_model(lambda rows: [a > 0 for a in A.tolist()]).predict(features())

    assert found.predictions.dtype == np.bool_


@pytest.mark.parametrize(
    ("returned", "told", "error", "message"),
    [
        (["x"] * 240, {"meaning": "probability"}, DataError, "texts where a probability was promised"),
        (
            P,
            {"meaning": "probability", "classes": (0, 1, 2)},
            UsageError,
            "tells two classes apart, and classes names 3",
        ),
    ],
)
def test_an_answer_that_its_meaning_does_not_fit_is_refused(returned: object, told: dict, error: type, message: str):
    with pytest.raises(error, match=message):
        open_model(lambda rows: returned, options=ModelOptions(**told)).predict(features())


def test_what_cannot_be_called_is_no_function():
    with pytest.raises(UsageError, match=r"7 is no function"):
        open_model(7, options=ModelOptions(kind="function"))


def test_a_function_that_cannot_be_pickled_has_no_size():
    size = open_model(lambda rows: rows["a"]).size()

    assert size.bytes is None
    assert size.why.startswith("it cannot be pickled: ")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "made_for_tests"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "rules.py").write_text(
        "import polars as pl\n"
        "def double(rows: pl.DataFrame): return rows['a'] * 2\n"
        "class Kept:\n    def predict(self, rows): return rows['a'] * 3\n"
        "kept = Kept()\n"
    )
    (folder / "needy.py").write_text("import not_there_at_all")
    (folder / "broken.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("made_for_tests")]:
        del sys.modules[name]


@pytest.mark.usefixtures("package")
def test_a_function_is_found_by_its_name():
    model = open_model("made_for_tests.rules:double")

    np.testing.assert_array_equal(model.predict(numbers()).predictions, A * 2)
    assert (model.name, model.kind) == ("made_for_tests.rules:double", "function")


@pytest.mark.usefixtures("package")
def test_a_model_is_found_by_its_name():
    model = open_model("made_for_tests.rules:kept")

    np.testing.assert_array_equal(model.predict(numbers()).predictions, A * 3)
    assert (model.name, model.kind) == ("made_for_tests.rules:kept", "sklearn")


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("made_for_tests.rules:duoble", UsageError, "made_for_tests.rules has no 'duoble'; did you mean 'double'"),
        ("made_for_tests.rulez:double", UsageError, "there is no module 'made_for_tests.rulez'; PYTHONPATH"),
        ("nowhere_at_all:double", UsageError, "there is no module 'nowhere_at_all'"),
        ("made_for_tests.needy:double", DataError, "cannot be imported: No module named 'not_there_at_all'"),
        ("made_for_tests.broken:double", DataError, "cannot be imported: ZeroDivisionError: division by zero"),
    ],
)
def test_a_name_that_leads_nowhere_says_where_it_ends(source: str, error: type, message: str):
    with pytest.raises(error, match=message):
        open_model(source)
