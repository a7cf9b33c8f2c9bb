from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import UsageError
from assay.reports import FORMATS, SUFFIXES, findings_page, render, write
from reports.samples import FLIGHTS


def test_every_suffix_names_a_format():
    assert set(SUFFIXES.values()) == set(FORMATS)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_gets_the_format_of_its_suffix(tmp_path: Path, suffix: str):
    path = tmp_path / f"report{suffix}"

    write(FLIGHTS, path)

    assert path.read_text(encoding="utf-8") == render(FLIGHTS, SUFFIXES[suffix])


def test_a_named_format_wins_over_the_suffix(tmp_path: Path):
    write(FLIGHTS, tmp_path / "comment.txt", format="markdown")

    assert (tmp_path / "comment.txt").read_text(encoding="utf-8").startswith("## 💥")


def test_a_page_renders_as_its_findings_do():
    page = findings_page(FLIGHTS)

    assert [render(page, name) for name in ("text", "markdown", "html")] == [
        render(FLIGHTS, name) for name in ("text", "markdown", "html")
    ]


def test_an_unknown_format_names_those_there_are():
    with pytest.raises(
        UsageError,
        match=r"there is no format 'htm'; did you mean 'html'\? [Tt]here are: text, json, markdown, html, junit",
    ):
        render(FLIGHTS, "htm")


def test_an_unknown_suffix_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(UsageError, match=r"the suffix '\.pdf' says no format; end the name with one of \.txt, \.json"):
        write(FLIGHTS, tmp_path / "report.pdf")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_made(tmp_path: Path):
    write(FLIGHTS, tmp_path / "new" / "report.html")

    assert (tmp_path / "new" / "report.html").is_file()
