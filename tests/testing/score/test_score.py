"""The ML Test Score: its arithmetic by the paper's edges, and what counts as evidence in real folders."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.api.options import Options
from assay.api.scoring import score, score_repository
from assay.codec import dump_json
from assay.errors import ConfigError, UsageError
from assay.testing.catalogue import FAMILIES
from assay.testing.score.badge import badge
from assay.testing.score.evidence import Evidence, evidence_of_findings
from assay.testing.score.repository import read_repository
from assay.testing.score.rubric import RUBRIC, Section, band, claims_of_contracts
from assay.testing.score.scoring import Score, Terms, scored
from assay.verdict import Exhibit, Findings, Outcome, Provenance, Verdict

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
OPTIONS = Options(now=NOW)
RUNS = frozenset({"pytest", "check"})


def ran(test: str, runner: str = "pytest", *, days: int = 1, passed: bool = True) -> Evidence:
    return Evidence(test, "ran", "reports/x.json", "what ran", runner, NOW - timedelta(days=days), passed, ("what",))


def points(value: Score) -> dict[str, float]:
    return {one.test.id: one.points for one in value.points}


def findings(*outcomes: Outcome, at: datetime = YESTERDAY, exhibits: tuple[Exhibit, ...] = ()) -> Findings:
    return Findings("x", outcomes, Provenance("0.1.0", at.isoformat()), exhibits=exhibits)


def test_the_rubric_has_28_tests_seven_in_each_section() -> None:
    assert Counter(test.section for test in RUBRIC) == dict.fromkeys(Section, 7)
    assert [test.id for test in RUBRIC] == [f"{letter}{n}" for letter in "DMIO" for n in range(1, 8)]


@pytest.mark.parametrize(
    ("value", "place"), [(0, 0), (0.5, 1), (1, 1), (1.5, 2), (2, 2), (2.5, 3), (3, 3), (5, 4), (5.5, 5), (7, 5)]
)
def test_the_bands_are_closed_above_as_in_the_paper(value: float, place: int) -> None:
    names = list(dict.fromkeys(band(x / 2) for x in range(15)))
    assert band(value) == names[place]


def test_the_score_is_the_least_of_the_four_sections() -> None:
    found = [ran(test.id) for test in RUBRIC if test.section is not Section.MODEL] + [ran("M1"), ran("M2")]
    value = scored(found, runs=RUNS, now=NOW, terms=Terms())
    assert [value.sections[section] for section in Section] == [7, 2, 7, 7]
    assert value.value == 2


def test_a_run_that_nothing_repeats_is_worth_half_a_point() -> None:
    assert points(scored([ran("D1", "check")], runs=frozenset({"pytest"}), now=NOW, terms=Terms()))["D1"] == 0.5
    assert points(scored([ran("D1", "check")], runs=RUNS, now=NOW, terms=Terms()))["D1"] == 1


def test_a_run_of_long_ago_is_worth_nothing_and_says_so() -> None:
    value = scored([ran("D1", "check", days=31)], runs=RUNS, now=NOW, terms=Terms(days=30))
    assert points(value)["D1"] == 0
    assert "more than 30 days ago" in value.points[0].why


def test_having_a_test_counts_though_it_fails_and_the_failure_is_shown() -> None:
    value = scored([ran("D1", "check", passed=False)], runs=RUNS, now=NOW, terms=Terms())
    assert (value.points[0].points, value.points[0].passes) == (1, False)


def test_a_claim_without_a_run_is_worth_nothing() -> None:
    value = scored(
        [Evidence("D7", "claimed", "test_x.py", "marked on line 3", "pytest")], runs=RUNS, now=NOW, terms=Terms()
    )
    assert points(value)["D7"] == 0
    assert "claimed, but no run is on record" in next(one.why for one in value.points if one.test.id == "D7")


def test_the_next_step_is_in_the_weakest_section_and_takes_the_least_work() -> None:
    found = [ran(test.id) for test in RUBRIC if test.section is not Section.DATA]
    claimed = Evidence("D7", "claimed", "test_x.py", "calls the contract no_future", "pytest")
    value = scored([*found, claimed], runs=RUNS, now=NOW, terms=Terms())
    assert value.steps[0].test.id == "D7"
    assert {one.test.section for one in value.steps} == {Section.DATA}


def test_kills_are_those_of_the_checks_that_ran() -> None:
    value = scored([ran("D1")], runs=RUNS, now=NOW, terms=Terms(), kills={"what": 4, "another": 9})
    assert value.points[0].kills == 4


def test_contracts_are_evidence_of_what_they_say() -> None:
    outcome = Outcome("no_future", "rolling", Verdict.PASS, family="contract", id="feature.no_future.rolling", n_rows=9)
    assert [one.test for one in evidence_of_findings(findings(outcome), where="x.json")] == ["D7"]


def test_a_contract_of_the_same_name_in_another_family_is_other_evidence() -> None:
    outcome = Outcome(
        "repeatable", "net", Verdict.PASS, family="contract", id="test_x.py::test.0.network.repeatable.net"
    )
    assert {one.test for one in evidence_of_findings(findings(outcome), where="x.json")} == set(
        claims_of_contracts()["network.repeatable"]
    )


def test_every_claim_of_a_contract_is_a_test_of_the_rubric() -> None:
    known = {test.id for test in RUBRIC}
    for name, tests in claims_of_contracts().items():
        assert set(tests) <= known, name
    assert {name.partition(".")[0] for name in claims_of_contracts()} == set(FAMILIES)


def test_marked_tests_of_pytest_are_evidence() -> None:
    table = Exhibit("tests", "Tests", {"test": ("t.py::a", "t.py::b"), "rubric": ("I5, I7", "")})
    outcomes = [Outcome("test", name, Verdict.PASS, family="pytest", id=name) for name in ("t.py::a", "t.py::b")]
    found = list(evidence_of_findings(findings(*outcomes, exhibits=(table,)), where="x.json"))
    assert sorted((one.test, one.runner) for one in found) == [("I5", "pytest"), ("I7", "pytest")]


@pytest.mark.parametrize("verdict", [Verdict.SKIP, Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_what_was_not_judged_is_no_evidence(verdict: Verdict) -> None:
    assert not list(
        evidence_of_findings(findings(Outcome("no_missing", "x", verdict, family="completeness")), where="x")
    )


def test_what_was_judged_on_no_row_is_no_evidence() -> None:
    outcome = Outcome("no_missing", "x", Verdict.PASS, family="completeness", n_rows=0)
    assert not list(evidence_of_findings(findings(outcome), where="x.json"))


def test_checks_of_served_data_are_told_by_the_names(tmp_path: Path) -> None:
    outcome = Outcome("no_missing", "x", Verdict.PASS, family="completeness", n_rows=9)
    assert {one.test for one in evidence_of_findings(findings(outcome), where="reports/train.json")} == {"D1"}
    assert {one.test for one in evidence_of_findings(findings(outcome), where="reports/serving.json")} == {"D1", "O2"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with a claim, a record of a run, a report of a person, and continuous integration."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_features.py").write_text(
        "import pytest\nimport assay\n\n@pytest.mark.rubric('I5')\ndef test_trace():\n    trace(1)\n\n"
        "def test_past():\n    no_future(1, 2)\n",
        encoding="utf-8",
    )
    (tmp_path / "reports").mkdir()
    judged = Outcome("no_missing", "x", Verdict.PASS, family="completeness", n_rows=9)
    (tmp_path / "reports" / "check.json").write_text(dump_json(findings(judged)), encoding="utf-8")
    (tmp_path / "ml-test-score").mkdir()
    (tmp_path / "ml-test-score" / "M1.md").write_text(
        "---\ntest: M1\ndate: 2026-01-10\nby: Anna\n---\nCommit abc was reviewed by Bo.\n", encoding="utf-8"
    )
    return tmp_path


def ci(folder: Path, text: str) -> None:
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "test.yml").write_text(text, encoding="utf-8")


def test_a_repository_is_scored_by_what_lies_in_it(repository: Path) -> None:
    value = score_repository(repository, run=False, terms=Terms(), now=NOW).score
    assert {name: worth for name, worth in points(value).items() if worth} == {"D1": 0.5, "M1": 0.5}
    claims = {one.test.id for one in value.points if one.points == 0 and one.evidence}
    assert {"I5", "D7"} <= claims


@pytest.mark.parametrize(
    "text",
    ["run: assay check data.csv", "run: make test", "run: bash ci.sh", "run: assay score . --run"],
    ids=lambda text: text,
)
def test_continuous_integration_is_followed_into_scripts_and_targets(repository: Path, text: str) -> None:
    (repository / "Makefile").write_text("test: lint\n\tassay check data.csv\nlint:\n\truff\n", encoding="utf-8")
    (repository / "ci.sh").write_text("set -e\nassay check data.csv\n", encoding="utf-8")
    ci(repository, text)
    assert points(score_repository(repository, run=False, terms=Terms(), now=NOW).score)["D1"] == 1


def test_a_command_in_a_comment_runs_nothing(repository: Path) -> None:
    ci(repository, "# run: assay check data.csv\nrun: echo hello")
    assert points(score_repository(repository, run=False, terms=Terms(), now=NOW).score)["D1"] == 0.5


def test_a_report_of_a_person_counts_for_a_year(repository: Path) -> None:
    later = NOW + timedelta(days=400)
    assert points(score_repository(repository, run=False, terms=Terms(), now=later).score)["M1"] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\ntest: M9\ndate: 2026-01-10\n---\nDone.", "there is no test 'M9'"),
        ("---\ntest: M1\n---\nDone.", "date"),
        ("---\ntest: M1\ndate: yesterday\n---\nDone.", "date"),
        ("---\ntest: M1\ndate: 2026-01-10\n---\n\n", "the report has no text"),
    ],
)
def test_a_report_that_says_nothing_is_refused(repository: Path, text: str, message: str) -> None:
    (repository / "ml-test-score" / "M1.md").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        score_repository(repository, run=False, terms=Terms(), now=NOW)


def test_findings_carry_the_score_the_sections_the_tests_and_the_steps(repository: Path) -> None:
    found = score(repository, options=OPTIONS)
    assert found["score"].value == 0
    assert found.table("score_rubric").height == 28
    assert found.table("score_sections")["points"].to_list() == [0.5, 0.5, 0.0, 0.0]
    assert found.table("score_steps")["test"].to_list()[0][0] in "IO"
    assert found.verdict is Verdict.WARN


def test_a_bound_is_judged(repository: Path) -> None:
    assert score(repository, terms=Terms(at_least=2), options=OPTIONS).exit_code == 1


def test_an_empty_folder_could_not_be_judged(tmp_path: Path) -> None:
    found = score(tmp_path, options=OPTIONS)
    assert (found.verdict, found.exit_code) == (Verdict.INCONCLUSIVE, 3)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        score(tmp_path / "nowhere")


def test_what_can_be_run_is_run_and_its_record_kept(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x\n1\n2\n3\n", encoding="utf-8")
    (tmp_path / "suite.yaml").write_text("columns:\n  x: {no_missing: true}\n", encoding="utf-8")
    (tmp_path / "assay.yaml").write_text(
        "datasets:\n  orders: {source: data.csv}\nchecks:\n  - {dataset: orders, suite: suite.yaml}\n", encoding="utf-8"
    )
    (tmp_path / "test_drill.py").write_text(
        "import pytest\n\n@pytest.mark.rubric('I7')\ndef test_drill():\n    assert len('drill') == 5\n",
        encoding="utf-8",
    )
    seen = score_repository(tmp_path, run=True, terms=Terms(), now=datetime.now(UTC) + timedelta(minutes=5))
    assert {name for name, worth in points(seen.score).items() if worth} == {"D1", "I7"}
    assert len(seen.ran) == 2
    assert (tmp_path / "reports" / "check.json").is_file()


@pytest.mark.parametrize("value", [0.0, 0.5, 2.5, 7.0])
def test_the_badge_is_a_picture_that_says_the_score(value: float) -> None:
    from xml.etree import ElementTree as ET

    texts = [each.text for each in ET.fromstring(badge(value)).iter() if each.text]
    assert f"{value:g}" in texts
    assert "ML Test Score" in texts


def test_a_marked_test_that_does_nothing_is_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import pytest\n\n@pytest.mark.rubric('I7')\ndef test_empty():\n    assert True\n\n"
        "@pytest.mark.rubric('I6')\ndef test_real():\n    assert len('a') == 1\n",
        encoding="utf-8",
    )
    names = ("test_x.py::test_empty", "test_x.py::test_real")
    table = Exhibit("tests", "Tests", {"test": names, "rubric": ("I7", "I6")})
    outcomes = [Outcome("test", name, Verdict.PASS, family="pytest") for name in names]
    (tmp_path / "pytest.json").write_text(dump_json(findings(*outcomes, exhibits=(table,))), encoding="utf-8")
    value = score_repository(tmp_path, run=False, terms=Terms(), now=NOW).score
    assert {test: got for test, got in points(value).items() if got} == {"I6": 0.5}


def test_findings_of_tests_that_are_not_here_are_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_x():\n    assert len('a') == 1\n", encoding="utf-8")
    table = Exhibit("tests", "Tests", {"test": ("tests/test_theirs.py::test_x",), "rubric": ("I7",)})
    outcome = Outcome("test", "tests/test_theirs.py::test_x", Verdict.PASS, family="pytest")
    (tmp_path / "pytest.json").write_text(dump_json(findings(outcome, exhibits=(table,))), encoding="utf-8")
    assert not any(points(score_repository(tmp_path, run=False, terms=Terms(), now=NOW).score).values())


def test_a_run_of_the_future_is_worth_nothing_and_says_so() -> None:
    (one,) = [p for p in scored([ran("D1", days=-9)], runs=RUNS, now=NOW, terms=Terms()).points if p.test.id == "D1"]
    assert one.points == 0
    assert one.why.startswith("its run is dated in the future")


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("- run: pip install pytest pytest-cov", False),
        ("- run: echo 'we have no pytest'", False),
        ("- name: pytest\n  run: true", False),
        ("pytest:\n  script: [make lint]", False),
        ("- run: python -m pip install \\\n    pytest", False),
        ("- run: pip install pytest && pytest -q", True),
        ("- name: Tests\n  run: uv run pytest", True),
        ("- run: |\n    echo tests; python -m pytest", True),
    ],
)
def test_a_program_that_is_only_named_is_not_run(tmp_path: Path, text: str, runs: bool) -> None:
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/ci.yml").write_text(text, encoding="utf-8")
    assert ("pytest" in read_repository(tmp_path).runs) is runs
