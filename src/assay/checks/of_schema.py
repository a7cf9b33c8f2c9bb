"""A schema as checks: it is judged by the rules that judge a suite, and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from assay.checks.check import Check
from assay.checks.suite import Suite, make_check
from assay.data.kinds import Kind, kind_of
from assay.profiles.schema import DatasetSchema, Field, Schema, kinds_of

__all__ = ["schema_checks", "schema_suite"]

Columns = Mapping[str, pl.DataType]


def schema_suite(schema: Schema, name: str, *, environment: str = "", columns: Columns | None = None) -> Suite:
    """Return a dataset's schema as a suite; see `schema_checks`. Raises `UsageError` where the schema has no such dataset."""
    dataset = schema.dataset(name)
    checks = schema_checks(dataset, environment=environment, columns=columns)
    return Suite(
        checks, f"schema of {name}", dataset.missing, dataset.roles if columns is None else _roles(dataset, columns)
    )


def _roles(dataset: DatasetSchema, columns: Columns) -> Any:
    there = {name: field for name, field in dataset.columns.items() if name in columns}
    return DatasetSchema(columns=there).roles


def schema_checks(
    dataset: DatasetSchema, *, environment: str = "", columns: Columns | None = None
) -> tuple[Check, ...]:
    """Return the checks by which a dataset is judged against its schema.

    With `columns` (the dataset's own), one cause gives one failure: of a column that is not there only that is judged,
    of one that holds another kind of values not what these values are. `environment` leaves out the columns that do not
    belong to it, which may then be there or not.
    """
    made: list[Check] = []
    for name, field in dataset.columns.items():
        if field.lifecycle != "planned" and field.in_environment(environment):
            made += _field_checks(name, field, columns)
    for key in dataset.keys:
        if all(column in _asked(dataset, environment) for column in key) and (
            columns is None or all(column in columns for column in key)
        ):
            made.append(make_check("key", key))
    if not dataset.extra_columns or dataset.ordered:
        made.append(make_check("columns", (), _columns(dataset, environment)))
    return tuple(made)


def _asked(dataset: DatasetSchema, environment: str) -> list[str]:
    return [
        name
        for name, field in dataset.columns.items()
        if field.lifecycle != "planned" and field.in_environment(environment)
    ]


def _columns(dataset: DatasetSchema, environment: str) -> dict[str, Any]:
    asked = _asked(dataset, environment)
    needed = [name for name in asked if dataset.columns[name].required and dataset.columns[name].lifecycle == "active"]
    told: dict[str, Any] = {"require": needed, "optional": [name for name in dataset.columns if name not in needed]}
    told |= {"ordered": True} if dataset.ordered else {}
    return told | ({} if dataset.extra_columns else {"extra": "forbid"})


def _field_checks(name: str, field: Field, columns: Columns | None) -> list[Check]:
    rules: dict[str, Any] = {"required": True} if field.required and field.lifecycle == "active" else {}
    if columns is None or name in columns:
        rules |= {"type_is": {"type": field.type}} if field.type else {}
        rules |= _missing_rules(field)
        if columns is None or _fits(kind_of(columns[name]), field.type):
            rules |= _value_rules(field)
    level = {"level": "warn"} if field.lifecycle == "deprecated" else {}
    return [make_check(rule, (name,), _leveled(told, level)) for rule, told in rules.items()]


def _leveled(told: Any, level: dict[str, str]) -> Any:
    """Return what a rule is told, with a level where that is not the usual one."""
    if not level:
        return told
    return level if told is True else {**told, **level}


def _fits(kind: Kind, word: str) -> bool:
    """Return whether rules about values of a type can judge values of a kind: all numbers are judged alike, and all text."""
    allowed = kinds_of(word)
    return (
        not word
        or kind in allowed
        or any((kind.is_number and k.is_number) or (kind.is_text and k.is_text) for k in allowed)
    )


def _missing_rules(field: Field) -> dict[str, Any]:
    share = field.missing_share_at_most
    if share is None:
        return {}
    return {"no_missing": True} if share == 0 else {"missing_share": {"at_most": share}}


def _value_rules(field: Field) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    if field.one_of:
        tolerated = {"tolerate_share": field.other_share_at_most} if field.other_share_at_most else {}
        rules["one_of"] = {"values": field.one_of, **tolerated}
    if field.bounds:
        rules["between"] = field.bounds
    if field.matches:
        rules["matches"] = {"pattern": field.matches}
    if field.length is not None:
        rules["length"] = {"at_least": field.length[0], "at_most": field.length[1]}
    if field.unique:
        rules["unique"] = True
    if field.rising:
        rules["rising"] = {"strict": True} if field.rising == "strictly" else True
    return rules
