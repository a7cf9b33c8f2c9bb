"""Open a model, whatever made it: one table of adapters, of which the first that recognises a source opens it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeGuard

from assay.errors import UsageError, member
from assay.evaluation.models import (
    catboost,
    endpoint,
    function,
    lightgbm,
    mlflow,
    onnx,
    scikit_learn,
    torch,
    xgboost,
)
from assay.evaluation.models.adapted import Opening
from assay.evaluation.models.model import Model
from assay.evaluation.models.options import ModelOptions
from assay.evaluation.models.pickled import is_pickled, unpickled

__all__ = ["ADAPTERS", "Adapter", "open_model"]

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # one letter is a drive


@dataclass(frozen=True, slots=True)
class Adapter:
    """One kind of model: what it is, in words, whether a source is one, and the function that opens it."""

    what: str
    recognises: Callable[[object], bool]
    open: Callable[[object, Opening], Model]


# In the order in which they are asked: the more special come first, as many libraries keep scikit-learn's ways.
ADAPTERS: Mapping[str, Adapter] = {
    "http": Adapter("a URL (http, https) of an endpoint", endpoint.recognises, endpoint.open_endpoint),
    "mlflow": Adapter(
        "an MLflow model: a folder with an MLmodel, models:/ or runs:/, or a pyfunc",
        mlflow.recognises,
        mlflow.open_mlflow,
    ),
    "xgboost": Adapter("an XGBoost model, or its .json or .ubj", xgboost.recognises, xgboost.open_xgboost),
    "lightgbm": Adapter("a LightGBM model, or its .txt", lightgbm.recognises, lightgbm.open_lightgbm),
    "catboost": Adapter("a CatBoost model, or its .cbm", catboost.recognises, catboost.open_catboost),
    "onnx": Adapter("an .onnx file", onnx.recognises, onnx.open_onnx),
    "torch": Adapter("a torch module, or its .pt2, .pt or .pth", torch.recognises, torch.open_torch),
    "sklearn": Adapter(
        "an object with scikit-learn's predict, or its .skops, .joblib or .pkl",
        scikit_learn.recognises,
        scikit_learn.open_sklearn,
    ),
    "function": Adapter("a function, or package.module:function", function.recognises, function.open_function),
}


def open_model(
    source: object, *, features: Sequence[str] | None = None, trust: bool = False, options: ModelOptions | None = None
) -> Model:
    """Return a model that answers frames, from an object, a file, a folder, a URL, or `package.module:function`.

    `features` are the columns in the model's order, where it does not name them itself. `trust` lets code that lies in
    a file run: pickles (.pkl, .joblib), skops files with types that it does not know, files of torch, MLflow models.

    Raises UsageError for a source that no adapter recognises, for a file that is not there, and for one that needs
    trust; MissingExtra for a package that is not installed; DataError for a file that cannot be read.
    """
    told = options or ModelOptions()
    if isinstance(features, str):
        raise UsageError(f"features is the text {features!r}; it is a list of columns", hint="write it in brackets")
    twice = [name for name in dict.fromkeys(features or ()) if list(features or ()).count(name) > 1]
    if twice:
        raise UsageError(f"features names {', '.join(map(repr, twice))} more than once")
    opening = Opening(None if features is None else tuple(features), trust, told)
    if isinstance(source, str | Path) and not str(source).strip():
        raise UsageError("the model is an empty text", hint=_known())
    if isinstance(source, str | Path) and _is_file(source):
        path = Path(str(source))
        if not path.exists():
            raise UsageError(f"the model {str(source)!r} is not there", hint="give the path of its file or folder")
        opening = replace(opening, path=path)
    found = source
    if is_pickled(source):
        found = unpickled(Path(str(source)), trust=trust)
    elif function.is_name(source) and told.kind in ("", "function", "sklearn"):
        found, opening = function.named(str(source)), replace(opening, called=str(source))
    if told.kind:
        return member(ADAPTERS, told.kind, what="kind of model").open(found, opening)
    if _is_model(found):
        return found
    for adapter in ADAPTERS.values():
        if adapter.recognises(found):
            return adapter.open(found, opening)
    raise UsageError(f"{_shown(source)} is no model that Assay knows", hint=_known())


def _is_file(source: str | Path) -> bool:
    """Return whether a source is meant as a file or folder: no URL, and no name of a function."""
    return isinstance(source, Path) or not (URL.match(source) or function.is_name(source))


def _is_model(found: object) -> TypeGuard[Model]:
    """Return whether it is a model already, as those that this module returns are."""
    return (
        isinstance(getattr(found, "kind", None), str)
        and isinstance(getattr(found, "features", None), tuple)
        and (callable(getattr(found, "predict", None)))
    )


def _shown(source: object) -> str:
    return repr(str(source)) if isinstance(source, str | Path) else f"an object of the type {type(source).__qualname__}"


def _known() -> str:
    return "a model is " + "; ".join(adapter.what for adapter in ADAPTERS.values())
