"""A page as GitHub-flavoured Markdown: a pull-request comment that starts with the verdict and never grows too long."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from assay.reports import words
from assay.reports.characters import heights, interval_line, legend, levels, matrix_table, pair, sketch
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

__all__ = ["MOST", "escaped", "markdown"]

MOST = 60_000
MOST_SPARE = 2_500  # of a spare fold
CELL_CHARS = 200
_INWORD = re.compile(r"(?<=\w)_(?=\w)")
_FENCE = re.compile("`")
_BEGINS = re.compile(r"\s*([-+=]|\d+[.)])(?=\s|$)")


class _Space:
    """How many characters may still be written, and how many cards and rows did not fit."""

    def __init__(self, most: int) -> None:
        self.left = most
        self.lost = 0

    def takes(self, parts: list[str]) -> bool:
        size = sum(len(part) + 2 for part in parts)
        if size > self.left:
            return False
        self.left -= size
        return True


def markdown(page: Page, *, most: int = MOST) -> str:
    """Return a page as Markdown of at most `most` characters (at least 4,000); what is cut is said, with its count."""
    space = _Space(max(most, 4_000) - 300)
    sign = SIGNS[page.verdict] if page.verdict is not None else None
    head = (
        f"## {sign.emoji} {page.verdict.value.capitalize()}: {escaped(words.cut(page.title, 300))}"
        if sign and page.verdict is not None
        else f"## {escaped(page.title)}"
    )
    parts = [head]
    space.takes([head])
    for block in page.blocks:
        parts += _written(block, space)
    if page.context:
        parts.append(f"<sub>{escaped(words.cut(page.context, 200))}</sub>")
    if space.lost:
        parts.insert(
            -1 if page.context else len(parts),
            f"_and {space.lost:,} more that did not fit here; the full report has them._",
        )
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return text that Markdown and HTML show as it is.

    >>> escaped("a|b <i> *c* snake_case 1.5")
    'a&#124;b &lt;i&gt; &#42;c&#42; snake_case 1.5'
    """
    quiet = {match.start() for match in _INWORD.finditer(text)}
    begins = _BEGINS.match(text)
    shown = "".join(_ENTITIES.get(char, char) if i not in quiet else char for i, char in enumerate(text))
    return f"&#8203;{shown}" if begins else shown


# A zero-width space after @ and # keeps a value of the data from naming a person or an issue.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;&#8203;", "#": "&#35;&#8203;"} | {
    char: f"&#{ord(char)};" for char in "\\`*_[]|~$"
}


def code(text: str) -> str:
    """Return text as inline code that nothing inside it can end.

    >>> code("a"), code("a|b"), code("tick`")
    ('`a`', '<code>a&#124;b</code>', '<code>tick&#96;</code>')
    """
    if text and not re.search(r"[`|<>&\\]", text) and text == text.strip():
        return f"`{text}`"
    return f"<code>{''.join(_ENTITIES.get(char, char) for char in text)}</code>"


def _line(line: Line) -> str:
    spans = (line,) if isinstance(line, str) else line
    return "".join(escaped(span) if isinstance(span, str) else _INLINE[type(span)](span.text) for span in spans)


_INLINE: dict[type, Callable[[str], str]] = {Code: code, Strong: lambda text: f"**{escaped(text)}**"}


def _written(block: Block, space: _Space) -> list[str]:
    """Return a block's Markdown where it fits; count the cards and rows that do not. After one is lost, all are."""
    if isinstance(block, Details | Grid):
        return RENDERERS[type(block)](block, space)
    if space.lost and isinstance(block, Card | Heading):
        space.lost += _weight(block)
        return []
    parts = RENDERERS[type(block)](block, space)
    if space.takes(parts):
        return parts
    space.lost += _weight(block)
    return []


def _weight(block: Block) -> int:
    """Return how many cards and rows of tables a block holds."""
    if isinstance(block, Details | Grid):
        return sum(_weight(inner) for inner in block.blocks)
    return len(block.rows) + block.more if isinstance(block, Table) else int(isinstance(block, Card))


def _heading(block: Heading, space: _Space) -> list[str]:
    note = f" <sub>{escaped(block.note)}</sub>" if block.note else ""
    return [f"{'#' * (block.level + 1)} {_line(block.text)}{note}"]


def _text(block: Text, space: _Space) -> list[str]:
    return [_line(block.line)]


