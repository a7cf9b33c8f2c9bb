"""A suite as a typed class: annotations are the types, `col(...)` the checks; IDEs and type checkers see the columns.

    class Orders(Table):
        id: int = col(unique=True)
        age: int | None = col(between=(0, 120), missing=[-1])

An annotation without `None` also says that no value is missing. The class makes the same frozen suite as YAML and
calls do: `Orders.suite()`.
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from assay.checks.check import Check, exact
from assay.checks.suite import Suite, make_check
from assay.data.dataset import Roles
from assay.errors import ConfigError

__all__ = ["Field", "Table", "col"]

_KINDS: dict[Any, str] = {
    bool: "boolean", int: "integer", float: "float", Decimal: "decimal", str: "text", bytes: "binary",
    datetime: "datetime", date: "date", time: "time", timedelta: "duration", list: "list", dict: "struct",
}  # fmt: skip


class Field:
    """What `col(...)` holds until the class is made: checks by rule, values that stand for missing, the real name."""

    def __init__(self, checks: Mapping[str, Any], missing: tuple[Any, ...], name: str | None, optional: bool) -> None:
        self.checks = dict(checks)
        self.missing = missing
        self.name = name
        self.optional = optional


def col(*, name: str | None = None, missing: Any = (), optional: bool = False, **checks: Any) -> Any:
    """Declare a column's checks: `col(between=(0, 120), one_of=["a"], unique=True)`.

    `name` is the column's name where it is not a Python name, `missing` the values that stand for missing, `optional`
    says that the column need not be there. A check given a dict takes its arguments and `level`, `where`, `tolerate_…`.
    """
    stands = tuple(missing) if isinstance(missing, list | tuple | set) else (missing,)
    return Field(checks, stands, name, optional)


class Table:
    """A table that should look like this class; subclass it and annotate its columns.

    `checks` may hold checks of the whole table, `roles` the roles of columns.
    """

    checks: ClassVar[tuple[Check, ...]] = ()
    roles: ClassVar[Roles] = Roles()

    @classmethod
    def suite(cls) -> Suite:
        """Return the class as a suite; raises `ConfigError` where an annotation is not a column type."""
        checks: list[Check] = []
        missing: dict[str, tuple[Any, ...]] = {}
        for attribute, hint in _hints(cls).items():
            declared = getattr(cls, attribute, None)
            given = declared if isinstance(declared, Field) else Field({}, (), None, optional=False)
            name = given.name or attribute
            place = f"{cls.__name__}.{attribute}"
            kind, nullable = _kind(hint, place)
            if given.missing:
                missing[name] = exact(given.missing)
            if not given.optional:
                checks.append(make_check("required", (name,), True, place=place))
            of_column = [make_check("type_is", (name,), kind, place=place)]
            if not nullable:
                of_column.append(make_check("no_missing", (name,), True, place=place))
            of_column += [make_check(rule, (name,), _told(told), place=place) for rule, told in given.checks.items()]
            checks += [
                msgspec.structs.replace(check, if_present=True) if given.optional else check for check in of_column
            ]
        return Suite((*checks, *cls.checks), cls.__name__, missing, cls.roles)


def _told(told: Any) -> Any:
    return list(told) if isinstance(told, tuple | set | frozenset) else told


def _hints(cls: type) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    for owner in reversed(cls.__mro__):
        if owner in (Table, object):
            continue
        names = {**vars(typing), **vars(sys.modules[owner.__module__])}
        try:
            hints |= inspect.get_annotations(owner, globals=names, eval_str=True)
        except NameError as error:
            raise ConfigError(f"the annotation {error.name!r} is not known", place=owner.__name__) from None
    return {name: hint for name, hint in hints.items() if typing.get_origin(hint) is not ClassVar}


def _kind(hint: Any, place: str) -> tuple[str, bool]:
    """Return an annotation's kind of column, and whether values may be missing."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        inner = [item for item in arguments if item is not type(None)]
        if len(inner) == 1:
            return _kind(inner[0], place)[0], type(None) in arguments
    plain = typing.get_origin(hint) or hint
    if plain in _KINDS:
        return _KINDS[plain], False
    raise ConfigError(
        f"the annotation {hint!r} is not a column type",
        place=place,
        hint=f"use {', '.join(known.__name__ for known in _KINDS)}, with | None where values may be missing",
    )
