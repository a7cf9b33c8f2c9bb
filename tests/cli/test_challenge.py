"""`assay challenge` as a shell sees it: columns, files matched by id, models, exit codes, and one sentence for an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.cli import main
from assay.reports.saved import load_findings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(11)
    n = 1500
    y = rng.integers(0, 2, n)
    signs = 2 * y - 1
    frame = pl.DataFrame({
        "row": np.arange(n), "city": rng.choice(["a", "b"], n), "y": y, "old": 1 / (1 + np.exp(-signs - rng.normal(size=n) * 2)),
        "new": 1 / (1 + np.exp(-signs - rng.normal(size=n))),
    })  # fmt: skip
    frame.write_parquet(tmp_path / "rows.parquet")
    frame.select("row", "city", "y", p="old").write_parquet(tmp_path / "old.parquet")
    frame.select("row", "y", p="new").sample(fraction=1, shuffle=True, seed=1).write_parquet(tmp_path / "new.parquet")
    frame.select("row", p="new").head(1000).write_parquet(tmp_path / "part.parquet")
    frame.select("row", pl.lit(1).alias("y"), p="new").write_parquet(tmp_path / "other.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


TOLD = ("--task", "binary", "--label", "y")


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["challenge", *arguments])
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


def test_two_columns_of_the_same_rows_are_compared_and_the_better_one_exits_with_0(here, capsys):
    code, out, _ = run(capsys, "old", "new", "--data", "rows.parquet", *TOLD, "--id", "row")

    assert code == 0
    assert "auc" in out


def test_a_worse_challenger_exits_with_1_and_a_lift_that_is_too_much_to_tell_with_3(here, capsys):
    assert run(capsys, "new", "old", "--data", "rows.parquet", *TOLD, "--id", "row")[0] == 1

    run(capsys, "old", "new", "--data", "rows.parquet", *TOLD, "--id", "row", "-o", "found.json")
    lift = load_findings("found.json")["lift of new"].value
    code, _, _ = run(
        capsys, "old", "new", "--data", "rows.parquet", *TOLD, "--id", "row", "--lift-at-least", f"{lift:.4f}"
    )
    assert code == 3


def test_files_are_matched_by_their_id_in_any_order(here, capsys):
    run(capsys, "old", "new", "--data", "rows.parquet", *TOLD, "--id", "row", "-o", "columns.json")
    code, _, _ = run(capsys, "old.parquet", "new.parquet", *TOLD, "--score", "p", "--id", "row", "-o", "files.json")

    assert code == 0
    by_columns, by_files = (load_findings(path).table("challenge") for path in ("columns.json", "files.json"))
    assert by_files["difference"].to_list() == pytest.approx(by_columns["difference"].to_list())


def test_rows_that_a_challenger_says_nothing_of_are_left_out_and_said_so(here, capsys):
    run(capsys, "old.parquet", "part.parquet", *TOLD, "--score", "p", "--id", "row", "-o", "found.json")

    found = load_findings("found.json")
    assert found.outcomes[0].n_rows == 1000
    assert "500 rows" in found.provenance.datasets[0].notes[-1]


def test_a_policy_in_a_file_is_judged(here, capsys):
    Path("policy.yaml").write_text(
        "metric: accuracy\nlift_at_least: 0.01\nflips_at_most: 0.0001\nslices: {columns: [city]}\n"
    )

    code, out, _ = run(capsys, "old", "new", "--data", "rows.parquet", *TOLD, "--id", "row", "--policy", "policy.yaml")

    assert code == 1
    assert "predictions change" in " ".join(out.split())


def test_of_two_challengers_both_are_shown(here, capsys):
    frame = pl.read_parquet("rows.parquet")
    frame.with_columns(worse=1 - pl.col("old")).write_parquet("rows.parquet")

    code, out, _ = run(capsys, "old", "new", "worse", "--data", "rows.parquet", *TOLD, "--id", "row")

    assert code == 0
    assert "worse" in out


@pytest.mark.parametrize("format", ["text", "json", "markdown", "html", "junit"])
def test_every_format_shows_the_decision(here, capsys, format):
    _, out, _ = run(capsys, "old", "new", "--data", "rows.parquet", *TOLD, "--id", "row", "--format", format)

    assert "champion" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("old.parquet", "other.parquet", *TOLD, "--score", "p", "--id", "row"), "the champion's file"),
        (("old.parquet", "part.parquet", *TOLD, "--score", "p"), "--id"),
        (("old.parquet", "new.parquet", *TOLD, "--score", "p"), "rows differ"),
        (("old.parquet", "new.parquet", *TOLD, "--id", "row"), "not named"),
        (("old.parquet", "nothing.parquet", *TOLD, "--score", "p", "--id", "row"), "nothing.parquet"),
        (("old", "newer", "--data", "rows.parquet", *TOLD), "newer"),
        (("old", "new", "--data", "rows.parquet", *TOLD, "--score", "old"), "--data names the rows"),
        (("old", "new", "--data", "rows.parquet", *TOLD, "--lift-at-least", "-1"), "lift_at_least"),
        (("old", "new", "--data", "rows.parquet", *TOLD, "--metric", "aucc"), "aucc"),
        (("old", "city", "--data", "rows.parquet", *TOLD), "numbers"),
        (("old", "new", "--data", "rows.parquet", *TOLD, "--metric", "rmse"), "not of binary"),
        (("old", "new", "--data", "rows.parquet", *TOLD, "--lift-at-least", "nan"), "lift_at_least is nan"),
        (("old", "new", "--data", "rows.parquet", *TOLD, "--flips-at-most", "nan"), "flips_at_most is nan"),
        (("old", "new", "--data", "rows.parquet", *TOLD, "--no-slice-worse-than", "inf"), "no_slice_worse_than"),
        (("old", "new", "--data", "rows.parquet", *TOLD, "-o", "found.pdf"), "'.pdf' says no format"),
    ],
)
def test_wrong_use_exits_with_2_or_3_and_one_sentence(here, capsys, arguments, said):
    code, _, err = run(capsys, *arguments)

    assert code in (2, 3)
    assert said in err
    assert "error of its own" not in err


def test_a_key_that_repeats_matches_nothing(here, capsys):
    frame = pl.read_parquet("new.parquet")
    pl.concat([frame, frame.head(3)]).write_parquet("new.parquet")

    code, _, err = run(capsys, "old.parquet", "new.parquet", *TOLD, "--score", "p", "--id", "row")

    assert code == 3
    assert "3 rows repeat a key" in err