def _banner(block: Banner, space: _Space) -> list[str]:
    counts = " · ".join(f"{SIGNS[verdict].emoji} {n:,} {verdict.value}" for verdict, n in block.counts)
    return [f"**{escaped(block.sentence)}**", *([counts] if len(block.counts) > 1 else [])]


def _emoji(verdict: Verdict | None) -> str:
    return SIGNS[verdict].emoji if verdict is not None else ""


def _bars(block: Bars, space: _Space) -> list[str]:
    rows = [
        f"| {_emoji(b.verdict)} {_line(b.label)} | {'█' * max(1, round(b.length * 20))} | {escaped(b.text)} |"
        for b in block.bars
    ]
    note = [escaped(block.note)] if block.note else []
    return ["\n".join([f"| {escaped(block.title)} | | |", "| :-- | :-- | :-- |", *rows]), *note]


def _histogram(block: Histogram, space: _Space) -> list[str]:
    drawn = f"{escaped(block.start)} `{heights(block.counts)}` {escaped(block.end)}".strip()
    return [f"{escaped(block.title)} {drawn}".strip(), *([escaped(block.note)] if block.note else [])]


def _sparkline(block: Sparkline, space: _Space) -> list[str]:
    return [f"{escaped(block.title)} {escaped(block.start)} `{heights(block.values)}` {escaped(block.end)}".strip()]


def _series(block: Series, space: _Space) -> list[str]:
    drawn, alarms = levels(block)
    low, high = block.scale
    said = [f"{words.number(low)} to {words.number(high)}"]
    said += [f"{block.centred} {words.number(block.centre)}"] if block.centre is not None else []
    said += [f"^ {block.marked}"] if block.marks else []
    said += [f"from {block.start} to {block.end}"] if block.start and block.end else []
    picture = "\n".join(["```text", drawn, *([alarms.rstrip()] if block.marks else []), "```"])
    return [picture, escaped("; ".join([*said, *([block.note] if block.note else [])]))]


def _overlay(block: Overlay, space: _Space) -> list[str]:
    lines = []
    if block.labels:
        sides = zip(block.labels, block.reference, block.current, strict=True)
        changes = [f"{code(name)} {words.share(before)} → {words.share(now)}" for name, before, now in sides]
        lines.append(", ".join(changes) + (f" and {block.more:,} more that changed less" if block.more else ""))
    else:
        before, now = pair(block, 24)
        lines.append(f"{escaped(block.start)} `{before}` → `{now}` {escaped(block.end)}".strip())
    if block.missing is not None:
        lines.append(f"missing {words.share(block.missing[0])} → {words.share(block.missing[1])}")
    lines += [escaped(block.note)] if block.note else []
    return ["<br>".join(lines)]


def _range_bar(block: RangeBar, space: _Space) -> list[str]:
    return [f"{escaped(block.title)} {escaped(block.text or words.number(block.value))}".strip()]


def _stacked(block: StackedShare, space: _Space) -> list[str]:
    parts = " · ".join(f"{escaped(part.label)} {escaped(part.text)}" for part in block.parts)
    return [f"{escaped(block.title)}: {parts}" if block.title else parts]


def _table(block: Table, space: _Space) -> list[str]:
    head = "| " + " | ".join(escaped(column.title) or " " for column in block.columns) + " |"
    rule = "| " + " | ".join("--:" if column.number else ":--" for column in block.columns) + " |"
    rows = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in block.rows]
    room = space.left - len(head) - len(rule) - 50
    kept = 0
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            break
        kept += 1
    left = block.more + len(rows) - kept
    return ["\n".join([head, rule, *rows[:kept]]), *([f"_and {left:,} more_"] if left else [])]


def _cell(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, Verdict):
        return f"{SIGNS[cell].emoji} {cell.value}"
    if isinstance(cell, Code):
        return code(words.cut(cell.text, CELL_CHARS))
    if isinstance(cell, Share):
        return escaped(cell.text)
    if isinstance(cell, Sparkline | Histogram):
        return f"`{heights(cell.values if isinstance(cell, Sparkline) else cell.counts, 16)}`"
    if isinstance(cell, Overlay):
        return " ".join(f"`{side}`" for side in pair(cell))
    return words.number(cell) if isinstance(cell, int | float) else escaped(words.cut(cell, CELL_CHARS)) or " "


