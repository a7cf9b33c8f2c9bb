"""The embedded engine: one scan, every row once, in order, in batches of bounded size; damage is an error, not a crash."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from assay.data.dataset import Dataset
from assay.data.engine import Batch
from assay.data.names import col
from assay.data.polars_engine import PolarsEngine, batches
from assay.data.sources import dataset
from assay.errors import AssayError, DataError

ROWS = 10_000
FRAME = pl.DataFrame({"n": range(ROWS), "t": [f"row {n}" for n in range(ROWS)]})


@dataclass(frozen=True)
class Seen:
    """The state of the tests: what batches there were, in the order in which they were merged."""

    offsets: tuple[int, ...] = ()
    heights: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()

    def merge(self, other: Seen) -> Seen:
        return Seen(
            self.offsets + other.offsets,
            self.heights + other.heights,
            self.numbers + other.numbers,
            other.columns or self.columns,
        )


@dataclass(frozen=True)
class Look:
    """The plan of the tests: look at every batch."""

    columns: Sequence[str] | None = None

    def empty(self) -> Seen:
        return Seen()

    def measure(self, batch: Batch) -> Seen:
        numbers = batch.frame.get_column("n").to_list() if "n" in batch.frame.columns else []
        return Seen((batch.offset,), (batch.frame.height,), tuple(numbers), tuple(batch.frame.columns))


def as_parquet(folder: Path) -> object:
    FRAME.write_parquet(folder / "x.parquet", row_group_size=700)
    return folder / "x.parquet"


def as_three_files(folder: Path) -> object:
    for number, part in enumerate((FRAME[:1234], FRAME[1234:5000], FRAME[5000:])):
        part.write_parquet(folder / f"{number}.parquet")
    return folder


def as_three_widths(folder: Path) -> object:
    for number, part in enumerate((FRAME[:1234], FRAME[1234:5000], FRAME[5000:])):
        part.cast({"n": [pl.Int16, pl.Int64, pl.Int32][number]}).write_parquet(folder / f"{number}.parquet")
    return folder


def as_partitions(folder: Path) -> object:
    for month in range(1, 11):
        (folder / f"month={month}").mkdir()
        FRAME[(month - 1) * 1000 : month * 1000].write_parquet(folder / f"month={month}" / "x.parquet")
    return folder


def as_csv(folder: Path) -> object:
    FRAME.write_csv(folder / "x.csv")
    return folder / "x.csv"


def as_csv_gz(folder: Path) -> object:
    (folder / "x.csv.gz").write_bytes(gzip.compress(FRAME.write_csv().encode()))
    return folder / "x.csv.gz"


def as_jsonl(folder: Path) -> object:
    FRAME.write_ndjson(folder / "x.jsonl")
    return folder / "x.jsonl"


def as_ipc(folder: Path) -> object:
    FRAME.write_ipc(folder / "x.arrow", compression="zstd")
    return folder / "x.arrow"


def as_frame(folder: Path) -> object:
    return FRAME


def as_lazy_frame(folder: Path) -> object:
    return FRAME.lazy().with_columns(double=pl.col("n") * 2)


def as_stream(folder: Path) -> object:
    return FRAME.to_arrow().to_reader(max_chunksize=333)


def as_query(folder: Path) -> object:
    FRAME.write_csv(folder / "x.csv")
    import duckdb

    with duckdb.connect(str(folder / "x.duckdb")) as connection:
        connection.execute(f"CREATE TABLE x AS SELECT * FROM '{folder / 'x.csv'}'")
    return dataset(f"duckdb:///{folder / 'x.duckdb'}", query="x")


WAYS = [
    as_parquet, as_three_files, as_three_widths, as_partitions, as_csv, as_csv_gz, as_jsonl, as_ipc, as_frame, as_lazy_frame,
    as_stream, as_query,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_fold_sees_every_row_once_and_in_order(tmp_path: Path, way: Callable[[Path], object]):
    seen = PolarsEngine(batch_rows=1500).fold(dataset(way(tmp_path)), Look())

    assert seen.numbers == tuple(range(ROWS))


@pytest.mark.parametrize("way", WAYS)
def test_batches_are_bounded_and_their_offsets_continue(tmp_path: Path, way: Callable[[Path], object]):
    seen = PolarsEngine(batch_rows=1500).fold(dataset(way(tmp_path)), Look())

    assert max(seen.heights) <= 1500
    assert seen.offsets == tuple(sum(seen.heights[:index]) for index in range(len(seen.heights)))


@pytest.mark.parametrize("way", WAYS)
def test_only_the_asked_columns_come_and_in_the_order_asked(tmp_path: Path, way: Callable[[Path], object]):
    seen = PolarsEngine().fold(dataset(way(tmp_path)), Look(columns=("t", "n")))

    assert seen.columns == ("t", "n")
    assert len(seen.numbers) == ROWS


@pytest.mark.parametrize("way", WAYS)
def test_a_plan_without_columns_still_counts_rows(tmp_path: Path, way: Callable[[Path], object]):
    seen = PolarsEngine(batch_rows=1500).fold(dataset(way(tmp_path)), Look(columns=()))

    assert (sum(seen.heights), seen.columns) == (ROWS, ())


@pytest.mark.parametrize("name", ["*", "^n$", "^.*$", ""])
def test_a_column_is_asked_for_by_its_literal_name(name: str):
    data = dataset(pl.DataFrame({"n": [1], name: [2], "z": [3]}))

    (batch,) = batches(data, columns=[name])

    assert batch.frame.to_dict(as_series=False) == {name: [2]}


def test_each_fold_is_one_scan_and_opens_the_data_once():
    opened: list[int] = []

    def open() -> pl.LazyFrame:
        opened.append(1)
        return FRAME.lazy()

    engine = PolarsEngine(batch_rows=100)
    data = Dataset("toy", "a frame", open)
    assert list(data.schema) == ["n", "t"]
    opened.clear()

    engine.fold(data, Look())

    assert (engine.scans, len(opened)) == (1, 1)


def test_progress_says_how_many_rows_have_been_seen():
    told: list[int] = []

    PolarsEngine(batch_rows=4000).fold(dataset(FRAME), Look(), progress=told.append)

    assert told == [4000, 8000, 10_000]


def test_no_rows_are_one_empty_batch_with_the_columns():
    seen = PolarsEngine().fold(dataset(FRAME[:0]), Look())

    assert seen == Seen((0,), (0,), (), ("n", "t"))


def test_a_csv_without_rows_is_one_empty_batch(tmp_path: Path):
    (tmp_path / "x.csv").write_text("n,t\n")

    assert PolarsEngine().fold(dataset(tmp_path / "x.csv"), Look()) == Seen((0,), (0,), (), ("n", "t"))


def test_no_columns_are_one_batch_of_the_height():
    seen = PolarsEngine().fold(dataset(pl.DataFrame(height=3)), Look())

    assert seen == Seen((0,), (3,), (), ())


def test_an_error_of_the_plan_is_not_taken_for_broken_data():
    class Broken(Look):
        def measure(self, batch: Batch) -> Seen:
            raise AssayError("the plan is at fault")

    with pytest.raises(AssayError, match=r"^the plan is at fault$"):
        PolarsEngine().fold(dataset(FRAME), Broken())


def test_damage_in_the_middle_is_told_with_the_row(tmp_path: Path):
    path = tmp_path / "x.parquet"
    pl.DataFrame({"t": [f"row {n}" for n in range(300_000)]}).write_parquet(path, row_group_size=10_000)
    raw = bytearray(path.read_bytes())
    half = len(raw) // 2
    raw[half : half + 4000] = b"\xab" * 4000
    path.write_bytes(raw)

    with pytest.raises(DataError) as caught:
        PolarsEngine(batch_rows=10_000).fold(dataset(path), Look())

    assert caught.value.place == str(path)
    assert caught.value.message.startswith("row ")
    assert " or one soon after cannot be read: " in caught.value.message


def test_a_file_that_is_cut_after_it_was_opened_is_told(tmp_path: Path):
    data = dataset(as_csv(tmp_path))
    assert list(data.schema) == ["n", "t"]
    with (tmp_path / "x.csv").open("a") as stream:
        stream.write("not a number,x\n")

    with pytest.raises(
        DataError, match=r"x\.csv: row \d+ or one soon after cannot be read: could not parse `not a number`"
    ):
        PolarsEngine().fold(data, Look())


def test_a_file_that_went_away_is_told(tmp_path: Path):
    data = dataset(as_parquet(tmp_path))
    (tmp_path / "x.parquet").unlink()

    with pytest.raises(DataError, match=r"x\.parquet: the columns cannot be read: No such file or directory"):
        PolarsEngine().fold(data, Look())


def test_a_scan_may_be_left_early(tmp_path: Path):
    data = dataset(as_parquet(tmp_path))
    walk = batches(data, rows=100)

    first = next(walk)
    walk.close()

    assert first.frame.height == 100
    assert sum(batch.frame.height for batch in batches(data)) == ROWS


@dataclass(frozen=True)
class Ask:
    """A question: the sum of a column."""

    columns: tuple[str, ...]

    def query(self, rows: pl.LazyFrame, others: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
        return rows.select(col(self.columns[0]).sum().alias("n"))


def test_questions_share_one_scan_and_one_that_cannot_be_asked_says_why():
    engine = PolarsEngine()

    answers = engine.ask(dataset(FRAME), [Ask(("n",)), Ask(("gone",))], others={})

    # 0 + 1 + … + 9,999
    assert answers[0].row == {"n": 49_995_000}
    assert answers[1].row is None
    assert answers[1].why.startswith('unable to find column "gone"')
    assert engine.scans == 1


def test_no_questions_need_no_scan():
    engine = PolarsEngine()

    assert engine.ask(dataset(FRAME), [], others={}) == []
    assert engine.scans == 0


MEMORY = """
import resource, sys
from assay.data.polars_engine import batches
from assay.data.sources import dataset
data = dataset(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = sum(batch.frame.height for batch in batches(data, rows=50_000))
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_a_scan_takes_far_less_memory_than_the_table(tmp_path: Path):
    # 6 million rows × 10 columns × 8 bytes = 458 MiB of values.
    rows, columns = 6_000_000, 10
    spread = [pl.int_range(rows).hash(seed).alias(f"c{seed}") for seed in range(columns)]
    pl.select(spread).write_parquet(tmp_path / "x.parquet", row_group_size=100_000, compression="uncompressed")

    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "x.parquet")],
        env={**os.environ, "POLARS_MAX_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    seen, grown = map(int, done.stdout.split())

    assert seen == rows
    assert grown < 250
