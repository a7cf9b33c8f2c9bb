"""The rising step function nearest to labels, and what it says of scores: miscalibration, discrimination, uncertainty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Corp", "brier_of", "corp", "isotonic", "log_loss_of"]

Floats = NDArray[np.float64]


def isotonic(values: Floats, weights: Floats) -> Floats:
    """Return the non-decreasing numbers nearest to `values` in the sum of weighted squares, n floats; weights above 0.

    Neighbours that fall, or are equal, are pooled until all rise; that of labels 0 and 1 is also the fit of greatest
    likelihood. Source: Ayer, Brunk, Ewing, Reid & Silverman 1955 (pool adjacent violators).

    >>> isotonic(np.array([1.0, 3.0, 2.0, 4.0]), np.ones(4)).tolist()
    [1.0, 2.5, 2.5, 4.0]
    """
    totals, masses = values * weights, np.asarray(weights, dtype=np.float64)
    sizes = np.ones(len(values), dtype=np.int64)
    while len(totals) > 1:
        means = totals / masses
        starts = np.flatnonzero(np.concatenate([[True], means[1:] > means[:-1]]))
        if len(starts) == len(totals):
            break
        slow = len(starts) > 0.95 * len(totals)  # one run that is pooled from its end on: step by step is quicker
        totals, masses, sizes = (np.add.reduceat(part, starts) for part in (totals, masses, sizes))
        if slow:
            totals, masses, sizes = _pooled(totals, masses, sizes)
            break
    return np.repeat(totals / masses, sizes)


def _pooled(totals: Floats, masses: Floats, sizes: NDArray[np.int64]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    stack: list[tuple[float, float, int]] = []
    for total, mass, size in zip(totals.tolist(), masses.tolist(), sizes.tolist(), strict=True):
        while stack and stack[-1][0] * mass >= total * stack[-1][1]:
            before = stack.pop()
            total, mass, size = total + before[0], mass + before[1], size + before[2]
        stack.append((total, mass, size))
    parts = list(zip(*stack, strict=True))
    return np.array(parts[0]), np.array(parts[1]), np.array(parts[2], dtype=np.int64)


class Corp(NamedTuple):
    """A mean score taken apart: score = miscalibration - discrimination + uncertainty."""

    miscalibration: float
    discrimination: float
    uncertainty: float


def corp(score: Floats, shares: Floats, weights: Floats) -> dict[str, Corp]:
    """Return what the Brier score ("brier") and the log-loss ("log_loss") of probabilities are made of, by the isotonic fit.

    `score` rises strictly; at each place stand rows of the total weight `weights`, a share `shares` of it positive. With S
    the mean score of the probabilities, Sᶜ that of the isotonic fit to the labels, and Sᵘ that of their mean share:
    miscalibration S - Sᶜ ≥ 0, discrimination Sᵘ - Sᶜ ≥ 0, uncertainty Sᵘ. The log-loss, and with it its miscalibration, is
    infinite where a probability of 0 came true. Source: Dimitriadis, Gneiting & Jordan 2021.

    >>> parts = corp(np.array([0.2, 0.6]), np.array([0.0, 1.0]), np.ones(2))["brier"]
    >>> [round(part, 3) for part in parts]
    [0.1, 0.25, 0.25]
    """
    best = isotonic(shares, weights)
    # The loss of the fit depends on its steps alone: of all rows of a step it is what the step's own share loses.
    starts = np.flatnonzero(np.concatenate([[True], best[1:] != best[:-1]]))
    mass, steps = np.add.reduceat(weights, starts), best[starts]
    one, mean = np.array([weights.sum()]), np.array([float((shares * weights).sum() / weights.sum())])
    found = {}
    for name, of in (("brier", brier_of), ("log_loss", log_loss_of)):
        said, fitted, flat = of(score, shares, weights), of(steps, steps, mass), of(mean, mean, one)
        found[name] = Corp(said - fitted, flat - fitted, flat)
    return found


def brier_of(p: Floats, shares: Floats, weights: Floats) -> float:
    """Return the mean of (p - y)² where a share `shares` of the weight at each place has y = 1, and the rest 0."""
    return float((weights * (p * p - 2 * p * shares + shares)).sum() / weights.sum())


def log_loss_of(p: Floats, shares: Floats, weights: Floats) -> float:
    """Return the mean of -ln of the probability of what came true; infinite where that was 0."""
    with np.errstate(divide="ignore"):
        yes, no = np.log(p), np.log1p(-p)
    yes, no = np.where(shares > 0, yes, 0.0), np.where(shares < 1, no, 0.0)
    return float(-(weights * (shares * yes + (1 - shares) * no)).sum() / weights.sum())
