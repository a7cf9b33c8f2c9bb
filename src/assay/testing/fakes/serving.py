"""A fake endpoint on the loopback, for clients that only speak HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from assay.evaluation.models.transport import Reply
from assay.testing.fakes.misbehaving import NoAnswer

__all__ = ["Answering", "served"]

_MOST_BYTES = 64 << 20


class Answering(Protocol):
    """What answers requests: a `FakeEndpoint`."""

    def request(self, method: str, path: str, body: bytes = b"", *, headers: dict[str, str] | None = None) -> Reply:
        """Return the reply, or raise `NoAnswer`."""
        ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that left: that is what clients under test do."""


@contextmanager
def served(fake: Answering) -> Iterator[str]:
    """Serve a fake on a free port of the loopback until the block ends; yield "http://127.0.0.1:PORT".

    A request that gets no answer is held until its client leaves or the block ends.

    >>> from urllib.request import urlopen
    >>> from assay.testing.fakes.endpoint import FakeEndpoint
    >>> with served(FakeEndpoint(columns=["a"])) as url, urlopen(f"{url}/ping") as reply:
    ...     reply.status
    200
    """
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 60

        def do_GET(self) -> None:
            self.respond()

        def do_POST(self) -> None:
            self.respond()

        def do_PUT(self) -> None:
            self.respond()

        def do_DELETE(self) -> None:
            self.respond()

        def respond(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), _MOST_BYTES)
            body = self.rfile.read(length) if length else b""
            try:
                reply = fake.request(self.command, self.path, body, headers=dict(self.headers))
            except NoAnswer as silent:
                if not silent.closes:
                    over.wait(timeout=60)
                self.close_connection = True
                return
            except Exception as error:  # the function under the fake is a person's: a client sees the 500 of a server
                reply = Reply(500, {"content-type": "text/plain"}, f"{type(error).__name__}: {error}".encode())
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Write nothing: the fake has a log of its own."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        running = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        running.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            over.set()
            server.shutdown()
            running.join()
