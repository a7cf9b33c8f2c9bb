"""Small real servers on the loopback: one of any answers, and one that keeps the Open Inference Protocol v2."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Answer:
    """What a server answers: a status, JSON (or bytes as they are), and headers."""

    content: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


@dataclass(frozen=True)
class Request:
    """What a server was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    connection: int


Handle = Callable[[Request], Answer]


@dataclass
class Server:
    """A running server: where it is, and what it was asked."""

    port: int
    asked: list[Request] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class _Running(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that left."""


@contextmanager
def serving(handle: Handle, *, raw: Callable[[BaseHTTPRequestHandler], None] | None = None) -> Iterator[Server]:
    """Run a server that answers by `handle`; `raw` takes the connection itself instead."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.respond()

        def do_POST(self) -> None:
            self.respond()

        def respond(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            port = self.client_address[1]
            request = Request(self.command, self.path, dict(self.headers), json.loads(body) if body else None, port)
            server.asked.append(request)
            if raw is not None:
                raw(self)
                return
            answer = handle(request)
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _Running(("127.0.0.1", 0), Handler) as running:
        server = Server(running.server_address[1])
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            running.shutdown()
            thread.join()


NUMPY = {"BOOL": "?", "INT64": "i8", "INT32": "i4", "FP32": "f4", "FP64": "f8", "BYTES": "O"}


class Refused(Exception):
    """What a server says of a request that breaks the protocol."""


@dataclass(frozen=True)
class Protocol2:
    """A server of one model by the Open Inference Protocol v2: inputs and outputs are (name, datatype, shape)."""

    name: str
    inputs: list[tuple[str, str, list[int]]]
    outputs: list[tuple[str, str, list[int]]]
    predict: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
    nested: bool = False

    def __call__(self, request: Request) -> Answer:
        base = f"/v2/models/{self.name}"
        if (request.method, request.path) == ("GET", base):
            return Answer(self.metadata())
        if (request.method, request.path) != ("POST", f"{base}/infer"):
            return Answer({"error": f"there is no {request.path}"}, 404)
        try:
            return Answer(self.infer(request.body))
        except Refused as refused:
            return Answer({"error": str(refused)}, 400)

    def metadata(self) -> dict[str, Any]:
        def told(tensors: list[tuple[str, str, list[int]]]) -> list[dict[str, Any]]:
            return [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape in tensors]

        return {
            "name": self.name,
            "platform": "python",
            "inputs": told(self.inputs),
            "outputs": told(self.outputs),
        }

    def infer(self, body: dict[str, Any]) -> dict[str, Any]:
        known = {name: (kind, shape) for name, kind, shape in self.inputs}
        arrays = {}
        for given in body["inputs"]:
            if set(given) - {"name", "shape", "datatype", "parameters", "data"}:
                raise Refused(f"a tensor has no {sorted(given)}")
            if known and (given["name"] not in known or known[given["name"]][0] != given["datatype"]):
                raise Refused(f"there is no input {given['name']} of {given['datatype']}")
            wanted = known.get(given["name"], ("", [-1, -1]))[1]
            if len(wanted) != len(given["shape"]) or any(
                w not in (-1, s) for w, s in zip(wanted, given["shape"], strict=True)
            ):
                raise Refused(f"{given['name']} has the shape {given['shape']}, not {wanted}")
            if math.prod(given["shape"]) != len(given["data"]):
                raise Refused(f"{given['name']} has {len(given['data'])} elements for {given['shape']}")
            arrays[given["name"]] = np.array(given["data"], dtype=NUMPY[given["datatype"]]).reshape(given["shape"])
        if known.keys() - arrays.keys():
            raise Refused(f"{sorted(known.keys() - arrays.keys())} are missing")
        asked = {one["name"] for one in body.get("outputs", [])}
        said = self.predict(arrays)
        return {
            "model_name": self.name,
            "outputs": [
                {
                    "name": name,
                    "datatype": kind,
                    "shape": list(said[name].shape),
                    "data": said[name].tolist() if self.nested else said[name].ravel().tolist(),
                }
                for name, kind, _ in self.outputs
                if not asked or name in asked
            ],
        }
