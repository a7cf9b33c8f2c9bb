"""Delimited text: what each column is, and every way in which a file can be broken."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from assay.data.dataset import Dataset
from assay.data.sources import dataset
from assay.errors import DataError

Write = Callable[..., Dataset]


@pytest.fixture
def read(tmp_path: Path) -> Write:
    """Write text (or bytes) under a name and open it as a dataset."""

    def write(content: str | bytes, *, name: str = "rows.csv") -> Dataset:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return dataset(path)

    return write


def values(data: Dataset, name: str = "a") -> list[object]:
    return data.scan().select(pl.col(name)).collect().get_column(name).to_list()


@pytest.mark.parametrize(
    ("cells", "dtype", "expected"),
    [
        (["1", "-2", "+3"], pl.Int64(), [1, -2, 3]),
        (["0", "0.0", "1"], pl.Float64(), [0.0, 0.0, 1.0]),
        (["1e3", ".5", "-inf"], pl.Float64(), [1000.0, 0.5, float("-inf")]),
        (["9007199254740993"], pl.Int64(), [9007199254740993]),
        (["9223372036854775808"], pl.Int128(), [9223372036854775808]),
        (["007", "10"], pl.String(), ["007", "10"]),
        (["-01"], pl.String(), ["-01"]),
        (["0.5", "0"], pl.Float64(), [0.5, 0.0]),
        (["1", "x"], pl.String(), ["1", "x"]),
        ([" 1", "2"], pl.String(), [" 1", "2"]),
        (["true", "False", "TRUE"], pl.Boolean(), [True, False, True]),
        (["true", "1"], pl.String(), ["true", "1"]),
        (["2013-01-31"], pl.Date(), [date(2013, 1, 31)]),
        (["2013-13-31"], pl.String(), ["2013-13-31"]),
        (["01/02/2013"], pl.String(), ["01/02/2013"]),
        (["2013-01-31 10:00"], pl.Datetime("us"), [datetime(2013, 1, 31, 10)]),
        (["2013-01-31", "2013-01-31T10:00:00.5"], pl.Datetime("us"), [datetime(2013, 1, 31), datetime(2013, 1, 31, 10, 0, 0, 500_000)]),
        (["2013-01-31T10:00:00Z", "2013-01-31 12:00:00+02:00"], pl.Datetime("us", "UTC"), [datetime(2013, 1, 31, 10, tzinfo=UTC)] * 2),
        (["10:00:00"], pl.Time(), [time(10)]),
        (["", ""], pl.Null(), [None, None]),
        (["NA", "NA"], pl.String(), ["NA", "NA"]),
        (["NA", "1", ""], pl.Int64(), [None, 1, None]),
        (["N/A", "2013-01-31"], pl.Date(), [None, date(2013, 1, 31)]),
        (["NA", "x", ""], pl.String(), ["NA", "x", None]),
    ],
)  # fmt: skip
def test_a_column_is_what_all_its_values_are(read: Write, cells: list[str], dtype: pl.DataType, expected: list[object]):
    data = read("a,b\n" + "".join(f"{cell},.\n" for cell in cells))

    assert data.schema["a"] == dtype
    assert values(data) == expected


@pytest.mark.parametrize(
    ("late", "dtype"), [("2.5", pl.Float64()), ("abc", pl.String()), ("007", pl.String()), ("NA", pl.Int64())]
)
def test_a_late_value_widens_the_column_and_breaks_nothing(read: Write, late: str, dtype: pl.DataType):
    data = read("a,b\n" + "1,x\n" * 10_000 + f"{late},x\n")

    assert data.schema["a"] == dtype
    assert data.scan().collect().height == data.n_rows == 10_001


def test_a_column_that_is_empty_at_first_gets_the_type_of_its_late_values(read: Write):
    data = read("a,b\n" + ",x\n" * 10_000 + "2.5,x\n")

    assert data.schema["a"] == pl.Float64()


def test_words_for_missing_are_told_and_kept_in_texts(read: Write):
    data = read("age,town\n41,NA\n?,Rome\nNA,\n")

    assert data.notes == ("'age': read as missing: 'NA' (1), '?' (1)",)
    assert values(data, "age") == [41, None, None]
    assert values(data, "town") == ["NA", "Rome", None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_the_header_has_most_of(read: Write, delimiter: str):
    data = read(delimiter.join(["a", "b", "c"]) + "\n" + delimiter.join(["1", "x y", "2"]) + "\n")

    assert data.scan().collect().rows() == [(1, "x y", 2)]


def test_a_delimiter_inside_quotes_separates_nothing(read: Write):
    data = read('"a;b;c",d\n"x, y","line\nbreak"\n"a ""word""",2\n')

    assert list(data.schema) == ["a;b;c", "d"]
    assert data.scan().collect().rows() == [("x, y", "line\nbreak"), ('a "word"', "2")]


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_values(read: Write):
    data = read("\ufeffa,b\r\n1,x\r\n2,y\r\n")

    assert data.scan().collect().to_dict(as_series=False) == {"a": [1, 2], "b": ["x", "y"]}


