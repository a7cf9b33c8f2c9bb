"""Which files a path means, in which order, in which format, and what their folders say about their rows.

A path is one file, a folder, or a glob. Files and folders whose names begin with `.` or `_` are passed over, as are
files whose extension is no table's. Folders named `year=2013` give every row below them a column `year`.
"""

from __future__ import annotations

import glob
import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO
from urllib.parse import unquote

import polars as pl

from assay.errors import DataError, UsageError, nearest

__all__ = [
    "EXTENSIONS",
    "NAMES",
    "File",
    "Opened",
    "check_content",
    "find",
    "format_of",
    "natural",
    "partition_of",
    "pieces",
    "with_partition",
]

EXTENSIONS = {
    ".parquet": "parquet", ".pq": "parquet",
    ".csv": "csv", ".tsv": "csv", ".tab": "csv",
    ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".json": "json",
    ".arrow": "ipc", ".feather": "ipc", ".ipc": "ipc", ".arrows": "ipc",
}  # fmt: skip
PACKED = (".gz", ".zst")
_MAY_BE_PACKED = ("csv", "jsonl")
NAMES = {"csv": "CSV", "jsonl": "JSON lines", "json": "JSON", "ipc": "Arrow IPC"}

# What the first bytes of a file give away, where they are not what the extension promises.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "parquet"),
    (b"PARE", "encrypted parquet"),
    (b"ARROW1", "an Arrow IPC file"),
    (b"PK\x03\x04", "a zip file (a workbook or an archive)"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"SQLite format 3", "an SQLite database"),
    (b"ORC", "ORC"),
    (b"Obj\x01", "Avro"),
    (b"\x89HDF", "HDF5"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a Git LFS pointer, not the data"),
)


@dataclass(frozen=True, slots=True)
class File:
    """One file of a dataset: its path, its name below the folder or glob that found it, and its folders' columns.

    `origin` is where a copy was made from, which is what a person knows it by.
    """

    path: Path
    name: str
    partition: Mapping[str, str | None] = field(default_factory=dict)
    origin: str = ""

    @property
    def place(self) -> str:
        """Return what errors call it."""
        return self.origin or str(self.path)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a reader found: a lazy plan that can be made again, the rows where it had to count them, and notes."""

    open: Callable[[], pl.LazyFrame]
    n_rows: int | None = None
    notes: tuple[str, ...] = ()


def format_of(name: str) -> str | None:
    """Return the format that a file's name promises, or None where it promises no table.

    >>> format_of("flights.csv.gz"), format_of("README.md"), format_of("a.parquet.gz")
    ('csv', None, None)
    """
    stem, last = os.path.splitext(name.lower())
    if last in PACKED:
        inner = EXTENSIONS.get(os.path.splitext(stem)[1])
        return inner if inner in _MAY_BE_PACKED else None
    return EXTENSIONS.get(last)


def find(source: str) -> list[File]:
    """Return the files that a path, folder or glob means, in natural order (`p2` before `p10`).

    Raises `UsageError` where there is nothing: with the nearest name for a missing file.
    """
    path = Path(source)
    if _exists(path):
        return _in_folder(path, source) if path.is_dir() else [File(path, path.name)]
    if glob.has_magic(source):
        return _in_glob(source)
    raise UsageError("there is no such file or folder", place=source, hint=_neighbours(path))


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        raise DataError("this may not be read: permission denied", place=str(path)) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"this cannot be a path: {why}", place=str(path)[:200]) from None
    return True


def _neighbours(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r} either"
    names = sorted((p.name for p in folder.iterdir() if not p.name.startswith(".")), key=natural)
    return nearest(path.name, names) if names else f"the folder {str(folder)!r} is empty"


def _in_folder(folder: Path, source: str) -> list[File]:
    seen = 0
    files = []
    for root, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):
        folders[:] = [name for name in folders if not _hidden(name)]
        seen += len(names)
        below = Path(root).relative_to(folder)
        for name in names:
            if not _hidden(name) and format_of(name):
                files.append(File(Path(root) / name, (below / name).as_posix(), partition_of(below.parts)))
    if not files:
        what = "holds no table among its files" if seen else "is empty"
        raise UsageError(f"this folder {what}", place=source, hint=f"tables end in {', '.join(EXTENSIONS)}")
    return sorted(files, key=lambda file: natural(file.name))


def _refuse(error: OSError) -> None:
    raise DataError(f"the folder cannot be read: {error.strerror}", place=str(error.filename)) from None


def _in_glob(pattern: str) -> list[File]:
    head = pattern[: re.search(r"[*?\[]", pattern).start()]  # type: ignore[union-attr]  # has_magic was true
    root = Path(head[: head.rfind("/") + 1] or ".")
    found = [Path(name) for name in glob.glob(pattern, recursive=True)]
    files = []
    for path in found:
        below = Path(os.path.relpath(path, root))
        if path.is_file() and not any(_hidden(part) for part in below.parts):
            files.append(File(path, below.as_posix(), partition_of(below.parts[:-1])))
    if not files:
        raise UsageError("no file matches this glob", place=pattern, hint=_neighbours(root / Path(pattern).name))
    return sorted(files, key=lambda file: natural(file.name))


def _hidden(name: str) -> bool:
    return name.startswith((".", "_")) and "=" not in name


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return the key that sorts names as people do.

    >>> sorted(["p10", "p2", "p1"], key=natural)
    ['p1', 'p2', 'p10']
    """
    return [
        (0, int(part), part) if part.isdigit() and part.isascii() else (1, 0, part)
        for part in re.split(r"([0-9]+)", name)
    ]


