"""Metrics of a user's own: formulas, costs and functions, and what is said of those that cannot be had."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score

from assay.codec import load_yaml
from assay.errors import AssayError, ConfigError, DataError, UsageError
from assay.evaluation.metrics.custom import Formula, by_costs, by_formula, by_function, columns_of
from assay.evaluation.metrics.measuring import drawn, measure, value_of
from assay.evaluation.predictions import Predictions
from assay.stats.resampling import resamples

PROFIT = "CASE WHEN prediction = 1 AND label = 1 THEN 90 WHEN prediction = 1 THEN -10 ELSE 0 END"


def binary(labels, predictions, scores=None, *, classes=(0, 1), frame=None, weights=None) -> Predictions:
    labels, predictions = np.asarray(labels, dtype=np.int64), np.asarray(predictions, dtype=np.int64)
    scores = predictions * 0.8 + 0.1 if scores is None else np.asarray(scores, dtype=np.float64)
    return Predictions(
        "binary", labels, predictions, np.column_stack([1 - scores, scores]), classes, weights=weights,
        frame=pl.DataFrame() if frame is None else frame,
    )  # fmt: skip


FOUR = binary(
    [1, 1, 0, 0],
    [1, 0, 1, 0],
    frame=pl.DataFrame({"amount": [100.0, 50.0, 20.0, 10.0], "the shop": ["a", "b", "a", None]}),
)


# Formulas -------------------------------------------------------------------------------------------------------------


def test_a_profit_is_the_mean_of_what_each_row_earns():
    assert value_of(by_formula("profit", PROFIT), FOUR) == (90 + 0 - 10 + 0) / 4


def test_a_sum_is_asked_for_by_its_word():
    assert value_of(by_formula("profit", f"Sum: {PROFIT}"), FOUR) == 80.0
    assert value_of(by_formula("profit", f"mean: {PROFIT}"), FOUR) == 20.0


def test_weights_count_in_means_and_in_sums():
    rows = binary([1, 0], [1, 1], weights=np.array([2.0, 1.0]))

    assert value_of(by_formula("profit", f"sum: {PROFIT}"), rows) == 2 * 90 - 10
    assert value_of(by_formula("profit", PROFIT), rows) == pytest.approx(170 / 3)


def test_a_formula_reads_columns_scores_and_names_with_spaces():
    assert value_of(by_formula("exposure", "sum: score * amount"), FOUR) == pytest.approx(90 + 5 + 18 + 1)
    assert value_of(by_formula("of a", "CASE WHEN \"the shop\" = 'a' THEN 1 ELSE 0 END"), FOUR) == 0.5


def test_classes_are_compared_as_they_stand_in_the_data():
    rows = binary([1, 0], [1, 1], classes=("good", "bad"))

    assert value_of(by_formula("caught", "label = 'bad' AND prediction = 'bad'"), rows) == 0.5


def test_several_classes_have_a_score_each():
    rows = Predictions(
        "multiclass", np.array([0, 2]), np.array([0, 1]), np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]]), ("a", "b", "c")
    )

    assert value_of(by_formula("c", 'sum: "score@c"'), rows) == pytest.approx(0.5)
    assert set(columns_of(rows)) == {"label", "prediction", "weight", "score@a", "score@b", "score@c"}


def test_levels_have_a_forecast_each():
    rows = Predictions("quantile", np.array([5.0]), np.array([[1.0, 9.0]]), classes=(0.1, 0.9))

    assert value_of(by_formula("width", '"prediction@0.9" - "prediction@0.1"'), rows) == 8.0


def test_a_formula_has_an_interval_of_its_rows(rng: np.random.Generator):
    labels = rng.integers(0, 2, 400)
    rows = binary(labels, np.where(rng.random(400) < 0.8, labels, 1 - labels))
    units = resamples(400, rng=rng)
    metric = by_formula("profit", PROFIT, unit="EUR")
    earned = np.where(rows.predictions == 1, np.where(labels == 1, 90, -10), 0)

    seen = measure(metric, rows, units=units)

    low, high = scipy.stats.t.interval(0.95, 399, earned.mean(), earned.std(ddof=1) / 20)
    assert seen.unit == "EUR"
    assert (seen.low, seen.high) == (pytest.approx(low, abs=0.6), pytest.approx(high, abs=0.6))


def test_a_formula_that_is_null_is_undefined_and_says_on_how_many_rows():
    rows = binary([1, 0, 1], [1, 1, 0], frame=pl.DataFrame({"amount": [None, 1.0, math.nan]}))
    units = resamples(3, rng=np.random.default_rng(1), replicates=5)

    seen = measure(by_formula("cost", "amount * 2"), rows, units=units)

    assert seen.value is None
    assert (
        seen.why == "2 of 3 rows have no finite value by its formula; COALESCE(x, 0) says what stands for a missing x"
    )
    assert value_of(by_formula("cost", "COALESCE(amount, 0) * 2"), rows) == pytest.approx(2 / 3)


def test_a_division_by_zero_is_undefined():
    rows = binary([1, 0], [1, 0])

    seen = measure(
        by_formula("odd", "score / label"), rows, units=resamples(2, rng=np.random.default_rng(1), replicates=5)
    )

    assert seen.value is None
    assert "1 of 2 rows" in seen.why


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("amuont * 2", "metric 'm': 'amuont * 2' names 'amuont', and there is no such column; did you mean 'amount'?"),
        ("SUM(amount)", "metric 'm': 'SUM(amount)' looks at more than one row at a time"),
        ("amount *", "metric 'm': 'amount *' is not an SQL expression"),
        ("amount * CURRENT_TIMESTAMP", "metric 'm': 'amount * CURRENT_TIMESTAMP' reads the clock"),
        ("1 + 1", "metric 'm': '1 + 1' names no column"),
        ('UPPER("the shop")', "metric 'm': 'UPPER(\"the shop\")' gives string values; numbers are expected"),
        ("label = 'yes'", "metric 'm': \"label = 'yes'\" does not fit the columns' types (label Int64)"),
    ],
)  # fmt: skip
def test_a_formula_that_cannot_be_had_says_so_with_its_name(text: str, says: str):
    with pytest.raises(UsageError) as told:
        value_of(by_formula("m", text), FOUR)

    assert str(told.value).startswith(says)


def test_a_formula_of_predictions_is_not_had_of_scores_alone():
    scores = np.array([[-1.0, 1.0], [2.0, -2.0]])
    rows = Predictions("binary", np.array([1, 0]), None, scores, (0, 1), probabilities=False)
    units = resamples(2, rng=np.random.default_rng(1), replicates=5)

    assert measure(by_formula("m", PROFIT), rows, units=units).why == "there are no predictions, only scores"
    assert value_of(by_formula("m", "score * label"), rows) == 0.5
    assert value_of(by_formula("m", "label"), rows) == 0.5


# Costs ----------------------------------------------------------------------------------------------------------------


def test_costs_are_those_of_the_label_and_the_prediction():
    metric = by_costs("loss", {"1": {"0": 100}, "0": {"1": 5}}, unit="EUR")

    assert value_of(metric, FOUR) == (0 + 100 + 5 + 0) / 4
    assert metric.better == "lower"


def test_costs_equal_the_formula_that_says_the_same(rng: np.random.Generator):
    rows = binary(rng.integers(0, 2, 200), rng.integers(0, 2, 200), weights=rng.random(200))
    units = resamples(200, rng=rng, replicates=50)
    formula = by_formula(
        "a", "CASE WHEN label = 1 AND prediction = 0 THEN 100 WHEN label < prediction THEN 5 ELSE 0 END"
    )

    costs, said = drawn(by_costs("b", {"1": {"0": 100}, "0": {"1": 5}}), rows, units), drawn(formula, rows, units)

    assert costs.replicates == pytest.approx(said.replicates, rel=1e-12)


def test_costs_of_a_class_that_there_is_not_are_refused():
    with pytest.raises(UsageError, match="metric 'loss': the costs name the class 'yes'; there are: 0, 1"):
        value_of(by_costs("loss", {"yes": {"0": 1}}), FOUR)


def test_costs_are_finite():
    with pytest.raises(UsageError, match="metric 'loss': the cost of '1' as '0' is no finite number"):
        by_costs("loss", {"1": {"0": math.inf}})


# Functions ------------------------------------------------------------------------------------------------------------


def test_a_function_sees_the_columns_and_what_the_model_said():
    seen: list[pl.DataFrame] = []

    def kept(frame: pl.DataFrame) -> float:
        seen.append(frame)
        return frame["amount"].sum()

    assert value_of(by_function("kept", kept), FOUR) == 180.0
    assert seen[0].columns == ["amount", "the shop", "weight", "label", "prediction", "score"]
    assert seen[0]["weight"].to_list() == [1.0] * 4


def test_a_function_can_ask_for_few_columns():
    metric = by_function("width", lambda frame: float(frame.width), columns=("amount",))

    assert value_of(metric, FOUR) == 5.0


def test_a_function_that_knows_no_weights_has_the_bootstraps_interval(rng: np.random.Generator):
    labels = rng.integers(0, 2, 300)
    scores = np.clip(0.5 + 0.2 * (2 * labels - 1) * rng.random(300) + rng.normal(0, 0.2, 300), 0, 1)
    rows = binary(labels, scores > 0.5, scores)
    units = resamples(300, rng=rng, replicates=300)
    metric = by_function("auc", lambda frame: roc_auc_score(frame["label"], frame["score"]))

    seen = measure(metric, rows, units=units)

    draws = [roc_auc_score(np.repeat(labels, t.astype(int)), np.repeat(scores, t.astype(int))) for t in units.times]
    assert seen.value == roc_auc_score(labels, scores)
    assert (seen.low, seen.high) == (pytest.approx(np.quantile(draws, 0.025)), pytest.approx(np.quantile(draws, 0.975)))


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_a_function_that_returns_nothing_is_undefined(nothing: float | None):
    units = resamples(4, rng=np.random.default_rng(1), replicates=5)

    seen = measure(by_function("none", lambda frame: nothing), FOUR, units=units)

    assert seen.value is None
    assert seen.why == "its function says nothing of these rows"


def test_a_function_that_fails_is_named():
    with pytest.raises(AssayError, match="metric 'mine': its function failed with KeyError: 'price'"):
        value_of(by_function("mine", lambda frame: {}["price"]), FOUR)


def test_a_function_that_returns_no_number_is_named():
    with pytest.raises(DataError, match="metric 'mine': its function returned a str; it returns a number, or None"):
        value_of(by_function("mine", lambda frame: "much"), FOUR)


def test_a_function_that_fails_on_a_resample_is_undefined_there():
    def of_both(frame: pl.DataFrame) -> float:
        if frame["label"].n_unique() < 2:
            raise ValueError("one class")
        return 1.0

    rows = binary([1, 0], [1, 0])

    draws = drawn(by_function("m", of_both), rows, resamples(2, rng=np.random.default_rng(1), replicates=200))

    # Half of the resamples of two rows have one of them twice.
    assert 60 < np.isnan(draws.replicates).sum() < 140
    assert set(draws.replicates[~np.isnan(draws.replicates)]) == {1.0}


def test_a_function_that_asks_for_an_unknown_column_is_refused():
    with pytest.raises(UsageError, match="metric 'm': there is no column 'amuont'; did you mean 'amount'"):
        value_of(by_function("m", lambda frame: 1.0, columns=("amuont",)), FOUR)


# In a file ------------------------------------------------------------------------------------------------------------


def test_a_metric_stands_in_a_file():
    told = load_yaml(f"formula: 'sum: {PROFIT}'\nunit: EUR\ntitle: profit of the campaign\n", Formula)

    metric = told.metric("profit")

    assert value_of(metric, FOUR) == 80.0
    assert (metric.title, metric.unit, metric.better) == ("profit of the campaign", "EUR", "higher")


def test_costs_stand_in_a_file_by_the_text_of_the_classes():
    told = load_yaml("costs:\n  1: {0: 100}\n  0: {1: 5}\n", Formula)

    assert value_of(told.metric("loss"), FOUR) == 105 / 4
    assert told.metric("loss").better == "lower"


@pytest.mark.parametrize("text", ["unit: EUR\n", "formula: label\ncosts: {1: {0: 1}}\n"])
def test_a_metric_is_by_formula_or_by_costs(text: str):
    with pytest.raises(ConfigError, match="either a formula or costs"):
        load_yaml(text, Formula)
