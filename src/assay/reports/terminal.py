"""A page as text for a terminal or a pipe: plain words and simple lines, coloured only where that is wanted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from assay.reports import words
from assay.reports.characters import ends_line, heights, interval_line, legend, levels, matrix_table, pair, sketch
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
from assay.reports.signs import SIGNS
from assay.verdict import Verdict

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

__all__ = ["show", "text"]

WIDTH = 100
NARROWEST = 40
BAR_CELLS = 24
TABLE_ROWS = 500


def show(page: Page, stream: IO[str], *, environment: Mapping[str, str] = os.environ) -> None:
    """Write a page to a stream: as wide as its terminal, in colour only on a terminal where NO_COLOR is not set."""
    terminal = stream.isatty()
    told = environment.get("COLUMNS", "")
    width = shutil.get_terminal_size((WIDTH, 24)).columns if terminal else int(told) if told.isdecimal() else WIDTH
    colour = terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
    stream.write(text(page, width=min(width, 140), colour=colour))


def text(page: Page, *, width: int = WIDTH, colour: bool = False) -> str:
    """Return a page as text whose lines are at most `width` cells; with ANSI colours only where `colour` is true."""
    from io import StringIO

    from rich.console import Console
    from rich.text import Text as RichText

    out = StringIO()
    console = Console(
        file=out, width=max(width, NARROWEST), force_terminal=colour, no_color=not colour, color_system="standard" if colour else None,
        highlight=False, markup=False, emoji=False, soft_wrap=False, legacy_windows=False, force_jupyter=False, _environ={},
    )  # fmt: skip
    console.print(RichText(page.title, style="bold"))
    if page.context:
        console.print(RichText(page.context, style="dim"))
    for block in page.blocks:
        for part in _parts(block):
            console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _parts(block: Block) -> Iterator[RenderableType]:
    yield from RENDERERS[type(block)](block)


def _line(line: Line, style: str = "") -> RichText:
    from rich.text import Text as RichText

    spans = (line,) if isinstance(line, str) else line
    return RichText.assemble(
        *((span, style) if isinstance(span, str) else (span.text, f"{style} {_FACES[type(span)]}") for span in spans)
    )


_FACES = {Code: "cyan", Strong: "bold"}


def _indent(parts: Iterator[RenderableType], by: int = 2) -> Iterator[RenderableType]:
    from rich.padding import Padding

    for part in parts:
        yield Padding(part, (0, 0, 0, by))


def _heading(block: Heading) -> Iterator[RenderableType]:
    line = _line(block.text, "bold underline" if block.level == 2 else "bold")
    yield ""
    yield line.append(f"  {block.note}", style="not bold not underline dim") if block.note else line


def _text(block: Text) -> Iterator[RenderableType]:
    yield _line(block.line, "dim" if block.quiet else "")


def _banner(block: Banner) -> Iterator[RenderableType]:
    sign = SIGNS[block.verdict]
    yield ""
    yield _line((f"{sign.shape} {block.verdict.value.upper()}",), f"{sign.style} reverse").append_text(
        _line(f"  {block.sentence}")
    )
    total = sum(n for _, n in block.counts)
    if len(block.counts) > 1:
        yield _stack([(n / total, verdict) for verdict, n in block.counts])
        yield _joined(
            [(f"{SIGNS[verdict].shape} {n:,} {verdict.value}", SIGNS[verdict].style) for verdict, n in block.counts]
        )


def _stack(parts: list[tuple[float, Verdict | None]]) -> RichText:
    """Return parts of a whole as one bar; a part that is not nothing has at least one cell."""
    from rich.text import Text as RichText

    bar = RichText()
    for i, (size, verdict) in enumerate(parts):
        cells = max(1, round(size * 60)) if size else 0
        bar.append(
            (SIGNS[verdict].fill if verdict is not None else "█▓▒░"[i % 4]) * cells,
            style=SIGNS[verdict].style if verdict is not None else "",
        )
    return bar


def _joined(parts: list[tuple[str, str]]) -> RichText:
    from rich.text import Text as RichText

    return RichText("   ").join(RichText(text, style=style) for text, style in parts)


def _bars(block: Bars) -> Iterator[RenderableType]:
    grid = _grid_table()
    for bar in block.bars:
        style = SIGNS[bar.verdict].style if bar.verdict is not None else ""
        shape = f"{SIGNS[bar.verdict].shape} " if bar.verdict is not None else ""
        grid.add_row(_line(shape, style).append_text(_line(bar.label)), _line(_bar(bar.length), style), bar.text)
    if block.title:
        yield ""
        yield _line(block.title, "dim")
    yield grid
    if block.note:
        yield _line(block.note, "dim")


def _bar(length: float, cells: int = BAR_CELLS) -> str:
    full = min(max(length, 0.0), 1.0) * cells
    whole = int(full)
    rest = "" if whole == cells else " ▏▎▍▌▋▊▉"[int((full - whole) * 8)].strip()
    return "█" * whole + rest or ("▏" if length > 0 else "")


def _grid_table() -> Any:
    from rich.table import Table as RichTable

    grid = RichTable.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold", ratio=None)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _histogram(block: Histogram) -> Iterator[RenderableType]:
    yield _line(
        (f"{block.title} " if block.title else "", f"{block.start} {heights(block.counts)} {block.end}".strip())
    )
    if block.note:
        yield _line(block.note, "dim")


def _sparkline(block: Sparkline) -> Iterator[RenderableType]:
    yield _line(
        (f"{block.title} " if block.title else "", f"{block.start} {heights(block.values)} {block.end}".strip())
    )


def _series(block: Series) -> Iterator[RenderableType]:
    drawn, alarms = levels(block)
    if block.title:
        yield _line(block.title, "dim")
    yield _line(drawn)
    if block.marks:
        yield _line(alarms, SIGNS[Verdict.FAIL].style)
    low, high = block.scale
    said = [f"{words.number(low)} to {words.number(high)}"]
    said += [f"{block.centred} {words.number(block.centre)}"] if block.centre is not None else []
    said += [f"limits {block.limits}"] if block.limits else []
    said += [f"^ {block.marked}"] if block.marks else []
    yield _line("; ".join(said), "dim")
    for text in (f"from {block.start} to {block.end}" if block.start and block.end else "", block.note):
        if text:
            yield _line(text, "dim")


def _overlay(block: Overlay) -> Iterator[RenderableType]:
    if block.title:
        yield _line(block.title, "dim")
    if block.labels:
        grid = _grid_table()
        for name, then, here in zip(block.labels, block.reference, block.current, strict=True):
            grid.add_row(_line((Code(name),)), f"{words.share(then)} → {words.share(here)}", "")
        yield grid
    else:
        before, now = pair(block, 40)
        room = " " * len(block.start)
        yield _line(f"reference  {block.start} {before} {block.end}")
        yield _line(f"current    {room} {now}")
    if block.missing is not None:
        yield _line(f"missing    {words.share(block.missing[0])} → {words.share(block.missing[1])}")
    for said in (f"and {block.more:,} more that changed less" if block.more else "", block.note):
        if said:
            yield _line(said, "dim")


def _range_bar(block: RangeBar) -> Iterator[RenderableType]:
    low, high = block.scale
    style = SIGNS[block.verdict].style if block.verdict is not None else ""

    def place(value: float) -> int:
        return min(max(round((value - low) / (high - low) * (BAR_CELLS - 1)), 0), BAR_CELLS - 1)

    start = 0 if block.at_least is None else place(block.at_least)
    stop = BAR_CELLS - 1 if block.at_most is None else place(block.at_most)
    cells = ["━" if start <= i <= stop else "·" for i in range(BAR_CELLS)]
    at = place(block.value)
    yield (
        _line(("".join(cells[:at]),))
        .append_text(_line("●", style))
        .append_text(_line(("".join(cells[at + 1 :]), f" {block.text}")))
    )


def _stacked(block: StackedShare) -> Iterator[RenderableType]:
    total = sum(part.value for part in block.parts) or 1.0
    if block.title:
        yield _line(block.title, "dim")
    yield _stack([(part.value / total, part.verdict) for part in block.parts])
    yield _joined(
        [
            (f"{part.label} {part.text}", SIGNS[part.verdict].style if part.verdict is not None else "")
            for part in block.parts
        ]
    )


def _table(block: Table) -> Iterator[RenderableType]:
    if block.caption:
        yield _line(block.caption, "dim")
    yield _Fitted(block)
    left = block.more + max(0, len(block.rows) - TABLE_ROWS)
    if left:
        yield _line(f"and {left:,} more", "dim")


class _Face(NamedTuple):
    """How cells are drawn: so many blocks for each side of an overlay, and verdicts with their word or by their shape."""

    cells: int
    word: bool = True


_WIDEST, _NARROWER = _Face(12), (_Face(8), _Face(6), _Face(6, word=False))


class _Fitted:
    """A table that leaves its spare columns out, the last one first, until the others fit; then draws smaller."""

    def __init__(self, block: Table) -> None:
        self.block = block

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        overlaid = any(isinstance(cell, Overlay) for row in self.block.rows for cell in row)
        faces = (_WIDEST, *_NARROWER) if overlaid else (_WIDEST,)
        for how in faces:
            if kept := _fitting(self.block, how, console, options):
                yield _drawn(self.block, kept, how)
                return
        firm = [i for i, column in enumerate(self.block.columns) if not column.spare]
        yield _drawn(self.block, firm, faces[-1])


def _fitting(block: Table, how: _Face, console: Console, options: ConsoleOptions) -> list[int]:
    """Return the columns that fit side by side, without as many spare ones as it takes; none where they don't."""

    def width(*places: int) -> int:
        from rich.measure import Measurement

        return Measurement.get(console, options.update(max_width=10_000), _drawn(block, places, how)).maximum

    kept = list(range(len(block.columns)))
    widths = [width(i) for i in kept]
    gap = width(0, 1) - widths[0] - widths[1] if len(kept) > 1 else 0
    while sum(widths[i] for i in kept) + gap * (len(kept) - 1) > options.max_width:
        spare = [i for i in kept if block.columns[i].spare]
        if not spare:
            return []
        kept.remove(spare[-1])
    return kept


