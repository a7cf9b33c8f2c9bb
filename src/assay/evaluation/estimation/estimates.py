"""The shapes of performance estimated without labels: a metric with its interval, and the conditions that it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.evaluation.columns import Table, Task
from assay.stats.intervals import normal_quantile
from assay.verdict import Estimate

__all__ = ["Condition", "Estimated", "Estimation", "Estimator", "Span", "interval", "widened"]

Floats = NDArray[np.float64]


class Condition(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something that an estimate rests on: whether it holds here (None: not to be known without labels), and why so."""

    name: str
    holds: bool | None
    why: str


class Estimated(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One metric of a window without labels: what it is estimated to be, and what it was on the reference.

    The interval of `estimate` is for the metric that the window's own labels will give, not for a long-run mean: it holds
    the chance in these labels, and what the reference leaves open about the model's errors. `reference` is measured on
    the reference's labels. `spread` is the standard deviation by which estimates on the reference's own history missed
    beyond what chance explains; where it is above 0, the interval has been widened by it.
    """

    metric: str
    estimate: Estimate
    reference: Estimate
    spread: float = 0.0


class Estimation(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is estimated of one window: each metric, and the conditions under which all of it holds."""

    task: Task
    n: int
    n_reference: int
    confidence: float
    metrics: tuple[Estimated, ...]
    conditions: tuple[Condition, ...] = ()

    def __getitem__(self, metric: str) -> Estimate:
        """Return the estimate of one metric; raise KeyError where it was not asked for."""
        return {one.metric: one.estimate for one in self.metrics}[metric]

    @property
    def broken(self) -> tuple[Condition, ...]:
        """Return the conditions that do not hold."""
        return tuple(condition for condition in self.conditions if condition.holds is False)


class Estimator(Protocol):
    """What was learnt from a labelled reference: it estimates the performance on any number of windows."""

    def estimate(self, current: Table, *, rng: np.random.Generator, confidence: float = 0.95) -> Estimation:
        """Return the estimated performance on a window without labels."""
        ...


class Span(NamedTuple):
    """The least and the greatest value that a metric can have."""

    low: float
    high: float


UNIT = Span(0.0, 1.0)
POSITIVE = Span(0.0, math.inf)


def interval(
    value: float, draws: Floats, *, confidence: float, spread: float = 0.0, span: Span = UNIT
) -> tuple[float, float]:
    """Return the interval between the quantiles of draws of a metric, widened by a spread, within its span.

    Of a few rows a metric takes few values: the quantiles are moved outwards to drawn ones, so that each end is a value
    that the metric can have.
    """
    tail = (1 - confidence) / 2
    low = float(np.quantile(draws, tail, method="lower"))
    high = float(np.quantile(draws, 1 - tail, method="higher"))
    extra = normal_quantile(1 - tail) * spread
    low = value - math.hypot(value - min(low, value), extra)
    high = value + math.hypot(max(high, value) - value, extra)
    return max(low, span.low), min(high, span.high)


def widened(misses: Floats, deviations: Floats) -> float:
    """Return the standard deviation of estimates' misses beyond what chance explains; 0 where chance explains them.

    With m windows, misses e and the standard deviation s that chance gives each: where Σ (e/s)² exceeds the 95 % point
    of the chi-square distribution with m degrees of freedom, √(mean(e²) - mean(s²)); else 0. It is DerSimonian and
    Laird's estimate of the variance between studies (1986), about a mean of 0, behind Cochran's Q.
    """
    known = np.isfinite(misses) & (deviations > 0)
    misses, deviations = misses[known], deviations[known]
    if len(misses) < 3:
        return 0.0
    from scipy.special import chdtri

    if float(((misses / deviations) ** 2).sum()) <= float(chdtri(len(misses), 0.05)):
        return 0.0
    return math.sqrt(max(float((misses**2).mean() - (deviations**2).mean()), 0.0))


def chosen(metrics: tuple[str, ...] | None, known: Mapping[str, object]) -> tuple[str, ...]:
    """Return the metrics that were asked for, all by default; raise UsageError for one that is not known."""
    from assay.errors import UsageError, nearest

    for name in metrics or ():
        if name not in known:
            raise UsageError(f"{name!r} is no metric that can be estimated here", hint=nearest(name, known))
    return tuple(metrics) if metrics is not None else tuple(known)
