"""The same rows with another value of a sensitive column: how many predictions change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError
from assay.evaluation.fairness.ground import Ground
from assay.evaluation.fairness.groupwise import by_group
from assay.evaluation.fairness.measures import CELLS, Mean, Measure, Share, View
from assay.evaluation.metrics.metric import NON_NEGATIVE
from assay.evaluation.models.model import Model, Output
from assay.evaluation.outputs import SAID
from assay.evaluation.predictions import Predictions
from assay.evaluation.slicing.cuts import Cut
from assay.evaluation.trial import Trial
from assay.stats.intervals import normal_quantile
from assay.verdict import Estimate

__all__ = ["FLIP_MEASURES", "MOST_FLIPPED", "Flip", "flip"]

Floats = NDArray[np.float64]

MOST_FLIPPED = 5_000  # rows that a model is asked about again, for each value
MOST_VALUES = 10

FLIP_MEASURES = {
    "flip_rate": Measure(
        "share of predictions that another value changes", ("binary", "multiclass", "multilabel"), Share(("tp",), CELLS),
        "share of rows for which some other value of the column gives another prediction", "Garg et al. 2019", better="lower",
    ),
    "flip_change": Measure(
        "greatest change of the prediction by another value", ("regression",), Mean(lambda view: np.asarray(view.label, dtype=np.float64)),
        "mean over rows of max |ŷ' - ŷ| over other values of the column", "Garg et al. 2019", better="lower", span=NON_NEGATIVE,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flip:
    """How far predictions hang on a column: an entry of `FLIP_MEASURES`, its estimate, and what was done, in words."""

    measure: str
    estimate: Estimate
    says: str


def flip(trial: Trial, cut: Cut) -> Flip | None:
    """Return how many predictions change where a column alone is given the value of another group.

    Of each of the ten largest groups of the column the commonest value is put into all rows, at most 5,000 of them; a row counts where some
    group's value changes its prediction (of a regression: by the greatest change). Other columns stay as they are: what they say of
    the column is not undone. None where there is no model, or it does not take the column. Source: Garg et al. 2019.
    """
    model, rows, column = trial.model, trial.rows, cut.columns[0]
    takes = () if model is None else model.features or rows.features
    if model is None or column not in takes or rows.task not in ("binary", "multiclass", "multilabel", "regression"):
        return None
    name = "flip_change" if rows.task == "regression" else "flip_rate"
    places = np.arange(rows.n)
    if rows.n > MOST_FLIPPED:
        places = np.sort(trial.rng.choice(rows.n, MOST_FLIPPED, replace=False))
    some = rows.at(places)
    frame = some.frame.select(c for c in some.frame.columns if not c.startswith(SAID))
    values = _values(some.frame[column], cut.codes[places])
    if len(values) < 2:
        why = "the column has fewer than two values to put in each other's place"
        return Flip(name, Estimate(None, n=some.n, why=why), why)
    try:
        changed = _changed(model, frame, column, values=values, rows=some)
    except DataError as error:
        why = f"the model does not answer: {error}"
        return Flip(name, Estimate(None, n=some.n, why=why), why)
    weights = some.weights
    numbers = rows.task == "regression"
    view = View(changed if numbers else np.ones(some.n, np.bool_), changed if numbers else changed > 0, None)
    found = by_group(FLIP_MEASURES[name], Ground(view, np.zeros(some.n, np.int64), 1, weights, trial.units.of(places)))
    low, high = (float(end[0]) for end in found.interval(normal_quantile((1 + trial.confidence) / 2)))
    seen = Estimate(
        float(found.values[0]), n=some.n, low=None if np.isnan(low) else low, high=None if np.isnan(high) else high,
        confidence=trial.confidence, method="student" if numbers else "wilson",
    )  # fmt: skip
    return Flip(name, seen, f"{some.n:,} rows were asked about with {len(values)} values of {column} in turn")


def _values(values: pl.Series, codes: NDArray[np.int64]) -> list[object]:
    """Return the commonest value of each group that has one, the largest groups first."""
    counted = (
        pl.DataFrame({"group": codes, "value": values})
        .drop_nulls()
        .group_by("group", "value")
        .len()
        .sort("len", "value", descending=[True, False])
        .group_by("group", maintain_order=True)
        .agg(pl.col("value").first(), pl.col("len").sum().alias("rows"))
        .sort("rows", "group", descending=[True, False])
    )
    return counted["value"].head(MOST_VALUES).to_list()


def _changed(model: Model, frame: pl.DataFrame, column: str, *, values: list[object], rows: Predictions) -> Floats:
    before = _answer(model.predict(frame), rows)
    most = np.zeros(frame.height)
    for value in values:
        flipped = frame.with_columns(pl.lit(value, dtype=frame.schema[column]).alias(column))
        after = _answer(model.predict(flipped), rows)
        if rows.task == "regression":
            most = np.maximum(most, np.abs(after.astype(np.float64) - before.astype(np.float64)))
            continue
        differs = after != before
        most = np.maximum(most, differs.any(axis=1) if differs.ndim == 2 else differs)
    return most


def _answer(output: Output, rows: Predictions) -> NDArray[np.generic]:
    """Return what a model predicts: of a binary classification by its score, where the rows show from which score up."""
    at = _threshold(rows)
    if rows.task == "binary" and output.scores is not None and at is not None:
        known = [str(c) for c in output.classes]
        positive = str(rows.classes[-1])
        scores = output.scores if output.scores.ndim == 2 else output.scores[:, None]
        return np.asarray(scores[:, known.index(positive) if positive in known else -1] >= at)
    if output.predictions is not None:
        return output.predictions
    if output.scores is None:
        raise DataError("it gives neither predictions nor scores")
    return np.asarray(output.scores.argmax(axis=1) if rows.task != "multilabel" else output.scores >= 0.5)


def _threshold(rows: Predictions) -> float | None:
    if rows.task != "binary" or rows.scores is None or rows.predictions is None:
        return None
    high, low = rows.positive[rows.predictions == 1], rows.positive[rows.predictions == 0]
    if not len(high) or not len(low) or high.min() <= low.max():
        return None
    return float(high.min())
