"""The manual of checks, read from the table: what the command line explains and the documentation page shows."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from assay.checks.bounds import shown
from assay.checks.check import Rule
from assay.checks.suite import COMMON
from assay.data.kinds import Kind

__all__ = ["explain", "listing", "page"]


def listing(rules: Mapping[str, Rule]) -> str:
    """Return all rules as text, family by family, a line each."""
    lines = []
    for family in dict.fromkeys(rule.family for rule in rules.values()):
        members = [rule for rule in rules.values() if rule.family == family]
        lines += ["", family, *(f"  {rule.name:<24}{rule.summary}" for rule in members)]
    return "\n".join(lines[1:]) + f"\n\n{len(rules)} checks; `assay checks NAME` explains one\n"


def explain(rule: Rule) -> str:
    """Return one rule as text: what it says, of which columns, and its arguments with their defaults."""
    lines = [f"{rule.name}: {rule.summary}", f"  about {_about(rule)}; family {rule.family}"]
    if rule.needs_reference:
        lines.append("  needs a reference")
    lines += [f"  {name}: {words}" for name, words in arguments(rule)]
    if rule.bare:
        lines.append(
            f"  short form: {rule.name}: {rule.bare[0] if len(rule.bare) == 1 else '[' + ', '.join(rule.bare) + ']'}"
        )
    lines.append(f"  every check takes: {', '.join(COMMON)}")
    return "\n".join(lines) + "\n"


def arguments(rule: Rule) -> list[tuple[str, str]]:
    """Return each argument of a rule with what it takes and its default, in words."""
    told = []
    for field in msgspec.structs.fields(rule.arguments):
        if field.required:
            default = "required"
        elif field.default in (None, (), "", msgspec.NODEFAULT):
            default = "optional"
        else:
            default = (
                f"default {shown(field.default)}" if not isinstance(field.default, str) else f"default {field.default}"
            )
        told.append((field.name, f"{_taken(field.type)}, {default}"))
    return told


def _taken(kind: Any) -> str:
    """Return in words what an argument of a type takes."""
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(str(choice) for choice in typing.get_args(kind))
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        words = dict.fromkeys(_taken(choice) for choice in typing.get_args(kind) if choice is not type(None))
        return " or ".join(words)
    plain = typing.get_origin(kind) or kind
    return {
        Any: "value",
        str: "text",
        bool: "true or false",
        int: "number",
        float: "number",
        Decimal: "number",
        tuple: "list",
        dict: "mapping",
    }.get(plain, "value")


def _about(rule: Rule) -> str:
    """Return in words what a rule is about: one column of some kinds, several, or the table."""
    about = {"column": "one column", "columns": "several columns", "table": "the table"}[rule.on]
    if rule.kinds is None:
        return about
    flat = {kind for kind in Kind if not kind.is_nested and kind not in (Kind.NULL, Kind.OTHER, Kind.BINARY)}
    if rule.kinds >= flat:
        return f"{about}, not nested"
    return f"{about}: {', '.join(kind.value for kind in Kind if kind in rule.kinds)}"


def page(rules: Mapping[str, Rule]) -> str:
    """Return the documentation page of all rules, as Markdown; `docs/checks.md` is this text."""
    lines = [
        "# Checks",
        "",
        f"The {len(rules)} checks there are, by family. This page is written from the table of rules.",
        "",
    ]
    lines += [f"Every check also takes `{'`, `'.join(COMMON)}`.", ""]
    for family in dict.fromkeys(rule.family for rule in rules.values()):
        lines += [f"## {family}", "", "| check | what it says | about | arguments |", "| --- | --- | --- | --- |"]
        for rule in (rule for rule in rules.values() if rule.family == family):
            told = "; ".join(f"`{name}`: {words}" for name, words in arguments(rule)).replace("|", "\\|") or "none"
            summary = rule.summary + (" Needs a reference." if rule.needs_reference else "")
            lines.append(f"| `{rule.name}` | {summary} | {_about(rule)} | {told} |")
        lines.append("")
    return "\n".join(lines)
