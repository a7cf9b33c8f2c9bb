"""The words that everything else speaks: verdict, estimate, outcome, findings.

Green is earned: nothing judged is INCONCLUSIVE, and a check that crashed is ERROR, never a pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "FORMAT",
    "Estimate",
    "Evidence",
    "Example",
    "Exhibit",
    "ExitCode",
    "Findings",
    "Mark",
    "Outcome",
    "Provenance",
    "Shape",
    "Trace",
    "Verdict",
    "conclude",
    "exit_code",
    "joined",
]

FORMAT = 1


class Verdict(Enum):
    """What a judgement concluded; worst last, so that `max` folds many into one.

    >>> max(Verdict.PASS, Verdict.WARN)
    <Verdict.WARN: 'warn'>
    """

    SKIP = "skip"
    PASS = "pass"
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Return the place on the scale, 0 (skip) to 5 (error)."""
        return _SCALE.index(self)

    def __lt__(self, other: Verdict) -> bool:
        return self.rank < other.rank

    def __gt__(self, other: Verdict) -> bool:
        return self.rank > other.rank

    def __bool__(self) -> bool:
        """Return whether the verdict lets a pipeline go on: PASS or WARN. What could not be judged does not."""
        return self in (Verdict.PASS, Verdict.WARN)


_SCALE = tuple(Verdict)


class ExitCode(IntEnum):
    """What a command answers to the shell."""

    OK = 0
    FAIL = 1
    USAGE = 2
    NOT_JUDGED = 3


