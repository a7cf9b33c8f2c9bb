"""Comparisons against SciPy and brute force, and the laws that all of the table keep: above all their rate of false alarms."""

from __future__ import annotations

import inspect
import itertools
import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigError
from assay.stats import kolmogorov, order, positions, tables, tails
from assay.stats.compared import Compared
from assay.stats.comparisons import COMPARISONS, Comparison, get_comparison, permuted
from assay.stats.intervals import Sample
from assay.stats.pair import Pair, of_categories, of_samples

Array = np.ndarray
ALL = pytest.mark.parametrize("comparison", COMPARISONS.values(), ids=lambda one: one.name)
SCALE = pytest.mark.parametrize(
    "comparison", [one for one in COMPARISONS.values() if one.on == "scale"], ids=lambda one: one.name
)
BY_ORDER = ("ks", "anderson_darling", "cramer_von_mises", "mann_whitney", "smooth", "omnibus")


def compare(name: str, reference: object, current: object) -> Compared:
    return COMPARISONS[name].compare(of_samples(reference, current))


def continuous(rng: np.random.Generator, n: int) -> Array:
    return rng.normal(size=n)


def tied(rng: np.random.Generator, n: int) -> Array:
    return rng.integers(0, 6, n).astype(float)


def rounded(rng: np.random.Generator, n: int) -> Array:
    return np.round(rng.normal(size=n), 1)


SAMPLES = pytest.mark.parametrize("draw", [continuous, tied, rounded], ids=lambda one: one.__name__)
SIZES = pytest.mark.parametrize(("m", "n"), [(30, 30), (41, 200), (300, 17), (700, 600)])


# Against SciPy and brute force ---------------------------------------------------------------------------------------


@SIZES
@SAMPLES
def test_the_ks_distance_is_scipys(draw: Callable[..., Array], m: int, n: int, rng: np.random.Generator):
    x, y = draw(rng, m), draw(rng, n)

    assert compare("ks", x, y).statistic == pytest.approx(
        scipy.stats.ks_2samp(x, y, method="asymp").statistic, rel=1e-12
    )


@pytest.mark.parametrize(("m", "n"), [(2, 2), (5, 7), (30, 30), (41, 200), (250, 250)])
def test_the_p_value_of_ks_is_the_exact_one_of_small_samples(m: int, n: int, rng: np.random.Generator):
    x, y = rng.normal(size=m), rng.normal(0.4, 1, size=n)

    assert compare("ks", x, y).p_value == pytest.approx(scipy.stats.ks_2samp(x, y, method="exact").pvalue, rel=1e-9)


@pytest.mark.parametrize(("m", "n"), [(300, 300), (301, 400), (40, 900), (500, 700)])
def test_the_p_value_of_ks_is_near_the_exact_one_of_larger_samples(m: int, n: int, rng: np.random.Generator):
    x, y = rng.normal(size=m), rng.normal(0.15, 1, size=n)

    assert compare("ks", x, y).p_value == pytest.approx(scipy.stats.ks_2samp(x, y, method="exact").pvalue, rel=0.04)


@pytest.mark.parametrize(
    ("reference", "current"),
    [([1, 1, 2, 3], [2, 3, 3, 4, 4]), ([0, 0, 0, 1, 1], [0, 1, 1, 1]), ([1, 2, 3, 4, 5], [2, 2, 9, 9])],
)
def test_the_p_value_of_ks_given_ties_is_that_of_all_ways_to_deal_the_values(reference: list[int], current: list[int]):
    pooled = np.array(reference + current)
    seen = compare("ks", reference, current)

    at_least = [
        compare("ks", pooled[list(chosen)], np.delete(pooled, list(chosen))).statistic >= seen.statistic - 1e-12
        for chosen in itertools.combinations(range(len(pooled)), len(reference))
    ]

    assert seen.p_value == pytest.approx(np.mean(at_least), rel=1e-12)


def anderson_darling_by_definition(x: Array, y: Array) -> float:
    """Return A² of Scholz & Stephens 1987, equation 7, value by value."""
    pooled, total = np.concatenate([x, y]), len(x) + len(y)
    found = 0.0
    for side in (x, y):
        for value, times in Counter(pooled.tolist()).items():
            below = (side < value).sum() + (side == value).sum() / 2
            before = (pooled < value).sum() + times / 2
            found += times / total * (total * below - len(side) * before) ** 2 / (
                before * (total - before) - total * times / 4
            ) / len(side)  # fmt: skip
    return float(found * (total - 1) / total)


