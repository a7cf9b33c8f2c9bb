"""A challenge: every challenger against the champion on the same rows, and which of them is to take its place, with reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from assay.codec import parse_duration
from assay.errors import UsageError
from assay.evaluation.behaviour.cost import CostSettings, cost_of
from assay.evaluation.bounds import kept, shown
from assay.evaluation.challenge.changes import Change, changes, slices_of
from assay.evaluation.challenge.flips import flip_rows, flips
from assay.evaluation.challenge.paired import Paired, Side, paired, rows_needed
from assay.evaluation.challenge.policy import Policy
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import FAMILY, FEW_REPLICATES, FEW_UNITS, Part, Trial
from assay.stats.corrections import adjusted
from assay.stats.resampling import resamples
from assay.verdict import Estimate, Exhibit, Outcome, Verdict, conclude

__all__ = ["challenge"]

Costs = Mapping[str, Estimate]
GLANCE = CostSettings(
    rows=60, repeats=3, batches=(1024,), budget="3s"
)  # where no bound is about cost, it is only shown


@dataclass(frozen=True, slots=True)
class _Condition:
    """One thing that a challenger has to show: whether it does, by what was seen, and why."""

    name: str
    verdict: Verdict
    expected: str
    seen: Estimate | None
    why: str


@dataclass(frozen=True, slots=True)
class _Compared:
    """A challenger beside the champion: every metric, every slice, what flips, what both cost, and the conditions."""

    name: str
    rows: Predictions
    metrics: Mapping[str, Paired]
    slices: tuple[Change, ...]
    flips: Estimate
    costs: tuple[Costs, Costs]
    conditions: tuple[_Condition, ...]

    @property
    def verdict(self) -> Verdict:
        return conclude(condition.verdict for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class _Ring:
    """What all challengers of one champion share."""

    champion: Trial
    policy: Policy
    among: int
    cost: Costs

    @property
    def metric(self) -> str:
        return self.policy.metric or self.champion.lead

    @property
    def confidence(self) -> float:
        """Return the confidence of what is judged of one challenger, so that it holds for all of them."""
        return 1 - self.policy.alpha / self.among

    def sign(self, name: str) -> float:
        return -1.0 if self.champion.metric(name).better == "lower" else 1.0


def challenge(champion: Trial, challengers: Mapping[str, Trial], policy: Policy, *, costs: bool = True) -> Part:
    """Return how each challenger compares with the champion, and whether it is to take its place.

    Every condition of the policy is judged by the whole interval: PASS where all of it keeps the condition, FAIL where none does,
    INCONCLUSIVE else, with about how many rows would tell. Of slices, of which there are many and small ones, one FAILs by
    the whole of its simultaneous interval, is INCONCLUSIVE where its value alone is beyond the bound, and passes else. The
    challenger that is put forward is the one with the best verdict, then with the greatest lift; its conditions are the
    outcomes that count, those of the others are shown beside. What is undefined never passes. `costs` says whether models
    that are at hand are timed.

    Raises UsageError where the trials are not of the same labelled rows.
    """
    if champion.metric(policy.metric or champion.lead).better == "neither":
        raise UsageError(
            f"neither way of {policy.metric or champion.lead} is better, and it is to decide",
            hint="name another metric in the policy",
        )
    if not challengers:
        raise UsageError("there is no challenger", hint="give one or more beside the champion")
    for name, trial in challengers.items():
        _same_rows(champion, trial, name)
    told = CostSettings() if policy.weighs_cost else GLANCE
    mine = (
        cost_of(champion.model, champion.rows.frame, told, rng=champion.rng)
        if costs and champion.model is not None
        else {}
    )
    ring = _Ring(champion, policy, len(challengers), mine)
    found = []
    for name, trial in challengers.items():
        theirs = (
            cost_of(trial.model, trial.rows.frame, told, rng=champion.rng) if costs and trial.model is not None else {}
        )
        found.append(_compared(ring, name, trial, theirs))
    order = sorted(found, key=lambda one: (one.verdict.rank, -_gain(ring, one)))
    outcomes = [outcome for place, one in enumerate(order) for outcome in _outcomes(ring, one, leads=place == 0)]
    return Part(tuple(outcomes), tuple(_exhibits(ring, found)))


def _same_rows(champion: Trial, challenger: Trial, name: str) -> None:
    one, other = champion.rows, challenger.rows
    if one.task != other.task:
        raise UsageError(f"the champion's task is {one.task}, that of {name} is {other.task}")
    if one.classes != other.classes:
        known, theirs = (", ".join(map(str, rows.classes[:8])) for rows in (one, other))
        raise UsageError(
            f"the champion knows the classes {known}, {name} {theirs}", hint="both have to tell the same classes"
        )
    if one.n != other.n:
        raise UsageError(
            f"the champion has {one.n:,} rows, {name} {other.n:,}", hint="both have to be judged on the same rows"
        )
    differs = np.flatnonzero(np.asarray(one.labels != other.labels).reshape(one.n, -1).any(axis=1))
    if len(differs):
        raise UsageError(
            f"row {int(differs[0])} has the label {one.labels[differs[0]]} for the champion and {other.labels[differs[0]]} for {name}",
            hint="both have to be judged on the same rows, in the same order",
        )


def _compared(ring: _Ring, name: str, trial: Trial, cost: Costs) -> _Compared:
    champion, policy = ring.champion, ring.policy
    side = Side(champion.rows, trial.rows, champion.units)
    wanted = tuple(dict.fromkeys((ring.metric, *champion.metrics, *policy.not_worse_by)))
    judged = {ring.metric, *policy.not_worse_by}
    metrics = {
        one: paired(
            champion.metric(one), one, side, confidence=ring.confidence if one in judged else champion.confidence
        )
        for one in wanted
    }
    few = resamples(
        side.champion.n, rng=champion.rng, replicates=FEW_REPLICATES, entities=side.champion.entity, blocks=side.champion.block,
        most=FEW_UNITS,
    )  # fmt: skip
    parts = changes(
        champion.metric(ring.metric),
        ring.metric,
        side._replace(units=few),
        slices_of(champion, policy),
        alpha=policy.alpha / ring.among,
    )
    changed = flips(side.champion, side.challenger, confidence=ring.confidence)
    conditions = (
        _lift(ring, metrics), *_margins(ring, metrics), *_no_slice(ring, parts), *_flips(ring, changed), *_cost(ring, cost),
    )  # fmt: skip
    return _Compared(name, trial.rows, metrics, parts, changed, (ring.cost, cost), conditions)


def _gain(ring: _Ring, one: _Compared) -> float:
    value = one.metrics[ring.metric].difference.value
    return -np.inf if value is None else ring.sign(ring.metric) * float(value)


# Conditions -------------------------------------------------------------------------------------------------------------


def _better(ring: _Ring, name: str, seen: Estimate) -> Estimate:
    """Return a difference as by how much the challenger is better: positive is better, whichever way the metric goes."""
    if ring.sign(name) > 0 or seen.value is None:
        return seen
    low, high = (None if end is None else -end for end in (seen.high, seen.low))
    return msgspec.structs.replace(seen, value=-float(seen.value), low=low, high=high)


def _lift(ring: _Ring, metrics: Mapping[str, Paired]) -> _Condition:
    name, least = ring.metric, ring.policy.lift_at_least
    found = metrics[name]
    seen = _better(ring, name, found.difference)
    expected = f"{name} better by at least {least:g}" if least else f"{name} better"
    verdict, why = kept(seen, at_least=least, at_most=None)
    if seen.value is not None and seen.value == 0 and not found.error:
        verdict, why = Verdict.FAIL, f"both models have the same {name} on every resample: there is nothing to gain"
    elif verdict is Verdict.PASS and least == 0 and not (seen.low or 0.0) > 0:
        verdict, why = Verdict.INCONCLUSIVE, f"the interval {shown(seen)} begins at 0: it is not shown to be better"
    if verdict is Verdict.INCONCLUSIVE and seen.value is not None:
        more = rows_needed(float(seen.value), found.error or 0.0, seen.n, margin=least, confidence=ring.confidence)
        why += f"; about {more:,} rows like these would tell" if more is not None else ""
    return _Condition("lift", verdict, expected, seen, why)


def _margins(ring: _Ring, metrics: Mapping[str, Paired]) -> Iterator[_Condition]:
    for name, margin in ring.policy.not_worse_by.items():
        seen = _better(ring, name, metrics[name].difference)
        verdict, why = kept(seen, at_least=-margin, at_most=None)
        if verdict is Verdict.INCONCLUSIVE and seen.value is not None:
            more = rows_needed(
                float(seen.value), metrics[name].error or 0.0, seen.n, margin=-margin, confidence=ring.confidence
            )
            why += f"; about {more:,} rows like these would tell" if more is not None else ""
        yield _Condition(f"margin of {name}", verdict, f"{name} worse by at most {margin:g}", seen, why)


def _no_slice(ring: _Ring, parts: Sequence[Change]) -> Iterator[_Condition]:
    worst = ring.policy.no_slice_worse_than
    if worst is None:
        return
    expected = f"{ring.metric} in no slice worse by more than {worst:g}"
    large = [one for one in parts if one.n >= ring.policy.min_rows]
    small = len(parts) - len(large)
    beside = f"; {small:,} slices have fewer than {ring.policy.min_rows:,} rows and cannot tell" if small else ""
    told = [(one, _better(ring, ring.metric, one.simultaneous)) for one in large if one.simultaneous.value is not None]
    if not told:
        yield _Condition("slices", Verdict.INCONCLUSIVE, expected, None, f"there is no slice that could tell{beside}")
        return
    broken = [(one, seen) for one, seen in told if seen.high is not None and seen.high < -worst]
    doubtful = [(one, seen) for one, seen in told if float(seen.value or 0.0) < -worst and (one, seen) not in broken]
    if broken:
        one, seen = broken[0]
        why = f"worse where {one.name}: {shown(seen)} on {one.n:,} rows, beyond chance over {len(parts):,} slices{_more(broken)}"
        yield _Condition("slices", Verdict.FAIL, expected, seen, why + beside)
    elif doubtful:
        one, seen = doubtful[0]
        why = f"it may be worse where {one.name}: {shown(seen)} on {one.n:,} rows, which chance could give{_more(doubtful)}"
        yield _Condition("slices", Verdict.INCONCLUSIVE, expected, seen, why + beside)
    else:
        one, seen = told[0]
        why = f"of {len(told):,} slices the least gain is {shown(seen)}, where {one.name}{beside}"
        yield _Condition("slices", Verdict.PASS, expected, seen, why)


def _more(found: Sequence[object]) -> str:
    more = len(found) - 1
    return f", and {more:,} {'slice' if more == 1 else 'slices'} more" if more else ""


def _flips(ring: _Ring, changed: Estimate) -> Iterator[_Condition]:
    most = ring.policy.flips_at_most
    if most is not None:
        verdict, why = kept(changed, at_least=None, at_most=most)
        yield _Condition("flips", verdict, f"at most {most:.2%} of predictions change", changed, why)


def _cost(ring: _Ring, cost: Costs) -> Iterator[_Condition]:
    policy = ring.policy
    if policy.latency_at_most:
        most = parse_duration(policy.latency_at_most).total_seconds() * 1000
        seen = cost.get("latency p95", Estimate(None, n=0, why="the model is not at hand"))
        verdict, why = kept(seen, at_least=None, at_most=most)
        yield _Condition("latency", verdict, f"95th centile of a row at most {policy.latency_at_most}", seen, why)
    for name, measure, most_ratio in (
        ("latency ratio", "latency p95", policy.latency_ratio_at_most), ("size ratio", "model size", policy.size_ratio_at_most),
    ):  # fmt: skip
        if most_ratio is not None:
            seen = _ratio(ring.cost.get(measure), cost.get(measure))
            verdict, why = kept(seen, at_least=None, at_most=most_ratio)
            yield _Condition(name, verdict, f"{measure} at most {most_ratio:g} times the champion's", seen, why)


def _ratio(champion: Estimate | None, challenger: Estimate | None) -> Estimate:
    """Return the ratio of two costs, from the least to the greatest that their intervals allow."""
    if champion is None or challenger is None:
        return Estimate(None, n=0, why="one of the models is not at hand")
    if (
        not isinstance(champion.value, int | float)
        or not isinstance(challenger.value, int | float)
        or not champion.value
    ):
        return Estimate(None, n=0, why=champion.why or challenger.why or "the champion's is 0")
    value = challenger.value / champion.value
    if champion.confidence == 1:
        return Estimate(value, n=challenger.n, confidence=1.0)
    if not champion.low or not champion.high or challenger.low is None or challenger.high is None:
        return Estimate(value, n=challenger.n, why="it was measured too few times for an interval")
    return Estimate(
        value,
        n=challenger.n,
        low=challenger.low / champion.high,
        high=challenger.high / champion.low,
        confidence=champion.confidence,
    )


# What is said -----------------------------------------------------------------------------------------------------------


def _outcomes(ring: _Ring, one: _Compared, *, leads: bool) -> Iterator[Outcome]:
    yield _decision(ring, one, leads=leads)
    for condition in one.conditions:
        verdict = condition.verdict if leads else Verdict.SKIP
        why = condition.why if leads else f"{condition.verdict.value}: {condition.why}"
        yield _outcome(ring, f"{condition.name} of {one.name}", verdict, condition.expected, condition.seen, why)
    for name, found in one.metrics.items():
        why = (
            f"{shown(found.difference)}, shown beside and not corrected"
            if found.difference.value is not None
            else found.difference.why
        )
        yield _outcome(ring, f"{name} of {one.name} over champion", Verdict.SKIP, "", found.difference, why)


def _decision(ring: _Ring, one: _Compared, *, leads: bool) -> Outcome:
    bad = [condition for condition in one.conditions if not condition.verdict]
    seen = _better(ring, ring.metric, one.metrics[ring.metric].difference)
    words = {Verdict.PASS: "it is to take the champion's place", Verdict.FAIL: "the champion stays"}
    said = words.get(one.verdict, "the champion stays until more is known")
    gain = _gained(ring.metric, seen)
    reasons = "; ".join(f"{condition.name}: {condition.why}" for condition in bad)
    why = f"{said}: {gain}{_at_cost(one)}" + (f"; {reasons}" if reasons else ", and every condition holds")
    verdict = one.verdict if leads else Verdict.SKIP
    return _outcome(
        ring,
        one.name,
        verdict,
        "every condition of the policy holds",
        seen,
        why if leads else f"{one.verdict.value}: {why}",
    )


def _gained(metric: str, seen: Estimate) -> str:
    if seen.value is None:
        return f"{metric} is undefined: {seen.why}"
    if float(seen.value) >= 0:
        return f"{metric} is better by {shown(seen)}"
    ends = {"low": None if seen.high is None else -seen.high, "high": None if seen.low is None else -seen.low}
    return f"{metric} is worse by {shown(msgspec.structs.replace(seen, value=-float(seen.value), **ends))}"


def _at_cost(one: _Compared) -> str:
    champion, challenger = (cost.get("latency p95") for cost in one.costs)
    if champion is None or challenger is None or champion.value is None or challenger.value is None:
        return ""
    more = float(challenger.value) - float(champion.value)
    return f", at {abs(more):.3g} ms {'more' if more >= 0 else 'less'} for a row (95th centile {float(challenger.value):.3g} ms)"


def _outcome(
    ring: _Ring, subject: str, verdict: Verdict, expected: str, seen: Estimate | None, why: str
) -> Outcome:  # fmt: skip
    return Outcome(
        "challenge", subject, verdict, expected=expected, observed=seen, why=why, n_rows=ring.champion.rows.n, family=FAMILY,
        id=f"challenge.{subject}",
    )  # fmt: skip


def _exhibits(ring: _Ring, found: Sequence[_Compared]) -> Iterator[Exhibit]:
    note = (
        f"Differences are the challenger's less the champion's, on the same {ring.champion.rows.n:,} rows. {ring.metric} decides; "
        f"its p-value is corrected over the challengers (Holm), the others stand as they are."
    )
    yield Exhibit("challenge", "Champion and challengers", _columns(_METRICS, _metric_rows(ring, found)), note=note)
    rows = [
        (one.name, change.name, ring.metric, change.found.champion, change.found.challenger, *_cells(change.found.difference),
         change.found.p_value, change.adjusted, change.n, _slice_verdict(ring, change))
        for one in found for change in one.slices
    ]  # fmt: skip
    yield Exhibit(
        "slice_changes",
        "For whom it changes",
        _columns(_SLICES, rows),
        note="Corrected over all slices of a challenger (Holm).",
    )
    flipped = [(one.name, *row) for one in found for row in flip_rows(ring.champion.rows, one.rows)]
    yield Exhibit("flips", "Predictions that change", _columns(_FLIPS, flipped))
    costs = [
        (name, measure, seen.value, seen.low, seen.high, seen.unit)
        for name, cost in (("champion", ring.cost), *((one.name, one.costs[1]) for one in found)) for measure, seen in cost.items()
    ]  # fmt: skip
    yield Exhibit("challenge_cost", "What both cost", _columns(_COST, costs))


Cells = tuple[float | int | str | None, ...]
_METRICS = (
    "challenger_name",
    "metric",
    "champion",
    "challenger",
    "difference",
    "low",
    "high",
    "p_value",
    "adjusted",
    "verdict",
    "better",
)
_SLICES = (
    "challenger_name", "slice", "metric", "champion", "challenger", "difference", "low", "high", "p_value", "adjusted", "n", "verdict",
)  # fmt: skip
_FLIPS = ("challenger_name", "label", "champion", "challenger", "count", "share")
_COST = ("model", "measure", "value", "low", "high", "unit")


def _columns(names: Sequence[str], rows: Sequence[Cells]) -> dict[str, Cells]:
    return {name: tuple(row[place] for row in rows) for place, name in enumerate(names)}


def _cells(seen: Estimate) -> tuple[float | None, float | None, float | None]:
    return None if seen.value is None else float(seen.value), seen.low, seen.high


def _metric_rows(ring: _Ring, found: Sequence[_Compared]) -> list[Cells]:
    corrected = adjusted("holm", [one.metrics[ring.metric].p_value for one in found])
    rows: list[Cells] = []
    for one, p in zip(found, corrected, strict=True):
        by_name = {condition.name: condition.verdict.value for condition in one.conditions}
        for name, seen in one.metrics.items():
            decides = name == ring.metric
            verdict = by_name["lift"] if decides else by_name.get(f"margin of {name}", Verdict.SKIP.value)
            rows.append(
                (
                    one.name,
                    name,
                    seen.champion,
                    seen.challenger,
                    *_cells(seen.difference),
                    seen.p_value,
                    p if decides else None,
                    verdict,
                    ring.champion.metric(name).better,
                )
            )
    return rows


def _slice_verdict(ring: _Ring, change: Change) -> str:
    worst = ring.policy.no_slice_worse_than
    seen = _better(ring, ring.metric, change.simultaneous)
    if seen.value is None or change.n < ring.policy.min_rows:
        return Verdict.INCONCLUSIVE.value
    if worst is None:
        return Verdict.SKIP.value
    if seen.high is not None and seen.high < -worst:
        return Verdict.FAIL.value
    is_beyond = float(seen.value) < -worst
    return str((Verdict.INCONCLUSIVE if is_beyond else Verdict.PASS).value)
