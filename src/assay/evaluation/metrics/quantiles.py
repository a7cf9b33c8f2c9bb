"""Metrics of quantile forecasts: what they cost, and whether as many labels lie below each as it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError
from assay.evaluation.columns import Task
from assay.evaluation.metrics.means import mean_of, share_of, wilson_of
from assay.evaluation.metrics.metric import NON_NEGATIVE, REAL, Metric, Sums, ratio
from assay.evaluation.metrics.numbered import Numbered
from assay.evaluation.predictions import Predictions

__all__ = ["NUMBERED", "QUANTILES", "centres", "coverage", "of_levels", "pinball", "share_below", "width", "winkler"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_OF: tuple[Task, ...] = ("quantile",)
_NO_ROWS = "there are no rows"
_NEAR = 1e-9  # levels are written in decimals: 1 - 0.9 is 0.09999999999999998


def _levels(rows: Predictions) -> Floats:
    return np.asarray(rows.classes, dtype=np.float64)


def _place(rows: Predictions, level: float) -> int:
    """Return the place of a level; -1 where there is no forecast of it."""
    found = np.flatnonzero(np.abs(_levels(rows) - level) < _NEAR)
    return int(found[0]) if len(found) else -1


def _at(rows: Predictions, level: float) -> Floats:
    """Return the forecast of a level, n numbers; of a regression, the prediction."""
    if rows.task == "regression":
        return np.asarray(rows.said, dtype=np.float64)
    place = _place(rows, level)
    if place < 0:
        raise ValueError(f"there is no forecast of the level {level:g}")
    return np.asarray(rows.said[:, place], dtype=np.float64)


def _lacks(*levels: float) -> Callable[[Predictions], str]:
    """Return what says which of the levels there is no forecast of."""

    def refuse(rows: Predictions) -> str:
        if rows.task == "regression":
            return ""
        missing = [f"{level:g}" for level in levels if _place(rows, level) < 0]
        there = ", ".join(f"{level:g}" for level in _levels(rows))
        return f"there is no forecast of the level {' and '.join(missing)}; there are {there}" if missing else ""

    return refuse


def _labels(rows: Predictions) -> Floats:
    return np.asarray(rows.labels, dtype=np.float64)


def _pinball(errors: Floats, levels: Floats | float) -> Floats:
    """Return q(y - f) where y is above the forecast f of level q, and (1 - q)(f - y) where it is not; `errors` are y - f."""
    return np.asarray(np.maximum(levels * errors, (levels - 1) * errors))


def _mean_pinball(rows: Predictions) -> Floats:
    each = _pinball(_labels(rows)[:, None] - rows.said, _levels(rows))
    return np.asarray(each.mean(axis=1), dtype=np.float64)


def _crosses(rows: Predictions) -> Bools:
    return np.asarray((np.diff(rows.said, axis=1) < 0).any(axis=1))


def _below_less_level(rows: Predictions) -> Floats:
    """Return for each level whether the label is at most its forecast, less the level; and a column of ones."""
    below = (_labels(rows)[:, None] <= rows.said) - _levels(rows)
    return np.column_stack([below, np.ones(rows.n)])


def _mean_gap(s: Floats) -> Floats:
    return ratio(np.abs(s[..., :-1]).mean(axis=-1), s[..., -1])


# Of one level, or one interval ------------------------------------------------------------------------------------------


def _inner(p: float, name: str) -> float:
    """Return p; raise UsageError where it is not between 0 and 1."""
    if not 0 < p < 1:
        raise UsageError(f"{name}@{p:g} is no metric: the number lies between 0 and 1", hint=f"as {name}@0.9")
    return p


def pinball(level: float) -> Metric:
    """Return the pinball loss of the forecast of a level, or of a regression's prediction taken as that.

    Raises UsageError where the level is not between 0 and 1.

    >>> pinball(0.9).title
    'pinball loss at 0.9'
    """
    q = _inner(level, "pinball")
    return Metric(
        f"pinball loss at {q:g}", ("regression", "quantile"), mean_of(lambda rows: _pinball(_labels(rows) - _at(rows, q), q)),
        _NO_ROWS, f"Σ max({q:g}(y - ŷ), {q - 1:g}(y - ŷ)) / n", "Koenker & Bassett 1978", better="lower", span=NON_NEGATIVE,
        refuse=_lacks(q),
    )  # fmt: skip


def share_below(level: float) -> Metric:
    """Return the share of the labels that are at most the forecast of a level; it gets better the nearer it is to the level.

    Raises UsageError where the level is not between 0 and 1.
    """
    q = _inner(level, "share_below")

    def below(rows: Predictions) -> Bools:
        return np.asarray(_labels(rows) <= _at(rows, q))

    return Metric(
        f"share of the labels below the forecast of {q:g}", _OF, share_of(below), _NO_ROWS, f"#(y ≤ ŷ of {q:g}) / n",
        "Gneiting, Balabdaoui & Raftery 2007", better="nearest", target=q, closed=wilson_of(below), method="wilson", refuse=_lacks(q),
    )  # fmt: skip


def _ends(p: float) -> tuple[float, float]:
    return (1 - p) / 2, (1 + p) / 2


def coverage(p: float) -> Metric:
    """Return the share of the labels that lie in the central interval of p, from the forecast of (1 - p)/2 to that of (1 + p)/2.

    It gets better the nearer it is to p. Raises UsageError where p is not between 0 and 1.

    >>> coverage(0.8).target
    0.8
    """
    low, high = _ends(_inner(p, "coverage"))

    def inside(rows: Predictions) -> Bools:
        y = _labels(rows)
        return np.asarray((_at(rows, low) <= y) & (y <= _at(rows, high)))

    return Metric(
        f"coverage of the central interval of {p:g}", _OF, share_of(inside), _NO_ROWS, f"#(ŷ of {low:g} ≤ y ≤ ŷ of {high:g}) / n",
        "Christoffersen 1998", better="nearest", target=p, closed=wilson_of(inside), method="wilson", refuse=_lacks(low, high),
        caution="an interval that is too wide for some rows and too narrow for others can have it right on average",
    )  # fmt: skip


def width(p: float) -> Metric:
    """Return the mean width of the central interval of p; of two with the same coverage the narrower one says more."""
    low, high = _ends(_inner(p, "width"))
    return Metric(
        f"mean width of the central interval of {p:g}", _OF, mean_of(lambda rows: _at(rows, high) - _at(rows, low)), _NO_ROWS,
        f"Σ(ŷ of {high:g} - ŷ of {low:g}) / n", "Gneiting, Balabdaoui & Raftery 2007", better="lower", span=REAL,
        refuse=_lacks(low, high), skill=False,
        caution="it gets better by saying less than is true; read it beside the coverage, or read the interval score",
    )  # fmt: skip


def winkler(p: float) -> Metric:
    """Return the interval score of the central interval of p: its width, and 2/(1 - p) times what a label lies outside it.

    Raises UsageError where p is not between 0 and 1. Source: Winkler 1972; Gneiting & Raftery 2007, equation 43.
    """
    low, high = _ends(_inner(p, "interval_score"))

    def score(rows: Predictions) -> Floats:
        y, bottom, top = _labels(rows), _at(rows, low), _at(rows, high)
        return (top - bottom) + 2 / (1 - p) * (np.maximum(bottom - y, 0.0) + np.maximum(y - top, 0.0))

    return Metric(
        f"interval score of {p:g}", _OF, mean_of(score), _NO_ROWS,
        f"Σ(u - l + {2 / (1 - p):g}·(l - y)⁺ + {2 / (1 - p):g}·(y - u)⁺) / n, with l, u the forecasts of {low:g} and {high:g}",
        "Winkler 1972; Gneiting & Raftery 2007", better="lower", span=REAL, refuse=_lacks(low, high),
    )  # fmt: skip


def centres(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Return the shares p of the central intervals that forecasts of these levels have both ends of, rising.

    >>> centres((0.05, 0.1, 0.5, 0.9))
    (0.8,)
    """
    found = {round(1 - 2 * q, 9) for q in levels if q < 0.5 and any(abs(1 - q - other) < _NEAR for other in levels)}
    return tuple(sorted(found))


