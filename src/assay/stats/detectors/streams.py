"""Streams whose drifts are known, drawn from a seed: what detectors are tried on.

A stream is a row of phases, each with its level: the share of ones, the mean of numbers, the mean of scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.stats.detectors.scoring import Drift

__all__ = ["Phase", "Stream", "bits", "levels", "normal", "scores", "step", "sticky_bits"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Phase:
    """So many values at one level, which is reached from the level before over `ramp` values, on a straight line."""

    length: int
    level: float
    ramp: int = 0

    def __post_init__(self) -> None:
        if not (self.length >= 1 and 0 <= self.ramp < self.length):
            raise ValueError(
                f"a phase has {self.length} values, {self.ramp} of them its ramp; it has at least one outside"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Values, the level that each was drawn at, and where that level changes."""

    values: Floats
    levels: Floats
    drifts: tuple[Drift, ...]


def levels(phases: Sequence[Phase]) -> tuple[Floats, tuple[Drift, ...]]:
    """Return the level of each value, and the drifts: where the level of a phase differs from that before.

    On a ramp of r values the i-th (from 1) lies i/(r + 1) of the way to the new level.

    >>> line, drifts = levels([Phase(2, 0.1), Phase(3, 0.4, ramp=2)])
    >>> line.round(2).tolist(), drifts
    ([0.1, 0.1, 0.2, 0.3, 0.4], (Drift(start=2, end=4),))

    Raises ValueError where there is no phase.
    """
    if not phases:
        raise ValueError("a stream has at least one phase")
    parts, drifts, before, place = [], [], phases[0].level, 0
    for phase in phases:
        way = np.arange(1, phase.ramp + 1) / (phase.ramp + 1)
        parts += [before + (phase.level - before) * way, np.full(phase.length - phase.ramp, phase.level)]
        if phase.level != before:
            drifts.append(Drift(place, place + phase.ramp))
        before, place = phase.level, place + phase.length
    return np.concatenate(parts), tuple(drifts)


def step(before: float, after: float, *, at: int, length: int, ramp: int = 0) -> tuple[Phase, Phase]:
    """Return two phases of `length` values in all: the level changes at value `at`, at once or over a `ramp`."""
    return Phase(at, before), Phase(length - at, after, ramp)


def bits(phases: Sequence[Phase], *, rng: np.random.Generator) -> Stream:
    """Return independent bits, 1 with a probability of the level: errors (1) of a model.

    >>> stream = bits(step(0.1, 0.5, at=1000, length=2000), rng=np.random.default_rng(7))
    >>> float(stream.values[:1000].mean()), float(stream.values[1000:].mean())
    (0.103, 0.511)
    """
    line, drifts = _shares(phases)
    return Stream((rng.random(len(line)) < line).astype(np.float64), line, drifts)


def sticky_bits(phases: Sequence[Phase], *, stickiness: float, rng: np.random.Generator) -> Stream:
    """Return bits that repeat the one before with a probability of `stickiness`, and are drawn at the level otherwise.

    Their mean is the level and their correlation over k values stickinessᵏ: labels of a series in time, on which an error
    comes seldom alone. No detector's error rate holds on them that takes values for independent.
    """
    line, drifts = _shares(phases)
    if not 0 <= stickiness < 1:
        raise ValueError(f"stickiness is {stickiness}; it is in [0, 1)")
    fresh = (rng.random(len(line)) < line).astype(np.float64)
    drawn = rng.random(len(line)) >= stickiness
    return Stream(fresh[np.maximum.accumulate(np.where(drawn, np.arange(len(line)), 0))], line, drifts)


def normal(phases: Sequence[Phase], *, rng: np.random.Generator, spread: float = 1.0) -> Stream:
    """Return independent normal values whose mean is the level and whose standard deviation is `spread`."""
    line, drifts = levels(phases)
    return Stream(rng.normal(line, spread), line, drifts)


def scores(phases: Sequence[Phase], *, rng: np.random.Generator, concentration: float = 20.0) -> Stream:
    """Return independent scores in [0, 1] whose mean is the level: the confidence of a model.

    They are Beta(c·level, c·(1 - level)) with c the `concentration`; their variance is level·(1 - level)/(c + 1).
    """
    line, drifts = _shares(phases)
    if not (concentration > 0 and ((line > 0) & (line < 1)).all()):
        raise ValueError("scores need levels between 0 and 1, and a concentration above 0")
    return Stream(rng.beta(concentration * line, concentration * (1 - line)), line, drifts)


def _shares(phases: Iterable[Phase]) -> tuple[Floats, tuple[Drift, ...]]:
    line, drifts = levels(list(phases))
    if not ((line >= 0) & (line <= 1)).all():
        raise ValueError(f"levels go from {line.min()} to {line.max()}; shares lie in [0, 1]")
    return line, drifts
