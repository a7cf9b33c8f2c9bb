"""Metrics from sums: of labels they are scikit-learn's, of probabilities they are what brute force expects."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from assay.evaluation.estimation import tally as sums
from assay.evaluation.estimation.tally import BINARY, MULTICLASS, Tally

SKLEARN = {
    "auc": lambda y, said, s: sklearn.metrics.roc_auc_score(y, s[:, 1]),
    "accuracy": lambda y, said, s: sklearn.metrics.accuracy_score(y, said),
    "precision": lambda y, said, s: sklearn.metrics.precision_score(y, said),
    "recall": lambda y, said, s: sklearn.metrics.recall_score(y, said),
    "f1": lambda y, said, s: sklearn.metrics.f1_score(y, said),
    "macro_auc": lambda y, said, s: sklearn.metrics.roc_auc_score(y, s, multi_class="ovr", average="macro"),
    "macro_precision": lambda y, said, s: sklearn.metrics.precision_score(y, said, average="macro"),
    "macro_recall": lambda y, said, s: sklearn.metrics.recall_score(y, said, average="macro"),
    "macro_f1": lambda y, said, s: sklearn.metrics.f1_score(y, said, average="macro"),
}


def rows_of(
    rng: np.random.Generator, *, n: int, k: int, decimals: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, predictions and scores that know something of the labels, with ties."""
    labels = rng.integers(0, k, n)
    scores = rng.dirichlet(np.ones(k), n) + (labels[:, None] == np.arange(k)) * 0.4
    scores = np.round(scores / scores.sum(1, keepdims=True), decimals)
    scores[:, 0] = 1 - scores[:, 1:].sum(1)
    return labels, scores.argmax(1), scores


def test_every_metric_has_an_oracle():
    assert set(BINARY) | set(MULTICLASS) == set(SKLEARN)


@pytest.mark.parametrize("name", BINARY)
def test_a_binary_metric_of_labels_is_scikit_learns(name: str, rng: np.random.Generator):
    labels, said, scores = rows_of(rng, n=300, k=2)

    tally = sums.of_labels(labels, predictions=said, ranks=sums.ranks(scores))

    assert float(BINARY[name].value(tally)) == pytest.approx(SKLEARN[name](labels, said, scores), abs=1e-12)


@pytest.mark.parametrize("name", MULTICLASS)
def test_a_multiclass_metric_of_labels_is_scikit_learns(name: str, rng: np.random.Generator):
    labels, said, scores = rows_of(rng, n=300, k=4, decimals=12)

    tally = sums.of_labels(labels, predictions=said, ranks=sums.ranks(scores))

    assert float(MULTICLASS[name].value(tally)) == pytest.approx(SKLEARN[name](labels, said, scores), abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0.01, 0.99)), min_size=2, max_size=12))
def test_the_expected_auc_is_the_expected_concordance_of_all_pairs(rows: list[tuple[int, float]]):
    score, p = np.array([s / 4 for s, _ in rows]), np.array([p for _, p in rows])
    pairs = list(itertools.permutations(range(len(rows)), 2))
    concordant = sum(p[i] * (1 - p[j]) * ((score[i] > score[j]) + 0.5 * (score[i] == score[j])) for i, j in pairs)
    all_pairs = sum(p[i] * (1 - p[j]) for i, j in pairs)

    tally = sums.of_probabilities(
        np.column_stack([1 - p, p]), predictions=None, ranks=sums.ranks(np.column_stack([1 - score, score]))
    )

    assert float(BINARY["auc"].value(tally)) == pytest.approx(concordant / all_pairs, abs=1e-9)


def test_the_expected_precision_is_that_of_all_labels_that_could_be():
    # Three rows are predicted positive, with probabilities 0.9, 0.6 and 0.2: (0.9 + 0.6 + 0.2) / 3.
    p = np.array([0.9, 0.6, 0.2, 0.3])
    said = np.array([1, 1, 1, 0])
    each = list(itertools.product([0, 1], repeat=4))
    chance = [np.prod(np.where(y, p, 1 - p)) for y in each]
    expected = sum(c * (np.array(y) * said).sum() / 3 for y, c in zip(each, chance, strict=True))

    tally = sums.of_probabilities(np.column_stack([1 - p, p]), predictions=said, ranks=np.zeros((4, 2)))

    assert float(BINARY["precision"].value(tally)) == pytest.approx(expected) == pytest.approx(1.7 / 3)


@given(st.lists(st.integers(0, 6), min_size=0, max_size=40))
def test_midranks_are_scipys(values: list[int]):
    found = sums.midranks(np.array(values, dtype=np.float64))

    assert found.tolist() == scipy.stats.rankdata(values).tolist()


def test_ranks_of_two_classes_mirror_each_other(rng: np.random.Generator):
    score = np.round(rng.uniform(size=50), 1)

    found = sums.ranks(np.column_stack([1 - score, score]))

    assert found[:, 0].tolist() == scipy.stats.rankdata(-score).tolist()
    assert found[:, 1].tolist() == scipy.stats.rankdata(score).tolist()


def test_a_macro_metric_leaves_out_a_class_for_which_it_is_undefined():
    # Class 2 is never predicted: its precision is undefined, those of the others are 2/2 and 1/2.
    labels, said = np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1])

    tally = sums.of_labels(labels, predictions=said, ranks=np.zeros((4, 3)))

    assert float(MULTICLASS["macro_precision"].value(tally)) == pytest.approx((1 + 0.5) / 2)


@pytest.mark.parametrize("name", ["auc", "precision", "recall", "f1"])
def test_nothing_to_divide_by_is_undefined(name: str):
    nothing = np.zeros(2)
    tally = Tally(3, nothing, nothing, nothing, nothing, nothing)

    assert np.isnan(BINARY[name].value(tally))
