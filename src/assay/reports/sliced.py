"""Findings about a small dataset as a page: how much it covers, what it has no room for, and how far it is from the data."""

from __future__ import annotations

from assay.reports import words
from assay.reports.exhibits import Sheet, plain_table, sheets_of
from assay.reports.origin import context, notes, provenance
from assay.reports.page import Banner, Bar, Bars, Block, Code, Details, Heading, Page, Text
from assay.reports.signs import summary, tally
from assay.verdict import Findings, Verdict

__all__ = ["is_sliced", "sliced_page"]

FAMILY = "slice"
COVERAGE, COLUMNS = "coverage", "slice_columns"
NEEDED = ("aspect", "column", "what", "rows_in_data", "rows_in_slice", "row")
TITLES = {
    "rows_in_data": "Rows of the data", "rows_in_slice": "Rows of the slice", "row": "First row", "missing_in_data": "Missing in the data",
    "missing_in_slice": "Missing in the slice", "mean_in_data": "Mean in the data", "mean_in_slice": "Mean in the slice",
}  # fmt: skip
LISTED = 200


def is_sliced(findings: Findings) -> bool:
    """Return whether findings say nothing but what a small dataset covers."""
    return bool(findings.outcomes) and all(outcome.family == FAMILY for outcome in findings.outcomes)


def sliced_page(findings: Findings) -> Page:
    """Return what a small dataset covers as a page: in all, by aspect, what is left out, and every target."""
    sheets = sheets_of(findings)
    coverage = sheets.get(COVERAGE)
    known = coverage if coverage is not None and coverage.has(*NEEDED) else None
    blocks: list[Block] = [
        Banner(findings.verdict, _sentence(findings, known), tally(findings), what="Aspects of columns")
    ]
    blocks += notes(findings)
    if known is not None:
        blocks += _covered(known)
        blocks += _left_out(known)
        blocks.append(Text(known.note, quiet=True))
        table = plain_table(known, titles=TITLES)
        blocks.append(Details("Every target", (table,), brief=words.plural(len(known.rows), "target")))
    columns = sheets.get(COLUMNS)
    if columns is not None and columns.rows:
        blocks.append(
            Details(
                columns.title, (plain_table(columns, titles=TITLES), Text(columns.note, quiet=True)), brief=columns.note
            )
        )
    blocks.append(provenance(findings))
    title = words.clean(findings.subject, most=300)
    return Page(title, tuple(blocks), kind="slice", context=context(findings), verdict=findings.verdict)


def _sentence(findings: Findings, coverage: Sheet | None) -> str:
    if coverage is None:
        told = [words.clean(outcome.why) for outcome in findings.outcomes if outcome.why]
        return words.sentence_case(told[0]).rstrip(".") + "." if len(told) == 1 else summary(tally(findings))
    total = len(coverage.rows)
    left = sum(not row.number("rows_in_slice") for row in coverage.rows)
    if not left:
        return f"The slice has all {total:,} targets that the data has."
    return f"The slice has {total - left:,} of the {total:,} targets that the data has; {left:,} found no room."


def _covered(coverage: Sheet) -> list[Block]:
    bars = []
    for (aspect,), rows in coverage.groups("aspect").items():
        held = sum(bool(row.number("rows_in_slice")) for row in rows)
        verdict = Verdict.PASS if held == len(rows) else Verdict.WARN
        bars.append(Bar(aspect, held / len(rows), f"{held:,} of {len(rows):,}", verdict))
    return [Bars("Targets that the slice has", tuple(bars))]


def _left_out(coverage: Sheet) -> list[Block]:
    left = [row for row in coverage.rows if not row.number("rows_in_slice")]
    if not left:
        return []
    bars = tuple(
        Bar(
            (Code(words.cut(row.text("column"), 60)), f" {row.text('aspect')}: {row.text('what')}"),
            0.0,
            _rows(row.number("rows_in_data")),
        )
        for row in left[:LISTED]
    )
    note = f"and {len(left) - LISTED:,} more" if len(left) > LISTED else ""
    blocks: list[Block] = [Heading("Left out", note=words.plural(len(left), "target"))]
    return [*blocks, Bars("Targets that no row of the slice has, and how many rows of the data have them", bars, note)]


def _rows(n: float | None) -> str:
    return words.plural(int(n or 0), "row")
