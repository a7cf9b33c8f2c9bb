"""Questions about two tables: whether they hold the same rows, and whether a number of one equals that of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from assay.checks.questions import EXAMPLES, SHOWN, Frames, Look
from assay.data.engine import ROW

__all__ = ["Differences", "Totals"]


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Which rows, matched by their key, differ between two tables, or occur in one of them only?

    `pairs` are the compared columns: their name, and the two sides in one type. Missing equals missing; numbers are
    equal within `tolerance`. A row whose key has a missing part matches nothing.
    """

    look: Look
    keys: tuple[tuple[str, pl.Expr, pl.Expr], ...]
    pairs: tuple[tuple[str, pl.Expr, pl.Expr, bool], ...]
    other: str
    other_look: Look
    tolerance: Decimal | int = 0

    @property
    def columns(self) -> Sequence[str]:
        """Return the columns of the dataset that are read."""
        return list(self.look.schema)

    def _matched(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        """Return all rows of both sides, those with equal keys beside each other, and whether they differ."""
        names = [f"__k{i}__" for i in range(len(self.keys))]
        here = self.look.of(rows).select(
            pl.col(ROW), *(x.alias(f"__k{i}__") for i, (_, x, _) in enumerate(self.keys)),
            *(x.alias(f"__a{i}__") for i, (_, x, _, _) in enumerate(self.pairs)),
        )  # fmt: skip
        there = self.other_look.of(others[self.other]).select(
            pl.col(ROW).alias("__there__"), *(y.alias(f"__k{i}__") for i, (_, _, y) in enumerate(self.keys)),
            *(y.alias(f"__b{i}__") for i, (_, _, y, _) in enumerate(self.pairs)),
        )  # fmt: skip
        return here.join(there, on=names, how="full", coalesce=True).with_columns(differs=self._differs())

    def _differs(self) -> pl.Expr:
        different = [self._unequal(i, is_number) for i, (_, _, _, is_number) in enumerate(self.pairs)]
        values = pl.any_horizontal(different) if different else pl.lit(value=False)
        return pl.col(ROW).is_null() | pl.col("__there__").is_null() | values

    def _unequal(self, place: int, is_number: bool) -> pl.Expr:
        a, b = pl.col(f"__a{place}__"), pl.col(f"__b{place}__")
        if not is_number or not self.tolerance:
            return a.ne_missing(b)
        apart = (a - b).abs() > float(self.tolerance)
        return (a.is_null() != b.is_null()) | (apart & (a != b)).fill_null(value=False)

    def query(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        """Return the query of the answer's one row; `repeated` counts rows whose key occurs more than once."""
        matched = self._matched(rows, others)
        broken = matched.filter("differs")
        counts = matched.select(
            pl.len().alias("judged"), pl.col("differs").sum().alias("failing"),
            pl.col(ROW).is_null().sum().alias("only_there"), pl.col("__there__").is_null().sum().alias("only_here"),
            (pl.col(ROW).drop_nulls().len() - pl.col(ROW).drop_nulls().n_unique()
             + pl.col("__there__").drop_nulls().len() - pl.col("__there__").drop_nulls().n_unique()).alias("repeated"),
        )  # fmt: skip
        first = broken.select(self._shown()).sort(ROW, nulls_last=True).head(EXAMPLES)
        return pl.concat([counts, first.select(pl.struct(pl.all()).implode().alias("examples"))], how="horizontal")

    def _shown(self) -> list[pl.Expr]:
        named = []
        for i, (name, _, _, is_number) in enumerate(self.pairs):
            named.append(pl.when(self._unequal(i, is_number)).then(pl.lit(name)))
        where = pl.concat_str(named, separator=", ", ignore_nulls=True) if named else pl.lit("")
        both = pl.format("differs in {}", where)
        alone = pl.when(pl.col(ROW).is_null()).then(
            pl.format("only in {}: row {}", pl.lit(self.other), pl.col("__there__"))
        )
        why = alone.when(pl.col("__there__").is_null()).then(pl.lit(f"not in {self.other}")).otherwise(both)
        keys = [pl.col(f"__k{i}__").alias(name) for i, (name, _, _) in enumerate(self.keys[:SHOWN])]
        return [pl.col(ROW), *keys, why.alias("__why__")]

    def failing(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return the numbers of this dataset's rows that differ, or that the other lacks."""
        return self._matched(rows, others).filter(pl.col("differs") & pl.col(ROW).is_not_null()).select(ROW).unique()


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """What is a number of this dataset, and of the other? `here` and `there` are the expressions that give it."""

    look: Look
    here: pl.Expr
    other: str
    other_look: Look
    there: pl.Expr

    @property
    def columns(self) -> Sequence[str]:
        """Return the columns of the dataset that are read."""
        return list(self.look.schema)

    def query(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        """Return the query of the answer's one row: `here`, `there`, and how many rows each saw."""
        mine = self.look.of(rows).select(self.here.alias("here"), pl.len().alias("rows_here"))
        theirs = self.other_look.of(others[self.other]).select(self.there.alias("there"), pl.len().alias("rows_there"))
        return pl.concat([mine, theirs], how="horizontal")

    def failing(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return None: the answer is not about rows."""
        return None
