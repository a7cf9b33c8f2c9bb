from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from assay.errors import UsageError
from assay.reports import findings_page, render
from assay.verdict import Findings, Outcome, Verdict
from reports.samples import EMPTY, FLIGHTS, GREEN, ODD, many, provenance


def parsed(findings: Findings) -> Element:
    return fromstring(render(findings, "junit").encode())


def case_of(verdict: Verdict) -> Element:
    return parsed(
        Findings("orders", (Outcome("between", "age", verdict, "between 0 and 120", why="it is so"),), provenance())
    ).find(".//testcase")


@pytest.mark.parametrize(
    ("verdict", "tag"),
    [
        (Verdict.FAIL, "failure"),
        (Verdict.ERROR, "error"),
        (Verdict.INCONCLUSIVE, "error"),
        (Verdict.SKIP, "skipped"),
        (Verdict.WARN, "system-out"),
    ],
)
def test_a_verdict_becomes_what_every_ci_knows(verdict: Verdict, tag: str):
    case = case_of(verdict)

    assert [child.tag for child in case] == [tag]
    assert (case.get("classname"), case.get("name")) == ("age", "between: between 0 and 120")


def test_a_pass_is_an_empty_case():
    assert list(case_of(Verdict.PASS)) == []


def test_a_failure_says_why_and_shows_its_rows():
    failure = next(
        case for case in parsed(FLIGHTS).iter("testcase") if case.get("name") == "between: at least 80"
    ).find("failure")

    assert failure.get("message") == "One flight is 17 miles long (EWR to LGA)."
    assert (
        failure.text.splitlines()[-1]
        == "row 102787: distance=17, month=7, day=27, carrier=US, flight=1632, origin=EWR, dest=LGA"
    )


@pytest.mark.parametrize("findings", [FLIGHTS, GREEN, ODD, many(50)], ids=["flights", "green", "odd", "many"])
def test_the_counts_are_those_of_the_cases(findings: Findings):
    root = parsed(findings)

    for suite in root.iter("testsuite"):
        assert int(suite.get("tests")) == len(suite.findall("testcase"))
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors")) == len(suite.findall("testcase/error"))
        assert int(suite.get("skipped")) == len(suite.findall("testcase/skipped"))
    assert int(root.get("tests")) == len(findings.outcomes)
    assert int(root.get("failures")) == findings.count(Verdict.FAIL)


@pytest.mark.parametrize("outcomes", [(), (Outcome("nulls", "age", Verdict.SKIP),)], ids=["empty", "all skipped"])
def test_a_build_does_not_turn_green_where_nothing_was_judged(outcomes: tuple[Outcome, ...]):
    root = parsed(Findings("orders", outcomes, provenance()))

    assert root.get("errors") == "1"
    assert root.find(".//error").get("message") == "Nothing was judged."


def test_families_are_suites():
    assert {suite.get("name") for suite in parsed(GREEN).iter("testsuite")} == {
        f"flights, January to June: {family}"
        for family in ("completeness", "set", "range", "uniqueness", "table", "schema")
    }


def test_characters_that_xml_forbids_are_replaced():
    why = "nul \x00 esc \x1b surrogate \ud800 nonchar \uffff end ]]> <b>"
    findings = Findings("a\x00b", (Outcome("x\x1b", "c\x02", Verdict.FAIL, why=why),), provenance())

    failure = parsed(findings).find(".//failure")

    assert failure.get("message").endswith("end ]]> <b>.")


def test_the_time_of_the_run_is_kept_without_its_zone():
    root = parsed(EMPTY)

    assert (root.get("time"), root.find("testsuite").get("timestamp")) == ("0.412", "2026-11-22T13:40:05")


def test_a_page_has_no_junit_form():
    with pytest.raises(
        UsageError, match="JUnit shows findings; this page holds none; choose text, json, markdown or html"
    ):
        render(findings_page(FLIGHTS), "junit")
