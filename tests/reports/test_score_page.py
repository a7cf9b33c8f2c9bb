"""The page of an ML Test Score: the score, its four sections, what to do next, and all 28 tests."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from assay.reports import findings_page, load_findings, render, write
from assay.reports.page import Banner, Bars, Code, Details, Heading, Page, Share, Table, Text
from assay.reports.render import FORMATS
from assay.reports.score import NEEDS, is_score
from assay.testing.score.evidence import Evidence
from assay.testing.score.rubric import RUBRIC, Section
from assay.testing.score.scoring import Terms, exhibits_of, outcomes_of, scored
from assay.verdict import Estimate, Exhibit, Findings, Outcome, Verdict
from reports.evaluations import hostile
from reports.samples import ODD_NAMES, provenance
from reports.test_evaluation_page import inside
from reports.test_html import Reader

V = Verdict
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def ran(test: str, what: str = "what ran") -> Evidence:
    return Evidence(test, "ran", "reports/pytest.json", what, "pytest", NOW, True, (what,))


def findings(
    *tests: str, by_itself: bool = True, at_least: float | None = None, kills: dict[str, int] | None = None
) -> Findings:
    terms = Terms(at_least=at_least)
    runs = frozenset({"pytest"} if by_itself else ())
    value = scored([ran(test) for test in tests], runs=runs, now=NOW, terms=terms, kills=kills)
    return Findings("churn", outcomes_of(value, terms), provenance(), exhibits=exhibits_of(value, terms))


ONE_EACH = findings("D1", "M1", "I1", "O1")
ALL = findings(*(test.id for test in RUBRIC))


def banner_of(found: Findings) -> Banner:
    banner = findings_page(found).blocks[0]
    assert isinstance(banner, Banner)
    return banner


def bars_of(found: Findings) -> Bars:
    return next(block for block in findings_page(found).blocks if isinstance(block, Bars))


def rubric_rows(found: Findings) -> list[tuple[object, ...]]:
    page = findings_page(found)
    return [
        row
        for block in page.blocks
        if isinstance(block, Table) and block.columns[1].title == "Has it"
        for row in block.rows
    ]


def said(page: Page) -> str:
    """Return all words of a page's tables and paragraphs."""
    cells = [cell for table in inside(page.blocks, Table) for row in table.rows for cell in row]
    shown = [cell.text if isinstance(cell, Code | Share) else str(cell) for cell in cells]
    return "\n".join([*shown, *(str(block.line) for block in inside(page.blocks, Text))])


def only(found: Findings, *names: str) -> Findings:
    """Return findings with these exhibits alone."""
    kept = tuple(exhibit for exhibit in found.exhibits if exhibit.name in names)
    return Findings(found.subject, found.outcomes, found.provenance, exhibits=kept)


# What stands where


def test_a_score_has_a_page_of_its_own():
    page = findings_page(ONE_EACH)

    assert (page.kind, page.title) == ("score", "ML Test Score of churn")
    assert not is_score(Findings("churn", (), provenance()))
    assert not is_score(Findings("churn", (Outcome("nulls", "age", V.PASS, family="completeness"),), provenance()))


def test_the_score_stands_first_with_what_the_paper_says_of_it():
    assert banner_of(ONE_EACH).sentence.startswith("1 of 7: ")
    assert banner_of(findings()).sentence == "Nothing was found that covers any of the 28 tests."
    assert banner_of(findings()).verdict is V.INCONCLUSIVE


def test_a_score_that_was_asked_for_says_what_was_asked():
    found = findings("D1", "M1", "I1", "O1", at_least=2)

    assert banner_of(found).verdict is V.FAIL
    assert banner_of(found).sentence.endswith("Expected: at least 2.")


def test_the_page_goes_from_the_sections_to_the_next_steps_to_the_tests():
    blocks = [block for block in findings_page(ONE_EACH).blocks if isinstance(block, Bars | Heading)]

    assert [block.title if isinstance(block, Bars) else block.text for block in blocks] == [
        "Points by section",
        "Next steps, the most valuable first",
        *(section.value for section in Section),
    ]


def test_each_section_is_a_bar_of_seven_points_and_the_lowest_warn():
    bars = bars_of(findings("D1", "D2", "M1", "I1", "O1"))

    assert [(bar.label, bar.length, bar.text) for bar in bars.bars][:2] == [
        ("Data", 2 / 7, "2 of 7"),
        ("Model", 1 / 7, "1 of 7"),
    ]
    assert [bar.verdict for bar in bars.bars] == [V.PASS, V.WARN, V.WARN, V.WARN]
    assert bars.mark == 1 / 7


def test_full_sections_hold_nothing_down():
    assert {bar.verdict for bar in bars_of(ALL).bars} == {V.PASS}


def test_the_next_steps_name_the_test_the_gain_and_what_to_do():
    found = findings("D1", "D1", "M1", by_itself=False)

    table = next(block for block in findings_page(found).blocks if isinstance(block, Table))

    assert [column.title for column in table.columns] == ["Test", "Gain", "What to do"]
    assert len(table.rows) == 5
    assert {row[1] for row in table.rows} <= {"+0.5", "+1"}


def test_a_full_score_has_no_next_steps():
    headings = [block.text for block in findings_page(ALL).blocks if isinstance(block, Heading)]

    assert "Next steps, the most valuable first" not in headings


def test_each_test_says_whether_it_is_there_whether_it_passes_and_by_what():
    rows = {str(row[0]).split()[0]: row for row in rubric_rows(ONE_EACH)}

    assert rows["D1"][1:3] == (Share(1.0, "1 by itself", V.PASS), "yes")
    assert "reports/pytest.json" in str(rows["D1"][3])
    assert rows["D2"][1:3] == (Share(0.0, "–", V.SKIP), "not known")


