"""Suggest a suite: what a reference shows, written down as checks that fresh samples of it pass.

Proposals come from one scan, which profiles the rows in parts; a second scan judges every proposal on parts that it was
not made from. A check that broke there is given a tolerance, or kept as a warning, or left out; the suite's notes say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce
from typing import Any

import msgspec
import polars as pl
from numpy.random import Generator

from assay.checks.check import Check, Context, QuestionTest
from assay.checks.dependencies import determined
from assay.checks.heldout import GROUPS, HALVES, WHOLE, Cut, Part, Parts, PartsPlan, Result, Tried, results
from assay.checks.judge import Inputs, context_of, plan_checks
from assay.checks.pairs import relation_candidates, telling
from assay.checks.proposals import LEAST_ROWS, Learned, key_candidates, propose
from assay.checks.rows import rows_judged
from assay.checks.standins import stand_ins
from assay.checks.suite import Suite, make_check
from assay.checks.table import get_rule
from assay.checks.trials import Trial, decide, notes
from assay.data.dataset import Dataset, Roles
from assay.data.engine import Engine
from assay.errors import DataError
from assay.profiles.column import Need
from assay.profiles.kernel import Measured, Measurement
from assay.profiles.profile import Profile, from_measured, profile_needs

__all__ = ["suggest"]

STRETCHES = 20
ROWS_IN_STRETCH = 25
LEAST_STRETCHES = 5
CELLS = 2_000  # columns times stretches at most, so that their profiles fit in memory
PROFILE, TRIAL = 0, 1
KEYS = 12
PEEK = 10_000


def suggest(dataset: Dataset, *, engine: Engine, now: datetime, rng: Generator, roles: Roles | None = None) -> Suite:
    """Return a suite that the dataset passes, and fresh samples of it; the notes say how it was tried and what came out.

    `rng` draws the random halves; `now` is the present instant, which no time may lie after. Two scans, one more where
    columns may be keys, and a short one for the stretches of a time column. Raises `DataError` where the dataset has no
    column, or a row cannot be read.
    """
    dataset = dataset if roles is None else dataset.with_roles(roles)
    if not dataset.schema:
        raise DataError("there is no column to say anything about", place=dataset.source)
    cut = _cut(dataset, engine, seed=int(rng.integers(2**32)))
    parts = engine.fold(dataset, PartsPlan(cut, _profiling(dataset, cut)))
    context = context_of(Suite(roles=dataset.roles), dataset, Inputs(now=now))
    learned = _learned(dataset, parts, cut, now=now)
    proposed = propose(learned)
    candidates = relation_candidates(learned.whole)
    trials = _trials(dataset, parts, learned)
    judged = _try(
        proposed.with_checks((*proposed.checks, *candidates)), trials, parts, cut=cut, context=context, engine=engine
    )
    decided = decide(proposed, judged)
    proven = telling([c for c in candidates if (judged[0].result(c) or _UNKNOWN).holds])
    keys = _keys(learned, _of(context, proposed), engine)
    checks = _ordered([*decided.checks, *keys, *proven], dataset.schema)
    return msgspec.structs.replace(proposed, checks=checks, notes=notes(learned, decided, judged, cut=cut))


_UNKNOWN = Result(Check(""), None)


def _cut(dataset: Dataset, engine: Engine, *, seed: int) -> Cut:
    """Return how the rows are cut: by time where a column has that role, else in the order of the rows."""
    rows, time = dataset.n_rows, dataset.roles.time
    need = Need("quantiles", (time,) if time is not None else ())
    needs = () if time is None else (need,)
    measured = engine.fold(dataset, Measurement(dataset.schema, needs)) if rows is None or needs else Measured(rows)
    most = max(CELLS // len(dataset.schema), LEAST_STRETCHES)
    stretches = min(STRETCHES, most, measured.rows // ROWS_IN_STRETCH)
    if stretches < 2 or time is None:
        return Cut(max(stretches, 0), measured.rows, seed)
    found = measured.states[need].many([place / stretches for place in range(1, stretches)])
    if found is None:
        return Cut(stretches, measured.rows, seed)
    edges = pl.Series(found).cast(pl.Int64).cast(dataset.schema[time]).to_list()
    return Cut(stretches, measured.rows, seed, time, tuple(edges))


def _profiling(dataset: Dataset, cut: Cut) -> dict[Part, list[tuple[int, Measurement]]]:
    """Return what is measured of each part in the first scan: a profile; the order of instants only of the whole."""
    needs = (*profile_needs(dataset.schema), *(Need("counts", (name,)) for name in dataset.schema))
    profile = Measurement(dataset.schema, tuple(need for need in needs if need.state != "order"))
    order = Measurement(dataset.schema, tuple(need for need in needs if need.state == "order"))
    wanted: dict[Part, list[tuple[int, Measurement]]] = {
        ("stretch", place): [(PROFILE, profile)] for place in range(cut.stretches)
    }
    wanted |= {("group", group): [(PROFILE, profile)] for group in range(GROUPS) if cut.stretches}
    whole = order if cut.stretches else Measurement(dataset.schema, needs)
    return wanted | {(WHOLE, 0): [(PROFILE, whole)]}


def _learned(dataset: Dataset, parts: Parts, cut: Cut, *, now: datetime) -> Learned:
    """Return the profile of all rows, and of the stretches."""
    seen = from_measured(dataset, parts.measured[(WHOLE, 0), PROFILE])
    stretches = _profiles(dataset, parts, [("stretch", place) for place in range(cut.stretches)])
    whole = seen
    if stretches:
        joined = reduce(Profile.merge, stretches).columns
        columns = {
            name: msgspec.structs.replace(column, order=seen.columns[name].order) for name, column in joined.items()
        }
        whole = msgspec.structs.replace(seen, columns=columns)
    found = {name: values for name, column in whole.columns.items() if (values := stand_ins(column))}
    return Learned(whole, tuple(stretches), dataset.roles, found, now)


def _profiles(dataset: Dataset, parts: Parts, wanted: Iterable[Part]) -> list[Profile]:
    return [from_measured(dataset, parts.measured[part, PROFILE]) for part in wanted]


def _trials(dataset: Dataset, parts: Parts, learned: Learned) -> list[tuple[tuple[Part, ...], Suite]]:
    """Return the parts to be judged, each with the suite that was made from the others."""
    stretches = learned.stretches
    if len(stretches) < 2:
        return []
    before, after = _running(stretches), _running(stretches[::-1])[::-1]
    trials: list[tuple[tuple[Part, ...], Suite]] = []
    for place in range(len(stretches)):
        others = (*stretches[:place], *stretches[place + 1 :])
        sides = (*before[:place][-1:], *after[place + 1 :][:1])
        trials.append(
            ((("stretch", place),), propose(replace(learned, whole=reduce(Profile.merge, sides), stretches=others)))
        )
    groups = _profiles(dataset, parts, [("group", group) for group in range(GROUPS)])
    for half in HALVES:
        rest = [groups[group] for group in range(GROUPS) if group not in half]
        trials.append(
            (tuple(("group", group) for group in half), propose(replace(learned, whole=reduce(Profile.merge, rest))))
        )
    return trials


def _running(profiles: Sequence[Profile]) -> list[Profile]:
    merged = [profiles[0]]
    for profile in profiles[1:]:
        merged.append(merged[-1].merge(profile))
    return merged


def _try(
    proposed: Suite,
    trials: Sequence[tuple[tuple[Part, ...], Suite]],
    parts: Parts,
    *,
    cut: Cut,
    context: Context,
    engine: Engine,
) -> list[Trial]:
    """Return what became of the proposed suite on all rows, and of each trial's suite on its parts, from one scan."""
    known = frozenset(need for (part, _), state in parts.measured.items() if part[0] != WHOLE for need in state.states)
    whole = Tried.of(proposed, _of(context, proposed), known=frozenset(), in_order=True)
    tried = [Tried.of(suite, _of(context, suite), known=known, in_order=False) for _, suite in trials]
    wanted: dict[Part, list[tuple[int, Measurement]]] = {(WHOLE, 0): [(TRIAL, whole.measurement)]}
    for number, ((judged_parts, _), trial) in enumerate(zip(trials, tried, strict=True), start=TRIAL):
        for part in judged_parts:
            wanted.setdefault(part, []).append((number, trial.measurement))
    seen = engine.fold(context.dataset, PartsPlan(cut, wanted))
    judged = [Trial("whole", tuple(results(whole, seen.measured[(WHOLE, 0), TRIAL])))]
    for number, ((judged_parts, _), trial) in enumerate(zip(trials, tried, strict=True), start=TRIAL):
        measured = reduce(Measured.merge, (seen.measured[part, number] for part in judged_parts))
        before = reduce(Measured.merge, (parts.measured[part, PROFILE] for part in judged_parts))
        judged.append(Trial(judged_parts[0][0], tuple(results(trial, measured, known=before)), measured.rows))
    return judged


