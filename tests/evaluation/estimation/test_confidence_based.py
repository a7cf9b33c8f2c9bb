"""Classifiers without labels, in simulated worlds: estimates meet the truth, intervals cover it, and conditions are said."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.evaluation.columns import Columns
from assay.evaluation.estimation.estimator import METRICS_OF, Realised, compared, coverage, estimate, fit, realised
from assay.evaluation.estimation.forecast import forecast
from evaluation.estimation import worlds

Rows = dict[str, np.ndarray]


def unlabelled(rows: Rows) -> Rows:
    return {name: values for name, values in rows.items() if name != "y"}


def holds(estimation, name: str) -> bool | None:
    return {condition.name: condition.holds for condition in estimation.conditions}[name]


def tried(
    make, columns: Columns, task: str, *, rng: np.random.Generator, sizes: tuple[int, int], times: int
) -> list[Realised]:
    """Return what came true of so many estimates, each from a reference and a window of its own."""
    found: list[Realised] = []
    for _ in range(times):
        window = make(rng, sizes[1])
        seen = estimate(make(rng, sizes[0]), unlabelled(window), columns=columns, task=task, rng=rng)
        found += compared(seen, realised(window, columns=columns, task=task))
    return found


def test_intervals_of_two_classes_hold_the_realised_metric_as_often_as_they_say(rng: np.random.Generator):
    history = tried(worlds.two_classes, worlds.BINARY, "binary", rng=rng, sizes=(600, 100), times=300)

    covered = coverage(history)

    # 300 windows, 0.95: between 0.897 and 0.99, with half a point of slack for windows of a hundred rows.
    low, high = worlds.coverage_bounds(300, slack=0.015)
    assert set(covered) == set(METRICS_OF["binary"])
    assert {name: e.value for name, e in covered.items() if not low <= e.value <= high} == {}


def test_intervals_of_three_classes_hold_the_realised_metric_as_often_as_they_say(rng: np.random.Generator):
    history = tried(worlds.three_classes, worlds.MULTICLASS, "multiclass", rng=rng, sizes=(600, 150), times=80)

    covered = coverage(history)

    low, high = worlds.coverage_bounds(80, slack=0.015)
    assert set(covered) == set(METRICS_OF["multiclass"])
    assert {name: e.value for name, e in covered.items() if not low <= e.value <= high} == {}


@pytest.mark.parametrize("shift", [-1.0, 0.0, 1.0])
def test_an_estimate_is_the_truth_in_expectation_wherever_the_scores_move(shift: float, rng: np.random.Generator):
    estimator = fit(worlds.two_classes(rng, 100_000), columns=worlds.BINARY, task="binary", rng=rng)
    window = worlds.two_classes(rng, 100_000, shift=shift)

    seen = estimator.estimate(unlabelled(window), rng=rng)

    truth = realised(window, columns=worlds.BINARY, task="binary")
    assert {m: seen[m].value for m in truth} == pytest.approx({m: truth[m].value for m in truth}, abs=0.012)


def test_scores_that_are_too_sure_are_not_taken_at_their_word(rng: np.random.Generator):
    window = worlds.two_classes(rng, 20_000)
    word = np.maximum(window["score"], 1 - window["score"]).mean()

    seen = estimate(worlds.two_classes(rng, 20_000), window, columns=worlds.BINARY, task="binary", rng=rng)

    truth = realised(window, columns=worlds.BINARY, task="binary")["accuracy"].value
    assert word - truth > 0.05
    assert seen["accuracy"].value == pytest.approx(truth, abs=0.01)


def test_with_concept_drift_the_estimate_is_wrong_and_no_condition_knows_it(rng: np.random.Generator):
    window = worlds.two_classes(rng, 5_000, concept=1.5)

    seen = estimate(worlds.two_classes(rng, 5_000), unlabelled(window), columns=worlds.BINARY, task="binary", rng=rng)

    truth = realised(window, columns=worlds.BINARY, task="binary")
    assert holds(seen, "no concept drift") is None
    assert seen.broken == ()
    wrong = {one.metric for one in compared(seen, truth) if not one.inside}
    assert wrong >= {"accuracy", "precision", "recall"}


def test_a_comparison_with_labels_gives_the_difference_and_whether_the_interval_held(rng: np.random.Generator):
    window = worlds.two_classes(rng, 500)

    seen = estimate(worlds.two_classes(rng, 5_000), unlabelled(window), columns=worlds.BINARY, task="binary", rng=rng)
    one = next(
        c for c in compared(seen, realised(window, columns=worlds.BINARY, task="binary")) if c.metric == "recall"
    )

    assert one.difference == pytest.approx(one.realised.value - one.estimated.value)
    assert one.inside is (one.estimated.low <= one.realised.value <= one.estimated.high)


def test_a_smaller_reference_leaves_more_open(rng: np.random.Generator):
    window = unlabelled(worlds.two_classes(rng, 20_000))
    reference = worlds.two_classes(rng, 20_000)
    some = {name: values[:500] for name, values in reference.items()}

    widths = [
        seen["auc"].high - seen["auc"].low
        for rows in (some, reference)
        for seen in [estimate(rows, window, columns=worlds.BINARY, task="binary", rng=rng)]
    ]

    # At 500 labels, the calibration is most of it: about √(20,000 / 500) = 6 times as wide; at 20,000 both are alike.
    assert 2.5 < widths[0] / widths[1] < 8


def test_the_reference_stands_beside_with_its_own_interval(rng: np.random.Generator):
    reference = worlds.two_classes(rng, 2_000)

    seen = estimate(reference, worlds.two_classes(rng, 100), columns=worlds.BINARY, task="binary", rng=rng)

    assert {one.metric: one.reference for one in seen.metrics} == realised(
        reference, columns=worlds.BINARY, task="binary"
    )


def test_a_draw_of_labels_has_the_moments_of_its_probabilities(rng: np.random.Generator):
    # The number of labels in a window is Poisson-binomial: mean Σp, variance Σp(1 - p), and the calibration's own on top.
    estimator = fit(worlds.two_classes(rng, 200_000), columns=worlds.BINARY, task="binary", rng=rng)
    window = unlabelled(worlds.two_classes(rng, 50))
    rows = {**window, "y": window["said"]}

    from assay.evaluation.columns import scored

    usable = scored(rows, worlds.BINARY, task="binary", labelled=False, name="current")
    p = estimator.calibrator.probabilities(usable.scores, usable.predictions)[:, 1]
    _, drawn = forecast(estimator.calibrator, usable, rng=rng, times=20_000)

    assert drawn.actual[:, 1].mean() == pytest.approx(p.sum(), abs=4 * np.sqrt((p * (1 - p)).sum() / 20_000))
    assert drawn.actual[:, 1].var() == pytest.approx((p * (1 - p)).sum(), rel=0.05)


# What cannot be estimated --------------------------------------------------------------------------------------------


def test_an_empty_window_has_no_estimate_and_says_why(rng: np.random.Generator):
    empty = {"score": np.zeros(0), "said": np.zeros(0, dtype=np.int64)}

    seen = estimate(worlds.two_classes(rng, 500), empty, columns=worlds.BINARY, task="binary", rng=rng)

    assert [(e.estimate.value, e.estimate.n, e.estimate.why) for e in seen.metrics] == [
        (None, 0, "the window has no row with scores")
    ] * 5


def test_a_reference_of_one_class_estimates_nothing(rng: np.random.Generator):
    reference = worlds.two_classes(rng, 500)
    reference["y"] = np.zeros(500, dtype=np.int64)

    seen = estimate(reference, worlds.two_classes(rng, 100), columns=worlds.BINARY, task="binary", rng=rng)

    assert {e.estimate.why for e in seen.metrics} == {"the reference has no row of class 1"}
    assert holds(seen, "enough labels") is False


def test_a_window_without_a_positive_prediction_has_no_precision(rng: np.random.Generator):
    window = worlds.two_classes(rng, 200)
    window["said"] = np.zeros(200, dtype=np.int64)

    seen = estimate(worlds.two_classes(rng, 500), window, columns=worlds.BINARY, task="binary", rng=rng)

    assert (seen["precision"].value, seen["precision"].why) == (None, "no row is predicted positive")
    assert seen["recall"].value == 0.0  # none of the positive rows that there will be is found


def test_a_window_of_one_row_has_no_auc(rng: np.random.Generator):
    seen = estimate(
        worlds.two_classes(rng, 500), worlds.two_classes(rng, 1), columns=worlds.BINARY, task="binary", rng=rng
    )

    assert (seen["auc"].value, seen["auc"].why) == (None, "it takes rows of both classes")
    assert (seen["accuracy"].low, seen["accuracy"].high) == (0.0, 1.0)


def test_without_predictions_only_the_auc_is_estimated(rng: np.random.Generator):
    columns = Columns(label="y", score="score")

    seen = estimate(
        worlds.two_classes(rng, 2_000), worlds.two_classes(rng, 500), columns=columns, task="binary", rng=rng
    )

    assert seen["auc"].low < seen["auc"].value < seen["auc"].high
    assert seen["f1"].why == "no column of predictions was named"


def test_rows_without_a_score_are_left_out_and_counted(rng: np.random.Generator):
    window = worlds.two_classes(rng, 100)
    window["score"][:10] = np.nan

    seen = estimate(worlds.two_classes(rng, 500), window, columns=worlds.BINARY, task="binary", rng=rng)

    assert seen.n == 90
    assert [(c.name, c.why) for c in seen.broken] == [
        ("complete rows", "10 of 100 rows have no score or prediction; at most 5% may")
    ]


def test_scores_beyond_those_of_the_reference_break_a_condition(rng: np.random.Generator):
    reference, window = worlds.two_classes(rng, 500), worlds.two_classes(rng, 100)
    window["score"] = np.clip(window["score"], reference["score"].min(), reference["score"].max())
    window["score"][:5] = 1.0

    seen = estimate(reference, window, columns=worlds.BINARY, task="binary", rng=rng)

    assert [(c.name, c.why) for c in seen.broken] == [
        (
            "scores in the reference's range",
            "5.0% of the window's scores are outside what the reference had; at most 1% may be",
        )
    ]


def test_a_rare_class_breaks_a_condition(rng: np.random.Generator):
    reference = worlds.two_classes(rng, 500)
    reference["y"] = np.concatenate([np.ones(12), np.zeros(488)]).astype(np.int64)

    seen = estimate(reference, worlds.two_classes(rng, 100), columns=worlds.BINARY, task="binary", rng=rng)

    assert "enough labels" in [c.name for c in seen.broken]


def test_scores_that_are_no_probabilities_are_refused(rng: np.random.Generator):
    window = worlds.two_classes(rng, 100)
    window["score"][3] = 1.7

    with pytest.raises(
        DataError, match=r"1 of 100 scores in 'score' are outside \[0, 1\], the first is 1.7; .*probabilities"
    ):
        estimate(worlds.two_classes(rng, 500), window, columns=worlds.BINARY, task="binary", rng=rng)


# Time ----------------------------------------------------------------------------------------------------------------


def in_time(rows: Rows, rng: np.random.Generator) -> pl.DataFrame:
    """Return the rows with their instants, in another order."""
    frame = pl.DataFrame(rows).with_row_index("at")
    return frame[rng.permutation(frame.height)]


TIMED = Columns(label="y", prediction="said", score="score", time="at")


def test_a_steady_history_is_a_condition_that_holds(rng: np.random.Generator):
    reference = in_time(worlds.two_classes(rng, 5_000), rng)

    seen = estimate(reference, worlds.two_classes(rng, 500), columns=TIMED, task="binary", rng=rng)

    assert holds(seen, "it held on the reference's own history") is True


def test_a_history_in_which_scores_meant_other_things_widens_the_interval_and_breaks_the_condition(
    rng: np.random.Generator,
):
    months = [worlds.two_classes(rng, 1_000, concept=c) for c in (0, 1, -1, 1, 0, -1, 1, -1, 0, 1)]
    reference = {name: np.concatenate([month[name] for month in months]) for name in months[0]}
    window = worlds.two_classes(rng, 1_000)

    steady, moving = (
        estimate(in_time(reference, rng), window, columns=columns, task="binary", rng=rng)
        for columns in (worlds.BINARY, TIMED)
    )

    widths = [seen["accuracy"].high - seen["accuracy"].low for seen in (steady, moving)]
    assert widths[1] > 1.5 * widths[0]
    assert holds(moving, "it held on the reference's own history") is False
    assert moving.metrics[1].spread > 0.02


# Classes -------------------------------------------------------------------------------------------------------------


def test_three_classes_are_estimated_where_one_becomes_frequent(rng: np.random.Generator):
    window = worlds.three_classes(rng, 20_000, shift=1.0)

    seen = estimate(
        worlds.three_classes(rng, 20_000), unlabelled(window), columns=worlds.MULTICLASS, task="multiclass", rng=rng
    )

    truth = realised(window, columns=worlds.MULTICLASS, task="multiclass")
    assert {m: seen[m].value for m in truth} == pytest.approx({m: truth[m].value for m in truth}, abs=0.015)


def test_classes_may_be_words_where_the_positive_one_is_named(rng: np.random.Generator):
    rows = worlds.two_classes(rng, 2_000)
    words = {
        "y": np.where(rows["y"] == 1, "yes", "no"),
        "said": np.where(rows["said"] == 1, "yes", "no"),
        "score": rows["score"],
    }
    named = Columns(label="y", prediction="said", score="score", positive="yes")

    seen = [
        estimate(table, table, columns=columns, task="binary", rng=np.random.default_rng(5))
        for table, columns in ((rows, worlds.BINARY), (words, named))
    ]

    assert seen[0].metrics == seen[1].metrics


def test_words_of_which_none_is_named_positive_are_refused(rng: np.random.Generator):
    rows = worlds.two_classes(rng, 100)
    rows["y"] = np.where(rows["y"] == 1, "yes", "no")

    with pytest.raises(
        UsageError, match=r"classes are '0', '1', 'no', 'yes', and which is positive is not said; give --positive"
    ):
        estimate(rows, rows, columns=worlds.BINARY, task="binary", rng=rng)


def test_the_same_seed_gives_the_same_estimate(rng: np.random.Generator):
    reference, window = worlds.two_classes(rng, 1_000), worlds.two_classes(rng, 300)

    seen = [
        estimate(reference, window, columns=worlds.BINARY, task="binary", rng=np.random.default_rng(3))
        for _ in range(2)
    ]

    assert seen[0] == seen[1]


def test_the_order_of_rows_says_nothing(rng: np.random.Generator):
    reference, window = worlds.two_classes(rng, 1_000), worlds.two_classes(rng, 300)
    turned = {name: values[::-1] for name, values in window.items()}

    seen = [
        estimate(reference, rows, columns=worlds.BINARY, task="binary", rng=np.random.default_rng(3))
        for rows in (window, turned)
    ]

    values = [[e.estimate.value for e in one.metrics] for one in seen]
    assert values[0] == pytest.approx(values[1], abs=1e-12)
