"""A profile: every state of a dataset, column by column, from one scan; it merges, saves and loads.

Everything that is told about a dataset (the page, the schema, suggested checks, comparisons) is read from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import msgspec
import numpy as np
import polars as pl

from assay.data.dataset import Dataset, Roles
from assay.data.engine import Engine, Progress
from assay.data.kinds import Kind, kind_of
from assay.errors import DataError, UsageError
from assay.profiles.column import Need
from assay.profiles.edges import Edges, refitted, sample_edges, sketch_edges
from assay.profiles.kernel import Failed, Measured, Measurement
from assay.profiles.sketches import POINTS, Distinct, Frequent, Histogram, Quantiles
from assay.profiles.states import Calendar, Counts, Extremes, Lengths, Moments, Order, Segment, Signs, Trues
from assay.profiles.table import STATES
from assay.verdict import Estimate, Mark

__all__ = [
    "FORMAT",
    "ColumnProfile",
    "Profile",
    "chosen_needs",
    "edges_of",
    "merge_profiles",
    "profile_dataset",
    "profile_needs",
]

FORMAT = 1


class ColumnProfile(msgspec.Struct, frozen=True):
    """The states of one column; those that do not apply to its kind are None.

    `type` is the Polars type as text; `quantiles`, `histogram` and `order` are in physical numbers (instants in their
    unit since 1970), `extremes` and `frequent` in the column's own type.
    """

    name: str
    kind: Kind
    type: str
    counts: Counts = Counts()
    moments: Moments | None = None
    log_moments: Moments | None = None
    signs: Signs | None = None
    extremes: Extremes | None = None
    quantiles: Quantiles | None = None
    histogram: Histogram | None = None
    distinct: Distinct | None = None
    frequent: Frequent | None = None
    trues: Trues | None = None
    lengths: Lengths | None = None
    patterns: Frequent | None = None
    sizes: Histogram | None = None
    tokens: Frequent | None = None
    calendar: Calendar | None = None
    order: Order | None = None
    failed: dict[str, str] = {}

    def merge(self, other: ColumnProfile) -> ColumnProfile:
        """Return the profile of both columns; `other`'s rows follow this one's.

        A state that only one of them has, while the other holds values too, is left out, and `failed` says why: so are
        histograms on different edges. Raises `DataError` where the two are of kinds, units or zones that do not mix,
        `ValueError` where distinct values were hashed in different ways.
        """
        _mixes(self, other)
        typed = other if self.kind is Kind.NULL else self
        failed = {**other.failed, **self.failed}
        states: dict[str, Any] = {}
        for name in _STATE_FIELDS:
            mine, theirs = getattr(self, name), getattr(other, name)
            why = failed.get(name) or _unmatched(name, self, other)
            if why:
                failed[name] = why
            else:
                states[name] = _both(mine, theirs)
        if self.order is not None or other.order is not None:
            states["order"] = _order_of(self, 0).merge(_order_of(other, self.counts.n))
        return ColumnProfile(self.name, typed.kind, typed.type, failed=failed, **states)

    @property
    def distinct_count(self) -> Estimate:
        """Return how many different values there are, at most as many as are present: exact, or with its 95% interval."""
        n = self.counts.present
        if self.distinct is None:
            return Estimate(None, n=n, why=self.failed.get("distinct", f"{self.kind.value} values are not told apart"))
        count, error = self.distinct.count, self.distinct.relative_error
        if not error:
            return Estimate(count, n=n, low=count, high=count, confidence=1.0)
        least = len(self.distinct.hashes)
        low, high = (min(max(round(count / (1 + sign * 1.96 * error)), least), n) for sign in (1, -1))
        return Estimate(min(count, n), n=n, low=low, high=high, confidence=0.95)


_STATE_FIELDS = (
    "counts", "moments", "log_moments", "signs", "extremes", "quantiles", "histogram", "distinct", "frequent", "trues",
    "lengths", "patterns", "sizes", "tokens", "calendar",
)  # fmt: skip


def _both(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return a.merge(b)


def _mixes(a: ColumnProfile, b: ColumnProfile) -> None:
    if Kind.NULL in (a.kind, b.kind):
        return
    if a.kind is not b.kind:
        raise DataError(f"the column {a.name!r} holds {a.kind.value} values here and {b.kind.value} values there")
    if a.kind.is_temporal and _unit(a.type) != _unit(b.type):
        hint = "cast it to one unit, with a zone or without, before profiling"
        raise DataError(f"the column {a.name!r} is {a.type} here and {b.type} there", hint=hint)


def _unit(dtype: str) -> tuple[bool, ...]:
    """Return of a temporal type's text which unit it names, and whether a zone."""
    zoned = "zone" in dtype and "zone=None" not in dtype
    return (*(f"'{unit}'" in dtype for unit in ("ms", "us", "ns")), zoned)


