"""Whether another reading of the scores would predict better: curves fitted on some rows and tried on the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.calibration.isotonic import isotonic
from assay.evaluation.calibration.logistic import fit, log_odds, share_of
from assay.evaluation.calibration.reliability import View
from assay.evaluation.estimation.calibrators import basis_of, fitted
from assay.evaluation.figures import joint, per_last
from assay.evaluation.odds import softmax
from assay.stats.resampling import Draws, Resamples

__all__ = ["FOLDS", "MULTICLASS", "RECALIBRATORS", "Gains", "Recalibrator", "folds_of", "gains", "gains_of_classes"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

FOLDS = 5
_GROUPS = 4000  # neighbouring scores that a curve is fitted on as one
_TRIED = 200_000  # rows that they are tried on
_SAMPLE = 20_000  # rows that curves of many classes are fitted on
_BATCH = 65_536  # rows at a time: what is computed of them stays in the cache
_LEAST = 1e-12  # a probability of a recalibrated score is at least so far from 0 and 1


class Groups(NamedTuple):
    """Rows with neighbouring scores as one: mean log-odds, the weight, the share that came true, how many rows."""

    odds: Floats
    weight: Floats
    share: Floats
    rows: Floats


Curve = Callable[[Floats], Floats]  # log-odds to log-odds


@dataclass(frozen=True, slots=True)
class Recalibrator:
    """One member of the table: `fitted` returns the curve that groups of rows give, and `numbers` how many are fitted."""

    title: str
    numbers: int
    fitted: Callable[[Groups], Curve]
    source: str


def _smoothed(groups: Groups) -> tuple[Floats, Floats]:
    """Return the shares of the groups with one row of each kind added in all, and their weights: no fit is then infinite."""
    hits = groups.weight * groups.share
    total, mean = float(groups.weight.sum()), float(hits.sum() / groups.weight.sum())
    one = total / max(float(groups.rows.sum()), 1.0)  # what one row weighs
    low, high = one / (total * (1 - mean) + 2 * one), (total * mean + one) / (total * mean + 2 * one)
    return low + (high - low) * groups.share, groups.weight


def _temperature(groups: Groups) -> Curve:
    return _linear(groups, lambda odds: odds[:, None])


def _platt(groups: Groups) -> Curve:
    return _linear(groups, lambda odds: np.column_stack([np.ones_like(odds), odds]))


def _shift(groups: Groups) -> Curve:
    shares, weights = _smoothed(groups)
    found = fit(np.ones((len(shares), 1)), shares, weights, offset=groups.odds)
    b = 0.0 if found is None else float(found.coefficients[0])
    return lambda odds: odds + b


def _beta(groups: Groups) -> Curve:
    """Return a·ln p - b·ln(1 - p) + c with a, b ≥ 0: a term that would fall is left out, and the rest fitted again."""

    def columns(odds: Floats) -> Floats:
        return np.column_stack([np.ones_like(odds), -np.logaddexp(0.0, -odds), np.logaddexp(0.0, odds)])

    kept = [0, 1, 2]
    while True:
        b, curve = _fitted(groups, lambda odds, kept=tuple(kept): columns(odds)[:, kept])  # type: ignore[misc]
        fallen = [place for place, value in zip(kept, b, strict=True) if place and value < 0]
        if not fallen:
            return curve
        kept.remove(fallen[0])


def _linear(groups: Groups, columns: Curve) -> Curve:
    return _fitted(groups, columns)[1]


def _fitted(groups: Groups, columns: Curve) -> tuple[Floats, Curve]:
    """Return the coefficients of the columns, and the curve; the scores themselves where no fit was found."""
    shares, weights = _smoothed(groups)
    found = fit(columns(groups.odds), shares, weights, ridge=1e-9 * float(weights.sum()))
    if found is None:
        return np.zeros(0), lambda odds: odds
    b = found.coefficients
    return b, lambda odds: np.asarray(columns(odds) @ b)


def _isotonic(groups: Groups) -> Curve:
    """Return the steps of the isotonic fit; no step is nearer to 0 or 1 than one row among all shows."""
    least = 1 / (float(groups.rows.sum()) + 2)
    steps = log_odds(np.clip(isotonic(groups.share, groups.weight), least, 1 - least))
    middles = (groups.odds[1:] + groups.odds[:-1]) / 2
    return lambda odds: steps[np.searchsorted(middles, odds, side="right")]


# Simplest first: of those that help about as much, the first is suggested.
RECALIBRATORS: dict[str, Recalibrator] = {
    "shift": Recalibrator("a shift of the log-odds", 1, _shift, "Cox 1958; Saerens, Latinne & Decaestecker 2002"),
    "temperature": Recalibrator("temperature scaling", 1, _temperature, "Guo, Pleiss, Sun & Weinberger 2017"),
    "platt": Recalibrator("Platt scaling", 2, _platt, "Platt 1999"),
    "beta": Recalibrator("beta calibration", 3, _beta, "Kull, Silva Filho & Flach 2017"),
    "isotonic": Recalibrator("isotonic regression", _GROUPS, _isotonic, "Zadrozny & Elkan 2002"),
}
MULTICLASS: dict[str, str] = {"temperature": "temperature scaling", "vector": "vector scaling"}


@dataclass(frozen=True, slots=True)
class Gains:
    """What each recalibrator would gain on rows that it was not fitted on, in log-loss and in the Brier score.

    `log_loss` is the mean log-loss of the scores as they are, `best` what each gains beyond each other.
    """

    log_loss: float
    in_log_loss: dict[str, Draws]
    in_brier: dict[str, Draws]


def folds_of(units: Resamples, rng: np.random.Generator, folds: int = FOLDS) -> Codes:
    """Return the fold of each row: units are dealt as a whole, so that no fold holds rows that belong to another's."""
    return np.asarray((rng.permutation(units.size) % folds)[units.of_row], dtype=np.int64)


