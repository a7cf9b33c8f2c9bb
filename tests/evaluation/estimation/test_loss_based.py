"""Regressions without labels, in simulated worlds: estimated losses meet the truth, and intervals cover it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.evaluation.columns import Columns
from assay.evaluation.estimation import loss_model
from assay.evaluation.estimation.encoding import encoding_of
from assay.evaluation.estimation.estimator import compared, coverage, estimate, fit, realised
from assay.evaluation.estimation.losses import LOSSES
from evaluation.estimation import worlds

SOME = ("mae", "rmse")


def unlabelled(rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values for name, values in rows.items() if name != "y"}


def test_intervals_hold_the_realised_loss_as_often_as_they_say(rng: np.random.Generator):
    history = []
    # Windows of one reference share what it was off by, so that they count for fewer than they are.
    for _ in range(20):
        estimator = fit(
            worlds.quantities(rng, 600), columns=worlds.REGRESSION, task="regression", metrics=SOME, rng=rng
        )
        for window in (worlds.quantities(rng, 100) for _ in range(8)):
            seen = estimator.estimate(unlabelled(window), rng=rng)
            history += compared(seen, realised(window, columns=worlds.REGRESSION, task="regression", metrics=SOME))

    covered = coverage(history)

    # At 100 rows for 600 labels, about a seventh of the variance is the reference's: 160 windows count for some 80.
    low, high = worlds.coverage_bounds(80, slack=0.015)
    assert {name: e.value for name, e in covered.items() if not low <= e.value <= high} == {}


@pytest.mark.parametrize("shift", [-0.7, 0.0, 0.7])
def test_an_estimate_follows_the_features_to_where_errors_are_greater(shift: float, rng: np.random.Generator):
    reference, window = worlds.quantities(rng, 20_000), worlds.quantities(rng, 20_000, shift=shift)

    seen = estimate(reference, unlabelled(window), columns=worlds.REGRESSION, task="regression", metrics=SOME, rng=rng)

    truth = realised(window, columns=worlds.REGRESSION, task="regression", metrics=SOME)
    assert {m: seen[m].value for m in SOME} == pytest.approx({m: truth[m].value for m in SOME}, rel=0.04)


def test_on_the_reference_itself_an_estimate_is_its_own_loss(rng: np.random.Generator):
    rows = worlds.quantities(rng, 2_000)

    seen = estimate(rows, unlabelled(rows), columns=worlds.REGRESSION, task="regression", metrics=["mae"], rng=rng)

    assert seen["mae"].value == pytest.approx(
        realised(rows, columns=worlds.REGRESSION, task="regression")["mae"].value, rel=0.02
    )


def test_with_concept_drift_the_estimate_is_wrong_and_no_condition_knows_it(rng: np.random.Generator):
    window = worlds.quantities(rng, 1_000, concept=1.5)

    seen = estimate(
        worlds.quantities(rng, 2_000),
        unlabelled(window),
        columns=worlds.REGRESSION,
        task="regression",
        metrics=SOME,
        rng=rng,
    )

    found = compared(seen, realised(window, columns=worlds.REGRESSION, task="regression", metrics=SOME))
    assert [one.inside for one in found] == [False, False]
    assert "no concept drift" not in [c.name for c in seen.broken]


def test_the_realised_losses_are_what_they_say():
    rows = {"y": [1.0, 2.0, 4.0], "said": [2.0, 2.0, 2.0]}

    found = realised(rows, columns=Columns("y", "said"), task="regression")

    # Errors -1, 0, 2: mean 1; squares 1, 0, 4: mean 5/3; relative 1, 0, 1/2: mean 1/2.
    assert {name: e.value for name, e in found.items()} == pytest.approx(
        {"mae": 1.0, "mse": 5 / 3, "rmse": np.sqrt(5 / 3), "mape": 0.5}
    )


def test_every_metric_is_estimated_by_default(rng: np.random.Generator):
    rows = {
        name: values + 20 if name in ("y", "said") else values for name, values in worlds.quantities(rng, 300).items()
    }

    seen = estimate(rows, unlabelled(rows), columns=worlds.REGRESSION, task="regression", rng=rng)

    assert {one.metric for one in seen.metrics} == set(LOSSES)
    assert all(0 < e.estimate.low < e.estimate.value < e.estimate.high for e in seen.metrics)


def test_a_label_of_0_leaves_the_relative_error_undefined(rng: np.random.Generator):
    rows = worlds.quantities(rng, 300)
    rows["y"][0] = 0.0

    seen = estimate(
        rows, unlabelled(rows), columns=worlds.REGRESSION, task="regression", metrics=["mape", "mae"], rng=rng
    )

    assert seen["mape"].value is None
    assert seen["mape"].why == "in the reference, a label is 0, which an error has no ratio to"
    assert seen["mae"].value is not None


def test_predictions_that_are_never_off_leave_nothing_to_learn(rng: np.random.Generator):
    rows = worlds.quantities(rng, 300)
    rows["y"] = rows["said"]

    seen = estimate(rows, unlabelled(rows), columns=worlds.REGRESSION, task="regression", metrics=["mae"], rng=rng)

    assert (seen["mae"].value, seen["mae"].why) == (None, "in the reference, no prediction is off")


def test_an_empty_window_has_no_estimate_and_says_why(rng: np.random.Generator):
    empty = pl.DataFrame(worlds.quantities(rng, 1)).clear()

    seen = estimate(
        worlds.quantities(rng, 200), empty, columns=worlds.REGRESSION, task="regression", metrics=["mae"], rng=rng
    )

    assert (seen["mae"].value, seen["mae"].n, seen["mae"].why) == (None, 0, "the window has no row with a prediction")


def test_a_handful_of_labels_estimates_nothing(rng: np.random.Generator):
    seen = estimate(
        worlds.quantities(rng, 12),
        worlds.quantities(rng, 50),
        columns=worlds.REGRESSION,
        task="regression",
        metrics=["mae"],
        rng=rng,
    )

    assert (seen["mae"].value, seen["mae"].why) == (
        None,
        "the reference has 12 labelled rows; it takes 20 to learn a loss",
    )
    assert "enough labels" in [c.name for c in seen.broken]


def test_features_that_the_reference_had_nothing_like_break_a_condition(rng: np.random.Generator):
    window = worlds.quantities(rng, 100)
    window["kind"][:30] = "odder"

    seen = estimate(
        worlds.quantities(rng, 300), window, columns=worlds.REGRESSION, task="regression", metrics=["mae"], rng=rng
    )

    assert [c.why for c in seen.broken if c.name.startswith("features")] == [
        "30.0% of the window's features of 'kind' are outside what the reference had; at most 1% may be"
    ]


def test_a_prediction_that_is_no_number_is_refused(rng: np.random.Generator):
    rows = worlds.quantities(rng, 300)
    rows["said"] = rows["kind"]

    with pytest.raises(DataError, match="reference: the column 'said' holds String values; a regression's are numbers"):
        estimate(rows, rows, columns=worlds.REGRESSION, task="regression", rng=rng)


def test_an_instant_is_no_feature(rng: np.random.Generator):
    frame = pl.DataFrame(worlds.quantities(rng, 300)).with_columns(at=pl.datetime(2026, 1, 1))
    columns = Columns("y", "said", features=("at",))

    with pytest.raises(UsageError, match=r"the feature 'at' holds Datetime.* values, .*; give numbers or categories"):
        estimate(frame, frame, columns=columns, task="regression", rng=rng)


def test_a_moving_history_widens_the_interval(rng: np.random.Generator):
    months = [worlds.quantities(rng, 400, concept=c) for c in (1.0, 2.0, 0.6, 1.5, 0.8)]
    rows = {name: np.concatenate([month[name] for month in months]) for name in months[0]} | {"at": np.arange(2_000)}
    timed = Columns("y", "said", features=("x", "kind"), time="at")
    window = worlds.quantities(rng, 400)

    steady, moving = (
        estimate(rows, window, columns=columns, task="regression", metrics=["mae"], rng=rng)
        for columns in (worlds.REGRESSION, timed)
    )

    assert moving["mae"].high - moving["mae"].low > 1.5 * (steady["mae"].high - steady["mae"].low)
    assert "it held on the reference's own history" in [c.name for c in moving.broken]


def test_features_become_numbers_by_what_the_reference_had():
    reference = pl.DataFrame({"size": [1.0, None, 3.0], "kind": ["b", "a", "b"], "is_new": [True, False, True]})
    window = pl.DataFrame({"size": [2, 9, None], "kind": ["a", "c", None], "is_new": [None, True, False]})
    encoding = encoding_of(reference, ("size", "kind", "is_new"))

    found = encoding.numbers(window)

    nan = float("nan")
    assert encoding.is_categorical == [False, True, False]
    assert found.ravel().tolist() == pytest.approx([2, 1, nan, 9, nan, 1, nan, nan, 0], nan_ok=True)
    assert encoding.outside(window) == ("size", pytest.approx(1 / 3))


def test_a_window_of_very_many_rows_is_estimated_as_one_of_many(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
):
    window = unlabelled(worlds.quantities(rng, 4_000, shift=0.5))
    estimator = fit(
        worlds.quantities(rng, 1_000), columns=worlds.REGRESSION, task="regression", metrics=["mae"], rng=rng
    )
    whole = estimator.estimate(window, rng=np.random.default_rng(2))["mae"]

    monkeypatch.setattr(loss_model, "MANY", 1_000)
    shared = estimator.estimate(window, rng=np.random.default_rng(2))["mae"]

    assert shared.value == pytest.approx(whole.value, rel=0.01)
    assert shared.high - shared.low == pytest.approx(whole.high - whole.low, rel=0.2)


def test_the_trees_keep_to_one_thread(rng: np.random.Generator):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    seen = []

    class Watching:
        def predict(self, x: np.ndarray) -> np.ndarray:
            seen.extend(pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "openmp")
            return np.ones(len(x))

    learnt = loss_model.Learnt((Watching(), Watching()), np.ones(2), np.ones(4), np.ones(4), np.array([0, 0, 1, 1]))

    learnt.forecast(np.zeros((3, 1)))

    assert seen
    assert set(seen) == {1}
