"""JSON over HTTP: deadlines, retries, and what is said of what went wrong."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from assay.errors import DataError, UsageError
from assay.evaluation.models.transport import Transport, split_url
from evaluation.models.servers import Answer, Request, Server, serving


def transport(server: Server, *, slept: list[float] | None = None, **told: object) -> Transport:
    return Transport(split_url(server.url("/")), sleep=(slept if slept is not None else []).append, **told)


def test_waits_double_where_the_server_does_not_say():
    slept: list[float] = []
    with serving(lambda _: Answer(status=502)) as server:
        transport(server, slept=slept, retries=4).send("/")

    assert slept == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "99999"}, 30.0),  # no longer than the time-out
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:05 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 5.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:27:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, 0.5),
        ({}, 0.5),
    ],
)
def test_waits_are_what_the_server_says(headers: dict[str, str], seconds: float):
    # Python's server writes its own Date first, so the answers here are written by hand.
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(f"HTTP/1.1 503 Busy\r\n{lines}Content-Length: 0\r\n\r\n".encode())

    slept: list[float] = []
    with serving(lambda _: Answer(), raw=write) as server:
        transport(server, slept=slept, retries=1).send("/")

    assert slept == [seconds]


@contextmanager
def stalling(first: bytes) -> Iterator[Server]:
    """Run a server that writes the first bytes of an answer, and then one every now and then until the test is over."""
    over = threading.Event()

    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(first)
            while not over.wait(0.02):
                handler.wfile.write(b" ")
        except OSError:
            return

    with serving(lambda _: Answer(), raw=write) as server:
        try:
            yield server
        finally:
            over.set()


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n["]
)
def test_a_server_that_drips_is_left_at_the_deadline(first: bytes):
    with (
        stalling(first) as server,
        pytest.raises(DataError, match=r"it did not answer within 0.2 s; see that it is up"),
    ):
        transport(server, seconds=0.2).ask("/")


def test_nothing_that_listens_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and it does not listen
        port = taken.getsockname()[1]

        with pytest.raises(DataError, match=rf"http://127.0.0.1:{port}/p: nothing listens there; start the server"):
            Transport(split_url(f"http://127.0.0.1:{port}")).ask("/p")


def test_a_host_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(DataError, match=r"there is no such host"):
        Transport(split_url("http://model.invalid")).ask("/p")


def test_what_is_no_http_is_said():
    def greet(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"220 mail ready\r\n\r\n")

    refused = pytest.raises(DataError, match=r"what it answers is no HTTP: BadStatusLine")
    with serving(lambda _: Answer(), raw=greet) as server, refused:
        transport(server).ask("/")


def test_a_plain_server_is_no_secure_one():
    with serving(lambda _: Answer()) as server, pytest.raises(DataError, match=r"the connection is not secure"):
        Transport(split_url(server.url("/").replace("http:", "https:"))).ask("/")


def test_a_connection_that_the_server_closed_is_opened_again():
    def close(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]")
        handler.close_connection = True  # without a word of it in the headers

    with serving(lambda _: Answer(), raw=close) as server:
        asking = transport(server)

        assert [asking.ask("/"), asking.ask("/"), asking.ask("/")] == [[], [], []]

    assert len({request.connection for request in server.asked}) == 3


def test_a_server_that_closes_without_a_word_is_an_error():
    def close(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    with serving(lambda _: Answer(), raw=close) as server, pytest.raises(DataError, match=r"it closed the connection"):
        transport(server).ask("/")


def test_an_answer_that_never_ends_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("assay.evaluation.models.transport.MOST_BYTES", 1 << 20)

    with serving(lambda _: Answer(b" " * (2 << 20))) as server, pytest.raises(DataError, match=r"is larger than 1 MiB"):
        transport(server).ask("/")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"error": "bad\n\n  input"}, "bad input"),
        ({"error": {"code": 3, "message": "bad input"}}, "bad input"),
        ({"detail": [{"loc": ["a"], "msg": "required"}]}, '[{"loc": ["a"], "msg": "required"}]'),
        (b"<html><style>p {}</style><p>Bad <b>gateway</b></p></html>", "Bad gateway"),
        (b"\x00\x1b[31mred", "??[31mred"),
        ({"error": "x" * 500 + "y" * 500}, "x" * 150 + " … " + "y" * 150),
        ({"status": "down"}, '{"status": "down"}'),
    ],
)
def test_the_body_of_an_error_is_one_sentence(content: object, said: str):
    with serving(lambda _: Answer(content, status=500)) as server, pytest.raises(DataError) as caught:
        transport(server).ask("/")

    assert caught.value.message == f"it answered 500 (Internal Server Error): {said}"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("file:///etc/passwd", "file is no way to ask a model"),
        ("ftp://host/x", "ftp is no way to ask a model"),
        ("http:///predict", "http is no way to ask a model"),
        ("http://host:99999/x", "the URL of the model cannot be read: Port out of range"),
        ("http://me:secret@host/x", r"the URL of the model at host holds a password; give it as a header"),
    ],
)
def test_urls_that_are_none_are_refused(url: str, message: str):
    with pytest.raises(UsageError, match=message) as caught:
        split_url(url)

    assert "secret" not in str(caught.value)


def test_the_headers_of_a_request_are_sent():
    with serving(lambda _: Answer([])) as server:
        transport(server, headers={"X-Team": "risk"}).ask("/", b"{}")

    asked: Request = server.asked[0]
    assert (asked.method, asked.headers["X-Team"], asked.headers["Accept"]) == ("POST", "risk", "application/json")
