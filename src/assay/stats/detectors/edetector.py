"""The mixture Shiryaev-Roberts e-detector: an alarm whose average run length is proved, whatever the distribution.

For values y in [0, 1] whose mean, given the past, is at most m, the number e = 1 + λ(y - m) has a mean of at most 1 for
each λ in [0, 1/m): a fair bet at best. Bets of several sizes k are kept running, a new one begun at every value:

    Mₖ ← (Mₖ + 1) · (1 + λₖ(y - m)),    M = Σ wₖ Mₖ,    drift where M ≥ A.

M - t is a supermartingale while the mean has not risen, so at the alarm E[t] ≥ E[M] ≥ A: on a clean stream the first false
alarm comes on average not before A values, and comes among the first n with a probability of at most n / A. Of bits e is the likelihood
ratio of the rates p₁ = m + f(1 - m) and m with f = λm.

Source: Shin, Ramdas & Rinaldo, "E-detectors: a nonparametric framework for sequential change detection" (2024), New England
Journal of Statistics in Data Science 2(2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.errors import DataError
from assay.stats.detectors.detector import BITS, NUMBERS, Detector, Direction, Entry, Zone

__all__ = ["ENTRIES", "Esr", "EsrDetector", "learn", "mean_bound"]

Floats = NDArray[np.float64]

BETS = 16
BOLDEST = 0.5  # f of the boldest bet, which loses half at most
BLOCK = 256  # values at a time: few enough that half to that power is a number


class Esr(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say what an e-detector watches for: a mean that has left `baseline` ± `slack` in a `direction`.

    `baseline` is the mean of a stream without drift: of bits (1 = error) the share of errors. `slack` is how far the
    mean may be from it without being drift; `learn` sets both from a sample. Values lie in [`low`, `high`]: bits and
    shares in [0, 1]. "up" is a rise (of errors), "down" a fall (of confidence). `average_run_length` is how many clean values
    there are on average, at least, before a false alarm; WARNING begins at the share `warning_share` of the evidence that
    DRIFT takes. `spread` is the values' standard deviation (None: the largest there can be, that of bits); it only sizes
    the bets: a wrong one costs time, never the average run length.
    """

    baseline: float
    slack: float = 0.0
    low: float = 0.0
    high: float = 1.0
    direction: Direction = "up"
    average_run_length: float = 100_000.0
    warning_share: float = 0.1
    spread: float | None = None

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"low is {self.low} and high is {self.high}; both are finite, and low is below high")
        if not 0 <= self.slack < math.inf:
            raise ValueError(f"slack is {self.slack}; it is at least 0")
        if not self.low <= self.baseline <= self.high:
            raise ValueError(f"baseline is {self.baseline}; it lies between low, {self.low}, and high, {self.high}")
        if self.direction not in ("up", "down", "both"):
            raise ValueError(f"direction is {self.direction!r}; it is 'up', 'down' or 'both'")
        if self.direction != "down" and not self.low < self.baseline + self.slack < self.high:
            raise ValueError(
                f"baseline + slack is {self.baseline + self.slack}; to see a rise it lies between low, {self.low}, and "
                f"high, {self.high}, and is neither: `learn` finds a slack"
            )
        if self.direction != "up" and not self.low < self.baseline - self.slack < self.high:
            raise ValueError(
                f"baseline - slack is {self.baseline - self.slack}; to see a fall it lies between low, {self.low}, and "
                f"high, {self.high}, and is neither: `learn` finds a slack"
            )
        if not 1 < self.average_run_length < math.inf:
            raise ValueError(f"average_run_length is {self.average_run_length}; it is a finite number above 1")
        if not 0 < self.warning_share <= 1:
            raise ValueError(f"warning_share is {self.warning_share}; it is above 0 and at most 1")
        if self.spread is not None and not 0 < self.spread < math.inf:
            raise ValueError(f"spread is {self.spread}; it is a finite number above 0")


