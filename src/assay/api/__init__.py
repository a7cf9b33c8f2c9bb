"""The library said plainly: what each command does, as a function. The wall clock and chance enter here.

Names are loaded when they are first used, so that a command loads no more than it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.api.checking import check as check
    from assay.api.checking import quarantine as quarantine
    from assay.api.checking import suggest as suggest
    from assay.api.contracts import check_contracts as check_contracts
    from assay.api.drifting import drift as drift
    from assay.api.drifting import drift_window as drift_window
    from assay.api.estimating import estimate as estimate
    from assay.api.evaluating import challenge as challenge
    from assay.api.evaluating import evaluate as evaluate
    from assay.api.options import SEED as SEED
    from assay.api.options import Options as Options
    from assay.api.profiling import engine as engine
    from assay.api.profiling import infer_schema as infer_schema
    from assay.api.profiling import profile as profile
    from assay.api.profiling import schema_diff as schema_diff
    from assay.api.scoring import score as score
    from assay.api.slicing import slice as slice
    from assay.api.streams import control_chart as control_chart
    from assay.api.streams import detect as detect
    from assay.api.trying import Terms as Terms
    from assay.api.trying import trial_of as trial_of
    from assay.api.trying import try_checks as try_checks
    from assay.api.trying import try_command as try_command
    from assay.api.trying import try_tests as try_tests
    from assay.data.sources import dataset as dataset

_HOMES = {
    "SEED": "api.options", "Options": "api.options", "dataset": "data.sources",
    "engine": "api.profiling", "profile": "api.profiling", "infer_schema": "api.profiling", "schema_diff": "api.profiling",
    "check": "api.checking", "quarantine": "api.checking", "suggest": "api.checking",
    "drift": "api.drifting", "drift_window": "api.drifting", "estimate": "api.estimating",
    "evaluate": "api.evaluating", "challenge": "api.evaluating",
    "slice": "api.slicing", "Terms": "api.trying", "trial_of": "api.trying",
    "try_checks": "api.trying", "try_command": "api.trying", "try_tests": "api.trying",
    "check_contracts": "api.contracts", "score": "api.scoring",
    "control_chart": "api.streams", "detect": "api.streams",
}  # fmt: skip

__all__ = sorted(_HOMES)  # noqa: PLE0605 - every name is a key of the table above


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"assay.api has no {name!r}")
    return getattr(import_module(f"assay.{home}"), name)


def __dir__() -> list[str]:
    return list(__all__)
