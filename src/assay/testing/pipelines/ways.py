"""The ways to a service: a URL, an ASGI or WSGI application, or a function; all answer as one transport does."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from assay.errors import DataError
from assay.evaluation.models.transport import Reply, Transport, split_url
from assay.testing.pipelines.service import Service

__all__ = ["InProcess", "opened", "target_of"]

HOST = "http://service.invalid"  # an application in this process: no request leaves it
JSON = {"content-type": "application/json"}
Sender = Callable[[str, bytes | None], Reply]


@dataclass
class InProcess(Transport):
    """A transport that asks a handler in this process; `sender` is given a target and a body, and returns the reply."""

    sender: Sender | None = None

    def send(self, target: str, body: bytes | None = None) -> Reply:
        """Return what the handler answers, whatever the status."""
        assert self.sender is not None
        return self.sender(target, body)


@contextmanager
def opened(service: Service) -> Iterator[Transport]:
    """Open the way to a service; an ASGI application is started before and shut down after.

    Raises DataError where an application does not start.
    """
    if service.way == "url":
        assert isinstance(service.handler, str)
        yield Transport(split_url(service.handler), service.options.seconds, 0, dict(service.options.headers))
        return
    made = {"wsgi": _wsgi, "function": _function}
    if service.way in made:
        yield InProcess(urlsplit(HOST), retries=0, sender=made[service.way](service.handler))
        return
    with _asgi(service.handler) as sender:
        yield InProcess(urlsplit(HOST), retries=0, sender=sender)


def target_of(service: Service) -> str:
    """Return the path and query that the service answers at."""
    if service.way != "url":
        return service.route
    parts = urlsplit(str(service.handler))
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _function(handler: Any) -> Sender:
    def send(target: str, body: bytes | None) -> Reply:
        if body is None:
            return Reply(404, JSON, b"")  # a function has no other routes: its model does not describe itself
        try:
            told = json.loads(body)
        except ValueError:
            return Reply(
                400, JSON, b'{"error": "the body is no JSON"}'
            )  # what every server does before it calls a function
        try:
            said = handler(told)
        except Exception as error:  # a handler is anyone's code; what it raises is what a server would make of it
            return _raised(error)
        status = 200
        if isinstance(said, tuple) and len(said) == 2 and any(isinstance(part, int) for part in said):
            status, said = said if isinstance(said[0], int) else (said[1], said[0])
        if isinstance(said, bytes | str):
            return Reply(status, JSON, said.encode() if isinstance(said, str) else said)
        try:
            return Reply(status, JSON, json.dumps(said).encode())
        except (TypeError, ValueError) as error:
            return Reply(500, JSON, json.dumps({"error": f"the answer is no JSON: {error}"}).encode())

    return send


def _raised(error: Exception) -> Reply:
    """Return what a server answers where a handler raised: the error's own status, or 500."""
    status = next((s for n in ("status_code", "code") if isinstance(s := getattr(error, n, None), int)), 500)
    said = next((getattr(error, n) for n in ("detail", "description") if getattr(error, n, None)), None)
    text = str(said or error) if status != 500 else f"{type(error).__name__}: {error}"
    return Reply(status, JSON, json.dumps({"error": text}).encode())


def _wsgi(handler: Any) -> Sender:
    def send(target: str, body: bytes | None) -> Reply:
        path, _, query = target.partition("?")
        got: dict[str, Any] = {}

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], None]:
            got.update(status=int(status.split(maxsplit=1)[0]), headers={k.lower(): v for k, v in headers})
            return io.BytesIO().write  # type: ignore[return-value]  # the old way to write, which nobody uses

        raw = body or b""
        environ = {
            "REQUEST_METHOD": "GET" if body is None else "POST", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(raw)), "SERVER_NAME": "service.invalid", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_ACCEPT": "application/json", "HTTP_HOST": "service.invalid", "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(raw), "wsgi.errors": io.StringIO(), "wsgi.multithread": False,
            "wsgi.multiprocess": False, "wsgi.run_once": False, "REMOTE_ADDR": "127.0.0.1",
        }  # fmt: skip
        try:
            parts = handler(environ, start_response)
            said = b"".join(parts)
            if hasattr(parts, "close"):
                parts.close()
        except Exception as error:  # a server answers 500, whatever the application raised
            return _raised(error)
        return Reply(got.get("status", 500), got.get("headers", {}), said)

    return send


@contextmanager
def _asgi(handler: Any) -> Iterator[Sender]:
    with asyncio.Runner() as runner:
        lifespan = _Lifespan(handler)
        runner.run(lifespan.start())

        def send(target: str, body: bytes | None) -> Reply:
            return runner.run(_exchange(handler, target, body))

        try:
            yield send
        finally:
            runner.run(lifespan.stop())


class _Lifespan:
    """The start and end of an ASGI application, for those that have them."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self.asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self.told: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.task = asyncio.ensure_future(self._run())
        await self.asked.put({"type": "lifespan.startup"})
        said = await self.told.get()
        if said["type"] == "lifespan.startup.failed":
            raise DataError(f"the application does not start: {said.get('message') or 'it does not say why'}")

    async def stop(self) -> None:
        if self.task is not None and not self.task.done():
            await self.asked.put({"type": "lifespan.shutdown"})
            await self.told.get()
            self.task.cancel()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await self.handler(scope, self.asked.get, self.told.put)
        except Exception as error:  # one without a lifespan raises whatever it does at a scope that it does not know
            await self.told.put({"type": "lifespan.none", "message": str(error)})
            return
        await self.told.put({"type": "lifespan.none"})


async def _exchange(handler: Any, target: str, body: bytes | None) -> Reply:
    path, _, query = target.partition("?")
    headers = [(b"host", b"service.invalid"), (b"accept", b"application/json"), (b"content-type", b"application/json")]
    if body is not None:
        headers.append((b"content-length", str(len(body)).encode()))
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": "GET" if body is None else "POST",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("service.invalid", 80), "state": {},
    }  # fmt: skip
    sent = [{"type": "http.request", "body": body or b"", "more_body": False}]
    parts: list[bytes] = []
    got: dict[str, Any] = {"status": 500, "headers": {}}

    async def receive() -> Mapping[str, Any]:
        return sent.pop() if sent else {"type": "http.disconnect"}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            got.update(
                status=message["status"],
                headers={k.decode().lower(): v.decode() for k, v in message.get("headers", [])},
            )
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    try:
        await handler(scope, receive, send)
    except Exception as error:  # a server answers 500, whatever the application raised
        if not parts:
            return _raised(error)
    return Reply(got["status"], got["headers"], b"".join(parts))
