"""The formats in which a model can be saved: how each writes one and reads it back, and how exactly it must answer then."""

from __future__ import annotations

import importlib.util
import os
import pickle
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from assay.errors import require
from assay.evaluation.models.frames import family_of
from assay.evaluation.models.options import ModelOptions
from assay.testing.models.answers import Kind
from assay.testing.models.asking import Ask, asked_as
from assay.testing.rows import Rows

__all__ = ["FORMATS", "Format", "Saved", "single"]


@dataclass(frozen=True)
class Saved:
    """What is saved: the model, how it is asked, and rows that it takes, by which a format learns its input."""

    source: Any
    name: str
    rows: Rows
    kind: Kind
    classes: tuple[Hashable, ...] = ()
    options: ModelOptions | None = None

    def asked(self, source: Any, *, features: Sequence[str] = (), options: ModelOptions | None = None) -> Ask:
        """Return how what was read back is asked: for the same kind of answer."""
        return asked_as(
            source, self.name, kind=self.kind, classes=self.classes, features=features, options=options or self.options
        )


@dataclass(frozen=True)
class Format:
    """A format: which models it is for, and the function that saves one in a folder and returns how the one read back is asked.

    `own` says that models of this kind are commonly saved so: to fail is then a fault of the model, and for others a limit of the
    format. `single` says that numbers are kept in single precision, so that answers are the same to about 1e-4, and that a tree may
    take another branch for a row that lies on a threshold.
    """

    name: str
    title: str
    takes: Callable[[object], bool]
    travel: Callable[[Saved, Path], Ask]
    packages: tuple[str, ...] = ()
    own: bool = False
    single: bool = False

    def lacks(self) -> str:
        """Return the package that is not installed and that it needs; empty where all are."""
        return next((name for name in self.packages if importlib.util.find_spec(name) is None), "")


def single(rows: Rows) -> Rows:
    """Return rows with each number rounded to single precision, as a format of single precision would read them.

    >>> from assay.testing.rows import rows_of
    >>> single(rows_of([{"x": 0.1, "n": 3}])).native
    [{'x': 0.10000000149011612, 'n': 3}]
    """
    for name, dtype in rows.frame.schema.items():
        if dtype == pl.Float64:
            rows = rows.put(name, rows.frame[name].cast(pl.Float32).cast(pl.Float64))
    return rows


def _by_pickle(saved: Saved, folder: Path) -> Ask:
    return saved.asked(pickle.loads(pickle.dumps(saved.source, protocol=pickle.HIGHEST_PROTOCOL)))  # noqa: S301 - our own bytes


def _by_joblib(saved: Saved, folder: Path) -> Ask:
    joblib = require("joblib", extra="sklearn")
    path = folder / "model.joblib"
    joblib.dump(saved.source, path)
    return saved.asked(joblib.load(path))


def _by_skops(saved: Saved, folder: Path) -> Ask:
    skops = require("skops.io", extra="sklearn")
    path = folder / "model.skops"
    skops.dump(saved.source, path)
    return saved.asked(skops.load(path, trusted=skops.get_untrusted_types(file=path)))  # we have just written it


def _by_onnx(saved: Saved, folder: Path) -> Ask:
    # `Format.lacks` has asked for the converter already, and said how to install it: no extra for users brings it.
    convert = require("skl2onnx", extra="test")
    types = require("skl2onnx.common.data_types", extra="test")
    path = folder / "model.onnx"
    options = {"zipmap": False} if hasattr(saved.source, "predict_proba") else {}
    inputs: Any
    if saved.rows.kind == "array":
        inputs = [("X", types.FloatTensorType([None, len(saved.rows.columns)]))]
    else:
        text, number = types.StringTensorType, types.FloatTensorType
        inputs = [
            (name, (number if dtype.is_numeric() or dtype == pl.Boolean else text)([None, 1]))
            for name, dtype in saved.rows.frame.schema.items()
        ]
        if all(isinstance(kind, number) for _, kind in inputs):
            inputs = [("X", number([None, len(inputs)]))]
    made = convert.convert_sklearn(
        saved.source, initial_types=inputs, options={id(saved.source): options} if options else None
    )
    path.write_bytes(made.SerializeToString())
    outputs = [one.name for one in made.graph.output]  # of a classifier: the label, then the probabilities
    named = ModelOptions(output=outputs[-1 if saved.kind == "probability" else 0], classes=saved.classes)  # type: ignore[arg-type]
    return saved.asked(path, features=saved.rows.columns, options=named)


