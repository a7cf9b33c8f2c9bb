"""A first look at data that nothing is known of: checks that find real trouble and seldom anything else.

The checks are chosen from the columns' types and roles and a peek at the first rows, then judged on all of them. None
knows what the values should be: each looks for what is wrong in any data. What breaks warns; only what makes the data
unusable (no row, a key that repeats) fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import polars as pl

from assay.checks.check import Check
from assay.checks.dependencies import nearly_determined
from assay.checks.domains import name_words
from assay.checks.spikes import TOLD as SPIKED
from assay.checks.structure import VARIED
from assay.checks.suite import Suite, make_check
from assay.codec import format_duration
from assay.data.dataset import Dataset, first_line
from assay.data.kinds import Kind
from assay.data.names import col
from assay.errors import DataError

__all__ = ["first_look"]

PEEK = 10_000
MOSTLY = 0.5  # a column of which more is missing is mostly missing
SPIKE = 0.001  # a value that stands for missing is looked for from this share on
WORDS = 100  # a column of text with more different values is no set of words whose spelling could vary
STEADY = 0.9  # instants of which at least this share follow at one step are meant to be regular
LEAST_ROWS = 20
MOST_KEYS = 3
NOTE = "Chosen from the types and the first rows of the columns: what is wrong in any data, not what these values should be."
WARN: Mapping[str, Any] = {"level": "warn"}

NUMBER = re.compile(r"[-+]?[$€£]?(0|[1-9]\d{0,2}(,\d{3})+|[1-9]\d*)([.,]\d+)?([eE][-+]?\d+)?")
MEASURE = re.compile(NUMBER.pattern + r"( ?%| ?[€$£]| [A-Za-z]{1,6}\.?)?")
DAY = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([T ]\d{1,2}:\d{2}.*)?")


@dataclass(frozen=True)
class _Peek:
    """The first values of a column that are there."""

    name: str
    kind: Kind
    values: pl.Series

    @property
    def n(self) -> int:
        return len(self.values)

    @cached_property
    def texts(self) -> tuple[tuple[str, int], ...]:
        """Return each text that is there, with how often."""
        return tuple(self.values.cast(pl.String).alias("text").value_counts(name="n").rows())

    def share(self, form: re.Pattern[str]) -> float:
        """Return the share of texts that have a form."""
        return sum(n for text, n in self.texts if form.fullmatch(text) is not None) / max(self.n, 1)


def first_look(dataset: Dataset) -> Suite:
    """Return the checks to make where neither a suite nor a reference is given.

    Reads the first rows only. Raises `DataError` where they cannot be read.
    """
    try:
        rows = dataset.scan().head(PEEK).collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"the first rows cannot be read: {first_line(error)}", place=dataset.source) from None
    peeks = [_peek(rows, name, kind) for name, kind in dataset.columns.items()]
    words = _read_as_missing(dataset.notes)
    keys = [peek.name for peek in peeks if peek.name not in dataset.roles.id and _named_as_key(peek)][:MOST_KEYS]
    checks = [check for peek in peeks for check in _of_column(peek, dataset, words)]
    checks += [_check("unique", name) for name in keys]
    order = list(dataset.schema)
    checks.sort(key=lambda check: order.index(check.columns[0]))
    table = list(_of_table(rows, dataset))
    return Suite((*checks, *table), "first look", roles=dataset.roles, notes=(NOTE,))


def _peek(rows: pl.DataFrame, name: str, kind: Kind) -> _Peek:
    values = rows.select(col(name)).to_series().alias("values").drop_nulls()
    return _Peek(name, kind, values.drop_nans() if kind is Kind.FLOAT else values)


_NOTED = re.compile(r"read as missing: (.*)")


def _read_as_missing(notes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words that were read as missing in some column: in a column of text they mean the same."""
    told = [found[1] for note in notes if (found := _NOTED.search(note))]
    return tuple(dict.fromkeys(word for words in told for word in re.findall(r"'([^']+)' \(", words)))


def _check(rule: str, name: str, **told: Any) -> Check:
    return make_check(rule, (name,), {**told, **WARN})


def _of_column(peek: _Peek, dataset: Dataset, words: tuple[str, ...]) -> Iterator[Check]:
    name, kind = peek.name, peek.kind
    yield _check("missing_share", name, at_most=MOSTLY)
    if peek.n < LEAST_ROWS:
        return
    if kind in VARIED:
        yield _check("not_constant", name)
    if kind in SPIKED:
        suspects = [word for word in words if kind.is_text and (peek.values.cast(pl.String) == word).any()]
        yield _check("sentinel_spike", name, at_most=SPIKE, **({"suspects": suspects} if suspects else {}))
    if kind is Kind.FLOAT:
        yield _check("finite", name)
    if kind.is_text:
        yield from _of_text(peek)
    if kind.is_instant:
        yield from _of_instants(peek, dataset)


def _of_text(peek: _Peek) -> Iterator[Check]:
    yield _check("clean_text", peek.name)
    if peek.values.n_unique() <= WORDS:
        yield _check("spelling", peek.name)
    numbers, measures = peek.share(NUMBER), peek.share(MEASURE)
    if measures > MOSTLY and measures > numbers:
        yield (
            _check("type_is", peek.name, type="number")
            if numbers < MOSTLY
            else _check("parses", peek.name, type="float")
        )
    elif numbers > MOSTLY:
        yield _check("parses", peek.name, type="float") if numbers < 1 else _check("type_is", peek.name, type="number")
    elif peek.share(DAY) > MOSTLY:
        yield _check("type_is", peek.name, type=["date", "datetime"])


def _of_instants(peek: _Peek, dataset: Dataset) -> Iterator[Check]:
    if dataset.roles.time == peek.name or peek.kind is Kind.DATETIME:
        yield _check("no_future", peek.name)
    steps = peek.values.diff().drop_nulls()
    if len(steps) < LEAST_ROWS or steps.dtype != pl.Duration:
        return
    ahead = steps > timedelta(0)
    if ahead.sum() >= STEADY * len(steps):
        usual, often = _usual(steps.filter(ahead))
        yield _check("rising", peek.name, strict=True) if often >= STEADY * len(steps) else _check("rising", peek.name)
        if often >= STEADY * len(steps):
            yield _check("regular", peek.name, every=format_duration(usual))


def _usual(steps: pl.Series) -> tuple[timedelta, int]:
    first = steps.alias("step").value_counts(sort=True, name="n").row(0)
    return first[0], first[1]


def _of_table(rows: pl.DataFrame, dataset: Dataset) -> Iterator[Check]:
    yield make_check("row_count", (), {"at_least": 1})
    roles = dataset.roles
    if roles.id:
        yield make_check("key", roles.id, True)
    if dataset.schema:
        yield make_check("duplicates", (), dict(WARN))
    for key, value in nearly_determined(rows, dataset.columns):
        yield make_check("determines", (key,), {"then": value, **WARN})
    if roles.label is not None and len(dataset.schema) > 1:
        yield make_check("too_good", (), dict(WARN))
        yield make_check("conflicting_labels", (), dict(WARN))


def _named_as_key(peek: _Peek) -> bool:
    """Return whether a column is named as the key of its table and nearly all of its first values differ."""
    if peek.n < LEAST_ROWS or peek.kind not in (Kind.INTEGER, Kind.TEXT):
        return False
    named = name_words(peek.name) & {"id", "uuid", "guid", "key", "index", "row"}
    return (bool(named) or not peek.name) and peek.values.n_unique() >= 0.95 * peek.n
