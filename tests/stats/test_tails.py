"""Tails against SciPy, published tables, and integrals of another kind; far out, to three digits and more."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from assay.stats import tails


def by_contour(x: float, weights: np.ndarray, rest: tuple[float, float] = (0.0, 0.0)) -> float:
    """Return P(Σ w χ²₁ ≥ x) by integrating the moment generating function along a line near its saddle.

    P = 1/π ∫ Re(M(c + it) exp(-(c + it) x) / (c + it)) dt, 0 < c < 1/(2 w₁): each value has the size of the answer, so
    the relative accuracy is kept however small that is. `rest` are the sums of the weights left out and of their squares.
    """
    first = weights.max()
    c = 0.5 / first * (1 - 1 / (1 + x / first / 2))
    t = np.arange(0, 250 / first, min(0.1 / x, 0.02 / first))
    s = c + 1j * t
    logs = s * rest[0] + s * s * rest[1] - s * x
    for weight in weights:
        logs -= 0.5 * np.log(1 - 2 * s * weight)
    return float(scipy.integrate.simpson((np.exp(logs) / s).real, x=t) / math.pi)


J = np.arange(1.0, 101.0)
DARLING, MISES = 1 / (J * (J + 1)), 1 / (math.pi * J) ** 2
REST_DARLING = 1 - DARLING.sum(), math.pi**2 / 3 - 3 - (DARLING**2).sum()
REST_MISES = 1 / 6 - MISES.sum(), 1 / 90 - (MISES**2).sum()


@pytest.mark.parametrize("x", [0.7, 1.933, 2.492, 3.878, 6.0, 12.0, 20.0, 22.5])
def test_anderson_and_darlings_tail_is_that_of_the_sum_it_stands_for(x: float):
    assert tails.anderson_darling(x) == pytest.approx(by_contour(x, DARLING, REST_DARLING), rel=1e-4)


def test_anderson_and_darlings_tail_reaches_far_and_is_tested_there():
    assert tails.anderson_darling(22.5) < 1e-10


@pytest.mark.parametrize("x", [0.1, 0.347, 0.461, 0.743, 1.168, 2.5, 4.3])
def test_cramer_and_von_mises_tail_is_that_of_the_sum_it_stands_for(x: float):
    assert tails.cramer_von_mises(x) == pytest.approx(by_contour(x, MISES, REST_MISES), rel=1e-4)


@pytest.mark.parametrize(("x", "p"), [(1.248, 0.25), (1.933, 0.10), (2.492, 0.05), (3.07, 0.025), (3.857, 0.01)])
def test_anderson_and_darlings_tail_is_the_published_one(x: float, p: float):
    # D'Agostino & Stephens 1986, table 4.2, case 0; three digits, of which the last in the far tail is theirs to doubt.
    assert tails.anderson_darling(x) == pytest.approx(p, rel=0.03)


@pytest.mark.parametrize(
    ("x", "p"), [(0.11888, 0.5), (0.34730, 0.1), (0.46136, 0.05), (0.74346, 0.01), (1.16786, 0.001)]
)
def test_cramer_and_von_mises_tail_is_the_published_one(x: float, p: float):
    # Anderson & Darling 1952, table 1.
    assert tails.cramer_von_mises(x) == pytest.approx(p, rel=5e-4)


@pytest.mark.parametrize("tail", [tails.anderson_darling, tails.cramer_von_mises, tails.kolmogorov])
def test_a_tail_falls_from_one_to_nothing(tail):
    p = [tail(x) for x in np.linspace(0, 40, 4001)]

    assert p[0] == 1.0
    assert all(0 <= b <= a + 1e-12 <= 1 + 1e-12 for a, b in pairwise(p))
    assert p[-1] < 1e-15


@pytest.mark.parametrize("x", [0.3, 0.828, 1.358, 2.0, 3.45])
def test_kolmogorovs_tail_is_scipys(x: float):
    assert tails.kolmogorov(x) == pytest.approx(scipy.stats.kstwobign.sf(x), rel=1e-10)


@pytest.mark.parametrize("z", [0.0, 1.96, -1.96, 6.5, 12.0])
def test_the_normal_tail_has_both_sides(z: float):
    assert tails.normal(z) == pytest.approx(2 * scipy.stats.norm.sf(abs(z)), rel=1e-12)


@pytest.mark.parametrize("freedom", [1.0, 2.7, 30.0, 1e6])
@pytest.mark.parametrize("t", [0.0, 2.1, -4.0, 9.0])
def test_students_tail_has_both_sides(t: float, freedom: float):
    assert tails.student(t, freedom) == pytest.approx(2 * scipy.stats.t.sf(abs(t), freedom), rel=1e-9)


@pytest.mark.parametrize(("x", "freedom"), [(0.0, 3), (3.84, 1), (60.0, 4), (1200.0, 1025)])
def test_the_chi_squared_tail_is_scipys(x: float, freedom: int):
    assert tails.chi_squared(x, freedom) == pytest.approx(scipy.stats.chi2.sf(x, freedom), rel=1e-10)


def test_without_freedom_nothing_is_beyond_chance():
    assert tails.chi_squared(0.0, 0) == 1.0


@pytest.mark.parametrize(
    "weights", [[1.0], [1.0, 0.3], [2.0, 1.9, 0.5], [1.0, 0.5, 0.25, 0.125], [3.0, 1.0, 0.7, 0.2, 0.1]]
)
@pytest.mark.parametrize("x", [0.5, 3.0, 12.0, 60.0])
def test_the_tail_of_a_sum_of_squares_is_its_integral(weights: list[float], x: float):
    first, rest = weights[0], np.array(weights[1:])

    found = tails.quadratic(x, weights)

    if len(rest) == 0:
        expected = scipy.stats.chi2.sf(x / first, 1)
    elif len(rest) == 1:  # over z², normal z, so that nothing is singular
        root = math.sqrt(x / rest[0])
        inside, _ = scipy.integrate.quad(
            lambda z: 2 * scipy.stats.norm.pdf(z) * scipy.stats.chi2.sf((x - rest[0] * z * z) / first, 1), 0, root,
            epsabs=0, epsrel=1e-9,
        )  # fmt: skip
        expected = inside + 2 * scipy.stats.norm.sf(root)
    else:
        expected = by_contour(x, np.array(weights))
    assert found == pytest.approx(expected, rel=1e-3)


def test_many_weights_tend_to_anderson_and_darlings_law():
    j = np.arange(1.0, 200.0)

    assert tails.quadratic(2.0, 1 / (j * (j + 1))) == pytest.approx(tails.anderson_darling(2.0 + 1 / 200), rel=1e-3)


def test_a_sum_of_squares_is_never_negative():
    assert tails.quadratic(0.0, [1.0, 0.5]) == 1.0


@pytest.mark.parametrize(
    ("x", "freedom", "ncp"), [(3.84, 1, 7.8), (20.0, 5, 3.0), (80.0, 3, 1.0), (1500.0, 10, 1200.0), (5.0, 2, 0.0)]
)
def test_the_noncentral_tail_is_scipys(x: float, freedom: int, ncp: float):
    expected = scipy.stats.ncx2.sf(x, freedom, ncp) if ncp else scipy.stats.chi2.sf(x, freedom)

    assert tails.noncentral_chi_squared(x, freedom, ncp) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("freedom", [1, 9, 200])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.99])
def test_the_noncentrality_gives_the_power_back(freedom: int, power: float):
    limit = scipy.stats.chi2.isf(0.01, freedom)

    ncp = tails.noncentrality(limit, freedom, power=power)

    assert scipy.stats.ncx2.sf(limit, freedom, ncp) == pytest.approx(power, abs=1e-7)


def test_no_noncentrality_is_needed_for_less_than_the_level():
    assert tails.noncentrality(3.84, 1, power=0.01) == 0.0


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0], [0.5, 1 / 6, 1 / 12, 1 / 20]])
def test_the_tail_of_moved_squares_is_that_of_drawn_ones(weights: list[float]):
    rng = np.random.default_rng(7)
    w, mu = np.array(weights), np.linspace(2.5, 0.5, len(weights))
    drawn = (w * (rng.normal(size=(200_000, len(w))) + mu) ** 2).sum(1)
    x = float(np.quantile(drawn, 0.3))

    found = tails.noncentral_quadratic(x, w, mu**2)

    assert found == pytest.approx(0.7, abs=4 * math.sqrt(0.21 / 200_000))


@pytest.mark.parametrize(
    ("marked", "others", "drawn"),
    [(3, 4, 5), (40, 60, 30), (1_000, 9_000_000, 20_000), (5_000_000, 5_000_000, 7_000_000)],
)
@pytest.mark.parametrize("z", [-30.0, -5.0, -1.0, 0.0, 1.5, 6.0, 30.0])
def test_the_tail_of_drawn_ones_is_scipys(marked: int, others: int, drawn: int, z: float):
    law = scipy.stats.hypergeom(marked + others, marked, drawn)
    x = round(law.mean() + z * law.std())

    found = tails.hypergeometric(x, marked=marked, others=others, drawn=drawn)

    assert found == pytest.approx(law.sf(x - 1), rel=1e-5, abs=1e-200)
