"""Mean absolute SHAP values, by the package shap, of a model that is only asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError, require
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Trial
from assay.verdict import Exhibit

__all__ = ["shapley"]

Floats = NDArray[np.float64]
ROWS, BACKGROUND = 200, 50  # each row is asked about some 2·(features + 1)·10 times against the background


def shapley(trial: Trial, features: Sequence[str], *, of: Callable[[Predictions], Floats]) -> Exhibit:
    """Return the exhibit `shap`: for each feature the mean of |φ| over at most 200 rows, and its share of the sum.

    φ is the feature's Shapley value of the prediction against a background of 50 rows, estimated by permutations of the
    features. Sources: Lundberg & Lee 2017; Štrumbelj & Kononenko 2014.

    Raises MissingExtra where shap is not installed, UsageError where there is no model.
    """
    if trial.again is None:
        raise UsageError("SHAP values need the model, and only its predictions are known", hint="give the model")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports what draws its plots, whose words are to its programmers
        shap = require("shap", extra="shap")
    frame, again = trial.rows.frame, trial.again
    seed = int(trial.rng.integers(2**31))
    places = trial.rng.permutation(frame.height)[: ROWS + BACKGROUND]
    held = max(min(BACKGROUND, len(places) // 2), 1)
    some, columns = frame[places], {name: frame.get_column(name) for name in features}

    def asked(numbers: Floats) -> Floats:
        """Return what the model says of rows whose features are the numbers of rows of `some`, one for each feature."""
        rows = numbers.astype(np.int64)
        made = some[np.zeros(len(rows), dtype=np.int64)].with_columns(
            columns[name].gather(places[rows[:, i]]).alias(name) for i, name in enumerate(features)
        )
        return of(again(made))

    own = np.repeat(np.arange(len(places), dtype=np.float64)[:, None], len(features), axis=1)
    explainer = shap.explainers.Permutation(asked, shap.maskers.Independent(own[:held], max_samples=held), seed=seed)
    said = explainer(own[held:], max_evals=10 * (2 * len(features) + 1), silent=True)
    sizes = np.abs(np.asarray(said.values)).mean(axis=0)
    order = np.argsort(-sizes)
    total = float(sizes.sum())
    return Exhibit(
        "shap", "Mean absolute SHAP value",
        {
            "feature": tuple(features[i] for i in order),
            "value": tuple(float(sizes[i]) for i in order),
            "share": tuple(float(sizes[i]) / total if total else None for i in order),
        },
        note=f"Of {len(places) - held:,} rows, against {held} others.",
    )  # fmt: skip
