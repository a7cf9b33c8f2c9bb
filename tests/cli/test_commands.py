"""Commands as a shell sees them: exit codes, one sentence for an error, whole files or none."""

import io
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from assay.cli import COMMANDS, app, main
from assay.cli.options import progress_of
from assay.reports import load_findings

PEOPLE = pl.DataFrame({"name": ["ann", "bob", "cid"], "age": [41, 200, 7]})
SUITE = "suite: people\ncolumns: {age: {between: [0, 120]}}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PEOPLE.write_parquet("people.parquet")
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "loose.yaml").write_text("columns: {age: {between: [0, 300]}}\n")
    return tmp_path


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


def test_a_broken_check_exits_with_1(here, capsys):
    code, out, _ = run(capsys, "check", "people.parquet", "--suite", "suite.yaml")

    assert code == 1
    assert "1 of 3 rows" in out


def test_a_kept_suite_exits_with_0(here, capsys):
    assert run(capsys, "check", "people.parquet", "--suite", "loose.yaml")[0] == 0


def test_a_suite_without_checks_could_not_judge(here, capsys):
    (here / "empty.yaml").write_text("suite: empty\n")

    assert run(capsys, "check", "people.parquet", "--suite", "empty.yaml")[0] == 3


def test_a_suite_for_another_schema_could_not_judge_and_says_why(here, capsys):
    (here / "other.yaml").write_text("columns: {salary: {between: [0, 120]}}\n")

    code, out, err = run(capsys, "check", "people.parquet", "--suite", "other.yaml")

    assert code == 3
    assert "There is no column salary" in out + err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["check", "nowhere.parquet"], 2, "nowhere.parquet: there is no such file or folder"),
        (["check", "peeple.parquet"], 2, "did you mean 'people.parquet'?"),
        (["check", "*.nothing"], 2, "*.nothing"),
        (["check", "people.parquet", "--suite", "no.yaml"], 2, "no.yaml: there is no such file"),
        (["check", "people.parquet", "--other", "planes"], 2, "--other is given 'planes'; expected NAME=PATH"),
        (["check", "people.parquet", "--now", "noon"], 2, "--now is 'noon', which is not an instant"),
        (["check", "people.parquet", "--now", "2026-01-01"], 2, "has no zone"),
        (["check", "people.parquet", "--id", "nmae"], 2, "has no column 'nmae'; did you mean 'name'?"),
        (["check"], 2, "assay.yaml: no DATA was given and there is no such file"),
        (["checks", "betwen"], 2, "there is no check called 'betwen'; did you mean 'between'?"),
        (["report", "suite.yaml"], 2, "suite.yaml"),
        (["profile", "suite.yaml"], 2, "suite.yaml"),
        (["check", "people.parquet", "--nonsense"], 2, "nonsense"),
        (["check", "people.parquet", "--config", "other.yaml"], 2, "--config is for a run without DATA"),
        (["nonsense"], 2, "nonsense"),
        (["config", "check", "suite.yaml"], 2, "suite.yaml"),
    ],
)
def test_wrong_usage_exits_with_2_and_one_sentence(here, capsys, arguments, code, words):
    stopped, _, err = run(capsys, *arguments)

    assert stopped == code
    assert words in err
    assert "Traceback" not in err


def test_a_broken_footer_could_not_judge(here, capsys):
    (here / "torn.parquet").write_bytes((here / "people.parquet").read_bytes()[:-20])

    code, _, err = run(capsys, "check", "torn.parquet")

    assert code == 3
    assert err.startswith("assay: torn.parquet: ")


def test_a_row_with_too_many_fields_could_not_judge_and_is_named(here, capsys):
    (here / "ragged.csv").write_text("a,b\n1,2\n3,4,5\n")

    code, _, err = run(capsys, "check", "ragged.csv")

    assert code == 3
    assert "ragged.csv" in err
    assert "3" in err


@pytest.mark.parametrize(
    ("suffix", "start"), [(".json", "{"), (".html", "<!"), (".md", "#"), (".xml", "<?xml"), (".txt", "people")]
)
def test_a_report_is_written_in_the_format_of_its_suffix(here, capsys, suffix, start):
    code, out, err = run(capsys, "check", "people.parquet", "--suite", "suite.yaml", "-o", f"report{suffix}")

    assert (code, out) == (1, "")
    assert f"wrote report{suffix}" in err
    assert (here / f"report{suffix}").read_text().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (("profile", "people.parquet"), "profile.json"),
        (("profile", "people.parquet"), "profile.html"),
        (("schema", "infer", "people.parquet"), "schema.yaml"),
        (("schema", "diff", "people.parquet", "people.parquet"), "diff.html"),
        (("suggest", "people.parquet"), "suite.yaml"),
        (("check", "people.parquet", "--suite", "suite.yaml"), "check.html"),
        (("drift", "people.parquet", "people.parquet"), "drift.html"),
        (("report", "findings.json"), "again.html"),
    ],
)
def test_the_folder_of_a_file_is_made_by_every_command(here, capsys, arguments, file):
    run(capsys, "check", "people.parquet", "--suite", "suite.yaml", "-o", "findings.json")

    _, _, err = run(capsys, *arguments, "-o", f"new/{file}")

    assert (here / "new" / file).is_file(), err


