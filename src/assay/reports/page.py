"""A page: frozen blocks that say what is shown, and nothing of how.

A page is data. It knows no terminal, no Markdown and no HTML; each renderer has one function per kind of block.
Anything that comes out of a dataset (names, values, messages) goes through `assay.reports.words` on its way in.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from assay.verdict import Verdict

__all__ = [
    "Banner", "Bar", "Bars", "Block", "Card", "Cell", "Code", "Column", "Details", "Examples", "Grid", "Heading", "Histogram", "Inline",
    "KeyValues", "Line", "Overlay", "Page", "Part", "RangeBar", "Row", "Series", "Share", "Sparkline", "StackedShare", "Strong", "Table",
    "Text",
]  # fmt: skip


class Code(msgspec.Struct, frozen=True, tag="code"):
    """A name or a value that comes from the data, shown in a fixed-width face and never as markup."""

    text: str


class Strong(msgspec.Struct, frozen=True, tag="strong"):
    """Words that carry the sentence."""

    text: str


class Share(msgspec.Struct, frozen=True, tag="share", omit_defaults=True):
    """A fraction in [0, 1] that is drawn as a bar beside its words; `verdict` colours it.

    It has no words where they stand nearby already; then only what draws shows it.
    """

    value: float
    text: str = ""
    verdict: Verdict | None = None


Inline: TypeAlias = str | Code | Strong
Line: TypeAlias = str | tuple[Inline, ...]


class Block(msgspec.Struct, frozen=True, tag=str.lower, omit_defaults=True):
    """One thing on a page."""


class Heading(Block, frozen=True):
    """The beginning of a part of the page; level 2 begins a section, level 3 stands inside one."""

    text: Line
    level: int = 2
    note: str = ""


class Text(Block, frozen=True):
    """One paragraph; a quiet one is a remark in passing."""

    line: Line
    quiet: bool = False


class Banner(Block, frozen=True):
    """The verdict of the whole page: the word, one sentence, and how many outcomes concluded what (worst first).

    `what` names what the counts count.
    """

    verdict: Verdict
    sentence: str
    counts: tuple[tuple[Verdict, int], ...]
    what: str = "Outcomes"


class Bar(msgspec.Struct, frozen=True, omit_defaults=True):
    """One bar: its label, its length in [0, 1] of the longest possible, and the words at its end."""

    label: Line
    length: float
    text: str
    verdict: Verdict | None = None


class Bars(Block, frozen=True):
    """Lengths side by side, longest first as a rule.

    `mark` is a length in [0, 1] that the bars are to be compared with: a line, where lines are drawn; the note explains it.
    """

    title: str
    bars: tuple[Bar, ...]
    note: str = ""
    mark: float | None = None


class Histogram(Block, frozen=True):
    """Counts over touching bins: bin i lies between edges[i] and edges[i+1]; bins may differ in width.

    `marks` are values to point out, such as the median. `start` and `end` are the words under the two ends.
    """

    title: str
    edges: tuple[float, ...]
    counts: tuple[float, ...]
    start: str = ""
    end: str = ""
    marks: tuple[tuple[str, float], ...] = ()
    note: str = ""


class Sparkline(Block, frozen=True):
    """A series in its order; None is a gap."""

    title: str
    values: tuple[float | None, ...]
    start: str = ""
    end: str = ""


class Series(Block, frozen=True):
    """A stream or a control chart: a line through its values, a line at its centre, its limits, and where it alarmed.

    `values` are in their order, None is a gap; `low` and `high` are one limit for all, one for each value, or none, and
    `limits` says them in words. `marks` are the places of alarms. `start` and `end` are the words under the two ends,
    `centred` and `marked` what the line at the centre and a mark are called.
    """

    title: str
    values: tuple[float | None, ...]
    marks: tuple[int, ...] = ()
    centre: float | None = None
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    start: str = ""
    end: str = ""
    limits: str = ""
    centred: str = "centre"
    marked: str = "alarm"
    note: str = ""

    @property
    def scale(self) -> tuple[float, float]:
        """Return the least and the greatest number that is drawn; a scale of one number has room around it."""
        known = [x for x in (*self.values, *self.low, *self.high, self.centre) if x is not None]
        low, high = min(known, default=0.0), max(known, default=1.0)
        room = abs(low) / 10 or 1.0
        return (low, high) if low < high else (low - room, high + room)


class Overlay(Block, frozen=True):
    """Shares of the reference and of the current data at the same places, in one picture.

    On a scale place i lies between edges[i] and edges[i+1], and `start` and `end` are the words under the two ends; of
    categories `labels` names each place, and `more` of them were left out; their bars are relative to the greatest, or
    to the `whole`. `missing` is the share of rows without a value in the reference and in the current data; the other
    shares are of the rows that have one.
    """

    title: str
    reference: tuple[float, ...]
    current: tuple[float, ...]
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    start: str = ""
    end: str = ""
    missing: tuple[float, float] | None = None
    more: int = 0
    whole: bool = False
    note: str = ""


class RangeBar(Block, frozen=True):
    """A value with its interval against the accepted range, all on one scale; None is an open end."""

    title: str
    value: float
    low: float | None = None
    high: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    text: str = ""
    verdict: Verdict | None = None

    @property
    def scale(self) -> tuple[float, float]:
        """Return the ends of a scale that holds everything, with room at open ends; it starts at 0 where nothing is below."""
        ends = [end for end in (self.value, self.low, self.high, self.at_least, self.at_most) if end is not None]
        low, high = min(ends), max(ends)
        room = (high - low) / 5 or abs(high) / 5 or 1.0
        start = 0.0 if low >= 0 and self.at_least is None else low - room
        return start, high + room


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of a whole: its label, its size, and the words that say the size."""

    label: str
    value: float
    text: str
    verdict: Verdict | None = None


