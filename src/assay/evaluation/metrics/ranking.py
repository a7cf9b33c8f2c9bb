"""Metrics of rankings: how high the relevant documents of a query stand, as means over queries.

Documents with the same score stand in no order: a metric is then its mean over all orders of them, so that a model that
gives every document one score has what chance has. A query without a relevant document has no value and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.columns import Task
from assay.evaluation.metrics.means import counted
from assay.evaluation.metrics.metric import Metric, Sums, mean_of_sums, ratio
from assay.evaluation.metrics.numbered import Numbered
from assay.evaluation.predictions import Predictions

__all__ = [
    "NUMBERED", "RANKING", "average_precision", "hit_rate", "ndcg", "ndcg_linear", "precision", "recall", "reciprocal_rank",
]  # fmt: skip

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_OF: tuple[Task, ...] = ("ranking",)
_ALL = math.inf


@dataclass(frozen=True, slots=True)
class Order:
    """The n documents of m queries in the order of a number, queries one after another, the greatest number first.

    `rows` are the documents' row numbers in that order, `query` the place of each one's query in [0, m), `rank` counts from 1
    within it. Documents of a query with the same number are a group: `group` is its place among all groups, `start` the
    rank before its first, `size` how many it has.
    """

    rows: Codes
    query: Codes
    rank: Codes
    group: Codes
    start: Codes
    size: Codes

    def over_group(self, numbers: Floats) -> Floats:
        """Return for each document the sum of the numbers of its group, n numbers in this order."""
        return np.asarray(np.bincount(self.group, weights=numbers)[self.group])

    def per_query(self, numbers: Floats) -> Floats:
        """Return the sum of the numbers of each query, m numbers."""
        return np.asarray(np.bincount(self.query, weights=numbers), dtype=np.float64)


def _order(query: Codes, number: Floats) -> Order:
    rows = np.lexsort((-number, query))
    q, x = query[rows], number[rows]
    place = np.arange(len(rows))
    new_query = np.concatenate([[True], q[1:] != q[:-1]])[: len(rows)]
    new_group = new_query | np.concatenate([[True], x[1:] != x[:-1]])[: len(rows)]
    of_query, group = np.cumsum(new_query) - 1, np.cumsum(new_group) - 1
    before_query, before_group = np.flatnonzero(new_query), np.flatnonzero(new_group)
    rank = place - before_query[of_query] + 1
    start = before_group[group] - before_query[of_query]
    return Order(rows, of_query, rank, group, start, np.bincount(group)[group] if len(rows) else place)


PerQuery = Callable[[Order, Floats], Floats]


def _queries(rows: Predictions) -> Codes:
    return np.zeros(rows.n, dtype=np.int64) if rows.query is None else rows.query


def _by_query(value: PerQuery) -> Sums:
    """Return the mean over queries of a value of each, as sums over documents.

    The value and a one stand at the heaviest document of the query, times the mean weight of its documents over that one's:
    a query counts as much as its documents do on average. Queries without a relevant document stand nowhere.
    """

    def numbers(rows: Predictions) -> Floats:
        if rows.scores is None or not rows.n:
            return np.full((rows.n, 2), np.nan)
        order = _order(_queries(rows), rows.scores[:, 0])
        relevance = np.asarray(rows.labels, dtype=np.float64)[order.rows]
        found = np.zeros((rows.n, 2))
        values = value(order, relevance)
        counts = order.per_query((relevance > 0).astype(np.float64)) > 0
        if rows.weights is None:
            at, factor = order.rows[order.rank == 1], np.ones(len(values))
        else:
            weights = rows.weights[order.rows]
            heavy = np.lexsort((-weights, order.query))[order.rank == 1]
            mean = ratio(order.per_query(weights), order.per_query(np.ones(rows.n)))
            at, factor = order.rows[heavy], np.nan_to_num(ratio(mean, weights[heavy]))
        found[at[counts], 0] = (values * factor)[counts]
        found[at[counts], 1] = factor[counts]
        return found

    return Sums(numbers, mean_of_sums)


# Values of a query ------------------------------------------------------------------------------------------------------


def _discount(rank: Codes, k: float) -> Floats:
    return np.where(rank <= k, 1 / np.log2(rank + 1.0), 0.0)


def _exponential(relevance: Floats, query: Codes) -> Floats:
    """Return 2^relevance - 1, of queries whose powers would overflow divided by the greatest of them."""
    top = np.zeros(int(query[-1]) + 1)
    np.maximum.at(top, query, relevance)
    down = np.where(top > 1000, top, 0.0)[query]
    return np.where(
        down > 0, np.exp2(relevance - down) - np.exp2(-down), np.expm1(np.minimum(relevance, 1000) * math.log(2))
    )


def _linear(relevance: Floats, query: Codes) -> Floats:
    return relevance


def _ndcg(gain: Callable[[Floats, Codes], Floats], k: float) -> PerQuery:
    def value(order: Order, relevance: Floats) -> Floats:
        gains = gain(relevance, order.query)
        mean = order.over_group(gains) / order.size
        best = gains[np.lexsort((-gains, order.query))]
        discount = _discount(order.rank, k)
        return ratio(order.per_query(mean * discount), order.per_query(best * discount))

    return value


def _relevant(order: Order, relevance: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how many relevant documents each document's group has, its query before the group, and each query, as arrays."""
    is_so = (relevance > 0).astype(np.float64)
    in_group, total = order.over_group(is_so), order.per_query(is_so)
    upto = np.cumsum(is_so)
    first = np.flatnonzero(np.diff(order.group, prepend=-1))
    before_group = (upto - is_so)[first][order.group]
    before_query = np.concatenate([[0.0], np.cumsum(total)[:-1]])[order.query]
    return in_group, before_group - before_query, total


