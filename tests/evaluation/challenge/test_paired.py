"""Paired differences: by formula where there is one, else by the bootstrap; undefined is said; nominal levels are kept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from assay.evaluation.challenge.flips import flip_rows, flips
from assay.evaluation.challenge.paired import Side, mcnemar, paired, paired_share, rows_needed
from assay.evaluation.metrics.table import metric_of
from assay.stats import delong
from assay.stats.resampling import resamples
from evaluation.challenge.rivals import rivals, two_classes


def a_side(rng: np.random.Generator, n: int = 400, *, new: float = 1.0) -> Side:
    champion, challenger = rivals(rng, n, new=new)
    return Side(champion.rows, challenger.rows, champion.units)


def test_the_difference_of_areas_is_delongs(rng: np.random.Generator):
    side = a_side(rng, new=1.5)

    found = paired(metric_of("auc"), "auc", side)

    scores = np.column_stack([side.challenger.positive, side.champion.positive])
    told = delong.paired(delong.areas(scores, side.champion.labels == 1))
    assert found.difference.value == pytest.approx(told.difference, abs=1e-12)
    assert found.p_value == pytest.approx(told.p_value, abs=1e-12)
    assert found.difference.method == "delong"


@pytest.mark.parametrize(("lost", "gained"), [(1, 8), (0, 5), (12, 12), (40, 61)])
def test_mcnemars_mid_p_is_the_binomials(lost: int, gained: int):
    n, least = lost + gained, min(lost, gained)

    # twice the tail up to the lesser count, less the probability of just that count
    expected = min(1.0, 2 * stats.binom.cdf(least, n, 0.5) - stats.binom.pmf(least, n, 0.5))

    assert mcnemar(lost, gained) == pytest.approx(expected)


def test_mcnemars_p_of_no_row_that_differs_is_one():
    assert mcnemar(0, 0) == 1.0


def test_the_law_of_many_differing_rows_agrees_with_the_exact_one():
    assert mcnemar(560, 640) == pytest.approx(
        2 * stats.binom.cdf(560, 1200, 0.5) - stats.binom.pmf(560, 1200, 0.5), rel=0.02
    )


def test_the_interval_of_paired_shares_covers_as_stated(rng: np.random.Generator):
    cells = np.array([0.70, 0.05, 0.09, 0.16])  # both right, lost, gained, neither: a difference of 0.04
    draws = rng.multinomial(150, cells, size=2000)

    held = 0
    for both, lost, gained, _ in draws:
        seen = paired_share(int(both), int(lost), int(gained), 150)
        held += seen.low <= 0.04 <= seen.high

    # of 2,000 draws at 0.95 the share lies within 0.95 ± 0.0165 at 99.9 %: 3.29·√(0.95·0.05/2000) = 0.016
    assert 0.934 <= held / 2000 <= 0.970


def test_paired_shares_of_the_same_rows_are_no_certainty():
    seen = paired_share(20, 0, 0, 20)

    assert seen.value == 0
    assert seen.low < -0.05 < 0.05 < seen.high


def test_models_that_say_the_same_have_no_difference_and_a_p_value_of_one(rng: np.random.Generator):
    side = a_side(rng)
    same = Side(side.champion, side.champion, side.units)

    for name in ("auc", "accuracy", "log_loss", "f1"):
        found = paired(metric_of(name), name, same)
        assert (found.difference.value, found.p_value) == (0, 1.0), name


def test_a_metric_that_is_undefined_for_the_challenger_has_no_difference(rng: np.random.Generator):
    labels = rng.integers(0, 2, 60)
    champion, challenger = two_classes(labels, rng.normal(size=60)), two_classes(labels, np.full(60, -9.0))

    found = paired(metric_of("precision"), "precision", Side(champion, challenger, resamples(60, rng=rng)))

    assert found.difference.value is None
    assert "for the challenger" in found.difference.why
    assert found.p_value is None


def test_the_paired_bootstrap_agrees_with_a_plain_one(rng: np.random.Generator):
    side = a_side(rng, 300, new=1.4)
    loss = [-np.log(np.take_along_axis(rows.scores, rows.labels[:, None], 1)[:, 0]) for rows in side[:2]]
    by_row = loss[1] - loss[0]

    found = paired(metric_of("log_loss"), "log_loss", side)

    plain = [by_row[rng.integers(0, 300, 300)].mean() for _ in range(2000)]
    assert found.difference.value == pytest.approx(by_row.mean())
    assert found.error == pytest.approx(np.std(plain), rel=0.12)  # both by chance: 500 and 2,000 draws, 3.5 % and 1.6 %


@pytest.mark.parametrize("name", ["auc", "accuracy", "log_loss", "mcc"])
def test_models_that_are_equally_good_differ_as_rarely_as_stated(name: str, rng: np.random.Generator):
    metric, runs = metric_of(name), 300

    alarms = sum((paired(metric, name, a_side(rng, 200)).p_value or 0.0) <= 0.05 for _ in range(runs))

    assert alarms <= stats.binom.ppf(0.9995, runs, 0.05) + 4  # 30 + 4: the normal law is a little off on 200 rows


def test_rows_needed_fall_with_the_square_of_the_distance():
    near = rows_needed(0.01, 0.01, 1000, margin=0.0, confidence=0.95)
    far = rows_needed(0.02, 0.01, 1000, margin=0.0, confidence=0.95)

    assert near == 3842  # 1000·(1.96·0.01/0.01)²
    assert far == 961
    assert rows_needed(0.0, 0.01, 1000, margin=0.0, confidence=0.95) is None


def test_flips_are_counted_by_label_and_direction():
    labels = np.array([1, 1, 0, 0, 1])
    champion = two_classes(labels, np.array([1.0, -1.0, -1.0, 1.0, 1.0]))
    challenger = two_classes(labels, np.array([1.0, 1.0, -1.0, -1.0, -1.0]))

    assert flips(champion, challenger).value == pytest.approx(3 / 5)
    # of three rows with label 1 one goes from 0 to 1 and one from 1 to 0; of two with label 0 one goes from 1 to 0
    assert set(flip_rows(champion, challenger)) == {
        ("1", "0", "1", 1, 1 / 3),
        ("1", "1", "0", 1, 1 / 3),
        ("0", "1", "0", 1, 1 / 2),
    }