def of_levels(levels: tuple[float, ...]) -> tuple[str, ...]:
    """Return the names of the metrics of each level and of each central interval that forecasts of these levels have.

    >>> of_levels((0.1, 0.9))
    ('share_below@0.1', 'share_below@0.9', 'coverage@0.8', 'width@0.8', 'interval_score@0.8')
    """
    each = [f"share_below@{q:g}" for q in levels]
    return (*each, *(f"{name}@{p:g}" for p in centres(levels) for name in ("coverage", "width", "interval_score")))


# The table --------------------------------------------------------------------------------------------------------------

QUANTILES: Mapping[str, Metric] = {
    "pinball": Metric(
        "pinball loss, mean over the levels", _OF, mean_of(_mean_pinball), _NO_ROWS, "ΣΣ max(q(y - ŷ), (q - 1)(y - ŷ)) / (n · levels)",
        "Koenker & Bassett 1978", better="lower", span=NON_NEGATIVE,
        caution="with levels evenly over (0, 1), twice it is near the continuous ranked probability score",
    ),
    "calibration_error": Metric(
        "mean distance of the share of labels below a forecast from its level", _OF, Sums(_below_less_level, _mean_gap), _NO_ROWS,
        "Σ |#(y ≤ ŷ of q) / n - q| / levels", "Gneiting, Balabdaoui & Raftery 2007", better="lower", skill=False,
        caution="of right forecasts it is above 0 by chance: by about 0.8·√(q(1 - q)/n) at a level q",
    ),
    "crossing": Metric(
        "share of the rows with a forecast above that of a higher level", _OF, share_of(_crosses), _NO_ROWS,
        "#(ŷ of q > ŷ of r for some q < r) / n", "Chernozhukov, Fernández-Val & Galichon 2010", better="lower",
        closed=wilson_of(_crosses), method="wilson", caution="sorting the forecasts of a row mends it, and never costs pinball loss",
    ),
}  # fmt: skip

NUMBERED = (
    Numbered("pinball@", pinball, "q", (0.1, 0.5), high=1, open_low=True, open_high=True),
    Numbered("share_below@", share_below, "q", (0.1, 0.9), high=1, open_low=True, open_high=True),
    Numbered("coverage@", coverage, "p", (0.8,), high=1, open_low=True, open_high=True),
    Numbered("width@", width, "p", (0.8,), high=1, open_low=True, open_high=True),
    Numbered("interval_score@", winkler, "p", (0.8,), high=1, open_low=True, open_high=True),
)
