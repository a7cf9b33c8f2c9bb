"""The page of metrics, written from the table: what each one is, when it is undefined, and how far it may be off."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from assay.evaluation.columns import Task
from assay.evaluation.metrics.metric import Cells, Metric, Span, Sums, Whole
from assay.evaluation.metrics.table import DEFAULTS, METRICS, NUMBERED, metric_of

__all__ = ["DIFFERENCES", "Difference", "explain", "listing", "method_of", "metrics_markdown"]


class Difference(NamedTuple):
    """Where Assay differs from scikit-learn on purpose: the metrics, when, what either says, and why."""

    metrics: tuple[str, ...]
    when: str
    theirs: str
    ours: str
    why: str


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        ("precision", "recall", "f1", "pr_auc", "mcc"), "nothing to divide by", "0, with a warning", "undefined, with the reason",
        "0 is what a bad model has; here there is nothing to judge",
    ),
    Difference(
        ("macro_precision", "macro_recall", "macro_f1"), "a class that is never predicted, or has no rows", "counts as 0",
        "is left out of the mean", "as with `zero_division=np.nan`; the class says nothing, and its recall or F1 says that it is missed",
    ),
    Difference(
        ("balanced_accuracy",), "rows of one class only", "the recall of that class", "undefined", "it is not balanced against anything"
    ),
    Difference(
        ("macro_auc", "weighted_auc"), "a class without rows", "an error, or NaN", "is left out of the mean",
        "a resample, or a slice, may lack a rare class",
    ),
    Difference(
        ("jaccard", "samples_precision", "samples_recall", "samples_f1"), "a row without any label", "counts as 0",
        "is left out of the mean", "as with `zero_division=np.nan`: nothing was there to find",
    ),
    Difference(
        ("label_ranking_precision",), "a row without any label", "counts as 1", "is left out of the mean", "nothing was there to rank"
    ),
    Difference(
        ("accuracy@k",), "equal scores at the cut", "the classes that are named last are in", "the share that is needed of each",
        "the order of the classes' names is no skill",
    ),
    Difference(
        ("ndcg", "ndcg@k"), "graded relevance", "a gain of the relevance itself", "a gain of 2^relevance - 1",
        "as search engines count it (Burges et al. 2005); `ndcg_linear` is theirs",
    ),
    Difference(
        ("mape",), "a label of 0", "divides by 2⁻⁵², which is some 10¹⁵", "undefined", "a percentage of nothing"
    ),
)  # fmt: skip

_TASKS: dict[Task, str] = {
    "binary": "Two classes",
    "multiclass": "Several classes",
    "multilabel": "Several labels a row",
    "regression": "Numbers",
    "quantile": "Forecasts of quantiles",
    "ranking": "Rankings",
}
_INTERVALS = {
    "wilson": ("Wilson", "the score interval of a share of rows (Wilson 1927)"),
    "delong": ("DeLong", "DeLong's of an area under the ROC curve, on the log-odds, and Newcombe's where it is wider"),
    "kolmogorov": ("Kolmogorov", "the band that holds both distribution functions"),
    "normal": (
        "normal",
        "the value ± its standard errors, with what the correction for chance may leave or take too much",
    ),
    "order statistics": ("order statistics", "the values whose ranks hold the quantile (any distribution)"),
    "greatest seen": (
        "greatest seen",
        "from the greatest error of these rows upwards: nothing is known of the end above",
    ),
    "smoothed": (
        "cells",
        "draws of the confusion matrix that leave room for errors not seen yet, and the jackknife where it is wider",
    ),
    "bootstrap-t": ("bootstrap-t", "resamples of the units, each divided by its own standard error (Efron 1981)"),
    "bca": ("BCa", "resamples, corrected for bias and skew (Efron 1987), and the jackknife where it is wider"),
    "centred": ("centred", "resamples lie above a mean distance: their upper quantile, and as far below the value"),
    "percentile": ("percentile", "quantiles of the resamples"),
}

_HEAD = """# Metrics

The {n} metrics there are, by what is predicted, and those whose names end in a number. This page is written from the table of metrics.

- **Rows have weights** in every metric: a row of weight 2 counts as two rows. Only what chance adds to a calibration error depends
  on how many rows there are: there, weights count as Kish's effective number of rows, (Σw)²/Σw², and rows that are drawn together
  (of one entity, or block of time) as the fewer that they are worth.
- **Undefined is said**, with the reason: a metric that would divide by nothing has no value. It is never 0.
- **A mean over classes** is over those for which the metric is defined; the positive class of two is the only one looked at.
- **Every value has an interval**, by the method that is named: that of rows without weights that are drawn one by one. Rows that
  are drawn together (entities, blocks of time) leave most formulas' ground, and have the bootstrap's; the formulas of `auc`, `gini`,
  `ks` and the calibration errors take them in.