@SIZES
@SAMPLES
def test_anderson_and_darlings_statistic_is_the_published_one(
    draw: Callable[..., Array], m: int, n: int, rng: np.random.Generator
):
    x, y = draw(rng, m), draw(rng, n)

    assert compare("anderson_darling", x, y).statistic == pytest.approx(anderson_darling_by_definition(x, y), rel=1e-9)


@pytest.mark.filterwarnings("ignore")  # SciPy warns where p lies outside its table, and of what it will rename
@pytest.mark.parametrize("shift", [0.25, 0.3, 0.4])
def test_the_p_value_of_anderson_and_darling_is_scipys_within_its_table(shift: float, rng: np.random.Generator):
    x = rng.normal(size=90)
    y = np.quantile(x, (np.arange(60) + 0.5) / 60) + shift

    theirs = scipy.stats.anderson_ksamp([x, y], midrank=True)

    assert 0.001 < theirs.pvalue < 0.25
    assert compare("anderson_darling", x, y).p_value == pytest.approx(theirs.pvalue, rel=0.06)


@SIZES
def test_cramer_and_von_mises_comparison_is_scipys_without_ties(m: int, n: int, rng: np.random.Generator):
    x, y = rng.normal(size=m), rng.normal(0.2, 1, size=n)
    theirs = scipy.stats.cramervonmises_2samp(x, y, method="asymptotic")

    mine = compare("cramer_von_mises", x, y)

    assert mine.statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert mine.p_value == pytest.approx(theirs.pvalue, rel=1e-5)


def test_cramer_and_von_mises_statistic_counts_ties_half(rng: np.random.Generator):
    x, y = tied(rng, 40), tied(rng, 25)
    pooled = np.concatenate([x, y])
    gaps = [((x < v).mean() + (x == v).mean() / 2) - ((y < v).mean() + (y == v).mean() / 2) for v in pooled]

    expected = 40 * 25 / 65**2 * float(np.square(gaps).sum()) + 1 / (4 * 65)

    assert compare("cramer_von_mises", x, y).statistic == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["anderson_darling", "cramer_von_mises", "smooth", "mann_whitney", "ks"])
@pytest.mark.parametrize("places", [2, 3, 6, 30])
def test_the_p_value_given_ties_is_about_that_by_permutation(name: str, places: int, rng: np.random.Generator):
    rounds = 1_500
    x, y = rng.integers(0, places, 400).astype(float), rng.integers(0, places, 300) + rng.integers(0, 2, 300) * 0.0
    pair = of_samples(x, np.where(rng.random(300) < 0.12, places - 1, y))

    def size(pair: Pair) -> float:
        found = COMPARISONS[name].compare(pair).statistic
        assert found is not None
        return abs(found - pair.n_reference * pair.n / 2) if name == "mann_whitney" else found

    p = COMPARISONS[name].compare(pair).p_value
    again = permuted(pair, size, rng=rng, rounds=rounds).p_value

    assert p is not None
    assert again is not None
    assert p == pytest.approx(again, abs=4 * math.sqrt(max(p * (1 - p), 2 / rounds) / rounds) + 0.1 * p)


@SIZES
@SAMPLES
def test_mann_and_whitneys_comparison_is_scipys(draw: Callable[..., Array], m: int, n: int, rng: np.random.Generator):
    x, y = draw(rng, m), draw(rng, n)
    theirs = scipy.stats.mannwhitneyu(y, x, method="asymptotic")

    mine = compare("mann_whitney", x, y)

    assert mine.statistic == theirs.statistic
    assert mine.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


@SIZES
@SAMPLES
def test_the_first_component_of_the_smooth_comparison_is_mann_and_whitneys(
    draw: Callable[..., Array], m: int, n: int, rng: np.random.Generator
):
    x, y = draw(rng, m), draw(rng, n)
    theirs = scipy.stats.mannwhitneyu(y, x, method="asymptotic", use_continuity=False)

    location = order.components(of_samples(x, y))["location"]

    assert 2 * scipy.stats.norm.sf(abs(location)) == pytest.approx(theirs.pvalue, rel=1e-8)


@pytest.mark.parametrize("places", [2, 3, 5])
def test_the_smooth_comparison_of_at_most_five_places_is_pearsons(places: int, rng: np.random.Generator):
    # So many polynomials as there are places less one see every difference: S = X² (N - 1)/N.
    pair = of_samples(rng.integers(0, places, 150), rng.integers(0, places, 90))

    mine = order.smooth(pair)

    assert mine.freedom == places - 1
    assert mine.statistic == pytest.approx(tables.chi_squared(pair).statistic * 239 / 240, rel=1e-9)


