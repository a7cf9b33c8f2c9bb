"""A page as one HTML file that needs nothing else: style, charts and icons stand in it, and it asks no network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from assay.reports import charts, plots, words
from assay.reports.characters import count_text
from assay.reports.overlays import top_of
from assay.reports.page import (
    Banner,
    Bars,
    Block,
    Card,
    Cell,
    Code,
    Details,
    Examples,
    Grid,
    Heading,
    Histogram,
    KeyValues,
    Line,
    Overlay,
    Page,
    RangeBar,
    Series,
    Share,
    Sparkline,
    StackedShare,
    Strong,
    Table,
    Text,
)
from assay.reports.pictures import Intervals, Matrix, Plot
from assay.verdict import Findings, Verdict

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["fragment", "html"]

# Below this many rows a page is read, not searched.
SEARCHED_FROM = 12


def html(page: Page) -> str:
    """Return a page as a whole HTML document."""
    return _environment().get_template("page.html").render(page=page, searched=_rows(page.blocks) >= SEARCHED_FROM)


def _rows(blocks: Sequence[Block]) -> int:
    """Return how many cards and rows of folded tables the search box looks through."""
    n = 0
    for block in blocks:
        if isinstance(block, Details | Grid):
            n += _rows(block.blocks) + sum(len(inner.rows) for inner in block.blocks if isinstance(inner, Table))
        n += isinstance(block, Card)
    return n


def fragment(shown: Findings | Page) -> str:
    """Return findings or a page as a piece of HTML whose style touches nothing around it, as notebooks want it."""
    from assay.reports.findings import findings_page

    page = shown if isinstance(shown, Page) else findings_page(shown)
    return _environment().get_template("fragment.html").render(page=page)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("assay.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = {
        name: _marked(getattr(charts, name))
        for name in (
            "bar",
            "counts",
            "histogram",
            "icon",
            "overlay",
            "range_bar",
            "series",
            "sparkline",
            "stacked",
            "symbols",
            "twin",
        )
    }
    drawn |= {name: _marked(getattr(plots, name)) for name in ("bars_below", "interval", "plot")}
    environment.globals.update(drawn)
    environment.globals.update(
        hue=plots.hue, x_ticks=plots.x_ticks, y_ticks=plots.y_ticks, count_text=count_text, heat=_heat
    )
    environment.globals.update(
        show=lambda block: _show(environment, block), inline=lambda line: _inline(environment, line)
    )
    environment.globals.update(
        cell=lambda cell: _cell(environment, cell), face=_face, number=words.number, percent=words.share, top=top_of
    )
    environment.filters["count"] = lambda n: f"{n:,}"
    environment.globals["Markup"] = Markup
    return environment


def _marked(draw: Any) -> Any:
    from markupsafe import Markup

    return lambda *args, **options: Markup(draw(*args, **options))  # noqa: S704 (charts escape what they are given)


def _macro(environment: Environment, name: str, *args: object) -> Markup:
    macro = getattr(environment.get_template("blocks.html").module, name)
    made: Markup = macro(*args)
    return made


def _show(environment: Environment, block: Block) -> Markup:
    return _macro(environment, MACROS[type(block)], block)


def _inline(environment: Environment, line: Line) -> Markup:
    from markupsafe import Markup, escape

    spans = (line,) if isinstance(line, str) else line
    tags = {Code: Markup("<code>{}</code>"), Strong: Markup("<strong>{}</strong>")}
    return Markup("").join(
        escape(span) if isinstance(span, str) else tags[type(span)].format(span.text) for span in spans
    )


def _cell(environment: Environment, cell: Cell) -> Markup:
    if cell is None:
        return _macro(environment, "nothing")
    if isinstance(cell, str):
        return _inline(environment, cell)
    if isinstance(cell, int | float):
        return _inline(environment, words.number(cell))
    return _macro(environment, CELLS[type(cell)], cell)


def _face(text: str) -> str:
    """Return the class of a value in an example row, so that a null is not taken for a word."""
    return "null" if text in ("null", "NaN") else ""


def _heat(share: float | None) -> int:
    """Return how dark a cell of a matrix is, 0 to 8."""
    return 0 if share is None else round(min(max(share, 0.0), 1.0) * 8)


CELLS: dict[type, str] = {
    Verdict: "verdict",
    Code: "code",
    Share: "share",
    Sparkline: "sparkline_cell",
    Histogram: "histogram_cell",
    Overlay: "overlay_cell",
}
MACROS: dict[type[Block], str] = {
    Heading: "heading", Text: "text", Banner: "banner", Bars: "bars", Histogram: "histogram_block", Sparkline: "sparkline_block",
    Overlay: "overlay_block", Series: "series_block", RangeBar: "range_block", StackedShare: "stacked_block",
    Table: "table", Examples: "examples", KeyValues: "key_values", Grid: "grid",
    Card: "card", Details: "details", Plot: "plot_block", Matrix: "matrix_block", Intervals: "intervals_block",
}  # fmt: skip
