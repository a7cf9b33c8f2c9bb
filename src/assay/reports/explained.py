"""What a model goes by, and what it makes of rows that are not as they were."""

from __future__ import annotations

from collections.abc import Sequence

from assay.reports import words
from assay.reports.cases import Case
from assay.reports.classes import thinned
from assay.reports.evidence import p_text
from assay.reports.exhibits import Record, Sheet, code, label_of, reach, shown
from assay.reports.page import Bar, Bars, Block, Cell, Column, Details, Grid, Heading, Table, Text
from assay.reports.pictures import Curve, Guide, Interval, Intervals, Plot

__all__ = ["explanation_blocks", "robustness_blocks"]

FEATURES = 20
CURVES = 12
SMALL = 12  # dependence curves that stand open


# Robustness -----------------------------------------------------------------------------------------------------------


def robustness_blocks(case: Case) -> list[Block]:
    """Return the metric against the severity of each perturbation, and what the loss of each feature costs."""
    sheet = case.sheet("robustness")
    if sheet is None:
        return []
    together = [row for row in sheet.rows if not _feature(row)]
    apart = [row for row in sheet.rows if _feature(row)]
    by_name = _grouped(together, "perturbation")
    names = list(by_name)
    curves = [_curve(name, by_name[name]) for name in names[:CURVES]]
    curves = [curve for curve in curves if any(y is not None for y in curve.y)]
    blocks: list[Block] = []
    if curves:
        clean = next((at for row in together if (at := _clean(row)) is not None), None)
        guides = (
            (Guide(f"as the rows are {words.number(clean)}", (None, clean), (None, clean)),)
            if clean is not None
            else ()
        )
        metric = words.cut(sheet.title, 80)
        more = max(0, len(names) - CURVES)
        blocks.append(Plot(metric, tuple(curves), "Severity", "", guides=guides, more=more, note=sheet.note))
    lost = [name for name, rows in by_name.items() if all(row.number("value") is None for row in rows)]
    if lost:
        said = words.listed([words.cut(words.clean(name), 40).replace("_", " ") for name in lost])
        why = "the model does not answer, or the metric is undefined there"
        blocks.append(Text(f"The metric has no value under {said}: {why}.", quiet=True))
    blocks += _of_features(apart)
    table = _changes(sheet.rows)
    return [*blocks, Details("Perturbations in numbers", (table,), brief=words.plural(len(sheet.rows), "point"))]


def _grouped(rows: Sequence[Record], name: str) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for row in rows:
        found.setdefault(str(row[name]), []).append(row)
    return found


def _feature(row: Record) -> str:
    return str(row["feature"] or "") if "feature" in row else ""


def _clean(row: Record) -> float | None:
    value, change = row.number("value"), row.number("change")
    return value - change if value is not None and change is not None else None


def _curve(name: str, rows: Sequence[Record]) -> Curve:
    """Return the metric by severity, from the rows as they are on."""
    places = sorted(
        (row for row in rows if row.number("severity") is not None), key=lambda row: row.number("severity") or 0.0
    )
    clean = next((at for row in places if (at := _clean(row)) is not None), None)
    begin = clean is not None and all((row.number("severity") or 0.0) > 0 for row in places)
    first: tuple[float | None, ...] = (clean,) if begin else ()
    x = (*((0.0,) if begin else ()), *(row.number("severity") or 0.0 for row in places))
    y, low, high = ((*first, *(row.number(key) for row in places)) for key in ("value", "low", "high"))
    tips = (
        *(("as the rows are",) if begin else ()),
        *(f"{words.number(row.number('severity'))}: {reach(row)}" for row in places),
    )
    return Curve(words.cut(words.clean(name), 40).replace("_", " "), x, y, low, high, dots=True, tips=tips)


def _of_features(rows: Sequence[Record]) -> list[Block]:
    """Return what each feature's perturbation alone does to the metric, the largest change first."""
    blocks: list[Block] = []
    for name, rows_of in _grouped(rows, "perturbation").items():
        of = [row for row in rows_of if row.number("change") is not None]
        of.sort(key=lambda row: -abs(row.number("change") or 0.0))
        lines = tuple(_change(row) for row in of[:FEATURES])
        if lines:
            title = (
                f"Change of the metric where one feature is hit: {words.cut(words.clean(name), 40).replace('_', ' ')}"
            )
            blocks.append(Intervals(title, lines, line=0.0, lined="no change", more=max(0, len(of) - FEATURES)))
    return blocks


_CHANGE = ("change", "change_low", "change_high")


def _change(row: Record) -> Interval:
    value, low, high = (row.number(name) for name in _CHANGE)
    return Interval(label_of(_feature(row)), value, low, high, reach(row, _CHANGE))


