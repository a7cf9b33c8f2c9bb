"""Compare two datasets, or profiles of them: plan from the reference, scan the current data once, judge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec
import polars as pl

from assay.checks.check import Check
from assay.checks.drift.arguments import Drift
from assay.checks.drift.aspects import ASPECTS
from assay.checks.drift.history import Stretch, calibrated, history_of
from assay.checks.drift.rules import needs_of
from assay.checks.drift.settings import DriftSettings
from assay.checks.judge import Inputs, judge
from assay.checks.profiled import judge_profile
from assay.checks.suite import Suite
from assay.data.dataset import Dataset
from assay.data.engine import Engine, Progress
from assay.data.kinds import Kind, kind_of
from assay.data.names import col as as_column
from assay.errors import DataError
from assay.profiles.column import Need
from assay.profiles.profile import Profile
from assay.verdict import Findings

__all__ = ["compare", "needs_of_suite", "reference_needs", "stretch_of", "with_importances", "with_usual"]

_TEXT = ("frequent", "sizes", "patterns", "tokens")
_NEEDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.INTEGER: ("moments", "extremes", "quantiles", "histogram", "frequent", "distinct"),
    Kind.FLOAT: ("moments", "extremes", "quantiles", "histogram"),
    Kind.DECIMAL: ("moments", "extremes", "quantiles", "histogram"),
    Kind.BOOLEAN: ("trues",), Kind.TEXT: _TEXT, Kind.CATEGORY: _TEXT,
    Kind.DATE: ("extremes", "calendar"), Kind.DATETIME: ("extremes", "calendar"),
    Kind.TIME: ("extremes", "quantiles", "histogram"), Kind.DURATION: ("extremes", "moments", "quantiles", "histogram"),
}  # fmt: skip


def reference_needs(schema: Mapping[str, pl.DataType], settings: DriftSettings) -> tuple[Need, ...]:
    """Return what drift looks at in a reference of these types; histograms without edges stand on its own quantiles."""
    logs = settings.preset == "classic" or "log_mean_shift" in repr((settings.checks, settings.columns))
    needs = []
    for name, dtype in schema.items():
        kind = kind_of(dtype)
        needs += [Need(state, (name,)) for state in ("counts", *_NEEDS.get(kind, ()))]
        if logs and kind.is_number:
            needs.append(Need("moments", (name,), "log"))
    return tuple(needs)


def needs_of_suite(suite: Suite, reference: Profile) -> tuple[Need, ...]:
    """Return what a suite's drift checks need measured of data that is compared with this reference."""
    needs: dict[Need, None] = {}
    for check in suite.checks:
        if isinstance(check.arguments, Drift):
            column = reference.columns[check.columns[0]]
            aspect = ASPECTS[check.rule]
            if not aspect.refuse(column, check.arguments):
                needs |= dict.fromkeys(needs_of(aspect, column, check.arguments))
    return tuple(needs)


def with_importances(suite: Suite, importances: Mapping[str, float]) -> Suite:
    """Return the suite with each column's share of what a model goes by, so that reports rank by size and importance."""
    total = sum(importances.values())
    if not total > 0:
        raise DataError(
            "the importances add up to nothing", hint="give each column a number above 0 for what it counts"
        )
    shares = {name: Decimal(repr(round(value / total, 6))) for name, value in importances.items()}

    def told(check: Check) -> Check:
        if not isinstance(check.arguments, Drift):
            return check
        share = shares.get(check.columns[0], Decimal(0))
        return msgspec.structs.replace(check, arguments=msgspec.structs.replace(check.arguments, importance=share))

    return suite.with_checks(told(check) for check in suite.checks)


def with_usual(
    suite: Suite, reference: Dataset, profile: Profile, like: Stretch, *, engine: Engine, progress: Progress | None = None
) -> Suite:  # fmt: skip
    """Return the suite with bounds calibrated on windows like a stretch of time, from one more scan of the reference."""
    history = history_of(reference, like, engine=engine, needs=needs_of_suite(suite, profile), progress=progress)
    return calibrated(suite, profile, history)


def stretch_of(current: Dataset | Profile, time: str) -> Stretch | None:
    """Return the time that data covers, by a column of dates or instants; None where it has none, or a single instant.

    Data is asked for its two ends, which reads one column.
    """
    if isinstance(current, Profile):
        found = current.columns.get(time)
        kind, ends = (found.kind, found.extremes) if found is not None else (Kind.NULL, None)
        low, high = (ends.low, ends.high) if ends is not None and kind.is_instant else (None, None)
    elif time in current.schema and current.columns[time].is_instant:
        x, kind = as_column(time), current.columns[time]
        low, high = (
            current.scan().select(x.min().alias("low"), x.max().alias("high")).collect(engine="streaming").row(0)
        )
    else:
        return None
    if low is None or high is None:
        return None
    if kind is Kind.DATE:
        low, high = (datetime(day.year, day.month, day.day) for day in (low, high))
    return Stretch(low, high, kind is Kind.DATE) if kind is Kind.DATE or high > low else None


def compare(
    suite: Suite, current: Dataset | Profile, inputs: Inputs, *, engine: Engine, progress: Progress | None = None
) -> Findings:  # fmt: skip
    """Return the findings of a drift suite on data, from one scan, or on a profile, from none."""
    if isinstance(current, Profile):
        return judge_profile(suite, current, inputs)
    return judge(suite, current, inputs, engine=engine, progress=progress)