def test_a_report_below_a_file_writes_nothing(here, capsys):
    code, _, err = run(capsys, "check", "people.parquet", "--suite", "suite.yaml", "-o", "suite.yaml/report.html")

    assert code == 2
    assert "cannot write here" in err


def test_saved_findings_are_shown_again_and_exit_as_they_did(here, capsys):
    run(capsys, "check", "people.parquet", "--suite", "suite.yaml", "-o", "findings.json")

    code, out, _ = run(capsys, "report", "findings.json", "--format", "junit")

    assert code == 1
    assert "<failure" in out
    assert load_findings("findings.json").subject == "people"


def test_findings_as_json_have_no_other_word_on_standard_output(here, capsys):
    _, out, _ = run(capsys, "check", "people.parquet", "--suite", "suite.yaml", "--format", "json")

    assert json.loads(out)["kind"] == "assay.findings"


def test_failing_rows_are_set_apart(here, capsys):
    code, _, err = run(capsys, "check", "people.parquet", "--suite", "suite.yaml", "--quarantine", "apart")

    assert code == 1
    assert "1 rows in apart/rejected.parquet, 2 clean ones in apart/clean.parquet" in err
    assert pl.read_parquet("apart/rejected.parquet")["name"].to_list() == ["bob"]


def test_a_profile_is_saved_and_shown_again(here, capsys):
    assert run(capsys, "profile", "people.parquet", "-o", "profile.json")[0] == 0

    code, out, _ = run(capsys, "profile", "profile.json")

    assert code == 0
    assert "age" in out


def test_profiles_of_several_files_merge(here, capsys):
    run(capsys, "profile", "people.parquet", "people.parquet", "-o", "both.json")

    assert json.loads((here / "both.json").read_text())["rows"] == 6


def test_a_suggested_suite_passes_on_its_reference(here, capsys):
    pl.DataFrame({"x": [i % 7 for i in range(500)]}).write_parquet("reference.parquet")

    assert run(capsys, "suggest", "reference.parquet", "-o", "suggested.yaml")[0] == 0
    assert run(capsys, "check", "reference.parquet", "--suite", "suggested.yaml")[0] == 0


def test_a_schema_is_inferred_and_compared(here, capsys):
    pl.DataFrame({"name": ["ann"], "years": [41]}).write_parquet("renamed.parquet")
    assert run(capsys, "schema", "infer", "people.parquet", "-o", "old.yaml")[0] == 0

    code, out, _ = run(capsys, "schema", "diff", "old.yaml", "renamed.parquet")

    assert code == 1
    assert "age" in out


def test_a_dataset_is_judged_by_its_schema(here, capsys):
    run(capsys, "schema", "infer", "people.parquet", "-o", "schema.yaml")

    assert run(capsys, "check", "people.parquet", "--suite", "schema.yaml")[0] == 0


def test_init_writes_what_check_then_runs(here, capsys):
    assert run(capsys, "init")[0] == 0
    assert run(capsys, "config", "check")[0] == 0

    code, out, _ = run(capsys, "check")

    assert code in (0, 3)
    assert "people" in out
    assert (here / "reports" / "findings.html").exists()


def test_init_does_not_replace_a_file(here, capsys):
    run(capsys, "init")

    assert run(capsys, "init")[0] == 2


def test_assay_yaml_ties_a_suite_and_other_tables_together(here, capsys):
    pl.DataFrame({"name": ["ann", "bob"]}).write_parquet("known.parquet")
    (here / "keys.yaml").write_text("table: {in_table: {columns: [name], other: known}}\n")
    (here / "assay.yaml").write_text(
        "datasets: {people: {source: people.parquet}, known: {source: known.parquet}}\n"
        "checks: [{dataset: people, suite: keys.yaml, others: [known], quarantine: apart}]\n"
    )

    code, out, _ = run(capsys, "check")

    assert code == 1
    assert "1 of 3 rows" in out
    assert pl.read_parquet("apart/rejected.parquet")["name"].to_list() == ["cid"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("datasets: {}\nchecks: [{dataset: people}]\n", "assay.yaml: checks[0].dataset: there is no dataset 'people'"),
        (
            "datasets: {people: {sorce: a}}\n",
            "assay.yaml:1: datasets.people.sorce: there is no key 'sorce'; did you mean 'source'?",
        ),
        (
            "datasets: {people: {source: a}}\nreport: {formats: [htm]}\n",
            "there is no format 'htm'; did you mean 'html'?",
        ),
        ("datasets: {people: {source: a}}\nformat: 9\n", "format is 9; this assay reads format 1"),
    ],
)
def test_a_wrong_assay_yaml_says_where(here, capsys, text, words):
    (here / "assay.yaml").write_text(text)

    code, _, err = run(capsys, "config", "check")

    assert code == 2
    assert words in err


