"""Frames as matrices: numbers as they are, words as codes by how often they occur, instants as hour and weekday.

What a model must not go by is left out, and named with the reason: identifiers, which differ on every row, and instants
as such, which differ between any two windows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from assay.data.kinds import Kind, kind_of
from assay.errors import UsageError, nearest
from assay.stats.matrix import Floats

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CODES", "Coding", "Encoded", "Encoder", "encode", "learn"]

CODES = 64  # words of a column that keep a code of their own
SPREAD = 8  # of them, those that become a column each where distances are measured
IDENTIFIER = 0.95  # share of different values above which a column of words says who, not what
ENOUGH = 20  # values before a column can be taken for an identifier


@dataclass(frozen=True, slots=True)
class Coding:
    """How one column becomes features: `how` names the entry of the table, `words` the values in the order of codes."""

    column: str
    how: str
    features: tuple[str, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Encoder:
    """How frames become matrices: one coding a column, and the columns that are left out, each with the reason."""

    codings: tuple[Coding, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def features(self) -> tuple[str, ...]:
        """Return the names of the matrix's columns."""
        return tuple(name for coding in self.codings for name in coding.features)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return for each feature the column that it is made of."""
        return tuple(coding.column for coding in self.codings for _ in coding.features)

    def matrix(self, frame: pl.DataFrame) -> Floats:
        """Return a frame as floats, shape (rows, features), NaN where a value is missing or is not of its kind.

        The most frequent word has the code 0, the next 1, and so on; a word without a code has the next number.
        Raises `UsageError` where a column is not there.
        """
        parts = [np.empty((frame.height, 0))]
        for coding in self.codings:
            if coding.column not in frame.columns:
                raise UsageError(f"there is no column {coding.column!r}", hint=nearest(coding.column, frame.columns))
            parts.append(_HOW[coding.how].features(frame.get_column(coding.column).alias("value"), coding))
        return np.concatenate(parts, axis=1)

    def spread(self, matrix: Floats) -> Floats:
        """Return a matrix for what measures distances: each code becomes a column of 0 and 1, at most eight a column.

        A code has no distance to another. Words beyond the most frequent share the last column; a missing word is NaN
        in each.
        """
        parts = [np.empty((len(matrix), 0))]
        place = 0
        for coding in self.codings:
            part = matrix[:, place : place + len(coding.features)]
            place += len(coding.features)
            parts.append(_indicators(part, len(coding.words)) if coding.how == "words" else part)
        return np.concatenate(parts, axis=1)


def _indicators(codes: Floats, n_words: int) -> Floats:
    kinds = min(n_words, SPREAD) + 1
    marks = (np.minimum(codes, kinds - 1) == np.arange(kinds)).astype(np.float64)
    return np.where(np.isnan(codes), np.nan, marks)


@dataclass(frozen=True, slots=True)
class Encoded:
    """Both sides of a comparison as matrices, and the encoder that made them."""

    reference: Floats
    current: Floats
    encoder: Encoder


def encode(reference: pl.DataFrame, current: pl.DataFrame, *, columns: Sequence[str] | None = None) -> Encoded:
    """Return two frames as matrices of the same features, learned on both together.

    Which words are frequent is a matter of chance: learned on the reference alone, a comparison of rows would see that
    the current side has more of the others, and no longer keep its level. Learned on both, it keeps it exactly, and a
    word that is new has a code of its own. A column that one side lacks, or that is of another kind there, is left out.

    >>> import polars as pl
    >>> sides = encode(pl.DataFrame({"a": ["x", "y", None]}), pl.DataFrame({"a": ["z", "y"]}))
    >>> sides.encoder.codings[0].words, sides.current.ravel().tolist()
    (('y', 'x', 'z'), [2.0, 0.0])
    """
    wanted = list(dict.fromkeys((*reference.columns, *current.columns))) if columns is None else list(columns)
    gone = {}
    for name in wanted:
        absent = [
            side for side, frame in (("reference", reference), ("current data", current)) if name not in frame.columns
        ]
        if absent:
            gone[name] = f"the {' and the '.join(absent)} has no such column"
        elif (kinds := [_family(frame.schema[name]) for frame in (reference, current)])[0] != kinds[1]:
            gone[name] = (
                f"it holds {kinds[0] or 'nothing'} in the reference and {kinds[1] or 'nothing'} in the current data"
            )
    known = learn([reference, current], columns=[name for name in wanted if name not in gone])
    encoder = Encoder(known.codings, {**gone, **known.left_out})
    return Encoded(encoder.matrix(reference), encoder.matrix(current), encoder)


def learn(frames: Sequence[pl.DataFrame], *, columns: Sequence[str] | None = None, codes: int = CODES) -> Encoder:
    """Return the encoder of frames that have the same columns: what codes the words get, and what is left out.

    To compare rows by it, learn it on both sides (see `encode`), or on rows that are in neither.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"at": ["2024-01-01"] * 3, "id": [1, 2, 3]}).with_columns(pl.col("at").str.to_date())
    >>> learn([frame]).features
    ('weekday of at', 'id')
    """
    names = list(frames[0].columns if columns is None else columns)
    codings, left_out = [], {}
    for name in names:
        sides = [frame.get_column(name).alias("value") for frame in frames]
        family = _family(sides[0].dtype)
        how = _HOW.get(family)
        if how is None:
            left_out[name] = f"it holds {family or 'nothing'}, of which no model is made"
            continue
        learned = how.learn(name, sides, codes)
        if isinstance(learned, str):
            left_out[name] = learned
        else:
            codings.append(learned)
    return Encoder(tuple(codings), left_out)


def _family(dtype: pl.DataType) -> str:
    """Return the entry of the table that makes features of a type, or, where there is none, what the type holds."""
    kind = kind_of(dtype)
    if kind.is_number or kind is Kind.DURATION:
        return "numbers"
    if kind.is_text or kind is Kind.BOOLEAN:
        return "words"
    if kind is Kind.LIST:
        inner = getattr(dtype, "inner", None)
        return "vectors" if inner is not None and kind_of(inner).is_number else "lists of other things than numbers"
    return _OF_KIND.get(kind, str(kind.value))


_OF_KIND = {Kind.DATE: "dates", Kind.DATETIME: "instants", Kind.TIME: "times", Kind.NULL: "", Kind.STRUCT: "structs"}


@dataclass(frozen=True, slots=True)
class _How:
    """One entry: what is learned of a column (or why it is left out), and the features of one side."""

    learn: Callable[[str, Sequence[pl.Series], int], Coding | str]
    features: Callable[[pl.Series, Coding], Floats]


def _learn_numbers(name: str, sides: Sequence[pl.Series], _: int) -> Coding | str:
    whole = kind_of(sides[0].dtype) is Kind.INTEGER
    present = sum(len(side) - side.null_count() for side in sides)
    if not present:
        return "no row has a value"
    if whole and present >= ENOUGH and _all_differ(sides):
        return "every row has another whole number, as an identifier has"
    return Coding(name, "numbers", (name,))


def _all_differ(sides: Sequence[pl.Series]) -> bool:
    import polars as pl

    every = pl.concat([side.drop_nulls().alias("value").cast(pl.Int128, strict=False) for side in sides])
    return every.n_unique() == len(every)


def _numbers(values: pl.Series, coding: Coding) -> Floats:
    import polars as pl

    if isinstance(values.dtype, pl.Duration):
        values = values.dt.total_microseconds() / 1_000_000
    return _floats(values)[:, None]


def _floats(values: pl.Series) -> Floats:
    import polars as pl

    return np.array(values.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy(), dtype=np.float64)


def _learn_words(name: str, sides: Sequence[pl.Series], codes: int) -> Coding | str:
    counts: Counter[str] = Counter()
    for side in sides:
        for word, n in _text(side).drop_nulls().value_counts().iter_rows():
            counts[word] += n
    n = counts.total()
    if not n:
        return "no row has a value"
    if n >= ENOUGH and len(counts) > IDENTIFIER * n:
        return f"{len(counts)} of {n} values differ, as an identifier's or a free text's do"
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return Coding(name, "words", (name,), tuple(ordered[:codes]))


def _text(values: pl.Series) -> pl.Series:
    import polars as pl

    return values.cast(pl.String)


def _words(values: pl.Series, coding: Coding) -> Floats:
    import polars as pl

    places = list(range(len(coding.words)))
    codes = _text(values).replace_strict(list(coding.words), places, default=len(coding.words), return_dtype=pl.Float64)
    return _floats(codes.set(values.is_null(), None))[:, None]


def _parts(how: str, *names: str) -> _How:
    """Return the entry of an instant's parts: methods of Polars' `dt`, which are the words that features are named with."""

    def learned(name: str, sides: Sequence[pl.Series], _: int) -> Coding | str:
        if all(side.null_count() == len(side) for side in sides):
            return "no row has a value"
        return Coding(name, how, tuple(f"{part} of {name}" for part in names))

    def features(values: pl.Series, coding: Coding) -> Floats:
        return np.column_stack([_floats(getattr(values.dt, part)()) for part in names])

    return _How(learned, features)


def _learn_vectors(name: str, sides: Sequence[pl.Series], _: int) -> Coding | str:
    lengths = {length for side in sides for length in _lengths(side).drop_nulls().unique().to_list()}
    if len(lengths) != 1:
        return f"its lists have {len(lengths)} different lengths" if lengths else "no row has a value"
    (length,) = lengths
    if not length:
        return "its lists are empty"
    return Coding(name, "vectors", tuple(f"{name}[{place}]" for place in range(length)))


def _lengths(values: pl.Series) -> pl.Series:
    import polars as pl

    return values.list.len() if isinstance(values.dtype, pl.List) else values.arr.len()


def _vectors(values: pl.Series, coding: Coding) -> Floats:
    import polars as pl

    width = len(coding.features)
    rows = values if isinstance(values.dtype, pl.List) else values.arr.to_list()
    fits = (_lengths(values) == width).fill_null(value=False).to_numpy()
    matrix = np.full((len(values), width), np.nan)
    flat = rows.filter(pl.Series(fits)).list.explode() if fits.any() else None
    if flat is not None:
        matrix[fits] = _floats(flat).reshape(-1, width)
    return matrix


_HOW: dict[str, _How] = {
    "numbers": _How(_learn_numbers, _numbers),
    "words": _How(_learn_words, _words),
    "dates": _parts("dates", "weekday"),
    "instants": _parts("instants", "hour", "weekday"),
    "times": _parts("times", "hour"),
    "vectors": _How(_learn_vectors, _vectors),
}
