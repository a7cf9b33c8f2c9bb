"""What a model takes: its declared input, rows that look different and are the same, all zeros, and no rows at all."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from assay.testing.contract import broken, contract, held
from assay.testing.models.answers import differing
from assay.testing.models.asking import Refusal
from assay.testing.models.declared import DeclaredModel
from assay.testing.models.outputs import range_of
from assay.testing.models.showing import counted, listed, not_asked, sampled, shown, too_few
from assay.testing.rows import Rows, rows_of
from assay.verdict import Outcome

__all__ = ["accepts_input", "all_zero_input", "keeps_input", "no_rows"]


@contract(
    "model",
    title="it answers rows of its declared columns and types; the index and the layout in memory say nothing to it",
    catches="an input it crashes on, answers that follow a pandas index, a read-only array refused, 1 and 1.0 told apart",
    rubric=("I2",),
)
def accepts_input(subject: DeclaredModel, data: Any = None, /, *, rows: int = 200, seed: int = 0) -> Outcome:
    """Judge that a model takes what it is declared to take, and that it reads nothing but the values.

    The rows must be answered as they are, and one of them alone. Then the same values are given in another dress: a pandas index
    with other labels, an array in another order of memory, or one that cannot be written to (as joblib hands them to its
    workers), Polars in chunks. The answers must stay. Whole numbers are also given as floats, as JSON gives them: the model may
    refuse them, and may not answer them otherwise. Where `reference` is declared, the data must have its columns and types.

    >>> from assay.testing.models.declared import model
    >>> accepts_input(model(lambda rows: rows[:, 0] * 2, name="double"), np.array([[1.0], [2.0]])).verdict.value
    'pass'
    """
    given = subject.inputs(data)
    stray = _strayed(subject, given)
    if stray:
        return broken(stray, n_rows=given.height, note="give the reference that it was trained on, or other data")
    given = sampled(given, rows, np.random.default_rng(seed))
    if not given.height:
        return too_few(given, 1)
    whole = subject.tried(given)
    if isinstance(whole, Refusal):
        return broken(f"it refused {counted(given.height)} as they are: {whole.said}", n_rows=given.height)
    one = subject.tried(given.take([0]))
    if isinstance(one, Refusal):
        return broken(
            f"it refused one row alone: {one.said}", examples=shown(given, [0], {}), n_rows=given.height,
            note="one row has the shape (1, columns): see that nothing is squeezed away",
        )  # fmt: skip
    tried = []
    for dress, dressed, may_refuse in _dresses(given):
        answer = subject.tried(dressed)
        if isinstance(answer, Refusal):
            if may_refuse:
                continue
            return broken(f"it refused the same rows {dress}: {answer.said}", n_rows=given.height)
        tried.append(dress)
        off = np.flatnonzero(differing(whole, answer, share=subject.tolerance))
        if len(off):
            said = {"expected": whole.take(off), "got": answer.take(off)}
            return broken(
                f"{len(off):,} of {given.height:,} answers change where the same rows are given {dress}",
                examples=shown(given, off, said), n_rows=given.height, n_failing=len(off),
            )  # fmt: skip
    return held(
        f"{counted(given.height)} were answered, and alike {'; '.join(tried) or 'each time'}", n_rows=given.height
    )


@contract(
    "model",
    title="it answers a row of zeros with a valid answer, or refuses it",
    catches="a division by zero, the log of zero, a norm of zero: NaN or an infinite answer",
)
def all_zero_input(subject: DeclaredModel, data: Any = None, /) -> Outcome:
    """Judge that zeros in every column of numbers give an answer that is one: finite, and in the declared range.

    Columns that hold no numbers keep the values of the first row. To refuse zeros, by an error, is to keep the contract.

    >>> from assay.testing.models.declared import model
    >>> inverse = model(lambda rows: np.divide(1.0, rows[:, 0], where=rows[:, 0] != 0, out=np.full(len(rows), np.inf)))
    >>> all_zero_input(inverse, np.array([[2.0], [4.0]])).why
    'a row of zeros is answered with inf, which is NaN, infinite or missing'
    """
    given = subject.inputs(data)
    if not given.height:
        return too_few(given, 1)
    zero = given.take([0])
    numbers = [name for name, dtype in given.frame.schema.items() if dtype.is_numeric()]
    for name in numbers:
        zero = zero.put(name, pl.Series(name, [0], dtype=zero.frame[name].dtype))
    if not numbers:
        return not_asked("no column holds numbers, so none can be zero")
    subject.ask(given.take([0]))  # to refuse zeros tells nothing of a model that refuses everything
    answer = subject.tried(zero)
    if isinstance(answer, Refusal):
        return held(f"a row of zeros is refused: {answer.said}", n_rows=1)
    off, why = range_of(subject, answer)
    if off.any():
        return broken(
            f"a row of zeros is answered with {answer.told(0)}, which is {why}",
            examples=shown(zero, [0], {"got": answer}), n_rows=1, n_failing=1,
            note="look for a division by a norm, a sum or a standard deviation that is zero here",
        )  # fmt: skip
    return held(f"zeros in {counted(len(numbers), 'column')} are answered with {answer.told(0)}", n_rows=1)


@contract(
    "model",
    title="no rows are answered with no answers, or refused",
    catches="an empty batch that is answered with a number, or with NaN, as if there had been a row",
)
def no_rows(subject: DeclaredModel, data: Any = None, /) -> Outcome:
    """Judge what a model says of an empty batch: nothing, or an error; never an answer for a row that is not there.

    >>> from assay.testing.models.declared import model
    >>> no_rows(model(lambda rows: rows[:, 0]), np.ones((3, 1))).why
    'an empty batch is answered with no answers'
    """
    given = subject.inputs(data)
    if given.height:
        subject.ask(given.take([0]))  # to refuse no rows tells nothing of a model that refuses everything
    answer = subject.tried(given.take([]))
    if isinstance(answer, Refusal):
        return held(f"an empty batch is refused: {answer.said}", n_rows=0)
    if answer.height:
        return broken(f"no rows are answered with {counted(answer.height, 'answer')}", n_rows=0)
    return held("an empty batch is answered with no answers", n_rows=0)


@contract(
    "model",
    title="it leaves the rows that it is given as they are",
    catches="a fillna(inplace=True), a column added to the caller's frame, a scaled array written back",
)
def keeps_input(subject: DeclaredModel, data: Any = None, /, *, rows: int = 200, seed: int = 0) -> Outcome:
    """Judge that a model changes nothing in the rows it is given: values, columns, dtypes, order and index.

    >>> from assay.testing.models.declared import model
    >>> careless = model(lambda rows: np.add(rows, 1.0, out=rows)[:, 0])
    >>> keeps_input(careless, np.array([[2.0], [4.0]])).why
    "it changed the rows that it was given: '0' differs in 2 rows; row 0 was 2.0 and is 3.0"
    """
    given = sampled(subject.inputs(data), rows, np.random.default_rng(seed))
    if not given.height:
        return too_few(given, 1)
    mine = Rows(_copied(given), given.kind, given.numbers)
    lent = _Lent(_copied(given), given.kind, given.numbers)
    subject.ask(lent)
    change = _changed(mine, rows_of(lent.native))
    if change:
        return broken(
            f"it changed the rows that it was given: {change}", n_rows=given.height,
            note="work on a copy: rows = rows.copy(), or rows.assign(...)",
        )  # fmt: skip
    return held(f"{counted(given.height)} were as before when it had answered", n_rows=given.height)


class _Lent(Rows):
    """Rows that are handed out themselves, without the copy that protects them."""

    def handed(self) -> Any:
        """Return the rows themselves."""
        return self.native


def _copied(rows: Rows) -> Any:
    return rows.native.clone() if rows.kind == "polars" else copy.deepcopy(rows.native)


def _changed(before: Rows, after: Rows) -> str:
    """Return what is different, in words; empty where nothing is."""
    old, new = before.frame, after.frame
    if old.columns != new.columns:
        more = [name for name in new.columns if name not in old.columns]
        less = [name for name in old.columns if name not in new.columns]
        return (
            f"it added {listed(more)}" if more else f"it took away {listed(less)}" if less else "other columns' order"
        )
    if old.height != new.height:
        return f"{old.height} rows became {new.height}"
    for name in old.columns:
        if old.schema[name] != new.schema[name]:
            return f"{name!r} was {old.schema[name]} and is {new.schema[name]}"
        if not old[name].equals(new[name], null_equal=True):
            places = np.flatnonzero((~old[name].eq_missing(new[name])).to_numpy())
            where = f"row {places[0]} was {old[name][int(places[0])]!r} and is {new[name][int(places[0])]!r}"
            return f"{name!r} differs in {counted(len(places))}; {where}"
    if before.kind == "pandas" and not before.native.index.equals(after.native.index):
        return "it has another index"
    if before.kind == "pandas" and not (before.native.dtypes == after.native.dtypes).all():
        return "it has other dtypes"
    return ""


def _strayed(subject: DeclaredModel, given: Rows) -> str:
    """Return how data differs from the declared reference, in words; empty where it does not."""
    if subject.reference is None:
        return ""
    wanted, found = subject.inputs(None).frame.schema, given.frame.schema
    for name, dtype in wanted.items():
        if name not in found:
            return f"the data has no column {name!r}, which the reference has"
        if found[name] != dtype:
            return f"{name!r} holds {found[name]} in the data, and {dtype} in the reference"
    more = [name for name in found if name not in wanted]
    return f"the data has {listed(more)}, which the reference does not have" if more else ""


def _dresses(rows: Rows) -> Iterator[tuple[str, Rows, bool]]:
    """Yield the same values in other clothes: what it is called, the rows, and whether they may be refused."""
    if rows.kind == "pandas":
        odd = rows.native.set_axis([f"row {n // 2}" for n in range(rows.height)], axis=0)
        yield "with another pandas index, some labels twice", Rows(odd, rows.kind, rows.numbers), False
    if rows.kind == "array":
        for order, called in (("F", "Fortran's"), ("C", "C's")):
            laid = np.array(rows.native, order=order)  # type: ignore[call-overload]
            yield f"in {called} order of memory", _Lent(laid, "array", rows.numbers), False
        spread = np.repeat(rows.native, 2, axis=0)[::2]
        yield "as every second row of another array", _Lent(spread, "array", rows.numbers), False
        locked = rows.native.copy()
        locked.setflags(write=False)
        yield "in an array that cannot be written to", _Lent(locked, "array", rows.numbers), False
    if rows.kind == "polars" and rows.height > 1:
        half = rows.height // 2
        parts = pl.concat([rows.native[:half], rows.native[half:]], rechunk=False)
        yield "in two chunks", Rows(parts, "polars", rows.numbers), False
    floated = rows
    for name, dtype in rows.frame.schema.items():
        if dtype.is_integer() and not rows.frame[name].null_count():
            floated = (
                floated.put(name, rows.frame[name].cast(pl.Float64))
                if rows.kind != "pandas"
                else _floated(floated, name)
            )
    if floated is not rows:
        yield "with whole numbers as floats", floated, True


def _floated(rows: Rows, name: str) -> Rows:
    # Rows.put keeps a column's dtype where it can, and here another one is the point.
    return Rows(rows.native.assign(**{name: rows.native[name].astype("float64")}), rows.kind, rows.numbers)
