"""Areas under the curve of every group: its positives over its own negatives, over those of the rest, and the other way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.fairness.ground import ByGroup, Ends, Ground, correlation_of, student, wald
from assay.evaluation.fairness.measures import Areas
from assay.evaluation.metrics.metric import Span
from assay.stats.delong import WELL_KNOWN

__all__ = ["area_by_group"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class _Side:
    """The positives or the negatives of a group: the places of scores where they stand, rising, and how much weight there.

    `squares` are those of the weights, added up at each place; `n` counts rows, `units` what is drawn together (infinite where
    rows are drawn alone).
    """

    at: Codes
    weights: Floats
    squares: Floats
    n: float
    units: float = math.inf

    @cached_property
    def upto(self) -> Floats:
        """Return the weight at the places before each of `at`, and at last that at all of them."""
        return np.concatenate([[0.0], np.cumsum(self.weights)])

    @cached_property
    def squares_upto(self) -> Floats:
        return self.upto if self.squares is self.weights else np.concatenate([[0.0], np.cumsum(self.squares)])

    def below(self, n_places: int) -> Floats:
        """Return for each place the weight below it, with half of that at it."""
        here = np.zeros(n_places)
        here[self.at] = self.weights
        return np.asarray(np.cumsum(here) - here / 2)

    def under(self, places: Codes) -> tuple[Floats, Floats]:
        """Return the weight, and the squares of weights, at the places before each of some."""
        here = np.searchsorted(self.at, places)
        return self.upto[here], self.squares_upto[here]

    @property
    def total(self) -> float:
        return float(self.upto[-1])

    @property
    def alike(self) -> float:
        """Return Kish's number of rows of one weight; of entities, how many have such a row."""
        squares = float(self.squares_upto[-1])
        return min(self.total**2 / squares if squares > 0 else 0.0, self.units)


@dataclass(frozen=True)
class _Rest:
    """All rows of a class but those of a group."""

    every: _Side
    mine: _Side

    def under(self, places: Codes) -> tuple[Floats, Floats]:
        every, mine = self.every.under(places), self.mine.under(places)
        return every[0] - mine[0], every[1] - mine[1]

    @property
    def n(self) -> float:
        return self.every.n - self.mine.n

    @property
    def total(self) -> float:
        return self.every.total - self.mine.total

    @property
    def alike(self) -> float:
        squares = float(self.every.squares_upto[-1] - self.mine.squares_upto[-1])
        return self.total**2 / squares if squares > 0 else 0.0


