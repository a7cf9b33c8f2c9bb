"""The kernel: one function that turns a batch of rows into states, the same wherever it runs.

A `Need` names a state of some columns; a `Measurement` is the plan of many needs, each measured once however many
checks ask for it. Cheap states are scalars of ONE fused Polars query per batch; the others share one sort, or one
hashing, of their column (`Values`). Missing values are taken out first: null, NaN in floats, declared sentinels.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import polars as pl

from assay.data.dataset import first_line
from assay.data.engine import Batch, State
from assay.data.kinds import Kind, kind_of
from assay.data.names import col as column
from assay.profiles.states import Counts, Tally
from assay.verdict import Example

__all__ = ["Column", "Facts", "Failed", "Measured", "Measurement", "Need", "RowRule", "StateKind", "column", "present"]


class Need(msgspec.Struct, frozen=True):
    """A state that somebody needs: its name in the table of states, its columns, and what else it must be told."""

    state: str
    columns: tuple[str, ...] = ()
    parameter: Any = None


class RowRule(msgspec.Struct, frozen=True):
    """A judgement of single rows: `failing` is true where a row breaks it, `judged` where it is judged at all.

    Either may be null, which counts as false. `show` are the columns whose values an example row shows; with `raw`
    the expressions see NaN and sentinels as they stand in the file. `id` tells two rules apart.
    """

    id: str
    failing: Any
    judged: Any = None
    show: tuple[str, ...] = ()
    raw: bool = False


_PARALLEL_ROWS = 16_384
_POOL = ThreadPoolExecutor(max_workers=os.cpu_count() or 2, thread_name_prefix="assay")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one column of one batch before it is measured."""

    kind: Kind
    dtype: pl.DataType
    n: int
    nulls: int
    nans: int = 0
    sentinels: int = 0
    plus_inf: int = 0
    minus_inf: int = 0

    @property
    def infinite(self) -> int:
        """Return how many values are infinite."""
        return self.plus_inf + self.minus_inf


class Column:
    """One column of one batch without its missing values, with what several states share: sorted, hashed."""

    def __init__(self, series: pl.Series, facts: Facts, offset: int) -> None:
        self.series = series
        self.facts = facts
        self.offset = offset

    @cached_property
    def values(self) -> pl.Series:
        """Return the values that are there, in the order of the rows."""
        series = self.series
        return series.drop_nulls() if series.null_count() else series

    @cached_property
    def physical(self) -> pl.Series:
        """Return the values as plain numbers: instants in their unit, decimals and wide integers as floats."""
        return physical(self.values, self.facts.kind)

    @cached_property
    def floats(self) -> pl.Series:
        """Return the finite values as floats, in the order of the rows."""
        floats = self.physical.cast(pl.Float64)
        return floats.filter(floats.is_finite()) if self.facts.infinite else floats

    @cached_property
    def ordered(self) -> Any:
        """Return the physical values in ascending order, as a numpy array."""
        return sorted_numbers(self.physical)

    @property
    def is_scale(self) -> bool:
        """Return whether sorting the values is how they are counted: numbers, instants and spans of time."""
        return self.facts.kind.is_number or self.facts.kind.is_temporal

    @cached_property
    def words(self) -> pl.Series:
        """Return the values in the form in which they are hashed and counted: categories as text, instants as numbers."""
        if self.facts.kind is Kind.CATEGORY:
            return self.values.cast(pl.String)
        return self.physical if self.is_scale else self.values

    @cached_property
    def hashes(self) -> pl.Series:
        """Return a 64-bit hash of each value."""
        return self.words.hash(seed=0)

    @cached_property
    def counted(self) -> tuple[pl.Series, list[int]] | None:
        """Return the different values with how often each occurs; None where they are too many to be worth listing."""
        n = len(self.words)
        if self.is_scale:
            return _runs(self.ordered) if n else None
        if n > _MANY and self.hashes.approx_n_unique() > n // 8:  # type: ignore[operator]
            return None
        counted = self.words.alias("value").value_counts(name="count")
        return counted["value"], counted["count"].to_list()


