"""`assay faults` as a shell sees it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import pytest

from assay.cli import main
from assay.testing.faults.table import OPERATORS

FEW = ("--operator", "unit_change", "--operator", "nulls", "--seeds", "1")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    pl.DataFrame(
        {"age": [20 + i % 50 for i in range(300)], "churned": [i % 50 > 30 for i in range(300)]}
    ).write_parquet("p.parquet")
    (tmp_path / "suite.yaml").write_text("columns: {age: {between: [18, 80]}}", encoding="utf-8")
    (tmp_path / "judge.py").write_text(
        "import sys, polars\nassert polars.read_parquet(sys.argv[1])['age'].is_between(18, 80).all()\n",
        encoding="utf-8",
    )
    (tmp_path / "test_people.py").write_text(
        "import polars, pytest\n\n@pytest.fixture\ndef people():\n    return polars.read_parquet('p.parquet')\n\n"
        "def test_age(people):\n    assert people['age'].is_between(18, 80).all()\n",
        encoding="utf-8",
    )
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["faults", *arguments])
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


def caught(out: str) -> dict[str, str]:
    table = next(each["columns"] for each in json.loads(out)["exhibits"] if each["name"] == "faults")
    return dict(zip(table["operator"], table["caught"], strict=True))


def test_a_suite_is_tried(here: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(capsys, "p.parquet", "--suite", "suite.yaml", "--column", "age", *FEW, "--format", "json")

    assert code == 0
    assert caught(out)["unit_change"] == "check"


def test_a_command_is_tried(here: Path, capsys: pytest.CaptureFixture[str]):
    command = f"{sys.executable} judge.py {{data}}"
    code, out, _ = run(
        capsys,
        "p.parquet",
        "--command",
        command,
        "--column",
        "age",
        *FEW,
        "--clean",
        "1",
        "--no-advice",
        "--format",
        "json",
    )

    assert code == 0
    assert caught(out) == {"unit_change": "assertion", "nulls": "survived"} or caught(out)["unit_change"] == "assertion"


def test_tests_are_tried(here: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(
        capsys, "--pytest", "test_people.py", "--fixture", "people", "--column", "age", *FEW, "--format", "json"
    )

    assert code == 0
    assert caught(out)["unit_change"] == "assertion"


def test_a_run_ends_at_the_first_test_that_catches_the_fault_where_it_may(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    (here / "test_people.py").write_text(
        (here / "test_people.py").read_text(encoding="utf-8")
        + "\ndef test_later(people):\n    assert people['age'].max() < 80\n",
        encoding="utf-8",
    )
    told = (
        "--pytest",
        "test_people.py",
        "--fixture",
        "people",
        "--column",
        "age",
        *FEW,
        "--no-advice",
        "--format",
        "json",
    )

    whole, first = (json.loads(run(capsys, *told, *more)[1]) for more in ((), ("--first-only",)))

    kills = [
        {name: n for name, n in zip(t["check"], t["kills"], strict=True) if n}
        for t in (
            next(e["columns"] for e in found["exhibits"] if e["name"] == "fault_killers") for found in (whole, first)
        )
    ]
    assert [len(one) for one in kills] == [2, 1]


def test_a_share_that_is_asked_for_is_a_gate(here: Path, capsys: pytest.CaptureFixture[str]):
    told = ("p.parquet", "--suite", "suite.yaml", "--column", "age", *FEW, "--no-advice")

    assert run(capsys, *told, "--at-least", "0.9")[0] == 1
    assert run(capsys, *told, "--at-least", "0.1")[0] == 0


def test_harmless_faults_are_set_apart_where_a_model_is_given(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(str(here))
    (here / "rule.py").write_text("def said(frame):\n    return frame['age'] > 50\n", encoding="utf-8")
    told = (
        "p.parquet",
        "--suite",
        "suite.yaml",
        "--label",
        "churned",
        "--no-advice",
        "--seeds",
        "1",
        "--format",
        "json",
    )
    model = ("--model", "rule:said", "--task", "binary", "--trust")

    _, out, _ = run(capsys, *told, *model, "--operator", "unit_change", "--operator", "sentinel", "--column", "age")

    table = next(each["columns"] for each in json.loads(out)["exhibits"] if each["name"] == "faults")
    harm = dict(zip(table["operator"], table["harm"], strict=True))
    assert harm["unit_change"] > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("p.parquet",), "nothing is given that must notice"),
        (
            ("p.parquet", "--suite", "suite.yaml", "--command", "x {data}"),
            "more than one thing is given that must notice",
        ),
        (("--suite", "suite.yaml"), "there is no data to put a fault into"),
        (("--pytest", "test_people.py"), "--pytest needs to know where the fault goes"),
        (("p.parquet", "--suite", "suite.yaml", "--fixture", "people"), "are about tests"),
        (("p.parquet", "--pytest", "x", "--fixture", "people"), "leave DATA out"),
        (("p.parquet", "--suite", "suite.yaml", "--first-only"), "--first-only is about tests"),
        (("p.parquet", "--suite", "suite.yaml", "--trust"), "--task and --trust are about a model"),
        (("p.parquet", "--suite", "suite.yaml", "--model", "m.onnx"), "--model needs to know what it predicts"),
        (("p.parquet", "--suite", "suite.yaml", "--operator", "nuls"), "did you mean 'nulls'"),
        (("p.parquet", "--suite", "suite.yaml", "--column", "agee"), "did you mean 'age'"),
        (("nowhere.parquet", "--drift"), "nowhere.parquet"),
        (("p.parquet", "--command", "python judge.py"), "is given no data"),
        (("p.parquet", "--suite", "suite.yaml", "-o", "x.pdf"), "x.pdf"),
        (("--pytest", "test_people.py", "--fixture", "nobody"), "no test uses a fixture 'nobody'"),
    ],
)
def test_wrong_usage_is_one_sentence_and_code_2(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
):
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("assay: ")
    assert len(err.splitlines()) == 1


def test_a_command_that_rejects_clean_data_is_refused(here: Path, capsys: pytest.CaptureFixture[str]):
    code, _, err = run(
        capsys, "p.parquet", "--command", f"{sys.executable} -c 'raise SystemExit(1)' {{data}}", "--clean", "2"
    )

    assert code == 2
    assert "the command rejects clean data" in err


def test_the_operators_are_listed(capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(capsys, "--list")

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(OPERATORS)


def test_the_page_of_operators_is_what_the_table_says(capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(capsys, "--list", "--format", "markdown")

    page = Path(__file__).resolve().parents[2] / "docs" / "operators.md"
    assert code == 0
    assert page.read_text(encoding="utf-8") == out, "run: assay faults --list --format markdown > docs/operators.md"
    assert all(f"| `{name}` |" in out for name in OPERATORS)