class _Places:
    """Scores as places in rising order, and who stands there: of a group, or of the rest."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.label = ground, ground.view.label.astype(bool)
        self.place = ground.places[0]
        self.all = {label: self._side(np.flatnonzero(self.label == label)) for label in (True, False)}

    def _side(self, rows: Codes) -> _Side:
        at, here = np.unique(self.place[rows], return_inverse=True)
        ground = self.ground
        if ground.weights is None:
            weights = squares = np.bincount(here, minlength=len(at)).astype(np.float64)
        else:
            weights, squares = (
                np.bincount(here, weights=ground.weights[rows] ** power, minlength=len(at)).astype(np.float64)
                for power in (1, 2)
            )
        units = float(len(np.unique(ground.units.of_row[rows]))) if ground.together else math.inf
        return _Side(at, weights, squares, float(len(rows)), units)

    def sides(self, group: int) -> dict[tuple[str, bool], _Side | _Rest]:
        """Return the positives and the negatives of a group and of the rest."""
        rows, found = self.ground.rows[group], dict[tuple[str, bool], _Side | _Rest]()
        for label in (True, False):
            mine = self._side(rows[self.label[rows] == label])
            found["group", label], found["rest", label] = mine, _Rest(self.all[label], mine)
        return found


Term = tuple[str, str]  # the side of the positives, and of the negatives
TERMS: tuple[Term, ...] = (("group", "group"), ("group", "rest"), ("rest", "group"))


@dataclass(frozen=True, slots=True)
class _Term:
    """The area of one term in each group, its variance, how many rows tell it, and how each unit moves it (if rows are drawn together)."""

    values: Floats
    variance: Floats
    counts: Floats
    freedom: Floats
    influence: Floats


def area_by_group(of: Areas, ground: Ground, span: Span) -> ByGroup:
    """Return sums of areas of every group, with the variance of DeLong, DeLong & Clarke-Pearson 1988.

    Where rows are drawn together the influences of the rows are added up by unit (Obuchowski 1997). Areas over the rest share
    rows: the correlation of a sum of several is then that of each group less the mean of the others; that of a single
    one, which is at least 0, is taken as 0, so that a difference is taken to vary more than it does.
    """
    terms = _terms(ground)
    parts = [(sign, terms[positives, negatives]) for sign, positives, negatives in of.terms]
    values = np.sum([sign * term.values for sign, term in parts], axis=0)
    variance = np.sum([term.variance for _, term in parts], axis=0)
    correlation = _of_differences(ground.total()) if len(parts) > 1 else None
    if ground.together:
        influence = np.sum([sign * term.influence for sign, term in parts], axis=0)
        covariance = influence.T @ influence * ground.units.size / max(ground.units.size - 1, 1)
        variance, correlation = np.diag(covariance), correlation_of(covariance)
    spread = np.sqrt(np.where(np.isnan(values), np.nan, variance))
    one = parts[0][1]
    ends = _of_area(values, spread, one.counts, one.freedom)
    if len(parts) > 1:
        ends = wald(values, spread, np.full(len(values), np.inf), span)
    rows = _rows(of, ground)
    weight = rows / max(rows.sum(), 1)
    return ByGroup(values, rows, spread, ends, correlation, pooled=float(np.nansum(values * weight)))


def _rows(of: Areas, ground: Ground) -> Codes:
    """Return how many rows of each group an area is of: of the class of which it has fewer, where it takes both."""
    sides = [(p, True) for _, p, _ in of.terms] + [(n, False) for _, _, n in of.terms]
    label = ground.view.label.astype(np.float64)
    counted = {True: ground.total(label, power=0), False: ground.total(1 - label, power=0)}
    return np.asarray(
        np.min([counted[of_label] for side, of_label in sides if side == "group"], axis=0), dtype=np.int64
    )


def _of_differences(sizes: Floats) -> Floats:
    """Return the correlations of each group less the mean of the others, of groups of so many rows alike.

    >>> _of_differences(np.array([30.0, 10.0])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    others = np.maximum(sizes.sum() - sizes, 1e-300)
    weights = -sizes[None, :] / others[:, None]
    np.fill_diagonal(weights, 1.0)
    return correlation_of(weights / np.maximum(sizes, 1e-300) @ weights.T)


def _terms(ground: Ground) -> dict[Term, _Term]:
    """Return every term in each group, found once for all measures of the same rows."""
    if "areas" not in ground.memo:
        places, g, units = _Places(ground), ground.n_groups, ground.units.size if ground.together else 0
        terms = {
            term: _Term(np.full(g, np.nan), np.zeros(g), np.zeros((g, 2)), np.full(g, np.inf), np.zeros((units, g)))
            for term in TERMS
        }
        for group in range(g):
            sides = places.sides(group)
            for names, term in terms.items():
                _fill(term, places, group, sides, names)
        ground.memo["areas"] = terms
    return cast("dict[Term, _Term]", ground.memo["areas"])


def _fill(term: _Term, places: _Places, group: int, sides: dict[tuple[str, bool], _Side | _Rest], names: Term) -> None:
    """Write one group's numbers: of its own side row by row, of the other by the stretches between these rows."""
    label = names[0] == "group"  # whether the group's own side are the positives
    own, other = sides["group", label], sides[names[1] if label else names[0], not label]
    if not isinstance(own, _Side) or not own.n or not other.n or own.total <= 0 or other.total <= 0:
        return
    start, squares = other.under(own.at)
    end, squares_end = other.under(own.at + 1)
    placed = _right((start + end) / 2 / other.total, positive=label)
    area = float((own.weights * placed).sum() / own.total)
    # The other side's rows at the places of the own side, then those between: before the first, ..., after the last.
    at = _right((own.upto[:-1] + own.weights / 2) / own.total, positive=not label)
    between = _right(own.upto / own.total, positive=not label)
    last = other.under(np.array([places.ground.places[1]]))[1]
    stretches = np.concatenate([squares, last]) - np.concatenate([[0.0], squares_end])
    spread = ((squares_end - squares) * (at - area) ** 2).sum() + (stretches * (between - area) ** 2).sum()
    each = (
        _unbiased(own) * float((own.squares * (placed - area) ** 2).sum()),
        _unbiased(other) * float(spread),
    )
    term.values[group] = area
    term.variance[group] = sum(each)
    term.counts[group] = (own.alike, other.alike) if label else (other.alike, own.alike)
    term.freedom[group] = _freedom(each, np.array([own.alike, other.alike]))
    if places.ground.together:
        mine, rest = (
            _rows_of(places, group, label, inside=True),
            _rows_of(places, group, not label, inside="rest" not in names),
        )
        moved = placed[np.searchsorted(own.at, places.place[mine])] - area
        term.influence[:, group] += _per_unit(places, mine, moved)
        moved = _right(own.below(places.ground.places[1])[places.place[rest]] / own.total, positive=not label) - area
        term.influence[:, group] += _per_unit(places, rest, moved)


def _right(below: Floats, *, positive: bool) -> Floats:
    """Return the share of the other side that a row is on the right side of: above it if it is positive, else below."""
    return below if positive else 1 - below


def _unbiased(side: _Side | _Rest) -> float:
    """Return what turns a sum of squared weights times squared deviations into the variance of their mean; NaN of one row."""
    alike = side.alike
    return alike / (alike - 1) / side.total**2 if side.n >= 2 and alike > 1 else math.nan


def _freedom(each: tuple[float, float], counts: Floats) -> float:
    """Return the degrees of freedom of a sum of two variances, by Satterthwaite's rule, at least 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        under = float((np.square(each) / (counts - 1)).sum())
    return max(sum(each) ** 2 / under, 1.0) if under > 0 else math.inf


def _rows_of(places: _Places, group: int, label: bool, *, inside: bool) -> Codes:
    """Return the rows of a class in a group, or in the rest."""
    if inside:
        rows = places.ground.rows[group]
        return np.asarray(rows[places.label[rows] == label])
    return np.asarray(np.flatnonzero((places.ground.group != group) & (places.label == label)))


def _per_unit(places: _Places, rows: Codes, moved: Floats) -> Floats:
    """Return by how much each unit moves an area: the sum over its rows of what each moves it, by its weight."""
    units, weights = places.ground.units, places.ground.weights
    own = np.ones(len(rows)) if weights is None else weights[rows]
    sums = np.bincount(units.of_row[rows], weights=moved * own, minlength=units.size)
    return np.asarray(sums / own.sum())


def _of_area(values: Floats, spread: Floats, counts: Floats, freedom: Floats) -> Ends:
    """Return the intervals of areas as `assay.stats.delong.interval` has them: for many groups, and any z, at once."""
    m, n = counts[:, 0], counts[:, 1]
    k = (m + n) / 2 - 1
    known = (np.minimum(values, 1 - values) * np.minimum(m, n) >= WELL_KNOWN) & (spread > 0)

    def beyond(theta: Floats, z: Floats) -> NDArray[np.bool_]:
        wide = 1 + k * (1 - theta) / (2 - theta) + k * theta / (1 + theta)
        return np.asarray(np.abs(theta - values) > z * np.sqrt(np.maximum(theta * (1 - theta), 0.0) * wide / (m * n)))

    def newcombe(end: float, z: Floats) -> Floats:
        inside = np.broadcast_to(values, np.broadcast_shapes(values.shape, z.shape))
        outside = np.full(inside.shape, end)
        for _ in range(40):
            middle = (outside + inside) / 2
            outer = beyond(middle, z)
            outside, inside = np.where(outer, middle, outside), np.where(outer, inside, middle)
        return inside

    def ends(z: Floats) -> tuple[Floats, Floats]:
        half = np.where(known, z, student(z, freedom)) * spread / (values * (1 - values))
        odds = np.log(values / (1 - values))
        low, high = (1 / (1 + np.exp(-np.clip(odds + side * half, -700, 700))) for side in (-1, 1))
        if known.all():
            return low, high
        low = np.where(known, low, np.fmin(newcombe(0.0, z), low))
        return low, np.where(known, high, np.fmax(newcombe(1.0, z), high))

    return ends
