"""Charts as inline SVG: shapes only, stretched to their box; the words stand beside them in HTML.

Each chart names itself for readers who don't see it, and takes its colours from the page's style.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from assay.reports.overlays import heights_of, lefts_of
from assay.reports.page import Histogram, Overlay, RangeBar, Series, Sparkline, StackedShare
from assay.reports.signs import SIGNS
from assay.reports.words import number
from assay.verdict import Verdict

__all__ = [
    "bar", "counts", "histogram", "icon", "overlay", "path_through", "range_bar", "series", "sparkline", "stacked", "symbols",
    "twin",
]  # fmt: skip

HEIGHT = 40.0
THINNEST = 0.6
DROPS = 30


def _svg(name: str, width: float, height: float, shapes: Iterable[str], *, label: str) -> str:
    title = escape(label)
    return (
        f'<svg class="chart {name}" viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" role="img" aria-label="{title}">'
        f"<title>{title}</title>{''.join(shapes)}</svg>"
    )


def _rect(x: float, width: float, *, y: float = 0.0, height: float = 1.0, face: str = "") -> str:
    kind = f' class="{face}"' if face else ""
    return f'<rect{kind} x="{x:.3f}" y="{y:.3f}" width="{width:.3f}" height="{height:.3f}"/>'


def _face(verdict: Verdict | None, i: int = 0) -> str:
    return f"v-{verdict.value}" if verdict is not None else f"part-{i % 4}"


def bar(length: float, *, label: str, verdict: Verdict | None = None, mark: float | None = None) -> str:
    """Return one bar of a length in [0, 1]; what is more than nothing can be seen. `mark` is a line across it."""
    filled = min(max(length, 0.0), 1.0) * 100
    shown = max(filled, THINNEST) if length > 0 else 0.0
    shapes = [_rect(0, 100, face="track"), _rect(0, shown, face=_face(verdict))]
    shapes += [_line(mark * 100, 1)] if mark is not None else []
    return _svg("bar", 100, 1, shapes, label=label)


def _line(x: float, height: float) -> str:
    return f'<line class="mark" x1="{x:.3f}" x2="{x:.3f}" y1="0" y2="{height:g}"/>'


def stacked(block: StackedShare) -> str:
    """Return parts of a whole, end to end; a part that is not nothing can be seen."""
    total = sum(part.value for part in block.parts)
    label = f"{block.title}: " + ", ".join(f"{part.label} {part.text}" for part in block.parts)
    if total <= 0:
        return _svg("stack", 100, 1, [_rect(0, 100, face="track")], label=label)
    sizes = [max(part.value / total, 0.008) if part.value > 0 else 0.0 for part in block.parts]
    scale = 100 / sum(sizes)
    shapes, x = [], 0.0
    for i, (part, size) in enumerate(zip(block.parts, sizes, strict=True)):
        shapes.append(_rect(x, size * scale, face=_face(part.verdict, i)))
        x += size * scale
    return _svg("stack", 100, 1, shapes, label=label)


def counts(found: tuple[tuple[Verdict, int], ...], what: str = "Outcomes") -> str:
    """Return how many outcomes concluded what, as one bar."""
    from assay.reports.page import Part

    return stacked(StackedShare(what, tuple(Part(verdict.value, n, f"{n:,}", verdict) for verdict, n in found)))


def histogram(block: Histogram) -> str:
    """Return counts over bins as areas: a bin's area is its count, so that bins of unequal width tell the truth."""
    # Halves, as the span of finite edges may be more than a float holds.
    edges = [edge / 2 for edge in block.edges] or [0.0]
    low, span = edges[0], edges[-1] - edges[0]
    label = block.title or "Histogram"
    if span <= 0 or not block.counts:
        top = max(block.counts, default=0.0)
        return _svg("histogram", 100, HEIGHT, [_rect(46, 8, height=HEIGHT if top else 0)], label=label)
    lefts = [(edge - low) / span * 100 for edge in edges]
    widths = [right - left for left, right in pairwise(lefts)]
    density = [count / width if width > 0 else 0.0 for count, width in zip(block.counts, widths, strict=True)]
    top = max(density) or 1.0
    shapes = []
    for left, width, tall in zip(lefts[:-1], widths, density, strict=True):
        height = max(tall / top * HEIGHT, 0.8) if tall > 0 else 0.0
        shapes.append(_rect(left, width, y=HEIGHT - height, height=height))
    places = [(name, at, (at / 2 - low) / span * 100) for name, at in block.marks]
    shapes += [_mark(x, name, at) for name, at, x in places if 0 <= x <= 100]
    return _svg("histogram", 100, HEIGHT, shapes, label=label)


