"""Judge a dataset by a suite: plan every check, scan once, ask once, conclude.

A check that cannot be planned, measured or judged becomes one ERROR outcome with its reason and touches no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
import polars as pl

from assay.checks.bounds import shown
from assay.checks.check import (
    CannotJudge,
    Check,
    Context,
    Judged,
    NotCompared,
    Pending,
    QuestionTest,
    RowTest,
    Rule,
    StateTest,
    Test,
)
from assay.checks.expressions import expression
from assay.checks.rows import rows_judged
from assay.checks.suite import Suite
from assay.checks.table import get_rule
from assay.data.dataset import Dataset, first_line
from assay.data.engine import Answer, Engine, Progress
from assay.errors import AssayError, nearest
from assay.profiles.kernel import UNREADABLE, Failed, Measured, Measurement, RowRule, fits
from assay.profiles.profile import Profile
from assay.verdict import Example, Findings, Outcome, Provenance, Verdict

__all__ = ["Inputs", "Judgement", "Planned", "concluded", "fingerprint", "judge", "judge_states", "plan_checks"]


@dataclass(frozen=True)
class Inputs:
    """What a judgement is given beside the dataset and the suite: the clock, a reference, other datasets, functions."""

    now: datetime
    reference: Profile | None = None
    others: Mapping[str, Dataset] | None = None
    functions: Mapping[str, Callable[..., Any]] | None = None
    stage: str = ""
    seed: int | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why a check was not judged where that is no fault: it is for another stage, or has nothing to say here."""

    why: str


Judgement: TypeAlias = "Judged | Pending | Skipped | str"


@dataclass(frozen=True, slots=True)
class Planned:
    """A check with its test, or with the reason why there is none."""

    check: Check
    test: Test | None
    why: str = ""
    skipped: bool = False


def judge(
    suite: Suite, dataset: Dataset, inputs: Inputs, *, engine: Engine, progress: Progress | None = None
) -> Findings:
    """Return the findings of a suite on a dataset, from one scan, and one more where a check asks a question."""
    begun, scans = time.perf_counter(), engine.scans
    context = context_of(suite, dataset, inputs)
    planned = plan_checks(suite, context, stage=inputs.stage)
    measurement = measurement_of(planned, context)
    measured = engine.fold(dataset, measurement, progress=progress)
    outcomes = [*_judged(planned, measured, dataset, context, engine), *_stand_ins(suite, context)]
    known = inputs.reference.marks if inputs.reference is not None else ()
    others = (other.mark() for other in context.others.values() if not (known and other.part == "reference"))
    marks = (dataset.mark(measured.rows), *others, *known)
    provenance = Provenance(
        assay=inputs.version, started_at=inputs.now.isoformat(), seconds=round(time.perf_counter() - begun, 3),
        scans=engine.scans - scans, engine=engine.name, seed=inputs.seed, suite=suite.name,
        suite_fingerprint=fingerprint(suite), datasets=marks, versions={"polars": pl.__version__},
    )  # fmt: skip
    return Findings(dataset.name, tuple(outcomes), provenance)


def _stand_ins(suite: Suite, context: Context) -> list[Outcome]:
    """Return an ERROR outcome for each declared missing value that no row can hold, as a misspelt one is."""
    told = {
        name for check in suite.checks for name in (*_demanded(check), *(check.columns if check.if_present else ()))
    }
    wrong = []
    for name, values in suite.missing.items():
        if name in context.schema:
            dtype = context.schema[name]
            wrong += [
                (name, f"{shown(v)} is no value of {name!r}, which holds {dtype} values")
                for v in values
                if not fits(v, dtype)
            ]
        elif name not in told:
            wrong.append((name, f"there is no column {name!r}; {nearest(name, context.schema)}"))
    expected = "values that the column can hold"
    return [Outcome("missing", name, Verdict.ERROR, expected, why=why, family="completeness") for name, why in wrong]


