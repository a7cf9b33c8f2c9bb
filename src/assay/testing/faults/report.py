"""What became of the faults as findings: one outcome for each operator on each column, the score, the clean runs, and tables."""

from __future__ import annotations

from collections.abc import Sequence

from assay.testing.faults.advice import promised
from assay.testing.faults.fault import Attempt, Caught, Result
from assay.testing.faults.plan import LeftOut
from assay.testing.faults.scoring import Cell, Score, cells_of, is_harmless, results_of, score_of
from assay.testing.faults.table import OPERATORS
from assay.verdict import Estimate, Exhibit, Findings, Outcome, Provenance, Verdict

__all__ = ["ALARMS", "FAMILY", "findings_of"]

FAMILY = "faults"
ALARMS = 0.05
_EXCLUDED = (Caught.NO_EFFECT, Caught.NOT_APPLICABLE, Caught.FAILED, Caught.NOT_RUN)
_SAID = {
    Caught.CRASH: "nothing asserted it: it crashed",
    Caught.WARNING: "it was only warned of",
    Caught.FLAKY: "it was caught in fewer than 80 % of the seeds",
    Caught.SURVIVED: "nothing noticed it",
    Caught.NO_EFFECT: "it changed nothing",
    Caught.NOT_APPLICABLE: "it cannot be made here",
    Caught.FAILED: "it could not be injected",
    Caught.NOT_RUN: "it was not run",
}


def findings_of(
    attempts: Sequence[Attempt], *, subject: str, provenance: Provenance, results: Sequence[Result] = (), names: Sequence[str] = (),
    at_least: float | None = None, left_out: Sequence[LeftOut] = (),
) -> Findings:  # fmt: skip
    """Return attempts as findings about the tests: what was caught, from which severity on, by what, and what survived.

    `results` are those of the attempts with their harm and advice, where these are known (default: `results_of(attempts)`).
    `names` are all tests and checks that ran. A fault that was caught is PASS; one that survived, was only warned of, crashed, or was
    caught now and then is WARN; one that does no harm, or could not be judged, is skipped, and says why. The score is PASS or
    FAIL by `at_least`, a share; without it, WARN where something survived. 0 of 0 is INCONCLUSIVE. Clean runs that alarm are WARN,
    and FAIL where more than 5 % of such runs surely do.

    >>> from assay.testing.faults.fault import Fault
    >>> tried = [
    ...     Attempt(None, Caught.SURVIVED),
    ...     Attempt(Fault("nulls", "age"), Caught.CHECK, ("suite: no_missing(age)",)),
    ... ]
    >>> found = findings_of(tried, subject="suite", provenance=Provenance("0.1.0", "2026-11-22T13:00:00Z"))
    >>> [outcome.why for outcome in found.outcomes[:2]]
    ['1 of 1 fault was caught', 'none of 1 clean runs alarmed']
    """
    told = tuple(results) or results_of(attempts)
    score = score_of(told, attempts, names=names)
    outcomes = [_score(score, at_least), _clean(score, attempts), *(_result(one) for one in told)]
    exhibits = (
        _faults(told),
        _attempts(attempts),
        _layers(score, told),
        _killers(score),
        _runs(attempts),
        _left_out(left_out),
    )
    return Findings(
        subject, tuple(outcomes), provenance, exhibits=tuple(one for one in exhibits if any(one.columns.values()))
    )


def _score(score: Score, at_least: float | None) -> Outcome:
    expected = f"at least {at_least:g} caught" if at_least is not None else "every fault that does harm is caught"
    share = score.share
    if not isinstance(share.value, int | float):
        return Outcome(
            "faults_caught", "tests", Verdict.INCONCLUSIVE, expected, share, share.why, family=FAMILY, id="score"
        )
    good = share.value >= at_least if at_least is not None else not score.survived
    verdict = Verdict.PASS if good else Verdict.FAIL if at_least is not None else Verdict.WARN
    tried = score.caught + score.survived
    parts = [f"{score.caught} of {tried} fault{'s were' if tried != 1 else ' was'} caught"]
    if len(score.layers) > 1:
        weakest = score.layers[score.weakest]
        parts.append(f"the weakest layer is {score.weakest}, with {float(weakest.value or 0):.2f}")
    parts += [f"{score.harmless} do the model no harm and do not count"] if score.harmless else []
    parts += [f"{score.excluded} could not be judged"] if score.excluded else []
    return Outcome("faults_caught", "tests", verdict, expected, share, "; ".join(parts), family=FAMILY, id="score")


