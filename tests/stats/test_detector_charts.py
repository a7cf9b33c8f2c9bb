"""Charts against published examples, sums by hand, and the run lengths in the tables of textbooks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from assay.errors import DataError
from assay.stats.detectors.charts import Chart, Cusum, Ewma, Shewhart
from assay.stats.detectors.detector import Zone
from assay.stats.detectors.run_length import average_run_length, with_run_length
from assay.stats.detectors.table import DETECTORS, learn, make

# Montgomery, Introduction to Statistical Quality Control, table 9.1: 20 values from N(10, 1), then 10 from N(11, 1).
MONTGOMERY = [
    9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08,
    9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
]  # fmt: skip


def test_the_cumulative_sum_of_the_textbook_signals_at_value_29():
    detector = make("cusum", baseline=10.0, spread=1.0)

    alarms = detector.feed(MONTGOMERY)

    assert alarms.first == 28  # the first is 0
    assert alarms.warnings.tolist() == [27]


def test_the_cumulative_sums_of_the_textbook_are_those_printed():
    detector = make("cusum", baseline=10.0, spread=1.0)

    detector.feed(MONTGOMERY[:28])

    assert detector.state()["memory"] == pytest.approx({"up": 4.47, "down": 0.0}, abs=5e-3)
    assert detector.feed(MONTGOMERY[28:29]).drifts.tolist() == [28]  # 4.47 + 1.31 - 0.5 = 5.28


def test_the_moving_average_of_the_textbook_passes_its_limit_at_value_29():
    """Montgomery, example 9.2: λ = 0.1 and L = 2.7, so that the limit is 10 + 2.7·√(0.1/1.9) = 10.62."""
    detector = make("ewma", baseline=10.0, spread=1.0, weight=0.1, limit=2.7, warning_limit=2.7)

    averages = []
    for x in MONTGOMERY[:28]:
        detector.update(x)
        averages.append(10 + detector.state()["memory"]["average"])

    assert averages[:3] == pytest.approx([9.945, 9.7495, 9.70355])
    assert averages[27] == pytest.approx(10.5731, abs=5e-5)
    assert detector.update(MONTGOMERY[28]) is Zone.DRIFT  # 10.5731 + 0.1·(11.31 - 10.5731) = 10.6468


def test_the_sum_starts_at_nothing_after_a_drift():
    detector = make("cusum", baseline=0.0, spread=1.0, limit=2.0, warning_limit=2.0)

    # 1.5, then 3.0 > 2: drift; then 1.5 again.
    assert [detector.update(2.0).value for _ in range(4)] == ["stable", "drift", "stable", "drift"]


def test_the_sum_of_each_side_is_kept_apart():
    detector = make("cusum", baseline=0.0, spread=1.0)

    detector.feed([2.0, -3.0])

    # Up: 1.5, then max(0, 1.5 - 3.5) = 0. Down: 0, then 2.5.
    assert detector.state()["memory"] == {"up": 0.0, "down": 2.5}


def test_a_single_value_exactly_on_the_limit_is_not_beyond_it():
    detector = make("shewhart", baseline=0.0, spread=1.0)

    assert [detector.update(x) for x in (2.0, 3.0, 3.0000001)] == [Zone.STABLE, Zone.WARNING, Zone.DRIFT]


@pytest.mark.parametrize("name", ["cusum", "ewma", "shewhart"])
@pytest.mark.parametrize(("direction", "up", "down"), [("up", 1, 0), ("down", 0, 1), ("both", 1, 1)])
def test_a_chart_watches_the_side_that_it_is_told(name: str, direction: str, up: int, down: int):
    found = [
        len(make(name, baseline=5.0, spread=0.5, direction=direction).feed([5.0] * 9 + [value]).drifts)
        for value in (13.0, -3.0)
    ]

    assert found == [up, down]


def test_a_chart_of_bits_has_the_spread_of_bits():
    """Of bits at 0.2, z is (1 - 0.2)/0.4 = 2 or -0.5: with k = 0.5 an error adds 1.5 and the rest takes 1."""
    detector = make("cusum", baseline=0.2)

    detector.feed([1, 1, 0, 1])

    assert detector.state()["memory"]["up"] == pytest.approx(1.5 + 1.5 - 1 + 1.5)


def test_a_chart_without_a_spread_takes_bits_only():
    with pytest.raises(DataError, match="takes bits, where 1 is an error"):
        make("cusum", baseline=0.2).update(0.5)


def test_the_sum_of_bits_is_that_of_the_likelihood_ratio():
    """Reynolds & Stoumbos 1999: with k = -ln((1 - p₁)/(1 - p₀)) / ln OR, in spreads, S·ln OR is the log likelihood ratio's."""
    p0, p1, spread = 0.1, 0.2, 0.3
    odds = math.log(p1 * (1 - p0) / (p0 * (1 - p1)))
    allowance = (-math.log((1 - p1) / (1 - p0)) / odds - p0) / spread
    errors = [0, 1, 1, 0, 0, 1, 0]
    detector = make("cusum", baseline=p0, allowance=allowance, direction="up", limit=50.0)

    detector.feed(errors)

    expected = 0.0
    for x in errors:
        expected = max(0.0, expected + math.log(p1 / p0 if x else (1 - p1) / (1 - p0)))
    assert detector.state()["memory"]["up"] * spread * odds == pytest.approx(expected)


