"""The badge of a score: a small picture in SVG that needs no network."""

from __future__ import annotations

__all__ = ["badge"]

_WIDTHS = {"label": 92, "value": 44}
# From the paper's bands: nothing, holes, a first pass, reasonable, strong, exceptional.
_COLOURS = ((0.0, "#9f2f2f"), (1.0, "#b4532a"), (2.0, "#9a6b00"), (3.0, "#5d7a1f"), (5.0, "#2f7a3f"), (7.0, "#1f6f6b"))


def badge(score: float) -> str:
    """Return the badge of a score in [0, 7] as SVG; its colour is that of the paper's band.

    >>> badge(2.5).startswith("<svg"), ">2.5<" in badge(2.5)
    (True, True)
    """
    label, value = _WIDTHS["label"], _WIDTHS["value"]
    colour = next(colour for end, colour in _COLOURS if score <= end)
    text = f"{score:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{label + value}" height="20" role="img" aria-label="ML Test Score: {text} of 7">'
        f"<title>ML Test Score: {text} of 7</title>"
        f'<rect width="{label}" height="20" rx="3" fill="#3b3f46"/><rect x="{label}" width="{value}" height="20" rx="3" fill="{colour}"/>'
        f'<rect x="{label - 3}" width="6" height="20" fill="{colour}"/><rect x="{label - 3}" width="3" height="20" fill="#3b3f46"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{label / 2 - 1:g}" y="14">ML Test Score</text><text x="{label + value / 2:g}" y="14">{text}</text></g></svg>\n'
    )
