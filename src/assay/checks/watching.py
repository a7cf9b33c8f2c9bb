"""Detectors made ready for a stream: by name, with what they are told, or as they were saved."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.codec import atomic, convert, dump_json, read_text, refuse_other_format
from assay.errors import ConfigError, DataError, UsageError, nearest
from assay.stats.detectors.charts import Chart, Cusum, Ewma, Shewhart
from assay.stats.detectors.detector import Detector, Entry
from assay.stats.detectors.edetector import Esr
from assay.stats.detectors.table import DETECTORS, get_entry, learn, make, restore

__all__ = [
    "FORMAT",
    "SavedStream",
    "detectors_of",
    "fewest",
    "load_stream",
    "promise",
    "resumed",
    "run_length",
    "save_stream",
]

Floats = NDArray[np.float64]
FORMAT = 1
KIND = "assay.stream"
WARM_UPS = ("warm_start", "grace_period", "min_instances", "window_size", "sliding_window_size")
LONGEST = 100_000
LONG = 1e9


def detectors_of(
    names: Sequence[str], parameters: Mapping[str, object], *, sample: Floats | None = None, place: str = ""
) -> list[Detector]:
    """Return detectors at the start of a stream; with a sample, those that have a baseline learn it from there.

    Each parameter goes to every detector that has it. `place` is what errors call the sample.

    Raises `UsageError` for a name or parameter that there is not, a value that does not fit, and a baseline that is
    missing or told twice; `DataError` for a sample that a detector does not take.
    """
    entries = [get_entry(name) for name in dict.fromkeys(names)]
    if not entries:
        raise UsageError("no detector is named", hint=nearest("", DETECTORS, most=len(DETECTORS)))
    known = {entry.name: _known(entry, learns=sample is not None) for entry in entries}
    for key in parameters:
        if not any(key in options for options in known.values()):
            raise UsageError(
                f"{_listed(known)} has no parameter {key!r}" if len(known) == 1 else f"none of {_listed(known)} has a parameter {key!r}",
                hint=nearest(key, sorted(set().union(*known.values())), most=20),
            )  # fmt: skip
    if sample is not None and not any(entry.learn for entry in entries):
        raise UsageError(
            f"{_listed(known)} learns from the stream itself, so that a reference tells it nothing", hint="leave the reference out"
        )  # fmt: skip
    told = {name: {key: parameters[key] for key in parameters if key in options} for name, options in known.items()}
    return [_made(entry, told[entry.name], sample, place) for entry in entries]


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(names)


def _known(entry: Entry, *, learns: bool) -> set[str]:
    """Return the parameters that a detector can be told, with those of learning it where it learns."""
    fields = set(entry.options.__struct_fields__)
    if not learns or entry.learn is None:
        return fields
    given = inspect.signature(entry.learn).parameters.values()
    return fields | {each.name for each in given if each.kind is inspect.Parameter.KEYWORD_ONLY}


def _made(entry: Entry, told: dict[str, object], sample: Floats | None, place: str) -> Detector:
    told = {key: _value(entry, key, value) for key, value in told.items()}
    if entry.learn is None:
        return make(entry.name, **told)
    if sample is None:
        if "baseline" not in told:
            raise UsageError(
                f"the detector {entry.name!r} has no baseline: how the stream is while nothing has changed",
                hint="give a baseline (of errors: their usual share), or a reference to learn it from",
            )
        return make(entry.name, **told)
    if "baseline" in told:
        raise UsageError("a baseline is given, and a reference to learn it from too", hint="leave one of them out")
    try:
        return learn(entry.name, sample, **told)
    except DataError as error:
        raise DataError(error.message, place=place, hint=error.hint or _range_hint(entry, sample)) from None


def _range_hint(entry: Entry, sample: Floats) -> str:
    ranged = entry.options is Esr and len(sample)
    return "say the range of the values by the parameters low and high" if ranged else ""


def _value(entry: Entry, key: str, value: object) -> object:
    """Return a parameter's value as its type; raise `UsageError` where it has none of that type."""
    types = {field.name: field.type for field in msgspec.structs.fields(entry.options)}
    try:
        return msgspec.convert(value, types.get(key, float))
    except msgspec.ValidationError as error:
        raise UsageError(f"the parameter {key} of {entry.name!r} is {value!r}: {error}") from None


# What is known of a detector -----------------------------------------------------------------------------------------


def fewest(detector: Detector) -> int:
    """Return after how many values at the earliest a detector can say DRIFT, from its start.

    >>> fewest(make("esr", baseline=0.1)), fewest(make("cusum", baseline=0.0, spread=1.0))
    (9, 1)
    """
    options = detector.options
    if isinstance(options, Esr):
        ends = {"up": (options.high,), "down": (options.low,), "both": (options.low, options.high)}[options.direction]
    elif isinstance(options, Chart):
        ends = (0.0, 1.0) if options.spread is None else ()
    else:
        return max(int(getattr(options, name, 1)) for name in WARM_UPS)
    entry = DETECTORS[detector.name]
    for n in (64, 4_096, LONGEST) if ends else ():
        firsts = [entry.make(options).feed(np.full(n, end)).first for end in ends]
        if any(first is not None for first in firsts):
            return min(first + 1 for first in firsts if first is not None)
    return LONGEST if ends else 1


