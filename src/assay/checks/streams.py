"""Streams judged: a column's values, in the order of its rows, given to detectors of change; one outcome for each."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.checks.columns import Reading, Values
from assay.checks.judge import Inputs
from assay.checks.traces import Curve
from assay.checks.watching import fewest, promise, run_length
from assay.data.dataset import Dataset
from assay.data.engine import Progress
from assay.errors import DataError
from assay.stats.detectors.charts import Chart
from assay.stats.detectors.detector import Detector
from assay.stats.detectors.edetector import Esr
from assay.verdict import Estimate, Example, Findings, Mark, Outcome, Provenance, Verdict

__all__ = ["CHECK", "FAMILY", "changes", "findings_of", "marked", "sample_of"]

CHECK = "stream_change"
FAMILY = "drift"
EXAMPLES = 5
Floats = NDArray[np.float64]


def sample_of(reference: Dataset, column: str) -> tuple[Floats, tuple[Mark]]:
    """Return the values of a reference's column, and its mark with what is to be known of them."""
    reading = Reading(reference, column)
    values = reading.numbers()
    return values, (marked(reference, reading),)


def changes(
    dataset: Dataset, column: str, detectors: Sequence[Detector], inputs: Inputs, *, known: tuple[Mark, ...] = (),
    progress: Progress | None = None,
) -> Findings:  # fmt: skip
    """Return the findings of detectors on a column's stream, from one scan in bounded memory; they have moved on after it.

    FAIL where a detector said DRIFT, WARN where the stream ends in its warning zone, PASS where neither; INCONCLUSIVE
    where the stream is too short for it to have said anything, ERROR where it does not take a value. A missing value is
    left out. `known` are the marks of what it learned from.
    """
    begun = time.perf_counter()
    reading = Reading(dataset, column, time=dataset.roles.time, beside=dataset.roles.id)
    watched = [_Watched(detector, reading) for detector in detectors]
    for part in reading.parts(progress):
        for one in watched:
            one.feed(part)
    outcomes = tuple(one.outcome() for one in watched)
    share = watched[0].curve.mean if watched and watched[0].bits else None
    if share is not None and share > 0.5:
        reading.remarks.append(
            f"{share:.0%} of the values of {column!r} are 1, which is an error; a stream of successes has to be turned over"
        )
    return findings_of(reading, outcomes, inputs, known=known, begun=begun)


def findings_of(
    reading: Reading, outcomes: tuple[Outcome, ...], inputs: Inputs, *, known: tuple[Mark, ...], begun: float
) -> Findings:  # fmt: skip
    """Return outcomes as findings about the dataset that was read."""
    provenance = Provenance(
        assay=inputs.version, started_at=inputs.now.isoformat(), seconds=round(time.perf_counter() - begun, 3),
        scans=1 + len(known), datasets=(marked(reading.dataset, reading), *known), versions={"polars": pl.__version__},
    )  # fmt: skip
    return Findings(reading.dataset.name, outcomes, provenance)


def marked(dataset: Dataset, reading: Reading) -> Mark:
    """Return a dataset's mark with what is to be known of the column that was read."""
    mark = dataset.mark(reading.rows)
    return msgspec.structs.replace(mark, notes=(*mark.notes, *reading.notes()))


