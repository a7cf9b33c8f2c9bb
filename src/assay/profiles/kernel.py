"""The kernel: one function that turns a batch of rows into states, the same wherever it runs.

A `Need` names a state of some columns; a `Measurement` is the plan of many needs, each measured once however many
checks ask for it. Cheap states are scalars of ONE fused Polars query per batch; the others share one sort, or one
hashing, of their column (`Column`). Missing values are taken out first: null, NaN in floats, declared sentinels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec
import polars as pl
import polars.selectors as cs

from assay.data.dataset import first_line
from assay.data.engine import Batch, State
from assay.data.kinds import Kind, kind_of
from assay.data.names import col as column
from assay.profiles.column import Column, Facts, Need, StateKind
from assay.profiles.states import Counts, Tally
from assay.profiles.table import STATES
from assay.verdict import Example

__all__ = ["Failed", "Measured", "Measurement", "RowRule", "fits", "is_sentinel", "present"]


class RowRule(msgspec.Struct, frozen=True):
    """A judgement of single rows: `failing` is true where a row breaks it, `judged` where it is judged at all.

    Either may be null, which counts as false. `show` are the columns whose values an example row shows; with `raw`
    the expressions see NaN and sentinels as they stand in the file, but never `where`, the filter. `id` tells two
    rules apart.
    """

    id: str
    failing: Any
    judged: Any = None
    show: tuple[str, ...] = ()
    raw: bool = False
    where: Any = None


# What Polars raises where an expression cannot be computed, or a value does not fit a Python type.
UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OverflowError)


class Failed(msgspec.Struct, frozen=True):
    """A state that could not be measured, and why; it absorbs what it is merged with."""

    why: str

    def merge(self, other: State) -> Failed:
        """Return this failure."""
        return self


class Measured(msgspec.Struct, frozen=True):
    """All states of a plan: of needs, and of row rules by their id."""

    rows: int = 0
    states: dict[Need, Any] = {}
    counts: dict[str, Counts] = {}
    tallies: dict[str, Tally] = {}

    def merge(self, other: Measured) -> Measured:
        """Return the states of both."""
        return Measured(
            self.rows + other.rows, _merged(self.states, other.states), _merged(self.counts, other.counts),
            _merged(self.tallies, other.tallies),
        )  # fmt: skip


def _measured(kind: StateKind, need: Need, view: Column) -> State:
    assert kind.measure is not None
    try:
        state: State = kind.measure(need, view)
    except UNREADABLE as error:
        return Failed(first_line(error))
    return state


def _merged(a: Mapping[Any, Any], b: Mapping[Any, Any]) -> dict[Any, Any]:
    both = dict(a)
    for key, state in b.items():
        mine = both.get(key)
        both[key] = state if mine is None or isinstance(state, Failed) else mine.merge(state)
    return both


@dataclass(frozen=True)
class Measurement:
    """The plan of many needs and row rules over a dataset of this schema; `sentinels` are values that stand for missing."""

    schema: Mapping[str, pl.DataType]
    needs: tuple[Need, ...] = ()
    rules: tuple[RowRule, ...] = ()
    sentinels: Mapping[str, tuple[Any, ...]] | None = None

    @cached_property
    def columns(self) -> list[str] | None:
        """Return the columns that must be read, in the order of the schema; None where there is no column at all."""
        wanted = {name for need in self.needs for name in need.columns} | {
            name for rule in self.rules for name in _roots(rule)
        }
        return [name for name in self.schema if name in wanted] or list(self.schema)[:1] or None

    def empty(self) -> Measured:
        """Return the states of no rows."""
        states = {need: STATES[need.state].empty() for need in self.needs}
        return Measured(0, states, tallies={rule.id: Tally() for rule in self.rules})

    def measure(self, batch: Batch) -> Measured:
        """Return the states of one batch."""
        frame = batch.frame
        facts = self._facts(frame)
        clean = self._clean(frame, facts)
        states = self._scalar_states(clean, facts)
        states |= self._column_states(clean, facts, batch.offset)
        tallies = self._tallies(frame, clean, batch.offset)
        counts = {name: Counts(f.n, f.nulls, f.nans, f.sentinels) for name, f in facts.items()}
        return Measured(frame.height, states, counts, tallies)

    def _facts(self, frame: pl.DataFrame) -> dict[str, Facts]:
        """Return what is known of each column, from one query: nulls, NaN, infinities, sentinels."""
        names, schema = self.columns or [], frame.schema
        wanted: list[pl.Expr] = []
        for name in names:
            expression, dtype = column(name), schema[name]
            wanted.append(expression.null_count())
            if dtype.is_float():
                wanted += [
                    expression.is_nan().sum(),
                    (expression == float("inf")).sum(),
                    (expression == -float("inf")).sum(),
                ]
            if self.sentinels and name in self.sentinels:
                wanted.append(is_sentinel(expression, self.sentinels[name], dtype).sum())
        values = iter(one_row(frame, wanted))
        facts = {}
        for name in names:
            dtype = schema[name]
            nulls = next(values)
            floats = [next(values) or 0 for _ in range(3)] if dtype.is_float() else [0, 0, 0]
            sentinels = (next(values) or 0) if self.sentinels and name in self.sentinels else 0
            facts[name] = Facts(kind_of(dtype), dtype, frame.height, nulls, floats[0], sentinels, floats[1], floats[2])
        return facts

    def _clean(self, frame: pl.DataFrame, facts: Mapping[str, Facts]) -> pl.DataFrame:
        """Return the frame with null wherever a value is missing; untouched where there is nothing to replace."""
        replaced = []
        for name, fact in facts.items():
            if fact.nans or fact.sentinels:
                replaced.append(present(name, fact.dtype, (self.sentinels or {}).get(name, ())).alias(name))
        return frame.with_columns(replaced) if replaced else frame

    def _scalar_states(self, clean: pl.DataFrame, facts: Mapping[str, Facts]) -> dict[Need, State]:
        expressions: list[pl.Expr] = []
        spans: list[tuple[Need, StateKind, list[Facts], int]] = []
        for need in self.needs:
            kind = STATES[need.state]
            if kind.scalars is None:
                continue
            about = [facts[name] for name in need.columns]
            wanted = kind.scalars(need, about)
            spans.append((need, kind, about, len(wanted)))
            expressions += wanted
        try:
            values: Iterator[Any] = iter(one_row(clean, expressions))
        except UNREADABLE:
            return self._scalars_alone(clean, facts)
        states = {}
        for need, kind, about, width in spans:
            assert kind.read is not None
            states[need] = kind.read(need, [next(values) for _ in range(width)], about)
        return states

    def _scalars_alone(self, clean: pl.DataFrame, facts: Mapping[str, Facts]) -> dict[Need, State]:
        # One state that cannot be measured must not take the others with it.
        states: dict[Need, State] = {}
        for need in self.needs:
            kind = STATES[need.state]
            if kind.scalars is None or kind.read is None:
                continue
            about = [facts[name] for name in need.columns]
            try:
                states[need] = kind.read(need, one_row(clean, kind.scalars(need, about)), about)
            except UNREADABLE as error:
                states[need] = Failed(first_line(error))
        return states

    def _column_states(self, clean: pl.DataFrame, facts: Mapping[str, Facts], offset: int) -> dict[Need, State]:
        states: dict[Need, State] = {}
        for name, needs in self._by_column.items():
            # Polars' series methods select by name, and would read a name such as "^a$" as a pattern.
            view = Column(clean.get_column(name).alias("value"), facts[name], offset)
            states |= {need: _measured(STATES[need.state], need, view) for need in needs}
        return states

    @cached_property
    def _by_column(self) -> dict[str, list[Need]]:
        grouped: dict[str, list[Need]] = {}
        for need in self.needs:
            if STATES[need.state].measure is not None:
                grouped.setdefault(need.columns[0], []).append(need)
        return grouped

    def _tallies(self, frame: pl.DataFrame, clean: pl.DataFrame, offset: int) -> dict[str, Tally]:
        tallies: dict[str, Tally] = {}
        for raw in (False, True):
            rules = [_with_filter(rule) for rule in self.rules if rule.raw is raw]
            source = _filtered(frame, clean, [rule for rule in self.rules if rule.raw]) if raw else clean
            try:
                tallies |= _tally(rules, frame, source, offset)
            except UNREADABLE:
                for rule in rules:  # one rule that cannot be judged must not take the others with it
                    try:
                        tallies |= _tally([rule], frame, source, offset)
                    except UNREADABLE as error:
                        tallies[rule.id] = Tally(error=first_line(error))
        return tallies


def _mark(rule: RowRule) -> str:
    return f"__where__{rule.id}"


def _with_filter(rule: RowRule) -> RowRule:
    """Return a rule whose filter is part of what it judges: by itself, or by the column that `_filtered` adds."""
    if rule.where is None:
        return rule
    where = pl.col(_mark(rule)) if rule.raw else rule.where
    return msgspec.structs.replace(rule, judged=where if rule.judged is None else rule.judged & where)


def _filtered(frame: pl.DataFrame, clean: pl.DataFrame, rules: Sequence[RowRule]) -> pl.DataFrame:
    """Return the rows as they stand in the file with, for each rule, where its filter is true of the clean rows."""
    filters = [rule.where.alias(_mark(rule)) for rule in rules if rule.where is not None]
    return frame.hstack(clean.select(filters)) if filters else frame


def _tally(rules: Sequence[RowRule], frame: pl.DataFrame, source: pl.DataFrame, offset: int) -> dict[str, Tally]:
    broken = [rule.failing & rule.judged if rule.judged is not None else rule.failing for rule in rules]
    judged = [pl.len() if rule.judged is None else rule.judged.sum() for rule in rules]
    values = one_row(source, [*(mask.sum() for mask in broken), *judged])
    tallies = {}
    for i, rule in enumerate(rules):
        failing = values[i] or 0
        examples = _examples(frame, source, rule, offset) if failing else ()
        tallies[rule.id] = Tally(values[len(rules) + i] or 0, failing, examples)
    return tallies


def _roots(rule: RowRule) -> Iterable[str]:
    asked = [part for part in (rule.failing, rule.judged, rule.where) if part is not None]
    return {name for part in asked for name in part.meta.root_names()} | set(rule.show)


def _examples(frame: pl.DataFrame, source: pl.DataFrame, rule: RowRule, offset: int) -> tuple[Example, ...]:
    broken = rule.failing & rule.judged if rule.judged is not None else rule.failing
    places = source.select(broken.fill_null(value=False).arg_true().head(5)).to_series().to_list()
    rows = _shown(frame.select([column(name) for name in rule.show])[places]) if rule.show else [{} for _ in places]
    return tuple(Example(offset + place, row) for place, row in zip(places, rows, strict=True))


def _shown(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows as Python values; instants that Python has no type for as the numbers that the file holds."""
    try:
        return rows.rows(named=True)
    except UNREADABLE:
        return rows.with_columns(cs.temporal().to_physical()).rows(named=True)


