"""Judge a profile: the same checks, answered from states that were measured before, with no row at hand."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from assay.checks.check import CannotJudge, Context, StateTest
from assay.checks.judge import Inputs, Judgement, Planned, concluded, fingerprint, judge_states, plan_checks
from assay.checks.suite import Suite
from assay.data.dataset import Dataset
from assay.data.kinds import Kind
from assay.errors import DataError
from assay.profiles.column import Need
from assay.profiles.kernel import Failed, Measured
from assay.profiles.profile import ColumnProfile, Profile
from assay.profiles.sketches import Histogram, Quantiles
from assay.verdict import Findings, Provenance

__all__ = ["judge_profile", "measured_of", "on_edges"]

# A profile keeps a column's kind; a check that plans by the exact type sees the widest one of that kind.
TYPES: Mapping[Kind, pl.DataType] = {
    Kind.INTEGER: pl.Int64(), Kind.FLOAT: pl.Float64(), Kind.DECIMAL: pl.Decimal(38, 9), Kind.BOOLEAN: pl.Boolean(),
    Kind.TEXT: pl.String(), Kind.CATEGORY: pl.Categorical(), Kind.DATE: pl.Date(), Kind.DATETIME: pl.Datetime(),
    Kind.TIME: pl.Time(), Kind.DURATION: pl.Duration(), Kind.BINARY: pl.Binary(),
}  # fmt: skip


def judge_profile(suite: Suite, profile: Profile, inputs: Inputs) -> Findings:
    """Return the findings of a suite on a profile; a check that needs rows, or a state it lacks, is an ERROR outcome."""
    begun = time.perf_counter()
    context = _context(suite, profile, inputs)
    planned = plan_checks(suite, context, stage=inputs.stage)
    outcomes = concluded(planned, [_judge(one, profile) for one in planned])
    known = inputs.reference.marks if inputs.reference is not None else ()
    provenance = Provenance(
        assay=inputs.version, started_at=inputs.now.isoformat(), seconds=round(time.perf_counter() - begun, 3), scans=0,
        engine="profile", seed=inputs.seed, suite=suite.name, suite_fingerprint=fingerprint(suite),
        datasets=(*profile.marks, *known), versions={"polars": pl.__version__},
    )  # fmt: skip
    return Findings(profile.name, tuple(outcomes), provenance)


def _context(suite: Suite, profile: Profile, inputs: Inputs) -> Context:
    def refuse() -> pl.LazyFrame:
        raise DataError("a profile holds no rows", place=profile.name, hint="give the dataset itself")

    types = {name: TYPES.get(column.kind, pl.Null()) for name, column in profile.columns.items()}
    return Context(
        dataset=Dataset(profile.name, profile.name, refuse), schema=types, kinds=dict(profile.schema), roles=profile.roles,
        now=inputs.now, sentinels=suite.missing, reference=inputs.reference,
    )  # fmt: skip


def _judge(planned: Planned, profile: Profile) -> Judgement:
    if planned.test is not None and not isinstance(planned.test, StateTest):
        return f"{planned.check.rule} looks at rows, and a profile holds none; give the dataset itself"
    return judge_states(planned, lambda test: measured_of(profile, test.needs))


def measured_of(profile: Profile, needs: tuple[Need, ...]) -> Measured:
    """Return what needs would have measured, from a profile; raise `CannotJudge` where it was not measured."""
    return Measured(profile.rows, {need: _state(profile, need) for need in needs})


def _state(profile: Profile, need: Need) -> Any:
    column = profile.columns[need.columns[0]]
    field = "log_moments" if need.parameter == "log" else need.state
    if why := column.failed.get(field):
        return Failed(why)
    state = getattr(column, field, None)
    if need.state == "histogram":
        return on_edges(column, np.asarray(need.parameter))
    if state is None:
        raise CannotJudge(
            f"{profile.name} was profiled without {need.state} of {column.name!r}", hint="profile it again"
        )
    return state


def on_edges(column: ColumnProfile, edges: Any) -> Histogram:
    """Return a column's histogram on other edges: its own where they agree, else what its quantile sketch says.

    A count below an edge is then wrong by at most `column.quantiles.error` rows. Raises `CannotJudge` where the profile
    has neither.
    """
    own = column.histogram
    if own is not None and np.array_equal(own.edges, edges):
        return own
    if not column.counts.present:
        return Histogram(edges, np.zeros(max(len(edges) - 1, 1), dtype=np.int64))
    if column.quantiles is None or not column.quantiles.levels:
        raise CannotJudge(f"{column.name!r} was profiled on other bins than the reference's", hint="profile it again")
    return _of_sketch(column.quantiles, edges)


def _of_sketch(sketch: Quantiles, edges: Any) -> Histogram:
    values, cumulative = sketch.cumulative()
    weights = np.diff(cumulative, prepend=0)
    below = np.concatenate([[0], cumulative])[np.searchsorted(values, edges, side="left")]
    last = int(np.concatenate([[0], cumulative])[np.searchsorted(values, edges[-1], side="right")])
    if len(edges) == 1:
        return Histogram(edges, np.array([last - below[0]]), int(below[0]), int(weights.sum() - last))
    counts = np.diff(below)
    counts[-1] += last - below[-1]
    return Histogram(edges, counts.astype(np.int64), int(below[0]), int(weights.sum()) - last)
