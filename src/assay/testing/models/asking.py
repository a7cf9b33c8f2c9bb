"""How a model is asked: the way its own users ask it, so that what is judged is the model and not a wrapper of ours."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import AssayError, DataError, UsageError
from assay.evaluation.models.frames import family_of
from assay.evaluation.models.model import Model, Output
from assay.evaluation.models.opening import open_model
from assay.evaluation.models.options import ModelOptions
from assay.testing.contract import Crashed, call
from assay.testing.models.answers import Answer, Kind, of_raw
from assay.testing.rows import Rows

__all__ = ["Ask", "Refusal", "asked_as", "attempt", "classes_of", "is_file", "names_classes"]

Ask = Callable[[Rows], Answer]


@dataclass(frozen=True)
class Refusal:
    """What a model said when it refused rows: its error, in one line."""

    said: str


def is_file(source: object) -> bool:
    """Return whether a source is the path of a file or folder, or a URL, rather than an object.

    >>> is_file("model.onnx"), is_file(len)
    (True, False)
    """
    return isinstance(source, str | os.PathLike)


def asked_as(
    source: Any, name: str, *, kind: Kind | None, classes: Sequence[Hashable] = (), features: Sequence[str] = (),
    trust: bool = False, options: ModelOptions | None = None,
) -> Ask:  # fmt: skip
    """Return the function that asks a model about rows.

    An object with `predict` is asked by its own `predict_proba` (probabilities), or `predict`, and a function by a call: each is
    given the rows in their own kind. A file, a URL, a torch module, an XGBoost Booster, or a model of `assay.open_model` is
    asked through its adapter.

    Raises UsageError where the source is none of these.
    """
    if _is_native(source):
        return _object(source, name, kind, classes)
    if is_file(source) or _is_adapted(source) or {"torch", "xgboost"} & family_of(source):
        return _adapter(source, name, kind, classes, (tuple(features), trust, options))
    if callable(source) and not isinstance(source, type):
        return lambda rows: of_raw(call(source, rows.handed(), what=name), kind, classes=classes)
    raise UsageError(
        f"an object of the type {type(source).__qualname__} is no model",
        hint="a model has predict, can be called, or is a file that assay.open_model opens",
    )


def attempt(ask: Ask, rows: Rows) -> Answer | Refusal:
    """Return what a model answers to rows that it may refuse; warnings are not shown, as they are neither."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ask(rows)
        except Crashed as crash:
            return Refusal(f"{type(crash.error).__name__}: {_line(str(crash.error))}")
        except AssayError as error:
            return Refusal(_line(str(error)))


def names_classes(source: object) -> bool:
    """Return whether a model has learnt classes: one list, or one for each of several labels."""
    found = getattr(source, "classes_", None)
    return found is not None and len(found) > 0


def classes_of(source: object) -> tuple[Hashable, ...]:
    """Return the classes that a model names, in the order of its probabilities; nothing where it names none.

    >>> classes_of(object())
    ()
    """
    found = getattr(source, "classes_", None)
    if found is None or (isinstance(found, list) and found and isinstance(found[0], np.ndarray)):
        return ()
    array = np.asarray(found)
    return tuple(array.tolist()) if array.ndim == 1 else ()


def _is_adapted(source: object) -> bool:
    return isinstance(getattr(source, "kind", None), str) and isinstance(getattr(source, "features", None), tuple)


def _is_native(source: object) -> bool:
    if is_file(source) or isinstance(source, type) or _is_adapted(source):
        return False
    booster = type(source).__name__ == "Booster" and "xgboost" in family_of(source)  # it takes a matrix of its own
    return callable(getattr(source, "predict", None)) and not booster


def _object(model: Any, name: str, kind: Kind | None, classes: Sequence[Hashable]) -> Ask:
    probable = callable(getattr(model, "predict_proba", None))
    if kind == "probability" and not probable:
        raise UsageError(
            f"{name} has no predict_proba", hint='declare output="label", or give a function that answers probabilities'
        )
    if kind == "probability" or (kind is None and probable):
        told = tuple(classes) or classes_of(model)

        def proba(rows: Rows) -> Answer:
            raw = call(model.predict_proba, rows.handed(), what=f"{name}.predict_proba")
            return of_raw(raw, "probability", classes=told)

        return proba
    says_labels = kind == "label" or (kind is None and names_classes(model))
    margin = getattr(model, "decision_function", None) or (model.predict_proba if probable else None)

    def predict(rows: Rows) -> Answer:
        raw = call(model.predict, rows.handed(), what=f"{name}.predict")
        answer = of_raw(raw, "label" if says_labels else kind)
        if answer.kind != "label" or not callable(margin):
            return answer
        # The margins tell a tie, which either label answers, from a label that changed.
        return of_raw(raw, "label", margins=call(margin, rows.handed(), what=f"{name}'s margins"))

    return predict


def _adapter(
    source: Any, name: str, kind: Kind | None, classes: Sequence[Hashable],
    opening: tuple[tuple[str, ...], bool, ModelOptions | None],
) -> Ask:  # fmt: skip
    """Ask through an adapter, which is opened when it is first asked: a file is not loaded before."""
    features, trust, options = opening
    opened: list[Model] = []

    def ask(rows: Rows) -> Answer:
        if not opened:
            opened.append(_open(source, features, rows.columns, trust, options))
        try:
            output = opened[0].predict(rows.frame)
        except DataError as error:
            raise Crashed(error, f"{name}.predict") from error
        return _of_output(output, kind, classes)

    return ask


def _open(
    source: Any, features: tuple[str, ...], columns: tuple[str, ...], trust: bool, options: ModelOptions | None
) -> Model:
    if "torch" in family_of(source):
        source = copy.deepcopy(source)  # the adapter sets it to evaluation; the one that was given stays as it is
    if isinstance(source, os.PathLike):
        source = Path(source)
    try:
        return open_model(source, features=features or None, trust=trust, options=options)
    except UsageError as error:
        if features or "does not name" not in error.message:
            raise
    return open_model(source, features=columns, trust=trust, options=options)


def _of_output(output: Output, kind: Kind | None, classes: Sequence[Hashable]) -> Answer:
    if output.scores is not None and kind in (None, "probability"):
        return of_raw(output.scores, "probability", classes=tuple(classes) or output.classes)
    if output.predictions is not None:
        return of_raw(output.predictions, kind)
    return of_raw(output.scores, kind, classes=classes)


def _line(text: str) -> str:
    first = text.strip().splitlines()[0] if text.strip() else ""
    return first if len(first) <= 160 else first[:159] + "…"
