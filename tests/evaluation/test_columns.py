"""Reading the columns of a table by their roles, and saying what is wrong with them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.evaluation.columns import Columns, as_frame, measured, scored
from assay.evaluation.estimation.estimator import estimate, fit, realised

ROWS = {"y": [0, 1, 1, 0], "said": [0, 1, 0, 0], "p": [0.1, 0.9, 0.4, 0.2]}
BINARY = Columns(label="y", prediction="said", score="p")


def some_rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize(
    "table", [ROWS, pl.DataFrame(ROWS), pl.LazyFrame(ROWS), {name: np.array(v) for name, v in ROWS.items()}]
)
def test_a_frame_and_a_mapping_of_arrays_are_the_same_table(table: object):
    found = as_frame(table, ["p", "y"], name="reference")

    assert found.to_dict(as_series=False) == {"p": ROWS["p"], "y": ROWS["y"]}


def test_another_kind_of_table_is_refused():
    with pytest.raises(UsageError, match=r"reference is a list; it is a Polars frame, or a mapping .*; pl.from_pandas"):
        as_frame([1, 2], ["p"], name="reference")


def test_a_column_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(UsageError, match=r"current has no column 'sayd'; did you mean 'said'\? There are: y, said, p"):
        as_frame(ROWS, ["sayd"], name="current")


def test_arrays_of_two_dimensions_are_refused():
    with pytest.raises(
        UsageError, match=r"the arrays have the shapes \{'p': \(2, 2\)\}; each column has one dimension"
    ):
        as_frame({"p": np.zeros((2, 2))}, ["p"], name="current")


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(UsageError, match=r"the arrays have the lengths \{'p': 2, 'y': 3\}; all have the same"):
        as_frame({"p": [0, 1], "y": [0, 1, 1]}, ["p", "y"], name="current")


def test_a_row_with_anything_missing_is_left_out_and_counted():
    rows = {"y": [0, 1, None, 1], "said": [0, 1, 1, None], "p": [0.1, float("nan"), 0.5, 0.5]}

    found = scored(pl.DataFrame(rows), BINARY, task="binary", labelled=True, name="reference")

    assert (found.n, found.missing) == (1, 3)


def test_the_order_of_time_is_that_of_its_column():
    rows = pl.DataFrame({**ROWS, "at": [3, 1, 4, 2]})
    columns = Columns(label="y", prediction="said", score="p", time="at")

    found = scored(rows, columns, task="binary", labelled=True, name="reference")

    assert found.scores[:, 1].tolist() == [0.9, 0.2, 0.1, 0.4]


@pytest.mark.parametrize("labels", [[False, True, True, False], [0.0, 1.0, 1.0, 0.0], ["0", "1", "1", "0"]])
def test_0_and_1_are_read_in_any_type(labels: list[object]):
    found = scored({**ROWS, "y": labels}, BINARY, task="binary", labelled=True, name="reference")

    assert (found.classes, found.labels.tolist()) == ((0, 1), [0, 1, 1, 0])


def test_a_binary_label_of_three_values_is_refused():
    columns = Columns(label="y", prediction="said", score="p", positive=1)

    with pytest.raises(
        DataError, match=r"beside 1 there are '0', '2'; a binary label has two values; the task of more is multiclass"
    ):
        scored({**ROWS, "y": [0, 1, 2, 0]}, columns, task="binary", labelled=True, name="reference")


def test_a_prediction_that_is_no_class_is_refused():
    columns = Columns(label="y", prediction="said", scores={"a": "p_a", "b": "p_b"})
    rows = {"y": ["a", "b"], "said": ["a", "c"], "p_a": [0.5, 0.5], "p_b": [0.5, 0.5]}

    with pytest.raises(DataError, match="current: 'said' holds 'c', which is no class; the classes are 'a', 'b'"):
        scored(rows, columns, task="multiclass", labelled=False, name="current")


def test_scores_that_are_words_are_refused():
    with pytest.raises(DataError, match="current: the column 'p' holds String values; scores are numbers"):
        scored({**ROWS, "p": ["low"] * 4}, BINARY, task="binary", labelled=False, name="current")


def test_a_regression_leaves_out_what_is_not_finite():
    found = measured(
        {"y": [1.0, np.inf, 3.0], "said": [1.0, 2.0, np.nan]}, Columns("y", "said"), labelled=True, name="reference"
    )

    assert (found.labels.tolist(), found.missing) == ([1.0], 2)


def test_features_are_a_list():
    with pytest.raises(UsageError, match="features is the text 'age'; it is a list of columns; write it in brackets"):
        Columns(label="y", features="age")


@pytest.mark.parametrize(
    ("columns", "task", "said"),
    [
        (Columns("y", "said"), "binary", r"one column of scores; give --score COL"),
        (Columns("y", "said", score="p"), "multiclass", r"a column of scores for each class; give --score CLASS=COL"),
        (Columns("y"), "regression", r"needs the column of its predictions; give --prediction COL"),
        (BINARY, "ranking", "'ranking' is no task; .*there are: binary, multiclass, regression"),
    ],
)
def test_roles_that_do_not_fit_the_task_are_refused(columns: Columns, task: str, said: str):
    with pytest.raises(UsageError, match=said):
        fit(ROWS, columns=columns, task=task, rng=some_rng())


def test_a_metric_that_is_not_known_is_refused():
    with pytest.raises(UsageError, match="'acuracy' is no metric that can be estimated here; did you mean 'accuracy'"):
        realised(ROWS, columns=BINARY, task="binary", metrics=["acuracy"])


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95])
def test_a_confidence_is_a_share(confidence: float):
    with pytest.raises(UsageError, match="it is a share between 0 and 1"):
        estimate(ROWS, ROWS, columns=BINARY, task="binary", rng=some_rng(), confidence=confidence)


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        (pl.Series([0.0, 1.0, 1.0, 0.0], dtype=pl.Float32), "1"),
        (pl.Series(["0.00", "1.00", "1.00", "0.00"]).cast(pl.Decimal(5, 2)), 1),
        (pl.Series(["0.00", "1.00", "1.00", "0.00"]).cast(pl.Decimal(5, 2)), None),
        (pl.Series([False, True, True, False]), "True"),
        (pl.Series([-1, 1, 1, -1], dtype=pl.Int8), "1.0"),
    ],
)
def test_the_positive_class_is_known_by_its_value_however_it_is_written(labels: pl.Series, positive: object):
    frame = pl.DataFrame({**ROWS, "y": labels}).drop("said")

    found = scored(
        frame, Columns(label="y", score="p", positive=positive), task="binary", labelled=True, name="reference"
    )

    assert found.labels.tolist() == [0, 1, 1, 0]


def test_labels_and_predictions_of_other_kinds_of_numbers_are_the_same_classes():
    rows = {**ROWS, "y": [0, 1, 1, 0], "said": [0.0, 1.0, 0.0, 0.0]}
    columns = Columns(label="y", prediction="said", score="p", positive="1")

    found = scored(rows, columns, task="binary", labelled=True, name="reference")

    assert (found.labels.tolist(), found.predictions.tolist()) == ([0, 1, 1, 0], [0, 1, 0, 0])


def test_a_positive_class_that_no_row_has_is_refused():
    columns = Columns(label="y", score="p", positive="maybe")

    with pytest.raises(UsageError, match=r"no row is of the class 'maybe'.*; the classes are 'no', 'yes'"):
        scored({**ROWS, "y": ["no", "yes", "yes", "no"]}, columns, task="binary", labelled=True, name="reference")
