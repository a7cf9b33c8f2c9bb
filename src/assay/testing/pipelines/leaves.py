"""What a step returned, taken apart into tables that can be compared: frames, arrays, numbers, and the state of objects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from assay.errors import AssayError
from assay.testing.outputs import RESULT, differing, frame_of
from assay.testing.pipelines.counting import counted
from assay.verdict import Example

__all__ = ["Difference", "Leaf", "first_difference", "leaves_of", "sorted_rows"]

DEPTH, MOST_LEAVES, MOST_CELLS, SHOWN = 10, 500, 4_000_000, 5
_PLAIN = (bool, int, float, complex, str, bytes, date, timedelta, Decimal, type(None))
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_FRAMES = ("pandas", "polars", "pyarrow")


@dataclass(frozen=True, eq=False)
class Leaf:
    """One part of a value, as a table. `path` says where it stands in it: empty for the value itself, `[0]`, `.coef_`.

    `data` is False for the inner state of an object: it may hold what changes from run to run and matters to nobody (a duration).
    """

    path: str
    table: pl.DataFrame
    data: bool = True


@dataclass(frozen=True, eq=False)
class Difference:
    """The first part in which two values differ: how, in words, and the rows that show it."""

    leaf: Leaf
    said: str
    examples: tuple[Example, ...] = ()


def leaves_of(value: Any) -> list[Leaf]:
    """Return the parts of a value, in its order: those of sets sorted, of objects their attributes; at most 500.

    >>> [(leaf.path, leaf.table.item()) for leaf in leaves_of({"a": 1, "b": (2.5,)})]
    [(' keys', "['a', 'b']"), ("['a']", 1), ("['b'][0]", 2.5)]
    """
    found: list[Leaf] = []
    for leaf in _walk(value, "", True, ()):
        found.append(leaf)
        if len(found) >= MOST_LEAVES:
            break
    return found


def first_difference(one: Sequence[Leaf], other: Sequence[Leaf], *, rtol: float, atol: float) -> Difference | None:
    """Return the first part in which two values differ; one of data before one of an object's inner state.

    None where they differ in nothing.
    """
    there = {leaf.path: leaf for leaf in other}
    inner = None
    for leaf in one:
        twin = there.get(leaf.path)
        seen = (
            Difference(leaf, "is there in one run only")
            if twin is None
            else _difference(leaf, twin, rtol=rtol, atol=atol)
        )
        if seen is not None and leaf.data:
            return seen
        inner = inner or seen
    more = next((leaf for leaf in other if leaf.data and leaf.path not in {each.path for each in one}), None)
    return Difference(more, "is there in one run only") if more is not None else inner


def sorted_rows(leaf: Leaf) -> Leaf:
    """Return a part with its rows in the order of their values, to compare rows that came in another order."""
    table = leaf.table
    if table.height < 2 or any(dtype.is_nested() or dtype == pl.Object for dtype in table.dtypes):
        return leaf
    return Leaf(leaf.path, table.sort(table.columns, nulls_last=True), leaf.data)


def _walk(value: Any, path: str, data: bool, inside: tuple[int, ...]) -> Iterator[Leaf]:
    if id(value) in inside or len(inside) > DEPTH:
        return
    table = _table(value)
    if table is not None:
        yield Leaf(path, _bounded(table), data)
        return
    around = (*inside, id(value))
    if isinstance(value, Mapping):
        yield Leaf(f"{path} keys", _cell(str([str(key) for key in value])), data)
        for key, each in value.items():
            yield from _walk(each, f"{path}[{key!r}]", data, around)
    elif isinstance(value, list | tuple):
        names = getattr(value, "_fields", ())
        for i, each in enumerate(value):
            yield from _walk(each, f"{path}.{names[i]}" if names else f"{path}[{i}]", data, around)
    elif is_dataclass(value) and not isinstance(value, type):
        answers = any(hasattr(value, name) for name in ("predict", "transform", "fit"))
        for field in fields(value):
            yield from _walk(getattr(value, field.name), f"{path}.{field.name}", data and not answers, around)
    else:
        for name, each in _state(value).items():
            yield from _walk(each, f"{path}.{name}", False, around)


def _table(value: Any) -> pl.DataFrame | None:
    """Return what is a table, an array or a plain value as a frame; None for what has parts."""
    if isinstance(value, (*_PLAIN, np.generic)):
        return _cell(value)
    if isinstance(value, set | frozenset):
        return pl.DataFrame({RESULT: sorted(_said(each) for each in value)})
    module = type(value).__module__.partition(".")[0]
    if module == "pandas" and hasattr(value, "index"):
        return _of_pandas(value)
    if module in _FRAMES and type(value).__name__ in ("DataFrame", "LazyFrame", "Series", "Table", "RecordBatch"):
        return _framed(value)
    if hasattr(value, "tocoo") and hasattr(value, "nnz"):  # a sparse matrix: only what is in it
        entries = value.tocoo()
        return pl.DataFrame({"row": entries.row, "column": entries.col, "value": entries.data})
    if module == "torch" and hasattr(value, "detach"):
        return _of_array(np.array(value.detach().cpu().numpy()))
    if isinstance(value, np.ndarray) or (hasattr(value, "__array__") and not hasattr(value, "predict")):
        return _of_array(np.array(value))
    if isinstance(value, list) and value and all(isinstance(each, _PLAIN) for each in value):
        return _of_array(np.array(value, dtype=object))
    return None


def _of_pandas(value: Any) -> pl.DataFrame:
    labels = value.index
    plain = type(labels).__name__ == "RangeIndex" or type(value).__name__.endswith("Index")
    table = _framed(value if hasattr(value, "to_frame") or hasattr(value, "columns") else value.to_series())
    return table if plain else table.with_columns(pl.Series("index", [_said(each) for each in labels]))


def _framed(value: Any) -> pl.DataFrame:
    try:
        return frame_of(value)
    except (AssayError, pl.exceptions.PolarsError, TypeError, ValueError, NotImplementedError):
        columns = value.to_dict(orient="list") if hasattr(value, "to_dict") else {RESULT: list(value)}
        return pl.DataFrame({str(name): [_said(each) for each in cells] for name, cells in columns.items()})


def _of_array(array: np.ndarray[Any, Any]) -> pl.DataFrame:
    if array.dtype.names:
        return pl.DataFrame({name: _column(array[name]) for name in array.dtype.names})
    if array.ndim == 2:
        return pl.DataFrame({f"{RESULT}_{i}": _column(array[:, i]) for i in range(array.shape[1])})
    return pl.DataFrame({RESULT: _column(array.reshape(-1))})


def _column(values: np.ndarray[Any, Any]) -> pl.Series:
    flat = values.reshape(len(values), -1)[:, 0] if values.ndim > 1 else values
    if flat.dtype.kind in "fiub":
        return pl.Series(np.ascontiguousarray(flat).astype(np.float64 if flat.dtype == np.float16 else flat.dtype))
    if flat.dtype == object and all(isinstance(each, int | float) and not isinstance(each, bool) for each in flat):
        return pl.Series([float(each) for each in flat])
    return pl.Series([None if each is None else _said(each) for each in flat.tolist()], dtype=pl.String)


def _bounded(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table; one of very many cells as the hashes of its rows."""
    if table.height * max(table.width, 1) <= MOST_CELLS:
        return table
    return pl.DataFrame({"hash of the row": table.hash_rows(seed=0)})


