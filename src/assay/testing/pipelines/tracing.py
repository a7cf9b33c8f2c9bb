"""One row through every step, stored and compared: what each step made of it, and what the model answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.codec import convert
from assay.errors import AssayError, ConfigError, DataError, UsageError
from assay.testing.contract import broken, contract, held, seeded, undecided
from assay.testing.outputs import aligned
from assay.testing.pipelines.counting import counted
from assay.testing.pipelines.estimators import RAW, Fitting
from assay.testing.pipelines.pipeline import Pipeline
from assay.testing.pipelines.running import Run, answers, asked, model_rows, rows_in, run
from assay.testing.rows import Rows, rows_of
from assay.verdict import Example, Outcome

__all__ = ["Passed", "RowTrace", "load_trace", "save_trace", "trace", "trace_changes", "traceable"]

Cell = bool | int | float | str | None
FORMAT = 1


class Passed(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one step made of the row: its values by column. `why` says why there are none: it was left out, or lost from sight."""

    step: str
    values: dict[str, Cell] = {}
    why: str = ""


class RowTrace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One row on its way: its number in the raw data (the first is 0), and what each step made of it, the raw row first."""

    subject: str
    row: int
    steps: tuple[Passed, ...]
    format: int = FORMAT

    @property
    def followed(self) -> bool:
        """Return whether the row was seen after each step; a step that left it out is seen too."""
        return all(step.values or step.why.startswith(_LEFT_OUT) for step in self.steps)


_LEFT_OUT = "left out"


def trace(subject: Pipeline, data: object, /, *, row: int, seed: int = 0) -> RowTrace:
    """Return one row of the data after each step, and what the model answers for it.

    The whole data run through the path; the row is followed by a pandas index, by the pipeline's `key`, or by its place where a step
    returns as many rows as it was given. What is no table (a fitted scaler) has no row: `why` says so.

    Raises UsageError where the data are no rows, or have no such row.

    >>> import polars as pl
    >>> from assay.testing.pipelines.pipeline import pipeline
    >>> double = pipeline({"double": lambda rows: rows.with_columns(pl.col("x") * 2)})
    >>> [step.values for step in trace(double, pl.DataFrame({"x": [1, 2]}), row=1).steps]
    [{'x': 2}, {'x': 4}]
    """
    return traced(subject, data, [row], seed=seed)[0]


def traced(subject: Pipeline, data: object, rows: list[int], *, seed: int) -> list[RowTrace]:
    """Return the traces of several rows, from one run."""
    whole = rows_of(data)
    for row in rows:
        if not 0 <= row < whole.height:
            raise UsageError(f"there is no row {row} in {whole.height} rows", hint="the first row is 0")
    made = run(subject, whole.native, seed=seed)
    seen: dict[int, list[Passed]] = {row: [Passed("raw", _values(whole.frame, row))] for row in rows}
    now: Rows | None = whole
    for stage in made.stages:
        value = stage.value.rows if isinstance(stage.value, Fitting) else stage.value
        value = value[0] if isinstance(value, tuple) and value and rows_in(value[0]) is not None else value
        after = _followed(value, now, subject) if now is not None else None
        for row in rows:
            seen[row].append(_passed(stage.name, row, value, now, after))
        now = after if after is not None else now
    if answers(subject, made.model):
        for row, said in zip(rows, _answers(subject, made, now if not _raw(subject) else whole, rows), strict=True):
            seen[row].append(said)
    return [RowTrace(subject.name, row, tuple(steps)) for row, steps in seen.items()]


def trace_changes(one: RowTrace, other: RowTrace) -> tuple[Example, ...]:
    """Return what differs between two traces, step by step: yesterday's run and today's, or two rows.

    >>> a = RowTrace("p", 0, (Passed("raw", {"x": 1}), Passed("scale", {"x": 0.5})))
    >>> b = RowTrace("p", 0, (Passed("raw", {"x": 1}), Passed("scale", {"x": 0.7})))
    >>> [change.values for change in trace_changes(a, b)]
    [{'step': 'scale', 'column': 'x', 'before': 0.5, 'after': 0.7}]
    """
    found = []
    there = {step.step: step for step in other.steps}
    for step in one.steps:
        twin = there.get(step.step)
        if twin is None:
            found.append(
                Example(None, {"step": step.step, "column": "", "before": "is there", "after": "is not there"})
            )
            continue
        for name in dict.fromkeys([*step.values, *twin.values]):
            before, after = step.values.get(name, "no such column"), twin.values.get(name, "no such column")
            if before != after:
                found.append(Example(None, {"step": step.step, "column": name, "before": before, "after": after}))
        if step.why != twin.why:
            found.append(Example(None, {"step": step.step, "column": "", "before": step.why, "after": twin.why}))
    known = {step.step for step in one.steps}
    more = [step.step for step in other.steps if step.step not in known]
    return (
        *found,
        *(Example(None, {"step": m, "column": "", "before": "is not there", "after": "is there"}) for m in more),
    )


def save_trace(traced: RowTrace, path: str | Path) -> None:
    """Write a trace as JSON."""
    Path(path).write_bytes(msgspec.json.format(msgspec.json.encode(traced), indent=2) + b"\n")


def load_trace(path: str | Path) -> RowTrace:
    """Return a trace that was saved; raise ConfigError where the file holds none."""
    try:
        return convert(msgspec.json.decode(Path(path).read_bytes()), RowTrace, file=str(path))
    except FileNotFoundError:
        raise UsageError("there is no such file", place=str(path)) from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"this is no trace: {error}", place=str(path)) from None


@contract(
    "pipeline",
    title="a row can be followed through every step to its answer",
    catches="a step that drops the key and the order of rows, so that nobody can say why a customer got this answer",
    needs=("steps",),
    rubric=("I5",),
)
def traceable(subject: Pipeline, data: object, /, *, rows: int = 5, seed: int = 0) -> Outcome:
    """Judge that some rows can be followed through every table that the steps return, and to the model's answers.

    INCONCLUSIVE where the data are no rows, or rows are lost and no `key` was declared to tell them apart.

    >>> import assay, polars as pl
    >>> sales = pl.DataFrame({"store": ["a", "b", "c"], "sales": [2.0, 9.0, 4.0]})
    >>> def ranked(rows):
    ...     return rows.sort("sales")
    >>> def without_store(rows):
    ...     return rows.sort("sales").select("sales")
    >>> traceable(assay.pipeline([ranked], key="store"), sales).verdict.value
    'pass'
    >>> print(traceable(assay.pipeline([without_store], key="store"), sales).why)
    rows are lost from sight in the step 'without_store': ...3 rows came out of 3, and nothing says which is whose
    """
    whole = rows_in(data)
    if whole is None or not whole.height:
        return undecided("the data are no rows that could be followed")
    places = sorted(seeded("traceable", seed).choice(whole.height, min(rows, whole.height), replace=False).tolist())
    found = traced(subject, whole.native, places, seed=seed)
    lost = [(each.row, step) for each in found for step in each.steps if step.why.startswith(_LOST)]
    if lost:
        row, step = lost[0]
        if not subject.key:
            said = f"rows are lost from sight in the step {step.step!r}, and no key tells them apart: {step.why}"
            return undecided(said, n_rows=len(found), note="Declare key=, the columns that say which row is which.")
        return broken(
            f"rows are lost from sight in the step {step.step!r}: {step.why}", examples=(Example(row, found[0].steps[0].values),),
            n_rows=len(found), n_failing=len({number for number, _ in lost}),
            note="Keep the key in every table, so that an answer can be explained by the row that it was given for.",
        )  # fmt: skip
    ended = sum(bool(each.steps[-1].values) for each in found)
    return held(
        f"{counted(len(found), 'row')} followed through {counted(len(found[0].steps) - 1, 'step')}, {ended} of them to the end",
        n_rows=len(found),
    )


_LOST = "lost from sight"


def _followed(value: Any, before: Rows, subject: Pipeline) -> Rows | None:
    """Return a step's table with the numbers that its rows have in the raw data; None where that cannot be told."""
    after = rows_in(value) if not _is_series(value) else None
    if after is None:
        return None
    key = [name for name in subject.key if name in before.columns]
    try:
        made = aligned(value, before, key=key if key and set(key) <= set(after.columns) else ())
    except (DataError, pl.exceptions.PolarsError):
        return None
    if made.how == "position" and _reordered(before.frame, after.frame):
        return None
    if made.how == "index" and after.height < before.height and _counted_anew(before, after, made.rows):
        return None
    return Rows(after.native, after.kind, made.rows)


