"""A guard against the network: inside it, a connection that would leave this machine raises, with the name of the host."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = ["NetworkTouched", "no_network"]

_METHODS = ("connect", "connect_ex", "sendto")
_LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")


class NetworkTouched(AssertionError):
    """Say that code under test wanted to reach another machine, and which. It is an AssertionError: a test fails by it.

    It is no OSError, so that code that retries after one does not go on retrying.
    """

    def __init__(self, host: str, port: object = None) -> None:
        self.host = host
        where = f"{host}:{port}" if port not in (None, "", 0) else host
        super().__init__(
            f"a connection to {where} was tried inside no_network(); give the code a fake, or allow={host!r}"
        )


@contextmanager
def no_network(*, allow: str | Sequence[str] = ()) -> Iterator[list[str]]:
    """Raise `NetworkTouched` for every connection and every lookup of a name, but this machine's own and those in `allow`.

    It yields the list of hosts that were tried. Where the code swallowed the error, it is raised again at the end of the block. What
    is guarded are the sockets of Python, in all threads of this process; a library that opens its own in C is not seen.

    >>> with no_network():
    ...     socket.create_connection(("example.org", 443))
    Traceback (most recent call last):
    assay.testing.fakes.network.NetworkTouched: a connection to example.org:443 was tried inside no_network(); ...
    >>> with no_network() as tried:
    ...     found = socket.getaddrinfo("127.0.0.1", 80)
    >>> tried
    []
    """
    allowed = {allow} if isinstance(allow, str) else set(allow)
    tried: list[str] = []

    def refuse(host: object, port: object = None) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if not isinstance(name, str) or name in allowed or _is_own(name):
            return
        tried.append(name)
        raise NetworkTouched(name, port)

    restore = [*_guarded_methods(refuse), *_guarded_lookups(refuse)]
    try:
        yield tried
    finally:
        for put_back in reversed(restore):
            put_back()
    if tried:
        raise NetworkTouched(tried[0])


def _guarded_methods(refuse: Callable[[object, object], None]) -> Iterator[Callable[[], None]]:
    """Guard what connects; yield what puts each back."""
    for name in _METHODS:
        mine = vars(socket.socket).get(name)
        yield _put(socket.socket, name, _connecting(getattr(socket.socket, name), refuse), mine)


def _guarded_lookups(refuse: Callable[[object, object], None]) -> Iterator[Callable[[], None]]:
    """Guard what looks a name up, which would ask a server of names; yield what puts each back."""
    for name in _LOOKUPS:
        mine = getattr(socket, name)
        yield _put(socket, name, _looking(mine, refuse), mine)


def _put(holder: Any, name: str, made: Any, before: Any) -> Callable[[], None]:
    setattr(holder, name, made)
    return lambda: delattr(holder, name) if before is None else setattr(holder, name, before)


def _connecting(real: Callable[..., Any], refuse: Callable[[object, object], None]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1] if arguments else None  # sendto may have flags between
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and address:
            refuse(address[0], address[1] if len(address) > 1 else None)
        return real(self, *arguments)

    return guarded


def _looking(real: Callable[..., Any], refuse: Callable[[object, object], None]) -> Callable[..., Any]:
    def guarded(host: object, *arguments: Any, **named: Any) -> Any:
        refuse(host, arguments[0] if arguments else named.get("port"))
        return real(host, *arguments, **named)

    return guarded


def _is_own(host: str) -> bool:
    """Return whether a host is this machine: a loopback address, none at all, or its usual name."""
    if host.rstrip(".").lower() in ("", "localhost", "localhost.localdomain", "ip6-localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or address.is_unspecified or bool(mapped is not None and mapped.is_loopback)