def fingerprint(suite: Suite) -> str:
    """Return what identifies a suite's content: the BLAKE2b digest of its plain JSON, 16 hexadecimal digits."""
    import hashlib

    return hashlib.blake2b(msgspec.json.encode(suite, enc_hook=repr), digest_size=8).hexdigest()


def context_of(suite: Suite, dataset: Dataset, inputs: Inputs) -> Context:
    """Return what the rules may know."""
    roles = dataset.roles if dataset.roles.names() else suite.roles
    return Context(
        dataset=dataset, schema=dataset.schema, kinds=dataset.columns, roles=roles, now=inputs.now, sentinels=suite.missing,
        reference=inputs.reference, others=inputs.others or {}, functions=inputs.functions or {},
    )  # fmt: skip


def plan_checks(suite: Suite, context: Context, *, stage: str = "") -> list[Planned]:
    """Return every check with its test; those that are only for another stage are skipped."""
    told = {name for check in suite.checks if _in_stage(check, stage) for name in _demanded(check)}
    planned = [_plan(check, context, stage, told) for check in suite.checks]
    return _proven(planned, context)


def _in_stage(check: Check, stage: str) -> bool:
    return not check.only_in or stage in check.only_in


def _demanded(check: Check) -> tuple[str, ...]:
    """Return the columns whose absence breaks this very check, so that no other need say it again."""
    return check.columns if check.rule == "required" else getattr(check.arguments, "require", ())


def _plan(check: Check, context: Context, stage: str, told: AbstractSet[str]) -> Planned:
    if not _in_stage(check, stage):
        return Planned(check, None, f"only judged in {' or '.join(check.only_in)}", skipped=True)
    absent = [name for name in check.columns if name not in context.schema]
    if absent and (check.if_present or (check.rule != "required" and absent[0] in told)):
        return Planned(check, None, f"there is no column {absent[0]!r}", skipped=True)
    try:
        rule = get_rule(check.rule)
        _applies(rule, check, context)
        return Planned(check, _filtered(rule.plan(check, context), check, context))
    except NotCompared as reason:
        return Planned(check, None, str(reason), skipped=True)
    except AssayError as error:
        return Planned(check, None, str(error))
    except Exception as error:  # a check made of odd parts is an ERROR outcome: it must not take the others with it
        return Planned(check, None, f"the check cannot be planned: {type(error).__name__}: {first_line(error)}")


def _applies(rule: Rule, check: Check, context: Context) -> None:
    """Raise `CannotJudge` where a column is of a kind that the rule does not apply to."""
    if rule.kinds is None:
        return
    for name in check.columns:
        if (kind := context.kind(name)) not in rule.kinds:
            raise CannotJudge(f"{check.rule} does not apply to {name!r}, which holds {kind.value} values")


def _filtered(test: Test, check: Check, context: Context) -> Test:
    """Return a row test with the check's filter in it; other tests have put it in themselves, or cannot."""
    tolerant = check.tolerate_rows is not None or check.tolerate_share is not None
    if tolerant and (isinstance(test, StateTest) or (isinstance(test, QuestionTest) and not test.counts_rows)):
        raise CannotJudge(
            f"{check.rule} counts no failing rows, so that none can be tolerated", hint="loosen its bound instead"
        )
    if not check.where or isinstance(test, QuestionTest):
        return test
    if isinstance(test, StateTest):
        raise CannotJudge(
            f"{check.rule} measures the whole column and takes no filter", hint="filter the dataset, or use a row check"
        )
    return replace(test, where=expression(check.where, context))


def _proven(planned: list[Planned], context: Context) -> list[Planned]:
    """Return the plan with every row test tried on no rows, all at once; one by one where that fails."""
    rows = [p.test for p in planned if isinstance(p.test, RowTest)]
    empty = pl.DataFrame(schema=dict(context.schema))
    if _try(rows, empty) == "":
        return planned
    return [
        Planned(p.check, None, why) if isinstance(p.test, RowTest) and (why := _try([p.test], empty)) else p
        for p in planned
    ]