def one_row(frame: pl.DataFrame, expressions: Sequence[pl.Expr]) -> tuple[Any, ...]:
    """Return the values of scalar expressions over a frame, from one query."""
    if not expressions:
        return ()
    named = [expression.alias(str(i)) for i, expression in enumerate(expressions)]
    return frame.select(named).row(0)


def is_sentinel(expression: pl.Expr, sentinels: Sequence[Any], dtype: pl.DataType) -> pl.Expr:
    """Return where a column holds one of the values that stand for missing; those of another type never match."""
    fitting = [value for value in sentinels if fits(value, dtype)]
    if not fitting:
        return pl.lit(value=False)
    if kind_of(dtype) is Kind.CATEGORY:
        return expression.cast(pl.String).is_in(fitting)
    return expression.is_in(pl.concat([pl.Series([value]).cast(dtype) for value in fitting]).implode())


def fits(value: Any, dtype: pl.DataType) -> bool:
    """Return whether a column of a type can hold a value, so that it may stand for a missing one there."""
    kind = kind_of(dtype)
    if kind.is_text:
        return isinstance(value, str)
    if isinstance(value, str | list | tuple | dict):
        return False
    if isinstance(value, Decimal) and (not value.is_finite() or value.adjusted() > 37):
        return False
    try:
        cast = pl.Series([value]).cast(dtype)
    except (*UNREADABLE, TypeError):
        return False
    return cast.null_count() == 0 and (not kind.is_number or cast.item() == value or kind is Kind.FLOAT)


def present(name: str, dtype: pl.DataType, sentinels: Sequence[Any] = ()) -> pl.Expr:
    """Return a column's values with null wherever one is missing: null, NaN, or a declared sentinel."""
    expression = column(name)
    if sentinels:
        expression = pl.when(is_sentinel(expression, sentinels, dtype)).then(None).otherwise(expression)
    return expression.fill_nan(None) if dtype.is_float() else expression
