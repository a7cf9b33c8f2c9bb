"""Pages in a real browser: what no parser knows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from assay.reports import write
from assay.reports.html import fragment
from reports.browser import Browser, browser
from reports.evaluations import BINARY, MULTICLASS, ODD_EVALUATION, RIVALS
from reports.samples import DRIFTED, FLIGHTS, GREEN, ODD, ODD_DRIFT, many
from reports.test_html import contrast

PAGES = {
    "flights": FLIGHTS, "green": GREEN, "odd": ODD, "many": many(300), "drift": DRIFTED, "odd drift": ODD_DRIFT,
    "evaluation": BINARY, "classes": MULTICLASS, "odd evaluation": ODD_EVALUATION, "challenge": RIVALS,
}  # fmt: skip
DARK, LIGHT = "rgb(16, 20, 24)", "rgb(248, 248, 246)"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
GROUND = "getComputedStyle(document.querySelector('.assay')).backgroundColor"


@pytest.fixture(scope="module")
def tab(chromium: Path) -> Iterator[Browser]:
    with browser(chromium) as opened:
        yield opened


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / f"{request.param}.html"
    write(PAGES[request.param], path)
    return path


@pytest.fixture
def flights(tmp_path: Path) -> Path:
    write(FLIGHTS, tmp_path / "flights.html")
    return tmp_path / "flights.html"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_opens_without_a_complaint_and_without_a_network(tab: Browser, page: Path, dark: bool):
    tab.open(page, dark=dark)

    assert tab.complaints == []
    assert tab.requests == [page.as_uri()]


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_a_page_never_scrolls_sideways(tab: Browser, page: Path, width: int):
    tab.open(page, width=width)
    tab.ask("document.querySelectorAll('details').forEach(each => { each.open = true })")

    assert tab.ask(OVERFLOW) == 0


def test_a_page_follows_the_scheme_of_the_screen(tab: Browser, flights: Path):
    tab.open(flights, dark=False)
    light = tab.ask(GROUND)
    tab.open(flights, dark=True)
    dark = tab.ask(GROUND)

    assert (light, dark) == (LIGHT, DARK)


def test_a_page_is_printed_on_white_without_its_search_box(tab: Browser, flights: Path):
    tab.open(flights, dark=True, media="print")

    assert tab.ask(GROUND) == "rgb(255, 255, 255)"
    assert tab.ask("getComputedStyle(document.querySelector('.search')).display") == "none"


def test_a_wide_table_scrolls_in_its_own_box(tab: Browser, flights: Path):
    tab.open(flights, width=320)

    wider = tab.ask("[...document.querySelectorAll('.scroll')].some(box => box.scrollWidth > box.clientWidth)")
    assert wider
    assert tab.ask(OVERFLOW) == 0


def test_searching_leaves_what_holds_the_word(tab: Browser, flights: Path):
    tab.open(flights)

    tab.ask(
        "const box = document.getElementById('assay-search'); box.value = 'TAILNUM'; box.dispatchEvent(new Event('input'))"
    )

    shown = tab.ask("[...document.querySelectorAll('main .card')].filter(card => card.checkVisibility()).length")
    heads = tab.ask(
        "[...document.querySelectorAll('main h3')].filter(head => head.checkVisibility()).map(head => head.textContent)"
    )
    assert (shown, heads) == (2, ["tailnum"])
    assert tab.ask("document.querySelector('.search output').textContent") == "2 of 34"


def test_emptying_the_search_box_shows_all_again(tab: Browser, flights: Path):
    tab.open(flights)

    type_in = "box.value = word; box.dispatchEvent(new Event('input'))"
    tab.ask(
        f"const box = document.getElementById('assay-search'); for (const word of ['nothing holds this', '']) {{ {type_in} }}"
    )

    assert tab.ask("[...document.querySelectorAll('main .card')].every(card => card.checkVisibility())")


def test_a_page_is_whole_without_scripts(tab: Browser, flights: Path):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(flights)
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)

    assert tab.ask("document.querySelectorAll('.card').length") == 12
    assert not tab.ask("document.querySelector('.search').checkVisibility()")


def test_each_icon_has_a_size_and_each_bar_a_length(tab: Browser, flights: Path):
    tab.open(flights)

    assert tab.ask("[...document.querySelectorAll('.icon')].every(icon => icon.getBoundingClientRect().width > 8)")
    assert tab.ask(
        "[...document.querySelectorAll('.bars rect:nth-of-type(2)')].every(bar => bar.getBoundingClientRect().width >= 1)"
    )


def test_an_overlay_draws_the_outline_in_another_colour_than_the_areas(tab: Browser, tmp_path: Path):
    write(DRIFTED, tmp_path / "drift.html")
    look = "(face, part) => getComputedStyle(document.querySelector(`.overlay ${face}`))[part]"

    for dark in (False, True):
        tab.open(tmp_path / "drift.html", dark=dark)
        outline, area = tab.ask(f"[({look})('.before', 'stroke'), ({look})('.now', 'fill')]")
        assert outline != area
        assert tab.ask(f"({look})('.before', 'fill')") == "none"


def test_a_card_puts_the_facts_beside_the_picture_where_there_is_room(tab: Browser, tmp_path: Path):
    write(DRIFTED, tmp_path / "drift.html")
    tops = "[...document.querySelector('.card > .grid').children].map(part => Math.round(part.getBoundingClientRect().top))"

    tab.open(tmp_path / "drift.html", width=1200)
    wide = tab.ask(tops)
    tab.open(tmp_path / "drift.html", width=400)
    narrow = tab.ask(tops)

    assert wide[0] == wide[1]
    assert narrow[0] < narrow[1]


def test_a_plot_stands_in_its_frame_with_its_numbers_beside_it(tab: Browser, tmp_path: Path):
    write(BINARY, tmp_path / "bank.html")
    tab.open(tmp_path / "bank.html", width=1280)

    box = "(each) => { const b = each.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom].map(Math.round) }"
    plots = tab.ask(
        f"[...document.querySelectorAll('.xy')].map(one => [one, one.querySelector('.axes'), one.querySelector('.y-axis')].map({box}))"
    )
    assert len(plots) > 6
    for frame, axes, numbers in plots:
        assert frame[0] < numbers[0] < numbers[2] <= axes[0] < axes[2] < frame[2]
        assert frame[1] < axes[1] < axes[3] < frame[3]


def test_the_curves_stand_side_by_side_where_there_is_room(tab: Browser, tmp_path: Path):
    write(BINARY, tmp_path / "bank.html")
    tops = (
        "[...document.querySelectorAll('.square')].slice(0, 3).map(one => Math.round(one.getBoundingClientRect().top))"
    )

    tab.open(tmp_path / "bank.html", width=1280)
    wide = tab.ask(tops)
    tab.open(tmp_path / "bank.html", width=390)
    narrow = tab.ask(tops)

    assert len(set(wide)) == 1
    assert len(set(narrow)) == 3


def test_the_line_that_intervals_are_compared_with_runs_through_all_of_them(tab: Browser, tmp_path: Path):
    write(BINARY, tmp_path / "bank.html")
    tab.open(tmp_path / "bank.html", width=1280)

    box = "(line) => { const b = line.getBoundingClientRect(); return [b.left, b.top, b.bottom].map(Math.round) }"
    picture = "[...document.querySelectorAll('.intervals')].find(one => one.textContent.includes('Permutation'))"
    ends = tab.ask(f"[...{picture}.querySelectorAll('path.compared')].map({box})")
    assert len(ends) == 3
    assert len({left for left, _, _ in ends}) == 1
    assert all(upper[2] >= lower[1] - 1 for upper, lower in pairwise(ends))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_darkest_cell_of_a_matrix_can_be_read(tab: Browser, tmp_path: Path, dark: bool):
    write(BINARY, tmp_path / "bank.html")
    tab.open(tmp_path / "bank.html", dark=dark)
    # A canvas says in RGB what a mixed colour comes to.
    look = (
        "(colour) => { const c = document.createElement('canvas').getContext('2d'); c.fillStyle = colour; c.fillRect(0, 0, 1, 1); "
        "return [...c.getImageData(0, 0, 1, 1).data].slice(0, 3) }"
    )
    ground, ink = tab.ask(
        f"(() => {{ const s = getComputedStyle(document.querySelector('td.heat-8')); return [s.backgroundColor, s.color].map({look}) }})()"
    )

    assert contrast(*("#" + "".join(f"{part:02x}" for part in colour) for colour in (ground, ink))) >= 4.5


def test_hostile_data_runs_nothing(tab: Browser, tmp_path: Path):
    write(ODD, tmp_path / "odd.html")

    tab.open(tmp_path / "odd.html")

    assert tab.complaints == []
    assert tab.ask("document.querySelectorAll('main img, main script, main b b').length") == 0


def test_a_fragment_leaves_the_notebook_around_it_alone(tab: Browser, tmp_path: Path):
    head = "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    around = head + "<body style='margin:0'><p id=before>before</p><table id=t><tr><td>x</td></tr></table>{}</body>"
    (tmp_path / "bare.html").write_text(around.format(""), encoding="utf-8")
    (tmp_path / "notebook.html").write_text(around.format(fragment(FLIGHTS) + fragment(GREEN)), encoding="utf-8")
    style = "const s = getComputedStyle(document.getElementById(id))"
    look = f"['before', 't'].map(id => {{ {style}; return [s.color, s.font, s.margin, s.borderCollapse, s.width] }})"

    tab.open(tmp_path / "bare.html", width=375)
    bare = tab.ask(look)
    tab.open(tmp_path / "notebook.html", width=375)

    assert tab.ask(look) == bare
    assert tab.ask(OVERFLOW) == 0


@pytest.mark.parametrize(("theme", "ground"), [("true", LIGHT), ("false", DARK)])
def test_a_fragment_follows_the_notebook_where_it_says_its_theme(tab: Browser, tmp_path: Path, theme: str, ground: str):
    (tmp_path / "notebook.html").write_text(
        f"<!doctype html><body data-jp-theme-light='{theme}'>{fragment(GREEN)}</body>", encoding="utf-8"
    )

    tab.open(tmp_path / "notebook.html", dark=theme == "true")

    assert tab.ask(GROUND) == ground
