"""A challenge decides by whole intervals, says for whom it is worse, and never passes what is undefined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from assay.errors import UsageError
from assay.evaluation.challenge.challenge import challenge
from assay.evaluation.challenge.policy import Policy
from assay.evaluation.trial import Part
from assay.verdict import Outcome, Verdict, conclude
from evaluation.challenge.rivals import a_trial, rivals, two_classes


def decision(part: Part, name: str = "new") -> Outcome:
    return next(outcome for outcome in part.outcomes if outcome.subject == name)


def condition(part: Part, name: str) -> Outcome:
    return next(outcome for outcome in part.outcomes if outcome.subject == f"{name} of new")


def test_a_better_challenger_takes_the_place(rng: np.random.Generator):
    champion, challenger = rivals(rng, old=0.7, new=1.4)

    part = challenge(champion, {"new": challenger}, Policy())

    assert decision(part).verdict is Verdict.PASS
    assert "auc is better by" in decision(part).why


def test_a_worse_challenger_fails(rng: np.random.Generator):
    champion, challenger = rivals(rng, old=1.4, new=0.7)

    assert decision(challenge(champion, {"new": challenger}, Policy())).verdict is Verdict.FAIL


def test_the_same_model_again_fails_with_nothing_to_gain(rng: np.random.Generator):
    champion, _ = rivals(rng)

    part = challenge(champion, {"new": champion}, Policy())

    assert condition(part, "lift").verdict is Verdict.FAIL
    assert "nothing to gain" in condition(part, "lift").why


def test_a_lift_that_the_rows_cannot_tell_says_how_many_would():
    champion, challenger = rivals(np.random.default_rng(1), 300, old=1.0, new=1.05)

    outcome = condition(challenge(champion, {"new": challenger}, Policy()), "lift")

    assert outcome.observed is not None
    assert outcome.observed.low < 0 < outcome.observed.high
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "rows like these would tell" in outcome.why


def test_a_challenger_that_is_better_on_average_and_worse_in_a_slice_fails(rng: np.random.Generator):
    champion, challenger = rivals(rng, 4000, old=0.8, new=1.6, groups=True)
    city = champion.rows.frame.get_column("city").to_numpy()
    score = np.log(challenger.rows.positive / (1 - challenger.rows.positive))
    broken = np.where(city == "c", rng.normal(size=4000), score)  # it knows nothing of the city c
    worse = replace(challenger, rows=two_classes(champion.rows.labels, broken, champion.rows.frame))

    part = challenge(champion, {"new": worse}, Policy(no_slice_worse_than=0.02))

    assert condition(part, "lift").verdict is Verdict.PASS
    assert condition(part, "slices").verdict is Verdict.FAIL
    assert "city = 'c'" in condition(part, "slices").why
    first = next(e for e in part.exhibits if e.name == "slice_changes")
    assert first.columns["slice"][0] == "city = 'c'"


def test_no_slice_is_called_worse_where_both_are_alike_in_all(rng: np.random.Generator):
    runs, alarms = 60, 0
    for _ in range(runs):
        champion, challenger = rivals(rng, 800, groups=True)
        part = challenge(champion, {"new": challenger}, Policy(no_slice_worse_than=0.0))
        alarms += condition(part, "slices").verdict is Verdict.FAIL

    assert alarms <= stats.binom.ppf(0.9995, runs, 0.05)


def test_equally_good_challengers_are_put_forward_as_rarely_as_stated(rng: np.random.Generator):
    runs, won = 200, 0
    for _ in range(runs):
        champion, one = rivals(rng, 200)
        labels = champion.rows.labels
        other = a_trial(two_classes(labels, 2 * labels - 1 + rng.normal(size=200)), rng)
        part = challenge(champion, {"one": one, "other": other}, Policy(metric="auc"))
        won += conclude(o.verdict for o in part.outcomes) is Verdict.PASS

    # one of two sides of 5 %, shared by the two challengers
    assert won <= stats.binom.ppf(0.9995, runs, 0.025)


def test_of_several_the_best_that_passes_leads_and_the_others_are_shown_beside(rng: np.random.Generator):
    champion, good = rivals(rng, old=0.6, new=1.2)
    labels = champion.rows.labels
    better = a_trial(two_classes(labels, 2.0 * (2 * labels - 1) + rng.normal(size=2000)), rng)

    part = challenge(champion, {"good": good, "better": better}, Policy())

    assert part.outcomes[0].subject == "better"
    assert part.outcomes[0].verdict is Verdict.PASS
    assert decision(part, "good").verdict is Verdict.SKIP
    assert decision(part, "good").why.startswith("pass:")


def test_a_metric_that_is_undefined_never_passes(rng: np.random.Generator):
    labels = np.zeros(200, dtype=np.int64)
    champion, challenger = (a_trial(two_classes(labels, rng.normal(size=200)), rng) for _ in range(2))

    part = challenge(champion, {"new": challenger}, Policy(metric="auc"))

    assert decision(part).verdict is Verdict.INCONCLUSIVE
    assert "undefined" in decision(part).why


def test_a_margin_lets_another_metric_be_a_little_worse(rng: np.random.Generator):
    champion, challenger = rivals(rng, old=1.0, new=1.3)

    loose = challenge(champion, {"new": challenger}, Policy(not_worse_by={"accuracy": 0.2}))
    swapped = challenge(challenger, {"new": champion}, Policy(not_worse_by={"accuracy": 0.0}))

    assert condition(loose, "margin of accuracy").verdict is Verdict.PASS
    assert condition(swapped, "margin of accuracy").verdict is Verdict.FAIL


def test_latency_cannot_be_judged_where_no_model_is_at_hand(rng: np.random.Generator):
    champion, challenger = rivals(rng, old=0.7, new=1.4)

    part = challenge(champion, {"new": challenger}, Policy(latency_at_most="50ms"))

    assert condition(part, "latency").verdict is Verdict.INCONCLUSIVE
    assert "not at hand" in condition(part, "latency").why


def test_a_bound_on_flips_is_judged_by_its_interval(rng: np.random.Generator):
    champion, challenger = rivals(rng, old=0.7, new=1.4)

    part = challenge(champion, {"new": challenger}, Policy(flips_at_most=0.01))

    assert condition(part, "flips").verdict is Verdict.FAIL


def test_other_rows_are_refused_with_the_first_that_differs(rng: np.random.Generator):
    champion, challenger = rivals(rng, 100)
    labels = champion.rows.labels.copy()
    labels[7] = 1 - labels[7]
    other = replace(challenger, rows=replace(challenger.rows, labels=labels))

    with pytest.raises(UsageError, match="row 7"):
        challenge(champion, {"new": other}, Policy())


def test_a_challenge_without_a_challenger_is_an_error(rng: np.random.Generator):
    champion, _ = rivals(rng, 100)

    with pytest.raises(UsageError, match="no challenger"):
        challenge(champion, {}, Policy())


def test_slices_may_be_named(rng: np.random.Generator):
    from assay.evaluation.slicing.settings import SliceSettings

    champion, challenger = rivals(rng, 600, groups=True)
    part = challenge(champion, {"new": challenger}, Policy(slices=SliceSettings(where={"first": "city = 'a'"})))

    (changes,) = [e for e in part.exhibits if e.name == "slice_changes"]
    assert len(changes.columns["slice"]) == 1
    assert changes.columns["n"][0] == int((champion.rows.frame["city"] == "a").sum())


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"lift_at_least": -0.1}, "lift_at_least"),
        ({"not_worse_by": {"f1": -1.0}}, "f1"),
        ({"min_rows": 1}, "min_rows"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(told: dict[str, object], said: str):
    with pytest.raises(ValueError, match=said):
        Policy(**told)  # type: ignore[arg-type]


def test_frames_of_predictions_are_read_as_tables(rng: np.random.Generator):
    champion, challenger = rivals(rng, 300)

    part = challenge(champion, {"new": challenger}, Policy())

    table = pl.DataFrame(next(e for e in part.exhibits if e.name == "challenge").columns)
    assert table.filter(pl.col("metric") == "auc").height == 1
    assert table.filter(pl.col("metric") == "accuracy").get_column("adjusted").to_list() == [None]


def test_models_that_tell_other_classes_are_refused_by_their_names(rng: np.random.Generator):
    champion, challenger = rivals(rng, 100)
    other = replace(challenger, rows=replace(challenger.rows, classes=("no", "yes")))

    with pytest.raises(UsageError, match="knows the classes 0, 1, new no, yes"):
        challenge(champion, {"new": other}, Policy())
