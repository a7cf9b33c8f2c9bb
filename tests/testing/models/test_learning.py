"""A model that learns, models that cannot, and models that are no better than a constant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from assay.errors import UsageError
from assay.testing.models.answers import of_raw
from assay.testing.models.declared import model
from assay.testing.models.learning import better_than_a_dummy, learns_ten_rows, losses
from assay.verdict import Verdict
from testing.models.zoo import CHURN, COLUMNS, LABELS, logistic

NUMBERS = CHURN[COLUMNS]
AMOUNTS = (2.0 * NUMBERS["age"] - NUMBERS["visits"]).to_numpy()


class Careless(ClassifierMixin, BaseEstimator):
    """A tree with one mistake in its training."""

    def __init__(self, mistake: str = "") -> None:
        self.mistake = mistake

    def fit(self, rows: Any, labels: Any) -> Careless:
        """Fit a tree, with the mistake."""
        if self.mistake == "labels of other rows":
            labels = np.random.default_rng(1).permutation(labels)
        if self.mistake == "labels ignored":
            labels = np.random.default_rng(1).integers(0, 2, len(rows)) * 0
        self.tree_ = DecisionTreeClassifier(random_state=0).fit(self.seen(rows), labels)
        self.classes_ = np.array([0, 1])
        return self

    def seen(self, rows: Any) -> Any:
        """Return what reaches the tree."""
        return np.asarray(rows) * (0.0 if self.mistake == "features zeroed" else 1.0)

    def predict(self, rows: Any) -> Any:
        """Return labels."""
        return self.tree_.predict(self.seen(rows))


def test_a_good_model_learns_ten_rows_and_stays_as_it_is():
    good = logistic()
    before = good[-1].coef_.copy()

    outcome = learns_ten_rows(model(good, labels=LABELS), NUMBERS)

    assert outcome.verdict is Verdict.PASS
    assert outcome.why.startswith("trained on ten rows, it knows")
    assert np.array_equal(good[-1].coef_, before)


@pytest.mark.parametrize("mistake", ["labels of other rows", "labels ignored", "features zeroed"])
def test_training_that_does_not_reach_the_model_is_seen(mistake: str):
    outcome = learns_ten_rows(model(Careless(mistake), labels=LABELS), NUMBERS)

    assert outcome.verdict is Verdict.FAIL
    assert "see that each label stands beside its row" in outcome.note
    assert learns_ten_rows(model(Careless(), labels=LABELS), NUMBERS)


def test_the_labels_may_be_a_column_of_the_data():
    assert learns_ten_rows(model(logistic(), labels="churned"), NUMBERS.assign(churned=LABELS))


def test_a_model_of_values_learns_ten_rows():
    fitted = LinearRegression().fit(NUMBERS, AMOUNTS)

    assert learns_ten_rows(model(fitted, labels=AMOUNTS), NUMBERS)


def test_twenty_rows_in_a_leaf_do_not_bind():
    fitted = HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=20).fit(NUMBERS, LABELS)

    assert learns_ten_rows(model(fitted, labels=LABELS), NUMBERS)


def test_a_line_that_cannot_know_ten_rows_knows_pairs_of_them():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 1)), rng.integers(0, 2, 200)  # nothing to learn, and one column to learn it by

    outcome = learns_ten_rows(model(LogisticRegression(C=1e6).fit(x, y), labels=y), x, at_least=0.9)

    assert outcome.verdict is Verdict.PASS
    assert "both rows of each of 5 pairs" in outcome.why


def test_training_that_fails_on_ten_rows_is_not_judged():
    fitted = QuadraticDiscriminantAnalysis().fit(NUMBERS, LABELS)

    outcome = learns_ten_rows(model(fitted, labels=LABELS), NUMBERS.assign(visits=1.0))

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "it cannot be trained on ten rows" in outcome.why


def test_a_function_is_trained_by_what_is_declared():
    def train(rows: Any, labels: Any) -> Any:
        return DecisionTreeClassifier(random_state=0).fit(rows, labels)

    assert learns_ten_rows(model(lambda rows: np.zeros(len(rows)), labels=LABELS, train=train), NUMBERS)
    assert learns_ten_rows(model(lambda rows: np.zeros(len(rows)), labels=LABELS), NUMBERS).verdict is Verdict.SKIP


def test_nine_rows_are_too_few_to_learn():
    outcome = learns_ten_rows(model(logistic(), labels=LABELS[:9]), NUMBERS[:9])

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "it takes 10 rows" in outcome.why


# Better than a dummy --------------------------------------------------------------------------------------------------


def test_a_good_model_beats_the_best_constant():
    outcome = better_than_a_dummy(model(logistic(), labels=LABELS), NUMBERS)

    assert outcome.verdict is Verdict.PASS
    assert outcome.observed is not None
    assert outcome.observed.low is not None
    assert outcome.observed.low > 0


@pytest.mark.parametrize(
    "bad",
    [
        DummyClassifier(strategy="prior").fit(NUMBERS, LABELS),
        logistic().fit(NUMBERS, 1 - LABELS),
    ],
    ids=["the shares", "classes the wrong way round"],
)
def test_a_model_that_is_no_better_is_seen(bad: Any):
    assert better_than_a_dummy(model(bad, labels=LABELS), NUMBERS).verdict is Verdict.FAIL


def test_a_gain_that_may_be_luck_says_how_many_rows_would_tell():
    y = np.arange(60) % 2
    said = np.where(np.arange(60) < 36, y, 1 - y)  # 36 of 60 are right, where the commonest class has 30

    outcome = better_than_a_dummy(model(lambda rows: said, output="label", labels=y), NUMBERS)

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "rows would tell" in outcome.why


def test_a_margin_is_a_share_of_the_dummys_loss():
    subject = model(logistic(), labels=LABELS)

    assert better_than_a_dummy(subject, NUMBERS, margin=0.2)
    assert better_than_a_dummy(subject, NUMBERS, margin=0.99).verdict is Verdict.FAIL


def test_labels_of_one_kind_tell_nothing():
    assert better_than_a_dummy(model(logistic(), labels=np.ones(60)), NUMBERS).verdict is Verdict.INCONCLUSIVE


def test_labels_for_other_rows_are_refused():
    with pytest.raises(UsageError, match="labels has the shape"):
        better_than_a_dummy(model(logistic(), labels=LABELS[:5]), NUMBERS)


def test_losses_by_hand():
    chances = of_raw(np.array([[0.2, 0.8], [0.5, 0.5]]), "probability", classes=("no", "yes"))
    loss, constant = losses(chances, np.array(["yes", "no"]))
    # (0.2 - 0)² + (0.8 - 1)² = 0.08; (0.5 - 1)² + (0.5 - 0)² = 0.5; the shares (½, ½) lose ½ on each row.
    assert loss.tolist() == pytest.approx([0.08, 0.5])
    assert constant.tolist() == [0.5, 0.5]

    loss, constant = losses(of_raw(np.array([1.0, 4.0]), "value"), np.array([2.0, 4.0]))
    assert (loss.tolist(), constant.tolist()) == ([1.0, 0.0], [1.0, 1.0])  # the mean is 3

    loss, constant = losses(of_raw(["a", "b", "b"], "label"), np.array(["a", "a", "b"]))
    assert (loss.tolist(), constant.tolist()) == ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0])


def test_the_one_probability_of_a_function_is_that_of_the_last_class():
    one = of_raw([0.8, 0.1], "probability")

    assert losses(one, np.array([1, 0]))[0].tolist() == pytest.approx([0.08, 0.02])
