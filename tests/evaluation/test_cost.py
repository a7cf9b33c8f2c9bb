"""What a model costs, by a clock and a meter that the tests hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pytest
from scipy import stats

from assay.evaluation.behaviour.cost import CostSettings, Memory, cost, cost_of, memory_of, quantile
from assay.evaluation.models.model import Output, Size
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Trial
from assay.stats.resampling import resamples
from assay.verdict import Verdict

FRAME = pl.DataFrame({"x": np.arange(50.0), "y": np.arange(50)})


@dataclass
class Clock:
    """A clock that stands still but for what a model takes."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Timed:
    """A model that takes a second for each row, or what `takes` says of the nth call, and says nothing of its size."""

    clock: Clock
    takes: Callable[[int, int], float] = lambda call, rows: float(rows)
    features: tuple[str, ...] = ("x",)
    name: str = "timed"
    kind: str = "fake"
    rows: list[int] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)

    def predict(self, frame: pl.DataFrame) -> Output:
        self.clock.now += self.takes(len(self.rows), frame.height)
        self.rows.append(frame.height)
        self.columns = frame.columns
        return Output(np.zeros(frame.height))


class Known(Timed):
    """A model that knows how large it is."""

    def size(self) -> Size:
        return Size(1234, "the file")


def meter(work: Callable[[], object]) -> Memory:
    work()
    return Memory(5_000, "peak of a fake meter")


def measured(model: Timed, **told: object) -> dict:
    settings = CostSettings(**{"budget": "1h", "rows": 100, "warm_up": 5, **told})
    rng = np.random.default_rng(1)
    return cost_of(model, FRAME, settings, rng=rng, timer=model.clock, meter=meter)


def a_trial(model: object) -> Trial:
    rng = np.random.default_rng(1)
    rows = Predictions("regression", FRAME["x"].to_numpy(), FRAME["x"].to_numpy(), frame=FRAME, features=("x",))
    return Trial(rows, resamples(50, rng=rng, replicates=10), ("mae",), rng, model=model)


def judged(model: Timed, **bounds: object) -> dict:
    settings = CostSettings(budget="1h", rows=400, warm_up=2, **bounds)
    part = cost(a_trial(model), settings, timer=model.clock, meter=meter)
    return {outcome.subject: outcome for outcome in part.outcomes}


def test_the_latency_of_a_row_is_that_of_calls_with_one_row():
    times: Iterator[float] = iter(range(1, 101))  # 1 to 100 seconds, after the meter's call and 5 that are dropped
    model = Timed(Clock(), takes=lambda call, rows: 1e6 if call < 6 else float(next(times)) if call < 106 else 1.0)

    found = measured(model, batches=(), budget="10000h")

    assert found["latency p50"].value == 50_000  # the 50th of 100, in milliseconds
    assert found["latency p95"].value == 95_000
    assert found["latency p99"].value == 99_000
    assert model.rows == [1] * 106


@pytest.mark.parametrize(("n", "p"), [(20, 0.5), (100, 0.5), (100, 0.95), (400, 0.95), (400, 0.99)])
def test_the_ends_of_a_quantile_are_the_ranks_of_the_binomial(n: int, p: float):
    found = quantile(range(1, n + 1), p)  # each value is its rank

    binomial = stats.binom(n, p)
    assert binomial.cdf(found.low - 1) <= 0.025 < binomial.cdf(found.low)
    assert binomial.sf(found.high - 1) <= 0.025
    assert found.high == found.low + 1 or binomial.sf(found.high - 2) > 0.025


def test_the_interval_of_a_quantile_covers_it(rng: np.random.Generator):
    truth = -np.log(0.05)  # the 95th centile of an exponential
    hits = 0
    for _ in range(1000):
        found = quantile(rng.exponential(size=200).tolist(), 0.95)
        hits += found.low <= truth <= found.high

    assert hits >= stats.binom(1000, 0.95).ppf(0.001)  # it covers at least at 0.95


def test_a_quantile_that_few_values_do_not_bound_says_how_many_would():
    found = quantile(range(1, 51), 0.99)

    assert (found.value, found.high) == (50, None)
    assert found.why == "50 values do not bound it on both sides, 368 do"  # 0.99^368 = 0.0248
    assert quantile(range(368), 0.99).high is not None
    assert quantile(range(367), 0.99).high is None


def test_no_values_have_no_quantile():
    found = quantile([], 0.5)

    assert (found.value, found.why) == (None, "no call was timed within the budget")


def test_a_batch_has_its_time_and_the_rows_per_second_that_follow():
    found = measured(Timed(Clock(), takes=lambda call, rows: 0.5 + rows / 64), batches=(32,))

    assert found["batch of 32"].value == pytest.approx(1_000)
    assert found["rows per second at 32"].value == pytest.approx(32)
    assert found["rows per second at 32"].low == pytest.approx(32)


