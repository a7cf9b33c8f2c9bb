"""Streams with known drifts: what is drawn has the levels that were asked for, and the drifts stand where they are said to."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.stats.detectors.scoring import Drift
from assay.stats.detectors.streams import Phase, Stream, bits, levels, normal, scores, step, sticky_bits

PHASES = st.lists(
    st.tuples(st.integers(2, 40), st.sampled_from([0.1, 0.3, 0.6]), st.integers(0, 30)).map(
        lambda p: Phase(p[0], p[1], min(p[2], p[0] - 1))
    ),
    min_size=1,
    max_size=5,
)
DRAWN: dict[str, Callable[..., Stream]] = {
    "bits": bits,
    "sticky_bits": lambda phases, rng: sticky_bits(phases, stickiness=0.5, rng=rng),
    "normal": normal,
    "scores": scores,
}


def draw(name: str, phases: Any, seed: int) -> Stream:
    return DRAWN[name](phases, rng=np.random.default_rng(seed))


def test_a_sudden_step_is_one_drift_at_its_place():
    line, drifts = levels(step(0.1, 0.4, at=3, length=5))

    assert line.tolist() == [0.1, 0.1, 0.1, 0.4, 0.4]
    assert drifts == (Drift(3, 3),)


def test_a_ramp_goes_up_in_even_steps_and_its_drift_ends_with_it():
    line, drifts = levels(step(0.0, 1.0, at=2, length=7, ramp=3))

    assert line.tolist() == [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    assert drifts == (Drift(2, 5),)


def test_levels_that_recur_are_a_drift_each_way():
    line, drifts = levels([Phase(2, level) for level in (0.1, 0.5, 0.1, 0.5, 0.1)])

    assert line.tolist() == [0.1, 0.1, 0.5, 0.5, 0.1, 0.1, 0.5, 0.5, 0.1, 0.1]
    assert [drift.start for drift in drifts] == [2, 4, 6, 8]


def test_a_phase_at_the_level_before_is_no_drift():
    assert levels([Phase(3, 0.2), Phase(3, 0.2)])[1] == ()


@settings(max_examples=40)
@given(PHASES)
def test_a_level_changes_at_drifts_only(phases: list[Phase]):
    line, drifts = levels(phases)

    assert len(line) == sum(phase.length for phase in phases)
    touched = {place for drift in drifts for place in range(drift.start, drift.end + 1)}
    assert {int(place) + 1 for place in np.flatnonzero(np.diff(line))} == touched


@pytest.mark.parametrize("name", DRAWN)
def test_a_stream_is_the_same_from_the_same_seed_and_another_from_another(name: str):
    phases = step(0.3, 0.6, at=50, length=100)

    assert draw(name, phases, 1).values.tolist() == draw(name, phases, 1).values.tolist()
    assert draw(name, phases, 1).values.tolist() != draw(name, phases, 2).values.tolist()


@pytest.mark.parametrize("name", DRAWN)
def test_the_mean_of_each_phase_is_its_level(name: str):
    stream = draw(name, step(0.3, 0.6, at=40_000, length=80_000), 3)

    means = [stream.values[:40_000].mean(), stream.values[40_000:].mean()]

    # The widest spread is 1, and sticky bits of stickiness 0.5 count for a third: 4·√(3/40,000) = 0.035 in standard errors.
    assert means == pytest.approx([0.3, 0.6], abs=4 * math.sqrt(3 / 40_000))
    assert stream.drifts == (Drift(40_000, 40_000),)
    assert stream.levels.tolist() == levels(step(0.3, 0.6, at=40_000, length=80_000))[0].tolist()


def test_bits_are_bits():
    assert set(draw("bits", [Phase(200, 0.5)], 4).values) == {0.0, 1.0}
    assert set(draw("sticky_bits", [Phase(200, 0.5)], 4).values) == {0.0, 1.0}


def test_levels_of_nothing_and_all_are_drawn_as_such():
    assert (
        bits([Phase(50, 0.0), Phase(50, 1.0)], rng=np.random.default_rng(5)).values.tolist() == [0.0] * 50 + [1.0] * 50
    )


def test_sticky_bits_have_the_correlation_that_was_asked_for():
    values = sticky_bits([Phase(200_000, 0.2)], stickiness=0.8, rng=np.random.default_rng(6)).values

    found = [float(np.corrcoef(values[:-lag], values[lag:])[0, 1]) for lag in (1, 3)]

    assert found == pytest.approx([0.8, 0.8**3], abs=0.02)


def test_scores_have_the_variance_that_was_said():
    values = scores([Phase(200_000, 0.8)], concentration=9.0, rng=np.random.default_rng(7)).values

    assert float(values.var()) == pytest.approx(0.8 * 0.2 / 10, rel=0.02)


def test_normal_values_have_the_spread_that_was_asked_for():
    assert float(normal([Phase(100_000, 5.0)], spread=2.0, rng=np.random.default_rng(8)).values.std()) == pytest.approx(
        2.0, rel=0.01
    )


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda rng: Phase(0, 0.1), "a phase has 0 values, 0 of them its ramp"),
        (lambda rng: Phase(5, 0.1, ramp=5), "a phase has 5 values, 5 of them its ramp"),
        (lambda rng: levels([]), "a stream has at least one phase"),
        (lambda rng: bits([Phase(5, 1.2)], rng=rng), r"levels go from 1\.2 to 1\.2; shares lie in \[0, 1\]"),
        (lambda rng: scores([Phase(5, 1.0)], rng=rng), "scores need levels between 0 and 1"),
        (lambda rng: sticky_bits([Phase(5, 0.1)], stickiness=1.0, rng=rng), r"stickiness is 1\.0; it is in \[0, 1\)"),
    ],
)
def test_what_can_not_be_drawn_is_refused(wrong: Callable[[np.random.Generator], object], why: str):
    with pytest.raises(ValueError, match=why):
        wrong(np.random.default_rng(9))
