"""`assay detect` as a shell sees it: exit codes, options, formats, and one sentence for an error."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from assay.cli import main
from assay.cli.detect import CHARTS, RULES, command
from assay.reports import load_findings
from assay.stats import control, runs
from assay.stats.detectors.table import DETECTORS
from assay.verdict import Verdict

N = 1_000
CALM = pl.DataFrame({"error": [0, 0, 0, 0, 1] * (N // 5), "ms": [9.0, 10.0, 11.0, 10.0, 9.0] * (N // 5)}).with_columns(
    at=pl.Series([datetime(2026, 1, 1) + timedelta(minutes=i) for i in range(N)]), name=pl.lit("a")
)
WORSE = CALM.with_columns(error=pl.int_range(pl.len()) % 2, ms=pl.col("ms") + 7)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    CALM.write_parquet("calm.parquet")
    pl.concat([CALM, WORSE]).write_parquet("worse.parquet")
    CALM.head(0).write_parquet("empty.parquet")
    return tmp_path


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["detect", *arguments])
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


def test_a_stream_without_change_exits_with_0(here, capsys):
    code, out, _ = run(capsys, "calm.parquet", "--column", "error", "--baseline", "0.2")

    assert code == 0
    assert "error has not changed, as far as esr can tell." in out


def test_a_stream_that_changed_exits_with_1_and_says_where_and_when(here, capsys):
    code, out, _ = run(capsys, "worse.parquet", "--column", "error", "--baseline", "0.2", "--time", "at")

    assert code == 1
    assert "error has changed: esr signals it" in out
    assert "first at row 1,0" in " ".join(out.split())
    assert "2026-01-01T00:" in out  # the time of WORSE's rows begins anew
    assert "'at' steps back once" in " ".join(out.split())


def test_an_empty_stream_exits_with_3(here, capsys):
    code, out, _ = run(capsys, "empty.parquet", "--column", "error", "--baseline", "0.2")

    assert code == 3
    assert "error could not be judged." in out


def test_options_reach_the_detectors(here, capsys):
    arguments = ["worse.parquet", "--column", "error", "--baseline", "0.2", "--detector", "esr", "--detector", "cusum"]
    run(capsys, *arguments, "--set", "direction=both", "--set", "average_run_length=5e4", "-o", "found.json")

    esr, cusum = load_findings("found.json").outcomes
    assert "at least 50,000 values while the error rate is from 0.2 to 0.2" in esr.why
    assert cusum.expected == "no change from 0.2 (cusum)"


def test_a_reference_teaches_the_baseline(here, capsys):
    run(capsys, "worse.parquet", "--column", "error", "--reference", "calm.parquet", "-o", "found.json")

    (outcome,) = load_findings("found.json").outcomes
    assert (outcome.verdict, outcome.trace.centre) == (Verdict.FAIL, 0.2)


def test_a_stream_goes_on_from_file_to_file(here, capsys):
    whole = pl.read_parquet("worse.parquet")
    whole.head(1_015).write_parquet("1.parquet")
    whole.slice(1_015).write_parquet("2.parquet")
    told = ["--column", "error", "--baseline", "0.2"]
    run(capsys, "worse.parquet", *told, "-o", "whole.json")
    first = run(capsys, "1.parquet", *told, "--state", "s.json")
    run(capsys, "2.parquet", *told, "--state", "s.json", "-o", "second.json")

    assert first[0] == 0
    rows = [example.row for example in load_findings("second.json").outcomes[0].examples]
    assert [row + 1_015 for row in rows] == [e.row for e in load_findings("whole.json").outcomes[0].examples]


def test_a_refused_value_exits_with_3_and_says_that_the_state_is_as_it_was(here, capsys):
    code, out, err = run(capsys, "calm.parquet", "--column", "ms", "--baseline", "0.2", "--state", "s.json")

    assert code == 3
    assert "row 0: value 0 of the stream is 9.0" in out
    assert "s.json: left as it was" in err
    assert not Path("s.json").exists()


@pytest.mark.parametrize("chart", [["individuals"], ["means", "--size", "10"], ["xbar", "--by", "at"]])
def test_a_control_chart_finds_the_change(here, capsys, chart):
    code, out, _ = run(capsys, "worse.parquet", "--column", "ms", "--reference", "calm.parquet", "--chart", *chart)

    assert code == 1
    assert "ms is out of control." in out


def test_a_chart_of_shares_by_the_customary_names(here, capsys):
    told = ["--column", "error", "--chart", "p", "--size", "20", "--learn", "40", "--rules", "western_electric"]

    code, out, _ = run(capsys, "worse.parquet", *told)

    assert code == 1
    assert "by the rules of western_electric" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["calm.parquet"], "--column"),
        (["calm.parquet", "--column", "eror"], "did you mean 'error'?"),
        (["calm.parquet", "--column", "name"], "the column 'name' holds text values"),
        (["calm.parquet", "--column", "error"], "has no baseline"),
        (["calm.parquet", "--column", "error", "--detector", "ers"], "did you mean 'esr'?"),
        (["calm.parquet", "--column", "error", "--baseline", "0.2", "--set", "slack"], "expected KEY=VALUE"),
        (["calm.parquet", "--column", "error", "--baseline", "0.2", "--size", "5"], "--size is about a control chart"),
        (["calm.parquet", "--column", "error", "--baseline", "0.2", "--label", "name"], "a stream has no label"),
        (["calm.parquet", "--column", "error", "--reference-query", "SELECT 1"], "give --reference"),
        (["calm.parquet", "--column", "error", "--reference", "no.parquet"], "there is no such file"),
        (["calm.parquet", "--column", "ms", "--chart", "mean"], "did you mean 'means'?"),
        (["calm.parquet", "--column", "ms", "--chart", "means", "--learn", "5"], "made of several rows"),
        (["calm.parquet", "--column", "ms", "--chart", "individuals"], "neither is"),
        (["calm.parquet", "--column", "ms", "--chart", "individuals", "--state", "s"], "--state is about detectors"),
        (["calm.parquet", "--column", "ms", "--chart", "individuals", "--rules", "nelsn"], "did you mean 'nelson'?"),
    ],
)
def test_what_cannot_be_asked_exits_with_2_and_a_way_out(here, capsys, arguments, words):
    code, _, err = run(capsys, *arguments)

    assert code == 2
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("format", ["text", "json", "markdown", "html", "junit"])
def test_every_format_shows_a_stream(here, capsys, format):
    code, out, _ = run(capsys, "worse.parquet", "--column", "error", "--baseline", "0.2", "--format", format)

    assert code == 1
    assert "signals drift" in out


def test_the_help_names_every_detector_chart_and_set_of_rules():
    shown = " ".join(CliRunner().invoke(command, ["--help"], terminal_width=200).output.split())

    assert [name for name in (*DETECTORS, *CHARTS, *RULES) if name not in shown] == []
    assert "1 is an error" in shown
    assert set(CHARTS.values()) == set(control.CHARTS)
    assert set(RULES.values()) == set(runs.RULE_SETS)
