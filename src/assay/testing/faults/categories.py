"""Words that are no longer what they were: swapped, respelled, new, or read in the wrong charset."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.testing.faults.cells import choice, column_of, mixed, some
from assay.testing.faults.fault import Fault, Layer, NotApplicable, Operator

__all__ = ["CATEGORIES"]

Mask = NDArray[np.bool_]

NEW = "something new"


def _words(frame: pl.DataFrame, fault: Fault) -> pl.Series:
    return column_of(frame, fault.column, "text").cast(pl.String)


def _frequent(words: pl.Series) -> list[str]:
    """Return the values, the most frequent first; equally frequent ones in the order of the alphabet."""
    counted = (
        pl.DataFrame({"word": words.drop_nulls()}).group_by("word").len().sort("len", "word", descending=[True, False])
    )
    return counted["word"].to_list()


def _swap(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    words = _words(frame, fault)
    pair = list(fault.settings.get("pair", ())) or _frequent(words)[:2]
    if len(pair) != 2 or pair[0] == pair[1]:
        raise NotApplicable(f"the column {fault.column!r} has no two values that could be swapped")
    one, other = pair
    either = words.is_in(pair).fill_null(False).to_numpy()
    swapped = words.replace_strict({one: other, other: one}, default=words)
    return _respelled(frame, fault, some(either, fault.severity, rng), swapped)


def _recode(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    words = _words(frame, fault)
    how = choice(fault.settings.get("how", "case"), "how", tuple(_SPELLINGS))
    changed = _SPELLINGS[how](words)
    moved = (changed != words).fill_null(False).to_numpy()
    if not moved.any():
        raise NotApplicable(f"no value of {fault.column!r} is spelled otherwise under how: {how}")
    return _respelled(frame, fault, some(moved, fault.severity, rng), changed)


def _other_case(words: pl.Series) -> pl.Series:
    upper, lower = words.str.to_uppercase(), words.str.to_lowercase()
    return pl.DataFrame({"w": words, "u": upper, "l": lower}).select(
        pl.when(pl.col("w") == pl.col("l")).then("u").otherwise("l")
    ).to_series()  # fmt: skip


def _codes(words: pl.Series) -> pl.Series:
    return words.replace_strict(
        {word: str(i) for i, word in enumerate(_frequent(words))}, default=None, return_dtype=pl.String
    )


def _plain(words: pl.Series) -> pl.Series:
    return _each(
        words, lambda text: "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    )


def _each(words: pl.Series, change: Callable[[str], str]) -> pl.Series:
    """Return each text changed; every different text is changed once."""
    table = {word: change(word) for word in words.drop_nulls().unique().to_list()}
    return words.replace_strict(table, default=None, return_dtype=pl.String) if table else words


_SPELLINGS: dict[str, Callable[[pl.Series], pl.Series]] = {
    "case": _other_case,
    "trim": lambda words: words + " ",
    "accent": _plain,
    "code": _codes,
}


def _new(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    words = _words(frame, fault)
    told = str(fault.settings.get("value", NEW))
    if (words == told).any():
        raise NotApplicable(f"{told!r} is no new value of {fault.column!r}")
    mask = some(words.is_not_null().to_numpy(), fault.severity, rng)
    return _respelled(frame, fault, mask, pl.Series(fault.column, [told] * frame.height, dtype=pl.String))


def _respelled(frame: pl.DataFrame, fault: Fault, mask: Mask, words: pl.Series) -> pl.DataFrame:
    column = frame[fault.column]
    if isinstance(column.dtype, pl.Categorical):
        return frame.with_columns(mixed(column.cast(pl.String), mask, words).cast(column.dtype).alias(fault.column))
    return frame.with_columns(mixed(column, mask, words).alias(fault.column))


def _encoding(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    words = _words(frame, fault)
    how = choice(fault.settings.get("how", "mojibake"), "how", ("mojibake", "replaced", "decomposed", "mark"))
    changed = _each(words, _CHARSETS[how])
    moved = (changed != words).fill_null(False).to_numpy()
    if not moved.any():
        raise NotApplicable(f"no value of {fault.column!r} has a character that {how} would change")
    return _respelled(frame, fault, some(moved, fault.severity, rng), changed)


_CHARSETS: dict[str, Callable[[str], str]] = {
    "mojibake": lambda text: text.encode("utf-8").decode("latin-1"),
    "replaced": lambda text: text.encode("ascii", "replace").decode("ascii").replace("?", "�"),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "mark": lambda text: "﻿" + text,
}

CATEGORIES: dict[str, Operator] = {
    "category_swap": Operator(
        "category_swap", Layer.DATA, "two categories stand for each other", "a code table was read the wrong way round", _swap,
        ladder=(0.05, 0.2, 0.5, 1.0), unit="share of the rows of both whose value is the other one", columns=("text",),
        caught_by="association, determines, distribution_drift, quality of the model",
    ),
    "category_recode": Operator(
        "category_recode", Layer.DATA, "categories are spelled otherwise", "the source was rewritten: m for M, a blank, a code",
        _recode, ladder=(0.01, 0.05, 0.2, 1.0), unit="share of the values that are respelled", columns=("text",),
        settings={"how": "case"}, caught_by="one_of, spelling, matches, distribution_drift",
    ),
    "new_category": Operator(
        "new_category", Layer.DATA, "a category that was never seen", "a new country, product, or payment gateway", _new,
        ladder=(0.01, 0.05, 0.2, 0.5), unit="share of the rows that hold the new category", columns=("text",),
        settings={"value": NEW}, caught_by="one_of, new_categories, distribution_drift",
    ),
    "encoding_break": Operator(
        "encoding_break", Layer.DATA, "texts are read in the wrong charset", "UTF-8 read as Latin-1, or a mark at the file's start",
        _encoding, ladder=(0.05, 0.2, 1.0), unit="share of the texts that could break which do", columns=("text",),
        settings={"how": "mojibake"}, caught_by="clean_text, one_of, matches, distribution_drift",
    ),
}  # fmt: skip
