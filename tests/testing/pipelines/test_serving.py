"""Services: in this process by each way, and behind a URL; good ones pass, and each mistake is caught."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.testing.contract import run_contracts
from assay.testing.explaining import explained
from assay.testing.pipelines.pipeline import pipeline
from assay.testing.pipelines.service import service
from assay.testing.pipelines.serving import FAULTY, serves
from assay.testing.pipelines.table import PIPELINE_CONTRACTS
from assay.verdict import Outcome, Verdict

ROWS = pl.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "income": [1.0, 2.0, 3.0, 4.0]})
Body = Any


class BadRequest(Exception):
    status_code = 400


def chance(rows: pl.DataFrame) -> Any:
    return 1 / (1 + np.exp(-(rows["age"].to_numpy() - 35) / 10 + rows["income"].to_numpy() / 10))


def frame_of(body: Body) -> pl.DataFrame:
    """Return the rows of a body of json; raise BadRequest where it is wrong."""
    rows = body.get("instances") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise BadRequest("instances is missing")
    for row in rows:
        for name in ROWS.columns:
            if not isinstance(row.get(name), int | float):
                raise BadRequest(f"{name} is {row.get(name)!r}, and has to be a number")
    return pl.DataFrame(rows, schema=ROWS.schema)


def good(body: Body) -> Body:
    return {"predictions": chance(frame_of(body)).tolist()}


def judged(handler: Any, model: Callable[..., Any] | None = chance, **declared: Any) -> Outcome:
    told = service(handler, output=declared.pop("output", "probability"), **declared)
    subject = pipeline({"fit": lambda rows: model}, inputs=ROWS, serve=told, name="churn")
    return serves(subject, ROWS)


def test_a_good_function_passes_and_says_how_much_was_asked():
    seen = judged(good)

    assert seen.verdict is Verdict.PASS
    assert seen.why == "17 answers to requests (json through its function) were as they should be, of up to 4 rows"


def one_short(body: Body) -> Body:
    return {"predictions": chance(frame_of(body)).tolist()[:-1]}


def renamed(body: Body) -> Body:
    return {"scores": chance(frame_of(body)).tolist()}


def percent(body: Body) -> Body:
    return {"predictions": (100 * chance(frame_of(body))).tolist()}


def error_in_200(body: Body) -> Body:
    try:
        return good(body)
    except BadRequest as error:
        return {"error": str(error)}


def fills_gaps(body: Body) -> Body:
    rows = [{name: row.get(name) or 0.0 for name in ROWS.columns} for row in body["instances"]]
    return {"predictions": chance(pl.DataFrame(rows)).tolist()}


def crashes(body: Body) -> Body:
    return {"predictions": [chance(pl.DataFrame([row]))[0] for row in body["instances"]]}


def no_reason(body: Body) -> Body:
    try:
        return good(body)
    except BadRequest:
        return 422, {}


def traceback(body: Body) -> Body:
    try:
        return good(body)
    except BadRequest:
        return 400, {"error": "Traceback (most recent call last): …"}


def swapped(body: Body) -> Body:
    return {"predictions": chance(frame_of(body).rename({"age": "income", "income": "age"})).tolist()}


def no_json(body: Body) -> Body:
    return "<html>"


def nan(body: Body) -> Body:
    return {"predictions": [float("nan") for _ in frame_of(body)["age"]]}


MISTAKES = [
    (one_short, "it answered 0 rows for 1"),
    (renamed, "nothing at 'predictions'"),
    (percent, "16.7982"),
    (error_in_200, '200: {"error": "age is'),
    (fills_gaps, "200: "),
    (crashes, "500: "),
    (no_reason, "422 without a reason: {}"),
    (traceback, "400 with a traceback"),
    (swapped, "of 1 others: row 0 is"),
    (no_json, "no JSON"),
    (nan, "NaN"),
    (lambda body: (503, {"error": "loading"}), "503"),
    (lambda body: {"predictions": {"a": 1}}, ""),
]


@pytest.mark.parametrize(("handler", "got"), MISTAKES, ids=lambda value: getattr(value, "__name__", ""))
def test_each_mistake_is_caught_with_the_request_that_shows_it(handler: Callable[[Body], Body], got: str):
    seen = judged(handler)

    assert seen.verdict is Verdict.FAIL
    assert got in " ".join(example.why for example in seen.examples)
    assert "expected" in explained(seen)


def test_another_model_behind_the_service_is_caught():
    seen = judged(good, model=lambda rows: chance(rows) * 0.9)

    assert "1 of 1 others: row 0 is 0.167982, the model says 0.151183" in explained(seen)


def test_labels_of_a_service_may_be_those_of_a_model_that_has_probabilities():
    class Model:
        def predict_proba(self, rows: pl.DataFrame) -> Any:
            return np.column_stack([1 - chance(rows), chance(rows)])

        def predict(self, rows: pl.DataFrame) -> Any:
            return np.where(chance(rows) > 0.5, "yes", "no")

    def labels(body: Body) -> Body:
        return {"predictions": ["yes" if p > 0.5 else "no" for p in chance(frame_of(body))]}

    def last(body: Body) -> Body:
        return {"predictions": chance(frame_of(body)).tolist()}

    both = [
        judged(labels, model=Model(), output="label", classes=("no", "yes")),  # type: ignore[arg-type]
        judged(last, model=Model()),  # type: ignore[arg-type]
    ]

    assert [seen.verdict for seen in both] == [Verdict.PASS, Verdict.PASS]
    wrong = judged(labels, model=Model(), output="label", classes=("0", "1"))  # type: ignore[arg-type]
    assert "one of 0, 1" in explained(wrong)


def test_what_a_service_may_take_is_named():
    def lenient(body: Body) -> Body:
        rows = frame_of({"instances": [{"age": 35.0, **row} for row in body["instances"]]} if body else body)
        return {"predictions": chance(rows).tolist()}

    assert judged(lenient).verdict is Verdict.FAIL
    assert judged(lenient, but=["missing column"]).verdict is Verdict.PASS
    with pytest.raises(UsageError, match="did you mean 'missing column'"):
        judged(lenient, but=["mising column"])


def test_answers_are_compared_with_nothing_where_there_is_no_model():
    subject = pipeline({"fit": lambda rows: {"auc": 0.9}}, inputs=ROWS, serve=service(good))

    seen = serves(subject, ROWS)

    assert seen.verdict is Verdict.PASS
    assert "no model in this process" in seen.note


def test_a_service_is_judged_without_a_path_too(url: str):
    subject = pipeline(None, serve=url + "/predict", inputs=ROWS)

    seen = run_contracts(PIPELINE_CONTRACTS, subject, None)

    assert {outcome.check: outcome.verdict.value for outcome in seen if outcome.verdict is not Verdict.SKIP} == {
        "serves": "pass"
    }
    with pytest.raises(UsageError, match="no steps"):
        pipeline(None)


def test_no_rows_to_ask_with_are_inconclusive():
    subject = pipeline({"fit": lambda rows: chance}, inputs=ROWS, serve=service(good))

    assert serves(subject, ROWS, rows=0).verdict is Verdict.INCONCLUSIVE


def test_values_have_to_be_finite_numbers():
    assert (
        judged(lambda body: {"predictions": ["a"] * len(frame_of(body))}, model=None, output="value").verdict
        is Verdict.FAIL
    )


# Other protocols and other ways -------------------------------------------------------------------------------------


def v2(told: Body) -> tuple[int, Body]:
    """Answer v2, for one matrix of FP64."""
    try:
        one = told["inputs"][0]
        n, k = one["shape"]
        if one["datatype"] != "FP64" or k != 2 or len(one["data"]) != n * k:
            return 400, {"error": "one input of FP64 and of the shape [n, 2] is expected"}
        cells = np.array(one["data"], dtype=np.float64).reshape(n, k)
        if not np.isfinite(cells).all():
            return 400, {"error": "a number is missing"}
    except (KeyError, ValueError, TypeError, IndexError) as error:
        return 400, {"error": f"the request cannot be read: {error!r}"}
    data = chance(pl.DataFrame(cells, schema=ROWS.schema)).tolist()
    return 200, {"model_name": "churn", "outputs": [{"name": "p", "shape": [n], "datatype": "FP64", "data": data}]}


def mlflow(told: Body) -> tuple[int, Body]:
    """Answer MLflow's scoring protocol."""
    try:
        split = told["dataframe_split"]
        rows = pl.DataFrame(split["data"], schema=split["columns"], orient="row").select(
            pl.col(ROWS.columns).cast(pl.Float64)
        )
        if any(len(row) != len(split["columns"]) for row in split["data"]) or rows.null_count().sum_horizontal().item():
            return 400, {"message": "the rows do not fit the columns"}
    except (KeyError, TypeError, pl.exceptions.PolarsError) as error:
        return 400, {"message": f"the request cannot be read: {error!r}"}
    return 200, {"predictions": chance(rows).tolist()}


