"""Serving that goes wrong: another code path for the features, slow or broken answers, answers that are errors.

Each operator takes what answers requests (an object that predicts, or a function) and returns one that makes the mistake.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import numpy as np
import polars as pl

from assay.testing.faults.cells import choice, column_of, numbers_of
from assay.testing.faults.fault import Fault, Layer, NotApplicable, Operator
from assay.testing.faults.proxies import Ask, Mistaken, reshaped
from assay.testing.rows import rows_of

__all__ = ["SERVING"]

Call = Callable[[Ask, tuple[Any, ...], dict[str, Any]], Any]


def _calling(model: Any, call: Call) -> Mistaken:
    return Mistaken(model, lambda name, ask, args, kwargs: call(ask, args, kwargs))


def _skew(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    """Return a model that sees its rows through another code path: other fill, rounding, order, scale, or precision."""
    how = choice(fault.settings.get("how", "fill"), "how", tuple(_PATHS))

    def call(ask: Ask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not args:
            return ask(*args, **kwargs)
        rows = rows_of(args[0])
        return ask(rows.rebuilt(_PATHS[how](rows.frame, fault)), *args[1:], **kwargs)

    return _calling(model, call)


def _one(frame: pl.DataFrame, fault: Fault) -> pl.Series:
    if fault.column:
        return column_of(frame, fault.column, "number")
    found = next((frame[name] for name, dtype in frame.schema.items() if dtype.is_numeric()), None)
    if found is None:
        raise NotApplicable("there is no column of numbers that a second code path could change")
    return found


def _filled(frame: pl.DataFrame, fault: Fault) -> pl.DataFrame:
    column = _one(frame, fault)
    blank = numbers_of(column)
    fill = -1.0 if blank.null_count() else None
    if fill is None:  # nothing to fill: the default stands in every row that came without the value
        return frame.with_columns(pl.Series(column.name, np.zeros(frame.height)).cast(column.dtype))
    return frame.with_columns(blank.fill_null(fill).alias(column.name))


def _rounded(frame: pl.DataFrame, fault: Fault) -> pl.DataFrame:
    column = _one(frame, fault)
    return frame.with_columns(numbers_of(column).round().alias(column.name))


def _scaled(frame: pl.DataFrame, fault: Fault) -> pl.DataFrame:
    column = _one(frame, fault)
    return frame.with_columns((numbers_of(column) * (1 + 0.1 * fault.severity)).alias(column.name))


def _single(frame: pl.DataFrame, fault: Fault) -> pl.DataFrame:
    column = _one(frame, fault)
    return frame.with_columns(column.cast(pl.Float32).cast(pl.Float64).alias(column.name))


def _reordered(frame: pl.DataFrame, fault: Fault) -> pl.DataFrame:
    """Return the frame with its columns' values one place on, under the old names: what a positional vector does."""
    names = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
    if len(names) < 2:
        raise NotApplicable("there are no two columns of numbers that could be exchanged")
    return frame.with_columns(
        frame[other].alias(name) for name, other in zip(names, [*names[1:], names[0]], strict=True)
    )


_PATHS: dict[str, Callable[[pl.DataFrame, Fault], pl.DataFrame]] = {
    "fill": _filled,
    "round": _rounded,
    "scale": _scaled,
    "order": _reordered,
    "single precision": _single,
}


