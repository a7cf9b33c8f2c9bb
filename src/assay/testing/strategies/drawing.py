"""Strategies of Hypothesis that draw rows: a few rows of a pool, and at most a few of their cells changed to edge cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import UsageError, require
from assay.testing.rows import Rows
from assay.testing.strategies.cells import with_cells
from assay.testing.strategies.pools import Pool

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["Heights", "drawn_rows"]

LONGEST = 16  # rows of one run

T = TypeVar("T")
Heights: TypeAlias = tuple[int, int] | int
Edit: TypeAlias = tuple[int, str, int]  # the row's place in the drawn frame, the column, and which of its edge cases


def drawn_rows(
    pool: Pool, *, rows: Heights, edits: int, made: Callable[[Rows], T], name: str = "drawn_rows"
) -> SearchStrategy[T]:
    """Return a strategy of what is `made` of rows of a pool: as many as `rows` says, with at most `edits` cells that are edge cases.

    `name` is what Hypothesis calls it.

    What is drawn shrinks to fewer rows, plainer rows, fewer edits and plainer edge cases. Where the pool has limits, the rows
    keep to them. What was changed is noted, so that Hypothesis prints it with a failing example.

    Raises UsageError where the pool cannot give so many rows, or a number makes no sense.
    """
    hypothesis = require("hypothesis", extra="testing")
    st = require("hypothesis.strategies", extra="testing")
    least, most = _heights(rows, pool)
    if edits < 0:
        raise UsageError(f"edits is {edits}", hint="it is how many cells may be changed: 0 or more")
    runs = _runs(st, pool, least, most)
    names = pool.edited if edits else ()
    cases = {name: st.integers(0, len(pool.edges[name]) - 1) for name in names}
    column = st.sampled_from(names) if names else None
    counts = st.integers(0, 2 * edits)
    counting = pool.rows.kind == "pandas" and type(pool.rows.native.index).__name__ == "RangeIndex"

    def draws(draw: Callable[[Any], Any]) -> T:
        chosen = pool.order[_places(draw(runs), pool, least, most)]
        taken = _taken(pool.rows, np.sort(chosen) if pool.limits.ordered else chosen, counting)
        changes: list[Edit] = []
        if column is not None and taken.height:
            for _ in range(min(draw(counts), edits)):  # as many as may be, more often than not
                where = draw(column)
                changes.append((draw(st.integers(0, taken.height - 1)), where, draw(cases[where])))
        for place, where, case in changes:
            hypothesis.note(f"row {place}: {where} is {pool.edges[where].names[case]}")
        return made(edited(taken, changes, pool))

    draws.__name__ = name
    found: SearchStrategy[T] = st.composite(draws)()
    return found


def _runs(st: Any, pool: Pool, least: int, most: int) -> SearchStrategy[list[tuple[int, int]]]:
    """Return a strategy of runs of rows: where each ends, and of how many neighbours it is.

    A run costs Hypothesis two choices, whatever its length; neighbours in a reference often belong together, such as days. It
    is told by its last row, so that it shrinks to the one row that matters: the end moves down to that row, then the length to 1.
    """
    longest = max(1, min(most // 4, LONGEST))
    run = st.tuples(st.integers(0, pool.height - 1), st.integers(1, longest))
    found: SearchStrategy[list[tuple[int, int]]] = st.lists(
        run, min_size=-(-least // longest), max_size=-(-most * 2 // (longest + 1))
    )
    return found


def _places(runs: list[tuple[int, int]], pool: Pool, least: int, most: int) -> NDArray[np.int64]:
    """Return the places of runs of rows, at most `most`; the last run goes on where they are fewer than `least`."""
    places = [place for end, length in runs for place in range(max(end - length + 1, 0), end + 1)]
    if pool.limits.distinct:
        places = list(dict.fromkeys(places))
    after, held = (places[-1] if places else -1), set(places)
    while len(places) < least:
        after = (after + 1) % pool.height
        if not (pool.limits.distinct and after in held):
            places.append(after)
    return np.asarray(places[:most], dtype=np.int64)


def edited(rows: Rows, changes: list[Edit], pool: Pool) -> Rows:
    """Return rows with some cells changed to edge cases, and with no more missing values than the pool's limits allow."""
    by_column: dict[str, dict[int, int]] = {}
    for place, name, case in changes:
        by_column.setdefault(name, {})[place] = case
    made = rows
    for name, cells in by_column.items():
        made = with_cells(made, name, cells, cases=pool.edges[name], native=pool.native)
    return _limited(made, pool) if pool.fillers and made.height else made


def _taken(rows: Rows, places: NDArray[np.int64], counting: bool) -> Rows:
    """Return some of the rows; a pandas index that only counted counts from 0 again."""
    if rows.kind != "pandas":
        return rows.take(places)
    native = rows.native.take(places)
    return Rows(native.reset_index(drop=True) if counting else native, rows.kind, rows.numbers[places])


def _limited(rows: Rows, pool: Pool) -> Rows:
    """Return rows in which missing values beyond a column's share are the column's filler."""
    made = rows
    for name, filler in pool.fillers.items():
        places = _missing(rows.frame.get_column(name).alias("value"))
        excess = len(places) - int(pool.limits.missing[name] * rows.height + 1e-9)
        if excess > 0:
            made = made.changed(name, places[-excess:], filler[np.zeros(excess, dtype=np.int64)])
    return made


def _missing(values: pl.Series) -> NDArray[np.int64]:
    missing = values.is_null() | values.is_nan() if values.dtype.is_float() else values.is_null()
    return missing.arg_true().to_numpy().astype(np.int64)


def _heights(rows: Heights, pool: Pool) -> tuple[int, int]:
    least, most = (rows, rows) if isinstance(rows, int) else rows
    if not 0 <= least <= most:
        raise UsageError(f"rows is {rows}", hint="give how many, or the least and the most: rows=(1, 20)")
    if not pool.limits.distinct:
        return least, most
    if least > pool.height:
        raise UsageError(
            f"{least} rows are asked for, and the schema's keys allow {pool.height}", hint="ask for fewer rows"
        )
    return least, min(most, pool.height)
