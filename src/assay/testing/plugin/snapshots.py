"""A value as a text file that people read and compare line by line, and back: numbers, what holds them, and frames."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import polars as pl

from assay.errors import ConfigError, DataError, UsageError
from assay.testing.outputs import frame_of

__all__ = ["MOST_CELLS", "Leaf", "Snapshot", "parsed", "snapshot", "written"]

KIND = "assay.baseline"
FORMAT = 1
MOST_CELLS = 200_000

Leaf = bool | int | float | str | None


@dataclass(frozen=True)
class Snapshot:
    """What was taken of a value: `columns` with their dtypes, and `rows` of as many cells.

    A value that is no frame has one row for each number or text in it, named by its path in the column "value".
    """

    shape: str
    columns: dict[str, str]
    rows: tuple[tuple[Leaf, ...], ...]


def snapshot(value: object) -> Snapshot:
    """Return what a baseline keeps of a value.

    Frames and series (pandas, Polars, pyarrow) and arrays of one or two dimensions are kept as rows, with an index that says
    something as columns; numbers, texts, and lists, dicts and records of them by their paths.

    Raises UsageError where the value is none of these, or holds more than 200,000 cells: a baseline is there to be read.

    >>> snapshot({"auc": 0.5, "n": [3, 4]}).rows
    (('auc', 0.5), ('n[0]', 3), ('n[1]', 4))
    """
    kind = type(value).__module__.partition(".")[0]
    if kind in ("pandas", "polars", "pyarrow") or (isinstance(value, np.ndarray) and value.ndim in (1, 2)):
        return _of_frame(_framed(value))
    leaves = tuple(_leaves(value, ""))
    _refuse_many(len(leaves))
    if len({path for path, _ in leaves}) < len(leaves):
        raise UsageError("two values have the same path", hint="use keys without a point or a bracket in them")
    return Snapshot("value", {"path": "String", "value": ""}, leaves)


def written(taken: Snapshot) -> str:
    """Return a snapshot as JSON with one row to a line; numbers that are not finite are written as {"float": "nan"}."""
    if taken.shape == "value":
        body = ",\n".join(f"  {json.dumps(path)}: {_text(leaf)}" for path, leaf in taken.rows)
        return f'{{"kind": "{KIND}", "format": {FORMAT}, "value": {{\n{body}\n}}}}\n'
    columns = json.dumps(taken.columns, ensure_ascii=False)
    body = ",\n".join(f"  [{', '.join(map(_text, row))}]" for row in taken.rows)
    return f'{{"kind": "{KIND}", "format": {FORMAT}, "columns": {columns}, "rows": [\n{body}\n]}}\n'


def parsed(text: str, *, file: str) -> Snapshot:
    """Return the snapshot that a file holds; raise ConfigError, with the file, where it holds none."""
    try:
        held = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"this is not JSON: {error.msg}", place=f"{file}:{error.lineno}", hint=_AGAIN) from None
    if not (isinstance(held, dict) and held.get("kind") == KIND and held.get("format") == FORMAT):
        raise ConfigError(
            f"this is no baseline: kind is not {KIND!r}, or format is not {FORMAT}", place=file, hint=_AGAIN
        )
    if isinstance(held.get("value"), dict):
        return Snapshot(
            "value", {"path": "String", "value": ""}, tuple((path, _leaf(leaf)) for path, leaf in held["value"].items())
        )
    columns, rows = held.get("columns"), held.get("rows")
    if not isinstance(columns, dict) or not isinstance(rows, list) or any(len(row) != len(columns) for row in rows):
        raise ConfigError("a row has more or fewer cells than there are columns", place=file, hint=_AGAIN)
    return Snapshot("frame", columns, tuple(tuple(map(_leaf, row)) for row in rows))


_AGAIN = "write it again with --assay-update"


def _of_frame(frame: pl.DataFrame) -> Snapshot:
    _refuse_many(frame.height * frame.width)
    plain = [[_cell(value) for value in frame[name].to_list()] for name in frame.columns]
    rows = tuple(zip(*plain, strict=True)) if plain else ()
    return Snapshot("frame", {name: str(dtype) for name, dtype in frame.schema.items()}, rows)


def _framed(value: Any) -> pl.DataFrame:
    index = getattr(value, "index", None)
    if type(value).__module__.partition(".")[0] == "pandas" and type(index).__name__ != "RangeIndex":
        value = value.to_frame("result" if value.name is None else str(value.name)) if value.ndim == 1 else value
        value = value.reset_index()
    return frame_of(value)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Leaf]]:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    elif isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value, enc_hook=str)
    if isinstance(value, dict) and value:
        for name, held in value.items():
            yield from _leaves(held, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple) and value:
        for place, held in enumerate(value):
            yield from _leaves(held, f"{path}[{place}]")
    elif isinstance(value, dict | list | tuple):
        yield path or "value", "{}" if isinstance(value, dict) else "[]"
    else:
        yield path or "value", _leaf_of(value, path)


def _leaf_of(value: object, path: str) -> Leaf:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "isoformat") or type(value).__module__ in ("decimal", "datetime"):
        return str(value)
    raise UsageError(
        f"{f'{path}: ' if path else ''}a {type(value).__module__}.{type(value).__qualname__} cannot be kept as a baseline",
        hint="give numbers, texts, a frame, an array, or lists and dicts of those",
    )


def _cell(value: object) -> Leaf:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, pl.Series):
        value = value.to_list()
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _text(leaf: Leaf) -> str:
    if isinstance(leaf, float) and not math.isfinite(leaf):
        return json.dumps({"float": str(leaf)})
    return json.dumps(leaf, ensure_ascii=False)


def _leaf(held: Any) -> Leaf:
    if isinstance(held, dict):
        return float(held.get("float", "nan"))
    if isinstance(held, list):
        raise DataError("a cell is a list; cells are numbers, texts and null", hint=_AGAIN)
    leaf: Leaf = held
    return leaf


def _refuse_many(cells: int) -> None:
    if cells > MOST_CELLS:
        raise UsageError(
            f"{cells:,} cells are too many for a baseline (at most {MOST_CELLS:,})",
            hint="keep some rows of it, or what sums it up",
        )
