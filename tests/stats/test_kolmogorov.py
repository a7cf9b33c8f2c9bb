"""The laws of the greatest distance: exact ones against every deal there is, the near one against the exact ones."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from assay.stats import kolmogorov
from assay.stats.kolmogorov import beside, exact, ks, near
from assay.stats.pair import of_samples

Array = np.ndarray


def counted(shares: list[float], total: int) -> Array:
    """Return counts of about these shares that add up, the commonest place taking what is left."""
    counts = np.floor(np.array(shares) / sum(shares) * total).astype(np.int64)
    counts[np.argmax(counts)] += total - counts.sum()
    return counts


def gap_at(counts: Array, m: int, share: float) -> int:
    """Return the distance that about this share of deals reach."""
    dealt = np.random.default_rng(1).multivariate_hypergeometric(counts, m, size=3_000)
    gaps = np.abs(np.cumsum(dealt, axis=1) * counts.sum() - np.cumsum(counts) * m).max(axis=1)
    return int(np.quantile(gaps, 1 - share, method="higher"))


@pytest.mark.parametrize("find", [exact, beside])
@pytest.mark.parametrize("counts", [[1] * 8, [2, 1, 3, 2], [1, 6, 1], [5, 4], [1, 1, 7]])
@pytest.mark.parametrize("m", [2, 3, 4])
def test_the_exact_law_counts_every_deal(find, counts: list[int], m: int):
    values = np.repeat(np.arange(len(counts)), counts)
    total, ends = len(values), np.cumsum(counts)
    gaps = []
    for chosen in itertools.combinations(range(total), m):
        dealt = np.bincount(values[list(chosen)], minlength=len(counts))
        gaps.append(int(np.abs(np.cumsum(dealt) * total - ends * m).max()))

    for gap in sorted(set(gaps) - {0}):
        assert find(np.array(counts), m, gap) == pytest.approx(np.mean(np.array(gaps) >= gap), rel=1e-9)


@pytest.mark.parametrize("shares", [[0.97, *[0.001] * 30], [*[0.0015] * 10, 0.97, *[0.0015] * 10], [0.9, 0.1]])
@pytest.mark.parametrize("share", [0.3, 0.03, 0.002])
def test_counting_beside_the_commonest_value_is_counting_all(shares: list[float], share: float):
    counts = counted(shares, 900)
    gap = gap_at(counts, 300, share)

    assert beside(counts, 300, gap) == pytest.approx(exact(counts, 300, gap), rel=1e-8)


LIKE = {
    "four": [0.25] * 4,
    "falling": [0.7**k for k in range(20)],
    "zeros": [0.6, *[0.004] * 100],
    "a common middle": [*[0.01] * 30, 0.4, *[0.01] * 30],
    "thirty": [1 / 30] * 30,
    "continuous": [1.0] * 990,
    "rounded": np.exp(-(np.arange(-3, 3.05, 0.1) ** 2) / 2).tolist(),
    "with crumbs": [0.3, 0.01, 0.3, 0.005, 0.385],
}


@pytest.mark.parametrize("name", LIKE)
@pytest.mark.parametrize(("m", "n"), [(500, 490), (700, 290), (900, 90)])
@pytest.mark.parametrize("share", [0.3, 0.05, 0.005])
def test_the_near_law_is_the_exact_one_within_a_few_percent(name: str, m: int, n: int, share: float):
    counts = counted(LIKE[name], m + n)
    gap = gap_at(counts, m, share)

    allowed = 0.18 if name == "with crumbs" else 0.1  # the places between two heavy ones are not seen
    assert near(counts, m, gap) == pytest.approx(exact(counts, m, gap), rel=allowed)


@pytest.mark.parametrize("shares", [[0.995, 0.005], [0.003, 0.99, 0.007], [0.97, *[0.001] * 30]])
@pytest.mark.parametrize(("m", "n"), [(100_000, 300), (150_000, 2_000)])
def test_a_few_rare_values_in_a_small_window_are_no_alarm(shares: list[float], m: int, n: int):
    # So many lie off the commonest value that they are not counted one by one; but the window expects a handful.
    rng, counts = np.random.default_rng(4), counted(shares, m + n)
    assert counts.sum() - counts.max() > kolmogorov.EXACT
    dealt = rng.multivariate_hypergeometric(counts, m, size=1_500)
    gaps = np.abs(np.cumsum(dealt, axis=1) * (m + n) - np.cumsum(counts) * m).max(axis=1)

    p = np.array([near(counts, m, int(gap)) for gap in gaps])

    for alpha in (0.05, 0.01, 0.002):
        assert (p <= alpha).sum() <= scipy.stats.binom.ppf(1 - 1e-5, 1_500, alpha)


def test_the_three_laws_meet_where_one_takes_over_from_the_other(rng: np.random.Generator):
    x = rng.normal(size=kolmogorov.EXACT // 2)
    y = np.quantile(x, (np.arange(len(x)) + 0.5) / len(x)) + 0.13
    small, larger = ks(of_samples(x, y)).p_value, ks(of_samples(np.append(x, 0.01), y)).p_value

    assert small is not None
    assert larger == pytest.approx(small, rel=0.1)


@pytest.mark.parametrize(("m", "n"), [(50, 50), (50, 500), (50, 51), (50, 10**9)])
def test_the_steps_are_those_of_the_published_expansions(m: int, n: int):
    found = kolmogorov.steps(m, n)

    if m == n:
        assert found == 0  # a walk of equal steps meets each level exactly
    elif n % m == 0:
        assert found == pytest.approx((1 / m - 1 / n) / 6)  # of an endless sample 1/(6m): Bolshev 1963
    else:
        assert found == pytest.approx(1 / (2 * 51) * 0.98 + (1 / 50 - 1 / 51) / 6)


def test_ten_million_values_are_near_enough_at_once():
    counts = np.full(1_026, 20_000)
    scale = math.sqrt(10_260_000 / 2)
    gap = round(1.358 / scale * 10_260_000**2)

    # 1,026 places: the level is as if 0.5826/√1,026 further off
    assert near(counts, 10_260_000, gap) == pytest.approx(
        scipy.stats.kstwobign.sf(1.358 + 0.5826 / math.sqrt(1_026)), rel=1e-3
    )
