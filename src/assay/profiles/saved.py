"""Profiles as files: versioned JSON in which every value keeps its type, and arrays are packed.

A value that JSON has no word for is an object with one telling key, {"decimal": "1.10"}; with a list under that key, it
is a list of such values. Sketches carry the name of the hash function they were made with, as merging needs it.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from assay.codec import atomic, convert, dump_json, json_schema, read_text, refuse_other_format
from assay.data.dataset import Roles
from assay.data.kinds import Kind
from assay.errors import ConfigError
from assay.profiles.profile import FORMAT, ColumnProfile, Profile
from assay.profiles.sketches import Distinct, Frequent, Histogram, Numbers, Quantiles, pack, unpack
from assay.profiles.states import Calendar, Counts, Extremes, Lengths, Moments, Order, Signs, Trues
from assay.verdict import Mark

__all__ = ["SCHEMA_ID", "is_profile", "load_profile", "profile_schema", "read_profile", "save_profile", "write_profile"]

SCHEMA_ID = f"urn:assay:profile:{FORMAT}"
KIND = "assay.profile"
_HINT = "the file was not written by assay profile, or was changed since; profile the data again"


class _Packed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    data: str


class _Quantiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    levels: tuple[tuple[_Packed, int], ...]
    n: int
    under: int
    over: int


class _Distinct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hashes: _Packed
    full: bool
    scheme: str


class _Histogram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    edges: _Packed
    counts: _Packed
    below: int
    above: int


class _Frequent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`values` in their own type, with their `counts` and, where not all are 0, what is `settled` of the error."""

    values: Any
    counts: tuple[int, ...]
    n: int
    error: int = 0
    settled: tuple[int, ...] = ()


class _Extremes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    low: Any
    high: Any


class _Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    kind: Kind
    type: str
    counts: Counts
    moments: Moments | None = None
    log_moments: Moments | None = None
    signs: Signs | None = None
    extremes: _Extremes | None = None
    quantiles: _Quantiles | None = None
    histogram: _Histogram | None = None
    distinct: _Distinct | None = None
    frequent: _Frequent | None = None
    trues: Trues | None = None
    lengths: Lengths | None = None
    patterns: _Frequent | None = None
    sizes: _Histogram | None = None
    tokens: _Frequent | None = None
    calendar: Calendar | None = None
    order: Order | None = None
    failed: dict[str, str] = {}


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a profile's file holds."""

    kind: str
    format: int
    name: str
    rows: int
    roles: Roles
    marks: tuple[Mark, ...]
    columns: tuple[_Column, ...]


def save_profile(profile: Profile, path: str | Path) -> None:
    """Write a profile as JSON, whole or not at all; raise `UsageError` where the folder cannot be written."""
    text = write_profile(profile)
    with atomic(path) as stream:
        stream.write(text)


def write_profile(profile: Profile) -> str:
    """Return a profile as the JSON text that `read_profile` reads back to the same profile."""
    columns = tuple(_written(column) for column in profile.columns.values())
    record = _File(KIND, FORMAT, profile.name, profile.rows, profile.roles, profile.marks, columns)
    return dump_json(_spoken(msgspec.to_builtins(record, builtin_types=(*_TAGS, datetime))), indent=0)


def is_profile(path: str | Path) -> bool:
    """Return whether a file looks like a saved profile, from its first bytes; False where there is none."""
    if not str(path).endswith(".json"):
        return False
    try:
        with open(path, "rb") as stream:
            return f'"kind":"{KIND}"'.encode() in stream.read(256).replace(b" ", b"")
    except OSError:
        return False


def load_profile(path: str | Path) -> Profile:
    """Return the profile of a file.

    Raises `UsageError` where there is no such file, and `ConfigError` with file and place where it is not JSON, not a
    profile, of a newer format, or has a field that does not fit.
    """
    return read_profile(read_text(path), file=str(path))


