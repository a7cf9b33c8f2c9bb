"""`assay drift` as a shell sees it: exit codes, options, files, and one sentence for an error."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from assay.api import profile
from assay.cli import main
from assay.cli.drift import _summed, load_importances
from assay.errors import ConfigError
from assay.profiles.saved import save_profile
from assay.reports import load_findings
from assay.verdict import Outcome, Verdict

N = 2_000
THEN = pl.DataFrame(
    {
        "age": [20 + i * 7919 % 61 for i in range(N)],
        "fare": [(i * 7907 % N) / 10 for i in range(N)],
        "class": [("first", "second", "third")[i % 3] for i in range(N)],
    }
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    THEN.write_parquet("then.parquet")
    THEN.reverse().write_parquet("same.parquet")
    THEN.with_columns(fare=pl.col("fare") * 2).write_parquet("moved.parquet")
    return tmp_path


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["drift", *arguments])
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


def judged(capsys, *arguments: str) -> dict[tuple[str, str], Outcome]:
    """Return the outcomes of a run by column and check, as a saved file has them."""
    run(capsys, *arguments, "-o", "findings.json")
    return {(outcome.subject, outcome.check): outcome for outcome in load_findings("findings.json").outcomes}


def test_data_like_its_reference_exits_with_0(here, capsys):
    code, out, _ = run(capsys, "then.parquet", "same.parquet")

    assert code == 0
    assert "None of 3 columns has drifted." in out


def test_a_drifted_column_exits_with_1_and_is_named_first(here, capsys):
    code, out, _ = run(capsys, "then.parquet", "moved.parquet")

    assert code == 1
    assert "1 of 3 columns has drifted: fare (" in out


def test_too_few_rows_to_judge_exit_with_3(here, capsys):
    THEN.head(8).write_parquet("few.parquet")

    code, out, _ = run(capsys, "then.parquet", "few.parquet")

    assert code == 3
    assert "could be judged" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["then.parquet"], "CURRENT"),
        (["then.parquet", "nowhere.parquet"], "nowhere.parquet: there is no such file or folder"),
        (["nowhere.parquet", "then.parquet"], "nowhere.parquet: there is no such file or folder"),
        (["then.parquet", "same.parquet", "--columns", "fair"], "the reference has no column 'fair'; did you mean 'fare'?"),
        (["then.parquet", "same.parquet", "--ignore", "fair"], "the reference has no column 'fair'; did you mean 'fare'?"),
        (["then.parquet", "same.parquet", "--columns", "age,,fare"], "--columns is given 'age,,fare', which has an empty name"),
        (["then.parquet", "same.parquet", "--alpha", "5%"], "--alpha is '5%'; it lies between 0 and 1"),
        (["then.parquet", "same.parquet", "--alpha", "1"], "--alpha is '1'; it lies between 0 and 1"),
        (["then.parquet", "same.parquet", "--alpha", "nan"], "--alpha is 'nan'; it lies between 0 and 1"),
        (["then.parquet", "same.parquet", "--correction", "bonferoni"], "bonferoni"),
        (["then.parquet", "same.parquet", "--preset", "clasic"], "clasic"),
        (["then.parquet", "same.parquet", "--settings", "no.yaml"], "no.yaml: there is no such file"),
        (["then.parquet", "same.parquet", "--importances", "no.yaml"], "no.yaml: there is no such file"),
        (["then.parquet", "same.parquet", "--time", "wen"], "has no column 'wen'"),
        (["then.parquet", "same.parquet", "--reference-query", "x"], "then.parquet"),
    ],
)  # fmt: skip
def test_wrong_usage_exits_with_2_and_one_sentence(here, capsys, arguments, words):
    code, _, err = run(capsys, *arguments)

    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_only_the_named_columns_are_compared(here, capsys):
    found = judged(
        capsys, "then.parquet", "moved.parquet", "--columns", "age,class", "--columns", "fare", "--ignore", "age"
    )

    assert {column for column, _ in found} == {"fare", "class", "table"}


@pytest.mark.parametrize(("given", "said"), [("bh", "benjamini_hochberg"), ("holm", "holm"), ("none", "none")])
def test_p_values_are_corrected_as_told(here, capsys, given, said):
    found = judged(capsys, "then.parquet", "moved.parquet", "--correction", given, "--alpha", "0.002")

    evidence = found["fare", "distribution_drift"].evidence
    assert (evidence.correction, evidence.alpha) == (said, 0.002)


def test_settings_of_a_file_are_kept_where_no_option_says_otherwise(here, capsys):
    (here / "drift.yaml").write_text(
        "alpha: 0.002\ncorrection: holm\ncolumns: {fare: {distribution_drift: {at_least: 0.9}}}\n"
    )

    found = judged(capsys, "then.parquet", "moved.parquet", "--settings", "drift.yaml", "--alpha", "0.05")

    fare = found["fare", "distribution_drift"]
    assert (fare.evidence.alpha, fare.evidence.correction, fare.verdict) == (0.05, "holm", Verdict.PASS)


def test_the_classic_preset_judges_by_the_textbook(here, capsys):
    run(capsys, "then.parquet", "moved.parquet", "--preset", "classic", "--columns", "fare", "-o", "findings.json")

    findings = load_findings("findings.json")
    asked = {(o.evidence.comparison, o.evidence.distance) for o in findings.outcomes if o.evidence is not None}
    assert {("ks", "none"), ("none", "psi"), ("none", "mean_shift")} <= asked
    assert findings.provenance.suite == "drift (classic)"


def test_a_preset_that_contradicts_the_settings_is_refused(here, capsys):
    (here / "drift.yaml").write_text("alpha: 0.002\n")

    code, _, err = run(capsys, "then.parquet", "same.parquet", "--settings", "drift.yaml", "--preset", "classic")

    assert code == 2
    assert "drift.yaml: --preset is classic, and the settings say default" in err


def test_importances_of_a_file_rank_the_columns(here, capsys):
    (here / "importances.json").write_text('{"age": 3, "fare": 1}')
    THEN.with_columns(fare=pl.col("fare") * 2, age=pl.col("age") + 20).write_parquet("both.parquet")

    found = judged(capsys, "then.parquet", "both.parquet", "--importances", "importances.json")
    _, out, _ = run(capsys, "then.parquet", "both.parquet", "--importances", "importances.json")

    assert found["age", "distribution_drift"].evidence.importance == 0.75
    assert found["class", "distribution_drift"].evidence.importance == 0
    assert "2 of 3 columns have drifted: age (" in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("age: 1\nfare: -1\n", r"importances\.yaml:2: fare: the importance is -1\.0; it is a number from 0 up"),
        ("age: .nan\n", r"importances\.yaml:1: age: the importance is nan"),
        ("age: .inf\n", r"importances\.yaml:1: age: the importance is inf"),
        ("age: much\n", r"importances\.yaml:1: age: "),
        ("- age\n", r"importances\.yaml"),
        ("", r"importances\.yaml: there is no importance"),
        ("age: {", r"importances\.yaml:\d: this is not YAML"),
    ],
)
def test_an_importance_that_is_no_number_is_refused_with_its_place(here, text, words):
    (here / "importances.yaml").write_text(text)

    with pytest.raises(ConfigError, match=words):
        load_importances("importances.yaml")


def test_an_importance_of_no_column_is_refused(here, capsys):
    (here / "importances.yaml").write_text("fair: 1\n")

    code, _, err = run(capsys, "then.parquet", "same.parquet", "--importances", "importances.yaml")

    assert code == 2
    assert "did you mean 'fare'?" in err


def test_saved_profiles_stand_for_either_side(here, capsys):
    for name in ("then", "moved"):
        with pytest.raises(SystemExit):
            main(["profile", f"{name}.parquet", "-o", f"{name}.json"])

    code, out, _ = run(capsys, "then.json", "moved.json")
    mixed, _, _ = run(capsys, "then.json", "moved.parquet")

    assert (code, mixed) == (1, 1)
    assert "fare (" in out


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--name", "x"), "then.json: a saved profile takes no --name"),
        (("--id", "age"), "then.json: a saved profile takes no --id"),
        (("--reference-query", "x"), "then.json: a saved profile takes no --reference-query"),
        (("--time", "age"), "then.json: a saved profile has no windows to calibrate on"),
        (("--rows",), "whole rows can only be compared where both sides are data"),
    ],
)
def test_a_saved_profile_takes_no_option_about_data(here, capsys, option, words):
    with pytest.raises(SystemExit):
        main(["profile", "then.parquet", "-o", "then.json"])

    code, _, err = run(capsys, "then.json", "then.json", *option)

    assert code == 2
    assert words in err


def test_each_side_of_a_database_has_its_own_query(here, capsys):
    with sqlite3.connect("fares.db") as database:
        database.execute("CREATE TABLE fares (month INTEGER, fare REAL)")
        rows = [(month, fare * month) for month in (1, 2) for fare in THEN["fare"].to_list()]
        database.executemany("INSERT INTO fares VALUES (?, ?)", rows)
    database.close()
    queries = [f"SELECT fare FROM fares WHERE month = {month}" for month in (1, 2)]

    code, out, _ = run(
        capsys, "sqlite:///fares.db", "sqlite:///fares.db", "--reference-query", queries[0], "--query", queries[1]
    )
    same, _, _ = run(
        capsys, "sqlite:///fares.db", "sqlite:///fares.db", "--reference-query", queries[0], "--query", queries[0]
    )

    assert (code, same) == (1, 0)
    assert "The one column has drifted: fare" in out


def test_a_label_that_the_current_data_has_not_yet_is_left_out(here, capsys):
    THEN.drop("class").write_parquet("unlabelled.parquet")

    assert run(capsys, "then.parquet", "unlabelled.parquet")[0] == 1
    assert run(capsys, "then.parquet", "unlabelled.parquet", "--label", "class")[0] == 0


def test_a_label_that_no_side_has_is_refused(here, capsys):
    code, _, err = run(capsys, "then.parquet", "same.parquet", "--label", "clas")

    assert code == 2
    assert "did you mean 'class'?" in err


def test_whole_rows_are_compared_where_asked(here, capsys):
    pytest.importorskip("sklearn")
    small = THEN.head(300)
    small.write_parquet("small.parquet")
    small.with_columns(fare=pl.col("fare") + 500).write_parquet("apart.parquet")

    found = judged(capsys, "small.parquet", "apart.parquet", "--rows", "--seed", "1")

    assert ("table", "row_drift") in found


@pytest.mark.parametrize(("suffix", "start"), [(".json", "{"), (".html", "<!"), (".md", "## ❌"), (".xml", "<?xml")])
def test_a_report_is_written_in_the_format_of_its_suffix(here, capsys, suffix, start):
    code, out, err = run(capsys, "then.parquet", "moved.parquet", "-o", f"report{suffix}")

    assert (code, out) == (1, "")
    assert f"wrote report{suffix}" in err
    assert (here / f"report{suffix}").read_text(encoding="utf-8").startswith(start)


def test_drift_as_json_is_shown_again_as_the_page_it_was(here, capsys):
    _, out, _ = run(capsys, "then.parquet", "moved.parquet", "--format", "json")
    (here / "findings.json").write_text(out)
    with pytest.raises(SystemExit) as stopped:
        main(["report", "findings.json", "--format", "markdown"])

    assert json.loads(out)["kind"] == "assay.findings"
    assert stopped.value.code == 1
    assert "1 of 3 columns has drifted: fare" in capsys.readouterr().out


def test_the_help_says_each_option_in_a_line(capsys):
    code, out, _ = run(capsys, "--help")

    assert code == 0
    assert "Say which columns of CURRENT are not as in REFERENCE" in out
    assert all(
        option in out for option in ("--preset", "--reference-query", "--importances", "--rows", "--seed", "--time")
    )


def test_one_bar_shows_the_sum_of_several_scans():
    seen: list[int] = []
    update = _summed(seen.append)

    # Two scans, of 20 rows and of 10.
    for rows in (10, 20, 5, 10):
        update(rows)

    assert seen == [10, 20, 25, 30]
    assert _summed(None) is None


# assay.yaml -------------------------------------------------------------------------------------------------------


def test_without_data_every_comparison_of_the_project_is_run_and_reported(here, capsys):
    save_profile(profile("then.parquet"), "then.json")
    Path("drift.yaml").write_text("columns: {fare: {distribution_drift: 0.05}}")
    Path("assay.yaml").write_text(
        "datasets: {then: {source: then.parquet}, known: {source: then.json}, moved: {source: moved.parquet}}\n"
        "drift:\n- {dataset: moved, reference: then, settings: drift.yaml}\n- {dataset: then, reference: known}\n"
        "report: {folder: reports, formats: [json]}\n"
    )

    code, _, _ = run(capsys)

    found = load_findings("reports/drift.json")
    assert code == 1
    assert {o.subject.split(":")[0] for o in found.outcomes} == {"moved", "then"}
    broken = [o for o in found.outcomes if o.verdict is Verdict.FAIL and o.check == "distribution_drift"]
    assert [(o.subject, o.evidence.at_least) for o in broken] == [("moved: fare", 0.05)]


def test_a_project_that_names_no_comparison_says_what_to_write(here, capsys):
    Path("assay.yaml").write_text("datasets: {then: {source: then.parquet}}\n")

    code, _, err = run(capsys)

    assert code == 2
    assert "drift:" in err


def test_a_comparison_with_a_dataset_that_is_not_there_names_the_nearest(here, capsys):
    Path("assay.yaml").write_text(
        "datasets: {then: {source: then.parquet}}\ndrift: [{dataset: then, reference: them}]\n"
    )

    code, _, err = run(capsys)

    assert code == 2
    assert "drift[0].reference" in err
    assert "then" in err


def test_an_option_about_data_is_refused_where_none_is_given(here, capsys):
    code, _, err = run(capsys, "--rows")

    assert code == 2
    assert "--rows" in err


# Across time --------------------------------------------------------------------------------------------------------


def test_an_alarm_budget_is_kept_in_a_file_and_spent_window_by_window(here, capsys):
    first = run(
        capsys,
        "then.parquet",
        "same.parquet",
        "--budget",
        "budget.json",
        "--alarms",
        "1/30d",
        "--now",
        "2026-01-02T00:00:00Z",
    )
    after_one = json.loads(Path("budget.json").read_text())["budget"]
    second = run(capsys, "then.parquet", "moved.parquet", "--budget", "budget.json", "--now", "2026-01-03T00:00:00Z")
    after_two = json.loads(Path("budget.json").read_text())["budget"]

    assert (first[0], second[0]) == (0, 1)
    # A day is a thirtieth of an alarm, of which half is spent and half is saved; then a quarter more is saved.
    assert after_one["saved"] == pytest.approx(1 / 60)
    assert after_two["saved"] == pytest.approx((1 / 60 + 1 / 30) / 2)
    assert "alarm budget" in second[1]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--alarms", "1/30d"), "--budget"),
        (("--budget", "b.json", "--alarms", "often"), "1/30d"),
        (("--budget", "b.json", "--rows"), "--rows"),
        (("--budget", "b.json", "--alpha", "0.05"), "alpha"),
        (("--budget", "b.json", "--preset", "classic"), "classic"),
        (("--budget", "b.json", "--now", "yesterday"), "--now"),
    ],
)
def test_a_budget_that_contradicts_the_other_options_is_refused_and_nothing_is_written(here, capsys, options, word):
    code, _, err = run(capsys, "then.parquet", "same.parquet", *options)

    assert code == 2
    assert word in err
    assert not Path("b.json").exists()


def test_a_file_that_is_no_budget_is_refused_and_left_as_it_is(here, capsys):
    Path("b.json").write_text('{"budget": {"procedure": "spending"}}')

    code, _, err = run(capsys, "then.parquet", "same.parquet", "--budget", "b.json")

    assert code == 2
    assert "b.json" in err
    assert Path("b.json").read_text() == '{"budget": {"procedure": "spending"}}'
