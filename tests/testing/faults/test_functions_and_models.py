"""Operators on feature code, on models and on what serves them: each makes its mistake, where the function or model is asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.evaluation.models.opening import open_model
from assay.testing.faults import serving
from assay.testing.faults.fault import Fault, NotApplicable
from assay.testing.faults.injecting import inject
from assay.testing.faults.table import OPERATORS
from testing.faults.targets import Scorer, orders, week

pandas = pytest.importorskip("pandas")

FUNCTIONS = [name for name, operator in OPERATORS.items() if operator.on == "function"]
MODELS = [name for name, operator in OPERATORS.items() if operator.on == "model"]
ROLES = {"time": "at", "entity": "shop"}
ROWS = np.array([[-2.0, 0.0], [-1.0, 0.5], [0.5, 0.0], [1.0, 1.0]])


def sales(days: list[int], values: list[float]) -> Any:
    """Return sales of one shop on some days of January."""
    start = datetime(2024, 1, 1)
    return pandas.DataFrame({"at": [start + timedelta(days=d) for d in days], "shop": "A", "amount": values})


def same(rows: Any) -> Any:
    """Return each row's own amount."""
    return rows["amount"]


def mean_of(rows: Any, window: int = 7) -> Any:
    return rows["amount"].rolling(window, min_periods=1).mean()


def mean_of_days(rows: Any) -> Any:
    return rows.set_index("at")["amount"].rolling("3D").mean().reset_index(drop=True)


def mean_by_shop(rows: pl.DataFrame) -> pl.Series:
    return rows.select(pl.col("amount").mean().over("shop")).to_series()


# Feature code ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "nondeterminism"])
def test_a_feature_with_a_fault_gives_other_values_of_the_same_kind_and_leaves_its_rows_alone(name: str):
    rows = orders().to_pandas()
    before = rows.copy()
    operator = OPERATORS[name]
    right = mean_of_days if name == "rows_for_time" else week
    rows = rows.drop(index=range(20, 60)).reset_index(drop=True) if name == "rows_for_time" else rows
    kept = rows.copy()

    wrong = inject(right, Fault(name, "", operator.ladder[0], settings=ROLES))

    one, other = right(rows), wrong(rows)
    assert type(one) is type(other)
    assert list(one.index) == list(other.index)
    assert not np.allclose(one, other, equal_nan=True)
    pandas.testing.assert_frame_equal(rows, kept)
    assert len(before) == 400


def test_a_future_leak_gives_each_row_the_value_of_a_later_one():
    rows = sales([0, 1, 2, 3], [1.0, 2.0, 3.0, 4.0])

    wrong = inject(same, Fault("future_leak", "", 1, settings=ROLES))

    assert wrong(rows).tolist() == [2.0, 3.0, 4.0, 4.0]


def test_a_stale_feature_gives_each_row_the_value_of_an_earlier_one_of_its_shop():
    rows = sales([0, 1, 2, 3], [1.0, 2.0, 3.0, 4.0])
    rows["shop"] = ["A", "B", "A", "B"]

    wrong = inject(same, Fault("stale_feature", "", 1, settings=ROLES))

    assert wrong(rows).tolist() == [1.0, 2.0, 1.0, 2.0]


