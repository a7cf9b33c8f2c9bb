"""The e-detector against its definition, and its promise: how long it runs on clean streams, whatever they hold."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import DataError
from assay.stats.detectors.detector import Zone
from assay.stats.detectors.edetector import Esr, EsrDetector, learn, mean_bound
from assay.stats.detectors.streams import Phase, bits, scores, step, sticky_bits
from assay.stats.detectors.table import make

DIRECTIONS = ["up", "down", "both"]


def first_alarms(options: Esr, values: np.ndarray) -> list[int]:
    """Return the first alarm (how many values it took) on each row of values, or one more than there are."""
    alarms = [EsrDetector(options).feed(row).first for row in values]
    return [values.shape[1] + 1 if place is None else place + 1 for place in alarms]


def run_lengths(options: Esr, values: np.ndarray) -> np.ndarray:
    """Return how many values there were up to each alarm: it starts afresh after each, so that they are independent."""
    return np.diff(EsrDetector(options).feed(values).drifts, prepend=-1)


# What it computes.


def test_of_bits_each_bet_is_a_likelihood_ratio():
    # Baseline 0.1, and the boldest bet f = 0.5: p₁ = 0.1 + 0.5·0.9 = 0.55.
    detector = EsrDetector(Esr(baseline=0.1))

    of_an_error, of_none = detector.factors(1.0)[-1], detector.factors(0.0)[-1]

    assert of_an_error == pytest.approx(0.55 / 0.1)
    assert of_none == pytest.approx((1 - 0.55) / (1 - 0.1))


@given(
    baseline=st.floats(0.001, 0.999),
    ends=st.tuples(st.floats(-100, 100), st.floats(0.1, 1000)),
    direction=st.sampled_from(DIRECTIONS),
    target=st.floats(2, 1e12),
    spread=st.one_of(st.none(), st.floats(1e-6, 1e4)),
)
def test_no_bet_gains_where_the_mean_is_the_baseline_and_none_loses_more_than_it_has(
    baseline: float, ends: tuple[float, float], direction: str, target: float, spread: float | None
):
    low, high = ends[0], ends[0] + ends[1]
    options = Esr(
        baseline=low + baseline * (high - low), low=low, high=high, direction=direction, average_run_length=target,
        spread=spread,
    )  # fmt: skip
    detector = EsrDetector(options)

    at_low, at_high = detector.factors(low), detector.factors(high)

    # A factor is a line in x, so its mean over any distribution is its value at the mean.
    share = (options.baseline - low) / (high - low)
    np.testing.assert_allclose(at_low + share * (at_high - at_low), 1.0, rtol=1e-9)
    assert (at_low > 0).all()
    assert (at_high > 0).all()
    assert {bool(x) for x in at_high > at_low} <= {"up": {True}, "down": {False}, "both": {True, False}}[direction]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_evidence_is_the_mean_over_bets_of_all_products_that_end_now(direction: str):
    values = np.random.default_rng(1).random(40)
    detector = EsrDetector(Esr(baseline=0.5, direction=direction, average_run_length=1e9))
    factors = np.array([detector.factors(x) for x in values])

    for x in values:
        detector.update(x)

    by_definition = sum(np.prod(factors[start:], axis=0) for start in range(40)).mean()
    assert detector.evidence == pytest.approx(by_definition, rel=1e-12)


@pytest.mark.parametrize("n", [1, 31, 32, 255, 256, 257, 1000])
def test_blocks_give_the_evidence_of_single_steps(n: int):
    values = np.random.default_rng(2).beta(2, 8, n)
    one, other = (make("esr", baseline=0.25, direction="both", average_run_length=1e12) for _ in range(2))

    one.feed(values)
    for x in values:
        other.update(x)

    assert one.state()["memory"]["sums"] == pytest.approx(other.state()["memory"]["sums"], rel=1e-11)


@given(st.lists(st.floats(0, 1), max_size=600), st.floats(0.05, 0.95), st.sampled_from(DIRECTIONS))
def test_blocks_and_single_steps_alarm_at_the_same_values(values: list[float], baseline: float, direction: str):
    one, other = (make("esr", baseline=baseline, direction=direction, average_run_length=50) for _ in range(2))

    alarms = one.feed(values)

    zones = [other.update(x) for x in values]
    assert alarms.drifts.tolist() == [i for i, zone in enumerate(zones) if zone is Zone.DRIFT]
    assert alarms.warnings.tolist() == [i for i, zone in enumerate(zones) if zone is Zone.WARNING]


@pytest.mark.parametrize("x", [0.0, 1.0])
@pytest.mark.parametrize("baseline", [1e-9, 0.5, 1 - 1e-9])
def test_evidence_beyond_all_floats_fires_and_does_not_overflow(baseline: float, x: float):
    detector = make("esr", baseline=baseline, direction="both", average_run_length=1e300)

    alarms = detector.feed(np.full(5000, x))

    assert np.isfinite(detector.state()["memory"]["sums"]).all()
    assert (len(alarms.drifts) > 0) == (baseline == 0.5 or round(baseline) != x)


def test_a_fall_is_a_rise_of_the_rest():
    values = scores(step(0.8, 0.6, at=500, length=1000), rng=np.random.default_rng(4)).values

    fall = make("esr", baseline=0.8, direction="down", average_run_length=1000).feed(values)
    rise = make("esr", baseline=0.2, direction="up", average_run_length=1000).feed(1 - values)

    assert fall.drifts.tolist() == rise.drifts.tolist()
    assert fall.first is not None


def test_a_stream_in_another_unit_has_the_same_alarms():
    values = scores(step(0.3, 0.5, at=500, length=1000), rng=np.random.default_rng(5)).values

    shares = make("esr", baseline=0.3, slack=0.01, spread=0.1, average_run_length=1000).feed(values)
    degrees = make("esr", baseline=-4.0, slack=0.2, spread=2.0, low=-10.0, high=10.0, average_run_length=1000)

    assert degrees.feed(20 * values - 10).drifts.tolist() == shares.drifts.tolist()


def test_a_warning_begins_at_its_share_of_the_evidence():
    values = bits(step(0.1, 0.3, at=300, length=600), rng=np.random.default_rng(6)).values
    detector = make("esr", baseline=0.1, average_run_length=1000, warning_share=0.2)
    evidence, zones = [], []

    for x in values[:380]:
        zones.append(detector.update(x))
        evidence.append(detector.evidence)

    assert [zone is Zone.WARNING for zone in zones] == [200 <= found < 1000 for found in evidence]
    assert Zone.WARNING in zones


def test_a_warning_share_of_one_warns_of_nothing():
    values = bits(step(0.1, 0.3, at=300, length=600), rng=np.random.default_rng(6)).values

    alarms = make("esr", baseline=0.1, average_run_length=1000, warning_share=1.0).feed(values)

    assert (len(alarms.warnings), len(alarms.drifts) > 0) == (0, True)


# What it promises: the average run length. The target is 500, so that a stream of 600,000 values has up to a thousand runs.

N = 600_000
CLEAN: dict[str, tuple[dict[str, float | str], Callable[[np.random.Generator], np.ndarray]]] = {
    "bits at the baseline": ({"baseline": 0.1}, lambda rng: (rng.random(N) < 0.1) * 1.0),
    "bits below the baseline": ({"baseline": 0.1}, lambda rng: (rng.random(N) < 0.09) * 1.0),
    "rare bits": ({"baseline": 0.002}, lambda rng: (rng.random(N) < 0.002) * 1.0),
    "even bits, both sides": ({"baseline": 0.5, "direction": "both"}, lambda rng: (rng.random(N) < 0.5) * 1.0),
    "bits, watched for a fall": ({"baseline": 0.1, "direction": "down"}, lambda rng: (rng.random(N) < 0.1) * 1.0),
    "bits at the end of the slack": (
        {"baseline": 0.1, "slack": 0.02, "direction": "both"},
        lambda rng: (rng.random(N) < 0.12) * 1.0,
    ),
    "scores": ({"baseline": 0.9, "direction": "down"}, lambda rng: rng.beta(18, 2, N)),
    "scores, with their spread": (
        {"baseline": 0.9, "direction": "down", "spread": 0.065},
        lambda rng: rng.beta(18, 2, N),
    ),
    "scores, with a wrong spread": (
        {"baseline": 0.9, "direction": "down", "spread": 0.001},
        lambda rng: rng.beta(18, 2, N),
    ),
    "two humps": ({"baseline": 0.5, "direction": "both"}, lambda rng: rng.beta(0.3, 0.3, N)),
    "another unit": ({"baseline": 15.0, "low": 10.0, "high": 30.0}, lambda rng: 10 + 20 * rng.beta(2, 6, N)),
    # The rate depends on the value before, and is never above the baseline: bad luck is followed by the worst allowed.
    "bits that depend on the past": ({"baseline": 0.3}, lambda rng: _dependent(rng.random(N))),
}


def _dependent(u: np.ndarray) -> np.ndarray:
    values = np.zeros(len(u))
    previous = 0.0
    for i, chance in enumerate(u.tolist()):
        previous = 1.0 if chance < (0.3 if previous else 0.25) else 0.0
        values[i] = previous
    return values


@pytest.mark.parametrize("name", CLEAN)
def test_on_a_clean_stream_it_runs_on_average_at_least_as_long_as_it_says(name: str):
    options, draw = CLEAN[name]
    values = draw(np.random.default_rng(100))

    runs = run_lengths(Esr(average_run_length=500, **options), values)

    # Were the true mean below 500, the mean of the runs would be so far above it with a probability under 1 in 30,000.
    assert len(runs) >= 50
    assert runs.mean() + 4 * runs.std() / math.sqrt(len(runs)) >= 500


def test_far_below_the_baseline_it_hardly_ever_alarms():
    values = (np.random.default_rng(7).random(N) < 0.02) * 1.0

    assert len(run_lengths(Esr(baseline=0.1, average_run_length=500), values)) == 0


def test_a_false_alarm_among_the_first_n_is_no_likelier_than_n_by_the_run_length():
    values = (np.random.default_rng(8).random((3000, 100)) < 0.1) * 1.0

    alarms = np.array(first_alarms(Esr(baseline=0.1, average_run_length=1000), values))

    # At most 100/1000; of 3,000 streams, 348 or more would alarm by chance once in 1,000.
    assert (alarms <= 100).sum() < scipy.stats.binom.isf(1e-3, 3000, 0.1)


def test_it_is_no_longer_than_needed_on_the_baseline_itself():
    runs = run_lengths(Esr(baseline=0.5, average_run_length=500), (np.random.default_rng(9).random(N) < 0.5) * 1.0)

    assert runs.mean() < 1000


def test_on_bits_that_cling_together_the_promise_does_not_hold():
    """What the documentation says: the mean, given the past, has to keep to the baseline."""
    clinging = sticky_bits([Phase(200_000, 0.1)], stickiness=0.8, rng=np.random.default_rng(10)).values

    assert run_lengths(Esr(baseline=0.1, average_run_length=500), clinging).mean() < 250


# What it finds.


@pytest.mark.parametrize(("rate", "at_most"), [(0.15, 800), (0.2, 260), (0.5, 40)])
def test_it_finds_a_rise_soon(rate: float, at_most: int):
    """A rise from 0.10, told 0.105 and a run length of 100,000; the research note has medians of 560 and 188."""
    rng = np.random.default_rng(11)
    delays = []
    for _ in range(60):
        found = make("esr", baseline=0.105).feed(bits(step(0.1, rate, at=5000, length=10_000), rng=rng).values).drifts
        delays.append(next((int(place) - 5000 for place in found if place >= 5000), 5000))

    assert np.median(delays) <= at_most


def test_confidence_that_falls_is_found_sooner_with_the_spread_of_the_scores():
    rng = np.random.default_rng(12)
    streams = [scores(step(0.9, 0.88, at=1000, length=4000), rng=rng).values for _ in range(40)]

    def delay(**options: float) -> float:
        return float(np.median([make("esr", baseline=0.9, direction="down", **options).feed(x).first for x in streams]))

    assert delay(spread=0.065) <= delay() <= 1300


# What it learns.


def test_a_learned_baseline_has_the_slack_of_the_exact_interval():
    options = learn([0] * 180 + [1] * 20)

    upper = scipy.stats.binomtest(20, 200, alternative="less").proportion_ci(0.95, method="exact").high
    assert options.baseline == 0.1
    assert options.baseline + options.slack == pytest.approx(upper)
    assert options.spread == pytest.approx(0.3)


def test_a_learned_baseline_of_no_errors_can_still_be_risen_from():
    options = learn([0] * 1000)

    # The rule of three: 1 - 0.05^(1/1000) = 0.003.
    assert (options.baseline, round(options.slack, 4), options.spread) == (0.0, 0.003, None)
    assert EsrDetector(options).feed([0] * 500 + [1, 0] * 20).first == pytest.approx(505, abs=10)


def test_both_directions_share_what_may_be_missed():
    one, both = learn([0] * 180 + [1] * 20, direction="down"), learn([0] * 180 + [1] * 20, direction="both")

    low, high = scipy.stats.binomtest(20, 200).proportion_ci(0.95, method="exact")
    assert both.slack == pytest.approx(max(0.1 - low, high - 0.1))
    assert one.slack < both.slack


def test_a_larger_sample_leaves_less_slack():
    rng = np.random.default_rng(13)

    slacks = [learn(rng.beta(18, 2, n), direction="down").slack for n in (50, 500, 5000, 50_000)]

    assert slacks == sorted(slacks, reverse=True)
    assert slacks[-1] < 2.6 * 0.065 / math.sqrt(50_000)


@pytest.mark.parametrize(("part", "n"), [(0, 1), (0, 40), (1, 40), (13, 40), (39, 40), (40, 40), (512, 10_000)])
@pytest.mark.parametrize("confidence", [0.9, 0.999])
def test_the_bound_of_bits_is_scipys(part: int, n: int, confidence: float):
    values = np.array([1.0] * part + [0.0] * (n - part))

    found = [mean_bound(values, side=side, confidence=confidence) for side in (1, -1)]

    expected = [
        scipy.stats.binomtest(part, n, alternative="less").proportion_ci(confidence, method="exact").high,
        scipy.stats.binomtest(part, n, alternative="greater").proportion_ci(confidence, method="exact").low,
    ]
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("draw", "mean"),
    [
        (lambda rng, n: rng.beta(18, 2, n), 0.9),
        (lambda rng, n: rng.beta(0.4, 0.4, n), 0.5),
        (lambda rng, n: (rng.random(n) < 0.02) * rng.random(n), 0.01),
        (lambda rng, n: np.full(n, 0.7), 0.7),
    ],
    ids=["scores", "two humps", "mostly zero", "constant"],
)
@pytest.mark.parametrize("n", [4, 60, 600])
def test_a_bound_holds_as_often_as_it_says(draw: Callable[..., np.ndarray], mean: float, n: int):
    rng = np.random.default_rng(14)
    samples = [draw(rng, n) for _ in range(500)]

    above = sum(mean_bound(x, side=1, confidence=0.9) >= mean - 1e-9 for x in samples)
    below = sum(mean_bound(x, side=-1, confidence=0.9) <= mean + 1e-9 for x in samples)

    # Of 500 bounds that each hold with 0.9, fewer than 428 hold once in 1,000.
    assert min(above, below) >= scipy.stats.binom.ppf(1e-3, 500, 0.9)


def test_the_bound_is_where_the_bets_of_its_definition_lose():
    values, n, limit = [0.2, 0.9, 0.4, 0.5], 4, math.log(1 / 0.05)

    def lost(m: float) -> float:
        """Σ ln(1 + λᵢ(m - yᵢ)), where λᵢ knows the values before the i-th only."""
        total, mean_sum, variance_sum, seen = 0.0, 0.5, 0.25, 0
        for y in values:
            variance = variance_sum / (seen + 1) if seen else 0.25
            total += math.log1p(min(math.sqrt(2 * limit / (n * variance)), 0.5 / (1 - m)) * (m - y))
            mean_sum, seen = mean_sum + y, seen + 1
            variance_sum += (y - mean_sum / (seen + 1)) ** 2
        return total

    bound = mean_bound(np.array(values), side=1, confidence=0.95)

    assert lost(bound) == pytest.approx(limit, abs=1e-4)
    assert bound < 1


def test_the_bounds_of_the_two_sides_mirror_each_other():
    values = np.random.default_rng(15).beta(2, 5, 80)

    assert mean_bound(values, side=1, confidence=0.95) == pytest.approx(
        1 - mean_bound(1 - values, side=-1, confidence=0.95), abs=1e-6
    )
    assert mean_bound(10 + 5 * values, side=-1, confidence=0.95, low=10, high=15) == pytest.approx(
        10 + 5 * mean_bound(values, side=-1, confidence=0.95), abs=1e-5
    )


def test_an_e_detector_that_learned_keeps_its_promise_at_the_true_rate():
    """Nineteen in twenty references, at least, give a detector whose run length holds at the rate they were drawn at."""
    rng = np.random.default_rng(16)

    slack_enough = [(o := learn((rng.random(300) < 0.1) * 1.0)).baseline + o.slack >= 0.1 for _ in range(1000)]

    assert sum(slack_enough) >= scipy.stats.binom.ppf(1e-3, 1000, 0.95)


def test_learning_refuses_an_empty_sample_and_a_value_outside():
    with pytest.raises(DataError, match="the reference sample is empty; a baseline needs values"):
        learn([])
    with pytest.raises(DataError, match=r"value 1 of the stream is 1\.5; the detector 'esr' takes numbers from 0 to 1"):
        learn([0.5, 1.5])


def test_learning_refuses_a_sample_that_leaves_no_room():
    with pytest.raises(
        ValueError, match=r"baseline \+ slack is 1\.0; to see a rise it lies between low, 0\.0, and high, 1\.0"
    ):
        learn([1] * 50)
    with pytest.raises(ValueError, match=r"confidence is 1\.0; it lies between 0 and 1"):
        learn([0, 1], confidence=1.0)
