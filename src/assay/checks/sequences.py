"""Questions about how rows follow one another in time, of one entity or of each of many.

Order is judged as the rows stand; gaps, frequency and overlaps of rows sorted by time, and the outcome says where that
was another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

import polars as pl

from assay.checks.bounds import shown
from assay.checks.check import Check, Judged
from assay.checks.questions import Frames, Look, RowsQuestion
from assay.checks.rows import rows_judged
from assay.checks.shares import percent
from assay.codec import format_duration
from assay.data.engine import ROW, Answer
from assay.data.names import col as column
from assay.profiles.physical import unit_of
from assay.verdict import Estimate, Example

__all__ = ["Gaps", "Ordered", "Overlaps", "Regular", "Series", "judge_gaps", "judge_regular"]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A column whose values follow one another, and the columns that tell entities apart."""

    look: Look
    time: str
    by: tuple[str, ...]

    @property
    def dtype(self) -> pl.DataType:
        """Return the type of the values."""
        return self.look.schema[self.time]

    def standing(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows that have a value and an entity, in the order in which they stand."""
        there = [column(name).is_not_null() for name in (self.time, *self.by)]
        return self.look.of(rows).filter(pl.all_horizontal(there)).sort(ROW)

    def sorted(self, rows: pl.LazyFrame, *last: str) -> pl.LazyFrame:
        """Return the same rows sorted by entity, by time, then by other columns; `__fell__` where a row stood too late."""
        standing = self.standing(rows)
        fell = (column(self.time) < self.per(column(self.time).shift(1))).fill_null(value=False)
        keys = [column(name) for name in (*self.by, self.time, *last)]
        return standing.with_columns(fell.alias("__fell__")).sort(*keys, pl.col(ROW))

    def per(self, expression: pl.Expr) -> pl.Expr:
        """Return an expression within each entity."""
        return expression.over([column(name) for name in self.by]) if self.by else expression

    def shown(self, *more: pl.Expr) -> list[pl.Expr]:
        """Return what an example row shows."""
        return [pl.col(ROW), *(column(name) for name in (self.time, *self.by)), *more]


@dataclass(frozen=True, slots=True, eq=False)
class Ordered(RowsQuestion):
    """Which rows come too early (rising) or too late (falling) after the row before them, of the same entity?"""

    series: Series
    direction: Literal["rising", "falling"]
    strict: bool

    @property
    def columns(self) -> Sequence[str]:
        return list(self.series.look.schema)

    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        return self.series.standing(rows).select(pl.len().alias("judged"))

    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        x, before = column(self.series.time), pl.col("__before__")
        seen = self.series.standing(rows).with_columns(self.series.per(x.shift(1)).alias("__before__"))
        wrong = x < before if self.direction == "rising" else x > before
        wrong = wrong | (x == before) if self.strict else wrong
        return seen.filter(wrong).select(self.series.shown(pl.format("it was {} before", before).alias("__why__")))


@dataclass(frozen=True, slots=True, eq=False)
class Gaps(RowsQuestion):
    """Which instants come too long after the one before them, sorted by time?"""

    series: Series
    most: timedelta

    @property
    def columns(self) -> Sequence[str]:
        return list(self.series.look.schema)

    def _steps(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        x = column(self.series.time)
        before = self.series.per(x.shift(1)).alias("__before__")
        return self.series.sorted(rows).with_columns(before).with_columns((x - pl.col("__before__")).alias("__step__"))

    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        widest = pl.col("__step__").max().dt.total_microseconds().alias("widest")
        return self._steps(rows).select(pl.len().alias("judged"), widest, pl.col("__fell__").sum().alias("fell"))

    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        wide = self._steps(rows).filter(pl.col("__step__") > self.most)
        why = pl.format("{} after {}", pl.col("__step__").dt.to_string("polars"), pl.col("__before__"))
        return wide.select(self.series.shown(why.alias("__why__")))


def judge_gaps(check: Check, most: timedelta, answer: Answer) -> Judged:
    """Judge how many gaps are wider than a bound; the tolerance is of instants, and the widest gap is observed."""
    row = answer.row or {}
    if row["widest"] is None:
        why = "no two rows have a value" if row["judged"] else "no row has a value"
        return Judged(
            None, Estimate(None, n=row["judged"], why=why), f"there is no gap to judge: {why}", row["judged"], 0
        )
    judged = _counted(check, row)
    widest = format_duration(timedelta(microseconds=row["widest"]))
    wide = f"{row['failing']:,} {'gap is' if row['failing'] == 1 else 'gaps are'} wider than {format_duration(most)}; "
    gaps = wide if row["failing"] else ""
    why = f"{gaps}the widest gap between {row['judged']:,} instants is {widest}{_order_words(row)}"
    return replace(judged, observed=Estimate(widest, n=row["judged"]), why=why)


def _counted(check: Check, row: Mapping[str, Any]) -> Judged:

    examples = tuple(_example(item) for item in row["examples"] or ())
    return rows_judged(check, "", judged=row["judged"], failing=row["failing"], examples=examples)


def _example(item: Mapping[str, Any]) -> Example:
    values = dict(item)
    return Example(values.pop(ROW), values, values.pop("__why__"))


def _order_words(row: Mapping[str, Any]) -> str:
    return f"; the rows do not stand in order of time ({row['fell']:,} go back) and were sorted" if row["fell"] else ""


@dataclass(frozen=True, slots=True, eq=False)
class Regular(RowsQuestion):
    """Which instants are missing from a fixed step, and which are off it? Repeated instants count once.

    With `local` the step is counted by the clock on the wall, so that a day is a day where the clocks change.
    """

    series: Series
    every: timedelta
    local: bool = False

    @property
    def columns(self) -> Sequence[str]:
        return list(self.series.look.schema)

    def _steps(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        x = column(self.series.time)
        wall = x.dt.replace_time_zone(None) if self.local else x
        place = wall.to_physical().cast(pl.Int64).alias("__place__")
        ordered = self.series.sorted(rows).with_columns(place)
        step = int(self.every / timedelta(microseconds=1) / unit_of(self.series.dtype))
        gone = pl.col("__place__") - self.series.per(pl.col("__place__").shift(1))
        return ordered.with_columns(
            self.series.per(x.shift(1)).alias("__before__"), gone.alias("__gone__"),
            pl.when(gone > 0).then(((gone + step // 2) // step - 1).clip(lower_bound=0)).otherwise(0).alias("__missing__"),
            ((gone % step) != 0).fill_null(value=False).alias("__off__"),
        )  # fmt: skip

    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        new = (pl.col("__gone__").is_null() | (pl.col("__gone__") > 0)).sum().cast(pl.Int64)
        missing = pl.col("__missing__").sum().cast(pl.Int64)
        x = column(self.series.time)
        return self._steps(rows).select(
            (new + missing).alias("judged"), missing.alias("missing"), (pl.col("__missing__") > 0).sum().alias("holes"),
            pl.col("__off__").sum().alias("off"),
            (pl.len() - new).alias("repeated"),
            pl.col("__fell__").sum().alias("fell"), x.min().alias("first"), x.max().alias("last"),
        )  # fmt: skip

    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        holes = self._steps(rows).filter((pl.col("__missing__") > 0) | pl.col("__off__"))
        missing, before = pl.col("__missing__"), pl.col("__before__")
        off = pl.when(pl.col("__off__") & (missing == 0)).then(pl.format("off the step after {}", before))
        one = off.when(missing == 1).then(pl.format("1 instant is missing after {}", before))
        why = one.otherwise(pl.format("{} instants are missing after {}", missing, before))
        return holes.select(self.series.shown(why.alias("__why__")))

    def failing(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return None: an instant that is missing has no row."""
        return None


def judge_regular(check: Check, every: timedelta, answer: Answer) -> Judged:
    """Judge how many instants are missing from, or off, a fixed step; the tolerance is of instants expected."""
    row = dict(answer.row or {})
    if not row["judged"]:
        return Judged(
            None, Estimate(None, n=0, why="no row has a value"), "there is no step to judge: no row has a value", 0, 0
        )
    row["failing"] = row["missing"] + row["off"]
    judged = _counted(check, row)
    share = row["missing"] / row["judged"]
    step, first, last = format_duration(every), shown(row["first"]), shown(row["last"])
    said = [
        f"{row['missing']:,} of {row['judged']:,} instants expected every {step} from {first} to {last} are missing"
    ]
    if row["missing"]:
        said[0] += f" ({percent(share)}, in {row['holes']:,} places)"
    said += [f"{row['off']:,} are off the step"] if row["off"] else []
    said += [f"{row['repeated']:,} rows repeat an instant, which counts once"] if row["repeated"] else []
    observed = Estimate(share, n=row["judged"], unit="share of instants missing")
    return replace(judged, observed=observed, why="; ".join(said) + _order_words(row))


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps(RowsQuestion):
    """Which intervals start before an earlier one of the same entity has ended, or end before they start?

    Two may touch. An interval without a start or an end is not judged.
    """

    look: Look
    start: str
    end: str
    by: tuple[str, ...]

    @property
    def columns(self) -> Sequence[str]:
        return list(self.look.schema)

    def _whole(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        there = [column(name).is_not_null() for name in (self.start, self.end, *self.by)]
        return self.look.of(rows).filter(pl.all_horizontal(there))

    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        return self._whole(rows).select(pl.len().alias("judged"))

    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        start, end, by = column(self.start), column(self.end), [column(name) for name in self.by]
        ordered = self._whole(rows).sort(*by, start, end, pl.col(ROW))
        ended = end.to_physical().cum_max().shift(1)
        seen = ordered.with_columns((ended.over(by) if by else ended).alias("__ended__"))
        backwards = end < start
        wrong = backwards | (start.to_physical() < pl.col("__ended__")).fill_null(value=False)
        why = (
            pl.when(backwards)
            .then(pl.lit("it ends before it starts"))
            .otherwise(pl.lit("it starts before an earlier one has ended"))
        )
        shown = [pl.col(ROW), *(column(name) for name in (self.start, self.end, *self.by)), why.alias("__why__")]
        return seen.filter(wrong).select(shown)
