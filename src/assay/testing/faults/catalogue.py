"""The page of operators, written from the table: what each does, at which severities, and what catches it."""

from __future__ import annotations

from assay.testing.faults.fault import Layer, Operator
from assay.testing.faults.table import OPERATORS

__all__ = ["listing", "operators_markdown"]

_WORDS = {
    Layer.DATA: "Data", Layer.LABEL: "Labels", Layer.TRAIN: "Training", Layer.FEATURE: "Feature code", Layer.MODEL: "Models",
    Layer.SERVE: "Serving",
}  # fmt: skip
_ON = {
    "frame": "rows", "splits": "splits by name", "function": "a function of rows", "model": "what predicts", "bytes": "a file",
}  # fmt: skip


def listing() -> str:
    """Return every operator in a line."""
    width = max(len(name) for name in OPERATORS)
    lines = (f"{one.name:{width}}  {one.layer.value:7}  {one.title} ({one.story})" for one in OPERATORS.values())
    return "\n".join(lines) + "\n"


def operators_markdown() -> str:
    """Return the page of operators."""
    lines = [
        "# The faults there are",
        "",
        f"{len(OPERATORS)} operators, by where the mistake would have been. This page is written from their table",
        "(`assay faults --list --format markdown`); [faults](faults.md) says how they are tried and scored.",
    ]
    for layer, title in _WORDS.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| operator | what goes wrong | how it happens | put into | severities | what catches it |",
        ]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        lines += [_row(one) for one in OPERATORS.values() if one.layer is layer]
    return "\n".join(lines) + "\n"


def _row(one: Operator) -> str:
    needs = f"; needs the {' and the '.join(one.needs)}" if one.needs else ""
    ladder = ", ".join(f"{severity:g}" for severity in one.ladder)
    cells = (f"`{one.name}`", one.title, one.story, f"{_ON[one.on]}{needs}", f"{ladder} ({one.unit})", one.caught_by)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
