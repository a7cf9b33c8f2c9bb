"""What the tests share. `assay faults` can put faults into each fixture: --fixture raw, --fixture churn_model."""

from __future__ import annotations

import pandas as pd
import pytest

from churn.data import LABEL, known_days, split
from churn.features import with_week
from churn.model import FEATURES, ChurnModel, trained


@pytest.fixture
def raw() -> pd.DataFrame:
    """Return the shop's rows as they come."""
    return known_days()


@pytest.fixture
def few(raw: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a dozen customers, with their gaps, and with a few sales that are not known."""
    rows = raw[raw["customer"] < "c012"].copy()
    rows.loc[rows.index[::17], "sales"] = float("nan")
    return rows


@pytest.fixture
def parts(raw: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of training and of testing, each with its week."""
    return {name: with_week(rows) for name, rows in split(raw).items()}


@pytest.fixture
def churn_model(parts: dict[str, pd.DataFrame]) -> ChurnModel:
    """Return a model that learnt from the rows of training."""
    return trained(parts["train"][FEATURES], parts["train"][LABEL])