def _average_precision(k: float) -> PerQuery:
    def value(order: Order, relevance: Floats) -> Floats:
        r, before, total = _relevant(order, relevance)
        j = order.rank - order.start  # the place within the group, from 1
        others = np.where(order.size > 1, (j - 1) * (r - 1) / np.maximum(order.size - 1, 1), 0.0)
        each = np.where((r > 0) & (order.rank <= k), r / order.size * (before + 1 + others) / order.rank, 0.0)
        return ratio(order.per_query(each), np.minimum(total, k))

    return value


def _precision(k: float) -> PerQuery:
    def value(order: Order, relevance: Floats) -> Floats:
        r, _, _ = _relevant(order, relevance)
        return order.per_query(np.where(order.rank <= k, r / order.size, 0.0)) / k

    return value


def _recall(k: float) -> PerQuery:
    def value(order: Order, relevance: Floats) -> Floats:
        r, _, total = _relevant(order, relevance)
        return ratio(order.per_query(np.where(order.rank <= k, r / order.size, 0.0)), total)

    return value


def _first_relevant(order: Order, relevance: Floats) -> Floats:
    """Return for each rank of a query how likely its first relevant document stands there.

    In a group of m documents with r relevant ones, the first of these is the j-th with probability C(m - j, r - 1) / C(m, r).
    """
    from scipy.special import gammaln

    r, before, _ = _relevant(order, relevance)
    m, j = order.size, order.rank - order.start
    may = (r > 0) & (before == 0) & (j <= m - r + 1)
    r, m, j = (np.where(may, x, 1.0) for x in (r, m, j))
    ways = (
        gammaln(m - j + 1) - gammaln(r) - gammaln(m - j - r + 2) - gammaln(m + 1) + gammaln(r + 1) + gammaln(m - r + 1)
    )
    return np.where(may, np.exp(ways), 0.0)


def _reciprocal_rank(k: float) -> PerQuery:
    def value(order: Order, relevance: Floats) -> Floats:
        return order.per_query(np.where(order.rank <= k, _first_relevant(order, relevance) / order.rank, 0.0))

    return value


def _hit(k: float) -> PerQuery:
    def value(order: Order, relevance: Floats) -> Floats:
        return np.minimum(order.per_query(np.where(order.rank <= k, _first_relevant(order, relevance), 0.0)), 1.0)

    return value


# The table --------------------------------------------------------------------------------------------------------------


def _negative(rows: Predictions) -> str:
    found = counted(np.asarray(rows.labels) < 0, "documents have a relevance below 0")
    return f"{found}; a relevance is 0 or more" if found else ""


def _left_out(rows: Predictions) -> str:
    """Say how many queries have no relevant document."""
    place = np.unique(_queries(rows), return_inverse=True)[1]
    without = np.bincount(place, weights=np.asarray(rows.labels) > 0) == 0
    found = counted(without, "queries have no relevant document")
    return f"{found} and are left out" if found else ""


