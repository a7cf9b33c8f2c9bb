"""What a Python model is fed: a Polars frame, a pandas frame, or a matrix."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from assay.errors import DataError, require
from assay.evaluation.models.options import Takes
from assay.evaluation.models.signature import matrix

__all__ = ["annotated", "as_taken", "family_of", "has_pandas"]


def as_taken(frame: pl.DataFrame, takes: Takes) -> Any:
    """Return a frame as what is taken: itself, a pandas frame, or a matrix of numbers (of objects where texts are among them).

    Raises DataError where pandas cannot hold it.
    """
    if takes == "pandas":
        require("pandas", extra="pandas")
        try:
            return frame.to_pandas()
        except ModuleNotFoundError:
            require("pyarrow", extra="pandas")
            raise
        except pl.exceptions.PolarsError as error:
            raise DataError(f"pandas cannot hold the rows: {error}") from None
    if takes == "numpy":
        numbers = all(dtype.is_numeric() or dtype in (pl.Boolean, pl.Null) for dtype in frame.dtypes)
        return matrix(frame) if numbers else np.column_stack([c.to_numpy().astype(object) for c in frame])
    return frame


def has_pandas() -> bool:
    """Return whether pandas is installed, with what Polars needs to fill it."""
    return all(importlib.util.find_spec(name) is not None for name in ("pandas", "pyarrow"))


def family_of(model: object) -> frozenset[str]:
    """Return the packages that an object's type and its parents come from; nothing of a text or a type."""
    if isinstance(model, str | bytes | type):
        return frozenset()
    return frozenset(parent.__module__.partition(".")[0] for parent in type(model).__mro__)


def annotated(function: object) -> Takes:
    """Return what kind of frame a function's first parameter says that it takes; empty where it does not say."""
    target = function if hasattr(function, "__code__") else getattr(function, "__call__", function)  # noqa: B004
    said: Mapping[str, object] = getattr(target, "__annotations__", {})
    first = next((hint for name, hint in said.items() if name != "return"), None)
    text = (
        first
        if isinstance(first, str)
        else f"{getattr(first, '__module__', '')}.{getattr(first, '__qualname__', first)}"
    )
    words: tuple[tuple[str, Takes], ...] = (("polars", "polars"), ("pl.", "polars"), ("pandas", "pandas"), ("pd.", "pandas"),
        ("numpy", "numpy"), ("np.", "numpy"), ("ndarray", "numpy"), ("NDArray", "numpy"))  # fmt: skip
    return next((takes for word, takes in words if word in text), "") if first is not None else ""
