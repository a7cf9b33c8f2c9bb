"""Checks of two columns together: how strongly numbers correlate, and categories associate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from assay.checks.check import CannotJudge, Check, Context, Judged, QuestionTest, Rule, StateTest
from assay.checks.questions import Frames, Look, look
from assay.checks.ranges import Range, Ranged
from assay.checks.readings import NUMBERS, WORDS, Reading
from assay.data.engine import Answer
from assay.data.kinds import Kind
from assay.data.names import col as column
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.stats import intervals

__all__ = ["ASSOCIATIONS", "Contingency"]


def _pair(check: Check) -> tuple[str, str]:
    if len(check.columns) != 2 or check.columns[0] == check.columns[1]:
        raise CannotJudge(
            f"{check.rule} is about two columns and {len(set(check.columns))} was named", hint="write columns: [a, b]"
        )
    return check.columns[0], check.columns[1]


def _plan_correlation(check: Check, context: Context) -> StateTest:
    pair, told = _pair(check), check.arguments
    assert isinstance(told, Range)
    ranged = Ranged.of(told, context.dtype(pair[0]), column=pair[0], scale="number", called="the correlation")
    need = Need("comoments", pair)
    return StateTest((need,), partial(_judge_correlation, ranged, need), ranged.expected)


def _judge_correlation(ranged: Ranged, need: Need, measured: Measured) -> Judged:
    both = measured.states[need]
    if (r := both.correlation) is None:
        constant = next((name for name, m2 in zip(need.columns, (both.m2_a, both.m2_b), strict=True) if m2 == 0), "")
        few = f"{both.n} {'row has' if both.n == 1 else 'rows have'} both values; it takes 2"
        why = f"{constant} does not vary" if constant else "the values are too large or too close for it"
        return ranged.undefined(Reading(None, both.n, few if both.n < 2 else why))
    return ranged.judge(Reading(r, both.n), intervals.correlation(r, both.n, confidence=ranged.confidence))


@dataclass(frozen=True, slots=True, eq=False)
class Contingency:
    """How often pairs of values occur together: rows with both, different values of each, and Σ n²ᵢⱼ / (nᵢ · nⱼ)."""

    look: Look
    pair: tuple[str, str]

    @property
    def columns(self) -> Sequence[str]:
        """Return the columns that are read."""
        return list(self.look.schema)

    def query(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        """Return the query of the answer's one row."""
        a, b = (column(name) for name in self.pair)
        pairs = self.look.of(rows).select(a.alias("a"), b.alias("b")).drop_nulls()
        cells = pairs.group_by("a", "b").agg(pl.len().cast(pl.Float64).alias("n"))
        within = pl.col("n").sum()
        shares = cells.with_columns(within.over("a").alias("of_a"), within.over("b").alias("of_b"))
        squares = (pl.col("n") * pl.col("n") / (pl.col("of_a") * pl.col("of_b"))).sum()
        return shares.select(
            within.cast(pl.Int64).alias("judged"), pl.lit(0).alias("failing"), pl.col("a").n_unique().alias("of_a"),
            pl.col("b").n_unique().alias("of_b"), squares.alias("squares"),
        )  # fmt: skip

    def failing(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return None: the answer is not about rows."""
        return None

    def glance(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return no cheaper query: there is none."""
        return None


def _plan_association(check: Check, context: Context) -> QuestionTest:
    pair, told = _pair(check), check.arguments
    assert isinstance(told, Range)
    if told.confidence is not None:
        raise CannotJudge(
            "association has no interval", hint="leave confidence out, and the rows that are there are judged"
        )
    ranged = Ranged.of(
        told, context.dtype(pair[0]), column=pair[0], scale="number", called="the association (Cramér's V)"
    )
    return QuestionTest(
        Contingency(look(check, context, pair), pair), ranged.expected, partial(_judge_association, ranged)
    )


def _judge_association(ranged: Ranged, answer: Answer) -> Judged:
    """Judge Cramér's V = √(φ² / min(r - 1, c - 1)), φ² = Σ n²ᵢⱼ / (nᵢ · nⱼ) - 1, of r by c different values."""
    row = answer.row or {}
    n, values = row["judged"] or 0, min(row["of_a"], row["of_b"])
    if values < 2:
        return ranged.undefined(Reading(None, n, "one of the columns does not vary" if n else "no row has both values"))
    v = math.sqrt(min(max(row["squares"] - 1, 0.0) / (values - 1), 1.0))
    return ranged.judge(Reading(v, n), None)


_COUNTED = WORDS | {Kind.DATE}
ASSOCIATIONS = (
    Rule(
        "correlation", "statistics", "Pearson's correlation of two columns lies in a range.", _plan_correlation, Range,
        on="columns", kinds=NUMBERS | {Kind.BOOLEAN},
    ),
    Rule(
        "association", "statistics", "Cramér's V of two columns of categories lies in a range.", _plan_association, Range,
        on="columns", kinds=_COUNTED,
    ),
)  # fmt: skip
