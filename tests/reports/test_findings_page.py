from __future__ import annotations

from assay.reports import findings_page, sentence
from assay.reports.page import (
    Banner,
    Bars,
    Block,
    Card,
    Code,
    Details,
    Examples,
    Heading,
    KeyValues,
    Page,
    RangeBar,
    Table,
)
from assay.verdict import Estimate, Example, Findings, Outcome, Verdict
from reports.samples import FLIGHTS, GREEN, many, provenance

FAIL = Verdict.FAIL


def page_of(*outcomes: Outcome) -> Page:
    return findings_page(Findings("orders", outcomes, provenance()))


def blocks(page: Page, kind: type[Block]) -> list:
    return [block for block in page.blocks if isinstance(block, kind)]


def words_of(card: Card) -> str:
    return "".join(part if isinstance(part, str) else part.text for part in card.title)


def test_the_verdict_comes_first_and_counts_the_worst_first():
    banner = findings_page(FLIGHTS).blocks[0]

    assert isinstance(banner, Banner)
    assert banner.verdict is Verdict.ERROR
    assert (
        banner.sentence
        == "Of 34 checks, 1 could not run, 5 failed, 2 could not be judged, 4 warned, 21 passed and 1 was skipped."
    )
    assert [verdict.value for verdict, _ in banner.counts] == ["error", "fail", "inconclusive", "warn", "pass", "skip"]


def test_findings_without_outcomes_say_that_nothing_was_judged():
    banner = page_of().blocks[0]

    assert isinstance(banner, Banner)
    assert (banner.verdict, banner.sentence) == (Verdict.INCONCLUSIVE, "No check was run, so nothing was judged.")


def test_findings_that_were_all_skipped_say_that_nothing_was_judged():
    banner = page_of(Outcome("nulls", "age", Verdict.SKIP), Outcome("nulls", "fare", Verdict.SKIP)).blocks[0]

    assert isinstance(banner, Banner)
    assert banner.sentence == "Both checks were skipped, so nothing was judged."


def test_outcomes_stand_by_column_the_worst_column_and_the_worst_outcome_first():
    page = page_of(
        Outcome("between", "age", Verdict.WARN, n_rows=100, n_failing=90),
        Outcome("between", "fare", FAIL, n_rows=100, n_failing=1),
        Outcome("nulls", "age", FAIL, n_rows=100, n_failing=50),
        Outcome("unique", "id", Verdict.ERROR, why="it crashed"),
    )

    seen = [
        block.text if isinstance(block, Heading) else block.note
        for block in page.blocks
        if isinstance(block, Heading | Card)
    ]
    assert seen == [
        "Needs attention",
        (Code("id"),),
        "unique",
        (Code("age"),),
        "nulls",
        "between",
        (Code("fare"),),
        "between",
    ]


def test_a_card_says_how_many_of_how_many_rows_and_what_was_expected():
    card = blocks(
        page_of(Outcome("between", "age", FAIL, expected="between 0 and 120", n_rows=200, n_failing=3)), Card
    )[0]

    assert words_of(card) == "3 of 200 rows (1.5%) break the check; expected between 0 and 120."


def test_a_card_does_not_say_twice_what_its_sentence_says():
    outcome = Outcome(
        "between",
        "age",
        FAIL,
        "between 0 and 120",
        why="3 of 200 rows (1.5%) are not between 0 and 120",
        n_rows=200,
        n_failing=3,
    )

    facts = blocks(page_of(outcome), Card)[0].blocks[0]

    assert isinstance(facts, KeyValues)
    assert [(name, cell.text) for name, cell in facts.items] == [("failing", "")]


def test_an_undefined_estimate_says_why_and_is_not_shown_as_a_number():
    outcome = Outcome(
        "mean", "age", Verdict.INCONCLUSIVE, "at most 40", Estimate(None, n=12, why="only 12 rows match; 30 are needed")
    )

    card = blocks(page_of(outcome), Card)[0]

    assert words_of(card) == "Only 12 rows match; 30 are needed."
    assert "0" not in [
        cell
        for block in card.blocks
        if isinstance(block, KeyValues)
        for name, cell in block.items
        if name == "observed"
    ]


def test_a_sentence_does_not_capitalize_a_column():
    assert (
        sentence(Outcome("matches", "flight", Verdict.ERROR, why="flight holds integers")) == "flight holds integers."
    )
    assert (
        sentence(Outcome("matches", "flight", Verdict.ERROR, why="the pattern needs text."))
        == "The pattern needs text."
    )


