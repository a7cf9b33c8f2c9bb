"""Detectors that measure each value by a baseline: Shewhart's chart, the cumulative sum (CUSUM) and the moving average (EWMA).

Each takes z = (x - baseline) / spread. Shewhart's sees one value far out, the other two see a small change that stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.errors import DataError
from assay.stats.detectors.detector import BITS, NUMBERS, Detector, Direction, Entry, Zone

__all__ = ["ENTRIES", "Chart", "Cusum", "CusumDetector", "Ewma", "EwmaDetector", "Shewhart", "ShewhartDetector"]

Floats = NDArray[np.float64]


class Chart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every chart is told: where the values of a stream without drift lie, and which side is watched.

    `spread` is their standard deviation; None means that they are bits (1 = error), whose spread is √(p(1 - p)).
    """

    baseline: float
    spread: float | None = None
    direction: Direction = "both"

    def __post_init__(self) -> None:
        if not math.isfinite(self.baseline):
            raise ValueError(f"baseline is {self.baseline}; it is a finite number")
        if self.spread is None and not 0 < self.baseline < 1:
            raise ValueError(f"baseline is {self.baseline}; of bits it lies in (0, 1), other values need their spread")
        if self.spread is not None and not 0 < self.spread < math.inf:
            raise ValueError(f"spread is {self.spread}; it is a finite number above 0")
        if self.direction not in ("up", "down", "both"):
            raise ValueError(f"direction is {self.direction!r}; it is 'up', 'down' or 'both'")

    @property
    def scale(self) -> float:
        """Return the standard deviation of one value."""
        return self.spread if self.spread is not None else math.sqrt(self.baseline * (1 - self.baseline))


class Shewhart(Chart, frozen=True, forbid_unknown_fields=True):
    """Say when one value is too far out: DRIFT beyond `limit` spreads from the baseline, WARNING beyond `warning_limit`."""

    limit: float = 3.0
    warning_limit: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _rising(warning_limit=self.warning_limit, limit=self.limit)
        if self.spread is None:
            raise ValueError(
                "spread is missing; a single bit says nothing of its rate, so that this chart takes numbers only"
            )


class Cusum(Chart, frozen=True, forbid_unknown_fields=True):
    """Say when the values have added up to too much: DRIFT above `limit` spreads, WARNING above `warning_limit`.

    `allowance` is how far, in spreads, a value may lie from the baseline without adding: half the change that matters.
    """

    allowance: float = 0.5
    limit: float = 5.0
    warning_limit: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _rising(warning_limit=self.warning_limit, limit=self.limit)
        if not 0 <= self.allowance < math.inf:
            raise ValueError(f"allowance is {self.allowance}; it is at least 0")


class Ewma(Chart, frozen=True, forbid_unknown_fields=True):
    """Say when the moving average is too far out: DRIFT beyond `limit` of its spreads, WARNING beyond `warning_limit`.

    `weight` is that of the newest value, in (0, 1]; a smaller one sees a smaller change, later.
    """

    weight: float = 0.2
    limit: float = 3.0
    warning_limit: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _rising(warning_limit=self.warning_limit, limit=self.limit)
        if not 0 < self.weight <= 1:
            raise ValueError(f"weight is {self.weight}; it is above 0 and at most 1")


def _rising(*, warning_limit: float, limit: float) -> None:
    if not 0 < warning_limit <= limit < math.inf:
        raise ValueError(
            f"limit is {limit} and warning_limit {warning_limit}; both are above 0, the warning's no greater"
        )