class _Watched:
    """One detector on a stream, and what it has said of it so far."""

    def __init__(self, detector: Detector, reading: Reading) -> None:
        self.detector, self.reading = detector, reading
        self.before = detector.seen
        self.alarms = self.warnings = 0
        self.warned = False  # whether the last value was in the warning zone
        self.bits = True
        self.places: list[str] = []
        self.examples: list[Example] = []
        self.ends: list[str] = []
        self.last = self.refusal = ""
        self.curve = Curve()

    def feed(self, part: Values) -> None:
        """Give it some more of the stream, unless it has refused a value."""
        if self.refusal or not len(part.numbers):
            return
        first = self.detector.seen
        try:
            found = self.detector.feed(part.numbers)
        except DataError as error:
            self.refusal = self._refused(part, error)
            return
        drifts = found.drifts - first
        self.curve.add(part.numbers, drifts)
        self.bits = self.bits and bool(((part.numbers == 0) | (part.numbers == 1)).all())
        self.warnings += len(found.warnings)
        self.warned = bool(len(found.warnings)) and int(found.warnings[-1]) == found.seen - 1
        self.ends = [*(self.ends[:1] or [self._place(part, 0)]), self._place(part, len(part.numbers) - 1)]
        self._note(part, drifts)

    def _note(self, part: Values, drifts: NDArray[np.int64]) -> None:
        column = self.reading.column
        for place in drifts[: max(EXAMPLES - self.alarms, 0)].tolist():
            row, about = int(part.rows[place]), part.about(place)
            self.places.append(self._place(part, place))
            number = float(part.numbers[place])
            values = {column: int(number) if number.is_integer() else number, **about}
            self.examples.append(Example(row, values, f"alarm {self.alarms + len(self.places)}"))
        self.alarms += len(drifts)
        if len(drifts):
            self.last = self._place(part, int(drifts[-1]))

    def _place(self, part: Values, place: int) -> str:
        return self.reading.place(int(part.rows[place]), part.about(place))

    def _refused(self, part: Values, error: DataError) -> str:
        """Return why a value was refused, and where it stands; the detector goes no further, so that it may be used up."""
        for place, x in enumerate(part.numbers.tolist()):
            try:
                self.detector.update(x)
            except DataError:
                where = self._place(part, place)
                hint = (
                    "; its range can be set by the parameters low and high"
                    if isinstance(self.detector.options, Esr)
                    else ""
                )
                return f"{where}: {error.message}{hint}"
        return error.message

    def outcome(self) -> Outcome:
        """Return what it concludes."""
        verdict, why = self._verdict()
        n = self.detector.seen - self.before
        options = self.detector.options
        centre = options.baseline if isinstance(options, Esr | Chart) else None
        start, end = (self.ends[0], self.ends[-1]) if self.ends else ("", "")
        undefined = self.refusal or n == 0
        return Outcome(
            CHECK, self.reading.column, verdict, expected=self._expected(), why=why, n_rows=n, examples=tuple(self.examples),
            observed=None if undefined else Estimate(self.alarms, n=n, unit="alarms"),
            family=FAMILY, id=f"{CHECK}.{self.reading.column}.{self.detector.name}",
            trace=None if undefined else self.curve.trace(centre=centre, start=start, end=end),
        )  # fmt: skip

    def _expected(self) -> str:
        options = self.detector.options
        if not isinstance(options, Esr | Chart):
            return f"no change ({self.detector.name})"
        slack = f" ± {options.slack:.4g}" if isinstance(options, Esr) and options.slack else ""
        kept = {"up": "no rise above", "down": "no fall below", "both": "no change from"}[options.direction]
        return f"{kept} {options.baseline:.4g}{slack} ({self.detector.name})"

    def _verdict(self) -> tuple[Verdict, str]:
        name, n, seen = self.detector.name, self.detector.seen - self.before, self.detector.seen
        values = f"{n:,} value{'' if n == 1 else 's'}"
        if self.refusal:
            return Verdict.ERROR, f"the detector {name} cannot judge: {self.refusal}"
        if n == 0:
            return Verdict.INCONCLUSIVE, f"the detector {name} was given no value: {self.reading.column} has none"
        least = fewest(self.detector)
        if seen < least:
            said = (
                f"the detector {name} has seen {seen:,} values of the stream; before {least:,} it cannot signal drift"
            )
            return Verdict.INCONCLUSIVE, said
        stated = promise(self.detector, bits=self.bits)
        if self.alarms:
            times = "once" if self.alarms == 1 else f"{self.alarms:,} times"
            then = f", then at {', '.join(self.places[1:3])}" if len(self.places) > 1 else ""
            last = f", the last time at {self.last}" if self.alarms > 3 else ""
            said = f"signals drift {times} in {values}, first at {self.places[0]}{then}{last}; {stated}{self._false(n)}"
            return Verdict.FAIL, f"the detector {name} {said}"
        if self.warned:
            said = f"is in its warning zone at the end of {values}, at {self.ends[-1]}; {stated}"
            return Verdict.WARN, f"the detector {name} {said}"
        hint = f", though {self.warnings:,} of them in its warning zone" if self.warnings else ""
        return Verdict.PASS, f"the detector {name} finds no drift in {values}{hint}; {stated}"

    def _false(self, n: int) -> str:
        """Return how many alarms so many values may raise without any drift, in words; nothing where it is less than one."""
        length = run_length(self.detector)
        false = min(int(n / length), self.alarms) if length else 0
        many = "it" if self.alarms == 1 else f"{false:,} of them"
        return f", so that {many} may be false" if false else ""
