"""Write a frame to a file, whole or not at all, in the format that its name says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import polars as pl

from assay.codec import atomic
from assay.data.dataset import first_line
from assay.errors import DataError, UsageError

__all__ = ["WRITERS", "refuse_path", "write_rows"]

WRITERS: Mapping[str, Callable[[pl.DataFrame, IO[Any]], object]] = {
    ".parquet": lambda frame, stream: frame.write_parquet(stream),
    ".csv": lambda frame, stream: frame.write_csv(stream),
    ".jsonl": lambda frame, stream: frame.write_ndjson(stream),
    ".ndjson": lambda frame, stream: frame.write_ndjson(stream),
    ".arrow": lambda frame, stream: frame.write_ipc(stream),
    ".ipc": lambda frame, stream: frame.write_ipc(stream),
    ".feather": lambda frame, stream: frame.write_ipc(stream),
}


def refuse_path(path: str | Path) -> None:
    """Raise UsageError where a file's name says no format that rows can be written in."""
    suffix = Path(path).suffix.lower()
    if suffix not in WRITERS:
        known = ", ".join(WRITERS)
        raise UsageError(
            f"the suffix {suffix!r} says no format for rows", place=str(path), hint=f"end the name with one of {known}"
        )


def write_rows(frame: pl.DataFrame, path: str | Path) -> None:
    """Write rows to a file, whole or not at all; its folder is made where there is none.

    Raises UsageError where the name says no format or the folder cannot be written, DataError where the format cannot hold a column.
    """
    refuse_path(path)
    try:
        with atomic(path, "wb") as stream:
            WRITERS[Path(path).suffix.lower()](frame, stream)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        hint = "a .parquet file holds every type"
        raise DataError(f"the rows cannot be written: {first_line(error)}", place=str(path), hint=hint) from None
