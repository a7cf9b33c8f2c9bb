"""Metrics of scores and of calibration, against scikit-learn, by hand, and by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy.stats import ks_2samp
from sklearn.calibration import calibration_curve

from assay.evaluation.metrics.calibrated import CALIBRATED
from assay.evaluation.metrics.forms import places_of
from assay.evaluation.metrics.measuring import measure, value_of
from assay.evaluation.metrics.metric import Form
from assay.evaluation.metrics.scores import NUMBERED, SCORES
from assay.evaluation.metrics.table import metric_of
from assay.evaluation.predictions import Predictions
from assay.stats.resampling import as_one, resamples
from evaluation.metrics.made import binary, made, multiclass, multilabel

Oracle = Callable[..., float]


def value(name: str, rows: Predictions) -> float:
    return value_of(metric_of(name), rows)


# Against scikit-learn -------------------------------------------------------------------------------------------------


def gini(labels, scores, *, sample_weight):
    return 2 * sk.roc_auc_score(labels, scores, sample_weight=sample_weight) - 1


def skill(labels, scores, *, sample_weight):
    base = np.full(len(labels), np.average(labels, weights=sample_weight))
    return 1 - sk.brier_score_loss(labels, scores, sample_weight=sample_weight) / sk.brier_score_loss(
        labels, base, sample_weight=sample_weight
    )


def ks(labels, scores, *, sample_weight):
    fpr, tpr, _ = sk.roc_curve(labels, scores, sample_weight=sample_weight, drop_intermediate=False)
    return np.abs(tpr - fpr).max()


def recall_at(precision, labels, scores, *, sample_weight):
    precisions, recalls, _ = sk.precision_recall_curve(labels, scores, sample_weight=sample_weight)
    return recalls[precisions >= precision].max()


def precision_at(recall, labels, scores, *, sample_weight):
    precisions, recalls, _ = sk.precision_recall_curve(labels, scores, sample_weight=sample_weight)
    return precisions[recalls >= recall].max()


BINARY: dict[str, Oracle] = {
    "auc": sk.roc_auc_score,
    "gini": gini,
    "ks": ks,
    "pr_auc": sk.average_precision_score,
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
    "brier_skill": skill,
    "recall@precision>=0.5": partial(recall_at, 0.5),
    "recall@precision>=0.9": partial(recall_at, 0.9),
    "precision@recall>=0.8": partial(precision_at, 0.8),
}
RANKED = {"multi_class": "ovr"}
MULTICLASS: dict[str, Oracle] = {
    "macro_auc": partial(sk.roc_auc_score, average="macro", **RANKED),
    "weighted_auc": partial(sk.roc_auc_score, average="weighted", **RANKED),
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
    "accuracy@2": partial(sk.top_k_accuracy_score, k=2),
    "accuracy@3": partial(sk.top_k_accuracy_score, k=3),
}
MULTILABEL: dict[str, Oracle] = {
    "macro_auc": sk.roc_auc_score,
    "weighted_auc": partial(sk.roc_auc_score, average="weighted"),
    "macro_pr_auc": sk.average_precision_score,
    "label_ranking_precision": sk.label_ranking_average_precision_score,
}
BY_HAND = {"lift@", "capture@", "top_precision@"}


def test_every_metric_of_scores_has_an_oracle():
    named = {*BINARY, *MULTICLASS, *MULTILABEL}

    assert SCORES.keys() <= named
    assert {family.before for family in NUMBERED} <= {name.rstrip("0123456789.") for name in named} | BY_HAND


@pytest.mark.parametrize("kind", ["ties", "distinct", "all equal", "weights of 1e-9", "few positives"])
@pytest.mark.parametrize("name", BINARY)
def test_scores_of_two_classes_agree_with_scikit_learn(name, kind, rng):
    rows, weights = made("binary", rng, 150), rng.random(150)
    labels, scores = rows.labels, rows.positive
    if kind == "distinct":
        scores = rng.random(150)
    if kind == "all equal":
        scores = np.full(150, 0.3)
    if kind == "weights of 1e-9":
        weights = np.where(rng.random(150) < 0.5, 1e-9, 1.0)
    if kind == "few positives":
        labels = (np.arange(150) < 2).astype(int)

    expected = BINARY[name](labels, scores, sample_weight=weights)

    assert value(name, binary(labels, scores, weights=weights)) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", MULTICLASS)
def test_scores_of_several_classes_agree_with_scikit_learn(name, rng):
    rows, weights = made("multiclass", rng, 200), rng.random(200)

    expected = MULTICLASS[name](rows.labels, rows.scores, sample_weight=weights, labels=[0, 1, 2, 3])

    assert value(name, multiclass(rows.labels, rows.scores, weights=weights)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", MULTILABEL)
def test_scores_of_several_labels_agree_with_scikit_learn(name, rng):
    rows, weights = made("multilabel", rng, 200), rng.random(200)
    keep = (
        rows.labels.any(1) if name == "label_ranking_precision" else np.ones(200, dtype=bool)
    )  # see the test of rows without labels

    rows = multilabel(rows.labels[keep], rows.scores[keep], weights=weights[keep])

    assert value(name, rows) == pytest.approx(
        MULTILABEL[name](rows.labels, rows.scores, sample_weight=rows.weights), rel=1e-9
    )


def test_losses_of_several_labels_are_the_mean_over_them(rng):
    rows = made("multilabel", rng, 50)

    for name in ("log_loss", "brier"):
        each = [value(name, binary(rows.labels[:, c], rows.scores[:, c])) for c in range(3)]
        assert value(name, rows) == pytest.approx(np.mean(each))


def test_the_ks_statistic_is_scipys(rng):
    rows = made("binary", rng, 90)
    score, inside = rows.positive, rows.labels == 1

    assert value("ks", rows) == pytest.approx(ks_2samp(score[inside], score[~inside]).statistic)


@pytest.mark.parametrize("apart", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_interval_of_the_ks_statistic_covers_scores_without_skill_too(apart, weighted, rng):
    """Normal scores that far apart: Φ(a/2) - Φ(-a/2). At least as often as stated: of 200 samples, 0.95 - 3·√(.05·.95/200)."""
    truth, inside = math.erf(apart / 2 / math.sqrt(2)), 0
    for _ in range(200):
        labels = np.arange(150) % 3 == 0
        scores = 1 / (1 + np.exp(-rng.normal(size=150) - apart * labels))
        rows = binary(labels, scores, weights=rng.uniform(0.5, 1.5, 150) if weighted else None)
        found = measure(metric_of("ks"), rows, units=resamples(150, rng=rng, replicates=2))
        inside += found.low <= truth <= found.high

    assert inside / 200 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 200)


# Differences on purpose -----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_average_precision_without_positives_is_undefined_where_scikit_learn_says_0():
    assert sk.average_precision_score([0, 0], [0.1, 0.2]) == 0.0
    assert math.isnan(value("pr_auc", binary([0, 0], [0.1, 0.2])))


def test_a_class_without_rows_leaves_the_macro_auc_where_scikit_learn_says_nan():
    scores = np.array([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.5, 0.2, 0.3], [0.1, 0.8, 0.1]])

    # Class 0 (rows 1 and 3 against 2 and 4): .6, .5 above .3, .1: 1. Class 1 likewise. Class 2 has no rows.
    assert value("macro_auc", multiclass([0, 1, 0, 1], scores)) == 1.0


def test_a_row_without_labels_leaves_the_label_ranking_where_scikit_learn_counts_it_as_right():
    labels, scores = [[0, 0], [0, 1]], [[0.5, 0.4], [0.5, 0.4]]

    assert sk.label_ranking_average_precision_score(labels, scores) == pytest.approx((1 + 1 / 2) / 2)
    assert value("label_ranking_precision", multilabel(labels, scores)) == pytest.approx(1 / 2)


def test_a_tie_at_the_cut_counts_in_part_where_scikit_learn_takes_the_last_class():
    """Two of three equal scores are among the top two: the label with a probability of 2/3."""
    rows = multiclass([0, 2], np.full((2, 3), 1 / 3))

    assert value("accuracy@2", rows) == pytest.approx(2 / 3)
    assert sk.top_k_accuracy_score([0, 2], rows.scores, k=2, labels=[0, 1, 2]) == 1 / 2


def test_a_label_that_was_ruled_out_costs_36_nats():
    """As in scikit-learn, for scores of double precision: it is -ln 2⁻⁵²."""
    rows = binary([1, 0], [0.0, 0.0])

    assert value("log_loss", rows) == pytest.approx(52 * math.log(2) / 2)
    assert value("log_loss", rows) == pytest.approx(sk.log_loss([1, 0], [0.0, 0.0]))


# By hand --------------------------------------------------------------------------------------------------------------


def test_the_document_s_ten_rows():
    """The lowest positive, .4, is above the highest negative, .3: the area is 1, where the document prints .938 (22.5 of 24 pairs).

    The loss is -(ln .9 + ln .9 + ln .8 + ln .4 + ln .7 + ln .85 + ln .85 + ln .95 + ln .95 + ln .9)/10 = .224, where it prints .196.
    """
    rows = binary([0, 1, 0, 1, 0, 1, 0, 0, 1, 0], [0.1, 0.9, 0.2, 0.4, 0.3, 0.85, 0.15, 0.05, 0.95, 0.1])
    given = [0.9, 0.9, 0.8, 0.4, 0.7, 0.85, 0.85, 0.95, 0.95, 0.9]

    assert value("auc", rows) == 1.0
    assert value("log_loss", rows) == pytest.approx(-sum(map(math.log, given)) / 10)
    assert value("log_loss", rows) == pytest.approx(0.224, abs=5e-4)


def test_an_area_counts_pairs():
    """Positives .4 and .8, negatives .4 and .6: ½ + 0 of the pairs with .4, both of those with .8: 2.5 of 4."""
    rows = binary([1, 1, 0, 0], [0.4, 0.8, 0.4, 0.6])

    assert value("auc", rows) == 2.5 / 4
    assert value("gini", rows) == 0.25


def test_average_precision_steps_down_the_scores():
    """From the top: hit (1/1), miss, hit (2/3): ½·1 + ½·2/3."""
    assert value("pr_auc", binary([1, 0, 1], [0.9, 0.8, 0.7])) == pytest.approx(0.5 + 1 / 3)


def test_a_threshold_that_no_score_reaches_finds_nobody():
    """The top row is negative, so that the precision is at most 1/2."""
    rows = binary([0, 1, 0, 0], [0.9, 0.8, 0.7, 0.6])

    assert value("recall@precision>=0.9", rows) == 0.0
    assert value("recall@precision>=0.5", rows) == 1.0
    assert value("precision@recall>=0.8", rows) == 0.5


def test_a_bound_is_reached_whatever_rounding_does():
    """Nine of ten rows of weight .1: in floats .9 of .9999999999999999."""
    rows = binary([1] * 9 + [0], [0.9] * 10, weights=[0.1] * 10)

    assert value("recall@precision>=0.9", rows) == 1.0


def test_the_top_share_of_rows():
    """The top 3 of 10 rows have 2 of 4 positives: precision 2/3, captured 2/4, lift (2/3)/(4/10)."""
    rows = binary([1, 0, 1, 0, 0, 1, 0, 0, 1, 0], np.linspace(0.95, 0.05, 10))

    assert value("top_precision@0.3", rows) == pytest.approx(2 / 3)
    assert value("capture@0.3", rows) == pytest.approx(2 / 4)
    assert value("lift@0.3", rows) == pytest.approx((2 / 3) / (4 / 10))


def test_equal_scores_at_the_cut_count_in_part():
    """The top 2 of 4 rows are the one of .9 and one of three of .5, of which one is positive."""
    rows = binary([1, 1, 0, 0], [0.9, 0.5, 0.5, 0.5])

    assert value("capture@0.5", rows) == pytest.approx((1 + 1 / 3) / 2)


def test_scores_that_are_no_probabilities_order_rows_and_no_more(rng):
    rows = binary([0, 1, 0, 1], [-3.0, 8.0, 1.0, 0.5], probabilities=False)
    units = resamples(4, rng=rng, replicates=20)

    assert measure(metric_of("auc"), rows, units=units).value == 0.75
    assert measure(metric_of("log_loss"), rows, units=units).why.startswith("the scores are no probabilities")


def test_one_row_of_a_class_has_an_area_and_no_interval(rng):
    found = measure(metric_of("auc"), binary([1, 0, 0], [0.9, 0.2, 0.3]), units=resamples(3, rng=rng, replicates=20))

    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert found.why


# Calibration ----------------------------------------------------------------------------------------------------------


def reliability(labels, scores, strategy) -> float:
    """Return the plain error from scikit-learn's curve, whose bins without rows it leaves out."""
    shares, means = calibration_curve(labels, scores, n_bins=10, strategy=strategy)
    edges = np.linspace(0, 1, 11) if strategy == "uniform" else np.quantile(scores, np.linspace(0, 1, 11))
    counts = np.bincount(np.searchsorted(edges[1:-1], scores), minlength=10)
    return float(np.abs(shares - means) @ counts[counts > 0] / len(labels))


