"""Scores of alarms, on cases made by hand: what is found, late, missed, repeated and false."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.stats.detectors.scoring import ALWAYS, NEVER, Drift, Score, firing_every, score, scoreboard

AT_500 = [Drift(500, 500)]


def test_the_delay_is_the_number_of_values_after_the_start():
    assert score([507], AT_500, n=1000, max_delay=100).delays == (7,)


def test_an_alarm_on_the_first_changed_value_has_no_delay():
    assert score([500], AT_500, n=1000, max_delay=100).delays == (0,)


def test_the_last_value_of_a_window_is_in_it_and_the_next_is_not():
    assert score([600], AT_500, n=1000, max_delay=100) == Score(delays=(100,), n_clean=899)
    assert score([601], AT_500, n=1000, max_delay=100) == Score(n_missed=1, n_false=1, n_clean=899)


def test_an_alarm_just_before_a_drift_is_false():
    assert score([499], AT_500, n=1000, max_delay=100) == Score(n_missed=1, n_false=1, n_clean=899)


def test_later_alarms_in_a_window_repeat_the_first_and_are_not_false():
    assert score([510, 511, 590], AT_500, n=1000, max_delay=100) == Score(delays=(10,), n_repeated=2, n_clean=899)


def test_a_gradual_drift_is_waited_for_from_its_end_and_timed_from_its_start():
    found = score([250, 1050], [Drift(200, 1000)], n=2000, max_delay=100)

    # The window is 200 to 1100: 901 values.
    assert found == Score(delays=(50,), n_repeated=1, n_clean=1099)


def test_a_window_stops_where_the_next_drift_starts():
    found = score([560], [Drift(500, 500), Drift(550, 550)], n=1000, max_delay=100)

    # The first drift's window is 500 to 549, the second's 550 to 650.
    assert found == Score(delays=(10,), n_missed=1, n_clean=849)


def test_a_drift_whose_window_the_stream_cuts_off_is_not_missed_yet():
    assert score([], [Drift(950, 950)], n=1000, max_delay=100) == Score(n_unfinished=1, n_clean=950)
    assert score([960], [Drift(950, 950)], n=1000, max_delay=100) == Score(delays=(10,), n_clean=950)


def test_a_drift_whose_window_ends_with_the_stream_is_missed():
    assert score([], [Drift(899, 899)], n=1000, max_delay=100) == Score(n_missed=1, n_clean=899)
    assert score([], [Drift(900, 900)], n=1000, max_delay=100) == Score(n_unfinished=1, n_clean=900)


def test_without_drifts_every_alarm_is_false():
    found = score([3, 700], [], n=20_000, max_delay=100)

    assert found == Score(n_false=2, n_clean=20_000)
    assert found.false_alarms.value == 1.0


def test_values_that_a_baseline_was_learned_from_count_nowhere():
    assert score([10, 90, 250], AT_500, n=1000, max_delay=100, since=100) == Score(n_missed=1, n_false=1, n_clean=799)


def test_no_delay_allowed_leaves_one_value():
    assert score([500, 501], AT_500, n=1000, max_delay=0) == Score(delays=(0,), n_false=1, n_clean=999)


# What a score says.


def test_false_alarms_are_counted_per_ten_thousand_clean_values():
    found = score([10, 20, 30, 505], AT_500, n=5101, max_delay=100)

    # 3 false alarms among 5,101 - 101 = 5,000 clean values.
    assert (found.false_alarms.value, found.false_alarms.n) == (6.0, 5000)


@pytest.mark.parametrize("count", [0, 1, 7, 200])
def test_the_interval_of_false_alarms_is_that_of_a_poisson_count(count: int):
    estimate = Score(n_false=count, n_clean=10_000).false_alarms

    chi2 = scipy.stats.chi2
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    assert (estimate.low, estimate.high) == pytest.approx((low, chi2.ppf(0.975, 2 * count + 2) / 2))


def test_the_share_missed_is_of_the_drifts_whose_window_ended():
    assert Score(delays=(1, 2, 3), n_missed=1, n_unfinished=5).missed.value == 0.25


def test_the_delay_is_the_median_of_those_found():
    estimate = Score(delays=(10, 400, 20), n_missed=7).delay

    assert (estimate.value, estimate.n) == (20.0, 3)
    assert estimate.low <= 20 <= estimate.high


def test_what_is_undefined_says_why():
    nothing = Score()

    assert (nothing.delay.value, nothing.delay.why) == (None, "no drift was found")
    assert (nothing.missed.value, nothing.missed.why) == (None, "there was no drift whose window ended")
    assert (nothing.false_alarms.value, nothing.false_alarms.why) == (None, "every value is in the window of a drift")


SCORES = st.builds(
    Score,
    delays=st.lists(st.integers(0, 100), max_size=3).map(tuple),
    n_missed=st.integers(0, 9), n_unfinished=st.integers(0, 9), n_repeated=st.integers(0, 9), n_false=st.integers(0, 9),
    n_clean=st.integers(0, 9),
)  # fmt: skip


@settings(max_examples=40)
@given(SCORES, SCORES, SCORES)
def test_scores_merge_in_any_grouping_and_nothing_adds_nothing(a: Score, b: Score, c: Score):
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(Score()) == Score().merge(a) == a
    assert a.merge(b).delay == b.merge(a).delay


@settings(max_examples=60)
@given(
    alarms=st.sets(st.integers(0, 999)).map(sorted),
    starts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 200)), max_size=4),
    max_delay=st.integers(0, 300),
)
def test_every_alarm_and_every_drift_is_counted_once(alarms: list[int], starts: list[tuple[int, int]], max_delay: int):
    place, drifts = 50, []
    for ramp, gap in starts:
        drifts.append(Drift(place, place + ramp))
        place += ramp + gap + 1

    found = score(alarms, drifts, n=1000, max_delay=max_delay)

    assert found.n_found + found.n_repeated + found.n_false == len(alarms)
    assert found.n_found + found.n_missed + found.n_unfinished == len(drifts)
    in_windows = {v for d in drifts for v in range(d.start, min(d.end + max_delay + 1, 1000))}
    assert found.n_clean == 1000 - len(in_windows)
    assert found.n_false == len(set(alarms) - in_windows)


# Beside detectors that look at nothing.


def test_a_scoreboard_always_has_the_rows_that_look_at_nothing():
    board = scoreboard({"mine": [505]}, AT_500, n=10_101, max_delay=100)

    assert list(board) == ["mine", "fires every 100", ALWAYS, NEVER]
    assert board["mine"] == Score(delays=(5,), n_clean=10_000)
    assert board[ALWAYS] == Score(delays=(0,), n_repeated=100, n_false=10_000, n_clean=10_000)
    assert board[NEVER] == Score(n_missed=1, n_clean=10_000)
    # 99, 199, …, 10,099: 101 alarms, of which 599 finds the drift.
    assert board["fires every 100"] == Score(delays=(99,), n_false=100, n_clean=10_000)


def test_firing_every_few_values_finds_all_that_is_dense_and_pays_where_it_is_not():
    """Why one number made of hits and false alarms says little: it depends on how many drifts there are."""
    dense = [Drift(place, place) for place in range(200, 10_000, 400)]

    among_many, among_few = (
        scoreboard({}, drifts, n=10_000, max_delay=100)["fires every 100"] for drifts in (dense, dense[:1])
    )

    assert (among_many.n_missed, among_few.n_missed) == (0, 0)
    precision = [found.n_found / (found.n_found + found.n_false) for found in (among_many, among_few)]
    assert precision[0] > 10 * precision[1]
    assert among_many.false_alarms.value == pytest.approx(among_few.false_alarms.value, rel=0.02)


def test_firing_every_value_fires_at_every_value():
    assert firing_every(1, n=4).tolist() == [0, 1, 2, 3]
    assert firing_every(5, n=4).tolist() == []


# What is refused.


@pytest.mark.parametrize("alarms", [[5, 5], [7, 5], [1.5], [[1]]])
def test_alarms_that_do_not_rise_are_refused(alarms: object):
    with pytest.raises(ValueError, match="alarms are whole numbers of values, each above the one before"):
        score(alarms, [], n=10, max_delay=1)


@pytest.mark.parametrize("alarms", [[-1], [3, 10]])
def test_alarms_outside_of_the_stream_are_refused(alarms: list[int]):
    with pytest.raises(ValueError, match=r"the stream has values 0 to 9"):
        score(np.array(alarms), [], n=10, max_delay=1)


def test_drifts_that_overlap_or_fall_are_refused():
    with pytest.raises(
        ValueError, match=r"Drift\(start=30, end=30\) starts before Drift\(start=10, end=50\) has ended"
    ):
        score([], [Drift(10, 50), Drift(30, 30)], n=100, max_delay=5)
    with pytest.raises(ValueError, match="starts before"):
        score([], [Drift(50, 50), Drift(10, 10)], n=100, max_delay=5)


def test_drifts_outside_of_the_stream_are_refused():
    with pytest.raises(ValueError, match="drifts start from 100 to 100; the stream counts from 0 to 99"):
        score([], [Drift(100, 100)], n=100, max_delay=5)
    with pytest.raises(ValueError, match="the stream counts from 50 to 99"):
        score([], [Drift(20, 20)], n=100, max_delay=5, since=50)


def test_a_drift_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match="a drift goes from 5 to 4; it starts at 0 or later, and ends no sooner"):
        Drift(5, 4)


def test_a_negative_delay_is_refused():
    with pytest.raises(ValueError, match="max_delay is -1; it is at least 0"):
        score([], [], n=10, max_delay=-1)
