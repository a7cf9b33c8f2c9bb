"""Things to put faults into: a frame with a column of every kind, a feature, a model, and the roles of the frame's columns."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

ROLES = {"time": "at", "entity": "shop", "label": "bought"}


def orders(n: int = 400, seed: int = 0) -> pl.DataFrame:
    """Return orders, one every hour: numbers, texts that are not ASCII, instants, days, a boolean, nulls, and a label."""
    rng = np.random.default_rng(seed)
    start = datetime(2024, 3, 1)
    amount = rng.lognormal(3, 0.6, n)
    return pl.DataFrame(
        {
            "at": [start + timedelta(hours=i) for i in range(n)],
            "shop": rng.choice(["A", "B", "C"], n),
            "city": rng.choice(["Zürich", "Bern", "Genève"], n, p=[0.5, 0.3, 0.2]),
            "amount": [None if i % 37 == 0 else float(amount[i]) for i in range(n)],
            "items": rng.integers(1, 9, n),
            "member": rng.random(n) < 0.4,
            "day": [(start + timedelta(hours=i)).date() for i in range(n)],
            "bought": (amount + rng.normal(0, 5, n) > 22).astype(int),
        }
    )


def week(rows):
    """Return the mean of the last seven rows of a shop, as code of pandas says it."""
    ordered = rows.sort_values("at")
    return (
        ordered.groupby("shop")["amount"].transform(lambda values: values.rolling(7, min_periods=1).mean()).sort_index()
    )


class Scorer:
    """A model with scikit-learn's ways, of two classes: the probability rises with the first column."""

    version = "2.1.0"
    classes_ = np.array([0, 1])

    def __init__(self) -> None:
        self.coef_ = np.array([[1.0, 0.5]])

    def decision_function(self, rows):
        return np.asarray(rows, dtype=float) @ self.coef_[0]

    def predict_proba(self, rows):
        p = 1 / (1 + np.exp(-self.decision_function(rows)))
        return np.column_stack([1 - p, p])

    def predict(self, rows):
        return (self.decision_function(rows) > 0).astype(int)