def _mark(x: float, name: str, at: float) -> str:
    return f'<line class="mark" x1="{x:.3f}" x2="{x:.3f}" y1="0" y2="{HEIGHT:g}"><title>{escape(f"{name} {number(at)}")}</title></line>'


def overlay(block: Overlay, *, small: bool = False) -> str:
    """Return the current data as areas and the reference as an outline over them; a small one is drawn with two lines."""
    lefts = [left * 100 for left in lefts_of(block)]
    before, now = ([height * (HEIGHT - 1) for height in side] for side in heights_of(block))
    now = [max(height, 0.8) if height > 0 else 0.0 for height in now]
    if small:
        shapes = [f'<path class="now" d="{_steps(lefts, now)}Z"/>']
    else:
        places = zip(lefts, lefts[1:], now, strict=False)
        shapes = [
            _rect(left, right - left, y=HEIGHT - height, height=height, face="now") for left, right, height in places
        ]
    shapes.append(f'<path class="before" d="{_steps(lefts, before)}"/>')
    label = f"{block.title}: the reference as an outline, the current data filled"
    return _svg("overlay", 100, HEIGHT, shapes, label=label)


def _steps(lefts: Sequence[float], heights: Sequence[float]) -> str:
    """Return a path over steps of these heights, from the ground to the ground."""
    steps = zip(lefts[1:], heights, strict=True)
    return f"M0 {HEIGHT:g}" + "".join(f"V{HEIGHT - height:.1f}H{right:.1f}" for right, height in steps) + f"V{HEIGHT:g}"


def twin(before: float, now: float, *, label: str) -> str:
    """Return two lengths in [0, 1] on one line: the current one filled, that of the reference as an outline."""
    filled, outlined = (max(length * 100, THINNEST) if length > 0 else 0.0 for length in (now, before))
    shapes = [_rect(0, 100, height=10, face="track"), _rect(0, filled, height=10, face="now")]
    shapes += [_rect(0, outlined, height=10, face="before")] if outlined else []
    return _svg("twin", 100, 10, shapes, label=label)


def sparkline(block: Sparkline) -> str:
    """Return a series as a line; a gap in the series is a gap in the line."""
    known = [value for value in block.values if value is not None]
    low, high = min(known, default=0.0) / 2, max(known, default=1.0) / 2
    span = (high - low) or 1.0
    step = 100 / max(len(block.values) - 1, 1)
    path, pen = [], "M"
    for i, value in enumerate(block.values):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{i * step:.2f} {2 + (1 - (value / 2 - low) / span) * (HEIGHT - 4):.2f}")
        pen = "L"
    return _svg(
        "sparkline", 100, HEIGHT, [f'<path d="{"".join(path)}"/>'] if path else [], label=block.title or "Series"
    )


def series(block: Series) -> str:
    """Return a series as a line over its centre and its limits, with a dot at each alarm and, where they are few, a line down from it."""
    step = 100 / max(len(block.values) - 1, 1)
    low, high = block.scale

    def across(line: Sequence[float | None]) -> list[tuple[float, float] | None]:
        every = [line[0]] * len(block.values) if len(line) == 1 else line
        return [None if x is None else (i * step, _height(x, low, high)) for i, x in enumerate(every)]

    values = across(block.values)
    shapes = [f'<path class="limit" d="{path_through(across(line))}"/>' for line in (block.low, block.high) if line]
    shapes += (
        [f'<path class="centre" d="{path_through(across((block.centre,)))}"/>'] if block.centre is not None else []
    )
    shapes += [f'<path class="series" d="{path_through(values)}"/>']
    dots = [place for i in block.marks if i < len(values) and (place := values[i]) is not None]
    shapes += (
        [f'<path class="drop" d="{"".join(f"M{x:.2f} {y:.2f}V{HEIGHT:g}" for x, y in dots)}"/>']
        if 0 < len(dots) <= DROPS
        else []
    )
    shapes += [f'<path class="alarm" d="{"".join(f"M{x:.2f} {y:.2f}h0" for x, y in dots)}"/>'] if dots else []
    said = f"{block.title or 'Series'}: {len(block.values)} values, {len(block.marks)} marked as {block.marked}"
    return _svg("serial", 100, HEIGHT, shapes, label=said)


