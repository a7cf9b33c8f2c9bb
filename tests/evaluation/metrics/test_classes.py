"""Metrics of classes and of labels, against scikit-learn and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import sklearn.metrics as sk

from assay.evaluation.metrics.classes import CLASSES
from assay.evaluation.metrics.measuring import measure, value_of
from assay.evaluation.metrics.multilabel import MULTILABEL
from assay.evaluation.metrics.table import metric_of
from assay.evaluation.predictions import Predictions
from assay.stats.resampling import resamples
from evaluation.metrics.made import binary, made, multiclass, multilabel

Oracle = Callable[..., float]
NAN = {"zero_division": np.nan}


def prevalence(labels, said, *, sample_weight):
    return np.average(labels == 1, weights=sample_weight)


def selected(labels, said, *, sample_weight):
    return np.average(said == 1, weights=sample_weight)


def less(oracle: Oracle) -> Oracle:
    return lambda *given, **options: 1 - oracle(*given, **options)


PRECISION = partial(sk.precision_score, **NAN)
RECALL = partial(sk.recall_score, **NAN)
BINARY: dict[str, Oracle] = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "precision": PRECISION,
    "recall": RECALL,
    "specificity": partial(RECALL, pos_label=0),
    "negative_predictive_value": partial(PRECISION, pos_label=0),
    "false_positive_rate": less(partial(RECALL, pos_label=0)),
    "false_negative_rate": less(RECALL),
    "false_discovery_rate": less(PRECISION),
    "false_omission_rate": less(partial(PRECISION, pos_label=0)),
    "selection_rate": selected,
    "base_rate": prevalence,
    "f1": partial(sk.f1_score, **NAN),
    "f2": partial(sk.fbeta_score, beta=2, **NAN),
    "f0.5": partial(sk.fbeta_score, beta=0.5, **NAN),
    "mcc": sk.matthews_corrcoef,
    "kappa": sk.cohen_kappa_score,
}
AVERAGED = {
    f"{how}_{what}": partial(oracle, average=how, **NAN)
    for how in ("macro", "micro", "weighted")
    for what, oracle in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score))
}
MULTICLASS: dict[str, Oracle] = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
    "kappa": sk.cohen_kappa_score,
    "quadratic_kappa": partial(sk.cohen_kappa_score, weights="quadratic"),
    "macro_f2": partial(sk.fbeta_score, beta=2, average="macro", **NAN),
    **AVERAGED,
}
MULTILABEL_OF: dict[str, Oracle] = {
    "subset_accuracy": sk.accuracy_score,
    "hamming_loss": sk.hamming_loss,
    "jaccard": partial(sk.jaccard_score, average="samples"),
    "samples_precision": partial(sk.precision_score, average="samples", **NAN),
    "samples_recall": partial(sk.recall_score, average="samples", **NAN),
    "samples_f1": partial(sk.f1_score, average="samples", **NAN),
    "macro_f0.5": partial(sk.fbeta_score, beta=0.5, average="macro", **NAN),
    **AVERAGED,
}

# Where Assay differs from scikit-learn on purpose: what scikit-learn says of these labels and predictions, and why Assay does not.
ONE_CLASS, NONE_SAID = ([1, 1, 1], [1, 0, 1]), ([0, 1, 0], [0, 0, 0])
DIFFERS = {
    "precision": (NONE_SAID, sk.precision_score, 0.0, "nobody was selected, so none wrongly: there is nothing to judge"),
    "recall": (([0, 0], [0, 1]), sk.recall_score, 0.0, "there was nobody to find"),
    "f1": (([0, 0], [0, 0]), sk.f1_score, 0.0, "there was nobody to find, and nobody was selected"),
    "mcc": (NONE_SAID, sk.matthews_corrcoef, 0.0, "a constant has no correlation"),
    "balanced_accuracy": (ONE_CLASS, sk.balanced_accuracy_score, 2 / 3, "the recall of one class is not balanced against any other"),
}  # fmt: skip


def test_every_metric_of_classes_has_an_oracle():
    assert CLASSES.keys() <= BINARY.keys() | MULTICLASS.keys()
    assert MULTILABEL.keys() <= MULTILABEL_OF.keys() | {"label_ranking_precision"}


@pytest.mark.parametrize("name", BINARY)
def test_two_classes_agree_with_scikit_learn(name, rng):
    for n in (12, 200):
        rows, weights = made("binary", rng, n), rng.random(n)

        assert value_of(metric_of(name), rows) == pytest.approx(
            BINARY[name](rows.labels, rows.said, sample_weight=np.ones(n)), abs=1e-12
        )
        found = value_of(metric_of(name), binary(rows.labels, rows.positive, predictions=rows.said, weights=weights))
        assert found == pytest.approx(BINARY[name](rows.labels, rows.said, sample_weight=weights), abs=1e-12)


@pytest.mark.parametrize("name", MULTICLASS)
def test_several_classes_agree_with_scikit_learn(name, rng):
    for n in (15, 300):
        rows, weights = made("multiclass", rng, n), rng.random(n)
        found = value_of(metric_of(name), multiclass(rows.labels, rows.scores, predictions=rows.said, weights=weights))

        assert found == pytest.approx(MULTICLASS[name](rows.labels, rows.said, sample_weight=weights), abs=1e-12)


@pytest.mark.parametrize("name", MULTILABEL_OF)
def test_several_labels_agree_with_scikit_learn(name, rng):
    rows, weights = made("multilabel", rng, 200), rng.random(200)
    if name == "jaccard":  # scikit-learn counts a row without labels as 0, and has no other way
        rows = rows.at((rows.labels + rows.said).sum(1) > 0)
        weights = weights[: rows.n]
    found = value_of(metric_of(name), multilabel(rows.labels, rows.scores, weights=weights))

    assert found == pytest.approx(MULTILABEL_OF[name](rows.labels, rows.said, sample_weight=weights), abs=1e-12)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", DIFFERS)
def test_what_scikit_learn_calls_a_number_is_undefined(name):
    (labels, said), oracle, theirs, why = DIFFERS[name]
    rows = binary(labels, np.full(len(labels), 0.5), predictions=said)

    assert oracle(labels, said) == pytest.approx(theirs)
    assert math.isnan(value_of(metric_of(name), rows)), why


def test_a_class_that_is_never_predicted_leaves_the_macro_precision():
    """Precision of class 0: 1/2, of class 1: 1/1, of class 2: none. scikit-learn would count it as 0 and say 1/2."""
    rows = multiclass([0, 1, 2], np.eye(3), predictions=[0, 1, 0])

    assert value_of(metric_of("macro_precision"), rows) == pytest.approx((1 / 2 + 1) / 2)
    assert sk.precision_score([0, 1, 2], [0, 1, 0], average="macro", zero_division=0) == pytest.approx(1 / 2)


def test_the_micro_averages_of_classes_are_the_accuracy_with_its_interval(rng):
    rows = made("multiclass", rng, 100)
    units = resamples(100, rng=rng, replicates=10)

    said = {
        name: measure(metric_of(name), rows, units=units)
        for name in ("accuracy", "micro_precision", "micro_recall", "micro_f1")
    }

    assert len({(e.value, e.low, e.high, e.method) for e in said.values()}) == 1
    assert said["micro_f1"].method == "wilson"


def test_the_micro_averages_of_labels_have_no_interval_of_independent_rows(rng):
    rows = made("multilabel", rng, 100)

    assert measure(metric_of("micro_recall"), rows, units=resamples(100, rng=rng, replicates=200)).method == "bca"


def test_the_document_s_ten_rows():
    """Four of ten are positive; three of them are found, nobody wrongly: 9/10, 3/3, 3/4, 2·3/(2·3 + 1)."""
    rows = binary([0, 1, 0, 1, 0, 1, 0, 0, 1, 0], np.full(10, 0.5), predictions=[0, 1, 0, 0, 0, 1, 0, 0, 1, 0])

    said = [value_of(metric_of(name), rows) for name in ("accuracy", "precision", "recall", "f1")]

    assert said == pytest.approx([0.9, 1.0, 0.75, 6 / 7])


def test_quadratic_kappa_counts_how_far_a_class_is_off():
    """Each row one class off against each row three off, with labels and predictions spread alike."""
    near = multiclass([0, 1, 2, 3], np.eye(4), predictions=[1, 0, 3, 2])
    far = multiclass([0, 1, 2, 3], np.eye(4), predictions=[3, 2, 1, 0])

    assert value_of(metric_of("kappa"), near) == value_of(metric_of("kappa"), far) == pytest.approx(-1 / 3)
    assert value_of(metric_of("quadratic_kappa"), near) == pytest.approx(
        0.6
    )  # (1+1+1+1)/4 is 1; by chance Σᵢⱼ (i - j)²/16 is 2.5
    assert value_of(metric_of("quadratic_kappa"), far) == pytest.approx(-1.0)  # (9+1+1+9)/4 is 5


def test_a_rare_class_does_not_cost_the_correlation_its_digits():
    rows = binary([1, 0, 0], [0.9, 0.9, 0.1], predictions=[1, 1, 0], weights=[1e-12, 1e-12, 1.0])

    # In units of 1e-12: TP = FP = 1, FN = 0, TN = 1e12: (TP·TN) / √(2 · 1 · TN · (TN + 1)) = 1 / √2, but for 1e-12 of it.
    assert value_of(metric_of("mcc"), rows) == pytest.approx(1 / math.sqrt(2), abs=1e-11)


def test_only_the_order_of_the_classes_names_them(rng):
    """Labels are places in the classes, whatever these are called: texts, in an order that is not their alphabet's."""
    rows = made("multiclass", rng, 50)
    renamed = Predictions("multiclass", rows.labels, rows.said, rows.scores, ("z", "a", "é", ""))

    for name in MULTICLASS:
        assert value_of(metric_of(name), renamed) == value_of(metric_of(name), rows)


