"""CatBoost's models, and their .cbm files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from assay.data.dataset import first_line
from assay.errors import DataError, require
from assay.evaluation.models.adapted import Adapted, Opening
from assay.evaluation.models.answer import answer
from assay.evaluation.models.frames import as_taken, family_of
from assay.evaluation.models.model import Model, Output
from assay.evaluation.models.signature import Field, Signature, named, positional

__all__ = ["open_catboost", "recognises"]

BINARY = ("Logloss", "CrossEntropy")
CLASSES = (*BINARY, "MultiClass", "MultiClassOneVsAll")
LABELS = ("MultiLogloss", "MultiCrossEntropy")


def recognises(source: object) -> bool:
    """Return whether a source is a CatBoost model, or a file of one."""
    if isinstance(source, str | Path):
        return str(source).lower().endswith(".cbm")
    return "catboost" in family_of(source)


def open_catboost(source: object, opening: Opening) -> Model:
    """Return a model of a CatBoost model.

    A classifier's scores are its probabilities, and its predictions are above its own threshold, or the most probable
    class. Columns of categories are fed as texts or whole numbers, as CatBoost asks.
    """
    model: Any = source
    if isinstance(source, str | Path):
        library = require("catboost", extra="catboost")
        model = library.CatBoost()
        try:
            model.load_model(str(source))
        except library.CatBoostError as error:
            raise DataError(f"it is no CatBoost model: {first_line(error)[:200]}", place=str(source)) from None
    name = opening.named(model if opening.path else source)
    loss = _loss(model)
    signature = _signature(model, opening, name)
    texts = [f.name for f in signature.fields if f.takes in ("category", "text")]

    def ask(frame: pl.DataFrame) -> Output:
        fed = as_taken(_filled(frame, texts), "pandas")
        if loss not in CLASSES + LABELS:
            raw = model.predict(fed)
            return answer(raw, classes=opening.options.classes, meaning=opening.options.meaning or "value")
        raw = np.asarray(model.predict(fed, prediction_type="Probability"), dtype=np.float64)
        if loss in LABELS:
            return Output((raw > 0.5).astype(np.int64), raw)
        classes = opening.options.classes or tuple(np.asarray(model.classes_).tolist())
        output = answer(raw, classes=classes, meaning="probability")
        places = raw[:, 1] > _threshold(model) if loss in BINARY else np.argmax(raw, axis=1)
        return Output(np.asarray(classes)[places.astype(np.int64)], output.scores, classes)

    return Adapted(name, "catboost", signature, ask, opening.sized(source))


def _loss(model: Any) -> str:
    """Return the name of the loss; a loss with parameters has them behind a colon."""
    return str(model.get_all_params().get("loss_function", "")).partition(":")[0]


def _threshold(model: Any) -> float:
    return float(model.get_probability_threshold()) if hasattr(model, "get_probability_threshold") else 0.5


def _signature(model: Any, opening: Opening, name: str) -> Signature:
    names = list(model.feature_names_)
    unnamed = names == [str(place) for place in range(len(names))]
    if unnamed:
        found = positional(len(names), opening.features, takes="number", model=name)
    else:
        found = named(names, opening.features, takes="number", model=name)
    categories, texts = set(model.get_cat_feature_indices()), set(model.get_text_feature_indices())
    fields = (
        Field(f.name, "category" if place in categories else "text" if place in texts else "number")
        for place, f in enumerate(found.fields)
    )
    return Signature(tuple(fields), found.note)


def _filled(frame: pl.DataFrame, texts: list[str]) -> pl.DataFrame:
    """Return the frame with texts where CatBoost wants texts; raise DataError where one is missing, which it has no word for."""
    lost = [f"{name!r} has {missing:,}" for name in texts if (missing := frame.get_column(name).null_count())]
    if lost:
        raise DataError(
            f"CatBoost takes no missing categories: {', '.join(lost)}",
            hint="fill them with the text that the training used",
        )
    numbers = [name for name in frame.columns if name not in texts]
    return frame.with_columns(pl.col(texts).cast(pl.String), pl.col(numbers).cast(pl.Float64))
