"""The manual of checks, read from the table: what the command line explains and the documentation page shows."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from assay.checks.check import Rule
from assay.checks.suite import COMMON

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
    of = {"column": "one column", "columns": "several columns", "table": "the whole table"}[rule.on]
    kinds = "" if rule.kinds is None else f" of {', '.join(sorted(kind.value for kind in rule.kinds))} values"
    lines = [f"{rule.name}: {rule.summary}", f"  about {of}{kinds}; family {rule.family}"]
    if rule.needs_reference:
        lines.append("  needs a reference")
    lines += [f"  {name}: {words}" for name, words in arguments(rule)]
    if rule.bare:
        lines.append(f"  short form: {rule.name}: {rule.bare[0] if len(rule.bare) == 1 else '[' + ', '.join(rule.bare) + ']'}")
    lines.append(f"  every check takes: {', '.join(COMMON)}")
    return "\n".join(lines) + "\n"


def arguments(rule: Rule) -> list[tuple[str, str]]:
    """Return each argument of a rule with its type and default, in words."""
    told = []
    for field in msgspec.structs.fields(rule.arguments):
        kind = re.sub(r"\w+\.", "", getattr(field.type, "__name__", "") or str(field.type)).replace("NoneType", "None")
        kind = "value" if kind == "Any" else kind
        told.append((field.name, f"{kind}, required" if field.required else f"{kind}, default {field.default!r}"))
    return told


def page(rules: Mapping[str, Rule]) -> str:
    """Return the documentation page of all rules, as Markdown; `docs/checks.md` is this text."""
    lines = ["# Checks", "", f"The {len(rules)} checks there are, by family. This page is written from the table of rules.", ""]
    lines += [f"Every check also takes `{'`, `'.join(COMMON)}`.", ""]
    for family in dict.fromkeys(rule.family for rule in rules.values()):
        lines += [f"## {family}", "", "| check | what it says | about | arguments |", "| --- | --- | --- | --- |"]
        for rule in (rule for rule in rules.values() if rule.family == family):
            told = "; ".join(f"`{name}`: {words}" for name, words in arguments(rule)).replace("|", "\\|") or "none"
            about = rule.on + ("" if rule.kinds is None else f" ({', '.join(sorted(kind.value for kind in rule.kinds))})")
            summary = rule.summary + (" Needs a reference." if rule.needs_reference else "")
            lines.append(f"| `{rule.name}` | {summary} | {about} | {told} |")
        lines.append("")
    return "\n".join(lines)
