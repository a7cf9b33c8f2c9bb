"""What estimates rest on, looked at: labels enough, rows complete, the window where the reference is, a history that held."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.evaluation.columns import Scored
from assay.evaluation.estimation.encoding import Encoding
from assay.evaluation.estimation.estimates import Condition

__all__ = [
    "classes", "complete", "enough_labels", "feature_region", "held_before", "labels_of_each_class", "no_concept_drift", "region",
    "score_region",
]  # fmt: skip

LABELS_AT_LEAST = 30  # of each class
LOSSES_AT_LEAST = 100
MISSING_AT_MOST = 0.05
OUTSIDE_AT_MOST = 0.01
HELD_AT_LEAST = 0.8


def labels_of_each_class(reference: Scored, counts: NDArray[np.int64]) -> Condition:
    """Return whether each class has enough labels in the reference."""
    name, least = "enough labels", int(counts.min())
    if least >= LABELS_AT_LEAST:
        return Condition(name, True, f"the rarest class has {least:,} rows in the reference")
    rare = [c for c, count in zip(reference.classes, counts, strict=True) if count < LABELS_AT_LEAST]
    return Condition(
        name, False, f"the reference has {least:,} rows of class {classes(rare)}; it takes {LABELS_AT_LEAST} of each"
    )


def classes(some: Sequence[Hashable]) -> str:
    """Return classes in words, the first five of many."""
    return ", ".join(repr(c) for c in some[:5]) + (f" and {len(some) - 5} more" if len(some) > 5 else "")


def enough_labels(n: int) -> Condition:
    """Return whether a regression's reference has enough labelled rows."""
    why = f"the reference has {n:,} labelled rows; it takes {LOSSES_AT_LEAST}"
    return Condition("enough labels", n >= LOSSES_AT_LEAST, why)


def complete(n: int, missing: int) -> Condition:
    """Return whether the window's rows have what an estimate takes; those that do not are left out."""
    rows = n + missing
    why = f"{missing:,} of {rows:,} rows have no score or prediction; at most {MISSING_AT_MOST:.0%} may"
    return Condition("complete rows", missing <= MISSING_AT_MOST * rows, why)


def score_region(reference: Scored, window: Scored) -> Condition:
    """Return whether the window's scores lie where the reference has some."""
    outside = None
    if window.n and reference.n:
        low, high = reference.scores.min(0), reference.scores.max(0)
        outside = float(((window.scores < low) | (window.scores > high)).any(1).mean())
    return region("scores", outside)


def region(what: str, outside: float | None, *, of: str = "") -> Condition:
    """Return whether a share of the window lies outside what the reference had; None where there is nothing to compare."""
    name = f"{what} in the reference's range"
    if outside is None:
        return Condition(name, None, "there are no rows to compare")
    why = f"{outside:.1%} of the window's {what}{of} are outside what the reference had; at most {OUTSIDE_AT_MOST:.0%} may be"
    return Condition(name, outside <= OUTSIDE_AT_MOST, why)


def feature_region(encoding: Encoding, window: pl.DataFrame) -> Condition:
    """Return whether the window's features take values that the reference had, by the feature that does so least."""
    if not window.height:
        return region("features", None)
    feature, share = encoding.outside(window)
    return region("features", share, of=f" of {feature!r}")


def held_before(inside: int, tried: int, *, in_time: bool) -> Condition:
    """Return whether estimates of stretches of the reference, from the rest of it, held their truth."""
    name = "it held on the reference's own history"
    if not in_time:
        return Condition(name, None, "no column of time was named")
    if not tried:
        return Condition(name, None, "no stretch of the reference could be tried")
    return Condition(name, inside >= HELD_AT_LEAST * tried, f"{inside} of {tried} estimates' intervals held the truth")


def no_concept_drift(what: str) -> Condition:
    """Return the condition that nothing but labels can confirm."""
    return Condition("no concept drift", None, f"{what} as in the reference: only labels can tell")
