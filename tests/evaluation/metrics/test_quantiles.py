"""Metrics of quantile forecasts: by hand, against scikit-learn, and what is said where a level is not forecast."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as oracle

from assay.errors import UsageError
from assay.evaluation.metrics.measuring import measure, value_of
from assay.evaluation.metrics.quantiles import (
    NUMBERED,
    QUANTILES,
    centres,
    coverage,
    of_levels,
    pinball,
    share_below,
    width,
    winkler,
)
from assay.evaluation.metrics.table import metric_of
from assay.evaluation.predictions import Predictions
from assay.stats.resampling import resamples

LEVELS = (0.1, 0.5, 0.9)


def forecasts(labels, said, levels=LEVELS, **more) -> Predictions:
    return Predictions(
        "quantile", np.asarray(labels, dtype=np.float64), np.asarray(said, dtype=np.float64), classes=levels, **more
    )


# Four labels, and the forecasts 0, 5, 10 of each; the label 12 lies above all, the label -1 below all.
FOUR = forecasts([-1.0, 5.0, 6.0, 12.0], [[0.0, 5.0, 10.0]] * 4)


def test_the_pinball_loss_is_the_mean_over_levels_of_scikit_learns(rng: np.random.Generator):
    labels, weights = rng.normal(size=200), rng.random(200)
    said = np.sort(rng.normal(size=(200, 3)), axis=1)
    each = [oracle.mean_pinball_loss(labels, said[:, i], alpha=q, sample_weight=weights) for i, q in enumerate(LEVELS)]

    seen = value_of(QUANTILES["pinball"], forecasts(labels, said, weights=weights))

    assert seen == pytest.approx(np.mean(each), rel=1e-12)
    assert value_of(pinball(0.9), forecasts(labels, said, weights=weights)) == pytest.approx(each[2], rel=1e-12)


def test_a_regressions_prediction_can_be_taken_as_a_quantile():
    rows = Predictions("regression", np.array([10.0, 10.0]), np.array([8.0, 12.0]))

    assert value_of(pinball(0.9), rows) == pytest.approx((0.9 * 2 + 0.1 * 2) / 2)


def test_the_coverage_of_an_interval_counts_labels_on_its_ends():
    rows = forecasts([0.0, 10.0, 10.1, -0.1], [[0.0, 5.0, 10.0]] * 4)

    assert value_of(coverage(0.8), rows) == 0.5


def test_a_coverage_gets_better_the_nearer_it_is_to_what_it_says():
    assert coverage(0.8).gain(np.array([0.7, 0.8, 0.95])) == pytest.approx([-0.1, 0.0, -0.15])


def test_the_share_below_each_level_and_its_distance_from_the_level():
    shares = [value_of(share_below(q), FOUR) for q in LEVELS]

    assert shares == [0.25, 0.5, 0.75]
    assert value_of(QUANTILES["calibration_error"], FOUR) == pytest.approx((0.15 + 0.0 + 0.15) / 3)


def test_the_interval_score_is_the_width_and_what_labels_lie_outside():
    # Width 10 each; outside by 1 and by 2, times 2 / (1 - 0.8) = 10.
    assert value_of(winkler(0.8), FOUR) == pytest.approx(10 + (10 * 1 + 10 * 2) / 4)
    assert value_of(width(0.8), FOUR) == 10.0


def test_the_interval_score_is_the_sum_of_the_two_pinball_losses():
    # Of l, u at (1 - p)/2 and (1 + p)/2 it is 2/(1 - p) times their sum (Bracher et al. 2021).
    both = value_of(pinball(0.1), FOUR) + value_of(pinball(0.9), FOUR)

    assert value_of(winkler(0.8), FOUR) == pytest.approx(2 / 0.2 * both)


def test_forecasts_cross_where_a_higher_level_has_a_lower_one():
    rows = forecasts([0.0] * 3, [[0, 1, 2], [0, 2, 1], [1, 1, 1]])

    seen = measure(QUANTILES["crossing"], rows, units=resamples(3, rng=np.random.default_rng(1), replicates=20))

    assert seen.value == pytest.approx(1 / 3)
    assert seen.method == "wilson"


def test_a_level_without_a_forecast_is_named():
    units = resamples(4, rng=np.random.default_rng(1), replicates=20)

    seen = measure(coverage(0.5), FOUR, units=units)

    assert seen.value is None
    assert seen.why == "there is no forecast of the level 0.25 and 0.75; there are 0.1, 0.5, 0.9"


@pytest.mark.parametrize("metric", [pinball, share_below, coverage, width, winkler])
def test_a_number_outside_zero_and_one_is_refused(metric):
    with pytest.raises(UsageError, match="the number lies between 0 and 1"):
        metric(1.0)


def test_levels_that_are_no_exact_binary_fractions_are_found():
    levels = (1 - 0.95, 0.5, 0.95)  # 0.050000000000000044

    assert centres(levels) == (0.9,)
    assert value_of(coverage(0.9), forecasts([0.5], [[0.0, 0.5, 1.0]], levels)) == 1.0


def test_the_metrics_of_levels_are_all_in_the_table():
    names = of_levels((0.05, 0.25, 0.5, 0.75, 0.95))

    assert [name for name in names if name.startswith("coverage")] == ["coverage@0.5", "coverage@0.9"]
    assert all(metric_of(name).tasks == ("quantile",) for name in names)


def test_every_family_is_tried_here():
    assert {family.of for family in NUMBERED} == {pinball, share_below, coverage, width, winkler}
    assert set(QUANTILES) == {"pinball", "calibration_error", "crossing"}


def test_right_forecasts_are_calibrated(rng: np.random.Generator):
    labels = rng.normal(size=4000)
    rows = forecasts(labels, np.tile([-1.2815515655446004, 0.0, 1.2815515655446004], (4000, 1)))
    units = resamples(4000, rng=rng, replicates=200)

    covered = measure(coverage(0.8), rows, units=units, confidence=0.9999)

    assert covered.low <= 0.8 <= covered.high
    assert value_of(QUANTILES["calibration_error"], rows) < 0.02  # four standard errors of the widest level are 0.03