def _drawn(block: Table, kept: Sequence[int], how: _Face) -> RichTable:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable

    table = RichTable(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold", show_edge=False)
    for i in kept:
        drawn = any(isinstance(row[i], Sparkline | Histogram | Overlay) for row in block.rows)
        column = block.columns[i]
        shapes = not how.word and all(isinstance(row[i], Verdict) for row in block.rows)
        table.add_column(
            "" if shapes else column.title, justify="right" if column.number else "left", overflow="fold", no_wrap=drawn
        )
    for row in block.rows[:TABLE_ROWS]:
        table.add_row(*(_cell(row[i], how) for i in kept))
    return table


def _cell(cell: Cell, how: _Face = _WIDEST) -> RenderableType:
    if cell is None:
        return "–"
    if isinstance(cell, Verdict):
        return _line(f"{SIGNS[cell].shape} {cell.value}" if how.word else SIGNS[cell].shape, SIGNS[cell].style)
    if isinstance(cell, Code):
        return _line((cell,))
    if isinstance(cell, Share):
        return _line(cell.text, SIGNS[cell.verdict].style if cell.verdict is not None else "")
    if isinstance(cell, Sparkline | Histogram):
        return heights(cell.values if isinstance(cell, Sparkline) else cell.counts, 16)
    if isinstance(cell, Overlay):
        before, now = pair(cell, how.cells)
        return _line(before.ljust(how.cells), "dim").append_text(_line(f" {now}", "bold"))
    return words.number(cell) if isinstance(cell, int | float) else cell


def _words(cell: Cell) -> str:
    part = _cell(cell)
    return part if isinstance(part, str) else str(part)


def _examples(block: Examples) -> Iterator[RenderableType]:
    from rich.table import Table as RichTable

    table = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("row", justify="right", style="dim", no_wrap=True)
    for i, column in enumerate(block.columns):
        style = "bold" if i < block.about else ""
        table.add_column(
            _line(column.title, style), overflow="fold", style=style, justify="right" if column.number else "left"
        )
    has_why = any(row.why for row in block.rows)
    if has_why:
        table.add_column("why", overflow="fold")
    for row in block.rows:
        table.add_row(_row_number(row.number), *map(_line, row.values), *([_line(row.why)] if has_why else []))
    yield table
    if block.note:
        yield _line(block.note, "dim")


def _row_number(number: int | None) -> str:
    return "–" if number is None else str(number)


def _key_values(block: KeyValues) -> Iterator[RenderableType]:
    from rich.table import Table as RichTable

    if block.inline:
        said = "; ".join(f"{name} {text}" for name, cell in block.items if (text := _words(cell)))
        if said:
            yield _line(said, "dim")
        return
    table = RichTable.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, cell in block.items:
        table.add_row(_line(name), _cell(cell))
    yield table


def _grid(block: Grid) -> Iterator[RenderableType]:
    for inner in block.blocks:
        yield from _parts(inner)


def _card(block: Card) -> Iterator[RenderableType]:
    from rich.table import Table as RichTable

    table = RichTable.grid(padding=(0, 2, 0, 0))
    if block.verdict is not None:
        sign = SIGNS[block.verdict]
        table.add_column(no_wrap=True, style=sign.style)
        table.add_column(overflow="fold")
        title = _line(block.title)
        table.add_row(
            f"{sign.shape} {block.verdict.value}", title.append(f"  {block.note}", style="dim") if block.note else title
        )
        yield table
    else:
        yield _line(block.title, "bold").append(f"  {block.note}", style="not bold dim")
    for inner in block.blocks:
        yield from _indent(_parts(inner), 4)


def _details(block: Details) -> Iterator[RenderableType]:
    line = _line(block.summary, "bold")
    yield ""
    yield line.append(f": {block.brief}", style="not bold dim") if block.brief else line
    if not block.brief:
        for inner in block.blocks:
            yield from _indent(_parts(inner))


def _plot(block: Plot) -> Iterator[RenderableType]:
    from rich.text import Text as RichText

    yield ""
    yield _line(block.title, "bold")
    if block.up:
        yield _line(block.up, "dim")
    yield RichText(sketch(block), no_wrap=True, overflow="crop")
    for said in (block.across, legend(block), block.note):
        if said:
            yield _line(said, "dim")


def _matrix(block: Matrix) -> Iterator[RenderableType]:
    yield ""
    yield _line(block.title, "bold")
    yield from _table(matrix_table(block, between="\\"))
    if block.note:
        yield _line(block.note, "dim")


def _intervals(block: Intervals) -> Iterator[RenderableType]:
    grid = _grid_table()
    for row in block.rows:
        style = SIGNS[row.verdict].style if row.verdict is not None else ""
        shape = f"{SIGNS[row.verdict].shape} " if row.verdict is not None else ""
        grid.add_row(
            _line(shape, style).append_text(_line(row.label)), _line(interval_line(block, row), style), row.text
        )
    grid.add_row("", _line(ends_line(block), "dim"), "")
    yield ""
    yield _line(block.title, "bold")
    yield grid
    lined = f"│ {block.lined}" if block.lined and block.line is not None else ""
    asked = f"┊ {block.asked}" if block.is_bounded else ""
    more = f"and {block.more:,} more" if block.more else ""
    for said in ("   ".join(part for part in (lined, asked, more) if part), block.note):
        if said:
            yield _line(said, "dim")


RENDERERS: dict[type[Block], Callable[[Any], Iterator[RenderableType]]] = {
    Heading: _heading, Text: _text, Banner: _banner, Bars: _bars, Histogram: _histogram, Sparkline: _sparkline, RangeBar: _range_bar,
    StackedShare: _stacked, Overlay: _overlay, Series: _series,
    Table: _table, Examples: _examples, KeyValues: _key_values, Grid: _grid, Card: _card, Details: _details,
    Plot: _plot, Matrix: _matrix, Intervals: _intervals,
}  # fmt: skip
