"""Checks across columns: comparisons, sums, expressions, functional dependencies, and functions of one's own."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from assay.checks.bounds import shown
from assay.checks.check import (
    Arguments,
    CannotJudge,
    Check,
    Context,
    Judged,
    QuestionTest,
    RowTest,
    Rule,
    StateTest,
    Test,
    rules,
)  # fmt: skip
from assay.checks.expressions import expression, may_stop
from assay.checks.keys import Key, alike, plain
from assay.checks.questions import Minority, Rowwise, Settled, look
from assay.data.dataset import first_line
from assay.data.engine import ROW
from assay.data.kinds import Kind, kind_of
from assay.data.names import col as column
from assay.errors import nearest
from assay.verdict import Estimate

__all__ = ["RULES", "Calls", "Compare", "Determines", "Holds", "RowSum"]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "==": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_SAME = {"=": "==", "<>": "!="}
_OPERATOR = re.compile(r">=|<=|!=|<>|==|=|>|<")


class Compare(Arguments, frozen=True):
    """Two columns and what holds between them: as text ("shipped_at >= created_at"), or as left, op and right."""

    relation: str = ""
    left: str = ""
    op: Literal[">=", "<=", ">", "<", "==", "!=", "=", "<>"] | None = None
    right: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.relation and not (self.left and self.op and self.right):
            raise ValueError('say what is compared: "shipped_at >= created_at", or left, op and right')
        if self.relation and (self.left or self.op or self.right):
            raise ValueError("relation says it all; drop left, op and right")


class RowSum(Arguments, frozen=True):
    """The column that holds the total, and by how much the sum may miss it."""

    total: str
    tolerance: Decimal | int = 0


class Holds(Arguments, frozen=True):
    """A condition in SQL; names with spaces or points stand in double quotes."""

    condition: str


class Determines(Arguments, frozen=True):
    """The column, or the columns, whose value follows from the check's columns."""

    then: str | tuple[str, ...]


class Calls(Arguments, frozen=True):
    """A function by the name under which it was passed in `functions`."""

    function: str


def _compare(check: Check, context: Context) -> RowTest:
    told = check.arguments
    assert isinstance(told, Compare)
    if told.relation:
        left, op, right = _split(told.relation, context)
    else:
        left, op, right = told.left, str(told.op), told.right
    op = _SAME.get(op, op)
    failing, judged = _broken(
        Key(column(left), context.dtype(left), left), op, Key(column(right), context.dtype(right), right)
    )
    return RowTest(failing, f"such that {left} {op} {right}", judged=judged, show=(left, right))


def _split(text: str, context: Context) -> tuple[str, str, str]:
    """Return left, operator and right of a comparison; raise `CannotJudge` where a side is no column."""
    unknown = ""
    for found in _OPERATOR.finditer(text):
        left, right = (_unquoted(side) for side in (text[: found.start()], text[found.end() :]))
        if left in context.kinds and right in context.kinds:
            return left, found.group(0), right
        unknown = unknown or (left if left not in context.kinds else right)
    if not unknown:
        raise CannotJudge(f"{text!r} compares nothing", hint="write a >= b, with one of >= <= > < == !=")
    hint = f"{nearest(unknown, context.kinds)}. Compare a column with a value by between or holds"
    raise CannotJudge(f"{text!r} compares {unknown!r}, and there is no such column", hint=hint)


def _unquoted(side: str) -> str:
    bare = side.strip()
    return bare[1:-1].replace('""', '"') if len(bare) > 1 and bare[0] == bare[-1] == '"' else bare


