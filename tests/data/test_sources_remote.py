"""Object stores and web servers, against a double of S3 on this machine; and Delta tables."""

from __future__ import annotations

import gzip
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import deltalake
import polars as pl
import pytest
from moto.server import ThreadedMotoServer

from assay.data.sources import dataset
from assay.errors import DataError, UsageError

FRAME = pl.DataFrame({"a": [1, 2], "b": ["x, y", None]})


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    double = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    double.start()
    host, port = double.get_host_and_port()
    yield f"http://{host}:{port}"
    double.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    store = boto3.resource("s3", endpoint_url=server).Bucket("data")
    store.create()
    yield store
    store.objects.all().delete()
    store.delete()


def packed(frame: pl.DataFrame, *, way: str) -> bytes:
    buffer = io.BytesIO()
    getattr(frame, f"write_{way}")(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "way"),
    [("x.parquet", "parquet"), ("x.arrow", "ipc"), ("x.csv", "csv"), ("x.jsonl", "ndjson"), ("x.json", "json")],
)
def test_every_format_is_read_from_an_object_store(bucket: Any, name: str, way: str):
    bucket.put_object(Key=f"in/{name}", Body=packed(FRAME, way=way))

    data = dataset(f"s3://data/in/{name}")

    assert data.scan().collect().rows() == FRAME.rows()
    assert (data.name, data.source, data.n_rows) == ("x", f"s3://data/in/{name}", 2)


def test_packed_text_is_read_from_an_object_store(bucket: Any):
    bucket.put_object(Key="x.csv.gz", Body=gzip.compress(packed(FRAME, way="csv")))

    assert dataset("s3://data/x.csv.gz").scan().collect().rows() == FRAME.rows()


def test_a_folder_and_a_glob_of_partitions_have_their_columns(bucket: Any):
    for year in (2013, 2014):
        bucket.put_object(Key=f"h/year={year}/x.parquet", Body=packed(FRAME.select("a"), way="parquet"))
        bucket.put_object(Key=f"h/year={year}/x.csv", Body=packed(FRAME.select("a"), way="csv"))
    bucket.put_object(Key="g/_SUCCESS", Body=b"")
    bucket.put_object(Key="g/x.parquet", Body=packed(FRAME, way="parquet"))

    expected = [(1, 2013), (2, 2013), (1, 2014), (2, 2014)]
    assert dataset("s3://data/h/year=*/*.parquet").scan().collect().rows() == expected
    assert dataset("s3://data/h/year=*/*.csv").scan().collect().rows() == expected
    assert dataset("s3://data/g").scan().collect().rows() == FRAME.rows()


def test_the_fingerprint_of_an_object_is_that_of_its_content(bucket: Any):
    for name, frame in (("1", FRAME), ("2", FRAME), ("3", FRAME.reverse())):
        bucket.put_object(Key=f"{name}.parquet", Body=packed(frame, way="parquet"))
        bucket.put_object(Key=f"{name}.csv", Body=packed(frame, way="csv"))

    parquet = [dataset(f"s3://data/{number}.parquet").fingerprint for number in (1, 2, 3)]
    text = [dataset(f"s3://data/{number}.csv").fingerprint for number in (1, 2, 3)]
    assert parquet[0] == parquet[1] != parquet[2]
    assert text[0] == text[1] != text[2]


@pytest.mark.parametrize("name", ["no.parquet", "no.csv", "none/", "*.parquet", "*.csv"])
def test_a_missing_object_is_wrong_usage(bucket: Any, name: str):
    with pytest.raises(UsageError) as caught:
        dataset(f"s3://data/{name}")

    hint = "check the URL; in a folder only parquet is looked for, other formats by a glob such as s3://bucket/folder/*.csv"
    assert str(caught.value) == f"s3://data/{name}: there is nothing at this URL; {hint}"


def test_a_broken_object_is_told(bucket: Any):
    bucket.put_object(Key="x.parquet", Body=b"PK\x03\x04 and more")

    with pytest.raises(
        DataError, match=r"^s3://data/x\.parquet: it cannot be read: parquet: File out of specification"
    ):
        dataset("s3://data/x.parquet")


def test_a_broken_row_of_a_text_object_is_told_with_its_url(bucket: Any):
    bucket.put_object(Key="x.csv", Body=b"a,b\n1,2\n1,2,3\n")

    with pytest.raises(DataError) as caught:
        dataset("s3://data/x.csv")

    message = "the row has too many fields: 3; the header has 2; quote values that contain the delimiter"
    assert str(caught.value) == f"s3://data/x.csv:3: {message}"


def test_a_web_server_that_forbids_reading_is_told(bucket: Any, server: str):
    bucket.put_object(Key="x.parquet", Body=packed(FRAME, way="parquet"))

    with pytest.raises(DataError) as caught:
        dataset(f"{server}/data/x.parquet")

    message = "the server forbids reading this; check the credentials in the environment"
    assert str(caught.value) == f"{server}/data/x.parquet: {message}"


def test_an_object_that_all_may_read_is_read_from_the_web(bucket: Any, server: str):
    bucket.put_object(Key="x.parquet", Body=packed(FRAME, way="parquet"), ACL="public-read")

    assert dataset(f"{server}/data/x.parquet").scan().collect().rows() == FRAME.rows()


def test_a_store_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, bucket: Any):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    with pytest.raises(DataError, match=r"^s3://data/x\.parquet: the server does not answer: "):
        dataset("s3://data/x.parquet")


def test_a_delta_table_is_read_in_its_newest_version(tmp_path: Path):
    FRAME.write_delta(tmp_path / "t", delta_write_options={"partition_by": ["b"]})
    FRAME.write_delta(tmp_path / "t", mode="append")

    data = dataset(tmp_path / "t")

    assert data.name == "t"
    assert sorted(data.scan().collect().get_column("a")) == [1, 1, 2, 2]


def test_a_delta_table_is_read_from_an_object_store(bucket: Any):
    FRAME.write_delta("s3://data/tables/t")
    FRAME.write_delta("s3://data/tables/t", mode="append")

    data = dataset("s3://data/tables/t")

    assert sorted(data.scan().collect().get_column("a")) == [1, 1, 2, 2]
    assert data.fingerprint.endswith(":1")


def test_a_delta_dataset_does_not_change_when_the_table_does(tmp_path: Path):
    FRAME.write_delta(tmp_path / "t")
    before = dataset(tmp_path / "t")

    FRAME.write_delta(tmp_path / "t", mode="append")

    after = dataset(tmp_path / "t")
    assert (before.scan().collect().height, after.scan().collect().height) == (2, 4)
    identity = deltalake.DeltaTable(tmp_path / "t").metadata().id
    assert before.fingerprint != after.fingerprint
    assert (before.fingerprint[-2:], after.fingerprint[-2:]) == (":0", ":1"), identity


def test_a_broken_delta_table_is_told(tmp_path: Path):
    (tmp_path / "t" / "_delta_log").mkdir(parents=True)

    with pytest.raises(DataError, match=r"t: the Delta table cannot be opened: "):
        dataset(tmp_path / "t")
