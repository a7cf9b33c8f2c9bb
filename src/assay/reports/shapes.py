"""The shape of one column: the histogram that its quantile sketch knows, and its physical numbers as values again."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

from assay.reports import words
from assay.reports.page import Histogram

if TYPE_CHECKING:
    from assay.profiles.profile import ColumnProfile

__all__ = ["distribution", "ends_text", "is_constant", "physical_text", "step_text", "type_text", "typed_text"]

_SECOND = {"ns": 1_000_000_000, "us": 1_000_000, "ms": 1_000}
_UNIT = re.compile(r"time_unit='(ns|us|ms)'")


def distribution(column: ColumnProfile, *, bins: int) -> Histogram | None:
    """Return the histogram that the quantile sketch knows, over the middle 99% where the tails are long."""
    import numpy as np

    if column.quantiles is None:
        return None
    kept, cumulative = column.quantiles.cumulative()
    inner = np.asarray(column.quantiles.many([0.005, 0.5, 0.995]))
    # Whole numbers far from zero would lose their differences as floats, so the scale begins at the least of them.
    base = int(kept[0]) if kept.dtype.kind in "iu" else 0
    values = (kept.astype(object) - base).astype(float) if base else kept.astype(float)
    start, median, stop = (float(v) for v in (inner.astype(object) - base))
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    low, high = _limits(column, base, float(finite[0]), float(finite[-1]))
    note = ""
    if np.isfinite([start, stop]).all() and start < stop and stop / 3 - start / 3 < high / 9 - low / 9:
        note = f"without the outer 1%, which reaches from {_place(base, low, column)} to {_place(base, high, column)}"
        low, high = start, stop
    edges = _edges(low, high, bins, whole=column.kind.value == "integer")
    ranks = np.concatenate([[0.0], cumulative])
    places = np.append(
        np.searchsorted(values, edges[:-1], side="left"), np.searchsorted(values, edges[-1], side="right")
    )
    counts = np.diff(ranks[places]) / float(cumulative[-1])
    marks = (("median", median),) if np.isfinite(median) and high > low else ()
    return Histogram(
        f"Distribution of {words.name(column.name)}",
        tuple(edges.tolist()),
        tuple(counts.tolist()),
        start=_place(base, low, column),
        end=_place(base, high, column),
        marks=marks,
        note=note,
    )


def type_text(type: str) -> str:
    """Return a column's Polars type without what a reader does not ask for.

    >>> (
    ...     type_text("Datetime(time_unit='us', time_zone='UTC')"),
    ...     type_text("Duration(time_unit='ms')"),
    ...     type_text("Int64"),
    ... )
    ('Datetime in UTC', 'Duration', 'Int64')
    """
    zone = re.fullmatch(r"Datetime\(time_unit='..', time_zone='(.+)'\)", type)
    short = f"Datetime in {zone[1]}" if zone else re.sub(r"^(Datetime|Duration)\(.*", r"\1", type)
    return words.clean(short, most=60)


def _place(base: int, offset: float, column: ColumnProfile) -> str:
    return physical_text(base + int(offset) if base and offset == int(offset) else base + offset, column)


def _limits(column: ColumnProfile, base: int, low: float, high: float) -> tuple[float, float]:
    """Return the ends of the scale: the extremes where they are finite, else the ends that the sketch kept."""
    ends = (column.extremes.low, column.extremes.high) if column.extremes is not None else (None, None)
    known = [_as_physical(end, column) for end in ends]
    first, last = (None if v is None else float(v - base) for v in known)
    return (
        min(low, first) if first is not None and isfinite(first) else low,
        max(high, last) if last is not None and isfinite(last) else high,
    )


def _as_physical(value: Any, column: ColumnProfile) -> int | float | None:
    """Return an extreme as the number that the sketches hold for it; None where it has none."""
    if isinstance(value, bool | str | bytes) or value is None:
        return None
    if isinstance(value, datetime):
        naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
        value = naive - datetime(1970, 1, 1)
    if isinstance(value, timedelta):
        unit = _UNIT.search(column.type)
        return value // timedelta(microseconds=1) * _SECOND[unit[1] if unit else "us"] // 1_000_000
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days
    if isinstance(value, time):
        return (value.hour * 3600 + value.minute * 60 + value.second) * 1_000_000_000 + value.microsecond * 1000
    return value if isinstance(value, int | float) else float(value)


def _edges(low: float, high: float, bins: int, *, whole: bool) -> Any:
    """Return the edges of bins of one width; of whole numbers each bin holds equally many, or the picture would show a comb."""
    import numpy as np

    if low == high:
        return np.array([low - 0.5, low + 0.5])
    if whole and high - low < 2**52:
        step = max(1.0, float(np.ceil((high - low + 1) / bins)))
        return np.append(np.arange(low, high + 1, step), high + 1) - 0.5
    # Halves first: the span itself may be more than a float holds.
    return np.linspace(low / 2, high / 2, bins + 1) * 2


def is_constant(column: ColumnProfile) -> bool:
    """Return whether all values of a column on a scale are the same."""
    if column.extremes is None or column.extremes.low is None:
        first, last = column.quantiles.many([0.0, 1.0])  # type: ignore[union-attr, misc]
        return bool(first == last)
    return bool(column.extremes.low == column.extremes.high)


def ends_text(column: ColumnProfile) -> tuple[str, str]:
    """Return the least and the greatest value; where the exact ones are not known, those that the sketch kept."""
    if column.extremes is None or column.extremes.low is None:
        first, last = column.quantiles.many([0.0, 1.0])  # type: ignore[union-attr, misc]
        return physical_text(first, column), physical_text(last, column)
    low, high = column.extremes.low, column.extremes.high
    texts = typed_text(low), typed_text(high)
    # Two values that differ must not look the same.
    return texts if low == high or texts[0] != texts[1] else (words.value(low), words.value(high))


def typed_text(value: Any) -> str:
    """Return an extreme, which is in the column's own type."""
    if isinstance(value, bool | str | bytes) or value is None:
        return words.value(value)
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, timedelta):
        return _about(value)
    return words.value(value) if isinstance(value, date | time) else words.number(value)


