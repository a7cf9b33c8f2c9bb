"""Metrics of a threshold on scores: what is found at a precision, how precise it is at a recall, and what the top rows hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.metrics.metric import Curves, Form, Metric, Span, ratio
from assay.evaluation.metrics.numbered import Numbered

__all__ = ["NUMBERED", "Selected", "selected"]

Floats = NDArray[np.float64]

_ROUNDING = 1e-12  # a share that is a bound but for rounding reaches it


class Selected(NamedTuple):
    """What a threshold at each score selects, from the highest score down, [..., places]: rows of the class, and all rows."""

    hits: Floats
    rows: Floats


def selected(form: Form) -> Selected:
    """Return what each threshold selects: the last one, at the lowest score, selects all rows."""
    inside, outside = form.inside[..., ::-1], form.outside[..., ::-1]
    return Selected(np.cumsum(inside, axis=-1), np.cumsum(inside + outside, axis=-1))


def _recall_at(precision: float) -> Callable[[Form], Floats]:
    def value(form: Form) -> Floats:
        at = selected(form)
        reached = ratio(at.hits, at.rows) >= precision - _ROUNDING
        return ratio(np.where(reached, at.hits, 0.0).max(-1), at.hits[..., -1])

    return value


def _recall_between(precision: float) -> Callable[[Form], Floats]:
    """Return the same where a part of a place may be selected: draws of places would jump from one to the next."""

    def value(form: Form) -> Floats:
        at = selected(form)
        over = at.hits - precision * at.rows  # hits to spare, from the highest score down, first of nobody: 0
        before = np.concatenate([np.zeros_like(over[..., :1]), over[..., :-1]], axis=-1)
        part = np.where(over >= 0, 1.0, np.where(before >= 0, ratio(before, before - over), np.nan))
        hits = at.hits - (1 - part) * form.inside[..., ::-1]
        return ratio(np.where(np.isnan(part), 0.0, hits).max(-1), at.hits[..., -1])

    return value


def _precision_between(recall: float) -> Callable[[Form], Floats]:
    """Return the same where a part of a place may be selected, to have just the recall that is asked for."""
    of_places = _precision_at(recall)

    def value(form: Form) -> Floats:
        at = selected(form)
        inside, here = form.inside[..., ::-1], (form.inside + form.outside)[..., ::-1]
        wanted = recall * at.hits[..., -1:]
        crossed = (at.hits >= wanted) & (at.hits - inside < wanted)
        rows = at.rows - here * ratio(at.hits - wanted, inside)
        just = np.where(crossed, ratio(np.broadcast_to(wanted, rows.shape), rows), -1.0).max(-1)
        return np.asarray(np.maximum(of_places(form), just))

    return value


def _precision_at(recall: float) -> Callable[[Form], Floats]:
    def value(form: Form) -> Floats:
        at = selected(form)
        reached = ratio(at.hits, at.hits[..., -1:]) >= recall - _ROUNDING
        best = np.where(reached, ratio(at.hits, at.rows), -1.0).max(-1)
        return np.where(at.hits[..., -1] > 0, best, np.nan)

    return value


def _captured(form: Form, top: float) -> Floats:
    """Return how many rows of the class are in the top share of all; of the place at the cut, the share that is needed."""
    inside, here = form.inside[..., ::-1], (form.inside + form.outside)[..., ::-1]
    rows = np.cumsum(here, axis=-1)
    wanted = top * rows[..., -1:]
    taken = np.clip(ratio(wanted - (rows - here), here), 0.0, 1.0)
    return np.asarray(np.where(here > 0, inside * taken, 0.0).sum(-1))


def _capture(top: float) -> Callable[[Form], Floats]:
    return lambda form: np.minimum(ratio(_captured(form, top), form.inside.sum(-1)), 1.0)


def _top_precision(top: float) -> Callable[[Form], Floats]:
    return lambda form: np.minimum(ratio(_captured(form, top), top * (form.inside + form.outside).sum(-1)), 1.0)


def _lift(top: float) -> Callable[[Form], Floats]:
    return lambda form: _capture(top)(form) / top


# The table ------------------------------------------------------------------------------------------------------------


def _at_precision(precision: float) -> Metric:
    return Metric(
        f"recall at a precision of {precision:g}", ("binary",),
        Curves(_recall_at(precision), smooth=_recall_between(precision)), "no row is positive",
        f"greatest TP / (TP + FN) of the thresholds at which TP / (TP + FP) ≥ {precision:g}; 0 where there is none, as nobody is then "
        "selected",
        "Eban et al. 2017", needs="scores",
    )  # fmt: skip


def _at_recall(recall: float) -> Metric:
    return Metric(
        f"precision at a recall of {recall:g}", ("binary",),
        Curves(_precision_at(recall), smooth=_precision_between(recall)), "no row is positive",
        f"greatest TP / (TP + FP) of the thresholds at which TP / (TP + FN) ≥ {recall:g}", "Eban et al. 2017", needs="scores",
    )  # fmt: skip


_CUT = "of equal scores at the cut, the share that is needed"


def _at_top(top: float) -> Metric:
    return Metric(
        f"lift of the top {top:.6g}", ("binary",), Curves(_lift(top)), "no row is positive",
        f"(share of positives among the {top:.6g} of rows with the highest scores) / (base rate); {_CUT}", "Ling & Li 1998",
        needs="scores", span=Span(0.0, 1 / top),
    )  # fmt: skip


def _capture_at(top: float) -> Metric:
    return Metric(
        f"positives captured by the top {top:.6g}", ("binary",), Curves(_capture(top)), "no row is positive",
        f"(positives among the {top:.6g} of rows with the highest scores) / positives; {_CUT}", "Ling & Li 1998", needs="scores",
    )  # fmt: skip


def _precision_of_top(top: float) -> Metric:
    return Metric(
        f"precision of the top {top:.6g}", ("binary",), Curves(_top_precision(top)), "there are no rows",
        f"(positives among the {top:.6g} of rows with the highest scores) / (these rows); {_CUT}", "Ling & Li 1998", needs="scores",
    )  # fmt: skip


NUMBERED: tuple[Numbered, ...] = (
    Numbered("recall@precision>=", _at_precision, "p", (0.9, 0.5), open_low=True, high=1),
    Numbered("precision@recall>=", _at_recall, "r", (0.8, 0.5), open_low=True, high=1),
    Numbered("lift@", _at_top, "s", (0.1, 0.25), open_low=True, high=1),
    Numbered("capture@", _capture_at, "s", (0.1, 0.25), open_low=True, high=1),
    Numbered("top_precision@", _precision_of_top, "s", (0.1, 0.25), open_low=True, high=1),
)
