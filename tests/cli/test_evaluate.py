"""`assay evaluate` as a shell sees it: exit codes, options, formats, and one sentence for an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.cli import main
from assay.reports.saved import load_findings
from assay.verdict import Findings, Verdict


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(11)
    n = 1000
    x = rng.normal(size=n)
    p = 1 / (1 + np.exp(-1.5 * x))
    y = (rng.uniform(size=n) < p).astype(int)
    frame = pl.DataFrame(
        {
            "row": np.arange(n),
            "x": x,
            "city": rng.choice(["a", "b"], n),
            "y": y,
            "p": p,
            "amount": 3 * x + rng.normal(size=n),
        }
    )
    frame = frame.with_columns(
        answer=pl.when(pl.col("y") == 1).then(pl.lit("yes")).otherwise(pl.lit("no")), guess=3 * pl.col("x")
    )
    frame.write_parquet(tmp_path / "rows.parquet")
    frame.drop("p", "guess").head(20).write_parquet(tmp_path / "train.parquet")
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n\n"
        "def model(frame):\n"
        "    p = 1 / (1 + np.exp(-1.5 * frame['x'].to_numpy()))\n"
        "    return np.column_stack([1 - p, p])\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


TOLD = ("--task", "binary", "--label", "y", "--id", "row")
QUICK = ("--replicates", "200", "--without", "search", "--without", "baselines")


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", *arguments])
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


def found(capsys, *arguments: str) -> Findings:
    run(capsys, "rows.parquet", *TOLD, *QUICK, *arguments, "-o", "found.json")
    return load_findings("found.json")


def test_metrics_without_a_bound_judge_nothing_and_exit_with_3_unless_a_part_judges(here, capsys):
    parts = ("calibration", "fairness", "thresholds")
    code, out, _ = run(
        capsys, "rows.parquet", *TOLD, "--score", "p", *QUICK, *(word for part in parts for word in ("--without", part))
    )

    assert code == 3
    assert "auc" in out


def test_a_kept_bound_exits_with_0_and_a_broken_one_with_1(here, capsys):
    rest = [word for part in ("calibration", "fairness", "thresholds") for word in ("--without", part)]

    kept, out, _ = run(capsys, "rows.parquet", *TOLD, "--score", "p", *QUICK, *rest, "--at-least", "auc=0.6")
    broken, _, _ = run(capsys, "rows.parquet", *TOLD, "--score", "p", *QUICK, *rest, "--at-least", "auc=0.95")

    assert (kept, broken) == (0, 1)
    assert "at least 0.6" in out


def test_a_positive_class_in_words_slices_groups_and_formulas_are_taken(here, capsys):
    seen = found(
        capsys, "--label", "answer", "--positive", "yes", "--score", "p", "--slice", "city", "--where", "right=x > 0", "--group", "city",
        "--formula", "gain=CASE WHEN prediction = 'yes' THEN 1 ELSE 0 END", "--metric", "auc", "--metric", "recall",
    )  # fmt: skip

    assert seen["auc"].value is not None
    assert 0 < seen["gain"].value < 1
    assert set(seen.table("slices")["slice"]) == {"city = 'a'", "city = 'b'", "right"}
    assert seen.table("groups").height > 0


def test_a_function_named_on_the_command_line_is_the_model(here, capsys):
    seen = found(capsys, "--model", "mine:model", "--features", "x")

    assert seen["auc"].value == pytest.approx(found(capsys, "--score", "p")["auc"].value)
    assert "importance" in {exhibit.name for exhibit in seen.exhibits}


def test_settings_of_a_file_are_changed_by_options(here, capsys):
    Path("told.yaml").write_text("metrics: [auc, f1]\nbounds:\n  f1: {at_least: 0.1}\nslices: {columns: [city]}\n")

    seen = found(capsys, "--score", "p", "--settings", "told.yaml", "--at-most", "log_loss=0.9")

    bounded = {o.subject for o in seen.outcomes if o.check == "metric" and o.expected}
    assert bounded == {"f1", "log_loss"}
    assert seen.table("slices").height == 2


def test_rows_of_the_training_data_are_refused_with_1(here, capsys):
    code, out, _ = run(capsys, "rows.parquet", *TOLD, "--score", "p", "--train", "train.parquet")

    assert code == 1
    assert "nothing was evaluated" in " ".join(out.split())


def test_the_ledger_counts_looks(here, capsys):
    for _ in range(2):
        seen = found(capsys, "--score", "p", "--ledger", "looks.jsonl", "--use", "final")

    assert next(o.observed.value for o in seen.outcomes if o.check == "ledger") == 2


@pytest.mark.parametrize("format", ["text", "json", "markdown", "html", "junit"])
def test_every_format_shows_the_lead_metric(here, capsys, format):
    _, out, _ = run(capsys, "rows.parquet", *TOLD, "--score", "p", *QUICK, "--at-least", "auc=0.6", "--format", format)

    assert "auc" in out


def test_a_regression_has_residuals(here, capsys):
    run(
        capsys,
        "rows.parquet",
        "--task",
        "regression",
        "--label",
        "amount",
        "--prediction",
        "guess",
        *QUICK,
        "-o",
        "found.json",
    )

    seen = load_findings("found.json")
    assert seen["mae"].value == pytest.approx(0.8, abs=0.06)  # E|N(0, 1)| = 0.798
    assert "residuals" in {exhibit.name for exhibit in seen.exhibits}
    assert seen.verdict is not Verdict.ERROR


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--score", "q"), "no column 'q'"),
        (("--score", "p", "--score", "x"), "one column of scores"),
        ((), "what the model said"),
        (("--score", "p", "--model", "mine:model"), "one of them"),
        (("--model", "nothing:here"), "nothing"),
        (("--model", "none.onnx"), "none.onnx"),
        (("--score", "p", "--metric", "aucc"), "aucc"),
        (("--score", "p", "--at-least", "auc"), "two words"),
        (("--score", "p", "--without", "serch"), "serch"),
        (("--score", "p", "--slice", "town"), "no column 'town'"),
        (("--score", "p", "--where", "old=age > 3"), "age"),
        (("--score", "p", "--block", "7d"), "time column"),
        (("--score", "p", "--replicates", "3"), "replicates"),
        (("--score", "p", "--use", "final"), "--ledger"),
        (("--score", "p", "--trust"), "--trust"),
        (("--score", "p", "--features", "x,,y"), "empty name"),
        (("--score", "p", "--formula", "gain=SUM(x)"), "gain"),
        (("--score", "p", "--positive", "7"), "7"),
        (("--score", "city"), "numbers"),
        (("--score", "p", "--metric", "rmse"), "rmse is a metric of regression, not of binary"),
        (("--score", "p", "--threshold", "nan"), "threshold is nan"),
        (("--score", "p", "--time", "row", "--block", "0d"), "longer than nothing"),
        (("--score", "p", "--seed", "-1"), "the seed is -1"),
        (("--score", "p", "--shap"), "--shap"),
        (("--score", "p", "--ledger", "."), "the ledger is a folder"),
        (("--score", "p", "-o", "found.pdf"), "'.pdf' says no format"),
    ],
)
def test_wrong_use_exits_with_2_or_3_and_one_sentence(here, capsys, arguments, said):
    code, _, err = run(capsys, "rows.parquet", *TOLD, *arguments)

    assert code in (2, 3)
    assert said in err
    assert "Traceback" not in err
    assert "error of its own" not in err


def test_data_without_a_label_is_told_of_estimate(here, capsys):
    pl.DataFrame({"y": [None, None], "p": [0.1, 0.2]}, schema={"y": pl.Int64, "p": pl.Float64}).write_parquet(
        "later.parquet"
    )

    code, _, err = run(capsys, "later.parquet", "--task", "binary", "--label", "y", "--score", "p")

    assert code == 3
    assert "assay estimate" in err


def test_every_evaluation_of_the_projects_file_is_run(here, capsys):
    Path("told.yaml").write_text(
        "metrics: [auc]\nbounds:\n  auc: {at_least: 0.6}\nwithout: [search, baselines, calibration, thresholds]\n"
    )
    Path("assay.yaml").write_text(
        "datasets:\n  test: {source: rows.parquet, roles: {id: [row], label: y, sensitive: [city]}}\n"
        "evaluate:\n"
        "  - {dataset: test, task: binary, score: p, settings: told.yaml}\n"
        "  - {dataset: test, task: binary, model: 'mine:model', features: [x], settings: told.yaml}\n"
        "report: {folder: out, formats: [json]}\n"
    )

    code, _, _ = run(capsys)

    saved = load_findings("out/evaluation.json")
    assert code in (0, 3)
    assert [o.verdict for o in saved.outcomes if o.id.endswith("metric.auc")] == [Verdict.PASS, Verdict.PASS]
    assert any(exhibit.name.startswith("groups") for exhibit in saved.exhibits)


def test_without_data_and_without_a_file_it_says_what_to_do(here, capsys):
    code, _, err = run(capsys)

    assert code == 2
    assert "assay init" in err


def test_a_column_to_slice_by_that_is_not_there_is_refused_before_anything_is_measured(here, capsys, monkeypatch):
    monkeypatch.setattr("assay.evaluation.evaluate.trial_of", lambda *_, **__: pytest.fail("rows were read"))

    code, _, err = run(capsys, "rows.parquet", *TOLD, "--score", "p", "--group", "town")

    assert code == 2
    assert "no column 'town'" in err


def test_queries_are_for_rankings(here, capsys):
    code, _, err = run(capsys, "rows.parquet", *TOLD, "--score", "p", "--by", "city")

    assert code == 2
    assert "--by" in err


def test_data_may_be_named_by_an_option(here, capsys):
    _, out, _ = run(
        capsys,
        "--model",
        "mine:model",
        "--features",
        "x",
        "--data",
        "rows.parquet",
        *TOLD,
        *QUICK,
        "--at-least",
        "auc=0.6",
    )
    twice, _, err = run(capsys, "rows.parquet", "--data", "rows.parquet", *TOLD, "--score", "p")

    assert "auc" in out
    assert twice == 2
    assert "twice" in err


def test_the_folder_of_a_page_is_made(here, capsys):
    _, _, err = run(capsys, "rows.parquet", *TOLD, *QUICK, "--score", "p", "--metric", "auc", "-o", "new/page.html")

    assert err == "wrote new/page.html\n"
    assert (here / "new" / "page.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--task", "binary", "--label", "answer", "--score", "p"), "; give --positive VALUE, or positive=... in Python"),
        (("--task", "binary", "--label", "y", "--score", "p", "--block", "7d"), "; give --time COL, or time=... in Python"),
        (("--task", "multilabel", "--labels", "y", "--score", "y=p"), "; give --labels A,B, or labels=(...) in Python"),
        (
            ("--task", "binary", "--label", "y", "--score", "p", "--metric", "auk"),
            "there is no metric 'auk'; did you mean 'auc'? `assay metrics` lists all",
        ),
    ],
)  # fmt: skip
def test_a_hint_names_the_option(here, capsys, arguments, says):
    code, _, err = run(capsys, "rows.parquet", *arguments)

    assert (code, err.strip().endswith(says)) == (2, True), err
