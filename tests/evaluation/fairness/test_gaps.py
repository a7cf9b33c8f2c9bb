"""How often the intervals of gaps are right, and how often a gap is seen where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from assay.evaluation.fairness.gaps import against, chance, gap, range_quantile, range_tail
from assay.evaluation.fairness.groupwise import by_group
from assay.evaluation.fairness.measures import MEASURES, View, Worst
from assay.stats import intervals
from evaluation.fairness.worlds import ground_of, shares

UNEVEN = (150, 125, 100, 75, 50)
SEEDS = 300
MOST = int(scipy.stats.binom.ppf(0.9999, SEEDS, 0.05))  # false alarms of 300 at a rate of 5 %


def _all(found) -> np.ndarray:
    return np.ones(len(found.values), dtype=np.bool_)


# By hand ----------------------------------------------------------------------------------------------------------------


def test_the_gap_of_two_shares_is_newcombes(rng):
    found = shares([70, 80], [56, 48], rng)  # his example (a), method 10

    seen = gap([found], _all(found), kind="difference")

    assert (seen.value, seen.least, seen.greatest) == (pytest.approx(56 / 70 - 48 / 80), 1, 0)
    assert (round(seen.low, 4), round(seen.high, 4)) == (0.0524, 0.3339)


def test_the_ratio_of_two_shares_is_that_at_which_the_difference_holds_0(rng):
    found = shares([70, 80], [56, 48], rng)

    seen = gap([found], _all(found), kind="ratio")

    # b / a with each end a root of b - R·a -+ √(…) = 0, from Wilson's intervals of b = 48/80 and a = 56/70
    b, a = 48 / 80, 56 / 70
    (lb, ub), (la, ua) = intervals.share(48, 80), intervals.share(56, 70)
    low, high = seen.low, seen.high
    assert b - low * a - math.hypot(b - lb, low * (ua - a)) == pytest.approx(0, abs=1e-9)
    assert b - high * a + math.hypot(ub - b, high * (a - la)) == pytest.approx(0, abs=1e-9)
    assert seen.value == pytest.approx(0.75)


def test_a_p_value_is_the_error_rate_at_which_the_interval_reaches_the_bound(rng):
    found = shares([70, 80], [56, 48], rng)
    seen = gap([found], _all(found), kind="difference")

    p = seen.p_value(0.1)

    at = gap([found], _all(found), kind="difference", confidence=1 - p)
    assert at.low == pytest.approx(0.1, abs=1e-6)
    assert seen.p_value(0.3) == 1.0  # the gap itself keeps it


def test_the_gap_of_several_measures_is_the_worst_of_them(rng):
    near, far = shares([100, 100], [50, 52], rng), shares([100, 100], [80, 20], rng)

    seen = gap([near, far], _all(near), kind="difference")

    assert (seen.value, seen.leading) == (pytest.approx(0.6), 1)
    assert seen.low < gap([far], _all(far), kind="difference").low  # the error rate is shared out


def test_no_gap_is_told_of_one_group(rng):
    found = shares([30, 30], [3, 4], rng)

    assert gap([found], np.array([True, False]), kind="difference") is None
    assert chance([found], np.array([True, False]), rng=rng) == {"difference": None, "ratio": None}


@pytest.mark.parametrize("groups", [2, 3, 5, 20, 100])
@pytest.mark.parametrize("q", [0.5, 2.0, 3.5, 5.0])
def test_the_range_of_normal_numbers_is_scipys(groups, q):
    expected = scipy.stats.studentized_range.sf(q, groups, np.inf)

    assert range_tail(q, groups) == pytest.approx(expected, rel=1e-6, abs=1e-10)


def test_a_quantile_of_the_range_is_exceeded_as_often_as_it_says():
    assert range_tail(range_quantile(7, 0.01), 7) == pytest.approx(0.01)
    assert range_tail(80.0, 5) == pytest.approx(0.0, abs=1e-300)


def test_groups_beside_a_reference_have_the_intervals_of_pairs(rng):
    found = shares([70, 80, 60], [56, 48, 56], rng)

    beside = against(found, 0)

    pair = gap([found], np.array([True, True, False]), kind="difference")
    assert beside.difference.tolist() == pytest.approx([0.0, -0.2, 56 / 60 - 0.8])
    assert (-beside.high[1], -beside.low[1]) == (pytest.approx(pair.low), pytest.approx(pair.high))
    assert beside.p_value[0] == 1.0
    assert beside.p_value[1] == pytest.approx(pair.p_value(0.0), rel=1e-4)
    assert beside.ratio[1] == pytest.approx(0.75)


# In the long run --------------------------------------------------------------------------------------------------------


def test_the_four_fifths_rule_flags_86_of_100_fair_models_and_its_interval_less_than_5(rng):
    sizes = np.array(UNEVEN)  # 500 rows in five groups, all selected at a rate of 0.3
    drawn = rng.binomial(sizes, 0.3, size=(20_000, 5)) / sizes

    by_rule = (drawn.min(1) / drawn.max(1) < 0.8).mean()
    found = [shares(sizes, rng.binomial(sizes, 0.3), rng) for _ in range(SEEDS)]
    by_interval = sum(gap([one], _all(one), kind="ratio").high < 0.8 for one in found)

    assert by_rule == pytest.approx(0.862, abs=4 * math.sqrt(0.862 * 0.138 / 20_000) + 0.0005)
    assert by_interval <= MOST


def test_what_chance_shows_is_exceeded_in_5_of_100_fair_models(rng):
    sizes = np.array(UNEVEN)
    drawn = rng.binomial(sizes, 0.3, size=(20_000, 5)) / sizes
    one = shares(sizes, np.rint(sizes * 0.3).astype(int), rng)  # at the pooled rate itself

    usual = chance([one], _all(one), rng=rng)

    difference, ratio = usual["difference"], usual["ratio"]
    assert (drawn.max(1) - drawn.min(1) > difference).mean() == pytest.approx(0.05, abs=0.02)
    assert (drawn.min(1) / drawn.max(1) < ratio).mean() == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(
    ("sizes", "rates"),
    [
        ((100, 100, 100, 100, 100), (0.3, 0.3, 0.3, 0.3, 0.3)),
        ((400, 60, 30), (0.1, 0.1, 0.1)),
        ((200, 200), (0.3, 0.5)),
        ((200, 200, 200, 200), (0.3, 0.3, 0.5, 0.5)),
        ((500, 40), (0.3, 0.24)),
    ],
)
def test_the_intervals_of_gaps_hold_the_gap_of_the_population(rng, sizes, rates):
    difference, ratio = max(rates) - min(rates), min(rates) / max(rates)
    found = [shares(sizes, rng.binomial(sizes, rates), rng) for _ in range(SEEDS)]

    differences = [gap([one], _all(one), kind="difference") for one in found]
    ratios = [gap([one], _all(one), kind="ratio") for one in found]

    assert sum(not d.low - 1e-12 <= difference <= d.high + 1e-12 for d in differences) <= MOST
    assert sum(not r.low - 1e-12 <= ratio <= r.high + 1e-12 for r in ratios) <= MOST


def test_p_values_of_no_difference_are_uniform_or_larger(rng):
    sizes = np.array([200, 200, 200])
    found = [shares(sizes, rng.binomial(sizes, 0.4), rng) for _ in range(SEEDS)]

    p = np.array([gap([one], _all(one), kind="difference").p_value(0.0) for one in found])

    for level in (0.01, 0.05, 0.2):
        assert (p <= level).sum() <= scipy.stats.binom.ppf(0.9999, SEEDS, level)


def _world(rng: np.random.Generator, *, weighted: bool, clustered: bool):
    """Return groups without a difference: independent rows, rows that weigh differently, or five rows of each person."""
    n = 600
    entities = np.repeat(np.arange(n // 5), 5) if clustered else np.arange(n)
    centre = rng.normal(0, 1, n)[entities] if clustered else rng.normal(0, 1, n)
    z = centre + rng.normal(0, 0.4, n) - 0.3
    label = rng.random(n) < 1 / (1 + np.exp(-centre))
    group = rng.choice(3, n, p=(0.5, 0.3, 0.2))[entities]
    score = 1 / (1 + np.exp(-z))
    told = {"entities": entities} if clustered else {}
    if weighted:
        told["weights"] = rng.gamma(2, 1, n)
    return ground_of(View(label, score > 0.5, score), group, rng, **told)


@pytest.mark.parametrize("kind", ["plain", "weighted", "clustered"])
def test_no_measure_sees_more_gaps_than_it_says_where_there_are_none(rng, kind):
    names = [name for name, m in MEASURES.items() if "binary" in m.tasks and not isinstance(m.of, Worst)]
    seeds, alarms = 40, dict.fromkeys(names, 0)

    for _ in range(seeds):
        ground = _world(rng, weighted=kind == "weighted", clustered=kind == "clustered")
        for name in names:
            found = by_group(MEASURES[name], ground)
            alarms[name] += gap([found], _all(found), kind="difference").low > 1e-12

    # 21 measures looked at: the bound is that of the worst of them
    assert max(alarms.values()) <= scipy.stats.binom.ppf(1 - 0.0001 / len(names), seeds, 0.05), alarms


def test_rows_of_the_same_people_say_less_than_they_count(rng):
    entities = np.repeat(np.arange(60), 10)
    group, said = np.arange(600) // 300, (rng.random(60) < 0.4)[entities]  # ten rows of a person are alike
    view = View(np.ones(600, np.bool_), said, None)

    alone = by_group(MEASURES["selection_rate"], ground_of(view, group, rng))
    together = by_group(MEASURES["selection_rate"], ground_of(view, group, rng, entities=entities))

    assert alone.sizes.tolist() == [300, 300]
    np.testing.assert_allclose(together.sizes, 29, rtol=1e-9)  # of 30 people, one degree of freedom gone