def partition_of(folders: Sequence[str]) -> dict[str, str | None]:
    """Return the columns that folders named `key=value` give; null where Hive wrote its word for it.

    >>> partition_of(["raw", "year=2013", "carrier=A%2FB"])
    {'year': '2013', 'carrier': 'A/B'}
    """
    pairs = [unquote(name).split("=", 1) for name in folders if "=" in name]
    return {key: None if value == "__HIVE_DEFAULT_PARTITION__" else value for key, value in pairs}


def with_partition(files: Sequence[File], frames: Sequence[pl.LazyFrame]) -> list[pl.LazyFrame]:
    """Return each file's plan with its folders' columns: integers or ISO dates where all files' values are, else text.

    A column that stands in the files as well keeps the folder's value, as Hive does. Raises `DataError` where one file
    lies below other keys than the first.
    """
    keys = tuple(files[0].partition)
    for file in files:
        if tuple(file.partition) != keys:
            raise DataError(
                f"the folders of {file.name!r} name {_words(file.partition)}, those of {files[0].name!r} {_words(keys)}",
                place=file.place,
                hint="every file of a partitioned folder lies below the same keys",
            )
    if not keys:
        return list(frames)
    types = {key: _partition_type([file.partition[key] for file in files]) for key in keys}
    return [
        frame.with_columns(
            [pl.lit(_typed(file.partition[key], types[key]), dtype=types[key]).alias(key) for key in keys]
        )
        for file, frame in zip(files, frames, strict=True)
    ]


def _words(names: Mapping[str, str | None] | Sequence[str]) -> str:
    return ", ".join(names) or "no columns"


def _partition_type(values: Sequence[str | None]) -> pl.DataType:
    known = [value for value in values if value is not None]
    if known and all(re.fullmatch(r"-?\d{1,18}", value) for value in known):
        return pl.Int64()
    if known and all(_is_date(value) for value in known):
        return pl.Date()
    return pl.String()


def _is_date(value: str) -> bool:
    try:
        return bool(date.fromisoformat(value)) and len(value) == 10
    except ValueError:
        return False


def _typed(value: str | None, dtype: pl.DataType) -> int | date | str | None:
    if value is None or isinstance(dtype, pl.String):
        return value
    return int(value) if isinstance(dtype, pl.Int64) else date.fromisoformat(value)


def open_bytes(path: Path) -> IO[bytes]:
    """Return a file's bytes as a stream, unpacked where it is gzip; zstandard stays packed."""
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else open(path, "rb")  # type: ignore[return-value]


def check_content(file: File, format: str) -> None:
    """Raise `DataError` where a file cannot be opened, is empty, or begins with the bytes of another format."""
    place = file.place
    try:
        with open(file.path, "rb") as stream:
            head = stream.read(64)
    except PermissionError:
        raise DataError("this may not be read: permission denied", place=place) from None
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", place=place) from None
    if not head:
        raise DataError(f"the file is empty: 0 bytes are no {NAMES.get(format, format)}", place=place)
    packed = file.path.name.lower().endswith(".gz"), file.path.name.lower().endswith(".zst")
    for magic, what in _MAGIC:
        if head.startswith(magic) and not _expected(what, format, packed):
            shown = head[: len(magic)].decode("latin-1").encode("unicode_escape").decode()
            raise DataError(f"it begins with '{shown}': it is {what}, not {_promised(format, packed)}", place=place)
    if (packed[0] and not head.startswith(b"\x1f\x8b")) or (packed[1] and not head.startswith(b"\x28\xb5\x2f\xfd")):
        raise DataError(f"it is not {_promised(format, packed)}, though its name says so", place=place)
    if format == "parquet" and not head.startswith(b"PAR1"):
        raise DataError("it is not parquet, though its name says so: its first bytes are not 'PAR1'", place=place)


def _expected(what: str, format: str, packed: tuple[bool, bool]) -> bool:
    if what in ("gzip", "zstandard"):
        return packed[what == "zstandard"]
    return (what == "parquet" and format == "parquet") or (what == "an Arrow IPC file" and format == "ipc")


def _promised(format: str, packed: tuple[bool, bool]) -> str:
    return "gzip" if packed[0] else "zstandard" if packed[1] else NAMES.get(format, format)


def pieces(file: File, *, size: int = 1 << 22) -> Iterator[bytes]:
    """Yield a file's unpacked bytes in pieces; raise `DataError` where gzip ends early or is damaged."""
    try:
        with open_bytes(file.path) as stream:
            while piece := stream.read(size):
                yield piece
    except EOFError:
        raise DataError(
            "the gzip file ends too early: it was cut off", place=file.place, hint="fetch it again"
        ) from None
    except (OSError, zlib.error) as error:
        raise DataError(f"the packed bytes are damaged: {error}", place=file.place) from None
