"""What clients of a served model send and expect, in three shapes: the Open Inference Protocol v2, MLflow, and rows of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["PROTOCOLS", "BadRequest", "Protocol", "body_of", "frame_of_request", "rows_answered"]

Array = NDArray[Any]
_WORDS = {"b": "BOOL", "i": "INT64", "u": "UINT64", "f": "FP64"}


class BadRequest(Exception):
    """Say why a request cannot be answered, as a server says it with the status 400."""


@dataclass(frozen=True)
class Protocol:
    """One shape of requests: how its rows are read, and how answers are written.

    `rows(body, columns)` gives a frame; `answer(array, body, server)` gives the object that goes back, `field` being where in it the
    predictions are.
    """

    name: str
    rows: Callable[[Any, Sequence[str]], pl.DataFrame]
    answer: Callable[[Array, Any, Mapping[str, str]], dict[str, Any]]
    field: str = "predictions"


def body_of(raw: bytes) -> Any:
    """Return a request's body as JSON; raise `BadRequest` where it is none."""
    try:
        return json.loads(raw)
    except ValueError as error:
        raise BadRequest(f"the body is no JSON: {error}") from None


def frame_of_request(protocol: str, body: Any, columns: Sequence[str]) -> pl.DataFrame:
    """Return the rows of a request, with the columns that the model takes, in its order (all, where it does not say).

    >>> body = {"dataframe_split": {"columns": ["b", "a"], "data": [[1, 2], [3, 4]]}}
    >>> frame_of_request("mlflow", body, ["a", "b"]).to_dict(as_series=False)
    {'a': [2, 4], 'b': [1, 3]}

    Raises `BadRequest` where they are not there, or a column is missing.
    """
    try:
        frame = PROTOCOLS[protocol].rows(body, columns)
    except (KeyError, TypeError, ValueError, AttributeError, pl.exceptions.PolarsError) as error:
        raise BadRequest(f"the rows cannot be read: {type(error).__name__}: {error}") from None
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise BadRequest(f"the column {missing[0]!r} is missing; there are: {', '.join(frame.columns) or 'none'}")
    return frame.select(columns) if columns else frame


def rows_answered(answer: Any, protocol: str) -> int | None:
    """Return how many rows an answer holds; None where it has no predictions."""
    held = answer.get(PROTOCOLS[protocol].field) if isinstance(answer, dict) else None
    if protocol == "v2" and isinstance(held, list) and held and "shape" in held[0]:
        return int(held[0]["shape"][0])
    return len(held) if isinstance(held, list) else None


# The Open Inference Protocol v2 --------------------------------------------------------------------------------------


def _v2_rows(body: Any, columns: Sequence[str]) -> pl.DataFrame:
    made: dict[str, Any] = {}
    for tensor in body["inputs"]:
        data = np.asarray(_flat(tensor["data"]), dtype=object)
        shape = [int(side) for side in tensor["shape"]]
        if len(data) != int(np.prod(shape)):
            raise ValueError(f"the input {tensor['name']!r} has {len(data)} values and the shape {shape}")
        data = data.reshape(shape)
        if data.ndim == 1 or data.shape[1] == 1:
            made[tensor["name"]] = data.reshape(-1).tolist()
        else:
            names = columns if len(columns) == data.shape[1] else [str(i) for i in range(data.shape[1])]
            made |= {name: data[:, i].tolist() for i, name in enumerate(names)}
    return pl.DataFrame(made, strict=False)


def _v2_answer(array: Array, body: Any, server: Mapping[str, str]) -> dict[str, Any]:
    asked = [one.get("name") for one in body.get("outputs", [])] or ["predict"]
    if asked != ["predict"]:
        raise BadRequest(f"there is no output {asked[0]!r}; there is: predict")
    word = _WORDS.get(array.dtype.kind, "BYTES")
    output = {"name": "predict", "datatype": word, "shape": list(array.shape), "data": array.ravel().tolist()}
    said: dict[str, Any] = {"model_name": server["name"], "model_version": server["version"], "outputs": [output]}
    return {**said, "id": body["id"]} if "id" in body else said


def _flat(data: Any) -> list[Any]:
    while isinstance(data, list) and data and isinstance(data[0], list):
        data = [each for part in data for each in part]
    return list(data)


# MLflow's scoring server ---------------------------------------------------------------------------------------------


def _mlflow_rows(body: Any, columns: Sequence[str]) -> pl.DataFrame:
    if "dataframe_split" in body:
        split = body["dataframe_split"]
        return pl.DataFrame(split["data"], schema=split.get("columns") or list(columns), orient="row", strict=False)
    if "dataframe_records" in body:
        return _records(body["dataframe_records"])
    if "instances" in body:
        return _listed(body["instances"], columns)
    if "inputs" in body:
        given = body["inputs"]
        return pl.DataFrame(given, strict=False) if isinstance(given, dict) else _listed(given, columns)
    raise ValueError("a body has one of dataframe_split, dataframe_records, instances, inputs")


def _plain_answer(array: Array, body: Any, server: Mapping[str, str]) -> dict[str, Any]:
    return {"predictions": array.tolist()}


# Rows of JSON --------------------------------------------------------------------------------------------------------


def _json_rows(body: Any, columns: Sequence[str]) -> pl.DataFrame:
    if isinstance(body, list):
        return _listed(body, columns)
    for key in ("instances", "records", "rows", "data"):
        if isinstance(body.get(key), list):
            return _listed(body[key], body.get("columns") or columns)
    return _records([body])


def _listed(rows: list[Any], columns: Sequence[str]) -> pl.DataFrame:
    if rows and isinstance(rows[0], dict):
        return _records(rows)
    wide = [row if isinstance(row, list) else [row] for row in rows]
    names = list(columns) or [str(i) for i in range(len(wide[0]) if wide else 0)]
    return pl.DataFrame(wide, schema=names, orient="row", strict=False)


def _records(rows: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None, strict=False)


PROTOCOLS: Mapping[str, Protocol] = {
    "v2": Protocol("v2", _v2_rows, _v2_answer, "outputs"),
    "mlflow": Protocol("mlflow", _mlflow_rows, _plain_answer),
    "json": Protocol("json", _json_rows, _plain_answer),
}
