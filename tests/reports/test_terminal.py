from __future__ import annotations

import subprocess
import sys
import unicodedata
from io import StringIO

import pytest

from assay.reports import findings_page, render
from assay.reports.characters import heights
from assay.reports.page import Block, Histogram, Page, RangeBar, Sparkline
from assay.reports.terminal import RENDERERS, show, text
from assay.verdict import Verdict
from reports.samples import FLIGHTS, GREEN, ODD, many


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def cells(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def test_a_pipe_gets_plain_words_without_colour_codes():
    pipe = StringIO()

    show(findings_page(FLIGHTS), pipe, environment={})

    assert "\x1b" not in pipe.getvalue()
    assert pipe.getvalue().splitlines()[4].startswith("■ ERROR  Of 34 checks, 1 could not run, 5 failed")


def test_a_terminal_gets_colour_unless_no_color_is_set():
    coloured, plain, dumb = Terminal(), Terminal(), Terminal()

    show(findings_page(FLIGHTS), coloured, environment={})
    show(findings_page(FLIGHTS), plain, environment={"NO_COLOR": "1"})
    show(findings_page(FLIGHTS), dumb, environment={"TERM": "dumb"})

    assert "\x1b[" in coloured.getvalue()
    assert "\x1b" not in plain.getvalue()
    assert "\x1b" not in dumb.getvalue()


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("no number", 100), ("", 100), ("1", 40)])
def test_a_pipe_is_as_wide_as_the_environment_says(columns: str, width: int):
    pipe = StringIO()

    show(findings_page(FLIGHTS), pipe, environment={"COLUMNS": columns})

    assert width - 10 < max(map(cells, pipe.getvalue().splitlines())) <= width


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
@pytest.mark.parametrize("findings", [FLIGHTS, ODD, GREEN], ids=["flights", "odd", "green"])
def test_no_line_is_wider_than_the_terminal(findings, width: int):
    lines = text(findings_page(findings), width=width).splitlines()

    assert max(map(cells, lines)) <= width


def test_each_verdict_is_told_by_a_word_and_a_shape_not_by_colour_alone():
    shown = text(findings_page(FLIGHTS))

    assert all(sign in shown for sign in ("■ error", "✗ fail", "? inconclusive", "▲ warn", "✓ 21 pass", "– 1 skip"))


def test_data_cannot_write_to_the_terminal():
    shown = text(findings_page(ODD))

    assert not {char for char in shown if unicodedata.category(char) in ("Cc", "Cf")} - {"\n"}
    assert "[bold]x[/bold]" in shown


def test_a_failing_row_is_shown_with_its_number_and_values():
    shown = text(findings_page(FLIGHTS))

    assert (
        "     row  dep_delay  month  day  carrier  flight  origin  dest\n     97218       1005      7   22  MQ         3075  JFK     CVG"
        in shown
    )


def test_passes_are_one_line():
    shown = text(findings_page(GREEN)).splitlines()

    assert "21 checks passed: completeness 12, range 4, schema 1, set 2, table 1, uniqueness 1" in shown
    assert len(shown) < 15


def test_a_thousand_failures_are_a_hundred_cards_and_a_line():
    lines = render(many(1_000)).splitlines()

    assert len(lines) < 1_000
    assert "900 more checks that need attention: column_50, column_51, column_52" in "\n".join(lines)


def test_every_kind_of_block_has_a_renderer():
    assert set(Block.__subclasses__()) == set(RENDERERS)


def test_heights_are_relative_and_keep_small_values_visible():
    assert heights((0, 0.001, 5, 10)) == " ▁▄█"
    assert heights((1, None, 1)) == "█ █"
    assert heights(()) == ""
    assert len(heights(tuple(range(1_000)))) == 40


def test_a_range_bar_marks_the_value_and_the_accepted_range():
    page = Page("p", (RangeBar("", value=2.0, at_most=1.0, text="twice", verdict=Verdict.FAIL),))

    # The scale runs from 0 to 2.2: a room of (2 - 1) / 5 above the value.
    assert text(page).splitlines()[1] == "━━━━━━━━━━━··········●·· twice"


def test_charts_of_nothing_are_nothing():
    page = Page("p", (Histogram("", (), ()), Sparkline("", ()), Sparkline("", (None, None))))

    assert text(page).strip() == "p"


def test_text_needs_neither_jinja_nor_rich_markdown():
    script = (
        "import sys; from assay.verdict import *; from assay.reports import render;"
        "render(Findings('x', (), Provenance('0', '')));"
        "print([m for m in ('jinja2', 'rich.markdown', 'rich.syntax', 'pygments', 'numpy', 'polars') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
