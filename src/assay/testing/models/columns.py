"""Columns that are missing, too many, or in another order: a model refuses them or answers the same, and never guesses."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.testing.contract import broken, contract, held, seeded
from assay.testing.models.answers import Answer, differing
from assay.testing.models.asking import Refusal
from assay.testing.models.declared import DeclaredModel
from assay.testing.models.outputs import range_of
from assay.testing.models.showing import counted, not_asked, sampled, shown, too_few
from assay.testing.rows import Rows, rows_of
from assay.verdict import Outcome

__all__ = ["EXTRA", "column_order", "extra_features", "missing_features"]

EXTRA = "assay_extra"
EXCHANGED = 3
COLUMNS = 20


@contract(
    "model",
    title="rows without one of its columns are refused, or answered as with it; they are not answered otherwise in silence",
    catches="a missing column filled with zero, columns read by position, a default that nobody asked for",
    rubric=("I2",),
)
def missing_features(subject: DeclaredModel, data: Any = None, /, *, rows: int = 100, seed: int = 0) -> Outcome:
    """Judge what a model does when a column is not there at all: each of its columns (at most 20) is left out in turn.

    To raise is to keep the contract, and so is to give the same answers: the model makes no use of the column. Columns in
    `fills` are ones that it fills by design: these it must answer, validly.

    >>> from assay.testing.models.declared import model
    >>> lenient = model(lambda rows: [row.get("age", 0.0) for row in rows])
    >>> missing_features(lenient, [{"age": 30.0}, {"age": 40.0}]).why
    "without 'age' it answers without a word, and 2 of 2 answers change"
    """
    given = sampled(subject.inputs(data), rows, seeded("missing_features", seed))
    if not given.height:
        return too_few(given, 1)
    whole = subject.ask(given)
    refused, unused, filled = [], [], []
    for name in _some(given.columns, seed):
        answer = subject.tried(given.select([each for each in given.columns if each != name]))
        if name in subject.fills:
            bad = answer.said if isinstance(answer, Refusal) else _invalid(subject, answer)
            if bad:
                return broken(f"without {name!r}, which fills= names, it says: {bad}", n_rows=given.height)
            filled.append(name)
        elif isinstance(answer, Refusal):
            refused.append(name)
        else:
            off = np.flatnonzero(differing(whole, answer, share=subject.tolerance))
            if len(off) or answer.height != whole.height:
                return _otherwise(given, whole, answer, off, f"without {name!r}", name)
            unused.append(name)
    parts = [f"{len(found)} of {len(refused) + len(unused) + len(filled)} columns {what}" for what, found in
             (("are refused when missing", refused), ("are not used", unused), ("are filled, as declared", filled)) if found]  # fmt: skip
    return held("; ".join(parts), n_rows=given.height)


@contract(
    "model",
    title="rows with a column too many are refused, or answered as without it",
    catches="columns read by position: an id that stands first shifts every feature by one place",
    rubric=("I2",),
)
def extra_features(subject: DeclaredModel, data: Any = None, /, *, rows: int = 100, seed: int = 0) -> Outcome:
    """Judge what a model does with one column of chance too many: at the end, and, where columns have names, at the front.

    >>> from assay.testing.models.declared import model
    >>> extra_features(model(lambda rows: rows[:, 0]), np.array([[1.0], [2.0]])).why
    'a column too many is passed over where it stands last'
    """
    rng = seeded("extra_features", seed)
    given = sampled(subject.inputs(data), rows, rng)
    if not given.height:
        return too_few(given, 1)
    whole = subject.ask(given)
    chance = pl.Series(EXTRA, rng.normal(scale=100.0, size=given.height))
    said = []
    for where in ("last",) if given.kind == "array" else ("last", "first"):
        frame = given.frame
        wide = (
            frame.with_columns(chance) if where == "last" else pl.concat([chance.to_frame(), frame], how="horizontal")
        )
        answer = subject.tried(_widened(given, wide, chance, first=where == "first"))
        if isinstance(answer, Refusal):
            said.append(f"refused where it stands {where}")
            continue
        off = np.flatnonzero(differing(whole, answer, share=subject.tolerance))
        if len(off) or answer.height != whole.height:
            return _otherwise(given, whole, answer, off, f"with a column too many, {EXTRA!r}, which stands {where}", "")
        said.append(f"passed over where it stands {where}")
    return held(f"a column too many is {', and '.join(said)}", n_rows=given.height)


@contract(
    "model",
    title="rows whose columns stand in another order are refused, or answered the same",
    catches="columns read by position: two of them swapped by a join or by a client, and every answer is wrong",
    rubric=("I2",),
)
def column_order(subject: DeclaredModel, data: Any = None, /, *, rows: int = 100, seed: int = 0) -> Outcome:
    """Judge that columns are matched by their names: their order is turned round, shuffled, and two of one type change places.

    Columns of different types may be told apart by what is in them; two of one type are not.

    Skipped for arrays, whose columns have no names, and for one column.

    >>> from assay.testing.models.declared import model
    >>> first = model(lambda rows: rows.to_numpy()[:, 0])
    >>> column_order(first, pl.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})).why
    'where its columns are turned round it answers without a word, and 2 of 2 answers change'
    """
    rng = seeded("column_order", seed)
    given = sampled(subject.inputs(data), rows, rng)
    if not given.height:
        return too_few(given, 1)
    if given.kind == "array":
        return not_asked("the columns of an array have no names")
    if len(given.columns) < 2:
        return not_asked("there is one column, which has one order")
    whole = subject.ask(given)
    orders = {"its columns are turned round": given.columns[::-1]}
    orders["its columns are shuffled"] = tuple(rng.permutation(given.columns).tolist())
    orders |= {f"{one} and {other} change places": names for one, other, names in _exchanged(given)}
    said = []
    for how, names in orders.items():
        answer = subject.tried(given.select(names))
        if isinstance(answer, Refusal):
            said.append(f"refused where {how}")
            continue
        off = np.flatnonzero(differing(whole, answer, share=subject.tolerance))
        if len(off):
            return _otherwise(given, whole, answer, off, f"where {how}", "")
        said.append(f"matched by name where {how}")
    return held(f"the order of {counted(len(given.columns), 'column')} is {', '.join(said)}", n_rows=given.height)


def _exchanged(given: Rows) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return a few pairs of neighbours of one type whose values differ, and the columns with the two exchanged."""
    frame = given.frame
    found = []
    for dtype in dict.fromkeys(frame.schema.values()):
        those = [name for name, kind in frame.schema.items() if kind == dtype]
        pair = next((p for p in pairwise(those) if not frame[p[0]].equals(frame[p[1]].alias(p[0]))), None)
        if pair is not None:
            order = list(given.columns)
            a, b = (order.index(name) for name in pair)
            order[a], order[b] = order[b], order[a]
            found.append((*pair, tuple(order)))
    return found[:EXCHANGED]


