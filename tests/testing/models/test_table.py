"""The table of contracts: each has a model that keeps it and a model that breaks it, and none is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assay.errors import UsageError
from assay.testing.contract import run_contracts
from assay.testing.explaining import explained
from assay.testing.models import table
from assay.testing.models.declared import DeclaredModel, model
from assay.testing.models.edits import adding
from assay.testing.models.table import MODEL_CONTRACTS
from assay.verdict import Verdict
from testing.models.zoo import CHURN, COLUMNS, LABELS, Asked, logistic

SOURCES = Path(str(table.__file__)).parent
NUMBERS = CHURN[COLUMNS]
ARRAY = NUMBERS.to_numpy()


class _Lost:
    """A model whose file holds nothing of what it learnt."""

    def __init__(self) -> None:
        self.shift = 1.0

    def predict(self, array: Any) -> Any:
        """Return the first column, shifted."""
        return array[:, 0] + self.shift

    def __getstate__(self) -> Any:
        """Return what is kept: a shift of nothing."""
        return {"shift": 0.0}


def _on_zeros(frame: Any, labels: Any) -> Any:
    return logistic().fit(frame * 0.0, labels)


def _half(frame: Any) -> Any:
    return np.full((len(frame), 2), 0.5)


def _logarithm(array: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.log(np.abs(array[:, 0]))


def _counting() -> Any:
    seen: list[int] = []
    return lambda array: array[:, 0] + (seen.append(1) or len(seen))


BROKEN: dict[str, Callable[[], tuple[DeclaredModel, Any]]] = {
    "accepts_input": lambda: (model(lambda array: array[0, 99]), ARRAY),
    "output_schema": lambda: (model(lambda array: array[1:, 0]), ARRAY),
    "output_range": lambda: (model(lambda array: array[:, 0] * np.nan), ARRAY),
    "probabilities": lambda: (model(lambda array: _half(array) / 2, output="probability"), ARRAY),
    "labels_agree": lambda: (
        model(Asked(lambda frame: np.add(_half(frame), [0.1, -0.1]), lambda frame: ["yes"] * len(frame))), ARRAY,
    ),
    "not_constant": lambda: (model(lambda array: np.ones(len(array))), ARRAY),
    "all_zero_input": lambda: (model(_logarithm), ARRAY),
    "no_rows": lambda: (model(lambda array: np.array([1.0] if not len(array) else array[:, 0])), ARRAY),
    "missing_values": lambda: (model(lambda array: array[:, 0]), ARRAY),
    "infinite_values": lambda: (model(lambda array: array[:, 0]), ARRAY),
    "unseen_categories": lambda: (model(lambda frame: frame["country"].map({"de": 1.0, "fr": 2.0, "us": 3.0}).to_numpy()), CHURN),
    "missing_features": lambda: (model(lambda array: array.sum(axis=1)), ARRAY),
    "extra_features": lambda: (model(lambda array: array.sum(axis=1)), ARRAY),
    "column_order": lambda: (model(lambda frame: frame.iloc[:, 0]), NUMBERS),
    "keeps_input": lambda: (model(lambda array: np.negative(array, out=array)[:, 0]), ARRAY),
    "batch_invariance": lambda: (model(lambda array: array[:, 0] / array[:, 0].max()), ARRAY),
    "repeatable": lambda: (model(_counting()), ARRAY),
    "known_outputs": lambda: (model(lambda array: array[:, 0], examples=[(np.array([[1.0]]), 2.0)]), ARRAY),
    "invariant": lambda: (model(lambda frame: frame["age"], invariant_to=adding("age", 1.0)), NUMBERS),
    "directional": lambda: (model(lambda frame: -frame["age"], directional=[(adding("age", 1.0), "up")]), NUMBERS),
    "monotone": lambda: (model(lambda frame: -frame["age"], increasing="age"), NUMBERS),
    "learns_ten_rows": lambda: (model(logistic(), labels=LABELS, train=_on_zeros), NUMBERS),
    "better_than_a_dummy": lambda: (model(logistic(), labels=1 - LABELS), NUMBERS),
    "survives_saving": lambda: (model(_Lost()), ARRAY),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_contract_says_which_model_which_rows_and_what_was_expected(name: str):
    subject, data = BROKEN[name]()

    outcome = MODEL_CONTRACTS[name](subject, data)

    assert outcome.verdict is Verdict.FAIL, outcome
    assert (outcome.check, outcome.subject, outcome.family) == (name, subject.name, "contract")
    assert outcome.expected == MODEL_CONTRACTS[name].contract.title
    assert outcome.why
    assert "nan nan" not in explained(outcome)
    assert len(outcome.examples) <= 12
    assert len(outcome.why) < 400


def test_no_contract_is_left_without_a_model_that_breaks_it():
    # The files that break safe_to_load are in test_loading.
    assert {*BROKEN, "safe_to_load"} == set(MODEL_CONTRACTS)


def test_no_contract_is_left_out_of_the_table():
    decorated = {
        part.split("def ", 1)[1].split("(", 1)[0]
        for path in SOURCES.glob("*.py")
        for part in path.read_text().split("@contract(")[1:]
    }

    assert decorated == set(MODEL_CONTRACTS)


def test_contracts_are_chosen_by_name():
    outcomes = run_contracts(
        MODEL_CONTRACTS, model(logistic()), NUMBERS, only=["repeatable", "no_rows"], but=["no_rows"]
    )

    assert [outcome.check for outcome in outcomes] == ["repeatable"]
    with pytest.raises(UsageError, match="there is no contract 'repeatible'; did you mean 'repeatable'"):
        run_contracts(MODEL_CONTRACTS, model(logistic()), NUMBERS, only=["repeatible"])


def test_the_same_seed_says_the_same():
    wide = pd.concat([NUMBERS] * 10, ignore_index=True)
    subject = model(lambda frame: (frame["age"] - frame["age"].mean()).to_numpy())

    first, again, other = (
        run_contracts(MODEL_CONTRACTS, subject, wide, only=["batch_invariance"], seed=s)[0] for s in (1, 1, 2)
    )

    assert first.why == again.why
    assert first.why != other.why


def test_what_is_skipped_says_what_it_needs():
    skipped = {
        o.check: o.why
        for o in run_contracts(MODEL_CONTRACTS, model(lambda array: array[:, 0]), ARRAY)
        if o.verdict is Verdict.SKIP
    }

    assert skipped["better_than_a_dummy"] == "it needs labels=, which is not declared"
    assert skipped["monotone"] == "neither increasing= nor decreasing= is declared"
