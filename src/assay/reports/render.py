"""One table of formats, and the two functions that use it: `render` to text, `write` to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assay.codec import atomic, dump_json
from assay.errors import UsageError, nearest
from assay.reports.findings import findings_page
from assay.reports.page import Page
from assay.verdict import Findings

__all__ = ["FORMATS", "SUFFIXES", "format_of", "render", "write"]


def _text(shown: Findings | Page) -> str:
    from assay.reports.terminal import text

    return text(_page(shown))


def _markdown(shown: Findings | Page) -> str:
    from assay.reports.markdown import markdown

    return markdown(_page(shown))


def _html(shown: Findings | Page) -> str:
    from assay.reports.html import html

    return html(_page(shown))


def _junit(shown: Findings | Page) -> str:
    from assay.reports.junit import junit

    if isinstance(shown, Page):
        raise UsageError("JUnit shows findings; this page holds none", hint="choose text, json, markdown or html")
    return junit(shown)


FORMATS: dict[str, Callable[[Findings | Page], str]] = {
    "text": _text,
    "json": dump_json,
    "markdown": _markdown,
    "html": _html,
    "junit": _junit,
}
SUFFIXES = {
    ".txt": "text",
    ".json": "json",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xml": "junit",
}


def render(shown: Findings | Page, format: str = "text") -> str:
    """Return findings or a page in one of the formats; raise `UsageError` where there is no such format.

    Text is plain (100 wide, no colour); `assay.reports.terminal.show` fits it to a terminal. JSON of findings is what
    `load_findings` reads.

    >>> from assay.verdict import Provenance
    >>> print(render(Findings("flights", (), Provenance("0.1.0", "2026-11-22T13:00:00Z"))).splitlines()[3])
    ? INCONCLUSIVE  No check was run, so nothing was judged.
    """
    if format not in FORMATS:
        raise UsageError(f"there is no format {format!r}", hint=nearest(format, FORMATS))
    return FORMATS[format](shown)


def write(shown: Findings | Page, path: str | Path, *, format: str = "") -> None:
    """Write findings or a page to a file, whole or not at all; the format follows the file's suffix unless given."""
    rendered = render(shown, format_of(path, format=format))
    with atomic(path) as stream:
        stream.write(rendered)


def format_of(path: str | Path, *, format: str = "") -> str:
    """Return the format of a file: the one that is given, else that of its suffix; raise `UsageError` where it says none."""
    suffix = Path(path).suffix.lower()
    if not format and suffix not in SUFFIXES:
        raise UsageError(
            f"the suffix {suffix!r} says no format",
            place=str(path),
            hint=f"end the name with one of {', '.join(SUFFIXES)}, or name a format",
        )
    return format or SUFFIXES[suffix]


def _page(shown: Findings | Page) -> Page:
    return shown if isinstance(shown, Page) else findings_page(shown)
