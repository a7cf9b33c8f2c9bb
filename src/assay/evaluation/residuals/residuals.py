"""Residuals of a regression: what the usual figures of error leave out, and which of their readings hold.

MAE, MSE and R² are means over rows and assume nothing of the residuals' shape or spread. Their intervals assume that rows are
independent, or drawn together as they belong together; a prediction interval of one width assumes an even, normal spread.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.evaluation.figures import Cell, cells, counted, estimate, joint, mean, outcome, per_last
from assay.evaluation.predictions import Predictions
from assay.evaluation.residuals.residual_tests import (
    FAR,
    FEWEST,
    TESTS,
    Found,
    Order,
    ResidualTest,
    Series,
    neighbour_noise,
)
from assay.evaluation.trial import Part, Trial
from assay.stats.corrections import adjusted
from assay.stats.intervals import normal_quantile, student_quantile
from assay.stats.resampling import FEWEST_UNITS
from assay.verdict import Estimate, Exhibit, Outcome, Verdict

__all__ = ["MOST_POINTS", "ResidualSettings", "residuals"]

Floats = NDArray[np.float64]

MOST_POINTS = 1000
_QUANTILES = 199
_FAR = f"the share of rows beyond {FAR} MAD"


class ResidualSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How residuals are looked at, and what is asked of them.

    `alpha` is the level of the tests together, corrected by Holm. `bins` is how many bins of the prediction means are shown
    for, `lags` how many steps back errors are compared with. `in_order` says that the rows stand in the order of time though no
    column of time was named; with an entity, each entity's rows are a series of their own. `bias_at_most` bounds the mean
    residual, either way, in the label's unit; `slope_at_least` and `slope_at_most` the slope of the label on the prediction (1 is
    right), `autocorrelation_at_most` the correlation of neighbours in time, either way, and `outliers_at_most` the share of rows
    beyond 3.5 times the (scaled) median deviation.
    """

    alpha: float = 0.05
    bins: int = 20
    lags: int = 10
    in_order: bool = False
    bias_at_most: float | None = None
    slope_at_least: float | None = None
    slope_at_most: float | None = None
    autocorrelation_at_most: float | None = None
    outliers_at_most: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; it is between 0 and 1")
        if not 2 <= self.bins <= 100:
            raise ValueError(f"bins is {self.bins}; from 2 to 100 bins")
        if not 1 <= self.lags <= 1000:
            raise ValueError(f"lags is {self.lags}; from 1 to 1000 lags")


def residuals(trial: Trial, settings: ResidualSettings) -> Part:
    """Return what the residuals (label less prediction) show: exhibits residuals, residual_means, residual_quantiles, residual_tests.

    The outcomes are the mean residual, the slope of the label on the prediction, the share of outliers and, where rows have an
    order in time, the correlation of neighbours. A test's row says "warn" where its p-value, corrected over all tests, is at
    most alpha and the effect is of a size that matters: of many rows every test rejects. Weighted rows count by their
    weights in the means; the tests count each row once.
    """
    trial = counted(trial)
    rows = trial.rows
    if rows.task != "regression" or not rows.n:
        return Part()
    series = _series(trial, settings)
    exhibits = (
        _points(series, trial.rng),
        _means(trial, series, settings),
        _quantiles(series),
        _tests(series, trial, settings),
    )
    return Part(tuple(_outcomes(trial, series, settings)), exhibits)


def _series(trial: Trial, settings: ResidualSettings) -> Series:
    rows = trial.rows
    lags = max(1, min(settings.lags, rows.n // 5))
    ordered = settings.in_order or rows.block is not None
    return Series(
        -rows.errors, np.asarray(rows.said, dtype=np.float64), trial.units, _order(rows) if ordered else None, lags
    )


def _order(rows: Predictions) -> Order:
    """Return the rows as they stand, those of one entity one after the other."""
    if rows.entity is None:
        return Order(np.arange(rows.n), np.array([0]))
    order = np.argsort(rows.entity, kind="stable")
    codes = rows.entity[order]
    return Order(order, np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]])))


# Outcomes ------------------------------------------------------------------------------------------------------------


def _outcomes(trial: Trial, series: Series, settings: ResidualSettings) -> list[Outcome]:
    """Return the judgements of the mean residual, the slope, the outliers, and the correlation of neighbours."""
    n, confidence = trial.rows.n, trial.confidence
    bias, slope = _line(trial, series)
    most, apart = settings.bias_at_most, settings.autocorrelation_at_most
    found = [
        outcome(
            "residuals", "mean residual", bias, why="the mean of label less prediction",
            at_least=None if most is None else -most, at_most=most,
        ),
        outcome(
            "residuals", "slope", slope, why="of the label on the prediction: below 1 predictions are too extreme, above 1 too timid",
            at_least=settings.slope_at_least, at_most=settings.slope_at_most,
        ),
        outcome("residuals", "outliers", _outliers(trial, series), why=_FAR, at_most=settings.outliers_at_most),
    ]  # fmt: skip
    if series.order is not None or apart is not None:
        seen, why = _neighbours(trial, series, n, confidence)
        found.append(
            outcome(
                "residuals", "autocorrelation", seen, why=why, at_least=None if apart is None else -apart, at_most=apart
            )
        )
    return found


