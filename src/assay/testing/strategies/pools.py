"""Pools: rows that strategies draw from, plainest first, with the edge cases of each column, whatever they were made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.dataset import first_line
from assay.data.names import col
from assay.errors import UsageError, nearest, require
from assay.profiles.schema import DatasetSchema
from assay.testing.rows import Rows, rows_of
from assay.testing.strategies.allowed import Limits, allowed, limits_of
from assay.testing.strategies.cells import NativeEdges, native_edges
from assay.testing.strategies.edge_cases import EdgeCases, edge_cases

__all__ = ["KINDS", "Kinds", "Pool", "as_kind", "pool_of", "shuffled", "within"]

Kinds = Literal["polars", "pandas", "pyarrow", "array", "records"]
KINDS: tuple[Kinds, ...] = ("polars", "pandas", "pyarrow", "array", "records")


@dataclass(frozen=True, eq=False)
class Pool:
    """Rows to draw from in their own kind, their places with the plainest first, and the edge cases of each column.

    `limits` are what a drawn frame keeps to as a whole; `fillers` is a value for each column that stands where a missing one may not.
    """

    rows: Rows
    edges: Mapping[str, EdgeCases]
    order: NDArray[np.int64]
    limits: Limits = field(default_factory=Limits)
    fillers: Mapping[str, pl.Series] = field(default_factory=dict)

    @cached_property
    def native(self) -> NativeEdges:
        """Return the edge cases as pandas holds them, where the rows are pandas'."""
        return native_edges(self.rows, self.edges)

    @property
    def height(self) -> int:
        """Return how many rows there are to draw from."""
        return len(self.order)

    @property
    def edited(self) -> tuple[str, ...]:
        """Return the columns whose cells may be changed: those that have an edge case, and tell no rows apart."""
        return tuple(name for name, cases in self.edges.items() if len(cases) and name not in self.limits.fixed)


def pool_of(data: object, *, columns: Sequence[str] = ()) -> Pool:
    """Return the pool of a person's own rows, with the edge cases next to their values.

    Raises UsageError where there are no rows, or a column is not there.
    """
    rows = _read(data, columns)
    if not rows.height:
        raise UsageError("the reference has no rows", hint="give rows like those that the code will see")
    frame = rows.frame
    edges = {name: edge_cases(frame.get_column(name)) for name in frame.columns}
    return Pool(rows, edges, _plainest(frame))


def within(pool: Pool, schema: DatasetSchema) -> Pool:
    """Return a pool of those rows and edge cases that a schema allows, and which keeps to it as a whole.

    Raises UsageError where it allows none of the rows, and names the column that leaves the fewest.
    """
    frame = pool.rows.frame
    told = {name: given for name, given in schema.columns.items() if name in frame.columns}
    masks = {name: allowed(frame.get_column(name), given, name=name) for name, given in told.items()}
    for name in {name for key in schema.keys for name in key if name in masks}:
        masks[name] &= frame.get_column(name).is_not_null()  # a key is never missing
    kept = np.ones(frame.height, dtype=bool)
    for mask in masks.values():
        kept &= mask.to_numpy()
    if not kept.any():
        worst = min(masks, key=lambda name: int(masks[name].sum() or 0))
        raise UsageError(
            f"the schema allows none of the {frame.height:,} rows; of {worst!r} it allows {int(masks[worst].sum() or 0):,} values",
            hint="give the schema of this data, or rows that it allows",
        )
    edges = {
        name: cases.only(allowed(cases.values, told[name], name=name)) if name in told else cases
        for name, cases in pool.edges.items()
    }
    limits = limits_of(replace_columns(schema, told))
    order = (
        _unrepeated(frame, pool.order[kept[pool.order]], schema) if limits.distinct else pool.order[kept[pool.order]]
    )
    return replace(pool, edges=edges, order=order, limits=limits, fillers=_fillers(frame, order, limits))


def replace_columns(schema: DatasetSchema, columns: Mapping[str, Any]) -> DatasetSchema:
    """Return a schema with these columns only, and without the keys that name others."""
    keys = tuple(key for key in schema.keys if all(name in columns for name in key))
    return DatasetSchema(
        description=schema.description, columns=dict(columns), keys=keys, extra_columns=schema.extra_columns, ordered=schema.ordered
    )  # fmt: skip


