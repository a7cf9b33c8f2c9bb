"""Corrections against SciPy, published examples, and what they promise: how often they are wrong."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigError
from assay.stats.corrections import CORRECTIONS, Correction, adjusted, benjamini_hochberg, get_correction, holm, simes

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)
ALL = list(CORRECTIONS.values())
REAL = [c for c in ALL if c.keeps != "each"]
# The fifteen p-values of Benjamini & Hochberg 1995, section 3.2: at 0.05 their procedure rejects four, Bonferroni's three.
PUBLISHED = (0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
             0.7590, 1.0)  # fmt: skip


def by_name(correction: Correction) -> str:
    return correction.name


@given(P_VALUES)
def test_benjamini_hochberg_is_scipys(p: np.ndarray):
    assert benjamini_hochberg(p) == pytest.approx(scipy.stats.false_discovery_control(p, method="bh"))


@given(P_VALUES)
def test_benjamini_yekutieli_is_scipys(p: np.ndarray):
    theirs = scipy.stats.false_discovery_control(p, method="by")

    assert get_correction("benjamini_yekutieli").adjust(p) == pytest.approx(theirs)


@given(P_VALUES)
def test_holm_is_what_its_steps_say(p: np.ndarray):
    # Naively: the i-th smallest (from 0) times the number not yet passed, and never below the one before.
    naive: dict[int, float] = {}
    greatest = 0.0
    for i, k in enumerate(sorted(range(len(p)), key=lambda k: p[k])):
        greatest = max(greatest, (len(p) - i) * p[k])
        naive[k] = min(greatest, 1.0)

    assert holm(p).tolist() == [naive[k] for k in range(len(p))]


@pytest.mark.parametrize(("name", "count"), [("benjamini_hochberg", 4), ("bonferroni", 3), ("holm", 3), ("none", 9)])
def test_the_published_example_rejects_as_many(name: str, count: int):
    assert sum(p <= 0.05 for p in adjusted(name, PUBLISHED)) == count


@pytest.mark.parametrize("correction", ALL, ids=by_name)
@given(p=P_VALUES)
def test_adjusting_keeps_the_order_and_only_raises(correction: Correction, p: np.ndarray):
    after = correction.adjust(p)

    assert (after >= p * (1 - 1e-12)).all()
    assert (after <= 1).all()
    assert (np.diff(after[np.argsort(p, kind="stable")]) >= 0).all()


@pytest.mark.parametrize("correction", ALL, ids=by_name)
@given(p=P_VALUES, seed=st.integers(0, 1_000))
def test_the_order_of_the_columns_does_not_matter(correction: Correction, p: np.ndarray, seed: int):
    order = np.random.default_rng(seed).permutation(len(p))

    assert correction.adjust(p[order]).tolist() == correction.adjust(p)[order].tolist()


@pytest.mark.parametrize("correction", ALL, ids=by_name)
def test_one_comparison_needs_no_correction(correction: Correction):
    assert adjusted(correction.name, [0.03]) == (0.03,)


@pytest.mark.parametrize("correction", ALL, ids=by_name)
def test_nothing_gives_nothing(correction: Correction):
    assert adjusted(correction.name, []) == ()
    assert adjusted(correction.name, [None, None]) == (None, None)


@pytest.mark.parametrize("correction", ALL, ids=by_name)
def test_an_undefined_p_value_stays_so_and_does_not_count(correction: Correction):
    with_none = adjusted(correction.name, [0.01, None, 0.2, None, 0.02])

    assert with_none[1] is None
    assert with_none[3] is None
    assert (with_none[0], with_none[2], with_none[4]) == adjusted(correction.name, [0.01, 0.2, 0.02])


@pytest.mark.parametrize("wrong", [-0.01, 1.01, math.nan])
@pytest.mark.parametrize("correction", ALL, ids=by_name)
def test_what_is_no_p_value_is_refused(correction: Correction, wrong: float):
    with pytest.raises(ValueError, match=r"a p-value is .*; each is in \[0, 1\], and None where it is undefined"):
        adjusted(correction.name, [0.5, wrong])


def test_an_unknown_correction_names_the_nearest():
    with pytest.raises(ConfigError, match="there is no correction 'holms'; did you mean 'holm'"):
        adjusted("holms", [0.1])


def test_simes_is_the_least_of_the_adjusted():
    # 3 · 0.01 / 1 = 0.03, 3 · 0.02 / 2 = 0.03, 3 · 0.9 / 3 = 0.9
    assert simes(np.array([0.02, 0.9, 0.01])) == pytest.approx(0.03)
    assert simes(np.array([])) is None


# Promises -------------------------------------------------------------------------------------------------------------

TABLES, COLUMNS = 4_000, 20
ALPHA = 0.05


def independent(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(TABLES, COLUMNS))


def alike(rng: np.random.Generator) -> np.ndarray:
    """Columns whose scores rise together, with a correlation of 0.7."""
    return math.sqrt(0.7) * rng.normal(size=(TABLES, 1)) + math.sqrt(0.3) * rng.normal(size=(TABLES, COLUMNS))


Draw = Callable[[np.random.Generator], np.ndarray]
DRAWS = pytest.mark.parametrize("draw", [independent, alike])


def rejections(correction: Correction, scores: np.ndarray) -> np.ndarray:
    """Return which of the tables' columns are called drift, by one-sided p-values of normal scores."""
    return np.array([correction.adjust(p) <= ALPHA for p in scipy.stats.norm.sf(scores)])


