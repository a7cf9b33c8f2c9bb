"""`assay slice` as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from assay.cli import main

ROWS = pl.DataFrame({"n": [*range(1_000), None], "kind": ["usual"] * 1_000 + ["rare"]})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    ROWS.write_parquet("data.parquet")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


def test_a_slice_is_written_and_what_it_covers_is_shown(here: Path, capsys: pytest.CaptureFixture[str]):
    code, out, err = run(capsys, "slice", "data.parquet", "--rows", "30", "-o", "small.parquet")

    assert code == 0
    assert "wrote small.parquet: 30 rows" in err
    assert pl.read_parquet("small.parquet")["kind"].to_list().count("rare") == 1
    assert "30 rows of data" in out


def test_the_same_seed_writes_the_same_rows(here: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("one.csv", "two.csv"):
        assert run(capsys, "slice", "data.parquet", "--rows", "30", "--seed", "5", "-o", name)[0] == 0
    run(capsys, "slice", "data.parquet", "--rows", "30", "--seed", "6", "-o", "three.csv")

    assert (here / "one.csv").read_bytes() == (here / "two.csv").read_bytes() != (here / "three.csv").read_bytes()


def test_the_report_is_written_beside_the_rows(here: Path, capsys: pytest.CaptureFixture[str]):
    code, _, _ = run(capsys, "slice", "data.parquet", "--rows", "30", "-o", "small.jsonl", "--report", "covers.json")

    assert code == 0
    assert {e["name"] for e in json.loads((here / "covers.json").read_text())["exhibits"]} == {
        "coverage",
        "slice_columns",
    }


def test_too_few_rows_warn_and_pass(here: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(capsys, "slice", "data.parquet", "--rows", "2")

    assert code == 0
    assert "WARN" in out
    assert "rows would cover everything" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("data.parquet", "--rows", "0"), "--rows is 0"),
        (("data.parquet", "-o", "small.xlsx"), "'.xlsx' says no format for rows"),
        (("data.parquet", "--report", "covers.doc"), "'.doc' says no format"),
        (("data.parquet", "--seed", "-1"), "--seed is -1"),
        (("nothing.parquet",), "nothing.parquet"),
        (("data.parquet", "--label", "kin"), "did you mean 'kind'"),
    ],
)
def test_a_wrong_call_exits_with_2_and_writes_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
):
    code, _, err = run(capsys, "slice", *arguments)

    assert code == 2
    assert says in err
    assert [path.name for path in here.iterdir()] == ["data.parquet"]