def _try(tests: Sequence[RowTest], empty: pl.DataFrame) -> str:
    parts = [part for test in tests for part in (test.failing, test.judged, test.where) if part is not None]
    try:
        empty.select([part.sum().alias(str(i)) for i, part in enumerate(parts)])
    except (*UNREADABLE, TypeError) as error:
        return first_line(error) or type(error).__name__
    return ""


def measurement_of(planned: Sequence[Planned], context: Context) -> Measurement:
    """Return the one measurement that all planned tests need."""
    needs = dict.fromkeys(need for p in planned if isinstance(p.test, StateTest) for need in p.test.needs)
    needs |= dict.fromkeys(
        p.test.shortcut.need for p in planned if isinstance(p.test, QuestionTest) and p.test.shortcut
    )
    known = tuple(
        name for name in (*context.roles.id, context.roles.time) if name is not None and name in context.schema
    )
    rules = tuple(rule_of(i, p.test, known) for i, p in enumerate(planned) if isinstance(p.test, RowTest))
    return Measurement(context.schema, tuple(needs), rules, context.sentinels or None)


def rule_of(place: int, test: RowTest, known: tuple[str, ...]) -> RowRule:
    """Return a row test as the kernel's row rule, known by its place in the suite.

    Its examples show the columns that identify a row (`known`) beside those that were judged.
    """
    return RowRule(
        str(place), test.failing, test.judged, tuple(dict.fromkeys((*known, *test.show))), test.raw, test.where
    )


def _judged(
    planned: Sequence[Planned], measured: Measured, dataset: Dataset, context: Context, engine: Engine
) -> list[Outcome]:
    answers = _answers(planned, measured, dataset, context, engine)
    return concluded(planned, [_judge_one(one, place, measured, answers) for place, one in enumerate(planned)])


def concluded(planned: Sequence[Planned], judgements: Sequence[Judgement]) -> list[Outcome]:
    """Return the outcomes of judgements, those that wait for one another corrected together."""
    waiting = [judged for judged in judgements if isinstance(judged, Pending)]
    settled = {id(one): judged for one, judged in zip(waiting, _corrected(waiting), strict=True)}
    return [
        outcome(one, settled[id(judged)] if isinstance(judged, Pending) else judged, place)
        for place, (one, judged) in enumerate(zip(planned, judgements, strict=True))
    ]


def _corrected(waiting: Sequence[Pending]) -> list[Judged]:
    if not waiting:
        return []
    from assay.stats.corrections import adjusted  # numpy's only use here, and only where something is compared

    found: dict[int, Judged] = {}
    for name in dict.fromkeys(one.correction for one in waiting):
        places = [place for place, one in enumerate(waiting) if one.correction == name]
        values = [waiting[place].p_value for place in places]
        among = sum(value is not None for value in values)
        for place, value in zip(places, adjusted(name, values), strict=True):
            found[place] = waiting[place].conclude(value, among)
    return [found[place] for place in range(len(waiting))]


def _answers(
    planned: Sequence[Planned], measured: Measured, dataset: Dataset, context: Context, engine: Engine
) -> dict[int, Judged | Answer]:
    """Return the judgement of every question that states already answer, and the engine's answers to the others."""
    settled: dict[int, Judged | Answer] = {}
    open_places = []
    for place, one in enumerate(planned):
        if not isinstance(one.test, QuestionTest):
            continue
        shortcut = one.test.shortcut
        state = measured.states.get(shortcut.need) if shortcut else None
        answer = shortcut.judge(state) if shortcut and state is not None and not isinstance(state, Failed) else None
        if answer is None:
            open_places.append(place)
        else:
            settled[place] = answer
    questions = [planned[place].test.question for place in open_places]  # type: ignore[union-attr]
    asked = engine.ask(dataset, questions, others=context.others) if questions else []
    return settled | dict(zip(open_places, asked, strict=True))


