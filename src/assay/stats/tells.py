"""What gives two sides away that a classifier told apart: the columns that it goes by, and the rows that look most unlike.

Where the comparison does not reject, there is nothing to give away: some column and some row always come first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.stats.classifier import Apart, Model, Scored, scores_of
from assay.stats.intervals import normal_quantile
from assay.stats.matrix import Floats
from assay.stats.ranks import area, placements

__all__ = ["Reason", "Tell", "Unlike", "tells", "unlike"]

MOST_SHUFFLED = 2_000  # held-out rows a side by which columns are weighed
SHUFFLES = 5
SURE = 3  # standard errors by which a value must have become more frequent to be a reason
# Shares at which a scale is cut into groups: twentieths, and finer at both ends, where what is new mostly lies.
CUTS = np.array([0.002, 0.01, *np.arange(1, 20) / 20, 0.99, 0.998])
CANDIDATES, NEARLY = 100, 0.9


class Tell(NamedTuple):
    """How much one column gives the sides away.

    `drop` is by how much the AUC on rows that were held out falls when the column's values are shuffled among them, from
    `low` to `high` at a confidence of 0.95; `alone` is the AUC of that column without any other, at least ½.
    """

    column: str
    drop: float
    low: float
    high: float
    alone: float


def tells(apart: Apart, *, rng: np.random.Generator, columns: Sequence[str] = ()) -> tuple[Tell, ...]:
    """Return the columns by how much they give the two sides away, the most telling first; none where undefined.

    First comes what has the greatest `drop`, or the greatest `alone` above ½, whichever is more.
    `columns` names the column of each feature that was given to `tell_apart`; features of one name are shuffled together
    (default: "0", "1", …). A column that says what another says too has a small `drop` and a large `alone`; one that
    tells only together with others has it the other way round. On at most 2,000 held-out rows a side; the interval is
    that of DeLong for two AUCs of the same rows, and leaves out that another model might lean on other columns.
    Sources: Breiman 2001; DeLong, DeLong & Clarke-Pearson 1988.
    """
    scored = apart.scored
    if scored is None:
        return ()
    x, y = scored.sides.reference, scored.sides.current
    held = _few(np.flatnonzero(scored.reference_late), rng), _few(np.flatnonzero(scored.current_late), rng)
    rows, split = np.concatenate([x[held[0]], y[held[1]]]), len(held[0])
    odds = _Odds.learn(x[~scored.reference_late], y[~scored.current_late])
    groups: dict[str, list[int]] = {}
    for feature, name in enumerate(_names(scored, columns)):
        groups.setdefault(name, []).append(feature)
    found = []
    for name, features in groups.items():
        drop, half = _drop(scored.models[0], rows, split, features=features, rng=rng)
        weight = odds.of(rows, features).sum(axis=1)
        alone = max(area(weight[:split], weight[split:]), 0.5)
        found.append(Tell(name, drop, drop - half, drop + half, alone))
    return tuple(sorted(found, key=lambda tell: -max(tell.drop, tell.alone - 0.5)))


def _drop(
    model: Model, rows: Floats, split: int, *, features: Sequence[int], rng: np.random.Generator
) -> tuple[float, float]:
    """Return by how much the AUC falls when some features are shuffled, on average, and half of its interval."""
    scores = scores_of(model, rows)
    whole = placements(scores[:split], scores[split:])
    falls = np.zeros(split), np.zeros(len(rows) - split)
    for _ in range(SHUFFLES):
        shuffled = rows.copy()
        shuffled[:, features] = rows[rng.permutation(len(rows))][:, features]
        scores = scores_of(model, shuffled)
        now = placements(scores[:split], scores[split:])
        falls[0][:] += (whole.reference - now.reference) / SHUFFLES
        falls[1][:] += (whole.current - now.current) / SHUFFLES
    spread = sum(float(side.var(ddof=1)) / len(side) for side in falls)
    return float(falls[1].mean()), normal_quantile(0.975) * math.sqrt(spread)


def _names(scored: Scored, columns: Sequence[str]) -> list[str]:
    """Return the column of each feature that was kept."""
    last = max(scored.sides.kept)
    if columns and len(columns) <= last:
        raise ValueError(
            f"{len(columns)} columns were named for at least {last + 1} features; name that of each feature"
        )
    return [columns[place] if columns else str(place) for place in scored.sides.kept]


def _few(places: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    return places if len(places) <= MOST_SHUFFLED else rng.choice(places, MOST_SHUFFLED, replace=False)


class Reason(NamedTuple):
    """Why a row looks unlike the reference: the share of either side's rows that have about the same value there."""

    column: str
    reference_share: float
    current_share: float


