"""What models take and what they answer: good code keeps each contract, and each mistake breaks its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.contract import ContractBroken, expect, run_contracts
from assay.testing.explaining import explained
from assay.testing.models.bad_values import infinite_values, missing_values, unseen_categories
from assay.testing.models.columns import column_order, extra_features, missing_features
from assay.testing.models.declared import model
from assay.testing.models.inputs import accepts_input, all_zero_input, keeps_input, no_rows
from assay.testing.models.outputs import labels_agree, not_constant, output_range, output_schema, probabilities
from assay.testing.models.stability import batch_invariance, repeatable
from assay.testing.models.table import MODEL_CONTRACTS
from assay.verdict import Outcome, Verdict
from testing.models.zoo import CHURN, COLUMNS, LABELS, Asked, logistic, sigmoid

NUMBERS = CHURN[COLUMNS]
ARRAY = NUMBERS.to_numpy()
GAPS = NUMBERS.assign(age=np.nan)


def linear(frame: Any) -> Any:
    """Return a good value: a plain sum of named columns."""
    return (0.5 * frame["age"] + 2.0 * frame["visits"] - frame["income"]).to_numpy()


def kept(judge: Callable[..., Outcome], function: Any, data: Any, **declared: Any) -> Outcome:
    return judge(model(function, name="churn", **declared), data)


def breaks(judge: Callable[..., Outcome], function: Any, data: Any, **declared: Any) -> str:
    """Return the whole message of a contract that a model breaks."""
    outcome = judge(model(function, name="churn", **declared), data)
    assert outcome.verdict is Verdict.FAIL, outcome
    return explained(outcome)


GOOD = (
    accepts_input, output_schema, output_range, probabilities, labels_agree, not_constant, all_zero_input, no_rows,
    missing_values, infinite_values, missing_features, extra_features, column_order, keeps_input, batch_invariance, repeatable,
)  # fmt: skip


@pytest.mark.parametrize("judge", GOOD, ids=lambda judge: judge.__name__)
def test_a_good_classifier_keeps_every_contract_of_its_answers(judge: Callable[..., Outcome]):
    outcome = kept(judge, logistic(), NUMBERS)

    assert outcome.verdict is Verdict.PASS
    assert outcome.why


@pytest.mark.parametrize("kind", ["polars", "array", "records", "pyarrow"])
def test_rows_of_every_kind_are_handed_over_as_they_are(kind: str):
    seen: set[type] = set()
    frame = pl.from_pandas(NUMBERS)
    data = {"polars": frame, "array": ARRAY, "records": frame.to_dicts(), "pyarrow": frame.to_arrow()}[kind]

    def answer(given: Any) -> Any:
        seen.add(type(given))
        columns = len(given[0]) if isinstance(given, list) else given.shape[1]
        assert columns == 3
        if isinstance(given, list):
            ages = np.array([one["age"] for one in given])
        else:
            ages = given[:, 0] if isinstance(given, np.ndarray) else np.asarray(given["age"])
        return np.nan_to_num(ages.astype(float), posinf=99.0, neginf=0.0)

    before = str(data)
    outcomes = run_contracts(MODEL_CONTRACTS, model(answer, name="age"), data)

    assert {o.check: o.why for o in outcomes if o.verdict not in (Verdict.PASS, Verdict.SKIP)} == {}
    assert seen == {type(data)}
    assert str(data) == before


# The declared input ---------------------------------------------------------------------------------------------------


def test_a_crash_on_the_declared_input_is_said():
    def answer(frame: Any) -> Any:
        return frame["agee"]

    assert "it refused 60 rows as they are: KeyError" in breaks(accepts_input, answer, NUMBERS)


def test_answers_that_follow_the_pandas_index_are_seen():
    def answer(frame: Any) -> Any:
        return frame["age"].groupby(level=0).transform("mean").to_numpy()

    message = breaks(accepts_input, answer, NUMBERS)

    assert "with another pandas index, some labels twice" in message
    assert "expected" in message


def test_a_model_that_writes_into_its_input_refuses_an_array_that_cannot_be_written_to():
    def answer(array: Any) -> Any:
        array -= 1.0
        return array.sum(axis=1)

    assert "refused the same rows in an array that cannot be written to" in breaks(accepts_input, answer, ARRAY)


def test_an_array_read_in_the_order_of_memory_is_seen():
    def answer(array: Any) -> Any:
        return array.ravel(order="K")[: len(array)]

    assert "in Fortran's order of memory" in breaks(accepts_input, answer, ARRAY)


def test_one_and_one_point_nought_must_not_be_told_apart_in_silence():
    def answer(frame: Any) -> Any:
        return np.array([len(str(visits)) for visits in frame["visits"]], dtype=float)

    message = breaks(accepts_input, answer, NUMBERS)

    assert "where the same rows are given with whole numbers as floats" in message


def test_data_that_strays_from_the_reference_is_said():
    other = NUMBERS.assign(visits=NUMBERS["visits"].astype(float))

    message = breaks(accepts_input, linear, other, reference=NUMBERS)

    assert "'visits' holds Float64 in the data, and Int64 in the reference" in message


def test_without_data_the_reference_is_judged():
    assert accepts_input(model(linear, reference=NUMBERS)).n_rows == 60


def test_without_data_and_reference_there_is_nothing_to_judge():
    with pytest.raises(UsageError, match="give data, or declare reference="):
        accepts_input(model(linear))


# Shape, range, probabilities ------------------------------------------------------------------------------------------


def test_a_squeezed_batch_of_one_is_seen():
    message = breaks(output_schema, lambda frame: np.squeeze(frame[["age", "visits"]].to_numpy()), NUMBERS)

    assert "1 row went in, and 2 answers came out" in message


@pytest.mark.parametrize(
    ("change", "said"), [(lambda y: y[:-1], "59 answers"), (lambda y: np.repeat(y, 2), "120 answers")]
)
def test_rows_that_are_dropped_or_doubled_are_seen(change: Any, said: str):
    assert f"60 rows went in, and {said} came out" in breaks(
        output_schema, lambda frame: change(linear(frame)), NUMBERS
    )


def test_another_type_for_some_rows_is_seen():
    def answer(frame: Any) -> Any:
        return linear(frame).astype("float32" if len(frame) == 1 else "float64")

    assert "60 rows are answered in float64, and 1 row in float32" in breaks(output_schema, answer, NUMBERS)


@pytest.mark.parametrize(
    ("declared", "said"),
    [({"width": 2}, "width=2 is declared"), ({"dtype": "float32"}, "dtype='float32' is declared")],
)
def test_what_is_declared_of_the_answer_is_held_to(declared: Any, said: str):
    assert said in breaks(output_schema, linear, NUMBERS, **declared)


def test_more_probabilities_than_classes_are_seen():
    message = breaks(
        output_schema,
        lambda frame: np.full((len(frame), 2), 0.5),
        NUMBERS,
        output="probability",
        classes=("a", "b", "c"),
    )

    assert "a row has 2 probabilities, and 3 classes are declared: 'a', 'b', 'c'" in message


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_answer_that_is_none_is_shown_with_its_row(bad: float):
    def answer(frame: Any) -> Any:
        return np.where(frame["visits"] == 8, bad, linear(frame))

    message = breaks(output_range, answer, NUMBERS)

    assert "NaN, infinite or missing" in message
    assert f"{int((NUMBERS['visits'] == 8).sum())} of 60" in message


def test_a_negative_amount_is_outside_its_range():
    message = breaks(output_range, linear, NUMBERS, between=(0, None))

    assert "outside [0, inf]" in message


def test_a_probability_above_one_is_outside_its_range():
    message = breaks(output_range, lambda frame: sigmoid(linear(frame)) * 1.2, NUMBERS, output="probability")

    assert "outside [0, 1]" in message


def test_a_class_that_is_none_is_named():
    message = breaks(output_range, lambda frame: ["no", "yes", "?"] * 20, NUMBERS, classes=("no", "yes"))

    assert "20 of 60 answers are none of the classes 'no', 'yes'; the first, of row 2, is ?" in message


def test_classes_that_are_numbers_are_compared_as_numbers():
    assert kept(output_range, lambda frame: np.ones(len(frame)), NUMBERS, output="label", classes=(0, 1))


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (lambda p: np.column_stack([-2 * p, 2 * p]), "outside [0, 1]"),
        (lambda p: np.column_stack([p, p]) * 0.4, "do not sum to one"),
        (lambda p: np.column_stack([(1 - p) * 0.7, p * 0.7]), "sum to 0.7"),
    ],
    ids=["logits", "votes", "a class left out"],
)
def test_scores_that_are_no_probabilities_are_seen(scores: Any, said: str):
    made = Asked(lambda frame: scores(sigmoid(0.1 * linear(frame))))

    assert said in breaks(probabilities, made, NUMBERS)


def test_probabilities_in_single_precision_over_a_thousand_classes_sum_to_one():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(60, 1000)).astype(np.float32)
    p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)

    assert kept(probabilities, lambda frame: p[: len(frame)].astype(np.float32), NUMBERS, output="probability")


def test_several_labels_have_a_sum_each():
    made = Asked(lambda frame: [np.full((len(frame), 2), 0.5), np.full((len(frame), 3), 1 / 3)])

    assert kept(probabilities, made, NUMBERS)


def test_values_have_no_probabilities_to_judge():
    outcome = kept(probabilities, linear, NUMBERS)

    assert (outcome.verdict, outcome.why) == (Verdict.SKIP, "it answers values, not probabilities")


def test_classes_in_another_order_than_the_probabilities_are_seen():
    p = lambda frame: np.column_stack([1 - sigmoid(linear(frame)), sigmoid(linear(frame))])  # noqa: E731
    made = Asked(p, lambda frame: np.array(["yes", "no"])[p(frame).argmax(axis=1)])

    message = breaks(labels_agree, made, NUMBERS)

    assert "60 of 60 labels are not the class of the greatest probability" in message


def test_a_threshold_that_only_the_labels_know_is_seen_until_it_is_said():
    p = lambda frame: np.column_stack([1 - sigmoid(linear(frame)), sigmoid(linear(frame))])  # noqa: E731
    made = Asked(p, lambda frame: np.where(p(frame)[:, 1] >= 0.9, "yes", "no"))

    assert "threshold=" in breaks(labels_agree, made, NUMBERS)
    assert labels_agree(model(made), NUMBERS, threshold=0.9)


def test_either_label_of_a_tie_will_do():
    made = Asked(lambda frame: np.full((len(frame), 2), 0.5), lambda frame: np.array(["no", "yes"] * 30))

    assert kept(labels_agree, made, NUMBERS)


def test_a_constant_model_is_seen():
    message = breaks(not_constant, lambda frame: np.full(len(frame), 0.25), NUMBERS)

    assert "each of 60 distinct rows is answered with 0.25" in message


def test_a_label_that_is_always_no_is_no_constant_where_the_margins_vary():
    p = lambda frame: np.column_stack([1 - sigmoid(linear(frame)) / 9, sigmoid(linear(frame)) / 9])  # noqa: E731

    assert kept(not_constant, Asked(p), NUMBERS, output="label")
    assert "answered with no" in breaks(not_constant, lambda frame: ["no"] * len(frame), NUMBERS)


def test_rows_that_are_all_alike_tell_nothing():
    assert kept(not_constant, linear, pd.concat([NUMBERS[:1]] * 5)).verdict is Verdict.INCONCLUSIVE


# Zeros, nothing, values nobody has seen -------------------------------------------------------------------------------


def test_a_division_by_the_norm_of_a_row_of_zeros_is_seen():
    def answer(array: Any) -> Any:
        with np.errstate(invalid="ignore"):
            return array[:, 0] / np.linalg.norm(array, axis=1)

    assert "a row of zeros is answered with nan" in breaks(all_zero_input, answer, ARRAY)


def test_no_rows_must_not_be_answered_with_a_number():
    assert "no rows are answered with 1 answer" in breaks(no_rows, lambda array: [float(len(array))], ARRAY)


def test_a_missing_value_that_comes_out_as_nan_is_seen():
    message = breaks(missing_values, linear, NUMBERS)

    assert "a missing value in 'age' is answered with nan" in message


def test_one_missing_value_that_spoils_the_batch_is_seen():
    def answer(array: Any) -> Any:
        return array[:, 0] - array[:, 0].mean()

    message = breaks(missing_values, answer, ARRAY)

    assert "changes the answers to 19 other rows" in message


def test_a_missing_value_that_is_filled_with_the_mean_of_the_batch_is_seen():
    def answer(frame: Any) -> Any:
        return linear(frame.fillna(frame.mean()).fillna(0))

    message = breaks(missing_values, answer, NUMBERS, missing="accept")

    assert "a missing value in 'age' is answered with" in message
    assert "where its row is alone" in message


def test_a_missing_value_that_is_refused_in_a_row_alone_is_seen():
    def answer(frame: Any) -> Any:
        full = frame.fillna(frame.mean())
        if full.isna().any(axis=None):
            raise ValueError("NaN")
        return linear(full)

    message = breaks(missing_values, answer, NUMBERS)

    assert (
        "a missing value in 'age' is answered among 20 rows, and refused where its row is alone: ValueError" in message
    )


def test_what_is_declared_of_missing_values_is_held_to():
    filled = lambda frame: linear(frame.fillna(0))  # noqa: E731

    assert kept(missing_values, filled, NUMBERS, missing="accept")
    assert 'missing="refuse" is declared' in breaks(missing_values, filled, NUMBERS, missing="refuse")
    assert 'missing="accept" is declared' in breaks(missing_values, logistic(), NUMBERS, missing="accept")


def test_an_infinite_answer_and_a_spoilt_batch_are_seen():
    assert "inf in 'age' is answered with inf" in breaks(infinite_values, linear, NUMBERS)

    def scaled(array: Any) -> Any:
        with np.errstate(all="ignore"):
            return array[:, 1] / array.max()

    assert "other rows" in breaks(infinite_values, scaled, ARRAY)


def test_what_is_declared_of_infinite_values_is_held_to():
    clipped = lambda frame: linear(frame.clip(-1e6, 1e6))  # noqa: E731

    assert kept(infinite_values, clipped, NUMBERS, infinite="accept")
    assert 'infinite="refuse" is declared' in breaks(infinite_values, clipped, NUMBERS, infinite="refuse")


def test_an_unseen_category_that_comes_out_as_nan_is_seen():
    rates = {"de": 0.1, "fr": 0.2, "us": 0.3}

    message = breaks(unseen_categories, lambda frame: frame["country"].map(rates).to_numpy(dtype=float), CHURN)

    assert "'assay:unseen' in 'country' is answered with nan" in message


def test_codes_that_shift_with_an_unseen_category_are_seen():
    message = breaks(
        unseen_categories, lambda frame: frame["country"].astype("category").cat.codes.to_numpy() * 1.0, CHURN
    )

    assert "changes the answers to" in message


def test_a_category_with_a_default_keeps_the_contract():
    rates = {"de": 0.1, "fr": 0.2, "us": 0.3}

    assert kept(unseen_categories, lambda frame: frame["country"].map(rates).fillna(0.2).to_numpy(dtype=float), CHURN)


# Columns --------------------------------------------------------------------------------------------------------------


def test_a_missing_column_that_is_filled_in_silence_is_named():
    def answer(frame: Any) -> Any:
        return linear(frame.reindex(columns=COLUMNS, fill_value=0))

    message = breaks(missing_features, answer, NUMBERS)

    assert "without 'age' it answers without a word, and 60 of 60 answers change" in message
    assert "declare fills='age'" in message


def test_a_column_that_is_filled_by_design_is_declared():
    def answer(frame: Any) -> Any:
        return linear(frame.assign(income=frame.get("income", 20.0)))

    assert "without 'income'" in breaks(missing_features, answer, NUMBERS)
    assert kept(missing_features, answer, NUMBERS, fills="income")
    assert "which fills= names" in breaks(missing_features, linear, NUMBERS, fills="income")


def test_a_column_that_is_not_used_may_be_missing():
    outcome = kept(missing_features, linear, CHURN)

    assert outcome.why == "3 of 4 columns are refused when missing; 1 of 4 columns are not used"


@pytest.mark.parametrize("judge", [missing_features, extra_features, column_order], ids=lambda judge: judge.__name__)
def test_columns_read_by_position_are_seen(judge: Callable[..., Outcome]):
    message = breaks(judge, lambda frame: frame.iloc[:, 0].to_numpy() + 2 * frame.iloc[:, 1].to_numpy(), NUMBERS)

    assert "it answers without a word, and" in message


def test_an_array_with_a_column_too_many_is_seen():
    assert "stands last" in breaks(extra_features, lambda array: array.sum(axis=1), ARRAY)


def test_the_columns_of_an_array_have_no_order_to_judge():
    assert kept(column_order, lambda array: array.sum(axis=1), ARRAY).verdict is Verdict.SKIP


# The input is the caller's --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "data", "said"),
    [
        (lambda frame: (frame.fillna(0.0, inplace=True), frame["age"])[1], GAPS, "row 0 was None and is 0.0"),
        (lambda frame: frame.insert(0, "bmi", 1.0) or frame["age"], NUMBERS, "it added 'bmi'"),
        (lambda array: np.add(array, 1.0, out=array)[:, 0], ARRAY, "differs in 60 rows"),
        (lambda rows: [row.pop("age") for row in rows], NUMBERS.to_dict("records"), "it took away 'age'"),
        (lambda frame: frame.__setitem__("age", np.sort(frame["age"])) or frame["age"], NUMBERS, "'age' differs in"),
    ],
    ids=["filled in place", "a column added", "an array written to", "a key taken away", "a column sorted"],
)
def test_a_change_of_the_callers_rows_is_named(function: Any, data: Any, said: str):
    before = data.copy()

    assert said in breaks(keeps_input, function, data)
    assert np.array_equal(np.asarray(before, dtype=object).astype(str), np.asarray(data, dtype=object).astype(str))


def test_a_polars_frame_that_gets_a_column_is_seen():
    frame = pl.from_pandas(NUMBERS)

    assert "it added 'one'" in breaks(
        keeps_input, lambda given: given.insert_column(0, pl.Series("one", [1.0] * 60))["age"], frame
    )
    assert frame.columns == COLUMNS


# A row's answer is its own --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda array: (array[:, 0] - array[:, 0].mean()) / 10, "alone"),
        (lambda array: array[:, 0].argsort().argsort() / len(array), "alone"),
        (lambda array: np.sort(array[:, 0]), "alone"),
        (lambda array: array[:, 0] + (np.arange(len(array)) > 45), "alone"),
        (lambda array: array[:, 0] + (len(array) > 100), "where each row is there twice"),
        (lambda array: array[:, 0] + (np.diff(array[:, 0], append=0) == 0), "where each row is there twice"),
    ],
    ids=[
        "scaled by the batch",
        "ranks in the batch",
        "answers sorted",
        "a place in the batch",
        "a large batch",
        "rows twice",
    ],
)
def test_a_row_that_depends_on_its_batch_is_shown(function: Any, said: str):
    message = breaks(batch_invariance, function, ARRAY)

    assert said in message
    assert "among all" in message


def test_rows_that_are_answered_once_though_they_are_there_twice_are_seen():
    message = breaks(batch_invariance, lambda frame: linear(frame.drop_duplicates()), NUMBERS[:50])

    assert "where each row is there twice, 100 rows are answered with 50 answers" in message


def test_a_row_alone_that_is_refused_is_seen():
    message = breaks(batch_invariance, lambda array: np.corrcoef(array.squeeze()[:, 0]) * 0 + array[:, 0], ARRAY)

    assert "alone is refused: IndexError" in message


def test_sums_in_another_order_are_no_difference():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(3, 500)).astype(np.float32), rng.normal(size=(500, 500)).astype(np.float32)

    def net(array: Any) -> Any:
        return np.tanh(array.astype(np.float32) / 50 @ weights[0]) @ weights[1] / 20

    assert kept(batch_invariance, net, ARRAY)


def test_chance_at_prediction_is_seen_and_its_state_put_back():
    np.random.seed(5)  # noqa: NPY002 - the chance that careless models draw from
    state = np.random.get_state()[1].tolist()  # noqa: NPY002

    message = breaks(repeatable, lambda array: array[:, 0] * (np.random.random(len(array)) > 0.5), ARRAY)  # noqa: NPY002

    assert "answers differ when the same rows are asked for again" in message
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


def test_a_seed_set_by_others_is_no_seed():
    def answer(array: Any) -> Any:
        return array[:, 0] + np.random.random()  # noqa: NPY002

    assert "before" in breaks(repeatable, answer, ARRAY)


def test_answers_that_change_with_the_number_of_calls_are_seen():
    made = Asked(lambda array: np.empty((0, 2)))
    made.proba = lambda array: np.column_stack(
        [np.full(len(array), p := next(made.calls) / 100), np.full(len(array), 1 - p)]
    )

    assert "60 of 60 answers differ" in breaks(repeatable, made, ARRAY)


# Declarations ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"labls": "y"}, "a model has no 'labls'; did you mean 'labels'"),
        ({"output": "probabilities"}, "output is 'probabilities'; it is one of: 'probability', 'label', 'value'"),
        ({"missing": "ignore"}, "missing is 'ignore'"),
        ({"between": (1, 0)}, "the least stands first"),
        ({"examples": [1]}, "an example is no pair"),
        ({"directional": [(lambda frame: frame, "rise")]}, "a direction is 'rise'"),
        ({"invariant_to": [3]}, "3 is no edit"),
    ],
)
def test_a_wrong_declaration_is_refused(declared: Any, said: str):
    with pytest.raises(UsageError) as caught:
        model(linear, **declared)

    assert said in str(caught.value)


def test_what_is_no_model_is_refused():
    with pytest.raises(UsageError, match="an object of the type int is no model"):
        output_range(model(3), ARRAY)


def test_a_crash_is_an_error_and_never_a_pass():
    outcome = output_range(model(lambda array: 1 / 0, name="broken"), ARRAY)

    assert outcome.verdict is Verdict.ERROR
    assert "broken raised ZeroDivisionError" in outcome.why


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "the model answered 'None', which has no rows"),
        ("yes", "the model answered 'yes', which has no rows"),
        ({"p": 0.5}, "a mapping of single values"),
        (np.array([1j] * 60), "complex numbers"),
        ([[1], [1, 2]], "rows of different lengths"),
    ],
)
def test_an_answer_that_cannot_be_read_is_an_error_of_the_model(answer: Any, said: str):
    outcome = output_range(model(lambda array: answer, name="odd"), ARRAY)

    assert outcome.verdict is Verdict.ERROR
    assert said in outcome.why


def test_a_model_that_refuses_everything_keeps_no_contract():
    def refuse(array: Any) -> Any:
        raise ValueError("no")

    outcomes = run_contracts(MODEL_CONTRACTS, model(refuse), ARRAY)

    assert {o.verdict for o in outcomes} == {Verdict.FAIL, Verdict.ERROR, Verdict.SKIP}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (pd.DataFrame(ARRAY), "a column is named 0, which is no text"),
        (pd.DataFrame(ARRAY, columns=["a", "b", "a"]), "2 columns named 'a'"),
        (np.zeros((5, 0)), "the rows have no columns"),
        (ARRAY[:, 0], "an array of 1 dimensions is no table"),
    ],
)
def test_rows_whose_columns_cannot_be_told_apart_are_refused(rows: Any, said: str):
    with pytest.raises(UsageError, match=said):
        output_range(model(lambda given: np.zeros(len(given))), rows)


def test_an_array_of_objects_keeps_its_values():
    array = np.array([["de", 1], ["fr", 22], ["us", 333]], dtype=object)

    outcomes = run_contracts(
        MODEL_CONTRACTS, model(lambda rows: [len(str(n)) + (type(n) is float) * 9 for n in rows[:, 1]]), array
    )

    # A whole number that is missing leaves the others whole: only the contract that gives them as floats sees the difference.
    assert {o.check for o in outcomes if o.verdict not in (Verdict.PASS, Verdict.SKIP)} == {"accepts_input"}


def test_labels_that_are_missing_in_both_answers_are_the_same():
    outcome = kept(batch_invariance, lambda array: [None if x > 45 else "young" for x in array[:, 0]], ARRAY)

    assert outcome.verdict is Verdict.PASS


def test_the_label_is_never_among_the_features():
    seen: list[list[str]] = []

    def answer(frame: Any) -> Any:
        seen.append(list(frame.columns))
        return linear(frame)

    output_range(model(answer, labels="churned"), NUMBERS.assign(churned=LABELS))

    assert seen == [COLUMNS]


def test_an_unused_id_is_left_out_where_the_model_names_its_columns():
    assert kept(output_range, logistic(), CHURN)


def test_expect_raises_with_the_rows():
    with pytest.raises(ContractBroken, match="FAIL not_constant of churn"):
        expect(kept(not_constant, lambda frame: np.zeros(len(frame)), NUMBERS))


def test_every_contract_says_what_it_is():
    for name, judge in MODEL_CONTRACTS.items():
        assert judge.contract.name == name
        assert judge.contract.about == "model"
        assert not judge.contract.title.endswith(".")
        assert judge.contract.catches


@pytest.mark.parametrize("name", MODEL_CONTRACTS)
def test_no_rows_are_never_a_pass_but_for_the_contract_of_no_rows(name: str):
    whole = {"labels": "y", "examples": (), "path": None, "increasing": "age", "directional": (), "invariant_to": ()}
    subject = model(lambda frame: np.zeros(len(frame)), **whole)
    empty = NUMBERS.assign(y=LABELS)[:0]

    [outcome] = run_contracts({name: MODEL_CONTRACTS[name]}, subject, empty)

    assert outcome.verdict in ((Verdict.PASS,) if name == "no_rows" else (Verdict.INCONCLUSIVE, Verdict.SKIP))


def test_two_columns_of_one_type_that_change_places_are_not_told_apart_by_position():
    rows = pd.DataFrame({"age": [30.0, 40.0, 50.0], "plan": ["a", "b", "a"], "income": [3.0, 1.0, 2.0]})

    def by_position(frame: pd.DataFrame) -> np.ndarray:
        return (frame.iloc[:, 0].astype(float) - frame.iloc[:, 2].astype(float)).to_numpy()

    seen = column_order(model(by_position), rows)

    assert seen.verdict is Verdict.FAIL
    assert column_order(model(lambda frame: (frame["age"] - frame["income"]).to_numpy()), rows).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"between": 5}, "between is 5; give (least, greatest)"),
        ({"classes": 2}, "classes is 2; give the classes themselves"),
        ({"directional": ["age"]}, "a direction is 'age'; give pairs"),
    ],
)
def test_a_declaration_of_a_model_that_cannot_be_read_is_refused(declared: dict[str, Any], said: str):
    with pytest.raises(UsageError) as refused:
        model(linear, **declared)

    assert said in str(refused.value)
