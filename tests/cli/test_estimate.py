"""`assay estimate` as a shell sees it: exit codes, options, formats, and one sentence for an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.cli import main
from assay.reports import load_findings
from assay.verdict import Outcome, Verdict


def scored(n: int, seed: int, *, flipped: bool = False) -> pl.DataFrame:
    """Return rows whose label comes true with the probability that the score says, or with what is left of it."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=n)
    y = rng.binomial(1, 1 - p if flipped else p)
    frame = pl.DataFrame({"p": p, "said": (p > 0.5).astype(int), "y": y, "row": range(n)})
    return frame.with_columns(answer=pl.when(pl.col("y") == 1).then(pl.lit("yes")).otherwise(pl.lit("no")))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    scored(4_000, 1).write_parquet("before.parquet")
    scored(1_500, 2).drop("y", "answer").write_parquet("now.parquet")
    scored(1_500, 2).write_parquet("later.parquet")
    scored(1_500, 2, flipped=True).write_parquet("flipped.parquet")
    return tmp_path


TOLD = ("--task", "binary", "--label", "y", "--score", "p")


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["estimate", *arguments])
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


def judged(capsys, *arguments: str) -> dict[tuple[str, str], Outcome]:
    run(capsys, *arguments, "-o", "findings.json")
    return {(outcome.check, outcome.subject): outcome for outcome in load_findings("findings.json").outcomes}


def test_a_model_that_does_as_before_exits_with_0_and_says_what_the_estimate_rests_on(here, capsys):
    code, out, _ = run(capsys, "before.parquet", "now.parquet", *TOLD)

    assert code == 0
    assert "auc is estimated at 0.8" in out  # E of a uniform score: 5/6
    assert "no concept drift" in out
    assert "not known" in out


def test_a_metric_below_its_bound_exits_with_1(here, capsys):
    code, out, _ = run(capsys, "before.parquet", "now.parquet", *TOLD, "--at-least", "auc=0.95")

    assert code == 1
    assert "at least 0.95" in out


def test_a_fall_is_measured_by_the_reference(here, capsys):
    found = judged(
        capsys, "before.parquet", "now.parquet", *TOLD, "--prediction", "said", "--metric", "accuracy", "--drop", "0.3"
    )

    outcome = found["estimated_performance", "accuracy"]
    assert outcome.verdict is Verdict.PASS
    assert outcome.expected.startswith("at least 0.5")  # seven tenths of about 0.75


def test_without_predictions_only_scores_are_judged(here, capsys):
    found = judged(capsys, "before.parquet", "now.parquet", *TOLD)

    assert [subject for check, subject in found if check == "estimated_performance"] == ["auc"]


def test_labels_that_are_there_confirm_the_estimate(here, capsys):
    found = judged(capsys, "before.parquet", "later.parquet", *TOLD)

    assert found["estimate_held", "auc"].verdict is Verdict.PASS
    assert found["realised_performance", "auc"].verdict is Verdict.PASS


def test_labels_that_say_otherwise_fail_the_bound_and_warn_of_the_estimate(here, capsys):
    found = judged(capsys, "before.parquet", "flipped.parquet", *TOLD)

    assert found["estimated_performance", "auc"].verdict is Verdict.PASS  # scores alone cannot know
    assert found["realised_performance", "auc"].verdict is Verdict.FAIL
    assert found["estimate_held", "auc"].verdict is Verdict.WARN


def test_text_labels_have_a_positive_one(here, capsys):
    told = ("--task", "binary", "--label", "answer", "--score", "p")

    assert run(capsys, "before.parquet", "later.parquet", *told, "--positive", "yes")[0] == 0
    code, _, err = run(capsys, "before.parquet", "later.parquet", *told)
    assert code == 2
    assert "--positive" in err


def test_several_classes_have_a_score_each(here, capsys):
    for name in ("before", "later"):
        pl.read_parquet(f"{name}.parquet").with_columns(q=1 - pl.col("p")).write_parquet(f"{name}.parquet")
    told = ("--task", "multiclass", "--label", "answer", "--score", "yes=p", "--score", "no=q")

    found = judged(capsys, "before.parquet", "later.parquet", *told)

    assert found["estimated_performance", "macro_auc"].verdict is Verdict.PASS


def test_a_regression_is_judged_by_its_mean_absolute_error(here, capsys):
    rng = np.random.default_rng(3)
    x = rng.uniform(size=1_200)
    rows = pl.DataFrame({"x": x, "guess": 10 * x, "y": 10 * x + rng.normal(0, 1 + x)})
    rows.head(800).write_parquet("before.parquet")
    rows.tail(400).write_parquet("now.parquet")

    told = ("--task", "regression", "--label", "y", "--prediction", "guess", "--features", "x", "--metric", "mae")
    found = judged(capsys, "before.parquet", "now.parquet", *told, "--at-most", "mae=3")

    assert found["estimated_performance", "mae"].verdict is Verdict.PASS
    assert found["estimate_held", "mae"].verdict is Verdict.PASS


def test_no_row_exits_with_3(here, capsys):
    pl.read_parquet("now.parquet").head(0).write_parquet("none.parquet")

    assert run(capsys, "before.parquet", "none.parquet", *TOLD)[0] == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--task", "binary", "--score", "p"], 2, "give --label"),
        (["--task", "binary", "--label", "y"], 2, "give --score"),
        (["--task", "binary", "--label", "why", "--score", "p"], 2, "has no column 'why'"),
        (["--task", "binary", "--label", "y", "--score", "q"], 2, "has no column 'q'"),
        (["--task", "binary", "--label", "y", "--score", "row"], 3, "are outside [0, 1]"),
        (["--task", "binary", "--label", "y", "--score", "p", "--score", "said"], 2, "one column of scores"),
        ([*TOLD, "--features", "rwo"], 2, "did you mean 'row'?"),
        (["--task", "multiclass", "--label", "y", "--score", "p"], 2, "CLASS=COL"),
        (["--task", "multiclass", "--label", "y", "--score", "p", "--score", "said"], 2, "two words around an ="),
        (["--task", "regression", "--label", "y"], 2, "give --prediction"),
        (
            ["--task", "regression", "--label", "y", "--prediction", "p", "--score", "p"],
            2,
            "a regression has no scores",
        ),
        (["--task", "regression", "--label", "y", "--prediction", "p", "--features", "a,,b"], 2, "empty name"),
        ([*TOLD, "--metric", "acu"], 2, "did you mean 'auc'?"),
        ([*TOLD, "--metric", "f1"], 2, "no column of predictions is named"),
        ([*TOLD, "--at-least", "auc"], 2, "two words around an ="),
        ([*TOLD, "--at-least", "auc=high"], 2, "it is a number"),
        ([*TOLD, "--at-least", "auc=inf"], 2, "it is a finite number"),
        ([*TOLD, "--at-least", "f1=0.5"], 2, "which was not estimated"),
        ([*TOLD, "--drop", "-1"], 2, "it is a share of 0 or more"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence_with_a_way_out(here, capsys, arguments, code, words):
    stopped, _, err = run(capsys, "before.parquet", "now.parquet", *arguments)

    assert stopped == code
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("format", ["text", "json", "markdown", "html", "junit"])
def test_every_format_shows_the_conditions(here, capsys, format):
    code, out, _ = run(capsys, "before.parquet", "now.parquet", *TOLD, "--format", format)

    assert code == 0
    assert "no concept drift" in out
