"""JSON over HTTP with an end: every request has a deadline, retries are counted, and what went wrong is one sentence."""

from __future__ import annotations

import email.utils
import http.client
import json
import re
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from assay.errors import DataError, UsageError

__all__ = ["RETRIED", "Reply", "Transport", "split_url"]

RETRIED = (429, 502, 503)
MOST_BYTES = 256 << 20
_CHUNK = 1 << 16


class Reply(NamedTuple):
    """What a server answered: the status, the headers by their names in small letters, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def split_url(url: str) -> SplitResult:
    """Return the parts of a URL; raise UsageError where it is not http(s), has no host, or holds a password."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError as error:
        raise UsageError(f"the URL of the model cannot be read: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        raise UsageError(
            f"{parts.scheme or 'a URL without a scheme'} is no way to ask a model",
            hint="give http://HOST/... or https://",
        )
    if parts.username or parts.password:
        raise UsageError(
            f"the URL of the model at {parts.hostname} holds a password",
            hint="give it as a header: Authorization: Basic ${NAME}",
        )
    return parts


@dataclass
class Transport:
    """A connection to one server, kept open between requests; one request at a time.

    A request and its answer take at most `seconds` together. A status of 429, 502 or 503 is tried again at most
    `retries` times: after what Retry-After says, but at most `seconds`, or after 0.5, 1, 2, ... seconds. Redirections
    are not followed.
    """

    server: SplitResult
    seconds: float = 30.0
    retries: int = 3
    headers: Mapping[str, str] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    _open: list[http.client.HTTPConnection] = field(default_factory=list)  # none, or the one
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        # Unlike __del__ this runs before the socket itself goes, also where both are found in a cycle.
        weakref.finalize(self, _close, self._open)

    @property
    def origin(self) -> str:
        """Return the scheme, host and port."""
        return f"{self.server.scheme}://{self.server.netloc}"

    def place(self, target: str) -> str:
        """Return the URL of a target for a person to read: without its query, which may hold a secret."""
        return self.origin + target.partition("?")[0]

    def ask(self, target: str, body: bytes | None = None) -> object:
        """Return the JSON that the server answers to a GET, or to a POST of a body of JSON.

        Raises DataError, with the URL, where it does not answer in time, answers another status than 200, or no JSON.
        """
        place = self.place(target)
        reply = self.send(target, body)
        if reply.status != 200:
            raise DataError(f"it answered {reply.status} {_reason(reply)}", place=place, hint=_hint(reply))
        kind = reply.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if not (kind.endswith("json") or kind in ("text/plain", "application/octet-stream", "")):
            raise DataError(
                f"it answered {kind}, not JSON{_begins(reply.body)}", place=place, hint="is this the URL of the model?"
            )
        try:
            return json.loads(reply.body)  # it reads NaN, which servers in Python write
        except (ValueError, RecursionError):
            raise DataError(f"its answer is no JSON{_begins(reply.body)}", place=place) from None

    def send(self, target: str, body: bytes | None = None) -> Reply:
        """Return what the server answers, whatever the status, after the retries that it asks for."""
        for attempt in range(self.retries + 1):
            with self._lock:
                reply = self._exchanged(target, body)
            if reply.status not in RETRIED or attempt == self.retries:
                return reply
            self.sleep(min(_wait(reply, attempt), self.seconds))
        raise AssertionError("the last attempt returns")

    def _exchanged(self, target: str, body: bytes | None) -> Reply:
        """Return one answer; a connection that the server closed while it was idle is opened once more."""
        place = self.place(target)
        late = f"it did not answer within {self.seconds:g} s"
        kept = bool(self._open)
        expired = threading.Event()
        try:
            return self._once(target, body, expired)
        except (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected) as error:
            _close(self._open)
            if expired.is_set():
                raise DataError(late, place=place, hint="see that it is up, or give it more: timeout") from None
            if not kept:
                raise DataError(f"it closed the connection: {error}", place=place) from None
        except Exception as error:  # sockets, TLS and HTTP fail in their own ways, each of which is a sentence
            _close(self._open)
            raise _broken(error, late if expired.is_set() else "", place, self.seconds) from None
        return self._exchanged(target, body)

    def _once(self, target: str, body: bytes | None, expired: threading.Event) -> Reply:
        if not self._open:
            self._open.append(self._opened())
        connection = self._open[0]

        def expire() -> None:
            expired.set()
            if connection.sock is not None:
                # Whoever waits for the server now gets an error; a time-out of the socket would only bound each of its parts.
                _shut(connection.sock)

        watch = threading.Timer(self.seconds, expire)
        watch.daemon = True
        watch.start()
        try:
            sent = {"Accept": "application/json", "Accept-Encoding": "identity", **self.headers}
            if body is not None:
                sent["Content-Type"] = "application/json"
            connection.request("GET" if body is None else "POST", target, body=body, headers=sent)
            response = connection.getresponse()
            reply = Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, _read(response))
            if expired.is_set():
                raise TimeoutError
        finally:
            watch.cancel()
        if response.will_close:
            _close(self._open)
        return reply

    def _opened(self) -> http.client.HTTPConnection:
        host = str(self.server.hostname)
        if self.server.scheme == "https":
            return http.client.HTTPSConnection(
                host, self.server.port, timeout=self.seconds, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(host, self.server.port, timeout=self.seconds)


def _close(connections: list[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def _shut(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already


def _read(response: http.client.HTTPResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    while chunk := response.read(_CHUNK):
        parts.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise _TooLargeError
    return b"".join(parts)


class _TooLargeError(Exception):
    """An answer is larger than any answer is."""


def _broken(error: Exception, late: str, place: str, seconds: float) -> DataError:
    """Return what to say of a request that had no answer."""
    if late or isinstance(error, TimeoutError):
        said = late or f"it did not answer within {seconds:g} s"
        return DataError(said, place=place, hint="see that it is up, or give it more: timeout")
    if isinstance(error, _TooLargeError):
        return DataError(
            f"its answer is larger than {MOST_BYTES >> 20} MiB", place=place, hint="send fewer rows at once: rows"
        )
    if isinstance(error, ConnectionRefusedError):
        return DataError(
            "nothing listens there", place=place, hint="start the server, or see that host and port are right"
        )
    if isinstance(error, socket.gaierror):
        return DataError("there is no such host", place=place)
    if isinstance(error, ssl.SSLError):
        return DataError(f"the connection is not secure: {error.reason or error}", place=place)
    if isinstance(error, http.client.HTTPException):
        return DataError(f"what it answers is no HTTP: {type(error).__name__}", place=place)
    if isinstance(error, OSError):
        return DataError(f"it cannot be reached: {error.strerror or error}", place=place)
    return DataError(f"the request cannot be sent: {type(error).__name__}: {error}", place=place)


def _wait(reply: Reply, attempt: int) -> float:
    """Return how many seconds to wait: a number of them, or an instant beside the server's own clock."""
    told = reply.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", told):
        return float(told)
    try:
        until = email.utils.parsedate_to_datetime(told)
        return max((until - email.utils.parsedate_to_datetime(reply.headers.get("date", ""))).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return float(0.5 * 2**attempt)


def _reason(reply: Reply) -> str:
    name = http.client.responses.get(reply.status, "")
    text = _sentence(reply.body)
    return f"({name}){f': {text}' if text else ''}"


def _hint(reply: Reply) -> str:
    if 300 <= reply.status < 400:
        return f"it points to {reply.headers.get('location', 'another place')[:200]}: give that URL"
    known = {
        401: "give a header of Authorization",
        403: "give a header of Authorization",
        404: "see that the URL is that of the model",
    }
    return known.get(reply.status, "")


def _sentence(body: bytes, most: int = 300) -> str:
    """Return what an error's body says, on one line: its error, message or detail where it is JSON, else its text without tags."""
    text = body[:100_000].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    while isinstance(found, dict) and found:
        found = next(
            (found[key] for key in ("error", "message", "detail", "error_message", "msg") if found.get(key)),
            json.dumps(found),
        )
    line = " ".join((found if isinstance(found, str) else json.dumps(found)).split())
    line = "".join(c if c.isprintable() else "?" for c in line)
    # What was wrong stands at the beginning of some, at the end of others.
    return line if len(line) <= most else f"{line[: most // 2]} … {line[-most // 2 :]}"


def _begins(body: bytes) -> str:
    text = _sentence(body, 80)
    return f": {text!r}" if text else ": it is empty"
