"""From findings of a challenge to a page: who wins and why, by how much in which metric, for whom, and at what cost."""

from __future__ import annotations

from collections.abc import Sequence

from assay.reports import words
from assay.reports.cases import Case
from assay.reports.costs import amount_text
from assay.reports.evaluation import SECTIONS, attention, judged_text, limits, spared
from assay.reports.evidence import p_text
from assay.reports.exhibits import Record, Sheet, code, label_of, reach, shown
from assay.reports.origin import context, notes, provenance
from assay.reports.page import (
    Banner,
    Block,
    Cell,
    Column,
    Details,
    Heading,
    Line,
    Page,
    Part,
    StackedShare,
    Table,
    Text,
)
from assay.reports.pictures import Interval, Intervals
from assay.reports.signs import tally
from assay.verdict import Findings, Verdict

__all__ = ["challenge_page", "is_challenge"]

CHECK = "challenge"
NAME = "challenger_name"
CHALLENGERS = 6
MODELS = 6
MOST = 20
ROWS = 200
FLIPS = 60
_ENDS = ("difference", "low", "high")


def is_challenge(findings: Findings) -> bool:
    """Return whether findings are of a challenge: a champion and a challenger on the same rows."""
    return any(o.check == CHECK for o in findings.outcomes) and all(o.family == "evaluation" for o in findings.outcomes)


def challenge_page(findings: Findings) -> Page:
    """Return findings of a challenge as a page."""
    case = Case(findings)
    blocks: list[Block] = [
        Banner(findings.verdict, _summary(case), tally(findings), what="Judgements"),
        *notes(findings),
    ]
    blocks += attention(case)
    parts = (
        ("Challenger against champion", _differences),
        ("Cost beside lift", _costs),
        ("Flips", _flips),
        ("Slices", _slices),
    )
    for title, draw in parts:
        drawn = draw(case)
        blocks += [Heading(title), *drawn] if drawn else []
    for section in SECTIONS:
        drawn = section.blocks(case)
        blocks += [Heading(section.title), *drawn] if drawn else []
    blocks += limits(case)
    blocks = [*spared(blocks), provenance(findings)]
    title = words.clean(findings.subject, most=300)
    return Page(title, tuple(blocks), kind="challenge", context=context(findings), verdict=findings.verdict)


def _summary(case: Case) -> str:
    names = [name for name, _ in _challengers(case.sheet("challenge"))]
    decided = [o for name in names if (o := case.outcome(CHECK, name)) is not None and o.verdict is not Verdict.SKIP]
    decided = decided or [o for o in case.outcomes(CHECK) if o.verdict is not Verdict.SKIP and o.why][:1]
    if not decided:
        return judged_text(case)
    of = f" (the best of {len(names):,} challengers)" if len(names) > 1 else ""
    return " ".join(f"{words.cut(words.name(o.subject), 60)}{of}: {words.clean(o.why)}." for o in decided)


def _challengers(sheet: Sheet | None) -> list[tuple[str, list[Record]]]:
    """Return the rows of each challenger; where none is named, all rows are of one."""
    if sheet is None:
        return []
    found: dict[str, list[Record]] = {}
    for row in sheet.rows:
        found.setdefault(str(row.get(NAME) or "challenger"), []).append(row)
    return list(found.items())


def _after(name: str, challengers: Sequence[object]) -> str:
    """Return what is added to a title, so that it says of which challenger it is; nothing where there is one."""
    return f": {words.cut(words.name(name), 60)}" if len(challengers) > 1 else ""


# Differences ----------------------------------------------------------------------------------------------------------


def _differences(case: Case) -> list[Block]:
    """Return the difference of each metric with its interval, of each challenger; and both values in a table."""
    sheet = case.sheet("challenge")
    if sheet is None:
        return []
    blocks: list[Block] = []
    challengers = _challengers(sheet)
    for name, rows in challengers[:CHALLENGERS]:
        title = f"Challenger less champion{_after(name, challengers)}"
        shared = [row for row in rows if _is_share(row)]
        for part, unit in [(shared, ""), *(([row], f", {row.text('metric')}") for row in rows if not _is_share(row))]:
            lines = tuple(_line(row, _metric(row)) for row in part[:MOST])
            more = max(0, len(part) - MOST)
            blocks += [Intervals(title + unit, lines, line=0.0, lined="no difference", more=more)] if lines else []
    return [*blocks, _table(sheet, "metric"), *([Text(sheet.note, quiet=True)] if sheet.note else [])]