@SIZES
@SAMPLES
def test_the_smooth_comparison_projects_on_polynomials_of_the_pooled_ranks(
    draw: Callable[..., Array], m: int, n: int, rng: np.random.Generator
):
    x, y = draw(rng, m), draw(rng, n)
    ranks = scipy.stats.rankdata(np.concatenate([x, y])) / (m + n)
    q, _ = np.linalg.qr(np.vander(2 * ranks - 1, 5, increasing=True))
    # The share of a side's indicator that the four columns after the constant explain, times N - 1
    side = np.repeat([0.0, 1.0], [m, n]) - n / (m + n)
    expected = float(((q[:, 1:].T @ side) ** 2).sum() / (side @ side)) * (m + n - 1)

    assert compare("smooth", x, y).statistic == pytest.approx(expected, rel=1e-7)


def test_the_components_say_what_moved(rng: np.random.Generator):
    x = rng.normal(size=2_000)
    two_humps = rng.choice([-1.3, 0.5], 2_000, p=[0.2, 0.8]) + rng.normal(0, 0.4, size=2_000)
    moved = {
        "location": rng.normal(0.5, 1, size=2_000),
        "spread": rng.normal(0, 1.5, size=2_000),
        "skew": two_humps,
    }

    found = {name: order.components(of_samples(x, y)) for name, y in moved.items()}

    assert max(found["location"], key=lambda name: abs(found["location"][name])) == "location"
    assert found["location"]["location"] > 10
    assert max(found["spread"], key=lambda name: abs(found["spread"][name])) == "spread"
    assert found["spread"]["spread"] > 10
    assert abs(found["skew"]["skew"]) + abs(found["skew"]["tails"]) > 10


def test_the_p_value_of_the_smooth_comparison_has_the_mean_and_variance_of_its_permutations(rng: np.random.Generator):
    pair = of_samples(rng.exponential(size=60), rng.exponential(size=12))
    seen: list[float] = []
    permuted(pair, lambda one: seen.append(order.smooth(one).statistic or 0.0) or 0.0, rng=rng, rounds=4_000)
    drawn = np.array(seen)

    found = order.smooth(pair)

    mean, variance = drawn.mean(), drawn.var()
    expected = scipy.stats.gamma.sf(found.statistic, mean**2 / variance, scale=variance / mean)
    assert mean == pytest.approx(4, abs=4 * math.sqrt(variance / 4_000))
    assert found.p_value == pytest.approx(expected, abs=0.03)


@SIZES
@SAMPLES
def test_the_omnibus_takes_the_stronger_of_its_halves(
    draw: Callable[..., Array], m: int, n: int, rng: np.random.Generator
):
    pair = of_samples(draw(rng, m), draw(rng, n))

    halves = [COMPARISONS[name].compare(pair).p_value for name in ("anderson_darling", "smooth")]

    assert COMPARISONS["omnibus"].compare(pair).p_value == min(1.0, 2 * min(halves))


@SIZES
@SAMPLES
def test_welchs_comparison_is_scipys(draw: Callable[..., Array], m: int, n: int, rng: np.random.Generator):
    x, y = draw(rng, m), 1.3 * draw(rng, n)
    theirs = scipy.stats.ttest_ind(y, x, equal_var=False)

    mine = compare("welch", x, y)

    assert mine.statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert mine.p_value == pytest.approx(theirs.pvalue, rel=1e-8)
    assert mine.freedom == pytest.approx(theirs.df, rel=1e-9)


def test_welchs_comparison_of_moments_is_that_of_the_samples(rng: np.random.Generator):
    x, y = rng.normal(size=50), rng.normal(0.3, 2, size=20)
    a, b = (Sample(len(side), float(side.mean()), float(side.std(ddof=1))) for side in (x, y))

    found, expected = positions.welch_of_samples(a, b), compare("welch", x, y)

    assert found.p_value == pytest.approx(expected.p_value, rel=1e-9)
    assert (found.statistic, found.freedom) == pytest.approx((expected.statistic, expected.freedom), rel=1e-9)


@pytest.mark.parametrize(("name", "center"), [("levene", "mean"), ("brown_forsythe", "median")])
@SIZES
@SAMPLES
def test_the_comparison_of_spreads_is_scipys(
    name: str, center: str, draw: Callable[..., Array], m: int, n: int, rng: np.random.Generator
):
    x, y = draw(rng, m), 1.3 * draw(rng, n)
    theirs = scipy.stats.levene(x, y, center=center)

    mine = compare(name, x, y)

    assert mine.statistic == pytest.approx(theirs.statistic, rel=1e-8)
    assert mine.p_value == pytest.approx(theirs.pvalue, rel=1e-7)


