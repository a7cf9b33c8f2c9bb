"""Values taken apart, and the first part in which two differ."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.testing.pipelines.leaves import Difference, first_difference, leaves_of, sorted_rows


def compared(one: Any, other: Any, *, rtol: float = 1e-9) -> Difference | None:
    return first_difference(leaves_of(one), leaves_of(other), rtol=rtol, atol=1e-12)


class Fitted:
    """An object with state, as an estimator has it."""

    def __init__(self, weight: float, seconds: float = 0.0) -> None:
        self.coef_ = np.array([weight, 2.0])
        self.seconds = seconds

    def predict(self, rows: Any) -> Any:
        return rows


@dataclass
class Parts:
    train: pl.DataFrame
    test: pl.DataFrame


class Pair(NamedTuple):
    x: Any
    y: Any


FRAME = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
SAME = [
    (FRAME, FRAME.clone()),
    (pd.DataFrame({"a": [1.0, np.nan]}, index=[5, 6]), pd.DataFrame({"a": [1.0, np.nan]}, index=[5, 6])),
    ({"b", "a", "c"}, {"c", "b", "a"}),
    ([1, "x", None], [1, "x", None]),
    (np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-12])),
    (Pair(1, FRAME), Pair(1, FRAME)),
    (Parts(FRAME, FRAME), Parts(FRAME, FRAME)),
    (lambda x: x, lambda x: x + 1),  # code is no result
    (threading.Lock(), threading.Lock()),
    (10**30, 10**30),
    (np.array(["2026-01-01"], dtype="datetime64[s]"), np.array(["2026-01-01"], dtype="datetime64[s]")),
    (np.zeros((2, 3, 4)), np.zeros((2, 3, 4))),
    (object(), object()),  # what has an address and no state
    ([object()], [object()]),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=lambda value: type(value).__name__)
def test_equal_values_differ_in_nothing(one: Any, other: Any):
    assert compared(one, other) is None


OTHERS = [
    (FRAME, FRAME.with_columns(a=pl.Series([1, 3])), "", "differs in 1 of 2 rows, in a, by up to 1"),
    (FRAME, FRAME.reverse(), "", "differs in 2 of 2 rows, in a, b, by up to 1: the same rows in another order"),
    (FRAME, FRAME.head(1), "", "has 2 rows in one run and 1 in the other"),
    (FRAME, FRAME.select("b", "a"), "", "has its columns in another order: a, b in one run, b, a in the other"),
    (FRAME, FRAME.rename({"b": "c"}), "", "has its columns others: a, b in one run, a, c in the other"),
    ({"x": 1, "y": 2}, {"y": 2, "x": 1}, " keys", "differs"),
    ({"x": 1}, {"x": 1, "y": 2}, " keys", "differs"),
    ((1, [FRAME, 2]), (1, [FRAME, 3]), "[1][1]", "differs, by up to 1"),
    (Pair(1, 2), Pair(1, 4), ".y", "differs, by up to 2"),
    (Parts(FRAME, FRAME), Parts(FRAME, FRAME.head(1)), ".test", "has 2 rows in one run and 1 in the other"),
    (0.1, 0.2, "", "differs, by up to 0.1"),
    ("a", "b", "", "differs"),
    ({"a"}, {"b"}, "", "differs"),
    (np.eye(2), np.eye(2) * 3, "", "differs in 2 of 2 rows, in result_0, result_1, by up to 2"),
    (pd.Series([1, 2], index=["a", "b"]), pd.Series([1, 2], index=["b", "a"]), "", "differs in 2 of 2 rows, in index"),
    ([1, 2], [1, 2, 3], "", "has 2 rows in one run and 3 in the other"),
    (1, FRAME, "", "has 1 row in one run and 2 in the other"),
]


@pytest.mark.parametrize(("one", "other", "path", "said"), OTHERS)
def test_a_difference_is_named_with_its_place_and_size(one: Any, other: Any, path: str, said: str):
    found = compared(one, other)

    assert found is not None
    assert found.leaf.path == path
    assert found.said == said


def test_the_rows_that_differ_are_shown_with_both_values():
    found = compared(FRAME, FRAME.with_columns(a=pl.Series([1, 3])))

    assert found is not None
    assert [(e.row, e.values) for e in found.examples] == [(1, {"column": "a", "one run": 2, "the other": 3})]


def test_the_state_of_an_object_is_compared_and_counts_as_no_data():
    found = compared(Fitted(1.0), Fitted(1.5))

    assert found is not None
    assert (found.leaf.path, found.leaf.data) == (".coef_", False)
    assert found.said == "differs in 1 of 2 rows, by up to 0.5"


def test_data_that_differ_come_before_state_that_does():
    found = compared({"model": Fitted(1.0), "rows": FRAME}, {"model": Fitted(2.0), "rows": FRAME.head(1)})

    assert found is not None
    assert found.leaf.path == "['rows']"


def test_the_state_of_an_object_of_c_is_what_it_would_be_pickled_as():
    tree = pytest.importorskip("sklearn.tree")
    rows = np.arange(20.0).reshape(-1, 1)
    one, other, third = (
        tree.DecisionTreeRegressor(max_depth=2).fit(rows, y) for y in (rows[:, 0], rows[:, 0], rows[::-1, 0])
    )

    assert compared(one, other) is None
    found = compared(one, third)
    assert found is not None
    assert ".tree_" in found.leaf.path


def test_a_value_that_contains_itself_ends():
    loop: dict[str, Any] = {"x": 1}
    loop["self"] = loop

    assert [leaf.path for leaf in leaves_of(loop)] == [" keys", "['x']"]


def test_a_sparse_matrix_is_compared_by_its_entries():
    sparse = pytest.importorskip("scipy.sparse")
    found = compared(sparse.csr_matrix(np.eye(3)), sparse.csr_matrix(np.eye(3) * [1, 1, 2]))

    assert found is not None
    assert found.said == "differs in 1 of 3 rows, in value, by up to 1"


def test_rows_in_another_order_are_the_same_once_sorted():
    one, other = leaves_of(FRAME), leaves_of(FRAME.reverse())

    assert first_difference([sorted_rows(x) for x in one], [sorted_rows(x) for x in other], rtol=0, atol=0) is None


def test_a_column_of_mixed_objects_is_compared_as_texts():
    one = pd.DataFrame({"x": [1, "a", {"k": 1}]}, dtype=object)
    other = pd.DataFrame({"x": [1, "a", {"k": 2}]}, dtype=object)

    assert compared(one, one.copy()) is None
    found = compared(one, other)
    assert found is not None
    assert found.said.startswith("differs in 1 of 3 rows")


def test_a_large_table_is_compared_by_the_hashes_of_its_rows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("assay.testing.pipelines.leaves.MOST_CELLS", 3)

    assert leaves_of(FRAME)[0].table.columns == ["hash of the row"]
    assert compared(FRAME, FRAME) is None
    assert compared(FRAME, FRAME.reverse()) is not None
