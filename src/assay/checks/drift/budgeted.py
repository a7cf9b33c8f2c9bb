"""Drift across time: each window is judged at the level that an alarm budget allows, and spends from it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np

from assay.checks.drift.settings import DriftSettings
from assay.codec import atomic, dump_json, load_yaml, read_text
from assay.errors import ConfigError
from assay.stats.budget import Budget, Spending, Spent, advance
from assay.stats.corrections import simes
from assay.verdict import Findings

__all__ = ["level_of", "load_budget", "save_budget", "spent_on", "with_level"]

LEAST = Decimal("1e-300")  # where nothing is saved: a level that no p-value is below
CORRECTION = "benjamini_hochberg"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of a saved budget."""

    budget: Budget
    format: int = 1
    kind: str = "assay.alarm_budget"

    def __post_init__(self) -> None:
        if (self.kind, self.format) != ("assay.alarm_budget", 1):
            raise ValueError(
                f"kind and format are {self.kind!r} and {self.format}; expected 'assay.alarm_budget' and 1"
            )


def level_of(budget: Budget, *, at: datetime) -> float:
    """Return the level at which a budget lets a window at an instant be judged."""
    return budget.levels(1, at=at)[0] if isinstance(budget, Spending) else budget.level


def with_level(settings: DriftSettings, budget: Budget, *, at: datetime) -> DriftSettings:
    """Return the settings with the level that the budget allows this window.

    Benjamini and Hochberg's correction rejects something at a level exactly where Simes' p-value of the whole table is at
    most that level, so that the window as a whole is judged at it. Raises `ConfigError` where the settings name a level
    or a correction of their own, or have fixed thresholds.
    """
    if settings.preset == "classic":
        raise ConfigError(
            "the preset classic has fixed thresholds, which no alarm budget moves", hint="use the default"
        )
    if settings.alpha is not None or settings.correction not in ("", CORRECTION):
        raise ConfigError("an alarm budget sets alpha, with Benjamini-Hochberg's correction", hint="leave both out")
    level = Decimal(repr(level_of(budget, at=at)))
    return msgspec.structs.replace(settings, alpha=max(level, LEAST), correction=CORRECTION)


def spent_on(findings: Findings, budget: Budget, *, at: datetime) -> tuple[Spent, Budget]:
    """Return what was decided of a window from the p-values of all its columns, and the budget afterwards."""
    values = [
        o.evidence.p_value for o in findings.outcomes if o.evidence is not None and o.evidence.correction == CORRECTION
    ]
    return advance(budget, simes(np.array([value for value in values if value is not None])), at=at)


def load_budget(path: str | Path) -> Budget:
    """Return a saved budget; raise `ConfigError` with file and place where it is none."""
    return load_yaml(read_text(path), _File, file=str(path)).budget


def save_budget(budget: Budget, path: str | Path) -> None:
    """Write a budget as JSON, whole or not at all."""
    with atomic(path) as stream:
        stream.write(dump_json(_File(budget)))
