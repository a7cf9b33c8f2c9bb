"""ONNX files, of scikit-learn's models and written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from assay.errors import DataError, UsageError
from assay.evaluation.models.opening import open_model
from assay.evaluation.models.options import ModelOptions
from evaluation.models.rows import amounts, binary, matrix, mixed, numbers, three

X = matrix().astype(np.float32)
WORDS = np.array(["low", "middle", "high"])[three()]


def by_hand(path: Path, fed: dict[str, np.ndarray]) -> list:
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, fed)


def written(model: object, path: Path, **told: object) -> Path:
    path.write_bytes(to_onnx(model, X[:1], **told).SerializeToString())
    return path


@pytest.mark.parametrize("zipmap", [True, False, "columns"])
def test_a_classifier_says_what_onnx_runtime_says(zipmap: object, tmp_path: Path):
    path = written(LogisticRegression().fit(X, WORDS), tmp_path / "m.onnx", options={"zipmap": zipmap})

    found = open_model(path, features=["a", "b"]).predict(numbers())

    label, *scores = by_hand(path, {"X": X})
    expected = {
        True: lambda: np.array([list(row.values()) for row in scores[0]]),
        False: lambda: scores[0],
        "columns": lambda: np.column_stack(scores),
    }[zipmap]()
    np.testing.assert_array_equal(found.predictions, label)
    np.testing.assert_array_equal(found.scores, expected)
    assert found.classes == ("high", "low", "middle")


def test_classes_that_are_numbers_stay_numbers(tmp_path: Path):
    path = written(LogisticRegression().fit(X, three() + 5), tmp_path / "m.onnx")

    assert open_model(path, features=["a", "b"]).predict(numbers()).classes == (5, 6, 7)


def test_a_regression_says_what_onnx_runtime_says(tmp_path: Path):
    path = written(LinearRegression().fit(X, amounts()), tmp_path / "m.onnx")

    found = open_model(path, features=["a", "b"]).predict(numbers())

    np.testing.assert_array_equal(found.predictions, by_hand(path, {"X": X})[0][:, 0])


def named_inputs(path: Path) -> Path:
    encoded = make_column_transformer((OneHotEncoder(), ["kind"]), (StandardScaler(), ["a"]))
    model = make_pipeline(encoded, LogisticRegression()).fit(mixed().to_pandas(), binary())
    types = [("a", FloatTensorType([None, 1])), ("kind", StringTensorType([None, 1]))]
    path.write_bytes(to_onnx(model, initial_types=types).SerializeToString())
    return path


def test_named_inputs_are_fed_by_their_names_and_types(tmp_path: Path):
    path = named_inputs(tmp_path / "m.onnx")
    frame = mixed()

    model = open_model(path)
    found = model.predict(frame.select("kind", "id", "a"))

    fed = {
        "a": frame["a"].to_numpy().astype(np.float32)[:, None],
        "kind": frame["kind"].to_numpy().astype(object)[:, None],
    }
    np.testing.assert_array_equal(found.predictions, by_hand(path, fed)[0])
    assert model.features == ("a", "kind")
    assert found.notes == ("left out 1 column that the model does not take: 'id'",)


def test_a_missing_column_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"takes 'kind', which the data does not have"):
        open_model(named_inputs(tmp_path / "m.onnx")).predict(mixed().drop("kind"))


def test_a_number_is_refused_where_the_model_takes_texts(tmp_path: Path):
    with pytest.raises(DataError, match=r"takes texts there: 'kind' holds Int32"):
        open_model(named_inputs(tmp_path / "m.onnx")).predict(mixed().with_columns(kind=pl.lit(3)))


def test_a_text_is_refused_where_the_model_takes_numbers(tmp_path: Path):
    with pytest.raises(DataError, match=r"takes numbers there: 'a' holds String"):
        open_model(named_inputs(tmp_path / "m.onnx")).predict(mixed().with_columns(a=pl.lit("x")))


def test_a_missing_text_is_refused(tmp_path: Path):
    frame = mixed().with_columns(kind=pl.when(pl.col("id") > 1).then(pl.col("kind")))

    with pytest.raises(DataError, match=r"it takes String there, which has no missing values: 'kind' has 2"):
        open_model(named_inputs(tmp_path / "m.onnx")).predict(frame)


def test_a_matrix_asks_for_the_features(tmp_path: Path):
    path = written(LinearRegression().fit(X, amounts()), tmp_path / "m.onnx")

    with pytest.raises(UsageError, match=r"m.onnx does not name its 2 columns; give features"):
        open_model(path)


def by_nodes(path: Path, nodes: list, outputs: dict[str, list], kind: int = TensorProto.FLOAT) -> Path:
    """Write a graph that takes a matrix x, n by 2."""
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
    given = [helper.make_tensor_value_info("x", kind, ["n", 2])]
    graph = helper.make_graph(nodes, "g", given, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return path


def test_nan_is_refused_and_counted(tmp_path: Path):
    path = by_nodes(tmp_path / "m.onnx", [helper.make_node("Sqrt", ["x"], ["y"])], {"y": ["n", 2]})
    below = int((X < 0).any(axis=1).sum())

    with pytest.raises(DataError, match=rf"{below} of the model's 240 rows of scores are NaN or missing"):
        open_model(path, features=["a", "b"]).predict(numbers())


def test_of_several_outputs_one_is_named(tmp_path: Path):
    nodes = [helper.make_node("Neg", ["x"], ["down"]), helper.make_node("Exp", ["x"], ["up"])]
    path = by_nodes(tmp_path / "m.onnx", nodes, {"down": ["n", 2], "up": ["n", 2]})

    with pytest.raises(
        UsageError, match=r"which of the model's outputs 'down', 'up' .* cannot be told; name one with output"
    ):
        open_model(path, features=["a", "b"]).predict(numbers())
    found = open_model(path, features=["a", "b"], options=ModelOptions(output="down")).predict(numbers())

    np.testing.assert_array_equal(found.scores, -X)


def test_an_output_that_is_not_there_is_refused(tmp_path: Path):
    path = by_nodes(tmp_path / "m.onnx", [helper.make_node("Neg", ["x"], ["y"])], {"y": ["n", 2]})

    with pytest.raises(UsageError, match=r"the model has no output 'z'; there are 'y'"):
        open_model(path, features=["a", "b"], options=ModelOptions(output="z")).predict(numbers())


def test_a_matrix_of_whole_numbers_takes_no_missing_value(tmp_path: Path):
    nodes = [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)]
    path = by_nodes(tmp_path / "m.onnx", nodes, {"y": ["n", 2]}, TensorProto.INT64)
    whole = numbers().with_columns(pl.col("a", "b").round(0))

    found = open_model(path, features=["a", "b"]).predict(whole)

    np.testing.assert_array_equal(found.scores, whole.select("a", "b").to_numpy())
    with pytest.raises(DataError, match=r"it takes Int64 there, which has no missing values: 'a' has 240"):
        open_model(path, features=["a", "b"]).predict(whole.with_columns(a=pl.lit(None)))


def test_a_vector_is_fed_the_column_of_its_name(tmp_path: Path):
    made = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Neg", ["a"], ["y"])], "g",
        [made("a", TensorProto.FLOAT, ["n"])], [made("y", TensorProto.FLOAT, ["n"])],
    )  # fmt: skip
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)

    by_name = open_model(path).predict(numbers())
    by_place = open_model(path, features=["b"]).predict(numbers())

    np.testing.assert_array_equal(by_name.predictions, -X[:, 0])
    np.testing.assert_array_equal(by_place.predictions, -X[:, 1])


def test_an_image_is_no_row_of_columns(tmp_path: Path):
    made = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["y"])], "g",
        [made("x", TensorProto.FLOAT, ["n", 28, 28])], [made("y", TensorProto.FLOAT, ["n", 28, 28])],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "m.onnx")

    with pytest.raises(
        DataError, match=r"its input 'x' is tensor\(float\) of the shape \['n', 28, 28\]; Assay feeds columns"
    ):
        open_model(tmp_path / "m.onnx")


def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path):
    (tmp_path / "m.onnx").write_bytes(b"not a model")

    with pytest.raises(DataError, match=r"m.onnx: it is no ONNX model that can run"):
        open_model(tmp_path / "m.onnx")
