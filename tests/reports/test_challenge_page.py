"""A challenge as a page: the decision with its reasons, differences beside a line at none, flips, slices and cost."""

from __future__ import annotations

from pathlib import Path

from assay.reports import findings_page, load_findings, render, write
from assay.reports.challenge import is_challenge
from assay.reports.page import Banner, Card, Heading, StackedShare, Table
from assay.reports.pictures import Intervals
from assay.verdict import Findings, Verdict
from reports.evaluations import BINARY, CHALLENGE, RIVALS, challenge, exhibit, judged
from reports.samples import ODD_NAMES, provenance
from reports.test_evaluation_page import inside, section, titled
from reports.test_html import Reader


def test_findings_of_a_challenge_have_a_page_of_their_own():
    assert findings_page(CHALLENGE).kind == "challenge"
    assert is_challenge(CHALLENGE)
    assert not is_challenge(BINARY)


def test_the_verdict_is_the_decision_with_its_reasons():
    banner = findings_page(CHALLENGE).blocks[0]

    assert isinstance(banner, Banner)
    assert banner.verdict is Verdict.FAIL
    assert banner.sentence == (
        "boosted trees: the champion stays: auc is better by 0.0122 [0.0048, 0.0196], at 12.7 ms more; slices: worse where age < 32."
    )


def test_of_several_challengers_the_verdict_says_that_it_is_the_best():
    assert (
        findings_page(RIVALS)
        .blocks[0]
        .sentence.startswith("boosted trees (the best of 2 challengers): the champion stays")
    )


def test_the_page_goes_from_the_differences_to_cost_flips_and_slices():
    headings = [block.text for block in findings_page(CHALLENGE).blocks if isinstance(block, Heading)]

    assert headings == [
        "Needs attention",
        "Challenger against champion",
        "Cost beside lift",
        "Flips",
        "Slices",
        "Limits",
    ]


def test_what_broke_the_policy_needs_attention():
    cards = [block for block in findings_page(CHALLENGE).blocks if isinstance(block, Card)]

    assert [card.title[0].text for card in cards] == ["boosted trees", "slices of boosted trees"]


def test_differences_between_0_and_1_share_a_scale_and_others_have_their_own():
    pictures = [
        block
        for block in section(findings_page(CHALLENGE), "Challenger against champion")
        if isinstance(block, Intervals)
    ]

    assert [[row.label[0].text for row in picture.rows] for picture in pictures] == [
        ["auc", "recall"],
        ["cost_per_row"],
    ]
    assert all(picture.line == 0.0 for picture in pictures)
    assert pictures[0].rows[0].text == "0.0122 [0.0048, 0.0196] (0.7819 → 0.7941)"


def test_each_of_several_challengers_has_its_pictures():
    pictures = inside(tuple(section(findings_page(RIVALS), "Challenger against champion")), Intervals)

    assert [picture.title.partition(": ")[2] for picture in pictures] == [
        "boosted trees", "boosted trees, cost_per_row", "forest", "forest, cost_per_row",
    ]  # fmt: skip


def test_cost_stands_beside_what_is_gained():
    table = section(findings_page(CHALLENGE), "Cost beside lift")[0]

    assert [column.title for column in table.columns] == ["What", "champion", "boosted trees"]
    assert table.rows[0] == ("auc", "0.7819", "0.7941, difference 0.0122 [0.0048, 0.0196]")
    assert table.rows[1][0] == "latency p95"


def test_flips_are_told_by_which_model_is_right():
    blocks = section(findings_page(CHALLENGE), "Flips")
    parts = next(block for block in blocks if isinstance(block, StackedShare)).parts

    # Right where the prediction is the label: 6,950 + 133 by both, 60 + 51 by the challenger alone, 44 + 64 by the champion alone.
    assert [(part.label, part.value) for part in parts] == [
        ("both right", 7_083), ("only the challenger right", 111), ("only the champion right", 108), ("both wrong", 698),
    ]  # fmt: skip
    assert [row[3] for row in next(block for block in blocks if isinstance(block, Table)).rows] == [64, 60, 51, 44]


def test_slices_that_get_worse_come_first():
    picture = titled(findings_page(CHALLENGE), Intervals, "Challenger less champion within each slice")

    assert [(row.label[0].text, row.verdict) for row in picture.rows] == [
        ("age < 32", Verdict.FAIL), ("job = 'admin.'", Verdict.PASS), ("marital = 'single'", None),
    ]  # fmt: skip


def test_a_challenge_whose_challenger_has_no_name_is_shown_all_the_same():
    rows = ("auc", 0.7, 0.8, 0.1, 0.05, 0.15, 0.01, 0.02, "pass")
    table = exhibit("challenge", "metric champion challenger difference low high p_value adjusted verdict", rows)

    page = findings_page(
        Findings("x", (judged("challenge", "auc", Verdict.PASS, why="it wins"),), provenance(), exhibits=(table,))
    )

    assert page.blocks[0].sentence == "auc: it wins."
    assert len(inside(page.blocks, Intervals)) == 1


def test_hostile_names_become_no_markup():
    page = Reader(render(challenge(*ODD_NAMES), "html"))

    assert page.open == []
    assert "img" not in {tag for tag, _ in page.tags}
    assert sum(tag == "script" for tag, _ in page.tags) <= 1


def test_saved_findings_of_a_challenge_give_the_same_page(tmp_path: Path):
    write(RIVALS, tmp_path / "challenge.json")

    assert findings_page(load_findings(tmp_path / "challenge.json")) == findings_page(RIVALS)
