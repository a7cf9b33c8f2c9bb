"""Metrics of rankings: by hand, against scikit-learn, against every order of ties, and queries that have no value."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given
from hypothesis import strategies as st

from assay.evaluation.metrics import ranking
from assay.evaluation.metrics.measuring import drawn, measure, value_of
from assay.evaluation.metrics.ranking import NUMBERED, RANKING
from assay.evaluation.predictions import Predictions
from assay.stats.resampling import resamples

# What each is of one list of relevances in their order, without ties: the definition, one query at a time.
PLAIN = {
    "ndcg@": lambda rel, k: dcg([2**r - 1 for r in rel], k) / dcg(sorted((2**r - 1 for r in rel), reverse=True), k),
    "ndcg_linear@": lambda rel, k: dcg(rel, k) / dcg(sorted(rel, reverse=True), k),
    "map@": lambda rel, k: (
        sum(hits(rel, i + 1) / (i + 1) for i in range(min(k, len(rel))) if rel[i] > 0) / min(k, hits(rel, len(rel)))
    ),
    "mrr@": lambda rel, k: next((1 / (i + 1) for i, r in enumerate(rel[:k]) if r > 0), 0.0),
    "precision@": lambda rel, k: hits(rel, k) / k,
    "recall@": lambda rel, k: hits(rel, k) / hits(rel, len(rel)),
    "hit_rate@": lambda rel, k: float(hits(rel, k) > 0),
}
FAMILIES = {family.before: family.of for family in NUMBERED}


def dcg(gains, k):
    return sum(gain / np.log2(i + 2) for i, gain in enumerate(gains[:k]))


def hits(rel, k):
    return sum(r > 0 for r in rel[:k])


def documents(relevance, scores, query=None, **more) -> Predictions:
    relevance = np.asarray(relevance, dtype=np.float64)
    query = np.zeros(len(relevance), dtype=np.int64) if query is None else np.asarray(query)
    scores = np.asarray(scores, dtype=np.float64)[:, None]
    return Predictions("ranking", relevance, None, scores, ("relevant",), False, query=query, **more)


def in_order(relevance) -> Predictions:
    return documents(relevance, -np.arange(len(relevance)))


# By hand --------------------------------------------------------------------------------------------------------------


def test_ndcg_of_the_textbooks_six_documents():
    # Gains 7, 3, 7, 0, 1, 3 over log₂ of 2 to 7: 7 + 1.8928 + 3.5 + 0 + 0.3869 + 1.0686 = 13.8483; the best order, 7, 7, 3, 3,
    # 1, 0, has 7 + 4.4165 + 1.5 + 1.2920 + 0.3869 + 0 = 14.5954. Linear gains: 6.8611 / 7.1410.
    rows = in_order([3, 2, 3, 0, 1, 2])

    assert value_of(ranking.ndcg(6), rows) == pytest.approx(13.8483 / 14.5954, abs=1e-5)
    assert value_of(ranking.ndcg_linear(6), rows) == pytest.approx(6.8611 / 7.1410, abs=1e-5)


def test_the_figures_of_a_small_list():
    rows = in_order([0, 1, 1, 0, 1])  # relevant documents at the ranks 2, 3 and 5

    assert value_of(RANKING["map"], rows) == pytest.approx((1 / 2 + 2 / 3 + 3 / 5) / 3)
    assert value_of(ranking.average_precision(2), rows) == pytest.approx((1 / 2) / 2)
    assert value_of(RANKING["mrr"], rows) == 0.5
    assert value_of(ranking.reciprocal_rank(1), rows) == 0.0
    assert value_of(ranking.precision(3), rows) == pytest.approx(2 / 3)
    assert value_of(ranking.recall(3), rows) == pytest.approx(2 / 3)
    assert value_of(ranking.hit_rate(1), rows) == 0.0
    assert value_of(ranking.hit_rate(2), rows) == 1.0


def test_a_query_of_fewer_documents_than_k_is_over_k():
    assert value_of(ranking.precision(5), in_order([1, 1, 1])) == pytest.approx(3 / 5)


# Oracles --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3, 10, 100])
@pytest.mark.parametrize("ties", [False, True])
def test_ndcg_agrees_with_scikit_learn(k: int, ties: bool, rng: np.random.Generator):
    relevance = rng.integers(0, 5, (30, 20)) * (rng.random((30, 20)) < 0.4)
    relevance[:, 0] = 1  # scikit-learn has 0 for a query without a relevant document, and we leave it out
    scores = rng.integers(0, 4, (30, 20)).astype(float) if ties else rng.normal(size=(30, 20))
    rows = documents(relevance.ravel(), scores.ravel(), np.repeat(np.arange(30), 20))

    assert value_of(ranking.ndcg_linear(k), rows) == pytest.approx(oracle.ndcg_score(relevance, scores, k=k), rel=1e-12)
    assert value_of(ranking.ndcg(k), rows) == pytest.approx(
        oracle.ndcg_score(2.0**relevance - 1, scores, k=k), rel=1e-12
    )


def test_average_precision_agrees_with_scikit_learn(rng: np.random.Generator):
    relevance = (rng.random((40, 15)) < 0.3).astype(int)
    relevance[:, 3] = 1
    scores = rng.normal(size=(40, 15))
    each = [oracle.average_precision_score(relevance[i], scores[i]) for i in range(40)]
    rows = documents(relevance.ravel(), scores.ravel(), np.repeat(np.arange(40), 15))

    assert value_of(RANKING["map"], rows) == pytest.approx(np.mean(each), rel=1e-12)


def test_every_family_has_a_plain_definition():
    assert set(PLAIN) == set(FAMILIES)


@pytest.mark.parametrize("before", PLAIN)
@given(data=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6), k=st.integers(1, 7))
def test_a_metric_of_ties_is_its_mean_over_all_their_orders(before: str, data, k: int):
    data = [*data, (1, 1)]  # one document is relevant
    orders = [
        order for order in permutations(data) if [s for _, s in order] == sorted((s for _, s in data), reverse=True)
    ]
    expected = np.mean([PLAIN[before]([r for r, _ in order], k) for order in orders])

    seen = value_of(FAMILIES[before](k), documents([r for r, _ in data], [s for _, s in data]))

    assert seen == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("before", PLAIN)
def test_a_model_that_scores_all_the_same_has_what_chance_has(before: str, rng: np.random.Generator):
    relevance = rng.integers(0, 3, 12)
    chance = [value_of(FAMILIES[before](4), documents(relevance, rng.random(12))) for _ in range(1500)]

    seen = value_of(FAMILIES[before](4), documents(relevance, np.zeros(12)))

    assert seen == pytest.approx(np.mean(chance), abs=4.5 * np.std(chance) / np.sqrt(1500) + 1e-12)


@pytest.mark.parametrize("before", PLAIN)
def test_the_order_of_the_rows_does_not_matter(before: str, rng: np.random.Generator):
    rows = documents(
        rng.integers(0, 3, 200), rng.integers(0, 5, 200), rng.integers(0, 20, 200), weights=rng.random(200)
    )
    metric = FAMILIES[before](3)

    assert value_of(metric, rows.at(rng.permutation(200))) == pytest.approx(value_of(metric, rows), rel=1e-12)


# Queries --------------------------------------------------------------------------------------------------------------


def test_a_query_without_a_relevant_document_is_left_out_and_counted():
    rows = documents([1, 0, 0, 0, 0, 2], [2, 1, 2, 1, 2, 1], query=[0, 0, 1, 1, 2, 2])
    units = resamples(6, rng=np.random.default_rng(1), replicates=20, entities=rows.query)

    seen = measure(RANKING["mrr"], rows, units=units)

    assert seen.value == pytest.approx((1 + 1 / 2) / 2)
    assert "1 of 3 queries have no relevant document and are left out" in seen.why


def test_no_relevant_document_at_all_is_undefined():
    seen = measure(RANKING["ndcg"], in_order([0, 0]), units=resamples(2, rng=np.random.default_rng(1), replicates=5))

    assert seen.value is None
    assert seen.why == "no query has a relevant document"


def test_a_negative_relevance_is_refused():
    seen = measure(RANKING["ndcg"], in_order([1, -1]), units=resamples(2, rng=np.random.default_rng(1), replicates=5))

    assert seen.value is None
    assert seen.why == "1 of 2 documents have a relevance below 0; a relevance is 0 or more"


def test_a_query_weighs_as_much_as_its_documents_on_average():
    rows = documents([1, 0, 0, 1], [2, 1, 2, 1], query=[0, 0, 1, 1], weights=np.array([2.0, 4.0, 0.0, 2.0]))

    # Reciprocal ranks 1 and ½, of queries that weigh 3 and 1.
    assert value_of(RANKING["mrr"], rows) == pytest.approx((3 * 1 + 1 * 0.5) / 4)


def test_a_query_of_weight_zero_counts_nothing():
    rows = documents([1, 0, 0, 1], [2, 1, 2, 1], query=[0, 0, 1, 1], weights=np.array([1.0, 1.0, 0.0, 0.0]))

    assert value_of(RANKING["mrr"], rows) == 1.0


def test_great_relevances_do_not_overflow():
    assert value_of(RANKING["ndcg"], in_order([2000, 1999])) == 1.0
    assert value_of(RANKING["ndcg"], in_order([1999, 2000])) == pytest.approx(
        (0.5 + 1 / np.log2(3)) / (1 + 0.5 / np.log2(3))
    )


def test_resampled_queries_spread_as_the_mean_of_queries_does(rng: np.random.Generator):
    query = np.repeat(np.arange(300), 8)
    rows = documents(rng.integers(0, 2, 2400), rng.random(2400), query)
    metric = RANKING["mrr"]
    values = [value_of(metric, rows.at(query == q)) for q in range(300)]
    known = [value for value in values if not np.isnan(value)]

    draws = drawn(metric, rows, resamples(2400, rng=rng, replicates=2000, entities=query))

    assert draws.replicates.std() == pytest.approx(np.std(known) / np.sqrt(len(known)), rel=0.08)  # 5 · 1/√4,000