def _cell(value: object) -> pl.DataFrame:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | float | str) or (isinstance(value, int) and abs(value) < 1 << 63):
        return pl.DataFrame({RESULT: [value]})
    return pl.DataFrame({RESULT: [_said(value)]})


def _said(value: object) -> str:
    """Return a value as text that is the same in every process: without addresses in memory."""
    return _ADDRESS.sub("", value if isinstance(value, str) else repr(value))


def _state(value: Any) -> Mapping[str, Any]:
    """Return the attributes of an object, or what it would be pickled as; nothing of functions, classes and modules."""
    if isinstance(value, type) or (callable(value) and hasattr(value, "__code__")) or type(value).__name__ == "module":
        return {}
    if isinstance(getattr(value, "__dict__", None), dict) and value.__dict__:
        return {name: each for name, each in value.__dict__.items() if not name.startswith("__")}
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # what cannot be pickled says so in many ways, and has no state to show then
        return {}
    state = reduced[2] if isinstance(reduced, tuple) and len(reduced) > 2 else None
    return state if isinstance(state, dict) else {} if state is None else {"state": state}


def _difference(one: Leaf, other: Leaf, *, rtol: float, atol: float) -> Difference | None:
    a, b = one.table, other.table
    if a.height != b.height:
        return Difference(one, f"has {counted(a.height, 'row')} in one run and {b.height:,} in the other")
    if a.columns != b.columns:
        same = sorted(a.columns) == sorted(b.columns)
        how = "in another order" if same else "others"
        return Difference(
            one, f"has its columns {how}: {_listed(a.columns)} in one run, {_listed(b.columns)} in the other"
        )
    cells = differing(a, b, rtol=rtol, atol=atol)
    if not cells.any():
        return None
    rows = np.flatnonzero(cells.any(axis=1))
    columns = [a.columns[i] for i in np.flatnonzero(cells.any(axis=0))]
    said = f"differs in {len(rows):,} of {a.height:,} rows" if a.height > 1 else "differs"
    if a.width > 1:
        said += f", in {_listed(columns)}"
    by = _largest(a, b, columns)
    if by:  # none where a null stands beside each number
        said += f", by up to {by:.3g}"
    if a.height > 1 and _same_multiset(a, b):
        said += ": the same rows in another order"
    examples = tuple(_example(a, b, int(row), columns) for row in rows[:SHOWN])
    return Difference(one, said, examples)


def _largest(a: pl.DataFrame, b: pl.DataFrame, columns: Sequence[str]) -> float | None:
    """Return the largest absolute difference of two numbers; None where no number differs."""
    gaps = []
    for name in columns:
        if a[name].dtype.is_numeric() and b[name].dtype.is_numeric():
            gap = np.abs(a[name].cast(pl.Float64).to_numpy() - b[name].cast(pl.Float64).to_numpy())
            gaps += [float(gap[np.isfinite(gap)].max())] if np.isfinite(gap).any() else []
    return max(gaps, default=None)


def _same_multiset(a: pl.DataFrame, b: pl.DataFrame) -> bool:
    return a.height == b.height and a.hash_rows(seed=0).sort().equals(b.hash_rows(seed=0).sort())


def _example(a: pl.DataFrame, b: pl.DataFrame, row: int, columns: Sequence[str]) -> Example:
    name = next(n for n in columns if differing(a[row].select(n), b[row].select(n)).any() or n == columns[-1])
    values = {"column": name} if a.width > 1 else {}
    return Example(row if a.height > 1 else None, {**values, "one run": a[name][row], "the other": b[name][row]})


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
