"""The reader of object stores and web servers, by Polars; where to connect and as whom stands in the environment.

`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME` and their kin are read by
Polars itself. Parquet and Arrow IPC are scanned where they are. Text (CSV, JSON) has to be read twice, once for its
types, so it is copied once to a temporary file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

import polars as pl

from assay.data import fingerprint
from assay.data.dataset import first_line
from assay.data.delimited import open_delimited
from assay.data.delta import open_delta
from assay.data.files import EXTENSIONS, File, Opened, format_of, natural, partition_of
from assay.data.jsonlines import open_json, open_jsonl
from assay.data.spool import Spool, keeping, temporary
from assay.errors import AssayError, DataError, UsageError

__all__ = ["SCHEMES", "is_remote", "open_remote"]

SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl", "hf", "http", "https")
# A server that is not there is an answer too: it should come in seconds.
OPTIONS = {"max_retries": 2, "retry_timeout_ms": 10_000, "retry_init_backoff_ms": 100}
TEXT = {"csv": open_delimited, "jsonl": open_jsonl, "json": open_json}
_GLOB = re.compile(r"[*?\[]")


def is_remote(source: str) -> bool:
    """Return whether a source is the URL of an object or a web page.

    >>> is_remote("s3://bucket/flights/"), is_remote("flights.csv")
    (True, False)
    """
    return "://" in source and source.partition("://")[0].lower() in SCHEMES


def open_remote(url: str) -> tuple[Opened, str]:
    """Return the plan of what a URL names, and its fingerprint: an object, a glob, a folder of parquet, a Delta table.

    Raises `UsageError` where there is nothing there, `DataError` where the server does not answer or may not be read.
    """
    scheme = url.partition("://")[0].lower()
    path = url.partition("?")[0] if scheme in ("http", "https") else url
    extension = posixpath.splitext(path.rstrip("/"))[1]
    format = format_of(posixpath.basename(path)) if extension else "folder"
    if format is None:
        raise UsageError(
            "the extension says no format that is read here", place=url, hint=f"there are: {', '.join(EXTENSIONS)}"
        )
    if format in TEXT:
        files, held = _copied(url, path)
        opened = TEXT[format](files)
        return Opened(keeping(opened.open, held), opened.n_rows, opened.notes), fingerprint.of_files(files)
    if format == "folder" and _is_delta(url):
        return open_delta(url)
    rows = _SCANS[format](url.rstrip("/") + "/" if format == "folder" else url)
    try:
        rows.collect_schema()
        height = int(rows.select(pl.len()).collect(engine="streaming").item())
        return Opened(lambda: rows, n_rows=height), fingerprint.of_ends(rows, height=height)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _told(url, error) from None


def _is_delta(url: str) -> bool:
    log = pl.scan_lines(f"{url.rstrip('/')}/_delta_log/*.json", n_rows=1, storage_options=OPTIONS)
    try:
        return bool(log.collect().height)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        # Whatever is wrong with this place, the reader of parquet says it better.
        return False


def _scan_parquet(url: str) -> pl.LazyFrame:
    return pl.scan_parquet(url, hive_partitioning="=" in url or None, storage_options=OPTIONS)


def _scan_ipc(url: str) -> pl.LazyFrame:
    return pl.scan_ipc(url, hive_partitioning="=" in url, storage_options=OPTIONS)


def _scan_folder(url: str) -> pl.LazyFrame:
    return pl.scan_parquet(url, hidden_file_prefix=["_", "."], storage_options=OPTIONS)


_SCANS: dict[str, Callable[[str], pl.LazyFrame]] = {"parquet": _scan_parquet, "ipc": _scan_ipc, "folder": _scan_folder}


def _copied(url: str, path: str) -> tuple[list[File], list[Spool]]:
    """Return local copies of text objects: unpacked, a CRLF inside a quoted value as LF, otherwise byte for byte."""
    stem = re.sub(r"\.(gz|zst)$", "", posixpath.basename(path), flags=re.IGNORECASE)
    root = path[: _GLOB.search(path).start()].rpartition("/")[0] if _GLOB.search(path) else posixpath.dirname(path)  # type: ignore[union-attr]
    files, held = [], []
    try:
        for found in _listed(url):
            copy = temporary(posixpath.splitext(stem)[1])
            lines = pl.scan_lines(found, glob=False, storage_options=OPTIONS)
            lines.sink_csv(copy.path, include_header=False, quote_style="never", maintain_order=True)
            name = found.removeprefix(root).lstrip("/")
            files.append(File(copy.path, name, partition_of(name.split("/")[:-1]), origin=found))
            held.append(copy)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _told(url, error) from None
    return sorted(files, key=lambda file: natural(file.name)), held


def _listed(url: str) -> list[str]:
    if not _GLOB.search(url):
        return [url]
    found = pl.scan_lines(url, include_file_paths="path", storage_options=OPTIONS).select(pl.col("path").unique())
    names = [str(path) for path in found.collect(engine="streaming").get_column("path")]
    if not names:
        raise FileNotFoundError(url)
    return names


def _told(url: str, error: BaseException) -> AssayError:
    said = re.sub(r"<\?xml.*", "", first_line(error)).removeprefix("object-store error: ")
    if isinstance(error, FileNotFoundError) or "expanded paths were empty" in str(error):
        hint = "check the URL; in a folder only parquet is looked for, other formats by a glob such as s3://bucket/folder/*.csv"
        return UsageError("there is nothing at this URL", place=url, hint=hint)
    if isinstance(error, PermissionError):
        return DataError("the server forbids reading this", place=url, hint="check the credentials in the environment")
    if isinstance(error, OSError):
        return DataError(f"the server does not answer: {said}", place=url)
    return DataError(f"it cannot be read: {said}", place=url)
