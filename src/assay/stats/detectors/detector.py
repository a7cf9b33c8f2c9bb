"""What every detector of changes in a stream does: it takes a value and answers a zone.

Polarity: of bits, **1 is an error and 0 is none**, everywhere. A stream of successes has to be turned over first
(`1 - x`), or a model that gets worse looks like one that gets better.
"""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.errors import DataError

__all__ = ["BITS", "FORMAT", "NUMBERS", "Alarms", "Detector", "Direction", "Entry", "Zone"]

FORMAT = 1
BITS = "bits"
NUMBERS = "numbers"
Direction = Literal["up", "down", "both"]
_LARGEST = sys.float_info.max


class Zone(Enum):
    """What a detector says after a value; worst last, so that `max` folds many into one.

    >>> max(Zone.STABLE, Zone.WARNING)
    <Zone.WARNING: 'warning'>
    """

    STABLE = "stable"
    WARNING = "warning"
    DRIFT = "drift"

    @property
    def rank(self) -> int:
        """Return the place on the scale, 0 (stable) to 2 (drift)."""
        return _SCALE.index(self)

    def __lt__(self, other: Zone) -> bool:
        return self.rank < other.rank

    def __gt__(self, other: Zone) -> bool:
        return self.rank > other.rank


_SCALE = tuple(Zone)


@dataclass(frozen=True, slots=True, eq=False)
class Alarms:
    """Where a detector was in the zones WARNING and DRIFT while it was fed: numbers of values, the stream's first is 0.

    `seen` counts the values of the stream so far, those of earlier feeds and updates too.
    """

    warnings: NDArray[np.int64]
    drifts: NDArray[np.int64]
    seen: int

    @property
    def first(self) -> int | None:
        """Return the number of the first value with a drift, or None."""
        return int(self.drifts[0]) if len(self.drifts) else None


class Detector(ABC):
    """A detector at some place of a stream: `update` gives it one value, `feed` many, `state` saves it.

    Whatever the detector, after DRIFT it starts afresh with the next value: it keeps its options, its name and the
    count of values, and forgets all else. What it had to learn from the stream it learns again; a baseline that it was
    given stays, so that it fires again and again until it is given a new one.

    A value that is missing, NaN or infinite, or that the detector does not take (a bit other than 0 and 1, a number
    outside of [low, high]), raises `DataError`: neither skipping it nor guessing it would leave the error rate what it
    is said to be. A feed that holds such a value changes nothing.
    """

    def __init__(self, name: str, options: msgspec.Struct, *, bits: bool = False) -> None:
        self.name = name
        self.options = options
        self._bits = bits
        self._low, self._high = (0.0, 1.0) if bits else (-_LARGEST, _LARGEST)
        self._seen = 0

    @property
    def seen(self) -> int:
        """Return how many values of the stream it was given."""
        return self._seen

    def update(self, x: float) -> Zone:
        """Return the zone after one more value."""
        zone = self._step(self._number(x, self._seen))
        self._seen += 1
        return zone

    def feed(self, values: ArrayLike) -> Alarms:
        """Return where warnings and drifts were in many values: the same as updating with each in turn, and faster."""
        array = self._checked(values)
        warnings, drifts = self._steps(array)
        first = self._seen
        self._seen += len(array)
        return Alarms(
            np.asarray(warnings, dtype=np.int64) + first, np.asarray(drifts, dtype=np.int64) + first, seen=self._seen
        )

    def state(self) -> dict[str, Any]:
        """Return all that it needs to go on, of plain values that JSON can hold; `table.restore` takes it back."""
        return {
            "format": FORMAT,
            "detector": self.name,
            "options": msgspec.to_builtins(self.options),
            "seen": self._seen,
            "memory": self._memory(),
        }

    def recall(self, seen: int, memory: Mapping[str, Any]) -> None:
        """Go on from a saved place: `seen` values and the `memory` of them, of a detector with the same options.

        Raises `DataError` where the memory is not one of this detector.
        """
        try:
            self._recall(memory)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"the saved memory of the detector {self.name!r} does not fit: {error!r}") from error
        self._seen = seen

    @abstractmethod
    def _step(self, x: float) -> Zone:
        """Return the zone after one more value, which was checked."""

    def _steps(self, values: NDArray[np.float64]) -> tuple[ArrayLike, ArrayLike]:
        """Return the places of warnings and of drifts among values, which were checked."""
        zones = [self._step(x) for x in values.tolist()]
        return _places(zones, Zone.WARNING), _places(zones, Zone.DRIFT)

    @abstractmethod
    def _memory(self) -> dict[str, Any]:
        """Return what it remembers of the stream, plainly."""

    @abstractmethod
    def _recall(self, memory: Mapping[str, Any]) -> None:
        """Put back what `_memory` returned."""

    def _number(self, x: object, place: int) -> float:
        if isinstance(x, int | float | np.number | np.bool_) and self._takes(number := float(x)):
            return number
        raise self._refusal(x, place)

    def _takes(self, value: float) -> bool:
        return value in (0.0, 1.0) if self._bits else self._low <= value <= self._high

    def _checked(self, values: ArrayLike) -> NDArray[np.float64]:
        given = np.asarray(values)
        if given.ndim != 1:
            raise DataError(f"the detector {self.name!r} was fed an array of {given.ndim} dimensions; a stream has one")
        if given.dtype.kind not in "biuf":
            return np.array([self._number(x, self._seen + i) for i, x in enumerate(given.tolist())], dtype=np.float64)
        array = given.astype(np.float64)
        good = (array == 0) | (array == 1) if self._bits else (array >= self._low) & (array <= self._high)
        if not good.all():
            bad = int(np.argmin(good))
            raise self._refusal(array[bad].item(), self._seen + bad)
        return array

    def _refusal(self, x: object, place: int) -> DataError:
        missing = x is None or (isinstance(x, float) and math.isnan(x))
        rule = "bits, where 1 is an error and 0 is none" if self._bits else "finite numbers"
        if not self._bits and self._high < _LARGEST:
            rule = f"numbers from {self._low:g} to {self._high:g}"
        return DataError(
            f"value {place} of the stream is {'missing' if missing else repr(x)}; the detector {self.name!r} takes {rule}",
            hint="leave missing values out" if missing else "",
        )


def _places(zones: list[Zone], zone: Zone) -> list[int]:
    return [place for place, found in enumerate(zones) if found is zone]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table of detectors.

    `takes` are the kinds of stream, `options` is the record of its parameters, `make` makes a detector of them, and
    `learn` makes them from a sample of the reference, where they name a baseline. `error_rate` says what is known of
    its false alarms, `extra` the optional packages that it needs.
    """

    name: str
    title: str
    takes: tuple[str, ...]
    options: type[msgspec.Struct]
    make: Callable[[Any], Detector]
    formula: str
    error_rate: str
    source: str
    learn: Callable[..., msgspec.Struct] | None = None
    extra: str = ""
