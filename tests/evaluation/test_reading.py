"""From a frame to predictions: what is left out, what is refused, and what is made of scores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.evaluation.columns import Columns
from assay.evaluation.reading import predictions_of

BINARY = pl.DataFrame(
    {"y": [0, 1, 1, None], "p": [0.2, 0.5, None, 0.9], "w": [1.0, 2.0, 1.0, 1.0], "x": [1, None, 3, 4]}
)


def test_rows_without_a_label_or_score_are_left_out_and_counted():
    rows = predictions_of(BINARY, Columns("y", score="p"), task="binary")

    assert (rows.n, rows.missing) == (2, 2)
    assert rows.labels.tolist() == [0, 1]
    assert rows.frame.get_column("x").to_list() == [1, None]  # a missing feature is no reason


def test_a_score_from_the_threshold_up_is_positive():
    rows = predictions_of(BINARY, Columns("y", score="p"), task="binary", threshold=0.2)

    assert rows.said.tolist() == [1, 1]


def test_scores_that_are_no_probabilities_only_order_the_rows():
    frame = pl.DataFrame({"y": [0, 1], "p": [-3.0, 7.0]})

    rows = predictions_of(frame, Columns("y", score="p"), task="binary")

    assert not rows.probabilities
    assert rows.predictions is None
    assert rows.positive.tolist() == [-3.0, 7.0]


def test_text_labels_need_to_know_which_is_positive():
    frame = pl.DataFrame({"y": ["no", "yes"], "p": [0.1, 0.7]})

    with pytest.raises(UsageError, match="which is positive"):
        predictions_of(frame, Columns("y", score="p"), task="binary")
    assert predictions_of(frame, Columns("y", score="p", positive="yes"), task="binary").labels.tolist() == [0, 1]


def test_the_class_of_the_greatest_score_is_predicted():
    frame = pl.DataFrame({"y": ["a", "b"], "pa": [0.7, 0.4], "pb": [0.3, 0.6]})

    rows = predictions_of(frame, Columns("y", scores={"a": "pa", "b": "pb"}), task="multiclass")

    assert rows.said.tolist() == [0, 1]
    assert rows.probabilities


def test_probabilities_written_with_few_digits_are_scaled_to_one():
    frame = pl.DataFrame({"y": ["a", "b"], "pa": [0.333, 0.5], "pb": [0.667, 0.5001]})

    rows = predictions_of(frame, Columns("y", scores={"a": "pa", "b": "pb"}), task="multiclass")

    assert rows.probabilities
    assert rows.scores is not None
    assert rows.scores.sum(1).tolist() == pytest.approx([1.0, 1.0])


def test_classes_without_scores_are_those_of_labels_and_predictions_in_order():
    frame = pl.DataFrame({"y": [10, 2], "said": [2, 7]})

    rows = predictions_of(frame, Columns("y", "said"), task="multiclass")

    assert rows.classes == (2, 7, 10)
    assert (rows.labels.tolist(), rows.said.tolist()) == ([2, 0], [0, 1])


def test_labels_of_their_own_columns_are_read_side_by_side():
    frame = pl.DataFrame({"sad": [1, 0], "mad": [0, 0], "p_sad": [0.9, 0.1], "p_mad": [0.6, 0.2]})

    rows = predictions_of(
        frame, Columns("", labels=("sad", "mad"), scores={"sad": "p_sad", "mad": "p_mad"}), task="multilabel"
    )

    assert rows.labels.tolist() == [[1, 0], [0, 0]]
    assert rows.said.tolist() == [[1, 1], [0, 0]]


def test_levels_of_quantiles_are_put_in_order():
    frame = pl.DataFrame({"y": [1.0], "hi": [3.0], "lo": [0.5]})

    rows = predictions_of(frame, Columns("y", scores={"0.9": "hi", 0.1: "lo"}), task="quantile")

    assert rows.classes == (0.1, 0.9)
    assert rows.said.tolist() == [[0.5, 3.0]]


def test_documents_of_a_query_are_drawn_together():
    frame = pl.DataFrame({"rel": [0, 2, 1], "s": [0.1, 9.0, 3.0], "q": ["b", "a", "b"]})

    rows = predictions_of(frame, Columns("rel", score="s", query="q"), task="ranking")

    assert rows.query is not None
    assert rows.entity is not None
    assert rows.query.tolist() == rows.entity.tolist() == [1, 0, 1]


def test_rows_are_put_in_the_order_of_time_and_drawn_by_blocks_of_it():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame(
        {"y": [3.0, 1.0, 2.0], "p": [3.0, 1.0, 2.0], "t": [start + timedelta(days=d) for d in (9, 0, 6)]}
    )

    rows = predictions_of(frame, Columns("y", "p", time="t"), task="regression", block=timedelta(days=7))

    assert rows.labels.tolist() == [1.0, 2.0, 3.0]
    assert rows.block is not None
    assert rows.block.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("frame", "columns", "task", "said"),
    [
        ({"y": [0, 1], "p": [0.1, 0.2]}, Columns("z", score="p"), "binary", "no column 'z'"),
        ({"y": [0, 1]}, Columns("y"), "binary", "what the model said"),
        ({"y": [None, None], "p": [0.1, 0.2]}, Columns("y", score="p"), "binary", "no row has all of"),
        ({"y": [0, 1, 2], "p": [0.1, 0.2, 0.3]}, Columns("y", score="p", positive=1), "binary", "two values"),
        ({"y": [0, 1], "p": ["a", "b"]}, Columns("y", score="p"), "binary", "scores are numbers"),
        ({"y": [1.0, 2.0], "p": [1.0, np.inf]}, Columns("y", "p"), "regression", "infinite"),
        ({"y": [1.0, 2.0], "p": ["1", "2"]}, Columns("y", "p"), "regression", "have to be numbers"),
        (
            {"y": [0, 1], "p": [0.1, 0.2], "w": [1.0, -1.0]},
            Columns("y", score="p", weight="w"),
            "binary",
            "weights in 'w'",
        ),
        (
            {"y": [0, 1], "p": [0.1, 0.2], "w": [0.0, 0.0]},
            Columns("y", score="p", weight="w"),
            "binary",
            "weights in 'w'",
        ),
        ({"y": [-1, 1], "p": [0.1, 0.2], "q": [1, 1]}, Columns("y", score="p", query="q"), "ranking", "0 or more"),
        ({"y": [0, 1], "p": [0.1, 0.2]}, Columns("y", score="p"), "ranking", "what the model said"),
        ({"y": [0.0], "p": [0.1]}, Columns("y", scores={"1.5": "p"}), "quantile", "between 0 and 1"),
        ({"a": [0], "p": [0.1]}, Columns("", labels=("a",), scores={"a": "p"}), "multilabel", "two columns of labels"),
        (
            {"a": [0], "b": [2], "p": [0.1]},
            Columns("", labels=("a", "b"), predictions={"a": "a", "b": "a"}),
            "multilabel",
            "no class",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    frame: dict[str, list[object]], columns: Columns, task: str, said: str
):
    with pytest.raises((UsageError, DataError), match=said):
        predictions_of(pl.DataFrame(frame), columns, task=task)  # type: ignore[arg-type]


def test_blocks_need_a_time_column_that_holds_instants():
    frame = pl.DataFrame({"y": [1.0], "p": [1.0], "t": [1]})

    with pytest.raises(UsageError, match="time column"):
        predictions_of(frame, Columns("y", "p"), task="regression", block=timedelta(days=1))
    with pytest.raises(UsageError, match="instants"):
        predictions_of(frame, Columns("y", "p", time="t"), task="regression", block=timedelta(days=1))


def test_some_rows_keep_all_that_belongs_to_them():
    rows = predictions_of(BINARY.drop_nulls("p"), Columns("y", score="p", weight="w"), task="binary").at(np.array([1]))

    assert (rows.labels.tolist(), rows.said.tolist(), rows.positive.tolist()) == ([1], [1], [0.5])
    assert rows.weights is not None
    assert rows.weights.tolist() == [2.0]
    assert rows.frame.height == 1


def test_a_level_that_is_given_twice_is_refused():
    frame = pl.DataFrame({"y": [1.0], "a": [0.0], "b": [2.0]})

    with pytest.raises(UsageError, match=r"the level 0\.5 is given twice"):
        predictions_of(frame, Columns("y", scores={"0.5": "a", "0.50": "b"}), task="quantile")


def test_a_score_of_a_label_that_is_not_there_is_refused():
    frame = pl.DataFrame({"a": [0, 1], "b": [1, 1], "p": [0.1, 0.2]})
    columns = Columns("", labels=("a", "b"), scores={"a": "p", "b": "p", "z": "p"})

    with pytest.raises(UsageError, match="a score is of 'z', which is no label"):
        predictions_of(frame, columns, task="multilabel")


def test_numbers_between_whole_ones_are_no_classes():
    frame = pl.DataFrame({"y": np.arange(200) / 7, "said": np.arange(200) / 7})

    with pytest.raises(
        UsageError, match=r"'y' and 'said' have 200 different values.*; the task of numbers is regression"
    ):
        predictions_of(frame, Columns("y", "said"), task="multiclass")


def test_numbers_whose_squares_are_none_are_refused():
    frame = pl.DataFrame({"y": [1.0, -1e200], "said": [1.0, 2.0]})

    with pytest.raises(DataError, match=r"'y' holds -1e\+200, whose square is too large for a number"):
        predictions_of(frame, Columns("y", "said"), task="regression")
