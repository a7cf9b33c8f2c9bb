"""The tests that a team writes by hand: known rows, an empty frame, one row, a threshold."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from churn.data import LABEL
from churn.features import fill_missing, learn_medians, rolling_avg_7d, scaled
from churn.model import FEATURES


@pytest.mark.rubric("D7")
def test_rolling_avg_basic():
    dates = pd.date_range("2024-01-01", periods=10, freq="D")
    df = pd.DataFrame({"date": dates, "sales": [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]})

    result = rolling_avg_7d(df)

    assert result.iloc[0] == 10.0
    assert result.iloc[6] == 40.0  # (10 + 20 + … + 70) / 7; the eighth day is not in it


@pytest.mark.rubric("D7")
def test_rolling_avg_edge_cases():
    empty = pd.DataFrame({"date": pd.Series([], dtype="datetime64[ns]"), "sales": pd.Series([], dtype=float)})
    single = pd.DataFrame({"date": pd.to_datetime(["2024-01-01"]), "sales": [100]})

    assert len(rolling_avg_7d(empty)) == 0
    assert rolling_avg_7d(single).iloc[0] == 100.0


@pytest.mark.rubric("D7")
def test_what_is_missing_is_filled(parts):
    medians = learn_medians(parts["train"])

    assert parts["train"]["income"].isna().any()
    assert not fill_missing(parts["train"], medians)["income"].isna().any()


@pytest.mark.rubric("D7")
def test_scaled_numbers_have_zero_mean_and_unit_variance(parts):
    train, _ = scaled(parts["train"], parts["test"])

    assert train.mean().abs().max() < 1e-9
    assert (train.std(ddof=0) - 1).abs().max() < 1e-9


@pytest.mark.model
@pytest.mark.rubric("I4")
def test_the_model_is_good_enough(churn_model, parts):
    scores = churn_model.predict_proba(parts["test"][FEATURES])[:, 1]

    assert roc_auc_score(parts["test"][LABEL], scores) > 0.7
