"""The decision curve: what acting on a score is worth, for people who would act from different probabilities on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.figures import Cell, cells, too_few
from assay.evaluation.metrics.forms import Places
from assay.evaluation.trial import Trial
from assay.verdict import Exhibit

__all__ = ["decision_curve"]

Floats = NDArray[np.float64]


def decision_curve(trial: Trial, places: Places) -> tuple[Exhibit, ...]:
    """Return the decision curve, where scores are probabilities: the net benefit of acting on a score of at least p.

    Net benefit(p) = TP/n - FP/n · p/(1 - p): p is the probability from which on a person would act, so that p/(1 - p) false
    positives weigh as much as one true one. To act on nobody has 0, on all o - (1 - o)·p/(1 - p).
    Source: Vickers & Elkin 2006.
    """
    rows = trial.rows
    if not rows.probabilities:
        return ()
    grid = np.arange(1, 100) / 100
    place = np.searchsorted(grid, places.scores, side="right")  # how many of the grid's thresholds a score reaches
    m = len(grid) + 1
    sums = trial.units.per_place(place[places.place] + m * places.inside, 2 * m, rows.weights)

    def benefits(s: Floats) -> Floats:
        outside, inside = (np.cumsum(part[..., ::-1], axis=-1)[..., ::-1] for part in (s[..., :m], s[..., m:]))
        under = inside[..., :1] + outside[..., :1]
        odds = grid / (1 - grid)
        acted, all_ = (
            i - o * odds for i, o in ((inside[..., 1:], outside[..., 1:]), (inside[..., :1], outside[..., :1]))
        )
        both = np.concatenate([acted, all_], axis=-1)
        return np.asarray(np.divide(both, under, out=np.full(both.shape, np.nan), where=under > 0))

    drawn = benefits(trial.units.times @ sums)
    value = benefits(sums.sum(0)[None, :])[0]
    k = len(grid)
    low, high = np.quantile(
        drawn[~np.isnan(drawn).any(1)][:, :k], [(1 - trial.confidence) / 2, (1 + trial.confidence) / 2], axis=0
    )
    if too_few(trial.units):
        low = high = np.full(k, np.nan)
    columns: dict[str, tuple[Cell, ...]] = {
        "threshold": cells(grid), "net_benefit": cells(value[:k]), "low": cells(np.minimum(low, value[:k])),
        "high": cells(np.maximum(high, value[:k])), "all_flagged": cells(value[k:]),
    }  # fmt: skip
    return (
        Exhibit(
            "decision",
            "Decision curve",
            columns,
            note="flagging none has a net benefit of 0; each point's band holds for itself",
        ),
    )
