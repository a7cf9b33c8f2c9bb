"""Checks for leakage: rows, keys and entities on both sides of a split, features that know the label, times out of order.

The two sides are the dataset and another one (`other`; where it is not said, the dataset called "reference"), or the
parts that a `split` column tells apart (where it is not said, the column with that role).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
import polars as pl

from assay.checks.bounds import shown
from assay.checks.check import (
    Arguments,
    Bound,
    CannotJudge,
    Check,
    Context,
    Judged,
    QuestionTest,
    RowTest,
    Rule,
    rules,
)  # fmt: skip
from assay.checks.keys import Key, alike, near, plain
from assay.checks.power import powers
from assay.checks.questions import Frames, Look, Lookup, Minority, Parts, RowsQuestion, look, look_at_other
from assay.checks.relations import other_dataset
from assay.checks.shares import check_shares
from assay.codec import parse_duration
from assay.data.engine import ROW, Answer
from assay.data.kinds import Kind, kind_of
from assay.data.names import col as column
from assay.verdict import Estimate

__all__ = ["RULES", "AsOf", "ConflictingLabels", "NearSides", "Sides", "TimeSplit", "TooGood"]

REFERENCE = "reference"
PARTS = ("train", "training", "validation", "valid", "val", "dev", "test", "holdout")
SAMPLE = 200_000
CELLS = 20_000_000


class Sides(Arguments, frozen=True):
    """The other side: another dataset by its name, or a column that tells the parts of this one apart."""

    other: str = ""
    split: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.other and self.split:
            raise ValueError("give other or split, not both")


class NearSides(Sides, frozen=True):
    """The other side, and to how many decimal places floats are rounded before rows are compared."""

    decimals: int = 2


def _span(name: str, told: Bound) -> timedelta:
    """Return a span of time that was told as one, or as text ("24h"); raise ValueError where it is none, or below 0."""
    if isinstance(told, str):
        told = parse_duration(told)
    if not isinstance(told, timedelta) or told < timedelta(0):
        raise ValueError(f"{name} is {shown(told)}; expected a span of time of 0 or more, such as 24h")
    return told


class TimeSplit(Sides, frozen=True):
    """The other side is the earlier one; of parts, `order` says which comes first. `gap` lies between them at least."""

    gap: Bound = timedelta(0)
    order: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "gap", _span("gap", self.gap))


class AsOf(Arguments, frozen=True):
    """The column with the event's time, which no feature's time may pass by more than `slack`."""

    event: str = ""
    slack: Bound = timedelta(0)

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "slack", _span("slack", self.slack))


class TooGood(Arguments, frozen=True):
    """The label, the greatest power that a single feature may have, and the seed of the sample."""

    label: str = ""
    at_most: Decimal | int = Decimal("0.98")
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shares(at_most=self.at_most)


class ConflictingLabels(Arguments, frozen=True):
    """The label; where it is not said, the column with that role."""

    label: str = ""


def _split_of(told: Sides, context: Context) -> str | None:
    """Return the column that tells the parts apart; None where the other side is another dataset."""
    if told.other:
        context.other(told.other)
        return None
    if told.split:
        context.kind(told.split)
        return told.split
    if context.roles.split:
        return context.roles.split
    if REFERENCE in context.others:
        return None
    raise CannotJudge(
        "there is no other side to look at", hint="name a dataset by other: NAME, or a column by split: NAME"
    )


def _sides(
    check: Check, context: Context, columns: Sequence[str], *, rows: bool, decimals: int | None = None
) -> QuestionTest:
    """Return a test that keys of these columns stand on one side only; with `rows` missing values equal each other."""
    told = check.arguments
    assert isinstance(told, Sides)
    split = _split_of(told, context)
    if split is not None:
        names = tuple(name for name in columns if name != split)
        keys = tuple(_form(name, context.schema, decimals) for name in names)
        seen = look(check, context, (*names, split))
        expected = f"kept apart by {split} ({_what(names, rows=rows, decimals=decimals)})"
        return QuestionTest(Parts(seen, keys, split, names, nulls_equal=rows), expected)
    name = told.other or REFERENCE
    return _against(check, context, name, columns, rows=rows, decimals=decimals)


def _against(
    check: Check, context: Context, name: str, columns: Sequence[str], *, rows: bool, decimals: int | None
) -> QuestionTest:
    other = other_dataset(name, context, ())
    if not check.columns and rows:  # whole rows are compared by what both have
        columns = [column_name for column_name in columns if column_name in other.schema]
    other_dataset(name, context, columns)
    if not columns:
        raise CannotJudge(f"this dataset and {name} have no column in common")
    here, there = (
        [Key(_form(c, schema, decimals), schema[c], f"{who}.{c}") for c in columns]
        for schema, who in ((context.schema, context.dataset.name), (other.schema, name))
    )
    pairs = [alike(a, b, nulls_equal=rows) for a, b in zip(here, there, strict=True)]
    question = Lookup(
        look(check, context, columns), tuple(a for a, _ in pairs), name, look_at_other(other.schema, context, columns),
        tuple(b for _, b in pairs), tuple(columns), tuple(columns), found=True, nulls_equal=rows,
    )  # fmt: skip
    return QuestionTest(question, f"kept apart from {name} ({_what(columns, rows=rows, decimals=decimals)})")


def _what(columns: Sequence[str], *, rows: bool, decimals: int | None) -> str:
    """Return in words what is looked for on both sides."""
    if not rows:
        return f"the same {', '.join(columns)}"
    return "the same rows" if decimals is None else "nearly the same rows"


def _form(name: str, schema: Mapping[str, pl.DataType], decimals: int | None) -> pl.Expr:
    dtype = schema[name]
    return plain(column(name), dtype) if decimals is None else near(column(name), dtype, decimals=decimals)


def _content(check: Check, context: Context) -> tuple[str, ...]:
    """Return the columns that make up a row's content: those named, or all but ids and the split."""
    if check.columns:
        return check.columns
    apart = {*context.roles.id, context.roles.split}
    names = tuple(name for name in context.schema if name not in apart)
    if not names:
        raise CannotJudge("no column is left to compare rows by", hint="name columns")
    return names