class ShewhartDetector(Detector):
    """Shewhart's chart of single values.

    >>> detector = ShewhartDetector(Shewhart(baseline=10.0, spread=2.0))
    >>> [detector.update(x).value for x in (11.0, 14.5, 16.5)]
    ['stable', 'warning', 'drift']
    """

    def __init__(self, options: Shewhart) -> None:
        super().__init__("shewhart", options, bits=options.spread is None)
        self._chart, self._scale = options, options.scale

    def _step(self, x: float) -> Zone:
        z = (x - self._chart.baseline) / self._scale
        z = z if self._chart.direction == "up" else -z if self._chart.direction == "down" else abs(z)
        return Zone.DRIFT if z > self._chart.limit else Zone.WARNING if z > self._chart.warning_limit else Zone.STABLE

    def _steps(self, values: Floats) -> tuple[ArrayLike, ArrayLike]:
        chart = self._chart
        z = (values - chart.baseline) / self._scale
        z = z if chart.direction == "up" else -z if chart.direction == "down" else np.abs(z)
        return np.flatnonzero((z > chart.warning_limit) & (z <= chart.limit)), np.flatnonzero(z > chart.limit)

    def _memory(self) -> dict[str, Any]:
        return {}

    def _recall(self, memory: Mapping[str, Any]) -> None:
        if memory:
            raise ValueError(f"a chart of single values remembers none, and was given {sorted(memory)}")


class CusumDetector(Detector):
    """Page's cumulative sums: S⁺ ← max(0, S⁺ + z - k) above, S⁻ ← max(0, S⁻ - z - k) below, k the allowance.

    >>> detector = CusumDetector(Cusum(baseline=0.0, spread=1.0, limit=3.0, warning_limit=2.0))
    >>> [detector.update(x).value for x in (1.5, 1.5, 1.5, 1.5)]  # 1, 2, 3 and 4 spreads
    ['stable', 'stable', 'warning', 'drift']
    """

    def __init__(self, options: Cusum) -> None:
        super().__init__("cusum", options, bits=options.spread is None)
        self._chart = options
        self._up = self._down = 0.0

    def _step(self, x: float) -> Zone:
        warnings, drifts = self._run([x])
        return Zone.DRIFT if drifts else Zone.WARNING if warnings else Zone.STABLE

    def _steps(self, values: Floats) -> tuple[ArrayLike, ArrayLike]:
        return self._run(values.tolist())

    def _run(self, values: list[float]) -> tuple[list[int], list[int]]:
        chart = self._chart
        baseline, scale, allowance = chart.baseline, chart.scale, chart.allowance
        limit, warning_limit = chart.limit, chart.warning_limit
        rises, falls = chart.direction != "down", chart.direction != "up"
        up, down = self._up, self._down
        warnings: list[int] = []
        drifts: list[int] = []
        for place, x in enumerate(values):
            z = (x - baseline) / scale
            up = max(0.0, up + z - allowance) if rises else 0.0
            down = max(0.0, down - z - allowance) if falls else 0.0
            if up > limit or down > limit:
                drifts.append(place)
                up = down = 0.0
            elif up > warning_limit or down > warning_limit:
                warnings.append(place)
        self._up, self._down = up, down
        return warnings, drifts

    def _memory(self) -> dict[str, Any]:
        return {"up": self._up, "down": self._down}

    def _recall(self, memory: Mapping[str, Any]) -> None:
        self._up, self._down = _finite(memory, "up"), _finite(memory, "down")


