"""Whether the other features give a sensitive column away: then leaving the column out does not make a model blind to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from assay.errors import MissingExtra
from assay.evaluation.slicing.cuts import Cut
from assay.evaluation.trial import Trial
from assay.stats.classifier import Apart, tell_apart
from assay.stats.encoder import Encoder, encode
from assay.stats.ranks import area_interval, placements
from assay.stats.tells import tells
from assay.verdict import Estimate

__all__ = ["MOST_ROWS", "Proxy", "proxy"]

MOST_ROWS = 2_000  # a side: what tells groups apart so that it matters shows in so many
MOST_GROUPS = 5
TELLING = 0.01  # of an AUC: a column that says less is not named


@dataclass(frozen=True, slots=True)
class Proxy:
    """How well the other features tell one group from the others: the AUC of a classifier, the group, and the columns that tell."""

    estimate: Estimate
    group: str = ""
    columns: tuple[str, ...] = ()


def proxy(trial: Trial, cut: Cut, *, sensitive: tuple[str, ...]) -> Proxy:
    """Return how well the features that are not sensitive tell a group of a column from all others, of the group told best.

    Boosted trees learn on half of at most 2,000 rows a side and are tried on the other; each of the five largest groups in turn, its
    interval at the confidence that holds for all of them. ½ is a column that nothing gives away. Undefined without features,
    where no group has 30 rows, and without scikit-learn.
    """
    rows = trial.rows
    features = [name for name in rows.features if name not in sensitive and name in rows.frame.columns]
    if not features:
        return Proxy(Estimate(None, n=rows.n, why="there are no other features"))
    groups = [int(g) for g in np.argsort(-cut.sizes, kind="stable")[:MOST_GROUPS]]
    if len(cut.names) == 2:
        groups = groups[:1]  # the other is told as well
    try:
        found = [_told(trial, cut, group, features, among=len(groups)) for group in groups]
    except MissingExtra as missing:
        return Proxy(Estimate(None, n=rows.n, why=str(missing)))
    best, apart, encoder = max(found, key=lambda one: float(one[0].estimate.value or 0.0))
    telling = () if encoder is None else tells(apart, rng=trial.rng, columns=encoder.columns)
    return replace(best, columns=tuple(one.column for one in telling[:3] if max(one.drop, one.alone - 0.5) >= TELLING))


def _told(
    trial: Trial, cut: Cut, group: int, features: list[str], *, among: int
) -> tuple[Proxy, Apart, Encoder | None]:
    """Return how well a group is told, from which scores, and what made numbers of the features; no encoder where undefined."""
    sides = [_few(np.flatnonzero((cut.codes == group) == is_in), trial.rng) for is_in in (False, True)]
    both = encode(*(trial.rows.frame.select(features)[places] for places in sides))
    apart = tell_apart(both.reference, both.current, rng=trial.rng)
    n, scored = sum(map(len, sides)), apart.scored
    if scored is None or apart.compared.statistic is None:
        return Proxy(Estimate(None, n=n, why=apart.compared.why), cut.names[group]), apart, None
    held = placements(scored.reference_scores[scored.reference_late], scored.current_scores[scored.current_late])
    low, high = area_interval(held, confidence=1 - (1 - trial.confidence) / among)
    value = max(apart.compared.statistic, 0.5)
    estimate = Estimate(
        value, n=n, low=max(min(low, value), 0.5), high=max(high, value), confidence=trial.confidence, method="delong"
    )
    return Proxy(estimate, cut.names[group]), apart, both.encoder


def _few(
    places: np.ndarray[tuple[int], np.dtype[np.int64]], rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return places if len(places) <= MOST_ROWS else rng.choice(places, MOST_ROWS, replace=False)