def _no_shared_rows(check: Check, context: Context) -> QuestionTest:
    return _sides(check, context, _content(check, context), rows=True)


def _no_near_duplicates_across(check: Check, context: Context) -> QuestionTest:
    told = check.arguments
    assert isinstance(told, NearSides)
    return _sides(check, context, _content(check, context), rows=True, decimals=told.decimals)


def _no_shared_keys(check: Check, context: Context) -> QuestionTest:
    names = check.columns or context.roles.id
    if not names:
        raise CannotJudge("there is no key to look at", hint="name its columns, or give a column the role id")
    return _sides(check, context, names, rows=False)


def _no_shared_groups(check: Check, context: Context) -> QuestionTest:
    return _sides(check, context, check.columns, rows=False)


def _label_of(told: str, context: Context) -> str:
    label = told or context.roles.label
    if not label:
        raise CannotJudge("there is no label", hint="name it by label: COLUMN, or give a column the role label")
    context.kind(label)
    return label


def _features(check: Check, context: Context, label: str) -> tuple[str, ...]:
    """Return the columns that are named, or all that may be features: without label, prediction, ids, split and time."""
    if check.columns:
        return tuple(name for name in check.columns if name != label)
    roles = context.roles
    apart = {label, *roles.id, roles.split, roles.prediction, roles.time}
    names = tuple(name for name in context.schema if name not in apart)
    if not names:
        raise CannotJudge("no column is left that may be a feature", hint="name columns")
    return names


def _conflicting_labels(check: Check, context: Context) -> QuestionTest:
    told = check.arguments
    assert isinstance(told, ConflictingLabels)
    label = _label_of(told.label, context)
    names = _features(check, context, label)
    seen = look(check, context, (*names, label))
    keys = tuple(plain(column(name), context.dtype(name)) for name in names)
    values = (plain(column(label), context.dtype(label)),)
    question = Minority(seen, keys, values, (label, *names), nulls_equal=True, say=not context.kind(label).is_nested)
    return QuestionTest(question, f"labelled like the others with the same {len(names)} features")


def _as_of(check: Check, context: Context) -> RowTest:
    told = check.arguments
    assert isinstance(told, AsOf)
    event = told.event or context.roles.time
    if not event:
        raise CannotJudge(
            "there is no time of the event", hint="name it by event: COLUMN, or give a column the role time"
        )
    slack = told.slack
    failing, judged = [], []
    for name in check.columns:
        feature, limit = _times(
            Key(column(name), context.dtype(name), name), Key(column(event), context.dtype(event), event)
        )
        failing.append((feature > limit + pl.lit(slack)).fill_null(value=False))
        judged.append(feature.is_not_null() & limit.is_not_null())
    expected = f"at most {shown(slack)} after {event}" if slack else f"at or before {event}"
    return RowTest(pl.any_horizontal(failing), expected, judged=pl.any_horizontal(judged), show=(*check.columns, event))


def _times(left: Key, right: Key) -> tuple[pl.Expr, pl.Expr]:
    """Return two instants in one type; raise `CannotJudge` where a side is none."""
    for side in (left, right):
        if not kind_of(side.dtype).is_instant:
            raise CannotJudge(f"{side.name} holds {kind_of(side.dtype).value} values; dates or instants are expected")
    a, b = alike(left, right)
    days = kind_of(left.dtype) is Kind.DATE and kind_of(right.dtype) is Kind.DATE
    return (a.cast(pl.Datetime("us")), b.cast(pl.Datetime("us"))) if days else (a, b)


