"""The schema that a profile suggests: what a careful person would write after looking at the data.

Nothing is written that a fresh sample of the same data would break: a set of values only where it has stopped growing,
a range rounded outward and only where the tail is light, uniqueness only where it is exact and no chance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from assay.data.kinds import Kind
from assay.profiles.profile import ColumnProfile, Profile
from assay.profiles.schema import NUMBER, DatasetSchema, Field, Role, Schema

__all__ = ["infer_schema"]

FEW = 30  # rows: with fewer values a column says nothing about its range
ENOUGH = 100  # rows: with fewer, that nothing was missing or repeated is no evidence
SET_SIZE = 60  # values: more are no closed set that a person would keep
EACH = 5  # times that the rarest value of a closed set occurs
PER_VALUE = 20  # rows for each value of a closed set
NUMBERS_SET = 12  # whole numbers that are codes and no amounts
LIGHT = 3.0  # the greatest value lies at most so many times as far from the median as the 99% quantile
CODE_CHARS = 40  # longer texts are no codes
TEXT_FORMATS = re.compile(r"\.(csv|tsv|txt|json|jsonl|ndjson)(\.gz)?$")
IDENTIFIER = re.compile(r"(^|[^a-z])(id|ids|key|uuid|guid|code|no|nr|number|num|index|serial)$|Id$|ID$")


def infer_schema(profile: Profile) -> Schema:
    """Return the schema that a profile suggests, of one dataset of the profile's name."""
    texts = any(TEXT_FORMATS.search(mark.source) for mark in profile.marks)
    roles = _roles(profile)
    columns = {name: _field(column, roles.get(name, ""), texts=texts) for name, column in profile.columns.items()}
    keys = (profile.roles.id,) if profile.roles.id else ()
    dataset = DatasetSchema(columns=columns, keys=keys)
    return Schema(
        datasets={profile.name: dataset},
        notes=(f"inferred from {profile.rows:,} rows of {profile.name}; read it before you rely on it",),
    )


def _roles(profile: Profile) -> dict[str, Role]:
    roles = profile.roles
    named: dict[str, Role] = dict.fromkeys(roles.sensitive, "sensitive")
    named |= dict.fromkeys(roles.id, "id")
    singles: tuple[tuple[str | None, Role], ...] = (
        (roles.time, "time"), (roles.label, "label"), (roles.prediction, "prediction"), (roles.split, "split"),
    )  # fmt: skip
    return named | {name: role for name, role in singles if name is not None}


def _field(column: ColumnProfile, role: Role, *, texts: bool) -> Field:
    told: dict[str, Any] = {
        "type": _type(column, texts=texts), "missing_share_at_most": _missing(column), "unique": _unique(column), "rising": _rising(column),
    }  # fmt: skip
    domain = {} if told["unique"] else _domain(column)
    if domain:
        told |= domain
    elif column.kind.is_number:
        told |= _whole_range(column) or _range(column)
    elif column.kind.is_temporal:
        told |= _since(column)
    elif column.kind is Kind.TEXT:
        told["matches"] = _pattern(column)
    return Field(role=role, **told)


def _type(column: ColumnProfile, *, texts: bool) -> str:
    """Return the kind as a word; text files do not tell 1.0 from 1, so a float of theirs may be any number."""
    if column.kind in (Kind.NULL, Kind.OTHER) or not column.counts.present:
        return ""
    return NUMBER if texts and column.kind is Kind.FLOAT else column.kind.value


def _missing(column: ColumnProfile) -> Decimal | int | None:
    """Return the greatest share of missing values to be expected: the share seen, and three standard errors."""
    n, k = column.counts.n, column.counts.missing
    if not k:
        return 0 if n >= ENOUGH else None
    upper = (k + 3 * math.sqrt(k * (1 - k / n) + 1) + 3) / n
    return None if upper >= 0.995 or n < FEW else _out(upper, up=True)


