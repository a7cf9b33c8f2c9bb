"""A trial of a feature: change what a value may not depend on, and see whether it moves; then find the smallest case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import AssayError
from assay.testing.contract import Crashed, broken
from assay.testing.features.clocks import Clock
from assay.testing.features.disturbing import disturbed
from assay.testing.features.ground import Ground, quiet
from assay.testing.rows import Rows
from assay.testing.shrinking import smallest
from assay.verdict import Example, Outcome

__all__ = ["Case", "Edit", "Tally", "Trial", "changing", "failed", "said_cell", "said_row", "tried"]

Places = NDArray[np.int64]
MOST_EXAMPLES = 12
ABSENT = "no such column"
_DONE = {
    "changed": "changing",
    "removed": "leaving out",
    "delayed": "delaying",
    "reordered": "putting the rows in another order",
}


@dataclass(frozen=True, eq=False)
class Edit:
    """What is done to rows: some are changed, removed or delayed (`places`), or all are put in another order (`order`).

    `cells` are the new values by column, one for each of `places`.
    """

    kind: str
    places: Places
    cells: Mapping[str, pl.Series] = field(default_factory=dict)
    order: Places | None = None

    def done(self, rows: Rows, keep: Places, places: Places) -> Rows:
        """Return the rows at `keep` (in rising order) with the edit done to those of them that are in `places`."""
        if self.order is not None:
            rank = np.empty(len(self.order), dtype=np.int64)
            rank[self.order] = np.arange(len(self.order))
            return rows.take(keep[np.argsort(rank[keep], kind="stable")])
        if self.kind == "removed":
            return rows.take(np.setdiff1d(keep, places))
        made = rows.take(keep) if len(keep) < rows.height else rows
        at, which = np.searchsorted(keep, places), np.searchsorted(self.places, places)
        for name, values in self.cells.items():
            made = made.changed(name, at, values[which.tolist()])
        return made


@dataclass(frozen=True, eq=False)
class Trial:
    """An edit, and the rows (`judged`) that it must leave as they are.

    `softer` is what to try where the code under test does not take the values; `legal(clock, places, row)` says of some rows alone
    whether the edit of `places` is still none that the row may see.
    """

    ground: Ground
    edit: Edit
    judged: Places
    softer: Callable[[], Edit] | None = None
    legal: Callable[[Clock, Places, int], bool] | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """The smallest rows (`keep`) on which a row's value moves when `places` are edited; all are places on the ground."""

    trial: Trial
    keep: Places
    places: Places
    row: int
    column: str
    before: object
    after: object
    failing: int

    @property
    def ground(self) -> Ground:
        """Return the ground that the case stands on."""
        return self.trial.ground


@dataclass
class Tally:
    """What was tried so far: trials, and rows that were judged in them."""

    trials: int = 0
    judged: int = 0

    def note(self, trial: Trial) -> None:
        """Count a trial."""
        self.trials += 1
        self.judged += len(trial.judged)


def changing(
    ground: Ground, places: Places, judged: Places, rng: np.random.Generator, *,
    legal: Callable[[Clock, Places, int], bool] | None = None,
) -> Trial:  # fmt: skip
    """Return the trial that changes every input of the rows at `places`."""
    cells = disturbed(ground.rows, places, ground.inputs, rng)

    def softer() -> Edit:
        return Edit("changed", places, disturbed(ground.rows, places, ground.inputs, rng, gentle=True))

    return Trial(ground, Edit("changed", places, cells), judged, softer, legal)


def tried(trials: Iterable[Trial], tally: Tally) -> Case | None:
    """Return the smallest case of the first trial that moved a value that it must not; None where none did.

    Leaving rows out may put rows of one instant in another order where the function's sort is not stable; what only shows on such
    rows is no finding here: `row_order` judges it.

    Raises Crashed where the code under test raised an error on rows that it should take.
    """
    for trial in trials:
        if not len(trial.judged) or (trial.edit.kind == "changed" and not trial.edit.cells):
            continue
        tally.note(trial)
        found = _carried_out(trial)
        if found is not None and found[0].edit.kind == "removed" and _repeats(found[0].ground.clock):
            found = _without_ties(found[0])
        if found is not None:
            return _shrunk(*found)
    return None


def failed(case: Case, why: str, *, note: str) -> Outcome:
    """Return the outcome of a contract that a case broke: what was done, what moved, `why` that is wrong, and the rows."""
    ground = case.ground
    moved = (
        f"moved {case.column} of {said_row(ground, case.row)} from {said_cell(case.before)} to {said_cell(case.after)}"
    )
    made = f" ({ground.said})" if ground.said else ""
    return broken(
        f"{_said_edit(case)} {moved}{why}{made}", examples=_examples(case), n_rows=len(case.trial.judged),
        n_failing=case.failing, note=note,
    )  # fmt: skip


