"""Quarantine: the rows that break a suite, each with its reasons, apart from the clean ones; streamed, in order."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import polars as pl

from assay.checks.check import Context, QuestionTest, RowTest
from assay.checks.judge import Inputs, Planned, context_of, measurement_of, plan_checks
from assay.checks.suite import Suite
from assay.data.dataset import Dataset, first_line
from assay.data.engine import ROW
from assay.data.names import col as column
from assay.data.polars_engine import PolarsEngine
from assay.errors import DataError, UsageError
from assay.profiles.kernel import present

__all__ = ["Quarantined", "quarantine"]

REASONS = "assay_reasons"
NUMBER = "assay_row"
INTERNAL = ("__flag__", "__raw__", "__asked__", ROW)
CLEAN, REJECTED = "clean.parquet", "rejected.parquet"


class Quarantined(msgspec.Struct, frozen=True):
    """Where the rows went: two Parquet files, how many rows are in each, and how many checks could not judge any row."""

    clean: str
    rejected: str
    n_clean: int
    n_rejected: int
    n_unjudged: int = 0


def quarantine(suite: Suite, dataset: Dataset, inputs: Inputs, *, folder: str | Path) -> Quarantined:
    """Write `clean.parquet` and `rejected.parquet` into a folder and return how many rows each holds.

    A row is rejected where it breaks a check of level `fail`, whatever the check tolerates as a whole; its number and
    its reasons stand in the columns `assay_row` and `assay_reasons`. Both files appear together, whole, or not at all.
    Raises `UsageError` where the folder cannot be written, `DataError` where the rows cannot be read.
    """
    target = Path(folder)
    source = Path(dataset.source)
    if source.exists() and target.resolve() in (source.resolve(), source.resolve().parent):
        raise UsageError(
            "the data lies in this folder, which the quarantine would change",
            place=str(folder),
            hint="choose another folder",
        )
    context = context_of(suite, dataset, inputs)
    planned = [p for p in plan_checks(suite, context, stage=inputs.stage) if p.check.level == "fail"]
    clash = next((name for name in dataset.schema if name in (NUMBER, REASONS) or name.startswith(INTERNAL)), None)
    if clash:
        raise UsageError(
            f"the column {clash!r} is there already",
            place=dataset.source,
            hint="rename it: the quarantine needs that name for itself",
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
        workshop = Path(tempfile.mkdtemp(dir=target, prefix=".part-"))
    except OSError as error:
        raise UsageError(f"cannot write here: {error.strerror}", place=str(folder)) from None
    try:
        try:
            _write(reasoned(dataset, planned, context), dataset, workshop)
        except pl.exceptions.PolarsError:  # a check stopped at a value: the others still judge
            planned = _that_can_be_judged(planned, dataset, context)
            _write(reasoned(dataset, planned, context), dataset, workshop)
        counts = [pl.scan_parquet(workshop / name).select(pl.len()).collect().item() for name in (CLEAN, REJECTED)]
        for name in (CLEAN, REJECTED):
            (workshop / name).replace(target / name)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"the rows cannot be set apart: {first_line(error)}", place=dataset.source) from None
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    unjudged = sum(p.test is None and not p.skipped for p in planned)
    return Quarantined(str(target / CLEAN), str(target / REJECTED), counts[0], counts[1], unjudged)


def _write(rows: pl.LazyFrame, dataset: Dataset, folder: Path) -> None:
    broken = pl.col(REASONS).list.len() > 0
    clean = rows.filter(~broken).select([column(name) for name in dataset.schema])
    rejected = rows.filter(broken)
    sinks = [clean.sink_parquet(folder / CLEAN, lazy=True), rejected.sink_parquet(folder / REJECTED, lazy=True)]
    pl.collect_all(sinks, engine="streaming")


def _that_can_be_judged(planned: Sequence[Planned], dataset: Dataset, context: Context) -> list[Planned]:
    """Return the plan in which a row test that stops at some value has the reason for it in its place."""
    tallies = PolarsEngine().fold(dataset, measurement_of(planned, context)).tallies
    stopped = {int(place): tally.error for place, tally in tallies.items() if tally.error}
    return [Planned(p.check, None, stopped[i]) if i in stopped else p for i, p in enumerate(planned)]


def reasoned(dataset: Dataset, planned: Sequence[Planned], context: Context) -> pl.LazyFrame:
    """Return the rows with their number and the list of reasons why each is rejected (empty: it is clean)."""
    tests = [(p, p.test) for p in planned if isinstance(p.test, RowTest)]
    stash = {name: f"__raw__{i}" for i, name in enumerate(context.schema) if _is_cleaned(name, context)}
    raw = [_flag(test, i) for i, (_, test) in enumerate(tests) if test.raw]
    kept = [column(name).alias(place) for name, place in stash.items()]
    clean = [present(name, context.schema[name], context.sentinels.get(name, ())).alias(name) for name in stash]
    cleaned = [_flag(test, i) for i, (_, test) in enumerate(tests) if not test.raw]
    filtered = [
        (pl.col(f"__flag__{i}") & test.where.fill_null(value=False)).alias(f"__flag__{i}")
        for i, (_, test) in enumerate(tests)
        if test.where is not None
    ]
    rows = dataset.scan().with_row_index(NUMBER).with_columns([*raw, *kept]).with_columns(clean).with_columns(cleaned)
    rows = rows.with_columns(filtered).with_columns([pl.col(place).alias(name) for name, place in stash.items()])
    reasons: list[pl.Expr] = [
        pl.when(pl.col(f"__flag__{i}")).then(pl.lit(_reason(p, test.expected))) for i, (p, test) in enumerate(tests)
    ]
    rows, asked = _asked(rows, dataset, planned, context)
    reasons += asked
    listed = pl.concat_list(reasons).list.drop_nulls() if reasons else pl.lit([], dtype=pl.List(pl.String))
    return rows.select([pl.col(NUMBER), *(column(name) for name in context.schema), listed.alias(REASONS)])


def _is_cleaned(name: str, context: Context) -> bool:
    return context.schema[name].is_float() or name in context.sentinels


def _flag(test: RowTest, place: int) -> pl.Expr:
    failing = test.failing if test.judged is None else test.failing & test.judged
    return failing.fill_null(value=False).alias(f"__flag__{place}")


def _reason(planned: Planned, expected: str) -> str:
    where = f" where {planned.check.where}" if planned.check.where else ""
    return f"{planned.check.subject}: {planned.check.rule}: expected {expected}{where}"


def _asked(
    rows: pl.LazyFrame, dataset: Dataset, planned: Sequence[Planned], context: Context
) -> tuple[pl.LazyFrame, list[pl.Expr]]:
    """Return the rows joined with those that break a question's rule, and the reason of each such rule."""
    numbered = dataset.scan().with_row_index(ROW)
    others = {name: other.scan().with_row_index(ROW) for name, other in context.others.items()}
    reasons: list[pl.Expr] = []
    for i, one in enumerate(planned):
        if not isinstance(one.test, QuestionTest):
            continue
        failing = one.test.question.failing(numbered, others)
        if failing is None:
            continue
        hit = f"__asked__{i}"
        found = failing.select(pl.col(ROW).alias(NUMBER)).unique().with_columns(pl.lit(value=True).alias(hit))
        rows = rows.join(found, on=NUMBER, how="left", maintain_order="left")
        reasons.append(pl.when(pl.col(hit)).then(pl.lit(_reason(one, one.test.expected))))
    return rows, reasons
