"""What a model goes by: permutation importances, features that matter too much, dependence curves, and what must be monotone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import AssayError, UsageError, nearest
from assay.evaluation.behaviour.perturbations import kinds_of
from assay.evaluation.behaviour.shapley import shapley
from assay.evaluation.bounds import kept, shown
from assay.evaluation.metrics.measuring import drawn, unsuited
from assay.evaluation.metrics.metric import Metric
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import FAMILY, Part, Trial, some_rows
from assay.stats import intervals
from assay.stats.resampling import Draws, Resamples, bca
from assay.verdict import Estimate, Exhibit, Outcome, Verdict

__all__ = ["ExplanationSettings", "Monotone", "explanations", "spoken"]

Floats = NDArray[np.float64]


class Monotone(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """That a prediction must rise (or fall) with a feature, and for what share of rows it may not.

    A row breaks it where, along the grid of the feature's values, its prediction moves the other way by more than `tolerance`.
    """

    direction: Literal["rising", "falling"]
    share_at_most: float = 0.01
    tolerance: float = 1e-9


class ExplanationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which features are explained, on how many rows, and what a model may not go by.

    `metric` is the leading one by default, `features` all that the model takes. Importances permute a feature `repeats` times
    on at most `rows` rows. A feature that by itself carries more than `share_at_most` of the model's skill is a warning: it may
    give the label away. Dependence curves have `points` points, of the `curves` most important features or of those that
    `dependence` names. `monotone` says of features what their curves must do. `of_class` is the class whose score the curves
    show (default: the positive one, the most frequent one of several). `shap` adds mean absolute SHAP values.
    """

    metric: str = ""
    features: tuple[str, ...] = ()
    repeats: int = 5
    rows: int = 5000
    share_at_most: float = 0.8
    curves: int = 6
    points: int = 12
    dependence: tuple[str, ...] = ()
    monotone: dict[str, Monotone] = {}
    of_class: str = ""
    shap: bool = False

    def __post_init__(self) -> None:
        for name, least in (("repeats", 1), ("rows", 50), ("curves", 0), ("points", 3)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it is {least} or more")


@dataclass(frozen=True, slots=True)
class _Ground:
    """Some rows of a trial with what is asked of them."""

    trial: Trial
    metric: Metric
    rows: Predictions
    units: Resamples
    kinds: Mapping[str, str]

    def again(self, frame: pl.DataFrame) -> Predictions:
        assert self.trial.again is not None
        return self.trial.again(frame)


def explanations(trial: Trial, settings: ExplanationSettings) -> Part:
    """Return importances with intervals, dependence curves, and outcomes for features that matter too much or are not monotone.

    The importance of a feature is by how much the metric gets worse where its values stand in the wrong rows: the mean over
    `repeats` permutations of the difference on the same rows (Breiman 2001; Fisher, Rudin & Dominici 2019). Features that say
    the same share their importance: each alone looks like less. The skill of a model is its metric less what it has where all
    features are permuted together. Nothing is said where there is no model, or it looks at no feature.

    Raises UsageError where the settings name a feature that is not there.
    """
    metric = trial.metric(settings.metric or trial.lead)
    if trial.again is None or unsuited(metric, trial.rows) or metric.better == "neither":
        return Part()
    ground = _ground(trial, metric, settings)
    if not ground.kinds:
        return Part()
    clean = metric.gains(drawn(metric, ground.rows, ground.units))
    found = _importances(ground, clean, settings)
    skill = _skill(ground, clean, settings)
    order = sorted(found, key=lambda name: -found[name].value if not np.isnan(found[name].value) else np.inf)
    named = [*settings.dependence, *settings.monotone]
    curved = list(dict.fromkeys((*named, *([] if settings.dependence else order[: settings.curves]))))
    curves = {name: _curve(ground, name, settings) for name in curved}
    outcomes = (
        *_too_much(ground, found, skill, settings), *_monotone(curves, settings), *_failed(ground, curves),
    )  # fmt: skip
    exhibits = [_importance_exhibit(ground, order, found), _dependence_exhibit(ground, curves, settings)]
    if settings.shap:
        exhibits.append(shapley(trial, tuple(ground.kinds), of=lambda rows: spoken(rows, settings.of_class)))
    return Part(outcomes, tuple(exhibits))


def _ground(trial: Trial, metric: Metric, settings: ExplanationSettings) -> _Ground:
    takes = trial.model.features if trial.model is not None and trial.model.features else trial.rows.features
    there = [name for name in takes if name in trial.rows.frame.columns]
    for name in (*settings.features, *settings.dependence, *settings.monotone):
        if name not in there:
            raise UsageError(f"the model has no feature {name!r}", hint=nearest(name, there))
    kinds = kinds_of(trial.rows.frame, settings.features or there)
    kinds |= kinds_of(trial.rows.frame, (*settings.dependence, *settings.monotone))
    rows, units = some_rows(trial, settings.rows)
    return _Ground(trial, metric, rows, units, kinds)


# Importances -----------------------------------------------------------------------------------------------------------


def _importances(ground: _Ground, clean: Draws, settings: ExplanationSettings) -> dict[str, Draws]:
    wanted = settings.features or tuple(ground.kinds)
    return {name: _importance(ground, (name,), clean, settings.repeats) for name in wanted if name in ground.kinds}


def _skill(ground: _Ground, clean: Draws, settings: ExplanationSettings) -> Draws:
    takes = [name for name in ground.trial.rows.features if name in ground.rows.frame.columns]
    return _importance(ground, tuple(dict.fromkeys((*ground.kinds, *takes))), clean, settings.repeats)


def _importance(ground: _Ground, columns: Sequence[str], clean: Draws, repeats: int) -> Draws:
    """Return by how much the metric is worse where these columns together stand in the wrong rows."""
    found = []
    for _ in range(repeats):
        order = ground.trial.rng.permutation(ground.rows.n)
        frame = ground.rows.frame.with_columns(ground.rows.frame.select(columns)[order])
        found.append(clean.less(ground.metric.gains(drawn(ground.metric, ground.again(frame), ground.units))))
    mean = [np.mean([getattr(draws, part) for draws in found], axis=0) for part in Draws._fields]
    return Draws(float(mean[0]), mean[1], mean[2])


def _p_value(draws: Draws) -> float | None:
    """Return the share of resamples in which the feature does not matter, never 0."""
    known = draws.replicates[~np.isnan(draws.replicates)]
    return None if not len(known) else float((1 + np.sum(known <= 0)) / (1 + len(known)))


def _ends(draws: Draws, confidence: float) -> tuple[float | None, float | None]:
    if np.isnan(draws.value):
        return None, None
    if (draws.replicates == draws.value).all():  # no resample differs: the feature changes nothing
        return draws.value, draws.value
    low, high = bca(draws, confidence=confidence)
    return (None, None) if np.isnan(low) else (min(low, draws.value), max(high, draws.value))


def _importance_exhibit(ground: _Ground, order: Sequence[str], found: Mapping[str, Draws]) -> Exhibit:
    ends = {name: _ends(found[name], ground.trial.confidence) for name in order}
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "feature": tuple(order),
        "value": tuple(None if np.isnan(found[name].value) else found[name].value for name in order),
        "low": tuple(ends[name][0] for name in order),
        "high": tuple(ends[name][1] for name in order),
        "p_value": tuple(_p_value(found[name]) for name in order),
    }
    note = f"By how much {ground.metric.title} is worse where the feature's values stand in the wrong rows; {ground.rows.n:,} rows."
    return Exhibit("importance", "Permutation importance", columns, note=note)


