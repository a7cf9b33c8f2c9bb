"""XGBoost's models: boosters, its scikit-learn classes, and files in JSON or UBJSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from assay.data.dataset import first_line
from assay.errors import DataError, require
from assay.evaluation.models.adapted import Adapted, Opening
from assay.evaluation.models.answer import answer, decided
from assay.evaluation.models.frames import family_of
from assay.evaluation.models.model import Model, Output
from assay.evaluation.models.options import Meaning
from assay.evaluation.models.signature import Field, Signature, coded_as, matrix, positional
from assay.evaluation.models.signature import named as names_of

__all__ = ["open_xgboost", "recognises"]

# What a booster's numbers are by its objective; every other one answers values.
MEANINGS: dict[str, Meaning] = {
    "binary:logistic": "probability",
    "binary:logitraw": "logit",
    "binary:hinge": "class",
    "multi:softmax": "class",
    "multi:softprob": "probability",
}


def recognises(source: object) -> bool:
    """Return whether a source is an XGBoost model, or a file of one."""
    if isinstance(source, str | Path):
        return str(source).lower().endswith((".json", ".ubj"))
    return "xgboost" in family_of(source)


class _Booster(NamedTuple):
    booster: Any
    objective: str
    classes: tuple[Any, ...]
    decides: bool  # whether the object itself says which class it predicts
    trees: tuple[int, int]
    categories: dict[str, tuple[Any, ...]]  # of the columns that are categories, in the order of their codes


def open_xgboost(source: object, opening: Opening) -> Model:
    """Return a model of a booster.

    What its numbers are is read off its objective: a probability, the scores of the classes, or a value. Of a training
    that stopped early only the trees up to the best iteration are used, as XGBoost's scikit-learn classes do.
    Categories get the codes that the booster keeps of its training; one that it did not see is missing.
    """
    one = _opened(source, opening)
    name = opening.named(one.booster if opening.path else source)
    xgb = require("xgboost", extra="xgboost")
    signature = _signature(one, opening, name)
    if one.trees != (0, 0):
        note = f"its training stopped early: the first {one.trees[1]} of {one.booster.num_boosted_rounds()} rounds are used"
        signature = Signature(signature.fields, "; ".join(filter(None, (signature.note, note))))
    meaning = opening.options.meaning or MEANINGS.get(one.objective, "value")
    classes = opening.options.classes or one.classes

    def ask(frame: pl.DataFrame) -> Output:
        data = _data(xgb, frame, one)
        raw = np.asarray(one.booster.predict(data, iteration_range=one.trees, strict_shape=False))
        if one.objective == "multi:softmax":
            raw = raw.astype(np.int64)
        if meaning == "probability" and raw.ndim == 2 and len(classes) != raw.shape[1]:
            return answer(raw, meaning=meaning)  # several labels: each column is a probability of its own
        said = answer(raw, classes=classes, meaning=meaning)
        return decided(said) if one.decides else said

    return Adapted(name, "xgboost", signature, ask, opening.sized(source))


def _opened(source: object, opening: Opening) -> _Booster:
    found: Any = source
    classes: tuple[Any, ...] = ()
    decides = False
    if isinstance(source, str | Path):
        xgb = require("xgboost", extra="xgboost")
        data = Path(source).read_bytes().strip()
        # XGBoost ends the process, with no error to catch, on some files that are cut.
        if not (data.startswith(b"{") and data.endswith(b"}")):
            raise DataError("it is no XGBoost model: such a file begins with '{' and ends with '}'", place=str(source))
        found = xgb.Booster()
        try:
            found.load_model(str(source))
        except (xgb.core.XGBoostError, ValueError, OSError) as error:
            said = re.sub(r"^\[[\d:]+\] \S+: ", "", first_line(error))  # the time, and a place in XGBoost's own source
            raise DataError(f"it is no XGBoost model: {said[:200]}", place=str(source)) from None
    elif hasattr(found, "get_booster"):
        known = getattr(found, "classes_", None)
        classes, decides = (() if known is None else tuple(np.asarray(known).tolist())), known is not None
        found = found.get_booster()
    learner = json.loads(found.save_config())["learner"]
    objective = str(learner["objective"]["name"])
    if not classes and objective in MEANINGS:
        classes = tuple(range(max(int(learner["learner_model_param"].get("num_class", 0)), 2)))
    stopped = found.attr("best_iteration")
    trees = (0, int(stopped) + 1) if stopped is not None and int(stopped) + 1 < found.num_boosted_rounds() else (0, 0)
    return _Booster(found, objective, classes, decides, trees, _categories(found, opening))


def _categories(booster: Any, opening: Opening) -> dict[str, tuple[Any, ...]]:
    """Return the categories that a booster keeps of its training, by column, and those that the options tell."""
    names = booster.feature_names or list(opening.features or ())
    told = {name: tuple(known) for name, known in opening.options.categories.items() if name in names}
    if "c" not in (booster.feature_types or []):
        return told
    require("pyarrow", extra="pandas")  # in whose arrays XGBoost gives them
    kept = booster.get_categories(export_to_arrow=True).to_arrow() or ()
    return {str(name): tuple(known.to_pylist()) for name, known in kept if known is not None} | told


def _signature(one: _Booster, opening: Opening, name: str) -> Signature:
    names = one.booster.feature_names
    if names is None:
        found = positional(one.booster.num_features(), opening.features, takes="number", model=name)
    else:
        found = names_of(names, opening.features, takes="number", model=name)
    fields = tuple(Field(f.name, "category" if f.name in one.categories else "number") for f in found.fields)
    return Signature(fields, found.note)


def _data(xgb: Any, frame: pl.DataFrame, one: _Booster) -> Any:
    coded = frame.with_columns(coded_as(frame.get_column(name), known) for name, known in one.categories.items())
    return xgb.DMatrix(
        matrix(coded, np.float32), feature_names=one.booster.feature_names, feature_types=one.booster.feature_types
    )
