"""Plots and intervals as inline SVG: shapes only, stretched to their box; numbers and names of axes stand around them in HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape

from assay.reports.charts import path_through
from assay.reports.pictures import Curve, Guide, Interval, Intervals, Plot
from assay.reports.scales import place, ticks

__all__ = ["HUES", "MOST_BANDS", "bars_below", "hue", "interval", "plot", "x_ticks", "y_ticks"]

At = Callable[[tuple[float, float]], tuple[float, float]]

SIDE = 100.0
HUES = 6  # as many colours as can be told apart; after them the same again, in dashes
MOST_BANDS = 6  # more bands over each other hide what they are about
MOST_TIPS = 120


def hue(i: int, n: int) -> str:
    """Return the class of the colour and the dashes of one of n curves.

    >>> hue(0, 1), hue(7, 12)
    ('hue-0', 'hue-1 dashed')
    """
    return f"hue-{i % HUES}" + (" dashed" if (i // HUES) % 2 else "")


def plot(block: Plot) -> str:
    """Return the curves of a plot over its grid, its guides and its bands."""
    x, y = block.scales

    def at(place_: tuple[float, float]) -> tuple[float, float]:
        return place(place_[0], x) * SIDE, (1 - place(place_[1], y)) * SIDE

    shapes = [f'<path class="rule" d="{"".join(_rules(block))}"/>']
    n = len(block.curves)
    if n <= MOST_BANDS:
        for i, curve in enumerate(block.curves):
            shapes += [f'<path class="band {hue(i, n)}" d="{d}"/>'] if (d := _band(curve, at)) else []
    shapes += [
        f'<path class="guide guide-{i % 3}" d="{_guide(guide, block)}"/>' for i, guide in enumerate(block.guides)
    ]
    for i, curve in enumerate(block.curves):
        shapes += _curve(curve, at, hue(i, n))
    said = f"{block.title}: {block.up} over {block.across}, {n} {'curve' if n == 1 else 'curves'}"
    return _svg("axes", shapes, said)


def _svg(name: str, shapes: Iterable[str], label: str, *, height: float = SIDE) -> str:
    title = escape(label)
    return (
        f'<svg class="chart {name}" viewBox="0 0 {SIDE:g} {height:g}" preserveAspectRatio="none" role="img" aria-label="{title}">'
        f"{''.join(shapes)}</svg>"
    )


def _rules(block: Plot) -> Iterator[str]:
    x, y = block.scales
    for at, _ in ticks(*x):
        yield f"M{place(at, x) * SIDE:.2f} 0V{SIDE:g}"
    for at, _ in ticks(*y):
        yield f"M0 {(1 - place(at, y)) * SIDE:.2f}H{SIDE:g}"


def _guide(guide: Guide, block: Plot) -> str:
    x, y = block.scales
    (x0, y0), (x1, y1) = guide.start, guide.end
    ends = (
        x[0] if x0 is None else x0,
        y[0] if y0 is None else y0,
        x[1] if x1 is None else x1,
        y[1] if y1 is None else y1,
    )
    places = [place(end, scale) * SIDE for end, scale in zip(ends, (x, y, x, y), strict=True)]
    return f"M{places[0]:.2f} {SIDE - places[1]:.2f}L{places[2]:.2f} {SIDE - places[3]:.2f}"


def _band(curve: Curve, at: At) -> str:
    band = curve.band
    if len(band) < 2 or not curve.joined:
        return ""
    upper = [at((x, high)) for x, _, high in band]
    lower = [at((x, low)) for x, low, _ in reversed(band)]
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in (*upper, *lower)) + "Z"


def _curve(curve: Curve, at: At, face: str) -> list[str]:
    places = [None if y is None else at((x, y)) for x, y in zip(curve.x, curve.y, strict=False)]
    known = [place_ for place_ in places if place_ is not None]
    name = f"<title>{escape(curve.label)}</title>" if curve.label else ""
    shapes = []
    if curve.joined and len(known) > 1:
        shapes.append(f'<path class="line {face}" d="{path_through(places)}">{name}</path>')
    if curve.dots or (curve.joined and len(known) == 1):
        shapes.append(f'<path class="{"dots" if curve.joined else "cloud"} {face}" d="{_dots(known)}">{name}</path>')
    if len(curve.tips) == len(places) and len(known) <= MOST_TIPS:
        tips = zip(places, curve.tips, strict=True)
        shapes += [f'<path class="tip" d="{_dots([p])}"><title>{escape(tip)}</title></path>' for p, tip in tips if p]
    return shapes


def _dots(places: Iterable[tuple[float, float]]) -> str:
    return "".join(f"M{x:.2f} {y:.2f}h0" for x, y in places)


def bars_below(block: Plot) -> str:
    """Return the bars under a plot, on its scale of x."""
    x, _ = block.scales
    top = max((tall for _, _, tall in block.below), default=0.0) or 1.0
    shapes = []
    for start, stop, tall in block.below:
        left, right, height = place(start, x) * SIDE, place(stop, x) * SIDE, max(tall / top, 0.02) * SIDE
        if tall > 0:
            shapes.append(
                f'<rect x="{left:.2f}" y="{SIDE - height:.2f}" width="{max(right - left, 0.3):.2f}" height="{height:.2f}"/>'
            )
    return _svg("below", shapes, f"{block.title}: where the rows stand")


def x_ticks(block: Plot | Intervals, most: int = 6) -> list[tuple[float, str]]:
    """Return the numbers of the axis that runs across, each with its place in percent."""
    scale = block.scales[0] if isinstance(block, Plot) else block.scale
    return [(round(place(at, scale) * 100, 2), text) for at, text in ticks(*scale, most=most)]


def y_ticks(block: Plot) -> list[tuple[float, str]]:
    """Return the numbers of the axis that runs up, each with its place in percent from below."""
    _, scale = block.scales
    return [(round(place(at, scale) * 100, 2), text) for at, text in ticks(*scale)]


def interval(block: Intervals, row: Interval) -> str:
    """Return one value with its interval over what is asked of it and the line that all are compared with.

    An interval that goes beyond the scale ends in an arrow.
    """
    scale = block.scale

    def at(value: float) -> float:
        return place(value, scale) * SIDE

    shapes = []
    if row.at_least is not None or row.at_most is not None:
        low = 0.0 if row.at_least is None else at(row.at_least)
        high = SIDE if row.at_most is None else at(row.at_most)
        shapes.append(f'<rect class="accepted" x="{low:.2f}" y="0" width="{max(high - low, 0.4):.2f}" height="20"/>')
    shapes += [f'<path class="compared" d="M{at(block.line):.2f} 0V20"/>'] if block.line is not None else []
    face = f"v-{row.verdict.value}" if row.verdict is not None else "plain"
    if row.value is not None:
        low, high = row.value if row.low is None else row.low, row.value if row.high is None else row.high
        shapes.append(f'<path class="reach {face}" d="M{at(low):.2f} 10H{at(high):.2f}"/>')
        shapes += [f'<path class="arrow {face}" d="M1.6 5L0.3 10L1.6 15"/>'] if low < scale[0] else []
        shapes += [f'<path class="arrow {face}" d="M98.4 5L99.7 10L98.4 15"/>'] if high > scale[1] else []
        shapes.append(f'<path class="value {face}" d="M{at(row.value):.2f} 10h0"/>')
    return _svg("interval", shapes, row.text or "unknown", height=20)