_MANY = 4096


def _runs(ordered: Any) -> tuple[pl.Series, list[int]] | None:
    n = len(ordered)
    step = max(n // 1024, 1)
    if n > _MANY and len(np.unique(ordered[::step])) > 512:
        return None
    starts = np.append(0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1)
    if n > _MANY and len(starts) > n // 8:
        return None
    return pl.Series(ordered[starts]), np.diff(np.append(starts, n)).tolist()


def sorted_numbers(series: pl.Series) -> Any:
    """Return numbers in ascending order, as a numpy array; there must be no null and no NaN.

    Floats are sorted as the integers whose order is the same (their bits, with those of negative numbers flipped),
    which takes half the time.
    """
    if series.dtype != pl.Float64:
        return series.sort(multithreaded=False).to_numpy()
    bits = series.to_numpy().view(np.int64)
    keys = pl.Series(bits ^ ((bits >> 63) & _MAGNITUDE)).sort(multithreaded=False).to_numpy()
    return (keys ^ ((keys >> 63) & _MAGNITUDE)).view(np.float64)


_MAGNITUDE = np.int64(2**63 - 1)


def physical(series: pl.Series, kind: Kind) -> pl.Series:
    """Return a series of plain numbers: instants in their unit, decimals and wide integers as floats."""
    if kind is Kind.DECIMAL or series.dtype in (pl.Int128, pl.UInt128):
        return series.cast(pl.Float64)
    if kind is Kind.BOOLEAN:
        return series.cast(pl.UInt8)
    return series.to_physical() if kind.is_temporal else series


class StateKind(msgspec.Struct, frozen=True):
    """One entry of the table of states: how it starts, and how it is measured.

    `scalars` gives the expressions that a fused query computes and `read` makes the state of their values; a kind
    without them has `measure`, which makes the state of a whole column. `applies` says to which kinds of column.
    """

    name: str
    summary: str
    empty: Callable[[], Any]
    applies: Callable[[Kind], bool]
    scalars: Callable[[Need, Sequence[Facts]], list[pl.Expr]] | None = None
    read: Callable[[Need, Sequence[Any], Sequence[Facts]], Any] | None = None
    measure: Callable[[Need, Column], Any] | None = None


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
    except pl.exceptions.PolarsError as error:
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
    kinds: Mapping[str, StateKind] | None = None

    @cached_property
    def table(self) -> Mapping[str, StateKind]:
        """Return the table of states."""
        if self.kinds is not None:
            return self.kinds
        from assay.profiles.table import STATES  # the table imports this module's words

        return STATES

    @cached_property
    def columns(self) -> list[str] | None:
        """Return the columns that must be read, in the order of the schema; None where there is no column at all."""
        wanted = {name for need in self.needs for name in need.columns} | {
            name for rule in self.rules for name in _roots(rule)
        }
        return [name for name in self.schema if name in wanted] or list(self.schema)[:1] or None

    def empty(self) -> Measured:
        """Return the states of no rows."""
        states = {need: self.table[need.state].empty() for need in self.needs}
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
        names = self.columns or []
        wanted: list[pl.Expr] = []
        for name in names:
            expression, dtype = column(name), frame.schema[name]
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
            dtype = frame.schema[name]
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
            kind = self.table[need.state]
            if kind.scalars is None:
                continue
            about = [facts[name] for name in need.columns]
            wanted = kind.scalars(need, about)
            spans.append((need, kind, about, len(wanted)))
            expressions += wanted
        try:
            values: Iterator[Any] = iter(one_row(clean, expressions))
        except pl.exceptions.PolarsError:
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
            kind = self.table[need.state]
            if kind.scalars is None or kind.read is None:
                continue
            about = [facts[name] for name in need.columns]
            try:
                states[need] = kind.read(need, one_row(clean, kind.scalars(need, about)), about)
            except pl.exceptions.PolarsError as error:
                states[need] = Failed(first_line(error))
        return states

    def _column_states(self, clean: pl.DataFrame, facts: Mapping[str, Facts], offset: int) -> dict[Need, State]:
        def one(name: str, needs: Sequence[Need]) -> list[State]:
            view = Column(
                clean.get_column(name).alias("value"), facts[name], offset
            )  # a name like "^a$" would be read as a pattern
            return [_measured(self.table[need.state], need, view) for need in needs]

        wanted = self._by_column
        if clean.height < _PARALLEL_ROWS or len(wanted) < 2:
            measured = [one(name, needs) for name, needs in wanted.items()]
        else:
            measured = list(_POOL.map(one, wanted, wanted.values()))
        return {
            need: state
            for needs, states in zip(wanted.values(), measured, strict=True)
            for need, state in zip(needs, states, strict=True)
        }

    @cached_property
    def _by_column(self) -> dict[str, list[Need]]:
        grouped: dict[str, list[Need]] = {}
        for need in self.needs:
            if self.table[need.state].measure is not None:
                grouped.setdefault(need.columns[0], []).append(need)
        return grouped

    def _tallies(self, frame: pl.DataFrame, clean: pl.DataFrame, offset: int) -> dict[str, Tally]:
        tallies: dict[str, Tally] = {}
        for raw in (False, True):
            rules = [rule for rule in self.rules if rule.raw is raw]
            source = frame if raw else clean
            try:
                tallies |= _tally(rules, frame, source, offset)
            except pl.exceptions.PolarsError:
                for rule in rules:  # one rule that cannot be judged must not take the others with it
                    try:
                        tallies |= _tally([rule], frame, source, offset)
                    except pl.exceptions.PolarsError as error:
                        tallies[rule.id] = Tally(error=first_line(error))
        return tallies


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
    roots = set(rule.failing.meta.root_names()) | set(rule.show)
    return roots | set(rule.judged.meta.root_names()) if rule.judged is not None else roots


def _examples(frame: pl.DataFrame, source: pl.DataFrame, rule: RowRule, offset: int) -> tuple[Example, ...]:
    broken = rule.failing & rule.judged if rule.judged is not None else rule.failing
    places = source.select(broken.fill_null(value=False).arg_true().head(5)).to_series().to_list()
    rows = (
        frame.select([column(name) for name in rule.show])[places].rows(named=True)
        if rule.show
        else [{} for _ in places]
    )
    return tuple(Example(offset + place, row) for place, row in zip(places, rows, strict=True))


def one_row(frame: pl.DataFrame, expressions: Sequence[pl.Expr]) -> tuple[Any, ...]:
    """Return the values of scalar expressions over a frame, from one query."""
    if not expressions:
        return ()
    named = [expression.alias(str(i)) for i, expression in enumerate(expressions)]
    return frame.select(named).row(0)


def is_sentinel(expression: pl.Expr, sentinels: Sequence[Any], dtype: pl.DataType) -> pl.Expr:
    """Return where a column holds one of the values that stand for missing; those of another type never match."""
    fitting = [value for value in sentinels if _fits(value, dtype)]
    if not fitting:
        return pl.lit(value=False)
    if kind_of(dtype) is Kind.CATEGORY:
        return expression.cast(pl.String).is_in(fitting)
    return expression.is_in(pl.Series(fitting).cast(dtype).implode())


def _fits(value: Any, dtype: pl.DataType) -> bool:
    kind = kind_of(dtype)
    if kind.is_text:
        return isinstance(value, str)
    if isinstance(value, str):
        return False
    try:
        cast = pl.Series([value]).cast(dtype)
    except (pl.exceptions.PolarsError, TypeError, OverflowError):
        return False
    return cast.null_count() == 0 and (not kind.is_number or cast.item() == value or kind is Kind.FLOAT)


def present(name: str, dtype: pl.DataType, sentinels: Sequence[Any] = ()) -> pl.Expr:
    """Return a column's values with null wherever one is missing: null, NaN, or a declared sentinel."""
    expression = column(name)
    if sentinels:
        expression = pl.when(is_sentinel(expression, sentinels, dtype)).then(None).otherwise(expression)
    return expression.fill_nan(None) if dtype.is_float() else expression
