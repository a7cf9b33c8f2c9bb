"""What was judged in a test: explained where it fails, counted at the end, and let through only where that was asked for."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

EXPLAINED = [
    "FAIL no_future of rolling: row 3 changed with row 4",
    "  expected: the future is not used",
    "  row  sales  before  after",
    "    3   40.0    25.0   31.0",
    "  shift it by a day",
]


def write(repository: pytest.Pytester, body: str) -> None:
    repository.makepyfile(test_it=f"from known import *\n{body}")


def test_a_contract_that_fails_is_explained_with_its_rows(repository):
    write(repository, "def test_a(): assert no_future(Feature(), None)")

    ran = repository.runpytest_inprocess()

    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(
        [
            "E*assert Outcome(fail no_future of rolling: row 3 changed with row 4)",
            "*assay: what did not pass*",
            *EXPLAINED,
        ]
    )


def test_what_expect_says_is_not_said_twice_and_the_line_of_the_test_is_shown(repository):
    write(repository, "def test_a():\n    expect(repeatable(Feature(), None), no_future(Feature(), None))")

    said = repository.runpytest_inprocess().stdout

    assert said.str().count("row 3 changed with row 4\n") == 1
    said.fnmatch_lines([">       expect(repeatable(Feature(), None), no_future(Feature(), None))"])
    said.no_fnmatch_line("*raise ContractBroken*")


def test_a_judgement_in_an_old_style_class_and_in_a_fixture_is_explained(repository):
    write(
        repository,
        """
import unittest

class TestOld(unittest.TestCase):
    def test_old(self):
        self.assertTrue(no_future(Feature("old"), None))

@pytest.fixture
def judged():
    assert no_future(Feature("fixture"), None)

def test_b(judged): pass
""",
    )

    ran = repository.runpytest_inprocess()

    ran.assert_outcomes(failed=1, errors=1)
    ran.stdout.fnmatch_lines(
        ["FAIL no_future of fixture: row 3*", "FAIL no_future of old: row 3*", "contracts: 2 judged: 2 fail"]
    )


def test_findings_that_an_assert_looked_at_are_explained(repository):
    write(
        repository,
        """
import assay, polars as pl

def test_a():
    frame = pl.DataFrame({"age": [41, None]})
    assert assay.check(frame, suite=assay.Suite(checks=[assay.column("age").no_missing()]))
""",
    )

    ran = repository.runpytest_inprocess()

    ran.stdout.fnmatch_lines(["E*assert Findings(fail of data: 1 fail)", "*FAIL no_missing of age: 1 of 2 rows*"])


def test_checks_of_data_that_are_expected_are_counted(repository):
    write(
        repository,
        """
import assay, polars as pl

def test_a():
    frame = pl.DataFrame({"age": [41, 17]})
    expect(assay.check(frame, suite=assay.Suite(checks=[assay.column("age").no_missing()])))
""",
    )

    repository.runpytest_inprocess().stdout.fnmatch_lines(["checks: 1 judged: 1 pass"])


def test_a_test_that_passes_shows_nothing_but_the_count(repository):
    write(repository, "def test_a(): assert repeatable(Feature(), None)")

    said = repository.runpytest_inprocess().stdout

    said.fnmatch_lines(["=* assay =*", "contracts: 1 judged: 1 pass"])
    said.no_fnmatch_line("*what did not pass*")


def test_a_run_that_judges_nothing_has_no_section(repository):
    write(repository, "def test_a(): pass\n\ndef test_b(): assert 0")

    repository.runpytest_inprocess().stdout.no_fnmatch_line("*= assay =*")


def test_a_failure_that_no_test_asserts_is_counted(repository):
    write(repository, "def test_a(): no_future(Feature(), None)")

    ran = repository.runpytest_inprocess()

    ran.assert_outcomes(passed=1)
    ran.stdout.fnmatch_lines(
        ["1 of all these did not pass, in tests that did: the test expects it, or asserts nothing"]
    )


INCONCLUSIVE = "def test_a(): assert uses_window(Feature(), None)\n\ndef test_b(): expect(uses_window(Feature(), None))"


@pytest.mark.parametrize("asked", [(), ("--assay-inconclusive=fail",)])
def test_what_could_not_be_judged_fails_its_test(repository, asked):
    write(repository, INCONCLUSIVE)

    ran = repository.runpytest_inprocess(*asked)

    ran.assert_outcomes(failed=2)
    ran.stdout.fnmatch_lines(
        ["INCONCLUSIVE uses_window of rolling (test_it.py::test_a): 3 rows are too few: it takes 8"]
    )


@pytest.mark.parametrize("asked", [("--assay-inconclusive=warn",), ("-o", "assay_inconclusive=warn")])
def test_what_could_not_be_judged_is_let_through_where_that_is_asked_for_and_is_still_said(repository, asked):
    write(repository, INCONCLUSIVE)

    ran = repository.runpytest_inprocess(*asked)

    ran.assert_outcomes(passed=2)
    ran.stdout.fnmatch_lines(
        ["contracts: 2 judged: 2 inconclusive", "INCONCLUSIVE uses_window of rolling (test_it.py::test_a)*"]
    )


def test_a_failure_is_not_let_through_with_what_could_not_be_judged(repository):
    write(repository, "def test_a(): expect(uses_window(Feature(), None), no_future(Feature(), None))")

    repository.runpytest_inprocess("--assay-inconclusive=warn").assert_outcomes(failed=1)


def test_a_policy_that_is_none_is_refused(repository):
    ran = repository.runpytest_inprocess("-o", "assay_inconclusive=maybe")

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["ERROR: assay_inconclusive is 'maybe'; it is fail or warn"])


def test_a_test_that_records_by_itself_is_heard_too(repository):
    write(
        repository,
        """