def _unmatched(name: str, a: ColumnProfile, b: ColumnProfile) -> str:
    """Return why a state of two columns cannot be merged; nothing where it can."""
    mine, theirs = getattr(a, name), getattr(b, name)
    if mine is None or theirs is None:
        lacking = b if theirs is None else a
        return "it was not measured on all of the rows" if mine is not theirs and lacking.counts.present else ""
    if name == "histogram" and len(mine.edges) and len(theirs.edges) and not np.array_equal(mine.edges, theirs.edges):
        return "the histograms stand on different edges; profile the other parts with the edges of the first"
    if name == "calendar" and a.type.partition("zone=")[2] != b.type.partition("zone=")[2]:
        return f"the hours are those of different zones: {a.type} here and {b.type} there"
    return ""


def _order_of(column: ColumnProfile, start: int) -> Order:
    """Return a column's order with its rows counted from `start`; a column without values is one stretch of nothing."""
    if column.order is None:
        return Order((Segment(start, start + column.counts.n),)) if not column.counts.present else Order()
    return Order(tuple(_moved(segment, start) for segment in column.order.segments)) if start else column.order


def _moved(segment: Segment, by: int) -> Segment:
    rows = {name: tuple(row + by for row in getattr(segment, name)) for name in ("fall_rows", "tie_rows", "rise_rows")}
    ends = {
        name: None if row is None else row + by
        for name in ("first_row", "widest_row")
        for row in (getattr(segment, name),)
    }
    return msgspec.structs.replace(segment, start=segment.start + by, stop=segment.stop + by, **ends, **rows)


class Profile(msgspec.Struct, frozen=True):
    """The states of a dataset's columns, by name in their order, and where they come from."""

    name: str
    rows: int
    columns: dict[str, ColumnProfile]
    marks: tuple[Mark, ...] = ()
    roles: Roles = Roles()
    format: int = FORMAT
    kind: str = "assay.profile"

    def merge(self, other: Profile) -> Profile:
        """Return the profile of both datasets, as if `other`'s rows followed this one's.

        A column that only one of them has counts as missing in the other's rows. Raises `DataError` where a column
        has another kind, unit or zone, or distinct values were hashed in another way.
        """
        names = [*self.columns, *(name for name in other.columns if name not in self.columns)]
        try:
            columns = {name: _present(self, other, name).merge(_present(other, self, name)) for name in names}
        except ValueError as error:
            raise DataError(f"the profiles {self.name!r} and {other.name!r} do not merge: {error}") from None
        return Profile(self.name, self.rows + other.rows, columns, self.marks + other.marks, self.roles)

    @property
    def schema(self) -> Mapping[str, Kind]:
        """Return the kind of each column."""
        return {name: column.kind for name, column in self.columns.items()}

    def edges(self) -> dict[str, tuple[float, ...]]:
        """Return for each column on a scale the edges for a histogram of other data: its own, else its quantiles."""
        return {name: edges for name, column in self.columns.items() if (edges := edges_of(column))}


def _present(profile: Profile, other: Profile, name: str) -> ColumnProfile:
    if name in profile.columns:
        return profile.columns[name]
    absent = other.columns[name]
    return ColumnProfile(name, absent.kind, absent.type, Counts(profile.rows, profile.rows))


def edges_of(column: ColumnProfile, *, bins: int = POINTS) -> tuple[float, ...]:
    """Return the edges of a column's histogram; where it has none, its least value, quantiles and greatest, without repeats."""
    if column.histogram is not None and len(column.histogram.edges):
        return tuple(column.histogram.edges.tolist())
    if column.quantiles is None or not column.quantiles.levels:
        return ()
    return sketch_edges(column.quantiles, bins=bins)


def profile_needs(schema: Mapping[str, pl.DataType], *, edges: Edges | None = None) -> tuple[Need, ...]:
    """Return all that a profile measures of columns of these types; `edges` adds histograms on a reference's bins."""
    needs = []
    for name, dtype in schema.items():
        kind = kind_of(dtype)
        for state in STATES.values():
            if state.name in _NOT_PROFILED or not state.applies(kind) or (state.name == "extremes" and kind.is_text):
                continue
            if state.name == "order" and not kind.is_instant:
                continue
            if state.name == "histogram":
                if edges and edges.get(name):
                    needs.append(Need("histogram", (name,), edges[name]))
                continue
            needs.append(Need(state.name, (name,)))
        if kind.is_number:
            needs.append(Need("moments", (name,), "log"))
    return tuple(needs)


