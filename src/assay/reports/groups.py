"""Parts of the rows beside the whole: slices, and groups of people."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from assay.reports import words
from assay.reports.cases import Case
from assay.reports.evidence import p_text
from assay.reports.exhibits import Record, Sheet, code, label_of, reach, shown
from assay.reports.page import Block, Cell, Code, Column, Details, Grid, Table, Text
from assay.reports.pictures import Interval, Intervals
from assay.verdict import Verdict

__all__ = ["fairness_blocks", "slice_blocks"]

MOST = 20  # slices in one picture; there are two
NAMED = 60
MEASURES = 6  # pictures of groups that stand open; the others are folded
FOLDED = 24
GROUPS = 12
ENDS = 36  # characters of the names of two groups that stand beside their gap
ROWS = 150
# Slices ---------------------------------------------------------------------------------------------------------------


def slice_blocks(case: Case) -> list[Block]:
    """Return the worst slices beside the whole, those asked for and those found apart, then all of them in tables."""
    sheets = [sheet for name in ("slices", "slices_found") if (sheet := case.sheet(name)) is not None]
    every = [row for sheet in sheets for row in sheet.rows]
    blocks: list[Block] = []
    tables: list[Block] = []
    parts = (("asked", "Slices that were asked for"), ("found", "Slices that the search found"), ("", "Slices"))
    for how, title in parts:
        rows = [row for row in every if _how(row) == how]
        blocks += _forests(case, rows, title)
        if rows:
            tables.append(
                Details(f"{title}, in numbers", (_slice_table(rows),), brief=words.plural(len(rows), "slice"))
            )
    search = case.sheet("slice_search")
    if search is not None and not any(_how(row) == "found" for row in every):
        blocks.append(
            Text(
                f"The search judged {words.plural(len(search.rows), 'slice')} and found none surely worse.", quiet=True
            )
        )
    tables += [Details(search.title, (_search_table(search),), brief=search.note)] if search is not None else []
    return [*blocks, *tables, *(Text(sheet.note, quiet=True) for sheet in sheets if sheet.note)]


def _search_table(sheet: Sheet) -> Table:
    """Return what the search came upon: how much worse on the half that chose it, and on the half that judged it."""
    columns = (
        Column("Slice"), Column("Worse, where it was chosen", number=True), Column("Worse, where it was judged"),
        Column("Rows judged", number=True), Column("Adjusted p", number=True), Column("Within", spare=True),
    )  # fmt: skip
    rows = tuple(
        (
            Code(words.cut(words.name(str(row["slice"])), 120)), row.number("discovered"), reach(row, ("held", "held_low", "held_high")),
            row.number("n_held"), p_text(row.number("adjusted")), row.text("within", most=120),
        )
        for row in sheet.rows[:ROWS]
    )  # fmt: skip
    return Table(columns, rows, more=max(0, len(sheet.rows) - ROWS))


def _how(row: Record) -> str:
    how = row.text("how") if "how" in row else ""
    return how if how in ("asked", "found") else ""


def _forests(case: Case, rows: Sequence[Record], title: str) -> list[Block]:
    """Return a picture of the worst slices in the leading metric, and which slices have too few rows to tell."""
    metrics = list(dict.fromkeys(str(row["metric"]) for row in rows))
    if not metrics:
        return []
    metric = case.lead if case.lead in metrics else metrics[0]
    of = [row for row in rows if str(row["metric"]) == metric]
    known = sorted((row for row in of if row.number("value") is not None), key=_badness)
    few = [row for row in of if row.number("value") is None or row.verdict() is Verdict.INCONCLUSIVE]
    blocks: list[Block] = []
    if known:
        whole = case.whole(metric)
        name = words.cut(words.name(metric), 40)
        way = case.way(metric)
        blocks.append(
            Intervals(
                f"{title}: {name}" + (f" ({way})" if way else ""),
                tuple(_slice(row) for row in known[:MOST]),
                line=whole,
                lined=f"all rows {words.number(whole)}",
                more=max(0, len(known) - MOST),
            )
        )
    if few:
        names = words.listed([words.cut(words.name(str(row["slice"])), NAMED) for row in few], most=8)
        blocks.append(Text(f"Of {words.plural(len(few), 'slice')} the rows do not tell: {names}.", quiet=True))
    return blocks


def _rows(row: Record) -> str:
    n = row.number("n")
    return words.plural(int(n), "row") if n is not None else "no row"


def _badness(row: Record) -> tuple[int, float]:
    verdict = row.verdict()
    deficit = row.number("deficit")
    rank = verdict.rank if verdict in (Verdict.FAIL, Verdict.WARN) else 0
    return -rank, -deficit if deficit is not None else inf


def _slice(row: Record) -> Interval:
    parts = [reach(row), _rows(row)]
    share = row.number("share_of_errors") if "share_of_errors" in row else None
    parts += [f"{words.share(share)} of the errors"] if share is not None and 0 <= share <= 1 else []
    value, low, high = (row.number(name) for name in ("value", "low", "high"))
    return Interval(label_of(str(row["slice"])), value, low, high, ", ".join(parts), shown(row.verdict()))


def _slice_table(rows: Sequence[Record]) -> Table:
    columns = (
        Column("Verdict"), Column("Slice"), Column("Metric"), Column("Value and interval"), Column("Worse than the rest by"),
        Column("Rows", number=True), Column("Of all rows", number=True, spare=True), Column("Of the errors", number=True, spare=True),
        Column("Adjusted p", number=True, spare=True), Column("p", number=True, spare=True),
    )  # fmt: skip
    ordered = sorted(rows, key=_badness)
    cells = tuple(
        (
            row.verdict(), Code(words.cut(words.name(str(row["slice"])), 120)), code(str(row["metric"])), reach(row),
            _deficit(row), row.number("n"), _share(row, "share_of_rows"), _share(row, "share_of_errors"),
            p_text(row.number("adjusted")), p_text(row.number("p_value")),
        )
        for row in ordered[:ROWS]
    )  # fmt: skip
    return Table(columns, cells, more=max(0, len(rows) - ROWS))


def _deficit(row: Record) -> str | None:
    if row.number("deficit") is None:
        return None
    return reach(row, ("deficit", "deficit_low", "deficit_high"))


def _share(row: Record, name: str) -> str | None:
    share = row.number(name)
    return None if share is None else words.share(share)


# Groups ---------------------------------------------------------------------------------------------------------------


def fairness_blocks(case: Case) -> list[Block]:
    """Return each group in each measure, the gaps between groups beside what chance alone gives, and both in numbers."""
    groups, gaps = case.sheet("groups"), case.sheet("gaps")
    blocks: list[Block] = []
    if gaps is not None:
        blocks += _gap_forests(gaps)
    if groups is not None:
        blocks += _group_forests(groups, gaps)
    if gaps is not None:
        brief = words.plural(len(gaps.rows), "gap")
        blocks.append(Details("Gaps in numbers", (_gap_table(gaps),), brief=brief))
    if groups is not None:
        blocks.append(
            Details("Groups in numbers", (_group_table(groups),), brief=words.plural(len(groups.rows), "row"))
        )
    if (others := case.sheet("group_differences")) is not None:
        brief = words.plural(len(others.rows), "row")
        blocks.append(Details("Groups beside a reference, in numbers", (_difference_table(others),), brief=brief))
    notes = [Text(sheet.note, quiet=True) for sheet in (groups, gaps) if sheet is not None and sheet.note]
    return [*blocks, *notes]


def _gap_forests(gaps: Sheet) -> list[Block]:
    drawn: list[Block] = []
    kinds = (("difference", "Differences between the groups that are farthest apart", 0.0, "no difference"),
             ("ratio", "Ratios of the least group to the greatest", 1.0, "no difference"))  # fmt: skip
    for kind, title, line, lined in kinds:
        rows = [row for row in gaps.rows if row.text("kind") == kind and row.number("value") is not None]
        rows.sort(key=lambda row: (-_rank(row), -_beyond(row, kind)))
        if rows:
            lines = tuple(_gap(row, kind) for row in rows[:MOST])
            drawn.append(
                Intervals(
                    title,
                    lines,
                    line,
                    lined,
                    max(0, len(rows) - MOST),
                    note="Shaded is what groups without any difference show by chance in 95% of cases.",
                    asked="what chance alone gives",
                )
            )
    return drawn


def _rank(row: Record) -> int:
    """Return how bad the verdict of a row is; 0 where nothing was asked."""
    verdict = row.verdict()
    return verdict.rank if verdict is not None else 0


def _beyond(row: Record, kind: str) -> float:
    """Return by how much a gap is greater than chance lets expect."""
    value, chance = row.number("value") or 0.0, row.number("chance")
    if kind == "ratio":
        return (1.0 if chance is None else chance) - value
    return value - (chance or 0.0)


def _gap(row: Record, kind: str) -> Interval:
    chance = row.number("chance")
    ends = " to ".join(words.cut(row.text(name), 40) for name in ("worst", "best") if row.text(name))
    text = reach(row) + (f", {ends}" if " to " in ends and len(ends) <= ENDS else "")
    label = (code(str(row["measure"])), " of ", code(str(row["column"])))
    value, low, high = (row.number(name) for name in ("value", "low", "high"))
    bounds: tuple[float | None, float | None] = (None, None)
    if chance is not None:
        bounds = (0.0, chance) if kind == "difference" else (chance, 1.0)
    return Interval(label, value, low, high, text, shown(row.verdict()), *bounds)


def _group_forests(groups: Sheet, gaps: Sheet | None) -> list[Block]:
    """Return a picture of the groups for each measure of each column: those whose gaps were judged first."""
    pairs = {(key[0], key[1]): rows for key, rows in groups.groups("measure", "column").items()}
    judged: dict[tuple[str, str], int] = {}
    for row in gaps.rows if gaps is not None else ():
        key = (row.text("measure"), row.text("column"))
        judged[key] = max(judged.get(key, 0), _rank(row))
    order = sorted(pairs, key=lambda key: -judged.get(key, 0))
    pictures = [
        _group_forest(key, pairs[key]) for key in order if any(row.number("value") is not None for row in pairs[key])
    ]
    if not pictures:
        return []
    blocks: list[Block] = [Grid(tuple(pictures[:MEASURES]))]
    rest = pictures[MEASURES : MEASURES + FOLDED]
    if rest:
        left = len(pictures) - MEASURES - len(rest)
        more = (Text(f"And {left:,} more, in the table below.", quiet=True),) if left else ()
        blocks.append(Details(f"{words.plural(len(rest), 'more picture')} of groups", (Grid(tuple(rest)), *more)))
    return blocks


def _group_forest(key: tuple[str, str], rows: Sequence[Record]) -> Intervals:
    measure, column = key
    lines = []
    for row in sorted(rows, key=lambda row: -(row.number("n") or 0.0))[:GROUPS]:
        value, low, high = (row.number(name) for name in ("value", "low", "high"))
        # The title names the column already.
        group = (
            str(row["group"]).removeprefix(f"{row['column']} = ")
            if " AND " not in str(row["group"])
            else str(row["group"])
        )
        lines.append(Interval(label_of(group), value, low, high, f"{reach(row)}, n {words.number(row.number('n'))}"))
    title = f"{words.cut(measure, 40)} by {words.cut(words.name(column), 40)}"
    return Intervals(title, tuple(lines), more=max(0, len(rows) - GROUPS))


def _gap_table(gaps: Sheet) -> Table:
    columns = (
        Column("Verdict"), Column("Column"), Column("Measure"), Column("Gap"), Column("Value and interval"),
        Column("By chance", number=True), Column("Worst", spare=True), Column("Best", spare=True),
    )  # fmt: skip
    rows = tuple(
        (
            row.verdict(), code(str(row["column"])), code(str(row["measure"])), row.text("kind"),
            reach(row) if row.number("value") is not None else None, row.number("chance"), row.text("worst"), row.text("best"),
        )
        for row in gaps.rows[:ROWS]
    )  # fmt: skip
    return Table(columns, rows, more=max(0, len(gaps.rows) - ROWS))


def _group_table(groups: Sheet) -> Table:
    columns = (
        Column("Column"), Column("Group"), Column("Measure"), Column("Value and interval"), Column("Rows", number=True),
        Column("Positives", number=True, spare=True),
    )  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            code(str(row["column"])), code(str(row["group"])), code(str(row["measure"])),
            reach(row) if row.number("value") is not None else None, row.number("n"), row.number("positives"),
        )
        for row in groups.rows[:ROWS]
    )  # fmt: skip
    return Table(columns, rows, more=max(0, len(groups.rows) - ROWS))


def _difference_table(sheet: Sheet) -> Table:
    columns = (
        Column("Column"), Column("Measure"), Column("Group"), Column("Beside"), Column("Difference"), Column("Ratio", spare=True),
        Column("Adjusted p", number=True, spare=True),
    )  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            code(str(row["column"])), code(str(row["measure"])), code(str(row["group"])), code(str(row["reference"])),
            reach(row, ("difference", "low", "high")), reach(row, ("ratio", "ratio_low", "ratio_high")) if row.number("ratio") else None,
            p_text(row.number("adjusted")),
        )
        for row in sheet.rows[:ROWS]
    )  # fmt: skip
    return Table(columns, rows, more=max(0, len(sheet.rows) - ROWS))
