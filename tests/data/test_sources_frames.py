"""Frames in memory and streams of Arrow: Polars, pandas, pyarrow, and whatever exports its rows."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest

from assay.data.sources import dataset
from assay.errors import DataError, UsageError

FRAME = pl.DataFrame({"a": [1, None, 3], "b": ["x", "y", None]})


def rows(source: object) -> list[tuple[object, ...]]:
    return dataset(source).scan().collect().rows()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (FRAME, "a Polars frame"),
        (FRAME.lazy(), "a Polars lazy frame"),
        (FRAME.to_arrow(), "a pyarrow table"),
        (FRAME.to_arrow().to_batches()[0], "a pyarrow record batch"),
        (FRAME.to_arrow().to_reader(), "a pyarrow reader"),
        (pyarrow.dataset.dataset(FRAME.to_arrow()), "a pyarrow dataset"),
        (FRAME.to_pandas(use_pyarrow_extension_array=True), "a pandas frame"),
        (duckdb.sql("SELECT * FROM (VALUES (1, 'x'), (NULL, 'y'), (3, NULL)) AS t(a, b)"), "an Arrow stream (DuckDBPyRelation)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_every_kind_of_frame_is_a_dataset(source: object, name: str):
    data = dataset(source)

    assert data.source == name
    assert data.scan().collect().rows() == FRAME.rows()
    assert data.scan().collect().rows() == FRAME.rows(), "a second scan sees the same rows"


def test_a_pandas_frame_keeps_types_and_takes_what_pandas_calls_missing_for_null():
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None], dtype="Int64"),
            "float": [1.5, np.nan],
            "text": ["x", None],
            "flag": pd.array([True, None], dtype="boolean"),
            "level": pd.Categorical(["low", None]),
            "at": pd.to_datetime(["2013-01-01T12:00:00Z", None]),
            "price": [Decimal("1.10"), None],
        },
        index=[7, 8],
    )

    data = dataset(frame)

    assert data.scan().collect().rows() == [
        (1, 1.5, "x", True, "low", datetime(2013, 1, 1, 12, tzinfo=UTC), Decimal("1.10")),
        (None,) * 7,
    ]
    assert isinstance(data.schema["level"], pl.Categorical)


def test_a_pandas_column_of_several_types_is_told():
    with pytest.raises(DataError, match=r"^a pandas frame: it cannot be read: .+; give every column one type$"):
        dataset(pd.DataFrame({"a": [1, "x", b"y"]}))


def test_a_repeated_pandas_column_is_told():
    with pytest.raises(DataError) as caught:
        dataset(pd.DataFrame([[1, 2]], columns=["a", "a"]))

    assert str(caught.value) == "a pandas frame: the column 'a' stands twice; rename one of them"


def test_a_repeated_arrow_column_is_told():
    with pytest.raises(DataError) as caught:
        dataset(pa.table([[1], [2]], names=["a", "a"]))

    assert str(caught.value) == "a pyarrow table: the column 'a' stands twice; rename one of them"


def test_an_arrow_dictionary_is_a_category():
    data = dataset(pa.table({"a": pa.array(["x", None, "y"]).dictionary_encode()}))

    assert isinstance(data.schema["a"], pl.Categorical)
    assert data.scan().collect().rows() == [("x",), (None,), ("y",)]


@pytest.mark.parametrize("source", [3, None, {"a": [1]}, [1, 2]])
def test_what_is_no_frame_is_told_with_what_is(source: object):
    with pytest.raises(UsageError, match=r"is no dataset; give a path, a URL, or a Polars, pandas or pyarrow frame"):
        dataset(source)


def test_a_query_on_a_frame_is_wrong_usage():
    with pytest.raises(UsageError) as caught:
        dataset(FRAME, query="a")

    assert str(caught.value) == "query= is for databases; a frame has none; leave it out, or give a database URL"


def test_a_lazy_frame_that_cannot_be_resolved_is_told():
    with pytest.raises(
        DataError, match=r'^a Polars lazy frame: the plan cannot be resolved: unable to find column "z"'
    ):
        dataset(FRAME.lazy().select("z"))


def test_the_copy_of_a_stream_goes_with_its_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data = dataset(FRAME.to_arrow().to_reader())
    assert len(list(tmp_path.iterdir())) == 1

    del data
    gc.collect()

    assert list(tmp_path.iterdir()) == []


def test_the_copy_of_a_stream_that_breaks_goes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def batches():
        yield pa.record_batch({"a": [1]})
        raise OSError("the line is dead")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(DataError, match=r"^a pyarrow reader: the rows cannot be copied: the line is dead$"):
        dataset(pa.RecordBatchReader.from_batches(pa.schema({"a": pa.int64()}), batches()))
    gc.collect()

    assert list(tmp_path.iterdir()) == []
