"""Files, folders, globs and partitions: what is found, in which order, and what is said where nothing is."""

from __future__ import annotations

import os
import pwd
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assay.data.dataset import Roles
from assay.data.sources import dataset
from assay.errors import AssayError, DataError, UsageError


def write(path: Path, *numbers: int, name: str = "a") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({name: numbers}, schema={name: pl.Int64}).write_parquet(path)
    return path


def rows(source: object) -> list[tuple[object, ...]]:
    return dataset(source).scan().collect().rows()


def test_a_file_is_a_dataset_of_its_name(tmp_path: Path):
    path = write(tmp_path / "flights.parquet", 1, 2)

    data = dataset(path)

    assert (data.name, data.source, data.part) == ("flights", str(path), "current")
    assert data.scan().collect().rows() == [(1,), (2,)]


def test_a_folder_is_read_in_natural_order_without_hidden_files(tmp_path: Path):
    write(tmp_path / "p10.parquet", 10)
    write(tmp_path / "p2.parquet", 2)
    write(tmp_path / "sub" / "p1.parquet", 1)
    write(tmp_path / "_tmp" / "p0.parquet", 0)
    write(tmp_path / ".p0.parquet", 0)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "README.md").write_text("what this is")

    assert rows(tmp_path) == [(2,), (10,), (1,)]


def test_a_glob_is_read_in_natural_order(tmp_path: Path):
    write(tmp_path / "p10.parquet", 10)
    write(tmp_path / "p2.parquet", 2)
    write(tmp_path / "q1.parquet", 1)

    assert rows(str(tmp_path / "p*.parquet")) == [(2,), (10,)]
    assert dataset(str(tmp_path / "p*.parquet")).name == "p"


def test_a_glob_of_any_depth_finds_files_below_folders(tmp_path: Path):
    write(tmp_path / "a" / "b" / "c.parquet", 1)

    assert rows(str(tmp_path / "**" / "*.parquet")) == [(1,)]


@pytest.mark.parametrize("extension", ["parquet", "csv", "jsonl", "arrow"])
def test_a_name_with_the_signs_of_a_glob_is_still_a_file(tmp_path: Path, extension: str):
    path = tmp_path / f"we[ird]*.{extension}"
    frame = pl.DataFrame({"a": [1]})
    {"parquet": frame.write_parquet, "csv": frame.write_csv, "jsonl": frame.write_ndjson, "arrow": frame.write_ipc}[
        extension
    ](path)

    assert rows(path) == [(1,)]


def test_hive_folders_give_typed_columns(tmp_path: Path):
    root = tmp_path / "env=prod" / "flights"
    write(root / "year=2013" / "day=2013-01-02" / "code=01" / "x.parquet", 1)
    write(root / "year=2014" / "day=2013-01-03" / "code=A%2FB" / "x.parquet", 2)
    write(root / "year=__HIVE_DEFAULT_PARTITION__" / "day=2013-01-04" / "code=c" / "x.parquet", 3)

    data = dataset(root)

    assert dict(data.schema) == {"a": pl.Int64(), "year": pl.Int64(), "day": pl.Date(), "code": pl.String()}
    assert data.scan().collect().rows() == [
        (1, 2013, date(2013, 1, 2), "01"),
        (2, 2014, date(2013, 1, 3), "A/B"),
        (3, None, date(2013, 1, 4), "c"),
    ]


@pytest.mark.parametrize("extension", ["csv", "jsonl", "arrow"])
def test_hive_folders_give_columns_to_every_format(tmp_path: Path, extension: str):
    frame = pl.DataFrame({"a": [1]})
    for month in (1, 2, 10):
        path = tmp_path / f"month={month}" / f"x.{extension}"
        path.parent.mkdir()
        {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "arrow": frame.write_ipc}[extension](path)

    assert rows(tmp_path) == [(1, 1), (1, 2), (1, 10)]
    assert rows(str(tmp_path / "month=*" / f"*.{extension}")) == [(1, 1), (1, 2), (1, 10)]


def test_files_below_other_keys_are_no_table(tmp_path: Path):
    write(tmp_path / "year=2013" / "x.parquet", 1)
    write(tmp_path / "z" / "x.parquet", 1)

    with pytest.raises(DataError) as caught:
        dataset(tmp_path).scan()

    message = "the folders of 'z/x.parquet' name no columns, those of 'year=2013/x.parquet' year"
    hint = "every file of a partitioned folder lies below the same keys"
    assert str(caught.value) == f"{tmp_path / 'z' / 'x.parquet'}: {message}; {hint}"


EXTENSIONS = ".parquet, .pq, .csv, .tsv, .tab, .jsonl, .ndjson, .json, .arrow, .feather, .ipc, .arrows"


