"""The metrics of a model with their intervals, and by how much it beats each baseline."""

from __future__ import annotations

from assay.reports import words
from assay.reports.accepted import accepted, range_of
from assay.reports.cases import Case
from assay.reports.exhibits import Record, code, figure, reach, shown
from assay.reports.page import Block, Cell, Column, Details, Table, Text
from assay.reports.pictures import Interval, Intervals
from assay.verdict import Outcome

__all__ = ["baseline_blocks", "best_baseline", "metric_blocks"]

MOST = 40
_METHODS = {"wilson": "Wilson", "delong": "DeLong", "bca": "bootstrap (BCa)", "percentile": "bootstrap (percentile)"}


def metric_blocks(case: Case) -> list[Block]:
    """Return the metrics: those between 0 and 1 on one scale, others against their bounds, and all of them in a table."""
    sheet = case.sheet("metrics")
    if sheet is None:
        return []
    shared: list[tuple[Record, Outcome | None]] = []
    apart: list[tuple[Record, Outcome | None]] = []
    for row in sheet.rows:
        judged = case.outcome("metric", str(row["metric"]))
        ends = [end for name in ("value", "low", "high") if (end := row.number(name)) is not None]
        (shared if ends and all(0 <= end <= 1 for end in ends) else apart).append((row, judged))
    blocks: list[Block] = []
    if shared:
        rows = tuple(_interval(case, row, judged) for row, judged in shared[:MOST])
        blocks.append(Intervals("Metrics between 0 and 1", rows, more=max(0, len(shared) - MOST)))
    bars = [(row, bar) for row, judged in apart if judged is not None and (bar := range_of(judged)) is not None]
    for row, bar in bars:
        bound = f"accepted {bar.text.partition('accepted ')[2]}"
        text = f"{row.text('metric')} {reach(row)}, {bound}"
        blocks.append(type(bar)("", bar.value, bar.low, bar.high, bar.at_least, bar.at_most, text, bar.verdict))
    blocks.append(_table(case, sheet.rows))
    blocks += [Text(sheet.note, quiet=True)] if sheet.note else []
    return blocks


def _interval(case: Case, row: Record, judged: Outcome | None) -> Interval:
    bound = accepted(judged.expected) if judged is not None else None
    low, high = bound if bound is not None else (None, None)
    asked = words.clean(judged.expected) if judged is not None else ""
    ends = reach(row, beside=asked)
    text = f"{ends}, {asked}" if asked else ends
    verdict = shown(judged.verdict) if judged is not None else None
    label = (
        (code(str(row["metric"])), f" {way}")
        if (way := _arrow(case, str(row["metric"])))
        else (code(str(row["metric"])),)
    )
    return Interval(label, row.number("value"), row.number("low"), row.number("high"), text, verdict, low, high)


def _arrow(case: Case, metric: str) -> str:
    return {"higher": "↑", "lower": "↓"}.get(case.better.get(metric, ""), "")


def _table(case: Case, rows: tuple[Record, ...]) -> Table:
    judged = [case.outcome("metric", str(row["metric"])) for row in rows]
    bounded = any(one is not None and one.expected for one in judged)
    columns = (
        *([Column("Verdict")] if bounded else []), Column("Metric"), Column("What it is"), Column("Value", number=True),
        Column("Interval"), *([Column("Bound")] if bounded else []), Column("Better", spare=True),
        Column("Rows", number=True, spare=True), Column("Interval by", spare=True),
    )  # fmt: skip
    found = []
    for row, one in zip(rows, judged, strict=True):
        cells: list[Cell] = [shown(one.verdict) if one is not None else None] if bounded else []
        value, low, high = row.number("value"), row.number("low"), row.number("high")
        text, _, interval = figure(value, low, high).partition(" [")
        why = row.text("why", most=200)
        cells += [code(str(row["metric"])), row.text("title", most=200), text if value is not None else None]
        cells += [f"[{interval}" if interval else why or None]
        cells += [words.clean(one.expected) if one is not None else ""] if bounded else []
        method = row.text("method")
        cells += [row.text("better"), row.number("n"), _METHODS.get(method, method)]
        found.append(tuple(cells))
    return Table(columns, tuple(found))


# Baselines -----------------------------------------------------------------------------------------------------------

_LIFTS = ("lift", "lift_low", "lift_high")


def baseline_blocks(case: Case) -> list[Block]:
    """Return the lifts of the leading metric over each baseline, and those of all metrics in a table."""
    sheet = case.sheet("baselines")
    if sheet is None:
        return []
    metrics = list(dict.fromkeys(str(row["metric"]) for row in sheet.rows))
    lead = case.lead if case.lead in metrics else metrics[0]
    rows = [row for row in sheet.rows if row["metric"] == lead]
    shown = tuple(_lift(case, row) for row in rows[:MOST])
    name = words.cut(words.name(lead), 60)
    picture = Intervals(
        f"By how much {name} beats each baseline",
        shown,
        line=0.0,
        lined="no better",
        more=max(0, len(rows) - MOST),
        note=sheet.note,
    )
    columns = (
        Column("Metric"), Column("Baseline"), Column("Of the baseline", number=True), Column("Of the model", number=True),
        Column("Lift", number=True), Column("Interval of the lift"),
    )  # fmt: skip
    table = Table(columns, tuple(_row(case, row) for row in sheet.rows[:400]), more=max(0, len(sheet.rows) - 400))
    brief = f"{words.plural(len(metrics), 'metric')} beside {words.plural(len({row.text('baseline') for row in sheet.rows}), 'baseline')}"
    return [picture, Details("Every metric beside every baseline", (table,), brief=brief)]


def _lift(case: Case, row: Record) -> Interval:
    judged = case.outcome("baseline", f"{row['metric']} over {row['baseline']}")
    verdict = shown(judged.verdict) if judged is not None else None
    value, low, high = (row.number(name) for name in _LIFTS)
    text = f"{reach(row, _LIFTS)}; the baseline has {words.number(row.number('value'))}"
    return Interval((code(str(row["baseline"])),), value, low, high, text, verdict)


def _row(case: Case, row: Record) -> tuple[Cell, ...]:
    lift, _, interval = reach(row, _LIFTS).partition(" [")
    own = case.whole(str(row["metric"]))
    return (
        code(str(row["metric"])),
        code(str(row["baseline"])),
        row.number("value"),
        own,
        lift,
        f"[{interval}" if interval else None,
    )


def best_baseline(case: Case) -> tuple[str, Record] | None:
    """Return the baseline that the leading metric beats by least, with its row; None where there is none."""
    sheet = case.sheet("baselines")
    rows = [row for row in sheet.rows if row["metric"] == case.lead and row.number("lift") is not None] if sheet else []
    if not rows:
        return None
    least = min(rows, key=lambda row: row.number("lift") or 0.0)
    return str(least["baseline"]), least