def _changes(rows: Sequence[Record]) -> Table:
    columns = (
        Column("Perturbation"), Column("Feature"), Column("Severity", number=True), Column("Value and interval"), Column("Change"),
    )  # fmt: skip
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (
            row.text("perturbation").replace("_", " "), code(_feature(row)) if _feature(row) else "all", row.number("severity"),
            reach(row), reach(row, _CHANGE),
        )
        for row in rows[:400]
    )  # fmt: skip
    return Table(columns, cells, more=max(0, len(rows) - 400))


# Explanations ---------------------------------------------------------------------------------------------------------


def explanation_blocks(case: Case) -> list[Block]:
    """Return the importance of each feature, its share by SHAP, and how the prediction depends on each."""
    blocks: list[Block] = []
    if (sheet := case.sheet("importance")) is not None:
        rows = sorted((row for row in sheet.rows), key=lambda row: -(row.number("value") or 0.0))
        lines = tuple(_importance(case, row) for row in rows[:FEATURES])
        more = max(0, len(rows) - FEATURES)
        blocks.append(Intervals(sheet.title, lines, line=0.0, lined="of no use", more=more, note=sheet.note))
    if (shap := case.sheet("shap")) is not None:
        blocks.append(_shares(shap))
    blocks += _dependence(case)
    return blocks


def _importance(case: Case, row: Record) -> Interval:
    judged = case.outcome("explanation", f"importance of {row['feature']}")
    value, low, high = (row.number(name) for name in ("value", "low", "high"))
    p = row.number("p_value")
    text = reach(row) + (f", p {p_text(p)}" if p is not None else "")
    verdict = shown(judged.verdict) if judged is not None else None
    return Interval(label_of(str(row["feature"])), value, low, high, text, verdict)


def _shares(sheet: Sheet) -> Bars:
    rows = [(row, value) for row in sheet.rows if (value := row.number("value")) is not None and value >= 0][:FEATURES]
    top = max((value for _, value in rows), default=0.0) or 1.0
    bars = tuple(Bar(label_of(str(row["feature"])), value / top, _part(row, value)) for row, value in rows)
    return Bars(sheet.title, bars, sheet.note)


def _part(row: Record, value: float) -> str:
    share = row.number("share") if "share" in row else None
    return words.number(value) + (f", {words.share(share)}" if share is not None else "")


def _dependence(case: Case) -> list[Block]:
    sheet = case.sheet("dependence")
    if sheet is None:
        return []
    by_feature = _grouped(sheet.rows, "feature")
    ends = [end for row in sheet.rows for name in ("value", "low", "high") if (end := row.number(name)) is not None]
    room = (max(ends) - min(ends)) * 0.05 if ends else 0.0
    scale = (min(ends) - room, max(ends) + room) if ends and max(ends) > min(ends) else None
    drawn = [_depends(name, rows, scale) for name, rows in list(by_feature.items())[: 3 * SMALL]]
    shown_, rest = drawn[:SMALL], drawn[SMALL:]
    blocks: list[Block] = [Heading(sheet.title, level=3), *_side_by_side(shown_)]
    if rest:
        names = [words.cut(words.name(name), 40) for name in by_feature]
        summary = f"{words.plural(len(by_feature) - SMALL, 'more feature')}"
        blocks.append(Details(summary, tuple(_side_by_side(rest)), brief=words.listed(names[SMALL:])))
    return [*blocks, *([Text(sheet.note, quiet=True)] if sheet.note else [])]


def _side_by_side(drawn: Sequence[Block]) -> list[Block]:
    """Return curves side by side, and then what is no curve."""
    parts = ([b for b in drawn if isinstance(b, Plot)], [b for b in drawn if not isinstance(b, Plot)])
    return [Grid(tuple(part)) if len(part) > 1 else part[0] for part in parts if part]


def _depends(name: str, rows: Sequence[Record], scale: tuple[float, float] | None) -> Block:
    title = words.cut(words.name(name), 60)
    if any(row.number("x") is None for row in rows):
        lines = []
        for row in rows[:FEATURES]:
            value, low, high = (row.number(key) for key in ("value", "low", "high"))
            lines.append(
                Interval(label_of(row.text("x") if row["x"] is not None else "missing"), value, low, high, reach(row))
            )
        return Intervals(title, tuple(lines), more=max(0, len(rows) - FEATURES))
    rows = thinned(rows, most=60)
    x = tuple(row.number("x") or 0.0 for row in rows)
    y, lows, highs = (tuple(row.number(key) for row in rows) for key in ("value", "low", "high"))
    tips = tuple(f"{words.number(at)}: {reach(row)}" for at, row in zip(x, rows, strict=True))
    return Plot(title, (Curve(title, x, y, lows, highs, dots=len(x) <= 25, tips=tips),), "", "", None, scale)