def _metric(title: str, value: PerQuery, formula: str, source: str, caution: str = "") -> Metric:
    return Metric(
        title, _OF, _by_query(value), "no query has a relevant document", formula, source, needs="scores", caution=caution,
        refuse=_negative, remark=_left_out,
    )  # fmt: skip


def _at(k: float) -> str:
    return "" if k == _ALL else f" at {k:g}"


def ndcg(k: float = _ALL) -> Metric:
    """Return the normalised discounted cumulative gain of the first k documents, with the gain 2^relevance - 1.

    DCG / the DCG of the best order, with DCG = Σ (2^rel - 1) / log₂(1 + rank); in [0, 1]. scikit-learn's `ndcg_score` has the
    gain rel: that is `ndcg_linear`. Source: Burges et al. 2005.

    >>> ndcg(10).title
    'NDCG at 10'
    """
    return _metric(
        f"NDCG{_at(k)}", _ndcg(_exponential, k), "DCG / DCG of the best order; DCG = Σ (2^rel - 1) / log₂(1 + rank)", "Burges et al. 2005",
        "scikit-learn's ndcg_score has the gain rel in place of 2^rel - 1: here that is ndcg_linear",
    )  # fmt: skip


def ndcg_linear(k: float = _ALL) -> Metric:
    """Return the normalised discounted cumulative gain of the first k documents, with the relevance itself as the gain.

    It equals scikit-learn's `ndcg_score`, but for queries without a relevant document, which count 0 there.
    Source: Järvelin & Kekäläinen 2002.
    """
    return _metric(
        f"NDCG with linear gain{_at(k)}", _ndcg(_linear, k), "DCG / DCG of the best order; DCG = Σ rel / log₂(1 + rank)",
        "Järvelin & Kekäläinen 2002"
    )  # fmt: skip


def average_precision(k: float = _ALL) -> Metric:
    """Return the mean over queries of the precision at the rank of each relevant document among the first k.

    Divided by the number of relevant documents, or by k where that is less: a perfect order has 1. A document is relevant where its
    label is above 0. Of tied scores the mean over their orders is exact. Source: McSherry & Najork 2008.
    """
    return _metric(
        f"mean average precision{_at(k)}", _average_precision(k),
        "Σ precision at the rank of each relevant document ≤ k / min(relevant, k)",
        "McSherry & Najork 2008", "a document is relevant where its label is above 0; some divide by all relevant ones, even above k",
    )  # fmt: skip


def reciprocal_rank(k: float = _ALL) -> Metric:
    """Return the mean over queries of 1 / the rank of the first relevant document, 0 where none is among the first k.

    Source: Voorhees 1999; McSherry & Najork 2008 for ties.
    """
    return _metric(
        f"mean reciprocal rank{_at(k)}", _reciprocal_rank(k), "1 / rank of the first relevant document, its mean", "Voorhees 1999",
    )  # fmt: skip


def precision(k: float) -> Metric:
    """Return the share of relevant documents among the first k, its mean over queries; a query of fewer documents has k below too."""
    return _metric(
        f"precision{_at(k)}", _precision(k), "relevant documents at rank ≤ k / k", "Manning, Raghavan & Schütze 2008",
        "a query with fewer than k relevant documents cannot have 1",
    )  # fmt: skip


def recall(k: float) -> Metric:
    """Return the share of a query's relevant documents that are among the first k, its mean over queries."""
    return _metric(
        f"recall{_at(k)}", _recall(k), "relevant documents at rank ≤ k / relevant documents", "Manning, Raghavan & Schütze 2008",
        "a query with more than k relevant documents cannot have 1",
    )  # fmt: skip


def hit_rate(k: float) -> Metric:
    """Return the share of the queries with a relevant document among the first k."""
    return _metric(
        f"hit rate{_at(k)}", _hit(k), "queries with a relevant document at rank ≤ k / queries", "Deshpande & Karypis 2004"
    )  # fmt: skip


RANKING: Mapping[str, Metric] = {
    "ndcg": ndcg(), "ndcg_linear": ndcg_linear(), "map": average_precision(), "mrr": reciprocal_rank(),
}  # fmt: skip

NUMBERED = tuple(
    Numbered(f"{name}@", of, "k", (1, 10), low=1, whole=True)
    for name, of in (
        ("ndcg", ndcg), ("ndcg_linear", ndcg_linear), ("map", average_precision), ("mrr", reciprocal_rank),
        ("precision", precision), ("recall", recall), ("hit_rate", hit_rate),
    )
)  # fmt: skip
