"""How values, columns and ranges read in the name of a slice: as a person would write the predicate."""

from __future__ import annotations

import math
import re
from datetime import date, datetime

__all__ = ["WIDTH", "column_name", "literal", "shortest"]

WIDTH = 40  # characters of a text that a name shows

_PLAIN = re.compile(r"[^\W\d]\w*\Z")


def column_name(name: str) -> str:
    """Return a column's name as SQL has it: in double quotes where it is not one plain word.

    >>> column_name("age"), column_name("native country")
    ('age', '"native country"')
    """
    return name if _PLAIN.match(name) else '"' + name.replace('"', '""') + '"'


def literal(value: object, *, width: int = WIDTH) -> str:
    """Return a value as it reads in a predicate; texts longer than `width` characters are cut short (0: never).

    >>> literal("O'Hare"), literal(True), literal(3.0), literal(None)
    ("'O''Hare'", 'true', '3', 'missing')
    """
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        if value.hour == value.minute == value.second == value.microsecond == 0:
            return value.date().isoformat()
        spec = "minutes" if value.second == value.microsecond == 0 else "auto"
        return value.isoformat(sep=" ", timespec=spec)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        text = value if not width or len(value) <= width else value[: width - 1] + "…"
        return "'" + text.replace("'", "''") + "'"
    return str(value)


def shortest(below: float, value: float) -> float:
    """Return the number with the fewest digits in (below, value]: an edge there splits the same rows as `value` does.

    >>> shortest(29.97, 30.412), shortest(0.12344, 0.12391), shortest(3.0, 4.0)
    (30.0, 0.1239, 4.0)
    """
    if not (math.isfinite(below) and math.isfinite(value) and below < value):
        return value
    for digits in range(1, 16):
        size = 10.0 ** (math.floor(math.log10(max(abs(value), abs(below)))) + 1 - digits)
        near = float(f"{math.floor(value / size) * size:.{digits}g}")
        if below < near <= value:
            return near
    return value
