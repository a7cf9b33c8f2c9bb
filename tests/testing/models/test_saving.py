"""Models that survive being saved, and models that come back as others."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from assay.errors import UsageError
from assay.testing.models.declared import model
from assay.testing.models.formats import FORMATS, single
from assay.testing.models.saving import survives_saving
from assay.testing.rows import rows_of
from assay.verdict import Verdict
from testing.models.zoo import CHURN, COLUMNS, LABELS, logistic

NUMBERS = CHURN[COLUMNS]


class Forgetful(LogisticRegression):
    """A model that leaves its intercept at home."""

    def __getstate__(self) -> Any:
        """Return all but the intercept."""
        return {**super().__getstate__(), "intercept_": np.zeros(1)}


def test_a_good_model_survives_each_format_that_is_for_it():
    outcome = survives_saving(model(logistic()), NUMBERS)

    assert outcome.verdict is Verdict.PASS
    assert outcome.why == "60 rows are answered alike after pickle; joblib; skops; onnx (to 0.0001); mlflow"


@pytest.mark.parametrize("name", ["pickle", "joblib", "skops", "onnx", "mlflow"])
def test_one_format_may_be_asked_for(name: str):
    assert survives_saving(model(logistic()), NUMBERS, formats=[name]).why.startswith(
        f"60 rows are answered alike after {name}"
    )


def test_state_that_is_left_behind_is_shown_row_by_row():
    outcome = survives_saving(model(Forgetful().fit(NUMBERS, LABELS)), NUMBERS)

    assert outcome.verdict is Verdict.FAIL
    assert "read back from Python's pickle, 60 of 60 answers differ" in outcome.why
    assert {"before", "after"} <= set(outcome.examples[0].values)


def test_a_lambda_in_a_pipeline_cannot_be_saved():
    made = make_pipeline(FunctionTransformer(lambda rows: rows + 1), StandardScaler(), LogisticRegression()).fit(
        NUMBERS, LABELS
    )

    outcome = survives_saving(model(made), NUMBERS)

    assert outcome.verdict is Verdict.FAIL
    assert "Python's pickle cannot save it" in outcome.why
    assert "at the top of a module" in outcome.note


def test_a_conversion_that_answers_otherwise_is_seen():
    # Rows that the model was trained on lie at a distance of 0, by which the graph divides.
    fitted = KNeighborsRegressor(weights="distance").fit(NUMBERS, NUMBERS["age"] * 3)

    outcome = survives_saving(model(fitted), NUMBERS)

    assert outcome.verdict is Verdict.FAIL
    assert "read back from ONNX" in outcome.why
    assert "by more than 0.0001, in single precision" in outcome.why
    assert survives_saving(model(fitted), NUMBERS, formats=["joblib", "skops"])


def test_what_a_format_cannot_write_is_said_and_is_no_fault_unless_it_was_asked_for():
    made = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()).fit(NUMBERS, LABELS)

    outcome = survives_saving(model(made), NUMBERS)

    assert outcome.verdict is Verdict.PASS
    assert "onnx was not tried, as it cannot write it" in outcome.why
    assert "ONNX cannot save it" in survives_saving(model(made), NUMBERS, formats=["onnx"]).why


def test_a_tree_may_take_another_branch_for_a_value_on_its_threshold():
    fitted = DecisionTreeClassifier(random_state=0).fit(NUMBERS, LABELS)

    assert survives_saving(model(fitted), NUMBERS, formats=["onnx"], branches=0.0)


def test_texts_go_through_onnx_column_by_column():
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    made = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["country"]), (StandardScaler(), COLUMNS)), LogisticRegression()
    ).fit(CHURN, LABELS)

    assert "onnx (to 0.0001)" in survives_saving(model(made), CHURN).why


def test_a_format_that_there_is_not_is_refused():
    with pytest.raises(UsageError, match="there is no format 'onx'; did you mean 'onnx'"):
        survives_saving(model(logistic()), NUMBERS, formats=["onx"])


def test_a_function_is_not_saved():
    assert survives_saving(model(lambda rows: np.zeros(len(rows))), NUMBERS).verdict is Verdict.SKIP


def test_loggers_are_as_they_were():
    before = logging.getLogger("mlflow.sklearn").level

    survives_saving(model(logistic()), NUMBERS, formats=["mlflow"])

    assert logging.getLogger("mlflow.sklearn").level == before


def test_single_precision_rounds_floats_and_nothing_else():
    rows = single(rows_of(CHURN.assign(age=1 / 3)))

    assert rows.native["age"][0] == np.float64(np.float32(1 / 3))
    assert rows.native["visits"].dtype == CHURN["visits"].dtype
    assert rows.native["country"].equals(CHURN["country"])


def test_every_format_says_which_models_it_is_for():
    taken = {name: [form.takes(source) for source in (logistic(), print, "m.onnx")] for name, form in FORMATS.items()}

    assert taken == {
        "pickle": [True, False, False], "joblib": [True, False, False], "skops": [True, False, False],
        "onnx": [True, False, False], "mlflow": [True, False, False], "torch": [False] * 3, "library": [False] * 3,
    }  # fmt: skip


@pytest.mark.real_part("torch")
def test_a_module_of_torch_survives_and_stays_in_training():
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 1)).train()

    outcome = survives_saving(model(net, output="value"), NUMBERS)

    assert outcome.why == "60 rows are answered alike after mlflow; torch"
    assert net.training