def _clean(score: Score, attempts: Sequence[Attempt]) -> Outcome:
    alarms = score.alarms
    expected = f"at most {ALARMS:g} of clean runs alarm"
    if not isinstance(alarms.value, int | float):
        return Outcome(
            "clean_runs", "tests", Verdict.INCONCLUSIVE, expected, alarms, alarms.why, family=FAMILY, id="clean"
        )
    if not alarms.value:
        verdict, why = Verdict.PASS, f"none of {alarms.n} clean runs alarmed"
    else:
        verdict = Verdict.FAIL if (alarms.low or 0.0) > ALARMS else Verdict.WARN
        first = next(one for one in attempts if one.fault is None and (one.caught.counts or one.caught is Caught.CRASH))
        why = f"{round(alarms.value * alarms.n)} of {alarms.n} clean runs alarmed, first {first.by[0] if first.by else ''}: {first.why}"
    return Outcome("clean_runs", "tests", verdict, expected, alarms, why, family=FAMILY, id="clean")


def _result(one: Result) -> Outcome:
    named = ", ".join(part for part in (one.column, one.source) if part)
    subject = f"{one.operator}({named})" if named else one.operator
    operator = OPERATORS[one.operator]
    expected = operator.title
    share = _share(one)
    verdict, why, note = Verdict.WARN, _SAID.get(one.caught, ""), ""
    if one.least is not None:
        by = _names(one)
        verdict, why = (
            Verdict.PASS,
            f"caught from {one.least:g} on ({operator.unit}), by {by[0] if by else 'nothing named'}",
        )
        why += f" and {len(by) - 1} more" if len(by) > 1 else ""
    elif one.caught in _EXCLUDED:
        verdict = Verdict.SKIP
        why += _why(one)
    elif is_harmless(one):
        verdict, why = Verdict.SKIP, f"{why}, and it does the model no measurable harm"
    else:
        why += _why(one) if one.caught is not Caught.SURVIVED else f" up to {_strongest(one):g} ({operator.unit})"
        note = (
            f"this catches it from {one.advised:g} on: {one.advice}"
            if one.advised is not None
            else f"what can catch it: {operator.caught_by}"
        )
    return Outcome(
        "fault",
        subject,
        verdict,
        expected,
        share,
        why,
        family=FAMILY,
        id=f"fault.{one.source}.{one.operator}.{one.column}",
        note=note,
    )


def _strongest(one: Result) -> float:
    return max((a.fault.severity for a in one.attempts if a.fault is not None), key=abs, default=0.0)


def _why(one: Result) -> str:
    told = next((a.why for a in reversed(one.attempts) if a.why), "")
    return f": {told}" if told else ""


def _names(one: Result) -> tuple[str, ...]:
    """Return what caught a result, in the order in which it noticed the least severity that was caught."""
    those = [a for a in one.attempts if a.caught.counts and a.fault is not None and a.fault.severity == one.least]
    return tuple(dict.fromkeys(name for a in those for name in a.by))


def _share(one: Result) -> Estimate | None:
    """Return in which share of its seeds a result was caught: at the least severity that was, else at the strongest."""
    at = one.least if one.least is not None else _strongest(one)
    return next((cell.share for cell in cells_of(one.attempts) if cell.severity == at and cell.share.n), None)


# Tables ---------------------------------------------------------------------------------------------------------------


