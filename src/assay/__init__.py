"""Assay tests machine-learning systems: data, features, pipelines, models, releases and live traffic.

Names are loaded when they are first used: `import assay` itself loads no other package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from assay.api import Options as Options
    from assay.api import challenge as challenge
    from assay.api import check as check
    from assay.api import control_chart as control_chart
    from assay.api import dataset as dataset
    from assay.api import detect as detect
    from assay.api import drift as drift
    from assay.api import drift_window as drift_window
    from assay.api import estimate as estimate
    from assay.api import evaluate as evaluate
    from assay.api import infer_schema as infer_schema
    from assay.api import profile as profile
    from assay.api import quarantine as quarantine
    from assay.api import suggest as suggest
    from assay.checks.calls import column as column
    from assay.checks.calls import table as table
    from assay.checks.check import Check as Check
    from assay.checks.control import ControlChart as ControlChart
    from assay.checks.drift.settings import DriftSettings as DriftSettings
    from assay.checks.suite import Suite as Suite
    from assay.checks.suite import dump_suite as dump_suite
    from assay.checks.suite import load_suite as load_suite
    from assay.checks.suite import parse_suite as parse_suite
    from assay.checks.suite import save_suite as save_suite
    from assay.checks.typed import Table as Table
    from assay.checks.typed import col as col
    from assay.data.dataset import Dataset as Dataset
    from assay.data.dataset import Roles as Roles
    from assay.errors import AssayError as AssayError
    from assay.errors import ConfigError as ConfigError
    from assay.errors import DataError as DataError
    from assay.errors import MissingExtra as MissingExtra
    from assay.errors import UsageError as UsageError
    from assay.evaluation.bounds import Bound as Bound
    from assay.evaluation.challenge.policy import Policy as Policy
    from assay.evaluation.models.opening import open_model as open_model
    from assay.evaluation.settings import EvaluationSettings as EvaluationSettings
    from assay.profiles.saved import save_profile as save_profile
    from assay.verdict import Estimate as Estimate
    from assay.verdict import Evidence as Evidence
    from assay.verdict import Exhibit as Exhibit
    from assay.verdict import Findings as Findings
    from assay.verdict import Outcome as Outcome
    from assay.verdict import Trace as Trace
    from assay.verdict import Verdict as Verdict
    from assay.verdict import conclude as conclude

_HOMES = {
    "Options": "api",
    "check": "api", "dataset": "api", "drift": "api", "drift_window": "api",
    "infer_schema": "api", "profile": "api", "quarantine": "api", "suggest": "api",
    "column": "checks.calls", "table": "checks.calls", "Check": "checks.check", "Suite": "checks.suite",
    "dump_suite": "checks.suite", "load_suite": "checks.suite", "parse_suite": "checks.suite", "save_suite": "checks.suite",
    "control_chart": "api", "detect": "api", "estimate": "api", "evaluate": "api", "challenge": "api",
    "EvaluationSettings": "evaluation.settings", "Policy": "evaluation.challenge.policy", "Exhibit": "verdict",
    "open_model": "evaluation.models.opening",
    "Bound": "evaluation.bounds", "ControlChart": "checks.control", "Trace": "verdict",
    "DriftSettings": "checks.drift.settings", "save_profile": "profiles.saved", "Evidence": "verdict",
    "Table": "checks.typed", "col": "checks.typed", "Dataset": "data.dataset", "Roles": "data.dataset",
    "AssayError": "errors", "ConfigError": "errors", "DataError": "errors", "MissingExtra": "errors", "UsageError": "errors",
    "Estimate": "verdict", "Findings": "verdict", "Outcome": "verdict", "Verdict": "verdict", "conclude": "verdict",
}  # fmt: skip

__all__ = ["__version__", *sorted(_HOMES)]  # noqa: PLE0604 - every name is a key of the table above


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"assay has no {name!r}")
    return getattr(import_module(f"assay.{home}"), name)


def __dir__() -> list[str]:
    return list(__all__)