class StackedShare(Block, frozen=True):
    """Parts of one whole, end to end."""

    title: str
    parts: tuple[Part, ...]


Cell: TypeAlias = str | int | float | Verdict | Code | Share | Sparkline | Histogram | Overlay | None


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column of a table: its title, and whether it holds numbers to be read downwards.

    A `spare` one may be left out where there is no room for all; the last one goes first.
    """

    title: str
    number: bool = False
    spare: bool = False


class Table(Block, frozen=True):
    """Rows of typed cells; `more` rows were left out."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    more: int = 0


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of the data, as text: its number (None where rows have no order), its values, and why it is shown."""

    number: int | None
    values: tuple[str, ...]
    why: str = ""


class Examples(Block, frozen=True):
    """Rows of the data that broke a check. The first `about` columns are those that were judged."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    about: int = 1
    note: str = ""


class KeyValues(Block, frozen=True):
    """Facts, each with its name; inline ones run on in one line."""

    items: tuple[tuple[str, Cell], ...]
    inline: bool = False


class Grid(Block, frozen=True):
    """Blocks side by side where there is room, one under the other where there is not."""

    blocks: tuple[Block, ...]


class Card(Block, frozen=True):
    """One subject in a frame: an outcome with its reasons, or a column with its statistics."""

    title: Line
    blocks: tuple[Block, ...] = ()
    verdict: Verdict | None = None
    note: str = ""


class Details(Block, frozen=True):
    """Blocks that stay folded until asked for; `summary` says what is inside, `brief` the gist in a line or two.

    `spare` ones are cut short where there is not room for all.
    """

    summary: str
    blocks: tuple[Block, ...]
    brief: str = ""
    open: bool = False
    spare: bool = False


class Page(msgspec.Struct, frozen=True, omit_defaults=True):
    """A title, what kind of page it is, a line of context, and blocks."""

    title: str
    blocks: tuple[Block, ...]
    kind: str = "findings"
    context: str = ""
    verdict: Verdict | None = None