@pytest.mark.parametrize(("name", "strategy"), [("ece_plain", "uniform"), ("ece_mass_plain", "quantile")])
def test_the_plain_errors_agree_with_scikit_learns_curve(name, strategy, rng):
    scores = rng.random(500)
    labels = (rng.random(500) < scores**2).astype(int)

    assert value(name, binary(labels, scores)) == pytest.approx(reliability(labels, scores, strategy))


def test_a_score_that_is_an_edge_stands_with_those_below_it():
    """.1 with .05 (mean .075, share 1/2) and 0 with them: (0 + .05 + .1)/3 = .05 against 1/3; 1 alone is right."""
    rows = binary([0, 0, 1, 1], [0.0, 0.05, 0.1, 1.0])

    assert value("ece_plain", rows) == pytest.approx(3 / 4 * (1 / 3 - 0.05))


def test_bins_of_equal_mass_keep_equal_scores_together():
    rows = binary([0, 1, 1, 1], [0.6, 0.6, 0.6, 0.6])

    assert value("ece_mass_plain", rows) == pytest.approx(0.75 - 0.6)
    assert value("max_calibration_error", rows) == pytest.approx(0.15)


def test_of_several_classes_the_likeliest_is_looked_at():
    """Likeliest .8 (right), .6 (wrong), .8 (right), .6 (right): 2/4·|.8 - 1| + 2/4·|.6 - ½|, and .7 - 3/4 in all."""
    scores = [[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]
    rows = multiclass([0, 1, 1, 2], scores)

    assert value("ece_plain", rows) == pytest.approx(0.5 * 0.2 + 0.5 * 0.1)
    assert value("calibration_in_the_large", rows) == pytest.approx(0.7 - 0.75)


def test_what_is_taken_for_chance_is_what_the_formula_says():
    """One bin of 4 rows at .5 with 3 positives: v = 4·¼/16 = 1/16, d = -¼, so d²/v = 1; e = min(√(2v/π), 2·4/16)."""
    rows = binary([1, 1, 1, 0], [0.5, 0.5, 0.5, 0.5])
    chance = math.sqrt(2 / 16 / math.pi)

    assert value("ece_plain", rows) == 0.25
    assert value("ece", rows) == pytest.approx(max(0.25 - math.sqrt(3) * chance * math.exp(-1), 0))


@pytest.mark.parametrize("name", ["ece", "ece_mass"])
@pytest.mark.parametrize("rare", [False, True])
def test_a_calibrated_model_shows_little_of_what_chance_adds(name, rare, rng):
    """The plain error is .044 on 500 rows (.012 of a rare class) with ten bins; the corrected one keeps less than a third of it.

    The corrected value, before it is cut at 0, has mean 0 and spreads as the plain one does, by about .012; cut at 0 its mean
    is .4·.012 where that is normal. 300 samples know it to within .0005.
    """
    found = []
    for _ in range(300):
        scores = rng.beta(1, 19, 500) if rare else rng.random(500)
        rows = binary(rng.random(500) < scores, scores)
        found.append((value(name, rows), value(f"{name}_plain", rows)))
    corrected, plain = np.mean(found, axis=0)

    assert plain > (0.01 if rare else 0.04)
    assert corrected < (0.4 if rare else 0.25) * plain


@pytest.mark.parametrize("name", ["ece", "ece_mass"])
def test_an_error_far_beyond_chance_is_left_as_it_is(name, rng):
    """Scores ½ + (p - ½)·2 of probabilities p in [¼, ¾]: off by |p - ½|, ⅛ on average; bins have 2,000 rows, or ± .01."""
    p = rng.uniform(0.25, 0.75, 20_000)
    rows = binary(rng.random(20_000) < p, 2 * p - 0.5)

    assert value(name, rows) == pytest.approx(1 / 8, abs=0.005)
    assert value(name, rows) == pytest.approx(value(f"{name}_plain", rows), abs=0.001)


WORLDS = {
    "calibrated": lambda p: p,
    "too sure": lambda p: 0.5 + (p - 0.5) * 0.8,  # off by |p - ½|/5: .05 on average
    "not sure enough": lambda p: np.clip(0.5 + (p - 0.5) * 1.25, 0, 1),
}


def covered(name, world, rng, *, times, n=600, weighted=False, together=False) -> float:
    """Return how often the interval of a calibration error holds that of the population."""
    p = rng.random(400_000)
    plain = name if name.startswith("max") else f"{name}_plain"
    truth = 0.0 if world == "calibrated" else value(plain, binary(rng.random(400_000) < WORLDS[world](p), p))
    inside = 0
    for _ in range(times):
        scores = rng.random(n)
        rows = binary(
            rng.random(n) < WORLDS[world](scores), scores, weights=rng.uniform(0.5, 1.5, n) if weighted else None
        )
        entities = np.repeat(np.arange(n), 3) if together else None  # every row three times: it says no more than once
        rows = rows if entities is None else replace(rows.at(entities), entity=entities)
        found = measure(metric_of(name), rows, units=resamples(rows.n, rng=rng, replicates=60, entities=entities))
        inside += found.low <= truth <= found.high
    return inside / times


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", ["ece", "ece_mass", "max_calibration_error"])
def test_the_interval_of_a_calibration_error_covers(name, world, rng):
    """At least as often as stated; 200 samples, so at least 0.95 - 3·√(.05·.95/200) of them."""
    assert covered(name, world, rng, times=200) >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 200)


