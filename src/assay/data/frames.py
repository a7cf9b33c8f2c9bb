"""The readers of frames that are already in memory, and of Arrow streams that can be read only once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import polars as pl

from assay.data import fingerprint
from assay.data.dataset import first_line
from assay.data.files import Opened
from assay.data.spool import Spool, spool, spool_batches
from assay.errors import DataError, UsageError

__all__ = ["Frame", "open_frame"]


UNREADABLE = (
    pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, TypeError, NotImplementedError, RuntimeError,
)  # fmt: skip


@runtime_checkable
class Frame(Protocol):
    """Anything that exports its rows as an Arrow stream: pyarrow, pandas, DuckDB and many others do."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


def open_frame(data: object) -> tuple[Opened, str, str]:
    """Return the plan of a frame, what to call it, and its fingerprint; raise `UsageError` where it is no frame.

    Polars, pandas and pyarrow tables are used as they are. A stream, a pyarrow dataset and anything else that exports an
    Arrow stream is copied once to a temporary file, in bounded memory. A pandas index is no column: call `reset_index`.
    """
    if isinstance(data, pl.Series):
        data = data.to_frame()
    if isinstance(data, pl.LazyFrame):
        return Opened(lambda: data), "a Polars lazy frame", fingerprint.of_plan(data)
    if isinstance(data, pl.DataFrame):
        return _held(data, "a Polars frame")
    module = type(data).__module__.partition(".")[0]
    if module == "pandas":
        return _held(_from_pandas(data), "a pandas frame")
    kind = type(data).__name__
    if module == "pyarrow" and kind in ("Table", "RecordBatch"):
        return _held(_from_arrow(data), f"a pyarrow {'table' if kind == 'Table' else 'record batch'}")
    if module == "pyarrow" and hasattr(data, "scanner"):
        return _from_reader(data.scanner().to_reader(), "a pyarrow dataset")
    if module == "pyarrow" and hasattr(data, "read_next_batch"):
        return _from_reader(data, "a pyarrow reader")
    if isinstance(data, Frame):
        source = f"an Arrow stream ({kind})"
        return _spooled(_copied(data, source), source)
    raise UsageError(
        f"{type(data).__module__}.{kind} is no dataset",
        hint="give a path, a URL, or a Polars, pandas or pyarrow frame, or anything with __arrow_c_stream__",
    )


def _copied(stream: Frame, source: str) -> Spool:
    try:
        rows = pl.scan_arrow_c_stream(stream)
    except UNREADABLE as error:
        raise DataError(f"it cannot be read: {first_line(error)}", place=source) from None
    return spool(rows, place=source)


def _held(frame: pl.DataFrame, source: str) -> tuple[Opened, str, str]:
    return Opened(frame.lazy, n_rows=frame.height), source, fingerprint.of_rows(frame.lazy(), height=frame.height)


def _from_pandas(data: Any) -> pl.DataFrame:
    _unrepeated([str(name) for name in getattr(data, "columns", [])], "a pandas frame")
    try:
        made: pl.DataFrame | pl.Series = pl.from_pandas(data)
    except UNREADABLE as error:
        hint = "give every column one type"
        raise DataError(f"it cannot be read: {first_line(error)}", place="a pandas frame", hint=hint) from None
    return made if isinstance(made, pl.DataFrame) else made.to_frame()


def _unrepeated(names: Sequence[str], place: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"the column {twice!r} stands twice", place=place, hint="rename one of them")


def _from_arrow(data: Any) -> pl.DataFrame:
    names = list(data.schema.names)
    _unrepeated(names, "a pyarrow table")
    try:
        # Polars gives a column without a name one of its own, so names are put on afterwards.
        made: pl.DataFrame | pl.Series = pl.from_arrow(data.rename_columns([f"column {n}" for n in range(len(names))]))
    except UNREADABLE as error:
        raise DataError(f"it cannot be read: {first_line(error)}", place="a pyarrow table") from None
    frame = made if isinstance(made, pl.DataFrame) else made.to_frame()
    frame.columns = names
    return frame


def _from_reader(reader: Any, source: str) -> tuple[Opened, str, str]:
    # Not by Polars' own scan of a stream: it takes enums for other categories than they are.
    schema = _from_arrow(reader.schema.empty_table()).schema
    return _spooled(spool_batches((_from_arrow(batch) for batch in reader), schema, place=source), source)


def _spooled(copy: Spool, source: str) -> tuple[Opened, str, str]:
    height = int(copy.scan().select(pl.len()).collect().item())
    return Opened(copy.scan, n_rows=height), source, fingerprint.of_rows(copy.scan(), height=height)
