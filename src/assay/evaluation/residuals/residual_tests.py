"""Tests of residuals: does their spread depend on the prediction, are they normal, do neighbours resemble each other.

A residual is label less prediction. Each test is one function and one entry of `TESTS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.figures import too_few
from assay.stats.resampling import Resamples
from assay.stats.tails import chi_squared, normal

__all__ = [
    "FEWEST",
    "TESTS",
    "Found",
    "Order",
    "ResidualTest",
    "Series",
    "autocovariances",
    "moments",
    "neighbour_noise",
    "spreads",
]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

FEWEST = 20  # rows: below, no test keeps its level
FAR = 3.5  # of Iglewicz & Hoaglin's modified z


@dataclass(frozen=True, slots=True)
class Order:
    """The order of rows in time: `rows` are their numbers, entity by entity, and `starts` says where each entity begins."""

    rows: Codes
    starts: Codes

    def pairs(self, lag: int) -> NDArray[np.bool_]:
        """Return which rows, in this order and from number `lag` on, have a row of the same entity so many places before."""
        n = len(self.rows)
        place = np.arange(n) - np.repeat(self.starts, np.diff(np.append(self.starts, n)))
        return np.asarray(place[lag:] >= lag)


@dataclass(frozen=True)
class Series:
    """Residuals e, n floats, beside the predictions f; `order` where the rows stand in the order of time, `units` as they are drawn.

    `lags` is how many lags are looked at.
    """

    residuals: Floats
    fitted: Floats
    units: Resamples
    order: Order | None
    lags: int = 10

    @property
    def n(self) -> int:
        """Return how many rows there are."""
        return len(self.residuals)

    @cached_property
    def autocorrelations(self) -> Floats:
        """Return the autocorrelation of the residuals at lags 1 to `lags`; empty where rows have no order."""
        return self._correlations(self.residuals)

    @cached_property
    def of_sizes(self) -> Floats:
        """Return the autocorrelation of the residuals' sizes, |e|, which is what a mean absolute error is a mean of."""
        return self._correlations(np.abs(self.residuals))

    def _correlations(self, values: Floats) -> Floats:
        if self.order is None:
            return np.zeros(0)
        found = autocovariances(values[self.order.rows], self.order, self.lags)
        return found[1:] / found[0] if found[0] > 0 else np.zeros(0)


def autocovariances(values: Floats, order: Order, lags: int) -> Floats:
    """Return Σ (x_t - m)(x_{t-k} - m) / n for k = 0 to `lags`, over the pairs of rows of the same entity.

    >>> order = Order(np.arange(4), np.array([0]))
    >>> autocovariances(np.array([1.0, -1.0, 1.0, -1.0]), order, 1).tolist()
    [1.0, -0.75]
    """
    d = values - values.mean()
    alone = len(order.starts) == 1
    found = [float(d @ d)]
    for lag in range(1, lags + 1):
        products = d[lag:] * d[:-lag]
        found.append(float(products.sum() if alone else products[order.pairs(lag)].sum()))
    return np.array(found) / len(d)


@dataclass(frozen=True, slots=True)
class Found:
    """What a test found: its statistic and p-value, the size of the effect where it has one, or why there is nothing.

    `size` is what is compared with `matters` of the test: a p-value below α alone says only that there are many rows.
    """

    statistic: float | None = None
    p_value: float | None = None
    size: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ResidualTest:
    """One member of the table: what it asks, the test, the size of effect from which it matters, and what then follows.

    `seen` and `unseen` are the consequence in one sentence; `size` says the effect in words, with a place for the number.
    """

    title: str
    test: Callable[[Series], Found]
    matters: float
    size: str
    seen: str
    unseen: str
    source: str


def moments(values: Floats) -> tuple[float, float]:
    """Return the skewness m₃/m₂^1.5 and the kurtosis m₄/m₂² (3 for normal values) about the mean; NaN where all are equal."""
    d = values - values.mean()
    square = d * d
    m2 = float(square.mean())
    if m2 <= 0:
        return math.nan, math.nan
    return float((square * d).mean()) / m2**1.5, float((square * square).mean()) / m2**2


# Heteroscedasticity --------------------------------------------------------------------------------------------------


def spreads(series: Series) -> Floats:
    """Return the mean absolute residual of each fifth of the rows, from those predicted lowest to those predicted highest."""
    size = np.abs(series.residuals - series.residuals.mean())
    cuts = (np.arange(1, 5) * series.n) // 5
    order = np.argpartition(series.fitted, cuts)
    return np.array([float(size[part].mean()) for part in np.split(order, cuts)])


