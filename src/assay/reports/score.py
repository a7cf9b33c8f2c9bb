"""The ML Test Score as a page: the score, its four sections in a picture, what to do next, and all 28 tests."""

from __future__ import annotations

from assay.reports import words
from assay.reports.exhibits import Record, Sheet, sheets_of, unfolded
from assay.reports.origin import context, notes, provenance
from assay.reports.page import Banner, Bar, Bars, Block, Cell, Code, Column, Details, Heading, Page, Share, Table, Text
from assay.reports.sentences import sentence
from assay.reports.signs import tally
from assay.verdict import Findings, Verdict

__all__ = ["is_score", "score_page"]

FAMILY = "score"
OF = 7
SECTIONS, RUBRIC, STEPS = "score_sections", "score_rubric", "score_steps"
# The tables that are drawn, and the columns without which each is shown as it is.
NEEDS = {
    SECTIONS: ("section", "points"),
    STEPS: ("test", "title", "step"),
    RUBRIC: ("test", "section", "title", "has", "evidence"),
}
HAS = {1.0: ("by itself", Verdict.PASS), 0.5: ("by hand", Verdict.WARN), 0.0: ("–", Verdict.SKIP)}


def is_score(findings: Findings) -> bool:
    """Return whether findings are a score of a repository, and nothing else."""
    return bool(findings.outcomes) and all(outcome.family == FAMILY for outcome in findings.outcomes)


def score_page(findings: Findings) -> Page:
    """Return a score as a page; the four sections stand first, as bars of seven points."""
    sheets = sheets_of(findings)
    drawn = {name: sheet for name, sheet in sheets.items() if name in NEEDS and sheet.has(*NEEDS[name])}
    blocks: list[Block] = [
        Banner(findings.verdict, _sentence(findings), tally(findings), what="Tests"),
        *notes(findings),
    ]
    if SECTIONS in drawn:
        blocks += _sections(drawn[SECTIONS])
    if STEPS in drawn:
        blocks += [Heading("Next steps, the most valuable first"), *_steps(drawn[STEPS])]
    blocks += _rubric(drawn[RUBRIC]) if RUBRIC in drawn else [_outcomes(findings)]
    blocks += [unfolded(sheet) for name, sheet in sheets.items() if sheet.rows and name not in drawn]
    blocks.append(provenance(findings))
    title = words.clean(f"ML Test Score of {findings.subject}", most=300)
    return Page(title, tuple(blocks), kind="score", context=context(findings), verdict=findings.verdict)


def _sentence(findings: Findings) -> str:
    total = next((outcome for outcome in findings.outcomes if outcome.subject == "score"), None)
    if total is None:
        return "Nothing was scored."
    said = sentence(total)
    expected = words.clean(total.expected, most=200)
    return f"{said} Expected: {expected}." if expected and total.why else said


def _outcomes(findings: Findings) -> Details:
    """Return what the tables would have shown, where they are not there."""
    columns = (Column("Verdict"), Column("Test"), Column("What was found"))
    rows = tuple((o.verdict, words.name(o.subject), words.cut(sentence(o), 300)) for o in findings.outcomes)
    return Details("Every outcome", (Table(columns, rows),), brief=words.plural(len(rows), "outcome"), open=True)


def _sections(sheet: Sheet) -> list[Block]:
    """Return the sections as bars; those that hold the score down warn."""
    least = min((_points(row, "points") for row in sheet.rows), default=0.0)
    bars = tuple(_bar(row, least) for row in sheet.rows)
    return [Bars("Points by section", bars, note="The score is the least of the four.", mark=least / OF)]


def _bar(row: Record, least: float) -> Bar:
    points = _points(row, "points")
    low = points == least and points < OF
    return Bar(row.text("section"), points / OF, f"{points:g} of {OF}", Verdict.WARN if low else Verdict.PASS)


def _points(row: Record, name: str, most: float = OF) -> float:
    """Return points as they can be: a file may say anything."""
    return min(max(row.number(name) or 0.0, 0.0), most)


def _steps(sheet: Sheet) -> list[Block]:
    columns = (Column("Test"), Column("Gain", number=True), Column("What to do"))
    rows = tuple(
        (
            (f"{row.text('test')} {row.text('title')}"),
            f"+{row.number('gain') or 0.0:g}",
            Code(row.text("step", most=300)),
        )
        for row in sheet.rows
    )
    return [Table(columns, rows)]


def _rubric(sheet: Sheet) -> list[Block]:
    blocks: list[Block] = []
    killed = any(row.number("kills") is not None for row in sheet.rows)
    columns = (
        Column("Test"), Column("Has it"), Column("Passes"), *([Column("Faults caught", number=True)] if killed else []),
        Column("Evidence"),
    )  # fmt: skip
    for section, rows in sheet.groups("section").items():
        blocks.append(Heading(section[0] or "No section"))
        blocks.append(Table(columns, tuple(_row(row, killed=killed) for row in rows)))
    blocks.append(Text(sheet.note, quiet=True))
    return blocks


def _row(row: Record, *, killed: bool) -> tuple[Cell, ...]:
    points = _points(row, "has", 1.0)
    said, verdict = HAS.get(points, ("", Verdict.SKIP))
    return (
        f"{row.text('test')} {row.text('title')}",
        Share(points, f"{points:g} {said}".strip() if points else said, verdict),
        row.text("passes") or "not known",
        *([row.number("kills")] if killed else []),
        row.text("evidence", most=300),
    )
