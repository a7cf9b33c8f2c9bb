"""Intervals against independent oracles, published examples, and their own promise: how often they hold the truth."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from assay.stats import intervals
from assay.stats.intervals import Interval, Sample

CONFIDENCES = st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999])


@given(n=st.integers(1, 100_000), share=st.floats(0, 1), confidence=CONFIDENCES)
def test_the_interval_of_a_share_is_scipys(n: int, share: float, confidence: float):
    part = round(n * share)

    mine = intervals.share(part, n, confidence=confidence)

    theirs = scipy.stats.binomtest(part, n).proportion_ci(confidence, method="wilson")
    assert mine == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_no_rows_say_nothing_of_a_share():
    assert intervals.share(0, 0) == Interval(0.0, 1.0)


def test_a_share_of_nothing_starts_at_nothing_and_one_of_all_ends_at_all():
    assert intervals.share(0, 10).low == 0.0
    assert intervals.share(10, 10).high == 1.0


@pytest.mark.parametrize("freedom", [1, 1.5, 3, 10, 29.7, 1000, 123_456, 5e6])
@pytest.mark.parametrize("p", [0.5, 0.75, 0.975, 0.9995])
def test_students_quantile_is_scipys(freedom: float, p: float):
    assert intervals.student_quantile(p, freedom) == pytest.approx(scipy.stats.t.ppf(p, freedom), rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("p", [1e-9, 0.025, 0.5, 0.84, 0.9999999])
def test_the_normal_quantile_is_scipys(p: float):
    assert intervals.normal_quantile(p) == pytest.approx(scipy.stats.norm.ppf(p), rel=1e-12, abs=1e-12)


def test_the_interval_of_a_mean_is_scipys(rng: np.random.Generator):
    x = rng.normal(5, 2, 17)

    mine = intervals.mean(sample_of(x), confidence=0.9)

    assert mine == pytest.approx(scipy.stats.t.interval(0.9, 16, x.mean(), scipy.stats.sem(x)))


def test_one_value_says_nothing_of_a_mean():
    assert intervals.mean(Sample(1, 3.0, 0.0)) == Interval(-math.inf, math.inf)


def test_the_interval_of_a_difference_of_means_is_welchs(rng: np.random.Generator):
    a, b = rng.normal(1, 1, 12), rng.normal(0, 5, 40)

    mine = intervals.mean_difference(sample_of(a), sample_of(b))

    theirs = scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert mine == pytest.approx((theirs.low, theirs.high))


def test_two_constants_differ_without_a_doubt():
    assert intervals.mean_difference(Sample(5, 3.0, 0.0), Sample(5, 1.0, 0.0)) == Interval(2.0, 2.0)


# Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10: the counts, and the interval.
NEWCOMBE = (
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((5, 56), (0, 29), (-0.0381, 0.1926)),
    ((10, 10), (0, 10), (0.6075, 1.0000)),
)


@pytest.mark.parametrize(("a", "b", "published"), NEWCOMBE)
def test_the_interval_of_a_difference_of_shares_is_newcombes(
    a: tuple[int, int], b: tuple[int, int], published: tuple[float, float]
):
    mine = intervals.difference(a[0] / a[1], intervals.share(*a), b[0] / b[1], intervals.share(*b))

    assert mine == pytest.approx(published, abs=1e-4)


def test_the_interval_of_a_correlation_is_scipys(rng: np.random.Generator):
    x = rng.normal(size=40)
    y = x + rng.normal(size=40)
    result = scipy.stats.pearsonr(x, y)

    mine = intervals.correlation(result.statistic, 40)

    theirs = result.confidence_interval(0.95)
    assert mine == pytest.approx((theirs.low, theirs.high))


def test_three_pairs_say_nothing_of_a_correlation():
    assert intervals.correlation(0.99, 3) == Interval(-1.0, 1.0)


def test_no_spread_says_nothing_of_a_standard_deviation():
    assert intervals.std(Sample(50, 1.0, 0.0)) == Interval(0.0, math.inf)


def test_the_interval_of_a_variance_is_that_of_the_standard_deviation_squared():
    sample = Sample(40, 0.0, 3.0, 0.4)

    low, high = intervals.std(sample)

    assert intervals.variance(sample) == pytest.approx((low * low, high * high))


def test_the_ratio_of_a_sample_to_itself_lies_around_one():
    low, high = intervals.ratio(Sample(100, 0.0, 2.0), Sample(100, 0.0, 2.0))

    assert low < 1 < high
    assert low * high == pytest.approx(1)


# Coverage: of 3,000 samples, how many give an interval that holds the truth. With a true coverage of 0.95 the count of
# misses is binomial(3000, 0.05): in 99.9 % of runs the share of hits lies within 0.95 ± 3.29·√(0.95·0.05/3000) = ± 0.0131.
TIMES, SLACK = 3000, 3.29 * math.sqrt(0.95 * 0.05 / 3000)
Draw = Callable[[np.random.Generator, int], np.ndarray]
DRAWS: dict[str, tuple[Draw, float, float]] = {  # how values are drawn, their mean and their standard deviation
    "normal": (lambda rng, n: rng.normal(size=(TIMES, n)), 0.0, 1.0),
    "even": (lambda rng, n: rng.random((TIMES, n)), 0.5, math.sqrt(1 / 12)),
    "exponential": (lambda rng, n: rng.exponential(size=(TIMES, n)), 1.0, 1.0),
}


def sample_of(x: np.ndarray) -> Sample:
    return samples_of(x[np.newaxis])[0]


def samples_of(x: np.ndarray) -> list[Sample]:
    means, stds = x.mean(axis=1), x.std(axis=1, ddof=1)
    fourth = ((x - means[:, np.newaxis]) ** 4).mean(axis=1) / x.var(axis=1) ** 2 - 3
    return [Sample(x.shape[1], *numbers) for numbers in np.column_stack([means, stds, fourth]).tolist()]


def coverage(name: str, n: int, interval: Callable[[Sample], Interval], truth: int, rng: np.random.Generator) -> float:
    draw, *truths = DRAWS[name]
    found = [interval(sample) for sample in samples_of(draw(rng, n))]
    return sum(low <= truths[truth] <= high for low, high in found) / TIMES


# What is promised (in the docstrings) of each distribution and size, below and above 0.95.
@pytest.mark.parametrize(
    ("name", "n", "below", "above"),
    [
        ("normal", 5, 0, 0),
        ("normal", 50, 0, 0),
        ("even", 50, 0.005, 0.005),
        ("exponential", 50, 0.03, 0),
        ("exponential", 500, 0.01, 0),
    ],
)
def test_the_interval_of_a_mean_covers_it_as_often_as_it_says(
    name: str, n: int, below: float, above: float, rng: np.random.Generator
):
    share = coverage(name, n, intervals.mean, 0, rng)

    assert 0.95 - below - SLACK <= share <= 0.95 + above + SLACK


@pytest.mark.parametrize(
    ("name", "n", "below", "above"),
    [
        ("normal", 20, 0.01, 0.01), ("normal", 200, 0.01, 0.01), ("even", 50, 0.01, 0.01),
        ("exponential", 200, 0.05, 0), ("exponential", 1000, 0.03, 0.01),
    ],
)  # fmt: skip
def test_the_interval_of_a_standard_deviation_covers_it_as_often_as_it_says(
    name: str, n: int, below: float, above: float, rng: np.random.Generator
):
    share = coverage(name, n, intervals.std, 1, rng)

    assert 0.95 - below - SLACK <= share <= 0.95 + above + SLACK


@pytest.mark.parametrize(("n", "p"), [(10, 0.5), (30, 0.1), (200, 0.02), (1000, 0.001)])
def test_the_interval_of_a_share_covers_it_as_often_as_it_says(n: int, p: float, rng: np.random.Generator):
    # Exact, not simulated: the sum of the probabilities of those counts whose interval holds p. Counts are whole, so that
    # the coverage jumps with p; Wilson's stays within three points and a half of what is stated.
    held = [k for k in range(n + 1) if intervals.share(k, n).low <= p <= intervals.share(k, n).high]

    covered = scipy.stats.binom.pmf(held, n, p).sum()

    assert 0.95 - 0.035 <= covered <= 1


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_the_shares_around_a_quantile_enclose_the_populations_quantile(q: float, rng: np.random.Generator):
    x = np.sort(rng.exponential(size=(TIMES, 200)), axis=1)
    truth = -math.log(1 - q)
    low, high = intervals.quantile_shares(q, 200)

    ends = [np.quantile(x, share, axis=1, method="inverted_cdf") for share in (low, high)]

    # Ranks are whole: the coverage is that of a share, which jumps by a point or two.
    assert np.mean((ends[0] <= truth) & (truth <= ends[1])) == pytest.approx(0.95, abs=0.02 + SLACK)


def test_welchs_interval_covers_the_difference_as_often_as_it_says(rng: np.random.Generator):
    a, b = rng.normal(1, 1, (TIMES, 10)), rng.normal(0, 4, (TIMES, 25))

    found = [intervals.mean_difference(x, y) for x, y in zip(samples_of(a), samples_of(b), strict=True)]

    assert sum(low <= 1 <= high for low, high in found) / TIMES == pytest.approx(0.95, abs=SLACK)


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_fishers_interval_covers_the_correlation_as_often_as_it_says(rho: float, rng: np.random.Generator):
    x = rng.normal(size=(TIMES, 30))
    y = rho * x + math.sqrt(1 - rho * rho) * rng.normal(size=(TIMES, 30))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    r = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))

    found = [intervals.correlation(float(one), 30) for one in r]

    assert sum(low <= rho <= high for low, high in found) / TIMES == pytest.approx(0.95, abs=0.005 + SLACK)


def test_the_interval_of_a_ratio_of_spreads_covers_it_as_often_as_it_says(rng: np.random.Generator):
    a, b = 2 * rng.normal(size=(TIMES, 50)), rng.normal(size=(TIMES, 80))

    found = [intervals.ratio(x, y) for x, y in zip(samples_of(a), samples_of(b), strict=True)]

    assert sum(low <= 2 <= high for low, high in found) / TIMES == pytest.approx(0.95, abs=0.01 + SLACK)