def _metric(row: Record) -> Line:
    """Return the name of a metric, and which way it gets better where that is told."""
    arrow = {"higher": " ↑", "lower": " ↓"}.get(row.text("better"), "")
    return (code(str(row["metric"])), *([arrow] if arrow else []))


def _is_share(row: Record) -> bool:
    """Return whether both values lie between 0 and 1, so that differences of several metrics fit one scale."""
    ends = [row.number(name) for name in ("champion", "challenger")]
    return all(end is not None and 0 <= end <= 1 for end in ends)


def _line(row: Record, label: Line) -> Interval:
    value, low, high = (row.number(name) for name in _ENDS)
    champion, challenger = (words.number(row.number(name)) for name in ("champion", "challenger"))
    n = row.number("n")
    beside = f", {words.plural(int(n), 'row')}" if n is not None else ""
    return Interval(
        label, value, low, high, f"{reach(row, _ENDS)} ({champion} → {challenger}){beside}", shown(row.verdict())
    )


def _table(sheet: Sheet, subject: str) -> Table:
    named = len(_challengers(sheet)) > 1
    counted = "n" in sheet.columns
    columns = (
        Column("Verdict"), *([Column("Challenger")] if named else []), Column(subject.capitalize()),
        *([Column("Metric")] if subject != "metric" else []), Column("Of the champion", number=True),
        Column("Of the challenger", number=True), Column("Difference and interval"), Column("Adjusted p", number=True, spare=True),
        Column("p", number=True, spare=True), *([Column("Rows", number=True, spare=True)] if counted else []),
    )  # fmt: skip
    rows = []
    for row in sheet.rows[:ROWS]:
        cells: list[Cell] = [
            shown(row.verdict()),
            *([code(str(row.get(NAME)))] if named else []),
            code(str(row[subject])),
        ]
        cells += [code(str(row["metric"]))] if subject != "metric" else []
        cells += [row.number("champion"), row.number("challenger"), reach(row, _ENDS)]
        cells += [p_text(row.number("adjusted")), p_text(row.number("p_value"))]
        cells += [row.number("n")] if counted else []
        rows.append(tuple(cells))
    return Table(columns, tuple(rows), more=max(0, len(sheet.rows) - ROWS))


# Cost -----------------------------------------------------------------------------------------------------------------


def _costs(case: Case) -> list[Block]:
    """Return what each model costs beside what it gains."""
    sheet = case.sheet("challenge_cost")
    if sheet is None:
        return []
    models = list(dict.fromkeys(str(row["model"]) for row in sheet.rows))
    measures = list(dict.fromkeys(str(row["measure"]) for row in sheet.rows))
    by_place = {(str(row["model"]), str(row["measure"])): row for row in sheet.rows}
    columns = (Column("What"), *(Column(words.cut(words.name(model), 60)) for model in models[:MODELS]))
    rows: list[tuple[Cell, ...]] = []
    if (gains := _gains(case, models[:MODELS])) is not None:
        rows.append(gains)
    for measure in measures[:MOST]:
        found = [by_place.get((model, measure)) for model in models[:MODELS]]
        rows.append((words.clean(measure, most=80), *(None if row is None else amount_text(row) for row in found)))
    return [
        Table(columns, tuple(rows), more=max(0, len(measures) - MOST)),
        *([Text(sheet.note, quiet=True)] if sheet.note else []),
    ]


