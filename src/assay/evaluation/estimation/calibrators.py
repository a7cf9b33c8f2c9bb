"""From a classifier's scores to probabilities: a logistic curve in the log-odds of the score, with its uncertainty.

The curve is a line (Platt) or a natural cubic spline; which one is chosen on rows that it was not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.odds import softmax

__all__ = ["Basis", "Calibrator", "basis_of", "fitted"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_STEPS = 60
# The weight of a normal prior on the standardised coefficients: without it, scores that separate the classes have no fit.
_RIDGE = 0.04


@dataclass(frozen=True, slots=True)
class Basis:
    """How the scores of k classes become columns of a regression, for the m classes that are modelled (the last m).

    Each modelled class has an intercept, the standardised log-odds of its score, one term for each inner knot of a
    natural cubic spline, and one for "it was predicted", where that is among them. `ends` are the scores that 0 and 1
    are moved to: half the least distance from them that the reference has.
    """

    ends: Floats
    centre: Floats
    spread: Floats
    knots: Floats
    said: NDArray[np.bool_]

    @property
    def m(self) -> int:
        """Return how many classes are modelled."""
        return len(self.centre)

    def log_odds(self, scores: Floats) -> Floats:
        """Return the standardised log-odds of the modelled classes' scores, n by m."""
        inside = np.clip(scores[:, -self.m :], self.ends[:, 0], 1 - self.ends[:, 1])
        return np.asarray((np.log(inside) - np.log1p(-inside) - self.centre) / self.spread)

    def columns(self, z: Floats, predictions: Codes | None, k: int) -> Floats:
        """Return the columns of the regression, n by m by d."""
        parts = [np.ones_like(z), z]
        if self.knots.shape[1] > 2:
            parts += _spline(z, self.knots)
        if predictions is not None and self.said.any():
            parts.append((predictions[:, None] == np.arange(k - self.m, k)) * self.said.astype(np.float64))
        return np.stack(parts, axis=2)


def _spline(z: Floats, knots: Floats) -> list[Floats]:
    """Return the curved terms of a natural cubic spline, linear beyond the outer knots (Harrell 2015, section 2.4.5)."""
    last, before = knots[:, -1], knots[:, -2]
    scale = (last - knots[:, 0]) ** 2
    cubes = [np.maximum(z - knots[:, j], 0) ** 3 for j in range(knots.shape[1])]
    return [
        (cubes[j] - cubes[-2] * (last - knots[:, j]) / (last - before) + cubes[-1] * (before - knots[:, j]) / (last - before))
        / scale
        for j in range(knots.shape[1] - 2)
    ]  # fmt: skip


def basis_of(scores: Floats, predictions: Codes | None, labels: Codes, *, n_knots: int) -> Basis:
    """Return the basis that a reference's scores give, with so many knots (0: a line), fewer where values are few."""
    k = scores.shape[1]
    m = 1 if k == 2 else k
    mine = scores[:, -m:]
    ends = np.column_stack([_end(mine), _end(1 - mine)])
    plain = Basis(ends, np.zeros(m), np.ones(m), np.zeros((m, 0)), np.zeros(m, bool))
    z = plain.log_odds(scores)
    spread = z.std(0)
    spread[spread < 1e-9] = 1.0
    centre = z.mean(0)
    z = (z - centre) / spread
    knots = np.zeros((m, 0))
    if n_knots:
        places = np.linspace(0.05, 0.95, n_knots)
        found = np.quantile(z, places, axis=0).T
        if (np.diff(found, axis=1) > 1e-3).all():
            knots = found
    said = np.zeros(m, bool)
    if predictions is not None:
        counts = np.array([_both_ways(predictions == c, labels == c) for c in range(k - m, k)])
        said = counts >= _LEAST_SAID
    return Basis(ends, centre, spread, knots, said)


_LEAST_SAID = 20