from assay.testing.contract import recording

def test_a():
    with recording() as seen:
        repeatable(Feature(), None)
    assert [outcome.check for outcome in seen] == ["repeatable"]
""",
    )

    ran = repository.runpytest_inprocess()

    ran.assert_outcomes(passed=1)
    ran.stdout.fnmatch_lines(["contracts: 1 judged: 1 pass"])


def test_a_comparison_with_a_truth_value_says_what_to_compare(repository):
    write(repository, "def test_a(): assert repeatable(Feature(), None) == True")

    repository.runpytest_inprocess().stdout.fnmatch_lines(
        ["E*its verdict is an attribute: compare .verdict, or assert it by itself"]
    )


def test_a_comparison_of_an_estimate_with_a_number_says_what_to_compare(repository):
    write(repository, "from assay.verdict import Estimate\n\ndef test_a(): assert Estimate(0.9, n=100) == 0.9")

    repository.runpytest_inprocess().stdout.fnmatch_lines(["E*compare its .value, or judge its interval by .above(*"])


def test_without_the_plugin_a_contract_is_still_asserted(repository):
    write(
        repository,
        "def test_a(): assert no_future(Feature(), None)\n\ndef test_b(): assert repeatable(Feature(), None)",
    )

    ran = repository.runpytest_inprocess("-p", "no:assay")

    ran.assert_outcomes(failed=1, passed=1)
    ran.stdout.no_fnmatch_line("*= assay =*")


def test_workers_of_xdist_report_what_one_process_does(repository):
    write(
        repository,
        """
@pytest.mark.parametrize("n", range(3))
def test_a(n): assert repeatable(Feature(), None)

def test_b(assay_seed): assert no_future(Feature(), None)

@pytest.mark.xdist_group("one")
def test_c(assay_seed): assert uses_window(Feature(), None)

@pytest.mark.assay_budget(tme=1)
def test_d(): pass
""",
    )

    alone = repository.runpytest_subprocess("-q", "-p", "no:randomly")
    shared = repository.runpytest_subprocess("-q", "-n2", "--dist=loadgroup")

    shared.assert_outcomes(passed=3, failed=2, errors=1)
    for line in ("contracts: 5 judged: 3 pass, 1 inconclusive, 1 fail", *EXPLAINED):
        assert line in alone.stdout.str()
        assert line in shared.stdout.str()
    seeds = [sorted(line for line in ran.outlines if "assay_seed was" in line) for ran in (alone, shared)]
    assert seeds[0] == seeds[1]
    assert len(seeds[0]) == 2


HOSTILE = """
from assay.verdict import Outcome, Verdict
from assay.testing.record import noted

class Odd:
    def __repr__(self): raise ValueError("no text")

loop = {}
loop["itself"] = loop

def test_a():
    rows = [Example(0, {"text": "\\udce4", "odd": Odd(), "loop": loop}, why="\\udce4"), Example("first", {("a", 1): float("nan")})]
    assert noted(Outcome("odd\\udce4", "rows", Verdict.FAIL, why="a row \\udce4", examples=tuple(rows), n_rows="many"))
"""


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_rows_that_no_file_can_hold_are_still_reported(repository, workers):
    write(repository, HOSTILE)

    ran = (repository.runpytest_subprocess if workers else repository.runpytest_inprocess)(
        "--assay-report=out", *workers
    )

    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["checks: 1 judged: 1 fail", "report: out/findings.json"])


def test_whoever_imports_assay_first_may_run_pytest_with_warnings_as_errors(repository):
    write(repository, "def test_a(): assert repeatable(Feature(), None)")
    repository.makepyfile(
        run="import sys, assay.testing.contract, pytest; sys.exit(pytest.main(['-q', '-W', 'error']))"
    )

    ran = repository.runpython("run.py")

    ran.assert_outcomes(passed=1)
    ran.stderr.no_fnmatch_line("*rewritten*")
