"""Labels that are wrong, and labels that have got into places where they must not be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from itertools import count
from typing import Any

import numpy as np
import polars as pl

from assay.testing.faults.cells import chosen, column_of, count_of, mixed, role, some
from assay.testing.faults.fault import Fault, Layer, NotApplicable, Operator
from assay.testing.rows import rows_of

__all__ = ["LABELS"]


def _label_flip(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    labels = column_of(frame, fault.column)
    classes = labels.drop_nulls().unique().sort()
    if not 2 <= len(classes) <= 50:
        raise NotApplicable(f"{fault.column!r} has {len(classes)} values; labels to flip have 2 to 50 classes")
    where = labels.is_not_null().to_numpy()
    if "of" in fault.settings:  # the labels of one class alone
        where &= (labels == fault.settings["of"]).fill_null(False).to_numpy()
    if "by" in fault.settings:  # the labels of one slice alone
        group = column_of(frame, str(fault.settings["by"]))
        where &= (group == fault.settings.get("value", group.drop_nulls()[0])).fill_null(False).to_numpy()
    if not where.any():
        raise NotApplicable("no row has a label that would be flipped")
    codes = pl.DataFrame({"label": labels}).join(
        pl.DataFrame({"label": classes, "code": np.arange(len(classes))}), on="label", how="left", maintain_order="left"
    )["code"].fill_null(0).to_numpy()  # fmt: skip
    other = (codes + 1 + rng.integers(len(classes) - 1, size=len(codes))) % len(classes)
    mask = some(where, fault.severity, rng)
    return frame.with_columns(mixed(labels, mask, classes.gather(other).rename(labels.name)).alias(labels.name))


def _label_delay(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    labels, time = column_of(frame, fault.column), role(frame, fault, "time", "instant")
    classes = labels.drop_nulls().unique().sort()
    if len(classes) != 2:
        raise NotApplicable(
            f"{fault.column!r} has {len(classes)} values; an immature label has 2: it did not happen yet"
        )
    absent = fault.settings.get("absent", classes[0])
    newest = np.zeros(frame.height, dtype=bool)
    newest[time.arg_sort(nulls_last=False).to_numpy()[-count_of(fault.severity, frame.height) :]] = True
    mask = newest & labels.is_not_null().to_numpy()
    return frame.with_columns(mixed(labels, mask, absent).alias(labels.name))


def _target_leak(frame: pl.DataFrame, fault: Fault, rng: np.random.Generator) -> pl.DataFrame:
    column, labels = column_of(frame, fault.column, "number"), role(frame, fault, "label")
    if labels.name == column.name:
        raise NotApplicable("the label cannot leak into itself")
    codes = labels.cast(pl.Float64) if labels.dtype.is_numeric() else labels.rank("dense").cast(pl.Float64)
    numbers = column.cast(pl.Float64).fill_nan(None)
    middle, spread = (float(value) if isinstance(value, float) else 0.0 for value in (numbers.mean(), numbers.std()))
    apart = codes.std()
    if not isinstance(apart, float) or not apart > 0:
        raise NotApplicable(f"the label {labels.name!r} does not vary")
    noise = pl.Series(rng.normal(0.0, 0.1, frame.height))
    copied = ((codes - float(codes.mean())) / apart + noise) * (spread or 1.0) + middle  # type: ignore[arg-type]
    if column.dtype.is_integer():
        copied = copied.round()
    mask = chosen(frame.height, fault.severity, rng)
    return frame.with_columns(mixed(column, mask, copied).alias(column.name))


def _split_leak(splits: Mapping[str, Any], fault: Fault, rng: np.random.Generator) -> dict[str, Any]:
    names = [str(fault.settings.get("train", "train")), str(fault.settings.get("test", "test"))]
    for name in names:
        if name not in splits:
            raise NotApplicable(f"there is no split {name!r}; there are: {', '.join(splits)}")
    train, test = (rows_of(splits[name]) for name in names)
    if "entity" in fault.settings:
        key = column_of(test.frame, str(fault.settings["entity"]))
        values = key.drop_nulls().unique().sort()
        leaked = values.filter(pl.Series(chosen(len(values), fault.severity, rng)))
        taken = test.frame.filter(key.is_in(leaked.implode()))
    else:
        taken = test.frame.filter(pl.Series(chosen(test.height, fault.severity, rng)))
    both = pl.concat([train.frame, taken], how="diagonal_relaxed")
    return {**splits, names[0]: train.rebuilt(both.select(train.frame.columns))}


def _nondeterminism(function: Callable[..., Any], fault: Fault, rng: np.random.Generator) -> Callable[..., Any]:
    """Return the function with another seed, or another order of its rows, at each call."""
    calls = count()
    start = int(rng.integers(2**31))
    seeds = ("seed", "random_state", "rng")

    @wraps(function)
    def changed(*args: Any, **kwargs: Any) -> Any:
        fresh = start + next(calls)
        again = {name: fresh if isinstance(kwargs[name], int) else kwargs[name] for name in seeds if name in kwargs}
        told = {**kwargs, **again}
        if not args or again:
            return function(*args, **told)
        rows = rows_of(args[0])
        order = np.random.default_rng(fresh).permutation(rows.height)
        return function(rows.take(order).native, *args[1:], **told)

    return changed


LABELS: dict[str, Operator] = {
    "label_flip": Operator(
        "label_flip", Layer.LABEL, "labels are wrong", "annotators disagree, or a code table was read the wrong way round", _label_flip,
        ladder=(0.01, 0.05, 0.2, 0.5), unit="share of the labels that are another class", needs=("label",),
        caught_by="label_balance, distribution_drift, correlation, quality of a model that is trained on them",
    ),
    "label_delay": Operator(
        "label_delay", Layer.LABEL, "labels that are not known yet count as no", "the newest rows had no time to churn", _label_delay,
        ladder=(0.05, 0.2, 0.5), unit="share of the rows, the newest, whose label is no", needs=("label", "time"),
        caught_by="label_balance, distribution_drift, quality of a model that is trained on them",
    ),
    "target_leak": Operator(
        "target_leak", Layer.TRAIN, "a feature holds the label", "a join brought in what was known only afterwards", _target_leak,
        ladder=(0.1, 0.5, 1.0), unit="share of the rows in which the feature is the label and a little noise", columns=("number",),
        needs=("label",), caught_by="too_good, correlation, distribution_drift",
    ),
    "split_leak": Operator(
        "split_leak", Layer.TRAIN, "rows of the test set are in the training set",
        "split after the duplicates, or by row where people repeat",
        _split_leak, ladder=(0.01, 0.1, 0.5, 1.0), unit="share of the test's rows (or entities) that the training set has too", on="splits",
        keeps=(), caught_by="no_shared_rows, no_shared_groups, and the contract splits_apart",
    ),
    "nondeterminism": Operator(
        "nondeterminism", Layer.TRAIN, "two runs differ", "a seed that is not handed on, threads, the order of a set", _nondeterminism,
        unit="every call", on="function", caught_by="the contracts reproducible and repeatable",
    ),
}  # fmt: skip
