"""Put a fault into a target: the one door through which every operator is used."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from assay.errors import member
from assay.testing.faults.fault import Fault, NoEffect, Operator
from assay.testing.faults.proxies import MistakenFunction
from assay.testing.faults.table import OPERATORS
from assay.testing.rows import rows_of

__all__ = ["inject", "operator_of", "same_frame"]


def operator_of(fault: Fault) -> Operator:
    """Return the operator that a fault names; raise ConfigError, with the nearest name, where there is none."""
    return member(OPERATORS, fault.operator, what="fault operator")


def inject(target: Any, fault: Fault) -> Any:
    """Return the target with the fault in it, in the kind that it came in; the target itself stays as it is.

    Rows (a pandas, Polars or pyarrow frame, an array, a list of dicts), a mapping of splits, a function of rows, an object
    that predicts, or a file's bytes: what the operator's `on` says. The same fault makes the same mistake each time; of one
    seed, a stronger severity changes the cells that a milder one does, and more.

    A function that cannot make its mistake on some rows (a window of one row) answers those as it should.

    Raises NotApplicable where the operator cannot be applied; NoEffect where the rows, splits or bytes are as they were
    afterwards; ConfigError where there is no such operator.

    >>> rows = [{"age": 31}, {"age": 44}]
    >>> inject(rows, Fault("unit_change", "age", 100)), rows
    ([{'age': 3100}, {'age': 4400}], [{'age': 31}, {'age': 44}])
    """
    operator = operator_of(fault)
    rng = np.random.default_rng([zlib.crc32(f"{fault.operator}:{fault.column}".encode()), fault.seed])
    if operator.on != "frame":
        changed = operator.apply(target, fault, rng)
        if operator.on == "function":
            return MistakenFunction(target, changed)
        if _is_same(target, changed, operator):
            raise NoEffect(f"{fault.id} changed nothing")
        return changed
    rows = rows_of(target)
    frame = operator.apply(rows.frame, fault, rng)
    if same_frame(rows.frame, frame):
        raise NoEffect(f"{fault.id} changed nothing")
    return rows.rebuilt(frame)


def same_frame(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Return whether two frames have the same columns, types and values; NaN is the same as NaN, null as null."""
    return one.schema == other.schema and one.columns == other.columns and one.equals(other, null_equal=True)


def _is_same(target: Any, changed: Any, operator: Operator) -> bool:
    if operator.on == "bytes":
        return bool(target == changed)
    if operator.on == "splits" and isinstance(target, Mapping):
        return all(same_frame(rows_of(target[name]).frame, rows_of(changed[name]).frame) for name in target)
    return False  # what a changed function or model answers shows when it is asked