def _reordered(before: pl.DataFrame, after: pl.DataFrame) -> bool:
    """Return whether a column has the values that it had, in another order: then a row's place does not tell which it is."""
    for name in before.columns:
        if name not in after.columns or before[name].dtype != after[name].dtype or before[name].dtype.is_nested():
            continue
        if not before[name].equals(after[name]) and before[name].sort().equals(after[name].sort()):
            return True
    return False


def _counted_anew(before: Rows, after: Rows, numbers: NDArray[np.int64]) -> bool:
    """Return whether rows were left out and the index was begun anew: a column has values of other rows, in their order."""
    places = {int(number): place for place, number in enumerate(before.numbers)}
    aligned_places = [places[int(number)] for number in numbers]
    if aligned_places != list(range(after.height)):
        return False
    for name in after.columns:
        if name not in before.columns or before.frame[name].dtype != after.frame[name].dtype:
            continue
        own = iter(before.frame[name].to_list())
        there = after.frame[name].to_list()
        if there != before.frame[name][: after.height].to_list() and all(value in own for value in there):
            return True
    return False


def _is_series(value: Any) -> bool:
    return type(value).__name__ == "Series"


def _passed(step: str, row: int, value: Any, before: Rows | None, after: Rows | None) -> Passed:
    if after is not None:
        places = [i for i, number in enumerate(after.numbers) if number == row]
        return (
            Passed(step, _values(after.frame, places[0])) if places else Passed(step, why=f"{_LEFT_OUT} by this step")
        )
    table = rows_in(value)
    if table is None:
        return Passed(step, why=f"it returns {type(value).__qualname__}, which has no rows")
    had = before.height if before is not None else 0
    return Passed(step, why=f"{_LOST}: {table.height:,} rows came out of {had:,}, and nothing says which is whose")


def _raw(subject: Pipeline) -> bool:
    return isinstance(subject.inputs, str) and subject.inputs == RAW


def _answers(subject: Pipeline, made: Run, now: Rows | None, rows: list[int]) -> list[Passed]:
    """Return what the model answers for each row, where the rows that it is asked with are those that were followed."""
    try:
        given = model_rows(subject, made)
        if now is None or given.height != now.height:
            return [Passed("answer", why=f"{_LOST}: the model is asked with other rows")] * len(rows)
        said = asked(subject, made.model, given)
    except AssayError as error:
        return [Passed("answer", why=str(error))] * len(rows)
    places: Mapping[int, int] = {int(number): place for place, number in enumerate(now.numbers)}
    return [
        Passed("answer", _values(said, places[row]))
        if row in places
        else Passed("answer", why=f"{_LEFT_OUT} before the model")
        for row in rows
    ]


def _values(frame: pl.DataFrame, row: int) -> dict[str, Cell]:
    return {
        name: value if isinstance(value, Cell) else str(value) for name, value in frame.row(row, named=True).items()
    }
