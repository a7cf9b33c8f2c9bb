"""A model asked again about rows with another value, and features that give a sensitive column away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from assay import errors
from assay.errors import DataError
from assay.evaluation.fairness.fairness import fairness
from assay.evaluation.fairness.flips import FLIP_MEASURES, Flip, flip
from assay.evaluation.fairness.groups import cut_of
from assay.evaluation.fairness.proxies import Proxy, proxy
from assay.evaluation.fairness.settings import FairnessSettings, GapBound
from assay.evaluation.models.model import Output
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Trial
from assay.verdict import Verdict
from evaluation.fairness.worlds import outcome, people, table, trial_of, two_classes


@dataclass
class Rule:
    """A model that predicts 1 where an expression is true; `number` predicts the expression itself."""

    rule: pl.Expr
    features: tuple[str, ...] = ("sex", "x")
    name: str = "rule"
    kind: str = "rule"
    scored: bool = False

    def predict(self, frame: pl.DataFrame) -> Output:
        said = frame.select(self.rule.alias("said"))["said"].to_numpy()
        if self.scored:
            return Output(scores=np.column_stack([1 - said, said]), classes=(0, 1))
        return Output(said * 1)


class Broken(Rule):
    def predict(self, frame: pl.DataFrame) -> Output:
        raise DataError("it knows the sexes f and m")


def _flip(trial: Trial, column: str) -> Flip | None:
    return flip(trial, cut_of(trial.rows.frame, column))


def _proxy(trial: Trial, column: str) -> Proxy:
    return proxy(trial, cut_of(trial.rows.frame, column), sensitive=(column,))


def _rows(rng: np.random.Generator, n: int = 200) -> Predictions:
    frame = {"sex": ["f", "m"] * (n // 2), "x": np.arange(n) % 10}
    return two_classes(rng.integers(0, 2, n), rng.integers(0, 2, n), frame, features=("sex", "x"))


def test_a_model_that_looks_at_sex_where_x_is_0_flips_one_row_in_ten(rng):
    model = Rule((pl.col("sex") == "m") & (pl.col("x") == 0) | (pl.col("x") > 5))

    found = _flip(trial_of(_rows(rng), rng, model=model), "sex")

    assert found.measure == "flip_rate"
    assert found.estimate.value == pytest.approx(0.1)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((0.0657, 0.1494), abs=1e-4)  # Wilson of 20 of 200


def test_a_model_that_does_not_look_flips_nothing_and_keeps_its_bound(rng):
    trial = trial_of(_rows(rng), rng, model=Rule(pl.col("x") > 5))
    settings = FairnessSettings(columns=("sex",), bounds={"flip_rate": GapBound(at_most=0.05)}, proxies=False)

    part = fairness(trial, settings)

    found = outcome(part.outcomes, "flip_rate of sex")
    assert found.observed.value == 0.0
    assert found.verdict is Verdict.PASS
    row = table(part.exhibits, "gaps").filter(measure="flip_rate").row(0, named=True)
    assert (row["kind"], row["value"], row["verdict"]) == ("flip", 0.0, "pass")


def test_a_model_that_looks_breaks_its_bound(rng):
    trial = trial_of(_rows(rng), rng, model=Rule(pl.col("sex") == "m"))
    settings = FairnessSettings(columns=("sex",), bounds={"flip_rate": GapBound(at_most=0.05)}, proxies=False)

    found = outcome(fairness(trial, settings).outcomes, "flip_rate of sex")

    assert (found.observed.value, found.verdict) == (1.0, Verdict.FAIL)


def test_scores_flip_where_they_cross_the_threshold_of_the_predictions(rng):
    frame = {"sex": ["f", "m"] * 50, "x": [0.2, 0.3] * 50}
    score = np.where(np.arange(100) < 50, 0.25, 0.9)
    rows = two_classes([0, 1] * 50, (score >= 0.8).astype(int), frame, score=score, features=("sex", "x"))
    shifts = Rule(
        0.7 + 0.15 * (pl.col("sex") == "m"), scored=True
    )  # 0.70 for women, 0.85 for men: 0.9 is the least that was positive
    crosses = Rule(0.8 + 0.15 * (pl.col("sex") == "m"), scored=True)

    rates = [_flip(trial_of(rows, rng, model=model), "sex").estimate.value for model in (shifts, crosses)]

    assert rates == [0.0, 1.0]


def test_a_regression_changes_by_its_coefficient(rng):
    frame = pl.DataFrame({"sex": ["f", "m"] * 50, "x": np.arange(100)})
    rows = Predictions("regression", np.zeros(100), np.zeros(100), frame=frame, features=("sex", "x"))
    model = Rule(pl.col("x") * 1.0 + 2.5 * (pl.col("sex") == "m"))

    found = _flip(trial_of(rows, rng, model=model), "sex")

    assert (found.measure, found.estimate.value) == ("flip_change", pytest.approx(2.5))


def test_numbers_are_flipped_between_bins(rng):
    frame = {"age": rng.integers(18, 80, 400), "x": rng.random(400)}
    rows = two_classes(rng.integers(0, 2, 400), rng.integers(0, 2, 400), frame, features=("age", "x"))

    found = _flip(trial_of(rows, rng, model=Rule(pl.col("age") > 75, features=("age", "x"))), "age")

    assert found.estimate.value == pytest.approx(
        (frame["age"] > 75).mean()
    )  # no bin's commonest age is above 75: only those flip
    assert "4 values of age" in found.says


@pytest.mark.parametrize("features", [("x",), ()])
def test_a_column_that_the_model_does_not_take_is_not_flipped(rng, features):
    rows = _rows(rng)
    blind = Predictions("binary", rows.labels, rows.predictions, classes=(0, 1), frame=rows.frame, features=("x",))

    assert _flip(trial_of(blind, rng, model=Rule(pl.col("x") > 5, features=features)), "sex") is None


def test_without_a_model_a_bound_on_flips_is_inconclusive(rng):
    settings = FairnessSettings(columns=("sex",), bounds={"flip_rate": GapBound(at_most=0.05)}, proxies=False)

    found = outcome(fairness(trial_of(_rows(rng), rng), settings).outcomes, "flip_rate")

    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.why == "there is no model that takes a sensitive column, or flips are turned off"


def test_a_model_that_refuses_the_rows_is_inconclusive_with_its_words(rng):
    trial = trial_of(_rows(rng), rng, model=Broken(pl.lit(1)))
    settings = FairnessSettings(columns=("sex",), bounds={"flip_rate": GapBound(at_most=0.05)}, proxies=False)

    found = outcome(fairness(trial, settings).outcomes, "flip_rate of sex")

    assert found.verdict is Verdict.INCONCLUSIVE
    assert "it knows the sexes f and m" in found.why


def test_every_flip_measure_says_what_it_is():
    assert all(m.title and m.formula and m.source for m in FLIP_MEASURES.values())


# Proxies ----------------------------------------------------------------------------------------------------------------


def _neighbours(rng: np.random.Generator, n: int, *, telling: float) -> Predictions:
    sex = rng.choice(["f", "m"], n)
    frame = {"sex": sex, "shoe": 38 + telling * (sex == "m") + rng.normal(0, 1, n), "x": rng.normal(0, 1, n)}
    return two_classes(rng.integers(0, 2, n), rng.integers(0, 2, n), frame, features=("sex", "shoe", "x"))


def test_a_feature_that_gives_the_column_away_is_named(rng):
    found = _proxy(trial_of(_neighbours(rng, 800, telling=3.0), rng), "sex")

    assert found.estimate.low > 0.9
    assert found.columns == ("shoe",)


def test_features_that_say_nothing_are_near_one_half(rng):
    found = _proxy(trial_of(_neighbours(rng, 800, telling=0.0), rng), "sex")

    assert found.estimate.value < 0.6
    assert found.estimate.low == 0.5


def test_the_group_of_several_that_is_told_best_is_named(rng):
    group = rng.choice(["a", "b", "c"], 900)
    frame = {"g": group, "x": rng.normal(0, 1, 900) + 3 * (group == "b")}
    rows = two_classes(rng.integers(0, 2, 900), None, frame, features=("g", "x"))

    found = _proxy(trial_of(rows, rng), "g")

    assert found.group == "g = 'b'"


def test_a_bound_on_proxies_is_judged(rng):
    settings = FairnessSettings(columns=("sex",), bounds={"proxy_auc": GapBound(at_most=0.7)})

    found = outcome(fairness(trial_of(_neighbours(rng, 800, telling=3.0), rng), settings).outcomes, "proxy_auc of sex")

    assert found.verdict is Verdict.FAIL
    assert "the other features tell sex = " in found.why


def test_without_other_features_nothing_gives_the_column_away(rng):
    rows = people(rng, 100)
    bare = Predictions("binary", rows.labels, rows.predictions, classes=(0, 1), frame=rows.frame, features=("group",))

    found = _proxy(trial_of(bare, rng), "group")

    assert found.estimate.why == "there are no other features"


def test_groups_too_small_to_learn_from_are_undefined(rng):
    found = _proxy(trial_of(_neighbours(rng, 40, telling=1.0), rng), "sex")

    assert found.estimate.value is None
    assert "30 a side" in found.estimate.why


def test_without_scikit_learn_a_proxy_is_undefined_and_says_what_to_install(rng, monkeypatch):
    real = errors.importlib.import_module

    def missing(name: str, package: str | None = None):
        if name.startswith("sklearn"):
            raise ModuleNotFoundError(name=name)
        return real(name, package)

    monkeypatch.setattr(errors.importlib, "import_module", missing)

    found = _proxy(trial_of(_neighbours(rng, 200, telling=1.0), rng), "sex")

    assert found.estimate.value is None
    assert "pip install 'assay[drift]'" in found.estimate.why
