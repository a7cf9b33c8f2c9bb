"""What labels say: realised metrics with intervals that cover the long run, against oracles and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from assay.evaluation.columns import Columns, scored
from assay.evaluation.estimation import tally as sums
from assay.evaluation.estimation.estimator import METRICS_OF, coverage, realised
from assay.evaluation.estimation.truth import INTERVALS, Realised
from assay.stats import intervals
from assay.verdict import Estimate
from evaluation.estimation import worlds

NAMES = Columns(label="y", prediction="said", score="p")


def test_every_metric_of_classes_has_an_interval():
    assert set(INTERVALS) == set(sums.BINARY) | set(sums.MULTICLASS)


def test_shares_have_wilsons_interval():
    # 3 of 5 are right; of 3 predicted positive 2 are; of 3 positive 2 are found.
    rows = {"y": [1, 1, 1, 0, 0], "said": [1, 1, 0, 1, 0], "p": [0.9, 0.8, 0.3, 0.7, 0.2]}

    found = realised(rows, columns=NAMES, task="binary")

    assert (found["accuracy"].low, found["accuracy"].high) == pytest.approx(intervals.share(3, 5))
    assert (found["precision"].low, found["precision"].high) == pytest.approx(intervals.share(2, 3))
    assert (found["recall"].low, found["recall"].high) == pytest.approx(intervals.share(2, 3))


def test_f1_has_the_interval_of_the_share_that_it_is_made_of():
    # 2 hits among the 4 rows that are positive or predicted so: J = 2/4, F1 = 2J/(1 + J) = 2/3.
    rows = {"y": [1, 1, 1, 0, 0], "said": [1, 1, 0, 1, 0], "p": [0.9, 0.8, 0.3, 0.7, 0.2]}
    low, high = intervals.share(2, 4)

    found = realised(rows, columns=NAMES, task="binary")["f1"]

    assert found.value == pytest.approx(2 / 3)
    assert (found.low, found.high) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))


def test_the_variance_of_the_auc_is_delongs(rng: np.random.Generator):
    rows = worlds.two_classes(rng, 400)
    of_positive, of_negative = rows["score"][rows["y"] == 1], rows["score"][rows["y"] == 0]
    beats = (of_positive[:, None] > of_negative) + 0.5 * (of_positive[:, None] == of_negative)
    auc = beats.mean()
    error = np.sqrt(beats.mean(1).var(ddof=1) / len(of_positive) + beats.mean(0).var(ddof=1) / len(of_negative))
    half = 1.959964 * error / (auc * (1 - auc))

    found = realised(rows, columns=worlds.BINARY, task="binary")["auc"]

    assert found.value == pytest.approx(auc)
    ends = [scipy.special.logit(found.low), scipy.special.logit(found.high)]
    assert ends == pytest.approx([scipy.special.logit(auc) - half, scipy.special.logit(auc) + half], rel=0.01)


@pytest.mark.parametrize(
    ("make", "columns", "task"),
    [(worlds.two_classes, worlds.BINARY, "binary"), (worlds.three_classes, worlds.MULTICLASS, "multiclass")],
    ids=["binary", "multiclass"],
)
def test_intervals_hold_the_metric_of_the_long_run(make, columns: Columns, task: str, rng: np.random.Generator):
    long_run = {name: e.value for name, e in realised(make(rng, 400_000), columns=columns, task=task).items()}

    held = dict.fromkeys(long_run, 0)
    for _ in range(400):
        found = realised(make(rng, 250), columns=columns, task=task)
        held = {name: n + (found[name].low <= long_run[name] <= found[name].high) for name, n in held.items()}

    low, high = worlds.coverage_bounds(400, slack=0.01)
    assert {name: n / 400 for name, n in held.items() if not low <= n / 400 <= high} == {}


def test_a_perfect_score_still_has_an_open_end():
    rows = {"y": [0, 0, 1, 1], "said": [0, 0, 1, 1], "p": [0.1, 0.2, 0.8, 0.9]}

    found = realised(rows, columns=NAMES, task="binary")

    assert {name: e.value for name, e in found.items()} == dict.fromkeys(METRICS_OF["binary"], 1.0)
    assert {name for name, e in found.items() if not (0 < e.low < 1 and e.high == 1.0)} == set()


def test_undefined_metrics_say_why():
    rows = {"y": [0, 0], "said": [0, 0], "p": [0.1, 0.2]}

    found = realised(rows, columns=NAMES, task="binary")

    assert {name: e.why for name, e in found.items() if e.value is None} == {
        "auc": "it takes rows of both classes",
        "precision": "no row is predicted positive",
        "recall": "no row is positive",
        "f1": "no row is positive, or predicted so",
    }


def test_no_rows_have_no_metric():
    empty = {"y": np.zeros(0), "said": np.zeros(0), "p": np.zeros(0)}

    found = realised(empty, columns=NAMES, task="binary")

    assert {(e.value, e.n, e.why) for e in found.values()} == {(None, 0, "there is no labelled row")}


def test_rows_whose_label_has_not_arrived_are_left_out():
    rows = {"y": [0.0, 1.0, np.nan], "said": [0, 1, 1], "p": [0.1, 0.9, 0.9]}

    found = realised(rows, columns=NAMES, task="binary")

    assert (found["precision"].value, found["precision"].n) == (1.0, 2)


def test_the_history_of_one_metric_is_a_share_with_its_interval():
    e = Estimate(0.8, n=100)
    history = [Realised("auc", e, e, 0.0, inside) for inside in [True] * 8 + [False] * 2]

    found = coverage(history)["auc"]

    assert (found.value, found.n) == (0.8, 10)
    assert (found.low, found.high) == pytest.approx(intervals.share(8, 10))


def test_a_history_of_what_could_not_be_compared_is_undefined():
    e = Estimate(None, n=0, why="no row is positive")

    found = coverage([Realised("recall", e, e)])["recall"]

    assert (found.value, found.why) == (None, "no estimate has been compared with its truth")


def test_a_score_column_is_read_as_both_classes():
    rows = scored({"y": [0], "p": [0.25]}, Columns("y", score="p"), task="binary", labelled=True, name="window")

    assert rows.scores.tolist() == [[0.75, 0.25]]
