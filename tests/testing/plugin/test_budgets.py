"""Budgets: what a test takes is measured without its fixtures, and what could not be measured is said, never passed."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from assay.testing.plugin import memory
from assay.testing.plugin.budgets import bytes_of, of_memory, of_time
from assay.testing.plugin.memory import Meter
from assay.testing.plugin.settings import Settings
from assay.verdict import Verdict

pytest_plugins = ["pytester"]

ALONE, WORKER, ASKED = Settings(), Settings(worker="gw0"), Settings(worker="gw0", loaded=True)
MIB = 2**20


@pytest.mark.parametrize(
    ("seconds", "used", "busy", "settings", "verdict"),
    [
        (0.5, 0.5, 0.1, ALONE, Verdict.PASS),
        (1.0, 1.0, 0.1, ALONE, Verdict.PASS),  # the bound itself is within
        (1.1, 0.2, 0.1, ALONE, Verdict.FAIL),  # it waited, and nothing else wanted the processor
        (1.1, 1.1, 3.0, ALONE, Verdict.FAIL),  # it used more than its budget by itself, load or no load
        (1.1, 0.2, 3.0, ALONE, Verdict.INCONCLUSIVE),
        (1.1, 0.2, None, ALONE, Verdict.FAIL),
        (0.5, 0.5, 3.0, ALONE, Verdict.PASS),  # fast enough even so
        (0.5, 0.5, 0.1, WORKER, Verdict.SKIP),
        (9.0, 9.0, 0.1, WORKER, Verdict.SKIP),
        (9.0, 9.0, 0.1, ASKED, Verdict.FAIL),
        (0.5, 0.5, 0.1, ASKED, Verdict.PASS),
    ],
)
def test_time_is_judged_by_the_wall_clock_and_by_what_else_ran(seconds, used, busy, settings, verdict):
    assert of_time("t", 1.0, seconds, used=used, busy=busy, settings=settings).verdict is verdict


def test_a_budget_that_is_broken_says_both_numbers():
    assert (
        of_time("t", 0.2, 1.234, used=1.2, busy=0.1, settings=ALONE).why == "it took 1.23s, of 200ms that it may take"
    )
    said = of_memory("t", 800 * MIB, 1000 * MIB, "resident memory").why
    assert said == "it needed 1000 MiB (resident memory), of 800 MiB that it may need"


def test_memory_that_was_not_measured_is_inconclusive():
    outcome = of_memory("t", MIB, None, "the system does not say")

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.why == "not measured: the system does not say"


@pytest.mark.parametrize("text", ["", "MiB", "-1MiB", "0MiB", "1 XB", "nan MiB", None, True, 0, -3, 1.5])
def test_what_is_no_amount_of_memory_is_refused(text):
    with pytest.raises(ValueError, match="is no amount of memory; write a number above 0 and its unit"):
        bytes_of(text)


def touched(size: int) -> int:
    """Use that many bytes, let go of them, and return their number."""
    return int(np.ones(size, dtype=np.uint8).nbytes)


def test_memory_that_was_let_go_of_is_still_counted():
    meter = Meter()
    touched(64 * MIB)
    size, _ = meter.read()

    assert size is not None
    assert 60 * MIB <= size <= 80 * MIB


def test_memory_from_before_is_not_counted():
    held = np.ones(64 * MIB, dtype=np.uint8)
    meter = Meter()
    size, _ = meter.read()

    assert held.nbytes == 64 * MIB
    assert size is not None
    assert size < 16 * MIB


def test_where_the_system_does_not_say_python_does(monkeypatch):
    monkeypatch.setattr(memory, "_restarted", lambda: None)

    meter = Meter()
    touched(8 * MIB)
    size, method = meter.read()

    assert method == "memory allocated by Python"
    assert size is not None
    assert 8 * MIB <= size <= 9 * MIB
    assert not tracemalloc.is_tracing()


BUDGETS = """
import time
import unittest
import numpy as np
import pytest

@pytest.fixture
def large():
    return np.ones(40_000_000, dtype=np.uint8)

@pytest.mark.assay_budget(time="1h", memory="20MiB")
def test_within(large):
    assert large.nbytes

@pytest.mark.assay_budget(memory="20MiB")
def test_beyond():
    np.ones(40_000_000, dtype=np.uint8)

@pytest.mark.assay_budget(time=1e-6)
def test_late():
    sum(range(10_000))

@pytest.mark.assay_budget(time=1e-6, memory="1GiB")
class TestOld(unittest.TestCase):
    def test_late_too(self):
        sum(range(10_000))

    @pytest.mark.assay_budget(time="1h")
    def test_the_nearest_mark_counts(self):
        pass

@pytest.mark.assay_budget(time=1e-6)
def test_wrong():
    assert 1 == 2
"""


def test_a_test_fails_where_it_takes_more_than_its_budget(repository):
    repository.makepyfile(test_budgets=BUDGETS)

    ran = repository.runpytest_inprocess()

    ran.assert_outcomes(passed=2, failed=4)
    ran.stdout.fnmatch_lines(
        [
            "FAIL memory of test_budgets.py::test_beyond: it needed 3*.* MiB (resident memory), of 20 MiB that it may need",
            "FAIL time of test_budgets.py::test_late: it took *, of 1us that it may take",
            "FAIL time of test_budgets.py::TestOld::test_late_too: *",
        ]
    )
    ran.stdout.no_fnmatch_line(
        "*pytest_runtest_call*"
    )  # nothing of the plugin stands between the reader and the number


def test_a_test_that_fails_by_itself_is_not_judged_by_its_budget(repository):
    repository.makepyfile(test_budgets=BUDGETS)

    said = repository.runpytest_inprocess("-k", "wrong").stdout

    said.fnmatch_lines(["E*assert 1 == 2"])
    said.no_fnmatch_line("*may take*")


def test_workers_of_xdist_measure_memory_and_no_time(repository):
    repository.makepyfile(test_budgets=BUDGETS)

    ran = repository.runpytest_subprocess("-n2", "-k", "not wrong")

    ran.assert_outcomes(passed=4, failed=1)
    ran.stdout.fnmatch_lines(
        ["budgets: 8 judged: 4 skip, 3 pass, 1 fail", "4 of them were not measured: xdist's workers share*"]
    )
