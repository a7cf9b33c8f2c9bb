"""Models behind HTTP: the Open Inference Protocol v2, MLflow's scoring server, and any other shape in JSON."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError, UsageError
from assay.evaluation.models import templates
from assay.evaluation.models.adapted import Adapted, Opening
from assay.evaluation.models.answer import answer, array_of, choose, joined
from assay.evaluation.models.model import Model, Output, Size
from assay.evaluation.models.options import EndpointOptions
from assay.evaluation.models.signature import ANY, Signature, fields, positional
from assay.evaluation.models.tensors import TYPES, Tensor, arrays_of, signature_of
from assay.evaluation.models.transport import Transport, split_url

__all__ = ["open_endpoint", "recognises"]

_V2 = re.compile(r"(?P<model>.*/v2/models/(?P<name>[^/]+)(/versions/[^/]+)?)(/infer)?/?")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
DATATYPES = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT8": "int8",
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FP16": "float16", "FP32": "float32", "FP64": "float64",
    "BYTES": "text",
}  # fmt: skip
_UNNAMED = "input-0"


def recognises(source: object) -> bool:
    """Return whether a source is the URL of an endpoint."""
    return isinstance(source, str) and re.match(r"https?:", source, re.IGNORECASE) is not None


def open_endpoint(source: object, opening: Opening) -> Model:
    """Return a model of an endpoint, by the protocol of its options, or the one that its URL shows.

    A request holds at most so many rows as the options say. v2 is asked for its inputs, whose names are the columns' or
    which is one matrix; MLflow's and others' are sent the features, or every column where none are named.
    """
    if not isinstance(source, str):
        raise UsageError(f"{source!r} is no URL", hint="give http://HOST/... or https://")
    parts = split_url(source)
    told = opening.options.endpoint
    transport = Transport(parts, told.seconds, told.retries, _headers(told))
    path = parts.path
    protocol = told.protocol or (
        "v2" if _V2.fullmatch(path) else "mlflow" if path.rstrip("/").endswith("/invocations") else "json"
    )
    target = (path or "/") + (f"?{parts.query}" if parts.query else "")
    return PROTOCOLS[protocol](transport, target, opening)


def _headers(told: EndpointOptions) -> dict[str, str]:
    """Return the headers with the variables of the environment that they name."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise UsageError(
                f"a header of the endpoint names the variable {found[1]}, which the environment does not have"
            )
        return os.environ[found[1]]

    return {name: _VARIABLE.sub(value, text) for name, text in told.headers.items()}


Ask = Callable[[pl.DataFrame], Output]


def _adapted(name: str, signature: Signature, ask: Ask, rows: int) -> Model:
    """Return a model that asks for so many rows at a time."""

    def all_rows(frame: pl.DataFrame) -> Output:
        return joined([ask(frame[start : start + rows]) for start in range(0, frame.height, rows)])

    return Adapted(name, "http", signature, all_rows, _unseen, batch=rows)


def _unseen() -> Size:
    return Size(None, why="it is behind an endpoint, and cannot be seen")


def _counted(output: Output, n: int, place: str) -> Output:
    """Return the output of one request; raise DataError where it is not of as many rows as were sent."""
    for array in (output.predictions, output.scores):
        if array is not None and len(array) != n:
            raise DataError(f"it answered {len(array):,} rows for {n:,}", place=place)
    return output


# MLflow, and any other shape -----------------------------------------------------------------------------------------


def _mlflow(transport: Transport, target: str, opening: Opening) -> Model:
    split = {"dataframe_split": {"columns": "$columns", "data": "$rows"}}
    shaped = msgspec.structs.replace(opening.options.endpoint, request=split, prediction="predictions", scores="")
    return _json(transport, target, replace(opening, options=msgspec.structs.replace(opening.options, endpoint=shaped)))


def _json(transport: Transport, target: str, opening: Opening) -> Model:
    options = opening.options
    told = options.endpoint
    template: object = templates.DEFAULT if told.request is None else told.request
    templates.refuse_template(template)
    if not told.prediction and not told.scores:
        raise UsageError("nothing of the endpoint's answer is read", hint="give the path of prediction, or of scores")
    place = transport.place(target)
    name = options.name or place
    single = templates.one_by_one(template)

    def ask(frame: pl.DataFrame) -> Output:
        rows = templates.plain_rows(frame, model=name)
        raw = transport.ask(target, msgspec.json.encode(templates.filled(template, rows)))
        said = (
            answer(_read(raw, told.prediction, single, place), classes=options.classes, meaning=options.meaning)
            if told.prediction
            else Output()
        )
        if told.scores:
            meaning = options.meaning or "probability"
            scores = answer(_read(raw, told.scores, single, place), classes=options.classes, meaning=meaning)
            said = replace(scores, predictions=said.predictions)
        return _counted(said, frame.height, place)

    signature = ANY if opening.features is None else Signature(fields(opening.features))
    return _adapted(name, signature, ask, 1 if single else told.rows)


