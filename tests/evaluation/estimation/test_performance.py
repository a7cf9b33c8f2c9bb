"""Findings about performance without labels: what is judged by default, and what labels that are there say."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from assay.api import Options, estimate
from assay.errors import UsageError
from assay.evaluation.bounds import Bound
from assay.evaluation.estimation.performance import bounds_of
from assay.verdict import Findings, Outcome, Verdict

OPTIONS = Options(now=datetime(2026, 1, 31, tzinfo=UTC))


def rows(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=n)
    return pl.DataFrame({"p": p, "said": (p > 0.5).astype(int), "y": rng.binomial(1, p)})


BEFORE, NOW = rows(3_000, 1), rows(1_000, 2)


def estimated(current: pl.DataFrame, **told) -> Findings:
    return estimate(BEFORE, current, task="binary", label="y", score="p", options=OPTIONS, **told)


def by_name(findings: Findings) -> dict[tuple[str, str], Outcome]:
    return {(outcome.check, outcome.subject): outcome for outcome in findings.outcomes}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"task": "binary"}, {"auc": Bound(worse_at_most=0.1)}),
        ({"task": "regression"}, {"mae": Bound(worse_at_most=0.1)}),
        ({"task": "binary", "metrics": ["f1"]}, {"f1": Bound(worse_at_most=0.1)}),
        ({"task": "binary", "metrics": ["f1", "auc"]}, {"auc": Bound(worse_at_most=0.1)}),
        ({"task": "binary", "worse_at_most": 0.2}, {"auc": Bound(worse_at_most=0.2)}),
        ({"task": "binary", "metrics": ["f1", "auc"], "worse_at_most": 0.2},
         {"f1": Bound(worse_at_most=0.2), "auc": Bound(worse_at_most=0.2)}),
        ({"task": "binary", "at_least": {"f1": 0.5}}, {"f1": Bound(at_least=0.5)}),
        ({"task": "binary", "at_least": {"f1": 0.5}, "worse_at_most": 0.2},
         {"f1": Bound(at_least=0.5), "auc": Bound(worse_at_most=0.2)}),
        ({"task": "binary", "at_least": {"f1": 0.5}, "at_most": {"f1": 0.9}}, {"f1": Bound(0.5, 0.9)}),
    ],
)  # fmt: skip
def test_a_few_words_say_the_bounds(told, expected):
    assert bounds_of(**told) == expected


def test_an_unknown_task_is_an_error_of_usage():
    with pytest.raises(UsageError, match="'binry' is no task; did you mean 'binary'"):
        bounds_of("binry")  # type: ignore[arg-type]


def test_each_metric_and_each_condition_has_an_outcome():
    findings = estimated(NOW.drop("y"), prediction="said")

    by_check = {check: [o.subject for o in findings.outcomes if o.check == check] for check, _ in by_name(findings)}
    assert by_check["estimated_performance"] == ["auc", "accuracy", "precision", "recall", "f1"]
    assert {"enough labels", "complete rows", "no concept drift"} <= set(by_check["estimation_condition"])
    assert findings.verdict is Verdict.PASS


def test_features_of_a_classifier_are_looked_at_where_they_are_named():
    shifted = NOW.drop("y").with_columns(x=pl.lit(5.0))

    found = by_name(
        estimate(
            BEFORE.with_columns(x=pl.lit(1.0)),
            shifted,
            task="binary",
            label="y",
            score="p",
            features=["x"],
            options=OPTIONS,
        )
    )

    assert found["estimation_condition", "features in the reference's range"].verdict is Verdict.INCONCLUSIVE
    assert found["estimated_performance", "auc"].verdict is Verdict.INCONCLUSIVE


def test_labels_of_some_rows_are_compared_with_the_estimate_of_these_rows():
    late = NOW.with_columns(y=pl.when(pl.int_range(pl.len()) < 400).then(pl.col("y")))

    findings = estimated(late)

    found = by_name(findings)
    assert found["estimated_performance", "auc"].n_rows == 1_000
    assert found["realised_performance", "auc"].observed.n == 400
    assert findings.provenance.datasets[0].notes == (
        "400 of 1,000 rows have a label already, and are compared with the estimate",
    )


def test_the_realised_metric_is_that_of_the_labels():
    found = by_name(estimated(NOW, prediction="said"))

    hits = (NOW["said"] == NOW["y"]).mean()
    assert found["realised_performance", "accuracy"].observed.value == pytest.approx(hits)


def test_a_column_of_labels_without_one_is_noted_and_compared_with_nothing():
    findings = estimated(NOW.with_columns(y=pl.lit(None, dtype=pl.Int64)))

    assert {outcome.check for outcome in findings.outcomes} == {"estimated_performance", "estimation_condition"}
    assert "the column 'y' holds no label yet" in findings.provenance.datasets[0].notes


def test_a_metric_that_is_undefined_and_unasked_is_skipped():
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({"guess": rng.uniform(1, 2, 300)}).with_columns(
        y=pl.col("guess").round(0) * (pl.int_range(pl.len()) % 3)
    )

    found = by_name(estimate(frame, frame.drop("y"), task="regression", label="y", prediction="guess", options=OPTIONS))

    assert found["estimated_performance", "mape"].verdict is Verdict.SKIP  # a label is 0
    assert found["estimated_performance", "mae"].verdict is not Verdict.SKIP


def test_the_features_of_a_regression_are_the_columns_that_both_have():
    rng = np.random.default_rng(4)
    frame = pl.DataFrame({"guess": rng.uniform(1, 2, 300), "x": 1.0, "when": datetime(2026, 1, 1), "only": 2.0})
    frame = frame.with_columns(y=pl.col("guess") + rng.normal(0, 0.1, 300))

    found = estimate(
        frame,
        frame.drop("only", "y"),
        task="regression",
        label="y",
        prediction="guess",
        bounds={"mae": Bound(at_most=1.0)},
        options=OPTIONS,
    )

    assert by_name(found)["estimated_performance", "mae"].verdict is Verdict.PASS


def test_the_same_seed_gives_the_same_findings():
    first, second = (estimated(NOW, prediction="said").outcomes for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"metrics": ["f1"]}, "no column of predictions is named"),
        ({"bounds": {"f1": Bound(at_least=0.5)}}, "which was not estimated"),
        ({"prediction": "sad"}, "has no column 'sad'; did you mean 'said'"),
    ],
)
def test_what_cannot_be_asked_is_an_error_of_usage(told, words):
    with pytest.raises(UsageError, match=words):
        estimated(NOW, **told)
