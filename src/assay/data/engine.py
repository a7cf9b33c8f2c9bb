"""What an engine must do: fold a plan of states over a dataset in one scan, and answer the questions no fold can.

The function that turns a batch into a state belongs to the plan, not to the engine, so that every engine gives the
same answer: an engine only finds batches, calls `plan.measure` on each, and merges what comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import polars as pl

from assay.data.dataset import Dataset

__all__ = ["Answer", "Batch", "Engine", "Glance", "Plan", "Progress", "Question", "State"]

S_co = TypeVar("S_co", bound="State", covariant=True)
S = TypeVar("S", bound="State")


class State(Protocol):
    """A measurement that merges.

    `merge` is associative and commutative, changes neither side, and gives the state of the union of the rows (for a
    sketch: within its stated error). Every state has an identity: the state of no rows.
    """

    def merge(self, other: Self) -> Self: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive rows of a dataset; `offset` is the number of the first one (the dataset's first row is 0)."""

    frame: pl.DataFrame
    offset: int


class Plan(Protocol[S_co]):
    """What is to be measured: the columns that are needed, the state of no rows, and the kernel.

    `columns` is None where all are needed. `measure` is pure: the same batch gives the same state anywhere.
    """

    @property
    def columns(self) -> Sequence[str] | None: ...

    def empty(self) -> S_co: ...

    def measure(self, batch: Batch) -> S_co: ...


Progress = Callable[[int], None]


class Question(Protocol):
    """Something no fold in bounded memory answers: exact duplicates, orphans of a foreign key, order per entity.

    It is asked as a lazy query over the numbered rows (`ROW` is the row number) that yields, in one frame, `n` (rows
    that break the rule) and a list of example rows; an engine that has no lazy frames answers it in its own words.
    """

    @property
    def columns(self) -> Sequence[str]: ...

    def query(self, rows: pl.LazyFrame, others: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame: ...

    def failing(self, rows: pl.LazyFrame, others: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame | None:
        """Return the numbers (`ROW`) of all rows that break the rule, or None where the rule is not about rows."""
        ...


@runtime_checkable
class Glance(Protocol):
    """A question that a cheaper look may settle, such as counting hashes where different ones prove that nothing repeats."""

    def glance(self, rows: pl.LazyFrame, others: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame | None:
        """Return the cheaper query, or None: its row is the answer where its `failing` is not null."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine answered: the single result row of the question's query, or the reason why there is none."""

    row: Mapping[str, Any] | None
    why: str = ""


ROW = "__row__"


class Engine(Protocol):
    """Something that can scan a dataset. `scans` counts how often it has read one from its first row to its last."""

    name: str
    scans: int

    def fold(self, dataset: Dataset, plan: Plan[S], *, progress: Progress | None = None) -> S: ...

    def ask(
        self, dataset: Dataset, questions: Sequence[Question], *, others: Mapping[str, Dataset]
    ) -> list[Answer]: ...
