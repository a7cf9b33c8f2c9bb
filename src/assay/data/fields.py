"""What type the texts of a column are: the first of `TYPES` that every value fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from assay.data.names import col

__all__ = ["MISSING", "Finding", "read_as", "together", "typed_natively", "types_of"]

# What stands for a missing value in a column whose other values are numbers, dates, instants or booleans.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "None", "none", "?", "-", "nil")
SAMPLE_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Type:
    """A type that text can be: how it is read (null where it is not that), and whether Polars' own reader may do so."""

    name: str
    dtype: pl.DataType
    read: Callable[[pl.Expr], pl.Expr]
    native: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What a column of texts is: the type's name (None while every value is missing), and the words found for missing."""

    type: str | None
    missing: Mapping[str, int]

    @property
    def dtype(self) -> pl.DataType:
        """Return the Polars type: null where there is no value at all."""
        if self.type is None:
            return pl.String() if self.missing else pl.Null()
        return TYPES[self.type].dtype if self.type in TYPES else pl.String()

    def notes(self, name: str) -> list[str]:
        """Return what a person should know about how the column was read."""
        shown = ", ".join(f"{word!r} ({count:,})" for word, count in self.missing.items() if word)
        return [f"{name!r}: read as missing: {shown}"] if shown and self.type in TYPES else []


def _number(dtype: pl.DataType) -> Callable[[pl.Expr], pl.Expr]:
    def read(text: pl.Expr) -> pl.Expr:
        code = text.str.starts_with("0") & (text.str.len_bytes() > 1) & ~text.str.starts_with("0.")
        signed = text.str.starts_with("-0") & (text.str.len_bytes() > 2) & ~text.str.starts_with("-0.")
        return pl.when(code | signed).then(None).otherwise(text.cast(dtype, strict=False))

    return read


def _boolean(text: pl.Expr) -> pl.Expr:
    words = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
    return text.replace_strict(words, default=None, return_dtype=pl.Boolean)


def _date(text: pl.Expr) -> pl.Expr:
    whole = text.str.len_bytes() == 10
    return pl.when(whole).then(text).otherwise(None).str.to_date("%Y-%m-%d", strict=False)


def _instant(*forms: str) -> Callable[[pl.Expr], pl.Expr]:
    def read(text: pl.Expr) -> pl.Expr:
        whole = pl.when(text.str.len_bytes() >= 10).then(text).otherwise(None)
        spaced = whole.str.replace("T", " ", literal=True)
        return pl.coalesce([spaced.str.to_datetime(form, strict=False, time_unit="us") for form in forms])

    return read


def _time(text: pl.Expr) -> pl.Expr:
    whole = pl.when(text.str.len_bytes() >= 8).then(text).otherwise(None)
    return whole.str.to_time("%H:%M:%S%.f", strict=False)


_TABLE = (
    Type("boolean", pl.Boolean(), _boolean, native=True),
    Type("integer", pl.Int64(), _number(pl.Int64()), native=True),
    Type("big integer", pl.Int128(), _number(pl.Int128()), native=True),
    Type("number", pl.Float64(), _number(pl.Float64()), native=True),
    Type("date", pl.Date(), _date),
    Type("instant", pl.Datetime("us"), _instant("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")),
    Type("zoned instant", pl.Datetime("us", "UTC"), _instant("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z")),
    Type("time", pl.Time(), _time),
)
TYPES = {type.name: type for type in _TABLE}
EVERY = tuple(TYPES)


def types_of(
    text: pl.LazyFrame, names: Sequence[str], *, kinds: Sequence[str] = EVERY
) -> tuple[dict[str, Finding], int, bool]:
    """Return each column's type over all rows, the number of rows, and whether the last column has an empty value.

    A sample proposes the type; a streaming pass over all rows confirms it; only columns that fail it are asked again.
    """
    sample = text.head(SAMPLE_ROWS).collect(engine="streaming")
    proposed = _judge(sample.lazy(), dict.fromkeys(names, kinds))
    # Even where the sample has every row, they are all read once more in full: a file cut off in a quoted value gives
    # Polars an error then, and silently fewer rows under `head`.
    likely = {name: _candidates(finding, kinds) for name, finding in proposed.items()}
    full = _count(text, likely)
    confirmed = {name: _choose(full, index, asked) for index, (name, asked) in enumerate(likely.items())}
    doubtful = [name for name in names if confirmed[name].type == "text" and proposed[name].type != "text"]
    again = _judge(text, dict.fromkeys(doubtful, kinds)) if doubtful else {}
    rows = int(full["rows"])
    return {**confirmed, **again}, rows, bool(names) and full[f"{len(names) - 1} n"] < rows


def _candidates(finding: Finding, kinds: Sequence[str]) -> Sequence[str]:
    if finding.type is None:
        return kinds
    return [finding.type] if finding.type in TYPES else []


def _judge(text: pl.LazyFrame, kinds: Mapping[str, Sequence[str]]) -> dict[str, Finding]:
    counts = _count(text, kinds)
    return {name: _choose(counts, index, names) for index, (name, names) in enumerate(kinds.items())}


def _count(text: pl.LazyFrame, kinds: Mapping[str, Sequence[str]]) -> Mapping[str, int]:
    """Return, from one pass, how many values column i has (`i n`), how many fit each kind, and each word for missing."""
    asked = [pl.len().alias("rows")]
    for index, (name, names) in enumerate(kinds.items()):
        asked.append(col(name).count().alias(f"{index} n"))
        asked.extend(TYPES[kind].read(col(name)).count().alias(f"{index} is {kind}") for kind in names)
        asked.extend((col(name) == word).sum().alias(f"{index} word {word}") for word in MISSING if names)
    return text.select(asked).collect(engine="streaming").row(0, named=True)


def _choose(counts: Mapping[str, int], index: int, kinds: Sequence[str]) -> Finding:
    if not kinds:
        return Finding("text", {})
    words = {word: n for word in MISSING if (n := counts[f"{index} word {word}"])}
    values = counts[f"{index} n"] - sum(words.values())
    if values == 0:
        return Finding(None, words)
    fitting = (kind for kind in kinds if counts[f"{index} is {kind}"] == values)
    kind = next(fitting, None)
    return Finding("text", {}) if kind is None else Finding(kind, words)


def together(findings: Sequence[Finding]) -> Finding:
    """Return what a column is that several files hold: the narrowest type that reads all of them, else text."""
    types = {finding.type for finding in findings if finding.type is not None}
    words: dict[str, int] = {}
    for finding in findings:
        for word, count in finding.missing.items():
            words[word] = words.get(word, 0) + count
    if not types:
        return Finding(None, words)
    if len(types) == 1:
        return Finding(types.pop(), words)
    for wide, narrow in _WIDER.items():
        if types <= {wide, *narrow}:
            return Finding(wide, words)
    return Finding("text", {})


_WIDER = {"big integer": ("integer",), "number": ("integer", "big integer"), "instant": ("date",)}


def typed_natively(finding: Finding) -> pl.DataType:
    """Return the type that Polars' own reader is to read the column as: text where we read it ourselves."""
    return (
        finding.dtype if not finding.missing and finding.type in TYPES and TYPES[finding.type].native else pl.String()
    )


def read_as(name: str, finding: Finding) -> pl.Expr:
    """Return the expression that reads a text column as the type that was found over all its values."""
    text = col(name)
    if finding.type not in TYPES:
        return text.cast(finding.dtype, strict=True).alias(name)
    if finding.missing:
        text = pl.when(text.is_in(list(finding.missing))).then(None).otherwise(text)
    return TYPES[finding.type].read(text).alias(name)