def physical_text(value: Any, column: ColumnProfile) -> str:
    """Return a physical number as the value that it stands for: an instant, a span of time, or itself."""
    number = float(value)
    kind = column.kind.value
    try:
        if kind == "date":
            return (date(1970, 1, 1) + timedelta(days=number)).isoformat()
        if kind == "datetime":
            zone = UTC if "time_zone='" in column.type else None
            return _instant(datetime(1970, 1, 1, tzinfo=zone) + _time_span(number, column))
        if kind == "duration":
            return _about(_time_span(number, column))
        if kind == "time":
            return (datetime(1970, 1, 1) + timedelta(microseconds=number / 1000)).time().isoformat()
    except (OverflowError, ValueError):
        return words.number(number)
    return words.number(value.item() if hasattr(value, "item") else value)


def _time_span(number: float, column: ColumnProfile) -> timedelta:
    unit = _UNIT.search(column.type)
    return timedelta(seconds=number / _SECOND[unit[1] if unit else "us"])


def step_text(number: float, column: ColumnProfile) -> str:
    """Return a difference of two physical numbers as a span of time."""
    span = timedelta(days=float(number)) if column.kind.value == "date" else _time_span(float(number), column)
    return _about(span)


def _about(span: timedelta) -> str:
    """Return a span of time without the parts that are too small to matter beside it."""
    size = abs(span)
    if size < timedelta(seconds=1):
        return words.value(span)
    step = timedelta(seconds=1) if size >= timedelta(minutes=1) else timedelta(milliseconds=1)
    return words.value(round(span / step) * step)


def _instant(value: datetime) -> str:
    moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
    text = moment.isoformat(sep=" ", timespec="minutes" if not moment.second and not moment.microsecond else "seconds")
    return text.removesuffix(" 00:00") + ("Z" if value.tzinfo is not None and not text.endswith(" 00:00") else "")
