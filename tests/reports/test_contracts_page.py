"""The page of judgements of code: the whole first, then what broke and on which rows, then all that was judged."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import polars as pl
import pytest

from assay.api.contracts import check_contracts
from assay.api.options import Options
from assay.reports import findings_page, load_findings, render, write
from assay.reports.contracts import CARDS, is_contracts
from assay.reports.page import (
    Banner,
    Block,
    Card,
    Code,
    Details,
    Examples,
    Heading,
    KeyValues,
    Page,
    StackedShare,
    Table,
    Text,
)
from assay.reports.render import FORMATS
from assay.reports.saved import read_findings
from assay.testing.features.feature import feature
from assay.verdict import Estimate, Evidence, Example, Exhibit, Findings, Outcome, Trace, Verdict
from reports.samples import ODD_NAMES, ODD_VALUES, provenance
from reports.test_evaluation_page import inside
from reports.test_html import Reader

V = Verdict
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def contract(
    verdict: Verdict = V.PASS, check: str = "no_future", subject: str = "rolling", **fields: object
) -> Outcome:
    return Outcome(check, subject, verdict, **{"family": "contract", **fields})  # type: ignore[arg-type]


def a_test(verdict: Verdict = V.PASS, name: str = "tests/test_a.py::test_it", **fields: object) -> Outcome:
    seen = Estimate(0.25, n=1, unit="s")
    return Outcome(
        "test", name, verdict, **{"expected": "passes", "observed": seen, "family": "pytest", "id": name, **fields}
    )  # type: ignore[arg-type]


def findings(*outcomes: Outcome, exhibits: tuple[Exhibit, ...] = ()) -> Findings:
    return Findings("churn", outcomes, provenance(), exhibits=exhibits)


def page_of(*outcomes: Outcome) -> Page:
    return findings_page(findings(*outcomes))


def sentence_of(*outcomes: Outcome) -> str:
    banner = page_of(*outcomes).blocks[0]
    assert isinstance(banner, Banner)
    return banner.sentence


def title_of(card: Card) -> str:
    return "".join(part.text if isinstance(part, Code) else part for part in card.title)


def cards(page: Page) -> list[str]:
    return [title_of(block) for block in page.blocks if isinstance(block, Card)]


def told(blocks: tuple[Block, ...]) -> list[str]:
    return [str(block.line) for block in inside(blocks, Text)]


# What stands where


def test_contracts_and_runs_of_pytest_have_a_page_of_their_own():
    assert page_of(contract()).kind == "contracts"
    assert page_of(a_test()).kind == "contracts"
    assert page_of(a_test(), Outcome("nulls", "age", V.PASS, family="completeness")).kind == "contracts"
    assert not is_contracts(findings(contract(), Outcome("nulls", "age", V.PASS, family="completeness")))
    assert not is_contracts(findings())


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ((contract(),), "The one contract passed."),
        ((contract(), contract(check="repeatable")), "Both contracts passed."),
        ((contract(V.FAIL), contract(), contract(V.SKIP)), "Of 3 contracts, 1 failed, 1 passed and 1 was skipped."),
        ((contract(V.SKIP),), "The one contract was skipped, so nothing was judged."),
        ((a_test(),), "The one test passed."),
        ((a_test(), contract()), "The one test passed. In it, 1 judgement was made."),
        (
            (a_test(V.FAIL), a_test(name="b"), contract(V.FAIL), contract()),
            "Of 2 tests, 1 failed and 1 passed. In them, 2 judgements were made.",
        ),
    ],
)
def test_the_banner_counts_what_was_judged_by_its_own_name(outcomes: tuple[Outcome, ...], said: str):
    assert sentence_of(*outcomes) == said


def test_tests_and_judgements_are_drawn_apart():
    page = page_of(a_test(V.FAIL), a_test(name="b"), contract(V.FAIL), contract(), contract())

    wholes = [block for block in page.blocks if isinstance(block, StackedShare)]

    assert [whole.title for whole in wholes] == ["2 tests", "3 judgements"]
    assert [(part.label, part.value) for part in wholes[1].parts] == [("passed", 2.0), ("failed", 1.0)]
    assert "2 tests: passed 1 · failed 1" in render(page, "markdown")


def test_contracts_alone_are_drawn_once():
    assert [block for block in page_of(contract(), contract(V.FAIL)).blocks if isinstance(block, StackedShare)] == []


def test_what_needs_attention_comes_worst_first():
    verdicts = (V.WARN, V.PASS, V.INCONCLUSIVE, V.ERROR, V.SKIP, V.FAIL)

    shown = [block.verdict for block in page_of(*map(contract, verdicts)).blocks if isinstance(block, Card)]

    assert shown == [V.ERROR, V.FAIL, V.INCONCLUSIVE, V.WARN]


def test_a_broken_contract_says_what_broke_it_what_was_expected_the_rows_and_the_way_out():
    rows = (Example(3, {"x": 1.0, "before": 2.0, "after": 7.3}, "1.0 -> 7.3"),)
    broken = contract(V.FAIL, why="x moved", expected="stays the same", examples=rows, note="sort first")

    card = next(block for block in page_of(broken).blocks if isinstance(block, Card))

    assert title_of(card) == "no_future of rolling"
    assert told(card.blocks) == ["x moved", "Expected: stays the same", "sort first"]
    shown = inside(card.blocks, Examples)[0]
    assert [column.title for column in shown.columns] == ["x", "before", "after"]
    assert (shown.rows[0].number, shown.rows[0].values, shown.rows[0].why) == (3, ("1.0", "2.0", "7.3"), "1.0 -> 7.3")


def test_all_twelve_rows_of_a_smallest_input_are_shown_and_more_are_counted():
    rows = tuple(Example(i, {"x": i}) for i in range(14))

    shown = [inside(page_of(contract(V.FAIL, examples=rows[:n])).blocks, Examples)[0] for n in (12, 14)]

    assert [(len(block.rows), block.note) for block in shown] == [(12, ""), (12, "and 2 more rows")]


def test_a_judgement_without_a_reason_shows_its_figures():
    seen = Outcome(
        "nulls", "age", V.WARN, "at most 1%", Estimate(0.1, n=100, unit="share"), n_rows=100, n_failing=10, family="completeness"
    )  # fmt: skip

    page = page_of(a_test(), seen)

    assert told(next(b for b in page.blocks if isinstance(b, Card)).blocks) == [
        "10 of 100 rows (10%) break the check; expected at most 1%."
    ]
    table = inside(page.blocks, Table)[0]
    assert [column.title for column in table.columns] == ["Verdict", "Check", "What was seen"]
    assert table.rows[0][2] == "10 of 100 rows (10%) break the check; expected at most 1%."


def test_a_comparison_in_a_test_keeps_its_evidence():
    drifted = Outcome(
        "distribution_drift", "age", V.FAIL, "below 0.1", Estimate(0.2, n=50, low=0.1, high=0.3, confidence=0.95), "it moved",
        family="drift", note="prices rose", evidence=Evidence("ks", "ks", 50, 50, 0.2, 0.001, 0.002, "holm", 3, 0.05, 0.1),
    )  # fmt: skip

    card = next(block for block in page_of(a_test(), drifted).blocks if isinstance(block, Card))

    assert inside(card.blocks, KeyValues)
    assert sum("prices rose" in text for text in told(card.blocks)) == 1


def test_a_chart_in_a_test_keeps_its_picture():
    charted = Outcome("control_chart", "age", V.FAIL, why="one alarm", trace=Trace((1.0, 2.0, 9.0), marks=(2,)))

    card = next(block for block in page_of(a_test(), charted).blocks if isinstance(block, Card))

    assert len(card.blocks) > 1


# A test and what was judged in it


def test_a_test_that_a_judgement_failed_is_shown_by_that_judgement():
    name = "tests/test_a.py::test_it"
    page = page_of(a_test(V.FAIL, name, why="no_future of rolling did not pass"), contract(V.FAIL, where=name))

    card = next(block for block in page.blocks if isinstance(block, Card))

    assert cards(page) == ["no_future of rolling"]
    assert card.note == name


def test_a_test_that_failed_by_itself_is_not_hidden_by_a_warning_in_it():
    name = "tests/test_a.py::test_it"

    page = page_of(a_test(V.FAIL, name, why="assert 0"), contract(V.WARN, where=name))

    assert cards(page) == [f"test {name}", "no_future of rolling"]


def test_a_test_whose_fixture_crashed_is_not_hidden_by_a_broken_contract_in_it():
    name = "tests/test_a.py::test_it"

    page = page_of(a_test(V.ERROR, name, why="teardown"), contract(V.FAIL, where=name))

    assert cards(page) == [f"test {name}", "no_future of rolling"]


def test_where_each_judgement_was_made_stands_beside_it():
    page = page_of(a_test(), contract(where="a.py::one"), contract(where="b.py::two"))

    table = inside(page.blocks, Table)[0]

    assert [column.title for column in table.columns] == ["Verdict", "Contract", "What was seen", "Where"]
    assert [row[3] for row in table.rows] == ["a.py::one", "b.py::two"]


def test_every_test_is_listed_with_its_seconds():
    page = page_of(a_test(), a_test(name="b", observed=None), a_test(name="c", observed=Estimate(0.0004, n=1)))

    folded = next(block for block in page.blocks if isinstance(block, Details))

    assert (folded.summary, folded.brief, folded.open) == ("Every test", "3 tests", True)
    assert [row[2] for row in inside(folded.blocks, Table)[0].rows] == [0.25, None, "<0.001"]


# No outcome is lost


def test_every_judgement_of_a_large_run_stands_in_a_table_or_is_named_as_not_judged():
    verdicts = list(Verdict)
    made = [
        contract(verdicts[(i + j) % len(verdicts)], f"check_{i}", f"subject_{j}", why=f"seen {i} {j}")
        for i, j in product(range(30), range(10))
    ]
    tests = [a_test(verdicts[i % len(verdicts)], f"t.py::test_{i}", why=f"why {i}") for i in range(100)]

    page = page_of(*made, *tests)

    cells = [cell for table in inside(page.blocks, Table) for row in table.rows for cell in row]
    said = {cell.text if isinstance(cell, Code) else str(cell) for cell in cells} | set(told(page.blocks))
    missing = [o.why for o in (*made, *tests) if o.why not in said and f"{o.check}: {o.why}" not in said]
    assert missing == []


def test_beyond_forty_cards_the_rest_is_counted_and_stands_in_the_tables():
    page = page_of(*(contract(V.FAIL, f"check_{i}", why=f"broke {i}") for i in range(CARDS + 2)))

    assert len(cards(page)) == CARDS
    assert "and 2 more, in the tables below" in told(page.blocks)
    assert [row[2] for row in inside(page.blocks, Table)[0].rows] == [f"broke {i}" for i in range(CARDS + 2)]


def test_what_was_skipped_says_what_is_missing():
    page = page_of(contract(), contract(V.SKIP, "looks_back", why="it needs lookback="), contract(V.SKIP, "row_by_row"))

    folded = next(block for block in page.blocks if isinstance(block, Details))

    assert (folded.summary, folded.brief) == ("2 not judged", "looks_back and row_by_row")
    assert told(folded.blocks) == ["looks_back: it needs lookback=", "row_by_row"]


def test_each_subject_has_a_heading_and_its_worst_first():
    page = page_of(contract(subject="b"), contract(V.FAIL, "repeatable", subject="b"), contract(subject="a"))

    headings = [
        block.text[0].text for block in page.blocks if isinstance(block, Heading) and not isinstance(block.text, str)
    ]

    assert headings == ["b", "a"]
    assert [row[0] for row in inside(page.blocks, Table)[0].rows] == [V.FAIL, V.PASS]


def test_a_table_that_the_page_does_not_know_is_folded_below():
    other = Exhibit("latencies", "Latencies", {"ms": (1.0, 2.0)})

    page = findings_page(findings(contract(), exhibits=(other, Exhibit("empty", "Empty", {}))))

    assert "Latencies" in [block.summary for block in page.blocks if isinstance(block, Details)]


# In every format, whatever the names

ODD_EXAMPLES = tuple(
    Example(i, {ODD_NAMES[i % len(ODD_NAMES)]: value}, ODD_NAMES[i % 4]) for i, value in enumerate(ODD_VALUES)
)
ODD = Findings(
    'odd <names> & "values"\n',
    tuple(
        made(
            verdict, **{field: name}, why=name, expected=name, note=name, where=name,
            examples=ODD_EXAMPLES if verdict is V.FAIL else (),
        )
        for name in ODD_NAMES
        for verdict in Verdict
        for made, field in ((contract, "check"), (contract, "subject"), (a_test, "name"))
    ),
    provenance(),
)  # fmt: skip
KINDS = {
    "contracts alone": findings(contract(V.FAIL, why="x moved", examples=(Example(0, {"x": 1.0}),)), contract(V.SKIP)),
    "tests alone": findings(a_test(), a_test(V.ERROR, "b", why="no fixture")),
    "contracts in tests": findings(a_test(V.FAIL), contract(V.FAIL, where="tests/test_a.py::test_it")),
    "nothing judged": findings(contract(V.SKIP)),
    "odd": ODD,
}


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
    assert "<script>" not in render(ODD, "markdown").replace("\\<script>", "").replace("`<script>", "")


def test_junit_has_a_case_for_every_outcome():
    cases = ET.fromstring(render(ODD, "junit")).iter("testcase")

    assert len(list(cases)) == len(ODD.outcomes)


def test_a_very_long_sentence_and_name_are_cut():
    long = "x" * 100_000

    shown = render(
        findings(contract(V.FAIL, long, long, why=long, note=long, where=long), a_test(V.FAIL, long)), "text"
    )

    assert len(shown) < 12_000


# From a file


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "odd"])
def test_saved_findings_give_the_same_page(kind: str, tmp_path: Path):
    write(KINDS[kind], tmp_path / "found.json")

    assert findings_page(load_findings(tmp_path / "found.json")) == findings_page(KINDS[kind])


@pytest.mark.parametrize(
    "exhibit",
    [
        Exhibit("tests", "", {}),
        Exhibit("tests", "Tests", {"test": ("a",)}),
        Exhibit("tests", "Tests", {"seconds": ("no number",), "marks": (None,)}),
    ],
)
def test_a_table_of_tests_that_lacks_columns_takes_nothing_away(exhibit: Exhibit):
    bare, torn = findings(a_test(), contract()), findings(a_test(), contract(), exhibits=(exhibit,))

    assert findings_page(torn) == findings_page(bare)


def test_an_outcome_with_nothing_but_its_name_is_shown():
    text = '{"kind": "assay.findings", "format": 1, "subject": "", "outcomes": [OUTCOMES], "provenance": {"assay": "", "started_at": ""}}'
    outcomes = ", ".join(
        f'{{"check": "", "subject": "", "verdict": "{verdict.value}", "family": "{family}"}}'
        for verdict in Verdict
        for family in ("contract", "pytest")
    )

    found = read_findings(text.replace("OUTCOMES", outcomes))

    assert [render(found, format) != "" for format in FORMATS] == [True] * len(FORMATS)
    assert '""' in render(found, "markdown")


@pytest.mark.parametrize("value", ["1" + "0" * 400, "1e308", '"an hour"', "-1", "null"])
def test_seconds_that_are_none_do_not_break_the_page(value: str):
    whole = msgspec.json.encode(findings(a_test(observed=Estimate(12345, n=1)))).decode()

    found = read_findings(whole.replace("12345", value))

    assert "tests/test_a.py::test_it" in render(found, "markdown")


# A real run


def test_a_real_feature_that_looks_ahead_is_told_on_its_page():
    rows = pl.DataFrame({"day": range(20), "x": [float(i * i % 7) for i in range(20)]})
    ahead = feature(lambda frame: frame["x"].shift(-1), name="ahead", time="day")

    found = check_contracts(ahead, rows, options=Options())

    page = findings_page(found)
    assert "no_future of ahead" in cards(page)
    judged = {outcome.check for outcome in found.outcomes}
    shown = render(found, "text")
    assert [check for check in sorted(judged) if check not in shown] == []
