"""The whole table against a zoo: correct features are never accused, mutants are caught by the contract that names their mistake."""

from __future__ import annotations

import polars as pl
import pytest

from assay.testing.contract import run_contracts
from assay.testing.explaining import explained
from assay.testing.features.table import FEATURE_CONTRACTS
from assay.verdict import Outcome, Verdict
from testing.features.zoo import (
    CORRECT,
    CORRECT_POLARS,
    DATA,
    MUTANTS,
    MUTANTS_POLARS,
    as_pandas,
    declared,
    gappy,
    irregular,
    regular,
    tied,
)

FINE = (Verdict.PASS, Verdict.SKIP)


def judged(name, function, settings, data) -> dict[str, Outcome]:
    outcomes = run_contracts(FEATURE_CONTRACTS, declared(name, function, settings), data)
    return {outcome.check: outcome for outcome in outcomes}


def accused(outcomes: dict[str, Outcome]) -> list[str]:
    return [explained(outcome) for outcome in outcomes.values() if outcome.verdict not in FINE]


@pytest.mark.parametrize("data", ["gappy", "irregular"])
@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_feature_of_pandas_is_not_accused(name, data):
    outcomes = judged(name, *CORRECT[name], as_pandas(DATA[data]()))

    assert accused(outcomes) == []


@pytest.mark.parametrize("data", ["gappy", "irregular"])
@pytest.mark.parametrize("name", CORRECT_POLARS)
def test_a_correct_feature_of_polars_is_not_accused(name, data):
    outcomes = judged(name, *CORRECT_POLARS[name], DATA[data]())

    assert accused(outcomes) == []


@pytest.mark.parametrize(
    "name", ["mean of 7 rows", "deviation of 7 rows", "ewm", "lag", "expanding rank", "frame with a column"]
)
def test_a_correct_feature_is_not_accused_on_ties_whose_order_is_declared_as_fixed(name):
    function, settings = CORRECT[name]

    outcomes = judged(name, function, {**settings, "order": "time"}, as_pandas(tied()))

    assert accused(outcomes) == []


@pytest.mark.parametrize("name", ["mean of 7 days", "difference", "weekday", "log", "frame with a column"])
def test_a_correct_feature_is_not_accused_under_labels_that_repeat(name):
    data = as_pandas(gappy())

    outcomes = judged(name, *CORRECT[name], data.set_axis([place % 50 for place in range(len(data))]))

    assert accused(outcomes) == []


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_pandas_is_caught_by_the_contract_that_names_its_mistake(name):
    function, settings, catching = MUTANTS[name]

    outcomes = judged(name, function, settings, as_pandas(regular()))

    assert {check for check, outcome in outcomes.items() if outcome.verdict is Verdict.FAIL} >= catching


@pytest.mark.parametrize("name", MUTANTS_POLARS)
def test_a_mutant_of_polars_is_caught_by_the_contract_that_names_its_mistake(name):
    function, settings, catching = MUTANTS_POLARS[name]

    outcomes = judged(name, function, settings, regular())

    assert {check for check, outcome in outcomes.items() if outcome.verdict is Verdict.FAIL} >= catching


@pytest.mark.parametrize(
    "name", ["window 8", "centred", "leak after row 7", "global fillna", "positional values", "no sort"]
)
def test_a_mutant_is_shown_with_the_fewest_rows(name):
    function, settings, catching = MUTANTS[name]

    outcomes = judged(name, function, settings, as_pandas(gappy()))

    shown = [outcomes[check] for check in catching if outcomes[check].verdict is Verdict.FAIL]
    assert shown
    assert all(1 <= len(outcome.examples) <= 12 for outcome in shown)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["8 days", "centred", "back fill", "gap in time", "6 days"])
def test_a_mutant_is_caught_whatever_the_seed(name, seed):
    function, settings, catching = MUTANTS[name]

    outcomes = run_contracts(
        FEATURE_CONTRACTS, declared(name, function, settings), as_pandas(irregular()), only=sorted(catching), seed=seed
    )

    assert [outcome.verdict for outcome in outcomes] == [Verdict.FAIL] * len(catching)


def test_the_same_seed_gives_the_same_outcomes():
    function, settings, _ = MUTANTS["centred"]
    one, other = (
        run_contracts(FEATURE_CONTRACTS, declared("x", function, settings), as_pandas(regular()), seed=3)
        for _ in range(2)
    )

    assert one == other


def test_a_feature_of_records_and_one_of_an_array_are_judged_as_well():
    records = regular().head(60).to_dicts()
    doubled = declared(
        "doubled",
        lambda rows: [None if row["sales"] is None else 2 * row["sales"] for row in rows],
        {"time": "date", "entity": "store", "fixed": True},
    )
    array = regular().select(pl.col("visits").cast(pl.Float64), pl.col("sales")).to_numpy()
    logged = declared("logged", lambda rows: rows[:, 1] - rows[:, 0], {"fixed": True})

    assert accused(judged_subject(doubled, records)) == []
    assert accused(judged_subject(logged, array)) == []


def judged_subject(subject, data) -> dict[str, Outcome]:
    return {outcome.check: outcome for outcome in run_contracts(FEATURE_CONTRACTS, subject, data)}
