"""Findings of drift as a page: the verdict in a sentence, sizes against their bounds, the reference under the current data."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from assay.reports import charts, findings_page, render
from assay.reports.characters import pair
from assay.reports.drift import is_drift
from assay.reports.evidence import name_text, overlay, p_text, range_bar, relative
from assay.reports.overlays import heights_of, is_to_scale, lefts_of
from assay.reports.page import (
    Banner,
    Bars,
    Block,
    Card,
    Code,
    Details,
    Examples,
    Grid,
    KeyValues,
    Overlay,
    Page,
    RangeBar,
    Table,
    Text,
)
from assay.reports.terminal import text
from assay.verdict import Findings, Outcome, Shape, Verdict
from reports.samples import (
    CALM,
    CARRIERS,
    DRIFTED,
    FLIGHTS,
    IMPORTANT,
    MIXED,
    MOVED,
    ODD_DRIFT,
    SHARES,
    STEADY,
    TAILED,
    UNCHANGED,
    drift,
    missing,
    provenance,
    wide,
)
from reports.test_html import Reader

PASS, FAIL, WARN, SKIP, DOUBT = Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.SKIP, Verdict.INCONCLUSIVE
PAGES = {
    "drifted": DRIFTED, "unchanged": UNCHANGED, "important": IMPORTANT, "odd": ODD_DRIFT, "wide": wide(300, drifted=60),
}  # fmt: skip


def page_of(*outcomes: Outcome) -> Page:
    return findings_page(Findings("orders", outcomes, provenance()))


def sentence_of(*outcomes: Outcome) -> str:
    banner = page_of(*outcomes).blocks[0]
    assert isinstance(banner, Banner)
    return banner.sentence


def inside(blocks: tuple[Block, ...], kind: type[Block]) -> list:
    found: list[Block] = []
    for block in blocks:
        found += [block] if isinstance(block, kind) else []
        found += inside(block.blocks, kind) if isinstance(block, Details | Grid | Card) else []
    return found


def cards_of(page: Page) -> list[Card]:
    return inside(page.blocks, Card)


def details_of(page: Page, start: str) -> Details:
    return next(block for block in page.blocks if isinstance(block, Details) and block.summary.startswith(start))


def facts_of(card: Card) -> dict[str, object]:
    return {name: cell for pairs in inside(card.blocks, KeyValues) for name, cell in pairs.items}


# Which page -----------------------------------------------------------------------------------------------------------


def test_findings_of_drift_alone_have_a_page_of_their_own():
    assert findings_page(DRIFTED).kind == "drift"
    assert findings_page(FLIGHTS).kind == "findings"
    assert findings_page(MIXED).kind == "findings"


def test_skipped_outcomes_and_lost_columns_do_not_decide_which_page():
    lost = Outcome("lost_columns", "table", FAIL, why="1 column is gone: age", family="against")

    assert is_drift(Findings("x", (drift("a"), Outcome("nulls", "a", SKIP, family="completeness")), provenance()))
    assert is_drift(Findings("x", (drift("a"), lost), provenance()))
    assert is_drift(Findings("x", (drift("a", verdict=SKIP),), provenance()))
    assert not is_drift(Findings("x", (lost,), provenance()))
    assert not is_drift(Findings("x", (), provenance()))


def test_a_mixed_suite_shows_the_overlay_in_the_card_of_its_drift():
    cards = cards_of(findings_page(MIXED))

    drawn = [card.note for card in cards if inside(card.blocks, Overlay)]
    assert drawn == ["distribution_drift", "missing_drift", "distribution_drift", "new_category_drift"]


# The verdict ----------------------------------------------------------------------------------------------------------


def test_the_verdict_names_how_many_columns_and_the_largest_change_first():
    # 0.09 is 3 times and 0.06 twice the bound of 0.03.
    said = sentence_of(drift("a", size=0.06), drift("b", size=0.09), drift("c", verdict=PASS, size=0.01, **CALM))

    assert said == "2 of 3 columns have drifted: b (3.0 times its bound), then a."


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ((PASS, PASS), "None of 2 columns has drifted."),
        ((PASS,), "The one column has not drifted."),
        ((FAIL,), "The one column has drifted: c0 (7.0 times its bound)."),
        ((WARN, PASS), "1 of 2 columns has drifted: c0 (7.0 times its bound)."),
        ((PASS, DOUBT), "None of 2 columns has drifted. 1 column could not be judged."),
        ((DOUBT, DOUBT), "None of 2 columns could be judged."),
        ((DOUBT,), "The one column could not be judged."),
        ((SKIP, SKIP), "No column was compared, so nothing was judged."),
    ],
)
def test_the_verdict_says_what_was_not_judged_too(verdicts, said):
    assert sentence_of(*(drift(f"c{i}", verdict=verdict) for i, verdict in enumerate(verdicts))) == said


def test_a_column_counts_once_however_many_questions_it_failed():
    banner = findings_page(DRIFTED).blocks[0]

    assert isinstance(banner, Banner)
    assert banner.sentence.startswith(
        "3 of 7 columns have drifted: dep_delay (14 times its bound), then carrier and air_time."
    )
    assert dict(banner.counts) == {FAIL: 2, DOUBT: 2, WARN: 1, PASS: 2, SKIP: 2}


def test_whole_rows_and_lost_columns_are_said_beside_the_columns():
    lost = Outcome("lost_columns", "table", FAIL, why="1 column of the reference is gone: fare", family="against")

    said = sentence_of(drift("a", verdict=PASS, **CALM), drift("table", "row_drift", size=0.7), lost)

    assert said == "The one column has not drifted. Whole rows have drifted. 1 column of the reference is gone: fare."


# The overview ---------------------------------------------------------------------------------------------------------


def test_bars_show_sizes_as_multiples_of_their_bounds_with_the_bound_as_a_line():
    bars = inside(page_of(drift("a", size=0.12), drift("b", size=0.03, verdict=PASS)).blocks, Bars)[0]

    # The longest bar is 4 bounds long, so that the bound lies at a quarter.
    assert [(bar.label[0], bar.length, bar.text) for bar in bars.bars] == [
        (Code("a"), 1.0, "4.00 ×"),
        (Code("b"), 0.25, "1.00 ×"),
    ]
    assert bars.mark == 0.25


def test_a_huge_change_does_not_hide_the_others():
    bars = inside(page_of(drift("a", size=300.0), drift("b", size=0.3), drift("c", size=0.001)).blocks, Bars)[0]

    # From a tenth of the bound to 10,000 times it are five decades: the bound lies at one, 10 times it at two.
    assert [bar.length for bar in bars.bars] == pytest.approx([1.0, 0.4, 0.0])
    assert bars.mark == pytest.approx(0.2)
    assert bars.bars[0].text == "10,000 ×"
    assert "The scale is logarithmic and begins at a tenth of the bound." in bars.note


def test_importances_rank_the_columns_and_the_page_says_so():
    page = findings_page(IMPORTANT)
    bars = inside(page.blocks, Bars)[0]

    # carrier: 4.3 × 0.61 = 2.6; dep_delay: 13.7 × 0.02 = 0.3
    assert [bar.label[0].text for bar in bars.bars] == ["carrier", "dep_delay", "distance", "hour"]
    assert "In the order of size × importance to the model." in bars.note
    assert "Importance" in [column.title for column in inside(page.blocks, Table)[0].columns]


def test_without_importances_nothing_is_said_of_them():
    page = findings_page(DRIFTED)

    assert "importance" not in inside(page.blocks, Bars)[0].note
    assert "Importance" not in [column.title for column in inside(page.blocks, Table)[0].columns]


def test_where_only_p_values_judge_the_least_comes_first():
    only = {"comparison": "ks", "distance": "none", "at_least": None, "adjusted": None}

    page = page_of(drift("a", p_value=1e-3, size=1e-3, **only), drift("b", p_value=1e-30, size=1e-30, **only))

    assert [card.title[0].text for card in cards_of(page)] == ["b", "a"]
    assert inside(page.blocks, Bars) == []


# The cards ------------------------------------------------------------------------------------------------------------


def test_a_card_shows_the_reference_against_the_current_data_and_the_facts():
    card = cards_of(findings_page(DRIFTED))[0]
    picture, bar = inside(card.blocks, Overlay)[0], inside(card.blocks, RangeBar)[0]
    facts = facts_of(card)

    assert (picture.reference, picture.current, picture.start, picture.end) == (
        MOVED.reference,
        MOVED.current,
        "-60",
        "180",
    )
    assert picture.missing == (0.021, 0.094)
    assert (bar.value, bar.at_most) == (0.41, 0.03)
    assert facts["p"] == "6e-13, corrected for 20 comparisons by Benjamini–Hochberg; 3e-14 alone; drift at 0.01 or less"
    assert facts["values"] == "12,000 in the reference, 3,000 now"
    assert facts["usual"] == "up to 0.028 in 26 windows of the reference"


def test_a_card_does_not_say_twice_what_its_sentence_says():
    why = (
        "the Kolmogorov-Smirnov distance is 0.41; Neyman's smooth comparison has p 6e-13; "
        "3,000 values against 12,000 would have shown 0.041"
    )

    facts = facts_of(cards_of(page_of(drift("a", size=0.41, why=why)))[0])

    assert list(facts) == ["p"]


def test_missing_values_stand_beside_the_distribution_and_are_drawn_once():
    card = cards_of(page_of(missing("a", 0.02, 0.3, FAIL), drift("a", shape=MOVED)))[0]

    pictures = inside(card.blocks, Overlay)
    assert [picture.missing for picture in pictures] == [(0.02, 0.3)]
    assert "distribution" in card.note
    assert "missing values" in card.note


def test_a_column_that_lost_its_values_and_nothing_else_shows_their_share():
    picture = inside(cards_of(page_of(missing("a", 0.02, 0.3, FAIL)))[0].blocks, Overlay)[0]

    assert (picture.labels, picture.reference, picture.current, picture.whole) == (("missing",), (0.02,), (0.3,), True)


def test_several_questions_of_one_picture_draw_it_once():
    psi = {"comparison": "none", "distance": "psi", "p_value": None, "adjusted": None, "at_least": 0.2}

    card = cards_of(page_of(drift("a", shape=MOVED), drift("a", size=0.4, shape=MOVED, **psi)))[0]

    assert len(inside(card.blocks, Overlay)) == 1
    assert len(inside(card.blocks, RangeBar)) == 2


def test_an_undefined_size_is_said_and_never_drawn():
    card = next(card for card in cards_of(findings_page(DRIFTED)) if card.title == (Code("notes"),))

    assert inside(card.blocks, RangeBar) == []
    assert "the current data has no value" in "".join(
        part if isinstance(part, str) else part.text for block in inside(card.blocks, Text) for part in block.line
    )


def test_whole_rows_have_a_card_with_the_rows_most_unlike_the_reference():
    card = next(card for card in cards_of(findings_page(IMPORTANT)) if card.note == "whole rows")

    rows = inside(card.blocks, Examples)[0].rows
    assert [row.why for row in rows] == ["score 0.99", "score 0.98", "score 0.97"]


def test_cards_are_bounded_and_no_column_is_lost():
    page = findings_page(wide(300, drifted=60))

    assert len(cards_of(page)) == 30
    assert inside(details_of(page, "60 columns").blocks, Text)[-1].line == "30 more stand in the table below."
    assert len(inside(page.blocks, Table)[0].rows) == 60
    assert len(inside(details_of(page, "240 columns unchanged").blocks, Table)[0].rows) == 240


# The tables -----------------------------------------------------------------------------------------------------------


def test_every_change_stands_in_the_table_worst_first():
    table = inside(findings_page(DRIFTED).blocks, Table)[0]

    assert [(row[1].text, row[2]) for row in table.rows] == [
        ("dep_delay", "distribution"), ("dep_delay", "missing values"), ("carrier", "distribution"), ("carrier", "new categories"),
        ("air_time", "distribution"), ("gate", "distribution"), ("notes", "distribution"),
    ]  # fmt: skip
    assert [column.title for column in table.columns] == [
        "Verdict", "Column", "What", "Reference / current", "Size", "Adjusted p", "Bound", "Could show", "Measured as", "Values",
    ]  # fmt: skip
    assert table.rows[0][4:] == ("0.41", "6e-13", "0.03", "0.041", "KS", "12,000 / 3,000")


def test_a_share_in_the_table_is_said_and_a_distribution_is_drawn():
    rows = inside(findings_page(DRIFTED).blocks, Table)[0].rows

    assert isinstance(rows[0][3], Overlay)
    assert rows[1][3] == "2.1% → 9.4%"


def test_what_did_not_change_and_what_was_not_compared_is_folded():
    page = findings_page(DRIFTED)

    assert not details_of(page, "2 columns unchanged").open
    assert details_of(page, "2 more questions found no change").brief == "missing values 2"
    left = inside(details_of(page, "2 columns not compared").blocks, Table)[0]
    assert [row[2] for row in left.rows] == [
        "Nearly all values differ and count up, as an identifier's do.",
        "Instants move on by their nature; their hours and weekdays are compared.",
    ]


def test_unchanged_columns_are_open_where_there_is_nothing_else():
    assert details_of(findings_page(UNCHANGED), "3 columns unchanged").open


def test_each_outcome_is_on_the_page_once():
    table_rows = [row for table in inside(findings_page(DRIFTED).blocks, Table) for row in table.rows]

    assert len(table_rows) == len(DRIFTED.outcomes)


# Pictures -------------------------------------------------------------------------------------------------------------


def test_areas_are_shares_where_places_differ_in_width():
    # 0.5 over a width of 1 stands three times as tall as 0.5 over a width of 3.
    before, _ = heights_of(Overlay("", (0.5, 0.5), (0.0, 0.0), edges=(0.0, 1.0, 4.0)))

    assert before == pytest.approx((1.0, 1 / 3))


def test_both_sides_stand_on_one_scale():
    before, now = heights_of(Overlay("", (0.5, 0.5), (1.0, 0.0), labels=("a", "b")))

    assert (before, now) == ((0.5, 0.5), (1.0, 0.0))


@pytest.mark.parametrize(
    "edges",
    [(), (0.0, 0.0, 0.0), (0.0, 1.0, 1e6), (float("-inf"), float("inf"), float("inf")), (0.0, 1.0)],
    ids=["none", "a point", "squeezed", "open", "too few"],
)
def test_places_that_cannot_be_drawn_to_scale_are_equally_wide(edges):
    assert not is_to_scale(edges, 2)
    assert lefts_of(Overlay("", (0.5, 0.5), (0.5, 0.5), edges=edges)) == [0.0, 0.5, 1.0]


def test_an_open_end_is_as_wide_as_its_fellows():
    edges = (float("-inf"), 0.0, 2.0, 4.0, float("inf"))

    assert lefts_of(Overlay("", (0.25,) * 4, (0.25,) * 4, edges=edges)) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_a_scale_that_no_float_can_span_is_drawn_all_the_same():
    lefts = lefts_of(Overlay("", (0.5, 0.5), (0.1, 0.9), edges=(-1.7e308, 0.0, 1.7e308)))

    assert lefts == [0.0, 0.5, 1.0]


def test_the_page_says_where_places_are_not_to_scale():
    assert overlay(drift("a", shape=TAILED)).note == "Each place is drawn equally wide."
    assert overlay(drift("a", shape=MOVED)).note == ""


def test_the_categories_that_changed_most_are_shown_in_their_order():
    picture = overlay(drift("carrier", shape=CARRIERS), most=4)

    # UA fell by 0.09, B6 rose by 0.09, DL fell by 0.04, ZZ rose by 0.04; 8 others changed less.
    assert picture.labels == ("UA", "B6", "DL", "ZZ")
    assert picture.more == 8


def test_what_a_shape_has_no_place_for_is_said_and_not_drawn():
    picture = overlay(drift("dest", shape=Shape((0.1, 0.2, 0.7), (0.2, 0.2, 0.6), labels=("A", "B", "other (91)"))))

    assert picture.labels == ("A", "B")
    assert picture.note == "other (91): 70% → 60%"


def test_hours_are_drawn_as_a_day_and_weekdays_as_a_week():
    hours = tuple(f"{(hour + 5) % 24:02}" for hour in range(24))
    day = overlay(
        drift("at", "hour_drift", shape=Shape(tuple(int(h) / 276 for h in hours), (1 / 24,) * 24, labels=hours))
    )
    week = overlay(
        drift("at", "weekday_drift", shape=Shape((0.5, 0.3, 0.2), (0.2, 0.3, 0.5), labels=("Sun", "Tue", "Mon")))
    )

    assert (day.start, day.end, day.labels) == ("0", "24", ())
    assert all(left < right for left, right in pairwise(day.reference))
    assert (week.labels, week.reference) == (("Mon", "Tue", "Sun"), (0.2, 0.3, 0.5))


def test_whole_numbers_stand_in_their_order_and_the_sides_of_a_range_too():
    months = Shape((0.3, 0.3, 0.2, 0.2), (0.1, 0.2, 0.3, 0.4), labels=("10", "2", "-1", "other (3)"))
    sides = Shape((0.9, 0.06, 0.04), (0.8, 0.15, 0.05), labels=("inside", "above", "below"))

    assert overlay(drift("month", shape=months)).labels == ("-1", "2", "10")
    assert overlay(drift("fare", "range_drift", shape=sides, **SHARES)).labels == ("below", "above")


def test_the_shape_comes_before_single_shares_however_large_they_are():
    shares = Shape((1.0, 0.0), (0.5, 0.5), labels=("inside", "above"))

    card = cards_of(
        page_of(drift("a", "range_drift", size=0.5, shape=shares, **SHARES), drift("a", size=0.04, shape=MOVED))
    )[0]

    assert [picture.whole for picture in inside(card.blocks, Overlay)] == [False, True]


@pytest.mark.parametrize(
    "shape",
    [
        None,
        Shape((), ()),
        Shape((0.5, 0.5), (1.0,)),
        Shape((0.5, 0.5), (0.5, 0.5), labels=("a",)),
        Shape((0.5, 0.5), (0.5, 0.5), edges=(2.0, 1.0, 0.0)),
        Shape((0.0,), (0.0,), labels=("a",)),
        Shape((-0.5,), (1.0,), labels=("a",)),
    ],
    ids=["none", "empty", "torn", "unnamed", "falling", "nothing", "negative"],
)
def test_a_shape_that_says_nothing_is_not_drawn(shape):
    assert overlay(drift("a", shape=shape)) is None


def test_the_reference_is_an_outline_and_the_current_data_is_filled():
    svg = charts.overlay(overlay(drift("a", shape=Shape((1.0, 0.0), (0.5, 0.5), edges=(0.0, 1.0, 2.0)))))

    filled = re.findall(r'<rect class="now" x="([\d.]+)" y="([\d.]+)"', svg)
    # The tallest stands 39 of 40 high, so half of it begins at 20.5.
    assert filled == [("0.000", "20.500"), ("50.000", "20.500")]
    assert '<path class="before" d="M0 40V1.0H50.0V40.0H100.0V40"/>' in svg


def test_a_small_overlay_is_drawn_with_two_lines():
    svg = charts.overlay(overlay(drift("a", shape=MOVED)), small=True)

    assert svg.count("<path") == 2
    assert "<rect" not in svg


def test_a_pair_of_sparklines_is_of_one_scale():
    # 0.5 is half as tall as 1.
    assert pair(Overlay("", (0.5, 0.5), (0.0, 1.0), edges=(0.0, 1.0, 2.0))) == ("▄▄", " █")


def test_two_bars_on_one_line_keep_their_lengths():
    svg = charts.twin(0.25, 0.5, label='"><script>')

    assert re.findall(r'class="(now|before)" x="0.000" y="0.000" width="([\d.]+)"', svg) == [
        ("now", "50.000"),
        ("before", "25.000"),
    ]
    assert "<script>" not in svg


# Numbers --------------------------------------------------------------------------------------------------------------


def test_a_size_has_no_multiple_where_there_is_no_bound():
    assert relative(drift("a", size=0.06)) == pytest.approx(2.0)
    assert relative(drift("a", size=-0.06)) == pytest.approx(2.0)
    assert relative(drift("a", at_least=None)) is None
    assert relative(drift("a", at_least=0.0)) is None
    assert relative(drift("a", size=None)) is None
    assert relative(drift("a", distance="none")) is None


def test_a_size_too_large_for_a_scale_is_said_and_not_drawn():
    assert range_bar(drift("a", size=1e300)) is None
    assert (
        facts_of(cards_of(page_of(drift("a", size=1e300)))[0])["size"]
        == "1.00e+300 (95% interval 8.80e+299 to 1.10e+300)"
    )


def test_a_p_value_is_never_nothing():
    assert p_text(0.0) == "<1e-300"
    assert p_text(5e-324) == "<1e-300"


def test_a_page_calls_each_comparison_and_distance_as_its_table_does():
    from assay.stats.comparisons import COMPARISONS
    from assay.stats.distances import DISTANCES

    titles = {member.name: member.title for table in (DISTANCES, COMPARISONS) for member in table.values()}
    shorter = {name for name, title in titles.items() if name_text(name) != title}
    assert all(titles[name].startswith(name_text(name)) for name in shorter)
    assert shorter == {"wasserstein_std"}


# All formats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_drift_is_well_formed_and_asks_for_nothing(name: str):
    page = Reader(render(PAGES[name], "html"))

    references = [attrs[key] for _, attrs in page.tags for key in ("src", "href", "action") if key in attrs]
    assert page.open == []
    assert {reference for reference in references if not reference.startswith("#assay-")} == {"data:,"}
    assert all(
        attrs["aria-label"] for tag, attrs in page.tags if tag == "svg" and "chart" in (attrs.get("class") or "")
    )


def test_names_and_categories_cannot_become_markup():
    page = Reader(render(ODD_DRIFT, "html"))

    assert not {"img", "i"} & {tag for tag, _ in page.tags}
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [attrs for _, attrs in page.tags if any(key.startswith("on") for key in attrs)]


def test_the_legend_is_in_words():
    assert "reference current" in Reader(render(DRIFTED, "html")).text


def test_a_page_of_many_columns_can_be_searched():
    assert 'id="assay-search"' in render(wide(30, drifted=20), "html")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
@pytest.mark.parametrize("name", PAGES)
def test_no_line_is_wider_than_the_terminal(name: str, width: int):
    import unicodedata

    lines = text(findings_page(PAGES[name]), width=width).splitlines()

    assert max(sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line) for line in lines) <= width


def test_a_narrow_terminal_keeps_what_matters():
    lines = text(findings_page(DRIFTED), width=60).splitlines()

    heads = next(line for line in lines if "Reference / current" in line)
    assert heads.split() == ["Column", "What", "Reference", "/", "current", "Size"]
    assert any(line.startswith("✗   dep_delay") and line.endswith("0.41") for line in lines)


def test_a_wide_terminal_shows_more_numbers():
    shown = text(findings_page(DRIFTED), width=140)

    assert "Adjusted p" in shown
    assert "Could show" in shown
    assert re.search(r"✗ fail +dep_delay +distribution +▁▂▆█▇▃▁▁▁ +▁▁▂▄▆▆▄▂▁▁▁▁ +0\.41 +6e-13", shown)


def test_a_terminal_names_the_drifted_columns_and_folds_their_cards():
    shown = text(findings_page(DRIFTED))

    assert "3 columns that drifted: dep_delay, carrier and air_time" in shown
    assert "corrected for 20 comparisons" not in shown


def test_a_pipe_gets_no_colour():
    assert "\x1b" not in text(findings_page(DRIFTED))
    assert "\x1b[" in text(findings_page(DRIFTED), colour=True)


def test_markdown_has_the_pair_in_its_table():
    shown = render(DRIFTED, "markdown")

    assert "| ❌ fail | `dep_delay` | distribution | `▁▂▆█▇▃▁▁▁   ` `▁▁▂▄▆▆▄▂▁▁▁▁` | 0.41 | 6e-13 |" in shown


def test_markdown_of_many_columns_fits_a_comment_and_keeps_its_table():
    shown = render(wide(300, drifted=60), "markdown")

    assert len(shown) < 60_000
    assert shown.count("| ❌ fail | `column_") == 60


def test_junit_has_a_case_for_each_outcome():
    shown = render(DRIFTED, "junit")

    assert shown.count("<testcase") == len(DRIFTED.outcomes)
    assert shown.count("<failure") == 4


def test_a_shape_that_stayed_is_drawn_twice_alike():
    before, now = pair(overlay(drift("a", verdict=PASS, shape=STEADY, **CALM)))

    assert before == now


def test_a_share_of_the_whole_is_drawn_to_the_whole():
    shares = Shape((0.96, 0.04), (0.9, 0.1), labels=("seen", "new"))

    picture = overlay(drift("a", "new_category_drift", size=0.06, shape=shares, **SHARES))

    assert (picture.labels, picture.whole) == (("new",), True)
