"""The model: it fills, scales and encodes by what it learnt, and asks a logistic regression."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from churn.features import NUMBERS, learn_medians, learn_scale, scale, training_features

__all__ = ["FEATURES", "ChurnModel", "trained"]

FEATURES = ["age", "income", "complaints", "sales_avg_7d", "plan"]


class ChurnModel:
    """Say how likely it is that a customer leaves within a month."""

    classes_ = np.array([0, 1])

    def fit(self, rows: pd.DataFrame, labels: pd.Series) -> ChurnModel:
        """Learn from rows and their labels; all of it is kept here, and nothing else is asked later."""
        self.medians = learn_medians(rows)
        table = training_features(rows, self.medians)
        self.learnt = learn_scale(table)
        self.regression = LogisticRegression(max_iter=500).fit(self._matrix(table), labels)
        return self

    def predict_proba(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return two probabilities for each row: that the customer stays, and that they leave."""
        return np.asarray(self.regression.predict_proba(self._matrix(training_features(rows, self.medians))))

    def predict(self, rows: pd.DataFrame) -> NDArray[np.int64]:
        """Return 1 for each row whose customer is likelier to leave than not, else 0."""
        return (self.predict_proba(rows)[:, 1] > 0.5).astype(int)

    def _matrix(self, table: pd.DataFrame) -> NDArray[np.float64]:
        plans = [name for name in table.columns if name not in NUMBERS]
        return np.hstack([scale(self.learnt, table).to_numpy(), table[plans].to_numpy()])


def trained(rows: pd.DataFrame, labels: pd.Series) -> ChurnModel:
    """Return a new model that learnt from these rows."""
    return ChurnModel().fit(rows, labels)
