"""The contracts of the model."""

from __future__ import annotations

import pickle

import assay
import pytest

from churn.data import LABEL
from churn.model import FEATURES, trained

pytestmark = pytest.mark.model


def test_the_model_keeps_its_contracts(churn_model, parts):
    declared = assay.model(
        churn_model, name="churn", output="probability", features=FEATURES, labels=LABEL, train=trained,
        missing="accept", increasing="complaints", decreasing="sales_avg_7d",
    )  # fmt: skip

    assert assay.check_contracts(declared, parts["test"])


@pytest.mark.rubric("M7")
def test_the_answer_does_not_turn_with_the_gender(churn_model, parts):
    swapped = {"gender": {"M": "F", "F": "M"}}
    declared = assay.model(churn_model, name="churn", features=[*FEATURES, "gender"], invariant_to=swapped)

    assert assay.check_contracts(declared, parts["test"], only=["invariant"])


def test_its_file_runs_no_code(churn_model, tmp_path):
    path = tmp_path / "churn.pkl"
    path.write_bytes(pickle.dumps(churn_model))

    assert assay.check_contracts(assay.model(churn_model, path=path, trusted="churn"), only=["safe_to_load"])
