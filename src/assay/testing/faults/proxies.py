"""An object that answers as another does, but for a mistake: how a fault is put into a model or a client of one."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from assay.errors import DataError
from assay.testing.faults.fault import NotApplicable
from assay.testing.outputs import differing, frame_of

__all__ = ["METHODS", "Mistaken", "MistakenFunction", "reshaped"]

# The calls in which a model answers rows, and what it answers: scores of classes, or one value each.
METHODS = ("predict", "predict_proba", "decision_function", "predict_log_proba", "__call__")

Ask = Callable[..., Any]


class Mistaken:
    """An object that has all that another one has, and makes a mistake where it predicts.

    `change(name, ask, args, kwargs)` is called in place of the method of that name; `ask` is the original one. A function is
    wrapped alike: it is its own `__call__`. The object itself is not touched, and its other attributes are its own.
    """

    def __init__(self, inner: Any, change: Callable[[str, Ask, tuple[Any, ...], dict[str, Any]], Any]) -> None:
        self.__dict__["_inner"] = inner
        self.__dict__["_change"] = change

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_inner", "_change"):
            raise AttributeError(name)
        found = getattr(self._inner, name)
        if name not in METHODS or not callable(found):
            return found
        return lambda *args, **kwargs: self._change(name, found, args, kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{name} of a model with a fault cannot be set; set it on the model itself")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not callable(self._inner):
            raise TypeError(f"a {type(self._inner).__name__} cannot be called")
        return self._change("__call__", self._inner, args, kwargs)

    def __repr__(self) -> str:
        return f"Mistaken({self._inner!r})"


class MistakenFunction:
    """A function that makes its mistake where it can be made, and answers as it should elsewhere; it knows what came of it.

    A test of an empty frame asks for no window that could be wrong. `made` is whether the mistake was ever made, `differs` whether
    an answer was ever another than the right one, and `why` says why it could not be made.
    """

    def __init__(self, function: Callable[..., Any], faulty: Callable[..., Any]) -> None:
        self.function = function
        self.faulty = faulty
        self.made = False
        self.differs = False
        self.why = ""
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            answer = self.faulty(*copy.deepcopy(args), **copy.deepcopy(kwargs))
        except NotApplicable as reason:
            self.why = self.why or str(reason)
            return self.function(*args, **kwargs)
        except Exception:
            self.made = self.differs = True
            raise
        self.made = True
        if not self.differs:
            self.differs = _differ(self.function(*args, **kwargs), answer)
        return answer


def _differ(right: Any, answer: Any) -> bool:
    """Return whether two answers differ in a value, in their order, or in their labels; what holds no rows always does."""
    try:
        one, other = frame_of(right), frame_of(answer)
    except DataError:
        return not isinstance(right, int | float | str) or right != answer
    if one.shape != other.shape or one.columns != other.columns:
        return True
    here: Any = getattr(right, "index", None)
    there: Any = getattr(answer, "index", None)
    if type(here).__module__.startswith("pandas") and type(here) is type(there) and not here.equals(there):
        return True
    return bool(differing(one, other).any())


def reshaped(answer: Any, values: np.ndarray[Any, Any]) -> Any:
    """Return values in the kind of an answer: an array, a list, a series of pandas or Polars, or a frame of either."""
    module = type(answer).__module__.partition(".")[0]
    if isinstance(answer, pl.Series):
        return pl.Series(answer.name, values)
    if isinstance(answer, pl.DataFrame):
        return pl.DataFrame(values, schema=answer.columns) if len(values) else answer.clear()
    if module == "pandas":
        index = answer.index if len(values) == len(answer) else None
        if hasattr(answer, "columns"):
            return type(answer)(values, columns=answer.columns, index=index)
        return type(answer)(values, name=answer.name, index=index)
    if isinstance(answer, list | tuple):
        return type(answer)(values.tolist())
    return values
