"""The same functions with one mistake each, as they happen; every one of them is caught by a contract.

None of these raises an error, and each gives numbers that look right. The tests of Assay run each of them
(tests/examples/test_churn.py), and docs/contracts.md shows what the contracts say.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churn.data import LABEL
from churn.features import learn_scale, rolling_avg_7d, scale, serving_features
from churn.model import FEATURES, ChurnModel
from churn.pipeline import answer

__all__ = [
    "LoadedModel",
    "ModelByPosition",
    "ModelThatReadsTheLabel",
    "answers_errors_with_200",
    "centred_window",
    "codes_of_a_set",
    "draws_its_rows",
    "filled_by_all",
    "fills_in_place",
    "ignores_the_customer",
    "published_rolling_avg_7d",
    "rows_for_days",
    "scaled_together",
    "serves_its_own_default",
    "serves_swapped",
    "shifted_back",
    "split_by_row",
    "window_of_eight",
    "window_of_six",
]


# A window of seven days, and how it goes wrong ------------------------------------------------------------------------


def published_rolling_avg_7d(df: pd.DataFrame, value_col: str = "sales", date_col: str = "date") -> pd.Series:
    """Average seven rows, as tutorials print it: a row is no day where there are gaps, and customers are mixed."""
    df = df.sort_values(date_col)
    return df[value_col].rolling(window=7, min_periods=1).mean()


def rows_for_days(df: pd.DataFrame) -> pd.Series:
    """Average seven rows of each customer, which are seven days only where no day is missing."""
    return _by_customer(df, lambda rows: rows["sales"].rolling(window=7, min_periods=1).mean())


def ignores_the_customer(df: pd.DataFrame) -> pd.Series:
    """Average seven days of all customers: the name of the column was forgotten."""
    return rolling_avg_7d(df)


def window_of_six(df: pd.DataFrame) -> pd.Series:
    """Average six days."""
    return _by_customer(df, lambda rows: rows.rolling("6D", on="date")["sales"].mean())


def window_of_eight(df: pd.DataFrame) -> pd.Series:
    """Average eight days."""
    return _by_customer(df, lambda rows: rows.rolling("8D", on="date")["sales"].mean())


def centred_window(df: pd.DataFrame) -> pd.Series:
    """Average the three days before and the three days after."""
    return _by_customer(df, lambda rows: rows.rolling("7D", on="date", center=True)["sales"].mean())


def shifted_back(df: pd.DataFrame) -> pd.Series:
    """Give each day the average of the next one."""
    return _by_customer(df, lambda rows: rows.rolling("7D", on="date")["sales"].mean().shift(-1))


def filled_by_all(df: pd.DataFrame) -> pd.Series:
    """Fill missing sales with the mean of all rows, later ones too, before averaging."""
    return rolling_avg_7d(df.assign(sales=df["sales"].fillna(df["sales"].mean())), entity_col="customer")


def fills_in_place(df: pd.DataFrame) -> pd.Series:
    """Fill missing incomes in the frame of whoever asked."""
    df["income"] = df["income"].fillna(0.0)
    return rolling_avg_7d(df, entity_col="customer")


def _by_customer(df: pd.DataFrame, average: Callable[[pd.DataFrame], pd.Series]) -> pd.Series:
    rows = df.reset_index(drop=True).sort_values("date", kind="stable")
    parts = [average(group) for _, group in rows.groupby("customer", sort=False)]
    made = pd.concat(parts).sort_index() if parts else pd.Series(dtype=float)
    return made.set_axis(df.index).rename("sales_avg_7d")


# What is learnt from which rows ---------------------------------------------------------------------------------------


def scaled_together(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scale both parts by the mean and deviation of both."""
    learnt = learn_scale(pd.concat([train, test]))
    return scale(learnt, train), scale(learnt, test)


def split_by_row(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Test on every fourth row: each customer is on both sides, and is known again."""
    tested = np.arange(len(rows)) % 4 == 3
    return {"train": rows[~tested], "test": rows[tested]}


# The second path: serving ---------------------------------------------------------------------------------------------


def serves_its_own_default(record: dict[str, Any], medians: dict[str, float]) -> dict[str, float]:
    """Fill a missing number with zero, where training fills it with the median."""
    return serving_features(record, dict.fromkeys(medians, 0.0))


def serves_swapped(record: dict[str, Any], medians: dict[str, float]) -> dict[str, float]:
    """Zip the values with the names in another order: age and income change places."""
    made = serving_features(record, medians)
    names = ["income", "age", *list(made)[2:]]
    return dict(zip(names, made.values(), strict=True))


def answers_errors_with_200(model: ChurnModel, body: dict[str, Any]) -> dict[str, Any]:
    """Answer every request with 200, one that cannot be answered too, whose answer holds the error."""
    try:
        return answer(model, body)
    except ValueError as error:
        return {"error": str(error)}


# The path -------------------------------------------------------------------------------------------------------------


def codes_of_a_set(rows: pd.DataFrame) -> pd.DataFrame:
    """Number the plans in the order of a set, which is another one in each process."""
    codes = {plan: code for code, plan in enumerate({str(plan) for plan in rows["plan"]})}
    return rows.assign(plan_code=rows["plan"].map(codes))


def draws_its_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Train on half of the rows, drawn without a seed."""
    return rows.sample(frac=0.5)


# The model ------------------------------------------------------------------------------------------------------------


class ModelByPosition(ChurnModel):
    """Take columns by their place: a frame with two of them swapped is answered, wrongly."""

    def predict_proba(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return two probabilities for each row."""
        return super().predict_proba(rows.set_axis([*FEATURES, *range(rows.shape[1] - len(FEATURES))], axis=1))


class ModelThatReadsTheLabel(ChurnModel):
    """Know the answer where it stands beside the question: perfect in every test, worthless when it serves."""

    def predict_proba(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return two probabilities for each row."""
        known = rows[LABEL].to_numpy() if LABEL in rows.columns else np.full(len(rows), 0.5)
        return np.column_stack([1 - known, known]).astype(float)


class LoadedModel:
    """A model whose pickle runs a command as soon as it is loaded; here, one that does no harm."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        """Tell pickle how to make it again: by a call of the shell."""
        return os.system, ("true",)
