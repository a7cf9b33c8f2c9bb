"""Rows that two models say different things of: how many, which way, and whether for the better."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.predictions import Predictions
from assay.stats import intervals
from assay.verdict import Estimate

__all__ = ["flip_rows", "flips"]

Row = tuple[str, str, str, int, float]


def flips(champion: Predictions, challenger: Predictions, *, confidence: float = 0.95) -> Estimate:
    """Return the share of rows whose prediction changes, with Wilson's interval; undefined where there are no classes."""
    if champion.task not in ("binary", "multiclass") or champion.predictions is None or challenger.predictions is None:
        return Estimate(None, n=champion.n, why="only predicted classes can flip")
    n, part = champion.n, int((champion.said != challenger.said).sum())
    low, high = intervals.share(part, n, confidence=confidence)
    return Estimate(part / n, n=n, low=low, high=high, confidence=confidence, unit="share", method="wilson")


def flip_rows(champion: Predictions, challenger: Predictions, *, most: int = 60) -> Iterator[Row]:
    """Yield (label, champion, challenger, count, share of the label's rows) for what changes, the most frequent first."""
    if champion.predictions is None or challenger.predictions is None or champion.task not in ("binary", "multiclass"):
        return
    k, names = len(champion.classes), [str(c) for c in champion.classes]
    labels: NDArray[np.int64] = np.asarray(champion.labels, dtype=np.int64)
    codes = (labels * k + np.asarray(champion.said, dtype=np.int64)) * k + np.asarray(challenger.said, dtype=np.int64)
    counts, sizes = np.bincount(codes, minlength=k**3), np.bincount(labels, minlength=k)
    found = [(int(counts[place]), place) for place in np.flatnonzero(counts)]
    changed = [(count, place) for count, place in found if (place // k) % k != place % k]
    for count, place in sorted(changed, key=lambda one: -one[0])[:most]:
        label = place // (k * k)
        yield names[label], names[(place // k) % k], names[place % k], count, count / int(sizes[label])
