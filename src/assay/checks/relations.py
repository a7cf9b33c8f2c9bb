"""Checks of relations: keys that point into another dataset, and two datasets that ought to hold the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from assay.checks.bounds import shown
from assay.checks.check import Arguments, CannotJudge, Check, Context, Judged, QuestionTest, Rule, StateTest, rules
from assay.checks.keys import Key, alike
from assay.checks.questions import Look, Lookup, examples_of, look, look_at_other
from assay.checks.tables import Differences, Totals
from assay.data.dataset import Dataset
from assay.data.engine import Answer
from assay.data.kinds import Kind, kind_of
from assay.data.names import col as column
from assay.errors import nearest
from assay.verdict import Estimate

__all__ = ["RULES", "InTable", "RowCountEquals", "SameRows", "SameSchema", "SameStat", "keys_of", "other_dataset"]


class InTable(Arguments, frozen=True):
    """The other dataset by its name, and the key's columns there where they have other names."""

    other: str
    other_columns: tuple[str, ...] | str = ()


class SameRows(Arguments, frozen=True):
    """The other dataset, the key that matches rows, and by how much numbers may differ; the check's columns are compared."""

    other: str
    key: tuple[str, ...] | str
    tolerance: Decimal | int = 0


class SameStat(Arguments, frozen=True):
    """The other dataset, which number is compared, and by how much it may differ: absolutely, or as a share of the other's."""

    other: str
    stat: Literal["sum", "mean", "min", "max", "distinct", "missing"]
    other_column: str = ""
    tolerance: Decimal | int = 0
    tolerance_share: Decimal | int = 0


class SameSchema(Arguments, frozen=True):
    """The other dataset, whether the order of columns counts, and whether Int32 differs from Int64."""

    other: str
    order: bool = False
    types: Literal["exact", "kind", "any"] = "exact"


class RowCountEquals(Arguments, frozen=True):
    """The other dataset, and by how much the number of rows may differ: in rows, or as a share of the other's."""

    other: str
    tolerance: int = 0
    tolerance_share: Decimal | int = 0


def other_dataset(name: str, context: Context, columns: Sequence[str]) -> Dataset:
    """Return another dataset that has these columns; raise `CannotJudge` where it, or one of them, is not there."""
    other = context.other(name)
    for wanted in columns:
        if wanted not in other.schema:
            raise CannotJudge(f"{name} has no column {wanted!r}", hint=nearest(wanted, other.schema))
    return other


def _tuple(names: tuple[str, ...] | str) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) and names else tuple(names)


def keys_of(
    here: tuple[Sequence[str], Mapping[str, pl.DataType]], there: tuple[Sequence[str], Mapping[str, pl.DataType]],
    *, names: tuple[str, str], nulls_equal: bool = False,
) -> tuple[tuple[pl.Expr, ...], tuple[pl.Expr, ...]]:  # fmt: skip
    """Return the key of each side, column by column in one type; a side is its columns and its schema."""
    pairs = []
    for a, b in zip(here[0], there[0], strict=True):
        left = Key(column(a), here[1][a], f"{names[0]}.{a}")
        right = Key(column(b), there[1][b], f"{names[1]}.{b}")
        pairs.append(alike(left, right, nulls_equal=nulls_equal))
    return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)


def _lookup(check: Check, context: Context, *, judge_other: bool) -> QuestionTest:
    told, mine = check.arguments, check.columns
    assert isinstance(told, InTable)
    theirs = _tuple(told.other_columns) or mine
    if len(theirs) != len(mine):
        raise CannotJudge(
            f"the key has {len(mine)} columns here and {len(theirs)} in {told.other}", hint="give as many"
        )
    seen = look(check, context, mine)
    other = other_dataset(told.other, context, theirs)
    here, there = keys_of((mine, context.schema), (theirs, other.schema), names=(context.dataset.name, told.other))
    question = Lookup(
        seen, here, told.other, look_at_other(other.schema, context, theirs), there,
        mine, theirs, judge_other=judge_other,
    )  # fmt: skip
    if judge_other:
        return QuestionTest(question, f"known here (rows of {told.other})")
    return QuestionTest(question, f"in {told.other} ({', '.join(theirs)})")


def _in_table(check: Check, context: Context) -> QuestionTest:
    return _lookup(check, context, judge_other=False)


def _covers(check: Check, context: Context) -> QuestionTest:
    return _lookup(check, context, judge_other=True)


