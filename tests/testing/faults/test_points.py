"""Points of injection: a person's own values, and the same kind of value back with a fault in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.faults.fault import Fault, NoEffect, NotApplicable
from assay.testing.faults.plan import Wanted
from assay.testing.faults.points import injected, planned_at, point_of

HUNDREDFOLD = Fault("unit_change", "x", 100.0)
ROWS = {"x": [1.0, 2.0, 3.0, 4.0], "kind": ["a", "b", "a", "b"]}


def with_fault(value: Any, fault: Fault, scratch: Path) -> Any:
    return injected(point_of(value, scratch=scratch), fault)


def test_a_pandas_frame_stays_one_with_its_index(tmp_path: Path) -> None:
    before = pd.DataFrame(ROWS, index=[7, 8, 9, 10])
    after = with_fault(before, HUNDREDFOLD, tmp_path)
    assert list(after.index) == [7, 8, 9, 10]
    assert after["x"].tolist() == [100.0, 200.0, 300.0, 400.0]
    assert before["x"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_rows_and_labels_stay_a_pair(tmp_path: Path) -> None:
    rows, labels = with_fault((pl.DataFrame(ROWS), np.array([0, 1, 1, 0])), HUNDREDFOLD, tmp_path)
    assert rows["x"].to_list() == [100.0, 200.0, 300.0, 400.0]
    assert labels.tolist() == [0, 1, 1, 0]


def test_the_labels_of_a_pair_can_be_flipped(tmp_path: Path) -> None:
    flip = Fault("label_flip", "label", 0.5, settings={"label": "label"})
    rows, labels = with_fault((pd.DataFrame(ROWS), pd.Series([0, 1, 1, 0], name="y")), flip, tmp_path)
    assert labels.name == "y"
    assert sum(labels != pd.Series([0, 1, 1, 0])) == 2
    assert rows["x"].tolist() == ROWS["x"]


def test_the_faults_of_a_pair_know_its_labels(tmp_path: Path) -> None:
    point = point_of((pd.DataFrame(ROWS), [0, 1, 1, 0]), scratch=tmp_path)
    assert {"label_flip", "nulls"} <= {fault.operator for fault in planned_at(point, Wanted())}


def test_a_file_of_rows_comes_back_as_another_file_of_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "data" / "train.csv"
    path.parent.mkdir()
    pl.DataFrame(ROWS).write_csv(path)
    changed = with_fault(str(path), HUNDREDFOLD, tmp_path)
    assert isinstance(changed, str)
    assert Path(changed).name == "train.csv"
    assert pl.read_csv(changed)["x"].to_list() == [100.0, 200.0, 300.0, 400.0]
    assert pl.read_csv(path)["x"].to_list() == [1.0, 2.0, 3.0, 4.0]


def test_a_file_can_be_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(100))
    (tmp_path / "scratch").mkdir()
    assert len(with_fault(path, Fault("truncated_file", severity=0.1), tmp_path / "scratch").read_bytes()) == 90


def test_splits_are_contaminated(tmp_path: Path) -> None:
    splits = {"train": pd.DataFrame({"x": [1, 2]}), "test": pd.DataFrame({"x": [3, 4]})}
    point = point_of(splits, scratch=tmp_path)
    faults = planned_at(point, Wanted())
    assert {fault.operator for fault in faults} == {"split_leak"}
    assert len(injected(point, faults[-1])["train"]) > 2


def test_a_model_that_can_be_called_is_a_model_unless_it_is_named_as_a_function(tmp_path: Path) -> None:
    class Both:
        def __call__(self, rows: object) -> object:
            return rows

        def predict(self, rows: object) -> object:
            return rows

    assert point_of(Both(), scratch=tmp_path).on == ("model",)
    assert point_of(Both(), scratch=tmp_path, function=True).on == ("function",)


def test_a_fault_that_changes_nothing_has_no_effect(tmp_path: Path) -> None:
    with pytest.raises(NoEffect):
        with_fault(pl.DataFrame({"x": [0.0, 0.0]}), HUNDREDFOLD, tmp_path)


def test_a_fault_of_another_kind_does_not_apply(tmp_path: Path) -> None:
    with pytest.raises(NotApplicable):
        with_fault(pl.DataFrame({"kind": ["a"]}), Fault("unit_change", "kind", 100.0), tmp_path)


def test_a_value_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no fault can be put into a builtins.int"):
        point_of(7, scratch=tmp_path)