def _too_much(
    ground: _Ground, found: Mapping[str, Draws], skill: Draws, settings: ExplanationSettings
) -> Iterator[Outcome]:  # fmt: skip
    """Yield a warning for each feature that carries nearly all of the skill by itself; one outcome where there is none."""
    expected = f"no feature carries more than {settings.share_at_most:.0%} of the skill alone"
    if len(found) < 2:
        return
    n = ground.rows.n
    ends = _ends(skill, ground.trial.confidence)
    if np.isnan(skill.value) or ends[0] is None or ends[0] <= 0:
        why = "the model has no skill that could be shared out: permuting all features does not make it worse"
        yield _outcome("importance", Verdict.SKIP, expected, None, why, n, level="warn")
        return
    shares = {}
    for name, draws in found.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            share = Draws(
                draws.value / skill.value, draws.replicates / skill.replicates, draws.left_out / skill.left_out
            )
        low, high = _ends(share, ground.trial.confidence)
        shares[name] = Estimate(
            share.value, n=n, low=low, high=high, confidence=ground.trial.confidence, unit="share", method="bca"
        )
    loud = [name for name, seen in shares.items() if seen.above(settings.share_at_most)]
    for name in loud:
        why = f"{name!r} alone carries {shown(shares[name])} of the skill: ask whether it is known before the label is"
        yield _outcome(f"importance of {name}", Verdict.WARN, expected, shares[name], why, n, level="warn")
    if not loud:
        most = max(shares, key=lambda name: float(shares[name].value or 0.0))
        why = f"{most!r} carries most: {shown(shares[most])} of the skill"
        yield _outcome("importance", Verdict.PASS, expected, shares[most], why, n, level="warn")


