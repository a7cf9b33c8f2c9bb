"""Queries on real databases: every type, the errors that people make, and no password anywhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import psycopg
import pytest

from assay.data import database
from assay.data.sources import dataset
from assay.errors import DataError, UsageError

KINDS = """
CREATE TABLE kinds (
    flag bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, free numeric, price numeric(12, 2), wild numeric,
    words text, raw bytea, day date, clock time, at timestamp, instant timestamptz, span interval, id uuid, doc jsonb,
    many int[], "we ""ird" int
);
INSERT INTO kinds VALUES (
    true, -32768, 7, 9007199254740993, 1.5, 'NaN', 0.00025, 1234.5, 'NaN',
    E'a,"b"\\nc', '\\x00ff', '2013-01-31', '10:00:00.5', '2013-01-31 10:00', '2013-01-31 10:00+02', '1 day 2 hours',
    '00000000-0000-0000-0000-000000000001', '{"a": 1}', '{1,2}', 1
);
INSERT INTO kinds (flag, f8, free, words) VALUES (false, '-Infinity', -3, '');
INSERT INTO kinds DEFAULT VALUES;
CREATE SCHEMA other;
CREATE TABLE other.towns (name text);
"""


@pytest.fixture(scope="module")
def postgres(postgres_url: str) -> Iterator[str]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS other CASCADE; DROP TABLE IF EXISTS kinds")
        connection.execute(KINDS)
    yield postgres_url
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA other CASCADE; DROP TABLE kinds")


def test_postgres_keeps_every_type(postgres: str):
    data = dataset(postgres, query="kinds")

    rows = data.scan().collect()
    assert dict(rows.schema) == {
        "flag": pl.Boolean, "i2": pl.Int16, "i4": pl.Int32, "i8": pl.Int64, "f4": pl.Float32, "f8": pl.Float64,
        "free": pl.Decimal(38, 5), "price": pl.Decimal(38, 2), "wild": pl.String, "words": pl.String, "raw": pl.Binary,
        "day": pl.Date, "clock": pl.Time, "at": pl.Datetime("us"), "instant": pl.Datetime("us", "UTC"), "span": pl.String,
        "id": pl.String, "doc": pl.String, "many": pl.String, 'we "ird': pl.Int32,
    }  # fmt: skip
    assert rows.drop("f8").row(0) == (
        True, -32768, 7, 9007199254740993, 1.5, Decimal("0.00025"), Decimal("1234.50"), "NaN", 'a,"b"\nc', b"\x00\xff",
        date(2013, 1, 31), time(10, 0, 0, 500_000), datetime(2013, 1, 31, 10), datetime(2013, 1, 31, 8, tzinfo=UTC), "P1DT2H",
        "00000000-0000-0000-0000-000000000001", '{"a": 1}', "{1,2}", 1,
    )  # fmt: skip
    assert rows.select("flag", "f8", "free", "words").row(1) == (False, float("-inf"), Decimal(-3), "")
    assert rows.select(pl.all_horizontal(pl.all().is_null())).to_series().to_list() == [False, False, True]
    assert rows.get_column("f8").is_nan().to_list() == [True, False, None]


def test_postgres_tells_what_became_text_and_counts_its_rows(postgres: str):
    data = dataset(postgres, query="kinds")

    assert data.notes == ("'wild': numeric with NaN, infinity or more than 38 digits, read as text",)
    assert data.n_rows == 3


def test_a_postgres_dataset_never_shows_the_password(postgres: str):
    data = dataset(postgres, query="kinds")

    assert "***@127.0.0.1" in data.source
    assert psycopg.conninfo.conninfo_to_dict(postgres)["password"] not in repr(data.mark())
    assert data.name == "kinds"


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("other.towns", 0),
        ("SELECT generate_series(1, 300000) AS n;", 300_000),
        ("SELECT 1 AS n -- a comment at the end", 1),
        ("WITH t AS (SELECT 1 AS n) TABLE t", 1),
        ("VALUES (1, '%s'), (2, '%')", 2),
        ("SELECT 1 AS n, 2 AS n", 1),
        ("SELECT NULL::int AS n", 1),
        ("SELECT '' AS n", 1),
    ],
)
def test_postgres_takes_any_select(postgres: str, query: str, rows: int):
    data = dataset(postgres, query=query)

    assert data.scan().collect().height == data.n_rows == rows


REFUSED = "the database refused the query: "
NO_TIME = (
    "the rows cannot be copied: conversion from `str` to `datetime[μs, UTC]` failed in column 't' "
    'for 1 out of 1 values: ["infinity"]'
)


@pytest.mark.parametrize(
    ("query", "error", "message"),
    [
        ("kindz", UsageError, "there is no table 'kindz'; did you mean 'kinds'? There are: kinds, other.towns"),
        ("SELEC 1", UsageError, f'{REFUSED}syntax error at or near "1"; the query was: SELEC 1'),
        ("SELECT age FROM kinds", UsageError, f'{REFUSED}column "age" does not exist; the query was: SELECT age FROM kinds'),
        ("DELETE FROM kinds", UsageError, f'{REFUSED}syntax error at or near "FROM"; the query was: DELETE FROM kinds'),
        ("SELECT 1 / 0", DataError, "the query failed: division by zero"),
        ("SELECT nextval('pg_catalog.nothing')", UsageError, "there is no table 'pg_catalog.nothing'; there are: kinds, other.towns"),
        ("SELECT 'infinity'::timestamptz AS t", DataError, NO_TIME),
        (None, UsageError, "a database needs query=: a SELECT or a table's name; there are: kinds, other.towns"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_told_in_the_words_of_postgres(
    postgres: str, query: str | None, error: type[Exception], message: str
):
    with pytest.raises(error) as caught:
        dataset(postgres, query=query)

    assert str(caught.value) == f"{database.shown(postgres)}: {message}"


def test_postgres_is_asked_to_read_only(postgres: str):
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION grow() RETURNS int LANGUAGE sql AS $$INSERT INTO kinds DEFAULT VALUES; SELECT 1$$"
        )

    with pytest.raises(DataError, match="the query failed: cannot execute INSERT in a read-only transaction"):
        dataset(postgres, query="SELECT grow()")


def test_a_server_that_is_not_there_is_told_without_the_password():
    with pytest.raises(DataError) as caught:
        dataset("postgresql://ann:secret@127.0.0.1:1/db", query="t")

    assert str(caught.value).startswith("postgresql://ann:***@127.0.0.1:1/db: the server cannot be reached: ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://ann@host/db", "postgresql://ann@host/db"),
        ("postgresql://ann:p%40ss:w@host:5432/db?sslmode=require", "postgresql://ann:***@host:5432/db?sslmode=require"),
        ("postgresql://ann:p@ss@host/db?password=x&sslmode=y", "postgresql://ann:***@host/db?password=***&sslmode=y"),
        ("sqlite:////a/b.sqlite", "sqlite:////a/b.sqlite"),
        ("s3://bucket/a@b:c.parquet", "s3://bucket/a@b:c.parquet"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str):
    assert database.shown(url) == shown


@pytest.fixture
def duck(tmp_path: Path) -> str:
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("""
            CREATE TABLE kinds AS SELECT
                1::HUGEINT AS huge, 1.50::DECIMAL(10, 2) AS price, TIMESTAMPTZ '2013-01-31 10:00+02' AS instant,
                INTERVAL 1 MONTH AS span, 'b'::ENUM('a', 'b') AS level, [1, NULL] AS many, {'x': 1} AS both, 'ab'::BLOB AS raw,
                TIME '10:00' AS clock, DATE '2013-01-31' AS day, true AS flag, 255::UTINYINT AS tiny, NULL::INT AS nothing
        """)
        connection.execute('CREATE TABLE "two words" AS SELECT range AS n FROM range(300000)')
    return f"duckdb:///{path}"


def test_duckdb_keeps_every_type(duck: str):
    data = dataset(duck, query="kinds")

    assert dict(data.schema) == {
        "huge": pl.Int128, "price": pl.Decimal(10, 2), "instant": pl.Datetime("us", "UTC"), "span": pl.String,
        "level": data.schema["level"], "many": pl.List(pl.Int32), "both": pl.Struct({"x": pl.Int32}), "raw": pl.Binary,
        "clock": pl.Time, "day": pl.Date, "flag": pl.Boolean, "tiny": pl.UInt8, "nothing": pl.Int32,
    }  # fmt: skip
    assert data.scan().collect().row(0) == (
        1, Decimal("1.50"), datetime(2013, 1, 31, 8, tzinfo=UTC), "1 month", "b", [1, None], {"x": 1}, b"ab", time(10),
        date(2013, 1, 31), True, 255, None,
    )  # fmt: skip
    assert data.notes == ("'span': INTERVAL, read as text",)


def test_duckdb_takes_tables_and_selects(duck: str):
    table = dataset(duck, query='"two words"')
    select = dataset(duck, query="SELECT 1 AS a, 2 AS a;")

    assert (table.name, table.n_rows, table.scan().collect().height) == ("two words", 300_000, 300_000)
    assert select.scan().collect().to_dicts() == [{"a": 1, "a_2": 2}]


@pytest.fixture
def lite(tmp_path: Path) -> str:
    path = tmp_path / "a.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("""
        CREATE TABLE kinds (whole INTEGER, part REAL, words TEXT, raw BLOB, flag BOOLEAN, day DATE, at TIMESTAMP, mixed,
                            both, exact, late DATE, void TEXT)
    """)
    connection.executemany(
        "INSERT INTO kinds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (1, 1.5, "x", b"\x00\xff", 1, "2013-01-31", "2013-01-31 10:00:00", 1, 1, 9007199254740993, "soon", None),
            (None, 2, "", None, 0, None, "2013-01-31T10:00:00.5", "a", 1.5, 1.5, "2013-01-31", None),
        ],
    )
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def test_sqlite_finds_types_over_all_values(lite: str):
    data = dataset(lite, query="kinds")

    assert dict(data.schema) == {
        "whole": pl.Int64, "part": pl.Float64, "words": pl.String, "raw": pl.Binary, "flag": pl.Boolean, "day": pl.Date,
        "at": pl.Datetime("us"), "mixed": pl.String, "both": pl.Float64, "exact": pl.String, "late": pl.String, "void": pl.String,
    }  # fmt: skip
    assert data.scan().collect().rows() == [
        (1, 1.5, "x", b"\x00\xff", True, date(2013, 1, 31), datetime(2013, 1, 31, 10), "1", 1.0, "9007199254740993", "soon", None),
        (None, 2.0, "", None, False, None, datetime(2013, 1, 31, 10, 0, 0, 500_000), "a", 1.5, "1.5", "2013-01-31", None),
    ]  # fmt: skip
    assert data.notes == (
        "'mixed': integer and text values, read as text",
        "'exact': integer and real values, read as text",
    )


def test_sqlite_types_an_empty_result_by_its_declarations(lite: str):
    data = dataset(lite, query="SELECT whole, part, words, raw, flag, day, at, mixed FROM kinds WHERE false")

    types = [pl.Int64, pl.Float64, pl.String, pl.Binary, pl.Boolean, pl.Date, pl.Datetime("us"), pl.Null]
    assert list(data.schema.values()) == types
    assert data.n_rows == 0


def test_sqlite_reads_more_rows_than_a_batch(lite: str):
    counted = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 200000) SELECT n FROM t"

    data = dataset(lite, query=counted)

    assert data.scan().select(pl.col("n").sum()).collect().item() == 200_000 * 200_001 // 2


@pytest.mark.parametrize("scheme", ["duck", "lite"])
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("kindz", "there is no table 'kindz'; did you mean 'kinds'? There are: kinds"),
        ("SELEC 1", "the database refused the query: "),
        ("SELECT age FROM kinds", "the database refused the query: "),
        ("DELETE FROM kinds", "the database refused the query: "),
        (None, "a database needs query=: a SELECT or a table's name; there are: kinds"),
    ],
)
def test_a_wrong_query_on_a_file_is_told(request: pytest.FixtureRequest, scheme: str, query: str | None, said: str):
    url = request.getfixturevalue(scheme)

    with pytest.raises(UsageError) as caught:
        dataset(url, query=query)

    assert str(caught.value).startswith(f"{url}: {said}")


@pytest.mark.parametrize("scheme", ["duckdb", "sqlite"])
def test_a_database_file_that_is_not_there_is_told(tmp_path: Path, scheme: str):
    (tmp_path / "orders.db").touch()

    with pytest.raises(UsageError) as caught:
        dataset(f"{scheme}:///{tmp_path / 'order.db'}", query="t")

    hint = "did you mean 'orders.db'? There are: orders.db"
    assert str(caught.value) == f"{tmp_path / 'order.db'}: there is no such database file; {hint}"


@pytest.mark.parametrize("scheme", ["duckdb", "sqlite"])
def test_a_file_that_is_no_database_is_told(tmp_path: Path, scheme: str):
    (tmp_path / "a.db").write_bytes(b"no database at all, but long enough to be looked at" * 200)

    with pytest.raises(
        DataError, match=r"a\.db: the (file cannot be read: file is not a database|database cannot be opened: )"
    ):
        dataset(f"{scheme}:///{tmp_path / 'a.db'}", query="t")


def test_a_url_that_names_no_file_is_told():
    with pytest.raises(UsageError) as caught:
        dataset("sqlite://a.db", query="t")

    hint = "write sqlite:///relative/path or sqlite:////absolute/path"
    assert str(caught.value) == f"sqlite://a.db: the URL names no file; {hint}"


def test_a_missing_driver_is_told_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)

    with pytest.raises(UsageError) as caught:
        dataset("postgresql://host/db", query="t")

    assert str(caught.value) == "the package 'psycopg' is not installed; run: pip install 'assay[postgres]'"


def test_the_same_rows_have_the_same_fingerprint_in_every_database(lite: str, duck: str, postgres: str):
    query = "SELECT CAST(1 AS bigint) AS n, 'x' AS t"

    marks = {dataset(url, query=query).fingerprint for url in (lite, duck, postgres)}

    assert len(marks) == 1
