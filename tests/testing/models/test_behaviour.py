"""What a model must know, what must leave its answer, and what must move it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.explaining import explained
from assay.testing.models.behaviour import directional, failure_rate, invariant, known_outputs, monotone
from assay.testing.models.declared import model
from assay.testing.models.edits import adding, edit_of, renaming, resampling, scaling, setting
from assay.verdict import Verdict
from testing.models.zoo import CHURN, COLUMNS, Asked, logistic, sigmoid

NUMBERS = CHURN[COLUMNS]
LOANS = pd.DataFrame(
    {"income": np.linspace(10.0, 100.0, 40), "debt": np.tile([0.0, 5.0, 10.0, 20.0], 10), "gender": ["f", "m"] * 20}
)
SWAP = {"gender": {"f": "m", "m": "f"}}


def fair(frame: Any) -> Any:
    """Return a probability that rises with the income and falls with the debt."""
    return sigmoid(np.asarray(frame["income"]) / 50 - np.asarray(frame["debt"]) / 10)


def unfair(frame: Any) -> Any:
    """Return the same, less 0.1 for women with debts of 20."""
    return fair(frame) - 0.1 * ((np.asarray(frame["gender"]) == "f") & (np.asarray(frame["debt"]) == 20.0))


# Known rows -----------------------------------------------------------------------------------------------------------


def test_known_labels_numbers_and_bounds_are_met():
    yes = Asked(lambda frame: np.column_stack([1 - fair(frame), fair(frame)]))
    examples = [
        (LOANS[-4:-3], "yes"),
        (LOANS[:2], ["yes", "no"]),
        (LOANS[:1], (0.5, 0.6)),
        (LOANS[-1:], (None, 0.99)),
        (LOANS[:1], fair(LOANS[:1])[0]),
    ]

    outcome = known_outputs(model(yes, examples=examples))

    assert outcome.verdict is Verdict.PASS
    assert outcome.why.startswith("6 of 6 known rows are answered as they must be: a failure rate of 0 [0, 0.39]")


def test_a_known_row_that_is_answered_otherwise_is_shown():
    outcome = known_outputs(
        model(fair, name="loans", output="probability", examples=[(LOANS[:3], [(0.9, None), (0, 1), 0.25])])
    )

    assert outcome.verdict is Verdict.FAIL
    assert "2 of 3 known rows are answered otherwise: a failure rate of 0.667" in outcome.why
    assert [(e.row, e.values["expected"]) for e in outcome.examples] == [(0, "at least 0.9"), (2, 0.25)]
    assert outcome.observed is not None
    assert outcome.observed.method == "wilson"


def test_an_example_with_another_number_of_answers_is_refused():
    with pytest.raises(UsageError, match="3 rows and says what 2 must be answered with"):
        known_outputs(model(fair, examples=[(LOANS[:3], [1.0, 2.0])]))


def test_a_contract_without_its_declaration_is_refused():
    with pytest.raises(UsageError, match="known_outputs of fair needs examples="):
        known_outputs(model(fair))


# Invariance -----------------------------------------------------------------------------------------------------------


def test_a_model_that_never_looks_at_the_gender_is_invariant_to_it():
    outcome = invariant(model(fair, invariant_to=SWAP), LOANS)

    assert outcome.verdict is Verdict.PASS
    assert outcome.n_rows == 40


def test_the_rows_that_move_with_the_gender_are_shown_with_their_answers():
    outcome = invariant(model(unfair, name="loans", invariant_to=SWAP), LOANS)

    # Debts of 20 stand in each fourth row, all of men: turned to women they lose 0.1.
    assert outcome.n_failing == 10
    assert "10 of 40 answers move that should not: a failure rate of 0.25 [0.142, 0.402]" in outcome.why
    assert outcome.examples[0].values["gender"] == "m -> f"
    assert "gender: 'f' to 'm', 'm' to 'f'" in explained(outcome)


def test_within_says_how_far_an_answer_may_move():
    assert invariant(model(unfair, invariant_to=SWAP), LOANS, within=0.11)


@pytest.mark.parametrize(("allow", "verdict"), [(0.5, "pass"), (0.3, "inconclusive"), (0.05, "fail")])
def test_the_whole_interval_is_compared_with_the_share_that_may_fail(allow: float, verdict: str):
    # 10 of 40: Wilson's interval is [0.142, 0.402].
    outcome = invariant(model(unfair, invariant_to=SWAP), LOANS, allow=allow)

    assert outcome.verdict.value == verdict


def test_no_failure_in_few_rows_says_how_many_it_takes():
    # z²/(n + z²) <= 0.01 from n = 3.8415 * 99 = 380.3 on.
    outcome = invariant(model(fair, invariant_to=SWAP), LOANS, allow=0.01)

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.note == "give more rows: 381 without a failure would tell"


def test_an_edit_that_changes_nothing_tells_nothing():
    outcome = invariant(model(fair, invariant_to={"gender": {"x": "y"}}), LOANS)

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "changes none of 40 rows" in outcome.why


def test_labels_that_flip_are_counted():
    def label(frame: Any) -> Any:
        return np.where((frame["gender"] == "f") & (frame["income"] > 50), "no", "yes")

    assert invariant(model(label, invariant_to=SWAP), LOANS).n_failing == int((LOANS["income"] > 50).sum())


def test_an_edit_may_be_a_function_of_a_frame():
    def anonymous(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.lit("x").alias("gender"))

    assert invariant(model(fair, invariant_to=anonymous), LOANS)


def test_an_edit_that_drops_rows_is_refused():
    with pytest.raises(UsageError, match="changed the rows' number or columns"):
        invariant(model(fair, invariant_to=lambda frame: frame[:5]), LOANS)


# Direction ------------------------------------------------------------------------------------------------------------


def test_more_debt_makes_no_better_customer():
    edits = [(adding("debt", 5.0), "down"), (scaling("income", 1.1), "up")]

    assert directional(model(fair, directional=edits), LOANS).why.startswith(
        "80 of 80 answers move the right way or stay; 80 move"
    )


def test_a_sign_turned_round_is_shown_worst_row_first():
    outcome = directional(model(fair, directional=[(adding("debt", 5.0), "up")]), LOANS)

    assert outcome.n_failing == 40
    falls = [e.values["after"] - e.values["before"] for e in outcome.examples]
    assert falls == sorted(falls)
    assert outcome.examples[0].why == "debt: +5"


def test_a_feature_that_is_not_read_moves_nothing_where_it_must():
    subject = model(lambda frame: np.asarray(frame["income"]), directional=[(adding("debt", 5.0), "down")])

    assert directional(subject, LOANS).verdict is Verdict.INCONCLUSIVE
    assert directional(subject, LOANS, at_least=0.1).verdict is Verdict.FAIL


def test_labels_without_an_order_have_no_direction():
    with pytest.raises(UsageError, match="answers labels, which have no order"):
        directional(model(lambda frame: ["a"] * len(frame), directional=[(adding("debt", 5.0), "up")]), LOANS)


def test_of_three_classes_the_one_that_is_meant_is_said():
    three = lambda frame: np.column_stack([1 - fair(frame), fair(frame) / 2, fair(frame) / 2])  # noqa: E731
    declared: dict[str, Any] = {"output": "probability", "classes": ("no", "maybe", "yes"), "increasing": "income"}

    with pytest.raises(UsageError, match="declare positive="):
        monotone(model(three, **declared), LOANS)
    assert monotone(model(three, positive="yes", **declared), LOANS)
    assert not monotone(model(three, positive="no", **declared), LOANS)


# Monotone -------------------------------------------------------------------------------------------------------------


def test_a_monotone_model_keeps_the_contract_both_ways():
    outcome = monotone(model(fair, increasing="income", decreasing="debt"), LOANS)

    assert outcome.verdict is Verdict.PASS
    assert "80 of 80 rows are monotone in income, debt, at 9 values" in outcome.why


def test_one_place_where_the_answer_turns_back_is_found_and_shown():
    def wavy(frame: Any) -> Any:
        income = np.asarray(frame["income"], dtype=float)
        return np.where(income > 60, income - 30, income)  # 60 -> 60, but 69 -> 39

    outcome = monotone(model(wavy, increasing="income"), LOANS)

    # Of 9 values at equal shares of rows from 10 to 100, 56.2 is the last one below 60 and 65.4 (answered 35.4) the first above.
    assert outcome.n_failing == 40
    assert outcome.examples[0].values["income"] == "56.1538 -> 65.3846"
    assert "it must not fall" in explained(outcome)


def test_labels_that_are_numbers_may_be_monotone():
    assert monotone(model(lambda frame: (np.asarray(frame["income"]) > 50).astype(int), increasing="income"), LOANS)


def test_noise_of_single_precision_turns_nothing_back():
    rng = np.random.default_rng(0)

    def noisy(frame: Any) -> Any:
        income = np.asarray(frame["income"], dtype=np.float32)
        return np.round(income / 50) + (rng.normal(size=len(income)) * 1e-6).astype(np.float32)

    assert monotone(model(noisy, increasing="income"), LOANS)


@pytest.mark.parametrize(
    ("column", "said"), [("gender", "which neither grows nor falls"), ("incme", "there is no column")]
)
def test_a_column_that_cannot_be_swept_is_refused(column: str, said: str):
    with pytest.raises(UsageError, match=said):
        monotone(model(fair, increasing=column), LOANS)


def test_a_column_of_one_value_tells_nothing():
    assert monotone(model(fair, increasing="income"), LOANS.assign(income=5.0)).verdict is Verdict.INCONCLUSIVE


def test_without_a_declared_column_there_is_nothing_to_judge():
    assert monotone(model(fair), LOANS).verdict is Verdict.SKIP


def test_whole_numbers_are_swept_by_the_values_they_have():
    seen: set[str] = set()
    good = logistic()

    def answer(frame: Any) -> Any:
        seen.add(str(frame["visits"].dtype))
        return good.predict_proba(frame)

    assert monotone(model(answer, output="probability", increasing="visits"), NUMBERS)
    assert seen == {"int64"}


# Edits and rates ------------------------------------------------------------------------------------------------------


def test_resampling_gives_values_of_rows_alike():
    frame = pl.DataFrame({"sex": ["f", "f", "m", "m"], "pregnant": [1, 0, 5, 6]})
    rng = np.random.default_rng(0)

    drawn = [resampling("pregnant", within="sex").apply(frame, rng)["pregnant"].to_list() for _ in range(20)]

    assert all(sorted(values[:2]) == [0, 1] and sorted(values[2:]) == [5, 6] for values in drawn)
    assert len({tuple(values) for values in drawn}) > 1


def test_setting_keeps_the_type_of_the_column():
    assert setting("x", 3).apply(pl.DataFrame({"x": [1.5]}), np.random.default_rng(0)).schema["x"] == pl.Float64


def test_edits_of_columns_that_are_not_there_or_hold_text_are_refused():
    frame, rng = pl.DataFrame({"name": ["a"]}), np.random.default_rng(0)

    with pytest.raises(UsageError, match="there is no column 'nam' to edit; did you mean 'name'"):
        renaming("nam", {"a": "b"}).apply(frame, rng)
    with pytest.raises(UsageError, match="to which no number can be added"):
        adding("name", 1).apply(frame, rng)


def test_an_edit_is_told_by_its_form():
    assert edit_of({"g": {"a": "b"}}).name == "g: 'a' to 'b'"
    assert edit_of(adding("x", 2)).name == "x: +2"


@pytest.mark.parametrize(
    ("failing", "n", "allow", "verdict"),
    [
        (0, 5, 0.0, "pass"),
        (1, 10_000, 0.0, "fail"),
        (0, 1000, 0.01, "pass"),
        (50, 1000, 0.01, "fail"),
        (1, 100, 0.01, "inconclusive"),
    ],
)
def test_a_failure_rate_is_judged_by_its_interval(failing: int, n: int, allow: float, verdict: str):
    assert failure_rate(failing, n, allow)[1].value == verdict