@pytest.mark.parametrize(("name", "power"), [("chi_squared", 1), ("g_test", 0)])
def test_the_comparison_of_shares_is_scipys(name: str, power: int, rng: np.random.Generator):
    counts = rng.multinomial(400, [0.4, 0.3, 0.2, 0.1]), rng.multinomial(250, [0.3, 0.3, 0.2, 0.2])
    theirs = scipy.stats.chi2_contingency(np.array(counts), correction=False, lambda_=power)

    mine = COMPARISONS[name].compare(Pair(*counts, labels=tuple("abcd")))

    assert mine.statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert mine.freedom == theirs.dof
    assert mine.why == ""
    if name == "chi_squared":
        assert mine.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


def test_the_g_test_is_corrected_as_williams_said():
    # 30 of 50 beside 20 of 50: q = 1 + (2 + 2 - 1)(2 + 2 - 1)/(6 · 100) = 1.015
    found = COMPARISONS["g_test"].compare(of_categories({"a": 30, "b": 20}, {"a": 20, "b": 30}))

    assert found.p_value == pytest.approx(scipy.stats.chi2.sf(found.statistic / 1.015, 1), rel=1e-12)


def test_rare_categories_are_pooled_and_said():
    # The smaller side expects a fifth of each: 20, 16, 2 and 2; the last two together expect 4, so the next joins them.
    reference = {"a": 80, "b": 64, "c": 9, "d": 7}
    current = {"a": 20, "b": 16, "c": 1, "d": 3}

    found = COMPARISONS["chi_squared"].compare(of_categories(reference, current))
    by_hand = scipy.stats.chi2_contingency([[80, 80], [20, 20]], correction=False)

    assert found.why == "3 places expected to hold fewer than 5 values were pooled"
    assert found.freedom == 1
    assert found.statistic == pytest.approx(by_hand.statistic, abs=1e-12)


@pytest.mark.parametrize("name", ["chi_squared", "g_test", "psi"])
def test_categories_that_are_all_rare_have_no_answer_but_advice(name: str):
    found = COMPARISONS[name].compare(of_categories({"a": 2, "b": 1}, {"a": 1, "b": 2}))

    assert found.p_value is None
    assert "compare by fisher or permuted" in found.why


def test_psi_has_the_p_value_of_its_sample_sizes():
    # Shares with half a row each: 50.5/101, 50.5/101 beside 75.5/101, 25.5/101
    found = COMPARISONS["psi"].compare(of_categories({"a": 50, "b": 50}, {"a": 75, "b": 25}))
    expected = (25 / 101) * math.log(75.5 / 50.5) - (25 / 101) * math.log(25.5 / 50.5)

    assert found.statistic == pytest.approx(expected, rel=1e-12)
    assert found.p_value == pytest.approx(scipy.stats.chi2.sf(expected / (2 / 100), 1), rel=1e-12)


def test_psi_of_a_scale_stands_on_ten_groups_of_the_reference_and_fewer_where_values_are_few(rng: np.random.Generator):
    assert compare("psi", rng.normal(size=1_000), rng.normal(size=100)).freedom == 9
    assert compare("psi", rng.normal(size=1_000), rng.normal(size=30)).freedom == 5


def test_psi_of_a_constant_reference_sees_what_left_it():
    found = compare("psi", [5.0] * 100, [5.0] * 50 + [7.0] * 50)

    assert found.freedom == 1
    assert found.p_value < 1e-6


@given(st.lists(st.integers(0, 40), min_size=4, max_size=4).filter(lambda c: c[0] + c[1] > 1 and c[2] + c[3] > 1))
def test_fishers_comparison_of_two_places_is_scipys(counts: list[int]):
    a, b, c, d = counts

    mine = COMPARISONS["fisher"].compare(of_categories({"x": a, "y": b}, {"x": c, "y": d}))

    assert mine.p_value == pytest.approx(scipy.stats.fisher_exact([[a, b], [c, d]]).pvalue, rel=1e-9)


@pytest.mark.parametrize(
    "counts", [(9_000_000, 1_000_000, 8_998_000, 1_002_000), (5_000_000, 3, 5_000_000, 14), (9_999_000, 1_000, 180, 20)]
)
def test_fishers_comparison_of_millions_is_scipys(counts: tuple[int, ...]):
    a, b, c, d = counts

    mine = tables.fisher_p((a, b), (c, d))

    assert mine == pytest.approx(scipy.stats.fisher_exact([[a, b], [c, d]]).pvalue, rel=1e-5)


