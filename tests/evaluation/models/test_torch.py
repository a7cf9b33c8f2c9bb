"""torch's modules, exported programs and TorchScript."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.evaluation.models.opening import open_model
from assay.evaluation.models.options import ModelOptions
from assay.evaluation.models.predicting import predicted
from evaluation.models.rows import matrix, numbers

pytestmark = pytest.mark.real_part("torch")
FEATURES = ["a", "b"]


def a_module(outputs: int = 2) -> object:
    import torch

    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Dropout(0.9), torch.nn.Linear(4, outputs))


def by_hand(module: object) -> np.ndarray:
    import torch

    with torch.inference_mode():
        return module.eval()(torch.from_numpy(matrix().astype(np.float32))).numpy()


def exported(module: object, path: Path) -> None:
    import torch

    rows = torch.export.Dim("rows")
    program = torch.export.export(module.eval(), (torch.zeros(2, 2),), dynamic_shapes=({0: rows},))
    torch.export.save(program, path)


def scripted(module: object, path: Path) -> None:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(module.eval(), torch.zeros(2, 2)), path)


def pickled(module: object, path: Path) -> None:
    import torch

    torch.save(module, path)


def test_a_module_says_what_torch_says():
    module = a_module()

    found = open_model(module, features=FEATURES).predict(numbers())

    np.testing.assert_array_equal(found.scores, by_hand(module))
    assert (found.predictions, found.classes) == (None, ())


@pytest.mark.parametrize(("save", "name"), [(exported, "m.pt2"), (scripted, "m.pt"), (pickled, "m.pth")])
def test_a_file_says_what_torch_says(save, name: str, tmp_path: Path):
    module = a_module()
    save(module, tmp_path / name)

    model = open_model(tmp_path / name, features=FEATURES, trust=True)

    np.testing.assert_allclose(model.predict(numbers()).scores, by_hand(module), rtol=1e-5, atol=1e-7)
    assert model.predict(numbers()[:1]).scores.shape == (1, 2)
    assert (model.name, model.kind, model.size().of) == (name, "torch", "the file")


def test_logits_become_probabilities_where_they_are_said_to_be():
    import torch

    module = a_module(3)
    told = ModelOptions(meaning="logit", classes=("x", "y", "z"))

    found = predicted(open_model(module, features=FEATURES, options=told), numbers())

    softmax = torch.softmax(torch.from_numpy(by_hand(module)), dim=1).numpy()
    np.testing.assert_allclose(found.scores, softmax, rtol=1e-5)
    assert found.classes == ("x", "y", "z")


def test_one_logit_a_row_is_that_of_the_second_class():
    module = a_module(1)

    found = open_model(module, features=FEATURES, options=ModelOptions(meaning="logit")).predict(numbers())

    np.testing.assert_allclose(found.scores[:, 1], 1 / (1 + np.exp(-by_hand(module)[:, 0].astype(float))), rtol=1e-5)


def test_one_number_a_row_is_a_value():
    module = a_module(1)

    found = open_model(module, features=FEATURES).predict(numbers())

    np.testing.assert_array_equal(found.predictions, by_hand(module)[:, 0])


def test_logits_that_are_not_said_to_be_are_noted():
    found = predicted(open_model(a_module(), features=FEATURES), numbers())

    assert found.notes[-1].startswith("the scores of 240 of 240 rows are no probabilities")


def test_the_features_are_asked_for():
    with pytest.raises(UsageError, match=r"Sequential does not name its columns; give features"):
        open_model(a_module())


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match=r"takes 'b', which the data does not have"):
        open_model(a_module(), features=FEATURES).predict(numbers().drop("b"))


def test_a_text_column_is_refused():
    with pytest.raises(DataError, match=r"takes numbers there: 'a' holds String"):
        open_model(a_module(), features=FEATURES).predict(numbers().with_columns(a=pl.lit("x")))


def test_nan_is_refused_and_counted():
    gaps = numbers().with_columns(a=pl.when(pl.col("id") != 4).then(pl.col("a")))

    with pytest.raises(
        DataError, match=r"1 of the model's 240 rows of scores are NaN or missing, the first is of row 4"
    ):
        open_model(a_module(), features=FEATURES).predict(gaps)


def test_too_many_features_are_the_modules_to_refuse():
    with pytest.raises(
        DataError, match=r"it failed on 240 rows: RuntimeError: mat1 and mat2 shapes cannot be multiplied"
    ):
        open_model(a_module(), features=["a", "b", "id"]).predict(numbers())


def test_a_module_of_double_precision_is_fed_doubles():
    module = a_module().double()

    found = open_model(module, features=FEATURES).predict(numbers())

    assert found.scores.dtype == np.float64
    assert np.abs(found.scores - found.scores.astype(np.float32)).max() > 0


@pytest.mark.parametrize(("save", "name"), [(exported, "m.pt2"), (scripted, "m.pt"), (pickled, "m.pth")])
def test_a_file_is_loaded_only_where_it_is_trusted(save, name: str, tmp_path: Path):
    save(a_module(), tmp_path / name)

    with pytest.raises(UsageError, match=rf"{name}' is one of torch's: to load it is to run .* say trust=True"):
        open_model(tmp_path / name, features=FEATURES)


def test_weights_are_no_module(tmp_path: Path):
    import torch

    torch.save(a_module().state_dict(), tmp_path / "m.pt")

    with pytest.raises(UsageError, match=r"holds a module's weights and no module; export it with torch.export"):
        open_model(tmp_path / "m.pt", features=FEATURES, trust=True)


def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path):
    (tmp_path / "m.pt").write_bytes(b"not a model")

    with pytest.raises(DataError, match=r"m.pt: it cannot be loaded: BadZipFile"):
        open_model(tmp_path / "m.pt", features=FEATURES, trust=True)