def _same_rows(check: Check, context: Context) -> QuestionTest:
    told = check.arguments
    assert isinstance(told, SameRows)
    key = _tuple(told.key)
    if not key:
        raise CannotJudge("same_rows is given no key", hint="write key: [columns that tell rows apart]")
    compared = check.columns or tuple(name for name in context.schema if name not in key)
    seen = look(check, context, (*key, *compared))
    if not check.columns:
        context.other(told.other)
        compared = tuple(name for name in compared if name in context.other(told.other).schema)
    other = other_dataset(told.other, context, (*key, *compared))
    names = (context.dataset.name, told.other)
    here, there = keys_of((key, context.schema), (key, other.schema), names=names)
    pairs = tuple(_pair(name, context.schema[name], other.schema[name], names) for name in compared)
    theirs = look_at_other(other.schema, context, (*key, *compared))
    question = Differences(seen, tuple(zip(key, here, there, strict=True)), pairs, told.other, theirs, told.tolerance)
    within = f" within {shown(told.tolerance)}" if told.tolerance else ""
    return QuestionTest(question, f"the same in {told.other}{within}", _judge_rows(told.other, check))


def _pair(
    name: str, here: pl.DataType, there: pl.DataType, names: tuple[str, str]
) -> tuple[str, pl.Expr, pl.Expr, bool]:
    """Return a compared column: its name, both sides in one type, and whether they are numbers."""
    sides = Key(column(name), here, f"{names[0]}.{name}"), Key(column(name), there, f"{names[1]}.{name}")
    left, right = alike(*sides, nulls_equal=True)
    if here.is_integer() and there.is_integer():  # the difference of two unsigned numbers would wrap around
        left, right = left.cast(pl.Int128), right.cast(pl.Int128)
    return name, left, right, kind_of(here).is_number and kind_of(there).is_number


def _judge_rows(other: str, check: Check) -> Callable[[Answer], Judged]:
    def judge(answer: Answer) -> Judged:
        row = answer.row or {}
        if row["repeated"]:
            raise CannotJudge(
                f"the key does not tell rows apart: {row['repeated']:,} rows match more than one",
                hint="name the columns that do",
            )
        judged, failing = row["judged"] or 0, row["failing"] or 0
        if judged == 0:
            return Judged(
                None, Estimate(None, n=0, why="no row was judged"), f"there is no row here, nor in {other}", 0, 0
            )
        allowed = max(check.tolerate_rows or 0, int(judged * (check.tolerate_share or 0)))
        here, there = row["only_here"], row["only_there"]
        why = (
            f"{failing - here - there:,} rows differ, {here:,} are only here, {there:,} only in {other}, of {judged:,}"
        )
        return Judged(
            failing <= allowed,
            Estimate(failing / judged, judged, unit="share of rows failing"),
            why,
            judged,
            failing,
            examples_of(answer),
        )

    return judge


_STATS: dict[str, tuple[str, Callable[[pl.Expr], pl.Expr], Callable[[Kind], bool]]] = {
    "sum": (
        "sum",
        lambda x: pl.when(x.count() > 0).then(x.sum()),
        lambda kind: kind.is_number or kind is Kind.DURATION,
    ),
    "mean": ("mean", lambda x: x.mean(), lambda kind: kind.is_number),
    "min": ("least value", lambda x: x.min(), lambda kind: kind.is_number or kind.is_temporal),
    "max": ("greatest value", lambda x: x.max(), lambda kind: kind.is_number or kind.is_temporal),
    "distinct": ("number of different values", lambda x: x.drop_nulls().n_unique(), lambda _: True),
    "missing": ("number of missing values", lambda x: x.null_count(), lambda _: True),
}


def _same_stat(check: Check, context: Context) -> QuestionTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, SameStat)
    words, reduce, applies = _STATS[told.stat]
    theirs = told.other_column or name
    seen = look(check, context, (name,))
    other = other_dataset(told.other, context, (theirs,))
    for where, dtype in ((name, context.schema[name]), (f"{told.other}.{theirs}", other.schema[theirs])):
        if not applies(kind_of(dtype)):
            raise CannotJudge(f"the {words} of {where!r} cannot be compared: it holds {kind_of(dtype).value} values")
    if told.stat in ("min", "max", "sum"):
        alike(
            Key(column(name), context.schema[name], name),
            Key(column(theirs), other.schema[theirs], f"{told.other}.{theirs}"),
            nulls_equal=True,
        )
    question = Totals(
        seen, reduce(_summable(name, context.schema[name])), told.other,
        look_at_other(other.schema, context, (theirs,)), reduce(_summable(theirs, other.schema[theirs])),
    )  # fmt: skip
    expected = (
        f"the {words} of {told.other}"
        + (f".{theirs}" if theirs != name else "")
        + _within(told.tolerance, told.tolerance_share)
    )
    return QuestionTest(
        question, expected, _judge_totals(words, told.other, told.tolerance, told.tolerance_share), counts_rows=False
    )