def test_a_missing_file_is_named_with_its_nearest_neighbour(tmp_path: Path):
    write(tmp_path / "flights.parquet", 1)

    with pytest.raises(UsageError) as caught:
        dataset(tmp_path / "flight.parquet")

    hint = "did you mean 'flights.parquet'? There are: flights.parquet"
    assert str(caught.value) == f"{tmp_path / 'flight.parquet'}: there is no such file or folder; {hint}"
    assert caught.value.exit_code == 2


def test_a_missing_folder_is_told_too(tmp_path: Path):
    with pytest.raises(UsageError) as caught:
        dataset(tmp_path / "gone" / "a.csv")

    hint = f"there is no folder {str(tmp_path / 'gone')!r} either"
    assert str(caught.value) == f"{tmp_path / 'gone' / 'a.csv'}: there is no such file or folder; {hint}"


def test_an_empty_glob_is_wrong_usage(tmp_path: Path):
    write(tmp_path / "a.parquet", 1)

    with pytest.raises(UsageError) as caught:
        dataset(str(tmp_path / "*.csv"))

    assert str(caught.value) == f"{tmp_path}/*.csv: no file matches this glob; there are: a.parquet"
    assert caught.value.exit_code == 2


def test_an_empty_folder_is_wrong_usage(tmp_path: Path):
    with pytest.raises(UsageError) as caught:
        dataset(tmp_path)

    assert str(caught.value) == f"{tmp_path}: this folder is empty; tables end in {EXTENSIONS}"


def test_a_folder_without_tables_is_wrong_usage(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no table")

    with pytest.raises(UsageError) as caught:
        dataset(tmp_path)

    assert str(caught.value) == f"{tmp_path}: this folder holds no table among its files; tables end in {EXTENSIONS}"


def test_a_folder_of_several_formats_is_no_table(tmp_path: Path):
    write(tmp_path / "a.parquet", 1)
    (tmp_path / "b.csv").write_text("a\n1\n")

    with pytest.raises(UsageError) as caught:
        dataset(tmp_path)

    message = "the files have several formats: 'a.parquet' is parquet, 'b.csv' is CSV"
    hint = "name the files of one format, with a glob such as '*.parquet'"
    assert str(caught.value) == f"{tmp_path}: {message}; {hint}"


def test_an_unknown_extension_is_named_with_the_known_ones(tmp_path: Path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04")

    with pytest.raises(UsageError) as caught:
        dataset(tmp_path / "a.xlsx")

    assert (
        str(caught.value)
        == f"{tmp_path / 'a.xlsx'}: the extension says no format that is read here; there are: {EXTENSIONS}"
    )


def test_an_unknown_kind_of_url_is_named_without_its_password():
    with pytest.raises(UsageError) as caught:
        dataset("ftp://ann:secret@host/a.csv")

    known = "postgresql, postgres, sqlite, duckdb, s3, s3a, gs, gcs, az, azure, abfs, abfss, adl, hf, http, https"
    assert str(caught.value) == f"ftp://ann:***@host/a.csv: there is no such kind of URL: ftp; there are: {known}"


def test_a_query_on_a_file_is_wrong_usage(tmp_path: Path):
    with pytest.raises(UsageError) as caught:
        dataset(tmp_path / "a.sqlite", query="t")

    hint = f"write sqlite:///{tmp_path / 'a.sqlite'}"
    assert str(caught.value) == f"{tmp_path / 'a.sqlite'}: query= is for databases; this is none; {hint}"


@pytest.mark.skipif(os.geteuid() != 0, reason="root lends itself to another user, whom the file can refuse")
def test_a_file_that_may_not_be_read_says_so_as_root_lends_itself(tmp_path: Path):
    path = write(tmp_path / "a.parquet", 1)
    path.chmod(0o000)
    nobody = pwd.getpwnam("nobody").pw_uid
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)

    os.seteuid(nobody)
    try:
        with pytest.raises(DataError) as caught:
            dataset(path)
    finally:
        os.seteuid(0)

    assert str(caught.value) == f"{path}: this may not be read: permission denied"


def test_no_error_of_a_source_is_a_traceback(tmp_path: Path):
    with pytest.raises(AssayError):
        dataset(tmp_path / ("x" * 300 + ".csv"))


def test_roles_must_be_columns(tmp_path: Path):
    path = write(tmp_path / "flights.parquet", 1, name="delay")

    with pytest.raises(UsageError) as caught:
        dataset(path, roles=Roles(label="delays"))

    assert str(caught.value) == "flights has no column 'delays'; did you mean 'delay'? There are: delay"


def test_a_dataset_of_a_dataset_keeps_what_is_not_said_anew(tmp_path: Path):
    first = dataset(write(tmp_path / "a.parquet", 1), name="june", roles=Roles(label="a"))

    second = dataset(first, part="reference")

    assert (second.name, second.part, second.roles, second.fingerprint) == (
        "june",
        "reference",
        Roles(label="a"),
        first.fingerprint,
    )
