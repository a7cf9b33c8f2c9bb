"""A model beside what it has to beat: chance, a constant, one feature, yesterday's label, the previous model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from assay.errors import UsageError, nearest
from assay.evaluation.baselines.table import BASELINES, Baseline, BaselineSettings, Field, StandIn, constants
from assay.evaluation.metrics.measuring import drawn, measure, unsuited, value_of
from assay.evaluation.metrics.metric import Metric, Whole
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import FAMILY, Part, Trial
from assay.stats.intervals import Interval, student_quantile
from assay.stats.resampling import FEWEST_UNITS, Draws, bca, percentile
from assay.verdict import Estimate, Exhibit, Outcome, Verdict

__all__ = ["BASELINES", "Baseline", "BaselineSettings", "baselines"]

_NONE = Interval(math.nan, math.nan)
_EQUAL, _ROUNDED = 1e-9, 1e-13
_USUAL = BaselineSettings()


@dataclass(frozen=True, slots=True)
class Lift:
    """By how much a metric of the model is better than the same of a baseline; above 0 it is better.

    `base` and `own` are the metric of the baseline and of the model on the `n` rows of which the baseline says something.
    """

    baseline: str
    stand_in: StandIn
    metric: Metric
    base: Draws
    own: Draws
    lift: Draws
    n: int

    @property
    def is_same(self) -> bool:
        """Return whether the two are equal in every resample: the model then does what the baseline does."""
        sizes = np.abs(np.append(self.lift.replicates, self.lift.value))
        return bool((sizes <= _ROUNDED * max(abs(self.own.value), 1.0)).all())

    @property
    def is_drawn(self) -> bool:
        """Return whether there are resamples; of the greatest of all errors there are none that say anything."""
        return not np.isnan(self.lift.replicates).all()

    @property
    def strength(self) -> float:
        """Return the size of the lift in units of its spread over the resamples; the order in which lifts are judged."""
        known = self.lift.replicates[~np.isnan(self.lift.replicates)]
        spread = float(known.std()) if len(known) else 0.0
        return abs(self.lift.value) / spread if spread > 0 else math.inf


def baselines(
    trial: Trial,
    settings: BaselineSettings = _USUAL,
    *,
    train: Predictions | None = None,
    previous: Predictions | None = None,
) -> Part:
    """Return by how much each metric of the model is better than that of each baseline, and the exhibit `baselines`.

    The lift of a metric is a paired difference on the same resamples, turned so that above 0 the model is better. That of the
    leading metric, or of those that the settings name, is judged, and every other is shown: an accuracy that nobody asked for
    is below the majority's wherever a class is rare. A lift passes where its whole interval is above 0, fails where it is below,
    or where the two are equal in every resample, and is inconclusive where 0 lies inside. It is skipped where a constant has the
    metric at its best, such as recall: that is no sign of skill. The lifts of a metric over its baselines are judged together:
    Holm's step-down procedure, by intervals that are the wider the more lifts are left to be judged.

    `train` are training rows, on which constants and the rule of one feature are fitted; without them the constants are those
    of the evaluated rows, and the rule is tried on rows that it was not fitted on. `previous` is what another model says of the
    same rows. A random baseline is its expectation, not one draw.

    Raises UsageError where the settings name a column that is not there, or a metric that is not measured.
    """
    if not trial.rows.n:
        return Part()
    field = Field(trial.rows, settings, trial.rng, train, previous, framed=bool(trial.custom))
    judge = _judging(trial, settings)
    made, left = _stand_ins(field)
    outcomes: list[Outcome] = []
    lifts: list[tuple[str, Lift, Estimate]] = []
    for name in trial.metrics:
        metric = trial.metric(name)
        if metric.better == "neither" or unsuited(metric, trial.rows):
            continue
        own = drawn(metric, trial.rows, trial.units)
        found = {b: _lift(trial, (metric, own), b, one) for b, one in made.items() if metric.needs in one.serves}
        nothing = _tells_nothing(metric, trial.rows)
        judged = _judged([lift for lift in found.values() if isinstance(lift, Lift)], trial, tells=not nothing)
        said = [_outcome(name, lift, (seen, verdict), len(judged), nothing) for lift, seen, verdict in judged]
        outcomes += said if name in judge else [_shown(outcome) for outcome in said]
        outcomes += [_unknown(name, b, why, trial.rows.n) for b, why in found.items() if isinstance(why, str)]
        lifts += [(name, lift, seen) for lift, seen, _ in judged]
    return Part(tuple(outcomes), (_exhibit(trial, lifts, made, left),))


def _judging(trial: Trial, settings: BaselineSettings) -> tuple[str, ...]:
    """Return the metrics whose lifts are judged; raise UsageError where one of them is not measured."""
    for name in settings.metrics:
        if name not in trial.metrics:
            raise UsageError(f"baselines: {name!r} is not measured", hint=nearest(name, trial.metrics))
    return settings.metrics or (trial.lead,)


def _stand_ins(field: Field) -> tuple[dict[str, StandIn], dict[str, str]]:
    """Return what each baseline says, and of those that say nothing why."""
    told = field.settings
    made: dict[str, StandIn] = {}
    left: dict[str, str] = {}
    for name, baseline in BASELINES.items():
        if field.rows.task not in baseline.tasks or name in told.ignore or (told.only and name not in told.only):
            continue
        found = baseline.make(field)
        if isinstance(found, str):
            left[name] = found
        else:
            made[name] = found
    return made, left


# One lift ---------------------------------------------------------------------------------------------------------------


def _lift(trial: Trial, of_model: tuple[Metric, Draws], name: str, one: StandIn) -> Lift | str:
    """Return the lift of a metric, with its draws on all rows, over a baseline; why there is none, where it is undefined on either."""
    metric, own = of_model
    if isinstance(metric.of, Whole) and one.once is not None:
        one = replace(one, rows=one.once, of=None)  # a function of whole rows may not know rows that count in part
    why = unsuited(metric, one.rows)
    if why:
        return why
    units = trial.units if one.kept is None else trial.units.of(one.kept)
    base = drawn(metric, one.rows, units if one.of is None else units.of(one.of))
    if math.isnan(base.value):
        return metric.undefined
    if one.kept is not None:
        own = drawn(metric, trial.rows.at(one.kept), units)
    if math.isnan(own.value):
        return f"{metric.undefined} (of the model)"
    return Lift(name, one, metric, base, own, _gain(metric, own).less(_gain(metric, base)), len(units.of_row))


def _gain(metric: Metric, draws: Draws) -> Draws:
    value = float(metric.gain(np.array([draws.value]))[0])
    return Draws(value, metric.gain(draws.replicates), metric.gain(draws.left_out))


def _interval(draws: Draws, confidence: float) -> Interval:
    """Return the outer ends of BCa's interval and of Student's with the jackknife's error, which is the wider one of few units."""
    left = draws.left_out[~np.isnan(draws.left_out)]
    k = len(left)
    if k < FEWEST_UNITS:
        return percentile(draws, confidence=confidence) if len(draws.left_out) == 0 else _NONE
    low, high = bca(draws, confidence=confidence)
    error = math.sqrt((k - 1) / k * float(((left - left.mean()) ** 2).sum()))
    half = student_quantile((1 + confidence) / 2, k - 1) * error
    return Interval(min(low, draws.value - half), max(high, draws.value + half)) if math.isfinite(low) else _NONE


