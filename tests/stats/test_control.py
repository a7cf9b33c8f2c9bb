"""Control charts: limits by hand and by published figures, rules against naive ones, and how often both fire by chance."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigError
from assay.stats.control import CHARTS, Limits, judge, learn
from assay.stats.runs import RULE_SETS, RULES, get_rule_set

KNOWN = Limits(centre=0.0, std=1.0)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
POINTS = st.lists(st.integers(-40, 40).map(lambda tenths: tenths / 10), max_size=60)


def fired(rule: str, points: list[float]) -> list[int]:
    return [signal.at for signal in judge(KNOWN, points, rules=[rule]).signals]


# Limits ---------------------------------------------------------------------------------------------------------------


def test_the_textbooks_limits_of_single_values_are_three_deviations():
    # 9, 10, 11: mean 10, s = 1
    limits = learn([9.0, 10.0, 11.0], method="sigma")

    assert (limits.centre, limits.low(), limits.high()) == (10.0, 7.0, 13.0)


def test_the_moving_range_gives_the_textbooks_limits():
    # NIST/SEMATECH e-Handbook 6.3.2.2: ten flow rates, mean 50.81, mean moving range 1.8778: 50.81 ± 3·1.8778/1.128
    values = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]

    limits = learn(values, spread="moving_range", method="sigma")

    assert limits.centre == pytest.approx(50.81)
    assert (limits.low(), limits.high()) == pytest.approx((45.8161, 55.8041), abs=3e-3)


def test_limits_from_few_points_are_as_wide_as_the_next_point_needs():
    # three points: t at 0.99865 with 2 degrees of freedom, times √(1 + 1/3)
    limits = learn([9.0, 10.0, 11.0])

    half = scipy.stats.t.ppf(scipy.stats.norm.cdf(3), 2) * math.sqrt(4 / 3)
    assert (limits.low(), limits.high()) == pytest.approx((10 - half, 10 + half))


def test_limits_by_moving_ranges_from_few_points_are_wider_too():
    # k = 9 ranges of mean 1: σ = √π/2, known as well as from k²/(2·(0.82648·k - 0.25566)) = 5.64 degrees of freedom
    limits = learn([0.0, 1.0] * 5, spread="moving_range")

    freedom = 81 / (2 * (0.82648 * 9 - 0.25566))
    unbiased = scipy.stats.chi.mean(freedom) / math.sqrt(freedom)
    assert limits.std == pytest.approx(math.sqrt(math.pi) / 2)
    assert limits.width == pytest.approx(scipy.stats.t.ppf(scipy.stats.norm.cdf(3), freedom) * unbiased)


def test_both_ways_agree_where_the_points_are_many(rng: np.random.Generator):
    values = rng.normal(size=20_000)

    assert learn(values).high() == pytest.approx(learn(values, method="sigma").high(), rel=1e-3)


def test_means_of_unequal_windows_have_limits_of_their_own():
    # rows: 4 and 6 of variance 1 and 4, pooled (3·1 + 5·4)/8 = 23/8; centre (4·10 + 6·15)/10 = 13
    limits = learn([10.0, 15.0], chart="means", sizes=[4, 6], stds=[1.0, 2.0], spread="within", method="sigma")

    assert limits.centre == 13.0
    assert limits.high(size=4) == pytest.approx(13 + 3 * math.sqrt(23 / 8 / 4))
    assert limits.high(size=100) == pytest.approx(13 + 3 * math.sqrt(23 / 8 / 100))


def test_means_go_by_what_moves_between_windows_unless_told():
    # Σ n·(mean - 11)² / (k - 1) = 4·1 + 4·1 = 8 for one row
    limits = learn([10.0, 12.0], chart="means", sizes=[4, 4], method="sigma")

    assert limits.spread == "between"
    assert limits.high(size=4) == pytest.approx(11 + 3 * math.sqrt(8 / 4))


def test_means_of_single_rows_have_no_spread_within():
    limits = learn([10.0, 12.0], chart="means", sizes=[1, 1], stds=[0.0, 0.0], spread="within", method="sigma")

    assert limits.std == pytest.approx(math.sqrt(2))


def test_shares_have_binomial_limits():
    # 30 of 600 rows: p = 0.05; √(0.05·0.95/100)
    limits = learn([0.04, 0.05, 0.06], chart="shares", sizes=[200, 200, 200], spread="within", method="sigma")

    assert limits.centre == pytest.approx(0.05)
    assert limits.high(size=100) == pytest.approx(0.05 + 3 * math.sqrt(0.05 * 0.95 / 100))
    assert limits.low(size=100) == 0.0


def test_the_limits_of_shares_know_how_many_rows_the_centre_has():
    limits = learn([0.04, 0.06], chart="shares", sizes=[100, 100], spread="within")

    assert limits.high(size=50) == pytest.approx(0.05 + 3 * math.sqrt(0.05 * 0.95 * (1 / 50 + 1 / 200)))


def test_shares_go_by_what_moves_between_windows_unless_told():
    within = learn([0.02, 0.08, 0.05], chart="shares", sizes=[10_000] * 3, spread="within", method="sigma")
    between = learn([0.02, 0.08, 0.05], chart="shares", sizes=[10_000] * 3, method="sigma")

    # s of the three shares is 0.03
    assert between.high(size=10_000) == pytest.approx(0.05 + 3 * 0.03)
    assert within.high(size=10_000) < 0.06


def test_shares_that_happen_to_agree_are_no_closer_than_chance():
    limits = learn([0.05, 0.05, 0.05], chart="shares", sizes=[100] * 3, method="sigma")

    assert limits.high(size=100) == pytest.approx(0.05 + 3 * math.sqrt(0.05 * 0.95 / 100))


def test_a_share_that_never_was_is_half_a_row_away_from_nothing():
    limits = learn([0.0, 0.0], chart="shares", sizes=[500, 499])

    assert limits.centre == pytest.approx(0.5 / 1_000)
    assert limits.std == pytest.approx(math.sqrt(0.0005 * 0.9995))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, None], [math.nan, 2.0]])
def test_fewer_than_two_points_leave_the_limits_undefined(values: list[float]):
    limits = learn(values)

    there = sum(v is not None and v == v for v in values)
    assert limits.why == f"limits are learned from at least 2 points; the reference has {there}"
    assert (limits.centre, limits.low(), limits.high(), limits.deviation()) == (None, None, None, None)


def test_undefined_limits_judge_nothing_and_say_so():
    found = judge(learn([1.0]), [1.0, 2.0])

    assert (found.signals, found.n) == ((), 0)
    assert found.why == "limits are learned from at least 2 points; the reference has 1"


@pytest.mark.parametrize("values", [[1.0, math.inf], [1e300, -1e300]])
def test_points_beyond_floats_leave_the_limits_undefined(values: list[float]):
    assert learn(values).why == "a point of the reference is infinite, or too large to square"


def test_every_other_value_is_outside_of_limits_without_width():
    found = judge(learn([0.1] * 10), [0.1, 0.1 + 1e-9, 0.0])

    assert [signal.at for signal in found.signals] == [1, 2]
    assert found.signals[1].why == "0 is below 0.1, the one value that the reference had: one point beyond 3 deviations"


def test_points_without_a_value_are_left_out():
    assert learn([9.0, None, 10.0, math.nan, 11.0]).centre == 10.0


def test_limits_that_were_saved_judge_the_same():
    limits = learn([9.0, 10.0, 12.0], since=MARCH)

    restored = msgspec.json.decode(msgspec.json.encode(limits), type=Limits)

    assert restored == limits


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chart": "means"}, "a chart of means needs sizes: how many rows are behind each point"),
        ({"chart": "shares", "sizes": [1]}, "there are 2 values and 1 sizes; one for each value"),
        ({"chart": "means", "sizes": [1, 0]}, "a point with a value has the size 0; at least 1 row is behind it"),
        ({"chart": "means", "sizes": [1, 1], "stds": [1]}, "there are 2 values and 1 stds; one for each value"),
        ({"chart": "means", "sizes": [1, 1], "spread": "within"}, "the spread within windows needs stds"),
        ({"chart": "shares", "sizes": [5, 5]}, r"a share is 2; shares are in \[0, 1\]"),
    ],
)
def test_points_that_do_not_fit_their_chart_are_refused(arguments: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        learn([1.0, 2.0], **arguments)


def test_an_unknown_chart_spread_rule_or_set_names_the_nearest():
    with pytest.raises(ConfigError, match="there is no control chart 'share'; did you mean 'shares'"):
        learn([1.0, 2.0], chart="share")
    with pytest.raises(
        ConfigError, match="the chart 'individuals' has no spread 'moving'; did you mean 'moving_range'"
    ):
        learn([1.0, 2.0], spread="moving")
    with pytest.raises(ConfigError, match="there is no rule 'nelsen'; did you mean 'nelson'"):
        judge(KNOWN, [1.0], rules="nelsen")
    with pytest.raises(ConfigError, match="there is no set of rules 'western'; did you mean 'western_electric'"):
        get_rule_set("western")


# Rules ----------------------------------------------------------------------------------------------------------------


def test_a_point_on_the_limit_is_inside():
    assert fired("beyond_3", [3.0, -3.0, 3.1, -3.1]) == [2, 3]


def test_two_of_three_fire_at_the_second_and_only_on_one_side():
    assert fired("two_of_three_beyond_2", [2.1, 0.0, 2.1, 0.0, 0.0, 2.1, -2.1, 2.5]) == [2, 7]


def test_a_point_inside_fires_no_rule_of_points_outside():
    assert fired("two_of_three_beyond_2", [2.1, 2.1, 0.0]) == [1]


def test_four_of_five_fire_at_the_fourth():
    assert fired("four_of_five_beyond_1", [-1.1, -1.1, 0.5, -1.1, -1.1, -1.1]) == [4, 5]


def test_eight_on_a_side_fire_at_the_eighth_and_each_after():
    assert fired("eight_on_a_side", [0.1] * 9) == [7, 8]


def test_a_point_on_the_centre_is_on_no_side():
    assert fired("nine_on_a_side", [0.1] * 8 + [0.0] + [0.1] * 8) == []


def test_six_points_that_rise_make_five_steps():
    assert fired("six_rising_or_falling", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == [5, 6]
    assert fired("six_rising_or_falling", [0.6, 0.5, 0.4, 0.4, 0.3, 0.2, 0.1]) == []


def test_fourteen_points_that_turn_each_time_alternate():
    assert fired("fourteen_alternating", [0.1, -0.1] * 7) == [13]
    assert fired("fourteen_alternating", [0.1, -0.1] * 6 + [0.1, 0.2, -0.1, 0.1]) == []


def test_fifteen_points_near_the_centre_are_too_good():
    assert fired("fifteen_within_1", [0.9, -0.9] * 8) == [14, 15]


def test_eight_points_away_from_the_centre_on_any_side_fire():
    assert fired("eight_outside_1", [1.1, -1.1] * 4) == [7]


NAIVE = {
    "beyond_3": lambda w: abs(w[-1]) > 3,
    "two_of_three_beyond_2": lambda w: any(s * w[-1] > 2 and sum(s * x > 2 for x in w) >= 2 for s in (1, -1)),
    "four_of_five_beyond_1": lambda w: any(s * w[-1] > 1 and sum(s * x > 1 for x in w) >= 4 for s in (1, -1)),
    "eight_on_a_side": lambda w: len(w) == 8 and (min(w) > 0 or max(w) < 0),
    "nine_on_a_side": lambda w: len(w) == 9 and (min(w) > 0 or max(w) < 0),
    "six_rising_or_falling": lambda w: len(w) == 6 and len(set(w)) == 6 and w in (sorted(w), sorted(w, reverse=True)),
    "fourteen_alternating": lambda w: (
        len(w) == 14 and all((b - a) * (c - b) < 0 for a, b, c in zip(w, w[1:], w[2:], strict=False))
    ),
    "fifteen_within_1": lambda w: len(w) == 15 and max(map(abs, w)) < 1,
    "eight_outside_1": lambda w: len(w) == 8 and min(map(abs, w)) > 1,
}


@pytest.mark.parametrize("name", RULES)
@given(points=POINTS)
def test_a_rule_fires_where_its_sentence_says(name: str, points: list[float]):
    size = RULES[name].points

    naive = [i for i in range(len(points)) if NAIVE[name](points[max(0, i + 1 - size) : i + 1])]

    assert fired(name, points) == naive


@pytest.mark.parametrize("name", RULES)
@given(points=POINTS)
def test_a_chart_turned_over_fires_alike(name: str, points: list[float]):
    assert fired(name, [-point for point in points]) == fired(name, points)


def test_every_rule_is_in_a_set_and_every_set_is_of_rules():
    assert {rule for rules in RULE_SETS.values() for rule in rules.rules} == set(RULES) == set(NAIVE)


# Judging --------------------------------------------------------------------------------------------------------------


def test_a_signal_says_which_rule_at_which_point_and_why():
    limits = Limits(centre=50.0, std=2.0)

    found = judge(limits, [50.0, 55.0, 51.0, 56.0], rules="western_electric")

    assert [(signal.at, signal.rule, signal.value, signal.deviations) for signal in found.signals] == [
        (3, "two_of_three_beyond_2", 56.0, 3.0)
    ]
    assert found.signals[0].why == (
        "56 is 3.0 deviations above the centre of 50: two of three points beyond 2 deviations on one side"
    )


def test_signals_come_in_the_order_of_the_points_and_then_of_the_rules():
    found = judge(KNOWN, [-2.5, -3.5, 0.0, 4.0], rules="western_electric")

    assert [(signal.at, signal.rule) for signal in found.signals] == [
        (1, "beyond_3"), (1, "two_of_three_beyond_2"), (3, "beyond_3"),
    ]  # fmt: skip


def test_a_point_without_a_value_keeps_its_place_and_ends_no_run():
    found = judge(KNOWN, [0.1] * 5 + [None] + [0.1] * 3, rules=["eight_on_a_side"])

    assert [signal.at for signal in found.signals] == [8]
    assert found.n == 8


def test_points_without_values_are_not_judged():
    assert judge(KNOWN, [None, math.nan]) == ((), 0, "no point has a value")


def test_a_small_window_may_stray_further_than_a_large_one():
    limits = learn([0.05, 0.05], chart="shares", sizes=[5_000, 5_000], spread="within")

    found = judge(limits, [0.09, 0.09], sizes=[50, 5_000])

    assert [signal.at for signal in found.signals] == [1]


def test_a_rule_named_twice_fires_once():
    assert len(judge(KNOWN, [4.0], rules=["beyond_3", "beyond_3"]).signals) == 1


def test_the_limit_and_the_rule_agree(rng: np.random.Generator):
    limits = learn(rng.normal(size=12))
    points = rng.normal(scale=3, size=200)

    outside = (points < limits.low()) | (points > limits.high())

    assert [signal.at for signal in judge(limits, points).signals] == np.flatnonzero(outside).tolist()


# How often by chance --------------------------------------------------------------------------------------------------


def test_one_rule_fires_once_in_370_points():
    assert RULE_SETS["shewhart"].average_run_length == pytest.approx(1 / (2 * scipy.stats.norm.sf(3)), abs=0.05)


def western_electric_chain() -> float:
    """Return the average run length of Western Electric's rules 1 to 4 as that of a Markov chain, as Champ & Woodall did.

    A state is the zones of the last four points, and for how many the side has been the same.
    """
    zones = {c: scipy.stats.norm.cdf(abs(c)) - scipy.stats.norm.cdf(abs(c) - 1) for c in (-3, -2, -1, 1, 2, 3)}

    def after(state: tuple[tuple[int, ...], int], zone: int) -> tuple[tuple[int, ...], int] | None:
        last = (*state[0], zone)
        side = 1 if zone > 0 else -1
        two = side * zone >= 3 and sum(side * c >= 3 for c in last[-3:]) >= 2
        four = side * zone >= 2 and sum(side * c >= 2 for c in last[-5:]) >= 4
        run = state[1] + 1 if state[0] and state[0][-1] * zone > 0 else 1
        return None if two or four or run >= 8 else (last[-4:], run)

    places, open_, moves = {((), 0): 0}, [((), 0)], []
    while open_:
        state = open_.pop()
        for zone, share in zones.items():
            if (reached := after(state, zone)) is not None:
                if reached not in places:
                    places[reached] = len(places)
                    open_.append(reached)
                moves.append((share, places[state], places[reached]))
    shares, rows, columns = zip(*moves, strict=True)
    size = len(places)
    stays = scipy.sparse.csc_matrix((shares, (rows, columns)), shape=(size, size))
    return float(scipy.sparse.linalg.spsolve(scipy.sparse.identity(size, format="csc") - stays, np.ones(size))[0])


def test_the_run_length_of_western_electrics_rules_is_the_published_one():
    assert western_electric_chain() == pytest.approx(RULE_SETS["western_electric"].average_run_length, abs=0.005)


@pytest.mark.parametrize("name", ["western_electric", "nelson"])
def test_a_set_of_rules_runs_as_long_as_it_states(name: str, rng: np.random.Generator):
    rules = [RULES[rule].fires for rule in RULE_SETS[name].rules]
    runs = []
    for _ in range(4_000):  # a run longer than 2,000 is one in a thousand million
        z = rng.normal(size=2_000)
        runs.append(int(np.argmax(np.any([fires(z) for fires in rules], axis=0))) + 1)

    # 3.3 standard errors are once in a thousand
    assert np.mean(runs) == pytest.approx(RULE_SETS[name].average_run_length, abs=3.3 * np.std(runs) / math.sqrt(4_000))


def crossings(rng: np.random.Generator, points: int, **options: str) -> int:
    """Return how many of 10,000 next points cross limits learned from so many before."""
    count = 0
    for values in rng.normal(size=(10_000, points + 1)).tolist():
        limits = learn(values[:-1], **options)
        count += not limits.low() <= values[-1] <= limits.high()
    return count


@pytest.mark.parametrize("points", [2, 6, 20])
def test_the_next_point_crosses_limits_from_few_points_as_often_as_from_many(points: int, rng: np.random.Generator):
    fewest, most = scipy.stats.binom.ppf([0.0005, 0.9995], 10_000, 2 * scipy.stats.norm.sf(3))

    assert fewest <= crossings(rng, points) <= most


def test_the_textbooks_limits_from_six_points_cry_wolf(rng: np.random.Generator):
    # 3s is crossed by the next point where |t₅| > 3 / √(1 + 1/6): 0.039
    true = 2 * scipy.stats.t.sf(3 / math.sqrt(7 / 6), 5)
    fewest, most = scipy.stats.binom.ppf([0.0005, 0.9995], 10_000, true)

    assert true == pytest.approx(0.039, abs=5e-4)
    assert fewest <= crossings(rng, 6, method="sigma") <= most


def test_limits_by_moving_ranges_are_crossed_less_often_than_stated(rng: np.random.Generator):
    # The mean of ranges has a shorter tail than Student's quantile takes for granted: once in about 570 times, not in 370
    fewest, most = scipy.stats.binom.ppf([0.0005, 0.9995], 10_000, 1 / 570)

    assert fewest <= crossings(rng, 10, spread="moving_range") <= most


def test_the_spread_of_a_reference_whose_neighbours_are_alike_is_not_that_of_its_moving_ranges(
    rng: np.random.Generator,
):
    # x_t = 0.8·x_{t-1} + e: σ² = 1/(1 - 0.64), and neighbours differ by √(2·(1 - 0.8))·σ = 0.63σ on average
    values = [0.0]
    for step in rng.normal(size=20_000).tolist():
        values.append(0.8 * values[-1] + step)

    true = 1 / 0.6
    assert learn(values, method="sigma").std == pytest.approx(true, rel=0.05)
    assert learn(values, method="sigma", spread="moving_range").std == pytest.approx(true * math.sqrt(0.2), rel=0.05)


def of_means(rng: np.random.Generator, sizes: np.ndarray, moving: float) -> tuple[np.ndarray, np.ndarray]:
    """Return windows' means and deviations of rows of variance 1, around a level that moves from window to window."""
    means = rng.normal(size=len(sizes)) * np.sqrt(moving**2 + 1 / sizes)
    return means, np.sqrt(rng.chisquare(sizes - 1) / (sizes - 1))


