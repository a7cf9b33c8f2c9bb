"""scikit-learn's models, out of objects and files."""

from __future__ import annotations

import pickle
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from assay.errors import DataError, UsageError
from assay.evaluation.models.opening import open_model
from assay.evaluation.models.options import ModelOptions
from assay.evaluation.models.predicting import predicted
from evaluation.models.rows import N, amounts, binary, features, matrix, mixed, numbers, three

PANDAS = features().to_pandas()


def a_classifier() -> LogisticRegression:
    return LogisticRegression().fit(PANDAS, binary())


def a_pipeline() -> object:
    encoded = make_column_transformer((OneHotEncoder(), ["kind"]), (StandardScaler(), ["a"]))
    return make_pipeline(encoded, LogisticRegression()).fit(mixed().to_pandas(), binary())


def test_a_classifier_says_what_scikit_learn_says():
    model = a_classifier()

    found = open_model(model).predict(numbers())

    np.testing.assert_array_equal(found.predictions, model.predict(PANDAS))
    np.testing.assert_array_equal(found.scores, model.predict_proba(PANDAS))
    assert found.classes == (0, 1)


def test_a_regression_says_what_scikit_learn_says():
    model = LinearRegression().fit(PANDAS, amounts())

    found = open_model(model).predict(numbers())

    np.testing.assert_array_equal(found.predictions, model.predict(PANDAS))
    assert found.scores is None


def test_classes_keep_their_names():
    said = np.array(["low", "middle", "high"])[three()]
    model = RandomForestClassifier(5, random_state=1).fit(PANDAS, said)

    found = open_model(model).predict(numbers())

    assert found.classes == ("high", "low", "middle")
    assert set(found.predictions.tolist()) == set(said.tolist())


def test_columns_are_fed_by_their_names_whatever_their_order():
    model = a_classifier()

    found = open_model(model).predict(numbers().select("b", "id", "a"))

    np.testing.assert_array_equal(found.scores, model.predict_proba(PANDAS))
    assert found.notes == ("left out 1 column that the model does not take: 'id'",)


def test_a_model_without_names_takes_the_features_in_their_order_and_says_so():
    model = LogisticRegression().fit(matrix("a", "b"), binary())

    found = open_model(model, features=["a", "b"]).predict(numbers())

    np.testing.assert_array_equal(found.scores, model.predict_proba(matrix("a", "b")))
    assert found.notes[0] == "the model does not name its columns: they are fed in the order of features"


def test_a_model_without_names_asks_for_the_features():
    model = LogisticRegression().fit(matrix(), binary())

    with pytest.raises(UsageError, match=r"LogisticRegression does not name its 2 columns; give features"):
        open_model(model)


def test_too_many_features_are_refused():
    model = LogisticRegression().fit(matrix(), binary())

    with pytest.raises(UsageError, match=r"takes 2 columns, and features names 3: 'a', 'b', 'id'"):
        open_model(model, features=["a", "b", "id"])


def test_features_that_the_model_names_otherwise_are_refused():
    with pytest.raises(UsageError, match=r"does not take 'c'; it takes 'a', 'b'; leave features out"):
        open_model(a_classifier(), features=["a", "c"])


def test_a_missing_column_is_named_with_the_nearest():
    with pytest.raises(DataError, match=r"takes 'b', which the data does not have; did you mean 'bb'\?"):
        open_model(a_classifier()).predict(numbers().rename({"b": "bb"}))


def test_all_missing_columns_are_named():
    frame = pl.DataFrame({"alpha": [1.0], "age": [2.0]})
    model = LogisticRegression().fit(PANDAS.rename(columns={"a": "alphas", "b": "height"}), binary())

    with pytest.raises(
        DataError, match=r"takes 'alphas', 'height', .*; for 'alphas' did you mean 'alpha'\? The data has"
    ):
        open_model(model).predict(frame)


def test_a_text_column_is_refused_by_a_model_of_numbers():
    frame = numbers().with_columns(b=pl.lit("x"))

    with pytest.raises(DataError, match=r"LogisticRegression takes numbers there: 'b' holds String; encode it"):
        open_model(a_classifier()).predict(frame)


def test_a_text_column_is_refused_behind_a_search_and_a_scaler():
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1.0]}, cv=2)
    model = search.fit(PANDAS, binary())

    with pytest.raises(DataError, match=r"takes numbers there: 'a' holds String"):
        open_model(model).predict(numbers().with_columns(a=pl.lit("x")))


def test_a_pipeline_takes_texts():
    model = a_pipeline()

    found = open_model(model).predict(mixed())

    np.testing.assert_array_equal(found.scores, model.predict_proba(mixed().to_pandas()))


def test_a_failure_inside_a_pipeline_names_the_model_and_the_text_columns():
    frame = mixed().with_columns(kind=pl.lit("gold"))

    with pytest.raises(
        DataError,
        match=r"Pipeline: it failed on 240 rows: ValueError: Found unknown categories .*; these columns hold text: 'kind'",
    ):
        open_model(a_pipeline()).predict(frame)


def test_trees_take_their_categories_as_texts():
    frame = mixed().to_pandas().astype({"kind": "category"})[["a", "kind"]]
    model = HistGradientBoostingClassifier(max_iter=5).fit(frame, binary())

    found = open_model(model).predict(mixed())

    np.testing.assert_array_equal(found.scores, model.predict_proba(frame))


