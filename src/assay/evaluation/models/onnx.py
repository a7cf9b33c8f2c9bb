"""ONNX models, run by ONNX Runtime on the processor."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import polars as pl

from assay.data.dataset import first_line
from assay.errors import DataError, require
from assay.evaluation.models.adapted import Adapted, Opening
from assay.evaluation.models.answer import choose
from assay.evaluation.models.model import Model, Output
from assay.evaluation.models.tensors import TYPES, Tensor, arrays_of, signature_of

__all__ = ["open_onnx", "recognises"]

_NAMES = {"float": "float32", "double": "float64", "string": "text"}


def recognises(source: object) -> bool:
    """Return whether a source is an ONNX file."""
    return isinstance(source, str | Path) and str(source).lower().endswith(".onnx")


def open_onnx(source: object, opening: Opening) -> Model:
    """Return a model of an ONNX file.

    It has an input for each column, whose names are the columns', or one matrix, which is fed the features in their
    order; each has the type that the file states. The classes of its scores are those that the file's classifier names.
    """
    path = str(source)
    runtime: Any = require("onnxruntime", extra="onnx")
    try:
        session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors are a dozen classes without a parent of their own
        raise DataError(f"it is no ONNX model that can run: {first_line(error)[:300]}", place=path) from None
    name = opening.named(session)
    inputs = [_tensor(one, name) for one in session.get_inputs()]
    outputs = [one.name for one in session.get_outputs()]
    classes = opening.options.classes or _classes(path)

    def ask(frame: pl.DataFrame) -> Output:
        raw = session.run(None, arrays_of(frame, inputs))
        told = opening.options
        return choose(dict(zip(outputs, raw, strict=True)), classes=classes, meaning=told.meaning, output=told.output)

    return Adapted(name, "onnx", signature_of(inputs, opening, model=name), ask, opening.sized(session))


def _tensor(given: Any, model: str) -> Tensor:
    kind = str(given.type).removeprefix("tensor(").removesuffix(")")
    kind = _NAMES.get(kind, kind)
    if kind not in TYPES or len(given.shape) > 2:
        raise DataError(
            f"{model}: its input {given.name!r} is {given.type} of the shape {given.shape}; Assay feeds columns"
        )
    if len(given.shape) < 2:
        return Tensor(given.name, TYPES[kind], None)
    width = given.shape[1]
    return Tensor(given.name, TYPES[kind], width if isinstance(width, int) else -1)


def _classes(path: str) -> tuple[Hashable, ...]:
    """Return the classes that a classifier in the graph names, in the order of its scores; nothing where there is none."""
    library: Any = require("onnx", extra="onnx")
    graph = library.load(path, load_external_data=False).graph
    found = [
        library.helper.get_attribute_value(attribute)
        for node in graph.node
        for attribute in node.attribute
        if attribute.name in ("classlabels_ints", "classlabels_int64s", "classlabels_strings", "classlabels")
    ]
    named = [tuple(c.decode() if isinstance(c, bytes) else c for c in classes) for classes in found if len(classes)]
    return named[-1] if named and len(set(named)) == 1 else ()