def _by_mlflow(saved: Saved, folder: Path) -> Ask:
    os.environ.setdefault(
        "MLFLOW_DISABLE_TELEMETRY", "true"
    )  # MLflow reports its use over the network unless told not to
    path = folder / "mlflow"
    family = family_of(saved.source)
    if "torch" in family:
        flavour = require("mlflow.pytorch", extra="mlflow")
        flavour.save_model(saved.source, str(path), pip_requirements=[], serialization_format="pickle")
    else:
        flavour = require("mlflow.sklearn", extra="mlflow")
        flavour.save_model(saved.source, str(path), pip_requirements=[], serialization_format="cloudpickle")
    return saved.asked(flavour.load_model(str(path)))


def _by_torch(saved: Saved, folder: Path) -> Ask:
    torch: Any = require("torch", extra="torch")
    path = folder / "model.pt"
    torch.save(saved.source, path)
    return saved.asked(torch.load(path, weights_only=False))


def _by_library(saved: Saved, folder: Path) -> Ask:
    """Save in the library's own format, and read it back through the adapter for its files."""
    family = family_of(saved.source)
    model = saved.source
    if "xgboost" in family:
        path = folder / "model.ubj"
        model.save_model(path)
        if type(model).__name__ == "Booster":
            return saved.asked(path, features=saved.rows.columns)
        fresh = type(model)()
        fresh.load_model(path)
        return saved.asked(fresh)
    if "lightgbm" in family:
        path = folder / "model.txt"
        getattr(model, "booster_", model).save_model(path)
        if type(model).__name__ == "Booster":
            return saved.asked(type(model)(model_file=path))
        return saved.asked(
            path, features=saved.rows.columns if saved.rows.kind == "array" else tuple(model.feature_name_)
        )
    path = folder / "model.cbm"
    model.save_model(str(path))
    fresh = type(model)()
    fresh.load_model(str(path))
    return saved.asked(fresh)


def _is_object(source: object) -> bool:
    return not isinstance(source, str | os.PathLike) and callable(getattr(source, "predict", None))


def _is_sklearn(source: object) -> bool:
    return _is_object(source) and "sklearn" in family_of(source)


def _is_torch(source: object) -> bool:
    return "torch" in family_of(source)


def _has_own(source: object) -> bool:
    return bool({"xgboost", "lightgbm", "catboost"} & family_of(source)) and callable(
        getattr(getattr(source, "booster_", source) if "lightgbm" in family_of(source) else source, "save_model", None)
    )


def _no_booster(source: object) -> bool:
    return _is_sklearn(source) and not _has_own(source)


_MADE = (
    Format("pickle", "Python's pickle", _is_object, _by_pickle, own=True),
    Format("joblib", "joblib", _is_object, _by_joblib, ("joblib",), own=True),
    Format("skops", "skops", _is_sklearn, _by_skops, ("skops",)),
    Format("onnx", "ONNX", _no_booster, _by_onnx, ("skl2onnx", "onnx", "onnxruntime"), single=True),
    Format("mlflow", "MLflow", lambda source: _is_sklearn(source) or _is_torch(source), _by_mlflow, ("mlflow",)),
    Format("torch", "torch.save", _is_torch, _by_torch, ("torch",), own=True),
    Format("library", "the library's own file", _has_own, _by_library, own=True),
)
FORMATS: Mapping[str, Format] = {one.name: one for one in _MADE}
