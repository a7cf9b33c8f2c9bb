"""Whole rows by what a few directions make of them: rows that no longer fit the reference's own pattern."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from assay.stats.intervals import normal_quantile
from assay.stats.matrix import Floats, RowsCompared, Sides, filled, normal_scores, usable
from assay.stats.ranks import area, rank_sum

__all__ = ["Components", "fit_components", "reconstruction"]

VARIANCE = 0.9  # share of it that the directions keep
NOTHING = 1e-18  # an error below this share of a row's length is a rounding error


@dataclass(frozen=True, slots=True)
class Components:
    """Directions that rows are rebuilt from: z = (x - mean) / scale is rebuilt as z·VᵀV, with V the `directions`."""

    mean: Floats
    scale: Floats
    directions: Floats

    def errors(self, rows: Floats) -> Floats:
        """Return each row's reconstruction error |z - z·VᵀV|², the squared length of what the directions leave out."""
        z = (rows - self.mean) / self.scale
        left = z - (z @ self.directions.T) @ self.directions
        errors = np.einsum("ij,ij->i", left, left)
        return np.where(errors <= NOTHING * np.einsum("ij,ij->i", z, z), 0.0, errors)


def fit_components(rows: Floats, *, scale: Floats, variance: float = VARIANCE) -> Components:
    """Return the principal components of rows: the fewest directions that keep a share of the variance.

    At least one, and at most one fewer than the rows have directions at all, so that something is left out to measure.
    `scale` is the unit of each column. No value may be missing.

    >>> few = fit_components(np.array([[-1.0, -2.0], [0.0, 0.0], [1.0, 2.0]]), scale=np.array([1.0, 2.0]))
    >>> np.abs(few.directions).round(4).tolist()
    [[0.7071, 0.7071]]
    """
    mean = rows.mean(axis=0)
    _, lengths, directions = np.linalg.svd((rows - mean) / scale, full_matrices=False)
    shares = np.cumsum(lengths**2) / max(float((lengths**2).sum()), 1e-300)
    enough = int(np.searchsorted(shares, variance - 1e-12)) + 1
    rank = int((lengths > 1e-9 * lengths[0]).sum())
    return Components(mean, scale, directions[: max(1, min(enough, rank - 1))])


def reconstruction(
    reference: Floats, current: Floats, *, rng: np.random.Generator, ranked: bool = True, variance: float = VARIANCE
) -> RowsCompared:
    """Return how much worse rows are rebuilt from the principal components of the reference than the reference's own.

    Half of the reference, drawn at random, gives the fewest components that keep a share `variance` of the variance. The
    errors of the other half and of the current rows, which the fit never met, are compared by Mann-Whitney, both ways:
    the level is exact. The statistic is AUC = P(a current row's error is greater); the size is the ratio of mean errors,
    current over reference, above 0; 1 is no difference. With `ranked` each column is taken as the normal scores of its
    ranks among all rows, so that neither an outlier nor a rare word bends the components or the means; without, it is
    divided by its standard deviation in the half that is fitted. Missing values are filled in and flagged.

    Undefined below 30 rows a side, for fewer than two columns, and where every row is rebuilt without an error. Where the
    rows of one side alone are (columns that said the same, and no longer do), there is a p-value and no size; `why` says so.
    Sources: Jackson & Mudholkar 1979 (the residual of a principal component model); Mann & Whitney 1947.

    >>> rng = np.random.default_rng(1)
    >>> x, y = rng.normal(size=(2, 400))
    >>> together = np.column_stack([x, x + 0.2 * y])
    >>> found = reconstruction(together, np.column_stack([x, 0.2 * y - x]), rng=rng)
    >>> found.p_value < 1e-6, found.size > 10
    (True, True)
    """
    sides = usable(reference, current)
    if sides.why:
        return sides.undefined()
    x, y = filled(sides.reference, sides.current)
    if x.shape[1] < 2:
        return sides.undefined("there is one column; it takes two for one to be rebuilt from the other")
    if ranked:
        x, y = normal_scores(x, y)
    order = rng.permutation(len(x))
    fitted = x[order[: len(x) // 2]]
    model = fit_components(fitted, scale=np.ones(x.shape[1]) if ranked else _units(fitted, x, y), variance=variance)
    held, new = model.errors(x[order[len(x) // 2 :]]), model.errors(y)
    return _judged(held, new, sides)


def _units(fitted: Floats, x: Floats, y: Floats) -> Floats:
    """Return the standard deviation of each column; that of all rows where it has one value in those that are fitted."""
    varies = fitted.max(axis=0) > fitted.min(axis=0)
    return np.asarray(np.where(varies, fitted.std(axis=0), np.concatenate([x, y]).std(axis=0)))


def _judged(held: Floats, new: Floats, sides: Sides) -> RowsCompared:
    means = float(held.mean()), float(new.mean())
    if means[0] <= 0 and means[1] <= 0:
        return sides.undefined("every row is rebuilt without an error; the columns say the same")
    p_value, auc = rank_sum(held, new), area(held, new)
    counts = len(sides.reference), len(sides.current)
    if min(means) <= 0:
        why = "only one side is rebuilt without an error: the ratio of mean errors has no value"
        return RowsCompared(auc, p_value, None, None, None, why, *counts)
    # ln(a/b) has the variance var(a)/(n·a²) + var(b)/(n·b²), to the first order.
    spread = sum(float(side.var(ddof=1)) / len(side) / mean**2 for side, mean in zip((held, new), means, strict=True))
    half = normal_quantile(0.975) * math.sqrt(spread)
    ratio = means[1] / means[0]
    return RowsCompared(auc, p_value, ratio, ratio * math.exp(-half), ratio * math.exp(half), "", *counts)
