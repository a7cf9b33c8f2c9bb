"""The fake model endpoint: three protocols, in this process and on the loopback, going wrong by a script."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.evaluation.models.opening import open_model
from assay.evaluation.models.options import EndpointOptions, ModelOptions
from assay.testing.fakes.asked import was_asked, was_not_asked
from assay.testing.fakes.endpoint import FakeEndpoint
from assay.testing.fakes.misbehaving import MISBEHAVIOURS, NoAnswer, misbehaviour
from assay.testing.fakes.protocols import PROTOCOLS, BadRequest, frame_of_request, rows_answered

FRAME = pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": [10.0, 20.0, 30.0]})
QUICK = ModelOptions(endpoint=EndpointOptions(timeout="0.2s", retries=1))
PLACES = {"v2": "/v2/models/model", "mlflow": "/invocations", "json": "/predict"}


def adding() -> FakeEndpoint:
    return FakeEndpoint(lambda frame: frame["a"] + frame["b"], columns=["a", "b"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_in_this_process_gets_the_answers(protocol: Any):
    endpoint = adding()

    found = endpoint.model(protocol).predict(FRAME)

    np.testing.assert_array_equal(found.predictions, [11, 22, 33])
    assert was_asked(endpoint, "POST *", times=1, given={"rows": 3})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_on_the_loopback_gets_the_answers(protocol: str):
    endpoint = adding()

    with endpoint.serving() as url:
        found = open_model(f"{url}{PLACES[protocol]}", features=["a", "b"]).predict(FRAME)

    np.testing.assert_array_equal(found.predictions, [11, 22, 33])
    assert endpoint.log.calls[-1].given["records"][0] == {"a": 1.0, "b": 10.0}


def test_scores_come_back_as_a_matrix():
    def scores(frame: pl.DataFrame) -> np.ndarray:
        p = frame["a"].to_numpy() / 10
        return np.column_stack([1 - p, p])

    endpoint = FakeEndpoint(scores, columns=["a", "b"])
    found = endpoint.model(options=ModelOptions(classes=("no", "yes"))).predict(FRAME)

    np.testing.assert_allclose(found.scores[:, 1], [0.1, 0.2, 0.3])


def test_a_model_of_assay_may_be_served():
    inner = open_model(lambda frame: frame["a"].to_numpy() * 2, features=["a"], options=ModelOptions(takes="polars"))

    found = FakeEndpoint(inner, columns=["a"]).model().predict(FRAME)

    np.testing.assert_array_equal(found.predictions, [2, 4, 6])


def test_texts_are_taken_where_they_are_declared():
    endpoint = FakeEndpoint(lambda f: [len(text) for text in f["kind"]], columns=["a", "kind"], texts=["kind"])

    found = endpoint.model().predict(pl.DataFrame({"kind": ["x", "xyz"], "a": [1.0, 2.0]}))

    assert found.predictions.tolist() == [1, 3]


def test_a_missing_column_is_answered_400_and_named():
    endpoint = adding()

    reply = endpoint.request("POST", "/invocations", json.dumps({"dataframe_records": [{"a": 1}]}).encode())

    assert (reply.status, json.loads(reply.body)) == (400, {"error": "the column 'b' is missing; there are: a"})
    assert was_asked(endpoint, "POST /invocations", answered="400")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]x", b"3", b'{"inputs": 3}', b'{"inputs": [{"name": "a", "shape": [2], "data": [1]}]}']
)
@pytest.mark.parametrize("place", ["/v2/models/model/infer", "/invocations", "/predict"])
def test_a_body_that_cannot_be_read_is_answered_400(body: bytes, place: str):
    reply = adding().request("POST", place, body)

    assert reply.status == 400
    assert json.loads(reply.body)["error"]


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("GET", "/v2/models/model", 200), ("GET", "/v2/models/model/ready", 200), ("GET", "/v2/health/live", 200),
        ("GET", "/ping", 200), ("GET", "/version", 200), ("GET", "/v2/models/other", 404), ("GET", "/nothing", 404),
        ("GET", "/v2/models/model/versions/2", 404), ("POST", "/v2/models/model/versions/2/infer", 404),
        ("GET", "/invocations", 405), ("DELETE", "/v2/models/model", 405), ("POST", "/v2/models/model", 405),
        ("POST", "/v2/models/model/explain", 404),
    ],
)  # fmt: skip
def test_other_questions_have_their_status(method: str, place: str, status: int):
    assert adding().request(method, place).status == status


def test_a_request_of_v2_names_its_version_its_id_and_its_outputs():
    tensor = {"name": "x", "datatype": "FP64", "shape": [2, 2], "data": [[1, 10], [2, 20]]}
    endpoint = adding()
    place = "/v2/models/model/versions/1/infer"

    good = json.loads(endpoint.request("POST", place, json.dumps({"id": "7", "inputs": [tensor]}).encode()).body)
    bad = endpoint.request("POST", place, json.dumps({"inputs": [tensor], "outputs": [{"name": "p"}]}).encode())

    assert (good["id"], good["model_version"], good["outputs"][0]["data"]) == ("7", "1", [11, 22])
    assert (bad.status, json.loads(bad.body)["error"]) == (400, "there is no output 'p'; there is: predict")


@pytest.mark.parametrize(
    ("protocol", "body"),
    [
        ("mlflow", {"dataframe_split": {"columns": ["b", "a"], "data": [[10, 1]]}}),
        ("mlflow", {"dataframe_records": [{"b": 10, "a": 1}]}),
        ("mlflow", {"instances": [[1, 10]]}),
        ("mlflow", {"inputs": {"a": [1], "b": [10]}}),
        ("json", [{"a": 1, "b": 10}]),
        ("json", [[1, 10]]),
        ("json", {"instances": [{"a": 1, "b": 10}]}),
        ("json", {"rows": [[10, 1]], "columns": ["b", "a"]}),
        ("json", {"a": 1, "b": 10}),
        ("v2", {"inputs": [{"name": "b", "shape": [1], "data": [10]}, {"name": "a", "shape": [1, 1], "data": [1]}]}),
        ("v2", {"inputs": [{"name": "x", "shape": [1, 2], "data": [1, 10]}]}),
    ],
)
def test_every_way_to_write_rows_is_read(protocol: str, body: Any):
    assert frame_of_request(protocol, body, ["a", "b"]).rows() == [(1, 10)]


def test_rows_without_declared_columns_are_named_by_their_places():
    assert frame_of_request("json", [[1, 2]], []).columns == ["0", "1"]
    with pytest.raises(BadRequest, match="one of dataframe_split"):
        frame_of_request("mlflow", {}, [])


# Going wrong ----------------------------------------------------------------------------------------------------------

SAID = {
    "timeout": "it did not answer within",
    "closed": "it closed the connection",
    "not_json": "it answered text/html, not JSON: 'Sign in'",
    "empty": "its answer is no JSON: it is empty",
    "fewer_rows": "it answered 2 rows for 3",
    "not_a_number": "3 of the model's 3 predictions are NaN or missing",
}
OF_V2 = {"error_body": "its answer has no outputs", "missing_field": "its answer has no outputs"}
OF_OTHERS = {
    "error_body": "the answer has nothing at 'predictions': there is an object of 'error'",
    "missing_field": "the answer has nothing at 'predictions': there is an object of nothing",
}


@pytest.mark.parametrize("name", [name for name in MISBEHAVIOURS if name != "wrong_version"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_sees_each_way_to_go_wrong(protocol: Any, name: str):
    endpoint = adding()
    model = endpoint.model(protocol)
    endpoint.script(name)

    with pytest.raises(DataError, match=({**SAID, **(OF_V2 if protocol == "v2" else OF_OTHERS)})[name]):
        model.predict(FRAME)

    np.testing.assert_array_equal(model.predict(FRAME).predictions, [11, 22, 33])


@pytest.mark.parametrize("name", ["timeout", "closed", "error_body", "not_json"])
def test_a_client_on_the_loopback_sees_the_same(name: str):
    endpoint = adding()
    with endpoint.serving() as url:
        model = open_model(f"{url}/v2/models/model", options=QUICK)
        endpoint.script(name, name)  # a connection that was kept and is closed is opened once more

        with pytest.raises(DataError, match={**SAID, **OF_V2}[name]):
            model.predict(FRAME)


def test_another_version_says_so_in_its_body_and_its_header():
    endpoint = adding()
    endpoint.script("wrong_version")

    reply = endpoint.request("POST", "/predict", b'[{"a": 1, "b": 2}]')

    assert (reply.headers["x-model-version"], json.loads(reply.body)["model_version"]) == ("0", "0")
    assert endpoint.request("POST", "/predict", b'[{"a": 1, "b": 2}]').headers["x-model-version"] == "1"


def test_a_client_that_is_told_to_come_again_does():
    endpoint = adding()
    model = endpoint.model()
    endpoint.script(503, 429, None)

    found = model.predict(FRAME)

    np.testing.assert_array_equal(found.predictions, [11, 22, 33])
    assert [call.answered for call in endpoint.log.calls if call.what.startswith("POST")] == ["503", "429", "ok"]
    assert endpoint.slept == [0.0, 0.0]  # Retry-After is 0


def test_an_error_of_the_server_is_not_tried_again():
    endpoint = adding()
    model = endpoint.model("mlflow")
    endpoint.script(always=500)

    with pytest.raises(DataError, match=r"it answered 500 \(Internal Server Error\): internal error"):
        model.predict(FRAME)

    assert was_asked(endpoint, "POST *", times=1, answered="500")


def test_a_model_that_was_not_asked_is_told():
    endpoint = adding()

    endpoint.model("json")

    assert was_not_asked(endpoint, "POST *")


def test_a_plain_client_sees_the_status_and_the_error():
    endpoint = FakeEndpoint(0.25, columns=["a"])
    endpoint.script(429)
    with endpoint.serving() as url:
        with pytest.raises(HTTPError) as refused:
            urlopen(Request(f"{url}/predict", data=b'[{"a": 1}]'))
        with refused.value as answer:
            assert (answer.code, answer.headers["Retry-After"]) == (429, "0")
        with urlopen(Request(f"{url}/predict", data=b'[{"a": 1}]')) as reply:
            assert json.loads(reply.read()) == {"predictions": [0.25]}


def test_an_error_of_the_persons_function_is_a_500_on_the_loopback():
    with FakeEndpoint(lambda frame: frame["no"], columns=["a"]).serving() as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        connection.request("POST", "/predict", b'[{"a": 1}]')
        reply = connection.getresponse()

        assert reply.status == 500
        assert b"ColumnNotFoundError" in reply.read()
        connection.close()


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_every_misbehaviour_changes_a_good_answer(name: str):
    good = {"predictions": [1.0, 2.0], "model_version": "1"}
    each = MISBEHAVIOURS[name]

    assert each.name == name
    assert each.title
    if name in ("timeout", "closed"):
        with pytest.raises(NoAnswer, match="it did not answer" if name == "timeout" else "it closed the connection"):
            each.change(good, "json")
    else:
        reply = each.change(good, "json")
        assert (reply.status, reply.body != json.dumps(good).encode()) == (200, True)


def test_the_rows_of_an_answer_are_counted():
    assert rows_answered({"predictions": [1, 2]}, "json") == 2
    assert rows_answered({"outputs": [{"shape": [3, 2], "data": []}]}, "v2") == 3
    assert rows_answered({"error": "x"}, "mlflow") is None


@pytest.mark.parametrize("told", [200, "time-out", 700])
def test_a_script_of_what_is_not_known_is_refused(told: Any):
    with pytest.raises(UsageError):
        misbehaviour(told)


def test_wrong_declarations_are_refused():
    with pytest.raises(UsageError, match="texts= names 'kind', which is none of the columns"):
        FakeEndpoint(columns=["a"], texts=["kind"])
    with pytest.raises(UsageError, match="predict gave 1 answers for 3 rows"):
        FakeEndpoint(lambda frame: [1], columns=["a"]).request("POST", "/predict", b'[{"a": 1}, {"a": 1}, {"a": 1}]')
