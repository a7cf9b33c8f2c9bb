"""Rows of a query on PostgreSQL, by COPY: the server streams text, which is parsed in batches and not row by row.

The description of the query gives the types. numeric is Decimal (one declared without a scale gets the scale of its
values), timestamptz an instant in UTC, bytea binary; uuid, json, interval, arrays, enums and every other type are text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl

from assay.data.dataset import first_line
from assay.data.names import col, unique_names
from assay.data.rows import Query, Rows, no_table, wrong_sql
from assay.data.spool import Spool, spool, temporary
from assay.errors import DataError, require

__all__ = ["fetch", "tables"]

SETTINGS = (
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET client_encoding = 'UTF8'",
    "SET timezone = 'UTC'",
    "SET datestyle = 'ISO, YMD'",
    "SET intervalstyle = 'iso_8601'",
    "SET bytea_output = 'hex'",
    "SET extra_float_digits = 1",
)
CONNECT_SECONDS = 10
DIGITS = 38


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of a result: its unique name, its type's number, and precision and scale where a numeric has them."""

    name: str
    oid: int
    precision: int | None
    scale: int | None


def fetch(query: Query) -> Rows:
    """Return a query's rows; raise `DataError` where the server cannot be reached or a value cannot be read."""
    psycopg = require("psycopg", extra="postgres")
    written = temporary(".csv")
    try:
        with _connected(query.target, query.place) as connection:
            cursor = connection.cursor()
            columns = _described(cursor, query)
            with cursor.copy(f"COPY ({query.sql}\n) TO STDOUT (FORMAT csv)") as copy, written.path.open("wb") as out:
                for piece in copy:
                    out.write(piece)
    except psycopg.errors.UndefinedTable as error:
        found = re.search(r'relation "(.+?)" does not exist', str(error))
        raise (no_table(query, found[1]) if found else wrong_sql(query, str(error))) from None
    except psycopg.ProgrammingError as error:
        raise wrong_sql(query, str(error)) from None
    except OSError as error:
        raise DataError(f"the rows cannot be copied: {error.strerror}", place=query.place) from None
    except psycopg.Error as error:
        raise DataError(f"the query failed: {first_line(error)}", place=query.place) from None
    return _typed(columns, written, query)


def _described(cursor: Any, query: Query) -> list[_Column]:
    cursor.execute(f"SELECT * FROM ({query.sql}\n) AS assay_rows LIMIT 0")
    found = cursor.description or []
    names = unique_names([column.name for column in found])
    return [
        _Column(name, column.type_code, column.precision, column.scale)
        for name, column in zip(names, found, strict=True)
    ]


def _typed(columns: Sequence[_Column], written: Spool, query: Query) -> Rows:
    schema = {column.name: _TYPES.get(column.oid, _TEXT).written for column in columns}
    text = _scan(written, schema)
    try:
        reads, notes = _reads(columns, text)
        copy = spool(text.with_columns(reads) if reads else text, place=query.place)
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"a value cannot be read: {first_line(error)}", place=query.place, hint="cast the column in the query"
        ) from None
    finally:
        written.close()
    return Rows(copy, lambda rows: rows, tuple(notes))


def _scan(written: Spool, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    if not schema or not written.path.stat().st_size:
        return pl.LazyFrame(schema=schema)
    return pl.scan_csv([written.path], glob=False, has_header=False, schema=schema, raise_if_empty=False)


def _reads(columns: Sequence[_Column], text: pl.LazyFrame) -> tuple[list[pl.Expr], list[str]]:
    reads, notes = [], []
    numerics = [column for column in columns if column.oid == _NUMERIC]
    scales = _scales(numerics, text)
    for column in columns:
        kind = _TYPES.get(column.oid, _TEXT)
        if column.oid == _NUMERIC:
            scale = scales[column.name]
            if scale is None:
                notes.append(f"{column.name!r}: numeric with NaN, infinity or more than {DIGITS} digits, read as text")
            else:
                reads.append(col(column.name).cast(pl.Decimal(DIGITS, scale)).alias(column.name))
        elif kind.read is not None:
            reads.append(kind.read(col(column.name)).alias(column.name))
    return reads, notes


def _scales(columns: Sequence[_Column], text: pl.LazyFrame) -> dict[str, int | None]:
    """Return each numeric's scale: the declared one, or the longest among its values; None where Decimal cannot hold them."""
    if not columns:
        return {}
    asked = []
    for index, column in enumerate(columns):
        value = col(column.name)
        parts = value.str.split_exact(".", 1)
        asked.append(value.str.contains("[a-zA-Z]").any().alias(f"{index} odd"))
        asked.append(parts.struct.field("field_0").str.strip_chars("-").str.len_bytes().max().alias(f"{index} whole"))
        asked.append(parts.struct.field("field_1").str.len_bytes().max().alias(f"{index} scale"))
    found = text.select(asked).collect(engine="streaming").row(0, named=True)
    scales: dict[str, int | None] = {}
    for index, column in enumerate(columns):
        scale = column.scale if column.scale is not None and column.scale >= 0 else int(found[f"{index} scale"] or 0)
        fits = not found[f"{index} odd"] and int(found[f"{index} whole"] or 0) + scale <= DIGITS
        scales[column.name] = scale if fits else None
    return scales


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a type is written by COPY, and how that text becomes the type (None where the reader of CSV does it)."""

    written: pl.DataType
    read: Callable[[pl.Expr], pl.Expr] | None = None


def _instant(form: str, zone: str | None) -> Callable[[pl.Expr], pl.Expr]:
    def read(text: pl.Expr) -> pl.Expr:
        return text.str.to_datetime(form, time_unit="us", time_zone=zone)

    return read


_TEXT = _Kind(pl.String())
_NUMERIC = 1700
# By the numbers that PostgreSQL's catalogue pg_type fixes for its own types.
_TYPES: dict[int, _Kind] = {
    16: _Kind(pl.String(), lambda text: text == "t"),
    21: _Kind(pl.Int16()),
    23: _Kind(pl.Int32()),
    20: _Kind(pl.Int64()),
    26: _Kind(pl.Int64()),
    700: _Kind(pl.Float32()),
    701: _Kind(pl.Float64()),
    17: _Kind(pl.String(), lambda text: text.str.strip_prefix("\\x").str.decode("hex")),
    1082: _Kind(pl.String(), lambda text: text.str.to_date("%Y-%m-%d")),
    1083: _Kind(pl.String(), lambda text: text.str.to_time("%H:%M:%S%.f")),
    1114: _Kind(pl.String(), _instant("%Y-%m-%d %H:%M:%S%.f", None)),
    1184: _Kind(pl.String(), _instant("%Y-%m-%d %H:%M:%S%.f%#z", "UTC")),
}


@contextmanager
def _connected(url: str, place: str) -> Iterator[Any]:
    psycopg = require("psycopg", extra="postgres")
    try:
        connection = psycopg.connect(url, autocommit=False, connect_timeout=CONNECT_SECONDS)
    except psycopg.Error as error:
        raise DataError(f"the server cannot be reached: {first_line(error)}", place=place) from None
    try:
        for setting in SETTINGS:
            connection.execute(setting)
        connection.commit()
        yield connection
    finally:
        connection.close()


def tables(url: str) -> list[str]:
    """Return the names of the tables and views that the user may read, those outside `public` with their schema."""
    asked = """
        SELECT CASE WHEN table_schema = 'public' THEN table_name ELSE table_schema || '.' || table_name END
        FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
    """
    with _connected(url, "PostgreSQL") as connection:
        return [str(row[0]) for row in connection.execute(asked).fetchall()]
