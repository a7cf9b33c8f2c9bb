"""What a database's reader is asked, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from assay.data.spool import Spool
from assay.errors import AssayError, UsageError, nearest

__all__ = ["Query", "Rows", "no_table", "wrong_sql"]


@dataclass(frozen=True, slots=True)
class Query:
    """A query on one database: where it is, the SELECT, how errors call the place, and the tables that there are."""

    target: str
    sql: str
    place: str
    tables: Callable[[], list[str]]


@dataclass(frozen=True, slots=True)
class Rows:
    """A query's rows in a temporary file, how its columns are read as their types, and notes for a person."""

    copy: Spool
    read: Callable[[pl.LazyFrame], pl.LazyFrame]
    notes: tuple[str, ...] = ()


def no_table(query: Query, name: str) -> UsageError:
    """Return the error that a query names a table that is not there, with the nearest that is."""
    try:
        names = query.tables()
    except AssayError:
        names = []
    return UsageError(
        f"there is no table {name!r}", place=query.place, hint=nearest(name, names) if names else "it has no tables"
    )


def wrong_sql(query: Query, said: str) -> UsageError:
    """Return the error that the database refused the query, with the first line of what it said."""
    return UsageError(
        f"the database refused the query: {said.strip().splitlines()[0].rstrip('.')}",
        place=query.place,
        hint=f"the query was: {query.sql[:200]}",
    )