def _line(trial: Trial, series: Series) -> tuple[Estimate, Estimate]:
    """Return the mean residual, and the slope of the label on the prediction, by the bootstrap over units."""
    e, w = series.residuals, trial.rows.own_weights
    centre = float(series.fitted.mean())
    f = series.fitted - centre
    sums = trial.units.per_unit(np.column_stack([w, w * e, w * f, w * f * f, w * f * e]))

    def line(s: Floats) -> Floats:
        mass, se, sf, sff, sfe = (s[..., i] for i in range(5))
        spread, together = mass * sff - sf * sf, mass * sfe - sf * se
        slope = np.divide(together, spread, out=np.full(mass.shape, np.nan), where=spread > 1e-12 * np.abs(mass * sff))
        return np.asarray(1 + slope)[..., None]

    n, confidence = trial.rows.n, trial.confidence
    slope = joint(trial.units, sums, line)[0]
    return (
        mean(trial.units, sums[:, [1, 0]], n=n, confidence=confidence),
        estimate(slope, n=n, confidence=confidence, why="all predictions are the same"),
    )


def _outliers(trial: Trial, series: Series) -> Estimate:
    found = TESTS["outliers"].test(series)
    if found.statistic is None:
        return Estimate(None, n=series.n, why=found.why)
    e, w = series.residuals, trial.rows.own_weights
    distance = np.abs(e - np.median(e))
    far = 0.6745 * distance / np.median(distance) > FAR
    sums = trial.units.per_unit(np.column_stack([w * far, w]))
    draws = joint(trial.units, sums, per_last)[0]
    return estimate(draws, n=series.n, confidence=trial.confidence, why="the rows weigh nothing")


def _neighbours(trial: Trial, series: Series, n: int, confidence: float) -> tuple[Estimate, str]:
    """Return the correlation of neighbours in time with its interval, and what it does to the interval of MAE.

    The interval holds the ρ for which (r - ρ)² ≤ z²·v·(1 - ρ²), where v is the variance of r without correlation: 1/n where the
    spread is even, and (1 - ρ²)/n is the variance of r of an autoregression of order 1.
    """
    if series.order is None or not len(series.autocorrelations) or n < FEWEST:
        why = TESTS["durbin_watson"].test(series).why or "all residuals are the same"
        return Estimate(None, n=n, why=why), ""
    rho = float(series.autocorrelations[0])
    k = normal_quantile((1 + confidence) / 2) ** 2 * neighbour_noise(series)
    half = math.sqrt(k * max(1 + k - rho * rho, 0.0))
    low, high = max((rho - half) / (1 + k), -1.0), min((rho + half) / (1 + k), 1.0)
    seen = Estimate(rho, n=n, low=min(low, rho), high=max(high, rho), confidence=confidence, method="score")
    return seen, _effective(series, trial)


def _effective(series: Series, trial: Trial) -> str:
    """Return in a sentence what the correlation of neighbours' sizes does to the interval of the mean absolute error."""
    rho = float(series.of_sizes[0]) if len(series.of_sizes) else 0.0
    if rho <= 0:
        return (
            "the sizes of neighbouring errors do not resemble each other: intervals of MAE may take rows as independent"
        )
    rho = min(rho, 0.999)
    factor = math.sqrt((1 + rho) / (1 - rho))
    kept = (
        "; the intervals here draw stretches of time as a whole, and already hold it"
        if trial.units.kind == "blocks"
        else ""
    )
    return (
        f"the sizes of neighbouring errors correlate by {rho:.2f}: {series.n:,} rows say of MAE as much as about "
        f"{series.n / factor**2:,.0f} independent ones, and an interval that takes rows as independent is too narrow by a factor "
        f"of about {factor:.2g}{kept}"
    )


# Exhibits ------------------------------------------------------------------------------------------------------------


def _points(series: Series, rng: np.random.Generator) -> Exhibit:
    at = np.arange(series.n) if series.n <= MOST_POINTS else np.sort(rng.choice(series.n, MOST_POINTS, replace=False))
    note = "" if series.n <= MOST_POINTS else f"{MOST_POINTS:,} rows of {series.n:,}, at random"
    return Exhibit(
        "residuals",
        "Residuals",
        {"fitted": cells(series.fitted[at]), "residual": cells(series.residuals[at])},
        note=note,
    )