@pytest.mark.parametrize(("reference", "current"), [([3, 1, 2], [1, 3, 4]), ([5, 0, 0, 2], [1, 3, 2, 2])])
def test_fishers_comparison_of_more_places_counts_every_table(reference: list[int], current: list[int]):
    pooled = [a + b for a, b in zip(reference, current, strict=True)]
    drawn = sum(reference)

    def weight(table: tuple[int, ...]) -> int:
        return math.prod(math.comb(c, x) for c, x in zip(pooled, table, strict=True))

    every = [weight(t) for t in itertools.product(*(range(c + 1) for c in pooled)) if sum(t) == drawn]
    expected = sum(w for w in every if w <= weight(tuple(reference))) / sum(every)

    found = COMPARISONS["fisher"].compare(
        Pair(np.array(reference), np.array(current), labels=tuple(range(len(pooled))))
    )

    assert found.p_value == pytest.approx(expected, rel=1e-9)
    assert found.statistic == pytest.approx(weight(tuple(reference)) / sum(every), rel=1e-9)


def test_too_many_tables_are_not_counted_and_the_way_out_is_said():
    side = dict.fromkeys("abcde", 50)

    found = COMPARISONS["fisher"].compare(of_categories(side, side))

    assert found.p_value is None
    assert found.why == "5 places make more than 100,000 tables; compare by chi_squared or permuted"


@pytest.mark.parametrize(("seen", "new"), [(98, 2), (90, 10), (100, 0)])
def test_a_share_that_rises_has_the_hypergeometric_tail(seen: int, new: int):
    found = tables.share_rises(of_categories({"seen": 99, "new": 1}, {"seen": seen, "new": new}))

    assert found.p_value == pytest.approx(scipy.stats.hypergeom.sf(new - 1, 200, new + 1, 100), rel=1e-7)


# The laws of the table -----------------------------------------------------------------------------------------------

ROUNDS = 2_000
# Of 2,000 pairs that differ by chance alone, so many rejected are no chance any more: one law in 100,000 fails by chance.
MOST = {alpha: int(scipy.stats.binom.ppf(1 - 1e-5, ROUNDS, alpha)) for alpha in (0.05, 0.01)}
LEAST = int(
    scipy.stats.binom.ppf(1e-5, ROUNDS, 0.035)
)  # of samples from 1,000 on, at 0.05: not needlessly conservative
SHARES = np.array([0.05, 0.15, 0.3, 0.3, 0.15, 0.05])
# By design or by few tables: Bonferroni over two halves, exact tables, and spreads of few values.
CONSERVATIVE = {"omnibus", "fisher", "brown_forsythe", "levene"}


def of_continuous(m: int, n: int, rng: np.random.Generator) -> Pair:
    if m + n <= 2_000:
        return of_samples(rng.normal(size=m), rng.normal(size=n))
    return binned(m, n, rng)


def binned(m: int, n: int, rng: np.random.Generator) -> Pair:
    """Return the pair of histograms on 1,026 equal shares of a normal distribution, the ends not known."""
    sides = (rng.multinomial(size, EQUAL) for size in (m, n))
    return Pair(*sides, QUANTILES[:-1], QUANTILES[1:])


EQUAL = np.full(1026, 1 / 1026)
QUANTILES = np.concatenate([[-np.inf], scipy.special.ndtri(np.arange(1, 1026) / 1026), [np.inf]])
ROUNDED = np.diff(scipy.special.ndtr(np.concatenate([[-np.inf], np.arange(-30, 30) / 10 + 0.05, [np.inf]])))


def of_shares(shares: Array) -> Callable[[int, int, np.random.Generator], Pair]:
    places = np.arange(float(len(shares)))

    def draw(m: int, n: int, rng: np.random.Generator) -> Pair:
        return Pair(rng.multinomial(m, shares), rng.multinomial(n, shares), places, places)

    return draw


KINDS = {"continuous": of_continuous, "few integers": of_shares(SHARES), "rounded": of_shares(ROUNDED)}


LAW_SIZES = [(30, 30), (100, 100), (1_000, 1_000), (100_000, 100_000), (10_000, 100)]


@pytest.mark.parametrize(
    ("kind", "m", "n"),
    [*(("continuous", *sizes) for sizes in LAW_SIZES), *(("few integers", *sizes) for sizes in LAW_SIZES),
     ("rounded", 100, 100), ("rounded", 10_000, 1_000)],
)  # fmt: skip
def test_a_comparison_keeps_its_nominal_rate_of_false_alarms(kind: str, m: int, n: int, rng: np.random.Generator):
    fitting = [
        one for one in COMPARISONS.values()
        if kind == "few integers" or (kind == "rounded" and one.name == "chi_squared") or one.on == "scale" or one.name == "psi"
    ]  # fmt: skip
    p = {one.name: np.ones(ROUNDS) for one in fitting}

    for i in range(ROUNDS):
        pair = KINDS[kind](m, n, rng)
        for one in fitting:
            found = one.compare(pair).p_value
            p[one.name][i] = 1.0 if found is None else found  # undefined raises no alarm

    rates = {(name, alpha): int((each <= alpha).sum()) for name, each in p.items() for alpha in MOST}
    assert {key: count for key, count in rates.items() if count > MOST[key[1]]} == {}
    if min(m, n) >= 1_000:
        assert {name: rates[name, 0.05] for name in p if name not in CONSERVATIVE and rates[name, 0.05] < LEAST} == {}


