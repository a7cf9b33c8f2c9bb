"""The door for databases: a URL and a query become rows, copied once, in bounded memory, into a temporary file.

The copy is what is scanned, so a dataset never changes under a test and the database is asked once. It goes when the
dataset does. Nothing is ever written to the database: sessions are read-only. A password is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from assay.data import duck, postgres, sqlite
from assay.data import fingerprint as fingerprints
from assay.data.files import Opened
from assay.data.rows import Query, Rows
from assay.errors import UsageError, nearest

__all__ = ["SCHEMES", "is_database", "open_database", "shown"]


@dataclass(frozen=True, slots=True)
class Database:
    """One kind of database: how its rows are fetched, which tables it has, and whether its URL names a file."""

    fetch: Callable[[Query], Rows]
    tables: Callable[[str], list[str]]
    is_file: bool


SCHEMES: dict[str, Database] = {
    "postgresql": Database(postgres.fetch, postgres.tables, is_file=False),
    "postgres": Database(postgres.fetch, postgres.tables, is_file=False),
    "sqlite": Database(sqlite.fetch, sqlite.tables, is_file=True),
    "duckdb": Database(duck.fetch, duck.tables, is_file=True),
}


def is_database(source: str) -> bool:
    """Return whether a source is a database's URL.

    >>> is_database("postgresql+psycopg://host/db"), is_database("s3://bucket/a.parquet")
    (True, False)
    """
    return _scheme(source) in SCHEMES


def _scheme(source: str) -> str:
    return source.partition("://")[0].partition("+")[0].lower() if "://" in source else ""


def shown(url: str) -> str:
    """Return a URL without its password.

    >>> shown("postgresql://ann:secret@host/db?sslmode=require&password=secret")
    'postgresql://ann:***@host/db?sslmode=require&password=***'
    """
    before, mark, asked = url.partition("?")
    before = re.sub(r"(?s)^([^/]*//[^/]*?):[^/]*@", r"\1:***@", before)
    return before + mark + re.sub(r"(?i)((?:pass|pwd|secret|token|key|sig)[^=&]*)=[^&#]*", r"\1=***", asked)


def open_database(url: str, query: str | None) -> tuple[Opened, str, str]:
    """Return the plan of a query's rows, what to call its source, and its fingerprint.

    `query` is a SELECT or a table's name. Raises `UsageError` where it is missing, the table is not there or the SQL is
    wrong, `DataError` where the server cannot be reached or a value cannot be read.
    """
    database = SCHEMES[_scheme(url)]
    place = shown(url)
    target = _file(url, place) if database.is_file else "postgresql://" + url.partition("://")[2]
    if query is None or not query.strip():
        names = database.tables(target)
        raise UsageError("a database needs query=: a SELECT or a table's name", place=place, hint=_tables(names))
    rows = database.fetch(Query(target, _select(query), place, lambda: database.tables(target)))
    copy, schema = rows.copy, rows.read
    height = int(copy.scan().select(pl.len()).collect().item())
    opened = Opened(lambda: schema(copy.scan()), n_rows=height, notes=rows.notes)
    return opened, f"{place}: {_short(query)}", fingerprints.of_rows(opened.open(), height=height)


def _tables(names: Iterable[str]) -> str:
    listed = list(names)
    return nearest("", listed).removeprefix("did you mean ") if listed else "it has no tables"


def _short(query: str) -> str:
    text = " ".join(query.split())
    return text if len(text) <= 60 else text[:57] + "..."


def _file(url: str, place: str) -> str:
    """Return the path that `scheme:///relative` or `scheme:////absolute` names."""
    rest = url.partition("://")[2].partition("?")[0]
    if not rest.startswith("/") or rest in ("/", "/:memory:"):
        scheme = url.partition("://")[0]
        raise UsageError(
            "the URL names no file", place=place, hint=f"write {scheme}:///relative/path or {scheme}:////absolute/path"
        )
    path = Path(unquote(rest[1:]))
    if not path.is_file():
        names = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        raise UsageError("there is no such database file", place=str(path), hint=nearest(path.name, names))
    return str(path)


def _select(query: str) -> str:
    """Return the SELECT that a table's name stands for, or the query itself without a semicolon at its end."""
    text = query.strip().rstrip(";").rstrip()
    if re.fullmatch(r"[^\W\d][\w$]*(\.[^\W\d][\w$]*)*", text):
        text = ".".join(f'"{part}"' for part in text.split("."))
        return f"SELECT * FROM {text}"
    if re.fullmatch(r'"[^"]+"(\."[^"]+")*', text):
        return f"SELECT * FROM {text}"
    return text
