"""A suite: many checks with a name, as frozen data; written by hand in YAML, by calls, or by a typed class.

The three forms give the same suite: `load_suite(text)`, `Suite(checks=(column("age").between(0, 120),))` and
`class People(Table): age: int = col(between=(0, 120))` compare equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from assay.checks.check import Arguments, Check, exact
from assay.checks.table import get_rule
from assay.codec import atomic, convert, dump_yaml, line_of, load_yaml, plain, read_text, refuse_other_format
from assay.data.dataset import Roles
from assay.errors import ConfigError

__all__ = ["COMMON", "FORMAT", "Suite", "dump_suite", "load_suite", "make_check", "parse_suite", "save_suite"]

FORMAT = 1
COMMON = ("level", "where", "tolerate_share", "tolerate_rows", "why", "only_in", "if_present")


_MANY = (list, tuple, set, frozenset, range)


class Suite(msgspec.Struct, frozen=True, omit_defaults=True):
    """Checks that belong together, the values that stand for missing, and the roles of columns.

    `missing` gives for a column the values that stand for a missing one (-1, "unknown"): no check but those about
    missing values looks at them.
    """

    checks: tuple[Check, ...] = ()
    name: str = "suite"
    missing: dict[str, tuple[Any, ...]] = {}
    roles: Roles = Roles()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # The order of a suite is that of its file: column by column, in the order of their first check; the table last.
        places = {name: i for i, name in enumerate(dict.fromkeys(c.columns[0] for c in self.checks if _is_single(c)))}
        ordered = sorted(self.checks, key=lambda c: places[c.columns[0]] if _is_single(c) else len(places))
        msgspec.structs.force_setattr(self, "checks", tuple(ordered))
        given: dict[str, Any] = dict(self.missing)
        told = {name: exact(list(v)) if isinstance(v, _MANY) else (exact(v),) for name, v in given.items()}
        msgspec.structs.force_setattr(self, "missing", told)

    def __len__(self) -> int:
        return len(self.checks)

    def with_checks(self, checks: Iterable[Check]) -> Suite:
        """Return the same suite with other checks."""
        return msgspec.structs.replace(self, checks=tuple(checks))


def _is_single(check: Check) -> bool:
    return len(check.columns) == 1 and get_rule(check.rule).on == "column"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of a suite file before its checks are read."""

    format: int = FORMAT
    suite: str = "suite"
    notes: tuple[str, ...] = ()
    roles: Roles = Roles()
    missing: dict[str, tuple[Any, ...]] = {}
    columns: dict[str, Any] = {}
    table: Any = ()


def make_check(rule_name: str, columns: Iterable[str], told: Any = None, *, place: str = "") -> Check:
    """Return a check from plain data: a bare value, or a mapping of the rule's arguments and the common keys.

    Raises `ConfigError` with the place where a name is unknown, or a value does not fit.
    """
    rule = get_rule(rule_name, place=place)
    names = tuple(columns)
    mapping = _mapping(rule_name, told, place=place)
    if rule.on != "column" and "columns" in mapping and "columns" not in _fields(rule.arguments):
        given = mapping.pop("columns")
        names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list | tuple) else (given,)
    for name in names:
        if not isinstance(name, str):
            raise ConfigError(f"{name!r} is no column's name", place=place, hint="names are texts; quote a number")
    if rule.on == "column" and len(names) != 1:
        raise ConfigError(
            f"{rule_name} is about one column", place=place, hint="write it under columns:, or name the column"
        )
    if rule.on == "columns" and not names:
        raise ConfigError(f"{rule_name} needs columns", place=place, hint=f"write {rule_name}: {{columns: [a, b]}}")
    common = {key: mapping.pop(key) for key in COMMON if key in mapping and key not in _fields(rule.arguments)}
    arguments = convert(mapping, rule.arguments, file=place or rule_name)
    return Check(rule_name, names, arguments, **_common(common, place))


def _fields(kind: type[Arguments]) -> tuple[str, ...]:
    return kind.__struct_fields__


def _mapping(rule_name: str, told: Any, *, place: str) -> dict[str, Any]:
    rule = get_rule(rule_name, place=place)
    fields = {*_fields(rule.arguments), *COMMON, "columns"}
    if isinstance(told, Mapping) and all(key in fields for key in told):
        return dict(told)
    if told is None or told is True:
        return {}
    if isinstance(told, Mapping):
        unknown = next(key for key in told if key not in fields)
        raise ConfigError(
            f"{rule_name} has no argument {unknown!r}", place=place, hint=f"it has: {', '.join(sorted(fields))}"
        )
    if rule.on == "columns" and not rule.bare and isinstance(told, list | tuple | str):
        return {"columns": told}
    if len(rule.bare) == 1:
        return {rule.bare[0]: told}
    if rule.bare and isinstance(told, list | tuple) and len(told) == len(rule.bare):
        return dict(zip(rule.bare, told, strict=True))
    wants = (
        f"a list of {len(rule.bare)}: {', '.join(rule.bare)}" if rule.bare else "true, or its arguments as a mapping"
    )
    raise ConfigError(f"{rule_name} is given {told!r}; expected {wants}", place=place)