def _gains(case: Case, models: Sequence[str]) -> tuple[Cell, ...] | None:
    """Return the row of what each model has in the leading metric, the challengers with their difference."""
    lead = case.lead
    of = {
        name: row for name, rows in _challengers(case.sheet("challenge")) for row in rows if str(row["metric"]) == lead
    }
    if not of:
        return None
    first = next(iter(of.values()))
    cells: list[Cell] = []
    for model in models:
        row = of.get(model)
        own = words.number(first.number("champion")) if row is None else words.number(row.number("challenger"))
        cells.append(own if row is None else f"{own}, difference {reach(row, _ENDS)}")
    return (words.cut(words.name(lead), 60), *cells)


# Flips ----------------------------------------------------------------------------------------------------------------

_SIDES = {
    (True, True): "both right",
    (False, True): "only the challenger right",
    (True, False): "only the champion right",
}
_FACES = {"only the challenger right": Verdict.PASS, "only the champion right": Verdict.FAIL}


def _flips(case: Case) -> list[Block]:
    """Return how many rows either model alone gets right, and what the one says where the other says something else."""
    sheet = case.sheet("flips")
    challengers = _challengers(sheet)
    blocks: list[Block] = []
    for name, rows in challengers[:CHALLENGERS]:
        blocks += _flips_of(rows, _after(name, challengers))
    return [*blocks, *([Text(sheet.note, quiet=True)] if sheet is not None and sheet.note else [])]


def _flips_of(rows: Sequence[Record], after: str) -> list[Block]:
    sides = dict.fromkeys((*_SIDES.values(), "both wrong"), 0.0)
    for row in rows:
        right = (row["champion"] == row["label"], row["challenger"] == row["label"])
        sides[_SIDES.get(right, "both wrong")] += row.number("count") or 0.0
    whole = sum(sides.values())
    flipped = [row for row in rows if row["champion"] != row["challenger"]]
    flipped.sort(key=lambda row: -(row.number("count") or 0.0))
    title = ("Rows by which model is right" if len(flipped) < len(rows) else "Rows that change") + after
    parts = tuple(
        Part(name, n, f"{words.number(n)} ({words.share(n / whole)})", _FACES.get(name))
        for name, n in sides.items()
        if n > 0
    )
    columns = (
        Column("Label"), Column("Champion says"), Column("Challenger says"), Column("Rows", number=True), Column("Share", number=True),
    )  # fmt: skip
    cells = tuple(
        (
            code(str(row["label"])), code(str(row["champion"])), code(str(row["challenger"])), row.number("count"),
            None if (share := row.number("share")) is None else words.share(share),
        )
        for row in flipped[:FLIPS]
    )  # fmt: skip
    table = Table(columns, cells, caption="Where the two differ", more=max(0, len(flipped) - FLIPS))
    return [*([StackedShare(title, parts)] if parts else []), *([table] if cells else [])]


# Slices ---------------------------------------------------------------------------------------------------------------


def _slices(case: Case) -> list[Block]:
    """Return the change within each slice, the worst first, and all of them in a table."""
    sheet = case.sheet("slice_changes")
    if sheet is None:
        return []
    blocks: list[Block] = []
    challengers = _challengers(sheet)
    for name, rows in challengers[:CHALLENGERS]:
        metrics = list(dict.fromkeys(str(row["metric"]) for row in rows))
        metric = case.lead if case.lead in metrics else metrics[0]
        # Each challenger's slices come in the order of their change, the worst first; a verdict goes before it.
        known = [row for row in rows if str(row["metric"]) == metric and row.number("difference") is not None]
        known.sort(key=lambda row: -(verdict.rank if (verdict := row.verdict()) in (Verdict.FAIL, Verdict.WARN) else 0))
        lines = tuple(_line(row, label_of(str(row["slice"]))) for row in known[:MOST])
        title = f"Challenger less champion within each slice, {words.cut(words.name(metric), 40)}{_after(name, challengers)}"
        more = max(0, len(known) - MOST)
        blocks += [Intervals(title, lines, line=0.0, lined="no difference", more=more)] if lines else []
    table = Details("Slices in numbers", (_table(sheet, "slice"),), brief=words.plural(len(sheet.rows), "row"))
    return [*blocks, table, *([Text(sheet.note, quiet=True)] if sheet.note else [])]