def _summable(name: str, dtype: pl.DataType) -> pl.Expr:
    return column(name).cast(pl.Int128) if dtype.is_integer() else column(name)


def _within(tolerance: Decimal | int, share: Decimal | int) -> str:
    limits = [shown(tolerance)] if tolerance else []
    limits += [f"a share of {shown(share)}"] if share else []
    return f" within {' or '.join(limits)}" if limits else ""


def _row_count_equals(check: Check, context: Context) -> QuestionTest:
    told = check.arguments
    assert isinstance(told, RowCountEquals)
    context.other(told.other)
    question = Totals(look(check, context, ()), pl.len(), told.other, Look({}), pl.len())
    expected = f"as many rows as {told.other}{_within(told.tolerance, told.tolerance_share)}"
    return QuestionTest(
        question,
        expected,
        _judge_totals("number of rows", told.other, told.tolerance, told.tolerance_share),
        counts_rows=False,
    )


def _judge_totals(words: str, other: str, tolerance: Decimal | int, share: Decimal | int) -> Callable[[Answer], Judged]:
    def judge(answer: Answer) -> Judged:
        row = answer.row or {}
        here, there, n = row["here"], row["there"], row["rows_here"]
        if here is None or there is None:
            empty = "here" if here is None else f"in {other}"
            why = f"there is no {words} {empty}: no value is there"
            return Judged(None, Estimate(None, n=n, why=why), why)
        if _is_number(here) and _is_number(there):
            # Floats that are added up in another order differ in their last digits.
            rounding = Decimal("1e-12") if isinstance(here, float) or isinstance(there, float) else 0
            allowed = max(Decimal(tolerance), abs(Decimal(there)) * max(Decimal(share), Decimal(rounding)))
            holds = abs(Decimal(here) - Decimal(there)) <= allowed
        else:
            holds = here == there
        value = here if isinstance(here, int | float) else str(here)
        return Judged(
            holds, Estimate(value, n=n, unit=words), f"the {words} is {_told(here)} here and {_told(there)} in {other}"
        )

    return judge


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float | Decimal)
        and not isinstance(value, bool)
        and value == value
        and abs(value) != float("inf")
    )


def _told(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float | Decimal) else shown(value)


def _same_schema(check: Check, context: Context) -> StateTest:
    told = check.arguments
    assert isinstance(told, SameSchema)
    here, there = context.schema, context.other(told.other).schema
    troubles = [f"{name!r} is missing here" for name in there if name not in here]
    troubles += [f"{name!r} is not in {told.other}" for name in here if name not in there]
    for name in here:
        if name in there and told.types != "any" and not _same_type(here[name], there[name], told.types):
            troubles.append(f"{name!r} is {here[name]} here and {there[name]} in {told.other}")
    if told.order and not troubles and list(here) != list(there):
        first = next(i for i, pair in enumerate(zip(here, there, strict=True)) if pair[0] != pair[1])
        troubles.append(f"column {first} is {list(here)[first]!r} here and {list(there)[first]!r} in {told.other}")
    why = "; ".join(troubles[:8]) + (f"; and {len(troubles) - 8} more" if len(troubles) > 8 else "")
    judged = Judged(
        not troubles, Estimate(len(troubles), n=len(here), unit="differences"), why or f"all {len(here)} columns agree"
    )
    return StateTest((), lambda _: judged, f"the columns of {told.other}")


def _same_type(here: pl.DataType, there: pl.DataType, types: str) -> bool:
    return here == there if types == "exact" else kind_of(here) is kind_of(there)


RULES = rules(
    Rule(
        "in_table", "relations", "Every key occurs in another dataset; a missing key is not judged.",
        _in_table, InTable, on="columns",
    ),
    Rule("covers", "relations", "Every key of another dataset occurs here.", _covers, InTable, on="columns"),
    Rule("same_rows", "relations", "Another dataset holds the same rows, matched by a key.", _same_rows, SameRows, on="table"),
    Rule(
        "same_stat", "relations", "A column's sum, mean, extreme or count equals that of another dataset.", _same_stat, SameStat
    ),
    Rule(
        "same_schema", "relations", "Another dataset has the same columns and types.",
        _same_schema, SameSchema, on="table", bare=("other",),
    ),
    Rule(
        "row_count_equals", "relations", "Another dataset has as many rows.",
        _row_count_equals, RowCountEquals, on="table", bare=("other",),
    ),
)  # fmt: skip
