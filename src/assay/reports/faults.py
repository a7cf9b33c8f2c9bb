"""Findings about faults as a page: which faults were noticed, at which severity and by what; what survived, and its remedy."""

from __future__ import annotations

from collections.abc import Sequence

from assay.reports import words
from assay.reports.cases import Case
from assay.reports.exhibits import Record, Sheet, code, plain_table, unfolded
from assay.reports.origin import context, notes, provenance
from assay.reports.page import (
    Banner,
    Block,
    Cell,
    Code,
    Column,
    Details,
    Heading,
    Page,
    Part,
    StackedShare,
    Table,
    Text,
)
from assay.reports.pictures import Interval, Intervals
from assay.reports.signs import tally
from assay.verdict import Findings, Verdict

__all__ = ["faults_page", "is_faults"]

FAMILY = "faults"
CAUGHT, SOME, NONE = "●", "◐", "○"
ENOUGH = 0.8
ROWS = 60
CHECKS = 30
NAME_CHARS = 30
# How what became of a fault is coloured, in the order in which the parts of the whole stand.
COLOURS: dict[str, Verdict] = {
    "assertion": Verdict.PASS, "contract": Verdict.PASS, "check": Verdict.PASS, "flaky": Verdict.WARN, "warning": Verdict.WARN,
    "crash": Verdict.ERROR, "survived": Verdict.FAIL, "harmless": Verdict.SKIP, "no effect": Verdict.SKIP,
    "not applicable": Verdict.SKIP, "injection failed": Verdict.SKIP, "not run": Verdict.SKIP,
}  # fmt: skip
BECAME = {
    "assertion": "caught by an assertion", "contract": "caught by a contract", "check": "caught by a check",
    "flaky": "caught now and then", "warning": "only warned of", "crash": "crashed", "survived": "survived",
    "harmless": "survived, no harm",
}  # fmt: skip
# The tables that the page draws, and the columns without which each is shown as a plain table.
NEEDS: dict[str, tuple[str, ...]] = {
    "faults": ("operator", "column", "layer", "caught"),
    "fault_attempts": ("operator", "column", "severity", "share"),
    "fault_layers": ("layer", "value"),
    "fault_killers": ("check", "kills"),
    "fault_clean": ("run", "outcome"),
}
SURVIVORS = ("survived", "warning", "crash", "flaky")


def is_faults(findings: Findings) -> bool:
    """Return whether findings are of faults that were injected, and of nothing else."""
    return bool(findings.outcomes) and all(outcome.family == FAMILY for outcome in findings.outcomes)


def faults_page(findings: Findings) -> Page:
    """Return findings about faults as a page; the picture of what was noticed stands first."""
    case = Case(findings)
    blocks: list[Block] = [
        Banner(findings.verdict, _summary(case), tally(findings), what="Judgements"),
        *notes(findings),
    ]
    parts = (
        ("What was noticed", _noticed),
        ("What survived, and what would have caught it", _survivors),
        ("Score by layer", _layers),
        ("Tests and checks", _killers),
        ("Runs without a fault", _clean),
    )
    for title, draw in parts:
        drawn = draw(case)
        blocks += [Heading(title), *drawn] if drawn else []
    drawn_whole = {name for name in NEEDS if name != "fault_attempts" and _sheet(case, name) is not None}
    blocks += [unfolded(sheet) for name, sheet in case.sheets.items() if sheet.rows and name not in drawn_whole]
    blocks.append(provenance(findings))
    title = words.clean(findings.subject, most=300)
    return Page(title, tuple(blocks), kind="faults", context=context(findings), verdict=findings.verdict)


def _sheet(case: Case, name: str) -> Sheet | None:
    """Return a table that can be drawn; None where it is not there, or lacks rows or a column."""
    sheet = case.sheets.get(name)
    return sheet if sheet is not None and sheet.has(*NEEDS[name]) else None


def _summary(case: Case) -> str:
    said = [o for check in ("faults_caught", "clean_runs") for o in case.outcomes(check) if o.why]
    told = [words.clean(one.why) for one in said]
    return " ".join(f"{why[0].upper()}{why[1:]}." for why in told) or "Nothing was judged."


# What was noticed -----------------------------------------------------------------------------------------------------


def _noticed(case: Case) -> list[Block]:
    sheet = _sheet(case, "faults")
    if sheet is None:
        return []
    counted: dict[str, int] = {}
    for row in sheet.rows:
        counted[row.text("caught")] = counted.get(row.text("caught"), 0) + 1
    order = [*(kind for kind in COLOURS if kind in counted), *(kind for kind in counted if kind not in COLOURS)]
    parts = tuple(
        Part(BECAME.get(kind, kind), float(counted[kind]), str(counted[kind]), COLOURS.get(kind)) for kind in order
    )
    whole = StackedShare(f"{words.plural(len(sheet.rows), 'fault')}: operators on columns", parts)
    ladder = _sheet(case, "fault_attempts")
    return [whole, *([_grid(sheet, ladder)] if ladder is not None else [])]


def _grid(sheet: Sheet, ladder: Sheet) -> Table:
    """Return one row a fault: its severities from the mildest on, and how each fared."""
    rungs = ladder.groups("operator", "column", "source")
    columns = (Column("Fault"), Column("Severities, the mildest first"), Column("Caught by"))
    rows = tuple(
        (_named(row), _rungs(rungs.get((row.text("operator"), row.text("column"), row.text("source")), [])), _by(row))
        for row in sheet.rows[:ROWS]
    )
    legend = f"{CAUGHT} caught in at least 80 % of the seeds, {SOME} in some, {NONE} in none."
    return Table(columns, rows, caption=legend, more=max(0, len(sheet.rows) - ROWS))