def _ends(lift: Lift, trial: Trial, confidence: float) -> tuple[Interval, str]:
    """Return the interval of a lift, and how it was had: the metric's own, moved, where the baseline is the same in each resample."""
    fixed = bool((lift.base.replicates == lift.base.value).all())
    if lift.is_same:
        return Interval(0.0, 0.0), "equal in every resample"
    if not fixed or lift.metric.better == "nearest" or lift.stand_in.kept is not None:
        return _interval(lift.lift, confidence), "paired bootstrap"
    own = measure(lift.metric, trial.rows, units=trial.units, confidence=confidence)
    if own.low is None and own.high is None:
        return _NONE, own.method
    low, high = (math.inf * side if end is None else end for end, side in ((own.low, -1), (own.high, 1)))
    ends = (low - lift.base.value, high - lift.base.value)
    return Interval(*ends) if lift.metric.better == "higher" else Interval(-ends[1], -ends[0]), own.method


def _tells_nothing(metric: Metric, rows: Predictions) -> str:
    """Return why a metric by itself is no sign of skill; empty where it is one.

    Without a look at a row, recall is 1 where every row is called positive, and the mean error is 0.
    """
    if metric.better == "nearest" or not metric.skill:
        return "what knows nothing may have it at its best, so that it is no sign of skill"
    best = metric.span.high if metric.better == "higher" else metric.span.low
    if not math.isfinite(best):
        return ""
    values = (value_of(metric, one) for one in constants(rows) if not unsuited(metric, one))
    found = any(abs(value - best) < _EQUAL for value in values)
    return f"a constant has {best:g}, the best there can be, so that it is no sign of skill" if found else ""


def _judged(lifts: Sequence[Lift], trial: Trial, *, tells: bool) -> list[tuple[Lift, Estimate, Verdict]]:
    """Return the lifts with their intervals and verdicts, in the given order, by Holm's procedure.

    From the strongest lift down, the interval of the j-th of m holds at 1 - α/(m - j + 1); the first that does not tell
    ends it, and those after it are shown at that confidence and tell nothing either. All are skipped where the metric
    `tells` nothing, or has no resamples.
    """
    order = sorted(range(len(lifts)), key=lambda i: -lifts[i].strength)
    found: dict[int, tuple[Lift, Estimate, Verdict]] = {}
    level, is_open = trial.confidence, True
    for j, i in enumerate(order):
        level = 1 - (1 - trial.confidence) / (len(lifts) - j) if is_open else level
        ends, how = _ends(lifts[i], trial, level)
        verdict = _verdict(ends) if is_open or lifts[i].is_same else Verdict.INCONCLUSIVE
        is_open = is_open and verdict is not Verdict.INCONCLUSIVE
        if not tells or not lifts[i].is_drawn:
            verdict = Verdict.SKIP
        found[i] = lifts[i], _estimate(lifts[i], ends, level, how), verdict
    return [found[i] for i in range(len(lifts))]


