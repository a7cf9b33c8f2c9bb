"""The table of distances: how far the current data is from the reference. A distance has a size and no p-value.

Each is a function of a `Pair`: those on a scale are in `shifts`, those of shares in `shares`. A new distance is one
function and one entry of `DISTANCES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from assay.errors import member
from assay.stats.measure import Measure
from assay.stats.pair import Pair
from assay.stats.shares import (
    cramers_v,
    hellinger,
    jensen_shannon,
    kl,
    l_infinity,
    psi,
    psi_bound,
    psi_cells,
    share_change,
    total_variation,
)
from assay.stats.shifts import (
    energy,
    ks,
    log_mean_shift,
    mean_shift,
    mean_shift_of,
    samples,
    std_change,
    std_change_of,
    wasserstein,
    wasserstein_std,
)

__all__ = [
    "DISTANCES",
    "Distance",
    "Measure",
    "cramers_v",
    "energy",
    "get_distance",
    "hellinger",
    "jensen_shannon",
    "kl",
    "ks",
    "l_infinity",
    "log_mean_shift",
    "mean_shift",
    "psi",
    "psi_bound",
    "psi_cells",
    "samples",
    "share_change",
    "std_change",
    "total_variation",
    "wasserstein",
    "wasserstein_std",
]


@dataclass(frozen=True, slots=True)
class Distance:
    """One member of the table: what it is called, what it computes, on what, and in which range and unit.

    `on` is "scale" (the places need a position), "both" (shares of places, of any kind) or "share" (two places: with and
    without). `unit` is "column" where the distance is in the unit of the column. A distance whose range begins below 0 is
    signed: above 0 is more in the current data. `symmetric` says that swapping the samples changes nothing but that sign;
    of shares on a scale it holds only for one and the same grouping, which goes by the reference.
    """

    name: str
    title: str
    formula: str
    unit: str
    on: Literal["scale", "both", "share"]
    range: tuple[float, float]
    undefined: str
    source: str
    measure: Callable[[Pair], Measure]
    symmetric: bool = True

    @property
    def is_signed(self) -> bool:
        """Return whether the distance says in which direction the data moved."""
        return self.range[0] < 0


def get_distance(name: str, *, place: str = "") -> Distance:
    """Return a distance by its name; raises ConfigError, with the nearest name, where there is none.

    >>> get_distance("psi").title
    'population stability index'
    """
    return member(DISTANCES, name, what="distance", place=place)


_NO_VALUES = "a sample has no values"
_NO_POSITION = "a sample has no values, or one is infinite"
_NO_SPREAD = "a sample has no values, one is infinite, or the reference has no spread"
_STDS = "standard deviations of the reference"
_INF = math.inf

DISTANCES: dict[str, Distance] = {
    distance.name: distance
    for distance in (
        Distance("ks", "Kolmogorov-Smirnov distance", "sup |F - G|", "", "scale", (0, 1), _NO_VALUES, "Smirnov 1939", ks),
        Distance("wasserstein", "Wasserstein distance", "∫ |F - G| dx", "column", "scale", (0, _INF), _NO_POSITION,
                 "Vallender 1974", wasserstein),
        Distance("wasserstein_std", "Wasserstein distance in standard deviations", "∫ |F - G| dx / s(reference)", _STDS,
                 "scale", (0, _INF), _NO_SPREAD, "Vallender 1974", wasserstein_std, symmetric=False),
        Distance("energy", "energy distance", "√(2 ∫ (F - G)² dx)", "root of column", "scale", (0, _INF), _NO_POSITION,
                 "Székely & Rizzo 2013", energy),
        Distance("mean_shift", "shift of the mean", "(mean(current) - mean(reference)) / s(reference)", _STDS, "scale",
                 (-_INF, _INF), _NO_SPREAD, "Glass 1976", mean_shift_of, symmetric=False),
        Distance("log_mean_shift", "shift of the mean logarithm", "mean(ln current) - mean(ln reference)", "log", "scale",
                 (-_INF, _INF), "a sample has no values above 0, or one is infinite", "", log_mean_shift),
        Distance("std_change", "change of the standard deviation", "s(current) / s(reference) - 1", "share", "scale",
                 (-1, _INF), "a sample has fewer than two values, one is infinite, or the reference has no spread", "",
                 std_change_of, symmetric=False),
        Distance("psi", "population stability index", "Σ (c - r) · ln(c / r), half a row in each place", "", "both",
                 (0, _INF), "a sample has no values, or every category is rare", "Lewis 1994", psi),
        Distance("kl", "Kullback-Leibler divergence", "Σ c · ln(c / r), half a row in each place", "nat", "both",
                 (0, _INF), "a sample has no values, or every category is rare", "Kullback & Leibler 1951", kl,
                 symmetric=False),
        Distance("jensen_shannon", "Jensen-Shannon distance", "√((KL₂(r ‖ a) + KL₂(c ‖ a)) / 2), a = (r + c) / 2", "",
                 "both", (0, 1), _NO_VALUES, "Lin 1991; Endres & Schindelin 2003", jensen_shannon),
        Distance("hellinger", "Hellinger distance", "√(½ Σ (√r - √c)²)", "", "both", (0, 1), _NO_VALUES,
                 "Hellinger 1909", hellinger),
        Distance("total_variation", "total variation", "½ Σ |r - c|", "share", "both", (0, 1), _NO_VALUES, "",
                 total_variation),
        Distance("l_infinity", "greatest change of a share", "max |r - c|", "share", "both", (0, 1), _NO_VALUES, "",
                 l_infinity),
        Distance("cramers_v", "Cramér's V", "√(χ² / N)", "", "both", (0, 1), _NO_VALUES, "Cramér 1946", cramers_v),
        Distance("share_change", "change of a share", "c - r", "share", "share", (-1, 1),
                 "a sample has no values, or there are not two places", "", share_change),
    )
}  # fmt: skip