def _times(wide: float, narrow: float) -> float | None:
    return wide / narrow if narrow > 0 else None


def _auxiliary(series: Series, powers: int) -> Found:
    """Return n·R² of the squared residuals on powers of the prediction, chi-squared with as many degrees of freedom."""
    few = _few(series)
    if few:
        return Found(why=few)
    spread = float(series.fitted.std())
    if spread <= 1e-12 * max(float(np.abs(series.fitted).max()), 1.0):
        return Found(why="all predictions are the same")
    z = (series.fitted - series.fitted.mean()) / spread
    x = np.column_stack([z**k for k in range(powers + 1)])
    y = series.residuals**2
    inner = x.T @ x
    d = y - y.mean()
    total = float(d @ d)
    if np.linalg.cond(inner) > 1e14 or total <= 0:
        return Found(why="the predictions take too few values" if total > 0 else "all residuals are of the same size")
    explained = float((x.T @ d) @ np.linalg.solve(inner, x.T @ d))
    statistic = series.n * min(explained / total, 1.0)
    wide = spreads(series)
    compared = wide[[0, -1]] if powers == 1 else wide
    return Found(statistic, chi_squared(statistic, powers), _times(float(compared.max()), float(compared.min())))


def _breusch_pagan(series: Series) -> Found:
    return _auxiliary(series, 1)


def _white(series: Series) -> Found:
    return _auxiliary(series, 2)


# Normality -----------------------------------------------------------------------------------------------------------


def _distance(skew: float, kurtosis: float) -> float:
    """Return the size of a departure from the normal shape: the greater of |skewness| and half of |kurtosis - 3|."""
    return max(abs(skew), abs(kurtosis - 3) / 2)


def _jarque_bera(series: Series) -> Found:
    few = _few(series)
    skew, kurtosis = moments(series.residuals)
    if few or math.isnan(skew):
        return Found(why=few or "all residuals are the same")
    statistic = series.n / 6 * (skew**2 + (kurtosis - 3) ** 2 / 4)
    return Found(statistic, chi_squared(statistic, 2), _distance(skew, kurtosis))


def _dagostino(series: Series) -> Found:
    few = _few(series)
    skew, kurtosis = moments(series.residuals)
    if few or math.isnan(skew):
        return Found(why=few or "all residuals are the same")
    statistic = _skew_z(skew, series.n) ** 2 + _kurtosis_z(kurtosis, series.n) ** 2
    return Found(statistic, chi_squared(statistic, 2), _distance(skew, kurtosis))


def _skew_z(skew: float, n: int) -> float:
    """Return the skewness of n normal values as a standard normal number (D'Agostino 1970)."""
    y = skew * math.sqrt((n + 1) * (n + 3) / (6.0 * (n - 2)))
    b = 3.0 * (n * n + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2.0) * (n + 5) * (n + 7) * (n + 9))
    w2 = -1 + math.sqrt(2 * (b - 1))
    return math.asinh(y / math.sqrt(2 / (w2 - 1))) / math.sqrt(0.5 * math.log(w2))


def _kurtosis_z(kurtosis: float, n: int) -> float:
    """Return the kurtosis of n normal values as a standard normal number (Anscombe & Glynn 1983)."""
    mean, variance = 3.0 * (n - 1) / (n + 1), 24.0 * n * (n - 2) * (n - 3) / ((n + 1.0) ** 2 * (n + 3) * (n + 5))
    x = (kurtosis - mean) / math.sqrt(variance)
    skew = (
        6.0 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9)) * math.sqrt(6.0 * (n + 3) * (n + 5) / (n * (n - 2.0) * (n - 3)))
    )
    a = 6 + 8 / skew * (2 / skew + math.sqrt(1 + 4 / skew**2))
    under = 1 + x * math.sqrt(2 / (a - 4))
    root = math.copysign(abs((1 - 2 / a) / under) ** (1 / 3), under) if under else 0.0
    return (1 - 2 / (9 * a) - root) / math.sqrt(2 / (9 * a))


# Autocorrelation -----------------------------------------------------------------------------------------------------

_NO_ORDER = "the rows have no order in time"


