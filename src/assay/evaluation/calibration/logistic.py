"""Logistic regression of labels on a few columns by Newton's method, and its uncertainty over units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.stats.resampling import Resamples

__all__ = ["Fit", "fit", "likelihood", "log_odds", "share_of"]

Floats = NDArray[np.float64]

_STEPS = 50
_NEAR = 1e-2  # so little left to gain, and a full step of Newton's goes up


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients, d numbers, and the information that they were had with, d by d."""

    coefficients: Floats
    information: Floats

    def covariance(self, x: Floats, residuals: Floats, units: Resamples) -> Floats:
        """Return the covariance of the coefficients whatever the rows of one unit have in common, d by d.

        H⁻¹ · Σ gᵤgᵤᵀ · H⁻¹ · m/(m - 1), with gᵤ the sum over a unit's rows of x·(weighted residual), and m the number of units.
        It holds too where the model does not. Sources: White 1982; Liang & Zeger 1986.
        """
        scores = units.per_unit(x * residuals[:, None])
        scores = scores[np.bincount(units.of_row, minlength=units.size) > 0]
        inverse = np.linalg.inv(self.information)
        return np.asarray(inverse @ (scores.T @ scores) @ inverse * len(scores) / max(len(scores) - 1, 1))


def fit(
    x: Floats,
    shares: Floats,
    weights: Floats,
    *,
    offset: Floats | None = None,
    start: Floats | None = None,
    ridge: float = 0.0,
) -> Fit | None:
    """Return the fit of greatest likelihood of P(label) = 1 / (1 + exp(-(offset + x·b))); None where there is none.

    `x` is n by d; each row stands for a weight of labels, a share `shares` of them 1. `ridge` is the weight of -b²/2 for
    every coefficient, that keeps them finite where x separates the labels.
    """
    z0 = np.zeros(len(x)) if offset is None else offset
    b = np.zeros(x.shape[1]) if start is None else start

    def value(at: Floats) -> float:
        return likelihood(x @ at + z0, shares, weights) - ridge * float(at @ at) / 2

    for _ in range(_STEPS):
        p = share_of(x @ b + z0)
        information = (x * (weights * p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(b))
        gradient = x.T @ (weights * (shares - p)) - ridge * b
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            return None
        gain = float(gradient @ step)  # about twice what the step adds to the likelihood
        if gain < 1e-10:
            return Fit(b, information) if np.linalg.cond(information) < 1e14 else None
        if gain > _NEAR:
            best = value(b)
            while value(b + step) < best:
                step = step / 2
                if float(np.abs(step).max()) < 1e-9:
                    return Fit(b, information)
        b = b + step
    return None


def likelihood(z: Floats, shares: Floats, weights: Floats) -> float:
    """Return the logarithm of the likelihood of labels whose log-odds are z: Σ w·(y·z - ln(1 + exp z))."""
    return float((weights * (shares * z - np.logaddexp(0.0, z))).sum())


def share_of(z: Floats) -> Floats:
    """Return 1 / (1 + exp(-z)).

    >>> share_of(np.array([0.0])).tolist()
    [0.5]
    """
    from scipy.special import expit

    return np.asarray(expit(z))


def log_odds(p: Floats) -> Floats:
    """Return ln(p / (1 - p)); 0 and 1 are moved by half the least distance from them that there is, or by 1e-6.

    >>> log_odds(np.array([0.0, 0.5, 0.8])).round(3).tolist()
    [-1.099, 0.0, 1.386]
    """
    inside = p[(p > 0) & (p < 1)]
    low, high = (float(inside.min()) / 2, float(1 - inside.max()) / 2) if len(inside) else (1e-6, 1e-6)
    kept = np.clip(p, low, 1 - high)
    return np.asarray(np.log(kept) - np.log1p(-kept))
