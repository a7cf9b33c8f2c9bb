"""Rows with groups, predictions and labels whose truth is known, and trials of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from assay.evaluation.fairness.ground import ByGroup, Ground
from assay.evaluation.fairness.groupwise import by_group
from assay.evaluation.fairness.measures import MEASURES, View
from assay.evaluation.models.model import Model
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Trial
from assay.stats.resampling import resamples
from assay.verdict import Exhibit, Outcome


def two_classes(
    label: Sequence[int], said: Sequence[int] | None, frame: dict[str, Sequence[object]], *, score: np.ndarray | None = None,
    features: tuple[str, ...] = (), weights: np.ndarray | None = None, entity: np.ndarray | None = None,
) -> Predictions:  # fmt: skip
    scores = None if score is None else np.column_stack([1 - score, score])
    return Predictions(
        "binary", np.asarray(label, dtype=np.int64), None if said is None else np.asarray(said, dtype=np.int64), scores,
        classes=(0, 1), weights=weights, entity=entity, frame=pl.DataFrame(frame, strict=False), features=features,
    )  # fmt: skip


def trial_of(
    rows: Predictions, rng: np.random.Generator, *, model: Model | None = None, replicates: int = 200
) -> Trial:
    units = resamples(rows.n, rng=rng, replicates=replicates, entities=rows.entity)
    return Trial(rows, units, ("accuracy",), rng, model=model)


def ground_of(view: View, group: np.ndarray, rng: np.random.Generator, **told: np.ndarray) -> Ground:
    units = resamples(len(group), rng=rng, replicates=300, entities=told.get("entities"))
    return Ground(view, group, int(group.max()) + 1, told.get("weights"), units)


def shares(counts: Sequence[int], positive: Sequence[int], rng: np.random.Generator) -> ByGroup:
    """Return the selection rates of groups of so many rows, of which so many are predicted positive."""
    group = np.repeat(np.arange(len(counts)), counts)
    said = np.concatenate([np.arange(n) < k for n, k in zip(counts, positive, strict=True)])
    return by_group(MEASURES["selection_rate"], ground_of(View(np.ones(len(group), np.bool_), said, None), group, rng))


def people(rng: np.random.Generator, n: int, *, groups: int = 3, gap: float = 0.0) -> Predictions:
    """Return calibrated scores of people in groups, the later of which have a higher score and more positives by `gap` each."""
    group = rng.integers(0, groups, n)
    score = 1 / (1 + np.exp(-rng.normal(-0.4 + gap * group, 1.2)))
    label = (rng.random(n) < score).astype(np.int64)
    frame = {"group": [f"g{g}" for g in group], "sex": rng.choice(["f", "m"], n), "score": score}
    return two_classes(label, (score > 0.5).astype(np.int64), frame, score=score, features=("group", "sex", "score"))


def table(exhibits: Sequence[Exhibit], name: str) -> pl.DataFrame:
    found = next(e for e in exhibits if e.name == name)
    return pl.DataFrame({column: list(cells) for column, cells in found.columns.items()}, strict=False)


def outcome(outcomes: Sequence[Outcome], subject: str) -> Outcome:
    return next(o for o in outcomes if o.subject == subject)
