"""The report of a run: one outcome for each test and each judgement, the same from one process and from many."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from assay.reports.saved import load_findings
from assay.verdict import Findings, Verdict

pytest_plugins = ["pytester"]

TESTS = """
import unittest
import pytest
from known import *

@pytest.mark.data
@pytest.mark.rubric("D7", "I2")
def test_good():
    assert repeatable(Feature(), None)

def test_bad(): assert no_future(Feature(), None)

def test_wrong(): assert 1 == 2

def test_unjudged(): assert uses_window(Feature(), None)

def test_unjudged_too(): expect(uses_window(Feature(), None))

@pytest.mark.skip(reason="later")
def test_skipped(): pass

@pytest.mark.xfail(reason="known")
def test_expected(): assert 0

@pytest.mark.xfail(reason="known")
def test_surprising(): pass

@pytest.fixture
def broken_fixture(): raise ValueError("no data")

@pytest.mark.model
class TestOld(unittest.TestCase):
    def test_old(self): self.assertTrue(repeatable(Feature("old"), None))

def test_setup(broken_fixture): pass

@pytest.fixture
def left_over():
    yield
    raise OSError("still open")

def test_teardown(left_over): pass
"""
VERDICTS = {
    "test_good": (Verdict.PASS, ""),
    "test_bad": (Verdict.FAIL, "no_future of rolling did not pass"),
    "test_wrong": (Verdict.FAIL, "assert 1 == 2 (test_it.py:12)"),
    "test_unjudged": (Verdict.INCONCLUSIVE, "uses_window of rolling did not pass"),
    "test_unjudged_too": (Verdict.INCONCLUSIVE, "uses_window of rolling did not pass"),
    "test_skipped": (Verdict.SKIP, "later"),
    "test_expected": (Verdict.SKIP, "it was expected to fail: known"),
    "test_surprising": (Verdict.WARN, "it passed, and it was expected to fail: known"),
    "TestOld::test_old": (Verdict.PASS, ""),
    "test_setup": (Verdict.ERROR, "ValueError: no data (test_it.py:28)"),
    "test_teardown": (Verdict.ERROR, "OSError: still open (test_it.py:39)"),
}


def reported(repository: pytest.Pytester, *asked: str) -> Findings:
    """Return the findings that a run of the tests wrote."""
    repository.makepyfile(test_it=TESTS)
    run = repository.runpytest_subprocess if asked else repository.runpytest_inprocess
    run("--assay-report=found.json", *asked)
    return load_findings(repository.path / "found.json")


def test_each_test_is_an_outcome_with_its_verdict(repository):
    found = reported(repository)

    tests = {o.subject.removeprefix("test_it.py::"): (o.verdict, o.why) for o in found.outcomes if o.family == "pytest"}
    assert tests == VERDICTS


def test_each_contract_is_an_outcome_with_its_test(repository):
    found = reported(repository)

    assert [(o.check, o.subject, o.verdict, o.where) for o in found.outcomes if o.family == "contract"] == [
        ("repeatable", "rolling", Verdict.PASS, "test_it.py::test_good"),
        ("no_future", "rolling", Verdict.FAIL, "test_it.py::test_bad"),
        ("uses_window", "rolling", Verdict.INCONCLUSIVE, "test_it.py::test_unjudged"),
        ("uses_window", "rolling", Verdict.INCONCLUSIVE, "test_it.py::test_unjudged_too"),
        ("repeatable", "old", Verdict.PASS, "test_it.py::TestOld::test_old"),
    ]
    assert found.outcomes[3].examples[0].values == {"sales": 40.0, "before": 25.0, "after": 31.0}
    assert len({outcome.id for outcome in found.outcomes}) == len(found.outcomes) == 16


def test_the_table_has_the_marks_of_each_test(repository):
    table = reported(repository).table("tests")

    marked = {row["test"].removeprefix("test_it.py::"): row for row in table.to_dicts()}
    assert (marked["test_good"]["marks"], marked["test_good"]["rubric"]) == ("data", "D7, I2")
    assert (marked["TestOld::test_old"]["marks"], marked["TestOld::test_old"]["judged"]) == ("model", 1)
    assert all(row["seconds"] >= 0 for row in marked.values())


def test_workers_of_xdist_write_the_same_findings(repository):
    def told(found: Findings) -> list[tuple[object, ...]]:
        return sorted((o.id, o.check, o.subject, o.verdict.value, o.why, str(o.examples)) for o in found.outcomes)

    alone, shared = reported(repository), reported(repository, "-n2")

    assert told(alone) == told(shared)


def test_the_run_says_when_it_began_and_how_long_it_took(repository):
    provenance = reported(repository, "--assay-seed=7").provenance

    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", provenance.started_at)
    assert 0 < provenance.seconds < 60
    assert provenance.seed == 7
    assert provenance.versions["pytest"] == pytest.__version__


def test_a_folder_gets_json_html_and_junit(repository):
    repository.makepyfile(test_it=TESTS)

    said = repository.runpytest_inprocess("--assay-report=out/today").stdout

    folder = repository.path / "out" / "today"
    assert sorted(file.name for file in folder.iterdir()) == ["findings.json", "junit.xml", "report.html"]
    said.fnmatch_lines(
        ["report: out/today/findings.json", "report: out/today/report.html", "report: out/today/junit.xml"]
    )
    suites = {suite.get("name"): suite for suite in ET.parse(folder / "junit.xml").getroot()}
    tests = next(suite for name, suite in suites.items() if name and name.endswith(": pytest"))
    assert (tests.get("tests"), tests.get("failures"), tests.get("errors"), tests.get("skipped")) == (
        "11",
        "2",
        "4",
        "2",
    )
    assert "no_future of rolling did not pass" in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("name", "start"), [("r.md", "#"), ("r.txt", ""), ("r.html", "<!doctype html>"), ("r.xml", "<?xml")]
)
def test_a_file_has_the_format_of_its_suffix(repository, name, start):
    repository.makepyfile(test_it="def test_a(): assert 0")

    repository.runpytest_inprocess(f"--assay-report={name}").assert_outcomes(failed=1)

    text = (repository.path / name).read_text()
    assert text.lower().startswith(start)
    assert "test_it.py::test_a" in text


def test_a_run_without_tests_is_inconclusive(repository):
    repository.runpytest_inprocess("--assay-report=found.json")

    found = load_findings(repository.path / "found.json")
    assert (found.verdict, found.outcomes) == (Verdict.INCONCLUSIVE, ())


def test_only_collecting_writes_nothing(repository):
    repository.makepyfile(test_it=TESTS)

    repository.runpytest_inprocess("--collect-only", "--assay-report=found.json")

    assert not (repository.path / "found.json").exists()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("r.pdf", "*the suffix '.pdf' says no format; end the file's name with one of .json, .html*"),
        ("known.py/r.json", None),
    ],
)
def test_a_report_that_cannot_be_written_fails_the_run(repository, path, said):
    repository.makepyfile(test_it="def test_a(): pass")

    ran = repository.runpytest_inprocess(f"--assay-report={path}")

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    if said is None:
        ran.stdout.fnmatch_lines(["the report was not written: *known.py*"])
    else:
        ran.stderr.fnmatch_lines([said])


def test_the_junit_file_of_pytest_has_what_was_judged_as_properties(repository):
    repository.makepyfile(test_it=TESTS)

    repository.runpytest_inprocess("--junitxml=pytest.xml")

    found = {p.get("name"): p.get("value") for p in ET.parse(repository.path / "pytest.xml").iter("property")}
    assert found == {
        "assay repeatable of rolling": "pass", "assay no_future of rolling": "fail",
        "assay uses_window of rolling": "inconclusive", "assay repeatable of old": "pass",
    }  # fmt: skip