def gains(view: View, *, rng: np.random.Generator) -> Gains:
    """Return what the recalibrators of a question with two answers would gain, cross-fitted over the units.

    Each is fitted on four fifths of the units and tried on the fifth. A score of 0 or 1 counts as nearly so, that its loss is
    finite. The draws tell how far the gain may be off for the rows, not for how the folds were dealt.
    """
    odds, fold = log_odds(view.scores), folds_of(view.units, rng)
    cuts = _cuts(view.scores)
    n_groups = len(cuts)
    of_row = np.repeat(np.arange(n_groups), np.diff(np.concatenate([cuts, [view.n]])))
    w, y = view.weights, view.labels
    weight, z, hits, rows = (_by_fold(of_row, fold, n_groups, part) for part in (w, w * odds, w * y, None))
    sums = np.zeros((view.units.size, 2 * len(RECALIBRATORS) + 2))
    for k in range(FOLDS):
        others = [part.sum(0) - part[k] for part in (weight, z, hits, rows)]
        there = np.flatnonzero(others[3] > 0)
        mass, total, came, count = (part[there] for part in others)
        held = np.flatnonzero(fold == k)
        if not len(there) or not len(held) or float(mass.sum()) <= 0:
            continue
        mass = np.maximum(mass, 1e-300)  # a row may weigh nothing
        groups = Groups(total / mass, mass, came / mass, count)
        fitted_curves = [member.fitted(groups) for member in RECALIBRATORS.values()]
        for part in np.array_split(held, max(len(held) // _BATCH, 1)):
            losses = [_losses(each, y[part]) for each in (odds[part], *(curve(odds[part]) for curve in fitted_curves))]
            sums += view.units.of(part).per_unit(_beside(losses) * w[part, None])
    return _gains(sums, tuple(RECALIBRATORS), view.units)


def _cuts(scores: Floats) -> Codes:
    """Return where groups of neighbouring rows start: at each distinct score, or about every few rows of very many."""
    starts = np.flatnonzero(np.concatenate([[True], scores[1:] != scores[:-1]]))
    if len(starts) <= _GROUPS:
        return starts
    at = np.linspace(0, len(scores), _GROUPS, endpoint=False).astype(np.int64)
    return np.asarray(np.unique(starts[np.searchsorted(starts, at, side="right") - 1]))


def _by_fold(of_row: Codes, fold: Codes, groups: int, numbers: Floats | None) -> Floats:
    return (
        np.bincount(fold * groups + of_row, weights=numbers, minlength=FOLDS * groups)
        .reshape(FOLDS, groups)
        .astype(np.float64)
    )


def _losses(odds: Floats, labels: Floats) -> Floats:
    """Return the log-loss and the squared error of each row, n by 2."""
    return np.column_stack([np.logaddexp(0.0, odds) - labels * odds, (share_of(odds) - labels) ** 2])


def _beside(losses: list[Floats]) -> Floats:
    """Return, for each row, how much less than the first each later loss is, the first log-loss, and 1."""
    first = losses[0]
    return np.hstack([*(first - each for each in losses[1:]), first[:, :1], np.ones((len(first), 1))])


def _gains(sums: Floats, names: tuple[str, ...], units: Resamples) -> Gains:
    draws = joint(units, sums, per_last)
    return Gains(
        draws[-1].value, dict(zip(names, draws[0:-1:2], strict=True)), dict(zip(names, draws[1:-1:2], strict=True))
    )


# Several classes -----------------------------------------------------------------------------------------------------


def gains_of_classes(
    scores: Floats, labels: Codes, weights: Floats, *, units: Resamples, rng: np.random.Generator
) -> Gains:
    """Return what temperature and vector scaling of the scores of k classes (n by k) would gain, cross-fitted over the units.

    One number for all log-probabilities, or a slope and an intercept for each class's log-odds, fitted on at most 20,000 rows
    and tried on at most 200,000.
    The Brier score is the sum over classes of squared errors.
    """
    if len(scores) > _TRIED:
        some = np.sort(rng.choice(len(scores), _TRIED, replace=False))
        scores, labels, weights, units = scores[some], labels[some], weights[some], units.of(some)
    fold = folds_of(units, rng)
    n, k = scores.shape
    scores = np.clip(scores, _LEAST, 1.0)
    scores = scores / scores.sum(1, keepdims=True)
    logs = np.log(scores)
    after = {name: scores.copy() for name in MULTICLASS}
    for f in range(FOLDS):
        train, held = np.flatnonzero(fold != f), fold == f
        if not len(train) or not held.any():
            continue
        if len(train) > _SAMPLE:
            train = rng.choice(train, _SAMPLE, replace=False)
        t = _slope(logs[train], labels[train], weights[train])
        after["temperature"][held] = softmax(t * logs[held])
        y = (labels[train][:, None] == np.arange(k)) * weights[train][:, None]
        basis = basis_of(scores[train], None, labels[train], n_knots=0)
        after["vector"][held] = fitted(basis, scores[train], None, y).probabilities(scores[held], None)
    true = labels[:, None] == np.arange(k)
    losses = [
        np.column_stack([-np.log(np.maximum(p[np.arange(n), labels], _LEAST)), ((p - true) ** 2).sum(1)])
        for p in (scores, *after.values())
    ]
    return _gains(units.per_unit(_beside(losses) * weights[:, None]), tuple(MULTICLASS), units)


def _slope(logs: Floats, labels: Codes, weights: Floats) -> float:
    """Return the t ≥ 0 for which softmax(t·log p) has the greatest likelihood, by Newton's method."""
    t, rows = 1.0, np.arange(len(labels))
    for _ in range(50):
        p = softmax(t * logs)
        mean = (p * logs).sum(1)
        gradient = float((weights * (logs[rows, labels] - mean)).sum())
        curvature = float((weights * ((p * logs * logs).sum(1) - mean * mean)).sum())
        step = gradient / curvature if curvature > 0 else 0.0
        t = min(max(t + step, t / 4), t * 4, 1e3)
        if abs(step) < 1e-9 * t:
            break
    return t