def said_row(ground: Ground, place: int) -> str:
    """Return what a sentence calls a row: its number, its entity and its time."""
    subject = ground.subject
    named = [name for name in (*subject.entity, subject.time) if name]
    values = ", ".join(said_cell(ground.rows.frame[name][place]) for name in named)
    return f"row {ground.rows.numbers[place]}" + (f" ({values})" if values else "")


def said_cell(value: object) -> str:
    """Return a value as a sentence shows it: short, and an instant at midnight as its day.

    >>> said_cell(1 / 3), said_cell(None), said_cell(datetime(2024, 1, 2)), said_cell("")
    ('0.333333', 'null', '2024-01-02', "''")
    """
    if value is None:
        return "null"
    if isinstance(value, str) and not value.strip():
        return repr(value)
    if isinstance(value, float):
        return str(value) if value == round(value, 1) and abs(value) < 1e15 else f"{value:.6g}"
    if isinstance(value, datetime):
        return str(value.date()) if value.time() == time() and value.tzinfo is None else value.isoformat(" ", "seconds")
    return str(value)


def _carried_out(trial: Trial) -> tuple[Trial, int, int, int] | None:
    """Return the trial as it was done, a row and a column (its place) that moved, and how many rows did; None where none did."""
    ground = trial.ground
    everything = np.arange(ground.height)
    try:
        moved = ground.moved(trial.edit.done(ground.rows, everything, trial.edit.places), trial.judged)
    except Crashed:
        if trial.softer is None:
            raise
        trial = replace(trial, edit=trial.softer(), softer=None)
        if not trial.edit.cells:
            return None
        moved = ground.moved(trial.edit.done(ground.rows, everything, trial.edit.places), trial.judged)
    rows = np.flatnonzero(moved.any(axis=1))
    if not len(rows):
        return None
    return trial, int(trial.judged[rows[0]]), int(np.argmax(moved[rows[0]])), len(rows)


def _repeats(clock: Clock) -> bool:
    return len(np.unique(clock.time)) < len(clock.time)


def _without_ties(trial: Trial) -> tuple[Trial, int, int, int] | None:
    """Carry a trial out once more on rows of which no two share their time: one of each instant, of entities in turn."""
    ground = trial.ground
    scattered = np.random.default_rng(ground.height).permutation(ground.height)
    _, kept = np.unique(ground.clock.time[scattered], return_index=True)
    keep = np.sort(scattered[kept])
    lone = ground.remade(ground.rows.take(keep), ground.said)
    if lone is None:
        return None
    at = {int(place): i for i, place in enumerate(keep)}
    places, judged = ([at[int(p)] for p in some if int(p) in at] for some in (trial.edit.places, trial.judged))
    again = replace(
        trial,
        ground=lone,
        judged=np.array(judged, np.int64),
        edit=replace(trial.edit, places=np.array(places, np.int64)),
    )
    return _carried_out(again) if places and judged else None


def _shrunk(trial: Trial, row: int, column: int, failing: int) -> Case:
    """Return the smallest case: few edited rows first, then few edited columns, then few rows at all, then a plain value."""
    ground = trial.ground
    name = ground.columns[column]
    case = Case(trial, np.arange(ground.height), trial.edit.places, row, name, None, None, failing)
    if len(case.places) > 1:
        places = smallest(case.places.tolist(), lambda some: _seen(case, places=np.array(some)) is not None, tries=60)
        case = replace(case, places=np.array(places, np.int64))
    if len(trial.edit.cells) > 1:
        case = _fewer_columns(case)
    case = _fewer_rows(case)
    if trial.edit.kind == "changed" and len(case.places) == 1:
        case = _plainer(case)
    values = _seen(case)
    if values is None:  # the function answers otherwise when asked again: what was seen first is shown
        return replace(case, before=None, after=None)
    return replace(case, before=values[0], after=values[1])


def _seen(
    case: Case, *, keep: Places | None = None, places: Places | None = None, edit: Edit | None = None
) -> tuple[object, object] | None:
    """Return the row's value before and after the edit on these rows alone; None where it does not move, or can't be asked."""
    ground = case.ground
    keep, places, edit = (
        case.keep if keep is None else keep, case.places if places is None else places, edit or case.trial.edit
    )  # fmt: skip
    if case.trial.legal is not None:
        at = np.searchsorted(keep, places)
        if not case.trial.legal(ground.clock.take(keep), at, int(np.searchsorted(keep, case.row))):
            return None
    number = ground.rows.numbers[[case.row]]
    try:
        with quiet():
            before = ground.subject.compute(ground.rows.take(keep)).of(number)
            after = ground.subject.compute(edit.done(ground.rows, keep, places)).of(number)
    except (Crashed, AssayError):
        return None
    if not replace(ground, columns=(case.column,)).apart(before, after).any():
        return None
    one, other = (table[case.column][0] if case.column in table.columns else ABSENT for table in (before, after))
    return one, other


