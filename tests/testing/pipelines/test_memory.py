"""The peak of memory of a fresh process, against a budget."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
import pytest

from assay.testing.explaining import explained
from assay.testing.pipelines import memory as module
from assay.testing.pipelines.child import Answer, peak_memory
from assay.testing.pipelines.memory import Peaks, memory
from assay.testing.pipelines.pipeline import pipeline
from assay.verdict import Verdict

ROWS = pl.DataFrame({"x": [1.0, 2.0]})
MIB = 1 << 20

needs_peak = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the peak")


def multiply(rows: pl.DataFrame) -> pl.DataFrame:
    np.ones(200 * MIB // 8).sum()
    return rows


@needs_peak
def test_a_step_that_takes_too_much_is_named_with_what_it_added():
    seen = memory(pipeline({"clean": lambda rows: rows, "multiply": multiply}, memory="128MiB"), ROWS, times=1)

    assert seen.verdict is Verdict.FAIL
    assert "the budget is 128 MiB" in seen.why
    steps = {example.values["step"]: example.values["more"] for example in seen.examples}
    assert int(steps["multiply"].split()[0].lstrip("+")) >= 190
    assert seen.observed is not None
    assert seen.observed.unit == "bytes"


@needs_peak
def test_a_path_within_its_budget_passes():
    seen = memory(pipeline({"clean": lambda rows: rows}, memory="4GiB"), ROWS, times=1)

    assert seen.verdict is Verdict.PASS
    assert "before the first step; the budget is 4,096 MiB" in seen.why


@needs_peak
def test_the_peak_is_that_of_this_process_and_never_falls():
    before = peak_memory()
    np.ones(4 * MIB).sum()
    after = peak_memory()

    assert before is not None
    assert after is not None
    assert after >= before > MIB


def told(monkeypatch: pytest.MonkeyPatch, *found: int | None) -> None:
    """Let the fresh processes have these peaks."""
    answers = iter([Answer(Peaks(50 * MIB, (("fit", peak),)), peak=peak) for peak in found])
    monkeypatch.setattr(module, "in_fresh_processes", lambda works, seconds: [next(answers)])


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((80 * MIB, 90 * MIB, 100 * MIB), Verdict.PASS),
        ((90 * MIB, 101 * MIB, 95 * MIB), Verdict.INCONCLUSIVE),
        ((110 * MIB, 101 * MIB, 120 * MIB), Verdict.FAIL),
        ((None, None, None), Verdict.INCONCLUSIVE),
    ],
)
def test_a_budget_is_judged_by_all_runs(
    found: tuple[int | None, ...], verdict: Verdict, monkeypatch: pytest.MonkeyPatch
):
    told(monkeypatch, *found)

    assert memory(pipeline({"fit": len}, memory="100MiB"), ROWS).verdict is verdict


def test_the_message_shows_each_step(monkeypatch: pytest.MonkeyPatch):
    told(monkeypatch, 120 * MIB)

    text = explained(memory(pipeline({"fit": len}, memory="100MiB"), ROWS, times=1))

    assert "120 MiB at the peak of 1 run (least 120 MiB), 50 MiB before the first step; the budget is 100 MiB" in text
    assert "fit  120 MiB  +70 MiB" in text


def test_a_path_that_does_not_run_is_an_error():
    seen = memory(pipeline({"fit": lambda rows: 1 / 0}, memory="100MiB"), ROWS, times=1)

    assert seen.verdict is Verdict.ERROR
    assert "ZeroDivisionError" in seen.why