def _faults(results: Sequence[Result]) -> Exhibit:
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "operator": tuple(one.operator for one in results),
        "title": tuple(OPERATORS[one.operator].title for one in results),
        "column": tuple(one.column for one in results),
        "source": tuple(one.source for one in results),
        "layer": tuple(one.layer for one in results),
        "caught": tuple("harmless" if one.least is None and is_harmless(one) else one.caught.value for one in results),
        "least": tuple(one.least for one in results),
        "unit": tuple(OPERATORS[one.operator].unit for one in results),
        "by": tuple("; ".join(_names(one)) for one in results),
        "harm": tuple(one.harm for one in results),
        "harm_low": tuple(one.harm_low for one in results),
        "harm_high": tuple(one.harm_high for one in results),
        "advice": tuple(one.advice for one in results),
        "advised": tuple(one.advised for one in results),
        "caught_by": tuple(OPERATORS[one.operator].caught_by for one in results),
    }
    return Exhibit("faults", "Faults, and what caught them", columns)


def _attempts(attempts: Sequence[Attempt]) -> Exhibit:
    cells: Sequence[Cell] = cells_of(attempts)
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "operator": tuple(one.operator for one in cells),
        "column": tuple(one.column for one in cells),
        "source": tuple(one.source for one in cells),
        "severity": tuple(one.severity for one in cells),
        "seeds": tuple(one.share.n for one in cells),
        "share": tuple(one.share.value for one in cells),
        "low": tuple(one.share.low for one in cells),
        "high": tuple(one.share.high for one in cells),
        "caught": tuple(one.kind.value for one in cells),
        "by": tuple("; ".join(one.by[:5]) for one in cells),
        "first": tuple(one.first for one in cells),
        "seconds": tuple(round(one.seconds, 4) for one in cells),
        "why": tuple(one.why for one in cells),
    }
    note = "Share of the seeds in which a severity was caught, with Wilson's interval at 95 %; first: the place, from 0, of what caught it."
    return Exhibit("fault_attempts", "Each severity", columns, note=note)


def _layers(score: Score, results: Sequence[Result]) -> Exhibit:
    """Return the score of the whole and of each layer, now and with all advice taken."""
    after = score_of(promised(results), ())
    rows = [
        ("all", score.share, after.share),
        *((name, score.layers[name], after.layers[name]) for name in score.layers),
    ]
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "layer": tuple(name for name, _, _ in rows),
        "value": tuple(now.value for _, now, _ in rows),
        "low": tuple(now.low for _, now, _ in rows),
        "high": tuple(now.high for _, now, _ in rows),
        "n": tuple(now.n for _, now, _ in rows),
        "promised": tuple(then.value for _, _, then in rows),
        "why": tuple(now.why for _, now, _ in rows),
    }
    note = "Caught ÷ (caught + survived), of operators on columns; promised is what it is once all advice is taken."
    return Exhibit("fault_layers", "Score by layer", columns, note=note)


def _killers(score: Score) -> Exhibit:
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "check": tuple(one.name for one in score.killers),
        "kills": tuple(one.kills for one in score.killers),
        "unique": tuple(one.unique for one in score.killers),
        "alarms": tuple(one.alarms for one in score.killers),
    }
    note = (
        "Kills: faults that it catches; unique: those that nothing else catches; alarms: clean runs in which it failed."
    )
    return Exhibit("fault_killers", "Tests and checks, and what they catch", columns, note=note)


def _runs(attempts: Sequence[Attempt]) -> Exhibit:
    clean = [one for one in attempts if one.fault is None]
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "run": tuple(range(len(clean))),
        "outcome": tuple("green" if one.caught is Caught.SURVIVED else one.caught.value for one in clean),
        "by": tuple("; ".join(one.by[:5]) for one in clean),
        "why": tuple(one.why for one in clean),
        "ran": tuple(one.ran for one in clean),
        "seconds": tuple(round(one.seconds, 4) for one in clean),
    }
    return Exhibit("fault_clean", "Runs without a fault", columns)


def _left_out(left_out: Sequence[LeftOut]) -> Exhibit:
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "operator": tuple(one.operator for one in left_out),
        "column": tuple(one.column for one in left_out),
        "why": tuple(one.why for one in left_out),
    }
    return Exhibit("faults_left_out", "What was not tried", columns)
