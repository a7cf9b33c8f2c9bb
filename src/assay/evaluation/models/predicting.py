"""Long work in batches: what a model says of all rows of a dataset, with notes on what a person should know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from assay.data.dataset import Dataset
from assay.data.engine import Progress
from assay.data.polars_engine import batches
from assay.errors import DataError, UsageError
from assay.evaluation.models.adapted import Adapted
from assay.evaluation.models.answer import checked, joined, unsummed
from assay.evaluation.models.model import Model, Output

__all__ = ["predicted"]

BATCH = 65_536


def predicted(
    model: Model,
    data: pl.DataFrame | pl.LazyFrame | Dataset,
    *,
    batch: int | None = None,
    progress: Progress | None = None,
) -> Output:
    """Return what a model says of every row, asked for so many rows at a time.

    A batch is 65,536 rows by default, or what a request to an endpoint holds. `progress` is told, after each, how many
    rows are done. Of a dataset only the columns that the model takes are read, once, in their order. The notes say
    which columns were left out, how columns were fed where the model does not name them, and of how many rows the
    scores are no probabilities.

    Raises DataError where there are no rows, where the model fails or does not answer each of them, and where batches
    are answered in different ways.
    """
    size = (model.batch if isinstance(model, Adapted) else BATCH) if batch is None else batch
    if size < 1:
        raise UsageError(f"batch is {batch}; it holds at least 1 row")
    outputs: list[Output] = []
    done = 0
    for part in _parts(model, data, size):
        try:
            outputs.append(checked(model.predict(part), part.height))
        except DataError as error:
            if done:
                error.place = f"{error.place or model.name}, rows {done:,} to {done + part.height - 1:,}"
            raise
        done += part.height
        if progress is not None:
            progress(done)
    if not outputs:
        raise DataError("there are no rows to predict", place=model.name)
    output = joined(outputs)
    note = unsummed(output)
    return replace(output, notes=(*output.notes, note)) if note else output


def _parts(model: Model, data: pl.DataFrame | pl.LazyFrame | Dataset, batch: int) -> Iterator[pl.DataFrame]:
    if isinstance(data, Dataset):
        frames: Iterator[pl.DataFrame] = (one.frame for one in batches(data, columns=_columns(model, data)))
    else:
        frames = iter([data.collect() if isinstance(data, pl.LazyFrame) else data])
    for frame in frames:
        for start in range(0, frame.height, batch):
            yield frame[start : start + batch]


def _columns(model: Model, data: Dataset) -> list[str]:
    """Return the columns to read: the model's, or all where some are not there, so that the error can say what is."""
    return [*(model.features if model.features and set(model.features) <= set(data.schema) else data.schema)]
