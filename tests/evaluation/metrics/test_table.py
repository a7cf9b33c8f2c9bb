"""Laws that every metric of the table keeps, whatever it measures."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from assay.errors import UsageError
from assay.evaluation.estimation import tally
from assay.evaluation.metrics.measuring import drawn, measure, unsuited, value_of
from assay.evaluation.metrics.metric import Cells
from assay.evaluation.metrics.table import DEFAULTS, FAMILIES, METRICS, NUMBERED, defaults, metric_of
from assay.evaluation.predictions import Predictions
from assay.stats.resampling import resamples
from evaluation.metrics.made import EVERY, MEMBERS, binary, made, multiclass, multilabel, perfect

NEAR = {"rel": 1e-9, "abs": 1e-12}

# What chance adds to an error depends on how many rows there are, and a weight of 2 is not one row more.
OF_SIZE = {"ece", "ece_mass", "macro_ece"}
# Ranks are those of the sample: a resample does not rank anew.
OF_RANKS = {"spearman"}
# A forecast of quantiles that hits every label says of none of its levels what share lies below it.
OF_LEVELS = {"calibration_error", "share_below@0.1", "share_below@0.9", "coverage@0.8"}
# The best value of these depends on the rows: it is not an end of the span.
BEST_OF_ROWS = {"lift@0.1", "lift@0.25", "capture@0.1", "capture@0.25", "top_precision@0.1", "top_precision@0.25"}


DIRECTED = [(name, task) for name, task in MEMBERS if EVERY[name].better != "neither"]
CLASSIFICATIONS = ("binary", "multiclass", "multilabel")


def same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or a == pytest.approx(b, **NEAR)


def draws_in_its_own_way(name: str) -> bool:
    of = EVERY[name].of
    return name in OF_RANKS or getattr(of, "draws", None) is not None or getattr(of, "smooth", None) is not None


def weighted(rows: Predictions, weights) -> Predictions:
    return replace(rows, weights=np.asarray(weights, dtype=np.float64))


# What a metric is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_a_metric_says_what_it_is(name: str):
    metric = EVERY[name]

    for told in (metric.title, metric.formula, metric.undefined, metric.source):
        assert told.strip() == told != ""
        assert not told.endswith(".")
    assert len(set(metric.tasks)) == len(metric.tasks) > 0
    assert re.search(r"\d{4}", metric.source), "a source has a year"
    assert metric.span.low < metric.span.high
    assert bool(metric.method) == (metric.closed is not None)


def test_no_two_families_have_a_metric_of_the_same_name():
    assert sum(map(len, FAMILIES)) == len(METRICS)
    assert len({family.before for family in NUMBERED}) == len(NUMBERED)


def test_no_name_of_the_table_is_one_that_ends_in_a_number():
    assert [
        name
        for name in METRICS
        for family in NUMBERED
        if family.number(name) is not None and name not in {"f1", "macro_f1"}
    ] == []


def test_a_name_with_a_number_gives_what_the_table_says_of_it():
    assert metric_of("f1") is METRICS["f1"]
    assert metric_of("f2") is metric_of("f2")
    assert metric_of("recall@precision>=0.9").tasks == ("binary",)
    assert metric_of("recall@10").tasks == ("ranking",)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("acuracy", "there is no metric 'acuracy'; did you mean 'accuracy'?"),
        ("ndcg@0", "'ndcg@0': k is 0; it is a whole number of at least 1"),
        ("ndcg@2.5", "'ndcg@2.5': k is 2.5; it is a whole number of at least 1"),
        ("f0", "'f0': β is 0; it is a number above 0"),
        ("lift@10", "'lift@10': s is 10; it is a number above 0 and at most 1"),
        ("recall@precision>=", "there is no metric 'recall@precision>='"),
        ("lift@1e-3", "there is no metric 'lift@1e-3'"),
        ("", "there is no metric ''"),
    ],
)
def test_a_name_that_is_not_there_says_which_are(name: str, said: str):
    with pytest.raises(UsageError) as error:
        metric_of(name)

    assert str(error.value).startswith(said)


@pytest.mark.parametrize("family", NUMBERED, ids=lambda one: one.name)
def test_the_ends_of_what_a_number_may_be_are_metrics(family):
    low = [] if family.open_low else [family.low]
    high = [] if family.open_high or math.isinf(family.high) else [family.high]

    for number in (*family.examples, *low, *high):
        assert metric_of(f"{family.before}{number:g}").title


@pytest.mark.parametrize("task", DEFAULTS)
def test_what_is_reported_by_default_suits_the_task(task):
    rows = made(task, np.random.default_rng(0))

    assert defaults(task)
    assert {name: unsuited(metric_of(name), rows) for name in defaults(task)} == dict.fromkeys(defaults(task), "")


# Rows and weights -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "task"), MEMBERS)
def test_the_order_of_the_rows_does_not_matter(name, task, rng):
    rows = weighted(made(task, rng), rng.random(60))

    assert same(value_of(EVERY[name], rows.at(rng.permutation(60))), value_of(EVERY[name], rows))


@pytest.mark.parametrize(("name", "task"), [(n, t) for n, t in MEMBERS if t != "ranking" and n not in OF_SIZE])
def test_a_row_of_weight_two_counts_as_two_rows(name, task, rng):
    rows, times = made(task, rng), rng.integers(1, 4, 60)

    assert same(
        value_of(EVERY[name], weighted(rows, times)), value_of(EVERY[name], rows.at(np.repeat(np.arange(60), times)))
    )


@pytest.mark.parametrize(("name", "task"), [(n, t) for n, t in MEMBERS if t != "ranking"])
def test_a_row_of_weight_zero_counts_as_none(name, task, rng):
    rows, weights = made(task, rng), rng.integers(0, 2, 60)

    assert same(value_of(EVERY[name], weighted(rows, weights)), value_of(EVERY[name], rows.at(weights > 0)))


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1e9])
@pytest.mark.parametrize(("name", "task"), MEMBERS)
def test_only_the_proportion_of_weights_matters(name, task, scale, rng):
    rows, weights = made(task, rng), rng.random(60) + 0.1

    assert same(value_of(EVERY[name], weighted(rows, weights * scale)), value_of(EVERY[name], weighted(rows, weights)))


@pytest.mark.parametrize(
    ("name", "task"), [(n, t) for n, t in MEMBERS if t != "ranking" and not draws_in_its_own_way(n)]
)
def test_a_resample_has_the_value_of_the_rows_that_it_drew(name, task, rng):
    rows = made(task, rng)
    units = resamples(60, rng=rng, replicates=4)
    metric = EVERY[name]

    found = drawn(metric, rows, units)

    for replicate, times in zip(found.replicates, units.times, strict=True):
        again = rows.at(np.repeat(np.arange(60), times[units.of_row].astype(int)))
        assert same(float(replicate), value_of(metric, again))


# Values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "task"), MEMBERS)
def test_a_value_lies_in_the_span(name, task, rng):
    for _ in range(20):
        value = value_of(EVERY[name], made(task, rng, 12))

        assert math.isnan(value) or EVERY[name].span.low <= value <= EVERY[name].span.high


@pytest.mark.parametrize(("name", "task"), [(n, t) for n, t in DIRECTED if n not in OF_LEVELS])
def test_nothing_is_better_than_a_model_without_fault(name, task, rng):
    metric = EVERY[name]
    for _ in range(5):
        rows = made(task, rng)
        best, found = value_of(metric, perfect(rows)), value_of(metric, rows)

        assert not math.isnan(best)
        assert metric.gain(np.array([best]))[0] >= metric.gain(np.array([found]))[0] - 1e-12


@pytest.mark.parametrize(
    ("name", "task"), [(n, t) for n, t in DIRECTED if t in CLASSIFICATIONS and n not in BEST_OF_ROWS]
)
def test_a_model_without_fault_has_the_best_value_there_is(name, task, rng):
    metric = EVERY[name]

    best = value_of(metric, perfect(made(task, rng)))

    assert best == pytest.approx(
        {"higher": metric.span.high, "lower": metric.span.low, "nearest": metric.target}[metric.better]
    )


# Undefined ------------------------------------------------------------------------------------------------------------

HALF = [0.5, 0.5, 0.5, 0.5]
HOSTILE = {
    "all negative": binary([0, 0, 0, 0], [0.1, 0.6, 0.3, 0.2]),
    "all positive": binary([1, 1, 1, 1], [0.1, 0.6, 0.3, 0.2]),
    "none predicted": binary([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]),
    "all predicted": binary([0, 1, 0, 1], [0.9, 0.8, 0.7, 0.6]),
    "nothing positive": binary([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]),
    "equal scores": binary([0, 1, 0, 1], HALF),
    "certain and wrong": binary([0, 1, 0, 1], [1.0, 0.0, 1.0, 0.0]),
    "one row": binary([1], [0.7]),
    "one of each": binary([0, 1], [0.2, 0.7]),
    "no weight": binary([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], weights=[0, 0, 0, 0]),
    "tiny weights": binary([0, 1, 0, 1], [0.1, 0.7, 0.3, 0.4], weights=[1e-300, 1e-300, 1e-200, 1e-300]),
    "one class of four": multiclass([2, 2, 2], np.full((3, 4), 0.25)),
    "one row of four classes": multiclass([0], [[0.1, 0.2, 0.3, 0.4]]),
    "a class without rows": multiclass([0, 1, 1, 0], np.tile([0.3, 0.3, 0.4], (4, 1))),
    "no weight in four classes": multiclass([0, 1], np.full((2, 4), 0.25), weights=np.zeros(2)),
    "no label": multilabel(np.zeros((4, 3)), np.full((4, 3), 0.2)),
    "every label": multilabel(np.ones((4, 3)), np.full((4, 3), 0.7)),
    "no label in a row": multilabel([[0, 0], [1, 0]], [[0.2, 0.3], [0.3, 0.2]]),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_undefined_says_why_and_what_is_defined_is_a_number(what, rng):
    rows = HOSTILE[what]
    units = resamples(rows.n, rng=rng, replicates=50)

    for name in [name for name, task in MEMBERS if task == rows.task]:
        found = measure(EVERY[name], rows, units=units)

        if found.value is None:
            assert found.why, name
        else:
            assert math.isfinite(found.value), name
            assert (found.low is None) == (found.high is None), name
            assert found.low is not None or found.why, name


UNDEFINED = {
    "all negative": {
        "auc", "gini", "ks", "pr_auc", "brier_skill", "balanced_accuracy", "recall", "false_negative_rate", "mcc", "recall@precision>=0.9",
        "precision@recall>=0.8", "lift@0.1", "capture@0.1",
    },
    "all positive": {"auc", "gini", "ks", "brier_skill", "balanced_accuracy", "specificity", "false_positive_rate", "mcc"},
    "none predicted": {"precision", "false_discovery_rate", "mcc"},
    "all predicted": {"negative_predictive_value", "false_omission_rate", "mcc"},
    "nothing positive": {"precision", "recall", "f1", "f2", "kappa", "mcc", "auc", "pr_auc"},
    "no weight": {name for name, task in MEMBERS if task == "binary" and name != "pinball"},
    "one class of four": {"macro_auc", "weighted_auc", "balanced_accuracy", "mcc"},
    "no label": {"macro_recall", "micro_recall", "macro_f1", "jaccard", "samples_recall", "samples_precision", "label_ranking_precision"},
}  # fmt: skip


@pytest.mark.parametrize("what", UNDEFINED)
def test_a_metric_without_what_it_divides_by_is_undefined(what):
    rows = HOSTILE[what]

    assert [name for name in sorted(UNDEFINED[what]) if not math.isnan(value_of(EVERY[name], rows))] == []


@pytest.mark.parametrize(("name", "task"), MEMBERS)
def test_no_rows_are_no_value(name, task, rng):
    rows = made(task, rng).at(np.zeros(60, dtype=bool))

    found = measure(EVERY[name], rows, units=resamples(0, rng=rng, replicates=5))

    assert found.value is None
    assert found.why


def test_a_share_of_rows_has_wilsons_interval(rng):
    units = resamples(60, rng=rng, replicates=20)

    for name, task in MEMBERS:
        of = EVERY[name].of
        if isinstance(of, Cells) and of.share is not None and task != "multilabel":
            assert measure(EVERY[name], made(task, rng), units=units).method == "wilson", name


# Before the labels arrive ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("task", "table"), [("binary", tally.BINARY), ("multiclass", tally.MULTICLASS)])
def test_what_is_estimated_before_the_labels_arrive_is_what_is_measured_after(task, table, rng):
    rows = made(task, rng)
    counted = tally.of_labels(rows.labels, predictions=rows.said, ranks=tally.ranks(rows.scores))

    for name, estimated in table.items():
        metric = METRICS[name]
        assert float(estimated.value(counted)) == pytest.approx(value_of(metric, rows)), name
        assert estimated.better == metric.better, name
        assert metric.needs.startswith(estimated.needs), name
