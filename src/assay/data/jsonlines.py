"""The readers of JSON lines (one object a line) and of a JSON array of objects: types are found over the whole file.

A field that appears late is a column with nulls before it. Numbers of two kinds become the wider one. Where a field has
values of several kinds (a number here, a text there), it is text, each value as JSON, and so are nested fields of that
file; a note says so. Texts that are all ISO dates or instants are dates or instants.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from assay.data.columnar import Schema, agree
from assay.data.dataset import first_line
from assay.data.fields import Finding, read_as, together, types_of
from assay.data.files import File, Opened, check_content, pieces, with_partition
from assay.data.names import col, cols
from assay.errors import DataError

__all__ = ["open_json", "open_jsonl"]

# JSON has numbers and booleans of its own; what it writes as text can only be an instant.
KINDS = ("date", "instant", "zoned instant")


def open_jsonl(files: Sequence[File]) -> Opened:
    """Return the plan of JSON-lines files, their rows counted; raise `DataError` with the line that is no object."""
    for file in files:
        check_content(file, "jsonl")
    inferred = [_schema(file) for file in files]
    target = _united(files, [schema for schema, _ in inferred])
    texts = [name for name, dtype in target.items() if isinstance(dtype, pl.String)]
    counted = [_types(file, target, texts) for file in files]
    findings = {name: together([found[name] for found, _ in counted]) for name in texts}
    reads = [read_as(name, finding) for name, finding in findings.items() if finding.type in KINDS]

    def open() -> pl.LazyFrame:
        frames = with_partition(files, [_scan(file, target).with_columns(reads) for file in files])
        return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical")

    notes = [note for _, mixed in inferred for note in mixed] + [
        note for name in texts for note in findings[name].notes(name)
    ]
    return Opened(open, n_rows=sum(rows for _, rows in counted), notes=tuple(notes))


def _scan(file: File, schema: Schema) -> pl.LazyFrame:
    return pl.scan_ndjson(glob.escape(str(file.path)), schema=dict(schema))


def _schema(file: File) -> tuple[Schema, list[str]]:
    """Return the columns of one file, tried on all its lines, and notes on those that had to become text."""
    try:
        schema = dict(pl.scan_ndjson(glob.escape(str(file.path)), infer_schema_length=None).collect_schema())
        _scan(file, schema).select(pl.all().null_count()).collect(engine="streaming")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return _schema_by_line(file)
    return schema, []


def _schema_by_line(file: File) -> tuple[Schema, list[str]]:
    """Return the columns by reading each line here: slow, exact about the line that is wrong, and never at a loss."""
    kinds: dict[str, set[str]] = {}
    for number, line in enumerate(_lines(file), start=1):
        if line.strip():
            for name, value in _object(line, f"{file.place}:{number}").items():
                kinds.setdefault(name, set()).add(_KIND.get(type(value), "nested"))
    if not kinds:
        raise DataError(
            "the file has no line",
            place=file.place,
            hint="a table without rows needs a format with a schema, such as parquet",
        )
    schema = {name: _DTYPES.get(frozenset(found - {"null"}), pl.String()) for name, found in kinds.items()}
    as_text = [
        name for name, dtype in schema.items() if isinstance(dtype, pl.String) and kinds[name] - {"null"} != {"text"}
    ]
    return schema, [f"{name!r}: {_and(kinds[name] - {'null'})} values, read as text" for name in as_text]


def _and(words: set[str]) -> str:
    return " and ".join(sorted(words))


_KIND: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "text", type(None): "null"}
_DTYPES: dict[frozenset[str], pl.DataType] = {
    frozenset(): pl.Null(),
    frozenset({"boolean"}): pl.Boolean(),
    frozenset({"integer"}): pl.Int64(),
    frozenset({"number"}): pl.Float64(),
    frozenset({"integer", "number"}): pl.Float64(),
}


def _lines(file: File) -> Iterator[bytes]:
    rest = b""
    for piece in pieces(file):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    yield rest


def _object(line: bytes, place: str) -> Mapping[str, object]:
    try:
        value = json.loads(line)
    except UnicodeDecodeError as error:
        raise DataError(
            f"byte {error.start} of the line is not UTF-8", place=place, hint="save the file as UTF-8"
        ) from None
    except json.JSONDecodeError as error:
        raise DataError(f"the line is not JSON: {error.msg} at character {error.pos + 1}", place=place) from None
    if not isinstance(value, dict):
        raise DataError("the line is no JSON object; one object a line is expected", place=place)
    return value


def _united(files: Sequence[File], schemas: Sequence[Schema]) -> Schema:
    """Return all files' columns: a field that one file lacks is null there, as one that a line lacks is."""
    every: dict[str, pl.DataType] = {}
    for schema in schemas:
        every.update({name: dtype for name, dtype in schema.items() if name not in every})
    return agree(files, [{name: schema.get(name, pl.Null()) for name in every} for schema in schemas], numbers_mix=True)


def _types(file: File, schema: Schema, texts: Sequence[str]) -> tuple[Mapping[str, Finding], int]:
    rows = _scan(file, schema)
    try:
        if not texts:
            return {}, int(rows.select(pl.len()).collect(engine="streaming").item())
        found, n_rows, _ = types_of(rows.select(cols(texts)), texts, kinds=KINDS)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"the lines cannot be read: {first_line(error)}", place=file.place) from None
    return found, n_rows


def open_json(files: Sequence[File]) -> Opened:
    """Return the rows of JSON arrays of objects; such a file is read whole, so JSON lines suit large ones better."""
    frames = []
    for file in files:
        check_content(file, "json")
        try:
            frames.append(pl.read_json(file.path, infer_schema_length=None))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            hint = "an array of objects is expected; one object a line is .jsonl"
            raise DataError(f"the JSON cannot be read: {first_line(error)}", place=file.place, hint=hint) from None
    target = agree(files, [dict(frame.schema) for frame in frames])
    typed = [frame.select([col(name).cast(dtype) for name, dtype in target.items()]).lazy() for frame in frames]
    return Opened(lambda: pl.concat(with_partition(files, typed)), n_rows=sum(frame.height for frame in frames))
