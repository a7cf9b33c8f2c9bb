"""Pictures of figures with axes: curves over a scale, a matrix of counts, and values with their intervals one under the other."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

import msgspec

from assay.reports.page import Block, Line
from assay.verdict import Verdict

__all__ = ["Curve", "Guide", "Interval", "Intervals", "Matrix", "Plot"]

Scale = tuple[float, float]


class Curve(msgspec.Struct, frozen=True, omit_defaults=True):
    """One curve of a plot: y at each x, from left to right; None is a gap. `low` and `high` are the ends of a band, where known.

    `joined` places are joined by a line, `dots` marks each of them; `tips` say what each place is, to those who point at it.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    joined: bool = True
    dots: bool = False
    tips: tuple[str, ...] = ()

    @property
    def band(self) -> tuple[tuple[float, float, float], ...]:
        """Return the places (x, low, high) at which the curve has a band."""
        if not len(self.low) == len(self.high) == len(self.x):
            return ()
        places = zip(self.x, self.low, self.high, strict=True)
        return tuple((x, low, high) for x, low, high in places if low is not None and high is not None)


class Guide(msgspec.Struct, frozen=True, omit_defaults=True):
    """A straight line to compare curves with, from one place to another; None is the end of the scale. `text` says what it is."""

    text: str
    start: tuple[float | None, float | None]
    end: tuple[float | None, float | None]


class Plot(Block, frozen=True):
    """Curves over one scale. `across` and `up` name the axes, whose ends are found in the curves where they are not given.

    `guides` are lines to compare with. `below` are bars under the plot: from one x to another, and how tall. `more` curves were left
    out. A `square` plot has sides of one length.
    """

    title: str
    curves: tuple[Curve, ...]
    across: str = ""
    up: str = ""
    x_scale: Scale | None = None
    y_scale: Scale | None = None
    guides: tuple[Guide, ...] = ()
    below: tuple[tuple[float, float, float], ...] = ()
    more: int = 0
    square: bool = False
    note: str = ""

    @property
    def scales(self) -> tuple[Scale, Scale]:
        """Return the ends of the scale of x and of the scale of y."""
        ends = [place for guide in self.guides for place in (guide.start, guide.end)]
        across = [x for curve in self.curves for x in curve.x] + [
            x for start, stop, _ in self.below for x in (start, stop)
        ]
        up = [y for curve in self.curves for y in (*curve.y, *(end for _, *band in curve.band for end in band))]
        x = self.x_scale or _scale([*across, *(x for x, _ in ends)], room=0.0)
        y = self.y_scale or _scale([*up, *(y for _, y in ends)], room=0.05)
        return x, y


class Matrix(Block, frozen=True):
    """Counts of two kinds of classes: `counts[i][j]` rows are of `rows[i]` and of `columns[j]`.

    `shares` are of the row's total, None where that is 0; the darker a cell, the greater its share. `down` and `across` say what
    rows and columns are. Cells whose row and column have one name are framed. `more` rows were left out.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]
    shares: tuple[tuple[float | None, ...], ...]
    down: str = "label"
    across: str = "prediction"
    more: int = 0
    note: str = ""


class Interval(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value with its interval, and the words at its end; None is what is not known.

    `at_least` and `at_most` are what is asked of it.
    """

    label: Line
    value: float | None
    low: float | None = None
    high: float | None = None
    text: str = ""
    verdict: Verdict | None = None
    at_least: float | None = None
    at_most: float | None = None


class Intervals(Block, frozen=True):
    """Values with their intervals, one under the other on one scale. `line` is what they are compared with; `lined` says what it is.

    `asked` says what the bounds of a row are. `more` of them were left out.
    """

    title: str
    rows: tuple[Interval, ...]
    line: float | None = None
    lined: str = ""
    more: int = 0
    note: str = ""
    asked: str = "what is asked"

    @property
    def is_bounded(self) -> bool:
        """Return whether anything is asked of a row."""
        return any(row.at_least is not None or row.at_most is not None for row in self.rows)

    @property
    def scale(self) -> Scale:
        """Return the ends of a scale that holds every value, and the intervals as far as they do not squeeze the others."""
        rows = [row for row in self.rows if row.value is not None]
        anchors = (
            [row.value for row in rows] + [each for row in rows for each in (row.at_least, row.at_most)] + [self.line]
        )
        known = [each for each in anchors if each is not None]
        if not known:
            return 0.0, 1.0
        low, high = min(known), max(known)
        halves = [row.high / 2 - row.low / 2 for row in rows if row.low is not None and row.high is not None]
        reach = max(high - low, 3 * median(halves) if halves else 0.0)
        starts = [max(row.low, low - reach) for row in rows if row.low is not None]
        stops = [min(row.high, high + reach) for row in rows if row.high is not None]
        return _scale([low, high, *starts, *stops], room=0.04)


def _scale(values: Iterable[float | None], *, room: float) -> Scale:
    """Return the ends of the scale of some values, with a share of its length as room at both; one value stands in the middle."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    if low == high:
        around = abs(low) / 2 or 0.5
        return low - around, high + around
    return low - (high - low) * room, high + (high - low) * room