def _out(value: float, *, up: bool) -> Decimal:
    """Return a share rounded to one digit, or to two where the first is a 1, upward or downward."""
    place = math.floor(math.log10(abs(value)))
    digits = Decimal(1).scaleb(place - (1 if abs(value) / 10**place < 2 else 0))
    return (Decimal(repr(value)) / digits).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * digits


# Uniqueness and order.


def _unique(column: ColumnProfile) -> bool:
    """Return whether no value occurs twice, and that is no accident."""
    n, distinct = column.counts.present, column.distinct
    if (
        distinct is None
        or distinct.full
        or n < ENOUGH
        or distinct.count < n
        or column.kind in (Kind.FLOAT, Kind.DURATION, Kind.TIME)
    ):
        return False
    if column.kind is Kind.INTEGER and column.extremes is not None:
        span = int(column.extremes.high) - int(column.extremes.low) + 1
        return span <= n * n // 20 or bool(
            IDENTIFIER.search(column.name)
        )  # of so few numbers, ten pairs would meet by chance
    if column.kind is Kind.TEXT:
        return bool(IDENTIFIER.search(column.name)) or _coded(column)
    return column.kind.is_instant


def _coded(column: ColumnProfile) -> bool:
    """Return whether texts look like codes: short, with digits and without spaces."""
    if column.patterns is None or column.lengths is None or (column.lengths.high or 0) > CODE_CHARS:
        return False
    coded = sum(n for shape, n in column.patterns.counts.items() if "9" in shape and " " not in shape)
    return coded >= 0.99 * column.patterns.n


def _rising(column: ColumnProfile) -> Any:
    segments = column.order.segments if column.order is not None else ()
    if len(segments) != 1 or segments[0].n < ENOUGH or segments[0].falls or not segments[0].rises:
        return False
    return "strictly" if not segments[0].ties else True


# Sets and ranges.


def _listed(column: ColumnProfile) -> Mapping[Any, int]:
    """Return every value with its count; nothing where they are too many to be listed."""
    return column.frequent.counts if column.frequent is not None and column.frequent.exact else {}


def _domain(column: ColumnProfile) -> dict[str, Any]:
    """Return a set of few values with many rows each, and room for others where some were so rare that there may be more.

    The values never seen have about as many rows as those seen once (Good 1953): so much, and three standard errors.
    """
    counts = _listed(column)
    n = column.counts.present
    if not counts or len(counts) > SET_SIZE or n < max(ENOUGH, PER_VALUE * len(counts)):
        return {}
    rare = [count for count in counts.values() if count < EACH]
    if column.kind is Kind.INTEGER:
        codes = (
            2 <= len(counts) <= NUMBERS_SET
            and not _dense(counts)
            and min(counts.values()) >= max(EACH, n / len(counts) / 10)
        )
        return {"one_of": tuple(sorted(counts))} if codes else {}
    if not column.kind.is_text or sum(rare) > n / 100 or len(rare) > max(1, len(counts) / 3):
        return {}
    once = sum(count == 1 for count in counts.values())
    room = {"other_share_at_most": _out((once + 3 * math.sqrt(once + 1) + 3) / n, up=True)} if rare else {}
    return {"one_of": tuple(sorted(counts)), **room}


def _dense(counts: Mapping[int, int]) -> bool:
    return max(counts) - min(counts) + 1 == len(counts)


def _whole_range(column: ColumnProfile) -> dict[str, Any]:
    """Return the exact range of whole numbers without a hole whose ends do not thin out: months, hours, a scale."""
    counts = _listed(column)
    n = column.counts.present
    if (
        column.kind is not Kind.INTEGER
        or not 2 <= len(counts) <= SET_SIZE
        or not _dense(counts)
        or n < PER_VALUE * len(counts)
    ):
        return {}
    low, high = min(counts), max(counts)
    if min(counts[low], counts[high]) < max(n / len(counts) / 5, EACH):
        return {}
    return {"at_least": low, "at_most": high}