def test_levenes_comparison_about_means_says_that_it_does_not_keep_its_rate_for_skewed_values(rng: np.random.Generator):
    found = [compare("levene", rng.exponential(size=100), rng.exponential(size=100)).p_value for _ in range(500)]

    assert np.mean(np.array(found) <= 0.05) > 0.09
    assert "too often where values are skewed" in (positions.levene.__doc__ or "")


def some_pair(comparison: Comparison, m: int = 300, n: int = 200) -> Pair:
    rng = np.random.default_rng(3)
    few = rng.multinomial(m, SHARES), rng.multinomial(n, SHARES[::-1] * 0.5 + 0.5 / 6)
    if comparison.name == "fisher":
        return of_categories({"a": 30, "b": 10}, {"a": 20, "b": 25})
    if comparison.on == "categories":
        return Pair(*few, labels=tuple("abcdef"))
    return of_samples(rng.normal(size=m), rng.normal(0.2, 1.3, size=n))


RARE = {
    "common and rare": [0.98, *[0.001] * 20],
    "two": [0.98, 0.02],
    "rare on both sides": [*[0.002] * 5, 0.98, *[0.002] * 5],
}


@pytest.mark.parametrize("name", BY_ORDER)
@pytest.mark.parametrize("kind", RARE)
def test_rare_values_beside_a_common_one_are_no_alarm_in_a_small_window(name: str, kind: str, rng: np.random.Generator):
    # A window of 200 expects four of them: a count that is far from normal.
    draw = of_shares(np.array(RARE[kind]))

    p = np.array([COMPARISONS[name].compare(draw(20_000, 200, rng)).p_value for _ in range(500)])

    for alpha in (0.05, 0.01):
        assert (p <= alpha).sum() <= scipy.stats.binom.ppf(1 - 1e-5, 500, alpha)


@ALL
def test_a_comparison_says_all_that_a_reader_needs(comparison: Comparison):
    assert COMPARISONS[comparison.name] is comparison
    assert get_comparison(comparison.name) is comparison
    for said in (comparison.title, comparison.formula, comparison.statistic, comparison.undefined, comparison.ties):
        assert said.strip() == said != ""
    assert any(character.isdigit() for character in comparison.source)
    assert "Source" in (inspect.getdoc(comparison.compare) or "") or comparison.name == "omnibus"


def test_no_comparison_is_forgotten():
    kept = {one.compare for one in COMPARISONS.values()}
    there = {
        function
        for module in (kolmogorov, order, positions, tables)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name in module.__all__ and list(inspect.signature(function).parameters) == ["pair"]
        and inspect.signature(function).return_annotation == "Compared"
    }  # fmt: skip

    assert there - kept == {tables.share_rises}  # one-sided, of one aspect only


def test_an_unknown_comparison_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"drift.yaml: there is no comparison 'kss'; did you mean 'ks'\?"):
        get_comparison("kss", place="drift.yaml")


@ALL
def test_samples_alike_have_a_p_value_of_one(comparison: Comparison):
    if comparison.on == "scale":
        pair = of_samples(np.arange(50.0), np.arange(50.0))
    else:
        pair = of_categories({"a": 30, "b": 20}, {"a": 30, "b": 20})

    assert comparison.compare(pair).p_value == pytest.approx(1.0, abs=1e-9)


@ALL
def test_samples_with_nothing_in_common_are_no_chance(comparison: Comparison):
    if comparison.name in {"levene", "brown_forsythe"}:
        pair = of_samples(np.arange(60.0), 100 * np.arange(60.0))
    elif comparison.on == "scale":
        pair = of_samples(np.arange(60.0), np.arange(100.0, 160.0))
    else:
        pair = of_categories({"a": 60}, {"b": 60})

    assert comparison.compare(pair).p_value < 1e-6