# Run lengths, from tables.


def test_a_limit_of_three_spreads_is_passed_once_in_370_values():
    assert average_run_length(Shewhart(baseline=0.0, spread=1.0)) == pytest.approx(1 / (2 * scipy.stats.norm.sf(3)))
    # A shift of one spread: 1/(P(z > 2) + P(z < -4)) = 43.9.
    assert average_run_length(Shewhart(baseline=0.0, spread=1.0), shift=1.0) == pytest.approx(43.89, abs=0.01)
    assert average_run_length(Shewhart(baseline=7.0, spread=2.0, direction="up")) == pytest.approx(740.8, abs=0.1)


@pytest.mark.parametrize(
    ("limit", "shift", "expected"),
    [(4, 0, 168), (4, 0.5, 26.6), (4, 1, 8.38), (4, 2, 3.34), (5, 0, 465), (5, 0.5, 38.0), (5, 1, 10.4), (5, 2, 4.01)],
)
def test_the_run_lengths_of_cumulative_sums_are_those_of_the_table(limit: float, shift: float, expected: float):
    """Montgomery, table 9.3 (Lucas & Crosier 1982): k = 0.5, both sides."""
    chart = Cusum(baseline=0.0, spread=1.0, limit=limit, warning_limit=limit)

    assert average_run_length(chart, shift=shift) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("weight", "limit", "shift", "expected"),
    [(0.4, 3.054, 0, 500), (0.25, 2.998, 0, 500), (0.2, 2.962, 0, 500), (0.1, 2.814, 0, 500), (0.4, 3.054, 1, 14.3),
     (0.25, 2.998, 1, 11.1), (0.2, 2.962, 1, 10.5), (0.1, 2.814, 1, 10.3), (0.1, 2.814, 0.5, 31.3)],
)  # fmt: skip
def test_the_run_lengths_of_moving_averages_are_those_of_the_table(
    weight: float, limit: float, shift: float, expected: float
):
    """Montgomery, table 9.11 (Lucas & Saccucci 1990)."""
    chart = Ewma(baseline=0.0, spread=1.0, weight=weight, limit=limit)

    assert average_run_length(chart, shift=shift) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    "chart",
    [
        Cusum(baseline=0.0, spread=1.0),
        Cusum(baseline=0.0, spread=1.0, direction="down", limit=4.0),
        Ewma(baseline=0.0, spread=1.0),
        Ewma(baseline=0.0, spread=1.0, weight=0.05, direction="up", limit=2.5),
        Shewhart(baseline=0.0, spread=1.0, direction="up"),
        Cusum(baseline=0.1),
        Cusum(baseline=0.02, direction="up", limit=8.0),
        Cusum(baseline=0.137, direction="up", allowance=0.2, limit=12.0),
        Ewma(baseline=0.1),
        Ewma(baseline=0.3, direction="up", weight=0.05),
    ],
    ids=repr,
)
def test_a_chart_runs_as_long_as_is_reckoned(chart: Chart):
    rng = np.random.default_rng(30)
    bits = chart.spread is None
    values = (rng.random(400_000) < chart.baseline) * 1.0 if bits else rng.normal(size=400_000)
    entry = next(entry for entry in DETECTORS.values() if entry.options is type(chart))

    runs = np.diff(entry.make(chart).feed(values).drifts, prepend=-1)

    # Four standard errors, and of bits the few parts in a hundred that the docstring allows.
    allowed = 4 * runs.std() / math.sqrt(len(runs)) + (0.06 if bits else 0.01) * runs.mean()
    assert runs.mean() == pytest.approx(average_run_length(chart), abs=allowed)