def most(expected: float, deviation: float) -> float:
    """Return what a mean of so many tables exceeds once in ten thousand times."""
    return expected + 3.72 * deviation / math.sqrt(TABLES)


@DRAWS
@pytest.mark.parametrize("correction", REAL, ids=by_name)
def test_a_table_without_drift_cries_wolf_at_most_as_often_as_stated(
    correction: Correction, draw: Draw, rng: np.random.Generator
):
    false = rejections(correction, draw(rng)).any(axis=1)

    assert false.mean() <= most(ALPHA, math.sqrt(ALPHA * (1 - ALPHA)))


def test_uncorrected_columns_cry_wolf_in_most_tables(rng: np.random.Generator):
    # 1 - 0.95²⁰ = 0.64
    false = rejections(CORRECTIONS["none"], independent(rng)).any(axis=1)

    assert false.mean() == pytest.approx(1 - 0.95**20, abs=4 * 0.48 / math.sqrt(TABLES))


@DRAWS
@pytest.mark.parametrize("correction", [c for c in ALL if c.keeps == "fdr"], ids=by_name)
def test_few_of_those_called_drift_are_false(correction: Correction, draw: Draw, rng: np.random.Generator):
    scores = draw(rng)
    scores[:, :5] += 3.0  # five columns of twenty have moved

    called = rejections(correction, scores)
    false = called[:, 5:].sum(axis=1) / np.maximum(called.sum(axis=1), 1)

    # Three quarters of the columns are as they were: the expected share is at most 0.75 · α.
    assert false.mean() <= most(ALPHA * 0.75, false.std())


@DRAWS
@pytest.mark.parametrize("correction", [c for c in ALL if c.keeps == "fwer"], ids=by_name)
def test_columns_that_moved_cost_the_others_nothing(correction: Correction, draw: Draw, rng: np.random.Generator):
    scores = draw(rng)
    scores[:, :5] += 3.0

    false = rejections(correction, scores)[:, 5:].any(axis=1)

    assert false.mean() <= most(ALPHA, math.sqrt(ALPHA * (1 - ALPHA)))


def test_benjamini_hochberg_finds_more_than_holm(rng: np.random.Generator):
    scores = independent(rng)
    scores[:, :5] += 3.0

    found = [rejections(CORRECTIONS[name], scores)[:, :5].mean() for name in ("benjamini_hochberg", "holm")]

    assert found[0] > found[1] + 0.05


def test_simes_keeps_its_level(rng: np.random.Generator):
    below = np.mean([simes(p) <= ALPHA for p in rng.random((TABLES, COLUMNS))])

    # Exactly α for independent uniform p-values (Simes 1986)
    assert below == pytest.approx(ALPHA, abs=4 * math.sqrt(ALPHA * (1 - ALPHA) / TABLES))