@pytest.mark.parametrize("how", [{"weighted": True}, {"together": True}], ids=str)
@pytest.mark.parametrize("world", ["calibrated", "too sure"])
@pytest.mark.parametrize("name", ["ece", "max_calibration_error"])
def test_the_interval_from_resamples_covers(name, world, how, rng):
    """Where rows are weighted, or drawn together: at least 0.95 - 3·√(.05·.95/40) of 40 samples."""
    assert covered(name, world, rng, times=40, n=120, **how) >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 40)


def test_every_metric_of_calibration_is_tested_here():
    assert set(CALIBRATED) == {
        "ece", "ece_mass", "ece_plain", "ece_mass_plain", "macro_ece", "max_calibration_error", "calibration_in_the_large"
    }  # fmt: skip


def test_the_macro_error_is_the_mean_over_the_classes(rng):
    rows = made("multiclass", rng, 120)
    each = [value("ece", binary(rows.labels == c, rows.scores[:, c])) for c in range(4)]

    assert value("macro_ece", rows) == pytest.approx(np.mean(each))


def test_weights_that_differ_are_fewer_rows_to_chance(rng):
    """Half of the rows weigh next to nothing: the correction is that of the other half."""
    scores = rng.random(400)
    labels = rng.random(400) < scores
    weights = np.where(np.arange(400) < 200, 1.0, 1e-12)

    found = value("ece", binary(labels, scores, weights=weights))

    assert found == pytest.approx(value("ece", binary(labels[:200], scores[:200])), abs=1e-9)


