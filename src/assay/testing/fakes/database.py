"""A fake database: a DB-API connection on SQLite in memory, made from frames, with faults on demand."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import polars as pl

from assay.errors import UsageError
from assay.testing.fakes.log import Log
from assay.testing.rows import rows_of

__all__ = ["FakeDatabase"]

ParamStyle = Literal["qmark", "format", "pyformat"]
_NUMBER = itertools.count()
# A text in quotes, or a place for a value as other databases' drivers write it.
_PLACES = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|%%|%s|%\((\w+)\)s""")


class FakeDatabase:
    """A database in memory with the given tables: frames of any kind, by name. `connect` gives DB-API 2.0 connections to it.

    Numbers, texts, booleans (as 0 and 1) and bytes are kept; dates and instants are ISO texts, Decimals texts; NaN is NULL. With
    `read_only` whatever writes is refused by SQLite. `latency` is what each statement takes: it is noted in `log` and in
    `log.waited`, and never slept. `log.fail(error, what="SELECT *", times=2)` plans errors. `paramstyle` is how values are marked:
    "qmark" (?, :name), "format" (%s) or "pyformat" (%(name)s), as the real driver has it.

    >>> database = FakeDatabase({"orders": [{"id": 1, "amount": 9.5}, {"id": 2, "amount": 0.5}]}, latency=0.2)
    >>> with database, database.connect() as connection:
    ...     connection.execute("SELECT SUM(amount) FROM orders WHERE id > ?", (0,)).fetchone()
    (10.0,)
    >>> database.log.waited, [call.what for call in database.log.calls]
    (0.2, ['connect', 'SELECT SUM(amount) FROM orders WHERE id > ?', 'commit'])
    """

    def __init__(
        self, tables: Mapping[str, object], *, name: str = "database", read_only: bool = False, latency: float = 0.0,
        paramstyle: ParamStyle = "qmark",
    ) -> None:  # fmt: skip
        if not isinstance(tables, Mapping):
            raise UsageError(f"the tables are {type(tables).__name__}", hint='give rows by name: {"orders": frame}')
        if latency < 0:
            raise UsageError(f"latency is {latency} s", hint="give 0 or more")
        if paramstyle not in ("qmark", "format", "pyformat"):
            raise UsageError(f"there is no paramstyle {paramstyle!r}", hint="there are: qmark, format, pyformat")
        self.name, self.log = name, Log()
        self.read_only, self.latency, self.paramstyle = read_only, latency, paramstyle
        # The name is one of this process's own; the database lives as long as this first connection does.
        self._place = f"file:assay-fake-{next(_NUMBER)}?mode=memory&cache=shared"
        self._first = sqlite3.connect(self._place, uri=True, check_same_thread=False)
        self._open: list[_Connection] = []
        for table, rows in tables.items():
            _fill(self._first, table, rows_of(rows).frame)
        self._first.commit()

    def connect(self) -> sqlite3.Connection:
        """Return a new connection; the call is noted as "connect"."""
        self.log.note("connect", {})
        made = sqlite3.connect(self._place, uri=True, check_same_thread=False, factory=_Connection)
        if self.read_only:
            made.execute("PRAGMA query_only = ON")
        made.database = self
        self._open.append(made)
        return made

    def table(self, name: str) -> pl.DataFrame:
        """Return what a table holds now (what was committed), for a test to look at."""
        found = self._first.execute(f"SELECT * FROM {_quoted(name)}")
        names = [column[0] for column in found.description]
        return pl.DataFrame(found.fetchall(), schema=names, orient="row", infer_schema_length=None)

    def close(self) -> None:
        """Close every connection; what the database held is gone."""
        for connection in self._open:
            connection.close()
        self._first.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _noted(self, statement: str, parameters: object) -> str:
        """Note a statement, raise the error that is planned for it, and return it as SQLite writes it."""
        shown = " ".join(statement.split())
        given: dict[str, Any] = {"parameters": parameters} if parameters != () else {}
        self.log.note(shown, given, waited=self.latency)
        return statement if self.paramstyle == "qmark" else _PLACES.sub(_place, statement)


class _Cursor(sqlite3.Cursor):
    """A cursor that notes what it is asked."""

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        return super().execute(self._told(sql, parameters), parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
        rows = list(parameters)
        return super().executemany(self._told(sql, tuple(rows)), rows)

    def executescript(self, sql_script: str, /) -> sqlite3.Cursor:
        return super().executescript(self._told(sql_script, ()))

    def _told(self, sql: str, parameters: object) -> str:
        connection = self.connection
        assert isinstance(connection, _Connection)
        return sql if connection.database is None else connection.database._noted(sql, parameters)


class _Connection(sqlite3.Connection):
    """A connection whose cursors note what they are asked; so do its commits and rollbacks."""

    database: FakeDatabase | None = None

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    # SQLite's own shortcuts make a cursor of its kind, which would leave no trace in the log.

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> Any:
        return self.cursor().executescript(sql_script)

    def commit(self) -> None:
        if self.database is not None:
            self.database.log.note("commit", {})
        super().commit()

    def rollback(self) -> None:
        if self.database is not None:
            self.database.log.note("rollback", {})
        super().rollback()

    def __exit__(self, kind: object, value: object, trace: object) -> Literal[False]:
        if kind is None:
            self.commit()
        else:
            self.rollback()
        return False


def _place(found: re.Match[str]) -> str:
    if found[0] == "%%":
        return "%"
    if found[0] == "%s":
        return "?"
    return f":{found[1]}" if found[1] else found[0]


def _fill(connection: sqlite3.Connection, table: str, frame: pl.DataFrame) -> None:
    if not frame.width:
        raise UsageError(f"the table {table!r} has no columns", hint="give rows, or a frame with columns and no rows")
    columns = ", ".join(f"{_quoted(name)} {_kind(dtype)}" for name, dtype in frame.schema.items())
    connection.execute(f"CREATE TABLE {_quoted(table)} ({columns})")
    places = ", ".join("?" * frame.width)
    connection.executemany(f"INSERT INTO {_quoted(table)} VALUES ({places})", _plain(frame).rows())


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame of what SQLite can hold."""
    made = []
    for column in frame:
        dtype = column.dtype
        if dtype.is_temporal() and dtype != pl.Duration:
            made.append(pl.Series(column.name, [None if v is None else v.isoformat() for v in column], dtype=pl.String))
        elif dtype == pl.Duration:
            made.append(column.dt.total_microseconds())
        elif (dtype.is_numeric() and not dtype.is_decimal()) or dtype in (pl.Boolean, pl.Binary):
            made.append(column)
        else:
            made.append(pl.Series(column.name, [None if v is None else str(v) for v in column], dtype=pl.String))
    return pl.DataFrame(made)


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_integer() or dtype in (pl.Boolean, pl.Duration):
        return "INTEGER"
    return "REAL" if dtype.is_float() else "BLOB" if dtype == pl.Binary else "TEXT"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
