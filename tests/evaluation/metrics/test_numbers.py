"""Metrics of numbers against scikit-learn and SciPy, by hand, on what they are undefined of, and by their coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics as oracle

from assay.errors import UsageError
from assay.evaluation.metrics.error_quantiles import error_quantile
from assay.evaluation.metrics.measuring import drawn, measure, value_of
from assay.evaluation.metrics.numbers import NUMBERED, NUMBERS, within
from assay.evaluation.predictions import Predictions
from assay.stats.resampling import bca, resamples

ORACLES = {
    "mae": oracle.mean_absolute_error,
    "mse": oracle.mean_squared_error,
    "rmse": oracle.root_mean_squared_error,
    "median_error": oracle.median_absolute_error,
    "max_error": oracle.max_error,
    "bias": lambda y, f, sample_weight=None: np.average(np.subtract(f, y), weights=sample_weight),
    "mape": oracle.mean_absolute_percentage_error,
    "smape": lambda y, f, sample_weight=None: np.average(2 * np.abs(f - y) / (abs(y) + abs(f)), weights=sample_weight),
    "wape": lambda y, f, sample_weight=None: (
        np.average(np.abs(f - y), weights=sample_weight) / np.average(np.abs(y), weights=sample_weight)
    ),
    "r2": oracle.r2_score,
    "explained_variance": oracle.explained_variance_score,
    "pearson": lambda y, f, sample_weight=None: weighted_correlation(f, y, sample_weight),
    "spearman": lambda y, f, sample_weight=None: weighted_correlation(
        weighted_ranks(f, sample_weight), weighted_ranks(y, sample_weight), sample_weight
    ),
    "msle": oracle.mean_squared_log_error,
    "rmsle": oracle.root_mean_squared_log_error,
    "poisson_deviance": oracle.mean_poisson_deviance,
    "gamma_deviance": oracle.mean_gamma_deviance,
}
UNWEIGHTED = {"max_error"}  # scikit-learn's takes no weights: a weight above 0 changes nothing


def weighted_correlation(x, y, weights):
    return np.corrcoef(np.repeat(x, times(weights, x)), np.repeat(y, times(weights, y)))[0, 1]


def weighted_ranks(values, weights):
    """Return the mean rank of each value among all, each as often as its weight says."""
    every = np.repeat(values, times(weights, values))
    return np.array([(every < value).sum() + (every == value).sum() / 2 for value in values])


def times(weights, values):
    return np.ones(len(values), dtype=int) if weights is None else np.asarray(weights, dtype=int)


def regression(labels, predictions, **more) -> Predictions:
    return Predictions(
        "regression", np.asarray(labels, dtype=np.float64), np.asarray(predictions, dtype=np.float64), **more
    )


def value(name: str, labels, predictions, **more) -> float:
    return value_of(NUMBERS[name], regression(labels, predictions, **more))


# Oracles --------------------------------------------------------------------------------------------------------------


def test_every_metric_of_numbers_has_an_oracle():
    assert set(ORACLES) == set(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("ties", [False, True])
def test_a_metric_agrees_with_its_oracle(name: str, ties: bool, rng: np.random.Generator):
    labels, said = rng.gamma(2, 3, 300) + 0.1, rng.gamma(2, 3, 300) + 0.1
    labels, said = (np.ceil(labels), np.ceil(said)) if ties else (labels, said)

    assert value(name, labels, said) == pytest.approx(ORACLES[name](labels, said), rel=1e-12)


@pytest.mark.parametrize("name", sorted(set(NUMBERS) - UNWEIGHTED))
def test_a_weighted_metric_agrees_with_its_oracle(name: str, rng: np.random.Generator):
    labels, said = rng.gamma(2, 3, 200).round(1) + 0.1, rng.gamma(2, 3, 200).round(1) + 0.1
    weights = rng.integers(0, 4, 200).astype(np.float64)

    seen = value(name, labels, said, weights=weights)

    assert seen == pytest.approx(ORACLES[name](labels, said, sample_weight=weights), rel=1e-11)


def test_rank_correlation_agrees_with_scipy_on_ties(rng: np.random.Generator):
    labels, said = rng.integers(0, 6, 500), rng.integers(0, 4, 500)

    assert value("spearman", labels, said) == pytest.approx(scipy.stats.spearmanr(said, labels).statistic, abs=1e-13)


@pytest.mark.parametrize("q", [0.05, 0.5, 0.9])
def test_a_quantile_of_the_error_agrees_with_numpy(q: float, rng: np.random.Generator):
    labels, said = rng.normal(size=401), rng.normal(size=401)

    seen = value_of(error_quantile(q), regression(labels, said))

    assert seen == np.quantile(np.abs(labels - said), q, method="averaged_inverted_cdf")


# By hand --------------------------------------------------------------------------------------------------------------


def test_the_figures_of_four_rows():
    labels, said = [1, 2, 4, 8], [2, 2, 2, 9]  # errors 1, 0, -2, 1

    assert value("mae", labels, said) == 1.0  # 4 / 4
    assert value("mse", labels, said) == 1.5  # 6 / 4
    assert value("bias", labels, said) == 0.0
    assert value("median_error", labels, said) == 1.0
    assert value("mape", labels, said) == pytest.approx((1 + 0 + 0.5 + 0.125) / 4)
    assert value("wape", labels, said) == pytest.approx(4 / 15)
    assert value("smape", labels, said) == pytest.approx((2 / 3 + 0 + 4 / 6 + 2 / 17) / 4)
    assert value("r2", labels, said) == pytest.approx(1 - 6 / 28.75)  # the mean label is 3.75


def test_a_share_within_a_distance_has_wilsons_interval():
    seen = measure(
        within(1), regression([0] * 10, [0.5] * 8 + [2] * 2), units=resamples(10, rng=np.random.default_rng(1))
    )

    assert seen.value == 0.8
    assert (round(seen.low, 4), round(seen.high, 4)) == (0.4902, 0.9433)  # Wilson's, of 8 in 10
    assert seen.method == "wilson"


# Undefined is said ----------------------------------------------------------------------------------------------------


def said_of(name: str, labels, predictions):
    rows = regression(labels, predictions)
    return measure(NUMBERS[name], rows, units=resamples(rows.n, rng=np.random.default_rng(1), replicates=20))


@pytest.mark.parametrize(
    ("name", "labels", "predictions", "why"),
    [
        ("mape", [0, 1, 0], [1, 1, 1], "2 of 3 labels are 0, and a percentage of 0 is undefined"),
        ("wape", [0, 0], [1, 1], "all labels are 0"),
        ("r2", [0.1, 0.1, 0.1], [1, 2, 3], "all labels are equal"),
        ("explained_variance", [7, 7], [1, 2], "all labels are equal"),
        ("pearson", [1, 2, 3], [5, 5, 5], "all labels, or all predictions, are equal"),
        ("spearman", [1, 2, 3], [5, 5, 5], "all labels, or all predictions, are equal"),
        ("rmsle", [-1, 2], [0, -3], "1 of 2 labels are -1 or less and 1 of 2 predictions are -1 or less"),
        ("poisson_deviance", [0, 2], [0, 1], "1 of 2 predictions are 0 or less"),
        ("gamma_deviance", [0, 2], [1, 1], "1 of 2 labels are 0 or less"),
        ("mae", [], [], "there are no rows"),
    ],
)
def test_what_is_undefined_says_why(name: str, labels, predictions, why: str):
    seen = said_of(name, labels, predictions)

    assert seen.value is None
    assert why in seen.why


def test_draws_of_what_is_undefined_are_undefined_and_warn_of_nothing():
    rows = regression([0.0, -2.0, 3.0], [0.0, -1.0, 0.0])
    units = resamples(3, rng=np.random.default_rng(1), replicates=5)

    seen = [drawn(NUMBERS[name], rows, units).value for name in ("mape", "rmsle", "poisson_deviance", "gamma_deviance")]

    assert np.isnan(seen).all()


def test_mape_says_that_labels_near_zero_decide_it():
    labels = np.concatenate([np.full(198, 10.0), [0.001, 0.001]])

    seen = said_of("mape", labels, labels + 1.0)

    assert seen.value == pytest.approx((198 * 0.1 + 2 * 1000) / 200)
    assert seen.why == "99% of it are 2 of 200 rows, with labels of about 0.001"  # 2000 / 2019.8


def test_smape_says_what_zeros_count():
    seen = said_of("smape", [0, 0, 10], [0, 0.1, 10])

    assert seen.value == pytest.approx(2 / 3)
    assert "1 of 3 labels and their predictions are both 0 and count as no error" in seen.why
    assert "1 of 3 labels are 0 and count as 2" in seen.why


def test_a_percentage_prefers_predictions_that_are_too_low():
    assert value("mape", [10], [0]) == 1.0
    assert value("mape", [10], [30]) == 2.0
    assert value("smape", [10], [5]) > value("smape", [10], [15])


@pytest.mark.parametrize("shift", [0.0, 1e8])
def test_the_share_explained_does_not_depend_on_where_the_labels_lie(shift: float, rng: np.random.Generator):
    labels = rng.normal(size=100)
    said = labels + rng.normal(0, 0.5, 100)

    assert value("r2", labels + shift, said + shift) == pytest.approx(value("r2", labels, said), abs=1e-6)


def test_a_number_that_is_no_share_is_refused():
    with pytest.raises(UsageError, match="a quantile is of a share between 0 and 1"):
        error_quantile(1.0)


def test_the_names_with_numbers_give_their_metrics():
    assert {family.name for family in NUMBERED} == {"error_quantile@q", "within@x"}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("size", [1e-300, 1.0, 1e100])
def test_predictions_without_an_error_warn_of_nothing(name: str, size: float):
    labels = np.arange(1.0, 31.0) * size

    seen = said_of(name, labels, labels)

    assert seen.value == pytest.approx({"r2": 1, "explained_variance": 1, "pearson": 1, "spearman": 1}.get(name, 0))


# Intervals ------------------------------------------------------------------------------------------------------------


def test_the_greatest_error_has_a_least_and_no_greatest_end():
    seen = said_of("max_error", [0, 0, 0], [1, -5, 2])

    assert (seen.value, seen.low, seen.high) == (5.0, 5.0, None)


def test_the_greatest_error_has_no_resamples():
    draws = drawn(
        NUMBERS["max_error"], regression([0, 0], [1, 2]), resamples(2, rng=np.random.default_rng(1), replicates=3)
    )

    assert draws.value == 2.0
    assert np.isnan(draws.replicates).all()


def test_the_interval_of_the_median_error_lies_between_order_statistics():
    seen = said_of("median_error", np.zeros(11), np.arange(11))

    # Wilson's interval of 5.5 in 11 is 0.254 to 0.746; the shares of 11 rows that reach it are the 3rd and the 9th.
    assert (seen.low, seen.value, seen.high) == (2.0, 5.0, 8.0)
    assert seen.method == "order statistics"


def test_a_median_error_of_entities_is_drawn_by_entity(rng: np.random.Generator):
    entity = np.repeat(np.arange(40), 25)
    errors = np.repeat(rng.exponential(1, 40), 25)  # the rows of an entity all have its error
    rows = regression(np.zeros(1000), errors)

    alone = measure(NUMBERS["median_error"], rows, units=resamples(1000, rng=rng))
    together = measure(NUMBERS["median_error"], rows, units=resamples(1000, rng=rng, entities=entity))

    assert together.high - together.low > 2.5 * (alone.high - alone.low)  # √25 = 5 times, were it a mean


def test_binned_draws_of_a_median_are_those_of_all_errors(rng: np.random.Generator):
    rows = regression(np.zeros(5000), rng.exponential(1, 5000))
    units = resamples(5000, rng=rng, replicates=300)
    exact = [NUMBERS["median_error"].of.value(rows, times[units.of_row]) for times in units.times]

    seen = drawn(NUMBERS["median_error"], rows, units)

    # A bin holds a thousandth of the rows: about 0.001 / the density ½ is how far a straight line through it may be off.
    assert seen.value == np.median(np.abs(rows.errors))
    assert np.abs(seen.replicates - exact).max() < 0.004
    assert seen.replicates.std() == pytest.approx(np.std(exact), rel=0.03)


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_the_draws_of_a_rank_correlation_spread_as_those_that_rank_anew(rho: float, rng: np.random.Generator):
    x = rng.normal(size=300)
    rows = regression(x, rho * x + math.sqrt(1 - rho**2) * rng.normal(size=300))
    units = resamples(300, rng=rng, replicates=1500)
    anew = [
        scipy.stats.spearmanr(np.repeat(rows.said, t.astype(int)), np.repeat(rows.labels, t.astype(int))).statistic
        for t in units.times
    ]

    seen = drawn(NUMBERS["spearman"], rows, units)

    # The same resamples, so that only the linear approximation differs: it is off by terms of 1/n.
    assert np.arctanh(seen.replicates).std() == pytest.approx(np.arctanh(anew).std(), rel=0.08)
    assert np.corrcoef(seen.replicates, anew)[0, 1] > 0.98


def test_the_interval_of_a_rank_correlation_covers_at_its_rate(rng: np.random.Generator):
    rho = 6 / math.pi * math.asin(0.6 / 2)  # of normal values with a linear correlation of 0.6
    hits = 0
    for _ in range(400):
        x = rng.normal(size=100)
        rows = regression(x, 0.6 * x + 0.8 * rng.normal(size=100))
        low, high = bca(drawn(NUMBERS["spearman"], rows, resamples(100, rng=rng, replicates=400)))
        hits += low <= rho <= high

    assert scipy.stats.binom.cdf(hits, 400, 0.93) > 1e-4  # at n = 100 BCa is a point or two below its rate


def test_the_interval_of_the_median_error_covers_at_its_rate(rng: np.random.Generator):
    hits = 0
    for _ in range(2000):
        rows = regression(np.zeros(60), rng.exponential(1, 60))
        low, high = NUMBERS["median_error"].closed(rows, 0.95)
        hits += low <= math.log(2) <= high

    assert scipy.stats.binom.cdf(hits, 2000, 0.945) > 1e-4
    assert scipy.stats.binom.sf(hits, 2000, 0.975) > 1e-4
