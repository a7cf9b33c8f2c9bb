"""Every rate and every gap beside fairlearn's, on random and on hostile rows."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn import metrics as fl
from sklearn.metrics import accuracy_score, mean_absolute_error, mean_squared_error, precision_score, roc_auc_score

from assay.evaluation.fairness.fairness import fairness
from assay.evaluation.fairness.settings import FairnessSettings
from assay.evaluation.predictions import Predictions
from evaluation.fairness.worlds import outcome, table, trial_of, two_classes

PLAIN = FairnessSettings(columns=("g",), min_rows=1, crosses=1, flips=False, proxies=False)


def _precision_of_negatives(label, said, sample_weight=None):
    return precision_score(label, said, pos_label=0, sample_weight=sample_weight)


RATES = {
    "selection_rate": fl.selection_rate,
    "tpr": fl.true_positive_rate,
    "fpr": fl.false_positive_rate,
    "fnr": fl.false_negative_rate,
    "tnr": fl.true_negative_rate,
    "ppv": precision_score,
    "npv": _precision_of_negatives,
    "accuracy": accuracy_score,
}
GAPS = {
    ("selection_rate", "difference"): fl.demographic_parity_difference,
    ("selection_rate", "ratio"): fl.demographic_parity_ratio,
    ("tpr", "difference"): fl.equal_opportunity_difference,
    ("tpr", "ratio"): fl.equal_opportunity_ratio,
    ("equalised_odds", "difference"): fl.equalized_odds_difference,
    ("equalised_odds", "ratio"): fl.equalized_odds_ratio,
    ("fpr", "difference"): fl.false_positive_rate_difference,
    ("fpr", "ratio"): fl.false_positive_rate_ratio,
    ("fnr", "difference"): fl.false_negative_rate_difference,
    ("fnr", "ratio"): fl.false_negative_rate_ratio,
    ("tnr", "difference"): fl.true_negative_rate_difference,
    ("tnr", "ratio"): fl.true_negative_rate_ratio,
    ("accuracy", "difference"): fl.accuracy_score_difference,
    ("accuracy", "ratio"): fl.accuracy_score_ratio,
}


def _rows(rng: np.random.Generator, n: int, names: list[object]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    places = rng.integers(0, len(names), n)
    label = rng.binomial(1, 0.3 + 0.1 * (places % 3))
    return label, rng.binomial(1, 0.2 + 0.5 * label), places


@pytest.mark.parametrize(
    "names", [["a", "b"], ["a", "b", "c", "d", "e"], ["", "É", "x'y", "None"], [True, False], [3, 1, 2]]
)
def test_every_rate_and_gap_is_fairlearns(rng, names):
    label, said, places = _rows(rng, 900, names)
    column = [names[place] for place in places]

    part = fairness(trial_of(two_classes(label, said, {"g": column}), rng), PLAIN)

    groups, gaps = table(part.exhibits, "groups"), table(part.exhibits, "gaps")
    theirs = fl.MetricFrame(metrics=RATES, y_true=label, y_pred=said, sensitive_features=places)
    order = theirs.by_group.loc[[names.index(n) for n in sorted(names)]]
    for name in RATES:
        ours = groups.filter(measure=name)["value"].to_numpy()
        np.testing.assert_allclose(ours, order[name].to_numpy(), rtol=0, atol=1e-12)
    for (name, kind), function in GAPS.items():
        ours = gaps.filter(measure=name, kind=kind)["value"].item()
        assert ours == pytest.approx(function(label, said, sensitive_features=places), abs=1e-12), (name, kind)


def test_weighted_rates_and_gaps_are_fairlearns(rng):
    label, said, places = _rows(rng, 600, ["a", "b", "c"])
    weights = rng.gamma(1.0, 2.0, 600)

    rows = two_classes(label, said, {"g": [str(p) for p in places]}, weights=weights)
    part = fairness(trial_of(rows, rng), PLAIN)

    groups, gaps = table(part.exhibits, "groups"), table(part.exhibits, "gaps")
    told = {name: {"sample_weight": weights} for name in RATES}
    theirs = fl.MetricFrame(metrics=RATES, y_true=label, y_pred=said, sensitive_features=places, sample_params=told)
    for name in RATES:
        np.testing.assert_allclose(groups.filter(measure=name)["value"], theirs.by_group[name], rtol=0, atol=1e-12)
    for (name, kind), function in GAPS.items():
        ours = gaps.filter(measure=name, kind=kind)["value"].item()
        expected = function(label, said, sensitive_features=places, sample_weight=weights)
        assert ours == pytest.approx(expected, abs=1e-12), (name, kind)


def test_crosses_of_columns_are_fairlearns(rng):
    label, said, places = _rows(rng, 800, ["a", "b"])
    sex = rng.integers(0, 2, 800)

    rows = two_classes(label, said, {"g": [str(p) for p in places], "sex": sex})
    part = fairness(trial_of(rows, rng), FairnessSettings(columns=("g", "sex"), min_rows=1, flips=False, proxies=False))

    ours = table(part.exhibits, "groups").filter(column="g × sex", measure="fpr")
    theirs = fl.MetricFrame(
        metrics=fl.false_positive_rate, y_true=label, y_pred=said, sensitive_features=np.column_stack([places, sex])
    )
    assert ours["group"].to_list()[:2] == ["g = '0' AND sex = 0", "g = '0' AND sex = 1"]
    np.testing.assert_allclose(ours["value"], theirs.by_group, rtol=0, atol=1e-12)


def test_errors_of_a_regression_are_fairlearns(rng):
    places, label = rng.integers(0, 4, 500), rng.normal(0, 1, 500)
    said = label + rng.normal(0, 1 + places, 500)
    import polars as pl

    rows = Predictions("regression", label, said, frame=pl.DataFrame({"g": places}))
    part = fairness(trial_of(rows, rng), PLAIN)

    named = {"mae": mean_absolute_error, "mse": mean_squared_error, "mean_prediction": fl.mean_prediction}
    theirs = fl.MetricFrame(metrics=named, y_true=label, y_pred=said, sensitive_features=places)
    groups, gaps = table(part.exhibits, "groups"), table(part.exhibits, "gaps")
    for name in named:
        np.testing.assert_allclose(groups.filter(measure=name)["value"], theirs.by_group[name], rtol=0, atol=1e-12)
        ours = gaps.filter(measure=name, kind="difference")["value"].item()
        assert ours == pytest.approx(theirs.difference()[name], abs=1e-12)


def test_the_auc_within_and_across_groups_is_scikit_learns(rng):
    n = 700
    places, label = rng.integers(0, 3, n), rng.integers(0, 2, n)
    score = np.round(np.clip(rng.beta(2, 2, n) * 0.7 + 0.2 * label + 0.05 * places, 0, 1), 2)  # with ties

    rows = two_classes(label, (score > 0.5).astype(int), {"g": places}, score=score)
    part = fairness(trial_of(rows, rng), PLAIN)

    groups = table(part.exhibits, "groups")
    for g in range(3):
        mine = places == g
        within = roc_auc_score(label[mine], score[mine])
        bpsn = roc_auc_score(*((x[(mine & (label == 0)) | (~mine & (label == 1))]) for x in (label, score)))
        bnsp = roc_auc_score(*((x[(mine & (label == 1)) | (~mine & (label == 0))]) for x in (label, score)))
        for name, expected in {"auc": within, "bpsn_auc": bpsn, "bnsp_auc": bnsp, "xauc": bnsp - bpsn}.items():
            assert groups.filter(measure=name, group=f"g = {g}")["value"].item() == pytest.approx(expected, abs=1e-12)


# Where we say that there is nothing, and fairlearn says 0 or nothing at all ---------------------------------------------


def test_a_rate_of_no_rows_is_undefined_where_fairlearn_says_0(rng):
    label, said, column = [1, 0, 0, 0], [1, 0, 1, 0], ["a", "a", "b", "b"]  # no positive in b

    part = fairness(trial_of(two_classes(label, said, {"g": column}), rng), PLAIN)

    ours = table(part.exhibits, "groups").filter(measure="tpr")
    theirs = fl.MetricFrame(metrics=fl.true_positive_rate, y_true=label, y_pred=said, sensitive_features=column)
    assert ours["value"].to_list() == [1.0, None]
    assert theirs.by_group.to_list() == [1.0, 0.0]
    found = outcome(part.outcomes, "tpr difference of g")
    assert found.observed.value is None
    assert "g = 'b' (0)" in found.why


def test_a_missing_group_is_a_group_of_its_own(rng):
    label, said = [1, 0, 1, 0, 1, 1], [1, 0, 0, 0, 1, 1]
    column = ["a", "a", None, None, "None", "None"]

    part = fairness(trial_of(two_classes(label, said, {"g": column}), rng), PLAIN)

    ours = table(part.exhibits, "groups").filter(measure="selection_rate")
    assert dict(ours.select("group", "value").iter_rows()) == {"g = 'None'": 1.0, "g = 'a'": 0.5, "g is missing": 0.0}


def test_the_ratio_of_rates_that_are_all_0_is_undefined(rng):
    part = fairness(trial_of(two_classes([1, 0, 1, 0], [0, 0, 0, 0], {"g": ["a", "a", "b", "b"]}), rng), PLAIN)

    gaps = table(part.exhibits, "gaps").filter(measure="selection_rate")
    assert gaps.filter(kind="ratio")["value"].to_list() == [None]
    assert gaps.filter(kind="difference")["value"].to_list() == [0.0]


def test_one_group_has_no_gap(rng):
    part = fairness(trial_of(two_classes([1, 0, 1], [1, 0, 0], {"g": ["a", "a", "a"]}), rng), PLAIN)

    assert set(table(part.exhibits, "gaps")["value"].to_list()) == {None}
    assert all(o.observed.value is None for o in part.outcomes)
