"""`assay score` as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.cli import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "ml-test-score"
    folder.mkdir()
    (folder / "M1.md").write_text("---\ntest: M1\ndate: 2026-01-10\n---\nReviewed.\n", encoding="utf-8")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["score", *arguments])
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


def test_the_score_is_shown_with_the_next_step(here: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(capsys, ".", "--by-hand-days", "36500")

    assert code == 0
    assert "0 of 7" in out
    assert "M1" in out
    assert "assay suggest REFERENCE" in " ".join(out.split())


def test_the_page_and_the_badge_are_written(here: Path, capsys: pytest.CaptureFixture[str]):
    code, _, err = run(capsys, ".", "--by-hand-days", "36500", "--badge", "b.svg", "-o", "score.html")

    assert code == 0
    assert "wrote score.html" in err
    assert (here / "b.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "M1" in (here / "score.html").read_text(encoding="utf-8")


def test_the_markdown_page_names_all_28_tests(here: Path, capsys: pytest.CaptureFixture[str]):
    _, out, _ = run(capsys, ".", "--by-hand-days", "36500", "--format", "markdown")

    assert all(f"{letter}{n}" in out for letter in "DMIO" for n in range(1, 8))


def test_a_score_that_is_asked_for_is_a_gate(here: Path, capsys: pytest.CaptureFixture[str]):
    assert run(capsys, ".", "--by-hand-days", "36500", "--at-least", "1")[0] == 1


def test_an_empty_folder_could_not_be_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(capsys, str(tmp_path), "--format", "json")

    assert code == 3
    assert json.loads(out)["outcomes"][0]["verdict"] == "inconclusive"


def test_wrong_usage_is_refused(here: Path, capsys: pytest.CaptureFixture[str]):
    code, _, err = run(capsys, "nowhere")
    assert (code, "there is no folder 'nowhere'" in err) == (2, True)
    code, _, err = run(capsys, ".", "--badge", "b.png")
    assert (code, "name it x.svg" in err) == (2, True)
