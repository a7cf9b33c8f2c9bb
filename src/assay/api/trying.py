"""Test the tests: put faults into data, fixtures, functions and models, and see what notices."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec

from assay.api.options import DEFAULTS, SEED, Options, instant
from assay.checks.suite import Suite
from assay.checks.suite import load_suite as loaded
from assay.data.dataset import Dataset
from assay.data.sources import dataset
from assay.errors import AssayError, UsageError
from assay.evaluation.trial import Trial
from assay.testing.faults.advice import check_advice, contract_advice
from assay.testing.faults.command import Script, judged_by
from assay.testing.faults.fault import Attempt, Caught, Fault, NoEffect, NotApplicable, Result
from assay.testing.faults.harm import harm, harmed
from assay.testing.faults.injecting import inject
from assay.testing.faults.judges import Judge, contracts_judge, drift_judge, suite_judge
from assay.testing.faults.plan import Wanted, planned
from assay.testing.faults.pytest_runner import PytestRun, Seen, run_tests
from assay.testing.faults.report import findings_of
from assay.testing.faults.runner_checks import CLEAN, Batches, run_checks
from assay.testing.faults.scoring import results_of
from assay.verdict import Findings, Mark, Provenance

if TYPE_CHECKING:
    import polars as pl

    from assay.evaluation.columns import Task
    from assay.evaluation.models.model import Model

__all__ = ["Terms", "trial_of", "try_checks", "try_command", "try_tests"]

MOST_ROWS = 200_000
SCRIPT_CLEAN = 5


@dataclass(frozen=True)
class Terms:
    """How faults are tried: which (`wanted`), after how many clean runs, on how many rows, and what is asked of the tests.

    `clean` is 20 for checks, 5 for a command and 2 for pytest by default. A run judges `rows` rows (default: 80 % of the data, at
    most 10,000). `trial` is a model with its labelled rows, by which harmless faults are set apart. `advise` looks for the check
    that would have caught each survivor. `at_least` is the share of faults that must be caught.

    >>> Terms(Wanted(operators=("nulls",)), at_least=0.8).advise
    True
    """

    wanted: Wanted = field(default_factory=Wanted)
    clean: int | None = None
    rows: int = 0
    trial: Trial | None = None
    advise: bool = True
    at_least: float | None = None


def try_checks(
    data: object, *, suite: Suite | str | Path | None = None, drift: bool = False,
    functions: Mapping[str, Callable[..., Any]] | None = None, terms: Terms | None = None, options: Options = DEFAULTS,
) -> Findings:  # fmt: skip
    r"""Put faults into draws of clean data, and return what a suite, or the comparison with the data, makes of each.

    Clean draws come first: a check that fails those catches nothing. Each severity of each fault is tried with several seeds;
    the least that is caught in 80 % of them counts. `functions` are what the suite's own checks call.

    Raises UsageError where there is nothing that must notice, or no fault fits the data.

    >>> import polars as pl
    >>> from assay import Wanted, parse_suite, try_checks
    >>> ages = pl.DataFrame({"age": [20 + i % 50 for i in range(500)]})
    >>> suite = parse_suite("columns:\n  age: {between: [18, 80]}")
    >>> wanted = Wanted(operators=("unit_change", "nulls"))
    >>> found = try_checks(ages, suite=suite, terms=Terms(wanted, advise=False))
    >>> [(o.subject, o.verdict.value) for o in found.outcomes[2:]]
    [('nulls(age)', 'warn'), ('unit_change(age)', 'pass')]
    """
    start = perf_counter()
    terms = terms or Terms()
    frame, about = _frame(data)
    wanted = _with_roles(terms.wanted, about)
    now = instant(options)
    judges = _judges(frame, suite, drift=drift, functions=functions, now=now)
    batches = Batches(frame, terms.rows, wanted.time, options.seed)
    plan = planned(batches.draw(0), wanted)
    attempts = run_checks(
        judges, batches, plan.faults, clean=terms.clean or CLEAN, tell=_told(options)
    )  # fmt: skip
    results = _with_harm(results_of(attempts), terms)
    if terms.advise:
        results = check_advice(results, batches, now=now, label=wanted.label, seed=options.seed)
    names = [name for judge in judges for name in judge.names]
    return findings_of(
        attempts, subject=f"{' and '.join(judge.name for judge in judges)} of {about.name}", results=results, names=names,
        provenance=_provenance(start, options, (_mark(about, frame),)), at_least=terms.at_least, left_out=plan.left_out,
    )  # fmt: skip


def try_command(
    command: str, data: object, *, folder: str | Path = ".", suffix: str = "", limit: float = 60.0, terms: Terms | None = None,
    options: Options = DEFAULTS,
) -> Findings:  # fmt: skip
    r"""Put faults into draws of clean data, hand each to a command as a file, and return what it makes of them.

    `{data}` in the command is where the file's path goes; the file has the suffix of the data, or `suffix`. A run may take `limit`
    seconds. A code other than 0 is a catch, unless an error that nobody asserted ended it; a line that warns and that clean data
    does not bring is a warning.

    Raises UsageError where the command has no place for the data, cannot be started, or rejects clean data every time.

    >>> import sys, polars as pl
    >>> judge = f"{sys.executable} -c 'import sys, polars; assert polars.read_csv(sys.argv[1])[\"age\"].max() < 120' {{data}}"
    >>> once = Terms(
    ...     Wanted(operators=("unit_change",), severities={"unit_change": (100.0,)}, seeds=1), clean=1, advise=False
    ... )
    >>> found = try_command(judge, pl.DataFrame({"age": [31, 44, 52]}), suffix=".csv", terms=once)
    >>> found.table("faults")["caught"].to_list()
    ['assertion']
    """
    start = perf_counter()
    terms = terms or Terms()
    frame, about = _frame(data)
    wanted = _with_roles(terms.wanted, about)
    batches = Batches(frame, terms.rows, wanted.time, options.seed)
    plan = planned(batches.draw(0), wanted)
    script = Script(command, suffix or _suffix(data), Path(folder), limit)
    attempts = _scripted(script, batches, plan.faults, terms.clean or SCRIPT_CLEAN, _told(options))
    results = _with_harm(results_of(attempts), terms)
    if terms.advise:
        results = check_advice(results, batches, now=instant(options), label=wanted.label, seed=options.seed)
    return findings_of(
        attempts, subject=command, results=results, names=[command], at_least=terms.at_least, left_out=plan.left_out,
        provenance=_provenance(start, options, (_mark(about, frame),)),
    )  # fmt: skip


def try_tests(tests: PytestRun, *, terms: Terms | None = None, options: Options = DEFAULTS) -> Findings:
    r"""Run a person's own pytest suite with faults in its fixtures and functions, and return which tests catch which.

    Nothing of the tests is changed: the plugin puts a fault into what a fixture returns (rows, rows with labels, splits, a file, a
    model), into a function that the tests call, or into what a function returns. Each fault is tried in a warm process; clean runs
    come first, and a test that fails those catches nothing.

    Raises UsageError where pytest cannot run, no test uses a source, or no fault fits.

    >>> import tempfile
    >>> from assay.testing.faults.pytest_runner import sources_of
    >>> tests = "import pytest\n@pytest.fixture\ndef ages():\n    return [{'age': 31}, {'age': 44}]\n"
    >>> tests += "def test_ages(ages):\n    assert max(row['age'] for row in ages) < 120\n"
    >>> once = Terms(
    ...     Wanted(operators=("unit_change",), severities={"unit_change": (100.0,)}, seeds=1), clean=1, advise=False
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "test_ages.py").write_text(tests)
    ...     found = try_tests(PytestRun(("test_ages.py",), sources_of(["ages"]), folder=Path(folder)), terms=once)
    >>> found.table("faults").select("operator", "caught", "least").row(0)
    ('unit_change', 'assertion', 100.0)
    """
    start = perf_counter()
    terms = terms or Terms()
    run = replace(tests, clean=terms.clean or tests.clean)
    seen = run_tests(run, terms.wanted, tell=_told(options))
    attempts = _without_noise(seen.attempts)
    results = _with_harm(results_of(attempts), terms)
    if terms.advise:
        results = _advised(results, seen, run, terms.wanted, options)
    mark = Mark(f"{seen.tests} tests", " ".join(run.arguments) or ".", "")
    return findings_of(
        attempts, subject=f"pytest {' '.join(run.arguments)}".strip(), results=results, names=seen.names, at_least=terms.at_least,
        provenance=_provenance(start, options, (mark,)),
    )  # fmt: skip


def trial_of(data: object, model: Model, *, task: Task, label: str) -> Trial:
    """Return a model and labelled rows as a trial, by which the harm of a fault is measured.

    Raises UsageError where the rows do not have the label, DataError where the model does not answer them.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"age": [20 + i % 60 for i in range(200)], "old": [i % 60 > 30 for i in range(200)]})
    >>> from assay import open_model
    >>> trial_of(rows, open_model(lambda frame: frame["age"] > 50), task="binary", label="old").lead
    'accuracy'
    """
    from assay.evaluation.columns import Columns
    from assay.evaluation.evaluate import trial_of_frame
    from assay.evaluation.settings import EvaluationSettings

    frame, about = _frame(data)
    about.refuse_unknown([label])
    return trial_of_frame(
        frame, Columns(label=label), name=about.name, task=task, told=EvaluationSettings(), model=model, seed=SEED
    )


def _frame(data: object) -> tuple[pl.DataFrame, Dataset]:
    about = dataset(data)
    return about.scan().head(MOST_ROWS).collect(), about


def _mark(about: Dataset, frame: pl.DataFrame) -> Mark:
    """Return the mark of the rows that were drawn from; it says so where these are the first ones only."""
    mark = about.mark(frame.height)
    if frame.height < MOST_ROWS:
        return mark
    said = f"draws are of the first {MOST_ROWS:,} rows"
    return msgspec.structs.replace(mark, notes=(*mark.notes, said))


def _with_roles(wanted: Wanted, about: Dataset) -> Wanted:
    """Return what is wanted with the roles that the dataset has, where it does not name its own."""
    roles = about.roles
    return msgspec.structs.replace(
        wanted,
        time=wanted.time or roles.time or "",
        label=wanted.label or roles.label or "",
        keys=wanted.keys or roles.id,
    )


def _judges(
    frame: pl.DataFrame, suite: Suite | str | Path | None, *, drift: bool, functions: Mapping[str, Callable[..., Any]] | None, now: datetime
) -> list[Judge]:  # fmt: skip
    judges = []
    if suite is not None:
        told = loaded(suite) if isinstance(suite, str | Path) else suite
        judges.append(suite_judge(told, now=now, reference=frame, functions=functions))
    if drift:
        judges.append(drift_judge(frame, now=now))
    return judges


def _scripted(
    script: Script, batches: Batches, faults: Sequence[Fault], clean: int, tell: Callable[[int, int], None] | None
) -> tuple[Attempt, ...]:  # fmt: skip
    attempts: list[Attempt] = []
    todo = clean + len(faults)
    with tempfile.TemporaryDirectory(prefix="assay-faults-") as scratch:
        path = Path(scratch) / f"data{script.suffix}"
        said: frozenset[str] = frozenset()
        for number in range(clean):
            attempt, lines = judged_by(script, batches.draw(number), None, path=path)
            attempts.append(attempt)
            said |= lines
            if tell is not None:
                tell(len(attempts), todo)
        if all(one.caught is not Caught.SURVIVED and one.caught is not Caught.WARNING for one in attempts):
            raise UsageError(
                f"the command rejects clean data: {attempts[0].why}", hint="it must pass before faults are tried"
            )
        knowing = replace(script, said=said)
        for fault in faults:
            attempts.append(_scripted_fault(knowing, batches, fault, path))
            if tell is not None:
                tell(len(attempts), todo)
    return tuple(attempts)


def _scripted_fault(script: Script, batches: Batches, fault: Fault, path: Path) -> Attempt:
    try:
        changed = inject(batches.draw(fault.seed), fault)
    except NotApplicable as reason:
        caught = Caught.NO_EFFECT if isinstance(reason, NoEffect) else Caught.NOT_APPLICABLE
        return Attempt(fault, caught, why=str(reason), runner="command")
    return judged_by(script, changed, fault, path=path)[0]


def _with_harm(results: tuple[Result, ...], terms: Terms) -> tuple[Result, ...]:
    trial = terms.trial
    return results if trial is None else harmed(results, lambda fault: harm(trial, fault))


def _without_noise(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Return attempts without the tests that fail in clean runs too: what only fails everything catches nothing."""
    red = {name for one in attempts if one.fault is None for name in one.by}
    if not red:
        return tuple(attempts)
    return tuple(one if one.fault is None else _without(one, red) for one in attempts)


