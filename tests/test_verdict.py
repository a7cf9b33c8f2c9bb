"""The verdict scale, and what a command answers."""

import pytest

from assay.verdict import Findings, Outcome, Provenance, Verdict, conclude, exit_code, joined

ORIGIN = Provenance("0.1.0", "2026-01-01T00:00:00+00:00")


def findings(*verdicts, subject="flights"):
    return Findings(subject, tuple(Outcome("between", "age", verdict) for verdict in verdicts), ORIGIN)


def test_the_scale_runs_from_skip_to_error():
    assert sorted(Verdict, key=lambda v: v.rank) == [
        Verdict.SKIP, Verdict.PASS, Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR,
    ]  # fmt: skip


def test_the_worst_verdict_is_the_conclusion():
    assert conclude([Verdict.PASS, Verdict.FAIL, Verdict.WARN]) is Verdict.FAIL


def test_an_error_outweighs_a_failure():
    assert conclude([Verdict.FAIL, Verdict.ERROR]) is Verdict.ERROR


@pytest.mark.parametrize("verdicts", [[], [Verdict.SKIP], [Verdict.SKIP, Verdict.SKIP]])
def test_nothing_judged_is_inconclusive(verdicts):
    assert conclude(verdicts) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.PASS, 0),
        (Verdict.WARN, 0),
        (Verdict.FAIL, 1),
        (Verdict.INCONCLUSIVE, 3),
        (Verdict.ERROR, 3),
        (Verdict.SKIP, 3),
    ],
)
def test_only_pass_and_warn_let_a_pipeline_go_on(verdict, code):
    assert exit_code(verdict) == code
    assert bool(findings(verdict)) is (code == 0)


def test_empty_findings_are_inconclusive_and_false():
    assert findings().verdict is Verdict.INCONCLUSIVE
    assert not findings()


def test_joined_findings_are_as_bad_as_the_worst():
    both = joined([findings(Verdict.PASS), findings(Verdict.FAIL, subject="weather")])

    assert both.verdict is Verdict.FAIL
    assert [outcome.subject for outcome in both.outcomes] == ["flights: age", "weather: age"]


def test_joining_nothing_is_an_error():
    with pytest.raises(ValueError, match="no findings to join"):
        joined([])
