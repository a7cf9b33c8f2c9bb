"""Plots, matrices and intervals: where things stand, in SVG and in characters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.reports import render
from assay.reports.characters import interval_line, legend, sketch
from assay.reports.page import Page
from assay.reports.pictures import Curve, Guide, Interval, Intervals, Matrix, Plot
from assay.reports.plots import MOST_BANDS, bars_below, hue, interval, plot, x_ticks, y_ticks
from assay.reports.scales import place, ticks
from reports.test_html import Reader

UNIT = (0.0, 1.0)
STEP = Curve("a", (0.0, 0.5, 1.0), (0.0, 1.0, 1.0))


def paths(svg: str, face: str) -> list[str]:
    return [attrs["d"] for tag, attrs in Reader(svg).tags if tag == "path" and face in (attrs["class"] or "").split()]


# Plots ----------------------------------------------------------------------------------------------------------------


def test_a_curve_runs_from_below_left_to_above_right():
    svg = plot(Plot("p", (STEP,), x_scale=UNIT, y_scale=UNIT))

    assert paths(svg, "line") == ["M0.00 100.00L50.00 0.00L100.00 0.00"]


def test_a_gap_in_a_curve_is_a_gap_in_its_line():
    svg = plot(Plot("p", (Curve("a", (0.0, 0.5, 1.0), (0.0, None, 1.0)),), x_scale=UNIT, y_scale=UNIT))

    assert paths(svg, "line") == ["M0.00 100.00M100.00 0.00"]


def test_a_band_is_an_area_around_its_curve():
    banded = Curve("a", (0.0, 1.0), (0.5, 0.5), low=(0.25, 0.25), high=(0.75, 0.75))

    assert paths(plot(Plot("p", (banded,), x_scale=UNIT, y_scale=UNIT)), "band") == [
        "M0.00 25.00L100.00 25.00L100.00 75.00L0.00 75.00Z"
    ]


def test_bands_of_many_curves_are_left_out():
    banded = Curve("a", (0.0, 1.0), (0.5, 0.5), low=(0.25, 0.25), high=(0.75, 0.75))

    assert paths(plot(Plot("p", (banded,) * (MOST_BANDS + 1))), "band") == []


def test_a_guide_without_an_end_reaches_to_the_end_of_the_scale():
    svg = plot(Plot("p", (STEP,), x_scale=UNIT, y_scale=UNIT, guides=(Guide("at", (0.25, None), (0.25, None)),)))

    assert paths(svg, "guide") == ["M25.00 100.00L25.00 0.00"]


def test_points_that_are_not_joined_are_dots_alone():
    svg = plot(Plot("p", (Curve("a", (0.0, 1.0), (0.0, 1.0), joined=False, dots=True),), x_scale=UNIT, y_scale=UNIT))

    assert paths(svg, "line") == []
    assert paths(svg, "cloud") == ["M0.00 100.00h0M100.00 0.00h0"]


def test_a_place_says_what_it_is_to_those_who_point_at_it():
    svg = plot(Plot("p", (Curve("a", (0.0, 1.0), (0.0, 1.0), tips=("<first>", "second")),)))

    assert "<title>&lt;first&gt;</title>" in svg


def test_more_curves_than_colours_are_told_apart_by_dashes():
    assert len({hue(i, 12) for i in range(12)}) == 12


def test_bars_below_a_plot_stand_on_its_scale():
    svg = bars_below(Plot("p", (STEP,), x_scale=UNIT, y_scale=UNIT, below=((0.0, 0.5, 4.0), (0.5, 1.0, 2.0))))

    bars = [(each["x"], each["width"], each["height"]) for tag, each in Reader(svg).tags if tag == "rect"]
    assert bars == [("0.00", "50.00", "100.00"), ("50.00", "50.00", "50.00")]


def test_axes_have_round_numbers_at_their_places():
    block = Plot("p", (STEP,), x_scale=(0.0, 2.0), y_scale=UNIT)

    assert x_ticks(block) == [(0.0, "0"), (25.0, "0.5"), (50.0, "1"), (75.0, "1.5"), (100.0, "2")]
    assert y_ticks(block)[-1] == (100.0, "1")


@pytest.mark.parametrize(
    "block", [Plot("p", ()), Plot("p", (Curve("a", (), ()),)), Plot("p", (Curve("a", (1.0,), (None,)),))]
)
def test_a_plot_of_nothing_is_drawn_all_the_same(block: Plot):
    for format in ("html", "text", "markdown"):
        assert render(Page("page", (block,)), format)


@given(
    st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=8),
    st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=8),
)
def test_any_numbers_can_be_drawn(x: list[float], y: list[float]):
    n = min(len(x), len(y))
    block = Plot("p", (Curve("a", tuple(x[:n]), tuple(y[:n]), dots=True),))

    svg, text = plot(block), sketch(block)

    assert not re.search("nan|inf", svg)
    assert len({len(line.split("│")[0]) for line in text.splitlines() if "│" in line}) == 1


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_ticks_are_few_rise_and_lie_on_their_scale(one: float, other: float):
    low, high = sorted((one, other))

    found = ticks(low, high)

    assert 1 <= len(found) <= 6
    assert all(0.0 <= place(at, (low, high)) <= 1.0 for at, _ in found)
    assert [at for at, _ in found] == sorted(at for at, _ in found)


# Intervals ------------------------------------------------------------------------------------------------------------


def test_an_interval_stands_over_what_is_asked_and_beside_the_line():
    rows = (Interval("a", 0.5, 0.25, 0.75, at_least=0.6), Interval("b", 0.0), Interval("c", 1.0))
    block = Intervals("t", rows, line=0.0)
    svg = interval(block, rows[0])

    # The scale has room of 4% at both ends: -0.04 to 1.04, so that 0.5 is in the middle and 0 at 0.04 / 1.08.
    assert paths(svg, "value") == ["M50.00 10h0"]
    assert paths(svg, "compared") == ["M3.70 0V20"]
    assert Reader(svg).tags[1][1]["x"] == "59.26"


def test_one_wide_interval_does_not_squeeze_the_others():
    rows = (
        *(Interval(f"{i}", 0.5 + i / 100, 0.49 + i / 100, 0.51 + i / 100) for i in range(5)),
        Interval("wide", 0.5, -40.0, 40.0),
    )
    block = Intervals("t", rows)

    low, high = block.scale
    assert high - low < 0.2
    assert len(paths(interval(block, rows[-1]), "arrow")) == 2
    assert interval_line(block, rows[-1]).startswith("◂")
    assert interval_line(block, rows[-1]).endswith("▸")


def test_a_value_that_is_not_known_leaves_its_line_empty():
    block = Intervals("t", (Interval("a", None, text="undefined: no row"), Interval("b", 1.0, 0.5, 1.5)))

    assert interval_line(block, block.rows[0]).strip() == ""
    assert paths(interval(block, block.rows[0]), "value") == []
    assert "undefined: no row" in render(Page("p", (block,)), "text")


@pytest.mark.parametrize("format", ["text", "markdown", "html"])
def test_intervals_say_what_the_line_and_the_bounds_are(format: str):
    rows = (Interval("a", 0.5, 0.4, 0.6, "0.5 [0.4, 0.6]", at_most=0.7),)

    shown = render(
        Page("p", (Intervals("t", rows, line=0.0, lined="no difference", more=3, note="a note", asked="by chance"),)),
        format,
    )

    for said in ("no difference", "by chance", "and 3 more", "a note"):
        assert said in shown


# In characters --------------------------------------------------------------------------------------------------------


def test_a_plot_in_characters_has_its_axes_and_a_line_without_holes():
    lines = sketch(
        Plot("p", (Curve("a", (0.0, 1.0), (0.0, 1.0)),), x_scale=UNIT, y_scale=UNIT), width=40, height=6
    ).splitlines()

    drawn = [line.partition("│")[2] for line in lines[:6]]
    assert "".join(sorted(char for line in drawn for char in line if char != " ")) == "•" * 40
    assert lines[6].strip() == "└" + "─" * 40
    assert lines[0].startswith("  1 │")


def test_several_curves_have_numbers_and_a_legend():
    block = Plot(
        "p", (STEP, Curve("b", (0.0, 1.0), (1.0, 0.0))), guides=(Guide("chance", (0.0, 0.0), (1.0, 1.0)),), more=2
    )

    assert legend(block) == "1 a   2 b   ··· chance   and 2 more"
    assert {"1", "2"} <= set(sketch(block))


def test_one_curve_alone_needs_no_legend():
    assert legend(Plot("p", (STEP,))) == ""


def test_data_cannot_end_the_box_that_a_plot_stands_in():
    block = Plot("p", (Curve("```\n# a", (0.0, 1.0), (0.0, 1.0)), STEP), across="`x`", up="```")

    shown = render(Page("page", (block,)), "markdown")

    assert shown.count("```") == 2


# Matrices -------------------------------------------------------------------------------------------------------------

TWO = Matrix("m", ("a", "b"), ("a", "b"), ((3, 1), (0, 0)), ((0.75, 0.25), (None, None)), more=4)


@pytest.mark.parametrize("format", ["text", "markdown"])
def test_a_matrix_in_words_has_counts_and_shares(format: str):
    shown = render(Page("p", (TWO,)), format)

    assert "3 (75%)" in shown
    assert "and 4 more" in shown


def test_a_matrix_frames_what_is_right_and_darkens_by_share():
    cells = [attrs["class"] for tag, attrs in Reader(render(Page("p", (TWO,)), "html")).tags if tag == "td"]

    assert [each.strip() for each in cells] == ["heat-6 same", "heat-2", "heat-0", "heat-0 same"]
