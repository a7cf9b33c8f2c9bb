from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.codec import dump_json
from assay.errors import ConfigError, UsageError
from assay.reports import load_findings, render, write
from assay.reports.saved import findings_schema, read_findings
from assay.verdict import Estimate, Example, Findings, Mark, Outcome, Provenance, Verdict
from reports.samples import FLIGHTS, GOLDEN

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "golden"
SCHEMA = ROOT / "docs" / "schemas" / "findings.schema.json"

words = st.text(max_size=12)
counts = st.integers(0, 2**63 - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | numbers | words
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=4
)
estimates = st.builds(
    Estimate,
    st.none() | numbers | st.integers(-(2**63), 2**63 - 1) | words,
    counts,
    low=st.none() | numbers,
    high=st.none() | numbers,
    why=words,
)
examples = st.builds(Example, st.none() | counts, st.dictionaries(words, values, max_size=3), words)
outcomes = st.builds(
    Outcome, check=words, subject=words, verdict=st.sampled_from(Verdict), expected=words, observed=st.none() | estimates, why=words,
    n_rows=st.none() | counts, n_failing=st.none() | counts, examples=st.lists(examples, max_size=2).map(tuple), where=words, family=words,
)  # fmt: skip
marks = st.builds(Mark, words, words, words, rows=st.none() | counts)
provenances = st.builds(
    Provenance, words, words, seconds=numbers, seed=st.none() | st.integers(-(2**63), 2**63 - 1),
    datasets=st.lists(marks, max_size=2).map(tuple), versions=st.dictionaries(words, words, max_size=2),
)  # fmt: skip
findings = st.builds(Findings, words, st.lists(outcomes, max_size=3).map(tuple), provenances)


@given(findings)
def test_findings_come_back_from_json_as_they_were(value: Findings):
    assert read_findings(dump_json(value)) == value


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_file_loads_as_what_it_was_written_from(name: str):
    assert load_findings(FOLDER / f"findings-{name}.json") == GOLDEN[name]


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_file_is_what_is_written_today(name: str):
    # A difference here is a new format: give it a number, or do without it.
    assert render(GOLDEN[name], "json") == (FOLDER / f"findings-{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_file_fits_the_published_schema(name: str):
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(
        json.loads((FOLDER / f"findings-{name}.json").read_text())
    )


def test_the_published_schema_refuses_an_unknown_verdict():
    findings = json.loads((FOLDER / "findings-pass.json").read_text())
    findings["outcomes"][0]["verdict"] = "ok"

    with pytest.raises(jsonschema.ValidationError, match="'ok' is not one of"):
        jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(findings)


def test_the_published_schema_is_that_of_the_type():
    assert SCHEMA.read_text() == findings_schema(), "publish it again: docs/schemas/findings.schema.json"


def test_written_findings_load(tmp_path: Path):
    write(FLIGHTS, tmp_path / "findings.json")

    assert load_findings(tmp_path / "findings.json") == FLIGHTS


WRITER = "expected 'assay.findings'; give a file that assay check … --format json wrote"
HEAD = '{"kind": "assay.findings", "subject": "x", "provenance": {"assay": "0.1.0", "started_at": ""}, '
OUTCOME = '{"check": "nulls", "subject": "age", "verdict": "pass"}'
REFUSED = {
    "newer": (
        HEAD + '"outcomes": [], "format": 2}',
        "f.json: format: format is 2; this assay reads format 1; install a newer assay",
    ),
    "no number": (
        HEAD + '"outcomes": [], "format": "one"}',
        "f.json: format: format is 'one'; this assay reads format 1; write the findings again",
    ),
    "a profile": (
        '{"kind": "assay.profile"}',
        f"f.json: kind: these are not findings: kind is 'assay.profile'; {WRITER}",
    ),
    "a list": (
        "[]",
        f"f.json: kind: these are not findings: no kind is given; {WRITER}",
    ),
    "no json": (
        "subject: x",
        "f.json: this is not JSON: JSON is malformed: invalid character (byte 0); findings are written by: assay check … --format json",
    ),
    "empty": (
        "",
        "f.json: this is not JSON: Input data was truncated; findings are written by: assay check … --format json",
    ),
    "a wrong verdict": (
        HEAD + f'"outcomes": [{OUTCOME}, {OUTCOME.replace("pass", "ok")}], "format": 1}}',
        "f.json: outcomes[1].verdict: Invalid enum value 'ok'; a verdict is one of skip, pass, warn, inconclusive, fail, error",
    ),
    "a wrong type": (
        HEAD + '"outcomes": [{"check": 1, "subject": "age", "verdict": "pass"}], "format": 1}',
        "f.json: outcomes[0].check: expected a text, got a whole number; the file was not written by assay, or was changed since",
    ),
    "a missing field": (
        '{"kind": "assay.findings", "subject": "x", "outcomes": [], "format": 1}',
        "f.json: Object missing required field 'provenance'; the file was not written by assay, or was changed since",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_does_not_fit_is_refused_with_its_place(case: str):
    text, message = REFUSED[case]

    with pytest.raises(ConfigError) as caught:
        read_findings(text, file="f.json")

    assert str(caught.value) == message


def test_an_unknown_key_is_refused_with_its_place():
    outcome = '{"check": "nulls", "subject": "age", "verdict": "pass", "colour": "red"}'

    with pytest.raises(ConfigError, match=r"^f\.json: outcomes\[0\]\.colour: there is no key 'colour'; "):
        read_findings(f'{HEAD}"outcomes": [{outcome}], "format": 1}}', file="f.json")


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path):
    with pytest.raises(UsageError, match=r"nothing\.json: there is no such file"):
        load_findings(tmp_path / "nothing.json")
