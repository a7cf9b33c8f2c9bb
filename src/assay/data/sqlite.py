"""Rows of a query on an SQLite file. SQLite types values, not columns, so a column's type is found over all its values.

A column whose values are all integers is integers, reals are floats, texts are text, blobs are binary; integers and
reals together are floats, anything else together is text. What the table declares then says more: 0 and 1 declared
BOOLEAN are booleans; ISO texts declared DATE, DATETIME or TIMESTAMP are dates and instants.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import polars as pl

from assay.data.fields import TYPES, read_as, types_of
from assay.data.names import col, unique_names
from assay.data.rows import Query, Rows, no_table, wrong_sql
from assay.data.spool import spool_batches
from assay.errors import DataError

__all__ = ["fetch", "tables"]

BATCH_ROWS = 65_536
CLASSES = ("integer", "real", "text", "blob")
VIEW = "temp.assay_rows"


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of a result: its place, its unique name, what its table declares, and what its values are.

    `counts` says how many values there are of each class, `beyond_boolean` how many integers are neither 0 nor 1, and
    `beyond_float` how many integers no float holds exactly.
    """

    index: int
    name: str
    declared: str
    counts: dict[str, int]
    beyond_boolean: int
    beyond_float: int

    @property
    def dtype(self) -> pl.DataType:
        classes = {name for name in CLASSES if self.counts[name]}
        if not classes:
            return next((dtype for word, dtype in _DECLARED if re.search(word, self.declared)), pl.Null())
        if classes == {"integer", "real"} and self.beyond_float:
            return pl.String()
        if classes == {"integer"} and not self.beyond_boolean and re.match(r"(?i)bool", self.declared):
            return pl.Boolean()
        return _BY_CLASS.get(frozenset(classes), pl.String())

    @property
    def is_mixed(self) -> bool:
        return len([name for name in CLASSES if self.counts[name]]) > 1 and isinstance(self.dtype, pl.String)


_BY_CLASS: dict[frozenset[str], pl.DataType] = {
    frozenset({"integer"}): pl.Int64(),
    frozenset({"real"}): pl.Float64(),
    frozenset({"integer", "real"}): pl.Float64(),
    frozenset({"text"}): pl.String(),
    frozenset({"blob"}): pl.Binary(),
}


# What a column without any value is: the first word that its declaration has.
_DECLARED: tuple[tuple[str, pl.DataType], ...] = (
    ("(?i)bool", pl.Boolean()),
    ("(?i)int", pl.Int64()),
    ("(?i)char|text|clob", pl.String()),
    ("(?i)real|floa|doub|num|dec", pl.Float64()),
    ("(?i)blob", pl.Binary()),
    ("(?i)datetime|timestamp", pl.Datetime("us")),
    ("(?i)date", pl.Date()),
)


def fetch(query: Query) -> Rows:
    """Return a query's rows, from two passes in one snapshot: one for the types, one for the rows."""
    with _connected(query.target, query.place) as connection:
        try:
            columns = _columns(connection, query)
            schema = pl.Schema({column.name: column.dtype for column in columns})
            copy = spool_batches(_batches(connection, columns, schema, query), schema, place=query.place)
        except sqlite3.Error as error:
            raise _told(query, error) from None
    notes = [
        f"{column.name!r}: {' and '.join(name for name in CLASSES if column.counts[name])} values, read as text"
        for column in columns
        if column.is_mixed
    ]
    dated = [
        column.name
        for column in columns
        if re.match(r"(?i)date|time", column.declared) and isinstance(column.dtype, pl.String)
    ]
    found = (
        types_of(copy.scan().select(map(col, dated)), dated, kinds=("date", "instant", "zoned instant", "time"))[0]
        if dated
        else {}
    )
    reads = [read_as(name, finding) for name, finding in found.items() if finding.type in TYPES]
    notes += [note for name, finding in found.items() for note in finding.notes(name)]
    return Rows(copy, lambda rows: rows.with_columns(reads) if reads else rows, tuple(notes))


def _told(query: Query, error: sqlite3.Error) -> Exception:
    missing = re.search(r"no such table: (\S+)", str(error))
    if missing:
        return no_table(query, missing[1])
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in str(error) or "not a database" in str(error)):
        return DataError(f"the file cannot be read: {error}", place=query.place)
    if "decode" in str(error).lower():
        return DataError(f"a text is not UTF-8: {error}", place=query.place)
    return wrong_sql(query, str(error))


@contextmanager
def _connected(path: str, place: str) -> Iterator[sqlite3.Connection]:
    try:
        # The rows are asked for by Polars' threads, one after the other.
        connection = sqlite3.connect(
            f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise DataError(f"the database cannot be opened: {error}", place=place) from None
    try:
        yield connection
    finally:
        connection.close()


def _columns(connection: sqlite3.Connection, query: Query) -> list[_Column]:
    connection.execute("BEGIN")
    connection.execute(f"CREATE TEMP VIEW assay_rows AS {query.sql}")
    info = connection.execute("PRAGMA temp.table_info('assay_rows')").fetchall()
    given = [str(row[1]) for row in info]
    asked = ["count(*)"]
    for name in given:
        asked += [f"sum(typeof({_quoted(name)}) = '{kind}')" for kind in CLASSES]
        integer = f"typeof({_quoted(name)}) = 'integer'"
        asked.append(f"sum({integer} AND {_quoted(name)} NOT IN (0, 1))")
        asked.append(f"sum({integer} AND {_quoted(name)} NOT BETWEEN -9007199254740992 AND 9007199254740992)")
    counted = connection.execute(f"SELECT {', '.join(asked)} FROM {VIEW}").fetchone()
    width = len(CLASSES) + 2
    columns = []
    for index, (row, name) in enumerate(zip(info, unique_names(given), strict=True)):
        part = [int(value or 0) for value in counted[1 + index * width : 1 + (index + 1) * width]]
        counts = dict(zip(CLASSES, part, strict=False))
        columns.append(_Column(index, name, str(row[2] or ""), counts, beyond_boolean=part[-2], beyond_float=part[-1]))
    return columns


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _batches(
    connection: sqlite3.Connection, columns: Sequence[_Column], schema: pl.Schema, query: Query
) -> Iterator[pl.DataFrame]:
    cursor = connection.execute(f"SELECT * FROM {VIEW}")
    seen = 0
    try:
        while rows := cursor.fetchmany(BATCH_ROWS):
            values = zip(*rows, strict=True)
            yield pl.DataFrame(
                [_series(column, list(part)) for column, part in zip(columns, values, strict=True)], schema=schema
            )
            seen += len(rows)
    except sqlite3.Error as error:
        raise DataError(f"row {seen} or one soon after cannot be read: {error}", place=query.place) from None


def _series(column: _Column, values: list[object]) -> pl.Series:
    if column.is_mixed:
        values = [value if value is None or isinstance(value, str) else _text(value) for value in values]
    elif isinstance(column.dtype, pl.Float64):
        values = [None if value is None else float(value) for value in values]  # type: ignore[arg-type]
    elif isinstance(column.dtype, pl.Boolean):
        values = [None if value is None else bool(value) for value in values]
    return pl.Series(column.name, values, dtype=column.dtype)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)


def tables(path: str) -> list[str]:
    """Return the names of the tables and views."""
    with _connected(path, path) as connection:
        try:
            rows = connection.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
            ).fetchall()
        except sqlite3.Error as error:
            raise DataError(f"the database cannot be read: {error}", place=path) from None
    return [str(row[0]) for row in rows]