def _outcome(
    subject: str, verdict: Verdict, expected: str, seen: Estimate | None, why: str, n: int, *, level: str = "fail"
) -> Outcome:  # fmt: skip
    return Outcome(
        "explanation", subject, verdict, expected=expected, observed=seen, why=why, n_rows=n, level=level, family=FAMILY,
        id=f"explanation.{subject}",
    )  # fmt: skip


# Dependence ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Curve:
    """What is predicted of each row at each value of a feature, rows by values; `why` where the model did not answer."""

    values: tuple[float | str, ...]
    said: Floats
    ordered: bool
    why: str = ""


def spoken(rows: Predictions, of_class: str = "") -> Floats:
    """Return one number for each row: its prediction, or the score of a class (the positive one, or the most frequent one)."""
    if rows.task in ("regression", "quantile"):
        said = np.asarray(rows.said, dtype=np.float64)
        return said if said.ndim == 1 else np.asarray(said[:, said.shape[1] // 2])
    source = rows.scores if rows.scores is not None else _one_hot(rows)
    return np.asarray(source[:, _place(rows, of_class)], dtype=np.float64)


def _one_hot(rows: Predictions) -> Floats:
    if rows.task == "multilabel":
        return np.asarray(rows.said, dtype=np.float64)
    return np.asarray(np.asarray(rows.said)[:, None] == np.arange(len(rows.classes)), dtype=np.float64)


def _place(rows: Predictions, of_class: str) -> int:
    known = [str(c) for c in rows.classes]
    if of_class:
        if of_class not in known:
            raise UsageError(f"of_class is {of_class!r}, which is no class", hint=nearest(of_class, known))
        return known.index(of_class)
    if rows.task == "multiclass":
        return int(np.bincount(np.asarray(rows.labels, dtype=np.int64), minlength=len(known)).argmax())
    return len(known) - 1 if rows.task == "binary" else 0


def _curve(ground: _Ground, name: str, settings: ExplanationSettings) -> _Curve:
    """Return a model's answers along the values of one feature, for at most 1,000 rows (Friedman 2001; Goldstein et al. 2015)."""
    column = ground.rows.frame.get_column(name)
    values, ordered = _grid(column, settings.points, ground.kinds[name])
    most = min(ground.rows.n, 1000)
    some = ground.rows.frame[np.sort(ground.trial.rng.choice(ground.rows.n, most, replace=False))]
    said = []
    for value in values:
        try:
            frame = some.with_columns(pl.lit(value).cast(column.dtype).alias(name))
            said.append(spoken(ground.again(frame), settings.of_class))
        except (AssayError, pl.exceptions.PolarsError) as error:
            return _Curve(
                values, np.zeros((0, 0)), ordered, why=f"the model does not answer {name} = {value!r}: {error}"
            )
    return _Curve(values, np.column_stack(said) if said else np.zeros((0, 0)), ordered)


def _grid(column: pl.Series, points: int, kind: str) -> tuple[tuple[float | str, ...], bool]:
    present = column.drop_nulls()
    if kind == "numbers":
        numbers = present.cast(pl.Float64).drop_nans()
        shares = np.linspace(0.01, 0.99, points)
        ends = np.quantile(numbers.to_numpy(), shares, method="nearest") if len(numbers) else np.zeros(0)
        return tuple(float(x) for x in np.unique(ends)), True
    counts = present.value_counts(sort=True)
    return tuple(counts.get_column(counts.columns[0]).head(points).to_list()), False


def _dependence_exhibit(ground: _Ground, curves: Mapping[str, _Curve], settings: ExplanationSettings) -> Exhibit:
    rows: list[tuple[str, float | str, float, float | None, float | None, int]] = []
    for name, curve in curves.items():
        for place, value in enumerate(curve.values if not curve.why else ()):
            said = curve.said[:, place]
            sample = intervals.Sample(len(said), float(said.mean()), float(said.std(ddof=1)) if len(said) > 1 else 0.0)
            low, high = intervals.mean(sample, confidence=ground.trial.confidence)
            known = np.isfinite(low)
            rows.append(
                (name, value, sample.mean, float(low) if known else None, float(high) if known else None, len(said))
            )
    names = ("feature", "x", "value", "low", "high", "n")
    columns = {column: tuple(row[i] for row in rows) for i, column in enumerate(names)}
    of = (
        f"score of {ground.rows.classes[_place(ground.rows, settings.of_class)]!r}"
        if ground.rows.classes
        else "prediction"
    )
    return Exhibit(
        "dependence", "Partial dependence", columns,
        note=f"The mean {of} where every row is given the value; other features stay as they are, also where they hang together.",
    )  # fmt: skip


def _monotone(curves: Mapping[str, _Curve], settings: ExplanationSettings) -> Iterator[Outcome]:
    for name, told in settings.monotone.items():
        curve, subject = curves[name], f"{name} {told.direction}"
        expected = f"at most {told.share_at_most:.4g} of rows move the other way"
        if curve.why or not curve.ordered or len(curve.values) < 2:
            why = curve.why or (f"{name!r} has no order" if not curve.ordered else f"{name!r} has one value only")
            yield _outcome(subject, Verdict.INCONCLUSIVE, expected, None, why, len(curve.said))
            continue
        steps = np.diff(curve.said, axis=1) * (1 if told.direction == "rising" else -1)
        broken = np.asarray((steps < -told.tolerance).any(axis=1))
        n, part = len(broken), int(broken.sum())
        low, high = intervals.share(part, n)
        seen = Estimate(part / n, n=n, low=low, high=high, confidence=0.95, unit="share", method="wilson")
        verdict, why = kept(seen, at_least=None, at_most=told.share_at_most)
        if part:
            place = int(steps.min(axis=0).argmin())
            why += f"; the steepest step the other way is from {curve.values[place]:g} to {curve.values[place + 1]:g}"
        yield _outcome(subject, verdict, expected, seen, why, n)


def _failed(ground: _Ground, curves: Mapping[str, _Curve]) -> Iterator[Outcome]:
    for name, curve in curves.items():
        if curve.why:
            yield _outcome(f"dependence on {name}", Verdict.SKIP, "", None, curve.why, ground.rows.n)
