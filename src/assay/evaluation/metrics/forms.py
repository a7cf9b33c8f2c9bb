"""Scores against labels as counts at places: the distinct scores of a class in rising order, or a few hundred bins of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.metric import Form
from assay.evaluation.predictions import Predictions
from assay.stats.resampling import Resamples

__all__ = ["PLACES", "Places", "forms_of", "of_class", "places_of"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

PLACES = 512  # the draws of a metric of scores are binned to so many; its value never is


@dataclass(frozen=True, slots=True)
class Places:
    """Where the score of each row stands: `place` is its number in rising order, `scores` the mean score at each place.

    `inside` says which rows are of the class.
    """

    place: Codes
    scores: Floats
    inside: NDArray[np.bool_]

    def sums(self, units: Resamples, weights: Floats | None) -> Floats:
        """Return the counts (weights) per unit of the others and of the class at each place: size by 2 by places."""
        k = len(self.scores)
        return units.per_place(self.place + k * self.inside, 2 * k, weights).reshape(units.size, 2, k)

    def form(self, sums: Floats) -> Form:
        """Return sums [..., 2, places] as a form."""
        return Form(inside=sums[..., 1, :], outside=sums[..., 0, :], scores=self.scores)


def of_class(rows: Predictions, c: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the scores of a class, and which rows are of it; of a ranking, which are relevant."""
    inside = rows.labels[:, c] == 1 if rows.task == "multilabel" else rows.labels == c
    return rows.given_scores[:, c], inside


def forms_of(rows: Predictions) -> tuple[int, ...]:
    """Return the classes that metrics of scores look at: of two only the positive one."""
    return (len(rows.classes) - 1,) if rows.task == "binary" else tuple(range(len(rows.classes)))


def places_of(rows: Predictions, c: int, *, most: int = 0) -> Places:
    """Return the places of a class's scores: each distinct score, or at most about `most` bins of them.

    Half of the edges are quantiles of the rows of the class, half of the others: a class of few rows is told apart as well
    as one of many.
    """
    score, inside = of_class(rows, c)
    if most and len(score) > most:
        shares = np.linspace(0, 1, most // 2 + 1)[1:-1]
        parts = [part for part in (score[inside], score[~inside]) if len(part)]
        edges = np.unique(np.concatenate([np.quantile(part, shares, method="lower") for part in parts]))
        codes = np.searchsorted(edges, score, side="left")  # a score that is an edge stands with those just below it
        place = np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)
        means = np.bincount(place, weights=score) / np.bincount(place)
        return Places(place, means, inside)
    distinct, place = np.unique(score, return_inverse=True)
    return Places(np.asarray(place, dtype=np.int64), distinct, inside)
