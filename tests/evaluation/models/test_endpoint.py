"""Models behind HTTP: v2, MLflow's scoring server, and any other shape."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.evaluation.models.opening import open_model
from assay.evaluation.models.options import EndpointOptions, ModelOptions
from assay.evaluation.models.predicting import predicted
from evaluation.models.rows import features, mixed, numbers
from evaluation.models.servers import Answer, Protocol2, Request, serving

A, B = features()["a"].to_numpy(), features()["b"].to_numpy()


def probabilities(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-(a - b)))
    return np.column_stack([1 - p, p])


# The Open Inference Protocol ------------------------------------------------------------------------------------------


def of_matrix(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    scores = probabilities(*arrays["x"].T)
    return {"label": np.where(scores[:, 1] > 0.5, "yes", "no"), "probabilities": scores}


def of_columns(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    assert {name: array.ndim for name, array in arrays.items()} == {"a": 2, "kind": 1}
    return {"y": arrays["a"][:, 0] * np.where(arrays["kind"] == "cash", 2.0, 1.0)}


MATRIX = Protocol2(
    "churn",
    [("x", "FP64", [-1, 2])],
    [("label", "BYTES", [-1]), ("probabilities", "FP64", [-1, 2])],
    of_matrix,
)
COLUMNS = Protocol2("fare", [("a", "FP64", [-1, 1]), ("kind", "BYTES", [-1])], [("y", "FP64", [-1])], of_columns)
CLASSES = ModelOptions(classes=("no", "yes"))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("end", ["", "/", "/infer"])
def test_a_matrix_of_v2_gives_what_the_server_computes(nested: bool, end: str):
    protocol = Protocol2(MATRIX.name, MATRIX.inputs, MATRIX.outputs, MATRIX.predict, nested)
    with serving(protocol) as server:
        model = open_model(server.url(f"/v2/models/churn{end}"), features=["a", "b"], options=CLASSES)

        found = model.predict(numbers())

    np.testing.assert_allclose(found.scores, probabilities(A, B), rtol=1e-12)
    np.testing.assert_array_equal(found.predictions, np.where(A > B, "yes", "no"))
    assert (found.classes, model.kind, model.size().bytes) == (("no", "yes"), "http", None)


def test_columns_of_v2_are_fed_by_their_names_shapes_and_types():
    frame = mixed()
    with serving(COLUMNS) as server:
        model = open_model(server.url("/v2/models/fare"))

        found = model.predict(frame.select("kind", "a", "id"))

    np.testing.assert_array_equal(found.predictions, A * np.where(frame["kind"].to_numpy() == "cash", 2.0, 1.0))
    assert model.features == ("a", "kind")


def test_single_precision_is_what_a_server_of_it_gets():
    protocol = Protocol2("p", [("x", "FP32", [-1, 2])], [("y", "FP32", [-1])], lambda arrays: {"y": arrays["x"][:, 0]})
    with serving(protocol) as server:
        found = open_model(server.url("/v2/models/p"), features=["a", "b"]).predict(numbers())

    np.testing.assert_array_equal(found.predictions, A.astype(np.float32))


def test_a_missing_column_of_v2_is_named():
    with serving(COLUMNS) as server, pytest.raises(DataError, match=r"takes 'kind', which the data does not have"):
        open_model(server.url("/v2/models/fare")).predict(mixed().drop("kind"))


def test_a_text_is_refused_where_v2_takes_numbers():
    with serving(COLUMNS) as server, pytest.raises(DataError, match=r"takes numbers there: 'a' holds String"):
        open_model(server.url("/v2/models/fare")).predict(mixed().with_columns(a=pl.lit("x")))


def test_nan_out_of_v2_is_refused_and_counted():
    lost = Protocol2(
        "p",
        [("x", "FP64", [-1, 2])],
        [("y", "FP64", [-1])],
        lambda arrays: {"y": np.sqrt(np.abs(arrays["x"][:, 0])) * np.nan},
    )
    with (
        serving(lost) as server,
        pytest.raises(DataError, match=r"240 of the model's 240 predictions are NaN or missing"),
    ):
        open_model(server.url("/v2/models/p"), features=["a", "b"]).predict(numbers())


def test_the_output_of_v2_may_be_named():
    with serving(MATRIX) as server:
        told = ModelOptions(output="probabilities")
        found = open_model(server.url("/v2/models/churn"), features=["a", "b"], options=told).predict(numbers())

    assert found.predictions is None
    assert server.asked[-1].body["outputs"] == [{"name": "probabilities"}]


def test_a_server_of_v2_that_tells_no_inputs_is_sent_one_matrix():
    protocol = Protocol2("p", [], [("y", "FP64", [-1])], lambda arrays: {"y": arrays["input-0"].sum(axis=1)})
    with serving(protocol) as server:
        found = open_model(server.url("/v2/models/p"), features=["a", "b"]).predict(numbers())

    np.testing.assert_allclose(found.predictions, A + B)
    assert found.notes[0].startswith("the server does not say which inputs the model takes")


def test_an_unknown_model_of_v2_is_an_error_that_names_the_url():
    with (
        serving(MATRIX) as server,
        pytest.raises(
            DataError,
            match=rf"{server.url('/v2/models/chrun')}: it answered 404 \(Not Found\): there is no /v2/models/chrun",
        ),
    ):
        open_model(server.url("/v2/models/chrun"))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"outputs": []}, "its answer has no outputs"),
        ([], "its answer has no outputs"),
        (
            {"outputs": [{"name": "y", "datatype": "FP64", "shape": [3], "data": [1.0]}]},
            "has 1 values, and says FP64 of the shape",
        ),
        (
            {"outputs": [{"name": "y", "datatype": "FP99", "shape": [1], "data": [1.0]}]},
            "has no datatype, shape and data",
        ),
        ({"outputs": [{"name": "y", "datatype": "FP64", "shape": [1], "data": [1.0]}]}, "it answered 1 rows for 240"),
        ({"outputs": [{"name": "y", "datatype": "INT64", "shape": [1], "data": ["x"]}]}, "says INT64 of the shape"),
    ],
)
def test_an_answer_of_v2_that_breaks_the_protocol_is_refused(answer: object, message: str):
    def handle(request: Request) -> Answer:
        return Answer(MATRIX.metadata() if request.method == "GET" else answer)

    with serving(handle) as server, pytest.raises(DataError, match=message):
        open_model(server.url("/v2/models/churn"), features=["a", "b"]).predict(numbers())


def test_an_input_that_is_no_column_is_refused():
    images = Protocol2("p", [("x", "FP32", [-1, 28, 28])], [("y", "FP32", [-1])], of_matrix)
    with (
        serving(images) as server,
        pytest.raises(DataError, match=r"its input 'x' is FP32 of the shape \[-1, 28, 28\]"),
    ):
        open_model(server.url("/v2/models/p"))


def test_an_infinite_number_is_refused_as_json_has_no_word_for_it():
    frame = numbers().with_columns(a=pl.lit(float("inf")))
    with serving(MATRIX) as server, pytest.raises(DataError, match=r"the input 'x' holds infinite numbers"):
        open_model(server.url("/v2/models/churn"), features=["a", "b"]).predict(frame)


def test_a_url_that_is_not_of_v2_is_refused():
    told = ModelOptions(endpoint=EndpointOptions(protocol="v2"))

    with pytest.raises(
        UsageError, match=r"http://127.0.0.1:9/score is no URL of protocol v2; it ends in /v2/models/NAME"
    ):
        open_model("http://127.0.0.1:9/score", options=told)


# Any other shape ------------------------------------------------------------------------------------------------------


def doubled(request: Request) -> Answer:
    return Answer({"predictions": [row["a"] * 2 for row in request.body["instances"]]})


def test_rows_are_sent_as_objects_unless_told_otherwise():
    with serving(doubled) as server:
        found = open_model(server.url("/predict"), features=["a", "b"]).predict(numbers())

    np.testing.assert_array_equal(found.predictions, A * 2)
    assert list(server.asked[0].body["instances"][0]) == ["a", "b"]
    assert server.asked[0].headers["Content-Type"] == "application/json"


def test_requests_hold_so_many_rows():
    with serving(doubled) as server:
        told = ModelOptions(endpoint=EndpointOptions(rows=100))
        found = open_model(server.url("/predict"), features=["a"], options=told).predict(numbers())

    assert [len(request.body["instances"]) for request in server.asked] == [100, 100, 40]
    assert len({request.connection for request in server.asked}) == 1  # on one connection
    np.testing.assert_array_equal(found.predictions, A * 2)


def shaped(**told: object) -> ModelOptions:
    return ModelOptions(endpoint=EndpointOptions(**told), classes=("no", "yes"))


def of_rows(request: Request) -> Answer:
    assert request.body["columns"] == ["a", "b"]
    assert request.body["options"] == {"explain": False}
    scores = probabilities(*np.array(request.body["data"]).T)
    return Answer({"results": [{"class": "yes" if s[1] > 0.5 else "no", "scores": s.tolist()} for s in scores]})


def one_row(request: Request) -> Answer:
    a, b = request.body["input"]
    return Answer({"output": {"p": [float(probabilities(np.array([a]), np.array([b]))[0, 1])]}})


def test_a_template_and_paths_fit_any_shape():
    told = shaped(
        request={"columns": "$columns", "data": "$rows", "options": {"explain": False}},
        prediction="results[*].class",
        scores="results[*].scores",
    )
    with serving(of_rows) as server:
        found = open_model(server.url("/score?v=2"), features=["a", "b"], options=told).predict(numbers())

    np.testing.assert_allclose(found.scores, probabilities(A, B), rtol=1e-12)
    np.testing.assert_array_equal(found.predictions, np.where(A > B, "yes", "no"))
    assert server.asked[0].path == "/score?v=2"


def test_a_template_may_hold_one_row():
    told = shaped(request={"input": "$row"}, prediction="", scores="output.p")
    with serving(one_row) as server:
        found = open_model(server.url("/one"), features=["a", "b"], options=told).predict(numbers()[:5])

    np.testing.assert_allclose(found.scores, probabilities(A, B)[:5], rtol=1e-12)
    assert len(server.asked) == 5


def test_a_template_may_have_lists():
    def handle(request: Request) -> Answer:
        return Answer({"predictions": [row[0] for row in request.body["calls"][0]["rows"]]})

    told = ModelOptions(endpoint=EndpointOptions(request={"calls": [{"rows": "$rows"}]}))
    with serving(handle) as server:
        found = open_model(server.url("/p"), features=["a", "b"], options=told).predict(numbers())

    np.testing.assert_array_equal(found.predictions, A)


def test_missing_numbers_are_sent_as_null():
    def handle(request: Request) -> Answer:
        return Answer({"predictions": [-1.0 if row["a"] is None else row["a"] for row in request.body["instances"]]})

    frame = pl.DataFrame({"a": [1.5, None, float("nan")]})
    with serving(handle) as server:
        found = open_model(server.url("/predict")).predict(frame)

    assert found.predictions.tolist() == [1.5, -1.0, -1.0]


def test_infinite_numbers_are_refused():
    with (
        serving(doubled) as server,
        pytest.raises(DataError, match=r"'a' hold infinite numbers, which JSON has no word for"),
    ):
        open_model(server.url("/predict")).predict(pl.DataFrame({"a": [float("-inf")]}))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            {"request": {"rows": "$recrods"}},
            r"the request has '\$recrods', which stands for nothing; did you mean '\$records'",
        ),
        ({"request": {"x": "$columns"}}, "the request has no place for the rows"),
        ({"prediction": "", "scores": ""}, "nothing of the endpoint's answer is read"),
        (
            {"headers": {"Authorization": "Bearer ${NOT_THERE_AT_ALL}"}},
            "names the variable NOT_THERE_AT_ALL, which the environment",
        ),
    ],
)
def test_options_that_cannot_work_are_refused_before_anything_is_sent(told: dict, message: str):
    with pytest.raises(UsageError, match=message):
        open_model("http://127.0.0.1:9/predict", options=shaped(**told))


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("predictoins", DataError, "the answer has nothing at 'predictoins': there is an object of 'predictions'"),
        ("predictions[9999]", DataError, "there is a list of 240"),
        ("predictions[*].p", DataError, "the answer has nothing at 'predictions"),
        ("predictions[", UsageError, r"the path 'predictions\[' cannot be read at '\['"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_is_there(path: str, error: type, message: str):
    with serving(doubled) as server, pytest.raises(error, match=message):
        open_model(server.url("/p"), options=shaped(prediction=path)).predict(numbers())


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MODEL_TOKEN", "s3cret")
    told = shaped(headers={"Authorization": "Bearer ${MODEL_TOKEN}"})
    with serving(doubled) as server:
        open_model(server.url("/p"), options=told).predict(numbers())

    assert server.asked[0].headers["Authorization"] == "Bearer s3cret"


# What goes wrong ------------------------------------------------------------------------------------------------------


def answering(*answers: Answer) -> Callable[[Request], Answer]:
    """Return what gives these answers in turn, and the last one from then on."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


