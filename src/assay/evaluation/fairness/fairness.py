"""Fairness of a trial: every measure of every group, the gaps between groups judged by their bounds, flips and proxies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError, member, nearest
from assay.evaluation.fairness.exhibits import differences_exhibit, gaps_exhibit, groups_exhibit
from assay.evaluation.fairness.flips import FLIP_MEASURES, flip
from assay.evaluation.fairness.groups import cuts_of, title_of
from assay.evaluation.fairness.judging import judged, of_flip, of_proxy
from assay.evaluation.fairness.measures import MEASURES, suits
from assay.evaluation.fairness.proxies import proxy
from assay.evaluation.fairness.readings import Reading, readings_of
from assay.evaluation.fairness.settings import FairnessSettings
from assay.evaluation.trial import FAMILY, Part, Trial
from assay.stats.corrections import get_correction
from assay.verdict import Outcome, Verdict

__all__ = ["fairness"]

PROXY = "proxy_auc"


def fairness(trial: Trial, settings: FairnessSettings) -> Part:
    """Return what the sensitive columns' groups have of a model, and whether the gaps between them keep their bounds.

    An outcome for each gap that has a bound and for each that a criterion of fairness is about, for each flip and each proxy; the
    exhibits `groups` (each measure of each group), `gaps` (between the extremes) and `group_differences` (beside a reference). Nothing
    where no column is sensitive.

    Raises UsageError for bounds without a sensitive column, and for a column, group, measure or class that is not there.
    """
    _refuse(trial, settings)
    if not settings.columns:
        return Part()
    cuts = cuts_of(
        trial.rows.frame, settings.columns, crosses=settings.crosses, bins=settings.bins, quantiles=settings.quantiles
    )
    known = [title_of(cut) for cut in cuts]
    for name in settings.references:
        if name not in known:
            raise UsageError(
                f"a reference is named for {name!r}, which is no sensitive column", hint=nearest(name, known)
            )
    readings = [reading for cut in cuts for reading in readings_of(trial, cut, settings)]
    judgements = judged(readings, settings, confidence=trial.confidence)
    bounds = settings.all_bounds
    single = {cut.columns[0]: cut for cut in cuts if len(cut.columns) == 1}
    asked = [(name, flip(trial, cut)) for name, cut in single.items()] if settings.flips else []
    flips = [
        (name, found, of_flip(name, found, bounds.get(found.measure))) for name, found in asked if found is not None
    ]
    proxies = [
        of_proxy(name, proxy(trial, cut, sensitive=settings.columns), bounds.get(PROXY))
        for name, cut in (single.items() if settings.proxies else ())
    ]
    outcomes = (*(j.outcome for j in judgements), *(outcome for _, _, outcome in flips), *proxies)
    unmet = _unmet(trial, settings, {outcome.subject.split(" ")[0] for outcome in outcomes})
    positives = [_positives(trial, reading) for reading in readings]
    exhibits = (
        groups_exhibit(readings, positives, min_rows=settings.min_rows, confidence=trial.confidence),
        gaps_exhibit(readings, judgements, flips, alpha=settings.alpha, confidence=trial.confidence),
        differences_exhibit(readings, settings, confidence=trial.confidence),
    )
    return Part((*outcomes, *unmet), exhibits)


def _refuse(trial: Trial, settings: FairnessSettings) -> None:
    """Raise where settings name what is not there, or bound what cannot be bounded."""
    get_correction(settings.correction)
    known = {**MEASURES, **FLIP_MEASURES}
    for name in settings.measures:
        member(MEASURES, name, what="measure of fairness")
    for name, bound in settings.bounds.items():
        if name != PROXY:
            measure = member(known, name, what="measure of fairness", place="fairness: bounds")
            if not measure.judged:
                raise UsageError(f"{name} is shown and not judged: it is not the model's", hint="take its bound away")
        if bound.at_least is not None and (name == PROXY or name in FLIP_MEASURES or not known[name].ratio):
            raise UsageError(f"{name} has no ratio, so its bound has no at_least", hint="give at_most")
    if settings.all_bounds and not settings.columns:
        raise UsageError("there are bounds of fairness and no sensitive column", hint="name one in fairness: columns")
    several = [str(c) for c in trial.rows.classes] if trial.rows.task in ("multiclass", "multilabel") else []
    for name in settings.positive if several else ():
        if name not in several:
            raise UsageError(f"there is no class {name!r}", hint=nearest(name, several))


def _unmet(trial: Trial, settings: FairnessSettings, seen: set[str]) -> tuple[Outcome, ...]:
    """Return an outcome for each bound that nothing was measured for: it cannot be had of this task, or without a model."""
    unmet = []
    for name, bound in settings.all_bounds.items():
        if name in seen:
            continue
        verdict, why = Verdict.ERROR, ""
        if name in MEASURES:
            why = suits(MEASURES[name], trial.rows) or "it is not measured"
        elif name in FLIP_MEASURES and trial.rows.task in FLIP_MEASURES[name].tasks:
            verdict, why = (
                Verdict.INCONCLUSIVE,
                "there is no model that takes a sensitive column, or flips are turned off",
            )
        elif name in FLIP_MEASURES:
            why = f"it is a measure of {' and '.join(FLIP_MEASURES[name].tasks)}, not of {trial.rows.task}"
        else:
            verdict, why = Verdict.INCONCLUSIVE, "proxies are turned off"
        asked = [f"difference at most {bound.at_most:g}"] if bound.at_most is not None else []
        asked += [f"ratio at least {bound.at_least:g}"] if bound.at_least is not None else []
        unmet.append(
            Outcome(
                "fairness",
                name,
                verdict,
                expected=" and ".join(asked),
                why=why,
                n_rows=trial.rows.n,
                family=FAMILY,
                id=f"fairness.{name}",
            )
        )
    return tuple(unmet)


def _positives(trial: Trial, reading: Reading) -> NDArray[np.float64] | None:
    """Return how many rows of each group are of the class that a reading looks at; None where there is no one class."""
    rows = trial.rows
    if rows.task == "regression" or (rows.task == "multiclass" and not reading.of):
        return None
    place = [str(c) for c in rows.classes].index(reading.of) if reading.of else 1
    label = rows.labels[:, place] == 1 if rows.task == "multilabel" else rows.labels == place
    return np.bincount(reading.cut.codes, weights=label, minlength=len(reading.cut.names)).astype(np.float64)
