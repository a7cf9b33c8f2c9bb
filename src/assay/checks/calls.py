"""Checks written as calls: `column("age").between(0, 120)` and `table().row_count(at_least=1)`.

Each call returns one frozen `Check`; the names are those of the table of rules, so there is nothing to keep in step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.checks.check import Check
from assay.checks.suite import make_check
from assay.checks.table import find_rule, load_rules
from assay.errors import ConfigError, nearest

__all__ = ["Subject", "column", "table"]


class UnknownCheck(ConfigError, AttributeError):
    """Say that no check has this name; it is an AttributeError too, as Python asks for attributes of its own."""


def plain_value(value: Any) -> Any:
    """Return numpy scalars, arrays, Series and ranges as plain Python values; anything else as it is."""
    if hasattr(value, "tolist") and type(value).__module__.partition(".")[0] in ("numpy", "pandas"):
        return value.tolist()
    if type(value).__module__.partition(".")[0] == "polars" and hasattr(value, "to_list"):
        return value.to_list()
    return list(value) if isinstance(value, range | set | frozenset) else value


class Subject:
    """What checks are about to be written of: one column, several, or the table. Its attributes are the rules."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns

    def __getattr__(self, name: str) -> Callable[..., Check]:
        rule = None if name.startswith("_") else find_rule(name)
        if rule is None:
            raise UnknownCheck(f"there is no check called {name!r}", hint=nearest(name, load_rules()))

        def call(*values: Any, **told: Any) -> Check:
            if len(values) > max(len(rule.bare), 1):
                raise ConfigError(
                    f"{name} takes {len(rule.bare)} positional values and {len(values)} were given",
                    hint=f"they are: {', '.join(rule.bare)}",
                )
            keys = rule.bare or ("columns",)
            bare = dict(zip(keys, values, strict=False))
            place = f"{self!r}.{name}"
            if twice := sorted(bare.keys() & told.keys()):
                raise ConfigError(f"{twice[0]} is given twice", place=place)
            return make_check(
                name, self._columns, {key: plain_value(v) for key, v in {**bare, **told}.items()}, place=place
            )

        call.__name__, call.__doc__ = name, rule.summary
        return call

    def __dir__(self) -> list[str]:
        return sorted(load_rules())

    def __repr__(self) -> str:
        return f"column({', '.join(map(repr, self._columns))})" if self._columns else "table()"


def column(*names: str) -> Subject:
    """Return the column (or columns) of that name, to write a check of.

    >>> column("age").between(0, 120, level="warn").subject
    'age'
    """
    return Subject(names)


def table() -> Subject:
    """Return the whole table, to write a check of.

    >>> table().row_count(at_least=1).rule
    'row_count'
    """
    return Subject(())