@ALL
@pytest.mark.parametrize(("reference", "current"), [(0, 0), (0, 9), (9, 0), (1, 9), (9, 1)])
def test_fewer_than_two_values_on_a_side_have_no_answer(comparison: Comparison, reference: int, current: int):
    if comparison.on == "scale":
        pair = of_samples(np.arange(float(reference)), np.arange(float(current)))
    else:
        pair = of_categories({"a": reference}, {"a": current - current // 2, "b": current // 2})

    found = comparison.compare(pair)

    assert (found.statistic, found.p_value) == (None, None)
    assert "a comparison needs 2 on each side" in found.why


@ALL
def test_values_that_are_all_equal_are_no_drift(comparison: Comparison):
    pair = of_samples([5.0] * 20, [5.0] * 30) if comparison.on == "scale" else of_categories({"a": 20}, {"a": 30})

    found = comparison.compare(pair)

    assert found.p_value == 1.0
    assert found.statistic is not None
    assert math.isfinite(found.statistic)


@pytest.mark.parametrize("name", ["welch", "brown_forsythe", "levene"])
def test_a_side_that_does_not_spread_is_undefined_where_no_other_does(name: str):
    # Means 1 and 2 without any spread; and ±1 beside ±2, each value as far out as the other.
    pair = of_samples([1.0] * 5, [2.0] * 5) if name == "welch" else of_samples([-1.0, 1.0] * 4, [-2.0, 2.0] * 4)

    found = COMPARISONS[name].compare(pair)

    assert found.p_value is None
    assert found.why != ""


def test_a_side_that_happens_not_to_spread_borrows_the_spread_of_both():
    # Ten ones of 10,000 and none of 200: s² = 9.99/(9,999 + 199), t = -0.001/√(s²(1/10,000 + 1/200))
    found = compare("welch", [1.0] * 10 + [0.0] * 9_990, [0.0] * 200)

    assert found.statistic == pytest.approx(-0.001 / math.sqrt(9.99 / 10_198 * (1 / 10_000 + 1 / 200)), rel=1e-9)
    assert found.freedom == 10_198
    assert found.p_value == pytest.approx(0.65, abs=0.01)


@SCALE
def test_categories_have_no_order_to_compare_by(comparison: Comparison):
    pair = of_categories({"a": 5, "b": 5}, {"a": 4, "b": 6})

    assert not comparison.fits(pair)
    with pytest.raises(ValueError, match="compare them by chi_squared"):
        comparison.compare(pair)


@ALL
def test_the_sides_can_be_swapped(comparison: Comparison):
    pair = some_pair(comparison)

    there, back = comparison.compare(pair), comparison.compare(pair.swapped)

    if comparison.name == "psi":  # on a scale its groups are the reference's; of categories both sides are alike
        assert pair.low is None
    assert back.p_value == pytest.approx(there.p_value, rel=1e-7)


@ALL
def test_places_without_values_do_not_matter(comparison: Comparison):
    pair = some_pair(comparison)
    spread = [np.ravel(np.column_stack([side, np.zeros_like(side)])) for side in (pair.reference, pair.current)]
    if pair.low is None:
        wider = Pair(*spread, labels=tuple(range(len(spread[0]))))
    else:
        gaps = np.append((pair.low[1:] + pair.low[:-1]) / 2, pair.low[-1] + 1)
        places = np.ravel(np.column_stack([pair.low, gaps]))
        wider = Pair(*spread, places, places)

    assert comparison.compare(wider) == pytest.approx(comparison.compare(pair))


@pytest.mark.parametrize("name", [one.name for one in COMPARISONS.values() if one.on == "categories"])
def test_the_order_of_categories_does_not_matter(name: str, rng: np.random.Generator):
    pair = some_pair(COMPARISONS[name])
    turned = rng.permutation(len(pair.reference))

    found = COMPARISONS[name].compare(Pair(pair.reference[turned], pair.current[turned], labels=tuple(turned)))

    assert found.p_value == pytest.approx(COMPARISONS[name].compare(pair).p_value, rel=1e-9)


@pytest.mark.parametrize("name", BY_ORDER)
@pytest.mark.parametrize("turn", [lambda x: np.exp(x / 10), lambda x: -x], ids=["stretched", "reversed"])
def test_only_the_order_matters_to_comparisons_by_order(
    name: str, turn: Callable[[Array], Array], rng: np.random.Generator
):
    x, y = np.round(10 * rng.normal(size=400)), np.round(10 * rng.normal(0.1, 1, size=350))

    # Of many places the law of the heavy ones is found from one end: it differs by less than a hundredth from the other.
    assert compare(name, turn(x), turn(y)).p_value == pytest.approx(compare(name, x, y).p_value, rel=0.01)


@pytest.mark.parametrize("name", ["welch", "brown_forsythe", "levene"])
def test_the_unit_does_not_matter_to_comparisons_by_position(name: str, rng: np.random.Generator):
    x, y = rng.normal(size=40), rng.normal(1, 2, size=30)

    assert compare(name, 1e9 + 60 * x, 1e9 + 60 * y).p_value == pytest.approx(compare(name, x, y).p_value, rel=1e-5)


@SCALE
def test_places_whose_ends_are_not_known_are_compared(comparison: Comparison, rng: np.random.Generator):
    pair = binned(50_000, 3_000, rng)

    found = comparison.compare(pair)

    assert found.p_value is not None
    assert 1e-5 < found.p_value <= 1


def test_what_lies_beyond_the_ends_stands_at_the_end_that_is_known():
    pair = Pair(np.array([5, 10, 5]), np.array([1, 10, 9]), np.array([-np.inf, 0.0, 4.0]), np.array([0.0, 4.0, np.inf]))

    found = COMPARISONS["welch"].compare(pair)
    theirs = scipy.stats.ttest_ind([0.0] + [2.0] * 10 + [4.0] * 9, [0.0] * 5 + [2.0] * 10 + [4.0] * 5, equal_var=False)

    assert positions.positions(pair).tolist() == [0.0, 2.0, 4.0]
    assert found.statistic == pytest.approx(theirs.statistic)


@SCALE
def test_infinite_values_are_values(comparison: Comparison):
    found = comparison.compare(of_samples([-np.inf, *range(30)], [*range(10, 40), np.inf]))

    assert found.p_value is not None
    assert 0 < found.p_value <= 1


@ALL
@pytest.mark.parametrize(("m", "n"), [(10_000_000, 10_000_000), (10_000_000, 200)])
def test_ten_million_values_are_compared_without_overflow(
    comparison: Comparison, m: int, n: int, rng: np.random.Generator
):
    if comparison.name == "fisher":
        pair = of_categories({"a": m - m // 10, "b": m // 10}, {"a": n - n // 10 - 3, "b": n // 10 + 3})
    else:
        pair = binned(m, n, rng)

    found = comparison.compare(pair)

    if comparison.name in {"chi_squared", "g_test"} and n == 200:  # no bin expects five of 200 values
        assert found.p_value is None
    else:
        assert found.p_value is not None
        assert 1e-4 < found.p_value <= 1


COUNTS = st.integers(2, 12).flatmap(
    lambda k: st.tuples(*(st.lists(st.integers(0, 60), min_size=k, max_size=k) for _ in range(2)))
)


@given(COUNTS)
def test_any_two_rows_of_counts_have_a_p_value_or_a_reason(counts: tuple[list[int], list[int]]):
    places = np.arange(float(len(counts[0])))
    pair = Pair(np.array(counts[0]), np.array(counts[1]), places, places)

    for comparison in COMPARISONS.values():
        found = comparison.compare(pair)

        if found.p_value is None:
            assert found.statistic is None
            assert found.why != "", comparison.name
        else:
            assert 0 <= found.p_value <= 1, comparison.name
            assert math.isfinite(found.statistic), comparison.name
            swapped = comparison.compare(pair.swapped).p_value
            assert comparison.name == "psi" or swapped == pytest.approx(found.p_value, rel=1e-6, abs=1e-12), (
                comparison.name
            )


# By permutation ------------------------------------------------------------------------------------------------------


def test_a_p_value_by_permutation_is_about_the_exact_one(rng: np.random.Generator):
    pair = of_samples(rng.integers(0, 8, 40), rng.integers(1, 9, 30))
    exact = kolmogorov.ks(pair).p_value
    assert exact is not None

    found = permuted(pair, lambda one: kolmogorov.ks(one).statistic or 0.0, rng=rng, rounds=2_000)

    assert found.p_value == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 2_000) + 1 / 2_000)


def test_a_p_value_by_permutation_is_never_nothing(rng: np.random.Generator):
    found = permuted(
        of_samples([1.0] * 40, [2.0] * 40), lambda one: kolmogorov.ks(one).statistic or 0.0, rng=rng, rounds=99
    )

    assert found.p_value == 0.01
    assert found.why == "99 rounds"


def test_a_statistic_that_never_changes_has_a_p_value_of_one(rng: np.random.Generator):
    assert permuted(of_samples([1, 2], [3, 4]), lambda one: 0.1 + 0.2, rng=rng, rounds=19).p_value == 1.0


def test_permutation_needs_two_values_on_each_side_and_a_round(rng: np.random.Generator):
    assert permuted(of_samples([1.0], [2.0, 3.0]), lambda one: 0.0, rng=rng).p_value is None
    with pytest.raises(ValueError, match="rounds is 0; at least 1"):
        permuted(of_samples([1, 2], [2, 3]), lambda one: 0.0, rng=rng, rounds=0)


def test_the_p_value_of_a_comparison_is_the_tail_that_it_names(rng: np.random.Generator):
    pair = binned(40_000, 30_000, rng)

    assert order.anderson_darling(pair).p_value == pytest.approx(
        tails.anderson_darling(order.anderson_darling(pair).statistic), rel=1e-12
    )
