"""Areas under ROC curves: DeLong's figures agree with those pROC publishes, with counting all pairs, and with chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.metrics import roc_auc_score

from assay.stats import delong
from assay.stats.delong import Area

Rng = np.random.Generator

# 113 patients with an aneurysmal subarachnoid haemorrhage (Turck et al. 2010), as published with pROC (Robin et al. 2011):
# whether the outcome was poor, the grade of the WFNS, and the concentrations of S100B and NDKA.
ASAH = """
0 1 .13 3.01|0 1 .14 8.54|0 1 .1 8.09|0 1 .04 10.42|1 3 .13 17.4|1 2 .1 12.75|0 5 .47 6|1 4 .16 13.2|0 1 .18 15.54|0 2 .1 6.01|
1 5 .12 15.96|0 2 .1 17.86|1 5 .44 5.18|1 5 .71 8.9|0 1 .04 13.41|0 2 .08 20.75|1 5 .49 11.6|0 2 .04 16.11|1 2 .07 32.37|
1 5 .33 54.82|1 2 .09 32.41|0 1 .09 49.94|1 1 .07 40.34|0 1 .11 9.47|0 1 .07 6.29|0 2 .17 12.53|0 1 .07 6.54|0 2 .11 6.3|
0 1 .13 80.3|0 1 .19 12.8|0 3 .05 9.8|0 4 .16 9.81|1 2 .41 9.85|0 1 .14 18.21|0 4 .34 5.03|1 5 .35 14.04|1 4 .48 21.93|
0 1 .09 8.02|1 4 .96 7.42|1 2 .25 8.38|0 5 .5 6.59|0 5 .46 9.63|0 1 .16 13.12|0 1 .07 7.96|0 2 .43 14.34|0 4 .45 41.43|
0 1 .11 7.63|0 1 .08 7.06|0 2 .09 12.59|1 5 .86 13.56|1 5 .52 3.87|0 2 .08 9.44|0 1 .06 7.66|0 2 .13 12.98|1 5 2.07 419.19|
0 1 .1 27.19|0 2 .14 22.27|0 2 .15 9.95|1 2 .07 21.22|0 1 .06 11.73|1 5 .77 10.4|0 1 .05 58.83|0 1 .09 6.39|1 2 .3 11.09|
1 5 .03 12.22|1 2 .09 13.67|0 1 .04 17.21|1 4 .23 22.63|1 5 .7 12.9|0 2 .09 9.7|1 4 .27 21.57|1 4 .71 8.23|1 1 .08 72.57|
1 4 .26 15.54|0 1 .08 10.51|0 2 .16 10.6|0 1 .09 14.57|1 4 .13 5.19|1 2 .1 9.63|0 1 .08 4.61|1 2 .11 21.48|0 3 .33 17.3|
0 2 .11 12.71|0 4 .28 9.44|0 2 .07 11.07|0 1 .1 19.46|0 4 .32 10.83|1 5 .22 5.37|0 1 .07 11.97|0 1 .05 7.75|0 5 .24 9.83|
0 4 .38 10.55|0 2 .1 28.49|0 2 .15 8.53|0 1 .08 12.57|0 1 .14 12.9|0 1 .1 46.83|0 3 .07 11.68|0 1 .04 12.67|0 2 .19 9.01|
1 5 .56 9.57|1 2 .14 34.06|1 2 .58 11.72|1 5 .32 14.26|1 5 .82 47.61|1 5 .74 11.67|0 2 .15 24.58|0 4 .47 10.33|0 4 .17 13.87|
1 5 .44 15.89|0 1 .15 22.43|0 1 .5 6.79|0 1 .48 13.45
"""
WFNS, S100B, NDKA = range(3)


def asah() -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of the three markers, 113 by 3, and which patients had a poor outcome."""
    table = np.array([[float(x) for x in row.split()] for row in ASAH.replace("\n", "").split("|")])
    return table[:, 1:], table[:, 0] == 1