def _durbin_watson(series: Series) -> Found:
    """Return Σ(e_t - e_{t-1})² / Σe² of centred residuals, and the p-value of lag 1: about normal, with variance 1/n."""
    few = _few(series) or ("" if series.order is not None else _NO_ORDER)
    if few or series.order is None:
        return Found(why=few)
    e = series.residuals[series.order.rows]
    e = e - e.mean()
    pairs = series.order.pairs(1)
    m, total = int(pairs.sum()), float(e @ e)
    if not m or total <= 0:
        return Found(why="no entity has two rows" if not m else "all residuals are the same")
    rho = float(series.autocorrelations[0])
    statistic = float((np.diff(e) ** 2)[pairs].sum()) / total
    return Found(statistic, normal(rho * series.n / math.sqrt(m)), abs(rho))


def _ljung_box(series: Series) -> Found:
    """Return n(n + 2)·Σ ρₖ²/mₖ over the lags, with mₖ pairs at lag k (n - k of one series), chi-squared with as many degrees of freedom."""
    few = _few(series) or ("" if series.order is not None else _NO_ORDER)
    if few or series.order is None:
        return Found(why=few)
    pairs = np.array([series.order.pairs(lag).sum() for lag in range(1, series.lags + 1)], dtype=np.float64)
    rho = series.autocorrelations
    if not len(rho) or not pairs[0]:
        return Found(why="all residuals are the same" if not len(rho) else "no entity has two rows")
    there = pairs > 0
    statistic = series.n * (series.n + 2) * float((rho[there] ** 2 / pairs[there]).sum())
    return Found(statistic, chi_squared(statistic, int(there.sum())), float(np.abs(rho).max()))


def _robust_portmanteau(series: Series) -> Found:
    """Return Σₖ (Σe_t·e_{t-k})² / Σ(e_t·e_{t-k})²: as Ljung & Box, and keeps its level where the spread changes along the series."""
    few = _few(series) or ("" if series.order is not None else _NO_ORDER)
    if few or series.order is None:
        return Found(why=few)
    e = series.residuals[series.order.rows]
    e = e - e.mean()
    squares = []
    for lag in range(1, series.lags + 1):
        products = (e[lag:] * e[:-lag])[series.order.pairs(lag)]
        under = float(products @ products)
        if under > 0:
            squares.append(float(products.sum()) ** 2 / under)
    if not squares:
        return Found(why="all residuals are the same, or no entity has two rows")
    return Found(sum(squares), chi_squared(sum(squares), len(squares)), float(np.abs(series.autocorrelations).max()))


def neighbour_noise(series: Series) -> float:
    """Return the variance of the correlation of neighbours where there is none: Σ(e_t·e_{t-1})² / (Σe²)², 1/n of an even spread."""
    if series.order is None:
        return math.inf
    e = series.residuals[series.order.rows]
    e = e - e.mean()
    products = (e[1:] * e[:-1])[series.order.pairs(1)]
    total = float(e @ e)
    return float(products @ products) / total**2 if total > 0 else math.inf


# Bias and outliers ---------------------------------------------------------------------------------------------------


def _mean_and_slope(series: Series) -> Found:
    """Return Wald's test of label = 0 + 1·prediction, with a covariance over units that holds for any spread; the size is |slope - 1|."""
    few = _few(series) or too_few(series.units)
    if few:
        return Found(why=few)
    scale = float(series.fitted.std())
    if scale <= 1e-12 * max(float(np.abs(series.fitted).max()), 1.0):
        return Found(why="all predictions are the same")
    x = np.column_stack([np.ones(series.n), (series.fitted - series.fitted.mean()) / scale])
    inverse = np.linalg.inv(x.T @ x)
    b = inverse @ (x.T @ series.residuals)  # 0 and 0 where the predictions are right on the whole, and at each place
    left = series.residuals - x @ b
    scores = series.units.per_unit(x * left[:, None])
    m = int((np.bincount(series.units.of_row, minlength=series.units.size) > 0).sum())
    covariance = inverse @ (scores.T @ scores) @ inverse * m / max(m - 2, 1)
    if np.linalg.cond(covariance) > 1e14:
        return Found(why="the residuals lie on a line, or are too few units")
    statistic = float(b @ np.linalg.solve(covariance, b))
    return Found(statistic, chi_squared(statistic, 2), abs(float(b[1])) / scale)