def test_a_column_is_set_apart_in_a_sentence_but_not_inside_other_words():
    card = blocks(page_of(Outcome("x", "age", FAIL, why="age is not planes.age, nor wages, but `age` or 'age'")), Card)[
        0
    ]

    assert card.title == (Code("age"), " is not planes.age, nor wages, but ", Code("age"), " or ", Code("age"), ".")


def test_a_number_is_drawn_against_its_bound():
    outcome = Outcome(
        "mean", "age", FAIL, "between 20 and 1,000.5", Estimate(1200.0, 50, low=1100.0, high=1300.0, confidence=0.95)
    )

    bar = next(block for block in blocks(page_of(outcome), Card)[0].blocks if isinstance(block, RangeBar))

    assert (bar.at_least, bar.at_most, bar.value, bar.low, bar.high) == (20.0, 1000.5, 1200.0, 1100.0, 1300.0)


def test_a_percentage_and_a_share_are_drawn_on_one_scale():
    outcome = Outcome("nulls", "age", FAIL, "at most 1%", Estimate(0.02, 50, unit="share"))

    bar = next(block for block in blocks(page_of(outcome), Card)[0].blocks if isinstance(block, RangeBar))

    assert (bar.at_least, bar.at_most, bar.value, bar.scale[0]) == (None, 0.01, 0.02, 0.0)


def test_examples_show_the_judged_column_first_and_at_most_five_rows_and_eight_columns():
    values = {f"c{i}": i for i in range(12)} | {"age": -1}
    outcome = Outcome(
        "between", "age", FAIL, n_rows=90, n_failing=7, examples=tuple(Example(i, values) for i in range(7))
    )

    table = next(block for block in blocks(page_of(outcome), Card)[0].blocks if isinstance(block, Examples))

    assert [column.title for column in table.columns] == ["age", *(f"c{i}" for i in range(7))]
    assert [row.number for row in table.rows] == [0, 1, 2, 3, 4]
    assert table.note == "and 2 more rows and 5 more columns"


def test_both_columns_of_a_check_on_two_are_pointed_out():
    outcome = Outcome("compare", "a, b", FAIL, examples=(Example(4, {"id": 9, "a": 2, "b": 1}),))

    table = next(block for block in blocks(page_of(outcome), Card)[0].blocks if isinstance(block, Examples))

    assert ([column.title for column in table.columns], table.about) == (["a", "b", "id"], 2)


def test_a_column_whose_name_holds_a_comma_is_pointed_out_too():
    outcome = Outcome("between", "a, b", FAIL, examples=(Example(4, {"id": 9, "a, b": 2}),))

    table = next(block for block in blocks(page_of(outcome), Card)[0].blocks if isinstance(block, Examples))

    assert ([column.title for column in table.columns], table.about) == (["a, b", "id"], 1)


def test_passes_are_folded_unless_there_is_nothing_else():
    mixed, green = blocks(findings_page(FLIGHTS), Details), blocks(findings_page(GREEN), Details)

    assert (mixed[0].summary, mixed[0].open) == ("21 checks passed", False)
    assert (green[0].summary, green[0].open) == ("21 checks passed", True)


def test_a_thousand_failures_stay_readable_and_none_is_lost():
    page = findings_page(many(1_000))

    cards = blocks(page, Card)
    rest = blocks(page, Details)[0]
    table = rest.blocks[0]
    assert len(cards) == 100
    assert rest.summary == "900 more checks that need attention"
    assert isinstance(table, Table)
    assert len(table.rows) == 900


def test_the_picture_of_failing_rows_names_the_ten_worst():
    bars = blocks(findings_page(many(40)), Bars)[0]

    assert len(bars.bars) == 10
    assert bars.note == "and 30 more checks with failing rows"


def test_the_page_says_what_was_judged_and_by_what():
    page = findings_page(FLIGHTS)

    facts = blocks(page, Details)[-1].blocks[0]

    assert "flights-2 (170,618 rows, 19 columns)" in page.context
    assert isinstance(facts, KeyValues)
    assert dict(facts.items)["suite"] == "flights.suite.yaml"
    assert dict(facts.items)["current fingerprint"] == Code("b7e23ec29af22b0b")
