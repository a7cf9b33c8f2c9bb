"""Resamples: they are the bootstrap, their intervals are SciPy's and cover, and what they cannot tell stays untold."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from assay.stats.resampling import (
    Draws,
    Resamples,
    as_one,
    bca,
    bootstrap_t,
    bounded,
    jackknife,
    percentile,
    resamples,
    smoothed,
)

Rng = np.random.Generator


def mean(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def with_ones(values: np.ndarray) -> np.ndarray:
    return np.column_stack([values, np.ones(len(values))])


def mean_draws(values: np.ndarray, units: Resamples) -> Draws:
    return units.draws(units.per_unit(with_ones(values)), mean)


def f1(cells: np.ndarray) -> np.ndarray:
    hits = 2 * cells[..., 1, 1]
    under = hits + cells[..., 0, 1] + cells[..., 1, 0]
    return np.divide(hits, under, out=np.full(np.shape(under), np.nan), where=under > 0)


# Units ---------------------------------------------------------------------------------------------------------------


def test_each_resample_draws_as_many_units_as_there_are(rng: Rng):
    assert set(resamples(50, rng=rng, replicates=20).times.sum(1)) == {50.0}


def test_the_same_generator_gives_the_same_resamples():
    one, two = (resamples(50, rng=np.random.default_rng(3)).times for _ in range(2))

    assert (one == two).all()


def test_rows_of_an_entity_are_drawn_together(rng: Rng):
    entities = np.array([7, 7, 3, 9, 3, 7])

    units = resamples(6, rng=rng, entities=entities)

    assert (units.size, units.kind) == (3, "entities")
    assert all(len(set(units.of_row[entities == entity])) == 1 for entity in (3, 7, 9))


def test_rows_of_a_stretch_of_time_are_drawn_together(rng: Rng):
    units = resamples(6, rng=rng, blocks=np.array([0, 0, 1, 1, 2, 2]))

    assert (units.size, units.kind, units.of_row.tolist()) == (3, "blocks", [0, 0, 1, 1, 2, 2])


def test_more_entities_than_units_are_grouped_whole(rng: Rng):
    entities = rng.integers(0, 3_000, 20_000)

    units = resamples(20_000, rng=rng, entities=entities, replicates=10, most=100)

    groups = {(entity, unit) for entity, unit in zip(entities.tolist(), units.of_row.tolist(), strict=True)}
    assert units.size == 100
    assert len(groups) == len(set(entities.tolist()))


def test_no_rows_have_no_units(rng: Rng):
    assert resamples(0, rng=rng).size == 0


def test_sums_per_unit_add_up_to_those_of_all_rows(rng: Rng):
    values = rng.normal(size=(30, 2))
    units = resamples(30, rng=rng, entities=rng.integers(0, 5, 30))

    assert units.per_unit(values).sum(0) == pytest.approx(values.sum(0))
    assert as_one(30).per_unit(values) == pytest.approx(values.sum(0, keepdims=True))


def test_rows_that_stand_nowhere_are_counted_nowhere(rng: Rng):
    units = resamples(4, rng=rng, entities=np.array([0, 0, 1, 1]))

    found = units.per_place(np.array([0, -1, 2, 2]), 3, np.array([1.0, 1.0, 2.0, 0.5]))

    assert found.tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 2.5]]


def test_groups_of_rows_spread_as_rows_do(rng: Rng):
    n = 200_000
    values = rng.exponential(size=n)
    units = resamples(n, rng=rng, replicates=2_000)

    found = mean_draws(values, units).replicates

    # The variance of 4,096 groups, and of 2,000 draws, is each known to √(2/4,096) and √(2/2,000): together 3.9 %.
    assert units.kind == "groups"
    assert found.var() == pytest.approx(values.var() / n, rel=4 * math.sqrt(2 / 4_096 + 2 / 2_000))


def test_entities_spread_by_their_number_and_not_by_that_of_rows(rng: Rng):
    own = rng.normal(size=400)
    values, entities = np.repeat(own, 50), np.repeat(np.arange(400), 50)
    units = resamples(20_000, rng=rng, replicates=2_000, entities=entities)

    found = mean_draws(values, units).replicates

    assert found.var() == pytest.approx(own.var() / 400, rel=4 * math.sqrt(2 / 2_000))


def test_draws_of_cells_are_those_of_resampling_rows(rng: Rng):
    labels = rng.random(200) < 0.3
    said = labels ^ (rng.random(200) < 0.2)
    units = resamples(200, rng=rng, replicates=4_000)

    found = units.draws(units.per_place(labels * 2 + said, 4).reshape(200, 2, 2), f1)

    each = [f1_score(labels[rows], said[rows]) for rows in rng.integers(0, 200, size=(800, 200))]
    assert found.value == pytest.approx(f1_score(labels, said))
    assert stats.ks_2samp(found.replicates, each).pvalue > 0.001


def test_a_resample_is_the_metric_of_the_rows_it_draws(rng: Rng):
    labels = rng.random(60) < 0.3
    said = labels ^ (rng.random(60) < 0.2)
    units = resamples(60, rng=rng, replicates=20)

    found = units.draws(units.per_place(labels * 2 + said, 4).reshape(60, 2, 2), f1)

    each = [f1_score(np.repeat(labels, times), np.repeat(said, times)) for times in units.times.astype(int)]
    assert found.replicates == pytest.approx(each)


@pytest.mark.parametrize("scale", [1.0, 0.1, 1e6], ids=["counts", "weights", "great counts"])
def test_large_tables_are_summed_exactly(scale: float, rng: Rng):
    units = resamples(200, rng=rng, replicates=20)
    sums = rng.integers(0, 300, size=(200, 400)) * scale

    found = units.draws(sums, lambda s: s[..., 7])

    assert found.replicates == pytest.approx(units.times @ sums[:, 7], rel=1e-14, abs=0)


def test_what_is_left_out_is_one_unit(rng: Rng):
    values = rng.normal(size=12)

    found = mean_draws(values, resamples(12, rng=rng))

    assert found.left_out == pytest.approx([np.delete(values, i).mean() for i in range(12)])


# Percentiles and BCa -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["percentile", "BCa"])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_of_the_same_resamples_the_interval_is_scipys(method: str, confidence: float, rng: Rng):
    values = rng.exponential(size=40)
    found = mean_draws(values, resamples(40, rng=rng))
    ends = (bca if method == "BCa" else percentile)(found, confidence=confidence)

    same = SimpleNamespace(bootstrap_distribution=found.replicates)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=0, bootstrap_result=same, method=method, confidence_level=confidence
    ).confidence_interval

    assert tuple(ends) == pytest.approx((expected.low, expected.high), rel=1e-12)


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_of_other_resamples_the_interval_is_scipys_but_for_chance(method: str, rng: Rng):
    values, draws = rng.exponential(size=40), 9_999
    found = mean_draws(values, resamples(40, rng=rng, replicates=draws))
    ends = (bca if method == "BCa" else percentile)(found)

    expected = stats.bootstrap((values,), np.mean, n_resamples=draws, method=method, rng=rng).confidence_interval

    # A quantile at p of B draws is known to √(p(1 - p)/B) over their density there: of normal ones 0.058/s, at the 0.025th.
    # Two sets of draws, and for BCa the bias of each, known to √(¼/B) over 0.4: in all less than twice that.
    spread = found.replicates.std()
    bound = 4 * 2 * math.sqrt(0.025 * 0.975 / draws) / 0.058 * spread
    assert tuple(ends) == pytest.approx((expected.low, expected.high), abs=bound)


def test_the_mean_of_a_hundred_numbers_has_the_interval_that_scipy_gives():
    """The mean of 0 … 99: a published bug report has [43.9, 55.3] of SciPy's BCa beside another tool's [1, 2]."""
    found = mean_draws(np.arange(100.0), resamples(100, rng=np.random.default_rng(0), replicates=9_999))

    assert tuple(bca(found)) == pytest.approx((43.9, 55.3), abs=0.25)


def test_resamples_that_are_all_equal_tell_nothing():
    found = Draws(1.0, np.ones(100), np.ones(10))

    assert math.isnan(percentile(found).low)
    assert math.isnan(bca(found).low)
    assert math.isnan(jackknife(found, span=(0, 1)).low)


def test_an_interval_takes_nine_in_ten_resamples():
    values = np.concatenate([np.full(101, np.nan), np.arange(899.0)])

    assert math.isnan(percentile(Draws(450.0, values, np.zeros(0))).low)
    assert not math.isnan(percentile(Draws(450.0, values[2:], np.zeros(0))).low)


def test_a_difference_of_the_same_rows_spreads_by_what_differs(rng: Rng):
    base = rng.normal(size=300) * 100
    a, b = base + 0.1 + rng.normal(size=300) * 0.1, base
    units = resamples(300, rng=rng)

    low, high = bca(mean_draws(a, units).less(mean_draws(b, units)))

    half = 1.96 * (a - b).std() / math.sqrt(300)
    assert (low, high) == pytest.approx(((a - b).mean() - half, (a - b).mean() + half), abs=half / 5)


# Bootstrap-t, jackknife ----------------------------------------------------------------------------------------------


def test_the_standard_error_of_a_mean_is_the_textbooks(rng: Rng):
    values = rng.exponential(size=25)
    units = resamples(25, rng=rng, replicates=5)

    found = units.studentised(units.per_unit(with_ones(values)), mean)

    assert found.error == pytest.approx(values.std() / 5, rel=1e-6)
    for error, times in zip(found.errors, units.times.astype(int), strict=True):
        assert error == pytest.approx(np.repeat(values, times).std() / 5, rel=1e-6)


def test_a_sum_that_is_always_0_does_no_harm(rng: Rng):
    units = resamples(25, rng=rng, replicates=50)
    sums = units.per_unit(np.column_stack([rng.exponential(size=25), np.ones(25), np.zeros(25)]))

    found = units.studentised(sums, lambda s: mean(s) + s[..., 2])

    assert np.isfinite(found.errors).all()


def test_the_bootstrap_t_is_the_quantiles_of_t_turned_round():
    # t of the resamples: -1, 0, 1, 2, 3 times one error each; the quantiles at 0.1 and 0.9 are -0.6 and 2.6.
    found = SimpleNamespace(value=10.0)
    draws = Draws(found.value, np.array([9.0, 10.0, 11.0, 12.0, 13.0]), np.zeros(0))

    low, high = bootstrap_t((draws, 2.0, np.ones(5)), confidence=0.8)

    assert (low, high) == pytest.approx((10 - 2 * 2.6, 10 + 2 * 0.6))


def test_the_jackknifes_error_of_a_mean_is_the_textbooks(rng: Rng):
    values = rng.random(30)

    low, high = jackknife(mean_draws(values, resamples(30, rng=rng, replicates=2)), span=(0, 1))

    u = values.mean()
    half = stats.t.ppf(0.975, 29) * values.std(ddof=1) / math.sqrt(30) / (u * (1 - u))
    assert [math.log(x / (1 - x)) for x in (low, high)] == pytest.approx(
        [math.log(u / (1 - u)) - half, math.log(u / (1 - u)) + half]
    )


@pytest.mark.parametrize(
    ("value", "error", "span"),
    [(1.0, 0.1, (0, 1)), (0.5, 0.0, (0, 1)), (0.5, math.nan, (0, 1)), (0.5, 0.1, (0, math.inf))],
    ids=["at the end", "no error", "unknown error", "no end"],
)
def test_a_span_tells_nothing_of(value: float, error: float, span: tuple[float, float]):
    assert math.isnan(bounded(value, error, span=span, freedom=9).low)


def test_an_interval_within_a_span_never_leaves_it():
    low, high = bounded(0.999, 5.0, span=(-1, 1), freedom=3)

    assert -1 <= low < high <= 1


@pytest.mark.parametrize("n", [20, 200])
def test_the_bootstrap_t_of_skewed_values_covers_where_percentiles_do_not(n: int, rng: Rng):
    held, runs = np.zeros(2), 400
    for _ in range(runs):
        units = resamples(n, rng=rng, replicates=400)
        found = units.studentised(units.per_unit(with_ones(rng.exponential(size=n))), mean)
        for i, (low, high) in enumerate((bootstrap_t(found), percentile(found.draws))):
            held[i] += low <= 1 <= high

    assert held[0] >= stats.binom.ppf(1e-4, runs, 0.94)
    assert n > 20 or held[1] < held[0]


# Cells ---------------------------------------------------------------------------------------------------------------


def test_a_perfect_table_leaves_room_for_errors(rng: Rng):
    found, error = smoothed(np.array([[15.0, 0.0], [0.0, 5.0]]), f1, rng=rng)

    low, high = percentile(found)
    assert (found.value, error) == (1.0, 0.0)
    assert 0.55 < low < 0.8
    assert high <= 1.0


def test_smoothed_draws_are_dirichlets(rng: Rng):
    found, _ = smoothed(np.array([[8.0, 2.0], [1.0, 4.0]]), lambda c: c[..., 1, 1] / c.sum((-2, -1)), rng=rng)

    # One cell of Dirichlet's law is of Beta's: 4.5 beside 8.5 + 2.5 + 1.5.
    assert stats.kstest(found.replicates, stats.beta(4.5, 12.5).cdf).pvalue > 0.001


def test_the_error_of_a_table_is_the_jackknifes_over_its_rows(rng: Rng):
    cells = np.array([[8.0, 2.0], [1.0, 4.0]])
    rows = np.repeat(np.arange(4), cells.ravel().astype(int))
    left = [f1(np.bincount(np.delete(rows, i), minlength=4).reshape(2, 2).astype(float)) for i in range(15)]

    _, error = smoothed(cells, f1, rng=rng)

    assert error == pytest.approx(math.sqrt(14 * np.var(left)))


def test_classes_that_nothing_has_stay_out(rng: Rng):
    cells = np.zeros((5, 5))
    cells[:2, :2] = [[9.0, 1.0], [2.0, 8.0]]

    found, _ = smoothed(cells, lambda c: c[..., 2:, :].sum((-2, -1)) + c[..., 2:].sum((-2, -1)), rng=rng)

    assert (found.replicates == 0).all()


def test_several_tables_are_drawn_each_by_itself(rng: Rng):
    cells = np.array([[[8.0, 2.0], [1.0, 4.0]], [[5.0, 5.0], [0.0, 5.0]]])

    found, error = smoothed(cells, lambda c: f1(c).mean(-1), rng=rng)

    assert found.value == pytest.approx((f1(cells[0]) + f1(cells[1])) / 2)
    assert error > 0


def test_a_table_of_very_many_classes_leaves_room_for_errors(rng: Rng):
    cells = np.diag(np.full(300, 5.0))

    found, _ = smoothed(cells, lambda c: np.trace(c, axis1=-2, axis2=-1) / c.sum((-2, -1)), rng=rng, replicates=400)

    # The share of errors is of Beta's law, 1 beside 1,500: at 0.975 it is 1 - 0.025^(1/1500) = 0.0025.
    assert found.value == 1.0
    assert np.quantile(found.replicates, 0.025) == pytest.approx(1 - 0.0025, abs=0.001)


def test_resamples_that_differ_by_rounding_are_equal():
    assert not len(Draws(1.0, 1 + np.arange(100) * 1e-16, np.zeros(0)).known)
