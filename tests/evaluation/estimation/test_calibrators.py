"""The curve from scores to probabilities: what it fits, what it keeps, and how sure it says it is."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.linear_model

from assay.evaluation.estimation.calibrators import basis_of, fitted

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def two_classes(score: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - score, score])


def counts(labels: np.ndarray, k: int = 2) -> np.ndarray:
    return (labels[:, None] == np.arange(k)).astype(np.float64)


def overconfident(rng: np.random.Generator, n: int) -> Arrays:
    """Return labels, scores that are too sure of themselves, and the true probabilities."""
    z = rng.normal(-0.5, 1.2, n)
    return rng.binomial(1, expit(z)), expit(0.4 + 2.5 * z), expit(z)


def test_a_line_is_logistic_regression(rng: np.random.Generator):
    labels, score, _ = overconfident(rng, 2000)
    basis = basis_of(two_classes(score), None, labels, n_knots=0)
    oracle = sklearn.linear_model.LogisticRegression(C=1e6, tol=1e-8).fit(np.log(score / (1 - score))[:, None], labels)

    p = fitted(basis, two_classes(score), None, counts(labels)).probabilities(two_classes(score), None)

    assert p[:, 1] == pytest.approx(oracle.predict_proba(np.log(score / (1 - score))[:, None])[:, 1], abs=1e-3)


@pytest.mark.parametrize("knots", [0, 4, 6])
def test_scores_that_are_too_sure_become_probabilities(knots: int, rng: np.random.Generator):
    labels, score, true = overconfident(rng, 20_000)
    basis = basis_of(two_classes(score), None, labels, n_knots=knots)

    p = fitted(basis, two_classes(score), None, counts(labels)).probabilities(two_classes(score), None)[:, 1]

    assert np.abs(score - true).mean() > 0.1
    assert np.abs(p - true).mean() < 0.01


def test_a_spline_follows_a_bend_that_a_line_cannot(rng: np.random.Generator):
    z = rng.uniform(-3, 3, 20_000)
    true = expit(1.5 - 0.6 * z**2)
    labels, scores = rng.binomial(1, true), two_classes(expit(z))

    line, curve = (
        fitted(basis_of(scores, None, labels, n_knots=knots), scores, None, counts(labels)).probabilities(scores, None)
        for knots in (0, 6)
    )

    assert np.abs(curve[:, 1] - true).mean() < 0.2 * np.abs(line[:, 1] - true).mean()


def test_beyond_the_outer_knots_a_spline_is_a_line(rng: np.random.Generator):
    labels, score, _ = overconfident(rng, 2000)
    calibrator = fitted(basis_of(two_classes(score), None, labels, n_knots=6), two_classes(score), None, counts(labels))
    beyond = expit(np.array([5.0, 6.0, 7.0]))  # the greatest knot, at 0.95, lies near 0.4 + 2.5 (-0.5 + 1.64·1.2) = 4.1

    p = calibrator.probabilities(two_classes(beyond), None)[:, 1]

    assert np.diff(np.log(p / (1 - p)), 2) == pytest.approx([0.0], abs=1e-6)


def test_the_reference_keeps_its_table_of_predictions_and_labels(rng: np.random.Generator):
    labels, score, _ = overconfident(rng, 3000)
    overruled = np.where(rng.uniform(size=3000) < 0.1, labels, score > 0.5).astype(
        np.int64
    )  # knows more than the score
    basis = basis_of(two_classes(score), overruled, labels, n_knots=4)

    p = fitted(basis, two_classes(score), overruled, counts(labels)).probabilities(two_classes(score), overruled)

    assert p[overruled == 1, 1].sum() == pytest.approx(labels[overruled == 1].sum(), rel=1e-3)
    assert p[overruled == 0, 1].sum() == pytest.approx(labels[overruled == 0].sum(), rel=1e-3)


def test_three_classes_keep_their_tables_too_and_sum_to_one(rng: np.random.Generator):
    odds = rng.normal(0, 1.2, (4000, 3))
    labels = (odds + rng.gumbel(size=odds.shape)).argmax(1)
    scores = np.exp(2 * odds) / np.exp(2 * odds).sum(1, keepdims=True)
    said = scores.argmax(1)

    p = fitted(basis_of(scores, said, labels, n_knots=4), scores, said, counts(labels, 3)).probabilities(scores, said)

    table = np.array([[((said == a) & (labels == b)).sum() for b in range(3)] for a in range(3)])
    assert p.sum(1) == pytest.approx(1.0)
    assert [p[said == c, c].sum() for c in range(3)] == pytest.approx(np.diag(table), rel=2e-3)
    assert p.sum(0) == pytest.approx(table.sum(0), rel=2e-3)


def test_the_covariance_is_how_much_fits_differ_between_references(rng: np.random.Generator):
    def mean_probability(labels: np.ndarray, score: np.ndarray) -> tuple[float, float]:
        calibrator = fitted(
            basis_of(two_classes(score), None, labels, n_knots=0), two_classes(score), None, counts(labels)
        )
        at = two_classes(np.array([0.5]))
        x = calibrator.basis.columns(calibrator.basis.log_odds(at), None, 2).ravel()
        return float(x @ calibrator.coefficients.ravel()), float(np.sqrt(x @ calibrator.covariance @ x))

    found = np.array([mean_probability(*overconfident(rng, 500)[:2]) for _ in range(400)])

    # The standard deviation of 400 normal numbers is known to 1/√800 = 3.5 %: four of these.
    assert found[:, 0].std() == pytest.approx(found[:, 1].mean(), rel=0.15)


def test_classes_that_the_score_parts_entirely_have_a_fit(rng: np.random.Generator):
    labels = np.repeat([0, 1], 100)
    scores = two_classes(np.concatenate([rng.uniform(0.0, 0.3, 100), rng.uniform(0.7, 1.0, 100)]))

    p = fitted(basis_of(scores, labels, labels, n_knots=4), scores, labels, counts(labels)).probabilities(
        scores, labels
    )

    assert p[labels == 1, 1].min() > 0.9
    assert p[labels == 0, 1].max() < 0.1


def test_scores_of_exactly_0_and_1_are_taken_for_a_little_inside(rng: np.random.Generator):
    votes = rng.integers(0, 11, 3000)
    labels, scores = rng.binomial(1, 0.1 + 0.08 * votes), two_classes(votes / 10)

    p = fitted(basis_of(scores, None, labels, n_knots=4), scores, None, counts(labels)).probabilities(scores, None)

    shares = np.array([labels[votes == v].mean() for v in range(11)])
    assert [p[votes == v, 1][0] for v in range(11)] == pytest.approx(shares, abs=0.06)


def test_a_constant_score_gives_the_share_of_its_class():
    labels, scores = np.array([0, 0, 0, 1] * 50), two_classes(np.full(200, 0.7))

    p = fitted(basis_of(scores, None, labels, n_knots=4), scores, None, counts(labels)).probabilities(scores, None)

    assert p[:, 1] == pytest.approx(0.25, abs=1e-3)
