"""MLflow's models: folders, a registry, and its scoring server."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from assay.errors import DataError, UsageError
from assay.evaluation.models.opening import open_model
from evaluation.models.rows import amounts, binary, features, matrix, mixed, numbers

PANDAS = features().to_pandas()

# What MLflow says when it is imported, of its own code, and when a model of code is saved.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*An input example was not provided:UserWarning"),
]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


def a_classifier() -> LogisticRegression:
    return LogisticRegression().fit(PANDAS, binary())


def a_pipeline() -> object:
    encoded = make_column_transformer((OneHotEncoder(), ["kind"]), (StandardScaler(), ["a"]))
    return make_pipeline(encoded, LogisticRegression()).fit(mixed().to_pandas(), binary())


def saved(model: object, folder: Path, rows: pd.DataFrame | np.ndarray | None) -> Path:
    import mlflow.sklearn
    from mlflow.models import infer_signature

    signature = None if rows is None else infer_signature(rows, model.predict(rows))
    requirements = ["scikit-learn"]  # else MLflow starts a process to find them
    mlflow.sklearn.save_model(model, folder, signature=signature, pip_requirements=requirements)
    return folder


def test_a_folder_says_what_mlflow_says(tmp_path: Path):
    path = saved(a_classifier(), tmp_path / "m", PANDAS)

    model = open_model(path, trust=True)
    found = model.predict(numbers().select("b", "id", "a"))

    np.testing.assert_array_equal(found.predictions, mlflow.pyfunc.load_model(str(path)).predict(PANDAS))
    np.testing.assert_array_equal(found.scores, a_classifier().predict_proba(PANDAS))
    assert (model.features, found.classes, model.kind) == (("a", "b"), (0, 1), "mlflow")
    assert model.size().bytes == sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def test_a_loaded_model_is_a_model(tmp_path: Path):
    loaded = mlflow.pyfunc.load_model(str(saved(a_classifier(), tmp_path / "m", PANDAS)))

    found = open_model(loaded).predict(numbers())

    np.testing.assert_array_equal(found.predictions, loaded.predict(PANDAS))


def test_a_loaded_model_is_as_large_as_mlflow_counted(tmp_path: Path):
    path = saved(a_classifier(), tmp_path / "m", PANDAS)
    loaded = mlflow.pyfunc.load_model(str(path))

    size = open_model(loaded).size()

    assert (size.bytes, size.of) == (loaded.metadata.model_size_bytes, "the model's files")
    assert size.bytes > 0


def test_a_regression_says_what_mlflow_says(tmp_path: Path):
    model = LinearRegression().fit(PANDAS, amounts())

    found = open_model(saved(model, tmp_path / "m", PANDAS), trust=True).predict(numbers())

    np.testing.assert_array_equal(found.predictions, model.predict(PANDAS))
    assert found.scores is None


def test_texts_are_fed_where_the_signature_has_them(tmp_path: Path):
    model = a_pipeline()
    path = saved(model, tmp_path / "m", mixed().select("a", "kind").to_pandas())

    found = open_model(path, trust=True).predict(mixed())

    np.testing.assert_array_equal(found.scores, model.predict_proba(mixed().to_pandas()))


def test_code_runs_only_where_it_is_trusted(tmp_path: Path):
    path = saved(a_classifier(), tmp_path / "m", PANDAS)

    with pytest.raises(UsageError, match=r"is one of MLflow's: to load it is to run the code .* say trust=True"):
        open_model(path)
    with pytest.raises(UsageError, match=r"'models:/churn/3' is one of MLflow's"):
        open_model("models:/churn/3")


def test_a_missing_column_is_named(tmp_path: Path):
    path = saved(a_classifier(), tmp_path / "m", PANDAS)

    with pytest.raises(DataError, match=r"takes 'b', which the data does not have"):
        open_model(path, trust=True).predict(numbers().drop("b"))


def test_a_text_is_refused_where_the_signature_has_numbers(tmp_path: Path):
    path = saved(a_classifier(), tmp_path / "m", PANDAS)

    with pytest.raises(DataError, match=r"takes numbers there: 'a' holds String"):
        open_model(path, trust=True).predict(numbers().with_columns(a=pl.lit("x")))


def test_whole_numbers_are_cast_to_the_doubles_of_the_signature(tmp_path: Path):
    path = saved(a_classifier(), tmp_path / "m", PANDAS)
    whole = numbers().with_columns(pl.col("a", "b").round(0).cast(pl.Int64))

    found = open_model(path, trust=True).predict(whole)

    np.testing.assert_array_equal(found.scores, a_classifier().predict_proba(whole.select("a", "b").to_pandas()))


def test_a_missing_whole_number_is_refused(tmp_path: Path):
    whole = PANDAS.round(0).astype("int64")
    with pytest.warns(UserWarning, match="integer column"):
        path = saved(a_classifier(), tmp_path / "m", whole)
    gaps = numbers().with_columns(a=pl.when(pl.col("id") > 2).then(pl.col("a").round(0)), b=pl.col("b").round(0))

    with pytest.raises(DataError, match=r"it takes Int64 there, which has no missing values: 'a' has 3; fill them"):
        open_model(path, trust=True).predict(gaps)


def test_a_tensor_takes_the_features_in_their_order(tmp_path: Path):
    model = LogisticRegression().fit(matrix(), binary())
    path = saved(model, tmp_path / "m", matrix())

    with pytest.raises(UsageError, match=r"m does not name its 2 columns; give features"):
        open_model(path, trust=True)
    found = open_model(path, trust=True, features=["a", "b"]).predict(numbers())

    np.testing.assert_array_equal(found.scores, model.predict_proba(matrix()))


def test_a_model_without_a_signature_is_given_the_features(tmp_path: Path):
    path = saved(a_classifier(), tmp_path / "m", None)

    found = open_model(path, trust=True, features=["a", "b"]).predict(numbers())

    np.testing.assert_array_equal(found.scores, a_classifier().predict_proba(PANDAS))


def test_nan_is_refused_and_counted(tmp_path: Path):
    model = LinearRegression().fit(PANDAS, amounts())
    model.coef_ = np.array([np.nan, 1.0])

    with pytest.raises(DataError, match=r"240 of the model's 240 predictions are NaN or missing"):
        open_model(saved(model, tmp_path / "m", None), trust=True, features=["a", "b"]).predict(numbers())


def test_a_model_that_is_not_in_the_registry_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())

    with pytest.raises(DataError, match=r"models:/churn/3: MLflow cannot load it: \w+: "):
        open_model("models:/churn/3", trust=True)


def test_instants_and_missing_texts_are_fed_and_optional_columns_may_lack(tmp_path: Path):
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    with pytest.warns(UserWarning, match="Add type hints"):

        class Weekday(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):
                return model_input["at"].dt.day + model_input["note"].isna() * 10

    kinds = [("datetime", "at", True), ("string", "note", True), ("double", "more", False)]
    schema = Schema([ColSpec(kind, name, required=required) for kind, name, required in kinds])
    mlflow.pyfunc.save_model(
        tmp_path / "m", python_model=Weekday(), signature=ModelSignature(inputs=schema), pip_requirements=["pandas"]
    )
    days = pl.date_range(pl.date(2026, 11, 16), pl.date(2026, 11, 18), eager=True)
    frame = pl.DataFrame({"at": days, "note": ["x", None, "y"]})

    model = open_model(tmp_path / "m", trust=True)

    assert model.predict(frame).predictions.tolist() == [16, 27, 18]
    assert model.features == ("at", "note", "more")


def test_mlflow_is_told_not_to_report_its_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY")  # and is put back as it was when the test ends

    open_model(saved(a_classifier(), tmp_path / "m", PANDAS), trust=True)

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.fixture
def scoring(tmp_path: Path) -> Iterator[str]:
    """Return the URL of MLflow's own scoring server, with a pipeline that takes a number and a text."""
    import uvicorn
    from mlflow.pyfunc import scoring_server

    path = saved(a_pipeline(), tmp_path / "m", mixed().select("a", "kind").to_pandas())
    app = scoring_server.init(mlflow.pyfunc.load_model(str(path)))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # from now on a request waits for the server, however long that takes to start
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/invocations"
        server.should_exit = True
        thread.join()


def test_the_scoring_server_says_what_the_model_says(scoring: str):
    found = open_model(scoring, features=["a", "kind"]).predict(mixed())

    np.testing.assert_array_equal(found.predictions, a_pipeline().predict(mixed().to_pandas()))


def test_the_scoring_server_says_what_it_does_not_take(scoring: str):
    with pytest.raises(
        DataError, match=rf"{scoring}: it answered 400 \(Bad Request\): .* … .*Model is missing inputs \['kind'\]"
    ):
        open_model(scoring, features=["a"]).predict(mixed())
