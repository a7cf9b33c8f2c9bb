"""The path from the shop's raw rows to a model, step by step, and the service that answers requests with it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from churn.data import LABEL, known_days, split
from churn.features import with_week
from churn.model import FEATURES, ChurnModel, trained

__all__ = ["STEPS", "BadRequest", "Service", "answer", "fit", "predict", "score", "service", "whole"]


class BadRequest(ValueError):
    """Say what is wrong with a request."""

    status_code = 422


def fit(rows: pd.DataFrame) -> ChurnModel:
    """Return a model that learnt from rows with their label."""
    return trained(rows[FEATURES], rows[LABEL])


# The steps by name: each is given what the one before returned.
STEPS = {"add the week": with_week, "fit": fit}


def whole(raw: pd.DataFrame) -> ChurnModel:
    """Return the model that the whole path makes of raw rows."""
    return fit(with_week(raw))


def predict(model: ChurnModel, rows: pd.DataFrame) -> pd.Series:
    """Return the probability of leaving for each row."""
    return pd.Series(model.predict_proba(rows[FEATURES])[:, 1], index=rows.index, name="p_churned")


def score(model: ChurnModel, rows: pd.DataFrame) -> float:
    """Return the share of rows whose label the model knows."""
    return float((model.predict(rows[FEATURES]) == rows[LABEL]).mean())


class Service:
    """Answer requests, as JSON has them: `{"instances": [{"age": 31, …}]}` with `{"predictions": [0.07]}`."""

    def __init__(self, model: ChurnModel) -> None:
        self.model = model

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer's body; raise BadRequest, with a reason, where the request cannot be answered."""
        return answer(self.model, body)


def answer(model: ChurnModel, body: Any) -> dict[str, Any]:
    """Return the answers to a request's rows."""
    rows = body.get("instances") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BadRequest("instances is to be a list of records, one at least")
    frame = pd.DataFrame([_checked(row) for row in rows])
    return {"predictions": predict(model, frame).tolist()}


def _checked(row: dict[str, Any]) -> dict[str, Any]:
    for name in FEATURES:
        if name not in row:
            raise BadRequest(f"the record has no {name}")
        value = row[name]
        if name == "plan":
            if not isinstance(value, str):
                raise BadRequest(f"plan is {value!r}, and is to be a text")
        elif isinstance(value, bool) or not isinstance(value, int | float | None):
            raise BadRequest(f"{name} is {value!r}, and is to be a number")
    return {name: row[name] if row[name] is not None else float("nan") for name in FEATURES}


def service() -> Service:
    """Return the service with a model that learnt from the known rows of training."""
    return Service(whole(split(known_days())["train"]))