def _height(value: float, low: float, high: float) -> float:
    """Return where a value stands in a picture whose scale ends at low and high, with some room at both."""
    return 2 + (1 - (value / 2 - low / 2) / (high / 2 - low / 2)) * (HEIGHT - 4)  # halves: the span may be too much


def path_through(places: Iterable[tuple[float, float] | None]) -> str:
    """Return the path of an SVG through places; None lifts the pen.

    >>> path_through([(0, 1), (2, 3), None, (4, 5)])
    'M0.00 1.00L2.00 3.00M4.00 5.00'
    """
    path, pen = [], "M"
    for place in places:
        if place is None:
            pen = "M"
            continue
        path.append(f"{pen}{place[0]:.2f} {place[1]:.2f}")
        pen = "L"
    return "".join(path)


def range_bar(block: RangeBar) -> str:
    """Return a value with its interval against the accepted range, on one scale with some room at both ends."""
    low, high = block.scale

    def place(value: float) -> float:
        return (value - low) / (high - low) * 100

    accepted = (
        0.0 if block.at_least is None else place(block.at_least),
        100.0 if block.at_most is None else place(block.at_most),
    )
    shapes = [
        _rect(0, 100, y=4, height=2, face="track"),
        _rect(accepted[0], max(accepted[1] - accepted[0], 0.4), y=3, height=4, face="accepted"),
    ]
    if block.low is not None and block.high is not None:
        shapes.append(
            _rect(
                place(block.low),
                max(place(block.high) - place(block.low), 0.4),
                y=4,
                height=2,
                face=f"{_face(block.verdict)} interval",
            )
        )
    shapes.append(_rect(place(block.value) - 0.4, 0.8, y=0.5, height=9, face=_face(block.verdict)))
    return _svg("range", 100, 10, shapes, label=f"{block.title} {block.text}".strip())


def icon(verdict: Verdict) -> str:
    """Return the verdict's shape; the word stands beside it, so it is hidden from readers who hear the page."""
    return f'<svg class="icon v-{verdict.value}" viewBox="0 0 16 16" aria-hidden="true"><use href="#assay-{verdict.value}"/></svg>'


def symbols() -> str:
    """Return the shapes that `icon` refers to, once per page."""
    shapes = "".join(
        f'<symbol id="assay-{verdict.value}" viewBox="0 0 16 16">{_SHAPES[verdict]}</symbol>' for verdict in SIGNS
    )
    return f'<svg class="symbols" width="0" height="0" aria-hidden="true">{shapes}</svg>'


_EXCLAMATION = '<path class="assay-cut" d="M8 {top}v{tall}"/><circle class="assay-dot" cx="8" cy="{dot}" r="1"/>'
_SHAPES = {
    Verdict.ERROR: '<rect x="1.5" y="1.5" width="13" height="13" rx="2"/>'
    + _EXCLAMATION.format(top=4.2, tall=5, dot=11.7),
    Verdict.FAIL: '<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"/>'
    '<path class="assay-cut" d="M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4"/>',
    Verdict.INCONCLUSIVE: '<circle class="assay-ring" cx="8" cy="8" r="6.3"/>'
    '<path class="assay-line" d="M6 6.3a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.3"/><circle cx="8" cy="11.6" r=".9"/>',
    Verdict.WARN: '<path d="M8 1.2l7.2 13H.8z"/>' + _EXCLAMATION.format(top=5.8, tall=4, dot=12),
    Verdict.PASS: '<circle cx="8" cy="8" r="7"/><path class="assay-cut" d="M4.8 8.2l2.3 2.4 4.2-4.8"/>',
    Verdict.SKIP: '<circle class="assay-ring assay-dashed" cx="8" cy="8" r="6.3"/><path class="assay-line" d="M5.2 8h5.6"/>',
}
