"""The document's data-validation script under 21 faults, and what a suggested suite makes of the same."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from assay.checks.suggest import suggest
from assay.checks.suite import Suite
from assay.data.polars_engine import PolarsEngine
from assay.testing.faults.advice import advised, promised
from assay.testing.faults.candidates import candidate_checks, flow
from assay.testing.faults.fault import Attempt, Caught, Fault
from assay.testing.faults.judges import (
    Judge,
    dataset_of,
    drift_judge,
    function_judge,
    names_of,
    profile_of,
    suite_judge,
)
from assay.testing.faults.runner_checks import run_target
from assay.testing.faults.scoring import results_of, score_of
from testing.faults.document import ALL, BATCH, FAILS, NOW_AND_THEN, SILENT, TRAIN, WARNED, people, script

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SEEDS = 20


def tried(judges: list[Judge], faults: dict[str, Fault], seeds: int) -> dict[str, list[Attempt]]:
    """Return the attempts of each fault, by its story; those of the clean runs under an empty one."""
    told = [
        msgspec.structs.replace(fault, seed=s, source=story) for story, fault in faults.items() for s in range(seeds)
    ]
    found: dict[str, list[Attempt]] = {}
    for attempt in run_target(judges, lambda s: people(BATCH, 1000 + s), told, clean=seeds):
        found.setdefault(attempt.fault.source if attempt.fault else "", []).append(attempt)
    return found


@pytest.fixture(scope="module")
def by_script() -> dict[str, list[Attempt]]:
    return tried([function_judge(script(TRAIN), name="data_validation")], ALL, SEEDS)


def share(attempts: list[Attempt], *kinds: Caught) -> float:
    return sum(one.caught in kinds for one in attempts) / len(attempts)


def test_there_are_21_faults():
    assert len(ALL) == 21
    assert [len(group) for group in (FAILS, WARNED, SILENT, NOW_AND_THEN)] == [5, 3, 11, 2]


@pytest.mark.parametrize("story", FAILS)
def test_five_faults_stop_the_script(by_script: dict[str, list[Attempt]], story: str):
    assert share(by_script[story], Caught.ASSERTION, Caught.CRASH) == 1


def test_one_of_the_five_is_a_crash_that_nobody_asserted(by_script: dict[str, list[Attempt]]):
    crashed = [story for story in FAILS if by_script[story][0].caught is Caught.CRASH]

    assert crashed == ["age as a text"]
    assert by_script["age as a text"][0].why.startswith("TypeError")


@pytest.mark.parametrize("story", WARNED)
def test_three_faults_are_only_warned_of(by_script: dict[str, list[Attempt]], story: str):
    # A warning that the clean batch of the same seed brings too is none of the fault's: some attempts survive so.
    assert share(by_script[story], Caught.WARNING) >= 0.8
    assert not any(one.caught.counts for one in by_script[story])


@pytest.mark.parametrize("story", SILENT)
def test_eleven_faults_pass_in_silence_an_empty_batch_among_them(by_script: dict[str, list[Attempt]], story: str):
    assert share(by_script[story], Caught.SURVIVED) >= 0.9


def test_the_script_scores_four_of_21(by_script: dict[str, list[Attempt]]):
    attempts = [one for group in by_script.values() for one in group]

    score = score_of(results_of(attempts), attempts)

    assert (score.caught, score.survived, score.excluded) == (4, 17, 0)
    assert Counter(one.caught for one in by_script[""]).keys() <= {Caught.SURVIVED, Caught.WARNING}


def test_a_suggested_suite_beside_drift_catches_most_and_alarms_in_no_clean_run():
    suite = suggest(dataset_of(TRAIN), engine=PolarsEngine(), now=NOW, rng=np.random.default_rng(0))
    judges = [suite_judge(suite, now=NOW), drift_judge(TRAIN, now=NOW)]

    found = tried(judges, ALL, 5)

    attempts = [one for group in found.values() for one in group]
    score = score_of(results_of(attempts), attempts)
    missed = [story for story, group in found.items() if story and share(group, Caught.CHECK) < 0.8]
    assert score.alarms.value == 0
    # No data shows these: columns that know nothing of each other, small shifts and few rows on a batch of 100, and rows that
    # the reference would let come twice, or not at all.
    assert set(missed) <= {
        "incomes are a tenth higher", "M and F change places", "incomes are shuffled", "older rows come again",
        "half of the rows come twice", "the batch is empty", "three rows arrive", "some missing incomes are -1",
    }  # fmt: skip
    assert score.caught >= 13


def test_the_advice_for_what_the_suite_misses_leaves_four_that_no_check_of_a_hundred_rows_can_see():
    suite = suggest(dataset_of(TRAIN), engine=PolarsEngine(), now=NOW, rng=np.random.default_rng(0))
    found = tried([suite_judge(suite, now=NOW), drift_judge(TRAIN, now=NOW)], ALL, 5)
    results = results_of([one for group in found.values() for one in group])
    known = profile_of(TRAIN)
    checks = candidate_checks(TRAIN, known, rows=BATCH, now=NOW)
    texts = {names_of("advice", (check,))[0]: flow(check) for check in checks}
    judge = suite_judge(Suite(checks, "advice"), now=NOW, reference=known, name="advice")

    told = advised(results, judge, texts, lambda s: people(BATCH, 1000 + s))

    assert {one.source for one in told if one.least is None and one.advised is None} == {
        "incomes are a tenth higher", "M and F change places", "incomes are shuffled", "older rows come again",
    }  # fmt: skip
    assert next(one.advice for one in told if one.source == "the batch is empty").startswith("table: {row_count: [80,")
    assert score_of(promised(told), ()).caught == 17
