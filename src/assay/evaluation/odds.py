"""Probabilities from log-odds of several classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["softmax"]

Floats = NDArray[np.float64]


def softmax(odds: Floats) -> Floats:
    """Return exp(z) / Σ exp(z) over the last axis: shares of 1, one for each class, however great the log-odds are.

    >>> softmax(np.array([[0.0, 1000.0], [2.0, 2.0]])).tolist()
    [[0.0, 1.0], [0.5, 0.5]]
    """
    raised = np.exp(odds - odds.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
