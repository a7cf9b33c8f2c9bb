"""What must notice a fault, in one process: a suite, a schema, drift against a reference, contracts, or a person's own function."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from assay.checks.check import Check
from assay.checks.comparisons import comparisons
from assay.checks.drift.settings import DriftSettings, drift_suite
from assay.checks.judge import Inputs, judge
from assay.checks.of_schema import schema_checks
from assay.checks.suite import Suite
from assay.data.dataset import Dataset, Roles
from assay.data.polars_engine import PolarsEngine
from assay.errors import AssayError
from assay.profiles.profile import Profile, profile_dataset
from assay.profiles.schema import DatasetSchema
from assay.testing.contract import ContractBroken, Judgement, recording, run_contracts
from assay.verdict import Findings, Outcome, Verdict

__all__ = [
    "Judge",
    "contracts_judge",
    "dataset_of",
    "drift_judge",
    "function_judge",
    "name_of",
    "names_of",
    "profile_of",
    "schema_judge",
    "suite_judge",
]  # fmt: skip


@dataclass(frozen=True)
class Judge:
    """Something that judges a target: it returns outcomes, and `names` are what those that can catch are called, where known."""

    name: str
    judge: Callable[[Any], Sequence[Outcome]]
    names: tuple[str, ...] = ()


def name_of(judge: str, outcome: Outcome) -> str:
    """Return what a table calls the check of an outcome: `suite: between(age)`, and of which rows where that is said."""
    return _called(judge, outcome.check, outcome.subject, outcome.where)


def names_of(judge: str, checks: Iterable[Check]) -> tuple[str, ...]:
    """Return what a table calls checks, each name once."""
    return tuple(dict.fromkeys(_called(judge, check.rule, check.subject, check.where) for check in checks))


def _called(judge: str, rule: str, subject: str, where: str) -> str:
    return f"{judge}: {rule}({subject})" + (f" where {where}" if where else "")


def dataset_of(frame: pl.DataFrame, *, name: str = "batch", roles: Roles | None = None) -> Dataset:
    """Return a frame as a dataset; roles of columns that it does not have are left out, as a fault may have taken them."""
    told = roles or Roles()
    one = {
        role: column if column in frame.columns else None
        for role in ("time", "label", "prediction", "split")
        if (column := getattr(told, role)) is not None
    }
    kept = msgspec.structs.replace(
        told, **one, id=tuple(n for n in told.id if n in frame.columns), sensitive=tuple(n for n in told.sensitive if n in frame.columns)
    )  # fmt: skip
    return Dataset(name, "a frame", frame.lazy, roles=kept, n_rows=frame.height)


def profile_of(reference: pl.DataFrame, *, suite: Suite | None = None) -> Profile:
    """Return the profile of a reference, for checks that compare with it."""
    sentinels = suite.missing if suite is not None else None
    about = Dataset("reference", "a frame", reference.lazy, part="reference", n_rows=reference.height)
    return profile_dataset(about, engine=PolarsEngine(), sentinels=sentinels)


def suite_judge(
    suite: Suite, *, now: datetime, reference: pl.DataFrame | Profile | None = None, others: Mapping[str, Dataset] | None = None,
    functions: Mapping[str, Callable[..., Any]] | None = None, name: str = "suite",
) -> Judge:  # fmt: skip
    """Return a suite as what must notice; `reference`, or its profile, is what its checks compare with, where some do.

    `now` is the instant that counts as the present; it is the same in all runs.
    """
    known = profile_of(reference, suite=suite) if isinstance(reference, pl.DataFrame) else reference
    inputs = Inputs(now, known, others, functions)

    def judged(frame: pl.DataFrame) -> Sequence[Outcome]:
        return judge(suite, dataset_of(frame, roles=suite.roles), inputs, engine=PolarsEngine()).outcomes

    return Judge(name, judged, names_of(name, suite.checks))


def schema_judge(schema: DatasetSchema, *, now: datetime, name: str = "schema") -> Judge:
    """Return a dataset's schema as what must notice: types, required columns, values and keys."""

    def judged(frame: pl.DataFrame) -> Sequence[Outcome]:
        suite = Suite(schema_checks(schema, columns=frame.schema), name, schema.missing)
        return judge(suite, dataset_of(frame), Inputs(now), engine=PolarsEngine()).outcomes

    return Judge(name, judged, names_of(name, schema_checks(schema)))


