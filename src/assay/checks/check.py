"""A check is frozen data: a rule's name, its columns, typed arguments, a level, a filter and what it tolerates.

It prints, compares, hashes and serializes; what it does stands in the table of rules (`assay.checks.table`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec
import polars as pl

from assay.codec import format_duration
from assay.data.dataset import Dataset, Roles
from assay.data.engine import Answer, Question
from assay.data.kinds import Kind
from assay.errors import AssayError, nearest
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.verdict import Estimate, Evidence, Example

__all__ = [
    "Arguments", "Bound", "CannotJudge", "Check", "Context", "Judged", "Level", "NotCompared", "Pending", "QuestionTest",
    "RowTest", "Rule", "Shortcut", "StateTest", "Test", "exact",
]  # fmt: skip

# A bound is an int, Decimal, datetime, date, time, timedelta, str or bool: one type here, as records decode it untouched.
Bound: TypeAlias = Any
Level = Literal["warn", "fail"]


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a rule is told, typed; one subclass a rule. Floats become the exact Decimal that they print as."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float | time | list | tuple | set | frozenset) or type(value).__module__ == "numpy":
                msgspec.structs.force_setattr(self, name, exact(value))


def exact(value: Any) -> Any:
    """Return a bound as it was written: a float as the Decimal that it prints as, a duration as its text, a list as a tuple.

    >>> exact([0.1, 2])
    (Decimal('0.1'), 2)
    """
    if type(value).__module__ == "numpy":
        value = value.item()
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return tuple(exact(item) for item in sorted(value, key=repr))
    if isinstance(value, list | tuple):
        return tuple(exact(item) for item in value)
    return value


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One judgement of a dataset, as data. Make it with `assay.column(...)`, `assay.table()`, a typed class, or YAML.

    `where` is a filter in SQL (only rows where it is true are judged); `tolerate_share` in [0, 1] and `tolerate_rows`
    say how many failing rows still pass; `level` is what a broken check concludes; `why` is a person's reason for it.
    `only_in` names the stages in which it is judged; with `if_present` it is skipped where a column of its is absent.
    """

    rule: str
    columns: tuple[str, ...] = ()
    arguments: Arguments = Arguments()
    level: Level = "fail"
    where: str = ""
    tolerate_share: Decimal | None = None
    tolerate_rows: int | None = None
    why: str = ""
    only_in: tuple[str, ...] = ()
    if_present: bool = False

    @property
    def subject(self) -> str:
        """Return what the check is about: its columns, or "table"."""
        return ", ".join(self.columns) or "table"


class CannotJudge(AssayError):
    """Say why a check cannot be judged on this dataset; it becomes one ERROR outcome and touches no other check."""


class NotCompared(AssayError):
    """Say why a check has nothing to say of this column, as of an identifier that moves by its nature: it is skipped."""


@dataclass(frozen=True)
class Context:
    """What a rule may know when it plans: the dataset's schema and roles, a reference, other datasets, the clock."""

    dataset: Dataset
    schema: Mapping[str, pl.DataType]
    kinds: Mapping[str, Kind]
    roles: Roles
    now: datetime
    sentinels: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    reference: Any = None  # a Profile of the reference, where there is one
    others: Mapping[str, Dataset] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    def kind(self, name: str) -> Kind:
        """Return a column's kind; raise `CannotJudge` with the nearest name where there is no such column."""
        if name not in self.kinds:
            raise CannotJudge(f"there is no column {name!r}", hint=nearest(name, self.kinds))
        return self.kinds[name]

    def dtype(self, name: str) -> pl.DataType:
        """Return a column's Polars type; raise `CannotJudge` where there is no such column."""
        self.kind(name)
        return self.schema[name]

    def other(self, name: str) -> Dataset:
        """Return another dataset by its name; raise `CannotJudge` where it was not given."""
        if name not in self.others:
            raise CannotJudge(
                f"the dataset {name!r} was not given",
                hint=f"pass it with --other {name}=PATH; {nearest(name, self.others)}",
            )
        return self.others[name]

    def needs_reference(self) -> Any:
        """Return the reference's profile; raise `CannotJudge` where there is no reference."""
        if self.reference is None:
            raise CannotJudge("this check compares with a reference and none was given", hint="pass --reference DATA")
        return self.reference


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule concluded: whether its bound holds (None where that cannot be said), what was seen, and why."""

    holds: bool | None
    observed: Estimate | None = None
    why: str = ""
    n_rows: int | None = None
    n_failing: int | None = None
    examples: tuple[Example, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """A judgement that waits for those beside it: its p-value is corrected over all that are judged together.

    `correction` names how (see `assay.stats.corrections`); `conclude` takes the corrected p-value (None where there is
    none) and over how many it was corrected.
    """

    p_value: float | None
    correction: str
    conclude: Callable[[float | None, int], Judged]


@dataclass(frozen=True, slots=True)
class RowTest:
    """A rule about single rows: `failing` is true where a row breaks it; rows where `judged` is not true don't count.

    Both are Polars expressions over columns in which missing values are null (with `raw`: as they stand in the file).
    `judged` is None where every row counts; `where` is the check's filter, which common code puts in. Everything else
    (tolerance, examples, quarantine) is common too.
    """

    failing: pl.Expr
    expected: str
    judged: pl.Expr | None = None
    show: tuple[str, ...] = ()
    raw: bool = False
    where: pl.Expr | None = None


@dataclass(frozen=True, slots=True)
class StateTest:
    """A rule about states: what it needs measured, and how it judges what was measured (`needs` may be empty)."""

    needs: tuple[Need, ...]
    judge: Callable[[Measured], Judged | Pending]
    expected: str


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A state that may settle a question without asking it: a strictly rising column, say, has no duplicates.

    `judge` returns None where the state does not settle it, and the question is asked after all.
    """

    need: Need
    judge: Callable[[Any], Judged | None]


@dataclass(frozen=True, slots=True)
class QuestionTest:
    """A rule that no fold can judge: a question for the engine, and how its answer is judged.

    The answer's row has at least `failing` (rows that break the rule) and `judged`, and may have `examples`, a list of
    structs of which `__row__` is the row number; with the default `judge` those are all that is needed.
    `counts_rows` is False where no rows fail, but the whole: then none can be tolerated.
    """

    question: Question
    expected: str
    judge: Callable[[Answer], Judged] | None = None
    shortcut: Shortcut | None = None
    counts_rows: bool = True


Test = RowTest | StateTest | QuestionTest


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the table of rules.

    `summary` is the line of the documentation; `arguments` the typed record; `bare` the fields that a bare value in YAML
    fills (one: `one_of: [a, b]` is its value; several: `between: [0, 120]` is theirs in turn); `on` says whether it is
    about one column, several, or the table; `kinds` to which kinds of column it applies (None: all); `plan` turns a
    check into a test, or raises `CannotJudge`.
    """

    name: str
    family: str
    summary: str
    plan: Callable[[Check, Context], Test]
    arguments: type[Arguments] = Arguments
    on: Literal["column", "columns", "table"] = "column"
    bare: tuple[str, ...] = ()
    kinds: frozenset[Kind] | None = None
    needs_reference: bool = False


def rules(*entries: Rule) -> dict[str, Rule]:
    """Return a family's entries by name."""
    return {entry.name: entry for entry in entries}
