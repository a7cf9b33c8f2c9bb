"""Several figures of the same sums, drawn together; figures and arrays as the cells of an exhibit."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.bounds import expected, kept
from assay.evaluation.metrics.metric import REAL, Span
from assay.evaluation.trial import FAMILY, Trial
from assay.stats.intervals import Interval
from assay.stats.resampling import FEWEST_UNITS, Draws, Resamples, bca, bootstrap_t
from assay.verdict import Estimate, Outcome, Verdict

__all__ = [
    "Cell", "cell", "cells", "counted", "estimate", "joint", "mean", "most_frequent", "named", "outcome", "per_last",
    "too_few",
]  # fmt: skip

Floats = NDArray[np.float64]
Cell = float | int | str | None

_KINDS = {"rows": "rows", "groups": "groups of rows", "entities": "entities", "blocks": "blocks of time"}
_SILENT = "the resamples do not tell how far it may be off: too few rows of a kind"


def joint(units: Resamples, sums: Floats, values: Callable[[Floats], Floats]) -> list[Draws]:
    """Return m figures of the same sums: each of the whole, of each resample, and of all units but one.

    `sums` is size by d, what each unit adds; `values` takes sums [..., d] and returns figures [..., m], NaN where one is
    undefined. The sums of all resamples are one product of two matrices, whatever m is.
    """
    whole = sums.sum(0)
    point, drawn, left = values(whole[None, :])[0], values(units.times @ sums), values(whole - sums)
    return [Draws(float(point[i]), drawn[:, i], left[:, i]) for i in range(len(point))]


def per_last(sums: Floats) -> Floats:
    """Return sums [..., d + 1] over the last of them, [..., d]; NaN where that is not above 0.

    >>> per_last(np.array([6.0, 3.0, 2.0])).tolist()
    [3.0, 1.5]
    """
    over, under = sums[..., :-1], sums[..., -1:]
    return np.asarray(np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0))


def estimate(draws: Draws, *, n: int, confidence: float, span: Span = REAL, why: str = "") -> Estimate:
    """Return a figure with its bootstrap interval (BCa), kept within its span; `why` says why where it is undefined."""
    if math.isnan(draws.value):
        return Estimate(None, n=n, why=why)
    return _within(draws, bca(draws, confidence=confidence), n=n, confidence=confidence, span=span, method="bca")


def mean(units: Resamples, sums: Floats, *, n: int, confidence: float, span: Span = REAL) -> Estimate:
    """Return a mean Σx / Σw with its bootstrap-t interval, within its span; undefined where the rows weigh nothing.

    `sums` is size by 2: what each unit adds to Σx and to Σw. Of skewed rows, such as costs of what is rare, it holds the mean
    as often as it says where percentiles and BCa are too short.
    """
    found = units.studentised(sums, lambda s: np.asarray(per_last(s)[..., 0]))
    if math.isnan(found.draws.value):
        return Estimate(None, n=n, why="the rows weigh nothing")
    ends = bootstrap_t(found, confidence=confidence)
    return _within(found.draws, ends, n=n, confidence=confidence, span=span, method="bootstrap-t")


def _within(draws: Draws, ends: Interval, *, n: int, confidence: float, span: Span, method: str) -> Estimate:
    """Return a value with the ends of its interval, within the span; or why they tell nothing."""
    if 0 < len(draws.left_out) < FEWEST_UNITS:
        few = (
            f"an interval takes at least {FEWEST_UNITS} units that are drawn together: there are {len(draws.left_out)}"
        )
        return Estimate(draws.value, n=n, confidence=confidence, why=few, method=method)
    low, high = ends
    if math.isnan(low) or math.isnan(high):
        return Estimate(draws.value, n=n, confidence=confidence, why=_SILENT, method=method)
    low, high = max(min(low, draws.value), span.low), min(max(high, draws.value), span.high)
    return Estimate(draws.value, n=n, low=low, high=high, confidence=confidence, method=method)


def too_few(units: Resamples) -> str:
    """Return why so few units do not tell how far a figure may be off; empty where there are enough of them."""
    if units.size >= FEWEST_UNITS:
        return ""
    return f"an interval takes at least {FEWEST_UNITS} {_KINDS[units.kind]}: there are {units.size}"


def outcome(
    check: str, subject: str, seen: Estimate, *, why: str, at_least: float | None = None, at_most: float | None = None
) -> Outcome:
    """Return the judgement of a figure by its whole interval; SKIP where nothing is asked of it. `why` says what it means."""
    verdict, judged = kept(seen, at_least=at_least, at_most=at_most)
    if at_least is None and at_most is None:
        verdict, judged = Verdict.SKIP, f"it is undefined: {seen.why}" if seen.value is None else ""
    asked = expected(at_least, at_most)
    sentence = "; ".join(part for part in (judged, why if seen.value is not None else "") if part)
    return Outcome(
        check, subject, verdict, expected=asked, observed=seen, why=sentence, n_rows=seen.n, family=FAMILY,
        id=f"{check}.{subject}",
    )  # fmt: skip


def cell(number: float | None) -> float | None:
    """Return a number as the cell of an exhibit: None where it is not finite."""
    return None if number is None or not math.isfinite(number) else float(number)


def cells(numbers: Floats) -> tuple[float | None, ...]:
    """Return an array as a column of an exhibit.

    >>> cells(np.array([0.5, np.nan]))
    (0.5, None)
    """
    return tuple(cell(number) for number in np.asarray(numbers, dtype=np.float64).tolist())


def named(name: Hashable) -> str:
    """Return a class as reports write it."""
    return str(name)


def counted(trial: Trial) -> Trial:
    """Return a trial without the rows that weigh nothing, the greatest weight being 1: squares then neither vanish nor overflow."""
    rows, weights = trial.rows, trial.rows.weights
    if weights is None or not rows.n:
        return trial
    there = weights > 0
    units = trial.units if there.all() else trial.units.of(there)
    rows = rows if there.all() else rows.at(there)
    return replace(trial, rows=replace(rows, weights=weights[there] / max(weights.max(), 1e-300)), units=units)


def most_frequent(sizes: NDArray[np.generic], most: int) -> list[int]:
    """Return the places of the greatest sizes, at most so many, in their own order.

    >>> most_frequent(np.array([5.0, 1.0, 9.0]), 2)
    [0, 2]
    """
    return sorted(np.argsort(-np.asarray(sizes, dtype=np.float64), kind="stable")[:most].tolist())