def test_a_limit_out_of_reach_is_never_passed():
    # Of bits at 0.1 a zero lies a third of a spread below: less than the allowance.
    assert average_run_length(Cusum(baseline=0.1, direction="down")) == math.inf
    assert len(make("cusum", baseline=0.1, direction="down").feed(np.zeros(5000)).drifts) == 0


@pytest.mark.parametrize(
    "chart",
    [
        Cusum(baseline=0.0, spread=1.0),
        Ewma(baseline=5.0, spread=2.0),
        Cusum(baseline=0.1, direction="up"),
        Ewma(baseline=0.1),
    ],
)
def test_a_limit_is_found_for_a_run_length(chart: Chart):
    widened = with_run_length(chart, 2000)

    narrower = type(chart)(**{**_asdict(widened), "limit": widened.limit * 0.99, "warning_limit": widened.limit * 0.5})
    assert average_run_length(widened) >= 2000 > average_run_length(narrower)
    assert widened.limit / widened.warning_limit == pytest.approx(chart.limit / chart.warning_limit)


def _asdict(chart: Chart) -> dict[str, object]:
    return {name: getattr(chart, name) for name in chart.__struct_fields__}


def test_a_limit_for_three_in_a_thousand_is_three_spreads():
    assert with_run_length(Shewhart(baseline=0.0, spread=1.0), 370.4).limit == pytest.approx(3.0, rel=1e-3)


def test_a_run_length_that_can_not_be_had_is_refused():
    with pytest.raises(ValueError, match=r"average_run_length is 1; a limit is found for 2 to 1000000000 values"):
        with_run_length(Ewma(baseline=0.0, spread=1.0), 1)
    with pytest.raises(ValueError, match="the chart runs longer than that whatever its limit"):
        with_run_length(
            Cusum(baseline=0.1, direction="down"), 1000
        )  # a zero adds a third of a spread, less than it takes
    with pytest.raises(ValueError, match=r"a shift of 9 spreads makes the rate 2\.8.*; it lies in \[0, 1\]"):
        average_run_length(Ewma(baseline=0.1), shift=9)


# Learning.


@pytest.mark.parametrize("name", ["cusum", "ewma", "shewhart"])
def test_a_chart_learns_the_mean_and_the_spread_of_a_sample(name: str):
    sample = [1.0, 2.0, 3.0, 4.0]

    options = learn(name, sample, direction="up").options

    assert (options.baseline, options.direction) == (2.5, "up")
    assert options.spread == pytest.approx(np.std(sample, ddof=1))


def test_a_chart_of_bits_learns_their_rate():
    options = learn("cusum", [0, 0, 0, 1], limit=20.0).options

    assert (options.baseline, options.spread, options.limit) == (0.25, None, 20.0)


def test_a_chart_learns_the_limit_of_a_run_length():
    options = learn("ewma", np.random.default_rng(31).normal(3.0, 2.0, 5000), average_run_length=500).options

    assert options.limit == pytest.approx(2.962, abs=0.01)
    assert options.baseline == pytest.approx(3.0, abs=0.15)


@pytest.mark.parametrize("sample", [[], [1.0], [1.0, float("nan")], [[1.0, 2.0]]])
def test_a_chart_learns_from_two_finite_numbers_at_least(sample: list[float]):
    with pytest.raises(DataError, match="a chart learns its baseline from a sample of at least two finite numbers"):
        learn("cusum", sample)