class _Common(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: str = "fail"
    where: str = ""
    tolerate_share: Decimal | int | None = None
    tolerate_rows: int | None = None
    why: str = ""
    only_in: str | tuple[str, ...] = ()
    if_present: bool = False


def _common(told: Mapping[str, Any], place: str) -> dict[str, Any]:
    common = convert({key: exact(value) for key, value in told.items()}, _Common, file=place or "check")
    if common.level not in ("warn", "fail"):
        raise ConfigError(f"level is {common.level!r}; expected warn or fail", place=place)
    share = None if common.tolerate_share is None else Decimal(common.tolerate_share)
    if share is not None and not (share.is_finite() and 0 <= share <= 1):
        raise ConfigError(f"tolerate_share is {share}; shares lie in [0, 1]", place=place, hint="one percent is 0.01")
    if common.tolerate_rows is not None and common.tolerate_rows < 0:
        raise ConfigError(f"tolerate_rows is {common.tolerate_rows}; rows are counted from 0 up", place=place)
    stages = (common.only_in,) if isinstance(common.only_in, str) else common.only_in
    full = {
        "level": common.level, "where": common.where, "tolerate_share": share,
        "tolerate_rows": common.tolerate_rows, "why": common.why, "only_in": stages,
        "if_present": common.if_present,
    }  # fmt: skip
    return {key: value for key, value in full.items() if key in told}


def load_suite(path: str | Path) -> Suite:
    """Return the suite in a YAML file; raise `ConfigError` with file, line and key where it breaks a rule."""
    return parse_suite(read_text(path), file=str(path))


def parse_suite(text: str, *, file: str = "<suite>") -> Suite:
    """Return the suite that YAML text describes."""
    content = load_yaml(text, _File, file=file)
    refuse_other_format(content.format, FORMAT, place=f"{file}: format", older=f"write format: {FORMAT}")
    missing = {name: tuple(values) for name, values in content.missing.items()}
    checks: list[Check] = []
    for name, told in content.columns.items():
        for rule, value in _entries(told, f"{file}: columns.{name}"):
            if rule == "missing":
                missing[name] = tuple(value) if isinstance(value, list) else (value,)
            else:
                checks.append(_placed(text, file, ("columns", name, rule), value))
    checks += [
        _placed(text, file, ("table", rule), value) for rule, value in _entries(content.table or {}, f"{file}: table")
    ]
    return Suite(tuple(checks), content.suite, missing, content.roles, content.notes)


def _placed(text: str, file: str, path: tuple[str, ...], told: Any) -> Check:
    """Return the check at a path of a file; where it is wrong, say the line too."""
    columns = path[1:2] if path[0] == "columns" else ()
    place = f"{file}: {'.'.join(path)}"
    try:
        return make_check(path[-1], columns, told, place=place)
    except ConfigError as error:
        lined = error.place.replace(f"{file}: ", f"{file}:{line_of(text, path)}: ", 1)
        raise ConfigError(error.message, place=lined, hint=error.hint) from None


def _entries(told: Any, place: str) -> list[tuple[str, Any]]:
    """Return (rule, value) pairs of a mapping, or of a list of mappings of one key each."""
    if isinstance(told, Mapping):
        return [(rule, value) for rule, value in told.items()]
    if isinstance(told, list) and all(isinstance(item, Mapping) and len(item) == 1 for item in told):
        return [pair for item in told for pair in item.items()]
    raise ConfigError(
        "expected checks as a mapping, or as a list of mappings with one check each",
        place=place,
        hint="such as: between: [0, 120]",
    )


def dump_suite(suite: Suite) -> str:
    """Return a suite as YAML that `parse_suite` reads back to the same suite."""
    in_order = dict.fromkeys(check.columns[0] for check in suite.checks if get_rule(check.rule).on == "column")
    columns: dict[str, list[tuple[str, Any]]] = {
        name: [("missing", list(suite.missing[name]))] if name in suite.missing else []
        for name in (*in_order, *suite.missing)
    }
    table: list[tuple[str, Any]] = []
    for check in suite.checks:
        single = get_rule(check.rule).on == "column"
        target = columns.setdefault(check.columns[0], []) if single else table
        target.append((check.rule, _told(check, named=not single)))
    content: dict[str, Any] = {"format": FORMAT, "suite": suite.name}
    content |= {"notes": list(suite.notes)} if suite.notes else {}
    roles = plain(suite.roles)
    content |= {"roles": roles} if roles else {}
    content |= {"columns": {name: _block(entries) for name, entries in columns.items()}} if columns else {}
    content |= {"table": _block(table)} if table else {}
    return dump_yaml(content)


def _block(entries: list[tuple[str, Any]]) -> Any:
    names = [rule for rule, _ in entries]
    return dict(entries) if len(set(names)) == len(names) else [{rule: value} for rule, value in entries]


def _told(check: Check, *, named: bool) -> Any:
    rule = get_rule(check.rule)
    mapping = plain(check.arguments)
    common = {key: getattr(check, key) for key in COMMON if getattr(check, key) != _DEFAULT[key]}
    columns = {"columns": list(check.columns)} if named and check.columns else {}
    if columns and not mapping and not common and not rule.bare:
        return list(check.columns)
    if not columns and not common:
        if not mapping:
            return True
        if set(mapping) == set(rule.bare):
            values = [mapping[key] for key in rule.bare]
            if len(rule.bare) > 1 or not isinstance(values[0], Mapping):
                return values if len(rule.bare) > 1 else _listed(values[0])
    return {key: _listed(value) for key, value in {**columns, **mapping, **common}.items()}


_DEFAULT: dict[str, Any] = {
    "level": "fail", "where": "", "tolerate_share": None, "tolerate_rows": None, "why": "", "only_in": (), "if_present": False,
}  # fmt: skip


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value


def save_suite(suite: Suite, path: str | Path) -> None:
    """Write a suite as YAML, whole or not at all."""
    with atomic(path) as stream:
        stream.write(dump_suite(suite))
