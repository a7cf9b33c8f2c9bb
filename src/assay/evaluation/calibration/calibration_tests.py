"""Tests of calibration: the line of the log-odds, and whether forecasts that are right would be so far off."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.calibration.logistic import fit, likelihood, log_odds, share_of
from assay.evaluation.calibration.reliability import FINE, Bins, View
from assay.stats.intervals import student_quantile
from assay.stats.tails import chi_squared, normal
from assay.verdict import Estimate

__all__ = ["Answer", "Line", "hosmer_lemeshow", "line_of", "spiegelhalter"]

Floats = NDArray[np.float64]


class Answer(NamedTuple):
    """A test's statistic with its p-value; both None where it is undefined, and `why` then says why."""

    statistic: float | None
    p_value: float | None
    why: str = ""


class Line(NamedTuple):
    """Cox's logistic recalibration: the slope of the log-odds, the intercept where the slope is 1, and the test of both."""

    slope: Estimate
    intercept: Estimate
    both: Answer


def line_of(view: View, *, confidence: float) -> Line:
    """Return the line that the log-odds of what came true make against those of the scores.

    logit P(y = 1) = a + b·logit f. The slope b is 1 where the scores spread as they should, below 1 where they are too
    extreme. The intercept is a for b = 1: 0 where the scores are right on the whole, above where they are too low. Intervals
    are Wald's, with a covariance that holds for rows of one unit that resemble each other, and Student's with as many degrees of
    freedom as there are rows of the rarer label, less 1. The test asks whether a = 0 and b = 1 together: by the likelihood
    ratio, or by Wald's where rows are weighted or drawn together; two degrees of freedom.
    A score of 0 or 1 counts as half the least distance from it that there is.
    Undefined where all labels are the same; the slope also where the scores separate the labels, or are all equal.
    Sources: Cox 1958; Van Calster et al. 2016.
    """
    n, silent = view.n, view.one_sided
    if silent:
        return Line(Estimate(None, n=n, why=silent), Estimate(None, n=n, why=silent), Answer(None, None, silent))
    z = log_odds(view.scores)
    one, w, y = np.ones((n, 1)), view.weights, view.labels
    start = _start(view, z)
    alone = fit(one, y, w, offset=z, start=start[:1])
    intercept = Estimate(None, n=n, why="the fit does not converge")
    if alone is not None:
        error = math.sqrt(float(alone.covariance(one, w * (y - _p(alone.coefficients[0] + z)), view.units)[0, 0]))
        intercept = _wald(view, float(alone.coefficients[0]), error, confidence)
    why = _separated(view)
    if why:
        return Line(Estimate(None, n=n, why=why), intercept, Answer(None, None, why))
    x = np.column_stack([np.ones(n), z])
    found = fit(x, y, w, start=start[1:])
    if found is None:
        why = "the fit does not converge"
        return Line(Estimate(None, n=n, why=why), intercept, Answer(None, None, why))
    covariance = found.covariance(x, w * (y - _p(x @ found.coefficients)), view.units)
    slope = _wald(view, float(found.coefficients[1]), math.sqrt(float(covariance[1, 1])), confidence)
    if view.few:
        return Line(slope, intercept, Answer(None, None, view.few))
    if view.together or not view.even:
        off = found.coefficients - np.array([0.0, 1.0])
        statistic = float(off @ np.linalg.pinv(covariance) @ off)
    else:
        statistic = max(2 * (likelihood(x @ found.coefficients, y, w) - likelihood(z, y, w)), 0.0)
    return Line(slope, intercept, Answer(statistic, chi_squared(statistic, 2)))


def _p(z: Floats) -> Floats:
    return share_of(z)


def _wald(view: View, value: float, error: float, confidence: float) -> Estimate:
    rarer = min(int(view.labels.sum()), view.n - int(view.labels.sum()))
    if view.few:
        return Estimate(value, n=view.n, confidence=confidence, why=view.few, method="sandwich")
    half = student_quantile((1 + confidence) / 2, max(min(rarer, view.units.size) - 1, 1)) * error
    return Estimate(value, n=view.n, low=value - half, high=value + half, confidence=confidence, method="sandwich")


