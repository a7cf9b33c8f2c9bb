"""Curves of a metric against severity: nothing changes where nothing can, and a model that refuses a row is said so."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from assay.evaluation.behaviour.perturbations import PERTURBATIONS, UNSEEN, kinds_of
from assay.evaluation.behaviour.robustness import RobustnessBound, RobustnessSettings, robustness
from assay.evaluation.trial import Part
from assay.verdict import Verdict
from evaluation.models_made import Made, linear, logistic, tried


def rows(rng: np.random.Generator, n: int = 600) -> pl.DataFrame:
    x, z = rng.normal(size=n), rng.normal(size=n)
    return pl.DataFrame({"x": x, "z": z, "y": (rng.uniform(size=n) < 1 / (1 + np.exp(-2 * x))).astype(int)})


def curve(part: Part, name: str, feature: str = "") -> pl.DataFrame:
    table = pl.DataFrame(part.exhibits[0].columns, strict=False)
    return table.filter((pl.col("perturbation") == name) & (pl.col("feature") == feature)).sort("severity")


def test_noise_makes_a_good_model_worse_the_more_of_it_there_is(rng: np.random.Generator):
    part = robustness(tried(logistic({"x": 2.0}), rows(rng), task="binary", metrics=("auc",)), RobustnessSettings())

    noise = curve(part, "noise")
    assert noise["severity"].to_list() == [0.05, 0.1, 0.2, 0.5, 1.0]
    assert noise["value"][0] > noise["value"][-1] + 0.05
    assert noise["change_high"][-1] < 0


def test_a_feature_that_the_model_ignores_changes_nothing(rng: np.random.Generator):
    told = RobustnessSettings(features=("z",), perturbations=("noise", "shuffled"))

    part = robustness(tried(logistic({"x": 2.0, "z": 0.0}), rows(rng), task="binary", metrics=("auc",)), told)

    table = pl.DataFrame(part.exhibits[0].columns)
    assert table["change"].to_list() == [0.0] * table.height
    assert table["change_low"].to_list() == table["change_high"].to_list() == [0.0] * table.height


def test_a_model_that_refuses_missing_values_is_said_so_in_its_own_words(rng: np.random.Generator):
    told = RobustnessSettings(perturbations=("missing",), bounds={"missing": RobustnessBound(worse_at_most=0.1)})

    part = robustness(tried(logistic({"x": 2.0}), rows(rng), task="binary", metrics=("auc",)), told)

    (outcome,) = part.outcomes
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "the features hold missing values" in outcome.why
    assert curve(part, "missing")["value"].to_list() == [None] * 4


def test_a_bound_is_judged_at_its_severity_by_the_whole_interval(rng: np.random.Generator):
    def told(most: float, severity: float | None = None) -> RobustnessSettings:
        return RobustnessSettings(perturbations=("noise",), bounds={"noise": RobustnessBound(most, severity)})

    trial = tried(logistic({"x": 2.0}), rows(rng, 2000), task="binary", metrics=("auc",))

    assert robustness(trial, told(0.05)).outcomes[0].verdict is Verdict.PASS  # at 0.05 standard deviations
    assert robustness(trial, told(0.01, 1.0)).outcomes[0].verdict is Verdict.FAIL
    assert robustness(trial, told(0.01, 0.3)).outcomes[0].verdict is Verdict.INCONCLUSIVE  # not tried


def test_a_loss_is_worse_where_it_is_higher(rng: np.random.Generator):
    x = rng.normal(size=500)
    frame = pl.DataFrame({"x": x, "y": 3 * x + rng.normal(size=500)})
    told = RobustnessSettings(perturbations=("shuffled",), bounds={"shuffled": RobustnessBound(0.01, 0.5)})

    part = robustness(tried(linear({"x": 3.0}), frame, task="regression", metrics=("mae",)), told)

    assert part.outcomes[0].verdict is Verdict.FAIL
    assert part.outcomes[0].observed is not None
    assert part.outcomes[0].observed.value > 0


def test_every_feature_is_emptied_by_itself(rng: np.random.Generator):
    frame = pl.DataFrame({"x": rng.normal(size=200), "z": rng.normal(size=200)}).with_columns(y=3 * pl.col("x"))

    part = robustness(
        tried(linear({"x": 3.0, "z": 0.0}), frame, task="regression", metrics=("mae",)), RobustnessSettings()
    )

    assert curve(part, "missing", "x")["change"][0] > 1  # 3·E|x| = 2.4
    assert curve(part, "missing", "z")["change"].to_list() == [0.0]


def test_nothing_is_said_without_a_model(rng: np.random.Generator):
    from dataclasses import replace

    trial = replace(tried(logistic({"x": 2.0}), rows(rng), task="binary", metrics=("auc",)), again=None, model=None)

    assert robustness(trial, RobustnessSettings()) == Part()


COLUMNS = {
    "floats": pl.Series("c", [1.5, None, float("nan"), -2.0] * 50),
    "bytes": pl.Series("c", [0, 255, 3, 4] * 50, dtype=pl.UInt8),
    "longs": pl.Series("c", [-(2**63), 2**63 - 1, 0, 5] * 50),
    "texts": pl.Series("c", ["a", None, "b", "c"] * 50),
    "categories": pl.Series("c", ["a", "b", "b", "c"] * 50, dtype=pl.Categorical),
    "booleans": pl.Series("c", [True, False, None, True] * 50),
    "constant": pl.Series("c", [2.0] * 200),
}
SUITED = [
    (name, column)
    for name, one in PERTURBATIONS.items()
    for column, values in COLUMNS.items()
    if one.of in ("any", kinds_of(values.to_frame(), ["c"])["c"])
]


@pytest.mark.parametrize(("name", "column"), SUITED)
def test_every_perturbation_keeps_the_length_and_what_a_model_can_take(
    name: str, column: str, rng: np.random.Generator
):
    one, values = PERTURBATIONS[name], COLUMNS[column]

    for severity in one.severities:
        changed = one.change(values, severity, rng)
        assert len(changed) == len(values)
        assert changed.dtype == values.dtype or name in ("unseen", "nudge")


@pytest.mark.parametrize("name", ["missing", "shuffled", "unseen"])
def test_about_the_stated_share_of_the_cells_is_changed(name: str, rng: np.random.Generator):
    column = pl.Series("c", [f"v{i}" for i in range(4000)])

    changed = PERTURBATIONS[name].change(column, 0.2, rng)

    share = (changed.fill_null("none") != column).mean()
    assert 0.179 <= share <= 0.221  # 0.2 ± 3.29·√(0.2·0.8/4000)
    if name == "unseen":
        assert UNSEEN in changed.to_list()


def test_a_made_model_is_asked_for_its_features_only(rng: np.random.Generator):
    seen: list[list[str]] = []
    inner = linear({"x": 1.0})

    def ask(frame: pl.DataFrame):
        seen.append(frame.columns)
        return inner.ask(frame)

    tried(Made(ask, ("x",)), rows(rng, 50), task="regression", metrics=("mae",))

    assert seen == [["x"]]


@pytest.mark.parametrize(("told", "said"), [({"perturbations": ("nois",)}, "nois"), ({"rows": 3}, "rows")])
def test_settings_that_name_what_is_not_there_are_refused(told: dict[str, object], said: str):
    with pytest.raises(ValueError, match=said):
        RobustnessSettings(**told)  # type: ignore[arg-type]
