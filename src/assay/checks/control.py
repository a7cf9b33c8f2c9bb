"""Control charts judged: the points of a column against limits learned from a reference, or from its own beginning."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.checks.columns import Reading
from assay.checks.judge import Inputs
from assay.checks.streams import FAMILY, findings_of, marked
from assay.checks.traces import trace_of_points
from assay.data.dataset import Dataset
from assay.data.engine import Progress
from assay.errors import DataError, UsageError
from assay.stats.control import Limits, Signal, Signals, get_chart, judge, learn
from assay.stats.runs import RULE_SETS, RULES, get_rule_set
from assay.verdict import Estimate, Example, Findings, Mark, Outcome, Trace, Verdict

__all__ = ["CHECK", "ControlChart", "Points", "charted", "points_of"]

CHECK = "control_chart"
EXAMPLES = 5
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ControlChart:
    """Which chart follows a column, what one point of it is, and by which rules it is judged.

    `kind` is "individuals" (each value is a point), "means" (X̄) or "shares" (p, of bits). The points of the last two are
    `size` rows each, or the rows with the same value of the column `by`, in the order of their first. Limits are learned
    from a reference; or, where `learn` says so, from that many points at the beginning of the data, which are then not
    judged. `spread` and `method` say how (`assay.stats.control.learn`), `rules` names a set of rules.

    Raises `UsageError` or `ConfigError` where there is no such kind or set, and where the points are not said.
    """

    kind: str = "individuals"
    size: int | None = None
    by: str | None = None
    rules: str = "shewhart"
    learn: int | None = None
    spread: str | None = None
    method: Literal["prediction", "sigma"] = "prediction"

    def __post_init__(self) -> None:
        get_chart(self.kind)
        get_rule_set(self.rules)
        single = self.kind == "individuals"
        if single and (self.size is not None or self.by is not None):
            raise UsageError(
                "in a chart of individuals each value is a point", hint="leave out size and by, or take another chart"
            )
        if not single and (self.size is None) == (self.by is None):
            raise UsageError(
                f"a point of a chart of {self.kind} is made of several rows", hint="give size, or by: one of the two"
            )
        if self.size is not None and self.size < 1:
            raise UsageError(f"size is {self.size}; a point has at least 1 row")
        if self.learn is not None and self.learn < 2:
            raise UsageError(f"learn is {self.learn}; limits are learned from at least 2 points")


@dataclass(frozen=True, slots=True)
class Points:
    """The points of a chart in their order: value, rows behind each, their deviation, and where the first row stands."""

    values: Floats
    sizes: Floats
    stds: Floats
    rows: NDArray[np.int64]
    about: pl.DataFrame

    def __len__(self) -> int:
        return len(self.values)

    def part(self, start: int, stop: int | None = None) -> Points:
        """Return some of the points."""
        s = slice(start, stop)
        return Points(
            self.values[s], self.sizes[s], self.stds[s], self.rows[s], self.about[s] if self.about.width else self.about
        )


def charted(
    dataset: Dataset, column: str, chart: ControlChart, inputs: Inputs, *, reference: Dataset | None = None,
    progress: Progress | None = None,
) -> Findings:  # fmt: skip
    """Return the findings of a control chart of a column: FAIL where a point is out of control, else PASS.

    INCONCLUSIVE where the limits cannot be learned, or no point has a value. The points of the column are held in memory.

    Raises `UsageError` where there is nothing to learn the limits from, or two things.
    """
    if (reference is None) == (chart.learn is None):
        said = "both are told" if reference is not None else "neither is"
        raise UsageError(
            f"limits are learned from a reference or from the first points of the data; {said}", hint="give one"
        )
    begun = time.perf_counter()
    time_column = dataset.roles.time
    reading = Reading(dataset, column, time=time_column, beside=[*([chart.by] if chart.by else []), *dataset.roles.id])
    points = points_of(reading, chart, progress=progress)
    marks: tuple[Mark, ...] = ()
    if reference is not None:
        before = Reading(reference, column, beside=[chart.by] if chart.by else [])
        learned = points_of(before, chart)
        marks = (marked(reference, before),)
    else:
        learned, points = points.part(0, chart.learn), points.part(chart.learn or 0)
    outcome = _outcome(reading, chart, _limits(learned, chart), points)
    return findings_of(reading, (outcome,), inputs, known=marks, begun=begun)


def points_of(reading: Reading, chart: ControlChart, *, progress: Progress | None = None) -> Points:
    """Return the points of a column; rows without a value are in none of them."""
    parts = list(reading.parts(progress))
    values = np.concatenate([part.numbers for part in parts])
    rows = np.concatenate([part.rows for part in parts])
    if chart.kind == "shares" and len(odd := values[(values != 0) & (values != 1)]):
        raise DataError(
            f"the column {reading.column!r} holds {odd[0]:g}; a chart of shares is of bits, 0 and 1", place=reading.dataset.name,
            hint="take a chart of means",
        )  # fmt: skip
    beside = pl.concat([part.beside for part in parts]) if parts[0].beside.width else pl.DataFrame()
    if chart.kind == "individuals":
        return Points(values, np.ones(len(values)), np.full(len(values), np.nan), rows, beside)
    group = pl.Series(rows // chart.size) if chart.size is not None else beside.get_column(chart.by or "")
    frame = pl.DataFrame({"value": values, "group": group, "place": np.arange(len(values))})
    made = (
        frame.filter(pl.col("group").is_not_null())
        .group_by("group", maintain_order=True)
        .agg(
            pl.col("value").mean().alias("mean"), pl.len().alias("size"), pl.col("value").std().alias("std"),
            pl.col("place").first(),
        )
    )  # fmt: skip
    first = made.get_column("place").to_numpy()
    return Points(
        made.get_column("mean").to_numpy(), made.get_column("size").to_numpy().astype(np.float64),
        made.get_column("std").fill_null(math.nan).to_numpy(), rows[first], beside[first] if beside.width else beside,
    )  # fmt: skip


def _limits(points: Points, chart: ControlChart) -> Limits:
    return learn(
        points.values, chart=chart.kind, sizes=points.sizes, stds=points.stds, spread=chart.spread, method=chart.method
    )


def _outcome(reading: Reading, chart: ControlChart, limits: Limits, points: Points) -> Outcome:
    found = judge(limits, points.values, sizes=None if chart.kind == "individuals" else points.sizes, rules=chart.rules)
    by_point: dict[int, list[Signal]] = {}
    for signal in found.signals:
        by_point.setdefault(signal.at, []).append(signal)
    verdict, why = _verdict(reading, chart, limits, points, found, by_point)
    judged = found.n > 0
    return Outcome(
        CHECK, reading.column, verdict, expected=_expected(limits, points, chart), why=why, n_rows=found.n,
        n_failing=len(by_point) if judged else None, family=FAMILY, id=f"{CHECK}.{reading.column}.{chart.kind}",
        observed=Estimate(len(by_point), n=found.n, unit="points out of control") if judged else None,
        examples=tuple(_example(reading, points, signals) for signals in list(by_point.values())[:EXAMPLES]),
        trace=_trace(reading, limits, points, sorted(by_point)) if judged else None,
    )  # fmt: skip


def _expected(limits: Limits, points: Points, chart: ControlChart) -> str:
    if limits.centre is None or not len(points):
        return f"in control by the rules of {chart.rules}"
    size = float(np.median(points.sizes))
    low, high = limits.low(size=size), limits.high(size=size)
    rows = f" for points of {size:,.0f} rows" if chart.kind != "individuals" else ""
    return f"in control, between {low:.4g} and {high:.4g}{rows}, by the rules of {chart.rules}"


def _verdict(
    reading: Reading, chart: ControlChart, limits: Limits, points: Points, found: Signals, out: dict[int, list[Signal]]
) -> tuple[Verdict, str]:  # fmt: skip
    if not found.n:
        return Verdict.INCONCLUSIVE, f"no point of {reading.column} was judged: {found.why}"
    of = f"{found.n:,} point{'' if found.n == 1 else 's'}"
    by_chance = f"by chance alone a rule of {chart.rules} fires once in about {RULE_SETS[chart.rules].average_run_length:,.0f} points"
    learned = f"limits learned from {limits.points:,} points"
    if not out:
        return Verdict.PASS, f"{of} of {reading.column} are in control; {learned}; {by_chance}"
    rules = Counter(signal.rule for signals in out.values() for signal in signals)
    counted = ", ".join(f"{RULES[rule].title} ({n:,})" for rule, n in rules.most_common())
    counted = f"by rule: {counted}" if len(rules) > 1 else ""
    first = out[min(out)][0]
    where = reading.place(int(points.rows[first.at]), _about(points, first.at))
    beyond = "is" if len(out) == 1 else "are"
    said = f"{len(out):,} of {of} of {reading.column} {beyond} out of control, the first at {where}: {first.why}"
    return Verdict.FAIL, "; ".join(part for part in (said, counted, learned, by_chance) if part)


def _about(points: Points, at: int) -> dict[str, object]:
    return points.about.row(at, named=True) if points.about.width else {}


def _example(reading: Reading, points: Points, signals: list[Signal]) -> Example:
    at = signals[0].at
    values = {reading.column: float(f"{signals[0].value:.6g}"), **_about(points, at)}
    others = "".join(f"; {RULES[signal.rule].title}" for signal in signals[1:])
    return Example(int(points.rows[at]), values, signals[0].why + others)


def _trace(reading: Reading, limits: Limits, points: Points, out: list[int]) -> Trace:
    lows = np.array([limits.low(size=size) for size in points.sizes.tolist()], dtype=np.float64)
    highs = np.array([limits.high(size=size) for size in points.sizes.tolist()], dtype=np.float64)
    marked = np.zeros(len(points), dtype=bool)
    marked[out] = True
    ends = tuple(reading.place(int(points.rows[at]), _about(points, at)) for at in (0, -1))
    return trace_of_points(points.values, lows, highs, out=marked, centre=limits.centre or 0.0, ends=(ends[0], ends[1]))