def _separated(view: View) -> str:
    """Return why there is no slope; empty where there is one."""
    counted = view.weights > 0
    yes, no = (view.scores[counted & (view.labels == side)] for side in (1, 0))
    if view.scores[counted].min() == view.scores[counted].max():
        return "all scores are the same"
    if yes.min() >= no.max() or no.min() >= yes.max():
        return "a threshold of the score parts the labels without an error, so that no slope is steep enough"
    return ""


def _start(view: View, z: Floats) -> Floats:
    """Return the intercept for a slope of 1, and intercept and slope together, of groups of neighbouring rows: nearly those of all."""
    nothing = np.array([0.0, 0.0, 1.0])
    if view.n <= 4 * FINE:
        return nothing
    cuts = np.linspace(0, view.n, FINE, endpoint=False).astype(np.int64)
    w, odds, hits = (np.add.reduceat(view.weights * part, cuts) for part in (np.ones(view.n), z, view.labels))
    there = w > 0
    w, odds, shares = w[there], odds[there] / w[there], hits[there] / w[there]
    one = np.ones((len(w), 1))
    found = [fit(one, shares, w, offset=odds), fit(np.column_stack([one, odds]), shares, w)]
    return nothing if None in found else np.concatenate([each.coefficients for each in found if each is not None])


def spiegelhalter(view: View) -> Answer:
    """Return the test of Spiegelhalter: whether the Brier score is what forecasts that are right would have.

    z = Σ(y - f)(1 - 2f) / √Σ(1 - 2f)²f(1 - f), standard normal where each y is drawn by its f; above 0 where the Brier score
    is greater. It needs no bins, and sees no miscalibration that leaves the Brier score as it is. Where rows are drawn
    together, the variance is that of the sums over units. Undefined where all scores are 0, 1/2 or 1.
    Source: Spiegelhalter 1986.
    """
    f, w = view.scores, view.weights
    if view.few:
        return Answer(None, None, view.few)
    parts = w * (view.labels - f) * (1 - 2 * f)
    if view.together:
        sums = view.units.per_unit(parts[:, None])[:, 0]
        variance = float((sums**2).sum())
    else:
        variance = float((w**2 * (1 - 2 * f) ** 2 * f * (1 - f)).sum())
    if variance <= 0:
        return Answer(None, None, "every score is 0, 1/2 or 1")
    z = float(parts.sum()) / math.sqrt(variance)
    return Answer(z, normal(z))


def hosmer_lemeshow(view: View, bins: Bins) -> Answer:
    """Return the test of Hosmer & Lemeshow over the bins: Σ (O - E)² / (E(1 - E/n)), with O and E what came true and what was said.

    As the forecasts were not fitted to these labels, it has as many degrees of freedom as there are bins. It depends on the
    bins, and its power grows with n until it rejects any model: read it beside the size of the error. Bins that expect fewer than
    one row of a kind are joined with the next. Undefined where rows are weighted or drawn together, or fewer than three bins are left.
    Sources: Hosmer & Lemeshow 1980; Paul, Pennell & Lemeshow 2013 (its growth with n).
    """
    if view.together or not view.even:
        return Answer(None, None, "it takes rows that count the same and are drawn one by one")
    joined = _joined(bins)
    if len(joined) < 3:
        return Answer(None, None, "the scores expect too few rows of a kind: fewer than one in most bins")
    n, expected, came = joined.T
    statistic = float(((came - expected) ** 2 / (expected * (1 - expected / n))).sum())
    return Answer(statistic, chi_squared(statistic, len(joined)))


def _joined(bins: Bins) -> Floats:
    """Return rows, expected and seen of bins, those that expect fewer than one row of a kind taken together with the next."""
    found: list[Floats] = []
    rest = np.zeros(3)
    for part in np.column_stack([bins.mass, bins.scores, bins.labels]):
        rest = rest + part
        if min(rest[1], rest[0] - rest[1]) >= 1:
            found.append(rest)
            rest = np.zeros(3)
    if found:
        found[-1] = found[-1] + rest
    return np.array(found).reshape(-1, 3)
