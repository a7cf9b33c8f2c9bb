"""The ground that a feature is judged on: its rows, their clock, and the values that it computes for them as they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import AssayError, UsageError, require
from assay.testing.contract import Crashed, undecided
from assay.testing.features.clocks import Clock, clock_of
from assay.testing.features.feature import Feature
from assay.testing.outputs import Computed, differing
from assay.testing.rows import Rows, refuse_columns, rows_of
from assay.verdict import Outcome, Verdict

__all__ = ["MOST_ROWS", "Ground", "Nothing", "carried", "ground_of", "noise_of", "on_ground", "quiet", "relabelled"]

MOST_ROWS = 2_000
# Sums that are kept by adding and taking away (rolling means, variances) leave this share of the output's spread behind.
NOISE = 1e-6


class Nothing(Exception):
    """Say why there is nothing to judge a contract on, and what it would take."""


@dataclass(frozen=True, eq=False)
class Ground:
    """Rows on which a feature is judged. `columns` are the outputs that count, `noise` how far float noise may move each.

    `said` tells what was made of the person's data before ("with gaps made in time"); `total` is how many rows they gave.
    """

    subject: Feature
    rows: Rows
    clock: Clock
    base: Computed
    columns: tuple[str, ...]
    noise: Mapping[str, float]
    said: str = ""
    total: int = 0

    @property
    def height(self) -> int:
        """Return how many rows there are."""
        return self.rows.height

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the columns whose values may be changed: what the feature reads, without time, entity and key."""
        subject = self.subject
        fixed = {subject.time, subject.known_at, *subject.entity, *subject.key}
        return tuple(name for name in subject.columns or self.rows.columns if name not in fixed)

    def moved(self, after: Rows, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which outputs of these rows differ once the feature is computed on other rows: rows by `columns`."""
        numbers = self.rows.numbers[places]
        with quiet():
            found = self.subject.compute(after)
        return self.apart(self.base.of(numbers), found.of(numbers))

    def apart(self, before: pl.DataFrame, after: pl.DataFrame) -> NDArray[np.bool_]:
        """Return which cells of the judged columns differ by more than float noise."""
        found = np.zeros((before.height, len(self.columns)), dtype=bool)
        for place, name in enumerate(self.columns):
            if name in before.columns:
                near = max(self.subject.atol, self.noise.get(name, 0.0))
                found[:, [place]] = differing(before.select(name), after, rtol=self.subject.rtol, atol=near)
            else:
                found[:, place] = name in after.columns
        return found

    def remade(self, rows: Rows, said: str) -> Ground | None:
        """Return the ground on rows that were made of these; None where the feature does not take them."""
        try:
            with quiet():
                base = self.subject.compute(rows)
        except (Crashed, AssayError):
            return None
        made = replace(self, rows=rows, clock=clock_of(self.subject, rows), base=base, said=said)
        return made if set(self.columns) <= set(base.values.columns) else None


def on_ground(subject: Feature, data: object, judge: Callable[[Ground], Outcome]) -> Outcome:
    """Return what `judge` makes of the ground; undecided, with the reason, where there is nothing to judge on."""
    try:
        ground = ground_of(subject, data)
        seen = judge(ground)
    except Nothing as nothing:
        return undecided(str(nothing))
    if seen.verdict is Verdict.PASS and ground.total > ground.height:
        return msgspec.structs.replace(seen, why=f"{seen.why} (on {ground.height:,} of {ground.total:,} rows)")
    return seen


def ground_of(subject: Feature, data: object) -> Ground:
    """Return the ground for a feature on a person's rows.

    Of many rows, `MOST_ROWS` are taken: whole entities where there are several, and in time from the first on. Repeated labels of a
    pandas index become row numbers. Where the feature says that rows come in the order of time, they are put in it.

    Raises Nothing where there are no rows, or no output counts.
    """
    if data is None:
        raise UsageError(f"there are no rows to judge {subject.name} on", hint="give them as the second argument")
    rows = relabelled(rows_of(data))
    total = rows.height
    if not total:
        raise Nothing("there is no row; give some rows of the kind that the feature will get")
    clock = clock_of(subject, rows)
    if total > MOST_ROWS:
        rows = rows.take(_some(clock))
        clock = clock_of(subject, rows)
    if subject.order == "time" and subject.time and not clock.sorted_within():
        rows = rows.take(np.argsort(clock.time, kind="stable"))
        clock = clock_of(subject, rows)
    base = subject.compute(rows)
    columns = tuple(name for name in base.values.columns if subject.outputs or not carried(base, rows, name))
    if not columns:
        raise Nothing("it returns only columns that it was given, as they were; declare outputs= if that is its work")
    return Ground(subject, rows, clock, base, columns, noise_of(base.values), total=total)


def carried(base: Computed, rows: Rows, name: str) -> bool:
    """Return whether an output is a column of the input, as it was: carried along rather than computed."""
    if base.values.width == 1 or name not in rows.columns:
        return False
    before = rows.frame[base.rows - rows.numbers.min()] if _plain(rows) else None
    if before is None:
        places = {int(number): place for place, number in enumerate(rows.numbers)}
        before = rows.frame[[places[int(number)] for number in base.rows]]
    return not differing(before.select(name), base.values).any()


def noise_of(values: pl.DataFrame) -> dict[str, float]:
    """Return how far float noise may move each number: a small share of the spread of what was computed."""
    found = {}
    for name in values.columns:
        if values.schema[name].is_float():
            finite = values[name].filter(values[name].is_finite())
            if len(finite):
                found[name] = NOISE * (float(finite.max()) - float(finite.min()))  # type: ignore[arg-type]
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Keep numbers that were made up from raising: division by zero and overflow are no mistake of the code under test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def relabelled(rows: Rows) -> Rows:
    """Return pandas rows whose labels repeat with row numbers as labels, by which values can be told apart; else the same.

    Raises UsageError where the columns of pandas have no names of their own.
    """
    if rows.kind == "pandas":
        refuse_columns(rows)
    if rows.kind != "pandas" or rows.native.index.is_unique:
        return rows
    pandas = require("pandas", extra="pandas")
    return Rows(rows.native.set_axis(pandas.RangeIndex(rows.height)), rows.kind, rows.numbers)


def _plain(rows: Rows) -> bool:
    return bool(rows.height) and bool((np.diff(rows.numbers) == 1).all())


def _some(clock: Clock) -> NDArray[np.int64]:
    """Return the places of at most `MOST_ROWS` rows, in their order: entities in turn, each from its first row on."""
    first, _ = clock.ranks()
    many = len(np.unique(clock.entity))
    whole = max(MOST_ROWS // 10, MOST_ROWS // many) if many else MOST_ROWS
    fits = np.flatnonzero(first < whole)
    order = fits[np.argsort(clock.entity[fits], kind="stable")]
    return np.sort(order[:MOST_ROWS])