def _both_ways(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> int:
    """Return the least of the four counts of a confusion matrix."""
    return int(min((said & true).sum(), (said & ~true).sum(), (~said & true).sum(), (~said & ~true).sum()))


def _end(distances: Floats) -> Floats:
    least = np.where(distances > 0, distances, 1.0).min(0)
    return np.asarray(np.maximum(least / 2, 1e-6))


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A fitted curve: `coefficients` is m by d, `covariance` that of all of them together, row by row."""

    basis: Basis
    classes: int
    coefficients: Floats
    covariance: Floats

    def probabilities(self, scores: Floats, predictions: Codes | None, *, batch: int = 65_536) -> Floats:
        """Return the probability of each class, n by k; each row sums to 1."""
        result = np.empty((len(scores), self.classes))
        for start in range(0, len(scores), batch):
            rows = slice(start, start + batch)
            said = None if predictions is None else predictions[rows]
            x = self.basis.columns(self.basis.log_odds(scores[rows]), said, self.classes)
            result[rows] = _softmax(np.einsum("nmd,md->nm", x, self.coefficients), self.classes)
        return result

    def drawn(self, rng: np.random.Generator, *, times: int) -> Floats:
        """Return draws of what the coefficients may be off by, times by m by d: normal, with their covariance."""
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0))
        return np.asarray((rng.standard_normal((times, len(root))) @ root.T).reshape(times, *self.coefficients.shape))


def fitted(basis: Basis, scores: Floats, predictions: Codes | None, y: Floats) -> Calibrator:
    """Return the curve of greatest likelihood, by Newton's method; `y` counts the labels of each class, n by k.

    A row of `y` may stand for many rows of data with about the same scores.
    """
    k = scores.shape[1]
    x = basis.columns(basis.log_odds(scores), predictions, k)
    n = y.sum(1, keepdims=True)
    m, d = x.shape[1:]
    prior = np.full((m, d), _RIDGE)
    prior[:, 0] = 1e-4
    beta = np.zeros((m, d))
    start = np.log((y.sum(0) + 0.5) / (n.sum() + 1))
    beta[:, 0] = start[-m:] - (start[0] if m < k else 0.0)
    best, p = _likelihood(x, y, beta, prior)
    for _ in range(_STEPS):
        gradient = np.einsum("nmd,nm->md", x, (y - n * p)[:, -m:]) - prior * beta
        step = np.linalg.solve(_information(x, n * p[:, -m:], p[:, -m:], prior), gradient.ravel()).reshape(m, d)
        if float((gradient * step).sum()) < 1e-7:
            break
        size = 1.0
        while size > 1e-6:
            value, tried = _likelihood(x, y, beta + size * step, prior)
            if value >= best:
                beta, best, p = beta + size * step, value, tried
                break
            size /= 2
        else:
            break
    covariance = np.linalg.inv(_information(x, n * p[:, -m:], p[:, -m:], prior))
    return Calibrator(basis, k, beta, np.asarray(covariance, dtype=np.float64))


def _likelihood(x: Floats, y: Floats, beta: Floats, prior: Floats) -> tuple[float, Floats]:
    p = _softmax(np.einsum("nmd,md->nm", x, beta), y.shape[1])
    return float((y * np.log(np.maximum(p, 1e-300))).sum() - (prior * beta * beta).sum() / 2), p


def _information(x: Floats, expected: Floats, p: Floats, prior: Floats) -> Floats:
    """Return the observed information: minus the second derivative of the penalised likelihood."""
    m, d = prior.shape
    result = np.diag(prior.ravel())
    for a in range(m):
        for b in range(a, m):
            weight = expected[:, a] * ((a == b) - p[:, b])
            block = (x[:, a] * weight[:, None]).T @ x[:, b]
            result[a * d : (a + 1) * d, b * d : (b + 1) * d] += block
            if a != b:
                result[b * d : (b + 1) * d, a * d : (a + 1) * d] += block.T
    return result


def _softmax(odds: Floats, k: int) -> Floats:
    """Return probabilities from the log-odds of the last m of k classes; the class before them, if any, has 0."""
    if odds.shape[-1] < k:
        odds = np.concatenate([np.zeros((*odds.shape[:-1], 1)), odds], axis=-1)
    return softmax(odds)
