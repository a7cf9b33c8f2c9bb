"""What one row costs: the loss that a search looks for slices of, and that shares of all errors are shares of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError, member
from assay.evaluation.columns import Task
from assay.evaluation.metrics.metric import Metric
from assay.evaluation.predictions import Predictions
from assay.stats.ranks import placements

__all__ = ["LOSSES", "Loss", "excess_of", "likeness", "loss_for", "loss_of"]

Floats = NDArray[np.float64]

_LEAST = float(np.finfo(np.float64).eps)  # of a probability inside a logarithm, as scikit-learn has it
_BINS, _ROWS_OF_BIN = 200, 50


@dataclass(frozen=True, slots=True)
class Loss:
    """One loss of rows, n floats, more is worse. `says` is what its mean is called, `whole` its sum.

    `unfit` says why it cannot be had of some predictions, and nothing where it can. `promised` is what the scores themselves
    let expect of it, n floats: None where scores promise nothing.
    """

    says: str
    whole: str
    formula: str
    tasks: tuple[Task, ...]
    unfit: Callable[[Predictions], str]
    of: Callable[[Predictions], Floats]
    promised: Callable[[Predictions], Floats] | None = None


def loss_of(name: str, rows: Predictions) -> Floats:
    """Return a loss of the table for each row; raise ConfigError where there is none, UsageError where it cannot be had.

    >>> rows = Predictions("regression", labels=np.array([1.0, 2.0]), predictions=np.array([1.5, 2.0]))
    >>> loss_of("absolute", rows).tolist()
    [0.5, 0.0]
    """
    loss = member(LOSSES, name, what="loss of rows")
    if why := _why_unfit(loss, rows):
        raise UsageError(f"the loss {name!r} cannot be had: {why}", hint=f"these can: {', '.join(_fitting(rows))}")
    return loss.of(rows)


def loss_for(metric: Metric, rows: Predictions) -> str:
    """Return the name of the loss that goes with a metric, or the task's first that can be had of these rows; "" for none.

    Metrics of probabilities go with log-loss, of classes with misclassified rows, of squares with squared errors.
    """
    fitting = _fitting(rows)
    wanted = "log_loss" if metric.needs in ("scores", "probabilities") else "zero_one"
    if rows.task == "regression" and metric.formula.count("²"):
        wanted = "squared"
    return wanted if wanted in fitting else next(iter(fitting), "")


def excess_of(name: str, rows: Predictions) -> Floats:
    """Return how much more each row loses than rows of like scores do: what is merely harder, as its score says, is not worse.

    From the loss is taken what the scores promise of it, where they are probabilities (of log-loss the entropy, of
    misclassified rows 1 - p), and from what is left its mean over the rows of like scores (see `likeness`), in at most 200
    bins of at least 50 rows. So a model whose scores are too sure everywhere is not taken for weak wherever it is sure.

    Raises UsageError where nothing says which rows are alike.
    """
    like, losses, loss = likeness(name, rows), loss_of(name, rows), LOSSES[name]
    if like is None:
        raise UsageError(f"these {rows.task} rows have no scores to be alike in", hint="set like_scores to false")
    left = losses - loss.promised(rows) if _is_promised(loss, rows) and loss.promised is not None else losses
    return left - _mean_of_like(left, like, rows.weights)


def likeness(name: str, rows: Predictions) -> Floats | None:
    """Return the number by which rows are alike to a model, n floats; None where there is none.

    Of two classes the score of the positive one, of more what the scores promise of the loss, of a regression the prediction.
    """
    loss = LOSSES[name]
    if rows.task == "binary" and rows.scores is not None:
        return rows.positive
    if rows.task == "regression":
        return np.asarray(rows.said, dtype=np.float64)
    return loss.promised(rows) if _is_promised(loss, rows) and loss.promised is not None else None


def _is_promised(loss: Loss, rows: Predictions) -> bool:
    return loss.promised is not None and rows.probabilities and rows.scores is not None


def _mean_of_like(losses: Floats, like: Floats, weights: Floats | None) -> Floats:
    bins = max(1, min(_BINS, len(losses) // _ROWS_OF_BIN))
    edges = np.unique(np.quantile(like, np.linspace(0, 1, bins + 1)[1:-1])) if bins > 1 else np.zeros(0)
    codes = np.searchsorted(edges, like, side="left")
    weights = np.ones(len(losses)) if weights is None else weights
    sums, sizes = (np.bincount(codes, weights=w, minlength=len(edges) + 1) for w in (losses * weights, weights))
    means = np.divide(sums, sizes, out=np.zeros(len(sizes)), where=sizes > 0)
    return np.asarray(means[codes])


def _fitting(rows: Predictions) -> list[str]:
    return [name for name, loss in LOSSES.items() if not _why_unfit(loss, rows)]


def _why_unfit(loss: Loss, rows: Predictions) -> str:
    if rows.task not in loss.tasks:
        return f"it is a loss of {' and '.join(loss.tasks)}, not of {rows.task}"
    return loss.unfit(rows)


# Losses ---------------------------------------------------------------------------------------------------------------


def _nothing(rows: Predictions) -> str:
    return ""


def _without_predictions(rows: Predictions) -> str:
    return "there are no predictions, only scores" if rows.predictions is None else ""


def _without_probabilities(rows: Predictions) -> str:
    if rows.scores is None:
        return "there are no scores"
    return "" if rows.probabilities else "the scores are no probabilities"


def _unranked(rows: Predictions) -> str:
    if rows.scores is None:
        return "there are no scores"
    return "" if 0 < int((rows.labels == 1).sum()) < rows.n else "it takes rows of both classes"


def _codes(rows: Predictions) -> NDArray[np.int64]:
    return np.asarray(rows.labels, dtype=np.int64)


def _log_loss(rows: Predictions) -> Floats:
    scores = rows.given_scores
    if rows.task == "multilabel":
        right = np.where(rows.labels == 1, scores, 1 - scores)
        return np.asarray(-np.log(np.clip(right, _LEAST, 1)).mean(1))
    return np.asarray(-np.log(np.clip(scores[np.arange(rows.n), _codes(rows)], _LEAST, 1)))


def _entropy(rows: Predictions) -> Floats:
    scores = rows.given_scores
    if rows.task == "multilabel":
        return np.asarray((_surprise(scores) + _surprise(1 - scores)).mean(1))
    return np.asarray(_surprise(scores).sum(1))


def _surprise(scores: Floats) -> Floats:
    return np.asarray(-scores * np.log(np.clip(scores, _LEAST, 1)))


def _zero_one(rows: Predictions) -> Floats:
    wrong = np.asarray(rows.labels != rows.said, dtype=np.float64)
    return np.asarray(wrong.mean(1)) if rows.task == "multilabel" else wrong


def _promised_wrong(rows: Predictions) -> Floats:
    scores = rows.given_scores
    if rows.task == "multilabel":
        return np.asarray(np.where(rows.said == 1, 1 - scores, scores).mean(1))
    return np.asarray(1 - scores[np.arange(rows.n), np.asarray(rows.said, dtype=np.int64)])


def _brier(rows: Predictions) -> Floats:
    scores = rows.given_scores
    truth = rows.labels if rows.task == "multilabel" else np.eye(len(rows.classes))[_codes(rows)]
    return np.asarray(((scores - truth) ** 2).sum(1) / (2 if rows.task == "binary" else 1))


def _promised_brier(rows: Predictions) -> Floats:
    scores = rows.given_scores
    return np.asarray((scores * (1 - scores)).sum(1) / (2 if rows.task == "binary" else 1))


def _misranked(rows: Predictions) -> Floats:
    score, inside = rows.positive, rows.labels == 1
    found = placements(score[~inside], score[inside])
    loss = np.empty(rows.n)
    loss[~inside], loss[inside] = 1 - found.reference, 1 - found.current
    return loss


def _pinball(rows: Predictions) -> Floats:
    levels = np.array([float(str(level)) for level in rows.classes])
    short = np.asarray(rows.labels, dtype=np.float64)[:, None] - np.asarray(rows.said, dtype=np.float64)
    return np.asarray(np.maximum(levels * short, (levels - 1) * short).mean(1))


def _of_query(rows: Predictions) -> Floats:
    """Return 1 - NDCG of a row's query; where nothing in a query is relevant there is nothing to lose, and it is 0."""
    query = np.zeros(rows.n, dtype=np.int64) if rows.query is None else rows.query
    groups = np.asarray(np.unique(query, return_inverse=True)[1], dtype=np.int64)
    gain = np.exp2(np.asarray(rows.labels, dtype=np.float64)) - 1
    reached, best = (_discounted(groups, gain, by) for by in (rows.given_scores[:, 0], gain))
    share = np.divide(reached, best, out=np.ones(len(best)), where=best > 0)
    return np.asarray(1 - share[groups])


