"""How a served model goes wrong, each in one entry: what it answers instead of a good answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.errors import UsageError, nearest
from assay.evaluation.models.transport import Reply
from assay.testing.fakes.protocols import PROTOCOLS

__all__ = ["MISBEHAVIOURS", "Misbehaviour", "NoAnswer", "error_reply", "json_reply", "misbehaviour"]


class NoAnswer(Exception):
    """Say that a server gives no answer: it takes too long, or it closes the connection."""

    def __init__(self, *, closes: bool) -> None:
        self.closes = closes
        super().__init__("it closed the connection" if closes else "it did not answer")


@dataclass(frozen=True)
class Misbehaviour:
    """One way to go wrong: `change` gets a good answer (an object, by protocol) and gives the reply instead, or raises `NoAnswer`."""

    name: str
    title: str
    change: Callable[[dict[str, Any], str], Reply]


def json_reply(content: object, status: int = 200, **headers: str) -> Reply:
    """Return a reply of JSON; NaN stays NaN, as servers in Python write it.

    >>> json_reply({"a": 1}).body
    b'{"a": 1}'
    """
    told = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Reply(status, told, json.dumps(content).encode())


def error_reply(status: int, said: str = "") -> Reply:
    """Return the reply of an error: 429 and 503 say when to come again (at once)."""
    names = {400: "bad request", 404: "not found", 429: "too many requests", 500: "internal error", 503: "unavailable"}
    again = {"retry_after": "0"} if status in (429, 503) else {}
    return json_reply({"error": said or names.get(status, f"status {status}")}, status, **again)


def misbehaviour(told: int | str) -> Misbehaviour:
    """Return a way to go wrong by its name, or the status (400 to 599) that is answered.

    >>> misbehaviour(500).title
    'it answers 500'

    Raises UsageError where there is none of this name.
    """
    if isinstance(told, int):
        if not 400 <= told <= 599:
            raise UsageError(f"{told} is no status of an error", hint="give 400 to 599, or the name of a misbehaviour")
        return Misbehaviour(str(told), f"it answers {told}", lambda _answer, _protocol: error_reply(told))
    if told not in MISBEHAVIOURS:
        raise UsageError(
            f"there is no misbehaviour {told!r}", hint=nearest(told, MISBEHAVIOURS, most=len(MISBEHAVIOURS))
        )
    return MISBEHAVIOURS[told]


def _silent(answer: dict[str, Any], protocol: str) -> Reply:
    raise NoAnswer(closes=False)


def _closed(answer: dict[str, Any], protocol: str) -> Reply:
    raise NoAnswer(closes=True)


def _missing(answer: dict[str, Any], protocol: str) -> Reply:
    return json_reply({name: value for name, value in answer.items() if name != PROTOCOLS[protocol].field})


def _changed(answer: dict[str, Any], protocol: str, change: Callable[[list[Any]], list[Any]]) -> Reply:
    """Return an answer with its list of predictions changed; a tensor's shape follows."""
    if protocol != "v2":
        return json_reply({**answer, "predictions": change(answer["predictions"])})
    tensor = answer["outputs"][0]
    rows = tensor["shape"][0]
    wide = max(len(tensor["data"]) // rows, 1) if rows else 1
    split = [tensor["data"][i * wide : (i + 1) * wide] for i in range(rows)]
    made = change(split)
    flat = [each for row in made for each in row]
    shape = [len(made), *tensor["shape"][1:]]
    return json_reply({**answer, "outputs": [{**tensor, "shape": shape, "data": flat}]})


def _nan(value: Any) -> Any:
    return [_nan(each) for each in value] if isinstance(value, list) else float("nan")


def _error_body(answer: dict[str, Any], protocol: str) -> Reply:
    return json_reply({"error": "the model is not loaded"})


def _page(answer: dict[str, Any], protocol: str) -> Reply:
    return Reply(200, {"content-type": "text/html"}, b"<html>Sign in</html>")


def _empty(answer: dict[str, Any], protocol: str) -> Reply:
    return Reply(200, {"content-type": "application/json"}, b"")


def _older(answer: dict[str, Any], protocol: str) -> Reply:
    return json_reply({**answer, "model_version": "0"}, x_model_version="0")


def _shorter(answer: dict[str, Any], protocol: str) -> Reply:
    return _changed(answer, protocol, lambda rows: rows[:-1])


def _lost(answer: dict[str, Any], protocol: str) -> Reply:
    return _changed(answer, protocol, lambda rows: [_nan(row) for row in rows])


_ALL = (
    Misbehaviour("timeout", "it never answers", _silent),
    Misbehaviour("closed", "it closes the connection without an answer", _closed),
    Misbehaviour("error_body", "it answers 200 with an error in the body", _error_body),
    Misbehaviour("not_json", "it answers 200 with a page of HTML", _page),
    Misbehaviour("empty", "it answers 200 with nothing", _empty),
    Misbehaviour("wrong_version", "another version of the model answers", _older),
    Misbehaviour("missing_field", "the predictions are missing in the answer", _missing),
    Misbehaviour("fewer_rows", "the last row has no answer", _shorter),
    Misbehaviour("not_a_number", "every prediction is NaN", _lost),
)
MISBEHAVIOURS: Mapping[str, Misbehaviour] = {each.name: each for each in _ALL}
