"""Whether scores are probabilities, and from which score on to act."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from assay.reports import words
from assay.reports.cases import Case
from assay.reports.classes import MARKED, MOST_CLASSES, UNIT, curves_of, thinned
from assay.reports.exhibits import Record, Sheet, figure, reach, shown
from assay.reports.page import Block, Cell, Column, Details, Grid, Table, Text
from assay.reports.pictures import Curve, Guide, Plot

__all__ = ["calibration_blocks", "threshold_blocks"]

MEASURES = 100
MAIN = 8
_MAIN = frozenset({"ece_mass", "ece", "slope", "intercept", "in_the_large", "share_below"})
_IN_USE = re.compile(r"in use: ([-+.\deE]+)")


# Calibration ----------------------------------------------------------------------------------------------------------


def calibration_blocks(case: Case) -> list[Block]:
    """Return the reliability curve with its band over where the scores lie, beside the measures of calibration."""
    beside: list[Block] = []
    if (sheet := case.sheet("reliability")) is not None:
        beside.append(_reliability(sheet))
    measures = case.sheet("calibration")
    if measures is None:
        return beside
    main = [row for row in measures.rows if _is_main(case, row)]
    named, others = main[:MAIN], main[MAIN:] + [row for row in measures.rows if not _is_main(case, row)]
    beside += [_measures(case, named)] if named else []
    blocks: list[Block] = [Grid(tuple(beside))] if len(beside) > 1 else beside
    if others:
        brief = words.listed([row.text("measure").replace("_", " ") for row in others], most=8)
        title = "More measures of calibration" if named else "Measures of calibration"
        blocks.append(Details(title, (_measures(case, others),), brief=brief, open=not named))
    return [*blocks, *([Text(measures.note, quiet=True)] if measures.note else [])]


def _is_main(case: Case, row: Record) -> bool:
    """Return whether a measure is one that a reader looks for first: the usual ones, and those with an outcome."""
    name = str(row["measure"])
    return name in _MAIN or case.outcome("calibration", name) is not None


def _measures(case: Case, rows: Sequence[Record]) -> Table:
    judged = [case.outcome("calibration", str(row["measure"])) for row in rows]
    bounded = any(one is not None and shown(one.verdict) is not None for one in judged)
    said = any(one is not None and one.why for one in judged)
    columns = (
        *([Column("Verdict")] if bounded else []),
        Column("Measure"),
        Column("Value and interval"),
        *([Column("What it says", spare=True)] if said else []),
    )
    cells = []
    for row, one in zip(rows[:MEASURES], judged, strict=False):
        cell: list[Cell] = [shown(one.verdict) if one is not None else None] if bounded else []
        cell += [row.text("measure").replace("_", " "), reach(row, beside=one.expected if one is not None else "")]
        cell += [words.sentence_case(words.clean(one.why, most=300)) if one is not None else ""] if said else []
        cells.append(tuple(cell))
    return Table(columns, tuple(cells), more=max(0, len(rows) - MEASURES))


def _reliability(sheet: Sheet) -> Plot:
    found, more = curves_of(sheet, "score", "share")
    curves = tuple(
        Curve(each.label, each.x, each.y, each.low, each.high, dots=True, tips=_tips(each)) for each in found
    )
    perfect = Guide("perfectly calibrated", (0.0, 0.0), (1.0, 1.0))
    across, up, note = "Mean score", "Share that came true", sheet.note
    if "quantile" in sheet.title:
        across, up = "Level of the quantile", "Share of labels at or below it"
    below = _density(sheet) if across == "Mean score" else ()
    note = f"The bars below say where the scores lie. {note}".strip() if below else note
    square = not below
    return Plot(sheet.title, curves, across, up, UNIT, UNIT, (perfect,), below, more=more, square=square, note=note)


def _density(sheet: Sheet) -> tuple[tuple[float, float, float], ...]:
    """Return the rows of each bin as an area between the middles of it and its neighbours; nothing of several classes."""
    if len({row["class"] for row in sheet.rows}) > 1:
        return ()
    bins = sorted((s, n) for row in sheet.rows if (s := row.number("score")) is not None and (n := row.number("n")))
    if len(bins) < 2:
        return ()
    middles = [(left / 2 + right / 2) for (left, _), (right, _) in pairwise(bins)]
    first, last = 2 * bins[0][0] - middles[0], 2 * bins[-1][0] - middles[-1]
    edges = [max(first, 0.0), *middles, min(last, 1.0)]
    spans = zip(pairwise(edges), bins, strict=True)
    return tuple((left, right, n / (right - left)) for (left, right), (_, n) in spans if right > left)


def _tips(curve: Curve) -> tuple[str, ...]:
    lows, highs = (ends or (None,) * len(curve.x) for ends in (curve.low, curve.high))
    places = zip(curve.x, curve.y, lows, highs, strict=True)
    return tuple(f"score {words.number(x)}: {figure(y, low, high)}" for x, y, low, high in places)


# Thresholds -----------------------------------------------------------------------------------------------------------

_FIGURES = ("precision", "recall", "f1", "accuracy", "predicted_positive")
_CALLED = {"predicted_positive": "share said positive", "f1": "F1"}


def threshold_blocks(case: Case) -> list[Block]:
    """Return what each threshold gives and costs, with the chosen one marked, and the decision curve."""
    drawn: list[Block] = []
    sheet = case.sheet("thresholds")
    rows = sorted(
        (row for row in sheet.rows if row.number("threshold") is not None) if sheet is not None else (),
        key=lambda row: row.number("threshold") or 0.0,
    )
    rows = thinned(rows)
    if sheet is not None and rows:
        marks = _marks(case, sheet, rows)
        curves = tuple(_line(rows, name) for name in _FIGURES if name in sheet.columns)
        drawn.append(Plot("Metrics by threshold", curves, "Threshold", "", None, UNIT, marks))
        cost = _line(rows, "cost")
        if any(value is not None for value in cost.y):
            drawn.append(
                Plot("Mean cost of a row by threshold", (cost,), "Threshold", "Cost", guides=marks, note=sheet.note)
            )
    drawn += _decision(case)
    blocks: list[Block] = [Grid(tuple(drawn))] if len(drawn) > 1 else drawn
    if sheet is not None and rows:
        names = [name for name in ("threshold", *_FIGURES, "cost") if name in sheet.columns]
        columns = tuple(Column(_CALLED.get(name, name).capitalize(), number=True) for name in names)
        step = max(1, -(-len(rows) // 40))
        kept = rows[::step]
        table = Table(columns, tuple(tuple(row.number(name) for name in names) for row in kept))
        every = f"every {step} of {len(rows):,} thresholds" if step > 1 else f"{len(rows):,} thresholds"
        blocks.append(Details("Thresholds in numbers", (table,), brief=every))
    return blocks


def _line(rows: list[Record], name: str) -> Curve:
    places = [(row.number("threshold") or 0.0, row.number(name)) for row in rows]
    label = _CALLED.get(name, name)
    return Curve(label, tuple(x for x, _ in places), tuple(y for _, y in places), dots=len(places) <= MARKED)


def _marks(case: Case, sheet: Sheet, rows: list[Record]) -> tuple[Guide, ...]:
    """Return lines at the threshold of least cost and at the one in use, where they are known."""
    best = case.outcome("calibration", "best threshold")
    value = best.observed.value if best is not None and best.observed is not None else None
    if best is None:
        costs = [(cost, row.number("threshold")) for row in rows if (cost := row.number("cost")) is not None]
        value = min(costs, key=lambda each: each[0])[1] if costs else None
    marks = []
    if isinstance(value, int | float):
        marks.append(Guide(f"least cost, at {words.number(value)}", (float(value), None), (float(value), None)))
    if (used := _IN_USE.search(sheet.note)) is not None:
        try:
            at = float(used[1].rstrip("."))
        except ValueError:
            return tuple(marks)
        marks.append(Guide(f"in use, {words.number(at)}", (at, None), (at, None)))
    low, high = (rows[i].number("threshold") or 0.0 for i in (0, -1))
    return tuple(mark for mark in marks if mark.start[0] is not None and low <= mark.start[0] <= high)


def _decision(case: Case) -> list[Block]:
    sheet = case.sheet("decision")
    if sheet is None:
        return []
    curves, _ = curves_of(sheet, "threshold", "net_benefit", by="")
    if not curves:
        return []
    acted = Curve("by the model", curves[0].x, curves[0].y, curves[0].low, curves[0].high)
    everyone, _ = curves_of(sheet, "threshold", "all_flagged", by="") if "all_flagged" in sheet.columns else ((), 0)
    known = [y for y in acted.y if y is not None]
    top = max(known, default=0.0)
    scale = (min(max(min(known, default=0.0), -top / 2), 0.0) - top * 0.05, top * 1.1) if top > 0 else None
    # Acting for all falls without end; what is below the picture is not drawn along its edge.
    others = tuple(
        Curve(
            "for all", each.x, tuple(y if y is not None and (scale is None or y >= scale[0]) else None for y in each.y)
        )
        for each in everyone[:MOST_CLASSES]
    )
    none = Guide("for nobody", (None, 0.0), (None, 0.0))
    return [
        Plot(
            sheet.title,
            (acted, *others),
            "Probability from which on to act",
            "Net benefit of acting",
            None,
            scale,
            (none,),
            note=sheet.note,
        )
    ]
