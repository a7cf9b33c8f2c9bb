"""A fake model endpoint: it speaks three protocols, in this process or on the loopback, goes wrong on demand, and notes requests."""

from __future__ import annotations

import fnmatch
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError, UsageError
from assay.evaluation.models.adapted import Opening
from assay.evaluation.models.endpoint import PROTOCOLS as CLIENTS
from assay.evaluation.models.model import Model
from assay.evaluation.models.options import ModelOptions
from assay.evaluation.models.transport import Reply, Transport, split_url
from assay.testing.fakes.log import Log
from assay.testing.fakes.misbehaving import Misbehaviour, NoAnswer, error_reply, json_reply, misbehaviour
from assay.testing.fakes.protocols import PROTOCOLS, BadRequest, body_of, frame_of_request

__all__ = ["FakeEndpoint"]

Protocol = Literal["v2", "mlflow", "json"]
Predict = Callable[[pl.DataFrame], Any]
_V2 = re.compile(r"/v2/models/(?P<name>[^/]+)(/versions/(?P<version>[^/]+))?(?P<rest>/infer|/ready)?/?")
_WELL = ("/v2/health/live", "/v2/health/ready", "/ping", "/health", "/healthz")


class FakeEndpoint:
    """A served model that lives in the test: `predict` is a function of a Polars frame, a constant, or a model of Assay.

    `columns` are what it takes (a request without one is answered 400), with `texts` those that hold texts. It answers

    - the Open Inference Protocol v2: `/v2/models/NAME` (what it takes), `/v2/models/NAME/infer`, health;
    - MLflow's scoring server: `/invocations`, `/ping`, `/version`;
    - rows of JSON: any other POST, as a list of objects or of lists, or under "instances"; answered {"predictions": […]}.

    `script` says how the next predictions go wrong. Each request is in `log`, as "POST /invocations", with its rows. Ask it in this
    process by `model` and `request`, or over the loopback by `serving`.

    >>> endpoint = FakeEndpoint(lambda frame: frame["a"] + frame["b"], columns=["a", "b"])
    >>> model = endpoint.model()
    >>> model.predict(pl.DataFrame({"a": [1.0, 2.0], "b": [10.0, 20.0]})).predictions.tolist()
    [11.0, 22.0]
    >>> endpoint.script("error_body")
    >>> model.predict(pl.DataFrame({"a": [1.0], "b": [2.0]}))
    Traceback (most recent call last):
    assay.errors.DataError: http://fake.test/v2/models/model: its answer has no outputs
    >>> [(call.what, call.answered) for call in endpoint.log.calls][-1]
    ('POST /v2/models/model/infer', 'error_body')
    """

    def __init__(
        self, predict: Predict | Model | float | str = 0.5, *, columns: Sequence[str] = (), texts: Sequence[str] = (),
        name: str = "model", version: str = "1",
    ) -> None:  # fmt: skip
        stray = [each for each in texts if each not in columns]
        if stray:
            raise UsageError(f"texts= names {stray[0]!r}, which is none of the columns", hint="name it in columns= too")
        self.name, self.version = name, version
        self.columns, self.texts = tuple(columns), tuple(texts)
        self.log = Log()
        self.slept: list[float] = []  # what a client in this process would have waited between its attempts
        self._predict = predict
        self._script: deque[Misbehaviour | None] = deque()
        self._always: Misbehaviour | None = None
        self._lock = threading.Lock()

    def script(self, *steps: int | str | None, always: int | str | None = None) -> None:
        """Say how the next predictions go, one step each: a status (500, 429), the name of a misbehaviour, or None for a good answer.

        `always` holds for all that come after the steps. A script takes the place of the one before it. The names are those of
        `MISBEHAVIOURS`: timeout, closed, error_body, not_json, empty, wrong_version, missing_field, fewer_rows, not_a_number.
        """
        made = [None if step is None else misbehaviour(step) for step in steps]
        last = None if always is None else misbehaviour(always)
        with self._lock:
            self._script, self._always = deque(made), last

    def request(self, method: str, path: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None) -> Reply:
        """Return the reply to a request; raise `NoAnswer` where the script says that none comes. It is noted in the log."""
        target = path.partition("?")[0]
        what = f"{method} {target}"
        given: dict[str, Any] = {"headers": dict(headers or {})} if headers else {}
        known = self._told(method, target)
        if known is not None:
            self.log.note(what, given, answered="ok" if known.status == 200 else str(known.status))
            return known
        protocol = _protocol_of(target)
        wrong: Misbehaviour | None = None
        try:
            asked = body_of(body)
            frame = frame_of_request(protocol, asked, self.columns)
            given |= {"rows": frame.height, "records": frame.to_dicts()}
            wrong = self._next()
            server = {"name": self.name, "version": self.version}
            good = PROTOCOLS[protocol].answer(self._answers(frame), asked, server)
        except BadRequest as error:
            self.log.note(what, given, answered="400")
            return error_reply(400, str(error))
        self.log.note(what, given, answered="ok" if wrong is None else wrong.name)
        return json_reply(good, x_model_version=self.version) if wrong is None else wrong.change(good, protocol)

    def model(self, protocol: Protocol = "v2", *, options: ModelOptions | None = None) -> Model:
        """Return the model that Assay's own client makes of this endpoint, without a socket: retries are made, waiting is not.

        What it would have waited is in `slept`. A timeout is an error at once.
        """
        place = {"v2": f"/v2/models/{self.name}", "mlflow": "/invocations", "json": "/predict"}[protocol]
        told = options or ModelOptions()
        server = split_url(f"http://fake.test{place}")
        transport = _InProcess(
            server, told.endpoint.seconds, told.endpoint.retries, told.endpoint.headers, self.slept.append
        )
        transport.asked = self
        return CLIENTS[protocol](transport, place, Opening(self.columns or None, options=told))

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve it on a free port of the loopback until the block ends; yield the URL of the server, "http://127.0.0.1:PORT"."""
        from assay.testing.fakes.serving import served

        with served(self) as url:
            yield url

    def _told(self, method: str, target: str) -> Reply | None:
        """Return the reply to a question about the server, or to one that nobody answers; None for a prediction."""
        matched = _V2.fullmatch(target)
        if target.startswith("/v2/models/") and matched is None:
            return error_reply(404, f"there is nothing at {target}")
        if matched is not None and matched["name"] != self.name:
            return error_reply(404, f"there is no model {matched['name']!r}; there is: {self.name}")
        if matched is not None and matched["version"] not in (None, self.version):
            return error_reply(
                404, f"there is no version {matched['version']!r} of {self.name}; there is: {self.version}"
            )
        if method == "POST" and (matched is None or matched["rest"] == "/infer"):
            return None
        if method != "GET":
            return error_reply(405, f"{method} is not allowed here")
        if matched is not None and matched["rest"] is None:
            return json_reply(self._metadata())
        if target in _WELL or (matched is not None and matched["rest"] == "/ready"):
            return json_reply({"ready": True})
        if target == "/version":
            return json_reply(self.version)
        return error_reply(405 if matched is not None or target == "/invocations" else 404)

    def _metadata(self) -> dict[str, Any]:
        inputs = [
            {"name": name, "datatype": "BYTES" if name in self.texts else "FP64", "shape": [-1, 1]}
            for name in self.columns
        ]
        outputs = [{"name": "predict", "datatype": "FP64", "shape": [-1]}]
        return {
            "name": self.name,
            "versions": [self.version],
            "platform": "assay-fake",
            "inputs": inputs,
            "outputs": outputs,
        }

    def _next(self) -> Misbehaviour | None:
        with self._lock:
            return self._script.popleft() if self._script else self._always

    def _answers(self, frame: pl.DataFrame) -> NDArray[Any]:
        predict: Any = self._predict
        if hasattr(predict, "predict"):
            output = predict.predict(frame)
            predict = output.scores if output.scores is not None else output.predictions
        elif callable(predict):
            predict = predict(frame)
        else:
            predict = [predict] * frame.height
        array = predict.to_numpy() if isinstance(predict, pl.Series) else np.asarray(predict)
        if array.ndim == 0 or len(array) != frame.height:
            raise UsageError(f"predict gave {array.size} answers for {frame.height} rows", hint="give one for each row")
        return array


class _InProcess(Transport):
    """A transport that hands requests to a fake in this process."""

    asked: FakeEndpoint

    def _exchanged(self, target: str, body: bytes | None) -> Reply:
        try:
            return self.asked.request("GET" if body is None else "POST", target, body or b"", headers=self.headers)
        except NoAnswer as silent:
            place = self.place(target)
            if silent.closes:
                raise DataError("it closed the connection", place=place) from None
            said = f"it did not answer within {self.seconds:g} s"
            raise DataError(said, place=place, hint="see that it is up, or give it more: timeout") from None


def _protocol_of(target: str) -> str:
    if target.startswith("/v2/"):
        return "v2"
    return "mlflow" if fnmatch.fnmatchcase(target.rstrip("/"), "*/invocations") else "json"
