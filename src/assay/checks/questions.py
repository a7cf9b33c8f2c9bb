"""Questions about many rows at once: repeats, orphans, shared keys, minorities, differences between two tables.

Each is a frozen record that builds one lazy query of one row: `failing`, `judged`, and the first five `examples`.
Only keys are ever grouped or held: rows are first told apart by a 64-bit hash of their key, and those whose hashes
meet are then compared in full, so that the answer is exact and a wide table costs eight bytes a row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from assay.checks.check import Check, Context
from assay.checks.expressions import expression
from assay.data.engine import ROW, Answer
from assay.data.names import col as column
from assay.profiles.kernel import present
from assay.verdict import Example

__all__ = [
    "EXAMPLES", "SHOWN", "Frames", "Look", "Lookup", "Minority", "Parts", "Repeats", "RowsQuestion", "Rowwise",
    "Settled", "examples_of", "filter_of", "finished", "look", "look_at_other",
]  # fmt: skip

EXAMPLES = 5
SHOWN = 8
Frames = Mapping[str, pl.LazyFrame]


def filter_of(check: Check, context: Context) -> pl.Expr | None:
    """Return a check's filter, or None where it has none; raise `CannotJudge` where it cannot be read."""
    return expression(check.where, context) if check.where else None


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a question sees of a dataset: some columns, with null where a value is missing, of the rows of a filter."""

    schema: Mapping[str, pl.DataType]
    sentinels: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    where: pl.Expr | None = None

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the numbered rows as they are seen."""
        seen = [present(name, dtype, self.sentinels.get(name, ())).alias(name) for name, dtype in self.schema.items()]
        frame = rows.select(pl.col(ROW), *seen)
        return frame if self.where is None else frame.filter(self.where)


def look(check: Check, context: Context, columns: Iterable[str]) -> Look:
    """Return what a check sees of these columns of its dataset; raise `CannotJudge` where one is not there."""
    where = filter_of(check, context)
    names = [*columns, *(where.meta.root_names() if where is not None else ())]
    return Look({name: context.dtype(name) for name in dict.fromkeys(names)}, context.sentinels, where)


def look_at_other(schema: Mapping[str, pl.DataType], context: Context, columns: Iterable[str]) -> Look:
    """Return what a check sees of another dataset: values that stand for missing here stand for missing there."""
    return Look({name: schema[name] for name in dict.fromkeys(columns)}, context.sentinels)


def examples_of(answer: Answer) -> tuple[Example, ...]:
    """Return the example rows of an answer."""
    examples = []
    for item in (answer.row or {}).get("examples") or ():
        values = dict(item)
        row, why = values.pop(ROW), values.pop("__why__", None)
        examples.append(Example(row, values, why or ""))
    return tuple(examples)


def finished(judged: pl.LazyFrame, broken: pl.LazyFrame) -> pl.LazyFrame:
    """Return the one row of an answer: `judged` has one row already, `broken` has the failing rows and what they show."""
    first = (
        pl.struct(pl.all())
        .bottom_k_by(ROW, EXAMPLES)
        .implode()
        .list.eval(pl.element().sort_by(pl.element().struct.field(ROW)))
    )
    counted = broken.select(pl.len().alias("failing"), first.alias("examples"))
    return pl.concat([judged, counted], how="horizontal")


