"""Plots, intervals, histograms and series in characters, for a terminal and for Markdown."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

from assay.reports import words
from assay.reports.overlays import heights_of
from assay.reports.page import Cell, Code, Column, Overlay, Series, Table
from assay.reports.pictures import Curve, Guide, Interval, Intervals, Matrix, Plot
from assay.reports.scales import place, ticks

__all__ = [
    "count_text", "ends_line", "heights", "interval_line", "legend", "levels", "matrix_table", "pair", "signs", "sketch",
]  # fmt: skip

Canvas = list[list[str]]
_SIGNS = "•123456789abcdefghijklmnopqrstuvwxyz"
_GUIDES = "·-:"
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def signs(block: Plot) -> list[str]:
    """Return the sign of each curve: a dot where there is one, else its number.

    >>> signs(Plot("", (Curve("a", (0,), (0,)), Curve("b", (0,), (0,)))))
    ['1', '2']
    """
    n = len(block.curves)
    return ["•"] if n == 1 else [_SIGNS[1 + i % (len(_SIGNS) - 1)] for i in range(n)]


def legend(block: Plot) -> str:
    """Return what each sign of a plot stands for; empty where there is one curve and nothing beside it."""
    guides = [f"{_GUIDES[i % 3] * 3} {guide.text}" for i, guide in enumerate(block.guides) if guide.text]
    curves = [f"{sign} {curve.label}" for sign, curve in zip(signs(block), block.curves, strict=True) if curve.label]
    shown = (curves if len(block.curves) > 1 or guides else []) + guides
    return "   ".join([*shown, *([f"and {block.more:,} more"] if block.more else [])])


def sketch(block: Plot, *, width: int = 60, height: int = 14) -> str:
    r"""Return a plot in characters, with the numbers of its axes; its guides are dotted, and later curves lie over earlier ones.

    >>> print(
    ...     sketch(Plot("", (Curve("a", (0.0, 1.0), (0.0, 1.0)),), x_scale=(0, 1), y_scale=(0, 1)), width=12, height=3)
    ... )
      1 │         •••
    0.5 │   ••••••
      0 │•••
        └────────────
         0    0.5   1
    """
    canvas: Canvas = [[" "] * width for _ in range(height)]
    for i, guide in enumerate(block.guides):
        _line(canvas, *_ends(guide, block), sign=_GUIDES[i % 3])
    for sign, curve in zip(signs(block), block.curves, strict=True):
        _draw(canvas, curve, block, sign)
    x, y = block.scales
    texts = {height - 1 - round(place(at, y) * (height - 1)): text for at, text in ticks(*y, most=4)}
    room = max(map(len, texts.values()), default=0)
    rows = [f"{texts.get(i, ''):>{room}} │{''.join(line)}".rstrip() for i, line in enumerate(canvas)]
    return "\n".join([*rows, f"{'':>{room}} └{'─' * width}", f"{'':>{room}}  {_beneath(x, width)}"])


def _beneath(scale: tuple[float, float], width: int) -> str:
    line = [" "] * width
    for at, text in ticks(*scale, most=5):
        middle = round(place(at, scale) * (width - 1))
        start = min(max(middle - len(text) // 2, 0), width - len(text))
        if start >= 0 and all(cell == " " for cell in line[max(start - 1, 0) : start + len(text) + 1]):
            line[start : start + len(text)] = text
    return "".join(line).rstrip()


def _ends(guide: Guide, block: Plot) -> tuple[tuple[float, float], tuple[float, float]]:
    x, y = block.scales
    ends = []
    for i, (at_x, at_y) in enumerate((guide.start, guide.end)):
        ends.append((place(x[i] if at_x is None else at_x, x), place(y[i] if at_y is None else at_y, y)))
    return ends[0], ends[1]


def _draw(canvas: Canvas, curve: Curve, block: Plot, sign: str) -> None:
    x, y = block.scales
    at = [None if b is None else (place(a, x), place(b, y)) for a, b in zip(curve.x, curve.y, strict=False)]
    for one in at:
        if one is not None:
            _line(canvas, one, one, sign=sign)
    if curve.joined:
        for one, other in pairwise(at):
            if one is not None and other is not None:
                _line(canvas, one, other, sign=sign)


def _line(canvas: Canvas, start: tuple[float, float], end: tuple[float, float], *, sign: str) -> None:
    rows, columns = len(canvas) - 1, len(canvas[0]) - 1
    steps = max(ceil(abs(end[0] - start[0]) * columns), ceil(abs(end[1] - start[1]) * rows), 1)
    for i in range(steps + 1):
        x, y = (a + (b - a) * i / steps for a, b in zip(start, end, strict=True))
        canvas[rows - round(y * rows)][round(x * columns)] = sign


def interval_line(block: Intervals, row: Interval, *, cells: int = 28) -> str:
    """Return a value with its interval on the scale of its block, in so many characters; an end beyond the scale is an arrow.

    >>> block = Intervals("", (Interval("a", 0.5, 0.25, 0.75), Interval("b", 1.0), Interval("c", 0.0)), line=0.0)
    >>> interval_line(block, block.rows[0], cells=21)
    ' │   ├────●────┤     '
    """
    scale = block.scale

    def cell(value: float) -> int:
        return round(place(value, scale) * (cells - 1))

    line = [" "] * cells
    if block.line is not None:
        line[cell(block.line)] = "│"
    for bound in (row.at_least, row.at_most):
        if bound is not None:
            line[cell(bound)] = "┊"
    if row.value is not None:
        low, high = row.value if row.low is None else row.low, row.value if row.high is None else row.high
        for i in range(cell(low), cell(high) + 1):
            line[i] = "─"
        line[cell(low)], line[cell(high)] = "◂" if low < scale[0] else "├", "▸" if high > scale[1] else "┤"
        line[cell(row.value)] = "●"
    return "".join(line)


def ends_line(block: Intervals, *, cells: int = 28) -> str:
    """Return the numbers of the scale of intervals, as wide as these."""
    return _beneath(block.scale, cells).ljust(cells)


def count_text(n: float) -> str:
    """Return a count, or a sum of weights, of a cell of a matrix.

    >>> count_text(12345.0), count_text(0.25)
    ('12,345', '0.25')
    """
    return f"{n:,.0f}" if n == round(n) else words.number(n)


def heights(values: tuple[float | None, ...], cells: int = 40, *, top: float = 0.0) -> str:
    """Return values as blocks of text, at most `cells` of them, as tall as `top` or else the greatest lets them be.

    >>> heights((0, 0.001, 5, 10))
    ' ▁▄█'
    """
    known = [value for value in values if value is not None]
    top = top or max(known, default=0.0)
    if top <= 0:
        return " " * min(len(values), cells)
    step = max(1, -(-len(values) // cells))
    merged = [[value for value in values[i : i + step] if value is not None] for i in range(0, len(values), step)]
    return "".join(
        _EIGHTHS[max(1, round(max(part) / top * 8)) if max(part) > 0 else 0] if part else " " for part in merged
    )


def levels(block: Series, cells: int = 60) -> tuple[str, str]:
    """Return a series as blocks of text, at most `cells` of them, and under them a sign at each alarm.

    >>> levels(Series("", (0.0, None, 7.0), marks=(2,)))
    ('▁ █', '  ^')
    """
    low, high = block.scale
    step = max(1, -(-len(block.values) // cells))
    starts = range(0, len(block.values), step)
    parts = [[x for x in block.values[i : i + step] if x is not None] for i in starts]
    places = [
        (sum(x / len(part) for x in part) / 2 - low / 2) / (high / 2 - low / 2) if part else None for part in parts
    ]
    drawn = "".join(" " if place is None else _EIGHTHS[1 + min(7, int(place * 8))] for place in places)
    alarms = {i // step for i in block.marks}
    return drawn, "".join("^" if i in alarms else " " for i in range(len(drawn)))


def pair(block: Overlay, cells: int = 12) -> tuple[str, str]:
    """Return the reference and the current data as blocks of text of one scale.

    >>> pair(Overlay("", (0.5, 0.5, 0.0), (0.0, 0.5, 0.5)))
    ('██ ', ' ██')
    """
    before, now = (heights(side, cells, top=1.0) for side in heights_of(block))
    return before, now


def matrix_table(block: Matrix, *, between: str) -> Table:
    """Return a matrix as a table: counts, with their shares beside them; `between` parts the names of its two sides.

    >>> block = Matrix("", ("a",), ("b",), ((3.0,),), ((0.75,),), down="label", across="prediction")
    >>> matrix_table(block, between="/").columns[0].title
    'label / prediction'
    """
    columns = (Column(f"{block.down} {between} {block.across}"), *(Column(name, number=True) for name in block.columns))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (Code(name), *(_counted(n, share) for n, share in zip(counts, shares, strict=True)))
        for name, counts, shares in zip(block.rows, block.counts, block.shares, strict=True)
    )
    return Table(columns, rows, more=block.more)


def _counted(n: float, share: float | None) -> str:
    return count_text(n) + (f" ({words.share(share)})" if share is not None else "")
