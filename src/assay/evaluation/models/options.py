"""What a person may say of a model that the model does not say itself."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from assay.codec import parse_duration

__all__ = ["EndpointOptions", "Meaning", "ModelOptions", "Takes"]

Meaning = Literal["", "value", "class", "probability", "logit"]
Takes = Literal["", "polars", "pandas", "numpy"]
Protocol = Literal["", "v2", "mlflow", "json"]


class EndpointOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an HTTP endpoint is asked.

    `protocol` is `v2` (the Open Inference Protocol: the URL of a model, `.../v2/models/NAME`), `mlflow`
    (`.../invocations`), or `json`, any other shape; empty reads it off the URL. A request holds `rows` rows, takes at
    most `timeout`, and is sent again at most `retries` times where the server answers 429, 502 or 503, after what its
    Retry-After says (at most `timeout`) or else 0.5 s, 1 s, 2 s, ... `headers` are sent with every request; `${NAME}`
    in one stands for a variable of the environment, so that no secret is written down.

    For `json`, `request` is the body, in which a text stands for the data: `$records` (a list of objects), `$rows` (a
    list of lists), `$columns` (their names), or `$record` and `$row` (the only one: then each request holds one row);
    without one it is `{instances: $records}`. `prediction` and `scores` are paths in the answer (`predictions`,
    `results[*].score`, `outputs[0].data`); an empty one is not read.
    """

    protocol: Protocol = ""
    rows: int = 1024
    timeout: str = "30s"
    retries: int = 3
    headers: dict[str, str] = {}
    request: Any = None
    prediction: str = "predictions"
    scores: str = ""

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ValueError(f"rows is {self.rows}; a request holds at least 1")
        if not self.seconds > 0:
            raise ValueError(f"timeout is {self.timeout}; it is longer than nothing")
        if not 0 <= self.retries <= 20:
            raise ValueError(f"retries is {self.retries}; it is between 0 and 20")

    @property
    def seconds(self) -> float:
        """Return the timeout in seconds."""
        return parse_duration(self.timeout).total_seconds()


class ModelOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a model does not say itself; every key has a default that asks the model, or its file.

    `kind` names the adapter where the source does not show it. `name` is what reports call the model. `classes` are the
    classes in the order of its scores. `output` names the output to read where there are several (ONNX, v2). `meaning`
    says what a bare number is: a `value`, a `class`, a `probability` (of the last class) or a `logit` (turned into
    probabilities). `takes` is the kind of frame that a Python object takes. `categories` are the categories of columns
    in the order of their codes, for models that were trained on codes. `endpoint` is for models behind HTTP.
    """

    kind: str = ""
    name: str = ""
    classes: tuple[str | int | float | bool, ...] = ()
    output: str = ""
    meaning: Meaning = ""
    takes: Takes = ""
    categories: dict[str, tuple[str | int, ...]] = {}
    endpoint: EndpointOptions = EndpointOptions()
