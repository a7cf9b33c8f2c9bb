"""Assay tests machine-learning systems: data, features, pipelines, models, releases and live traffic.

Names are loaded when they are first used: `import assay` itself loads no other package. To pytest, whose plugin is in here, it
says PYTEST_DONT_REWRITE: no assert in here is a test's, and whoever imports Assay first may still run pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from assay.api import Options as Options
    from assay.api import Terms as Terms
    from assay.api import challenge as challenge
    from assay.api import check as check
    from assay.api import check_contracts as check_contracts
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
    from assay.api import score as score
    from assay.api import slice as slice
    from assay.api import suggest as suggest
    from assay.api import trial_of as trial_of
    from assay.api import try_checks as try_checks
    from assay.api import try_command as try_command
    from assay.api import try_tests as try_tests
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
    from assay.testing.contract import ContractBroken as ContractBroken
    from assay.testing.contract import expect as expect
    from assay.testing.contract import recording as recording
    from assay.testing.fakes.database import FakeDatabase as FakeDatabase
    from assay.testing.fakes.endpoint import FakeEndpoint as FakeEndpoint
    from assay.testing.fakes.network import no_network as no_network
    from assay.testing.fakes.store import FakeFeatureStore as FakeFeatureStore
    from assay.testing.faults.fault import Fault as Fault
    from assay.testing.faults.injecting import inject as inject
    from assay.testing.faults.plan import Wanted as Wanted
    from assay.testing.faults.pytest_runner import PytestRun as PytestRun
    from assay.testing.features.feature import feature as feature
    from assay.testing.features.joins import join as join
    from assay.testing.features.scaling import transformer as transformer
    from assay.testing.features.skew import paths as paths
    from assay.testing.models.declared import model as model
    from assay.testing.networks.network import network as network
    from assay.testing.pipelines.pipeline import pipeline as pipeline
    from assay.testing.plugin.given import given as given
    from assay.testing.strategies.frames import frames as frames
    from assay.testing.strategies.frames import records as records
    from assay.testing.strategies.frames import rows_like as rows_like
    from assay.testing.strategies.frames import series as series
    from assay.testing.strategies.requests import bad_bodies as bad_bodies
    from assay.testing.strategies.requests import request_bodies as request_bodies
    from assay.testing.synthetic import world as world
    from assay.verdict import Estimate as Estimate
    from assay.verdict import Evidence as Evidence
    from assay.verdict import Exhibit as Exhibit
    from assay.verdict import Findings as Findings
    from assay.verdict import Outcome as Outcome
    from assay.verdict import Trace as Trace
    from assay.verdict import Verdict as Verdict
    from assay.verdict import conclude as conclude

_HOMES = {
    "Options": "api", "Terms": "api", "challenge": "api", "check": "api", "check_contracts": "api", "control_chart": "api",
    "dataset": "api", "detect": "api", "drift": "api", "drift_window": "api", "estimate": "api", "evaluate": "api",
    "infer_schema": "api", "profile": "api", "quarantine": "api", "score": "api", "slice": "api", "suggest": "api",
    "trial_of": "api", "try_checks": "api", "try_command": "api", "try_tests": "api", "column": "checks.calls",
    "table": "checks.calls", "Check": "checks.check", "ControlChart": "checks.control",
    "DriftSettings": "checks.drift.settings", "Suite": "checks.suite", "dump_suite": "checks.suite",
    "load_suite": "checks.suite", "parse_suite": "checks.suite", "save_suite": "checks.suite", "Table": "checks.typed",
    "col": "checks.typed", "Dataset": "data.dataset", "Roles": "data.dataset", "AssayError": "errors",
    "ConfigError": "errors", "DataError": "errors", "MissingExtra": "errors", "UsageError": "errors",
    "Bound": "evaluation.bounds", "Policy": "evaluation.challenge.policy", "open_model": "evaluation.models.opening",
    "EvaluationSettings": "evaluation.settings", "save_profile": "profiles.saved", "ContractBroken": "testing.contract",
    "expect": "testing.contract", "recording": "testing.contract", "FakeDatabase": "testing.fakes.database",
    "FakeEndpoint": "testing.fakes.endpoint", "no_network": "testing.fakes.network",
    "FakeFeatureStore": "testing.fakes.store", "Fault": "testing.faults.fault", "inject": "testing.faults.injecting",
    "Wanted": "testing.faults.plan", "PytestRun": "testing.faults.pytest_runner", "feature": "testing.features.feature",
    "join": "testing.features.joins", "transformer": "testing.features.scaling", "paths": "testing.features.skew",
    "model": "testing.models.declared", "network": "testing.networks.network", "pipeline": "testing.pipelines.pipeline",
    "given": "testing.plugin.given", "frames": "testing.strategies.frames", "records": "testing.strategies.frames",
    "rows_like": "testing.strategies.frames", "series": "testing.strategies.frames",
    "bad_bodies": "testing.strategies.requests", "request_bodies": "testing.strategies.requests",
    "world": "testing.synthetic", "Estimate": "verdict", "Evidence": "verdict", "Exhibit": "verdict", "Findings": "verdict",
    "Outcome": "verdict", "Trace": "verdict", "Verdict": "verdict", "conclude": "verdict",
}  # fmt: skip

__all__ = ["__version__", *sorted(_HOMES)]  # noqa: PLE0604 - every name is a key of the table above


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"assay has no {name!r}")
    return getattr(import_module(f"assay.{home}"), name)


def __dir__() -> list[str]:
    return list(__all__)
