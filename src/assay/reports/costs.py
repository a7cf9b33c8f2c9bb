"""What a model costs to run, and how often its labelled set was looked at."""

from __future__ import annotations

from assay.reports import words
from assay.reports.cases import Case
from assay.reports.exhibits import Record, plain_table, reach, shown
from assay.reports.page import Block, Cell, Column, Table, Text

__all__ = ["amount_text", "cost_blocks", "ledger_blocks"]

_BYTES = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def cost_blocks(case: Case) -> list[Block]:
    """Return latency, size and memory, each with its interval, and against its bound where there is one."""
    sheet = case.sheet("cost")
    if sheet is None:
        return []
    judged = {outcome.subject: outcome for outcome in case.outcomes("cost")}
    bounded = any(outcome.expected for outcome in judged.values())
    columns = (
        *([Column("Verdict")] if bounded else []), Column("Measure"), Column("Value and interval"), *([Column("Bound")] if bounded else []),
    )  # fmt: skip
    rows = []
    for row in sheet.rows[:100]:
        one = judged.get(str(row["measure"]))
        cells: list[Cell] = [shown(one.verdict) if one is not None else None] if bounded else []
        cells += [row.text("measure"), amount_text(row)]
        cells += [words.clean(one.expected) if one is not None else ""] if bounded else []
        rows.append(tuple(cells))
    return [Table(columns, tuple(rows)), *([Text(sheet.note, quiet=True)] if sheet.note else [])]


def amount_text(row: Record) -> str | None:
    """Return what one measure of cost came to, with its interval and its unit; None where it is not known."""
    unit = row.text("unit") if "unit" in row else ""
    value = row.number("value")
    if value is None:
        return None
    if unit in ("B", "bytes"):
        return bytes_text(value)
    return reach(row, unit=unit)


def bytes_text(size: float) -> str:
    """Return a number of bytes as people say it.

    >>> bytes_text(512), bytes_text(3 * 2**20 + 2**19)
    ('512 bytes', '3.5 MiB')
    """
    for unit, step in _BYTES:
        if size >= step:
            return f"{words.number(round(size / step, 1))} {unit}"
    return f"{words.number(size)} bytes"


def ledger_blocks(case: Case) -> list[Block]:
    """Return every evaluation against the same labelled set that is known of."""
    sheet = case.sheet("ledger")
    if sheet is None:
        return []
    found = plain_table(sheet, titles={"at": "When", "use": "Use", "subject": "Dataset"})
    at = sheet.columns.index("at")
    rows = tuple(
        tuple(words.instant(cell) if i == at and isinstance(cell, str) else cell for i, cell in enumerate(row))
        for row in found.rows
    )
    said = [Text(words.sentence_case(words.clean(o.why)), quiet=True) for o in case.outcomes("ledger") if o.why]
    return [
        *said,
        Table(found.columns, rows, found.caption, found.more),
        *([Text(sheet.note, quiet=True)] if sheet.note else []),
    ]
