"""Findings as JUnit XML, which every continuous integration shows: one test suite per family, one test case per check."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from assay.reports import words
from assay.reports.sentences import sentence
from assay.verdict import Findings, Outcome, Verdict

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["junit"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {Verdict.FAIL: "failure", Verdict.ERROR: "error", Verdict.INCONCLUSIVE: "error", Verdict.SKIP: "skipped"}


def junit(findings: Findings) -> str:
    """Return findings as JUnit XML.

    fail is a failure; error and inconclusive are errors; skip is skipped; warn and pass pass, and a warning says so
    in its output. Where nothing was judged there is one case that is an error, so that no build turns green by it.
    """
    from xml.etree.ElementTree import Element, indent, tostring

    families: dict[str, list[Outcome]] = {}
    for outcome in findings.outcomes:
        families.setdefault(outcome.family or "checks", []).append(outcome)
    if findings.verdict is Verdict.INCONCLUSIVE and not findings.count(Verdict.INCONCLUSIVE):
        families["assay"] = [
            Outcome(
                "anything judged",
                findings.subject,
                Verdict.INCONCLUSIVE,
                "at least one check",
                why="nothing was judged",
            )
        ]
    counts = _counts([outcome for group in families.values() for outcome in group])
    del counts["skipped"]  # the schema has it on a suite only
    root = Element("testsuites", {"name": _xml(findings.subject), **counts})
    root.set("time", f"{findings.provenance.seconds:.3f}")
    for family, outcomes in families.items():
        root.append(_suite(findings, family, outcomes))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(findings: Findings, family: str, outcomes: Sequence[Outcome]) -> Element:
    from xml.etree.ElementTree import Element

    suite = Element("testsuite", {"name": _xml(f"{findings.subject}: {family}"), **_counts(outcomes), "time": "0.000"})
    if findings.provenance.started_at:
        suite.set("timestamp", _xml(re.sub(r"(Z|[-+]\d\d:?\d\d)$", "", findings.provenance.started_at)))
    suite.extend(_case(outcome) for outcome in outcomes)
    return suite


def _counts(outcomes: Sequence[Outcome]) -> dict[str, str]:
    tags = [_TAGS.get(outcome.verdict) for outcome in outcomes]
    counts = {
        "tests": len(tags),
        "failures": tags.count("failure"),
        "errors": tags.count("error"),
        "skipped": tags.count("skipped"),
    }
    return {name: str(n) for name, n in counts.items()}


def _case(outcome: Outcome) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    name = f"{outcome.check}: {outcome.expected}" if outcome.expected else outcome.check
    case = Element(
        "testcase",
        classname=_xml(outcome.subject),
        name=_xml(name + (f" where {outcome.where}" if outcome.where else "")),
        time="0.000",
    )
    tag = _TAGS.get(outcome.verdict)
    if tag == "skipped":
        SubElement(case, tag, message=_xml(sentence(outcome)))
    elif tag:
        SubElement(case, tag, message=_xml(sentence(outcome)), type=outcome.verdict.value).text = _xml(_body(outcome))
    elif outcome.verdict is Verdict.WARN:
        SubElement(case, "system-out").text = _xml(f"warn: {_body(outcome)}")
    return case


def _body(outcome: Outcome) -> str:
    lines = [sentence(outcome)]
    lines += [f"expected: {words.clean(outcome.expected)}"] if outcome.expected else []
    for example in outcome.examples:
        row = "a row" if example.row is None else f"row {example.row}"
        values = ", ".join(
            f"{words.clean(name, most=200)}={words.value(value)}" for name, value in example.values.items()
        )
        lines.append(f"{row}: {values}" + (f" ({words.clean(example.why)})" if example.why else ""))
    return "\n".join(lines)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