def _range(column: ColumnProfile) -> dict[str, Any]:
    """Return a range rounded outward on the sides where no tail reaches far, and 0 where the data leans on it."""
    extremes, quantiles = column.extremes, column.quantiles
    inner = None if quantiles is None else quantiles.many([0.01, 0.5, 0.99])
    if extremes is None or inner is None or column.counts.present < FEW or extremes.low is None:
        return {}
    low, high = float(extremes.low), float(extremes.high)
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return {}
    if low >= 0 and high <= 1 and high > 0.5 and column.kind is Kind.FLOAT:
        return {"at_least": 0, "at_most": 1}
    first, middle, last = inner.tolist()
    told: dict[str, Any] = {}
    if 0 <= low <= span * (0.25 if column.kind is Kind.INTEGER else 0.1):
        told["at_least"] = 0
    elif middle - low <= LIGHT * (middle - first) and (low < 0 or low > span / 2):
        told["at_least"] = _rounded(low - span / 2, span, up=False)
    if 0 <= -high <= span / 10:
        told["at_most"] = 0
    elif _numbered(column):
        return {key: bound for key, bound in told.items() if bound == 0}
    elif high - middle <= LIGHT * (last - middle) and (high > 0 or -high > span / 2):
        told["at_most"] = _rounded(high + span / 2, span, up=True)
    return told


def _numbered(column: ColumnProfile) -> bool:
    """Return whether whole numbers name things or instants, and will grow: most differ, or the name says so."""
    if column.kind is not Kind.INTEGER or column.distinct is None:
        return False
    return column.distinct.count >= column.counts.present / 2 or bool(IDENTIFIER.search(column.name))


def _rounded(value: float, span: float, *, up: bool) -> int | Decimal:
    """Return a bound rounded outward to the power of ten that the span has."""
    step = Decimal(1).scaleb(math.floor(math.log10(span)))
    rounded = (Decimal(repr(value)) / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * step
    return int(rounded) if rounded == rounded.to_integral_value() else rounded.normalize()


def _since(column: ColumnProfile) -> dict[str, Any]:
    """Return the first of January as long before the first instant as the data reaches after it, at least a year."""
    extremes = column.extremes
    if not column.kind.is_instant or extremes is None or extremes.low is None or column.counts.present < FEW:
        return {}
    year = extremes.low.year - max(1, extremes.high.year - extremes.low.year)
    return {"at_least": date(year, 1, 1)} if year >= 1 else {}


# Patterns.

_SIGNS = {"A": r"\p{Lu}", "a": r"\p{L}", "9": r"\d"}


def _pattern(column: ColumnProfile) -> str:
    """Return the regular expression of texts that all look alike, with a digit in them; nothing where they differ."""
    patterns, lengths = column.patterns, column.lengths
    if patterns is None or lengths is None or not patterns.exact or (lengths.high or 0) > 64 or lengths.empty:
        return ""
    # Shapes are seen in a sample, lengths in every row: one length throughout is evidence too.
    enough = patterns.n >= column.counts.present >= ENOUGH or patterns.n >= (
        ENOUGH if lengths.low == lengths.high else 1000
    )
    if not enough or len(patterns.counts) != 1:
        return ""
    shape = str(next(iter(patterns.counts)))
    if "9" not in shape:
        return ""
    runs = re.findall(r"[Aa9]\+", shape)
    width = (
        lengths.low - len(re.sub(r"[Aa9]\+", "", shape))
        if lengths.low == lengths.high and lengths.low is not None
        else 0
    )
    return "".join(_part(part, width if len(runs) == 1 else 0) for part in re.findall(r"[Aa9]\+?|.", shape, re.DOTALL))


def _part(part: str, width: int) -> str:
    if part[0] not in _SIGNS:
        return re.escape(part) if not part.isalnum() else part
    if not part.endswith("+"):
        return _SIGNS[part[0]]
    return _SIGNS[part[0]] + (f"{{{width}}}" if width else "+")
