"""The door for data: whatever holds rows becomes a `Dataset`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from assay.data import fingerprint
from assay.data.columnar import open_ipc, open_parquet
from assay.data.database import SCHEMES as DATABASES
from assay.data.database import is_database, open_database, shown
from assay.data.dataset import Dataset, Roles
from assay.data.delimited import open_delimited
from assay.data.delta import is_delta, open_delta
from assay.data.files import EXTENSIONS, NAMES, File, Opened, find, format_of
from assay.data.frames import open_frame
from assay.data.jsonlines import open_json, open_jsonl
from assay.data.remote import SCHEMES as OBJECTS
from assay.data.remote import is_remote, open_remote
from assay.errors import UsageError

__all__ = ["READERS", "dataset"]

NO_ROLES = Roles()


def dataset(
    data: object, *, name: str | None = None, roles: Roles = NO_ROLES, query: str | None = None, part: str = "current"
) -> Dataset:
    """Return the rows that `data` names or holds, as a dataset; nothing is read that its types do not need.

    `data` is a path, a folder, a glob, an object-store or database URL (with `query`, a SELECT or a table's name), a
    Polars, pandas or pyarrow frame, anything that exports an Arrow stream, or a dataset. `name` is what reports call it
    (default: the file's or folder's name). `part` says which side of a comparison it is.

    Raises `UsageError` where there is no such thing, `DataError` where it cannot be read, each with its place.

    >>> import polars as pl
    >>> dataset(pl.DataFrame({"age": [41, None]}), name="people").schema
    {'age': Int64}
    """
    if isinstance(data, Dataset):
        made = replace(data, name=name or data.name, part=part)
        return made.with_roles(roles if roles != NO_ROLES else data.roles)
    if isinstance(data, str | Path):
        made = _named(str(data), query)
    else:
        if query is not None:
            raise UsageError("query= is for databases; a frame has none", hint="leave it out, or give a database URL")
        opened, source, mark = open_frame(data)
        made = Dataset("data", source, opened.open, mark, n_rows=opened.n_rows, notes=opened.notes)
    return replace(made, name=name or made.name, part=part).with_roles(roles)


def _named(source: str, query: str | None) -> Dataset:
    if is_database(source):
        opened, place, mark = open_database(source, query)
        return Dataset(_table_name(query), place, opened.open, mark, n_rows=opened.n_rows, notes=opened.notes)
    if query is not None:
        raise UsageError("query= is for databases; this is none", place=shown(source), hint=_database_hint(source))
    if is_remote(source):
        opened, mark = open_remote(source)
        return Dataset(_short_name(source), shown(source), opened.open, mark, n_rows=opened.n_rows, notes=opened.notes)
    if "://" in source:
        raise UsageError(
            f"there is no such kind of URL: {source.partition('://')[0]}", place=shown(source), hint=_url_hint()
        )
    if is_delta(source):
        opened, mark = open_delta(source)
        return Dataset(_short_name(source), source, opened.open, mark)
    files = find(source)
    format = _one_format(files, source)
    opened = READERS[format](files)
    return Dataset(
        _short_name(source), source, opened.open, fingerprint.of_files(files), n_rows=opened.n_rows, notes=opened.notes
    )


def _database_hint(source: str) -> str:
    kind = {".sqlite": "sqlite", ".sqlite3": "sqlite", ".db": "sqlite", ".duckdb": "duckdb"}.get(
        Path(source).suffix.lower()
    )
    return f"write {kind}:///{source}" if kind else "leave it out, or give a database URL"


def _url_hint() -> str:
    return f"there are: {', '.join([*DATABASES, *OBJECTS])}"


def _table_name(query: str | None) -> str:
    found = re.search(r'(?i)(?:\bfrom\s+|^)("[^"]+"|[\w.]+)\s*', (query or "").strip())
    name = found[1].strip('"') if found else "query"
    return "query" if name.lower() in ("select", "with", "values") else name


def _short_name(source: str) -> str:
    stem = re.sub(r"[*?\[].*", "", source).rstrip("/")
    last = Path(stem or source).name
    return last.partition(".")[0] or last or "data"


def _one_format(files: Sequence[File], source: str) -> str:
    formats: dict[str, File] = {}
    for file in files:
        found = format_of(file.name)
        if found is None:
            raise UsageError(
                "the extension says no format that is read here",
                place=str(file.path),
                hint=f"there are: {', '.join(EXTENSIONS)}",
            )
        formats.setdefault(found, file)
    if len(formats) > 1:
        shown = ", ".join(f"{file.name!r} is {NAMES.get(format, format)}" for format, file in formats.items())
        raise UsageError(
            f"the files have several formats: {shown}",
            place=source,
            hint="name the files of one format, with a glob such as '*.parquet'",
        )
    return next(iter(formats))


READERS: dict[str, Callable[[Sequence[File]], Opened]] = {
    "parquet": open_parquet,
    "csv": open_delimited,
    "ipc": open_ipc,
    "jsonl": open_jsonl,
    "json": open_json,
}