def tied(rng: Rng, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of ten values, and labels that they tell something of."""
    scores = rng.integers(0, 10, n).astype(float)
    return scores, rng.random(n) < 0.1 + 0.06 * scores


# Published figures ---------------------------------------------------------------------------------------------------


def test_the_patients_are_those_of_the_study():
    scores, poor = asah()

    assert (scores.shape, poor.sum()) == ((113, 3), 41)


def test_areas_and_their_covariances_are_those_that_proc_publishes():
    found = delong.areas(*asah())

    assert found.values == pytest.approx([0.823678861788618, 0.731368563685637, 0.611957994579946], abs=1e-9)
    assert np.diag(found.covariance) == pytest.approx(
        [0.00146991470882363, 0.00266868245717244, 0.0031908105493913], abs=1e-12
    )
    assert found.covariance[WFNS, S100B] == pytest.approx(0.00119615567376754, abs=1e-12)
    assert (found.positives, found.negatives) == (41, 72)


@pytest.mark.parametrize(
    ("a", "b", "z", "p", "low", "high"),
    [
        (WFNS, S100B, 2.20898359144091, 0.0271757822291882, 0.0104061769564846, 0.174214419249478),
        (WFNS, NDKA, 2.79777591868904, 0.00514557970691098, 0.0634011709339876, 0.3600405634833566),
        (NDKA, S100B, -1.39077002573558, 0.164295175223054, -0.2876917446341914, 0.0488706064228094),
    ],
)
def test_paired_comparisons_are_those_that_proc_publishes(a: int, b: int, z: float, p: float, low: float, high: float):
    found = delong.paired(delong.areas(*asah()), a, b)

    assert (found.statistic, found.p_value) == pytest.approx((z, p), abs=1e-9)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


# Counting all pairs --------------------------------------------------------------------------------------------------


def by_pairs(scores: np.ndarray, inside: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, np.ndarray]:
    """Return the area and the placement of each row by comparing every positive with every negative."""
    own = np.ones(len(scores)) if weights is None else weights
    x, y = scores[inside][:, None], scores[~inside][None]
    beats = (x > y) + 0.5 * (x == y)
    placed = np.empty(len(scores))
    placed[inside] = beats @ own[~inside] / own[~inside].sum()
    placed[~inside] = own[inside] @ beats / own[inside].sum()
    return float((own[inside] * placed[inside]).sum() / own[inside].sum()), placed


@pytest.mark.parametrize("weighted", [False, True])
def test_placements_are_those_of_counting_all_pairs(weighted: bool, rng: Rng):
    scores, inside = tied(rng, 200)
    weights = rng.exponential(size=200) if weighted else None
    rows = delong.sort(scores)

    found = delong.placements_of(rows, inside, weights=weights)

    area, placed = by_pairs(scores, inside, weights)
    assert found == pytest.approx(placed[rows.order], abs=1e-12)
    assert delong.area_of(scores, inside, weights=weights).value == pytest.approx(area, abs=1e-12)


def test_the_variance_is_that_of_the_placements(rng: Rng):
    scores, inside = tied(rng, 200)
    _, placed = by_pairs(scores, inside)

    found = delong.area_of(scores, inside)

    expected = placed[inside].var(ddof=1) / inside.sum() + placed[~inside].var(ddof=1) / (~inside).sum()
    assert found.variance == pytest.approx(expected, rel=1e-12)


def test_the_area_is_that_of_scikit_learn_with_weights_and_ties(rng: Rng):
    scores, inside = tied(rng, 500)
    weights = rng.exponential(size=500)

    found = delong.area_of(scores, inside, weights=weights)

    assert found.value == pytest.approx(roc_auc_score(inside, scores, sample_weight=weights), abs=1e-12)


def test_rows_in_entities_have_obuchowskis_variance(rng: Rng):
    scores, inside = tied(rng, 150)
    entities = rng.integers(100, 140, 150)
    area, placed = by_pairs(scores, inside)
    m, n = inside.sum(), (~inside).sum()
    of_in, of_out = [], []
    for entity in np.unique(entities):
        mine = entities == entity
        of_in.append((placed[mine & inside] - area).sum())
        of_out.append((placed[mine & ~inside] - area).sum())
    with_in, with_out = len(np.unique(entities[inside])), len(np.unique(entities[~inside]))
    every = len(of_in)
    s10 = with_in / ((with_in - 1) * m) * np.square(of_in).sum()
    s01 = with_out / ((with_out - 1) * n) * np.square(of_out).sum()
    s11 = every / (every - 1) * np.dot(of_in, of_out)

    found = delong.area_of(scores, inside, entities=entities)

    assert found.variance == pytest.approx(s10 / m + s01 / n + 2 * s11 / (m * n), rel=1e-12)
    # the rows of a class are worth rows / design effect, the variance over that of as many independent rows
    effect = found.variance / delong.area_of(scores, inside).variance
    assert (found.positives, found.negatives) == pytest.approx((min(m / effect, m), min((150 - m) / effect, 150 - m)))


def test_entities_of_one_row_each_change_nothing(rng: Rng):
    scores, inside = tied(rng, 80)

    alone, together = delong.area_of(scores, inside), delong.area_of(scores, inside, entities=np.arange(80))

    assert together == pytest.approx(alone, rel=1e-12)


def test_rows_that_are_repeated_tell_no_more_than_once(rng: Rng):
    scores, inside = tied(rng, 80)
    once = delong.area_of(scores, inside)

    found = delong.area_of(np.tile(scores, 3), np.tile(inside, 3), entities=np.tile(np.arange(80), 3))

    assert (found.value, found.variance) == pytest.approx((once.value, once.variance), rel=1e-9)


def test_equal_weights_of_any_size_change_nothing(rng: Rng):
    scores, inside = tied(rng, 80)

    assert delong.area_of(scores, inside, weights=np.full(80, 1e-200)) == pytest.approx(
        delong.area_of(scores, inside), rel=1e-9
    )


def test_the_order_of_rows_changes_nothing(rng: Rng):
    scores, inside = tied(rng, 80)
    other = rng.permutation(80)

    assert delong.area_of(scores[other], inside[other]) == pytest.approx(delong.area_of(scores, inside), rel=1e-12)


def test_parts_of_sorted_rows_have_the_areas_they_have_alone(rng: Rng):
    scores, inside = tied(rng, 300)
    masks = [rng.random(300) < share for share in (0.1, 0.5, 1.0)]

    rows = delong.sort(scores)
    found = [delong.part(rows.at(mask), inside) for mask in masks]

    assert found == [pytest.approx(delong.area_of(scores[mask], inside[mask]), rel=1e-12) for mask in masks]


def test_the_moves_of_rows_add_up_to_the_variance(rng: Rng):
    scores, inside = tied(rng, 80)

    area, moved = delong.moves(scores, inside)

    assert (area, (moved**2).sum()) == pytest.approx(delong.area_of(scores, inside)[:2], rel=1e-12)


# What cannot be told -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [[True] * 4, [False] * 4])
def test_one_class_has_no_area(inside: list[bool]):
    found = delong.area_of(np.arange(4.0), np.array(inside))

    assert math.isnan(found.value)
    assert math.isnan(delong.interval(found).low)


def test_a_class_of_one_row_has_an_area_without_an_interval():
    found = delong.area_of(np.arange(4.0), np.array([False, False, False, True]))

    assert found.value == 1.0
    assert math.isnan(delong.interval(found).low)


def test_no_rows_have_no_area():
    assert math.isnan(delong.area_of(np.zeros(0), np.zeros(0, dtype=bool)).value)


def test_models_that_order_the_rows_alike_do_not_differ(rng: Rng):
    scores, inside = tied(rng, 80)

    found = delong.paired(delong.areas(np.column_stack([scores, scores**3 + 1]), inside))

    assert (found.difference, found.statistic, found.p_value) == (0.0, 0.0, 1.0)


def test_areas_that_differ_without_a_spread_have_no_p_value():
    scores = np.arange(10.0)

    found = delong.paired(delong.areas(np.column_stack([scores, -scores]), scores >= 5))

    assert found.difference == 1.0
    assert math.isnan(found.p_value)


def test_a_comparison_of_what_is_undefined_is_undefined():
    found = delong.paired(delong.areas(np.ones((3, 2)), np.ones(3, dtype=bool)))

    assert math.isnan(found.p_value)


# Intervals -----------------------------------------------------------------------------------------------------------


def test_the_interval_of_a_perfect_order_is_newcombes():
    area = delong.area_of(np.arange(80.0), np.arange(80) >= 40)

    low, high = delong.interval(area)

    # His equation, solved by SciPy.
    def beyond(theta: float) -> float:
        variance = theta * (1 - theta) * (1 + 39 * (1 - theta) / (2 - theta) + 39 * theta / (1 + theta)) / 1_600
        return 1 - theta - stats.norm.isf(0.025) * variance**0.5

    assert low == pytest.approx(optimize.brentq(beyond, 0.5, 0.999), abs=1e-6)
    assert high == 1.0


def test_an_area_of_many_rows_has_delongs_interval_on_the_scale_of_the_log_odds():
    half = stats.norm.isf(0.025) * 0.02 / (0.9 * 0.1)

    found = delong.interval(Area(0.9, 0.0004, positives=1000, negatives=5000))

    assert [math.log(end / (1 - end)) for end in found] == pytest.approx([math.log(9) - half, math.log(9) + half])


def test_scores_that_are_all_equal_do_not_show_an_area_of_a_half_for_certain():
    low, high = delong.interval(delong.area_of(np.ones(20), np.arange(20) < 10))

    assert low < 0.3
    assert high > 0.7


def draw(rng: Rng, area: float, m: int, n: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of m positives and n negatives whose area is known: normal, with positives thrice as wide, exponential."""
    if kind == "exponential":
        return rng.exponential(size=m) * area / (1 - area), rng.exponential(size=n)
    width = 3.0 if kind == "wide" else 1.0
    return rng.normal(size=m) * width + stats.norm.ppf(area) * math.hypot(1, width), rng.normal(size=n)


@pytest.mark.parametrize("kind", ["normal", "wide", "exponential"])
@pytest.mark.parametrize("area", [0.6, 0.9, 0.97])
@pytest.mark.parametrize(("m", "n"), [(4, 6), (10, 30), (10, 300), (30, 70), (100, 100)])
def test_intervals_hold_the_area_as_often_as_they_state(m: int, n: int, area: float, kind: str, rng: Rng):
    inside = np.arange(m + n) < m
    held, runs = 0, 250
    for _ in range(runs):
        low, high = delong.interval(delong.area_of(np.concatenate(draw(rng, area, m, n, kind)), inside))
        held += low <= area <= high

    # 0.92 is the least that the docstring's table leaves room for; one such test in 10,000 may fail by chance.
    assert held >= stats.binom.ppf(1e-4, runs, 0.92)


def test_intervals_of_four_beside_six_rows_are_wide(rng: Rng):
    inside = np.arange(10) < 4
    ends = [delong.interval(delong.area_of(np.concatenate(draw(rng, 0.9, 4, 6, "normal")), inside)) for _ in range(200)]

    # So wide that no model of this kind is shown to be better than 0.8.
    assert np.mean([low < 0.8 for low, _ in ends]) > 0.99


def test_intervals_of_entities_hold_the_area_where_those_of_rows_do_not(rng: Rng):
    held = np.zeros(2)
    for _ in range(200):
        entities = np.repeat(np.arange(60), 5)
        own = np.repeat(rng.normal(size=60), 5)
        inside = np.repeat(rng.random(60) < 0.5, 5)
        scores = own + 0.3 * rng.normal(size=300) + inside
        for i, which in enumerate((entities, None)):
            low, high = delong.interval(delong.area_of(scores, inside, entities=which))
            # Two entities differ by N(1, 2·1.09) where only the second is positive.
            held[i] += low <= stats.norm.cdf(1 / math.sqrt(2 * 1.09)) <= high

    assert held[0] >= stats.binom.ppf(1e-4, 200, 0.94)
    assert held[1] < 0.7 * 200


def test_paired_comparisons_alarm_as_often_as_they_state(rng: Rng):
    alarms, runs = 0, 500
    for _ in range(runs):
        inside = rng.random(150) < 0.4
        scores = inside[:, None] + rng.normal(size=(150, 1)) + rng.normal(size=(150, 2))
        alarms += delong.paired(delong.areas(scores, inside)).p_value <= 0.05

    assert stats.binom.ppf(1e-4, runs, 0.04) <= alarms <= stats.binom.ppf(1 - 1e-4, runs, 0.06)
