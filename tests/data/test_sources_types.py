"""Every type that a format can carry arrives as it was written; files of one dataset agree on their types."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pytest
from polars.testing import assert_frame_equal

from assay.data.columnar import widest
from assay.data.sources import dataset
from assay.errors import DataError

NOON = datetime(2013, 1, 31, 12, 0, 0, 123_456)

SIGNED = {8: pl.Int8, 16: pl.Int16, 32: pl.Int32, 64: pl.Int64, 128: pl.Int128}
UNSIGNED = {8: pl.UInt8, 16: pl.UInt16, 32: pl.UInt32, 64: pl.UInt64}
TYPES: dict[str, pl.Series] = {
    **{f"int{n}": pl.Series([None, -(2 ** (n - 1)), 2 ** (n - 1) - 1], dtype=dtype) for n, dtype in SIGNED.items()},
    **{f"uint{n}": pl.Series([None, 0, 2**n - 1], dtype=dtype) for n, dtype in UNSIGNED.items()},
    "float32": pl.Series([None, 1.5, float("nan")], dtype=pl.Float32),
    "float64": pl.Series([None, float("inf"), float("-inf")], dtype=pl.Float64),
    "decimal": pl.Series([None, Decimal("1.10"), Decimal("-99999999999999999999.99")], dtype=pl.Decimal(38, 2)),
    "boolean": pl.Series([None, True, False]),
    "text": pl.Series([None, "", "naïve \U0001f600"]),
    "binary": pl.Series([None, b"", b"\x00\xff"]),
    "date": pl.Series([None, date(1, 1, 1), date(9999, 12, 31)]),
    "time": pl.Series([None, time(0), time(23, 59, 59, 999_999)]),
    "instant ms": pl.Series([None, NOON, NOON], dtype=pl.Datetime("ms")),
    "instant us": pl.Series([None, NOON, NOON], dtype=pl.Datetime("us")),
    "instant ns": pl.Series([None, NOON, NOON], dtype=pl.Datetime("ns")),
    "instant UTC": pl.Series([None, NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=UTC)], dtype=pl.Datetime("us", "UTC")),
    "instant in a zone": pl.Series([None, NOON, NOON]).dt.replace_time_zone("America/New_York"),
    "duration": pl.Series([None, timedelta(0), timedelta(days=-1, microseconds=1)], dtype=pl.Duration("us")),
    "category": pl.Series([None, "a", "b"], dtype=pl.Categorical),
    "enum": pl.Series([None, "low", "high"], dtype=pl.Enum(["low", "high"])),
    "list": pl.Series([None, [], [1, None]], dtype=pl.List(pl.Int64)),
    "array": pl.Series([None, [1, 2], [3, None]], dtype=pl.Array(pl.Int64, 2)),
    "struct": pl.Series([None, {"x": 1, "y": None}, {"x": None, "y": "z"}], dtype=pl.Struct({"x": pl.Int64, "y": pl.String})),
    "list of structs": pl.Series([None, [], [{"x": NOON}]], dtype=pl.List(pl.Struct({"x": pl.Datetime("us")}))),
    "null": pl.Series([None, None, None], dtype=pl.Null),
}  # fmt: skip

NAMES = ["plain", "x.y", "a b", '"quoted"', "'", "[0]", "naïve", "", "*", "^a$", "^.*$", "$1", "a\nb", "{}", "__row__"]


def through_parquet(frame: pl.DataFrame, folder: Path) -> object:
    frame.write_parquet(folder / "x.parquet")
    return folder / "x.parquet"


def through_ipc(frame: pl.DataFrame, folder: Path) -> object:
    frame.write_ipc(folder / "x.arrow", compression="zstd")
    return folder / "x.arrow"


def through_ipc_stream(frame: pl.DataFrame, folder: Path) -> object:
    frame.write_ipc_stream(folder / "x.arrows")
    return folder / "x.arrows"


def through_a_frame(frame: pl.DataFrame, folder: Path) -> object:
    return frame


def through_pyarrow(frame: pl.DataFrame, folder: Path) -> object:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def through_a_stream(frame: pl.DataFrame, folder: Path) -> object:
    return pa.RecordBatchReader.from_stream(frame)


WAYS = [through_parquet, through_ipc, through_ipc_stream, through_a_frame, through_pyarrow, through_a_stream]
# pyarrow has no integers of 128 bits, so Polars gives it none.
LACKING = {("int128", through_pyarrow), ("int128", through_a_stream)}
CASES = [
    pytest.param(name, way, id=f"{name} {way.__name__}") for name in TYPES for way in WAYS if (name, way) not in LACKING
]


@pytest.mark.parametrize(("name", "way"), CASES)
def test_a_type_arrives_as_it_was_written(tmp_path: Path, name: str, way: Callable[[pl.DataFrame, Path], object]):
    frame = pl.DataFrame({"a": TYPES[name]})

    data = dataset(way(frame, tmp_path))

    assert_frame_equal(data.scan().collect(), frame)


@pytest.mark.parametrize("way", WAYS)
def test_any_name_can_be_a_column(tmp_path: Path, way: Callable[[pl.DataFrame, Path], object]):
    frame = pl.DataFrame({name: [number] for number, name in enumerate(NAMES)})

    data = dataset(way(frame, tmp_path))

    assert_frame_equal(data.scan().collect(), frame)


@pytest.mark.parametrize("way", WAYS)
def test_a_table_may_have_no_rows(tmp_path: Path, way: Callable[[pl.DataFrame, Path], object]):
    frame = pl.DataFrame(schema={"a": pl.Int8, "b": pl.Categorical})

    data = dataset(way(frame, tmp_path))

    assert_frame_equal(data.scan().collect(), frame)


@pytest.mark.parametrize("way", [through_parquet, through_ipc, through_ipc_stream, through_a_frame])
def test_a_table_may_have_no_columns(tmp_path: Path, way: Callable[[pl.DataFrame, Path], object]):
    data = dataset(way(pl.DataFrame(), tmp_path))

    assert data.scan().collect().shape == (0, 0)


@pytest.mark.parametrize(
    ("one", "other", "wide"),
    [
        (pl.Int8(), pl.Int64(), pl.Int64()),
        (pl.UInt32(), pl.Int32(), pl.Int64()),
        (pl.UInt64(), pl.Int8(), pl.Int128()),
        (pl.Float32(), pl.Float64(), pl.Float64()),
        (pl.Null(), pl.Date(), pl.Date()),
        (pl.String(), pl.Categorical(), pl.String()),
        (pl.Int64(), pl.Float64(), None),
        (pl.Date(), pl.Datetime("us"), None),
        (pl.Int64(), pl.String(), None),
        (pl.Datetime("us", "UTC"), pl.Datetime("us"), None),
    ],
)
def test_two_types_widen_only_to_one_that_holds_both(one: pl.DataType, other: pl.DataType, wide: pl.DataType | None):
    assert widest(one, other) == widest(other, one) == wide


@pytest.mark.parametrize("extension", ["parquet", "arrow"])
def test_files_of_several_widths_are_one_table(tmp_path: Path, extension: str):
    first = pl.DataFrame({"a": pl.Series([1], dtype=pl.Int8), "^b$": ["x"]})
    second = pl.DataFrame({"^b$": ["y"], "a": pl.Series([2**40], dtype=pl.Int64)})
    for number, frame in enumerate((first, second)):
        {"parquet": frame.write_parquet, "arrow": frame.write_ipc}[extension](tmp_path / f"{number}.{extension}")

    data = dataset(tmp_path)

    assert dict(data.schema) == {"a": pl.Int64(), "^b$": pl.String()}
    assert data.scan().collect().rows() == [(1, "x"), (2**40, "y")]


def test_files_of_types_that_differ_are_named_with_the_column_and_both_types(tmp_path: Path):
    pl.DataFrame({"a": [1], "b": [1]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"a": [1], "b": ["x"]}).write_parquet(tmp_path / "2.parquet")

    with pytest.raises(DataError) as caught:
        dataset(tmp_path)

    message = "the column 'b' is String in '2.parquet' and Int64 in the files before it"
    hint = "write it in one type. A dataset is one table: name the files of one table only"
    assert str(caught.value) == f"{tmp_path / '2.parquet'}: {message}; {hint}"


def test_files_of_columns_that_differ_are_named_with_the_column(tmp_path: Path):
    pl.DataFrame({"age": [1]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"age": [1], "ages": [1]}).write_parquet(tmp_path / "2.parquet")

    with pytest.raises(DataError) as caught:
        dataset(tmp_path)

    hint = "did you mean 'age'? There are: age. A dataset is one table: name the files of one table only"
    assert (
        str(caught.value)
        == f"{tmp_path / '1.parquet'}: '1.parquet' has no column 'ages', which '2.parquet' has; {hint}"
    )


def test_a_broken_footer_is_told_with_the_way_out(tmp_path: Path):
    pl.DataFrame({"a": range(1000)}).write_parquet(tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[:-20])

    with pytest.raises(DataError) as caught:
        dataset(tmp_path / "a.parquet")

    why = "parquet: File out of specification: The file must end with PAR1 or PARE"
    hint = "the file was cut off while it was written or copied, or is damaged; write or fetch it again"
    assert str(caught.value) == f"{tmp_path / 'a.parquet'}: the parquet footer cannot be read: {why}; {hint}"
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("name", "head", "message"),
    [
        ("a.parquet", b"PK\x03\x04", "it begins with 'PK\\x03\\x04': it is a zip file (a workbook or an archive), not parquet"),
        ("a.parquet", b"a,b\n1,2\n", "it is not parquet, though its name says so: its first bytes are not 'PAR1'"),
        ("a.arrow", b"PAR1", "it begins with 'PAR1': it is parquet, not Arrow IPC"),
        ("a.csv", b"PAR1", "it begins with 'PAR1': it is parquet, not CSV"),
        ("a.csv", b"\x1f\x8b\x08", "it begins with '\\x1f\\x8b': it is gzip, not CSV"),
        ("a.jsonl", b"SQLite format 3\x00", "it begins with 'SQLite format 3': it is an SQLite database, not JSON lines"),
        ("a.parquet", b"", "the file is empty: 0 bytes are no parquet"),
    ],
)  # fmt: skip
def test_content_that_is_not_what_the_name_says_is_named(tmp_path: Path, name: str, head: bytes, message: str):
    (tmp_path / name).write_bytes(head)

    with pytest.raises(DataError) as caught:
        dataset(tmp_path / name)

    assert str(caught.value) == f"{tmp_path / name}: {message}"


def test_bytes_that_are_no_arrow_stream_are_told(tmp_path: Path):
    (tmp_path / "a.arrow").write_bytes(b"\xff" * 64)

    with pytest.raises(DataError, match=r"a\.arrow: this is neither an Arrow IPC file nor a stream: "):
        dataset(tmp_path / "a.arrow")
