"""The tables that findings carry, read with suspicion, and their figures in words.

Findings are read from files that anybody may have written: a column may be missing, a cell may be of another type, a name
may hold anything. A sheet gives numbers that are finite, text that can be seen, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import floor, isfinite, log10

from assay.reports import words
from assay.reports.page import Cell, Code, Column, Details, Table
from assay.verdict import Exhibit, Findings, Verdict

__all__ = [
    "Record",
    "Sheet",
    "code",
    "digits_of",
    "figure",
    "labels_of",
    "plain_table",
    "reach",
    "sheets_of",
    "unfolded",
]

LARGEST = 1e300  # beyond this a float cannot hold the scale that it is drawn on
NAME_CHARS = 80
TABLE_ROWS = 400


class Record(Mapping[str, float | int | str | None]):
    """One row of a sheet."""

    def __init__(self, cells: dict[str, float | int | str | None]) -> None:
        self._cells = cells

    def __getitem__(self, name: str) -> float | int | str | None:
        return self._cells[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def number(self, name: str) -> float | None:
        """Return a cell as a number that can be drawn; None where it is none."""
        cell = self._cells.get(name)
        if isinstance(cell, str | bool | None) or not isfinite(cell) or abs(cell) >= LARGEST:
            return None
        return cell

    def text(self, name: str, *, most: int = NAME_CHARS) -> str:
        """Return a cell as text that can be seen; empty where there is nothing."""
        cell = self._cells.get(name)
        if cell is None:
            return ""
        return words.clean(cell, most=most) if isinstance(cell, str) else words.number(cell)

    def verdict(self, name: str = "verdict") -> Verdict | None:
        """Return a cell as a verdict; None where it is none."""
        cell = self._cells.get(name)
        return next((verdict for verdict in Verdict if verdict.value == cell), None)


class Sheet:
    """One exhibit of findings: its title, its note, and its rows."""

    def __init__(self, exhibit: Exhibit) -> None:
        self.name = exhibit.name
        self.title = words.clean(exhibit.title, most=200) or words.clean(exhibit.name, most=NAME_CHARS)
        self.note = words.sentence_case(words.clean(exhibit.note, most=3_000))
        self.columns = tuple(exhibit.columns)
        self.rows = tuple(
            Record(dict(zip(self.columns, cells, strict=True))) for cells in zip(*exhibit.columns.values(), strict=True)
        )

    def has(self, *names: str) -> bool:
        """Return whether there are rows, and these columns."""
        return bool(self.rows) and all(name in self.columns for name in names)

    def groups(self, *names: str) -> dict[tuple[str, ...], list[Record]]:
        """Return the rows by the text of some columns, in the order in which they first appear."""
        found: dict[tuple[str, ...], list[Record]] = {}
        for row in self.rows:
            found.setdefault(tuple(row.text(name) for name in names), []).append(row)
        return found


def sheets_of(findings: Findings) -> dict[str, Sheet]:
    """Return the exhibits of findings by name; of two with one name the first."""
    found: dict[str, Sheet] = {}
    for exhibit in findings.exhibits:
        found.setdefault(exhibit.name, Sheet(exhibit))
    return found


def digits_of(low: float | None, high: float | None) -> int | None:
    """Return how many decimals tell an interval: two digits of half its width; None where it has no width.

    >>> digits_of(0.81, 0.87), digits_of(41.0, 45.6), digits_of(9_800, 10_700), digits_of(0.5, 0.5)
    (3, 1, 0, None)
    """
    if low is None or high is None or not high > low:
        return None
    return min(max(1 - floor(log10(high / 2 - low / 2)), 0), 8)


def figure(
    value: float | None, low: float | None = None, high: float | None = None, *, unit: str = "", beside: str = ""
) -> str:
    """Return a value with its interval, in as many digits as the interval tells; more where it would look like one in `beside`.

    >>> figure(0.84213, 0.81301, 0.87109), figure(0.84213), figure(None)
    ('0.842 [0.813, 0.871]', '0.8421', 'undefined')
    >>> figure(0.79996, 0.771, 0.829, beside="at least 0.8")
    '0.79996 [0.771, 0.829]'
    """
    if value is None:
        return "undefined"
    after = f" {unit}" if unit else ""
    digits = digits_of(low, high)
    if digits is None:
        ends = f" [{words.number(low)}, {words.number(high)}]" if low is not None and high is not None else ""
        return words.number(value, beside=beside) + ends + after
    texts = [_rounded(each, digits, beside) for each in (value, low, high) if each is not None]
    return f"{texts[0]} [{texts[1]}, {texts[2]}]{after}"


def _rounded(value: float, digits: int, beside: str) -> str:
    if value == 0:
        return "0"
    for more in range(digits, 12):
        text = f"{value:,.{more}f}"
        short = text.rstrip("0").rstrip(".") if "." in text else text
        if float(text.replace(",", "")) == value or not words.stands(short, beside):
            return text if float(text.replace(",", "")) or not text.startswith("-") else text[1:]
    return repr(value)


def reach(row: Record, names: Sequence[str] = ("value", "low", "high"), *, unit: str = "", beside: str = "") -> str:
    """Return the value and the interval of a row in words; why it is undefined where it is."""
    value, low, high = (row.number(name) for name in names)
    if value is None and (why := row.text("why", most=200)):
        return f"undefined: {why}"
    return figure(value, low, high, unit=unit, beside=beside)


def labels_of(names: Iterable[str], *, most: int = 40) -> list[str]:
    """Return names cut to be read in a picture, in quotes where their ends could be missed."""
    return [words.cut(words.name(name), most) for name in names]


def plain_table(
    sheet: Sheet, *, names: Sequence[str] = (), titles: Mapping[str, str] | None = None, most: int = TABLE_ROWS
) -> Table:
    """Return a sheet as a table; columns in which nothing stands are left out.

    `names` are the columns to show (default: all), `titles` what some are called.
    """
    shown = [name for name in names or sheet.columns if name in sheet.columns]
    shown = [name for name in shown if any(row[name] not in (None, "") for row in sheet.rows)] or shown
    numeric = {name for name in shown if all(not isinstance(row[name], str) for row in sheet.rows)}
    columns = tuple(
        Column((titles or {}).get(name) or _title(name), number=name in numeric, spare=i >= 4)
        for i, name in enumerate(shown)
    )
    rows = tuple(tuple(_cell(row, name) for name in shown) for row in sheet.rows[:most])
    return Table(columns, rows, more=max(0, len(sheet.rows) - most))


def _title(name: str) -> str:
    return words.clean(name, most=NAME_CHARS).replace("_", " ").capitalize()


def _cell(row: Record, name: str) -> Cell:
    cell = row[name]
    if name == "verdict" and (verdict := row.verdict()) is not None:
        return verdict
    if isinstance(cell, str):
        return row.text(name, most=200)
    return cell


def unfolded(sheet: Sheet) -> Details:
    """Return an exhibit that no page knows how to draw, as a folded table."""
    brief = words.listed([_title(name).lower() for name in sheet.columns], most=8)
    return Details(sheet.title, (plain_table(sheet),), brief=f"{words.plural(len(sheet.rows), 'row')}: {brief}")


def code(text: str) -> Code:
    """Return a name of the data as it stands in a table."""
    return Code(words.cut(words.name(text), NAME_CHARS))


def label_of(text: str) -> tuple[Code]:
    """Return a predicate or a name of the data as the label of a line."""
    return (Code(words.cut(words.name(text), 60)),)


def shown(verdict: Verdict | None) -> Verdict | None:
    """Return a verdict that was asked for; None where nothing was."""
    return None if verdict is Verdict.SKIP else verdict
