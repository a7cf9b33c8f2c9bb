"""Simulated worlds whose truth is known: scores, labels and losses as they would come, with or without drift."""

from __future__ import annotations

import numpy as np
import scipy.stats

from assay.evaluation.columns import Columns

BINARY = Columns(label="y", prediction="said", score="score")
MULTICLASS = Columns(label="y", prediction="said", scores={"a": "p_a", "b": "p_b", "c": "p_c"})
REGRESSION = Columns(label="y", prediction="said", features=("x", "kind"))


def expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def two_classes(rng: np.random.Generator, n: int, *, shift: float = 0.0, concept: float = 0.0) -> dict[str, np.ndarray]:
    """Return rows whose scores are too sure; `shift` moves them along with their labels, `concept` the labels alone."""
    z = rng.normal(-1 + shift, 1.5, n)
    score = expit(0.5 + 1.8 * z)
    return {"y": rng.binomial(1, expit(z + concept)), "score": score, "said": (score > 0.5).astype(np.int64)}


def three_classes(rng: np.random.Generator, n: int, *, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Return rows of three classes whose scores are too sure; `shift` makes the first class more frequent."""
    odds = rng.normal(0, 1.2, (n, 3)) + np.array([shift, 0.0, 0.0])
    labels = (odds + rng.gumbel(size=odds.shape)).argmax(1)
    scores = np.exp(1.6 * odds + np.array([0.3, 0.0, -0.2]))
    scores /= scores.sum(1, keepdims=True)
    names = np.array(["a", "b", "c"])
    return {
        "y": names[labels], "said": names[scores.argmax(1)], "p_a": scores[:, 0], "p_b": scores[:, 1], "p_c": scores[:, 2],
    }  # fmt: skip


def quantities(rng: np.random.Generator, n: int, *, shift: float = 0.0, concept: float = 1.0) -> dict[str, np.ndarray]:
    """Return rows whose errors grow with x and are twice as large for the kind "odd"; `concept` multiplies the errors."""
    x, kind = rng.normal(shift, 1, n), rng.choice(["even", "odd"], n)
    said = 2 * x
    error = rng.normal(0, 1, n) * np.exp(0.4 * x) * np.where(kind == "odd", 2.0, 1.0) * concept
    return {"y": said + error, "said": said, "x": x, "kind": kind}


def coverage_bounds(n: int, *, confidence: float = 0.95, slack: float = 0.0) -> tuple[float, float]:
    """Return between which shares intervals that cover so often are seen to, all but once in ten thousand runs each way.

    `slack` is what the intervals may be off by: they are right for many rows, and nearly so for few.
    """
    low = scipy.stats.binom.ppf(1e-4, n, confidence - slack) / n
    high = scipy.stats.binom.ppf(1 - 1e-4, n, min(confidence + slack, 1.0)) / n
    return float(low), float(high)
