import re

import msgspec
import numpy as np
import pytest
from scipy import stats

from assay.evaluation.predictions import Predictions
from assay.evaluation.residuals.residual_tests import TESTS, Order, Series, autocovariances
from assay.evaluation.residuals.residuals import MOST_POINTS, ResidualSettings, residuals
from assay.evaluation.trial import Part, Trial
from assay.stats.resampling import resamples
from assay.verdict import Exhibit, Outcome, Verdict

N_FIXED = 60
SEEDS = 500
# So many rejections of 500 at 0.05 or fewer have a probability of 0.9999 where the level is kept, and so many or more.
MOST, LEAST = int(stats.binom.ppf(0.9999, SEEDS, 0.05)), int(stats.binom.ppf(0.0001, SEEDS, 0.05))


def trial_of(labels, said, *, replicates: int = 200, **more) -> Trial:
    rows = Predictions("regression", np.asarray(labels, dtype=float), np.asarray(said, dtype=float), **more)
    rng = np.random.default_rng(5)
    units = resamples(rows.n, rng=rng, replicates=replicates, entities=rows.entity, blocks=rows.block)
    return Trial(rows, units, ("mae",), rng)


def series_of(errors, fitted, *, in_order: bool = True, lags: int = 10) -> Series:
    n = len(errors)
    order = Order(np.arange(n), np.array([0])) if in_order else None
    units = resamples(n, rng=np.random.default_rng(1), replicates=1)
    return Series(np.asarray(errors, dtype=float), np.asarray(fitted, dtype=float), units, order, lags)


def fixed() -> Series:
    """Return a series that a formula writes down, for figures that were computed elsewhere."""
    i = np.arange(N_FIXED)
    fitted = 10 + 3 * np.sin(0.7 * i)
    return series_of((1 + 0.2 * fitted) * np.cos(1.3 * i * i % 7) + 0.3 * np.sin(0.2 * i), fitted)


def exhibit(part: Part, name: str) -> Exhibit:
    return next(one for one in part.exhibits if one.name == name)


def outcome(part: Part, subject: str) -> Outcome:
    return next(one for one in part.outcomes if one.subject == subject)


def row(part: Part, test: str) -> dict[str, object]:
    columns = exhibit(part, "residual_tests").columns
    at = columns["test"].index(test)
    return {name: cells[at] for name, cells in columns.items()}


# Against figures computed elsewhere ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "statistic", "p_value"),
    [  # statsmodels 0.15 of the same series
        ("breusch_pagan", 6.730244227959381, 0.009479162011502753),  # het_breuschpagan
        ("white", 8.470367311580564, 0.014477151140957753),  # het_white
        ("jarque_bera", 4.419707461595358, 0.10971669551542619),
        ("dagostino", 20.48575224035342, 3.561028276225206e-05),  # omni_normtest
        ("ljung_box", 9.330054, 0.501093),  # acorr_ljungbox, 10 lags
        ("bias", 0.46807899065303876, None),  # Wald's test of OLS with HC1, the constant 0 and the slope 1
    ],
)
def test_a_test_gives_the_figures_of_statsmodels(test: str, statistic: float, p_value: float | None):
    found = TESTS[test].test(fixed())

    assert found.statistic == pytest.approx(statistic, rel=1e-6)
    if p_value is not None:
        assert found.p_value == pytest.approx(p_value, rel=2e-6)


def test_durbin_watson_is_that_of_statsmodels():
    assert TESTS["durbin_watson"].test(fixed()).statistic == pytest.approx(1.9576440860827244, rel=1e-12)


@pytest.mark.parametrize("n", [20, 57, 4_000])
def test_normality_agrees_with_scipy(n: int, rng):
    errors = rng.gamma(8, size=n)
    series = series_of(errors, rng.normal(size=n))

    assert TESTS["jarque_bera"].test(series).statistic == pytest.approx(stats.jarque_bera(errors).statistic)
    assert TESTS["dagostino"].test(series).p_value == pytest.approx(stats.normaltest(errors).pvalue)


