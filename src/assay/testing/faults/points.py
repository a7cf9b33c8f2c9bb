"""Where a fault is injected: rows, rows with their labels, splits, a function, a model, or a file, each in its own kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from assay.data.sources import dataset
from assay.errors import AssayError, UsageError
from assay.testing.faults.command import written
from assay.testing.faults.fault import Fault, On
from assay.testing.faults.injecting import inject, operator_of
from assay.testing.faults.plan import Wanted, planned
from assay.testing.faults.table import OPERATORS
from assay.testing.rows import Rows, rows_of

__all__ = ["LABEL", "Point", "injected", "planned_at", "point_of"]

LABEL = "label"


@dataclass(frozen=True, eq=False)
class Point:
    """A value of a person's own, and how a fault gets into it.

    `kind` says what it is; `on` what operators it can be the target of. `frame` is what it holds as Polars sees it, None where
    it holds no rows, and `put` turns a changed frame back into a value of its kind. Changed files are written below `scratch`.
    """

    value: Any
    kind: str
    on: tuple[On, ...]
    frame: pl.DataFrame | None = None
    put: Callable[[pl.DataFrame], Any] | None = None
    scratch: Path = Path()


def point_of(value: Any, *, scratch: Path, function: bool = False) -> Point:
    """Return a value as a point of injection: rows, a pair (rows, labels), a mapping of splits, a file's path, a model, a function.

    A changed file is written below `scratch`, under its own name. With `function`, a model that can be called is a function.

    Raises UsageError where the value is none of these.

    >>> point = point_of(([{"a": 1}, {"a": 2}], [0, 1]), scratch=Path())
    >>> point.kind, point.frame.columns, point.put(point.frame.head(1))
    ('rows and labels', ['a', 'label'], ([{'a': 1}], [0]))
    """
    if isinstance(value, tuple | list) and len(value) == 2 and _holds_rows(value[0]) and _is_label(value[1], value[0]):
        return _pair(value)
    if _holds_rows(value):
        rows = rows_of(value)
        return Point(value, "rows", ("frame",), rows.frame, rows.rebuilt)
    if isinstance(value, Mapping) and value and all(_holds_rows(each) for each in value.values()):
        return Point(value, "splits", ("splits",))
    if isinstance(value, str | Path) and _is_file(value):
        return _file(value, scratch)
    predicts = any(callable(getattr(value, name, None)) for name in ("predict", "predict_proba"))
    if predicts and not function:
        return Point(value, "a model", ("model",))
    if callable(value):
        return Point(value, "a function", ("function",))
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise UsageError(
        f"no fault can be put into a {kind}", hint="name what gives rows, rows and labels, splits, a file, or a model"
    )


def planned_at(point: Point, wanted: Wanted) -> tuple[Fault, ...]:
    """Return the faults to try at a point: of those that are wanted, the operators that its kind can be the target of.

    Raises UsageError where none is left.
    """
    if wanted.faults:
        return wanted.faults
    fits = tuple(name for name in wanted.operators or OPERATORS if OPERATORS[name].on in point.on)
    if not fits:
        raise UsageError(f"none of the operators fits {point.kind}", hint="name others, or leave --operator out")
    return planned(point.frame, msgspec.structs.replace(wanted, operators=fits)).faults


def injected(point: Point, fault: Fault) -> Any:
    """Return the point's value with the fault in it; the value itself stays as it was.

    Raises NotApplicable where the operator cannot be applied, and NoEffect where it changes nothing.
    """
    on = operator_of(fault).on
    if on == "frame" and point.frame is not None and point.put is not None:
        return point.put(inject(point.frame, fault))
    if on == "bytes" and "bytes" in point.on:
        return _rewritten(point, inject(Path(point.value).read_bytes(), fault))
    return inject(point.value, fault)


def _holds_rows(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(row, dict) for row in value)
    try:
        rows_of(value)
    except UsageError:
        return False
    return True


def _is_label(label: object, rows: object) -> bool:
    if isinstance(label, dict | str | bytes) or not hasattr(label, "__len__"):
        return False
    return getattr(label, "ndim", 1) == 1 and len(label) == rows_of(rows).height


def _pair(value: tuple[Any, Any] | list[Any]) -> Point:
    rows, label = rows_of(value[0]), value[1]
    name = LABEL if LABEL not in rows.columns else "__label__"
    labels = pl.Series(name, label.tolist() if hasattr(label, "tolist") else list(label), strict=False)

    def put(frame: pl.DataFrame) -> Any:
        kept = frame[name] if name in frame.columns else labels
        made = (rows.rebuilt(frame.drop(name, strict=False)), _like(label, kept, rows))
        return made if isinstance(value, tuple) else list(made)

    return Point(value, "rows and labels", ("frame",), rows.frame.with_columns(labels), put)


def _like(label: Any, values: pl.Series, rows: Rows) -> Any:
    """Return labels in the kind that they came in."""
    if isinstance(label, np.ndarray):
        return values.to_numpy()
    if isinstance(label, pl.Series):
        return values.alias(label.name)
    if hasattr(label, "iloc"):
        made = values.to_pandas()
        made.name = label.name
        if len(made) == rows.height:
            made.index = label.index
        return made
    return type(label)(values.to_list())


def _is_file(value: str | Path) -> bool:
    try:
        return Path(value).is_file()
    except (OSError, ValueError):
        return False


def _file(value: str | Path, scratch: Path) -> Point:
    """Return a file as a point: its bytes, and its rows where it holds a dataset in a format that can be written again."""
    path = Path(value)

    def put(frame: pl.DataFrame) -> Any:
        target = scratch / path.name
        written(frame, target)
        return type(value)(target)

    try:
        frame = dataset(path).scan().collect()
        written(frame.head(1), scratch / f"first-{path.name}")
    except AssayError:  # a file that is no dataset, or of a format that is only read, has bytes all the same
        return Point(value, "a file", ("bytes",), scratch=scratch)
    return Point(value, "a file of rows", ("bytes", "frame"), frame, put, scratch)


def _rewritten(point: Point, content: bytes) -> Any:
    target = point.scratch / Path(point.value).name
    target.write_bytes(content)
    return type(point.value)(target)