def _without(one: Attempt, red: set[str]) -> Attempt:
    left = tuple(name for name in one.by if name not in red)
    if len(left) == len(one.by):
        return one
    if left:
        return msgspec.structs.replace(one, by=left, why="", first=None)
    return msgspec.structs.replace(one, by=(), caught=Caught.SURVIVED, why="", first=None)


def _advised(
    results: tuple[Result, ...], seen: Seen, run: PytestRun, wanted: Wanted, options: Options
) -> tuple[Result, ...]:
    """Return the results with advice: checks of the rows that a source gave, contracts of a function that the tests called."""
    import polars as pl

    told: list[Result] = []
    for source in dict.fromkeys(one.source for one in results):
        those = tuple(one for one in results if one.source == source)
        held = seen.held.get(source)
        if isinstance(held, pl.DataFrame) and ":" not in source:
            roles = _fitting(wanted, held)
            batches = Batches(held, held.height, "", options.seed)
            those = check_advice(those, batches, now=instant(options), label=roles.label, seed=options.seed)
        elif held is not None and source.partition(":")[1]:
            those = _by_contracts(those, source, held, run, wanted)
        told += those
    return tuple(told)


def _fitting(wanted: Wanted, frame: pl.DataFrame) -> Wanted:
    there = {name: value for name in ("time", "entity", "label") if (value := getattr(wanted, name)) in frame.columns}
    return msgspec.structs.replace(wanted, **{"time": "", "entity": "", "label": "", **there})