def _slow(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    every = int(fault.settings.get("every", 1))
    if every < 1 or fault.severity <= 0:
        raise NotApplicable("a slow answer takes a severity above 0 (milliseconds) and every= at least 1")
    calls = count(1)

    def call(ask: Ask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if next(calls) % every == 0:
            time.sleep(fault.severity / 1000)
        return ask(*args, **kwargs)

    return _calling(model, call)


def _growing(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    kept: list[bytearray] = []

    def call(ask: Ask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kept.append(bytearray(b"\x01" * int(fault.severity * 2**20)))  # written, so that the pages are really taken
        return ask(*args, **kwargs)

    return _calling(model, call)


def _contract_break(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    """Return what answers with another shape: a field renamed, dropped, added or of another type; of an array, a row less."""
    how = choice(fault.settings.get("how", "renamed"), "how", ("renamed", "dropped", "extra", "text"))

    def call(ask: Ask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        answer = ask(*args, **kwargs)
        return (
            _fields(answer, how, str(fault.settings.get("field", "")))
            if isinstance(answer, Mapping)
            else _shape(answer, how)
        )

    return _calling(model, call)


def _fields(answer: Mapping[str, Any], how: str, field: str) -> dict[str, Any]:
    told = dict(answer)
    name = field or next(iter(told), "")
    if name not in told:
        return told
    if how == "extra":
        return {**told, "debug": True}
    value = told.pop(name)
    if how == "dropped":
        return told
    return {f"{name}_": value, **told} if how == "renamed" else {name: str(value), **told}


def _shape(answer: Any, how: str) -> Any:
    values = np.asarray(answer)
    if values.ndim == 0:
        return str(answer) if how == "text" else {"value": answer}
    if how == "dropped":
        return reshaped(answer, values[:-1])
    if how == "extra":
        return reshaped(answer, np.concatenate([values, values[-1:]]))
    return values.astype(str).tolist() if how == "text" else {"values": values.tolist()}


def _error_body(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    calls = count(1)
    every = max(1, round(1 / fault.severity)) if 0 < fault.severity <= 1 else 0
    if not every:
        raise NotApplicable(f"the severity is {fault.severity:g}; it is a share of the calls, above 0 and at most 1")

    def call(ask: Ask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if next(calls) % every:
            return ask(*args, **kwargs)
        return {"status": "error", "message": "model is not ready"}

    return _calling(model, call)


def _timeout(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    calls = count(1)
    every = max(1, round(1 / fault.severity)) if 0 < fault.severity <= 1 else 0
    if not every:
        raise NotApplicable(f"the severity is {fault.severity:g}; it is a share of the calls, above 0 and at most 1")

    def call(ask: Ask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if next(calls) % every:
            return ask(*args, **kwargs)
        raise TimeoutError("the model did not answer in time")

    return _calling(model, call)


SERVING: dict[str, Operator] = {
    "serve_skew": Operator(
        "serve_skew", Layer.SERVE, "features are computed otherwise when serving",
        "a second code path: another fill, rounding, order, scaler",
        _skew, unit="every row", on="model", settings={"how": "fill"},
        chance=False, caught_by="the contract skew, prediction drift, known_examples",
    ),
    "slow": Operator(
        "slow", Layer.SERVE, "answers are slow", "a cold cache; a neighbour that takes the processor; sporadic stalls", _slow,
        ladder=(10.0, 100.0, 1000.0), unit="milliseconds more for an answer", on="model", settings={"every": 1},

        chance=False, caught_by="the contract latency",
    ),
    "memory_growth": Operator(
        "memory_growth", Layer.SERVE, "memory grows with each answer", "a log, or a cache, that nothing ever leaves", _growing,
        ladder=(1.0, 10.0), unit="MiB kept for each answer", on="model",
        chance=False, caught_by="the contract memory",
    ),
    "contract_break": Operator(
        "contract_break", Layer.SERVE, "the answer has another shape", "a field was renamed; one answer too few came back", _contract_break,
        unit="every answer", on="model", settings={"how": "renamed"},
        chance=False, caught_by="the contracts serves and output",
    ),
    "error_body": Operator(
        "error_body", Layer.SERVE, "an error comes as a good answer", "status 200 with an error in its body", _error_body,
        ladder=(0.1, 1.0), unit="share of the answers that are errors", on="model",
        chance=False, caught_by="the contract serves",
    ),
    "timeouts": Operator(
        "timeouts", Layer.SERVE, "no answer comes in time", "a queue is full; a replica is gone", _timeout,
        ladder=(0.1, 1.0), unit="share of the calls that are not answered", on="model",
        chance=False, caught_by="a test of what the client does then",
    ),
}  # fmt: skip
