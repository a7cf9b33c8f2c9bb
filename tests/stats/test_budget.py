"""Alarm budgets: what a level is by hand, what a month without a change costs, and that a change is found."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from assay.stats.budget import Budget, Lord, Spending, Spent, advance, advance_all

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONTH = 30 * DAY


def run(budget: Budget, p_values: list[float | None], times: list[datetime]) -> list[Spent]:
    decisions = []
    for p, at in zip(p_values, times, strict=True):
        spent, budget = advance(budget, p, at=at)
        decisions.append(spent)
    return decisions


def levels(budget: Budget, times: list[datetime]) -> np.ndarray:
    """Return the levels of windows that are no alarms."""
    return np.array([spent.level for spent in run(budget, [1.0] * len(times), times)])


def every(step: timedelta, *, until: timedelta = MONTH) -> list[datetime]:
    return [START + i * step for i in range(1, until // step + 1)]


# What a level is ------------------------------------------------------------------------------------------------------


def test_a_window_spends_half_of_what_has_been_saved():
    # 1/30 of an alarm accrues a day: 1/60, then (1/60 + 1/30)/2 = 1/40, then (1/40 + 1/30)/2 = 7/240
    found = levels(Spending(at=START), every(DAY)[:3])

    assert found == pytest.approx([1 / 60, 1 / 40, 7 / 240])


def test_regular_windows_come_to_spend_what_accrues():
    assert levels(Spending(at=START), every(HOUR))[20:] == pytest.approx(1 / 720, rel=1e-5)


def test_a_level_is_at_most_the_stated_one_however_long_the_gap():
    (spent,) = run(Spending(at=START), [1.0], [START + 1000 * DAY])

    assert spent.level == 0.05


def test_what_is_saved_has_a_limit():
    _, after = advance(Spending(at=START, saved_at_most=0.4), None, at=START + 1000 * DAY)

    assert after.saved == 0.4


def test_a_window_without_a_p_value_spends_nothing():
    with_gap = run(Spending(at=START), [None, 1.0], [START + DAY, START + 2 * DAY])
    without = run(Spending(at=START), [1.0], [START + 2 * DAY])

    assert with_gap[0] == Spent(False, 0.0, "the window has no p-value; what it could have spent is kept")
    assert with_gap[1].level == without[0].level


def test_a_late_window_gets_a_share_of_what_is_saved_and_no_time():
    budget = Spending(at=START)
    first, budget = advance(budget, 1.0, at=START + 2 * DAY)

    late, after = advance(budget, 1.0, at=START + DAY)

    assert late.level == pytest.approx(first.level / 2)
    assert after.at == START + 2 * DAY


def test_a_window_at_the_start_has_nothing_to_spend():
    assert run(Spending(at=START), [1e-9], [START]) == [
        Spent(False, 0.0, "nothing is saved to spend: no time has passed that was not counted for other windows")
    ]


def test_windows_at_one_instant_share_one_level_alike():
    one, _ = advance(Spending(at=START), 1.0, at=START + DAY)

    three, after = advance_all(Spending(at=START), [0.5, None, 0.001, 0.9], at=START + DAY)

    assert [spent.level for spent in three] == pytest.approx([one.level / 3, 0.0, one.level / 3, one.level / 3])
    assert [spent.alarm for spent in three] == [False, False, True, False]
    assert after.saved == pytest.approx(1 / 60)


def test_no_windows_keep_what_is_saved():
    decisions, after = advance_all(Spending(at=START), [], at=START + DAY)

    assert decisions == ()
    assert after.saved == pytest.approx(1 / 30)


def test_a_decision_says_its_reason():
    decisions = run(Spending(at=START), [0.9, 0.0001], [START + DAY, START + 2 * DAY])

    assert [spent.why for spent in decisions] == [
        "p = 0.9 is above this window's level of 0.0167",
        "p = 0.0001 is at most this window's level of 0.025",
    ]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_levels_of_spending_do_not_depend_on_the_p_values(p_values: list[float]):
    times = every(DAY)[: len(p_values)]

    found = [spent.level for spent in run(Spending(at=START), p_values, times)]

    assert found == levels(Spending(at=START), times).tolist()


INSTANTS = st.lists(st.floats(-5, 60), min_size=1, max_size=60).map(lambda days: [START + d * DAY for d in days])


@given(INSTANTS, st.floats(0.05, 1), st.floats(0.1, 20))
def test_no_more_is_ever_spent_than_has_accrued(times: list[datetime], spend: float, alarms: float):
    spent = levels(Spending(at=START, alarms=alarms, spend=spend), times)

    passed = max(*times, START) - START
    assert spent.sum() <= alarms * (passed / MONTH) + 1e-9


def test_lord_is_the_published_sum():
    # A naive second writing of the paper's formula, with w = q/2
    def gamma(j: int) -> float:
        return 0.0790819 * math.log(max(j, 2)) / (j * math.exp(math.sqrt(math.log(j))))

    p_values = [0.5, 1e-6, 0.3, 0.2, 1e-7, 1e-6, 0.9, None, 0.6]
    found = run(Lord(q=0.1), p_values, [START] * 9)

    alarms, expected = (2, 5, 6), []
    for t in range(1, 9):
        before = [tau for tau in alarms if tau < t]
        first = [0.05 * gamma(t - tau) for tau in before[:1]]
        expected.append(0.05 * gamma(t) + sum(first) + sum(0.1 * gamma(t - tau) for tau in before[1:]))
    assert [spent.level for spent in found if spent.level] == pytest.approx(expected)
    assert [i for i, spent in enumerate(found, 1) if spent.alarm] == list(alarms)


def test_the_weights_of_lord_sum_to_one():
    # A million terms, and the rest as an integral: ∫ from ln N of u·exp(-√u) du = 2·Γ(4, √ln N)
    j = np.arange(1, 1_000_001)
    terms = 0.0790819 * np.log(np.maximum(j, 2)) / (j * np.exp(np.sqrt(np.log(j))))
    rest = 0.0790819 * 2 * 6 * scipy.stats.gamma.sf(math.sqrt(math.log(1e6)), 4)

    assert terms.sum() + rest == pytest.approx(1.0, abs=1e-6)
    assert levels(Lord(q=0.5), [START] * 50) == pytest.approx(0.25 * terms[:50])


def test_lord_judges_windows_at_one_instant_one_by_one():
    p_values = [0.5, 1e-6, 0.01, None, 0.3]

    together, after = advance_all(Lord(), p_values, at=START)

    assert list(together) == run(Lord(), p_values, [START] * 5)
    assert (after.seen, after.found) == (4, (2,))


def test_lord_remembers_a_thousand_alarms():
    budget = Lord(seen=5_000, found=tuple(range(1, 1_001)))

    _, after = advance(budget, 0.0, at=START)

    assert (len(after.found), after.found[-1]) == (1_000, 5_001)
    assert 0 < after.level < 0.05


# What is refused ------------------------------------------------------------------------------------------------------

NAIVE = datetime(2026, 1, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"alarms": 0.0}, "0.0 alarms in 30 days, 0:00:00 is no budget"),
        ({"period": timedelta(0)}, "1.0 alarms in 0:00:00 is no budget"),
        ({"level_at_most": 1.0}, r"level_at_most is 1.0, spend 0.5; in \(0, 1\), and more than 0 up to 1"),
        ({"spend": 0.0}, "level_at_most is 0.05, spend 0.0"),
        ({"saved": 2.0}, "saved is 2.0 of at most 1.0"),
        ({"at": NAIVE}, "has no time zone; give an instant, such as 2026-01-01T00:00:00Z"),
    ],
)
def test_numbers_that_make_no_budget_are_refused(wrong: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        Spending(**({"at": START} | wrong))


def test_a_share_outside_of_zero_to_one_is_refused():
    with pytest.raises(ValueError, match=r"q is 1.5; the share of alarms that may be false is in \(0, 1\)"):
        Lord(q=1.5)


@pytest.mark.parametrize("budget", [Spending(at=START), Lord()], ids=lambda b: type(b).__name__)
@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_refused(budget: Budget, wrong: float):
    with pytest.raises(ValueError, match=r"it is in \[0, 1\], and None where it is undefined"):
        advance(budget, wrong, at=START)


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="which has no time zone"):
        advance(Spending(at=START), 0.5, at=NAIVE)


# Saving ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "budget",
    [Spending(at=START, alarms=2.0, saved=0.25), Lord(q=0.1, seen=7, found=(2, 5))],
    ids=lambda b: type(b).__name__,
)
def test_a_budget_goes_on_from_where_it_was_saved(budget: Budget):
    saved = msgspec.json.encode(budget)

    restored = msgspec.json.decode(saved, type=Spending | Lord)

    assert restored == budget
    assert advance(restored, 0.001, at=START + DAY) == advance(budget, 0.001, at=START + DAY)


def test_a_saved_budget_says_its_procedure():
    assert {
        name: msgspec.to_builtins(kind)["procedure"]
        for name, kind in {"spending": Spending(at=START), "lord": Lord()}.items()
    } == {"spending": "spending", "lord": "lord"}


# Promises -------------------------------------------------------------------------------------------------------------

MONTHS = 5_000
SCHEDULES: dict[str, Callable[[np.random.Generator], list[datetime]]] = {
    "hourly": lambda rng: every(HOUR),
    "daily": lambda rng: every(DAY),
    "weekly": lambda rng: every(7 * DAY),
    "irregular": lambda rng: sorted(START + MONTH * float(part) for part in rng.random(60)),
    "late and in heaps": lambda rng: [START + round(30 * float(part)) * DAY for part in rng.random(60)],
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_months_without_a_change_cost_at_most_the_budget(name: str, rng: np.random.Generator):
    at = levels(Spending(at=START), SCHEDULES[name](rng))

    alarms = (rng.random((MONTHS, len(at))) <= at).sum(axis=1)

    # A sum of independent bits has a variance of Σ level·(1 - level); 3.72 deviations are once in ten thousand.
    assert alarms.mean() <= 1 + 3.72 * math.sqrt((at * (1 - at)).sum() / MONTHS)


@pytest.mark.parametrize(("name", "least"), [("hourly", 0.95), ("daily", 0.9), ("irregular", 0.6)])
def test_most_of_the_budget_is_there_to_find_changes(name: str, least: float, rng: np.random.Generator):
    assert levels(Spending(at=START), SCHEDULES[name](rng)).sum() >= least


def test_windows_that_err_together_cost_no_more(rng: np.random.Generator):
    # All windows of a month are judged on one reference: their normal scores share half of their variance.
    at = levels(Spending(at=START), every(HOUR))
    scores = (rng.normal(size=(MONTHS, 1)) + rng.normal(size=(MONTHS, len(at)))) / math.sqrt(2)

    alarms = (scipy.stats.norm.sf(scores) <= at).sum(axis=1)

    assert alarms.mean() <= 1 + 3.72 * alarms.std() / math.sqrt(MONTHS)


def test_a_fixed_level_each_hour_costs_forty_times_as_much(rng: np.random.Generator):
    at = levels(Spending(at=START), every(HOUR))
    p_values = rng.random((1_000, len(at)))

    # 720 windows at 0.05 are 36 alarms a month, with a deviation of √(720 · 0.05 · 0.95) = 5.8
    assert (p_values <= 0.05).sum(axis=1).mean() == pytest.approx(36, abs=4 * 5.8 / math.sqrt(1_000))
    assert (p_values <= at).sum(axis=1).mean() <= 1 + 3.72 / math.sqrt(1_000)


def test_a_real_change_is_found_within_a_few_windows(rng: np.random.Generator):
    # At the level 1/720 a score that moved by 3 is above 2.99 half of the time: the wait is geometric.
    budget = Spending(at=START)
    for at in every(HOUR)[:100]:
        _, budget = advance(budget, 1.0, at=at)
    times = [START + i * HOUR for i in range(101, 161)]
    waits = []
    for _ in range(500):
        p_values = scipy.stats.norm.sf(rng.normal(3, 1, len(times))).tolist()
        waits.append([spent.alarm for spent in run(budget, p_values, times)].index(True) + 1)

    power = scipy.stats.norm.sf(scipy.stats.norm.isf(1 / 720) - 3)
    assert np.mean(waits) == pytest.approx(1 / power, abs=4 * math.sqrt((1 - power) / power**2 / 500))


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_lord_keeps_the_share_of_false_alarms(share: float, rng: np.random.Generator):
    false_shares, found = [], []
    for _ in range(150):
        changed = rng.random(200) < share
        p_values = scipy.stats.norm.sf(rng.normal(np.where(changed, 3.0, 0.0))).tolist()
        alarms = np.array([spent.alarm for spent in run(Lord(q=0.1), p_values, [START] * 200)])
        false_shares.append((alarms & ~changed).sum() / max(alarms.sum(), 1))
        found.append((alarms & changed).sum() / max(changed.sum(), 1))

    assert np.mean(false_shares) <= 0.1 + 3.72 * np.std(false_shares) / math.sqrt(150)
    assert np.mean(found) > 0.15


def test_lord_rarely_cries_wolf_where_nothing_ever_changes(rng: np.random.Generator):
    # Without a true alarm the share is 1 whenever there is any: at most q of the streams have one.
    cried = [any(s.alarm for s in run(Lord(), p, [START] * 200)) for p in rng.random((400, 200)).tolist()]

    assert np.mean(cried) <= 0.05 + 3.72 * math.sqrt(0.05 * 0.95 / 400)
