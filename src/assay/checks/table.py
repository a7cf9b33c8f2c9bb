"""The table of rules: every check there is, by name. The command line, the documentation and the tests read it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from assay.checks.check import Rule
from assay.errors import ConfigError, closest

__all__ = ["FAMILIES", "find_rule", "get_rule", "load_rules"]

FAMILIES = (
    "structure",
    "completeness",
    "values",
    "text",
    "documents",
    "uniqueness",
    "crosscolumn",
    "relations",
    "statistics",
    "times",
    "against",
    "drift",
    "leakage",
)


def load_rules() -> Mapping[str, Rule]:
    """Return all rules by name, in the order of the families."""
    return {name: rule for family in FAMILIES for name, rule in import_module(f"assay.checks.{family}").RULES.items()}


_FOUND: dict[str, Rule] = {}


def find_rule(name: str) -> Rule | None:
    """Return a rule by its name, or None."""
    if not _FOUND:
        _FOUND.update(load_rules())
    return _FOUND.get(name)


def get_rule(name: str, *, place: str = "") -> Rule:
    """Return a rule by its name; raise `ConfigError` with the nearest name where there is none."""
    rule = find_rule(name)
    if rule is None:
        hint = closest(name, _FOUND, lists="assay checks")
        raise ConfigError(f"there is no check called {name!r}", place=place, hint=hint)
    return rule