class Estimate(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A number with its interval and sample size, or the reason why there is none.

    `value` keeps its type (an instant or a Decimal is its exact text); `low` and `high` bound it at the
    stated `confidence`, or with certainty where `confidence` is 1. `n` counts the rows it was measured on; `method` names
    how the interval was had ("wilson", "delong", "bca").

    >>> Estimate(0.912, n=4210, low=0.897, high=0.926)
    Estimate(0.912 [0.897, 0.926], n=4210)
    >>> Estimate(None, n=0, why="no row has a value")
    Estimate(undefined: no row has a value, n=0)
    """

    value: float | int | str | None
    n: int
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    unit: str = ""
    why: str = ""
    method: str = ""

    def __repr__(self) -> str:
        if self.value is None:
            return f"Estimate(undefined: {self.why}, n={self.n})"
        interval = f" [{self.low}, {self.high}]" if self.low is not None or self.high is not None else ""
        return f"Estimate({self.value}{interval}, n={self.n})"

    def above(self, bound: float) -> Verdict:
        """Return PASS where the whole interval is at least the bound, FAIL where all of it is below, else INCONCLUSIVE.

        A number without an interval is compared by itself only where it is known with certainty (`confidence` is 1).

        >>> Estimate(0.912, n=4210, low=0.897, high=0.926, confidence=0.95).above(0.90)
        <Verdict.INCONCLUSIVE: 'inconclusive'>
        """
        low, high = self._ends()
        if low is None and high is None:
            return Verdict.INCONCLUSIVE
        if low is not None and low >= bound:
            return Verdict.PASS
        return Verdict.FAIL if high is not None and high < bound else Verdict.INCONCLUSIVE

    def below(self, bound: float) -> Verdict:
        """Return PASS where the whole interval is at most the bound, FAIL where all of it is above, else INCONCLUSIVE.

        >>> Estimate(0.04, n=500, low=0.02, high=0.05, confidence=0.95).below(0.10)
        <Verdict.PASS: 'pass'>
        """
        low, high = self._ends()
        if low is None and high is None:
            return Verdict.INCONCLUSIVE
        if high is not None and high <= bound:
            return Verdict.PASS
        return Verdict.FAIL if low is not None and low > bound else Verdict.INCONCLUSIVE

    def _ends(self) -> tuple[float | None, float | None]:
        """Return the ends of the interval; both None where there is nothing to compare with."""
        if not isinstance(self.value, int | float) or math.isnan(self.value):
            return None, None
        if self.low is None and self.high is None and self.confidence == 1:
            return float(self.value), float(self.value)
        return self.low, self.high


class Example(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One row that broke a check: its number (the first row is 0; None where rows have no order) and its values."""

    row: int | None
    values: dict[str, Any] = {}
    why: str = ""


class Shape(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Shares of the reference and of the current data at the same few places, for the eye.

    On a scale `edges` has one number more than there are shares; of categories `labels` names each place.
    """

    reference: tuple[float, ...]
    current: tuple[float, ...]
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a comparison of two samples says beside the size of the difference, which is the outcome's `observed`.

    `p_value` is that of `comparison` alone, `adjusted` that corrected over the `among` comparisons judged together;
    both are None where the comparison is undefined. The difference counts as drift where `adjusted` is at most `alpha`
    and the size, measured by `distance`, is at least `at_least`. `detectable` is the least size that samples as large
    as these would have shown with a probability of 0.8; `usual` is the greatest that the reference's own `windows` let
    expect of a window like this, where it was calibrated on them. `importance` is the column's share of what the model
    goes by, in [0, 1].
    """

    comparison: str
    distance: str
    n_reference: int
    n: int
    statistic: float | None = None
    p_value: float | None = None
    adjusted: float | None = None
    correction: str = ""
    among: int = 1
    alpha: float | None = None
    at_least: float | None = None
    detectable: float | None = None
    usual: float | None = None
    windows: int = 0
    importance: float | None = None
    shape: Shape | None = None


class Trace(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A stream, or the points of a control chart, in their order and in few numbers, for the eye.

    Each of `values` stands for `every` values of the stream, by their mean, or of the chart, by the point farthest from
    the centre; None is a gap. `low` and `high` are limits: one for all, or one for each of the values, or none. `marks`
    are the places in `values` where there was an alarm. `start` and `end` say where the first and the last one stand.
    """

    values: tuple[float | None, ...]
    marks: tuple[int, ...] = ()
    centre: float | None = None
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    every: int = 1
    start: str = ""
    end: str = ""


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One judgement: what was checked on what, what was seen, what was expected, and why it concluded so.

    `check` is the name in the table of checks; `subject` is the column, the columns joined by ", ", or
    "table"; `expected` is the bound in words; `why` is one sentence. `n_rows` were judged, `n_failing` of them
    broke the check (both None where a check has no failing rows), and `examples` shows at most five. `note` is what
    the person who wrote the check gave as its reason.
    """

    check: str
    subject: str
    verdict: Verdict
    expected: str = ""
    observed: Estimate | None = None
    why: str = ""
    n_rows: int | None = None
    n_failing: int | None = None
    examples: tuple[Example, ...] = ()
    level: str = "fail"
    where: str = ""
    family: str = ""
    id: str = ""
    note: str = ""
    evidence: Evidence | None = None
    trace: Trace | None = None

    def __bool__(self) -> bool:
        """Return whether the outcome lets a pipeline go on: PASS or WARN; so that `assert outcome` says what it means."""
        return bool(self.verdict)

    def __repr__(self) -> str:
        said = self.why or self.expected
        text = f"Outcome({self.verdict.value} {self.check} of {self.subject}{f': {said}' if said else ''})"
        return text.encode("utf-8", "backslashreplace").decode()  # half of a character is no text that travels


class Exhibit(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A table that findings carry beside their outcomes, for the eye and for a frame: a curve, a matrix, groups, slices.

    `name` says what it shows ("roc", "confusion", "slices"), by which a page knows how to draw it. The columns have the
    same length; None is a cell that is undefined.
    """

    name: str
    title: str
    columns: dict[str, tuple[float | int | str | None, ...]]
    note: str = ""

    def __post_init__(self) -> None:
        if len({len(cells) for cells in self.columns.values()}) > 1:
            lengths = {name: len(cells) for name, cells in self.columns.items()}
            raise ValueError(f"exhibit {self.name!r}: the columns have the lengths {lengths}; all have the same")


class Mark(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What identifies a dataset that was judged: name, source, fingerprint, its size where known, and how it was read."""

    name: str
    source: str
    fingerprint: str
    rows: int | None = None
    columns: int | None = None
    part: str = "current"
    notes: tuple[str, ...] = ()


class Provenance(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where findings come from: datasets, suite, versions, instant, seconds, scans, seed."""

    assay: str
    started_at: str
    seconds: float = 0.0
    scans: int = 0
    engine: str = "polars"
    seed: int | None = None
    suite: str = ""
    suite_fingerprint: str = ""
    datasets: tuple[Mark, ...] = ()
    versions: dict[str, str] = {}


class Findings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Outcomes with their provenance: the only thing that travels.

    Gates read it, reports render it, continuous integration posts it. `assay.codec` saves and loads it.
    """

    subject: str
    outcomes: tuple[Outcome, ...]
    provenance: Provenance
    format: int = FORMAT
    kind: str = "assay.findings"
    exhibits: tuple[Exhibit, ...] = ()

    def __post_init__(self) -> None:
        if self.kind != "assay.findings":
            raise ValueError(f"kind is {self.kind!r}; expected 'assay.findings'")
        if self.format != FORMAT:
            raise ValueError(f"format is {self.format}; this version of Assay reads format {FORMAT}")

    @property
    def verdict(self) -> Verdict:
        """Return the worst verdict of all outcomes; INCONCLUSIVE where nothing was judged."""
        return conclude(outcome.verdict for outcome in self.outcomes)

    @property
    def exit_code(self) -> int:
        """Return what a command answers for these findings: 0 pass or warn, 1 fail, 3 could not judge."""
        return exit_code(self.verdict)

    def count(self, verdict: Verdict) -> int:
        """Return how many outcomes concluded so."""
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    def __bool__(self) -> bool:
        """Return whether the findings let a pipeline go on: the verdict is PASS or WARN."""
        return bool(self.verdict)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(verdict)} {verdict.value}" for verdict in Verdict if self.count(verdict))
        return f"Findings({self.verdict.value} of {self.subject}: {counts or 'nothing was judged'})"

    def __getitem__(self, subject: str) -> Estimate:
        """Return what was observed of a subject, such as a metric; raise KeyError where nothing was."""
        for outcome in self.outcomes:
            if outcome.subject == subject and outcome.observed is not None:
                return outcome.observed
        raise KeyError(subject)

    def table(self, name: str) -> pl.DataFrame:
        """Return an exhibit as a frame; raise KeyError, with the names that there are, where it is not there."""
        import polars as pl

        for exhibit in self.exhibits:
            if exhibit.name == name:
                return pl.DataFrame({column: list(cells) for column, cells in exhibit.columns.items()}, strict=False)
        raise KeyError(f"{name!r}; there are {', '.join(exhibit.name for exhibit in self.exhibits) or 'no tables'}")

    def _repr_html_(self) -> str:
        from assay.reports.html import fragment  # a notebook asks for this; nothing below the reports does

        return fragment(self)


def conclude(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of many verdicts; INCONCLUSIVE where there is none, or all were skipped.

    >>> conclude([Verdict.PASS, Verdict.WARN, Verdict.PASS]).value
    'warn'
    >>> conclude([]).value
    'inconclusive'
    """
    worst = max(verdicts, default=Verdict.SKIP)
    return Verdict.INCONCLUSIVE if worst is Verdict.SKIP else worst


def joined(findings: Sequence[Findings], *, subject: str = "") -> Findings:
    """Return several findings as one: all outcomes, named by their subject where there are several, and all datasets.

    `subject` says what all of them are about (default: the subjects of each).

    Raises ValueError where there is none to join.
    """
    if len(findings) == 1:
        return findings[0]
    if not findings:
        raise ValueError("there are no findings to join")
    outcomes = tuple(
        msgspec.structs.replace(o, subject=f"{f.subject}: {o.subject}", id=f"{i}.{o.id}")
        for i, f in enumerate(findings)
        for o in f.outcomes
    )
    origins = [f.provenance for f in findings]
    provenance = msgspec.structs.replace(
        origins[0], seconds=sum(p.seconds for p in origins), scans=sum(p.scans for p in origins),
        datasets=tuple(mark for p in origins for mark in p.datasets), suite=", ".join(dict.fromkeys(p.suite for p in origins)),
        suite_fingerprint="",
    )  # fmt: skip
    exhibits = tuple(
        msgspec.structs.replace(e, name=f"{e.name}.{i}", title=f"{f.subject}: {e.title}")
        for i, f in enumerate(findings)
        for e in f.exhibits
    )
    about = subject or ", ".join(dict.fromkeys(f.subject for f in findings))
    return Findings(about, outcomes, provenance, exhibits=exhibits)


def exit_code(verdict: Verdict) -> int:
    """Return the exit code of a verdict: 0 pass or warn, 1 fail, 3 inconclusive, error or nothing judged.

    >>> [exit_code(v) for v in Verdict]
    [3, 0, 0, 3, 1, 3]
    """
    if verdict in (Verdict.PASS, Verdict.WARN):
        return int(ExitCode.OK)
    return int(ExitCode.FAIL if verdict is Verdict.FAIL else ExitCode.NOT_JUDGED)
