"""The bodies of requests: what a service is sent for rows, by its protocol, and the model that asks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import polars as pl

from assay.errors import AssayError
from assay.evaluation.models import templates
from assay.evaluation.models.adapted import Opening
from assay.evaluation.models.endpoint import DATATYPES, PROTOCOLS
from assay.evaluation.models.model import Model
from assay.evaluation.models.options import ModelOptions
from assay.evaluation.models.tensors import TYPES
from assay.evaluation.models.transport import Transport
from assay.testing.pipelines.service import Service
from assay.testing.pipelines.ways import target_of

__all__ = ["body_of", "inference_target", "model_of", "template_of"]

MLFLOW: Mapping[str, object] = {"dataframe_split": {"columns": "$columns", "data": "$rows"}}


def template_of(service: Service) -> object:
    """Return the body with places for the rows, of a service whose protocol has one."""
    if service.protocol == "mlflow":
        return MLFLOW
    return templates.DEFAULT if service.options.request is None else service.options.request


def inference_target(service: Service) -> str:
    """Return the path that rows are sent to."""
    target = target_of(service)
    if service.protocol != "v2":
        return target
    path, mark, query = target.partition("?")
    return f"{path.rstrip('/').removesuffix('/infer')}/infer{mark}{query}"


def body_of(service: Service, frame: pl.DataFrame, transport: Transport) -> bytes:
    """Return the body of a request for these rows. A service of v2 is asked for its inputs first."""
    if service.protocol != "v2":
        return msgspec.json.encode(
            templates.filled(template_of(service), templates.plain_rows(frame, model="the service"))
        )
    return json.dumps({"inputs": _tensors(service, frame, transport)}).encode()


def model_of(service: Service, transport: Transport, columns: tuple[str, ...]) -> Model:
    """Return the model behind a service: it asks through the transport, and reads what comes back."""
    options = ModelOptions(
        endpoint=service.options, classes=tuple(service.classes) if service.output == "probability" else (),  # type: ignore[arg-type]
        meaning={"probability": "probability", "label": "class", "value": "value"}.get(service.output, ""),  # type: ignore[arg-type]
    )  # fmt: skip
    target = target_of(service)
    target = target.removesuffix("/infer") if service.protocol == "v2" else target
    return PROTOCOLS[service.protocol](transport, target, Opening(columns, options=options))


def _tensors(service: Service, frame: pl.DataFrame, transport: Transport) -> list[dict[str, Any]]:
    """Return the tensors of v2: the inputs that the service names, else one matrix of FP64."""
    try:
        told = transport.ask(inference_target(service).removesuffix("/infer"))
    except AssayError:
        told = {}
    inputs = [one for one in told.get("inputs", []) if isinstance(one, dict)] if isinstance(told, dict) else []
    if len(inputs) > 1 or (len(inputs) == 1 and len(inputs[0].get("shape", [])) == 1):
        return [
            _tensor(str(one["name"]), str(one["datatype"]), frame.select(str(one["name"])), len(one["shape"]))
            for one in inputs
        ]
    only = inputs[0] if inputs else {"name": "input-0", "datatype": "FP64"}
    return [_tensor(str(only["name"]), str(only["datatype"]), frame, 2)]


def _tensor(name: str, datatype: str, frame: pl.DataFrame, sides: int) -> dict[str, Any]:
    kind = TYPES[DATATYPES[datatype]]
    cells = frame.cast(kind.polars).to_numpy().astype(kind.numpy)
    shape = [frame.height, frame.width][:sides]
    flat = [None if isinstance(cell, float) and np.isnan(cell) else cell for cell in cells.ravel().tolist()]
    return {"name": name, "datatype": datatype, "shape": shape, "data": flat}
