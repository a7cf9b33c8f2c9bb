"""The features, each a function of rows. What training learns (medians, means) is a value that serving is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "NUMBERS", "PLANS", "fill_missing", "learn_medians", "learn_scale", "rolling_avg_7d", "scale", "scaled",
    "serving_features", "training_features", "with_week",
]  # fmt: skip

NUMBERS = ["age", "income", "complaints", "sales_avg_7d"]
PLANS = ["basic", "family", "plus"]


def rolling_avg_7d(
    df: pd.DataFrame, value_col: str = "sales", date_col: str = "date", entity_col: str | None = None
) -> pd.Series:
    """Return the mean of the seven days that end with each row's own, in the order of the rows.

    Days are counted, not rows: a week in which nothing was bought is a week. Of several entities each has its own.
    """
    by = [] if entity_col is None else [entity_col]
    rows = df.reset_index(drop=True).sort_values([*by, date_col], kind="stable")
    windows = (rows.groupby(by, sort=False, dropna=False) if by else rows).rolling("7D", on=date_col)
    averages = pd.Series(windows[value_col].mean().to_numpy(), index=rows.index).sort_index()
    return averages.set_axis(df.index).rename(f"{value_col}_avg_7d")


def learn_medians(train: pd.DataFrame) -> dict[str, float]:
    """Return the median of each number, as training saw it."""
    return {name: float(value) for name, value in train[NUMBERS].median().items()}


def fill_missing(rows: pd.DataFrame, medians: dict[str, float]) -> pd.DataFrame:
    """Return rows whose missing numbers are the medians of training."""
    return rows.fillna(medians)


def learn_scale(train: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return mean and deviation of each number, as training saw them."""
    return {name: (float(train[name].mean()), float(train[name].std(ddof=0))) for name in NUMBERS}


def scale(learnt: dict[str, tuple[float, float]], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers with zero mean and unit variance, by what was learnt in training."""
    return pd.DataFrame({name: (rows[name] - mean) / sd for name, (mean, sd) in learnt.items()}, index=rows.index)


def scaled(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both parts scaled by what the first one teaches."""
    learnt = learn_scale(train)
    return scale(learnt, train), scale(learnt, test)


def training_features(rows: pd.DataFrame, medians: dict[str, float]) -> pd.DataFrame:
    """Return the numbers and a column for each plan, as the model is trained on them: many rows at once."""
    filled = fill_missing(rows, medians)
    plans = {f"plan_{plan}": (rows["plan"] == plan).astype(float) for plan in PLANS}
    return filled[NUMBERS].astype(float).assign(**plans)


def serving_features(record: dict[str, Any], medians: dict[str, float]) -> dict[str, float]:
    """Return the same of one request: a dict of JSON."""
    numbers = {name: medians[name] if _missing(record[name]) else float(record[name]) for name in NUMBERS}
    return numbers | {f"plan_{plan}": float(record["plan"] == plan) for plan in PLANS}


def with_week(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with what the model is asked about: the average of the week beside them."""
    return rows.assign(sales_avg_7d=rolling_avg_7d(rows, entity_col="customer"))


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and bool(np.isnan(value)))
