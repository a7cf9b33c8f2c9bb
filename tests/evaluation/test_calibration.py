import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from assay.evaluation.calibration.calibration import MOST_CLASSES, TOP, CalibrationSettings, calibration
from assay.evaluation.calibration.calibration_tests import hosmer_lemeshow, line_of, spiegelhalter
from assay.evaluation.calibration.isotonic import corp, isotonic
from assay.evaluation.calibration.logistic import fit
from assay.evaluation.calibration.recalibration import RECALIBRATORS, Groups, folds_of, gains
from assay.evaluation.calibration.reliability import (
    View,
    bands,
    bins_of,
    by_chance,
    murphy,
    view_of,
)
from assay.evaluation.metrics.measuring import measure
from assay.evaluation.metrics.table import metric_of
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Part, Trial
from assay.stats.resampling import resamples
from assay.verdict import Exhibit, Outcome, Verdict

SEEDS = 500
# Of 500 tests at 0.05, and of 500 intervals at 0.95: as few or fewer, and as many or more, have a probability of 0.0001.
FEW_REJECTED, MANY_REJECTED = (int(stats.binom.ppf(p, SEEDS, 0.05)) for p in (0.0001, 0.9999))
FEW_HELD = int(stats.binom.ppf(0.0001, SEEDS, 0.95))


def trial_of(rows: Predictions, *, replicates: int = 300) -> Trial:
    rng = np.random.default_rng(5)
    units = resamples(rows.n, rng=rng, replicates=replicates, entities=rows.entity, blocks=rows.block)
    return Trial(rows, units, ("auc",), rng)


def binary(labels, scores, **more) -> Predictions:
    scores = np.asarray(scores, dtype=np.float64)
    both = np.column_stack([1 - scores, scores])
    return Predictions("binary", np.asarray(labels), (scores >= 0.5).astype(int), both, classes=(0, 1), **more)