def run_length(detector: Detector) -> float | None:
    """Return how many values there are on average before a false alarm, at least or about; None where it is not known.

    >>> run_length(make("esr", baseline=0.1)), run_length(make("shewhart", baseline=0.0, spread=1.0)) > 370
    (100000.0, True)
    """
    options = detector.options
    if isinstance(options, Esr):
        return options.average_run_length
    if isinstance(options, Cusum | Ewma | Shewhart):
        from assay.stats.detectors.run_length import average_run_length

        return average_run_length(options)
    return None


def promise(detector: Detector, *, bits: bool) -> str:
    """Return what is known of a detector's false alarms, in words.

    >>> promise(make("esr", baseline=0.1), bits=True)
    'the average run length is at least 100,000 values while the error rate is at most 0.1'
    """
    options = detector.options
    if isinstance(options, Esr):
        low, high = f"{options.baseline - options.slack:.4g}", f"{options.baseline + options.slack:.4g}"
        kept = {"up": f"at most {high}", "down": f"at least {low}", "both": f"from {low} to {high}"}[options.direction]
        what = "error rate" if bits and (options.low, options.high) == (0, 1) else "mean"
        return f"the average run length is at least {options.average_run_length:,.0f} values while the {what} is {kept}"
    length = run_length(detector)
    if length is not None and isinstance(options, Chart):
        run = f"{length:,.0f} values" if length < LONG else f"more than {LONG:,.0f} values"
        return f"the average run length is about {run} where they are independent and the baseline of {options.baseline:.4g} is right"
    return f"its false alarms: {DETECTORS[detector.name].error_rate}"


# Saved streams -------------------------------------------------------------------------------------------------------


class SavedStream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far detectors have come on a stream: of which column it is, and the state of each."""

    column: str
    detectors: tuple[dict[str, Any], ...]
    kind: str = KIND
    format: int = FORMAT


def save_stream(path: str | Path, column: str, detectors: Sequence[Detector]) -> None:
    """Write the state of detectors on a column's stream to a file, whole or not at all."""
    saved = SavedStream(column, tuple(detector.state() for detector in detectors))
    with atomic(path) as stream:
        stream.write(dump_json(saved))


def load_stream(path: str | Path) -> SavedStream:
    """Return the saved state of a stream; raise `ConfigError` where the file holds none that this version reads."""
    hint = "give the file that an earlier run wrote, or a new name"
    try:
        value = msgspec.json.decode(read_text(path))
    except msgspec.DecodeError as error:
        raise ConfigError(f"this is not JSON: {error}", place=str(path), hint=hint) from None
    if not isinstance(value, dict) or value.get("kind") != KIND:
        raise ConfigError("this is no saved state of a stream", place=str(path), hint=hint)
    refuse_other_format(value.get("format"), FORMAT, place=str(path), older="begin the stream anew")
    return convert(value, SavedStream, file=str(path))


def resumed(
    saved: SavedStream, *, column: str, names: Sequence[str], parameters: Mapping[str, object], learned: Sequence[Detector] = (), place: str
) -> list[Detector]:  # fmt: skip
    """Return the detectors of a saved stream, which go on where they were.

    What is told again has to be what they were told at the start: the column, their names where any is given, the
    parameters, and what was `learned` from a reference. Raises `UsageError` where it is not.
    """
    hint = "leave it out, or begin anew with another file for the state"
    if saved.column != column:
        raise UsageError(f"the state is that of the column {saved.column!r}, not of {column!r}", place=place, hint=hint)
    try:
        detectors = [restore(state) for state in saved.detectors]
    except DataError as error:
        raise DataError(error.message, place=place, hint=error.hint or "begin the stream anew") from None
    there = [detector.name for detector in detectors]
    if names and set(names) != set(there):
        raise UsageError(f"the state is that of {', '.join(there)}, not of {', '.join(names)}", place=place, hint=hint)
    options = {detector.name: detector.options for detector in learned}
    for detector in detectors:
        if options.get(detector.name, detector.options) != detector.options:
            said = f"the reference teaches {detector.name} something else than what the stream began with"
            raise UsageError(said, place=place, hint=hint)
    for key, value in () if learned else parameters.items():
        having = [detector for detector in detectors if key in detector.options.__struct_fields__]
        if not having:
            raise UsageError(f"{', '.join(there)} has no parameter {key!r}", place=place, hint=hint)
        for detector in having:
            told = _value(get_entry(detector.name), key, value)
            if getattr(detector.options, key) != told:
                was = getattr(detector.options, key)
                raise UsageError(
                    f"{key} is {value!r}, and the stream of {detector.name} began with {was!r}", place=place, hint=hint
                )
    return detectors
