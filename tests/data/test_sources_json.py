"""JSON lines and JSON arrays: late fields, mixed fields, and the line that is wrong."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from assay.data.sources import dataset
from assay.errors import DataError


def write(folder: Path, text: str | bytes, name: str = "rows.jsonl") -> Path:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder / name


@pytest.mark.parametrize(
    ("lines", "dtype", "expected"),
    [
        (['{"a": 1}', '{"a": 2.5}', "{}"], pl.Float64(), [1.0, 2.5, None]),
        (['{"a": 9007199254740993}'], pl.Int64(), [9007199254740993]),
        (['{"a": true}', '{"a": null}'], pl.Boolean(), [True, None]),
        (['{"a": "01"}', '{"a": ""}'], pl.String(), ["01", ""]),
        (['{"a": "2013-01-01"}', "{}"], pl.Date(), [date(2013, 1, 1), None]),
        (['{"a": "2013-01-01T12:00:00Z"}'], pl.Datetime("us", "UTC"), [datetime(2013, 1, 1, 12, tzinfo=UTC)]),
        (['{"a": null}', "{}"], pl.Null(), [None, None]),
        (['{"a": [1, 2]}', '{"a": []}'], pl.List(pl.Int64()), [[1, 2], []]),
        (['{"a": {"x": 1}}', '{"a": {"y": 2}}'], pl.Struct({"x": pl.Int64(), "y": pl.Int64()}), [{"x": 1, "y": None}, {"x": None, "y": 2}]),
        (['{"a": 1}', '{"a": "x"}'], pl.String(), ["1", "x"]),
        (['{"a": 1}', '{"a": true}'], pl.String(), ["1", "true"]),
        (['{"a": 1}', '{"a": {"x": 1}}'], pl.String(), ["1", '{"x": 1}']),
    ],
)  # fmt: skip
def test_a_field_is_what_all_its_values_are(
    tmp_path: Path, lines: list[str], dtype: pl.DataType, expected: list[object]
):
    data = dataset(write(tmp_path, "\n".join(lines) + "\n"))

    assert data.schema["a"] == dtype
    assert data.scan().collect().get_column("a").to_list() == expected
    assert data.n_rows == len(lines)


def test_a_field_that_appears_late_is_a_column(tmp_path: Path):
    data = dataset(write(tmp_path, '{"a": 1}\n' * 10_000 + '{"a": 1, "b": "x"}\n'))

    assert dict(data.schema) == {"a": pl.Int64(), "b": pl.String()}
    assert data.scan().collect().row(-1) == (1, "x")


def test_a_field_of_several_kinds_is_told(tmp_path: Path):
    data = dataset(write(tmp_path, '{"a": 1, "b": 1}\n{"a": true, "b": 2.5}\n'))

    assert data.notes == ("'a': boolean and integer values, read as text",)
    assert data.schema["b"] == pl.Float64()


def test_gzip_is_unpacked(tmp_path: Path):
    data = dataset(write(tmp_path, gzip.compress(b'{"a": 1}\n'), "rows.ndjson.gz"))

    assert data.scan().collect().rows() == [(1,)]


def test_a_field_that_one_file_lacks_is_null_there(tmp_path: Path):
    write(tmp_path, '{"a": 1}\n', "1.jsonl")
    write(tmp_path, '{"a": 2.5, "b": "x"}\n', "2.jsonl")

    assert dataset(tmp_path).scan().collect().rows() == [(1.0, None), (2.5, "x")]


def test_a_json_array_is_a_table(tmp_path: Path):
    data = dataset(write(tmp_path, '[{"a": 1}, {"a": 2, "b": "x"}]', "rows.json"))

    assert data.scan().collect().rows() == [(1, None), (2, "x")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n{"a":\n{"a": 2}\n', ":2: the line is not JSON: Expecting value at character 6"),
        ('{"a": 1}\n\n{"a": 1}, {"a": 2}\n', ":3: the line is not JSON: Extra data at character 9"),
        ("[1, 2]\n", ":1: the line is no JSON object; one object a line is expected"),
        (b'{"a": "\xe9"}\n', ":1: byte 7 of the line is not UTF-8; save the file as UTF-8"),
        ("\n", ": the file has no line; a table without rows needs a format with a schema, such as parquet"),
        ("", ": the file is empty: 0 bytes are no JSON lines"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, content: str | bytes, message: str):
    path = write(tmp_path, content)

    with pytest.raises(DataError) as caught:
        dataset(path)

    assert str(caught.value) == f"{path}{message}"


def test_a_cut_gzip_file_is_told(tmp_path: Path):
    path = write(tmp_path, gzip.compress(b'{"a": 1}\n' * 1000)[:-20], "rows.jsonl.gz")

    with pytest.raises(DataError) as caught:
        dataset(path)

    assert str(caught.value) == f"{path}: the gzip file ends too early: it was cut off; fetch it again"


def test_a_broken_json_array_is_told(tmp_path: Path):
    path = write(tmp_path, '[{"a": 1}', "rows.json")

    with pytest.raises(
        DataError,
        match=r"rows\.json: the JSON cannot be read: .+; an array of objects is expected; one object a line is \.jsonl$",
    ):
        dataset(path)
