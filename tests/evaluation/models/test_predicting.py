"""Models in general: what is recognised, batches, progress, and notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.data.dataset import Dataset
from assay.errors import ConfigError, DataError, UsageError
from assay.evaluation.models.model import Output
from assay.evaluation.models.opening import ADAPTERS, open_model
from assay.evaluation.models.options import EndpointOptions, ModelOptions
from assay.evaluation.models.predicting import predicted
from evaluation.models.rows import N, numbers
from evaluation.models.servers import Answer, Request, serving

SOURCES = Path(__file__).parents[3] / "src" / "assay" / "evaluation" / "models"


def test_every_adapter_is_in_the_table():
    opens = {
        path.stem for path in SOURCES.glob("*.py") if "def recognises(" in path.read_text() and path.stem != "opening"
    }

    assert len(opens) == len(ADAPTERS)
    assert {adapter.open.__module__.rpartition(".")[2] for adapter in ADAPTERS.values()} == opens


@pytest.mark.parametrize(
    "source", [7, None, "model.xyz", "ftp://host/model", "s3://bucket/model", ["m.onnx"], {"model": 1}, int]
)
def test_no_adapter_but_the_callables_recognises_strangers(source: object):
    assert [name for name, adapter in ADAPTERS.items() if adapter.recognises(source)] in ([], ["function"])


def test_an_unknown_source_is_told_what_is_known(tmp_path: Path):
    (tmp_path / "model.xyz").write_text("x")

    with pytest.raises(UsageError, match=r"model.xyz' is no model that Assay knows; a model is ") as caught:
        open_model(tmp_path / "model.xyz")

    assert all(adapter.what in str(caught.value) for adapter in ADAPTERS.values())


def test_an_object_that_cannot_predict_is_no_model():
    with pytest.raises(UsageError, match=r"an object of the type dict is no model that Assay knows"):
        open_model({"a": 1})


@pytest.mark.parametrize("name", ["m.onnx", "m.json", "m.txt", "m.cbm", "m.pt", "m.pkl", "m.skops"])
def test_a_file_that_is_not_there_is_said_to_be_missing(name: str, tmp_path: Path):
    with pytest.raises(UsageError, match=rf"the model '.*{name}' is not there"):
        open_model(str(tmp_path / name))


def test_an_empty_text_is_no_model():
    with pytest.raises(UsageError, match=r"the model is an empty text"):
        open_model(" ")


def test_features_are_a_list():
    with pytest.raises(UsageError, match=r"features is the text 'abc'; it is a list of columns"):
        open_model(lambda rows: rows["a"], features="abc")


def test_features_are_named_once():
    with pytest.raises(UsageError, match=r"features names 'a' more than once"):
        open_model(lambda rows: rows["a"], features=["a", "b", "a"])


def test_the_kind_may_be_said(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"there is no kind of model 'onyx'; did you mean 'onnx'"):
        open_model(tmp_path, options=ModelOptions(kind="onyx"))


def test_a_model_is_a_model_already():
    model = open_model(lambda rows: rows["a"])

    assert open_model(model) is model


def test_the_name_may_be_said():
    assert open_model(lambda rows: rows["a"], options=ModelOptions(name="the old one")).name == "the old one"


@pytest.mark.parametrize(
    ("told", "message"),
    [({"rows": 0}, "rows is 0"), ({"timeout": "0s"}, "timeout is 0s"), ({"retries": 99}, "retries is 99")],
)
def test_options_that_make_no_sense_are_refused(told: dict, message: str):
    with pytest.raises(ValueError, match=message):
        EndpointOptions(**told)


class Recording:
    """A model that remembers how many rows it was asked for at once."""

    name, kind, features = "recording", "fake", ()

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def predict(self, frame: pl.DataFrame) -> Output:
        self.sizes.append(frame.height)
        p = frame["b"].to_numpy()
        return Output(frame["a"].to_numpy(), np.column_stack([1 - p, p]), ("no", "yes"), ("fed as it is",))


def test_rows_are_asked_for_in_batches_and_progress_is_told():
    model, told = Recording(), []

    found = predicted(model, numbers(), batch=100, progress=told.append)

    np.testing.assert_array_equal(found.predictions, numbers()["a"].to_numpy())
    np.testing.assert_array_equal(found.scores[:, 1], numbers()["b"].to_numpy())
    assert (model.sizes, told) == ([100, 100, 40], [100, 200, 240])
    assert found.notes[0] == "fed as it is"


def test_a_dataset_and_a_lazy_frame_are_predicted_as_a_frame_is():
    whole = predicted(Recording(), numbers())

    for data in (numbers().lazy(), Dataset(name="rows", source="a frame", open=numbers().lazy)):
        found = predicted(Recording(), data, batch=50)
        np.testing.assert_array_equal(found.scores, whole.scores)


def test_scores_that_do_not_add_up_to_one_are_counted():
    def model(rows: pl.DataFrame) -> np.ndarray:
        scores = np.tile([0.25, 0.75], (rows.height, 1))
        scores[5:8, 1] = 0.5
        return scores

    found = predicted(open_model(model), numbers())

    assert found.notes == (
        "the scores of 3 of 240 rows are no probabilities: they do not add up to 1, or are below 0 (row 5 adds up to 0.75)",
    )


def test_probabilities_of_single_precision_add_up():
    scores = np.random.default_rng(1).dirichlet(np.ones(100), N).astype(np.float32)

    assert predicted(open_model(lambda rows: scores), numbers()).notes == ()


def test_an_error_in_a_later_batch_says_which_rows():
    def model(rows: pl.DataFrame) -> np.ndarray:
        return np.where(rows["id"].to_numpy() == 150, np.nan, 1.0)

    with pytest.raises(DataError, match=r"model, rows 100 to 199: 1 of the model's 100 predictions are NaN or missing"):
        predicted(open_model(model), numbers(), batch=100)


def test_batches_that_name_other_classes_are_refused():
    def model(rows: pl.DataFrame) -> dict[str, list[float]]:
        last = "yes" if rows["id"][0] == 0 else "maybe"
        return {"no": [0.5] * rows.height, last: [0.5] * rows.height}

    with pytest.raises(
        DataError, match=r"names the classes \['no', 'yes'\] in one batch, \['no', 'maybe'\] in another"
    ):
        predicted(open_model(model), numbers(), batch=100)


def test_batches_that_are_answered_in_other_ways_are_refused():
    def model(rows: pl.DataFrame) -> np.ndarray:
        return np.ones((rows.height, 2)) / 2 if rows["id"][0] == 0 else np.ones(rows.height)

    with pytest.raises(DataError, match=r"the model answers predictions of some batches in another way than of others"):
        predicted(open_model(model), numbers(), batch=100)


def test_no_rows_are_nothing_to_predict():
    with pytest.raises(DataError, match=r"there are no rows to predict"):
        predicted(Recording(), numbers().clear())


def test_no_rows_are_no_question_to_a_model():
    with pytest.raises(DataError, match=r"<lambda>: there are no rows to predict"):
        open_model(lambda rows: rows["a"]).predict(numbers().clear())


def test_only_the_columns_of_the_model_are_read_of_a_dataset():
    seen = []
    rows = numbers().lazy().map_batches(lambda frame: seen.append(frame.columns) or frame, projection_pushdown=True)
    data = Dataset(name="rows", source="a frame", open=lambda: rows)

    predicted(open_model(lambda frame: frame["a"], features=["a"]), data)

    assert seen == [["a"]]


def test_an_endpoint_is_asked_for_what_a_request_holds():
    told = ModelOptions(endpoint=EndpointOptions(rows=50))
    done: list[int] = []

    def ones(request: Request) -> Answer:
        return Answer({"predictions": [1.0 for _ in request.body["instances"]]})

    with serving(ones) as server:
        predicted(open_model(server.url("/p"), options=told), numbers(), progress=done.append)

    assert done == [50, 100, 150, 200, 240]


def test_a_batch_holds_a_row():
    with pytest.raises(UsageError, match=r"batch is 0; it holds at least 1 row"):
        predicted(Recording(), numbers(), batch=0)