@dataclass(frozen=True, slots=True)
class _Odds:
    """For each feature, groups of values (missing ones last), and how many of either side's rows each holds."""

    edges: tuple[Floats, ...]
    counts: tuple[tuple[Floats, Floats], ...]
    scales: tuple[bool, ...]  # whether there are more values than groups

    @staticmethod
    def learn(x: Floats, y: Floats) -> _Odds:
        edges, counts, scales = [], [], []
        for feature in range(x.shape[1]):
            both = np.sort(np.concatenate([x[:, feature], y[:, feature]]))
            both = both[~np.isnan(both)]
            values = np.unique(both)
            scales.append(len(values) > len(CUTS))
            cuts = np.unique(both[(CUTS * len(both)).astype(np.int64)]) if scales[-1] else values[1:]
            edges.append(cuts)
            sides = [np.bincount(_bins(side[:, feature], cuts), minlength=len(cuts) + 2) for side in (x, y)]
            counts.append((sides[0].astype(np.float64), sides[1].astype(np.float64)))
        return _Odds(tuple(edges), tuple(counts), tuple(scales))

    def of(self, rows: Floats, features: Sequence[int]) -> Floats:
        """Return the logarithm of how much more frequent a row's values are in the current data, feature by feature."""
        logs = np.empty((len(rows), len(features)))
        for place, feature in enumerate(features):
            reference, current = ((side + 0.5) / (side.sum() + 1) for side in self.counts[feature])
            logs[:, place] = np.log(current / reference)[_bins(rows[:, feature], self.edges[feature])]
        return logs

    def reasons(self, row: Floats, names: Sequence[str]) -> tuple[Reason, ...]:
        """Return the columns where values such as the row's are at least twice as frequent now, the most first."""
        best: dict[str, tuple[float, Reason]] = {}
        for feature, (name, edges, counts) in enumerate(zip(names, self.edges, self.counts, strict=True)):
            place = int(_bins(row[feature : feature + 1], edges)[0])
            m, n = (float(side.sum()) for side in counts)
            r, c = (_holding(side, place, tails=self.scales[feature]) for side in counts)
            pooled = (r + c) / (m + n)
            sure = c / n - r / m >= SURE * np.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n))
            factors = np.where(sure, (c + 0.5) / (n + 1) / ((r + 0.5) / (m + 1)), 0.0)
            most = int(factors.argmax())
            if factors[most] >= 2 and factors[most] > best.get(name, (0.0,))[0]:
                best[name] = float(factors[most]), Reason(name, float(r[most] / m), float(c[most] / n))
        return tuple(reason for _, reason in sorted(best.values(), key=lambda one: -one[0]))


def _holding(counts: Floats, place: int, *, tails: bool) -> Floats:
    """Return how many rows are in the group of a value, and in each tail of a scale that holds it; the last is missing."""
    alone = counts[place : place + 1]
    if not tails or place == len(counts) - 1:
        return alone
    above, below = np.cumsum(counts[-2::-1])[::-1], np.cumsum(counts[:-1])
    return np.concatenate([alone, above[: place + 1], below[place:]])


def _bins(values: Floats, edges: Floats) -> NDArray[np.int64]:
    places = np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, places)


class Unlike(NamedTuple):
    """A row of the current data that looks unlike the reference: its place, its score, and the columns that show it.

    No reasons: no value of it is rare by itself, only together with the others.
    """

    place: int
    score: float
    reasons: tuple[Reason, ...]


def unlike(apart: Apart, *, columns: Sequence[str] = (), most: int = 5, reasons: int = 3) -> tuple[Unlike, ...]:
    """Return the rows of the current data that look most unlike the reference, the most unlike first.

    By the score of the model that did not learn from the row; at most `most` rows. Of rows whose first reason is the same
    column one comes first and the others last, among those whose score is nearly the highest: at most a tenth of the way
    from it to ½. The reasons are the columns where a value such as the row's is at least twice as frequent in the current
    data as in the reference, by at least three standard errors, the greatest factor first. A value's like are the rows
    with the same value, where there are few values; else those of the same twentieth of both sides or beyond some cut
    that it lies beyond too, whichever shows more.

    Every data has rows most unlike: where the comparison does not reject, they mean nothing. None where it is undefined.
    """
    scored = apart.scored
    if scored is None:
        return ()
    of = _names(scored, columns)
    odds = _Odds.learn(scored.sides.reference, scored.sides.current)
    scores = scored.current_scores
    places = np.argsort(-scores, kind="stable")[: max(most, CANDIDATES)]
    near = 0.5 + NEARLY * (float(scores[places[0]]) - 0.5)
    found = [
        Unlike(place, float(scores[place]), odds.reasons(scored.sides.current[place], of)[:reasons])
        for place in places.tolist()
    ]
    # Of one kind, the last that is set stays: the most unlike.
    kinds = {one.reasons[0].column if one.reasons else None: one for one in reversed(found) if one.score >= near}
    chosen = sorted(kinds.values(), key=lambda one: -one.score)[:most]
    chosen += [one for one in found if one not in chosen][: most - len(chosen)]
    return tuple(sorted(chosen, key=lambda one: -one.score))
