"""From a profile to a page: every column on one line with its shape, then a card for each."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from assay.reports import words
from assay.reports.page import (
    Bar,
    Bars,
    Block,
    Card,
    Cell,
    Code,
    Column,
    Details,
    Grid,
    Heading,
    Histogram,
    KeyValues,
    Page,
    Part,
    Share,
    StackedShare,
    Table,
    Text,
)
from assay.reports.shapes import distribution, ends_text, is_constant, physical_text, step_text, type_text

if TYPE_CHECKING:
    from assay.profiles.profile import ColumnProfile, Profile
    from assay.profiles.states import Moments

__all__ = ["column_card", "profile_page"]

BINS = 40
SMALL_BINS = 16
TOP = 6
RARE = 0.01
SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def profile_page(profile: Profile) -> Page:
    """Return a profile as a page: where values are missing, a line for each column, and the columns in detail."""
    columns = tuple(profile.columns.values())
    roles = _roles(profile)
    blocks: list[Block] = []
    if not columns:
        blocks.append(Text("The dataset has no columns."))
    blocks += _missing(columns)
    titles = (
        Column("Column"),
        Column("Kind"),
        Column("Missing"),
        Column("Distinct", number=True),
        Column("Shape"),
        Column("Range"),
        Column("Most frequent"),
    )
    if columns:
        blocks.append(Heading("Columns"))
        blocks.append(Table(titles, tuple(_line(column) for column in columns)))
        cards = Grid(tuple(column_card(column, role=roles.get(column.name, "")) for column in columns))
        brief = "histogram, quantiles, frequent values, lengths, patterns, order and gaps"
        blocks.append(Details("Each column in detail", (cards,), brief=brief, open=True))
    sources = list(dict.fromkeys(words.clean(mark.source, most=200) for mark in profile.marks))
    context = [words.plural(profile.rows, "row"), words.plural(len(columns), "column"), words.listed(sources, most=3)]
    return Page(
        words.clean(profile.name, most=300),
        tuple(blocks),
        kind="profile",
        context=" · ".join(part for part in context if part),
    )


def column_card(column: ColumnProfile, *, role: str = "") -> Card:
    """Return one column as a card: its picture, then what is known in numbers."""
    blocks: list[Block] = []
    picture = _picture(column)
    if picture is not None:
        blocks.append(picture)
    blocks.append(KeyValues((*_counted(column), *_measured(column), *_worded(column), *_ordered(column))))
    blocks += [
        Text(f"{field} was not measured: {words.clean(why)}", quiet=True)
        for field, why in sorted(column.failed.items())
    ]
    note = ", ".join(part for part in (type_text(column.type), role) if part)
    return Card((Code(words.name(column.name)),), tuple(blocks), note=note)


def _roles(profile: Profile) -> dict[str, str]:
    roles = profile.roles
    single = {"time": roles.time, "label": roles.label, "prediction": roles.prediction, "split": roles.split}
    named = {name: role for role, name in single.items() if name is not None}
    return named | dict.fromkeys(roles.sensitive, "sensitive") | dict.fromkeys(roles.id, "id")


def _missing(columns: Sequence[ColumnProfile]) -> list[Block]:
    holed = sorted(
        (column for column in columns if column.counts.missing),
        key=lambda c: c.counts.missing / c.counts.n,
        reverse=True,
    )
    if len(holed) < 2:
        return []
    bars = tuple(Bar((Code(words.name(c.name)),), c.counts.missing / c.counts.n, _missing_text(c)) for c in holed[:10])
    note = f"and {len(holed) - 10:,} more columns with missing values" if len(holed) > 10 else ""
    return [Bars("Rows without a value", bars, note)]


def _missing_text(column: ColumnProfile) -> str:
    counts = column.counts
    if not counts.missing:
        return "none"
    kinds = {"null": counts.nulls, "NaN": counts.nans, "declared missing": counts.sentinels}
    parts = [f"{n:,} {kind}" for kind, n in kinds.items() if n]
    return f"{words.share(counts.missing / counts.n)}, {', '.join(parts)}"


def _line(column: ColumnProfile) -> tuple[Cell, ...]:
    counts = column.counts
    missing = Share(counts.missing / counts.n, words.share(counts.missing / counts.n)) if counts.missing else "none"
    return (
        Code(words.name(column.name)),
        column.kind.value,
        missing,
        _distinct(column),
        _shape(column),
        _span(column),
        _most_frequent(column),
    )


def _distinct(column: ColumnProfile) -> str | None:
    if column.trues is not None:
        return str((column.trues.trues > 0) + (column.trues.trues < column.trues.n))
    if column.distinct is None:
        return None
    return f"{'about ' if column.distinct.relative_error else ''}{_distinct_count(column):,}"


def _distinct_count(column: ColumnProfile) -> int:
    counted = column.distinct_count.value
    return counted if isinstance(counted, int) else 0


def _span(column: ColumnProfile) -> str:
    if column.quantiles is not None and column.quantiles.n:
        low, high = ends_text(column)
        middle = physical_text(column.quantiles.many([0.5])[0], column)  # type: ignore[index]
        return f"always {low}" if is_constant(column) else f"{low} … {middle} … {high}"
    return _length_span(column)


def _most_frequent(column: ColumnProfile) -> Cell:
    if column.trues is not None and column.trues.n:
        return f"true {words.share(column.trues.trues / column.trues.n)}"
    top = _frequent(column, 1)
    return f"{_counted_value(top[0][0], column)} ({words.share(top[0][1])})" if top else None


def _frequent(column: ColumnProfile, most: int) -> list[tuple[Any, float]]:
    """Return the most frequent values with their shares of the values there are; none where each value is rare."""
    top = column.frequent.top(most) if column.frequent is not None else []
    present = column.counts.present
    if not top or not present or top[0][1] <= 1 or top[0][1] / present < RARE:
        return []
    return [(value, min(n / present, 1.0)) for value, n in top]


def _counted_value(value: Any, column: ColumnProfile) -> str:
    if column.kind.is_temporal and isinstance(value, int | float):
        return physical_text(value, column)
    if isinstance(value, float) and column.kind.is_number:
        return words.number(value)
    return words.value(value, most=40)


def _shape(column: ColumnProfile) -> Histogram | None:
    if column.quantiles is not None and column.quantiles.n:
        return distribution(column, bins=SMALL_BINS)
    shares = [share for _, share in _frequent(column, SMALL_BINS)]
    if len(shares) < 2:
        return None
    return Histogram("most frequent values", tuple(float(i) for i in range(len(shares) + 1)), tuple(shares))


def _picture(column: ColumnProfile) -> Block | None:
    if column.trues is not None and column.counts.n:
        trues, falses, missing = column.trues.trues, column.trues.n - column.trues.trues, column.counts.missing
        parts = [
            Part("true", trues, words.share(trues / column.counts.n)),
            Part("false", falses, words.share(falses / column.counts.n)),
        ]
        parts += [Part("missing", missing, words.share(missing / column.counts.n))] if missing else []
        return StackedShare("", tuple(parts))
    if column.quantiles is not None and column.quantiles.n:
        return distribution(column, bins=BINS)
    return _top(column)


def _top(column: ColumnProfile) -> Bars | None:
    top = _frequent(column, TOP)
    if not top:
        return None
    bars = tuple(
        Bar((Code(_counted_value(value, column)),), share / top[0][1], words.share(share)) for value, share in top
    )
    rest = 1 - sum(share for _, share in top)
    note = f"all other values {words.share(rest)}" if rest > 1e-9 else ""
    error = column.frequent.error if column.frequent is not None else 0
    return Bars("", bars, f"{note}; counts are at most {error:,} too low" if error and note else note)


def _counted(column: ColumnProfile) -> list[tuple[str, Cell]]:
    counts = column.counts
    items: list[tuple[str, Cell]] = [
        ("missing", Share(counts.missing / counts.n, _missing_text(column)) if counts.missing else "none")
    ]
    if column.distinct is not None:
        error = column.distinct.relative_error
        items.append(("distinct", f"{_distinct_count(column):,}" + (f", ±{words.share(error)}" if error else "")))
    if column.signs is not None:
        signs = {
            "zero": column.signs.zeros,
            "negative": column.signs.negatives,
            "∞": column.signs.plus_inf,
            "-∞": column.signs.minus_inf,
        }
        parts = [f"{n:,} {word}" for word, n in signs.items() if n]
        items += [("signs", ", ".join(parts))] if parts else []
    return items


def _measured(column: ColumnProfile) -> list[tuple[str, Cell]]:
    if column.quantiles is None or not column.quantiles.n:
        return []
    low, high = ends_text(column)
    constant = is_constant(column)
    items: list[tuple[str, Cell]] = [("range", f"always {low}" if constant else f"{low} to {high}")]
    moments = column.moments
    if not constant and moments is not None and column.kind.is_number:
        items += _moments(moments)
    if not constant:
        values = column.quantiles.many(list(SHARES))
        error = column.quantiles.rank_error
        shown = " · ".join(f"{share:.0%} {physical_text(v, column)}" for share, v in zip(SHARES, values, strict=True))  # type: ignore[arg-type]
        items.append(("quantiles", shown + (f" (ranks ±{words.share(error)})" if error else "")))
        top = [f"{_counted_value(value, column)} ({words.share(share)})" for value, share in _frequent(column, 4)]
        items += [("frequent", ", ".join(top))] if top else []
    return items


def _moments(moments: Moments) -> list[tuple[str, Cell]]:
    if not isfinite(moments.mean):
        return [("mean", "beyond what a float holds")]
    spread = f" ± {words.number(moments.std)}" if moments.std is not None else ""
    items: list[tuple[str, Cell]] = [("mean", f"{words.number(moments.mean)}{spread}")]
    if moments.skewness is not None and moments.kurtosis is not None:
        items.append(
            ("skewness", f"{words.number(moments.skewness)}, excess kurtosis {words.number(moments.kurtosis)}")
        )
    return items


def _worded(column: ColumnProfile) -> list[tuple[str, Cell]]:
    items: list[tuple[str, Cell]] = []
    lengths = column.lengths
    if lengths is not None and lengths.low is not None:
        mean = f", {words.number(lengths.moments.mean)} on average" if lengths.low != lengths.high else ""
        items.append(("length", _length_span(column) + mean + (f"; {lengths.empty:,} empty" if lengths.empty else "")))
    if column.patterns is not None and column.patterns.counts:
        total = max(column.patterns.n, 1)
        seen = ", ".join(
            f"{words.value(value, most=40)} ({words.share(min(n / total, 1.0))})" for value, n in column.patterns.top(4)
        )
        items.append(("patterns", seen))
    return items


def _length_span(column: ColumnProfile) -> str:
    if column.lengths is None or column.lengths.low is None or column.lengths.high is None:
        return ""
    what = "character" if column.kind.is_text else "item" if column.kind.is_nested else "byte"
    longest = words.plural(column.lengths.high, what)
    return longest if column.lengths.low == column.lengths.high else f"{column.lengths.low:,} to {longest}"


def _ordered(column: ColumnProfile) -> list[tuple[str, Cell]]:
    if column.order is None or len(column.order.segments) != 1 or column.order.whole.n < 2:
        return []
    whole = column.order.whole
    if whole.falls:
        said = f"{whole.falls:,} of {whole.n - 1:,} steps go back"
    else:
        said = "each row is later than the one before" if not whole.ties else "no row is earlier than the one before"
    items: list[tuple[str, Cell]] = [("order", said)]
    if whole.widest_row is not None and whole.widest > 0:
        items.append(("widest step", f"{step_text(whole.widest, column)}, to row {whole.widest_row}"))
    return items
