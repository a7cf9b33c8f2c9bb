"""The threshold that costs least: found on some rows and tried on the others, so that what it saves is not flattered."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.evaluation.calibration.decision_curve import decision_curve
from assay.evaluation.calibration.recalibration import FOLDS, folds_of
from assay.evaluation.curves import Curve, curve_of
from assay.evaluation.figures import (
    Cell,
    cell,
    cells,
    counted,
    estimate,
    joint,
    mean,
    outcome,
    per_last,
    too_few,
)
from assay.evaluation.metrics.forms import Places, places_of
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Part, Trial
from assay.stats.intervals import share
from assay.verdict import Estimate, Exhibit, Outcome

__all__ = ["MOST_ROWS", "Costs", "ThresholdSettings", "thresholds"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MOST_ROWS = 200
_PLACES = 512  # places of the score that resamples choose a threshold from


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What each row costs, in any unit, by what it is and what was said of it; a benefit is a cost below 0.

    `fp` is said positive and is not, `fn` is positive and was not said so; `tp` and `tn` are said right.
    """

    fp: float = 1.0
    fn: float = 1.0
    tp: float = 0.0
    tn: float = 0.0

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.fp, self.fn, self.tp, self.tn))):
            raise ValueError(f"the costs are {self.fp}, {self.fn}, {self.tp} and {self.tn}; each is a finite number")
        if self.fp <= self.tn and self.fn <= self.tp:
            raise ValueError(
                "a false positive costs no more than a true negative, nor a false negative than a true positive"
            )


class ThresholdSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a threshold of the score costs, and what it has to keep.

    A row is said positive where its score is at least the threshold. `costs` are what rows cost by label and prediction, and
    `unit` what in. `recall_at_least`, `precision_at_least` and `flagged_at_most` (the share of rows said positive: a
    capacity) hold for the threshold that is chosen, and judge the one in use. `current` is the threshold in use; without it,
    the one by which the predictions were made, where they were made by one. `saving_at_most` bounds what the best threshold
    would save in each row: more, and the one in use FAILs.
    """

    costs: Costs = Costs()
    unit: str = ""
    recall_at_least: float | None = None
    precision_at_least: float | None = None
    flagged_at_most: float | None = None
    current: float | None = None
    saving_at_most: float | None = None

    def __post_init__(self) -> None:
        for name in ("recall_at_least", "precision_at_least", "flagged_at_most"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}; it is a share in [0, 1]")


def thresholds(trial: Trial, settings: ThresholdSettings) -> Part:
    """Return what each threshold gives and costs: exhibits thresholds and decision, and the best threshold against the one in use.

    The best threshold is the one of least mean cost among those that keep the constraints, each a distinct score, or above
    all scores (nothing is said positive). Its interval is that of the thresholds that resamples choose. What it costs is
    measured on other rows than it was chosen on (five folds of units); on the same rows it would look cheaper than it is. The
    cost of the threshold in use, of saying nothing and of saying everything positive stand beside it, paired on the same
    rows. Only two classes have a threshold; without scores there is nothing.
    """
    trial = counted(trial)
    rows = trial.rows
    if rows.task != "binary" or rows.scores is None or not rows.n:
        return Part()
    places = places_of(rows, len(rows.classes) - 1)
    curve = curve_of(places, rows.weights)
    if not curve.inside[-1] or not curve.outside[-1]:
        seen = Estimate(None, n=rows.n, why="it takes rows of both classes")
        return Part(outcomes=(outcome("calibration", "best threshold", seen, why=""),))
    best = _best(curve, settings)
    current = _current(rows, settings)
    policies = _policies(trial, places, settings, current)
    outcomes = [_threshold(trial, places, curve, best, settings), *_costs(trial, policies, settings)]
    outcomes += _constraints(trial, curve, best, current, settings)
    marked = [one for one in (None if best is None else float(curve.thresholds[best]), current) if one is not None]
    note = _said(settings, current, best)
    exhibits = (_table(curve, settings.costs, marked, note), *decision_curve(trial, places))
    return Part(tuple(outcomes), exhibits)


# Choosing ------------------------------------------------------------------------------------------------------------


def _cost(inside: Floats, outside: Floats, costs: Costs) -> Floats:
    """Return the mean cost at thresholds [..., t] from the weight of each class at or above them; the last holds all rows."""
    positives, negatives = inside[..., -1:], outside[..., -1:]
    total = costs.tp * inside + costs.fn * (positives - inside) + costs.fp * outside + costs.tn * (negatives - outside)
    under = positives + negatives
    return np.asarray(np.divide(total, under, out=np.full(total.shape, np.nan), where=under > 0))


def _keeps(inside: Floats, outside: Floats, settings: ThresholdSettings) -> NDArray[np.bool_]:
    """Return which thresholds [..., t] keep the constraints; precision is kept where nothing is said positive."""
    kept = np.ones(inside.shape, dtype=bool)
    flagged = inside + outside
    if settings.recall_at_least is not None:
        kept &= inside >= settings.recall_at_least * inside[..., -1:]
    if settings.precision_at_least is not None:
        kept &= inside >= settings.precision_at_least * flagged
    if settings.flagged_at_most is not None:
        kept &= flagged <= settings.flagged_at_most * flagged[..., -1:]
    return kept


def _least(inside: Floats, outside: Floats, settings: ThresholdSettings) -> Codes:
    """Return the number of the threshold that costs least among those that keep the constraints, -1 where none does.

    Of equal ones it is the middle one: the farthest from where it would be another.
    """
    cost = _cost(inside, outside, settings.costs)
    cost = np.where(_keeps(inside, outside, settings) & ~np.isnan(cost), cost, np.inf)
    least = cost.min(axis=-1, keepdims=True)
    equal = cost <= least + 1e-12 * np.maximum(np.abs(least), 1.0)
    middle = (np.cumsum(equal, axis=-1) >= (equal.sum(-1, keepdims=True) + 1) // 2).argmax(-1)
    return np.where(np.isfinite(least[..., 0]), middle, -1)


def _best(curve: Curve, settings: ThresholdSettings) -> int | None:
    found = int(_least(curve.inside, curve.outside, settings))
    return None if found < 0 else found


def _current(rows: Predictions, settings: ThresholdSettings) -> float | None:
    """Return the threshold in use: as told, or the least score that was said positive, where all above it were."""
    if settings.current is not None:
        return settings.current
    if rows.predictions is None:
        return None
    said = rows.said == len(rows.classes) - 1
    score = rows.positive
    if said.all() or not said.any():
        return None
    least = float(score[said].min())
    return least if float(score[~said].max()) < least else None


# Judging -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Policies:
    """What each policy costs: sums of cost per unit by its name, and of weight; and whether every fold found a threshold."""

    costs: dict[str, Floats]
    weight: Floats
    found: bool

    def estimate(self, trial: Trial, name: str, *, less: str = "") -> Estimate:
        """Return the mean cost of a policy, or how much more it is than that of another one on the same rows."""
        if "best" in (name, less) and not self.found:
            return Estimate(None, n=trial.rows.n, why=_NONE_KEEPS)
        cost = self.costs[name] - self.costs[less] if less else self.costs[name]
        sums = np.column_stack([cost, self.weight])
        return mean(trial.units, sums, n=trial.rows.n, confidence=trial.confidence)


def _policies(trial: Trial, places: Places, settings: ThresholdSettings, current: float | None) -> Policies:
    """Return the costs of the best threshold (cross-fitted), of the one in use, of none and of all said positive."""
    rows, costs = trial.rows, settings.costs
    w, inside, k = rows.own_weights, places.inside, len(places.scores)
    fold = folds_of(trial.units, trial.rng)
    flat = fold * 2 * k + places.place + k * inside
    counts = np.bincount(flat, weights=rows.weights, minlength=FOLDS * 2 * k).reshape(FOLDS, 2, k)
    chosen = np.empty(FOLDS)
    for f in range(FOLDS):
        rest = np.cumsum((counts.sum(0) - counts[f])[:, ::-1], axis=1)
        above = np.concatenate([np.zeros((2, 1)), rest], axis=1)
        at = int(_least(above[1], above[0], settings))
        chosen[f] = np.nan if at < 0 else np.inf if at == 0 else places.scores[k - at]
    said = {"best": rows.positive >= chosen[fold], "none": np.zeros(rows.n, bool), "all": np.ones(rows.n, bool)}
    if current is not None:
        said["current"] = rows.positive >= current
    by_label = np.where(inside, costs.fn, costs.tn), np.where(inside, costs.tp, costs.fp)
    columns = [np.where(flags, by_label[1], by_label[0]) * w for flags in said.values()]
    sums = trial.units.per_unit(np.column_stack([*columns, w]))
    return Policies(dict(zip(said, sums.T, strict=False)), sums[:, -1], not np.isnan(chosen).any())


_NAMES = {
    "best": "cost at the best threshold",
    "current": "cost at the threshold in use",
    "none": "cost with none flagged",
    "all": "cost with all flagged",
}
_NONE_KEEPS = "no threshold keeps the constraints"


def _costs(trial: Trial, policies: Policies, settings: ThresholdSettings) -> list[Outcome]:
    """Return the outcomes of what the policies cost in a row, and of what the best would save."""

    def told(seen: Estimate) -> Estimate:
        return msgspec.structs.replace(seen, unit=settings.unit)

    said = {"best": "; chosen on other rows than it is measured on"}
    found = [
        outcome(
            "calibration",
            _NAMES[name],
            told(policies.estimate(trial, name)),
            why=f"mean cost of a row{said.get(name, '')}",
        )
        for name in policies.costs
    ]
    if "current" in policies.costs:
        seen = told(policies.estimate(trial, "current", less="best"))
    else:
        why = "the predictions were not made by a threshold of these scores, and none was told"
        seen = Estimate(None, n=trial.rows.n, why=why)
    why = "what each row would cost less at the best threshold, on rows that it was not chosen on"
    found.append(outcome("calibration", "saving", seen, why=why, at_most=settings.saving_at_most))
    return found


def _threshold(trial: Trial, places: Places, curve: Curve, best: int | None, settings: ThresholdSettings) -> Outcome:
    """Return the outcome of the best threshold, with the interval of those that resamples choose."""
    n = trial.rows.n
    if best is None:
        return outcome("calibration", "best threshold", Estimate(None, n=n, why=_NONE_KEEPS), why="")
    if best == 0:
        why = "nothing should be said positive: what a true positive saves is less than the false ones cost"
        return outcome("calibration", "best threshold", Estimate(None, n=n, why="it is above all scores"), why=why)
    drawn = _drawn(trial, places, settings)
    value = float(curve.thresholds[best])
    known = drawn[np.isfinite(drawn)]
    low = high = None
    few = too_few(trial.units)
    if len(known) >= 0.9 * len(drawn) and not few:
        ends = np.quantile(known, [(1 - trial.confidence) / 2, (1 + trial.confidence) / 2])
        low, high = min(float(ends[0]), value), max(float(ends[1]), value)
    why = (
        "" if low is not None else few or "more than a tenth of the resamples would flag nothing, or keep no constraint"
    )
    seen = Estimate(value, n=n, low=low, high=high, confidence=trial.confidence, why=why, method="percentile")
    cost = float(_cost(curve.inside, curve.outside, settings.costs)[best])
    return outcome(
        "calibration", "best threshold", seen, why=f"it costs {cost:.4g} a row on the rows that it was chosen on"
    )


def _drawn(trial: Trial, places: Places, settings: ThresholdSettings) -> Floats:
    """Return the threshold that each resample chooses among some hundred places; infinite for nothing flagged, NaN for none."""
    coarse = (
        places if len(places.scores) <= _PLACES else places_of(trial.rows, len(trial.rows.classes) - 1, most=_PLACES)
    )
    k = len(coarse.scores)
    sums = coarse.sums(trial.units, trial.rows.weights)[:, :, ::-1].reshape(trial.units.size, -1)
    chosen = []
    for times in np.array_split(trial.units.times, max(1, len(trial.units.times) * k // 500_000)):
        above = np.cumsum((times @ sums).reshape(len(times), 2, k), axis=2)
        above = np.concatenate([np.zeros((len(times), 2, 1)), above], axis=2)
        chosen.append(_least(above[:, 1], above[:, 0], settings))
    at = np.concatenate(chosen)
    least = np.full(k, np.inf)
    np.minimum.at(least, coarse.place, trial.rows.positive)
    return np.where(at < 0, np.nan, np.concatenate([least, [np.inf]])[np.where(at > 0, k - at, k)])


def _constraints(
    trial: Trial, curve: Curve, best: int | None, current: float | None, settings: ThresholdSettings
) -> list[Outcome]:
    """Return whether the threshold in use keeps each constraint, with what the best would have."""
    found = []
    for name, low, high in (
        ("recall", settings.recall_at_least, None),
        ("precision", settings.precision_at_least, None),
        ("flagged", None, settings.flagged_at_most),
    ):
        if low is None and high is None:
            continue
        subject = f"{name} at the threshold in use"
        if current is None:
            seen = Estimate(None, n=trial.rows.n, why="the threshold in use is not known")
        else:
            seen = _share_at(trial, name, current)
        better = (
            _NONE_KEEPS
            if best is None
            else f"the best threshold that keeps all constraints, {cell(float(curve.thresholds[best]))}, has {_at(curve, name, best)}"
        )
        found.append(outcome("calibration", subject, seen, why=better, at_least=low, at_most=high))
    return found


def _at(curve: Curve, name: str, at: int) -> str:
    value = {"recall": curve.tpr, "precision": curve.precision, "flagged": curve.flagged}[name][at]
    return f"{value:.4g}" if math.isfinite(value) else f"no {name}"


def _share_at(trial: Trial, name: str, threshold: float) -> Estimate:
    """Return recall, precision or the share said positive at a threshold: Wilson's interval, or the resamples'."""
    rows, w = trial.rows, trial.rows.own_weights
    said, true = rows.positive >= threshold, rows.labels == 1
    part, whole = {
        "recall": (said & true, true),
        "precision": (said & true, said),
        "flagged": (said, np.ones(rows.n, bool)),
    }[name]
    why = {"recall": "no row is positive", "precision": "no row is said positive", "flagged": ""}[name]
    sums = trial.units.per_unit(np.column_stack([w * part, w * whole]))
    draws = joint(trial.units, sums, per_last)[0]
    if trial.units.kind in ("entities", "blocks") or math.isnan(draws.value):
        return estimate(draws, n=rows.n, confidence=trial.confidence, why=why)
    n = float((w * whole).sum()) ** 2 / float((w * w * whole).sum())
    low, high = share(draws.value * n, n, confidence=trial.confidence)
    return Estimate(draws.value, n=rows.n, low=low, high=high, confidence=trial.confidence, method="wilson")


def _said(settings: ThresholdSettings, current: float | None, best: int | None) -> str:
    costs = settings.costs
    paid = ", ".join(f"{name} {getattr(costs, name):g}" for name in ("fp", "fn", "tp", "tn"))
    return f"costs: {paid}; " + ("the threshold in use is not known" if current is None else f"in use: {current:.4g}")


# Exhibits ------------------------------------------------------------------------------------------------------------


def _table(curve: Curve, costs: Costs, marked: list[float], note: str) -> Exhibit:
    """Return what some thresholds give: at even shares of the rows and of the class, and those that are asked about."""
    last = len(curve.thresholds) - 1
    at = np.arange(last + 1)
    if last >= MOST_ROWS:
        shares = np.linspace(0, 1, (MOST_ROWS - 4) // 2)
        asked = [np.searchsorted(-curve.thresholds, -one, side="right") - 1 for one in marked]
        parts = [np.searchsorted(curve.flagged, shares), np.searchsorted(curve.tpr, shares), asked, [0, last]]
        at = np.unique(np.minimum(np.concatenate([np.asarray(part, dtype=np.int64) for part in parts]), last))
    inside, outside = curve.inside[at], curve.outside[at]
    positives, total = curve.inside[-1], curve.inside[-1] + curve.outside[-1]
    columns: dict[str, tuple[Cell, ...]] = {
        "threshold": cells(curve.thresholds[at]),
        "precision": cells(curve.precision[at]),
        "recall": cells(curve.tpr[at]),
        "f1": cells(2 * inside / (inside + outside + positives)),
        "accuracy": cells((inside + curve.outside[-1] - outside) / total),
        "predicted_positive": cells(curve.flagged[at]),
        "cost": cells(_cost(curve.inside, curve.outside, costs)[at]),
    }
    return Exhibit("thresholds", "Thresholds", columns, note=note)
