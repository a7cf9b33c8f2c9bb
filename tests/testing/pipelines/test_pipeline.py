"""How a pipeline is declared: its steps, its budgets, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from assay.errors import UsageError
from assay.testing.contract import run_contracts
from assay.testing.pipelines.pipeline import pipeline
from assay.testing.pipelines.table import PIPELINE_CONTRACTS
from assay.verdict import Verdict


def clean(rows: object) -> object:
    return rows


def test_one_function_is_one_step():
    assert [step.name for step in pipeline(clean).steps] == ["build"]
    assert pipeline(clean).name == "clean"


def test_a_list_of_functions_runs_in_order_under_their_names():
    assert [step.name for step in pipeline([clean, ("fit", max)]).steps] == ["clean", "fit"]


@pytest.mark.parametrize(
    ("told", "budget"), [("512MiB", 536_870_912), ("1.5 GB", 1_500_000_000), ("100B", 100), (12, 12)]
)
def test_sizes_are_read(told: str | int, budget: int):
    assert pipeline(clean, memory=told).memory == budget


def test_a_bare_duration_bounds_the_95th_centile():
    assert pipeline(clean, latency="20 ms").latency == {0.95: timedelta(milliseconds=20)}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"latncy": "1s"}, "did you mean 'latency'"),
        ({"memory": "much"}, "no size"),
        ({"latency": {"p101": "1s"}}, "quantile 'p101'"),
        ({"latency": "soon"}, "soon"),
        ({"save": clean}, "save and load come together"),
        ({"serve": "churn"}, "no URL"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_way_out(declared: dict[str, object], said: str):
    with pytest.raises(UsageError, match=said):
        pipeline(clean, **declared)


@pytest.mark.parametrize("path", [[], {"fit": 3}, [clean, clean]])
def test_a_path_without_steps_or_with_two_of_a_name_is_refused(path: object):
    with pytest.raises(UsageError):
        pipeline(path)


def test_an_estimator_needs_to_know_its_label():
    linear_model = pytest.importorskip("sklearn.linear_model")
    with pytest.raises(UsageError, match="label="):
        pipeline(linear_model.LogisticRegression())


def test_contracts_whose_needs_are_not_declared_are_skipped_by_name():
    needy = [name for name, judge in PIPELINE_CONTRACTS.items() if set(judge.contract.needs) - {"steps"}]

    seen = run_contracts(
        PIPELINE_CONTRACTS, pipeline(clean), [], only=(), but=[n for n in PIPELINE_CONTRACTS if n not in needy]
    )

    assert {outcome.check: outcome.verdict for outcome in seen} == dict.fromkeys(needy, Verdict.SKIP)
    assert all("which is not declared" in outcome.why for outcome in seen)


def test_every_contract_says_what_it_demands_and_catches():
    for name, judge in PIPELINE_CONTRACTS.items():
        told = judge.contract
        assert (told.name, told.about) == (name, "pipeline")
        assert told.title
        assert told.catches
