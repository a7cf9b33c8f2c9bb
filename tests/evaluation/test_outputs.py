"""What a model answers becomes columns beside the rows, by task, and what does not fit is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.evaluation.columns import Columns
from assay.evaluation.models.model import Output
from assay.evaluation.outputs import attached, with_output
from assay.evaluation.reading import predictions_of

FRAME = pl.DataFrame({"y": ["no", "yes"], "x": [1.0, 2.0]})


def test_the_score_of_the_positive_class_is_found_by_its_name():
    output = Output(scores=np.array([[0.9, 0.1], [0.2, 0.8]]), classes=("yes", "no"))

    frame, columns = attached(FRAME, Columns("y", positive="yes"), output, task="binary", name="m")

    assert predictions_of(frame, columns, task="binary").positive.tolist() == [0.9, 0.2]


def test_the_last_class_is_positive_where_nothing_else_is_said():
    output = Output(scores=np.array([[0.9, 0.1], [0.2, 0.8]]), classes=("no", "yes"))

    frame, columns = attached(FRAME, Columns("y"), output, task="binary", name="m")

    assert predictions_of(frame, columns, task="binary").positive.tolist() == [0.1, 0.8]


@pytest.mark.parametrize("classes", [(0, 1), (False, True), ("0", "1")])
def test_classes_of_zero_and_one_need_no_positive_one(classes: tuple[object, ...]):
    output = Output(predictions=np.array(classes), scores=np.array([[0.9, 0.1], [0.2, 0.8]]), classes=classes)  # type: ignore[arg-type]

    frame, columns = attached(pl.DataFrame({"y": [0, 1]}), Columns("y"), output, task="binary", name="m")

    rows = predictions_of(frame, columns, task="binary")
    assert (rows.labels.tolist(), rows.said.tolist()) == ([0, 1], [0, 1])


def test_scores_of_several_classes_keep_their_names():
    output = Output(scores=np.array([[0.7, 0.2, 0.1]]), classes=("a", "b", "c"))

    frame, columns = attached(pl.DataFrame({"y": ["b"]}), Columns("y"), output, task="multiclass", name="m")

    rows = predictions_of(frame, columns, task="multiclass")
    assert rows.classes == ("a", "b", "c")
    assert rows.labels.tolist() == [1]


def test_labels_take_the_columns_of_the_output_in_their_order():
    output = Output(predictions=np.array([[1, 0]]), scores=np.array([[0.8, 0.3]]))

    frame, columns = attached(
        pl.DataFrame({"a": [1], "b": [1]}), Columns("", labels=("a", "b")), output, task="multilabel", name="m"
    )

    assert predictions_of(frame, columns, task="multilabel").said.tolist() == [[1, 0]]


def test_forecasts_of_levels_and_orders_of_documents_are_read():
    levels = Output(predictions=np.array([[1.0, 4.0]]), classes=(0.1, 0.9))
    order = Output(predictions=np.array([0.3, 0.1]))

    frame, columns = attached(pl.DataFrame({"y": [2.0]}), Columns("y"), levels, task="quantile", name="m")
    assert predictions_of(frame, columns, task="quantile").said.tolist() == [[1.0, 4.0]]
    ranked = pl.DataFrame({"y": [1.0, 0.0], "q": [1, 1]})
    frame, columns = attached(ranked, Columns("y", query="q"), order, task="ranking", name="m")
    assert predictions_of(frame, columns, task="ranking").positive.tolist() == [0.3, 0.1]


@pytest.mark.parametrize(
    ("task", "output", "said"),
    [
        ("binary", Output(scores=np.ones((2, 3)) / 3), "has two"),
        ("multiclass", Output(scores=np.ones((2, 3)) / 3), "which classes"),
        ("regression", Output(scores=np.ones((2, 1))), "no predictions"),
        ("quantile", Output(predictions=np.ones(2)), "for each level"),
        ("ranking", Output(), "no scores"),
        ("multilabel", Output(predictions=np.ones((2, 3))), "2 labels"),
    ],
)
def test_an_output_that_does_not_fit_the_task_is_refused(task: str, output: Output, said: str):
    with pytest.raises(DataError, match=said):
        attached(FRAME, Columns("y", labels=("y", "x")), output, task=task, name="m")  # type: ignore[arg-type]


def test_a_class_that_the_model_does_not_know_is_named():
    output = Output(scores=np.array([[0.9, 0.1], [0.2, 0.8]]), classes=("no", "yes"))

    with pytest.raises(UsageError, match="'maybe' is none of them"):
        attached(FRAME, Columns("y", positive="maybe"), output, task="binary", name="m")


def test_a_model_beside_a_column_of_predictions_is_refused():
    class Silent:
        name, kind, features = "m", "function", ()

        def predict(self, frame: pl.DataFrame) -> Output:
            raise AssertionError("it is not to be asked")

    with pytest.raises(UsageError, match="one of them"):
        with_output(FRAME, Columns("y", score="x"), Silent(), task="binary")  # type: ignore[arg-type]
