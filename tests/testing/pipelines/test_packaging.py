"""A model that was saved, and loaded in a fresh process."""

from __future__ import annotations

import json
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.pipelines.packaging import KINDS, packages
from assay.testing.pipelines.pipeline import pipeline
from assay.verdict import Verdict

ROWS = pl.DataFrame({"x": [0.1, 0.2, 0.3], "y": [0, 1, 1]})
SETTINGS = {"scale": 1.0}


class Model:
    """A model whose class lives in a test: no other process finds it by its name."""

    def predict(self, rows: Any) -> Any:
        return np.asarray(rows["x"])


def save_weight(model: float, path: Path) -> None:
    path.write_text(json.dumps(model))


def load_weight(path: Path) -> float:
    return float(json.loads(path.read_text()))


def times(weight: float, rows: pl.DataFrame) -> Any:
    return rows["x"] * weight


def times_setting(weight: float, rows: pl.DataFrame) -> Any:
    return rows["x"] * weight * SETTINGS["scale"]


def weighted(**declared: Any) -> Any:
    return pipeline({"fit": lambda rows: 1 / 3}, label="y", predict=times, **declared)


def test_a_model_that_is_saved_whole_answers_the_same_from_a_fresh_process():
    seen = packages(weighted(save=save_weight, load=load_weight), ROWS)

    assert seen.verdict is Verdict.PASS
    assert seen.why == "3 answers are the same from a fresh process; the package has 18 bytes"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_estimator_survives_every_format(kind: str):
    pytest.importorskip("sklearn")
    pytest.importorskip({"skops": "skops"}.get(kind, "joblib"))
    from sklearn.tree import DecisionTreeClassifier

    seen = packages(pipeline(DecisionTreeClassifier(random_state=0), label="y", kind=kind), ROWS)

    assert seen.verdict is Verdict.PASS


def test_a_format_that_rounds_is_caught_with_its_rows():
    def save_rounded(model: float, path: Path) -> None:
        path.write_text(f"{model:.3f}")

    seen = packages(weighted(save=save_rounded, load=load_weight), ROWS)

    assert seen.verdict is Verdict.FAIL
    assert seen.why == "3 of 3 answers are others once the model was saved and loaded"
    assert seen.examples[0].values == {"before": 0.1 * (1 / 3), "after": 0.1 * 0.333}
    assert packages(weighted(save=save_rounded, load=load_weight, rtol=0.01), ROWS).verdict is Verdict.PASS


def test_a_class_that_only_the_test_knows_is_caught():
    seen = packages(pipeline({"fit": lambda rows: Model()}, label="y"), ROWS)

    assert seen.verdict is Verdict.FAIL
    assert "test_packaging" in seen.why  # not to be found, or a module of tests
    assert "in a module of the package that is deployed" in seen.note


def test_a_global_that_training_set_is_caught():
    def fit(rows: pl.DataFrame) -> float:
        SETTINGS["scale"] = 2.0
        return 1.0

    try:
        seen = packages(pipeline({"fit": fit}, label="y", predict=times_setting), ROWS)
    finally:
        SETTINGS["scale"] = 1.0

    assert seen.verdict is Verdict.FAIL
    assert seen.n_failing == 3


def test_a_model_that_cannot_be_saved_is_caught():
    seen = packages(pipeline({"fit": lambda rows: threading.Lock()}, label="y", predict=times), ROWS)

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith("the model cannot be saved: save raised TypeError: cannot pickle '_thread.lock' object")


def test_a_save_that_writes_nothing_is_caught():
    seen = packages(weighted(save=lambda model, path: None, load=load_weight), ROWS)

    assert seen.why == "save returned and wrote nothing to the path that it was given"


def test_a_way_to_ask_that_cannot_be_sent_is_inconclusive():
    lock = threading.Lock()

    seen = packages(
        pipeline({"fit": lambda rows: 1.0}, label="y", predict=lambda model, rows: rows["x"] * lock.locked()), ROWS
    )

    assert seen.verdict is Verdict.INCONCLUSIVE


def test_a_path_that_ends_in_no_model_is_skipped_and_says_so():
    seen = packages(pipeline({"evaluate": lambda rows: {"auc": 0.9}}), ROWS)

    assert seen.verdict is Verdict.SKIP
    assert "ends in dict, which answers nothing" in seen.why


def test_a_folder_is_a_package_too():
    def save_folder(model: float, path: Path) -> None:
        path.mkdir()
        (path / "weight").write_bytes(pickle.dumps(model))

    def load_folder(path: Path) -> float:
        return float(pickle.loads((path / "weight").read_bytes()))

    assert packages(weighted(save=save_folder, load=load_folder), ROWS).verdict is Verdict.PASS


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="joblib"):
        packages(weighted(kind="jobllib"), ROWS)