def test_half_a_point_warns():
    row = next(row for row in rubric_rows(findings("D1", by_itself=False)) if str(row[0]).startswith("D1 "))

    assert row[1] == Share(0.5, "0.5 by hand", V.WARN)


def test_faults_that_were_caught_have_a_column_where_faults_were_tried():
    without = [row for row in rubric_rows(ONE_EACH) if len(row) == 5]
    tried = {str(row[0]).split()[0]: row for row in rubric_rows(findings("D1", kills={"what ran": 6}))}

    assert without == []
    assert tried["D1"][3] == 6


# No outcome is lost


def test_every_test_of_the_rubric_stands_on_the_page():
    shown = said(findings_page(ONE_EACH))

    assert [test.id for test in RUBRIC if f"{test.id} {test.title}" not in shown] == []
    assert len(rubric_rows(ONE_EACH)) == 28


@pytest.mark.parametrize("kept", [(), ("score_sections",), ("score_steps",), ("score_sections", "score_steps")])
def test_without_the_table_of_tests_the_outcomes_themselves_are_shown(kept: tuple[str, ...]):
    page = findings_page(only(ONE_EACH, *kept))

    folded = next(block for block in page.blocks if isinstance(block, Details) and block.summary == "Every outcome")
    assert len(inside(folded.blocks, Table)[0].rows) == len(ONE_EACH.outcomes)
    assert [test.id for test in RUBRIC if f"{test.id} {test.title}" not in said(page)] == []


def test_a_table_that_the_page_does_not_know_is_folded_below():
    other = Exhibit("spare", "Spare parts", {"a": (1,)})

    page = findings_page(Findings("churn", ONE_EACH.outcomes, provenance(), exhibits=(*ONE_EACH.exhibits, other)))

    assert "Spare parts" in [block.summary for block in page.blocks if isinstance(block, Details)]


# In every format, whatever the names and figures

ODD = Findings(
    'odd <names> & "values"\n',
    tuple(
        Outcome("ml_test_score", name, verdict, name, Estimate(1e300, n=1), name, family="score", note=name)
        for name in (*ODD_NAMES, "score")
        for verdict in (V.PASS, V.WARN, V.SKIP)
    ),
    provenance(),
    exhibits=tuple(
        Exhibit(name, ODD_NAMES[i], hostile(" ".join([*needed, "passes", "kills", "gain"])), note=ODD_NAMES[-1 - i])
        for i, (name, needed) in enumerate(NEEDS.items())
    ),
)
KINDS = {"one each": ONE_EACH, "all": ALL, "nothing": findings(), "bare": only(ONE_EACH), "odd": ODD}


@pytest.mark.parametrize(("kind", "format"), list(product(KINDS, FORMATS)))
def test_every_kind_renders_in_every_format(kind: str, format: str):
    shown = render(KINDS[kind], format)

    assert shown.strip()
    if format not in ("json", "junit"):
        assert not HIDDEN.search(shown)


def test_hostile_names_become_no_markup():
    html = Reader(render(ODD, "html"))

    assert html.open == []
    assert "img" not in {tag for tag, _ in html.tags}
    assert sum(tag == "script" for tag, _ in html.tags) <= 1


def test_a_very_long_sentence_is_cut():
    long = "x" * 100_000
    odd = Findings(long, (Outcome("ml_test_score", "score", V.PASS, long, why=long, family="score"),), provenance())

    assert len(render(odd, "text")) < 12_000


def test_points_that_no_score_has_stay_within_their_bar():
    odd = Exhibit("score_sections", "", {"section": ("Data", "Model", "Monitoring"), "points": (-3, 1e9, "many")})

    bars = bars_of(Findings("churn", ONE_EACH.outcomes, provenance(), exhibits=(odd,)))

    assert [bar.length for bar in bars.bars] == [0.0, 1.0, 0.0]


# From a file


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "odd"])
def test_saved_findings_give_the_same_page(kind: str, tmp_path: Path):
    write(KINDS[kind], tmp_path / "score.json")

    assert findings_page(load_findings(tmp_path / "score.json")) == findings_page(KINDS[kind])


COLUMNS = [(exhibit.name, column) for exhibit in ONE_EACH.exhibits for column in exhibit.columns]


@pytest.mark.parametrize(("name", "column"), COLUMNS)
def test_a_table_that_lacks_a_column_is_still_shown(name: str, column: str):
    torn = tuple(
        Exhibit(one.name, one.title, {key: cells for key, cells in one.columns.items() if (one.name, key) != (name, column)}, one.note)
        for one in ONE_EACH.exhibits
    )  # fmt: skip

    page = findings_page(Findings("churn", ONE_EACH.outcomes, provenance(), exhibits=torn))

    title = next(one.title for one in ONE_EACH.exhibits if one.name == name)
    folded = title in [block.summary for block in page.blocks if isinstance(block, Details)]
    assert folded == (column in NEEDS[name])
    assert [
        format
        for format in FORMATS
        if not render(Findings("churn", ONE_EACH.outcomes, provenance(), exhibits=torn), format)
    ] == []


def test_a_score_without_a_reason_or_without_a_score_says_something():
    nothing = Outcome("ml_test_score", "score", V.PASS, family="score")
    part = Outcome("ml_test_score", "Data", V.SKIP, family="score", why="1 of 7 points")

    assert banner_of(Findings("churn", (nothing,), provenance())).sentence == "No reason was given."
    assert banner_of(Findings("churn", (part,), provenance())).sentence == "Nothing was scored."