def _of(context: Context, suite: Suite) -> Context:
    return context_of(suite, context.dataset, Inputs(now=context.now))


def _keys(learned: Learned, context: Context, engine: Engine) -> list[Check]:
    """Return the keys among the candidates, and what follows from one column in every row: asked exactly, in one scan."""
    if learned.whole.rows < LEAST_ROWS:
        return []
    asked = [_key(names) for names in list(key_candidates(learned))[:KEYS]]
    rows = context.dataset.scan().head(PEEK).collect(engine="streaming")
    kinds = {name: kind for name, kind in context.kinds.items() if (name,) not in {check.columns for check in asked}}
    for key, values in determined(rows, kinds):
        asked.append(
            make_check("determines", (key,), {"then": values[0] if len(values) == 1 else list(values), "level": "warn"})
        )
    held = _asked(asked, context, engine)
    return [check for check, holds in zip(asked, held, strict=True) if holds]


def _key(names: tuple[str, ...]) -> Check:
    return make_check("unique", names, True) if len(names) == 1 else make_check("key", names, True)


def _asked(checks: Sequence[Check], context: Context, engine: Engine) -> list[bool]:
    """Return for each check that needs a question whether it holds on all rows."""
    tests = [planned.test for planned in plan_checks(Suite(tuple(checks)), context)]
    questions = [test.question for test in tests if isinstance(test, QuestionTest)]
    answers = iter(engine.ask(context.dataset, questions, others={}) if questions else [])
    held = []
    for check, test in zip(checks, tests, strict=True):
        answer = next(answers) if isinstance(test, QuestionTest) else None
        if answer is None or answer.row is None or not isinstance(test, QuestionTest):
            held.append(False)
            continue
        judged = rows_judged(
            check, test.expected, judged=answer.row["judged"] or 0, failing=answer.row["failing"] or 0, examples=()
        )
        held.append(bool((test.judge(answer) if test.judge is not None else judged).holds))
    return held


_PLACES = ("required", "type_is", "no_missing", "missing_share", "unique")


def _ordered(checks: Iterable[Check], schema: Mapping[str, Any]) -> tuple[Check, ...]:
    """Return the checks in the order of the columns, those of the table last; of a column, what it is before its values."""
    names = list(schema)

    def place(check: Check) -> tuple[int, int]:
        if get_rule(check.rule).on != "column":
            return len(names), 0
        return names.index(check.columns[0]), _PLACES.index(check.rule) if check.rule in _PLACES else len(_PLACES)

    return tuple(sorted(checks, key=place))