def _means(trial: Trial, series: Series, settings: ResidualSettings) -> Exhibit:
    """Return the mean residual in bins of the prediction, with intervals that hold together."""
    order = np.argsort(series.fitted, kind="stable")
    f, e, w = series.fitted[order], series.residuals[order], trial.rows.own_weights[order]
    at = (np.arange(1, settings.bins) * series.n) // settings.bins
    starts = np.unique(np.concatenate([[0], np.searchsorted(f, f[at], side="left")]))
    rows = np.diff(np.append(starts, series.n))
    mass = np.add.reduceat(w, starts)
    there = mass > 0
    under = np.where(there, mass, 1.0)
    fitted, means = np.add.reduceat(w * f, starts) / under, np.add.reduceat(w * e, starts) / under
    errors, units = _standard_errors(trial, order, np.repeat(np.arange(len(starts)), rows), w * e, w, means)
    each = 1 - (1 - trial.confidence) / len(starts)
    t = np.array([student_quantile((1 + each) / 2, max(m - 1, 1)) for m in units.tolist()])
    half = np.where(
        (units >= (FEWEST_UNITS if trial.units.kind in ("entities", "blocks") else 2)) & there, t * errors, np.nan
    )
    columns: dict[str, tuple[Cell, ...]] = {
        "fitted": cells(np.where(there, fitted, np.nan)), "mean": cells(np.where(there, means, np.nan)),
        "low": cells(means - half), "high": cells(means + half), "n": tuple(rows.tolist()),
    }  # fmt: skip
    note = f"the intervals of all {len(starts)} bins hold together (Student, Bonferroni)"
    return Exhibit("residual_means", "Mean residual by prediction", columns, note=note)


def _standard_errors(
    trial: Trial, order: NDArray[np.int64], bins: NDArray[np.int64], we: Floats, w: Floats, means: Floats
) -> tuple[Floats, NDArray[np.int64]]:
    """Return the standard error of each bin's mean, and how many units (rows, where they are independent) it is of."""
    k = len(means)
    mass = np.bincount(bins, weights=w, minlength=k)
    if trial.units.kind in ("entities", "blocks"):
        units = trial.units.of(order)
        weight = units.per_place(bins, k, w)
        sums = units.per_place(bins, k, we) - means * weight
        m = (weight > 0).sum(0)
    else:
        sums, m = we - means[bins] * w, np.bincount(bins, minlength=k)
    squares = (sums**2).sum(0) if sums.ndim == 2 else np.bincount(bins, weights=sums**2, minlength=k)
    grown = m / np.maximum(m - 1, 1)
    return np.sqrt(squares * grown) / np.where(mass > 0, mass, 1.0), np.asarray(m, dtype=np.int64)


def _quantiles(series: Series) -> Exhibit:
    """Return quantiles of the residuals beside those of a normal distribution of their mean and spread."""
    shares = (np.arange(1, series.n + 1) - 0.5) / series.n
    if series.n > _QUANTILES:
        ends = np.array([0.5, 1.5, 2.5]) / series.n
        shares = np.unique(np.concatenate([ends, np.arange(1, _QUANTILES - 5) / (_QUANTILES - 5), 1 - ends]))
    z = np.array([normal_quantile(float(p)) for p in shares])
    normal = series.residuals.mean() + series.residuals.std() * z
    found = np.quantile(series.residuals, shares, method="hazen")
    columns: dict[str, tuple[Cell, ...]] = {"normal": cells(normal), "residual": cells(found)}
    return Exhibit(
        "residual_quantiles", "Quantiles of the residuals", columns, note="normal values would lie on the diagonal"
    )


def _tests(series: Series, trial: Trial, settings: ResidualSettings) -> Exhibit:
    found = {name: member.test(series) for name, member in TESTS.items()}
    corrected = adjusted("holm", [one.p_value for one in found.values()])
    columns: dict[str, list[Cell]] = {name: [] for name in ("test", "statistic", "p_value", "verdict", "says")}
    for (name, one), p in zip(found.items(), corrected, strict=True):
        verdict = _verdict(one, p, TESTS[name], settings.alpha)
        row = (name, one.statistic, one.p_value, verdict.value, _says(one, TESTS[name], verdict, p, settings.alpha))
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    note = f"p-values are as found; a verdict takes them corrected over the tests (Holm) at {settings.alpha:g}, and the size of the effect"
    if trial.rows.weights is not None:
        note += "; each row counts once, whatever its weight"
    return Exhibit(
        "residual_tests", "Tests of residuals", {key: tuple(column) for key, column in columns.items()}, note=note
    )


def _verdict(found: Found, p: float | None, test: ResidualTest, alpha: float) -> Verdict:
    if p is None:
        return Verdict.SKIP
    return Verdict.WARN if p <= alpha and (found.size is None or found.size >= test.matters) else Verdict.PASS


def _says(found: Found, test: ResidualTest, verdict: Verdict, p: float | None, alpha: float) -> str:
    """Return in one sentence what was seen, and what follows from it."""
    if p is None:
        return f"not told: {found.why}"
    size = "" if found.size is None else test.size.format(found.size)
    if verdict is Verdict.WARN:
        return f"{size}: {test.seen}" if size else test.seen
    if p <= alpha:
        return f"{size}: seen, as almost anything is in many rows, and too small to matter (from {test.matters:g})"
    return f"not seen: {test.unseen}"