def test_a_repeated_name_is_numbered_and_told(read: Write):
    data = read("a,b,a\n1,x,2\n")

    assert list(data.schema) == ["a", "b", "a_2"]
    assert data.notes == ("the header has 'a' more than once; here the later one is 'a_2'",)


@pytest.mark.parametrize("name", ["", "x.y", "a b", "[0]", "*", "^a$", "naïve", "'", "$1"])
def test_any_name_can_be_a_column(read: Write, name: str):
    data = read(f"{name},a\nNA,1\n2,1\n")

    assert data.scan().collect().to_dict(as_series=False) == {name: [None, 2], "a": [1, 1]}


@pytest.mark.parametrize("name", ["rows.tsv", "rows.tsv.gz", "rows.csv.gz", "rows.csv.zst"])
def test_packed_and_tabbed_files_are_read_by_their_names(read: Write, name: str):
    text = b"a\tb\n1\tx,y\n"
    packed = {"gz": gzip.compress, "zst": zstandard}.get(name.rpartition(".")[2], bytes)

    data = read(packed(text), name=name)

    assert data.scan().collect().rows() == [(1, "x,y")]


def zstandard(raw: bytes) -> bytes:
    """Return a zstandard frame that holds the bytes as one raw block: RFC 8878, sections 3.1.1 and 3.1.1.2."""
    single_segment, size = b"\x20", bytes([len(raw)])
    last_raw_block = (len(raw) << 3 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd" + single_segment + size + last_raw_block + raw


def test_a_header_without_rows_is_a_table_of_no_rows(read: Write):
    data = read("a,b\n")

    assert data.n_rows == 0
    assert data.scan().collect().shape == (0, 2)


def test_blank_lines_at_the_end_are_no_rows(read: Write):
    data = read("a,b\n1,2\n3,\n\n\n")

    assert data.scan().collect().rows() == [(1, 2), (3, None)]
    assert data.n_rows == 2


def test_a_blank_line_in_a_file_of_one_column_is_an_empty_value(read: Write):
    assert values(read("a\n1\n\n3\n")) == [1, None, 3]


LONG = "1,2\n" * 2_000_000  # 8 MB: more than one piece

MANY = "too many fields: 3; the header has 2; quote values that contain the delimiter"
FEW = "fill them, or end the file before it"
OPEN = "a quote that opens here is never closed; close it, or double it where it is text"
BROKEN = [
    ("too many fields", "a,b\n1,2\n3,4,5\n", f":3: the row has {MANY}"),
    ("too many in the first row", "a,b\n1,2,3\n", f":2: the row has {MANY}"),
    ("too many, far down", "a,b\n" + "1,2\n" * 9_000 + "1,2,3\n", f":9002: the row has {MANY}"),
    ("too many after a quoted line break", 'a,b\n"x\ny",2\n3,4,5\n', f":4: the row has {MANY}"),
    ("too few fields", "a,b,c\n1,2,3\n3,4\n5,6,7\n", f":3: the row has too few fields: 2; the header has 3; {FEW}"),
    ("too few in the last row", "a,b,c\n1,2,3\n3", f":3: the row has too few fields: 1; the header has 3; {FEW}"),
    ("too few, in the second piece", "a,b\n" + LONG + "1\n1,2\n", f":2000002: the row has too few fields: 1; the header has 2; {FEW}"),
    ("a blank line", "a,b\n1,\n\n2,\n", ":3: the line is blank; a row of 2 fields is expected; delete the line"),
    ("an open quote", 'a,b\n1,"x\n2,y\n', f":2: {OPEN}"),
    ("an open quote, far down", "a,b\n" + "1,x\n" * 9_000 + '1,"x\n' + "1,x\n" * 9, f":9002: {OPEN}"),
    ("Latin-1", b"a,b\n1,x\n2,\xe9t\xe9\n", ":3: byte 10 is not UTF-8; save the file as UTF-8"),
    ("a Latin-1 header", b"a,\xe9\n1,2\n", ":1: byte 2 is not UTF-8; save the file as UTF-8"),
    ("UTF-16", "\ufeffa,b\n1,2\n".encode("utf-16-le"), ": it begins with '\\xff\\xfe': it is UTF-16 text, not CSV"),
    ("nothing", "", ": the file is empty: 0 bytes are no CSV"),
    ("blank lines only", "\n\n", ": the file is empty: there is no header"),
    ("a workbook", b"PK\x03\x04....", ": it begins with 'PK\\x03\\x04': it is a zip file (a workbook or an archive), not CSV"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_file_is_named_with_the_place_and_the_rule(
    read: Write, tmp_path: Path, content: str | bytes, message: str
):
    with pytest.raises(DataError) as caught:
        read(content)

    assert str(caught.value) == f"{tmp_path / 'rows.csv'}{message}"
    assert caught.value.exit_code == 3


PACKED = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * 7919 % 1009) for n in range(100_000)), mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PACKED[: len(PACKED) // 2], "the gzip file ends too early: it was cut off; fetch it again"),
        (PACKED[:-4], "the gzip file ends too early: it was cut off; fetch it again"),
        (b"a,b\n1,2\n", "it is not gzip, though its name says so"),
        (b"", "the file is empty: 0 bytes are no CSV"),
    ],
)
def test_a_broken_gzip_file_says_so(read: Write, tmp_path: Path, content: bytes, message: str):
    with pytest.raises(DataError) as caught:
        read(content, name="rows.csv.gz")

    assert str(caught.value) == f"{tmp_path / 'rows.csv.gz'}: {message}"


