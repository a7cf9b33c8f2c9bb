from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import pytest

from assay.reports import charts, findings_page, render
from assay.reports.html import CELLS, MACROS, fragment
from assay.reports.page import (
    Block,
    Column,
    Histogram,
    Overlay,
    Page,
    Part,
    RangeBar,
    Share,
    Sparkline,
    StackedShare,
    Table,
    Text,
)  # fmt: skip
from assay.reports.plots import HUES
from assay.reports.signs import SIGNS
from assay.verdict import Verdict
from reports.samples import FLIGHTS, GREEN, ODD, many

STYLE = (Path(charts.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
VOID = {"meta", "link", "input", "br", "rect", "circle", "line", "use"}


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed in its order; keeps tags, attributes, ids and words."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


PAGES = {"flights": FLIGHTS, "green": GREEN, "odd": ODD, "many": many(300)}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_formed(name: str):
    page = Reader(render(PAGES[name], "html"))

    assert page.open == []
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert {"header", "main", "title"} <= {tag for tag, _ in page.tags}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_from_outside(name: str):
    page = Reader(render(PAGES[name], "html"))

    references = [attrs[key] for _, attrs in page.tags for key in ("src", "href", "action", "srcset") if key in attrs]
    assert {reference for reference in references if not reference.startswith("#assay-")} == {"data:,"}
    assert "@import" not in STYLE
    assert "url(" not in STYLE


def test_data_cannot_become_markup():
    page = Reader(render(ODD, "html"))

    assert {"script", "img", "b", "i"} & {tag for tag, _ in page.tags} <= {"script", "b"}
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [attrs for _, attrs in page.tags if any(key.startswith("on") for key in attrs)]
    assert "<script>alert(1)</script> is out of range" in page.text
    assert "{{ 7*7 }}" in page.text


def test_a_page_is_read_without_its_script():
    text = render(FLIGHTS, "html")
    page = Reader(re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL))

    assert "12 of 167,246 values lie outside, up to 1014." in page.text
    assert ("p", {"class": "search", "hidden": None}) in page.tags


def test_each_chart_says_in_words_what_it_shows():
    page = Reader(render(FLIGHTS, "html"))

    charts_seen = [attrs for tag, attrs in page.tags if tag == "svg" and "chart" in (attrs.get("class") or "")]
    assert charts_seen
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in charts_seen)
    assert "Outcomes: error 1, fail 5, inconclusive 2, warn 4, pass 21, skip 1" in [
        attrs["aria-label"] for attrs in charts_seen
    ]


def test_each_verdict_has_its_own_shape_beside_its_word():
    symbols = re.findall(r'<symbol id="assay-(\w+)"[^>]*>(.*?)</symbol>', charts.symbols())

    assert [name for name, _ in symbols] == [verdict.value for verdict in SIGNS]
    assert len({shape for _, shape in symbols}) == len(Verdict)


def test_ids_are_there_once():
    ids = [attrs["id"] for _, attrs in Reader(render(FLIGHTS, "html")).tags if "id" in attrs]

    assert len(ids) == len(set(ids))


def test_a_page_grows_in_line_with_its_outcomes():
    small, large = len(render(many(500), "html")), len(render(many(5_000), "html"))

    assert (large - small) / 4_500 < 700


def test_a_fragment_for_notebooks_styles_nothing_but_itself():
    shown = fragment(FLIGHTS)
    style = re.search(r"<style>(.*?)</style>", shown, re.DOTALL)[1]

    outer = re.sub(r"\{(?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*\}", "", style)
    assert all("assay" in selector for rule in outer.split("\n") if (selector := rule.strip()))
    assert FLIGHTS._repr_html_() == shown
    assert not {"html", "body", "script", "h1"} & {tag for tag, _ in Reader(shown).tags}


def test_every_kind_of_block_has_a_macro():
    assert set(Block.__subclasses__()) == set(MACROS)
    assert set(CELLS) == {Verdict, Share, Sparkline, Histogram, Overlay} | {
        kind for kind in CELLS if kind.__name__ == "Code"
    }


# Colours --------------------------------------------------------------------------------------------------------------

