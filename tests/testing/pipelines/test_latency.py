"""Latency: judged by whole intervals on a clock that the tests turn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.testing.explaining import explained
from assay.testing.pipelines import latency as module
from assay.testing.pipelines.latency import Clock, Machine, Pace, calls_needed, latency, reference_workload
from assay.testing.pipelines.pipeline import Pipeline, pipeline
from assay.testing.pipelines.service import service
from assay.verdict import Verdict

ROWS = pl.DataFrame({"x": [1.0, 2.0, 3.0]})


class Hands:
    """A clock whose time passes only where work is done: `work` seconds of it, of which `own` were spent at work."""

    def __init__(self) -> None:
        self.now = 0.0
        self.own = 0.0

    def pass_by(self, seconds: float, *, own: float | None = None) -> None:
        self.now += seconds
        self.own += seconds if own is None else own

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.own)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """Return a clock by which the reference workload takes a millisecond; no other workers are there."""
    made = Hands()
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    monkeypatch.setattr(module, "reference_workload", lambda: made.pass_by(0.001))
    return made


def timed(hands: Hands, spans: list[float], **declared: Any) -> Pipeline:
    """Return a pipeline whose model takes these seconds, one after the other."""
    told: Iterator[float] = cycle(spans)

    def predict(model: object, rows: pl.DataFrame) -> Any:
        hands.pass_by(next(told))
        return rows["x"]

    return pipeline({"fit": lambda rows: "model"}, inputs=ROWS, predict=predict, **declared)


def test_calls_that_all_take_less_pass_with_the_interval(hands: Hands):
    seen = latency(timed(hands, [0.010], latency={"p99": "20ms"}), ROWS, clock=hands.clock)

    assert seen.verdict is Verdict.PASS
    assert (
        seen.why == "p99 of 404 calls of 1 row is 10 ms [10, 10]; the budget is 20 ms; the reference workload took 1 ms"
    )
    assert seen.observed is not None
    assert seen.observed.n == 404


def test_calls_that_all_take_more_fail_with_a_row_for_each_quantile(hands: Hands):
    subject = timed(hands, [0.030], latency={"p50": "40ms", "p95": "20ms"})

    seen = latency(subject, ROWS, clock=hands.clock)

    assert seen.verdict is Verdict.FAIL
    assert "p95 of 200 calls of 1 row is 30 ms [30, 30]; the budget is 20 ms" in seen.why
    assert [(e.values["quantile"], e.values["budget"], e.why) for e in seen.examples] == [
        ("p50", 40.0, "pass"),
        ("p95", 20.0, "fail"),
    ]


def test_a_rare_stall_breaks_p99_and_no_mean(hands: Hands):
    spans = [0.001] * 19 + [0.200]  # one call in twenty: the mean is 11 ms

    assert latency(timed(hands, spans, latency={"p99": "50ms"}), ROWS, clock=hands.clock).verdict is Verdict.FAIL
    assert latency(timed(hands, spans, latency={"p50": "50ms"}), ROWS, clock=hands.clock).verdict is Verdict.PASS


def test_an_interval_on_both_sides_of_the_budget_is_inconclusive(hands: Hands):
    # a twentieth of the calls is slow: p95 lies between both
    seen = latency(timed(hands, [0.010] * 19 + [0.030], latency={"p95": "20ms"}), ROWS, clock=hands.clock)

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert "the interval lies on both sides of the budget" in seen.why
    assert "Pace(calls=800" in seen.note


def test_too_few_calls_for_p99_are_inconclusive_and_say_how_many_it_takes(hands: Hands):
    seen = latency(timed(hands, [0.010], latency={"p99": "20ms"}), ROWS, pace=Pace(calls=100), clock=hands.clock)

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert "100 values do not bound it on both sides, 368 do" in seen.why


def test_slow_calls_on_a_busy_machine_are_not_held_against_the_code(hands: Hands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "reference_workload", lambda: hands.pass_by(0.001, own=0.0006))

    slow = latency(timed(hands, [0.030], latency="20ms"), ROWS, clock=hands.clock)
    fast = latency(timed(hands, [0.010], latency="20ms"), ROWS, clock=hands.clock)

    assert slow.verdict is Verdict.INCONCLUSIVE
    assert "not measured, the machine was at other work for 40% of the reference workload's time" in slow.why
    assert fast.verdict is Verdict.PASS  # what is fast enough under load is fast enough


def test_slow_calls_beside_other_workers_are_not_held_against_the_code(hands: Hands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")

    seen = latency(timed(hands, [0.030], latency="20ms"), ROWS, clock=hands.clock)

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert "4 workers of a test run share the machine" in seen.why


def test_budgets_grow_with_how_slow_this_machine_is(hands: Hands):
    # the budget is for a machine that does the reference workload in 0.5 ms; this one takes 1 ms
    subject = timed(hands, [0.030], latency="20ms", machine="500us")

    seen = latency(subject, ROWS, clock=hands.clock)

    assert seen.verdict is Verdict.PASS
    assert "the budget is 40 ms (2.00 times what was declared, as this machine is)" in seen.why


def test_warm_up_is_not_timed(hands: Hands):
    spans = [5.0] * 20 + [0.001] * 10_000

    assert (
        latency(timed(hands, spans, latency="20ms"), ROWS, clock=hands.clock, pace=Pace(seconds=1_000)).verdict
        is Verdict.PASS
    )


def test_no_more_calls_begin_once_the_time_is_over(hands: Hands):
    seen = latency(timed(hands, [1.0], latency="20ms"), ROWS, clock=hands.clock, pace=Pace(warm_up=0, seconds=10.0))

    assert seen.n_rows == 10
    assert seen.verdict is Verdict.FAIL  # ten calls do not bound p95 from above, and do from below


def test_requests_go_through_the_service_where_there_is_one(hands: Hands):
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        hands.pass_by(0.030)
        return {"predictions": [row["x"] for row in body["instances"]]}

    subject = timed(hands, [0.001], latency="20ms", serve=service(answer))

    assert latency(subject, ROWS, clock=hands.clock).verdict is Verdict.FAIL
    assert latency(subject, ROWS, clock=hands.clock, through="predict").verdict is Verdict.PASS


def test_a_service_that_refuses_is_an_error_not_a_fast_one(hands: Hands):
    subject = timed(hands, [0.001], latency="20ms", serve=service(lambda body: (503, {"error": "loading"})))

    seen = latency(subject, ROWS, clock=hands.clock)

    assert seen.verdict is Verdict.ERROR
    assert "it answered 503" in seen.why


def test_several_rows_are_asked_at_once(hands: Hands):
    asked: list[int] = []

    def predict(model: object, rows: pl.DataFrame) -> Any:
        asked.append(rows.height)
        return rows["x"]

    subject = pipeline({"fit": len}, inputs=ROWS, predict=predict, latency="20ms")

    seen = latency(subject, ROWS, rows=16, clock=hands.clock)

    assert set(asked) == {16}
    assert "calls of 16 rows" in seen.why


@pytest.mark.parametrize(("share", "n"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368), (0.999, 3_688)])
def test_as_many_calls_as_a_quantile_needs_bound_it_and_no_fewer(share: float, n: int):
    assert calls_needed(share) == n
    assert max(share**n, (1 - share) ** n) <= 0.025 < max(share ** (n - 1), (1 - share) ** (n - 1))


def test_the_interval_covers_the_quantile_as_often_as_it_says(hands: Hands, rng: np.random.Generator):
    from assay.evaluation.behaviour.cost import quantile

    times = rng.exponential(1.0, size=(400, 404))
    truth = -np.log(0.01)
    inside = sum(e.low <= truth <= e.high for e in (quantile(row, 0.99) for row in times) if e.low and e.high)

    assert inside >= 370  # at least 95 % of 400, less three standard deviations of 4.4


def test_a_machine_is_busy_by_other_work_or_by_slow_runs():
    assert Machine(0.001, 0.0015, 0.02).busy == ""
    assert "other work for 30%" in Machine(0.001, 0.0015, 0.3).busy
    assert "3.0 times its median" in Machine(0.001, 0.003, 0.0).busy


def test_the_reference_workload_does_the_same_each_time():
    assert reference_workload() == reference_workload() > 0


def test_the_message_names_the_quantile_the_budget_and_the_machine(hands: Hands):
    text = explained(latency(timed(hands, [0.030], latency="20ms"), ROWS, clock=hands.clock))

    assert "quantile    ms   low  high  budget" in text
    assert "shows no busy machine" in text
