"""What a model goes by: importances find what counts, dependence is drawn as it is, and what must be monotone is judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from assay.errors import UsageError
from assay.evaluation.behaviour.explanations import ExplanationSettings, Monotone, explanations
from assay.evaluation.models.model import Output
from assay.evaluation.trial import Part, Trial
from assay.verdict import Exhibit, Outcome, Verdict
from evaluation.models_made import Made, linear, logistic, tried


def table(part: Part, name: str) -> pl.DataFrame:
    exhibit: Exhibit = next(e for e in part.exhibits if e.name == name)
    return pl.DataFrame(exhibit.columns, strict=False)


def outcome(part: Part, subject: str) -> Outcome:
    return next(o for o in part.outcomes if o.subject == subject)


def a_regression(rng: np.random.Generator, n: int = 500, **weights: float) -> Trial:
    frame = pl.DataFrame({name: rng.normal(size=n) for name in weights})
    label = sum(weight * frame[name] for name, weight in weights.items()) + pl.Series(rng.normal(size=n))
    return tried(linear(weights), frame.with_columns(y=label), task="regression", metrics=("mse",))


def test_the_importance_of_a_linear_feature_is_twice_its_variance_in_squares(rng: np.random.Generator):
    part = explanations(a_regression(rng, 4000, a=2.0, b=0.5), ExplanationSettings())

    # a permuted x' gives E(w(x - x'))² = 2w²: 8 and 0.5
    found = table(part, "importance")
    assert found["feature"].to_list() == ["a", "b"]
    assert found["low"][0] < 8 < found["high"][0]
    assert found["low"][1] < 0.5 < found["high"][1]
    assert found["p_value"].max() < 0.01


def test_a_feature_that_the_model_ignores_has_no_importance(rng: np.random.Generator):
    found = table(explanations(a_regression(rng, a=1.0, b=0.0), ExplanationSettings()), "importance")

    ignored = found.row(by_predicate=pl.col("feature") == "b", named=True)
    assert (ignored["value"], ignored["low"], ignored["high"], ignored["p_value"]) == (0.0, 0.0, 0.0, 1.0)


def test_a_feature_that_carries_all_of_the_skill_is_a_warning(rng: np.random.Generator):
    part = explanations(a_regression(rng, a=5.0, b=0.1), ExplanationSettings(share_at_most=0.8))

    assert outcome(part, "importance of a").verdict is Verdict.WARN
    assert "known before the label" in outcome(part, "importance of a").why


def test_features_that_share_the_skill_pass(rng: np.random.Generator):
    part = explanations(a_regression(rng, a=1.0, b=1.0, c=1.0), ExplanationSettings(share_at_most=0.8))

    assert outcome(part, "importance").verdict is Verdict.PASS


def test_a_model_without_skill_has_none_to_share_out(rng: np.random.Generator):
    frame = pl.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300), "y": rng.integers(0, 2, 300)})
    trial = tried(logistic({"a": 0.0, "b": 0.0}), frame, task="binary", metrics=("auc",))

    assert outcome(explanations(trial, ExplanationSettings()), "importance").verdict is Verdict.SKIP


def test_the_dependence_of_a_linear_model_is_its_line(rng: np.random.Generator):
    part = explanations(a_regression(rng, a=2.0, b=1.0), ExplanationSettings(dependence=("a",), points=5))

    drawn = table(part, "dependence")
    x, y = (drawn[name].cast(pl.Float64).to_numpy() for name in ("x", "value"))
    assert len(x) == 5
    assert np.diff(y) / np.diff(x) == pytest.approx(np.full(4, 2.0))


def test_a_monotone_feature_passes_and_one_that_turns_fails(rng: np.random.Generator):
    def ask(frame: pl.DataFrame) -> Output:
        x = frame["a"].to_numpy()
        return Output(predictions=np.where(x < 0.5, x, 1 - x))  # it rises, and falls from 0.5 on

    frame = pl.DataFrame({"a": rng.normal(size=600), "y": rng.normal(size=600)})
    turns = tried(Made(ask, ("a",)), frame, task="regression", metrics=("mse",))
    rises = a_regression(rng, 600, a=1.0)
    told = ExplanationSettings(monotone={"a": Monotone("rising")})

    assert outcome(explanations(rises, told), "a rising").verdict is Verdict.PASS
    assert outcome(explanations(turns, told), "a rising").verdict is Verdict.FAIL
    falling = ExplanationSettings(monotone={"a": Monotone("falling")})
    assert outcome(explanations(rises, falling), "a falling").verdict is Verdict.FAIL


def test_too_few_rows_do_not_show_that_a_feature_is_monotone(rng: np.random.Generator):
    part = explanations(a_regression(rng, 60, a=1.0), ExplanationSettings(monotone={"a": Monotone("rising")}))

    assert outcome(part, "a rising").verdict is Verdict.INCONCLUSIVE  # 0 of 60 may be 6 %


def test_categories_have_a_curve_and_no_order(rng: np.random.Generator):
    levels = {"low": 0.0, "mid": 1.0, "high": 3.0}

    def ask(frame: pl.DataFrame) -> Output:
        return Output(predictions=frame["c"].replace_strict(levels, return_dtype=pl.Float64).to_numpy())

    frame = pl.DataFrame({"c": rng.choice(list(levels), 300)}).with_columns(y=pl.Series(rng.normal(size=300)))
    trial = tried(Made(ask, ("c",)), frame, task="regression", metrics=("mse",))
    part = explanations(trial, ExplanationSettings(monotone={"c": Monotone("rising")}))

    drawn = table(part, "dependence")
    assert dict(zip(drawn["x"], drawn["value"], strict=True)) == levels
    assert outcome(part, "c rising").verdict is Verdict.INCONCLUSIVE
    assert "no order" in outcome(part, "c rising").why


def test_a_feature_that_is_not_there_is_an_error_with_the_nearest(rng: np.random.Generator):
    with pytest.raises(UsageError, match="no feature 'aa'"):
        explanations(a_regression(rng, a=1.0), ExplanationSettings(dependence=("aa",)))


def test_nothing_is_said_without_a_model(rng: np.random.Generator):
    trial = replace(a_regression(rng, a=1.0), again=None, model=None)

    assert explanations(trial, ExplanationSettings()) == Part()


def test_shap_values_of_a_linear_model_are_its_weights_times_the_distance_from_the_mean(rng: np.random.Generator):
    part = explanations(a_regression(rng, 400, a=3.0, b=1.0), ExplanationSettings(shap=True))

    found = table(part, "shap")
    # φ = w(x - mean): of normal numbers E|φ| = w·√(2/π) = 2.39 and 0.80, on 200 rows within 4 standard errors
    assert found["feature"].to_list() == ["a", "b"]
    assert found["value"].to_list() == pytest.approx([2.39, 0.80], rel=0.2)
    assert sum(found["share"]) == pytest.approx(1.0)


@pytest.mark.parametrize("told", [{"repeats": 0}, {"rows": 10}, {"points": 2}])
def test_settings_out_of_range_are_refused(told: dict[str, int]):
    with pytest.raises(ValueError, match="or more"):
        ExplanationSettings(**told)