def _verdict(ends: Interval) -> Verdict:
    """Return PASS where the interval is above 0, FAIL where it is below 0 or is 0 alone; INCONCLUSIVE where it does not tell."""
    if ends.low > 0:
        return Verdict.PASS
    return Verdict.FAIL if ends.high < 0 or ends.low == ends.high == 0 else Verdict.INCONCLUSIVE


def _estimate(lift: Lift, ends: Interval, level: float, how: str) -> Estimate:
    low, high = (float(end) if math.isfinite(end) else None for end in ends)
    why = "" if low is not None or high is not None else "the resamples do not tell how far it may be off"
    return Estimate(
        lift.lift.value, n=lift.n, low=low, high=high, confidence=level, unit=lift.metric.unit, why=why, method=how
    )  # fmt: skip


# What is said -----------------------------------------------------------------------------------------------------------

_SAYS = {
    Verdict.PASS: "the model is better",
    Verdict.FAIL: "the model is worse",
    Verdict.INCONCLUSIVE: "the rows do not tell which is better",
    Verdict.SKIP: "no resample tells how far it may be off",
}


def _outcome(name: str, lift: Lift, judged: tuple[Estimate, Verdict], among: int, nothing: str) -> Outcome:
    seen, verdict = judged
    subject = f"{name} over {lift.baseline}"
    says = f" ({lift.stand_in.says})" if lift.stand_in.says else ""
    figures = f"{lift.own.value:.4g} against {lift.base.value:.4g} of {BASELINES[lift.baseline].title}{says}"
    told = nothing or ("the model does what the baseline does, in every resample" if lift.is_same else _SAYS[verdict])
    note = f"corrected over {among} baselines (Holm)" if among > 1 else ""
    return Outcome(
        "baseline", subject, verdict, expected="above 0", observed=seen, why=f"{figures}: {told}", n_rows=lift.n, family=FAMILY,
        id=f"baseline.{subject}", note=note,
    )  # fmt: skip


def _shown(outcome: Outcome) -> Outcome:
    """Return the outcome of a lift that nobody asked to be judged."""
    if outcome.verdict is Verdict.SKIP:
        return outcome
    return msgspec.structs.replace(outcome, verdict=Verdict.SKIP, why=f"{outcome.why}; shown, not judged")


def _unknown(name: str, baseline: str, why: str, n: int) -> Outcome:
    subject = f"{name} over {baseline}"
    return Outcome(
        "baseline", subject, Verdict.SKIP, observed=Estimate(None, n=n, why=why), n_rows=n, family=FAMILY, id=f"baseline.{subject}",
        why=f"{name} is undefined of {BASELINES[baseline].title}: {why}",
    )  # fmt: skip


def _exhibit(
    trial: Trial, lifts: Sequence[tuple[str, Lift, Estimate]], made: dict[str, StandIn], left: dict[str, str]
) -> Exhibit:
    bases = [_of_baseline(lift.base, trial.confidence) for _, lift, _ in lifts]
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "metric": tuple(name for name, _, _ in lifts),
        "baseline": tuple(lift.baseline for _, lift, _ in lifts),
        "value": tuple(lift.base.value for _, lift, _ in lifts),
        "low": tuple(low for low, _ in bases),
        "high": tuple(high for _, high in bases),
        "lift": tuple(lift.lift.value for _, lift, _ in lifts),
        "lift_low": tuple(seen.low for _, _, seen in lifts),
        "lift_high": tuple(seen.high for _, _, seen in lifts),
    }
    told = [f"{name} is {BASELINES[name].title}{f' ({one.says})' if one.says else ''}" for name, one in made.items()]
    without = [f"{name}: {why}" for name, why in left.items()]
    note = (
        "A lift is above 0 where the model is better; the lifts of a metric are judged together (Holm), and their intervals "
        f"are as wide as that takes. {'; '.join(told)}." + (f" Left out: {'; '.join(without)}." if without else "")
    )  # fmt: skip
    return Exhibit("baselines", "Baselines", columns, note=note)


def _of_baseline(draws: Draws, confidence: float) -> tuple[float | None, float | None]:
    """Return the ends of the interval of a baseline's own metric; its value where that is the same in every resample."""
    if (draws.replicates == draws.value).all():
        return draws.value, draws.value
    low, high = _interval(draws, confidence)
    return (None, None) if math.isnan(low) or math.isnan(high) else (min(low, draws.value), max(high, draws.value))