def test_batches_may_be_larger_than_the_data():
    model = Timed(Clock(), takes=lambda call, rows: 0.001)

    measured(model, batches=(1, 120))

    assert model.rows[0] == 120  # memory is measured first
    assert model.rows[-8:] == [120] * 8  # 7 repeats after one that is dropped


def test_calls_end_with_the_budget_and_one_is_always_timed():
    slow = Timed(Clock(), takes=lambda call, rows: 60.0)

    found = measured(slow, batches=(1,), budget="90s")

    assert found["latency p95"].n == 1
    assert len(slow.rows) < 8


def test_only_the_models_columns_are_fed():
    model = Timed(Clock())

    found = measured(model, batches=())

    assert model.columns == ["x"]
    assert found["features"].value == 1


def test_a_model_that_does_not_know_its_size_says_so():
    assert measured(Timed(Clock()))["model size"].why == "the fake model does not say how large it is"


def test_size_and_memory_are_known_with_certainty():
    found = measured(Known(Clock()))

    assert (found["model size"].value, found["model size"].method) == (1234, "the file")
    assert (found["memory"].value, found["memory"].unit, found["memory"].method) == (
        5_000,
        "bytes",
        "peak of a fake meter",
    )


def test_without_bounds_nothing_is_judged():
    found = judged(Known(Clock()))

    assert {outcome.verdict for outcome in found.values()} == {Verdict.SKIP}
    assert list(found) == ["latency", "size", "memory"]


def test_a_latency_is_judged_by_its_whole_interval():
    steady = Known(Clock(), takes=lambda call, rows: 0.010)
    uneven = Known(Clock(), takes=lambda call, rows: 0.5 if call % 20 == 0 else 0.010)  # one call in 20: at p95 itself

    assert judged(steady, latency_at_most="20ms")["latency"].verdict is Verdict.PASS
    assert judged(steady, latency_at_most="5ms")["latency"].verdict is Verdict.FAIL
    assert judged(uneven, latency_at_most="20ms")["latency"].verdict is Verdict.INCONCLUSIVE


def test_size_and_memory_are_judged():
    found = judged(Known(Clock()), size_at_most=1_000, memory_at_most=5_000)

    assert (found["size"].verdict, found["memory"].verdict) == (Verdict.FAIL, Verdict.PASS)
    assert found["size"].expected == "at most 1,000 bytes"
    assert found["size"].id == "cost.size"


def test_a_bound_on_an_unknown_size_is_inconclusive():
    found = judged(Timed(Clock()), size_at_most=1_000)

    assert found["size"].verdict is Verdict.INCONCLUSIVE
    assert "does not say how large it is" in found["size"].why


def test_predictions_without_a_model_have_no_cost():
    assert cost(a_trial(None), CostSettings()).outcomes == ()

    found = cost(a_trial(None), CostSettings(latency_at_most="5ms"))

    assert [(o.verdict, o.why) for o in found.outcomes] == [
        (Verdict.INCONCLUSIVE, "there is no model to measure, only its predictions")
    ]


def test_the_exhibit_has_a_row_for_each_measure_and_says_how():
    model = Known(Clock())
    part = cost(a_trial(model), CostSettings(budget="1h", batches=(1, 32)), timer=model.clock, meter=meter)

    exhibit = part.exhibits[0]

    assert exhibit.name == "cost"
    assert list(exhibit.columns) == ["measure", "value", "low", "high", "unit"]
    assert exhibit.columns["measure"][:4] == ("latency p50", "latency p95", "latency p99", "batch of 1")
    assert exhibit.columns["unit"][-3:] == ("bytes", "bytes", "")
    assert (
        "The size is of the file. Memory is the peak of a fake meter, in the first call with 32 rows." in exhibit.note
    )


def test_no_rows_have_no_latency():
    empty = FRAME.clear()

    found = cost_of(Timed(Clock()), empty, CostSettings(), rng=np.random.default_rng(1))

    assert found["latency p95"].why == "there are no rows to time"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"rows": 0}, "rows is 0; it is at least 1"),
        ({"batches": (0,)}, r"batches are \[0\]; a batch holds at least 1 row"),
        ({"latency_at_most": "fast"}, "fast"),
        ({"budget": ""}, "budget is empty"),
    ],
)
def test_settings_that_make_no_sense_are_refused(told: dict, message: str):
    with pytest.raises(ValueError, match=message):
        CostSettings(**told)


def test_the_memory_of_an_array_is_seen():
    found = memory_of(lambda: np.ones(8_000_000).sum())  # 64 MB

    assert 0.9 * 64e6 <= found.bytes <= 2 * 64e6


def test_where_the_system_does_not_tell_python_counts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("assay.evaluation.behaviour.cost._resident", lambda *, reset: None)

    found = memory_of(lambda: np.ones(1_000_000).sum())

    assert found.how == "peak of Python's allocations"
    assert 8e6 <= found.bytes <= 9e6
