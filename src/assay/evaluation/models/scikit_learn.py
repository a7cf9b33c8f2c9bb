"""scikit-learn's models, and any object that keeps their ways: predict, predict_proba, classes_, feature_names_in_."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import polars as pl

from assay.evaluation.models.adapted import Adapted, Opening
from assay.evaluation.models.answer import answer, array_of
from assay.evaluation.models.frames import as_taken, has_pandas
from assay.evaluation.models.model import Model, Output
from assay.evaluation.models.options import Takes
from assay.evaluation.models.signature import ANY, Signature, What, named, positional

__all__ = ["open_sklearn", "recognises"]

# Transformers of numbers, and wrappers that may hold a pipeline which takes texts.
NUMERIC = ("sklearn.preprocessing._data", "sklearn.preprocessing._polynomial", "sklearn.decomposition")
WRAPPERS = (
    "sklearn.ensemble._voting",
    "sklearn.ensemble._stacking",
    "sklearn.dummy",
    "sklearn.compose",
    "sklearn.pipeline",
)


def recognises(source: object) -> bool:
    """Return whether a source is an object that predicts."""
    return not isinstance(source, str | type) and callable(getattr(source, "predict", None))


def open_sklearn(source: object, opening: Opening) -> Model:
    """Return a model of an object with scikit-learn's ways.

    The frame is fed as the object was trained: by its feature_names_in_, or in the order of the given features. A model
    of numbers gets a matrix of them, and a text column is an error; a pipeline that may take texts gets a pandas frame
    where pandas is installed and a Polars one where it is not, or what `takes` says. Predictions are what `predict`
    says, scores what `predict_proba` says, or else `decision_function`.
    """
    model: Any = source
    leaf = _first(model)
    numeric = _is_numeric(leaf)
    name = opening.named(model)
    names = hasattr(model, "feature_names_in_")
    takes = opening.options.takes or ("" if numeric else _takes(model, names=names))
    signature = _signature(model, opening, numeric=numeric and not opening.options.takes, name=name)
    categories = _categories(leaf)

    def ask(frame: pl.DataFrame) -> Output:
        if numeric and not takes:
            numbers = frame.select(pl.all().cast(pl.Float64))
            # A missing value is NaN to NumPy; a frame keeps the names, without which scikit-learn would warn.
            fed: Any = numbers.fill_null(np.nan) if names else numbers.to_numpy()
        else:
            fed = as_taken(_as_categories(frame, categories), takes)
        return _asked(model, fed, opening)

    return Adapted(name, "sklearn", signature, ask, opening.sized(model))


def _signature(model: Any, opening: Opening, *, numeric: bool, name: str) -> Signature:
    names = getattr(model, "feature_names_in_", None)
    takes: What = "number" if numeric else "any"
    if names is not None:
        return named([str(n) for n in names], opening.features, takes=takes, model=name)
    size = getattr(model, "n_features_in_", None)
    if size is None and opening.features is None:
        return ANY
    return positional(size, opening.features, takes=takes, model=name)


def _takes(model: Any, *, names: bool) -> Takes:
    """Return what kind of frame a model that may take texts is fed: it was trained on a matrix where it has no names."""
    if not names and hasattr(model, "n_features_in_"):
        return "numpy"
    return "pandas" if has_pandas() else "polars"


def _first(model: Any) -> Any:
    """Return what gets the rows first: inside pipelines, searches and wrappers of one estimator."""
    for _ in range(10):
        steps = getattr(model, "steps", None)
        if isinstance(steps, list) and steps:
            model = next((step for _, step in steps if step not in (None, "passthrough")), None)
            continue
        inner = next(
            (v for a in ("best_estimator_", "estimator_", "estimator") if (v := getattr(model, a, None)) is not None),
            None,
        )
        if inner is None:
            return model
        model = inner
    return model


def _is_numeric(leaf: Any) -> bool:
    """Return whether it is known to take numbers only."""
    module = type(leaf).__module__
    if not module.startswith("sklearn.") or module.startswith(WRAPPERS) or _categories(leaf):
        return False
    return module.startswith(NUMERIC) or callable(getattr(leaf, "predict", None))


def _categories(leaf: Any) -> tuple[str, ...]:
    """Return the columns that trees by histograms take as categories."""
    is_category, names = getattr(leaf, "is_categorical_", None), getattr(leaf, "feature_names_in_", None)
    if is_category is None or names is None:
        return ()
    return tuple(str(name) for name, is_one in zip(names, is_category, strict=False) if is_one)


def _as_categories(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    texts = [name for name in columns if frame.schema.get(name) == pl.String]
    return frame.with_columns(pl.col(texts).cast(pl.Categorical)) if texts else frame


def _asked(model: Any, fed: Any, opening: Opening) -> Output:
    told = opening.options
    said = array_of(model.predict(fed))
    classes = told.classes or _classes(model)
    if callable(getattr(model, "predict_proba", None)):
        scores = model.predict_proba(fed)
        if isinstance(scores, list):  # one matrix for each of several labels, of which the last column is "yes"
            return Output(said, np.column_stack([np.asarray(one)[:, -1] for one in scores]))
        return Output(said, np.asarray(scores, dtype=np.float64), classes)
    if classes and callable(getattr(model, "decision_function", None)):
        margins = np.asarray(model.decision_function(fed), dtype=np.float64)
        margins = margins if margins.ndim == 2 else np.column_stack([-margins, margins])
        return Output(said, margins, classes)
    return answer(said, classes=told.classes, meaning=told.meaning)


def _classes(model: Any) -> tuple[Hashable, ...]:
    classes = getattr(model, "classes_", None)
    return () if classes is None or isinstance(classes, list) else tuple(np.asarray(classes).tolist())
