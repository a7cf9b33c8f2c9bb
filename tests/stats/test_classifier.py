"""A classifier tells two sides apart where it can, and by rows that it did not learn from."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from assay.errors import MissingExtra
from assay.stats.classifier import Apart, classifier, tell_apart
from assay.stats.ranks import area, rank_sum

Rng = np.random.Generator


def turned(rng: Rng, n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Return sides that differ in nothing but the sign of the correlation of the first two of three columns."""
    x, y = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    x[:, 1] = 0.8 * x[:, 0] + 0.6 * x[:, 1]
    y[:, 1] = -0.8 * y[:, 0] + 0.6 * y[:, 1]
    return x, y


def test_the_comparison_stands_on_rows_that_the_model_never_met(rng: Rng):
    x, y = rng.normal(size=(90, 3)), rng.normal(size=(71, 3)) + 0.5

    apart = tell_apart(x, y, rng=rng)

    assert apart.scored is not None
    held = apart.scored.reference_scores[apart.scored.reference_late]
    new = apart.scored.current_scores[apart.scored.current_late]
    assert (len(held), len(new)) == (45, 36)
    assert apart.compared.statistic == pytest.approx(area(held, new))
    assert apart.compared.p_value == pytest.approx(rank_sum(held, new, two_sided=False))


def test_scores_come_from_a_model_that_did_not_learn_from_the_row(rng: Rng):
    # Sides alike: a model would tell its own rows apart, by heart, but not others.
    x, y = rng.normal(size=(400, 5)), rng.normal(size=(400, 5))

    apart = tell_apart(x, y, rng=rng)

    assert apart.scored is not None
    by_heart = apart.scored.models[0].predict_proba(np.concatenate([x, y]))[:, 1]
    late = np.concatenate([apart.scored.reference_late, apart.scored.current_late])
    of_current = np.concatenate([np.zeros(400), np.ones(400)]).astype(bool)
    assert area(by_heart[~late & ~of_current], by_heart[~late & of_current]) > 0.9
    assert 0.4 < area(apart.scored.reference_scores, apart.scored.current_scores) < 0.6


def test_the_comparison_alone_and_with_scores_are_the_same(rng: Rng):
    x, y = turned(rng, 100)

    assert classifier(x, y, rng=np.random.default_rng(1)) == tell_apart(x, y, rng=np.random.default_rng(1)).compared


def test_the_size_is_never_below_a_half(rng: Rng):
    found = [classifier(*rng.normal(size=(2, 40, 2)), rng=rng) for _ in range(12)]

    assert min(one.statistic for one in found) < 0.5
    assert all(0.5 <= one.size_low <= one.size <= one.size_high <= 1 for one in found)


def test_sides_of_unequal_length_are_scored_as_if_they_were_equal(rng: Rng):
    # One column of two values that says nothing: every row is as likely of either side, if these were equal.
    x, y = np.array([[0.0], [1.0]] * 500), np.array([[0.0], [1.0]] * 50)

    apart = tell_apart(x, y, rng=rng)

    assert apart.scored is not None
    assert np.concatenate([apart.scored.reference_scores, apart.scored.current_scores]) == pytest.approx(0.5, abs=0.1)


def test_a_comparison_without_an_answer_has_no_scores(rng: Rng):
    apart = tell_apart(np.ones((50, 2)), np.ones((50, 2)), rng=rng)

    assert apart == Apart(apart.compared, None)
    assert apart.compared.why == "no column has two different values"


def test_without_scikit_learn_the_way_to_install_it_is_said(rng: Rng, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)

    with pytest.raises(MissingExtra, match=r"'sklearn' is not installed; run: pip install 'assay\[drift\]'"):
        classifier(rng.normal(size=(50, 2)), rng.normal(size=(50, 2)), rng=rng)