def test_outliers_are_those_of_the_median_deviation():
    # Median 0, MAD 1: beyond are |e| > 3.5 / 0.6745 = 5.19.
    errors = np.array([-1, 1] * 10 + [0] * 5 + [5.1, 5.3, -6.0])
    found = TESTS["outliers"].test(series_of(errors, np.arange(28.0)))

    assert found.statistic == 2 / 28
    assert found.p_value == pytest.approx(stats.binom.sf(1, 28, 2 * stats.norm.sf(3.5)))
    assert found.size == pytest.approx((5.3**2 + 36) / (20 + 5.1**2 + 5.3**2 + 36))


# The level of every test ---------------------------------------------------------------------------------------------


def test_every_test_keeps_its_level_where_nothing_is_wrong():
    rng = np.random.default_rng(2)
    n, rejected = 400, dict.fromkeys(TESTS, 0)
    for _ in range(SEEDS):
        series = series_of(rng.normal(size=n), rng.normal(size=n))
        for name, member in TESTS.items():
            rejected[name] += (member.test(series).p_value or 0.0) <= 0.05

    for name, count in rejected.items():
        # The count of outliers takes few values, so that its level is not reached; that of Jarque & Bera is reached slowly.
        assert count <= MOST, name
        assert name == "outliers" or count >= LEAST, name


def test_the_robust_portmanteau_keeps_its_level_where_the_spread_changes():
    rng = np.random.default_rng(3)
    n, rejected = 400, {"ljung_box": 0, "portmanteau": 0}
    for _ in range(SEEDS):
        series = series_of(rng.normal(size=n) * np.exp(np.linspace(-1, 1, n)), rng.normal(size=n))
        for name in rejected:
            rejected[name] += (TESTS[name].test(series).p_value or 0.0) <= 0.05

    assert rejected["portmanteau"] <= MOST
    assert rejected["ljung_box"] > MOST  # which is why the other one stands beside it


@pytest.mark.parametrize("test", sorted(TESTS))
def test_every_test_sees_what_it_is_for(test: str):
    rng = np.random.default_rng(4)
    n = 1_000
    fitted, noise = rng.normal(size=n), rng.normal(size=n)
    walk = np.zeros(n)
    for i in range(1, n):
        walk[i] = 0.5 * walk[i - 1] + noise[i]
    wrong = {
        "breusch_pagan": noise * np.exp(fitted / 2), "white": noise * np.abs(fitted), "bias": noise + 0.3 * fitted,
        "jarque_bera": rng.standard_t(4, n), "dagostino": rng.exponential(size=n), "outliers": rng.standard_t(2, n),
    }  # fmt: skip

    found = TESTS[test].test(series_of(wrong.get(test, walk), fitted))

    assert found.p_value is not None
    assert found.p_value < 1e-6
    assert found.size is not None
    assert found.size >= TESTS[test].matters


# Order in time -------------------------------------------------------------------------------------------------------


def test_neighbours_are_rows_of_the_same_entity():
    # Two entities of three rows, that come in turn: 1 2 3 and -1 -2 -3 about the mean 0.
    order = Order(np.array([0, 2, 4, 1, 3, 5]), np.array([0, 3]))
    values = np.array([1.0, -1, 2, -2, 3, -3])[order.rows]

    found = autocovariances(values, order, 2)

    assert (found * 6).tolist() == [28.0, 2 * (1 * 2 + 2 * 3), 2 * (1 * 3)]


def test_without_an_order_autocorrelation_is_not_told(rng):
    part = residuals(trial_of(rng.normal(size=100), np.arange(100.0)), ResidualSettings())

    for test in ("durbin_watson", "ljung_box", "portmanteau"):
        assert row(part, test)["p_value"] is None
        assert "no order" in str(row(part, test)["says"])
    assert [one.subject for one in part.outcomes] == ["mean residual", "slope", "outliers"]