def _examples(block: Examples, space: _Space) -> list[str]:
    has_why = any(row.why for row in block.rows)
    titles = ["row", *(code(words.cut(column.title, 60)) for column in block.columns), *(["why"] if has_why else [])]
    rows = [
        [
            "–" if row.number is None else str(row.number),
            *(code(words.cut(v, 60)) for v in row.values),
            *([escaped(words.cut(row.why, 200))] if has_why else []),
        ]
        for row in block.rows
    ]
    rule = ["--:", *("--:" if column.number else ":--" for column in block.columns), *([":--"] if has_why else [])]
    note = [f"<sub>{escaped(block.note)}</sub>"] if block.note else []
    return ["\n".join(f"| {' | '.join(cells)} |" for cells in (titles, rule, *rows)), *note]


def _key_values(block: KeyValues, space: _Space) -> list[str]:
    if block.inline:
        said = " · ".join(f"{escaped(name)} {text}" for name, cell in block.items if (text := _cell(cell)))
        return [f"<sub>{said}</sub>"] if said else []
    return ["\n".join(f"- {escaped(name)}: {_cell(cell)}" for name, cell in block.items)]


def _grid(block: Grid, space: _Space) -> list[str]:
    return [part for inner in block.blocks for part in _written(inner, space)]


def _card(block: Card, space: _Space) -> list[str]:
    mark = f"{SIGNS[block.verdict].emoji} **{block.verdict.value}** " if block.verdict is not None else ""
    note = f" <sub>{escaped(block.note)}</sub>" if block.note else ""
    inner = [part for within in block.blocks for part in RENDERERS[type(within)](within, space)]
    return [f"{mark}{_line(block.title)}{note}", *inner]


def _details(block: Details, space: _Space) -> list[str]:
    summary = f"<b>{escaped(block.summary)}</b>" + (f": {escaped(words.cut(block.brief, 500))}" if block.brief else "")
    opening = f"<details{' open' if block.open else ''}><summary>{summary}</summary>"
    if not space.takes([opening, "</details>"]):
        space.lost += _weight(block)
        return []
    room = _Space(min(space.left, MOST_SPARE)) if block.spare else space
    before = room.left
    inner = [part for each in block.blocks for part in _written(each, room)]
    if room is not space:
        space.left -= before - room.left
        inner += [f"_and {room.lost:,} more_"] if room.lost else []
    return [opening, *inner, "</details>"]


def _plot(block: Plot, space: _Space) -> list[str]:
    up = f"{block.up}\n" if block.up else ""
    beneath = "\n".join(part for part in (block.across, legend(block)) if part)
    drawn = _FENCE.sub("'", f"{up}{sketch(block, width=52, height=11)}\n{beneath}")
    return [f"**{escaped(block.title)}**", f"```text\n{drawn}\n```", *([escaped(block.note)] if block.note else [])]


def _matrix(block: Matrix, space: _Space) -> list[str]:
    table = _table(matrix_table(block, between="/"), space)
    return [f"**{escaped(block.title)}**", *table, *([escaped(block.note)] if block.note else [])]


def _intervals(block: Intervals, space: _Space) -> list[str]:
    rows = [
        f"| {_emoji(row.verdict)} {_line(row.label)} | `{interval_line(block, row, cells=24)}` | {escaped(row.text)} |"
        for row in block.rows
    ]
    low, high = block.scale
    said = [f"from {words.number(low)} to {words.number(high)}"]
    said += [f"│ {escaped(block.lined)}"] if block.lined and block.line is not None else []
    said += [f"┊ {escaped(block.asked)}"] if block.is_bounded else []
    said += [f"and {block.more:,} more"] if block.more else []
    said += [escaped(block.note)] if block.note else []
    return ["\n".join([f"| {escaped(block.title)} | | |", "| :-- | :-- | :-- |", *rows]), "; ".join(said)]


RENDERERS: dict[type[Block], Callable[[Any, _Space], list[str]]] = {
    Heading: _heading, Text: _text, Banner: _banner, Bars: _bars, Histogram: _histogram, Sparkline: _sparkline, RangeBar: _range_bar,
    StackedShare: _stacked, Overlay: _overlay, Series: _series,
    Table: _table, Examples: _examples, KeyValues: _key_values, Grid: _grid, Card: _card, Details: _details,
    Plot: _plot, Matrix: _matrix, Intervals: _intervals,
}  # fmt: skip
