"""The shape of a model: a frame of features in; predictions, scores, or both out."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["Model", "Output", "Size", "Sized"]


@dataclass(frozen=True, slots=True)
class Output:
    """What a model says of n rows: `predictions` (n values: a class, or a number), `scores` (n by k), or both.

    `classes` names the columns of the scores where the model knows its classes; empty where it does not. Predictions
    are n by k for a model of several labels, or of several quantiles. `notes` are what a person should know about how
    the rows were fed to it ("left out 2 columns that it does not take: id, y").
    """

    predictions: NDArray[np.generic] | None = None
    scores: NDArray[np.float64] | None = None
    classes: tuple[Hashable, ...] = ()
    notes: tuple[str, ...] = ()


class Model(Protocol):
    """Anything that answers rows with predictions.

    `features` are the columns that it takes, in its order; empty where it does not say, and then takes all that it is
    given.
    """

    @property
    def name(self) -> str:
        """Return what reports call it."""
        ...

    @property
    def kind(self) -> str:
        """Return the kind of adapter: sklearn, onnx, http, ..."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """Return the columns that it takes."""
        ...

    def predict(self, frame: pl.DataFrame) -> Output:
        """Return what it says of every row; raise DataError where the rows do not fit its signature, or it fails."""
        ...


@dataclass(frozen=True, slots=True)
class Size:
    """How many bytes a model takes, and what they are of ("its file", "the pickled object"); None and `why` where unknown."""

    bytes: int | None
    of: str = ""
    why: str = ""


@runtime_checkable
class Sized(Protocol):
    """A model that knows how large it is."""

    def size(self) -> Size:
        """Return how large it is where it is kept."""
        ...
