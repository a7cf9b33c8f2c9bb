"""The guard against the network: what leaves this machine raises, with the name of the host."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from urllib.request import urlopen

import pytest

from assay.testing.fakes.endpoint import FakeEndpoint
from assay.testing.fakes.network import NetworkTouched, no_network

AWAY = "192.0.2.1"  # set aside for documentation: no machine has it


def test_a_connection_by_name_names_the_host_and_looks_up_nothing():
    with pytest.raises(NetworkTouched, match=r"a connection to features\.example\.com:8443 was tried"), no_network():
        socket.create_connection(("features.example.com", 8443))


def test_a_connection_by_address_is_refused():
    with socket.socket() as plain, pytest.raises(NetworkTouched, match=r"192\.0\.2\.1:80"), no_network():
        plain.connect((AWAY, 80))


def test_a_datagram_is_refused():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain,
        pytest.raises(NetworkTouched, match=AWAY),
        no_network(),
    ):
        plain.sendto(b"x", (AWAY, 53))


def test_a_url_is_refused_though_urllib_turns_errors_of_sockets_into_its_own():
    with pytest.raises(NetworkTouched, match=r"example\.org"), no_network():
        urlopen("http://example.org/model")


def test_an_event_loop_is_guarded_too():
    async def ask() -> None:
        await asyncio.open_connection("example.org", 443)

    with pytest.raises(NetworkTouched, match=r"example\.org:443"), no_network():
        asyncio.run(ask())


def test_a_thread_that_swallows_the_error_does_not_hide_it():
    def ask() -> None:
        with suppress(Exception):  # as careless code does
            socket.create_connection((AWAY, 80))

    with pytest.raises(NetworkTouched, match=AWAY), no_network() as tried:  # noqa: PT012  # the end of the block raises
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    assert tried == [AWAY]


def test_an_error_of_the_test_itself_is_not_replaced():
    with pytest.raises(KeyError), no_network() as tried:  # noqa: PT012  # two things happen in the block
        with pytest.raises(NetworkTouched):
            socket.create_connection((AWAY, 80))
        raise KeyError("mine")

    assert tried == [AWAY]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "::ffff:127.0.0.1", "0.0.0.0", "", None]
)
def test_this_machine_may_be_asked(host: str | None):
    with (
        no_network() as tried,
        suppress(socket.gaierror),
    ):  # a machine may have no IPv6, which is no matter of the guard
        socket.getaddrinfo(host, 80)

    assert tried == []


def test_a_server_on_the_loopback_may_be_asked():
    with no_network(), FakeEndpoint().serving() as url, urlopen(f"{url}/ping") as reply:
        assert reply.status == 200


def test_a_host_may_be_allowed():
    with no_network(allow="allowed.invalid") as tried, pytest.raises(socket.gaierror):
        socket.gethostbyname("allowed.invalid")

    assert tried == []


def test_afterwards_sockets_are_as_they_were_also_when_guards_are_nested():
    before = (
        socket.getaddrinfo,
        socket.gethostbyname,
        socket.socket.connect,
        socket.socket.sendto,
        dict(vars(socket.socket)),
    )

    with no_network(), no_network():
        assert socket.getaddrinfo is not before[0]

    now = (
        socket.getaddrinfo,
        socket.gethostbyname,
        socket.socket.connect,
        socket.socket.sendto,
        dict(vars(socket.socket)),
    )
    assert now == before
