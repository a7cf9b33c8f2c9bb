"""Judging estimates: a verdict falls only where the whole interval lies on one side of the bound."""

from __future__ import annotations

import pytest

from assay.errors import UsageError
from assay.evaluation.bounds import Bound
from assay.evaluation.estimation.estimates import Condition, Estimated, Estimation
from assay.evaluation.estimation.judging import judged
from assay.verdict import Estimate, Outcome, Verdict

HELD = Condition("enough labels", True, "the rarest class has 900 rows in the reference")
UNKNOWN = Condition("no concept drift", None, "only labels can tell")
BROKEN = Condition("complete rows", False, "40 of 100 rows have no score or prediction; at most 5% may")


def estimation(
    low: float, value: float, high: float, *conditions: Condition, metric: str = "auc", before: float = 0.8
) -> Estimation:
    seen = Estimate(value, n=500, low=low, high=high, confidence=0.95)
    reference = Estimate(before, n=9000, low=before - 0.01, high=before + 0.01, confidence=0.95)
    return Estimation("binary", 500, 9000, 0.95, (Estimated(metric, seen, reference),), conditions or (HELD, UNKNOWN))


def outcome(seen: Estimation, bound: Bound, **more: str) -> Outcome:
    return judged(seen, bounds={seen.metrics[0].metric: bound}, **more)[0]


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ((0.73, 0.75, 0.77), Verdict.PASS),  # all above 0.72 = 0.80 less 10 %
        ((0.7201, 0.75, 0.77), Verdict.PASS),
        ((0.71, 0.75, 0.77), Verdict.INCONCLUSIVE),
        ((0.66, 0.68, 0.73), Verdict.INCONCLUSIVE),
        ((0.66, 0.68, 0.71), Verdict.FAIL),
    ],
)
def test_an_auc_that_may_be_worse_by_a_tenth(ends: tuple[float, float, float], verdict: Verdict):
    found = outcome(estimation(*ends), Bound(worse_at_most=0.10))

    assert found.verdict is verdict
    assert found.expected == "at least 0.72, 0.1 of the reference's 0.8 worse"


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ((38, 40, 44), Verdict.PASS),
        ((38, 40, 45), Verdict.INCONCLUSIVE),
        ((45, 47, 49), Verdict.FAIL),
    ],
)
def test_an_error_is_worse_where_it_is_greater(ends: tuple[float, float, float], verdict: Verdict):
    found = outcome(estimation(*ends, metric="mae", before=40), Bound(worse_at_most=0.10))

    assert found.verdict is verdict
    assert found.expected == "at most 44, 0.1 of the reference's 40 worse"


def test_both_ends_may_be_bounded():
    seen = estimation(0.6, 0.7, 0.8)

    assert outcome(seen, Bound(at_least=0.5, at_most=0.9)).verdict is Verdict.PASS
    assert outcome(seen, Bound(at_least=0.5, at_most=0.55)).verdict is Verdict.FAIL
    assert outcome(seen, Bound(at_least=0.7, at_most=0.9)).verdict is Verdict.INCONCLUSIVE


def test_a_failing_metric_may_only_warn():
    assert outcome(estimation(0.6, 0.65, 0.7), Bound(at_least=0.75), level="warn").verdict is Verdict.WARN


def test_a_condition_that_does_not_hold_leaves_the_metric_inconclusive_whatever_it_is():
    found = judged(estimation(0.60, 0.62, 0.65, BROKEN), bounds={"auc": Bound(worse_at_most=0.10)})

    assert [(o.check, o.subject, o.verdict) for o in found] == [
        ("estimated_performance", "auc", Verdict.INCONCLUSIVE),
        ("estimation_condition", "complete rows", Verdict.INCONCLUSIVE),
    ]
    assert found[0].why.startswith("complete rows does not hold: 40 of 100 rows have no score")


def test_a_condition_that_only_labels_can_tell_is_said_and_stops_nothing():
    found = judged(estimation(0.78, 0.8, 0.82), bounds={"auc": Bound(worse_at_most=0.10)})

    assert [(o.subject, o.verdict) for o in found] == [
        ("auc", Verdict.PASS),
        ("enough labels", Verdict.PASS),
        ("no concept drift", Verdict.SKIP),
    ]


def test_an_undefined_metric_is_inconclusive():
    seen = Estimated("precision", Estimate(None, n=50, why="no row is predicted positive"), Estimate(0.7, n=900))

    found = judged(Estimation("binary", 50, 900, 0.95, (seen,)), bounds={"precision": Bound(at_least=0.5)})[0]

    assert (found.verdict, found.why) == (
        Verdict.INCONCLUSIVE,
        "it is undefined: no row is predicted positive; the reference has 0.7",
    )


def test_a_reference_without_the_metric_gives_no_bound():
    seen = Estimated("recall", Estimate(0.5, n=50, low=0.4, high=0.6), Estimate(None, n=0, why="no row is positive"))

    found = judged(Estimation("binary", 50, 0, 0.95, (seen,)), bounds={"recall": Bound(worse_at_most=0.1)})[0]

    assert found.verdict is Verdict.INCONCLUSIVE
    assert (
        found.why == "the bound is undefined on the reference: no row is positive; on the reference: no row is positive"
    )


def test_without_a_bound_nothing_is_judged():
    found = judged(estimation(0.6, 0.7, 0.8), bounds={})[0]

    assert (found.verdict, found.expected, found.observed.value) == (Verdict.SKIP, "", 0.7)


def test_the_reference_stands_beside_with_its_interval():
    found = outcome(estimation(0.78, 0.8, 0.82), Bound(at_least=0.7))

    assert found.why == "all of 0.8 [0.78, 0.82] keeps the bound; the reference has 0.8 [0.79, 0.81]"


def test_a_bound_on_what_was_not_estimated_is_refused():
    with pytest.raises(UsageError, match=r"there is a bound on 'acu', which was not estimated; did you mean 'auc'\?"):
        judged(estimation(0.6, 0.7, 0.8), bounds={"acu": Bound(at_least=0.7)})


def test_an_empty_bound_is_refused():
    with pytest.raises(UsageError, match="the bound is empty; give at_least, at_most or worse_at_most"):
        Bound()


@pytest.mark.parametrize("more", [{"worse_at_most": -0.1}, {"worse_at_most": 0.1, "at_least": 0.5}])
def test_a_share_of_the_reference_is_positive_and_stands_alone(more: dict[str, float]):
    with pytest.raises(UsageError, match="it is a share of 0 or more, and stands alone"):
        Bound(**more)