def _outliers(series: Series) -> Found:
    """Return the share of rows beyond 3.5 of the modified z, 0.6745·|e - median| / MAD, and what they are of Σe².

    The p-value is that of so many or more among n normal values, each beyond with a probability of 2Φ(-3.5) = 0.00047.
    """
    from scipy.special import bdtrc

    few = _few(series)
    e = series.residuals
    distance = np.abs(e - np.median(e)) if series.n else e
    mad = float(np.median(distance)) if series.n else 0.0
    if few or mad <= 0:
        return Found(why=few or "half of the residuals are the same")
    far = 0.6745 * distance / mad > FAR
    count, total = int(far.sum()), float(e @ e)
    p = float(bdtrc(count - 1, series.n, normal(FAR))) if count else 1.0
    return Found(count / series.n, p, float((e[far] ** 2).sum()) / total if total > 0 else 0.0)


def _few(series: Series) -> str:
    return f"there are {series.n} rows; it takes {FEWEST}" if series.n < FEWEST else ""


TESTS: dict[str, ResidualTest] = {
    "breusch_pagan": ResidualTest(
        "spread against the prediction", _breusch_pagan, 1.5,
        "errors are {:.3g} times as wide at one end of the predictions as at the other",
        "one error for all rows says too much at one end and too little at the other: state errors by the size of the prediction; "
        "MAE, RMSE and their intervals do not assume an even spread, a single prediction interval does",
        "one error for all rows is fair to the small and the large predictions",
        "Breusch & Pagan 1979; Koenker 1981",
    ),
    "white": ResidualTest(
        "spread against the prediction, curved", _white, 1.5,
        "errors are {:.3g} times as wide in one fifth of the predictions as in another",
        "the spread changes with the prediction, perhaps most in the middle: one prediction interval for all rows does not hold",
        "one prediction interval for all rows is fair to small and large predictions",
        "White 1980",
    ),
    "jarque_bera": ResidualTest(
        "normal shape", _jarque_bera, 0.5, "the greater of skewness and half the excess kurtosis is {:.3g}",
        "prediction intervals of ± 1.96 standard errors do not hold, quantiles of the residuals do; MAE, RMSE and R² need no normal "
        "residuals, but few rows may carry most of RMSE",
        "the shape is near enough to normal for intervals of ± 1.96 standard errors",
        "Jarque & Bera 1980",
    ),
    "dagostino": ResidualTest(
        "normal shape, for fewer rows", _dagostino, 0.5, "the greater of skewness and half the excess kurtosis is {:.3g}",
        "prediction intervals of ± 1.96 standard errors do not hold, quantiles of the residuals do",
        "the shape is near enough to normal for intervals of ± 1.96 standard errors",
        "D'Agostino & Pearson 1973; D'Agostino, Belanger & D'Agostino 1990",
    ),
    "durbin_watson": ResidualTest(
        "neighbours in time", _durbin_watson, 0.1, "neighbours correlate by {:.3g}",
        "what a row's error was foretells the next one's: the model leaves something in time unused",
        "a row's error does not foretell the next one's",
        "Durbin & Watson 1950",
    ),
    "ljung_box": ResidualTest(
        "neighbours in time, over several lags", _ljung_box, 0.1, "at one of the lags errors correlate by {:.3g}",
        "errors resemble those some steps before: a season or a trend that the model does not know",
        "errors do not resemble those some steps before",
        "Ljung & Box 1978",
    ),
    "portmanteau": ResidualTest(
        "neighbours in time, whatever their spread", _robust_portmanteau, 0.1, "at one of the lags errors correlate by {:.3g}",
        "errors resemble those some steps before, and it is not their spread that changes",
        "errors do not resemble those some steps before",
        "Dalla, Giraitis & Phillips 2022",
    ),
    "bias": ResidualTest(
        "label against prediction", _mean_and_slope, 0.05, "the slope of the label on the prediction is {:.3g} away from 1",
        "predictions are off on the whole, or too extreme or too timid: a straight line through them would lower the error",
        "no straight line through the predictions would lower the error",
        "Mincer & Zarnowitz 1969; White 1980",
    ),
    "outliers": ResidualTest(
        "rows beyond 3.5 MAD", _outliers, 0.2, "they carry {:.3g} of the squared error",
        "RMSE and R² are mostly about these few rows: look at them one by one, and read MAE or the median error beside",
        "no few rows dominate RMSE and R²",
        "Iglewicz & Hoaglin 1993",
    ),
}  # fmt: skip
