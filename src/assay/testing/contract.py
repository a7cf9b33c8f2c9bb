"""A contract: a judgement of code, and what all contracts share: one shape, one record of what was judged, one message.

A contract is a plain function of what it judges (a feature, a model, a network, a pipeline) and of data, which returns an
`Outcome`. The decorator `contract` makes it one; each family lists its own in a table.
"""

from __future__ import annotations

import inspect
import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import numpy as np

from assay.errors import AssayError, UsageError, nearest
from assay.testing.explaining import explained
from assay.testing.record import noted, recording
from assay.verdict import Estimate, Example, Findings, Outcome, Verdict, conclude

__all__ = [
    "FAMILY", "Contract", "ContractBroken", "Crashed", "Judgement", "Subject", "Undeclared", "broken", "call", "contract", "expect", "held",
    "recording", "run_contracts", "seeded", "undecided",
]  # fmt: skip

FAMILY = "contract"

S = TypeVar("S", bound="Subject")
P = ParamSpec("P")
R = TypeVar("R")


class Subject(Protocol):
    """What contracts judge: it has a name, and what was declared of it are its attributes."""

    @property
    def name(self) -> str:
        """Return what messages call it."""
        ...


@dataclass(frozen=True, slots=True)
class Contract:
    """What a table says of a contract.

    `title` is what it demands, in one sentence that is true of good code; `catches` names the mistakes that break it; `needs`
    are the attributes of the subject that must be declared (a contract whose needs are not is skipped, by name); `rubric` are
    the tests of the ML Test Score that it is evidence of ("D7"); `about` is the family: feature, model, network or pipeline.
    """

    name: str
    about: str
    title: str
    catches: str
    needs: tuple[str, ...] = ()
    rubric: tuple[str, ...] = ()


class Judgement(Protocol):
    """A function that `contract` made one: it can be called, and says what it is."""

    contract: Contract

    def __call__(self, subject: Any, data: Any = None, /, **settings: Any) -> Outcome:
        """Return the outcome for this subject on this data."""
        ...


class ContractBroken(AssertionError):
    """Say that a contract does not hold, with the rows that show it. It is an AssertionError, as tests expect.

    >>> print(ContractBroken([Outcome("repeatable", "rolling", Verdict.FAIL, why="two calls differ in 3 of 10 rows")]))
    FAIL repeatable of rolling: two calls differ in 3 of 10 rows
    """

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = tuple(outcomes)
        super().__init__("\n\n".join(explained(outcome) for outcome in outcomes))


class Undeclared(UsageError):
    """Say what a contract needs that was neither declared nor given; where many contracts run, that one is skipped and says so."""


class Crashed(Exception):
    """Say that code under test raised an error, which one, and in which line; contracts turn it into an outcome."""

    def __init__(self, error: Exception, what: str) -> None:
        self.error = error
        self.what = what
        super().__init__(f"{what} raised {_named(error)} ({_line_of(error)})")


def contract(
    about: str, *, title: str, catches: str, needs: Sequence[str] = (), rubric: Sequence[str] = ()
) -> Callable[[Callable[Concatenate[S, P], Outcome]], Callable[Concatenate[S, P], Outcome]]:
    """Make a function `(subject, data, *, …) -> Outcome` a contract of the family `about`; its name is the function's.

    The outcome gets the contract's name, the subject's name and the family. Where code under test raised an error that the
    function did not judge itself, the outcome is ERROR, with the error and its line: a crash is never a pass. Errors of Assay
    itself (`AssayError`: a missing column, a wrong argument) are raised.

    Calling it without what `needs` names raises UsageError.
    """

    def made(function: Callable[Concatenate[S, P], Outcome]) -> Callable[Concatenate[S, P], Outcome]:
        told = Contract(function.__name__, about, title, catches, tuple(needs), tuple(rubric))

        @wraps(function)
        def judged(subject: S, /, *args: P.args, **kwargs: P.kwargs) -> Outcome:
            missing = undeclared(told, subject)
            if missing:
                raise Undeclared(
                    f"{told.name} of {subject.name} needs {' and '.join(f'{name}=' for name in missing)}",
                    hint=f"declare {'it' if len(missing) == 1 else 'them'} where the {about} is made",
                )
            try:
                seen = function(subject, *args, **kwargs)
            except Crashed as crash:
                seen = Outcome(told.name, subject.name, Verdict.ERROR, why=str(crash))
            return noted(_signed(seen, told, subject))

        judged.contract = told  # type: ignore[attr-defined]
        return judged

    return made


def undeclared(told: Contract, subject: Subject) -> list[str]:
    """Return what the contract needs and the subject does not declare: None, or empty."""
    return [name for name in told.needs if _empty(getattr(subject, name, None))]


def run_contracts(
    table: Mapping[str, Judgement], subject: Subject, data: object, *, only: Sequence[str] = (), but: Sequence[str] = (),
    settings: Mapping[str, object] | None = None, seed: int = 0,
) -> tuple[Outcome, ...]:  # fmt: skip
    """Return the outcomes of a family's contracts on one subject; SKIP, with what is missing, for those that need more.

    `only` and `but` name the contracts to run and those to leave out. Each contract is given those of the `settings` that it
    takes (`new=`, the rows kept out of training; `budget=`), and `seed` where it takes one.

    Raises UsageError where a name is not in the table, a setting is none of any contract that runs, or `only` names a contract
    whose needs are not declared.
    """
    only, but = ((names,) if isinstance(names, str) else tuple(names) for names in (only, but))
    for name in (*only, *but):
        if name not in table:
            raise UsageError(f"there is no contract {name!r}", hint=nearest(name, table, most=len(table)))
    chosen = {name: judge for name, judge in table.items() if (not only or name in only) and name not in but}
    takes = {name: set(inspect.signature(judge).parameters) for name, judge in chosen.items()}
    given = dict(settings or {})
    for key in given:
        if not any(key in names for names in takes.values()):
            known = sorted(set().union(*takes.values()) - {"subject", "data", "seed"})
            raise UsageError(f"no contract takes {key}=", hint=nearest(key, known, most=len(known)))
    told = {"seed": seed, **given}
    return tuple(
        _judged(judge, subject, data, {key: told[key] for key in told if key in takes[name]}, asked=name in only)
        for name, judge in chosen.items()
    )