- TP, FN, FP and TN are the rows (their weight) of the positive class that are predicted as it and not, and of the other class;
  cᵢⱼ those of class i predicted as class j; n all rows.
"""

_METHODS = """## Intervals

| interval | what |
| --- | --- |
"""

_DIFFERS = """## Where scikit-learn says something else

On everything else that both have, the two agree to 1e-9 in the tests: on ties, equal scores, tiny weights and missing classes.

| metrics | when | scikit-learn | Assay | why |
| --- | --- | --- | --- | --- |
"""


def metrics_markdown() -> str:
    """Return the documentation page of all metrics, as Markdown; `docs/metrics.md` is this text.

    >>> metrics_markdown().splitlines()[0]
    '# Metrics'
    """
    lines = [_HEAD.format(n=len(METRICS))]
    for task, title in _TASKS.items():
        usual = ", ".join(f"`{name}`" for name in DEFAULTS[task])
        lines += [f"## {title}", "", f"Task `{task}`. Reported where none is asked for: {usual}.", ""]
        lines += ["| metric | what | formula | range | better | undefined | interval | source |", "| --- " * 8 + "|"]
        lines += [_row(name, metric, task) for name, metric in _of_task(task)]
        lines.append("")
    differences = [
        f"| {', '.join(f'`{name}`' for name in one.metrics)} | {one.when} | {one.theirs} | {one.ours} | {one.why} |"
        for one in DIFFERENCES
    ]
    methods = [f"| {name} | {words} |" for name, words in _INTERVALS.values()]
    return "\n".join([*lines, _METHODS + "\n".join(methods), "", _DIFFERS + "\n".join(differences), ""])


def listing() -> str:
    """Return the metrics of each task, a line for each, for a terminal."""
    lines = []
    for task, title in _TASKS.items():
        lines += [f"{title} (--task {task})"]
        lines += [f"  {name:<28} {metric.title}" for name, metric in _of_task(task)]
        lines.append("")
    return "\n".join([*lines, "assay metrics NAME explains one.", ""])


def explain(name: str) -> str:
    """Return what there is to know of one metric; raise UsageError where there is none of that name.

    >>> print(explain("recall").splitlines()[0])
    recall: recall
    """
    metric = metric_of(name)
    better = f"nearer to {metric.target:g}" if metric.better == "nearest" else metric.better
    facts = {
        "formula": metric.formula, "range": _range(metric.span), "better": better, "takes": metric.needs, "undefined": metric.undefined,
        "interval": "; ".join(dict.fromkeys(_INTERVALS[method_of(metric, task)][1] for task in metric.tasks)),
        "tasks": ", ".join(metric.tasks), "caution": metric.caution, "source": metric.source,
    }  # fmt: skip
    lines = [f"{name}: {metric.title}", *(f"  {fact:<10} {said}" for fact, said in facts.items() if said)]
    return "\n".join([*lines, ""])


def _of_task(task: Task) -> Iterator[tuple[str, Metric]]:
    """Yield the metrics of a task by their names, and one of each family whose names end in a number."""
    for name, metric in METRICS.items():
        if task in metric.tasks:
            yield name, metric
    for family in NUMBERED:
        metric = family.of(max(family.examples))
        if task in metric.tasks:
            yield f"{family.before}{max(family.examples):g}", metric


def _row(name: str, metric: Metric, task: Task) -> str:
    what = metric.title + (f"; {metric.caution}" if metric.caution else "")
    better = f"nearer to {metric.target:g}" if metric.better == "nearest" else metric.better
    cells = (
        f"`{name}`",
        what,
        metric.formula,
        _range(metric.span),
        better,
        metric.undefined,
        _INTERVALS[method_of(metric, task)][0],
        metric.source,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _range(span: Span) -> str:
    low, high = (f"{end:g}" if math.isfinite(end) else "" for end in span)
    if low and high:
        return f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else "any number"


def method_of(metric: Metric, task: Task) -> str:
    """Return the name of the method that gives a metric's interval, of rows without weights that are drawn one by one.

    >>> method_of(METRICS["recall"], "binary"), method_of(METRICS["f1"], "binary"), method_of(METRICS["auc"], "binary")
    ('wilson', 'smoothed', 'delong')
    """
    if metric.closed is not None:
        return metric.method
    match metric.of:
        case Cells(share=share) if task != "multilabel":
            return "smoothed" if share is None else "wilson"
        case Sums() if not metric.centred:
            return "bootstrap-t"
        case Whole():
            return "percentile"
    return "centred" if metric.centred else "bca"