class EsrDetector(Detector):
    """A mixture Shiryaev-Roberts e-detector.

    >>> detector = EsrDetector(Esr(baseline=0.1, average_run_length=1000))
    >>> alarms = detector.feed([0] * 40 + [1] * 10)
    >>> alarms.first
    44
    """

    def __init__(self, options: Esr) -> None:
        super().__init__("esr", options)
        self._low, self._high = options.low, options.high
        self._width = options.high - options.low
        self._offset, self._slope = _bets(options)
        self._target = options.average_run_length * len(self._slope)
        self._warning = self._target * options.warning_share
        self._sums = np.zeros(len(self._slope))
        self._ones = np.ones(len(self._slope))
        self._at_ends = {x: self.factors(x) for x in (self._low, self._high)}  # all that bits need

    @property
    def evidence(self) -> float:
        """Return M, the evidence so far; DRIFT is where it reaches the average run length."""
        return float(self._sums.mean())

    def factors(self, x: float) -> Floats:
        """Return what each bet is multiplied by at a value x: a line in x, above 0, and at most 1 at the baseline."""
        return self._offset + self._slope * ((x - self._low) / self._width)

    def _step(self, x: float) -> Zone:
        factors = self._at_ends.get(x)
        self._sums += 1
        self._sums *= self.factors(x) if factors is None else factors
        evidence = self._sums.dot(self._ones)
        if evidence >= self._target:
            self._sums[:] = 0.0
            return Zone.DRIFT
        return Zone.WARNING if evidence >= self._warning else Zone.STABLE

    def _steps(self, values: Floats) -> tuple[ArrayLike, ArrayLike]:
        values = (values - self._low) / self._width
        warnings: list[NDArray[np.intp]] = []
        drifts: list[int] = []
        place, size = 0, BLOCK
        while place < len(values):
            evidence, self._sums = self._block(values[place : place + size])
            fired = evidence >= self._target
            end = int(np.argmax(fired)) if fired.any() else len(evidence)
            warnings.append(np.flatnonzero(evidence[:end] >= self._warning) + place)
            place += end
            size = min(2 * size, BLOCK)
            if end < len(evidence):
                drifts.append(place)
                self._sums = np.zeros(len(self._slope))
                place, size = place + 1, 32  # the next alarm may be near, and what comes after it is thrown away
        return (np.concatenate(warnings) if warnings else []), drifts

    def _block(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the sum of Mₖ after each of a few values in [0, 1], and each Mₖ after the last.

        With Pₜ the product of the first t factors, Mₜ = Pₜ · (M₀ + Σ 1/Pₛ over s < t): two running products and sums.
        """
        with np.errstate(over="ignore"):  # evidence beyond the largest float is infinite, and fires
            products = self._offset + self._slope * values[:, None]
            np.multiply.accumulate(products, axis=0, out=products)
            sums = np.empty_like(products)
            np.reciprocal(products[:-1], out=sums[1:])
            sums[0] = 1 + self._sums
            np.add.accumulate(sums, axis=0, out=sums)
            sums *= products
            return sums.dot(self._ones), sums[-1].copy()

    def _memory(self) -> dict[str, Any]:
        return {"sums": self._sums.tolist()}

    def _recall(self, memory: Mapping[str, Any]) -> None:
        sums = np.array(memory["sums"], dtype=np.float64)
        if sums.shape != self._slope.shape or not (np.isfinite(sums) & (sums >= 0)).all():
            raise ValueError(f"{len(sums)} sums; {len(self._slope)} numbers, none of them negative, are needed")
        self._sums = sums


def _bets(options: Esr) -> tuple[Floats, Floats]:
    """Return the offsets and slopes of all bets, each a factor offset + slope · y of a value y in [0, 1]."""
    width = options.high - options.low
    offsets, slopes = [], []
    if options.direction != "down":
        m = (options.baseline + options.slack - options.low) / width
        size = _sizes(m, options)
        offsets.append(1 - size * m)
        slopes.append(size)
    if options.direction != "up":
        m = (options.high - (options.baseline - options.slack)) / width
        size = _sizes(m, options)
        offsets.append(1 - size * m + size)
        slopes.append(-size)
    return np.concatenate(offsets), np.concatenate(slopes)


def _sizes(m: float, options: Esr) -> Floats:
    """Return λ of each bet for a mean of m in [0, 1], evenly spaced in their logarithms.

    The most careful is the best for a change so small that finding it takes a tenth of the run length A: a change of d
    grows the evidence by about λd - λ²s²/2 a value, which is most, d²/2s², at λ = d/s², and is 10·ln A / A at d = s·√(20 ln A / A).
    """
    spread = math.sqrt(m * (1 - m))
    if options.spread is not None:
        spread = min(spread, options.spread / (options.high - options.low))
    least = math.sqrt(20 * math.log(options.average_run_length) / options.average_run_length) / spread
    return np.geomspace(min(least, BOLDEST / 2 / m), BOLDEST / m, BETS)


def learn(reference: ArrayLike, *, confidence: float = 0.95, **options: Any) -> Esr:
    """Return the options of an e-detector whose baseline is the mean of a sample without drift, and whose slack its error.

    The spread is the sample's too.

    The slack is the distance from the sample's mean to its confidence bound (`mean_bound`): where the bound holds, which it
    does at the stated `confidence`, the average run length holds too. Without slack a baseline that the sample drew too
    low would raise alarms for ever. It costs power: a rise within the slack is not seen, so a large sample sees more.

    >>> options = learn([0] * 900 + [1] * 100)
    >>> options.baseline, round(options.slack, 4)
    (0.1, 0.017)

    Raises `DataError` where the sample is empty or has a value outside of [low, high], ValueError where it leaves no room.
    """
    told = Esr(**{"baseline": (options.get("low", 0.0) + options.get("high", 1.0)) / 2, **options})
    values = EsrDetector(told)._checked(reference)
    mean = float(values.mean()) if len(values) else math.nan
    sides = {"up": [1], "down": [-1], "both": [1, -1]}[told.direction]
    level = 1 - (1 - confidence) / len(sides)
    bounds = [mean_bound(values, side=side, confidence=level, low=told.low, high=told.high) for side in sides]
    slack = max(abs(bound - mean) for bound in bounds)
    spread = told.spread if told.spread is not None else float(values.std()) or None
    return msgspec.structs.replace(told, baseline=mean, slack=slack, spread=spread)


def mean_bound(values: Floats, *, side: int, confidence: float, low: float = 0.0, high: float = 1.0) -> float:
    """Return a bound that the mean of the population of a sample keeps with at least a stated confidence.

    `side` is 1 for an upper bound and -1 for a lower. Of bits it is Clopper and Pearson's, which is exact. Of other
    numbers y in [0, 1], to which [low, high] is brought, it is the least m that loses a bet against it: Π (1 + λᵢ(m - yᵢ)) ≥
    1/α, with λᵢ = √(2 ln(1/α) / n·vᵢ₋₁), at most 1/2(1 - m), and v the variance so far. It holds for any distribution, and
    comes to the mean + 2.45 spreads/√n at 0.95, where the normal bound, which needs a large sample, has 1.64. Rows are
    taken as drawn independently.

    >>> round(mean_bound(np.array([0.0] * 18 + [1.0] * 2), side=1, confidence=0.95), 4)
    0.2826

    Raises `DataError` for an empty sample and ValueError for a confidence outside of (0, 1). Sources: Clopper & Pearson
    1934; Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by betting", section 4.
    """
    n = len(values)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it lies between 0 and 1")
    if n == 0:
        raise DataError("the reference sample is empty; a baseline needs values")
    y = (values - low) / (high - low) if side > 0 else (high - values) / (high - low)
    if ((y == 0) | (y == 1)).all():
        from scipy.special import betaincinv

        part = round(float(y.sum()))
        bound = 1.0 if part == n else float(betaincinv(part + 1, n - part, confidence))
    else:
        bound = _upper_bound(y, 1 - confidence)
    return low + bound * (high - low) if side > 0 else high - bound * (high - low)


def _upper_bound(y: Floats, miss: float) -> float:
    # What is bet on a value may know only the values before it: each mean and variance is that of the past.
    n, steps = len(y), np.arange(1, len(y) + 1)
    means = (0.5 + np.cumsum(y)) / (steps + 1)
    variances = (0.25 + np.cumsum((y - means) ** 2)) / (steps + 1)
    bets = np.sqrt(2 * math.log(1 / miss) / (n * np.concatenate([[0.25], variances[:-1]])))

    def lost(m: float) -> bool:
        return float(np.log1p(np.minimum(bets, 0.5 / (1 - m)) * (m - y)).sum()) >= math.log(1 / miss)

    below, above = float(y.mean()), 1.0
    while above - below > 1e-7:
        middle = (below + above) / 2
        below, above = (below, middle) if lost(middle) else (middle, above)
    return above


ENTRIES = (
    Entry(
        name="esr",
        title="Mixture Shiryaev-Roberts e-detector",
        takes=(BITS, NUMBERS),
        options=Esr,
        make=EsrDetector,
        learn=learn,
        formula="M = Σ wₖMₖ with Mₖ ← (Mₖ + 1)(1 + λₖ(y - m)); drift where M ≥ average_run_length",
        error_rate="proved: on average at least average_run_length values before a false alarm, and one among the first n with a "
        "probability of at most n / average_run_length; for every distribution in [low, high] whose mean, given the past, "
        "keeps to the baseline",
        source="Shin, Ramdas & Rinaldo 2024, New England Journal of Statistics in Data Science 2(2)",
    ),
)