def test_a_bound_on_autocorrelation_without_an_order_is_inconclusive(rng):
    part = residuals(trial_of(rng.normal(size=100), np.arange(100.0)), ResidualSettings(autocorrelation_at_most=0.1))

    assert outcome(part, "autocorrelation").verdict is Verdict.INCONCLUSIVE


def test_the_effective_number_of_rows_is_about_what_the_mean_error_varies_by():
    # The sizes of errors are 2 plus an autoregression of 0.8: n rows say as much as n·(1 - 0.8)/(1 + 0.8) = 111.
    rng = np.random.default_rng(6)
    n, noise = 1_000, rng.normal(size=1_000) * 0.2
    size = np.zeros(n)
    for i in range(1, n):
        size[i] = 0.8 * size[i - 1] + noise[i]
    errors = (2 + size) * rng.choice([-1, 1], n)

    part = residuals(trial_of(errors, np.zeros(n), block=np.arange(n) // 50), ResidualSettings())

    said = outcome(part, "autocorrelation").why
    effective = re.search(r"about ([0-9,]+) independent", said)
    assert effective is not None
    assert 70 < float(effective[1].replace(",", "")) < 180
    assert "already hold it" in said


def test_the_interval_of_autocorrelation_holds_it_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    hits, n = 0, 200
    for _ in range(SEEDS):
        noise = rng.normal(size=n + 50)
        walk = np.zeros(n + 50)
        for i in range(1, n + 50):
            walk[i] = 0.6 * walk[i - 1] + noise[i]
        seen = outcome(
            residuals(trial_of(walk[50:], np.zeros(n), replicates=2), ResidualSettings(in_order=True)),
            "autocorrelation",
        )
        assert seen.observed is not None
        hits += (seen.observed.low or 0) <= 0.6 <= (seen.observed.high or 0)

    assert hits >= stats.binom.ppf(0.0001, SEEDS, 0.94)


# The part ------------------------------------------------------------------------------------------------------------


def test_a_bias_beyond_its_bound_fails(rng):
    said = rng.normal(size=400)
    labels = said + 1 + rng.normal(size=400) * 0.1

    part = residuals(trial_of(labels, said), ResidualSettings(bias_at_most=0.5, slope_at_least=0.9, slope_at_most=1.1))

    assert outcome(part, "mean residual").verdict is Verdict.FAIL
    assert outcome(part, "mean residual").observed.value == pytest.approx(1, abs=0.02)
    assert outcome(part, "slope").verdict is Verdict.PASS


def test_the_slope_is_that_of_a_line_through_the_points(rng):
    said = rng.normal(size=50) + 100
    labels = 3 * said + rng.normal(size=50)

    seen = outcome(residuals(trial_of(labels, said), ResidualSettings()), "slope").observed

    assert seen.value == pytest.approx(stats.linregress(said, labels).slope)
    assert seen.low < seen.value < seen.high


def test_without_bounds_nothing_is_judged(rng):
    part = residuals(trial_of(rng.normal(size=50), rng.normal(size=50)), ResidualSettings())

    assert {one.verdict for one in part.outcomes} == {Verdict.SKIP}


def test_means_of_bins_are_those_of_their_rows(rng):
    said = rng.normal(size=400)
    labels = said + rng.normal(size=400)

    columns = exhibit(residuals(trial_of(labels, said), ResidualSettings(bins=4)), "residual_means").columns

    order = np.argsort(said)
    assert columns["n"] == (100, 100, 100, 100)
    np.testing.assert_allclose(columns["mean"], [(labels - said)[part].mean() for part in np.split(order, 4)])
    t = stats.t.ppf(1 - 0.05 / 8, 99)
    first = (labels - said)[order[:100]]
    assert columns["high"][0] - columns["mean"][0] == pytest.approx(t * first.std(ddof=1) / 10)


def test_the_bands_of_all_bins_hold_together():
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(SEEDS):
        said = rng.normal(size=200)
        part = residuals(trial_of(said + rng.normal(size=200), said, replicates=2), ResidualSettings(bins=10))
        columns = exhibit(part, "residual_means").columns
        held += all(low <= 0 <= high for low, high in zip(columns["low"], columns["high"], strict=True))

    assert held >= stats.binom.ppf(0.0001, SEEDS, 0.95)


def test_quantiles_of_normal_residuals_lie_on_the_diagonal():
    errors = stats.norm.ppf((np.arange(1_000) + 0.5) / 1_000)

    columns = exhibit(residuals(trial_of(errors, np.zeros(1_000)), ResidualSettings()), "residual_quantiles").columns

    np.testing.assert_allclose(columns["residual"], columns["normal"], atol=0.01)


def test_of_many_rows_some_are_shown_and_the_note_says_so(rng):
    part = residuals(trial_of(rng.normal(size=5_000), rng.normal(size=5_000)), ResidualSettings())

    assert len(exhibit(part, "residuals").columns["fitted"]) == MOST_POINTS
    assert "of 5,000" in exhibit(part, "residuals").note


def test_of_many_rows_a_small_effect_is_seen_and_does_not_matter():
    rng = np.random.default_rng(9)
    said = rng.normal(size=200_000)
    errors = rng.normal(size=200_000) * (1 + 0.03 * said)

    part = residuals(trial_of(said + errors, said), ResidualSettings())

    assert row(part, "breusch_pagan")["p_value"] < 1e-6
    assert row(part, "breusch_pagan")["verdict"] == "pass"
    assert "too small to matter" in str(row(part, "breusch_pagan")["says"])


def test_figures_of_error_are_not_said_to_need_normal_residuals(rng):
    part = residuals(trial_of(rng.standard_t(3, 500), rng.normal(size=500)), ResidualSettings())

    assert row(part, "jarque_bera")["verdict"] == "warn"
    assert "MAE, RMSE and R² need no normal residuals" in str(row(part, "jarque_bera")["says"])


def test_few_rows_are_not_tested():
    part = residuals(trial_of([1.0, 2.0, 3.0], [1.0, 2.5, 2.5]), ResidualSettings())

    assert set(exhibit(part, "residual_tests").columns["p_value"]) == {None}
    assert set(exhibit(part, "residual_tests").columns["verdict"]) == {"skip"}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros(30), np.zeros(30)),
        (np.arange(30.0), np.arange(30.0)),
        (np.arange(30.0), np.zeros(30)),
        (np.zeros(1), np.ones(1)),
    ],
    ids=["all equal", "no error", "one prediction", "one row"],
)
def test_hostile_residuals_are_undefined_and_say_why(labels, said):
    part = residuals(trial_of(labels, said), ResidualSettings(in_order=True))

    for cells in zip(*exhibit(part, "residual_tests").columns.values(), strict=True):
        assert cells[2] is not None or str(cells[4]).startswith("not told: ")
    for one in part.exhibits:
        assert not any(isinstance(cell, float) and np.isnan(cell) for cells in one.columns.values() for cell in cells)


def test_a_few_entities_do_not_tell_how_far_a_mean_may_be_off(rng):
    said = rng.normal(size=100)
    part = residuals(
        trial_of(said + rng.normal(size=100), said, entity=np.repeat(np.arange(4), 25)),
        ResidualSettings(bias_at_most=5.0),
    )

    assert outcome(part, "mean residual").verdict is Verdict.INCONCLUSIVE
    assert set(exhibit(part, "residual_means").columns["low"]) == {None}
    assert "at least 10 entities" in str(row(part, "bias")["says"])


def test_only_a_regression_has_residuals():
    rows = Predictions("binary", np.array([0, 1]), np.array([0, 1]), classes=(0, 1))
    rng = np.random.default_rng(1)

    assert residuals(Trial(rows, resamples(2, rng=rng), ("auc",), rng), ResidualSettings()) == Part()


@pytest.mark.parametrize(("key", "value"), [("alpha", 0.0), ("bins", 1), ("lags", 0)])
def test_settings_out_of_range_are_refused(key: str, value: float):
    with pytest.raises(msgspec.ValidationError, match=key):
        msgspec.convert({key: value}, ResidualSettings)
