"""Temporary copies of rows that can be read only once (a query's result, a stream), so that they can be scanned again."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from assay.data.dataset import first_line
from assay.errors import DataError

__all__ = ["Spool", "keeping", "spool", "spool_batches", "temporary"]


class Spool:
    """A temporary file that lives as long as this object, and never longer than the process.

    It has a folder of its own, which goes with it: a writer that was stopped by an error and is a moment late finds no
    place any more to leave a file in.
    """

    def __init__(self, suffix: str) -> None:
        folder = tempfile.mkdtemp(prefix="assay-")
        self.path = Path(folder) / f"rows{suffix}"
        self.close: Callable[[], object] = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def scan(self) -> pl.LazyFrame:
        """Return the lazy plan of the rows in it; the plan holds no claim on the file."""
        return pl.scan_ipc([self.path], glob=False, hive_partitioning=False)


def temporary(suffix: str) -> Spool:
    """Return a new temporary file, not yet written; raise `DataError` where there is no room for one."""
    try:
        return Spool(suffix)
    except OSError as error:
        raise DataError(
            f"no temporary file can be made in {tempfile.gettempdir()}: {error.strerror}",
            hint="set TMPDIR to a folder with room",
        ) from None


def keeping(open: Callable[[], pl.LazyFrame], copies: Sequence[Spool]) -> Callable[[], pl.LazyFrame]:
    """Return the same function, which keeps temporary files alive as long as it lives itself."""
    held = tuple(copies)

    def opened() -> pl.LazyFrame:
        assert all(copy.path.name for copy in held)
        return open()

    return opened


def spool(frame: pl.LazyFrame, *, place: str) -> Spool:
    """Write a lazy plan's rows into a temporary Arrow IPC file, streaming, and return it."""
    target = temporary(".arrow")
    try:
        frame.sink_ipc(target.path, compression="lz4", maintain_order=True)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        target.close()
        raise DataError(f"the rows cannot be copied: {first_line(error)}", place=place) from None
    except BaseException:
        target.close()
        raise
    return target


def spool_batches(batches: Iterator[pl.DataFrame], schema: pl.Schema, *, place: str) -> Spool:
    """Write batches of one schema into a temporary Arrow IPC file as they come, and return it."""

    def source(_with: object, _where: object, _rows: object, _size: object) -> Iterator[pl.DataFrame]:
        return batches

    frame = register_io_source(source, schema=schema, validate_schema=True, is_pure=False)
    return spool(frame, place=place)
