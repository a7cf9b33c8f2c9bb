"""The table of detectors, and what is done by name: make one, learn its baseline, take it up where it was saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from numpy.typing import ArrayLike

from assay.errors import DataError, UsageError, member
from assay.stats.detectors import charts, edetector, of_river
from assay.stats.detectors.detector import FORMAT, Detector, Entry

__all__ = ["DEFAULT", "DETECTORS", "get_entry", "learn", "make", "restore"]

DETECTORS: dict[str, Entry] = {entry.name: entry for entry in (*edetector.ENTRIES, *of_river.ENTRIES, *charts.ENTRIES)}
DEFAULT = "esr"  # on streams of errors and of confidence


def get_entry(name: str) -> Entry:
    """Return a detector's entry by its name; raise `ConfigError` with the nearest name where there is none."""
    return member(DETECTORS, name, what="detector")


def make(name: str, /, **options: Any) -> Detector:
    """Return a detector at the start of a stream.

    >>> make("esr", baseline=0.1, average_run_length=1000).feed([0] * 20 + [1] * 10).first
    24

    Raises `UsageError` for an unknown name or option and for a value that an option does not take.
    """
    entry = get_entry(name)
    return entry.make(_options(entry, options, raises=UsageError))


def learn(name: str, reference: ArrayLike, /, **options: Any) -> Detector:
    """Return a detector at the start of a stream whose baseline is learned from a sample without drift.

    >>> learn("esr", [0] * 900 + [1] * 100).options.baseline
    0.1

    Raises `UsageError` for a detector that has no baseline: it learns from the stream.
    """
    entry = get_entry(name)
    if entry.learn is None:
        raise UsageError(f"the detector {name!r} has no baseline to learn: it learns from the stream", hint="use make")
    try:
        learned = entry.learn(reference, **options)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the detector {name!r} can't learn so: {error}") from error
    return entry.make(learned)


def restore(state: Mapping[str, Any]) -> Detector:
    """Return a detector that goes on where `Detector.state` was taken, as if it had never stopped.

    >>> detector = make("esr", baseline=0.1, average_run_length=1000)
    >>> _ = detector.feed([0] * 20 + [1] * 4)
    >>> restore(detector.state()).update(1).value
    'drift'

    Raises `DataError` for a state that is none, of another format, or of another version of river.
    """
    if not {"format", "detector", "options", "seen", "memory"} <= set(state):
        raise DataError("this is no saved state of a detector", hint="`Detector.state` makes one")
    if state["format"] != FORMAT:
        raise DataError(f"the state has format {state['format']}; this version of Assay reads format {FORMAT}")
    if not isinstance(state["seen"], int) or state["seen"] < 0:
        raise DataError(f"the state has seen {state['seen']!r} values; it is a whole number, at least 0")
    entry = get_entry(state["detector"])
    detector = entry.make(_options(entry, state["options"], raises=DataError))
    detector.recall(state["seen"], state["memory"])
    return detector


def _options(entry: Entry, given: Mapping[str, Any], *, raises: type[DataError | UsageError]) -> msgspec.Struct:
    try:
        return msgspec.convert(dict(given), entry.options)
    except msgspec.ValidationError as error:
        raise raises(f"the options of the detector {entry.name!r} do not fit: {error}") from error
