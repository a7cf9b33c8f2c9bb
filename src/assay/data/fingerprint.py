"""What identifies the content of a dataset: cheap, the same on every machine, and no proof against a forger.

- files: BLAKE2b over each file's size and up to 16 blocks of 1 MiB, evenly spaced, the first and the last among them (a
  file of up to 16 MiB is covered whole; where there are many files, each gives fewer blocks, but at least its two ends);
  in a folder or glob also over each file's name below it. Parquet keeps its statistics at its end.
- rows (frames and queries): BLAKE2b over the names, types and number of rows, and over 16 evenly spaced
  blocks of rows as text, about 20,000 values in all (a small table is covered whole), in order.
- parquet and IPC in an object store: as rows, but of the first and last block only. Text there is copied: as files.
- a Delta table: its id and version. A lazy frame: its plan and schema, since its rows are not known before a scan.

The text before the colon says which of these it is. A change that touches none of the blocks and no size goes unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import polars as pl
import polars.selectors as cs

from assay.data.dataset import first_line
from assay.data.files import File
from assay.errors import DataError

__all__ = ["of_files", "of_plan", "of_rows", "of_version"]

BLOCK = 1 << 20
BLOCKS = 16
FILE_BUDGET = 64
VALUES = 20_000


def of_files(files: Sequence[File]) -> str:
    """Return the fingerprint of files, in their order; a single file's name is no part of it."""
    digest = blake2b(digest_size=16)
    blocks = max(2, min(BLOCKS, FILE_BUDGET // len(files)))
    for file in files:
        if len(files) > 1:
            _add(digest, file.name.encode())
        _add_file(digest, file.path, blocks)
    return f"files:{digest.hexdigest()}"


def _add(digest: blake2b, raw: bytes) -> None:
    digest.update(len(raw).to_bytes(8, "big"))
    digest.update(raw)


def _add_file(digest: blake2b, path: Path, blocks: int) -> None:
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            digest.update(size.to_bytes(8, "big"))
            for start in _starts(size, BLOCK, blocks):
                stream.seek(start)
                digest.update(stream.read(BLOCK))
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", place=str(path)) from None


def _starts(size: int, block: int, blocks: int) -> list[int]:
    """Return where blocks begin: at every block where they cover all, else evenly spaced from the first to the last.

    >>> _starts(10, 4, 3), _starts(100, 10, 4)
    ([0, 4, 8], [0, 30, 60, 90])
    """
    if size <= block * blocks:
        return list(range(0, size, block))
    return [(size - block) * step // (blocks - 1) for step in range(blocks)]


def of_rows(rows: pl.LazyFrame, *, height: int) -> str:
    """Return the fingerprint of rows in their order; the same rows have the same one wherever they come from."""
    return f"rows:{_of_blocks(rows, height, BLOCKS)}"


def of_ends(rows: pl.LazyFrame, *, height: int) -> str:
    """Return the fingerprint of rows that are far away: of the first and the last of them only."""
    return f"ends:{_of_blocks(rows, height, 2)}"


def _of_blocks(rows: pl.LazyFrame, height: int, blocks: int) -> str:
    schema = rows.collect_schema()
    digest = blake2b(digest_size=16)
    _add(digest, _words(schema).encode())
    digest.update(height.to_bytes(8, "big"))
    block = max(VALUES // (BLOCKS * max(len(schema), 1)), 1)
    slices = [rows.slice(start, block) for start in _starts(height, block, blocks)] if schema else []
    for part in pl.collect_all(slices):
        for row in part.with_columns(cs.temporal().to_physical()).iter_rows():
            _add(digest, repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _words(schema: Mapping[str, pl.DataType]) -> str:
    return "\n".join(f"{name!r} {dtype}" for name, dtype in schema.items())


def of_plan(frame: pl.LazyFrame) -> str:
    """Return the fingerprint of a lazy frame's plan and schema; raise `DataError` where the plan cannot be resolved."""
    digest = blake2b(digest_size=16)
    try:
        _add(digest, _words(frame.collect_schema()).encode())
        _add(digest, frame.explain(optimized=False).encode())
    except pl.exceptions.PolarsError as error:
        raise DataError(f"the plan cannot be resolved: {first_line(error)}", place="a Polars lazy frame") from None
    return f"plan:{digest.hexdigest()}"


def of_version(identity: str, version: int) -> str:
    """Return the fingerprint of one version of a table that keeps versions."""
    digest = blake2b(digest_size=16)
    _add(digest, identity.encode())
    return f"version:{digest.hexdigest()}:{version}"
