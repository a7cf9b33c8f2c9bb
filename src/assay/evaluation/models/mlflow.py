"""MLflow's models: a folder with an MLmodel, or a URI that MLflow resolves."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from assay.data.dataset import first_line
from assay.errors import DataError, UsageError, require
from assay.evaluation.models.adapted import Adapted, Opening
from assay.evaluation.models.answer import answer
from assay.evaluation.models.frames import as_taken, family_of
from assay.evaluation.models.model import Model, Output, Size
from assay.evaluation.models.signature import ANY, Field, Signature, What, cast_column, fields, positional

__all__ = ["open_mlflow", "recognises"]

_URI = re.compile(r"(models|runs|mlflow-artifacts|dbfs):/")
# What MLflow's types are in Polars, and what columns they are made of.
TYPES: dict[str, tuple[type[pl.DataType], What]] = {
    "double": (pl.Float64, "number"), "float": (pl.Float32, "number"), "long": (pl.Int64, "number"),
    "integer": (pl.Int32, "number"), "boolean": (pl.Boolean, "number"), "string": (pl.String, "text"),
    "datetime": (pl.Datetime, "any"),
}  # fmt: skip


def recognises(source: object) -> bool:
    """Return whether a source is a folder of MLflow's, a URI of its models, or a loaded pyfunc."""
    if isinstance(source, str | Path):
        return _URI.match(str(source)) is not None or (Path(source) / "MLmodel").is_file()
    return "mlflow" in family_of(source)


def open_mlflow(source: object, opening: Opening) -> Model:
    """Return a model of an MLflow pyfunc, by its signature.

    Columns are cast to the types of its schema. Where the model inside gives probabilities of classes, as
    scikit-learn's do, they are its scores; the predictions are always the pyfunc's own. A model is loaded by the code
    that lies in its folder, so that one has to be trusted.
    """
    model: Any = source
    if isinstance(source, str | Path):
        if not opening.trust:
            raise UsageError(
                f"the model {str(source)!r} is one of MLflow's: to load it is to run the code that it is made of",
                hint="where you know who made it, say trust=True (--trust)",
            )
        model = _loaded(str(source))
        opening = opening if opening.path else replace(opening, called=str(source))
    name = opening.named(model)
    schema = model.metadata.get_input_schema() if model.metadata is not None else None
    signature = _signature(schema, opening, name)
    types = {
        f.name: TYPES[str(one.type.name)][0]
        for f, one in zip(signature.fields, schema or (), strict=False)
        if _is_column(one)
    }
    tensor = schema is not None and schema.is_tensor_spec() and not _has_names(schema)
    inner = _inner(model)

    def ask(frame: pl.DataFrame) -> Output:
        typed = frame.with_columns(_cast(frame.get_column(n), types[n]) for n in frame.columns if n in types)
        fed = _matrix(typed, schema) if tensor else as_taken(typed, "pandas")
        said = answer(model.predict(fed), classes=opening.options.classes, meaning=opening.options.meaning)
        if inner is None or said.scores is not None:
            return said
        scores = np.asarray(inner.predict_proba(fed), dtype=np.float64)
        return Output(said.predictions, scores, opening.options.classes or tuple(np.asarray(inner.classes_).tolist()))

    sized = opening.sized(model) if opening.path else partial(_size, model)
    return Adapted(name, "mlflow", signature, ask, sized)


def _loaded(uri: str) -> Any:
    # MLflow reports its use over the network unless it is told not to; a person who wants that has said so already.
    if "MLFLOW_DISABLE_TELEMETRY" not in os.environ:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    pyfunc: Any = require("mlflow.pyfunc", extra="mlflow")
    try:
        return pyfunc.load_model(uri)
    except Exception as error:  # a registry's, a store's, or the model's own code fails in its own way
        said = f"{type(error).__name__}: {first_line(error)[:300]}"
        raise DataError(f"MLflow cannot load it: {said}", place=uri) from error


def _size(model: Any) -> Size:
    """Return the bytes that MLflow counted when it saved the model."""
    counted = getattr(model.metadata, "model_size_bytes", None)
    return (
        Size(None, why="MLflow did not count its bytes") if counted is None else Size(int(counted), "the model's files")
    )


def _has_names(schema: Any) -> bool:
    return all(schema.input_names()) if schema is not None else False


def _is_column(one: Any) -> bool:
    return getattr(getattr(one, "type", None), "name", None) in TYPES


def _signature(schema: Any, opening: Opening, name: str) -> Signature:
    if schema is None:
        return ANY if opening.features is None else Signature(fields(opening.features))
    if schema.is_tensor_spec() and not _has_names(schema):
        shape = schema.inputs[0].shape
        return positional(
            shape[1] if len(shape) == 2 and shape[1] > 0 else None, opening.features, takes="number", model=name
        )
    made = [
        Field(
            str(n), TYPES[one.type.name][1] if _is_column(one) else "any", optional=not getattr(one, "required", True)
        )
        for n, one in zip(schema.input_names(), schema.inputs, strict=True)
    ]
    return Signature(tuple(made))


def _cast(column: pl.Series, wanted: type[pl.DataType]) -> pl.Series:
    if wanted is pl.Datetime:
        return column.cast(pl.Datetime("ns")) if column.dtype != pl.Datetime else column
    if wanted is pl.String and column.null_count():
        return column.cast(pl.String)  # pandas has a missing text
    return cast_column(column, wanted)


def _matrix(frame: pl.DataFrame, schema: Any) -> Any:
    return frame.select(pl.all().cast(pl.Float64)).to_numpy().astype(schema.inputs[0].type)


def _inner(model: Any) -> Any:
    """Return the model inside where it names its classes and says their probabilities; None otherwise."""
    try:
        raw = model.get_raw_model()
    except Exception:  # a flavour that holds no such thing says so in its own way
        return None
    proba = callable(getattr(raw, "predict_proba", None))
    return raw if proba and getattr(raw, "classes_", None) is not None and not isinstance(raw.classes_, list) else None