def _discounted(groups: NDArray[np.int64], gain: Floats, by: Floats) -> Floats:
    """Return Σ gain / log₂(1 + rank) of each group, its rows ranked by falling values."""
    order = np.lexsort((-by, groups))
    first = np.searchsorted(groups[order], np.arange(int(groups.max()) + 1))
    rank = np.arange(len(order)) - first[groups[order]] + 1
    return np.bincount(groups[order], weights=gain[order] / np.log2(1 + rank)).astype(np.float64)


_CLASSES: tuple[Task, ...] = ("binary", "multiclass", "multilabel")

_MISRANKED = "share of the other class's rows on the wrong side of this row's score"
_SQUARES = "Σ(p - y)², halved for two classes"
_WRONG = "1 where the prediction is not the label"
_BINARY: tuple[Task, ...] = ("binary",)

# Of the losses that fit a task, the first is the one that goes with a metric that names none.
LOSSES: Mapping[str, Loss] = {
    "log_loss": Loss("log_loss", "log-loss", "-ln p(label)", _CLASSES, _without_probabilities, _log_loss, _entropy),
    "zero_one": Loss("share of wrong rows", "wrong rows", _WRONG, _CLASSES, _without_predictions, _zero_one, _promised_wrong),
    "brier": Loss("brier", "squared error of scores", _SQUARES, _CLASSES, _without_probabilities, _brier, _promised_brier),
    "misranked": Loss("share of misranked pairs", "misranked pairs", _MISRANKED, _BINARY, _unranked, _misranked),
    "absolute": Loss("mae", "absolute error", "|y - ŷ|", ("regression",), _nothing, lambda rows: np.abs(rows.errors)),
    "squared": Loss("mse", "squared error", "(y - ŷ)²", ("regression",), _nothing, lambda rows: np.asarray(rows.errors**2)),
    "pinball": Loss("pinball", "pinball loss", "mean over levels of max(τ(y - ŷ), (τ - 1)(y - ŷ))", ("quantile",), _nothing, _pinball),
    "query": Loss("1 - ndcg", "lost ndcg", "1 - DCG / best DCG of the row's query", ("ranking",), _nothing, _of_query),
}  # fmt: skip
