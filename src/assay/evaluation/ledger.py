"""The ledger of evaluations: how often a labelled set has been looked at, and what that leaves of its intervals.

A set that decides which model to keep is part of the tuning: the best of many looks is flattered. The ledger counts the looks
at each set by its fingerprint, and says how much wider an interval has to be to hold for all of them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from assay.errors import ConfigError, UsageError
from assay.evaluation.trial import FAMILY, Part
from assay.stats.intervals import normal_quantile
from assay.verdict import Estimate, Exhibit, Outcome, Verdict

__all__ = ["Entry", "LedgerSettings", "Widths", "append", "looked", "read", "widths"]

Use = Literal["tuning", "final"]


class LedgerSettings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where evaluations are written down, what this one is for, and how many looks are too many.

    `path` is a file of JSON lines; empty for none. `use` is `tuning` where the figures help to choose a model, `final` where
    they are what is reported of it. More than `looks_at_most` looks at a labelled set is a warning; so is a `final` one at a
    set that was used for tuning.
    """

    path: str = ""
    use: Use = "tuning"
    looks_at_most: int = 10

    def __post_init__(self) -> None:
        if self.looks_at_most < 1:
            raise ValueError(f"looks_at_most is {self.looks_at_most}; it is 1 or more")


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One evaluation against a labelled set: when, of which set, for what, of which model, and the figures that it gave."""

    at: str
    fingerprint: str
    use: Use
    subject: str
    rows: int
    model: str = ""
    metrics: dict[str, float | None] = {}
    format: int = 1


class Widths(msgspec.Struct, frozen=True):
    """By how much an interval has to be wider to hold for every look: factors of its half width.

    `named` holds where the models of all looks were chosen before the first one: the union over k looks. `adaptive` holds
    where each model was chosen after seeing whether the one before was better: one bit a look leaves 2^(k-1) ways that the
    k-th model came to be.
    """

    named: float
    adaptive: float


def widths(looks: int, *, confidence: float = 0.95) -> Widths:
    """Return how much wider intervals have to be after so many looks at one set.

    With a = 1 - c: named z(a/2k) / z(a/2); adaptive z(a/2^k) / z(a/2), where z(p) is the normal quantile that a share p lies
    above. The first look has a factor of 1. The adaptive factor is an upper bound: it grows like the square root of k.
    Sources: Bonferroni; Dwork et al. 2015 ("The reusable holdout") and Blum & Hardt 2015 ("The Ladder") for counting what
    was revealed.

    >>> after = widths(10)
    >>> round(after.named, 2), round(after.adaptive, 2)
    (1.43, 1.99)
    """
    if looks < 1:
        return Widths(1.0, 1.0)
    miss = 1 - confidence
    z = normal_quantile(1 - miss / 2)
    named = -normal_quantile(miss / (2 * looks))
    log_share = math.log(miss) - looks * math.log(2)
    # far out, where a share is no float any more: the tail's own approximation, from above
    adaptive = -normal_quantile(math.exp(log_share)) if log_share > -600 else math.sqrt(-2 * log_share)
    return Widths(named / z, adaptive / z)


def read(path: str | Path) -> tuple[Entry, ...]:
    """Return every evaluation of a ledger, the oldest first; none where there is no such file yet.

    Raises ConfigError with file and line where one is no evaluation.
    """
    file = Path(path)
    if not file.exists():
        return ()
    if file.is_dir():
        raise ConfigError("the ledger is a folder; it is a file of JSON lines", place=str(path))
    found = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(msgspec.json.decode(line, type=Entry))
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise ConfigError(
                f"this is no evaluation: {error}",
                place=f"{path}:{number}",
                hint="restore the line, or begin a new ledger",
            ) from None
    return tuple(found)


def append(entry: Entry, path: str | Path) -> None:
    """Write an evaluation at the end of a ledger, on the disk when this returns; raise UsageError where that is not possible."""
    file = Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, msgspec.json.encode(entry) + b"\n")  # one write at the end: two at once do not mix
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise UsageError(f"the ledger cannot be written: {error.strerror}", place=str(path)) from None


def looked(entries: Sequence[Entry], this: Entry, *, settings: LedgerSettings, confidence: float = 0.95) -> Part:
    """Return what the ledger says of one more look at a labelled set: how many it is, and by how much to widen intervals.

    More looks than allowed, and a final look at a set that was tuned on, are a WARN.
    """
    before = [entry for entry in entries if entry.fingerprint == this.fingerprint]
    looks = len(before) + 1
    after = widths(looks, confidence=confidence)
    tuned = sum(entry.use == "tuning" for entry in before)
    said = f"it is look {looks} at this labelled set"
    if looks > 1:
        said += (
            f" ({tuned} for tuning, {len(before) - tuned} final before it): an interval that holds for all of them is {after.named:.2f}"
            f" times as wide, {after.adaptive:.2f} times where each model was chosen by the look before"
        )
    verdict = Verdict.PASS
    if looks > settings.looks_at_most:
        verdict = Verdict.WARN
        said += "; take a fresh labelled set for the final figure"
    elif this.use == "final" and tuned:
        verdict = Verdict.WARN
        said += "; a final figure is to come from a set that no model was chosen by"
    outcome = Outcome(
        "ledger", "looks", verdict, expected=f"at most {settings.looks_at_most}", observed=Estimate(looks, n=this.rows, confidence=1.0),
        why=said, n_rows=this.rows, level="warn", family=FAMILY, id="ledger.looks",
    )  # fmt: skip
    shown = [*before, this][-50:]
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "at": tuple(entry.at for entry in shown),
        "use": tuple(entry.use for entry in shown),
        "subject": tuple(entry.subject for entry in shown),
        "rows": tuple(entry.rows for entry in shown),
        "model": tuple(entry.model for entry in shown),
    }
    for name in this.metrics:
        columns[name] = tuple(entry.metrics.get(name) for entry in shown)
    title = "Evaluations against this labelled set"
    return Part(
        (outcome,), (Exhibit("ledger", title, columns, note="The fingerprint of its rows is the same in all."),)
    )
