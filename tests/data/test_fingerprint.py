"""Fingerprints: the same content has the same one everywhere, and a change that they cover has another."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

import polars as pl
import pytest

from assay.data.fingerprint import BLOCK, BLOCKS
from assay.data.sources import dataset

FRAME = pl.DataFrame({"a": [1, 2, None], "b": ["x", "y", "z"]})


def test_a_file_has_the_fingerprint_of_its_bytes_and_not_of_its_name(tmp_path: Path):
    FRAME.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes())
    os.utime(tmp_path / "b.parquet", (0, 0))

    assert dataset(tmp_path / "a.parquet").fingerprint == dataset(tmp_path / "b.parquet").fingerprint


def test_known_bytes_have_a_known_fingerprint(tmp_path: Path):
    # An independent oracle: the digest by the command b2sum of the size, 8 bytes big-endian, and the bytes:
    # printf '\0\0\0\0\0\0\0\10a,b\n1,2\n' | b2sum --length 128
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")

    assert dataset(tmp_path / "a.csv").fingerprint == "files:14bee345980f53272695dccb504d6a14"


def test_a_folder_has_the_fingerprint_of_its_files_and_their_names(tmp_path: Path):
    for folder, name in (("one", "x.csv"), ("two", "x.csv"), ("three", "z.csv")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text("a\n1\n")
        (tmp_path / folder / name).write_text("a\n2\n")

    one, two, three = (dataset(tmp_path / folder).fingerprint for folder in ("one", "two", "three"))

    assert one == two != three


@pytest.mark.parametrize("at", [0, BLOCK, 8 * BLOCK + 5, BLOCKS * BLOCK - 10])
def test_a_changed_byte_of_a_file_of_sixteen_blocks_changes_it(tmp_path: Path, at: int):
    line = b"0123456\n"
    content = b"a\n" + line * (BLOCKS * BLOCK // len(line) - 1)
    (tmp_path / "a.csv").write_bytes(content)
    before = dataset(tmp_path / "a.csv").fingerprint
    start = 2 + (at // len(line)) * len(line)

    (tmp_path / "a.csv").write_bytes(content[:start] + b"9" + content[start + 1 :])

    assert dataset(tmp_path / "a.csv").fingerprint != before


def test_the_ends_of_a_large_file_are_covered(tmp_path: Path):
    content = bytearray(b"a\n" + b"1\n" * (10 * BLOCK))
    (tmp_path / "a.csv").write_bytes(content)
    before = dataset(tmp_path / "a.csv").fingerprint
    content[-2:] = b"2\n"

    (tmp_path / "a.csv").write_bytes(content)

    assert dataset(tmp_path / "a.csv").fingerprint != before


def test_the_same_rows_have_the_same_fingerprint_whatever_holds_them():
    held = [FRAME, FRAME.to_arrow(), FRAME.to_arrow().to_reader(), pl.concat([FRAME[:1], FRAME[1:]], rechunk=False)]

    assert len({dataset(source).fingerprint for source in held}) == 1


@pytest.mark.parametrize(
    "other",
    [
        FRAME.reverse(),
        FRAME.rename({"a": "c"}),
        FRAME.select("b", "a"),
        FRAME.with_columns(pl.col("a").cast(pl.Int32)),
        FRAME[:2],
        FRAME.with_columns(a=pl.Series([1, 2, 0])),
    ],
)
def test_another_order_name_type_or_value_is_another_fingerprint(other: pl.DataFrame):
    assert dataset(other).fingerprint != dataset(FRAME).fingerprint


def test_the_fingerprint_of_rows_is_the_digest_that_the_documentation_says():
    names, height, rows = b"'a' Int64\n'b' String", (3).to_bytes(8, "big"), [b"(1, 'x')", b"(2, 'y')", b"(None, 'z')"]
    said = prefixed(names) + height + b"".join(map(prefixed, rows))

    assert dataset(FRAME).fingerprint == f"rows:{blake2b(said, digest_size=16).hexdigest()}"


def prefixed(raw: bytes) -> bytes:
    return len(raw).to_bytes(8, "big") + raw


def test_a_lazy_frame_has_the_fingerprint_of_its_plan():
    one, same, other = (FRAME.lazy().filter(pl.col("a") > bound) for bound in (1, 1, 2))

    assert dataset(one).fingerprint == dataset(same).fingerprint != dataset(other).fingerprint
    assert dataset(one).fingerprint.startswith("plan:")
