from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from assay.reports import findings_page, render
from assay.reports.markdown import MOST, RENDERERS, code, escaped, markdown
from assay.reports.page import Block, Code, Column, Details, Page, Table, Text
from reports.evaluations import BINARY, ODD_EVALUATION, RIVALS, large
from reports.samples import DRIFTED, FLIGHTS, GREEN, ODD, ODD_DRIFT, many

GITHUB = MarkdownIt("gfm-like", {"linkify": False})


def test_the_verdict_is_the_first_thing_said():
    assert render(FLIGHTS, "markdown").startswith(
        "## 💥 Error: flights, July to December\n\n**Of 34 checks, 1 could not run"
    )
    assert render(GREEN, "markdown").startswith("## ✅ Pass: flights, January to June\n\n**All 21 checks passed.**")


def test_the_long_part_is_folded():
    shown = render(FLIGHTS, "markdown")

    assert "<details><summary><b>21 checks passed</b>: completeness 12" in shown
    assert shown.count("<details") == shown.count("</details>")


@pytest.mark.parametrize(
    "findings",
    [FLIGHTS, ODD, GREEN, many(30), DRIFTED, ODD_DRIFT, BINARY, ODD_EVALUATION, RIVALS],
    ids=["flights", "odd", "green", "many", "drift", "odd drift", "evaluation", "odd evaluation", "challenge"],
)
def test_every_table_has_as_many_cells_in_each_row_as_columns(findings):
    tables = re.findall(r"<table>.*?</table>", GITHUB.render(render(findings, "markdown")), re.DOTALL)

    shapes = [
        {len(re.findall(r"<t[hd]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)} for table in tables
    ]
    assert tables
    assert all(len(shape) == 1 for shape in shapes)


@pytest.mark.parametrize("findings", [ODD, ODD_DRIFT, ODD_EVALUATION], ids=["odd", "odd drift", "odd evaluation"])
def test_data_cannot_become_markup(findings):
    html = GITHUB.render(render(findings, "markdown"))

    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z!][\w-]*)", html))
    assert tags <= {
        "h2",
        "h3",
        "h4",
        "p",
        "strong",
        "code",
        "sub",
        "details",
        "summary",
        "b",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "br",
        "pre",
        "em",
    }
    assert "href" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize(
    "hostile",
    [
        "# not a title",
        "- not a list",
        "1. not a list",
        "> not a quote",
        "=== not a rule",
        "    not code",
        "***",
        "| a |\n|---|",
    ],
)
def test_a_sentence_of_data_stays_a_sentence(hostile: str):
    html = GITHUB.render(markdown(Page("p", (Text(hostile.strip()),))))

    assert re.findall(r"<(\w+)", html) == ["h2", "p"]


def test_a_value_names_no_person_and_no_issue():
    assert escaped("@team #12") == "&#64;&#8203;team &#35;&#8203;12"


def test_code_holds_anything():
    assert GITHUB.renderInline(code("a``b|<i>&amp;\\")) == "<code>a``b|&lt;i&gt;&amp;amp;\\</code>"
    assert code("dep_delay") == "`dep_delay`"


@pytest.mark.parametrize("n", [0, 1, 99, 101, 1_000, 20_000])
def test_a_comment_is_never_too_long_for_github(n: int):
    assert len(render(many(n), "markdown")) < MOST


def test_a_spare_fold_leaves_room_for_what_comes_after_it():
    table = Table((Column("n", number=True), Column("name")), tuple((i, Code(f"column_{i}")) for i in range(5_000)))

    shown = markdown(Page("wide", (Details("all", (table, Text("x" * 3_000)), spare=True), Text("the end"))))

    rows = len(re.findall(r"(?m)^\| \d", shown))
    assert 0 < rows < 200
    assert f"_and {5_000 - rows:,} more_" in shown
    assert "the end" in shown
    assert "did not fit" not in shown


def test_an_evaluation_is_never_too_long_for_github():
    assert len(render(large(300), "markdown")) < MOST


def test_what_does_not_fit_is_said_with_its_count():
    shown = render(many(1_000), "markdown")

    cut = int(re.search(r"_and (\d+) more that did not fit here", shown)[1]) if "did not fit" in shown else 0
    rows = sum(int(n.replace(",", "")) for n in re.findall(r"_and ([\d,]+) more_", shown))
    cards = shown.count("❌ **fail**")
    table_rows = len(re.findall(r"(?m)^\| ❌ fail \|", shown))
    assert cards + table_rows + cut + rows == 1_000


def test_cards_that_do_not_fit_are_counted():
    shown = markdown(findings_page(many(90)), most=8_000)

    cut = int(re.search(r"_and (\d+) more that did not fit here", shown)[1])
    assert shown.count("❌ **fail**") + cut == 90
    assert len(shown) < 8_000


def test_a_long_table_in_a_fold_is_cut_and_says_so():
    table = Table((Column("n", number=True), Column("name")), tuple((i, Code(f"column_{i}")) for i in range(5_000)))

    shown = markdown(Page("wide", (Details("all", (table,)),)), most=10_000)

    rows = len(re.findall(r"(?m)^\| \d", shown))
    assert f"_and {5_000 - rows:,} more_" in shown
    assert shown.rstrip().endswith("</details>")


def test_every_kind_of_block_has_a_renderer():
    assert set(Block.__subclasses__()) == set(RENDERERS)
