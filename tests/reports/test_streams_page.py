"""Streams, control charts and estimates as pages: what is drawn, what is said, and that nothing breaks a page."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from assay.reports import charts
from assay.reports.characters import levels
from assay.reports.estimation import is_estimation
from assay.reports.findings import findings_page
from assay.reports.html import html
from assay.reports.markdown import markdown
from assay.reports.page import Banner, Card, Page, Series, Table
from assay.reports.render import FORMATS, render
from assay.reports.saved import read_findings
from assay.reports.streams import is_streams, series_of
from assay.reports.terminal import text
from assay.verdict import Estimate, Example, Findings, Outcome, Trace, Verdict
from reports.browser import browser
from reports.samples import ODD, provenance

V = Verdict
WAVE = tuple(round(0.1 + 0.02 * (i % 7) + (0.15 if i > 200 else 0.0), 3) for i in range(300))
ALARMED = Outcome(
    "stream_change", "error", V.FAIL, expected="no rise above 0.16 (esr)", observed=Estimate(2, n=30_000, unit="alarms"),
    why="the detector esr signals drift twice in 30,000 values, first at row 20,310, then at row 25,000; the average run length is "
    "at least 100,000 values while the error rate is at most 0.16",
    n_rows=30_000, examples=(Example(20_310, {"error": 1}, "alarm 1"), Example(25_000, {"error": 1}, "alarm 2")),
    family="drift", id="stream_change.error.esr",
    trace=Trace(WAVE, marks=(203, 250), centre=0.16, every=100, start="row 0", end="row 29,999"),
)  # fmt: skip
CALM = Outcome(
    "stream_change", "error", V.PASS, expected="no change (adwin)", observed=Estimate(0, n=30_000, unit="alarms"),
    why="the detector adwin finds no drift in 30,000 values", n_rows=30_000, family="drift", id="stream_change.error.adwin",
    trace=Trace(WAVE, every=100, start="row 0", end="row 29,999"),
)  # fmt: skip
WARNED = Outcome(
    "stream_change", "error", V.WARN, observed=Estimate(0, n=50, unit="alarms"), why="it is in its warning zone", n_rows=50,
    family="drift", id="stream_change.error.ddm",
)  # fmt: skip
UNJUDGED = Outcome(
    "stream_change", "error", V.INCONCLUSIVE, why="it has none", family="drift", id="stream_change.error.esr"
)
CHART = Outcome(
    "control_chart", "price", V.FAIL, expected="in control, between 1 and 9", observed=Estimate(1, n=5, unit="points out of control"),
    why="1 of 5 points of price is out of control", n_rows=5, n_failing=1, family="drift", id="control_chart.price.means",
    examples=(Example(36, {"price": 12.0}, "12 is 3.5 deviations above"),),
    trace=Trace((5.0, 6.0, None, 12.0, 5.5), (3,), 5.0, (1.0, 1.0, 1.0, 1.0, 0.5), (9.0, 9.0, 9.0, 9.0, 9.5), start="row 0", end="row 48"),
)  # fmt: skip
ESTIMATES = (
    Outcome("estimated_performance", "auc", V.INCONCLUSIVE, expected="at least 0.72, 0.1 of the reference's 0.8 worse",
            observed=Estimate(0.71, n=500, low=0.66, high=0.75, confidence=0.95), why="the bound lies inside", n_rows=500,
            family="estimation", id="estimated_performance.auc"),
    Outcome("estimated_performance", "f1", V.SKIP, observed=Estimate(None, n=500, why="no row is positive"), why="it is undefined",
            n_rows=500, family="estimation", id="estimated_performance.f1"),
    Outcome("realised_performance", "auc", V.FAIL, expected="at least 0.72", observed=Estimate(0.6, n=500, low=0.55, high=0.65),
            why="all of it is beyond the bound", n_rows=500, family="estimation", id="realised_performance.auc"),
    Outcome("estimate_held", "auc", V.WARN, observed=Estimate(0.6, n=500), why="it came to 0.6", n_rows=500, family="estimation",
            id="estimate_held.auc"),
    Outcome("estimation_condition", "no concept drift", V.SKIP, why="only labels can tell", family="estimation", id="c.1"),
    Outcome("estimation_condition", "complete rows", V.INCONCLUSIVE, why="80 of 500 rows have no score", family="estimation", id="c.2"),
)  # fmt: skip


def findings(*outcomes: Outcome) -> Findings:
    return Findings("elec", outcomes, provenance())


def drawn(page: Page) -> list[Series]:
    return [
        block for card in page.blocks if isinstance(card, Card) for block in card.blocks if isinstance(block, Series)
    ]


# Streams -------------------------------------------------------------------------------------------------------------


def test_findings_about_streams_have_a_page_of_their_own_and_others_do_not():
    assert is_streams(findings(ALARMED, CHART))
    assert findings_page(findings(ALARMED)).kind == "streams"
    assert not is_streams(findings())
    assert not is_streams(findings(ALARMED, *ESTIMATES))


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        ((ALARMED,), "error has changed: esr signals it 2 times."),
        ((CALM,), "error has not changed, as far as adwin can tell."),
        ((WARNED,), "error may be changing: ddm is in its warning zone."),
        ((UNJUDGED,), "error could not be judged."),
        ((CHART,), "price is out of control."),
        ((CALM, ALARMED), "1 of 2 see a change: esr."),
        ((CALM, UNJUDGED), "1 of 2 could not judge."),
        ((CALM, CALM), "None of 2 sees a change."),
    ],
)
def test_the_banner_says_it_in_a_sentence(outcomes, sentence):
    banner = findings_page(findings(*outcomes)).blocks[0]

    assert isinstance(banner, Banner)
    assert banner.sentence == sentence


def test_the_worst_stands_first():
    cards = [block for block in findings_page(findings(CALM, ALARMED)).blocks if isinstance(block, Card)]

    assert [card.verdict for card in cards] == [V.FAIL, V.PASS]


def test_the_picture_has_the_alarms_and_says_what_a_place_stands_for():
    (series,) = drawn(findings_page(findings(ALARMED)))

    assert (series.values, series.marks, series.centre) == (WAVE, (203, 250), 0.16)
    assert (series.start, series.end, series.centred, series.marked) == ("row 0", "row 29,999", "baseline", "alarm")
    assert series.note == "Each place is the mean of 100 values."


def test_limits_that_differ_are_said_by_the_most_frequent():
    (series,) = drawn(findings_page(findings(CHART)))

    assert series.limits == "1 to 9, by the size of each point"
    assert series.scale == (0.5, 12.0)


def test_an_outcome_without_a_value_to_draw_has_no_picture():
    assert series_of(UNJUDGED) == []
    assert series_of(Outcome("stream_change", "e", V.PASS, trace=Trace((None, None)))) == []


def test_a_trace_travels_in_a_file():
    found = findings(ALARMED, CHART)

    assert read_findings(render(found, "json")) == found


def test_a_stream_among_other_findings_is_drawn_too():
    page = findings_page(Findings("elec", (ALARMED, *ODD.outcomes), provenance()))

    assert [series.marks for series in drawn(page)] == [(203, 250)]


# The block -----------------------------------------------------------------------------------------------------------


def test_a_series_as_svg_is_well_formed_and_breaks_at_gaps():
    series = Series("s", (0.0, 1.0, None, 0.5), marks=(1,), centre=0.5, low=(0.0,), high=(1.0,))

    root = fromstring(charts.series(series))

    paths = {path.get("class"): path.get("d") for path in root.iter("path")}
    assert paths["series"] == "M0.00 38.00L33.33 2.00M100.00 20.00"  # 40 high with 2 to spare at both ends
    assert paths["centre"] == "M0.00 20.00L33.33 20.00L66.67 20.00L100.00 20.00"
    assert paths["alarm"] == "M33.33 2.00h0"


@pytest.mark.parametrize("values", [(), (None,), (1.0,), (2.0, 2.0), (-1.7e308, 1.7e308), (0.0,) * 300])
def test_a_series_of_any_values_can_be_drawn(values):
    series = Series("s", values, marks=(0,) if values else ())

    assert "nan" not in charts.series(series)
    assert "inf" not in charts.series(series)
    assert len(levels(series)[0]) <= 60
    for format in ("text", "markdown", "html"):
        assert render(Page("p", (series,)), format)


def test_few_alarms_have_a_line_down_and_many_have_none():
    few, many = (Series("s", WAVE, marks=tuple(range(n))) for n in (30, 31))

    assert 'class="drop"' in charts.series(few)
    assert 'class="drop"' not in charts.series(many)


def test_the_terminal_points_at_alarms_under_the_line():
    line, alarms = levels(Series("s", (0.0, 0.0, 8.0, None), marks=(2,)))

    assert (line, alarms) == ("▁▁█ ", "  ^ ")


def test_the_markdown_of_a_series_is_a_block_of_text():
    shown = markdown(findings_page(findings(ALARMED)))

    block = re.search(r"```text\n(.*)\n(.*)\n```", shown)
    assert block is not None
    assert len(block[1]) == 60
    assert block[2].count("^") == 2
    assert "baseline 0.16; ^ alarm; from row 0 to row 29,999" in shown


def test_what_comes_from_data_is_escaped():
    odd = Outcome(
        "stream_change", "<b>x</b>", V.FAIL, observed=Estimate(1, n=9), why="row 0 (</p><script>alert(1)</script>)",
        id="stream_change.x.esr", trace=Trace((1.0, 2.0), marks=(0,), start="row 0 (<i>)", end="`|"),
    )  # fmt: skip

    page = html(findings_page(findings(odd)))

    assert "<script>alert" not in page
    assert "<i>" not in page
    assert "<b>x</b>" not in page


# Estimates -----------------------------------------------------------------------------------------------------------


def test_estimates_have_a_page_that_begins_with_the_metric_that_is_judged():
    found = findings(*ESTIMATES)
    page = findings_page(found)

    assert is_estimation(found)
    assert page.kind == "estimate"
    assert page.blocks[0].sentence == (
        "auc is estimated at 0.71 (95% interval 0.66 to 0.75) and came to 0.6 (interval 0.55 to 0.65); it has to be at least 0.72, "
        "0.1 of the reference's 0.8 worse. 1 of 1 estimates did not come true. 1 condition of the estimate does not hold."
    )  # fmt: skip


def test_every_metric_stands_in_the_table_with_its_truth():
    page = findings_page(findings(*ESTIMATES))
    (table,) = [block for block in page.blocks if isinstance(block, Table)]

    titles = [column.title for column in table.columns]
    auc, f1 = (dict(zip(titles, row, strict=True)) for row in table.rows)
    assert (auc["Estimated"], auc["Realised"], auc["Inside"]) == ("0.71", "0.6", V.WARN)
    assert (f1["Estimated"], f1["Realised"]) == (None, None)


def test_conditions_say_whether_they_hold():
    shown = " ".join(text(findings_page(findings(*ESTIMATES)), width=140).split())

    assert "complete rows does not hold 80 of 500 rows have no score" in shown
    assert "no concept drift not known" in shown


# All of them ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "outcomes", [(ALARMED, CALM, WARNED, UNJUDGED, CHART), ESTIMATES, ESTIMATES[1:2], ESTIMATES[4:]]
)
def test_every_format_shows_them(format, outcomes):
    assert render(findings(*outcomes), format)


@pytest.mark.parametrize("width", [400, 1200])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_pages_fit_a_screen_without_a_complaint(chromium: Path, tmp_path: Path, width: int, dark: bool):
    with browser(chromium) as tab:
        for outcomes in ((ALARMED, CALM, CHART), ESTIMATES):
            (tmp_path / "page.html").write_text(render(findings(*outcomes), "html"), encoding="utf-8")
            tab.open(tmp_path / "page.html", width=width, dark=dark)
            assert tab.complaints == []
            assert tab.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert tab.ask("document.querySelectorAll('.range').length") == 2
