"""How a value differs from its baseline: cell by cell, with a tolerance, in a sentence and in rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.errors import UsageError
from assay.testing.plugin.snapshots import Leaf, Snapshot
from assay.verdict import Example

__all__ = ["Tolerance", "compared"]

_SHOWN = 12  # examples, of a baseline and of the value now
Row = tuple[Leaf, ...]


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from its baseline: |now - baseline| <= atol + rtol |baseline|; `within` is atol by column."""

    rtol: float = 1e-6
    atol: float = 1e-9
    within: Mapping[str, float] = field(default_factory=dict)

    def holds(self, column: str, before: Leaf, now: Leaf) -> bool:
        """Return whether two cells are the same: NaN equals NaN, null equals null, a number equals no text.

        >>> Tolerance(within={"n": 1}).holds("n", 10, 11), Tolerance().holds("n", 10, 11)
        (True, False)
        """
        if isinstance(before, bool | str | None) or isinstance(now, bool | str | None):
            return type(before) is type(now) and before == now
        if before == now or (before != before and now != now):
            return True
        atol, rtol = (self.within[column], 0.0) if column in self.within else (self.atol, self.rtol)
        try:
            return math.isfinite(before) and math.isfinite(now) and abs(now - before) <= atol + rtol * abs(before)
        except OverflowError:  # a whole number beyond what a float holds is the same or it is not
            return False


@dataclass(frozen=True)
class _Cell:
    """One cell that differs: its row's number or key, its column, and both values."""

    row: Row
    column: str
    before: Leaf
    now: Leaf


def compared(
    before: Snapshot, now: Snapshot, tolerance: Tolerance, *, key: Sequence[str] = ()
) -> tuple[str, list[Example], int] | None:
    """Return how a value differs from its baseline: a sentence, the first rows, and how many cells; None where it does not.

    A row that is on one side only counts as one cell.

    >>> old, new = (Snapshot("value", {"path": "", "value": ""}, (("auc", auc),)) for auc in (0.91, 0.87))
    >>> compared(old, new, Tolerance())[0]
    '1 of 1 values differs: auc was 0.91 and is 0.87'
    """
    if before.shape != now.shape:
        return f"it is a {now.shape}, and was a {before.shape}", [], 1
    changed = _columns_changed(before.columns, now.columns)
    if changed:
        return changed, [], 1
    by = ("path",) if now.shape == "value" else tuple(key)
    old, new = _numbered(before, by), _numbered(now, by)
    cells = [
        _Cell(row, str(row[0]) if now.shape == "value" else column, a, b)
        for row in old
        if row in new
        for column, a, b in zip(now.columns, old[row], new[row], strict=True)
    ]
    cells = [cell for cell in cells if not tolerance.holds(cell.column, cell.before, cell.now)]
    gone, come = [row for row in old if row not in new], [row for row in new if row not in old]
    if not (cells or gone or come):
        return None
    told = _Told(now.shape, by, cells, gone, come)
    return told.sentence(len(old), len(new)), told.examples(), len(cells) + len(gone) + len(come)


@dataclass(frozen=True)
class _Told:
    """What differs, and the words for it."""

    shape: str
    by: tuple[str, ...]
    cells: Sequence[_Cell]
    gone: Sequence[Row]
    come: Sequence[Row]

    def sentence(self, old: int, new: int) -> str:
        """Return what differs, in one sentence with its numbers."""
        parts = []
        if self.cells:
            first = self.cells[0]
            if self.shape == "value":
                many = f"{len(self.cells)} of {old} values {'differs' if len(self.cells) == 1 else 'differ'}"
                parts.append(f"{many}: {first.column} was {_shown(first.before)} and is {_shown(first.now)}")
            else:
                column, most = Counter(cell.column for cell in self.cells).most_common(1)[0]
                rows = len({cell.row for cell in self.cells})
                where = (
                    f"column {column!r}"
                    if most == len(self.cells)
                    else f"{len({c.column for c in self.cells})} columns, most in {column!r}"
                )
                many = "1 cell differs" if len(self.cells) == 1 else f"{len(self.cells)} cells differ"
                parts.append(f"{many} in {rows} of {old} rows, in {where}")
        thing = "value" if self.shape == "value" else "row"
        if self.gone or self.come:
            counts = [
                f"{len(rows)} {thing}{'s' * (len(rows) != 1)} {word}"
                for rows, word in ((self.gone, "gone"), (self.come, "new"))
                if rows
            ]
            parts.append(" and ".join(counts) + (f" ({old} before, {new} now)" if old != new else ""))
        return "; ".join(parts)

    def examples(self) -> list[Example]:
        """Return the first cells that differ, and rows that are on one side only."""
        shown = [
            Example(self._number(cell.row), {**self._named(cell), "baseline": cell.before, "now": cell.now}, _by(cell))
            for cell in self.cells[:_SHOWN]
        ]
        for rows, word in ((self.gone, "gone"), (self.come, "new")):
            shown += [Example(self._number(row), self._keyed(row), word) for row in rows[: max(_SHOWN - len(shown), 1)]]
        return shown

    def _number(self, row: Row) -> int | None:
        return None if self.by or not isinstance(row[0], int) else row[0]

    def _keyed(self, row: Row) -> dict[str, Leaf]:
        return dict(zip(self.by, row, strict=False)) if self.by else {}

    def _named(self, cell: _Cell) -> dict[str, Leaf]:
        return self._keyed(cell.row) if self.shape == "value" else {**self._keyed(cell.row), "column": cell.column}


def _columns_changed(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    gone, come = [name for name in before if name not in now], [name for name in now if name not in before]
    if gone or come:
        parts = [f"{word} {', '.join(map(repr, names))}" for word, names in (("gone:", gone), ("new:", come)) if names]
        return f"the columns are not those of the baseline: {'; '.join(parts)}"
    if list(before) != list(now):
        return f"the columns have another order: {', '.join(now)}; it was {', '.join(before)}"
    other = [f"{name!r} is {now[name]} and was {before[name]}" for name in now if now[name] != before[name]]
    return f"a dtype changed: {'; '.join(other)}" if other else ""


def _numbered(taken: Snapshot, by: Sequence[str]) -> dict[Row, Row]:
    """Return rows by their key, or by their number; raise UsageError where two have the same key."""
    if not by:
        return {(number,): row for number, row in enumerate(taken.rows)}
    places = [list(taken.columns).index(name) for name in by]
    found: dict[Row, Row] = {}
    for row in taken.rows:
        named = tuple(row[place] for place in places)
        if named in found:
            raise UsageError(
                f"two rows have the same {', '.join(by)}: {', '.join(map(str, named))}",
                hint="name the columns that tell rows apart",
            )
        found[named] = row
    return found


def _by(cell: _Cell) -> str:
    """Return by how much a number differs, and "" for what is no number."""
    a, b = cell.before, cell.now
    if isinstance(a, bool) or isinstance(b, bool) or not (isinstance(a, int | float) and isinstance(b, int | float)):
        return ""
    return f"{b - a:+.6g}" if b - a == b - a else ""


def _shown(leaf: Leaf) -> str:
    return (
        "null"
        if leaf is None
        else f"{leaf:.9g}"
        if isinstance(leaf, float)
        else repr(leaf)
        if isinstance(leaf, str)
        else str(leaf)
    )
