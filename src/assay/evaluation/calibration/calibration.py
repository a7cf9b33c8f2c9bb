"""Calibration: whether what is said with 0.8 comes true in 8 of 10 rows, and whether another reading of the scores would help."""

from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.evaluation.bounds import shown
from assay.evaluation.calibration.calibration_tests import hosmer_lemeshow, line_of, spiegelhalter
from assay.evaluation.calibration.isotonic import corp
from assay.evaluation.calibration.quantile_shares import shares_below
from assay.evaluation.calibration.recalibration import MULTICLASS, RECALIBRATORS, Gains, gains, gains_of_classes
from assay.evaluation.calibration.reliability import (
    MURPHY,
    Bins,
    Chance,
    View,
    bands,
    bins_of,
    by_chance,
    murphy,
    noise,
    per_unit,
    view_of,
)  # fmt: skip
from assay.evaluation.figures import (
    Cell,
    cell,
    counted,
    estimate,
    joint,
    mean,
    most_frequent,
    named,
    outcome,
)
from assay.evaluation.metrics.calibrated import BINS, CALIBRATED
from assay.evaluation.metrics.measuring import measure, value_of
from assay.evaluation.metrics.metric import SIGNED, UNIT
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Part, Trial
from assay.stats.intervals import normal_quantile
from assay.stats.resampling import bca
from assay.verdict import Estimate, Exhibit, Outcome

__all__ = ["MOST_CLASSES", "TOP", "CalibrationSettings", "calibration"]

Floats = NDArray[np.float64]
Measures = dict[str, Estimate]

MOST_CLASSES = 12
TOP = "top label"


class CalibrationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How calibration is measured, and what is asked of it.

    `bins` is how many bins of about the same weight the reliability curve, and what is made of it, has. `ece_at_most` bounds
    the expected calibration error (the metric `ece_mass`: over ten bins always, without what chance adds), `slope_at_least`
    and `slope_at_most` the slope of the log-odds (1 is right), `in_the_large_at_most` how far the mean score may be from the
    share that came true, either way. Another reading of the scores is suggested where it lowers the log-loss by at least the
    share `gain_at_least` of it.
    """

    bins: int = 10
    ece_at_most: float | None = None
    slope_at_least: float | None = None
    slope_at_most: float | None = None
    in_the_large_at_most: float | None = None
    gain_at_least: float = 0.01

    def __post_init__(self) -> None:
        if not 2 <= self.bins <= 100:
            raise ValueError(f"bins is {self.bins}; from 2 to 100 bins")
        for name in ("ece_at_most", "in_the_large_at_most", "gain_at_least"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}; it is in [0, 1]")
        if (
            self.slope_at_least is not None
            and self.slope_at_most is not None
            and self.slope_at_least > self.slope_at_most
        ):
            raise ValueError(f"slope_at_least is {self.slope_at_least}, above slope_at_most, {self.slope_at_most}")


def calibration(trial: Trial, settings: CalibrationSettings) -> Part:
    """Return how well scores are calibrated: exhibits reliability and calibration, and what is asked of them, judged.

    Of two classes the positive one is looked at; of several, whether the label that is said comes true as often as its score
    says, and then each class against the rest (at most 12, the most frequent); of several labels, each. All intervals
    of several views hold together. Of forecasts of quantiles, and of a regression, the share of labels below is shown instead.
    Without scores, or where they are no probabilities, one outcome says so.
    """
    trial = counted(trial)
    rows = trial.rows
    if rows.task == "ranking":
        return Part()
    if rows.task in ("regression", "quantile"):
        return shares_below(trial)
    silent = _silent(rows)
    if silent:
        asked = outcome(
            "calibration", "ece_mass", Estimate(None, n=rows.n, why=silent), why="", at_most=settings.ece_at_most
        )
        return Part(outcomes=(asked,))
    questions = _questions(rows)
    views = [
        view_of(one.positive, one.labels == 1, name=name, weights=one.weights, units=trial.units)
        for name, one in questions
    ]
    confidence = 1 - (1 - trial.confidence) / len(views)
    binned = [bins_of(view, settings.bins) for view in views]
    outcomes: list[Outcome] = []
    measures: Measures = {}
    for view, bins, (_, question) in zip(views, binned, questions, strict=True):
        tenths = bins if settings.bins == BINS else bins_of(view, BINS)
        found = _errors(view, tenths, question, trial, confidence) | _measures(view, bins, confidence)
        outcomes += _judged(found, view, settings)
        measures |= {_of(name, view): value for name, value in found.items()}
    found_gains = _gains(trial, views)
    if found_gains is not None:
        measures |= _gain_rows(found_gains, rows.n, trial.confidence)
        outcomes.append(_suggestion(found_gains, settings, rows.n, trial.confidence))
    note = f"the intervals of all {len(views)} views hold together" if len(views) > 1 else ""
    return Part(tuple(outcomes), (_reliability(views, binned, confidence, note), _table(measures, note)))


def _silent(rows: Predictions) -> str:
    if not rows.n:
        return "there are no rows" if rows.weights is None else "there are no rows that weigh anything"
    if rows.scores is None:
        return "there are no scores"
    return (
        "" if rows.probabilities else "the scores are no probabilities: they are not in [0, 1], or do not add up to 1"
    )


def _questions(rows: Predictions) -> list[tuple[str, Predictions]]:
    """Return what is asked of the scores: rows of two classes, by a name that is empty where there is only one question."""
    if rows.task == "binary":
        return [("", rows)]
    scores, k = np.asarray(rows.scores), len(rows.classes)
    true = rows.labels == 1 if rows.task == "multilabel" else rows.labels[:, None] == np.arange(k)
    found = []
    if rows.task == "multiclass":
        found.append((TOP, _as_two(rows, scores.max(1), scores.argmax(1) == rows.labels)))
    for c in most_frequent(true.sum(0), MOST_CLASSES):
        found.append((named(rows.classes[c]), _as_two(rows, scores[:, c], true[:, c])))
    return found


def _as_two(rows: Predictions, scores: Floats, came: NDArray[np.bool_]) -> Predictions:
    both = np.column_stack([1 - scores, scores])
    return replace(
        rows, task="binary", labels=came.astype(np.int64), predictions=None, scores=both, classes=(False, True)
    )


def _of(measure: str, view: View) -> str:
    return f"{measure} of {view.name}" if view.name else measure


# Measures ------------------------------------------------------------------------------------------------------------


def _measures(view: View, bins: Bins, confidence: float) -> Measures:
    """Return what is measured of a view, by name; of a class among several only what fits a glance."""
    line = line_of(view, confidence=confidence)
    found = {"slope": line.slope, "intercept": line.intercept, "in_the_large": _in_the_large(view, confidence)}
    if view.name not in ("", TOP):
        return found
    found |= _decomposed(view, bins, confidence)
    tests = {"cox": line.both, "spiegelhalter": spiegelhalter(view), "hosmer_lemeshow": hosmer_lemeshow(view, bins)}
    for name, test in tests.items():
        why = test.why or _SAYS[name]
        found[name] = Estimate(test.statistic, n=view.n, why=why)
        found[f"{name}_p"] = Estimate(test.p_value, n=view.n, why=test.why)
    return found


_SAYS = {
    "cox": "asks whether slope and intercept are 1 and 0 together",
    "spiegelhalter": "asks whether the Brier score is what scores that are right would have",
    "hosmer_lemeshow": "depends on the bins, and of enough rows rejects any model: read it beside the ece",
}


def _errors(view: View, bins: Bins, question: Predictions, trial: Trial, confidence: float) -> Measures:
    """Return the calibration error over ten bins: that of the metric `ece_mass`, so that it is one number everywhere."""
    error = measure(CALIBRATED["ece_mass"], question, units=trial.units, confidence=confidence)
    seen = value_of(CALIBRATED["ece_mass_plain"], question)
    leads = view.name in ("", TOP)
    chance = by_chance(view, bins, rng=trial.rng) if leads else by_chance(view, bins, rng=trial.rng, fits=0)
    average, least, most = Chance.range(chance.errors, trial.confidence)
    p = (1 + int((chance.errors >= seen).sum())) / (1 + len(chance.errors))
    said = f"what scores that are right show by chance: as much as was seen with p = {p:.2g}"
    found = {
        "ece_mass": _unless_few(view, error),
        "ece_as_seen": Estimate(seen, n=view.n, why="with what chance adds to it"),
        "ece_by_chance": Estimate(average, n=view.n, low=least, high=most, confidence=trial.confidence, why=said),
    }
    if leads:
        average, least, most = Chance.range(chance.miscalibration, trial.confidence)
        said = "what scores that are right show by chance"
        found["miscalibration_by_chance"] = Estimate(
            average, n=view.n, low=least, high=most, confidence=trial.confidence, why=said
        )
    return found


def _unless_few(view: View, seen: Estimate) -> Estimate:
    """Return an estimate, without its interval where there are too few units to tell it."""
    return msgspec.structs.replace(seen, low=None, high=None, why=view.few) if view.few else seen


def _in_the_large(view: View, confidence: float) -> Estimate:
    w = view.weights
    sums = view.units.per_unit(np.column_stack([w * (view.scores - view.labels), w]))
    return mean(view.units, sums, n=view.n, confidence=confidence, span=SIGNED)


def _decomposed(view: View, bins: Bins, confidence: float) -> Measures:
    """Return the Brier score and its parts, by bins and by the isotonic fit, and those of the log-loss."""
    draws = joint(view.units, per_unit(view, bins), murphy)
    exact = murphy(bins.sums)
    found = {}
    for name, value, one in zip(MURPHY, exact.tolist(), draws, strict=True):
        found[name] = estimate(
            one._replace(value=value), n=view.n, confidence=confidence, span=UNIT if name != MURPHY[-1] else SIGNED
        )
    gap, error = noise(view, bins)
    found["reliability"] = _unless_few(view, _squares(exact[1], bins, bins.share - bins.score, gap, view.n, confidence))
    found["resolution"] = _unless_few(
        view, _squares(exact[2], bins, bins.share - view.share, error, view.n, confidence)
    )
    starts = np.flatnonzero(np.concatenate([[True], view.scores[1:] != view.scores[:-1]]))
    mass = np.add.reduceat(view.weights, starts)
    there = mass > 0
    hits, mass = np.add.reduceat(view.weights * view.labels, starts)[there], mass[there]
    for loss, parts in corp(view.scores[starts][there], hits / mass, mass).items():
        for part, value in zip(parts._fields, parts, strict=True):
            why = _INFINITE if not math.isfinite(value) else _ADAPTS if part != "uncertainty" else "the labels' alone"
            found[f"{loss}_{part}"] = Estimate(value if math.isfinite(value) else None, n=view.n, why=why)
    return found


_INFINITE = "a score of 0 came true, or one of 1 did not: the log-loss is infinite"
_ADAPTS = "no interval: the isotonic fit adapts to these very rows"


def _squares(value: float, bins: Bins, gaps: Floats, errors: Floats, n: int, confidence: float) -> Estimate:
    """Return a sum of squares over bins with its interval: Σπd² ± z·√Σπ²(4δ²s² + 2s⁴), δ² = d² - s² where that is above 0."""
    pi = bins.mass / bins.mass.sum()
    squares = np.maximum(gaps**2 - errors**2, 0.0)
    half = normal_quantile((1 + confidence) / 2) * math.sqrt(
        float((pi**2 * (4 * squares * errors**2 + 2 * errors**4)).sum())
    )
    added = f"of which chance alone adds {float((pi * errors**2).sum()):.2g}"
    low, high = max(value - half, 0.0), min(value + half, 1.0)
    return Estimate(float(value), n=n, low=low, high=high, confidence=confidence, why=added, method="normal")


# Judging -------------------------------------------------------------------------------------------------------------


def _judged(found: Measures, view: View, settings: CalibrationSettings) -> list[Outcome]:
    """Return the outcomes of the measures that a bound can be given for."""
    about = {
        "ece_mass": "the mean distance of the scores from the shares that came true, without what chance adds",
        "in_the_large": "the mean score less the share that came true",
    }
    slope = found["slope"]
    if isinstance(slope.value, int | float):
        way = "too extreme" if slope.value < 1 else "not extreme enough"
        sure = slope.low is not None and slope.high is not None and not slope.low <= 1 <= slope.high
        about["slope"] = (
            f"below 1 scores are too extreme, above 1 not extreme enough{f': these are {way}' if sure else ''}"
        )
    most = settings.in_the_large_at_most
    asked: dict[str, tuple[float | None, float | None]] = {
        "ece_mass": (None, settings.ece_at_most),
        "slope": (settings.slope_at_least, settings.slope_at_most),
        "in_the_large": (None if most is None else -most, most),
    }
    return [
        outcome("calibration", _of(name, view), found[name], why=about.get(name, ""), at_least=low, at_most=high)
        for name, (low, high) in asked.items()
    ]


def _gains(trial: Trial, views: list[View]) -> Gains | None:
    """Return what other readings of the scores would gain; None where there are too few rows to try, or none for several labels."""
    rows = trial.rows
    if rows.task == "multilabel" or rows.n < 50 or trial.units.size < 10:
        return None
    if rows.task == "binary":
        return None if views[0].one_sided else gains(views[0], rng=trial.rng)
    if len(rows.classes) > MOST_CLASSES:
        return None
    scores, labels = np.asarray(rows.scores), np.asarray(rows.labels, dtype=np.int64)
    return gains_of_classes(scores, labels, rows.own_weights, units=trial.units, rng=trial.rng)


def _gain_rows(found: Gains, n: int, confidence: float) -> Measures:
    return {
        f"{loss}_gain_by_{name}": estimate(one, n=n, confidence=confidence)
        for loss, draws in (("log_loss", found.in_log_loss), ("brier", found.in_brier))
        for name, one in draws.items()
    }


def _suggestion(found: Gains, settings: CalibrationSettings, n: int, confidence: float) -> Outcome:
    """Return the simplest reading that helps, and that no other one surely beats by the size asked; or that none would."""
    least = settings.gain_at_least * found.log_loss
    helping = {
        name: one
        for name, one in found.in_log_loss.items()
        if one.value >= least and bca(one, confidence=confidence).low > 0
    }
    best = max(found.in_log_loss, key=lambda name: found.in_log_loss[name].value)
    chosen = best
    for name, one in helping.items():
        if bca(found.in_log_loss[best].less(one), confidence=confidence).low <= least / 2 or name == best:
            chosen = name
            break
    seen = estimate(found.in_log_loss[chosen], n=n, confidence=confidence)
    title = RECALIBRATORS[chosen].title if chosen in RECALIBRATORS else MULTICLASS[chosen]
    if helping:
        share = float(seen.value or 0.0) / found.log_loss if found.log_loss else 0.0
        why = f"{title}, fitted on other rows than it was tried on, lowers the log-loss by {shown(seen)}, {share:.1%} of it"
    else:
        why = f"recalibration would not help: the most that any reading gains is {shown(seen)}, by {title}; asked is {least:.2g}"
    return outcome("calibration", "recalibration", seen, why=why)


# Exhibits ------------------------------------------------------------------------------------------------------------


def _reliability(views: list[View], binned: list[Bins], confidence: float, note: str) -> Exhibit:
    columns: dict[str, list[Cell]] = {name: [] for name in ("class", "score", "share", "low", "high", "n")}
    for view, bins in zip(views, binned, strict=True):
        ends = bands(view, bins, confidence=confidence)
        columns["class"] += [view.name] * len(ends)
        columns["score"] += bins.score.tolist()
        columns["share"] += bins.share.tolist()
        columns["low"] += [cell(interval.low) for interval in ends]
        columns["high"] += [cell(interval.high) for interval in ends]
        columns["n"] += bins.rows.tolist()
    said = "; ".join(part for part in ("the bands of all bins hold together (exact, Bonferroni)", note) if part)
    return Exhibit("reliability", "Reliability", {key: tuple(column) for key, column in columns.items()}, note=said)


def _table(measures: Measures, note: str) -> Exhibit:
    found = measures.values()
    columns: dict[str, tuple[Cell, ...]] = {
        "measure": tuple(measures),
        "value": tuple(one.value for one in found),
        "low": tuple(one.low for one in found),
        "high": tuple(one.high for one in found),
        "why": tuple(one.why for one in found),
    }
    return Exhibit("calibration", "Calibration", columns, note=note)