def _judged(
    judge: Judgement, subject: Subject, data: object, settings: Mapping[str, object], *, asked: bool
) -> Outcome:
    """Return the outcome of one of many contracts: SKIP where it needs more than there is, unless it was asked for by name."""
    told = judge.contract
    try:
        return judge(subject, data, **settings)
    except Undeclared as error:
        if asked:
            raise
        missing = undeclared(told, subject)
        why = (
            f"it needs {' and '.join(f'{each}=' for each in missing)}, which is not declared" if missing else str(error)
        )
        return noted(_signed(Outcome(told.name, subject.name, Verdict.SKIP, why=why), told, subject))


def held(why: str, *, n_rows: int | None = None, observed: Estimate | None = None, note: str = "") -> Outcome:
    """Return the outcome of a contract that was kept; `why` says what was tried, so that a pass shows its work."""
    return Outcome("", "", Verdict.PASS, why=why, n_rows=n_rows, observed=observed, note=note)


def broken(
    why: str, *, examples: Sequence[Example] = (), n_rows: int | None = None, n_failing: int | None = None,
    observed: Estimate | None = None, note: str = "",
) -> Outcome:  # fmt: skip
    """Return the outcome of a contract that was broken: which input broke it (`why`), and its rows, shrunk (`examples`).

    `note` is the way out: what the author most likely meant to write, or what to declare if the code is right.
    """
    return Outcome(
        "",
        "",
        Verdict.FAIL,
        why=why,
        examples=tuple(examples),
        n_rows=n_rows,
        n_failing=n_failing,
        observed=observed,
        note=note,
    )


def undecided(why: str, *, n_rows: int | None = None, note: str = "") -> Outcome:
    """Return the outcome of a contract that could not be judged on this data, and what it would take."""
    return Outcome("", "", Verdict.INCONCLUSIVE, why=why, n_rows=n_rows, note=note)


def call(function: Callable[..., R], *args: object, what: str, **kwargs: object) -> R:
    """Return what code under test answers; raise `Crashed`, which says `what` was called, where it raises an error."""
    try:
        return function(*args, **kwargs)
    except AssayError:
        raise
    except Exception as error:  # whatever a person's code may raise is what the contract is about
        raise Crashed(error, what) from error


def seeded(name: str, seed: int) -> np.random.Generator:
    """Return a generator for the contract of this name: another for each name, the same each time."""
    return np.random.default_rng([zlib.crc32(name.encode()), seed])


def expect(*judged: Outcome | Findings) -> None:
    """Raise `ContractBroken`, with each message whole, unless all of these passed; what could not be judged has not.

    >>> expect(Outcome("repeatable", "rolling", Verdict.PASS))
    >>> expect(Outcome("repeatable", "rolling", Verdict.FAIL, why="two calls differ in 3 of 10 rows"))
    Traceback (most recent call last):
    assay.testing.contract.ContractBroken: FAIL repeatable of rolling: two calls differ in 3 of 10 rows
    """
    __tracebackhide__ = True  # pytest shows the line that expected, not this one
    told: tuple[object, ...] = judged
    stray = next((one for one in told if not isinstance(one, Outcome | Findings)), None)
    if stray is not None or not judged:
        what = "nothing" if not judged else f"{stray!r}, which is no outcome"
        raise UsageError(f"expect was given {what}", hint="give what contracts return: outcomes or findings")
    given = [each for one in judged for each in (one.outcomes if isinstance(one, Findings) else (one,))]
    # A contract was noted where it was judged; what else is expected (checks of data, an evaluation) is noted here.
    outcomes = [each if each.family == FAMILY else noted(each) for each in given]
    if conclude(outcome.verdict for outcome in outcomes):
        return
    passed = (Verdict.PASS, Verdict.WARN, Verdict.SKIP)
    raise ContractBroken([o for o in outcomes if o.verdict not in passed] or outcomes)


def _signed(seen: Outcome, told: Contract, subject: Subject) -> Outcome:
    import msgspec

    return msgspec.structs.replace(
        seen,
        check=told.name,
        subject=subject.name,
        family=FAMILY,
        id=f"{told.about}.{told.name}.{subject.name}",
        expected=seen.expected or told.title,
    )


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, str | tuple | list | dict) and not value)


def _named(error: Exception) -> str:
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


def _line_of(error: Exception) -> str:
    """Return the innermost line of a person's own code, else the innermost line; packages' own lines are passed over."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        f
        for f in frames
        if "site-packages" not in f.filename
        and f"{Path('assay', 'testing')}" not in f.filename
        and not f.filename.startswith("<")
    ]
    at = (own or list(frames))[-1] if frames else None
    return f"{Path(at.filename).name}:{at.lineno}" if at is not None else "no line is known"
