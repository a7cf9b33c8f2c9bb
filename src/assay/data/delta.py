"""The reader of Delta tables: the version that is newest when the dataset is made is the one that is read, always."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from assay.data import fingerprint
from assay.data.dataset import first_line
from assay.data.files import Opened
from assay.errors import DataError, require

__all__ = ["is_delta", "open_delta"]


def is_delta(source: str) -> bool:
    """Return whether a path is the folder of a Delta table: whether a folder `_delta_log` is in it."""
    try:
        return (Path(source) / "_delta_log").is_dir()
    except OSError:
        return False


def open_delta(source: str) -> tuple[Opened, str]:
    """Return the plan of a Delta table, and its fingerprint: the table's id and version."""
    table = _table(source)
    version, identity = int(table.version()), str(table.metadata().id)
    try:
        pl.scan_delta(source, version=version).collect_schema()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise DataError(f"the Delta table cannot be read: {first_line(error)}", place=source) from None
    return Opened(lambda: pl.scan_delta(source, version=version)), fingerprint.of_version(identity, version)


def _table(source: str) -> Any:
    deltalake = require("deltalake", extra="delta")
    errors = require("deltalake.exceptions", extra="delta")
    try:
        return deltalake.DeltaTable(source)
    except (errors.DeltaError, OSError, ValueError) as error:
        raise DataError(f"the Delta table cannot be opened: {first_line(error)}", place=source) from None
