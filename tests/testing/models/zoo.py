"""Rows, models that are good, and models with one mistake each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["CHURN", "COLUMNS", "LABELS", "Asked", "logistic", "rows", "sigmoid"]

COLUMNS = ["age", "income", "visits"]


def rows(n: int = 60) -> pd.DataFrame:
    """Return n customers."""
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "age": rng.normal(40.0, 10.0, n),
            "income": rng.lognormal(3.0, 0.4, n),
            "visits": rng.integers(0, 9, n),
            "country": rng.choice(["de", "fr", "us"], n),
        }
    )


CHURN = rows()
LABELS: NDArray[np.int64] = (CHURN["age"] + 8 * CHURN["visits"] > 72).to_numpy().astype(np.int64)


def sigmoid(x: Any) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-np.asarray(x, dtype=float)))


def logistic() -> Any:
    """Return a good model of the customers' numbers."""
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(CHURN[COLUMNS], LABELS)


class Asked:
    """An object with predict and predict_proba that are two functions, and counts its calls."""

    def __init__(self, proba: Callable[[Any], Any], predict: Callable[[Any], Any] | None = None) -> None:
        self.classes_ = np.array(["no", "yes"])
        self.proba = proba
        self.label = predict
        self.calls = itertools.count()

    def predict_proba(self, frame: Any) -> Any:
        """Return the probabilities of no and yes."""
        return self.proba(frame)

    def predict(self, frame: Any) -> Any:
        """Return the labels."""
        if self.label is not None:
            return self.label(frame)
        return self.classes_[np.asarray(self.proba(frame)).argmax(axis=1)]