def test_several_files_are_one_table_in_the_widest_type(tmp_path: Path):
    (tmp_path / "1.csv").write_text("a,b,c\n1,x,\n")
    (tmp_path / "2.csv").write_text("b,a,c\ny,2.5,2013-01-01\n")

    data = dataset(tmp_path)

    assert dict(data.schema) == {"a": pl.Float64(), "b": pl.String(), "c": pl.Date()}
    assert data.scan().collect().rows() == [(1.0, "x", None), (2.5, "y", date(2013, 1, 1))]
    assert data.n_rows == 2


def test_files_with_other_columns_are_no_table(tmp_path: Path):
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("a\n1\n")

    with pytest.raises(DataError) as caught:
        dataset(tmp_path)

    message = "'2.csv' has no column 'b', which '1.csv' has; a dataset is one table: name the files of one table only"
    assert str(caught.value) == f"{tmp_path / '2.csv'}:1: {message}"


def test_numbers_are_the_ones_that_python_reads(read: Write):
    # An independent oracle: Python's own reader of the shortest text of a float.
    cells = [repr(float(n) / 7) for n in range(-500, 500)] + [str(Decimal(10) ** n) for n in range(-30, 30)]

    data = read("a,b\n" + "".join(f"{cell},.\n" for cell in cells))

    assert values(data) == [float(cell) for cell in cells]
