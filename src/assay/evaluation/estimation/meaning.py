"""Whether a score means the same whatever the features: where it does not, a window with other features is misjudged.

A calibrated score comes true as often as it says on the whole of the reference, and may still come true less often for some
values of a feature. As long as the features stay as they were this evens out; where a window has more of such rows it does
not, and the estimate is off by about what is found here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.evaluation.estimation.estimates import Condition
from assay.stats.intervals import normal_quantile

__all__ = ["Meaning", "meaning_of", "same_meaning"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

BINS = 10
CATEGORIES = 20
LEVEL = 0.01
AT_LEAST = 0.01  # a share of predictions: less does no harm, whatever the evidence
_NAME = "scores mean the same whatever the features"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One feature cut into places, and what share more of the predictions come true in each than their scores say.

    The last place is for missing values, before it that of categories which are not among the frequent ones. `variance`
    is that of each `excess`; a place that the reference has no rows of has neither: 0.
    """

    feature: str
    edges: Floats
    categories: tuple[str, ...]
    excess: Floats
    variance: Floats

    def moved(self, column: pl.Series) -> tuple[float, float]:
        """Return what share more of a window's predictions is to come true than their scores say, with its standard error."""
        places = _places(column, self.edges, self.categories)
        shares = np.bincount(places, minlength=len(self.excess)) / len(places)
        return float(shares @ self.excess), math.sqrt(float(shares**2 @ self.variance))


def meaning_of(column: pl.Series, residues: Floats) -> Meaning:
    """Return how often predictions come true more than their scores say, by a feature of the reference.

    `residues` is, for each row, 1 or 0 (the prediction came true or not) less the probability of that, from a calibrator
    that was not fitted on the row.
    """
    edges, categories = np.zeros(0), tuple[str, ...]()
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        values = column.cast(pl.Float64).fill_nan(None).drop_nulls().to_numpy()
        if len(values):
            edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1], method="inverted_cdf"))
    else:
        counts = column.cast(pl.String).drop_nulls().value_counts(sort=True).head(CATEGORIES)
        categories = tuple(counts.get_column(column.name).to_list())
    places = _places(column, edges, categories)
    size = max(len(categories), len(edges)) + 2
    n = np.bincount(places, minlength=size)
    total, squares = (np.bincount(places, weights=r, minlength=size) for r in (residues, residues**2))
    excess = np.divide(total, n, out=np.zeros(size), where=n > 0)
    spread = np.divide(squares, n, out=np.zeros(size), where=n > 0) - excess**2
    variance = np.divide(np.maximum(spread, 0.0), n, out=np.zeros(size), where=n > 0)
    return Meaning(column.name, edges, categories, excess, variance)


def _places(column: pl.Series, edges: Floats, categories: tuple[str, ...]) -> Codes:
    numbers = column.dtype.is_numeric() or column.dtype == pl.Boolean
    if not numbers:
        codes = column.cast(pl.String).replace_strict(
            list(categories), list(range(len(categories))), default=len(categories), return_dtype=pl.Int64
        )
        last = len(categories) + 1
        return np.where(column.is_null().to_numpy(), last, codes.to_numpy())
    values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left")).astype(np.int64)


def same_meaning(meanings: Sequence[Meaning], window: pl.DataFrame) -> Condition:
    """Return whether the window's features leave the meaning of scores as it was, as far as each feature tells.

    It does not hold where, for some feature, the share of predictions that come true is moved by at least a point, and
    by more than chance explains at a level of 0.01 over all features (Bonferroni).
    """
    if not meanings:
        return Condition(_NAME, None, "no features were named")
    if not window.height:
        return Condition(_NAME, None, "there are no rows to compare")
    moves = [(one.feature, *one.moved(window.get_column(one.feature))) for one in meanings]
    z = normal_quantile(1 - LEVEL / (2 * len(moves)))
    sure = [m for m in moves if abs(m[1]) >= AT_LEAST and abs(m[1]) > z * m[2]]
    feature, moved, error = max(sure or moves, key=lambda m: abs(m[1]))
    way = "more" if moved > 0 else "fewer"
    said = f"where {feature!r} is as in this window, {abs(moved):.1%} {way} of the predictions come true than their scores say"
    return Condition(
        _NAME, not sure, said if sure else f"{said}, which is chance or little (± {z * error:.1%}); that is the most"
    )
