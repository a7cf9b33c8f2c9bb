"""The table of all metrics, a metric by its name, and those that are reported where none was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain

from assay.errors import UsageError, closest
from assay.evaluation.columns import Task
from assay.evaluation.metrics.calibrated import CALIBRATED
from assay.evaluation.metrics.classes import CLASSES
from assay.evaluation.metrics.classes import NUMBERED as OF_CLASSES
from assay.evaluation.metrics.metric import Metric
from assay.evaluation.metrics.multilabel import MULTILABEL
from assay.evaluation.metrics.numbered import Numbered
from assay.evaluation.metrics.numbers import NUMBERED as OF_NUMBERS
from assay.evaluation.metrics.numbers import NUMBERS
from assay.evaluation.metrics.quantiles import NUMBERED as OF_QUANTILES
from assay.evaluation.metrics.quantiles import QUANTILES
from assay.evaluation.metrics.ranking import NUMBERED as OF_RANKING
from assay.evaluation.metrics.ranking import RANKING
from assay.evaluation.metrics.scores import NUMBERED as OF_SCORES
from assay.evaluation.metrics.scores import SCORES
from assay.evaluation.metrics.thresholds import NUMBERED as OF_THRESHOLDS

__all__ = ["DEFAULTS", "FAMILIES", "METRICS", "NUMBERED", "defaults", "metric_of"]

# A family is a module with a table of metrics, and perhaps one of metrics whose name ends in a number.
FAMILIES: tuple[Mapping[str, Metric], ...] = (CLASSES, MULTILABEL, SCORES, CALIBRATED, NUMBERS, QUANTILES, RANKING)
METRICS: Mapping[str, Metric] = {name: metric for family in FAMILIES for name, metric in family.items()}
NUMBERED: tuple[Numbered, ...] = (*OF_CLASSES, *OF_SCORES, *OF_THRESHOLDS, *OF_NUMBERS, *OF_QUANTILES, *OF_RANKING)

DEFAULTS: Mapping[Task, tuple[str, ...]] = {
    "binary": (
        "auc", "pr_auc", "log_loss", "brier", "ece", "accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc",
    ),
    "multiclass": (
        "macro_auc", "log_loss", "brier", "ece", "accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1",
        "mcc",
    ),
    "multilabel": (
        "macro_f1", "micro_f1", "macro_auc", "macro_pr_auc", "label_ranking_precision", "jaccard", "subset_accuracy", "hamming_loss",
    ),
    "regression": ("mae", "rmse", "median_error", "bias", "r2"),
    "quantile": ("pinball", "calibration_error", "crossing"),
    "ranking": ("ndcg@10", "map@10", "mrr@10", "precision@10", "recall@10"),
}  # fmt: skip


def metric_of(name: str) -> Metric:
    """Return a metric by its name, which may end in a number (`f2`, `ndcg@10`); raise UsageError where there is none.

    >>> metric_of("auc").title
    'area under the ROC curve'
    >>> metric_of("f2").title
    'F2 score'
    """
    return METRICS[name] if name in METRICS else _numbered(name)


@lru_cache(maxsize=256)  # one object for one name, as in the table
def _numbered(name: str) -> Metric:
    for family in sorted(NUMBERED, key=lambda one: len(one.before), reverse=True):
        number = family.number(name)
        if number is not None:
            return family.of(number)
    known = chain(METRICS, (one.name for one in NUMBERED))
    raise UsageError(f"there is no metric {name!r}", hint=closest(name, known, lists="assay metrics"))


def defaults(task: Task) -> tuple[str, ...]:
    """Return the metrics that are reported where none was asked for; the first one leads.

    Some of them need scores, or scores that are probabilities: `measuring.unsuited` says which can't be had.

    >>> defaults("binary")[:2]
    ('auc', 'pr_auc')
    """
    return DEFAULTS[task]