def _broken(left: Key, op: str, right: Key) -> tuple[pl.Expr, pl.Expr]:
    """Return where a comparison does not hold, and where both sides are there."""
    judged = left.x.is_not_null() & right.x.is_not_null()
    kinds = kind_of(left.dtype), kind_of(right.dtype)
    compare = _OPERATORS[op]
    if any(kind.is_nested or kind is Kind.CATEGORY or kind is Kind.BINARY for kind in kinds) and op not in ("==", "!="):
        raise CannotJudge(
            f"{left.name} {op} {right.name}: {kinds[0].value} and {kinds[1].value} values have no order",
            hint="use == or !=",
        )
    floats = alike(left, right, nulls_equal=True)
    if set(kinds) != {Kind.INTEGER, Kind.FLOAT}:
        return ~compare(*floats), judged
    # A whole number and a float: exact where the float has a whole part that an integer holds, as floats beyond.
    small = (right.x if kinds[1] is Kind.FLOAT else left.x).abs() < 2.0**100
    a, b = _stepped(left.x, kinds[0], op, left=True), _stepped(right.x, kinds[1], op, left=False)
    return ~pl.when(small).then(_whole_compare(left, op, right, a, b)).otherwise(compare(*floats)), judged


def _whole_compare(left: Key, op: str, right: Key, a: pl.Expr, b: pl.Expr) -> pl.Expr:
    held: pl.Expr = _OPERATORS[op](a, b)
    fraction = right.x if kind_of(right.dtype) is Kind.FLOAT else left.x
    if op == "==":
        return held & (fraction == fraction.floor())
    return held | (fraction != fraction.floor()) if op == "!=" else held


def _stepped(x: pl.Expr, kind: Kind, op: str, *, left: bool) -> pl.Expr:
    """Return a side as a whole number: n >= 2.5 is n >= 3, n > 2.5 is n > 2, and the other way round on the left."""
    if kind is not Kind.FLOAT:
        return x.cast(pl.Int128)
    up = (op in (">=", "<")) if not left else (op in ("<=", ">"))
    return (x.ceil() if up else x.floor()).cast(pl.Int128, strict=False)


def _row_sum(check: Check, context: Context) -> RowTest:
    told, parts = check.arguments, check.columns
    assert isinstance(told, RowSum)
    names = (*parts, told.total)
    for name in names:
        if not context.kind(name).is_number:
            raise CannotJudge(f"{name!r} holds {context.kind(name).value} values, which cannot be added up")
    judged = pl.all_horizontal([column(name).is_not_null() for name in names])
    values = [_addend(name, context, names) for name in names]
    total = values.pop()
    added = values[0]
    for value in values[1:]:
        added = added + value
    kinds = {context.kind(name) for name in names}
    failing = _apart(added, total, values, told.tolerance, kinds) & (added != total)
    within = f" within {shown(told.tolerance)}" if told.tolerance else ""
    return RowTest(failing, f"such that {' + '.join(parts)} = {told.total}{within}", judged=judged, show=names)


def _apart(
    added: pl.Expr, total: pl.Expr, values: list[pl.Expr], tolerance: Decimal | int, kinds: set[Kind]
) -> pl.Expr:
    """Return where a sum misses its total by more than the tolerance."""
    apart = (added - total).abs()
    if Kind.FLOAT in kinds:
        # Each addition rounds by at most half a unit in the last place of what it adds up (Higham 2002, chapter 4).
        size = pl.sum_horizontal([value.abs() for value in (*values, total)])
        allowed = pl.lit(float(tolerance)) + size * ((len(values) + 1) * 2.0**-52)
        return (apart > allowed) | apart.is_infinite()
    # Whole numbers miss by whole numbers, so that the rest of the tolerance makes no difference.
    return apart > (_decimal(tolerance) if Kind.DECIMAL in kinds else pl.lit(int(tolerance)))


def _decimal(value: Decimal | int) -> pl.Expr:
    exponent = Decimal(value).as_tuple().exponent
    return pl.lit(Decimal(value), dtype=pl.Decimal(38, max(-int(exponent), 0)))


def _addend(name: str, context: Context, names: tuple[str, ...]) -> pl.Expr:
    kinds = {context.kind(other) for other in names}
    if Kind.FLOAT in kinds:
        return column(name).cast(pl.Float64)
    if Kind.DECIMAL in kinds:
        scale = max(getattr(context.schema[other], "scale", 0) for other in names)
        return column(name).cast(pl.Decimal(38, scale))
    return column(name).cast(pl.Int128)


