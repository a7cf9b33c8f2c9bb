"""A test that asks for no network touches none, whatever its code does with the error."""

from __future__ import annotations

pytest_plugins = ["pytester"]

TESTS = """
import contextlib
import socket
import unittest
import pytest

def call_home():
    socket.create_connection(("models.example.org", 443))

def test_loopback_is_this_machine(no_network):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname()):
            pass
    assert no_network == []

def test_calls_home(no_network):
    call_home()

def test_swallows_the_error(no_network):
    with contextlib.suppress(Exception):
        call_home()

@pytest.mark.usefixtures("no_network")
class TestOld(unittest.TestCase):
    def test_old(self):
        call_home()
"""


def test_a_connection_that_leaves_this_machine_fails_the_test_and_names_the_host(repository):
    repository.makepyfile(test_net=TESTS)

    ran = repository.runpytest_inprocess()

    # The error that was swallowed is raised when the test ends, by its fixture.
    ran.assert_outcomes(passed=2, failed=2, errors=1)
    assert ran.stdout.str().count("NetworkTouched: a connection to models.example.org") == 3