META = {"name": "churn", "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 2]}], "outputs": []}


def routed(method: str, path: str, body: bytes) -> tuple[int, Body]:
    """Answer as a server does that has one model under each protocol."""
    if method == "GET":
        return (200, META) if path == "/v2/models/churn" else (404, {"error": "there is no such path"})
    try:
        told = json.loads(body)
    except ValueError:
        return 400, {"error": "the body is no JSON"}
    if path == "/v2/models/churn/infer":
        return v2(told)
    if path == "/invocations":
        return mlflow(told)
    try:
        return 200, good(told)
    except BadRequest as error:
        return 422, {"detail": str(error)}


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
    status, said = routed(environ["REQUEST_METHOD"], environ["PATH_INFO"], raw)
    start_response(f"{status} Said", [("Content-Type", "application/json")])
    return [json.dumps(said).encode()]


async def asgi(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    assert scope["type"] == "http"
    message = await receive()
    status, said = routed(scope["method"], scope["path"], message["body"])
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(said).encode()})


class Application:
    """An ASGI application that loads its model when it starts."""

    def __init__(self, *, starts: bool = True) -> None:
        self.log: list[str] = []
        self.starts = starts

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "lifespan":
            assert self.log == ["started"]
            return await asgi(scope, receive, send)
        await receive()
        if not self.starts:
            return await send({"type": "lifespan.startup.failed", "message": "no model.onnx"})
        self.log.append("started")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.log.append("stopped")
        return await send({"type": "lifespan.shutdown.complete"})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = routed(method, self.path, body)
            raw = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


