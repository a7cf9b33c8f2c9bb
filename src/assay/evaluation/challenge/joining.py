"""Predictions of several models that lie in files of their own, side by side on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from assay.data.dataset import Dataset
from assay.data.polars_engine import batches
from assay.errors import DataError, UsageError

__all__ = ["joined_rows"]


def joined_rows(
    champion: Dataset, challengers: Mapping[str, Dataset], said: Mapping[str, object], *, key: Sequence[str], label: str
) -> tuple[Dataset, dict[str, object]]:
    """Return the champion's rows with the challengers' columns of predictions beside them, and what these are called.

    `said` are the columns of predictions, by their roles: the same names in every file. Rows are matched by the `key`, which may
    not repeat in a file; without one they have to be as many, with the same labels in the same order. Rows that a challenger
    says nothing of have no prediction.

    Raises UsageError for a column that is not there and where rows cannot be matched, DataError where a key repeats or labels
    differ.
    """
    frame = _frame(champion)
    names = sorted({name for value in said.values() for name in _columns(value)})
    champion.refuse_unknown((*names, *key, *([label] if label else [])))
    sides: dict[str, object] = {}
    for called, other in challengers.items():
        other.refuse_unknown((*names, *key))
        theirs = _frame(other)
        new = {name: f"{called}: {name}" for name in names}
        if key:
            frame = _matched(frame, theirs, new, key, label, champion=champion.name, other=other)
        else:
            frame = _beside(frame, theirs, new, label, champion=champion.name, other=other)
        sides[called] = {role: _renamed(value, new) for role, value in said.items()}
    return replace(champion, open=frame.lazy, n_rows=frame.height), sides


def _frame(dataset: Dataset) -> pl.DataFrame:
    return pl.concat([batch.frame for batch in batches(dataset, columns=list(dataset.schema))])


def _columns(value: object) -> list[str]:
    return [str(name) for name in value.values()] if isinstance(value, Mapping) else [str(value)]


def _renamed(value: object, new: Mapping[str, str]) -> object:
    return {role: new[name] for role, name in value.items()} if isinstance(value, Mapping) else new[str(value)]


def _matched(
    frame: pl.DataFrame, theirs: pl.DataFrame, new: Mapping[str, str], key: Sequence[str], label: str, *, champion: str, other: Dataset
) -> pl.DataFrame:  # fmt: skip
    for rows, name in ((frame, champion), (theirs, other.name)):
        repeated = rows.height - rows.select(key).n_unique()
        if repeated:
            raise DataError(f"{name}: {repeated:,} rows repeat a key of {', '.join(key)}; rows cannot be matched by it")
    columns = [*key, *(pl.col(name).alias(called) for name, called in new.items())]
    checked = label and label in theirs.columns
    if checked:
        columns.append(pl.col(label).alias("assay:label"))
    try:
        made = frame.join(theirs.select(columns), on=list(key), how="left", maintain_order="left")
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"{other.name} cannot be matched by {', '.join(key)}: {str(error).splitlines()[0]}") from None
    if checked:
        _same_labels(made.get_column(label), made.get_column("assay:label"), other.name)
        made = made.drop("assay:label")
    if made.select(pl.all_horizontal(pl.col(called).is_null() for called in new.values())).to_series().all():
        raise DataError(f"{other.name} has no row of {champion}, by {', '.join(key)}")
    return made


def _beside(
    frame: pl.DataFrame, theirs: pl.DataFrame, new: Mapping[str, str], label: str, *, champion: str, other: Dataset
) -> pl.DataFrame:  # fmt: skip
    if frame.height != theirs.height or label not in theirs.columns:
        said = f"{champion} has {frame.height:,} rows and {other.name} {theirs.height:,}"
        raise UsageError(
            f"{said if frame.height != theirs.height else f'{other.name} has no labels'}: rows cannot be matched by their order",
            hint="give --id, the columns that identify a row",
        )
    _same_labels(frame.get_column(label), theirs.get_column(label), other.name)
    return frame.with_columns(theirs.get_column(name).alias(called) for name, called in new.items())


def _same_labels(ours: pl.Series, theirs: pl.Series, name: str) -> None:
    different = (ours.cast(pl.String) != theirs.cast(pl.String)).fill_null(value=False)
    if different.any():
        row = int(different.arg_max() or 0)
        raise DataError(
            f"{name}: row {row} has the label {theirs[row]!r}, and the champion's file {ours[row]!r}; {int(different.sum()):,} rows differ"
        )
