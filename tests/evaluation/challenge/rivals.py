"""Two models on the same rows, made by chance."""

from __future__ import annotations

import numpy as np
import polars as pl

from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Trial
from assay.stats.resampling import resamples


def two_classes(labels: np.ndarray, score: np.ndarray, frame: pl.DataFrame | None = None) -> Predictions:
    """Return a binary classifier's predictions: scores are squeezed into [0, 1] by the logistic function."""
    p = 1 / (1 + np.exp(-score))
    rows = frame if frame is not None else pl.DataFrame({"y": labels})
    features = tuple(name for name in rows.columns if name != "y")
    return Predictions(
        "binary",
        labels,
        (p >= 0.5).astype(np.int64),
        np.column_stack([1 - p, p]),
        (0, 1),
        frame=rows,
        features=features,
    )


def a_trial(
    rows: Predictions, rng: np.random.Generator, *, metrics: tuple[str, ...] = ("auc", "accuracy", "log_loss")
) -> Trial:
    return Trial(rows, resamples(rows.n, rng=rng, replicates=500), metrics, rng)


def rivals(
    rng: np.random.Generator, n: int = 2000, *, old: float = 1.0, new: float = 1.0, groups: bool = False
) -> tuple[Trial, Trial]:
    """Return trials of two models whose scores are the label times a strength plus noise of their own."""
    labels = rng.integers(0, 2, n)
    frame = pl.DataFrame({"y": labels, "city": rng.choice(["a", "b", "c", "d"], n)} if groups else {"y": labels})
    signs = 2 * labels - 1
    champion = a_trial(two_classes(labels, old * signs + rng.normal(size=n), frame), rng)
    challenger = a_trial(two_classes(labels, new * signs + rng.normal(size=n), frame), rng)
    return champion, challenger