ROUTES = {"json": "/predict", "mlflow": "/invocations", "v2": "/v2/models/churn"}


@pytest.mark.parametrize("protocol", list(ROUTES))
@pytest.mark.parametrize("way", ["wsgi", "asgi", "application", "url"])
def test_each_protocol_is_spoken_in_each_way(way: str, protocol: str, url: str):
    handler: Any = {"wsgi": wsgi, "asgi": asgi, "application": Application(), "url": url + ROUTES[protocol]}[way]

    seen = judged(handler, **({} if way == "url" else {"route": ROUTES[protocol]}))

    assert seen.verdict is Verdict.PASS, explained(seen)
    assert protocol in seen.why
    if way == "application":
        assert handler.log == ["started", "stopped"]


def test_an_application_that_does_not_start_is_told_of():
    with pytest.raises(DataError, match=r"does not start: no model\.onnx"):
        judged(Application(starts=False))


def test_an_application_that_raises_is_a_status_of_500():
    def careless(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        told = json.loads(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(good(told)).encode()]

    async def careless_too(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        told = json.loads((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(good(told)).encode()})

    for handler in (careless, careless_too):
        seen = judged(handler)
        assert seen.verdict is Verdict.FAIL
        assert "500: " in seen.why


def test_a_flask_application_is_asked_as_it_is():
    flask = pytest.importorskip("flask")
    app = flask.Flask("churn")

    @app.post("/predict")
    def predict() -> Any:
        status, said = routed("POST", "/predict", flask.request.get_data())
        return said, status

    assert judged(app, route="/predict").verdict is Verdict.PASS


def test_a_service_that_is_not_there_fails_with_what_to_do():
    seen = judged("http://127.0.0.1:9/predict", options={"timeout": "2s"})

    assert seen.verdict is Verdict.FAIL
    assert "nothing listens there" in seen.why


def test_a_v2_service_with_a_tensor_for_each_column_is_sent_them():
    inputs = [{"name": name, "datatype": "FP32", "shape": [-1]} for name in ROWS.columns]

    def columns(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        if environ["REQUEST_METHOD"] == "GET":
            return [json.dumps({"name": "churn", "inputs": inputs}).encode()]
        told = json.loads(environ["wsgi.input"].read())
        rows = pl.DataFrame({one["name"]: one["data"] for one in told["inputs"]})
        data = chance(rows).tolist()
        return [
            json.dumps({"outputs": [{"name": "p", "shape": [rows.height], "datatype": "FP64", "data": data}]}).encode()
        ]

    told = service(columns, route="/v2/models/churn", output="probability", but=list(FAULTY))
    seen = serves(pipeline({"fit": lambda rows: chance}, inputs=ROWS, serve=told), ROWS)

    assert seen.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("declared", "said"),
    [({"protocol": "v3"}, "v2"), ({"output": "class"}, "label"), ({"options": {"tiemout": "1s"}}, "timeout")],
)
def test_what_a_service_cannot_be_is_refused(declared: dict[str, Any], said: str):
    with pytest.raises(UsageError, match=said):
        service(good, **declared)


def test_what_answers_no_requests_is_refused():
    with pytest.raises(UsageError, match="answers no requests"):
        service(3)  # type: ignore[arg-type]
