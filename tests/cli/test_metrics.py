"""`assay metrics` lists every metric and explains one."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.cli import main
from assay.evaluation.metrics.table import METRICS

ROOT = Path(__file__).resolve().parents[2]


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["metrics", *arguments])
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


def test_every_metric_is_listed(capsys):
    code, out, _ = run(capsys)

    assert code == 0
    assert [name for name in METRICS if f"  {name} " not in out] == []


def test_a_metric_is_explained_by_its_formula_range_and_interval(capsys):
    _, out, _ = run(capsys, "ndcg@5")

    assert "2^rel - 1" in out
    assert "0 to 1" in out
    assert "Burges et al. 2005" in out


def test_the_page_of_the_docs_is_what_the_command_prints(capsys):
    assert run(capsys, "--format", "markdown")[1] == (ROOT / "docs" / "metrics.md").read_text()


def test_an_unknown_metric_is_an_error_with_the_nearest(capsys):
    code, _, err = run(capsys, "recal")

    assert code == 2
    assert err == "assay: there is no metric 'recal'; did you mean 'recall'? `assay metrics` lists all\n"