def test_the_json_schema_of_assay_yaml_is_printed(here, capsys):
    _, out, _ = run(capsys, "config", "schema")

    assert json.loads(out)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(capsys, name):
    command = app.get_command(None, name)

    assert command is not None
    assert command.help


def test_a_reader_that_goes_away_is_no_error(here):
    command = f"{sys.executable} -m assay checks | head -1"

    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_one_sentence_and_could_not_judge(here):
    command = [sys.executable, "-m", "assay", "check", "people.parquet", "--suite", "loose.yaml"]

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == 3
    assert done.stderr == "assay: standard output: No space left on device\n"


def test_an_error_of_assays_own_does_not_read_as_data_that_failed(here, capsys, monkeypatch):
    monkeypatch.setattr("assay.api.check", lambda *_, **__: 1 / 0)

    code, _, err = run(capsys, "check", "people.parquet")

    assert code == 3
    assert err.startswith("assay: an error of its own: ZeroDivisionError")


def test_checks_that_could_not_set_rows_apart_are_counted(here, capsys):
    (here / "odd.yaml").write_text("columns: {age: {matches: a}, name: {no_missing: true}}\n")

    _, _, err = run(capsys, "check", "people.parquet", "--suite", "odd.yaml", "--quarantine", "apart")

    assert "1 checks could not be judged, so none of their rows is set apart" in err


def test_two_samples_of_one_table_differ_by_no_more_than_a_risk(here, capsys):
    for name, rows in (("old", range(0, 1000, 2)), ("new", range(1, 1000, 2))):
        pl.DataFrame({"x": [(i * 7919 % 1000) / 7 for i in rows], "k": [f"k{i % 3}" for i in rows]}).write_parquet(
            f"{name}.parquet"
        )

    assert run(capsys, "schema", "diff", "old.parquet", "new.parquet")[0] == 0


def test_a_suite_given_as_a_schema_says_what_it_lacks(here, capsys):
    code, _, err = run(capsys, "schema", "diff", "suite.yaml", "people.parquet")

    assert code == 2
    assert err.startswith("assay: suite.yaml")


def test_a_column_named_like_a_pattern_is_profiled(here, capsys):
    pl.DataFrame({"^a$": [1.5, 2.5], "*": [1, 2]}).write_parquet("odd.parquet")

    assert run(capsys, "profile", "odd.parquet")[0] == 0


@pytest.mark.parametrize("option", ["--suite", "--reference", "--quarantine", "--other", "--stage", "--time"])
def test_an_option_about_data_is_refused_where_no_data_is_given(here, capsys, option):
    run(capsys, "init")

    code, _, err = run(capsys, "check", option, "x=y")

    assert code == 2
    assert f"{option} is about DATA, and none was given" in err


def test_two_checks_of_assay_yaml_may_not_share_a_quarantine(here, capsys):
    (here / "assay.yaml").write_text(
        "datasets: {people: {source: people.parquet}}\n"
        "checks: [{dataset: people, quarantine: q}, {dataset: people, quarantine: q}]\n"
    )

    code, _, err = run(capsys, "config", "check")

    assert code == 2
    assert "'q' is the quarantine of another check too" in err


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_long_scan_draws_a_progress_bar_and_a_short_one_stays_quiet(monkeypatch):
    terminal, now = Terminal(), [0.0]
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    with progress_of("checking flights", 1000) as progress:
        progress(10)
        quiet = terminal.getvalue()
        now[0] = 1.0
        progress(500)

    assert quiet == ""
    assert "checking flights" in terminal.getvalue()
    assert "500/1000" in terminal.getvalue()


def test_a_scan_into_a_pipe_draws_nothing():
    with progress_of("checking flights", 1000) as progress:
        assert progress is None


def test_a_saved_profile_takes_no_roles(here, capsys):
    run(capsys, "profile", "people.parquet", "-o", "profile.json")

    code, _, err = run(capsys, "profile", "profile.json", "--id", "name")

    assert code == 2
    assert err.startswith("assay: profile.json: a saved profile takes no --query, --name or role")
