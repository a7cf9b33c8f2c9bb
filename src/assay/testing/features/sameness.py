"""The same again: the same rows give the same values, twice over, alone or among others, and are left as they were."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import AssayError, UsageError
from assay.testing.contract import Crashed, broken, call, contract, held, seeded
from assay.testing.features.feature import Feature
from assay.testing.features.ground import MOST_ROWS, Ground, Nothing, noise_of, on_ground, quiet, relabelled
from assay.testing.features.trials import said_cell, said_row
from assay.testing.outputs import aligned, differing
from assay.testing.rows import Rows, rows_of
from assay.testing.shrinking import smallest
from assay.verdict import Example, Outcome

__all__ = ["asked_again", "asked_alone", "idempotent", "keeps_input", "left_alone", "repeatable", "row_by_row"]

Places = NDArray[np.int64]


@contract(
    "feature",
    title="the same rows give the same values when asked again, and after other rows were asked for",
    catches="a random number without a seed, the clock, a cache (by id(), by shape) or a running sum that outlives the call",
    rubric=("D7",),
)
def repeatable(subject: Feature, data: object = None, /) -> Outcome:
    """Judge that a feature gives the same values for the same rows each time.

    It is asked three times: twice for all rows, with half of the rows in between, so that what it keeps from one call to the next
    shows; then with one frame or array whose rows are put in another order between two calls, as a buffer that is filled anew is
    (a cache by `id()`). Another process, and another order of hashes, is judged with the pipeline (`reproducible`).

    >>> import polars as pl
    >>> from assay.testing.features.feature import feature
    >>> seen = []
    >>> def counted(rows):
    ...     seen.append(rows.height)
    ...     return rows["sales"] + len(seen)
    >>> repeatable(feature(counted), pl.DataFrame({"sales": [1.0, 2.0]})).verdict.value
    'fail'
    """
    return asked_again(subject, data)


def asked_again(subject: Feature, data: object, *, seed: int = 0) -> Outcome:
    """Return what `repeatable` judges."""

    def judge(ground: Ground) -> Outcome:
        everything = np.arange(ground.height)
        said = "a second time"
        moved = ground.moved(ground.rows, everything)
        if not moved.any():
            said = "again after half of the rows"
            if ground.height > 1:
                with quiet():
                    ground.subject.compute(ground.rows.take(everything[: (ground.height + 1) // 2]))
            moved = ground.moved(ground.rows, everything)
        if not moved.any():
            stale = _same_object(ground)
            if stale is not None:
                return stale
            return held(f"three calls gave the same {ground.height:,} values", n_rows=ground.height)
        numbers = ground.rows.numbers
        again = ground.subject.compute(ground.rows).of(numbers)
        return _apart(
            ground, moved, again, f"asked {said}, ", names=("first", "again"),
            note="take the seed, the instant and the state as arguments; keep nothing between calls",
        )  # fmt: skip

    return on_ground(subject, data, judge)


def _same_object(ground: Ground) -> Outcome | None:
    """Return the outcome where the same frame or array, filled with other rows, is answered as before; None where it is not."""
    rows = ground.rows
    if rows.kind not in ("pandas", "array") or rows.height < 2:
        return None
    turned = rows.take(np.arange(rows.height)[::-1]).native
    other = rows_of(turned.set_axis(rows.native.index) if rows.kind == "pandas" else turned)
    subject, handed = ground.subject, rows.handed()
    with quiet():
        try:
            right = subject.compute(other)
        except (Crashed, AssayError):  # it does not take them in this order
            return None
        call(subject.function, handed, what=subject.name)
        if rows.kind == "pandas":
            for name in handed.columns:
                handed[name] = other.native[name].array
        else:
            handed[...] = other.native
        made = aligned(call(subject.function, handed, what=subject.name), other, key=subject.key)
    before, after = right.of(other.numbers), made.of(other.numbers)
    moved = ground.apart(before, after)
    if not moved.any():
        return None
    place, column = (int(each) for each in np.argwhere(moved)[0])
    name = ground.columns[column]
    return broken(
        f"asked with the same {'frame' if rows.kind == 'pandas' else 'array'}, now filled with other rows, {name} of "
        f"{said_row(ground, place)} is {said_cell(after[name][place])}, not {said_cell(before[name][place])}",
        n_rows=ground.height, n_failing=int(moved.any(axis=1).sum()),
        note="keep nothing between calls by id(): an object changes, and its number goes to another one",
    )  # fmt: skip


@contract(
    "feature",
    title="a row alone gets the value that it gets among others",
    catches="a statistic of the batch (mean, rank, scaling) where training's was meant, values that depend on who is asked with whom",
    needs=("fixed",),
    rubric=("D7",),
)
def row_by_row(subject: Feature, data: object = None, /, *, rows: int = 20, seed: int = 0) -> Outcome:
    """Judge that a feature with `fixed=True` gives one row alone the value that it gives the row among all.

    This is what serving does: it computes the features of one request. Up to `rows` different rows are asked for alone, and all rows
    in two halves. Null and unusual rows come first.

    >>> import assay, polars as pl
    >>> sales = pl.DataFrame({"sales": [2.0, 4.0, 9.0]})
    >>> row_by_row(assay.feature(lambda rows: rows["sales"] / 10, name="tenth", fixed=True), sales).verdict.value
    'pass'
    >>> centred = assay.feature(lambda rows: rows["sales"] - rows["sales"].mean(), name="centred", fixed=True)
    >>> print(row_by_row(centred, sales).why)
    sales of row 1 is 0.0 alone and -2.5 beside 1 other row
    """
    return asked_alone(subject, data, rows=rows, seed=seed)


def asked_alone(subject: Feature, data: object, *, rows: int = 20, seed: int = 0) -> Outcome:
    """Return what `row_by_row` judges."""

    def judge(ground: Ground) -> Outcome:
        rng = seeded("row_by_row", seed)
        if ground.height < 2:
            raise Nothing("there is one row only, which is alone as it is; it takes two")
        halves = np.array_split(rng.permutation(ground.height), 2)
        for half in map(np.sort, halves):
            moved = ground.moved(ground.rows.take(half), half)
            if moved.any():
                return _company(
                    ground, half, int(half[np.flatnonzero(moved.any(axis=1))[0]]), int(moved.any(axis=1).sum())
                )
        chosen = _unusual(ground, rows, rng)
        for place in chosen:
            if ground.moved(ground.rows.take([place]), np.array([place])).any():
                return _company(ground, np.array([place]), int(place), 1)
        return held(
            f"{len(chosen)} rows alone, and all {ground.height:,} in two halves, got the values they get together",
            n_rows=ground.height,
        )

    return on_ground(subject, data, judge)


@contract(
    "feature",
    title="the rows that are handed in are left as they were",
    catches="inplace=True, a column that is assigned to the caller's frame, a sort in place, an index that is reset",
    rubric=("D7",),
)
def keeps_input(subject: Feature, data: object = None, /) -> Outcome:
    """Judge that a feature does not change the rows that it is given: values, columns, their order and dtypes, and the index.

    >>> import polars as pl
    >>> from assay.testing.features.feature import feature
    >>> def double(rows):
    ...     rows["twice"] = [2 * value for value in rows["sales"]]
    ...     return rows["twice"]
    >>> import pandas as pd
    >>> print(keeps_input(feature(double), pd.DataFrame({"sales": [1.0, 2.0]})).why)
    it added the column 'twice' to the rows that it was given
    """
    return left_alone(subject, data)


def left_alone(subject: Feature, data: object) -> Outcome:
    """Return what `keeps_input` judges."""
    if data is None:
        raise UsageError(f"there are no rows to judge {subject.name} on", hint="give them as the second argument")
    rows = relabelled(rows_of(data))
    if rows.height > MOST_ROWS:
        rows = rows.take(np.arange(MOST_ROWS))
    handed = rows.handed()
    before = copy.deepcopy(handed) if rows.kind != "pandas" else handed.copy()
    call(subject.function, handed, what=subject.name)
    said = _changes(rows_of(before), handed)
    note = "work on a copy (rows.copy(), rows.assign(…)), or return new columns"
    if said:
        return broken(f"it {said} the rows that it was given", n_rows=rows.height, note=note)
    after = rows_of(handed)
    moved = differing(rows_of(before).frame, after.frame, rtol=0.0, atol=0.0)
    if moved.any():
        places = np.flatnonzero(moved.any(axis=1))
        name = after.frame.columns[int(np.argmax(moved[places[0]]))]
        frames = rows_of(before).frame[name], after.frame[name]
        examples = [
            Example(
                int(p), {"column": name, "before": said_cell(frames[0][int(p)]), "after": said_cell(frames[1][int(p)])}
            )
            for p in places[:5]
        ]
        return broken(
            f"it changed {name} of row {places[0]} of the rows that it was given from {said_cell(frames[0][int(places[0])])} to "
            f"{said_cell(frames[1][int(places[0])])}",
            examples=examples, n_rows=rows.height, n_failing=len(places), note=note,
        )  # fmt: skip
    return held(f"{rows.height:,} rows of {len(rows.columns)} columns were left as they were", n_rows=rows.height)


@contract(
    "feature",
    title="computed again on its own result, it gives that result",
    catches="a cleaning step that eats a little more each time, a ratio of a ratio, a column that is added twice",
    needs=("idempotent",),
    rubric=("D7",),
)
def idempotent(subject: Feature, data: object = None, /) -> Outcome:
    """Judge that a function that cleans or adds to rows changes nothing when it is given its own result: f(f(x)) = f(x).

    The result has to hold the columns that the function reads; where it does not, the call raises, and the outcome is ERROR.

    >>> import polars as pl
    >>> from assay.testing.features.feature import feature
    >>> shave = feature(lambda rows: rows.with_columns(pl.col("name").str.head(-1)), name="shave", idempotent=True)
    >>> idempotent(shave, pl.DataFrame({"name": ["ann", "bo"]})).verdict.value
    'fail'
    """

    def judge(ground: Ground) -> Outcome:
        once = call(subject.function, ground.rows.handed(), what=subject.name)
        if type(once) is not type(ground.rows.native):
            raise Nothing(
                f"it makes {type(once).__name__} of {type(ground.rows.native).__name__}, which it can't be given again"
            )
        first = rows_of(once)
        second = call(subject.function, copy.deepcopy(once), what=f"{subject.name} on its own result")
        found = aligned(second, first)
        before = first.frame
        moved = _moved(before, found.of(first.numbers), subject)
        if moved.any():
            place, column = (int(each) for each in np.argwhere(moved)[0])
            name = before.columns[column]
            after = found.of(first.numbers)
            shown = np.flatnonzero(moved.any(axis=1))[:5]
            values = after[name] if name in after.columns else pl.Series([None] * after.height)
            examples = [
                Example(
                    int(p),
                    {"column": name, "once": said_cell(before[name][int(p)]), "twice": said_cell(values[int(p)])},
                )
                for p in shown
            ]
            return broken(
                f"computed on its own result, {name} of row {place} goes from {said_cell(before[name][place])} to "
                f"{said_cell(values[place])}",
                examples=examples, n_rows=before.height, n_failing=int(moved.any(axis=1).sum()),
                note="let it see what is clean already, or keep the raw column and write the result to another",
            )  # fmt: skip
        return held(f"{before.height:,} rows came out of its own result as they went in", n_rows=before.height)

    return on_ground(subject, data, judge)


def _moved(before: pl.DataFrame, after: pl.DataFrame, subject: Feature) -> NDArray[np.bool_]:
    noise = noise_of(before)
    found = [
        differing(before.select(name), after, rtol=subject.rtol, atol=max(subject.atol, noise.get(name, 0.0)))
        for name in before.columns
    ]
    return np.hstack(found) if found else np.zeros((before.height, 0), dtype=bool)


def _apart(
    ground: Ground, moved: NDArray[np.bool_], after: pl.DataFrame, said: str, *, names: tuple[str, str], note: str
) -> Outcome:
    """Return the outcome for values that differ between two calls: the first of them, and at most five rows."""
    places = np.flatnonzero(moved.any(axis=1))
    column = ground.columns[int(np.argmax(moved[places[0]]))]
    numbers = ground.rows.numbers
    before = ground.base.of(numbers)[column]
    frame, subject = ground.rows.frame, ground.subject
    shown = [name for name in (*subject.entity, subject.time, *ground.inputs[:3]) if name]
    examples = [
        Example(
            int(numbers[p]),
            {name: said_cell(frame[name][int(p)]) for name in shown}
            | {names[0]: said_cell(before[int(p)]), names[1]: said_cell(after[column][int(p)])},
        )
        for p in places[:5]
    ]
    row = int(places[0])
    return broken(
        f"{said}{column} of {said_row(ground, row)} is {said_cell(after[column][row])}, not {said_cell(before[row])} "
        f"({len(places):,} of {ground.height:,} rows)",
        examples=examples, n_rows=ground.height, n_failing=len(places), note=note,
    )  # fmt: skip


def _unusual(ground: Ground, many: int, rng: np.random.Generator) -> Places:
    """Return different rows: those with most nulls, the ends of each number, and some of chance."""
    frame = ground.rows.frame
    nulls = frame.select(pl.sum_horizontal(pl.all().is_null())).to_series().to_numpy()
    chosen = [int(np.argmax(nulls))] if nulls.max() else []
    for name in ground.inputs:
        if frame.schema[name].is_numeric():
            chosen += [place for place in (frame[name].arg_min(), frame[name].arg_max()) if place is not None]
    chosen += rng.permutation(ground.height)[:many].tolist()
    return np.array(list(dict.fromkeys(chosen))[:many], np.int64)


def _company(ground: Ground, asked: Places, row: int, failing: int) -> Outcome:
    """Return the outcome for a row whose value depends on who is asked with it: the fewest rows beside it that show it."""
    number = ground.rows.numbers[[row]]

    def value(some: Any) -> pl.DataFrame:
        rows: Rows = ground.rows.take(np.union1d(np.array(some, np.int64), [row]).astype(np.int64))
        with quiet():
            return ground.subject.compute(rows).of(number)

    def differs(some: Any) -> bool:
        try:
            return bool(ground.apart(value([]), value(some)).any())
        except (Crashed, AssayError):
            return False

    others = np.setdiff1d(np.arange(ground.height), [row])
    whole = others if differs(others) else np.setdiff1d(asked, [row])
    beside = np.array(smallest(whole.tolist(), differs, tries=80), np.int64) if differs(whole) else whole[:11]
    alone, among = value([]), value(beside)
    column = ground.columns[int(np.argmax(ground.apart(alone, among)[0]))]
    one, other = (
        said_cell(table[column][0]) if column in table.columns else "no such column" for table in (alone, among)
    )
    frame = ground.rows.frame
    shown = [name for name in (*ground.subject.entity, ground.subject.time, *ground.inputs[:4]) if name]
    examples = [
        Example(
            int(ground.rows.numbers[p]),
            {name: said_cell(frame[name][int(p)]) for name in shown}
            | ({"alone": one, "among": other} if p == row else {}),
            "judged" if p == row else "asked with it",
        )
        for p in np.union1d(beside[:11], [row]).astype(np.int64)
    ]
    return broken(
        f"{column} of {said_row(ground, row)} is {one} alone and {other} beside "
        f"{len(beside)} other row{'' if len(beside) == 1 else 's'}",
        examples=examples, n_rows=ground.height, n_failing=failing,
        note="learn the mean, the scale or the rank in training, keep it, and use it for each row; or do not declare fixed=True",
    )  # fmt: skip


def _changes(before: Rows, handed: Any) -> str:
    """Return what was done to the frame as a whole: columns added, lost, moved or of another dtype, rows, labels; empty where nothing."""
    after = rows_of(handed)
    old, new = list(before.columns), list(after.columns)
    for said, stray in (("added the column", set(new) - set(old)), ("took the column", set(old) - set(new))):
        if stray:
            return f"{said} {min(stray)!r} {'to' if said.startswith('added') else 'from'}"
    if before.height != after.height:
        return f"made {after.height} of the {before.height} rows in"
    if old != new:
        return f"put the columns in the order {', '.join(new)} in"
    if before.kind == "pandas":
        if not before.native.index.equals(after.native.index):
            return "changed the index of"
        for name in before.native.columns:
            if before.native[name].dtype != after.native[name].dtype:
                return f"made {name} {after.native[name].dtype} (it was {before.native[name].dtype}) in"
    return ""
