"""LightGBM's models: boosters, its scikit-learn classes, and files of text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from assay.data.dataset import first_line
from assay.errors import DataError, UsageError, require
from assay.evaluation.models.adapted import Adapted, Opening
from assay.evaluation.models.answer import answer, decided
from assay.evaluation.models.frames import family_of
from assay.evaluation.models.model import Model, Output
from assay.evaluation.models.options import Meaning
from assay.evaluation.models.signature import Field, Signature, coded_as, matrix, named, positional

__all__ = ["open_lightgbm", "recognises"]

# What a booster's numbers are by the first word of its objective; every other one answers values.
MEANINGS: dict[str, Meaning] = {"binary": "probability", "multiclass": "probability", "multiclassova": "probability"}
_UNNAMED = re.compile(r"Column_\d+")


def recognises(source: object) -> bool:
    """Return whether a source is a LightGBM model, or a file of one."""
    if isinstance(source, str | Path):
        return str(source).lower().endswith((".txt", ".lgb"))
    return "lightgbm" in family_of(source)


class _Booster(NamedTuple):
    booster: Any
    objective: str
    classes: tuple[Any, ...]
    decides: bool  # whether the object itself says which class it predicts
    categories: dict[str, tuple[Any, ...]]  # of the columns that are categories, in the order of their codes


def open_lightgbm(source: object, opening: Opening) -> Model:
    """Return a model of a booster.

    What its numbers are is read off its objective. LightGBM turns the blanks of a column's name into "_", and so are
    the frame's when they are matched. Categories get the codes that the file keeps of its training; one that it did not
    see is missing, as in LightGBM itself.
    """
    one = _opened(source, opening)
    name = opening.named(one.booster if opening.path else source)
    meaning = opening.options.meaning or MEANINGS.get(one.objective.partition(" ")[0], "value")
    classes = opening.options.classes or one.classes

    def ask(frame: pl.DataFrame) -> Output:
        coded = frame.with_columns(coded_as(frame.get_column(n), c) for n, c in one.categories.items())
        raw = np.asarray(one.booster.predict(matrix(coded)))
        said = answer(raw, classes=classes, meaning=meaning)
        return decided(said) if one.decides else said

    return Adapted(name, "lightgbm", _signature(one, opening, name), ask, opening.sized(source))


def _opened(source: object, opening: Opening) -> _Booster:
    found: Any = source
    classes: tuple[Any, ...] = ()
    decides = False
    if isinstance(source, str | Path):
        lgb = require("lightgbm", extra="lightgbm")
        if why := _damage(Path(source).read_bytes()):
            raise DataError(f"it is no LightGBM model: {why}", place=str(source))
        try:
            found = lgb.Booster(model_file=str(source))
        except (lgb.basic.LightGBMError, ValueError) as error:
            raise DataError(f"it is no LightGBM model: {first_line(error)}", place=str(source)) from None
    elif hasattr(found, "booster_"):
        known = getattr(found, "classes_", None)
        classes, decides = (() if known is None else tuple(np.asarray(known).tolist())), known is not None
        found = found.booster_
    head = _head(found)
    objective = head.get("objective", "")
    if not classes and objective.partition(" ")[0] in MEANINGS:
        classes = tuple(range(max(int(head.get("num_class", "1")), 2)))
    return _Booster(found, objective, classes, decides, _categories(found, head, opening))


def _damage(data: bytes) -> str:
    """Return what is wrong with a file; empty where it is whole.

    LightGBM ends the process, with no error to catch, where the trees of a file are cut.
    """
    if not data.startswith(b"tree"):
        return "such a file begins with 'tree'"
    end, start = data.find(b"\nend of trees"), data.find(b"\nTree=0\n")
    if end < 0:
        return "it is cut: the end of its trees is missing"
    if b"\nparameters:" in data[end:] and b"\nend of parameters" not in data[end:]:
        return "it is cut: the end of its parameters is missing"
    told = re.search(rb"^tree_sizes=([\d ]*)$", data[: max(start, 0)], re.MULTILINE)
    if told is not None and sum(map(int, told[1].split())) != end - start:
        return f"its trees take {end - start:,} bytes, and it says {sum(map(int, told[1].split())):,}"
    return ""


def _head(booster: Any) -> dict[str, str]:
    """Return what the model says of itself before its trees, and the parameters that it says behind them."""
    text = booster.model_to_string(num_iteration=1, start_iteration=0)
    told = dict(line.split("=", 1) for line in text.partition("\nTree=")[0].splitlines() if "=" in line)
    return told | dict(re.findall(r"^\[(categorical_feature): (.*)\]$", text, re.MULTILINE))


def _categories(booster: Any, head: dict[str, str], opening: Opening) -> dict[str, tuple[Any, ...]]:
    """Return the categories of each column that has some, in the order of their codes.

    The file keeps their lists, in the order of their columns, and as a parameter of the training the places of these.
    """
    told = {name: tuple(codes) for name, codes in opening.options.categories.items()}
    lists = booster.pandas_categorical or []
    names = booster.feature_name() if not _is_unnamed(booster) else list(opening.features or ())
    if not lists:
        return {name: codes for name, codes in told.items() if name in names}
    places = [int(place) for place in head.get("categorical_feature", "").split(",") if place.isdigit()]
    if len(places) != len(lists) or max(places) >= len(names):
        raise UsageError(
            "the model keeps categories, and does not tell of which columns", hint="give categories, by column"
        )
    return dict(zip((names[place] for place in sorted(places)), map(tuple, lists), strict=True)) | told


def _is_unnamed(booster: Any) -> bool:
    return all(_UNNAMED.fullmatch(name) for name in booster.feature_name())


def _signature(one: _Booster, opening: Opening, name: str) -> Signature:
    names = one.booster.feature_name()
    if _is_unnamed(one.booster):
        found = positional(len(names), opening.features, takes="number", model=name)
    else:
        told = None if opening.features is None else [f.replace(" ", "_") for f in opening.features]
        found = named(names, told, takes="number", model=name)
    fields = tuple(Field(f.name, "category" if f.name in one.categories else "number") for f in found.fields)
    return Signature(fields, found.note, called=lambda column: column.replace(" ", "_"))
