"""Readers of formats that carry their own types: parquet and Arrow IPC; and how the files of one dataset must agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from assay.data.dataset import first_line
from assay.data.files import File, Opened, check_content, with_partition
from assay.data.names import col, cols
from assay.data.spool import Spool, keeping, spool
from assay.errors import DataError, nearest

__all__ = ["Schema", "agree", "open_ipc", "open_parquet", "widest"]

Schema = Mapping[str, pl.DataType]


def open_parquet(files: Sequence[File]) -> Opened:
    """Return the plan of parquet files; only their footers are read."""
    for file in files:
        check_content(file, "parquet")
    schemas = [_parquet_schema(file.path) for file in files]
    if not files[0].partition and len({tuple(schema.items()) for schema in schemas}) == 1:
        paths = [file.path for file in files]
        return Opened(lambda: pl.scan_parquet(paths, glob=False, hive_partitioning=False))
    target = agree(files, schemas)
    return Opened(lambda: _together(files, schemas, target, scan=_scan_parquet))


def _scan_parquet(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet([path], glob=False, hive_partitioning=False)


def _scan_ipc(path: Path) -> pl.LazyFrame:
    return pl.scan_ipc([path], glob=False, hive_partitioning=False)


def _parquet_schema(path: Path) -> Schema:
    try:
        return dict(_scan_parquet(path).collect_schema())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(
            f"the parquet footer cannot be read: {first_line(error)}",
            place=str(path),
            hint="the file was cut off while it was written or copied, or is damaged; write or fetch it again",
        ) from None


def open_ipc(files: Sequence[File]) -> Opened:
    """Return the plan of Arrow IPC files; a file in the stream form is first copied to a temporary one that can be scanned."""
    held: list[Spool] = []
    paths = []
    for file in files:
        check_content(file, "ipc")
        paths.append(file.path if _is_ipc_file(file.path) else _unroll(file, held))
    found = [File(path, file.name, file.partition) for path, file in zip(paths, files, strict=True)]
    schemas = [_ipc_schema(path, file) for path, file in zip(paths, files, strict=True)]
    target = agree(files, schemas)
    return Opened(keeping(lambda: _together(found, schemas, target, scan=_scan_ipc), held))


def _is_ipc_file(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(6) == b"ARROW1"


def _unroll(file: File, held: list[Spool]) -> Path:
    try:
        # The reader of the stream form holds the whole table; there is no scan of it.
        copy = spool(pl.read_ipc_stream(file.path).lazy(), place=file.place)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(
            f"this is neither an Arrow IPC file nor a stream: {first_line(error)}", place=file.place
        ) from None
    held.append(copy)
    return copy.path


def _ipc_schema(path: Path, file: File) -> Schema:
    try:
        return dict(_scan_ipc(path).collect_schema())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(
            f"the Arrow IPC file cannot be read: {first_line(error)}", place=file.place, hint="write or fetch it again"
        ) from None


def _together(
    files: Sequence[File], schemas: Sequence[Schema], target: Schema, *, scan: Callable[[Path], pl.LazyFrame]
) -> pl.LazyFrame:
    frames = []
    for file, schema in zip(files, schemas, strict=True):
        frame = scan(file.path)
        if list(schema) != list(target):
            frame = frame.select(cols(target))
        casts = [col(name).cast(dtype) for name, dtype in target.items() if schema[name] != dtype]
        frames.append(frame.with_columns(casts) if casts else frame)
    frames = with_partition(files, frames)
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical")


def agree(files: Sequence[File], schemas: Sequence[Schema], *, numbers_mix: bool = False) -> Schema:
    """Return the schema of all files: the first one's columns, each in the narrowest type that holds every file's exactly.

    With `numbers_mix`, as in formats that know only one kind of number, integers and floats together are floats.

    Raises `DataError` where a file lacks a column or has another one, or where two types have no such common type.
    """
    target = dict(schemas[0])
    for file, schema in zip(files[1:], schemas[1:], strict=True):
        for name in [*schema, *target]:
            lacking = files[0] if name not in target else file if name not in schema else None
            if lacking is not None:
                having = file if lacking is files[0] else files[0]
                raise DataError(
                    f"{lacking.name!r} has no column {name!r}, which {having.name!r} has",
                    place=lacking.place,
                    hint=_one_table(nearest(name, target if lacking is files[0] else schema)),
                )
        for name, dtype in schema.items():
            both = {target[name], dtype}
            common = pl.Float64() if numbers_mix and both == {pl.Int64(), pl.Float64()} else widest(target[name], dtype)
            if common is None:
                raise DataError(
                    f"the column {name!r} is {dtype} in {file.name!r} and {target[name]} in the files before it",
                    place=file.place,
                    hint=_one_table("write it in one type"),
                )
            target[name] = common
    return target


def _one_table(hint: str) -> str:
    return f"{hint}. A dataset is one table: name the files of one table only"


def widest(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """Return the type that holds every value of both exactly, or None.

    >>> widest(pl.Int8(), pl.UInt8()), widest(pl.Int64(), pl.Float64())
    (Int16, None)
    """
    if one == other:
        return one
    if isinstance(one, pl.Null) or isinstance(other, pl.Null):
        return other if isinstance(one, pl.Null) else one
    if one.is_integer() and other.is_integer():
        return _widest_integer(one, other)
    if one.is_float() and other.is_float():
        return max(one, other, key=_bits)
    texts = (pl.String, pl.Categorical, pl.Enum)
    if isinstance(one, texts) and isinstance(other, texts):
        return pl.String()
    return None


def _bits(dtype: pl.DataType) -> int:
    return int("".join(filter(str.isdigit, str(dtype))))


def _widest_integer(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    signed = [dtype.is_signed_integer() for dtype in (one, other)]
    if signed[0] == signed[1]:
        return max(one, other, key=_bits)
    # A signed type holds an unsigned one where it has more bits.
    needed = max(_bits(one if signed[0] else other), 2 * _bits(other if signed[0] else one))
    return _SIGNED.get(needed)


_SIGNED: dict[int, pl.DataType] = {16: pl.Int16(), 32: pl.Int32(), 64: pl.Int64(), 128: pl.Int128()}
