"""What a small dataset covers of a large one, as findings: an outcome for each column and aspect, and the whole list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.dataset import Dataset
from assay.data.names import col
from assay.testing.slicing.slicing import Covered, Slice
from assay.testing.slicing.targets import ASPECTS
from assay.verdict import Estimate, Exhibit, Findings, Outcome, Provenance, Verdict

__all__ = ["FAMILY", "Sliced", "slice_findings"]

FAMILY = "slice"
NAMED = 5  # targets that a sentence names
LISTED = 2_000  # targets that the exhibit lists, those that are left out first
NOT_FOLLOWED = "what is in several rows (copies, order, gaps) and inside lists and structs is not followed"


@dataclass(frozen=True, eq=False)
class Sliced:
    """A small dataset, the numbers of its rows in the large one, and the findings that say what it covers."""

    frame: pl.DataFrame
    numbers: NDArray[np.int64]
    findings: Findings

    def __bool__(self) -> bool:
        """Return whether there is a slice: it covers what it can."""
        return bool(self.findings)


def slice_findings(
    chosen: Slice, dataset: Dataset, *, seed: int, now: datetime, version: str, seconds: float = 0.0, scans: int = 2
) -> Findings:
    """Return what a slice covers as findings: PASS where all of a column's targets are there, WARN where rows were too few.

    A dataset without rows is INCONCLUSIVE. The exhibits are "coverage" (each target, how many rows of the data and of the slice
    have it, and which row), and "slice_columns" (how far each column's figures are from those of the data: a slice is no sample).
    """
    groups: dict[tuple[str, tuple[str, ...]], list[Covered]] = {}
    for one in chosen.covered:
        groups.setdefault((one.aspect, one.columns), []).append(one)
    outcomes = [_outcome(group, chosen) for group in groups.values()]
    if not chosen.rows_in_data:
        why = "the data has no rows, so that there is nothing to cover"
        outcomes = [Outcome("covers", "table", Verdict.INCONCLUSIVE, why=why, family=FAMILY, n_rows=0)]
    provenance = Provenance(
        assay=version, started_at=now.isoformat(), seconds=round(seconds, 3), scans=scans, seed=seed,
        datasets=(dataset.mark(chosen.rows_in_data),), versions={"polars": pl.__version__},
    )  # fmt: skip
    exhibits = tuple(e for e in (_coverage(chosen), _columns(chosen)) if any(e.columns.values()))
    subject = f"{len(chosen.numbers):,} rows of {dataset.name}"
    return Findings(subject, tuple(outcomes), provenance, exhibits=exhibits)


def _outcome(group: Sequence[Covered], chosen: Slice) -> Outcome:
    aspect = ASPECTS[group[0].aspect]
    left = [one for one in group if not one.in_slice]
    n = len(group)
    if not left:
        why = f"all {n:,} are in the slice" if n > 1 else f"{group[0].what}: row {group[0].row}"
    else:
        named = ", ".join(f"{one.what} ({_rows(one.in_data)})" for one in left[:NAMED])
        more = f" and {len(left) - NAMED:,} more" if len(left) > NAMED else ""
        why = (
            f"{len(left):,} of {n:,} are not in the {len(chosen.numbers):,} rows of the slice: {named}{more}; "
            f"{chosen.enough:,} rows would cover everything"
        )
    name = f"covers_{aspect.name.replace(' ', '_')}"
    subject = ", ".join(group[0].columns)
    share = (n - len(left)) / n
    return Outcome(
        name, subject, Verdict.WARN if left else Verdict.PASS, expected=aspect.title,
        observed=Estimate(share, n=n, confidence=1.0, unit="share of targets covered"), why=why,
        n_rows=chosen.rows_in_data, level="warn", family=FAMILY, id=f"{name}.{subject}",
    )  # fmt: skip


def _rows(n: int) -> str:
    return f"{n:,} row{'' if n == 1 else 's'} of the data"


def _coverage(chosen: Slice) -> Exhibit:
    shown = sorted(chosen.covered, key=lambda one: one.in_slice > 0)[:LISTED]
    cells: dict[str, tuple[float | int | str | None, ...]] = {
        "aspect": tuple(one.aspect for one in shown),
        "column": tuple(", ".join(one.columns) for one in shown),
        "what": tuple(one.what for one in shown),
        "rows_in_data": tuple(one.in_data for one in shown),
        "rows_in_slice": tuple(one.in_slice for one in shown),
        "row": tuple(one.row for one in shown),
    }
    told = len(chosen.covered) - len(chosen.left_out)
    by_chance = len(chosen.numbers) - chosen.chosen
    notes = [f"{told:,} of {len(chosen.covered):,} targets are covered"]
    notes += [f"{chosen.chosen:,} rows are there for a target and {by_chance:,} by chance"]
    notes += [f"{chosen.enough:,} rows would cover everything", NOT_FOLLOWED]
    if len(shown) < len(chosen.covered):
        notes.append(f"{len(chosen.covered) - len(shown):,} more targets are covered and not listed")
    if chosen.cut:
        notes.append(f"{chosen.cut:,} targets of columns with too many were not followed")
    return Exhibit("coverage", "What the slice covers", cells, "; ".join(notes))


def _columns(chosen: Slice) -> Exhibit:
    profiled = list(chosen.profile.columns.values())
    before = [column.moments.mean if column.moments is not None and column.moments.n else None for column in profiled]
    cells: dict[str, tuple[float | int | str | None, ...]] = {
        "column": tuple(column.name for column in profiled),
        "type": tuple(column.type for column in profiled),
        "missing_in_data": tuple(c.counts.missing / c.counts.n if c.counts.n else None for c in profiled),
        "missing_in_slice": tuple(_missing(chosen.frame, column.name) for column in profiled),
        "mean_in_data": tuple(before),
        "mean_in_slice": tuple(
            _mean(chosen.frame, c.name) if b is not None else None for c, b in zip(profiled, before, strict=True)
        ),
    }
    note = "a slice over-represents what is rare: figures of its own are not those of the data"
    return Exhibit("slice_columns", "The columns, in the data and in the slice", cells, note)


def _missing(frame: pl.DataFrame, name: str) -> float | None:
    if not frame.height:
        return None
    x = frame.select(col(name).fill_nan(None) if frame.schema[name].is_float() else col(name)).to_series()
    return x.null_count() / frame.height


def _mean(frame: pl.DataFrame, name: str) -> float | None:
    x = frame.select(col(name)).to_series().alias("x")  # a method of a series would read a name as a pattern
    numbers = (x.to_physical() if x.dtype.is_temporal() else x).cast(pl.Float64, strict=False)
    finite = numbers.filter(numbers.is_finite())
    mean = finite.mean()
    return float(mean) if isinstance(mean, float) else None
