"""The simple heuristic that a model is set beside: a rule that looks at one feature, in a few bins, and at nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.evaluation.predictions import Predictions

__all__ = ["Rule", "one_feature", "usable"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
BINS = 16  # of numbers, at their quantiles; the most frequent values of anything else
CHOOSING = 100_000  # rows that tell which feature is the best one
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Rule:
    """What the rule says of n rows: `values` are n by d, for each class, level, or the one number; `feature` is what it looked at.

    Where it was fitted on parts of the rows, it is the feature that most of the parts chose.
    """

    values: Floats
    feature: str


def usable(rows: Predictions) -> tuple[str, ...]:
    """Return the features that a rule can look at: numbers, texts, categories and truth values, not all missing."""
    there = (name for name in rows.features if name in rows.frame.columns)
    kinds = (pl.Boolean, pl.String, pl.Categorical, pl.Enum)
    series = ((name, rows.frame.get_column(name)) for name in there)
    return tuple(n for n, s in series if (s.dtype.is_numeric() or s.dtype in kinds) and s.null_count() < len(s))


def one_feature(rows: Predictions, *, rng: np.random.Generator, train: Predictions | None = None) -> Rule:
    """Return what a rule of one feature says of each row, fitted on `train`, or on the rows that are in another fifth.

    Numbers are cut at sixteenths of the rows, of other features the most frequent values stand alone; a missing value is a
    bin of its own. The feature is the one whose bins leave the least squared error, each bin paid for by generalised
    cross-validation; the rule says the mean of the labels in the bin (the share of each class; the quantiles of each level),
    drawn to that of all rows as by one row. Rows of an entity, or a query, are in the same fifth.
    Source: Holte 1993; Golub, Heath & Wahba 1979.
    """
    names = [name for name in usable(rows) if train is None or name in train.frame.columns]
    if train is not None:
        both = [_joined(train.frame.get_column(n), rows.frame.get_column(n)) for n in names]
        places = np.column_stack([_places(one) for one in both])
        value, name = _fitted(train, places[: train.n], places[train.n :], rng)
        return Rule(value, names[name])
    places = np.column_stack([_places(rows.frame.get_column(n)) for n in names])
    parts, rows = _parts(rows, rng), replace(rows, frame=pl.DataFrame())
    values, chosen = np.zeros((rows.n, _target(rows).shape[1] if rows.task != "quantile" else len(rows.classes))), []
    for part in range(FOLDS):
        held = parts == part
        if held.any() and not held.all():
            values[held], name = _fitted(rows.at(~held), places[~held], places[held], rng)
            chosen.append(name)
    return Rule(values, names[Counter(chosen).most_common(1)[0][0]] if chosen else names[0])


def _joined(first: pl.Series, second: pl.Series) -> pl.Series:
    """Return two columns of one feature as one: numbers, or texts where either is none."""
    kind = pl.Float64 if first.dtype.is_numeric() and second.dtype.is_numeric() else pl.String
    return first.cast(kind).append(second.cast(kind))


def _parts(rows: Predictions, rng: np.random.Generator) -> Codes:
    """Return one of five parts for each row, the same for all rows of an entity."""
    together = rows.entity if rows.entity is not None else rows.query
    if together is None:
        return rng.permutation(np.arange(rows.n, dtype=np.int64) % FOLDS)
    place = np.unique(together, return_inverse=True)[1]
    return np.asarray(rng.permutation(np.arange(int(place.max()) + 1) % FOLDS)[place], dtype=np.int64)


def _places(column: pl.Series) -> Codes:
    """Return the bin of each value: 0 where it is missing, 1 upwards for the others."""
    if column.dtype.is_numeric():
        numbers = column.cast(pl.Float64).to_numpy()
        missing = np.isnan(numbers)
        if missing.all():
            return np.zeros(len(numbers), dtype=np.int64)
        edges = np.unique(np.quantile(numbers[~missing], np.linspace(0, 1, BINS + 1)[1:-1], method="lower"))
        return np.where(missing, 0, 1 + np.searchsorted(edges, numbers, side="left"))
    texts = column.cast(pl.String)
    frequent = texts.drop_nulls().value_counts(sort=True).head(BINS).to_series()
    place = texts.replace_strict(
        frequent, range(1, len(frequent) + 1), default=len(frequent) + 1, return_dtype=pl.Int64
    )
    return np.asarray(
        place.zip_with(texts.is_not_null(), pl.Series([0]).new_from_index(0, len(texts))).to_numpy(), dtype=np.int64
    )


def _target(rows: Predictions) -> Floats:
    """Return what the rule is the mean of: n by k zeros and ones of classes, n by 1 numbers else."""
    if rows.task in ("binary", "multiclass"):
        return np.asarray(rows.labels[:, None] == np.arange(len(rows.classes)), dtype=np.float64)
    labels = np.asarray(rows.labels, dtype=np.float64)
    return labels if rows.task == "multilabel" else labels[:, None]


def _fitted(rows: Predictions, places: Codes, asked: Codes, rng: np.random.Generator) -> tuple[Floats, int]:
    """Return what a rule that was fitted on some rows says at the places of others, and the place of its feature."""
    target = _target(rows)
    sample = rng.choice(rows.n, CHOOSING, replace=False) if rows.n > CHOOSING else np.arange(rows.n)
    best = int(np.argmin([_left(places[sample, j], target[sample]) for j in range(places.shape[1])]))
    bins = int(max(places[:, best].max(), asked[:, best].max(initial=0))) + 1
    if rows.task == "quantile":
        return _quantiles(rows, places[:, best], bins)[asked[:, best]], best
    count, sums = _sums(places[:, best], target, bins)
    return ((sums + target.mean(0)) / (count + 1)[:, None])[asked[:, best]], best


def _sums(place: Codes, target: Floats, bins: int) -> tuple[Floats, Floats]:
    sums = [np.bincount(place, weights=column, minlength=bins) for column in target.T]
    return np.bincount(place, minlength=bins).astype(np.float64), np.column_stack(sums)


def _left(place: Codes, target: Floats) -> float:
    """Return the squared error that the bins leave, over (1 - bins/n)²: what it would be of rows that were not seen."""
    count, sums = _sums(place, target, int(place.max()) + 1)
    used = count > 0
    n, bins = len(place), int(used.sum())
    left = float((target**2).sum() - (sums[used] ** 2 / count[used, None]).sum())
    return left / (1 - bins / n) ** 2 if bins < n else np.inf


def _quantiles(rows: Predictions, place: Codes, bins: int) -> Floats:
    levels: Sequence[float] = [float(str(level)) for level in rows.classes]
    labels = np.asarray(rows.labels, dtype=np.float64)
    whole = np.quantile(labels, levels)
    found = (labels[place == b] for b in range(bins))
    return np.stack([np.quantile(one, levels) if len(one) else whole for one in found])
