"""The share of labels below forecasts of quantiles, and below a regression's predictions: half of them, where it says the median."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.figures import Cell, estimate, joint, outcome, per_last
from assay.evaluation.metrics.metric import UNIT
from assay.evaluation.trial import Part, Trial
from assay.stats.intervals import share
from assay.verdict import Estimate, Exhibit, Outcome

__all__ = ["shares_below"]


def shares_below(trial: Trial) -> Part:
    """Return the share of labels at or below each forecast, beside the level that it was made for.

    Of quantile forecasts the exhibit reliability has a row for each level, whose intervals hold together (Bonferroni);
    the exhibit calibration also has the share between the outer two, and that of rows whose forecasts cross. Of a regression
    it has the share below the prediction alone: 1/2 where the median is predicted.
    """
    rows, confidence = trial.rows, trial.confidence
    if not rows.n:
        return Part()
    labels = np.asarray(rows.labels, dtype=np.float64)
    said = np.asarray(rows.said, dtype=np.float64)
    if rows.task == "regression":
        found = _shares(trial, (labels <= said)[:, None], confidence)[0]
        table = {"share_below": found}
        return Part(exhibits=(_table(table),))
    levels = [float(str(level)) for level in rows.classes]
    each = _shares(trial, labels[:, None] <= said, 1 - (1 - confidence) / max(len(levels), 1))
    others = {"crossing": (np.diff(said, axis=1) < 0).any(axis=1)}
    if len(levels) > 1:
        others[f"between {levels[0]:g} and {levels[-1]:g}"] = (labels > said[:, 0]) & (labels <= said[:, -1])
    beside = dict(zip(others, _shares(trial, np.column_stack(list(others.values())), confidence), strict=True))
    table = {f"share_below {level:g}": one for level, one in zip(levels, each, strict=True)} | beside
    exhibits = (_levels(levels, each, rows.n), _table(table))
    return Part(tuple(_outcome(level, one) for level, one in zip(levels, each, strict=True)), exhibits)


def _shares(trial: Trial, hits: NDArray[np.bool_], confidence: float) -> list[Estimate]:
    """Return the share of rows that hit, for each column: Wilson's interval, or the resamples' where rows are drawn together."""
    rows, n, w = trial.rows, trial.rows.n, trial.rows.own_weights
    sums = trial.units.per_unit(np.column_stack([hits * w[:, None], w]))
    draws = joint(trial.units, sums, per_last)
    if trial.units.kind in ("entities", "blocks"):
        return [estimate(one, n=n, confidence=confidence, span=UNIT, why="the rows weigh nothing") for one in draws]
    kish = float(w.sum()) ** 2 / float((w**2).sum()) if rows.weights is not None else float(n)
    found = []
    for one in draws:
        low, high = share(one.value * kish, kish, confidence=confidence)
        found.append(Estimate(one.value, n=n, low=low, high=high, confidence=confidence, method="wilson"))
    return found


def _outcome(level: float, seen: Estimate) -> Outcome:
    why = f"of forecasts that are right a share {level:g} of labels is at or below"
    return outcome("calibration", f"share_below {level:g}", seen, why=why)


def _levels(levels: list[float], each: list[Estimate], n: int) -> Exhibit:
    columns: dict[str, tuple[Cell, ...]] = {
        "class": ("",) * len(levels),
        "score": tuple(levels),
        "share": tuple(one.value for one in each),
        "low": tuple(one.low for one in each),
        "high": tuple(one.high for one in each),
        "n": (n,) * len(levels),
    }
    return Exhibit("reliability", "Share of labels below each quantile", columns, note="the intervals hold together")


def _table(found: dict[str, Estimate]) -> Exhibit:
    columns: dict[str, tuple[Cell, ...]] = {
        "measure": tuple(found),
        "value": tuple(one.value for one in found.values()),
        "low": tuple(one.low for one in found.values()),
        "high": tuple(one.high for one in found.values()),
        "why": tuple(one.why for one in found.values()),
    }
    return Exhibit("calibration", "Calibration", columns)