def read_profile(text: str, *, file: str = "<text>") -> Profile:
    """Return the profile that JSON text holds; see `load_profile`."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError(f"this is not JSON: {error}", place=file, hint=_HINT) from None
    _recognize(value, file)
    try:
        record = convert(_heard(value, ""), _File, file=file)
        columns = [_read(column, f"columns[{i}]") for i, column in enumerate(record.columns)]
    except ConfigError as error:
        raise ConfigError(error.message, place=error.place, hint=error.hint or _HINT) from None
    except _BrokenError as error:
        raise ConfigError(str(error), place=f"{file}: {error.where}", hint=_HINT) from None
    return Profile(record.name, record.rows, {column.name: column for column in columns}, record.marks, record.roles)


def _recognize(value: Any, file: str) -> None:
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind != KIND:
        found = f"kind is {kind!r}" if kind else "the file holds something else"
        raise ConfigError(
            f"this is not a profile: {found}",
            place=file,
            hint="give a file that assay profile DATA -o profile.json wrote",
        )
    refuse_other_format(value.get("format"), FORMAT, place=f"{file}: format", older="profile the data again")


def profile_schema() -> str:
    """Return the JSON Schema (draft 2020-12) of a saved profile, as text."""
    schema = json_schema(_File)
    return (
        dump_json({"$schema": schema.pop("$schema"), "$id": SCHEMA_ID, "title": "A profile of Assay", **schema})
        .replace('"_', '"')
        .replace("/_", "/")
    )


# From states to records and back.


def _written(column: ColumnProfile) -> _Column:
    told = {name: getattr(column, name) for name in ColumnProfile.__struct_fields__}
    for name, write in _WRITERS.items():
        told[name] = None if told[name] is None else write(told[name])
    return _Column(**told)


def _packed(values: Numbers) -> _Packed:
    return _Packed(**pack(values))


def _frequent_written(state: Frequent) -> _Frequent:
    settled = tuple(state.settled.get(value, 0) for value in state.counts) if state.settled else ()
    return _Frequent(list(state.counts), tuple(state.counts.values()), state.n, state.error, settled)


def _histogram_written(state: Histogram) -> _Histogram:
    return _Histogram(_packed(state.edges), _packed(state.counts), state.below, state.above)


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "extremes": lambda s: _Extremes([s.low], [s.high]),
    "quantiles": lambda s: _Quantiles(tuple((_packed(v), w) for v, w in s.levels), s.n, s.under, s.over),
    "histogram": _histogram_written,
    "sizes": _histogram_written,
    "distinct": lambda s: _Distinct(_packed(s.hashes), s.full, s.scheme),
    "frequent": _frequent_written,
    "patterns": _frequent_written,
    "tokens": _frequent_written,
}


class _BrokenError(Exception):
    """Say that a value of the file is not what its tag says, and where."""

    def __init__(self, message: str, *, where: str) -> None:
        super().__init__(message)
        self.where = where


def _read(record: _Column, where: str) -> ColumnProfile:
    told = {name: getattr(record, name) for name in ColumnProfile.__struct_fields__}
    for name, read in _READERS.items():
        if told[name] is not None:
            try:
                told[name] = read(told[name])
            except ValueError as error:
                raise _BrokenError(str(error), where=f"{where} ({record.name!r}).{name}") from None
    return ColumnProfile(**told)


def _unpacked(packed: _Packed, kinds: str = "iuf") -> Numbers:
    values = unpack({"type": packed.type, "data": packed.data})
    if values.dtype.kind not in kinds:
        raise ValueError(f"an array of {values.dtype} stands where numbers of another kind belong")
    return values


def _extremes_read(record: _Extremes) -> Extremes:
    if not (
        isinstance(record.low, list) and isinstance(record.high, list) and len(record.low) == len(record.high) == 1
    ):
        raise ValueError("low and high are lists of one value")
    return Extremes(record.low[0], record.high[0])


def _frequent_read(record: _Frequent) -> Frequent:
    if not isinstance(record.values, list) or len(record.values) != len(record.counts):
        raise ValueError("there are not as many counts as values")
    if record.settled and len(record.settled) != len(record.counts):
        raise ValueError("there are not as many settled rows as values")
    settled = {value: rows for value, rows in zip(record.values, record.settled, strict=False) if rows}
    return Frequent(dict(zip(record.values, record.counts, strict=True)), record.n, record.error, settled)


def _histogram_read(record: _Histogram) -> Histogram:
    edges, counts = _unpacked(record.edges), _unpacked(record.counts, "iu")
    if len(counts) != max(len(edges) - 1, min(len(edges), 1)):
        raise ValueError(f"{len(edges)} edges make {len(edges) - 1} bins, and there are {len(counts)}")
    return Histogram(edges, counts, record.below, record.above)


_READERS: dict[str, Callable[[Any], Any]] = {
    "extremes": _extremes_read,
    "quantiles": lambda r: Quantiles(tuple((_unpacked(v), w) for v, w in r.levels), r.n, r.under, r.over),
    "histogram": _histogram_read,
    "sizes": _histogram_read,
    "distinct": lambda r: Distinct(_unpacked(r.hashes, "u"), r.full, r.scheme),
    "frequent": _frequent_read,
    "patterns": _frequent_read,
    "tokens": _frequent_read,
}

# From values to JSON and back: what JSON has no word for gets a tag.


def _spoken(value: Any) -> Any:
    """Return plain data in which every leaf is one of JSON's own."""
    if isinstance(value, dict):
        return {key: _spoken(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        tags = {_tag(item) for item in value}
        if len(tags) == 1 and (tag := tags.pop())[0]:
            return {f"${tag[0]}": [_text(item) for item in value], **({"zone": tag[1]} if tag[1] else {})}
        return [_spoken(item) for item in value]
    name, zone = _tag(value)
    return {f"${name}": _text(value), **({"zone": zone} if zone else {})} if name else value


def _tag(value: Any) -> tuple[str, str]:
    """Return the tag of a value and the name of its time zone; empty where JSON has a word for it."""
    if isinstance(value, float):
        return ("" if math.isfinite(value) else "float", "")
    if isinstance(value, int):
        return ("" if -(2**63) <= value < 2**63 else "int", "")
    if isinstance(value, datetime):
        return "datetime", getattr(value.tzinfo, "key", "")
    return next((name for kind, name in _TAGS.items() if isinstance(value, kind)), ""), ""


_TAGS: dict[type, str] = {date: "date", time: "time", timedelta: "duration", Decimal: "decimal", bytes: "bytes"}


def _text(value: Any) -> str | int:
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _heard(value: Any, where: str) -> Any:
    """Return data of `_spoken` with its typed values again; raise `_BrokenError` where a tag's text does not fit."""
    if isinstance(value, list):
        return (
            [_heard(item, f"{where}[{i}]") for i, item in enumerate(value)]
            if any(isinstance(v, dict | list) for v in value)
            else value
        )
    if not isinstance(value, dict):
        return value
    tag = next(iter(value), "")
    if not tag.startswith("$"):
        return {key: _heard(item, f"{where}.{key}".lstrip(".")) for key, item in value.items()}
    told = value[tag]
    try:
        make = _MAKERS[tag](value.get("zone", ""))
        return [make(item) for item in told] if isinstance(told, list) else make(told)
    except (KeyError, TypeError, ValueError, OverflowError, InvalidOperation, binascii.Error, ZoneInfoNotFoundError):
        shown = str(told[:3] if isinstance(told, list) else told)
        raise _BrokenError(f"{shown[:80]} is not a list of {tag} values, or not one", where=where or "$") from None


def _zoned(zone: str) -> Callable[[str], datetime]:
    place = ZoneInfo(zone) if zone else None

    def make(text: str) -> datetime:
        written = datetime.fromisoformat(text)
        if place is None:
            return written
        # Not by way of UTC, which the ends of the calendar have not; the offset tells the two hours of an autumn night apart.
        local = written.replace(tzinfo=place)
        return local if local.utcoffset() == written.utcoffset() else local.replace(fold=1)

    return make


_MAKERS: dict[str, Callable[[str], Callable[[Any], Any]]] = {
    "$float": lambda _: float,
    "$int": lambda _: int,
    "$decimal": lambda _: Decimal,
    "$date": lambda _: date.fromisoformat,
    "$time": lambda _: time.fromisoformat,
    "$datetime": _zoned,
    "$duration": lambda _: lambda micros: timedelta(microseconds=micros),
    "$bytes": lambda _: lambda text: base64.b64decode(text, validate=True),
}
