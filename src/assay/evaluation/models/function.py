"""Any Python callable as a model: it takes a frame and returns values, an array, or a frame."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import polars as pl

from assay.data.dataset import first_line
from assay.errors import DataError, UsageError, nearest
from assay.evaluation.models.adapted import Adapted, Opening
from assay.evaluation.models.answer import answer
from assay.evaluation.models.frames import annotated, as_taken
from assay.evaluation.models.model import Model, Output
from assay.evaluation.models.signature import ANY, Signature, fields

__all__ = ["is_name", "named", "open_function", "recognises"]

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def is_name(source: object) -> bool:
    """Return whether a source reads `package.module:function`."""
    return isinstance(source, str) and _NAME.fullmatch(source) is not None


def recognises(source: object) -> bool:
    """Return whether a source can be called."""
    return callable(source)


def named(source: str) -> object:
    """Return what `package.module:function` names, a function or a model.

    Raises UsageError where there is no such module or name in it, DataError where the module itself fails.
    """
    module, _, path = source.partition(":")
    try:
        found: object = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(f"{error.name}.")):
            raise DataError(f"{module} cannot be imported: {error}", place=source) from error
        hint = "PYTHONPATH names the folders that Python looks in"
        raise UsageError(f"there is no module {error.name!r}", place=source, hint=hint) from None
    except Exception as error:  # a module runs anyone's code when it is imported
        said = f"{type(error).__name__}: {first_line(error)}"
        raise DataError(f"{module} cannot be imported: {said}", place=source) from error
    for part in path.split("."):
        if not hasattr(found, part):
            known = [name for name in vars(found) if not name.startswith("_")] if hasattr(found, "__dict__") else []
            raise UsageError(f"{module} has no {part!r}", place=source, hint=nearest(part, known))
        found = getattr(found, part)
    return found


def open_function(source: object, opening: Opening) -> Model:
    """Return a model of a callable.

    It takes a Polars frame; or a pandas one or a matrix, where the annotation of its first parameter or `takes` says
    so. It is given the features, or every column where none are named. What it may return is said in `answer`.
    """
    if not callable(source):
        raise UsageError(
            f"{source!r} is no function", hint="a function takes a frame and returns a prediction for each row"
        )
    call: Callable[[Any], object] = source
    told = opening.options
    takes = told.takes or annotated(source) or "polars"
    name = told.name or opening.called or str(getattr(source, "__name__", type(source).__name__))
    signature = ANY if opening.features is None else Signature(fields(opening.features))

    def ask(frame: pl.DataFrame) -> Output:
        return answer(call(as_taken(frame, takes)), classes=told.classes, meaning=told.meaning)

    return Adapted(name, "function", signature, ask, opening.sized(source))
