"""The error tree, and the one door to optional packages.

Every error says what was looked at, what was found, what the rule is and what to do next; `exit_code`
is what the command line answers when the error reaches it.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TypeVar

__all__ = [
    "AssayError",
    "ConfigError",
    "DataError",
    "MissingExtra",
    "UsageError",
    "closest",
    "member",
    "nearest",
    "require",
]

T = TypeVar("T")


class AssayError(Exception):
    """Say that Assay cannot go on, in one sentence that a tired person can act on.

    `place` is where in which file ("suite.yaml:12: columns.age"), `hint` is the way out.

    >>> print(AssayError("steps fall from 0.5 to 0.4", place="plan.yaml: steps[2]", hint="swap the two"))
    plan.yaml: steps[2]: steps fall from 0.5 to 0.4; swap the two
    """

    exit_code = 3

    def __init__(self, message: str, *, place: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        before = f"{self.place}: " if self.place else ""
        after = f"; {self.hint}" if self.hint else ""
        return f"{before}{self.message}{after}"


class UsageError(AssayError):
    """Say that the call itself was wrong: an argument, an option, a file that is not there."""

    exit_code = 2


class ConfigError(UsageError):
    """Say that a file that a person wrote (suite, schema, assay.yaml) breaks a rule, and where."""


class DataError(AssayError):
    """Say that data could not be read or does not have the shape that was promised."""


class MissingExtra(UsageError):
    """Say which optional package is missing and the command that installs it."""


def require(package: str, *, extra: str) -> ModuleType:
    """Return an optional package's module, or raise `MissingExtra` with the line that installs it.

    >>> require("json", extra="none").__name__
    'json'
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        top = package.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        raise MissingExtra(f"the package {top!r} is not installed", hint=f"run: pip install 'assay[{extra}]'") from None


def member(table: Mapping[str, T], name: str, *, what: str, place: str = "") -> T:
    """Return a member of a table by its name; raise `ConfigError`, with the nearest name, where there is none.

    >>> member({"psi": 1, "kl": 2}, "spi", what="distance")
    Traceback (most recent call last):
    assay.errors.ConfigError: there is no distance 'spi'; did you mean 'psi'? There are: psi, kl
    """
    if name not in table:
        raise ConfigError(f"there is no {what} {name!r}", place=place, hint=nearest(name, table, most=len(table)))
    return table[name]


def nearest(name: str, known: Iterable[str], *, most: int = 8) -> str:
    """Return a hint that names the closest known name, then the known names themselves.

    >>> nearest("agee", ["age", "fare"])
    "did you mean 'age'? There are: age, fare"
    """
    names = list(known)
    if not names:
        return "there are none"
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    shown = ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
    return f"did you mean {close[0]!r}? There are: {shown}" if close else f"there are: {shown}"


def closest(name: str, known: Iterable[str], *, lists: str) -> str:
    """Return a hint that names the closest known name and `lists`, the command that lists all: they are too many for a line.

    >>> closest("agee", ["age", "fare"], lists="assay columns")
    "did you mean 'age'? `assay columns` lists all"
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return (f"did you mean {close[0]!r}? " if close else "") + f"`{lists}` lists all"