_NOT_PROFILED = ("ranks", "comoments", "counts", "total")


def profile_dataset(
    dataset: Dataset, *, engine: Engine, sentinels: Mapping[str, tuple[Any, ...]] | None = None,
    edges: Edges | None = None, progress: Progress | None = None, needs: Sequence[Need] | None = None,
) -> Profile:  # fmt: skip
    """Return a dataset's profile, from one scan in bounded memory.

    `edges` (a reference's, from `Profile.edges`) put its histograms on the reference's bins. Without them they stand on
    the quantiles of a first sample, which is looked at beforehand; columns that this does not fit, as they rise or move
    with the rows, are scanned a second time to stand on the quantiles of all rows (see `refitted`).

    `needs` measures only these, and the counts of their columns: the profile has no other column, and of these no other
    state. A histogram that is needed without edges of its own gets those that it would have in a full profile; one on a
    first sample is only scanned again where quantiles are needed too. Raises `UsageError` where a need names a column
    that is not there, or a state that a profile does not hold of it.
    """
    drawn: dict[str, tuple[float, ...]] = {}
    if edges is None:
        bare = None if needs is None else {n.columns[0] for n in needs if n.state == "histogram" and not n.parameter}
        edges = drawn = sample_edges(dataset, sentinels=sentinels, columns=bare)
    chosen = profile_needs(dataset.schema, edges=edges) if needs is None else chosen_needs(dataset, needs, edges=edges)
    names = tuple(dataset.schema) if needs is None else tuple(dict.fromkeys(need.columns[0] for need in needs))
    plan = Measurement(dataset.schema, (*chosen, *(Need("counts", (name,)) for name in names)), (), sentinels)
    measured = engine.fold(dataset, plan, progress=progress)
    if drawn:
        measured = refitted(measured, plan, dataset=dataset, engine=engine, edges=drawn)
    return from_measured(dataset, measured, columns=names)


def chosen_needs(dataset: Dataset, needs: Sequence[Need], *, edges: Edges) -> tuple[Need, ...]:
    """Return needs of a profile, each once, with edges for histograms that have none; without those that no edges are for.

    Raises `UsageError` where a need names a column that is not there, or a state that a profile does not hold of it.
    """
    chosen = {}
    for need in needs:
        name = need.columns[0] if need.columns else ""
        dataset.refuse_unknown([name])
        kind = kind_of(dataset.schema[name])
        if _field(need) not in (*_STATE_FIELDS, "order") or not STATES[need.state].applies(kind):
            raise UsageError(f"a profile does not hold {need.state!r} of {name!r}, a column of {kind.value} values")
        if need.state == "histogram" and not need.parameter:
            if not edges.get(name):
                continue
            need = Need("histogram", (name,), edges[name])
        if need.state != "counts":
            chosen[need] = True
    return tuple(chosen)


def _field(need: Need) -> str:
    return "log_moments" if need.state == "moments" and need.parameter == "log" else need.state


def from_measured(dataset: Dataset, measured: Measured, *, columns: Sequence[str] | None = None) -> Profile:
    """Return the profile that a measurement gives: of all columns, or only of those that were measured.

    A state that was not measured is None. `columns` must be in the schema; the profile has them in its order.
    """
    kept = {name: dtype for name, dtype in dataset.schema.items() if columns is None or name in columns}
    by_column: dict[str, dict[str, Any]] = {name: {} for name in kept}
    failed: dict[str, dict[str, str]] = {name: {} for name in kept}
    for need, state in measured.states.items():
        if isinstance(state, Failed):
            failed[need.columns[0]][_field(need)] = state.why
        else:
            by_column[need.columns[0]][_field(need)] = state
    profiled = {
        name: ColumnProfile(name, kind_of(dtype), str(dtype), failed=failed[name], **by_column[name])
        for name, dtype in kept.items()
    }
    return Profile(dataset.name, measured.rows, profiled, (dataset.mark(measured.rows),), dataset.roles)


def merge_profiles(profiles: Sequence[Profile]) -> Profile:
    """Return the profile of all; raises `DataError` where there is none, or they do not merge."""
    if not profiles:
        raise DataError("there is no profile to merge")
    return reduce(Profile.merge, profiles)