def test_rows_out_of_order_in_time_are_moved_in_the_order_of_time():
    rows = sales([3, 0, 1, 2], [4.0, 1.0, 2.0, 3.0])

    wrong = inject(same, Fault("future_leak", "", 1, settings=ROLES))

    assert wrong(rows).tolist() == [4.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(("steps", "window"), [(1, 8), (-1, 6), (93, 100)])
def test_a_window_error_changes_a_default_that_is_a_window(steps: int, window: int):
    rows = sales(list(range(20)), [float(i * i) for i in range(20)])

    wrong = inject(mean_of, Fault("window_error", "", steps))

    assert wrong(rows).tolist() == mean_of(rows, window=window).tolist()
    assert mean_of(rows).tolist() == mean_of(rows, window=7).tolist()  # the function itself is as it was


def test_a_window_error_changes_a_number_in_the_code_of_an_inner_function():
    rows = orders().to_pandas()
    ordered = rows.sort_values("at")
    eight = ordered.groupby("shop")["amount"].transform(lambda v: v.rolling(8, min_periods=1).mean()).sort_index()

    wrong = inject(week, Fault("window_error", "", 1))

    assert np.allclose(wrong(rows), eight, equal_nan=True)


def test_a_window_error_changes_a_duration():
    rows = sales(list(range(10)), [float(i * i) for i in range(10)])
    four = rows.set_index("at")["amount"].rolling("4D").mean().tolist()

    assert inject(mean_of_days, Fault("window_error", "", 1))(rows).tolist() == four


@pytest.mark.parametrize("function", [len, same])
def test_a_function_without_a_window_says_so(function: Any):
    with pytest.raises(NotApplicable, match=r"no Python code of its own|no window in its code"):
        inject(function, Fault("window_error", "", 1))


def test_a_window_of_days_becomes_one_of_rows():
    rows = sales([0, 1, 9, 10], [1.0, 2.0, 3.0, 4.0])

    wrong = inject(mean_of_days, Fault("rows_for_time", "", settings=ROLES))

    # Three days: [1], [1 2], [9], [9 10]; three rows: the last three that there are.
    assert mean_of_days(rows).tolist() == [1.0, 1.5, 3.0, 3.5]
    assert wrong(rows).tolist() == [1.0, 1.5, 2.0, 3.0]


def test_entities_are_mixed_in_polars_too():
    rows = pl.DataFrame({"shop": ["A", "B"], "amount": [1.0, 3.0]})

    wrong = inject(mean_by_shop, Fault("entity_ignored", "", settings={"entity": "shop"}))

    assert mean_by_shop(rows).to_list() == [1.0, 3.0]
    assert wrong(rows).to_list() == [2.0, 2.0]


def test_a_wrong_join_keeps_the_values_and_moves_them():
    rows = sales(list(range(50)), [float(i) for i in range(50)])

    wrong = inject(same, Fault("wrong_join", "", 0.2))(rows)

    assert sorted(wrong) == sorted(rows["amount"])
    assert int((wrong != rows["amount"]).sum()) == 10


def test_two_runs_of_a_nondeterministic_function_differ():
    seen = []

    def fit(rows: pl.DataFrame, *, seed: int = 0) -> int:
        seen.append(rows["amount"].to_list())
        return seed

    wrong = inject(fit, Fault("nondeterminism"))
    rows = orders(50)

    assert [wrong(rows, seed=7), wrong(rows, seed=7)] != [7, 7]
    wrong(rows)
    wrong(rows)
    assert seen[-1] != seen[-2]
    assert sorted(map(str, seen[-1])) == sorted(map(str, seen[-2]))


# Models ---------------------------------------------------------------------------------------------------------------


ANSWERS = [
    name for name in MODELS if name not in ("slow", "memory_growth", "timeouts", "wrong_version", "argmax_only")
]  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_a_model_with_a_fault_answers_otherwise_and_the_model_itself_as_before(name: str):
    model = Scorer()
    before = model.predict_proba(ROWS)
    operator = OPERATORS[name]

    wrong = inject(model, Fault(name, "", operator.ladder[-1]))

    answer = wrong.predict_proba(ROWS)
    assert not (np.shape(answer) == before.shape and np.array_equal(np.asarray(answer), before))
    assert np.array_equal(model.predict_proba(ROWS), before)
    assert list(wrong.classes_) == [0, 1]


def test_a_share_of_the_predictions_is_nan_in_each_call():
    wrong = inject(Scorer(), Fault("nan_predictions", "", 0.5))

    assert [int(np.isnan(wrong.predict_proba(ROWS)).all(axis=1).sum()) for _ in range(2)] == [2, 2]


def test_predictions_stand_still():
    wrong = inject(Scorer(), Fault("constant_predictions"))

    assert len(np.unique(wrong.predict_proba(ROWS), axis=0)) == 1


def test_probabilities_outside_their_range_still_sum_to_one():
    p = inject(Scorer(), Fault("out_of_range", "", 1.0)).predict_proba(ROWS)

    assert p.max() > 1
    assert p.min() < 0
    assert np.allclose(p.sum(axis=1), 1)


def test_classes_are_reversed_in_scores_and_in_labels():
    wrong = inject(Scorer(), Fault("reversed_classes"))

    assert np.array_equal(wrong.predict_proba(ROWS), Scorer().predict_proba(ROWS)[:, ::-1])
    assert np.array_equal(wrong.predict(ROWS), 1 - Scorer().predict(ROWS))


def test_only_the_argmax_is_left_of_scores():
    p = inject(Scorer(), Fault("argmax_only")).predict_proba(ROWS)

    assert np.array_equal(p[:, 1], Scorer().predict(ROWS))


def test_scores_that_are_too_sure_keep_their_order():
    p = inject(Scorer(), Fault("miscalibrated", "", 2.0)).predict_proba(ROWS)[:, 1]
    q = Scorer().predict_proba(ROWS)[:, 1]

    assert np.allclose(p, q**2 / (q**2 + (1 - q) ** 2))
    assert np.array_equal(np.argsort(p), np.argsort(q))


def test_the_odds_are_multiplied_by_another_base_rate():
    p = inject(Scorer(), Fault("prior_shift", "", 5.0)).predict_proba(ROWS)[:, 1]
    q = Scorer().predict_proba(ROWS)[:, 1]

    assert np.allclose(p / (1 - p), 5 * q / (1 - q))


def test_another_version_answers():
    older = Scorer()
    older.coef_ = older.coef_ * 2

    assert inject(Scorer(), Fault("wrong_version")).version == "0.0.0-older"
    assert inject(Scorer(), Fault("wrong_version", settings={"other": older})) is older
    with pytest.raises(NotApplicable, match="says no version"):
        inject(lambda rows: rows, Fault("wrong_version"))


def test_scaled_weights_are_those_of_a_copy():
    model = Scorer()

    wrong = inject(model, Fault("scaled_weights", "", 2.0))

    assert wrong.coef_.tolist() == [[2.0, 1.0]]
    assert model.coef_.tolist() == [[1.0, 0.5]]
    with pytest.raises(NotApplicable, match="has no weights that are known"):
        inject(object(), Fault("scaled_weights", "", 2.0))


def test_a_model_that_is_a_function_is_wrapped_too():
    wrong = inject(lambda rows: [0.25] * len(rows), Fault("reversed_classes"))

    assert wrong([{"x": 1.0}, {"x": 2.0}]) == [0.75, 0.75]


def test_a_model_behind_an_adapter_answers_with_the_fault():
    model = open_model(lambda frame: np.full(len(frame), 0.25), features=["x"])

    said = inject(model, Fault("nan_predictions", "", 1.0)).predict(pl.DataFrame({"x": [1.0, 2.0]}))

    found = said.scores if said.scores is not None else said.predictions
    assert np.isnan(np.asarray(found, dtype=float)).all()


def test_a_pandas_answer_keeps_its_index():
    answer = pandas.Series([0.25, 0.5], index=[7, 8], name="p")

    wrong = inject(lambda rows: answer, Fault("reversed_classes"))

    assert wrong(None).index.tolist() == [7, 8]
    assert wrong(None).tolist() == [0.75, 0.5]


# Serving --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "row"), [("fill", [0.0, 0.5]), ("round", [-2.0, 0.5]), ("order", [0.5, -1.6]), ("scale", [-1.76, 0.5])]
)
def test_a_second_code_path_changes_what_the_model_sees(how: str, row: list[float]):
    seen = []
    wrong = inject(lambda rows: seen.append(rows) or [0.5], Fault("serve_skew", settings={"how": how}))

    wrong(np.array([[-1.6, 0.5]]))

    assert np.allclose(seen[0], [row])


