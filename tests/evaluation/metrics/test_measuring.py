"""Measuring: values are exact, intervals hold the truth as often as they state, and too few rows are told, not guessed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from assay.evaluation.metrics import measuring
from assay.evaluation.metrics.measuring import drawn, measure, value_of
from assay.evaluation.metrics.table import METRICS
from assay.evaluation.predictions import Predictions
from assay.stats import delong, intervals
from assay.stats.resampling import resamples
from assay.verdict import Estimate
from evaluation.metrics.made import binary, multiclass, multilabel

Rng = np.random.Generator

OF_TWO = ("f1", "mcc", "kappa", "balanced_accuracy")
OF_SEVERAL = ("macro_f1", "mcc", "balanced_accuracy")


def table_of(base: float, *, recall: float, specificity: float) -> np.ndarray:
    """Return the shares of a confusion matrix of two classes."""
    return np.array([[(1 - base) * specificity, (1 - base) * (1 - specificity)], [base * (1 - recall), base * recall]])


def rows_of(cells: np.ndarray) -> Predictions:
    """Return predictions that have these counts of labels by predictions."""
    places = np.repeat(np.arange(cells.size), np.asarray(cells, dtype=np.int64).ravel())
    labels, said = places // len(cells), places % len(cells)
    if len(cells) == 2:
        return binary(labels, said.astype(float), predictions=said)
    return multiclass(labels, np.eye(len(cells))[said], predictions=said)


def truth(name: str, shares: np.ndarray) -> float:
    """Return a metric of a population: of a million rows with these shares."""
    value = METRICS[name].of.of_task("binary" if len(shares) == 2 else "multiclass")(shares)  # type: ignore[union-attr]
    return float(value)


def said(name: str, rows: Predictions, **options) -> Estimate:
    units = resamples(rows.n, rng=np.random.default_rng(1), replicates=options.pop("replicates", 300))
    return measure(METRICS[name], rows, units=units, **options)


# Coverage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recall", [0.75, 0.95])
@pytest.mark.parametrize("base", [0.1, 0.5])
@pytest.mark.parametrize("n", [20, 50, 200, 1000])
def test_intervals_of_functions_of_two_classes_cover(n: int, base: float, recall: float, rng: Rng):
    shares = table_of(base, recall=recall, specificity=0.9 if recall < 0.9 else 0.98)

    assert broken(shares, OF_TWO, n, rng) == {}


@pytest.mark.parametrize("right", [0.75, 0.95])
@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("n", [50, 200])
def test_intervals_of_functions_of_several_classes_cover(n: int, k: int, right: float, rng: Rng):
    sizes = 0.7 ** np.arange(k)
    shares = np.full((k, k), (1 - right) / (k - 1)) + np.eye(k) * (right - (1 - right) / (k - 1))

    assert broken(shares * (sizes / sizes.sum())[:, None], OF_SEVERAL, n, rng) == {}


def broken(shares: np.ndarray, names: tuple[str, ...], n: int, rng: Rng, *, runs: int = 150) -> dict[str, float]:
    """Return the metrics whose intervals hold the truth less often than 0.92 leaves to chance, one time in 10,000."""
    held = dict.fromkeys(names, 0)
    known = dict.fromkeys(names, 0)
    for _ in range(runs):
        rows = rows_of(rng.multinomial(n, shares.ravel()).reshape(shares.shape))
        units = resamples(n, rng=rng, replicates=16)
        for name in names:
            found = measure(METRICS[name], rows, units=units)
            if found.low is not None and found.high is not None:
                known[name] += 1
                held[name] += found.low <= truth(name, shares) <= found.high
    return {name: held[name] / known[name] for name in names if held[name] < stats.binom.ppf(1e-4, known[name], 0.92)}


@pytest.mark.parametrize("n", [20, 100])
def test_intervals_of_a_mean_of_skewed_errors_cover(n: int, rng: Rng):
    held, runs = 0, 300
    for _ in range(runs):
        rows = Predictions("regression", np.zeros(n), rng.exponential(size=n))
        found = measure(METRICS["mae"], rows, units=resamples(n, rng=rng, replicates=400))
        held += found.low <= 1 <= found.high

    assert held >= stats.binom.ppf(1e-4, runs, 0.93)


def test_intervals_of_r2_cover(rng: Rng):
    held, runs = 0, 300
    for _ in range(runs):
        said_of = rng.normal(size=50)
        rows = Predictions("regression", said_of + 0.7 * rng.normal(size=50), said_of)
        found = measure(METRICS["r2"], rows, units=resamples(50, rng=rng, replicates=400))
        held += found.low <= 1 - 0.49 / 1.49 <= found.high

    assert held >= stats.binom.ppf(1e-4, runs, 0.92)


@pytest.mark.parametrize(("n", "base"), [(50, 0.5), (200, 0.1), (200, 0.5)])
def test_intervals_of_the_area_under_the_precision_recall_curve_cover(n: int, base: float, rng: Rng):
    population = scored(400_000, base, rng)
    expected = measure(METRICS["pr_auc"], population, units=resamples(400_000, rng=rng, replicates=10)).value
    held = known = 0
    for _ in range(120):
        rows = scored(n, base, rng)
        found = measure(METRICS["pr_auc"], rows, units=resamples(n, rng=rng, replicates=200))
        if found.low is not None:
            known, held = known + 1, held + (found.low <= expected <= found.high)

    assert held >= stats.binom.ppf(1e-4, known, 0.92)


def scored(n: int, base: float, rng: Rng) -> Predictions:
    labels = rng.random(n) < base
    return binary(labels, 1 / (1 + np.exp(-(rng.normal(size=n) + 1.5 * labels - 0.75))))


# Perfect, and too few ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_TWO)
def test_a_perfect_model_on_five_positives_may_still_err(name: str):
    found = said(name, rows_of(np.diag([15, 5])))

    assert (found.value, found.high, found.method) == (1.0, 1.0, "smoothed")
    assert 0.3 < found.low < 0.9


@pytest.mark.parametrize("name", OF_SEVERAL)
def test_a_perfect_model_of_several_classes_may_still_err(name: str):
    found = said(name, rows_of(np.diag([15, 5, 8])))

    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.6 < found.low < 0.96


def test_a_perfect_model_on_entities_may_err_as_on_so_many_rows(rng: Rng):
    cells = np.diag([15, 5])
    rows = rows_of(cells * 50)
    units = resamples(1000, rng=rng, entities=np.repeat(np.arange(20), 50))

    found = measure(METRICS["f1"], rows, units=units)

    assert found.low == pytest.approx(said("f1", rows_of(cells)).low, abs=0.05)


def test_a_perfect_model_of_labels_may_still_err(rng: Rng):
    labels = rng.integers(0, 2, (30, 3))

    found = said("macro_f1", multilabel(labels, labels.astype(float)))

    assert found.high == 1.0
    assert 0.7 < found.low < 0.99


def test_the_plain_bootstrap_of_a_perfect_model_says_that_it_cannot_tell():
    found = said("f1", rows_of(np.diag([15, 5])), method="percentile")

    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert found.why == "all resamples are equal: these rows show no error to tell from how far it may be off"


def test_too_few_rows_say_how_many_it_takes():
    found = said("mae", Predictions("regression", np.zeros(9), np.arange(9.0)))

    assert (found.value, found.low, found.high) == (4.0, None, None)
    assert found.why == "an interval takes at least 10 rows: there are 9"


def test_too_few_entities_say_how_many_it_takes(rng: Rng):
    rows = Predictions("regression", np.zeros(1000), rng.random(1000))
    units = resamples(1000, rng=rng, entities=np.arange(1000) % 4)

    assert measure(METRICS["mae"], rows, units=units).why == "an interval takes at least 10 entities: there are 4"


def test_a_slice_of_few_rows_is_of_few_rows(rng: Rng):
    rows = Predictions("regression", np.zeros(1000), rng.random(1000))
    units, few = resamples(1000, rng=rng), np.arange(1000) < 9

    assert (
        measure(METRICS["mae"], rows.at(few), units=units.of(few)).why
        == "an interval takes at least 10 rows: there are 9"
    )


def test_an_area_takes_two_rows_of_each_class():
    found = said("auc", binary([0] * 20 + [1], np.arange(21) / 21))

    assert (found.value, found.low, found.why) == (1.0, None, "an interval takes at least 2 rows of each class")


def test_what_many_resamples_lack_says_how_many_rows_it_takes():
    # One positive of 20 is missing in (1 - 1/20)^20 = 36 % of the resamples; it takes about 20·ln 0.1/ln 0.36 = 45 rows.
    found = said("pr_auc", binary([1] + [0] * 19, np.arange(20)[::-1] / 20), replicates=20_000)

    undefined, needed = (int(word.strip("%")) for word in found.why.split() if word.strip("%").isdigit())
    assert found.low is None
    assert undefined == pytest.approx(36, abs=1)
    assert needed == pytest.approx(45, abs=2)


def test_a_metric_that_is_undefined_has_no_interval():
    found = said("f1", rows_of(np.diag([20, 0])))

    assert (found.value, found.low, found.why) == (None, None, "no row is positive, or predicted so")


# What is measured how ------------------------------------------------------------------------------------------------


def test_a_share_has_wilsons_interval():
    found = said("accuracy", rows_of(np.array([[8, 2], [1, 4]])))

    assert (found.value, found.method) == (0.8, "wilson")
    assert (found.low, found.high) == pytest.approx(intervals.share(12, 15))


def test_weighted_shares_count_as_kishs_number_of_rows(rng: Rng):
    rows = rows_of(np.array([[80, 20], [10, 40]]))
    weights = rng.exponential(size=150)
    right = float(weights[rows.labels == rows.said].sum() / weights.sum())
    n = weights.sum() ** 2 / (weights**2).sum()

    found = said("accuracy", replace(rows, weights=weights))

    assert found.value == pytest.approx(right)
    assert (found.low, found.high) == pytest.approx(intervals.share(right * n, n))


def test_weights_that_are_equal_change_nothing(rng: Rng):
    rows = rows_of(np.array([[80, 20], [10, 40]]))

    for name in ("accuracy", "f1", "auc"):
        alone, weighted = said(name, rows), said(name, replace(rows, weights=np.full(150, 0.25)))
        assert (weighted.low, weighted.high) == pytest.approx((alone.low, alone.high))


def test_an_area_has_delongs_interval_weighted_and_drawn_together(rng: Rng):
    rows = replace(scored(300, 0.4, rng), weights=rng.exponential(size=300))
    entities = rng.integers(0, 50, 300)
    area = delong.area_of(rows.positive, rows.labels == 1, weights=rows.weights, entities=entities)

    found = measure(METRICS["auc"], rows, units=resamples(300, rng=rng, entities=entities))

    assert (found.value, found.method) == (pytest.approx(area.value), "delong")
    assert (found.low, found.high) == pytest.approx(delong.interval(area))


def test_rows_that_are_repeated_have_the_interval_that_they_have_once(rng: Rng):
    cells = np.array([[30, 10], [5, 15]])
    once, rows = rows_of(cells), rows_of(cells * 20)
    units = resamples(1200, rng=rng, entities=np.repeat(np.arange(60), 20))

    for name in ("accuracy", "f1", "mcc"):
        one, many = said(name, once), measure(METRICS[name], rows, units=units)
        assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.12)


def test_the_same_resamples_give_the_same_interval(rng: Rng):
    rows = scored(100, 0.3, rng)

    assert [said(name, rows) for name in ("f1", "pr_auc", "brier")] == [
        said(name, rows) for name in ("f1", "pr_auc", "brier")
    ]


def test_more_confidence_makes_an_interval_wider(rng: Rng):
    rows = scored(100, 0.3, rng)

    for name in ("accuracy", "auc", "f1", "pr_auc", "brier"):
        narrow, wide = said(name, rows, confidence=0.8), said(name, rows, confidence=0.99)
        assert wide.low < narrow.low <= narrow.value <= narrow.high < wide.high


def test_an_interval_holds_its_value_and_stays_in_the_span(rng: Rng):
    for name in ("f1", "mcc", "brier", "pr_auc", "log_loss"):
        found = said(name, scored(25, 0.5, rng))
        assert METRICS[name].span.low <= found.low <= found.value <= found.high <= METRICS[name].span.high


def test_two_models_on_the_same_rows_are_compared_in_pairs(rng: Rng):
    rows = scored(2_000, 0.3, rng)
    other = binary(rows.labels, np.clip(rows.positive + 0.01 * rng.normal(size=2_000), 0, 1))
    units = resamples(2_000, rng=rng, replicates=400)

    found = [drawn(METRICS["pr_auc"], which, units) for which in (rows, other)]

    assert found[0].less(found[1]).replicates.std() < found[0].replicates.std() / 3


def test_draws_at_a_few_hundred_places_are_those_of_all_scores(rng: Rng):
    rows = scored(3_000, 0.3, rng)
    units = resamples(3_000, rng=rng, replicates=60)
    exact = [value_of(METRICS["pr_auc"], replace(rows, weights=times)) for times in units.times]

    found = drawn(METRICS["pr_auc"], rows, units)

    # The same resamples: that a place stands for about 6 rows moves one by far less than resamples differ.
    assert np.std(found.replicates - exact) < 0.07 * np.std(exact)
    assert found.value == value_of(METRICS["pr_auc"], rows)


def test_draws_of_very_many_classes_are_those_of_few(rng: Rng, monkeypatch: pytest.MonkeyPatch):
    rows = rows_of(rng.multinomial(300, np.full(16, 1 / 16)).reshape(4, 4))
    units = resamples(300, rng=rng, replicates=20)
    expected = drawn(METRICS["macro_f1"], rows, units)

    monkeypatch.setattr(measuring, "MOST_CELLS", 100)
    found = drawn(METRICS["macro_f1"], rows, units)

    assert (found.value, found.replicates) == (pytest.approx(expected.value), pytest.approx(expected.replicates))
