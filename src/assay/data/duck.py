"""Rows of a query on a DuckDB file, by DuckDB's own Arrow stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from assay.data.dataset import first_line
from assay.data.names import col, unique_names
from assay.data.rows import Query, Rows, no_table, wrong_sql
from assay.data.spool import spool
from assay.errors import DataError, require

__all__ = ["fetch", "tables"]

# Types that have no Arrow type which Polars reads: their text is kept.
AS_TEXT = ("INTERVAL", "UNION", "BIT", "TIME WITH TIME ZONE", "BIGNUM", "VARINT", "VARIANT", "GEOMETRY")
HUGE = ("HUGEINT", "UHUGEINT")


def fetch(query: Query) -> Rows:
    """Return a query's rows. HUGEINT is a 128-bit integer; intervals, unions and bit strings are text, and a note says so."""
    duckdb = require("duckdb", extra="duckdb")
    with _connected(query.target, query.place) as connection:
        try:
            relation = connection.sql(query.sql)
        except duckdb.CatalogException as error:
            found = re.search(r"Table with name (\S+) does not exist", str(error))
            raise (no_table(query, found[1]) if found else wrong_sql(query, str(error))) from None
        except duckdb.Error as error:
            raise wrong_sql(query, str(error)) from None
        if relation is None:
            raise wrong_sql(query, "it gives no rows; a SELECT is expected")
        names = unique_names(relation.columns)
        if names != relation.columns:
            relation = connection.sql(f"SELECT * FROM ({query.sql}) AS assay_rows({', '.join(map(_quoted, names))})")
        kinds = dict(zip(names, map(str, relation.types), strict=True))
        texts = [name for name, kind in kinds.items() if any(re.search(rf"\b{word}\b", kind) for word in AS_TEXT)]
        if texts:
            relation = relation.project(", ".join(_text(name) if name in texts else _quoted(name) for name in kinds))
        try:
            copy = spool(pl.scan_arrow_c_stream(relation), place=query.place)
        except duckdb.Error as error:
            raise DataError(f"the query failed: {first_line(error)}", place=query.place) from None
    huge = [col(name).cast(pl.Int128) for name, kind in kinds.items() if kind in HUGE]
    notes = tuple(f"{name!r}: {kinds[name]}, read as text" for name in texts)
    return Rows(copy, lambda rows: rows.with_columns(huge) if huge else rows, notes)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(name: str) -> str:
    return f"CAST({_quoted(name)} AS VARCHAR) AS {_quoted(name)}"


@contextmanager
def _connected(path: str, place: str) -> Iterator[Any]:
    duckdb = require("duckdb", extra="duckdb")
    try:
        connection = duckdb.connect(path, read_only=True)
    except duckdb.Error as error:
        raise DataError(f"the database cannot be opened: {first_line(error)}", place=place) from None
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def tables(path: str) -> list[str]:
    """Return the names of the tables and views, those outside the schema `main` with their schema."""
    with _connected(path, path) as connection:
        asked = "SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL"
        return [
            name if schema == "main" else f"{schema}.{name}" for schema, name in connection.execute(asked).fetchall()
        ]
