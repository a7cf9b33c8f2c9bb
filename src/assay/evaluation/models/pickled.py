"""Objects out of pickles, joblib files and skops files. A pickle runs code: only where a person trusts it."""

from __future__ import annotations

import pickle
from pathlib import Path

from assay.data.dataset import first_line
from assay.errors import DataError, UsageError, require

__all__ = ["is_pickled", "unpickled"]

PICKLES = (".pkl", ".pickle")
SUFFIXES = (*PICKLES, ".joblib", ".skops")


def is_pickled(source: object) -> bool:
    """Return whether a source is a file that holds a Python object."""
    return isinstance(source, str | Path) and "://" not in str(source) and str(source).lower().endswith(SUFFIXES)


def unpickled(path: Path, *, trust: bool) -> object:
    """Return the object in a file.

    Raises UsageError where that may run code that nobody trusted, DataError where the file cannot be read.
    """
    if path.suffix.lower() == ".skops":
        return _skops(path, trust=trust)
    if not trust:
        raise UsageError(
            f"the model {path.name!r} is a pickle: to load it is to run whatever code is in it",
            hint="where you know who made it, say trust=True (--trust); a .skops, .onnx or library's own file needs no trust",
        )
    try:
        if path.suffix.lower() in PICKLES:
            with path.open("rb") as file:
                return pickle.load(file)  # noqa: S301 - a person said trust
        return require("joblib", extra="sklearn").load(path)
    except Exception as error:  # unpickling runs anyone's code, and may raise anything
        raise _unreadable(path, error) from error


def _skops(path: Path, *, trust: bool) -> object:
    skops = require("skops.io", extra="sklearn")
    try:
        strange = list(skops.get_untrusted_types(file=path))
    except Exception as error:  # what a broken file does
        raise _unreadable(path, error) from error
    if strange and not trust:
        shown = ", ".join(strange[:5]) + (f" and {len(strange) - 5} more" if len(strange) > 5 else "")
        raise UsageError(
            f"the model {path.name!r} holds types whose code would run: {shown}",
            hint="where you know who made it, say trust=True (--trust)",
        )
    try:
        return skops.load(path, trusted=strange)
    except Exception as error:  # whatever the types' code raises
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    said = f"{type(error).__name__}: {first_line(error)}"
    hint = "the packages that made it have to be installed, in about the same versions"
    return DataError(f"the model {path.name!r} cannot be loaded: {said}", hint=hint)
