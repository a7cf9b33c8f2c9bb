"""How likely a Brownian bridge is to leave a band, or to pass a level once it is lifted: what the KS comparison stands on.

Between two samples of one population the distance of the distribution functions, in units of √(mn/N)⁻¹, is about a
Brownian bridge over the share of pooled values passed, seen at the end of each place only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.stats.intervals import normal_quantile

__all__ = ["HEAVY", "OVERSHOOT", "Stretch", "leaves", "lift", "passes", "stretches"]

Floats = NDArray[np.float64]

# A bridge seen at steps of √Δ passes a level as often as one seen always passes a level further off by this times √Δ:
# -ζ(1/2)/√(2π) (Chernoff 1965; Broadie, Glasserman & Kou 1997).
OVERSHOOT = 0.5825971579390107
HEAVY = 1 / 24  # a place of such a share of the values is a step of its own
STRETCH, CRUMB = 1 / 8, 1 / 128  # lighter ones go together up to the one; less than the other joins its neighbour
NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)


class Stretch(NamedTuple):
    """A length of a bridge, and how far above and below 0 it leaves the band: always seen, or at its end alone."""

    length: float
    up: float
    down: float
    always: bool


def leaves(stretches: Sequence[Stretch]) -> float:
    """Return P(B leaves the band), B a Brownian bridge over stretches whose lengths add up to 1.

    The probability to leave at each stretch, and the density of where the rest is at its end, on 48 points of Gauss and
    Legendre: all that is added has one sign, so small answers keep their digits.

    >>> half = Stretch(0.5, 0.98, 0.98, always=False)  # a normal of variance 1/4
    >>> round(leaves([half, half]), 4)
    0.05
    """
    out, left = 0.0, 1.0  # what has left the band; the length to come
    at, weight = np.zeros(1), np.ones(1)  # where the rest is
    for k, (length, up, down, always) in enumerate(stretches):
        rest = max(left - length, 0.0) if k < len(stretches) - 1 else 0.0
        mean, std = at * (rest / left), math.sqrt(length * rest / left)
        if up > 0 and down > 0:
            for side, bound in ((1, up), (-1, down)):
                out += float(np.dot(weight, _leaving(side * at, side * mean, std, bound, length if always else 0.0)))
        else:
            return 1.0
        if rest <= 0:
            break
        reach = 9 * math.sqrt(rest * (1 - rest))
        low, high = -min(down, reach), min(up, reach)
        here = (low + high) / 2 + NODES * ((high - low) / 2)
        step = np.exp(-((here[:, None] - mean) ** 2) / (2 * std * std)) / (math.sqrt(2 * math.pi) * std)
        if always:
            for side, bound in ((1, up), (-1, down)):
                step *= -np.expm1(-2 * np.outer(bound - side * here, np.maximum(bound - side * at, 0)) / length)
        at, weight, left = here, step @ weight * WEIGHTS * ((high - low) / 2), rest
    return min(out, 1.0)


def _leaving(at: Floats, mean: Floats, std: float, bound: float, length: float) -> Floats:
    """Return P(a bridge passes a bound above it within the next stretch), from each place; see `leaves`.

    Seen only at the end (`length` 0): the tail of a normal. Seen always: that, and from where it ends below the chance to
    have touched, exp(-2ab/length) with a and b the distances from the bound.
    """
    from scipy.special import ndtr

    ahead = bound - mean
    std = std + 1e-12
    out: Floats = ndtr(-ahead / std)
    if length:
        gap = np.maximum(bound - at, 0)
        back = 2 * gap * std * std / length
        out = out + np.exp(-2 * gap * ahead / length + (back / std) ** 2 / 2) * ndtr((ahead - back) / std)
    return np.minimum(out, 1.0)


def stretches(mass: Floats, level: float, shifts: Floats, heavy: Callable[[int], tuple[float, float]]) -> list[Stretch]:
    """Return the stretches of places with these shares: light ones together, heavy ones alone.

    Of light places the level lies further off by their `shifts`; of the heavy place k, `heavy` tells both bounds. Light
    places that come to very little between two heavy ones go with the next.
    """
    found: list[Stretch] = []
    length = shifted = 0.0

    def together() -> Stretch:
        return Stretch(length, level + shifted / length, level + shifted / length, always=True)

    for k, part in enumerate(mass.tolist()):
        if part < HEAVY:
            length, shifted = length + part, shifted + part * shifts[k]
            if length >= STRETCH:
                found.append(together())
                length = shifted = 0.0
            continue
        if length >= CRUMB or (length and not found):
            found.append(together())
            length = 0.0
        found.append(Stretch(part + length, *heavy(k), always=False))
        length = shifted = 0.0
    return [*found, together()] if length else found


@lru_cache(maxsize=1024)
def lift(level: float, *, power: float) -> float:
    """Return how far a bridge must be lifted to pass a level with that probability; see `passes`.

    >>> round(passes(1.358, lift(1.358, power=0.8)), 3)
    0.8
    """
    low, high = 0.0, level + 4
    while high - low > 5e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if passes(level, middle) < power else (low, middle)
    return high


KNOTS = 10


def passes(level: float, height: float) -> float:
    """Return P(max B(u) + height · φ(Φ⁻¹(u))/φ(0) ≥ level): a bridge lifted as by a normal distribution that moves.

    Half the bridge is a walk in normal steps below a broken line: between two knots it touches the line with the
    probability exp(-2ab/Δ), a and b its distances from it. The two halves meet in the middle.
    Source: Wang & Pötzelberger 1997.

    >>> round(passes(1.358, 0.0), 3)  # exp(-2 · 1.358²)
    0.025
    """
    t = np.linspace(0.0, 0.5, KNOTS + 1)
    quantiles = np.array([normal_quantile(x) for x in t[1:]])
    line = np.append(level, level - height * np.exp(-(quantiles**2) / 2))
    if line[-1] <= -4:
        return 1.0
    gap = float(t[1])
    away, mass, density = np.array([line[0]]), np.ones(1), np.ones(1)  # away: distance below the line
    for k in range(1, KNOTS + 1):
        reach = min(max(line[k], 0.0) + 6 * math.sqrt(float(t[k])), level + 6)
        here = (NODES + 1) / 2 * reach
        step = np.exp(-(((line[k - 1] - away) - (line[k] - here)[:, None]) ** 2) / (2 * gap)) / math.sqrt(
            2 * math.pi * gap
        )
        density = (step * -np.expm1(-2 * np.outer(here, away) / gap)) @ mass
        away, mass = here, density * WEIGHTS * reach / 2
    middle = line[-1] - away
    # density² is that of both halves, were they free; a bridge's is density² · N(y; 0, 1/4) / N(y; 0, 1/2)²
    ratio = np.sqrt(2 / math.pi) * np.exp(-2 * middle**2) / (np.exp(-2 * middle**2) / math.pi)
    return 1 - float((mass * density * ratio).sum())