def drawn(n: int, rng: np.random.Generator, *, slope: float = 1.0, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return labels, and scores whose log-odds are `slope` times the true ones, plus `shift`: right where 1 and 0."""
    odds = rng.normal(size=n) * 1.5
    labels = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    return labels, 1 / (1 + np.exp(-(odds * slope + shift)))


def view(labels, scores, *, weights=None, entities=None) -> View:
    units = resamples(len(labels), rng=np.random.default_rng(1), replicates=2, entities=entities)
    return view_of(np.asarray(scores, dtype=float), np.asarray(labels), name="", weights=weights, units=units)


def exhibit(part: Part, name: str) -> Exhibit:
    return next(one for one in part.exhibits if one.name == name)


def outcome(part: Part, subject: str) -> Outcome:
    return next(one for one in part.outcomes if one.subject == subject)


def measures(part: Part) -> dict[str, float | None]:
    columns = exhibit(part, "calibration").columns
    return dict(zip(columns["measure"], columns["value"], strict=True))


# Bins and their bands ------------------------------------------------------------------------------------------------


def test_bins_of_the_same_weight_are_those_of_scikit_learn(rng):
    labels, scores = drawn(1_000, rng)
    share, score = calibration_curve(labels, scores, n_bins=10, strategy="quantile")

    bins = bins_of(view(labels, scores), 10)

    np.testing.assert_allclose(bins.share, share)
    np.testing.assert_allclose(bins.score, score)
    assert bins.rows.tolist() == [100] * 10


def test_rows_of_equal_score_are_in_one_bin():
    bins = bins_of(view([0, 1, 0, 1, 1, 0], [0.2, 0.2, 0.2, 0.2, 0.2, 0.9]), 3)

    assert bins.rows.tolist() == [5, 1]
    assert bins.share.tolist() == [0.6, 0.0]


@pytest.mark.parametrize("base", [0.0, -3.0], ids=["even", "rare"])
def test_the_bands_of_all_bins_hold_together(base: float):
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(SEEDS):
        p = 1 / (1 + np.exp(-(rng.normal(size=300) * 1.5 + base)))
        one = view((rng.random(300) < p).astype(int), p)
        bins = bins_of(one, 10)
        held += all(
            low <= s <= high for (low, high), s in zip(bands(one, bins, confidence=0.95), bins.score, strict=True)
        )

    assert held >= FEW_HELD


def test_a_band_is_the_exact_interval_of_a_share():
    one = view([0] * 18 + [1] * 2, [0.5] * 20)

    (low, high), *_ = bands(one, bins_of(one, 10), confidence=0.95)

    exact = stats.binomtest(2, 20).proportion_ci(0.95)
    assert (low, high) == pytest.approx((exact.low, exact.high))


def test_bands_of_rows_drawn_together_are_as_wide_as_those_of_the_entities(rng):
    labels, scores = drawn(200, rng)
    one = view(np.repeat(labels, 30), np.repeat(scores, 30), entities=np.repeat(np.arange(200), 30))
    few = view(labels, scores)

    ends = [np.array(bands(part, bins_of(part, 4), confidence=0.95)) for part in (one, few)]

    np.testing.assert_allclose(np.diff(ends[0], axis=1), np.diff(ends[1], axis=1), rtol=0.1)


# The Brier score taken apart -----------------------------------------------------------------------------------------


@given(
    scores=st.lists(st.floats(0, 1), min_size=1, max_size=60),
    seed=st.integers(0, 1_000),
    most=st.integers(2, 12),
    weighted=st.booleans(),
)
def test_the_parts_of_the_brier_score_add_up_to_it(scores: list[float], seed: int, most: int, weighted: bool):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, len(scores))
    weights = rng.random(len(scores)) + 0.1 if weighted else None

    brier, reliability, resolution, uncertainty, variance, covariance = murphy(
        bins_of(view(labels, scores, weights=weights), most).sums
    )

    assert abs(brier - (reliability - resolution + uncertainty + variance - covariance)) < 1e-12
    assert abs(brier - np.average((np.array(scores) - labels) ** 2, weights=weights)) < 1e-12
    assert min(reliability, resolution, variance + 1e-15) >= 0


def test_forecasts_of_few_values_have_murphys_three_parts():
    # Said 0.2 four times, true once; said 0.8 twice, true both times. Shares 1/4, 1 and 1/2 of all.
    scores, labels = [0.2] * 4 + [0.8] * 2, [1, 0, 0, 0, 1, 1]

    parts = murphy(bins_of(view(labels, scores), 10).sums)

    reliability = (4 * 0.05**2 + 2 * 0.2**2) / 6
    resolution = (4 * 0.25**2 + 2 * 0.5**2) / 6
    assert parts.tolist() == pytest.approx(
        [reliability - resolution + 0.25, reliability, resolution, 0.25, 0, 0], abs=1e-15
    )


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 3)), min_size=1, max_size=50))
def test_isotonic_is_that_of_scikit_learn(points: list[tuple[float, float]]):
    values, weights = np.array(points).T

    np.testing.assert_allclose(
        isotonic(values, weights),
        IsotonicRegression().fit_transform(np.arange(len(values)), values, sample_weight=weights),
        atol=1e-9,
    )


def test_a_long_fall_at_the_end_is_pooled_from_there():
    values = np.concatenate([np.arange(1_000.0), [-1e6]])

    np.testing.assert_allclose(
        isotonic(values, np.ones(1_001)), IsotonicRegression().fit_transform(np.arange(1_001), values)
    )


def test_the_isotonic_parts_are_differences_of_scikit_learns_scores(rng):
    labels, scores = drawn(500, rng, slope=1.7)
    order = np.argsort(scores)
    fitted = IsotonicRegression(y_min=0, y_max=1).fit_transform(scores[order], labels[order])
    flat = np.full(500, labels.mean())

    parts = corp(scores[order], labels[order].astype(float), np.ones(500))

    for name, of in (("brier", brier_score_loss), ("log_loss", log_loss)):
        said, best, none = (of(labels[order], p) for p in (scores[order], fitted, flat))
        assert parts[name] == pytest.approx((said - best, none - best, none), abs=1e-9)


def test_a_log_loss_that_is_infinite_is_undefined(rng):
    labels, scores = drawn(200, rng)
    scores[labels == 1] = np.where(np.arange((labels == 1).sum()) == 0, 0.0, scores[labels == 1])

    part = calibration(trial_of(binary(labels, scores)), CalibrationSettings())

    columns = exhibit(part, "calibration").columns
    at = columns["measure"].index("log_loss_miscalibration")
    assert columns["value"][at] is None
    assert "infinite" in columns["why"][at]


# The expected calibration error --------------------------------------------------------------------------------------


def error_of(labels, scores) -> tuple[float, float, float]:
    rows = binary(labels, scores)
    error = measure(metric_of("ece_mass"), rows, units=resamples(rows.n, rng=np.random.default_rng(1), replicates=2))
    return error.value, error.low, error.high


@pytest.mark.parametrize("told", ["alike", "weighted", "of entities"])
@pytest.mark.parametrize("bins", [10, 7])
def test_a_page_shows_one_calibration_error(told: str, bins: int):
    rng = np.random.default_rng(3)
    labels, scores = drawn(600, rng, slope=1.5)
    more = {
        "alike": {}, "weighted": {"weights": rng.random(600) + 0.1}, "of entities": {"entity": np.arange(600) // 3},
    }[told]  # fmt: skip
    trial = trial_of(binary(labels, np.round(scores, 2), **more))
    error, seen = (measure(metric_of(name), trial.rows, units=trial.units) for name in ("ece_mass", "ece_mass_plain"))

    part = calibration(trial, CalibrationSettings(bins=bins))

    assert outcome(part, "ece_mass").observed == error
    assert measures(part)["ece_mass"] == error.value
    assert measures(part)["ece_as_seen"] == seen.value


@pytest.mark.parametrize("n", [300, 5_000])
@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (1.5, 0.0), (1.0, 0.3), (2.0, 0.5)])
def test_the_calibration_error_is_found_without_what_chance_adds(n: int, slope: float, shift: float):
    rng = np.random.default_rng(12)
    _, scores = drawn(2_000_000, rng, slope=slope, shift=shift)
    odds = (np.log(scores / (1 - scores)) - shift) / slope
    order = np.argsort(scores)
    gaps = (1 / (1 + np.exp(-odds)) - scores)[order]
    true = sum(abs(part.sum()) for part in np.array_split(gaps, 10)) / len(gaps)

    found = np.array([error_of(*drawn(n, rng, slope=slope, shift=shift)) for _ in range(200)])

    # Where there is none, half of its noise stays above 0; chance alone shows 0.06 at n = 300.
    assert found[:, 0].mean() == pytest.approx(true, abs=0.025 if n == 300 else 0.007)
    held = int(((found[:, 1] <= true) & (true <= found[:, 2])).sum())
    assert held >= stats.binom.ppf(0.0001, 200, 0.95)


def test_chance_shows_what_simulated_labels_show(rng):
    _, scores = drawn(500, rng)
    bins_seen, seen = [], []
    for _ in range(300):
        one = view((rng.random(500) < scores).astype(int), scores)
        bins = bins_of(one, 10)
        bins_seen.append(np.abs(bins.share - bins.score) @ bins.mass / 500)
        fitted = IsotonicRegression(y_min=0, y_max=1).fit_transform(one.scores, one.labels)
        seen.append(np.mean((one.scores - one.labels) ** 2) - np.mean((fitted - one.labels) ** 2))

    chance = by_chance(one, bins, rng=rng)

    assert chance.errors.mean() == pytest.approx(np.mean(bins_seen), rel=0.05)
    assert np.quantile(chance.errors, 0.95) == pytest.approx(np.quantile(bins_seen, 0.95), rel=0.1)
    assert chance.miscalibration.mean() == pytest.approx(np.mean(seen), rel=0.1)


# The line and the tests ----------------------------------------------------------------------------------------------


def fixed() -> tuple[np.ndarray, np.ndarray]:
    """Return labels and log-odds that a formula writes down, for figures that were computed elsewhere."""
    i = np.arange(60)
    return (np.cos(1.7 * i) + 0.5 * np.sin(0.9 * i) > 0).astype(float), 3 * np.sin(0.9 * i)


def test_the_line_is_that_of_statsmodels():
    # Logit and a binomial GLM with the log-odds as offset, cov_type="HC0", of statsmodels 0.15; here times 60/59.
    labels, odds = fixed()

    line = line_of(view(labels, 1 / (1 + np.exp(-odds))), confidence=0.95)

    t = stats.t.ppf(0.975, 28) * np.sqrt(60 / 59)  # 29 labels of the rarer kind
    assert line.slope.value == pytest.approx(0.263199, abs=1e-6)
    assert line.slope.high - line.slope.value == pytest.approx(t * 0.12906943, rel=1e-5)
    assert line.intercept.value == pytest.approx(-0.02408519, abs=1e-6)
    assert line.intercept.high - line.intercept.value == pytest.approx(t * 0.56462318, rel=1e-5)
    assert line.both.statistic == pytest.approx(2 * (51.580432921452875 - 39.37832425675261))


def test_of_many_rows_the_line_is_that_of_all_of_them(rng):
    labels, scores = drawn(30_000, rng, slope=1.4)
    z = np.log(scores / (1 - scores))

    line = line_of(view(labels, scores), confidence=0.95)

    slow = fit(np.column_stack([np.ones(30_000), z]), labels.astype(float), np.ones(30_000))
    assert line.slope.value == pytest.approx(slow.coefficients[1], abs=1e-7)


def test_the_line_holds_its_slope_and_intercept_as_often_as_it_says_and_its_test_keeps_its_level():
    rng = np.random.default_rng(4)
    held, rejected = np.zeros(2), 0
    for _ in range(SEEDS):
        line = line_of(view(*drawn(300, rng, slope=1.25)), confidence=0.95)
        held[0] += line.slope.low <= 1 / 1.25 <= line.slope.high
        right = line_of(view(*drawn(300, rng)), confidence=0.95)
        held[1] += right.intercept.low <= 0 <= right.intercept.high
        rejected += right.both.p_value <= 0.05

    assert held.min() >= FEW_HELD
    assert FEW_REJECTED <= rejected <= MANY_REJECTED


def test_the_line_of_entities_is_as_unsure_as_their_number_lets_it_be():
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(200):
        labels, scores = drawn(80, rng)
        five = np.repeat(np.arange(80), 5)
        line = line_of(view(labels[five], scores[five], entities=five), confidence=0.95)
        held += line.slope.low <= 1 <= line.slope.high

    assert held >= stats.binom.ppf(0.0001, 200, 0.95)


@pytest.mark.parametrize("base", [0.0, -2.5])
def test_the_tests_of_calibration_keep_their_level(base: float):
    rng = np.random.default_rng(7)
    rejected = np.zeros(2)
    for _ in range(SEEDS):
        p = 1 / (1 + np.exp(-(rng.normal(size=400) * 1.5 + base)))
        one = view((rng.random(400) < p).astype(int), p)
        rejected += [spiegelhalter(one).p_value <= 0.05, hosmer_lemeshow(one, bins_of(one, 10)).p_value <= 0.05]

    assert (rejected >= FEW_REJECTED).all()
    assert (rejected <= MANY_REJECTED).all()


def test_spiegelhalters_test_keeps_its_level_where_rows_are_drawn_together():
    rng = np.random.default_rng(8)
    five, rejected = np.repeat(np.arange(100), 5), 0
    for _ in range(SEEDS):
        labels, scores = drawn(100, rng)
        rejected += spiegelhalter(view(labels[five], scores[five], entities=five)).p_value <= 0.05

    assert rejected <= MANY_REJECTED


def test_spiegelhalters_statistic_is_its_formula():
    # (1 - 0.8)(1 - 1.6) + (0 - 0.3)(1 - 0.6) = -0.24; the variance 0.36·0.16 + 0.16·0.21 = 0.0912.
    assert spiegelhalter(view([1, 0], [0.8, 0.3])).statistic == pytest.approx(-0.24 / np.sqrt(0.0912))


def test_the_power_of_hosmer_and_lemeshow_grows_until_a_trifle_is_rejected():
    rng = np.random.default_rng(9)
    few, many = (view(*drawn(n, rng, slope=1.05)) for n in (500, 500_000))

    assert hosmer_lemeshow(few, bins_of(few, 10)).p_value > 0.01
    assert hosmer_lemeshow(many, bins_of(many, 10)).p_value < 1e-6


@pytest.mark.parametrize(
    ("labels", "scores", "why"),
    [
        ([1, 1, 1], [0.2, 0.5, 0.9], "all labels are the same"),
        ([0, 0, 1], [0.2, 0.5, 0.9], "parts the labels"),
        ([0, 1, 1], [0.5, 0.5, 0.5], "all scores are the same"),
    ],
)
def test_a_slope_that_cannot_be_told_says_why(labels, scores, why: str):
    line = line_of(view(labels, scores), confidence=0.95)

    assert line.slope.value is None
    assert why in line.slope.why


def test_scores_of_0_and_1_are_taken_in(rng):
    labels, scores = drawn(400, rng)
    labels = np.concatenate([labels, [0, 1]])
    scores = np.concatenate([scores, [0.0, 1.0]])

    part = calibration(trial_of(binary(labels, scores)), CalibrationSettings())

    assert measures(part)["slope"] == pytest.approx(1, abs=0.4)


# Recalibration -------------------------------------------------------------------------------------------------------


def gained(slope: float, shift: float, *, n: int = 4_000) -> tuple[Part, float]:
    labels, scores = drawn(n, np.random.default_rng(10), slope=slope, shift=shift)
    odds = (np.log(scores / (1 - scores)) - shift) / slope
    true = log_loss(labels, scores) - log_loss(labels, 1 / (1 + np.exp(-odds)))
    return calibration(trial_of(binary(labels, scores)), CalibrationSettings()), true


@pytest.mark.parametrize(
    ("slope", "shift", "title"),
    [(1.0, 1.0, "a shift of the log-odds"), (2.0, 0.0, "temperature scaling"), (2.0, 1.0, "Platt scaling")],
)
def test_the_simplest_reading_that_helps_is_suggested(slope: float, shift: float, title: str):
    part, true = gained(slope, shift)
    found = outcome(part, "recalibration")

    assert found.why.startswith(title)
    assert found.verdict is Verdict.SKIP
    assert found.observed.low <= true <= found.observed.high
    assert found.observed.value == pytest.approx(true, rel=0.1)


def test_a_curve_that_no_line_can_follow_takes_more_than_a_line():
    rng = np.random.default_rng(13)
    true = rng.random(20_000)
    labels = (rng.random(20_000) < true).astype(int)
    scores = np.clip(0.5 + 4 * (true - 0.5) ** 3, 1e-3, 1 - 1e-3)  # flat in the middle, steep at the ends

    part = calibration(trial_of(binary(labels, scores)), CalibrationSettings())

    assert outcome(part, "recalibration").why.startswith("isotonic regression")


def test_scores_that_are_right_are_left_alone():
    part, _ = gained(1.0, 0.0)

    assert outcome(part, "recalibration").why.startswith("recalibration would not help")


def test_a_suggestion_is_seldom_made_where_nothing_is_to_be_gained():
    rng = np.random.default_rng(14)
    suggested = 0
    for _ in range(100):
        part = calibration(trial_of(binary(*drawn(300, rng)), replicates=100), CalibrationSettings(gain_at_least=0.0))
        suggested += not outcome(part, "recalibration").why.startswith("recalibration would not help")

    # Fitted on other rows, a reading that is not needed loses a little. Fifteen or more of 100 at 0.05: below 0.001.
    assert suggested < 15


def test_rows_of_one_unit_are_in_one_fold(rng):
    units = resamples(600, rng=rng, replicates=2, entities=np.repeat(np.arange(60), 10))

    folds = folds_of(units, rng)

    assert all(len(set(part)) == 1 for part in np.split(folds, 60))
    assert np.bincount(folds).tolist() == [120] * 5


@pytest.mark.parametrize("name", sorted(RECALIBRATORS))
def test_every_recalibrator_rises_and_is_finite_even_where_scores_separate_the_labels(name: str):
    odds = np.linspace(-3, 3, 41)
    groups = Groups(odds, np.ones(41), (odds > 0).astype(float), np.ones(41))

    after = RECALIBRATORS[name].fitted(groups)(odds)

    assert np.isfinite(after).all()
    assert (np.diff(after) >= -1e-12).all()


@pytest.mark.parametrize("name", [name for name in sorted(RECALIBRATORS) if name != "isotonic"])
def test_a_recalibrator_with_few_numbers_finds_the_curve_that_it_is(name: str):
    odds = np.linspace(-3, 3, 400)
    true = {"shift": odds + 0.7, "temperature": 0.5 * odds, "platt": 0.5 * odds - 0.3}.get(name)
    if true is None:  # beta: 0.5·ln p - 1.5·ln(1 - p) + 0.2
        true = -0.5 * np.logaddexp(0, -odds) + 1.5 * np.logaddexp(0, odds) + 0.2
    groups = Groups(odds, np.full(400, 1e4), 1 / (1 + np.exp(-true)), np.full(400, 1e4))

    np.testing.assert_allclose(RECALIBRATORS[name].fitted(groups)(odds), true, atol=1e-3)


def test_gains_of_several_thousand_rows_are_those_of_the_formula(rng):
    labels, scores = drawn(6_000, rng, slope=2.0)
    found = gains(view(labels, scores), rng=rng)

    assert found.log_loss == pytest.approx(log_loss(labels, scores))
    assert found.in_brier["temperature"].value > 0


# The part ------------------------------------------------------------------------------------------------------------


def test_a_bound_is_judged_by_the_whole_interval(rng):
    right, wrong = (trial_of(binary(*drawn(5_000, rng, slope=slope))) for slope in (1.0, 2.5))
    settings = CalibrationSettings(ece_at_most=0.03, slope_at_least=0.8, slope_at_most=1.2, in_the_large_at_most=0.05)

    good, bad = (calibration(trial, settings) for trial in (right, wrong))

    assert [outcome(good, name).verdict for name in ("ece_mass", "slope", "in_the_large")] == [Verdict.PASS] * 3
    assert [outcome(bad, name).verdict for name in ("ece_mass", "slope")] == [Verdict.FAIL] * 2
    assert "too extreme" in outcome(bad, "slope").why
    assert outcome(bad, "ece_mass").id == "calibration.ece_mass"


def test_few_rows_cannot_tell(rng):
    part = calibration(trial_of(binary(*drawn(60, rng))), CalibrationSettings(ece_at_most=0.03))

    assert outcome(part, "ece_mass").verdict is Verdict.INCONCLUSIVE


def test_a_few_entities_do_not_tell_how_far_a_figure_may_be_off(rng):
    labels, scores = drawn(400, rng)
    rows = binary(labels, scores, entity=np.repeat(np.arange(4), 100))

    part = calibration(trial_of(rows), CalibrationSettings(ece_at_most=0.2))

    assert outcome(part, "ece_mass").verdict is Verdict.INCONCLUSIVE
    assert "at least 10 entities: there are 4" in outcome(part, "ece_mass").observed.why
    columns = exhibit(part, "calibration").columns
    for name in ("ece_mass", "slope", "intercept", "in_the_large", "brier", "reliability"):
        at = columns["measure"].index(name)
        assert columns["value"][at] is not None
        assert columns["low"][at] is None
        assert columns["why"][at]
    assert set(exhibit(part, "reliability").columns["low"]) == {None}


def test_in_the_large_is_the_mean_score_less_the_share(rng):
    labels, scores = drawn(500, rng, shift=0.5)
    weights = rng.random(500)

    part = calibration(trial_of(binary(labels, scores, weights=weights)), CalibrationSettings())

    assert measures(part)["in_the_large"] == pytest.approx(np.average(scores - labels, weights=weights))


def several(n: int, k: int, rng: np.random.Generator, *, sharpness: float = 1.0) -> Predictions:
    odds = rng.normal(size=(n, k)) * 2
    true = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
    labels = (rng.random(n)[:, None] > true.cumsum(1)[:, :-1]).sum(1)
    said = np.exp(odds * sharpness)
    said /= said.sum(1, keepdims=True)
    return Predictions("multiclass", labels, said.argmax(1), said, classes=tuple(f"c{i}" for i in range(k)))


def test_of_several_classes_the_top_label_and_each_class_are_looked_at(rng):
    part = calibration(trial_of(several(3_000, 3, rng, sharpness=2.0)), CalibrationSettings(ece_at_most=0.02))

    assert {one.subject for one in part.outcomes if one.subject.startswith("ece_mass")} == {
        "ece_mass of top label",
        "ece_mass of c0",
        "ece_mass of c1",
        "ece_mass of c2",
    }
    assert outcome(part, "ece_mass of top label").verdict is Verdict.FAIL
    assert set(exhibit(part, "reliability").columns["class"]) == {TOP, "c0", "c1", "c2"}
    assert outcome(part, "recalibration").why.startswith("temperature scaling")
    assert "all 4 views hold together" in exhibit(part, "calibration").note


def test_of_several_classes_that_are_right_none_is_off(rng):
    part = calibration(trial_of(several(3_000, 3, rng)), CalibrationSettings(ece_at_most=0.05))

    assert {one.verdict for one in part.outcomes if one.subject.startswith("ece_mass")} == {Verdict.PASS}
    assert "would not help" in outcome(part, "recalibration").why


def test_of_many_classes_the_most_frequent_are_looked_at(rng):
    part = calibration(trial_of(several(1_000, 20, rng), replicates=50), CalibrationSettings())

    assert len(set(exhibit(part, "reliability").columns["class"])) == MOST_CLASSES + 1


def test_each_of_several_labels_is_looked_at(rng):
    labels, scores = zip(*(drawn(500, rng) for _ in range(2)), strict=True)
    rows = Predictions("multilabel", np.column_stack(labels), None, np.column_stack(scores), classes=("red", "big"))

    part = calibration(trial_of(rows), CalibrationSettings())

    assert set(exhibit(part, "reliability").columns["class"]) == {"red", "big"}


def test_scores_that_are_no_probabilities_are_not_judged():
    rows = Predictions(
        "binary", np.array([0, 1]), None, np.array([[-3.0, 3.0], [2.0, -2.0]]), classes=(0, 1), probabilities=False
    )

    part = calibration(trial_of(rows), CalibrationSettings(ece_at_most=0.1))

    assert outcome(part, "ece_mass").verdict is Verdict.INCONCLUSIVE
    assert "no probabilities" in outcome(part, "ece_mass").why


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ([1, 1, 1, 1], [0.2, 0.4, 0.5, 0.9]),
        ([0, 1], [0.5, 0.5]),
        ([1], [0.3]),
        ([0, 1, 0, 1] * 20, [0.0, 1.0, 1.0, 0.0] * 20),
    ],
    ids=["one class", "one score", "one row", "0 and 1"],
)
def test_hostile_scores_are_undefined_where_they_are_and_never_nan(labels, scores):
    part = calibration(trial_of(binary(labels, scores)), CalibrationSettings())

    columns = exhibit(part, "calibration").columns
    for value, why in zip(columns["value"], columns["why"], strict=True):
        assert why if value is None else np.isfinite(value)
    for one in part.exhibits:
        assert not any(
            isinstance(cell, float) and not np.isfinite(cell) for cells in one.columns.values() for cell in cells
        )


@pytest.mark.parametrize(
    "weights", [np.full(300, 1e-300), np.full(300, 1e300), np.repeat([0.0, 1.0], 150), np.zeros(300)]
)
def test_hostile_weights_give_finite_figures_or_none(weights, rng):
    weighted = binary(*drawn(300, rng), weights=weights)

    part = calibration(trial_of(weighted), CalibrationSettings(ece_at_most=0.1))

    for one in part.outcomes:
        assert one.observed.why if one.observed.value is None else np.isfinite(one.observed.value)
    assert bool(part.exhibits) == bool(weights.any())


# Quantiles and numbers -----------------------------------------------------------------------------------------------


def test_quantile_forecasts_show_the_share_below_each_level(rng):
    labels = rng.normal(size=2_000)
    levels = (0.1, 0.5, 0.9)
    said = np.tile(stats.norm.ppf(levels), (2_000, 1))
    said[:, 2] = stats.norm.ppf(0.8)  # the last one is too low
    rows = Predictions("quantile", labels, said, classes=levels)

    part = calibration(trial_of(rows), CalibrationSettings())

    columns = exhibit(part, "reliability").columns
    assert columns["score"] == levels
    assert columns["share"] == tuple((labels[:, None] <= said).mean(0))
    held = [low <= level <= high for level, low, high in zip(levels, columns["low"], columns["high"], strict=True)]
    assert held == [True, True, False]
    assert measures(part)["crossing"] == 0
    assert measures(part)["between 0.1 and 0.9"] == pytest.approx(columns["share"][2] - columns["share"][0])


def test_a_regression_shows_the_share_below_its_predictions():
    rows = Predictions("regression", np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.5, 1.0, 2.0, 3.0]))

    assert measures(calibration(trial_of(rows), CalibrationSettings()))["share_below"] == 0.25


def test_a_ranking_is_not_calibrated():
    rows = Predictions("ranking", np.array([1.0, 0.0]), None, np.array([[0.3], [0.1]]), query=np.array([0, 0]))

    assert calibration(trial_of(rows), CalibrationSettings()) == Part()


@pytest.mark.parametrize(
    "settings",
    [{"bins": 1}, {"ece_at_most": 1.5}, {"gain_at_least": -0.1}, {"slope_at_least": 2.0, "slope_at_most": 1.0}],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]):
    with pytest.raises(msgspec.ValidationError, match=next(iter(settings))):
        msgspec.convert(settings, CalibrationSettings)