def _holds(check: Check, context: Context) -> RowTest | QuestionTest:
    told = check.arguments
    assert isinstance(told, Holds)
    return _of_expression(expression(told.condition, context), told.condition, check, context)


def _of_expression(condition: pl.Expr, text: str, check: Check, context: Context) -> RowTest | QuestionTest:
    show = tuple(dict.fromkeys(condition.meta.root_names()))
    expected = f"such that {text}"
    if may_stop(condition):
        return QuestionTest(Rowwise(look(check, context, show), ~condition, condition.is_not_null(), show), expected)
    return RowTest(~condition, expected, judged=condition.is_not_null(), show=show)


def _determines(check: Check, context: Context) -> QuestionTest:
    told, names = check.arguments, check.columns
    assert isinstance(told, Determines)
    then = (told.then,) if isinstance(told.then, str) else told.then
    both = next((name for name in then if name in names), None)
    if both is not None or not then:
        raise CannotJudge(
            f"{both!r} stands on both sides" if both else "no column is named that follows", hint="write then: column"
        )
    seen = look(check, context, (*names, *then))
    keys, values = (tuple(plain(column(n), context.dtype(n)) for n in side) for side in (names, then))
    say = not any(context.kind(name).is_nested or context.kind(name) is Kind.BINARY for name in then)
    question = Minority(seen, keys, values, (*names, *then), say=say)
    return QuestionTest(question, f"the usual {', '.join(then)} of their {', '.join(names)}")


def _calls(check: Check, context: Context) -> Test:
    """Call a person's function with the lazy rows, and make a test of what it returns."""
    told = check.arguments
    assert isinstance(told, Calls)
    name = told.function
    if name not in context.functions:
        raise CannotJudge(
            f"there is no function {name!r}",
            hint=f"pass it: functions={{{name!r}: …}}; {nearest(name, context.functions)}",
        )
    seen = look(check, context, check.columns or tuple(context.schema))
    rows = seen.of(context.dataset.scan().with_row_index(ROW)).drop(ROW)
    try:
        answered = context.functions[name](rows)
    except Exception as error:  # a person's function may raise anything: it is this check's error and no other's
        raise CannotJudge(f"the function {name!r} raised {type(error).__name__}: {first_line(error)}") from None
    expected = f"accepted by {name}"
    if isinstance(answered, bool):
        answered = Judged(answered, why=f"{name} answered {answered}")
    if isinstance(answered, Judged):
        return _concluded(answered, expected, check)
    if isinstance(answered, pl.Expr):
        show = tuple(n for n in dict.fromkeys(answered.meta.root_names()) if n in seen.schema)
        return QuestionTest(Rowwise(seen, answered, answered.is_not_null(), show), expected)
    raise CannotJudge(
        f"the function {name!r} returned a {type(answered).__name__}",
        hint="return a Polars expression that is true where a row fails, a bool, or assay.checks.check.Judged",
    )


def _concluded(judged: Judged, expected: str, check: Check) -> StateTest | QuestionTest:
    observed = judged.observed or Estimate(None, n=0, why="the function says no number")
    kept = Judged(judged.holds, observed, judged.why, judged.n_rows, judged.n_failing, judged.examples)
    if check.where:  # a state takes no filter; the function has already been given the filtered rows
        return QuestionTest(Settled(), expected, lambda _: kept)
    return StateTest((), lambda _: kept, expected)


RULES = rules(
    Rule("compare", "crosscolumn", "One column compares with another in each row.", _compare, Compare, on="table", bare=("relation",)),
    Rule("row_sum", "crosscolumn", "Columns add up to a total in each row.", _row_sum, RowSum, on="columns"),
    Rule("holds", "crosscolumn", "A condition in SQL holds in each row.", _holds, Holds, on="table", bare=("condition",)),
    Rule("determines", "crosscolumn", "Rows with the same key have the same value.", _determines, Determines, on="columns"),
    Rule("calls", "crosscolumn", "A Python function accepts the rows.", _calls, Calls, on="table", bare=("function",)),
)  # fmt: skip