def test_the_base_rate_asks_for_no_prediction(rng):
    rows = Predictions("binary", np.array([1, 0, 0, 0]), None, classes=(0, 1))

    found = measure(metric_of("base_rate"), rows, units=resamples(4, rng=rng, replicates=5))

    assert found.value == 0.25
    assert found.method == "wilson"


def test_a_label_that_no_row_has_leaves_the_mean_over_labels():
    """Label a: TP 1, FN 1, FP 0; label b: nothing anywhere, so no recall, precision or F1."""
    rows = multilabel([[1, 0], [1, 0]], [[0.9, 0.1], [0.2, 0.3]])

    said = [value_of(metric_of(name), rows) for name in ("macro_recall", "macro_precision", "macro_f1", "micro_f1")]

    assert said == pytest.approx([0.5, 1.0, 2 / 3, 2 / 3])


def test_rows_without_labels_leave_the_mean_over_rows():
    """Row 1: labels {a, b}, predicted {a}; row 2: none, predicted {a}; row 3: neither has any."""
    rows = multilabel([[1, 1], [0, 0], [0, 0]], [[0.9, 0.1], [0.9, 0.1], [0.1, 0.1]])

    assert value_of(metric_of("jaccard"), rows) == pytest.approx((1 / 2 + 0) / 2)
    assert value_of(metric_of("samples_recall"), rows) == pytest.approx(1 / 2)
    assert value_of(metric_of("samples_precision"), rows) == pytest.approx((1 + 0) / 2)
    assert value_of(metric_of("samples_f1"), rows) == pytest.approx((2 / 3 + 0) / 2)
    assert value_of(metric_of("hamming_loss"), rows) == pytest.approx(2 / 6)
    assert value_of(metric_of("subset_accuracy"), rows) == pytest.approx(1 / 3)