def _by_contracts(
    results: tuple[Result, ...], source: str, rows: object, run: PytestRun, wanted: Wanted
) -> tuple[Result, ...]:
    """Return the results of a function with the contracts that catch its faults, on the rows that the tests gave it."""
    from assay.testing.faults.pytest_worker import named
    from assay.testing.features.feature import feature
    from assay.testing.features.table import FEATURE_CONTRACTS

    folder = str(run.folder.resolve())
    sys.path.insert(0, folder)
    try:
        function = named(source)
    except AssayError:  # the tests could import it in their own way; without it there is no advice, and no harm
        return results
    finally:
        sys.path.remove(folder)
    name = source.rpartition(":")[2]
    columns = getattr(rows, "columns", ())
    roles = {role: value for role in ("time", "entity") if (value := getattr(wanted, role)) in columns}
    judge = contracts_judge(FEATURE_CONTRACTS, lambda made: feature(made, name=name, **roles), rows)
    return contract_advice(results, judge, FEATURE_CONTRACTS, lambda _: function, subject=name)


def _suffix(data: object) -> str:
    suffixes = (
        [part for part in Path(str(data)).suffixes if part not in (".gz", ".zst")]
        if isinstance(data, str | Path)
        else []
    )
    return suffixes[-1] if suffixes else ".parquet"


def _told(options: Options) -> Callable[[int, int], None] | None:
    """Return what is told how many attempts are done; the options' own progress is told the percent."""
    progress = options.progress
    if progress is None:
        return None
    return lambda done, todo: progress(100 * done // max(todo, 1))


def _provenance(start: float, options: Options, marks: tuple[Mark, ...]) -> Provenance:
    from assay import __version__

    now = instant(options)
    return Provenance(__version__, now.isoformat(), seconds=perf_counter() - start, seed=options.seed, datasets=marks)
