"""The shapes of fault injection: an operator, a fault, an attempt to catch it, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import msgspec
import numpy as np

__all__ = ["Attempt", "Caught", "Fault", "Layer", "NoEffect", "NotApplicable", "On", "Operator", "Result"]

# What an operator changes: a frame, the frames of a split by name, a function, an object that predicts, or a file's bytes.
On = Literal["frame", "splits", "function", "model", "bytes"]


class Layer(Enum):
    """Where a fault is made: in which part of a system the mistake would have been."""

    DATA = "data"
    LABEL = "label"
    TRAIN = "train"
    FEATURE = "feature"
    MODEL = "model"
    SERVE = "serve"


class NotApplicable(Exception):
    """Say why an operator cannot be applied to this target: it has no such column, no time, no text that could break."""


class NoEffect(NotApplicable):
    """Say that an operator was applied, and the target is as it was: there was nothing for a test to notice."""


class Fault(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One mistake, made the same each time: an operator, where, how strong, and the seed of its chance.

    `severity` is what the operator's ladder holds: a share of rows in (0, 1], a factor, hours, or milliseconds; the operator says
    which. `settings` are the operator's other choices ({"token": "-1"}). `source` names the point where it is injected (a
    fixture, a function, a file), empty where there is only one.

    >>> Fault("unit_change", "income", 100).id
    'unit_change(income, 100)'
    """

    operator: str
    column: str = ""
    severity: float = 1.0
    seed: int = 0
    settings: dict[str, Any] = {}
    source: str = ""

    @property
    def id(self) -> str:
        """Return what a table calls it: operator, column and severity, such as `unit_change(income, 100)`."""
        return f"{self.operator}({', '.join([*([self.column] if self.column else []), f'{self.severity:g}'])})"


@dataclass(frozen=True)
class Operator:
    """A kind of mistake. ONE table entry and one function; the table feeds the command, the docs and the law tests.

    `apply(target, fault, rng)` returns the changed target and leaves the one it was given as it was; it raises `NotApplicable`
    where it cannot. `on` says what the target is: a Polars frame, frames by the name of their split, a function, an object
    with `predict`, or a file's bytes. `title` says what goes wrong, `story` how it happens in life. `ladder` are the severities
    that are tried, mildest first, and `unit` says what they are. `columns` are the kinds of column that it takes ("number",
    "text", "instant", "boolean", "any"); empty where it takes the whole table. `needs` are the settings that must be known
    ("label", "time", "entity", "other": a column's name each). `settings` are its other choices with their defaults.
    `keeps` says what stays as it was ("marginals": the column's own values, "rows": their number); tests hold it to that.
    `chance` is False where every seed makes the same mistake. `caught_by` names the kinds of check that catch it.
    """

    name: str
    layer: Layer
    title: str
    story: str
    apply: Callable[[Any, Fault, np.random.Generator], Any]
    ladder: tuple[float, ...] = (1.0,)
    unit: str = ""
    columns: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    caught_by: str = ""
    on: On = "frame"
    keeps: tuple[str, ...] = ("rows",)
    chance: bool = True

    def setting(self, fault: Fault, name: str) -> Any:
        """Return one of a fault's settings, or the operator's own choice where the fault has none."""
        return fault.settings.get(name, self.settings.get(name))


class Caught(Enum):
    """What became of one attempt. Only the first three count as a catch."""

    ASSERTION = "assertion"  # a test's own assertion, or a command that answered no
    CONTRACT = "contract"  # a contract of Assay inside a test
    CHECK = "check"  # a check of a suite, of drift, of an evaluation, or a gate
    CRASH = "crash"  # an error that nobody asserted: an accident is no test
    WARNING = "warning"  # said something, let it pass
    FLAKY = "flaky"  # caught in some seeds, in fewer than are asked for
    SURVIVED = "survived"
    NO_EFFECT = "no effect"  # the target did not change
    NOT_APPLICABLE = "not applicable"
    FAILED = "injection failed"
    NOT_RUN = "not run"

    @property
    def counts(self) -> bool:
        """Return whether this is a catch."""
        return self in (Caught.ASSERTION, Caught.CONTRACT, Caught.CHECK)


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One fault, and what a runner (a suite, pytest, a command) made of it.

    `by` names every test or check that caught it, the first one first; `first` is where among those that ran it stood (from
    0), `seconds` how long after the start. `why` is the message of the first. A clean run has no fault.
    """

    fault: Fault | None
    caught: Caught
    by: tuple[str, ...] = ()
    why: str = ""
    first: int | None = None
    ran: int = 0
    seconds: float = 0.0
    runner: str = ""


class Result(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What became of one operator on one column: every attempt, the least severity that was caught, its harm, and advice.

    `least` is the mildest severity that was caught in at least 80 % of its seeds; None where none was. `harm` is how much
    worse the model's metric was at the strongest severity, with its interval; None where no model was given. `advice` is the
    check that would have caught a survivor, as a line of YAML or Python, and was seen to from the severity `advised` on.
    `source` names where it was injected, where there are several points.
    """

    operator: str
    layer: str
    column: str
    attempts: tuple[Attempt, ...]
    caught: Caught
    least: float | None = None
    harm: float | None = None
    harm_low: float | None = None
    harm_high: float | None = None
    advice: str = ""
    advised: float | None = None
    source: str = ""