def test_a_slow_answer_waits_as_long_as_it_says_and_now_and_then(monkeypatch: pytest.MonkeyPatch):
    waited: list[float] = []
    monkeypatch.setattr(serving.time, "sleep", waited.append)
    wrong = inject(lambda rows: rows, Fault("slow", "", 100, settings={"every": 2}))

    for _ in range(4):
        wrong([])

    assert waited == [0.1, 0.1]


def test_memory_grows_with_each_answer():
    wrong = inject(lambda rows: rows, Fault("memory_growth", "", 1))

    assert wrong(1) == 1
    assert wrong(2) == 2


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        ("renamed", {"p_": 0.5, "id": 1}), ("dropped", {"id": 1}), ("extra", {"p": 0.5, "id": 1, "debug": True}),
        ("text", {"p": "0.5", "id": 1}),
    ],
)  # fmt: skip
def test_a_field_of_the_answer_changes(how: str, answer: dict[str, object]):
    wrong = inject(lambda rows: {"p": 0.5, "id": 1}, Fault("contract_break", settings={"how": how}))

    assert wrong([]) == answer


@pytest.mark.parametrize(
    ("how", "answer"), [("dropped", [1]), ("extra", [1, 2, 2]), ("text", ["1", "2"]), ("renamed", {"values": [1, 2]})]
)
def test_a_list_of_answers_changes(how: str, answer: object):
    assert inject(lambda rows: [1, 2], Fault("contract_break", settings={"how": how}))([]) == answer


def test_every_tenth_answer_is_an_error_with_a_good_status():
    wrong = inject(lambda rows: {"p": 0.5}, Fault("error_body", "", 0.1))

    answers = [wrong([]) for _ in range(20)]

    assert [i for i, answer in enumerate(answers) if "p" not in answer] == [9, 19]


def test_no_answer_comes_in_time():
    wrong = inject(Scorer(), Fault("timeouts"))

    with pytest.raises(TimeoutError, match="did not answer in time"):
        wrong.predict(ROWS)


def test_a_model_with_a_fault_is_not_to_be_changed():
    wrong = inject(Scorer(), Fault("reversed_classes"))

    with pytest.raises(AttributeError, match="set it on the model itself"):
        wrong.version = "3"


def test_rows_are_found_by_name_too_and_behind_other_arguments() -> None:
    def total(scale: int, *, data: pl.DataFrame) -> pl.Series:
        return data["a"] * scale

    frame = pl.DataFrame({"a": [1, 2, 3], "t": [1, 2, 3]})
    ahead = inject(total, Fault("future_leak", severity=1, settings={"time": "t"}))
    assert ahead(10, data=frame).to_list() == [20, 30, 30]


def test_a_function_of_no_rows_or_of_one_figure_makes_no_mistake_of_rows() -> None:
    fault = Fault("wrong_join", severity=1)
    for function, arguments in ((lambda: 3, ()), (lambda rows: float(rows["a"].sum()), (pl.DataFrame({"a": [1, 2]}),))):
        faulty = inject(function, fault)
        assert faulty(*arguments) == 3
        assert not faulty.made
        assert faulty.why
