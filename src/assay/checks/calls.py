"""Checks written as calls: `column("age").between(0, 120)` and `table().row_count(at_least=1)`.

Each call returns one frozen `Check`; the names are those of the table of rules, so there is nothing to keep in step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.checks.check import Check
from assay.checks.suite import make_check
from assay.checks.table import get_rule, load_rules
from assay.errors import ConfigError

__all__ = ["Subject", "column", "table"]


class Subject:
    """What checks are about to be written of: one column, several, or the table. Its attributes are the rules."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns

    def __getattr__(self, name: str) -> Callable[..., Check]:
        if name.startswith("_"):
            raise AttributeError(name)
        rule = get_rule(name)

        def call(*values: Any, **told: Any) -> Check:
            if len(values) > max(len(rule.bare), 1):
                raise ConfigError(
                    f"{name} takes {len(rule.bare)} positional values and {len(values)} were given",
                    hint=f"they are: {', '.join(rule.bare)}",
                )
            keys = rule.bare or ("columns",)
            bare = dict(zip(keys, values, strict=False))
            return make_check(name, self._columns, {**bare, **told}, place=".".join((repr(self), name)))

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