COLOURS = {
    name: (light, dark) for name, light, dark in re.findall(r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)", STYLE)
}
# Machado, Oliveira & Fernandes (2009), severity 1: how linear RGB looks to those who lack one kind of cone.
SIGHT = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def linear(colour: str) -> list[float]:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: (lighter + 0.05) / (darker + 0.05) of the relative luminances."""
    low, high = sorted(
        sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))
        for colour in (one, other)
    )
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, sight: str) -> tuple[float, float, float]:
    r, g, b = (
        min(max(sum(m * part for m, part in zip(row, linear(colour), strict=True)), 0), 1) for row in SIGHT[sight]
    )
    weights = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    x, y, z = ((u * r + v * g + w * b) / white for (u, v, w), white in zip(weights, (0.95047, 1, 1.08883), strict=True))
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "soft", *(verdict.value for verdict in Verdict)])
def test_words_stand_out_from_their_ground(name: str, scheme: int):
    grounds = [COLOURS["ground"][scheme], COLOURS["surface"][scheme]]

    assert min(contrast(COLOURS[name][scheme], ground) for ground in grounds) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_curves_stand_out_from_their_ground_and_from_each_other(scheme: int):
    hues = [COLOURS[name][scheme] for name in COLOURS if name.startswith("hue-")]

    assert len(hues) == HUES
    assert min(contrast(hue, COLOURS["surface"][scheme]) for hue in hues) >= 3
    assert (
        min(
            sum((a - b) ** 2 for a, b in zip(lab(one, "usual"), lab(other, "usual"), strict=True)) ** 0.5
            for one, other in combinations(hues, 2)
        )
        > 20
    )


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_verdicts_differ_in_colour_for_every_kind_of_sight(sight: str, scheme: int):
    fills = [COLOURS.get(f"{verdict.value}-fill", COLOURS[verdict.value])[scheme] for verdict in Verdict]

    # ΔE of CIE 1976; about 2.3 is just noticeable, so 12 is plain to see side by side.
    distances = [
        sum((a - b) ** 2 for a, b in zip(lab(one, sight), lab(other, sight), strict=True)) ** 0.5
        for one, other in combinations(fills, 2)
    ]
    assert min(distances) > 12
    assert min(contrast(fill, COLOURS["surface"][scheme]) for fill in fills) >= 3


# Charts ---------------------------------------------------------------------------------------------------------------


def rects(svg: str) -> list[dict[str, str | None]]:
    return [attrs for tag, attrs in Reader(svg).tags if tag == "rect"]


def test_a_histogram_draws_counts_as_areas():
    # 10 in a bin of width 1 is twice as dense as 10 in a bin of width 2.
    bins = rects(charts.histogram(Histogram("h", (0, 1, 3), (10, 10))))

    assert [(each["x"], each["width"], each["height"]) for each in bins] == [
        ("0.000", "33.333", "40.000"),
        ("33.333", "66.667", "20.000"),
    ]


@pytest.mark.parametrize(
    "block",
    [
        Histogram("h", (), ()),
        Histogram("h", (1.0, 1.0), (5.0,)),
        Histogram("h", (0.0, 1.0), (0.0,)),
        Histogram("h", (0.0, 1.0, 1.0), (1.0, 2.0)),
    ],
    ids=["nothing", "a point", "all zero", "an empty bin"],
)
def test_a_histogram_without_width_or_counts_is_drawn_all_the_same(block: Histogram):
    assert "nan" not in charts.histogram(block).lower()


def test_a_small_part_of_a_whole_can_be_seen():
    parts = rects(
        charts.stacked(StackedShare("s", (Part("a", 1_000_000, "most"), Part("b", 1, "one"), Part("c", 0, "none"))))
    )

    assert float(parts[1]["width"]) > 0.5
    assert float(parts[2]["width"]) == 0
    assert sum(float(part["width"]) for part in parts) == pytest.approx(100, abs=0.01)


def test_a_whole_of_nothing_has_no_parts():
    assert [part["class"] for part in rects(charts.stacked(StackedShare("s", (Part("a", 0, "none"),))))] == ["track"]


def test_a_gap_in_a_series_is_a_gap_in_its_line():
    assert charts.sparkline(Sparkline("s", (0, 1, None, 1))).count("M") == 2
    assert "<path" not in charts.sparkline(Sparkline("s", (None,)))


def test_a_range_bar_puts_the_value_where_it_lies():
    # The scale runs from 0 to 10 + 10 / 5 = 12 at most; the value 10 lies at 10 / 12 = 83.3 %.
    shapes = rects(charts.range_bar(RangeBar("r", value=10.0, at_least=0.0, at_most=5.0)))

    assert float(shapes[-1]["x"]) + 0.4 == pytest.approx((10 + 2) / (12 + 2) * 100, abs=0.01)


def test_a_label_of_data_cannot_leave_its_attribute():
    assert (
        Reader(charts.bar(0.5, label='"><script>alert(1)</script>')).tags[0][1]["aria-label"]
        == '"><script>alert(1)</script>'
    )


def test_a_table_shows_every_kind_of_cell():
    cells = (
        "word",
        12_345,
        0.5,
        None,
        Verdict.WARN,
        Share(0.25, "a quarter"),
        Histogram("h", (0, 1), (1,)),
        Sparkline("s", (1, 2)),
    )
    columns = tuple(Column(str(i)) for i in range(len(cells)))

    page = Reader(render(Page("p", (Table(columns, (cells,), more=7),)), "html"))

    assert "word 12,345 0.5 – warn" in page.text
    assert "a quarter" in page.text
    assert "and 7 more" in page.text


def test_a_page_of_words_is_shown_without_a_search_box():
    page = Reader(render(Page("p", (Text(("plain ", "words")),)), "html"))

    assert "plain words" in page.text
    assert "script" not in {tag for tag, _ in page.tags}


def test_the_search_box_is_there_where_there_is_much_to_search():
    assert 'id="assay-search"' in render(findings_page(many(30)), "html")
    assert 'id="assay-search"' not in render(findings_page(many(3)), "html")
