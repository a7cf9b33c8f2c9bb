"""Put edge cases into drawn rows: fast where the kind of rows allows it, as it is done in the thousands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.testing.rows import Rows
from assay.testing.strategies.edge_cases import EdgeCases

__all__ = ["NativeEdges", "native_edges", "with_cells"]

NativeEdges = Mapping[
    str, tuple[Any, NDArray[np.bool_]]
]  # a pandas array of a column's cases, and which keep its dtype


def native_edges(rows: Rows, edges: Mapping[str, EdgeCases]) -> NativeEdges:
    """Return for each column of pandas rows its edge cases as pandas holds them, and which of them its dtype can hold.

    A missing value does not fit whole numbers, nor a new word a category: those change the dtype, as they do in life.
    """
    if rows.kind != "pandas":
        return {}
    found = {}
    for name, cases in edges.items():
        dtype = rows.native[name].dtype
        present = ~cases.values.is_null()
        if cases.values.dtype.is_float():
            present &= ~cases.values.is_nan().fill_null(value=False)
        for kept in (pl.Series([True] * len(cases)), present):
            made = _converted(rows, name, cases.values.filter(kept))
            if len(made) and made.dtype == dtype:
                spread = np.cumsum(kept.to_numpy()) - 1
                found[name] = (made.array.take(np.maximum(spread, 0)), kept.to_numpy())
                break
    return found


def _converted(rows: Rows, name: str, values: pl.Series) -> Any:
    return rows.select([name]).take(np.zeros(len(values), dtype=np.int64)).put(name, values).native[name]


def with_cells(rows: Rows, name: str, cells: Mapping[int, int], *, cases: EdgeCases, native: NativeEdges) -> Rows:
    """Return rows with some cells of a column changed: `cells` says which of the cases stands in which row."""
    places, chosen = list(cells), list(cells.values())
    if rows.kind == "records":
        changed = dict(zip(places, cases.values[chosen].to_list(), strict=True))
        records = [{**row, name: changed[i]} if i in changed else row for i, row in enumerate(rows.native)]
        return Rows(records, rows.kind, rows.numbers)
    if rows.kind == "polars" and not (cases.values.dtype.is_nested() or cases.values.dtype == pl.Null):
        column = rows.native.get_column(name).clone().scatter(places, cases.values[chosen])
        return Rows(rows.native.with_columns(column), rows.kind, rows.numbers)
    held = native.get(name)
    if held is not None and held[1][chosen].all():
        array = rows.native[name].array.copy()
        array[places] = held[0][chosen]
        frame = rows.native.copy(deep=False)
        frame[name] = array
        return Rows(frame, rows.kind, rows.numbers)
    made = rows.changed(name, places, cases.values[chosen])
    return Rows(made.native.copy(), made.kind, made.numbers) if made.kind == "pandas" else made  # its own to change