def _otherwise(given: Rows, whole: Answer, answer: Answer, off: NDArray[np.int64], when: str, name: str) -> Outcome:
    first = (name,) if name else ()
    if answer.height != whole.height:
        return broken(f"{when} it answers {counted(answer.height)} for {given.height}", n_rows=given.height)
    said = {"expected": whole.take(off), "got": answer.take(off)}
    note = "match columns by name, and raise where they are not the model's own: rows[list(FEATURES)], or feature_names_in_"
    if name:
        note = f"raise an error that names the column, or declare fills={name!r} if the model is meant to fill it"
    return broken(
        f"{when} it answers without a word, and {len(off):,} of {given.height:,} answers change",
        examples=shown(given, off, said, first=first), n_rows=given.height, n_failing=len(off), note=note,
    )  # fmt: skip


def _invalid(subject: DeclaredModel, answer: Answer) -> str:
    off, why = range_of(subject, answer)
    return f"{counted(int(off.sum()), 'answer')} {why}" if off.any() else ""


def _some(columns: tuple[str, ...], seed: int) -> list[str]:
    """Return at most 20 of the columns, by chance, in their order."""
    if len(columns) <= COLUMNS:
        return list(columns)
    places = seeded("columns", seed).choice(len(columns), size=COLUMNS, replace=False)
    return [columns[i] for i in np.sort(places)]


def _widened(rows: Rows, wide: pl.DataFrame, chance: pl.Series, *, first: bool) -> Rows:
    """Return rows with one column more, in their own kind and with their own dtypes."""
    if rows.kind == "pandas":
        native = rows.native.copy()
        native.insert(0 if first else native.shape[1], chance.name, chance.to_numpy())
        return Rows(native, "pandas", rows.numbers)
    if rows.kind == "array":
        return Rows(np.column_stack([rows.native, chance.to_numpy().astype(_real(rows.native))]), "array", rows.numbers)
    return Rows(rows_of(rows.rebuilt(wide)).native, rows.kind, rows.numbers)


def _real(array: NDArray[Any]) -> Any:
    return array.dtype if array.dtype.kind in "fO" else np.float64
