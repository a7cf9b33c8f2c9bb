"""Each measure of each group against an independent oracle, and its spread against the resamples."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from assay.evaluation.fairness.groupwise import by_group
from assay.evaluation.fairness.measures import MEASURES, Measure, Slope, View, Worst
from assay.evaluation.metrics.metric import ratio
from assay.stats import delong, intervals
from assay.stats.resampling import resamples
from evaluation.fairness.worlds import ground_of

BINARY = [name for name, m in MEASURES.items() if "binary" in m.tasks and not isinstance(m.of, Worst)]
Z = 1.959963984540054


def _view(rng: np.random.Generator, n: int) -> tuple[View, np.ndarray]:
    score = rng.beta(2, 3, n)
    label = rng.random(n) < score
    return View(label, score > 0.4, score), rng.choice(4, n, p=(0.4, 0.3, 0.2, 0.1))


def test_a_share_has_wilsons_interval(rng):
    view, group = _view(rng, 400)

    low, high = by_group(MEASURES["tpr"], ground_of(view, group, rng)).interval(Z)

    mine = (group == 2) & view.label
    expected = intervals.share(int((mine & view.said).sum()), int(mine.sum()))
    assert (low[2], high[2]) == pytest.approx(tuple(expected), abs=1e-12)


def test_a_mean_has_students_interval(rng):
    view, group = _view(rng, 400)

    low, high = by_group(MEASURES["mean_score"], ground_of(view, group, rng)).interval(Z)

    mine = view.score[group == 3]
    expected = intervals.mean(intervals.Sample(len(mine), float(mine.mean()), float(mine.std(ddof=1))))
    assert (low[3], high[3]) == pytest.approx(tuple(expected), rel=1e-5)


@pytest.mark.parametrize("told", ["plain", "weighted", "together"])
@pytest.mark.parametrize("n", [120, 2000])
def test_an_auc_has_delongs_interval(rng, n, told):
    view, group = _view(rng, n)
    weights = rng.gamma(2, 1, n) if told == "weighted" else None
    entities = np.repeat(np.arange(n // 2), 2) if told == "together" else None
    given = {key: value for key, value in (("weights", weights), ("entities", entities)) if value is not None}

    low, high = by_group(MEASURES["auc"], ground_of(view, group, rng, **given)).interval(Z)

    mine = group == 1
    own = [None if array is None else array[mine] for array in (weights, entities)]
    expected = delong.interval(delong.area_of(view.score[mine], view.label[mine], weights=own[0], entities=own[1]))
    # people who have rows of both classes make the variance of the two differ by n / (n - 1)
    assert (low[1], high[1]) == pytest.approx(tuple(expected), abs=1e-2 if told == "together" else 2e-4)


def test_an_auc_of_1_has_an_interval_below_it(rng):
    label = np.repeat([False, True], 20)
    ground = ground_of(View(label, label, label.astype(float)), np.zeros(40, np.int64), rng)

    low, high = by_group(MEASURES["auc"], ground).interval(Z)

    assert high[0] == 1.0
    assert 0.8 < low[0] < 0.95


def test_a_calibration_slope_is_that_of_a_logistic_regression(rng):
    view, group = _view(rng, 3000)

    found = by_group(MEASURES["calibration_slope"], ground_of(view, group, rng))

    x = np.log(view.score / (1 - view.score))[:, None]
    for g in range(4):
        mine = group == g
        fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=500).fit(x[mine], view.label[mine])
        assert found.values[g] == pytest.approx(fitted.coef_[0, 0], rel=1e-5)


@pytest.mark.parametrize("case", ["one class", "one score", "separated"])
def test_a_slope_that_no_regression_has_is_undefined(rng, case):
    label = np.repeat([False, True], 20)
    score = {
        "one class": rng.random(40),
        "one score": np.full(40, 0.3),
        "separated": np.where(label, 0.8, 0.2) + rng.random(40) / 10,
    }
    view = View(np.zeros(40, np.bool_) if case == "one class" else label, None, score[case])

    found = by_group(MEASURES["calibration_slope"], ground_of(view, np.zeros(40, np.int64), rng))

    assert np.isnan(found.values[0])


def test_the_calibration_error_of_calibrated_scores_is_not_above_0_on_average(rng):
    squares = []
    for _ in range(40):
        score = rng.random(300)
        view = View(rng.random(300) < score, None, score)
        found = by_group(MEASURES["calibration_error"], ground_of(view, np.zeros(300, np.int64), rng))
        squares.append(found.values[0] ** 2)

    # Freed of its bias the square has the mean 0 and, cut off at 0, half a spread above it; with it, 10 bins of 30 add 10·p(1 - p)/300.
    assert np.mean(squares) < 0.5 * 10 / 6 / 300


def test_the_calibration_error_is_the_shift_of_the_scores(rng):
    score = rng.uniform(0.3, 0.7, 20_000)
    view = View(rng.random(20_000) < score + 0.2, None, score)

    found = by_group(MEASURES["calibration_error"], ground_of(view, np.zeros(20_000, np.int64), rng))

    low, high = found.interval(Z)
    assert low[0] < 0.2 < high[0]
    assert found.values[0] == pytest.approx(0.2, abs=4 * found.spread[0])


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_spread_is_that_of_the_resamples(rng, together, weighted):
    n = 1500
    view, group = _view(rng, n)
    entities = np.repeat(np.arange(n // 3), 3)
    told = {"entities": entities} if together else {}
    if weighted:
        told["weights"] = rng.gamma(2, 1, n)
    ground = ground_of(view, group, rng, **told)
    units = resamples(n, rng=rng, replicates=2000, entities=entities if together else None)
    own = told.get("weights", np.ones(n))

    for name, part, whole in (
        ("selection_rate", view.said, np.ones(n, bool)),
        ("tpr", view.said & view.label, view.label),
        ("score_of_negatives", view.score * ~view.label, ~view.label),
    ):
        sums = [units.per_place(group, 4, own * x) for x in (part, whole)]
        draws = ratio(units.times @ sums[0], units.times @ sums[1])
        found = by_group(MEASURES[name], ground)
        # the spread of 2,000 draws is known to 1.6 %; beside it stand what Wilson's number of rows and small groups change
        np.testing.assert_allclose(found.spread, draws.std(0, ddof=1), rtol=0.1)
        if together:
            np.testing.assert_allclose(found.correlation, np.corrcoef(draws, rowvar=False), atol=0.12)


@pytest.mark.parametrize("name", BINARY)
def test_a_measure_does_not_depend_on_the_order_of_rows_or_the_unit_of_weights(rng, name):
    view, group = _view(rng, 500)
    order = rng.permutation(500)
    turned = View(view.label[order], view.said[order], view.score[order])

    first = by_group(MEASURES[name], ground_of(view, group, rng)).values
    second = by_group(MEASURES[name], ground_of(turned, group[order], rng)).values
    third = by_group(MEASURES[name], ground_of(view, group, rng, weights=np.full(500, 0.25))).values

    np.testing.assert_allclose(second, first, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(third, first, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "name", [name for name in BINARY if name != "calibration_error"]
)  # two alike tell more than one of 2
def test_a_row_of_weight_2_counts_as_two_rows(rng, name):
    view, group = _view(rng, 300)
    twice = np.concatenate([np.arange(300), np.arange(100)])
    doubled = View(view.label[twice], view.said[twice], view.score[twice])
    weights = np.where(np.arange(300) < 100, 2.0, 1.0)

    by_weight = by_group(MEASURES[name], ground_of(view, group, rng, weights=weights))
    by_rows = by_group(MEASURES[name], ground_of(doubled, group[twice], rng))

    np.testing.assert_allclose(by_weight.values, by_rows.values, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", BINARY)
def test_a_group_without_the_rows_is_undefined_and_never_0(rng, name):
    view = View(np.array([False, True] * 20 + [False] * 5), np.array([True, False] * 20 + [False] * 5), rng.random(45))
    group = np.repeat(
        [0, 2], [40, 5]
    )  # nobody is in group 1; group 2 has neither positives nor rows predicted positive

    found = by_group(MEASURES[name], ground_of(view, group, rng))

    low, high = found.interval(Z)
    assert np.isnan(found.values[1])
    assert np.isnan(found.values[2]) == (name in {"tpr", "fnr", "ppv", "false_discovery_rate", "score_of_positives", "calibration_slope",
                                                  "auc", "bnsp_auc", "xauc"})  # fmt: skip
    known = ~np.isnan(found.values) & ~np.isnan(low)
    assert ((low <= found.values) & (found.values <= high))[known].all()


def test_every_measure_says_what_it_is():
    for name, measure in MEASURES.items():
        assert measure.title, name
        assert measure.formula, name
        assert measure.source, name
        assert measure.tasks, name


def test_what_is_made_of_several_measures_is_no_measure_of_a_group(rng):
    view, group = _view(rng, 50)

    with pytest.raises(TypeError, match="made of several"):
        by_group(MEASURES["equalised_odds"], ground_of(view, group, rng))


def test_a_slope_is_part_of_the_table():
    assert [type(m) for m in MEASURES.values() if isinstance(m.of, Slope)] == [Measure]
