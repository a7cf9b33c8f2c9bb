"""The errors of a regression: over the predictions, beside normal ones, and what the tests say of them."""

from __future__ import annotations

from assay.reports import words
from assay.reports.cases import Case
from assay.reports.evidence import p_text
from assay.reports.exhibits import shown
from assay.reports.page import Block, Cell, Column, Grid, Table, Text
from assay.reports.pictures import Curve, Guide, Plot

__all__ = ["residual_blocks"]

MOST_POINTS = 1_500


def residual_blocks(case: Case) -> list[Block]:
    """Return residuals over predictions with their mean and its band, their quantiles beside normal ones, and the tests."""
    drawn: list[Block] = []
    curves, notes = [], []
    if (cloud := case.sheet("residuals")) is not None:
        places = [
            (x, y)
            for row in cloud.rows
            if (x := row.number("fitted")) is not None and (y := row.number("residual")) is not None
        ]
        places = places[:MOST_POINTS]
        curves.append(
            Curve("one row", tuple(x for x, _ in places), tuple(y for _, y in places), joined=False, dots=True)
        )
        notes.append(cloud.note)
    if (means := case.sheet("residual_means")) is not None:
        rows = [row for row in means.rows if row.number("fitted") is not None]
        at = tuple(row.number("fitted") or 0.0 for row in rows)
        mean, low, high = (tuple(row.number(name) for row in rows) for name in ("mean", "low", "high"))
        curves.append(Curve("mean", at, mean, low, high, dots=True))
        notes.append(means.note)
    if curves:
        zero = Guide("no error", (None, 0.0), (None, 0.0))
        note = " ".join(note for note in notes if note)
        drawn.append(
            Plot(
                "Residuals by prediction",
                tuple(curves),
                "Prediction",
                "Label less prediction",
                guides=(zero,),
                note=note,
            )
        )
    drawn += _quantiles(case)
    blocks: list[Block] = [Grid(tuple(drawn))] if len(drawn) > 1 else drawn
    return [*blocks, *_tests(case)]


def _quantiles(case: Case) -> list[Block]:
    sheet = case.sheet("residual_quantiles")
    if sheet is None:
        return []
    places = [
        (x, y)
        for row in sheet.rows
        if (x := row.number("normal")) is not None and (y := row.number("residual")) is not None
    ]
    if not places:
        return []
    low, high = min(x for x, _ in places), max(x for x, _ in places)
    diagonal = Guide("where normal ones would lie", (low, low), (high, high))
    curve = Curve("residuals", tuple(x for x, _ in places), tuple(y for _, y in places), joined=False, dots=True)
    across, up = "Quantile of a normal error", "Quantile of the residuals"
    return [Plot("Residuals beside normal ones", (curve,), across, up, guides=(diagonal,), note=sheet.note)]


def _tests(case: Case) -> list[Block]:
    sheet = case.sheet("residual_tests")
    if sheet is None:
        return []
    columns = (
        Column("Verdict"),
        Column("Test"),
        Column("What it says"),
        Column("Statistic", number=True, spare=True),
        Column("p", number=True, spare=True),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            shown(row.verdict()), row.text("test").replace("_", " "), words.sentence_case(row.text("says", most=400)),
            row.number("statistic"), p_text(row.number("p_value")),
        )
        for row in sheet.rows[:100]
    )  # fmt: skip
    return [Table(columns, rows), *([Text(sheet.note, quiet=True)] if sheet.note else [])]