GOOD = Answer({"predictions": [1.0] * 240})


def test_a_server_that_is_busy_is_asked_again():
    busy = Answer(status=503, headers={"Retry-After": "0"})
    with serving(answering(busy, busy, GOOD)) as server:
        found = predicted(open_model(server.url("/p")), numbers())

    assert len(found.predictions) == 240
    assert len(server.asked) == 3


def test_retries_end():
    busy = Answer({"error": "too many requests"}, status=429, headers={"Retry-After": "0"})
    refused = pytest.raises(DataError, match=r"/p: it answered 429 \(Too Many Requests\): too many requests")
    with serving(answering(busy)) as server, refused:
        open_model(server.url("/p"), options=shaped(retries=2)).predict(numbers())

    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 500, 504])
def test_other_errors_are_not_tried_again(status: int):
    refused = pytest.raises(DataError, match=rf"it answered {status} \([\w ]+\): no such thing")
    with serving(answering(Answer({"detail": "no such thing"}, status=status))) as server, refused:
        open_model(server.url("/p")).predict(numbers())

    assert len(server.asked) == 1


def test_what_is_said_of_a_url_leaves_its_query_out():
    with serving(answering(Answer(status=500))) as server, pytest.raises(DataError) as caught:
        open_model(server.url("/p?key=s3cret")).predict(numbers())

    assert str(caught.value).startswith(f"{server.url('/p')}: it answered 500")
    assert "s3cret" not in str(caught.value)


def test_a_redirection_is_not_followed():
    moved = Answer(status=307, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    with (
        serving(answering(moved)) as server,
        pytest.raises(DataError, match=r"answered 307 .*points to http://127.0.0.1:9/elsewhere"),
    ):
        open_model(server.url("/p")).predict(numbers())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            Answer(b"<html><body><h1>Log in</h1></body></html>", headers={"Content-Type": "text/html"}),
            "answered text/html, not JSON: 'Log in'",
        ),
        (Answer(b"{"), r"its answer is no JSON: '\{'"),
        (Answer(b""), "its answer is no JSON: it is empty"),
        (Answer({"predictions": [1.0] * 3}), "it answered 3 rows for 240"),
        (
            Answer(b'{"predictions": [' + b"NaN," * 239 + b"1.0]}"),
            "239 of the model's 240 predictions are NaN or missing",
        ),
        (Answer({"predictions": [None] * 240}), "240 of the model's 240 predictions are NaN or missing"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer: Answer, message: str):
    with serving(answering(answer)) as server, pytest.raises(DataError, match=message):
        open_model(server.url("/p")).predict(numbers())