class RowsQuestion(ABC):
    """A question whose answer is a set of failing rows."""

    @property
    @abstractmethod
    def columns(self) -> Sequence[str]:
        """Return the columns of the dataset that are read."""

    @abstractmethod
    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        """Return one row with the number of rows that are `judged`."""

    @abstractmethod
    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        """Return the failing rows: their number, the values to show, and why each fails."""

    def query(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        """Return the query of the answer's one row."""
        return finished(self.judged(rows, others), self.broken(rows, others))

    def failing(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return the numbers of the failing rows; None where they are not rows of the dataset."""
        return self.broken(rows, others).select(ROW)

    def glance(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return a cheaper query that may settle it: where its `failing` is 0 and not null, it is the answer."""
        return None


def _named(keys: Sequence[pl.Expr], prefix: str = "k") -> list[pl.Expr]:
    return [key.alias(f"__{prefix}{i}__") for i, key in enumerate(keys)]


def _names(keys: Sequence[pl.Expr], prefix: str = "k") -> list[str]:
    return [f"__{prefix}{i}__" for i in range(len(keys))]


def _hash(names: Sequence[str]) -> pl.Expr:
    return (pl.struct(names) if len(names) > 1 else pl.col(names[0])).hash(seed=0)


def _settled(proven: pl.Expr) -> pl.Expr:
    """Return `failing` as a glance tells it: 0 where nothing can be wrong, null where the question must be asked."""
    return pl.when(proven).then(0).alias("failing")


def _all_present(names: Sequence[str]) -> pl.Expr:
    return pl.all_horizontal([pl.col(name).is_not_null() for name in names])


def _shown(names: Sequence[str], why: pl.Expr | None = None) -> list[pl.Expr]:
    reason = [] if why is None else [why.alias("__why__")]
    return [pl.col(ROW), *(column(name) for name in names[:SHOWN]), *reason]


@dataclass(frozen=True, slots=True, eq=False)
class Repeats(RowsQuestion):
    """Which rows repeat the key of an earlier row?

    `missing` says what becomes of a key with a missing part: it is not judged ("skip"), equals another missing part
    ("equal"), or fails ("fail").
    """

    look: Look
    keys: tuple[pl.Expr, ...]
    show: tuple[str, ...]
    missing: Literal["skip", "equal", "fail"] = "skip"

    @property
    def columns(self) -> Sequence[str]:
        return list(self.look.schema)

    def _keyed(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        return self.look.of(rows).with_columns(_named(self.keys))

    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        keyed = self._keyed(rows)
        if self.missing == "skip":
            keyed = keyed.filter(_all_present(_names(self.keys)))
        return keyed.select(pl.len().alias("judged"))

    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        keyed, names = self._keyed(rows), _names(self.keys)
        whole = keyed if self.missing == "equal" else keyed.filter(_all_present(names))
        # Hashes meet wherever keys are equal; where only hashes meet, the full keys are still told apart below.
        meeting = whole.select(ROW, _hash(names).alias("__h__")).filter(pl.col("__h__").is_duplicated()).select(ROW)
        some = whole.join(meeting, on=ROW, how="semi")
        groups = (
            some.group_by(names)
            .agg(pl.col(ROW).min().alias("__first__"), pl.len().alias("__n__"))
            .filter(pl.col("__n__") > 1)
        )
        later = some.join(groups, on=names, nulls_equal=True).filter(pl.col(ROW) != pl.col("__first__"))
        repeated = later.select(_shown(self.show, pl.format("repeats row {}", pl.col("__first__"))))
        if self.missing != "fail":
            return repeated
        without = keyed.filter(~_all_present(names)).select(_shown(self.show, pl.lit("a part of the key is missing")))
        return pl.concat([repeated, without])

    def glance(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return a query that counts different hashes: as many as rows prove that no row repeats another."""
        keyed, names = self._keyed(rows), _names(self.keys)
        missing = (~_all_present(names)).sum()
        whole = keyed.filter(_all_present(names)) if self.missing == "skip" else keyed
        bad = pl.lit(0) if self.missing != "fail" else missing
        counted = whole.select(pl.len().alias("judged"), _hash(names).n_unique().alias("__d__"), bad.alias("__m__"))
        proven = (pl.col("__d__") == pl.col("judged")) & (pl.col("__m__") == 0)
        return counted.select(_settled(proven), pl.col("judged"))


@dataclass(frozen=True, slots=True, eq=False)
class Lookup(RowsQuestion):
    """Which rows have a key that another dataset lacks (or, with `found`, has)?

    With `judge_other` the rows of the other dataset are judged and looked up here. A key with a missing part is not
    judged, but with `nulls_equal` a missing part equals another.
    """

    look: Look
    keys: tuple[pl.Expr, ...]
    other: str
    other_look: Look
    other_keys: tuple[pl.Expr, ...]
    names: tuple[str, ...]
    other_names: tuple[str, ...]
    found: bool = False
    nulls_equal: bool = False
    judge_other: bool = False

    @property
    def columns(self) -> Sequence[str]:
        return list(self.look.schema)

    def _sides(self, rows: pl.LazyFrame, others: Frames) -> tuple[pl.LazyFrame, pl.LazyFrame]:
        """Return the rows that are judged, and those among which they are looked up, with keys of the same names."""
        here = self._keyed(self.look.of(rows), self.keys, self.names)
        there = self._keyed(self.other_look.of(others[self.other]), self.other_keys, self.other_names)
        return (there, here) if self.judge_other else (here, there)

    def _keyed(self, frame: pl.LazyFrame, keys: Sequence[pl.Expr], names: Sequence[str]) -> pl.LazyFrame:
        if not self.nulls_equal:
            frame = frame.filter(pl.all_horizontal([column(name).is_not_null() for name in names]))
        return frame.with_columns(_named(keys))

    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        return self._sides(rows, others)[0].select(pl.len().alias("judged"))

    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        names = _names(self.keys)
        mine, theirs = self._sides(rows, others)
        known = theirs.select(names)
        if self.found:  # few rows are shared as a rule: only those whose hashes meet are compared in full
            mine, known = (
                mine.with_columns(_hash(names).alias("__h__")),
                known.with_columns(_hash(names).alias("__h__")),
            )
            mine = mine.join(known.select("__h__").unique(), on="__h__", how="semi")
            known = known.join(mine.select("__h__").unique(), on="__h__", how="semi").select(names)
        how: Literal["semi", "anti"] = "semi" if self.found else "anti"
        return mine.join(known.unique(), on=names, how=how, nulls_equal=self.nulls_equal).select(
            _shown(self.other_names if self.judge_other else self.names)
        )

    def glance(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return a query that counts hashes that are shared: none proves that no row is; orphans need no such look."""
        if not self.found:
            return None
        names = _names(self.keys)
        mine, theirs = self._sides(rows, others)
        known = theirs.select(_hash(names).alias("__h__")).unique().with_columns(pl.lit(value=True).alias("__hit__"))
        met = mine.select(_hash(names).alias("__h__")).join(known, on="__h__", how="left")
        return met.select(_settled(pl.col("__hit__").count() == 0), pl.len().alias("judged"))

    def failing(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return the numbers of the failing rows; None where the other dataset's rows are judged."""
        return None if self.judge_other else self.broken(rows, others).select(ROW)


@dataclass(frozen=True, slots=True, eq=False)
class Parts(RowsQuestion):
    """Which rows have a key that also occurs in another part of the dataset (train, test)?"""

    look: Look
    keys: tuple[pl.Expr, ...]
    part: str
    show: tuple[str, ...]
    nulls_equal: bool = False

    @property
    def columns(self) -> Sequence[str]:
        return list(self.look.schema)

    def _keyed(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        names = _names(self.keys)
        keyed = self.look.of(rows).with_columns(*_named(self.keys), column(self.part).cast(pl.String).alias("__part__"))
        keyed = keyed.filter(pl.col("__part__").is_not_null())
        return keyed if self.nulls_equal else keyed.filter(_all_present(names))

    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        return self._keyed(rows).select(pl.len().alias("judged"))

    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        names = _names(self.keys)
        keyed = self._keyed(rows).with_columns(_hash(names).alias("__h__"))
        some = keyed.join(_mixed(keyed, ["__h__"], "__part__"), on="__h__", how="semi")
        both = _mixed(some, names, "__part__")
        why = pl.format("in {} and in {}", pl.col("__low__"), pl.col("__high__"))
        return some.join(both, on=names, nulls_equal=True).select(_shown(self.show, why))

    def glance(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return a query that counts hashes that stand in several parts: none proves that no key does."""
        keyed = self._keyed(rows).select(_hash(_names(self.keys)).alias("__h__"), "__part__")
        return _unmixed(keyed, "__h__", "__part__")


def _ends(keyed: pl.LazyFrame, names: Sequence[str], value: str) -> pl.LazyFrame:
    """Return the keys with their least and greatest value, and how many rows each has: one value where both are equal."""
    value_ends = (pl.col(value).min().alias("__low__"), pl.col(value).max().alias("__high__"))
    return keyed.group_by(names).agg(*value_ends, pl.len().alias("__n__"))


def _mixed(keyed: pl.LazyFrame, names: Sequence[str], value: str) -> pl.LazyFrame:
    return _ends(keyed, names, value).filter(pl.col("__low__") != pl.col("__high__"))


def _unmixed(keyed: pl.LazyFrame, name: str, value: str) -> pl.LazyFrame:
    differ = (pl.col("__low__") != pl.col("__high__")).sum()
    return _ends(keyed, [name], value).select(_settled(differ == 0), pl.col("__n__").sum().alias("judged"))


@dataclass(frozen=True, slots=True, eq=False)
class Minority(RowsQuestion):
    """Which rows have another value than most rows with the same key? Of values equally frequent, the first one leads.

    A row without the value is not judged; nor is one whose key has a missing part, unless `nulls_equal`. `say` puts the
    usual value into each example's reason, where it has a text.
    """

    look: Look
    keys: tuple[pl.Expr, ...]
    values: tuple[pl.Expr, ...]
    show: tuple[str, ...]
    nulls_equal: bool = False
    say: bool = True

    @property
    def columns(self) -> Sequence[str]:
        return list(self.look.schema)

    def _keyed(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        keyed = self.look.of(rows).with_columns(*_named(self.keys), *_named(self.values, "v"))
        needed = _names(self.values, "v") if self.nulls_equal else [*_names(self.values, "v"), *_names(self.keys)]
        return keyed.filter(_all_present(needed))

    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        return self._keyed(rows).select(pl.len().alias("judged"))

    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        names, values = _names(self.keys), _names(self.values, "v")
        keyed = self._keyed(rows).with_columns(_hash(names).alias("__h__"), _hash(values).alias("__g__"))
        some = keyed.join(_mixed(keyed, ["__h__"], "__g__"), on="__h__", how="semi")
        pairs = some.group_by([*names, *values]).agg(pl.len().alias("__n__"), pl.col(ROW).min().alias("__first__"))
        usual = pairs.sort("__n__", "__first__", descending=[True, False]).unique(
            names, keep="first", maintain_order=True
        )
        usual = usual.select(
            *names, *(pl.col(name).alias(f"__u{i}__") for i, name in enumerate(values)), pl.col("__n__")
        )
        differs = pl.any_horizontal([pl.col(name) != pl.col(f"__u{i}__") for i, name in enumerate(values)])
        minority = some.join(usual, on=names, nulls_equal=True).filter(differs)
        return minority.select(_shown(self.show, _usually(len(values)) if self.say else None))

    def glance(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return a query that counts keys with several values, by hashes: none proves that no row disagrees."""
        names, values = _names(self.keys), _names(self.values, "v")
        return _unmixed(
            self._keyed(rows).select(_hash(names).alias("__h__"), _hash(values).alias("__g__")), "__h__", "__g__"
        )


def _usually(width: int) -> pl.Expr:
    parts = pl.concat_str([pl.col(f"__u{i}__").cast(pl.String) for i in range(width)], separator=", ")
    rows = pl.when(pl.col("__n__") == 1).then(pl.lit("1 row")).otherwise(pl.format("{} rows", pl.col("__n__")))
    return pl.format("{} with the same key: {}", rows, parts)


@dataclass(frozen=True, slots=True, eq=False)
class Rowwise(RowsQuestion):
    """Which rows break an expression that might stop at a value, and so must not share a scan with other checks?"""

    look: Look
    rule: pl.Expr
    judge: pl.Expr | None
    show: tuple[str, ...]

    @property
    def columns(self) -> Sequence[str]:
        return list(self.look.schema)

    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        count = pl.len() if self.judge is None else self.judge.sum()
        return self.look.of(rows).select(count.alias("judged"))

    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        failing = self.rule if self.judge is None else self.rule & self.judge
        return self.look.of(rows).filter(failing.fill_null(value=False)).select(_shown(self.show))


@dataclass(frozen=True, slots=True)
class Settled:
    """A question that has been answered already: nothing is read."""

    columns: tuple[str, ...] = ()

    def query(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        """Return one row that says nothing."""
        return pl.LazyFrame({"failing": [0], "judged": [0]})

    def failing(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return None: the answer is not about rows."""
        return None