def _rungs(cells: Sequence[Record]) -> str:
    return "  ".join(f"{words.number(cell.number('severity'))}\N{NO-BREAK SPACE}{_mark(cell)}" for cell in cells)


def _mark(cell: Record) -> str:
    share = cell.number("share")
    if share is None or not 0 <= share <= 1:
        return "–"
    return CAUGHT if share >= ENOUGH else SOME if share else NONE


def _named(row: Record) -> Code:
    where = ", ".join(part for part in (row.text("column"), row.text("source")) if part)
    return code(f"{row.text('operator')}({where})" if where else row.text("operator"))


def _by(row: Record) -> str:
    """Return who caught a fault, in short: the suite, or the test's own name; or what became of it."""
    by = [part for part in row.text("by", most=400).split("; ") if part]
    if not by:
        return BECAME.get(row.text("caught"), row.text("caught"))
    who = list(dict.fromkeys(part.partition(": ")[0].rpartition("::")[2] for part in by))
    return words.cut(who[0], NAME_CHARS) + (f" and {len(who) - 1} more" if len(who) > 1 else "")


# What survived --------------------------------------------------------------------------------------------------------


def _survivors(case: Case) -> list[Block]:
    sheet = _sheet(case, "faults")
    rows = [row for row in sheet.rows if row.text("caught") in SURVIVORS] if sheet is not None else []
    if not rows:
        return []
    rows.sort(key=lambda row: -(row.number("harm") if row.number("harm") is not None else float("inf")))  # type: ignore[operator]
    harmful = any(row.number("harm") is not None for row in rows)
    columns = (
        Column("Fault"), Column("What it is"), Column("What became of it"), *([Column("Model is worse by")] if harmful else []),
        Column("Caught from"), Column("By this check"),
    )  # fmt: skip
    table = tuple(
        (
            _named(row), row.text("title"), BECAME.get(row.text("caught"), row.text("caught")), *([_harm(row)] if harmful else []),
            row.number("advised"), _remedy(row),
        )
        for row in rows[:ROWS]
    )  # fmt: skip
    said = "Each check was seen to pass the runs without a fault, and to catch this fault from that severity on."
    return [Table(columns, table, more=max(0, len(rows) - ROWS)), Text(said, quiet=True)]


def _remedy(row: Record) -> Cell:
    """Return the check that catches a survivor; where none that was tried does, what can in general."""
    if row.text("advice"):
        return Code(row.text("advice", most=400))
    can = row.text("caught_by", most=200)
    return f"none that was tried; what can: {can}" if can else "none that was tried"


def _harm(row: Record) -> str:
    value, low, high = (row.number(name) for name in ("harm", "harm_low", "harm_high"))
    if value is None:
        return "not known"
    ends = f" [{words.number(low)}, {words.number(high)}]" if low is not None and high is not None else ""
    return words.number(value) + ends


# The rest -------------------------------------------------------------------------------------------------------------


def _layers(case: Case) -> list[Block]:
    sheet = _sheet(case, "fault_layers")
    if sheet is None:
        return []
    lines = tuple(
        Interval(
            row.text("layer"), row.number("value"), row.number("low"), row.number("high"),
            f"{_share(row.number('value'))} of {words.plural(int(row.number('n') or 0), 'fault')}{_promise(row)}",
        )
        for row in sheet.rows
    )  # fmt: skip
    return [Intervals("Share of the faults that were caught", lines, note=sheet.note)]


def _share(value: float | None) -> str:
    return words.share(value) if value is not None else "undefined"


def _promise(row: Record) -> str:
    now, then = row.number("value"), row.number("promised")
    return f", {words.share(then)} with the checks above" if then is not None and now is not None and then > now else ""


def _killers(case: Case) -> list[Block]:
    sheet = _sheet(case, "fault_killers")
    if sheet is None:
        return []
    working = [row for row in sheet.rows if row.number("kills") or row.number("alarms")]
    idle = [row.text("check", most=200) for row in sheet.rows if not row.number("kills")]
    columns = (
        Column("Test or check"), Column("Faults caught", number=True), Column("That nothing else catches", number=True),
        Column("Alarms in clean runs", number=True),
    )  # fmt: skip
    rows = tuple(
        (code(row.text("check", most=200)), row.number("kills"), row.number("unique"), row.number("alarms"))
        for row in working[:CHECKS]
    )
    blocks: list[Block] = [Table(columns, rows, more=max(0, len(working) - CHECKS))] if rows else []
    if idle:
        brief = words.plural(len(idle), "test or check", "tests and checks")
        blocks.append(Details("Caught nothing", (Text(words.listed(idle, most=CHECKS)),), brief=brief))
    return blocks


def _clean(case: Case) -> list[Block]:
    sheet = _sheet(case, "fault_clean")
    if sheet is None:
        return []
    loud = [row for row in sheet.rows if row.text("outcome") != "green"]
    if not loud:
        return [Text(f"All {words.plural(len(sheet.rows), 'run')} without a fault passed.")]
    said = Text(f"{words.plural(len(loud), 'run')} of {len(sheet.rows):,} without a fault did not pass in silence.")
    shown = plain_table(sheet, names=("run", "outcome", "by", "why"))
    return [said, Details("Each run", (shown,), open=len(sheet.rows) <= 20)]
