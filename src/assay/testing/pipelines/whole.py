"""The whole path on a small slice of the data: every step runs, every row gets an answer, and the data stay as they were."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError
from assay.testing.contract import broken, contract, held, undecided
from assay.testing.pipelines.counting import counted
from assay.testing.pipelines.leaves import first_difference, leaves_of
from assay.testing.pipelines.pipeline import Pipeline
from assay.testing.pipelines.running import (
    Run,
    StepCrashed,
    answers,
    asked,
    handed,
    model_rows,
    rows_in,
    run,
    score_of,
)
from assay.testing.rows import Rows
from assay.testing.shrinking import smallest
from assay.verdict import Estimate, Example, Outcome

__all__ = ["keeps_input", "runs", "small_part"]

SHOWN = 12
TRIES, SHRINKING_SECONDS = 60, 20.0
_DIGITS = re.compile(r"\d+")


@contract(
    "pipeline",
    title="the whole path runs on a small slice, and its model answers every row with finite numbers",
    catches="steps that do not fit together; a null, a category or an extreme that a step cannot take; rows that are lost; NaN answers",
    needs=("steps",),
    rubric=("I3",),
)
def runs(subject: Pipeline, data: object, /, *, rows: int = 200, seed: int = 0) -> Outcome:
    """Judge that the path runs, from raw data to answers, on at most `rows` rows that represent the data (as `assay slice` takes them).

    Where a step raises an error, the slice is shrunk to the fewest rows with which the same step raises the same error. Data that are
    no single frame (a path, several frames) are given whole. INCONCLUSIVE where there are no rows.

    >>> import assay, math
    >>> sales = [{"sales": 2.0}, {"sales": 4.0}, {"sales": 0.0}]
    >>> def without_zeros(rows):
    ...     return [row for row in rows if row["sales"]]
    >>> def fit(rows):
    ...     mean = sum(math.log(row["sales"]) for row in rows) / len(rows)
    ...     return lambda asked: [mean for _ in asked]
    >>> runs(assay.pipeline([without_zeros, fit]), sales).verdict.value
    'pass'
    >>> seen = runs(assay.pipeline([fit], name="sales"), sales)
    >>> seen.verdict.value, seen.why
    ('fail', "the step 'fit' raised ValueError: ...; 1 row is enough for it, of 3 that were tried")
    >>> print(seen.examples[0].values)
    {'sales': 0.0}
    """
    there = rows_in(data)
    if there is not None and not there.height:
        return undecided("there are no rows to run it on", n_rows=0)
    part = there
    if there is not None and there.height > rows:
        part = there.take(small_part(there, rows, seed=seed))
    given = data if part is None else part.native
    try:
        made = run(subject, given, seed=seed)
    except StepCrashed as crash:
        return _crashed(subject, part, crash, seed)
    of = "" if there is None or part is None else f"{part.height:,} of {there.height:,} rows went through "
    took = ", ".join(f"{stage.name} ({stage.seconds:.2g} s)" for stage in made.stages)
    return _answered(subject, made, f"{of}{took}", None if part is None else part.height)


@contract(
    "pipeline",
    title="the data that a run is given are the same afterwards",
    catches="a step that fills, renames, sorts or scales its input in place, so that a second run, or another reader, gets other data",
    needs=("steps",),
)
def keeps_input(subject: Pipeline, data: object, /, *, seed: int = 0) -> Outcome:
    """Judge that a run leaves the raw data as they were.

    >>> import assay, pandas as pd
    >>> sales = pd.DataFrame({"sales": [2.0, None, 4.0]})
    >>> def filled(rows):
    ...     return rows.fillna({"sales": 0.0})
    >>> def filled_in_place(rows):
    ...     rows.loc[rows["sales"].isna(), "sales"] = 0.0
    ...     return rows
    >>> keeps_input(assay.pipeline([filled, len]), sales).verdict.value
    'pass'
    >>> print(keeps_input(assay.pipeline([filled_in_place, len]), sales).why)
    the step 'filled_in_place' changes the data that it is given: the frame differs in 1 of 3 rows...
    """
    own = handed(data)
    before = leaves_of(own)
    if not before or not any(leaf.table.height for leaf in before):
        return undecided("there are no data that could be changed", n_rows=0)
    changed: list[str] = []

    def watch(stage: Any) -> None:
        if not changed and first_difference(before, leaves_of(own), rtol=0, atol=0) is not None:
            changed.append(stage.name)

    run(subject, own, seed=seed, watch=watch, copied=False)
    height = sum(leaf.table.height for leaf in before)
    found = first_difference(before, leaves_of(own), rtol=0, atol=0)
    if found is None:
        return held(f"the data are the same after {counted(len(subject.steps), 'step')}", n_rows=height)
    shown = tuple(
        Example(e.row, {{"one run": "before", "the other": "after"}.get(k, k): v for k, v in e.values.items()})
        for e in found.examples
    )
    said = found.said.replace("in one run", "before").replace("in the other", "after")
    return broken(
        f"the step {changed[0]!r} changes the data that it is given: {found.leaf.path.lstrip('.') or 'the frame'} {said}",
        examples=shown, n_rows=height, note="Let it work on a copy, and return that.",
    )  # fmt: skip


def small_part(rows: Rows, most: int, *, seed: int) -> NDArray[np.int64]:
    """Return the places of at most so many rows, in their order, that represent all: what `assay slice` would take."""
    from assay.data.polars_engine import PolarsEngine
    from assay.data.sources import dataset
    from assay.testing.slicing.slicing import slice_dataset

    return slice_dataset(dataset(rows.frame), rows=most, seed=seed, engine=PolarsEngine()).numbers


def _crashed(subject: Pipeline, part: Rows | None, crash: StepCrashed, seed: int) -> Outcome:
    if part is None:
        return broken(str(crash), note="The data are no single frame, so that no smaller part of them was tried.")
    same = _same_crash(subject, crash, seed, time.monotonic() + SHRINKING_SECONDS)
    places = smallest(range(part.height), lambda kept: same(part.take(list(kept))), tries=TRIES)
    few = part.take(places)
    cells = _guilty(part, places[0], same) if few.height == 1 else ()
    names = [*cells, *(name for name in few.columns if name not in cells)][:SHOWN]
    why = f"with {cells[0]} of another row it passes" if len(cells) == 1 else ""
    shown = tuple(
        Example(int(few.numbers[i]), {n: _plain(few.frame[n][i]) for n in names}, why)
        for i in range(min(few.height, SHOWN))
    )
    how_few = f"{counted(few.height, 'row')} {'is' if few.height == 1 else 'are'}"
    return broken(
        f"{crash}; {how_few} enough for it, of {part.height:,} that were tried", examples=shown, n_rows=part.height, n_failing=few.height
    )  # fmt: skip


def _guilty(part: Rows, place: int, same: Callable[[Rows], bool]) -> tuple[str, ...]:
    """Return the columns of a row that raises an error without which it would not; none where no row passes.

    Its other cells are replaced by those of a row that passes, as long as the error stays.
    """
    others = [i for i in range(part.height) if i != place][:5]
    donor = next((part.take([i]) for i in others if not same(part.take([i]))), None)
    if donor is None or part.kind == "records":
        return ()
    one = part.take([place])

    def breaks(kept: Sequence[str]) -> bool:
        mixed = donor
        for name in kept:
            mixed = mixed.changed(name, [0], one.frame[name])
        return same(mixed)

    found = smallest(one.columns, breaks, tries=TRIES)
    return found if len(found) < len(one.columns) else ()


def _same_crash(subject: Pipeline, crash: StepCrashed, seed: int, until: float) -> Callable[[Rows], bool]:
    def same(rows: Rows) -> bool:
        if time.monotonic() > until:
            return False
        try:
            run(subject, rows.native, seed=seed)
        except StepCrashed as other:
            return (other.step.name, type(other.error), _worded(other)) == (
                crash.step.name,
                type(crash.error),
                _worded(crash),
            )
        return False

    return same


def _worded(crash: StepCrashed) -> str:
    return _DIGITS.sub("#", str(crash.error))


def _answered(subject: Pipeline, made: Run, went: str, n_rows: int | None) -> Outcome:
    if not answers(subject, made.model):
        return held(f"{went}; {type(made.model).__qualname__} came out, which answers nothing", n_rows=n_rows)
    rows = model_rows(subject, made)
    try:
        answer = asked(subject, made.model, rows)
    except DataError as error:
        return broken(
            error.message, n_rows=rows.height, note="The model has to return one answer for each row that it is given."
        )
    lost = _not_finite(answer)
    if lost.any():
        at = np.flatnonzero(lost)
        shown = tuple(
            Example(
                int(row),
                {
                    **{n: _plain(rows.frame[n][int(row)]) for n in rows.columns[:SHOWN]},
                    "answer": _plain(answer.row(int(row))[0]),
                },
            )
            for row in at[:SHOWN]
        )
        return broken(
            f"{len(at):,} of {rows.height:,} answers are null, NaN or infinite", examples=shown, n_rows=rows.height, n_failing=len(at),
            note="Find the step that lets these through: trace follows a row.",
        )  # fmt: skip
    score = score_of(subject, made)
    if score is None:
        return held(f"{went}; its model gave {counted(rows.height, 'finite answer')}", n_rows=n_rows)
    if not np.isfinite(score):
        return broken(f"the score is {score} on {counted(rows.height, 'row')}", n_rows=rows.height)
    observed = Estimate(score, n=rows.height)
    return held(
        f"{went}; its model gave {counted(rows.height, 'finite answer')}, and scores {score:.4g}",
        n_rows=n_rows,
        observed=observed,
    )


def _not_finite(answer: pl.DataFrame) -> NDArray[np.bool_]:
    lost = np.zeros(answer.height, dtype=bool)
    for column in answer:
        lost |= column.is_null().to_numpy()
        if column.dtype.is_float():
            lost |= ~column.fill_null(0.0).is_finite().to_numpy()
    return lost


def _plain(value: object) -> object:
    value = value.to_list() if isinstance(value, pl.Series) else value
    return value if isinstance(value, bool | int | float | str | type(None)) else str(value)