@pytest.mark.parametrize("column", ["entity", "block"])
@pytest.mark.parametrize("name", ["ece", "ece_mass", "macro_ece"])
def test_rows_that_are_drawn_together_are_fewer_rows_to_chance(name, column, rng):
    """Every row three times says what it says once, where it is told that the three belong together."""
    rows = made("multiclass", rng, 200)
    three = np.repeat(np.arange(200), 3)

    assert value(name, replace(rows.at(three), **{column: three})) == pytest.approx(value(name, rows))
    assert value(name, rows.at(three)) > value(name, rows)


def test_the_ks_interval_takes_what_is_drawn_together_for_one_row(rng):
    rows, three = made("binary", rng, 100), np.repeat(np.arange(100), 3)
    once = measure(metric_of("ks"), rows, units=resamples(100, rng=rng, replicates=2))
    units = resamples(300, rng=rng, replicates=2, entities=three)

    thrice = measure(metric_of("ks"), replace(rows.at(three), entity=three), units=units)

    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


# Draws between places -------------------------------------------------------------------------------------------------


def test_draws_go_from_place_to_place_in_a_straight_line():
    """From the top, places of 4 hits in 4 rows, then 2 in 8, then 2 in 8.

    At a precision of ¾: 4 + f·2 hits in 4 + f·8 rows is ¾ at f = ¼: 4.5 of 8 hits. At a recall of 5/8: 5 hits in 8 rows.
    """
    form = Form(np.array([2.0, 2.0, 4.0]), np.array([6.0, 6.0, 0.0]), np.array([0.2, 0.5, 0.8]))
    found, precise = metric_of("recall@precision>=0.75").of, metric_of("precision@recall>=0.625").of

    assert (found.value(form), found.smooth(form)) == (4 / 8, 4.5 / 8)
    assert (precise.value(form), precise.smooth(form)) == (6 / 12, 5 / 8)


@pytest.mark.parametrize(
    "name", ["recall@precision>=0.75", "recall@precision>=0.9", "precision@recall>=0.625", "precision@recall>=0.8"]
)
def test_draws_of_distinct_scores_are_of_the_metric_itself(name, rng):
    scores = rng.random(100)
    rows = binary(rng.random(100) < scores, scores)
    places = places_of(rows, 1)
    form = places.form(places.sums(as_one(100), None)[0])

    of = metric_of(name).of

    assert of.smooth(form) == pytest.approx(of.value(form))


def test_an_interval_of_many_rows_is_as_narrow_as_they_make_it(rng):
    """Of 20,000 rows, 6,000 or so are selected: a precision of .85 is known to ± 1.96·√(.85·.15/6000) = .009, and a bit."""
    scores = rng.random(20_000)
    rows = binary(rng.random(20_000) < scores, scores)

    found = measure(metric_of("precision@recall>=0.5"), rows, units=resamples(20_000, rng=rng, replicates=200))

    assert found.high - found.low < 2 * 0.015