def _judge_one(planned: Planned, place: int, measured: Measured, answers: Mapping[int, Judged | Answer]) -> Judgement:
    """Return a judgement; or why there is none."""

    def judged(test: Test) -> Judgement:
        if isinstance(test, RowTest):
            return _of_rows(planned.check, test, measured, str(place))
        if isinstance(test, StateTest):
            return _of_states(test, measured)
        answer = answers[place]
        return answer if isinstance(answer, Judged) else _of_answer(planned.check, test, answer)

    return _guarded(planned, judged)


def judge_states(planned: Planned, measure: Callable[[StateTest], Measured]) -> Judgement:
    """Return the judgement of a test of states, on what `measure` gives for it; or why there is none."""

    def judged(test: Test) -> Judgement:
        assert isinstance(test, StateTest)
        return _of_states(test, measure(test))

    return _guarded(planned, judged)


def _guarded(planned: Planned, judge: Callable[[Test], Judgement]) -> Judgement:
    if planned.test is None:
        return Skipped(planned.why) if planned.skipped else planned.why
    try:
        return judge(planned.test)
    except NotCompared as reason:
        return Skipped(str(reason))
    except AssayError as error:
        return str(error)
    except Exception as error:  # a check that crashes is an ERROR outcome: it must neither pass nor stop the others
        return f"the check crashed: {type(error).__name__}: {first_line(error)}"


def _of_rows(check: Check, test: RowTest, measured: Measured, place: str) -> Judged | str:
    tally = measured.tallies[place]
    if tally.error:
        return tally.error
    return rows_judged(check, test.expected, judged=tally.judged, failing=tally.failing, examples=tally.examples)


def _of_states(test: StateTest, measured: Measured) -> Judged | Pending | str:
    for need in test.needs:
        state = measured.states[need]
        if isinstance(state, Failed):
            return f"{need.state} of {', '.join(need.columns)} cannot be measured: {state.why}"
    return test.judge(measured)


def _of_answer(check: Check, test: QuestionTest, answer: Answer) -> Judged | str:
    if answer.row is None:
        return answer.why
    if test.judge is not None:
        return test.judge(answer)
    row = answer.row
    examples = tuple(_example(item) for item in (row.get("examples") or [])[:5])
    return rows_judged(check, test.expected, judged=row["judged"] or 0, failing=row["failing"] or 0, examples=examples)


def _example(item: Mapping[str, Any]) -> Example:
    values = dict(item)
    row = values.pop("__row__", None)
    why = values.pop("__why__", "") or ""
    return Example(row, values, why)


def outcome(planned: Planned, judged: Judged | Skipped | str, place: int) -> Outcome:
    """Return the outcome of a judgement: its verdict follows from whether the bound holds and the check's level.

    A judgement that is text is the reason why the check could not be judged.
    """
    check = planned.check
    why = judged.why if isinstance(judged, Skipped) else judged
    seen = Judged(None, why=why) if isinstance(why, str) else why
    return Outcome(
        check=check.rule, subject=check.subject, verdict=_verdict(check, judged), expected=planned.test.expected if planned.test else "",
        observed=seen.observed, why=seen.why, n_rows=seen.n_rows, n_failing=seen.n_failing, examples=seen.examples, level=check.level,
        where=check.where, family=get_rule(check.rule).family, id=str(place), note=check.why, evidence=seen.evidence,
    )  # fmt: skip


def _verdict(check: Check, judged: Judged | Skipped | str) -> Verdict:
    if isinstance(judged, Skipped):
        return Verdict.SKIP
    if isinstance(judged, str):
        return Verdict.ERROR
    if judged.holds is None:
        return Verdict.INCONCLUSIVE
    broken = Verdict.WARN if check.level == "warn" else Verdict.FAIL
    return Verdict.PASS if judged.holds else broken
