"""Checks of uniqueness: keys, duplicate rows, nearly duplicate rows, columns that differ within a row.

Where rows repeat one another, the first is left alone and each later one fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

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
    Shortcut,
    rules,
)
from assay.checks.keys import Key, alike, near, plain
from assay.checks.questions import Repeats, examples_of, look
from assay.checks.shares import Share, check_shares, share_estimate, share_in
from assay.data.engine import Answer
from assay.data.kinds import Kind
from assay.data.names import col as column
from assay.profiles.column import Need
from assay.profiles.states import Order
from assay.verdict import Estimate

__all__ = ["RULES", "Duplicates", "NearDuplicates", "Unique"]

_ORDERED = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL, Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION})


class Unique(Arguments, frozen=True):
    """Whether a missing value repeats another missing value; without it, missing values are not judged."""

    missing_equal: bool = False


class Duplicates(Arguments, frozen=True):
    """How many rows may repeat an earlier one, as rows or as a share in [0, 1]; none where neither is said."""

    at_most_rows: int | None = None
    at_most_share: Share | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at_most_rows is not None and self.at_most_rows < 0:
            raise ValueError(f"at_most_rows is {self.at_most_rows}; rows are counted from 0 up")
        check_shares(at_most_share=self.at_most_share)


class NearDuplicates(Duplicates, frozen=True):
    """How many rows may nearly repeat an earlier one, and to how many decimal places floats are rounded first."""

    decimals: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.decimals <= 15:
            raise ValueError(f"decimals is {self.decimals}; it lies between 0 and 15")


def _keys(columns: Sequence[str], context: Context) -> tuple[pl.Expr, ...]:
    return tuple(plain(column(name), context.dtype(name)) for name in columns)


def _unique(check: Check, context: Context) -> QuestionTest:
    told = check.arguments
    assert isinstance(told, Unique)
    return _unique_test(check, context, missing_equal=told.missing_equal)


def _unique_test(check: Check, context: Context, *, missing_equal: bool) -> QuestionTest:
    names = check.columns
    question = Repeats(look(check, context, names), _keys(names, context), names, "equal" if missing_equal else "skip")
    shortcut = None if missing_equal else _strictly_ordered(check, context)
    return QuestionTest(question, "unique" if len(names) == 1 else "unique together", shortcut=shortcut)


def _strictly_ordered(check: Check, context: Context, *, complete: bool = False) -> Shortcut | None:
    """Return the proof without a second scan: values that only rise, or only fall, do not repeat."""
    if len(check.columns) != 1 or check.where or context.kind(check.columns[0]) not in _ORDERED:
        return None

    def judge(state: Order) -> Judged | None:
        if len(state.segments) != 1:
            return None
        whole = state.whole
        if (
            whole.n == 0
            or whole.ties
            or (whole.falls and whole.rises)
            or (complete and whole.n < whole.stop - whole.start)
        ):
            return None
        step = "falls below" if whole.falls else "rises above"
        observed = Estimate(0.0, n=whole.n, unit="share of rows failing")
        return Judged(True, observed, f"all {whole.n:,} values differ: each {step} the one before", whole.n, 0)

    return Shortcut(Need("order", check.columns), judge)


def _key(check: Check, context: Context) -> QuestionTest:
    names = check.columns
    question = Repeats(look(check, context, names), _keys(names, context), names, "fail")
    return QuestionTest(question, "unique and present", shortcut=_strictly_ordered(check, context, complete=True))


def _columns(check: Check, context: Context) -> tuple[str, ...]:
    names = check.columns or tuple(context.schema)
    if not names:
        raise CannotJudge("the dataset has no columns")
    return names


def _duplicates(check: Check, context: Context) -> QuestionTest:
    names = _columns(check, context)
    question = Repeats(look(check, context, names), _keys(names, context), names, "equal")
    return _bounded(question, check, word="repeat an earlier row")


def _near_duplicates(check: Check, context: Context) -> QuestionTest:
    told, names = check.arguments, _columns(check, context)
    assert isinstance(told, NearDuplicates)
    keys = tuple(near(column(name), context.dtype(name), decimals=told.decimals) for name in names)
    question = Repeats(look(check, context, names), keys, names, "equal")
    return _bounded(question, check, word="nearly repeat an earlier row")


def _bounded(question: Repeats, check: Check, *, word: str) -> QuestionTest:
    """Return a test that holds while no more rows fail than is told; where nothing is, than the check tolerates."""
    told = check.arguments
    assert isinstance(told, Duplicates)
    rows, share = told.at_most_rows, told.at_most_share
    if rows is None and share is None:
        rows, share = check.tolerate_rows, check.tolerate_share
    limits = [f"{rows:,} rows"] if rows else []
    limits += [f"a share of {shown(share)}"] if share else []
    expected = f"at most {' or '.join(limits)} that {word}" if limits else f"no rows that {word}"
    return QuestionTest(question, expected, _judge_repeats(rows or 0, share or 0, word))


def _judge_repeats(rows: int, share: Share, word: str) -> Callable[[Answer], Judged]:
    def judge(answer: Answer) -> Judged:
        row = answer.row or {}
        judged, failing = row.get("judged") or 0, row.get("failing") or 0
        if judged == 0:
            return Judged(None, Estimate(None, n=0, why="no row was judged"), "there is no row to judge", 0, 0)
        holds = failing <= rows or share_in(failing, judged, None, share)
        observed = share_estimate(failing, judged, f"share of rows that {word}")
        return Judged(holds, observed, f"{failing:,} of {judged:,} rows {word}", judged, failing, examples_of(answer))

    return judge


def _differ_in_row(check: Check, context: Context) -> RowTest:
    names = check.columns
    if len(names) < 2:
        raise CannotJudge(
            f"differ_in_row compares columns with one another and is given {len(names)}", hint="write columns: [a, b]"
        )
    pairs = [alike(_key_of(a, context), _key_of(b, context)) for a, b in combinations(names, 2)]
    failing = pl.any_horizontal([(a == b).fill_null(value=False) for a, b in pairs])
    judged = pl.any_horizontal([a.is_not_null() & b.is_not_null() for a, b in pairs])
    return RowTest(failing, "different within the row", judged=judged, show=names)


def _key_of(name: str, context: Context) -> Key:
    return Key(column(name), context.dtype(name), repr(name))


RULES = rules(
    Rule("unique", "uniqueness", "No value occurs twice.", _unique, Unique),
    Rule("key", "uniqueness", "Columns together tell rows apart, and none of them is missing.", _key, on="columns"),
    Rule("unique_together", "uniqueness", "No combination of values occurs twice.", _unique, Unique, on="columns"),
    Rule(
        "duplicates",
        "uniqueness",
        "Few rows, or none, repeat an earlier one (missing values equal each other).",
        _duplicates,
        Duplicates,
        on="table",
    ),
    Rule(
        "near_duplicates",
        "uniqueness",
        "Few rows, or none, repeat an earlier one once case, spaces and punctuation are taken out of text and floats are rounded.",
        _near_duplicates,
        NearDuplicates,
        on="table",
    ),
    Rule(
        "differ_in_row", "uniqueness", "Columns differ from one another within each row.", _differ_in_row, on="columns"
    ),
)
