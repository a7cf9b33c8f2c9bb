"""Feature code that is wrong: it looks ahead, looks too far back or not far enough, mixes entities, or stands still.

Each operator takes a function of rows and returns one that makes the mistake; the function's own file stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError, UsageError
from assay.testing.faults.cells import column_of
from assay.testing.faults.fault import Fault, Layer, NotApplicable, Operator
from assay.testing.outputs import aligned
from assay.testing.rows import Rows, rows_of

__all__ = ["COMPUTING"]

Function = Callable[..., Any]
_DURATION = re.compile(r"^(-?)(\d+)\s*([A-Za-z]+)$")


def _future_leak(function: Function, fault: Fault, rng: np.random.Generator) -> Function:
    steps = int(fault.severity)

    def made(rows: Rows, result: Any) -> Any:
        return _moved(rows, result, fault, ahead=steps)

    return _after(function, made)


def _stale_feature(function: Function, fault: Fault, rng: np.random.Generator) -> Function:
    steps = int(fault.severity)

    def made(rows: Rows, result: Any) -> Any:
        return _moved(rows, result, fault, ahead=-steps)

    return _after(function, made)


def _window_error(function: Function, fault: Fault, rng: np.random.Generator) -> Function:
    """Return the function with the window in its own code longer (severity above 0) or shorter by so many steps."""
    plain = _own(function)
    if plain is None:
        raise NotApplicable(f"{_called(function)} has no Python code of its own, in which a window could stand")
    steps = int(fault.severity)
    code = _with_windows(plain.__code__, steps)
    defaults, keywords = _defaults(plain.__defaults__ or (), steps), {
        name: _longer(value, steps) for name, value in (plain.__kwdefaults__ or {}).items()
    }  # fmt: skip
    if code == plain.__code__ and defaults == (plain.__defaults__ or ()) and keywords == (plain.__kwdefaults__ or {}):
        raise NotApplicable(f"{_called(function)} has no window in its code: no whole number above 1, no duration")
    changed = FunctionType(code, plain.__globals__, plain.__name__, defaults, plain.__closure__)
    changed.__kwdefaults__ = keywords or None
    changed.__dict__.update(plain.__dict__)
    return wraps(function)(changed)


def _own(function: Function) -> FunctionType | None:
    found: Any = function
    while hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return found if isinstance(found, FunctionType) else None


def _called(function: Function) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _defaults(values: Sequence[Any], steps: int) -> tuple[Any, ...]:
    return tuple(_longer(value, steps) for value in values)


def _with_windows(code: CodeType, steps: int) -> CodeType:
    """Return code whose constants that may be windows are longer by so many steps; its docstring is left alone."""
    constants = code.co_consts
    first = 1 if constants and isinstance(constants[0], str) and not _DURATION.match(constants[0]) else 0
    changed = [
        _with_windows(value, steps) if isinstance(value, CodeType) else _longer(value, steps)
        for value in constants[first:]
    ]
    return code.replace(co_consts=(*constants[:first], *changed))


def _longer(value: Any, steps: int) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value > 1:
        return max(1, value + steps)
    if isinstance(value, tuple):
        return tuple(_longer(each, steps) for each in value)
    found = _DURATION.match(value) if isinstance(value, str) else None
    if found is None or int(found[2]) == 0:
        return value
    return f"{found[1]}{max(1, int(found[2]) + steps)}{found[3]}"


def _rows_for_time(function: Function, fault: Fault, rng: np.random.Generator) -> Function:
    """Return the function given rows whose instants stand at even steps: a window in time becomes one of rows."""

    def changed(rows: Rows) -> Rows:
        time = _named(rows.frame, fault, "time")
        instants = time.drop_nulls().unique().sort()
        if len(instants) < 3:
            raise NotApplicable(f"the column {time.name!r} has {len(instants)} instants; it takes 3 to have a gap")
        step = int(instants.to_physical().diff().drop_nulls().median() or 1)  # type: ignore[arg-type]
        at = int(instants.to_physical()[0])
        even = pl.Series(at + step * np.arange(len(instants)), dtype=instants.to_physical().dtype).cast(time.dtype)
        return _with(rows, time.name, time.replace_strict(instants, even, default=None, return_dtype=time.dtype))

    return _before(function, changed)


def _entity_ignored(function: Function, fault: Fault, rng: np.random.Generator) -> Function:
    def changed(rows: Rows) -> Rows:
        entity = _named(rows.frame, fault, "entity")
        known = entity.drop_nulls()
        if known.n_unique() < 2:
            raise NotApplicable(f"the column {entity.name!r} has one entity, which is mixed with none")
        return _with(rows, entity.name, pl.Series(entity.name, [known[0]] * rows.height, dtype=entity.dtype))

    return _before(function, changed)


def _wrong_join(function: Function, fault: Fault, rng: np.random.Generator) -> Function:
    """Return the function with its values given to other rows, as a join by position after a sort gives them."""
    seed = int(rng.integers(2**31))

    def made(rows: Rows, result: Any) -> Any:
        fresh = np.random.default_rng(seed)
        places = np.flatnonzero(fresh.permutation(rows.height) < max(1, round(fault.severity * rows.height)))
        order = np.arange(rows.height)
        order[places] = np.roll(places, 1)
        return _rearranged(rows, result, order)

    return _after(function, made)


def _named(frame: pl.DataFrame, fault: Fault, role: str) -> pl.Series:
    told = fault.settings.get(role)
    if not told:
        raise NotApplicable(f"{fault.operator} needs the {role} column to be named")
    return column_of(frame, str(told))


def _with(rows: Rows, column: str, values: pl.Series) -> Rows:
    return rows_of(rows.put(column, values).native)


def _before(function: Function, change: Callable[[Rows], Rows]) -> Function:
    @wraps(function)
    def changed(*args: Any, **kwargs: Any) -> Any:
        place, rows = _rows_among(function, args, kwargs)
        return _with_rows(function, args, kwargs, place, change(rows))

    return changed


def _after(function: Function, change: Callable[[Rows, Any], Any]) -> Function:
    @wraps(function)
    def changed(*args: Any, **kwargs: Any) -> Any:
        place, rows = _rows_among(function, args, kwargs)
        result = _with_rows(function, args, kwargs, place, rows)
        try:
            return change(rows, result)
        except DataError as error:  # one figure, a list of another length: nothing that belongs to rows
            raise NotApplicable(f"{_called(function)} gives no value for each row: {error}") from None

    return changed


def _rows_among(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[int | str, Rows]:
    """Return the first argument that holds rows, by its place or its name: of a method that is not the first one."""
    given: list[tuple[int | str, Any]] = [*enumerate(args), *kwargs.items()]
    for place, value in given:
        if isinstance(value, list | tuple) and not all(isinstance(row, dict) for row in value):
            continue
        try:
            return place, rows_of(value)
        except UsageError:
            continue
    raise NotApplicable(f"{_called(function)} is given no rows")


def _with_rows(
    function: Function, args: Sequence[Any], kwargs: Mapping[str, Any], place: int | str, rows: Rows
) -> Any:  # fmt: skip
    given = rows.handed()
    if isinstance(place, str):
        return function(*args, **{**kwargs, place: given})
    return function(*args[:place], given, *args[place + 1 :], **kwargs)


def _moved(rows: Rows, result: Any, fault: Fault, *, ahead: int) -> Any:
    """Return a result in which each row has the value of the row so many steps later of the same entity."""
    groups = np.zeros(rows.height, dtype=np.int64)
    if fault.settings.get("entity"):
        groups = _named(rows.frame, fault, "entity").rank("dense").fill_null(0).to_numpy().astype(np.int64)
    time = _named(rows.frame, fault, "time").rank("dense").fill_null(0).to_numpy()
    order = np.arange(rows.height)
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        inside = inside[np.argsort(time[inside], kind="stable")]
        order[inside] = inside[np.clip(np.arange(len(inside)) + ahead, 0, len(inside) - 1)]
    return _rearranged(rows, result, order)


def _rearranged(rows: Rows, result: Any, order: NDArray[np.int64]) -> Any:
    """Return a result in which each row has the value that row `order` had; the result keeps its kind, index and names."""
    made = aligned(result, rows)
    at = np.full(rows.height, -1)
    at[made.rows] = np.arange(len(made.rows))  # the rows are fresh: a row's number is its place
    places = at[order[made.rows]]
    places = np.where(places < 0, np.arange(len(places)), places)  # of a row that has no value: its own
    kind = type(result).__module__.partition(".")[0]
    if kind == "pandas":
        moved = result.iloc[places]
        moved.index = result.index
        if hasattr(result, "columns"):
            kept = [name for name in result.columns if name in rows.columns]
            moved[kept] = result[kept]
        return moved
    if isinstance(result, pl.DataFrame):
        return result[places.tolist()].with_columns(
            result.select(name for name in result.columns if name in rows.columns)
        )
    if isinstance(result, pl.Series):
        return result.gather(places)
    return np.asarray(result)[places] if isinstance(result, np.ndarray) else [result[place] for place in places]


COMPUTING: dict[str, Operator] = {
    "future_leak": Operator(
        "future_leak", Layer.FEATURE, "a value looks ahead", "a window that is centred, or shifted the wrong way", _future_leak,
        ladder=(1.0, 3.0, 7.0), unit="rows of the same entity that it looks ahead", needs=("time",), on="function",

        chance=False, caught_by="the contract no_future",
    ),
    "stale_feature": Operator(
        "stale_feature", Layer.FEATURE, "a value is that of an earlier row", "a table that was not refreshed; an off-by-one",
        _stale_feature,
        ladder=(1.0, 3.0, 7.0), unit="rows of the same entity by which the value is old", needs=("time",), on="function",

        chance=False, caught_by="the contracts uses_window and known_outputs",
    ),
    "window_error": Operator(
        "window_error", Layer.FEATURE, "a window is too short or too long", "an off-by-one: 6 or 8 days in place of 7", _window_error,
        ladder=(1.0, -1.0, 7.0, 93.0), unit="steps by which the windows in the code are longer (below 0: shorter)", on="function",

        chance=False, caught_by="the contracts looks_back, uses_window and known_outputs",
    ),
    "rows_for_time": Operator(
        "rows_for_time", Layer.FEATURE, "a window counts rows where it should count days",
        "seven rows are no seven days where days are missing", _rows_for_time, unit="every window", needs=("time",), on="function",
        chance=False, caught_by="the contract looks_back on data with gaps",
    ),
    "entity_ignored": Operator(
        "entity_ignored", Layer.FEATURE, "values of all entities are mixed", "a group-by was forgotten", _entity_ignored,
        unit="every row", needs=("entity",), on="function",
        chance=False, caught_by="the contract keeps_entities_apart",
    ),
    "wrong_join": Operator(
        "wrong_join", Layer.FEATURE, "values stand in other rows", "a join by position, after one side was sorted", _wrong_join,
        ladder=(0.05, 0.2, 1.0), unit="share of the rows that have another row's value", on="function", keeps=("rows", "marginals"),
        caught_by="the contracts row_order, known_outputs and row_by_row",
    ),
}  # fmt: skip