def drift_judge(
    reference: pl.DataFrame, *, now: datetime, settings: DriftSettings | None = None, beside: bool = True, name: str = "drift"
) -> Judge:  # fmt: skip
    """Return the comparison with a reference as what must notice: drift of each column, by these settings.

    `beside` adds what compares single figures with the reference: new categories, a shifted mean, another unit, new columns.
    """
    known = profile_of(reference)
    drifting = drift_suite(known, settings or DriftSettings())
    suite = drifting.with_checks((*drifting.checks, *(comparisons(known) if beside else ())))
    inputs = Inputs(now, known)

    def judged(frame: pl.DataFrame) -> Sequence[Outcome]:
        return judge(suite, dataset_of(frame), inputs, engine=PolarsEngine()).outcomes

    return Judge(name, judged, names_of(name, suite.checks))


def contracts_judge(
    table: Mapping[str, Judgement], subject: Callable[[Any], Any], data: object, *, only: Sequence[str] = (), but: Sequence[str] = (),
    seed: int = 0, name: str = "contracts",
) -> Judge:  # fmt: skip
    """Return a family's contracts as what must notice; `subject` makes what they judge of the target, a function or a model."""

    def judged(target: Any) -> Sequence[Outcome]:
        return run_contracts(table, subject(target), data, only=only, but=but, seed=seed)

    return Judge(name, judged)


def function_judge(function: Callable[[Any], object], *, name: str = "") -> Judge:
    """Return a person's own function as what must notice: it raises AssertionError, or returns False or what did not pass.

    It may return an Outcome, several, Findings, a truth value, or nothing. A warning of Python that it lets out is a warning;
    another error is a crash; neither is a catch.
    """
    called = name or getattr(function, "__name__", type(function).__name__)
    return Judge(called, lambda target: _of_function(function, target, called), (f"{called}: {called}(table)",))


def _of_function(function: Callable[[Any], object], target: Any, called: str) -> Sequence[Outcome]:
    with warnings.catch_warnings(record=True) as told, recording() as judged:
        warnings.simplefilter("always")
        try:
            said = function(target)
        except ContractBroken as error:
            return error.outcomes
        except AssertionError as error:
            return [_one(called, Verdict.FAIL, _line(error) or _asserted(error))]
        except AssayError:
            raise
        except Exception as error:  # a person's code may raise anything, and a crash is no catch
            return [_one(called, Verdict.ERROR, f"{type(error).__name__}: {_line(error)}")]
    warned = [_one(called, Verdict.WARN, _line(one.message)) for one in told]
    return [*_returned(said, called), *judged, *warned]


def _returned(said: object, called: str) -> list[Outcome]:
    if isinstance(said, Outcome):
        return [said]
    if isinstance(said, Findings):
        return list(said.outcomes)
    if isinstance(said, Iterable) and not isinstance(said, str | bytes | pl.DataFrame | pl.Series):
        found = list(said)
        if found and all(isinstance(each, Outcome) for each in found):
            return found
    failed = said is False or (type(said).__name__ == "bool" and not bool(said))  # numpy's bool is none of Python's
    return [_one(called, Verdict.FAIL if failed else Verdict.PASS, f"it returned {said!r}" if failed else "")]


def _one(called: str, verdict: Verdict, why: str) -> Outcome:
    return Outcome(called, "table", verdict, why=why, family="assertion")


def _asserted(error: AssertionError) -> str:
    """Return the line of code that failed, for an assertion that says nothing itself."""
    frames = traceback.extract_tb(error.__traceback__)
    return (frames[-1].line if frames else "") or "an assertion failed"


def _line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else ""
