"""What the plugin costs a run that does not use it: nothing heavy is loaded, and nothing is done."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

ALONE = """
import sys

def test_nothing_heavy_is_loaded():
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert "assay.testing.plugin" in sys.modules
    assert loaded & {"numpy", "polars", "pandas", "msgspec", "scipy", "yaml", "jinja2", "click", "cloudpickle"} == set()
    own = {name for name in sys.modules if name.partition(".")[0] == "assay"}
    assert own == {
        "assay", "assay.testing", "assay.testing.record", "assay.testing.plugin", "assay.testing.plugin.fixtures",
        "assay.testing.plugin.gathering", "assay.testing.plugin.settings",
    }

def test_another_one_fails():
    assert sys is None
"""


def test_a_run_that_uses_nothing_loads_nothing(repository):
    repository.makepyfile(test_alone=ALONE)

    ran = repository.runpytest_subprocess("-W", "error", "-k", "heavy")

    ran.assert_outcomes(passed=1, deselected=1)


def test_the_plugin_is_there_by_being_installed_and_can_be_turned_off(repository):
    repository.makepyfile(test_it="def test_a(assay_seed): pass")

    repository.runpytest_inprocess().assert_outcomes(passed=1)
    repository.runpytest_inprocess("-p", "no:assay").assert_outcomes(errors=1)


def test_a_run_inside_a_run_leaves_the_outer_one_alone(repository, assay_seed):
    repository.makepyfile(test_it="from known import *\n\ndef test_a(): assert repeatable(Feature(), None)")

    repository.runpytest_inprocess("--assay-seed=7").stdout.fnmatch_lines(["contracts: 1 judged: 1 pass"])

    assert assay_seed != 7


def test_a_test_that_is_run_again_is_judged_by_its_last_attempt(repository):
    repository.makepyfile(
        conftest="""
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for attempt in range(2):
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
                for report in reports:
                    item.ihook.pytest_runtest_logreport(report=report)
                item._initrequest()
            return True
        """,
        test_it="from known import *\n\ndef test_a(): assert repeatable(Feature(), None)",
    )

    ran = repository.runpytest_inprocess()

    ran.stdout.fnmatch_lines(["contracts: 1 judged: 1 pass"])


def test_the_fixtures_are_listed_with_what_they_return(repository):
    ran = repository.runpytest_inprocess("--fixtures")

    ran.stdout.fnmatch_lines(["assay_seed -- *", "    Return the test's own seed: another for each test*"])


@pytest.mark.parametrize(
    "name", ["--slow-ml", "--assay-seed=N|new", "--assay-report=PATH", "--assay-update", "--assay-budgets"]
)
def test_the_options_are_listed(repository, name):
    assert name in repository.runpytest_inprocess("--help").stdout.str()