def shuffled(rows: Rows, together: Sequence[Sequence[str]], *, rng: np.random.Generator) -> Rows:
    """Return rows whose columns were shuffled apart from each other, so that only the groups in `together` stay joined.

    Raises UsageError where a group names a column that is not there, or two groups the same one.
    """
    named = [name for group in together for name in group]
    for name in named:
        if name not in rows.columns:
            raise UsageError(f"together= names {name!r}, which is no column", hint=nearest(name, rows.columns))
        if named.count(name) > 1:
            raise UsageError(f"together= names {name!r} twice", hint="join the two groups into one")
    made = rows
    for group in [*together, *([name] for name in rows.columns if name not in named)]:
        places = rng.permutation(rows.height)
        for name in group:
            made = made.put(name, rows.frame.get_column(name)[places])
    return made


def as_kind(frame: pl.DataFrame, kind: Kinds) -> Rows:
    """Return a Polars frame as rows of another kind; raise UsageError where there is no such kind."""
    if kind not in KINDS:
        raise UsageError(f"there is no kind of rows {kind!r}", hint=nearest(kind, KINDS))
    if kind == "pandas":
        require("pyarrow", extra="pandas")
        require("pandas", extra="pandas")
        return rows_of(frame.to_pandas())
    made: dict[str, Any] = {"pyarrow": frame.to_arrow, "array": frame.to_numpy, "records": frame.to_dicts}
    return rows_of(made[kind]() if kind in made else frame)


def _read(data: object, columns: Sequence[str]) -> Rows:
    """Return a person's rows with these columns only; raise UsageError where a column has no name, or no one type."""
    rows = rows_of(data)
    if rows.kind == "pandas":
        odd = [name for name in rows.native.columns if not isinstance(name, str)]
        if odd:
            raise UsageError(
                f"the column {odd[0]!r} has a name that is no text", hint="rename it: frame.columns.map(str)"
            )
        twice = [name for name in rows.native.columns if list(rows.native.columns).count(name) > 1]
        if twice:
            raise UsageError(f"the column {twice[0]!r} stands twice", hint="rename one of them")
    try:
        objects = [name for name, dtype in rows.frame.schema.items() if dtype == pl.Object]
    except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
        hint = "give every column one type"
        raise UsageError(f"the reference cannot be read as a frame: {first_line(error)}", hint=hint) from None
    if objects and (not columns or set(objects) & set(columns)):
        raise UsageError(f"the column {objects[0]!r} holds Python objects", hint="leave it out with columns=")
    return _named_columns(rows, columns)


def _named_columns(rows: Rows, columns: Sequence[str]) -> Rows:
    for name in columns:
        if name not in rows.columns:
            raise UsageError(f"columns= names {name!r}, which is no column", hint=nearest(name, rows.columns))
    return rows.select(columns) if columns else rows


def _plainest(frame: pl.DataFrame) -> NDArray[np.int64]:
    """Return the places of rows, those with the fewest missing values first, else in their own order."""
    if not frame.width:
        return np.arange(frame.height)
    counted = pl.sum_horizontal([col(name).is_null().cast(pl.Int64) for name in frame.columns])
    return np.argsort(frame.select(counted.alias("missing"))["missing"].to_numpy(), kind="stable")


def _unrepeated(frame: pl.DataFrame, order: NDArray[np.int64], schema: DatasetSchema) -> NDArray[np.int64]:
    """Return the places without those whose key, or value of a column that is to be unique, an earlier one has."""
    unique = [(name,) for name, told in schema.columns.items() if told.unique and name in frame.columns]
    for names in (*schema.keys, *unique):
        if all(name in frame.columns for name in names):
            found = frame[order].select([col(name) for name in names]).with_row_index("__place")
            order = order[found.unique(list(names), keep="first", maintain_order=True)["__place"].to_numpy()]
    return order


def _fillers(frame: pl.DataFrame, order: NDArray[np.int64], limits: Limits) -> dict[str, pl.Series]:
    found = {}
    for name, share in limits.missing.items():
        values = frame.get_column(name).alias("value")[order].drop_nulls()
        if values.dtype.is_float():
            values = values.drop_nans()
        if 0 < share < 1 and len(values):  # at 0 no row and no edge case that is missing was kept
            found[name] = values.head(1)
    return found
