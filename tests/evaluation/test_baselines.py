"""A model beside its baselines: what each says, the lifts, what they conclude, and how often by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import scipy.stats
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, matthews_corrcoef

from assay.errors import UsageError
from assay.evaluation.baselines.baselines import BASELINES, BaselineSettings, baselines
from assay.evaluation.baselines.one_feature import one_feature
from assay.evaluation.metrics.custom import by_function
from assay.evaluation.metrics.measuring import value_of
from assay.evaluation.metrics.metric import Metric
from assay.evaluation.metrics.table import metric_of
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Part, Trial
from assay.stats.resampling import resamples
from assay.verdict import Outcome, Verdict


def trial(rows: Predictions, *metrics: str, rng=None, custom: dict[str, Metric] | None = None, replicates=400) -> Trial:
    rng = np.random.default_rng(7) if rng is None else rng
    units = resamples(rows.n, rng=rng, replicates=replicates, entities=rows.entity)
    return Trial(rows, units, metrics, rng, custom=custom or {})


def binary(labels, scores, **more) -> Predictions:
    labels, scores = np.asarray(labels, dtype=np.int64), np.asarray(scores, dtype=np.float64)
    said = (scores >= 0.5).astype(np.int64)
    return Predictions("binary", labels, said, np.column_stack([1 - scores, scores]), (0, 1), **more)


def regression(labels, predictions, **more) -> Predictions:
    labels, predictions = np.asarray(labels, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    return Predictions("regression", labels, predictions, **more)


def skilled(rng: np.random.Generator, n: int = 600, **more) -> Predictions:
    """Return rows of which 3 in 10 are positive, with scores that tell."""
    labels = (rng.random(n) < 0.3).astype(int)
    return binary(labels, np.clip(0.35 + 0.25 * labels + rng.normal(0, 0.15, n), 0.01, 0.99), **more)


def of(part: Part, subject: str) -> Outcome:
    return next(outcome for outcome in part.outcomes if outcome.subject == subject)


def row(part: Part, metric: str, baseline: str) -> dict[str, object]:
    columns = part.exhibits[0].columns
    at = list(zip(columns["metric"], columns["baseline"], strict=True)).index((metric, baseline))
    return {name: cells[at] for name, cells in columns.items()}


def only(*names: str, **more) -> BaselineSettings:
    return BaselineSettings(only=names, **more)


# What each baseline says ----------------------------------------------------------------------------------------------


def test_a_random_class_is_its_expectation_and_no_draw():
    labels = np.array([1] * 30 + [0] * 70)

    part = baselines(trial(binary(labels, labels * 0.8 + 0.1), "accuracy", "mcc"), only("random", "stratified"))

    assert row(part, "accuracy", "random")["value"] == pytest.approx(0.5)
    assert row(part, "accuracy", "stratified")["value"] == pytest.approx(0.3 * 0.3 + 0.7 * 0.7)
    assert row(part, "mcc", "stratified")["value"] == pytest.approx(0.0, abs=1e-12)


def test_a_stratified_class_agrees_with_scikit_learns_on_average(rng: np.random.Generator):
    labels = rng.integers(0, 3, 60)
    rows = Predictions("multiclass", labels, labels, np.eye(3)[labels], ("a", "b", "c"))
    drawn = [
        DummyClassifier(strategy="stratified", random_state=i).fit(labels, labels).predict(labels) for i in range(400)
    ]
    accuracies = [accuracy_score(labels, said) for said in drawn]
    correlations = [matthews_corrcoef(labels, said) for said in drawn]

    part = baselines(trial(rows, "accuracy", "mcc"), only("stratified"))

    for metric, seen in (("accuracy", accuracies), ("mcc", correlations)):
        assert row(part, metric, "stratified")["value"] == pytest.approx(np.mean(seen), abs=4 * np.std(seen) / 20)


def test_the_majority_and_the_prior_are_scikit_learns(rng: np.random.Generator):
    rows = skilled(rng)
    prior = DummyClassifier(strategy="prior").fit(rows.labels, rows.labels)
    said = replace(rows, predictions=prior.predict(rows.labels), scores=prior.predict_proba(rows.labels))

    part = baselines(trial(rows, "accuracy", "log_loss"), only("majority", "prior"))

    assert row(part, "accuracy", "majority")["value"] == value_of(metric_of("accuracy"), said)
    assert row(part, "log_loss", "prior")["value"] == pytest.approx(value_of(metric_of("log_loss"), said))


def test_a_model_that_always_says_the_rare_class_does_not_beat_what_says_it_too(rng: np.random.Generator):
    labels = (rng.random(300) < 0.3).astype(int)

    part = baselines(trial(binary(labels, np.full(300, 0.9)), "f1"), only("majority", "positive"))

    assert row(part, "f1", "majority")["value"] == 0.0
    assert row(part, "f1", "positive")["value"] == pytest.approx(2 * labels.mean() / (1 + labels.mean()))
    assert of(part, "f1 over positive").verdict is Verdict.FAIL


def test_chance_counts_rows_by_their_weights():
    labels, weights = np.array([1] * 10 + [0] * 10), np.array([3.0] * 10 + [1.0] * 10)

    part = baselines(
        trial(binary(labels, labels * 0.8, weights=weights), "accuracy", "precision"), only("random", "stratified")
    )

    assert row(part, "accuracy", "stratified")["value"] == pytest.approx(0.75**2 + 0.25**2)
    assert row(part, "precision", "random")["value"] == pytest.approx(0.75)


def test_a_random_order_has_half_the_area_and_the_base_rate_as_precision():
    labels = np.array([1] * 25 + [0] * 75)

    part = baselines(trial(binary(labels, labels * 0.8 + 0.1), "auc", "pr_auc"), only("random"))

    assert row(part, "auc", "random")["value"] == 0.5
    assert row(part, "pr_auc", "random")["value"] == pytest.approx(0.25)


def test_constants_of_a_regression_are_the_mean_and_the_median():
    rows = regression([0, 0, 0, 10], [0, 0, 1, 9])

    part = baselines(trial(rows, "mae", "rmse"), only("mean", "median"))

    assert row(part, "mae", "mean")["value"] == pytest.approx((3 * 2.5 + 7.5) / 4)
    assert row(part, "mae", "median")["value"] == 2.5
    assert row(part, "rmse", "mean")["value"] == pytest.approx(np.std([0, 0, 0, 10]))


def test_constants_are_those_of_the_training_rows_where_they_are_given():
    rows = regression([0, 0, 0, 10], [0, 0, 1, 9])

    part = baselines(trial(rows, "mae"), only("mean"), train=regression([4, 6], [0, 0]))

    assert row(part, "mae", "mean")["value"] == 5.0


def test_a_random_label_costs_the_mean_distance_of_two_labels(rng: np.random.Generator):
    labels = rng.normal(size=500)
    distance = np.abs(labels[:, None] - labels).mean()

    part = baselines(trial(regression(labels, labels), "mae"), only("random"))

    assert row(part, "mae", "random")["value"] == pytest.approx(distance, rel=0.03)  # 25,000 distances


def test_the_quantiles_of_the_labels_are_the_constant_of_a_quantile_forecast():
    labels = np.arange(11.0)
    rows = Predictions("quantile", labels, np.column_stack([labels - 1, labels + 1]), classes=(0.1, 0.9))

    part = baselines(trial(rows, "pinball@0.1"), only("constant"))

    said = np.where(labels > 1, 0.1 * (labels - 1), 0.9 * (1 - labels))  # the 0.1-quantile of 0 to 10 is 1
    assert row(part, "pinball@0.1", "constant")["value"] == pytest.approx(said.mean())


def test_a_random_order_of_documents_is_all_orders_on_average(rng: np.random.Generator):
    relevance, query = rng.integers(0, 3, 60).astype(float), np.repeat(np.arange(12), 5)
    rows = Predictions("ranking", relevance, None, relevance[:, None], ("relevant",), False, query=query, entity=query)
    orders = [value_of(metric_of("ndcg@3"), replace(rows, scores=rng.random((60, 1)))) for _ in range(800)]

    part = baselines(trial(rows, "ndcg@3"), only("random"))

    assert row(part, "ndcg@3", "random")["value"] == pytest.approx(
        np.mean(orders), abs=4 * np.std(orders) / np.sqrt(800)
    )


# One feature ----------------------------------------------------------------------------------------------------------


def test_the_rule_of_one_feature_finds_the_feature_that_tells(rng: np.random.Generator):
    group = rng.choice(["a", "b", "c"], 900)
    labels = (rng.random(900) < np.where(group == "a", 0.9, 0.1)).astype(int)
    frame = pl.DataFrame({"noise": rng.normal(size=900), "group": group, "other": rng.integers(0, 5, 900)})
    rows = binary(labels, labels * 0.8 + 0.1, frame=frame, features=("noise", "group", "other"))

    rule = one_feature(rows, rng=rng)

    assert rule.feature == "group"
    assert rule.values.sum(1) == pytest.approx(1.0)
    assert rule.values[group == "a", 1].mean() == pytest.approx(0.9, abs=0.06)


def test_the_rule_of_one_feature_is_not_flattered_by_its_own_rows(rng: np.random.Generator):
    frame = pl.DataFrame({f"f{i}": rng.normal(size=400) for i in range(20)})
    gains = []
    for _ in range(20):
        labels = rng.normal(size=400)
        rows = regression(labels, labels, frame=frame, features=tuple(frame.columns))
        gains.append(value_of(metric_of("r2"), replace(rows, predictions=one_feature(rows, rng=rng).values[:, 0])))

    assert np.mean(gains) < 0  # of twenty columns of noise the best one explains some of the rows it was chosen on


def test_the_rule_does_not_learn_an_entity_by_its_other_rows(rng: np.random.Generator):
    entity = np.repeat(np.arange(10), 40)
    labels = np.repeat(rng.normal(size=10), 40)  # the rows of an entity all have its label
    frame = pl.DataFrame({"id": entity.astype(str)})

    apart = one_feature(regression(labels, labels, frame=frame, features=("id",)), rng=rng)
    together = one_feature(regression(labels, labels, frame=frame, features=("id",), entity=entity), rng=rng)

    assert np.corrcoef(apart.values[:, 0], labels)[0, 1] > 0.99
    assert np.corrcoef(together.values[:, 0], labels)[0, 1] < 0.5


def test_the_rule_is_fitted_on_training_rows_where_they_are_given(rng: np.random.Generator):
    train = regression(
        [0, 0, 0, 6, 6, 6], np.zeros(6), frame=pl.DataFrame({"x": ["a"] * 3 + ["b"] * 3}), features=("x",)
    )
    rows = regression([1, 2, 3], np.zeros(3), frame=pl.DataFrame({"x": ["a", "b", "new"]}), features=("x",))

    rule = one_feature(rows, rng=rng, train=train)

    assert rule.values[:, 0].tolist() == [
        0.75,
        5.25,
        3.0,
    ]  # (0 + 3)/4, (18 + 3)/4, and the mean of all where nothing is known


def test_a_category_and_a_text_of_the_same_words_are_one_feature(rng: np.random.Generator):
    words = ["a", "b"] * 10
    train = regression(
        [0, 8] * 10, np.zeros(20), frame=pl.DataFrame({"x": pl.Series(words, dtype=pl.Categorical)}), features=("x",)
    )
    rows = regression([0, 8], [0, 0], frame=pl.DataFrame({"x": ["b", None]}), features=("x",))

    rule = one_feature(rows, rng=rng, train=train)

    assert rule.values[:, 0] == pytest.approx([84 / 11, 4.0])  # (80 + 4)/11, and the mean of all where it is missing


def test_missing_values_are_a_bin_of_their_own(rng: np.random.Generator):
    x = pl.Series([None if i % 2 else float(i) for i in range(200)])
    rows = regression(
        [1.0 if i % 2 else 0.0 for i in range(200)], np.zeros(200), frame=pl.DataFrame({"x": x}), features=("x",)
    )

    rule = one_feature(rows, rng=rng)

    assert rule.values[1::2, 0].min() > 0.95


def test_documents_are_ordered_by_one_feature(rng: np.random.Generator):
    relevance, query = rng.integers(0, 3, 300).astype(float), np.repeat(np.arange(30), 10)
    frame = pl.DataFrame({"x": relevance + rng.normal(0, 0.3, 300), "y": rng.normal(size=300)})
    rows = Predictions(
        "ranking", relevance, None, rng.random((300, 1)), ("relevant",), False, query=query, entity=query, frame=frame,
        features=("x", "y"),
    )  # fmt: skip

    part = baselines(trial(rows, "ndcg@5"), only("one_feature"))

    assert of(part, "ndcg@5 over one_feature").verdict is Verdict.FAIL
    assert "(x)" in of(part, "ndcg@5 over one_feature").why


# The label before -----------------------------------------------------------------------------------------------------


def test_the_last_value_is_that_of_the_same_entity_in_the_order_of_time():
    frame = pl.DataFrame({"day": [2, 1, 1, 3, 2], "shop": ["a", "a", "b", "a", "b"]})
    rows = regression([20, 10, 7, 35, 9], [0] * 5, frame=frame, entity=np.array([0, 0, 1, 0, 1]))

    part = baselines(trial(rows, "mae"), only("last_value", time="day"))

    assert row(part, "mae", "last_value")["value"] == pytest.approx(
        (10 + 15 + 2) / 3
    )  # 20 after 10, 35 after 20, 9 after 7
    assert of(part, "mae over last_value").n_rows == 3


def test_a_season_is_so_many_rows_before():
    labels = np.tile([1.0, 5.0, 9.0], 20)
    rows = regression(labels, labels + np.tile([1.0, 2.0], 30), frame=pl.DataFrame({"hour": np.arange(60)}))

    part = baselines(trial(rows, "mae"), only("last_value", "seasonal", time="hour", period=3))

    assert row(part, "mae", "seasonal")["value"] == 0.0
    assert of(part, "mae over seasonal").verdict is Verdict.FAIL
    assert row(part, "mae", "last_value")["value"] == pytest.approx((40 * 4 + 19 * 8) / 59)


def test_the_last_class_orders_rows_and_is_no_probability():
    labels = np.repeat([0, 1, 0, 1], 25)
    rows = binary(labels, np.full(100, 0.6), frame=pl.DataFrame({"t": np.arange(100)}))

    part = baselines(trial(rows, "auc", "log_loss"), only("last_value", time="t"))

    assert row(part, "auc", "last_value")["value"] > 0.9
    assert [outcome.subject for outcome in part.outcomes] == ["auc over last_value"]


def test_rows_of_one_time_have_no_last_value():
    rows = regression([1, 2], [1, 2], frame=pl.DataFrame({"t": [1, 1]}))

    part = baselines(trial(rows, "mae"), only("last_value", time="t"))

    assert part.outcomes == ()
    assert "last_value: several rows" in part.exhibits[0].note


def test_a_column_of_time_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="there is no column 'tim' of time"):
        baselines(trial(regression([1], [1], frame=pl.DataFrame({"t": [1]})), "mae"), only("last_value", time="tim"))


# The previous model ---------------------------------------------------------------------------------------------------


def test_the_previous_model_is_a_column(rng: np.random.Generator):
    rows = skilled(rng)
    rows = replace(rows, frame=pl.DataFrame({"old": np.clip(rows.positive + rng.normal(0, 0.5, rows.n), 0, 1)}))

    part = baselines(
        trial(rows, "auc", "accuracy"), only("previous", previous_score="old", metrics=("auc", "accuracy"))
    )

    assert of(part, "auc over previous").verdict is Verdict.PASS
    assert of(part, "accuracy over previous").verdict is Verdict.PASS


def test_the_previous_model_is_compared_on_the_rows_of_which_it_says_something():
    frame = pl.DataFrame({"old": [1.0, None, 5.0, None]})
    rows = regression([1, 2, 3, 4], [1, 2, 3, 9], frame=frame)

    part = baselines(trial(rows, "mae"), only("previous", previous="old"))

    assert row(part, "mae", "previous")["value"] == 1.0
    assert row(part, "mae", "previous")["lift"] == 1.0  # the model has 0 on these two rows


def test_the_previous_model_can_be_given_as_predictions():
    rows = regression([1, 2, 3, 4], [1, 2, 3, 5])

    part = baselines(trial(rows, "mae"), only("previous"), previous=replace(rows, predictions=rows.labels + 1.0))

    assert row(part, "mae", "previous")["lift"] == pytest.approx(0.75)


# What is concluded ----------------------------------------------------------------------------------------------------


def test_a_model_that_tells_passes_over_what_does_not(rng: np.random.Generator):
    part = baselines(trial(skilled(rng), "auc", "brier"), BaselineSettings(metrics=("auc", "brier")))

    assert of(part, "auc over random").verdict is Verdict.PASS
    assert of(part, "brier over prior").verdict is Verdict.PASS  # 0.7·0.145 + 0.3·0.183 = 0.156 against 0.21
    assert of(part, "auc over random").id == "baseline.auc over random"


def test_the_leading_metric_is_judged_and_every_other_shown(rng: np.random.Generator):
    part = baselines(trial(skilled(rng), "auc", "accuracy"))

    assert of(part, "auc over random").verdict is Verdict.PASS
    assert of(part, "accuracy over majority").verdict is Verdict.SKIP
    assert of(part, "accuracy over majority").observed.low is not None
    assert of(part, "accuracy over majority").why.endswith("the model is better; shown, not judged")


def test_a_metric_that_is_not_measured_cannot_be_judged(rng: np.random.Generator):
    with pytest.raises(UsageError, match="baselines: 'acc' is not measured; did you mean 'auc'"):
        baselines(trial(skilled(rng), "auc"), BaselineSettings(metrics=("acc",)))


def test_a_model_that_says_what_the_baseline_says_fails():
    labels = np.array([1] * 30 + [0] * 70)

    outcome = of(
        baselines(trial(binary(labels, np.full(100, 0.2)), "accuracy"), only("majority")), "accuracy over majority"
    )

    assert outcome.verdict is Verdict.FAIL
    assert "the model does what the baseline does, in every resample" in outcome.why


def test_a_model_that_is_worse_fails_and_one_that_the_rows_do_not_tell_is_inconclusive(rng: np.random.Generator):
    labels = rng.normal(size=300)

    worse = baselines(trial(regression(labels, -labels), "mae"), only("mean"))
    unclear = baselines(trial(regression(labels, rng.normal(0, 0.02, 300)), "mae"), only("mean"))

    assert of(worse, "mae over mean").verdict is Verdict.FAIL
    assert of(unclear, "mae over mean").verdict is Verdict.INCONCLUSIVE


def test_a_lift_of_an_error_is_above_zero_where_the_error_is_less():
    labels = np.arange(20.0)

    seen = of(baselines(trial(regression(labels, labels + 0.5), "mae"), only("mean")), "mae over mean").observed

    assert seen.value == pytest.approx(5.0 - 0.5)
    assert seen.low > 0


def test_a_metric_that_is_undefined_of_a_baseline_is_said(rng: np.random.Generator):
    outcome = of(baselines(trial(skilled(rng), "precision"), only("majority")), "precision over majority")

    assert outcome.verdict is Verdict.SKIP
    assert outcome.why == "precision is undefined of the most frequent class: no row is predicted positive"


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ("recall", "a constant has 1, the best there can be"),
        ("false_positive_rate", "a constant has 0, the best there can be"),
        ("ece", "a constant has 0, the best there can be"),
    ],
)
def test_a_metric_that_a_constant_has_at_its_best_is_not_judged(metric: str, why: str, rng: np.random.Generator):
    part = baselines(trial(skilled(rng), metric))

    assert {outcome.verdict for outcome in part.outcomes} == {Verdict.SKIP}
    assert all(why in outcome.why for outcome in part.outcomes)


def test_a_mean_error_is_not_judged(rng: np.random.Generator):
    labels = rng.normal(size=50)

    part = baselines(trial(regression(labels, labels + 1), "bias"))

    assert {outcome.verdict for outcome in part.outcomes} == {Verdict.SKIP}


def test_the_greatest_error_has_no_verdict(rng: np.random.Generator):
    labels = rng.normal(size=50)

    part = baselines(trial(regression(labels, labels + 1), "max_error"), only("mean"))

    assert of(part, "max_error over mean").verdict is Verdict.SKIP
    assert "no resample tells" in of(part, "max_error over mean").why


def test_metrics_without_a_better_way_have_no_lift(rng: np.random.Generator):
    assert baselines(trial(skilled(rng), "selection_rate")).outcomes == ()


def test_few_rows_are_inconclusive():
    outcome = of(baselines(trial(regression([1, 2, 3], [1, 2, 3]), "mae"), only("mean")), "mae over mean")

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.observed.low is None


def test_the_interval_of_an_area_over_chance_is_delongs(rng: np.random.Generator):
    asked = trial(skilled(rng, 200), "auc")
    own = asked.estimates["auc"]

    seen = of(baselines(asked, only("random")), "auc over random").observed

    assert (seen.low, seen.high) == (pytest.approx(own.low - 0.5), pytest.approx(own.high - 0.5))
    assert seen.method == "delong"


def test_a_function_of_ones_own_is_compared_with_whole_rows(rng: np.random.Generator):
    custom = {"right": by_function("right", lambda frame: float((frame["label"] == frame["prediction"]).mean()))}

    part = baselines(trial(skilled(rng, 200), "right", custom=custom, replicates=50), only("random", "majority"))

    assert row(part, "right", "majority")["value"] == pytest.approx(0.7, abs=0.12)
    assert of(part, "right over random").verdict is Verdict.PASS


def test_no_rows_have_no_baselines():
    assert baselines(trial(regression([], []), "mae")).outcomes == ()


# Holm -----------------------------------------------------------------------------------------------------------------


def test_intervals_are_the_wider_the_more_lifts_are_left_to_be_judged(rng: np.random.Generator):
    labels = rng.normal(size=400)
    rows = regression(labels, labels + rng.normal(0, 0.3, 400))

    part = baselines(trial(rows, "mae"), only("random", "mean", "median"))

    assert sorted(round(outcome.observed.confidence, 5) for outcome in part.outcomes) == [0.95, 0.975, 0.98333]
    assert {outcome.note for outcome in part.outcomes} == {"corrected over 3 baselines (Holm)"}


def test_a_model_without_skill_is_seldom_better_than_any_baseline(rng: np.random.Generator):
    wrong = 0
    for _ in range(150):
        labels = rng.normal(size=120)
        rows = regression(labels, labels.mean() + rng.normal(0, 0.001, 120))  # as good as the mean, and no better
        part = baselines(trial(rows, "rmse", rng=rng, replicates=200), only("mean", "median"))
        wrong += any(outcome.verdict is Verdict.PASS for outcome in part.outcomes)

    assert scipy.stats.binom.sf(wrong - 1, 150, 0.05) > 1e-3


def test_the_interval_of_a_lift_covers_at_its_rate(rng: np.random.Generator):
    hits = 0
    for _ in range(400):
        labels = rng.exponential(1, 80)
        rows = regression(labels, 0.5 * labels + 0.5)
        told = only("previous")
        old = replace(rows, predictions=np.ones(80))
        seen = of(
            baselines(trial(rows, "mae", rng=rng, replicates=300), told, previous=old), "mae over previous"
        ).observed
        hits += seen.low <= 0.5 * 2 / np.e <= seen.high  # E|y - 1| is 2/e, and the model has half of it

    assert scipy.stats.binom.cdf(hits, 400, 0.94) > 1e-3


# The table ------------------------------------------------------------------------------------------------------------


def test_an_unknown_baseline_is_refused():
    with pytest.raises(ValueError, match="there is no baseline 'mjority'; did you mean 'majority'"):
        BaselineSettings(ignore=("mjority",))


def test_what_is_left_out_says_why(rng: np.random.Generator):
    note = baselines(trial(skilled(rng), "auc")).exhibits[0].note

    assert "one_feature: no features are known" in note
    assert "last_value: no column of time is named" in note
    assert "previous: no previous model is named" in note


def every(task: str, rng: np.random.Generator) -> tuple[Predictions, str]:
    """Return rows of a task on which every baseline of it says something, and a metric."""
    n = 60
    frame = pl.DataFrame({"x": rng.normal(size=n), "t": np.arange(n), "old": rng.integers(0, 2, n), "s": rng.random(n)})
    more = {"frame": frame, "features": ("x",)}
    scores = rng.dirichlet([1.0, 1.0], n)
    if task in ("binary", "multiclass"):
        metric = "accuracy"
        return Predictions(task, rng.integers(0, 2, n), scores.argmax(1), scores, (0, 1), **more), metric
    if task == "multilabel":
        labels = rng.integers(0, 2, (n, 2))
        return Predictions(task, labels, labels, labels * 0.8 + 0.1, ("a", "b"), **more), "hamming_loss"
    if task == "regression":
        return regression(rng.normal(size=n), rng.normal(size=n), **more), "mae"
    if task == "quantile":
        return Predictions(
            task, rng.normal(size=n), np.tile([-1.0, 1.0], (n, 1)), classes=(0.1, 0.9), **more
        ), "pinball"
    query = np.repeat(np.arange(12), 5)
    return Predictions(
        task, rng.integers(0, 3, n) * 1.0, None, rng.random((n, 1)), ("r",), False, query=query, entity=query, **more
    ), "ndcg@3"


@pytest.mark.parametrize(("name", "task"), [(name, task) for name, one in BASELINES.items() for task in one.tasks])
def test_every_baseline_says_something_of_its_tasks(name: str, task: str, rng: np.random.Generator):
    rows, metric = every(task, rng)
    metric = "brier" if name == "prior" and task != "multilabel" else metric
    rows = replace(rows, labels=np.arange(rows.n) % 3 // 2) if name == "positive" else rows
    previous = rows if task in ("multilabel", "quantile") else None
    told = only(
        name,
        time="t",
        period=5,
        previous="old" if task != "ranking" else "",
        previous_score="s" if task == "ranking" else "",
    )

    part = baselines(
        trial(rows, metric, "macro_ece" if name == "prior" and task == "multilabel" else metric),
        told,
        previous=previous,
    )

    assert set(part.exhibits[0].columns["baseline"]) == {name}
    assert f"{name} is {BASELINES[name].title}" in part.exhibits[0].note
