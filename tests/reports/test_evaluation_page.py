"""An evaluation as a page: the verdict in a sentence, pictures before tables, and nothing that data could break."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from assay.reports import findings_page, load_findings, render, write
from assay.reports.accepted import accepted
from assay.reports.cases import NEEDS, Case
from assay.reports.evaluation import SECTIONS, is_evaluation
from assay.reports.exhibits import Sheet, digits_of, figure, plain_table
from assay.reports.markdown import MOST
from assay.reports.page import (
    Banner,
    Bars,
    Block,
    Card,
    Details,
    Grid,
    Heading,
    KeyValues,
    Page,
    RangeBar,
    StackedShare,
    Table,
    Text,
)
from assay.reports.pictures import Interval, Intervals, Matrix, Plot
from assay.verdict import Estimate, Exhibit, Findings, Outcome, Verdict
from reports.evaluations import (
    BASELINES,
    BINARY,
    CONFUSION,
    EXHIBITS,
    LABELLED,
    METRICS,
    MULTICLASS,
    ODD_EVALUATION,
    OUTCOMES,
    REGRESSION,
    SLICES,
    UNJUDGED,
    estimate,
    exhibit,
    judged,
    large,
)
from reports.samples import FLIGHTS, provenance
from reports.test_html import Reader

V = Verdict
PAGES = {
    "binary": BINARY, "unjudged": UNJUDGED, "multiclass": MULTICLASS, "labels": LABELLED, "regression": REGRESSION, "odd": ODD_EVALUATION,
}  # fmt: skip


def page_of(*exhibits: Exhibit, outcomes: tuple[Outcome, ...] = OUTCOMES) -> Page:
    return findings_page(Findings("bank", outcomes, provenance(), exhibits=exhibits))


def inside(blocks: tuple[Block, ...], kind: type[Block]) -> list:
    found: list[Block] = []
    for block in blocks:
        found += [block] if isinstance(block, kind) else []
        found += inside(block.blocks, kind) if isinstance(block, Details | Grid | Card) else []
    return found


def titled(page: Page, kind: type[Block], title: str):
    return next(block for block in inside(page.blocks, kind) if block.title.startswith(title))


def section(page: Page, title: str) -> list[Block]:
    """Return the blocks under a heading."""
    start = next(i for i, block in enumerate(page.blocks) if isinstance(block, Heading) and block.text == title)
    rest = page.blocks[start + 1 :]
    stop = next((i for i, block in enumerate(rest) if isinstance(block, Heading) and block.level == 2), len(rest))
    return list(rest[:stop])


def sentence_of(findings: Findings) -> str:
    banner = findings_page(findings).blocks[0]
    assert isinstance(banner, Banner)
    return banner.sentence


# Which page -----------------------------------------------------------------------------------------------------------


def test_findings_of_an_evaluation_have_a_page_of_their_own():
    assert findings_page(BINARY).kind == "evaluation"
    assert findings_page(FLIGHTS).kind == "findings"
    assert not is_evaluation(Findings("x", (), provenance()))
    assert not is_evaluation(replace(BINARY, outcomes=(*OUTCOMES, FLIGHTS.outcomes[0])))


def test_saved_findings_give_the_same_page(tmp_path: Path):
    write(BINARY, tmp_path / "bank.json")

    again = load_findings(tmp_path / "bank.json")

    assert findings_page(again) == findings_page(BINARY)
    assert render(again, "html") == render(BINARY, "html")


def test_the_page_goes_from_the_verdict_by_what_needs_attention_to_each_part():
    headings = [block.text for block in findings_page(BINARY).blocks if isinstance(block, Heading) and block.level == 2]

    assert headings == [
        "Needs attention", "Metrics", "Against baselines", "Labels and predictions", "Curves", "Calibration", "Thresholds", "Slices",
        "Fairness", "Robustness", "What the model goes by", "Cost", "Looks at this labelled set", "Limits",
    ]  # fmt: skip


def test_every_exhibit_that_a_page_knows_stands_in_a_section_or_a_challenge():
    of_sections = [name for each in SECTIONS for name in each.exhibits]

    assert len(of_sections) == len(set(of_sections))
    assert set(of_sections) | {"challenge", "flips", "slice_changes", "challenge_cost"} == set(NEEDS)


@pytest.mark.parametrize("part", SECTIONS, ids=lambda one: one.title)
def test_a_section_without_its_exhibits_is_not_there(part):
    assert part.blocks(Case(Findings("bank", OUTCOMES, provenance()))) == []


# The verdict ----------------------------------------------------------------------------------------------------------


def test_the_verdict_says_the_leading_metric_its_bound_and_the_best_baseline():
    said = sentence_of(BINARY)

    # The best baseline is the one that is beaten by least: 0.0130 over one_feature, not 0.2819 over chance.
    assert said.startswith(
        "auc is 0.782 [0.764, 0.799], against a bound of at least 0.75; "
        "it beats the best baseline, one_feature: lift 0.0130 [0.0032, 0.0229]."
    )


def test_the_verdict_names_what_fails_before_what_could_not_be_judged():
    assert sentence_of(BINARY).endswith(
        "3 fail: recall, auc deficit where job = 'blue-collar' and selection_rate ratio of marital. "
        "1 warned: importance of emp_var_rate. 1 could not be judged: ece."
    )


@pytest.mark.parametrize(
    ("lift", "low", "word"), [(0.1, 0.01, "beats"), (0.1, -0.01, "does not surely beat"), (-0.1, -0.2, "does not beat")]
)
def test_a_baseline_is_beaten_only_where_the_whole_interval_says_so(lift: float, low: float, word: str):
    rival = exhibit(
        "baselines",
        "metric baseline value low high lift lift_low lift_high",
        ("auc", "prior", 0.7, 0.7, 0.7, lift, low, 0.3),
    )

    assert f"it {word} the best baseline, prior" in sentence_of(
        Findings("b", OUTCOMES, provenance(), exhibits=(METRICS, rival))
    )


def test_where_nothing_was_asked_the_verdict_says_so():
    assert sentence_of(UNJUDGED).endswith("No bound was given, so nothing was judged.")
    assert findings_page(UNJUDGED).verdict is V.INCONCLUSIVE


def test_what_was_evaluated_stands_under_the_verdict():
    page = findings_page(BINARY)
    facts = dict(next(block for block in page.blocks if isinstance(block, KeyValues)).items)
    labels = next(block for block in page.blocks if isinstance(block, StackedShare))

    # 6,994 + 109 = 7,103 labels are no, 700 + 197 = 897 yes: 11.2% of 8,000.
    assert (facts["rows evaluated"], facts["seed"], facts["fingerprint"].text) == ("8,000", "7", "715d5ef0e8d5840b")
    assert [(part.label, part.text) for part in labels.parts] == [("no", "7103 (88.8%)"), ("yes", "897 (11.2%)")]
    assert Text("bank: 12 rows have no label, and were left out", quiet=True) in page.blocks


# Needs attention ------------------------------------------------------------------------------------------------------


def test_what_needs_attention_are_cards_the_failures_first():
    cards = [block for block in findings_page(BINARY).blocks if isinstance(block, Card)]

    assert [card.verdict for card in cards] == [V.FAIL, V.FAIL, V.FAIL, V.WARN, V.INCONCLUSIVE]
    assert inside(cards[0].blocks, RangeBar)[0].at_least == 0.4
    assert cards[0].note == "metric"


def test_where_the_rows_cannot_tell_a_few_cards_stand_for_many():
    doubts = tuple(
        judged("slice", f"slice {i}", V.INCONCLUSIVE, estimate(0.1), why="the rows cannot tell") for i in range(40)
    )
    page = page_of(METRICS, outcomes=(*OUTCOMES, *doubts))

    cards = [block for block in page.blocks if isinstance(block, Card)]
    rest = next(block for block in page.blocks if isinstance(block, Details) and "could not be judged" in block.summary)
    assert sum(card.verdict is V.INCONCLUSIVE for card in cards) + len(inside(rest.blocks, Table)[0].rows) == 41
    assert rest.summary == "35 more that could not be judged"


def test_an_interval_is_shown_with_its_confidence_beside_the_bound():
    bar = inside(findings_page(BINARY).blocks, RangeBar)[0]

    assert bar.text == "observed 0.220 [0.194, 0.248] at 95%, accepted at least 0.4"


# Metrics and baselines ------------------------------------------------------------------------------------------------


def test_metrics_between_0_and_1_stand_on_one_scale_with_what_is_asked_of_them():
    picture = titled(findings_page(BINARY), Intervals, "Metrics between")

    found = [(row.label[0].text, row.at_least, row.at_most, row.verdict) for row in picture.rows]
    assert found == [
        ("auc", 0.75, None, V.PASS), ("log_loss", None, None, None), ("ece", None, 0.02, V.INCONCLUSIVE), ("recall", 0.4, None, V.FAIL),
    ]  # fmt: skip


def test_a_metric_beyond_1_has_a_scale_of_its_own_where_it_has_a_bound():
    bar = next(block for block in section(findings_page(REGRESSION), "Metrics") if isinstance(block, RangeBar))

    assert (bar.value, bar.at_most) == (118.785, 100)
    assert bar.text == "mae 118.8 [114.4, 123.4], accepted at most 100"


def test_an_undefined_metric_says_why_in_the_table():
    table = next(block for block in section(findings_page(BINARY), "Metrics") if isinstance(block, Table))

    assert table.rows[-1][3:5] == (None, "no row is negative")


def test_lifts_are_those_of_the_leading_metric_beside_a_line_at_nothing():
    picture = titled(page_of(METRICS, BASELINES), Intervals, "By how much auc")

    assert [(row.label[0].text, row.value) for row in picture.rows] == [("random", 0.2819), ("one_feature", 0.0130)]
    assert picture.line == 0.0


# Classes --------------------------------------------------------------------------------------------------------------


def test_a_confusion_matrix_has_counts_and_shares_of_each_label():
    matrix = inside(page_of(CONFUSION).blocks, Matrix)[0]

    assert (matrix.rows, matrix.columns) == (("no", "yes"), ("no", "yes"))
    assert matrix.counts == ((6994, 109), (700, 197))
    # 197 of 897 rows are found.
    assert matrix.shares[1][1] == pytest.approx(197 / 897)


def test_of_many_classes_the_most_frequent_twelve_are_drawn_and_the_rest_counted():
    page = findings_page(MULTICLASS)
    matrix, roc = inside(page.blocks, Matrix)[0], titled(page, Plot, "ROC")

    assert (len(matrix.rows), matrix.more) == (12, 3)
    assert (len(roc.curves), roc.more) == (12, 3)
    assert any(table.caption == "Mixed up most often" for table in inside(page.blocks, Table))


def test_each_label_of_several_has_a_matrix_of_its_own():
    matrices = inside(findings_page(LABELLED).blocks, Matrix)

    assert [matrix.title for matrix in matrices] == ["Confusion: calm", "Confusion: loud", "Confusion: sad"]
    assert matrices[0].counts == ((400, 100), (100, 400))


def test_a_label_without_rows_has_no_shares():
    rows = ("a", "a", 3, 1.0), ("a", "b", 0, 0.0), ("b", "a", 0, None), ("b", "b", 0, None)

    matrix = inside(page_of(exhibit("confusion", "label prediction count share", *rows)).blocks, Matrix)[0]

    assert matrix.shares == ((1.0, 0.0), (None, None))


def test_curves_stand_beside_what_chance_gives():
    page = findings_page(BINARY)
    roc, pr, gain = (titled(page, Plot, title) for title in ("ROC", "Precision", "Cumulative"))

    assert [guide.text for guide in roc.guides] == ["chance"]
    assert [guide.text for guide in pr.guides] == ["base rate 11.2%"]
    # A perfect order finds every row of the class within its share of the rows.
    assert gain.guides[1].end == (pytest.approx(0.112125), 1.0)
    assert roc.curves[0].tips[0] == "threshold above all scores: 0% of the class found, 0% of the others flagged"


# Probabilities --------------------------------------------------------------------------------------------------------


def test_the_reliability_curve_has_its_diagonal_its_band_and_where_the_scores_lie():
    plot = titled(findings_page(BINARY), Plot, "Reliability")

    assert plot.guides[0].text == "perfectly calibrated"
    assert len(plot.curves[0].band) == 8
    # The bin at 0.03 reaches from 0.025 to 0.035, half way to its neighbours: 800 rows over 0.01.
    assert plot.below[1] == (pytest.approx(0.025), pytest.approx(0.035), pytest.approx(80_000))


def test_thresholds_are_marked_where_they_are_chosen_and_in_use():
    page = findings_page(BINARY)

    for title in ("Metrics by threshold", "Mean cost"):
        assert [guide.text for guide in titled(page, Plot, title).guides] == ["least cost, at 0.55", "in use, 0.5"]


def test_without_a_choice_the_least_cost_is_marked():
    sheet = exhibit("thresholds", "threshold precision cost", (0.9, 0.5, 3.0), (0.5, 0.4, 1.0), (0.1, 0.3, 2.0))

    plot = titled(page_of(sheet, outcomes=OUTCOMES[:1]), Plot, "Mean cost")

    assert [guide.text for guide in plot.guides] == ["least cost, at 0.5"]
    assert plot.curves[0].x == (0.1, 0.5, 0.9)


# Slices and groups ----------------------------------------------------------------------------------------------------


def test_slices_stand_beside_the_whole_the_failed_first_then_the_worst():
    page = page_of(METRICS, SLICES)
    asked = titled(page, Intervals, "Slices that were asked for: auc (higher is better)")
    found = titled(page, Intervals, "Slices that the search found")

    names = ["job = 'blue-collar'", "job = 'services'", "job = 'student'", "age >= 47"]
    assert [row.label[0].text for row in asked.rows] == names
    assert (asked.line, asked.lined) == (0.7819, "all rows 0.7819")
    assert [(row.label[0].text, row.verdict) for row in found.rows] == [("age < 32 AND job = 'admin.'", None)]


def test_slices_of_which_the_rows_do_not_tell_are_listed():
    said = [block.line for block in section(page_of(METRICS, SLICES), "Slices") if isinstance(block, Text)]

    assert "Of 3 slices the rows do not tell: job = 'services', job = 'student' and marital = 'unknown'." in said


def test_where_the_search_found_nothing_the_page_says_so():
    searched = exhibit(
        "slice_search",
        "slice discovered held held_low held_high n_held adjusted",
        ("a = 1", 0.1, 0.01, -0.1, 0.1, 90, 0.9),
    )

    said = [block.line for block in section(page_of(METRICS, searched), "Slices") if isinstance(block, Text)]

    assert "The search judged 1 slice and found none surely worse." in said


def test_gaps_stand_beside_what_chance_alone_gives():
    page = findings_page(BINARY)
    difference, ratio = titled(page, Intervals, "Differences"), titled(page, Intervals, "Ratios")

    assert [(row.at_least, row.at_most) for row in difference.rows] == [(0.0, 0.101), (0.0, 0.016)]
    assert [(row.at_least, row.at_most, row.verdict) for row in ratio.rows] == [(0.651, 1.0, V.FAIL)]
    assert (difference.line, ratio.line, difference.asked) == (0.0, 1.0, "what chance alone gives")


def test_groups_whose_gap_failed_come_first():
    pictures = [block.title for block in inside(tuple(section(findings_page(BINARY), "Fairness")), Intervals)]

    assert pictures[2:] == ["selection_rate by marital", "tpr by marital"]


# The other parts ------------------------------------------------------------------------------------------------------


def test_residuals_are_points_under_their_mean_and_beside_normal_ones():
    page = findings_page(REGRESSION)
    over, normal = titled(page, Plot, "Residuals by"), titled(page, Plot, "Residuals beside")

    assert [(curve.joined, len(curve.x)) for curve in over.curves] == [(False, 900), (True, 20)]
    assert normal.guides[0].start == (-250.0, -250.0)
    assert "Errors are 1.83 times as wide" in render(REGRESSION, "text")


def test_robustness_begins_with_the_rows_as_they_are():
    plot = titled(findings_page(BINARY), Plot, "auc under perturbations")

    # 0.775 at a severity of 0.05 is 0.005 less than before: 0.78.
    assert [curve.label for curve in plot.curves] == ["noise", "out of range"]
    assert (plot.curves[0].x[0], plot.curves[0].y[0]) == (0.0, pytest.approx(0.78))
    assert plot.guides[0].text == "as the rows are 0.78"


def test_a_perturbation_without_an_answer_is_said():
    said = [block.line for block in section(findings_page(BINARY), "Robustness") if isinstance(block, Text)]

    assert said == [
        "The metric has no value under missing: the model does not answer, or the metric is undefined there."
    ]


def test_features_stand_in_the_order_of_their_importance():
    rows = titled(findings_page(BINARY), Intervals, "Permutation importance").rows

    assert [(row.label[0].text, row.verdict) for row in rows] == [
        ("emp_var_rate", V.WARN),
        ("contact", None),
        ("age", None),
    ]


def test_dependence_is_a_curve_over_numbers_and_intervals_over_names():
    parts = tuple(section(findings_page(BINARY), "What the model goes by"))

    assert inside(parts, Plot)[0].title == "emp_var_rate"
    assert [row.label[0].text for row in titled(findings_page(BINARY), Intervals, "contact").rows] == [
        "cellular",
        "missing",
    ]


def test_shares_of_shap_are_bars():
    shap = exhibit("shap", "feature value share", ("age", 0.3, 0.75), ("job", 0.1, 0.25))

    bars = inside(page_of(shap).blocks, Bars)[0].bars
    assert [(bar.length, bar.text) for bar in bars] == [(1.0, "0.3, 75%"), (pytest.approx(1 / 3), "0.1, 25%")]


def test_costs_are_said_in_their_units():
    rows = inside(tuple(section(findings_page(BINARY), "Cost")), Table)[0].rows

    assert rows == (("latency p95", "12.7 [11.6, 14.3] ms"), ("model size", "4.3 KiB"))


def test_the_ledger_is_shown_with_its_reason():
    blocks = section(findings_page(BINARY), "Looks at this labelled set")

    assert blocks[0] == Text("It is look 2 at this labelled set.", quiet=True)
    assert blocks[1].rows[0][0] == "2026-11-20 09:00 UTC"


def test_the_limits_count_what_was_judged_and_what_was_not():
    blocks = section(findings_page(BINARY), "Limits")

    # 7 of 11 are judged: 3 fail, 1 warns, 1 is undecided, 2 pass; 3 have a value and no bound, 1 is undefined.
    assert blocks[0] == Text("7 judgements, 1 of them undecided, 3 figures measured without a bound and 1 undefined.")
    assert [block.summary for block in blocks[1:4]] == [
        "1 figure undefined",
        "3 figures without a bound",
        "2 judgements passed",
    ]


# What nobody expected -------------------------------------------------------------------------------------------------


def test_an_exhibit_that_no_section_knows_is_shown_as_a_table():
    page = page_of(exhibit("half_lives", "isotope years", ("C-14", 5_730.0), ("Ra-226", 1_600.0), title="Half-lives"))

    folded = next(block for block in page.blocks if isinstance(block, Details) and block.summary == "Half-lives")
    assert inside(folded.blocks, Table)[0].rows == (("C-14", 5_730.0), ("Ra-226", 1_600.0))


def test_an_exhibit_without_a_column_that_its_picture_takes_is_shown_as_a_table():
    page = page_of(exhibit("roc", "class fpr", ("yes", 0.5)))

    assert inside(page.blocks, Plot) == []
    assert any(isinstance(block, Details) and block.summary == "Roc" for block in page.blocks)


@pytest.mark.parametrize("one", EXHIBITS, ids=lambda one: one.name)
def test_any_exhibit_alone_makes_a_page(one: Exhibit):
    for format in ("html", "markdown", "text"):
        assert render(Findings("bank", OUTCOMES[:1], provenance(), exhibits=(one,)), format)


@pytest.mark.parametrize("one", EXHIBITS, ids=lambda one: one.name)
def test_an_exhibit_of_undefined_figures_makes_a_page(one: Exhibit):
    hollow = replace(one, columns=dict.fromkeys(one.columns, (None,) * 3))

    assert "nan" not in render(Findings("bank", OUTCOMES[:1], provenance(), exhibits=(hollow,)), "html").lower()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_formed_and_asks_for_nothing_from_outside(name: str):
    page = Reader(render(PAGES[name], "html"))

    references = [attrs[key] for _, attrs in page.tags for key in ("src", "href", "action", "srcset") if key in attrs]
    assert page.open == []
    assert {reference for reference in references if not reference.startswith("#assay-")} == {"data:,"}


def test_data_cannot_become_markup():
    page = Reader(render(ODD_EVALUATION, "html"))

    assert not {"img", "i"} & {tag for tag, attrs in page.tags if tag != "i" or "style" not in attrs}
    assert sum(tag == "script" for tag, _ in page.tags) <= 1
    assert not [attrs for _, attrs in page.tags if any(key.startswith("on") for key in attrs)]


@pytest.mark.parametrize("format", ["text", "markdown", "html"])
def test_no_control_character_of_the_data_reaches_a_page(format: str):
    shown = render(ODD_EVALUATION, format)

    assert not {"\x00", "\x1b", "\u202e"} & set(shown)


def test_each_picture_says_in_words_what_it_shows():
    charts = [
        attrs
        for tag, attrs in Reader(render(BINARY, "html")).tags
        if tag == "svg" and "chart" in (attrs.get("class") or "")
    ]

    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in charts)
    assert "ROC: True positive rate over False positive rate, 1 curve" in [attrs["aria-label"] for attrs in charts]


def test_a_page_stays_bounded_however_much_was_evaluated():
    findings = large(2_000)
    html, markdown = render(findings, "html"), render(findings, "markdown")

    assert len(html.encode()) < 1_500_000
    assert len(markdown) < MOST
    assert max(len(picture.rows) for picture in inside(findings_page(findings).blocks, Intervals)) <= 40


def test_every_case_of_junit_is_an_outcome():
    assert render(BINARY, "junit").count("<testcase") == len(BINARY.outcomes)


# Numbers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "digits"),
    [((0.81, 0.87), 3), ((0.9121, 0.9122), 6), ((40.0, 46.0), 1), ((9_000, 11_000), 0), ((0.5, 0.5), None)],
)
def test_an_interval_tells_how_many_digits_its_value_has(ends: tuple[float, float], digits: int | None):
    assert digits_of(*ends) == digits


def test_a_value_never_looks_like_the_bound_that_it_misses():
    assert figure(0.7996, 0.77, 0.829, beside="at least 0.8") == "0.7996 [0.770, 0.829]"
    assert figure(0.8, 0.77, 0.83, beside="at least 0.8") == "0.800 [0.770, 0.830]"


def test_a_bound_with_two_ends_is_read_whole():
    assert accepted("at least 0.5 and at most 0.7") == (0.5, 0.7)
    assert accepted("worse by at most 0.05") is None


def test_a_sheet_takes_numbers_for_numbers_only():
    sheet = Sheet(exhibit("x", "a", (float("nan"),), (float("inf"),), (1e308,), ("7",), (None,), (2,)))

    assert [row.number("a") for row in sheet.rows] == [None, None, None, None, None, 2]


def test_a_table_leaves_out_columns_in_which_nothing_stands():
    table = plain_table(Sheet(exhibit("x", "a b c", (1, None, ""), (2, None, ""))))

    assert [column.title for column in table.columns] == ["A"]


def test_an_unknown_interval_has_no_place():
    row = Interval("a", None, text="undefined")

    assert Intervals("t", (row,)).scale == (0.0, 1.0)


def test_an_estimate_of_another_type_is_written_as_it_is():
    page = page_of(METRICS, outcomes=(judged("metric", "auc", V.FAIL, Estimate("2026-01-01", 3), why="too old"),))

    assert dict(inside(page.blocks, KeyValues)[1].items)["observed"] == "2026-01-01"
