"""The fake database: DB-API connections to tables in memory, with faults on demand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal

import pandas as pd
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.fakes.asked import asked_in_order, was_asked, was_not_asked
from assay.testing.fakes.database import FakeDatabase

ORDERS = pl.DataFrame({"id": [1, 2, 3], "amount": [9.5, 0.5, None], "country": ["de", "fr", "de"]})


@pytest.fixture
def database() -> Iterator[FakeDatabase]:
    with FakeDatabase({"orders": ORDERS}) as made:
        yield made


def test_a_query_gives_the_rows_of_a_frame(database: FakeDatabase):
    with database.connect() as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT id, amount FROM orders WHERE country = ? ORDER BY id", ("de",))

        assert [column[0] for column in cursor.description] == ["id", "amount"]
        assert cursor.fetchall() == [(1, 9.5), (3, None)]


def test_polars_and_pandas_read_from_it(database: FakeDatabase):
    connection = database.connect()

    assert pl.read_database("SELECT * FROM orders", connection).equals(ORDERS)
    assert pd.read_sql("SELECT id FROM orders", connection)["id"].tolist() == [1, 2, 3]
    assert was_asked(database, "SELECT * FROM orders", times=1)  # the very text, before any pattern


def test_what_is_written_is_there_after_the_commit_and_not_before(database: FakeDatabase):
    connection = database.connect()
    connection.executemany("INSERT INTO orders (id) VALUES (?)", [(4,), (5,)])
    connection.rollback()
    assert database.table("orders").height == 3

    with connection:
        connection.execute("INSERT INTO orders (id) VALUES (6)")

    assert database.table("orders")["id"].to_list() == [1, 2, 3, 6]
    assert asked_in_order(database, ["INSERT*", "rollback", "INSERT*", "commit"])


def test_a_block_that_fails_is_rolled_back(database: FakeDatabase):
    connection = database.connect()

    with pytest.raises(KeyError), connection:  # noqa: PT012  # two things happen in the block
        connection.execute("DELETE FROM orders")
        raise KeyError("mine")

    assert database.table("orders").height == 3
    assert was_not_asked(database, "commit")


def test_two_connections_see_the_same_tables_and_two_databases_do_not(database: FakeDatabase):
    with database.connect() as one:
        one.execute("DELETE FROM orders WHERE id = 1")

    assert database.connect().execute("SELECT COUNT(*) FROM orders").fetchone() == (2,)
    with FakeDatabase({"orders": ORDERS}) as other:
        assert other.table("orders").height == 3


def test_a_read_only_database_refuses_to_write():
    with FakeDatabase({"orders": ORDERS}, read_only=True) as database:
        connection = database.connect()

        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM orders")
        assert connection.execute("SELECT COUNT(*) FROM orders").fetchone() == (3,)


def test_an_error_comes_when_planned_and_then_the_retry_goes_through(database: FakeDatabase):
    database.log.fail(sqlite3.OperationalError("the connection is lost"), what="SELECT *", times=2)
    connection = database.connect()

    def asked() -> int:
        for _ in range(3):
            try:
                return len(connection.execute("SELECT * FROM orders").fetchall())
            except sqlite3.OperationalError:
                continue
        return -1

    assert asked() == 3
    assert was_asked(database, "SELECT *", answered="OperationalError", times=2)
    assert was_asked(database, "SELECT *", answered="ok", times=1)


def test_a_connection_may_be_refused(database: FakeDatabase):
    database.log.fail(sqlite3.OperationalError("too many connections"), what="connect")

    with pytest.raises(sqlite3.OperationalError, match="too many connections"):
        database.connect()


def test_latency_is_counted_and_not_slept():
    with FakeDatabase({"orders": ORDERS}, latency=60.0) as database, closing(database.connect()) as connection:
        for _ in range(5):
            connection.execute("SELECT 1")

        assert database.log.waited == 300.0


def test_values_may_be_marked_as_other_drivers_do():
    text = "SELECT COUNT(*) FROM orders WHERE country = %s AND amount > %s AND country <> '%s' AND id %% 2 = 1"
    with FakeDatabase({"orders": ORDERS}, paramstyle="format") as database:
        assert database.connect().execute(text, ("de", 1)).fetchone() == (1,)
    with FakeDatabase({"orders": ORDERS}, paramstyle="pyformat") as database:
        found = database.connect().execute("SELECT id FROM orders WHERE country = %(c)s", {"c": "fr"}).fetchall()
    assert found == [(2,)]


def test_values_of_other_types_are_kept_as_texts_and_numbers():
    frame = pl.DataFrame(
        {
            "day": [date(2026, 1, 2)], "at": [datetime(2026, 1, 2, 3)], "paid": [True], "price": [Decimal("1.10")],
            "nothing": [float("nan")], "raw": [b"\x00"], "kind": pl.Series(["a"], dtype=pl.Categorical), "list": [[1, 2]],
        }
    )  # fmt: skip
    with FakeDatabase({"t": frame}) as database:
        row = database.connect().execute("SELECT * FROM t").fetchone()

    assert row[:6] == ("2026-01-02", "2026-01-02T03:00:00", 1, "1.10", None, b"\x00")
    assert row[6] == "a"


def test_names_of_tables_and_columns_are_quoted():
    with FakeDatabase({'my "orders"': [{"a b": 1, "select": 2}]}) as database:
        assert database.table('my "orders"').to_dicts() == [{"a b": 1, "select": 2}]


def test_a_script_is_noted_too(database: FakeDatabase):
    database.connect().executescript("DROP TABLE orders; CREATE TABLE orders (id INTEGER);")

    assert was_asked(database, "DROP TABLE orders;*")


def test_wrong_settings_are_refused():
    with pytest.raises(UsageError, match="latency is -1"):
        FakeDatabase({}, latency=-1)
    with pytest.raises(UsageError, match="there is no paramstyle 'named'"):
        FakeDatabase({}, paramstyle="named")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="the table 't' has no columns"):
        FakeDatabase({"t": []})


def test_tables_are_given_by_name():
    with pytest.raises(UsageError, match="the tables are int; give rows by name"):
        FakeDatabase(5)  # type: ignore[arg-type]