@dataclass(frozen=True, slots=True, eq=False)
class TooEarly(RowsQuestion):
    """Which rows of a later part lie before the end of an earlier one, or in the gap after it?

    The earlier part is another dataset, or, with `order`, each part of the dataset that comes before.
    """

    look: Look
    time: pl.Expr
    gap: timedelta
    show: tuple[str, ...]
    other: str = ""
    other_look: Look | None = None
    other_time: pl.Expr | None = None
    part: str = ""
    order: tuple[str, ...] = ()

    @property
    def columns(self) -> Sequence[str]:
        return list(self.look.schema)

    def _limited(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        """Return the rows that have a time and an earlier part, with the latest time of that."""
        timed = self.look.of(rows).with_columns(self.time.alias("__time__")).filter(pl.col("__time__").is_not_null())
        if self.other_look is not None and self.other_time is not None:
            ends = self.other_look.of(others[self.other]).select(self.other_time.max().alias("__limit__"))
            return timed.join(ends, how="cross").filter(pl.col("__limit__").is_not_null())
        rank = (
            column(self.part)
            .cast(pl.String)
            .replace_strict(list(self.order), list(range(len(self.order))), default=None, return_dtype=pl.Int64)
        )
        ranked = timed.with_columns(rank.alias("__rank__"))
        ends = ranked.group_by("__rank__").agg(pl.col("__time__").max().alias("__end__")).drop_nulls().sort("__rank__")
        ends = ends.select("__rank__", pl.col("__end__").cum_max().shift(1).alias("__limit__"))
        return ranked.join(ends, on="__rank__").filter(pl.col("__limit__").is_not_null())

    def judged(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        return self._limited(rows, others).select(pl.len().alias("judged"))

    def broken(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        time, limit = pl.col("__time__"), pl.col("__limit__")
        early = (time <= limit) | (time < limit + pl.lit(self.gap))
        why = pl.format("the earlier part ends {}", limit.cast(pl.String))
        return (
            self._limited(rows, others)
            .filter(early)
            .select(pl.col(ROW), *(column(name) for name in self.show), why.alias("__why__"))
        )


def _time_split(check: Check, context: Context) -> QuestionTest:
    told = check.arguments
    assert isinstance(told, TimeSplit)
    name = check.columns[0] if check.columns else context.roles.time
    if not name:
        raise CannotJudge("there is no time to split by", hint="name its column, or give a column the role time")
    gap, split = told.gap, _split_of(told, context)
    after = f" by at least {shown(gap)}" if gap else ""
    mine = Key(column(name), context.dtype(name), name)
    if split is None:
        side = told.other or REFERENCE
        other = other_dataset(side, context, (name,))
        here, there = _times(mine, Key(column(name), other.schema[name], f"{side}.{name}"))
        question = TooEarly(
            look(check, context, (name,)), here, gap, (name,), other=side,
            other_look=look_at_other(other.schema, context, (name,)), other_time=there,
        )  # fmt: skip
        return QuestionTest(question, f"after the end of {side}{after}")
    here, _ = _times(mine, mine)
    question = TooEarly(
        look(check, context, (name, split)), here, gap, (split, name), part=split, order=told.order or PARTS
    )
    return QuestionTest(question, f"after the end of the parts before{after}")


@dataclass(frozen=True, slots=True, eq=False)
class Predictors:
    """How well does each feature alone predict the label, on a seeded sample of the rows that have one?"""

    look: Look
    label: pl.Expr
    features: tuple[tuple[str, pl.Expr], ...]
    seed: int
    confidence: float

    @property
    def columns(self) -> Sequence[str]:
        """Return the columns of the dataset that are read."""
        return list(self.look.schema)

    def query(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame:
        """Return the query of the answer's one row: what was measured, on how many rows, and each feature's power."""
        named = [x.alias(str(i)) for i, (_, x) in enumerate(self.features)]
        labelled = (
            self.look.of(rows)
            .select(pl.col(ROW), self.label.alias("label"), *named)
            .filter(pl.col("label").is_not_null())
        )
        limit = max(min(SAMPLE, CELLS // max(len(self.features), 1)), 1)
        every = labelled.select(((pl.len() + limit - 1) // limit).clip(lower_bound=1).alias("__every__"))
        chosen = pl.col(ROW).hash(seed=self.seed) % pl.col("__every__") == 0
        sample = labelled.join(every, how="cross").filter(chosen).drop("__every__")
        return sample.map_batches(self._measure, schema=_POWERS, streamable=False)

    def _measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        halves = frame.get_column(ROW).hash(seed=self.seed + 1) % 2
        found = powers(
            frame,
            halves,
            label="label",
            features=[str(i) for i in range(len(self.features))],
            confidence=self.confidence,
        )
        listed: list[dict[str, Any]] = [
            {"feature": self.features[int(p.feature)][0], "value": p.value, "low": p.low} for p in found.powers
        ]
        listed.sort(key=lambda power: (-power["value"], power["feature"]))
        row = {"measure": found.measure, "n": found.n, "why": found.why, "powers": listed}
        return pl.DataFrame([row], schema=_POWERS)

    def failing(self, rows: pl.LazyFrame, others: Frames) -> pl.LazyFrame | None:
        """Return None: the answer is not about rows."""
        return None


_POWER = pl.Struct({"feature": pl.String, "value": pl.Float64, "low": pl.Float64})
_POWERS = pl.Schema({"measure": pl.String(), "n": pl.Int64(), "why": pl.String(), "powers": pl.List(_POWER)})


def _too_good(check: Check, context: Context) -> QuestionTest:
    told = check.arguments
    assert isinstance(told, TooGood)
    label = _label_of(told.label, context)
    names = _features(check, context, label)
    features = tuple((name, _comparable(name, context)) for name in names)
    target = _comparable(label, context)
    if context.kind(label) is Kind.FLOAT:
        target = pl.when(target.is_finite()).then(target)
    # The level is shared among the features (Bonferroni), on one side.
    confidence = 1 - 2 * 0.05 / len(names)
    question = Predictors(look(check, context, (*names, label)), target, features, told.seed, confidence)
    return QuestionTest(
        question,
        f"no feature that alone gives {label} away (power at most {shown(told.at_most)})",
        partial(_judge_powers, told.at_most),
        counts_rows=False,
    )


def _comparable(name: str, context: Context) -> pl.Expr:
    kind = context.kind(name)
    if kind.is_nested or kind is Kind.BINARY:
        return column(name).hash(seed=0)
    if kind is Kind.BOOLEAN:
        return column(name).cast(pl.UInt8)
    return column(name).cast(pl.Float64) if kind is Kind.DECIMAL else plain(column(name), context.dtype(name))


def _judge_powers(at_most: Decimal | int, answer: Answer) -> Judged:
    row = answer.row or {}
    found = row["powers"] or []
    if not found:
        why = row["why"] or "no feature was looked at"
        return Judged(None, Estimate(None, n=row["n"] or 0, why=why), why)
    bound = float(at_most)
    best = found[0]
    over = [p for p in found if p["value"] > bound]
    sure = [p for p in over if p["low"] > bound]
    observed = Estimate(best["value"], n=row["n"], low=best["low"], unit=row["measure"])
    told = ", ".join(f"{p['feature']} {p['value']:.3f}" for p in (over or found)[:5])
    if sure:
        return Judged(False, observed, f"{_words(over)} {row['measure']} above {bound:g}: {told}")
    if over:
        doubt = f"{row['n']:,} rows are too few to be sure, it may be {over[0]['low']:.3f}"
        return Judged(None, observed, f"{_words(over)} {row['measure']} above {bound:g}: {told}; but {doubt}")
    return Judged(True, observed, f"the most telling of {len(found)} features, by {row['measure']}: {told}")


def _words(over: Sequence[object]) -> str:
    return "1 feature has" if len(over) == 1 else f"{len(over)} features have"


RULES = rules(
    Rule("no_shared_rows", "leakage", "No row stands on both sides of a split.", _no_shared_rows, Sides, on="table"),
    Rule("no_shared_keys", "leakage", "No key stands on both sides of a split.", _no_shared_keys, Sides, on="table"),
    Rule(
        "no_shared_groups", "leakage", "No entity (customer, patient) stands on both sides of a split.",
        _no_shared_groups, Sides, on="columns",
    ),
    Rule(
        "no_near_duplicates_across", "leakage",
        "No row stands on both sides of a split once case, spaces and punctuation are taken out of text and floats are rounded.",
        _no_near_duplicates_across, NearSides, on="table",
    ),
    Rule(
        "time_split", "leakage", "The earlier side of a split ends before the later one begins.",
        _time_split, TimeSplit, on="table",
    ),
    Rule("as_of", "leakage", "No feature's time comes after the event's.", _as_of, AsOf, on="columns"),
    Rule("too_good", "leakage", "No single feature gives the label away.", _too_good, TooGood, on="table"),
    Rule(
        "conflicting_labels", "leakage", "Rows with the same features have the same label.",
        _conflicting_labels, ConflictingLabels, on="table",
    ),
)  # fmt: skip
