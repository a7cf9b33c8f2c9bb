"""The contracts of the path from raw rows to a model that answers requests."""

from __future__ import annotations

import assay
import pytest

from churn.data import LABEL, split
from churn.features import with_week
from churn.model import FEATURES
from churn.pipeline import STEPS, Service, predict, score, whole

pytestmark = pytest.mark.pipeline


@pytest.fixture
def train(raw):
    return split(raw)["train"]


def test_the_path_keeps_its_contracts(train):
    path = assay.pipeline(STEPS, name="churn", predict=predict, score=score, label=LABEL, key=("customer", "date"))

    assert assay.check_contracts(path, train, only=["runs", "keeps_input", "reproducible", "packages", "traceable"])


def test_the_service_answers_as_the_model_does(train):
    asked = with_week(train)[FEATURES]
    path = assay.pipeline(STEPS, name="churn", predict=predict, inputs=asked, serve=Service(whole(train)))

    assert assay.check_contracts(path, train, only=["serves"])


def test_no_customer_is_on_both_sides(raw):
    path = assay.pipeline(STEPS, name="churn", split=split, entity="customer", key=("customer", "date"))

    assert assay.check_contracts(path, raw, only=["splits_apart"])


@pytest.mark.assay_budget(time="20s", memory="1GiB")
def test_training_takes_little(train):
    assert score(whole(train), with_week(train)) > 0.6