class EwmaDetector(Detector):
    """Roberts' moving average: Z ← Z + λ(z - Z) from 0, whose spread comes to √(λ/(2 - λ)).

    >>> detector = EwmaDetector(Ewma(baseline=0.0, spread=1.0))  # λ = 0.2: the limits are 2 and 3 times 0.333
    >>> [detector.update(x).value for x in (1.0, 2.0, 2.0, 3.0, 0.0)]  # 0.2, 0.56, 0.848, 1.278
    ['stable', 'stable', 'warning', 'drift', 'stable']
    """

    def __init__(self, options: Ewma) -> None:
        super().__init__("ewma", options, bits=options.spread is None)
        self._chart = options
        self._average = 0.0

    def _step(self, x: float) -> Zone:
        warnings, drifts = self._run([x])
        return Zone.DRIFT if drifts else Zone.WARNING if warnings else Zone.STABLE

    def _steps(self, values: Floats) -> tuple[ArrayLike, ArrayLike]:
        return self._run(values.tolist())

    def _run(self, values: list[float]) -> tuple[list[int], list[int]]:
        chart = self._chart
        baseline, scale, weight = chart.baseline, chart.scale, chart.weight
        spread = math.sqrt(weight / (2 - weight))
        limit, warning_limit = chart.limit * spread, chart.warning_limit * spread
        rises, falls = chart.direction != "down", chart.direction != "up"
        average = self._average
        warnings: list[int] = []
        drifts: list[int] = []
        for place, x in enumerate(values):
            average += weight * ((x - baseline) / scale - average)
            if (rises and average > limit) or (falls and average < -limit):
                drifts.append(place)
                average = 0.0
            elif (rises and average > warning_limit) or (falls and average < -warning_limit):
                warnings.append(place)
        self._average = average
        return warnings, drifts

    def _memory(self) -> dict[str, Any]:
        return {"average": self._average}

    def _recall(self, memory: Mapping[str, Any]) -> None:
        self._average = _finite(memory, "average")


def _finite(memory: Mapping[str, Any], key: str) -> float:
    value = float(memory[key])
    if not math.isfinite(value):
        raise ValueError(f"{key} is {value}; it is a finite number")
    return value


def _learning(chart: type[Chart]) -> Callable[..., Chart]:
    """Return the function that learns a chart's baseline and spread from a sample, and its limit where a run length is told.

    The sample is taken for the whole truth: where it is small, or its rate or mean lies off by chance, the chart's run length
    is another than the one told. An e-detector reckons with that (`edetector.learn`).
    """

    def learn(reference: ArrayLike, *, average_run_length: float | None = None, **options: Any) -> Chart:
        from assay.stats.detectors.run_length import with_run_length  # which is about these charts

        values = np.asarray(reference, dtype=np.float64)
        if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
            raise DataError("a chart learns its baseline from a sample of at least two finite numbers")
        bits = chart is not Shewhart and bool(((values == 0) | (values == 1)).all())
        spread = None if bits else float(values.std(ddof=1))
        learned = chart(**{"baseline": float(values.mean()), "spread": spread, **options})
        return learned if average_run_length is None else with_run_length(learned, average_run_length)

    return learn


_RATE = "known for independent normal values whose baseline and spread are known (run_length.average_run_length)"
ENTRIES = (
    Entry(
        name="shewhart",
        title="Shewhart's chart of single values",
        takes=(NUMBERS,),
        options=Shewhart,
        make=ShewhartDetector,
        learn=_learning(Shewhart),
        formula="drift where |z| > limit, with z = (x - baseline)/spread",
        error_rate=f"{_RATE}: one false alarm in 370 values at the defaults",
        source="Shewhart 1931",
    ),
    Entry(
        name="cusum",
        title="Cumulative sum (CUSUM)",
        takes=(BITS, NUMBERS),
        options=Cusum,
        make=CusumDetector,
        learn=_learning(Cusum),
        formula="drift where S > limit, with S ← max(0, S + z - allowance); mirrored for a fall",
        error_rate=f"{_RATE}, and for independent bits: one false alarm in 465 values on both sides at the defaults",
        source="Page 1954; Montgomery, Introduction to Statistical Quality Control",
    ),
    Entry(
        name="ewma",
        title="Exponentially weighted moving average (EWMA)",
        takes=(BITS, NUMBERS),
        options=Ewma,
        make=EwmaDetector,
        learn=_learning(Ewma),
        formula="drift where |Z| > limit·√(weight·(1 - (1 - weight)²ᵗ)/(2 - weight)), with Z ← Z + weight·(z - Z)",
        error_rate=f"{_RATE}, and for independent bits: one false alarm in 560 values on both sides at the defaults",
        source="Roberts 1959; Ross, Adams, Tasoulis & Hand 2012 for bits",
    ),
)
