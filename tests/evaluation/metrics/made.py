"""Predictions of every task, made by chance, and what a model without fault says of the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assay.evaluation.columns import Task
from assay.evaluation.metrics.metric import Metric
from assay.evaluation.metrics.table import METRICS, NUMBERED
from assay.evaluation.predictions import Predictions

__all__ = ["EVERY", "MEMBERS", "binary", "made", "multiclass", "multilabel", "perfect"]

EVERY: dict[str, Metric] = {
    **METRICS, **{f"{family.before}{number:g}": family.of(number) for family in NUMBERED for number in family.examples},
}  # fmt: skip
MEMBERS: list[tuple[str, Task]] = [(name, task) for name, metric in EVERY.items() for task in metric.tasks]


def binary(labels, scores, *, predictions=None, weights=None, probabilities=True) -> Predictions:
    labels, scores = np.asarray(labels, dtype=np.int64), np.asarray(scores, dtype=np.float64)
    said = (scores >= 0.5).astype(np.int64) if predictions is None else np.asarray(predictions, dtype=np.int64)
    weights = None if weights is None else np.asarray(weights, dtype=np.float64)
    return Predictions("binary", labels, said, np.column_stack([1 - scores, scores]), (0, 1), probabilities, weights)


def multiclass(labels, scores, *, predictions=None, weights=None) -> Predictions:
    scores = np.asarray(scores, dtype=np.float64)
    said = scores.argmax(1) if predictions is None else np.asarray(predictions, dtype=np.int64)
    classes = tuple(f"class {c}" for c in range(scores.shape[1]))
    return Predictions("multiclass", np.asarray(labels, dtype=np.int64), said, scores, classes, weights=weights)


def multilabel(labels, scores, *, weights=None) -> Predictions:
    labels, scores = np.asarray(labels, dtype=np.int64), np.asarray(scores, dtype=np.float64)
    said = (scores >= 0.5).astype(np.int64)
    return Predictions("multilabel", labels, said, scores, tuple("abcdefgh"[: labels.shape[1]]), weights=weights)


def made(task: Task, rng: np.random.Generator, n: int = 60) -> Predictions:
    """Return n rows of a task; scores have ties."""
    if task == "binary":
        scores = rng.beta(1, 1.5, n).round(1).clip(0.05, 0.95)
        return binary(rng.random(n) < scores, scores, predictions=scores + rng.normal(0, 0.1, n) > 0.5)
    if task == "multiclass":
        scores = rng.dirichlet([1.0, 1.0, 0.7, 0.5], n)
        labels = (rng.random((n, 1)) > scores.cumsum(1)).sum(1).clip(0, 3)
        return multiclass(
            labels, scores, predictions=np.where(rng.random(n) < 0.9, scores.argmax(1), rng.integers(0, 4, n))
        )
    if task == "multilabel":
        scores = rng.random((n, 3)).round(1).clip(0.05, 0.95)
        return multilabel(rng.random((n, 3)) < scores, scores)
    if task == "regression":
        labels = rng.lognormal(1, 0.5, n)
        return Predictions("regression", labels, labels * rng.lognormal(0, 0.2, n))
    if task == "quantile":
        labels, levels = rng.normal(10, 1, n), (0.1, 0.5, 0.9)
        said = 10 + rng.normal(0, 0.3, (n, 1)) + np.array([-1.28, 0, 1.28])
        return Predictions("quantile", labels, said, classes=levels)
    relevance = rng.integers(0, 4, n).astype(np.float64)
    scores = (relevance + rng.normal(0, 1, n)).round(1)[:, None]
    return Predictions("ranking", relevance, None, scores, query=np.sort(rng.integers(0, max(n // 6, 1), n)))


def perfect(rows: Predictions) -> Predictions:
    """Return what a model without fault says of the same rows."""
    if rows.task in ("binary", "multiclass"):
        return replace(rows, predictions=rows.labels, scores=np.eye(len(rows.classes))[rows.labels])
    if rows.task == "multilabel":
        return replace(rows, predictions=rows.labels, scores=rows.labels.astype(np.float64))
    if rows.task == "quantile":
        return replace(rows, predictions=np.repeat(rows.labels[:, None], len(rows.classes), axis=1))
    if rows.task == "ranking":
        return replace(rows, scores=rows.labels[:, None].astype(np.float64))
    return replace(rows, predictions=rows.labels)