def outside(rng: np.random.Generator, spread: str, moving: float, windows: int) -> int:
    """Return how many next windows are outside of limits, each learned from ten windows of 20 to 40 rows."""
    count = 0
    for sizes in rng.integers(20, 40, (windows, 11)):
        means, stds = of_means(rng, sizes, moving)
        limits = learn(means[:-1], chart="means", sizes=sizes[:-1], stds=stds[:-1], spread=spread)
        count += not limits.low(size=sizes[-1]) <= means[-1] <= limits.high(size=sizes[-1])
    return count


@pytest.mark.parametrize("spread", CHARTS["means"].spreads)
def test_the_next_window_drawn_alike_is_outside_as_often_as_stated(spread: str, rng: np.random.Generator):
    fewest, most = scipy.stats.binom.ppf([0.0005, 0.9995], 10_000, 2 * scipy.stats.norm.sf(3))

    assert fewest <= outside(rng, spread, 0.0, 10_000) <= most


def test_windows_that_move_anyway_are_outside_of_limits_from_within_them(rng: np.random.Generator):
    # 30 rows leave a mean a deviation of 0.18 and limits of 0.57, and the level moves by 1: more than half are outside
    assert outside(rng, "within", 1.0, 1_000) > 500
    assert outside(rng, "between", 1.0, 1_000) < 15


def test_the_next_share_is_outside_of_its_limits_as_often_as_stated(rng: np.random.Generator):
    count = 0
    for part in rng.binomial(1_000, 0.3, (10_000, 11)) / 1_000:
        limits = learn(part[:-1], chart="shares", sizes=[1_000] * 10, spread="within")
        count += not limits.low(size=1_000) <= part[-1] <= limits.high(size=1_000)

    fewest, most = scipy.stats.binom.ppf([0.0005, 0.9995], 10_000, 2 * scipy.stats.norm.sf(3))
    assert fewest <= count <= most


def test_every_chart_learns_by_each_of_its_spreads():
    learned = {
        (chart.name, spread): learn([0.1, 0.2, 0.4], chart=chart.name, sizes=[5, 6, 7], stds=[1, 1, 1], spread=spread)
        for chart in CHARTS.values()
        for spread in chart.spreads
    }

    assert all(limits.low(size=5) < limits.centre < limits.high(size=5) for limits in learned.values())
    assert all((limits.chart, limits.spread) == key for key, limits in learned.items())
