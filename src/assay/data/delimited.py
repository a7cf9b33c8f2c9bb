"""The reader of delimited text (CSV, TSV): types are found over the whole file, so that no later row breaks a scan.

The header is the first record. The delimiter is the one of `,` `;` tab `|` that the header has most of. A column is typed
where every value fits; otherwise it is text, verbatim. Numbers with a leading zero (`007`) are codes, so text. In a typed
column the words of `MISSING` are null; in a text column they stay words. A row with too many or too few fields is an
error, as is text that is not UTF-8. So a file is read twice: once here, for its types, and once by the engine.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from assay.data.dataset import first_line
from assay.data.fields import Finding, read_as, together, typed_natively, types_of
from assay.data.files import File, Opened, check_content, pieces, with_partition
from assay.data.names import cols, unique_names
from assay.data.records import check_records
from assay.errors import DataError

__all__ = ["Header", "open_delimited", "read_header"]


@dataclass(frozen=True, slots=True)
class Header:
    """The first record of a delimited file: the names as written, the names made unique, and the delimiter."""

    written: tuple[str, ...]
    names: tuple[str, ...]
    delimiter: str


def open_delimited(files: Sequence[File]) -> Opened:
    """Return the plan of delimited files, their rows counted, and notes on what a person should know."""
    for file in files:
        check_content(file, "csv")
    headers = [read_header(file) for file in files]
    _agree(files, headers)
    counted = [_types(file, header) for file, header in zip(files, headers, strict=True)]
    findings = {name: together([found[name] for found, _, _ in counted]) for name in headers[0].names}

    def open() -> pl.LazyFrame:
        limits = [rows if followed else None for _, rows, followed in counted]
        frames = [
            _scan(file, header, findings, limit) for file, header, limit in zip(files, headers, limits, strict=True)
        ]
        frames = with_partition(files, frames)
        return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical")

    notes = [*_renamed(headers[0]), *(note for name, found in findings.items() for note in found.notes(name))]
    return Opened(open, n_rows=sum(rows for _, rows, _ in counted), notes=tuple(notes))


def _renamed(header: Header) -> list[str]:
    pairs = zip(header.written, header.names, strict=True)
    return [f"the header has {old!r} more than once; here the later one is {new!r}" for old, new in pairs if old != new]


def read_header(file: File) -> Header:
    """Return the first record's names and the delimiter; raise `DataError` where there is no header to read."""
    text = _first_record(file)
    delimiter = _delimiter(
        text, tabs=file.path.name.lower().split(".csv")[0].endswith((".tsv", ".tsv.gz", ".tsv.zst", ".tab"))
    )
    try:
        written = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise DataError(f"the header cannot be read: {error}", place=f"{file.place}:1") from None
    if not written:
        raise DataError("the first line is blank; a header of column names is expected", place=f"{file.place}:1")
    return Header(tuple(written), tuple(unique_names(written)), delimiter)


def _first_record(file: File) -> str:
    if file.path.name.lower().endswith(".zst"):
        return _first_record_by_polars(file)
    raw = b""
    for piece in pieces(file, size=1 << 16):
        raw += piece
        end = _record_end(raw)
        if end is not None:
            raw = raw[:end]
            break
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if not raw.strip():
        raise DataError("the file is empty: there is no header", place=file.place)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"byte {error.start} is not UTF-8", place=f"{file.place}:1", hint="save the file as UTF-8"
        ) from None


def _record_end(raw: bytes) -> int | None:
    """Return where the first record ends: at the first line end that is not inside quotes; None where it goes on."""
    at = raw.find(b"\n")
    while at >= 0:
        if raw.count(b'"', 0, at) % 2 == 0:
            return at + 1
        at = raw.find(b"\n", at + 1)
    return None


def _first_record_by_polars(file: File) -> str:
    try:
        lines = pl.scan_lines(file.path, n_rows=1, glob=False).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"the file cannot be unpacked: {first_line(error)}", place=file.place) from None
    if not lines.height:
        raise DataError("the file is empty: there is no header", place=file.place)
    return str(lines.item()).removeprefix("\ufeff")


def _delimiter(text: str, *, tabs: bool) -> str:
    outside = "".join(text.split('"')[::2])
    order = "\t,;|" if tabs else ",;\t|"
    return max(order, key=outside.count)


def _agree(files: Sequence[File], headers: Sequence[Header]) -> None:
    first = set(headers[0].names)
    for file, header in zip(files, headers, strict=True):
        odd = first.symmetric_difference(header.names)
        if odd:
            name = min(odd)
            lacking, having = (files[0], file) if name not in first else (file, files[0])
            raise DataError(
                f"{lacking.name!r} has no column {name!r}, which {having.name!r} has",
                place=f"{lacking.place}:1",
                hint="a dataset is one table: name the files of one table only",
            )


def _types(file: File, header: Header) -> tuple[Mapping[str, Finding], int, bool]:
    """Return each column's type, the number of rows, and whether blank lines follow the last one."""
    text = _raw(file, header, dict.fromkeys(header.names, pl.String()))
    try:
        found, rows, empty_last = types_of(text, header.names)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        check_records(file, fields=len(header.names), delimiter=header.delimiter)
        raise DataError(f"the rows cannot be read: {first_line(error)}", place=file.place) from None
    if empty_last and len(header.names) > 1:
        # A row that is short leaves its last column empty, and nothing else tells the two apart.
        records = check_records(file, fields=len(header.names), delimiter=header.delimiter)
        if records is not None and records < rows:
            return found, records, True
    return found, rows, False


def _raw(file: File, header: Header, types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    return pl.scan_csv(
        [file.path],
        glob=False,
        has_header=False,
        skip_rows=1,
        schema={name: types[name] for name in header.names},
        separator=header.delimiter,
        raise_if_empty=False,
    )


def _scan(file: File, header: Header, findings: Mapping[str, Finding], rows: int | None) -> pl.LazyFrame:
    native = {name: typed_natively(finding) for name, finding in findings.items()}
    frame = _raw(file, header, native)
    frame = frame if rows is None else frame.head(rows)
    reads = [read_as(name, finding) for name, finding in findings.items() if native[name] != finding.dtype]
    frame = frame.with_columns(reads) if reads else frame
    return frame if header.names == tuple(findings) else frame.select(cols(findings))