def test_missing_numbers_reach_a_model_that_takes_them():
    model = HistGradientBoostingClassifier(max_iter=5).fit(PANDAS, binary())
    gaps = numbers().with_columns(b=pl.when(pl.col("id") % 3 > 0).then(pl.col("b")))

    found = open_model(model).predict(gaps)

    np.testing.assert_array_equal(found.scores, model.predict_proba(gaps.select("a", "b").to_pandas()))


def test_missing_numbers_in_a_model_that_does_not_take_them_are_an_error():
    with pytest.raises(DataError, match=r"LogisticRegression: it failed on 240 rows: ValueError: Input X contains NaN"):
        open_model(a_classifier()).predict(numbers().with_columns(b=pl.lit(None)))


def test_a_margin_is_no_probability_and_it_is_said():
    model = LinearSVC().fit(PANDAS, binary())

    found = predicted(open_model(model), numbers())

    np.testing.assert_array_equal(found.scores[:, 1], model.decision_function(PANDAS))
    assert found.notes[-1].startswith("the scores of 240 of 240 rows are no probabilities")


def test_several_labels_have_a_prediction_and_a_score_each():
    labels = np.column_stack([binary(), three() == 1]).astype(int)
    model = MultiOutputClassifier(LogisticRegression()).fit(PANDAS, labels)

    found = predicted(open_model(model), numbers())

    np.testing.assert_array_equal(found.predictions, model.predict(PANDAS))
    np.testing.assert_array_equal(found.scores[:, 1], model.predict_proba(PANDAS)[1][:, 1])
    assert not any("probabilities" in note for note in found.notes)


def test_a_model_of_texts_that_was_trained_on_a_matrix_gets_a_matrix():
    rows = mixed().select("kind", "a").to_numpy().astype(object)
    encoded = make_column_transformer((OneHotEncoder(), [0]), (StandardScaler(), [1]))
    model = make_pipeline(encoded, LogisticRegression()).fit(rows, binary())

    found = open_model(model, features=["kind", "a"]).predict(mixed())

    np.testing.assert_array_equal(found.scores, model.predict_proba(rows))


class OfHalf:
    """Answers half of the rows, or NaN for some."""

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        if not self.lost:
            return np.zeros(len(rows) // 2)
        said = np.zeros(len(rows))
        said[3 : 3 + self.lost] = np.nan
        return said


def test_too_few_answers_are_refused():
    with pytest.raises(DataError, match=r"OfHalf: the model answered 120 predictions for 240 rows"):
        open_model(OfHalf()).predict(numbers())


def test_nan_is_refused_and_counted():
    with pytest.raises(
        DataError, match=r"OfHalf: 7 of the model's 240 predictions are NaN or missing, the first is of row 3"
    ):
        open_model(OfHalf(lost=7)).predict(numbers())


def pickled(path: Path) -> None:
    with path.open("wb") as file:
        pickle.dump(a_classifier(), file)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("m.pkl", pickled),
        ("m.joblib", lambda path: joblib.dump(a_classifier(), path)),
    ],
)
def test_a_pickle_is_loaded_only_where_it_is_trusted(name: str, save, tmp_path: Path):
    path = tmp_path / name
    save(path)

    with pytest.raises(UsageError, match=rf"{name}' is a pickle: to load it is to run .* say trust=True"):
        open_model(path)
    model = open_model(path, trust=True)

    np.testing.assert_array_equal(model.predict(numbers()).scores, a_classifier().predict_proba(PANDAS))
    assert (model.name, model.size().bytes, model.size().of) == (name, path.stat().st_size, "the file")


def test_a_skops_file_of_scikit_learn_needs_no_trust(tmp_path: Path):
    skops.io.dump(a_classifier(), tmp_path / "m.skops")

    found = open_model(str(tmp_path / "m.skops")).predict(numbers())

    np.testing.assert_array_equal(found.scores, a_classifier().predict_proba(PANDAS))


def test_a_skops_file_of_other_types_needs_trust(tmp_path: Path):
    skops.io.dump(OfHalf(), tmp_path / "m.skops")

    with pytest.raises(UsageError, match=r"holds types whose code would run: .*OfHalf; where you know"):
        open_model(tmp_path / "m.skops")


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.skops"])
def test_a_broken_file_is_an_error_that_names_it(name: str, tmp_path: Path):
    (tmp_path / name).write_bytes(b"not a model")

    with pytest.raises(DataError, match=rf"the model '{name}' cannot be loaded"):
        open_model(tmp_path / name, trust=True)


def test_an_object_is_as_large_as_its_pickle():
    model = a_classifier()

    size = open_model(model).size()

    assert (size.bytes, size.of) == (len(pickle.dumps(model, protocol=5)), "the pickled object")


def test_a_model_of_one_row_and_of_many_say_the_same():
    model = open_model(RandomForestClassifier(5, random_state=1).fit(PANDAS, binary()))
    whole = model.predict(numbers())

    alone = np.vstack([model.predict(numbers()[row : row + 1]).scores for row in range(0, N, 40)])

    np.testing.assert_array_equal(alone, whole.scores[::40])


def test_what_a_model_takes_may_be_said():
    taken = []

    class Model:
        def predict(self, rows: object) -> list[int]:
            taken.append(type(rows))
            return [1] * N

    for takes in ("polars", "pandas", "numpy"):
        open_model(Model(), options=ModelOptions(takes=takes)).predict(features())

    assert taken == [pl.DataFrame, pd.DataFrame, np.ndarray]
