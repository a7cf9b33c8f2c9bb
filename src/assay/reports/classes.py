"""Labels beside predictions, and curves over all thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assay.reports import words
from assay.reports.cases import Case
from assay.reports.exhibits import Record, Sheet, code, labels_of
from assay.reports.page import Block, Column, Grid, Table, Text
from assay.reports.pictures import Curve, Guide, Matrix, Plot

__all__ = ["MOST_CLASSES", "confusion_blocks", "curve_blocks", "curves_of", "label_counts"]

MOST_CLASSES = 12
MATRICES = 9
MIXED = 10
MOST_POINTS = 400
DOTTED = 3
MARKED = 25  # curves of so few places show each of them
UNIT = (0.0, 1.0)


# Labels and predictions -----------------------------------------------------------------------------------------------


def confusion_blocks(case: Case) -> list[Block]:
    """Return the confusion matrix, or one for each label of several, and which classes are mixed up most."""
    sheet = case.sheet("confusion")
    if sheet is None:
        return []
    groups = _matrices(sheet)
    drawn = [
        _matrix(rows, f"{sheet.title}: {_named(rows)}" if len(groups) > 1 else sheet.title)
        for rows in groups[:MATRICES]
    ]
    blocks: list[Block] = [Grid(tuple(drawn))] if len(drawn) > 1 else list(drawn)
    if len(groups) > MATRICES:
        blocks.append(Text(f"And {len(groups) - MATRICES:,} more labels, each with its own matrix.", quiet=True))
    if len(groups) == 1:
        blocks += _mixed_up(groups[0])
    return [*blocks, *([Text(sheet.note, quiet=True)] if sheet.note else [])]


def _matrices(sheet: Sheet) -> list[list[Record]]:
    """Return the rows of each matrix: labels that are said to be of the same predictions make one."""
    said: dict[str, list[Record]] = {}
    for row in sheet.rows:
        said.setdefault(str(row["label"]), []).append(row)
    found: dict[frozenset[str], list[Record]] = {}
    for rows in said.values():
        found.setdefault(frozenset(str(row["prediction"]) for row in rows), []).extend(rows)
    return list(found.values())


def _named(rows: Sequence[Record]) -> str:
    return words.cut(words.name(str(rows[-1]["label"])), 40)


def _matrix(rows: Sequence[Record], title: str) -> Matrix:
    counts = {(str(r["label"]), str(r["prediction"])): r.number("count") or 0.0 for r in rows}
    totals: dict[str, float] = {}
    for (label, prediction), n in counts.items():
        totals[label] = totals.get(label, 0.0) + n
        totals.setdefault(prediction, 0.0)
    names = list(totals)
    kept = sorted(sorted(names, key=lambda name: -totals[name])[:MOST_CLASSES], key=names.index)
    table = tuple(tuple(counts.get((label, said), 0.0) for said in kept) for label in kept)
    shares = tuple(
        tuple(n / totals[label] if totals[label] > 0 else None for n in line)
        for label, line in zip(kept, table, strict=True)
    )
    shown = tuple(labels_of(kept, most=28))
    note = "Shares are of each label's rows." + (
        f" The {len(kept)} most frequent classes." if len(names) > len(kept) else ""
    )
    return Matrix(title, shown, shown, table, shares, more=len(names) - len(kept), note=note)


def _mixed_up(rows: Sequence[Record]) -> list[Block]:
    """Return what is mistaken for what most often, where there are more classes than a glance takes in."""
    if len({row["label"] for row in rows}) < 4:
        return []
    wrong = [row for row in rows if row["label"] != row["prediction"] and (row.number("count") or 0.0) > 0]
    wrong.sort(key=lambda row: -(row.number("count") or 0.0))
    columns = (
        Column("Label"),
        Column("Taken for"),
        Column("Rows", number=True),
        Column("Of the label's rows", number=True),
    )
    cells = tuple(
        (code(str(r["label"])), code(str(r["prediction"])), r.number("count"), None if (s := r.number("share")) is None else words.share(s))
        for r in wrong[:MIXED]
    )  # fmt: skip
    return [Table(columns, cells, caption="Mixed up most often", more=max(0, len(wrong) - MIXED))] if wrong else []


def label_counts(case: Case) -> dict[str, float]:
    """Return how many rows are of each label; empty where that is not known, or labels are not exclusive."""
    sheet = case.sheet("confusion")
    if sheet is None or len(_matrices(sheet)) > 1:
        return {}
    found: dict[str, float] = {}
    for row in sheet.rows:
        label = str(row["label"])
        found[label] = found.get(label, 0.0) + (row.number("count") or 0.0)
    return found


# Curves ---------------------------------------------------------------------------------------------------------------

_CHANCE = Guide("chance", (0.0, 0.0), (1.0, 1.0))


def curve_blocks(case: Case) -> list[Block]:
    """Return the ROC curve, precision against recall, and cumulative gain, side by side."""
    drawn: list[Block] = []
    base = None
    pr = case.sheet("pr")
    if pr is not None:
        base = _base_rate(pr)
    if (roc := case.sheet("roc")) is not None:
        tip = "threshold {threshold}: {tpr} of the class found, {fpr} of the others flagged"
        curves, more = curves_of(roc, "fpr", "tpr", tip=tip)
        drawn.append(
            Plot(
                "ROC",
                curves,
                "False positive rate",
                "True positive rate",
                UNIT,
                UNIT,
                (_CHANCE,),
                more=more,
                square=True,
                note=roc.note,
            )
        )
    if pr is not None:
        tip = "threshold {threshold}: {recall} of the class found, {precision} of those flagged are of it"
        curves, more = curves_of(pr, "recall", "precision", tip=tip)
        guides = (Guide(f"base rate {words.share(base)}", (None, base), (None, base)),) if base is not None else ()
        drawn.append(
            Plot(
                "Precision and recall",
                curves,
                "Recall",
                "Precision",
                UNIT,
                UNIT,
                guides,
                more=more,
                square=True,
                note=pr.note,
            )
        )
    if (gain := case.sheet("gain")) is not None:
        curves, more = curves_of(gain, "share", "captured", tip="the top {share} of rows hold {captured} of the class")
        ideal = (Guide("perfect", (0.0, 0.0), (base, 1.0)),) if base else ()
        drawn.append(
            Plot(
                "Cumulative gain",
                curves,
                "Share of rows, highest scores first",
                "Share of the class found",
                UNIT,
                UNIT,
                (_CHANCE, *ideal),
                more=more,
                square=True,
                note=gain.note,
            )
        )
    return [Grid(tuple(drawn))] if len(drawn) > 1 else drawn


def _base_rate(pr: Sheet) -> float | None:
    """Return the precision where everything is flagged, which is the share of the class; None of several classes."""
    if len({row["class"] for row in pr.rows}) != 1:
        return None
    known = [
        (r, p)
        for row in pr.rows
        if (r := row.number("recall")) is not None and (p := row.number("precision")) is not None
    ]
    recall, precision = max(known, key=lambda place: (place[0], -place[1]), default=(0.0, 0.0))
    return precision if recall >= 1 - 1e-9 and 0 < precision < 1 else None


def curves_of(
    sheet: Sheet, x: str, y: str, *, by: str = "class", tip: str = "", label: Callable[[str], str] = str
) -> tuple[tuple[Curve, ...], int]:
    """Return a curve for each class of a sheet, at most twelve, and how many were left out; `tip` is what a place is called."""
    groups: dict[str, list[Record]] = {}
    for row in sheet.rows:
        if row.number(x) is not None:
            groups.setdefault(str(row.get(by) or ""), []).append(row)
    tipped = len(groups) == 1 and tip
    curves = []
    for name, rows in list(groups.items())[:MOST_CLASSES]:
        places = thinned([row for row in rows if row.number(y) is not None])
        curves.append(
            Curve(
                words.cut(words.name(label(name)), 40) if name else sheet.title,
                tuple(row.number(x) or 0.0 for row in places),
                tuple(row.number(y) for row in places),
                tuple(row.number("low") for row in places),
                tuple(row.number("high") for row in places),
                dots=len(places) <= MARKED and len(groups) <= DOTTED,
                tips=tuple(_tip(tip, row) for row in places) if tipped else (),
            )
        )
    return tuple(curves), max(0, len(groups) - MOST_CLASSES)


def thinned(rows: Sequence[Record], most: int = MOST_POINTS) -> list[Record]:
    """Return rows, every so many of them where there are more than can be drawn, with the last one."""
    step = max(1, -(-len(rows) // most))
    return [*rows[::step], *(rows[-1:] if (len(rows) - 1) % step else ())]


def _tip(tip: str, row: Record) -> str:
    texts = {}
    for name in row:
        value = row.number(name)
        if name == "threshold":
            texts[name] = "above all scores" if value is None else words.number(value)
        else:
            texts[name] = words.share(value) if value is not None and 0 <= value <= 1 else words.number(value)
    return tip.format_map(texts)