def _read(raw: object, path: str, single: bool, place: str) -> object:
    """Return what stands at a path; of a request with one row, as one row, whether the answer lists it or not."""
    found = templates.at_path(raw, path, place=place)
    if not single:
        return found
    while isinstance(found, list) and len(found) == 1:
        found = found[0]
    return [found]


# The Open Inference Protocol -----------------------------------------------------------------------------------------


def _v2(transport: Transport, target: str, opening: Opening) -> Model:
    matched = _V2.fullmatch(target.partition("?")[0])
    if matched is None:
        raise UsageError(f"{transport.place(target)} is no URL of protocol v2", hint="it ends in /v2/models/NAME")
    base, place = matched["model"], transport.place(matched["model"])
    options = opening.options
    name = options.name or place
    told = transport.ask(base)
    inputs = [_tensor(one, place) for one in _list(told, "inputs")]
    if inputs:
        signature = signature_of(inputs, opening, model=name)
    else:
        found = positional(None, opening.features, takes="number", model=name)
        note = "the server does not say which inputs the model takes: it is sent one matrix of FP64"
        signature = Signature(found.fields, note)
        inputs = [Tensor(_UNNAMED, TYPES["float64"], -1)]

    def ask(frame: pl.DataFrame) -> Output:
        arrays = arrays_of(frame, inputs)
        sent: dict[str, object] = {"inputs": [_sent(one, arrays[one.name], place) for one in inputs]}
        if options.output:
            sent["outputs"] = [{"name": options.output}]
        raw = transport.ask(f"{base}/infer", msgspec.json.encode(sent))
        outputs = {str(one.get("name")): _received(one, place) for one in _list(raw, "outputs")}
        if not outputs:
            raise DataError("its answer has no outputs", place=place)
        said = choose(outputs, classes=options.classes, meaning=options.meaning, output=options.output)
        return _counted(said, frame.height, place)

    return _adapted(name, signature, ask, options.endpoint.rows)


def _list(raw: object, key: str) -> list[dict[str, Any]]:
    found = raw.get(key) if isinstance(raw, Mapping) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _tensor(given: Mapping[str, Any], place: str) -> Tensor:
    kind, shape = DATATYPES.get(str(given.get("datatype"))), given.get("shape")
    if kind is None or not isinstance(shape, list) or not 1 <= len(shape) <= 2 or not given.get("name"):
        raise DataError(
            f"its input {given.get('name')!r} is {given.get('datatype')} of the shape {shape}; Assay feeds columns",
            place=place,
        )
    width = int(shape[1]) if len(shape) == 2 else None
    return Tensor(str(given["name"]), TYPES[kind], width)


_WORDS = {name: word for word, name in DATATYPES.items()}


def _sent(tensor: Tensor, array: NDArray[np.generic], place: str) -> dict[str, object]:
    """Return a tensor as the protocol has it: its elements row by row, in one list. A missing number is null."""
    if array.dtype.kind == "f" and np.isinf(array).any():
        raise DataError(f"the input {tensor.name!r} holds infinite numbers, which JSON has no word for", place=place)
    kind = next(name for name, one in TYPES.items() if one == tensor.type)
    return {"name": tensor.name, "shape": list(array.shape), "datatype": _WORDS[kind], "data": array.ravel().tolist()}


def _received(given: Mapping[str, Any], place: str) -> NDArray[np.generic]:
    kind, shape, data = DATATYPES.get(str(given.get("datatype"))), given.get("shape"), given.get("data")
    if kind is None or not isinstance(shape, list) or not isinstance(data, list):
        raise DataError(f"its output {given.get('name')!r} has no datatype, shape and data", place=place)
    array = array_of(_flat(data))
    try:
        typed = array if kind == "text" else array.astype(np.dtype(TYPES[kind].numpy))
        return typed.reshape([int(side) for side in shape])
    except (ValueError, TypeError):
        raise DataError(
            f"its output {given.get('name')!r} has {array.size} values, and says {given.get('datatype')} of the shape {shape}",
            place=place,
        ) from None


def _flat(data: list[Any]) -> list[Any]:
    """Return the elements of nested lists, row by row: the protocol lets a server nest them."""
    while data and isinstance(data[0], list):
        data = [element for part in data for element in part]
    return data


PROTOCOLS: Mapping[str, Callable[[Transport, str, Opening], Model]] = {"v2": _v2, "mlflow": _mlflow, "json": _json}