def _fewer_columns(case: Case) -> Case:
    edit = case.trial.edit
    for name, values in edit.cells.items():
        alone = replace(edit, cells={name: values})
        if _seen(case, edit=alone) is not None:
            return replace(case, trial=replace(case.trial, edit=alone))
    return case


def _fewer_rows(case: Case) -> Case:
    needed = np.union1d(case.places if case.trial.edit.order is None else [], [case.row]).astype(np.int64)
    others = np.setdiff1d(case.keep, needed)

    def with_these(some: Iterable[int]) -> Places:
        return np.union1d(needed, np.array(list(some), np.int64)).astype(np.int64)

    if _seen(case, keep=needed) is not None:
        return replace(case, keep=needed)
    entity = case.ground.clock.entity
    same = others[np.isin(entity[others], entity[needed])]
    for some in (same[np.abs(same - case.row) < 20], same):  # near rows of the same entities are most often enough
        if 0 < len(some) < len(others) and _seen(case, keep=with_these(some)) is not None:
            others = some
            break
    kept = smallest(others.tolist(), lambda some: _seen(case, keep=with_these(some)) is not None, tries=120)
    return replace(case, keep=with_these(kept))


def _plainer(case: Case) -> Case:
    """Return the case with a new value that is easy to read, where one moves the row as well."""
    edit = case.trial.edit
    name, values = next(iter(edit.cells.items()))
    old = case.ground.rows.frame[name][int(case.places[0])]
    if len(edit.cells) > 1 or not values.dtype.is_numeric() or old is None or values.dtype.is_decimal():
        return case
    at = int(np.searchsorted(edit.places, case.places[0]))
    for value in (old + 1, old + 10, old + 100):
        whole = values.to_list()
        whole[at] = value
        try:
            plain = replace(edit, cells={name: pl.Series(name, whole, dtype=values.dtype)})
        except (TypeError, OverflowError, pl.exceptions.PolarsError):  # the dtype does not hold it
            continue
        seen = _seen(case, edit=plain)
        if seen is not None:
            return replace(case, trial=replace(case.trial, edit=plain))
    return case


def _said_edit(case: Case) -> str:
    edit, ground = case.trial.edit, case.ground
    if edit.kind == "reordered":
        return _DONE[edit.kind]
    first = int(case.places[0])
    more = f" and {len(case.places) - 1} more" if len(case.places) > 1 else ""
    columns = ", ".join(edit.cells) if edit.kind == "changed" else ""
    return f"{_DONE[edit.kind]} {f'{columns} of ' if columns else ''}{said_row(ground, first)}{more}"


def _examples(case: Case) -> list[Example]:
    ground, edit, subject = case.ground, case.trial.edit, case.ground.subject
    shown = _shown(case)
    frame = ground.rows.frame
    names = [name for name in (*subject.entity, subject.time, subject.known_at) if name]
    inputs = list(edit.cells) if edit.kind == "changed" else []
    inputs += [name for name in ground.inputs if name not in inputs][: max(0, 4 - len(inputs))]
    numbers = ground.rows.numbers[shown]
    with quiet():
        found = (
            ground.subject.compute(ground.rows.take(case.keep)).of(numbers),
            ground.subject.compute(edit.done(ground.rows, case.keep, case.places)).of(numbers),
        )
    before, after = (
        table[case.column] if case.column in table.columns else pl.Series([ABSENT] * len(shown)) for table in found
    )
    touched = {int(place) for place in case.places} if edit.order is None else set()
    made = []
    for i, place in enumerate(shown):
        values = {name: _plain_cell(frame[name][int(place)]) for name in (*names, *inputs) if name in frame.columns}
        if int(place) in touched:
            at = int(np.searchsorted(edit.places, place))
            for name, new in edit.cells.items():
                values[name] = f"{said_cell(frame[name][int(place)])} -> {said_cell(new[at])}"
        # What was changed may move, but for a row that may not see itself.
        if int(place) not in touched or int(place) == case.row:
            values |= {"before": _plain_cell(before[i]), "after": _plain_cell(after[i])}
        if edit.order is not None:
            values["came then"] = int(np.flatnonzero(edit.order[np.isin(edit.order, case.keep)] == place)[0])
        why = edit.kind if int(place) in touched else "must not move" if int(place) == case.row else ""
        made.append(Example(int(numbers[i]), values, why))
    return made


def _shown(case: Case) -> Places:
    if len(case.keep) <= MOST_EXAMPLES:
        return case.keep
    first = np.union1d(case.places[:5], [case.row]).astype(np.int64)
    rest = np.setdiff1d(case.keep, first)
    near = rest[np.argsort(np.abs(rest - case.row), kind="stable")][: MOST_EXAMPLES - len(first)]
    return np.union1d(first, near).astype(np.int64)


def _plain_cell(value: object) -> object:
    if isinstance(value, date):
        return said_cell(value)
    return value if isinstance(value, int | float | str | bool) or value is None else str(value)
