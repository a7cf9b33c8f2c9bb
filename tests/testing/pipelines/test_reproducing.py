"""Two runs in fresh processes: what makes them differ is found, with the step and the cause."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.pipelines.leaves import first_difference
from assay.testing.pipelines.pipeline import pipeline
from assay.testing.pipelines.reproducing import reproducible, watched
from assay.verdict import Verdict

ROWS = pl.DataFrame(
    {"x": [float(i) for i in range(40)], "kind": [f"k{i % 7}" for i in range(40)], "y": [i % 2 for i in range(40)]}
)
GENERATOR = np.random.default_rng()  # what a module makes when it is imported: other numbers in every process


class Line:
    """A model of one weight, which remembers how long it took."""

    def __init__(self, weight: float, seconds: float = 0.0) -> None:
        self.weight = weight
        self.seconds = seconds

    def predict(self, rows: Any) -> Any:
        return np.asarray(rows["x"]) * self.weight


def clean(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("x") >= 1)


def fit(rows: pl.DataFrame) -> Line:
    return Line(float(rows["y"].mean() or 0), time.perf_counter())


def test_a_path_without_chance_is_reproducible():
    seen = reproducible(pipeline([clean, fit], label="y"), ROWS)

    assert seen.verdict is Verdict.PASS
    assert (
        seen.why
        == "two runs in fresh processes of other hash seeds and threads agree in 2 parts of clean, fit, answers"
    )
    assert "seconds" in seen.note  # the model's duration differs, and none of its answers
    assert "nothing that it answers" in seen.note


def test_chance_without_a_seed_is_found_in_its_step():
    def jitter(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(x=pl.col("x") + np.random.default_rng().normal(size=rows.height))

    seen = reproducible(pipeline([clean, ("jitter", jitter), fit], label="y"), ROWS)

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith(
        "two runs differ, first in the step 'jitter': it differs in 39 of 39 rows, in x, by up to "
    )
    assert "chance without a seed" in seen.note
    assert len(seen.examples) == 5


def test_chance_of_a_module_is_found_too():
    seen = reproducible(pipeline([draw]), ROWS)

    assert seen.why.startswith("two runs differ, first in the step 'draw': it differs in 3 of 3 rows, by up to ")


def draw(rows: pl.DataFrame) -> Any:
    return GENERATOR.normal(size=3)


def test_the_order_of_a_set_is_told_from_chance():
    def encode(rows: pl.DataFrame) -> pl.DataFrame:
        codes = {kind: i for i, kind in enumerate(set(rows["kind"].to_list()))}
        return rows.with_columns(code=rows["kind"].replace_strict(codes))

    seen = reproducible(pipeline({"encode": encode}), ROWS)

    assert seen.why.startswith("two runs differ, first in the step 'encode': it differs in ")
    assert "The hash seed alone makes the difference" in seen.note


def test_what_hangs_on_the_number_of_threads_is_told_from_chance():
    seen = reproducible(pipeline({"sum": lambda rows: 0.1 * float(os.environ["OMP_NUM_THREADS"])}), ROWS)

    assert seen.why == "two runs differ, first in the step 'sum': it differs, by up to 0.1"
    assert "The number of threads alone" in seen.note


def test_a_step_with_the_parameter_seed_is_given_it():
    def sample(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
        return rows.sample(10, seed=seed)

    assert reproducible(pipeline([("sample", sample), fit], label="y"), ROWS, seed=3).verdict is Verdict.PASS


def test_a_model_that_is_fitted_with_chance_is_found_by_its_answers():
    seen = reproducible(pipeline({"fit": lambda rows: Line(np.random.default_rng().normal())}, label="y"), ROWS)

    assert seen.why.startswith(
        "two runs differ, first in what the model answers: it differs in 39 of 40 rows, by up to "
    )
    assert "; in 'fit', weight differs, by up to " in seen.why


def test_a_difference_within_the_declared_tolerance_is_none():
    def threads(rows: pl.DataFrame) -> float:
        return 1.0 + 1e-7 * float(os.environ["OMP_NUM_THREADS"])

    assert reproducible(pipeline({"sum": threads}, rtol=1e-6), ROWS).verdict is Verdict.PASS


def test_rows_in_another_order_matter_to_a_running_sum_and_not_to_a_filter():
    def running(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(sum=pl.col("x").cum_sum())

    assert reproducible(pipeline([clean, fit], label="y"), ROWS, row_order=True).verdict is Verdict.PASS
    seen = reproducible(pipeline({"running": running}), ROWS, row_order=True)
    assert "first in the step 'running'" in seen.why
    assert "The order of the rows alone" in seen.note


def test_rows_can_be_shuffled_only_where_there_are_some():
    with pytest.raises(UsageError, match="row_order shuffles rows"):
        reproducible(pipeline({"read": str}), "orders.csv", row_order=True)


def test_a_path_that_does_not_run_is_an_error_with_its_line():
    def broken(rows: pl.DataFrame) -> pl.DataFrame:
        raise ValueError("no such rate")

    seen = reproducible(pipeline([clean, ("rates", broken)]), ROWS)

    assert seen.verdict is Verdict.ERROR
    assert "the step 'rates' raised ValueError: no such rate (test_reproducing.py:" in seen.why


def test_a_run_that_fails_by_the_number_of_threads_alone_is_a_failure():
    seen = reproducible(pipeline({"share": lambda rows: 1 / (int(os.environ["OMP_NUM_THREADS"]) - 1)}), ROWS)

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith("one of two runs fails: the step 'share' raised ZeroDivisionError")


def test_a_process_that_dies_is_told_of():
    seen = reproducible(pipeline({"die": lambda rows: os.abort()}), ROWS)

    assert seen.verdict is Verdict.ERROR
    assert "a signal ended it (6" in seen.why


def test_a_run_without_end_is_ended():
    seen = reproducible(pipeline({"wait": lambda rows: threading.Event().wait(60)}), ROWS, seconds=2.0)

    assert seen.verdict is Verdict.ERROR
    assert "did not end within 2 s" in seen.why


def test_what_cannot_be_sent_to_a_process_is_inconclusive_with_the_way_out():
    lock = threading.Lock()

    seen = reproducible(pipeline({"held": lambda rows: lock.locked()}), ROWS)

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert "cannot be sent to another process" in seen.why
    assert "functions of a module" in seen.note


def test_nothing_to_compare_is_no_pass():
    seen = reproducible(pipeline({"nothing": lambda rows: threading.Lock()}), ROWS)

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert "nothing" in seen.why


def test_each_step_of_an_estimator_is_a_step_of_the_path():
    pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    forest = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=5))
    free = pipeline(forest, label="y")
    seeded = pipeline(clone(forest).set_params(randomforestclassifier__random_state=0), label="y")
    rows = ROWS.drop("kind")
    runs = {
        name: [watched(p, rows, 0, (False, False)) for _ in range(2)]
        for name, p in (("free", free), ("seeded", seeded))
    }

    assert [step.name for step in runs["free"][0]] == ["label", "standardscaler", "randomforestclassifier", "answers"]
    differing = [
        a.name
        for a, b in zip(*runs["free"], strict=True)
        if first_difference(a.leaves, b.leaves, rtol=0, atol=0) is not None
    ]
    assert differing == ["randomforestclassifier", "answers"]
    assert all(
        first_difference(a.leaves, b.leaves, rtol=0, atol=0) is None for a, b in zip(*runs["seeded"], strict=True)
    )
